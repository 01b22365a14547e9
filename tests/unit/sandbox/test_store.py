"""A large organisation is made where it is read, and answers as one that holds every record would."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import pytest

from durable_sandbox import blocks, ids
from durable_sandbox.errors import ApiError
from durable_sandbox.evaluate import Selection, evaluate
from durable_sandbox.generate import Row
from durable_sandbox.objects import Field
from durable_sandbox.render import csv_bytes, truth_lines
from durable_sandbox.soql import parse
from durable_sandbox.store import Store, Table

NOW = datetime(2026, 2, 1, tzinfo=UTC)
STORE = Store(rows=13_000, seed=11)
CONTACTS = STORE.tables["contact"]


def run(text: str, store: Store = STORE, deleted_too: bool = True) -> Selection:
    return evaluate(parse(text), store, NOW, deleted_too)


def found(text: str, store: Store = STORE, deleted_too: bool = True) -> list[str]:
    return [row[0] for row in run(text, store, deleted_too).rows]


def matching(test: Callable[[dict[str, str]], bool], table: Table = CONTACTS) -> list[str]:
    """The Ids of the records that pass, by looking at every one of them."""
    names = list(table.kind.positions)
    return [row[0] for row in table.rows if test(dict(zip(names, row, strict=True)))]


def store(rows: int = 300, seed: int = 2) -> tuple[Store, Table]:
    made = Store(rows=rows, seed=seed)
    return made, made.tables["contact"]


def column(table: Table, name: str) -> list[str]:
    return [row[table.kind.positions[name]] for row in table.rows]


def changed(table: Table, row: Row, **values: str) -> Row:
    return tuple(values.get(name, old) for name, old in zip(table.kind.positions, row, strict=True))


# Blocks


def test_the_records_of_a_seed_are_the_same_bytes_on_every_machine_and_day() -> None:
    sample = [list(CONTACTS.rows[place : place + 40]) for place in (0, 9_990, 11_980, 12_960)]
    digest = hashlib.sha256(json.dumps(sample).encode()).hexdigest()
    assert digest == "8f7531b7a26147ce9940c5dca2c9f5610e91ad32dad39fb561c8345bd8e2e9cc"


def test_a_record_is_the_same_however_it_is_reached() -> None:
    everything = list(CONTACTS.rows)
    assert len(everything) == len(CONTACTS) == 13_000
    again = Store(rows=13_000, seed=11).tables["contact"]
    for place in random.Random(1).sample(range(13_000), 25):
        assert again.get(everything[place][0]) == everything[place] == again.rows[place]


def test_a_larger_organisation_begins_with_the_records_of_a_smaller_one_but_for_their_parents() -> None:
    smaller = Store(rows=12_000, seed=11).tables["contact"]
    places = [place for item, place in CONTACTS.kind.positions.items() if not item.endswith("Id")]
    for ours, theirs in zip(CONTACTS.rows[10_000:12_000], smaller.rows[10_000:], strict=True):
        assert [ours[place] for place in places] == [theirs[place] for place in places]


def test_few_records_are_held_at_once() -> None:
    cache = blocks.Cache(budget=200_000)
    base = blocks.Base(CONTACTS.kind, 40_000, 1, "x", STORE.pools, {}, cache)
    for block in range(base.blocks):
        base.columns(block, ["Id", "Phone"])
        assert len(cache.drafts) <= 2
    assert cache.held == sum(cache.sizes.values())


def test_an_id_tells_its_number_and_a_wrong_checksum_none() -> None:
    made = ids.make("003", 1_000_000)
    assert ids.number_of("003", made) == 1_000_000
    assert ids.number_of("003", made[:17] + ("A" if made[17] != "A" else "B")) is None
    assert [ids.number_of("003", text) for text in ("", "003", "003Hs00000000é1", "001Hs0000000001MAA")] == [None] * 4
    assert list(ids.IdRange("003", 5, 3)) == [ids.make("003", number) for number in (5, 6, 7)]


def test_every_block_has_deleted_records_shared_stamps_and_parents_that_exist() -> None:
    accounts = set(STORE.tables["account"].ids)
    places = CONTACTS.kind.positions
    for start in range(3_000, 13_000, 5_000):
        rows = CONTACTS.rows[start : start + 5_000]
        parents = [row[places["AccountId"]] for row in rows]
        stamps = [row[places["SystemModstamp"]] for row in rows]
        assert 20 <= sum(row[places["IsDeleted"]] == "true" for row in rows) <= 90
        assert Counter(stamps).most_common(1)[0][1] >= 50
        assert {parent for parent in parents if parent} <= accounts
        assert 90 <= parents.count("") <= 220


# Queries over blocks


@pytest.mark.parametrize(
    ("where", "test"),
    [
        ("SystemModstamp < 2026-06-01T00:00:00Z", lambda row: True),
        ("SystemModstamp >= 2026-01-04T00:00:00Z", lambda row: False),
        (
            "SystemModstamp >= 2025-03-01T00:00:00Z AND SystemModstamp < 2025-04-01T00:00:00Z",
            lambda row: "2025-03-01" <= row["SystemModstamp"] < "2025-04-01",
        ),
        (
            "SystemModstamp > 2025-03-01T00:00:00.5Z AND SystemModstamp <= 2025-04-01T00:00:00Z AND Email != null",
            lambda row: (
                "2025-03-01T00:00:00.500Z" < row["SystemModstamp"] <= "2025-04-01T00:00:00.000Z" and row["Email"]
            ),
        ),
        (
            "CreatedDate < 2024-01-01T00:00:00Z AND (Department = 'NA' OR (Phone = null AND Level__c = 'Primary'))",
            lambda row: (
                row["CreatedDate"] < "2024-01-01"
                and (row["Department"].lower() == "na" or (not row["Phone"] and row["Level__c"] == "Primary"))
            ),
        ),
        (
            "Id > '003Hs00000002d5' AND Id <= '003Hs00000003Bz'",
            lambda row: ids.with_checksum("003Hs00000002d5") < row["Id"] <= ids.with_checksum("003Hs00000003Bz"),
        ),
        ("Account.SystemModstamp >= 2025-12-01T00:00:00Z", lambda row: parent(row)["SystemModstamp"] >= "2025-12-01"),
        (
            "Account.Owner.SystemModstamp >= 2025-10-01T00:00:00Z",
            lambda row: owner(row)["SystemModstamp"] >= "2025-10-01",
        ),
        (
            "Account.Industry = null AND LastName LIKE 'N%'",
            lambda row: not parent(row)["Industry"] and row["LastName"][0] in "nN",
        ),
    ],
)
@pytest.mark.parametrize("deleted_too", [True, False])
def test_a_condition_finds_what_looking_at_every_record_finds(
    where: str, test: Callable[[dict[str, str]], bool], deleted_too: bool
) -> None:
    expected = matching(lambda row: bool(test(row)) and (deleted_too or row["IsDeleted"] == "false"))
    chosen = found(f"SELECT Id FROM Contact WHERE {where}", deleted_too=deleted_too)
    assert (len(chosen), chosen == expected) == (len(expected), True)
    counted = run(f"SELECT COUNT() FROM Contact WHERE {where}", deleted_too=deleted_too)
    assert counted.aggregates[0][2] == str(len(expected))


@cache
def records(name: str) -> dict[str, dict[str, str]]:
    table = STORE.tables[name]
    return {row[0]: dict(zip(table.kind.positions, row, strict=True)) for row in table.rows}


def record(name: str, record_id: str) -> dict[str, str]:
    return records(name).get(record_id) or dict.fromkeys(STORE.tables[name].kind.positions, "")


def parent(row: dict[str, str]) -> dict[str, str]:
    return record("account", row["AccountId"])


def owner(row: dict[str, str]) -> dict[str, str]:
    return record("user", parent(row)["OwnerId"])


def test_pages_by_id_meet_without_a_gap() -> None:
    last, seen = "", list[str]()
    while page := found(f"SELECT Id FROM Contact WHERE Id > '{last}' ORDER BY Id LIMIT 4000"):
        seen += page
        last = page[-1]
    assert (len(seen), seen == list(CONTACTS.ids)) == (13_000, True)


def test_hundreds_of_ids_are_looked_up_wherever_they_are() -> None:
    wanted = random.Random(3).sample(list(CONTACTS.ids), 250)
    text = ",".join(f"'{one[:15]}'" for one in [*wanted, "003Hs0000zzzzzz", "nonsense"])
    assert found(f"SELECT Id FROM Contact WHERE Id IN ({text})") == sorted(wanted)
    inside = found(f"SELECT Id FROM Contact WHERE Id IN ({text}) AND Id > '{wanted[0]}' AND Email != null")
    assert inside == [one for one in matching(lambda row: row["Email"] != "") if one in set(wanted) and one > wanted[0]]


def test_an_order_by_stamp_spans_blocks_and_pages_of_it_can_be_read_in_any_order() -> None:
    selection = run("SELECT Id, SystemModstamp FROM Contact ORDER BY SystemModstamp DESC, Id")
    place = CONTACTS.kind.positions["SystemModstamp"]
    later = [row[place] for row in selection.rows[12_000:12_050]]
    everything = sorted(column(CONTACTS, "SystemModstamp"), reverse=True)
    assert later == everything[12_000:12_050]
    assert [row[place] for row in selection.rows[:50]] == everything[:50]


def test_only_the_columns_asked_for_are_made_and_another_cannot_be_taken_for_null() -> None:
    row = run("SELECT Email FROM Contact WHERE Id > '003Hs00000003Bz' LIMIT 1").rows[0]
    with pytest.raises(LookupError, match="was not among those asked for"):
        bool(row[CONTACTS.kind.positions["Phone"]])


# What was selected stays


def test_an_answer_stays_as_it_was_when_records_change_come_and_go() -> None:
    made, table = store()
    selection = run("SELECT Id, LastName, Account.Name FROM Contact", made)
    before = b"".join(csv_bytes(selection.columns, selection.rows, ",", "\n"))
    first, second = table.rows[0], table.rows[1]
    table.put(changed(table, first, LastName="Other"))
    table.put(changed(table, first, Id=ids.make("003", 9_999)))
    table.remove([second[0]])
    accounts = made.tables["account"]
    for row in list(accounts.rows):
        accounts.put(changed(accounts, row, Name="Renamed"))
    table.drop_field(table.kind.by_name["lastname"])
    assert b"".join(csv_bytes(selection.columns, selection.rows, ",", "\n")) == before
    assert len(run("SELECT Id FROM Contact", made).rows) == 300
    today = run("SELECT Id, Account.Name FROM Contact", made)
    assert b"Renamed" in b"".join(csv_bytes(today.columns, today.rows, ",", "\n"))


def test_a_record_that_was_purged_is_gone_and_can_come_back_at_the_end() -> None:
    _, table = store()
    row = table.rows[5]
    table.remove([row[0]])
    assert (table.get(row[0]), len(table)) == (None, 299)
    table.put(row)
    assert (table.get(row[0]), table.rows[-1], len(table)) == (row, row, 300)
    table.remove([row[0], row[0], "003unknown"])
    assert (len(table), len(list(table.ids))) == (299, 299)


def test_added_records_out_of_order_are_still_found_in_id_order() -> None:
    made, table = store()
    row = table.rows[0]
    for number in (900, 700, 800):
        table.put(changed(table, row, Id=ids.make("003", number)))
    newest = [ids.make("003", number) for number in (700, 800)]
    assert found(f"SELECT Id FROM Contact WHERE Id > '{ids.make('003', 300)}' ORDER BY Id LIMIT 2", made) == newest


# Fields that change


def test_a_dropped_field_goes_with_its_values() -> None:
    made, table = store()
    before = column(table, "Title")
    table.drop_field(table.kind.by_name["fax"])
    assert table.field("Fax") is None
    assert "Fax" not in json.loads(next(truth_lines(table)))
    assert column(table, "Title") == before
    table.add_field(Field("Fax", "Fax", "phone", length=40), None)
    assert set(column(table, "Fax")) == {""}
    with pytest.raises(ValueError, match="cannot lose its Id"):
        table.drop_field(table.kind.by_name["id"])
    assert len(run("SELECT Id FROM Contact WHERE Fax = null", made).rows) == 300


def test_a_renamed_field_keeps_its_values_under_the_new_name_and_no_stamp_moves() -> None:
    made, table = store()
    table.put(changed(table, table.rows[0], Department="Mine"))
    before, stamps = column(table, "Department"), column(table, "SystemModstamp")
    table.rename_field(table.kind.by_name["department"], "Division")
    assert (column(table, "Division"), column(table, "SystemModstamp")) == (before, stamps)
    assert table.field("Department") is None
    assert found("SELECT Id FROM Contact WHERE Division = 'Mine'", made) == [table.ids[0]]
    with pytest.raises(ValueError, match="already has a field Title"):
        table.rename_field(table.kind.by_name["division"], "Title")


def test_a_retyped_field_converts_generated_changed_and_later_records_alike() -> None:
    _, table = store()
    table.put(changed(table, table.rows[1], Title="abc"))
    before = column(table, "Title")
    new = Field("Title", "Title", "double", precision=18)
    table.replace_field(table.kind.by_name["title"], new, lambda value: str(len(value)) if value else "")
    assert column(table, "Title") == [str(len(value)) if value else "" for value in before]
    assert column(table, "Title")[1] == "3"
    made = table.fresh(50, 500, "s", {})
    place = table.kind.positions["Title"]
    assert all(row[place] == "" or row[place].isdigit() for row in made)


def test_a_hidden_field_that_is_renamed_stays_hidden_until_it_is_shown() -> None:
    _, table = store()
    before = column(table, "Title")
    table.hide_field(table.kind.by_name["title"])
    table.rename_field(table.kind.by_name["title"], "Role__c")
    assert table.field("Role__c") is None
    table.show_field("role__C")
    assert table.field("Role__c") is not None
    assert column(table, "Role__c") == before


def test_a_stamp_that_was_renamed_away_no_longer_bounds_a_query() -> None:
    made, table = store()
    stamps = column(table, "SystemModstamp")
    table.rename_field(table.kind.by_name["systemmodstamp"], "Old__c")
    created = table.kind.by_name["createddate"]
    table.rename_field(created, "SystemModstamp")
    middle = sorted(column(table, "SystemModstamp"))[150]
    expected = [row[0] for row in table.rows if row[table.kind.positions["SystemModstamp"]] >= middle]
    assert found(f"SELECT Id FROM Contact WHERE SystemModstamp >= {middle}", made) == expected
    assert column(table, "Old__c") == stamps


def test_a_hidden_object_disappears_with_its_relationships_and_comes_back() -> None:
    made, _ = store()
    made.hide_table("Account")
    assert made.table("account") is None
    assert "Account" not in [table.kind.name for table in made.listed()]
    for text in ("SELECT Id FROM Account", "SELECT Account.Name FROM Contact"):
        with pytest.raises(ApiError, match=r"is not supported|Didn't understand relationship"):
            run(text, made)
    made.show_table("ACCOUNT")
    assert len(run("SELECT Id FROM Account", made).rows) == 60

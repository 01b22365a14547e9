"""Queries over the store give what Salesforce's rules for case, null and types say."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from durable_sandbox.errors import ApiError
from durable_sandbox.evaluate import Selection, evaluate
from durable_sandbox.generate import Row
from durable_sandbox.soql import parse
from durable_sandbox.store import Store

NOW = datetime(2026, 1, 4, 12, tzinfo=UTC)
STORE = Store(rows=300, seed=7)


def run(text: str, deleted_too: bool = False) -> Selection:
    return evaluate(parse(text), STORE, NOW, deleted_too)


def column(name: str, rows: Sequence[Row], kind: str = "contact") -> list[str]:
    table = STORE.tables[kind]
    whole = [table.get(row[0]) for row in rows]
    return [row[table.kind.positions[name]] for row in whole if row]


def all_contacts() -> list[Row]:
    return [row for row in STORE.tables["contact"].rows if row[1] == "false"]


def test_text_compares_without_case() -> None:
    name = column("LastName", all_contacts())[0]
    found = column("LastName", run(f"SELECT Id FROM contact WHERE lastname = '{name.swapcase()}'").rows)
    assert found == [value for value in column("LastName", all_contacts()) if value.lower() == name.lower()]


def test_not_equal_includes_nulls_and_less_than_excludes_them() -> None:
    phones = column("Phone", all_contacts())
    assert "" in phones
    assert len(run("SELECT Id FROM Contact WHERE Phone != 'x'").rows) == len(phones)
    assert len(run("SELECT Id FROM Contact WHERE Phone < 'zzz'").rows) == len([phone for phone in phones if phone])


def test_null_is_found_by_equality_and_by_membership() -> None:
    nulls = column("Email", all_contacts()).count("")
    assert nulls > 0
    assert len(run("SELECT Id FROM Contact WHERE Email = null").rows) == nulls
    assert len(run("SELECT Id FROM Contact WHERE Email IN (null)").rows) == nulls
    assert len(run("SELECT Id FROM Contact WHERE NOT Email != null").rows) == nulls


def test_the_words_null_and_na_are_text() -> None:
    departments = column("Department", all_contacts())
    assert len(run("SELECT Id FROM Contact WHERE Department = 'NA'").rows) == departments.count("NA") > 0


def test_the_recycle_bin_shows_only_when_asked_for() -> None:
    rows = STORE.tables["contact"].rows
    assert len(run("SELECT Id FROM Contact", deleted_too=True).rows) == len(rows)
    assert len(run("SELECT Id FROM Contact").rows) == len(all_contacts()) < len(rows)
    assert len(run("SELECT Id FROM Contact WHERE IsDeleted = true", deleted_too=True).rows) == len(rows) - len(
        all_contacts()
    )


def test_a_window_is_half_open_and_zones_are_equal() -> None:
    stamps = sorted(column("SystemModstamp", all_contacts()))
    low, high = stamps[20], stamps[200]
    expected = [value for value in stamps if low <= value < high]
    found = run(f"SELECT Id FROM Contact WHERE SystemModstamp >= {low} AND SystemModstamp < {high}").rows
    assert sorted(column("SystemModstamp", found)) == expected
    shifted = low.replace("Z", "+00:00")
    assert len(run(f"SELECT Id FROM Contact WHERE SystemModstamp >= {shifted}").rows) == len(stamps) - 20


def test_numbers_compare_by_value_whatever_their_writing() -> None:
    found = run("SELECT AnnualRevenue FROM Account WHERE AnnualRevenue >= 1.1E7 AND AnnualRevenue < 20000000").rows
    values = [float(value) for value in column("AnnualRevenue", found, "account")]
    everything = [float(value) for value in column("AnnualRevenue", STORE.tables["account"].rows, "account") if value]
    assert values
    assert len(values) >= len([value for value in everything if 1.1e7 <= value < 2e7]) - 2


def test_order_places_nulls_and_ties_stay_stable() -> None:
    scores = column(
        "Health_Score__c", run("SELECT Id FROM Customer_Health__c ORDER BY Health_Score__c").rows, "customer_health__c"
    )
    numbers = [float(score) for score in scores if score]
    assert scores[: scores.count("")] == [""] * scores.count("")
    assert numbers == sorted(numbers)
    descending = run("SELECT Id FROM Customer_Health__c ORDER BY Health_Score__c DESC").rows
    assert column("Health_Score__c", descending, "customer_health__c")[-1] == ""


def test_limit_and_offset_cut_the_ordered_rows() -> None:
    ids = column("Id", run("SELECT Id FROM Contact ORDER BY Id LIMIT 3 OFFSET 2").rows)
    assert ids == sorted(column("Id", all_contacts()))[2:5]


def test_like_knows_both_wildcards_and_their_escapes() -> None:
    emails = column("Email", run("SELECT Id FROM Contact WHERE Email LIKE '%1_@EXAMPLE.com'").rows)
    assert emails
    assert all(email.removesuffix("@example.com")[-2] == "1" for email in emails)
    assert len(run(r"SELECT Id FROM Contact WHERE Email LIKE '\%%'").rows) == 0


def test_a_parent_is_followed_through_two_levels() -> None:
    selection = run("SELECT Account.Name, Account.Owner.Username FROM Contact WHERE Account.Name != null LIMIT 1")
    row = selection.rows[0]
    account = STORE.tables["account"].get(column("AccountId", [row])[0])
    assert account is not None
    owner = STORE.tables["user"].get(column("OwnerId", [account], "account")[0])
    assert owner is not None
    expected = [column("Name", [account], "account")[0], column("Username", [owner], "user")[0]]
    assert [item.get(row) for item in selection.columns] == expected


def test_aggregates_count_and_compare() -> None:
    stamps = column("SystemModstamp", all_contacts())
    found = run("SELECT COUNT(Id) n, MAX(SystemModstamp), MIN(SystemModstamp), COUNT(Email) FROM Contact").aggregates
    emails = len([value for value in column("Email", all_contacts()) if value])
    assert [value for *_, value in found] == [str(len(stamps)), max(stamps), min(stamps), str(emails)]


def test_a_short_id_is_found() -> None:
    known = column("Id", all_contacts())[0]
    assert len(run(f"SELECT Id FROM Contact WHERE Id = '{known[:15]}'").rows) == 1


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("SELECT Id, Foo FROM Contact", "INVALID_FIELD", "No such column 'Foo' on entity 'Contact'."),
        ("SELECT Id FROM Contacts", "INVALID_TYPE", "sObject type 'Contacts' is not supported."),
        ("SELECT Nope.Name FROM Contact", "INVALID_FIELD", "Didn't understand relationship 'Nope' in field path."),
        ("SELECT Account.BillingAddress FROM Contact", "INVALID_FIELD", "select its parts"),
        ("SELECT Id, id FROM Contact", "INVALID_FIELD", "duplicate field selected: id"),
        ("SELECT Id FROM Contact WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered in a query call"),
        (
            "SELECT Id FROM Contact WHERE SystemModstamp > '2026-01-01'",
            "INVALID_FIELD",
            "field 'SystemModstamp' must be of type dateTime and should not be enclosed in quotes",
        ),
        ("SELECT Id FROM Contact LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
    ],
)
def test_a_wrong_query_gets_salesforces_error(text: str, code: str, words: str) -> None:
    with pytest.raises(ApiError) as caught:
        run(text)
    assert caught.value.code == code
    assert words in caught.value.message


def test_the_error_names_the_column_of_the_field() -> None:
    with pytest.raises(ApiError, match="ERROR at Row:1:Column:12"):
        run("SELECT Id, Foo FROM Contact")

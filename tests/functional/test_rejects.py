"""Dead letters: they are listed without their values, sealed where a mask hides a field, and tried again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from functional.desk import Desk, desk
from functional.project import REPOSITORY
from functional.test_compile_rules import call, field, install, text
from functional.test_snowflake_run import KEYS, PROFILE, rows, stand_in

REQUIRED = {"object": "Contact", "field": "Email"}
MASKED = {"object": "Contact", "field": "Phone", "method": "sha256"}
PHONE = "+49 30 5550199"
FEW = ["Id", "SystemModstamp", "IsDeleted", "LastName", "Email"]
LOOKUP = {"path": "Account.Name", "column": "account_name"}
AWAY = """
[profiles.away]
alerts = "file"
[profiles.away.salesforce]
login_url = "http://127.0.0.1:9"
auth = "client_credentials"
client_id = "x"
client_secret = "env:KEY"
[profiles.away.warehouse]
kind = "duckdb"
path = ".durable/warehouse.duckdb"
[profiles.other_key.keys]
rejects = "env:KEY"
[profiles.fresh.warehouse]
kind = "duckdb"
path = "fresh.duckdb"
"""
WITHOUT_MAIL = "SELECT source_id FROM customer_data__rejects ORDER BY source_id"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("rejects") / "project", rows=20, KEY="ab" * 32, SNOWFLAKE_PASSWORD="x") as found:
        file = found.project.root / "durable.toml"
        file.write_text(file.read_text(encoding="utf-8") + AWAY, encoding="utf-8")
        found.server.put(
            "records/Contact",
            [
                {"LastName": f"Nobody {at}", "Phone": PHONE, "Email": None, "External_ID__c": f"X-{at}"}
                for at in range(4)
            ],
        )
        yield found


@pytest.fixture
def world(place: Desk) -> Desk:
    place.anew()
    return place


def loaded(world: Desk, **said: Any) -> set[str]:
    """Load Contacts by such rules; the Ids that are rejected."""
    install(world.project, ("Contact",), **{"required": [REQUIRED], **said})
    world.succeed("run")
    found = {row["source_id"] for row in world.rows(WITHOUT_MAIL)}
    assert len(found) >= 4
    return found


def tables(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Live rows, duplicates and dead letters, but for what depends on the run that wrote them."""
    with duckdb.connect(str(file), read_only=True) as database:
        return {
            table: database.execute(f"SELECT * EXCLUDE ({left}) FROM {table} {which} ORDER BY source_id").fetchall()
            for table, left, which in (
                ("customer_data", "loaded_at, run_id, pipeline_version", "WHERE NOT is_deleted"),
                ("customer_data__duplicates", "loaded_at, run_id, pipeline_version", ""),
                ("customer_data__rejects", "run_id, rejected_at", ""),
            )
        }


def as_a_full_load(world: Desk) -> None:
    """Assert that the tables hold what one full load gives."""
    (world.project.root / "fresh.duckdb").unlink(missing_ok=True)
    world.succeed("run", "--profile", "fresh")
    assert tables(world.project.warehouse) == tables(world.project.root / "fresh.duckdb")


# --- the list ----------------------------------------------------------------------------------------------------


def test_before_anything_was_loaded_no_record_is_rejected_and_no_file_is_made(world: Desk) -> None:
    install(world.project, ("Contact",), required=[REQUIRED])
    found = world.succeed("rejects", "list")
    assert (found["rejects"], found["counts"], found["total"]) == ([], [], 0)
    assert not world.project.warehouse.exists()
    assert world.call("rejects", "list").out == "No record is rejected.\n"


def test_the_list_tells_what_is_rejected_why_and_since_when_but_no_value(world: Desk) -> None:
    rejected = loaded(world)
    done = world.call("rejects", "list", "--json")
    found = done.summary
    assert {one["id"] for one in found["rejects"]} == rejected
    first = found["rejects"][0]
    assert {name: first[name] for name in ("object", "rule", "requirement", "message")} == {
        "object": "Contact", "rule": "required", "requirement": "R7.7", "message": "Email is missing",
    }  # fmt: skip
    row = world.rows(f"SELECT run_id, rejected_at FROM customer_data__rejects WHERE source_id = '{first['id']}'")[0]
    assert first["run_id"] == row["run_id"]
    assert first["rejected_at"] == f"{row['rejected_at']:%Y-%m-%dT%H:%M:%SZ}"
    assert found["counts"] == [{"object": "Contact", "rule": "required", "requirement": "R7.7", "count": len(rejected)}]
    shown = world.call("rejects", "list", "--limit", "2")
    assert f"{len(rejected)} rejected in all, the last 2 of them shown" in shown.out
    assert shown.out.count("Email is missing") == 2
    assert PHONE not in done.out + shown.out
    kept = [json.loads(row["record"]) for row in world.rows("SELECT record FROM customer_data__rejects")]
    assert {one["Email"] for one in kept} == {None}
    assert PHONE in {one["Phone"] for one in kept}
    for asked, count in (
        (("--rule", "required"), len(rejected)), (("--rule", "R7.7"), len(rejected)), (("--rule", "enum"), 0),
        (("--object", "Contact"), len(rejected)),
    ):  # fmt: skip
        assert world.succeed("rejects", "list", *asked)["total"] == count
    done = world.call("rejects", "list", "--object", "Account")
    assert (done.code, "customer_data has no object Account" in done.err) == (2, True)
    done = world.call("rejects", "list", "--rule", "x' OR 1=1 --", "--json")
    assert (done.code, done.summary["error"]["code"]) == (2, "RUN201")


def test_values_are_shown_on_demand_and_the_audit_file_says_to_whom(world: Desk) -> None:
    rejected = loaded(world, masks=[MASKED])
    audit = world.project.root / ".durable" / "audit" / "rejects.jsonl"
    audit.unlink(missing_ok=True)
    found = world.succeed("rejects", "list", "--show-values", "--limit", "2")
    assert [one["record"]["Email"] for one in found["rejects"]] == [None, None]
    assert len(found["rejects"]) == 2 and all(one["record"]["Id"] == one["id"] for one in found["rejects"])
    (line,) = audit.read_text(encoding="utf-8").splitlines()
    told = json.loads(line)
    assert told["records"] == {"Contact": [one["id"] for one in found["rejects"]]}
    assert {"who", "when", "what", "pipeline", "profile"} <= told.keys()
    assert audit.stat().st_mode & 0o777 == 0o600
    everything = world.call("rejects", "list", "--show-values").out
    assert everything.count(f'"Phone": "{PHONE}"') == 4
    assert len(audit.read_text(encoding="utf-8").splitlines()) == 2
    assert len(rejected) == found["total"]


# --- sealing -----------------------------------------------------------------------------------------------------


def test_a_record_with_a_masked_field_is_sealed_and_the_same_one_each_time(world: Desk) -> None:
    rejected = loaded(world, masks=[MASKED])
    before = world.rows("FROM customer_data__rejects ORDER BY source_id")
    assert {row["record"].partition(":")[0] for row in before} == {"sealed"}
    (counts,) = world.succeed("rejects", "replay")["objects"]
    assert (counts["read"], counts["unchanged"], counts["found"]) == (len(rejected), len(rejected), 0)
    assert world.rows("FROM customer_data__rejects ORDER BY source_id") == before
    for file in (world.project.warehouse, world.project.warehouse.with_suffix(".duckdb.wal")):
        assert not file.exists() or PHONE.encode() not in file.read_bytes()
    summary = world.succeed("run", "--full")
    assert (summary["objects"][0]["rejected"], summary["objects"][0]["updated"]) == (0, 0)
    assert world.rows("FROM customer_data__rejects ORDER BY source_id") == before


def test_with_another_key_all_but_values_is_listed_and_records_are_read_from_salesforce_again(world: Desk) -> None:
    rejected = loaded(world, masks=[MASKED])
    found = world.succeed("rejects", "list", "--profile", "other_key", "--show-values")
    assert {one["id"] for one in found["rejects"]} == rejected
    assert {one["record"] for one in found["rejects"]} == {None}
    (reason,) = {one["sealed"] for one in found["rejects"]}
    (used,) = {row["record"].split(":")[2] for row in world.rows("SELECT record FROM customer_data__rejects")}
    assert reason.startswith(f"sealed with key {used}, while the profile's key is ")
    assert reason in world.call("rejects", "list", "--profile", "other_key", "--show-values").out
    install(world.project, ("Contact",), masks=[MASKED])
    summary = world.succeed("rejects", "replay", "--profile", "other_key")
    assert summary["objects"][0]["inserted"] == len(rejected)
    (event,) = [one for one in world.events(summary["run_id"]) if one["code"] == "rejects_read_again"]
    assert event["count"] == len(rejected) and "while the profile's key is" in event["why"]
    as_a_full_load(world)


# --- replay ------------------------------------------------------------------------------------------------------


def test_what_a_corrected_rule_accepts_is_live_without_salesforce(world: Desk) -> None:
    rejected = loaded(world, masks=[MASKED])
    state = world.rows("SELECT watermark, row_function FROM durable_state")
    install(world.project, ("Contact",), masks=[MASKED])
    summary = world.succeed("rejects", "replay", "--profile", "away")
    (counts,) = summary["objects"]
    assert (counts["inserted"], counts["rejected"]) == (len(rejected), 0)
    assert world.rows("SELECT watermark, row_function FROM durable_state") == state
    assert world.rows("FROM customer_data__rejects") == []
    noted = {one["code"]: one for one in world.events(summary["run_id"])}
    assert noted["rejects_replayed"] == {
        "code": "rejects_replayed", "object": "Contact", "count": len(rejected), "accepted": len(rejected),
    }  # fmt: skip
    as_a_full_load(world)
    assert world.succeed("run")["objects"][0]["found"] == 0


def test_chosen_records_alone_are_replayed(world: Desk) -> None:
    rejected = sorted(loaded(world))
    install(world.project, ("Contact",))
    summary = world.succeed("rejects", "replay", "--id", rejected[0], "--id", rejected[1][:15])
    assert summary["objects"][0]["inserted"] == 2
    assert [row["source_id"] for row in world.rows(WITHOUT_MAIL)] == rejected[2:]
    assert world.succeed("rejects", "replay", "--rule", "enum")["objects"] == []
    done = world.call("rejects", "replay", "--id", rejected[0], "--json")
    assert (done.code, done.summary["error"]["code"]) == (2, "RUN201")
    assert f"No rejected record has the Id {rejected[0]}." in done.summary["error"]["message"]


def test_a_record_that_another_rule_rejects_carries_that_rule(world: Desk) -> None:
    rejected = loaded(world)
    install(world.project, ("Contact",), required=[{"object": "Contact", "field": "MobilePhone"}])
    world.succeed("rejects", "replay", "--object", "Contact")
    left = world.rows("SELECT source_id, message FROM customer_data__rejects WHERE message <> 'Email is missing'")
    assert {row["message"] for row in left} == {"Mobile Phone is missing"}
    assert len(left) >= 4
    live = world.rows("SELECT source_id FROM customer_data WHERE NOT is_deleted")
    assert rejected == {row["source_id"] for row in left} | (rejected & {row["source_id"] for row in live})
    as_a_full_load_after_a_run(world)


def as_a_full_load_after_a_run(world: Desk) -> None:
    guards = ("--allow-guard", "max_deleted:Contact", "--allow-guard", "max_rejected:Contact")
    world.succeed("run", *guards)
    as_a_full_load(world)


def test_a_replayed_record_competes_for_its_dedupe_key(world: Desk) -> None:
    said = {"dedupe": [{"object": "Contact", "by": ["LastName"], "keep": "latest"}]}
    pair = [{"LastName": "Pair", "Email": None}, {"LastName": "Pair", "Email": "a@x.com"}]
    world.server.put("records/Contact", pair)
    loaded(world, **said)
    install(world.project, ("Contact",), **said)
    world.succeed("rejects", "replay")
    assert len(world.rows("FROM customer_data__duplicates WHERE last_name = 'Pair'")) == 1
    as_a_full_load(world)


def test_a_record_older_than_what_the_target_knows_changes_nothing(world: Desk) -> None:
    rejected = sorted(loaded(world))
    with duckdb.connect(str(world.project.warehouse)) as database:
        late = f"WHERE source_id = '{rejected[0]}'"
        database.execute(f"UPDATE customer_data__rejects SET source_modified_at = '2030-01-01' {late}")
    install(world.project, ("Contact",))
    summary = world.succeed("rejects", "replay")
    assert (summary["objects"][0]["unchanged"], summary["objects"][0]["inserted"]) == (1, len(rejected) - 1)
    assert [row["source_id"] for row in world.rows(WITHOUT_MAIL)] == [rejected[0]]


def test_a_tombstone_keeps_an_older_record_away(world: Desk) -> None:
    rejected = sorted(loaded(world, deletes="remove"))
    with duckdb.connect(str(world.project.warehouse)) as database:
        database.execute(
            "INSERT INTO durable_tombstone VALUES ('customer_data', 'Contact', ?, TIMESTAMP '2030-01-01')", rejected[:1]
        )
    install(world.project, ("Contact",), deletes="remove")
    summary = world.succeed("rejects", "replay")
    assert (summary["objects"][0]["unchanged"], summary["objects"][0]["inserted"]) == (1, len(rejected) - 1)
    assert world.rows(f"FROM customer_data WHERE source_id = '{rejected[0]}'") == []


MODES: dict[str, tuple[dict[str, Any], str]] = {
    "append": ({"write": {"mode": "append"}}, "NOT is_deleted"),
    "history": ({"write": {"mode": "history"}}, "is_current AND valid_to IS NULL AND valid_from = source_modified_at"),
    "replace": ({"write": {"mode": "replace"}, "incremental": {"enabled": False}}, "NOT is_deleted"),
}


@pytest.mark.parametrize("mode", MODES)
def test_in_every_mode_an_accepted_record_is_live_and_no_dead_letter(mode: str, world: Desk) -> None:
    said, is_live = MODES[mode]
    rejected = loaded(world, **said)
    count = len(world.rows("FROM customer_data"))
    install(world.project, ("Contact",), **said)
    world.succeed("rejects", "replay")
    assert world.rows(WITHOUT_MAIL) == []
    came = world.rows(f"SELECT source_id FROM customer_data WHERE {is_live} AND last_name LIKE 'Nobody %'")
    assert {row["source_id"] for row in came} <= rejected and len(came) == 4
    assert len(world.rows("FROM customer_data")) == count + len(rejected)
    assert world.succeed("run")["objects"][0]["rejected"] == 0
    assert len(world.rows("FROM customer_data")) == count + len(rejected)


def test_a_table_for_each_object_has_dead_letters_of_its_own(world: Desk) -> None:
    said: dict[str, Any] = {
        "target": {"system": "duckdb", "table": None, "layout": "per_object"},
        "write": {"key": ["source_id"]},
        "required": [REQUIRED, {"object": "Account", "field": "Site"}],
    }
    install(world.project, ("Account", "Contact"), **said)
    world.succeed("run")
    found = world.succeed("rejects", "list")
    held = {name: len(world.rows(f"FROM {name}__rejects")) for name in ("account", "contact")}
    assert {one["object"].lower(): one["count"] for one in found["counts"]} == {k: v for k, v in held.items() if v}
    assert found["total"] == len(found["rejects"]) == sum(held.values())
    install(world.project, ("Account", "Contact"), **{**said, "required": [said["required"][1]]})
    world.succeed("rejects", "replay", "--object", "Contact")
    assert world.rows("FROM contact__rejects") == []
    assert len(world.rows("FROM account__rejects")) == held["account"]


def test_a_check_that_fails_a_run_fails_a_replay_and_nothing_is_written(world: Desk) -> None:
    loaded(world)
    check = {"object": "Contact", "condition": call("ne", field("Contact", "LastName"), text("Nobody 1"))}
    install(world.project, ("Contact",), checks=[{**check, "on_failure": "fail"}])
    before = tables(world.project.warehouse)
    done = world.call("rejects", "replay", "--json")
    assert (done.code, done.summary["error"]["code"]) == (7, "RUN707")
    assert tables(world.project.warehouse) == before


def test_replay_stands_back_while_another_run_holds_the_lease(world: Desk) -> None:
    loaded(world)
    with duckdb.connect(str(world.project.warehouse)) as database:
        database.execute("UPDATE durable_lock SET owner = 'elsewhere/run', expires_at = '2100-01-01'")
    install(world.project, ("Contact",))
    done = world.call("rejects", "replay", "--json")
    assert (done.code, done.summary["error"]["code"]) == (6, "RUN603")


def test_an_emptied_target_is_not_topped_up_by_a_replay(world: Desk) -> None:
    loaded(world)
    with duckdb.connect(str(world.project.warehouse)) as database:
        database.execute("DELETE FROM customer_data")
    install(world.project, ("Contact",))
    done = world.call("rejects", "replay", "--json")
    assert (done.code, done.summary["error"]["code"]) == (4, "RUN402")
    assert world.rows("FROM customer_data") == []


def test_a_record_that_lacks_a_field_of_today_is_read_from_salesforce_by_its_id(world: Desk) -> None:
    few = {"source": {"Contact": {"fields": FEW}}}
    rejected = loaded(world, **few)
    install(world.project, ("Contact",), source={"Contact": {"fields": [*FEW, "Phone"]}})
    summary = world.succeed("rejects", "replay")
    assert summary["objects"][0]["inserted"] == len(rejected)
    (event,) = [one for one in world.events(summary["run_id"]) if one["code"] == "rejects_read_again"]
    assert event["why"] == "fields that the requirements read today are not in them"
    assert {PHONE} <= {row["phone"] for row in world.rows("SELECT phone FROM customer_data")}


def test_without_salesforce_incomplete_records_are_told_and_the_others_replayed(world: Desk) -> None:
    few = {"source": {"Contact": {"fields": FEW}}}
    rejected = sorted(loaded(world, **few))
    whole = {"Phone": "1"}
    with duckdb.connect(str(world.project.warehouse)) as database:
        kept = database.execute("SELECT record FROM customer_data__rejects WHERE source_id = ?", [rejected[0]])
        record = {**whole, **json.loads(kept.fetchall()[0][0])}
        database.execute(
            "UPDATE customer_data__rejects SET record = ? WHERE source_id = ?", [json.dumps(record), rejected[0]]
        )
    install(world.project, ("Contact",), source={"Contact": {"fields": [*FEW, "Phone"]}})
    done = world.call("rejects", "replay", "--profile", "away", "--json")
    assert (done.code, done.summary["error"]["code"]) == (6, "RUN601"), done.err
    assert f"{len(rejected) - 1} rejected records could not be taken" in done.summary["error"]["message"]
    assert [row["source_id"] for row in world.rows(WITHOUT_MAIL)] == rejected[1:]
    assert [row["phone"] for row in world.rows(f"FROM customer_data WHERE source_id = '{rejected[0]}'")] == ["1"]


def test_extensions_and_lookups_of_a_record_come_back_with_it(world: Desk) -> None:
    said: dict[str, Any] = {
        "source": {"Contact": {"fields": [*FEW, "AccountId"], "lookups": [LOOKUP]}},
        "drift": {"unknown_fields": "extensions"},
    }
    account = world.server.truth("Account")[0]
    tier = {"name": "Tier__c", "type": "string"}
    world.server.post("drift", {"op": "add", "object": "Contact", "field": tier, "value": "Gold"})
    world.server.put("records/Contact", [{"LastName": 'Quo"te\r\nline', "AccountId": account["Id"], "Tier__c": "é"}])
    loaded(world, **said)
    install(world.project, ("Contact",), **said)
    world.succeed("rejects", "replay", "--profile", "away")
    assert world.rows("FROM customer_data__rejects") == []
    (row,) = world.rows("FROM customer_data WHERE last_name LIKE 'Quo%'")
    assert (row["last_name"], row["account_name"]) == ('Quo"te\r\nline', account["Name"])
    assert json.loads(row["extensions"]) == {"Tier__c": "é"}
    as_a_full_load(world)


def test_the_durable_command_does_the_same_from_a_folder_below(world: Desk) -> None:
    rejected = loaded(world)
    done = world.project.durable("rejects", "list", "customer_data", "--rule", "required", "--json")
    assert (done.code, done.summary["total"]) == (0, len(rejected)), done.err
    install(world.project, ("Contact",))
    done = world.project.durable("rejects", "replay", "customer_data", "--id", min(rejected), "--json")
    assert (done.code, done.summary["objects"][0]["inserted"]) == (0, 1), done.err


def test_the_reference_says_what_the_commands_take() -> None:
    page = (REPOSITORY / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    for flag in ("--show-values", "--rule R", "--id ID", "--limit N", "--allow-guard T"):
        assert flag in page


def test_on_snowflake_they_are_listed_sealed_and_replayed_alike(world: Desk) -> None:
    file = world.project.root / "durable.toml"
    before = file.read_text(encoding="utf-8")
    with stand_in() as address:
        profile = PROFILE.format(keys=KEYS, **address).partition("\n")[2].partition("[profiles.local]")[0]
        file.write_text(before + profile, encoding="utf-8")
        install(world.project, ("Contact",), required=[REQUIRED], masks=[MASKED])
        world.succeed("run", "--profile", "snow")
        found = world.succeed("rejects", "list", "--profile", "snow")
        held = rows(address, "SELECT * FROM customer_data__rejects")
        assert {one["id"] for one in found["rejects"]} == {row["source_id"] for row in held}
        assert found["counts"][0]["count"] == found["total"] == len(held) >= 4
        assert {row["record"].partition(":")[0] for row in held} == {"sealed"}
        assert world.succeed("rejects", "replay", "--profile", "snow")["objects"][0]["unchanged"] == len(held)
        install(world.project, ("Contact",), masks=[MASKED])
        summary = world.succeed("rejects", "replay", "--profile", "snow", "--id", held[0]["source_id"])
        assert summary["objects"][0]["inserted"] == 1
        left = rows(address, "SELECT source_id FROM customer_data__rejects")
        assert {row["source_id"] for row in left} == {row["source_id"] for row in held[1:]}
        (live,) = rows(address, f"SELECT phone FROM customer_data WHERE source_id = '{held[0]['source_id']}'")
        assert live["phone"] is None or len(live["phone"]) == 64
    file.write_text(before, encoding="utf-8")

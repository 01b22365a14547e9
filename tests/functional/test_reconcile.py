"""Records deleted for good and records that appear behind the watermark: found before anything is written."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import seeds
from functional.project import REPOSITORY, Project, Sandbox, sandbox
from functional.test_compile_rules import CUSTOMER, KEPT, customers, discovered, install
from functional.test_truth import compare, written

OLD = "2025-12-01T08:00:00.000Z"  # behind every watermark and its overlap
BEHIND = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), OLD)
CONTACTS = """\
# Contacts

- R1.1 Syncs Contacts from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R1.3 Writes to Snowflake table customer_data
- R1.4 Reads only records modified since the last run
"""
PROFILE = """\
default_profile = "local"
[profiles.local]
alerts = "file"
[profiles.local.warehouse]
kind = "duckdb"
[profiles.local.salesforce]
login_url = "{url}"
auth = "client_credentials"
client_id = "{client_id}"
client_secret = "env:SANDBOX_SECRET"
horizon_seconds = 300
rest_below = {rest_below}
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Sandbox]]:
    """A project whose first load is done."""
    project = Project.make(tmp_path_factory.mktemp("reconcile") / "project")
    shutil.copy(REPOSITORY / "requirements" / "salesforce.schema.json", project.root / "requirements")
    done = project.durable("compile", "customer_data", "--no-commit")
    assert done.code == 0, done.err + done.out
    with sandbox(project.state) as server:
        project.succeed()
        yield project, server


@pytest.fixture
def world(loaded: tuple[Project, Sandbox]) -> Iterator[tuple[Project, Sandbox]]:
    """The project a day after the test before: each ends with a table that equals the source."""
    project, server = loaded
    later(server, days=1)
    yield project, server
    server.post("delete_log", {"most_ids": 600_000})
    (project.root / "durable.toml").write_text('default_profile = "local"\n', encoding="utf-8")


def later(server: Sandbox, **time: float) -> None:
    server.post("clock", {"advance_seconds": timedelta(**time).total_seconds()})


def with_horizon(project: Project, server: Sandbox, rest_below: int = 2000) -> None:
    """Read only what is five minutes old, as against a real organization."""
    text = PROFILE.format(url=server.url, client_id=server.announced["client_id"], rest_below=rest_below)
    (project.root / "durable.toml").write_text(text, encoding="utf-8")
    project.variables["SANDBOX_SECRET"] = server.announced["client_secret"]


def events(project: Project, *codes: str) -> list[dict[str, Any]]:
    """What the last run noted, of some codes."""
    path = max((project.root / ".durable" / "runs").glob("*/run.json"))
    return [one for one in json.loads(path.read_text(encoding="utf-8"))["events"] if one["code"] in codes]


def compared(project: Project) -> list[tuple[str, int, int]]:
    """The objects whose Ids the last run compared: how many were gone, how many it read."""
    return [(one["object"], one["gone"], one["read"]) for one in events(project, "ids_compared")]


def forget_schedule(project: Project) -> None:
    """As if a week had passed: a lost memory means that the next run does the scheduled work."""
    (project.root / ".durable" / "refresh" / "customer_data.json").unlink()


def gone(project: Project, *ids: str) -> set[str]:
    """Those of the Ids that the table has flagged."""
    return {row["source_id"] for row in project.rows("SELECT source_id FROM customer_data WHERE is_deleted")} & {*ids}


def live_ids(project: Project, name: str) -> set[str]:
    where = f"source_object = '{name}' AND NOT is_deleted"
    return {row["source_id"] for row in project.rows(f"SELECT source_id FROM customer_data WHERE {where}")}


def oldest(project: Project, name: str) -> tuple[str, datetime]:
    """The live record that was changed longest ago, and when."""
    where = f"source_object = '{name}' AND NOT is_deleted"
    (row,) = project.rows(
        f"SELECT source_id, source_modified_at FROM customer_data WHERE {where} ORDER BY 2, 1 LIMIT 1"
    )
    return row["source_id"], row["source_modified_at"]


def at(moment: datetime) -> dict[str, str]:
    """The stamps of a record that was changed then."""
    return dict.fromkeys(("LastModifiedDate", "SystemModstamp"), f"{moment:%Y-%m-%dT%H:%M:%S}.000Z")


def deleted_for_good(summary: dict[str, Any]) -> list[int]:
    return [one.get("deleted_for_good", 0) for one in summary["objects"]]


def test_the_log_of_deletes_names_them_and_no_ids_are_compared(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    made = [server.post("change", {"object": "Account", "hard_delete": 4, "seed": seed}) for seed in range(2)]
    later(server, minutes=2)
    assert deleted_for_good(project.succeed()) == [8, 0, 0]
    assert compared(project) == []
    deleted = {one for each in made for one in each["ids"]["hard_deleted"]}
    assert gone(project, *deleted) == deleted
    compare(project, server)
    memory = json.loads((project.root / ".durable" / "deleted" / "customer_data.json").read_text(encoding="utf-8"))
    assert sorted(memory["local"]) == ["Account", "Contact", "Customer_Health__c"]
    assert written(project.succeed()) == 0
    assert compared(project) == []


def test_what_left_the_recycle_bin_and_the_log_is_found_by_its_absence(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    server.post("change", {"object": "Contact", "duplicate": 8, "insert": 3, "seed": 1})
    project.succeed()
    later(server, minutes=20)
    purged = server.post("change", {"object": "Contact", "purge": 12, "update": 5, "seed": 2})["ids"]["purged"]
    deleted = server.post("change", {"object": "Account", "delete": 5, "seed": 3})["ids"]["deleted"]
    server.post("recycle_bin", {"object": "Account", "ids": deleted, "quiet": True})
    summary = project.succeed()
    assert deleted_for_good(summary)[0] == 5
    assert deleted_for_good(summary)[1] <= len(purged)  # duplicates and rejects were not live
    assert compared(project) == [("Account", 5, 0), ("Contact", 12, 0)]
    compare(project, server)


def test_records_behind_the_watermark_are_read_by_id(world: tuple[Project, Sandbox]) -> None:
    """What sharing or permissions hid so far, what committed long after its stamp, and a delete and undelete alike."""
    project, server = world
    one, moment = oldest(project, "Account")
    shown = server.put("records/Account", [{"Name": f"Shown {number}", **BEHIND} for number in range(3)])["ids"]
    server.put("records/Account", [{"Id": one, "IsDeleted": True, **at(moment)}])
    server.post("change", {"object": "Account", "insert": 2, "seed": 1})
    summary = project.succeed()
    assert ("Account", 1, 3) in compared(project)
    assert events(project, "read_by_id") == [{"code": "read_by_id", "object": "Account", "count": 3}]
    assert deleted_for_good(summary) == [1, 0, 0]
    assert summary["objects"][0]["inserted"] == 5
    assert set(shown) <= live_ids(project, "Account") and one not in live_ids(project, "Account")
    compare(project, server)
    server.put("records/Account", [{"Id": one, "IsDeleted": False, **at(moment)}])
    project.succeed()
    assert compared(project) == [("Account", 0, 1)]
    compare(project, server)
    assert written(project.succeed()) == 0
    assert compared(project) == []


def test_equal_counts_hide_nothing_from_the_scheduled_comparison(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    contact, moment = oldest(project, "Contact")
    health = server.post("change", {"object": "Customer_Health__c", "delete": 1, "seed": 1})["ids"]["deleted"]
    server.post("recycle_bin", {"object": "Customer_Health__c", "ids": health, "quiet": True})
    server.put("records/Customer_Health__c", [{"Name": "Shown", **BEHIND}])
    server.put("records/Contact", [{"Id": contact, "Title": "Late", **at(moment + timedelta(seconds=1))}])
    later(server, minutes=2)
    project.succeed()
    assert compared(project) == []
    forget_schedule(project)
    project.succeed()
    assert compared(project) == [("Account", 0, 0), ("Contact", 0, 1), ("Customer_Health__c", 1, 1)]
    compare(project, server)
    project.succeed()
    assert compared(project) == []


def test_full_compares_ids_too(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    server.post("change", {"object": "Account", "purge": 9, "insert": 9, "seed": 2})
    summary = project.succeed("--full")
    assert deleted_for_good(summary) == [9, 0, 0]
    assert compared(project) == [("Account", 9, 0), ("Contact", 0, 0), ("Customer_Health__c", 0, 0)]
    compare(project, server)


@pytest.mark.parametrize("how", ["gap", "purged"])
def test_a_log_that_does_not_reach_back_means_a_comparison_in_the_same_run(
    how: str, world: tuple[Project, Sandbox]
) -> None:
    project, server = world
    server.post("change", {"object": "Contact", "hard_delete": 3, "seed": 1})
    if how == "gap":
        later(server, days=15)
    else:
        later(server, minutes=2)
        now = server.post("clock", {})["now"]
        server.post("delete_log", {"object": "Contact", "purge_before": now})
        later(server, minutes=2)
    project.succeed()
    assert [one for one in compared(project) if one[0] == "Contact"] == [("Contact", 3, 0)]
    compare(project, server)
    later(server, minutes=2)
    project.succeed()
    assert compared(project) == []


def test_a_log_that_names_visible_records_flags_none_of_them(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    moment = {"deletedDate": "2026-01-05T00:00:00.000+0000"}
    lies = [{"id": one, **moment} for one in sorted(live_ids(project, "Account"))]
    body = {"deletedRecords": lies, "earliestDateAvailable": "2020-01-01T00:00:00.000+0000", "latestDateCovered": None}
    answer = {"status": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}
    server.post("faults", {"kind": "deleted", "object": "Account", "times": 1, "answer": answer})
    assert deleted_for_good(project.succeed()) == [0, 0, 0]
    assert live_ids(project, "Account") == {one["id"] for one in lies}
    compare(project, server)


def test_a_log_that_is_refused_is_noted_and_ids_tell_the_same(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    body = json.dumps([{"errorCode": "INVALID_TYPE_FOR_OPERATION", "message": "no replication"}])
    server.post("faults", {"kind": "deleted", "times": 3, "answer": {"status": 400, "body": body}})
    server.post("change", {"object": "Account", "hard_delete": 2, "seed": 1})
    assert deleted_for_good(project.succeed()) == [2, 0, 0]
    assert len(events(project, "delete_log_refused")) == 3
    assert compared(project) == [("Account", 2, 0)]
    compare(project, server)


def test_too_many_deletes_for_one_answer_are_asked_for_in_parts(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    server.post("delete_log", {"most_ids": 3})
    for seed in range(4):
        server.post("change", {"object": "Account", "hard_delete": 2, "seed": seed})
        later(server, hours=1)
    assert deleted_for_good(project.succeed()) == [8, 0, 0]
    assert compared(project) == []
    compare(project, server)


def test_a_record_that_comes_back_while_the_run_looks_for_it_stays(world: tuple[Project, Sandbox]) -> None:
    """Listed while it was invisible, asked for again when it is there: fewer visible rows are not deletions."""
    project, server = world
    (one,) = server.post("change", {"object": "Account", "hard_delete": 1, "seed": 3})["ids"]["hard_deleted"]
    page = {"totalSize": 0, "done": True, "records": []}
    answer = {"status": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(page)}
    listing = {"kind": "query", "object": "Account", "contains": "SELECT Id, SystemModstamp FROM Account WHERE ("}
    server.post("faults", {**listing, "times": 1, "answer": answer})
    project.succeed()
    (found,) = events(project, "unseen")
    assert (found["object"], found["count"]) == ("Account", len(live_ids(project, "Account")))
    assert gone(project, one) == {one}
    compare(project, server)


def test_an_undelete_between_the_listing_and_the_flags_is_made_good_by_the_next_run(
    world: tuple[Project, Sandbox],
) -> None:
    project, server = world
    deleted = server.post("change", {"object": "Contact", "delete": 5, "seed": 3})["ids"]["deleted"]
    server.post("change", {"object": "Account", "insert": 2, "seed": 3})
    project.succeed()
    later(server, minutes=20)
    server.post("change", {"object": "Account", "purge": 2, "seed": 3})
    asked = {"kind": "query", "object": "Account", "contains": "Id IN ("}
    server.post("faults", {**asked, "change": {"object": "Contact", "undelete": 50, "insert": 3, "seed": 4}})
    project.succeed()  # which may see the undelete already, if it falls into the last second of its window
    later(server, minutes=1)
    project.succeed()
    assert gone(project, *deleted) == set()
    compare(project, server)


def test_what_happens_inside_the_horizon_makes_nobody_compare_ids(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    with_horizon(project, server)
    project.succeed()
    for seed in range(2):
        made = server.post("change", {"object": "Contact", "insert": 6, "update": 4, "delete": 3, "seed": seed})["ids"]
        later(server, minutes=3)  # of these, the next run reads what is older than five minutes
        fresh = made["inserted"][:2]
        server.put("records/Contact", [{"Id": one, "Title": f"Changed {seed}"} for one in fresh])
        server.post("change", {"object": "Contact", "insert": 5, "delete": 2, "undelete": 1, "seed": seed + 10})
        later(server, minutes=3)
        project.succeed()
        assert compared(project) == []
        assert live_ids(project, "Contact").isdisjoint(fresh)
    later(server, minutes=6)
    project.succeed()
    assert compared(project) == []
    compare(project, server)


def test_a_listing_over_bulk_says_the_same(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    with_horizon(project, server, rest_below=0)
    server.post("change", {"object": "Account", "purge": 3, "seed": 1})
    server.put("records/Account", [{"Name": "Shown", **BEHIND}])
    server.post("change", {"object": "Customer_Health__c", "purge": 3, "seed": 1})
    later(server, minutes=6)
    project.succeed()
    assert compared(project) == [("Account", 3, 1), ("Customer_Health__c", 3, 0)]
    compare(project, server)


def test_any_rounds_of_deletes_of_every_kind_equal_the_truth(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    chance = random.Random(20260106)
    for _ in range(max(len(seeds()) // 5, 1)):
        for name in ("Account", "Contact", "Customer_Health__c"):
            kinds = ("insert", "update", "delete", "undelete", "purge", "hard_delete")
            most = {"Account": 2, "Contact": 5, "Customer_Health__c": 2}[name]
            amounts = {kind: chance.randrange(most + 1) for kind in kinds}
            server.post("change", {"object": name, **amounts, "seed": chance.randrange(10**6)})
        if chance.random() < 0.5:
            server.put("records/Account", [{"Name": f"Shown {chance.random()}", **BEHIND}])
        if chance.random() < 0.5:
            chosen = chance.choice(sorted(live_ids(project, "Contact")))
            server.put("records/Contact", [{"Id": chosen, "IsDeleted": True, "SystemModstamp": OLD}])
        later(server, minutes=chance.choice([0, 2, 30, 60 * 24 * 16]))
        project.succeed()
        compare(project, server)


def test_a_quota_that_ends_while_deletes_are_looked_for_makes_the_run_partial(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    made = server.post("change", {"object": "Account", "hard_delete": 2, "insert": 3, "seed": 5})["ids"]
    later(server, minutes=2)
    body = json.dumps([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}])
    server.post("faults", {"kind": "deleted", "object": "Account", "times": 1, "answer": {"status": 403, "body": body}})
    done = project.run()
    assert (done.code, done.summary["status"], done.summary["error"]["code"]) == (5, "partial", "RUN501")
    assert "What was read is committed; Account could not be compared" in done.summary["error"]["message"]
    assert set(made["inserted"]) <= live_ids(project, "Account")
    assert deleted_for_good(project.succeed()) == [2, 0, 0]
    compare(project, server)


def test_thousands_at_once_are_looked_up_in_a_second_listing(tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project", CONTACTS)
    shutil.copy(REPOSITORY / "requirements" / "salesforce.schema.json", project.root / "requirements")
    done = project.durable("compile", "customer_data", "--no-commit")
    assert done.code == 0, done.err + done.out
    with sandbox(project.state, rows=4500) as server:
        project.succeed()
        for kind in ("hard_delete", "purge"):
            live = len(live_ids(project, "Contact"))
            server.post("change", {"object": "Contact", kind: 2050, "seed": live})
            later(server, minutes=2)
            if kind == "purge":
                done = project.run()
                assert (done.code, done.summary["error"]["code"]) == (4, "RUN401")
                assert f"2,050 of {live:,} live Contact rows" in done.summary["error"]["message"]
            assert deleted_for_good(project.succeed("--allow-guard", "max_deleted:Contact")) == [2050]
            assert compared(project) == [("Contact", 2050, 0)]
            truth = {one["Id"] for one in server.truth("Contact") if not one["IsDeleted"]}
            assert live_ids(project, "Contact") == truth


def test_a_filter_is_compared_by_ids_and_by_what_it_should_hold(tmp_path: Path) -> None:
    with discovered(tmp_path / "project", rows=400) as (project, server):
        install(project, source=KEPT)
        project.succeed()
        assert compared(project) == []
        later(server, days=1)
        kept = customers(server)
        server.post("change", {"object": "Account", "purge": 6, "hard_delete": 6, "seed": 3})
        shown = server.put("records/Account", [{"Name": "Shown", "Type": CUSTOMER, **BEHIND}])["ids"]
        others = server.put("records/Account", [{"Name": "Other", "Type": "Prospect", **BEHIND}])["ids"]
        project.succeed()
        gone = {*kept} - {*customers(server)}
        assert compared(project) == [("Account", len(gone), 1)]
        assert live_ids(project, "Account") == {*customers(server)}
        assert {*shown} <= live_ids(project, "Account")
        assert not {*others} & live_ids(project, "Account")
        later(server, days=1)
        project.succeed()
        assert compared(project) == [("Account", 0, 0)]

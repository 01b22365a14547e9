"""Values that move without a stamp reach the table, and only the records that they move are read again."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functional.project import Project, Sandbox, sandbox

ROUNDS = max(int(os.environ.get("DURABLE_SEEDS", "20")) // 10, 1)
SPEC = """# Values that move

- R1.1 Syncs Opportunities, Contacts and Tasks from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R1.3 Only syncs Contacts whose Account's Rating is Hot
- R1.4 Includes the Account's Name with each Contact as account_name
- R1.5 Includes the Owner's Email with each Opportunity as owner_email
- R1.6 Includes the Who's Email with each Task as who_email
- R1.7 Opportunity Next Step is required; records without it are rejected
- R2.1 Writes to DuckDB table customer_data
"""
NIGHTLY = """# Values that move at night

- R1.1 Syncs Opportunities from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R1.3 Re-reads formula fields every night
- R2.1 Writes to DuckDB table customer_data
"""
PROFILES = """default_profile = "local"

[profiles.fresh.salesforce]
login_url = "{url}"
auth = "client_credentials"
client_id = "{client_id}"
client_secret = "env:SANDBOX_SECRET"
horizon_seconds = 0

[profiles.fresh.warehouse]
kind = "duckdb"
path = "fresh.duckdb"
"""
STATEMENTS = (
    "SELECT * EXCLUDE (loaded_at, run_id, pipeline_version) FROM customer_data WHERE NOT is_deleted ORDER BY ALL",
    "SELECT * EXCLUDE (run_id, rejected_at) FROM customer_data__rejects ORDER BY ALL",
)
CALCULATED = {"type": "double", "precision": 18, "scale": 2, "flags": ["calculated"], "value": "1"}
STAMPS = ("SystemModstamp", "LastModifiedDate")


@dataclass
class World:
    """A project whose runs are increments, and a warehouse beside it that is always loaded anew."""

    project: Project
    server: Sandbox

    def run(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """An increment a day after the last one; its counts and its events, by object."""
        self.server.post("clock", {"advance_seconds": 86_400})
        summary = self.project.succeed(*arguments)
        found = {one["name"]: one for one in summary["objects"]}
        for event in self.events(summary["run_id"]):
            if event["code"] in ("formula_refreshed", "lookup_refreshed", "page_repeated"):
                found[event["object"]][event["code"]] = event
        return found

    def events(self, run_id: str) -> list[dict[str, Any]]:
        """What run.json tells."""
        told = json.loads((self.project.root / ".durable" / "runs" / run_id / "run.json").read_text("utf-8"))
        events: list[dict[str, Any]] = told["events"]
        return events

    def compare(self) -> None:
        """Assert that both warehouses hold the same, after the fresh one has loaded everything."""
        fresh = self.project.root / "fresh.duckdb"
        fresh.unlink(missing_ok=True)
        self.project.succeed("--profile", "fresh")
        for statement in STATEMENTS:
            assert self.project.rows(statement) == self.project.rows(statement, fresh)

    def live(self, name: str) -> list[dict[str, Any]]:
        """An object's records that are not deleted."""
        return [one for one in self.server.truth(name) if not one.get("IsDeleted")]

    def put(self, name: str, **record: Any) -> None:
        """Change a record; the stamps move unless they are given."""
        self.server.put(f"records/{name}", [record])

    def silently(self, name: str, record: dict[str, Any], **values: Any) -> None:
        """Change a record's values and no stamp."""
        self.put(name, Id=record["Id"], **values, **{stamp: record[stamp] for stamp in STAMPS})

    def scored(self) -> None:
        """See that Contacts have the formula Score__c, of which the package knows nothing."""
        if "Score__c" not in self.server.truth("Contact")[0]:
            self.server.post("fields", {"object": "Contact", "add": {"name": "Score__c", **CALCULATED}})
            self.run()

    def row(self, record_id: str) -> dict[str, Any]:
        """The row of a record."""
        (found,) = self.project.rows(f"FROM customer_data WHERE source_id = '{record_id}'")
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    project = Project.make(tmp_path_factory.mktemp("unstamped") / "project", SPEC)
    with sandbox(project.state) as server:
        project.variables["SANDBOX_SECRET"] = server.announced["client_secret"]
        text = PROFILES.format(url=server.url, client_id=server.announced["client_id"])
        (project.root / "durable.toml").write_text(text, "utf-8")
        for number, one in enumerate(server.truth("Opportunity")):
            step = None if number % 5 == 0 else "Call"
            server.put("records/Opportunity", [{"Id": one["Id"], "NextStep": step}])
        found = World(project.compiled(), server)
        server.post("clock", {"advance_seconds": 86_400})
        project.succeed()
        yield found


def test_a_day_without_a_change_reads_formulas_and_what_is_rejected(world: World) -> None:
    rejected = {row["source_id"] for row in world.project.rows("FROM customer_data__rejects")}
    found = world.run()
    opportunities = world.live("Opportunity")
    assert found["Opportunity"]["formula_refreshed"] == {
        "code": "formula_refreshed", "object": "Opportunity", "checked": len(opportunities), "changed": 0,
    }  # fmt: skip
    assert 0 < len(rejected) < len(opportunities)
    assert (found["Opportunity"]["read"], found["Opportunity"]["unchanged"]) == (len(rejected), len(rejected))
    assert found["Contact"]["read"] == 0


def test_a_formula_that_moved_alone_updates_its_record_and_no_other(world: World) -> None:
    one, other, *_ = accepted(world)
    before = world.row(one["Id"])
    world.silently("Opportunity", one, Weighted_Amount__c="12345.67")
    world.silently("Opportunity", other, Weighted_Amount__c=None)
    found = world.run()["Opportunity"]
    assert (found["updated"], found["formula_refreshed"]["changed"]) == (2, 2)
    after = world.row(one["Id"])
    assert str(after["weighted_amount"]) == "12345.670000000000000000"
    assert world.row(other["Id"])["weighted_amount"] is None
    assert after["source_modified_at"] == before["source_modified_at"]


def test_a_formula_of_a_rejected_record_is_kept_there_as_it_is(world: World) -> None:
    rejected = world.project.rows("FROM customer_data__rejects ORDER BY source_id")[0]
    one = next(one for one in world.live("Opportunity") if one["Id"] == rejected["source_id"])
    world.silently("Opportunity", one, Weighted_Amount__c="77.5")
    world.run()
    (after,) = world.project.rows(f"FROM customer_data__rejects WHERE source_id = '{one['Id']}'")
    assert json.loads(after["record"])["Weighted_Amount__c"] == "77.5"


def test_a_formula_whose_new_value_fits_no_column_rejects_its_record_until_it_fits(world: World) -> None:
    one = accepted(world)[0]
    for value, live in (("1E-19", False), ("5", True)):
        world.silently("Opportunity", one, Weighted_Amount__c=value)
        world.run()
        assert world.row(one["Id"])["is_deleted"] is not live
        rules = world.project.rows(f"SELECT rule FROM customer_data__rejects WHERE source_id = '{one['Id']}'")
        assert rules == ([] if live else [{"rule": "number_does_not_fit"}])


def test_an_unknown_formula_in_extensions_is_kept_fresh_there(world: World) -> None:
    world.server.post("fields", {"object": "Contact", "add": {"name": "Rank__c", **CALCULATED}})
    assert world.run()["Contact"]["read"] == len(world.server.truth("Contact"))  # a new field: all are read once
    live = world.project.rows("FROM customer_data WHERE source_object = 'Contact' AND NOT is_deleted")
    one = next(one for one in world.live("Contact") if one["Id"] == live[0]["source_id"])
    world.silently("Contact", one, Rank__c="2.50")
    found = world.run()["Contact"]
    assert (found["read"], found["updated"], found["formula_refreshed"]["changed"]) == (1, 1, 1)
    assert json.loads(world.row(one["Id"])["extensions"])["Rank__c"] == "2.50"


def test_where_many_formulas_moved_the_object_is_read_whole(world: World) -> None:
    for number, one in enumerate(world.live("Opportunity")):
        world.silently("Opportunity", one, Weighted_Amount__c=str(number))
    found = world.run()["Opportunity"]
    assert found["read"] == len(world.server.truth("Opportunity"))
    assert found["updated"] + found["rejected"] == found["formula_refreshed"]["checked"]


def test_a_parent_that_changed_moves_its_children_and_not_their_stamps(world: World) -> None:
    account, children = family(world)
    before = world.row(children[0])
    world.put("Account", Id=account["Id"], Name="Renamed")
    found = world.run()["Contact"]
    every = [one["Id"] for one in world.live("Contact") if one["AccountId"] == account["Id"]]
    assert (found["read"], found["updated"], found["lookup_refreshed"]["read"]) == (len(every),) * 3
    after = world.row(children[0])
    assert (before["account_name"], after["account_name"]) == (account["Name"], "Renamed")
    assert after["source_modified_at"] == before["source_modified_at"]
    user = next(one for one in world.server.truth("User") if one["Id"] == accepted(world)[0]["OwnerId"])
    world.put("User", Id=user["Id"], Email="moved@example.com")
    assert world.run()["Opportunity"]["updated"] > 0


def test_a_reference_to_several_objects_is_followed_too(world: World) -> None:
    people = {one["Id"] for one in world.live("Contact")}
    task = next(one for one in world.live("Task") if one["WhoId"] in people)
    world.put("Contact", Id=task["WhoId"], Email="who@example.com")
    found = world.run()["Task"]
    assert world.row(task["Id"])["who_email"] == "who@example.com"
    assert 0 < found["updated"] <= found["read"] < len(world.live("Task"))


def test_children_leave_and_come_back_with_what_a_filter_says_of_their_parent(world: World) -> None:
    account, children = family(world)
    for rating, left in (("Cold", True), ("Hot", False)):
        world.put("Account", Id=account["Id"], Rating=rating)
        world.run()
        assert {(row := world.row(one))["is_deleted"] for one in children} == {left}
        assert row["deleted_reason"] == ("left_filter" if left else None)


def test_children_follow_a_parent_that_is_deleted(world: World) -> None:
    account, _ = family(world)
    world.put("Account", Id=account["Id"], IsDeleted=True)
    assert world.run()["Contact"]["lookup_refreshed"]["read"] > 0
    world.compare()


def test_children_of_a_parent_that_is_gone_for_good_hold_nothing_of_it(world: World) -> None:
    names = "SELECT account_id, account_name FROM customer_data WHERE source_object = 'Contact' AND NOT is_deleted"
    before = {row["account_id"] for row in world.project.rows(names)}
    world.server.post("change", {"object": "Account", "purge": 30, "seed": 3})
    gone = before - {one["Id"] for one in world.server.truth("Account")}
    assert gone
    world.run("--allow-guard", "max_deleted:Contact")
    assert not gone & {row["account_id"] for row in world.project.rows(names)}  # the filter asks for a Hot parent
    world.compare()


STOPPED = {
    "before the children are read": "Account.SystemModstamp >= ",
    "before formulas are read": "SELECT Id, SystemModstamp, Weighted_Amount__c FROM",
}


def test_what_the_quota_keeps_a_run_from_reading_is_read_by_the_next(world: World) -> None:
    account, children = family(world)
    one = accepted(world)[0]
    world.put("Account", Id=account["Id"], Name="Before the quota ended")
    world.silently("Opportunity", one, Weighted_Amount__c="404")
    for asked in STOPPED.values():
        fault = {"kind": ["count", "query"], "contains": asked, "error": "REQUEST_LIMIT_EXCEEDED"}
        world.server.post("faults", fault)
        world.server.post("clock", {"advance_seconds": 86_400})
        done = world.project.run()
        assert (done.code, done.summary["status"]) == (5, "partial"), done.err
    assert world.row(children[0])["account_name"] == "Before the quota ended"
    assert world.row(one["Id"])["weighted_amount"] != 404
    world.run()
    assert world.row(one["Id"])["weighted_amount"] == 404
    world.compare()


def test_where_salesforce_takes_too_long_to_find_what_moved_the_object_is_read_whole(world: World) -> None:
    account, children = family(world)
    one = accepted(world)[-1]
    world.put("Account", Id=account["Id"], Name="Found all the same")
    world.silently("Opportunity", one, Weighted_Amount__c="120")
    for counted, asked in (
        (STOPPED["before the children are read"],) * 2,
        ("FROM Opportunity WHERE IsDeleted = false AND SystemModstamp < ", STOPPED["before formulas are read"]),
    ):
        world.server.post("faults", {"kind": "count", "contains": counted, "error": "QUERY_TIMEOUT"})
        world.server.post("faults", {"kind": "job", "contains": asked, "fail_job": {"message": "QUERY_TIMEOUT"}})
    found = world.run()
    assert found["Contact"]["read"] == len(world.server.truth("Contact"))
    assert found["Opportunity"]["read"] == len(world.server.truth("Opportunity"))
    assert world.row(children[0])["account_name"] == "Found all the same"
    assert world.row(one["Id"])["weighted_amount"] == 120


@pytest.mark.parametrize("asked", ["Account.SystemModstamp >= ", "SELECT Id, SystemModstamp, Score__c FROM"])
def test_a_page_that_holds_a_record_twice_and_another_not_is_read_again(world: World, asked: str) -> None:
    world.scored()
    known = ", ".join(one for one in ("Rank__c", "Score__c") if one in world.server.truth("Contact")[0])
    asked = asked.replace("Score__c", known)  # formulas that went before are asked for too
    account, children = family(world)
    world.put("Account", Id=account["Id"], Name=asked)
    (other,) = world.project.rows(
        "SELECT source_id FROM customer_data WHERE source_object = 'Contact' AND NOT is_deleted "
        f"AND account_id <> '{account['Id']}' LIMIT 1"
    )
    record = next(one for one in world.live("Contact") if one["Id"] == other["source_id"])
    for one in (record, next(one for one in world.live("Contact") if one["Id"] == children[0])):
        world.silently("Contact", one, Score__c=str(len(asked)))
    world.server.post("faults", {"kind": "query", "contains": asked, "replace_row": True})
    assert "page_repeated" in world.run()["Contact"]
    assert {world.row(child)["account_name"] for child in children} == {asked}
    for child in (children[0], record["Id"]):
        assert json.loads(world.row(child)["extensions"])["Score__c"] == str(len(asked))


def test_any_rounds_of_changes_end_like_a_fresh_load(world: World) -> None:
    world.scored()
    chance = random.Random(20261122)
    for _ in range(ROUNDS):
        for name in ("Account", "Contact", "Opportunity"):
            amounts = {kind: chance.randrange(4) for kind in ("insert", "update", "delete", "undelete", "purge")}
            world.server.post("change", {"object": name, **amounts, "seed": chance.randrange(10**6)})
        for one in chance.sample(world.live("Opportunity"), 3):
            world.silently("Opportunity", one, Weighted_Amount__c=str(chance.randrange(9)))
        for one in chance.sample(world.live("Contact"), 3):
            world.silently("Contact", one, Score__c=str(chance.randrange(9)))
        for one in chance.sample(world.live("Account"), 3):
            world.put("Account", Id=one["Id"], Rating=chance.choice(["Hot", "Cold", None]))
        accounts = world.server.truth("Account")
        for one in chance.sample(world.live("Contact"), 3):
            world.put("Contact", Id=one["Id"], AccountId=chance.choice([None, chance.choice(accounts)["Id"]]))
        (user,) = chance.sample(world.server.truth("User"), 1)
        world.put("User", Id=user["Id"], Email=f"{chance.randrange(9)}@example.com")
        world.run()
        world.compare()


def test_nightly_means_the_first_run_twenty_hours_after_the_last(world: World, tmp_path: Path) -> None:
    project = Project.make(tmp_path / "nightly", NIGHTLY)
    project.state.mkdir(parents=True)
    (project.state / "url.json").write_text(json.dumps(world.server.announced), "utf-8")
    project.compiled().succeed()
    one = world.live("Opportunity")[0]
    world.silently("Opportunity", one, Weighted_Amount__c="31")
    amount = f"SELECT weighted_amount::INTEGER AS held FROM customer_data WHERE source_id = '{one['Id']}'"
    assert project.succeed()["objects"][0]["found"] == 0
    memory = project.root / ".durable" / "refresh" / "customer_data.formulas.json"
    told = json.loads(memory.read_text("utf-8"))
    then = datetime.fromisoformat(told["local"]["Opportunity"]) - timedelta(hours=20)
    memory.write_text(json.dumps({"local": {"Opportunity": then.isoformat()}}), "utf-8")
    project.succeed()
    assert project.rows(amount) == [{"held": 31}]
    assert json.loads(memory.read_text("utf-8"))["local"]["Opportunity"] > told["local"]["Opportunity"]


def accepted(world: World) -> list[dict[str, Any]]:
    """Opportunities that are not rejected."""
    return [one for one in world.live("Opportunity") if one["NextStep"]]


def family(world: World) -> tuple[dict[str, Any], list[str]]:
    """The Account with the most Contacts that are live in the table, and their Ids."""
    live = "source_object = 'Contact' AND NOT is_deleted"
    rows = world.project.rows(f"FROM customer_data WHERE {live} ORDER BY source_id")
    parents = Counter(row["account_id"] for row in rows)
    account = max(world.live("Account"), key=lambda one: parents[one["Id"]])
    return account, [row["source_id"] for row in rows if row["account_id"] == account["Id"]]

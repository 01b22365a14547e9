"""History from a certain day on: what is older is never read, never missed, and what was loaded once stays current."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from conftest import seeds
from functional.project import REPOSITORY, Done, Project, Sandbox, sandbox
from functional.runs_in_a_row import runner
from functional.test_compile_rules import install

SPEC = """\
# People

- R1.1 Syncs Accounts and Contacts from Salesforce
- R1.2 Runs nightly at 2:00 AM Europe/Berlin
- R1.3 Writes to DuckDB table customer_data
- R1.4 Includes the Account's Name with each Contact as account_name
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
horizon_seconds = 0
rest_below = {rest_below}
"""
LOOKUP = {"path": "Account.Name", "column": "account_name"}
BEGIN = "2024-06-01"
MIDNIGHT = datetime(2024, 5, 31, 22, tzinfo=UTC)  # of June 1 in Berlin


class World:
    """A project whose spec may change, and its sandbox."""

    def __init__(self, project: Project, server: Sandbox) -> None:
        self.project, self.server = project, server

    def use(self, since: str, **said: Any) -> None:
        """A package of what the spec says with history from there on."""
        account, contact = {"since": since}, {"since": since, "lookups": [LOOKUP]}
        schedule = {"cron": "0 2 * * *", "timezone": "Europe/Berlin"}
        sources = {"Account": account, "Contact": contact}
        install(self.project, tuple(sources), source=sources, schedule=schedule, **said)

    def begin(self) -> None:
        """A table that nothing was ever loaded into."""
        self.project.warehouse.unlink(missing_ok=True)
        shutil.rmtree(self.project.root / ".durable" / "landing", ignore_errors=True)

    def run(self, *arguments: str) -> dict[str, Any]:
        """A run that must succeed and miss nothing."""
        with runner(self.project) as child:
            return self.done(child.run(*arguments))

    def done(self, done: Done) -> dict[str, Any]:
        assert done.code == 0, done.err
        assert self.events("unseen", "unsettled", "read_by_id") == []
        return done.summary

    def events(self, *codes: str) -> list[dict[str, Any]]:
        """What the last run noted, of some codes."""
        records = sorted((self.project.root / ".durable" / "runs").glob("*/run.json"))
        noted = json.loads(records[-1].read_text(encoding="utf-8"))["events"]
        return [one for one in noted if one["code"] in codes]

    def forget_schedule(self) -> None:
        """Make the scheduled comparison due."""
        shutil.rmtree(self.project.root / ".durable" / "refresh", ignore_errors=True)

    def compare(self, begin: datetime = MIDNIGHT) -> None:
        """Assert that the table holds what Salesforce holds from there on, as it is now."""
        accounts = {one["Id"]: one for one in self.server.truth("Account")}
        for name in ("Account", "Contact"):
            expected = {
                one["Id"]: (one.get("Name"), moment(one["SystemModstamp"]).replace(tzinfo=None), parent(one, accounts))
                for one in self.server.truth(name)
                if not one["IsDeleted"] and moment(one["CreatedDate"]) >= begin
            }
            rows = self.project.rows(
                "SELECT source_id, name, source_modified_at, account_name FROM customer_data "
                f"WHERE source_object = '{name}' AND NOT is_deleted"
            )
            held = {row.pop("source_id"): tuple(row.values()) for row in rows}
            assert held.keys() == expected.keys(), name
            assert held == expected


def parent(record: dict[str, Any], accounts: dict[str, dict[str, Any]]) -> str | None:
    found = accounts.get(record.get("AccountId") or "")
    return found["Name"] if found and not found["IsDeleted"] else None


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    project = Project.make(tmp_path_factory.mktemp("since") / "project", SPEC)
    shutil.copy(REPOSITORY / "requirements" / "salesforce.schema.json", project.root / "requirements")
    with sandbox(project.state, rows=150) as server:
        yield World(project, server)


@pytest.fixture
def world(made: World) -> World:
    configure(made, 2000)
    made.begin()
    return made


def configure(world: World, rest_below: int) -> None:
    announced = world.server.announced
    text = PROFILE.format(url=world.server.url, client_id=announced["client_id"], rest_below=rest_below)
    (world.project.root / "durable.toml").write_text(text, encoding="utf-8")
    world.project.variables["SANDBOX_SECRET"] = announced["client_secret"]


def born(moment: datetime) -> dict[str, str]:
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    return dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), stamp)


@pytest.mark.parametrize("rest_below", [2000, 2])
def test_history_begins_with_the_day_in_the_schedules_zone(rest_below: int, world: World) -> None:
    configure(world, rest_below)
    world.use(BEGIN)
    if rest_below > 2:  # as a compile of the English for it does
        text = f"{SPEC}- R1.5 Loads history from June 1, 2024\n"
        (world.project.root / "requirements" / "customer_data.md").write_text(text, encoding="utf-8")
        done = world.project.durable("compile", "customer_data", "--no-commit")
        assert (done.code, "DUR081" in done.out + done.err) == (0, False), done.err
    just = (MIDNIGHT, MIDNIGHT - timedelta(milliseconds=1))
    first, before = world.server.put("records/Account", [{"Name": "Edge", **born(one)} for one in just])["ids"]
    summary = world.run()
    world.compare()
    held = {row["source_id"] for row in world.project.rows("SELECT source_id FROM customer_data")}
    assert first in held and before not in held
    recent = [one for one in world.server.truth("Account") if moment(one["CreatedDate"]) >= MIDNIGHT]
    assert summary["objects"][0]["read"] == len(recent) < len(world.server.truth("Account"))
    assert world.events("ids_compared") == []  # the counts agree: what is older is nowhere counted


def test_whatever_happens_to_older_records_is_nothing_to_a_run(world: World) -> None:
    world.use(BEGIN)
    with runner(world.project) as child:
        world.done(child.run())
        for seed in seeds(3):
            chance = random.Random(seed)
            for name in ("Account", "Contact"):
                kinds = ("insert", "update", "delete", "undelete", "purge", "hard_delete")
                amounts = {kind: chance.randrange(6) for kind in kinds}
                world.server.post("change", {"object": name, **amounts, "seed": seed})
            if chance.random() < 0.5:
                world.forget_schedule()  # every Id and stamp is compared
            world.server.post("clock", {"advance_seconds": chance.choice((5, 700, 90_000))})
            world.done(child.run("--allow-guard", "max_deleted:Account", "--allow-guard", "max_deleted:Contact"))
            world.compare()
        last = world.done(child.run("--full"))
        assert [one["deleted_for_good"] for one in last["objects"] if "deleted_for_good" in one] == []
        world.compare()


def test_an_older_parent_is_still_followed(world: World) -> None:
    world.use(BEGIN)
    world.run()
    older = {one["Id"] for one in world.server.truth("Account") if moment(one["CreatedDate"]) < MIDNIGHT}
    child = next(
        one for one in world.server.truth("Contact")
        if one["AccountId"] in older and moment(one["CreatedDate"]) >= MIDNIGHT and not one["IsDeleted"]
    )  # fmt: skip
    world.server.put("records/Account", [{"Id": child["AccountId"], "Name": "Renamed, Ltd"}])
    world.run()
    world.compare()
    assert world.project.rows(f"SELECT account_name FROM customer_data WHERE source_id = '{child['Id']}'") == [
        {"account_name": "Renamed, Ltd"}
    ]


def test_a_later_beginning_keeps_what_is_loaded_and_an_earlier_one_reads_the_rest(world: World) -> None:
    world.use(BEGIN)
    world.run()
    world.use("2025-01-01")
    world.run()
    world.compare()
    assert [(one["object"], one["since"], one["begins"]) for one in world.events("history_kept")] == [
        (name, "2025-01-01", "2024-05-31T22:00:00Z") for name in ("Account", "Contact")
    ]
    changed = next(
        one["Id"] for one in world.server.truth("Contact")
        if MIDNIGHT <= moment(one["CreatedDate"]) < datetime(2024, 12, 31, tzinfo=UTC) and not one["IsDeleted"]
    )  # fmt: skip
    world.server.put("records/Contact", [{"Id": changed, "FirstName": "Changed"}])
    world.run("--full")
    world.compare()  # older than the spec asks for, loaded, and as it is today
    assert world.events("history_kept") == []
    world.use("2023-09-01")
    summary = world.run()
    world.compare(datetime(2023, 8, 31, 22, tzinfo=UTC))
    assert all(one["inserted"] for one in summary["objects"])


def test_a_span_is_counted_back_from_the_day_of_the_first_load(world: World) -> None:
    world.use("P24M")
    world.run()
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    begin = midnight(date(today.year - 2, today.month, min(today.day, 28) if today.month == 2 else today.day))
    world.compare(begin)
    stored = "{:%Y-%m-%dT%H:%M:%SZ}"
    state = "SELECT DISTINCT split_part(row_function, '/', -1) AS begins FROM durable_state"
    assert world.project.rows(state) == [{"begins": stored.format(begin)}]
    # The first load as if it had been 300 days ago: what it loaded would have begun so much earlier.
    earlier = begin - timedelta(days=300)
    move(world.project, stored.format(begin), stored.format(earlier))
    world.run("--full")
    world.compare(earlier)
    world.run()
    assert world.project.rows(state) == [{"begins": stored.format(earlier)}]
    world.begin()
    world.run()
    world.compare(begin)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


def move(project: Project, before: str, after: str) -> None:
    import duckdb

    with duckdb.connect(str(project.warehouse)) as database:
        database.execute("UPDATE durable_state SET row_function = replace(row_function, ?, ?)", [before, after])


def test_an_object_that_hides_when_its_records_were_made_stops_the_run_before_reading(world: World) -> None:
    world.use(BEGIN)
    world.server.post("drift", {"op": "hide", "object": "Contact", "field": "CreatedDate"})
    try:
        with runner(world.project) as child:
            done = child.run()
        assert (done.code, done.summary["error"]["code"]) == (4, "RUN403")
        assert "R1.1" in done.err
        assert "Contact does not show when its records were created" in done.err
    finally:
        world.server.post("drift", {"op": "unhide", "object": "Contact", "field": "CreatedDate"})
    assert world.project.rows("SELECT count(*) AS rows FROM customer_data") == [{"rows": 0}]


def test_a_table_that_is_replaced_begins_with_the_day_of_each_run(world: World) -> None:
    replaced: dict[str, Any] = {"write": {"mode": "replace"}, "incremental": {"enabled": False}}
    world.use(BEGIN, **replaced)
    world.run()
    world.compare()
    world.use("2025-01-01", **replaced)
    world.run("--allow-guard", "max_deleted:Account", "--allow-guard", "max_deleted:Contact")
    world.compare(midnight(date(2025, 1, 1)))
    assert world.events("history_kept") == []

"""`durable plan` tells what the next run then does: records, requests, statements, columns; and it writes nothing."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from functional.project import Project, Sandbox, environment, sandbox
from functional.test_snowflake_run import KEYS, PROFILE, rows, stand_in

CHILD = Path(__file__).with_name("recording_loop.py")
REQUIREMENTS = """# A spec

- R1.1 Syncs Accounts and Contacts from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R2.1 Writes to Snowflake table customer_data
- R2.2 Upserts existing records and inserts new ones
- R3.1 Commits in batches of 30 rows
- R3.2 Contact Email is required; records without it are rejected
- R3.3 Deduplicates Contacts by Email, keeping the latest
- R4.1 Stops when fewer than 5 Accounts are found
"""
WRITES = re.compile(r"\s*(CREATE|ALTER|INSERT|UPDATE|DELETE|MERGE|BEGIN|COMMIT|ROLLBACK|PUT|COPY|REMOVE)\b")
PLACE = re.compile(r"(?:RUN_FOLDER|/[^'\s@]*?)/(?=[^'/\s]+\.parquet)")
ASIDE = re.compile(r"__(arriving|listed|expected)\b|durable_stage/__lists/")
FILE = re.compile(r"[^'/\s]+\.parquet")


@dataclass
class Told:
    """How a command of the package ended, what it sent to the warehouse and how often it asked Salesforce."""

    code: int
    out: str
    err: str
    statements: list[str]
    requests: int

    @property
    def json(self) -> Any:
        """The object on the last line."""
        return json.loads(self.out.strip().splitlines()[-1])


@dataclass
class World:
    """A project with a package, a sandbox, a Snowflake stand-in, and a process that gives the package's commands."""

    project: Project
    server: Sandbox
    address: dict[str, Any]
    child: subprocess.Popen[str]

    def do(self, *arguments: str) -> Told:
        """A command of the package."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write(json.dumps(arguments) + "\n")
        self.child.stdin.flush()
        return Told(**json.loads(self.child.stdout.readline()))

    def plan(self, profile: str, *more: str) -> Told:
        """`plan --json --statements`, which must leave everything as it is."""
        before = self.written()
        told = self.do("plan", "--json", "--statements", "--profile", profile, *more)
        assert self.written() == before
        assert not [one for one in told.statements if WRITES.match(one)]
        return told

    def run(self, profile: str, *more: str) -> Told:
        """`run --json`."""
        return self.do("run", "--json", "--profile", profile, *more)

    def written(self) -> dict[str, str]:
        """Every file of the project and what is in it, but for the server's own."""
        root = self.project.root
        files = [one for one in root.rglob("*") if one.is_file() and self.project.state not in one.parents]
        return {
            str(one): hashlib.sha256(one.read_bytes()).hexdigest() for one in files if "__pycache__" not in str(one)
        }

    def select(self, profile: str, sql: str) -> list[dict[str, Any]]:
        """The rows of a query."""
        return rows(self.address, sql) if profile == "snow" else self.project.rows(sql)

    def execute(self, profile: str, *statements: str) -> None:
        """Somebody else's statements."""
        for statement in statements:
            if profile == "snow":
                rows(self.address, statement)
            else:
                with duckdb.connect(str(self.project.warehouse)) as database:
                    database.execute(statement)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    project = Project.make(tmp_path_factory.mktemp("planning") / "project", REQUIREMENTS)
    project.variables = {"SNOWFLAKE_PASSWORD": "x", "KEY": "00" * 32, "SANDBOX_SECRET": "x"}
    with sandbox(project.state, rows=70) as server, stand_in() as address:
        project.compiled()
        text = PROFILE.format(keys=KEYS, **address) + DOWN
        (project.root / "durable.toml").write_text(text, encoding="utf-8")
        with subprocess.Popen(
            [sys.executable, str(CHILD)], cwd=project.root, env=environment(**project.variables),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as child:  # fmt: skip
            assert child.stdin is not None
            yield World(project, server, address, child)
            child.stdin.close()
            child.wait(60)


DOWN = """
[profiles.down]
[profiles.down.salesforce]
login_url = "http://127.0.0.1:9"
auth = "client_credentials"
client_id = "x"
client_secret = "env:SANDBOX_SECRET"
[profiles.down.warehouse]
kind = "duckdb"
path = "down.duckdb"
"""


def same_form(statements: list[str], run_id: str = "RUN_ID") -> list[str]:
    """Statements that write, without what tells one run from another; a lease is renewed whenever it is needed."""
    return [
        FILE.sub("FILE", PLACE.sub("", one.replace(run_id, "RUN_ID"))).strip()
        for one in statements
        if WRITES.match(one) and not (one.startswith("UPDATE") and "durable_lock" in one)
    ]


def said(plan: Any, *steps: str) -> list[str]:
    """The statements of a plan in the order in which they run."""
    found: list[str] = []
    for one in plan["statements"]:
        if not steps or one["step"] in steps:
            found += one["statements"] * one["times"]
    return found


def of_loads(run: Told) -> list[str]:
    """What a run sent from its lease to its last commit, but for the tables of forecasts."""
    sent = same_form(run.statements, run.json["run_id"])
    leases = [at for at, one in enumerate(sent) if one.startswith("MERGE INTO") and "durable_lock" in one]
    last = max(at for at, one in enumerate(sent) if one == "COMMIT")
    return [one for one in sent[leases[-1] : last + 1] if not ASIDE.search(one)]


def compare(plan: Any, run: Told) -> None:
    """Assert that a run did what was planned: records, batches, requests and statements."""
    assert run.code == 0, run.err
    assert [(one["name"], one["records"]) for one in plan["objects"]] == [
        (one["name"], one["read"]) for one in run.json["objects"]
    ]
    assert plan["requests"]["run"] == run.requests
    batches = sum(one == "BEGIN TRANSACTION" for one in same_form(run.statements))
    assert sum(one["batches"] for one in plan["objects"]) == batches
    planned = [one for one in same_form(said(plan)) if not one.startswith("REMOVE")]
    made = [one["statement"].strip() for one in plan["table_changes"] if one["statement"]]
    assert planned[: len(made)] == made
    assert [one for one in same_form(run.statements) if one in made] == made
    assert [one for one in of_loads(run) if not one.startswith("REMOVE")] == planned[len(made) :]


@pytest.mark.parametrize("profile", ["local", "snow"])
def test_a_run_does_what_was_planned(profile: str, world: World) -> None:
    plan = world.plan(profile)
    assert plan.code == 0, plan.err
    first = plan.json
    assert first["outcome"] == "ready"
    assert [one["read"] for one in first["objects"]] == ["first load", "first load"]
    assert [one["why"] for one in first["objects"]] == [["nothing of it was ever loaded"]] * 2
    assert [one["api"] for one in first["objects"]] == ["rest", "rest"]
    assert [one["rows"] for one in first["objects"]] == [{"live": 0, "rejected": 0, "duplicates": 0}] * 2
    assert {one["kind"] for one in first["table_changes"]} == {"create"}
    assert len(first["table_changes"]) == 7
    assert first["requests"]["plan"] == plan.requests
    compare(first, world.run(profile))

    world.server.post("change", {"object": "Contact", "update": 7, "delete": 3, "insert": 2, "seed": len(profile)})
    second = world.plan(profile).json
    held = {one["name"]: one["rows"]["live"] for one in second["objects"]}
    counted = world.select(profile, "SELECT source_object AS name, COUNT(*) AS n FROM customer_data GROUP BY 1")
    assert held == {one["name"]: one["n"] for one in counted}
    assert [(one["read"], one["why"]) for one in second["objects"]] == [("increment", [])] * 2
    (accounts, contacts) = (one["records"] for one in second["objects"])
    assert (accounts, contacts >= 12) == (0, True)  # the overlap may bring some for the second time
    assert (second["table_changes"], second["rewrites"], second["stops"]) == ([], [], [])
    compare(second, world.run(profile))

    (third,) = world.plan(profile, "--object", "Account", "--full").json["objects"]
    assert (third["read"], third["why"]) == ("full read", ["--full reads everything"])
    assert third["window"]["from"] is None


def test_a_dropped_column_stops_plan_and_run_and_full_fills_it_again(world: World) -> None:
    profile = "local"
    names = "SELECT source_id, last_name FROM customer_data WHERE NOT is_deleted ORDER BY source_id"
    assert world.run(profile).code == 0
    before = world.select(profile, names)
    assert any(one["last_name"] for one in before)
    world.execute(profile, "ALTER TABLE customer_data DROP COLUMN last_name")
    plan = world.plan(profile)
    assert plan.code == 4
    (stop,) = plan.json["stops"]
    assert (stop["code"], plan.json["outcome"]) == ("RUN402", "refused")
    assert "lacks columns that the last run wrote (Contact: last_name)" in stop["message"]
    run = world.run(profile)
    assert (run.code, run.json["error"]["code"]) == (4, "RUN402")
    assert stop["message"] in run.json["error"]["message"]
    full = world.plan(profile, "--full")
    assert full.code == 0
    (change,) = full.json["table_changes"]
    assert (change["kind"], change["column"], change["to_type"]) == ("add", "last_name", "VARCHAR")
    assert any(one.startswith("--full: every row of customer_data") for one in full.json["rewrites"])
    assert world.run(profile, "--full").code == 0
    assert world.select(profile, names) == before
    assert world.plan(profile).json["table_changes"] == []


def test_a_run_that_dies_behind_the_new_column_leaves_no_gap(world: World) -> None:
    profile = "local"
    names = "SELECT source_id, first_name FROM customer_data WHERE NOT is_deleted ORDER BY source_id"
    assert world.run(profile).code == 0
    before = world.select(profile, names)
    # As far as a run with --full comes that ends after it has added the column.
    world.execute(
        profile,
        "ALTER TABLE customer_data DROP COLUMN first_name",
        "UPDATE durable_state SET row_function = NULL WHERE object = 'Contact'",
        "UPDATE customer_data SET row_hash = NULL WHERE NOT is_deleted AND source_object = 'Contact'",
        "UPDATE customer_data__duplicates SET row_hash = NULL WHERE NOT is_deleted AND source_object = 'Contact'",
        "ALTER TABLE customer_data ADD COLUMN first_name VARCHAR",
    )
    (account, contact) = world.plan(profile).json["objects"]
    assert (account["read"], contact["read"]) == ("increment", "full read")
    assert contact["why"] == [
        "what decides its rows changed since it was loaded: the requirements, a key, or the fields that are visible"
    ]
    assert world.run(profile).code == 0
    assert world.select(profile, names) == before


@pytest.mark.parametrize("profile", ["local", pytest.param("snow", marks=pytest.mark.long)])
def test_a_table_that_cannot_take_the_rows_stops_plan_and_run(profile: str, world: World) -> None:
    world.execute(
        profile,
        "ALTER TABLE customer_data ADD COLUMN mine DATE",
        "ALTER TABLE customer_data RENAME COLUMN annual_revenue TO was",
        "ALTER TABLE customer_data ADD COLUMN annual_revenue DATE",
    )
    plan = world.plan(profile)
    assert plan.code == 4
    assert [one["code"] for one in plan.json["stops"]] == ["RUN407"]
    kinds = {(one["kind"], one["column"]) for one in plan.json["table_changes"]}
    assert kinds == {("refused", "annual_revenue"), ("kept", "mine"), ("kept", "was")}
    run, number = world.run(profile), "DECIMAL(38,18)" if profile == "local" else "NUMBER(38,18)"
    assert (run.code, run.json["error"]["code"]) == (4, "RUN407")
    assert f"customer_data.annual_revenue (DATE there, {number} wanted)" in run.json["error"]["message"]
    world.execute(
        profile,
        "ALTER TABLE customer_data DROP COLUMN annual_revenue",
        "ALTER TABLE customer_data RENAME COLUMN was TO annual_revenue",
        "ALTER TABLE customer_data DROP COLUMN mine",
    )
    assert world.plan(profile).code == 0


@pytest.mark.parametrize("profile", ["local", pytest.param("snow", marks=pytest.mark.long)])
def test_an_emptied_table_and_one_of_another_organization_are_said(profile: str, world: World) -> None:
    (known,) = world.select(profile, "SELECT DISTINCT organization_id AS id FROM durable_state")
    world.execute(profile, "UPDATE durable_state SET organization_id = '00Dxx', rows_live = 999")
    plan = world.plan(profile)
    assert plan.code == 4
    assert [one["code"] for one in plan.json["stops"]] == ["RUN703", "RUN402"]
    assert "filled from Salesforce organization 00Dxx" in plan.json["stops"][0]["message"]
    assert "but the last commit left 999" in plan.json["stops"][1]["message"]
    if profile == "local":  # whoever logs in to another organization changes no table
        world.execute(profile, "ALTER TABLE durable_ledger DROP COLUMN content")
        run = world.run(profile)
        assert (run.code, run.json["error"]["code"]) == (7, "RUN703")
        assert [one for one in run.statements if WRITES.match(one)] == []
        world.execute(profile, "ALTER TABLE durable_ledger ADD COLUMN content VARCHAR")
    live = "(SELECT COUNT(*) FROM customer_data t WHERE t.source_object = durable_state.object AND NOT t.is_deleted)"
    world.execute(profile, f"UPDATE durable_state SET organization_id = '{known['id']}', rows_live = {live}")
    assert world.plan(profile).code == 0


def test_guards_are_shown_with_todays_numbers(world: World) -> None:
    told = world.plan("local").json["guards"]
    (least,) = [one for one in told if one["requirement"] == "R4.1"]
    assert (least["limit"], least["verdict"]) == ("at least 5 Account", "passes")
    assert re.fullmatch(r"Salesforce holds \d+", least["today"])
    full = {one["guard"]: one for one in world.plan("local", "--full").json["guards"]}
    assert full["max_deleted:Contact"]["verdict"] == "may stop"
    assert re.fullmatch(r"at most \d+ read", full["max_rejected:Contact"]["today"])


def test_snowflakes_credits_are_given_by_size_and_time(world: World) -> None:
    costs = world.plan("snow", "--full").json["snowflake"]
    assert costs["credits"]["1"]["X-Small"] == 0.017
    assert costs["credits"]["15"]["Large"] == 2.0
    assert 5_000 < costs["bytes_before_compression"] < 200_000
    assert world.plan("local").json["snowflake"] is None


def test_a_salesforce_that_is_down_ends_the_plan_with_its_own_code(world: World) -> None:
    told = world.do("plan", "--json", "--profile", "down")
    assert told.code == 6
    assert told.json["error"]["code"] == "RUN601"
    assert not (world.project.root / "down.duckdb").exists()


def test_the_plan_is_readable(world: World) -> None:
    done = world.project.durable("plan", "customer_data", "--profile", "local", "--statements")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].startswith("Plan of customer_data v1.0.0, profile local: DuckDB ")
    header = next(line for line in lines if line.startswith("  object"))
    assert header.split() == "object read from to records API requests batches table live now".split()
    assert "  -- Account" in lines
    assert "  BEGIN TRANSACTION;" in lines
    assert lines[-1] == "Nothing is refused: a run can start."


def test_an_unknown_flag_or_pipeline_is_refused(world: World) -> None:
    assert world.do("plan", "--nonsense").code == 2
    assert world.project.durable("plan", "nothing_here").code == 2

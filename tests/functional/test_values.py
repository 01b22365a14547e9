"""Values, exactly: every field type's hard cases from Salesforce to the column, over REST and over Bulk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from functional.project import Project, Sandbox, sandbox
from functional.test_resume import asked
from functional.test_snowflake_run import rows as rows_in_snowflake
from functional.test_snowflake_run import stand_in
from functional.value_cases import CASES, KINDS, OBJECT, PAGE, Case, Kind, TEXTS, Rejected, each, filled, landed

SPEC = """# Values

- R1.1 Syncs Invoices, Tasks and AccountHistory from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R1.3 Writes to Snowflake table customer_data
- R1.4 Reads only records modified since the last run
- R1.5 Keeps unmapped fields in the extensions column
"""
PROFILES = """default_profile = "rest"
[profiles.rest]
alerts = "file"
keys = {keys}
warehouse = {{kind = "duckdb", path = ".durable/rest.duckdb"}}
[profiles.rest.salesforce]
rest_below = 1000000
{login}
[profiles.bulk]
alerts = "file"
keys = {keys}
warehouse = {{kind = "duckdb", path = ".durable/bulk.duckdb"}}
[profiles.bulk.salesforce]
rest_below = 0
{login}
[profiles.snow]
alerts = "file"
keys = {keys}
[profiles.snow.warehouse]
kind = "snowflake"
account = "local"
user = "DURABLE"
password = "env:KEY"
database = "CRM"
schema = "PUBLIC"
host = "{host}"
port = {port}
protocol = "http"
[profiles.snow.salesforce]
rest_below = 0
{login}
"""
KEYS = '{journal = "env:KEY", mask = "env:KEY", rejects = "env:KEY"}'
EXCEPT_RUN = "* EXCLUDE (loaded_at, run_id, pipeline_version)"
CREATED = "POST /services/data/{version}/jobs/query"
WHO, WHAT, GROUP = "00300000000000BAAQ", "a1X000000000001AAA", "00G000000000001AAA"


@dataclass
class World:
    """A project that has read all cases over REST and over Bulk, and the Ids under which they stand."""

    project: Project
    server: Sandbox
    snowflake: dict[str, Any]
    ids: dict[str, tuple[Kind, Case]]
    others: dict[str, dict[str, Any]]

    def file(self, profile: str) -> Path:
        return self.project.root / ".durable" / f"{profile}.duckdb"

    def held(self, profile: str) -> dict[str, dict[str, Any]]:
        return by_id(self.project.rows("FROM customer_data", self.file(profile)))

    def rejects(self, profile: str) -> dict[str, dict[str, Any]]:
        return by_id(self.project.rows("FROM customer_data__rejects", self.file(profile)))

    def read(self, profile: str, *arguments: str) -> dict[str, Any]:
        return self.project.succeed("--profile", profile, *arguments)


def configure(project: Project, server: Sandbox, address: dict[str, Any]) -> None:
    """One profile for each way from Salesforce to a warehouse."""
    login = [f'login_url = "{server.url}"', 'auth = "client_credentials"', 'client_secret = "env:SANDBOX_SECRET"']
    login += [f'client_id = "{server.announced["client_id"]}"', "horizon_seconds = 0"]
    text = PROFILES.format(login="\n".join(login), keys=KEYS, **address)
    (project.root / "durable.toml").write_text(text, encoding="utf-8")
    project.variables |= {"SANDBOX_SECRET": server.announced["client_secret"], "KEY": "00" * 32}


def define(server: Sandbox, kind: Kind, name: str) -> None:
    field = {"name": name, "type": kind.type.partition(" ")[0], **(kind.shape or {})}
    server.post("drift", {"op": "add", "object": OBJECT, "field": field})


def put_cases(server: Sandbox) -> dict[str, tuple[Kind, Case]]:
    pairs = list(each())
    made = server.put(f"records/{OBJECT}", [{"Name": case.hard, kind.field: case.sent} for kind, case in pairs])
    return dict(zip(made["ids"], pairs, strict=True))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    project = Project.make(tmp_path_factory.mktemp("values") / "project", SPEC)
    with sandbox(project.state, rows=40) as server, stand_in() as address:
        server.post("objects", {"show": [OBJECT, "AccountHistory"]})
        for kind in KINDS:
            if kind.shape is not None:
                define(server, kind, kind.field)
        server.post("drift", {"op": "picklist_retire", "object": OBJECT, "field": "Stage__c", "value": "Closed"})
        ids = put_cases(server)
        others = {"polymorphic": put_polymorphic(server), "history": put_history(server)}
        others["rejected"] = put_rejected(server)
        configure(project, server, address)
        named = [argument for name in (OBJECT, "Task", "AccountHistory") for argument in ("--object", name)]
        for arguments in (("discover", *named), ("compile", "customer_data", "--no-commit")):
            done = project.durable(*arguments)
            assert done.code == 0, done.err + done.out
        made = World(project, server, address, ids, others)
        made.read("rest")
        assert asked(server)[CREATED] == 0
        made.read("bulk")
        assert asked(server)[CREATED] == 3
        yield made


def put_polymorphic(server: Sandbox) -> dict[str, tuple[str, str, str]]:
    """Tasks by Id with (WhoId, WhatId, OwnerId)."""
    wanted = [(WHO, WHAT, GROUP), ("00Q00000000000bEAA", "006000000000001AAA", "005000000000001AAA")]
    records = [dict(zip(("WhoId", "WhatId", "OwnerId"), one, strict=True)) for one in wanted]
    return dict(zip(server.put("records/Task", records)["ids"], wanted, strict=True))


def put_history(server: Sandbox) -> dict[str, tuple[str | None, str | None]]:
    """Changes of fields of several types by Id, with (OldValue, NewValue)."""
    wanted = [(None, "NA"), ("1.25E7", "12500000"), ("2024-02-29", None), ("true", "false"), (WHO, " ")]
    records = [{"Field": "Name", "OldValue": old, "NewValue": new} for old, new in wanted]
    return dict(zip(server.put("records/AccountHistory", records)["ids"], wanted, strict=True))


def put_rejected(server: Sandbox) -> dict[str, dict[str, str | None]]:
    """Records by Id that are rejected for their amount and hold a hard text in every field for text."""
    hard = [case for case in CASES if "textarea (long)" in case.types]
    fields = [one.field for one in KINDS if one.type in TEXTS]
    records = [{"Amount__c": "1E+20", **{name: case.sent for name in fields}} for case in hard]
    return dict(zip(server.put(f"records/{OBJECT}", records)["ids"], records, strict=True))


def by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["source_id"]: row for row in rows}


def assert_exact(world: World, held: dict[str, dict[str, Any]], rejects: dict[str, dict[str, Any]]) -> None:
    """Every case in its cell, and nothing in the others of its record."""
    columns = {one.column: one for one in KINDS if one.column not in (None, "source_id", "done")}
    assert held.keys() >= {one for one, (_, case) in world.ids.items() if not isinstance(case.stored, Rejected)}
    for one, (kind, case) in world.ids.items():
        where = (kind.type, case.hard, (case.sent or "")[:40])
        if isinstance(case.stored, Rejected):
            assert one not in held, where
            assert (rejects[one]["rule"], rejects[one]["requirement"]) == (case.stored.rule, "R1.1"), where
            assert kind.field in rejects[one]["message"], where
            continue
        assert held[one]["name"] == case.hard
        expected = dict.fromkeys(columns) | {kind.column: case.stored}
        got = {column: held[one][column] for column in expected}
        assert {name: type(value) for name, value in got.items()} == {k: type(v) for k, v in expected.items()}, where
        assert got == expected, where


@pytest.mark.parametrize("profile", ["rest", "bulk"])
def test_every_hard_value_is_stored_exactly_or_rejected_on_duckdb(world: World, profile: str) -> None:
    assert_exact(world, world.held(profile), world.rejects(profile))


def test_every_hard_value_is_stored_exactly_or_rejected_on_snowflake(world: World) -> None:
    world.read("snow")
    held, rejects = (
        by_id(rows_in_snowflake(world.snowflake, f"SELECT * FROM {table}"))
        for table in ("customer_data", "customer_data__rejects")
    )
    assert_exact(world, held, rejects)
    in_duckdb = world.held("bulk")
    assert {one: row["row_hash"] for one, row in held.items()} == {k: v["row_hash"] for k, v in in_duckdb.items()}


def test_rest_and_bulk_fill_the_tables_alike(world: World) -> None:
    for table in ("customer_data", "customer_data__rejects"):
        left = "run_id, rejected_at" if table.endswith("rejects") else "loaded_at, run_id, pipeline_version"
        sql = f"SELECT * EXCLUDE ({left}) FROM {table} ORDER BY source_object, source_id"
        by_rest = world.project.rows(sql, world.file("rest"))
        assert len(by_rest) >= sum(isinstance(case.stored, Rejected) for _, case in world.ids.values())
        assert by_rest == world.project.rows(sql, world.file("bulk"))


@pytest.mark.parametrize("profile", ["rest", "bulk"])
def test_polymorphic_references_keep_the_prefix_that_tells_whose_id_it_is(world: World, profile: str) -> None:
    held = world.held(profile)
    for one, wanted in world.others["polymorphic"].items():
        assert tuple(held[one][column] for column in ("who_id", "what_id", "owner_id")) == wanted
    for one, wanted in world.others["history"].items():
        assert tuple(held[one][column] for column in ("old_value", "new_value")) == wanted


@pytest.mark.parametrize("profile", ["rest", "bulk"])
def test_a_rejected_record_keeps_every_character_as_json(world: World, profile: str) -> None:
    rejects = world.rejects(profile)
    for one, sent in world.others["rejected"].items():
        record = json.loads(rejects[one]["record"])
        assert {name: record[name] for name in sent} == {name: landed(text) for name, text in sent.items()}
        assert (record["Id"], record["Ratio__c"], record["IsDeleted"]) == (one, None, "false")


def test_new_fields_of_every_type_keep_every_character_in_extensions(world: World) -> None:
    extra = {one: f"New_{at}__c" for at, one in enumerate(KINDS) if one.type != "id"}
    for kind, name in extra.items():
        define(world.server, kind, name)
    pairs = [(extra[kind], case.sent) for kind, case in each() if kind in extra]
    made = world.server.put(f"records/{OBJECT}", [{"Name": "new", name: sent} for name, sent in pairs])
    stored = {name: None for kind, name in extra.items() if kind.column and kind.type != "encryptedstring"}
    for profile in ("rest", "bulk"):
        world.read(profile)
        held = world.held(profile)
        for one, (name, sent) in zip(made["ids"], pairs, strict=True):
            text = landed(sent) if name in stored else None
            found = held[one]["extensions"]
            assert (found and json.loads(found)) == (None if text is None else {**stored, name: text}), (name, sent)

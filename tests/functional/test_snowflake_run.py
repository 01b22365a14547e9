"""The generated package against Snowflake: the real connector over HTTP to a stand-in server, value for value."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from functional.project import Project, Sandbox, environment, sandbox
from functional.test_truth import EXACT, change, columns, written

KEYS = 'keys = {journal = "env:KEY", mask = "env:KEY", rejects = "env:KEY"}'
FORMULA = {"name": "Score__c", "type": "double", "precision": 18, "scale": 2, "flags": ["calculated"], "value": "1"}
PROFILE = """default_profile = "snow"
[profiles.snow]
salesforce = "sandbox"
alerts = "file"
{keys}
[profiles.snow.warehouse]
kind = "snowflake"
account = "local"
user = "DURABLE"
password = "env:SNOWFLAKE_PASSWORD"
database = "CRM"
schema = "PUBLIC"
host = "{host}"
port = {port}
protocol = "http"
[profiles.local]
{keys}
"""


@contextmanager
def stand_in() -> Iterator[dict[str, Any]]:
    """A Snowflake-compatible server in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("fakesnow_server.py"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        try:
            yield json.loads(child.stdout.readline())
        finally:
            child.stdin.close()
            child.wait(15)


def rows(address: dict[str, Any], sql: str) -> list[dict[str, Any]]:
    """The rows of a query on the stand-in."""
    import snowflake.connector

    with snowflake.connector.connect(
        account="local", user="DURABLE", password="x", database="CRM", schema="PUBLIC", protocol="http",
        host=address["host"], port=address["port"], session_parameters={"TIMEZONE": "UTC"},
        network_timeout=60, login_timeout=20,
    ) as connection:  # fmt: skip
        cursor = connection.cursor()
        cursor.execute(sql)
        names = [one[0].lower() for one in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Project, Sandbox, dict[str, Any]]]:
    project = Project.make(tmp_path / "project")
    project.variables = {"SNOWFLAKE_PASSWORD": "x", "KEY": "00" * 32}
    with sandbox(project.state, rows=200) as server, stand_in() as address:
        project.compiled()
        text = PROFILE.format(keys=KEYS, **address)
        (project.root / "durable.toml").write_text(text, encoding="utf-8")
        yield project, server, address


def test_snowflake_and_duckdb_hold_the_same_rows_after_a_load_and_rounds(
    world: tuple[Project, Sandbox, dict[str, Any]],
) -> None:
    project, server, address = world
    server.put("records/Contact", EXACT)
    server.post("fields", {"object": "Contact", "add": FORMULA})
    chance = random.Random(3)
    for _ in range(2):
        in_snowflake = project.succeed()
        in_duckdb = project.succeed("--profile", "local")
        assert [one["read"] for one in in_snowflake["objects"]] == [one["read"] for one in in_duckdb["objects"]]
        assert written(in_snowflake) == written(in_duckdb)
        compare(project, address)
        change(server, chance)
        recalculate(server, chance)
    project.succeed()
    assert written(project.succeed()) == 0


def recalculate(server: Sandbox, chance: random.Random) -> None:
    """Give a formula other values, which moves no stamp."""
    live = [one for one in server.truth("Contact") if not one["IsDeleted"]]
    kept = ("Id", "SystemModstamp", "LastModifiedDate")
    records = [{name: one[name] for name in kept} for one in chance.sample(live, 9)]
    server.put("records/Contact", [{**one, "Score__c": str(chance.randrange(90))} for one in records])


def compare(project: Project, address: dict[str, Any]) -> None:
    """Assert that both tables, duplicates and rejects are equal but for what a run writes about itself."""
    mapped = {name for one in ("Account", "Contact", "Customer_Health__c") for name in columns(project, one).values()}
    names = ", ".join(["source_object", "source_id", "source_modified_at", "is_deleted", "row_hash", *sorted(mapped)])
    for table, selected in (
        ("customer_data", names),
        ("customer_data__duplicates", f"{names}, winner_id"),
        ("customer_data__rejects", "source_object, source_id, source_modified_at, rule, requirement, message, record"),
    ):
        sql = f"SELECT {selected} FROM {table} ORDER BY source_object, source_id"
        assert rows(address, sql) == project.rows(sql), table

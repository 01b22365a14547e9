"""JSON columns, and another column than `extensions` for what the spec does not map, in both warehouses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functional.project import Project, Sandbox
from functional.test_compile_rules import discovered, install, without_run
from functional.test_snowflake_run import KEYS, PROFILE, rows, stand_in

NEW = {"name": "Loyalty__c", "type": "string", "length": 80, "value": "gold"}
FORMULA = {"name": "Score__c", "type": "double", "precision": 18, "scale": 2, "flags": ["calculated"], "value": "1"}
TEXTS = (
    '{"a": {"b": [1, 2.50, null, "x"]}, "ü": "\\u00e9"}', "[1, 2]", '"text"', "12345678901234567890", "true", "null",
    " {} ", '{"a": {"k": 1}, "b": {"k": 1}}', '{"twice": 1, "twice": 2}', "{broken", "plain",
)  # fmt: skip
BROKEN = set(TEXTS[-3:])
SAID: dict[str, Any] = {
    "target": {"system": "snowflake", "table": "customer_data", "layout": "unified"},
    "drift": {"unknown_fields": "extensions", "column": "details"},
    "mappings": [
        {"object": "Contact", "field": "Description", "column": "payload", "type": "json", "transforms": ["trim"]}
    ],
    "dedupe": [{"object": "Contact", "by": ["External_ID__c"]}],
}

World = tuple[Project, Sandbox, dict[str, Any]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("json") / "project"
    with discovered(folder, 60) as (project, server), stand_in() as address:
        project.variables = {"SNOWFLAKE_PASSWORD": "x", "KEY": "00" * 32}
        (project.root / "durable.toml").write_text(PROFILE.format(keys=KEYS, **address), encoding="utf-8")
        install(project, ("Contact",), **SAID)
        yield project, server, address


def test_both_warehouses_hold_the_same_json_load_after_load(world: World) -> None:
    project, server, _ = world
    contacts = [one["Id"] for one in server.truth("Contact")]
    texts = zip(contacts, TEXTS, strict=False)
    server.put("records/Contact", [{"Id": one, "Description": text} for one, text in texts])
    for field in (NEW, FORMULA):
        server.post("fields", {"object": "Contact", "add": field})
    load(world)
    says_what_was_sent(world)
    can_be_looked_into(world)
    server.post("change", {"object": "Contact", "update": 9, "insert": 5, "delete": 3, "duplicate": 4, "seed": 1})
    kept = ("Id", "SystemModstamp", "LastModifiedDate")
    for at, one in enumerate(server.truth("Contact")[20:25]):
        server.put("records/Contact", [{**{name: one[name] for name in kept}, "Score__c": str(at)}])
    load(world)
    assert project.succeed("--profile", "local")["objects"][0]["updated"] == 0


def load(world: World) -> None:
    """Run both, and assert that their tables hold the same."""
    project = world[0]
    for profile in ("snow", "local"):
        project.succeed("--profile", profile)
    for table in ("", "__duplicates", "__rejects"):
        kept, other = both(world, f"SELECT * FROM customer_data{table} ORDER BY source_id")
        assert [parsed(one) for one in other] == [parsed(one) for one in kept], table
        assert kept or table == "__duplicates"


def both(world: World, sql: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What a query finds in DuckDB and on the stand-in."""
    return world[0].rows(sql), rows(world[2], sql)


def parsed(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose JSON is read, so that only what it says is compared."""
    known = without_run(row)
    return known | {name: json.loads(known[name]) for name in ("details", "payload") if known.get(name) is not None}


def says_what_was_sent(world: World) -> None:
    """A text that is no JSON rejects its record, and any other keeps what it says."""
    sent = {one["Id"]: one["Description"] for one in world[1].truth("Contact")}
    for held in both(world, "SELECT source_id, payload, details FROM customer_data"):
        assert {sent[row["source_id"]] for row in held} & set(TEXTS) == set(TEXTS) - BROKEN
        for row in held:
            text = (sent[row["source_id"]] or "").strip(" ") or None
            assert (row["payload"] and json.loads(row["payload"])) == (text and json.loads(text)), text
            assert json.loads(row["details"]).keys() == {"Loyalty__c", "Score__c"}
    for rejected in both(world, "SELECT source_id, rule FROM customer_data__rejects"):
        assert {sent[row["source_id"]] for row in rejected} >= BROKEN
        assert {row["rule"] for row in rejected} == {"value_does_not_fit"}


def can_be_looked_into(world: World) -> None:
    """The types are the warehouse's own for JSON, in the column that the spec names."""
    inner = "SELECT count(*) AS found FROM customer_data WHERE {} = 'x' AND {} IS NOT NULL"
    duckdb = inner.format("(payload->>'$.a.b[3]')", "(details->>'Loyalty__c')")
    assert world[0].rows(duckdb) == [{"found": 1}]
    assert rows(world[2], inner.format("payload:a.b[3]::varchar", "details:Loyalty__c::varchar")) == [{"found": 1}]
    for held in both(world, "SELECT * FROM customer_data LIMIT 1"):
        assert "details" in held[0] and "extensions" not in held[0]

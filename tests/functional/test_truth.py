"""The table against the source's own truth, field by field, after a full load and after rounds of changes."""

from __future__ import annotations

import hmac
import importlib.util
import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functional.oracle import OBJECTS, Expected
from functional.project import REPOSITORY, Project, Sandbox, sandbox
from functional.runs_in_a_row import runner

ROUNDS = int(os.environ.get("DURABLE_SEEDS", "12"))
EXCEPT_RUN = "* EXCLUDE (loaded_at, run_id, pipeline_version)"
EXACT = [
    {"LastName": "NA", "Email": "na@example.com", "External_ID__c": "NA", "Department": "null", "Title": " "},
    {
        "LastName": "None",
        "Email": "n@example.com",
        "External_ID__c": None,
        "Department": "N/A",
        "Title": 'a\r\nb "q", 🙂',
    },
    {"LastName": "İı", "Email": " ", "External_ID__c": " ", "Department": "NaN", "Title": None},
]
NUMBERS = [
    "1234567890123456.78",
    "1.25E7",
    "0.123456789012345678",
    "0.1234567890123456789",
    "1E-19",
    "99999999999999999999.5",
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Project, Sandbox]]:
    project = Project.make(tmp_path / "project")
    with sandbox(project.state) as server:
        yield project.compiled(), server


def columns(project: Project, name: str) -> dict[str, str]:
    """Source field → column, as the generated package says."""
    path = project.root / "generated" / "customer_data" / "transform.py"
    spec = importlib.util.spec_from_file_location("transform_under_test", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = next(one for one in module.TRANSFORMS if one.object == name)
    return {column.field: column.name for column in found.columns}


def types(project: Project, name: str) -> dict[str, str]:
    """Source field → Salesforce type, from the snapshot."""
    snapshot = json.loads((project.root / "requirements" / "salesforce.schema.json").read_text(encoding="utf-8"))
    described = next(one for one in snapshot["objects"] if one["name"] == name)
    return {one["name"]: one["type"] for one in described["fields"]}


def compare(project: Project, server: Sandbox) -> int:
    """Assert that the table equals the truth; the number of values that were compared."""
    compared = 0
    for name in OBJECTS:
        of = columns(project, name)
        kinds = {field: kind for field, kind in types(project, name).items() if field in of}
        expected = Expected(name, server.truth(name), kinds)
        where = f"source_object = '{name}'"
        held = {row["source_id"]: row for row in project.rows(f"FROM customer_data WHERE {where} AND NOT is_deleted")}
        assert set(held) == set(expected.live), name
        for one, row in expected.live.items():
            differing = {
                field: (held[one][of[field]], value) for field, value in row.items() if held[one][of[field]] != value
            }
            assert not differing, (name, one, differing)
            compared += len(row)
        losers = project.rows(f"FROM customer_data__duplicates WHERE {where}")
        assert {row["source_id"] for row in losers} == expected.duplicates, name
        rejects = project.rows(f"FROM customer_data__rejects WHERE {where}")
        assert {row["source_id"] for row in rejects} == expected.rejected, name
    return compared


def written(summary: dict[str, Any]) -> int:
    """Rows that a run wrote."""
    return sum(
        one[key] for one in summary["objects"] for key in ("inserted", "updated", "deleted", "rejected", "duplicates")
    )


def change(server: Sandbox, chance: random.Random) -> None:
    """One random round of inserts, updates, deletes, undeletes and duplicates on every object."""
    for name in OBJECTS:
        amounts = {kind: chance.randrange(12) for kind in ("insert", "update", "delete", "undelete")}
        extra = {"duplicate": chance.randrange(8)} if name == "Contact" else {}
        server.post("change", {"object": name, **amounts, **extra, "seed": chance.randrange(10**6)})


def test_a_full_load_equals_the_source_field_by_field(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    server.put("records/Contact", EXACT)
    server.put("records/Account", [{"Name": f"Exact {at}", "AnnualRevenue": text} for at, text in enumerate(NUMBERS)])
    summary = project.succeed()
    assert compare(project, server) > 10_000
    refused = project.rows("FROM customer_data__rejects WHERE rule = 'number_does_not_fit'")
    assert [row["requirement"] for row in refused] == ["R1.1", "R1.1"]
    for one in summary["objects"]:
        parts = ("inserted", "updated", "deleted", "unchanged", "rejected", "duplicates", "skipped")
        assert one["read"] == sum(one[part] for part in parts)


def test_a_run_with_no_change_writes_nothing(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    change(server, random.Random(1))
    project.succeed()
    before = project.rows("FROM customer_data ORDER BY source_id")
    summary = project.succeed()
    assert written(summary) == 0
    assert project.rows("FROM customer_data ORDER BY source_id") == before


def test_random_rounds_equal_the_truth_and_a_fresh_full_load(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    chance = random.Random(20260105)
    project.succeed()
    with runner(project) as several:
        for _ in range(ROUNDS):
            change(server, chance)
            done = several.run()
            assert done.code == 0, done.err
            compare(project, server)
    kept = project.warehouse.with_name("after-rounds.duckdb")
    shutil.move(project.warehouse, kept)
    project.succeed()
    statements = (
        f"SELECT {EXCEPT_RUN} FROM customer_data WHERE NOT is_deleted ORDER BY source_id",
        f"SELECT {EXCEPT_RUN} FROM customer_data__duplicates ORDER BY source_id",
        "SELECT * EXCLUDE (run_id, rejected_at) FROM customer_data__rejects ORDER BY source_id",
    )
    for statement in statements:
        assert project.rows(statement, kept) == project.rows(statement)


def test_a_lost_key_is_noticed_and_no_duplicate_slips_through(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    key = project.root / ".durable" / "keys" / "mask"
    before = bytes.fromhex(key.read_text(encoding="ascii").strip())
    keyed = project.rows("FROM customer_data WHERE dedupe_key IS NOT NULL ORDER BY source_id LIMIT 1")[0]
    message = json.dumps([keyed["external_id"]], ensure_ascii=False).encode()
    assert keyed["dedupe_key"] == hmac.digest(before, message, "sha256").hex()
    key.unlink()
    server.post("change", {"object": "Contact", "duplicate": 9, "seed": 4})
    contacts = next(one for one in project.succeed()["objects"] if one["name"] == "Contact")
    assert contacts["read"] > 100  # the whole object, not the nine
    compare(project, server)


def test_removed_records_are_gone_and_come_back_when_undeleted(tmp_path: Path) -> None:
    text = (REPOSITORY / "requirements" / "customer_data.md").read_text(encoding="utf-8")
    removing = text.replace("Skips soft-deleted records", "Removes records that were deleted in Salesforce")
    assert removing != text
    project = Project.make(tmp_path / "project", removing)
    with sandbox(project.state) as server:
        project.compiled().succeed()
        chance = random.Random(11)
        for _ in range(4):
            change(server, chance)
            project.succeed()
            compare(project, server)
        assert project.rows("FROM customer_data WHERE is_deleted") == []
        assert written(project.succeed()) == 0

"""Path independence where the way to the source's state is a long one: spec changes, drift, purges, odd sources."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functional.project import REPOSITORY, Project, Sandbox, sandbox
from functional.test_truth import compare, written

KEPT = "EXCLUDE (loaded_at, run_id, pipeline_version)"
ORDER = "ORDER BY source_object, source_id"
HELD = (
    f"SELECT * {KEPT} FROM customer_data WHERE NOT is_deleted {ORDER}",
    f"SELECT * {KEPT} FROM customer_data__duplicates {ORDER}",
    f"SELECT * EXCLUDE (run_id, rejected_at) FROM customer_data__rejects {ORDER}",
)
DEDUPE = "- R4.1 Deduplicates Contacts by External ID, keeping the latest\n"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project.make(tmp_path_factory.mktemp("compiled") / "project")
    shutil.copy(REPOSITORY / "requirements" / "salesforce.schema.json", project.root / "requirements")
    compile_with(project)
    return project.root


@pytest.fixture
def world(compiled: Path, tmp_path: Path) -> Iterator[tuple[Project, Sandbox]]:
    shutil.copytree(compiled, tmp_path / "project")
    project = Project(tmp_path / "project")
    with sandbox(project.state) as server:
        yield project, server


def compile_with(project: Project, old: str = "", new: str = "") -> None:
    path = project.root / "requirements" / "customer_data.md"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new) if old else text, encoding="utf-8")
    done = project.durable("compile", "customer_data", "--no-commit")
    assert done.code == 0, done.err + done.out


def empty(server: Sandbox, name: str) -> None:
    """Purge every live record; deleted ones stay in the recycle bin."""
    live = sum(not one["IsDeleted"] for one in server.truth(name))
    server.post("change", {"object": name, "purge": live, "seed": 1})


def held(project: Project) -> list[list[dict[str, Any]]]:
    return [[dict(sorted(row.items())) for row in project.rows(sql)] for sql in HELD]


def assert_a_fresh_load_holds_the_same(project: Project) -> None:
    before = held(project)
    shutil.move(project.warehouse, project.warehouse.with_name("before.duckdb"))
    project.succeed()
    assert held(project) == before


def test_a_dedupe_rule_that_is_added_later_moves_the_losers_that_are_there(compiled: Path, tmp_path: Path) -> None:
    shutil.copytree(compiled, tmp_path / "project")
    project = Project(tmp_path / "project")
    compile_with(project, DEDUPE, "")
    with sandbox(project.state) as server:
        server.post("change", {"object": "Contact", "duplicate": 12, "seed": 1})
        project.succeed()
        assert project.rows("FROM customer_data__duplicates") == []
        compile_with(project, "- R4.2", DEDUPE + "- R4.2")
        project.succeed()
        compare(project, server)
        assert len(project.rows("FROM customer_data__duplicates")) >= 12
        assert_a_fresh_load_holds_the_same(project)


def test_a_dedupe_rule_that_is_dropped_brings_the_losers_back(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    server.post("change", {"object": "Contact", "duplicate": 12, "seed": 1})
    project.succeed()
    compile_with(project, DEDUPE, "")
    project.succeed()
    assert project.rows("FROM customer_data__duplicates") == []
    live = {one["Id"] for one in server.truth("Contact") if not one["IsDeleted"] and one["Email"]}
    rows = project.rows("SELECT source_id FROM customer_data WHERE source_object = 'Contact' AND NOT is_deleted")
    assert {row["source_id"] for row in rows} == live
    assert written(project.succeed()) == 0


def test_keeping_the_first_instead_of_the_latest_chooses_every_winner_anew(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    server.post("change", {"object": "Contact", "duplicate": 12, "seed": 1})
    project.succeed()
    latest = held(project)
    compile_with(project, "keeping the latest", "keeping the first")
    project.succeed()
    assert [row["source_id"] for row in held(project)[1]] != [row["source_id"] for row in latest[1]]
    assert_a_fresh_load_holds_the_same(project)


def test_a_field_that_was_hidden_for_a_while_is_read_again_in_every_record(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    server.post("fields", {"object": "Contact", "remove": "Title"})
    server.post("change", {"object": "Contact", "update": 60, "insert": 9, "seed": 5})
    project.succeed()
    server.post("fields", {"object": "Contact", "add": {"name": "Title"}})
    project.succeed()
    compare(project, server)
    assert written(project.succeed()) == 0
    assert_a_fresh_load_holds_the_same(project)


def test_a_new_field_reaches_the_extensions_of_records_that_did_not_change(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    added = {"name": "Vip__c", "label": "VIP", "type": "boolean", "value": "false"}
    server.post("fields", {"object": "Account", "add": added})
    project.succeed()
    live = project.rows("SELECT extensions FROM customer_data WHERE source_object = 'Account' AND NOT is_deleted")
    assert {row["extensions"] for row in live} == {'{"Vip__c":"false"}'}
    assert written(project.succeed()) == 0
    assert_a_fresh_load_holds_the_same(project)


def test_purged_winners_losers_and_rejects_leave_no_trace_among_the_live(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    for seed in range(4):
        server.post("change", {"object": "Contact", "duplicate": 6, "insert": 5, "delete": 2, "seed": seed})
        project.succeed()
        server.post("change", {"object": "Contact", "purge": 15, "update": 3, "undelete": 2, "seed": seed + 50})
        project.succeed()
        compare(project, server)
    assert written(project.succeed()) == 0


def test_full_after_a_purge_removes_what_is_gone(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    server.post("change", {"object": "Account", "purge": 9, "insert": 9, "seed": 2})
    project.succeed("--full")
    compare(project, server)


def test_objects_without_a_record_load_and_fill_later(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    for name in ("Account", "Contact"):
        empty(server, name)
    summary = project.succeed()
    assert [one["read"] - one["skipped"] for one in summary["objects"]][:2] == [0, 0]
    server.post("change", {"object": "Contact", "insert": 30, "seed": 1})
    project.succeed()
    compare(project, server)
    empty(server, "Contact")
    done = project.run()
    assert (done.code, done.summary["status"]) == (4, "waiting")
    project.succeed("--allow-guard", "max_deleted:Contact")
    compare(project, server)


def test_a_guard_for_one_object_stops_the_run_before_any_other_is_written(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    before = held(project)
    empty(server, "Account")
    server.post("change", {"object": "Contact", "insert": 5, "seed": 1})
    done = project.run()
    assert (done.code, done.summary["error"]["code"]) == (4, "RUN401")
    assert done.summary["objects"] == []
    assert held(project) == before
    project.succeed("--allow-guard", "max_deleted:Account")
    compare(project, server)


def test_one_object_alone_moves_only_its_own_watermark(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    for name in ("Account", "Contact"):
        server.post("change", {"object": name, "update": 8, "insert": 4, "delete": 3, "seed": 9})
    alone = project.succeed("--object", "Contact")
    assert [one["name"] for one in alone["objects"]] == ["Contact"]
    project.succeed()
    compare(project, server)


def test_an_object_whose_records_cannot_be_deleted_loads_and_follows(tmp_path: Path) -> None:
    text = "# People\n\n- R1.1 Syncs Users from Salesforce\n- R1.2 Runs nightly at 2:00 AM UTC\n"
    text += "- R1.3 Writes to Snowflake table people\n- R1.4 Reads only records modified since the last run\n"
    project = Project.make(tmp_path / "project", text)
    shutil.copy(REPOSITORY / "requirements" / "salesforce.schema.json", project.root / "requirements")
    compile_with(project)
    with sandbox(project.state) as server:
        project.succeed()
        server.post("change", {"object": "User", "update": 5, "insert": 3, "seed": 1})
        assert project.succeed()["objects"][0]["found"] == 8
        assert people(project) == {one["Id"] for one in server.truth("User")}
        server.post("change", {"object": "User", "purge": 1, "insert": 1, "seed": 2})
        assert project.succeed()["objects"][0]["deleted_for_good"] == 1
        assert people(project) == {one["Id"] for one in server.truth("User")}


def people(project: Project) -> set[str]:
    return {row["source_id"] for row in project.rows("SELECT source_id FROM people WHERE NOT is_deleted")}

"""A run as an operator meets it: its summary and record, alerts, locks, drift, spec changes, and being killed."""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from durable_runtime.runs import RunFolder
from functional.oracle import HEALTH
from functional.project import REPOSITORY, Project, Sandbox, environment, sandbox
from functional.test_truth import change, compare, written

KILLS = int(os.environ.get("DURABLE_SEEDS", "20")) // 2  # as many again die while they read, in test_resume
SUMMARY = "run_id pipeline version status objects auto_fixes error started_at finished_at".split()
COUNTS = "read found inserted updated deleted unchanged rejected duplicates skipped".split()
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CONTENT = "* EXCLUDE (loaded_at, run_id, pipeline_version)"
ALERTED = ("#data-ops", "ops@example.com")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, compiled once; each test copies it."""
    project = Project.make(tmp_path_factory.mktemp("compiled") / "project")
    shutil.copy(REPOSITORY / "requirements" / "salesforce.schema.json", project.root / "requirements")
    compile_again(project)
    return project.root


@pytest.fixture
def world(compiled: Path, tmp_path: Path) -> Iterator[tuple[Project, Sandbox]]:
    shutil.copytree(compiled, tmp_path / "project")
    project = Project(tmp_path / "project")
    with sandbox(project.state) as server:
        yield project, server


def compile_again(project: Project) -> None:
    done = project.durable("compile", "customer_data", "--no-commit")
    assert done.code == 0, done.err + done.out


def records(project: Project) -> list[dict[str, Any]]:
    """Every run.json, oldest first."""
    paths = sorted((project.root / ".durable" / "runs").glob("*/run.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def outbox(project: Project) -> list[dict[str, Any]]:
    paths = sorted((project.root / ".durable" / "outbox").glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def content(project: Project) -> list[list[dict[str, Any]]]:
    """What does not depend on the run that wrote it: live rows, duplicates and rejects."""
    return [
        project.rows(f"SELECT {CONTENT} FROM customer_data WHERE NOT is_deleted ORDER BY source_object, source_id"),
        project.rows(f"SELECT {CONTENT} FROM customer_data__duplicates ORDER BY source_object, source_id"),
        project.rows(
            "SELECT * EXCLUDE (run_id, rejected_at) FROM customer_data__rejects ORDER BY source_object, source_id"
        ),
    ]


def test_the_summary_has_its_keys_in_their_order_and_is_the_only_line_of_stdout(
    world: tuple[Project, Sandbox],
) -> None:
    project, _ = world
    done = project.run()
    assert len(done.out.splitlines()) == 1
    summary = done.summary
    assert list(summary) == SUMMARY
    assert [one["name"] for one in summary["objects"]] == ["Account", "Contact", "Customer_Health__c"]
    assert [sorted(one) for one in summary["objects"]] == [sorted(["name", *COUNTS])] * 3
    assert [one["found"] == one["read"] - one["unchanged"] for one in summary["objects"]] == [True] * 3
    assert (summary["pipeline"], summary["version"], summary["status"]) == ("customer_data", "1.0.0", "succeeded")
    assert (summary["error"], summary["auto_fixes"]) == (None, [])
    assert MOMENT.fullmatch(summary["started_at"]) and MOMENT.fullmatch(summary["finished_at"])
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{6}", summary["run_id"])
    assert "Found 560 updated records" in done.err


def test_without_json_a_person_reads_the_summary_on_stdout(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    server.post("change", {"object": "Contact", "update": 12, "seed": 4})
    done = project.durable("run", "customer_data")
    assert done.code == 0, done.err
    assert "Found 12 updated records" in done.out.splitlines()
    assert "DuckDB stands in for Snowflake" in done.out


def test_a_failed_run_has_the_same_shape_with_its_error(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    done = project.run("--profile", "nowhere")
    assert list(done.summary) == SUMMARY
    assert list(done.summary["error"]) == ["code", "family", "message"]
    assert (done.summary["run_id"], done.summary["status"], done.summary["objects"]) == (None, "failed", [])
    assert MOMENT.fullmatch(done.summary["started_at"]) and MOMENT.fullmatch(done.summary["finished_at"])


def test_run_json_is_kept_and_landed_files_are_not(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    summary = project.succeed()
    folder = project.root / ".durable" / "runs" / summary["run_id"]
    assert [path.name for path in folder.iterdir()] == ["run.json"]
    (record,) = records(project)
    assert {key: record[key] for key in SUMMARY} == summary
    assert folder.stat().st_mode & 0o077 == 0


def test_files_that_a_killed_run_left_go_at_the_next_start(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    runs = project.root / ".durable" / "runs"
    left = runs / "20260101T000000Z-abcdef" / "files" / "customer_data" / "landing"
    others = runs / "20260101T000000Z-fedcba" / "files" / "orders" / "landing"
    for folder in (left, others):
        folder.mkdir(parents=True)
        (folder / "Contact.csv").write_text("somebody's address", encoding="utf-8")
    project.succeed()
    assert not left.parents[1].exists()
    assert (others / "Contact.csv").exists()  # it may be a run of another pipeline that is going on


@pytest.mark.parametrize(
    ("owner", "code"), [("{place}/20260101T000000Z-abcdef", 0), ("elsewhere/20260101T0-abcdef", 6)]
)
def test_a_lease_of_a_killed_run_blocks_no_later_run_of_the_same_place(
    world: tuple[Project, Sandbox], owner: str, code: int
) -> None:
    project, _ = world
    project.succeed()
    place = (project.root / ".durable" / "locks" / "place").read_text(encoding="utf-8")
    with duckdb.connect(str(project.warehouse)) as database:
        statement = "UPDATE durable_lock SET expires_at = TIMESTAMP '2999-01-01', owner = ?"
        database.execute(statement, [owner.format(place=place)])
    done = project.run()
    assert done.code == code, done.err
    if code:
        assert done.summary["error"]["code"] == "RUN603"
        assert "20260101T0-abcdef" in done.summary["error"]["message"]
        assert (done.summary["run_id"], len(records(project)), outbox(project)) == (None, 1, [])
        missed_instant(project)
        done = project._call("-m", "generated.customer_data", "run", "--scheduled")
        assert (done.code, done.out) == (0, "")
        assert done.err == "customer_data: another run is going on; this one leaves.\n"


@contextmanager
def going_on(project: Project) -> Iterator[None]:
    """Another run of the pipeline on this machine."""
    path = project.root / ".durable" / "locks" / "customer_data"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def missed_instant(project: Project) -> None:
    """A memory by which a scheduled run is due now."""
    memory = project.root / ".durable" / "schedule" / "customer_data.json"
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text('{"handled": "2020-01-01T02:00:00+00:00"}', encoding="utf-8")


def start(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """A run in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "generated.customer_data", "run", "--json", *arguments],
        cwd=project.root,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_second_run_leaves_and_says_that_another_one_is_going_on(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    with going_on(project):
        done = project.run()
        assert (done.code, done.summary["error"]["code"], done.summary["run_id"]) == (6, "RUN603", None)
        assert "--wait" in done.err
        assert not project.warehouse.exists()


def test_under_cron_a_second_run_leaves_with_one_line_and_no_error(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    missed_instant(project)
    with going_on(project):
        done = project._call("-m", "generated.customer_data", "run", "--scheduled")
    assert (done.code, done.out) == (0, "")
    assert done.err == "customer_data: another run is going on; this one leaves.\n"


def test_with_wait_a_second_run_starts_when_the_first_one_ends(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    with going_on(project):
        waiting = start(project, "--wait")
        time.sleep(1.5)
        assert waiting.poll() is None
    out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, err
    assert json.loads(out)["status"] == "succeeded"


def test_of_two_runs_at_once_one_loads_and_the_other_leaves(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    both = [start(project) for _ in range(2)]
    outcomes = sorted((one.communicate(timeout=60)[0], one.returncode) for one in both)
    assert sorted(code for _, code in outcomes) in ([0, 6], [0, 0])  # the second may start after the first has ended
    compare(project, server)


def test_a_failure_is_told_to_everybody_the_spec_names_and_a_success_to_nobody(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    assert outbox(project) == []
    server.post("fields", {"object": "Contact", "remove": "Email"})
    done = project.run()
    assert done.code == 4
    assert outbox(project) == []  # R5.2 names failures; a run that waits for a person is none
    (project.root / ".durable" / "warehouse.duckdb").write_bytes(b"not a database" * 999)
    server.post("fields", {"object": "Contact", "add": {"name": "Email"}})
    done = project.run()
    assert done.code == 7, done.err
    told = outbox(project)
    assert tuple(one["to"] for one in told) == ALERTED
    assert [(one["on"], one["requirement"]) for one in told] == [("failure", "R5.2")] * 2
    assert [one["run"] for one in told] == [done.summary] * 2
    assert done.summary["error"]["message"].split(".")[0] in told[0]["text"]


def test_status_and_runs_tell_what_happened(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    before = json.loads(project.durable("status", "--json").out)["pipelines"]
    assert before == [{"name": "customer_data", "version": "1.0.0", "last_run": None, "last_success": None}]
    assert "no run yet" in project.durable("status").out
    assert "No run yet" in project.durable("runs").out
    good = project.succeed()
    assert project.run("--object", "Account", "--full").code == 0
    with duckdb_emptied(project):
        bad = project.run().summary
    (status,) = json.loads(project.durable("status", "--json").out)["pipelines"]
    assert (status["last_run"]["run_id"], status["last_run"]["status"]) == (bad["run_id"], "waiting")
    assert status["last_success"] >= good["finished_at"]
    shown = project.durable("status").out
    assert "waiting" in shown and "RUN402" in shown
    listed = json.loads(project.durable("runs", "--json").out)["runs"]
    assert [one["status"] for one in listed] == ["waiting", "succeeded", "succeeded"]
    assert [one["run_id"] for one in listed] == sorted((one["run_id"] for one in listed), reverse=True)
    assert len(project.durable("runs", "customer_data", "--limit", "2").out.splitlines()) == 2
    own = json.loads(project._call("-m", "generated.customer_data", "status", "--json").out)
    assert (own["last_run"]["run_id"], own["version"]) == (bad["run_id"], "1.0.0")
    assert MOMENT.fullmatch(own["next_run"])


@contextmanager
def duckdb_emptied(project: Project) -> Iterator[None]:
    """The table without its rows, for a while."""
    kept = project.warehouse.with_name("kept.duckdb")
    shutil.copy(project.warehouse, kept)
    with duckdb.connect(str(project.warehouse)) as database:
        database.execute("DELETE FROM customer_data")
    yield
    shutil.move(kept, project.warehouse)


def test_a_status_survives_a_record_that_was_cut_short(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    good = project.succeed()
    broken = project.root / ".durable" / "runs" / "29990101T000000Z-abcdef"
    broken.mkdir()
    (broken / "run.json").write_text('{"run_id": ', encoding="utf-8")
    own = json.loads(project._call("-m", "generated.customer_data", "status", "--json").out)
    assert own["last_run"]["run_id"] == good["run_id"]
    assert json.loads(project.durable("runs", "--json").out)["runs"][0]["run_id"] == good["run_id"]


def test_a_new_field_goes_to_extensions_as_json_text_and_is_counted(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    added = {"name": "Score__c", "label": "Score", "type": "double", "precision": 18, "scale": 2, "value": "12.50"}
    server.post("fields", {"object": "Account", "add": added})
    server.post("change", {"object": "Account", "update": 9, "seed": 3})
    summary = project.succeed()
    assert summary["auto_fixes"] == [{"code": "field_to_extensions", "count": 1}]
    held = project.rows("SELECT extensions FROM customer_data WHERE extensions IS NOT NULL")
    live = project.rows("FROM customer_data WHERE source_object = 'Account' AND NOT is_deleted")
    assert [json.loads(row["extensions"]) for row in held if row] == [{"Score__c": "12.50"}] * len(live)
    record = records(project)[-1]
    assert {"code": "field_to_extensions", "object": "Account", "field": "Score__c"} in record["events"]


def test_a_new_sensitive_field_is_neither_read_nor_stored(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    secret = {"name": "Secret__c", "label": "Secret", "type": "encryptedstring", "length": 40, "value": "hush-hush"}
    server.post("fields", {"object": "Account", "add": secret})
    summary = project.succeed()
    assert summary["auto_fixes"] == []
    assert project.rows("SELECT count(*) AS n FROM customer_data WHERE extensions IS NOT NULL") == [{"n": 0}]
    assert b"hush-hush" not in project.warehouse.read_bytes()
    assert "sensitive_field_held" in [one["code"] for one in records(project)[-1]["events"]]


def test_a_hidden_field_that_no_rule_needs_keeps_its_stored_values(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    stored = project.rows("SELECT source_id, title FROM customer_data WHERE title IS NOT NULL ORDER BY source_id")
    assert len(stored) > 100
    server.post("fields", {"object": "Contact", "remove": "Title"})
    made = server.post("change", {"object": "Contact", "update": 30, "insert": 4, "seed": 5})
    summary = project.succeed()
    assert written(summary) == 34
    after = project.rows("SELECT source_id, title FROM customer_data WHERE title IS NOT NULL ORDER BY source_id")
    live = {row["source_id"] for row in project.rows("SELECT source_id FROM customer_data WHERE NOT is_deleted")}
    assert [row for row in after if row["source_id"] in live] == [row for row in stored if row["source_id"] in live]
    assert set(made["ids"]["updated"]) & {row["source_id"] for row in after}
    assert {"code": "field_not_visible", "object": "Contact", "field": "Title"} in records(project)[-1]["events"]


@pytest.mark.parametrize(("name", "field"), [("Contact", "Email"), ("Customer_Health__c", "Health_Status__c")])
def test_a_field_that_a_rule_needs_stops_the_run_before_any_record_is_read(
    world: tuple[Project, Sandbox], name: str, field: str
) -> None:
    project, server = world
    project.succeed()
    before = content(project)
    server.post("fields", {"object": name, "remove": field})
    server.post("change", {"object": "Account", "update": 9, "seed": 3})
    done = project.run()
    assert (done.code, done.summary["status"], done.summary["error"]["code"]) == (4, "waiting", "RUN403")
    assert f"{name}.{field} is not visible any more" in done.summary["error"]["message"]
    assert done.summary["objects"] == []
    assert content(project) == before


def test_a_changed_rule_reads_its_object_in_full_and_equals_a_fresh_load(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    path = project.root / "requirements" / "customer_data.md"
    text = path.read_text(encoding="utf-8")
    assert HEALTH["Red"] == "critical"
    path.write_text(text.replace("at_risk and critical", "at_risk and in_danger"), encoding="utf-8")
    compile_again(project)
    server.post("change", {"object": "Account", "update": 5, "seed": 3})
    summary = project.succeed()
    assert summary["version"] != "1.0.0"
    read = {one["name"]: one["read"] for one in summary["objects"]}
    assert read == {"Account": 5, "Contact": 0, "Customer_Health__c": 80}
    statuses = {row["health_status"] for row in project.rows("SELECT DISTINCT health_status FROM customer_data")}
    assert "in_danger" in statuses and "critical" not in statuses
    after = content(project)
    project.warehouse.unlink()
    project.succeed()
    assert content(project) == after


def test_records_deleted_for_good_are_found_by_their_absence_and_flagged(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    made = server.post("change", {"object": "Contact", "purge": 7, "seed": 6})["ids"]["purged"]
    summary = project.succeed()
    held = project.rows("SELECT source_id, deleted_reason FROM customer_data WHERE is_deleted ORDER BY source_id")
    flagged = {row["source_id"]: row["deleted_reason"] for row in held}
    assert set(flagged) <= set(made) and set(flagged.values()) == {"deleted"}
    assert summary["objects"][1]["deleted_for_good"] == 7
    gone = tuple(made)
    live = project.rows(f"SELECT source_id FROM customer_data WHERE NOT is_deleted AND source_id IN {gone}")
    assert live == []
    compare(project, server)
    assert written(project.succeed()) == 0


def test_what_the_sandbox_deleted_for_good_stays_gone_when_it_starts_again(tmp_path: Path) -> None:
    with sandbox(tmp_path) as server:
        purged = server.post("change", {"object": "Account", "purge": 5, "seed": 6})["ids"]["purged"]
        kept = server.truth("Account")
        assert len(kept) == 75
    with sandbox(tmp_path) as server:
        assert server.truth("Account") == kept
        inserted = server.post("change", {"object": "Account", "insert": 20, "seed": 7})["ids"]["inserted"]
        assert set(inserted) & set(purged) == set()


def test_a_record_that_falls_out_of_the_recycle_bin_stays_flagged(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    server.post("change", {"object": "Account", "delete": 3, "seed": 6})
    project.succeed()
    before = project.rows("FROM customer_data WHERE is_deleted ORDER BY source_id")
    assert len(before) == 3
    server.post("change", {"object": "Contact", "update": 1, "seed": 6})
    project.succeed()
    assert project.rows("FROM customer_data WHERE is_deleted ORDER BY source_id") == before


@pytest.mark.long
def test_a_run_killed_at_any_moment_is_made_good_by_the_next_one(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    chance = random.Random(7)
    started = time.monotonic()
    project.succeed()
    whole = time.monotonic() - started
    killed = 0
    for _ in range(KILLS):
        change(server, chance)
        running = start(project)
        time.sleep(chance.uniform(0.2, 1.1) * whole)
        if running.poll() is None:
            killed += 1
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate(timeout=60)
        project.succeed()
        compare(project, server)
    assert killed >= KILLS // 3
    assert list((project.root / ".durable" / "runs").glob("*/files")) == []


def test_a_first_load_killed_half_way_is_made_good_by_the_next_run(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    chance = random.Random(11)
    for _ in range(max(KILLS // 4, 1)):
        running = start(project)
        time.sleep(chance.uniform(0.4, 1.2))
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate(timeout=60)
        project.succeed()
        compare(project, server)
        project.warehouse.unlink()


def test_run_ids_sort_as_the_runs_began(tmp_path: Path) -> None:
    moments = [datetime(2026, 1, 5, 2, 0, 0, 1000 * at, tzinfo=UTC) for at in (0, 1, 17, 300, 999)]
    ids = [RunFolder(tmp_path, moment, "crm").run_id for moment in moments]
    assert ids == sorted(ids)
    assert all(one.startswith("20260105T020000Z-") for one in ids)

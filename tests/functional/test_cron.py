"""The schedule: when a run is due in its own zone, and the generated crontab line under a real cron."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from durable_runtime.schedule import last_instant, next_instant, take_due
from durable_runtime.spec import Schedule
from functional.project import REPOSITORY, ROOTS, Project, sandbox

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
TICK = timedelta(minutes=15)
NIGHTLY = Schedule("0 2 * * *", "UTC", "R1.2")
SPEC = """\
- R1.1 Syncs Accounts and Contacts from Salesforce
- R1.2 Runs daily at {time} UTC
- R2.1 Writes to DuckDB table customer_data
"""
LONGEST_WAIT = 130.0
EVERYTHING = "SELECT * EXCLUDE (loaded_at, run_id) FROM customer_data ORDER BY ALL"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fired(schedule: Schedule, memory: Path, start: str, end: str, tick: timedelta = TICK) -> list[str]:
    """The instants for which runs start when cron ticks from start to end; each as `date time` in UTC."""
    now, found = utc(start), []
    while now <= utc(end):
        instant = take_due(schedule, memory, now + timedelta(seconds=1))
        if instant:
            found.append(f"{instant:%m-%d %H:%M} at {now:%H:%M}")
        now += tick
    return found


def test_a_nightly_schedule_fires_once_a_night_at_its_own_tick(tmp_path: Path) -> None:
    ticks = fired(NIGHTLY, tmp_path / "m.json", "2026-03-01T00:00", "2026-03-03T23:45")
    assert ticks == ["03-01 02:00 at 02:00", "03-02 02:00 at 02:00", "03-03 02:00 at 02:00"]


def test_instants_missed_while_the_machine_was_off_are_caught_up_once(tmp_path: Path) -> None:
    memory = tmp_path / "m.json"
    assert take_due(NIGHTLY, memory, utc("2026-03-01T02:00:01")) == utc("2026-03-01T02:00")
    later = utc("2026-03-05T09:17")
    assert take_due(NIGHTLY, memory, later) == utc("2026-03-05T02:00")
    assert take_due(NIGHTLY, memory, later + TICK) is None
    assert take_due(NIGHTLY, memory, utc("2026-03-06T02:00:00")) == utc("2026-03-06T02:00")


def test_installing_a_schedule_starts_no_run_by_itself(tmp_path: Path) -> None:
    memory = tmp_path / "m.json"
    assert take_due(NIGHTLY, memory, utc("2026-03-01T11:00")) is None
    assert take_due(NIGHTLY, memory, utc("2026-03-01T11:15")) is None
    assert take_due(NIGHTLY, memory, utc("2026-03-02T02:00:01")) == utc("2026-03-02T02:00")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"handled": 3}', '{"handled": "2026-03-01T02:00:00"}', "\x00"]
)
def test_a_corrupt_memory_neither_stops_the_schedule_nor_fires_out_of_turn(tmp_path: Path, text: str) -> None:
    memory = tmp_path / "m.json"
    memory.write_text(text, encoding="utf-8")
    assert take_due(NIGHTLY, memory, utc("2026-03-01T11:00")) is None
    memory.write_text(text, encoding="utf-8")
    assert take_due(NIGHTLY, memory, utc("2026-03-02T02:00:30")) == utc("2026-03-02T02:00")
    assert take_due(NIGHTLY, memory, utc("2026-03-02T02:15:30")) is None


def test_a_lost_memory_costs_no_night(tmp_path: Path) -> None:
    memory = tmp_path / "deep" / "m.json"
    assert take_due(NIGHTLY, memory, utc("2026-03-01T02:00:01")) == utc("2026-03-01T02:00")
    memory.unlink()
    assert take_due(NIGHTLY, memory, utc("2026-03-01T12:00:00")) is None
    assert take_due(NIGHTLY, memory, utc("2026-03-02T02:00:01")) == utc("2026-03-02T02:00")


def test_a_time_that_the_change_to_summer_time_skips_runs_right_after_it(tmp_path: Path) -> None:
    berlin = Schedule("30 2 * * *", "Europe/Berlin", "R1.2")
    ticks = fired(berlin, tmp_path / "m.json", "2026-03-28T00:00", "2026-03-30T23:45")
    assert ticks == ["03-28 01:30 at 01:30", "03-29 01:00 at 01:00", "03-30 00:30 at 00:30"]


def test_a_time_that_the_change_to_winter_time_repeats_runs_once(tmp_path: Path) -> None:
    berlin = Schedule("30 2 * * *", "Europe/Berlin", "R1.2")
    ticks = fired(berlin, tmp_path / "m.json", "2026-10-24T00:00", "2026-10-26T23:45")
    assert ticks == ["10-24 00:30 at 00:30", "10-25 00:30 at 00:30", "10-26 01:30 at 01:30"]


def test_a_schedule_of_every_half_hour_keeps_its_pace_through_the_repeated_hour(tmp_path: Path) -> None:
    berlin = Schedule("*/30 * * * *", "Europe/Berlin", "R1.2")
    ticks = fired(berlin, tmp_path / "m.json", "2026-10-25T00:00", "2026-10-25T02:30")
    assert [one[-5:] for one in ticks] == ["00:00", "00:30", "01:00", "01:30", "02:00", "02:30"]


@pytest.mark.parametrize(
    ("zone", "due"),
    [
        ("Asia/Kathmandu", "20:15"),
        ("Asia/Kolkata", "20:30"),
        ("Australia/Eucla", "17:15"),
        ("America/New_York", "07:00"),
    ],
)
def test_zones_with_odd_offsets_are_due_at_a_tick_of_the_line(tmp_path: Path, zone: str, due: str) -> None:
    ticks = fired(Schedule("0 2 * * *", zone, "R1.2"), tmp_path / "m.json", "2026-01-10T00:00", "2026-01-11T23:45")
    assert [one[-5:] for one in ticks] == [due, due]


@pytest.mark.parametrize("cron", ["* * * * *", "*/15 * * * *", "0 2 * * *", "30 18 * * 1-5", "0 6 1 * *", "0 0 29 2 *"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu"])
def test_the_last_instant_is_never_after_now_and_the_next_one_always_is(cron: str, zone: str) -> None:
    schedule = Schedule(cron, zone, "R1.2")
    for now in (utc("2026-03-29T01:59:59.999999"), utc("2026-10-25T00:30"), utc("2026-10-25T01:00:00.000001")):
        last, following = last_instant(schedule, now), next_instant(schedule, now)
        assert last <= now < following
        assert last_instant(schedule, following) == following
        assert last_instant(schedule, following - timedelta(microseconds=1)) == last


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled project whose schedule is hours away."""
    far = datetime.now(UTC) + 6 * HOUR
    return compiled_for(
        Project.make(tmp_path_factory.mktemp("cron") / "project", SPEC.format(time=f"{far:%H:%M}"))
    ).root


def compiled_for(project: Project) -> Project:
    """The project with its package, compiled from the repository's own schema snapshot."""
    shutil.copy(REPOSITORY / "requirements" / "salesforce.schema.json", project.root / "requirements")
    done = project.durable("compile", "customer_data", "--no-commit")
    assert done.code == 0, done.err + done.out
    return project


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns"])
def test_when_nothing_is_due_the_line_leaves_silently_without_loading_anything_heavy(compiled: Path, zone: str) -> None:
    project = Project(compiled, {"TZ": zone})
    command = ["-X", "importtime", "-m", "generated.customer_data", "run", "--scheduled"]
    done = project._call(*command)
    imported = {line.rpartition("|")[2].strip() for line in done.err.splitlines() if line.startswith("import time:")}
    assert (done.code, done.out) == (0, "")
    assert [line for line in done.err.splitlines() if not line.startswith("import time:")] == []
    assert "cronsim" in imported
    assert (
        imported & {"duckdb", "httpx2", "stamina", "cryptography", "pytz", "jwt", "durable_runtime.pipeline"} == set()
    )
    assert not (compiled / ".durable" / "runs").exists()
    memory = json.loads((compiled / ".durable" / "schedule" / "customer_data.json").read_text(encoding="utf-8"))
    assert datetime.now(UTC) - DAY < datetime.fromisoformat(memory["handled"]) < datetime.now(UTC)


def test_a_memory_that_cannot_be_written_is_said_and_nothing_runs(compiled: Path, tmp_path: Path) -> None:
    shutil.copytree(compiled, tmp_path / "project", ignore=shutil.ignore_patterns(".durable"))
    project = Project(tmp_path / "project")
    (project.root / ".durable").mkdir()
    (project.root / ".durable" / "schedule").write_text("in the way", encoding="utf-8")
    done = project.run("--scheduled")
    assert (done.code, done.summary["error"]["code"], done.summary["run_id"]) == (6, "RUN604", None)
    assert "Traceback" not in done.err


@contextmanager
def cron() -> Iterator[None]:
    """A cron daemon: the one that runs on this machine, or one of the test's own."""
    if shutil.which("cron") is None or os.geteuid() != 0:
        pytest.skip("needs Debian's cron package and root: apt-get install cron")
    if any(name == "cron" for name in _programs()):
        yield
        return
    with subprocess.Popen(["cron", "-f"]) as daemon:
        try:
            yield
        finally:
            daemon.terminate()


def _programs() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):
            yield path.read_text(encoding="utf-8").strip()


@contextmanager
def installed(project: Project) -> Iterator[None]:
    """The generated crontab in cron's own folder; there alone a line names its user, and Python its paths."""
    values = {"DURABLE_HOME": str(project.root), "DURABLE_PYTHON": sys.executable}
    lines = (project.root / "generated" / "customer_data" / "deploy" / "crontab").read_text("utf-8").splitlines()
    entries = [f"PYTHONPATH={':'.join(str(REPOSITORY / root) for root in ROOTS)}"]
    for line in lines:
        name, equals, _ = line.partition("=")
        if equals and name in values:
            entries.append(f"{name}={values.pop(name)}")
        elif line and not line.startswith("#"):
            entries.append(" ".join([*line.split(" ", 5)[:5], "root", line.split(" ", 5)[5]]))
    assert values == {}
    assert entries[-1].count("run --scheduled") == 1
    path = Path("/etc/cron.d") / f"durable-test-{os.getpid()}"
    path.write_text("\n".join(entries) + "\n", encoding="utf-8")
    try:
        path.chmod(0o644)
        yield
    finally:
        path.unlink()


def run_record(project: Project, seconds: float) -> dict[str, object]:
    """The record of the run that cron starts."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for path in project.root.glob(".durable/runs/*/run.json"):
            record: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
            return record
        time.sleep(0.5)
    log = project.root / ".durable" / "cron.log"
    pytest.fail("cron started no run: " + (log.read_text(encoding="utf-8") if log.exists() else "no cron.log"))


@pytest.mark.needs_cron
def test_the_generated_line_under_a_real_cron_does_what_the_two_commands_do(tmp_path: Path) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=75)  # the next full minute for which compiling leaves time
    project = compiled_for(Project.make(tmp_path / "project", SPEC.format(time=f"{soon:%H:%M}")))
    with cron(), sandbox(project.state), installed(project):
        record = run_record(project, LONGEST_WAIT)
        assert (record["status"], record["error"]) == ("succeeded", None)
        assert f"{soon:%Y-%m-%dT%H:%M}" in str(record["started_at"])
        by_cron = project.rows(EVERYTHING)
        assert len(by_cron) > 100
        log = (project.root / ".durable" / "cron.log").read_text(encoding="utf-8")
        assert "Found 480 updated records" in log and str(record["run_id"]) in log
        for command in (project.durable, lambda *arguments: project._call("-m", "generated.customer_data", *arguments)):
            project.warehouse.unlink()
            done = command("run", *(["customer_data"] if command == project.durable else []))
            assert done.code == 0, done.err
            assert "Found 480 updated records" in done.out
            assert project.rows(EVERYTHING) == by_cron

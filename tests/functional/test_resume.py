"""Reading that is interrupted: killed and gone on with, cut into pieces, or stopped by a quota or by time."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from functional import proof
from functional.project import Project, Sandbox, environment, sandbox
from functional.test_truth import compare

KILLS = int(os.environ.get("DURABLE_SEEDS", "8"))
KILLED = (
    "First loads, each killed up to five times at a random request while it read, then run to the end and compared "
    "with the truth. A kill may cost the page in flight; what came since the killed run began is read besides."
)
ROWS, PAGE = 3000, 100
RESULTS = "GET /services/data/{version}/jobs/query/{id}/results"
CREATED = "POST /services/data/{version}/jobs/query"
CATCHING_UP = 9  # for each of three objects, what came since: counted, read, and counted again
QUERY = "GET /services/data/{version}/queryAll"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """For tests that change no record."""
    with sandbox(tmp_path_factory.mktemp("sandbox"), rows=ROWS) as running:
        yield running


def configure(project: Project, server: Sandbox, **settings: int) -> None:
    """Let the project reach that sandbox as any organization, with these settings."""
    entries = {
        "login_url": server.url,
        "auth": "client_credentials",
        "client_id": server.announced["client_id"],
        "horizon_seconds": 0,
        **settings,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in entries.items()]
    text = "\n".join(
        ['default_profile = "here"', "[profiles.here.salesforce]", *lines, 'client_secret = "env:SANDBOX_SECRET"']
    )
    alerts = '[profiles.here]\nalerts = "file"\nwarehouse = {kind = "duckdb"}\n'
    (project.root / "durable.toml").write_text(
        text.replace("[profiles.here.salesforce]", alerts + "[profiles.here.salesforce]") + "\n"
    )
    project.variables["SANDBOX_SECRET"] = server.announced["client_secret"]


@pytest.fixture
def project(tmp_path: Path, server: Sandbox) -> Project:
    made = Project.make(tmp_path / "project")
    configure(made, server, page_records=PAGE, rest_below=200, downloads=1)
    return made.compiled()


def asked(server: Sandbox) -> Counter[str]:
    """How often each endpoint was called so far."""
    with urllib.request.urlopen(f"{server.url}/__sandbox__/requests", timeout=60) as answer:
        return Counter(json.loads(answer.read())["requests"])


def start(project: Project) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "generated.customer_data", "run", "--json"]
    return subprocess.Popen(
        command, cwd=project.root, text=True, env=environment(**project.variables),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def kill_after(project: Project, server: Sandbox, requests: int) -> bool:
    """Start a run and kill it when it has made so many data requests; False where it ended before."""
    before, running = data_requests(server), start(project)
    while running.poll() is None and data_requests(server) - before < requests:
        time.sleep(0.002)
    alive = running.poll() is None
    if alive:
        os.killpg(running.pid, signal.SIGKILL)
    running.communicate(timeout=60)
    return alive


def data_requests(server: Sandbox) -> int:
    counted = asked(server)
    return counted[RESULTS] + counted[CREATED] + counted[QUERY]


def watermarks(project: Project) -> dict[str, Any]:
    return {row["object"]: row["watermark"] for row in project.rows("FROM durable_state")}


def test_what_a_killed_run_paid_for_is_not_asked_for_again(project: Project, server: Sandbox) -> None:
    """Pages, jobs and counts of a whole undisturbed load, against one that is killed again and again."""
    before = asked(server)
    project.succeed()
    undisturbed = asked(server) - before
    compare(project, server)
    chance, kills, loads = random.Random(5), 0, 0
    total: Counter[str] = Counter()
    while kills < KILLS:
        project.warehouse.unlink()
        before, here = asked(server), 0
        while here < 5 and kill_after(project, server, chance.randrange(1, 14)):
            here += 1
        kills, loads = kills + here, loads + 1
        project.succeed()
        spent = asked(server) - before
        compare(project, server)
        # What came since is another window after each kill, and so are its counts and queries.
        for request, anew in ((RESULTS, 0), (CREATED, 0), (QUERY, CATCHING_UP * (here + 1))):
            assert spent[request] <= undisturbed[request] + here + anew, request
        total += spent
        assert not (project.root / ".durable" / "landing" / "customer_data" / "Contact").exists()
    told = {"first loads": loads, "SIGKILLs while reading": kills}
    for request, label in ((RESULTS, "pages"), (CREATED, "jobs"), (QUERY, "REST queries and counts")):
        told |= {f"{label} of undisturbed loads": loads * undisturbed[request], f"{label} asked for": total[request]}
    proof.write("kills", "Killed while reading", KILLED, told)


def test_a_run_goes_on_with_what_changed_since_the_killed_one_began(tmp_path: Path) -> None:
    made = Project.make(tmp_path / "project")
    with sandbox(made.state, rows=600) as server:
        configure(made, server, page_records=50, rest_below=200, downloads=2)
        made.compiled()
        chance = random.Random(3)
        for turn in range(4):
            for name in ("Account", "Contact", "Customer_Health__c"):
                amounts = {kind: chance.randrange(9) for kind in ("insert", "update", "delete", "undelete", "purge")}
                server.post("change", {"object": name, **amounts, "seed": chance.randrange(10**6)})
            kill_after(made, server, chance.randrange(1, 10))
            server.post(
                "change", {"object": "Contact", "update": 9, "insert": 3, "delete": 2, "purge": 1, "seed": turn}
            )
            made.succeed(*(("--full",) if turn == 2 else ()))
            compare(made, server)


def test_lookups_of_a_killed_read_are_as_they_are_now(tmp_path: Path) -> None:
    text = """
R1.1 Syncs Contacts from Salesforce
R1.3 Includes the Account's Name with each Contact as account_name
R1.2 Runs nightly at 2:00 AM UTC
R2.1 Writes to Snowflake table customer_data
"""
    made = Project.make(tmp_path / "project", text)
    with sandbox(made.state, rows=600) as server:
        configure(made, server, page_records=30, rest_below=100, downloads=1)
        made.compiled()
        for turn in range(3):
            assert kill_after(made, server, 5 + 2 * turn)
            names = [{"Id": one["Id"], "Name": f"Renamed {turn} {one['Id']}"} for one in server.truth("Account")]
            server.put("records/Account", names)
        before = asked(server)
        made.succeed()
        again = made.warehouse.with_name("again.duckdb")
        made.warehouse.rename(again)
        made.succeed()
        compared = "SELECT source_id, row_hash FROM customer_data WHERE NOT is_deleted ORDER BY ALL"
        assert made.rows(compared) == made.rows(compared, again)
        assert len(made.rows(compared)) > 300
        assert (asked(server) - before)[CREATED] < 8


def test_windows_cut_by_id_and_by_time_give_the_same_table(project: Project, server: Sandbox) -> None:
    configure(project, server, rest_below=100, partition_rows=400, page_records=150)
    before = asked(server)
    project.succeed()
    by_id = asked(server) - before
    assert by_id[CREATED] >= ROWS // 400
    compare(project, server)
    limit_calls(project, share=0.99)
    configure(project, server, rest_below=100, slice_rows=500, page_records=150)
    project.succeed("--full")
    compare(project, server)


def limit_calls(project: Project, share: float) -> None:
    """Let the requirements allow a share of the daily calls."""
    path = project.root / "requirements" / "customer_data.md"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "daily Salesforce API calls" not in line]
    said = f"R5.9 Uses at most {share * 100:.6g}% of the daily Salesforce API calls"
    path.write_text("\n".join([*lines, "", said, ""]), encoding="utf-8")
    done = project.durable("compile", "customer_data", "--no-commit")
    assert done.code == 0, done.err + done.out


def test_a_quota_ends_the_run_partial_and_the_next_ones_go_on(tmp_path: Path) -> None:
    made = Project.make(tmp_path / "project")
    with sandbox(made.state, rows=2000) as server:
        configure(made, server, page_records=200, rest_below=300, slice_rows=500)
        made.compiled()
        limit_calls(made, share=0.5)
        statuses = []
        for calls in (*[22] * 5, *[80] * 3):  # too few to read all, then enough to read and to compare
            used = calls_made(server)
            server.post("limits", {"DailyApiRequests": {"Max": 2 * (used + calls), "Remaining": used + 2 * calls}})
            done = made.run()
            statuses.append(done.summary["status"])
            assert calls_made(server) <= used + calls + 1  # the job's deletion is cleaning up
            if done.code == 0:
                break
            assert (done.code, done.summary["error"]["code"]) == (5, "RUN501"), done.err
            assert "R5.9 lets this pipeline go up to 50% of them" in done.summary["error"]["message"]
            loaded_up_to_the_watermark(made, server)
        assert statuses[-1] == "succeeded"
        assert len(statuses) > 4
        compare(made, server)


def calls_made(server: Sandbox) -> int:
    """API calls that the organization counted so far."""
    with urllib.request.urlopen(f"{server.url}/__sandbox__/requests", timeout=60) as answer:
        return int(json.loads(answer.read())["api_calls"])


def loaded_up_to_the_watermark(project: Project, server: Sandbox) -> None:
    """Nothing with a stamp below an object's watermark is missing."""
    if not project.warehouse.exists():
        return
    for name, watermark in watermarks(project).items():
        if watermark is None:
            continue
        tables = ("customer_data", "customer_data__duplicates", "customer_data__rejects")
        held = {
            row["source_id"] for table in tables for row in project.rows(f"FROM {table} WHERE source_object = '{name}'")
        }
        stamp = watermark.isoformat(timespec="milliseconds") + "Z"
        due = {one["Id"] for one in server.truth(name) if not one["IsDeleted"] and one["SystemModstamp"] < stamp}
        assert due <= held, name


def test_a_daily_limit_that_is_used_up_reads_nothing_and_moves_nothing(tmp_path: Path) -> None:
    made = Project.make(tmp_path / "project")
    with sandbox(made.state, rows=200) as server:
        configure(made, server)
        made.compiled().succeed()
        before = watermarks(made)
        server.post("change", {"object": "Contact", "update": 5, "seed": 1})
        server.post("limits", {"DailyApiRequests": {"Max": 1000, "Remaining": 0}})
        done = made.run()
        assert (done.code, done.summary["status"]) == (5, "partial"), done.err
        assert watermarks(made) == before
        server.post("limits", {"DailyApiRequests": {"Max": 100000, "Remaining": 90000}})
        made.succeed()
        compare(made, server)


def test_a_run_that_takes_too_long_ends_partial(project: Project, server: Sandbox) -> None:
    path = project.root / "requirements" / "customer_data.md"
    path.write_text(path.read_text(encoding="utf-8") + "\nR5.8 A run takes at most 1 second\n", encoding="utf-8")
    assert project.durable("compile", "customer_data", "--no-commit").code == 0
    server.post("faults", {"kind": "results", "slow": 1.2})
    try:
        done = project.run()
    finally:
        request = urllib.request.Request(f"{server.url}/__sandbox__/faults", method="DELETE")
        urllib.request.urlopen(request, timeout=9).close()
    assert (done.code, done.summary["error"]["code"]) == (5, "RUN503"), done.err
    assert "R5.8" in done.summary["error"]["message"]


def test_a_window_is_read_again_without_moving_the_watermark(tmp_path: Path) -> None:
    made = Project.make(tmp_path / "project")
    with sandbox(made.state, rows=200) as server:
        configure(made, server)
        made.compiled()
        refused = made.run("--since", "2025-01-01")
        assert (refused.code, "was never loaded" in refused.err) == (2, True)
        made.succeed()
        before, whole = watermarks(made), made.rows("FROM customer_data ORDER BY source_id")
        begin, end = "2025-01-01T00:00:00Z", "2025-06-01T00:00:00+00:00"
        spoilt = [row["source_id"] for row in whole if "2025-01-01" <= str(row["source_modified_at"]) < "2025-06-01"]
        with duckdb.connect(str(made.warehouse)) as database:  # as a careless hand would
            database.execute("UPDATE customer_data SET row_hash = 'x', created_by_id = 'spoilt'")
        summary = made.durable("run", "customer_data", "--json", "--since", begin, "--until", end).summary
        assert summary["status"] == "succeeded"
        assert watermarks(made) == before
        mended = made.rows("FROM customer_data WHERE created_by_id <> 'spoilt'")
        assert {row["source_id"] for row in mended} == set(spoilt)
        assert len(spoilt) > 10
        for wrong in (
            ("--until", end),
            ("--since", end, "--until", begin),
            ("--since", begin, "--full"),
            ("--since", "x"),
        ):
            assert made.run(*wrong).code == 2, wrong


def test_a_clock_that_went_back_hides_nothing(tmp_path: Path) -> None:
    """Salesforce (or a proxy) told a time an hour too late once; what changes until then lies below the watermark."""
    made = Project.make(tmp_path / "project")
    with sandbox(made.state, rows=200) as server:
        configure(made, server)
        made.compiled().succeed()
        server.post("faults", {"clock_skew": 3600})
        made.succeed()
        server._send("DELETE", "faults", None)
        before = watermarks(made)
        server.post("change", {"object": "Contact", "update": 9, "delete": 2, "seed": 4})
        summary = made.succeed()
        compare(made, server)
        assert watermarks(made) == before
        record = made.root / ".durable" / "runs" / summary["run_id"] / "run.json"
        events = json.loads(record.read_text(encoding="utf-8"))["events"]
        (told,) = [one["seconds"] for one in events if one["code"] == "clock_set_back"]
        assert 3590 < told < 3610
        server.post("change", {"object": "Contact", "update": 9, "seed": 5})
        made.succeed()
        compare(made, server)
        server.post("clock", {"advance_seconds": 7200})
        server.post("change", {"object": "Account", "update": 9, "seed": 6})
        made.succeed()
        compare(made, server)
        assert all(watermarks(made)[name] > before[name] for name in before)

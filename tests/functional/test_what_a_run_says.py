"""What a run tells its reader: what it repaired and noticed, in words, and how it ends when stopped or misused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from functional.project import Project, Sandbox, environment, sandbox

REQUIREMENTS = """# Accounts
- R1.1 Syncs Accounts and Contacts from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R2.1 Writes to DuckDB table customer_data
- R3.1 Reads only records modified since the last run
- R4.1 Keeps unmapped fields in the extensions column
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Sandbox]]:
    """A loaded project beside its sandbox."""
    project = Project.make(tmp_path_factory.mktemp("project") / "p", REQUIREMENTS)
    with sandbox(project.state, rows=400) as server:
        project.compiled().succeed()
        yield project, server


def said(project: Project, *arguments: str) -> list[str]:
    """The lines of a run that succeeds, those about counts left out."""
    done = project.run(*arguments)
    assert done.code == 0, done.out + done.err
    return [line.strip() for line in done.err.splitlines() if " read  " not in line]


def test_repairs_are_told_in_words_and_counted(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    slow = {"kind": "query", "object": "Contact", "error": "QUERY_TIMEOUT"}
    for fault in (slow, {"kind": "query", "object": "Account", "expire_session": True}):
        server.post("faults", fault)
    lines = said(project, "--full")
    assert "Contact: a query took Salesforce too long, so its window was read in halves." in lines
    assert "Salesforce ended the session, and the run logged in again (1×)." in lines
    record = max((project.root / ".durable" / "runs").glob("*/run.json"))
    told = json.loads(record.read_text(encoding="utf-8"))
    assert told["auto_fixes"] == [{"code": "session_renewed", "count": 1}, {"code": "window_halved", "count": 1}]
    assert {"code": "session_renewed", "count": 1} in told["events"]


def test_drift_is_told_once_with_the_sentence_that_settles_it(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    field = {"name": "Tier__c", "type": "string"}
    server.post("drift", {"op": "add", "object": "Account", "field": field, "value": "Gold"})
    server.post("drift", {"op": "hide", "object": "Contact", "field": "Title"})
    kept = "Contact.Title is not visible any more; its column keeps what it holds."
    stored = "Account.Tier__c is new and has no column. Its values go to extensions."
    lines = said(project)
    assert f"{stored} To give it one: Stores Account Tier in column tier" in lines
    assert kept in lines
    assert len([line for line in lines if "Tier__c" in line]) == 1


def heeding() -> None:
    """In the child: a job in the background of a shell would ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_so_and_the_next_one_succeeds(
    world: tuple[Project, Sandbox], number: signal.Signals
) -> None:
    project, server = world
    server.delete("faults")
    server.post("faults", {"kind": "describe", "stall": 30})
    running = subprocess.Popen(
        [sys.executable, "-m", "generated.customer_data", "run", "--json"],
        cwd=project.root, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=heeding,  # noqa: PLW1509  (no thread runs here)
    )  # fmt: skip
    while running.poll() is None and not any(one["fired"] for one in server.get("faults")["faults"]):
        time.sleep(0.01)
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    server.delete("faults")
    assert running.returncode == 6, out + err
    (line,) = out.splitlines()
    told = json.loads(line)
    assert (told["status"], told["error"]["code"]) == ("failed", "RUN610")
    record = project.root / ".durable" / "runs" / told["run_id"] / "run.json"
    assert json.loads(record.read_text(encoding="utf-8"))["error"] == told["error"]
    assert project.succeed()["error"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--since", "yesterday"), "argument --since: 'yesterday' is no ISO 8601 time"),
        (("--until", "2026-01-01"), "--until needs --since."),
        (("--since", "2026-02-01", "--until", "2026-01-01"), "--until is not later than --since."),
        (("--since", "2026-02-01", "--full"), "--full reads everything, --since a window."),
        (("--since", "2999-01-01"), "--since is 2999-01-01T00:00:00Z, and by Salesforce's clock nothing later"),
        (("--nope",), "unrecognized arguments: --nope"),
        (("--profile", "nope"), "There is no profile 'nope'."),
    ],
)
def test_a_wrong_command_line_is_one_json_object_that_says_what_is_wrong(
    world: tuple[Project, Sandbox], arguments: tuple[str, ...], message: str
) -> None:
    project, _ = world
    done = project.run(*arguments)
    assert done.code == 2, done.out + done.err
    (line,) = done.out.splitlines()
    told = json.loads(line)
    assert (told["status"], told["error"]["code"]) == ("failed", "RUN201")
    assert message in told["error"]["message"]


def test_an_unreachable_salesforce_is_named_with_its_address(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    text = """
[profiles.away]
alerts = "file"
warehouse = {kind = "duckdb"}
[profiles.away.salesforce]
login_url = "http://127.0.0.1:9"
auth = "client_credentials"
client_id = "x"
client_secret = "env:AWAY_SECRET"
"""
    file = project.root / "durable.toml"
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
    project.variables["AWAY_SECRET"] = "secret-of-away"
    done = project.run("--profile", "away")
    assert done.code == 6, done.out + done.err
    assert "could not be reached for the log-in at http://127.0.0.1:9 (ConnectError" in done.out
    assert "secret-of-away" not in done.out + done.err

"""The sandbox's process: its ready line, its ends, and the state it comes back from."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[2]


def start(*options: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "durable_sandbox", "--rows", "200", "--exit-with-parent", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "sandbox")},
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def finish(process: subprocess.Popen[str]) -> int:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    code = process.wait(10)
    process.stdout.close()
    return code


def test_the_ready_line_has_everything_a_client_needs() -> None:
    process, ready = start()
    secrets = {"client_secret", "private_key", "password", "security_token", "refresh_token"}
    assert set(ready) == {"url", "client_id", "username"} | secrets
    assert Path(ready["private_key"]).stat().st_mode & 0o777 == 0o600
    assert finish(process) == 0
    assert not Path(ready["private_key"]).exists()


def test_the_sandbox_ends_when_its_parent_closes_standard_input() -> None:
    process, ready = start()
    assert finish(process) == 0
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{ready['url']}/services/data")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    process, _ = start()
    process.send_signal(number)
    assert process.wait(10) == 0
    finish(process)


def test_the_administrator_can_stop_it() -> None:
    process, ready = start()
    assert httpx2.post(f"{ready['url']}/__sandbox__/stop").json() == {"status": "stopping"}
    assert process.wait(10) == 0
    finish(process)


def test_state_brings_back_records_changes_fields_clock_and_credentials(tmp_path: Path) -> None:
    process, ready = start("--state", str(tmp_path / "state"), "--seed", "8")
    with httpx2.Client(base_url=ready["url"]) as client:
        client.post("/__sandbox__/clock", json={"advance_seconds": 864_000}).raise_for_status()
        field = {"name": "Tier__c", "label": "Tier", "type": "string", "length": 20, "value": "gold"}
        client.post("/__sandbox__/fields", json={"object": "Contact", "add": field}).raise_for_status()
        client.post("/__sandbox__/fields", json={"object": "Contact", "remove": "Fax"}).raise_for_status()
        change = {"object": "Contact", "insert": 5, "update": 20, "delete": 5, "duplicate": 2, "undelete": 1}
        client.post("/__sandbox__/change", json=change).raise_for_status()
        client.put("/__sandbox__/records/Contact", json=[{"LastName": 'Exact\n"é'}]).raise_for_status()
        truth = client.get("/__sandbox__/truth/Contact").text
        now = client.get("/__sandbox__/health").json()["now"]
    process.kill()
    finish(process)
    process, again = start("--state", str(tmp_path / "state"))
    with httpx2.Client(base_url=again["url"]) as client:
        assert client.get("/__sandbox__/truth/Contact").text == truth
        assert client.get("/__sandbox__/health").json()["now"] > now
    assert {key: again[key] for key in ("client_id", "client_secret")} == {
        key: ready[key] for key in ("client_id", "client_secret")
    }
    finish(process)


def test_the_ready_line_stands_in_the_state_folder_while_the_sandbox_runs(tmp_path: Path) -> None:
    process, ready = start("--state", str(tmp_path))
    address = tmp_path / "url.json"
    assert json.loads(address.read_text()) == ready
    assert address.stat().st_mode & 0o777 == 0o600
    finish(process)
    assert not address.exists()


def run_to_end(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "durable_sandbox", "--rows", "5", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "sandbox")}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=20, check=False)


def test_a_second_sandbox_on_the_same_state_is_refused(tmp_path: Path) -> None:
    process, _ = start("--state", str(tmp_path))
    second = run_to_end("--state", str(tmp_path))
    assert (second.returncode, second.stdout) == (2, "")
    assert "another sandbox uses" in second.stderr
    finish(process)


def test_unreadable_state_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "sandbox.json").write_text("{}")
    refused = run_to_end("--state", str(tmp_path))
    assert refused.returncode == 2
    assert f"delete {tmp_path} to start anew" in refused.stderr


def test_state_made_with_other_options_is_refused_and_the_options_may_be_left_out(tmp_path: Path) -> None:
    process, _ = start("--state", str(tmp_path))
    finish(process)
    refused = run_to_end("--state", str(tmp_path))
    assert refused.returncode == 2
    assert "holds data made with --rows 200, not 5: leave --rows out" in refused.stderr


def test_state_of_another_version_is_refused(tmp_path: Path) -> None:
    process, _ = start("--state", str(tmp_path))
    finish(process)
    meta = tmp_path / "sandbox.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"digest": "other"}))
    refused = run_to_end("--state", str(tmp_path), "--rows", "200")
    assert refused.returncode == 2
    assert "holds data of another version of the sandbox: delete it to start anew" in refused.stderr


def test_a_negative_number_of_rows_is_refused() -> None:
    refused = run_to_end("--rows=-1")
    assert (refused.returncode, "must be a whole number of records" in refused.stderr) == (2, True)


def test_a_taken_port_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = run_to_end("--port", str(taken.getsockname()[1]))
    assert refused.returncode == 2
    assert "The sandbox cannot start" in refused.stderr

"""What cannot be compiled or run: each case with its own message and exit code, and nothing written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from functional.project import REPOSITORY, Done, Project, Sandbox, sandbox

SPEC = """\
# Customer data

- R1.1 Syncs Accounts and Contacts from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R2.1 Writes to DuckDB table customer_data
- R5.1 Retries network errors up to 2 times with exponential backoff, for at most 5 seconds
- R5.2 Alerts #data-ops on Slack when a run fails
"""
SNAPSHOT = REPOSITORY / "requirements" / "salesforce.schema.json"
NOT_FOUND_HOST = "http://127.0.0.1:9"
REMOTE = """\
default_profile = "remote"
[profiles.remote]
alerts = "file"
[profiles.remote.salesforce]
login_url = "{url}"
auth = "client_credentials"
client_id = "{client_id}"
client_secret = "env:TEST_CLIENT_SECRET"
horizon_seconds = 0
"""

# Case → what the sentence of the spec becomes, the diagnostic's code, and what its text must say.
REJECTED = {
    "unknown object": ("Accounts and", "Acounts and", "DUR030", ("'Acounts'", "did you mean: Accounts")),
    "impossible time": ("2:00 AM", "25:00", "DUR040", ("25:00 is not a time of day", "02:00 UTC")),
    "impossible minute": ("2:00 AM", "2:75 AM", "DUR040", ("2:75 AM is not a time of day",)),
    "nobody understands": (
        "# Customer data",
        "- R3.1 Makes everything feel lovely",
        "DUR020",
        ("not understood", "R3.1"),
    ),
    "duplicate ID": ("R1.2", "R1.1", "DUR005", ("R1.1 is already used on line 3", "Give the requirement a new ID")),
}


def spec_project(root: Path, text: str = SPEC) -> Project:
    """A project that has its requirements and the schema snapshot."""
    project = Project.make(root, text)
    shutil.copy(SNAPSHOT, root / "requirements")
    return project


def files(root: Path) -> dict[str, bytes]:
    """Every file of a project's folder but the sandbox's state and caches."""
    skipped = ("sandbox", "__pycache__", ".cache")
    found = (path for path in root.rglob("*") if path.is_file() and not set(path.parts) & {*skipped})
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def compile_refused(project: Project, code: int) -> Done:
    """A compile that must end with this code and leave every byte as it was."""
    before = files(project.root)
    done = project.durable("compile", "customer_data", "--no-commit")
    assert done.code == code, done.out + done.err
    assert files(project.root) == before
    return done


@pytest.mark.parametrize("case", REJECTED)
def test_a_requirement_that_cannot_be_compiled_is_shown_in_its_place_and_nothing_is_written(
    case: str, tmp_path: Path
) -> None:
    old, new, code, texts = REJECTED[case]
    project = spec_project(tmp_path / "project", SPEC.replace(old, new))
    done = compile_refused(project, 1)
    assert f"error[{code}]: " in done.err
    assert "requirements/customer_data.md:" in done.err and "^^" in done.err
    assert "customer_data: rejected, 1 error; nothing was written" in done.err
    assert [text for text in texts if text not in done.err] == []


@pytest.mark.parametrize("case", REJECTED)
def test_a_machine_gets_the_same_diagnostic_as_json(case: str, tmp_path: Path) -> None:
    old, new, code, _ = REJECTED[case]
    project = spec_project(tmp_path / "project", SPEC.replace(old, new))
    done = project.durable("compile", "customer_data", "--no-commit", "--json")
    (outcome,) = json.loads(done.out)["pipelines"]
    assert (done.code, outcome["status"], [one["code"] for one in outcome["diagnostics"]]) == (1, "rejected", [code])


def test_a_file_that_is_not_utf_8_is_named_with_the_place_of_the_byte(tmp_path: Path) -> None:
    project = spec_project(tmp_path / "project")
    path = project.root / "requirements" / "customer_data.md"
    path.write_bytes(path.read_bytes() + b"- R9.1 Caf\xe9\n")
    done = compile_refused(project, 1)
    assert "error[DUR002]: byte" in done.err and "requirements/customer_data.md:8:11" in done.err
    assert "Save the file as UTF-8." in done.err


def test_requirements_that_are_a_folder_or_missing_are_told_apart(tmp_path: Path) -> None:
    project = spec_project(tmp_path / "project")
    path = project.root / "requirements" / "customer_data.md"
    path.unlink()
    missing = compile_refused(project, 2)
    assert "There is no requirements/customer_data.md" in missing.err
    path.mkdir()
    unreadable = compile_refused(project, 1)
    assert "error[DUR001]: cannot read requirements/customer_data.md: Is a directory" in unreadable.err


def test_without_a_schema_snapshot_the_command_that_writes_it_is_named(tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project", SPEC)
    done = compile_refused(project, 1)
    assert "error[DUR011]: there is no schema snapshot requirements/salesforce.schema.json" in done.err
    assert "Run `durable discover`" in done.err


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was compiled once; each test copies it."""
    project = spec_project(tmp_path_factory.mktemp("compiled") / "project")
    done = project.durable("compile", "customer_data", "--no-commit")
    assert done.code == 0, done.err + done.out
    return project.root


@pytest.fixture
def project(compiled: Path, tmp_path: Path) -> Project:
    shutil.copytree(compiled, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture
def world(project: Project) -> Iterator[tuple[Project, Sandbox]]:
    with sandbox(project.state) as server:
        yield project, server


def refused(project: Project, exit_code: int, code: str, *arguments: str) -> dict[str, Any]:
    """A run that must end so; its error. The JSON object is the last line of stdout, and the only one."""
    done = project.run(*arguments)
    assert done.code == exit_code, done.out + done.err
    assert len(done.out.splitlines()) == 1
    status = {4: "waiting"}.get(exit_code, "failed")
    assert done.summary["status"] == status
    error: dict[str, Any] = done.summary["error"]
    assert error["code"] == code, error
    assert "Traceback" not in done.err
    assert f"{code}: " in done.err and "What to do: " in done.err
    return error


def table(project: Project) -> list[dict[str, Any]]:
    """All rows of the three tables, and what the next run starts from."""
    names = ("customer_data", "customer_data__duplicates", "customer_data__rejects", "durable_state")
    order = "ORDER BY ALL"
    return [row for name in names for row in project.rows(f"FROM {name} {order}")]


def no_rows(project: Project) -> bool:
    """Whether the warehouse is missing or holds no row of any object."""
    if not project.warehouse.exists():
        return True
    shown = {row["table_name"] for row in project.rows("SELECT table_name FROM duckdb_tables()")}
    return all(project.rows(f"SELECT count(*) AS n FROM {one}")[0]["n"] == 0 for one in shown - {"durable_lock"})


def remote(project: Project, server: Sandbox, secret: str | None, url: str | None = None) -> None:
    """A profile that logs in to the sandbox as to any other Salesforce."""
    text = REMOTE.format(url=url or server.url, client_id=server.announced["client_id"])
    (project.root / "durable.toml").write_text(text, encoding="utf-8")
    if secret is not None:
        project.variables["TEST_CLIENT_SECRET"] = secret


def test_wrong_credentials_are_refused_by_salesforce_and_nothing_is_written(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    remote(project, server, "wrong-secret-of-somebody")
    error = refused(project, 7, "RUN701")
    assert error["family"] == "fatal"
    assert "wrong-secret-of-somebody" not in json.dumps(error)
    assert no_rows(project)


def test_the_right_credentials_of_the_same_profile_load_the_table(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    remote(project, server, server.announced["client_secret"])
    assert project.succeed()["status"] == "succeeded"


def test_a_salesforce_that_is_down_is_tried_as_often_as_the_spec_says(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    remote(project, server, "any", NOT_FOUND_HOST)
    error = refused(project, 6, "RUN601")
    assert error["family"] == "transient"
    assert "could not be reached" in error["message"] and "login_url" in error["message"]
    assert no_rows(project)


def test_a_salesforce_that_goes_down_leaves_the_table_as_it_was(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    remote(project, server, server.announced["client_secret"])
    project.succeed()
    before = table(project)
    remote(project, server, "any", NOT_FOUND_HOST)
    refused(project, 6, "RUN601")
    assert table(project) == before


@pytest.mark.parametrize(
    ("secret", "url", "exit_code", "text"),
    [("wrong-secret-of-somebody", None, 7, "invalid_client"), (None, None, 2, "TEST_CLIENT_SECRET")],
)
def test_a_discovery_that_cannot_log_in_leaves_the_snapshot_as_it_was(
    world: tuple[Project, Sandbox], secret: str | None, url: str | None, exit_code: int, text: str
) -> None:
    project, server = world
    remote(project, server, secret, url)
    before = files(project.root)
    done = project.durable("discover")
    assert done.code == exit_code, done.err
    assert text in done.err and "help: " in done.err and "Traceback" not in done.err
    assert files(project.root) == before


def test_a_discovery_of_an_unknown_object_is_answered_with_the_nearest(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    before = files(project.root)
    done = project.durable("discover", "--object", "Acount")
    assert (done.code, files(project.root)) == (2, before)
    assert "no object 'Acount'" in done.err and "Did you mean 'Account'?" in done.err


@contextmanager
def opened_elsewhere(path: Path) -> Iterator[None]:
    """Another process that holds the DuckDB file open for writing."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        try:
            assert child.stdout.readline() == "open\n"
            yield
        finally:
            child.stdin.close()
            child.wait(30)


def test_a_warehouse_file_locked_by_another_process_is_named(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    before = table(project)
    server.post("change", {"object": "Account", "update": 3, "seed": 1})
    with opened_elsewhere(project.warehouse):
        error = refused(project, 6, "RUN602")
    assert str(project.warehouse) in error["message"]
    assert table(project) == before
    assert sum(one["updated"] for one in project.succeed()["objects"]) == 3


def test_a_warehouse_file_that_is_let_go_in_time_is_waited_for(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    patient = SPEC.replace("2 times", "6 times").replace("5 seconds", "60 seconds")
    (project.root / "requirements" / "customer_data.md").write_text(patient, encoding="utf-8")
    assert project.durable("compile", "customer_data", "--no-commit").code == 0
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        stack.enter_context(opened_elsewhere(project.warehouse))
        going_on = threads.submit(project.run)
        time.sleep(2)
        assert not going_on.done()
        stack.close()
        assert going_on.result(60).summary["status"] == "succeeded"


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[None]:
    """A file system of this size, mounted here."""
    path.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    mounted = subprocess.run(command, capture_output=True, text=True) if os.geteuid() == 0 else None
    if mounted is None or mounted.returncode:
        pytest.skip("needs root and the right to mount a tmpfs: " + (mounted.stderr.strip() if mounted else "not root"))
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


@pytest.mark.parametrize("size", ["64k", "300k"])
def test_a_disk_without_room_for_staged_files_writes_nothing(world: tuple[Project, Sandbox], size: str) -> None:
    project, server = world
    project.succeed()
    before = table(project)
    server.post("change", {"object": "Contact", "insert": 3000, "seed": 1})
    with small_disk(project.root / ".durable" / "runs", size):
        error = refused(project, 6, "RUN604")
        assert error["family"] == "transient"
        assert list((project.root / ".durable" / "runs").glob("*/files")) == []
    assert table(project) == before
    assert project.succeed()["objects"][1]["read"] == 3000


def test_a_state_folder_that_is_a_file_is_told_without_a_stack_trace(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    (project.root / ".durable" / "locks").write_text("in the way", encoding="utf-8")
    assert "locks" in refused(project, 6, "RUN604")["message"]
    assert no_rows(project)


def test_an_unknown_profile_is_answered_with_those_that_exist(project: Project) -> None:
    error = refused(project, 2, "RUN201", "--profile", "lokal")
    assert "no profile 'lokal'" in error["message"] and "Did you mean 'local'?" in error["message"]
    assert no_rows(project)


def test_a_missing_secret_is_named_by_its_variable_and_its_setting(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    remote(project, server, None)
    error = refused(project, 2, "RUN201")
    assert "TEST_CLIENT_SECRET" in error["message"] and "client_secret" in error["message"]
    assert no_rows(project)


def test_an_alert_that_the_profile_cannot_send_stops_the_run_before_any_record(
    world: tuple[Project, Sandbox],
) -> None:
    project, server = world
    remote(project, server, server.announced["client_secret"])
    text = (project.root / "durable.toml").read_text(encoding="utf-8").replace('alerts = "file"\n', "")
    (project.root / "durable.toml").write_text(text, encoding="utf-8")
    error = refused(project, 2, "RUN201")
    assert "R5.2 alerts #data-ops by slack, but the profile has no alerts.slack" in error["message"]
    assert no_rows(project)


def test_an_unknown_object_of_a_run_is_answered_with_those_of_the_pipeline(project: Project) -> None:
    error = refused(project, 2, "RUN201", "--object", "Acount")
    assert error["message"] == "customer_data has no object Acount. Known: Account, Contact."
    assert no_rows(project)


def test_a_wrong_flag_is_a_wrong_command_line_for_machines_too(project: Project) -> None:
    done = project.run("--everything")
    assert (done.code, done.summary["run_id"], done.summary["error"]["code"]) == (2, None, "RUN201")
    assert "unrecognized arguments: --everything" in done.err
    done = project.durable("run", "customer_data", "--everything", "--json")
    assert (done.code, done.summary["run_id"], done.summary["error"]["code"]) == (2, None, "RUN201")
    assert "No such option" in done.summary["error"]["message"] and "No such option" in done.err


def test_a_pipeline_that_is_not_compiled_has_a_summary_too(project: Project) -> None:
    done = project.durable("run", "customer_date", "--json")
    assert (done.code, done.summary["run_id"], done.summary["status"]) == (2, None, "failed")
    assert "There is no compiled pipeline 'customer_date'" in done.summary["error"]["message"]
    assert "Did you mean 'customer_data'?" in done.err


@pytest.mark.parametrize("name", ["transform.py", "pipeline.yaml", "MAPPING.md"])
def test_a_package_edited_by_hand_is_not_run(project: Project, name: str) -> None:
    path = project.root / "generated" / "customer_data" / name
    path.write_text(path.read_text(encoding="utf-8") + "\n# a quick fix\n", encoding="utf-8")
    error = refused(project, 3, "RUN301")
    assert f"{name} differ from manifest.json" in error["message"]
    assert "git checkout generated/customer_data" in error["message"]
    assert no_rows(project)


def test_a_package_for_another_runtime_or_with_a_missing_file_is_not_run(project: Project) -> None:
    (project.root / "generated" / "customer_data" / "ir.json").unlink()
    assert "ir.json differ" in refused(project, 3, "RUN301")["message"]
    path = project.root / "generated" / "customer_data" / "__init__.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("RUNTIME_API = ", "RUNTIME_API = 9"), encoding="utf-8")
    assert "was generated for runtime API 9" in refused(project, 3, "RUN301")["message"]


def test_another_organization_is_refused_before_any_record_is_read(
    world: tuple[Project, Sandbox], tmp_path: Path
) -> None:
    project, server = world
    project.succeed()
    before = table(project)
    with sandbox(tmp_path / "other", seed=8) as other:
        remote(project, other, other.announced["client_secret"])
        error = refused(project, 7, "RUN703")
        assert queries(other) == 0
    assert "belong to 00D" in error["message"]
    assert table(project) == before
    remote(project, server, server.announced["client_secret"])
    project.succeed()


def queries(server: Sandbox) -> int:
    """How many requests for records the server has had."""
    with urllib.request.urlopen(f"{server.url}/__sandbox__/requests", timeout=60) as answer:
        counted = json.load(answer)["requests"]
    return sum(count for name, count in counted.items() if "/query" in name)


EMPTIED = {
    "emptied": "DELETE FROM customer_data",
    "dropped": "DROP TABLE customer_data",
    "thinned": "DELETE FROM customer_data WHERE source_object = 'Account' AND annual_revenue IS NOT NULL",
    "ledger lost": "DELETE FROM durable_ledger",
}


@pytest.mark.parametrize("how", EMPTIED)
def test_a_target_that_somebody_emptied_is_never_topped_up(world: tuple[Project, Sandbox], how: str) -> None:
    import duckdb

    project, server = world
    project.succeed()
    full = project.rows("SELECT source_id FROM customer_data ORDER BY ALL")
    with duckdb.connect(str(project.warehouse)) as database:
        database.execute(EMPTIED[how])
    state = project.rows("FROM durable_state ORDER BY ALL")
    server.post("change", {"object": "Account", "update": 3, "seed": 1})
    error = refused(project, 4, "RUN402")
    assert "--full" in error["message"] and "Nothing was written" in error["message"]
    assert project.rows("FROM durable_state ORDER BY ALL") == state
    project.succeed("--full")
    assert project.rows("SELECT source_id FROM customer_data ORDER BY ALL") == full


def test_a_mass_delete_waits_for_a_person_who_lets_one_run_pass(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    before = table(project)
    server.post("change", {"object": "Account", "insert": 5, "seed": 1})
    server.post("change", {"object": "Contact", "delete": 60, "seed": 2})
    error = refused(project, 4, "RUN401")
    assert "would be flagged or removed" in error["message"]
    assert "--allow-guard max_deleted:Contact" in error["message"]
    assert table(project) == before
    refused(project, 4, "RUN401", "--allow-guard", "max_deleted:Account")
    summary = project.succeed("--allow-guard", "max_deleted:Contact")
    assert {one["name"]: one["deleted"] for one in summary["objects"]} == {"Account": 0, "Contact": 60}
    server.post("change", {"object": "Contact", "delete": 60, "seed": 3})
    refused(project, 4, "RUN401")


def test_as_many_deletions_as_a_day_brings_need_nobody(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    server.post("change", {"object": "Contact", "delete": 20, "seed": 2})
    assert project.succeed()["objects"][1]["deleted"] == 20


def test_records_deleted_for_good_in_masses_wait_for_a_person_too(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    project.succeed()
    before, state = (project.rows(f"FROM {one} ORDER BY ALL") for one in ("customer_data", "durable_state"))
    server.post("change", {"object": "Contact", "purge": 80, "insert": 5, "seed": 2})
    message = refused(project, 4, "RUN401")["message"]
    assert "Contact rows would be flagged or removed; nothing was written" in message
    assert project.rows("FROM customer_data ORDER BY ALL") == before
    assert project.rows("FROM durable_state ORDER BY ALL") == state
    summary = project.succeed("--allow-guard", "max_deleted:Contact")
    assert summary["objects"][1]["deleted_for_good"] == 80


def test_a_load_of_which_most_would_be_rejected_waits_for_a_person(tmp_path: Path) -> None:
    text = SPEC + "- R4.1 Contact Email is required; records without it are rejected\n"
    project = spec_project(tmp_path / "project", text)
    with ExitStack() as stack:
        server = stack.enter_context(sandbox(project.state, rows=20))
        project.durable("compile", "customer_data", "--no-commit")
        server.put("records/Contact", [{"LastName": f"Nobody {at}", "Email": None} for at in range(150)])
        error = refused(project, 4, "RUN401")
        assert "--allow-guard max_rejected:Contact" in error["message"]
        assert no_rows(project)
        summary = project.succeed("--allow-guard", "max_rejected:Contact")
        assert summary["objects"][1]["rejected"] >= 150

"""The `durable` script and its commands: overview, refusals, exit codes, and what they print for machines."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from durable_compiler import organization
from durable_compiler.cli import compile as compile_command
from durable_compiler.cli import discover, init, records, run, runs, sandbox, status
from durable_compiler.compilation import Outcome
from durable_runtime import durable_cli

SOURCES = [str(Path(durable_cli.__file__).parents[1]), str(Path(init.__file__).parents[2])]
RECORD: dict[str, Any] = {
    "run_id": "20261122T020000Z-abc",
    "pipeline": "customer_data",
    "version": "1.0.0",
    "status": "succeeded",
    "objects": [{"name": "Contact", "read": 900, "found": 847, "inserted": 40, "updated": 807, "deleted": 0}],
    "error": None,
    "started_at": "2026-11-22T02:00:00Z",
    "finished_at": "2026-11-22T02:01:00Z",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def made(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert CliRunner().invoke(init.command, ["customer_data"]).exit_code == 0
    monkeypatch.chdir(here / "customer_data")
    return here / "customer_data"


def record(root: Path, **edits: Any) -> None:
    values = {**RECORD, **edits}
    folder = root / ".durable" / "runs" / values["run_id"]
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(values))


def script(where: Path, *arguments: str, isolated: bool = False) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path[:0] = {SOURCES!r}; from durable_runtime.durable_cli import main; sys.exit(main())"
    flags = ["-S"] if isolated else []
    command = [sys.executable, *flags, "-c", code, *arguments]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)


def test_the_overview_names_every_command_and_imports_none(here: Path) -> None:
    done = script(here, "--help", isolated=True)
    assert done.returncode == 0
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ") and "  " in line.strip()]
    assert listed == list(durable_cli.COMMANDS)
    code = "import durable_runtime.durable_cli as d, sys; d.main(['--help']); print(sorted(sys.modules))"
    command = [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {SOURCES!r}; {code}"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True, cwd=here).stdout
    assert "durable_compiler" not in loaded
    assert "'click'" not in loaded


def test_without_an_installation_the_commands_are_those_that_the_distribution_declares() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert project["name"] == durable_cli.DISTRIBUTION
    declared = project["entry-points"][durable_cli.GROUP]
    assert {name: f"durable_compiler.cli.{name}:command" for name in durable_cli.COMMANDS} == declared


def test_an_installed_distribution_says_where_its_commands_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    info = tmp_path / "durable_pipelines-9.8.7.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: durable-pipelines\nVersion: 9.8.7\n")
    (info / "entry_points.txt").write_text("[durable.commands]\nextra = extra_module:command\n[other]\nx = y:z\n")
    (tmp_path / "extra_module.py").write_text("def command(args, prog_name, standalone_mode):\n    return len(args)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert durable_cli.places() == {"extra": "extra_module:command"}
    assert durable_cli.main(["extra", "a", "b", "c"]) == 3
    assert durable_cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "durable 9.8.7\n"


def test_an_unknown_command_is_exit_2_with_the_nearest(here: Path) -> None:
    done = script(here, "comple")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean 'compile'?" in done.stderr


def test_a_missing_extra_is_exit_2_and_named(here: Path) -> None:
    done = script(here, "compile", isolated=True)
    assert done.returncode == 2
    assert "needs click" in done.stderr
    assert "pip install 'durable-pipelines[compiler]'" in done.stderr


def test_an_editor_without_its_extra_is_told_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "durable_compiler.language_server", raising=False)
    monkeypatch.setitem(sys.modules, "lsprotocol", None)
    assert durable_cli.main(["lsp"]) == 2
    assert "pip install 'durable-pipelines[lsp]'" in capsys.readouterr().err


def test_a_bug_is_exit_70_and_an_error_with_help_is_told_without_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    from durable_runtime.errors import ConfigurationError

    assert durable_cli._told(ConfigurationError("It broke.", help="Mend it.")) == 2
    assert capsys.readouterr().err == "durable: It broke.\n  help: Mend it.\n"
    assert durable_cli._told(ValueError("surprise")) == 70
    assert "surprise" in capsys.readouterr().err


@pytest.mark.parametrize("name", durable_cli.COMMANDS)
def test_the_help_of_every_command_has_an_example(here: Path, name: str) -> None:
    place = durable_cli.places()[name]
    shown = CliRunner().invoke(durable_cli._load(place), ["--help"])  # type: ignore[arg-type]
    assert shown.exit_code == 0
    assert f"Example: durable {name}" in shown.output


def test_init_makes_a_project_with_git_and_says_what_comes_next(here: Path) -> None:
    done = CliRunner().invoke(init.command, ["customer_data"])
    root = here / "customer_data"
    assert done.exit_code == 0
    assert done.output.endswith(
        "Next:\n  cd customer_data\n  durable discover\n  durable compile\n  durable run customer_data\n"
    )
    assert "- R1.2 Runs nightly at 2:00 AM UTC" in (root / "requirements/customer_data.md").read_text().splitlines()
    assert (root / ".gitignore").read_text().splitlines()[:2] == [".durable/", "secrets/"]
    assert (root / ".git").is_dir()


def test_init_overwrites_nothing(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (made / "durable.toml").write_text("mine")
    monkeypatch.chdir(made.parent)
    for arguments in (["customer_data"], ["--here", "customer_data"]):
        monkeypatch.chdir(made if "--here" in arguments else made.parent)
        done = CliRunner().invoke(init.command, arguments)
        assert done.exit_code == 2
        assert "nothing was written" in done.output
    assert (made / "durable.toml").read_text() == "mine"


@pytest.mark.parametrize("name", ["Customer", "1st", "a-b", "../up", ""])
def test_init_refuses_what_is_no_pipeline_name(here: Path, name: str) -> None:
    done = CliRunner().invoke(init.command, [name])
    assert done.exit_code == 2
    assert list(here.iterdir()) == []


def test_outside_a_project_a_command_says_how_to_start_one(here: Path) -> None:
    done = CliRunner().invoke(status.command, [])
    assert done.exit_code == 2
    assert "Run `durable init NAME`" in done.output


def test_a_command_finds_the_project_from_a_folder_inside_it(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (made / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(made / "deep" / "er")
    assert CliRunner().invoke(status.command, []).output == "customer_data  not compiled\n  no run yet\n"


def test_status_shows_the_version_the_last_run_and_the_last_success(made: Path) -> None:
    package = made / "generated" / "customer_data"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('"""x."""\n\nVERSION = "1.2.0"\n')
    (package / "pipeline.py").touch()
    record(made)
    failed = {"code": "RUN601", "family": "transient", "message": "Salesforce is down."}
    record(made, run_id="20261123T020000Z-def", started_at="2026-11-23T02:00:00Z", status="failed", error=failed)
    assert CliRunner().invoke(status.command, []).output.splitlines() == [
        "customer_data  v1.2.0",
        "  last run      2026-11-23T02:00:00Z  failed  RUN601 Salesforce is down.",
        "  last success  2026-11-22T02:01:00Z",
    ]
    told = json.loads(CliRunner().invoke(status.command, ["--json"]).output)["pipelines"][0]
    assert (told["version"], told["last_run"]["status"]) == ("1.2.0", "failed")


def test_runs_lists_the_newest_first_and_passes_over_a_cut_record(made: Path) -> None:
    record(made)
    record(made, run_id="20261123T020000Z-def", started_at="2026-11-23T02:00:00Z", objects=[])
    cut = made / ".durable" / "runs" / "cut"
    cut.mkdir()
    (cut / "run.json").write_text('{"run_id": ')
    lines = CliRunner().invoke(runs.command, []).output.splitlines()
    assert lines == [
        "2026-11-23T02:00:00Z  20261123T020000Z-def  customer_data  succeeded  nothing to do",
        "2026-11-22T02:00:00Z  20261122T020000Z-abc  customer_data  succeeded  "
        "900 read, 847 found, 40 inserted, 807 updated",
    ]
    assert len(json.loads(CliRunner().invoke(runs.command, ["--json", "--limit", "1"]).output)["runs"]) == 1


def test_an_error_in_a_record_is_shown_in_place_of_counts() -> None:
    assert records.outcome({"objects": [], "error": {"code": "RUN1", "message": "no"}}) == "RUN1 no"


def test_running_what_is_not_compiled_is_exit_2_with_one_json_object_last(made: Path) -> None:
    done = CliRunner().invoke(run.command, ["customer_data", "--json"])
    assert done.exit_code == 2
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["run_id"], told["status"], told["error"]["code"]) == (None, "failed", "RUN201")
    assert "run `durable compile`" in done.stderr


def test_a_package_that_does_not_load_is_exit_3(made: Path) -> None:
    (made / "generated" / "broken_one").mkdir(parents=True)
    (made / "generated" / "broken_one" / "pipeline.py").write_text("import nothing_of_that_name\n")
    done = script(made, "run", "broken_one", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout.splitlines()[-1])["error"]["code"] == "RUN301"
    assert "does not load" in done.stderr


@pytest.mark.parametrize(
    ("objects", "sentence"),
    [
        ([("Account", False)], "discovered 1 object"),
        ([("Account", False), ("Customer Health", True)],
         "discovered 2 objects, including a custom Customer Health object"),
        ([("A", True), ("B", True)], "discovered 2 objects, including the custom objects A and B"),
        ([(name, True) for name in "ABCDE"],
         "discovered 5 objects, including the custom objects A, B, C and 2 more"),
    ],
)  # fmt: skip
def test_discover_names_up_to_three_custom_objects(objects: list[tuple[str, bool]], sentence: str) -> None:
    assert discover.sentence(objects) == sentence


def test_the_tables_that_accompany_an_object_are_not_discovered() -> None:
    shown = [
        {"name": "Account", "queryable": True},
        {"name": "AccountHistory", "queryable": True},
        {"name": "Invoice__Share", "queryable": True},
        {"name": "Setting", "queryable": False},
    ]
    assert [one["name"] for one in shown if organization.wanted(one)] == ["Account"]


@pytest.mark.parametrize(
    ("status_word", "exit_code"), [("unchanged", 0), ("written", 0), ("rejected", 1), ("refused", 2), ("differs", 3)]
)
def test_the_exit_code_of_compile_follows_from_the_outcome(
    made: Path, monkeypatch: pytest.MonkeyPatch, status_word: str, exit_code: int
) -> None:
    calls: list[dict[str, Any]] = []

    def compiled(root: Path, name: str, **options: Any) -> Outcome:
        calls.append({"root": root, "name": name, **options})
        return Outcome(status_word, version="1.0.0", committed="0123456789abcdef", tag="customer_data/v1.0.0")

    monkeypatch.setattr("durable_compiler.compilation.compile_pipeline", compiled)
    done = CliRunner().invoke(compile_command.command, ["--json", "--branch", "next"])
    assert done.exit_code == exit_code
    assert json.loads(done.output)["pipelines"][0]["status"] == status_word
    assert [one.pop("changed").root for one in calls] == [made]
    assert calls == [{"root": made, "name": "customer_data", "check": False, "commit": True, "branch": "next"}]


def test_a_branch_and_no_commit_contradict_each_other(made: Path) -> None:
    done = CliRunner().invoke(compile_command.command, ["--branch", "x", "--no-commit"])
    assert done.exit_code == 2
    assert "--no-commit commits nothing" in done.output


def test_an_unknown_pipeline_is_exit_2_with_the_nearest(made: Path) -> None:
    done = CliRunner().invoke(compile_command.command, ["custmer_data"])
    assert done.exit_code == 2
    assert "Did you mean 'customer_data'?" in done.output


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Child processes find the project's modules as this process does."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(one for one in sys.path if one))


def test_the_sandbox_refuses_a_bad_flag_with_its_own_exit_code(here: Path, importable: None) -> None:
    assert CliRunner().invoke(sandbox.command, ["--rows", "many"]).exit_code == 2


def test_the_sandbox_serves_until_the_command_is_killed(here: Path, importable: None) -> None:
    command = [sys.executable, "-m", "durable_runtime.durable_cli", "sandbox", "--rows", "10", "--state", "state"]
    with subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        url = json.loads(served.stdout.readline())["url"]
        with urllib.request.urlopen(f"{url}/services/data", timeout=10) as answer:
            assert answer.status == 200
        served.kill()
        assert served.stdout.read() == ""
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/services/data", timeout=10)


def test_discover_describes_the_sandbox_and_writes_the_same_bytes_again(made: Path, importable: None) -> None:
    told = script(made, "discover")
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines() == [
        "discovered 12 objects, including a custom Customer Health object",
        "wrote requirements/salesforce.schema.json",
    ]
    first = (made / "requirements" / "salesforce.schema.json").read_bytes()
    again = json.loads(script(made, "discover", "--json").stdout)
    assert (len(again["objects"]), again["custom"], again["changed"]) == (12, ["Customer_Health__c"], False)
    assert (made / "requirements" / "salesforce.schema.json").read_bytes() == first
    refused = script(made, "discover", "--object", "Acount")
    assert refused.returncode == 2
    assert "Did you mean 'Account'?" in refused.stderr


def test_a_missing_secret_and_a_salesforce_that_is_down_have_their_own_exit_codes(
    made: Path, importable: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (made / "durable.toml").write_text(
        f"""[profiles.local]
salesforce = {{login_url = "http://127.0.0.1:{port}", auth = "client_credentials", client_id = "x",
  client_secret = "env:NO_SUCH_SECRET"}}
""".replace(",\n ", ",")
    )
    assert script(made, "discover").returncode == 2
    monkeypatch.setenv("NO_SUCH_SECRET", "x")
    down = script(made, "discover")
    assert down.returncode == 6
    assert down.stderr.startswith("durable: ")
    assert not (made / "requirements" / "salesforce.schema.json").exists()

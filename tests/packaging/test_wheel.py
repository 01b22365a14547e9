"""What people install: the wheel built from the sdist, in clean environments outside the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUARD = Path(__file__).with_name("model_free.py")
COMPILER_ONLY = ("openai", "jinja2", "libcst", "git", "gitpython", "pydantic")
PIPELINE = "generated.customer_data"

# One worker builds and installs for all of these.
pytestmark = pytest.mark.xdist_group("packaging")


def environment(**more: str) -> dict[str, str]:
    """This process's environment without the ways in which the repository could leak into another interpreter."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"}
    return {**{name: value for name, value in os.environ.items() if name not in hidden}, **more}


def call(command: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; a test looks at its exit code and output."""
    return subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, text=True, timeout=120, check=False
    )


def succeed(command: list[str], folder: Path, **more: str) -> str:
    """Run a program that has to exit with 0, and return its standard output."""
    done = call(command, folder, **more)
    assert done.returncode == 0, f"{command} exited with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment that holds the wheel."""

    python: str
    durable: str


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    succeed([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)], folder)
    assert [path.name for path in folder.glob("*.tar.gz")] == ["durable_pipelines-0.1.0.tar.gz"]
    (found,) = folder.glob("*.whl")
    return found


def install(wheel: Path, extras: str, folder: Path) -> Environment:
    """A new virtual environment with the wheel, by plain pip, at the pinned versions."""
    succeed([sys.executable, "-m", "venv", str(folder)], folder.parent)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    succeed([*pip, "-c", str(ROOT / "constraints.txt"), f"{wheel}{extras}"], folder)
    return Environment(python, str(folder / "bin" / "durable"))


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return install(wheel, "", tmp_path_factory.mktemp("bare") / "venv")


@pytest.fixture(scope="module")
def full(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return install(wheel, "[all]", tmp_path_factory.mktemp("full") / "venv")


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """A project folder as a cron box has it: the committed package and nothing else."""
    shutil.copytree(ROOT / "generated", tmp_path / "generated", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def salesforce(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A sandbox that this interpreter serves, for a pipeline that runs in another one."""
    state = tmp_path_factory.mktemp("salesforce")
    command = [sys.executable, "-m", "durable_sandbox", "--state", str(state), "--exit-with-parent", "--port", "0"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(PYTHONPATH=str(ROOT / "sandbox")),
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield json.loads(server.stdout.readline())
        finally:
            server.stdin.close()
            server.wait(timeout=20)


def configuration(salesforce: dict[str, str]) -> str:
    """A profile that reads this sandbox as if it were any Salesforce, and writes to DuckDB."""
    return f"""
[profiles.local]
alerts = "file"

[profiles.local.salesforce]
login_url = "{salesforce["url"]}"
auth = "client_credentials"
client_id = "{salesforce["client_id"]}"
client_secret = "env:TEST_SECRET"
horizon_seconds = 0
"""


def test_the_wheel_holds_every_template_and_only_our_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sources = [path for path in (ROOT / "templates").rglob("*") if path.is_file()]
    assert sources
    expected = {f"durable_compiler/templates/{path.relative_to(ROOT / 'templates').as_posix()}" for path in sources}
    assert {name for name in names if name.startswith("durable_compiler/templates/")} == expected
    packages = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert packages == {"durable_compiler", "durable_runtime", "durable_sandbox"}


def test_the_wheel_holds_the_page_of_every_code_and_the_example_that_init_copies(wheel: Path) -> None:
    carried = {
        "durable_compiler/reference/diagnostics.md": ROOT / "docs" / "reference" / "diagnostics.md",
        "durable_compiler/examples/customer_data.md": ROOT / "requirements" / "customer_data.md",
    }
    with zipfile.ZipFile(wheel) as archive:
        assert {name: archive.read(name) for name in carried} == {
            name: path.read_bytes() for name, path in carried.items()
        }


def test_the_metadata_asks_for_no_compiler_and_no_model_without_extras(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(path).decode("utf-8"))
    base = [line for line in metadata.get_all("Requires-Dist") or [] if "extra ==" not in line]
    assert base
    assert [line for line in base if line.lower().startswith(COMPILER_ONLY)] == []
    assert metadata["Name"] == "durable-pipelines"


def test_an_install_without_extras_has_no_compiler_libraries_and_no_model_client(
    bare: Environment, tmp_path: Path
) -> None:
    probe = "import importlib.util as u, sys; print(*[m for m in sys.argv[1:] if u.find_spec(m)])"
    assert succeed([bare.python, "-c", probe, *COMPILER_ONLY], tmp_path).split() == []


def test_a_generated_package_shows_its_help_without_extras(bare: Environment, deployed: Path) -> None:
    assert "run" in succeed([bare.python, str(GUARD), PIPELINE, "--help"], deployed)


def test_a_run_without_extras_imports_no_compiler_and_connects_to_this_machine_alone(
    bare: Environment, deployed: Path, salesforce: dict[str, str]
) -> None:
    (deployed / "durable.toml").write_text(configuration(salesforce), encoding="utf-8")
    command = [bare.python, str(GUARD), PIPELINE, "run", "--json"]
    summary = json.loads(succeed(command, deployed, TEST_SECRET=salesforce["client_secret"]).splitlines()[-1])
    assert summary["status"] == "succeeded"
    assert {entry["name"] for entry in summary["objects"]} == {"Account", "Contact", "Customer_Health__c"}
    assert all(entry["inserted"] > 0 for entry in summary["objects"])


@pytest.mark.parametrize(
    ("statement", "code"),
    [("import jinja2", 97), ("import socket; socket.create_connection(('192.0.2.1', 80), 1)", 98), ("import json", 0)],
)
def test_the_guard_itself_stops_what_it_should(statement: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text(f"try:\n    {statement}\nexcept Exception:\n    pass\n", encoding="utf-8")
    assert call([sys.executable, str(GUARD), "probe"], tmp_path).returncode == code


def test_a_compiler_command_without_its_extra_says_what_to_install(bare: Environment, tmp_path: Path) -> None:
    done = call([bare.durable, "compile"], tmp_path)
    assert done.returncode == 2
    assert "durable-pipelines[compiler]" in done.stderr
    assert "Traceback" not in done.stderr


def test_everything_installed_goes_from_init_to_a_run(full: Environment, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    succeed(["git", "init", "--quiet"], project)
    succeed([full.durable, "init", "customer_data", "--here"], project)
    succeed([full.durable, "discover"], project)
    succeed([full.durable, "compile"], project)
    assert succeed(["git", "tag", "--list"], project).split() == ["customer_data/v1.0.0"]
    summary = json.loads(succeed([full.durable, "run", "customer_data", "--json"], project).splitlines()[-1])
    assert summary["status"] == "succeeded"
    assert sum(entry["inserted"] for entry in summary["objects"]) > 0
    again = json.loads(succeed([full.durable, "run", "customer_data", "--json"], project).splitlines()[-1])
    assert sum(entry["inserted"] + entry["updated"] for entry in again["objects"]) == 0


def message(method: str, **more: object) -> str:
    """One message of an editor to its language server."""
    body = json.dumps({"jsonrpc": "2.0", "method": method, **more})
    return f"Content-Length: {len(body)}\r\n\r\n{body}"


def test_everything_installed_explains_formats_and_helps_an_editor(full: Environment, tmp_path: Path) -> None:
    succeed([full.durable, "init", "customer_data"], tmp_path)
    project = tmp_path / "customer_data"
    shutil.copy(ROOT / "requirements" / "salesforce.schema.json", project / "requirements")
    assert succeed([full.durable, "explain", "DUR041"], project).startswith("DUR041")
    assert succeed([full.durable, "explain", "customer_data", "--html"], project).startswith("<!DOCTYPE html>")
    succeed([full.durable, "fmt", "--check"], project)
    told = message("initialize", id=1, params={"processId": None, "rootUri": None, "capabilities": {}})
    told += message("shutdown", id=2) + message("exit")
    served = subprocess.run(
        [full.durable, "lsp"], cwd=project, env=environment(), input=told, capture_output=True, text=True, timeout=60
    )
    assert served.returncode == 0, served.stderr
    assert '"hoverProvider":true' in served.stdout.replace(" ", "")

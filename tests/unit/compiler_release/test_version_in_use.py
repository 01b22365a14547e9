"""Which package counts as the version in use: a folder, a revision, or the newest commit with the loaded version."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from durable_compiler.cli.blue import version_in_use
from durable_compiler.cli.project import Refused
from durable_runtime.errors import PackageMismatch

NAME = "customer_data"


def write(project: Path, version: str, text: str = "") -> None:
    """A package whose PIPELINE is its version, read through a relative import as generated ones do."""
    package = project / "generated" / NAME
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text(f'VERSION = "{version}"\n', encoding="utf-8")
    (package / "pipeline.py").write_text(text or f'from . import VERSION\nPIPELINE = ("{version}", VERSION)\n', "utf-8")
    (package / "deploy").mkdir(exist_ok=True)
    (package / "deploy" / "crontab").write_bytes(b"\x00\xff")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(params=[".", "data/project"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project with versions 1.0.0 (tagged), 1.1.0 and 2.0.0 (not committed), alone or within a repository."""
    git(tmp_path, "init")
    found = tmp_path / str(request.param)
    for version in ("1.0.0", "1.1.0"):
        write(found, version)
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-m", version)
        git(tmp_path, "tag", f"{NAME}/v{version}") if version == "1.0.0" else None
    write(found, "2.0.0")
    return found


def found(project: Path, chosen: str | None = None, loaded: str | None = None) -> object:
    with version_in_use(project, NAME, chosen, loaded) as pipeline:
        return pipeline


def test_the_commit_that_has_the_loaded_version_is_found_tagged_or_not(project: Path) -> None:
    assert found(project, loaded="1.1.0") == ("1.1.0", "1.1.0")
    assert found(project, loaded="1.0.0") == ("1.0.0", "1.0.0")


def test_the_package_at_hand_is_taken_where_it_is_the_loaded_version(project: Path) -> None:
    assert found(project, loaded="2.0.0") == ("2.0.0", "2.0.0")


def test_a_revision_or_a_folder_that_is_named_wins(project: Path, tmp_path: Path) -> None:
    assert found(project, f"{NAME}/v1.0.0", "1.1.0") == ("1.0.0", "1.0.0")
    assert found(project, "HEAD", "1.0.0") == ("1.1.0", "1.1.0")
    other = tmp_path / "other"
    write(other, "0.9.0")
    assert found(project, str(other)) == ("0.9.0", "0.9.0")
    assert found(project, str(other / "generated" / NAME)) == ("0.9.0", "0.9.0")


@pytest.mark.parametrize(
    ("chosen", "loaded", "told"),
    [
        (None, "1.9.0", "No commit holds version 1.9.0"),
        (None, None, "does not tell which version"),
        ("nowhere", None, "no revision 'nowhere'"),
        (".git", None, "holds no package"),
    ],
)
def test_a_version_that_is_nowhere_is_refused_with_what_to_do(
    project: Path, chosen: str | None, loaded: str | None, told: str
) -> None:
    (project / ".git").mkdir(exist_ok=True)
    with pytest.raises(Refused, match=told) as refused:
        found(project, chosen, loaded)
    assert "--blue" in refused.value.help


def test_a_project_without_git_is_told_to_name_the_package(tmp_path: Path) -> None:
    write(tmp_path, "2.0.0")
    with pytest.raises(Refused, match=r"There is no version 1\.0\.0"):
        found(tmp_path, loaded="1.0.0")


def test_a_package_that_does_not_load_is_named(project: Path, tmp_path: Path) -> None:
    write(tmp_path / "broken", "1.0.0", "PIPELINE = absent\n")
    with pytest.raises(PackageMismatch, match="does not load: NameError"):
        found(project, str(tmp_path / "broken"))

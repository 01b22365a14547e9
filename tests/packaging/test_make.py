"""make's own promises: it says what is missing, and never takes bytecode or modules from its surroundings."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("demo", "test", "check", "lint", "clients", "proof", "clean")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make in a copy; its output is looked at by the test."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "elsewhere"}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def fake_python(folder: Path, script: str) -> str:
    """An interpreter that does what the test says."""
    path = folder / "fake-python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("target", ["demo", "test", "check"])
def test_an_old_python_is_refused_with_the_way_to_name_another(target: str, folder: Path) -> None:
    old = fake_python(folder, 'if [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi')
    done = make(folder, target, f"PYTHON={old}")
    assert done.returncode != 0
    assert "Durable needs Python 3.11 or newer" in done.stderr
    assert "Python 3.9.2" in done.stderr
    assert "make PYTHON=python3.12" in done.stderr
    assert not (folder / ".venv").exists()


def test_a_python_that_cannot_make_environments_is_told_which_package_to_install(folder: Path) -> None:
    bare = fake_python(folder, 'if [ "$1" = -m ]; then exit 1; fi')
    done = make(folder, "demo", f"PYTHON={bare}")
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr
    assert not (folder / ".venv").exists()


def test_programs_that_make_starts_write_bytecode_and_see_no_foreign_modules(folder: Path) -> None:
    spy = fake_python(folder, 'echo "bytecode=$PYTHONDONTWRITEBYTECODE path=$PYTHONPATH" >&2; exit 1')
    done = make(folder, "demo", f"PYTHON={spy}")
    assert "is bytecode= path=" in done.stderr


def test_clients_without_npm_are_told_which_packages_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "tests" / "clients", folder / "tests" / "clients")
    (folder / ".venv").mkdir()
    (folder / ".venv" / ".made").touch()
    programs = folder / "programs"
    programs.mkdir()
    for name in ("make", "sh"):
        (programs / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(programs))
    done = make(folder, ".clients/jsforce/.made")
    assert done.returncode != 0
    assert "apt-get install nodejs npm" in done.stderr
    assert not (folder / ".clients").exists()


def test_help_names_every_target_that_the_readme_mentions(folder: Path) -> None:
    shown = make(folder, "help").stdout
    assert [target for target in TARGETS if target != "lint" and f"make {target}" not in shown] == []

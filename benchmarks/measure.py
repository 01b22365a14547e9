"""Runs a program and reads what it cost: CPU seconds and peak memory of that child and of its own children."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOTS = [str(ROOT / name) for name in ("compiler", "runtime", "sandbox")]
KIB_PER_MB = 1024 if sys.platform != "darwin" else 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """What one child used, and what it printed."""

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float
    output: str


def environment(**more: str) -> dict[str, str]:
    """The environment of a child: our roots importable, bytecode written, git with an identity."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    identity = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in IDENTITY.items()}
    return {**kept, "PYTHONPATH": os.pathsep.join(ROOTS), **identity, **more}


IDENTITY = {"NAME": "Benchmark", "EMAIL": "benchmark@example.com"}


def run(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> Cost:
    """Run a program to its end; SystemExit with its output if it fails."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as output,
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
    ):
        started = time.perf_counter()
        child = subprocess.Popen(list(command), cwd=folder, env=dict(env), stdout=output, stderr=errors)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        printed = output.read()
        if child.returncode:
            raise SystemExit(f"{' '.join(command)} exited with {child.returncode}\n{printed}{errors.read()}")
    return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / KIB_PER_MB, printed)


def durable(*arguments: str) -> list[str]:
    """The `durable` command of the environment that runs the benchmark."""
    script = Path(sys.executable).with_name("durable")
    if not script.exists():
        raise SystemExit(
            "The benchmarks need an installed project: use `make proof`, or pip install -e '.[compiler,sandbox]'"
        )
    return [str(script), *arguments]


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    ruler = ["---", *["---:"] * (len(columns) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, ruler, *rows])


def machine() -> str:
    """The line that says where and with what the figures were taken."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "httpx2"))
    python = f"Python {platform.python_version()}"
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {python}, {versions}"


def report(title: str, parts: Sequence[str], output: Path | None) -> None:
    """Print the page, and write it where `--output` says."""
    text = "\n\n".join([f"# {title}", *parts, machine()]) + "\n"
    print(text)
    if output:
        output.write_text(text, encoding="utf-8")

"""Measures `durable compile`, cold and with nothing changed, and `durable --help`, in CPU seconds of the child."""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import measure

TARGETS = {"cold": 0.9, "unchanged": 0.2, "--help": 0.12}
NAMES = {
    "cold": "`durable compile`, nothing generated yet",
    "unchanged": "`durable compile`, nothing changed",
    "--help": "`durable --help`",
}


def project(folder: Path) -> None:
    """A project with the example's requirements, a schema snapshot and a committed package."""
    env = measure.environment()
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    for arguments in (["init", "customer_data", "--here"], ["discover"], ["compile"]):
        measure.run(measure.durable(*arguments), folder, env)


def samples(repeats: int, before: Callable[[], None], arguments: list[str], folder: Path) -> list[measure.Cost]:
    """One warm-up, which compiles bytecode, then the runs that count."""
    costs = []
    for _ in range(repeats + 1):
        before()
        costs.append(measure.run(measure.durable(*arguments), folder, measure.environment()))
    return costs[1:]


def figures(folder: Path, repeats: int) -> dict[str, list[measure.Cost]]:
    """The three measurements, cold last because it leaves an uncommitted package."""
    return {
        "--help": samples(repeats, lambda: None, ["--help"], folder),
        "unchanged": samples(repeats, lambda: None, ["compile"], folder),
        "cold": samples(
            repeats, lambda: shutil.rmtree(folder / "generated", ignore_errors=True), ["compile", "--no-commit"], folder
        ),
    }


def row(kind: str, costs: list[measure.Cost]) -> list[str]:
    """Median CPU, spread, wall time, memory, and the target with the ratio to it."""
    cpu = [cost.cpu_seconds for cost in costs]
    middle = statistics.median(cpu)
    return [
        NAMES[kind],
        f"{middle:.3f}",
        f"{min(cpu):.3f}–{max(cpu):.3f}",
        f"{statistics.median(cost.wall_seconds for cost in costs):.3f}",
        f"{max(cost.peak_mb for cost in costs):.0f}",
        f"{TARGETS[kind]:.2f}",
        f"{middle / TARGETS[kind]:.2f}×",
    ]


def main() -> None:
    """Measure in a temporary project and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        project(Path(name))
        measured = figures(Path(name), options.repeats)
    columns = ["", "CPU s (median)", "range", "wall s", "peak MB", "target CPU s", "of target"]
    rows = [row(kind, measured[kind]) for kind in TARGETS]
    measure.report(
        "Compile speed",
        [f"Median of {options.repeats} runs after one warm-up.", measure.table(columns, rows)],
        options.output,
    )


if __name__ == "__main__":
    main()

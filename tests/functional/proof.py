"""Tables that the long runs leave in docs/proof/: what was counted, with the seeds, the machine and the versions."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

PLACE = "DURABLE_PROOF"  # the folder to write to; without it nothing is written


def write(topic: str, title: str, text: str, counted: Mapping[str, int]) -> None:
    """Leave one page, if somebody asked for it."""
    write_table(topic, title, text, ("count",), {name: [number] for name, number in counted.items()})


def write_table(
    topic: str, title: str, text: str, columns: Sequence[str], counted: Mapping[str, Sequence[int]]
) -> None:
    """Leave one page with several numbers a line, if somebody asked for it."""
    if PLACE not in os.environ:
        return
    head = f"|  | {' | '.join(columns)} |\n| --- |{' ---: |' * len(columns)}"
    rows = "\n".join(f"| {name} | {' | '.join(f'{one:,}' for one in many)} |" for name, many in counted.items())
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    versions = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "httpx2"))
    page = f"# {title}\n\n{text}\n\n{head}\n{rows}\n\n{machine}, {versions}\n"
    (Path(os.environ[PLACE]) / f"{topic}.md").write_text(page, encoding="utf-8")

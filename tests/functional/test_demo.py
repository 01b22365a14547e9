"""`make demo` shows what README says, and leaves nothing running."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from functional.project import REPOSITORY, environment

# What differs from one demo to the next: commits, runs, times.
CHANGING = (
    (r"\b[0-9a-f]{10}\b|\b[0-9a-f]{7} (?=\(HEAD)", "<commit> "),
    (r"\d{8}T\d{6}Z-[0-9a-f]{6}", "<run>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>"),
    (r"Done in \d+ s", "Done in <n> s"),
)


def settled(text: str) -> list[str]:
    """The lines with what changes from run to run taken out."""
    for pattern, name in CHANGING:
        text = re.sub(pattern, name, text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def processes(word: str) -> list[str]:
    """Command lines on this machine that hold a word."""
    return [line for line in _command_lines() if word in line]


def _command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended while we looked
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")


def test_the_demo_prints_what_readme_shows_and_ends_what_it_started(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "durable_runtime.durable_cli", "demo", "--keep", str(folder)],
        capture_output=True, text=True, timeout=120, env=environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- demo -->\n```[a-z]*\n(.*?)```\n<!-- /demo -->", readme, re.DOTALL)
    assert shown is not None
    assert settled(done.stdout) == settled(shown[1])
    assert "Found 847 updated records" in done.stdout
    assert processes(str(folder)) == []

"""Runs of one generated package in one process, one after another: a start costs as much as a small run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from functional.project import Done, Project, environment

CHILD = Path(__file__).with_name("run_loop.py")


class Runner:
    """A child process that runs the package whenever it is told to."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def run(self, *arguments: str) -> Done:
        """`python -m generated.customer_data run --json …`, but for the start of Python."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(["run", "--json", *arguments]) + "\n")
        self._child.stdin.flush()
        return Done(**json.loads(self._child.stdout.readline()))


@contextmanager
def runner(project: Project) -> Iterator[Runner]:
    """A runner for the project's package as it is now; it ends with the context."""
    with subprocess.Popen(
        [sys.executable, str(CHILD)], cwd=project.root, env=environment(**project.variables),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdin is not None
        try:
            yield Runner(child)
        finally:
            child.stdin.close()
            child.wait(60)

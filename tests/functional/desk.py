"""A discovered project beside its sandbox whose package takes any command, in one process for all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functional.project import Done, Project, Sandbox, environment, sandbox

CHILD = Path(__file__).with_name("commands_in_a_row.py")


@dataclass
class Desk:
    """Where a person sits: commands go in, and come back with their output and exit code."""

    project: Project
    server: Sandbox
    child: subprocess.Popen[str]

    def call(self, *arguments: str) -> Done:
        """`python -m generated.customer_data …`, but for the start of Python."""
        assert self.child.stdin is not None and self.child.stdout is not None
        self.child.stdin.write(json.dumps(arguments) + "\n")
        self.child.stdin.flush()
        return Done(**json.loads(self.child.stdout.readline()))

    def succeed(self, *arguments: str) -> dict[str, Any]:
        """A command that must succeed; its JSON."""
        done = self.call(*arguments, "--json")
        assert done.code == 0, done.out + done.err
        return done.summary

    def succeed_whole(self, *arguments: str) -> dict[str, Any]:
        """The same for a command that prints its JSON over several lines."""
        done = self.call(*arguments, "--json")
        assert done.code == 0, done.out + done.err
        found: dict[str, Any] = json.loads(done.out)
        return found

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query on the DuckDB file."""
        return self.project.rows(sql)

    def events(self, run_id: str) -> list[dict[str, Any]]:
        """What a run noted."""
        path = self.project.root / ".durable" / "runs" / run_id / "run.json"
        found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["events"]
        return found

    def anew(self) -> None:
        """No table, and nothing left of what other tests did but the sandbox."""
        self.project.warehouse.unlink(missing_ok=True)
        for task in (self.project.root / ".durable" / "tasks").glob("*.json"):
            task.unlink()


@contextmanager
def desk(root: Path, rows: int = 60, **variables: str) -> Iterator[Desk]:
    """A desk; child and sandbox end with the context."""
    project = Project.make(root)
    project.variables = variables
    with sandbox(project.state, rows=rows) as server:
        done = project.durable("discover")
        assert done.code == 0, done.err
        with subprocess.Popen(
            [sys.executable, str(CHILD)], cwd=root, env=environment(**variables),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as child:  # fmt: skip
            assert child.stdin is not None
            try:
                yield Desk(project, server, child)
            finally:
                child.stdin.close()
                child.wait(60)

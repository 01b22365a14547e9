"""A real project for tests: its own folder, a real sandbox server, and the commands as a user gives them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

REPOSITORY = Path(__file__).parents[2]
ROOTS = ("compiler", "runtime", "sandbox")


def environment(**more: str) -> dict[str, str]:
    """The environment of every child: the source roots, and nobody's git settings."""
    paths = os.pathsep.join(str(REPOSITORY / root) for root in ROOTS)
    return {**os.environ, "PYTHONPATH": paths, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **more}


@dataclass
class Sandbox:
    """A running sandbox server and its admin API."""

    url: str
    announced: dict[str, str]

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST JSON to the admin API."""
        return self._send("POST", path, body)

    def get(self, path: str) -> Any:
        """GET JSON from the admin API."""
        return self._send("GET", path, None)

    def delete(self, path: str) -> Any:
        """DELETE something of the admin API."""
        return self._send("DELETE", path, None)

    def put(self, path: str, body: Any) -> Any:
        """PUT JSON to the admin API."""
        return self._send("PUT", path, body)

    def truth(self, name: str) -> list[dict[str, Any]]:
        """Every record of an object, deleted ones included."""
        with urllib.request.urlopen(f"{self.url}/__sandbox__/truth/{name}", timeout=60) as answer:
            return [json.loads(line) for line in answer if line.strip()]

    def _send(self, method: str, path: str, body: Any) -> Any:
        request = urllib.request.Request(
            f"{self.url}/__sandbox__/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def sandbox(state: Path, *, rows: int = 400, seed: int = 7, options: Sequence[str] = ()) -> Iterator[Sandbox]:
    """A sandbox whose URL a project with this state folder finds; it ends with the context."""
    state.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "durable_sandbox", "--state", str(state), "--exit-with-parent"]
    command += ["--port", "0", "--rows", str(rows), "--seed", str(seed), *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        try:
            line = child.stdout.readline()
            announced = json.loads(line)
            (state / "url.json").write_text(line, encoding="utf-8")
            yield Sandbox(announced["url"], announced)
        finally:
            child.stdin.close()
            child.wait(15)


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The JSON object on the last line."""
        found: dict[str, Any] = json.loads(self.out.strip().splitlines()[-1])
        return found


@dataclass
class Project:
    """A Durable project in a folder of its own."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, root: Path, requirements: str | None = None) -> Project:
        """The example's requirements and the local profile."""
        (root / "requirements").mkdir(parents=True)
        text = requirements or (REPOSITORY / "requirements" / "customer_data.md").read_text(encoding="utf-8")
        (root / "requirements" / "customer_data.md").write_text(text, encoding="utf-8")
        (root / "durable.toml").write_text('default_profile = "local"\n', encoding="utf-8")
        return cls(root)

    @property
    def state(self) -> Path:
        """The sandbox's state folder, where runs look for its URL."""
        return self.root / ".durable" / "sandbox"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.root / ".durable" / "warehouse.duckdb"

    def durable(self, *arguments: str) -> Done:
        """`durable …`."""
        return self._call("-m", "durable_runtime.durable_cli", *arguments)

    def run(self, *arguments: str) -> Done:
        """`python -m generated.customer_data run --json …`."""
        return self._call("-m", "generated.customer_data", "run", "--json", *arguments)

    def succeed(self, *arguments: str) -> dict[str, Any]:
        """A run that must succeed; its summary."""
        done = self.run(*arguments)
        assert done.code == 0, done.err
        return done.summary

    def compiled(self) -> Project:
        """Discover and compile without git."""
        for arguments in (("discover",), ("compile", "customer_data", "--no-commit")):
            done = self.durable(*arguments)
            assert done.code == 0, done.err + done.out
        return self

    def rows(self, sql: str, file: Path | None = None) -> list[dict[str, Any]]:
        """The rows of a query, by column name."""
        with duckdb.connect(str(file or self.warehouse), read_only=True) as database:
            database.execute("SET TimeZone = 'UTC'")
            result = database.execute(sql)
            names = [one[0] for one in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def _call(self, *arguments: str) -> Done:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            env=environment(**self.variables),
            timeout=300,
        )
        return Done(done.returncode, done.stdout, done.stderr)

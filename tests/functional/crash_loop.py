"""The child of `crashes`: each run is a fork of this warm process, which dies or is failed at a chosen statement.

A line of standard input asks for one run: its `arguments`, and what strikes it. With `at` that is the warehouse's
statement of this number, of those that begin with `sql`, and `how` is `kill` or `error`, `before` or `after` it is
done, `drop`, which closes the connection instead, or `stop`. With `seconds` it is SIGKILL at that time; with `stops`
the run stops after each commit. A run that stopped goes on when another line comes. The answer tells how the run
ended and which statements it gave to the warehouse.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import pkgutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, Self

import duckdb
import snowflake.connector
from snowflake.connector.errors import OperationalError

import durable_runtime
from durable_runtime.cli import main as run

FILE = "warehouse.duckdb"
TOLD = 120  # characters of a statement, enough to know it by
LATER = {"network_timeout": 2, "login_timeout": 10}  # the stand-in answers 500 to what it does not know


def lost(duck: bool) -> Exception:
    """What a driver says when the answer does not come."""
    if duck:
        return duckdb.IOException("IO Error: Could not write file: Input/output error")
    return OperationalError(msg="Connection reset by peer", errno=250003, sqlstate="08001")


def die(*_: Any) -> NoReturn:
    """End as a process that is killed ends."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives SIGKILL")


class Strike:
    """Counts the warehouse's statements, strikes one of them, and stops after each commit where it is asked to."""

    def __init__(self, log: int, asked: dict[str, Any]) -> None:
        self._log, self._at, self.how = log, asked.get("at"), asked.get("how", "")
        self._sql, self._stops = asked.get("sql", ""), asked.get("stops", False)
        self._given = 0

    def here(self, sql: str) -> bool:
        """Whether this statement, which is about to be given, is the one."""
        self._tell("given", sql)
        if not sql.startswith(self._sql):
            return False
        self._given += 1
        return self._given - 1 == self._at

    def done(self, sql: str) -> None:
        """A statement was done."""
        self._tell("done", sql)
        if self._stops and sql == "COMMIT":
            os.kill(os.getpid(), signal.SIGSTOP)

    def _tell(self, what: str, sql: str) -> None:
        os.write(self._log, (json.dumps([what, sql[:TOLD]]) + "\n").encode())


class Line:
    """One connection: what becomes of a statement that is given to it."""

    def __init__(self, strike: Strike, duck: bool, close: Callable[[], Any]) -> None:
        self._strike, self._duck, self._close = strike, duck, close
        self._dropped = False

    def give(self, sql: str, do: Callable[[], Any]) -> Any:
        """Run it, unless it is struck before."""
        how = self._strike.how if self._strike.here(sql) else ""
        if how == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        if how == "drop":
            self._dropped = True
            self._close()
        if self._dropped or how == "error before":
            raise lost(self._duck)
        if how == "kill before":
            die()
        answer = do()
        self._strike.done(sql)
        if how == "kill after":
            die()
        if how == "error after":
            raise lost(self._duck)
        return answer


class Watched:
    """A connection or a cursor whose statements are counted; everything else is the driver's."""

    def __init__(self, real: Any, line: Line) -> None:
        self._real, self._line = real, line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __enter__(self) -> Self:
        self._real.__enter__()
        return self

    def __exit__(self, *ended: object) -> None:
        self._real.__exit__(*ended)

    def execute(self, sql: str, *values: Any, **more: Any) -> Any:
        """Give it to the driver, if nothing strikes."""
        return self._line.give(sql, lambda: self._real.execute(sql, *values, **more))

    def cursor(self, *arguments: Any) -> Watched:
        """A cursor that is watched too."""
        return Watched(self._real.cursor(*arguments), self._line)


def watch(strike: Strike) -> None:
    """Stand between the adapters and their drivers."""
    to_duckdb, to_snowflake = duckdb.connect, snowflake.connector.connect

    def connect_duckdb(database: Any = ":memory:", **more: Any) -> Any:
        real = to_duckdb(database, **more)
        return Watched(real, Line(strike, True, real.close)) if Path(str(database)).name == FILE else real

    def connect_snowflake(**more: Any) -> Any:
        real = to_snowflake(**{**more, **LATER})
        return Watched(real, Line(strike, False, real.close))

    vars(duckdb)["connect"], vars(snowflake.connector)["connect"] = connect_duckdb, connect_snowflake


def child(pipeline: Any, asked: dict[str, Any], log: int, told: Path) -> NoReturn:
    """The run itself."""
    watch(Strike(log, asked))
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(pipeline, asked["arguments"])
    told.write_text(json.dumps({"out": out.getvalue(), "err": err.getvalue()}), encoding="utf-8")
    os._exit(code)


def ended(pid: int, seconds: float | None) -> int:
    """The exit code of the run, which is killed after so many seconds; -9 for one that was killed."""
    if seconds is not None:
        kill_at(pid, time.monotonic() + seconds)
    while True:
        status = os.waitpid(pid, os.WUNTRACED)[1]
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        print(json.dumps({"stopped": True}), flush=True)
        os.kill(pid, signal.SIGCONT if sys.stdin.readline() else signal.SIGKILL)


def kill_at(pid: int, moment: float) -> None:
    """Kill the run then, if it has not ended before."""
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() >= moment:
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.001)


def fork(pipeline: Any, asked: dict[str, Any], folder: Path) -> dict[str, Any]:
    """One run, and how it ended."""
    told, statements = folder / "told.json", folder / "statements"
    told.write_text('{"out": "", "err": ""}', encoding="utf-8")
    log = os.open(statements, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND)
    pid = os.fork()
    if pid == 0:
        child(pipeline, asked, log, told)
    code = ended(pid, asked.get("seconds"))
    os.close(log)
    lines = [json.loads(line) for line in statements.read_text(encoding="utf-8").splitlines()]
    parts = {what: [sql for kind, sql in lines if kind == what] for what in ("given", "done")}
    return {"code": code, **parts, **json.loads(told.read_text(encoding="utf-8"))}


def main() -> None:
    """Warm up, then fork for every line."""
    sys.path.insert(0, "")
    pipeline = importlib.import_module("generated.customer_data.pipeline").PIPELINE
    for module in pkgutil.walk_packages(durable_runtime.__path__, "durable_runtime."):
        importlib.import_module(module.name)
    with tempfile.TemporaryDirectory() as folder:
        while line := sys.stdin.readline():
            print(json.dumps(fork(pipeline, json.loads(line), Path(folder))), flush=True)


if __name__ == "__main__":
    main()

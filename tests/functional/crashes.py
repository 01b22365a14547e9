"""Runs that are killed or failed at a chosen statement, from a start that can be restored, on either warehouse."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import duckdb

from functional.project import Done, Project, Sandbox, environment

CHILD = Path(__file__).with_name("crash_loop.py")
KILLED = -9
ABOUT_THE_RUN = frozenset("loaded_at run_id pipeline_version deleted_at rejected_at valid_to".split())
Rows = list[tuple[Any, ...]]
KEY = "00" * 32
Answer = tuple[list[str], Rows]
Query = Callable[[str], Answer]


@dataclass
class Ended(Done):
    """How a run ended, and what it gave to the warehouse."""

    given: Sequence[str] = field(default=())
    done: Sequence[str] = field(default=())

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.code == KILLED

    @property
    def commits(self) -> tuple[int, ...]:
        """How many transactions it committed; one that was asked for when SIGKILL came may be or not."""
        done = self.done.count("COMMIT")
        unsure = self.killed and len(self.given) > len(self.done) and self.given[-1] == "COMMIT"
        return (done, done + 1) if unsure else (done,)


class Place(Protocol):
    """Where the target lies."""

    profile: str
    schema: str

    def reading(self) -> AbstractContextManager[Query]:
        """What answers queries of the target as it is now."""

    def change(self, sql: str) -> None:
        """Run one statement, as somebody else."""

    def bring_back(self, table: str) -> None:
        """Bring back what was kept of one table."""

    def clear(self) -> None:
        """Drop every table."""

    def keep(self) -> None:
        """Remember what is there now."""

    def restore(self) -> None:
        """Bring back what was kept."""


class InDuckDB:
    """A DuckDB file, copied as a whole."""

    profile, schema = 'warehouse = {kind = "duckdb", path = "warehouse.duckdb"}', "main"

    def __init__(self, root: Path) -> None:
        self._file, self._kept, self._copy = (root / f"{name}.duckdb" for name in ("warehouse", "kept", "copy"))

    @contextmanager
    def reading(self) -> Iterator[Query]:
        """A copy: no other process can read the file while a run has it open."""
        for end in ("", ".wal"):
            there, left = (one.with_name(one.name + end) for one in (self._file, self._copy))
            left.unlink(missing_ok=True)
            if there.exists():
                shutil.copy(there, left)
        with duckdb.connect(str(self._copy)) as database:

            def query(sql: str) -> Answer:
                found = database.execute(sql)
                return [one[0].lower() for one in found.description or ()], found.fetchall()

            yield query

    def change(self, sql: str) -> None:
        """In the file itself."""
        with duckdb.connect(str(self._file)) as database:
            database.execute(sql)

    def bring_back(self, table: str) -> None:
        """Out of the copy."""
        with duckdb.connect(str(self._file)) as database:
            database.execute(f"ATTACH '{self._kept}' AS kept (READ_ONLY)")
            database.execute(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept.main.{table}")

    def clear(self) -> None:
        """Remove the file."""
        self._file.unlink()

    def keep(self) -> None:
        """Copy the file."""
        shutil.copy(self._file, self._kept)

    def restore(self) -> None:
        """Copy it back, without what a killed process left beside it."""
        self._file.with_name(f"{self._file.name}.wal").unlink(missing_ok=True)
        shutil.copy(self._kept, self._file)


class InSnowflake:
    """A schema of the stand-in, cloned table by table."""

    schema = "PUBLIC"

    def __init__(self, address: dict[str, Any], session: Any) -> None:
        self.profile = f"""warehouse = {{kind = "snowflake", account = "local", user = "DURABLE", database = "CRM", \
password = "env:KEY", schema = "PUBLIC", host = "{address["host"]}", port = {address["port"]}, protocol = "http"}}"""
        self._session = session
        session.cursor().execute("CREATE SCHEMA IF NOT EXISTS KEPT")

    @contextmanager
    def reading(self) -> Iterator[Query]:
        """A session of its own."""
        yield self._query

    def change(self, sql: str) -> None:
        """In the same session."""
        self._query(sql)

    def bring_back(self, table: str) -> None:
        """Out of the clone."""
        self._query(f"CREATE OR REPLACE TABLE CRM.PUBLIC.{table} CLONE CRM.KEPT.{table}")

    def clear(self) -> None:
        """One after another."""
        for table in tables(self._query, "PUBLIC"):
            self._query(f"DROP TABLE CRM.PUBLIC.{table}")

    def keep(self) -> None:
        """Clone every table."""
        for table in tables(self._query, "PUBLIC"):
            self._query(f"CREATE OR REPLACE TABLE CRM.KEPT.{table} CLONE CRM.PUBLIC.{table}")

    def restore(self) -> None:
        """Clone them back, and drop what came since."""
        kept = tables(self._query, "KEPT")
        for table in set(tables(self._query, "PUBLIC")).difference(kept):
            self._query(f"DROP TABLE CRM.PUBLIC.{table}")
        for table in kept:
            self._query(f"CREATE OR REPLACE TABLE CRM.PUBLIC.{table} CLONE CRM.KEPT.{table}")

    def _query(self, sql: str) -> Answer:
        with self._session.cursor() as cursor:
            cursor.execute(sql)
            return [one[0].lower() for one in cursor.description], [tuple(row) for row in cursor.fetchall()]


def tables(query: Query, schema: str) -> list[str]:
    """The tables of a schema, in lower case."""
    found = query(
        f"SELECT table_name FROM information_schema.tables WHERE LOWER(table_schema) = '{schema.lower()}' "
        "AND table_type = 'BASE TABLE'"
    )
    return sorted(row[0].lower() for row in found[1])


class Loop:
    """A warm process that forks for every run."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, *arguments: str, stopped: Callable[[], None] | None = None, **strike: Any) -> Ended:
        """One run, struck as `crash_loop` says; `stopped` is called after each commit, while the run waits."""
        asked = {"arguments": ["run", "--json", *arguments], "stops": stopped is not None, **strike}
        answer = self._ask(json.dumps(asked))
        while stopped is not None and "stopped" in answer:
            stopped()
            answer = self._ask("")
        return Ended(**answer)

    def begin(self, **strike: Any) -> None:
        """A run that stops where it is struck, until `goes_on`."""
        assert "stopped" in self._ask(json.dumps({"arguments": ["run", "--json"], **strike}))

    def goes_on(self) -> Ended:
        """The end of the run that stopped."""
        return Ended(**self._ask(""))

    def _ask(self, line: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def loop(project: Project) -> Iterator[Loop]:
    """A process for the project's package as it is now; it ends with the context."""
    with subprocess.Popen(
        [sys.executable, str(CHILD)], cwd=project.root, env=environment(**project.variables),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield Loop(process)
        finally:
            process.communicate(timeout=60)


@dataclass(frozen=True)
class Held:
    """The target with its companions, but for what tells of the run that wrote them, and the ledger."""

    tables: dict[str, Rows]
    ledger: list[dict[str, Any]]


def content(names: list[str], rows: Rows) -> Rows:
    """The rows in an order that depends on what they hold only."""
    told = [at for at, name in enumerate(names) if name not in ABOUT_THE_RUN]
    return sorted((tuple(row[at] for at in told) for row in rows), key=repr)


@dataclass
class World:
    """A project whose runs can be struck, its source, and where its target lies."""

    project: Project
    server: Sandbox
    place: Place
    loop: Loop

    def keep(self) -> None:
        """Remember the target and the state folder."""
        self.place.keep()
        shutil.rmtree(self._kept, ignore_errors=True)
        shutil.copytree(self._state, self._kept)

    def restore(self) -> None:
        """Bring both back."""
        self.place.restore()
        shutil.rmtree(self._state)
        shutil.copytree(self._kept, self._state)

    def forget(self) -> None:
        """Lose the state folder."""
        shutil.rmtree(self._state)

    def query(self, sql: str) -> Rows:
        """The rows of a query of the target."""
        with self.place.reading() as query:
            return query(sql)[1]

    def expire(self) -> None:
        """Let the time of every lease be over."""
        self.place.change(f"UPDATE {self.place.schema}.durable_lock SET expires_at = CAST('2020-01-01' AS TIMESTAMP)")

    def held(self) -> Held:
        """What stands in the warehouse now."""
        with self.place.reading() as query:
            schema = self.place.schema
            found = {name: content(*query(f"SELECT * FROM {schema}.{name}")) for name in tables(query, schema)}
            names, rows = query(f"SELECT * FROM {schema}.durable_ledger")
        own = {name: rows for name, rows in found.items() if not name.startswith("durable_")}
        return Held(own, [dict(zip(names, row, strict=True)) for row in rows])

    @property
    def _state(self) -> Path:
        return self.project.root / ".durable"

    @property
    def _kept(self) -> Path:
        return self.project.root / "kept"

"""A warehouse as a load would find it, without a load: it is only read, and statements are written down, not run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from durable_runtime.clock import Clock
from durable_runtime.configuration import Profile
from durable_runtime.errors import Bug, PipelineError
from durable_runtime.retry import retrying
from durable_runtime.spec import Column, Pipeline
from durable_runtime.warehouse.base import Batch, ObjectLoad, Rows, Run, Write
from durable_runtime.warehouse.catalog import look
from durable_runtime.warehouse.dialect import Names, stage_columns
from durable_runtime.warehouse.engine import NEXT, SqlWarehouse, Values
from durable_runtime.warehouse.evolution import ADD, Change, LiveTable, Wanted, compare
from durable_runtime.warehouse.opening import warehouse_of

READS = re.compile(r"\s*(SELECT|DESCRIBE|WITH)\b", re.IGNORECASE)
RUN_ID = "RUN_ID"  # what a run's own Id stands as in statements that were not run


class Preview(SqlWarehouse):
    """Reads through an adapter, as if the changes that a load needs were made already; refuses any other statement."""

    def __init__(self, inner: SqlWarehouse) -> None:
        super().__init__(inner.target, inner.names.dialect, inner.schema_name, inner.clock)
        self.names, self.inner = inner.names, inner
        self.found: tuple[Change, ...] = ()
        self.live: dict[str, LiveTable] = {}
        self._wanted: dict[str, Wanted] = {}
        self._relations: dict[re.Pattern[str], str] = {}

    def examine(self, loads: Sequence[ObjectLoad], write: Write) -> tuple[Change, ...]:
        """What the tables need; from then on `state` and `totals` can be asked, whatever is missing."""
        self.write = write
        self.steps = {load.object: self._steps(load, self.own_names(load.object)) for load in loads}
        tables = self.wanted_tables([load.object for load in loads])
        self.live = look(self.inner.execute, self.names, tables)
        self.found = compare(tables, self.live, self.names.dialect)
        self._wanted = {one.name: one for one in tables}
        self._relations = dict(self._stand_ins())
        return self.found

    def columns_after(self, table: str) -> dict[str, bool]:
        """The columns of a table once the changes are made, and whether each has a default.

        A table that is built beside it has the same.
        """
        name = table.rpartition(".")[2].replace(f"__{NEXT}", "")
        there = {one.name: one.default for one in self.live[name].columns} if name in self.live else {}
        return {**there, **{column: False for column, _ in self._wanted[name].columns if column not in there}}

    def _stand_ins(self) -> Iterator[tuple[re.Pattern[str], str]]:
        """What is read in the place of tables that are not there, or not yet in their new form."""
        for name, table in self._wanted.items():
            path = f"{self.names.schema}.{name}"
            added = [one.column for one in self.found if one.table == table.path and one.kind == ADD]
            nulls = [
                f"CAST(NULL AS {kind}) AS {column}"
                for column, kind in table.columns
                if name not in self.live or column in added
            ]
            relation = f"SELECT {', '.join(nulls)} WHERE 1 = 0" if name not in self.live else ""
            if added:
                relation = f"SELECT x.*, {', '.join(nulls)} FROM {path} x"
            if relation:
                yield re.compile(rf"(?<![\w.]){re.escape(path)}(?![\w$])"), f"({relation})"

    def execute(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Run a statement that reads."""
        if not READS.match(sql):
            raise Bug("A plan wanted to write to the warehouse.", help="Please report this.")
        return self.inner.execute(self._seen(sql), values)

    def query(self, sql: str) -> Rows:
        """Run a statement that reads, and return its rows with their columns' names."""
        return self.inner.query(self._seen(sql))

    def _seen(self, sql: str) -> str:
        for path, relation in self._relations.items():
            sql = path.sub(relation, sql)
        return sql

    def open(self) -> None:
        """Connect."""
        self.inner.open()

    def disconnect(self) -> None:
        """Disconnect; there are no work tables to drop."""
        self.inner.disconnect()

    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self.inner.is_open()

    def close(self) -> None:
        """Disconnect."""
        self.disconnect()

    def stage(self, names: Names, run: Run, batch: Batch, plan: ObjectLoad) -> None:
        """A preview stages nothing. Raises Bug."""
        self.execute("stage")

    def stage_values(self, names: Names, values: Path, columns: Sequence[Column]) -> None:
        """A preview stages nothing. Raises Bug."""
        self.execute("stage")

    def fill(self, names: Names, suffix: str, parquet: Path) -> None:
        """A preview fills nothing. Raises Bug."""
        self.execute("fill")


@contextmanager
def previewed(profile: Profile, pipeline: Pipeline, clock: Clock) -> Iterator[Preview]:
    """The profile's warehouse, open to be read; a DuckDB file that is absent stays so."""
    adapter = warehouse_of(profile, pipeline, clock, read_only=True)
    assert isinstance(adapter, SqlWarehouse)
    retrying(pipeline.policies.retry, clock, adapter.open)
    preview = Preview(adapter)
    with closing(preview):
        yield preview


@dataclass(frozen=True, slots=True)
class Said:
    """Statements that would run one after another, so many times; `step` is lease, an object's name, or switch."""

    step: str
    statements: tuple[str, ...]
    times: int = 1


@dataclass(slots=True)
class _Recorder:
    """Writes statements down and answers as a warehouse does where all goes well, for batches of so many `rows`.

    What decides which statements follow is asked of the preview.
    """

    preview: Preview
    folder: Path
    builds: bool
    rows: int = 1
    said: list[str] = field(default_factory=list)

    def execute(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """No statement is run that writes."""
        self.said.append(sql.replace(str(self.folder), "RUN_FOLDER"))
        if STAGED.search(sql):
            return counted(sql, self.rows)
        if "FROM duckdb_columns()" in sql:
            return list(self.preview.columns_after(str(values[1])).items())
        if sql.startswith("SELECT c.category"):
            return [("inserted", self.rows)]
        if sql.startswith(("UPDATE", "MERGE")):
            return [(1,)]
        return self._known(sql, values) if sql.startswith(DECIDES) else []

    def _known(self, sql: str, values: Values) -> list[tuple[Any, ...]]:
        """What the warehouse holds now; a table of the run's own is new, and empty."""
        with suppress(PipelineError):
            if not self.builds or f"__{NEXT}" not in sql:
                return self.preview.execute(sql, values)
        return counted(sql, 0) if sql.startswith("SELECT COUNT") else []

    def query(self, sql: str) -> Rows:
        """The columns of a table, or how many rows a COPY brought."""
        if sql.startswith("COPY"):
            self.execute(sql)
            return Rows(("rows_loaded",), ((self.rows,),))
        return Rows(tuple(self.preview.columns_after(sql.partition(" FROM ")[2].split(maxsplit=1)[0])), ())

    def taken(self) -> tuple[str, ...]:
        """What was said since this was asked last."""
        said, self.said = tuple(self.said), []
        return said


def counted(sql: str, rows: int) -> list[tuple[Any, ...]]:
    """The answer of a statement that counts rows; the least and greatest values that it asks for beside are NULL."""
    return [(rows, *(None for _ in ENDS.findall(sql)))]


DECIDES = ("SELECT COUNT(", "SELECT 1 ")
STAGED = re.compile(r"SELECT COUNT\(\*\).* FROM \S+__staged")
ENDS = re.compile(r"\b(?:MIN|MAX)\(")


@dataclass(frozen=True, slots=True)
class Load:
    """What a run would load of an object: so many batches, `empty` where nothing was read; moments are naive UTC."""

    plan: ObjectLoad
    batches: int
    empty: bool
    read_to: datetime
    rebuilds: bool = False


def rehearse(
    preview: Preview, adapter: SqlWarehouse, pipeline: str, version: str, loads: Sequence[Load]
) -> tuple[Said, ...]:
    """The statements of a run that loads these batches through an adapter that was not opened, in order; none is run.

    What a run only asks beforehand (forecasts, proofs) is not among them, nor the statements of tables, which
    `Preview.examine` has, nor those for records that turn out to be deleted for good.
    """
    adapter.begin_write([one.plan for one in loads], preview.write)
    with TemporaryDirectory() as name:
        recorder = _Recorder(preview, Path(name).resolve(), adapter.builds)
        for method in ("execute", "query"):
            setattr(adapter, method, getattr(recorder, method))
        run = Run(RUN_ID, version, "", adapter.acquire(pipeline, RUN_ID, 0))
        said = [Said("lease", recorder.taken())]
        for load in loads:
            said += _loads(adapter, recorder, run, load)
        if adapter.builds:
            adapter.switch(run)
            said.append(Said("switch", recorder.taken()))
    return tuple(one for one in said if one.statements)


def _loads(adapter: SqlWarehouse, recorder: _Recorder, run: Run, load: Load) -> Iterator[Said]:
    """One object's batches; those between the first and the last one say the same."""
    name, several = load.plan.object, load.batches > 1
    recorder.rows = 0 if load.empty else 1
    files = tuple(recorder.folder / f"{run.run_id}-{name}-{number}.parquet" for number in range(load.batches))
    for number in sorted({0, 1, load.batches - 1} & set(range(load.batches))):
        last = number == load.batches - 1
        _write_rows(files[number], stage_columns(load.plan.columns), recorder.rows)
        adapter.load(
            run,
            Batch(
                name,
                number,
                files[number],
                recorder.rows,
                last,
                content="-" if several else None,
                read_to=load.read_to,
                rebuilds=load.rebuilds,
                files=files,
            ),
        )
        yield Said(name, recorder.taken(), load.batches - 2 if number == 1 and not last else 1)


def _write_rows(path: Path, columns: Sequence[Column], rows: int) -> None:
    """A staged file with rows of nothing, since some adapters compare what arrived with the file."""
    import duckdb

    nulls = ", ".join(f"CAST(NULL AS {one.duckdb}) AS {one.name}" for one in columns)
    with duckdb.connect() as database:
        database.execute(f"COPY (SELECT {nulls} LIMIT {rows}) TO '{path}' (FORMAT parquet)")

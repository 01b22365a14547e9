"""The load that both adapters share: what runs before the transaction, in it, and after it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from durable_runtime.errors import Incomplete, LeaseLost, LockHeld, PipelineError, StatementFailed
from durable_runtime.spec import Column, Target
from durable_runtime.warehouse.base import Batch, Counts, Lease, ObjectLoad, Rows, Run, State, Totals
from durable_runtime.warehouse.dialect import DUCKDB, Dialect, Names, checked, column_type, names_of, value_columns
from durable_runtime.warehouse.forecast import SqlForecast, as_parquet
from durable_runtime.warehouse.steps import Steps

CATEGORIES = tuple(f.name for f in fields(Counts))
Values = Sequence[Any]
TOMBSTONES_STAY = timedelta(days=30)


def utc_now() -> datetime:
    """The present, as the naive UTC that the warehouse keeps."""
    return datetime.now(UTC).replace(tzinfo=None)


class SqlWarehouse(ABC):
    """A warehouse that speaks SQL; an adapter says how to connect, run a statement and stage a file."""

    def __init__(self, target: Target, dialect: Dialect, schema: str, clock: Callable[[], datetime] = utc_now) -> None:
        self.target = target
        self.dialect = dialect.name
        self.names: Names = names_of(target, dialect, schema)
        self.clock = clock
        self.steps: dict[str, Steps] = {}

    @abstractmethod
    def open(self) -> None:
        """Connect."""

    @abstractmethod
    def disconnect(self) -> None:
        """Close the connection, if there is one."""

    @abstractmethod
    def execute(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Run one statement with `?` for each value and return its rows; raises classified errors."""

    @abstractmethod
    def query(self, sql: str) -> Rows:
        """Run one statement and return all its rows with their columns' names."""

    @abstractmethod
    def stage(self, run: Run, batch: Batch, plan: ObjectLoad) -> None:
        """Make the file's rows readable as `<table>__staged`."""

    @abstractmethod
    def stage_values(self, values: Path, columns: Sequence[Column]) -> None:
        """Make a file of values readable as `<table>__values`."""

    @abstractmethod
    def fill(self, suffix: str, parquet: Path) -> None:
        """Insert a Parquet file's rows into the work table `<table>__<suffix>`, columns by name."""

    @abstractmethod
    def is_open(self) -> bool:
        """Whether there is a connection."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop work tables and disconnect."""
        if not self.is_open():
            return
        with suppress(PipelineError):
            self._drop_work()
        self.disconnect()

    def prepare(self, loads: Sequence[ObjectLoad], deletes: str = "skip") -> tuple[str, ...]:
        """Create what is missing and widen what is there."""
        for statement in [*self._create_schema(), *self.target.create, *self.names.create_control()]:
            self.execute(statement)
        added = [*self._widen(self.names.of()), *self._widen(self.names.of("duplicates"))]
        columns = tuple(c.name for c in self.target.columns)
        self.steps = {load.object: Steps(self.names, columns, load, deletes) for load in loads}
        return tuple(dict.fromkeys(added))

    def _create_schema(self) -> list[str]:
        return [f"CREATE SCHEMA IF NOT EXISTS {self.names.schema}"] if self.names.dialect is DUCKDB else []

    def _widen(self, table: str) -> Iterator[str]:
        there = {name.lower() for name in self.query(f"SELECT * FROM {table} LIMIT 0").columns}
        for column in self.target.columns:
            if column.name.lower() not in there:
                self.execute(f"ALTER TABLE {table} ADD COLUMN {column.name} {self._type(column)}")
                yield column.name

    def _type(self, column: Column) -> str:
        return column_type(column, self.names.dialect)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; whatever goes wrong rolls back and goes on as it is."""
        self.execute("BEGIN TRANSACTION")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            with suppress(PipelineError):
                self.execute("ROLLBACK")
            raise

    def state(self, pipeline: str) -> dict[str, State]:
        """What is known of each object, and what its table shows now."""
        ledger = self.names.control("durable_ledger")
        rows = self.execute(
            "SELECT s.object, s.organization_id, s.watermark, s.row_function, s.rows_live, s.last_run_id, "
            f"s.updated_at, COALESCE(l.batches, 0) FROM {self.names.control('durable_state')} s LEFT JOIN "
            f"(SELECT pipeline, object, run_id, COUNT(*) AS batches FROM {ledger} GROUP BY pipeline, object, run_id) l "
            "ON l.pipeline = s.pipeline AND l.object = s.object AND l.run_id = s.last_run_id WHERE s.pipeline = ?",
            (pipeline,),
        )
        return {row[0]: self._state(row) for row in rows}

    def _state(self, row: tuple[Any, ...]) -> State:
        name, organization_id, watermark, row_function, rows_live, last_run_id, updated_at, batches = row
        return State(
            object=name,
            organization_id=organization_id,
            watermark=watermark,
            row_function=row_function,
            rows_live=int(rows_live),
            rows_now=self._count(Steps(self.names, self._columns(), ObjectLoad(name, "", ()), "skip").live()),
            recorded=int(batches) > 0,
            last_run_id=last_run_id,
            updated_at=updated_at,
        )

    def _columns(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.target.columns)

    def _count(self, sql: str) -> int:
        return int(self.execute(sql)[0][0])

    def _changed(self, sql: str, values: Values = ()) -> int:
        """How many rows a statement changed, whichever way."""
        return sum(int(n) for row in self.execute(sql, values) for n in row)

    def acquire(self, pipeline: str, owner: str, seconds: int) -> Lease:
        """Take the lease, or raise LockHeld."""
        lock, now = self.names.control("durable_lock"), self.clock()
        held = self.execute(f"SELECT owner, fence, expires_at FROM {lock} WHERE pipeline = ?", (pipeline,))
        holder, fence, expires_at = held[0] if held else ("", 0, now)
        if expires_at > now and not _same_place(str(holder), owner):
            whose = str(holder).rpartition("/")[2]
            raise LockHeld(
                f"Another run of {pipeline} ({whose}) holds its lease until {expires_at:%Y-%m-%dT%H:%M:%SZ}.",
                help="Run again when it has ended.",
            )
        lease = Lease(pipeline, owner, int(fence) + 1, seconds)
        taken = self._changed(
            f"MERGE INTO {lock} AS t USING (SELECT CAST(? AS VARCHAR) AS pipeline, CAST(? AS VARCHAR) AS owner, "
            f"CAST(? AS {self.names.dialect.integer}) AS fence, CAST(? AS {self.names.dialect.integer}) AS old_fence, "
            f"CAST(? AS {self.names.dialect.timestamp}) AS expires_at) AS s ON t.pipeline = s.pipeline "
            "WHEN MATCHED AND t.fence = s.old_fence THEN UPDATE SET owner = s.owner, fence = s.fence, "
            "expires_at = s.expires_at WHEN NOT MATCHED THEN INSERT (pipeline, owner, fence, expires_at) "
            "VALUES (s.pipeline, s.owner, s.fence, s.expires_at)",
            (pipeline, owner, lease.fence, int(fence), now + timedelta(seconds=seconds)),
        )
        if not taken:
            raise LockHeld(f"Another run of {pipeline} took its lease at the same moment.", help="Run again.")
        return lease

    def renew(self, lease: Lease) -> None:
        """Prolong the lease, or raise LeaseLost."""
        if not self._expire(lease, self.clock() + timedelta(seconds=lease.seconds)):
            raise LeaseLost(
                f"Another run of {lease.pipeline} took over the lease (fence {lease.fence}); nothing was committed.",
                help="Let that run finish, then run again.",
            )

    def release(self, lease: Lease) -> None:
        """Let go of the lease."""
        self._expire(lease, self.clock())

    def _expire(self, lease: Lease, at: datetime) -> int:
        return self._changed(
            f"UPDATE {self.names.control('durable_lock')} SET expires_at = ? "
            "WHERE pipeline = ? AND owner = ? AND fence = ?",
            (at, lease.pipeline, lease.owner, lease.fence),
        )

    def load(self, run: Run, batch: Batch) -> Counts:
        """Load one staged file in one transaction."""
        steps = self.steps[batch.object]
        self.renew(run.lease)  # the work tables belong to whoever holds the lease
        for statement in self.names.create_work("before", "keys", "losers"):
            self.execute(statement)
        self.stage(run, batch, steps.plan)
        self.execute(steps.stage_view())
        with self.transaction():
            self.renew(run.lease)
            done = self._replayed(run, batch)
            if done is not None:
                return done
            for statement in steps.batch():
                self.execute(statement)
            counts = self._counted(steps, batch)
            self._record(run, batch, counts)
            self._advance(run, batch, steps)
            if batch.last and steps.deletes == "remove":
                self._forget_tombstones(batch.object)
        return counts

    def _replayed(self, run: Run, batch: Batch) -> Counts | None:
        rows = self.execute(
            f"SELECT {', '.join(CATEGORIES)} FROM {self.names.control('durable_ledger')} "
            "WHERE pipeline = ? AND run_id = ? AND object = ? AND batch = ?",
            (run.lease.pipeline, run.run_id, batch.object, batch.number),
        )
        return Counts(*map(int, rows[0])) if rows else None

    def _counted(self, steps: Steps, batch: Batch) -> Counts:
        counts = Counts(**{category: int(rows) for category, rows in self.execute(steps.count())})
        where = f"batch {batch.number} of {batch.object}"
        if counts.rows != batch.rows:
            raise Incomplete(
                f"{where} has {batch.rows} rows, but {counts.rows} are accounted for; it was rolled back.",
                help="Run again; if it happens twice, report it with the run's folder.",
            )
        repeated = self._count(steps.repeated())
        if repeated:
            raise StatementFailed(
                f"{repeated} Ids of {where} have more than one row in {self.names.of()}; it was rolled back.",
                help="Remove the surplus rows, or run with --full.",
            )
        return counts

    def _record(self, run: Run, batch: Batch, counts: Counts) -> None:
        columns = ("pipeline", "run_id", "object", "batch", *CATEGORIES, "pipeline_version", "committed_at")
        self.execute(
            f"INSERT INTO {self.names.control('durable_ledger')} ({', '.join(columns)}) "
            f"VALUES ({', '.join('?' for _ in columns)})",
            (
                run.lease.pipeline,
                run.run_id,
                batch.object,
                batch.number,
                *(getattr(counts, category) for category in CATEGORIES),
                run.pipeline_version,
                self.clock(),
            ),
        )

    def _advance(self, run: Run, batch: Batch, steps: Steps) -> None:
        """Write the object's state; watermark and row function move with the last batch only, and never back."""
        table, key = self.names.control("durable_state"), (run.lease.pipeline, batch.object)
        old = self.execute(f"SELECT watermark, row_function FROM {table} WHERE pipeline = ? AND object = ?", key)
        watermark, row_function = old[0] if old else (None, None)
        if batch.last:
            watermark = max((w for w in (watermark, batch.watermark) if w), default=None)
            row_function = batch.row_function
        self.execute(f"DELETE FROM {table} WHERE pipeline = ? AND object = ?", key)
        self.execute(
            f"INSERT INTO {table} (pipeline, object, organization_id, watermark, row_function, rows_live, "
            "last_run_id, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *key,
                run.organization_id,
                watermark,
                row_function,
                self._count(steps.live()),
                run.run_id,
                self.clock(),
            ),
        )

    def _forget_tombstones(self, object: str) -> None:
        self.execute(
            f"DELETE FROM {self.names.control('durable_tombstone')} "
            "WHERE table_name = ? AND object = ? AND deleted_at < ?",
            (self.names.table, object, self.clock() - TOMBSTONES_STAY),
        )

    def forecast(self, lease: Lease, object: str, arriving: Path, folder: Path) -> SqlForecast:
        """What will be held once these staged rows are loaded."""
        made = SqlForecast(self, lease, self.steps[object], folder)
        made.begin(arriving)
        return made

    def mark_deleted(self, run: Run, object: str, ids: Path) -> int:
        """Treat the rows with these Ids as deleted."""
        steps = self.steps[object]
        self.renew(run.lease)
        for statement in self.names.create_work("missing", "keys", "losers"):
            self.execute(statement)
        self.fill("missing", as_parquet([ids], ids.with_suffix(".parquet"), stamped=None))
        with self.transaction():
            self.renew(run.lease)
            left = self._count(
                f"SELECT COUNT(*) FROM {self.names.of()} t JOIN {self.names.of('missing')} m "
                f"ON m.source_id = t.source_id WHERE {steps.of('t')} AND NOT t.is_deleted"
            )
            for statement in steps.drop_missing(self._stamps(run)):
                self.execute(statement)
            self.execute(
                f"UPDATE {self.names.control('durable_state')} SET rows_live = ? WHERE pipeline = ? AND object = ?",
                (self._count(steps.live()), run.lease.pipeline, object),
            )
        return left

    def differing(
        self, object: str, values: Path, columns: Sequence[Column], extensions: Sequence[str]
    ) -> tuple[str, ...]:
        """Ids of live rows and duplicates that hold other values."""
        self.stage_values(values, value_columns(columns, len(extensions)))
        names = [column.name for column in columns]
        return tuple(sorted(row[0] for row in self.execute(self.steps[object].differing(names, extensions))))

    def open_rejects(self, object: str) -> tuple[str, ...]:
        """Ids of the object's rejected records."""
        return tuple(sorted(row[0] for row in self.execute(self.steps[object].open_rejects())))

    def _stamps(self, run: Run) -> dict[str, str]:
        now = f"CAST('{self.clock():%Y-%m-%d %H:%M:%S.%f}' AS {self.names.dialect.timestamp})"
        return {
            "deleted_at": now,
            "loaded_at": now,
            "run_id": f"'{checked_token(run.run_id)}'",
            "pipeline_version": f"'{checked_token(run.pipeline_version)}'",
        }

    def totals(self, object: str) -> Totals:
        """Rows of an object in the target and its companions."""
        steps, n = self.steps[object], self.names
        return Totals(
            live=self._count(steps.live()),
            rejected=self._count(
                f"SELECT COUNT(*) FROM {n.of('rejects')} r WHERE r.source_object = '{checked(object)}'"
            ),
            duplicates=self._count(f"SELECT COUNT(*) FROM {n.of('duplicates')} d WHERE {steps.of('d')}"),
        )

    def _drop_work(self) -> None:
        self.execute(f"DROP VIEW IF EXISTS {self.names.of('stage')}")
        for suffix in ("before", "keys", "losers", "missing", "arriving", "listed", "expected"):
            self.execute(f"DROP TABLE IF EXISTS {self.names.of(suffix)}")


def checked_token(text: str) -> str:
    """A run's Id or a version, which may hold digits, dots, dashes and colons beside a name's letters."""
    if not all(c.isalnum() or c in "._-:+" for c in text):
        raise StatementFailed(f"{text!r} cannot stand in a statement.", help="Use letters, digits, dots and dashes.")
    return text


def _same_place(holder: str, owner: str) -> bool:
    """Whether the holder ran where the asker runs: the asker has that place's lock file, so the holder was killed."""
    place, slash, _ = owner.rpartition("/")
    return bool(slash) and holder.rpartition("/")[0] == place

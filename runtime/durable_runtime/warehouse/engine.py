"""The load that both adapters share: what runs before the transaction, in it, and after it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from durable_runtime.errors import Incomplete, LeaseLost, LockHeld, PipelineError, StatementFailed
from durable_runtime.spec import Column, Target
from durable_runtime.warehouse.base import UPSERT, Batch, Counts, Lease, ObjectLoad, Rows, Run, State, Totals
from durable_runtime.warehouse.dialect import Dialect, Names, checked, names_of, value_columns
from durable_runtime.warehouse.forecast import SqlForecast, as_parquet
from durable_runtime.warehouse.steps import Steps
from durable_runtime.warehouse.switching import COMPANIONS, Exchange
from durable_runtime.warehouse.tables import TargetTables

CATEGORIES = tuple(f.name for f in fields(Counts))
LEDGER_ENDS = ("pipeline_version", "committed_at", "content", "is_last")
Values = Sequence[Any]
TOMBSTONES_STAY = timedelta(days=30)
NEXT = "next"  # beside the target: what mode replace builds
WORK_TABLES = ("before", "keys", "losers", "rivals", "versions", "missing", "arriving", "listed", "expected")


def utc_now() -> datetime:
    """The present, as the naive UTC that the warehouse keeps."""
    return datetime.now(UTC).replace(tzinfo=None)


class SqlWarehouse(TargetTables):
    """A warehouse that speaks SQL; an adapter says how to connect, run a statement and stage a file."""

    def __init__(
        self,
        target: Target,
        dialect: Dialect,
        schema: str,
        clock: Callable[[], datetime] = utc_now,
        beside: str = "",
    ) -> None:
        self.target = target
        self.dialect = dialect.name
        self.names: Names = names_of(target, dialect, schema)
        self.schema_name = schema
        self.clock = clock
        self.beside = beside
        self.write = UPSERT
        self.steps: dict[str, Steps] = {}

    def own_names(self, name: str) -> Names:
        """The names of the table that takes an object's rows: the target's, or those beside it."""
        found = names_of(self.target, self.names.dialect, self.schema_name, self.target.place(name).table)
        return found.beside(self.beside) if self.beside else found

    @property
    def builds(self) -> bool:
        """Whether rows are built beside the target and switched in the end."""
        return self.write.mode == "replace"

    def load_names(self, name: str) -> Names:
        """The names of the table that an object is loaded into."""
        return self.own_names(name).beside(NEXT) if self.builds else self.own_names(name)

    def pipeline_key(self, pipeline: str) -> str:
        """How the control tables call the pipeline; what is built beside has rows of its own there."""
        return f"{pipeline}__{self.beside}" if self.beside else pipeline

    def load_key(self, pipeline: str) -> str:
        """The same for what is loaded; `pipeline` is a lease's."""
        return f"{pipeline}__{NEXT}" if self.builds else pipeline

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
    def stage(self, names: Names, run: Run, batch: Batch, plan: ObjectLoad) -> None:
        """Make the file's rows readable as `<table>__staged`."""

    @abstractmethod
    def stage_values(self, names: Names, values: Path, columns: Sequence[Column]) -> None:
        """Make a file of values readable as `<table>__values`."""

    @abstractmethod
    def fill(self, names: Names, suffix: str, parquet: Path) -> None:
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

    def columns_of(self, table: str) -> tuple[str, ...]:
        """A table's columns, in order and in lower case."""
        return tuple(name.lower() for name in self.query(f"SELECT * FROM {table} LIMIT 0").columns)

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
            f"s.updated_at, s.loaded_at, COALESCE(l.batches, 0) FROM {self.names.control('durable_state')} s LEFT JOIN "
            f"(SELECT pipeline, object, run_id, COUNT(*) AS batches FROM {ledger} GROUP BY pipeline, object, run_id) l "
            "ON l.pipeline = s.pipeline AND l.object = s.object AND l.run_id = s.last_run_id WHERE s.pipeline = ?",
            (self.pipeline_key(pipeline),),
        )
        return {row[0]: self._state(row) for row in rows}

    def _state(self, row: tuple[Any, ...]) -> State:
        name, organization_id, watermark, row_function, rows_live, last_run_id, updated_at, loaded_at, batches = row
        rows_now, loaded_now = self._live_now(name, int(rows_live), loaded_at)
        return State(
            object=name,
            organization_id=organization_id,
            watermark=watermark,
            row_function=row_function,
            rows_live=int(rows_live),
            rows_now=rows_now,
            recorded=int(batches) > 0,
            last_run_id=last_run_id,
            updated_at=updated_at,
            loaded_at=loaded_at,
            loaded_now=loaded_now,
        )

    def _live_now(self, name: str, rows: int, loaded_at: datetime | None) -> tuple[int, datetime | None]:
        """Live rows of an object; what this pipeline no longer has, in a table that it does not know, is as before."""
        if not self.target.table and name not in self.target.objects:
            return rows, loaded_at
        load = ObjectLoad(name, lambda _: "", ())
        return self._live(self._steps(load, self.own_names(name)))

    def _live(self, steps: Steps) -> tuple[int, datetime | None]:
        """How many live rows there are, and when the youngest of them was written."""
        rows, loaded_at = self.execute(steps.live())[0]
        return int(rows), loaded_at

    def _count(self, sql: str) -> int:
        return int(self.execute(sql)[0][0])

    def _changed(self, sql: str, values: Values = ()) -> int:
        """How many rows a statement changed, whichever way."""
        return sum(int(n) for row in self.execute(sql, values) for n in row)

    def acquire(self, pipeline: str, owner: str, seconds: int) -> Lease:
        """Take the lease, or raise LockHeld; what mode replace builds begins anew with it."""
        lease = self._take(self.pipeline_key(pipeline), owner, seconds)
        if self.builds:
            self._begin_building(lease)
        return lease

    def _begin_building(self, lease: Lease) -> None:
        """Empty tables beside the target, and nothing known of them."""
        for statement in self._exchange(lease).begin(self.load_key(lease.pipeline)):
            self.execute(statement)

    def _exchange(self, lease: Lease) -> Exchange:
        """What is loaded beside, and whose place it takes."""
        pairs = {self.load_names(name): self.own_names(name) for name in self.steps}
        return Exchange(pairs, tuple(self.steps), bool(self.target.table), lease.pipeline)

    def _take(self, pipeline: str, owner: str, seconds: int) -> Lease:
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
                f"Another run of {lease.pipeline} took over its lease (fence {lease.fence}); no more was committed.",
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

    def batch_steps(self, batch: Batch) -> Steps:
        """The statements that load a batch."""
        return self.steps[batch.object]

    def load(self, run: Run, batch: Batch) -> Counts:
        """Load one staged file in one transaction."""
        steps = self.batch_steps(batch)
        self.renew(run.lease)  # the work tables belong to whoever holds the lease
        for statement in steps.names.create_work(*steps.work):
            self.execute(statement)
        self.stage(steps.names, run, batch, steps.plan)
        self.execute(steps.stage_view(batch))
        with self.transaction():
            self.renew(run.lease)
            done = self._replayed(run, batch)
            if done is not None:
                return done
            for statement in [*(steps.retell() if batch.rebuilds else ()), *steps.batch()]:
                self.execute(statement)
            counts = self._counted(steps, batch)
            self._record(run, batch, counts)
            self._advance(run, batch, steps)
            if self.builds:
                self.execute(steps.note_left())
            if batch.last and steps.deletes == "remove":
                self._forget_tombstones(steps)
        return counts

    def switch(self, run: Run) -> dict[str, Counts]:
        """Put what was built in the place of the target."""
        if not self.builds:
            return {}
        exchange = self._exchange(run.lease)
        tables = {(old, suffix): old.of(suffix) for old in exchange.pairs.values() for suffix in COMPANIONS}
        columns = {key: self.columns_of(table) for key, table in tables.items()}
        with self.transaction():
            self.renew(run.lease)
            counts = {
                name: self._counts(exchange.count(steps, self.own_names(name))) for name, steps in self.steps.items()
            }
            shared = [one for one in tables.values() if self.target.table and self._count(exchange.others(one))]
            for statement in exchange.switch(columns, self.load_key(run.lease.pipeline), shared):
                self.execute(statement)
        with suppress(PipelineError):  # the next run begins by emptying them
            for statement in exchange.drop():
                self.execute(statement)
        return counts

    def _replayed(self, run: Run, batch: Batch) -> Counts | None:
        """What the ledger says of a batch that this run committed, or the run before it, which was then killed."""
        ledger, key = self.names.control("durable_ledger"), (self.load_key(run.lease.pipeline), batch.object)
        columns = ", ".join(f"l.{category}" for category in CATEGORIES)
        rows = self.execute(
            f"SELECT {columns} FROM {ledger} l WHERE l.pipeline = ? AND l.object = ? AND l.run_id = ? AND l.batch = ?",
            (*key, run.run_id, batch.number),
        )
        if not rows and batch.content and not batch.last and not self.builds:
            rows = self.execute(
                f"SELECT {columns} FROM {ledger} l JOIN {self.names.control('durable_state')} s "
                "ON s.pipeline = l.pipeline AND s.object = l.object AND s.last_run_id = l.run_id "
                "WHERE l.pipeline = ? AND l.object = ? AND l.content = ? AND NOT EXISTS (SELECT 1 FROM "
                f"{ledger} e WHERE e.pipeline = l.pipeline AND e.object = l.object AND e.run_id = l.run_id "
                "AND e.is_last = 1)",
                (*key, batch.content),
            )
        return Counts(*map(int, rows[0])) if rows else None

    def _counted(self, steps: Steps, batch: Batch) -> Counts:
        counts = self._counts(steps.count())
        where = f"batch {batch.number} of {batch.object}"
        if counts.rows != batch.rows:
            raise Incomplete(
                f"{where} has {batch.rows} rows, but {counts.rows} are accounted for; it was rolled back.",
                help="Run again; if it happens twice, report it with the run's folder.",
            )
        repeated = self._count(steps.repeated())
        if repeated:
            raise StatementFailed(
                f"{repeated} Ids of {where} have more than one row in {steps.names.of()}; it was rolled back.",
                help="Remove the surplus rows, or run with --full.",
            )
        return counts

    def _counts(self, sql: str) -> Counts:
        return Counts(**{category: int(rows) for category, rows in self.execute(sql)})

    def _record(self, run: Run, batch: Batch, counts: Counts) -> None:
        columns = (*("pipeline", "run_id", "object", "batch"), *CATEGORIES, *LEDGER_ENDS)
        self.execute(
            f"INSERT INTO {self.names.control('durable_ledger')} ({', '.join(columns)}) "
            f"VALUES ({', '.join('?' for _ in columns)})",
            (
                self.load_key(run.lease.pipeline),
                run.run_id,
                batch.object,
                batch.number,
                *(getattr(counts, category) for category in CATEGORIES),
                run.pipeline_version,
                self.clock(),
                batch.content,
                int(batch.last),
            ),
        )

    def _advance(self, run: Run, batch: Batch, steps: Steps) -> None:
        """Write the object's state; watermark and row function move with the last batch only, and never back."""
        table, key = self.names.control("durable_state"), (self.load_key(run.lease.pipeline), batch.object)
        old = self.execute(f"SELECT watermark, row_function FROM {table} WHERE pipeline = ? AND object = ?", key)
        watermark, row_function = old[0] if old else (None, None)
        if batch.last:
            watermark = max((w for w in (watermark, batch.watermark) if w), default=None)
            row_function = batch.row_function
        self.execute(f"DELETE FROM {table} WHERE pipeline = ? AND object = ?", key)
        self.execute(
            f"INSERT INTO {table} (pipeline, object, organization_id, watermark, row_function, rows_live, loaded_at, "
            "last_run_id, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *key,
                run.organization_id,
                watermark,
                row_function,
                *self._live(steps),
                run.run_id,
                self.clock(),
            ),
        )

    def _forget_tombstones(self, steps: Steps) -> None:
        self.execute(
            f"DELETE FROM {self.names.control('durable_tombstone')} "
            "WHERE table_name = ? AND object = ? AND deleted_at < ?",
            (steps.names.table, steps.plan.object, self.clock() - TOMBSTONES_STAY),
        )

    def forecast(self, lease: Lease, object: str, arriving: Path, folder: Path) -> SqlForecast:
        """What will be held once these staged rows are loaded."""
        made = SqlForecast(self, lease, self.steps[object], folder)
        made.begin(arriving)
        return made

    def mark_deleted(self, run: Run, object: str, ids: Path) -> int:
        """Treat the rows with these Ids as deleted."""
        steps = self.steps[object]
        names, key = steps.names, (self.load_key(run.lease.pipeline), object)
        self.renew(run.lease)
        for statement in names.create_work("missing", "keys", "losers"):
            self.execute(statement)
        self.fill(names, "missing", as_parquet([ids], ids.with_suffix(".parquet"), stamped=None))
        with self.transaction():
            self.renew(run.lease)
            left = self._count(
                f"SELECT COUNT(*) FROM {steps.current()} t JOIN {names.of('missing')} m ON m.source_id = t.source_id"
            )
            for statement in steps.drop_missing(self._stamps(run)):
                self.execute(statement)
            self.execute(
                f"UPDATE {self.names.control('durable_state')} SET rows_live = ?, loaded_at = ? "
                "WHERE pipeline = ? AND object = ?",
                (*self._live(steps), *key),
            )
            self.execute(  # a batch that was loaded before these records left is not one that can be left out
                f"UPDATE {self.names.control('durable_ledger')} SET content = NULL WHERE pipeline = ? AND object = ?",
                key,
            )
        return left

    def differing(
        self, object: str, values: Path, columns: Sequence[Column], extensions: Sequence[str]
    ) -> tuple[str, ...]:
        """Ids of live rows and duplicates that hold other values."""
        steps = self.steps[object]
        self.stage_values(steps.names, values, value_columns(columns, len(extensions)))
        names = [column.name for column in columns]
        return tuple(sorted(row[0] for row in self.execute(steps.differing(names, extensions))))

    def open_rejects(self, object: str) -> tuple[str, ...]:
        """Ids of the object's rejected records."""
        return tuple(sorted(row[0] for row in self.execute(self.steps[object].open_rejects())))

    def rejects_table(self, object: str) -> str | None:
        """The dead-letter table of an object, if it is there."""
        path = self.own_names(object).of("rejects")
        place, _, table = path.rpartition(".")
        database, dot, schema = place.rpartition(".")
        there = self._count(
            f"SELECT COUNT(*) FROM {database}{dot}information_schema.tables "
            f"WHERE UPPER(table_schema) = '{schema.upper()}' AND UPPER(table_name) = '{table.upper()}'"
        )
        return path if there else None

    def held_steps(self, load: ObjectLoad) -> Steps:
        """The statements about what an object's table holds, also where rows are built beside it."""
        return self._steps(load, self.own_names(load.object))

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
        steps, n = self.steps[object], self.steps[object].names
        return Totals(
            live=self._count(steps.live()),
            rejected=self._count(
                f"SELECT COUNT(*) FROM {n.of('rejects')} r WHERE r.source_object = '{checked(object)}'"
            ),
            duplicates=self._count(f"SELECT COUNT(*) FROM {n.of('duplicates')} d WHERE {steps.of('d')}"),
        )

    def _drop_work(self) -> None:
        for names in dict.fromkeys(steps.names for steps in self.steps.values()):
            self._drop_work_of(names)

    def _drop_work_of(self, names: Names) -> None:
        self.execute(f"DROP VIEW IF EXISTS {names.of('stage')}")
        for suffix in WORK_TABLES:
            self.execute(f"DROP TABLE IF EXISTS {names.of(suffix)}")


def checked_token(text: str) -> str:
    """A run's Id or a version, which may hold digits, dots, dashes and colons beside a name's letters."""
    if not all(c.isalnum() or c in "._-:+" for c in text):
        raise StatementFailed(f"{text!r} cannot stand in a statement.", help="Use letters, digits, dots and dashes.")
    return text


def _same_place(holder: str, owner: str) -> bool:
    """Whether the holder ran where the asker runs: the asker has that place's lock file, so the holder was killed."""
    place, slash, _ = owner.rpartition("/")
    return bool(slash) and holder.rpartition("/")[0] == place

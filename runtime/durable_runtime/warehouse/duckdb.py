"""The DuckDB file as a warehouse; a staged file is read in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from durable_runtime.errors import (
    ConfigurationError,
    DiskFull,
    PermissionMissing,
    PipelineError,
    StatementFailed,
    WarehouseCorrupt,
    WarehouseUnavailable,
)
from durable_runtime.spec import Column, Target
from durable_runtime.transformation import ROOMY
from durable_runtime.warehouse.base import Batch, Counts, ObjectLoad, Rows, Run
from durable_runtime.warehouse.dialect import DUCKDB, Names
from durable_runtime.warehouse.engine import SqlWarehouse, Values, utc_now
from durable_runtime.warehouse.first_load import FirstSteps, holdings
from durable_runtime.warehouse.replaced_rows import ReplacingSteps
from durable_runtime.warehouse.steps import Steps


class OutOfMemory(StatementFailed):
    """A statement needs more memory than the usual limit."""


# What DuckDB says -> what it means and what to do; the first match wins.
NO_ROOM, NO_RIGHT = "Free some room, then run again.", "Let this user read and write the file and its folder."
DAMAGED = "Restore the file from a backup, or move it away and run with --full."
OTHER_VERSION = "Install the DuckDB that wrote it, or move the file away and run with --full."
# A disk, a quota and the limit for files that a process may write; then where sorts and joins put what memory cannot.
DISK_ERRORS: tuple[tuple[str, type[PipelineError], str], ...] = (
    ("No space left on device", DiskFull, NO_ROOM),
    ("Disk quota exceeded", DiskFull, NO_ROOM),
    ("File too large", DiskFull, "Let this user write larger files (ulimit -f), then run again."),
    ("failed to offload", DiskFull, "Free some room beside the file, where DuckDB puts what memory cannot hold."),
    ("Permission denied", PermissionMissing, NO_RIGHT),
    ("Read-only file system", PermissionMissing, NO_RIGHT),
)
CONNECT_ERRORS: tuple[tuple[str, type[PipelineError], str], ...] = (
    ("Could not set lock on file", WarehouseUnavailable, "Close the program that has it open, then run again."),
    *DISK_ERRORS,
    ("File exists", WarehouseUnavailable, "Correct `path` in durable.toml: its folder is a file."),
    ("Cannot open file", WarehouseUnavailable, "Create the folder, or correct `path` in durable.toml."),
    ("storage version", ConfigurationError, OTHER_VERSION),
    ("", WarehouseCorrupt, DAMAGED),
)
STATEMENT_ERRORS: tuple[tuple[str, type[PipelineError], str], ...] = (
    *DISK_ERRORS,
    *((text, WarehouseCorrupt, DAMAGED) for text in ("Corrupt", "checksum", "Could not read enough bytes")),
    ("Out of Memory", OutOfMemory, "Give this machine more memory, or commit in smaller batches."),
    ("", StatementFailed, "Check that nobody changed the table, then run again."),
)


# A checkpoint writes every changed row group again; one at the end of a run costs a fifth of one after each batch.
SETTINGS = {"preserve_insertion_order": "false", "checkpoint_threshold": "1GB"}
FILE = "durable_file"  # what the attached file is called in a session
# A transaction that fills whole row groups writes them once, compressed, into the file; what is smaller goes through
# the log and memory first. DuckDB's own size is 122,880 rows, more than a batch has.
ROW_GROUPS = "ROW_GROUP_SIZE 24576"


class DuckDBWarehouse(SqlWarehouse):
    """A DuckDB file; open it late and close it early, since no other process can use it meanwhile."""

    def __init__(
        self,
        path: Path,
        target: Target,
        clock: Callable[[], datetime] = utc_now,
        memory_limit: str = "512MB",
        beside: str = "",
        read_only: bool = False,
    ) -> None:
        super().__init__(target, DUCKDB, (target.schema or "main").lower(), clock, beside)
        self.path = path
        self.read_only = read_only
        self.memory_limit = memory_limit
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._first: dict[str, tuple[Path, ...]] = {}  # object -> the files that fill its table, which was empty

    def open(self) -> None:
        """Open the file, creating it and its folder if they are absent; read-only, an absent file has no tables."""
        there = self.path.exists()
        absent = self.read_only and not there
        try:
            if not self.read_only:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            logged = self.path.with_name(f"{self.path.name}.wal").exists()
            self._connection = self._connect(absent)
        except (duckdb.Error, OSError) as error:
            raise classified(error, f"The warehouse file {self.path} cannot be opened", CONNECT_ERRORS) from error
        if there and not logged:
            self._check_length()

    def _connect(self, absent: bool) -> duckdb.DuckDBPyConnection:
        """The file is attached, since only so the size of its row groups can be given."""
        spill = {"temp_directory": f"{self.path}.tmp"}
        connection = duckdb.connect(
            f":memory:{'' if absent else self.path.absolute()}",  # by name: a second connection shares the instance
            config={"memory_limit": self.memory_limit, **SETTINGS, **spill},
        )
        if not absent:
            path, options = str(self.path).replace("'", "''"), "READ_ONLY" if self.read_only else ROW_GROUPS
            try:
                connection.execute(f"ATTACH IF NOT EXISTS '{path}' AS {FILE} ({options})")
                connection.execute(f"USE {FILE}")
            except duckdb.Error:
                connection.close()
                raise
        return connection

    def _check_length(self) -> None:
        """A file that was cut short opens, and a load that reads no lost block would go on in it."""
        used, size = self.execute(
            f"SELECT used_blocks, block_size FROM pragma_database_size() WHERE database_name = '{FILE}'"
        )[0]
        needed, there = used * size, self.path.stat().st_size
        if there < needed:
            self.disconnect()
            raise WarehouseCorrupt(
                f"The warehouse file {self.path} was cut short: it has {there:,} bytes, its tables take {needed:,}.",
                help=DAMAGED,
            )

    def is_open(self) -> bool:
        """Whether the file is open."""
        return self._connection is not None

    def disconnect(self) -> None:
        """Close the file."""
        if self._connection is not None:
            with suppress(duckdb.Error):
                self._connection.close()
            self._connection = None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open connection."""
        if self._connection is None:
            raise WarehouseUnavailable(f"The warehouse file {self.path} is not open.", help="Open it first.")
        return self._connection

    def execute(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Run one statement."""
        try:
            return self.connection.execute(sql, list(values)).fetchall()
        except duckdb.Error as error:
            raise classified(error, f"The warehouse file {self.path} refused a statement", STATEMENT_ERRORS) from error

    def query(self, sql: str) -> Rows:
        """Run one statement and return its rows."""
        rows = self.execute(sql)
        return Rows(tuple(column[0] for column in self.connection.description or ()), tuple(rows))

    def stage(self, names: Names, run: Run, batch: Batch, plan: ObjectLoad) -> None:
        """Show the file as a view."""
        path = str(batch.path).replace("'", "''")
        self.execute(f"CREATE OR REPLACE VIEW {names.of('staged')} AS SELECT * FROM read_parquet('{path}')")

    def fill(self, names: Names, suffix: str, parquet: Path) -> None:
        """Read the file."""
        self.execute(f"INSERT INTO {names.of(suffix)} BY NAME SELECT * FROM read_parquet(?)", (str(parquet),))

    def stage_values(self, names: Names, values: Path, columns: Sequence[Column]) -> None:
        """Show the file as a view."""
        path = str(values).replace("'", "''")
        self.execute(f"CREATE OR REPLACE VIEW {names.of('values')} AS SELECT * FROM read_parquet('{path}')")

    def batch_steps(self, batch: Batch) -> Steps:
        """Plain inserts for every batch of a load that found nothing of its object; else changed rows inserted anew."""
        steps = super().batch_steps(batch)
        if type(steps) is not Steps:
            return steps
        if batch.number == 0 and batch.files:
            holds = any(self.execute(statement) for statement in holdings(steps))
            self._first[batch.object] = () if holds else batch.files
        if batch.files and self._first.get(batch.object) == batch.files:
            return FirstSteps.for_batch(steps, batch)
        return ReplacingSteps.over(steps, self._columns_in(steps.names))

    def _columns_in(self, names: Names) -> list[tuple[str, bool]]:
        """The columns of a table, and whether each has a default."""
        rows = self.execute(
            "SELECT column_name, column_default IS NOT NULL FROM duckdb_columns() WHERE database_name = "
            "current_database() AND lower(schema_name) = ? AND lower(table_name) = ? ORDER BY column_index",
            (names.schema.lower(), names.table.lower()),
        )
        return [(str(name), bool(has_default)) for name, has_default in rows]

    def load(self, run: Run, batch: Batch) -> Counts:
        """Load one staged file; records of a megabyte, 2,048 at a time, get the memory that they need."""
        try:
            return super().load(run, batch)
        except OutOfMemory:
            for setting in ROOMY:
                self.execute(setting)
            return super().load(run, batch)

    def _drop_work_of(self, names: Names) -> None:
        super()._drop_work_of(names)
        for suffix in ("staged", "values"):
            self.execute(f"DROP VIEW IF EXISTS {names.of(suffix)}")


def classified(error: Exception, what: str, table: tuple[tuple[str, type[PipelineError], str], ...]) -> PipelineError:
    """The error of the first row whose text DuckDB's message holds."""
    text = str(error)
    kind, help = next((kind, help) for part, kind, help in table if part in text)
    return kind(f"{what}: {text.splitlines()[0]}", help=help)

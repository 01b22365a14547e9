"""The DuckDB file as a warehouse; a staged file is read in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from durable_runtime.errors import (
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
from durable_runtime.warehouse.dialect import DUCKDB
from durable_runtime.warehouse.engine import SqlWarehouse, Values, utc_now


class OutOfMemory(StatementFailed):
    """A statement needs more memory than the usual limit."""


# What DuckDB says -> what it means and what to do; the first match wins.
CONNECT_ERRORS: tuple[tuple[str, type[PipelineError], str], ...] = (
    ("Could not set lock on file", WarehouseUnavailable, "Close the program that has it open, then run again."),
    ("No space left on device", DiskFull, "Free some room, then run again."),
    ("Permission denied", PermissionMissing, "Let this user read and write the file and its folder."),
    ("File exists", WarehouseUnavailable, "Correct `path` in durable.toml: its folder is a file."),
    ("Cannot open file", WarehouseUnavailable, "Create the folder, or correct `path` in durable.toml."),
    ("", WarehouseCorrupt, "Restore the file from a backup, or move it away and run with --full."),
)
STATEMENT_ERRORS: tuple[tuple[str, type[PipelineError], str], ...] = (
    ("No space left on device", DiskFull, "Free some room, then run again."),
    ("Corrupt", WarehouseCorrupt, "Restore the file from a backup, or move it away and run with --full."),
    ("checksum", WarehouseCorrupt, "Restore the file from a backup, or move it away and run with --full."),
    ("Out of Memory", OutOfMemory, "Give this machine more memory, or commit in smaller batches."),
    ("", StatementFailed, "Check that nobody changed the table, then run again."),
)


# A checkpoint writes every changed row group again; one at the end of a run costs a fifth of one after each batch.
SETTINGS = {"preserve_insertion_order": "false", "checkpoint_threshold": "1GB"}


class DuckDBWarehouse(SqlWarehouse):
    """A DuckDB file; open it late and close it early, since no other process can use it meanwhile."""

    def __init__(
        self,
        path: Path,
        target: Target,
        clock: Callable[[], datetime] = utc_now,
        memory_limit: str = "512MB",
    ) -> None:
        super().__init__(target, DUCKDB, (target.schema or "main").lower(), clock)
        self.path = path
        self.memory_limit = memory_limit
        self._connection: duckdb.DuckDBPyConnection | None = None

    def open(self) -> None:
        """Open the file, creating it and its folder if they are absent."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = duckdb.connect(str(self.path), config={"memory_limit": self.memory_limit, **SETTINGS})
        except (duckdb.Error, OSError) as error:
            raise classified(error, f"The warehouse file {self.path} cannot be opened", CONNECT_ERRORS) from error

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

    def stage(self, run: Run, batch: Batch, plan: ObjectLoad) -> None:
        """Show the file as a view."""
        path = str(batch.path).replace("'", "''")
        self.execute(f"CREATE OR REPLACE VIEW {self.names.of('staged')} AS SELECT * FROM read_parquet('{path}')")

    def fill(self, suffix: str, parquet: Path) -> None:
        """Read the file."""
        self.execute(f"INSERT INTO {self.names.of(suffix)} BY NAME SELECT * FROM read_parquet(?)", (str(parquet),))

    def stage_values(self, values: Path, columns: Sequence[Column]) -> None:
        """Show the file as a view."""
        path = str(values).replace("'", "''")
        self.execute(f"CREATE OR REPLACE VIEW {self.names.of('values')} AS SELECT * FROM read_parquet('{path}')")

    def load(self, run: Run, batch: Batch) -> Counts:
        """Load one staged file; records of a megabyte, 2,048 at a time, get the memory that they need."""
        try:
            return super().load(run, batch)
        except OutOfMemory:
            for setting in ROOMY:
                self.execute(setting)
            return super().load(run, batch)

    def _drop_work(self) -> None:
        super()._drop_work()
        for suffix in ("staged", "values"):
            self.execute(f"DROP VIEW IF EXISTS {self.names.of(suffix)}")


def classified(error: Exception, what: str, table: tuple[tuple[str, type[PipelineError], str], ...]) -> PipelineError:
    """The error of the first row whose text DuckDB's message holds."""
    text = str(error)
    kind, help = next((kind, help) for part, kind, help in table if part in text)
    return kind(f"{what}: {text.splitlines()[0]}", help=help)

"""What a run needs of a warehouse: the protocol, and the small frozen values that cross it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from durable_runtime.spec import Column, Target
from durable_runtime.warehouse.evolution import Change

OUTCOMES = ("live", "deleted", "filtered", "rejected")


@dataclass(frozen=True, slots=True)
class ObjectLoad:
    """How one object enters the target.

    `columns` are the object's own mapped columns, in the order of the staged file; `merge` gives the generated MERGE
    for the fields that Salesforce shows today, into the target itself (None) or into another table of its form;
    `created_column` is the mapped CreatedDate, for `keep` = first.
    """

    object: str
    merge: Callable[[str | None], str]
    columns: tuple[Column, ...]
    dedupes: bool = False
    keep: str = "latest"
    created_column: str | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """How rows enter the target: `mode` is upsert, append, replace or history, `deletes` skip, flag or remove.

    `extensions` is the column of what the spec does not map.
    """

    mode: str = "upsert"
    deletes: str = "skip"
    extensions: str = "extensions"


UPSERT = Write()


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the staged rows: each row is in exactly one of these."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    rejected: int = 0
    duplicates: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def rows(self) -> int:
        """Staged rows in all."""
        return sum(getattr(self, f.name) for f in fields(self))

    @property
    def found(self) -> int:
        """Rows that are new or differ from what was known."""
        return self.rows - self.unchanged


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for one pipeline; `fence` grows with every take-over."""

    pipeline: str
    owner: str
    fence: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Run:
    """What every write of a run carries with it."""

    run_id: str
    pipeline_version: str
    organization_id: str
    lease: Lease


@dataclass(frozen=True, slots=True)
class Batch:
    """One staged Parquet file of one object; the last one carries what the object's state becomes.

    `content` tells two files with the same rows: one that the run before this one committed, and then was killed, is
    answered from the ledger. `read_to` (naive UTC) is how far the source was read: when a version of a record begins
    that differs from the one before although its stamp is the same. `rebuilds` tells that such a difference comes of
    another spec instead, which is no version. `files` are those of all batches that the run loads of the object, where
    it is certain that no Id is in them twice.
    """

    object: str
    number: int
    path: Path
    rows: int
    last: bool = False
    watermark: datetime | None = None
    row_function: str | None = None
    content: str | None = None
    read_to: datetime | None = None
    rebuilds: bool = False
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """What the warehouse knows of one object, beside what its table shows now.

    `rows_live` was counted at the last commit, `rows_now` just now; `loaded_at` and `loaded_now` say the same of when
    the youngest live row was written (None where nobody knows); `recorded` tells that the ledger (or no load at all)
    vouches for the last run.
    """

    object: str
    organization_id: str
    watermark: datetime | None
    row_function: str | None
    rows_live: int
    rows_now: int
    recorded: bool
    last_run_id: str
    updated_at: datetime
    loaded_at: datetime | None = None
    loaded_now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """From which organization an object was loaded, and under which row function (None: not yet to its end)."""

    organization_id: str
    row_function: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Rows that an object has in the target and its companions."""

    live: int
    rejected: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Changes:
    """How many live rows of an object a load would give other content, and how many it would flag or remove."""

    updated: int
    leaving: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How many staged records are new or differ from what is known, and how many of those are rejected.

    A record that was rejected with the same stamp before is as it was.
    """

    found: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between the records that a target will hold and those that the source lists, as Ids.

    `missing` will be held and are not listed, `unknown` are listed and will not be held, `stale` have a newer stamp in
    the list. Records whose stamp is beyond what the run has read are neither unknown nor stale.
    """

    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    stale: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """The answer of a query."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Forecast(Protocol):
    """What the target will hold of one object (live, duplicate or rejected) once its staged rows are loaded."""

    def held(self) -> int:
        """How many records that will be."""

    def among(self, pages: Sequence[Path]) -> tuple[str, ...]:
        """Those Ids of CSV files (one column, a header each) that will be held."""

    def compare(self, pages: Sequence[Path], *, stamped: bool, until: datetime) -> Difference:
        """What differs from a listing of the source.

        `pages` are CSV files that each repeat their header, with the Id and, where `stamped`, its stamp; `until`
        (aware) is the end of what the run has read.
        """

    def changes(self, gone: Sequence[str]) -> Changes:
        """What the load, and the deletion of the records `gone` after it, would do to rows that are live now."""

    def arrivals(self) -> Arrivals:
        """How many of the staged rows the load would find to be new or changed, and reject."""


class Warehouse(Protocol):
    """A place that holds the target; nothing is opened before `open` (or `with`), and `close` is safe to repeat.

    Every method raises the errors of `durable_runtime.errors` and no driver's own.
    """

    @property
    def dialect(self) -> str:
        """`duckdb` or `snowflake`: the key of `Pipeline.targets`."""

    @property
    def target(self) -> Target:
        """The table that is written."""

    def open(self) -> None:
        """Connect. WarehouseUnavailable, WarehouseCorrupt, CredentialsRejected, ConfigurationError."""

    def close(self) -> None:
        """Drop work tables and disconnect; a transaction that is still open is rolled back."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def prepare(self, loads: Sequence[ObjectLoad], write: Write = UPSERT) -> tuple[str, ...]:
        """Create what is missing, widen what is there, and return the columns that were added.

        Raises TargetUnfit, before anything is written, for what cannot be done without a loss.
        """

    def changes(self, loads: Sequence[ObjectLoad]) -> tuple[Change, ...]:
        """What `prepare` would find to do, and what it would refuse; nothing is written."""

    def loaded_as(self, pipeline: str) -> dict[str, Loaded]:
        """How each object was loaded that ever was, before `prepare` too; nothing is written."""

    def read_anew(self, pipeline: str, objects: Sequence[str]) -> None:
        """Let the next read of these objects be whole and write every live row, whatever becomes of this run."""

    def state(self, pipeline: str) -> dict[str, State]:
        """The state of each object that was ever loaded; needs `prepare`."""

    def acquire(self, pipeline: str, owner: str, seconds: int) -> Lease:
        """Take the pipeline's lease, or raise LockHeld; an expired one is taken over with a higher fence.

        `owner` is a run's id, or `place/id` for a run that holds the lock file of a place: a lease of the same place
        belongs to a run that was killed, and is taken over at once. In mode replace this begins what is built beside
        the target, and forgets what an earlier run had begun.
        """

    def renew(self, lease: Lease) -> None:
        """Prolong the lease, or raise LeaseLost."""

    def release(self, lease: Lease) -> None:
        """Let go of the lease; one that was lost already is left alone."""

    def load(self, run: Run, batch: Batch) -> Counts:
        """Load one staged file in one transaction; a batch that the ledger has is answered from the ledger."""

    def switch(self, run: Run) -> Mapping[str, Counts]:
        """Mode replace: put what this run built in the place of the target and its companions, in one transaction.

        Returns what became of the rows against those that the target held. Objects that this run did not build keep
        their rows. In the other modes there is nothing to switch, and the answer is empty. LeaseLost.
        """

    def forecast(self, lease: Lease, object: str, arriving: Path, folder: Path) -> Forecast:
        """What will be held once the staged rows of `arriving` are loaded; the next forecast ends it. LeaseLost.

        `arriving` is Parquet of `source_id, source_modified_at, outcome, row_hash`; files are made ready in `folder`.
        """

    def mark_deleted(self, run: Run, object: str, ids: Path) -> int:
        """Treat the records of a CSV file (one column, a header) as deleted, in one transaction.

        Duplicates of one come back if it was the winner. Returns how many live rows left.
        """

    def differing(
        self, object: str, values: Path, columns: Sequence[Column], extensions: Sequence[str]
    ) -> tuple[str, ...]:
        """Ids of live rows and duplicates of which the Parquet file `values` says something else; needs the lease.

        Its columns are those of `dialect.value_columns`: `source_id`, `__misfit` (not NULL where a value fits no
        column, which differs from anything held), `columns`, and the texts of the fields `extensions`. Ids that only
        one side has do not differ.
        """

    def open_rejects(self, object: str) -> tuple[str, ...]:
        """Ids of the object's rejected records."""

    def rejects_table(self, object: str) -> str | None:
        """The object's dead-letter table, spelt for `query`; None where it was never made. Does without `prepare`."""

    def totals(self, object: str) -> Totals:
        """How many rows of an object are live, rejected and duplicates."""

    def query(self, sql: str) -> Rows:
        """Run one statement and return all its rows."""

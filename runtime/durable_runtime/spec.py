"""The frozen dataclasses that a generated package fills in; everything a run does is read from these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Fields = Sequence[str]


@dataclass(frozen=True, slots=True)
class Extract:
    """How one object is read.

    `soql` takes the fields that Salesforce shows today and returns the statement without a window; the runtime
    appends `WHERE <cursor> >= lo AND <cursor> < hi`. It reads deleted records too (queryAll).
    `formulas` are the calculated fields: they move without a stamp, so an object with any is read whole.
    """

    object: str
    fields: tuple[str, ...]
    soql: Callable[[Fields], str]
    cursor: str
    requirements: tuple[str, ...]
    formulas: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()  # fields that a rule uses: one that is gone stops the run before reading
    refused: tuple[str, ...] = ()  # fields that the spec leaves out: never read, never in extensions


@dataclass(frozen=True, slots=True)
class Rule:
    """One reject rule: a record for which `condition` (DuckDB SQL over the transformed row) holds is rejected."""

    name: str
    condition: str
    message: str
    requirement: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the target: its name, its type in each dialect, and the source field it comes from."""

    name: str
    duckdb: str
    snowflake: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Transform:
    """What becomes of one object's landed records.

    `select` is DuckDB SQL over the relation `landed` (every field as text, plus `__extensions`); it yields the
    columns of `columns` in order. `rules` are applied to its rows; `keys` are the columns of a dedupe rule.
    """

    object: str
    select: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    keys: tuple[str, ...] = ()
    keep: str = "latest"


@dataclass(frozen=True, slots=True)
class Statements:
    """The SQL of one object's load in one dialect; `merge` takes the columns that Salesforce shows today."""

    merge: Callable[[Fields], str]


@dataclass(frozen=True, slots=True)
class Target:
    """The table that the pipeline writes, its companions and the statements that create them, in one dialect."""

    system: str
    database: str | None
    schema: str | None
    table: str
    columns: tuple[Column, ...]
    create: tuple[str, ...]
    objects: dict[str, Statements]


@dataclass(frozen=True, slots=True)
class Retry:
    """How transient failures are retried: attempts in all, seconds in all, growth of the pause."""

    max_attempts: int
    backoff: str
    max_elapsed_seconds: int
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """Who is told what: `on` is failure, completion, approval_needed, drift or stale."""

    on: str
    channel: str
    to: str
    requirement: str


@dataclass(frozen=True, slots=True)
class Policies:
    """The parts of the requirements that steer a run rather than a record."""

    overlap_seconds: int
    batch_rows: int
    deletes: str
    unknown_fields: str
    retry: Retry
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the pipeline is due: five cron fields, read in an IANA zone."""

    cron: str
    timezone: str
    requirement: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement as it was written."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The whole job: what `durable_runtime.pipeline.run` executes."""

    name: str
    version: str
    runtime_api: int
    ir_hash: str
    target_system: str
    schedule: Schedule
    requirements: tuple[Requirement, ...]
    extracts: tuple[Extract, ...]
    transforms: tuple[Transform, ...]
    targets: dict[str, Target]
    policies: Policies
    row_functions: dict[str, str]  # object -> hash of all that decides its rows

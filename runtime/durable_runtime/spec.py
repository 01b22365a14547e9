"""The frozen dataclasses that a generated package fills in; everything a run does is read from these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Fields = Sequence[str]


@dataclass(frozen=True, slots=True)
class Extract:
    """How one object is read.

    `soql` takes the fields that Salesforce shows today and returns the statement without a window; the runtime
    appends `WHERE <cursor> >= lo AND <cursor> < hi`. It reads deleted records too (queryAll). An object that has no
    stamp of any kind has an empty `cursor` and is read whole by every run.
    `formulas` are the calculated fields: they move without a stamp, so their values are compared with the table by
    `Policies.formula_refresh`. `lookups` are related objects' fields, as paths: children are read again when a parent
    changed. An object is read whole by every run where a rule uses a formula, or where it `moves` with the day.
    """

    object: str
    fields: tuple[str, ...]
    soql: Callable[[Fields], str]
    cursor: str
    requirements: tuple[str, ...]
    formulas: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()  # fields that a rule uses: one that is gone stops the run before reading
    refused: tuple[str, ...] = ()  # fields that the spec leaves out: never read, never in extensions
    lookups: tuple[str, ...] = ()
    follows: bool = False  # `moves` is told beside `lookups` too; before, an object with lookups was read whole
    moves: bool = False
    first: str | None = None  # SOQL that a first load may carry: it selects at least what the filter keeps
    types: Mapping[str, str] = field(default_factory=dict)  # field or path -> its type when the package was compiled
    listed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # picklist -> the values that a map names


@dataclass(frozen=True, slots=True)
class Rule:
    """What breaks a rule: a record for which `condition` (DuckDB SQL over the transformed row) holds.

    It is rejected, or loaded and counted (`warn`), or it ends the run before anything is written (`fail`).
    """

    name: str
    condition: str
    message: str
    requirement: str
    on_failure: str = "reject"


@dataclass(frozen=True, slots=True)
class Filter:
    """The records of an object that are wanted: those for which `condition` holds; it looks at `fields`."""

    condition: str
    fields: tuple[str, ...]
    requirement: str


@dataclass(frozen=True, slots=True)
class Mask:
    """How a field is hidden, in its column and wherever else its value would stand: sha256 (keyed) or last4."""

    field: str
    column: str
    method: str
    requirement: str


@dataclass(frozen=True, slots=True)
class Phones:
    """An object's telephone numbers that become E.164.

    `texts` are (column, DuckDB SQL over the relation `landed` for what the other clean-ups leave of its text); `region`
    (ISO 3166) is where a number without a plus is dialled from, None where nobody says.
    """

    region: str | None
    texts: tuple[tuple[str, str], ...]


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
    where: Filter | None = None
    masks: tuple[Mask, ...] = ()
    phones: Phones | None = None


@dataclass(frozen=True, slots=True)
class Statements:
    """The SQL of one object's load in one dialect.

    `merge` takes the columns that Salesforce shows today and, where rows are built beside the target, the table that
    takes them. Where each object has a table of its own, `table`, `columns` and `create` are that table's.
    """

    merge: Callable[..., str]
    table: str | None = None
    columns: tuple[Column, ...] = ()
    create: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """The table of an object: its name, its columns, and the statements that create it and its companions."""

    table: str
    columns: tuple[Column, ...]
    create: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """The table that the pipeline writes, its companions and the statements that create them, in one dialect.

    `table` is empty where each object has its own (`Policies.layout` is per_object).
    """

    system: str
    database: str | None
    schema: str | None
    table: str
    columns: tuple[Column, ...]
    create: tuple[str, ...]
    objects: dict[str, Statements]

    def place(self, name: str) -> Place:
        """The table that takes an object's rows; KeyError for an object without one."""
        if self.table:
            return Place(self.table, self.columns, self.create)
        own = self.objects[name]
        return Place(own.table or "", own.columns, own.create)

    def places(self) -> tuple[Place, ...]:
        """Every table that the pipeline writes, in the order of its objects."""
        return tuple({one.table: one for one in map(self.place, self.objects)}.values())


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


# Kinds of guard that say how much may leave: a spec with one replaces what holds where it says nothing.
LEAVING_KINDS = ("max_changed_ratio", "max_deleted_rows")


@dataclass(frozen=True, slots=True)
class Guard:
    """A limit that a run must not pass: max_changed_ratio, max_deleted_rows or min_rows, of one object or of all."""

    kind: str
    object: str | None
    value: int | float
    requirement: str


@dataclass(frozen=True, slots=True)
class Policies:
    """The parts of the requirements that steer a run rather than a record; a default is what a silent spec means.

    `requirements` names, for a policy, the requirements behind it. What this runtime cannot honour is carried all the
    same, and `durable_runtime.unsupported` refuses to run it.
    """

    overlap_seconds: int
    batch_rows: int
    deletes: str
    unknown_fields: str
    retry: Retry
    alerts: tuple[Alert, ...] = ()
    guards: tuple[Guard, ...] = ()
    mode: str = "upsert"
    layout: str = "unified"
    key: tuple[str, ...] = ("source_object", "source_id")
    incremental: bool = True
    full_refresh_cron: str | None = None
    formula_refresh: str = "every_run"
    reconcile_cron: str | None = "0 3 * * 0"
    extensions_column: str = "extensions"
    since: tuple[tuple[str, str], ...] = ()  # (object, the first day or how far back)
    dates: str | None = None
    phones: tuple[str, ...] = ()  # columns whose numbers become E.164, as object.column
    phone_convention: str | None = None
    phone_region: str | None = None
    json_columns: tuple[str, ...] = ()  # columns of type json, as object.column
    max_runtime_seconds: int | None = None
    max_staleness_seconds: int | None = None
    max_api_share: int | float | None = None
    regions: tuple[str, ...] = ()
    monitoring_days: int | None = None
    rejects_days: int | None = None
    spec_change_approvals: int = 0
    schema_change_approvals: int = 0
    deploy_approvals: int = 0
    approver: str | None = None
    strategy: str = "in_place"
    max_diff_ratio: int | float | None = None
    isolation: str = "process"
    requirements: tuple[tuple[str, str], ...] = ()

    def behind(self, policy: str) -> str:
        """The requirements that set a policy."""
        return dict(self.requirements).get(policy, "")


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

"""The intermediate representation: one frozen Pipeline that says exactly what a spec means."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, field_validator, model_serializer

IR_VERSION: Literal[1] = 1

Scalar = bool | int | float | str | None
OnFailure = Literal["reject", "fail", "warn"]
Operator = Literal[
    "and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "in", "between", "is_null", "not_null", "contains",
    "starts_with", "matches", "add", "sub", "mul", "div", "days_between", "concat", "coalesce", "round", "now", "today",
]  # fmt: skip
ColumnType = Annotated[
    str, Field(pattern=r"^(text|integer|number|number\(\d{1,2},\d{1,2}\)|boolean|date|timestamp|time|json)$")
]
ApiName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


def shortest(value: Any) -> Any:
    """A whole float as an integer, so that 5 and 5.0 are one number in the canonical text."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


class Node(BaseModel):
    """What every part of the IR shares: frozen and closed; built on first use, because most commands need few."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, serialize_by_alias=True, validate_by_name=True
    )


class FieldRef(Node):
    """A field of an object, reached through `path` (Account.Type) when it is a related object's."""

    op: Literal["field"] = "field"
    object: ApiName
    name: ApiName
    path: str | None = None

    @model_serializer(mode="wrap")
    def _without_empty_path(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = dump(self)
        if values["path"] is None:
            del values["path"]
        return values


class Literal_(Node):  # noqa: N801 - the IR calls it a literal, typing took the name
    """A constant and its type: text, number, boolean, date, timestamp."""

    op: Literal["literal"] = "literal"
    value: Scalar
    type: str

    _shortest = field_validator("value")(shortest)


class Operation(Node):
    """An operator applied to its arguments (between: x, lo, hi; in: x, literal…)."""

    op: Operator
    args: tuple[Expression, ...] = ()


Expression = Annotated[FieldRef | Literal_ | Operation, Field(discriminator="op")]


class RequirementRef(Node):
    """A requirement as it was read, with its canonical English."""

    id: str
    text: str
    file: str
    line: int
    status: Literal["understood", "pinned"]
    echo: str


class Schedule(Node):
    """When the pipeline runs: five numeric cron fields in an IANA time zone."""

    cron: str
    timezone: str


class Lookup(Node):
    """A related object's field copied next to each record."""

    path: str
    column: str


class SourceObject(Node):
    """One Salesforce object, the records to select and the fields to read."""

    name: ApiName
    where: Expression | None = None
    since: str | None = None
    fields: tuple[ApiName, ...]
    excluded: tuple[ApiName, ...] = ()
    lookups: tuple[Lookup, ...] = ()


class Source(Node):
    """Where the records come from."""

    system: Literal["salesforce"] = "salesforce"
    objects: tuple[SourceObject, ...]


class Target(Node):
    """Where the rows go; `table` is null when each object has its own."""

    system: Literal["snowflake", "duckdb"]
    database: str | None = None
    # `schema` is a method of pydantic models, so the attribute has another name than the key.
    schema_: str | None = Field(default=None, alias="schema")
    table: str | None
    layout: Literal["unified", "per_object"]


class Write(Node):
    """How rows reach the table."""

    mode: Literal["upsert", "append", "replace", "history"] = "upsert"
    key: tuple[str, ...] = ("source_object", "source_id")
    batch_rows: Annotated[int, Field(gt=0)] = 50000


class Incremental(Node):
    """Which records a run reads again."""

    enabled: bool = True
    cursor: str = "SystemModstamp"
    overlap_seconds: Annotated[int, Field(ge=0)] = 600
    full_refresh_cron: str | None = None
    formula_refresh: Literal["every_run", "nightly", "never"] = "every_run"
    reconcile_cron: str | None = "0 3 * * 0"


class Dedupe(Node):
    """Which rows of an object are one and the same."""

    object: ApiName
    by: tuple[ApiName, ...]
    keep: Literal["latest", "first"] = "latest"


class Mapping(Node):
    """A field's column, type and clean-up."""

    object: ApiName
    field: ApiName
    column: str
    type: ColumnType | None = None
    transforms: tuple[Literal["trim", "lower", "upper", "e164", "digits"], ...] = ()


class Conventions(Node):
    """Formats that hold for every field of a type."""

    dates: Literal["iso8601_utc"] | None = None
    phones: Literal["e164"] | None = None
    phone_region: str | None = None


class EnumMap(Node):
    """A picklist's values and what each becomes."""

    object: ApiName
    field: ApiName
    values: dict[str, str]
    otherwise: str | None = None


class Case(Node):
    """One branch of a derived column."""

    when: Expression
    value: Scalar

    _shortest = field_validator("value")(shortest)


class Derived(Node):
    """A column whose value depends on conditions."""

    object: ApiName
    column: str
    cases: tuple[Case, ...]
    otherwise: Scalar = None

    _shortest = field_validator("otherwise")(shortest)


class Computed(Node):
    """A column whose value is an expression."""

    object: ApiName
    column: str
    type: ColumnType
    expression: Expression


class Default(Node):
    """What a missing value becomes."""

    object: ApiName
    field: ApiName
    value: Scalar

    _shortest = field_validator("value")(shortest)


class Blank(Node):
    """Values that mean missing."""

    object: ApiName
    field: ApiName
    values: tuple[str, ...]


class Required(Node):
    """A field that must have a value."""

    object: ApiName
    field: ApiName
    on_failure: OnFailure = "reject"


class Check(Node):
    """A condition that every record of an object must meet."""

    object: ApiName
    condition: Expression
    on_failure: OnFailure = "reject"


class Drift(Node):
    """What happens to fields that the spec does not know."""

    unknown_fields: Literal["extensions", "propose", "fail"] = "extensions"
    column: str = "extensions"


class Retry(Node):
    """How often, how long and after which errors a step is tried again."""

    max_attempts: Annotated[int, Field(ge=0)] = 5
    backoff: Literal["exponential", "linear", "fixed"] = "exponential"
    max_elapsed_seconds: Annotated[int, Field(ge=0)] = 900
    classes: tuple[Literal["rate_limit", "network", "server"], ...] = ("rate_limit", "network")


class Alert(Node):
    """One message on one event to one recipient."""

    on: Literal["failure", "completion", "approval_needed", "drift", "stale"]
    channel: Literal["slack", "email"]
    to: str


class Guard(Node):
    """A limit that stops a run before it commits."""

    kind: Literal["max_changed_ratio", "max_deleted_rows", "min_rows"]
    object: ApiName | None = None
    value: int | float

    _shortest = field_validator("value")(shortest)


class Sla(Node):
    """How long a run may take and how old the data may get."""

    max_runtime_seconds: int | None = None
    max_staleness_seconds: int | None = None


class Quota(Node):
    """The share of the daily API calls that the pipeline may use."""

    max_api_share: float | int | None = None

    _shortest = field_validator("max_api_share")(shortest)


class Mask(Node):
    """How a sensitive field is hidden."""

    object: ApiName
    field: ApiName
    method: Literal["sha256", "last4", "drop"]


class Residency(Node):
    """Regions where the data may be."""

    regions: tuple[str, ...] = ()


class Retention(Node):
    """How long monitoring data and rejected rows are kept."""

    monitoring_days: Annotated[int, Field(gt=0)] | None = None
    rejects_days: Annotated[int, Field(gt=0)] | None = None


class Approvals(Node):
    """How many people approve what."""

    spec_change: int = 0
    schema_change: int = 0
    deploy: int = 0
    role: str | None = None


class Deploy(Node):
    """How a release goes live."""

    strategy: Literal["in_place", "blue_green"] = "in_place"
    max_diff_ratio: float | int | None = None
    isolation: Literal["process", "container"] = "process"

    _shortest = field_validator("max_diff_ratio")(shortest)


class Assumption(Node):
    """A default that filled what a sentence left open."""

    requirement: str | None
    key: str
    value: Scalar | tuple[str, ...]
    why: str


class Pipeline(Node):
    """Everything that a spec says, each key present, in the order of the canonical text."""

    ir_version: Literal[1] = IR_VERSION
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    requirements: tuple[RequirementRef, ...]
    schedule: Schedule | None = None
    source: Source
    target: Target | None = None
    write: Write = Write.model_construct()
    incremental: Incremental = Incremental.model_construct()
    deletes: Literal["skip", "flag", "remove"] = "skip"
    dedupe: tuple[Dedupe, ...] = ()
    mappings: tuple[Mapping, ...] = ()
    conventions: Conventions = Conventions.model_construct()
    enums: tuple[EnumMap, ...] = ()
    derived: tuple[Derived, ...] = ()
    computed: tuple[Computed, ...] = ()
    defaults: tuple[Default, ...] = ()
    blanks: tuple[Blank, ...] = ()
    required: tuple[Required, ...] = ()
    checks: tuple[Check, ...] = ()
    drift: Drift = Drift.model_construct()
    retry: Retry = Retry.model_construct()
    alerts: tuple[Alert, ...] = ()
    guards: tuple[Guard, ...] = ()
    sla: Sla = Sla.model_construct()
    quota: Quota = Quota.model_construct()
    masks: tuple[Mask, ...] = ()
    residency: Residency = Residency.model_construct()
    retention: Retention = Retention.model_construct()
    approvals: Approvals = Approvals.model_construct()
    deploy: Deploy = Deploy.model_construct()
    assumptions: tuple[Assumption, ...] = ()
    trace: dict[str, tuple[str, ...]] = {}

    def to_json(self) -> str:
        """The canonical text: keys in declared order, two spaces, a final newline."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"

    @property
    def ir_hash(self) -> str:
        """SHA-256 of the canonical text, in hex."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @classmethod
    def from_json(cls, text: str) -> Pipeline:
        """The Pipeline that `to_json` wrote. Raises pydantic.ValidationError on anything else."""
        return cls.model_validate_json(text)

"""What differs between the dialects' SQL, as values; names are checked before they enter a statement."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from durable_runtime.errors import ConfigurationError
from durable_runtime.spec import Column, Target

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")


@dataclass(frozen=True, slots=True)
class Dialect:
    """The spelling of one dialect."""

    name: str
    timestamp: str
    integer: str
    json: str  # template: text -> the type of `extensions`
    member: str  # template: `extensions`, a field's name -> its text, NULL where it has none
    work: str  # how a table that outlives no run is created


DUCKDB = Dialect("duckdb", "TIMESTAMP", "BIGINT", "CAST({} AS JSON)", "json_extract_string({}, '$.\"{}\"')", "TABLE")
SNOWFLAKE = Dialect(
    "snowflake",
    "TIMESTAMP_NTZ",
    "NUMBER(38,0)",
    "PARSE_JSON({})",
    '{}:"{}"::VARCHAR',
    "TRANSIENT TABLE",
)

CONTROL = {
    "durable_state": (
        "pipeline VARCHAR",
        "object VARCHAR",
        "organization_id VARCHAR",
        "watermark {timestamp}",
        "row_function VARCHAR",
        "rows_live {integer}",
        "last_run_id VARCHAR",
        "updated_at {timestamp}",
        "loaded_at {timestamp}",
    ),
    "durable_ledger": (
        "pipeline VARCHAR",
        "run_id VARCHAR",
        "object VARCHAR",
        "batch {integer}",
        "inserted {integer}",
        "updated {integer}",
        "deleted {integer}",
        "unchanged {integer}",
        "rejected {integer}",
        "duplicates {integer}",
        "skipped {integer}",
        "pipeline_version VARCHAR",
        "committed_at {timestamp}",
        "content VARCHAR",
        "is_last {integer}",
    ),
    "durable_lock": ("pipeline VARCHAR", "owner VARCHAR", "fence {integer}", "expires_at {timestamp}"),
    "durable_tombstone": ("table_name VARCHAR", "object VARCHAR", "source_id VARCHAR", "deleted_at {timestamp}"),
}

WORK = {
    "before": (
        "source_id VARCHAR",
        "was_live {integer}",
        "was_flagged {integer}",
        "was_duplicate {integer}",
        "same {integer}",
        "stale {integer}",
    ),
    "versions": (
        "source_id VARCHAR",
        "newest_at {timestamp}",
        "opened_at {timestamp}",
        "closed_at {timestamp}",
        "newest_hash VARCHAR",
        "is_open {integer}",
    ),
    "left": ("object VARCHAR", "source_id VARCHAR"),
    "keys": ("dedupe_key VARCHAR",),
    "losers": ("source_id VARCHAR", "winner_id VARCHAR"),
    "rivals": ("source_id VARCHAR", "winner_id VARCHAR"),
    "missing": ("source_id VARCHAR",),
    "arriving": ("source_id VARCHAR", "source_modified_at {timestamp}", "outcome VARCHAR", "row_hash VARCHAR"),
    "listed": ("source_id VARCHAR", "source_modified_at {timestamp}"),
    "expected": ("source_id VARCHAR", "source_modified_at {timestamp}"),
}


def checked(name: str) -> str:
    """The name, if it may stand in a statement without quotes."""
    if not NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} cannot be a name in the warehouse.", help="Compile the requirements again.")
    return name


@dataclass(frozen=True, slots=True)
class Names:
    """The target's tables, spelt with their schema."""

    dialect: Dialect
    schema: str
    table: str
    is_beside: bool = False

    def beside(self, word: str) -> Names:
        """Tables of the same form beside these: `<table>__<word>` and its companions."""
        return Names(self.dialect, self.schema, f"{self.table}__{checked(word)}", True)

    def control(self, name: str) -> str:
        """One of the durable_ tables."""
        return f"{self.schema}.{name}"

    def of(self, suffix: str = "") -> str:
        """The target (no suffix), or its companion or work table `<table>__<suffix>`."""
        return f"{self.schema}.{self.table}" + (f"__{suffix}" if suffix else "")

    def create_control(self, *tables: str) -> list[str]:
        """Statements that create the durable_ tables, or some of them, where they are absent."""
        return [
            f"CREATE TABLE IF NOT EXISTS {self.control(table)} ({self._columns(CONTROL[table])})"
            for table in tables or CONTROL
        ]

    def create_work(self, *suffixes: str) -> list[str]:
        """Statements that create empty work tables."""
        return [
            f"CREATE OR REPLACE {self.dialect.work} {self.of(suffix)} ({self._columns(WORK[suffix])})"
            for suffix in suffixes
        ]

    def _columns(self, columns: tuple[str, ...]) -> str:
        return ", ".join(columns).format(timestamp=self.dialect.timestamp, integer=self.dialect.integer)


def names_of(target: Target, dialect: Dialect, schema: str, table: str | None = None) -> Names:
    """The names of a target's one table, or of the table of one of its objects, each checked."""
    prefix = f"{checked(target.database)}." if target.database and dialect is SNOWFLAKE else ""
    for place in target.places():
        for column in place.columns:
            checked(column.name)
    name = target.table if table is None else table
    return Names(dialect, prefix + checked(schema), checked(name) if name else "")


def column_type(column: Column, dialect: Dialect) -> str:
    """The column's type in the dialect."""
    return column.duckdb if dialect is DUCKDB else column.snowflake


def stage_columns(own: Iterable[Column]) -> tuple[Column, ...]:
    """The columns of a staged file of an object whose own columns are `own`."""
    text = ("__outcome", "__rule", "__requirement", "__message", "__record")  # no field's column begins so
    stamps = (_column("loaded_at", TIMESTAMP), _column("run_id"), _column("pipeline_version"))
    return (
        _column("source_object"),
        _column("source_id"),
        _column("source_modified_at", TIMESTAMP),
        _column("is_deleted", ("BOOLEAN", "BOOLEAN")),
        _column("__created_at", TIMESTAMP),
        *own,
        *(_column(name) for name in ("dedupe_key", "extensions", "row_hash", *text)),
        *stamps,
    )


def value_columns(compared: Iterable[Column], extensions: int) -> tuple[Column, ...]:
    """The columns of a file of values to compare: some of an object's own, and fields of `extensions` as text."""
    texts = (_column(f"__extension_{at}") for at in range(extensions))
    return (_column("source_id"), _column("__misfit"), *compared, *texts)


TIMESTAMP = ("TIMESTAMP", "TIMESTAMP_NTZ")


def _column(name: str, types: tuple[str, str] = ("VARCHAR", "VARCHAR")) -> Column:
    return Column(name, *types)

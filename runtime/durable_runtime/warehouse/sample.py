"""A small target of two objects and its staged files, in both dialects: what the conformance checks load."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import duckdb

from durable_runtime.spec import Column, Statements, Target
from durable_runtime.warehouse.base import Batch, ObjectLoad, Run
from durable_runtime.warehouse.dialect import DUCKDB, SNOWFLAKE, Dialect, Names, column_type, stage_columns

Value = str | Decimal | datetime | bool | None

HEAD = (
    Column("source_object", "VARCHAR", "VARCHAR"),
    Column("source_id", "VARCHAR", "VARCHAR"),
    Column("source_modified_at", "TIMESTAMP", "TIMESTAMP_NTZ"),
    Column("is_deleted", "BOOLEAN", "BOOLEAN"),
)
REASON = (Column("deleted_at", "TIMESTAMP", "TIMESTAMP_NTZ"), Column("deleted_reason", "VARCHAR", "VARCHAR"))
TAIL = (
    Column("dedupe_key", "VARCHAR", "VARCHAR"),
    Column("extensions", "JSON", "VARIANT"),
    Column("row_hash", "VARCHAR", "VARCHAR"),
    Column("loaded_at", "TIMESTAMP", "TIMESTAMP_NTZ"),
    Column("run_id", "VARCHAR", "VARCHAR"),
    Column("pipeline_version", "VARCHAR", "VARCHAR"),
)
ACCOUNT = (
    Column("name", "VARCHAR", "VARCHAR", "Name"),
    Column("amount", "DECIMAL(38,18)", "NUMBER(38,18)", "Amount__c"),
    Column("opened_at", "TIMESTAMP", "TIMESTAMP_NTZ", "Opened__c"),
)
CONTACT = (
    Column("email", "VARCHAR", "VARCHAR", "Email"),
    Column("created_date", "TIMESTAMP", "TIMESTAMP_NTZ", "CreatedDate"),
)
VERSIONS = (
    Column("valid_from", "TIMESTAMP", "TIMESTAMP_NTZ"),
    Column("valid_to", "TIMESTAMP", "TIMESTAMP_NTZ"),
    Column("is_current", "BOOLEAN", "BOOLEAN"),
)
COLUMNS = (*HEAD, *REASON, *ACCOUNT, *CONTACT, *TAIL)
CONTACT_COLUMNS = (*HEAD[1:], *REASON, *CONTACT, *TAIL)  # a table of its own for one object
OBJECTS = {"Account": ACCOUNT, "Contact": CONTACT}
REJECTS = (
    *HEAD[:3],
    *(Column(name, "VARCHAR", "VARCHAR") for name in ("rule", "requirement", "message", "record", "run_id")),
    Column("rejected_at", "TIMESTAMP", "TIMESTAMP_NTZ"),
)


@dataclass(frozen=True, slots=True)
class Staged:
    """One staged row; `values` are the object's own columns by name."""

    id: str
    modified: datetime
    values: dict[str, Value] = field(default_factory=dict)
    key: str | None = None
    outcome: str = "live"
    extensions: str | None = None
    rule: str | None = None
    record: str | None = None


def target(
    dialect: Dialect, columns: Sequence[Column] = COLUMNS, mode: str = "upsert", *, per_object: bool = False
) -> Target:
    """The sample's table, or its two tables; `columns` are those of the one table in mode upsert."""
    database, schema = ("CRM", "ANALYTICS") if dialect is SNOWFLAKE else (None, "analytics")
    prefix = f"{database}.{schema}" if database else schema
    if not per_object:
        names, held = Names(dialect, prefix, "customers"), with_versions(columns, mode)
        statements = {name: Statements(partial(_statement, names, own, held, mode)) for name, own in OBJECTS.items()}
        return Target(dialect.name, database, schema, "customers", held, _create(names, held), statements)
    own_tables = {}
    for name, own in OBJECTS.items():
        names, held = Names(dialect, prefix, name.lower()), with_versions((*HEAD[1:], *REASON, *own, *TAIL), mode)
        merges = partial(_statement, names, own, held, mode)
        own_tables[name] = Statements(merges, names.table, held, _create(names, held))
    return Target(dialect.name, database, schema, "", (), (), own_tables)


def with_versions(columns: Sequence[Column], mode: str) -> tuple[Column, ...]:
    """The columns of a table, with those of a version's validity where all versions are kept."""
    if mode != "history":
        return tuple(columns)
    at = next(place for place, one in enumerate(columns) if one.name == REASON[-1].name) + 1
    return (*columns[:at], *VERSIONS, *columns[at:])


def _create(names: Names, columns: Sequence[Column]) -> tuple[str, ...]:
    winner = Column("winner_id", "VARCHAR", "VARCHAR")
    tables = {"": columns, "duplicates": (*columns, winner), "rejects": REJECTS}
    return tuple(
        f"CREATE TABLE IF NOT EXISTS {names.of(suffix)} "
        f"({', '.join(f'{c.name} {column_type(c, names.dialect)}' for c in holds)})"
        for suffix, holds in tables.items()
    )


def _statement(
    names: Names, own: Sequence[Column], columns: Sequence[Column], mode: str, _visible: Sequence[str],
    table: str | None = None,
) -> str:  # fmt: skip
    return merge(table or names.of(), names.dialect, own, columns, mode)


def merge(table: str, dialect: Dialect, own: Sequence[Column], columns: Sequence[Column], mode: str = "upsert") -> str:
    """The MERGE of one object into a table, in the form that a package's has; `extensions` may have another name."""
    unmapped = next(c.name for c in columns if c.snowflake == "VARIANT" and c.field is None)
    computed = {
        "is_deleted": "FALSE AS is_deleted",
        "deleted_at": f"CAST(NULL AS {dialect.timestamp}) AS deleted_at",
        "deleted_reason": "CAST(NULL AS VARCHAR) AS deleted_reason",
        unmapped: dialect.json.format("x.extensions") + f" AS {unmapped}",
        "valid_to": f"CAST(NULL AS {dialect.timestamp}) AS valid_to",
        "is_current": "TRUE AS is_current",
    }
    mine = {unmapped, *(c.name for c in (*HEAD, *REASON, *VERSIONS, *own, *TAIL))}
    written = [c.name for c in columns if c.name in mine]
    values = ", ".join(computed.get(c, f"x.{c}") for c in written)
    key: list[str] = [c for c in ("source_object", "source_id") if c in written]
    key += {"append": ["source_modified_at"], "history": ["valid_from"]}.get(mode, [])
    kept = {*key, "valid_to", "is_current"}
    again = " OR t.is_deleted" if mode == "history" else ""
    update = (
        "WHEN MATCHED AND s.source_modified_at >= t.source_modified_at AND "
        f"(s.row_hash IS DISTINCT FROM t.row_hash{again}) THEN UPDATE SET "
        f"{', '.join(f'{c} = s.{c}' for c in written if c not in kept)} "
    )
    return (
        f"MERGE INTO {table} AS t USING (SELECT {values} FROM {table}__stage x WHERE x.__outcome = 'live') "
        f"AS s ON {' AND '.join(f't.{c} = s.{c}' for c in key)} {'' if mode == 'append' else update}"
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(written)}) VALUES ({', '.join(f's.{c}' for c in written)})"
    )


def loads(
    dialect: Dialect, keep: str = "latest", columns: Sequence[Column] = COLUMNS, mode: str = "upsert",
    *, per_object: bool = False,
) -> tuple[ObjectLoad, ...]:  # fmt: skip
    """How the sample's objects enter its tables; Contacts are deduplicated where one row a record is kept."""
    statements = target(dialect, columns, mode, per_object=per_object).objects
    dedupes = mode in ("upsert", "replace")
    merges = {name: partial(one.merge, ()) for name, one in statements.items()}
    return (
        ObjectLoad("Account", merges["Account"], ACCOUNT),
        ObjectLoad("Contact", merges["Contact"], CONTACT, dedupes, keep, "created_date" if dedupes else None),
    )


def stage(
    folder: Path, run: Run, name: str, rows: Sequence[Staged], number: int = 0, last: bool = True,
    watermark: datetime | None = None,
) -> Batch:  # fmt: skip
    """Write rows as one staged file."""
    own = OBJECTS[name]
    columns = stage_columns(own)
    path = folder / f"{run.run_id}-{name}-{number}.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE staged ({', '.join(f'{c.name} {c.duckdb}' for c in columns)})")
        if rows:
            connection.executemany(
                f"INSERT INTO staged VALUES ({', '.join('?' for _ in columns)})",
                [[_values(run, name, row, own)[c.name] for c in columns] for row in rows],
            )
        connection.execute(f"COPY staged TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    return Batch(name, number, path, len(rows), last, watermark, "rows-1" if last else None)


def _values(run: Run, name: str, row: Staged, own: Sequence[Column]) -> dict[str, Value]:
    rejected = row.outcome == "rejected"
    content = {c.name: row.values.get(c.name) for c in own}
    canonical = repr((row.id, row.modified, sorted(content.items()), row.key, row.extensions))
    return {
        "source_object": name,
        "source_id": row.id,
        "source_modified_at": row.modified,
        "is_deleted": row.outcome == "deleted",
        "__created_at": content.get("created_date"),
        **content,
        "dedupe_key": row.key,
        "extensions": row.extensions,
        "row_hash": hashlib.md5(canonical.encode(), usedforsecurity=False).hexdigest(),
        "__outcome": row.outcome,
        "__rule": row.rule,
        "__requirement": "R1.2" if rejected else None,
        "__message": f"{row.rule} does not hold" if rejected else None,
        "__record": row.record,
        "loaded_at": row.modified,
        "run_id": run.run_id,
        "pipeline_version": run.pipeline_version,
    }


SAMPLES = {"duckdb": DUCKDB, "snowflake": SNOWFLAKE}

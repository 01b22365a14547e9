"""The tables of a package in both dialects: their columns, their CREATE statements, and how rows find their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from durable_compiler import expressions
from durable_compiler.expressions import Sql
from durable_compiler.ir import Pipeline
from durable_compiler.layout import LEADING, RESERVED, TRAILING, VERSIONS, Layout, MappedColumn, table_name

TYPES = {"duckdb": {"text": "VARCHAR", "time": "TIMESTAMP", "json": "JSON"}}
TYPES["snowflake"] = {"text": "VARCHAR", "time": "TIMESTAMP_NTZ", "json": "VARIANT"}
EXTENSIONS = {"duckdb": Sql("extensions"), "snowflake": Sql("PARSE_JSON(extensions)")}
REJECTS = ("source_object", "source_id", "source_modified_at", "rule", "requirement", "message", "record", "run_id",
           "rejected_at")  # fmt: skip
MOMENTS = frozenset({"source_modified_at", "deleted_at", "loaded_at", "rejected_at", *VERSIONS[:2]})
INSERTS_ONLY = frozenset({"append"})
FLAGS = frozenset({"is_deleted", "is_current"})
OPENING = Sql("CREATE TABLE IF NOT EXISTS")


@dataclass(frozen=True)
class TableColumn:
    """A column in a CREATE statement."""

    name: str
    type: Sql


@dataclass(frozen=True)
class Table:
    """One table: the suffix of its names in load.py, its own name and the mapped columns that it holds."""

    object: str | None
    constant: str
    name: str
    columns: tuple[MappedColumn, ...]


def per_object(pipeline: Pipeline) -> bool:
    """Whether each object has a table of its own."""
    return pipeline.target is not None and pipeline.target.layout == "per_object"


def tables(pipeline: Pipeline, layout: Layout, names: dict[str, str]) -> list[Table]:
    """The one table of all objects, or one table an object; `names` are the objects' names in Python."""
    target = pipeline.target
    assert target is not None
    if per_object(pipeline):
        return [Table(one, f"_{names[one].upper()}", table_name(one), many) for one, many in layout.columns.items()]
    assert target.table is not None
    own = f"{target.table}_" if target.table.lower() in RESERVED else target.table
    return [Table(None, "", own.lower(), layout.unified())]


def trailing(pipeline: Pipeline) -> tuple[str, ...]:
    """The last columns of a staged row."""
    return (*(("dedupe_key",) if pipeline.dedupe else ()), *TRAILING)


def leading(pipeline: Pipeline) -> tuple[str, ...]:
    """The first columns of a table."""
    own = LEADING[1:] if per_object(pipeline) else LEADING
    return (*own, *VERSIONS) if pipeline.write.mode == "history" else own


def table_columns(pipeline: Pipeline, table: Table) -> list[dict[str, str]]:
    """The columns of a table with both types."""
    both = {system: _typed(pipeline, table.columns, system) for system in TYPES}
    pairs = zip(both["duckdb"], both["snowflake"], strict=True)
    return [{"name": duck.name, "duckdb": str(duck.type), "snowflake": str(flake.type)} for duck, flake in pairs]


def _typed(pipeline: Pipeline, mapped: Iterable[MappedColumn], system: str) -> list[TableColumn]:
    kinds, extensions = TYPES[system], pipeline.drift.column

    def system_column(name: str) -> TableColumn:
        kind = "time" if name in MOMENTS else "json" if name == extensions else "text"
        return TableColumn(name, Sql("BOOLEAN" if name in FLAGS else kinds[kind]))

    own = [TableColumn(one.name, Sql(getattr(one, system))) for one in mapped]
    dedupe = ("dedupe_key",) if pipeline.dedupe else ()
    tail = (*dedupe, extensions, *TRAILING)
    return [*map(system_column, leading(pipeline)), *own, *map(system_column, tail)]


def dialect(pipeline: Pipeline, many: list[Table], system: str) -> dict[str, Any]:
    """All that load.py says in one dialect."""
    target = pipeline.target
    assert target is not None
    database = target.database if system == "snowflake" else None
    schema = target.schema_.lower() if target.schema_ else None
    return {
        "system": system,
        "constant": system.upper(),
        "function": system,
        "database": database,
        "schema": schema,
        "table_name": "" if per_object(pipeline) else many[0].name,
        "extensions": EXTENSIONS[system],
        "create": [one for table in many for one in _create(pipeline, table, system, _path(database, schema, table))],
        "tables": {
            table.object: {
                "name": table.name,
                "path": _path(database, schema, table),
                "create": tuple(one["constant"] for one in _create(pipeline, table, system, Sql(""))),
            }
            for table in many
        },
    }


def _path(database: str | None, schema: str | None, table: Table) -> Sql:
    return expressions.identifier(".".join(part.lower() for part in (database, schema, table.name) if part))


def _create(pipeline: Pipeline, table: Table, system: str, path: Sql) -> list[dict[str, Any]]:
    kinds, columns = TYPES[system], _typed(pipeline, table.columns, system)
    rejects = [TableColumn(name, Sql(kinds["time" if name in MOMENTS else "text"])) for name in REJECTS]
    winner = TableColumn("winner_id", Sql(kinds["text"]))
    parts = (
        ("CREATE", "", columns),
        ("CREATE_DUPLICATES", "__duplicates", [*columns, winner]),
        ("CREATE_REJECTS", "__rejects", rejects),
    )
    return [
        {
            "constant": f"{system.upper()}{table.constant}_{word}",
            "opening": OPENING,
            "table": Sql(path + suffix),
            "columns": many,
        }
        for word, suffix, many in parts
    ]

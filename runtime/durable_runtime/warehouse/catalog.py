"""What the warehouse's own catalog says of tables: their columns, and what stands in their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from durable_runtime.warehouse.dialect import DUCKDB, Names
from durable_runtime.warehouse.evolution import LiveColumn, LiveTable, Wanted, missing_marks

Ask = Callable[[str], Sequence[tuple[Any, ...]]]  # a statement -> its rows; nothing is written


def look(ask: Ask, names: Names, tables: Sequence[Wanted]) -> dict[str, LiveTable]:
    """Those of the tables that exist, by their name as the package spells it."""
    if not tables:
        return {}
    read = _duckdb if names.dialect is DUCKDB else _snowflake
    found = read(ask, names.schema, [table.name for table in tables])
    for table in tables:
        there = found.get(table.name)
        if there is not None and missing_marks(table, there):
            rows = ask(f"SELECT 1 FROM {table.path} LIMIT 1")
            found[table.name] = replace(there, foreign=bool(rows))
    return found


def _duckdb(ask: Ask, schema: str, names: Sequence[str]) -> dict[str, LiveTable]:
    spelt = {name.lower(): name for name in names}
    listed = ", ".join(f"'{name}'" for name in spelt)
    here = (
        f"table_catalog = current_database() AND lower(table_schema) = '{schema}' AND lower(table_name) IN ({listed})"
    )
    kinds = ask(f"SELECT lower(table_name), table_type FROM information_schema.tables WHERE {here}")
    rows = ask(
        "SELECT lower(table_name), column_name, data_type, is_nullable = 'NO', column_default IS NOT NULL, "
        f"is_generated = 'ALWAYS' FROM information_schema.columns WHERE {here} ORDER BY ordinal_position"
    )
    indexes = ask(
        "SELECT lower(table_name), index_name FROM duckdb_indexes() WHERE database_name = current_database() "
        f"AND lower(schema_name) = '{schema}' AND lower(table_name) IN ({listed}) ORDER BY index_name"
    )
    return {
        spelt[name]: LiveTable(
            kind,
            tuple(LiveColumn(*row[1:]) for row in rows if row[0] == name),
            tuple(index for table, index in indexes if table == name),
        )
        for name, kind in kinds
    }


def _snowflake(ask: Ask, schema: str, names: Sequence[str]) -> dict[str, LiveTable]:
    database, _, inside = schema.rpartition(".")
    catalog = f"{database}.INFORMATION_SCHEMA" if database else "INFORMATION_SCHEMA"
    spelt = {name.upper(): name for name in names}
    listed = ", ".join(f"'{name}'" for name in spelt)
    here = f"table_schema = '{inside.upper()}' AND table_name IN ({listed})"
    tables, views = (
        ask(f"SELECT table_name, {kind} FROM {catalog}.{view} WHERE {here}")
        for view, kind in (("TABLES", "table_type"), ("VIEWS", "'VIEW'"))
    )
    kinds: dict[str, str] = dict((*tables, *views))
    found = {spelt[name]: LiveTable(kind) for name, kind in kinds.items()}
    return {
        name: replace(one, columns=_described(ask, f"{schema}.{name}")) if one.is_table else one
        for name, one in found.items()
    }


def _described(ask: Ask, path: str) -> tuple[LiveColumn, ...]:
    """DESCRIBE TABLE's rows: name, type, kind, null?, default and more."""
    return tuple(
        LiveColumn(_unquoted(row[0]), row[1], row[3] == "N", row[4] is not None, row[2] != "COLUMN")
        for row in ask(f"DESCRIBE TABLE {path}")
    )


def _unquoted(name: str) -> str:
    """A stored name as a statement spells it: one that is not in capitals is another column than its capitals."""
    return name.lower() if name == name.upper() else f'"{name}"'

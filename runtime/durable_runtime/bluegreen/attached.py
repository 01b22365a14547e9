"""What belongs to a table beside its rows (grants, policies, tags, clustering), listed before and after a promotion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from durable_runtime.bluegreen.control import Deployed
from durable_runtime.errors import PipelineError
from durable_runtime.warehouse.dialect import DUCKDB, Names
from durable_runtime.warehouse.engine import SqlWarehouse
from durable_runtime.warehouse.switching import COMPANIONS

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Attached:
    """What is attached to one table: kind → its lines, sorted; `unlisted` tells for a kind why it cannot be listed."""

    table: str
    listed: Mapping[str, tuple[str, ...]]
    unlisted: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Listing:
    """How Snowflake lists one kind: the statement for a table, and the line that a row of it makes (None: not ours).

    `everywhere` asks for companions too.
    """

    kind: str
    statement: Callable[[Names], str]
    line: Callable[[Names, Row], str | None]
    everywhere: bool = False


def _database(names: Names) -> str:
    database, dot, _ = names.schema.rpartition(".")
    return database + dot


def _grant(_names: Names, row: Row) -> str | None:
    option = " WITH GRANT OPTION" if str(row.get("grant_option")).lower() == "true" else ""
    return f"{row['privilege']} TO {row['granted_to']} {row['grantee_name']}{option}"


def _policy(_names: Names, row: Row) -> str | None:
    column = f" ON {row['ref_column_name']}" if row.get("ref_column_name") else ""
    return f"{row['policy_kind']} {row['policy_name']}{column}"


def _tag(_names: Names, row: Row) -> str | None:
    column = f" ON {row['column_name']}" if row.get("column_name") else ""
    return f"{row['tag_name']} = {row['tag_value']}{column}"


def _clustering(names: Names, row: Row) -> str | None:
    mine = str(row["name"]).upper() == names.table.upper()
    return str(row["cluster_by"]) if mine and row.get("cluster_by") else None


POLICIES = "policies"
LISTINGS = (
    Listing("grants", lambda names: f"SHOW GRANTS ON TABLE {names.of()}", _grant),
    Listing(
        POLICIES,
        lambda names: (
            "SELECT policy_name, policy_kind, ref_column_name FROM TABLE("
            f"{_database(names)}INFORMATION_SCHEMA.POLICY_REFERENCES("
            f"REF_ENTITY_NAME => '{names.of()}', REF_ENTITY_DOMAIN => 'TABLE'))"
        ),
        _policy,
        everywhere=True,
    ),
    Listing(
        "tags",
        lambda names: (
            "SELECT tag_name, tag_value, CAST(NULL AS VARCHAR) AS column_name FROM TABLE("
            f"{_database(names)}INFORMATION_SCHEMA.TAG_REFERENCES('{names.of()}', 'TABLE'))"
        ),
        _tag,
    ),
    Listing(
        "tags of columns",
        lambda names: (
            "SELECT tag_name, tag_value, column_name FROM TABLE("
            f"{_database(names)}INFORMATION_SCHEMA.TAG_REFERENCES_ALL_COLUMNS('{names.of()}', 'TABLE'))"
        ),
        _tag,
    ),
    # LIKE takes _ for any character, so that other tables may be listed too.
    Listing("clustering", lambda names: f"SHOW TABLES LIKE '{names.table}' IN SCHEMA {names.schema}", _clustering),
)


def attached(warehouse: SqlWarehouse, deployed: Deployed) -> tuple[Attached, ...]:
    """What is attached to each target; a kind that the edition or the role does not show says so, stopping nothing."""
    if deployed.dialect is DUCKDB:
        return tuple(Attached(names.of(), {}, {"all": "DuckDB has none of them"}) for names in deployed.names)
    every = (names if not part else names.beside(part) for names in deployed.names for part in COMPANIONS)
    return tuple(_of(warehouse, names, every=names in deployed.names) for names in every)


def _of(warehouse: SqlWarehouse, names: Names, *, every: bool) -> Attached:
    listed: dict[str, tuple[str, ...]] = {}
    unlisted: dict[str, str] = {}
    for one in LISTINGS:
        if not (every or one.everywhere):
            continue
        try:
            found = warehouse.query(one.statement(names))
        except PipelineError as error:
            unlisted[one.kind] = error.message
            continue
        rows = (dict(zip((name.lower() for name in found.columns), row, strict=True)) for row in found.rows)
        lines = (one.line(names, row) for row in rows)
        listed[one.kind] = tuple(sorted(line for line in lines if line is not None))
    return Attached(names.of(), listed, unlisted)


def policies(found: Sequence[Attached]) -> list[str]:
    """The policies that decide what a role sees of the tables."""
    return [f"{one.table}: {line}" for one in found for line in one.listed.get(POLICIES, ())]


def lost(before: Sequence[Attached], after: Sequence[Attached]) -> list[str]:
    """What was attached before and is not now; a promotion is DML, so that there should be nothing."""
    now = {one.table: one for one in after}
    return [
        f"{one.table}: {kind}: {line}"
        for one in before
        for kind, lines in one.listed.items()
        for line in lines
        if one.table in now and kind in now[one.table].listed and line not in now[one.table].listed[kind]
    ]

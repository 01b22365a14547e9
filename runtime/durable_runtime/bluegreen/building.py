"""Green is made as a copy of blue, with blue's watermarks, and thrown away again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from durable_runtime.bluegreen.control import (
    BUILDING,
    BUILT,
    GREEN,
    KEPT,
    Deployed,
    Record,
    bounds,
    clear,
    copy,
    create_record,
    fingerprint,
    forget,
    remember,
)
from durable_runtime.errors import GreenNotReady
from durable_runtime.warehouse.base import Lease
from durable_runtime.warehouse.dialect import DUCKDB, Dialect
from durable_runtime.warehouse.engine import SqlWarehouse

# A clone has the grants of what it is a clone of, so that whoever may not read blue may not read green either.
CLONES = {
    "duckdb": "CREATE OR REPLACE TABLE {new} AS SELECT * FROM {old}",
    "snowflake": "CREATE OR REPLACE TABLE {new} CLONE {old} COPY GRANTS",
}


def prepare(warehouse: SqlWarehouse, deployed: Deployed) -> None:
    """Create the control tables where they are absent."""
    if deployed.dialect is DUCKDB:
        warehouse.execute(f"CREATE SCHEMA IF NOT EXISTS {deployed.names[0].schema}")
    for statement in (*deployed.names[0].create_control(), create_record(deployed)):
        warehouse.execute(statement)


def build(warehouse: SqlWarehouse, deployed: Deployed, leases: Iterable[Lease], version: str) -> int:
    """Copy blue's tables, companions, watermarks and tombstones to green, and return how many rows green has.

    Whatever green held is gone; a build that is killed is begun anew. Needs the leases of both sides, so that blue
    is one state. Raises GreenNotReady where blue was never loaded.
    """
    if not bounds(warehouse, deployed.key(), deployed):
        raise GreenNotReady(
            f"{deployed.pipeline} was never loaded, so there is nothing that a new version could be compared with.",
            help=f"Load it in place: `durable run {deployed.pipeline}`.",
        )
    with warehouse.transaction():
        remember(warehouse, deployed, Record(BUILDING, version, "", ""))
    for place in warehouse.target.places():
        for statement in place.create:  # an object that only the new version has gets its empty table
            warehouse.execute(statement)
    for statement in clones(deployed, GREEN):
        warehouse.execute(statement)
    with warehouse.transaction():
        for lease in leases:
            warehouse.renew(lease)
        run(warehouse, [*clear(deployed, GREEN), *copy(deployed, "", GREEN)])
        blue, green = (fingerprint(warehouse, deployed.key(side), deployed) for side in ("", GREEN))
        remember(warehouse, deployed, Record(BUILT, version, blue, green))
    return sum(rows(warehouse, names.beside(GREEN).of()) for names in deployed.names)


def clones(deployed: Deployed, side: str) -> list[str]:
    """Statements that copy the tables in use to a side; they are DDL, so that they stand before a transaction."""
    return [clone(deployed.dialect, old, new) for old, new in deployed.tables(side)]


def clone(dialect: Dialect, old: str, new: str) -> str:
    """The statement that makes one table a copy of another."""
    return CLONES[dialect.name].format(old=old, new=new)


def discard(warehouse: SqlWarehouse, deployed: Deployed, side: str = GREEN) -> None:
    """Forget green (or what a promotion kept) and drop its tables; what a killed command left goes too."""
    assert side in (GREEN, KEPT)
    with warehouse.transaction():
        forget(warehouse, deployed, side)
        run(warehouse, clear(deployed, side))
    for statement in drops(deployed, side):
        warehouse.execute(statement)


def drops(deployed: Deployed, side: str) -> list[str]:
    """Statements that drop a side's tables."""
    return [f"DROP TABLE IF EXISTS {table}" for _, table in deployed.tables(side)]


def run(warehouse: SqlWarehouse, statements: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
    """Run statements with their values, in order."""
    for sql, values in statements:
        warehouse.execute(sql, values)


def rows(warehouse: SqlWarehouse, table: str) -> int:
    """How many rows a table has."""
    return int(warehouse.execute(f"SELECT COUNT(*) FROM {table}")[0][0])

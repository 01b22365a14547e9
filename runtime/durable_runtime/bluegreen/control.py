"""What the warehouse remembers beside the tables: watermarks and ledger of each side, and how far a green has come."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from durable_runtime.warehouse.dialect import CONTROL, Dialect, Names, checked, names_of
from durable_runtime.warehouse.engine import SqlWarehouse
from durable_runtime.warehouse.switching import COMPANIONS

GREEN, KEPT = "green", "blue"  # the tables beside: the new version's, and what was in use before a promotion
# How far a green has come: `building` and `loading` are what a killed command leaves behind.
BUILDING, BUILT, LOADING, LOADED = "building", "built", "loading", "loaded"
RECORD = (
    "pipeline VARCHAR",
    "side VARCHAR",
    "phase VARCHAR",
    "version VARCHAR",
    "blue VARCHAR",
    "green VARCHAR",
    "compared VARCHAR",
    "updated_at {timestamp}",
)


@dataclass(frozen=True, slots=True)
class Deployed:
    """The tables of one pipeline; `names` are those in use, one for each table, in the order of the objects."""

    pipeline: str
    dialect: Dialect
    names: tuple[Names, ...]

    @classmethod
    def of(cls, warehouse: SqlWarehouse, pipeline: str) -> Deployed:
        """The tables that a warehouse's pipeline writes, whichever of them it works on."""
        dialect, target = warehouse.names.dialect, warehouse.target
        names = (names_of(target, dialect, warehouse.schema_name, place.table) for place in target.places())
        return cls(pipeline, dialect, tuple(names))

    def key(self, side: str = "") -> str:
        """Under what name a side's watermarks, ledger and lease are kept."""
        return f"{self.pipeline}__{side}" if side else self.pipeline

    def tables(self, side: str) -> Iterator[tuple[str, str]]:
        """(table in use, the same one of a side), companions included."""
        for names in self.names:
            for companion in COMPANIONS:
                yield names.of(companion), names.beside(side).of(companion)

    def control(self, table: str) -> str:
        """One of the durable_ tables."""
        return self.names[0].control(table)


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a side: how far it came, of which version it is, and what both sides were at that time.

    `compared` is the outcome of a comparison, with the fingerprints of what was compared.
    """

    phase: str
    version: str
    blue: str
    green: str
    compared: Mapping[str, Any] = field(default_factory=dict)
    updated_at: datetime | None = None


def create_record(deployed: Deployed) -> str:
    """The statement that creates the table of records where it is absent."""
    columns = ", ".join(RECORD).format(timestamp=deployed.dialect.timestamp)
    return f"CREATE TABLE IF NOT EXISTS {deployed.control('durable_green')} ({columns})"


def recall(warehouse: SqlWarehouse, deployed: Deployed, side: str = GREEN) -> Record | None:
    """The record of a side, None where there is none."""
    rows = warehouse.execute(
        f"SELECT phase, version, blue, green, compared, updated_at FROM {deployed.control('durable_green')} "
        "WHERE pipeline = ? AND side = ?",
        (deployed.pipeline, side),
    )
    if not rows:
        return None
    phase, version, blue, green, compared, updated_at = rows[0]
    return Record(phase, version, blue, green, json.loads(compared or "{}"), updated_at)


def remember(warehouse: SqlWarehouse, deployed: Deployed, record: Record, side: str = GREEN) -> None:
    """Replace the record of a side; within a transaction, so that there is never none."""
    forget(warehouse, deployed, side)
    warehouse.execute(
        f"INSERT INTO {deployed.control('durable_green')} "
        "(pipeline, side, phase, version, blue, green, compared, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            deployed.pipeline,
            side,
            record.phase,
            record.version,
            record.blue,
            record.green,
            json.dumps(dict(record.compared), sort_keys=True),
            warehouse.clock(),
        ),
    )


def forget(warehouse: SqlWarehouse, deployed: Deployed, side: str = GREEN) -> None:
    """Remove the record of a side."""
    warehouse.execute(
        f"DELETE FROM {deployed.control('durable_green')} WHERE pipeline = ? AND side = ?", (deployed.pipeline, side)
    )


def fingerprint(warehouse: SqlWarehouse, key: str, deployed: Deployed) -> str:
    """What tells two states of a side apart: any run that committed something gives another one."""
    rows = warehouse.execute(
        "SELECT object, watermark, row_function, rows_live, last_run_id, updated_at "
        f"FROM {deployed.control('durable_state')} WHERE pipeline = ? ORDER BY object",
        (key,),
    )
    return hashlib.sha256(repr([tuple(map(str, row)) for row in rows]).encode()).hexdigest()[:16]


def bounds(warehouse: SqlWarehouse, key: str, deployed: Deployed) -> dict[str, datetime | None]:
    """Up to when each object of a side was read."""
    rows = warehouse.execute(
        f"SELECT object, watermark FROM {deployed.control('durable_state')} WHERE pipeline = ?", (key,)
    )
    return dict(rows)


def version(warehouse: SqlWarehouse, key: str, deployed: Deployed) -> str:
    """The release that loaded a side last; empty where the ledger tells of none."""
    rows = warehouse.execute(
        f"SELECT l.pipeline_version FROM {deployed.control('durable_ledger')} l WHERE l.pipeline = ? "
        "ORDER BY l.committed_at DESC, l.run_id DESC LIMIT 1",
        (key,),
    )
    return str(rows[0][0]) if rows else ""


# --- the rows of one side become another one's ------------------------------------------------------------------------


def copy(deployed: Deployed, source: str, goal: str) -> list[tuple[str, tuple[Any, ...]]]:
    """Statements that give a side the state, the ledger rows and the tombstones of another; for a transaction.

    Ledger rows that the side has stay: they tell of runs that did commit. Where the goal is the side in use, all
    ledger rows come along, else those of the last runs, which vouch for the tables.
    """
    statements = [*_copy_state(deployed, source, goal), *_copy_ledger(deployed, source, goal)]
    for names in deployed.names:
        statements += _copy_tombstones(deployed, _table(names, source), _table(names, goal))
    return statements


def clear(deployed: Deployed, side: str) -> list[tuple[str, tuple[Any, ...]]]:
    """Statements that forget a side beside; for a transaction."""
    assert side, "what is in use is never cleared"
    key = (deployed.key(side),)
    gone = [(f"DELETE FROM {deployed.control(table)} WHERE pipeline = ?", key) for table in ("durable_state", LEDGER)]
    buried = f"DELETE FROM {deployed.control('durable_tombstone')} WHERE table_name = ?"
    return [*gone, *((buried, (_table(names, side),)) for names in deployed.names)]


LEDGER = "durable_ledger"


def _table(names: Names, side: str) -> str:
    return names.beside(side).table if side else names.table


def _columns(table: str) -> list[str]:
    return [checked(column.split()[0]) for column in CONTROL[table]]


def _copy_state(deployed: Deployed, source: str, goal: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    table, rest = deployed.control("durable_state"), ", ".join(_columns("durable_state")[1:])
    yield f"DELETE FROM {table} WHERE pipeline = ?", (deployed.key(goal),)
    yield (
        f"INSERT INTO {table} (pipeline, {rest}) SELECT CAST(? AS VARCHAR), {rest} FROM {table} WHERE pipeline = ?",
        (deployed.key(goal), deployed.key(source)),
    )


def _copy_ledger(deployed: Deployed, source: str, goal: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    table, names = deployed.control(LEDGER), _columns(LEDGER)[1:]
    mine = ", ".join(f"l.{name}" for name in names)
    last = f"AND l.run_id IN (SELECT s.last_run_id FROM {deployed.control('durable_state')} s WHERE s.pipeline = ?) "
    yield (
        f"INSERT INTO {table} (pipeline, {', '.join(names)}) SELECT CAST(? AS VARCHAR), {mine} FROM {table} l "
        f"LEFT JOIN {table} x ON x.pipeline = ? AND x.run_id = l.run_id AND x.object = l.object "
        f"AND x.batch = l.batch WHERE l.pipeline = ? {last if goal else ''}AND x.run_id IS NULL",
        (deployed.key(goal), deployed.key(goal), deployed.key(source), *((deployed.key(source),) if goal else ())),
    )


def _copy_tombstones(deployed: Deployed, source: str, goal: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    table = deployed.control("durable_tombstone")
    rest = ", ".join(name for name in _columns("durable_tombstone") if name != "table_name")
    yield f"DELETE FROM {table} WHERE table_name = ?", (goal,)
    yield (
        f"INSERT INTO {table} (table_name, {rest}) SELECT CAST(? AS VARCHAR), {rest} FROM {table} WHERE table_name = ?",
        (goal, source),
    )

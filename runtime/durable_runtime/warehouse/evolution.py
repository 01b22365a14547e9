"""What a package's tables lack in the warehouse: created, added and widened where nothing is lost, else refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from durable_runtime.errors import TargetUnfit
from durable_runtime.warehouse.column_types import (
    TEXT_BYTES,
    ColumnType,
    column_type_of,
    same,
    widens_in_duckdb,
    widens_in_snowflake,
)
from durable_runtime.warehouse.dialect import CONTROL, DUCKDB, Dialect

CREATE, ADD, WIDEN, KEPT, REFUSED = "create", "add", "widen", "kept", "refused"
ALTERS = (CREATE, ADD, WIDEN)
CREATED = re.compile(r"\s*CREATE\s+(?:\w+\s+)?TABLE\s+IF\s+NOT\s+EXISTS\s+(\S+)\s*\((.*)\)\s*", re.DOTALL)
BY_HAND = "Change the requirements so that they fit it, or change the table by hand after somebody approved it."

# Columns that a load fills in every row, so that NOT NULL does no harm there.
ALWAYS_FILLED = frozenset(
    "source_object source_id source_modified_at is_deleted row_hash loaded_at run_id pipeline_version pipeline object "
    "batch table_name valid_from is_current".split()
)
# A table that has rows but lacks one of these was filled by somebody else.
MARKS = frozenset(
    "source_id source_modified_at is_deleted row_hash loaded_at run_id pipeline_version pipeline table_name".split()
)
# Columns whose meaning is Durable's: another type there means another column of the same name.
OWN = frozenset(
    "source_object source_id source_modified_at is_deleted deleted_at deleted_reason valid_from valid_to is_current "
    "dedupe_key extensions row_hash loaded_at run_id pipeline_version winner_id rule requirement message record "
    "rejected_at".split()
)


@dataclass(frozen=True, slots=True)
class Change:
    """What one column of a table needs, or the whole table where `column` is None; `statement` does it.

    `kind` is create, add, widen, kept (there, and not written any more) or refused; `why` says what to do about that.
    """

    table: str
    column: str | None
    kind: str
    statement: str | None = None
    from_type: str | None = None
    to_type: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A table as the package creates it: its path, its columns with their types, and the statement."""

    path: str
    columns: tuple[tuple[str, str], ...]
    statement: str

    @property
    def name(self) -> str:
        """Without its schema, as the package spells it."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """A column that is there."""

    name: str
    type: str
    required: bool = False  # NOT NULL
    default: bool = False
    computed: bool = False


@dataclass(frozen=True, slots=True)
class LiveTable:
    """A table that is there, or what stands in its place; `foreign` tells that it has rows that nobody here loaded."""

    kind: str
    columns: tuple[LiveColumn, ...] = ()
    indexes: tuple[str, ...] = ()
    foreign: bool = False

    @property
    def is_table(self) -> bool:
        """Whether rows can be loaded into it."""
        return "TABLE" in self.kind and "EXTERNAL" not in self.kind and "EVENT" not in self.kind


def wanted(create: str) -> Wanted:
    """The table that a generated CREATE TABLE IF NOT EXISTS makes. Raises ValueError for any other statement."""
    found = CREATED.fullmatch(create)
    if found is None:
        raise ValueError(f"no CREATE TABLE IF NOT EXISTS: {create[:60]!r}")
    pairs = [one.split(None, 1) for one in _split(found[2])]
    return Wanted(found[1], tuple((name, kind.strip()) for name, kind in pairs), create.strip())


def _split(columns: str) -> Iterator[str]:
    """The parts between commas that stand in no brackets."""
    depth, start = 0, 0
    for at, char in enumerate(columns):
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            yield columns[start:at]
            start = at + 1
    yield columns[start:]


def missing_marks(table: Wanted, live: LiveTable) -> bool:
    """Whether it has to be asked if a table has rows: it lacks columns that every loaded row has."""
    there = {column.name.lower() for column in live.columns}
    return live.is_table and any(name not in there for name, _ in table.columns if name in MARKS)


def compare(tables: Iterable[Wanted], live: Mapping[str, LiveTable], dialect: Dialect) -> tuple[Change, ...]:
    """What the tables need; `live` are those that exist, by their name as the package spells it."""
    return tuple(change for table in tables for change in _table(table, live.get(table.name), dialect))


def refuse(changes: Iterable[Change]) -> None:
    """Raise TargetUnfit for what is refused, naming table, column and both types; nothing was written then."""
    refused = [one for one in changes if one.kind == REFUSED]
    if refused:
        raise TargetUnfit(
            f"The tables cannot take what the requirements want: {' '.join(map(told, refused))} Nothing was written.",
            help=f"{BY_HAND} `durable plan` lists every change.",
        )


def told(change: Change) -> str:
    """A change in a sentence."""
    where = change.table if change.column is None else f"{change.table}.{change.column}"
    types = f" ({change.from_type} there, {change.to_type} wanted)" if change.from_type and change.to_type else ""
    return f"{where}{types}: {change.why}."


def _table(table: Wanted, live: LiveTable | None, dialect: Dialect) -> Iterator[Change]:
    if live is None:
        yield Change(table.path, None, CREATE, table.statement, why="it does not exist yet")
    elif not live.is_table:
        kind = live.kind.lower()
        why = f"it is a {kind}, and rows can only be loaded into a table: move it away or write to another table"
        yield Change(table.path, None, REFUSED, why=why)
    elif live.foreign:
        why = "it holds rows that Durable did not load: move it away or write to another table"
        yield Change(table.path, None, REFUSED, why=why)
    else:
        yield from _columns(table, live, dialect)


def _columns(table: Wanted, live: LiveTable, dialect: Dialect) -> Iterator[Change]:
    there = {column.name.lower(): column for column in live.columns}
    for name, kind in table.columns:
        column = there.pop(name.lower(), None)
        if column is None:
            statement = f"ALTER TABLE {table.path} ADD COLUMN IF NOT EXISTS {name} {kind}"
            yield Change(table.path, name, ADD, statement, to_type=kind, why="the table does not have it yet")
        else:
            yield from _column(table, live, replace(column, name=name), kind, dialect)
    for column in there.values():
        yield _left_over(table, column)


def _column(table: Wanted, live: LiveTable, column: LiveColumn, kind: str, dialect: Dialect) -> Iterator[Change]:
    reason = _unwritable(table, column)
    if reason:
        yield Change(table.path, column.name, REFUSED, None, column.type, kind, reason)
        return
    there, asked = column_type_of(column.type), column_type_of(kind)
    if same(there, asked):
        return
    reason = _unfit(table, live, column, there, asked, dialect)
    if reason:
        yield Change(table.path, column.name, REFUSED, None, column.type, kind, reason)
        return
    spelt = f"VARCHAR({TEXT_BYTES})" if dialect is not DUCKDB and kind.upper() == "VARCHAR" else kind
    statement = f"ALTER TABLE {table.path} ALTER COLUMN {column.name} SET DATA TYPE {spelt}"
    why = "the wider type keeps every value exactly"
    yield Change(table.path, column.name, WIDEN, statement, column.type, kind, why)


def _unwritable(table: Wanted, column: LiveColumn) -> str:
    """Why no value, or no NULL, can be written to a column."""
    if column.computed:
        return "it is computed by the warehouse, so nothing can be loaded into it: rename it or write to another table"
    if column.required and column.name.lower() not in ALWAYS_FILLED:
        alter = f"ALTER TABLE {table.path} ALTER COLUMN {column.name} DROP NOT NULL"
        return f"it is NOT NULL, and a record may have no value there: {alter}"
    return ""


def _unfit(
    table: Wanted, live: LiveTable, column: LiveColumn, there: ColumnType, asked: ColumnType, dialect: Dialect
) -> str:
    """Why a column cannot have the wanted type."""
    if column.name.lower() in OWN or table.name in CONTROL:
        return "the table has a column of this name with another meaning: rename it or write to another table"
    widens = widens_in_duckdb if dialect is DUCKDB else widens_in_snowflake
    if widens(there, asked):
        names = ", ".join(live.indexes)
        return f"an index on the table ({names}) keeps its type: drop the index, run, create it again" if names else ""
    if there.family != asked.family:
        return "values of another kind are in it, and a run converts none"
    if dialect is not DUCKDB and there.scale != asked.scale:
        return "Snowflake cannot change a number's scale"
    return "the wanted type is narrower, and a run gives up no digit and no character"


def _left_over(table: Wanted, column: LiveColumn) -> Change:
    """A column that the package does not write."""
    if column.required and not column.default and not column.computed:
        alter = f"ALTER TABLE {table.path} ALTER COLUMN {column.name} DROP NOT NULL"
        why = f"it is NOT NULL without a default, and the requirements do not fill it: {alter}"
        return Change(table.path, column.name, REFUSED, None, column.type, None, why)
    why = "the requirements do not have it: kept as it is, and not written"
    return Change(table.path, column.name, KEPT, None, column.type, None, why)

"""Tables become what a package wants where nothing is lost, on both warehouses; else the load is refused untouched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from durable_runtime.errors import TargetUnfit
from durable_runtime.spec import Column
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Batch, Lease, ObjectLoad, Run, Write
from durable_runtime.warehouse.conformance import DAY, START
from durable_runtime.warehouse.dialect import DUCKDB, SNOWFLAKE, Dialect
from durable_runtime.warehouse.duckdb import DuckDBWarehouse
from durable_runtime.warehouse.engine import SqlWarehouse
from durable_runtime.warehouse.evolution import Change, told, wanted
from durable_runtime.warehouse.sample import Staged
from functional.test_warehouse_conformance import Server, server

__all__ = ["server"]

RATING = Column("rating", "VARCHAR", "VARCHAR", "Rating")
TABLE = "ANALYTICS.CUSTOMERS"


@dataclass(frozen=True)
class Place:
    """One warehouse, and how it spells what a test says."""

    dialect: Dialect
    folder: Path
    connect: Callable[[Any], SqlWarehouse]

    @property
    def table(self) -> str:
        """The target's path, as the package spells it."""
        return f"{self.schema}.customers"

    @property
    def schema(self) -> str:
        """The target's schema."""
        return "analytics" if self.dialect is DUCKDB else "CRM.ANALYTICS"

    def type(self, duckdb: str, snowflake: str) -> str:
        """The type in this dialect."""
        return duckdb if self.dialect is DUCKDB else snowflake

    def open(self, columns: Sequence[Column] = sample.COLUMNS, mode: str = "upsert") -> SqlWarehouse:
        """The open warehouse for a target of these columns."""
        warehouse = self.connect(sample.target(self.dialect, columns, mode))
        warehouse.open()
        return warehouse

    def run(self, *statements: str) -> None:
        """Somebody else's statements."""
        warehouse = self.open()
        for statement in statements:
            warehouse.execute(statement)
        warehouse.disconnect()


@pytest.fixture(params=["duckdb", "snowflake"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty schema of either warehouse."""
    if request.param == "duckdb":
        path = tmp_path / "warehouse.duckdb"
        found = Place(DUCKDB, tmp_path, lambda target: DuckDBWarehouse(path, target))
    else:
        stand_in: Server = request.getfixturevalue("server")
        stand_in.empty()
        found = Place(SNOWFLAKE, tmp_path, lambda target: stand_in.warehouse(target, lambda: START))
    found.run(f"CREATE SCHEMA IF NOT EXISTS {found.schema}")
    return found


def catalog(place: Place) -> list[tuple[Any, ...]]:
    """Every table of the schema with its columns."""
    warehouse = place.open()
    rows = warehouse.execute(
        f"SELECT table_name, column_name, data_type FROM {'CRM.' if place.dialect is SNOWFLAKE else ''}"
        "INFORMATION_SCHEMA.COLUMNS WHERE UPPER(table_schema) = 'ANALYTICS' ORDER BY 1, 2"
    )
    warehouse.disconnect()
    return rows


def changes(place: Place, columns: Sequence[Column] = sample.COLUMNS) -> tuple[Change, ...]:
    """What the target's tables need."""
    warehouse = place.open(columns)
    found = warehouse.changes(sample.loads(place.dialect))
    warehouse.disconnect()
    return found


def prepared(place: Place, columns: Sequence[Column] = sample.COLUMNS) -> tuple[str, ...]:
    """Make the tables ready; the columns that were added."""
    warehouse = place.open(columns)
    added = warehouse.prepare(sample.loads(place.dialect))
    warehouse.close()
    return added


def test_absent_tables_are_created_and_then_nothing_is_left_to_do(place: Place) -> None:
    found = changes(place)
    assert [one.table.lower().removeprefix("crm.analytics.").removeprefix("analytics.") for one in found] == [
        "customers", "customers__duplicates", "customers__rejects", "durable_state", "durable_ledger", "durable_lock",
        "durable_tombstone",
    ]  # fmt: skip
    assert {(one.kind, one.column) for one in found} == {("create", None)}
    assert catalog(place) == []
    assert prepared(place) == ()
    assert changes(place) == ()


def test_a_new_column_is_added_to_the_table_and_its_duplicates_and_control_tables_are_brought_up_to_date(
    place: Place,
) -> None:
    prepared(place)
    place.run(f"ALTER TABLE {place.schema}.durable_ledger DROP COLUMN content")
    columns = (*sample.COLUMNS, RATING)
    found = changes(place, columns)
    assert [(one.kind, one.table.rpartition(".")[2], one.column, one.to_type) for one in found] == [
        ("add", "customers", "rating", "VARCHAR"),
        ("add", "customers__duplicates", "rating", "VARCHAR"),
        ("add", "durable_ledger", "content", "VARCHAR"),
    ]
    assert prepared(place, columns) == ("rating",)
    assert changes(place, columns) == ()


def test_a_column_that_the_package_does_not_have_any_more_is_kept_and_said(place: Place) -> None:
    prepared(place, (*sample.COLUMNS, RATING))
    (in_table, in_duplicates) = changes(place)
    assert (in_table.kind, in_table.column, in_table.statement) == ("kept", "rating", None)
    assert in_table.why == "the requirements do not have it: kept as it is, and not written"
    assert in_duplicates.table.endswith("customers__duplicates")
    assert prepared(place) == ()
    assert [row for row in catalog(place) if row[1].lower() == "rating"] != []


# What was there before, as (column, its type in each dialect), and what a widening has to keep of it.
NARROW: dict[str, tuple[str, str, str, str, Any]] = {
    "text": ("name", "VARCHAR", "VARCHAR(10)", "'a''b'", "a'b"),
    "digits": ("amount", "DECIMAL(10,2)", "NUMBER(30,18)", "'99999999.25'", Decimal("99999999.25")),
}


@pytest.mark.parametrize(
    ("place", "narrow"), [("duckdb", "digits"), ("snowflake", "digits"), ("snowflake", "text")], indirect=["place"]
)
def test_a_narrower_column_is_widened_and_keeps_its_values(narrow: str, place: Place) -> None:
    name, duckdb, snowflake, value, expected = NARROW[narrow]
    kind = place.type(duckdb, snowflake)
    prepared(place)
    place.run(
        f"ALTER TABLE {place.table} DROP COLUMN {name}",
        f"ALTER TABLE {place.table} ADD COLUMN {name} {kind}",
        f"INSERT INTO {place.table} (source_id, {name}) SELECT '1', CAST({value} AS {kind})",
    )
    found = changes(place)
    assert [(one.kind, one.column, one.from_type) for one in found] == [("widen", name, kind)]
    assert prepared(place) == ()
    assert changes(place) == ()
    warehouse = place.open()
    assert warehouse.execute(f"SELECT {name} FROM {place.table}") == [(expected,)]
    warehouse.disconnect()


# What stands in the way, how it came there, and what is said of it.
OBSTACLES: dict[str, tuple[tuple[str, ...], str]] = {
    "a view": (
        ("DROP TABLE {table}__rejects", "CREATE VIEW {table}__rejects AS SELECT 1 AS source_id"),
        "it is a view, and rows can only be loaded into a table",
    ),
    "another kind": (
        ("ALTER TABLE {table} DROP COLUMN amount", "ALTER TABLE {table} ADD COLUMN amount DATE"),
        "(DATE there, {number} wanted): values of another kind are in it",
    ),
    "a column of somebody's own": (
        ("ALTER TABLE {table} DROP COLUMN row_hash", "ALTER TABLE {table} ADD COLUMN row_hash {short}"),
        "the table has a column of this name with another meaning",
    ),
    "a required value": (
        (
            "DROP TABLE {table}__duplicates",
            "CREATE TABLE {table}__duplicates (source_id VARCHAR NOT NULL, name VARCHAR NOT NULL)",
        ),
        "it is NOT NULL, and a record may have no value there: ALTER TABLE {table}__duplicates ALTER COLUMN name DROP",
    ),
    "a required column that nobody fills": (
        ("DROP TABLE {table}__duplicates", "CREATE TABLE {table}__duplicates (mine VARCHAR NOT NULL)"),
        "it is NOT NULL without a default, and the requirements do not fill it",
    ),
    "rows of somebody else": (
        (
            "DROP TABLE {table}", "CREATE TABLE {table} (id VARCHAR, name VARCHAR)",
            "INSERT INTO {table} (id, name) SELECT '1', 'Acme'",
        ),
        "it holds rows that Durable did not load",
    ),
    "the ledger of something else": (
        (
            "ALTER TABLE {schema}.durable_ledger DROP COLUMN batch",
            "ALTER TABLE {schema}.durable_ledger ADD COLUMN batch BOOLEAN",
        ),
        "the table has a column of this name with another meaning",
    ),
}  # fmt: skip


IN_SNOWFLAKE = ("a view", "a column of somebody's own", "rows of somebody else")
PAIRS = [*(("duckdb", one) for one in OBSTACLES), *(("snowflake", one) for one in IN_SNOWFLAKE)]


@pytest.mark.parametrize(("place", "obstacle"), PAIRS, indirect=["place"])
def test_what_cannot_be_done_without_a_loss_is_refused_and_nothing_is_touched(obstacle: str, place: Place) -> None:
    statements, reason = OBSTACLES[obstacle]
    words = {
        "table": place.table, "schema": place.schema, "number": place.type("DECIMAL(38,18)", "NUMBER(38,18)"),
        "short": place.type("INTEGER", "VARCHAR(10)"),
    }  # fmt: skip
    prepared(place)
    place.run(*(one.format(**words) for one in statements))
    before = catalog(place)
    with pytest.raises(TargetUnfit) as caught:
        prepared(place, (*sample.COLUMNS, RATING))
    assert caught.value.exit_code == 4
    assert reason.format(**words) in caught.value.message
    assert caught.value.message.endswith("Nothing was written.")
    assert "durable plan" in caught.value.help
    assert catalog(place) == before


def test_an_index_that_keeps_a_column_narrow_is_named(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    place = Place(DUCKDB, tmp_path, lambda target: DuckDBWarehouse(path, target))
    prepared(place)
    place.run(
        f"ALTER TABLE {place.table} DROP COLUMN amount",
        f"ALTER TABLE {place.table} ADD COLUMN amount INTEGER",
        f"CREATE INDEX by_name ON {place.table} (name)",
    )
    with pytest.raises(TargetUnfit, match=r"an index on the table \(by_name\) keeps its type: drop the index, run"):
        prepared(place)
    place.run("DROP INDEX analytics.by_name")
    assert prepared(place) == ()


def test_a_computed_column_cannot_be_loaded_into(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    place = Place(DUCKDB, tmp_path, lambda target: DuckDBWarehouse(path, target))
    place.run(
        "CREATE SCHEMA analytics",
        f"CREATE TABLE {place.table} (email VARCHAR, name VARCHAR GENERATED ALWAYS AS (upper(email)))",
    )
    with pytest.raises(TargetUnfit, match="it is computed by the warehouse, so nothing can be loaded into it"):
        prepared(place)


@pytest.mark.parametrize("place", ["snowflake"], indirect=True)
def test_a_lower_case_column_of_snowflake_is_another_column(place: Place) -> None:
    prepared(place)
    place.run(f'ALTER TABLE {place.table} ADD COLUMN "mine" VARCHAR')
    assert [(one.kind, one.column) for one in changes(place)] == [("kept", '"mine"')]


def test_a_change_is_told_with_table_column_and_both_types() -> None:
    change = Change("crm.t", "amount", "refused", None, "DATE", "NUMBER(38,18)", "no run converts it")
    assert told(change) == "crm.t.amount (DATE there, NUMBER(38,18) wanted): no run converts it."


def test_a_generated_statement_is_read_with_its_types() -> None:
    table = wanted("\nCREATE TABLE IF NOT EXISTS crm.analytics.t (\n    a VARCHAR,\n    b NUMBER(38,18)\n)\n")
    assert (table.path, table.name) == ("crm.analytics.t", "t")
    assert table.columns == (("a", "VARCHAR"), ("b", "NUMBER(38,18)"))
    with pytest.raises(ValueError, match="no CREATE TABLE IF NOT EXISTS"):
        wanted("DROP TABLE t")


# --- a new mapped column, and the rows that are there ----------------------------------------------------------------


@dataclass(frozen=True)
class Loader:
    """Loads Accounts run by run in one mode."""

    place: Place
    mode: str

    def load(self, number: int, rows: Sequence[Staged], columns: Sequence[Column], *, rebuilds: bool = False) -> None:
        """One run with one batch, read up to a day after its number."""
        dialect, write = self.place.dialect, Write(self.mode)
        warehouse = self.place.open(columns, self.mode)
        own = sample.OBJECTS["Account"]
        accounts, contacts = sample.loads(dialect, columns=columns, mode=self.mode)
        loads: list[ObjectLoad] = [replace(accounts, columns=own), contacts]
        warehouse.prepare(loads, write)
        lease: Lease = warehouse.acquire("customers", f"here/run-{number}", 60)
        run = Run(f"run-{number}", "1.0.0", "00D1", lease)
        batch: Batch = sample.stage(self.place.folder, run, "Account", rows, 0, True, START + number * DAY)
        warehouse.load(run, replace(batch, rebuilds=rebuilds, read_to=START + number * DAY))
        warehouse.release(lease)
        warehouse.close()

    def rows(self) -> list[tuple[Any, ...]]:
        """What the table holds of every row that is no marker."""
        warehouse = self.place.open()
        valid = "is_current" if self.mode == "history" else "TRUE"
        found = warehouse.execute(
            f"SELECT source_id, name, rating, {valid} FROM {self.place.table} WHERE NOT is_deleted "
            "ORDER BY source_id, source_modified_at"
        )
        warehouse.disconnect()
        return found


def record(id: str, name: str, days: int, **more: str) -> Staged:
    """An Account as it was some days after the start."""
    return Staged(id, START + timedelta(days=days), {"name": name, **more})


# What each mode holds after a whole read under a package with the new column.
AFTER: dict[str, list[tuple[Any, ...]]] = {
    "upsert": [("001A", "second", "hot", True), ("001B", "only", "cold", True)],
    "history": [("001A", "first", None, False), ("001A", "second", "hot", True), ("001B", "only", "cold", True)],
    "append": [("001A", "first", None, True), ("001A", "second", None, True), ("001B", "only", None, True)],
}


MODES = [*(("duckdb", one) for one in AFTER), ("snowflake", "history"), ("snowflake", "append")]


@pytest.mark.parametrize(("place", "mode"), MODES, indirect=["place"])
def test_a_new_column_is_filled_by_the_whole_read_without_rewriting_history(
    mode: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = Loader(place, mode)
    loader.load(1, [record("001A", "first", 0), record("001B", "only", 0)], sample.COLUMNS)
    loader.load(2, [record("001A", "second", 1)], sample.COLUMNS)
    monkeypatch.setitem(sample.OBJECTS, "Account", (*sample.ACCOUNT, RATING))
    columns = (*sample.HEAD, *sample.REASON, *sample.ACCOUNT, RATING, *sample.CONTACT, *sample.TAIL)
    whole = [record("001A", "second", 1, rating="hot"), record("001B", "only", 0, rating="cold")]
    loader.load(3, whole, columns, rebuilds=True)
    assert loader.rows() == AFTER[mode]
    loader.load(4, [record("001A", "third", 3, rating="warm")], columns)
    third = ("001A", "third", "warm", True)
    if mode == "upsert":
        assert loader.rows() == [third, AFTER[mode][1]]
    else:
        current = [(*row[:3], row[3] and (mode == "append" or row[0] != "001A")) for row in AFTER[mode]]
        assert loader.rows() == [*current[:2], third, current[2]]

"""Green beside blue in a warehouse of its own for a test: a DuckDB file, or a database of the Snowflake stand-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from durable_runtime.bluegreen import building, promoting, sides
from durable_runtime.bluegreen.control import (
    GREEN,
    LOADED,
    Deployed,
    Record,
    fingerprint,
    remember,
)
from durable_runtime.bluegreen.promoting import Limit
from durable_runtime.configuration import WarehouseSettings
from durable_runtime.credentials import given
from durable_runtime.spec import Column, Pipeline, Policies, Retry, Schedule, Target, Transform
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Lease, Run, Write
from durable_runtime.warehouse.dialect import DUCKDB, SNOWFLAKE, Dialect
from durable_runtime.warehouse.duckdb import DuckDBWarehouse
from durable_runtime.warehouse.engine import SqlWarehouse
from durable_runtime.warehouse.sample import Staged
from durable_runtime.warehouse.snowflake import SnowflakeWarehouse

START = datetime.fromisoformat("2026-01-01T02:00:00.123456")
NAME = "customers"
TIER = Column("tier", "VARCHAR", "VARCHAR", "Tier__c")


class Died(BaseException):
    """The process is gone."""


@dataclass
class World:
    """One warehouse file, reached by as many connections as a test opens."""

    folder: Path
    dialect: Dialect
    connect: Callable[[Target, Callable[[], datetime], str], SqlWarehouse]
    mode: str = "upsert"
    per_object: bool = False
    now: datetime = START
    runs: int = 0
    opened: list[SqlWarehouse] = field(default_factory=list)

    def warehouse(self, side: str = "", columns: Sequence[Column] = sample.COLUMNS) -> SqlWarehouse:
        """A connection to blue, or to the tables of a side."""
        target = sample.target(self.dialect, columns, self.mode, per_object=self.per_object)
        made = self.connect(target, lambda: self.now, side)
        made.open()
        self.opened.append(made)
        return made

    def load(
        self, side: str, name: str, *rows: Staged, columns: Sequence[Column] = sample.COLUMNS, version: str = "1.0.0"
    ) -> None:
        """Load rows as the only batch of a run."""
        self.runs += 1
        self.now += timedelta(minutes=1)
        warehouse = self.warehouse(side, columns)
        loads = sample.loads(self.dialect, columns=columns, mode=self.mode, per_object=self.per_object)
        warehouse.prepare(loads, Write(self.mode))
        lease = warehouse.acquire(NAME, f"place/run-{self.runs}", 60)
        run = Run(f"run-{self.runs}", version, "00D1", lease)
        newest = max(row.modified for row in rows)
        batch = sample.stage(self.folder, run, name, rows, watermark=newest)
        assert warehouse.load(run, batch).rows == len(rows)
        warehouse.release(lease)
        warehouse.close()

    def close(self) -> None:
        """End every connection, as the end of their processes would."""
        for one in self.opened:
            one.disconnect()
        self.opened.clear()


def on_duckdb(folder: Path) -> World:
    path = folder / "warehouse.duckdb"
    return World(folder, DUCKDB, lambda target, clock, side: DuckDBWarehouse(path, target, clock, beside=side))


def on_snowflake(folder: Path, address: dict[str, Any]) -> World:
    settings = WarehouseSettings(
        kind="snowflake", account="local", user="durable", password=given("any", "password"), protocol="http", **address
    )
    # the stand-in answers 500 to what it does not know, which the connector repeats until the time-out
    options = {"network_timeout": 2, "login_timeout": 10, "socket_timeout": 20, "client_session_keep_alive": False}
    made = World(
        folder,
        SNOWFLAKE,
        lambda target, clock, side: SnowflakeWarehouse(settings, target, clock, options, beside=side),
    )
    made.warehouse().query("DROP SCHEMA IF EXISTS CRM.ANALYTICS CASCADE")
    made.close()
    return made


@contextmanager
def asked_for(request: pytest.FixtureRequest, folder: Path) -> Iterator[World]:
    """A DuckDB file, or a database of the stand-in (fixture `server`) where the fixture's parameter says so."""
    snowflake = getattr(request, "param", "duckdb") == "snowflake"
    made = on_snowflake(folder, request.getfixturevalue("server")) if snowflake else on_duckdb(folder)
    yield made
    made.close()


def account(id: str, name: str, days: int = 0, **more: Any) -> Staged:
    return Staged(id, START + timedelta(days=days), {"name": name}, **more)


def pipeline(mode: str) -> Pipeline:
    """As much of a package as a comparison asks for."""
    retry = Retry(1, "none", 0, ())
    policies = Policies(0, 50_000, "skip", "extensions", retry, mode=mode)
    transforms = tuple(Transform(name, "", ()) for name in ("Account", "Contact"))
    return Pipeline(
        NAME, "2.0.0", 1, "", "duckdb", Schedule("0 2 * * *", "UTC", ""), (), (), transforms, {}, policies, {}
    )


@dataclass(frozen=True)
class Hands:
    """A connection to what is in use, with both leases."""

    warehouse: SqlWarehouse
    deployed: Deployed
    leases: tuple[Lease, Lease]
    mode: str = "upsert"

    def built(self) -> int:
        return building.build(self.warehouse, self.deployed, self.leases, "2.0.0")

    def loaded(self) -> None:
        """What the end of green's run notes."""
        blue, green = (fingerprint(self.warehouse, self.deployed.key(side), self.deployed) for side in ("", GREEN))
        remember(self.warehouse, self.deployed, Record(LOADED, "2.0.0", blue, green))

    def compared(self, **options: Any) -> Any:
        return sides.compare_sides(self.warehouse, self.deployed, pipeline(self.mode), **options)

    def promoted(self, ratio: float | None = None, allowed: Sequence[str] = ()) -> promoting.Switched:
        limit = Limit(ratio, "R7.1", frozenset(allowed))
        return promoting.promote(self.warehouse, self.deployed, self.leases, limit)

    def rolled_back(self) -> promoting.Switched:
        return promoting.rollback(self.warehouse, self.deployed, self.leases)

    def discarded(self, side: str = GREEN) -> None:
        building.discard(self.warehouse, self.deployed, side)

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        return self.warehouse.execute(sql.replace("{t}", self.deployed.names[0].of()))

    def tables(self) -> list[str]:
        found = self.select("SELECT table_name FROM information_schema.tables WHERE LOWER(table_schema) = 'analytics'")
        return sorted(str(name).lower() for (name,) in found)


def hands(world: World, columns: Sequence[Column] = sample.COLUMNS) -> Hands:
    """Ready to build: control tables are there, both leases are held."""
    warehouse = world.warehouse(columns=columns)
    deployed = Deployed.of(warehouse, NAME)
    building.prepare(warehouse, deployed)
    leases = tuple(warehouse.acquire(deployed.key(side), "place/deploy", 60) for side in ("", GREEN))
    return Hands(warehouse, deployed, (leases[0], leases[1]), world.mode)


def release(one: Hands) -> None:
    for lease in one.leases:
        one.warehouse.release(lease)
    one.warehouse.close()


MADE: dict[
    object, tuple[bytes, datetime, int]
] = {}  # the file, the time and the runs of a world that a test began with


def with_green(world: World, *rows: Staged, columns: Sequence[Column] = sample.COLUMNS) -> Hands:
    """Blue with three Accounts, and a green into which these rows were loaded."""
    path, key = world.folder / "warehouse.duckdb", repr((world.mode, world.per_object, rows, columns))
    if world.dialect is not DUCKDB:
        make_green(world, rows, columns)
        return hands(world, columns)
    if key not in MADE:
        make_green(world, rows, columns)
        MADE[key] = (path.read_bytes(), world.now, world.runs)
    held, world.now, world.runs = MADE[key]
    path.write_bytes(held)
    return hands(world, columns)


def make_green(world: World, rows: Sequence[Staged], columns: Sequence[Column]) -> None:
    world.load("", "Account", account("001A", "Acme"), account("001B", "Bolt"), account("001C", "Core"))
    first = hands(world)
    first.built()
    release(first)
    if rows:
        world.load(GREEN, "Account", *rows, columns=columns, version="2.0.0")
    second = hands(world, columns)
    second.loaded()
    release(second)


def names(one: Hands, table: str = "{t}") -> dict[str, str]:
    return dict(one.select(f"SELECT source_id, name FROM {table} ORDER BY source_id"))


BLUE = {"001A": "Acme", "001B": "Bolt", "001C": "Core"}

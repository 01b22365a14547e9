"""DuckDB and Snowflake pass the same conformance checks; Snowflake is the real connector against a local server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from conftest import MANY, seeds
from durable_runtime.configuration import WarehouseSettings
from durable_runtime.credentials import given
from durable_runtime.spec import Target
from durable_runtime.warehouse import (
    conformance,
    conformance_forecast,
    conformance_switch,
    conformance_values,
    conformance_versions,
    sample,
)
from durable_runtime.warehouse.conformance import Bench
from durable_runtime.warehouse.conformance_suite import CHECKS
from durable_runtime.warehouse.dialect import DUCKDB, SNOWFLAKE
from durable_runtime.warehouse.duckdb import DuckDBWarehouse
from durable_runtime.warehouse.snowflake import SnowflakeWarehouse

SERVER = Path(__file__).parent / "fakesnow_server.py"


@dataclass(frozen=True)
class Server:
    """Where the stand-in listens."""

    host: str
    port: int

    def warehouse(self, target: Target, clock: Callable[[], datetime]) -> SnowflakeWarehouse:
        """The adapter for the one database that the stand-in holds."""
        # the stand-in answers 500 to what it does not know, which the connector repeats until the time-out
        options = {
            "network_timeout": 2, "login_timeout": 10, "socket_timeout": 20, "client_session_keep_alive": False,
            "session_parameters": {"nop_regexes": ["REMOVE"]},
        }  # fmt: skip
        settings = WarehouseSettings(
            kind="snowflake",
            account="local",
            user="durable",
            password=given("any", "password"),
            host=self.host,
            port=self.port,
            protocol="http",
        )
        return SnowflakeWarehouse(settings, target, clock, options)

    def empty(self) -> None:
        """Drop what an earlier test left."""
        warehouse = self.warehouse(sample.target(SNOWFLAKE), datetime.now)
        warehouse.open()
        warehouse.query("DROP SCHEMA IF EXISTS CRM.ANALYTICS CASCADE")
        warehouse.disconnect()


@contextmanager
def running() -> Iterator[Server]:
    """The stand-in, in a process of its own."""
    command = [sys.executable, str(SERVER)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        assert process.stdin
        try:
            ready = json.loads(process.stdout.readline())
            yield Server(ready["host"], ready["port"])
        finally:
            process.kill()  # a session that a failed test left open must not keep the suite waiting


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The stand-in, the same for all checks."""
    with running() as found:
        yield found


@pytest.fixture
def duckdb_bench(tmp_path: Path) -> Bench:
    """A DuckDB file."""
    path = tmp_path / "it's a warehouse.duckdb"
    return Bench(DUCKDB, tmp_path, lambda target, clock: DuckDBWarehouse(path, target, clock))


@pytest.fixture
def snowflake_bench(tmp_path: Path, server: Server) -> Bench:
    """A database of the stand-in."""
    server.empty()
    return Bench(SNOWFLAKE, tmp_path, server.warehouse)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_duckdb_conforms(check: Callable[[Bench], None], duckdb_bench: Bench) -> None:
    check(duckdb_bench)


# Against the stand-in, what the server has a part in; all of them are tried on the same adapter in this process.
SERVED = CHECKS if MANY else (*conformance.CHECKS, *conformance_values.CHECKS, *conformance_switch.CHECKS[:3])


@pytest.mark.parametrize("check", SERVED, ids=lambda check: check.__name__)
def test_snowflake_conforms(check: Callable[[Bench], None], snowflake_bench: Bench) -> None:
    check(snowflake_bench)


@pytest.mark.parametrize("seed", seeds(8))
def test_any_rounds_of_changes_end_like_the_source_on_duckdb(seed: int, duckdb_bench: Bench) -> None:
    deletes, keep = ("skip", "flag", "remove")[seed % 3], ("latest", "first")[seed % 2]
    conformance.random_rounds_equal_the_source(duckdb_bench, seed, rounds=12, deletes=deletes, keep=keep)


@pytest.mark.parametrize("seed", seeds(4))
def test_what_a_forecast_says_comes_true_on_duckdb(seed: int, duckdb_bench: Bench) -> None:
    conformance_forecast.forecasts_come_true(duckdb_bench, seed, rounds=5, deletes=("skip", "flag", "remove")[seed % 3])


@pytest.mark.parametrize("seed", seeds(3))
def test_any_rounds_leave_whole_histories_on_duckdb(seed: int, duckdb_bench: Bench) -> None:
    deletes = ("skip", "flag", "remove")[seed % 3]
    conformance_versions.any_rounds_leave_whole_histories(duckdb_bench, seed, rounds=8, deletes=deletes)

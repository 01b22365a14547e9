"""A DuckDB file that cannot be used says so, and names the file."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from durable_runtime.errors import LockHeld, PipelineError, StatementFailed, WarehouseCorrupt, WarehouseUnavailable
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Counts, Run
from durable_runtime.warehouse.conformance import contact
from durable_runtime.warehouse.dialect import DUCKDB
from durable_runtime.warehouse.duckdb import DuckDBWarehouse
from durable_runtime.warehouse.engine import utc_now

KILLED = Path(__file__).parent / "killed_load.py"
HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def opened(path: Path) -> PipelineError:
    """The error of opening the file."""
    with pytest.raises(PipelineError) as caught, DuckDBWarehouse(path, sample.target(DUCKDB)):
        pass
    return caught.value


def test_a_file_that_another_process_holds_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdin
        assert holder.stdout.readline() == "held\n"
        error = opened(path)
        holder.stdin.close()
    assert type(error) is WarehouseUnavailable
    assert error.exit_code == 6
    assert str(path) in error.message
    assert error.help == "Close the program that has it open, then run again."


def test_a_file_that_is_no_database_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_text("this is a text " * 1000, encoding="utf-8")
    error = opened(path)
    assert type(error) is WarehouseCorrupt
    assert error.exit_code == 7
    assert str(path) in error.message


def test_a_file_with_a_damaged_block_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with DuckDBWarehouse(path, sample.target(DUCKDB)) as warehouse:
        warehouse.prepare(sample.loads(DUCKDB))
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)
    assert type(opened(path)) is WarehouseCorrupt


def test_a_folder_in_the_place_of_the_file_is_no_crash(tmp_path: Path) -> None:
    assert isinstance(opened(tmp_path), PipelineError)


def test_a_file_where_the_folder_should_be_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert isinstance(opened(tmp_path / "file" / "warehouse.duckdb"), PipelineError)


def test_a_statement_that_fails_names_the_file_and_keeps_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with (
        DuckDBWarehouse(path, sample.target(DUCKDB)) as warehouse,
        pytest.raises(StatementFailed, match="Table with name nowhere does not exist") as caught,
    ):
        warehouse.query("SELECT * FROM nowhere")
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message


def test_closing_twice_and_using_it_afterwards_is_no_crash(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", sample.target(DUCKDB))
    warehouse.open()
    warehouse.close()
    warehouse.close()
    with pytest.raises(WarehouseUnavailable):
        warehouse.query("SELECT 1")


@pytest.mark.parametrize(("statement", "committed"), [(1, 0), (6, 0), (12, 0), (18, 0), (21, 0), (99, 1)])
def test_a_load_that_is_killed_is_there_whole_or_not_at_all(tmp_path: Path, statement: int, committed: int) -> None:
    path = tmp_path / "warehouse.duckdb"
    arguments = [sys.executable, str(KILLED), str(path), str(tmp_path), str(statement)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run(arguments, env=environment, check=False).returncode == 9
    later = [utc_now()]
    with DuckDBWarehouse(path, sample.target(DUCKDB), lambda: later[0]) as warehouse:
        warehouse.prepare(sample.loads(DUCKDB))
        found = [
            warehouse.query(f"SELECT COUNT(*) FROM analytics.{table}").rows[0][0]
            for table in ("customers", "customers__duplicates", "durable_ledger", "durable_state")
        ]
        assert found == [committed] * 4
        with pytest.raises(LockHeld, match="killed"):
            warehouse.acquire("customers", "next", 60)
        later[0] += timedelta(seconds=61)
        run = Run("run-1", "1.0.0", "00D1", warehouse.acquire("customers", "next", 60))
        batch = sample.stage(tmp_path, run, "Contact", [contact("003A", "k"), contact("003B", "k", 1)])
        assert warehouse.load(run, batch) == Counts(inserted=1, duplicates=1)
        assert warehouse.query("SELECT source_id FROM analytics.customers").rows == (("003B",),)

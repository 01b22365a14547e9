"""How a DuckDB file is loaded the cheap way, against the statements that every warehouse runs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from durable_runtime.macros import MACROS, NAMED, needed
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Batch, Counts, Lease, Run, Write
from durable_runtime.warehouse.dialect import DUCKDB
from durable_runtime.warehouse.duckdb import ROW_GROUPS, DuckDBWarehouse
from durable_runtime.warehouse.sample import Staged

START = datetime.fromisoformat("2026-01-01T02:00:00.123456")
TABLES = ("customers", "customers__duplicates", "customers__rejects", "durable_tombstone")
BATCHES, ROWS = 4, 60


@dataclass
class Loaded:
    """An open file with the sample target."""

    warehouse: DuckDBWarehouse
    lease: Lease

    def load(self, batch: Batch, run_id: str = "run-1") -> Counts:
        return self.warehouse.load(Run(run_id, "1.0.0", "00D000000000001EAA", self.lease), batch)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        return sorted(self.warehouse.query(f"FROM analytics.{table}").rows, key=repr)

    def held(self) -> dict[str, list[tuple[Any, ...]]]:
        return {table: self.rows(table) for table in TABLES}

    def statements(self, batch: Batch) -> list[str]:
        return self.warehouse.batch_steps(batch).batch()


@contextmanager
def opened(path: Path, deletes: str = "skip", keep: str = "latest") -> Iterator[Loaded]:
    with DuckDBWarehouse(path, sample.target(DUCKDB), lambda: START) as warehouse:
        warehouse.prepare(sample.loads(DUCKDB, keep), Write(deletes=deletes))
        yield Loaded(warehouse, warehouse.acquire("customers", f"{path.name}/run", 60))


def record(chance: random.Random, at: int) -> Staged:
    """A Contact that may be a duplicate, rejected, filtered or deleted."""
    outcome = chance.choices(("live", "deleted", "filtered", "rejected"), (12, 1, 1, 2))[0]
    created = None if chance.random() < 0.1 else START - chance.randrange(9) * timedelta(days=1)
    values: dict[str, sample.Value] = {"email": f"{at}@example.com", "created_date": created}
    key = f"key-{chance.randrange(120)}" if chance.random() < 0.9 and outcome == "live" else None
    rejected = {"rule": "email_required", "record": '{"Id": "x"}'} if outcome == "rejected" else {}
    modified = START + chance.randrange(30) * timedelta(hours=1)
    return Staged(f"003{at:04d}", modified, values, key, outcome, '{"a": "1"}' if at % 3 else None, **rejected)


def batches(folder: Path, chance: random.Random) -> list[Batch]:
    """Batches of one run, which know of each other."""
    run = Run("run-1", "1.0.0", "00D000000000001EAA", Lease("customers", "x", 1, 60))
    staged = []
    for number in range(BATCHES):
        rows = [record(chance, number * ROWS + at) for at in range(ROWS)]
        staged.append(sample.stage(folder, run, "Contact", rows, number, number == BATCHES - 1, START))
    files = tuple(one.path for one in staged)
    return [replace(one, files=files) for one in staged]


@pytest.mark.parametrize("deletes", ["skip", "flag", "remove"])
@pytest.mark.parametrize("keep", ["latest", "first"])
def test_a_first_load_ends_like_the_statements_of_every_warehouse(tmp_path: Path, deletes: str, keep: str) -> None:
    several = batches(tmp_path, random.Random(f"{deletes} {keep}"))
    with opened(tmp_path / "plain.duckdb", deletes, keep) as plain:
        counts = [plain.load(replace(one, files=())) for one in several]
        expected = plain.held()
    with opened(tmp_path / "first.duckdb", deletes, keep) as first:
        assert not any("MERGE INTO analytics.customers" in one for one in first.statements(several[0]))
        quick = []
        for one in several:
            quick.append(first.load(one))
            keys = Counter(row[0] for row in first.warehouse.execute(
                "SELECT dedupe_key FROM analytics.customers WHERE NOT is_deleted AND dedupe_key IS NOT NULL"
            ))  # fmt: skip
            assert max(keys.values()) == 1
        assert first.held() == expected
        again = [first.load(replace(one, number=one.number + BATCHES, files=())) for one in several]
    assert len(expected["customers__duplicates"]) > 20
    assert expected["customers__rejects"]
    assert sum(one.rejected for one in quick) == sum(one.rejected for one in counts) > 0
    assert sum(one.duplicates for one in quick) == len(expected["customers__duplicates"])
    written = sum(one.inserted + one.updated + one.deleted + one.duplicates + one.rejected for one in again)
    assert written == 0


def test_a_first_load_that_was_killed_goes_on_as_any_other(tmp_path: Path) -> None:
    several = batches(tmp_path, random.Random(5))
    with opened(tmp_path / "whole.duckdb") as whole:
        for one in several:
            whole.load(one)
        expected = whole.held()
    for done in range(1, BATCHES):
        path = tmp_path / f"killed-{done}.duckdb"
        with opened(path) as killed:
            for one in several[:done]:
                killed.load(one)
        with opened(path) as after:
            assert any("MERGE INTO analytics.customers" in one for one in after.statements(several[0]))
            for one in several:
                after.load(replace(one, number=one.number + BATCHES))
            assert after.held() == expected


def test_a_winner_that_the_killed_run_loaded_ahead_may_have_left_since(tmp_path: Path) -> None:
    contact = Staged("0031", START, {"email": "a@example.com"}, "same")
    winner = Staged("0032", START + timedelta(days=1), {"email": "b@example.com"}, "same")
    run = Run("run-1", "1.0.0", "00D000000000001EAA", Lease("customers", "x", 1, 60))
    staged = [sample.stage(tmp_path, run, "Contact", [row], at, False) for at, row in enumerate((contact, winner))]
    gone = sample.stage(tmp_path, replace(run, run_id="run-2"), "Contact", [replace(winner, outcome="deleted")], 7)
    with opened(tmp_path / "killed.duckdb") as killed:
        assert killed.load(replace(staged[0], files=tuple(one.path for one in staged))) == Counts(duplicates=1)
        assert [row[1] for row in killed.rows("customers")] == ["0032"]
    with opened(tmp_path / "killed.duckdb") as after:
        after.load(replace(staged[0], number=6))
        after.load(gone)
        assert [(row[1], row[3]) for row in after.rows("customers")] == [("0031", False), ("0032", True)]
        assert after.rows("customers__duplicates") == []


def test_the_same_records_in_another_run_are_merged(tmp_path: Path) -> None:
    several = batches(tmp_path, random.Random(6))
    with opened(tmp_path / "twice.duckdb") as twice:
        for one in several:
            twice.load(one)
        for one in several:
            counts = twice.load(one, "run-2")
            assert counts.unchanged + counts.skipped == ROWS


def changed(tmp_path: Path, *statements: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """What an update of one Account runs, and its row, in a table that somebody changed."""
    run = Run("run-1", "1.0.0", "00D000000000001EAA", Lease("customers", "x", 1, 60))
    first = sample.stage(tmp_path, run, "Account", [Staged("001A", START, {"name": "Old"})])
    second = sample.stage(
        tmp_path, replace(run, run_id="run-2"), "Account", [Staged("001A", START, {"name": "New"})], 1
    )
    with opened(tmp_path / "changed.duckdb") as held:
        held.load(first)
        for statement in statements:
            held.warehouse.execute(statement)
        ran = held.statements(second)
        assert held.load(second) == Counts(updated=1)
        return ran, list(held.warehouse.query("SELECT * EXCLUDE (row_hash) FROM analytics.customers").rows)


def test_a_changed_row_is_inserted_anew_and_keeps_what_the_merge_does_not_write(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    ran, rows = changed(tmp_path / "plain")
    assert any(one.startswith("DELETE FROM analytics.customers AS t USING") for one in ran)
    assert "New" in rows[0]
    note = ('ALTER TABLE analytics.customers ADD COLUMN "a note" VARCHAR',)
    (tmp_path / "noted").mkdir()
    _, noted = changed(tmp_path / "noted", *note, "UPDATE analytics.customers SET \"a note\" = 'call them'")
    assert noted == [(*rows[0], "call them")]
    (tmp_path / "default").mkdir()
    default = "ALTER TABLE analytics.customers ALTER COLUMN \"a note\" SET DEFAULT 'none'"
    ran, left = changed(tmp_path / "default", *note, default)
    assert not any(one.startswith("DELETE FROM analytics.customers AS t USING") for one in ran)
    assert left == [(*rows[0], None)]


def test_row_groups_of_any_size_live_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    with duckdb.connect(str(path)) as old:
        old.execute("CREATE SCHEMA analytics")
        for statement in sample.target(DUCKDB).create:
            old.execute(statement)
        old.execute("CREATE TABLE analytics.numbers AS SELECT i FROM range(150000) r(i)")
    several = batches(tmp_path, random.Random(7))
    with opened(path) as held:
        for one in several:
            held.load(one)
        held.warehouse.execute("INSERT INTO analytics.numbers SELECT i FROM range(150000, 300000) r(i)")
        held.warehouse.execute("DELETE FROM analytics.numbers WHERE i % 3 = 0")
        expected = held.held()
    assert not path.with_name("old.duckdb.wal").exists()
    with duckdb.connect(str(path)) as plain:
        plain.execute("INSERT INTO analytics.numbers VALUES (0)")
        sizes = plain.execute("SELECT max(count) FROM pragma_storage_info('analytics.numbers')").fetchone()
        assert plain.execute("SELECT count(*), sum(i) FROM analytics.numbers").fetchone() == (200_001, 30_000_000_000)
    assert sizes is not None and sizes[0] > int(ROW_GROUPS.split()[-1])
    with opened(path) as again:
        assert again.held() == expected


def test_a_statement_gets_the_macros_that_it_calls(tmp_path: Path) -> None:
    for name, macro in NAMED.items():
        parameters = macro.split("(", 1)[1].split(")", 1)[0].count(",") + 1
        call = f"{name}({', '.join(['NULL'] * parameters)})"
        with duckdb.connect() as database:
            for one in needed(f"SELECT {call}"):
                database.execute(one)
            for told in ("does not exist", "not found"):
                assert told not in refusal(database, f"SELECT {call}"), name
    assert needed("SELECT 1") == ()
    assert needed("SELECT e164(x)") == MACROS


def refusal(database: duckdb.DuckDBPyConnection, statement: str) -> str:
    """What DuckDB says against a statement, if it says anything."""
    try:
        database.execute(statement)
    except duckdb.Error as error:
        return str(error)
    return ""

"""Records of half a megabyte each, many in a page: more than the usual memory limit, and they load all the same."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from durable_runtime import transformation
from durable_runtime.errors import Incomplete
from durable_runtime.spec import Column, Transform
from durable_runtime.transformation import Stamp
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Run
from durable_runtime.warehouse.dialect import DUCKDB
from durable_runtime.warehouse.duckdb import DuckDBWarehouse

LONGEST = ("é,\n" * 43_691)[:131_072]  # what a long text area holds at most
NAMES = ("Id", "SystemModstamp", "IsDeleted", "A", "B", "C")
SELECT = """
SELECT "Id" AS source_id, read_timestamp("SystemModstamp") AS source_modified_at, FALSE AS is_deleted,
    NULL::TIMESTAMP AS __created_at, "A" AS a, "B" AS b, "C" AS c, NULL AS __misfit,
    __extensions AS extensions, __record
FROM landed
"""
COLUMNS = tuple(Column(one.lower(), "VARCHAR", "VARCHAR", one) for one in "ABC")
STAMP = Stamp("run-1", datetime(2026, 1, 5), "1.0.0")  # noqa: DTZ001


def staged(folder: Path, transform: Transform, page: Path, records: int) -> transformation.Staged:
    return transformation.stage(
        transform, [page], header=NAMES, extra=(), requirement="R1", stamp=STAMP, batch_rows=50_000, folder=folder,
        key=b"key", records=records,
    )  # fmt: skip


def page(folder: Path, rows: int, text: str) -> Path:
    path = folder / "page.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(f'"{one}"' for one in NAMES) + "\n")
        for at in range(rows):
            file.write(f'"003{at:015d}","2026-01-01T00:00:00.000Z","false","{text}","{text}","{text}"\n')
    return path


def test_a_page_of_huge_records_is_staged_whole(tmp_path: Path) -> None:
    done = staged(tmp_path / "out", Transform("Note", SELECT, COLUMNS), page(tmp_path, 700, LONGEST), 700)
    assert done.rows == 700
    with duckdb.connect() as database:
        found = database.execute(
            "SELECT count(*), min(a), max(b), min(c) FROM read_parquet(?)", [str(done.batches[0][0])]
        ).fetchone()
    assert found == (700, LONGEST, LONGEST, LONGEST)


def test_a_page_that_reads_as_fewer_records_than_were_landed_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(Incomplete, match="Note: 11 records were landed, but 10 were read"):
        staged(tmp_path / "out", Transform("Note", SELECT, COLUMNS), page(tmp_path, 10, "x"), 11)


def test_a_renamed_column_or_another_dedupe_rule_is_another_row(tmp_path: Path) -> None:
    renamed = (COLUMNS[0], Column("renamed", "VARCHAR", "VARCHAR", "B"), COLUMNS[2])
    variants = [
        Transform("Note", SELECT, COLUMNS),
        Transform("Note", SELECT.replace("AS b,", "AS renamed,"), renamed),
        Transform("Note", SELECT, COLUMNS, keys=("a",)),
        Transform("Note", SELECT, COLUMNS, keys=("a",), keep="first"),
        Transform("Note", SELECT, COLUMNS),
    ]
    hashes = []
    for at, transform in enumerate(variants):
        done = staged(tmp_path / str(at), transform, page(tmp_path, 1, "x"), 1)
        with duckdb.connect() as database:
            hashes.append(
                database.execute("SELECT row_hash FROM read_parquet(?)", [str(done.batches[0][0])]).fetchone()
            )
    assert len(set(hashes)) == 4
    assert hashes[0] == hashes[4]


def test_huge_records_are_merged_whole(tmp_path: Path) -> None:
    rows = [
        sample.Staged(f"001{at:015d}", datetime(2026, 1, 1), {"name": LONGEST * 3})  # noqa: DTZ001
        for at in range(120)
    ]
    target = sample.target(DUCKDB)
    with DuckDBWarehouse(tmp_path / "w.duckdb", target, memory_limit="48MB") as warehouse:
        warehouse.prepare(sample.loads(DUCKDB))
        run = Run("run-1", "1.0.0", "00D", warehouse.acquire("sample", "run-1", 60))
        for number in range(2):
            changed = [sample.Staged(one.id, one.modified, {"name": f"{number}{LONGEST * 3}"}) for one in rows]
            batch = sample.stage(tmp_path, run, "Account", changed, number)
            assert warehouse.load(run, batch).rows == 120
        assert warehouse.query("SELECT current_setting('threads')").rows == ((1,),)  # it needed the larger limit
        found = warehouse.query("SELECT count(*), min(length(name)), max(name[1]) FROM analytics.customers").rows
    assert found == ((120, 3 * 131_072 + 1, "1"),)

"""What is rehearsed is what a load then sends, in every mode and layout; a preview reads and never writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from durable_runtime.errors import Bug
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Run, Totals, Write
from durable_runtime.warehouse.conformance import START, account, contact
from durable_runtime.warehouse.dialect import DUCKDB
from durable_runtime.warehouse.duckdb import DuckDBWarehouse
from durable_runtime.warehouse.preview import Load, Preview, Said, rehearse

FILE = re.compile(r"[^'\s]*/(?=run-)")


class Noted(DuckDBWarehouse):
    """A DuckDB file whose statements are written down."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.sent: list[str] = []

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Note a statement and run it."""
        self.sent.append(sql)
        return super().execute(sql, values)


def form(statements: Sequence[str], run_id: str) -> list[str]:
    """Statements of a run without the place of the staged files."""
    return [FILE.sub("", one.replace("RUN_FOLDER", "/x").replace("RUN_ID", run_id)) for one in statements]


def flat(said: Sequence[Said]) -> list[str]:
    """The statements in the order in which they run."""
    return [statement for one in said for statement in one.statements * one.times]


@pytest.mark.parametrize("per_object", [False, True], ids=["one table", "a table each"])
@pytest.mark.parametrize("mode", ["upsert", "append", "replace", "history"])
def test_a_load_sends_what_was_rehearsed(mode: str, per_object: bool, tmp_path: Path) -> None:
    path, write = tmp_path / "warehouse.duckdb", Write(mode, "remove")
    target = sample.target(DUCKDB, mode=mode, per_object=per_object)
    loads = sample.loads(DUCKDB, mode=mode, per_object=per_object)
    for number, rows in enumerate(((2, 3), (1, 0))):
        planned = [Load(one, max(many, 1), not many, START) for one, many in zip(loads, rows, strict=True)]
        with Preview(DuckDBWarehouse(path, target, lambda: START, read_only=True)) as preview:
            preview.examine(loads, write)
            adapter = DuckDBWarehouse(path, target, lambda: START)
            said = form(flat(rehearse(preview, adapter, "customers", "1.0.0", planned)), f"run-{number}")
            assert preview.totals("Account") == Totals(2 * number, 0, 0)
        with Noted(path, target, lambda: START) as warehouse:
            warehouse.prepare(loads, write)
            warehouse.sent.clear()
            run = Run(f"run-{number}", "1.0.0", "00D1", warehouse.acquire("customers", f"here/run-{number}", 0))
            for one, many in zip(loads, rows, strict=True):
                make = account if one.object == "Account" else contact
                batches = [[make(f"00{number}{at}", f"k{at}")] for at in range(many)] or [[]]
                staged = [
                    sample.stage(tmp_path, run, one.object, each, at, at == len(batches) - 1)
                    for at, each in enumerate(batches)
                ]
                files = tuple(each.path for each in staged)
                for each in staged:
                    content = each.path.name if len(staged) > 1 else None
                    warehouse.load(run, replace(each, content=content, read_to=START, files=files))
            warehouse.switch(run)
            assert form([one for one in warehouse.sent if not one.endswith("LIMIT 0")], run.run_id) == said
            warehouse.release(run.lease)


def test_a_file_that_is_not_there_is_previewed_and_stays_away(tmp_path: Path) -> None:
    path = tmp_path / "nothing" / "warehouse.duckdb"
    with Preview(DuckDBWarehouse(path, sample.target(DUCKDB), read_only=True)) as preview:
        assert {one.kind for one in preview.examine(sample.loads(DUCKDB), Write())} == {"create"}
        assert preview.state("customers") == {}
        assert preview.totals("Contact") == Totals(0, 0, 0)
    assert not path.parent.exists()


@pytest.mark.parametrize("statement", ["CREATE TABLE t (a INTEGER)", " delete from analytics.customers", "BEGIN"])
def test_a_preview_refuses_to_write(statement: str, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with DuckDBWarehouse(path, sample.target(DUCKDB)) as warehouse:
        warehouse.prepare(sample.loads(DUCKDB))
    with Preview(DuckDBWarehouse(path, sample.target(DUCKDB), read_only=True)) as preview, pytest.raises(Bug):
        preview.execute(statement)

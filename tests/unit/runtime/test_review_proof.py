"""What drift holds back, and who may touch work tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from durable_runtime import drift
from durable_runtime.errors import LeaseLost
from durable_runtime.spec import Extract
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Run
from durable_runtime.warehouse.dialect import DUCKDB
from durable_runtime.warehouse.duckdb import DuckDBWarehouse


def test_new_fields_are_held_while_a_left_out_one_is_missing() -> None:
    extract = Extract("Contact", ("Id",), lambda _fields: "", "Id", ("R1",), refused=("SSN__c",))
    described = {"fields": [{"name": "Id", "type": "id"}, {"name": "Number__c", "type": "string"}]}
    shape = drift.compare(extract, described, "extensions")
    assert (shape.held, shape.extra, shape.fields) == (("Number__c",), (), ("Id",))
    described["fields"].append({"name": "SSN__c", "type": "string"})
    assert drift.compare(extract, described, "extensions").extra == ("Number__c",)


def test_who_lost_the_lease_leaves_the_holders_work_tables_alone(tmp_path: Path) -> None:
    now = datetime(2026, 1, 5)  # noqa: DTZ001
    target, path = sample.target(DUCKDB), tmp_path / "warehouse.duckdb"
    with DuckDBWarehouse(path, target, lambda: now) as late, DuckDBWarehouse(path, target, lambda: now) as holder:
        late.prepare(sample.loads(DUCKDB))
        old = Run("run-1", "1.0.0", "00D", late.acquire("p", "run-1", 300))
        holder.clock = lambda: now + timedelta(seconds=301)
        holder.prepare(sample.loads(DUCKDB))
        run = Run("run-2", "1.0.0", "00D", holder.acquire("p", "run-2", 300))
        holder.load(run, sample.stage(tmp_path, run, "Account", [sample.Staged("001", now, {"name": "a"})]))
        before = holder.query("SELECT * FROM analytics.customers__before").rows
        holder.query("INSERT INTO analytics.customers__keys VALUES ('in use')")
        batch = sample.stage(tmp_path, old, "Account", [sample.Staged("001", now, {"name": "b"})])
        for attempt in (
            lambda: late.load(old, batch),
            lambda: late.mark_deleted(old, "Account", tmp_path / "none.csv"),
        ):
            with pytest.raises(LeaseLost):
                attempt()
        assert holder.query("SELECT * FROM analytics.customers__before").rows == before
        assert holder.query("SELECT * FROM analytics.customers__keys").rows == (("in use",),)

"""What a run must hold before it may call itself complete, what drift holds back, and who may touch work tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from durable_runtime import drift
from durable_runtime.errors import LeaseLost
from durable_runtime.proof import _due, _joined
from durable_runtime.spec import Extract
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Run
from durable_runtime.warehouse.dialect import DUCKDB
from durable_runtime.warehouse.duckdb import DuckDBWarehouse
from durable_runtime.windows import Plan, Window

END = datetime(2026, 1, 5, 2, 0, 1, tzinfo=UTC)


@dataclass
class Asked:
    """A session that counts nothing and remembers its questions."""

    questions: list[tuple[str, str]] = field(default_factory=list)

    def get(self, path: str, params: dict[str, str]) -> dict[str, str]:
        self.questions.append((path, params["q"]))
        return {"totalSize": "7"}


def question(name: str, overlap_seconds: int) -> tuple[str, str]:
    session = Asked()
    extract = Extract(name, ("Id",), lambda _fields: "", "SystemModstamp", ("R1",))
    job: Any = SimpleNamespace(
        extracts=[extract],
        plans={name: Plan(extract, ("Id",), Window(None, END))},
        pipeline=SimpleNamespace(policies=SimpleNamespace(overlap_seconds=overlap_seconds)),
    )
    assert _due(job, cast(Any, session), name) == 7
    (asked,) = session.questions
    return asked


def test_a_record_that_the_next_run_reads_again_is_not_missed_yet() -> None:
    path, soql = question("Contact", 600)
    assert path == "query"
    assert soql == "SELECT COUNT() FROM Contact WHERE SystemModstamp < 2026-01-05T01:50:01.000Z"
    assert question("Contact", 0)[1].endswith("2026-01-05T02:00:00.000Z")


def test_archived_activities_are_live() -> None:
    path, soql = question("Task", 600)
    assert path == "queryAll"
    assert soql == "SELECT COUNT() FROM Task WHERE SystemModstamp < 2026-01-05T01:50:01.000Z AND IsDeleted = false"


def test_pages_of_ids_join_though_the_last_line_has_no_line_feed(tmp_path: Path) -> None:
    pages = (tmp_path / "1.csv", tmp_path / "2.csv", tmp_path / "3.csv")
    for path, text in zip(pages, ('"Id"\n"a"\n"b"', '"Id"\n', '"Id"\n"c"\n'), strict=True):
        path.write_text(text, encoding="utf-8")
    assert _joined(pages, tmp_path / "all.csv").read_text(encoding="utf-8") == '"Id"\n"a"\n"b"\n"c"\n'


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
            lambda: late.mark_missing(old, "Account", tmp_path / "none.csv"),
        ):
            with pytest.raises(LeaseLost):
                attempt()
        assert holder.query("SELECT * FROM analytics.customers__before").rows == before
        assert holder.query("SELECT * FROM analytics.customers__keys").rows == (("in use",),)

"""A staged file arrives in Snowflake as it is, or nothing is written; and the adapter conforms by Snowflake's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from durable_runtime.errors import Incomplete, LockHeld, PipelineError, StatementFailed
from durable_runtime.spec import Column, Target
from durable_runtime.warehouse import conformance, conformance_forecast, conformance_values, sample
from durable_runtime.warehouse.base import Batch, Counts, Rows, Run, Write
from durable_runtime.warehouse.conformance import DAY, ORGANIZATION, START, Bench, Trial, account, contact
from durable_runtime.warehouse.conformance_values import write
from durable_runtime.warehouse.dialect import SNOWFLAKE
from durable_runtime.warehouse.forecast import write_ids
from durable_runtime.warehouse.snowflake import rows_loaded
from durable_runtime.warehouse.staged_file import StagedFile
from functional.snowflake_on_duckdb import SnowflakeOnDuckDB

CHECKS = (*conformance.CHECKS, *conformance_values.CHECKS, *conformance_forecast.CHECKS)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """The adapter over a DuckDB in memory that is told Snowflake's rules."""
    with duckdb.connect() as database:

        def connect(target: Target, clock: Callable[[], datetime]) -> SnowflakeOnDuckDB:
            return SnowflakeOnDuckDB(database, target, clock)

        yield Bench(SNOWFLAKE, tmp_path, connect)


@pytest.fixture
def trial(bench: Bench) -> Iterator[Trial]:
    """The sample's table, open and with the lease."""
    with Trial(bench) as made:
        yield made


def adapter(trial: Trial) -> SnowflakeOnDuckDB:
    """The trial's warehouse."""
    assert isinstance(trial.warehouse, SnowflakeOnDuckDB)
    return trial.warehouse


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_adapter_conforms_by_snowflakes_order_of_nulls(check: Callable[[Bench], None], bench: Bench) -> None:
    check(bench)


def refused(trial: Trial, error: type[PipelineError], change: Callable[[Batch], Batch] = lambda one: one) -> str:
    """The message of a load that is refused and leaves no trace."""
    run = trial.run()
    batch = change(trial.stage(run, "Account", [account(), account("001B")]))
    with pytest.raises(error) as caught:
        trial.warehouse.load(run, batch)
    assert trial.select("source_id") == []
    assert trial.warehouse.query("SELECT * FROM CRM.ANALYTICS.durable_ledger").rows == ()
    return caught.value.message


@pytest.mark.parametrize("says", [1, 0, 3])
def test_copy_that_says_another_number_of_rows_is_not_believed(trial: Trial, says: int) -> None:
    adapter(trial).says = lambda _: says
    assert f"has 2 rows, but COPY says {says} and the table holds 2; nothing was written." in refused(trial, Incomplete)


def test_a_row_that_is_lost_on_the_way_is_missed(trial: Trial) -> None:
    adapter(trial).after_copy = "DELETE FROM {table} WHERE source_id = '001B'"
    assert "COPY says 2 and the table holds 1" in refused(trial, Incomplete)


@pytest.mark.parametrize(
    "moved",
    [
        "source_modified_at + INTERVAL 1 MICROSECOND",
        "source_modified_at + INTERVAL 1 HOUR",
        "make_timestamp(epoch_us(source_modified_at) // 1000)",
        "TIMESTAMP '43113-09-24 00:00:00'",
        "NULL",
    ],
)
def test_timestamps_that_arrive_as_other_ones_are_refused(trial: Trial, moved: str) -> None:
    adapter(trial).after_copy = f"UPDATE {{table}} SET source_modified_at = {moved}"
    assert refused(trial, Incomplete).endswith("are other ones in Snowflake; nothing was written.")


def test_an_answer_that_no_date_can_hold_is_refused_too(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver cannot even read a year 43113053."""
    warehouse = adapter(trial)
    answer = warehouse._answer

    def overflowing(sql: str, values: Any) -> Any:
        if "MIN(source_modified_at)" in sql:
            raise StatementFailed("year 43113053 is out of range")
        return answer(sql, values)

    monkeypatch.setattr(warehouse, "_answer", overflowing)
    assert "are other ones in Snowflake" in refused(trial, Incomplete)


def test_a_file_with_other_columns_is_refused_because_copy_would_leave_them_out(trial: Trial, tmp_path: Path) -> None:
    def without_name(batch: Batch) -> Batch:
        path = tmp_path / "short.parquet"
        with duckdb.connect() as database:
            rows = database.read_parquet(str(batch.path))
            rows.project("* EXCLUDE (name)").write_parquet(str(path))
        return replace(batch, path=path)

    assert "short.parquet has the columns source_object, " in refused(trial, StatementFailed, without_name)


def test_a_file_with_another_number_of_rows_than_was_staged_is_refused(trial: Trial) -> None:
    message = refused(trial, Incomplete, lambda batch: replace(batch, rows=3))
    assert message.endswith("has 2 rows where 3 were staged; nothing was written.")


def test_what_was_refused_is_loaded_when_copy_works_again(trial: Trial) -> None:
    warehouse, run = adapter(trial), trial.run()
    batch = trial.stage(run, "Account", [account()])
    warehouse.says = lambda _: 0
    with pytest.raises(Incomplete):
        warehouse.load(run, batch)
    warehouse.says = lambda rows: rows
    assert warehouse.load(run, batch) == Counts(inserted=1)
    assert warehouse.staged == {}


def test_json_is_compared_by_what_it_says(bench: Bench, tmp_path: Path) -> None:
    """A text that COPY puts into a VARIANT is a string there, which differs from every object."""
    doc = Column("doc", "JSON", "VARIANT", "Doc__c")
    target = sample.target(SNOWFLAKE, (*sample.COLUMNS, doc))
    with closing(bench.connect(target, lambda: START)) as warehouse:
        assert isinstance(warehouse, SnowflakeOnDuckDB)
        warehouse.open()
        warehouse.prepare(sample.loads(SNOWFLAKE))
        run = Run("run-1", "1.0.0", ORGANIZATION, warehouse.acquire("customers", "run-1", 60))
        warehouse.load(run, sample.stage(tmp_path, run, "Account", [account(id) for id in ("001A", "001B", "001C")]))
        held = "UPDATE CRM.ANALYTICS.customers SET doc = PARSE_JSON(source_id) WHERE source_id = ?"
        warehouse.execute(held.replace("PARSE_JSON(source_id)", """CAST('{"n":1}' AS JSON)"""), ("001A",))
        warehouse.execute(held.replace("PARSE_JSON(source_id)", """CAST('{"n":1}' AS JSON)"""), ("001B",))
        rows = [("001A", None, '{"n":1}'), ("001B", None, '{"n":2}'), ("001C", None, None)]
        path = write(tmp_path / "values.parquet", [doc], 0, rows)
        for _ in range(2):
            assert warehouse.differing("Account", path, [doc], ()) == ("001B",)


def test_two_rows_for_one_record_are_refused_by_the_stand_in_too(trial: Trial) -> None:
    trial.load("Account", account())
    twice = (
        "SELECT 'Account' AS source_object, '001A' AS source_id, 'x' AS name UNION ALL SELECT 'Account', '001A', 'y'"
    )
    with pytest.raises(StatementFailed, match="100090"):
        trial.warehouse.query(
            f"MERGE INTO CRM.ANALYTICS.customers AS t USING ({twice}) AS s ON t.source_id = s.source_id "
            "WHEN MATCHED AND s.name <> t.name THEN UPDATE SET name = s.name"
        )
    assert trial.select("name") == [("Acme",)]


def test_a_list_that_does_not_arrive_marks_nothing_as_deleted(trial: Trial, tmp_path: Path) -> None:
    trial.load("Account", account(), account("001B"))
    adapter(trial).says = lambda rows: rows - 1
    with pytest.raises(Incomplete):
        trial.warehouse.mark_deleted(trial.run(), "Account", write_ids(tmp_path / "gone.csv", ("001A", "001B")))
    assert trial.live() == ["001A", "001B"]
    assert adapter(trial).staged == {}


def test_what_a_killed_run_left_on_the_stage_is_taken_away_and_nothing_else(trial: Trial) -> None:
    warehouse, stage = adapter(trial), "@CRM.ANALYTICS.durable_stage"
    left = {f"{stage}/customers/run-0/Account/a.parquet": Path("a.parquet")}
    others = {f"{stage}/customers_too/run-0/Account/b.parquet": Path("b.parquet")}
    warehouse.staged.update({**left, **others})
    trial.load("Account", account())
    trial.load("Contact", contact("003A", "k"))
    assert warehouse.staged == others
    assert warehouse.sent.count(f"REMOVE {stage}/customers/") == 1


def test_the_lease_tells_which_run_the_statements_are_of(trial: Trial) -> None:
    warehouse = adapter(trial)
    assert (warehouse.tag.pipeline, warehouse.tag.run_id) == ("customers", "first")
    trial.now += timedelta(seconds=61)
    warehouse.acquire("customers", "place/run-2", 60)
    assert warehouse.tag.run_id == "run-2"


@pytest.mark.parametrize("mode", ["upsert", "replace"])
def test_of_two_first_runs_that_insert_a_lease_at_once_the_later_one_gives_way(bench: Bench, mode: str) -> None:
    loads = sample.loads(SNOWFLAKE, mode=mode)
    lock = "CRM.ANALYTICS.durable_lock"
    with closing(bench.connect(sample.target(SNOWFLAKE, mode=mode), lambda: START)) as warehouse:
        assert isinstance(warehouse, SnowflakeOnDuckDB)
        warehouse.open()
        warehouse.prepare(loads, Write(mode))
        answer = warehouse._answer

        def with_another(sql: str, values: Any) -> Any:
            """What the other run's MERGE, which began at the same moment, adds beside ours."""
            if sql.startswith(f"MERGE INTO {lock}"):
                answer(f"INSERT INTO {lock} VALUES ('customers', 'other', 1, '2027-01-01')", ())
                insert = f"INSERT INTO {lock} SELECT ?, ?, ?, CAST(? AS TIMESTAMP_NTZ) WHERE ? IS NOT NULL"
                pipeline, owner, fence, old, expires_at = values
                return answer(insert, (pipeline, owner, fence, expires_at, old))
            return answer(sql, values)

        warehouse._answer = with_another  # type: ignore[method-assign]
        with pytest.raises(LockHeld):
            warehouse.acquire("customers", "place/run-1", 60)
        assert warehouse.query(f"SELECT owner, fence FROM {lock}").rows == (("other", 1),)
        assert not any("__next" in text for text in warehouse.sent if text.startswith("CREATE OR REPLACE"))


def test_nothing_is_left_on_the_stage(trial: Trial, tmp_path: Path) -> None:
    trial.load("Account", account(), account("001B", days=1))
    trial.warehouse.mark_deleted(trial.run(), "Account", write_ids(tmp_path / "gone.csv", ("001B",)))
    assert adapter(trial).staged == {}


@pytest.mark.parametrize(
    ("answer", "rows"),
    [
        (Rows(("file", "status", "rows_parsed", "rows_loaded"), (("a", "LOADED", 3, 3),)), 3),
        (Rows(("file", "status", "rows_parsed", "rows_loaded"), (("a", "LOADED", 3, 3), ("b", "LOADED", 2, 2))), 5),
        (Rows(("file", "status", "rows_parsed", "rows_loaded"), (("a", "PARTIALLY_LOADED", 3, 2),)), 2),
        (Rows(("status",), (("Copy executed with 0 files processed.",),)), 0),
        (Rows((), ()), 0),
    ],
)
def test_the_rows_that_copy_loaded_are_counted(answer: Rows, rows: int) -> None:
    assert rows_loaded(answer) == rows


def test_a_staged_file_is_known_by_rows_columns_and_the_ends_of_its_timestamps(tmp_path: Path) -> None:
    path = tmp_path / "it's here.parquet"
    with duckdb.connect() as database:
        database.sql(
            "SELECT n, TIMESTAMP '0001-01-01' + to_days(n::INT) AS at, NULL::TIMESTAMP AS nothing, "
            "DATE '2026-01-01' AS day, 'x' AS \"Text\" FROM range(3) t(n)"
        ).write_parquet(str(path))
    first = datetime.fromisoformat("0001-01-01")
    ends = {"at": (first, first + 2 * DAY), "nothing": (None, None)}
    assert StagedFile.of(path) == StagedFile(3, ("n", "at", "nothing", "day", "Text"), ends)


def test_an_empty_file_has_no_ends(tmp_path: Path) -> None:
    path = tmp_path / "empty.parquet"
    with duckdb.connect() as database:
        database.sql("SELECT TIMESTAMP '2026-01-01' AS at WHERE false").write_parquet(str(path))
    assert StagedFile.of(path) == StagedFile(0, ("at",), {"at": (None, None)})


def test_the_start_of_the_sample_has_microseconds_to_lose() -> None:
    assert START.microsecond % 1000

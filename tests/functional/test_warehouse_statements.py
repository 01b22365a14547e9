"""The statements of a load are valid in their dialect, name bare columns in a MERGE, and differ by types only."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import product
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from durable_runtime.errors import ConfigurationError, StatementFailed
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Batch, Write
from durable_runtime.warehouse.dialect import CONTROL, DUCKDB, SNOWFLAKE, WORK, Dialect, Names, checked, names_of
from durable_runtime.warehouse.engine import checked_token
from durable_runtime.warehouse.modes import MODES, steps_of
from durable_runtime.warehouse.steps import Steps

DIALECTS = (DUCKDB, SNOWFLAKE)
BATCH = Batch("Account", 0, Path("staged.parquet"), 1, read_to=datetime.fromisoformat("2026-01-01"))
NOW = "CAST('2026-01-01 00:00:00' AS TIMESTAMP)"
STAMPS = {"deleted_at": NOW, "loaded_at": NOW, "run_id": "'run-1'", "pipeline_version": "'1.0.0'"}


def statements(dialect: Dialect, deletes: str, keep: str = "latest", mode: str = "upsert") -> list[str]:
    """Every statement that a load in the dialect may run."""
    target = sample.target(dialect, mode=mode)
    names = names_of(target, dialect, target.schema or "")
    columns = tuple(column.name for column in target.columns)
    loads = sample.loads(dialect, keep, mode=mode)
    own = [steps_of(names, columns, load, Write(mode, deletes)) for load in loads]
    return [
        *target.create,
        *names.create_control(),
        *names.create_work(*WORK),
        *(
            text
            for steps in own
            for text in (
                steps.stage_view(BATCH),
                *steps.batch(),
                steps.count(),
                steps.repeated(),
                steps.live(),
                steps.present(),
                steps.known(),
                *steps.drop_missing(STAMPS),
            )
        ),
    ]


@pytest.mark.parametrize(("dialect", "deletes"), list(product(DIALECTS, ("skip", "flag", "remove"))))
@pytest.mark.parametrize("mode", MODES)
def test_every_statement_parses_in_its_dialect(dialect: Dialect, deletes: str, mode: str) -> None:
    for text in statements(dialect, deletes, mode=mode):
        parsed = sqlglot.parse(text, dialect=dialect.name)
        assert len(parsed) == 1
        assert not isinstance(parsed[0], exp.Command), text


@pytest.mark.parametrize(("dialect", "deletes"), list(product(DIALECTS, ("skip", "flag", "remove"))))
@pytest.mark.parametrize("mode", MODES)
def test_a_merge_assigns_bare_columns_of_its_source(dialect: Dialect, deletes: str, mode: str) -> None:
    merges = [
        parsed
        for text in statements(dialect, deletes, mode=mode)
        if isinstance(parsed := sqlglot.parse_one(text, dialect=dialect.name), exp.Merge)
    ]
    assert merges
    for merge in merges:
        for assignment in (one for update in merge.find_all(exp.Update) for one in update.expressions):
            assert isinstance(assignment.expression, exp.Column), assignment.sql()
            assert assignment.expression.table == "s"


def test_no_delete_uses_an_alias() -> None:
    for text in statements(SNOWFLAKE, "remove"):
        parsed = sqlglot.parse_one(text, dialect="snowflake")
        if isinstance(parsed, exp.Delete):
            assert not parsed.this.alias, text


@pytest.mark.parametrize("deletes", ["skip", "flag", "remove"])
@pytest.mark.parametrize("keep", ["latest", "first"])
def test_the_dialects_differ_by_names_and_types_only(deletes: str, keep: str) -> None:
    spelt = {
        "CRM.ANALYTICS": "analytics",
        "TIMESTAMP_NTZ": "TIMESTAMP",
        "NUMBER(38,0)": "BIGINT",
        "NUMBER(38,18)": "DECIMAL(38,18)",
        "VARIANT": "JSON",
        "TRANSIENT TABLE": "TABLE",
        "PARSE_JSON(x.extensions)": "CAST(x.extensions AS JSON)",
        "PARSE_JSON(s.extensions)": "CAST(s.extensions AS JSON)",
    }

    def as_duckdb(text: str) -> str:
        for snowflake, duckdb in spelt.items():
            text = text.replace(snowflake, duckdb)
        return text

    assert [as_duckdb(text) for text in statements(SNOWFLAKE, deletes, keep)] == statements(DUCKDB, deletes, keep)


def test_a_table_per_object_is_matched_by_id_alone() -> None:
    names = Names(DUCKDB, "analytics", "contact")
    columns = tuple(column.name for column in sample.COLUMNS if column.name != "source_object")
    steps = Steps(names, columns, replace(sample.loads(DUCKDB)[1], merge=lambda _: "SELECT 1"), Write())
    assert steps.key == "t.source_id = s.source_id"
    assert not any("t.source_object" in text or "d.source_object" in text for text in [*steps.batch(), steps.count()])
    assert "r.source_object = 'Contact'" in steps.snapshot()


@pytest.mark.parametrize("name", ["a b", "x;--", "", "1a", 'a"b', "ä", "a.b"])
def test_a_name_that_needs_quotes_never_enters_a_statement(name: str) -> None:
    with pytest.raises(ConfigurationError):
        checked(name)


@pytest.mark.parametrize("text", ["a b", "it's", "x;", "a/b", "a\nb"])
def test_a_run_id_with_other_signs_never_enters_a_statement(text: str) -> None:
    with pytest.raises(StatementFailed):
        checked_token(text)


def test_every_control_table_belongs_to_durable() -> None:
    assert sorted(CONTROL) == ["durable_ledger", "durable_lock", "durable_state", "durable_tombstone"]

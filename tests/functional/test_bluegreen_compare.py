"""A table of blue beside the same table of green: every count, column by column, NULL-safe, in both dialects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from durable_runtime.bluegreen.comparing import Pair, compare, key_of
from durable_runtime.bluegreen.comparison import Comparison, TableComparison, percent
from durable_runtime.errors import StatementFailed
from durable_runtime.warehouse.dialect import SNOWFLAKE
from durable_runtime.warehouse.engine import SqlWarehouse
from functional.bluegreen_world import World, asked_for
from functional.test_snowflake_run import stand_in

# Id, stamp (a day of January), name, amount, extensions; NULL where it is None
Row = tuple[str, int, str | None, str | None, str | None]
BLUE: tuple[Row, ...] = (
    ("1", 1, "same", "1.5", '{"A":"x"}'),
    ("2", 1, "other", None, None),
    ("3", 1, None, "2", '{"A":"x","B":"y"}'),
    ("4", 1, "gone", "3", None),
    ("5", 1, None, None, None),
)
GREEN: tuple[Row, ...] = (
    ("1", 1, "same", "1.50", '{"A":"x"}'),
    ("2", 2, "OTHER", None, None),
    ("3", 1, "filled", "2", '{"A":"x","B":"z"}'),
    ("5", 1, None, None, '{"C":"1"}'),
    ("6", 1, "new", "4", None),
)


def put(warehouse: SqlWarehouse, table: str, rows: tuple[Row, ...], more: str = "", name: str = "Account") -> None:
    """A table with those rows, and others of another object, which are nobody's business."""
    snowflake = warehouse.names.dialect is SNOWFLAKE
    stamp, json_type = ("TIMESTAMP_NTZ", "VARIANT") if snowflake else ("TIMESTAMP", "JSON")
    amount = "NUMBER(38,18)" if snowflake else "DECIMAL(38,18)"
    warehouse.execute(
        f"CREATE OR REPLACE TABLE {table} (source_object VARCHAR, source_id VARCHAR, source_modified_at {stamp}, "
        f"is_deleted BOOLEAN, name VARCHAR, amount {amount}, extensions {json_type}, row_hash VARCHAR, "
        f"loaded_at {stamp}, run_id VARCHAR{more})"
    )
    for at, (id, day, text, number, extensions) in enumerate((*rows, ("1", 9, "another's", None, None))):
        object = name if at < len(rows) else "Other"
        value = warehouse.names.dialect.json.format("?") if extensions else "NULL"
        warehouse.execute(
            f"INSERT INTO {table} (source_object, source_id, source_modified_at, is_deleted, name, amount, extensions, "
            f"row_hash, run_id) SELECT ?, ?, CAST(? AS {stamp}), FALSE, ?, CAST(? AS {amount}), {value}, ?, ?",
            (object, id, f"2026-01-{day:02d}", text, number, *([extensions] if extensions else []), table, table),
        )


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, Any]]:
    """A Snowflake stand-in for the tests that ask for it."""
    with stand_in() as address:
        yield address


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A DuckDB file, or a database of the stand-in where a test is one of `both`."""
    with asked_for(request, tmp_path) as made:
        yield made


both = pytest.mark.parametrize("world", ["duckdb", "snowflake"], indirect=True)


@pytest.fixture
def warehouse(world: World) -> SqlWarehouse:
    found = world.warehouse()
    found.execute(f"CREATE SCHEMA IF NOT EXISTS {found.names.schema}")
    return found


@pytest.fixture
def pair(warehouse: SqlWarehouse) -> Pair:
    blue, green = warehouse.names.of(), warehouse.names.beside("green").of()
    put(warehouse, blue, BLUE)
    put(warehouse, green, GREEN)
    return Pair("Account", "customers", "", blue, green, warehouse.names.dialect)


@both
def test_every_row_and_every_column_is_counted_once(warehouse: SqlWarehouse, pair: Pair) -> None:
    found = compare(warehouse, pair, values=True)
    assert (found.blue_rows, found.green_rows) == (5, 5)
    assert (found.equal, found.different, found.only_blue, found.only_green) == (1, 3, 1, 1)
    assert found.ratio == 1.0
    assert (found.blue_keys, found.green_keys) == ((("4",),), (("6",),))
    assert found.restamped == 1
    assert {one.column: one.rows for one in found.columns} == {
        "source_modified_at": 1, "name": 2, "extensions.B": 1, "extensions.C": 1,
    }  # fmt: skip
    samples = {one.column: [(each.key, each.blue, each.green) for each in one.samples] for one in found.columns}
    assert samples["name"] == [(("2",), "other", "OTHER"), (("3",), None, "filled")]
    assert samples["extensions.B"] == [(("3",), "y", "z")]
    assert samples["extensions.C"] == [(("5",), None, "1")]


def test_values_are_shown_only_when_asked_for_and_never_of_masked_columns(warehouse: SqlWarehouse, pair: Pair) -> None:
    plain = compare(warehouse, pair)
    assert {(each.blue, each.green) for one in plain.columns for each in one.samples} == {(None, None)}
    hidden = compare(warehouse, replace(pair, hidden=frozenset({"name", "extensions.B"})), values=True)
    shown = {one.column for one in hidden.columns for each in one.samples if (each.blue, each.green) != (None, None)}
    assert shown == {"source_modified_at", "extensions.C"}
    assert [one.rows for one in hidden.columns] == [one.rows for one in plain.columns]


def test_as_many_samples_are_shown_as_were_asked_for(warehouse: SqlWarehouse, pair: Pair) -> None:
    one = compare(warehouse, pair, samples=1)
    assert [len(each.samples) for each in one.columns] == [1, 1, 1, 1]
    assert [each.samples[0].key for each in one.columns if each.column == "name"] == [("2",)]
    none = compare(warehouse, pair, samples=0)
    assert [each.samples for each in none.columns] == [()] * 4
    assert none.blue_keys == ()


def test_a_column_that_one_side_alone_has_makes_no_row_different(warehouse: SqlWarehouse, pair: Pair) -> None:
    put(warehouse, pair.green, BLUE, ", tier VARCHAR")
    warehouse.execute(f"UPDATE {pair.green} SET tier = 'gold' WHERE source_id IN ('2', '3')")
    found = compare(warehouse, pair)
    assert (found.equal, found.different) == (5, 0)
    assert [(one.column, one.filled) for one in found.green_columns] == [("tier", 2)]
    assert found.blue_columns == ()


def test_versions_of_a_record_are_told_apart_by_their_key(warehouse: SqlWarehouse, pair: Pair) -> None:
    rows = (("1", 1, "a", None, None), ("1", 2, "b", None, None))
    put(warehouse, pair.blue, rows)
    put(warehouse, pair.green, (("1", 1, "a", None, None), ("1", 2, "B", None, None), ("1", 3, "c", None, None)))
    versions = replace(pair, key=key_of("append", ""))
    found = compare(warehouse, versions)
    assert (found.equal, found.different, found.only_blue, found.only_green) == (1, 1, 0, 1)
    assert found.columns[0].samples[0].key == ("1", "2026-01-02 00:00:00", "false", "1")
    with pytest.raises(StatementFailed, match="have the same key"):
        compare(warehouse, pair)


def test_a_row_that_says_that_a_record_left_is_not_the_one_that_it_is_about(
    warehouse: SqlWarehouse, pair: Pair
) -> None:
    rows: tuple[Row, ...] = (("1", 1, "a", None, None), ("1", 1, None, None, None))
    for table in (pair.blue, pair.green):
        put(warehouse, table, rows)
        warehouse.execute(f"UPDATE {table} SET is_deleted = TRUE WHERE name IS NULL AND source_id = '1'")
    assert compare(warehouse, replace(pair, key=key_of("append", ""))).equal == 2


def test_a_record_without_a_stamp_finds_its_other_half(warehouse: SqlWarehouse, pair: Pair) -> None:
    for table in (pair.blue, pair.green):
        put(warehouse, table, (("1", 1, "a", None, None), ("1", 1, "b", None, None)))
        warehouse.execute(f"UPDATE {table} SET source_modified_at = NULL, row_hash = name")
    assert compare(warehouse, replace(pair, key=key_of("append", ""))).equal == 2


def test_the_keys_follow_the_mode_and_companions_hold_one_row_a_record() -> None:
    assert key_of("upsert", "") == key_of("replace", "") == ("source_id",)
    assert key_of("append", "") == ("source_id", "source_modified_at", "is_deleted", "nth")
    assert key_of("history", "") == ("source_id", "valid_from")
    assert key_of("history", "rejects") == ("source_id",)


# --- what is told of it ----------------------------------------------------------------------------------------------


def table(name: str, blue: int, different: int, **more: object) -> TableComparison:
    one = TableComparison(name, "t", "", blue, blue, blue - different, different, 0, 0)
    return replace(one, **more)  # type: ignore[arg-type]


def of(*tables: TableComparison) -> Comparison:
    return Comparison("customers", "1.0.0", "2.0.0", (("Account", "2026-01-02T00:00:00Z"),), tables)


def test_the_share_counts_differing_and_one_sided_rows_for_each_row_of_blue() -> None:
    one = table("Account", 100, 3, only_blue=1, only_green=4)
    assert one.ratio == 0.08
    assert of(one, table("Contact", 300, 0)).ratio == 0.02


def test_a_small_object_that_differs_whole_is_the_worst_however_many_rows_others_have() -> None:
    found = of(table("Account", 1_000_000, 0), table("Contact", 10, 10))
    assert found.ratio < 0.0001
    assert found.worst is not None
    assert (found.worst.object, found.worst.ratio) == ("Contact", 1.0)


def test_companions_and_objects_that_blue_never_loaded_are_shown_and_not_judged() -> None:
    found = of(table("Account", 10, 0), table("Account", 5, 5, companion="rejects"), table("Lead", 0, 0, is_new=True))
    assert found.ratio == 0
    assert found.worst is not None and found.worst.object == "Account"


def test_an_object_of_which_blue_has_no_row_differs_whole_if_green_has_one() -> None:
    assert table("Account", 0, 0).ratio == 0
    assert table("Account", 0, 0, only_green=1).ratio == 1


def test_the_name_of_an_outcome_changes_with_any_count_and_with_nothing_else() -> None:
    one = of(table("Account", 10, 1))
    assert one.digest == of(table("Account", 10, 1, blue_keys=(("1",),))).digest
    assert one.digest != of(table("Account", 10, 2)).digest
    assert one.digest != of(table("Account", 11, 1)).digest


@pytest.mark.parametrize(
    ("ratio", "text"), [(0, "0.00 %"), (1e-9, "less than 0.01 %"), (0.0123, "1.23 %"), (1, "100.00 %")]
)
def test_a_share_that_is_not_zero_never_reads_as_zero(ratio: float, text: str) -> None:
    assert percent(ratio) == text


@pytest.fixture
def whole(warehouse: SqlWarehouse, pair: Pair) -> Comparison:
    rejects = table("Account", 0, 0, companion="rejects", only_green=2, green_rows=2)
    return of(compare(warehouse, pair, values=True), rejects, table("Account", 0, 0, companion="duplicates"))


def test_a_terminal_gets_each_count_with_its_samples(whole: Comparison) -> None:
    lines = whole.as_text().splitlines()
    assert lines[0] == f"customers: blue v1.0.0, green v2.0.0, comparison {whole.digest}"
    assert lines[1] == (
        "  Account (customers): 5 rows in blue, 5 in green: 1 equal, 3 different, 1 only in blue, 1 only in green "
        "(100.00 %)"
    )
    assert "    name differs in 2: 2 'other' -> 'OTHER'; 3 NULL -> 'filled'" in lines
    assert "    only in blue: 4" in lines
    assert "    1 of the different rows were read at another time: their stamps differ" in lines
    assert lines[-1] == "Differing: 100.00 % of blue's rows; most of Account, 100.00 %"
    assert not any("t__duplicates" in line for line in lines)


def test_a_machine_gets_all_of_it_as_json(whole: Comparison) -> None:
    found = json.loads(json.dumps(whole.as_json()))
    assert found["worst"] == {"object": "Account", "ratio": 1.0}
    assert found["bound"] == {"Account": "2026-01-02T00:00:00Z"}
    assert [one["companion"] for one in found["tables"]] == ["", "rejects", "duplicates"]
    assert found["tables"][0]["columns"][1]["samples"][0] == {"key": ["2"], "blue": "other", "green": "OTHER"}


def test_a_pull_request_gets_a_table_in_which_data_is_only_text(warehouse: SqlWarehouse, pair: Pair) -> None:
    put(warehouse, pair.green, (("1", 1, "|<b>*x*\n", "1.5", '{"A":"x"}'), *BLUE[1:]))
    text = of(compare(warehouse, pair, values=True)).as_markdown()
    assert "| Account | `customers` | 5 | 5 | 4 | 1 | 0 | 0 | 20.00 % |" in text
    assert "- name differs in 1: 1 'same' -\\> '\\|\\<b\\>\\*x\\*\\\\n'" in text

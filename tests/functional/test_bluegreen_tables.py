"""Green beside blue in a warehouse: built, compared, promoted, taken back, and killed at any statement of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import seeds
from durable_runtime.bluegreen import promoting
from durable_runtime.bluegreen.attached import Attached, lost
from durable_runtime.bluegreen.control import (
    BUILT,
    GREEN,
    KEPT,
    recall,
    remember,
)
from durable_runtime.errors import GreenNotReady, GuardStopped, LeaseLost, StatementFailed
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Write
from durable_runtime.warehouse.dialect import DUCKDB
from functional.bluegreen_world import (
    BLUE,
    NAME,
    START,
    TIER,
    Died,
    Hands,
    World,
    account,
    asked_for,
    hands,
    names,
    release,
    with_green,
)
from functional.test_snowflake_run import stand_in


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


def test_green_is_built_with_the_rows_and_the_watermarks_of_blue(world: World) -> None:
    world.load("", "Account", account("001A", "Acme"), account("001B", "Bolt", 1))
    one = hands(world)
    assert one.built() == 2
    assert names(one, "{t}__green") == {"001A": "Acme", "001B": "Bolt"}
    state = one.select("SELECT pipeline, watermark, row_function FROM analytics.durable_state ORDER BY pipeline")
    assert state == [
        ("customers", START + timedelta(days=1), "rows-1"),
        ("customers__green", START + timedelta(days=1), "rows-1"),
    ]
    release(one)
    green = world.warehouse(GREEN)
    green.prepare(sample.loads(DUCKDB), Write())
    assert green.state(NAME)["Account"].recorded
    assert green.state(NAME)["Account"].rows_now == 2


def test_a_pipeline_that_was_never_loaded_has_nothing_to_compare_with(world: World) -> None:
    with pytest.raises(GreenNotReady, match="never loaded"):
        hands(world).built()


def test_a_run_into_green_leaves_blue_as_it_is(world: World) -> None:
    one = with_green(world, account("001A", "New", 1))
    assert names(one) == BLUE
    assert names(one, "{t}__green") == {**BLUE, "001A": "New"}


def test_a_second_build_begins_anew(world: World) -> None:
    one = with_green(world, account("001A", "New", 1))
    one.built()
    assert names(one, "{t}__green") == BLUE
    record = recall(one.warehouse, one.deployed)
    assert record and record.phase == BUILT


@pytest.mark.parametrize("missing", ["nothing built", "built", "building", "loading"])
def test_only_a_whole_green_is_compared_or_promoted(world: World, missing: str) -> None:
    one = with_green(world)
    one.discarded()
    if missing != "nothing built":
        one.built()
        record = recall(one.warehouse, one.deployed)
        assert record
        remember(one.warehouse, one.deployed, replace(record, phase=missing))
    with pytest.raises(GreenNotReady, match="green"):
        one.compared()
    with pytest.raises(GreenNotReady, match="green"):
        one.promoted()
    assert names(one) == BLUE


def test_a_promotion_gives_the_target_the_rows_of_green_and_keeps_those_of_blue(world: World) -> None:
    one = with_green(world, account("001A", "New", 1), account("001D", "Dune", 1))
    found = one.compared()
    assert (found.tables[0].different, found.tables[0].only_green) == (1, 1)
    done = one.promoted()
    assert names(one) == {**BLUE, "001A": "New", "001D": "Dune"}
    assert names(one, "{t}__blue") == BLUE
    assert (done.was, done.version) == ("1.0.0", "2.0.0")
    assert list(done.rows.values()) == [4, 0, 0]
    assert done.watermarks == {"Account": START + timedelta(days=1)}
    assert not any("green" in name for name in one.tables() if name != "durable_green")


def test_after_a_promotion_the_next_run_goes_on_where_green_stopped(world: World) -> None:
    one = with_green(world, account("001A", "New", 1))
    one.compared()
    one.promoted()
    release(one)
    warehouse = world.warehouse()
    warehouse.prepare(sample.loads(DUCKDB), Write())
    state = warehouse.state(NAME)["Account"]
    assert (state.watermark, state.rows_live, state.rows_now, state.recorded) == (START + timedelta(days=1), 3, 3, True)
    warehouse.close()
    world.load("", "Account", account("001E", "Edge", 2))
    assert len(names(hands(world))) == 4


def test_a_rollback_puts_back_rows_and_watermarks(world: World) -> None:
    one = with_green(world, account("001A", "New", 1), account("001D", "Dune", 1))
    one.compared()
    one.promoted()
    release(one)
    world.load("", "Account", account("001F", "Flow", 3), version="2.0.0")
    two = hands(world)
    done = two.rolled_back()
    assert names(two) == BLUE
    assert (done.was, done.version, done.watermarks) == ("2.0.0", "1.0.0", {"Account": START})
    with pytest.raises(GreenNotReady, match="no promotion"):
        two.rolled_back()
    release(two)
    world.load("", "Account", account("001A", "New", 1), account("001D", "Dune", 1), account("001F", "Flow", 3))
    assert names(hands(world)) == {**BLUE, "001A": "New", "001D": "Dune", "001F": "Flow"}


def test_columns_that_green_has_are_added_before_the_rows_are_exchanged(world: World) -> None:
    wider = (*sample.COLUMNS, TIER)
    one = with_green(world, account("001A", "New", 1), columns=wider)
    one.select("UPDATE {t}__green SET tier = 'gold' WHERE source_id = '001A'")
    found = one.compared()
    assert [(each.column, each.filled) for each in found.tables[0].green_columns] == [("tier", 1)]
    assert one.promoted().added == ("tier",)
    assert one.select("SELECT tier FROM {t} WHERE source_id = '001A'") == [("gold",)]
    one.rolled_back()
    assert one.select("SELECT DISTINCT tier FROM {t}") == [(None,)]
    assert names(one) == BLUE


@pytest.mark.parametrize("per_object", [False, True], ids=["unified", "per_object"])
@pytest.mark.parametrize("mode", ["append", "history"])
def test_versions_of_a_record_change_sides_too(world: World, mode: str, per_object: bool) -> None:
    world.mode, world.per_object = mode, per_object
    one = with_green(world, account("001A", "New", 1), account("001D", "Dune", 1))
    account_rows = next(each for each in one.compared().tables if each.object == "Account" and not each.companion)
    assert (account_rows.blue_rows, account_rows.only_blue, account_rows.only_green) == (3, 0, 2)
    held = [("001A", "Acme"), ("001A", "New"), ("001B", "Bolt"), ("001C", "Core"), ("001D", "Dune")]
    one.promoted()
    assert one.select("SELECT source_id, name FROM {t} ORDER BY source_id, source_modified_at") == held
    if mode == "history":
        current = one.select("SELECT source_id, name FROM {t} WHERE is_current ORDER BY source_id")
        assert current == [("001A", "New"), ("001B", "Bolt"), ("001C", "Core"), ("001D", "Dune")]
    one.rolled_back()
    assert names(one) == BLUE
    if mode == "history":
        assert one.select("SELECT COUNT(*) FROM {t} WHERE is_current AND valid_to IS NULL") == [(3,)]


@both
def test_an_exchange_that_is_refused_before_its_commit_leaves_blue_whole(world: World) -> None:
    one = with_green(world, account("001A", "New", 1))
    one.compared()
    plain, seen = one.warehouse.execute, []

    def execute(sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if sql == "COMMIT" and names(one)["001A"] == "New":
            seen.append(sql)
            raise StatementFailed("The warehouse is out of order.")
        return plain(sql, values)

    one.warehouse.execute = execute  # type: ignore[method-assign]
    with pytest.raises(StatementFailed, match="out of order"):
        one.promoted()
    assert seen == ["COMMIT"]
    assert names(one) == BLUE
    one.warehouse.execute = plain  # type: ignore[method-assign]
    one.promoted()
    assert names(one) == {**BLUE, "001A": "New"}
    one.rolled_back()
    assert names(one) == BLUE


def test_a_difference_above_the_limit_stops_the_promotion_and_says_how_to_let_it_pass(world: World) -> None:
    one = with_green(world, account("001A", "New", 1))
    found = one.compared()
    with pytest.raises(GuardStopped, match=r"33.33 % of the Account rows differ .*at most 1.00 %") as stopped:
        one.promoted(0.01)
    assert found.digest in stopped.value.help
    assert stopped.value.exit_code == 4
    assert names(one) == BLUE
    with pytest.raises(GuardStopped):
        one.promoted(0.01, ["another"])
    assert list(one.promoted(0.01, [found.digest]).rows.values()) == [3, 0, 0]


def test_a_difference_at_the_limit_passes(world: World) -> None:
    one = with_green(world, account("001A", "New", 1))
    one.compared()
    assert one.promoted(1 / 3).version == "2.0.0"


def test_blue_that_moved_since_must_be_compared_again(world: World) -> None:
    one = with_green(world, account("001A", "New", 1))
    one.compared()
    release(one)
    world.load("", "Account", account("001B", "Late", 2))
    two = hands(world)
    with pytest.raises(GreenNotReady, match="blue was loaded again since the comparison"):
        two.promoted()
    with pytest.raises(GreenNotReady, match="as of two moments"):
        two.compared()
    assert names(two) == {**BLUE, "001B": "Late"}


def test_green_that_was_not_compared_is_not_promoted(world: World) -> None:
    with pytest.raises(GreenNotReady, match="not compared"):
        with_green(world, account("001A", "New", 1)).promoted()


def test_a_lease_that_was_taken_over_stops_the_promotion_whole(world: World) -> None:
    one = with_green(world, account("001A", "New", 1))
    one.compared()
    one.warehouse.acquire(NAME, "place/another", 60)
    with pytest.raises(LeaseLost):
        one.promoted()
    assert names(one) == BLUE
    assert recall(one.warehouse, one.deployed, KEPT) is None


def test_tombstones_and_rejects_change_sides_with_the_rows(world: World) -> None:
    one = with_green(world, replace(account("001A", "x", 1), outcome="rejected", rule="r", record="{}"))
    one.select(
        "INSERT INTO analytics.durable_tombstone (table_name, object, source_id, deleted_at) VALUES "
        "('customers', 'Account', '001X', TIMESTAMP '2026-01-01'), "
        "('customers__green', 'Account', '001Y', TIMESTAMP '2026-01-02')"
    )
    buried = "SELECT source_id FROM analytics.durable_tombstone WHERE table_name = 'customers'"
    one.compared()
    one.promoted()
    assert one.select("SELECT source_id FROM {t}__rejects") == [("001A",)]
    assert one.select(buried) == [("001Y",)]
    one.rolled_back()
    assert one.select("SELECT source_id FROM {t}__rejects") == []
    assert one.select(buried) == [("001X",)]


def test_discarding_leaves_no_trace_of_green(world: World) -> None:
    one = with_green(world, account("001A", "New", 1))
    one.discarded()
    assert not any("green" in name for name in one.tables() if name != "durable_green")
    assert one.select("SELECT DISTINCT pipeline FROM analytics.durable_state") == [("customers",)]
    assert one.select("SELECT COUNT(*) FROM analytics.durable_green") == [(0,)]
    one.discarded()


def cut(world: World, at: int, work: Callable[[Hands], Any]) -> bool:
    """Do the work with a connection that dies before its statement number `at`; whether it came so far."""
    one = hands(world)
    plain, done = one.warehouse.execute, iter(range(at))

    def execute(sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        # a dead process says nothing: the end of its connection rolls back
        if sql == "ROLLBACK" or next(done, None) is None:
            raise Died
        return plain(sql, values)

    one.warehouse.execute = execute  # type: ignore[method-assign]
    try:
        work(one)
    except Died:
        return True
    finally:
        one.warehouse.disconnect()
    return False


def steps(world: World, work: Callable[[Hands], Any], check: Callable[[Hands, int], str]) -> list[str]:
    """Cut the work off before some of its statements, from the same file each time, and check what is left."""
    path = world.folder / "warehouse.duckdb"
    before, outcomes = path.read_bytes(), []
    for at in places(world, work):
        path.write_bytes(before)
        cut(world, at, work)
        after = hands(world)
        outcomes.append(check(after, at))
        release(after)
    return outcomes


def places(world: World, work: Callable[[Hands], Any]) -> list[int]:
    """Before which statements: as many as there are seeds, evenly, the first and behind the last one among them."""
    path = world.folder / "warehouse.duckdb"
    before, one, done = path.read_bytes(), hands(world), 0
    plain = one.warehouse.execute

    def execute(sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        nonlocal done
        done += 1
        return plain(sql, values)

    one.warehouse.execute = execute  # type: ignore[method-assign]
    work(one)
    one.warehouse.disconnect()
    path.write_bytes(before)
    assert done > 10
    return sorted({round(one * done / (len(seeds(5)) - 1)) for one in seeds(5)})


def test_a_promotion_killed_at_any_statement_leaves_blue_or_green_whole(world: World) -> None:
    one = with_green(world, account("001A", "New", 1), account("001D", "Dune", 1))
    one.compared()
    release(one)
    green = {**BLUE, "001A": "New", "001D": "Dune"}

    def check(after: Hands, at: int) -> str:
        found = names(after)
        assert found in (BLUE, green), at
        assert after.select("SELECT watermark FROM analytics.durable_state WHERE pipeline = 'customers'") == [
            (START + timedelta(days=int(found == green)),)
        ]
        if recall(after.warehouse, after.deployed) is not None:
            assert found == BLUE
            with pytest.raises(GreenNotReady, match="no promotion"):
                after.rolled_back()
            after.promoted()
        assert names(after) == green
        after.rolled_back()
        assert names(after) == BLUE
        return "green" if found == green else "blue"

    outcomes = steps(world, lambda one: one.promoted(), check)
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {"blue", "green"}


def test_a_rollback_killed_at_any_statement_leaves_blue_or_green_whole(world: World) -> None:
    one = with_green(world, account("001A", "New", 1))
    one.compared()
    one.promoted()
    release(one)

    def check(after: Hands, at: int) -> str:
        found = names(after)
        assert found in (BLUE, {**BLUE, "001A": "New"}), at
        if recall(after.warehouse, after.deployed, KEPT) is not None:
            after.rolled_back()
        assert names(after) == BLUE
        return "blue" if found == BLUE else "green"

    assert set(steps(world, lambda one: one.rolled_back(), check)) == {"blue", "green"}


def test_a_build_killed_at_any_statement_is_recognised_and_begun_anew(world: World) -> None:
    world.load("", "Account", *(account(id, name) for id, name in BLUE.items()))

    def check(after: Hands, at: int) -> str:
        record = recall(after.warehouse, after.deployed)
        with pytest.raises(GreenNotReady):
            after.compared()
        assert names(after) == BLUE
        assert after.built() == 3
        assert names(after, "{t}__green") == BLUE
        return record.phase if record else "none"

    assert set(steps(world, lambda one: one.built(), check)) == {"none", "building", "built"}


def test_what_is_attached_to_a_table_and_gone_after_the_exchange_is_told() -> None:
    before = [Attached("t", {"grants": ("SELECT TO ROLE A", "SELECT TO ROLE B"), "clustering": ()}, {})]
    after = [Attached("t", {"grants": ("SELECT TO ROLE B",), "clustering": ()}, {})]
    assert lost(before, after) == ["t: grants: SELECT TO ROLE A"]
    assert lost(before, before) == []


def test_tables_with_policies_are_exchanged_only_by_a_role_that_is_said_to_see_all(world: World) -> None:
    one = with_green(world, account("001A", "New", 1))
    found = [Attached("t", {"policies": ("MASKING_POLICY EMAIL ON EMAIL",)}, {}), Attached("u", {"policies": ()}, {})]
    with pytest.raises(
        GuardStopped, match=r"t: MASKING_POLICY EMAIL ON EMAIL\).* writes what the role sees"
    ) as stopped:
        promoting.check_policies(one.deployed, found, allowed=False)
    assert "--allow-policies" in stopped.value.help
    promoting.check_policies(one.deployed, found, allowed=True)
    promoting.check_policies(one.deployed, found[1:], allowed=False)

"""What lets an increment go on: the same organization, and a target that is as the last commit left it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from durable_runtime.errors import OtherOrganization, TargetChanged
from durable_runtime.loading import check_organization, check_target, load_object, object_load
from durable_runtime.spec import Column, Transform
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Batch, Counts, Lease, Run, State, Warehouse
from durable_runtime.warehouse.dialect import DUCKDB

THEN = datetime.fromisoformat("2026-01-02T02:00:00")
EARLIER = datetime.fromisoformat("2026-01-01T02:00:00")
GOOD = State("Account", "00D1", THEN, "rows-1", 10, 10, True, "run-9", THEN, THEN, THEN)


def test_the_same_organization_may_go_on() -> None:
    check_organization({"Account": GOOD}, "00D1")


def test_no_state_is_no_other_organization() -> None:
    check_organization({}, "00D1")


def test_another_organization_is_refused_with_both_names() -> None:
    with pytest.raises(OtherOrganization, match=r"00D1.*00D2") as caught:
        check_organization({"Account": GOOD}, "00D2")
    assert caught.value.exit_code == 7


def test_an_unchanged_target_may_be_topped_up() -> None:
    check_target({"Account": GOOD}, {"Account": "CRM.ACCOUNTS", "Contact": "CRM.CONTACTS"})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"rows_now": 0}, "missing or empty, but 10 live rows were committed on 2026-01-02"),
        ({"recorded": False}, "does not know its last run run-9"),
        ({"rows_now": 9}, "has 9 live rows, but the last commit left 10"),
        ({"rows_now": 11}, "has 11 live rows, but the last commit left 10"),
        ({"loaded_now": EARLIER}, "youngest row was written at 2026-01-01 .* left one of 2026-01-02"),
        ({"loaded_now": None}, "youngest row was written at None"),
    ],
)
def test_a_changed_target_is_never_topped_up(change: dict[str, Any], text: str) -> None:
    with pytest.raises(TargetChanged, match=text) as caught:
        check_target({"Account": replace(GOOD, **change)}, {"Account": "CRM.ACCOUNTS"})
    assert caught.value.exit_code == 4
    assert "--full" in caught.value.help
    assert caught.value.message.startswith("CRM.ACCOUNTS, Account: ")


def test_an_emptied_target_that_never_had_rows_is_no_change() -> None:
    check_target({"Account": replace(GOOD, rows_live=0, rows_now=0)}, {"Account": "CRM.ACCOUNTS"})


class Recorder:
    """Answers each batch with one inserted row."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def load(self, run: Run, batch: Batch) -> Counts:
        self.numbers.append(batch.number)
        return Counts(inserted=1, unchanged=batch.number)


def test_batches_are_loaded_in_order_and_their_counts_summed() -> None:
    recorder, heard = Recorder(), list[tuple[int, Counts]]()
    batches = [Batch("Account", number, Path("file"), 1) for number in range(3)]
    run = Run("run-1", "1.0.0", "00D1", Lease("customers", "me", 1, 60))
    total = load_object(
        cast("Warehouse", recorder), run, batches, lambda batch, counts: heard.append((batch.number, counts))
    )
    assert total == Counts(inserted=3, unchanged=3)
    assert (total.rows, total.found) == (6, 3)
    assert recorder.numbers == [0, 1, 2]
    assert heard == [(n, Counts(inserted=1, unchanged=n)) for n in range(3)]


def test_an_objects_load_has_its_own_columns_keys_and_created_date() -> None:
    target = sample.target(DUCKDB)
    columns = (Column("source_id", "VARCHAR", "VARCHAR"), *sample.CONTACT, Column("gone", "VARCHAR", "VARCHAR"))
    load = object_load(target, Transform("Contact", "", columns, (), ("external_id",), "first"), ("Email",))
    assert load.columns == sample.CONTACT
    assert (load.dedupes, load.keep, load.created_column) == (True, "first", "created_date")
    merge = target.objects["Contact"].merge
    assert load.merge(None) == merge(("Email",))
    assert load.merge("analytics.elsewhere") == merge(("Email",), "analytics.elsewhere")
    assert "MERGE INTO analytics.elsewhere" in load.merge("analytics.elsewhere")

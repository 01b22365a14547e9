"""What a package tells of values that move without a stamp, and what runs are expected to pay for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from durable_compiler import costs
from durable_compiler.costs import HIDDEN, RECORDS, Reading, transfer
from durable_runtime.spec import Extract
from durable_runtime.windows import overlap
from unit.compiler_backend.spec import load_module, package
from unit.compiler_backend.whole import call, field, literal, pipeline, schema, silent

NAME = [{"path": "Account.Name", "column": "account_name"}]
TODAY = call("eq", field("Contact", "Started__c"), call("today"))
HOT = call("eq", field("Contact", "Rating", "Account.Rating"), literal("Hot"))


def contact(folder: Path, **said: Any) -> Extract:
    """The extract of Contact under a spec that says this and nothing else."""
    values = silent()
    for one in values["source"]["objects"]:
        if one["name"] == "Contact":
            one.update(said)
    made = package(folder, schema(), pipeline(values))
    found: Extract = next(one for one in load_module(made, "extract")["EXTRACTS"] if one.object == "Contact")
    return found


@pytest.mark.parametrize(
    ("said", "lookups", "moves"),
    [
        ({}, (), False),
        ({"lookups": NAME}, ("Account.Name",), False),
        ({"where": HOT}, ("Account.Rating",), False),
        ({"where": TODAY}, (), True),
        ({"where": TODAY, "lookups": NAME}, ("Account.Name",), True),
    ],
)
def test_a_package_tells_what_depends_on_the_day_apart_from_what_is_looked_up(
    tmp_path: Path, said: dict[str, Any], lookups: tuple[str, ...], moves: bool
) -> None:
    one = contact(tmp_path / "made", **said)
    assert (one.lookups, one.moves, one.follows) == (lookups, moves, bool(lookups))


def test_a_run_pays_for_formulas_by_records_and_for_children_by_changes() -> None:
    plain = Reading("Account", False, False, 0)
    assert plain.moved(1_000) == 0
    assert replace(plain, follows=True).moved(1_000) == 1 + 1 + HIDDEN
    assert replace(plain, follows=True).moved(3_000) == 1 + transfer(3_000) + HIDDEN
    assert replace(plain, formulas=True).moved(0) == 1 + transfer(RECORDS)
    assert replace(plain, formulas=True).moved(0, held=120) == 1 + 1
    both = replace(plain, formulas=True, follows=True)
    assert both.moved(1_000) == 2 + HIDDEN + 1 + transfer(RECORDS)
    assert both.moved(1_000, refreshes=False) == 2 + HIDDEN
    assert both.calls(1_000) - both.calls(1_000, refreshes=False) == 1 + transfer(RECORDS)
    assert replace(both, describes=3).calls(0) == both.calls(0) + 2


def test_a_first_run_compares_nothing() -> None:
    both = Reading("Account", False, True, 0, formulas=True, follows=True)
    assert both.calls(0, first=True) == 1 + 2 + transfer(RECORDS) + HIDDEN
    assert both.calls(RECORDS) == 1 + 2 + transfer(RECORDS) + 1 + 3 * (1 + transfer(RECORDS)) + HIDDEN
    assert replace(both, selected=True).calls(0) == both.calls(0) + 1


def test_formulas_at_night_are_paid_for_once_a_day() -> None:
    one = Reading("Account", False, False, 0, formulas=True)
    every, nightly = (hourly((one,), at_night=at_night) for at_night in (False, True))
    assert (every.runs, nightly.runs) == (24, 24)
    assert (every.least, every.most) == (nightly.most, nightly.most)
    assert nightly.least == nightly.most - 1 - transfer(RECORDS)
    # twenty hours lie between two comparisons, so that some days have two
    assert nightly.day == 24 * nightly.least + 2 * (1 + transfer(RECORDS))


def hourly(readings: tuple[Reading, ...], *, at_night: bool) -> costs.Cost:
    """What an hourly schedule costs."""
    again = overlap(600)
    return costs._cost("Hourly", True, costs._runs("0 * * * *", "UTC"), readings, again, at_night)

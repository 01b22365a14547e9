"""Any nights of changes, late commits, kills and another spec leave in a warehouse what a plain Python model says."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from durable_runtime.spec import Target
from durable_runtime.warehouse.base import Warehouse
from durable_runtime.warehouse.dialect import DUCKDB, SNOWFLAKE, Dialect
from durable_runtime.warehouse.duckdb import DuckDBWarehouse
from functional import proof
from functional.mode_bench import Form, Stager
from functional.mode_machine import Connect, Nights, Place
from functional.mode_versions import MODELS
from functional.test_warehouse_conformance import Server, running

SEEDS = int(os.environ.get("DURABLE_SEEDS", "20"))
FIRST = int(os.environ.get("DURABLE_FIRST_SEED", "0"))
SEQUENCES = max(SEEDS // 10, 2)  # the first one that hypothesis draws is always the simplest
STEPS = 3 if SEEDS <= 20 else 10
Tally = dict[str, Counter[str]]
TEXT = (
    "Sequences that Hypothesis drew: saves, late commits, deletes, undeletes, merges, records that leave and enter the "
    "filter, are rejected and accepted, move without a stamp, are purged, hidden and shown; then a run, a run that is "
    "killed after its first batch, one that goes on, one that reads everything again, or another spec with one more "
    "column. After each, every row of the target, its duplicates and its rejects, the counts, the live rows and the "
    "watermark are what a model in plain Python says, and live rows, duplicates and rejects are what one full load of "
    "the same source would give. All were equal."
)


def forms() -> Iterator[Form]:
    """Each mode, layout and deletes policy; which of equal keys wins is asked for in turns."""
    for mode in MODELS:
        for layout in ("unified", "per_object"):
            for at, deletes in enumerate(("skip", "flag", "remove")):
                yield Form(mode, layout, deletes, "first" if (at + (layout == "unified")) % 2 else "latest")


FORMS = list(forms())
FEW = FORMS[1::7]  # each mode, each layout and each policy, with a server in between


@pytest.fixture(scope="module")
def counted() -> Iterator[Tally]:
    found: Tally = {}
    yield found
    columns = ("sequences", "operations", "runs", "rows compared")
    rows = {name: [one[column] for column in columns] for name, one in found.items()}
    proof.write_table("modes", "Modes, layouts and deletes against a model", TEXT, columns, rows)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as found:
        yield found


def hold(form: Form, dialect: Dialect, connect: Connect, folder: Path, tally: Counter[str], sequences: int) -> None:
    """Run sequences of nights, each against the model."""
    with closing(Stager(folder)) as stager:
        place = Place(dialect, connect, stager)
        begun = seed(FIRST + FORMS.index(form))(lambda: Nights(form, place, tally))
        run_state_machine_as_test(
            cast("type[Nights]", begun),
            settings=settings(
                max_examples=sequences, stateful_step_count=STEPS, deadline=None, database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_any_nights_end_as_the_model_says_on_duckdb(form: Form, tmp_path: Path, counted: Tally) -> None:
    def connect(target: Target, clock: Callable[[], datetime]) -> Warehouse:
        return DuckDBWarehouse(tmp_path / "warehouse.duckdb", target, clock)

    hold(form, DUCKDB, connect, tmp_path, counted.setdefault(form.name, Counter()), SEQUENCES)


@pytest.mark.parametrize("form", FEW if SEEDS > 20 else FEW[-1:], ids=lambda form: form.name)
def test_any_nights_end_as_the_model_says_on_snowflake(
    form: Form, tmp_path: Path, counted: Tally, server: Server
) -> None:
    server.empty()
    tally = counted.setdefault(f"{form.name} on Snowflake", Counter())
    hold(form, SNOWFLAKE, server.warehouse, tmp_path, tally, max(SEQUENCES // 4, 2))

"""A cron line in a sentence is read only when a sentence in words says exactly the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.schedule import Schedule
from durable_compiler.grammar.crons import recurrence_of
from durable_compiler.grammar.reading import echo, read
from durable_compiler.grammar.recurrence import cron_field

FIELDS = st.builds(
    lambda minute, hours, week: f"{minute} {cron_field(hours, range(24))} * * {cron_field(week, range(7))}",
    st.integers(0, 59),
    st.sets(st.integers(0, 23), min_size=1, max_size=5),
    st.sets(st.integers(0, 6), max_size=6),
)


@given(FIELDS)
def test_a_cron_line_in_normal_form_is_its_own_recurrence(line: str) -> None:
    found = recurrence_of(line)
    assert found is not None
    assert found.cron == line


@pytest.mark.parametrize("line", ["*/15 * * * *", "0 */6 * * *", "5 * * * *", "30 6 1,15 * *", "0 2 1 1-3 *"])
def test_a_sentence_with_a_cron_line_sets_that_line_and_its_canonical_english_reads_back(
    line: str, schema: Snapshot
) -> None:
    clauses = read(f"Cron schedule: `{line}`, time zone Europe/Berlin", schema).clauses
    said = [(one.recurrence.cron, one.zone) for one in clauses if isinstance(one, Schedule)]
    assert said == [(line, "Europe/Berlin")]
    assert read(echo(clauses, schema), schema).clauses == clauses


UNSAID = ("0 2 * *", "*/7 * * * *", "0 25 * * *", "60 2 * * *", "0 2 * * MON", "0 2 31 2 *", "0 2 1 * 1", "0 2 * 6 *")


@pytest.mark.parametrize("line", [*UNSAID, "0 2 * * 7", "0 2 31 * *", "@daily"])
def test_a_cron_line_that_no_sentence_says_is_refused(line: str, schema: Snapshot) -> None:
    assert read(f"Cron schedule: `{line}`, UTC", schema).clauses == ()

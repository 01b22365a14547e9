"""Properties over generated clauses and texts: the canonical English of any clause reads back to it."""

from __future__ import annotations

import datetime as dt
import re

import cronsim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames import REGISTRY
from durable_compiler.frames.alert import Alert
from durable_compiler.frames.batch import Batch
from durable_compiler.frames.dedupe import Dedupe
from durable_compiler.frames.deletes import Deletes
from durable_compiler.frames.enum import EnumMap
from durable_compiler.frames.extensions import Drift
from durable_compiler.frames.frame import Clause
from durable_compiler.frames.incremental import Incremental
from durable_compiler.frames.mode import Mode
from durable_compiler.frames.normalise import Normalise
from durable_compiler.frames.reconcile import Reconcile
from durable_compiler.frames.refresh import FormulaRefresh
from durable_compiler.frames.require import Require
from durable_compiler.frames.retention import Retention
from durable_compiler.frames.retry import Retry
from durable_compiler.frames.schedule import Schedule
from durable_compiler.frames.sync import Sync
from durable_compiler.frames.write import Target
from durable_compiler.grammar.clocks import Recurrence, cron_field
from durable_compiler.grammar.reading import echo, read
from durable_compiler.requirements import parse

OBJECTS = ("Account", "Contact", "Customer_Health__c", "Opportunity")
FIELDS = (
    ("Contact", "Email"),
    ("Contact", "Phone"),
    ("Account", "Name"),
    ("Account", "Type"),
    ("Opportunity", "Amount"),
)
ZONES = st.sampled_from(
    ["UTC", "GMT", "Europe/Berlin", "America/New_York", "America/Argentina/Buenos_Aires", "Asia/Tokyo"]
)
IDENTIFIERS = st.from_regex(r"[a-z]{2}_[a-z0-9]{1,6}", fullmatch=True)
WORDS = st.one_of(IDENTIFIERS, st.sampled_from(["healthy", "at risk", "not", "or", "1", "OK"]))


def _some(values: tuple[object, ...]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, unique=True).map(tuple)


def _sorted(numbers: range) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.sampled_from(list(numbers)), max_size=3, unique=True).map(lambda some: tuple(sorted(some)))


_MINUTE_STEPS = [n for n in range(1, 61) if 60 % n == 0] + [60 * n for n in range(2, 24) if 24 % n == 0]
_DAYS = st.one_of(
    st.tuples(_sorted(range(7)), st.just(())),
    st.tuples(st.just(()), _sorted(range(1, 29))),
    st.just(((1, 2, 3, 4, 5), ())),
)
TIMED = st.builds(
    lambda hours, minute, days: Recurrence(None, tuple((hour, minute) for hour in hours), *days),
    st.lists(st.integers(0, 23), min_size=1, max_size=3, unique=True).map(sorted),
    st.integers(0, 59),
    _DAYS,
)
EVERY = st.builds(
    lambda minutes, week: Recurrence(minutes, (), week), st.sampled_from(_MINUTE_STEPS), _sorted(range(7))
)
RECIPIENTS = st.lists(
    st.one_of(
        st.tuples(st.just("slack"), st.from_regex(r"#[a-z][a-z0-9-]{0,8}[a-z0-9]", fullmatch=True)),
        st.tuples(st.just("email"), st.from_regex(r"[a-z]{1,6}@[a-z]{1,6}\.(com|eu)", fullmatch=True)),
    ),
    min_size=1,
    max_size=3,
    unique=True,
).map(tuple)
TABLES = st.from_regex(r"([A-Z]{2}_[A-Z]{2,4}\.){0,2}[a-z]{2}_[a-z]{1,6}", fullmatch=True)
CLAUSES: dict[str, st.SearchStrategy[Clause]] = {
    "sync": st.builds(Sync, _some(OBJECTS)),
    "schedule": st.builds(Schedule, st.one_of(TIMED, EVERY), ZONES),
    "write": st.builds(Target, st.sampled_from(["snowflake", "duckdb"]), st.one_of(st.none(), TABLES)),
    "mode": st.builds(Mode, st.sampled_from(["upsert", "append", "replace", "history"])),
    "incremental": st.one_of(
        st.just(Incremental(enabled=True)),
        st.builds(lambda n: Incremental(overlap_seconds=n), st.integers(1, 10**6)),
        st.builds(lambda when, zone: Incremental(full_refresh=when, zone=zone), TIMED, st.one_of(st.none(), ZONES)),
    ),
    "refresh": st.builds(FormulaRefresh, st.sampled_from(["nightly", "every_run", "never"])),
    "reconcile": st.builds(Reconcile, TIMED, st.one_of(st.none(), ZONES)),
    "deletes": st.builds(Deletes, st.sampled_from(["skip", "flag", "remove"])),
    "dedupe": st.builds(
        Dedupe, st.just("Contact"), _some(("External_ID__c", "Email", "Phone")), st.sampled_from(["latest", "first"])
    ),
    "normalise": st.one_of(
        st.builds(Normalise, _some(FIELDS), _some(("trim", "lower", "upper"))),
        st.just(Normalise(dates="iso8601_utc")),
        st.builds(lambda code: Normalise(phones="e164", phone_region=code), st.sampled_from([None, "US", "DE", "GB"])),
    ),
    "enum": st.builds(
        lambda names, words, rest: EnumMap(
            "Customer_Health__c", "Health_Status__c", tuple(zip(names, words, strict=False)), rest
        ),
        _some(("Green", "Yellow", "Red")),
        st.lists(WORDS, min_size=3, max_size=3, unique=True),
        st.one_of(st.none(), WORDS),
    ),
    "require": st.builds(Require, _some(FIELDS), st.sampled_from(["reject", "fail", "warn"])),
    "extensions": st.one_of(
        st.builds(lambda column: Drift("extensions", column), IDENTIFIERS),
        st.sampled_from([Drift("propose"), Drift("fail")]),
    ),
    "batch": st.builds(Batch, st.integers(1, 10_000_000)),
    "retry": st.builds(
        lambda names, count, backoff, limit: Retry(
            tuple(name for name in ("rate_limit", "network", "server") if name in names), count, backoff, limit
        ),
        _some(("rate_limit", "network", "server")),
        st.integers(0, 100),
        st.sampled_from([None, "exponential", "linear", "fixed"]),
        st.one_of(st.none(), st.integers(1, 10**6)),
    ),
    "alert": st.builds(Alert, st.sampled_from(["failure", "completion", "approval_needed", "drift"]), RECIPIENTS),
    "retention": st.builds(Retention, st.sampled_from(["monitoring_days", "rejects_days"]), st.integers(1, 5000)),
}


def test_every_frame_has_a_property() -> None:
    assert set(CLAUSES) == set(REGISTRY)


@pytest.mark.parametrize("kind", CLAUSES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_canonical_english_of_any_clause_reads_back_to_it(kind: str, schema: Snapshot, data: st.DataObject) -> None:
    clause = data.draw(CLAUSES[kind])
    text = echo((clause,), schema)
    assert read(text, schema).clauses == (clause,), text


@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(0, 59), min_size=1))
def test_a_cron_field_names_exactly_its_values(values: set[int]) -> None:
    field = cron_field(values, range(60))
    spread = {
        number
        for part in field.split(",")
        for low, _, high in [part.partition("-")]
        for number in (range(60) if part == "*" else range(int(low), int(high or low) + 1))
    }
    assert spread == values
    assert not re.search(r"(\d+)-(\d+)", field) or all(
        int(high) - int(low) >= 2 for low, high in re.findall(r"(\d+)-(\d+)", field)
    )


@settings(max_examples=60, deadline=None)
@given(st.one_of(TIMED, EVERY))
def test_cron_fires_when_the_recurrence_says(recurrence: Recurrence) -> None:
    assert recurrence.cron is not None
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) - dt.timedelta(minutes=1)
    ticks = cronsim.CronSim(recurrence.cron, start)
    for tick in (next(ticks) for _ in range(20)):
        if recurrence.times:
            assert (tick.hour, tick.minute) in recurrence.times
        else:
            assert recurrence.every is not None
            assert (tick.hour * 60 + tick.minute) % recurrence.every == 0
        assert not recurrence.week or tick.isoweekday() % 7 in recurrence.week
        assert not recurrence.month or tick.day in recurrence.month


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_parsed_and_read_without_an_exception(schema: Snapshot, text: str) -> None:
    found, _ = parse("- R1.1 " + text, "a.md")
    for requirement in found:
        reading = read(requirement.text, schema)
        assert bool(reading.clauses) != bool(reading.fault)
        if reading.fault is not None:
            span = requirement.span(reading.fault.start, reading.fault.end)
            assert (span.line, span.column) <= (span.end_line, span.end_column)


@pytest.mark.parametrize("text", ["the " * 5000, "Syncs " + "Account, " * 3000, "not " * 249, "R1 " * 100])
def test_a_text_without_end_is_refused(text: str, schema: Snapshot) -> None:
    fault = read(text, schema).fault
    assert fault is not None
    assert fault.code in ("DUR020", "DUR022", "DUR030")

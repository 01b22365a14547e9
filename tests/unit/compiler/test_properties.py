"""Properties over generated clauses and texts: the canonical English of any clause reads back to it."""

from __future__ import annotations

import datetime as dt
import random
import re
from typing import TypeVar

import cronsim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corpus
from conftest import seeds
from durable_compiler.catalogue import Snapshot
from durable_compiler.frames import REGISTRY
from durable_compiler.frames.alert import Alert
from durable_compiler.frames.approval import Approval
from durable_compiler.frames.batch import Batch
from durable_compiler.frames.check import Check
from durable_compiler.frames.compute import Compute
from durable_compiler.frames.dedupe import Dedupe
from durable_compiler.frames.default import Default
from durable_compiler.frames.deletes import Deletes
from durable_compiler.frames.deploy import Deploy
from durable_compiler.frames.derive import Derive
from durable_compiler.frames.enum import EnumMap
from durable_compiler.frames.extensions import Drift
from durable_compiler.frames.fields import Fields, Lookup
from durable_compiler.frames.filter import Filter
from durable_compiler.frames.frame import Clause
from durable_compiler.frames.guard import Guard
from durable_compiler.frames.incremental import Incremental
from durable_compiler.frames.map_ import Map
from durable_compiler.frames.mask import Mask
from durable_compiler.frames.mode import Mode
from durable_compiler.frames.normalise import Normalise
from durable_compiler.frames.quota import Quota
from durable_compiler.frames.reconcile import Reconcile
from durable_compiler.frames.refresh import FormulaRefresh
from durable_compiler.frames.require import Require
from durable_compiler.frames.residency import Residency
from durable_compiler.frames.retention import Retention
from durable_compiler.frames.retry import Retry
from durable_compiler.frames.schedule import Schedule
from durable_compiler.frames.since import Since
from durable_compiler.frames.sla import Sla
from durable_compiler.frames.sync import Sync
from durable_compiler.frames.write import Target
from durable_compiler.grammar.columns import Renamed
from durable_compiler.grammar.conjunctions import combined
from durable_compiler.grammar.policies import ROLES
from durable_compiler.grammar.possible import flaw
from durable_compiler.grammar.reading import echo, read, understood
from durable_compiler.grammar.recurrence import Recurrence, cron_field
from durable_compiler.grammar.regions import AREAS, CLOUD_REGIONS
from durable_compiler.requirements import parse
from durable_compiler.terms import Apply, Constant, FieldTerm, Term, complement

Value = TypeVar("Value")
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


def _some(values: tuple[Value, ...]) -> st.SearchStrategy[tuple[Value, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, unique=True).map(tuple)


def _sorted(numbers: range) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.sampled_from(list(numbers)), max_size=3, unique=True).map(lambda some: tuple(sorted(some)))


_MINUTE_STEPS = [n for n in range(1, 61) if 60 % n == 0] + [60 * n for n in range(2, 24) if 24 % n == 0]
_DAYS = st.one_of(
    st.tuples(_sorted(range(7)), st.just(())),
    st.tuples(st.just(()), _sorted(range(1, 29))),
    st.just(((1, 2, 3, 4, 5), ())),
    st.tuples(st.just(()), st.just((1, 15)), _sorted(range(1, 13))),
)
TIMED = st.builds(
    lambda hours, minute, days: Recurrence(None, tuple((hour, minute) for hour in hours), *days),
    st.lists(st.integers(0, 23), min_size=1, max_size=3, unique=True).map(sorted),
    st.integers(0, 59),
    _DAYS,
)
EVERY = st.one_of(
    st.builds(lambda minutes, week: Recurrence(minutes, (), week), st.sampled_from(_MINUTE_STEPS), _sorted(range(7))),
    st.builds(
        lambda hours, past, week: Recurrence(60 * hours, (), week, past=past),
        st.sampled_from([1, 2, 3, 4, 6, 8, 12]),
        st.integers(0, 59),
        _sorted(range(7)),
    ),
    st.builds(
        lambda minutes, past, first, length: Recurrence(
            minutes, (), (1, 2, 3, 4, 5), past=past if minutes == 60 else 0, hours=(first, first + length)
        ),
        st.sampled_from([1, 5, 15, 30, 60]),
        st.integers(0, 59),
        st.integers(0, 11),
        st.integers(1, 11),
    ),
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
EVENTS = ("failure", "completion", "approval_needed", "drift", "stale")
APPROVED = ("spec_change", "schema_change", "deploy")
GUARDED = st.sampled_from([None, *OBJECTS])
# Every share as a clause holds it: a whole one as an integer.
SHARES = st.one_of(
    st.sampled_from([0, 1]),
    st.integers(1, 99_999).map(lambda part: part / 100_000),
    st.floats(1e-6, 1, exclude_max=True),
)
TEXT_FIELDS = (("Contact", "Email"), ("Contact", "Phone"), ("Account", "Name"), ("Account", "Type"))
PHONE_FIELDS = (("Contact", "Phone"), ("Account", "Phone"))
ACCOUNT_FIELDS = ("Name", "Type", "Phone", "Industry", "AnnualRevenue", "BillingCity", "CreatedDate")
COLUMN_TYPES = {
    ("Contact", "Email"): (None, "text"),
    ("Account", "Name"): (None, "text", "integer", "date", "json", "number(18,2)"),
    ("Opportunity", "Amount"): (None, "text", "integer", "number", "number(12,0)"),
    ("Opportunity", "CloseDate"): (None, "text", "date", "timestamp"),
}
TEXTS = st.text("abcXYZ019 .,;:/&%#()äß日'-_", min_size=1, max_size=12).filter(lambda text: bool(text.strip()))
BLANKS = st.lists(TEXTS, min_size=1, max_size=4, unique=True).map(tuple)
AMOUNTS = st.integers(1, 10**6).map(lambda cents: cents / 100).filter(lambda amount: not amount.is_integer())
DATES = st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)).map(dt.date.isoformat)


def _mapped(names: tuple[tuple[str, str], ...]) -> st.SearchStrategy[Map]:
    columns = st.lists(st.one_of(st.none(), IDENTIFIERS), min_size=len(names), max_size=len(names), unique=True)
    types = st.tuples(*(st.sampled_from(COLUMN_TYPES[name]) for name in names))
    return st.builds(
        lambda columns, types: Map(
            tuple(
                Renamed(name, column if column or kind else f"{name[1].lower()}_x", kind)
                for name, column, kind in zip(names, columns, types, strict=True)
            )
        ),
        columns,
        types,
    )


_AMOUNT = FieldTerm("Opportunity", "Amount")
_CLOSE = FieldTerm("Opportunity", "CloseDate")
# Conditions of one object; test_conditions has trees of every operator and type.
CONDITIONS: st.SearchStrategy[Term] = st.recursive(
    st.one_of(
        st.builds(
            lambda op, value: Apply(op, (_AMOUNT, Constant(value, "number"))),
            st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"]),
            st.integers(-(10**9), 10**9),
        ),
        st.builds(
            lambda op, day: Apply(op, (_CLOSE, Constant(day.isoformat(), "date"))),
            st.sampled_from(["lt", "le", "gt", "ge"]),
            st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)),
        ),
        st.just(Apply("lt", (_CLOSE, FieldTerm("Opportunity", "CreatedDate")))),
    ).flatmap(lambda one: st.sampled_from([one, complement(one)])),
    lambda inner: st.builds(
        lambda op, one, other: combined(op, (one, other)), st.sampled_from(["and", "or"]), inner, inner
    ),
    max_leaves=4,
).filter(lambda term: flaw(term) is None)
OVER = st.integers(0, 10**9).map(lambda one: Apply("gt", (_AMOUNT, Constant(one, "number"))))
CLAUSES: dict[str, st.SearchStrategy[Clause]] = {
    "derive": st.builds(
        lambda name, cases, rest: Derive("Opportunity", name, tuple(cases), rest),
        IDENTIFIERS,
        st.lists(st.tuples(OVER, WORDS), min_size=1, max_size=3, unique_by=lambda one: one[0]),
        st.one_of(st.none(), WORDS),
    ),
    "compute": st.builds(
        lambda name, op, count: Compute("Opportunity", name, "number", Apply(op, (_AMOUNT, Constant(count, "number")))),
        IDENTIFIERS,
        st.sampled_from(["add", "sub", "mul", "div"]),
        st.one_of(st.integers(-(10**9), 10**9), AMOUNTS),
    ),
    "sync": st.builds(Sync, _some(OBJECTS)),
    "filter": st.builds(Filter, st.just("Opportunity"), CONDITIONS),
    "since": st.builds(
        Since,
        st.sampled_from(["*", *OBJECTS]),
        st.one_of(
            st.none(),
            st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)).map(dt.date.isoformat),
            st.builds(lambda count, unit: f"P{count}{unit}", st.integers(1, 5000), st.sampled_from("DMY")),
        ),
    ),
    "check": st.builds(Check, st.just("Opportunity"), CONDITIONS, st.sampled_from(["reject", "fail", "warn"])),
    "fields": st.one_of(
        st.builds(lambda some: Fields(only=tuple(("Account", name) for name in some)), _some(ACCOUNT_FIELDS)),
        st.builds(lambda some: Fields(excluded=some), _some((*FIELDS, ("Contact", "Birthdate")))),
        st.builds(
            lambda owner, some, columns: Fields(
                object=owner[0],
                lookups=tuple(Lookup(owner[1], *pair) for pair in zip(some, columns, strict=False)),
            ),
            st.sampled_from([("Contact", "Account"), ("Customer_Health__c", "Account__r")]),
            _some(ACCOUNT_FIELDS),
            st.lists(IDENTIFIERS, min_size=len(ACCOUNT_FIELDS), max_size=len(ACCOUNT_FIELDS), unique=True),
        ),
    ),
    "schedule": st.builds(Schedule, st.one_of(TIMED, EVERY), ZONES),
    "write": st.one_of(
        st.builds(Target, st.sampled_from(["snowflake", "duckdb"]), st.one_of(st.none(), TABLES)),
        st.builds(
            lambda database, schema: Target("snowflake", None, database, schema),
            st.one_of(st.none(), IDENTIFIERS),
            st.one_of(st.none(), IDENTIFIERS),
        ),
    ),
    "mode": st.builds(Mode, st.sampled_from(["upsert", "append", "replace", "history"])),
    "incremental": st.one_of(
        st.just(Incremental(enabled=True)),
        st.builds(
            lambda enabled, n: Incremental(enabled=enabled, overlap_seconds=n),
            st.sampled_from([None, True]),
            st.integers(1, 10**6),
        ),
        st.builds(lambda when, zone: Incremental(full_refresh=when, zone=zone), TIMED, st.one_of(st.none(), ZONES)),
    ),
    "refresh": st.builds(FormulaRefresh, st.sampled_from(["nightly", "every_run", "never"])),
    "reconcile": st.builds(Reconcile, TIMED, st.one_of(st.none(), ZONES)),
    "deletes": st.builds(Deletes, st.sampled_from(["skip", "flag", "remove"])),
    "dedupe": st.builds(
        Dedupe, st.just("Contact"), _some(("External_ID__c", "Email", "Phone")), st.sampled_from(["latest", "first"])
    ),
    "map": _some(tuple(COLUMN_TYPES)).flatmap(_mapped),
    "normalise": st.one_of(
        st.builds(Normalise, _some(TEXT_FIELDS), _some(("trim", "lower"))),
        st.builds(Normalise, _some(TEXT_FIELDS), _some(("trim", "upper"))),
        st.builds(
            lambda fields, steps, region: Normalise(fields, steps, phone_region=region if "e164" in steps else None),
            _some(PHONE_FIELDS),
            st.sampled_from([("digits",), ("trim", "digits"), ("e164",), ("trim", "e164"), ("digits", "e164")]),
            st.sampled_from([None, "US", "DE"]),
        ),
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
    "default": st.one_of(
        st.builds(Default, _some(TEXT_FIELDS), TEXTS),
        st.builds(Default, st.just((("Opportunity", "Amount"),)), st.one_of(st.integers(-(10**9), 10**9), AMOUNTS)),
        st.builds(Default, st.just((("Opportunity", "CloseDate"),)), DATES),
        st.builds(lambda fields, texts: Default(fields, blanks=texts), _some(TEXT_FIELDS), BLANKS),
    ),
    "require": st.builds(Require, _some(FIELDS), st.sampled_from(["reject", "fail", "warn"])),
    "extensions": st.one_of(
        st.builds(lambda column: Drift("extensions", column), IDENTIFIERS),
        st.sampled_from([Drift("propose"), Drift("fail")]),
    ),
    "batch": st.builds(Batch, st.integers(1, 10_000_000)),
    "retry": st.builds(
        lambda names, count, backoff, limit, only: Retry(
            tuple(name for name in ("rate_limit", "network", "server") if name in names), count, backoff, limit, only
        ),
        _some(("rate_limit", "network", "server")),
        st.one_of(st.none(), st.integers(0, 100)),
        st.sampled_from([None, "exponential", "linear", "fixed"]),
        st.one_of(st.none(), st.integers(1, 10**6)),
        st.booleans(),
    ).filter(lambda one: one.only or (one.max_attempts, one.backoff, one.max_elapsed_seconds) != (None, None, None)),
    "alert": st.builds(
        lambda events, people: Alert(tuple(one for one in EVENTS if one in events), people), _some(EVENTS), RECIPIENTS
    ),
    "guard": st.one_of(
        st.builds(Guard, st.just("max_changed_ratio"), GUARDED, SHARES),
        st.builds(Guard, st.just("max_deleted_rows"), GUARDED, st.integers(0, 10**7)),
        st.builds(Guard, st.just("min_rows"), GUARDED, st.integers(1, 10**7)),
    ),
    "sla": st.one_of(
        st.builds(lambda seconds: Sla(runtime=seconds), st.integers(1, 10**6)),
        st.builds(lambda seconds: Sla(staleness=seconds), st.integers(1, 10**6)),
        st.builds(lambda seconds, people: Sla(staleness=seconds, recipients=people), st.integers(1, 10**6), RECIPIENTS),
    ),
    "quota": st.builds(Quota, SHARES.filter(lambda share: share > 0)),
    "mask": st.one_of(
        st.builds(Mask, _some(FIELDS), st.sampled_from(["sha256", "drop"])),
        st.builds(Mask, _some(TEXT_FIELDS), st.just("last4")),
    ),
    "residency": st.one_of(
        st.builds(Residency, _some(tuple(CLOUD_REGIONS) + tuple(AREAS)), st.sampled_from([None, "snowflake"])),
        st.builds(lambda regions: Residency(regions, only=True), _some(tuple(CLOUD_REGIONS) + tuple(AREAS))),
    ),
    "approval": st.builds(
        lambda things, count, role: Approval(tuple(one for one in APPROVED if one in things), count, role),
        _some(APPROVED),
        st.integers(1, 10),
        st.one_of(st.none(), st.sampled_from(ROLES), st.from_regex(r"Chief [A-Z][a-z]{2,8} Officer", fullmatch=True)),
    ),
    "deploy": st.one_of(
        st.builds(lambda strategy: Deploy(strategy=strategy), st.sampled_from(["in_place", "blue_green"])),
        st.builds(lambda kind: Deploy(isolation=kind), st.sampled_from(["process", "container"])),
        st.builds(Deploy, st.sampled_from([None, "blue_green"]), SHARES),
    ),
    "retention": st.one_of(
        st.builds(lambda days: Retention(monitoring_days=days), st.integers(1, 5000)),
        st.builds(lambda days: Retention(rejects_days=days), st.integers(1, 5000)),
        st.builds(Retention, st.integers(1, 5000), st.integers(1, 5000)),
        st.builds(lambda days: Retention(days, None, True), st.integers(1, 5000)),
        st.builds(lambda days: Retention(None, days, True), st.integers(1, 5000)),
        st.builds(lambda days: Retention(days, days, True), st.integers(1, 5000)),
    ),
}


def test_every_frame_has_a_property() -> None:
    assert set(CLAUSES) == set(REGISTRY)


@pytest.mark.parametrize("kind", CLAUSES)
@settings(max_examples=max(40, 2 * len(seeds())), deadline=None)
@given(data=st.data())
def test_the_canonical_english_of_any_clause_reads_back_to_it(kind: str, schema: Snapshot, data: st.DataObject) -> None:
    clause = data.draw(CLAUSES[kind])
    text = echo((clause,), schema)
    assert understood(text, schema) == (clause,), text


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
            assert (tick.hour * 60 + tick.minute - recurrence.past) % recurrence.every == 0
        if recurrence.hours is not None:
            assert recurrence.hours[0] <= tick.hour <= recurrence.hours[1]
        assert not recurrence.week or tick.isoweekday() % 7 in recurrence.week
        assert not recurrence.month or tick.day in recurrence.month
        assert not recurrence.months or tick.month in recurrence.months


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


def _salad(chance: random.Random, sentences: list[list[str]]) -> str:
    """Words of many sentences in any order, or a sentence that goes on as another one does."""
    one, other = chance.choice(sentences), chance.choice(sentences)
    if chance.random() < 0.5:
        return " ".join([*one[: chance.randint(1, len(one))], *other[chance.randrange(len(other)) :]])
    return " ".join(chance.choice(chance.choice(sentences)) for _ in range(chance.randint(2, 14)))


def test_no_salad_of_known_words_raises_an_exception(whole_schema: Snapshot) -> None:
    sentences = [entry.text.split() for entries in corpus.rounds().values() for entry in entries]
    chance = random.Random(11)
    for _ in range(150):
        text = _salad(chance, sentences)
        reading = corpus.reading(text, whole_schema)
        assert bool(reading.clauses) != bool(reading.fault), text


@pytest.mark.parametrize("text", ["the " * 5000, "Syncs " + "Account, " * 3000, "not " * 249, "R1 " * 100])
def test_a_text_without_end_is_refused(text: str, schema: Snapshot) -> None:
    fault = read(text, schema).fault
    assert fault is not None
    assert fault.code in ("DUR020", "DUR022", "DUR030")

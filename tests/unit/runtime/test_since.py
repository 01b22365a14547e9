"""The first day of what is loaded: days, spans, months of different lengths, and how it is remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import seeds
from durable_runtime.errors import ConfigurationError
from durable_runtime.salesforce import rest
from durable_runtime.salesforce.holdings import Holdings, created_field, holdings
from durable_runtime.salesforce.session import Session
from durable_runtime.since import EARLIEST, beginning, beginning_of, first_day, marked, shared, unmarked
from durable_runtime.spec import Extract
from durable_runtime.unstamped import Parent, children, children_by_id
from durable_runtime.warehouse.base import State
from durable_runtime.windows import Plan, Window, statement

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("since", "today", "day"),
    [
        ("2023-01-01", TODAY, date(2023, 1, 1)),
        ("P24M", TODAY, date(2024, 11, 25)),
        ("P2Y", TODAY, date(2024, 11, 25)),
        ("P90D", TODAY, date(2026, 8, 27)),
        ("P2W", TODAY, date(2026, 11, 11)),
        ("P1M", date(2026, 3, 31), date(2026, 2, 28)),
        ("P1Y", date(2024, 2, 29), date(2023, 2, 28)),
        ("P12M", date(2024, 2, 29), date(2023, 2, 28)),
        ("P1M", date(2026, 1, 31), date(2025, 12, 31)),
        ("P99999Y", TODAY, EARLIEST),
        ("P99999D", TODAY, date(2026, 11, 25) - timedelta(days=99999)),
        ("P400Y", TODAY, EARLIEST),
        ("1492-10-12", TODAY, EARLIEST),
    ],
)
def test_history_begins_so_much_before_today(since: str, today: date, day: date) -> None:
    assert first_day(since, today) == day


@pytest.mark.parametrize("since", ["", "P", "P2H", "PT2M", "2023-02-30", "yesterday", "P-1D"])
def test_what_is_no_day_and_no_span_is_an_error(since: str) -> None:
    with pytest.raises(ValueError, match=r"Invalid isoformat string|day is out of range"):
        first_day(since, TODAY)


@settings(max_examples=len(seeds(50)), deadline=None)
@given(st.integers(1, 500), st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_later_day_never_begins_earlier(count: int, today: date) -> None:
    for unit in "DWMY":
        one, next_day = (first_day(f"P{count}{unit}", day) for day in (today, today + timedelta(days=1)))
        assert one <= next_day <= one + timedelta(days=4)  # a February takes the last days of a longer month


@settings(max_examples=len(seeds(25)), deadline=None)
@given(
    st.from_regex(r"[0-9a-f]{8}(:[0-9a-f]{4})?/[A-Z]?[a-z,_]{0,9}/[a-z,]{0,9}/([A-Z][a-z]+:datetime)?", fullmatch=True),
    st.none() | st.datetimes(datetime(1700, 1, 2), datetime(2999, 1, 1)),  # noqa: DTZ001
)
def test_a_beginning_is_remembered_behind_the_row_function(row_function: str, moment: datetime | None) -> None:
    begin = moment and moment.replace(microsecond=0, tzinfo=UTC)
    remembered = marked(row_function, begin)
    assert (unmarked(remembered), beginning_of(remembered)) == (row_function, begin)


# --- what is asked of Salesforce -------------------------------------------------------------------------------------

BEGIN = "CreatedDate >= 2024-05-31T22:00:00.000Z"
UNTIL = datetime(2026, 11, 22, 1, 55, 1, tzinfo=UTC)
MOMENT = "2026-11-22T01:55:01.000Z"
EXTRACT = Extract(
    "Contact", ("Id", "IsDeleted"), lambda fields: f"SELECT {', '.join(fields)} FROM Contact", "SystemModstamp", ()
)
DESCRIBED = {"fields": [{"name": one} for one in ("Id", "IsDeleted", "CreatedDate", "SystemModstamp")]}


def held(history: str = BEGIN) -> Holdings:
    session: Any = SimpleNamespace(described={"Contact": DESCRIBED})
    return holdings(session, EXTRACT, UNTIL, history)


def test_every_count_and_list_of_an_object_is_of_its_history_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []

    def count(_: Session, soql: str) -> int:
        counted.append(soql)
        return 0

    monkeypatch.setattr(rest, "count", count)
    asked = held()
    asked.count()
    asked.count("Name = 'x'")
    asked.count_before(UNTIL)
    alive = f"(IsDeleted = false OR SystemModstamp >= {MOMENT})"
    assert counted == [
        f"SELECT Id FROM Contact WHERE {BEGIN} AND CreatedDate < {MOMENT} AND {alive}",
        f"SELECT Id FROM Contact WHERE {BEGIN} AND CreatedDate < {MOMENT} AND {alive} AND (Name = 'x')",
        f"SELECT Id FROM Contact WHERE {BEGIN} AND SystemModstamp < {MOMENT} AND IsDeleted = false",
    ]
    assert asked.listing() == f"SELECT Id, SystemModstamp FROM Contact WHERE {BEGIN} AND {alive}"
    assert asked.since() == f"SELECT Id FROM Contact WHERE {BEGIN} AND SystemModstamp >= {MOMENT}"


def test_a_question_about_an_id_finds_records_of_any_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        rest, "query", lambda _, soql: [{"Id": "003A", "IsDeleted": False}] if BEGIN not in soql else []
    )
    assert held().ask(("003A",)).live == ("003A",)


def test_every_statement_that_reads_windows_and_children_has_the_condition() -> None:
    plan = Plan(EXTRACT, ("Id", "IsDeleted"), Window(UNTIL - timedelta(days=1), UNTIL), since=BEGIN)
    parent = Parent("Account", "AccountId", (("Account", "SystemModstamp"),))
    whole = replace(plan, window=Window(None, UNTIL), first=True)
    filtered = replace(whole, extract=replace(EXTRACT, first="A = 1 OR B = 2"))
    asked = [
        statement(plan),
        statement(whole),
        statement(filtered),
        children(plan, (parent,)),
        *children_by_id(plan, {"WhoId": ["003A"]}),
    ]
    assert all(one.count(f" {BEGIN}") == 1 for one in asked)
    assert statement(filtered).endswith(f" AND {BEGIN} AND (A = 1 OR B = 2)")
    assert BEGIN not in statement(replace(plan, since=""))


@pytest.mark.parametrize(
    ("fields", "cursor", "field"),
    [
        (("Id", "CreatedDate", "SystemModstamp"), "SystemModstamp", "CreatedDate"),
        (("Id", "LoginTime"), "LoginTime", "LoginTime"),
        (("Id", "CreatedDate"), "CreatedDate", "CreatedDate"),
        (("Id", "SystemModstamp"), "SystemModstamp", None),
        (("Id",), "", None),
    ],
)
def test_a_record_is_as_old_as_its_first_stamp(fields: tuple[str, ...], cursor: str, field: str | None) -> None:
    described = {"fields": [{"name": one} for one in fields]}
    assert created_field(described, replace(EXTRACT, cursor=cursor)) == field


# --- from when on ----------------------------------------------------------------------------------------------------


def job(since: str | None, state: State | None = None, mode: str = "upsert", started: datetime = UNTIL) -> Any:
    """As much of a run as decides where history begins."""
    policies = SimpleNamespace(since=(("Contact", since),) if since else (), mode=mode, behind=str)
    pipeline = SimpleNamespace(policies=policies, schedule=SimpleNamespace(timezone="Europe/Berlin"))
    states = {"Contact": state} if state else {}
    return SimpleNamespace(pipeline=pipeline, states=states, summary=SimpleNamespace(started_at=started))


def state(row_function: str | None, run_id: str = "20261001T230000Z-0a1b2c") -> State:
    return State("Contact", "00D1", None, row_function, 1, 1, True, run_id, datetime(2026, 10, 1))  # noqa: DTZ001


BERLIN = datetime(2024, 11, 21, 23, tzinfo=UTC)  # of November 22, UTC+1
EARLIER = datetime(2023, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "known", "mode", "begins"),
    [
        (None, None, "upsert", None),
        (None, marked("f/a/b/c", EARLIER), "upsert", None),
        ("P24M", None, "upsert", BERLIN),
        ("P24M", marked("f/a/b/c", EARLIER), "upsert", EARLIER),  # what is loaded stays
        ("P24M", marked("f/a/b/c", UNTIL), "upsert", BERLIN),  # the rest is read
        ("P24M", "f/a/b/c", "upsert", None),  # everything was loaded
        ("P24M", marked("f/a/b/c", EARLIER), "history", EARLIER),
        ("P24M", marked("f/a/b/c", EARLIER), "replace", BERLIN),  # each run builds the table anew
        ("2024-11-22", None, "append", BERLIN),
    ],
)
def test_history_begins_where_the_spec_says_unless_more_of_it_is_loaded(
    since: str | None, known: str | None, mode: str, begins: datetime | None
) -> None:
    assert beginning(job(since, state(known) if known else None, mode), "Contact") == begins


def test_what_a_killed_first_load_brought_counts_from_the_day_of_that_run() -> None:
    assert beginning(job("P1D", state(None)), "Contact") == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert beginning(job("P1D", state(None, "run-1")), "Contact") == datetime(2026, 11, 20, 23, tzinfo=UTC)


def test_versions_that_load_from_the_same_files_load_the_same_history() -> None:
    session: Any = SimpleNamespace(described={"Contact": DESCRIBED})
    plan = Plan(EXTRACT, ("Id",), Window(None, UNTIL))

    def both(old: str | None, new: str | None, known: str | None) -> Plan:
        jobs = [job(old, state(known) if known else None), job(new)]
        for one in jobs:
            one.shapes = {"Contact": None}
        return shared(jobs, session, plan)

    loaded = marked("f/a/b/c", EARLIER)
    assert both("2024-01-01", "P24M", loaded).since == "CreatedDate >= 2023-01-01T00:00:00.000Z"
    assert both(None, None, "f/a/b/c").since == both(None, "P24M", "f/a/b/c").since == ""
    for new in ("2020-01-01", None):
        with pytest.raises(ConfigurationError, match="loads more history of Contact than the other"):
            both("2024-01-01", new, loaded)

"""From which creation date on an object is read: one condition for every query that reads, counts or lists it.

History that was loaded stays, and is kept up to date: an object's beginning never moves forward while its table stands.
A span (`P24M`) is counted back from the day of the first load; the beginning is remembered beside the row function, in
the warehouse. Mode replace has no history to keep: there each run counts back from its own day.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from durable_runtime.errors import ConfigurationError, FieldGone
from durable_runtime.runs import stamp
from durable_runtime.salesforce.describe import describe
from durable_runtime.salesforce.holdings import created_field
from durable_runtime.windows import Plan, soql_literal

if TYPE_CHECKING:
    from durable_runtime.job import Job
    from durable_runtime.salesforce.session import Session
    from durable_runtime.warehouse.base import State

SPAN = re.compile(r"P([0-9]+)([DWMY])")
DAYS, MONTHS = {"D": 1, "W": 7}, {"M": 1, "Y": 12}
EARLIEST = date(1700, 1, 2)  # SOQL knows no day before it, wherever that begins


def first_day(since: str, today: date) -> date:
    """The day at which history begins: `2023-01-01`, or a span (P90D, P2W, P24M, P2Y) before today.

    Where a month has no such day, its last one counts. Raises ValueError for anything else.
    """
    span = SPAN.fullmatch(since)
    if span is None:
        return max(date.fromisoformat(since), EARLIEST)
    count, unit = int(span[1]), span[2]
    with suppress(ValueError, OverflowError):
        if unit in DAYS:
            return max(today - timedelta(days=count * DAYS[unit]), EARLIEST)
        months = today.year * 12 + today.month - 1 - count * MONTHS[unit]
        year, month = months // 12, months % 12 + 1
        return max(date(year, month, min(today.day, monthrange(year, month)[1])), EARLIEST)
    return EARLIEST


def beginning(job: Job, name: str, states: Mapping[str, State] | None = None) -> datetime | None:
    """The moment (aware UTC) from which on records of an object are read; None for all there are.

    `states` are those of the table that the job will write, where it has not looked at it yet.
    """
    asked = dict(job.pipeline.policies.since).get(name)
    if asked is None:
        return None
    begin = _asked(job, asked, job.summary.started_at)
    state = (job.states if states is None else states).get(name)
    if state is None or job.pipeline.policies.mode == "replace":
        return begin
    if state.row_function is not None:
        known = beginning_of(state.row_function)
        return None if known is None else min(known, begin)
    with suppress(ValueError):  # a first load was killed midway: what it loaded is history too
        started = datetime.strptime(state.last_run_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return min(begin, _asked(job, asked, started))
    return begin


def marked(row_function: str, begin: datetime | None) -> str:
    """A row function as it is remembered, with the beginning of what is loaded under it."""
    return row_function if begin is None else f"{row_function}/{stamp(begin)}"


def unmarked(remembered: str) -> str:
    """The remembered row function without the beginning."""
    return remembered.rpartition("/")[0] if beginning_of(remembered) else remembered


def beginning_of(remembered: str) -> datetime | None:
    """The beginning of what was loaded under a remembered row function; None where that is everything."""
    with suppress(ValueError):
        return datetime.strptime(remembered.rpartition("/")[2], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return None


def narrowed(job: Job, session: Session, plan: Plan) -> Plan:
    """The plan with the condition for the history that is read.

    Raises FieldGone for an object that does not show when its records were created. Where the requirements begin later
    than what is loaded, that is noted once.
    """
    name = plan.extract.object
    asked = dict(job.pipeline.policies.since).get(name)
    if asked is None:
        return plan
    begin = beginning(job, name)
    if name in job.states and job.rebuilt(name) and begin != _asked(job, asked, job.summary.started_at):
        job.summary.event(
            "history_kept", object=name, since=asked, begins=stamp(begin) if begin else "its first record"
        )
    return _from(job, session, plan, begin)


def shared(jobs: Sequence[Job], session: Session, plan: Plan) -> Plan:
    """The plan of what several versions load from the same files, the first of which knows the table.

    Raises ConfigurationError where one of them has to load more history than another.
    """
    old, *others = [job for job in jobs if plan.extract.object in job.shapes]
    begin = beginning(old, plan.extract.object)
    if any(beginning(job, plan.extract.object, old.states) != begin for job in others):
        raise ConfigurationError(
            f"One of the two versions loads more history of {plan.extract.object} than the other, so that they cannot "
            "be loaded from the same records.",
            help="Load the new version in place, or give it the same history.",
        )
    return _from(old, session, plan, begin)


def _from(job: Job, session: Session, plan: Plan, begin: datetime | None) -> Plan:
    if begin is None:
        return plan
    name, requirement = plan.extract.object, job.pipeline.policies.behind("since")
    field = created_field(describe(session, name), plan.extract)
    if field is None:
        raise FieldGone(
            f"{name} does not show when its records were created, and {requirement or 'the package'} loads its history "
            "from a certain day on; nothing was read.",
            help=f"Give the user access to {name}.CreatedDate, or load all history of {name}.",
            requirement=requirement or None,
        )
    return replace(plan, since=f"{field} >= {soql_literal(begin)}")


def _asked(job: Job, since: str, moment: datetime) -> datetime:
    """The start of the first day, in the schedule's zone, as of the day of a moment."""
    zone = ZoneInfo(job.pipeline.schedule.timezone)
    day = first_day(since, moment.astimezone(zone).date())
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)

"""What a schedule costs in Salesforce API calls: the requests of a run, counted by the runtime's own limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, islice, repeat, takewhile
from math import ceil
from zoneinfo import ZoneInfo

from durable_compiler.catalogue import Snapshot
from durable_compiler.ir import Pipeline
from durable_runtime import unstamped
from durable_runtime.extraction import IDS_AT_ONCE
from durable_runtime.salesforce.bulk import FIRST_POLL, POLL_GROWTH, SLOWEST_POLL
from durable_runtime.salesforce.sizes import SIZES
from durable_runtime.spec import Extract
from durable_runtime.windows import overlap

# What is assumed, because no requirement says it.
RECORDS = 100_000  # in each object
CHANGED = 0.01  # of them, in a day
JOB_SECONDS = 30  # that Salesforce works on a Bulk job
ALLOWANCE = 100_000  # calls that an organization has in 24 hours

OTHERS = (("Hourly", "0 * * * *"), ("Every 15 minutes", "*/15 * * * *"), ("Nightly at 02:00", "0 2 * * *"))
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)  # any day would do; a fixed one gives the same page tomorrow
HORIZON, MOST_RUNS = timedelta(days=400), 3_000
ONCE_A_RUN = 3  # the log-in, and the question what time it is before and after reading
HIDDEN = 1  # the question which records refer to one that Salesforce does not show


@dataclass(frozen=True)
class Reading:
    """How one object is read: whether every run reads it whole, whether it has a filter, what guards count of it."""

    object: str
    whole: bool
    filtered: bool
    guards: int
    describes: int = 1  # objects whose fields are asked for: its own, and those that it looks up and nobody reads
    formulas: bool = False  # whether runs compare its formula fields with the table
    follows: bool = False  # whether runs read the records whose looked-up record changed
    asked: int = 0  # objects that references to several lead to: each is asked what changed
    logged: bool = True  # whether Salesforce keeps a log of its deletes
    selected: bool = False  # whether SOQL can select what the filter keeps, which runs then count

    @property
    def counts(self) -> int:
        """COUNT() for each guard, before and after reading, and for the proof of what an unfiltered table holds."""
        return self.guards + (2 if self.filtered else 3)

    @property
    def deletes(self) -> int:
        """The question what was deleted for good; a first run does not ask."""
        return 1 if self.logged else 0

    def records(self, changed: int, held: int = RECORDS) -> int:
        """Records read by a run in which so many changed, of an object that holds so many."""
        return held if self.whole else min(changed, held)

    def ids(self, held: int = RECORDS) -> int:
        """The table never holds what a filter leaves out, so that every run but the first compares all Ids."""
        return 1 + transfer(held) + self.selected if self.filtered else 0

    def moved(self, changed: int, held: int = RECORDS, *, refreshes: bool = True) -> int:
        """What moves without a stamp: a COUNT() and the records, of the children and of the formulas; hidden parents.

        As many records have a changed parent as changed themselves, and as many parents, where a reference is to
        several objects, did; `refreshes` tells that formulas are compared.
        """
        children = 1 + transfer(min(changed, held)) + HIDDEN if self.follows else 0
        children += 2 * self.asked + (2 * ceil(min(changed, unstamped.MOST_PARENTS) / IDS_AT_ONCE) if self.asked else 0)
        return children + (1 + transfer(held) if self.formulas and refreshes else 0)

    def calls(self, changed: int, held: int = RECORDS, *, first: bool = False, refreshes: bool = True) -> int:
        """Requests of such a run: a first one describes, counts and reads all that is held, and compares nothing."""
        read = self.describes + self.counts + transfer(held if first else self.records(changed, held))
        if first:
            return read + (HIDDEN if self.follows else 0)
        return read + self.deletes + self.ids(held) + self.moved(changed, held, refreshes=refreshes)


@dataclass(frozen=True)
class Cost:
    """A schedule on the busiest of its days; `changed` are the records of an object in the largest of its runs."""

    label: str
    present: bool
    runs: int
    changed: int
    least: int  # calls of the cheapest run of that day
    most: int
    day: int

    @property
    def share(self) -> float:
        """Of the calls that an organization has in 24 hours."""
        return self.day / ALLOWANCE


@dataclass(frozen=True)
class Costs:
    """The table with the present schedule first, the first run, and how each object is read."""

    rows: tuple[Cost, ...]
    first: int
    readings: tuple[Reading, ...]
    overlap_seconds: int

    @property
    def objects(self) -> tuple[Part, ...]:
        """The largest run of the present schedule, by object."""
        changed = self.rows[0].changed
        return tuple(
            Part(
                one.object,
                one.whole,
                one.describes,
                read,
                one.counts,
                transfer(read),
                one.deletes,
                one.ids(),
                one.moved(changed),
            )
            for one in self.readings
            for read in (one.records(changed),)
        )


@dataclass(frozen=True)
class Part:
    """What one object adds to a run."""

    object: str
    whole: bool
    describes: int
    records: int
    counts: int
    transfer: int
    deletes: int
    ids: int
    moved: int


def transfer(records: int) -> int:
    """Requests that bring so many records: a query, or a Bulk job from its creation to its deletion."""
    if records < SIZES.rest_below:
        return 1  # one page of the REST API holds as many
    return 1 + polls(JOB_SECONDS) + ceil(records / SIZES.page_records) + 1


def polls(seconds: float) -> int:
    """How often a job that takes so long is asked for: at first at once, then after ever longer pauses."""
    pauses = accumulate(
        repeat(POLL_GROWTH), lambda pause, growth: min(pause * growth, SLOWEST_POLL), initial=FIRST_POLL
    )
    asked = accumulate(pauses, initial=0.0)
    return 1 + sum(1 for _ in takewhile(lambda at: at < seconds, asked))


def costs(pipeline: Pipeline, extracts: Iterable[Extract], label: str, snapshot: Snapshot) -> Costs:
    """What the present schedule and three others cost; `label` is the present one in words."""
    assert pipeline.schedule is not None
    readings = tuple(_readings(pipeline, tuple(extracts), snapshot))
    again = overlap(pipeline.incremental.overlap_seconds)
    timezone = pipeline.schedule.timezone
    schedules = [(label, pipeline.schedule.cron), *OTHERS]
    nightly = pipeline.incremental.formula_refresh == "nightly"
    rows = (
        _cost(name, at == 0, _runs(cron, timezone), readings, again, nightly)
        for at, (name, cron) in enumerate(schedules)
    )
    return Costs(tuple(rows), of_run(readings, RECORDS, first=True), readings, round(again.total_seconds()))


def of_run(readings: Iterable[Reading], changed: int, *, first: bool = False, refreshes: bool = True) -> int:
    """Requests of one run in which so many records of each object changed."""
    return ONCE_A_RUN + sum(one.calls(changed, first=first, refreshes=refreshes) for one in readings)


def _readings(pipeline: Pipeline, extracts: tuple[Extract, ...], snapshot: Snapshot) -> Iterator[Reading]:
    described = {one.object for one in extracts}
    for one in extracts:
        found = reading(pipeline, one, snapshot)
        steps = unstamped.parents(one, _fields_of(snapshot)) or ()
        related = {name for step in steps for name, _ in step.stamps} - described
        described |= related
        yield replace(found, describes=1 + len(related))


def reading(pipeline: Pipeline, extract: Extract, snapshot: Snapshot) -> Reading:
    """The runtime's own rule for what is read whole, compared and followed."""
    steps = unstamped.parents(extract, _fields_of(snapshot))
    whole = not pipeline.incremental.enabled or unstamped.moves(extract, steps)
    guards = [one for one in pipeline.guards if one.kind == "min_rows" and one.object in (None, extract.object)]
    source = next(one for one in pipeline.source.objects if one.name == extract.object)
    return Reading(
        extract.object,
        whole,
        source.where is not None,
        len(guards),
        formulas=not whole and bool(extract.formulas) and pipeline.incremental.formula_refresh != "never",
        follows=not whole and bool(steps),
        asked=0 if whole else sum(len(one.stamps) for one in steps or () if one.several),
        logged="IsDeleted" in extract.fields,
        selected=not whole and extract.first is not None,
    )


def _fields_of(snapshot: Snapshot) -> unstamped.Described:
    """Fields of the snapshot as a describe shows them, as far as parents are found by them."""
    keys = ("name", "relationshipName", "referenceTo", "calculated")

    def fields(name: str) -> Iterator[unstamped.Field]:
        known = snapshot.by_name.get(name)
        yield from ({key: getattr(one, key) for key in keys} for one in (known.fields if known else ()))

    return fields


def _cost(
    label: str, present: bool, runs: Iterable[tuple[datetime, timedelta]], readings: tuple[Reading, ...],
    again: timedelta, nightly: bool,
) -> Cost:  # fmt: skip
    days: dict[date, list[tuple[int, int]]] = {}
    refreshed = BEGIN - unstamped.NIGHT
    for at, since in runs:
        changed = ceil(RECORDS * CHANGED * ((since + again) / timedelta(days=1)))
        refreshes = not nightly or at - refreshed >= unstamped.NIGHT
        refreshed = at if refreshes else refreshed
        days.setdefault(at.date(), []).append((of_run(readings, changed, refreshes=refreshes), changed))
    busiest = max(
        days.values(), key=lambda many: (sum(calls for calls, _ in many), max(changed for _, changed in many))
    )
    calls, changes = zip(*busiest, strict=True)
    return Cost(label, present, len(busiest), max(changes), min(calls), max(calls), sum(calls))


def _runs(cron: str, timezone: str) -> Iterator[tuple[datetime, timedelta]]:
    """Runs in the schedule's zone, each with the time since the one before."""
    from cronsim import CronSim

    before = BEGIN.astimezone(ZoneInfo(timezone))
    instants = takewhile(lambda at: at - BEGIN < HORIZON, CronSim(cron, before))
    for at in islice(instants, MOST_RUNS):
        yield at, at.astimezone(UTC) - before.astimezone(UTC)
        before = at

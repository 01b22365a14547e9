"""When the pipeline runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.clocks import Days, Recurrence, Times, in_part_of_day
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Schedule(Clause):
    """A recurrence in a zone; `bare` without a verb, which then must be the verb of a sync next to it."""

    kind: ClassVar[str] = "schedule"
    recurrence: Recurrence
    zone: str
    bare: bool = field(default=False, compare=False)


def build(values: Values, sentence: Sentence) -> Schedule | Fault | None:
    """The clause of a reading."""
    found = recurrence(values, sentence)
    if not isinstance(found, tuple):
        return found
    when, zone, assumed = found
    return Schedule(when, zone or "UTC", "bare" in values, assumed=assumed)


def recurrence(values: Values, sentence: Sentence) -> tuple[Recurrence, str | None, tuple[Assumed, ...]] | Fault | None:
    """Days, times and zone of a reading as one recurrence, its zone if said, and what was assumed."""
    days: Days = values.get("days", Days(part="night" if "nightly" in values else ""))
    times: Times | None = values.get("times")
    zone = values.get("zone")
    if times is not None and times.zone is not None:
        if zone is not None:
            return None
        zone = times.zone
    if "every" in values:
        return _every(values["every"], days, zone)
    problem = _problem(days, times, zone, sentence)
    if problem is not None or times is None:
        return problem
    when = Recurrence(None, times.times, days.week, days.month)
    if when.cron is None:
        help = "Write times that share their minutes, or two pipelines."
        return Fault("DUR044", "one cron line cannot express these times", times.start, times.end, help)
    return when, zone, (*_assumed_zone(zone), *_assumed_clock(times, when))


def _every(minutes: int, days: Days, zone: str | None) -> tuple[Recurrence, str | None, tuple[Assumed, ...]] | None:
    if days.count is not None or days.weekly or days.month:
        return None
    return Recurrence(minutes, (), days.week), zone, _assumed_zone(zone)


def _problem(days: Days, times: Times | None, zone: str | None, sentence: Sentence) -> Fault | None:
    start, end = sentence.tokens[0].start, sentence.tokens[-1].end
    if times is None:
        code, what = ("DUR044", "how often, but not when") if days.count else ("DUR042", "the days, but not the time")
        return Fault(code, f"the sentence says {what}", start, end, "Add the time of day, e.g. at 2:00 AM UTC.")
    if times.bare and zone is None:
        help = "Write 2:00 AM, 02:00 or 2:00 UTC."
        return Fault("DUR041", "the time may be in the morning or the afternoon", times.start, times.end, help)
    if not all(in_part_of_day(days.part, hour) for hour, _ in times.times):
        help = "Write every day, or another time."
        return Fault("DUR040", f"that is no time of the {days.part}", times.start, times.end, help)
    if days.weekly and not days.week:
        return Fault("DUR044", "once a week needs a day", start, end, "Name the day, e.g. every Sunday at 02:00 UTC.")
    if days.count is not None and days.count != len(times.times):
        return Fault("DUR044", "the number of times does not match", times.start, times.end, "Name each time of day.")
    return None


def _assumed_zone(zone: str | None) -> tuple[Assumed, ...]:
    return () if zone else (Assumed("schedule.timezone", "UTC", "the sentence names no time zone"),)


def _assumed_clock(times: Times, when: Recurrence) -> tuple[Assumed, ...]:
    return (
        (Assumed("schedule.cron", when.cron, "a time with a zone is read on the 24-hour clock"),)
        if times.assumed
        else ()
    )


def echo(clause: Schedule, catalogue: Snapshot) -> str:
    """Canonical English."""
    return f"Runs {clause.recurrence.echo()} {clause.zone}"


def ir(clause: Schedule, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"schedule": {"cron": clause.recurrence.cron, "timezone": clause.zone}}


FRAME = Frame(
    kind="schedule",
    doc="Says when the pipeline runs, in a time zone.",
    phrases="""
    RUN = ~run/start/execute/launch/begin/schedule/trigger/happen | ~kick off | ~take place
    SYNC = ~sync/synchronise/synchronize/refresh [the data]
    SUBJECT = nightly run/sync/job/load ~run/start/begin/execute {nightly=yes}
    IT = [the/this/a] [scheduled] run/schedule [:]
    DAYS = <days>
    TIMES = [at/for] <times>
    EVERY = <every>
    ZONE = <zone>
    READ RUN|SYNC|IT DAYS [TIMES] [ZONE]
    READ RUN|SYNC|IT TIMES [ZONE]
    READ RUN|SYNC|IT EVERY [DAYS] [ZONE]
    READ SUBJECT TIMES [ZONE]
    READ DAYS [TIMES] [ZONE] {bare=yes}
    READ EVERY [DAYS] [ZONE] {bare=yes}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("schedule",),
    examples=(
        "Runs nightly at 2:00 AM UTC",
        "Runs every 15 minutes",
        "Runs on weekdays at 18:30 Europe/Berlin",
        "Runs at 6 AM UTC on the first of every month",
        "Runs every day at 2 AM and 2 PM New York time",
        "The sync must run hourly",
    ),
    near_misses=(
        "Runs nightly",
        "Runs daily at 2:00",
        "Runs at 25:00 UTC",
        "Runs every 7 minutes",
        "Runs at 2 AM EST",
        "Runs about 2 AM UTC",
        "Runs twice a day",
        "Never runs at 2 AM UTC",
        "Runs at 2 AM UTC except on Sundays",
    ),
)

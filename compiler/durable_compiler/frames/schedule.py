"""When the pipeline runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.clocks import Times, in_part_of_day, of_the_part
from durable_compiler.grammar.days import Days
from durable_compiler.grammar.intervals import Window
from durable_compiler.grammar.recurrence import Recurrence, last_minute
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
    if "cron" in values:
        return values["cron"], zone, _assumed_zone(zone)
    if "several" in values and times is not None and len(times.times) < 2:
        return None  # "first at 2 AM": and then?
    if times is not None and times.halfless:
        times = _in_its_half(times, days.part)
    if times is not None and times.zone is not None:
        if zone is not None:
            return None
        zone = times.zone
    if "every" in values or "hourly" in values:
        return _every(values, days, zone, sentence)
    problem = _problem(values, days, times, zone, sentence)
    if problem is not None or times is None:
        return problem
    when = Recurrence(None, times.times, days.week, days.month, days.months)
    if when.cron is None:
        help = "Write times that share their minutes, or two pipelines."
        return Fault("DUR044", "one cron line cannot express these times", times.start, times.end, help)
    return when, zone, (*_assumed_zone(zone), *_assumed_clock(times, when))


def _in_its_half(times: Times, part: str) -> Times:
    """`every evening` says in which half of the day a time on a dial is."""
    known = of_the_part(part, times.times)
    return times if known is None else replace(times, times=known, bare=False, halfless=False)


def _every(
    values: Values, days: Days, zone: str | None, sentence: Sentence
) -> tuple[Recurrence, str | None, tuple[Assumed, ...]] | Fault | None:
    every: int = values.get("every", 60)
    past: int = values.get("past", 0)
    window: Window | None = values.get("window")
    if days.count is not None or days.weekly or days.month or days.part or (past and every < 60):
        return None
    if window is not None:
        if window.zone is not None and zone is not None:
            return None
        zone = zone or window.zone
        found = _within(every, past, window, days)
        return found if isinstance(found, Fault) else (found, zone, _assumed_zone(zone))
    return Recurrence(every, (), days.week, past=past), zone, _assumed_zone(zone)


def _within(every: int, past: int, window: Window, days: Days) -> Recurrence | Fault:
    """A recurrence that keeps to some hours of the day, when both ends of the window are moments of it."""
    (first, start), (last, end) = window.first, window.last
    past = past or (start if every >= 60 else 0)
    known = every > 60 and (last - first) * 60 % every
    if known or first == last or (start, end) != (past, last_minute(every, past)):
        closing = last_minute(every, past)
        help = f"Write a window whose ends are runs, e.g. from {first:02}:{past:02} to {last:02}:{closing:02}."
        return Fault("DUR044", "the last run of this window is not at its end", window.start, window.end, help)
    if every > 60:
        return Recurrence(None, tuple((hour, past) for hour in range(first, last + 1, every // 60)), days.week)
    return Recurrence(every, (), days.week, past=past, hours=None if (first, last) == (0, 23) else (first, last))


def _problem(values: Values, days: Days, times: Times | None, zone: str | None, sentence: Sentence) -> Fault | None:
    start, end = sentence.tokens[0].start, sentence.tokens[-1].end
    if times is None:
        code, what = ("DUR044", "how often, but not when") if days.count else ("DUR042", "the days, but not the time")
        return Fault(code, f"the sentence says {what}", start, end, "Add the time of day, e.g. at 2:00 AM UTC.")
    if times.halfless or (times.bare and zone is None):
        help = "Write 2:00 AM, 02:00 or 2:00 UTC."
        return Fault("DUR041", "the time may be in the morning or the afternoon", times.start, times.end, help)
    if not all(in_part_of_day(days.part, hour) for hour, _ in times.times):
        help = "Write every day, or another time."
        return Fault("DUR040", f"that is no time of the {days.part}", times.start, times.end, help)
    if not _agrees(values.get("often", ""), days):
        return Fault("DUR044", "how often and the days do not match", start, end, "Name the days only.")
    if days.weekly and not days.week:
        return Fault("DUR044", "once a week needs a day", start, end, "Name the day, e.g. every Sunday at 02:00 UTC.")
    if days.count is not None and days.count != len(times.times):
        return Fault("DUR044", "the number of times does not match", times.start, times.end, "Name each time of day.")
    return None


def _agrees(often: str, days: Days) -> bool:
    """Whether the days are as many as a word next to them says: a weekly reload, on Saturday."""
    each_day = not days.week and not days.month and not days.weekly
    agreeing = {"weekly": len(days.week) == 1, "monthly": len(days.month) == 1, "daily": each_day}
    return agreeing.get(often, True)


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
    RUN = are/is required/needed | ~run/sync just | just ~run/sync | ~go | ~carry out | ~run this |
        ~run/start/execute/launch/begin/schedule/trigger/happen/fire/operate | ~kick off | ~take place | ~kick_off |
        ~set to run
    SYNC = ~sync/synchronise/synchronize/refresh/update [[the/all/our] data] | [the/all/our] data
        ~sync/synchronise/synchronize/refresh/update/load/pull/fetch/extract | ~load/pull/fetch/extract/copy
        [the/all/our] data
    SUBJECT = nightly run/sync/job/load ~run/start/begin/execute {nightly=yes}
    NIGHT = nightly run/sync/job/load [:] {nightly=yes}
    WHO = %who | we need it/this to | we/i need/want [%who] to
    ASKED = (could/can/would) (it | the/our (sync/pipeline/job/load)) [please] (run/start)
    READ ASKED DAYS [TIMES] [ZONE]
    READ ASKED TIMES DAYS [ZONE]
    READ ASKED EVERY [PAST] [WINDOW] [DAYS] [ZONE]
    LETRUN = ~let/make/have it run | there (should/must/shall be | is [to be]) a run | a new run ~start/begin | one
        run | weekly run/sync/job
    NOTED = time/times/when [of the run] :
    CRONLINE = [runs/run/executes/execute] [on/at] [the/a] cron [schedule/expression/line/job] [is/:/=] <cron> |
        (schedule/frequency) [:/=/is] <cron>
    OFTENRUN = [a/the] (weekly {often=weekly} | monthly {often=monthly} | daily {often=daily}) %run_word [is/has to]
        (~take place | ~run/start/happen/execute/occur | %be ~perform/execute/run/start)
    PLANNED = execution is ~plan/schedule for | ~plan/schedule/set for | [the] run/execution/sync is due
    FRESH = we/i need/want [the/our/all] data ~refresh/sync/update/load/synchronise
    IT = [the/this/a] [scheduled] run/schedule [:]
    LABEL = [%run_word] schedule/frequency/cadence/timing/interval/recurrence [is/of] | cron | execution | start time
        | run time/times | runs
    SPAN = [%run_word] (interval/frequency/cadence [is/of] [:]) <interval:every>
    DAYS = <days>
    TIMES = (one/once | first {several=yes}) at <times> | \\( [at] <times> \\) | [at/for/@ | starting at | beginning
        at | start at] <times>
    EVERY = [of/for] <every>
    PAST = <past>
    WINDOW = <window>
    ONHOUR = on the hour {hourly=yes} | at the top of the/every/each hour {hourly=yes}
    ALWAYS = <always>
    ZONE = <zone>
    READ LETRUN|NOTED DAYS TIMES [ZONE]
    READ NOTED TIMES ZONE
    READ CRONLINE [ZONE] [RUN]
    READ OFTENRUN DAYS TIMES [ZONE]
    READ LABEL DAYS NOTED TIMES [ZONE]
    READ LETRUN|NOTED EVERY [PAST] [WINDOW] [DAYS] [ZONE] [ALWAYS]
    READ PLANNED|FRESH DAYS [TIMES] [ZONE] [WHO] [RUN]
    READ PLANNED|FRESH EVERY [PAST] [WINDOW] [DAYS] [ZONE] [ALWAYS]
    READ RUN|SYNC|IT|LABEL|WHO DAYS [TIMES] [ZONE] [WHO] [RUN]
    READ RUN|SYNC|IT|LABEL|WHO TIMES [ZONE] [WHO] [RUN]
    READ RUN|SYNC|IT|LABEL|WHO EVERY [PAST] [WINDOW] [DAYS] [ZONE] [WHO] [RUN] [ALWAYS]
    READ RUN|SYNC|IT|LABEL|WHO ONHOUR [WINDOW] [DAYS] [ZONE] [WHO] [RUN] [ALWAYS]
    READ SPAN [RUN] [WINDOW] [DAYS] [ZONE] [WHO] [ALWAYS]
    READ SUBJECT|NIGHT TIMES [ZONE]
    READ DAYS [TIMES] [ZONE] {bare=yes}
    READ EVERY [PAST] [WINDOW] [DAYS] [ZONE] [ALWAYS] {bare=yes}
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
        "Kicks off hourly at :15",
        "Runs on the first day of every quarter at 2 AM UTC",
    ),
    near_misses=(
        "Runs on the first Monday of the month at 2 AM UTC",
        "Runs every 15 minutes between 8 AM and 6 PM UTC",
        "Runs every day at half past six",
        "Runs at 2 and 6 PM UTC",
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

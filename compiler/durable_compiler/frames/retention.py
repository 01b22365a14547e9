"""How long what is not business data is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.sentence import Fault, Sentence

_DAY = 86400


@dataclass(frozen=True)
class Retention(Clause):
    """Days for monitoring data, for rejected rows, or for both."""

    kind: ClassVar[str] = "retention"
    monitoring_days: int | None = None
    rejects_days: int | None = None
    at_least: bool = False


def build(values: Values, sentence: Sentence) -> Retention | Fault:
    """The clause of a reading."""
    if "inexact" in values:
        return _refused(f"a {values['inexact']} is no fixed number of days", sentence)
    first = values["period"]
    periods = {values["what"]: first, **({values["also"]: values.get("other", first)} if "also" in values else {})}
    if any(period % _DAY or period <= 0 for period in periods.values()):
        return _refused("the time is no number of whole days", sentence)
    if len(periods) < 1 + ("also" in values):
        return _refused("one kind of data is named twice", sentence)
    days = {what: period // _DAY for what, period in periods.items()}
    clause = Retention(days.get("monitoring_days"), days.get("rejects_days"), "floor" in values)
    return replace(clause, assumed=_assumed(clause)) if clause.at_least else clause


def echo(clause: Retention, catalogue: Snapshot) -> str:
    """Canonical English."""
    least = "at least " if clause.at_least else ""
    if clause.monitoring_days is None:
        days = _in_days(clause.rejects_days or 0)
        return f"Keeps rejected rows for {least}{days}" if least else f"Deletes rejected rows after {days}"
    if clause.rejects_days == clause.monitoring_days:
        return f"Keeps monitoring data and rejected rows for {least}{_in_days(clause.monitoring_days)}"
    also = f" and rejected rows for {_in_days(clause.rejects_days)}" if clause.rejects_days is not None else ""
    return f"Keeps monitoring data for {least}{_in_days(clause.monitoring_days)}{also}"


def ir(clause: Retention, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    said = {"monitoring_days": clause.monitoring_days, "rejects_days": clause.rejects_days}
    return {"retention": {key: days for key, days in said.items() if days is not None}}


def _assumed(clause: Retention) -> tuple[Assumed, ...]:
    """What is kept for at least a time is deleted after exactly it."""
    days = {"monitoring_days": clause.monitoring_days, "rejects_days": clause.rejects_days}
    why = "what must be kept for at least so long is deleted after it"
    return tuple(Assumed(f"retention.{key}", value, why) for key, value in days.items() if value is not None)


def _in_days(days: int) -> str:
    return f"{days:,} day{'' if days == 1 else 's'}"


def _refused(why: str, sentence: Sentence) -> Fault:
    help = "Write a number of days, such as 90 days."
    return Fault("DUR053", why, sentence.tokens[0].start, sentence.tokens[-1].end, help)


_MONITORING = (
    "([the/all/our/any] [collected] (monitoring (data/history/records/events/information/metrics/logs/entries)"
    " | (run/activity/execution/sync/pipeline/job) (history/logs/records/log/data/metrics/statistics)"
    " | run and monitoring data | history of [all/the] runs | monitoring and run data | logs and metrics"
    " | metrics and logs | logs | metrics | telemetry | observability data | monitoring))"
)
_REJECTS = (
    "([the/all/any/our] (rejected/quarantined/failed/reject (%rows/ones) | rejects | dead letters | invalid rows"
    " | dead letter %rows | (rejects/reject table) | %rows (that/which) (were/are/have) [been] rejected | rejections))"
).replace("(%rows/ones)", "%rows")


def _what(slot: str) -> str:
    return f"({_MONITORING} {{{slot}=monitoring_days}} | {_REJECTS} {{{slot}=rejects_days}})"


def _period(slot: str) -> str:
    inexact = "(<int:count> months | <int:count> month | a month) {inexact=month}"
    named = f"(<duration:{slot}> | {inexact} | (<int:count> years | <int:count> year | a year) {{inexact=year}})"
    # A year that the sentence itself counts in days is exact.
    counted = (
        "([one/a/1 | half a] (year/month/quarter) (, that is [,] | \\( | , i . e . [,] | , or | =)"
        f" <duration:{slot}> [\\)])"
    )
    return f"({named} | {counted})"


_HELD = (
    "(~keep/retain/store/save/hold/preserve/maintain [on to] | ~hang on to | ~live/stay/remain | available |"
    " accessible)"
)
_GONE = (
    "(~delete/remove/purge/expire/clear/discard/erase/drop/prune [out] | ~clean up | ~throw away | ~get rid of |"
    " ~age out | ~throw out | ~bin | can/may be (deleted/removed/purged/discarded/dropped) | can/may be thrown"
    " (out/away) | can/may go)"
)
_FOR = "(for [%most | no longer than])"
_FOR_AND = "[,] [and/while] [for]"

FRAME = Frame(
    kind="retention",
    doc="Says how long monitoring data and rejected rows are kept.",
    phrases=f"""
    KEEP = {_HELD}
    DELETE = {_GONE}
    WHAT = {_what("what")} [and {_what("also")}]
    FOR = [{_FOR}] {_period("period")} [each] | ([for] at least | for a minimum of) {_period("period")} [each]
            {{floor=yes}}
    AFTER = (after | [that/which] [is/are] older than | once/when/if (they/it) [are/is] older than | beyond | past)
            {_period("period")}
        | (when/once/if they/it are/is | after being) <duration:period> old
        | <duration:period> after (they/it were/was/are/is [been] (rejected/recorded/written/created) | rejection
            | the run | being rejected)
    THEN = then {_GONE} [them/it] | {_GONE} them/it [afterwards | after that | then]
        | before (being/it/they) [is/are] {_GONE}
    NOLONGER = %must_not {_HELD} {_what("what")} (longer than | for (more/longer) than | beyond | past)
            {_period("period")}
        | {_what("what")} %must_not [be] {_HELD} (longer than | for (more/longer) than | beyond | past)
            {_period("period")}
    LAST = [the] last {_period("period")} of {_what("what")} | <duration:period> of {_what("what")}
    BOTH = {_HELD} {_what("what")} [{_FOR}] {_period("period")} [,] [and] [to] {_what("also")} [{_FOR}]
            {_period("other")}
        | {_what("what")} {_HELD} [{_FOR}] {_period("period")} [,] [and] {_what("also")} [{_FOR}] {_period("other")}
        | {_GONE} {_what("what")} after {_period("period")} [,] [and] {_what("also")} after {_period("other")}
        | {_what("what")} {_GONE} after {_period("period")} [,] [and] {_what("also")} after {_period("other")}
        | {_what("what")} [:] {_period("period")} [,/;] [and] {_what("also")} [:] {_period("other")}
    LABEL = {_what("what")} retention [period/time] [is/of] [: | =] {_period("period")}
        | retention [period/time] (of/for) {_what("what")} [is/of] [: | =] {_period("period")}
        | [the] retention [period/time] [is/of] [:] {_period("period")} (for/of) {_what("what")} [,] [and]
            {_period("other")}
            (for/of) {_what("also")}
        | [a] retention [period/time] of {_period("period")} ~apply to {_what("what")} [[,] and ([one] of
            {_period("other")})
            [~apply] (to/for) {_what("also")}]
        | retention [: | = | is/of] {_period("period")} for {_what("what")}
        | {_what("what")} (has/have) a retention [period/time] of {_period("period")}
        | {_what("what")} (: | =) [~keep/retain/store] {_period("period")}
        | {_what("what")} (has/have) a retention [period/time] of {_period("period")}
        | {_what("what")} (: | =) {_GONE} after {_period("period")}
    AWAY = ~throw {_what("what")} away | {_what("what")} %be thrown away
    THROWN = then ~throw (them/it) away
    READ KEEP WHAT FOR THROWN
    TOPIC = (retention | data retention) :
    READ AWAY AFTER
    READ TOPIC WHAT FOR
    READ KEEP LAST [THEN]
    READ KEEP WHAT FOR [THEN]
    READ DELETE WHAT AFTER
    READ NOLONGER
    READ BOTH
    READ LABEL
    FOLLOWING retention READ WHAT FOR
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("retention",),
    examples=(
        "Keeps monitoring data for 90 days",
        "Deletes rejected rows after 30 days",
        "Rejected rows are kept for two weeks",
        "Keeps monitoring data for 90 days and rejected rows for 30 days",
    ),
    near_misses=(
        "Keeps monitoring data",
        "Keeps monitoring data for 90 rows",
        "Never keeps monitoring data for 90 days",
        "Keeps monitoring data for about 90 days",
        "Keeps monitoring data for 5 minutes",
        "Keeps monitoring data for 3 months",
        "Deletes monitoring data for 90 days",
        "Keeps Accounts for 90 days",
    ),
)

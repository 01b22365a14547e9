"""How long what is not business data is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.sentence import Fault, Sentence

_DAY = 86400


@dataclass(frozen=True)
class Retention(Clause):
    """Days for monitoring data, for rejected rows, or for both."""

    kind: ClassVar[str] = "retention"
    monitoring_days: int | None = None
    rejects_days: int | None = None


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
    return Retention(days.get("monitoring_days"), days.get("rejects_days"))


def echo(clause: Retention, catalogue: Snapshot) -> str:
    """Canonical English."""
    if clause.monitoring_days is None:
        return f"Deletes rejected rows after {_in_days(clause.rejects_days or 0)}"
    also = f" and rejected rows for {_in_days(clause.rejects_days)}" if clause.rejects_days is not None else ""
    return f"Keeps monitoring data for {_in_days(clause.monitoring_days)}{also}"


def ir(clause: Retention, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    said = {"monitoring_days": clause.monitoring_days, "rejects_days": clause.rejects_days}
    return {"retention": {key: days for key, days in said.items() if days is not None}}


def _in_days(days: int) -> str:
    return f"{days:,} day{'' if days == 1 else 's'}"


def _refused(why: str, sentence: Sentence) -> Fault:
    help = "Write a number of days, such as 90 days."
    return Fault("DUR053", why, sentence.tokens[0].start, sentence.tokens[-1].end, help)


_MONITORING = (
    "([the/all/our] (monitoring (data/history/records/events/information/metrics) | (run/activity/execution/sync)"
    " (history/logs/records/log/data/metrics) | run and monitoring data | monitoring and run data | logs and metrics"
    " | metrics and logs | logs | metrics | telemetry | observability data | monitoring))"
)
_REJECTS = (
    "([the/all/any/our] (rejected %rows | rejects | reject %rows | quarantined %rows | failed %rows | dead letters"
    " | dead letter %rows | (rejects/reject table)))"
)


def _what(slot: str) -> str:
    return f"({_MONITORING} {{{slot}=monitoring_days}} | {_REJECTS} {{{slot}=rejects_days}})"


def _period(slot: str) -> str:
    inexact = "(<int:count> months | <int:count> month | a month) {inexact=month}"
    return f"(<duration:{slot}> | {inexact} | (<int:count> years | <int:count> year | a year) {{inexact=year}})"


_HELD = "~keep/retain/store/save/hold/preserve"
_GONE = "~delete/remove/purge/expire/clear/discard/erase [out] | ~clean up | ~throw away"
_FOR = "(for [up to | at most | no longer than | a maximum of])"

FRAME = Frame(
    kind="retention",
    doc="Says how long monitoring data and rejected rows are kept.",
    phrases=f"""
    KEEP = {_HELD}
    DELETE = {_GONE}
    WHAT = {_what("what")} [and {_what("also")}]
    FOR = {_FOR} {_period("period")} | <duration:period>
    AFTER = (after | older than | once they/it are/is older than) {_period("period")}
        | when/once (they/it) are/is <duration:period> old
    THEN = then ~delete/remove/purge [them/it] | ~delete/remove/purge them/it [afterwards | after that]
    LAST = [the] last {_period("period")} of {_what("what")} | <duration:period> of {_what("what")}
    BOTH = {_HELD} {_what("what")} {_FOR} {_period("period")} [,] [and] {_what("also")} {_FOR} {_period("other")}
        | {_what("what")} {_HELD} {_FOR} {_period("period")} [,] [and] {_what("also")} {_FOR} {_period("other")}
        | (~delete/remove/purge) {_what("what")} after {_period("period")} [,] [and] {_what("also")} after
            {_period("other")}
        | {_what("what")} ~delete/remove/purge after {_period("period")} [,] [and] {_what("also")} after
            {_period("other")}
    LABEL = {_what("what")} retention [period/time] [is/of] [: | =] {_period("period")}
        | retention [period/time] (of/for) {_what("what")} [is/of] [: | =] {_period("period")}
        | retention [: | = | is/of] {_period("period")} for {_what("what")}
    READ KEEP LAST [THEN]
    READ KEEP WHAT FOR [THEN]
    READ DELETE WHAT AFTER
    READ BOTH
    READ LABEL
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

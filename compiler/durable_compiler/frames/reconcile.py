"""When the records that exist are compared with Salesforce."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.frames.schedule import recurrence
from durable_compiler.grammar.clocks import Days, Recurrence
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Reconcile(Clause):
    """A recurrence in the zone of the schedule."""

    kind: ClassVar[str] = "reconcile"
    recurrence: Recurrence
    zone: str | None = None


def build(values: Values, sentence: Sentence) -> Reconcile | Fault | None:
    """The clause of a reading."""
    days: Days = values["days"]
    if days.count is not None:
        return None
    if "times" in values or "zone" in values:
        found = recurrence(
            {**values, "days": replace(days, week=days.week or ((0,) if days.weekly else ()), weekly=False)}, sentence
        )
        return Reconcile(found[0], found[1]) if isinstance(found, tuple) else found
    week = days.week or ((0,) if days.weekly else ())
    when = Recurrence(None, ((3, 0),), week, days.month)
    return Reconcile(when, assumed=(Assumed("incremental.reconcile_cron", when.cron, "the sentence names no time"),))


def echo(clause: Reconcile, catalogue: Snapshot) -> str:
    """Canonical English."""
    zone = f" {clause.zone}" if clause.zone else ""
    return f"Checks {clause.recurrence.echo()}{zone} for records that were deleted for good"


def ir(clause: Reconcile, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"incremental": {"reconcile_cron": clause.recurrence.cron}}


FRAME = Frame(
    kind="reconcile",
    doc="Says when record IDs are compared with Salesforce, to find those deleted for good.",
    phrases="""
    CHECK = ~check/look/scan
    FOR = for hard deletes
        | for [any] %rows (that/which) [were/are/have] [been] [permanently/hard] deleted [for good/permanently]
        | for [permanently/hard] deleted %rows
    RECON = ~reconcile/compare [all/the] (<object> ids/keys | ids/keys
        | record/records ids) (with/against/to) [the] salesforce [ids]
    DAYS = <days>
    TIMES = [at] <times>
    ZONE = <zone>
    READ CHECK FOR DAYS [TIMES] [ZONE]
    READ RECON DAYS [TIMES] [ZONE]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("incremental.reconcile_cron",),
    examples=(
        "Checks every Sunday for records that were deleted for good",
        "Reconciles record Ids with Salesforce once a week",
        "Checks every Sunday at 04:00 for hard-deleted records",
    ),
    near_misses=(
        "Checks for records that were deleted for good",
        "Checks every Sunday",
        "Never checks for hard-deleted records on Sundays",
        "Checks every Sunday for records",
    ),
)

"""Which guards could stop the next run, with today's numbers beside their limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_runtime.extraction import count
from durable_runtime.guards import LEAVING_RATIO, LEAVING_ROWS, REJECTED_RATIO, REJECTED_ROWS
from durable_runtime.salesforce.session import Session
from durable_runtime.spec import LEAVING_KINDS, Guard

if TYPE_CHECKING:
    from durable_runtime.job import Job

PASSES, MAY_STOP, STOPS = "passes", "may stop", "stops"


@dataclass(frozen=True, slots=True)
class Outlook:
    """A guard, the objects that it is about, its limit and today's number in words, and what comes of them.

    `passes` is certain; `may stop` depends on what the records say, which only the run sees; `stops` is certain too.
    """

    guard: str
    requirement: str
    limit: str
    today: str
    verdict: str


Counted = Mapping[str, int | None]  # object -> records that would be read; None where nobody can say


def outlooks(job: Job, session: Session, records: Counted) -> Iterator[Outlook]:
    """Every guard of the requirements, and those that hold where they say nothing."""
    for guard in job.pipeline.policies.guards:
        names = [name for name in records if guard.object in (None, name)]
        yield from (
            (_changing(job, guard, names, records),)
            if guard.kind in LEAVING_KINDS
            else (_least(session, guard, name) for name in names)
        )
    asked = [one.object for one in job.pipeline.policies.guards if one.kind in LEAVING_KINDS]
    for name, found in records.items():
        if name in job.states and None not in asked and name not in asked:
            yield _leaving(job, name, found)
        yield _rejected(name, found)


def _least(session: Session, guard: Guard, name: str) -> Outlook:
    held = count(session, name)
    verdict = STOPS if held < guard.value else PASSES
    return Outlook(
        f"{guard.kind}:{guard.object or 'all'}", guard.requirement, f"at least {guard.value:,} {name}",
        f"Salesforce holds {held:,}", verdict,
    )  # fmt: skip


def _changing(job: Job, guard: Guard, names: list[str], records: Counted) -> Outlook:
    """Rows that would change are at most those that are read of objects which are not rebuilt."""
    steady = [name for name in names if name in job.states and not job.rebuilt(name)]
    live = sum(job.states[name].rows_now for name in steady)
    known = [records[name] for name in steady]
    most = None if None in known else sum(one for one in known if one is not None)
    allowed = live * guard.value if guard.kind == "max_changed_ratio" else guard.value
    limit = f"{guard.value:.4g} of the live rows" if guard.kind == "max_changed_ratio" else f"{guard.value:,} live rows"
    return Outlook(
        f"{guard.kind}:{guard.object or 'all'}", guard.requirement, f"at most {limit}",
        f"{_said(most)} of {live:,} live rows", PASSES if most is not None and most <= allowed else MAY_STOP,
    )  # fmt: skip


def _leaving(job: Job, name: str, found: int | None) -> Outlook:
    live = job.states[name].rows_now
    passes = found is not None and (found <= LEAVING_ROWS or found <= live * LEAVING_RATIO)
    return Outlook(
        f"max_deleted:{name}", "", f"at most {LEAVING_RATIO:.0%} of the live rows, or {LEAVING_ROWS}, leave",
        f"{_said(found)} of {live:,} live rows", PASSES if passes else MAY_STOP,
    )  # fmt: skip


def _rejected(name: str, found: int | None) -> Outlook:
    passes = found is not None and found <= REJECTED_ROWS
    return Outlook(
        f"max_rejected:{name}", "", f"at most {REJECTED_RATIO:.0%} of more than {REJECTED_ROWS} records are rejected",
        f"{_said(found)} read", PASSES if passes else MAY_STOP,
    )  # fmt: skip


def _said(number: int | None) -> str:
    return "an unknown number" if number is None else f"at most {number:,}"

"""Limits checked before a run commits: a change too large to be an accident waits for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from durable_runtime.errors import Evidence, GuardStopped
from durable_runtime.extraction import count
from durable_runtime.reconcile import Found
from durable_runtime.salesforce.landing import private_folder
from durable_runtime.salesforce.session import Session
from durable_runtime.scratch import scratch
from durable_runtime.spec import LEAVING_KINDS, Guard
from durable_runtime.transformation import Staged
from durable_runtime.warehouse.base import Arrivals, Changes, Forecast, Lease, Warehouse
from durable_runtime.warehouse.forecast import write_arriving

if TYPE_CHECKING:
    from durable_runtime.job import Job

# What holds where the requirements say nothing (listed among the assumptions of every compile).
LEAVING_RATIO, LEAVING_ROWS = 0.10, 20
REJECTED_RATIO, REJECTED_ROWS = 0.50, 100


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How many of an object's staged rows would leave the live set, and how many are rejected."""

    rows: int
    leaving: int
    rejected: int


@dataclass(frozen=True)
class _Object:
    """What a run would do to one object; the warehouse is asked only where what was staged could break a limit."""

    job: Job
    warehouse: Warehouse
    lease: Lease
    staged: Staged
    gone: Sequence[str]

    @property
    def name(self) -> str:
        return self.staged.object

    @property
    def known(self) -> bool:
        """Whether anything of the object was ever loaded."""
        return self.name in self.job.states

    @cached_property
    def outcomes(self) -> Outcomes:
        return _outcomes(self.staged)

    @cached_property
    def forecast(self) -> Forecast:
        """What will be held; a warehouse has one forecast at a time, so an object's questions come together."""
        folder = private_folder(self.job.folder.files / "guards" / self.name)
        arriving = write_arriving([path for path, _ in self.staged.batches], folder / "arriving.parquet")
        return self.warehouse.forecast(self.lease, self.name, arriving, folder)

    @cached_property
    def changes(self) -> Changes:
        """What the load, and then the deletion of what is gone, would do to rows that are live now."""
        return self.forecast.changes(self.gone)

    @cached_property
    def arrivals(self) -> Arrivals:
        """How many records are found, and how many of them rejected: a first load finds all that it read."""
        if not self.known:
            return Arrivals(self.outcomes.rows, self.outcomes.rejected)
        return self.forecast.arrivals()


def check(
    job: Job, warehouse: Warehouse, lease: Lease, staged: Mapping[str, Staged], found: Mapping[str, Found]
) -> None:
    """Raise GuardStopped, before anything is written, naming every limit that was passed and not let pass."""
    hits: list[Evidence] = []
    changes: dict[str, Changes] = {}
    for name, one in staged.items():
        seen = _Object(job, warehouse, lease, one, found[name].gone if name in found else ())
        hits += _rejected(seen)
        if _may_change(seen, complete=name in found):
            changes[name] = seen.changes
            hits += _leaving(seen) if not _asked(job, LEAVING_KINDS, name) else ()
    for guard in _asked(job, LEAVING_KINDS):
        hits += LIMITS[guard.kind](
            job, guard, {name: one for name, one in changes.items() if guard.object in (None, name)}
        )
    _stop(job, hits, "nothing was written")


def _may_change(one: _Object, *, complete: bool) -> bool:
    """Whether the warehouse has to be asked what the load would do to live rows.

    A table that is replaced loses what its source does not hold any more; one that was read only in part is not
    switched.
    """
    if one.job.pipeline.policies.mode == "replace":
        return one.known and complete
    concerned = one.outcomes.leaving + len(one.gone) > LEAVING_ROWS
    return one.known and (bool(_asked(one.job, LEAVING_KINDS)) or concerned)


def check_source(job: Job, session: Session) -> None:
    """Raise GuardStopped, before anything is read, for an object of which Salesforce holds too few records."""
    hits = []
    for guard in _asked(job, ("min_rows",)):
        names = [one.object for one in job.extracts if guard.object in (None, one.object)]
        held = {name: count(session, name) for name in names}
        hits += [
            Evidence(
                f"min_rows:{name}",
                f"Salesforce holds {rows:,} {name} records, and {guard.requirement} wants at least {guard.value:,}",
                {"held": rows, "limit": guard.value},
                guard.requirement,
            )
            for name, rows in held.items()
            if rows < guard.value
        ]
    _stop(job, hits, "nothing was read")


def _asked(job: Job, kinds: tuple[str, ...], name: str | None = None) -> list[Guard]:
    """The spec's guards of some kinds; those about one object, if it is named."""
    asked = [one for one in job.pipeline.policies.guards if one.kind in kinds]
    return [one for one in asked if name is None or one.object in (None, name)]


def _stop(job: Job, hits: Sequence[Evidence], outcome: str) -> None:
    """Raise GuardStopped for the limits that nobody let pass; what was let pass is noted with its numbers."""
    stopping = [one for one in hits if one.subject not in job.options.allowed_guards]
    if not stopping:
        for one in hits:
            job.summary.event("guard_passed", guard=one.subject, found=one.message, numbers=dict(one.numbers))
        return
    words = " ".join(f"--allow-guard {one.subject}" for one in stopping)
    error = GuardStopped(
        f"{'; '.join(one.message for one in stopping)}; {outcome}.",
        help=f"{LOOK}, let one run pass: {words}",
        requirement=", ".join(dict.fromkeys(one.requirement for one in stopping if one.requirement)) or None,
    )
    error.evidence = tuple(stopping)
    raise error


LOOK = "Look at what happened in Salesforce; if that is right"


def _deleted(_job: Job, guard: Guard, changes: Mapping[str, Changes]) -> Iterator[Evidence]:
    """`max_deleted_rows` against the objects that it is about, taken together."""
    leaving = sum(one.leaving for one in changes.values())
    if leaving > guard.value:
        yield Evidence(
            f"{guard.kind}:{guard.object or 'all'}",
            f"{leaving:,} live rows of {guard.object or 'all objects'} would be flagged or removed, and "
            f"{guard.requirement} lets at most {guard.value:,}",
            {"leaving": leaving, "limit": guard.value},
            guard.requirement,
        )


def _changed(job: Job, guard: Guard, changes: Mapping[str, Changes]) -> Iterator[Evidence]:
    """`max_changed_ratio`: updated, flagged and removed rows of those that were live before the run.

    A first load, an object that is built anew after a change of its requirements, and replace change everything for a
    good reason and do not count. Of all objects, those that this run does not touch count among the live rows.
    """
    if job.pipeline.policies.mode == "replace":
        return
    anew = {name for name in job.shapes if job.rebuilt(name)}
    steady = [one.object for one in job.pipeline.extracts if one.object in job.states and one.object not in anew]
    live = sum(job.states[name].rows_now for name in steady if guard.object in (None, name))
    updated = sum(one.updated for name, one in changes.items() if name not in anew)
    leaving = sum(one.leaving for name, one in changes.items() if name not in anew)
    if updated + leaving > live * guard.value:
        yield Evidence(
            f"{guard.kind}:{guard.object or 'all'}",
            f"{updated + leaving:,} of {live:,} live rows of {guard.object or 'all objects'} would change, and "
            f"{guard.requirement} lets at most {guard.value:.4g} of them",
            {"updated": updated, "leaving": leaving, "live": live, "limit": guard.value},
            guard.requirement,
        )


LIMITS = {"max_deleted_rows": _deleted, "max_changed_ratio": _changed}


def _leaving(one: _Object) -> Iterator[Evidence]:
    """What holds where the requirements say nothing of leaving rows."""
    leaving, live = one.changes.leaving, one.job.states[one.name].rows_now
    if leaving > LEAVING_ROWS and leaving > live * LEAVING_RATIO:
        yield Evidence(
            f"max_deleted:{one.name}",
            f"{leaving:,} of {live:,} live {one.name} rows would be flagged or removed",
            {"leaving": leaving, "live": live, "limit": LEAVING_RATIO},
        )


def _rejected(one: _Object) -> Iterator[Evidence]:
    """More than half of over 100 records found; what is as it was does not count, on neither side."""
    if one.outcomes.rejected <= REJECTED_ROWS * REJECTED_RATIO:
        return
    found, rejected = one.arrivals.found, one.arrivals.rejected
    if found > REJECTED_ROWS and rejected > found * REJECTED_RATIO:
        yield Evidence(
            f"max_rejected:{one.name}",
            f"{rejected:,} of {found:,} {one.name} records would be rejected",
            {"rejected": rejected, "found": found, "limit": REJECTED_RATIO},
        )


def _outcomes(staged: Staged) -> Outcomes:
    paths = [str(path) for path, _ in staged.batches]
    with scratch() as database:
        row = database.execute(
            """SELECT count(*), count(*) FILTER (__outcome IN ('deleted', 'filtered', 'rejected')),
                      count(*) FILTER (__outcome = 'rejected') FROM read_parquet(?)""",
            [paths],
        ).fetchone()
    return Outcomes(*row) if row else Outcomes(0, 0, 0)

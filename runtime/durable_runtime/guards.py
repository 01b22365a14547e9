"""Limits checked before a run commits: a change too large to be an accident waits for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_runtime.errors import GuardStopped
from durable_runtime.extraction import count
from durable_runtime.reconcile import Found
from durable_runtime.salesforce.landing import private_folder
from durable_runtime.salesforce.session import Session
from durable_runtime.spec import LEAVING_KINDS, Guard
from durable_runtime.transformation import Staged
from durable_runtime.warehouse.base import Changes, Lease, Warehouse
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


def check(
    job: Job, warehouse: Warehouse, lease: Lease, staged: Mapping[str, Staged], found: Mapping[str, Found]
) -> None:
    """Raise GuardStopped, before anything is written, for a change beyond the limits that was not let pass."""
    changes: dict[str, Changes] = {}
    for name, one in staged.items():
        outcomes, gone = _outcomes(one), found[name].gone if name in found else ()
        _check_rejected(job, name, outcomes)
        asked = bool(_asked(job, LEAVING_KINDS))
        if name in job.states and (asked or outcomes.leaving + len(gone) > LEAVING_ROWS):
            changes[name] = _changes(job, warehouse, lease, one, gone)
        if name in changes and not _asked(job, LEAVING_KINDS, name):
            _check_leaving(job, name, changes[name].leaving)
    for guard in _asked(job, LEAVING_KINDS):
        _check_changes(job, guard, {name: one for name, one in changes.items() if guard.object in (None, name)})


def check_source(job: Job, session: Session) -> None:
    """Raise GuardStopped, before anything is read, for an object of which Salesforce holds too few records."""
    for guard in _asked(job, ("min_rows",)):
        names = [one.object for one in job.extracts if guard.object in (None, one.object)]
        held = {name: count(session, name) for name in names}
        for name, rows in held.items():
            if rows < guard.value:
                _stop(
                    job, guard, name,
                    f"Salesforce holds {rows:,} {name} records, and {guard.requirement} wants at least "
                    f"{guard.value:,}; nothing was read.",
                )  # fmt: skip


def _asked(job: Job, kinds: tuple[str, ...], name: str | None = None) -> list[Guard]:
    """The spec's guards of some kinds; those about one object, if it is named."""
    asked = [one for one in job.pipeline.policies.guards if one.kind in kinds]
    return [one for one in asked if name is None or one.object in (None, name)]


def _check_changes(job: Job, guard: Guard, changes: dict[str, Changes]) -> None:
    """One guard against the objects that it is about, taken together."""
    label = guard.object or "all objects"
    leaving = sum(one.leaving for one in changes.values())
    if guard.kind == "max_deleted_rows" and leaving > guard.value:
        _stop(
            job, guard, guard.object,
            f"{leaving:,} live rows of {label} would be flagged or removed, and {guard.requirement} lets at most "
            f"{guard.value:,}; nothing was written.",
        )  # fmt: skip
    steady = [name for name in changes if not job.rebuilt(name)]
    changed = sum(changes[name].updated + changes[name].leaving for name in steady)
    live = sum(job.states[name].rows_now for name in steady)
    if guard.kind == "max_changed_ratio" and changed > live * guard.value:
        _stop(
            job, guard, guard.object,
            f"{changed:,} of {live:,} live rows of {label} would change, and {guard.requirement} lets at most "
            f"{guard.value:.4g} of them; nothing was written.",
        )  # fmt: skip


def _stop(job: Job, guard: Guard, name: str | None, message: str) -> None:
    word = f"{guard.kind}:{name or 'all'}"
    if word not in job.options.allowed_guards:
        help = f"If that is right, let this run pass once: --allow-guard {word}"
        raise GuardStopped(message, help=help, requirement=guard.requirement)


def _check_leaving(job: Job, name: str, leaving: int) -> None:
    """What holds where the requirements say nothing."""
    guard, live = f"max_deleted:{name}", job.states[name].rows_now
    if leaving > LEAVING_ROWS and leaving > live * LEAVING_RATIO and guard not in job.options.allowed_guards:
        raise GuardStopped(
            f"{leaving:,} of {live:,} live {name} rows would be flagged or removed; nothing was written.",
            help=f"If that is right, let this run pass once: --allow-guard {guard}",
        )


def _check_rejected(job: Job, name: str, outcomes: Outcomes) -> None:
    guard = f"max_rejected:{name}"
    over = outcomes.rows > REJECTED_ROWS and outcomes.rejected > outcomes.rows * REJECTED_RATIO
    if over and guard not in job.options.allowed_guards:
        raise GuardStopped(
            f"{outcomes.rejected:,} of {outcomes.rows:,} {name} records would be rejected; nothing was written.",
            help=f"Look at the rules; if that is right, let this run pass once: --allow-guard {guard}",
        )


def _outcomes(staged: Staged) -> Outcomes:
    import duckdb

    paths = [str(path) for path, _ in staged.batches]
    with duckdb.connect() as database:
        row = database.execute(
            """SELECT count(*), count(*) FILTER (__outcome IN ('deleted', 'filtered', 'rejected')),
                      count(*) FILTER (__outcome = 'rejected') FROM read_parquet(?)""",
            [paths],
        ).fetchone()
    return Outcomes(*row) if row else Outcomes(0, 0, 0)


def _changes(job: Job, warehouse: Warehouse, lease: Lease, staged: Staged, gone: Sequence[str]) -> Changes:
    """What the load, and then the deletion of what is gone, would do to rows that are live now."""
    folder = private_folder(job.folder.files / "guards" / staged.object)
    arriving = write_arriving([path for path, _ in staged.batches], folder / "arriving.parquet")
    return warehouse.forecast(lease, staged.object, arriving, folder).changes(gone)

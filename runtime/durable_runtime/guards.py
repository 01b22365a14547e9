"""Limits checked before a run commits: a change too large to be an accident waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durable_runtime.errors import GuardStopped
from durable_runtime.extraction import count
from durable_runtime.salesforce.session import Session
from durable_runtime.spec import LEAVING_KINDS, Guard
from durable_runtime.transformation import Staged
from durable_runtime.warehouse.base import Warehouse

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


@dataclass(frozen=True, slots=True)
class Changes:
    """How many live rows of an object a run would update, and how many it would flag or remove."""

    updated: int
    leaving: int


def check(job: Job, warehouse: Warehouse, staged: dict[str, Staged]) -> None:
    """Raise GuardStopped, before anything is written, for a change beyond the limits that was not let pass."""
    changes: dict[str, Changes] = {}
    for name, one in staged.items():
        outcomes = _outcomes(one)
        _check_rejected(job, name, outcomes)
        if _asked(job, LEAVING_KINDS) and name in job.states:
            changes[name] = _changes(warehouse, one)
        elif outcomes.leaving > LEAVING_ROWS and name in job.states:
            changes[name] = Changes(0, _leaving_live(warehouse, one))
        if name in changes and not _asked(job, LEAVING_KINDS, name):
            check_leaving(job, name, changes[name].leaving, job.states[name].rows_now)
    for guard in _asked(job, LEAVING_KINDS):
        _check_changes(job, guard, {name: found for name, found in changes.items() if guard.object in (None, name)})


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


def check_leaving(job: Job, name: str, leaving: int, live: int, *, so_far: str = "nothing was written") -> None:
    """Raise GuardStopped when so many live rows of an object would leave at once; `so_far` says what is committed."""
    for asked in _asked(job, LEAVING_KINDS, name):
        if leaving > (asked.value if asked.kind == "max_deleted_rows" else live * asked.value):
            message = f"{leaving:,} of {live:,} live {name} rows would be flagged or removed, more than "
            _stop(job, asked, asked.object, f"{message}{asked.requirement} lets; {so_far}.")
    if _asked(job, LEAVING_KINDS, name):
        return
    guard = f"max_deleted:{name}"
    if leaving > LEAVING_ROWS and leaving > live * LEAVING_RATIO and guard not in job.options.allowed_guards:
        raise GuardStopped(
            f"{leaving:,} of {live:,} live {name} rows would be flagged or removed; {so_far}.",
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


def _leaving_live(warehouse: Warehouse, staged: Staged) -> int:
    """Staged rows that leave and whose Id is live in the target now."""
    known = {one for (one,) in _live(warehouse, staged, "source_id")}
    return sum(1 for (one,) in _staged(staged, "source_id", "__outcome <> 'live'") if one in known)


def _changes(warehouse: Warehouse, staged: Staged) -> Changes:
    """Staged rows whose Id is live in the target now: those with other content, and those that leave."""
    hashes: dict[Any, Any] = dict(_live(warehouse, staged, "source_id, row_hash"))
    fresh = _staged(staged, "source_id, row_hash", "__outcome = 'live'")
    updated = sum(1 for one, row_hash in fresh if one in hashes and hashes[one] != row_hash)
    leaving = sum(1 for (one,) in _staged(staged, "source_id", "__outcome <> 'live'") if one in hashes)
    return Changes(updated, leaving)


def _live(warehouse: Warehouse, staged: Staged, columns: str) -> Sequence[tuple[Any, ...]]:
    target = warehouse.target
    table = ".".join(part for part in (target.database, target.schema, target.table) if part)
    own = f"source_object = '{staged.object}' AND " if target.columns[0].name == "source_object" else ""
    return warehouse.query(f"SELECT {columns} FROM {table} WHERE {own}NOT is_deleted").rows  # noqa: S608  (names of the reviewed package)


def _staged(staged: Staged, columns: str, condition: str) -> Sequence[tuple[Any, ...]]:
    import duckdb

    with duckdb.connect() as database:
        return database.execute(
            f"SELECT {columns} FROM read_parquet(?) WHERE {condition}",  # noqa: S608  (both are written above)
            [[str(path) for path, _ in staged.batches]],
        ).fetchall()

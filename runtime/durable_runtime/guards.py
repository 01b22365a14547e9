"""Limits checked before a run commits: a change too large to be an accident waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_runtime.errors import GuardStopped
from durable_runtime.transformation import Staged
from durable_runtime.warehouse.base import Warehouse

if TYPE_CHECKING:
    from durable_runtime.pipeline import Job

# What holds where the requirements say nothing (listed among the assumptions of every compile).
LEAVING_RATIO, LEAVING_ROWS = 0.10, 20
REJECTED_RATIO, REJECTED_ROWS = 0.50, 100


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How many of an object's staged rows would leave the live set, and how many are rejected."""

    rows: int
    leaving: int
    rejected: int


def check(job: Job, warehouse: Warehouse, staged: dict[str, Staged]) -> None:
    """Raise GuardStopped, before anything is written, for a change beyond the limits that was not let pass."""
    for name, one in staged.items():
        outcomes = _outcomes(one)
        _check_rejected(job, name, outcomes)
        if outcomes.leaving > LEAVING_ROWS and name in job.states:
            leaving = _leaving_live(warehouse, one)
            check_leaving(job, name, leaving, job.states[name].rows_now)


def check_leaving(job: Job, name: str, leaving: int, live: int, *, so_far: str = "nothing was written") -> None:
    """Raise GuardStopped when so many live rows of an object would leave at once; `so_far` says what is committed."""
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
    import duckdb

    target = warehouse.target
    table = ".".join(part for part in (target.database, target.schema, target.table) if part)
    own = f"source_object = '{staged.object}' AND " if target.columns[0].name == "source_object" else ""
    live = warehouse.query(f"SELECT source_id FROM {table} WHERE {own}NOT is_deleted")  # noqa: S608  (names of the reviewed package)
    known = {row[0] for row in live.rows}
    with duckdb.connect() as database:
        leaving = database.execute(
            "SELECT source_id FROM read_parquet(?) WHERE __outcome IN ('deleted', 'filtered', 'rejected')",
            [[str(path) for path, _ in staged.batches]],
        ).fetchall()
    return sum(1 for (one,) in leaving if one in known)

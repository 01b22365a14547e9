"""From staged files to committed rows: the target is checked, then an object's batches are loaded in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from durable_runtime.errors import OtherOrganization, PipelineError, TargetChanged
from durable_runtime.locking import place
from durable_runtime.spec import Column, Target, Transform
from durable_runtime.warehouse.base import Batch, Counts, Lease, ObjectLoad, Run, State, Warehouse

if TYPE_CHECKING:
    from durable_runtime.job import Job

LEASE_SECONDS = 300  # each batch renews it
FULL = "Look at the table, then run with --full to read everything again."


@contextmanager
def leased(job: Job, warehouse: Warehouse) -> Iterator[Lease]:
    """The pipeline's lease, to which the target and the work tables belong, on a warehouse made ready for the run."""
    warehouse.prepare(job.loads(), job.pipeline.policies.deletes)
    owner = f"{place(job.profile.state)}/{job.folder.run_id}"
    lease = warehouse.acquire(job.pipeline.name, owner, LEASE_SECONDS)
    try:
        yield lease
    finally:
        with suppress(PipelineError):  # what ended the run is not hidden; the lease expires by itself
            warehouse.release(lease)


def object_load(target: Target, transform: Transform, visible: tuple[str, ...]) -> ObjectLoad:
    """How a transform's object enters the target, for the fields that Salesforce shows today."""
    own = own_columns(target, transform.columns)
    created = next((c.name for c in own if c.field == "CreatedDate"), None)
    merge = target.objects[transform.object].merge(visible)
    return ObjectLoad(transform.object, merge, own, bool(transform.keys), transform.keep, created)


SYSTEM = frozenset(
    "source_object source_id source_modified_at is_deleted deleted_at deleted_reason dedupe_key extensions "
    "row_hash loaded_at run_id pipeline_version".split()
)


def own_columns(target: Target, columns: Iterable[Column]) -> tuple[Column, ...]:
    """Those of an object's columns that the target holds and that are not the system's."""
    held = {column.name for column in target.columns} - SYSTEM
    return tuple(column for column in columns if column.name in held)


def check_organization(states: Mapping[str, State], organization_id: str) -> None:
    """Refuse to mix two organizations; called before any record is read."""
    others = {s.organization_id for s in states.values() if s.organization_id != organization_id}
    if others:
        raise OtherOrganization(
            f"The target was filled from Salesforce organization {', '.join(sorted(others))}, "
            f"but these credentials belong to {organization_id}.",
            help="Use the credentials of that organization, or another target.",
        )


def check_target(states: Mapping[str, State], table: str, objects: Iterable[str]) -> None:
    """Refuse to top up a target that is not the one which the last commit left."""
    for name in objects:
        state = states.get(name)
        reason = state and next((text for holds, text in CHANGES if holds(state)), None)
        if state and reason:
            raise TargetChanged(f"{table}, {name}: {reason.format(s=state)}. Nothing was written.", help=FULL)


CHANGES: tuple[tuple[Callable[[State], bool], str], ...] = (
    (
        lambda s: s.rows_now == 0 < s.rows_live,
        "the table is missing or empty, but {s.rows_live} live rows were committed on {s.updated_at:%Y-%m-%d}",
    ),
    (
        lambda s: not s.recorded,
        "the ledger does not know its last run {s.last_run_id}; the table was restored or swapped",
    ),
    (
        lambda s: s.rows_now != s.rows_live,
        "it has {s.rows_now} live rows, but the last commit left {s.rows_live}; somebody else changed it",
    ),
)


def load_object(
    warehouse: Warehouse,
    run: Run,
    batches: Iterable[Batch],
    loaded: Callable[[Batch, Counts], None] = lambda _batch, _counts: None,
) -> Counts:
    """Load one object's batches in order and sum what became of their rows; `loaded` hears of each commit."""
    total = Counts()
    for batch in batches:
        counts = warehouse.load(run, batch)
        loaded(batch, counts)
        total += counts
    return total

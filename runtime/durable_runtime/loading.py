"""From staged files to committed rows: the target is checked, then an object's batches are loaded in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from durable_runtime.errors import Evidence, OtherOrganization, PipelineError, TargetChanged
from durable_runtime.locking import place
from durable_runtime.scratch import scratch
from durable_runtime.spec import Column, Policies, Target, Transform
from durable_runtime.warehouse.base import Batch, Counts, Lease, Loaded, ObjectLoad, Run, State, Warehouse, Write

if TYPE_CHECKING:
    from durable_runtime.job import Job

LEASE_SECONDS = 300  # each batch renews it
FULL = "Look at the table, then run with --full to read everything again."


@contextmanager
def leased(job: Job, warehouse: Warehouse, write: Write | None = None) -> Iterator[Lease]:
    """The pipeline's lease, to which the target and the work tables belong, on a warehouse made ready for the run.

    Without `write`, rows enter the target as the spec wants it.
    """
    warehouse.prepare(job.loads(), write or write_of(job.pipeline.policies))
    owner = f"{place(job.profile.state)}/{job.folder.run_id}"
    lease = warehouse.acquire(job.pipeline.name, owner, LEASE_SECONDS)
    try:
        yield lease
    finally:
        with suppress(PipelineError):  # what ended the run is not hidden; the lease expires by itself
            warehouse.release(lease)


def write_of(policies: Policies) -> Write:
    """How the spec wants rows to enter the target."""
    return Write(policies.mode, policies.deletes, policies.extensions_column)


def object_load(target: Target, transform: Transform, visible: tuple[str, ...]) -> ObjectLoad:
    """How a transform's object enters the target, for the fields that Salesforce shows today."""
    own = own_columns(target.place(transform.object).columns, transform.columns)
    created = next((c.name for c in own if c.field == "CreatedDate"), None)
    statement = target.objects[transform.object].merge

    def merge(table: str | None) -> str:
        return statement(visible) if table is None else statement(visible, table)

    return ObjectLoad(transform.object, merge, own, bool(transform.keys), transform.keep, created)


SYSTEM = frozenset(
    "source_object source_id source_modified_at is_deleted deleted_at deleted_reason valid_from valid_to is_current "
    "dedupe_key extensions row_hash loaded_at run_id pipeline_version".split()
)


def own_columns(held: Iterable[Column], columns: Iterable[Column]) -> tuple[Column, ...]:
    """Those of an object's columns that its table holds and that are not the system's."""
    names = {column.name for column in held} - SYSTEM
    return tuple(column for column in columns if column.name in names)


def check_organization(states: Mapping[str, State | Loaded], organization_id: str) -> None:
    """Refuse to mix two organizations; called before any record is read."""
    others = {s.organization_id for s in states.values() if s.organization_id != organization_id}
    if others:
        raise OtherOrganization(
            f"The target was filled from Salesforce organization {', '.join(sorted(others))}, "
            f"but these credentials belong to {organization_id}.",
            help="Use the credentials of that organization, or another target.",
        )


def check_target(states: Mapping[str, State], tables: Mapping[str, str]) -> None:
    """Refuse to top up a target that is not the one which the last commit left; `tables` are the objects' own."""
    for name, table in tables.items():
        state = states.get(name)
        reason = state and next((text for holds, text in CHANGES if holds(state)), None)
        if state and reason:
            error = TargetChanged(f"{table}, {name}: {reason.format(s=state)}. Nothing was written.", help=FULL)
            rows: dict[str, int | float | str] = {"rows_now": state.rows_now, "rows_committed": state.rows_live}
            error.evidence = (Evidence(name, error.message, rows | {"last_run": state.last_run_id}),)
            raise error


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
    (
        lambda s: s.loaded_at is not None and s.loaded_now != s.loaded_at,
        "its youngest row was written at {s.loaded_now}, but the last commit left one of {s.loaded_at}; "
        "the table was restored or somebody else changed it",
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


def contents_of(paths: Sequence[Path], meaning: str) -> dict[Path, str]:
    """What two staged files share that hold the same rows in any order, whichever run staged them; none if empty.

    `meaning` says what decides what becomes of rows: the same rows loaded under another are another content.
    """
    with scratch() as database:
        rows = database.execute(
            "SELECT filename, count(*), bit_xor(hash(source_id, row_hash, __outcome, __rule, $meaning)), "
            "sum(hash(row_hash, source_id, __outcome, __rule)) FROM read_parquet($paths, filename = true) "
            "GROUP BY filename",
            {"paths": [str(path) for path in paths], "meaning": meaning},
        ).fetchall()
    return {Path(name): "-".join(map(str, content)) for name, *content in rows}

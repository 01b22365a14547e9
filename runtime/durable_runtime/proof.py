"""The proof of completeness: after loading, what the target holds of an object is compared with the source's count."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from durable_runtime import guards
from durable_runtime.extraction import ARCHIVED, Reader, count, ids_of, live_ids
from durable_runtime.salesforce import rest
from durable_runtime.salesforce.session import Session
from durable_runtime.warehouse.base import Run, Warehouse
from durable_runtime.windows import overlap, soql_literal

if TYPE_CHECKING:
    from durable_runtime.job import Job

ASKED_AT_ONCE = 200  # Ids in one IN list, so that the address stays far below Salesforce's 16 KB


def settle(job: Job, warehouse: Warehouse, reader: Reader, run: Run, name: str) -> int:
    """Compare, settle a difference by Ids, and return how many rows turned out to be deleted for good.

    What cannot be settled is noted as an event; `unsettled` in the summary makes the run partial.
    """
    removed, session = 0, reader.session
    if _held(warehouse, name) != count(session, name):
        removed = _flag_missing(job, warehouse, reader, run, name)
    if job.transforms[name].where is not None:
        return removed  # what the filter leaves out is held nowhere: the windows' own counts are the proof
    held, least = _held(warehouse, name), _due(job, session, name)
    if held < least:
        job.summary.event("unsettled", object=name, held=held, source=least)
    return removed


def _held(warehouse: Warehouse, name: str) -> int:
    totals = warehouse.totals(name)
    return totals.live + totals.rejected + totals.duplicates


def _due(job: Job, session: Session, name: str) -> int:
    """Live records that this run must have read: what came later, or was committed late, is in the next window."""
    cursor = next(one.cursor for one in job.extracts if one.object == name)
    until = soql_literal(job.plans[name].window.hi - overlap(job.pipeline.policies.overlap_seconds))
    return rest.count(session, ids_of(name, f"{cursor} < {until}"), deleted=name in ARCHIVED)


def _flag_missing(job: Job, warehouse: Warehouse, reader: Reader, run: Run, name: str) -> int:
    """Flag rows whose record is not in the source any more, after asking for each of them once more."""
    ids = _joined(live_ids(reader, name, job.folder.files / "ids" / name), job.folder.files / f"{name}-live.csv")
    warehouse.renew(run.lease)  # the work tables belong to whoever holds the lease
    missing = warehouse.missing(name, ids)
    if not missing:
        return 0
    back = _still_there(reader.session, name, missing)
    if back:
        job.summary.event("unseen", object=name, count=len(back))
        with ids.open("a", encoding="utf-8") as file:
            file.writelines(f'"{one}"\n' for one in sorted(back))
    so_far = "they are gone for good from Salesforce and stay live in the table; what was read is committed"
    guards.check_leaving(job, name, len(missing) - len(back), _held(warehouse, name), so_far=so_far)
    return warehouse.mark_missing(run, name, ids)


def _joined(files: tuple[Path, ...], target: Path) -> Path:
    """One CSV with one header from pages that each repeat it."""
    with target.open("w", encoding="utf-8") as joined:
        joined.write('"Id"\n')
        for path in files:
            joined.writelines(f"{line}\n" for line in path.read_text(encoding="utf-8").splitlines()[1:])
    return target


def _still_there(session: Session, name: str, ids: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    for at in range(0, len(ids), ASKED_AT_ONCE):
        asked = ", ".join(f"'{one}'" for one in ids[at : at + ASKED_AT_ONCE])
        answer = rest.query(session, ids_of(name, f"Id IN ({asked})"), deleted=name in ARCHIVED)
        found.update(str(record["Id"]) for record in answer)
    return found

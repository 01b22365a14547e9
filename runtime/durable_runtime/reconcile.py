"""What the windows cannot show: records deleted for good, and records that appeared behind the watermark.

Everything is found out before anything is written. Every run asks Salesforce's log of deletes and compares how many
records the target will hold with how many Salesforce held; where that differs, where the log does not reach back, and
on a schedule of its own, it compares Ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from durable_runtime import memory, refresh
from durable_runtime.errors import (
    PermissionMissing,
    PipelineError,
    QueryTooSlow,
    QuotaReached,
    RequestRefused,
    TimeSpent,
)
from durable_runtime.extraction import Landed, Reader, by_ids, land
from durable_runtime.salesforce import bulk
from durable_runtime.salesforce.deletes import Log, deleted_since
from durable_runtime.salesforce.holdings import Asked, Holdings, holdings
from durable_runtime.salesforce.landing import private_folder
from durable_runtime.transformation import Staged
from durable_runtime.warehouse.base import Forecast, Lease, Run, Warehouse
from durable_runtime.warehouse.forecast import staying, write_arriving, write_ids
from durable_runtime.windows import before, overlap

if TYPE_CHECKING:
    from durable_runtime.job import Job

MANY = 2_000  # Ids that are asked for one by one; more are looked up in a second listing
FOLDER = "reconcile"


@dataclass(frozen=True, slots=True)
class Found:
    """What a run found out about one object.

    `gone` are records that the target holds, or will, and Salesforce does not any more; `read` are records to read
    whole. `expected` is how many records the target holds in the end, where the count proves it; `lacking` is how many
    live records it will not hold although they were read. `covered` is the moment up to which the log of deletes was
    asked; `stopped` is what kept the run from finding out.
    """

    object: str
    gone: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    expected: int | None = None
    lacking: int = 0
    covered: datetime | None = None
    stopped: PipelineError | None = None


@dataclass(frozen=True)
class _Object:
    job: Job
    reader: Reader
    warehouse: Warehouse
    lease: Lease
    held: Holdings
    staged: Staged
    folder: Path
    now: datetime  # by Salesforce's clock

    @cached_property
    def forecast(self) -> Forecast:
        """What the target will hold; asked only where that takes more than counting what was staged."""
        arriving = write_arriving([path for path, _ in self.staged.batches], self.folder / "arriving.parquet")
        return self.warehouse.forecast(self.lease, self.name, arriving, self.folder)

    def expected(self) -> int:
        """How many records the target will hold."""
        if self.first:
            return staying([path for path, _ in self.staged.batches])
        return self.forecast.held()

    @property
    def name(self) -> str:
        return self.held.name

    @property
    def filtered(self) -> bool:
        return self.job.transforms[self.name].where is not None

    @property
    def first(self) -> bool:
        """Whether nothing of the object was ever loaded."""
        return self.name not in self.job.states

    def list(self, soql: str, columns: tuple[str, ...], what: str) -> Landed:
        """A query's records as CSV pages."""
        landed = land(self.reader, self.name, soql, columns, self.folder / what)
        bulk.delete(self.reader.session, landed.jobs)
        return landed


def complete(
    job: Job,
    reader: Reader,
    warehouse: Warehouse,
    lease: Lease,
    landed: dict[str, Landed],
    staged: dict[str, Staged],
    stage: Callable[[Job, Landed], Staged],
) -> dict[str, Found]:
    """Find what each object lacks, and add the records that were missing to what was landed and staged."""
    found, now = {}, reader.session.server_time()
    for name in list(staged):
        one = _object(job, reader, warehouse, lease, landed[name], staged[name], now)
        found[name] = find(one, landed[name])
        if found[name].read:
            try:
                landed[name] += by_ids(reader, job.plans[name], found[name].read, one.folder / "read")
                staged[name] = stage(job, landed[name])
                found[name] = _checked(replace(one, staged=staged[name]), found[name])
            except (QuotaReached, TimeSpent) as stopped:
                found[name] = replace(found[name], stopped=stopped)
    return found


def find(one: _Object, landed: Landed) -> Found:
    """What else has to leave or to be read of an object, once its staged rows are loaded.

    An object that was read only in part is not looked at. Where quota or time ends, `Found.stopped` says so.
    """
    if not landed.complete or landed.window.empty:
        return Found(one.name)
    try:
        return _find(one)
    except (QuotaReached, TimeSpent) as stopped:
        return Found(one.name, stopped=stopped)


def whole(job: Job, name: str) -> bool:
    """Whether a scheduled comparison has to read the object: SOQL cannot tell which records its filter keeps."""
    return job.transforms[name].where is not None and job.extract_of(name).first is None and scheduled(job)


def flag(job: Job, warehouse: Warehouse, run: Run, found: Found) -> int:
    """Take what is gone out of the live set, in a transaction of its own; how many live rows left."""
    if not found.gone:
        return 0
    ids = write_ids(private_folder(job.folder.files / FOLDER / found.object) / "deleted.csv", found.gone)
    return warehouse.mark_deleted(run, found.object, ids)


def prove(job: Job, reader: Reader, warehouse: Warehouse, landed: Landed, found: Found) -> Found:
    """Compare what the target holds now with what Salesforce held; a shortage is noted as an event `unsettled`.

    What was created behind the watermark since it was counted, or is read again by the next run, is no shortage.
    Where quota or time ends, `Found.stopped` says so.
    """
    try:
        _prove(job, reader, warehouse, landed, found)
    except (QuotaReached, TimeSpent) as stopped:
        return replace(found, stopped=stopped)
    return found


def _prove(job: Job, reader: Reader, warehouse: Warehouse, landed: Landed, found: Found) -> None:
    name, totals = landed.object, warehouse.totals(landed.object)
    holds = totals.live + totals.rejected + totals.duplicates
    if found.stopped or not landed.complete or job.transforms[name].where is not None:
        return  # what a filter leaves out is held nowhere: the windows' own counts are the proof
    least = found.expected if found.expected is not None else holds + found.lacking
    if holds < least:
        job.summary.event("unsettled", object=name, held=holds, source=least)
    if holds < least or found.expected is not None:
        return
    held = _holdings(job, reader, landed)
    with suppress(QueryTooSlow):  # then the comparison of Ids was the proof
        if holds >= held.count():
            return
        least = held.count_before(before(held.until, overlap(job.pipeline.policies.overlap_seconds)))
        if holds < least:
            job.summary.event("unsettled", object=name, held=holds, source=least)


def _object(
    job: Job, reader: Reader, warehouse: Warehouse, lease: Lease, landed: Landed, staged: Staged, now: datetime
) -> _Object:
    folder = private_folder(job.folder.files / FOLDER / landed.object)
    return _Object(job, reader, warehouse, lease, _holdings(job, reader, landed), staged, folder, now)


def _holdings(job: Job, reader: Reader, landed: Landed) -> Holdings:
    """What Salesforce holds of the history that the object is read from."""
    name = landed.object
    return holdings(reader.session, job.extract_of(name), _until(job, landed), job.plans[name].since)


def complain_if_stopped(found: Mapping[str, Found]) -> None:
    """A run that could not look for what the windows cannot show is never called a success."""
    names = [name for name, one in found.items() if one.stopped is not None]
    stopped = next((one.stopped for one in found.values() if one.stopped is not None), None)
    if stopped is not None:
        raise type(stopped)(
            f"{stopped.message} What was read is committed; {', '.join(names)} could not be compared with Salesforce.",
            help=stopped.help,
            requirement=stopped.requirement,
        )


def done(job: Job) -> tuple[str, ...]:
    """The scheduled work that a run which ended well has done."""
    whole_too = (refresh.FULL_REFRESH,) if job.refreshes or job.options.full else ()
    return (*whole_too, *((refresh.RECONCILE,) if scheduled(job) else ()))


def _until(job: Job, landed: Landed) -> datetime:
    """Up to when the target will hold everything: a part of the past that is read again does not set it back."""
    state = job.states.get(landed.object)
    known = [state.watermark.replace(tzinfo=UTC)] if state is not None and state.watermark is not None else []
    return max([landed.window.hi, *known])


def remember(job: Job, found: Iterable[Found]) -> None:
    """Keep how far the log of deletes was asked, after what it said was committed."""
    covered = {one.object: one.covered for one in found if one.covered is not None}
    if covered:
        memory.remember(_memory(job), job.profile.name, covered)


def _find(one: _Object) -> Found:
    log = _asked_log(one)
    suspects = one.forecast.among([log.path]) if log is not None and log.records else ()
    many = len(suspects) > MANY
    gone = () if many else one.held.ask(suspects).gone
    covered = log.covered if log is not None else None
    if one.filtered and one.first:
        return Found(one.name)
    if not (many or _compares(one, log)):
        expected = one.expected() - len(gone)
        if _proven(one, expected):
            return Found(one.name, gone, expected=expected, covered=covered)
    gone, read = _difference(one, gone)
    return Found(one.name, gone, read, covered=covered)


def _checked(one: _Object, found: Found) -> Found:
    """Whether the records that were read will all be held now; those that are gone by now need not be."""
    one.job.summary.event("read_by_id", object=one.name, count=len(found.read))
    if one.filtered:
        return found
    there = set(one.forecast.among([write_ids(one.folder / "read.csv", found.read)]))
    lacking = one.held.ask([each for each in found.read if each not in there]).live
    return replace(found, lacking=len(lacking))


def _asked_log(one: _Object) -> Log | None:
    """The deletes since the last run; None for an object without a log, and where nothing was ever read to an end."""
    state = one.job.states.get(one.name)
    if state is None or state.watermark is None or not one.held.logged:
        return None
    watermark = state.watermark.replace(tzinfo=UTC)
    covered = memory.recall(_memory(one.job), one.job.profile.name).get(one.name, watermark)
    since, again = min(covered, watermark), overlap(one.job.pipeline.policies.overlap_seconds)
    try:
        return deleted_since(one.reader.session, one.name, since, one.now, one.folder / "log.csv", overlap=again)
    except (RequestRefused, PermissionMissing):  # counts and Ids show the same
        one.job.summary.event("delete_log_refused", object=one.name)
        return None


def _compares(one: _Object, log: Log | None) -> bool:
    """Whether Ids are compared whatever the counts say."""
    if one.first:
        return False  # all that the target holds was read by this very run
    cut_short = one.job.states[one.name].watermark is None
    return one.filtered or cut_short or (log is not None and not log.reaches) or scheduled(one.job)


def scheduled(job: Job) -> bool:
    """Whether this run compares all Ids, whatever the counts say."""
    asked = job.options.full or job.refreshes
    return asked or refresh.due(job.pipeline, job.profile, job.summary.started_at, refresh.RECONCILE)


def _proven(one: _Object, expected: int) -> bool:
    """Whether the count shows that nothing is missing and nothing is left over.

    Where it differs, records that were changed since the window's end are left out on both sides: the target may hold
    them as they were, or not yet, and the next window reads them.
    """
    try:
        if one.held.count() == expected:
            return True
        since = one.held.since()
        if since is None:
            return False
        changed = one.list(since, ("Id",), "since")
        return one.held.count_before(one.held.until) == expected - len(one.forecast.among(changed.files))
    except QueryTooSlow:  # an object so large that only Bulk can go through it
        return False


def _difference(one: _Object, gone: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What has to leave and what has to be read, by comparing every Id."""
    stamped, until = one.held.moved is not None, one.held.until
    listed = one.list(one.held.listing(), one.held.columns, "listing")
    found = one.forecast.compare(listed.files, stamped=stamped, until=until)
    known = set(gone)
    asked = _asked_again(one, [each for each in found.missing if each not in known])
    if asked.live:
        one.job.summary.event("unseen", object=one.name, count=len(asked.live))
    gone = (*gone, *asked.gone)
    unknown = _wanted(one, len(gone)) if one.filtered else found.unknown
    read = (*unknown, *(found.stale if scheduled(one.job) else ()))
    one.job.summary.event("ids_compared", object=one.name, listed=listed.rows, gone=len(gone), read=len(read))
    return gone, read


def _wanted(one: _Object, leaving: int) -> tuple[str, ...]:
    """What the filter may keep and nobody holds: records that a right to see them showed, with a stamp of long ago.

    Where SOQL selects as many as are held, they are the same ones; it may select somewhat more than the filter keeps,
    and then some are read in vain. None are asked for where this very run read the whole object.
    """
    condition = one.job.extract_of(one.name).first
    if condition is None or one.job.plans[one.name].window.lo is None:
        return ()
    with suppress(QueryTooSlow):
        if one.held.count(condition) == one.expected() - leaving:
            return ()
    listed = one.list(one.held.listing(condition), one.held.columns, "wanted")
    return one.forecast.compare(listed.files, stamped=one.held.moved is not None, until=one.held.until).unknown


def _asked_again(one: _Object, suspects: Sequence[str]) -> Asked:
    """Ids that a listing lacked, looked for once more: by Id, or in another listing where they are many."""
    if len(suspects) <= MANY:
        return one.held.ask(suspects)
    listed = one.list(one.held.listing(), one.held.columns, "listing-again")
    missing = set(one.forecast.compare(listed.files, stamped=one.held.moved is not None, until=one.held.until).missing)
    return Asked(
        gone=tuple(each for each in suspects if each in missing),
        live=tuple(each for each in suspects if each not in missing),
    )


def _memory(job: Job) -> Path:
    return job.profile.state / "deleted" / f"{job.pipeline.name}.json"

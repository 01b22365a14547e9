"""Windows, the choice between REST and Bulk, and proof by counts that all records of each window were landed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from durable_runtime import spec
from durable_runtime.clock import Clock
from durable_runtime.errors import Incomplete
from durable_runtime.retry import retrying
from durable_runtime.salesforce import bulk, rest
from durable_runtime.salesforce.answers import BulkUnsupported
from durable_runtime.salesforce.describe import type_of
from durable_runtime.salesforce.landing import Page, private_folder, write_records
from durable_runtime.salesforce.session import Session

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REST_BELOW = 2_000  # Salesforce's own rule of thumb for one REST page
LEAST_OVERLAP = timedelta(seconds=1)
ARCHIVED = frozenset({"Task", "Event"})  # a year old they are archived: query leaves them out, though they live
TICK = timedelta(seconds=1)  # the Date header has whole seconds: records of this very second are inside


@dataclass(frozen=True, slots=True)
class Window:
    """`[lo, hi)` of the cursor, aware UTC; `lo` None reads from the beginning."""

    lo: datetime | None
    hi: datetime

    @property
    def empty(self) -> bool:
        """Whether nothing can be inside."""
        return self.lo is not None and self.hi <= self.lo


@dataclass(frozen=True, slots=True)
class Plan:
    """One object to read: its extract, the fields that Salesforce shows today, and the window.

    `first` tells that nothing of the object was ever loaded, so that nothing can have left its filter.
    """

    extract: spec.Extract
    fields: tuple[str, ...]
    window: Window
    first: bool = False


@dataclass(frozen=True, slots=True)
class Landed:
    """One object's records as CSV files: header row, every value quoted, null and empty text alike empty."""

    object: str
    files: tuple[Path, ...]
    columns: tuple[str, ...]
    rows: int
    window: Window
    api: str
    jobs: tuple[str, ...]
    nul_bytes: int


@dataclass(frozen=True, slots=True)
class _Task:
    plan: Plan
    soql: str
    folder: Path
    before: int
    job: bulk.Job | None


def window(watermark: datetime | None, overlap_seconds: int, server_now: datetime, horizon_seconds: int) -> Window:
    """The next window by Salesforce's clock; a clock behind the watermark gives an empty one."""
    hi = server_now.astimezone(UTC) + TICK - timedelta(seconds=horizon_seconds)
    if watermark is None:
        return Window(None, hi)
    if hi < watermark:
        return Window(watermark, watermark)
    again = overlap(overlap_seconds)
    return Window(watermark - again if watermark - EPOCH > again else EPOCH, hi)


def overlap(seconds: int) -> timedelta:
    """How much of the last window the next one reads again."""
    return max(timedelta(seconds=seconds), LEAST_OVERLAP)


def statement(plan: Plan) -> str:
    """The extract's SOQL with the window appended."""
    soql, cursor = plan.extract.soql(plan.fields), plan.extract.cursor
    edges = [(">=", plan.window.lo), ("<", plan.window.hi)]
    inside = " AND ".join(f"{cursor} {sign} {soql_literal(edge)}" for sign, edge in edges if edge is not None)
    if plan.first and plan.extract.first:
        inside = f"{inside} AND ({plan.extract.first})"
    selected, where, condition = soql.partition(" WHERE ")
    return f"{selected} WHERE {f'({condition}) AND ' if where else ''}{inside}"


def extract(
    session: Session, plans: Sequence[Plan], folder: Path, retry: spec.Retry, clock: Clock
) -> dict[str, Landed]:
    """Land every plan's records under `folder` (mode 0700).

    Each number read lies between COUNT() before and after, else that object is read once more; then Incomplete.
    """
    tasks = [_begin(session, plan, folder) for plan in plans]
    landed = {task.plan.extract.object: _over_rest(session, task) for task in tasks if task.job is None}
    by_job = {task.job.id: task for task in tasks if task.job is not None}
    for job in bulk.finished(session, [task.job for task in by_job.values() if task.job is not None], clock):
        task = by_job[job.id]
        landed[task.plan.extract.object] = (
            _from_job(session, task, job) if job.failure is None else _from_new_job(session, task, retry, clock)
        )
    names = [task.plan.extract.object for task in tasks]
    return {name: _proven(session, task, landed[name], retry, clock) for name, task in zip(names, tasks, strict=True)}


def count(session: Session, name: str) -> int:
    """How many live records the object holds now."""
    return rest.count(session, ids_of(name), deleted=name in ARCHIVED)


def ids_of(name: str, *conditions: str) -> str:
    """The SOQL for the Id of every live record; it goes to queryAll for an object whose records are archived."""
    inside = " AND ".join([*conditions, *(("IsDeleted = false",) if name in ARCHIVED else ())])
    return f"SELECT Id FROM {name}{' WHERE ' if inside else ''}{inside}"  # noqa: S608  (names of the reviewed package)


def live_ids(session: Session, name: str, folder: Path, clock: Clock) -> tuple[Path, ...]:
    """CSV files with the one column Id of every live record."""
    soql, place, archived = ids_of(name), private_folder(folder), name in ARCHIVED
    job = _job_unless_small(session, soql, rest.count(session, soql, deleted=archived), deleted=archived)
    if job is None:
        return (rest.land(session, soql, ("Id",), frozenset(), place / f"{name}-ids.csv", deleted=archived).path,)
    (done,) = bulk.finished(session, [job], clock)
    paths = tuple(page.path for page in bulk.download(session, done, place))
    bulk.delete(session, [done.id])
    return paths


def soql_literal(instant: datetime) -> str:
    """A moment as SOQL writes it, in UTC, to the millisecond."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"


def _begin(session: Session, plan: Plan, folder: Path) -> _Task:
    place, soql = private_folder(folder / plan.extract.object), statement(plan)
    if plan.window.empty:
        return _Task(plan, soql, place, 0, None)
    before = rest.count(session, soql)
    return _Task(plan, soql, place, before, _job_unless_small(session, soql, before))


def _job_unless_small(session: Session, soql: str, expected: int, *, deleted: bool = True) -> bulk.Job | None:
    if expected < REST_BELOW:
        return None
    try:
        return bulk.create(session, soql, deleted=deleted)
    except BulkUnsupported:
        return None


def _over_rest(session: Session, task: _Task) -> Landed:
    path, fields = task.folder / "rest-00000.csv", task.plan.fields
    if task.plan.window.empty:
        return _landed(task, [write_records(path, fields, (), frozenset())], "rest", ())
    name = task.plan.extract.object
    datetimes = frozenset(field for field in fields if type_of(session, name, field) == "datetime")
    return _landed(task, [rest.land(session, task.soql, fields, datetimes, path)], "rest", ())


def _from_job(session: Session, task: _Task, job: bulk.Job) -> Landed:
    return _landed(task, bulk.download(session, job, task.folder), "bulk", (job.id,))


def _landed(task: _Task, pages: Sequence[Page], api: str, jobs: tuple[str, ...]) -> Landed:
    pages = [page if page.columns else _header_only(page, task.plan.fields) for page in pages]
    asked = [field.lower() for field in task.plan.fields]
    if any([name.lower() for name in page.columns] != asked for page in pages):
        raise Incomplete(
            f"{task.plan.extract.object}: a page's header does not name the fields that were asked for.",
            help="Run again; if it stays, check what stands between this machine and Salesforce.",
        )
    return Landed(
        object=task.plan.extract.object,
        files=tuple(page.path for page in pages),
        columns=task.plan.fields,
        rows=sum(page.rows for page in pages),
        window=task.plan.window,
        api=api,
        jobs=jobs,
        nul_bytes=sum(page.nul_bytes for page in pages),
    )


def _header_only(page: Page, fields: tuple[str, ...]) -> Page:
    """An answer without a byte becomes a file that any CSV reader takes."""
    return write_records(page.path, fields, (), frozenset())


def _proven(session: Session, task: _Task, landed: Landed, retry: spec.Retry, clock: Clock) -> Landed:
    if task.plan.window.empty:
        return landed
    after = rest.count(session, task.soql)
    if _enclosed(landed.rows, task.before, after):
        return landed
    for path in landed.files:
        path.unlink()
    first, again = landed, replace(task, before=after)
    landed = _over_rest(session, again) if landed.api == "rest" else _from_new_job(session, again, retry, clock)
    last = rest.count(session, task.soql)
    if _enclosed(landed.rows, again.before, last):
        return replace(landed, jobs=first.jobs + landed.jobs)  # both are deleted after the commit
    raise Incomplete(
        f"{landed.object}: Salesforce counted {again.before} records before and {last} after reading, but sent "
        f"{landed.rows}, twice in a row.",
        help="Run again; if it stays, check whether something rewrites this object all the time.",
    )


def _from_new_job(session: Session, task: _Task, retry: spec.Retry, clock: Clock) -> Landed:
    def once() -> Landed:
        (done,) = bulk.finished(session, [bulk.create(session, task.soql)], clock)
        return _from_job(session, task, done)

    return retrying(retry, clock, once)


def _enclosed(read: int, before: int, after: int) -> bool:
    return min(before, after) <= read <= max(before, after)

"""The choice between REST and Bulk, and proof by counts that all records of each window were landed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from durable_runtime import partitions, spec
from durable_runtime import parts as parts_of
from durable_runtime.budget import Budget
from durable_runtime.clock import Clock
from durable_runtime.errors import Incomplete, PipelineError, QueryTooSlow, QuotaReached, TimeSpent
from durable_runtime.parts import Part, Parts
from durable_runtime.progress import Progress
from durable_runtime.retry import retrying
from durable_runtime.salesforce import bulk, rest
from durable_runtime.salesforce.answers import BulkUnsupported, LocatorExpired
from durable_runtime.salesforce.describe import type_of
from durable_runtime.salesforce.landing import Page, private_folder, write_records
from durable_runtime.salesforce.session import Session
from durable_runtime.salesforce.sizes import SIZES, Sizes
from durable_runtime.windows import Plan, Range, Window, with_conditions

ARCHIVED = frozenset({"Task", "Event"})  # a year old they are archived: query leaves them out, though they live
ROOM = 1.5  # a window may be so much larger than a partition before it is cut
DEEPEST = 10  # how often a piece that turned out too large or too slow is cut again
IDS_AT_ONCE = 200  # in one IN list, so that a query is one page
MANY_IDS, IDS_A_JOB = 2_000, 4_000  # a job's statement may have 100,000 characters; a quoted Id takes 22


@dataclass(frozen=True, slots=True)
class Landed:
    """One object's records as CSV files: header row, every value quoted, null and empty text alike empty.

    `window` is what they cover; it ends before the plan's where the run had to stop, and `complete` is False then.
    `parts` tells how many of the files each query brought, in order: within one query no Id comes twice.
    """

    object: str
    files: tuple[Path, ...]
    columns: tuple[str, ...]
    rows: int
    window: Window
    api: str
    jobs: tuple[str, ...]
    nul_bytes: int
    parts: tuple[int, ...] = ()
    complete: bool = True
    halves: int = 0

    def __add__(self, other: Landed) -> Landed:
        """Both reads of one object, the other one later; the window stays."""
        return replace(
            self,
            files=self.files + other.files,
            rows=self.rows + other.rows,
            api=self.api if self.api == other.api else "rest and bulk",
            jobs=self.jobs + other.jobs,
            nul_bytes=self.nul_bytes + other.nul_bytes,
            halves=self.halves + other.halves,
            parts=self.parts + other.parts,
        )


@dataclass(frozen=True, slots=True)
class Reads:
    """What a run landed of each object, and what stopped it before all was read, if anything did."""

    landed: dict[str, Landed]
    stopped: PipelineError | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """What reading needs beside the plans; `repairs` collects what was done about what went wrong."""

    session: Session
    folder: Path  # one folder an object, which outlives a killed run
    retry: spec.Retry
    clock: Clock
    sizes: Sizes = SIZES
    budget: Budget | None = None
    repairs: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def tight(self) -> bool:
        """Whether to read one piece after the other, each small enough to be kept."""
        return self.budget is not None and self.budget.tight


def extract(reader: Reader, plans: Sequence[Plan]) -> Reads:
    """Land every plan's records under the reader's folder (mode 0700), taking over what an earlier run landed.

    Each number read lies between COUNT() before and after, else that part is read once more; then Incomplete. Where
    the quota or the time ends first, what was proven so far is given back with the error that tells why it is less.
    """
    objects = [parts_of.begin(plan, reader.folder / plan.extract.object) for plan in plans]
    try:
        if not reader.tight:
            _submit(reader, objects)
            _collect(reader, objects)
        for one in sorted(objects, key=_age):
            _one_after_the_other(reader, one)
    except (QuotaReached, TimeSpent) as stop:
        return Reads({one.plan.extract.object: _landed(one) for one in objects if one.proven()}, stop)
    return Reads({one.plan.extract.object: _landed(one) for one in objects})


def again(reader: Reader, plan: Plan) -> Landed:
    """The same object anew, where what was landed turned out to be wrong."""
    parts_of.forget(reader.folder / plan.extract.object)
    found = extract(reader, [plan])
    if found.stopped is not None:
        raise found.stopped
    return found.landed[plan.extract.object]


def by_ids(reader: Reader, plan: Plan, ids: Sequence[str], folder: Path) -> Landed:
    """Whole rows of the records with these Ids, deleted ones too; an Id that is not there any more gives no row."""
    many = len(ids) > MANY_IDS
    size = IDS_A_JOB if many else IDS_AT_ONCE
    found = _nothing(plan, private_folder(folder))
    for at in range(0, len(ids), size):
        named = ", ".join(f"'{one}'" for one in ids[at : at + size])
        soql = with_conditions(plan.extract.soql(plan.fields), [f"Id IN ({named})"])
        found += _query(reader, plan, soql, folder / f"{at:08d}", large=many, deleted=True)
    return found


def land(
    reader: Reader, name: str, soql: str, columns: tuple[str, ...], folder: Path, *, deleted: bool = True
) -> Landed:
    """Any query's records, over REST or Bulk by their number; `columns` are the paths that it selects, in order."""
    plan = Plan(spec.Extract(name, columns, lambda _fields: soql, "", ()), columns, Window(None, datetime.now(UTC)))
    try:
        large = rest.count(reader.session, soql, deleted=deleted) >= reader.sizes.rest_below
    except QueryTooSlow:  # so many that only Bulk can go through them
        large = True
    return _query(reader, plan, soql, folder, large=large, deleted=deleted)


def count(session: Session, name: str) -> int:
    """How many live records the object holds now."""
    return rest.count(session, ids_of(name), deleted=name in ARCHIVED)


def ids_of(name: str, *conditions: str) -> str:
    """The SOQL for the Id of every live record; it goes to queryAll for an object whose records are archived."""
    inside = " AND ".join([*conditions, *(("IsDeleted = false",) if name in ARCHIVED else ())])
    return f"SELECT Id FROM {name}{' WHERE ' if inside else ''}{inside}"  # noqa: S608  (names of the reviewed package)


def _age(one: Parts) -> tuple[bool, datetime]:
    """What was never read comes first, then what is furthest behind."""
    return one.plan.window.lo is not None, one.plan.window.lo or one.plan.window.hi


def _submit(reader: Reader, objects: Sequence[Parts]) -> None:
    """Every job is submitted before the first one is waited for; what came since a killed run is left for later."""
    for one in objects:
        at = 0
        while at < len(one.parts) and not one.parts[at].later:
            at += 0 if _opened(reader, one, one.parts[at]) else 1


def _collect(reader: Reader, objects: Sequence[Parts]) -> None:
    """Finish what was submitted: REST parts, then each job as it ends."""
    waiting = {part.progress.job: (one, part) for one in objects for part in one.parts if part.waits}
    for one in objects:
        for part in [each for each in one.parts if each.begun and not each.waits and not each.done]:
            _finish(reader, one, part, None)
    for job in _ended(reader, [bulk.Job(name) for name in waiting if name is not None]):
        _finish(reader, *waiting[job.id], job)


def _one_after_the_other(reader: Reader, one: Parts) -> None:
    at = 0
    while at < len(one.parts):
        part = one.parts[at]
        if part.done:
            at += 1
        elif not _opened(reader, one, part):
            job = next(_ended(reader, [bulk.Job(part.progress.job)])) if part.progress.job else None
            _finish(reader, one, part, job)


def _opened(reader: Reader, one: Parts, part: Part) -> bool:
    """Count the part and submit its job, if it takes one; True where it was cut into pieces instead."""
    try:
        if part.done or _begun(reader, part):
            return False
        if "before" not in part.progress.facts:
            part.progress.note(before=rest.count(reader.session, part.soql))
        pieces = _pieces(reader, part)
    except QueryTooSlow as slow:
        pieces = _halves(reader, part, slow)
    if pieces:
        one.divide(part, pieces)
        return True
    _choose(reader, part)
    return False


def _begun(reader: Reader, part: Part) -> bool:
    """Whether an earlier run chose the API; a job that Salesforce has forgotten is forgotten here too."""
    progress = part.progress
    if progress.job is None or progress.confirmed:
        return progress.job is not None or "api" in progress.facts
    if bulk.poll(reader.session, bulk.Job(progress.job)).failure is not None:
        progress.restart()
        return False
    progress.confirmed = True
    return True


def _choose(reader: Reader, part: Part) -> None:
    if part.progress.facts["before"] >= reader.sizes.rest_below:
        try:
            part.progress.note(job=bulk.create(reader.session, part.soql).id)
        except BulkUnsupported:
            reader.repairs.append(("rest_instead_of_bulk", {"object": part.plan.extract.object}))
        else:
            part.progress.confirmed = True
            return
    part.progress.note(api="rest")


def _pieces(reader: Reader, part: Part) -> list[tuple[Window, Range]]:
    """How a large part is cut: by time where calls or time are limited, else by Id; none for one that is read whole."""
    expected, session = int(part.progress.facts["before"]), reader.session
    if part.depth >= DEEPEST:
        return []
    if reader.tight and expected > reader.sizes.slice_rows and part.plan.extract.cursor:
        start = datetime.fromisoformat(_edge(session, part, part.plan.extract.cursor))

        def held(window: Window) -> int:
            return rest.count(session, replace(part, window=window).soql)

        slice_of = partitions.oldest(part.window, start, expected, reader.sizes.slice_rows, held)
        return [(slice_of, part.ids), (replace(part.window, lo=slice_of.hi), part.ids)] if slice_of else []
    if not reader.tight and expected > reader.sizes.partition_rows * ROOM:
        first, last = _edge(session, part, "Id"), _edge(session, part, "Id", descending=True)
        several = -(-expected // reader.sizes.partition_rows)
        cut = list(partitions.ranges(first, last, several, part.ids))
        return [(part.window, ids) for ids in cut] if len(cut) > 1 else []
    return []


def _edge(session: Session, part: Part, column: str, *, descending: bool = False) -> str:
    """The least or greatest value of a column in a part that holds records."""
    where = rest.FROM.search(part.soql)
    inside = part.soql[where.start() if where else 0 :]
    soql = f"SELECT {column}{inside} ORDER BY {column}{' DESC' if descending else ''} LIMIT 1"
    for record in rest.first_page(session, soql).records:
        return str(record[column])
    raise Incomplete("Records that were counted were not there any more.", help="Run again.")


def _halves(reader: Reader, part: Part, slow: QueryTooSlow) -> list[tuple[Window, Range]]:
    """The part as two windows, for a query that took Salesforce too long; raises it where that cannot be done."""
    cursor, window = part.plan.extract.cursor, part.window
    if part.depth >= DEEPEST or not cursor:
        raise slow
    low = window.lo or datetime.fromisoformat(_edge(reader.session, part, cursor)).astimezone(UTC)
    middle = (low + (window.hi - low) / 2).replace(microsecond=0)
    if not low < middle < window.hi:
        raise slow
    reader.repairs.append(("window_halved", {"object": part.plan.extract.object}))
    return [(Window(window.lo, middle), part.ids), (Window(middle, window.hi), part.ids)]


def _ended(reader: Reader, jobs: Sequence[bulk.Job]) -> Iterator[bulk.Job]:
    return bulk.finished(reader.session, jobs, reader.clock, reader.sizes.job_seconds)


def _finish(reader: Reader, one: Parts, part: Part, job: bulk.Job | None) -> None:
    """Land the part and prove it by counts, in two tries; a part that is too slow is cut, and read later."""
    try:
        _land_and_prove(reader, part, job)
    except QueryTooSlow as slow:
        one.divide(part, _halves(reader, part, slow))


def _land_and_prove(reader: Reader, part: Part, job: bulk.Job | None) -> None:
    progress = part.progress
    for last in (False, True):
        try:
            pages = _over_rest(reader, part.plan, part.soql, progress) if job is None else _over_bulk(reader, part, job)
        except LocatorExpired:
            if last:
                raise
            job = _begin_again(reader, part, job, int(progress.facts["before"]))
            continue
        read, counted = sum(page.rows for page in pages), int(progress.facts["before"])
        after = rest.count(reader.session, part.soql)
        if _enclosed(read, counted, after):
            progress.note(proven=True)
            return
        if not last:
            job = _begin_again(reader, part, job, after)
    raise Incomplete(
        f"{part.plan.extract.object}: Salesforce counted {counted} records before and {after} after reading, but sent "
        f"{read}, twice in a row.",
        help="Run again; if it stays, check whether something rewrites this object all the time.",
    )


def _begin_again(reader: Reader, part: Part, job: bulk.Job | None, counted: int) -> bulk.Job | None:
    """Forget what was landed of the part, and submit a new job where a job brought it."""
    reader.repairs.append(("part_read_again", {"object": part.plan.extract.object}))
    part.progress.restart()
    part.progress.note(before=counted, **({} if job else {"api": "rest"}))
    return _new_job(reader, part) if job else None


def _over_bulk(reader: Reader, part: Part, job: bulk.Job) -> list[Page]:
    """The job's pages; where it failed, those of another one for the same query."""

    def another() -> bulk.Job:
        found = _new_job(reader, part)
        if found.failure is not None:
            raise bulk.failed(found)
        return found

    if job.failure is not None:
        error = bulk.failed(job)
        if isinstance(error, QueryTooSlow):
            raise error
        reader.repairs.append(("job_submitted_again", {"object": part.plan.extract.object}))
        job = retrying(reader.retry, reader.clock, another)
    return bulk.download(reader.session, job, part.progress, reader.sizes)


def _new_job(reader: Reader, part: Part) -> bulk.Job:
    counted = part.progress.facts["before"]
    part.progress.restart()
    part.progress.note(before=counted, job=bulk.create(reader.session, part.soql).id)
    part.progress.confirmed = True
    return next(_ended(reader, [bulk.Job(str(part.progress.job))]))


def _query(reader: Reader, plan: Plan, soql: str, folder: Path, *, large: bool, deleted: bool) -> Landed:
    """Land any query; its pages' and its job's own counts are the proof."""
    progress = Progress(folder)
    if large:
        try:
            job = next(_ended(reader, [bulk.create(reader.session, soql, deleted=deleted)]))
        except BulkUnsupported:
            pass
        else:
            pages = bulk.download(reader.session, job, progress, reader.sizes)
            return _made(plan, plan.window, [pages], "bulk", (job.id,))
    pages = _over_rest(reader, plan, soql, progress, deleted=deleted)
    return _made(plan, plan.window, [pages], "rest", ())


def _over_rest(reader: Reader, plan: Plan, soql: str, progress: Progress, *, deleted: bool = True) -> list[Page]:
    name, session = plan.extract.object, reader.session
    datetimes = frozenset(one for one in plan.fields if type_of(session, name, one) == "datetime")
    return rest.land(session, soql, plan.fields, datetimes, progress, deleted=deleted)


def _landed(one: Parts) -> Landed:
    """What the proven parts brought; they cover a window without a gap."""
    proven = one.proven()
    filled = [part for part in proven if not part.window.empty]
    if not filled:
        return _nothing(one.plan, one.folder)
    pages = [[landed.page for landed in part.progress.landed] for part in filled]
    jobs = [name for part in filled for name in (*part.progress.abandoned, part.progress.job) if name]
    window = Window(filled[0].window.lo, filled[-1].window.hi)
    api = "bulk" if any(part.progress.job for part in filled) else "rest"
    return replace(_made(one.plan, window, pages, api, tuple(jobs)), complete=len(proven) == len(one.parts))


def _made(plan: Plan, window: Window, pages: list[list[Page]], api: str, jobs: tuple[str, ...]) -> Landed:
    checked = [[_with_header(page, plan) for page in several] for several in pages]
    every = [page for several in checked for page in several]
    return Landed(
        object=plan.extract.object,
        files=tuple(page.path for page in every),
        columns=plan.fields,
        rows=sum(page.rows for page in every),
        window=window,
        api=api,
        jobs=jobs,
        nul_bytes=sum(page.nul_bytes for page in every),
        halves=sum(page.halves for page in every),
        parts=tuple(len(several) for several in checked),
    )


def _nothing(plan: Plan, folder: Path) -> Landed:
    """An object of which nothing is read: one file with the header alone."""
    return _made(plan, plan.window, [[write_records(folder / "none.csv", plan.fields, (), frozenset())]], "rest", ())


def _with_header(page: Page, plan: Plan) -> Page:
    """The page; an answer without a byte becomes a file that any CSV reader takes.

    Raises Incomplete for other columns than those asked for.
    """
    if not page.columns:
        return write_records(page.path, plan.fields, (), frozenset())
    if [name.lower() for name in page.columns] != [name.lower() for name in plan.fields]:
        raise Incomplete(
            f"{plan.extract.object}: a page's header does not name the fields that were asked for.",
            help="Run again; if it stays, check what stands between this machine and Salesforce.",
        )
    return page


def _enclosed(read: int, before: int, after: int) -> bool:
    return min(before, after) <= read <= max(before, after)

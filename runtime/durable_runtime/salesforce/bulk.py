"""Bulk API 2.0 queries: all jobs made first, polled together, their pages streamed to files and counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from durable_runtime.clock import Clock
from durable_runtime.errors import Incomplete, PipelineError, QueryTooSlow, RequestRefused, SalesforceUnavailable
from durable_runtime.progress import Progress
from durable_runtime.redaction import redact
from durable_runtime.salesforce.answers import LONGEST_MESSAGE, LocatorExpired, NotFound, in_its_form
from durable_runtime.salesforce.landing import Page, write_stream
from durable_runtime.salesforce.session import Session
from durable_runtime.salesforce.sizes import SIZES, Sizes

CHUNK_BYTES = 1 << 18
FIRST_POLL, SLOWEST_POLL, POLL_GROWTH = 0.2, 5.0, 1.5  # seconds, seconds, factor
NO_LOCATOR = ("", "null")
TOO_SLOW = ("QUERY_TIMEOUT", "more than fifteen times", "more than thirty times")
REREAD_HELP = "Run again; if it stays, ask Salesforce support about this job."


@dataclass(frozen=True, slots=True)
class Job:
    """A query job that Salesforce is working on or has finished; `records` or `failure` is known at the end."""

    id: str
    records: int | None = None
    failure: str | None = None

    @property
    def ended(self) -> bool:
        """Whether Salesforce works on it no longer."""
        return self.records is not None or self.failure is not None


def create(session: Session, soql: str, *, deleted: bool = True) -> Job:
    """Submit a query; raises BulkUnsupported where the object must be read over REST."""
    answer = session.post(
        "jobs/query",
        {
            "operation": "queryAll" if deleted else "query",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        },
    )
    with in_its_form("POST jobs/query"):
        job = answer["id"]
        if not job.isalnum():  # it names files
            raise ValueError(job)
    return Job(str(job))


def finished(
    session: Session, jobs: Sequence[Job], clock: Clock, longest_seconds: float = SIZES.job_seconds
) -> Iterator[Job]:
    """Each job as it ends, well or badly, in the order of ending; one that takes longer is aborted, and has failed."""
    waiting, pause, started = list(jobs), FIRST_POLL, clock.monotonic()
    while waiting:
        done = [job for job in (poll(session, job) for job in waiting) if job.ended]
        yield from done
        waiting = [job for job in waiting if job.id not in {each.id for each in done}]
        if not waiting:
            return
        if clock.monotonic() - started > longest_seconds:
            yield from (_aborted(session, job, longest_seconds) for job in waiting)
            return
        clock.sleep(pause)
        pause = FIRST_POLL if done else min(pause * POLL_GROWTH, SLOWEST_POLL)


def poll(session: Session, job: Job) -> Job:
    """The job as it is now; one that Salesforce does not know any more has failed."""
    try:
        answer = session.get(f"jobs/query/{job.id}")
    except NotFound:
        return Job(job.id, failure="Salesforce does not know it any more")
    with in_its_form(f"GET jobs/query/{job.id}"):
        state = answer["state"]
        if state == "JobComplete":
            return Job(job.id, int(answer["numberRecordsProcessed"]))
        if state in ("Failed", "Aborted"):
            said = f"{state}: {answer.get('errorMessage') or 'no message'}"
            return Job(job.id, failure=redact(said)[:LONGEST_MESSAGE])
    return job


def _aborted(session: Session, job: Job, seconds: float) -> Job:
    with suppress(PipelineError):  # it may have ended at this very moment, which changes nothing
        session.stream("PATCH", f"jobs/query/{job.id}", lambda _answer: None, json={"state": "Aborted"})
    return Job(job.id, failure=f"Aborted: it did not end within {seconds:,.0f} seconds")


def download(session: Session, job: Job, progress: Progress, sizes: Sizes = SIZES) -> list[Page]:
    """All pages of an ended job as files, going on behind those that `progress` has.

    A page or a sum that does not match is read once more, then Incomplete. A job that ended badly raises
    SalesforceUnavailable (another job for the same query may do better) or QueryTooSlow (a narrower one may).
    """
    if job.failure is not None:
        raise failed(job)
    for last in (False, True):
        try:
            _fetch(session, job, progress, sizes)
        except LocatorExpired:
            if last:
                raise
        rows = sum(one.page.rows for one in progress.landed)
        if rows == job.records:
            return [one.page for one in progress.landed]
        if not last:
            progress.forget_pages()
    raise Incomplete(f"Bulk job {job.id} processed {job.records} records and delivered {rows}.", help=REREAD_HELP)


def delete(session: Session, jobs: Sequence[str]) -> tuple[str, ...]:
    """Delete jobs and their results, after the commit; gives back those that could not be deleted."""
    return tuple(job for job in jobs if not _deleted(session, job))


def _deleted(session: Session, job: str) -> bool:
    try:
        session.delete(f"jobs/query/{job}")
    except PipelineError:
        return False  # Salesforce drops results by itself after 7 days
    return True


def failed(job: Job) -> PipelineError:
    """The error that a job's failure means."""
    reason = str(job.failure)
    kind = QueryTooSlow if any(text in reason for text in TOO_SLOW) else SalesforceUnavailable
    return kind(
        f"Bulk job {job.id} ended without a result ({reason}).",
        help="Look the message up in Setup, Bulk Data Load Jobs.",
    )


def _fetch(session: Session, job: Job, progress: Progress, sizes: Sizes) -> None:
    """Land what is missing: several pages at once where there are several and Salesforce lists them."""
    many = job.records is not None and job.records > sizes.page_records and sizes.downloads > 1
    if "addresses" in progress.facts or (many and not progress.landed):
        addresses = _listed(session, job, progress, sizes)
        if addresses:
            _together(session, job, progress, addresses, sizes)
            return
    _one_by_one(session, job, progress, sizes)


def _one_by_one(session: Session, job: Job, progress: Progress, sizes: Sizes) -> None:
    known = progress.landed
    used = {one.following for one in known}
    while not known or known[-1].following not in NO_LOCATOR:
        locator = known[-1].following if known else ""
        params = {"maxRecords": str(sizes.page_records)} | ({"locator": locator} if locator else {})
        path = progress.folder / f"{job.id}-{len(known):05d}.csv"
        page, following = _page(session, job, f"jobs/query/{job.id}/results", params, path)
        if following in used and following not in NO_LOCATOR:
            raise Incomplete(f"Bulk job {job.id} gave the same locator twice.", help=REREAD_HELP)
        used.add(following)
        progress.keep(len(known), page, following)
        known = progress.landed


def _listed(session: Session, job: Job, progress: Progress, sizes: Sizes) -> list[str]:
    """The addresses of all pages; none where this API version does not list them."""
    following = progress.facts.get("listing", f"jobs/query/{job.id}/resultPages?maxRecords={sizes.page_records}")
    while following:
        try:
            answer = session.get(following)
        except LocatorExpired:
            raise
        except RequestRefused:
            return []
        with in_its_form("a list of result pages"):
            pages = [_path(one["resultUrl"]) for one in answer["resultPages"]]
            following = "" if answer["done"] else _path(str(answer["nextRecordsUrl"]))
        progress.note(addresses=[*progress.facts.get("addresses", ()), *pages], listing=following)
    return list(progress.facts["addresses"])


def _path(address: str) -> str:
    """The path and query of an address, which may or may not name a host; requests never leave the instance."""
    parts = urlsplit(address)
    return f"/{parts.path.lstrip('/')}" + (f"?{parts.query}" if parts.query else "")


def _together(session: Session, job: Job, progress: Progress, addresses: list[str], sizes: Sizes) -> None:
    """Land the missing pages, a few on their way at once; the first failure ends it when those have arrived."""
    known = {one.number for one in progress.landed}
    waiting = iter([number for number in range(len(addresses)) if number not in known])
    with ThreadPoolExecutor(sizes.downloads) as pool:
        running: dict[Future[tuple[Page, str]], int] = {}

        def begin() -> None:
            number = next(waiting, None)
            if number is not None:
                path = progress.folder / f"{job.id}-{number:05d}.csv"
                running[pool.submit(_page, session, job, addresses[number], None, path)] = number

        for _ in range(sizes.downloads):
            begin()
        failure: BaseException | None = None
        while running:
            for one in wait(running, return_when=FIRST_COMPLETED).done:
                number, failed = running.pop(one), one.exception()
                failure = failure or failed
                if failed is None:
                    progress.keep(number, one.result()[0], "")
                if failure is None:
                    begin()
    if failure is not None:
        raise failure


def _page(session: Session, job: Job, address: str, params: Mapping[str, str] | None, path: Path) -> tuple[Page, str]:
    for last in (False, True):
        page, promised, following = session.stream("GET", address, lambda answer: _land(answer, path), params=params)
        if page.rows == promised and page.whole:
            return page, following
        if last:
            break
    raise Incomplete(
        f"A page of Bulk job {job.id} holds {page.rows} records where Salesforce announced {promised}.",
        help=REREAD_HELP,
    )


def _land(answer: httpx2.Response, path: Path) -> tuple[Page, int, str]:
    page = write_stream(path, answer.iter_bytes(CHUNK_BYTES))
    with in_its_form("a page of results"):
        promised = int(answer.headers.get("Sforce-NumberOfRecords", page.rows))
    return page, promised, answer.headers.get("Sforce-Locator", "")

"""Bulk API 2.0 queries: all jobs made first, polled together, their pages streamed to files and counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from durable_runtime.clock import Clock
from durable_runtime.errors import Incomplete, PipelineError, RequestRefused, SalesforceUnavailable
from durable_runtime.redaction import redact
from durable_runtime.salesforce.answers import LONGEST_MESSAGE
from durable_runtime.salesforce.landing import Page, write_stream
from durable_runtime.salesforce.session import Session

PAGE_RECORDS = 50_000
CHUNK_BYTES = 1 << 18
FIRST_POLL, SLOWEST_POLL, POLL_GROWTH = 0.2, 5.0, 1.5  # seconds, seconds, factor
LONGEST_JOB_SECONDS = 24 * 3600
NO_LOCATOR = ("", "null")
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
    job = str(answer["id"])
    if not job.isalnum():  # it names files
        raise RequestRefused("Salesforce answered with a job Id that is none.", help="Check login_url.")
    return Job(job)


def finished(session: Session, jobs: Sequence[Job], clock: Clock) -> Iterator[Job]:
    """Each job as it ends, well or badly, in the order of ending."""
    waiting, pause, started = list(jobs), FIRST_POLL, clock.monotonic()
    while waiting:
        done = [job for job in (_poll(session, job) for job in waiting) if job.ended]
        yield from done
        waiting = [job for job in waiting if job.id not in {each.id for each in done}]
        if not waiting:
            return
        if clock.monotonic() - started > LONGEST_JOB_SECONDS:
            raise SalesforceUnavailable("A Bulk query did not finish within a day.", help="Run again later.")
        clock.sleep(pause)
        pause = FIRST_POLL if done else min(pause * POLL_GROWTH, SLOWEST_POLL)


def download(session: Session, job: Job, folder: Path) -> list[Page]:
    """All pages of an ended job as files; a page or sum that does not match is read once more, then Incomplete.

    A job that ended badly raises SalesforceUnavailable: another job for the same query may do better.
    """
    if job.failure is not None:
        raise SalesforceUnavailable(
            f"Bulk job {job.id} ended without a result ({job.failure}).",
            help="Look the message up in Setup, Bulk Data Load Jobs.",
        )
    for last in (False, True):
        pages = list(_pages(session, job, folder))
        rows = sum(page.rows for page in pages)
        if rows == job.records:
            return pages
        if last:
            break
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


def _poll(session: Session, job: Job) -> Job:
    answer: dict[str, Any] = session.get(f"jobs/query/{job.id}")
    state = answer.get("state")
    if state == "JobComplete":
        return Job(job.id, int(answer["numberRecordsProcessed"]))
    if state in ("Failed", "Aborted"):
        return Job(job.id, failure=redact(f"{state}: {answer.get('errorMessage') or 'no message'}")[:LONGEST_MESSAGE])
    return job


def _pages(session: Session, job: Job, folder: Path) -> Iterator[Page]:
    locator, number, used = "", 0, set[str]()
    while locator not in used:
        used.add(locator)
        page, locator = _page(session, job, locator, folder / f"{job.id}-{number:05d}.csv")
        yield page
        number += 1
        if locator in NO_LOCATOR:
            return
    raise Incomplete(f"Bulk job {job.id} gave the same locator twice.", help=REREAD_HELP)


def _page(session: Session, job: Job, locator: str, path: Path) -> tuple[Page, str]:
    params: Mapping[str, str] = {"maxRecords": str(PAGE_RECORDS)} | ({"locator": locator} if locator else {})
    for last in (False, True):
        page, promised, following = session.stream(
            "GET", f"jobs/query/{job.id}/results", lambda answer: _land(answer, path), params=params
        )
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
    promised = int(answer.headers.get("Sforce-NumberOfRecords", page.rows))
    return page, promised, answer.headers.get("Sforce-Locator", "")

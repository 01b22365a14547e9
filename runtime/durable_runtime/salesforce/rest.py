"""REST queries: pages followed to the end, the total checked, numbers kept as the text that was sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from durable_runtime.errors import Incomplete
from durable_runtime.progress import Progress
from durable_runtime.salesforce.answers import LocatorExpired, error_of, in_its_form
from durable_runtime.salesforce.landing import Page, write_records
from durable_runtime.salesforce.session import Session

FROM = re.compile(r"\sFROM\s", re.IGNORECASE)
LONGEST_ADDRESS = 12_000  # bytes; Salesforce refuses 16,384 with the headers, and proxies often less


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of a query: how many records there are in all, those of this page, and where the next ones are."""

    total: int
    records: list[dict[str, Any]]
    following: str


def first_page(session: Session, soql: str, *, deleted: bool = True) -> Answer:
    """A query's first page; a statement that is too long for an address travels in a body instead."""
    resource, params = "queryAll" if deleted else "query", {"q": soql}
    if len(urlencode(params)) > LONGEST_ADDRESS:
        return _answer(_composite(session, f"{session.base}/{resource}?q={quote(soql, safe='')}"))
    return _answer(session.get(resource, params))


def next_page(session: Session, following: str) -> Answer:
    """The page at a locator."""
    return _answer(session.get(following))


def query(session: Session, soql: str, *, deleted: bool = True) -> Iterator[dict[str, Any]]:
    """Every record of a query, deleted ones too unless `deleted` is False; raises Incomplete where any are missing."""
    answer = first_page(session, soql, deleted=deleted)
    total, seen = answer.total, 0
    while True:
        seen += len(answer.records)
        yield from answer.records
        if not answer.following:
            break
        answer = next_page(session, answer.following)
    if seen != total:
        raise _incomplete(total, seen)


def count(session: Session, soql: str, *, deleted: bool = True) -> int:
    """How many records the query would give, asked with COUNT()."""
    where = FROM.search(soql)
    statement = "SELECT COUNT()" + soql[where.start() if where else 0 :]
    return first_page(session, statement, deleted=deleted).total


def land(
    session: Session,
    soql: str,
    columns: tuple[str, ...],
    datetimes: frozenset[str],
    progress: Progress,
    *,
    deleted: bool = True,
) -> list[Page]:
    """A query's records as one CSV file a page, going on behind the pages that `progress` has.

    A lost locator or a short answer is asked for once more, from the beginning.
    """
    for last in (False, True):
        try:
            return _pages(session, soql, columns, datetimes, progress, deleted)
        except (Incomplete, LocatorExpired):
            if last:
                raise
            progress.forget_pages()
    raise AssertionError("the second try returns or raises")


def _pages(
    session: Session, soql: str, columns: tuple[str, ...], datetimes: frozenset[str], progress: Progress, deleted: bool
) -> list[Page]:
    while True:
        known = progress.landed
        if known and not known[-1].following:
            break
        answer = next_page(session, known[-1].following) if known else first_page(session, soql, deleted=deleted)
        if not known:
            progress.note(total=answer.total)
        path = progress.folder / f"rest-{len(known):05d}.csv"
        progress.keep(len(known), write_records(path, columns, answer.records, datetimes), answer.following)
    seen = sum(one.page.rows for one in progress.landed)
    if seen != progress.facts["total"]:
        raise _incomplete(progress.facts["total"], seen)
    return [one.page for one in progress.landed]


def _answer(body: Any) -> Answer:
    with in_its_form("a query"):
        following = "" if body["done"] else str(body["nextRecordsUrl"])
        return Answer(int(body["totalSize"]), [dict(one) for one in body["records"]], following)


def _composite(session: Session, address: str) -> Any:
    """One GET inside POST /composite: a body may be as long as a statement may."""
    asked = {"method": "GET", "url": address, "referenceId": "query"}
    answers = session.post("composite", {"compositeRequest": [asked]})
    with in_its_form("a composite request"):
        (answer,) = answers["compositeResponse"]
        status, body = int(answer["httpStatusCode"]), answer["body"]
    if status >= 300:
        raise error_of(status, body, "a query")
    return body


def _incomplete(total: int, seen: int) -> Incomplete:
    return Incomplete(f"A query announced {total} records and sent {seen}.", help="Run again.")

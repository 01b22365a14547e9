"""REST queries: pages followed to the end, the total checked, numbers kept as the text that was sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from durable_runtime.errors import Incomplete
from durable_runtime.salesforce.answers import LocatorExpired
from durable_runtime.salesforce.landing import Page, write_records
from durable_runtime.salesforce.session import Session

FROM = re.compile(r"\sFROM\s", re.IGNORECASE)


def query(session: Session, soql: str, *, deleted: bool = True) -> Iterator[dict[str, Any]]:
    """Every record of a query, deleted ones too unless `deleted` is False; raises Incomplete where any are missing."""
    answer = session.get("queryAll" if deleted else "query", {"q": soql})
    total, seen = int(answer["totalSize"]), 0
    while True:
        seen += len(answer["records"])
        yield from answer["records"]
        if answer["done"]:
            break
        answer = session.get(answer["nextRecordsUrl"])
    if seen != total:
        raise Incomplete(f"A query announced {total} records and sent {seen}.", help="Run again.")


def count(session: Session, soql: str, *, deleted: bool = True) -> int:
    """How many records the query would give, asked with COUNT()."""
    where = FROM.search(soql)
    statement = "SELECT COUNT()" + soql[where.start() if where else 0 :]
    return int(session.get("queryAll" if deleted else "query", {"q": statement})["totalSize"])


def land(
    session: Session,
    soql: str,
    columns: tuple[str, ...],
    datetimes: frozenset[str],
    path: Path,
    *,
    deleted: bool = True,
) -> Page:
    """Write a query's records to one CSV file; a lost locator or a short answer is asked for once more."""
    try:
        return write_records(path, columns, query(session, soql, deleted=deleted), datetimes)
    except (Incomplete, LocatorExpired):
        return write_records(path, columns, query(session, soql, deleted=deleted), datetimes)

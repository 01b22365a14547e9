"""Salesforce's log of deleted records (getDeleted): asked in whole minutes, halved where an answer is too long."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from durable_runtime.errors import SalesforceUnavailable
from durable_runtime.salesforce.answers import LATER_HELP, LogTooLong, LogTooShort
from durable_runtime.salesforce.landing import disk_full
from durable_runtime.salesforce.session import Session

KEPT = timedelta(days=15)  # no log is older, whatever was deleted
MINUTE = timedelta(minutes=1)  # seconds of both ends are ignored
SHORTEST = 2 * MINUTE  # the start must lie more than a minute before the end


@dataclass(frozen=True, slots=True)
class Log:
    """What the log says: a CSV file with the one column Id, soft and hard deletes alike.

    `reaches` is False where the log does not go back to the start that was asked for: then only a comparison of Ids
    can tell what was deleted. Up to `covered` (aware UTC) every delete is in the log; the next start is there.
    """

    path: Path
    records: int
    reaches: bool
    covered: datetime


@dataclass(frozen=True, slots=True)
class _Answer:
    ids: list[str]
    earliest: datetime | None
    covered: datetime | None


def deleted_since(
    session: Session, name: str, since: datetime, now: datetime, path: Path, *, overlap: timedelta = timedelta()
) -> Log:
    """The Ids deleted in `[since, now)` by Salesforce's clock, as far as its log reaches, written to `path`.

    `overlap` is asked for once more before that.
    """
    needed, end, oldest = _minute(since), _minute(now), _minute(now - KEPT + 2 * MINUTE)
    start = min(max(needed - overlap, oldest), end - SHORTEST)
    reaches, covered, records, waiting = needed >= oldest, end, 0, [(start, end)]
    with disk_full(path), path.open("w", encoding="utf-8") as file:
        file.write('"Id"\n')
        while waiting and reaches:
            lo, hi = waiting.pop()
            try:
                answer = _ask(session, name, lo, hi)
            except LogTooShort:
                reaches = False
                break
            except LogTooLong:
                halves = _halves(lo, hi)
                waiting, reaches = [*waiting, *halves], bool(halves)
                continue
            file.writelines(f'"{one}"\n' for one in answer.ids)
            records += len(answer.ids)
            reaches = answer.earliest is None or answer.earliest <= max(needed, start)
            if answer.covered is not None and answer.covered < hi:
                covered = min(covered, answer.covered)
    return Log(path, records, reaches, covered)


def _ask(session: Session, name: str, lo: datetime, hi: datetime) -> _Answer:
    edges = {"start": lo.isoformat(), "end": hi.isoformat()}
    path = f"sobjects/{name}/deleted/"
    return session.stream("GET", path, lambda response: _answer(response, path), params=edges)


def _answer(response: httpx2.Response, path: str) -> _Answer:
    """The answer with its records as bare Ids: 600,000 dictionaries would fill the memory."""
    response.read()
    try:
        body = json.loads(response.content, object_pairs_hook=_lean)
        return _Answer(
            [str(one) for one in body["deletedRecords"]],
            _moment(body.get("earliestDateAvailable")),
            _moment(body.get("latestDateCovered")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SalesforceUnavailable(
            f"Salesforce answered {response.status_code} to {path} with something that is not its list of deletes.",
            help=LATER_HELP,
        ) from error


def _lean(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    return found["id"] if "deletedDate" in found else found


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def _halves(lo: datetime, hi: datetime) -> list[tuple[datetime, datetime]]:
    """The interval in two, cut at a whole minute; nothing where a half would be too short to ask for."""
    if hi - lo < 2 * SHORTEST:
        return []
    middle = _minute(lo + (hi - lo) / 2)
    return [(middle, hi), (lo, middle)]

"""getDeleted and getUpdated: which Ids went or changed between two minutes, as far back as the logs reach."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from durable_sandbox.clock import parse as parse_moment
from durable_sandbox.clock import stamp
from durable_sandbox.errors import ApiError
from durable_sandbox.evaluate import evaluate
from durable_sandbox.rest import find_table
from durable_sandbox.sandbox import Sandbox
from durable_sandbox.soql import parse
from durable_sandbox.store import Table
from durable_sandbox.versions import base_path

DELETED_DAYS = 15
LONGEST_DAYS = 30
CURSORS = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime")
"""The fields that say when a record changed; an object is judged by the first that it has."""


@dataclass(frozen=True)
class Window:
    """An object and the minutes asked for, as stamps: from `start` up to but not including `end`."""

    table: Table
    start: str
    end: str
    moved: str


async def deleted(sandbox: Sandbox, request: Request) -> Response:
    """The Ids deleted in a window and not undeleted since, with the moments of their deletion."""
    window = _window(sandbox, request)
    name = window.table.kind.name
    oldest = _floor(sandbox.clock.now() - timedelta(days=DELETED_DAYS))
    start = max(window.start, oldest, sandbox.deletions.cut.get(name.lower(), ""))
    found = {entry[0]: entry[1] for entry in sandbox.deletions.entries(name) if start <= entry[1] < window.end}
    if "IsDeleted" in window.table.kind.positions:
        found |= _ids(sandbox, window, start, "IsDeleted = true")
    _refuse_too_many(sandbox, len(found))
    entries = [{"id": key, "deletedDate": _offset(at)} for key, at in sorted(found.items(), key=lambda one: one[1])]
    earliest = max(oldest, sandbox.deletions.earliest(name))
    return JSONResponse(
        {
            "deletedRecords": entries,
            "earliestDateAvailable": _offset(earliest),
            "latestDateCovered": _offset(_covered(sandbox, window)),
        }
    )


async def updated(sandbox: Sandbox, request: Request) -> Response:
    """The Ids of records created, changed or undeleted in a window."""
    window = _window(sandbox, request)
    condition = "IsDeleted = false" if "IsDeleted" in window.table.kind.positions else ""
    found = _ids(sandbox, window, window.start, condition)
    _refuse_too_many(sandbox, len(found))
    return JSONResponse({"ids": list(found), "latestDateCovered": _offset(_covered(sandbox, window))})


def _ids(sandbox: Sandbox, window: Window, start: str, condition: str) -> dict[str, str]:
    """Ids with their stamps, read by a query: whatever makes queries fast makes this fast."""
    moved = window.moved
    text = f"SELECT Id, {moved} FROM {window.table.kind.name} WHERE {moved} >= {start} AND {moved} < {window.end}"
    query = parse(f"{text} AND {condition}" if condition else text)
    selection = evaluate(query, sandbox.store, sandbox.clock.now(), deleted_too=True)
    place = window.table.kind.positions[moved]
    return {row[0]: row[place] for row in selection.rows}


def _refuse_too_many(sandbox: Sandbox, count: int) -> None:
    most = sandbox.deletions.most_ids
    if count > most:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"There are more than {most} records: choose dates closer together")


def _covered(sandbox: Sandbox, window: Window) -> str:
    """The end, or earlier: a moment that has not been yet, or one that a transaction still under way began before."""
    place = window.table.kind.positions[window.moved]
    under_way = [row[place] for row in window.table.held.values()]
    return min(window.end, _floor(sandbox.clock.now()), *(_floor(parse_moment(one)) for one in under_way))


def _window(sandbox: Sandbox, request: Request) -> Window:
    base_path(request)
    table = find_table(sandbox, request)
    moved = next((name for name in CURSORS if table.field(name) is not None), None)
    if "no_replication" in table.kind.traits or moved is None:
        raise ApiError(400, "INVALID_TYPE_FOR_OPERATION", f"entity type {table.kind.name} does not support replication")
    start, end = _moment(request, "start"), _moment(request, "end")
    if end - start < timedelta(minutes=1):
        raise _refuse("startDate must be at least one minute before endDate")
    now = sandbox.clock.now()
    if start < now - timedelta(days=LONGEST_DAYS):
        raise _refuse(f"startDate cannot be more than {LONGEST_DAYS} days ago")
    return Window(table, stamp(start), stamp(end), moved)


def _moment(request: Request, name: str) -> datetime:
    """A minute: Salesforce ignores seconds. A `+` that was not encoded arrives as a space and is taken as one."""
    text = request.query_params.get(name, "")
    try:
        return parse_moment(text.replace(" ", "+")).astimezone(UTC).replace(second=0, microsecond=0)
    except (ValueError, OverflowError) as error:
        raise _refuse(f"{name} must be a dateTime such as 2026-01-05T12:30:00+00:00, not {text!r}") from error


def _refuse(message: str) -> ApiError:
    return ApiError(400, "INVALID_REPLICATION_DATE", message)


def _floor(moment: datetime) -> str:
    return stamp(moment.astimezone(UTC).replace(second=0, microsecond=0))


def _offset(text: str) -> str:
    return f"{text[:-1]}+0000"

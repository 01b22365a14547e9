"""The administrator's endpoints, for loopback callers only: change, exact records, truth, clock, counters."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import fields as dataclass_fields
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from durable_sandbox import ids
from durable_sandbox.changes import Change, apply
from durable_sandbox.clock import parse, stamp
from durable_sandbox.drift import find_table
from durable_sandbox.errors import ApiError
from durable_sandbox.generate import NULL, Row, derive
from durable_sandbox.objects import Field
from durable_sandbox.render import truth_lines
from durable_sandbox.sandbox import Sandbox
from durable_sandbox.store import Table
from durable_sandbox.values import stored

_STAMPS = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
_CHUNK_LINES = 1000


def _refuse(message: str) -> ApiError:
    return ApiError(400, "INVALID_REQUEST", message)


class _Exact(str):
    """A JSON number as it was written."""

    __slots__ = ()


async def json_body(request: Request, whole: Callable[[str], object] = _Exact) -> object:
    """The body's JSON, its decimal numbers as they were written."""
    try:
        return json.loads(await request.body() or b"{}", parse_float=_Exact, parse_int=whole)
    except ValueError as error:
        raise _refuse(f"the body is not JSON: {error}") from error


async def object_body(request: Request) -> dict[str, Any]:
    """The body's JSON object."""
    body = await json_body(request)
    if not isinstance(body, dict):
        raise _refuse("the body must be a JSON object")
    return body


async def change(sandbox: Sandbox, request: Request) -> Response:
    """Insert, update, delete, undelete, duplicate and purge random records."""
    body = await object_body(request)
    known = {item.name for item in dataclass_fields(Change)}
    if "object" not in body or set(body) - known:
        raise _refuse(f"a change has an object and any of {', '.join(sorted(known - {'object'}))}")
    find_table(sandbox.store, str(body["object"]))
    try:
        counts = {name: int(value) for name, value in body.items() if name != "object"}
    except (TypeError, ValueError) as error:
        raise _refuse(f"counts must be whole numbers: {error}") from error
    if any(value < 0 for name, value in counts.items() if name != "seed"):
        raise _refuse("counts must not be negative")
    made = apply(sandbox, Change(str(body["object"]), **counts))
    return JSONResponse({**{kind: len(found) for kind, found in made.items()}, "ids": made})


async def records(sandbox: Sandbox, request: Request) -> Response:
    """Put exact records: replaced by Id, or added."""
    table = find_table(sandbox.store, request.path_params["object"])
    body = await json_body(request)
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise _refuse("the body must be a list of records")
    now = sandbox.clock.now_stamp()
    rows = [_record(table, item, number, now) for number, item in enumerate(body, table.free_number(len(body)))]
    sandbox.write(table.kind.name, rows)
    return JSONResponse({"ids": [row[0] for row in rows]})


def _record(table: Table, item: dict[str, Any], number: int, now: str) -> Row:
    names = {name: table.kind.by_name.get(name.lower()) for name in item}
    unknown = [name for name, found in names.items() if found is None or found.name not in table.kind.positions]
    if unknown:
        raise _refuse(f"{table.kind.name} has no stored field {', '.join(unknown)}")
    given = {found.name: _stored(found, item[name]) for name, found in names.items() if found}
    record_id = ids.with_checksum(given.get("Id", NULL)) or ids.make(table.kind.prefix, number)
    if not ids.is_valid(record_id):
        raise _refuse(f"{record_id!r} is not a Salesforce Id with a right checksum")
    known = table.get(record_id)
    values = dict(zip(table.kind.positions, known, strict=True)) if known else _defaults(table, now)
    if known:
        values |= dict.fromkeys(_STAMPS[1:], now)
    given["Id"] = record_id
    values |= given
    row = derive(table.kind, tuple(values[column.name] for column in table.kind.columns))
    return tuple(given.get(name, value) for name, value in zip(table.kind.positions, row, strict=True))


def _defaults(table: Table, now: str) -> dict[str, str]:
    values = {column.name: "false" if column.type == "boolean" else NULL for column in table.kind.columns}
    return values | {name: now for name in _STAMPS if name in values}


def _stored(field: Field, value: object) -> str:
    try:
        return stored(field, value)
    except ValueError as error:
        raise _refuse(str(error)) from error


async def truth(sandbox: Sandbox, request: Request) -> Response:
    """Every record of an object as NDJSON, deleted ones too."""
    lines = truth_lines(find_table(sandbox.store, request.path_params["object"]))
    return StreamingResponse(_chunks(lines), media_type="application/x-ndjson")


async def _chunks(lines: Iterator[str]) -> AsyncIterator[str]:
    """Some lines at a time, made in the event loop: a thread would share the generated records with it."""
    while chunk := "".join(islice(lines, _CHUNK_LINES)):
        yield chunk


async def clock(sandbox: Sandbox, request: Request) -> Response:
    """Set the clock, move it, or ask for it."""
    body = await object_body(request)
    try:
        if "now" in body:
            sandbox.clock.set(parse(body["now"]) if body["now"] else None)
        if "advance_seconds" in body:
            sandbox.clock.advance(float(body["advance_seconds"]))
    except (TypeError, ValueError, OverflowError) as error:
        raise _refuse(f'send {{"now": ISO datetime or null}} or {{"advance_seconds": number}}: {error}') from error
    sandbox.journal.clock(sandbox.clock)
    return JSONResponse({"now": stamp(sandbox.clock.now())})


async def health(sandbox: Sandbox, _: Request) -> Response:
    """That the sandbox is up, its clock and its record counts."""
    counts = {table.kind.name: len(table) for table in sandbox.store.tables.values()}
    return JSONResponse({"status": "ok", "now": stamp(sandbox.clock.now()), "records": counts})


async def requests(sandbox: Sandbox, _: Request) -> Response:
    """How often each endpoint was called."""
    return JSONResponse({"api_calls": sandbox.api_calls, "requests": dict(sorted(sandbox.requests.items()))})


async def logout(sandbox: Sandbox, _: Request) -> Response:
    """End every session, so that clients have to log in again."""
    ended = len(sandbox.sessions.tokens)
    sandbox.sessions.tokens.clear()
    return JSONResponse({"ended": ended})


async def stop(sandbox: Sandbox, _: Request) -> Response:
    """Stop the sandbox after this answer."""
    sandbox.stop()
    return JSONResponse({"status": "stopping"})

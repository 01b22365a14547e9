"""The administrator's endpoints, for loopback callers only: change, exact records, truth, clock, fields, counters."""

import json
from dataclasses import fields as dataclass_fields
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from durable_sandbox import ids
from durable_sandbox.changes import Change, apply
from durable_sandbox.clock import parse, stamp
from durable_sandbox.errors import ApiError
from durable_sandbox.generate import MAKERS, NULL, Row, derive
from durable_sandbox.journal import field_from
from durable_sandbox.objects import FIELD_TYPES, NUMBER_TYPES, Field
from durable_sandbox.render import truth_lines
from durable_sandbox.sandbox import Sandbox
from durable_sandbox.store import Table

_STAMPS = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
_CHUNK_LINES = 1000
_FIELD_NAMES = frozenset(item.name for item in dataclass_fields(Field))


def _refuse(message: str) -> ApiError:
    return ApiError(400, "INVALID_REQUEST", message)


class _Exact(str):
    """A JSON number as it was written."""

    __slots__ = ()


async def _body(request: Request) -> object:
    try:
        return json.loads(await request.body() or b"{}", parse_float=_Exact, parse_int=_Exact)
    except ValueError as error:
        raise _refuse(f"the body is not JSON: {error}") from error


async def _object_body(request: Request) -> dict[str, Any]:
    body = await _body(request)
    if not isinstance(body, dict):
        raise _refuse("the body must be a JSON object")
    return body


def _table(sandbox: Sandbox, name: object) -> Table:
    table = sandbox.store.table(str(name))
    if table is None:
        known = ", ".join(item.kind.name for item in sandbox.store.tables.values())
        raise ApiError(404, "NOT_FOUND", f"the sandbox has no object {name!r}; it has {known}")
    return table


async def change(sandbox: Sandbox, request: Request) -> Response:
    """Insert, update, delete, undelete, duplicate and purge random records."""
    body = await _object_body(request)
    known = {item.name for item in dataclass_fields(Change)}
    if "object" not in body or set(body) - known:
        raise _refuse(f"a change has an object and any of {', '.join(sorted(known - {'object'}))}")
    _table(sandbox, body["object"])
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
    table = _table(sandbox, request.path_params["object"])
    body = await _body(request)
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
    """A given value in its stored form; numbers keep the digits they came with."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise _refuse(f"{field.name} must be text, a number, a boolean or null")
    if field.type == "datetime" and value:
        return _moment(field.name, value)
    if field.type in NUMBER_TYPES and value:
        return _number(field.name, value)
    return str(value)


def _moment(name: str, value: str) -> str:
    try:
        return stamp(parse(value))
    except ValueError as error:
        raise _refuse(f"{name} must be an ISO datetime, not {value!r}") from error


def _number(name: str, value: str) -> str:
    try:
        json.loads(value, parse_constant=_refuse_constant)
    except ValueError as error:
        raise _refuse(f"{name} must be a JSON number, not {value!r}") from error
    return str(value)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


async def truth(sandbox: Sandbox, request: Request) -> Response:
    """Every record of an object as NDJSON, deleted ones too."""
    lines = list(truth_lines(_table(sandbox, request.path_params["object"])))
    chunks = ("".join(lines[start : start + _CHUNK_LINES]) for start in range(0, len(lines), _CHUNK_LINES))
    return StreamingResponse(chunks, media_type="application/x-ndjson")


async def clock(sandbox: Sandbox, request: Request) -> Response:
    """Set the clock, move it, or ask for it."""
    body = await _object_body(request)
    try:
        if "now" in body:
            sandbox.clock.set(parse(body["now"]) if body["now"] else None)
        if "advance_seconds" in body:
            sandbox.clock.advance(float(body["advance_seconds"]))
    except (TypeError, ValueError, OverflowError) as error:
        raise _refuse(f'send {{"now": ISO datetime or null}} or {{"advance_seconds": number}}: {error}') from error
    sandbox.journal.clock(sandbox.clock)
    return JSONResponse({"now": stamp(sandbox.clock.now())})


async def fields(sandbox: Sandbox, request: Request) -> Response:
    """Show a new, changed or hidden field, or hide one."""
    body = await _object_body(request)
    table = _table(sandbox, body.get("object"))
    if "remove" in body:
        item = table.field(str(body["remove"]))
        if item is None or item.name == "Id":
            raise _refuse(f"{table.kind.name} has no field {body['remove']!r} that can be hidden")
        table.hide_field(item)
        sandbox.journal.hidden(table.kind.name, item)
    elif isinstance(body.get("add"), dict):
        _add(sandbox, table, dict(body["add"]))
    else:
        raise _refuse('send {"object", "add": {"name", "label", "type", …, "value"}} or {"object", "remove": name}')
    return JSONResponse({"fields": [item.name for item in table.fields()]})


def _add(sandbox: Sandbox, table: Table, shape: dict[str, Any]) -> None:
    value = shape.pop("value", None)
    name = str(shape.get("name") or "")
    known = table.kind.by_name.get(name.lower())
    if known and len(shape) == 1:
        item = known
    else:
        numbers = ("length", "precision", "scale", "digits")
        shape |= {key: int(shape[key]) for key in numbers if key in shape}
        if (
            not name
            or shape.get("type") not in FIELD_TYPES
            or set(shape) - _FIELD_NAMES
            or shape.get("maker", "null") not in MAKERS
        ):
            raise _refuse(f"a field has a name, a type of {', '.join(sorted(FIELD_TYPES))}, and Field's other settings")
        item = field_from({"label": name, **shape})
    stored = None if value is None else _stored(item, value)
    table.add_field(item, stored)
    sandbox.journal.added(table.kind.name, item, stored)


async def health(sandbox: Sandbox, _: Request) -> Response:
    """That the sandbox is up, its clock and its record counts."""
    counts = {table.kind.name: len(table.rows) for table in sandbox.store.tables.values()}
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

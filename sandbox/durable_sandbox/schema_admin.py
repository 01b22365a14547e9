"""The administrator's endpoints for what changes beneath the records: the schema, the objects and the delete log."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from durable_sandbox.admin import json_body, object_body
from durable_sandbox.clock import parse, stamp
from durable_sandbox.drift import find_table, refuse
from durable_sandbox.sandbox import Sandbox


async def drift(sandbox: Sandbox, request: Request) -> Response:
    """Carry out one order or a list of them."""
    body = await json_body(request, whole=int)
    sent = body if isinstance(body, list) else [body]
    orders = [order for order in sent if isinstance(order, dict)]
    if not orders or len(orders) < len(sent):
        raise refuse('send {"op", "object", …} or a list of such orders')
    return JSONResponse({"applied": sandbox.schema.apply(orders)})


async def drifts(sandbox: Sandbox, _: Request) -> Response:
    """What has drifted, in order, and every kind of drift there is."""
    return JSONResponse(sandbox.schema.summary())


async def fields(sandbox: Sandbox, request: Request) -> Response:
    """Show a new, changed or hidden field, or hide one."""
    body = await object_body(request)
    table = find_table(sandbox.store, str(body.get("object")))
    order: dict[str, Any] = {"object": table.kind.name}
    if "remove" in body:
        order |= {"op": "hide", "field": body["remove"]}
    elif isinstance(body.get("add"), dict):
        order |= _shown(table.kind.by_name, dict(body["add"]))
    else:
        raise refuse('send {"object", "add": {"name", "label", "type", …, "value"}} or {"object", "remove": name}')
    sandbox.schema.apply([order])
    return JSONResponse({"fields": [item.name for item in table.fields()]})


def _shown(known: Mapping[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    if set(shape) == {"name"} and str(shape["name"]).lower() in known:
        return {"op": "unhide", "field": shape["name"]}
    value = shape.pop("value", None)
    return {"op": "define", "field": shape} | ({} if value is None else {"value": value})


async def objects(sandbox: Sandbox, request: Request) -> Response:
    """Show or hide objects by name: `{"show": [names], "hide": [names]}`; the answer lists what is shown."""
    body = await object_body(request)
    wanted = [(op, name) for key, op in _OBJECT_OPS.items() for name in _names(body, key)]
    if set(body) - set(_OBJECT_OPS):
        raise refuse('send {"show": [names]} and {"hide": [names]}')
    sandbox.schema.apply([{"op": op, "object": name} for op, name in wanted])
    return await listing(sandbox, request)


_OBJECT_OPS = {"show": "restore_object", "hide": "remove_object"}


def _names(body: Mapping[str, Any], key: str) -> list[str]:
    names = body.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise refuse(f"{key} must be a list of object names")
    return names


async def listing(sandbox: Sandbox, _: Request) -> Response:
    """Which objects are shown and which are hidden."""
    store = sandbox.store
    shown = [table.kind.name for table in store.listed()]
    hidden = [table.kind.name for table in store.tables.values() if table.kind.listed and table.kind.name not in shown]
    return JSONResponse({"shown": shown, "hidden": hidden})


async def delete_log(sandbox: Sandbox, request: Request) -> Response:
    """Purge an object's delete log up to a moment, or set how many Ids an answer may have."""
    body = await object_body(request)
    if set(body) == {"object", "purge_before"}:
        table = find_table(sandbox.store, str(body["object"]))
        sandbox.deletions.purged(table.kind.name, _stamp(body["purge_before"]))
    elif set(body) == {"most_ids"} and str(body["most_ids"]).isdecimal():
        sandbox.deletions.limit(int(body["most_ids"]))
    else:
        raise refuse('send {"object", "purge_before": ISO datetime} or {"most_ids": whole number}')
    return JSONResponse({"most_ids": sandbox.deletions.most_ids, "cut": sandbox.deletions.cut})


def _stamp(text: object) -> str:
    try:
        return stamp(parse(str(text)))
    except ValueError as error:
        raise refuse(f"purge_before must be an ISO datetime, not {text!r}") from error


async def recycle_bin(sandbox: Sandbox, request: Request) -> Response:
    """Empty an object's recycle bin: all of it, what was deleted before a moment, or some Ids.

    `quiet` leaves the earliest date available where it was, so that only a comparison of Ids finds the loss.
    """
    body = await object_body(request)
    if "object" not in body or set(body) - {"object", "ids", "before", "quiet"}:
        raise refuse('send {"object"}, and "ids", "before": ISO datetime or "quiet": true with it')
    table = find_table(sandbox.store, str(body["object"]))
    places = table.kind.positions
    if "IsDeleted" not in places:
        raise refuse(f"{table.kind.name} has no recycle bin")
    before = _stamp(body["before"]) if "before" in body else "~"
    wanted = None if "ids" not in body else set(_names(body, "ids"))
    stamped = places.get("SystemModstamp", places.get("CreatedDate", 0))
    gone = [
        row[0]
        for row in table.rows
        if row[places["IsDeleted"]] == "true" and row[stamped] < before and (wanted is None or row[0] in wanted)
    ]
    sandbox.purge(table.kind.name, gone, quiet=body.get("quiet") is True)
    return JSONResponse({"purged": gone})

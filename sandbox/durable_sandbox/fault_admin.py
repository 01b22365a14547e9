"""The administrator's endpoints for faults: order, list and clear them, release held writes, list the named errors."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from durable_sandbox.errors import ApiError
from durable_sandbox.fault_actions import ACTIONS, settled
from durable_sandbox.faults import KIND_NAMES, Match
from durable_sandbox.named_errors import NAMED_ERRORS
from durable_sandbox.sandbox import Sandbox

_TEXTS = ("object", "method", "path", "contains")
_MATCHING = ("kind", *_TEXTS, "ids", "nth", "after", "times", "every")


async def add(sandbox: Sandbox, request: Request) -> Response:
    """Put one fault in force, or a list of them; all or, where one is wrong, none."""
    body = await _body(request)
    orders = body.get("faults") if isinstance(body, dict) and "faults" in body else body
    orders = orders if isinstance(orders, list) else [orders]
    try:
        read = [_read(order) for order in orders]
    except (ValueError, TypeError) as error:
        raise ApiError(400, "INVALID_REQUEST", str(error)) from error
    added = [sandbox.faults.add(*order) for order in read]
    return JSONResponse({"faults": [fault.shown() for fault in added]})


async def listing(sandbox: Sandbox, _: Request) -> Response:
    """Every fault in force with what it has seen and how often it fired, and how many writes are held back."""
    held = Counter(one.table.kind.name for one in sandbox.late.held if one.id in one.table.held)
    return JSONResponse(
        {"faults": [fault.shown() for fault in sandbox.faults.armed], "held": dict(sorted(held.items()))}
    )


async def clear(sandbox: Sandbox, request: Request) -> Response:
    """Take every fault out of force, or the one named by `id`, and undo what it left behind; held writes commit."""
    number = request.query_params.get("id")
    if number is not None and not number.isdecimal():
        raise ApiError(400, "INVALID_REQUEST", f"id must be the number of a fault, not {number!r}")
    gone = sandbox.faults.remove(None if number is None else int(number))
    actions = {fault.action for fault in gone}
    if "clock_skew" in actions:
        sandbox.clock.skew = timedelta()
    if "stick_job" in actions:
        _unstick(sandbox)
    committed = sandbox.late.named("", ()) if number is None or "late" in actions else []
    sandbox.commit(committed)
    return JSONResponse({"cleared": len(gone), "committed": len(committed)})


async def release(sandbox: Sandbox, request: Request) -> Response:
    """Let held writes commit: those of an object, of some Ids, or all."""
    body = await _body(request)
    if not isinstance(body, dict) or body.keys() - {"object", "ids"}:
        raise ApiError(400, "INVALID_REQUEST", 'send {"object": name, "ids": [Id, …]}; both may be left out')
    committed = sandbox.late.named(str(body.get("object", "")), [str(one) for one in body.get("ids", ())])
    sandbox.commit(committed)
    return JSONResponse({"committed": [row[0] for _, row in committed]})


async def named_errors(_: Sandbox, __: Request) -> Response:
    """Every error that can be ordered by name."""
    rows = [
        {"name": row.name, "status": row.status, "errorCode": row.code, "message": row.message}
        for row in NAMED_ERRORS.values()
    ]
    return JSONResponse({"errors": rows})


def _unstick(sandbox: Sandbox) -> None:
    for job in sandbox.jobs.known.values():
        job.fate.polls = 0


async def _body(request: Request) -> Any:
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise ApiError(400, "INVALID_REQUEST", f"the body is not JSON: {error}") from error


def _read(order: object) -> tuple[Match, str, dict[str, Any]]:
    """What a fault waits for, its action and its setting. Raises ValueError or TypeError with a sentence."""
    if not isinstance(order, dict):
        raise TypeError("a fault is a JSON object")
    names = [name for name in order if name not in _MATCHING]
    if len(names) != 1 or names[0] not in ACTIONS:
        actions = ", ".join(sorted(ACTIONS))
        given = ", ".join(map(repr, names)) or "none at all"
        raise ValueError(f"a fault has one action of {actions}, not {given}; beside it: {', '.join(_MATCHING)}")
    name = names[0]
    if order[name] is False:
        raise ValueError(f"{name} is false: leave the fault out")
    match = _match(order, ACTIONS[name].kinds, ACTIONS[name].times)
    if ("write" in match.kinds) != (name == "late") or (match.ids and name != "late"):
        raise ValueError("kind write and ids go with late, and with nothing else")
    return match, name, settled(name, order[name])


def _match(order: dict[str, Any], kinds: tuple[str, ...], times: int | None) -> Match:
    kind = order.get("kind", kinds)
    kinds = (kind,) if isinstance(kind, str) else tuple(kind)
    unknown = [one for one in kinds if one not in KIND_NAMES]
    if unknown or not kinds:
        raise ValueError(f"kind must be of {', '.join(KIND_NAMES)}, not {', '.join(map(repr, unknown))}")
    nth = _whole("after", order["after"], 0) + 1 if "after" in order else _whole("nth", order.get("nth", 1), 1)
    if order.get("every") or ("times" in order and order["times"] is None):
        times = None
    elif "times" in order:
        times = _whole("times", order["times"], 1)
    texts = {name: str(order.get(name, "")) for name in _TEXTS}
    return Match(kinds, **texts, ids=tuple(map(str, order.get("ids", ()))), nth=nth, times=times)


def _whole(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return value

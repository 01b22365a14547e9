"""A request on its way through the faults: what it is about, which of them act on it, and what is sent in the end."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from durable_sandbox import ids, wire
from durable_sandbox.fault_actions import ACTIONS, expired, repeated
from durable_sandbox.faults import COUNT, FROM, Asked, Fault, classified
from durable_sandbox.sandbox import Sandbox
from durable_sandbox.wire import Answer

_IN_PARTS = frozenset({"change", "error", "expire_locator", "json", "repeat_page", "repeat_rows", "replace_row"})
_IN_REQUESTS = ACTIONS.keys() - {"late"}


async def serve(sandbox: Sandbox, request: Request, answer: Callable[[], Awaitable[Response]]) -> Response:
    """The answer to a request of a client, as the faults in force leave it."""
    part = bool(request.scope.get("subrequest"))
    if sandbox.late.held and not part:
        sandbox.commit(sandbox.late.due(sandbox.clock))
    if not sandbox.faults.watching:
        return await answer()
    asked = replace(await _asked(sandbox, request), part=part)
    due = sandbox.faults.due(asked, _IN_PARTS if part else _IN_REQUESTS)
    _fire_before(sandbox, asked, due)
    instead = expired(sandbox, asked) or _instead(sandbox, asked, due)
    if instead is not None:
        return wire.response(_zipped(request, instead))
    response = await answer()
    after = [fault for fault in due if ACTIONS[fault.action].phase == "after"]
    if not after and not sandbox.faults.repeats:
        return response
    return wire.response(_after(sandbox, asked, after, await wire.taken_apart(response)))


async def _asked(sandbox: Sandbox, request: Request) -> Asked:
    kind, names = classified(request.method, request.url.path)
    text = await _text(request)
    if kind == "query" and COUNT.match(text):
        kind = "count"
    found = Asked(kind, request.method, request.url.path, text=text)
    if "job" in names:
        job = sandbox.jobs.known.get(ids.with_checksum(names["job"]))
        about = job.selection.table.kind.name if job else ""
        return replace(found, object=about, job=names["job"], locator=request.query_params.get("locator", ""))
    if "locator" in names:
        cursor = sandbox.cursors.get(names["locator"].rpartition("-")[0])
        return replace(found, object=cursor.table.kind.name if cursor else "", locator=names["locator"])
    queried = FROM.search(text)
    return replace(found, object=names.get("object") or (queried[1] if queried else ""))


async def _text(request: Request) -> str:
    """The SOQL, or else the query string or all that was sent."""
    if request.method != "POST":
        return request.query_params.get("q") or request.url.query
    body = (await request.body()).decode("utf-8", "replace")
    try:
        sent = json.loads(body)
    except ValueError:
        return " ".join(value for _, value in parse_qsl(body)) or body
    return str(sent["query"]) if isinstance(sent, dict) and "query" in sent else body


def _fire_before(sandbox: Sandbox, asked: Asked, due: Sequence[Fault]) -> None:
    for fault in due:
        action = ACTIONS[fault.action]
        if action.phase == "before" and action.run(sandbox, asked, fault.setting):
            fault.fired += 1


def _instead(sandbox: Sandbox, asked: Asked, due: Sequence[Fault]) -> Answer | None:
    """The answer of the first fault that answers itself; the others stay due. A part of a request is always JSON."""
    for fault in due:
        action = ACTIONS[fault.action]
        if action.phase == "instead":
            answer: Answer = action.run(sandbox, asked, fault.setting)
            if not asked.part or answer.content.startswith((b"[", b"{")):
                fault.fired += 1
                return answer
    return None


def _after(sandbox: Sandbox, asked: Asked, due: Sequence[Fault], answer: Answer) -> Answer:
    """The answer with every change that fits, until one of them breaks it off; the others stay due."""
    good = answer.status < 300
    if good:
        answer = repeated(sandbox, asked, answer)
    for fault in due:
        action = ACTIONS[fault.action]
        if answer.ending != "whole" or not (good or action.always):
            continue
        changed = action.run(sandbox, asked, fault.setting, answer)
        if changed is not None:
            fault.fired += 1
            answer = changed
    return answer


def _zipped(request: Request, answer: Answer) -> Answer:
    """Salesforce sends errors plain; only a given answer of 200 is compressed as a real one would be."""
    accepts = "gzip" in request.headers.get("accept-encoding", "")
    return replace(answer, zipped=accepts and answer.status == 200 and bool(answer.content))

"""Describe over HTTP: every object, one object, and nothing at all when nothing has changed since a moment."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from durable_sandbox.describe import brief, describe_object
from durable_sandbox.rest import find_table
from durable_sandbox.sandbox import Sandbox
from durable_sandbox.versions import base_path


async def describe_global(sandbox: Sandbox, request: Request) -> Response:
    """Every object, briefly."""
    base = base_path(request)

    def document() -> dict[str, Any]:
        listed = [brief(table.kind, base) for table in sandbox.store.listed()]
        return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed}

    return _unless_unchanged(request, sandbox.schema.changed_anywhere(), document)


async def object_info(sandbox: Sandbox, request: Request) -> Response:
    """One object, briefly."""
    table, base = find_table(sandbox, request), base_path(request)
    changed = sandbox.schema.changed(table.kind.name)
    return _unless_unchanged(request, changed, lambda: {"objectDescribe": brief(table.kind, base), "recentItems": []})


async def describe(sandbox: Sandbox, request: Request) -> Response:
    """One object with all of its fields."""
    base = base_path(request)
    table = find_table(sandbox, request)
    changed = sandbox.schema.changed(table.kind.name)
    children = sandbox.schema.references
    return _unless_unchanged(
        request, changed, lambda: describe_object(table, base, sandbox.url, children().get(table.kind.name, ()))
    )


def _unless_unchanged(request: Request, changed: datetime, document: Callable[[], dict[str, Any]]) -> Response:
    """304 without a body when the caller's If-Modified-Since is not older; a date that is none counts as absent."""
    since = _moment(request.headers.get("if-modified-since", ""))
    headers = {"Last-Modified": format_datetime(changed.astimezone(UTC).replace(microsecond=0), usegmt=True)}
    if since is not None and changed <= since:
        return Response(status_code=304, headers=headers)
    return JSONResponse(document(), headers=headers)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

"""The REST endpoints: limits, query and its pages, single records."""

import base64

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from durable_sandbox import ids
from durable_sandbox.definitions import Definitions, refuse_long
from durable_sandbox.errors import ApiError, not_found
from durable_sandbox.evaluate import Selection, evaluate
from durable_sandbox.origin import origin
from durable_sandbox.render import aggregate_json, json_records
from durable_sandbox.sandbox import Sandbox
from durable_sandbox.soql import parse
from durable_sandbox.store import Table
from durable_sandbox.versions import base_path

PAGE_ROWS = 2000
_LONGEST_URI = 16_384


def find_table(sandbox: Sandbox, request: Request) -> Table:
    """The table named in the address."""
    table = sandbox.store.table(request.path_params["object"])
    if table is None or not table.kind.listed:
        raise not_found()
    return table


async def resources(sandbox: Sandbox, request: Request) -> Response:
    """The roots under a version, and where the caller is described."""
    base = base_path(request)
    roots = ("sobjects", "query", "queryAll", "limits", "jobs", "composite")
    identity = sandbox.sessions.identity(origin(sandbox, request))["id"]
    return JSONResponse({"identity": identity, **{name: f"{base}/{name}" for name in roots}})


async def limits(sandbox: Sandbox, request: Request) -> Response:
    """The allowances that clients look at."""
    base_path(request)
    return JSONResponse(sandbox.limits.as_json())


async def query(sandbox: Sandbox, request: Request) -> Response:
    """The first page of the live records that match."""
    return _first_page(sandbox, request, deleted_too=False)


async def query_all(sandbox: Sandbox, request: Request) -> Response:
    """The first page of all records that match, those in the recycle bin too."""
    return _first_page(sandbox, request, deleted_too=True)


def _first_page(sandbox: Sandbox, request: Request, deleted_too: bool) -> Response:
    base = base_path(request)
    if len(request.scope["query_string"]) > _LONGEST_URI and not request.scope.get("subrequest"):
        raise ApiError(414, "URI_TOO_LONG", f"the address is longer than {_LONGEST_URI} bytes: ask for less at once")
    text = request.query_params.get("q")
    if not text:
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    query = parse(text)
    definitions = Definitions(sandbox.store, query, sandbox.permissions)
    selection = evaluate(query, definitions, sandbox.clock.now(), deleted_too)
    refuse_long(selection)
    if selection.aggregates:
        return _aggregated(selection)
    locator = ""
    if len(selection.rows) > PAGE_ROWS:
        locator = sandbox.open_cursor(selection)
    return _page(selection, base, locator, 0)


def _aggregated(selection: Selection) -> Response:
    if selection.count_only:
        return JSONResponse({"totalSize": int(selection.aggregates[0][2]), "done": True, "records": []})
    return _json(f'{{"totalSize":1,"done":true,"records":[{aggregate_json(selection)}]}}')


async def query_more(sandbox: Sandbox, request: Request) -> Response:
    """A later page, by the locator that the page before it named."""
    base = base_path(request)
    locator, _, start = request.path_params["locator"].rpartition("-")
    if locator not in sandbox.cursors or not start.isdigit():
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(sandbox.cursors[locator], base, locator, int(start))


def _page(selection: Selection, base: str, locator: str, start: int) -> Response:
    end = start + PAGE_ROWS
    total = len(selection.rows)
    records = ",".join(json_records(selection, base, selection.rows[start:end]))
    more = f'"nextRecordsUrl":"{base}/query/{locator}-{end}",' if end < total else ""
    done = "false" if more else "true"
    return _json(f'{{"totalSize":{total},"done":{done},{more}"records":[{records}]}}')


def _json(text: str) -> Response:
    return Response(text, media_type="application/json;charset=UTF-8")


async def record(sandbox: Sandbox, request: Request) -> Response:
    """One live record with every readable field."""
    table, base = find_table(sandbox, request), base_path(request)
    row = table.get(ids.with_checksum(request.path_params["id"]))
    if row is None:
        raise not_found()
    place = table.kind.positions.get("IsDeleted")
    if place is not None and row[place] == "true":
        raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
    names = ",".join(field.name for field in table.fields())
    text = f"SELECT {names} FROM {table.kind.name} WHERE Id = '{row[0]}'"
    selection = evaluate(parse(text), sandbox.store, sandbox.clock.now(), deleted_too=True)
    return _json("".join(json_records(selection, base, selection.rows)))


async def content(sandbox: Sandbox, request: Request) -> Response:
    """The bytes of a base64 field of one live record."""
    table = find_table(sandbox, request)
    base_path(request)
    row = table.get(ids.with_checksum(request.path_params["id"]))
    field = table.field(request.path_params["field"])
    if row is None or field is None or field.type != "base64":
        raise not_found()
    return Response(base64.b64decode(row[table.kind.positions[field.name]]), media_type="application/octetstream")

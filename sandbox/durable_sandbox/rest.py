"""The REST endpoints: versions, limits, describe, query and its pages, single records, deleted and updated Ids."""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from durable_sandbox import ids
from durable_sandbox.clock import parse as parse_moment
from durable_sandbox.clock import stamp
from durable_sandbox.describe import brief, describe_object
from durable_sandbox.errors import ApiError, not_found
from durable_sandbox.evaluate import Selection, evaluate
from durable_sandbox.render import aggregate_json, json_records
from durable_sandbox.sandbox import DAILY_REQUESTS, Sandbox
from durable_sandbox.soql import parse
from durable_sandbox.store import Table

PAGE_ROWS = 2000
_LONGEST_URI = 16_384
OLDEST_VERSION, NEWEST_VERSION = 31, 66
_RETIRED = range(7, OLDEST_VERSION)


def base_path(request: Request) -> str:
    """The versioned root of the request, `/services/data/v62.0`. Raises ApiError for a version that is not served."""
    version = request.path_params["version"]
    number = version.removeprefix("v").removesuffix(".0")
    if number.isdigit() and int(number) in _RETIRED:
        raise ApiError(410, "GONE", f"API version {number}.0 is retired")
    if version != f"v{number}.0" or not number.isdigit() or not OLDEST_VERSION <= int(number) <= NEWEST_VERSION:
        raise not_found()
    return f"/services/data/{version}"


def find_table(sandbox: Sandbox, request: Request) -> Table:
    """The table named in the address."""
    table = sandbox.store.table(request.path_params["object"])
    if table is None or not table.kind.listed:
        raise not_found()
    return table


async def versions(_: Sandbox, __: Request) -> Response:
    """Every version that is served."""
    numbers = range(OLDEST_VERSION, NEWEST_VERSION + 1)
    return JSONResponse([{"label": f"v{n}", "url": f"/services/data/v{n}.0", "version": f"{n}.0"} for n in numbers])


async def resources(_: Sandbox, request: Request) -> Response:
    """The roots under a version."""
    base = base_path(request)
    return JSONResponse({name: f"{base}/{name}" for name in ("sobjects", "query", "queryAll", "limits", "jobs")})


async def limits(sandbox: Sandbox, request: Request) -> Response:
    """The allowances that clients look at."""
    base_path(request)
    left = DAILY_REQUESTS - sandbox.api_calls
    return JSONResponse(
        {
            "DailyApiRequests": {"Max": DAILY_REQUESTS, "Remaining": left},
            "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
            "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000 - sandbox.jobs.created},
            "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
        }
    )


async def describe_global(sandbox: Sandbox, request: Request) -> Response:
    """Every object, briefly."""
    base = base_path(request)
    listed = [brief(table.kind, base) for table in sandbox.store.listed()]
    return JSONResponse({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})


async def object_info(sandbox: Sandbox, request: Request) -> Response:
    """One object, briefly."""
    table = find_table(sandbox, request)
    return JSONResponse({"objectDescribe": brief(table.kind, base_path(request)), "recentItems": []})


async def describe(sandbox: Sandbox, request: Request) -> Response:
    """One object with all of its fields."""
    table = find_table(sandbox, request)
    return JSONResponse(describe_object(table, base_path(request), sandbox.url))


async def query(sandbox: Sandbox, request: Request) -> Response:
    """The first page of the live records that match."""
    return _first_page(sandbox, request, deleted_too=False)


async def query_all(sandbox: Sandbox, request: Request) -> Response:
    """The first page of all records that match, those in the recycle bin too."""
    return _first_page(sandbox, request, deleted_too=True)


def _first_page(sandbox: Sandbox, request: Request, deleted_too: bool) -> Response:
    base = base_path(request)
    if len(request.scope["query_string"]) > _LONGEST_URI:
        raise ApiError(414, "URI_TOO_LONG", f"the address is longer than {_LONGEST_URI} bytes: ask for less at once")
    text = request.query_params.get("q")
    if not text:
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    selection = evaluate(parse(text), sandbox.store, sandbox.clock.now(), deleted_too)
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


async def deleted(sandbox: Sandbox, request: Request) -> Response:
    """The Ids deleted between two moments."""
    table, start, end = _interval(sandbox, request)
    is_deleted, moved = table.kind.positions.get("IsDeleted"), table.kind.positions["SystemModstamp"]
    if is_deleted is None:
        raise ApiError(400, "INVALID_TYPE", f"{table.kind.name} has no recycle bin")
    found = [row for row in table.rows if row[is_deleted] == "true" and start <= row[moved] < end]
    entries = [{"id": row[0], "deletedDate": _offset(row[moved])} for row in found]
    oldest = "2020-01-01T00:00:00.000+0000"
    body = {"deletedRecords": entries, "earliestDateAvailable": oldest, "latestDateCovered": _offset(end)}
    return JSONResponse(body)


async def updated(sandbox: Sandbox, request: Request) -> Response:
    """The Ids created or changed between two moments."""
    table, start, end = _interval(sandbox, request)
    moved = table.kind.positions["SystemModstamp"]
    found = [row[0] for row in table.scan(deleted_too=False) if start <= row[moved] < end]
    return JSONResponse({"ids": found, "latestDateCovered": _offset(end)})


def _offset(text: str) -> str:
    return f"{text[:-1]}+0000"


def _interval(sandbox: Sandbox, request: Request) -> tuple[Table, str, str]:
    base_path(request)
    table = find_table(sandbox, request)
    try:
        start, end = (_minute(request.query_params[name]) for name in ("start", "end"))
    except (KeyError, ValueError) as error:
        raise ApiError(400, "INVALID_REPLICATION_DATE", f"start and end must be dateTimes: {error}") from error
    if start >= end:
        raise ApiError(400, "INVALID_REPLICATION_DATE", "startDate must be at least one minute before endDate")
    return table, start, end


def _minute(text: str) -> str:
    """Salesforce ignores the seconds of such an interval; a `+` that arrived as a space is accepted."""
    moment: datetime = parse_moment(text.replace(" ", "+"))
    return stamp(moment.replace(second=0, microsecond=0))

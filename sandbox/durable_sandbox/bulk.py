"""Bulk API 2.0 query jobs over HTTP: create, look, abort, delete, and results as CSV pages."""

import base64
import binascii
import gzip
import json
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from durable_sandbox import ids
from durable_sandbox.definitions import covers
from durable_sandbox.errors import ApiError, not_found
from durable_sandbox.evaluate import Selection, evaluate
from durable_sandbox.jobs import Job
from durable_sandbox.objects import COMPOUND_TYPES
from durable_sandbox.render import csv_bytes, csv_header
from durable_sandbox.sandbox import Sandbox
from durable_sandbox.soql import parse
from durable_sandbox.versions import base_path

DEFAULT_PAGE_ROWS = 50_000
_PAGES_LISTED = 5
_GZIP_LEVEL = 1
_DELIMITERS = {"COMMA": ",", "TAB": "\t", "PIPE": "|", "SEMICOLON": ";", "CARET": "^", "BACKQUOTE": "`"}
_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
_TERMINAL = frozenset({"JobComplete", "Failed", "Aborted"})


async def create(sandbox: Sandbox, request: Request) -> Response:
    """Start a job; a query that cannot run is refused here."""
    version = base_path(request).rpartition("/")[2]
    body = await _json_body(request)
    operation = _option(body, "operation", "query", ("query", "queryAll"))
    _option(body, "contentType", "CSV", ("CSV",))
    delimiter = _option(body, "columnDelimiter", "COMMA", tuple(_DELIMITERS))
    ending = _option(body, "lineEnding", "LF", tuple(_ENDINGS))
    query = parse(str(body.get("query") or ""))
    if query.offset:
        raise ApiError(400, "API_ERROR", "OFFSET is not supported in Bulk Query")
    selection = evaluate(query, sandbox.store, sandbox.clock.now(), operation == "queryAll")
    refuse_unsupported(selection)
    sandbox.limits.take_job()
    number = sandbox.jobs.next_number()
    job = Job(
        id=ids.make("750", number),
        operation=operation,
        selection=selection,
        version=version,
        delimiter=delimiter,
        ending=ending,
        created=sandbox.clock.now_stamp(),
        created_by=sandbox.sessions.user_id,
        started=time.monotonic(),
    )
    sandbox.jobs.known[job.id] = job
    return JSONResponse(_summary(job))


def refuse_unsupported(selection: Selection) -> None:
    """Raise ApiError for what no Bulk query may select."""
    name = selection.kind.name
    if "no_bulk" in selection.kind.traits or covers(name):
        raise ApiError(400, "INVALIDENTITY", f"Entity '{name}' is not supported by the Bulk API.")
    if selection.aggregates:
        raise ApiError(400, "API_ERROR", "Aggregate functions are not supported in Bulk Query")
    if any(column.field.type in COMPOUND_TYPES for column in selection.columns):
        raise ApiError(400, "API_ERROR", "Selecting compound data not supported in Bulk Query")


async def _json_body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise ApiError(400, "JSON_PARSER_ERROR", f"The body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ApiError(400, "JSON_PARSER_ERROR", "The body must be a JSON object")
    return body


def _option(body: dict[str, Any], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = body.get(name, default)
    if value not in allowed:
        raise ApiError(400, "INVALIDJOB", f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    return str(value)


def _summary(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "operation": job.operation,
        "object": job.selection.table.kind.name,
        "createdById": job.created_by,
        "createdDate": f"{job.created[:-1]}+0000",
        "systemModstamp": f"{job.created[:-1]}+0000",
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version.removeprefix("v")),
        "lineEnding": job.ending,
        "columnDelimiter": job.delimiter,
    }


def _find(sandbox: Sandbox, request: Request) -> Job:
    version = base_path(request).rpartition("/")[2]
    job = sandbox.jobs.known.get(ids.with_checksum(request.path_params["id"]))
    if job is None:
        raise not_found()
    if job.version != version:
        raise ApiError(409, "INVALIDJOB", f"The job was created with API version {job.version}, not {version}")
    return job


async def listing(sandbox: Sandbox, request: Request) -> Response:
    """Every job that is still known."""
    base_path(request)
    records = [_summary(job) for job in sandbox.jobs.known.values()]
    return JSONResponse({"done": True, "nextRecordsUrl": None, "records": records})


async def info(sandbox: Sandbox, request: Request) -> Response:
    """A job's state and how many rows it has."""
    job = _find(sandbox, request)
    state = job.advance(time.monotonic())
    processed = len(job.selection.rows) if state == "JobComplete" else 0
    extra = {
        "jobType": "V2Query",
        "numberRecordsProcessed": processed,
        "retries": 0,
        "totalProcessingTime": int((time.monotonic() - job.started) * 1000),
        "isPkChunkingSupported": True,
    }
    if job.fate.message and state == job.fate.state:
        extra["errorMessage"] = job.fate.message
    return JSONResponse(_summary(job) | extra)


async def abort(sandbox: Sandbox, request: Request) -> Response:
    """Abort a job that has not ended."""
    job = _find(sandbox, request)
    body = await _json_body(request)
    if body.get("state") != "Aborted" or job.state in _TERMINAL:
        raise ApiError(
            400, "INVALIDJOBSTATE", f"A job in state {job.state} can only be changed to Aborted before it ends"
        )
    job.state = "Aborted"
    return JSONResponse(_summary(job))


async def delete(sandbox: Sandbox, request: Request) -> Response:
    """Forget an ended job and its results."""
    job = _find(sandbox, request)
    if job.state not in _TERMINAL:
        raise ApiError(400, "INVALIDJOBSTATE", f"A job in state {job.state} cannot be deleted")
    del sandbox.jobs.known[job.id]
    return Response(status_code=204)


def _complete(sandbox: Sandbox, request: Request) -> Job:
    job = _find(sandbox, request)
    if job.state != "JobComplete":
        raise ApiError(400, "INVALIDJOBSTATE", f"Results are not available: the job's state is {job.state}")
    return job


def _page_rows(request: Request) -> int:
    text = request.query_params.get("maxRecords", str(DEFAULT_PAGE_ROWS))
    if not text.isdigit() or int(text) < 1:
        raise ApiError(400, "INVALID_VALUE", f"maxRecords must be a positive number, not {text!r}")
    return int(text)


def _locator(start: int) -> str:
    return base64.b64encode(str(start).encode()).decode().rstrip("=")


def _start(request: Request, total: int) -> int:
    text = request.query_params.get("locator", "")
    if not text:
        return 0
    try:
        start = int(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError):
        start = -1
    if not 0 < start < total:
        raise ApiError(400, "INVALID_QUERY_LOCATOR", f"invalid query locator: {text}")
    return start


async def results(sandbox: Sandbox, request: Request) -> Response:
    """One page of CSV; its headers say how many rows it has and where the next one starts."""
    job = _complete(sandbox, request)
    rows, columns = job.selection.rows, job.selection.columns
    start = _start(request, len(rows))
    end = min(start + _page_rows(request), len(rows))
    delimiter, ending = _DELIMITERS[job.delimiter], _ENDINGS[job.ending]
    header = csv_header(columns, delimiter, ending).encode()
    content = b"".join([header, *csv_bytes(columns, rows.between(start, end), delimiter, ending)])
    headers = {
        "Sforce-NumberOfRecords": str(end - start),
        "Sforce-Locator": _locator(end) if end < len(rows) else "null",
        "Content-Type": "text/csv; charset=UTF-8",
    }
    sandbox.limits.store(job.id, start, len(content))
    if "gzip" in request.headers.get("accept-encoding", ""):
        content = gzip.compress(content, _GZIP_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(content, headers=headers)


async def result_pages(sandbox: Sandbox, request: Request) -> Response:
    """Addresses of result pages, a few at a time, for fetching them in parallel."""
    job = _complete(sandbox, request)
    total, size = len(job.selection.rows), _page_rows(request)
    start = _start(request, total)
    address = f"/services/data/{job.version}/jobs/query/{job.id}"
    end = start + size * _PAGES_LISTED
    starts = range(start, min(end, total), size) or (0,)
    pages = [f"{address}/results?" + (f"locator={_locator(s)}&" if s else "") + f"maxRecords={size}" for s in starts]
    more = f"{address}/resultPages?locator={_locator(end)}&maxRecords={size}" if end < total else None
    return JSONResponse(
        {"resultPages": [{"resultUrl": page} for page in pages], "nextRecordsUrl": more, "done": more is None}
    )

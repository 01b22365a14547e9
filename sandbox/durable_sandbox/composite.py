"""Several reads in one call: `/composite/batch` with independent parts, `/composite` with parts that may refer back."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import compile_path

from durable_sandbox import metadata, replication, rest
from durable_sandbox.errors import ApiError, not_found
from durable_sandbox.fault_serving import serve
from durable_sandbox.sandbox import Sandbox
from durable_sandbox.versions import base_path

Handler = Callable[[Sandbox, Request], Awaitable[Response]]

MOST_PARTS = 25
MOST_QUERIES = 5
LONGEST_SOQL = 100_000
_OLDEST_IN_BATCH = 34
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_BATCH_ADDRESS = re.compile(r"/?(?:services/data/)?(v(\d+)\.0/.+)", re.DOTALL)
_REFERENCE = re.compile(r"@\{(\w+)\.([^}]+)\}")
_REFERENCE_ID = re.compile(r"[A-Za-z0-9]\w*")

_DATA = "/services/data/{version}"
_READS: tuple[tuple[str, Handler], ...] = (
    ("/limits", rest.limits),
    ("/sobjects", metadata.describe_global),
    ("/sobjects/{object}", metadata.object_info),
    ("/sobjects/{object}/describe", metadata.describe),
    ("/sobjects/{object}/deleted", replication.deleted),
    ("/sobjects/{object}/updated", replication.updated),
    ("/sobjects/{object}/{id}", rest.record),
    ("/query", rest.query),
    ("/queryAll", rest.query_all),
    ("/query/{locator}", rest.query_more),
    ("/queryAll/{locator}", rest.query_more),
)
_PATTERNS = tuple((compile_path(_DATA + path)[0], handler) for path, handler in _READS)
_QUERIES = (rest.query, rest.query_all)


async def resources(_: Sandbox, request: Request) -> Response:
    """The resources under `/composite`."""
    base = base_path(request)
    return JSONResponse({"batch": f"{base}/composite/batch"})


async def batch(sandbox: Sandbox, request: Request) -> Response:
    """Up to 25 independent reads; each of them counts as one call of the daily allowance.

    A body that cannot be read, an unknown method and an unusable address are refused whole, before anything runs.
    """
    base = base_path(request)
    body = await _body(request)
    parts = [_batch_part(part, base) for part in _parts(body, "batchRequests")]
    if len(parts) > 1:
        sandbox.limits.take_requests(len(parts) - 1)
    halting = bool(body.get("haltOnError", False))
    entries: list[str] = []
    failed = False
    for method, address in parts:
        if failed and halting:
            status, text = _error(ApiError(412, "BATCH_PROCESSING_HALTED", "Batch processing is halted"))
        else:
            status, text = await _run(sandbox, method, address)
        failed = failed or status >= 400
        entries.append(f'{{"statusCode":{status},"result":{text}}}')
    return _json(f'{{"hasErrors":{_word(failed)},"results":[{",".join(entries)}]}}')


def _batch_part(part: dict[str, Any], base: str) -> tuple[str, str]:
    found = _BATCH_ADDRESS.fullmatch(str(part.get("url", "")))
    if found is None:
        raise _unreadable(f"a subrequest's url starts with an API version, not {part.get('url')!r}")
    newest = int(base.rpartition("/v")[2].removesuffix(".0"))
    if not _OLDEST_IN_BATCH <= int(found[2]) <= newest:
        raise ApiError(
            400,
            "INVALID_API_VERSION",
            f"a subrequest's API version must lie between {_OLDEST_IN_BATCH}.0 and {newest}.0, not {found[2]}.0",
        )
    return _method(part), f"/services/data/{found[1]}"


async def composite(sandbox: Sandbox, request: Request) -> Response:
    """Up to 25 reads that count as one call, 5 of them queries; later addresses may use `@{reference.field}`."""
    base_path(request)
    body = await _body(request)
    parts = _parts(body, "compositeRequest")
    references = [_reference_id(part) for part in parts]
    if len(set(references)) < len(references):
        raise _unreadable("the same referenceId is given twice")
    excess = _excess(parts)
    if excess:
        return _composite([(None, 400, _error(excess)[1])])
    answers: list[tuple[str | None, int, str]] = []
    for reference, part in zip(references, parts, strict=True):
        known = {name: (status, text) for name, status, text in answers}
        status, text = await _composite_part(sandbox, part, known)
        answers.append((reference, status, text))
    if body.get("allOrNone") and any(status >= 400 for _, status, _ in answers):
        answers = [entry if entry[1] >= 400 else (entry[0], 400, _ROLLED_BACK) for entry in answers]
    return _composite(answers)


def _excess(parts: list[dict[str, Any]]) -> ApiError | None:
    """What is said, with status 200 and one failed part, about a call with too many parts."""
    queries = sum(handler in _QUERIES for handler in map(_handler_of, parts))
    for count, most, what in ((len(parts), MOST_PARTS, "operations"), (queries, MOST_QUERIES, "query operations")):
        if count > most:
            return ApiError(400, "LIMIT_EXCEEDED", f"The request can’t contain more than {most} {what}.")
    return None


def _handler_of(part: dict[str, Any]) -> Handler | None:
    found = _find(urlsplit(str(part.get("url", ""))).path)
    return found[0] if found else None


async def _composite_part(
    sandbox: Sandbox, part: dict[str, Any], known: dict[str | None, tuple[int, str]]
) -> tuple[int, str]:
    try:
        address = _REFERENCE.sub(lambda found: _resolve(found, known), str(part.get("url", "")))
    except LookupError as error:
        return _error(ApiError(400, "PROCESSING_HALTED", f"Invalid reference specified. {error.args[0]}"))
    return await _run(sandbox, _method(part), address)


def _resolve(found: re.Match[str], known: dict[str | None, tuple[int, str]]) -> str:
    """The value that a reference names. Raises LookupError with a sentence."""
    name, path = found[1], found[2]
    status, text = known.get(name, (400, ""))
    value: Any = json.loads(text) if status < 400 else None
    for step in re.findall(r"[^.\[\]]+", path):
        inside = int(step) if isinstance(value, list) and step.isdigit() else step
        try:
            value = value[inside]
        except (KeyError, IndexError, TypeError) as error:
            raise LookupError(f"No value for {name}.{path} found in {name}") from error
    return quote(str(value))


def _composite(answers: list[tuple[str | None, int, str]]) -> Response:
    entries = (
        f'{{"body":{text},"httpHeaders":{{}},"httpStatusCode":{status},"referenceId":{json.dumps(reference)}}}'
        for reference, status, text in answers
    )
    return _json(f'{{"compositeResponse":[{",".join(entries)}]}}')


async def _run(sandbox: Sandbox, method: str, address: str) -> tuple[int, str]:
    """One read's status and its body as JSON text, every digit as the handler wrote it."""
    try:
        handler, request = _bind(method, address)
        response = await serve(sandbox, request, lambda: handler(sandbox, request))
    except ApiError as error:
        return _error(error)
    return response.status_code, (await _content(response)).decode()


def _bind(method: str, address: str) -> tuple[Handler, Request]:
    """The handler of an address and the request that it gets. Raises ApiError for what cannot be read so."""
    parsed = urlsplit(address)
    found = _find(parsed.path)
    if found is None:
        raise not_found()
    if method != "GET":
        raise ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are GET")
    handler, names = found
    request = _subrequest(parsed.path, parsed.query, names)
    if len(request.query_params.get("q", "")) > LONGEST_SOQL:
        raise ApiError(400, "MALFORMED_QUERY", f"SOQL statements cannot be longer than {LONGEST_SOQL} characters.")
    return handler, request


def _find(path: str) -> tuple[Handler, dict[str, str]] | None:
    for pattern, handler in _PATTERNS:
        matched = pattern.match(path.removesuffix("/"))
        if matched:
            return handler, matched.groupdict()
    return None


def _subrequest(path: str, query: str, names: dict[str, str]) -> Request:
    # The address of a part is in a body, so the limit on a request's address does not hold for it.
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": []}
    return Request(scope | {"path_params": names, "subrequest": True})


async def _content(response: Response) -> bytes:
    if isinstance(response, StreamingResponse):
        chunks = [chunk async for chunk in response.body_iterator]
        return b"".join(chunk.encode() if isinstance(chunk, str) else bytes(chunk) for chunk in chunks)
    return bytes(response.body)


def _error(error: ApiError) -> tuple[int, str]:
    return error.status, bytes(error.response().body).decode()


_ROLLED_BACK = _error(
    ApiError(
        400,
        "PROCESSING_HALTED",
        "The transaction was rolled back since another operation in the same transaction failed.",
    )
)[1]


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise _unreadable(f"The body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise _unreadable("The body must be a JSON object")
    return body


def _parts(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    parts = body.get(name)
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise _unreadable(f"{name} must be a list of subrequests")
    if name == "batchRequests" and len(parts) > MOST_PARTS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"The request can’t contain more than {MOST_PARTS} operations.")
    return parts


def _method(part: dict[str, Any]) -> str:
    method = str(part.get("method", "")).upper()
    if method not in _METHODS:
        raise _unreadable(f"a subrequest has a method, one of {', '.join(sorted(_METHODS))}")
    return method


def _reference_id(part: dict[str, Any]) -> str:
    _method(part)
    reference = part.get("referenceId")
    if not isinstance(reference, str) or not _REFERENCE_ID.fullmatch(reference):
        raise _unreadable(f"a subrequest has a referenceId of letters, digits and underscores, not {reference!r}")
    return reference


def _unreadable(message: str) -> ApiError:
    return ApiError(400, "JSON_PARSER_ERROR", message)


def _word(value: bool) -> str:
    return "true" if value else "false"


def _json(text: str) -> Response:
    return Response(text, media_type="application/json;charset=UTF-8")

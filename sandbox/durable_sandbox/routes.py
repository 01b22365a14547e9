"""Every address of the sandbox as one table, and what each kind of caller must show."""

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from durable_sandbox import admin, bulk, rest
from durable_sandbox.errors import ApiError, OAuthError, not_found
from durable_sandbox.sandbox import DAILY_REQUESTS, Sandbox

Handler = Callable[[Sandbox, Request], Awaitable[Response]]
Guard = Callable[[Sandbox, Request], None]


async def token(sandbox: Sandbox, request: Request) -> Response:
    """Log in."""
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
    return JSONResponse(sandbox.sessions.token(form, request.headers.get("authorization", ""), sandbox.url))


async def identity(sandbox: Sandbox, request: Request) -> Response:
    """Who the token belongs to."""
    known = (sandbox.sessions.organization_id, sandbox.sessions.user_id)
    if (request.path_params["organization"], request.path_params["user"]) != known:
        raise not_found()
    return JSONResponse(sandbox.sessions.identity(sandbox.url))


async def userinfo(sandbox: Sandbox, _: Request) -> Response:
    """Who the token belongs to, in OpenID's words."""
    who = sandbox.sessions.identity(sandbox.url)
    return JSONResponse({"sub": who["id"], "preferred_username": who["username"], "name": who["display_name"], **who})


def _open(_: Sandbox, __: Request) -> None:
    """Anybody may ask."""


def _session(sandbox: Sandbox, request: Request) -> None:
    sandbox.sessions.check(request.headers.get("authorization", ""))
    sandbox.api_calls += 1


def _loopback(_: Sandbox, request: Request) -> None:
    if request.client is None or not ip_address(request.client.host).is_loopback:
        raise ApiError(403, "FORBIDDEN", "the sandbox's administration answers to loopback addresses only")


_DATA = "/services/data/{version}"
_JOB = _DATA + "/jobs/query/{id}"
ROUTES: tuple[tuple[str, str, Handler, Guard], ...] = (
    ("POST", "/services/oauth2/token", token, _open),
    ("GET", "/services/oauth2/userinfo", userinfo, _session),
    ("GET", "/id/{organization}/{user}", identity, _session),
    ("GET", "/services/data", rest.versions, _open),
    ("GET", _DATA, rest.resources, _session),
    ("GET", _DATA + "/limits", rest.limits, _session),
    ("GET", _DATA + "/sobjects", rest.describe_global, _session),
    ("GET", _DATA + "/sobjects/{object}", rest.object_info, _session),
    ("GET", _DATA + "/sobjects/{object}/describe", rest.describe, _session),
    ("GET", _DATA + "/sobjects/{object}/deleted", rest.deleted, _session),
    ("GET", _DATA + "/sobjects/{object}/updated", rest.updated, _session),
    ("GET", _DATA + "/sobjects/{object}/{id}", rest.record, _session),
    ("GET", _DATA + "/query", rest.query, _session),
    ("GET", _DATA + "/queryAll", rest.query_all, _session),
    ("GET", _DATA + "/query/{locator}", rest.query_more, _session),
    ("GET", _DATA + "/queryAll/{locator}", rest.query_more, _session),
    ("POST", _DATA + "/jobs/query", bulk.create, _session),
    ("GET", _DATA + "/jobs/query", bulk.listing, _session),
    ("GET", _JOB, bulk.info, _session),
    ("PATCH", _JOB, bulk.abort, _session),
    ("DELETE", _JOB, bulk.delete, _session),
    ("GET", _JOB + "/results", bulk.results, _session),
    ("GET", _JOB + "/resultPages", bulk.result_pages, _session),
    ("POST", "/__sandbox__/change", admin.change, _loopback),
    ("PUT", "/__sandbox__/records/{object}", admin.records, _loopback),
    ("GET", "/__sandbox__/truth/{object}", admin.truth, _loopback),
    ("POST", "/__sandbox__/clock", admin.clock, _loopback),
    ("POST", "/__sandbox__/fields", admin.fields, _loopback),
    ("POST", "/__sandbox__/logout", admin.logout, _loopback),
    ("GET", "/__sandbox__/health", admin.health, _loopback),
    ("GET", "/__sandbox__/requests", admin.requests, _loopback),
    ("POST", "/__sandbox__/stop", admin.stop, _loopback),
)


def build(sandbox: Sandbox) -> Starlette:
    """The application."""
    handled = {
        404: _answer(sandbox, not_found()),
        405: _answer(sandbox, _not_allowed()),
        500: _answer(sandbox, _broken()),
    }
    routes = []
    for method, path, handler, guard in ROUTES:
        endpoint = _endpoint(sandbox, f"{method} {path}", handler, guard)
        routes += [Route(path, endpoint, methods=[method]), Route(path + "/", endpoint, methods=[method])]
    return Starlette(routes=routes, exception_handlers=handled)


def _endpoint(sandbox: Sandbox, name: str, handler: Handler, guard: Guard) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        sandbox.requests[name] += 1
        try:
            guard(sandbox, request)
            response = await handler(sandbox, request)
        except (ApiError, OAuthError) as error:
            response = error.response()
        response.headers["Date"] = sandbox.clock.http_date()
        if guard is _session:
            response.headers["Sforce-Limit-Info"] = f"api-usage={sandbox.api_calls}/{DAILY_REQUESTS}"
        return response

    return endpoint


def _answer(sandbox: Sandbox, error: ApiError) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(_: Request, __: Exception) -> Response:
        response = error.response()
        response.headers["Date"] = sandbox.clock.http_date()
        return response

    return answer


def _not_allowed() -> ApiError:
    return ApiError(405, "METHOD_NOT_ALLOWED", "HTTP Method not allowed. See the Allow header for the methods that are")


def _broken() -> ApiError:
    return ApiError(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred: see the sandbox's standard error output")

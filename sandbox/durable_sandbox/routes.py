"""Every address of the sandbox as one table, and what each kind of caller must show."""

from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from durable_sandbox import (
    access,
    admin,
    bulk,
    bulk_v1,
    composite,
    fault_admin,
    login,
    metadata,
    replication,
    rest,
    schema_admin,
    soap,
    versions,
)
from durable_sandbox.errors import ApiError, OAuthError, not_found
from durable_sandbox.fault_serving import serve
from durable_sandbox.sandbox import Sandbox

Handler = Callable[[Sandbox, Request], Awaitable[Response]]
Guard = Callable[[Sandbox, Request], None]


def _open(_: Sandbox, __: Request) -> None:
    """Anybody may ask."""


def _identified(sandbox: Sandbox, request: Request) -> None:
    """Asking who one is costs no API call."""
    sandbox.sessions.check(request.headers.get("authorization", ""))


def _session(sandbox: Sandbox, request: Request) -> None:
    sandbox.sessions.check(request.headers.get("authorization", ""))
    sandbox.limits.take_requests()


def _loopback(_: Sandbox, request: Request) -> None:
    if request.client is None or not ip_address(request.client.host).is_loopback:
        raise ApiError(403, "FORBIDDEN", "the sandbox's administration answers to loopback addresses only")


_DATA = "/services/data/{version}"
_JOB = _DATA + "/jobs/query/{id}"
_BATCH_JOBS = "/services/async/{version}/job"
_BATCHES = _BATCH_JOBS + "/{id}/batch"
ROUTES: tuple[tuple[str, str, Handler, Guard], ...] = (
    ("POST", "/services/oauth2/token", login.token, _open),
    ("POST", "/services/oauth2/revoke", login.revoke, _open),
    ("GET", "/services/oauth2/revoke", login.revoke, _open),
    ("GET", "/services/oauth2/userinfo", login.userinfo, _identified),
    ("GET", "/id/{organization}/{user}", login.identity, _identified),
    ("POST", "/services/Soap/{kind}/{version}", soap.login, _open),
    ("POST", "/services/Soap/{kind}/{version}/{organization}", soap.login, _open),
    ("GET", "/services/data", versions.versions, _open),
    ("GET", _DATA, rest.resources, _session),
    ("GET", _DATA + "/limits", rest.limits, _session),
    ("GET", _DATA + "/sobjects", metadata.describe_global, _session),
    ("GET", _DATA + "/sobjects/{object}", metadata.object_info, _session),
    ("GET", _DATA + "/sobjects/{object}/describe", metadata.describe, _session),
    ("GET", _DATA + "/sobjects/{object}/deleted", replication.deleted, _session),
    ("GET", _DATA + "/sobjects/{object}/updated", replication.updated, _session),
    ("GET", _DATA + "/sobjects/{object}/{id}", rest.record, _session),
    ("GET", _DATA + "/sobjects/{object}/{id}/{field}", rest.content, _session),
    ("GET", _DATA + "/tooling/query", rest.query, _session),
    ("GET", _DATA + "/query", rest.query, _session),
    ("GET", _DATA + "/queryAll", rest.query_all, _session),
    ("GET", _DATA + "/query/{locator}", rest.query_more, _session),
    ("GET", _DATA + "/queryAll/{locator}", rest.query_more, _session),
    ("GET", _DATA + "/composite", composite.resources, _session),
    ("POST", _DATA + "/composite", composite.composite, _session),
    ("POST", _DATA + "/composite/batch", composite.batch, _session),
    ("POST", _DATA + "/jobs/query", bulk.create, _session),
    ("GET", _DATA + "/jobs/query", bulk.listing, _session),
    ("GET", _JOB, bulk.info, _session),
    ("PATCH", _JOB, bulk.abort, _session),
    ("DELETE", _JOB, bulk.delete, _session),
    ("GET", _JOB + "/results", bulk.results, _session),
    ("GET", _JOB + "/resultPages", bulk.result_pages, _session),
    ("POST", _BATCH_JOBS, bulk_v1.create, bulk_v1.authorize),
    ("GET", _BATCH_JOBS + "/{id}", bulk_v1.info, bulk_v1.authorize),
    ("POST", _BATCH_JOBS + "/{id}", bulk_v1.change, bulk_v1.authorize),
    ("POST", _BATCHES, bulk_v1.add_batch, bulk_v1.authorize),
    ("GET", _BATCHES, bulk_v1.batches, bulk_v1.authorize),
    ("GET", _BATCHES + "/{batch}", bulk_v1.batch_info, bulk_v1.authorize),
    ("GET", _BATCHES + "/{batch}/result", bulk_v1.result_list, bulk_v1.authorize),
    ("GET", _BATCHES + "/{batch}/result/{result}", bulk_v1.result, bulk_v1.authorize),
    ("POST", "/__sandbox__/change", admin.change, _loopback),
    ("PUT", "/__sandbox__/records/{object}", admin.records, _loopback),
    ("GET", "/__sandbox__/truth/{object}", admin.truth, _loopback),
    ("POST", "/__sandbox__/clock", admin.clock, _loopback),
    ("POST", "/__sandbox__/fields", schema_admin.fields, _loopback),
    ("POST", "/__sandbox__/drift", schema_admin.drift, _loopback),
    ("GET", "/__sandbox__/drift", schema_admin.drifts, _loopback),
    ("POST", "/__sandbox__/objects", schema_admin.objects, _loopback),
    ("GET", "/__sandbox__/objects", schema_admin.listing, _loopback),
    ("POST", "/__sandbox__/delete_log", schema_admin.delete_log, _loopback),
    ("POST", "/__sandbox__/recycle_bin", schema_admin.recycle_bin, _loopback),
    ("POST", "/__sandbox__/logout", admin.logout, _loopback),
    ("GET", "/__sandbox__/authentication", access.authentication, _loopback),
    ("POST", "/__sandbox__/authentication", access.set_authentication, _loopback),
    ("GET", "/__sandbox__/permissions", access.permissions, _loopback),
    ("POST", "/__sandbox__/permissions", access.set_permissions, _loopback),
    ("GET", "/__sandbox__/limits", access.limits, _loopback),
    ("POST", "/__sandbox__/limits", access.set_limits, _loopback),
    ("POST", "/__sandbox__/faults", fault_admin.add, _loopback),
    ("GET", "/__sandbox__/faults", fault_admin.listing, _loopback),
    ("DELETE", "/__sandbox__/faults", fault_admin.clear, _loopback),
    ("POST", "/__sandbox__/release", fault_admin.release, _loopback),
    ("GET", "/__sandbox__/errors", fault_admin.named_errors, _loopback),
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
    async def answered(request: Request) -> Response:
        try:
            guard(sandbox, request)
            response = await handler(sandbox, request)
        except (ApiError, OAuthError) as error:
            response = error.response()
        response.headers["Date"] = sandbox.clock.http_date()
        if guard is _session:
            response.headers["Sforce-Limit-Info"] = sandbox.limits.header()
        return response

    async def endpoint(request: Request) -> Response:
        sandbox.requests[name] += 1
        if guard is _loopback:
            return await answered(request)
        return await serve(sandbox, request, lambda: answered(request))

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

"""The log-in endpoints: tokens given and revoked, and who a token belongs to."""

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from durable_sandbox.errors import not_found
from durable_sandbox.oauth import TokenRequest
from durable_sandbox.origin import origin
from durable_sandbox.sandbox import Sandbox


async def token(sandbox: Sandbox, request: Request) -> Response:
    """Log in. Raises OAuthError."""
    asked = TokenRequest(await _form(request), request.headers.get("authorization", ""), origin(sandbox, request))
    return JSONResponse(sandbox.sessions.token(asked), headers={"Cache-Control": "no-store"})


async def revoke(sandbox: Sandbox, request: Request) -> Response:
    """End a session, or a refresh token with all sessions that it gave. Raises OAuthError."""
    sent = await _form(request) or dict(request.query_params)
    sandbox.sessions.revoke(sent.get("token", ""))
    return Response(status_code=200)


async def identity(sandbox: Sandbox, request: Request) -> Response:
    """Who the token belongs to."""
    known = (sandbox.sessions.organization_id, sandbox.sessions.user_id)
    if (request.path_params["organization"], request.path_params["user"]) != known:
        raise not_found()
    return JSONResponse(sandbox.sessions.identity(origin(sandbox, request)))


async def userinfo(sandbox: Sandbox, request: Request) -> Response:
    """Who the token belongs to, in OpenID's words."""
    who = sandbox.sessions.identity(origin(sandbox, request))
    words = {
        "sub": who["id"],
        "preferred_username": who["username"],
        "nickname": who["nick_name"],
        "name": who["display_name"],
        "given_name": who["first_name"],
        "family_name": who["last_name"],
        "zoneinfo": who["timezone"],
    }
    return JSONResponse({**words, **who})


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))

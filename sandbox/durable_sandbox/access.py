"""The administrator's endpoints for who may log in, what they may do, and for what is left of the allowances."""

import json
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from durable_sandbox.errors import ApiError
from durable_sandbox.limits import REQUESTS, Share
from durable_sandbox.oauth import Policy
from durable_sandbox.sandbox import Sandbox

_WORDS = {"user": ("active", "inactive"), "organization": ("active", "inactive")}
_ACTIONS = ("revoke", "authorize", "reset")


def _refuse(message: str) -> ApiError:
    return ApiError(400, "INVALID_REQUEST", message)


async def _object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise _refuse(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise _refuse("the body must be a JSON object")
    return body


async def authentication(sandbox: Sandbox, _: Request) -> Response:
    """What is set, and the newest refresh token that is valid."""
    return _policy(sandbox)


async def set_authentication(sandbox: Sandbox, request: Request) -> Response:
    """Change settings of `Policy`; `revoke` ends all tokens, `authorize` gives a new refresh token, `reset` all.

    A user, an organisation or an app that is switched off loses its sessions at once, as in Salesforce.
    """
    body = await _object(request)
    sessions = sandbox.sessions
    if body.pop("reset", False):
        sessions.policy = Policy()
    actions = {name: bool(body.pop(name)) for name in ("revoke", "authorize") if name in body}
    for name, value in body.items():
        setattr(sessions.policy, name, _setting(name, value))
    if actions.get("revoke"):
        sessions.revoke_all()
    if actions.get("authorize"):
        sessions.authorize()
    if "inactive" in (sessions.policy.user, sessions.policy.organization):
        sessions.tokens.clear()
    return _policy(sandbox)


def _policy(sandbox: Sandbox) -> Response:
    return JSONResponse(asdict(sandbox.sessions.policy) | {"refresh_token": sandbox.sessions.refresh_token})


def _setting(name: str, value: object) -> object:
    known = asdict(Policy())
    if name not in known:
        raise _refuse(f"there is no setting {name!r}; known: {', '.join((*known, *_ACTIONS))}")
    if name == "audiences":
        return _audiences(value)
    if name in _WORDS:
        if value not in _WORDS[name]:
            raise _refuse(f"{name} must be one of {', '.join(_WORDS[name])}")
        return value
    kind = type(known[name])
    if type(value) is not kind:
        raise _refuse(f"{name} must be {'true or false' if kind is bool else 'a whole number'}")
    return value


def _audiences(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _refuse("audiences must be a list of addresses, or null for those that Salesforce accepts")
    return tuple(value)


async def limits(sandbox: Sandbox, _: Request) -> Response:
    """The allowances, asked without spending one."""
    return JSONResponse(sandbox.limits.as_json())


async def set_limits(sandbox: Sandbox, request: Request) -> Response:
    """Set `{"DailyApiRequests": {"Max", "Remaining"}}`; null gives an allowance back as it was at first.

    `"Apps": {"name": {"Max", "Remaining"}}` under DailyApiRequests gives connected apps a share of their own, which
    lengthens `Sforce-Limit-Info`.
    """
    body = await _object(request)
    for name, value in body.items():
        if name not in sandbox.limits.maxima:
            raise _refuse(f"there is no allowance {name!r}; known: {', '.join(sandbox.limits.maxima)}")
        if value is None:
            sandbox.limits.reset(name)
        else:
            _set(sandbox, name, value)
    return JSONResponse(sandbox.limits.as_json())


def _set(sandbox: Sandbox, name: str, value: object) -> None:
    apps = value.pop("Apps", None) if isinstance(value, dict) and name == REQUESTS else None
    maximum, remaining = _pair(name, value)
    sandbox.limits.set(name, maximum, remaining)
    if isinstance(apps, dict):
        pairs = {app: _pair(app, share) for app, share in apps.items()}
        sandbox.limits.shares = {app: Share(most, most - left) for app, (most, left) in pairs.items()}


def _pair(name: str, value: object) -> tuple[int, int]:
    found = (value.get("Max"), value.get("Remaining")) if isinstance(value, dict) else (None, None)
    maximum, remaining = found
    if type(maximum) is not int or type(remaining) is not int or not 0 <= remaining <= maximum:
        raise _refuse(f'{name} must be {{"Max": whole number, "Remaining": whole number not above it}}')
    return maximum, remaining


async def permissions(sandbox: Sandbox, _: Request) -> Response:
    """What the integration user may do."""
    return JSONResponse({"given": sorted(sandbox.permissions.given)})


async def set_permissions(sandbox: Sandbox, request: Request) -> Response:
    """Give and take permissions: `{"give": ["Contact.Edit"], "take": ["ViewAllData"]}`."""
    body = await _object(request)
    give, take = body.get("give", []), body.get("take", [])
    if set(body) - {"give", "take"} or not all(isinstance(one, list) for one in (give, take)):
        raise _refuse('send {"give": [names], "take": [names]}')
    sandbox.permissions.change(map(str, give), map(str, take))
    return await permissions(sandbox, request)

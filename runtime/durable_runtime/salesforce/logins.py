"""Every way to log in as one table: how a token is asked for, and what its answer must hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2

from durable_runtime.clock import Clock
from durable_runtime.configuration import SalesforceSettings, is_loopback
from durable_runtime.credentials import Secret
from durable_runtime.errors import ConfigurationError, CredentialsRejected
from durable_runtime.redaction import remember
from durable_runtime.salesforce import refresh_tokens, soap_login
from durable_runtime.salesforce.answers import error_from, parsed, unreachable
from durable_runtime.salesforce.api_versions import SOAP_LOGIN_ENDS, SOAP_LOGIN_RELEASE

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105  (an address)
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_LIFE = timedelta(minutes=3)
DOING = "the log-in"
ORGANIZATION = re.compile(r"/id/(00D[A-Za-z0-9]{12,15})/")
CHECKED_ID, PLAIN_ID = 18, 15
CHECK_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

ADVICE = 'Use auth = "jwt" or auth = "client_credentials".'
LEGACY: dict[str, str] = {
    "password": f'auth = "password" is a legacy log-in, which Salesforce blocks in new organizations. {ADVICE}',
    "soap": (
        f'auth = "soap" is a legacy log-in, which Salesforce ends with {SOAP_LOGIN_RELEASE} '
        f"(from {SOAP_LOGIN_ENDS}). {ADVICE}"
    ),
}
"""What the user of such a log-in is told with every run."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a token answer gives; `organization_id` has 18 characters."""

    token: str
    instance_url: str
    organization_id: str


def log_in(client: httpx2.Client, settings: SalesforceSettings, clock: Clock) -> Login:
    """Ask once. Raises CredentialsRejected, ConfigurationError, SalesforceUnavailable."""
    way = WAYS.get(settings.auth)
    if way is None:
        raise ConfigurationError(f"auth = {settings.auth!r} is unknown.", help=f"Use one of: {', '.join(WAYS)}.")
    try:
        return way(client, settings, clock)
    except httpx2.HTTPError as error:
        raise unreachable(error, DOING) from error


def _granted(form: Callable[[SalesforceSettings, Clock], dict[str, str]]) -> Way:
    return lambda client, settings, clock: _login(_token(client, settings, form(settings, clock)))


def _token(client: httpx2.Client, settings: SalesforceSettings, form: dict[str, str]) -> dict[str, Any]:
    response = client.post(settings.login_url + TOKEN_PATH, data=form)
    if response.status_code >= 300:
        raise error_from(response, DOING)
    answer = parsed(response, DOING)
    return answer if isinstance(answer, dict) else {}


def _client_credentials(settings: SalesforceSettings, _clock: Clock) -> dict[str, str]:
    return {"grant_type": "client_credentials", **_client(settings)}


def _password(settings: SalesforceSettings, _clock: Clock) -> dict[str, str]:
    names = {"username": _revealed(settings.username), "password": _whole_password(settings)}
    return {"grant_type": "password", **_client(settings), **names}


def _jwt_bearer(settings: SalesforceSettings, clock: Clock) -> dict[str, str]:
    import jwt  # 70 ms that other log-ins do not need

    claims = {
        "iss": _revealed(settings.client_id),
        "sub": _revealed(settings.username),
        "aud": settings.audience or settings.login_url,
        "exp": int((clock.now() + JWT_LIFE).timestamp()),
    }
    try:
        assertion = jwt.encode(claims, _revealed(settings.private_key), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise ConfigurationError(
            "salesforce.private_key is not a private key in PEM form.",
            help="Point it to the RSA key of the connected app.",
        ) from error
    return {"grant_type": JWT_GRANT, "assertion": assertion}


def _refresh(client: httpx2.Client, settings: SalesforceSettings, _clock: Clock) -> Login:
    if settings.refresh_token is None:
        raise ConfigurationError('auth = "refresh_token" needs refresh_token.', help="Add it to durable.toml.")
    with refresh_tokens.opened(settings.refresh_token) as held:
        form = {"grant_type": "refresh_token", "refresh_token": held.value, **_client(settings)}
        answer = _token(client, settings, form)
        new = answer.get("refresh_token")
        if new and new != held.value:
            held.replace(str(new))
    return _login(answer)


def _soap(client: httpx2.Client, settings: SalesforceSettings, _clock: Clock) -> Login:
    found = soap_login.session(client, settings, _revealed(settings.username), _whole_password(settings))
    return _checked(found.get("sessionId"), found.get("serverUrl"), found.get("organizationId"))


Way = Callable[[httpx2.Client, SalesforceSettings, Clock], Login]
WAYS: dict[str, Way] = {
    "jwt": _granted(_jwt_bearer),
    "client_credentials": _granted(_client_credentials),
    "refresh_token": _refresh,
    "password": _granted(_password),
    "soap": _soap,
}


def _client(settings: SalesforceSettings) -> dict[str, str]:
    """The app's own credentials; one without a secret sends none."""
    entries = {"client_id": _revealed(settings.client_id), "client_secret": _revealed(settings.client_secret)}
    return {name: value for name, value in entries.items() if value}


def _whole_password(settings: SalesforceSettings) -> str:
    return _revealed(settings.password) + _revealed(settings.security_token)


def _revealed(secret: Secret | None) -> str:
    return secret.reveal() if secret else ""


def _login(answer: dict[str, Any]) -> Login:
    identity = ORGANIZATION.search(str(answer.get("id", "")))
    return _checked(answer.get("access_token"), answer.get("instance_url"), identity and identity[1])


def _checked(token: Any, url: Any, organization: Any) -> Login:
    if not token or not url:
        raise _unusable("has no session or no instance address")
    remember(str(token))
    parts = urlsplit(str(url))
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise _unusable("points to an address without https")
    if not organization or not ORGANIZATION.search(f"/id/{organization}/"):
        raise _unusable("does not name the organization")
    return Login(str(token), f"{parts.scheme}://{parts.netloc}", _long(str(organization)))


def _unusable(why: str) -> CredentialsRejected:
    return CredentialsRejected(f"The log-in's answer {why}.", help="Check that login_url is a Salesforce address.")


def _long(record_id: str) -> str:
    """The 18-character form of an Id: each three end characters tell which of five letters are capitals."""
    if len(record_id) != PLAIN_ID:
        return record_id
    groups = (record_id[start : start + 5] for start in range(0, PLAIN_ID, 5))
    return record_id + "".join(CHECK_CHARACTERS[_capitals(group)] for group in groups)


def _capitals(group: str) -> int:
    return sum(1 << place for place, character in enumerate(group) if "A" <= character <= "Z")

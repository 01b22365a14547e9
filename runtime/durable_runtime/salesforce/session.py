"""One HTTP session with Salesforce: log-in, one re-login, retries, limits, and errors by table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx2

from durable_runtime.clock import Clock
from durable_runtime.configuration import SalesforceSettings, is_loopback
from durable_runtime.credentials import Secret
from durable_runtime.errors import ConfigurationError, CredentialsRejected
from durable_runtime.redaction import remember
from durable_runtime.retry import retrying
from durable_runtime.salesforce.answers import SessionExpired, error_from, parsed, unreachable
from durable_runtime.spec import Retry

T = TypeVar("T")
Parameters = Mapping[str, str]

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105  (an address)
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_LIFE = timedelta(minutes=3)
CONNECT_SECONDS = 10.0
USAGE = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")
ORGANIZATION = re.compile(r"/id/(00D[A-Za-z0-9]{12,15})/")


@dataclass(frozen=True, slots=True)
class Login:
    """What a token answer gives."""

    token: str
    instance_url: str
    organization_id: str


@dataclass(frozen=True, slots=True)
class Usage:
    """API requests used of those allowed in 24 hours, as the newest answer said."""

    used: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Request:
    """One request, repeatable: `path` is absolute, without the host."""

    method: str
    path: str
    params: Parameters | None
    json: Mapping[str, Any] | None


class Session:
    """Requests to one organization; a context manager. It logs in at the first request that needs it."""

    def __init__(self, settings: SalesforceSettings, retry: Retry, clock: Clock) -> None:
        self._settings, self._retry, self._clock = settings, retry, clock
        self._login: Login | None = None
        self.usage: Usage | None = None
        self.requests = 0
        self.described: dict[str, Any] = {}
        self._client = httpx2.Client(
            verify=httpx2.create_ssl_context(),
            trust_env=not is_loopback(urlsplit(settings.login_url).hostname or ""),  # no proxy reaches this machine
            timeout=httpx2.Timeout(float(settings.timeout_seconds), connect=CONNECT_SECONDS),
            follow_redirects=False,
            headers={"Accept-Encoding": "gzip", "User-Agent": "durable-pipelines"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    @property
    def organization_id(self) -> str:
        """The organization's Id as the log-in names it."""
        return self.login().organization_id

    @property
    def base(self) -> str:
        """The path under which this API version's resources are."""
        return f"/services/data/v{self._settings.api_version}"

    def login(self) -> Login:
        """The current log-in, made now where there is none; wrong credentials raise CredentialsRejected at once."""
        if self._login is None:
            self._login = retrying(self._retry, self._clock, self._log_in)
        return self._login

    def server_time(self) -> datetime:
        """Salesforce's own clock, whole seconds, from the Date header of a new answer."""
        response = self.stream("GET", "/services/data", lambda answer: answer)
        try:
            return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
        except (KeyError, ValueError) as error:
            raise ConfigurationError(
                "Salesforce's answer carries no Date header, so no window can be set.",
                help="Let the proxy in between pass the Date header on.",
            ) from error

    def get(self, path: str, params: Parameters | None = None) -> Any:
        """The JSON of a resource, numbers as text. A path that starts with / is taken as it is."""
        return self.stream("GET", path, lambda answer: _json(answer, path), params=params)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON answer to a JSON body."""
        return self.stream("POST", path, lambda answer: _json(answer, path), json=body)

    def delete(self, path: str) -> None:
        """Delete a resource."""
        self.stream("DELETE", path, lambda _answer: None)

    def stream(
        self,
        method: str,
        path: str,
        consume: Callable[[httpx2.Response], T],
        *,
        params: Parameters | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> T:
        """`consume` of the unread answer; a failure while it reads is retried with a new request."""
        request = Request(method, path if path.startswith("/") else f"{self.base}/{path}", params, json)
        return retrying(self._retry, self._clock, lambda: self._authorised(request, consume))

    def _authorised(self, request: Request, consume: Callable[[httpx2.Response], T]) -> T:
        login = self._login or self._log_in()
        self._login = login
        try:
            return self._exchange(login, request, consume)
        except SessionExpired:
            self._login = login = self._log_in()
            return self._exchange(login, request, consume)

    def _exchange(self, login: Login, request: Request, consume: Callable[[httpx2.Response], T]) -> T:
        url, doing = login.instance_url + request.path, f"{request.method} {request.path}"
        headers = {"Authorization": f"Bearer {login.token}"}
        try:
            with self._client.stream(
                request.method, url, params=request.params, json=request.json, headers=headers
            ) as response:
                self._note(response)
                if response.status_code >= 300:
                    response.read()
                    raise error_from(response, doing)
                return consume(response)
        except httpx2.HTTPError as error:
            raise unreachable(error, doing) from error

    def _note(self, response: httpx2.Response) -> None:
        self.requests += 1
        found = USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
        if found:
            self.usage = Usage(int(found[1]), int(found[2]))

    def _log_in(self) -> Login:
        grant = GRANTS.get(self._settings.auth)
        if grant is None:
            raise ConfigurationError(
                f"auth = {self._settings.auth!r} cannot be used: this version supports jwt and client_credentials.",
                help='Set auth = "jwt" or auth = "client_credentials" in durable.toml.',
            )
        url = self._settings.login_url + TOKEN_PATH
        try:
            response = self._client.post(url, data=grant(self._settings, self._clock))
        except httpx2.HTTPError as error:
            raise unreachable(error, "the log-in") from error
        if response.status_code >= 300:
            raise error_from(response, "the log-in")
        return _login(parsed(response, "the log-in"))


def _json(response: httpx2.Response, path: str) -> Any:
    response.read()
    return parsed(response, path)


def _login(answer: Any) -> Login:
    try:
        token, url, identity = str(answer["access_token"]), str(answer["instance_url"]), str(answer["id"])
    except (KeyError, TypeError) as error:
        raise CredentialsRejected(
            "The log-in's answer has no access_token, instance_url or id.",
            help="Check that login_url is a Salesforce address.",
        ) from error
    remember(token)
    parts, organization = urlsplit(url), ORGANIZATION.search(identity)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise CredentialsRejected(
            "The log-in's answer points to an address without https.",
            help="Check that login_url is a Salesforce address.",
        )
    if organization is None:
        raise CredentialsRejected(
            "The log-in's answer does not name the organization.", help="Check that login_url is a Salesforce address."
        )
    return Login(token, f"{parts.scheme}://{parts.netloc}", organization[1])


def _revealed(secret: Secret | None) -> str:
    return secret.reveal() if secret else ""


def _client_credentials(settings: SalesforceSettings, _clock: Clock) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": _revealed(settings.client_id),
        "client_secret": _revealed(settings.client_secret),
    }


def _jwt_bearer(settings: SalesforceSettings, clock: Clock) -> dict[str, str]:
    import jwt  # 70 ms that other log-ins do not need

    claims = {
        "iss": _revealed(settings.client_id),
        "sub": _revealed(settings.username),
        "aud": settings.audience,
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


GRANTS: dict[str, Callable[[SalesforceSettings, Clock], dict[str, str]]] = {
    "client_credentials": _client_credentials,
    "jwt": _jwt_bearer,
}

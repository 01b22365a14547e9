"""One HTTP session with Salesforce, safe for many threads: one re-login for a dead token, retries, limits, errors."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx2

from durable_runtime.clock import Clock
from durable_runtime.configuration import SalesforceSettings, is_loopback
from durable_runtime.errors import ConfigurationError, Fatal, OtherOrganization
from durable_runtime.retry import retrying
from durable_runtime.salesforce import api_versions, logins
from durable_runtime.salesforce.answers import SessionExpired, error_from, parsed, unreachable
from durable_runtime.salesforce.logins import Login
from durable_runtime.spec import Retry

__all__ = ["Allowance", "Login", "Session", "Usage", "trusted"]

T = TypeVar("T")
Parameters = Mapping[str, str]

CONNECT_SECONDS = 10.0
RENEWALS = 3  # log-ins that one request may make, so that an address that is never allowed cannot go on for ever
FROM = re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)
USAGE = re.compile(r"(?<![\w-])api-usage\s*=\s*(\d+)\s*/\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Usage:
    """API requests used of those allowed in 24 hours, as the newest answer said."""

    used: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """One entry of `/limits`: how much is allowed, and how much of it is left."""

    allowed: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Request:
    """One request, repeatable: `path` is absolute, without the host."""

    method: str
    path: str
    params: Parameters | None
    json: Mapping[str, Any] | None


@dataclass(slots=True)
class _Held:
    """The log-in in use: how many in a row before it never worked, and whether Salesforce has accepted it."""

    login: Login
    barren: int = 0
    works: bool = False


def nothing_forbidden() -> None:
    """No limit holds."""


class Session:
    """Requests to one organization; a context manager. It logs in at the first request that needs it.

    `requests` counts the answers, log-ins aside, `renewed` the log-ins after the first one; `usage` is what the newest
    answer told; `warnings` are sentences for the run's summary. A retired API version raises ConfigurationError here,
    before anything is asked. `allow` is called before each request but log-ins, and raises where no more may be made.
    """

    def __init__(self, settings: SalesforceSettings, retry: Retry, clock: Clock) -> None:
        self._settings, self._retry, self._clock = settings, retry, clock
        notices = (api_versions.notice(settings.api_version, clock.now()), logins.LEGACY.get(settings.auth))
        self.warnings = [one for one in notices if one]
        self.usage: Usage | None = None
        self.requests = self.renewed = 0
        self.described: dict[str, Any] = {}
        self.allow: Callable[[], None] = nothing_forbidden
        self._held: _Held | None = None
        self._refused: Fatal | None = None
        self._log_in_lock, self._count_lock = threading.Lock(), threading.Lock()
        self._client = httpx2.Client(
            verify=trusted(settings),
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
        return retrying(self._retry, self._clock, lambda: self._current(None)[0]).login

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

    def limits(self) -> dict[str, Allowance]:
        """The organization's allowances by Salesforce's names for them, asked for now with one request."""
        answer = self.get("limits")
        entries = answer.items() if isinstance(answer, dict) else ()
        shown = {name: _allowance(one) for name, one in entries}
        return {name: one for name, one in shown.items() if one is not None}

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
        """Ask, and ask again with a new log-in where the token is dead; two that never worked are not replaced."""
        renewals = 0
        held, _ = self._current(None)
        while True:
            try:
                return self._exchange(held, request, consume)
            except SessionExpired:
                if (held.barren and not held.works) or renewals == RENEWALS:
                    raise
            held, made = self._current(held)
            renewals += made

    def _current(self, dead: _Held | None) -> tuple[_Held, bool]:
        """The log-in to use and whether it was made now: only who holds the dead one that is still in use logs in."""
        with self._log_in_lock:
            if self._refused is not None:
                raise self._refused
            if self._held is not None and self._held is not dead:
                return self._held, False
            try:
                login = logins.log_in(self._client, self._settings, self._clock)
                _same_organization(login, dead)
            except Fatal as error:
                self._refused = error  # other threads must not knock again: a user may be locked out for it
                raise
            self._held = _Held(login, 0 if dead is None or dead.works else dead.barren + 1)
            self.renewed += dead is not None
            return self._held, True

    def _exchange(self, held: _Held, request: Request, consume: Callable[[httpx2.Response], T]) -> T:
        self.allow()
        url, doing = held.login.instance_url + request.path, f"{request.method} {request.path}{_about(request)}"
        headers = {"Authorization": f"Bearer {held.login.token}"}
        try:
            with self._client.stream(
                request.method, url, params=request.params, json=request.json, headers=headers
            ) as response:
                self._note(response)
                held.works = held.works or (response.status_code < 500 and response.status_code != 401)
                if response.status_code >= 300:
                    response.read()
                    raise error_from(response, doing)
                return consume(response)
        except httpx2.HTTPError as error:
            raise unreachable(error, doing) from error

    def _note(self, response: httpx2.Response) -> None:
        found = USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
        with self._count_lock:
            self.requests += 1
            if found:
                self.usage = Usage(int(found[1]), int(found[2]))


def _about(request: Request) -> str:
    """The object that a query reads, which its address does not tell."""
    sent = {**(request.params or {}), **(request.json or {})}
    found = FROM.search(str(sent.get("q") or sent.get("query") or ""))
    return f" for {found[1]}" if found else ""


def _same_organization(login: Login, dead: _Held | None) -> None:
    if dead is not None and login.organization_id != dead.login.organization_id:
        raise OtherOrganization(
            f"The session ended, and the new log-in belongs to organization {login.organization_id} instead of "
            f"{dead.login.organization_id}.",
            help="Somebody changed the credentials or login_url during the run: set them right and run again.",
        )


def trusted(settings: SalesforceSettings) -> ssl.SSLContext:
    """The certificates that are believed: the system's or SSL_CERT_FILE's, and those of `ca_file`."""
    context = httpx2.create_ssl_context()
    if settings.ca_file is not None:
        try:
            context.load_verify_locations(cafile=settings.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                f"salesforce.ca_file: {settings.ca_file} cannot be read as certificates in PEM form.",
                help="Point it to the certificate of the authority that signed Salesforce's, or leave it out.",
            ) from error
    return context


def _json(response: httpx2.Response, path: str) -> Any:
    response.read()
    return parsed(response, path)


def _allowance(entry: Any) -> Allowance | None:
    try:
        return Allowance(int(entry["Max"]), int(entry["Remaining"]))
    except (KeyError, TypeError, ValueError):
        return None  # Salesforce may add entries of another shape

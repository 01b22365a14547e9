"""What an organization holds, asked of Salesforce through simple-salesforce with the runtime's own log-in."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlencode, urlsplit

from durable_runtime.clock import SYSTEM, Clock
from durable_runtime.configuration import is_loopback
from durable_runtime.errors import PipelineError, SalesforceUnavailable
from durable_runtime.retry import retrying
from durable_runtime.salesforce.answers import error_of
from durable_runtime.salesforce.session import Login
from durable_runtime.spec import Retry

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

T = TypeVar("T")
AT_ONCE = 25  # the most requests that Salesforce takes in one call of composite/batch
TIMEOUT_SECONDS = 120.0  # simple-salesforce sets none of its own, and would wait for ever
TRIES = Retry(max_attempts=4, backoff="exponential", max_elapsed_seconds=60, classes=("rate_limit", "network"))


class Directory:
    """The objects of one organization. Raises PipelineErrors by the runtime's own table, never the library's errors."""

    def __init__(
        self, login: Login, api_version: str, clock: Clock = SYSTEM, trust: ssl.SSLContext | None = None
    ) -> None:
        from simple_salesforce.api import Salesforce

        self._clock = clock
        self._client = Salesforce(instance_url=login.instance_url, session_id=login.token, version=api_version)
        # The library builds https addresses only; a sandbox on this machine speaks http.
        self._client.base_url = f"{login.instance_url.rstrip('/')}/services/data/v{api_version}/"
        self._client.session.trust_env = not is_loopback(urlsplit(login.instance_url).hostname or "")
        if trust is not None:
            self._client.session.mount("https://", _trusting(trust))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.session.close()

    def objects(self) -> list[dict[str, Any]]:
        """The global describe's rows: name, label, queryable and the rest."""
        found: list[dict[str, Any]] = self._ask("sobjects")["sobjects"]
        return found

    def describe(self, name: str) -> dict[str, Any]:
        """One object with the fields that this user sees."""
        return self._ask(_describe(name))

    def describe_many(self, names: Sequence[str]) -> dict[str, dict[str, Any] | PipelineError]:
        """Up to 25 objects in one call; each one's description, or the error that its part of the call means."""
        return dict(zip(names, self._together([_describe(name) for name in names]), strict=True))

    def defined_many(self, names: Sequence[str]) -> dict[str, list[dict[str, Any]] | PipelineError]:
        """The fields of up to 25 objects as FieldDefinition tells them, those that are hidden from this user too."""
        answers = self._together([_definitions(name) for name in names])
        return {
            name: answer if isinstance(answer, PipelineError) else answer["records"]
            for name, answer in zip(names, answers, strict=True)
        }

    def _together(self, paths: Sequence[str]) -> list[dict[str, Any] | PipelineError]:
        version = f"v{self._client.sf_version}"
        parts = [{"method": "GET", "url": f"{version}/{path}"} for path in paths]
        results = self._ask("composite/batch", {"batchRequests": parts})["results"]
        return [
            error_of(one["statusCode"], one["result"], path) if one["statusCode"] >= 300 else one["result"]
            for path, one in zip(paths, results, strict=True)
        ]

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        sent: dict[str, Any] = {} if body is None else {"method": "POST", "data": json.dumps(body)}

        def once() -> dict[str, Any]:
            answer: dict[str, Any] = _translated(
                lambda: self._client.restful(path, timeout=TIMEOUT_SECONDS, **sent), path
            )
            return answer

        return retrying(TRIES, self._clock, once)


def _describe(name: str) -> str:
    return f"sobjects/{name}/describe"


def _definitions(name: str) -> str:
    asked = (
        "SELECT QualifiedApiName, SecurityClassification, ComplianceGroup FROM FieldDefinition "  # noqa: S608
        f"WHERE EntityDefinition.QualifiedApiName = '{name}'"  # a name that describe told
    )
    return f"query?{urlencode({'q': asked})}"


def _trusting(context: ssl.SSLContext) -> HTTPAdapter:
    """Connections that believe this context's certificates, besides those that requests brings."""
    from requests.adapters import HTTPAdapter

    class Trusting(HTTPAdapter):
        def init_poolmanager(self, *sizes: Any, **options: Any) -> None:
            super().init_poolmanager(*sizes, ssl_context=context, **options)

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            return super().proxy_manager_for(proxy, ssl_context=context, **options)

    return Trusting()


def _translated(ask: Callable[[], Any], path: str) -> Any:
    import requests
    from simple_salesforce.exceptions import SalesforceError

    try:
        return ask()
    except requests.RequestException as error:
        raise SalesforceUnavailable(
            f"Salesforce does not answer {path}: {type(error).__name__}.", help="Try again later."
        ) from error
    except SalesforceError as error:
        raise error_of(error.status, error.content, path) from error

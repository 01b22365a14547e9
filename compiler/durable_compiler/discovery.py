"""What an organization holds, asked of Salesforce through simple-salesforce with the runtime's own log-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from durable_runtime.clock import SYSTEM, Clock
from durable_runtime.errors import PipelineError, RequestRefused, SalesforceUnavailable
from durable_runtime.retry import retrying
from durable_runtime.salesforce.session import Login
from durable_runtime.spec import Retry

T = TypeVar("T")
TIMEOUT_SECONDS = 120.0  # simple-salesforce sets none of its own, and would wait for ever
TRIES = Retry(max_attempts=4, backoff="exponential", max_elapsed_seconds=60, classes=("rate_limit", "network"))


class Directory:
    """The objects of one organization. Raises SalesforceUnavailable or RequestRefused, never the library's errors."""

    def __init__(self, login: Login, api_version: str, clock: Clock = SYSTEM) -> None:
        from simple_salesforce.api import Salesforce

        self._clock = clock
        self._client = Salesforce(instance_url=login.instance_url, session_id=login.token, version=api_version)
        # The library builds https addresses only; a sandbox on this machine speaks http.
        self._client.base_url = f"{login.instance_url.rstrip('/')}/services/data/v{api_version}/"
        self._client.session.trust_env = urlsplit(login.instance_url).scheme == "https"

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
        return self._ask(f"sobjects/{name}/describe")

    def _ask(self, path: str) -> dict[str, Any]:
        def once() -> dict[str, Any]:
            answer: dict[str, Any] = _translated(lambda: self._client.restful(path, timeout=TIMEOUT_SECONDS), path)
            return answer

        return retrying(TRIES, self._clock, once)


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
        raise _refused(error.status, path) from error


def _refused(status: int, path: str) -> PipelineError:
    if status >= 500:
        return SalesforceUnavailable(f"Salesforce answers {path} with {status}.", help="Try again later.")
    return RequestRefused(
        f"Salesforce refuses {path} with {status}.", help="Check that the user may use the API and see the object."
    )

"""One table: what Salesforce answered → the error it means, and what to do about it."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from durable_runtime.errors import (
    ConfigurationError,
    CredentialsRejected,
    Incomplete,
    PermissionMissing,
    PipelineError,
    QueryTooSlow,
    QuotaReached,
    RateLimited,
    RequestRefused,
    SalesforceUnavailable,
)
from durable_runtime.redaction import redact

LONGEST_MESSAGE = 300


class SessionExpired(CredentialsRejected):
    """The access token is no longer valid: the session logs in once more before this counts."""


class BulkUnsupported(RequestRefused):
    """The Bulk API does not know this object: REST reads it instead."""


class NotFound(RequestRefused):
    """What the address names is gone or hidden; whoever asked knows what that was."""


class LogTooLong(RequestRefused):
    """A log of deletes holds more Ids than one answer may: shorter intervals do."""


class LogTooShort(RequestRefused):
    """A log of deletes does not go back to the start that was asked for."""


class LocatorExpired(Incomplete):
    """A query locator is gone: the same request can never succeed, so the whole query starts again."""


@dataclass(frozen=True, slots=True)
class Row:
    """Matches an answer by status, errorCode and a piece of the message; an empty column matches anything."""

    statuses: tuple[int, ...]
    code: str
    text: str
    error: type[PipelineError]
    help: str


MY_DOMAIN_HELP = "Set login_url to the My Domain address of the organization."
REJECTED_HELP = 'Check the user name, the password and the security token; auth = "jwt" needs neither of the last two.'
SOAP_HELP = 'Use auth = "jwt" or auth = "client_credentials": Salesforce is ending this log-in.'
LOG_IN_HELP = "Check the connected app, its user and the secrets of this profile; `durable doctor` tests them."
LATER_HELP = "Run again later; nothing was lost."
REPORT_HELP = "Compare the schema snapshot with `durable discover`, then compile again."

TABLE: tuple[Row, ...] = (
    Row(
        (401,),
        "INVALID_SESSION_ID",
        "not valid for use with the REST API",
        PermissionMissing,
        "Give the connected app the scope `api`.",
    ),
    Row((401,), "INVALID_SESSION_ID", "", SessionExpired, LOG_IN_HELP),
    Row((), "", "login rate exceeded", RateLimited, LATER_HELP),
    Row((400, 401), "invalid_grant", "not supported on this domain", CredentialsRejected, MY_DOMAIN_HELP),
    Row(
        (400, 401),
        "invalid_grant",
        "no client credentials user",
        CredentialsRejected,
        "Choose the user that the app runs as in its client credentials policy.",
    ),
    Row(
        (400, 401),
        "invalid_grant",
        "approved this consumer",
        CredentialsRejected,
        "Let the app's policies admit pre-authorized users, and give this user its permission set or profile.",
    ),
    Row(
        (400, 401),
        "invalid_grant",
        "udience",
        CredentialsRejected,
        "Set audience: an External Client App wants the My Domain address, a connected app also "
        "https://login.salesforce.com or https://test.salesforce.com.",
    ),
    Row(
        (400, 401),
        "invalid_grant",
        "expired access/refresh token",
        CredentialsRejected,
        "The refresh token was revoked or replaced: authorize the app again and store the new one.",
    ),
    Row((400, 401), "invalid_grant", "authentication failure", CredentialsRejected, REJECTED_HELP),
    Row((400, 401), "invalid_grant", "", CredentialsRejected, LOG_IN_HELP),
    Row((400, 401), "invalid_client_id", "", CredentialsRejected, LOG_IN_HELP),
    Row((400, 401), "invalid_client", "", CredentialsRejected, LOG_IN_HELP),
    Row((400, 401), "inactive_user", "", CredentialsRejected, "Activate the integration user."),
    Row((400, 401), "inactive_org", "", CredentialsRejected, "The organization is inactive: ask its administrator."),
    Row((400, 401), "unauthorized_client", "", CredentialsRejected, LOG_IN_HELP),
    Row((400, 401), "unsupported_grant_type", "", CredentialsRejected, LOG_IN_HELP),
    Row((500,), "INVALID_LOGIN", "", CredentialsRejected, REJECTED_HELP),
    Row((500,), "LOGIN_MUST_USE_SECURITY_TOKEN", "", CredentialsRejected, "Set security_token for this profile."),
    Row((500,), "PASSWORD_LOCKOUT", "", CredentialsRejected, "Unlock the user, then correct the password."),
    Row((500,), "ORG_LOCKED", "", CredentialsRejected, "The organization is locked: ask its administrator."),
    Row((500,), "INVALID_OPERATION", "", CredentialsRejected, SOAP_HELP),
    Row((), "rate_limit_exceeded", "", RateLimited, LATER_HELP),
    Row((), "REQUEST_LIMIT_EXCEEDED", "Concurrent", RateLimited, LATER_HELP),
    Row(
        (),
        "REQUEST_LIMIT_EXCEEDED",
        "",
        QuotaReached,
        "The allowance renews over 24 hours: run again later, or raise it.",
    ),
    Row((), "LIMIT_EXCEEDED", "", QuotaReached, "The Bulk allowance renews over 24 hours: run again later."),
    Row(
        (),
        "API_DISABLED_FOR_ORG",
        "",
        PermissionMissing,
        "This edition or user has no API access: ask the administrator.",
    ),
    Row((), "API_CURRENTLY_DISABLED", "", PermissionMissing, "API access is switched off: ask the administrator."),
    Row(
        (),
        "INSUFFICIENT_ACCESS",
        "",
        PermissionMissing,
        "Give the integration user a permission set that can read this.",
    ),
    Row((), "OPERATION_TOO_LARGE", "", PermissionMissing, "Give the integration user View All Data."),
    Row((), "INVALIDENTITY", "", BulkUnsupported, "The object is read over REST."),
    Row((), "", "not supported by the Bulk API", BulkUnsupported, "The object is read over REST."),
    Row((), "API_ERROR", "Implementation restriction", BulkUnsupported, "The object is read over REST."),
    Row((), "INVALID_QUERY_LOCATOR", "", LocatorExpired, LATER_HELP),
    Row((), "QUERY_TIMEOUT", "", QueryTooSlow, "Run again, or shorten the window with more frequent runs."),
    Row((), "EXCEEDED_ID_LIMIT", "", LogTooLong, "The log of deletes is asked for in shorter intervals."),
    Row((), "INVALID_REPLICATION_DATE", "", LogTooShort, "Ids are compared instead of the log of deletes."),
    Row((), "UNABLE_TO_LOCK_ROW", "", SalesforceUnavailable, LATER_HELP),
    Row((), "SERVER_UNAVAILABLE", "", SalesforceUnavailable, LATER_HELP),
    Row((), "INVALID_FIELD", "", RequestRefused, REPORT_HELP),
    Row((), "INVALID_TYPE", "", RequestRefused, "The object is gone or hidden from this user: check its permissions."),
    Row((), "MALFORMED_QUERY", "", RequestRefused, REPORT_HELP),
    Row((), "QUERY_TOO_COMPLICATED", "", RequestRefused, "Leave out some formula fields."),
    Row((), "UNSUPPORTED_API_VERSION", "", RequestRefused, "Raise api_version in durable.toml."),
    Row((401,), "", "", SessionExpired, LOG_IN_HELP),
    Row((403,), "", "", PermissionMissing, "Give the integration user a permission set that can read this."),
    Row((404,), "", "", NotFound, "Check login_url, api_version and that the object exists for this user."),
    Row((409,), "", "", RequestRefused, "Another API version made this job: run again."),
    Row((410,), "", "", RequestRefused, "Salesforce retired this API version: raise api_version in durable.toml."),
    Row((414, 431), "", "", RequestRefused, "The request is too long: leave out some fields."),
    Row((429,), "", "", RateLimited, LATER_HELP),
    Row((406, 408, 420), "", "", SalesforceUnavailable, LATER_HELP),
    Row(
        (300, 301, 302, 303, 307, 308),
        "",
        "",
        RequestRefused,
        "Set login_url to the My Domain address of the organization.",
    ),
)
SERVER_ERROR = Row((), "", "", SalesforceUnavailable, f"{LATER_HELP} Salesforce's status page tells of maintenance.")
OTHERWISE = Row((), "", "", RequestRefused, "Look the error code up in the Salesforce API documentation.")


def error_from(response: httpx2.Response, doing: str) -> PipelineError:
    """The error that a read answer of 300 or more means; its message names the request and hides secrets."""
    to = f"{doing}, pointing to {_host(response)}" if response.is_redirect else doing
    error = error_of(response.status_code, _body(response), to)
    error.retry_after = _seconds(response.headers.get("Retry-After"))
    return error


def error_of(status: int, body: Any, doing: str) -> PipelineError:
    """The error that a status and a parsed body mean, as they also stand inside a composite answer."""
    code, text = _code_and_text(body)
    row = _row(status, code, text)
    said = " ".join(redact(text).split())[:LONGEST_MESSAGE]
    detail = ": ".join(part for part in (code, said) if part) or "no message"
    return row.error(f"Salesforce answered {status} to {doing} ({detail}).", help=row.help)


@contextmanager
def in_its_form(doing: str) -> Iterator[None]:
    """Turn an answer that lacks what Salesforce documents, or has it in another form, into SalesforceUnavailable."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise SalesforceUnavailable(
            f"Salesforce's answer to {doing} is not in the form that Salesforce documents.",
            help="Run again; if it stays, look at what stands between this machine and Salesforce.",
        ) from error


def _host(response: httpx2.Response) -> str:
    parts = urlsplit(response.headers.get("Location", ""))
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another address"


def unreachable(error: httpx2.HTTPError, doing: str) -> PipelineError:
    """The error that a failure below HTTP means; a certificate that is not trusted passes with no retry."""
    untrusted = next((one for one in _causes(error) if isinstance(one, ssl.SSLCertVerificationError)), None)
    if untrusted is not None:
        return ConfigurationError(
            f"The certificate that was shown for {doing} is not trusted ({untrusted.verify_message}).",
            help="Check login_url; behind a proxy or a local server, set ca_file or SSL_CERT_FILE to its authority.",
        )
    return SalesforceUnavailable(
        f"Salesforce could not be reached for {doing}{_at(error)} ({_why(error)}).",
        help="Check the network, the proxy and login_url; run again later.",
    )


def parsed(response: httpx2.Response, doing: str) -> Any:
    """The JSON of a good answer with every number as the text that was sent; cut JSON is transient."""
    try:
        return json.loads(response.content, parse_float=str, parse_int=str)
    except ValueError as error:
        raise SalesforceUnavailable(
            f"Salesforce answered {response.status_code} to {doing} with something that is not JSON.", help=LATER_HELP
        ) from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _at(error: httpx2.HTTPError) -> str:
    try:
        return f" at {error.request.url.scheme}://{error.request.url.netloc.decode()}"
    except RuntimeError:  # it was not raised by a request
        return ""


def _why(error: httpx2.HTTPError) -> str:
    said = " ".join(redact(str(error)).split())[:LONGEST_MESSAGE]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _row(status: int, code: str, text: str) -> Row:
    for row in TABLE:
        if (not row.statuses or status in row.statuses) and row.code in ("", code) and row.text in text:
            return row
    return SERVER_ERROR if status >= 500 else OTHERWISE


def _body(response: httpx2.Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return None  # an edge or proxy page: its HTML tells a user nothing


def _code_and_text(body: Any) -> tuple[str, str]:
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return "", ""
    code = first.get("errorCode") or first.get("error") or ""
    text = first.get("message") or first.get("error_description") or ""
    return str(code), str(text)


def _seconds(header: str | None) -> float | None:
    return float(header) if header and re.fullmatch(r"\d+(\.\d+)?", header.strip()) else None

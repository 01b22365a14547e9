"""The session against a real HTTP server: log-in, re-login, retries, and errors by table."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from durable_runtime.clock import Clock
from durable_runtime.credentials import given
from durable_runtime.errors import (
    ConfigurationError,
    CredentialsRejected,
    PermissionMissing,
    PipelineError,
    QuotaReached,
    RateLimited,
    RequestRefused,
    SalesforceUnavailable,
)
from durable_runtime.salesforce.answers import TABLE, BulkUnsupported
from durable_runtime.salesforce.session import Session, Usage
from unit.runtime.scripted_salesforce import (
    API,
    EXPIRED,
    ORGANIZATION,
    RETRY,
    Answer,
    Pauses,
    Script,
    login,
    scripted,
    settings,
)

LIMITS = f"GET {API}/limits"
TOKEN = "POST /services/oauth2/token"


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as running:
        yield running


def opened(script: Script, pauses: Pauses | None = None) -> Session:
    return Session(settings(script.url), RETRY, (pauses or Pauses()).clock())


def test_client_credentials_log_in_once_and_name_the_organization(script: Script) -> None:
    script.on(LIMITS, Answer(body={"A": 1}))
    with opened(script) as session:
        assert session.get("limits") == {"A": "1"}
        assert session.get("limits") == {"A": "1"}
        assert session.organization_id == ORGANIZATION
    assert script.times(TOKEN) == 1
    assert b"grant_type=client_credentials" in script.bodies[0]
    assert b"client_secret=very-secret-value" in script.bodies[0]
    assert script.tokens[1] == "Bearer token-number-1"


def test_a_jwt_log_in_signs_who_it_is_for_three_minutes(script: Script) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    now = datetime.now(UTC)
    signed = replace(
        settings(script.url),
        auth="jwt",
        audience="https://login.salesforce.com",
        username=given("nightly@example.com", "username"),
        private_key=given(pem, "private_key"),
    )
    with Session(signed, RETRY, Clock(now=lambda: now)) as session:
        session.login()
    assertion = script.bodies[0].decode().partition("assertion=")[2].partition("&")[0]
    claims = jwt.decode(assertion, private.public_key(), algorithms=["RS256"], audience="https://login.salesforce.com")
    assert claims["iss"] == "client"
    assert claims["sub"] == "nightly@example.com"
    assert claims["exp"] == int(now.timestamp()) + 180


@pytest.mark.parametrize("auth", ["password", "soap", "refresh_token"])
def test_other_log_ins_say_what_is_supported(script: Script, auth: str) -> None:
    with (
        Session(replace(settings(script.url), auth=auth), RETRY, Pauses().clock()) as session,
        pytest.raises(ConfigurationError, match="this version supports jwt and client_credentials"),
    ):
        session.login()


def test_wrong_credentials_are_fatal_and_not_tried_again(script: Script) -> None:
    script.on(TOKEN, Answer(400, {"error": "invalid_client", "error_description": "invalid client credentials"}))
    pauses = Pauses()
    with opened(script, pauses) as session, pytest.raises(CredentialsRejected) as caught:
        session.login()
    assert caught.value.exit_code == 7
    assert "invalid client credentials" in caught.value.message
    assert script.times(TOKEN) == 1
    assert pauses.slept == []


def test_an_expired_token_is_renewed_once_and_the_request_repeated(script: Script) -> None:
    script.on(LIMITS, Answer(401, EXPIRED), Answer(body={"ok": True}))
    with opened(script) as session:
        assert session.get("limits") == {"ok": True}
    assert script.times(TOKEN) == 2
    assert script.tokens[-1] == "Bearer token-number-2"


def test_a_token_that_stays_invalid_is_a_credentials_error(script: Script) -> None:
    script.on(LIMITS, Answer(401, EXPIRED))
    with opened(script) as session, pytest.raises(CredentialsRejected) as caught:
        session.get("limits")
    assert caught.value.exit_code == 7
    assert script.times(LIMITS) == 2


def test_access_revoked_during_the_run_is_a_credentials_error(script: Script) -> None:
    script.on(
        TOKEN,
        login(script.url, "token-number-1"),
        Answer(400, {"error": "invalid_grant", "error_description": "expired access/refresh token"}),
    )
    script.on(LIMITS, Answer(body={"ok": True}), Answer(401, EXPIRED))
    with opened(script) as session:
        session.get("limits")
        with pytest.raises(CredentialsRejected, match="expired access/refresh token"):
            session.get("limits")


@pytest.mark.parametrize(
    "bad",
    [
        Answer(503, b"<html>down for maintenance</html>"),
        Answer(500, [{"message": "An unexpected error occurred.", "errorCode": "UNKNOWN_EXCEPTION"}]),
        Answer(200, b'{"records": [{"Id"'),
        Answer(200, b'{"ok": true}', cut=40),
        Answer(429),
    ],
    ids=["html", "500", "cut json", "cut body", "429"],
)
def test_a_passing_fault_is_retried_and_its_pause_is_not_waited_for(script: Script, bad: Answer) -> None:
    script.on(LIMITS, bad, Answer(body={"ok": True}))
    pauses = Pauses()
    with opened(script, pauses) as session:
        assert session.get("limits") == {"ok": True}
    assert len(pauses.slept) == 1


def test_a_lasting_fault_ends_after_all_attempts(script: Script) -> None:
    script.on(LIMITS, Answer(503, b"<html>down</html>"))
    pauses = Pauses()
    with opened(script, pauses) as session, pytest.raises(SalesforceUnavailable) as caught:
        session.get("limits")
    assert caught.value.exit_code == 6
    assert "html" not in str(caught.value)
    assert script.times(LIMITS) == 5
    assert len(pauses.slept) == 4


def test_a_refused_connection_is_unavailable_after_retries() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pauses = Pauses()
    with (
        Session(settings(f"http://127.0.0.1:{port}"), RETRY, pauses.clock()) as session,
        pytest.raises(SalesforceUnavailable, match="could not be reached for the log-in"),
    ):
        session.get("limits")
    assert len(pauses.slept) == 4


def test_no_proxy_stands_between_this_machine_and_itself(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    script.on(LIMITS, Answer(body={"ok": True}))
    with opened(script) as session:
        assert session.get("limits") == {"ok": True}


def test_retry_after_sets_the_pause(script: Script) -> None:
    script.on(LIMITS, Answer(429, headers={"Retry-After": "17"}), Answer(body={}))
    pauses = Pauses()
    with opened(script, pauses) as session:
        session.get("limits")
    assert pauses.slept == [17.0]


@pytest.mark.parametrize(
    ("status", "code", "message", "error", "attempts"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", QuotaReached, 1),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", RateLimited, 5),
        (400, "LIMIT_EXCEEDED", "Max bulk v2 query jobs (10000) per 24 hrs has been reached", QuotaReached, 1),
        (403, "API_DISABLED_FOR_ORG", "API is not enabled", PermissionMissing, 1),
        (401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API", PermissionMissing, 1),
        (400, "INVALID_FIELD", "No such column 'Foo' on entity 'Contact'", RequestRefused, 1),
        (400, "INVALIDENTITY", "X is not supported by the Bulk API", BulkUnsupported, 1),
        (400, "SOMETHING_NEW", "who knows", RequestRefused, 1),
        (502, "SOMETHING_NEW", "who knows", SalesforceUnavailable, 5),
    ],
)
def test_each_answer_means_one_error(
    script: Script, status: int, code: str, message: str, error: type[PipelineError], attempts: int
) -> None:
    script.on(LIMITS, Answer(status, [{"message": message, "errorCode": code}]))
    with opened(script) as session, pytest.raises(error) as caught:
        session.get("limits")
    assert type(caught.value) is error
    assert code in caught.value.message
    assert caught.value.help
    assert script.times(LIMITS) == attempts


def test_every_row_of_the_table_says_what_to_do() -> None:
    assert [row for row in TABLE if not row.help.endswith(".") or not issubclass(row.error, PipelineError)] == []


def test_a_redirect_is_not_followed(script: Script) -> None:
    script.on(LIMITS, Answer(302, headers={"Location": f"{script.url}{API}/other"}))
    with opened(script) as session, pytest.raises(RequestRefused, match="302"):
        session.get("limits")
    assert script.times(f"GET {API}/other") == 0


def test_secrets_stay_out_of_messages(script: Script) -> None:
    echo = "bad token-number-1 very-secret-value for jane.doe@example.com"
    script.on(LIMITS, Answer(400, [{"message": echo, "errorCode": "X"}]))
    with opened(script) as session, pytest.raises(RequestRefused) as caught:
        session.get("limits")
    assert "bad [hidden] [hidden] for [hidden]" in caught.value.message


def test_server_time_is_the_date_header(script: Script) -> None:
    script.on("GET /services/data", Answer(body=[]))
    with opened(script) as session:
        told = session.server_time()
    assert told.tzinfo is UTC
    assert abs((datetime.now(UTC) - told).total_seconds()) < 5


@pytest.mark.parametrize(
    "header",
    [
        "api-usage=18/5000",
        "api-usage=18/5000; per-app-api-usage=17/250(appName=x)",
        "api-bursts=1/7; api-usage=18/5000",
    ],
)
def test_usage_is_read_from_every_form_of_the_header(script: Script, header: str) -> None:
    script.on(LIMITS, Answer(body={}, headers={"Sforce-Limit-Info": header}))
    with opened(script) as session:
        session.get("limits")
        assert session.usage == Usage(18, 5000)


def test_a_log_in_that_points_to_plain_http_elsewhere_is_refused(script: Script) -> None:
    body = {"access_token": "t", "instance_url": "http://example.com", "id": f"http://x/id/{ORGANIZATION}/005"}
    script.on(TOKEN, Answer(body=body))
    with opened(script) as session, pytest.raises(CredentialsRejected, match="without https"):
        session.login()

"""The session against a real HTTP server: log-in, re-login, retries, and errors by table."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from durable_runtime.clock import Clock
from durable_runtime.credentials import given
from durable_runtime.errors import (
    ConfigurationError,
    CredentialsRejected,
    OtherOrganization,
    PermissionMissing,
    PipelineError,
    QuotaReached,
    RateLimited,
    RequestRefused,
    SalesforceUnavailable,
)
from durable_runtime.salesforce.answers import TABLE, BulkUnsupported, SessionExpired
from durable_runtime.salesforce.session import Allowance, Session, Usage
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


def test_an_unknown_log_in_says_what_is_supported(script: Script) -> None:
    with (
        Session(replace(settings(script.url), auth="kerberos"), RETRY, Pauses().clock()) as session,
        pytest.raises(ConfigurationError, match="jwt, client_credentials, refresh_token, password, soap"),
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


def together(count: int, work: Callable[[], object]) -> list[object]:
    """What each of so many threads that start at once returned or raised."""
    gate = threading.Barrier(count)

    def one(_: int) -> object:
        gate.wait()
        try:
            return work()
        except PipelineError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_many_threads_with_a_dead_session_log_in_once(script: Script) -> None:
    script.on(LIMITS, Answer(body={"ok": True}))
    with opened(script) as session:
        session.get("limits")
        held = session.login()
        script.dead.add(f"Bearer {held.token}")
        assert together(8, lambda: session.get("limits")) == [{"ok": True}] * 8
        assert session.login() != held
        assert session.requests == script.times(LIMITS) > 9
    assert script.times(TOKEN) == 2


def test_threads_that_find_the_credentials_refused_do_not_knock_again(script: Script) -> None:
    script.on(TOKEN, Answer(400, {"error": "invalid_grant", "error_description": "authentication failure"}))
    with opened(script) as session:
        found = together(8, lambda: session.get("limits"))
        assert [type(one) for one in found] == [CredentialsRejected] * 8
    assert script.times(TOKEN) == 1


def test_a_new_token_that_does_not_work_is_not_replaced_by_any_thread(script: Script) -> None:
    script.on(LIMITS, Answer(401, EXPIRED))
    with opened(script) as session:
        session.login()
        found = together(6, lambda: session.get("limits"))
        assert {type(one) for one in found} == {SessionExpired}
    assert script.times(TOKEN) == 2


def test_a_session_that_dies_again_and_again_is_renewed_while_it_works_in_between(script: Script) -> None:
    script.on(LIMITS, *[Answer(401, EXPIRED), Answer(body={"ok": True})] * 6)
    with opened(script) as session:
        assert [session.get("limits") for _ in range(6)] == [{"ok": True}] * 6
    assert script.times(TOKEN) == 7


def test_login_rate_limits_are_waited_for(script: Script) -> None:
    script.on(
        TOKEN,
        Answer(400, {"error": "invalid_grant", "error_description": "login rate exceeded"}),
        login(script.url, "token-number-1"),
    )
    pauses = Pauses()
    with opened(script, pauses) as session:
        assert session.organization_id == ORGANIZATION
    assert len(pauses.slept) == 1


def test_a_short_organization_id_becomes_the_long_one(script: Script) -> None:
    identity = f"{script.url}/id/00Dd0000000iXyz/005000000000001AAA"
    script.on(TOKEN, Answer(body={"access_token": "token-number-1", "instance_url": script.url, "id": identity}))
    with opened(script) as session:
        assert session.organization_id == "00Dd0000000iXyzEAE"


def test_limits_are_read_with_one_request_and_other_shapes_are_passed_over(script: Script) -> None:
    entries = {"DailyApiRequests": {"Max": 5000, "Remaining": 4982, "x": {"Max": 250, "Remaining": 233}}}
    script.on(LIMITS, Answer(body=entries | {"Odd": 3, "Older": {"Max": 1}, "None": None}))
    with opened(script) as session:
        assert session.limits() == {"DailyApiRequests": Allowance(5000, 4982)}
    assert script.times(LIMITS) == 1


@pytest.mark.parametrize(("version", "warned"), [("35.0", True), ("62.0", False)])
def test_a_version_that_retires_soon_is_warned_about(script: Script, version: str, warned: bool) -> None:
    now = datetime(2028, 3, 1, tzinfo=UTC)
    old = replace(settings(script.url), api_version=version)
    with Session(old, RETRY, Clock(now=lambda: now)) as session:
        assert [("retires API version 35.0" in one) for one in session.warnings] == [True] * warned


def test_a_retired_version_is_refused_before_anything_is_asked(script: Script) -> None:
    with pytest.raises(ConfigurationError, match=r"retired API version 30\.0 with Summer '25") as caught:
        Session(replace(settings(script.url), api_version="30.0"), RETRY, Pauses().clock())
    assert caught.value.exit_code == 2
    assert script.asked == []


def test_an_authority_that_cannot_be_read_is_refused(script: Script, tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    for content in (None, "not a certificate"):
        if content:
            broken.write_text(content)
        with pytest.raises(ConfigurationError, match=r"ca\.pem cannot be read as certificates"):
            Session(replace(settings(script.url), ca_file=broken), RETRY, Pauses().clock())


def test_a_log_in_that_changes_the_organization_during_a_run_is_fatal(script: Script) -> None:
    other = {"access_token": "token-number-2", "instance_url": script.url, "id": "https://x/id/00D000000000002EAA/005"}
    script.on(TOKEN, login(script.url, "token-number-1"), Answer(body=other))
    script.on(LIMITS, Answer(body={"ok": True}), Answer(401, EXPIRED))
    with opened(script) as session:
        session.get("limits")
        for _ in range(2):
            with pytest.raises(OtherOrganization, match="00D000000000002EAA instead of 00D000000000001EAA"):
                session.get("limits")
    assert script.times(TOKEN) == 2
    assert "Bearer token-number-2" not in script.tokens


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


@pytest.mark.parametrize(
    ("code", "description", "remedy"),
    [
        ("invalid_grant", "request not supported on this domain", "login_url to the My Domain address"),
        ("invalid_grant", "no client credentials user enabled", "Choose the user that the app runs as"),
        ("invalid_grant", "user hasn't approved this consumer", "pre-authorized users"),
        ("invalid_grant", "audience is invalid", "Set audience"),
        ("invalid_grant", "Audience validation failed", "Set audience"),
        ("invalid_grant", "expired access/refresh token", "authorize the app again"),
        ("invalid_grant", "authentication failure", "security token"),
        ("invalid_grant", "invalid assertion", "Check the connected app"),
        ("invalid_client_id", "client identifier invalid", "Check the connected app"),
        ("inactive_user", "user is inactive", "Activate the integration user"),
        ("inactive_org", "organization is inactive", "organization is inactive"),
    ],
)
def test_each_refused_log_in_has_its_remedy(script: Script, code: str, description: str, remedy: str) -> None:
    script.on(TOKEN, Answer(400, {"error": code, "error_description": description}))
    with opened(script) as session, pytest.raises(CredentialsRejected) as caught:
        session.login()
    assert f"({code}: {description})" in caught.value.message
    assert remedy in caught.value.help


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

"""The SOAP log-in against scripted answers: faults, hostile XML, and pages that are no SOAP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from durable_runtime.credentials import given
from durable_runtime.errors import (
    CredentialsRejected,
    PermissionMissing,
    PipelineError,
    RateLimited,
    RequestRefused,
    SalesforceUnavailable,
)
from durable_runtime.salesforce.session import Session
from durable_runtime.salesforce.soap_login import LONGEST_ANSWER, texts
from unit.runtime.scripted_salesforce import ORGANIZATION, RETRY, Answer, Pauses, Script, scripted, settings

SOAP = "POST /services/Soap/u/62.0"
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
    b"<a><sessionId>&c;</sessionId></a>"
)


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as running:
        yield running


def reply(url: str, **changes: str) -> bytes:
    entries = {
        "sessionId": "token-number-1",
        "serverUrl": f"{url}/services/Soap/u/62.0/00D",
        "passwordExpired": "false",
    }
    tags = "".join(f"<{name}>{text}</{name}>" for name, text in (entries | changes).items())
    info = f"<userInfo><organizationId>{ORGANIZATION}</organizationId></userInfo>"
    body = f"<loginResponse><result>{tags}{info}</result></loginResponse>"
    return f'<e:Envelope xmlns:e="e"><e:Body>{body}</e:Body></e:Envelope>'.encode()


def fault(code: str, message: str = "No.") -> bytes:
    detail = f"<sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{message}</sf:exceptionMessage>"
    return f'<e:Envelope xmlns:e="e" xmlns:sf="f"><e:Body><e:Fault>{detail}</e:Fault></e:Body></e:Envelope>'.encode()


def opened(script: Script, password: str = "pass<word>&", pauses: Pauses | None = None) -> Session:
    by_soap = replace(
        settings(script.url),
        auth="soap",
        username=given("nightly@example.com", "username", hidden=False),
        password=given(password, "password"),
        security_token=given("security-token", "security_token"),
    )
    return Session(by_soap, RETRY, (pauses or Pauses()).clock())


def test_the_password_is_escaped_and_followed_by_the_security_token(script: Script) -> None:
    script.on(SOAP, Answer(body=reply(script.url)))
    with opened(script) as session:
        assert (session.login().token, session.login().instance_url) == ("token-number-1", script.url)
        assert session.organization_id == ORGANIZATION
    assert texts(script.bodies[0])["password"] == "pass<word>&security-token"
    assert texts(script.bodies[0])["username"] == "nightly@example.com"


@pytest.mark.parametrize(
    ("code", "error", "attempts"),
    [
        ("INVALID_LOGIN", CredentialsRejected, 1),
        ("LOGIN_MUST_USE_SECURITY_TOKEN", CredentialsRejected, 1),
        ("PASSWORD_LOCKOUT", CredentialsRejected, 1),
        ("ORG_LOCKED", CredentialsRejected, 1),
        ("INVALID_OPERATION", CredentialsRejected, 1),
        ("API_DISABLED_FOR_ORG", PermissionMissing, 1),
        ("UNSUPPORTED_API_VERSION", RequestRefused, 1),
        ("SERVER_UNAVAILABLE", SalesforceUnavailable, 5),
        ("SOMETHING_NEW", SalesforceUnavailable, 5),
    ],
)
def test_a_fault_means_one_error(script: Script, code: str, error: type[PipelineError], attempts: int) -> None:
    script.on(SOAP, Answer(500, fault(code)))
    with opened(script) as session, pytest.raises(error) as caught:
        session.login()
    assert type(caught.value) is error
    assert f"500 to the log-in ({code}: No.)" in caught.value.message
    assert script.times(SOAP) == attempts


def test_too_many_log_ins_are_a_rate_limit_whatever_the_code(script: Script) -> None:
    script.on(SOAP, Answer(500, fault("INVALID_LOGIN", "login rate exceeded")))
    with opened(script) as session, pytest.raises(RateLimited):
        session.login()


def test_a_fault_with_status_200_is_a_fault(script: Script) -> None:
    script.on(SOAP, Answer(200, fault("INVALID_LOGIN")))
    with opened(script) as session, pytest.raises(PipelineError, match="INVALID_LOGIN"):
        session.login()


def test_an_expired_password_gives_no_session(script: Script) -> None:
    script.on(SOAP, Answer(body=reply(script.url, passwordExpired="true")))
    with opened(script) as session, pytest.raises(CredentialsRejected, match="password has expired"):
        session.login()


@pytest.mark.parametrize(
    "changes", [{"sessionId": ""}, {"serverUrl": ""}, {"serverUrl": "http://example.com/services/Soap"}]
)
def test_an_answer_without_a_usable_session_is_refused(script: Script, changes: dict[str, str]) -> None:
    script.on(SOAP, Answer(body=reply(script.url, **changes)))
    with opened(script) as session, pytest.raises(CredentialsRejected, match="Check that login_url"):
        session.login()


@pytest.mark.parametrize("content", [BOMB, b"<html>log in<br></html>", b"", b"<a>" + b"x" * LONGEST_ANSWER + b"</a>"])
def test_what_is_not_soap_is_not_read_as_such(script: Script, content: bytes) -> None:
    for status in (200, 503):
        script.on(SOAP, Answer(status, content))
        with opened(script) as session, pytest.raises(SalesforceUnavailable) as caught:
            session.login()
        assert f"answered {status} to the log-in" in caught.value.message


def test_of_elements_with_one_name_the_first_counts() -> None:
    text = '<e:a xmlns:e="e"><userId>one<b> </b>&amp; more</userId><info><userId>two</userId></info></e:a>'
    assert texts(text.encode()) == {"a": "", "userId": "one& more", "b": " ", "info": ""}


def test_the_password_is_in_no_message(script: Script) -> None:
    script.on(SOAP, Answer(500, fault("INVALID_LOGIN", "not hunter2-hunter2 nor security-token")))
    with opened(script, "hunter2-hunter2") as session, pytest.raises(CredentialsRejected) as caught:
        session.login()
    assert "not [hidden] nor [hidden]" in caught.value.message

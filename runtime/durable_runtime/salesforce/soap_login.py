"""SOAP login(), the oldest way in: one envelope out, one in, read without a document type or entities."""

from __future__ import annotations

from html import escape
from xml.parsers import expat

import httpx2

from durable_runtime.configuration import SalesforceSettings
from durable_runtime.errors import CredentialsRejected, PipelineError, SalesforceUnavailable
from durable_runtime.salesforce.answers import error_of
from durable_runtime.salesforce.api_versions import LAST_SOAP_LOGIN

LONGEST_ANSWER = 1 << 16  # bytes; a real one has 3,000
DOING = "the log-in"
HEADERS = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": "login"}
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">'
    "<soap:Body><login><username>{username}</username><password>{password}</password></login></soap:Body>"
    "</soap:Envelope>"
)


class _NotXml(ValueError):
    """The answer is no XML, or carries a document type, which no answer of Salesforce does."""


def session(client: httpx2.Client, settings: SalesforceSettings, username: str, password: str) -> dict[str, str]:
    """The texts of the answer by element name: sessionId, serverUrl, organizationId and others.

    Raises CredentialsRejected and what else a fault means, SalesforceUnavailable, httpx2.HTTPError.
    """
    version = min(int(settings.api_version.partition(".")[0]), LAST_SOAP_LOGIN)
    url = f"{settings.login_url}/services/Soap/u/{version}.0"
    body = ENVELOPE.format(username=escape(username), password=escape(password))
    with client.stream("POST", url, content=body.encode(), headers=HEADERS) as response:
        status, content = response.status_code, _short(response)
    try:
        found = texts(content)
    except _NotXml:
        raise _unreadable(status) from None
    if status >= 300 or "exceptionCode" in found:
        fault = {"errorCode": found.get("exceptionCode", ""), "message": found.get("exceptionMessage", "")}
        raise error_of(status, [fault], DOING)
    if found.get("passwordExpired") == "true":
        raise CredentialsRejected(
            "The user's password has expired.", help="Set a new one, or use JWT, which needs no password."
        )
    return found


def texts(content: bytes) -> dict[str, str]:
    """The text of the first element of each name, namespaces left out. Raises ValueError for what is no plain XML."""
    found: dict[str, str] = {}
    path: list[tuple[str, bool]] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def start(name: str, _attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        path.append((local, local not in found))
        found.setdefault(local, "")

    def text(data: str) -> None:
        local, first = path[-1]
        if first:
            found[local] += data

    def refuse(*_declaration: object) -> None:
        raise _NotXml

    parser.StartElementHandler, parser.CharacterDataHandler = start, text
    parser.EndElementHandler = lambda _name: path.pop()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise _NotXml from error
    return found


def _unreadable(status: int) -> PipelineError:
    if status >= 300:
        return error_of(status, None, DOING)
    return SalesforceUnavailable(
        f"Salesforce answered {status} to {DOING} with something that is not SOAP.", help="Check login_url."
    )


def _short(response: httpx2.Response) -> bytes:
    """The beginning of the answer: one that is longer is no XML for it."""
    content = b""
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > LONGEST_ANSWER:
            return content[:LONGEST_ANSWER]
    return content

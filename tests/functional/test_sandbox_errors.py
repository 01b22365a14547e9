"""Errors to order by name: each has Salesforce's status and body, to the last character."""

from __future__ import annotations

import pytest

from functional.fault_client import Client

ADVICE = (
    "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name."
    " Please reference your WSDL or the describe call for the appropriate names."
)
MESSAGES: dict[str, tuple[int, str, str]] = {
    "INVALID_SESSION_ID": (401, "INVALID_SESSION_ID", "Session expired or invalid"),
    "INVALID_SESSION_ID_REST": (401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"),
    "INVALID_AUTH_HEADER": (401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"),
    "REQUEST_LIMIT_EXCEEDED": (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "REQUEST_LIMIT_EXCEEDED_CONCURRENT": (
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
    ),
    "API_DISABLED_FOR_ORG": (403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."),
    "INSUFFICIENT_ACCESS": (403, "INSUFFICIENT_ACCESS", "insufficient access rights on Contact"),
    "FORBIDDEN": (403, "FORBIDDEN", "You don't have access to this resource"),
    "INVALID_FIELD": (
        400,
        "INVALID_FIELD",
        "\nSELECT Id,Foo FROM Contact\n          ^\nERROR at Row:1:Column:11\n"
        f"No such column 'Foo' on entity 'Contact'. {ADVICE}",
    ),
    "INVALID_FIELD_FILTER_TYPE": (
        400,
        "INVALID_FIELD",
        "value of filter criterion for field 'SystemModstamp' must be of type dateTime"
        " and should not be enclosed in quotes",
    ),
    "INVALID_FIELD_NOT_FILTERABLE": (
        400,
        "INVALID_FIELD",
        "field 'Description' can not be filtered in a query call",
    ),
    "INVALID_TYPE": (400, "INVALID_TYPE", f"sObject type 'Contact' is not supported. {ADVICE}"),
    "MALFORMED_QUERY": (400, "MALFORMED_QUERY", "unexpected token: 'x'"),
    "QUERY_TIMEOUT": (400, "QUERY_TIMEOUT", "Your query request was running for too long."),
    "INVALID_QUERY_LOCATOR": (400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
    "INVALID_QUERY_LOCATOR_404": (404, "INVALID_QUERY_LOCATOR", "invalid query locator"),
    "OPERATION_TOO_LARGE": (400, "OPERATION_TOO_LARGE", "exceeded 100000 distinct who/what's"),
    "UNABLE_TO_LOCK_ROW": (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    "EXCEEDED_ID_LIMIT": (400, "EXCEEDED_ID_LIMIT", "The number of Ids is more than 600000: narrow the interval"),
    "INVALID_REPLICATION_DATE": (
        400,
        "INVALID_REPLICATION_DATE",
        "startDate is before the oldest day that is kept",
    ),
    "NUMBER_OUTSIDE_VALID_RANGE": (400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
    "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS": (
        400,
        "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS",
        "maximum number of semi-join subselects exceeded",
    ),
    "QUERY_TOO_COMPLICATED": (
        400,
        "QUERY_TOO_COMPLICATED",
        "Query is either selecting too many fields or the filter conditions are too complicated.",
    ),
    "INVALIDENTITY": (400, "INVALIDENTITY", "Contact is not supported by the Bulk API"),
    "API_ERROR": (400, "API_ERROR", "Implementation restriction: Contact cannot be read with the Bulk API"),
    "LIMIT_EXCEEDED": (400, "LIMIT_EXCEEDED", "Max bulk v2 query jobs (10000) per 24 hrs has been reached (10021)"),
    "LIMIT_EXCEEDED_STORAGE": (
        400,
        "LIMIT_EXCEEDED",
        "Max bulk v2 query result size stored (1000000000) kb per 24 hrs has been exceeded",
    ),
    "INVALIDJOB": (400, "INVALIDJOB", "The job is not known"),
    "INVALIDJOBSTATE": (400, "INVALIDJOBSTATE", "The job's state does not allow this"),
    "NOT_FOUND": (404, "NOT_FOUND", "The requested resource does not exist"),
    "ENTITY_IS_DELETED": (404, "ENTITY_IS_DELETED", "entity is deleted"),
    "METHOD_NOT_ALLOWED": (
        405,
        "METHOD_NOT_ALLOWED",
        "HTTP Method not allowed. See the Allow header for the methods that are",
    ),
    "VERSION_MISMATCH": (409, "INVALIDJOB", "The job was created with another API version"),
    "GONE": (410, "GONE", "The requested API version is retired"),
    "URI_TOO_LONG": (414, "URI_TOO_LONG", "The URI is longer than 16384 bytes"),
    "TOO_MANY_REQUESTS": (429, "TOO_MANY_REQUESTS", "Too many requests"),
    "UNKNOWN_EXCEPTION": (
        500,
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567890-12345 (12345678)",
    ),
    "SERVER_UNAVAILABLE": (503, "SERVER_UNAVAILABLE", "The server is unavailable: try again later"),
}
TOKEN_MESSAGES: dict[str, tuple[str, str]] = {
    "invalid_grant": ("invalid_grant", "authentication failure"),
    "invalid_grant_approval": ("invalid_grant", "user hasn't approved this consumer"),
    "invalid_grant_audience": ("invalid_grant", "audience is invalid"),
    "invalid_grant_refresh": ("invalid_grant", "expired access/refresh token"),
    "invalid_grant_domain": ("invalid_grant", "request not supported on this domain"),
    "invalid_grant_user": ("invalid_grant", "no client credentials user enabled"),
    "invalid_client_id": ("invalid_client_id", "client identifier invalid"),
    "invalid_client": ("invalid_client", "invalid client credentials"),
    "unsupported_grant_type": ("unsupported_grant_type", "grant type not supported"),
    "inactive_user": ("inactive_user", "user is inactive"),
    "inactive_org": ("inactive_org", "organization is inactive"),
    "rate_limit_exceeded": ("rate_limit_exceeded", "login rate exceeded"),
}
PAGES: dict[str, tuple[int, str]] = {
    "MAINTENANCE": (
        503,
        "<html><head><title>Maintenance</title></head><body><h1>We are down for maintenance.</h1></body></html>\n",
    ),
    "BAD_GATEWAY": (502, "<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n"),
}
EMPTY = {"NOT_ACCEPTABLE": 406, "ENHANCE_YOUR_CALM": 420, "HEADERS_TOO_LONG": 431}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_named_error_has_salesforces_status_and_body(client: Client, name: str) -> None:
    status, code, message = MESSAGES[name]
    client.order({"kind": "query", "error": name})
    answer = client.query()
    assert (answer.status_code, answer.json()) == (status, [{"message": message, "errorCode": code}])
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert client.query().status_code == 200


@pytest.mark.parametrize("name", TOKEN_MESSAGES)
def test_a_named_error_of_the_token_endpoint_is_an_object_with_status_400(client: Client, name: str) -> None:
    code, description = TOKEN_MESSAGES[name]
    client.order({"kind": "token", "error": name})
    answer = client.http.post("/services/oauth2/token", data={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()) == (400, {"error": code, "error_description": description})


@pytest.mark.parametrize("name", PAGES)
def test_an_error_of_the_edge_is_a_page_of_html(client: Client, name: str) -> None:
    client.order({"error": name})
    answer = client.query()
    assert (answer.status_code, answer.text) == PAGES[name]
    assert answer.headers["Content-Type"] == "text/html"


@pytest.mark.parametrize("name", EMPTY)
def test_some_refusals_have_no_body(client: Client, name: str) -> None:
    client.order({"error": name})
    answer = client.query()
    assert (answer.status_code, answer.content) == (EMPTY[name], b"")


def test_every_error_that_can_be_named_is_one_of_those_above(client: Client) -> None:
    listed = {row["name"]: row["status"] for row in client.http.get("/__sandbox__/errors").json()["errors"]}
    statuses = {name: row[0] for name, row in (MESSAGES | PAGES).items()} | EMPTY
    assert listed == statuses | dict.fromkeys(TOKEN_MESSAGES, 400)


def test_an_error_may_say_something_else(client: Client) -> None:
    client.order({"error": {"name": "INVALID_FIELD", "message": "No such column 'Phone'"}})
    assert client.query().json() == [{"message": "No such column 'Phone'", "errorCode": "INVALID_FIELD"}]


def test_any_status_headers_and_body_can_be_answered(client: Client) -> None:
    client.order({"answer": {"status": 429, "headers": {"Retry-After": "7", "Content-Type": "text/x"}, "body": "wait"}})
    answer = client.query()
    assert (answer.status_code, answer.text) == (429, "wait")
    assert (answer.headers["Retry-After"], answer.headers["Content-Type"]) == ("7", "text/x")
    client.order({"answer": {"status": 200, "body": {"records": []}}})
    assert client.query().json() == {"records": []}

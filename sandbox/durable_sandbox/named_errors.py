"""Every error that Salesforce is known to answer, by name: the exact status and body, for faults to order."""

import json
from dataclasses import dataclass

_ARRAY, _OBJECT, _PAGE, _NOTHING = "array", "object", "page", "nothing"
_QUERY = "\nSELECT Id,Foo FROM {object}\n          ^\nERROR at Row:1:Column:11\n"
_ADVICE = (
    "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name."
    " Please reference your WSDL or the describe call for the appropriate names."
)
_TYPES = {_ARRAY: "application/json;charset=UTF-8", _OBJECT: "application/json;charset=UTF-8", _PAGE: "text/html"}


@dataclass(frozen=True)
class NamedError:
    """One answer: `code` and `message` in an array, in the token endpoint's object, as a page of HTML, or no body.

    `{object}` in a message stands for the object that the request is about.
    """

    name: str
    status: int
    code: str
    message: str
    form: str = _ARRAY

    def body(self, about: str, message: str | None = None) -> bytes:
        """The bytes of the body; `message` replaces the usual one."""
        text = self.message.replace("{object}", about) if message is None else message
        bodies: dict[str, str] = {
            _ARRAY: json.dumps([{"message": text, "errorCode": self.code}], separators=(",", ":")),
            _OBJECT: json.dumps({"error": self.code, "error_description": text}, separators=(",", ":")),
            _PAGE: f"<html><head><title>{self.code}</title></head><body><h1>{text}</h1></body></html>\n",
        }
        return bodies.get(self.form, "").encode()

    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that say what the body is."""
        kind = _TYPES.get(self.form)
        return (("Content-Type", kind),) if kind else ()


def _token(name: str, code: str, message: str) -> NamedError:
    return NamedError(name, 400, code, message, _OBJECT)


def _bad(name: str, message: str, code: str = "") -> NamedError:
    return NamedError(name, 400, code or name, message)


_ROWS = (
    NamedError("INVALID_SESSION_ID", 401, "INVALID_SESSION_ID", "Session expired or invalid"),
    NamedError(
        "INVALID_SESSION_ID_REST", 401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"
    ),
    NamedError("INVALID_AUTH_HEADER", 401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"),
    _token("invalid_grant", "invalid_grant", "authentication failure"),
    _token("invalid_grant_approval", "invalid_grant", "user hasn't approved this consumer"),
    _token("invalid_grant_audience", "invalid_grant", "audience is invalid"),
    _token("invalid_grant_refresh", "invalid_grant", "expired access/refresh token"),
    _token("invalid_grant_domain", "invalid_grant", "request not supported on this domain"),
    _token("invalid_grant_user", "invalid_grant", "no client credentials user enabled"),
    _token("invalid_client_id", "invalid_client_id", "client identifier invalid"),
    _token("invalid_client", "invalid_client", "invalid client credentials"),
    _token("unsupported_grant_type", "unsupported_grant_type", "grant type not supported"),
    _token("inactive_user", "inactive_user", "user is inactive"),
    _token("inactive_org", "inactive_org", "organization is inactive"),
    _token("rate_limit_exceeded", "rate_limit_exceeded", "login rate exceeded"),
    NamedError("REQUEST_LIMIT_EXCEEDED", 403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    NamedError(
        "REQUEST_LIMIT_EXCEEDED_CONCURRENT",
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
    ),
    NamedError(
        "API_DISABLED_FOR_ORG", 403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."
    ),
    NamedError("INSUFFICIENT_ACCESS", 403, "INSUFFICIENT_ACCESS", "insufficient access rights on {object}"),
    NamedError("FORBIDDEN", 403, "FORBIDDEN", "You don't have access to this resource"),
    _bad("INVALID_FIELD", _QUERY + "No such column 'Foo' on entity '{object}'. " + _ADVICE),
    _bad(
        "INVALID_FIELD_FILTER_TYPE",
        "value of filter criterion for field 'SystemModstamp' must be of type dateTime"
        " and should not be enclosed in quotes",
        "INVALID_FIELD",
    ),
    _bad("INVALID_FIELD_NOT_FILTERABLE", "field 'Description' can not be filtered in a query call", "INVALID_FIELD"),
    _bad("INVALID_TYPE", "sObject type '{object}' is not supported. " + _ADVICE),
    _bad("MALFORMED_QUERY", "unexpected token: 'x'"),
    _bad("QUERY_TIMEOUT", "Your query request was running for too long."),
    _bad("INVALID_QUERY_LOCATOR", "invalid query locator"),
    NamedError("INVALID_QUERY_LOCATOR_404", 404, "INVALID_QUERY_LOCATOR", "invalid query locator"),
    _bad("OPERATION_TOO_LARGE", "exceeded 100000 distinct who/what's"),
    _bad("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    _bad("EXCEEDED_ID_LIMIT", "The number of Ids is more than 600000: narrow the interval"),
    _bad("INVALID_REPLICATION_DATE", "startDate is before the oldest day that is kept"),
    _bad("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
    _bad("EXCEEDED_MAX_SEMIJOIN_SUBSELECTS", "maximum number of semi-join subselects exceeded"),
    _bad(
        "QUERY_TOO_COMPLICATED",
        "Query is either selecting too many fields or the filter conditions are too complicated.",
    ),
    _bad("INVALIDENTITY", "{object} is not supported by the Bulk API"),
    _bad("API_ERROR", "Implementation restriction: {object} cannot be read with the Bulk API"),
    _bad("LIMIT_EXCEEDED", "Max bulk v2 query jobs (10000) per 24 hrs has been reached (10021)"),
    _bad(
        "LIMIT_EXCEEDED_STORAGE",
        "Max bulk v2 query result size stored (1000000000) kb per 24 hrs has been exceeded",
        "LIMIT_EXCEEDED",
    ),
    _bad("INVALIDJOB", "The job is not known"),
    _bad("INVALIDJOBSTATE", "The job's state does not allow this"),
    NamedError("NOT_FOUND", 404, "NOT_FOUND", "The requested resource does not exist"),
    NamedError("ENTITY_IS_DELETED", 404, "ENTITY_IS_DELETED", "entity is deleted"),
    NamedError(
        "METHOD_NOT_ALLOWED",
        405,
        "METHOD_NOT_ALLOWED",
        "HTTP Method not allowed. See the Allow header for the methods that are",
    ),
    NamedError("NOT_ACCEPTABLE", 406, "", "", _NOTHING),
    NamedError("VERSION_MISMATCH", 409, "INVALIDJOB", "The job was created with another API version"),
    NamedError("GONE", 410, "GONE", "The requested API version is retired"),
    NamedError("URI_TOO_LONG", 414, "URI_TOO_LONG", "The URI is longer than 16384 bytes"),
    NamedError("ENHANCE_YOUR_CALM", 420, "", "", _NOTHING),
    NamedError("TOO_MANY_REQUESTS", 429, "TOO_MANY_REQUESTS", "Too many requests"),
    NamedError("HEADERS_TOO_LONG", 431, "", "", _NOTHING),
    NamedError(
        "UNKNOWN_EXCEPTION",
        500,
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support: 1234567890-12345 (12345678)",
    ),
    NamedError("BAD_GATEWAY", 502, "Bad Gateway", "Bad Gateway", _PAGE),
    NamedError("MAINTENANCE", 503, "Maintenance", "We are down for maintenance.", _PAGE),
    NamedError("SERVER_UNAVAILABLE", 503, "SERVER_UNAVAILABLE", "The server is unavailable: try again later"),
)
NAMED_ERRORS = {row.name: row for row in _ROWS}

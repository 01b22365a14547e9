"""What Snowflake's error numbers mean for a run: one table of number, error and remedy, each with its source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from durable_runtime.errors import (
    ConfigurationError,
    CredentialsRejected,
    DiskFull,
    Incomplete,
    LockHeld,
    PermissionMissing,
    PipelineError,
    StatementFailed,
    WarehouseUnavailable,
)

# How a row is known. Snowflake publishes no list of its numbers.
SOURCES = {
    "docs": "Snowflake's documentation shows the number with this message",
    "connector": "the source or tests of Snowflake's Python connector name it so",
    "drivers": "the source or tests of Snowflake's other drivers and tools name it so",
    "reported": "seen with this message in public reports from real accounts",
    "unconfirmed": "no public source was found",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """Error numbers that mean one thing: what happened, the error that it is here, and what to do."""

    numbers: tuple[int, ...]
    what: str
    kind: type[PipelineError]
    help: str
    source: str


def _row(numbers: int | Sequence[int], what: str, kind: type[PipelineError], help: str, source: str) -> Meaning:
    return Meaning((numbers,) if isinstance(numbers, int) else tuple(numbers), what, kind, help, source)


LOG_IN = (
    _row(390100, "user or password is wrong", CredentialsRejected,
         "Check `user` and the credential of the profile.", "connector"),
    _row(390101, "the user is disabled", CredentialsRejected,
         "Let an administrator run ALTER USER … SET DISABLED = FALSE.", "reported"),
    _row(390102, "the user is locked after failed log-ins", CredentialsRejected,
         "Correct the credential, then wait 15 minutes, or ALTER USER … SET MINS_TO_UNLOCK = 0.",
         "reported"),
    _row((390144, 394300, 394305, 394306), "the key-pair token is refused", CredentialsRejected,
         "Check `account` and `user`; an administrator finds the cause with SYSTEM$GET_LOGIN_FAILURE_DETAILS and the "
         "UUID in the message.", "docs"),
    _row((394301, 394302, 394303), "the key-pair token is expired or not valid yet", CredentialsRejected,
         "Set this machine's clock: a token is valid for a minute around Snowflake's time.", "docs"),
    _row(394304, "the public key of the user is another one", CredentialsRejected,
         "Compare `private_key` with RSA_PUBLIC_KEY_FP and RSA_PUBLIC_KEY_2_FP of DESC USER.", "docs"),
    _row(394307, "the token names another account than the address", CredentialsRejected,
         "Write `account` as <organization>-<account>, without dots.", "docs"),
    _row(390189, "the role does not exist or is not granted to the user", ConfigurationError,
         "Correct `role` in the profile, or GRANT ROLE … TO USER.", "drivers"),
    _row(390201, "the database, schema or warehouse does not exist or is not granted to the role", ConfigurationError,
         "Correct the profile, or GRANT USAGE on what the message names.", "drivers"),
    _row((390420, 390422), "a network policy keeps this machine out", PermissionMissing,
         "Add this machine's address to the network policy of the user or account.", "reported"),
    _row((666, 390913), "the account is suspended for lack of payment", PermissionMissing,
         "Let an account administrator add billing information.", "reported"),
    _row((390110, 390111, 390112, 390113, 390114, 390115), "the session has ended", WarehouseUnavailable,
         "Run again.", "connector"),
)  # fmt: skip

STATEMENTS = (
    _row(603, "Snowflake had an internal error", WarehouseUnavailable,
         "Run again; see status.snowflake.com.", "reported"),
    _row(604, "the statement was cancelled", WarehouseUnavailable,
         "Run again; QUERY_HISTORY says who cancelled it.", "connector"),
    _row(606, "no warehouse is selected", ConfigurationError,
         "Name a `warehouse` in the profile that the role may use.", "drivers"),
    _row(608, "the warehouse is suspended and does not resume by itself", ConfigurationError,
         "ALTER WAREHOUSE … SET AUTO_RESUME = TRUE.", "reported"),
    _row(625, "the table is locked by another statement, or too many wait for it", LockHeld,
         "Run again when it is free; SHOW LOCKS names the transaction.", "reported"),
    _row(630, "the statement ran into its time limit", WarehouseUnavailable,
         "Run again, with a larger warehouse or a higher STATEMENT_TIMEOUT_IN_SECONDS of the warehouse.", "drivers"),
    _row(904, "a column does not exist", StatementFailed,
         "Check that nobody renamed or dropped a column while the run was on, then run again.", "docs"),
    _row((1003, 1494), "the statement is not understood", StatementFailed,
         "Compile the requirements again with this version.", "connector"),
    _row((1998, 2002), "another object has the name", StatementFailed,
         "Rename or drop the view or table that the message names.", "drivers"),
    _row((2003, 2043), "an object does not exist, or the role may not see it", PermissionMissing,
         "Create it, or grant it to the profile's role.", "drivers"),
    _row(3001, "a privilege is missing", PermissionMissing,
         "Grant the privilege that the message names to the profile's role.", "drivers"),
    _row(3041, "an object exists, but the role has no privileges on it", PermissionMissing,
         "Grant the role what docs/reference/snowflake.md lists on it.", "drivers"),
    _row(3013, "the role is not assigned to the user", ConfigurationError,
         "GRANT ROLE … TO USER.", "drivers"),
    _row(40052, "a column's type cannot be changed so", StatementFailed,
         "Let `durable plan` show the change; Snowflake raises a precision but never a scale.", "drivers"),
    _row(90073, "the warehouse's resource monitor has used up its credits", WarehouseUnavailable,
         "Raise the quota, use another warehouse, or wait for the monitor's next period.", "reported"),
    _row(90084, "the account's limit of columns or objects is reached", StatementFailed,
         "Remove fields from the requirements, or ask Snowflake to raise the limit.", "reported"),
    _row(90105, "the session has no database", ConfigurationError,
         "Name `database` in the requirements or the profile, and GRANT USAGE on it.", "drivers"),
    _row(90106, "the session has no schema", ConfigurationError,
         "Name `schema` in the requirements or the profile, and GRANT USAGE on it.", "reported"),
    _row(91003, "the stage cannot be used", WarehouseUnavailable,
         "Run again; if it stays, DROP STAGE durable_stage, which the next run creates.", "drivers"),
    _row(91016, "the staged file is not on the stage", WarehouseUnavailable,
         "Run again; let nobody remove files from the stage durable_stage.", "unconfirmed"),
    _row((100037, 100038, 100039, 100040, 100069, 100078, 100082), "a value does not fit its column",
         StatementFailed, "Report it with the run's folder; the rows were checked before they were staged.", "docs"),
    _row(100035, "a text is no timestamp", StatementFailed,
         "Unset TIMESTAMP_INPUT_FORMAT of the user and account, or report it with the run's folder.", "reported"),
    _row(100072, "NULL for a column that is NOT NULL", StatementFailed,
         "Drop the NOT NULL that somebody added to the table.", "connector"),
    _row(100090, "two rows for one record in a MERGE", StatementFailed,
         "Remove the surplus rows of the table, or report it with the run's folder.", "docs"),
)  # fmt: skip

DRIVER = (
    _row((250001, 250002, 250003, 250005, 251011, 251012, 252007), "Snowflake cannot be reached",
         WarehouseUnavailable, "Check account, host, proxy and network.", "connector"),
    _row((250004, 251001, 251005, 251006, 251007), "the profile is incomplete or wrong", ConfigurationError,
         "Correct the profile in durable.toml.", "connector"),
    _row(251008, "the private key cannot be used", ConfigurationError,
         "Use an RSA key in PEM; docs/reference/snowflake.md says how to make one.", "connector"),
    _row(251010, "the key-pair token was refused until the time was up", CredentialsRejected,
         "Set this machine's clock, and check the user's public key.", "connector"),
    _row((252010, 252013), "a part of the answer did not arrive", WarehouseUnavailable, "Run again.", "connector"),
    _row((253001, 253002, 253003, 253004, 253009), "the stage's storage cannot be used", WarehouseUnavailable,
         "Check that this machine reaches the account's cloud storage (SYSTEM$ALLOWLIST lists it), then run again.",
         "connector"),
    _row(253006, "a staged file is gone from the state folder", Incomplete,
         "Let nothing clean the state folder while a run is on, then run again.", "connector"),
    _row(254007, "the server's certificate is revoked", ConfigurationError,
         "Something between this machine and Snowflake answers in its place: ask who runs the network.", "connector"),
    _row((*range(254001, 254007), *range(254008, 254021)), "the server's certificate cannot be checked",
         WarehouseUnavailable, "Check the proxy and the machine's certificate authorities.", "connector"),
    _row(290401, "the request is not authorised", CredentialsRejected,
         "Check `user` and the credential of the profile.", "reported"),
    _row(290403, "access is forbidden", PermissionMissing,
         "Check that the account's network policy lets this machine in, and `account`.", "connector"),
    _row(290404, "there is no such account", ConfigurationError,
         "Write `account` as <organization>-<account>; Snowsight shows it under Account.", "reported"),
    _row((290400, 290405, 290408, 290429, 290500, 290502, 290503, 290504), "Snowflake answers with an HTTP error",
         WarehouseUnavailable, "Run again later; see status.snowflake.com.", "connector"),
)  # fmt: skip

MEANINGS = (*LOG_IN, *STATEMENTS, *DRIVER)
ERRORS = {number: meaning for meaning in MEANINGS for number in meaning.numbers}

# For a number that is not in the table: the longest beginning of the SQLSTATE that is in this one.
SQLSTATES: dict[str, tuple[type[PipelineError], str]] = {
    "08": (WarehouseUnavailable, "Check the network, then run again."),
    "22": (StatementFailed, "Report it with the run's folder; the rows were checked before they were staged."),
    "22000": (StatementFailed, "Check that nobody changed the table, then run again."),
    "28": (CredentialsRejected, "Check `user` and the credential of the profile."),
    "40": (LockHeld, "Snowflake gave the transaction up; run again."),
    "42501": (PermissionMissing, "Grant the privilege that the message names to the profile's role."),
    "42S02": (PermissionMissing, "Create what the message names, or grant it to the profile's role."),
    "53": (WarehouseUnavailable, "Run again, with a larger warehouse."),
    "57014": (WarehouseUnavailable, "The statement was stopped; run again."),
    "57P03": (ConfigurationError, "Name a `warehouse` in the profile that the role may use."),
    "XX": (WarehouseUnavailable, "Run again; see status.snowflake.com."),
}

SERVER_ERRORS = (
    "InternalServerError",
    "ServiceUnavailableError",
    "BadGatewayError",
    "GatewayTimeoutError",
    "RequestTimeoutError",
    "TooManyRequests",
    "OtherHTTPRetryableError",
    "RequestExceedMaxRetryError",
    "TokenExpiredError",
    "PresignedUrlExpiredError",
)
# And where neither number nor SQLSTATE tells anything: the first class of the error that is in this table.
KINDS: tuple[tuple[str, type[PipelineError], str], ...] = (
    ("ForbiddenError", PermissionMissing, "Check that the account's network policy lets this machine in."),
    ("OperationalError", WarehouseUnavailable, "Check the network, then run again."),
    ("InterfaceError", WarehouseUnavailable, "Check the network, then run again."),
    ("HttpError", WarehouseUnavailable, "Check the network, then run again."),
    *((name, WarehouseUnavailable, "Snowflake answers with an error; run again later.") for name in SERVER_ERRORS),
    ("OSError", DiskFull, "Check the room and the rights of the state folder."),
    ("Exception", StatementFailed, "Check that nobody changed the table, then run again."),
)

LOG_IN_NUMBERS = range(390000, 395000)  # with a connection's SQLSTATE; Snowflake also has statements' errors there
REFUSED = (CredentialsRejected, "Snowflake refuses the log-in for the reason in the message.")

# An error about a value quotes it: a record's content, which belongs into no log.
VALUES = (
    (re.compile(r"\s*Row Values:.*", re.DOTALL), ""),
    (re.compile(r"(String|Numeric value|Timestamp|Date|Boolean value) (?:'.*'(?= is )|'.*')", re.DOTALL), r"\1 '…'"),
    (re.compile(r"(Error parsing JSON):.*", re.DOTALL), r"\1"),
)
LONGEST = 500


def classified(error: Exception, what: str) -> PipelineError:
    """The error that a driver's exception stands for: by its number, else by its SQLSTATE, else by its class."""
    kind, help = _meaning(error)
    return kind(f"{what}: {said(error)}", help=help)


def _meaning(error: Exception) -> tuple[type[PipelineError], str]:
    number, state = getattr(error, "errno", None) or 0, str(getattr(error, "sqlstate", None) or "")
    if number in ERRORS:
        return ERRORS[number].kind, ERRORS[number].help
    if number in LOG_IN_NUMBERS and state[:2] in ("08", "28"):
        return REFUSED  # asking again and again would lock the user
    for length in (5, 2):
        if state[:length] in SQLSTATES:
            return SQLSTATES[state[:length]]
    classes = {kind.__name__ for kind in type(error).__mro__}
    return next((kind, help) for name, kind, help in KINDS if name in classes)


def said(error: Exception) -> str:
    """What Snowflake said, on one line, without a record's values, and what its support asks for."""
    raw = getattr(error, "raw_msg", None)
    text = str(raw or error) or type(error).__name__
    for pattern, left in VALUES:
        text = pattern.sub(left, text)
    text = " ".join(text.split())
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    marks = ", ".join(_marks(error)) if raw else ""
    return f"{text} [{marks}]" if marks else text


def _marks(error: Exception) -> Iterator[str]:
    number, query = getattr(error, "errno", -1), getattr(error, "sfqid", None)
    if number > 0:
        yield f"Snowflake {number:06d}"
    if query:
        yield f"query {query}"

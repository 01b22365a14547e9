"""Snowflake's numbers, SQLSTATEs and the driver's classes become one of the product's errors, with what to do."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import snowflake.connector.errors as driver
from snowflake.connector import errorcode, network

from durable_runtime import errors
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
from durable_runtime.warehouse.snowflake_errors import (
    DRIVER,
    ERRORS,
    KINDS,
    LOG_IN,
    LONGEST,
    MEANINGS,
    SOURCES,
    SQLSTATES,
    STATEMENTS,
    Meaning,
    classified,
    said,
)

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "snowflake.md"
CLASSES = (driver.ProgrammingError, driver.OperationalError, driver.DatabaseError, driver.IntegrityError)
# A message as a real account or the driver gives it, and what a run makes of it.
SEEN: tuple[tuple[driver.Error, type[PipelineError], int], ...] = (
    (driver.DatabaseError(msg="Incorrect username or password was specified.", errno=390100, sqlstate="28000"),
     CredentialsRejected, 7),
    (driver.DatabaseError(msg="JWT token is invalid. [0ce9eb56-821d]", errno=390144, sqlstate="28000"),
     CredentialsRejected, 7),
    (driver.DatabaseError(msg="JWT token is invalid.", errno=394304, sqlstate="28000"), CredentialsRejected, 7),
    (driver.DatabaseError(msg="User temporarily locked.", errno=390102, sqlstate="08001"), CredentialsRejected, 7),
    (driver.DatabaseError(msg="Role 'LOADER' specified in the connect string does not exist or not authorized.",
                          errno=390189, sqlstate="08001"), ConfigurationError, 2),
    (driver.DatabaseError(msg="The requested warehouse does not exist or not authorized.", errno=390201),
     ConfigurationError, 2),
    (driver.DatabaseError(msg="Incoming request with IP/Token 192.0.2.1 is not allowed to access Snowflake.",
                          errno=390422, sqlstate="08001"), PermissionMissing, 7),
    (driver.ProgrammingError(msg="Authentication token has expired.", errno=390114), WarehouseUnavailable, 6),
    (driver.ProgrammingError(msg="SQL execution canceled", errno=604, sqlstate="57014"), WarehouseUnavailable, 6),
    (driver.ProgrammingError(msg="No active warehouse selected in the current session.", errno=606, sqlstate="57P03"),
     ConfigurationError, 2),
    (driver.ProgrammingError(msg="Statement '01b6' has locked table 'CUSTOMERS' in transaction 17. Your statement "
                             "'01b7' was aborted because the number of waiters for this lock exceeds the 20 "
                             "statements limit.", errno=625, sqlstate="57014"), LockHeld, 6),
    (driver.ProgrammingError(msg="Statement reached its statement or warehouse timeout of 300 second(s) and was "
                             "canceled.", errno=630, sqlstate="57014"), WarehouseUnavailable, 6),
    (driver.ProgrammingError(msg="Warehouse 'XS' cannot be resumed because resource monitor 'M' has exceeded its "
                             "quota.", errno=90073, sqlstate="22000"), WarehouseUnavailable, 6),
    (driver.ProgrammingError(msg="SQL compilation error:\nObject 'CRM.X' does not exist or not authorized.",
                             errno=2003, sqlstate="42S02"), PermissionMissing, 7),
    (driver.ProgrammingError(msg="SQL access control error:\nInsufficient privileges to operate on schema 'X'",
                             errno=3001, sqlstate="42501"), PermissionMissing, 7),
    (driver.ProgrammingError(msg="SQL compilation error:\nsyntax error line 1 at position 0", errno=1003,
                             sqlstate="42000"), StatementFailed, 7),
    (driver.IntegrityError(msg="NULL result in a non-nullable column", errno=100072, sqlstate="22000"),
     StatementFailed, 7),
    (driver.OperationalError(msg="250003: could not connect", errno=250003), WarehouseUnavailable, 6),
    (driver.OperationalError(msg="404 Not Found: post x.snowflakecomputing.com", errno=290404, sqlstate="08001"),
     ConfigurationError, 2),
    (driver.ForbiddenError(errno=403), PermissionMissing, 7),
    (driver.TooManyRequests(errno=429), WarehouseUnavailable, 6),
    (driver.ServiceUnavailableError(errno=503), WarehouseUnavailable, 6),
)  # fmt: skip


@pytest.mark.parametrize(("error", "kind", "exit_code"), SEEN, ids=lambda value: f"{getattr(value, 'errno', '')}")
def test_what_real_accounts_say_ends_as_documented(
    error: driver.Error, kind: type[PipelineError], exit_code: int
) -> None:
    ours = classified(error, "Snowflake refused a statement")
    assert (type(ours), ours.exit_code) == (kind, exit_code)
    assert ours.message.startswith("Snowflake refused a statement: ")


@pytest.mark.parametrize("meaning", MEANINGS, ids=lambda meaning: f"{meaning.numbers[0]:06d}")
def test_every_number_decides_whatever_the_class_and_sqlstate(meaning: Meaning) -> None:
    for number in meaning.numbers:
        for kind in CLASSES:
            for state in (None, "22000", "42501", "XX000"):
                ours = classified(kind(msg="said", errno=number, sqlstate=state), "Snowflake")
                assert (type(ours), ours.help) == (meaning.kind, meaning.help)
                assert ours.message == f"Snowflake: said [Snowflake {number:06d}]"


def test_every_row_says_what_happened_what_to_do_and_how_it_is_known() -> None:
    for meaning in MEANINGS:
        assert meaning.numbers
        assert meaning.source in SOURCES
        assert meaning.help.endswith(".")
        assert issubclass(meaning.kind, PipelineError)
        assert meaning.what
        assert meaning.what[-1] != "."
    assert len({meaning.what for meaning in MEANINGS}) == len(MEANINGS)


def test_no_number_is_in_two_rows() -> None:
    counted = Counter(number for meaning in MEANINGS for number in meaning.numbers)
    assert [number for number, times in counted.items() if times > 1] == []
    assert ERRORS.keys() == counted.keys()


def test_the_families_are_those_of_the_exit_codes() -> None:
    families = {family: {m.kind.family for m in rows} for family, rows in
                {"log-in": LOG_IN, "statement": STATEMENTS, "driver": DRIVER}.items()}  # fmt: skip
    assert families == {name: {"transient", "fatal"} for name in families}  # nothing here is for a person to approve
    assert {m.kind.exit_code for m in MEANINGS} == {2, 6, 7}


def test_the_drivers_refusals_of_a_credential_are_fatal() -> None:
    for code in network.CREDENTIAL_REJECTION_GS_CODES:
        assert ERRORS[int(code)].kind is CredentialsRejected


def test_the_drivers_own_numbers_are_named_as_the_driver_names_them() -> None:
    named = {value: name for name, value in vars(errorcode).items() if name.startswith("ER_")}
    own = [number for meaning in DRIVER for number in meaning.numbers if number < 290000]
    assert [number for number in own if number not in named] == []
    assert named[251008] == "ER_INVALID_PRIVATE_KEY"
    assert named[253006] == "ER_FILE_NOT_EXISTS"
    certificates = {number for number, name in named.items() if name.startswith("ER_OCSP") or name.endswith("_SSD")}
    assert certificates <= ERRORS.keys()


def test_http_numbers_are_the_drivers_base_and_the_status() -> None:
    assert errorcode.ER_HTTP_GENERAL_ERROR == 290000
    assert driver.ForbiddenError(errno=403).errno == 290403


@pytest.mark.parametrize("state", sorted(SQLSTATES))
def test_an_unknown_number_is_judged_by_its_sqlstate(state: str) -> None:
    ours = classified(driver.ProgrammingError(msg="new", errno=987654, sqlstate=state.ljust(5, "0")), "Snowflake")
    kind, help = SQLSTATES[state] if state != "22" else SQLSTATES["22000"]
    assert (type(ours), ours.help) == (kind, help)


def test_the_longer_sqlstate_wins() -> None:
    for state, kind in (("42501", PermissionMissing), ("57P03", ConfigurationError), ("22003", StatementFailed)):
        assert type(classified(driver.ProgrammingError(msg="new", errno=987654, sqlstate=state), "x")) is kind
    unknown = driver.ProgrammingError(msg="new", errno=987654, sqlstate="42999")
    assert type(classified(unknown, "x")) is StatementFailed


@pytest.mark.parametrize("state", ["08001", "08004", "28000"])
def test_a_log_in_that_is_refused_for_a_new_reason_is_not_tried_again(state: str) -> None:
    ours = classified(driver.DatabaseError(msg="a new rule", errno=394999, sqlstate=state), "Snowflake")
    assert (type(ours), ours.exit_code) == (CredentialsRejected, 7)


def test_a_statements_error_among_the_log_in_numbers_is_no_refusal() -> None:
    error = driver.ProgrammingError(msg="External volumes …", errno=393962, sqlstate="42601")
    assert type(classified(error, "Snowflake")) is StatementFailed


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (driver.OperationalError(msg="new"), WarehouseUnavailable),
        (driver.InterfaceError(msg="new"), WarehouseUnavailable),
        (driver.ProgrammingError(msg="new", errno=987654), StatementFailed),
        (driver.InternalServerError(), WarehouseUnavailable),
        (driver.RequestExceedMaxRetryError(), WarehouseUnavailable),
        (driver.PresignedUrlExpiredError(), WarehouseUnavailable),
        (driver.RevocationCheckError(), WarehouseUnavailable),
        (driver.NonRetryableTlsError(), WarehouseUnavailable),
        (FileNotFoundError(2, "No such file"), DiskFull),
        (OSError(28, "No space left on device"), DiskFull),
        (ValueError("a bug of the driver"), StatementFailed),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_without_a_known_number_the_class_decides(error: Exception, kind: type[PipelineError]) -> None:
    ours = classified(error, "Snowflake")
    assert type(ours) is kind
    assert ours.help.endswith(".")


def test_every_class_of_the_table_is_the_drivers_or_pythons() -> None:
    for name, kind, help in KINDS:
        assert hasattr(driver, name) or name in ("OSError", "Exception"), name
        assert issubclass(kind, PipelineError)
        assert help.endswith(".")


def test_every_error_is_public() -> None:
    for kind in {m.kind for m in MEANINGS} | {kind for kind, _ in SQLSTATES.values()} | {kind for _, kind, _ in KINDS}:
        assert getattr(errors, kind.__name__) is kind
    assert ERRORS[253006].kind is Incomplete


def test_the_message_is_one_line_with_number_and_query() -> None:
    error = driver.ProgrammingError(
        msg="SQL compilation error:\nObject 'X' does not exist.", errno=2003, sqlstate="42S02", sfqid="01b8-11"
    )
    assert said(error) == "SQL compilation error: Object 'X' does not exist. [Snowflake 002003, query 01b8-11]"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('Duplicate row detected during DML action\nRow Values: ["001A", "Jo\nSmith"]',
         "Duplicate row detected during DML action"),
        ("String 'Jo Smith' is too long and would be truncated", "String '…' is too long and would be truncated"),
        ("Numeric value 'O'Neill's 12' is not recognized\n  File 'f.parquet', line 3",
         "Numeric value '…' is not recognized File 'f.parquet', line 3"),
        ("Timestamp '1999-13-01' is not recognized", "Timestamp '…' is not recognized"),
        ('Error parsing JSON: unknown keyword "Smith", pos 4', "Error parsing JSON"),
        ("Object 'CUSTOMERS' already exists.", "Object 'CUSTOMERS' already exists."),
    ],
)  # fmt: skip
def test_a_records_values_stay_out_of_the_message(text: str, left: str) -> None:
    assert said(driver.ProgrammingError(msg=text, errno=100038)) == f"{left} [Snowflake 100038]"


def test_a_long_message_is_cut() -> None:
    text = said(driver.ProgrammingError(msg="x" * 5000, errno=1003))
    assert text == "x" * (LONGEST - 1) + "… [Snowflake 001003]"


def test_an_error_without_words_has_its_name() -> None:
    assert said(ValueError()) == "ValueError"


def test_an_operating_systems_number_is_not_taken_for_snowflakes() -> None:
    assert said(OSError(28, "No space left on device")) == "[Errno 28] No space left on device"


def test_the_page_lists_every_number_of_the_table() -> None:
    line = r"^\| ([0-9, –]+) \| (.+?) \| `(\w+)`, exit (\d) \| (.+?) \| (\w+) \|$"
    rows = re.findall(line, PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    expected = [
        (", ".join(map(_written, _spans(m.numbers))), m.what, m.kind.__name__, str(m.kind.exit_code), m.help, m.source)
        for m in MEANINGS
    ]
    assert rows == expected


def _spans(numbers: tuple[int, ...]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans


def _written(span: tuple[int, int]) -> str:
    first, last = (f"{number:06d}" for number in span)
    return first if first == last else f"{first} – {last}"

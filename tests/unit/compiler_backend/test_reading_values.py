"""What landed text becomes: the exact value or a refusal, never a rounded or guessed one."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from durable_runtime.errors import Incomplete
from durable_runtime.macros import MACROS
from durable_runtime.spec import Column, Transform
from durable_runtime.transformation import Stamp, stage

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def macros() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for macro in MACROS:
            connection.execute(macro)
        yield connection


def ask(connection: duckdb.DuckDBPyConnection, kind: str, text: str | None) -> tuple[bool, Any]:
    """(whether the text fits, what it reads as if it does: a row with a text that does not is rejected whole)."""
    value = f"CASE WHEN {kind}_fits(x) THEN read_{kind}(x) END"
    row = connection.execute(f"SELECT {kind}_fits(x), {value} FROM (SELECT ?::VARCHAR AS x)", [text]).fetchone()
    assert row is not None
    return row[0], row[1]


def exact(text: str) -> Decimal | None:
    """The number, if it is one with at most 20 digits before and 18 after the point."""
    if not re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", text):
        return None
    with localcontext(prec=3000, Emax=999999, Emin=-999999):
        number = Decimal(text)
        fits = abs(number) < 10**20 and number == number.quantize(Decimal("1e-18"))
    return number if fits else None


DIGITS = st.text("0123456789", max_size=24)
SIGNS = st.sampled_from(["", "-", "+"])
EXPONENTS = st.just("") | st.builds("{}{}{}".format, st.sampled_from("eE"), SIGNS, st.integers(0, 40))
NUMBERS = st.builds("{}{}{}{}{}".format, SIGNS, DIGITS, st.sampled_from(["", "."]), DIGITS, EXPONENTS)
LOOSE = st.text("0123456789.-+eE _,xInfNa", max_size=8)


@given(NUMBERS | LOOSE | st.floats().map(repr) | st.integers().map(str))
@example("1.25E7")
@example("0.1234567890123456789")
@example("99999999999999999999.999999999999999999")
@example("99999999999999999999.9999999999999999995")
@example("1e-18")
@example("5e-19")
@example("-0")
@example("1_000")
@example("1\n")
@example("0e999")
@example("1234567890123456789012345678E-9")
@example("00000000000000000000001")
@QUICK
def test_a_number_is_read_exactly_or_refused(macros: duckdb.DuckDBPyConnection, text: str) -> None:
    assert ask(macros, "number", text) == (exact(text) is not None, exact(text))


@given(NUMBERS | LOOSE | st.integers().map(str) | st.integers(-(2**63) - 5, 2**63 + 5).map(str))
@example("9223372036854775807")
@example("9223372036854775808")
@example("-9223372036854775808")
@example("1.0")
@example("1.5")
@example("1.25E7")
@example("1.5e1")
@example("0E21")
@QUICK
def test_an_integer_is_read_exactly_or_refused(macros: duckdb.DuckDBPyConnection, text: str) -> None:
    number = exact(text)
    whole = number if number is not None and number == int(number) and -(2**63) <= number < 2**63 else None
    assert ask(macros, "integer", text) == (whole is not None, whole)


@given(st.dates().map(str) | st.from_regex(r"\d{4}-\d\d-\d\d", fullmatch=True) | st.text("0123456789-", max_size=11))
@example("2024-02-30")
@example("2024-02-29 ")
@example("0000-01-01")
@QUICK
def test_a_date_is_read_exactly_or_refused(macros: duckdb.DuckDBPyConnection, text: str) -> None:
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        day = None
    assert ask(macros, "date", text) == (day is not None, day)


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(
    st.datetimes(datetime.fromisoformat("1700-01-02"), datetime.fromisoformat("4000-12-30")),
    ZONES,
    st.sampled_from(["Z", "+hh:mm", "+hhmm"]),
)
@QUICK
def test_a_timestamp_is_read_to_the_microsecond_in_utc(
    macros: duckdb.DuckDBPyConnection, moment: datetime, zone: timezone, style: str
) -> None:
    zoned = moment.replace(tzinfo=UTC if style == "Z" else zone)
    text = zoned.isoformat()
    text = {"Z": text.replace("+00:00", "Z"), "+hhmm": text[:-3] + text[-2:]}.get(style, text)
    assert ask(macros, "timestamp", text) == (True, zoned.astimezone(UTC).replace(tzinfo=None))


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-30T00:00:00.000Z",
        "2024-02-28T25:00:00.000Z",
        "2024-02-28T24:00:00.000Z",
        "0000-02-28T00:00:00.000Z",
        "2024-02-28T00:00:60.000Z",
        "2024-02-28T00:00:00.1234567Z",
        "2024-02-28T00:00:00",
        "2024-02-28",
        "2024-02-28 00:00:00Z",
        "now",
        "infinity",
        "",
    ],
)
def test_what_is_no_timestamp_is_refused(macros: duckdb.DuckDBPyConnection, text: str) -> None:
    assert ask(macros, "timestamp", text)[0] is False


@given(st.times())
@QUICK
def test_a_time_is_read_to_the_microsecond(macros: duckdb.DuckDBPyConnection, clock: time) -> None:
    assert ask(macros, "time", f"{clock.isoformat()}Z") == (True, clock)


@pytest.mark.parametrize("text", ["25:00:00.000Z", "24:00:00.000Z", "12:60:00Z", "12:00", "noon", "12:00:00.1234567Z"])
def test_what_is_no_time_is_refused(macros: duckdb.DuckDBPyConnection, text: str) -> None:
    assert ask(macros, "time", text)[0] is False


@given(st.sampled_from(["true", "false"]) | st.text(max_size=5))
@QUICK
def test_a_boolean_is_one_of_two_words(macros: duckdb.DuckDBPyConnection, text: str) -> None:
    expected = {"true": True, "false": False}.get(text)
    assert ask(macros, "boolean", text) == (expected is not None, expected)


@pytest.mark.parametrize("kind", ["number", "integer", "date", "timestamp", "time", "boolean"])
def test_null_fits_everywhere_and_stays_null(macros: duckdb.DuckDBPyConnection, kind: str) -> None:
    assert ask(macros, kind, None) == (True, None)


SELECT = """
SELECT
    "Id" AS source_id,
    read_timestamp("SystemModstamp") AS source_modified_at,
    coalesce(read_boolean("IsDeleted"), FALSE) AS is_deleted,
    NULL::TIMESTAMP AS __created_at,
    "Text" AS text,
    NULL::VARCHAR AS __misfit,
    __extensions AS extensions,
    __record
FROM landed
"""
TRANSFORM = Transform("Account", SELECT, (Column("text", "VARCHAR", "VARCHAR", "Text"),))
HEADER = ("Id", "IsDeleted", "SystemModstamp", "Text", "Other__c")
STAMP = Stamp("run-1", datetime.fromisoformat("2026-11-22T02:00:00"), "1.0.0")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
AWKWARD = st.lists(st.sampled_from(["\r", "\n", '"', ",", "'", " ", "\t", "\\", "🦆", "NULL", "a", "\ufeff"])).map(
    "".join
)


@given(st.lists(TEXTS | AWKWARD, min_size=1, max_size=30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_of_a_page_reaches_the_staged_file_unchanged(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("stage")
    with (folder / "page.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        rows = [(f"{at:018d}", "false", "2026-11-22T01:02:03.000Z", one, one) for at, one in enumerate(texts)]
        writer.writerows([HEADER, *rows])
    staged = stage(
        TRANSFORM,
        [folder / "page.csv"],
        header=HEADER,
        extra=["Other__c"],
        requirement="R1",
        stamp=STAMP,
        batch_rows=1000,
        folder=folder,
        key=bytes(32),
    )
    assert staged.rows == len(texts)
    file_name = str(staged.batches[0][0])
    query = "SELECT text, extensions ->> 'Other__c' FROM read_parquet(?) ORDER BY source_id"
    found = duckdb.connect().execute(query, [file_name]).fetchall()
    assert found == [(one or None, one or None) for one in texts]


def test_bytes_that_are_no_utf_8_stop_the_run_without_showing_them(tmp_path: Path) -> None:
    page = tmp_path / "page.csv"
    page.write_bytes(
        b'"Id","IsDeleted","SystemModstamp","Text"\n"1","false","2026-11-22T01:02:03.000Z","secret \xff"\n'
    )
    with pytest.raises(Incomplete, match="bytes that are not UTF-8; nothing was loaded") as told:
        stage(
            TRANSFORM, [page], header=HEADER[:4], extra=[], requirement="R1", stamp=STAMP, batch_rows=1000,
            folder=tmp_path, key=bytes(32),
        )  # fmt: skip
    assert "secret" not in str(told.value)

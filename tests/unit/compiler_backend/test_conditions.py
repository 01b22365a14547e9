"""A condition means one thing: Python, DuckDB and Snowflake SQL agree, and the SOQL superset misses no record."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from durable_compiler.catalogue import FieldSchema, Snapshot
from durable_compiler.conditions_sql import duckdb as duckdb_sql
from durable_compiler.conditions_sql import snowflake as snowflake_sql
from durable_compiler.evaluation import evaluate
from durable_compiler.expression_types import Mismatch, Typed, condition, fields_of, moves, typed, violation
from durable_compiler.ir import Expression, FieldRef, Literal_, Operation
from durable_compiler.soql import superset
from durable_runtime.macros import MACROS
from durable_sandbox.evaluate import evaluate as select
from durable_sandbox.objects import Field, ObjectType
from durable_sandbox.soql import parse
from durable_sandbox.store import Table
from unit.compiler_backend.spec import describe, snapshot

FIELDS = {
    "Name": "string", "City": "picklist", "Score": "double", "Count": "int", "Day": "date",
    "Moment": "datetime", "Flag": "boolean", "Other": "email", "Until": "date",
}  # fmt: skip
KINDS = {"double": "number", "int": "integer", "date": "date", "datetime": "timestamp", "boolean": "boolean"}
COLUMNS = {"number": "DECIMAL(38,18)", "integer": "BIGINT", "date": "DATE", "timestamp": "TIMESTAMP"}
COLUMNS |= {"boolean": "BOOLEAN", "text": "VARCHAR"}
SCHEMA: Snapshot = snapshot(describe("Thing", FIELDS))
TEXTS = ["a", "A", "ab", "12", "İstanbul", "istanbul", "i̇stanbul", "ISTANBUL", "ıstanbul", "ß", "SS", "N/A", " ", "é"]
TEXTS += ["e\u0301", "a%b", "a_b", "o'Neil", "null", "🦆", "back\\slash", "\u2028", "it''s", "-"]
NUMBERS = [
    Decimal(one)
    for one in ("0", "1", "-1", "99999999999999999999", "0.5", "2.5", "-2.5", "10", "0.333333333333333333", "1000000")
]
NUMBERS += [Decimal("-0.000000000000000001"), Decimal("12345678901.123456789")]
DAYS = [date(2024, 2, 29), date(2024, 3, 31), date(2024, 1, 31), date(2023, 12, 31), date(2024, 10, 27)]
DAYS += [date(1999, 6, 1)]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/St_Johns"]
MOMENTS = [
    datetime.combine(day, time.fromisoformat(clock))
    for day in DAYS
    for clock in ("00:00:00", "22:59:59.999", "04:30:00.001", "12:00:00")
]
VALUES: dict[str, list[Any]] = {
    "text": TEXTS, "number": NUMBERS, "integer": [0, 1, -1, 10, 2**40], "date": DAYS, "timestamp": MOMENTS,
    "boolean": [True, False],
}  # fmt: skip
DURATIONS = ["P1D", "P30D", "P1M", "P24M", "P1Y", "P2W", "P1M1D", "P0D"]
PATTERNS = [r"[A-Za-z]+", r"\d\d", r"a.b", r".*İ.*", r"(a|ab)", r"\w{1,3}", r"o'[A-Z]eil", r"back\\slash", r"N/A|-"]


def kind_of(field: FieldRef) -> str | None:
    kind = FIELDS.get(field.name)
    return None if kind is None else KINDS.get(kind, "text")


def records() -> list[dict[str, Any]]:
    chance = random.Random(11)
    found: list[dict[str, Any]] = [dict.fromkeys(FIELDS)]
    for _ in range(79):
        row = {}
        for name in FIELDS:
            pool = VALUES[kind_of(FieldRef(object="Thing", name=name)) or ""]
            row[name] = None if name != "Flag" and chance.random() < 0.2 else chance.choice(pool)
        found.append(row)
    return found


RECORDS = records()


@pytest.fixture(scope="module")
def table() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for macro in MACROS:
            connection.execute(macro)
        columns = [f"{name} {COLUMNS[KINDS.get(kind, 'text')]}" for name, kind in FIELDS.items()]
        connection.execute(f"CREATE TABLE things (place INTEGER, {', '.join(columns)})")
        marks = ", ".join("?" for _ in range(len(columns) + 1))
        rows = [(at, *row.values()) for at, row in enumerate(RECORDS)]
        connection.executemany(f"INSERT INTO things VALUES ({marks})", rows)
        yield connection


def store() -> Any:
    kinds = (Field("Id", "Id", "id"), *(Field(name, name, kind, length=80) for name, kind in FIELDS.items()))
    rows = [(f"a{at:017d}", *(landed(value) for value in row.values())) for at, row in enumerate(RECORDS)]
    things = Table(ObjectType("Thing", "Thing", "Things", "a00", kinds), rows)
    return SimpleNamespace(table=lambda name: things if name.lower() == "thing" else None)


def landed(value: Any) -> str:
    """A value as Salesforce holds it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"{value.isoformat(timespec='milliseconds')}Z"
    return "" if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)


STORE = store()


def call(op: str, *args: Expression) -> Operation:
    return Operation.model_validate({"op": op, "args": args})


def field(name: str) -> FieldRef:
    return FieldRef(object="Thing", name=name)


def literal(value: Any, kind: str) -> Literal_:
    shown = value.isoformat() if isinstance(value, date) else float(value) if isinstance(value, Decimal) else value
    return Literal_(value=shown, type="number" if kind == "integer" else kind)


NARROW = [one for one in NUMBERS if len(one.as_tuple().digits) <= 15]


def constants(kind: str) -> st.SearchStrategy[Expression]:
    pool = NARROW if kind == "number" else VALUES[kind]
    made: st.SearchStrategy[Expression] = st.sampled_from(pool).map(lambda value: literal(value, kind))
    return made | st.just(Literal_(value=None, type="text")) if kind in ("text", "number") else made


def fields(kind: str) -> st.SearchStrategy[Expression]:
    names = [name for name in FIELDS if kind_of(field(name)) in (kind, "integer" if kind == "number" else kind)]
    return st.sampled_from([field(name) for name in names])


def present(kind: str) -> st.SearchStrategy[Expression]:
    word = {"date": "today", "timestamp": "now"}[kind]
    return st.just(call(word))


def shifted(kind: str) -> st.SearchStrategy[Expression]:
    by = st.sampled_from(DURATIONS + (["PT90M", "P1DT1S"] if kind == "timestamp" else []))
    base = fields(kind) | constants(kind) | present(kind)
    made = st.tuples(st.sampled_from(["add", "sub"]), base, by)
    return made.map(lambda parts: call(parts[0], parts[1], Literal_(value=parts[2], type="duration")))


def calculated(sure: bool) -> st.SearchStrategy[Expression]:
    signs = ["add", "sub"] if sure else ["add", "sub", "mul", "div"]
    base = fields("number") | constants("number")
    pairs = st.tuples(st.sampled_from(signs), base, base).map(lambda parts: call(*parts))
    days = st.tuples(*[fields("date") | fields("timestamp") | present("date")] * 2)
    between = days.map(lambda parts: call("days_between", *parts))
    rounds = st.tuples(base, st.integers(0, 4)).map(lambda one: call("round", one[0], literal(one[1], "integer")))
    return pairs | between | rounds


def joined() -> st.SearchStrategy[Expression]:
    parts = fields("text") | fields("date") | fields("boolean") | fields("number") | fields("timestamp")
    gap = st.sampled_from([" ", ", ", "'", "\\"]).map(lambda text: literal(text, "text"))
    spaced = st.tuples(parts, gap, parts).map(lambda one: call("concat", *one))
    loose = st.lists(parts | gap, min_size=1, max_size=4).map(lambda one: call("concat", *one))
    return spaced | loose


def values(kind: str, sure: bool) -> st.SearchStrategy[Expression]:
    base = fields(kind) | constants(kind)
    if kind in ("date", "timestamp"):
        base = base | present(kind) | shifted(kind)
    if kind == "number":
        base = base | calculated(sure)
    if kind == "text":
        base = base | joined()
    return base | st.tuples(fields(kind), base).map(lambda one: call("coalesce", *one))


def comparisons(sure: bool) -> st.SearchStrategy[Expression]:
    def of(kind: str) -> st.SearchStrategy[Expression]:
        ordered = ["eq", "ne"] if kind == "boolean" else ["eq", "ne", "lt", "le", "gt", "ge"]
        one = values(kind, sure)
        other = one | values("timestamp", sure) if kind == "date" else one
        pairs = st.tuples(st.sampled_from(ordered), one, other).map(lambda parts: call(*parts))
        among = st.tuples(one, st.lists(constants(kind), min_size=1, max_size=3)).map(lambda p: call("in", p[0], *p[1]))
        within = st.tuples(one, constants(kind), constants(kind)).map(lambda parts: call("between", *parts))
        absent = st.tuples(st.sampled_from(["is_null", "not_null"]), one).map(lambda parts: call(*parts))
        return pairs | among | absent | (within if kind != "boolean" else absent)

    ops = st.sampled_from(["contains", "starts_with"])
    searches = st.tuples(ops, fields("text"), fields("text") | constants("text")).map(lambda parts: call(*parts))
    shapes = st.tuples(fields("text"), st.sampled_from(PATTERNS)).map(
        lambda parts: call("matches", parts[0], literal(parts[1], "text"))
    )
    kinds = [of(kind) for kind in ("text", "number", "date", "timestamp", "boolean")]
    return st.one_of(*kinds, searches, shapes, fields("boolean"))


def conditions(sure: bool = True) -> st.SearchStrategy[Expression]:
    """Conditions of every operator; `sure` leaves out the arithmetic that the stand-in for Snowflake does in floats."""

    def deeper(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        junction = st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3))
        return inner.map(lambda one: call("not", one)) | junction.map(lambda parts: call(parts[0], *parts[1]))

    return st.recursive(comparisons(sure), deeper, max_leaves=5)


NOWS = st.builds(
    lambda zone, moment, days: moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)) + timedelta(days=days),
    st.sampled_from(ZONES),
    st.sampled_from(MOMENTS),
    st.integers(-2, 2),
)


def name_of(one: FieldRef) -> str:
    return one.name


def in_duckdb(table: duckdb.DuckDBPyConnection, one: Typed, now: datetime) -> list[Any]:
    utc = now.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
    table.execute("SET VARIABLE run_moment = ?", [utc])
    table.execute("SET VARIABLE run_day = ?", [now.date()])
    zone = str(now.tzinfo)
    found = table.execute(f"SELECT {duckdb_sql(one, name_of, zone)} FROM things ORDER BY place").fetchall()
    return [value for (value,) in found]


def in_snowflake(table: duckdb.DuckDBPyConnection, one: Typed, now: datetime) -> list[Any]:
    statement = f"SELECT {snowflake_sql(one, name_of, now)} FROM things ORDER BY place"
    (translated,) = sqlglot.transpile(statement, read="snowflake", write="duckdb")
    table.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")  # which the translation of array functions writes
    found = table.execute(translated).fetchall()
    table.execute("RESET lambda_syntax")
    return [value for (value,) in found]


def in_salesforce(soql: str, now: datetime) -> set[int]:
    found = select(parse(f"SELECT Id FROM Thing WHERE {soql}"), STORE, now, True)
    return {int(row[0][1:]) for row in found.rows}


def untouched(one: FieldRef) -> FieldSchema | None:
    return SCHEMA.by_name["Thing"].field(one.name)


def truths(one: Typed, now: datetime) -> list[bool]:
    return [evaluate(one, row, now) is True for row in RECORDS]


@given(conditions(), NOWS)
@settings(max_examples=500, deadline=None)
def test_a_condition_chooses_the_same_records_wherever_it_runs(
    table: duckdb.DuckDBPyConnection, one: Expression, now: datetime
) -> None:
    whole = condition(call("and", one), kind_of)
    expected = truths(whole, now)
    assert in_duckdb(table, whole, now) == expected
    assert in_snowflake(table, whole, now) == expected
    soql = superset(whole, untouched, now)
    if soql is not None:
        assert {at for at, chosen in enumerate(expected) if chosen} <= in_salesforce(soql, now)


@given(conditions(sure=False), NOWS)
@settings(max_examples=200, deadline=None)
def test_exact_arithmetic_chooses_the_same_records_in_python_and_duckdb(
    table: duckdb.DuckDBPyConnection, one: Expression, now: datetime
) -> None:
    whole = condition(call("and", one), kind_of)
    assert in_duckdb(table, whole, now) == truths(whole, now)


@given(st.one_of(*(values(kind, sure=False) for kind in ("text", "number", "date", "timestamp"))), NOWS)
@settings(max_examples=200, deadline=None)
def test_a_computed_value_is_the_same_in_python_and_duckdb(
    table: duckdb.DuckDBPyConnection, one: Expression, now: datetime
) -> None:
    whole = typed(one, kind_of)
    assert in_duckdb(table, whole, now) == [evaluate(whole, row, now) for row in RECORDS]


@given(conditions(sure=False), NOWS)
@settings(max_examples=200, deadline=None)
def test_not_is_the_exact_complement(one: Expression, now: datetime) -> None:
    chosen = truths(condition(one, kind_of), now)
    assert truths(condition(call("not", one), kind_of), now) == [not value for value in chosen]


@given(comparisons(sure=True), NOWS)
@settings(max_examples=200, deadline=None)
def test_a_record_never_breaks_a_check_that_it_meets_and_a_missing_value_breaks_none(
    one: Expression, now: datetime
) -> None:
    broken = truths(condition(violation(one), kind_of), now)
    met = truths(condition(one, kind_of), now)
    asks_for_null = isinstance(one, Operation) and one.op in ("is_null", "not_null")
    for row, holds, breaks in zip(RECORDS, met, broken, strict=True):
        assert not (holds and breaks)
        if all(row[used.name] is not None for used in fields_of(one)) and "coalesce" not in str(one):
            assert holds or breaks or has_null_part(one, row, now)
        elif not asks_for_null and isinstance(one, Operation) and isinstance(one.args[0], FieldRef):
            assert not (breaks and row[one.args[0].name] is None)


def has_null_part(one: Expression, row: dict[str, Any], now: datetime) -> bool:
    """Whether a constant is null, or a result (a quotient by zero, a sum too large) has no value."""
    if not isinstance(one, Operation):
        return False
    return any(evaluate(typed(arg, kind_of), row, now) is None for arg in one.args)


CASES: dict[str, tuple[Expression, dict[str, Any], bool]] = {
    "a null compares as false": (call("eq", field("Name"), literal("a", "text")), {"Name": None}, False),
    "a null differs from everything": (call("ne", field("Name"), literal("a", "text")), {"Name": None}, True),
    "text compares by case": (call("eq", field("Name"), literal("a", "text")), {"Name": "A"}, False),
    "a dotted capital is no other letter": (
        call("eq", field("Name"), literal("istanbul", "text")),
        {"Name": "İstanbul"},
        False,
    ),
    "between holds at its ends": (
        call("between", field("Score"), literal(0, "number"), literal(1, "number")),
        {"Score": Decimal(1)},
        True,
    ),
    "a missing part takes its gap along": (
        call("eq", call("concat", field("Name"), literal(" ", "text"), field("City")), literal("b", "text")),
        {"Name": None, "City": "b"},
        True,
    ),
    "the last of a month is clamped": (
        call("eq", call("sub", field("Day"), Literal_(value="P1M", type="duration")), literal(DAYS[0], "date")),
        {"Day": date(2024, 3, 31)},
        True,
    ),
    "a moment falls on the day of the schedule's zone": (
        call("eq", field("Moment"), literal(date(2024, 3, 1), "date")),
        {"Moment": datetime.fromisoformat("2024-02-29T23:30:00")},
        True,
    ),
    "days are counted by the calendar": (
        call("eq", call("days_between", call("today"), field("Day")), literal(1, "number")),
        {"Day": date(2024, 3, 2)},
        True,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_condition_means_what_its_words_say(case: str) -> None:
    one, row, expected = CASES[case]
    now = datetime(2024, 3, 1, 0, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert evaluate(condition(one, kind_of), row, now) is expected


SOQL = {
    "Name = 'o\\'Neil'": call("eq", field("Name"), literal("o'Neil", "text")),
    "Score >= 10000000": call("ge", field("Score"), literal(10000000, "number")),
    "(Score < 0.5 OR Score = null)": call("not", call("ge", field("Score"), literal(0.5, "number"))),
    "Count > 10": call("gt", field("Count"), literal(10.5, "number")),
    "Name = null": call("is_null", field("Name")),
    "Flag = true": call("eq", field("Flag"), literal(True, "boolean")),
    "Name LIKE 'a\\%b%'": call("starts_with", field("Name"), literal("a%b", "text")),
    "Day >= 2024-02-28": call("ge", field("Day"), call("sub", call("today"), Literal_(value="P2D", type="duration"))),
    "(Name = 'a' AND City = 'b')": call(
        "and",
        *(call("eq", field(one), literal(two, "text")) for one, two in (("Name", "a"), ("City", "b"))),
        call("ne", field("Name"), literal("c", "text")),
    ),
}


@pytest.mark.parametrize("soql", SOQL)
def test_a_superset_is_written_as_soql_reads_it(soql: str) -> None:
    now = datetime(2024, 3, 1, 12, tzinfo=ZoneInfo("UTC"))
    assert superset(condition(SOQL[soql], kind_of), untouched, now) == soql


UNSAFE = [
    call("ne", field("Name"), literal("a", "text")),
    call("lt", field("Name"), literal("b", "text")),
    call("eq", field("Name"), literal(" a", "text")),
    call("eq", field("Name"), field("City")),
    call("or", call("eq", field("Name"), literal("a", "text")), call("ne", field("Name"), literal("b", "text"))),
]


@pytest.mark.parametrize("one", UNSAFE, ids=str)
def test_what_salesforce_reads_differently_is_not_asked_of_it(one: Expression) -> None:
    assert superset(condition(one, kind_of), untouched, datetime(2024, 3, 1, tzinfo=ZoneInfo("UTC"))) is None


MEANINGLESS = {
    "values of different types": call("eq", field("Score"), literal("Blue", "text")),
    "values that have an order": call("lt", field("Flag"), literal(True, "boolean")),
    "is not among the fields that are read": call("is_null", field("Nothing")),
    "is no date": call("eq", field("Day"), Literal_(value="2024-02-30", type="date")),
    "a date has no hours": call("eq", field("Day"), call("add", field("Day"), Literal_(value="PT1H", type="duration"))),
    "calculates with numbers": call("gt", call("mul", field("Name"), literal(2, "number")), literal(1, "number")),
    "searches text": call("contains", field("Score"), literal("1", "text")),
    "a condition is expected": call("add", field("Score"), literal(1, "number")),
    "different engines": call("matches", field("Name"), literal(r"(?<=a)b", "text")),
    "is no number": call("gt", field("Score"), literal(1e25, "number")),
    "0 to 18 digits": call("gt", call("round", field("Score"), literal(19, "integer")), literal(1, "number")),
}


@pytest.mark.parametrize("message", MEANINGLESS)
def test_an_expression_without_a_meaning_is_refused(message: str) -> None:
    with pytest.raises(Mismatch, match=message):
        condition(MEANINGLESS[message], kind_of)


def test_what_moves_with_the_day_is_known() -> None:
    assert moves(call("lt", field("Day"), call("sub", call("today"), Literal_(value="P1D", type="duration"))))
    assert not moves(call("lt", field("Day"), literal(DAYS[0], "date")))

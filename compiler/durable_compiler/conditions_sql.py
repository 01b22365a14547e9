"""Conditions and expressions as SQL of either dialect, two-valued, with the meaning of `evaluation`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from durable_compiler.evaluation import separator
from durable_compiler.expression_types import DIGITS, Duration, Typed
from durable_compiler.expressions import Sql, text
from durable_compiler.ir import FieldRef

Name = Callable[[FieldRef], str]
SIGNS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
SMALL = Decimal(10) ** 9  # a bare constant below it meets any column of numbers without overflow


def duckdb(expression: Typed, name: Name, zone: str) -> Sql:
    """DuckDB's form; the start of the run is read from the variables `run_moment` and `run_day`."""
    return Sql(_Writer(_DUCKDB, name, zone, "getvariable('run_moment')", "getvariable('run_day')").value(expression))


def snowflake(expression: Typed, name: Name, now: datetime) -> Sql:
    """Snowflake's form; `now` is the start of the run in the schedule's zone, whose key names it."""
    moment, day = _SNOWFLAKE.moment(now.astimezone(UTC).replace(tzinfo=None)), _SNOWFLAKE.day(now.date())
    return Sql(_Writer(_SNOWFLAKE, name, getattr(now.tzinfo, "key", "UTC"), moment, day).value(expression))


@dataclass(frozen=True)
class _Dialect:
    """Where the dialects differ; each template takes SQL and gives SQL."""

    string: Callable[[str], str]
    decimal: str
    day: Callable[[date], str]
    moment: Callable[[datetime], str]
    shift: Callable[[str, str, int], str]
    local_date: str
    contains: str
    starts_with: str
    matches: str
    days_between: str
    arithmetic: dict[str, str]
    join: Callable[[str, list[str]], str]
    texts: dict[str, str]


def _snowflake_text(value: str) -> str:
    """Snowflake reads backslashes in quotes as escapes."""
    return text(value.replace("\\", "\\\\"))


_DUCKDB = _Dialect(
    string=text,
    decimal=f"DECIMAL(38,{DIGITS})",
    day=lambda one: f"DATE '{one.isoformat()}'",
    moment=lambda one: f"TIMESTAMP '{one.isoformat(sep=' ')}'",
    shift=lambda value, unit, by: f"{value} {'-' if by < 0 else '+'} INTERVAL {abs(by)} {unit}",
    local_date="CAST({0} AT TIME ZONE 'UTC' AT TIME ZONE {1} AS DATE)",
    contains="contains({0}, {1})",
    starts_with="starts_with({0}, {1})",
    matches="regexp_full_match({0}, {1})",
    days_between="date_diff('day', {0}, {1})",
    arithmetic={
        "add": "exact_sum({0}, {1})",
        "sub": "exact_sum({0}, -{1})",
        "mul": "exact_product({0}, {1})",
        "div": "exact_quotient({0}, {1})",
    },
    join=lambda between, parts: f"nullif(concat_ws({text(between)}, {', '.join(parts)}), '')",
    texts={
        "number": "number_text({0})",
        "boolean": "CAST({0} AS VARCHAR)",
        "date": "CAST({0} AS VARCHAR)",
        "timestamp": "strftime({0}, '%Y-%m-%dT%H:%M:%SZ')",
    },
)
# Snowflake's numbers end the statement where they overflow; here they give nothing, as everywhere.
_MOST = f"CAST('{'9' * 20}.{'9' * DIGITS}' AS NUMBER(38,{DIGITS}))"
_SNOWFLAKE = _Dialect(
    string=_snowflake_text,
    decimal=f"NUMBER(38,{DIGITS})",
    day=lambda one: f"CAST('{one.isoformat()}' AS DATE)",
    moment=lambda one: f"CAST('{one.isoformat(sep=' ')}' AS TIMESTAMP_NTZ)",
    shift=lambda value, unit, by: f"DATEADD({unit}, {by}, {value})",
    local_date="CAST(CONVERT_TIMEZONE('UTC', {1}, {0}) AS DATE)",
    contains="CONTAINS({0}, {1})",
    starts_with="STARTSWITH({0}, {1})",
    matches="REGEXP_LIKE({0}, {1})",
    days_between="DATEDIFF(day, {0}, {1})",
    arithmetic={
        "add": f"CASE WHEN CASE WHEN {{1}} >= 0 THEN {{0}} <= {_MOST} - {{1}} ELSE {{0}} >= -{_MOST} - {{1}} END "
        "THEN {0} + {1} END",
        "sub": f"CASE WHEN CASE WHEN {{1}} >= 0 THEN {{0}} >= {{1}} - {_MOST} ELSE {{0}} <= {_MOST} + {{1}} END "
        "THEN {0} - {1} END",
        "mul": "CASE WHEN ABS(CAST({0} AS FLOAT) * CAST({1} AS FLOAT)) < 1e20 THEN {0} * {1} END",
        "div": "CASE WHEN ABS(CAST({0} AS FLOAT) / NULLIF(CAST({1} AS FLOAT), 0)) < 1e20 THEN {0} / NULLIF({1}, 0) END",
    },
    join=lambda between, parts: (
        f"NULLIF(ARRAY_TO_STRING(ARRAY_CONSTRUCT_COMPACT({', '.join(parts)}), {_snowflake_text(between)}), '')"
    ),
    texts={
        "number": f"RTRIM(RTRIM(CAST(CAST({{0}} AS NUMBER(38,{DIGITS})) AS VARCHAR), '0'), '.')",
        "boolean": "CASE WHEN {0} THEN 'true' WHEN NOT {0} THEN 'false' END",
        "date": "CAST({0} AS VARCHAR)",
        "timestamp": "REPLACE(CAST(DATE_TRUNC('second', {0}) AS VARCHAR(19)), ' ', 'T') || 'Z'",
    },
)


@dataclass(frozen=True)
class _Writer:
    dialect: _Dialect
    name: Name
    zone: str
    now: str
    today: str

    def value(self, one: Typed) -> str:
        if one.op == "field":
            assert one.field is not None
            return self.name(one.field)
        if one.op == "literal":
            return self.constant(one.value)
        if one.op in SIGNS:
            left, right = map(self.value, one.args)
            return f"coalesce({left} {SIGNS[one.op]} {right}, {'TRUE' if one.op == 'ne' else 'FALSE'})"
        if one.op in ARITHMETIC:
            return self.arithmetic(one)
        written: str = getattr(self, one.op if one.op not in _WORDS else f"{one.op}_")(one)
        return written

    def constant(self, value: Any) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, Decimal):
            plain = format(value, "f")
            small = abs(value) < SMALL and len(plain.partition(".")[2]) <= 9
            return plain if small else f"CAST('{plain}' AS {self.dialect.decimal})"
        if isinstance(value, datetime):
            return self.dialect.moment(value)
        return self.dialect.day(value) if isinstance(value, date) else self.dialect.string(value)

    def truth(self, one: Typed) -> str:
        """A condition that is never null."""
        return f"coalesce({self.value(one)}, FALSE)" if one.op in ("field", "literal", "coalesce") else self.value(one)

    def and_(self, one: Typed) -> str:
        return f"({' AND '.join(map(self.truth, one.args))})"

    def or_(self, one: Typed) -> str:
        return f"({' OR '.join(map(self.truth, one.args))})"

    def not_(self, one: Typed) -> str:
        return f"(NOT {self.truth(one.args[0])})"

    def in_(self, one: Typed) -> str:
        first, *others = map(self.value, one.args)
        return f"coalesce({first} IN ({', '.join(others)}), FALSE)"

    def between(self, one: Typed) -> str:
        value, low, high = map(self.value, one.args)
        return f"coalesce({value} BETWEEN {low} AND {high}, FALSE)"

    def is_null(self, one: Typed) -> str:
        return f"({self.value(one.args[0])} IS NULL)"

    def not_null(self, one: Typed) -> str:
        return f"({self.value(one.args[0])} IS NOT NULL)"

    def contains(self, one: Typed) -> str:
        return self.search(self.dialect.contains, one)

    def starts_with(self, one: Typed) -> str:
        return self.search(self.dialect.starts_with, one)

    def matches(self, one: Typed) -> str:
        return self.search(self.dialect.matches, one)

    def search(self, template: str, one: Typed) -> str:
        # a bare NULL has no type that both dialects' functions take
        parts = (f"CAST({self.value(arg)} AS VARCHAR)" if arg.kind == "null" else self.value(arg) for arg in one.args)
        return f"coalesce({template.format(*parts)}, FALSE)"

    def arithmetic(self, one: Typed) -> str:
        first, second = one.args
        if isinstance(second.value, Duration):
            return self.shifted(first, second.value, 1 if one.op == "add" else -1)
        parts = (f"CAST({self.value(arg)} AS {self.dialect.decimal})" for arg in one.args)
        whole = self.dialect.arithmetic[one.op].format(*parts)
        return f"CAST({whole} AS {self.dialect.decimal})" if self.dialect is _SNOWFLAKE else whole

    def shifted(self, first: Typed, by: Duration, sign: int) -> str:
        written = self.value(first)
        for unit, amount in (("month", by.months), ("day", by.days), ("second", by.seconds)):
            written = self.dialect.shift(written, unit, sign * amount) if amount else written
        return f"CAST({written} AS DATE)" if first.kind == "date" else f"({written})"

    def local_date(self, one: Typed) -> str:
        return self.dialect.local_date.format(self.value(one.args[0]), self.dialect.string(self.zone))

    def days_between(self, one: Typed) -> str:
        days = (f"CAST({self.value(arg)} AS DATE)" if arg.kind == "null" else self.value(arg) for arg in one.args)
        return self.dialect.days_between.format(*days)

    def coalesce(self, one: Typed) -> str:
        return f"coalesce({', '.join(map(self.value, one.args))})"

    def round(self, one: Typed) -> str:
        value = self.value(one.args[0])
        return f"CAST(round(CAST({value} AS {self.dialect.decimal}), {one.value}) AS {self.dialect.decimal})"

    def as_text(self, one: Typed) -> str:
        (part,) = one.args
        return self.dialect.texts[part.kind].format(self.value(part))

    def concat(self, one: Typed) -> str:
        constants = [(arg.op == "literal", arg.value) for arg in one.args]
        parts = [self.value(arg) for arg in one.args]
        open_ones = [part for part, (constant, _) in zip(parts, constants, strict=True) if not constant]
        if not open_ones:
            return self.dialect.string("".join(value for _, value in constants))
        between = separator(constants)
        if between is not None:
            return self.dialect.join(between, open_ones)
        absent = " AND ".join(f"{part} IS NULL" for part in open_ones)
        whole = " || ".join(f"coalesce({part}, '')" for part in parts)
        return f"CASE WHEN NOT ({absent}) THEN {whole} END"

    def now_(self, one: Typed) -> str:
        return self.now

    def today_(self, one: Typed) -> str:
        return self.today


_WORDS = frozenset({"and", "or", "not", "in", "now", "today"})

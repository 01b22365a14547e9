"""The SOQL superset of a condition: what surely selects every record that meets it, or nothing at all.

SOQL compares text without case and treats null its own way, so that it may carry a superset, never the condition.
A condition is pushed down to its comparisons of one untouched field with a constant; what cannot be said safely is
left out of an `and` and spoils an `or`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from durable_compiler.catalogue import FieldSchema
from durable_compiler.evaluation import evaluate, key_of
from durable_compiler.expression_types import Typed
from durable_compiler.ir import FieldRef

# The described field if its value reaches the condition as it was sent, else None.
Untouched = Callable[[FieldRef], FieldSchema | None]

EQUAL_TEXT = frozenset({"string", "picklist", "combobox", "email", "phone", "url"})
SEARCHED_TEXT = frozenset({"string", "email", "phone", "url"})
KINDS = {"number": {"int", "long", "currency", "percent", "double"}, "date": {"date"}, "timestamp": {"datetime"},
         "boolean": {"boolean"}}  # fmt: skip
OPERATORS = {"eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
OPPOSITE = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "le": "gt", "gt": "le"}
FLIPPED = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}
EARLIEST, LATEST = date(1700, 1, 2), date(3999, 12, 30)  # Salesforce's own calendar
MARGIN = timedelta(hours=3)  # no zone repeats or skips more around a midnight
MOST_DIGITS, LONGEST = 15, 200
ESCAPES = str.maketrans({"'": "\\'", "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def superset(condition: Typed, untouched: Untouched, now: datetime) -> str | None:
    """SOQL that selects at least every record that meets the condition; None where only all records are safe."""
    return _Superset(untouched, now).of(condition, truth=True)


@dataclass(frozen=True)
class _Superset:
    untouched: Untouched
    now: datetime

    def of(self, one: Typed, *, truth: bool) -> str | None:
        """A superset of the records for which `one` is true, or is not."""
        if one.op == "not":
            return self.of(one.args[0], truth=not truth)
        if one.op in ("and", "or"):
            return self.junction(one, truth=truth)
        if one.op in OPERATORS:
            return self.comparison(one, truth=truth)
        test = _TESTS.get(one.op)
        return test(self, one, truth) if test else None

    def junction(self, one: Typed, *, truth: bool) -> str | None:
        parts = [self.of(part, truth=truth) for part in one.args]
        if (one.op == "and") is truth:
            return _joined(" AND ", [part for part in parts if part is not None])
        return None if None in parts else _joined(" OR ", [part for part in parts if part is not None])

    def comparison(self, one: Typed, *, truth: bool) -> str | None:
        first, second = one.args
        op = one.op
        if not _constant(second):
            first, second, op = second, first, FLIPPED[op]
        if not _constant(second) or (value := self.value(second)) is None:
            return None
        sure = self.test(first, op if truth else OPPOSITE[op], value)
        with_nulls = truth is (op == "ne")
        return self.or_null(first, sure) if with_nulls else sure

    def value(self, one: Typed) -> Any:
        return evaluate(one, {}, self.now)

    def or_null(self, one: Typed, sure: str | None) -> str | None:
        """The complement of a comparison holds for a missing value too; through a parent, nothing sure is known."""
        field = (one.args[0] if one.op == "local_date" else one).field
        if sure is None or field is None or field.path is not None:
            return None
        return f"({sure} OR {field.name} = null)"

    def test(self, one: Typed, op: str, value: Any) -> str | None:
        """`field op value` for values that are there."""
        if one.op == "local_date":
            return self.day_test(one.args[0], op, value)
        schema = self.schema(one)
        if schema is None:
            return None
        if one.kind == "text":
            literal = _text(value) if op == "eq" and schema.type in EQUAL_TEXT else None
            return literal and f"{key_of(_field(one))} = {literal}"
        written = _LITERALS[one.kind](value, op, schema) if schema.type in KINDS.get(one.kind, ()) else None
        return written and f"{key_of(_field(one))} {OPERATORS[op]} {written}"

    def day_test(self, moment: Typed, op: str, day: date) -> str | None:
        """Days of the schedule's zone as moments, wide enough for any change of the clocks."""
        if not EARLIEST < day < LATEST or op == "ne":
            return None
        starts = datetime.combine(day, time.min, self.now.tzinfo).astimezone(UTC).replace(tzinfo=None)
        low, high = starts - MARGIN, starts + timedelta(days=1) + MARGIN
        edges = {"lt": [("lt", starts + MARGIN)], "le": [("lt", high)], "gt": [("ge", high - 2 * MARGIN)],
                 "ge": [("ge", low)], "eq": [("ge", low), ("lt", high)]}  # fmt: skip
        parts = [self.test(moment, sign, edge) for sign, edge in edges[op]]
        return None if None in parts else _joined(" AND ", [part for part in parts if part is not None])

    def schema(self, one: Typed) -> FieldSchema | None:
        if one.op != "field" or one.field is None:
            return None
        found = self.untouched(one.field)
        return found if found is not None and found.filterable else None

    def between(self, one: Typed, truth: bool) -> str | None:
        value, low, high = one.args
        edges = (Typed("ge", "boolean", (value, low)), Typed("le", "boolean", (value, high)))
        return self.of(Typed("and", "boolean", edges), truth=truth)

    def isin(self, one: Typed, truth: bool) -> str | None:
        value, *others = one.args
        equals = tuple(Typed("eq", "boolean", (value, other)) for other in others)
        return self.of(Typed("or", "boolean", equals), truth=truth)

    def is_null(self, one: Typed, truth: bool) -> str | None:
        schema = self.schema(one.args[0])
        if schema is None or _field(one.args[0]).path is not None:
            return None
        return f"{schema.name} {'=' if truth else '!='} null"

    def not_null(self, one: Typed, truth: bool) -> str | None:
        return self.is_null(one, not truth)

    def contains(self, one: Typed, truth: bool) -> str | None:
        return self.like(one, "%{}%") if truth else None

    def starts_with(self, one: Typed, truth: bool) -> str | None:
        return self.like(one, "{}%") if truth else None

    def like(self, one: Typed, pattern: str) -> str | None:
        schema = self.schema(one.args[0])
        if schema is None or schema.type not in SEARCHED_TEXT or not _constant(one.args[1]):
            return None
        wanted = self.value(one.args[1])
        if not wanted or not _plain(wanted) or "\\" in wanted:
            return None
        part = re.sub(r"([%_])", r"\\\1", wanted.replace("'", "\\'"))
        return f"{key_of(_field(one.args[0]))} LIKE '{pattern.format(part)}'"


_TESTS: dict[str, Callable[[_Superset, Typed, bool], str | None]] = {
    "between": _Superset.between,
    "in": _Superset.isin,
    "is_null": _Superset.is_null,
    "not_null": _Superset.not_null,
    "contains": _Superset.contains,
    "starts_with": _Superset.starts_with,
}


def _field(one: Typed) -> FieldRef:
    assert one.field is not None
    return one.field


def _constant(one: Typed) -> bool:
    return one.op != "field" and all(map(_constant, one.args))


def _joined(word: str, parts: list[str]) -> str | None:
    return f"({word.join(parts)})" if len(parts) > 1 else parts[0] if parts else None


def _plain(value: str) -> bool:
    """Text that Salesforce is sure to compare as it stands: no edges that it trims, no control characters."""
    return value == value.strip() and value.isprintable() and len(value) <= LONGEST


def _text(value: str) -> str | None:
    return f"'{value.translate(ESCAPES)}'" if value and _plain(value) else None


def _number(value: Decimal, op: str, schema: FieldSchema) -> str | None:
    if len(Decimal(value).normalize().as_tuple().digits) > MOST_DIGITS:
        return None
    if schema.type in ("int", "long"):
        whole = Decimal(value).to_integral_value(ROUND_FLOOR if op in ("gt", "ge") else ROUND_CEILING)
        if whole != value and op in ("eq", "ne"):
            return None
        return str(whole)
    return format(Decimal(value), "f")


def _date(value: date, _op: str, _schema: FieldSchema) -> str | None:
    return value.isoformat() if EARLIEST < value < LATEST else None


def _moment(value: datetime, op: str, _schema: FieldSchema) -> str | None:
    if not EARLIEST < value.date() < LATEST or (op in ("eq", "ne") and value.microsecond % 1000):
        return None
    up = timedelta(microseconds=-value.microsecond % 1000) if op in ("lt", "le") else timedelta()
    moment = value + up
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _boolean(value: bool, op: str, _schema: FieldSchema) -> str | None:
    return ("true" if value else "false") if op in ("eq", "ne") else None


_LITERALS: dict[str, Callable[[Any, str, FieldSchema], str | None]] = {
    "number": _number, "date": _date, "timestamp": _moment, "boolean": _boolean,
}  # fmt: skip

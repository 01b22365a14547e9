"""Conditions and expressions in Python: the meaning that every other form must share."""

from __future__ import annotations

import operator
import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from durable_compiler.expression_types import DIGITS, LARGEST, Duration, Typed
from durable_compiler.ir import FieldRef

_ORDER = {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge}
LARGEST_DIVISOR = LARGEST / 10  # beyond it no warehouse divides exactly
_SIGNS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv}


def evaluate(expression: Typed, record: Mapping[str, Any], now: datetime) -> Any:
    """The value of an expression for one record: True or False for a condition, None for what is missing.

    `record` has a value for each field by name (by path for a related object's): text, Decimal or int, bool, date,
    time, and naive UTC for moments. `now` is the start of the run in the schedule's zone.
    """
    return _Evaluation(record, now).value(expression)


def key_of(field: FieldRef) -> str:
    """The name under which a record holds a field."""
    return field.path or field.name


class _Evaluation:
    def __init__(self, record: Mapping[str, Any], now: datetime) -> None:
        assert now.tzinfo is not None
        self.record, self.now = record, now

    def value(self, one: Typed) -> Any:
        if one.op == "field":
            assert one.field is not None
            return self.record[key_of(one.field)]
        if one.op == "literal":
            return one.value
        if one.op in _OWN:
            return getattr(self, f"_{one.op}")(one)
        return _OPERATORS[one.op](*map(self.value, one.args))

    def _and(self, one: Typed) -> bool:
        return all(self.value(part) is True for part in one.args)

    def _or(self, one: Typed) -> bool:
        return any(self.value(part) is True for part in one.args)

    def _now(self, one: Typed) -> datetime:
        return self.now.astimezone(UTC).replace(tzinfo=None)

    def _today(self, one: Typed) -> date:
        return self.now.date()

    def _local_date(self, one: Typed) -> date | None:
        moment = self.value(one.args[0])
        return None if moment is None else moment.replace(tzinfo=UTC).astimezone(self.now.tzinfo).date()

    def _round(self, one: Typed) -> Decimal | None:
        value = self.value(one.args[0])
        return None if value is None else rounded(Decimal(value), one.value)

    def _concat(self, one: Typed) -> str | None:
        return joined([(part.op == "literal", self.value(part)) for part in one.args])


_OWN = frozenset({"and", "or", "now", "today", "local_date", "round", "concat"})


def joined(parts: list[tuple[bool, str | None]]) -> str | None:
    """Parts as one text: a missing one takes its separator along; None where all are missing."""
    present = [text for constant, text in parts if not constant and text is not None]
    if not present:
        return None if any(not constant for constant, _ in parts) else "".join(text or "" for _, text in parts)
    shared = separator(parts)
    return ("".join(text or "" for _, text in parts) if shared is None else shared.join(present)) or None


def separator(parts: list[tuple[bool, str | None]]) -> str | None:
    """The one constant that stands between all parts; None where constants stand elsewhere or differ."""
    if not any(constant for constant, _ in parts):
        return ""
    texts = {text for constant, text in parts if constant}
    alternating = len(parts) % 2 == 1 and all(constant is (at % 2 == 1) for at, (constant, _) in enumerate(parts))
    return texts.pop() if alternating and len(texts) == 1 else None


def rounded(value: Decimal, digits: int) -> Decimal:
    """Half away from zero."""
    with localcontext(prec=100):
        return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def shifted(moment: date, by: Duration, sign: int) -> date | None:
    """A date or moment moved by months (the day clamped to the month's last), then days and seconds."""
    try:
        months = moment.year * 12 + moment.month - 1 + sign * by.months
        year, month = months // 12, months % 12 + 1
        moved = moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))
        return moved + sign * timedelta(days=by.days, seconds=by.seconds)
    except (ValueError, OverflowError):
        return None


def as_text(value: Any) -> str | None:
    """A value as it is joined to others: numbers without needless zeros, moments in UTC with a Z."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    text = format(Decimal(value), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _calculated(op: str) -> Callable[[Any, Any], Any]:
    def calculate(one: Any, other: Any) -> Any:
        if one is None or other is None:
            return None
        if op == "div" and not 0 < abs(other) < LARGEST_DIVISOR:
            return None
        if isinstance(other, Duration):
            return shifted(one, other, 1 if op == "add" else -1)
        with localcontext(prec=100):
            result = rounded(_SIGNS[op](Decimal(one), Decimal(other)), DIGITS)
        return result if abs(result) < LARGEST else None

    return calculate


def _compared(op: str) -> Callable[[Any, Any], bool]:
    return lambda one, other: one is not None and other is not None and bool(_ORDER[op](one, other))


def _equal(one: Any, other: Any) -> bool:
    return one is not None and other is not None and bool(one == other)


def _found(search: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda text, part: text is not None and part is not None and search(text, part)


_OPERATORS: dict[str, Callable[..., Any]] = {
    "not": lambda one: one is not True,
    "eq": _equal,
    "ne": lambda one, other: not _equal(one, other),
    **{op: _compared(op) for op in _ORDER},
    "in": lambda one, *others: any(_equal(one, other) for other in others),
    "between": lambda one, low, high: _compared("ge")(one, low) and _compared("le")(one, high),
    "is_null": lambda one: one is None,
    "not_null": lambda one: one is not None,
    "contains": _found(lambda text, part: part in text),
    "starts_with": _found(str.startswith),
    "matches": _found(lambda text, pattern: re.fullmatch(pattern, text, re.ASCII) is not None),
    **{op: _calculated(op) for op in _SIGNS},
    "days_between": lambda one, other: None if one is None or other is None else (other - one).days,
    "coalesce": lambda *values: next((one for one in values if one is not None), None),
    "as_text": as_text,
}

"""Conditions and expressions with the kind of every part settled, so that each evaluator may trust what it meets."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from durable_compiler.ir import Expression, FieldRef, Literal_, Operation

KindOf = Callable[[FieldRef], str | None]
CONDITIONS = frozenset(
    {"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "in", "between"}
    | {"is_null", "not_null", "contains", "starts_with", "matches"}
)
ORDERED = frozenset({"text", "number", "date", "timestamp", "time"})
IN_WORDS = frozenset({"text", "number", "boolean", "date", "timestamp"})
LARGEST = Decimal(10) ** 20  # a column of numbers holds 20 digits before the point and 18 after it
DIGITS = 18
DURATION = re.compile(
    r"P(?!$)(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,5})M)?(?:(?P<weeks>\d{1,5})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,7})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9})S)?)?"
)
# What Python, RE2 and Snowflake read alike: no groups but plain ones, no back references, few escapes.
PATTERN = re.compile(r"(?:[^\\{(]|\\[dDwW]|\\[^A-Za-z0-9]|\{\d{1,3}(?:,(?:\d{1,3})?)?\}|\((?!\?))*", re.DOTALL)


class Mismatch(ValueError):
    """An expression that has no meaning: values of kinds that do not go together, or a constant that is none."""


@dataclass(frozen=True)
class Duration:
    """A length of time: months, then days, then seconds."""

    months: int
    days: int
    seconds: int


@dataclass(frozen=True)
class Typed:
    """A part of an expression: `field` for a field, `value` for a constant, `args` for the rest.

    Besides the operators of the IR there are `field`, `literal`, `local_date` (of a timestamp, in the schedule's
    zone) and `as_text`.
    """

    op: str
    kind: str
    args: tuple[Typed, ...] = ()
    field: FieldRef | None = None
    value: Any = None


def typed(expression: Expression, kind_of: KindOf) -> Typed:
    """Settle the kind of every part. Raises Mismatch, also for a field that `kind_of` does not know."""
    if isinstance(expression, FieldRef):
        kind = kind_of(expression)
        if kind is None:
            raise Mismatch(f"{expression.path or expression.name} is not among the fields that are read")
        return Typed("field", "number" if kind == "integer" else kind, field=expression)
    if isinstance(expression, Literal_):
        return _literal(expression)
    args = tuple(typed(one, kind_of) for one in expression.args)
    return _RULES[expression.op](expression.op, args)


def condition(expression: Expression, kind_of: KindOf) -> Typed:
    """The same for what must be true or false. Raises Mismatch for anything else."""
    found = typed(expression, kind_of)
    _require(found.kind == "boolean", "a condition is expected")
    return found


def fields_of(expression: Expression) -> Iterator[FieldRef]:
    """Every field that an expression uses, in order."""
    if isinstance(expression, FieldRef):
        yield expression
    elif isinstance(expression, Operation):
        for one in expression.args:
            yield from fields_of(one)


def moves(expression: Expression) -> bool:
    """Whether the value changes with the day although the record does not."""
    if isinstance(expression, Operation):
        return expression.op in ("now", "today") or any(map(moves, expression.args))
    return False


def violation(check: Expression) -> Expression:
    """The condition under which a check is broken: false whatever a missing value may be, so a null never breaks it."""
    return _settled(check, False)


_OPPOSITE = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "le": "gt", "gt": "le"}
_OPPOSITE |= {"is_null": "not_null", "not_null": "is_null", "and": "or", "or": "and"}


def _settled(one: Expression, truth: bool) -> Expression:
    """The condition under which `one` is surely true, or surely false."""
    if not isinstance(one, Operation) or one.op not in CONDITIONS:
        return Operation(op="eq", args=(one, Literal_(value=truth, type="boolean")))
    if one.op == "not":
        return _settled(one.args[0], not truth)
    if one.op in ("and", "or"):
        parts = tuple(_settled(part, truth) for part in one.args)
        return Operation.model_validate({"op": one.op if truth else _OPPOSITE[one.op], "args": parts})
    if one.op == "between" and not truth:
        below, above = (Operation.model_validate({"op": op, "args": (one.args[0], edge)}) for op, edge in
                        zip(("lt", "gt"), one.args[1:], strict=True))  # fmt: skip
        return Operation(op="or", args=(below, above))
    if truth:
        return _with_values(one) if one.op == "ne" else one
    if one.op in _OPPOSITE:
        opposite = Operation.model_validate({"op": _OPPOSITE[one.op], "args": one.args})
        return _with_values(opposite) if one.op == "eq" else opposite
    negated = Operation(op="not", args=(one,))
    return _with_values(negated, one.args[:1] if one.op == "in" else one.args)


def _with_values(one: Operation, of: tuple[Expression, ...] | None = None) -> Expression:
    """`one`, and that none of its arguments is missing."""
    open_ones = [arg for arg in (one.args if of is None else of) if not isinstance(arg, Literal_)]
    return Operation(op="and", args=(one, *(Operation(op="not_null", args=(arg,)) for arg in open_ones)))


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise Mismatch(message)


def _literal(one: Literal_) -> Typed:
    if one.value is None:
        return Typed("literal", "null")
    readers: dict[str, Callable[[Any], Any]] = {
        "text": _text, "number": number, "integer": number, "boolean": _boolean, "date": _date,
        "timestamp": _timestamp, "duration": duration,
    }  # fmt: skip
    _require(one.type in readers, f"a constant cannot be of type {one.type}")
    kind = "number" if one.type == "integer" else one.type
    try:
        return Typed("literal", kind, value=readers[one.type](one.value))
    except (ValueError, TypeError, ArithmeticError) as wrong:
        raise Mismatch(f"{one.value!r} is no {one.type}") from wrong


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(value)
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def number(value: Any) -> Decimal:
    """The number as it was written, in shortest form. Raises ValueError for one that no column of numbers holds."""
    if isinstance(value, bool):
        raise TypeError(value)
    exact = Decimal(repr(value) if isinstance(value, float) else value)
    if not exact.is_finite() or abs(exact) >= LARGEST or exact != exact.quantize(Decimal(1).scaleb(-DIGITS)):
        raise ValueError(value)
    return exact.normalize() + 0


def _date(value: Any) -> date:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError(value)
    return date.fromisoformat(value)


def _timestamp(value: Any) -> datetime:
    """Naive UTC; a moment without a zone is UTC."""
    moment = datetime.fromisoformat(value)
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC).replace(tzinfo=None)


def duration(value: Any) -> Duration:
    """An ISO 8601 duration of whole units. Raises ValueError for anything else."""
    found = DURATION.fullmatch(value)
    if not found:
        raise ValueError(value)
    years, months, weeks, days, hours, minutes, seconds = (int(found[name] or 0) for name in DURATION.groupindex)
    return Duration(years * 12 + months, weeks * 7 + days, hours * 3600 + minutes * 60 + seconds)


def _alike(args: tuple[Typed, ...], what: str) -> tuple[Typed, ...]:
    """Arguments of one kind; where dates meet moments, the moments become days of the schedule's zone."""
    kinds = {one.kind for one in args} - {"null"}
    if kinds == {"date", "timestamp"}:
        return tuple(_day(one) for one in args)
    _require(len(kinds) <= 1 and kinds.isdisjoint({"duration", "json"}), f"{what} values of different types")
    return args


def _day(one: Typed) -> Typed:
    return Typed("local_date", "date", (one,)) if one.kind == "timestamp" else one


def _junction(op: str, args: tuple[Typed, ...]) -> Typed:
    _require(bool(args) and all(one.kind == "boolean" for one in args), f"`{op}` joins conditions")
    _require(op != "not" or len(args) == 1, "`not` takes one condition")
    return Typed(op, "boolean", args)


def _comparison(op: str, args: tuple[Typed, ...]) -> Typed:
    counts = {"between": 3}
    _require(len(args) >= 2 if op == "in" else len(args) == counts.get(op, 2), f"`{op}` has too few or too many parts")
    args = _alike(args, "compares")
    kinds = {one.kind for one in args} - {"null"}
    _require(op in ("eq", "ne", "in") or kinds <= ORDERED, f"`{op}` needs values that have an order")
    return Typed(op, "boolean", args)


def _presence(op: str, args: tuple[Typed, ...]) -> Typed:
    _require(len(args) == 1, f"`{op}` takes one value")
    return Typed(op, "boolean", args)


def _search(op: str, args: tuple[Typed, ...]) -> Typed:
    _require(len(args) == 2 and {one.kind for one in args} <= {"text", "null"}, f"`{op}` searches text")
    if op == "matches":
        _check_pattern(args[1])
    return Typed(op, "boolean", args)


def _check_pattern(pattern: Typed) -> None:
    _require(pattern.op == "literal" and pattern.value is not None, "a pattern is a constant")
    alike = PATTERN.fullmatch(pattern.value) is not None and "[[" not in pattern.value and "++" not in pattern.value
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern.value, re.ASCII)
    except (re.error, FutureWarning, OverflowError, RecursionError):
        alike = False
    _require(alike, "the pattern means different things to different engines")


def _arithmetic(op: str, args: tuple[Typed, ...]) -> Typed:
    _require(len(args) == 2, f"`{op}` takes two values")
    first, second = args
    if op == "add" and first.kind == "duration":
        first, second = second, first
    if second.kind == "duration" and op in ("add", "sub"):
        _require(second.op == "literal" and first.kind in ("date", "timestamp"), f"`{op}` shifts dates by a duration")
        _require(first.kind == "timestamp" or second.value.seconds == 0, "a date has no hours to shift")
        return Typed(op, first.kind, (first, second))
    _require({first.kind, second.kind} <= {"number", "null"}, f"`{op}` calculates with numbers")
    return Typed(op, "number", (first, second))


def _days_between(op: str, args: tuple[Typed, ...]) -> Typed:
    fits = len(args) == 2 and {one.kind for one in args} <= {"date", "timestamp", "null"}
    _require(fits, "days lie between two dates")
    return Typed(op, "number", tuple(map(_day, args)))


def _concat(op: str, args: tuple[Typed, ...]) -> Typed:
    _require(bool(args) and {one.kind for one in args} <= IN_WORDS | {"null"}, "these values cannot be joined as text")
    kept = (one for one in args if one.kind != "null")
    return Typed(op, "text", tuple(one if one.kind == "text" else Typed("as_text", "text", (one,)) for one in kept))


def _coalesce(op: str, args: tuple[Typed, ...]) -> Typed:
    args = _alike(args, "`coalesce` chooses between")
    kind = next((one.kind for one in args if one.kind != "null"), None)
    if kind is None:
        raise Mismatch("`coalesce` needs a value")
    return Typed(op, kind, args)


def _round(op: str, args: tuple[Typed, ...]) -> Typed:
    _require(len(args) in (1, 2) and args[0].kind in ("number", "null"), "`round` takes a number and its digits")
    digits = args[1].value if len(args) == 2 else Decimal(0)
    whole = isinstance(digits, Decimal) and digits == int(digits) and 0 <= digits <= DIGITS
    _require(whole, "`round` keeps 0 to 18 digits")
    return Typed(op, "number", args[:1], value=int(digits))


def _present(op: str, args: tuple[Typed, ...]) -> Typed:
    _require(not args, f"`{op}` takes nothing")
    return Typed(op, "timestamp" if op == "now" else "date")


_RULES: dict[str, Callable[[str, tuple[Typed, ...]], Typed]] = {
    **dict.fromkeys(("and", "or", "not"), _junction),
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge", "in", "between"), _comparison),
    **dict.fromkeys(("is_null", "not_null"), _presence),
    **dict.fromkeys(("contains", "starts_with", "matches"), _search),
    **dict.fromkeys(("add", "sub", "mul", "div"), _arithmetic),
    "days_between": _days_between,
    "concat": _concat,
    "coalesce": _coalesce,
    "round": _round,
    **dict.fromkeys(("now", "today"), _present),
}

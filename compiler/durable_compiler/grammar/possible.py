"""Whether any value can meet a condition, or every value does: a rule that nothing can meet is a slip of the pen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from durable_compiler.terms import Apply, Constant, FieldTerm, Term

Value = Decimal | str | bool | None
_ORDERS = {"lt": (-1,), "le": (-1, 0), "gt": (1,), "ge": (0, 1), "eq": (0,)}
_CALENDAR = {"D": Decimal(1), "M": Decimal("30.4375"), "Y": Decimal("365.25")}
_CLOCK = {"M": Decimal(1) / 1440, "H": Decimal(1) / 24}
# Days before or after the run count from here: far from every date that a sentence names.
_TODAY = Decimal(10**7)


def flaw(term: Term) -> str | None:
    """Why a condition is no rule: `no value` can meet some part of it, or `every value` does; None for a sound one."""
    if not isinstance(term, Apply):
        return None
    if term.op in ("and", "or"):
        for field in dict.fromkeys(_only_field(one) for one in term.args):
            group = [one for one in term.args if field is not None and _only_field(one) == field]
            found = _of_one_field(term.op, group) if len(group) > 1 else None
            if found is not None:
                return found
    return next((found for one in term.args if (found := flaw(one)) is not None), None)


def _of_one_field(op: str, parts: Sequence[Term]) -> str | None:
    """What is wrong with statements about one field that `and` or `or` joins; a missing value alone saves neither."""
    constants = [value for one in parts for value in _values(one)]
    points = _points(constants)
    met = [_met(op, parts, one) for one in points]
    if None in met or len({type(one) for one in constants}) > 1:
        return None
    if op == "and" and not any(met) and not (_about_blanks(parts) and _met(op, parts, None)):
        return "no value"
    return "every value" if op == "or" and all(met) else None


def _about_blanks(parts: Sequence[Term]) -> bool:
    """Whether a missing value is meant, rather than let through by what is denied of every other."""
    return any(
        isinstance(one, Apply) and (one.op in ("is_null", "not_null") or (_boolean(one) and _about_blanks(one.args)))
        for one in parts
    )


def _boolean(term: Apply) -> bool:
    return term.op in ("and", "or", "not")


def _met(op: str, parts: Sequence[Term], value: Value) -> bool | None:
    found = [_holds(one, value) for one in parts]
    if None in found:
        return None
    return all(found) if op == "and" else any(found)


def _points(constants: Sequence[Value]) -> list[Value]:
    """Every constant, something between neighbours, and something beyond both ends: a value for each case there is."""
    numbers = sorted({one for one in constants if isinstance(one, Decimal)})
    if numbers:
        between = [(one + other) / 2 for one, other in pairwise(numbers)]
        return [numbers[0] - 1, *numbers, *between, numbers[-1] + 1]
    if any(isinstance(one, bool) for one in constants):
        return [True, False]
    texts = sorted({one for one in constants if isinstance(one, str)})
    return [*texts, "".join(texts) + "?"]


def _only_field(term: Term) -> FieldTerm | None:
    """The field that a statement is about when it compares it with constants alone."""
    if not isinstance(term, Apply):
        return None
    if term.op == "not":
        return _only_field(term.args[0])
    if term.op in ("and", "or"):
        fields = {_only_field(one) for one in term.args}
        return fields.pop() if len(fields) == 1 else None
    known = term.op in (*_ORDERS, "ne", "in", "between", "is_null", "not_null") and isinstance(term.args[0], FieldTerm)
    if known and all(_value(one) is not None for one in term.args[1:]):
        field = term.args[0]
        return field if isinstance(field, FieldTerm) else None
    return None


def _values(term: Term) -> Iterator[Value]:
    if isinstance(term, Apply) and term.op in ("not", "and", "or"):
        yield from (value for one in term.args for value in _values(one))
    elif isinstance(term, Apply):
        yield from (_value(one) for one in term.args[1:])


def _value(term: Term) -> Value:
    """A constant to compare, a date or a moment as a number of days; None for what has no such value."""
    if isinstance(term, Apply):
        return _relative(term)
    if not isinstance(term, Constant) or term.value is None:
        return None
    if term.type == "number":
        return Decimal(str(term.value))
    if term.type == "date":
        return Decimal(date.fromisoformat(str(term.value)).toordinal())
    return term.value if term.type in ("text", "boolean") and isinstance(term.value, str | bool) else None


def _relative(term: Apply) -> Decimal | None:
    if term.op in ("today", "now"):
        return _TODAY
    if term.op not in ("add", "sub") or not isinstance(term.args[1], Constant):
        return None
    found = re.fullmatch(r"P(T?)(\d+)([A-Z])", str(term.args[1].value))
    base = _value(term.args[0])
    if found is None or not isinstance(base, Decimal):
        return None
    length = int(found[2]) * (_CLOCK if found[1] else _CALENDAR)[found[3]]
    return base + length if term.op == "add" else base - length


def _holds(term: Term, value: Value) -> bool | None:
    """A statement about one field for one value, two-valued as everywhere: a comparison with nothing is false."""
    assert isinstance(term, Apply)
    if term.op == "not":
        inner = _holds(term.args[0], value)
        return None if inner is None else not inner
    if term.op in ("and", "or"):
        return _met(term.op, term.args, value)
    if term.op in ("is_null", "not_null"):
        return (value is None) == (term.op == "is_null")
    others = [_value(one) for one in term.args[1:]]
    if term.op in ("in", "ne"):
        return (value in others) == (term.op == "in")
    if term.op == "between":
        return _ordered("ge", value, others[0]) and _ordered("le", value, others[1])
    return _ordered(term.op, value, others[0])


def _ordered(op: str, value: Value, other: Value) -> bool:
    if isinstance(value, Decimal) and isinstance(other, Decimal):
        return ((value > other) - (value < other)) in _ORDERS[op]
    return op == "eq" and value is not None and value == other

"""What a condition says for certain of a record's own Id and stamp, so that whole blocks need not be looked at."""

from collections.abc import Callable
from dataclasses import replace

from durable_sandbox.blocks import seconds
from durable_sandbox.conditions import ORDERED
from durable_sandbox.soql import Comparison, Condition, Junction, Literal, Membership, Path
from durable_sandbox.view import Bounds

Bind = Callable[[Path, Literal], tuple[str, str] | None]
"""Gives an own field's name and a literal's stored form; None for another object's field."""


def bounds_of(condition: Condition, bind: Bind) -> Bounds:
    """The bounds that every record matching the condition keeps; covered if they are all that it says."""
    parts = condition.parts if isinstance(condition, Junction) and condition.operator == "and" else (condition,)
    bounds = Bounds(covered=True)
    for part in parts:
        narrowed = _narrowed(bounds, part, bind)
        bounds = replace(bounds, covered=False) if narrowed is None else narrowed
    return bounds


def _narrowed(bounds: Bounds, part: Condition, bind: Bind) -> Bounds | None:
    if isinstance(part, Junction) and part.operator == "and":
        inner = bounds_of(part, bind)
        return _both(bounds, inner)
    if isinstance(part, Membership) and not part.negated:
        found = [bind(part.path, literal) for literal in part.values]
        values = frozenset(pair[1] for pair in found if pair is not None and pair[0] == "Id")
        return _both(bounds, Bounds(ids=values, covered=True)) if found and _all_ids(found) else None
    if isinstance(part, Comparison):
        pair = bind(part.path, part.value)
        return _compared(bounds, part.operator, *pair) if pair is not None and pair[1] else None
    return None


def _all_ids(found: list[tuple[str, str] | None]) -> bool:
    return all(pair is not None and pair[0] == "Id" for pair in found)


def _compared(bounds: Bounds, sign: str, name: str, value: str) -> Bounds | None:
    if name == "Id" and sign == "=":
        return _both(bounds, Bounds(ids=frozenset({value}), covered=True))
    if name == "Id" and sign in ORDERED:
        return _both(bounds, Bounds(id_tests=((sign, value),), covered=True))
    if name == "SystemModstamp" and sign in _STAMP_BOUNDS and len(value) == _STAMP_LENGTH:
        low, high = _STAMP_BOUNDS[sign](seconds(value), not value.endswith(".000Z"))
        return _both(bounds, Bounds(low, high, covered=True))
    return None


_STAMP_LENGTH = 24
_STAMP_BOUNDS: dict[str, Callable[[int, bool], tuple[int | None, int | None]]] = {
    ">=": lambda moment, broken: (moment + broken, None),
    ">": lambda moment, _: (moment + 1, None),
    "<": lambda moment, broken: (None, moment + broken),
    "<=": lambda moment, _: (None, moment + 1),
    "=": lambda moment, broken: (moment + broken, moment + 1),
}
"""Generated stamps are whole seconds; `broken` says that the literal has a fraction."""


def _both(one: Bounds, other: Bounds) -> Bounds:
    lows = [bound for bound in (one.low, other.low) if bound is not None]
    highs = [bound for bound in (one.high, other.high) if bound is not None]
    ids = [found for found in (one.ids, other.ids) if found is not None]
    return Bounds(
        max(lows, default=None),
        min(highs, default=None),
        ids[0].intersection(*ids[1:]) if ids else None,
        one.id_tests + other.id_tests,
        one.covered and other.covered,
    )

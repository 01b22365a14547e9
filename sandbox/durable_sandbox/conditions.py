"""Conditions on one stored value: SOQL's rules for case, null, numbers and dates as functions of text."""

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from durable_sandbox.objects import ID_TYPES, NUMBER_TYPES, Field

Test = Callable[[str], bool]
Key = Callable[[str], Any]
ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def sort_key(field: Field) -> Key:
    """What values of a field are compared by: numbers by value, words without case."""
    if field.type in NUMBER_TYPES:
        return Decimal
    return str if field.type in ID_TYPES or field.type in ("boolean", "date", "datetime", "time") else str.lower


def ordered(key: Key, sign: str, value: str | None) -> Test:
    """`<`, `<=`, `>`, `>=`: false for null, given as None, on either side; every text is greater than an empty one."""
    if value is None:
        return lambda _: False
    wanted, compare = key(value), ORDERED[sign]
    if key is str:
        return lambda found: found != "" and compare(found, wanted)
    return lambda found: found != "" and compare(key(found), wanted)


def equal(key: Key, value: str, wanted: bool) -> Test:
    """`=` and `!=`, which finds nulls too."""
    if not value:
        return lambda found: (not found) is wanted
    sought = key(value)
    return lambda found: (found != "" and key(found) == sought) is wanted


def member(key: Key, values: list[str], wanted: bool) -> Test:
    """`IN` and `NOT IN`; null may be one of the values."""
    sought = {key(value) if value else value for value in values}
    return lambda found: ((key(found) if found else found) in sought) is wanted


def like(pattern: str) -> Test:
    """`LIKE`, where `%` is any text, `_` any character, and a backslash takes their meaning away."""
    wildcards = {"%": ".*", "_": "."}
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    expression = "".join(wildcards.get(part) or re.escape(part[-1]) for part in parts)
    match = re.compile(expression, re.IGNORECASE | re.DOTALL).fullmatch
    return lambda found: found != "" and match(found) is not None


def relative(text: str, now: datetime, kind: str) -> str:
    """`TODAY`, `LAST_N_DAYS:n` and the like as a stored date or datetime."""
    name, _, number = text.lower().partition(":")
    shifts = {"yesterday": -1, "tomorrow": 1, "last_n_days": -int(number or 0), "next_n_days": int(number or 0)}
    day = (now.astimezone(UTC) + timedelta(days=shifts.get(name, 0))).date().isoformat()
    return day if kind == "date" else f"{day}T00:00:00.000Z"

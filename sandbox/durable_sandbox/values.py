"""Stored values: how a given one is stored, and what becomes of one when its field changes its type."""

import json
from collections.abc import Callable
from datetime import date, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext

from durable_sandbox import ids
from durable_sandbox.clock import parse, stamp
from durable_sandbox.generate import NULL
from durable_sandbox.objects import ID_TYPES, NUMBER_TYPES, Field

Convert = Callable[[str], str]

_TRUE = frozenset({"true", "1", "yes"})
_MOST_DIGITS = 400
_NO_DECIMALS = frozenset({"int", "long"})


class FieldValueError(ValueError):
    """What is wrong with a value, as a sentence."""


def stored(field: Field, value: object) -> str:
    """A given value in its stored form; numbers keep the digits they came with. Raises ValueError (a sentence)."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return stored(field, str(value))
    if not isinstance(value, str):
        raise FieldValueError(f"{field.name} must be text, a number, a boolean or null")
    if field.type == "datetime" and value:
        return _moment(field.name, value)
    if field.type in NUMBER_TYPES and value:
        return _number(field.name, value)
    return str(value)


def _moment(name: str, value: str) -> str:
    try:
        return stamp(parse(value))
    except ValueError as error:
        raise ValueError(f"{name} must be an ISO datetime, not {value!r}") from error


def _number(name: str, value: str) -> str:
    try:
        json.loads(value, parse_constant=_refuse_constant)
    except ValueError as error:
        raise ValueError(f"{name} must be a JSON number, not {value!r}") from error
    return str(value)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def converter(old: Field, new: Field) -> Convert:
    """What Salesforce does to a value when the type of its field changes: what does not fit the new type is lost."""
    kind = _kind(new)
    if kind == "text":
        return _to_text(old, new)
    if kind == "number":
        return _to_number(old, new)
    if kind == "boolean" and _kind(old) == "number":
        return lambda value: "true" if value and Decimal(value) else "false"
    return _OTHERS[kind]


def _kind(field: Field) -> str:
    if field.type in NUMBER_TYPES:
        return "number"
    if field.type in ID_TYPES:
        return "id"
    return field.type if field.type in ("boolean", "date", "datetime", "time") else "text"


def _to_text(old: Field, new: Field) -> Convert:
    longest = new.length or None
    if _kind(old) == "number":
        return lambda value: plain(value)[:longest] if value else NULL
    if old.type == "multipicklist" and new.type == "picklist":
        return lambda value: NULL if ";" in value else value
    return lambda value: value[:longest]


def plain(value: str) -> str:
    """A number as people write it: no exponent and no zeros at the end."""
    text = format(Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _to_number(old: Field, new: Field) -> Convert:
    whole = new.type in _NO_DECIMALS
    if _kind(old) == "number" and not whole:
        # Fewer decimals change what Salesforce shows, not what it holds.
        return lambda value: value if not value or "." in value or "e" in value.lower() else f"{value}.0"
    scale = 0 if whole else new.scale

    def convert(value: str) -> str:
        number = _decimal({"true": "1", "false": "0"}.get(value, value))
        if number is None:
            return NULL
        with localcontext() as context:
            context.prec = _MOST_DIGITS
            text = format(number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP), "f")
        return text if whole else f"{plain(text)}.0" if "." not in plain(text) else plain(text)

    return convert


def _decimal(value: str) -> Decimal | None:
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < _MOST_DIGITS // 2 else None


def _to_boolean(value: str) -> str:
    return "true" if value.strip().lower() in _TRUE else "false"


def _to_date(value: str) -> str:
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        return NULL


def _to_datetime(value: str) -> str:
    try:
        return stamp(parse(value)) if value else NULL
    except ValueError:
        return NULL


def _to_time(value: str) -> str:
    text = value.partition("T")[2] or value
    try:
        return f"{time.fromisoformat(text.removesuffix('Z')).isoformat('milliseconds')}Z"
    except ValueError:
        return NULL


def _to_id(value: str) -> str:
    whole = ids.with_checksum(value)
    return whole if ids.is_valid(whole) else NULL


_OTHERS: dict[str, Convert] = {
    "boolean": _to_boolean,
    "date": _to_date,
    "datetime": _to_datetime,
    "time": _to_time,
    "id": _to_id,
}

"""Made-up values: what a field of a type could hold, and what a rule would have to see to say yes or no."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from durable_compiler.catalogue import FieldSchema, Snapshot
from durable_compiler.ir import Expression, Literal_, Mapping, Operation, Pipeline
from durable_compiler.layout import TYPES, explicit, reached
from durable_compiler.mapped_values import SENT
from durable_compiler.rules import Rules

# The moment at which the example's run starts; nothing on the page depends on the day on which it is written.
NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
MODIFIED = "2026-01-15T08:00:00.000Z"
Value = str | None

# By Salesforce type; addresses, numbers and hosts that nobody can have (RFC 2606, NANP 555-01xx).
SAMPLES = {
    "boolean": "false",
    "int": "12",
    "long": "12",
    "double": "3.5",
    "currency": "12500",
    "percent": "40",
    "date": "2026-01-10",
    "datetime": "2026-01-10T08:15:00.000Z",
    "time": "09:30:00.000Z",
    "email": "invented@example.com",
    "phone": "+1 202 555 0143",
    "url": "https://example.com/invented",
    "textarea": "An invented text",
}
# What a text must look like to become another type.
BY_KIND = {
    "integer": "12",
    "number": "3.5",
    "boolean": "true",
    "date": "2026-01-10",
    "timestamp": "2026-01-10T08:15:00.000Z",
    "time": "09:30:00.000Z",
    "json": '{"invented": true}',
}
NUMBERS = ("0", "-1", "1", "10", "1000", "1000000", "1000000000")
SHIFTS = (-4000, -400, -45, -1, 0, 1, 45, 400)  # days from the run's start
MOST_VALUES = 12  # of a picklist


def sample(field: FieldSchema) -> str:
    """One ordinary value of a field, as Salesforce would send it."""
    active = [one.value for one in field.picklist if one.active]
    if active:
        return ";".join(active[:2]) if field.type == "multipicklist" else active[0]
    if field.type in ("id", "reference"):
        return record_id(900)
    if field.type == "double" and field.scale == 0:
        return SAMPLES["int"]
    text = SAMPLES.get(field.type, f"Invented {field.label}")
    return text[: field.length].rstrip() if field.length and field.type not in TYPES else text


def record_id(number: int) -> str:
    """An Id of 18 characters that no organization has."""
    return f"INVENTED{number:010d}"


class Invention:
    """The values that one object's fields may take in an example: the first of each is the preferred one."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.pipeline: Pipeline = rules.pipeline
        self.name = rules.source.name
        self.constants = tuple(dict.fromkeys(one for whole in rules.expressions for one in _constants(whole)))

    def base(self, fields: Iterable[str]) -> dict[str, Value]:
        """A record with the preferred value of every field that is read."""
        return {path: self.choices(path)[0] for path in fields}

    def decisive(self, fields: Iterable[str]) -> tuple[str, ...]:
        """The fields on which it depends what becomes of a record."""
        entries = (self.pipeline.required, self.pipeline.enums, self.pipeline.blanks, self.pipeline.defaults)
        named = [one.field for many in entries for one in many if one.object == self.name]
        named += [one.field for one in self.pipeline.mappings if one.object == self.name and one.type is not None]
        used = [one.removesuffix(SENT) for one in self.rules.used]
        read = set(fields) - {"Id", "SystemModstamp", "IsDeleted"}
        return tuple(dict.fromkeys(one for one in (*used, *named) if one in read))

    def choices(self, path: str) -> tuple[Value, ...]:
        """Every value worth trying for a field, each once."""
        fixed = {"Id": record_id(1), "SystemModstamp": MODIFIED, "IsDeleted": "false"}.get(path)
        if fixed is not None:
            return (fixed,)
        found = reached(self.rules.snapshot, self.name, path)
        if found is None:
            return (None,)
        return tuple(dict.fromkeys((*self._preferred(path, found[1]), *self._tried(path, found[1]), None)))

    def _preferred(self, path: str, field: FieldSchema) -> Iterator[Value]:
        """The value that shows best what the spec does with the field."""
        if self._entry("defaults", path) is not None:
            yield None
        enum = self._entry("enums", path)
        if enum is not None:
            yield from enum.values
        mapping = self._entry("mappings", path)
        yield _shaped(mapping, sample(field)) if mapping is not None else sample(field)

    def _tried(self, path: str, field: FieldSchema) -> Iterator[Value]:
        """What rules may ask for: constants and what lies beside them, picklist values, blanks."""
        yield from (one.value for one in field.picklist[:MOST_VALUES])
        blank = self._entry("blanks", path)
        yield from blank.values if blank is not None else ()
        mapping = self._entry("mappings", path)
        kind = explicit(mapping.type)[0] if mapping is not None and mapping.type else ""
        if kind in BY_KIND and field.type not in TYPES:
            yield "no value of that type"
        kind = TYPES.get(field.type, (kind or "text",))[0]
        yield from BESIDE.get(kind, _texts)(self.constants)

    def _entry(self, path: str, field: str) -> Any:
        many = getattr(self.pipeline, path)
        return next((one for one in many if (one.object, one.field) == (self.name, field)), None)


def _shaped(mapping: Mapping, value: str) -> str:
    """A value at which the clean-up has something to do."""
    kind = explicit(mapping.type)[0] if mapping.type else "text"
    if kind in BY_KIND:
        return BY_KIND[kind]
    if "lower" in mapping.transforms:
        value = value.title()
    return f"  {value} " if "trim" in mapping.transforms else value


def _constants(expression: Expression) -> Iterator[Any]:
    if isinstance(expression, Literal_):
        yield expression.value
    elif isinstance(expression, Operation):
        for one in expression.args:
            yield from _constants(one)


# --- what lies beside a rule's constants ------------------------------------------------------------------------


def _numbers(constants: Iterable[Any]) -> Iterator[str]:
    for one in constants:
        number = _number(one)
        if number is not None:
            yield from (format(number + step, "f") for step in (0, 1, -1))
    yield from NUMBERS


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _texts(constants: Iterable[Any]) -> Iterator[str]:
    yield from (form for one in constants if isinstance(one, str) for form in (one, f"{one} invented"))
    yield "Another invented value"


def _booleans(_: Iterable[Any]) -> Iterator[str]:
    yield from ("true", "false")


def _days(constants: Iterable[Any]) -> Iterator[date]:
    for one in constants:
        try:
            day = datetime.fromisoformat(one).date() if isinstance(one, str) else None
        except ValueError:
            continue
        if day is not None and date(1000, 1, 2) < day < date(9999, 12, 30):
            yield from (day + timedelta(days=step) for step in (0, 1, -1))
    yield from (NOW.date() + timedelta(days=by) for by in SHIFTS)


def _dates(constants: Iterable[Any]) -> Iterator[str]:
    yield from (one.isoformat() for one in _days(constants))


def _moments(constants: Iterable[Any]) -> Iterator[str]:
    yield from (f"{one.isoformat()}T08:15:00.000Z" for one in _days(constants))


def _times(_: Iterable[Any]) -> Iterator[str]:
    yield from ("00:00:00.000Z", "23:59:00.000Z")


BESIDE = {
    "number": _numbers,
    "integer": _numbers,
    "boolean": _booleans,
    "date": _dates,
    "timestamp": _moments,
    "time": _times,
    "text": _texts,
}


def label_of(snapshot: Snapshot, name: str, path: str) -> str:
    """What a person calls a field, with the relations that lead to it."""
    found = reached(snapshot, name, path)
    steps = path.split(".")[:-1]
    return " ".join([*steps, found[1].label if found else path.rpartition(".")[2]])

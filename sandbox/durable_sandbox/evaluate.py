"""A parsed query bound to the store: fields resolved, conditions compiled to functions of a row."""

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from durable_sandbox import ids
from durable_sandbox.clock import parse as parse_moment
from durable_sandbox.clock import stamp
from durable_sandbox.errors import ApiError
from durable_sandbox.generate import NULL, Row
from durable_sandbox.objects import COMPOUND_TYPES, ID_TYPES, NUMBER_TYPES, Field
from durable_sandbox.soql import Aggregate, Comparison, Condition, Literal, Membership, Negation, Path, Query, context
from durable_sandbox.store import Store, Table

Getter = Callable[[Row], str]
Predicate = Callable[[Row], bool]
Key = Callable[[str], Any]

_ADVICE = (
    " If you are attempting to use a custom field, be sure to append the '__c' after the custom field name."
    " Please reference your WSDL or the describe call for the appropriate names."
)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MAX_OFFSET = 2000


@dataclass(frozen=True)
class Column:
    """One selected field: its API path, its definition and how to read it (None for a compound field)."""

    parts: tuple[str, ...]
    field: Field
    get: Getter
    place: int | None
    parents: tuple[tuple[Field, Getter], ...] = ()


@dataclass(frozen=True)
class Selection:
    """A query's answer: columns and the chosen rows, or the values of aggregates."""

    table: Table
    columns: tuple[Column, ...]
    rows: list[Row]
    aggregates: tuple[tuple[str, Field | None, str], ...] = ()
    count_only: bool = False


def evaluate(query: Query, store: Store, now: datetime, deleted_too: bool) -> Selection:
    """Run a query. Raises ApiError with Salesforce's text for an unknown object or field or a wrong literal."""
    table = store.table(query.object)
    if table is None:
        message = f"{context(query.text, query.object_column)}sObject type '{query.object}' is not supported.{_ADVICE}"
        raise ApiError(400, "INVALID_TYPE", message)
    return _Binder(query, store, table, now).run(deleted_too)


class _Binder:
    def __init__(self, query: Query, store: Store, table: Table, now: datetime) -> None:
        self.query, self.store, self.table, self.now = query, store, table, now

    def run(self, deleted_too: bool) -> Selection:
        query = self.query
        aggregates = [item for item in query.select if isinstance(item, Aggregate)]
        columns = self.columns([item for item in query.select if isinstance(item, Path)])
        rows: Iterable[Row] = self.table.scan(deleted_too)
        if query.where is not None:
            rows = filter(self.predicate(query.where), rows)
        chosen = self.cut(self.sort(rows))
        if not aggregates:
            return Selection(self.table, columns, chosen)
        values = tuple(self.aggregate(item, chosen) for item in aggregates)
        return Selection(self.table, (), chosen, values, count_only=aggregates[0].path is None)

    def sort(self, rows: Iterable[Row]) -> list[Row]:
        chosen = list(rows)
        for order in reversed(self.query.order):
            column = self.filterable(order.path)
            get, key = column.get, _key(column.field)
            empty = [row for row in chosen if not get(row)]
            full = sorted((row for row in chosen if get(row)), key=_sort_key(get, key), reverse=order.descending)
            chosen = empty + full if order.nulls_first else full + empty
        return chosen

    def cut(self, rows: list[Row]) -> list[Row]:
        start, limit = self.query.offset, self.query.limit
        if start > _MAX_OFFSET:
            raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {_MAX_OFFSET}")
        return rows if limit is None and not start else rows[start : None if limit is None else start + limit]

    def aggregate(self, item: Aggregate, rows: list[Row]) -> tuple[str, Field | None, str]:
        if item.path is None:
            return item.alias, None, str(len(rows))
        column = self.column(item.path)
        values = [value for value in map(column.get, rows) if value]
        if item.function == "count":
            return item.alias, None, str(len(values))
        key = _key(column.field)
        if item.function == "count_distinct":
            return item.alias, None, str(len({key(value) for value in values}))
        best = min if item.function == "min" else max
        return item.alias, column.field, best(values, key=key, default=NULL)

    def columns(self, paths: Sequence[Path]) -> tuple[Column, ...]:
        seen: set[str] = set()
        for path in paths:
            if path.text.lower() in seen:
                raise ApiError(400, "INVALID_FIELD", f"duplicate field selected: {path.text}")
            seen.add(path.text.lower())
        return tuple(self.column(path) for path in paths)

    def column(self, path: Path) -> Column:
        table, get_row = self.table, _OWN
        parents: list[tuple[Field, Getter]] = []
        names = list(path.parts)
        if (
            len(names) > 1
            and names[0].lower() == table.kind.name.lower()
            and names[0].lower() not in table.kind.by_relationship
        ):
            names.pop(0)
        done: list[str] = []
        for name in names[:-1]:
            link = table.kind.by_relationship.get(name.lower())
            if link is None or table.field(link.name) is None:
                raise self.unknown_relationship(path, name)
            get_id = _through(get_row, operator.itemgetter(table.kind.positions[link.name]))
            parents.append((link, get_id))
            get_row = _follow(self.store, get_id, link.reference_to)
            done.append(link.relationship or name)
            found = self.store.table(link.reference_to[0])
            if found is None:
                raise self.unknown_relationship(path, name)
            table = found
        field = table.field(names[-1])
        if field is None:
            raise self.unknown_field(path, names[-1], table)
        if parents and field.type in COMPOUND_TYPES:
            message = f"{path.text}: the sandbox reads a compound field on its own object only; select its parts"
            raise ApiError(400, "INVALID_FIELD", context(self.query.text, path.column) + message)
        place = table.kind.positions.get(field.name)
        own = _no_value if place is None else operator.itemgetter(place)
        get = own if not parents else _through(get_row, own)
        return Column((*done, field.name), field, get, None if parents else place, tuple(parents))

    def unknown_field(self, path: Path, name: str, table: Table) -> ApiError:
        text = f"No such column '{name}' on entity '{table.kind.name}'.{_ADVICE}"
        return ApiError(400, "INVALID_FIELD", context(self.query.text, path.column) + text)

    def unknown_relationship(self, path: Path, name: str) -> ApiError:
        text = (
            f"Didn't understand relationship '{name}' in field path."
            " If you are attempting to use a custom relationship,"
            " be sure to append the '__r' after the custom relationship name."
            " Please reference your WSDL or the describe call for the appropriate names."
        )
        return ApiError(400, "INVALID_FIELD", context(self.query.text, path.column) + text)

    def filterable(self, path: Path) -> Column:
        column = self.column(path)
        if not column.field.filterable or column.field.type in COMPOUND_TYPES:
            raise ApiError(400, "INVALID_FIELD", f"field '{column.field.name}' can not be filtered in a query call")
        return column

    def predicate(self, condition: Condition) -> Predicate:
        if isinstance(condition, Comparison):
            return self.comparison(condition)
        if isinstance(condition, Membership):
            return self.membership(condition)
        if isinstance(condition, Negation):
            inner = self.predicate(condition.part)
            return lambda row: not inner(row)
        parts = [self.predicate(part) for part in condition.parts]
        if len(parts) == 2:
            first, second = parts
            if condition.operator == "and":
                return lambda row: first(row) and second(row)
            return lambda row: first(row) or second(row)
        joined = all if condition.operator == "and" else any
        return lambda row: joined(part(row) for part in parts)

    def comparison(self, condition: Comparison) -> Predicate:
        column = self.filterable(condition.path)
        get, key = column.get, _key(column.field)
        value = self.value(column.field, condition.value, condition.path)
        if condition.operator == "like":
            return _like(get, condition.value.text)
        if condition.operator in _OPERATORS:
            return _ordered(get, key, _OPERATORS[condition.operator], value)
        wanted = key(value) if value else NULL
        equal = condition.operator == "="
        return lambda row: (key(found) == wanted if (found := get(row)) else not value) is equal

    def membership(self, condition: Membership) -> Predicate:
        column = self.filterable(condition.path)
        get, key = column.get, _key(column.field)
        values = [self.value(column.field, literal, condition.path) for literal in condition.values]
        wanted = {key(value) for value in values if value} | ({NULL} if NULL in values else set())
        inside = not condition.negated
        return lambda row: ((key(found) if (found := get(row)) else NULL) in wanted) is inside

    def value(self, field: Field, literal: Literal, path: Path) -> str:
        if literal.kind == "null":
            return NULL
        kind = _LITERAL_KINDS.get(field.type, "string")
        if literal.kind == "relative" and kind in ("date", "datetime"):
            return _relative(literal.text, self.now, kind)
        if literal.kind != kind:
            quoted = " and should not be enclosed in quotes" if literal.kind == "string" else ""
            shown = _SHOWN_TYPES.get(kind, kind)
            message = f"value of filter criterion for field '{field.name}' must be of type {shown}{quoted}"
            raise ApiError(400, "INVALID_FIELD", context(self.query.text, path.column) + message)
        if kind == "datetime":
            return stamp(parse_moment(literal.text))
        if field.type in ID_TYPES:
            return ids.with_checksum(literal.text)
        return literal.text.lower() if kind == "boolean" else literal.text


_LITERAL_KINDS = {
    **dict.fromkeys(NUMBER_TYPES, "number"),
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
}
_SHOWN_TYPES = {"datetime": "dateTime", "number": "double"}


def _identity(row: Row) -> Row | None:
    return row


_OWN: Callable[[Row], Row | None] = _identity


def _no_value(_: Row) -> str:
    return NULL


def _through(get_row: Callable[[Row], Row | None], own: Getter) -> Getter:
    if get_row is _OWN:
        return own

    def get(row: Row) -> str:
        parent = get_row(row)
        return own(parent) if parent else NULL

    return get


def _follow(store: Store, get_id: Getter, names: Sequence[str]) -> Callable[[Row], Row | None]:
    first = store.table(names[0])

    def get(row: Row) -> Row | None:
        return first.get(get_id(row)) if first else None

    return get


def _key(field: Field) -> Key:
    if field.type in NUMBER_TYPES:
        return Decimal
    return str if field.type in ID_TYPES or field.type in ("boolean", "date", "datetime", "time") else str.lower


def _sort_key(get: Getter, key: Key) -> Callable[[Row], Any]:
    return lambda row: key(get(row))


def _ordered(get: Getter, key: Key, compare: Callable[[Any, Any], bool], value: str) -> Predicate:
    if not value:
        return lambda _: False
    wanted = key(value)
    if key is str:
        return lambda row: (found := get(row)) != "" and compare(found, wanted)
    return lambda row: (found := get(row)) != "" and compare(key(found), wanted)


def _like(get: Getter, pattern: str) -> Predicate:
    wildcards = {"%": ".*", "_": "."}
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    expression = "".join(wildcards.get(part) or re.escape(part[-1]) for part in parts)
    match = re.compile(expression, re.IGNORECASE | re.DOTALL).fullmatch
    return lambda row: (found := get(row)) != "" and match(found) is not None


def _relative(text: str, now: datetime, kind: str) -> str:
    name, _, number = text.lower().partition(":")
    shifts = {"yesterday": -1, "tomorrow": 1, "last_n_days": -int(number or 0), "next_n_days": int(number or 0)}
    day = (now.astimezone(UTC) + timedelta(days=shifts.get(name, 0))).date().isoformat()
    return day if kind == "date" else f"{day}T00:00:00.000Z"

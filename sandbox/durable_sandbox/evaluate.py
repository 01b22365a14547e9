"""A parsed query bound to the store: fields resolved, conditions compiled, and the answer kept as record numbers."""

import operator
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from durable_sandbox import conditions, ids
from durable_sandbox.bounds import bounds_of
from durable_sandbox.clock import parse as parse_moment
from durable_sandbox.clock import stamp
from durable_sandbox.conditions import ORDERED, Test, sort_key
from durable_sandbox.errors import ApiError
from durable_sandbox.extended import ARCHIVED
from durable_sandbox.generate import NULL, Row
from durable_sandbox.objects import COMPOUND_TYPES, ID_TYPES, NUMBER_TYPES, Field, ObjectType
from durable_sandbox.soql import Aggregate, Comparison, Condition, Literal, Membership, Negation, Path, Query, context
from durable_sandbox.store import Table
from durable_sandbox.view import Bounds, Predicate, Rows, View, Want

Getter = Callable[[Row], str]

_ADVICE = (
    " If you are attempting to use a custom field, be sure to append the '__c' after the custom field name."
    " Please reference your WSDL or the describe call for the appropriate names."
)
_OBJECT_ADVICE = (
    " If you are attempting to use a custom object, be sure to append the '__c' after the entity name."
    " Please reference your WSDL or the describe call for the appropriate names."
)
_MAX_OFFSET = 2000
_FEW_ROWS = 10_000
"""Above this, parents that match are looked for first, and children by their Ids."""


class Tables(Protocol):
    """Where a query finds its objects."""

    def table(self, name: str) -> Table | None:
        """The visible table of an object, by its API name in any case."""


@dataclass(frozen=True)
class Link:
    """A reference that a path follows: its field, how to read it from a row, and the records that it is on."""

    field: Field
    get: Getter
    view: View


@dataclass(frozen=True)
class Column:
    """One selected field: its API path, its definition and how to read it (null for a compound field).

    `place` is where the value stands in a row of the object itself; `needs` are the places that reading takes.
    """

    parts: tuple[str, ...]
    field: Field
    get: Getter
    place: int | None
    parents: tuple[tuple[Field, Getter], ...] = ()
    needs: frozenset[int] = frozenset()
    links: tuple[Link, ...] = ()
    view: View | None = None


@dataclass(frozen=True)
class Selection:
    """A query's answer: columns and the chosen rows, or the values of aggregates; later changes don't touch it."""

    table: Table
    kind: ObjectType
    columns: tuple[Column, ...]
    rows: Rows
    aggregates: tuple[tuple[str, Field | None, str], ...] = ()
    count_only: bool = False


def evaluate(query: Query, store: Tables, now: datetime, deleted_too: bool) -> Selection:
    """Run a query. Raises ApiError with Salesforce's text for an unknown object or field or a wrong literal."""
    table = store.table(query.object)
    if table is None:
        message = f"sObject type '{query.object}' is not supported.{_OBJECT_ADVICE}"
        raise ApiError(400, "INVALID_TYPE", context(query.text, query.object_column) + message)
    if "no_query" in table.kind.traits:
        text = f"entity type {table.kind.name} does not support query"
        raise ApiError(400, "INVALID_TYPE_FOR_OPERATION", text)
    return _Binder(query, store, table, now).run(deleted_too)


class _Binder:
    def __init__(self, query: Query, store: Tables, table: Table, now: datetime) -> None:
        self.query, self.store, self.table, self.now = query, store, table, now
        self.view = table.view
        self.needs: set[int] = set()

    def run(self, deleted_too: bool) -> Selection:
        query = self.query
        aggregates = [item for item in query.select if isinstance(item, Aggregate)]
        columns = self.columns([item for item in query.select if isinstance(item, Path)])
        chosen = self.cut(self.sort(self.chosen(deleted_too)))
        kind = self.view.kind
        if not aggregates:
            needs = frozenset({kind.positions["Id"]}).union(*(column.needs for column in columns))
            return Selection(self.table, kind, columns, chosen.needing(needs))
        values = tuple(self.aggregate(item, chosen) for item in aggregates)
        return Selection(self.table, kind, (), chosen, values, count_only=aggregates[0].path is None)

    def chosen(self, deleted_too: bool) -> Rows:
        where, limit = self.query.where, self.query.limit
        keep = None if where is None else self.predicate(where)
        bounds = Bounds(covered=True) if where is None else bounds_of(where, self.bound)
        archived = self.view.kind.positions.get("IsArchived") if self.table.kind.name in ARCHIVED else None
        if archived is not None and not deleted_too:
            self.needs.add(archived)
            keep, bounds = _not_archived(archived, keep), replace(bounds, covered=False)
        early = limit is not None and self.naturally_ordered()
        most = limit + self.query.offset if limit is not None and early else None
        return self.view.select(Want(deleted_too, keep, frozenset(self.needs), bounds, most))

    def naturally_ordered(self) -> bool:
        """Whether the order asked for is the one that records are in."""
        keys = [(order.path.text.lower(), order.descending) for order in self.query.order]
        return not keys or (keys == [("id", False)] and self.view.in_id_order())

    def sort(self, rows: Rows) -> Rows:
        if self.naturally_ordered():
            return rows
        columns = [self.filterable(order.path) for order in self.query.order]
        needs = frozenset[int]().union(*(column.needs for column in columns))
        values = [[column.get(row) for column in columns] for row in rows.needing(needs)]
        places = list(range(len(values)))
        for number, (order, column) in reversed(list(enumerate(zip(self.query.order, columns, strict=True)))):
            key = sort_key(column.field)
            keyed = [key(value[number]) if value[number] else None for value in values]
            empty = [place for place in places if keyed[place] is None]
            full = [place for place in places if keyed[place] is not None]
            full.sort(key=_value_at(keyed), reverse=order.descending)
            places = empty + full if order.nulls_first else full + empty
        return Rows(rows.view, array("I", (rows.numbers[place] for place in places)))

    def cut(self, rows: Rows) -> Rows:
        start, limit = self.query.offset, self.query.limit
        if start > _MAX_OFFSET:
            raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {_MAX_OFFSET}")
        return rows if limit is None and not start else rows.cut(start, None if limit is None else start + limit)

    def aggregate(self, item: Aggregate, rows: Rows) -> tuple[str, Field | None, str]:
        if item.path is None:
            return item.alias, None, str(len(rows))
        column = self.column(item.path)
        if item.function == "count" and column.field.type == "id" and not column.parents:
            return item.alias, None, str(len(rows))
        values = (value for row in rows.needing(column.needs) if (value := column.get(row)))
        if item.function == "count":
            return item.alias, None, str(sum(1 for _ in values))
        key = sort_key(column.field)
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
        table, done = self.table, []
        links: list[Link] = []
        names = list(path.parts)
        if (
            len(names) > 1
            and names[0].lower() == table.kind.name.lower()
            and names[0].lower() not in table.kind.by_relationship
        ):
            names.pop(0)
        for name in names[:-1]:
            link = table.kind.by_relationship.get(name.lower())
            found = self.store.table(link.reference_to[0]) if link and table.field(link.name) else None
            if link is None or found is None:
                raise self.unknown_relationship(path, name)
            links.append(Link(link, _getter(table.view, link.name, links), table.view))
            done.append(link.relationship or name)
            table = found
        field = table.field(names[-1])
        if field is None:
            raise self.unknown_field(path, names[-1], table)
        if links and field.type in COMPOUND_TYPES:
            message = f"{path.text}: the sandbox reads a compound field on its own object only; select its parts"
            raise ApiError(400, "INVALID_FIELD", context(self.query.text, path.column) + message)
        return _column((*done, field.name), field, links, table.view)

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
        value = self.value(column.field, condition.value, condition.path)
        if condition.operator == "like":
            return self.tested(column, conditions.like(condition.value.text), finds_null=False)
        key = sort_key(column.field)
        if condition.operator in ORDERED:
            given = None if condition.value.kind == "null" else value
            return self.tested(column, conditions.ordered(key, condition.operator, given), finds_null=False)
        wanted = condition.operator == "="
        return self.tested(column, conditions.equal(key, value, wanted), finds_null=wanted is not bool(value))

    def membership(self, condition: Membership) -> Predicate:
        column = self.filterable(condition.path)
        values = [self.value(column.field, literal, condition.path) for literal in condition.values]
        inside = not condition.negated
        test = conditions.member(sort_key(column.field), values, inside)
        return self.tested(column, test, finds_null=(NULL in values) is inside)

    def tested(self, column: Column, test: Test, finds_null: bool) -> Predicate:
        """The test on a column's value; where many rows follow a reference, on the parents first."""
        self.needs |= column.needs
        if column.links and not finds_null and len(self.view) > _FEW_ROWS:
            return _through(column, test)
        get = column.get
        return lambda row: test(get(row))

    def bound(self, path: Path, literal: Literal) -> tuple[str, str] | None:
        """An own field's name with a literal in its stored form; None for a field of a parent."""
        column = self.filterable(path)
        return None if column.links else (column.field.name, self.value(column.field, literal, path))

    def value(self, field: Field, literal: Literal, path: Path) -> str:
        if literal.kind == "null":
            return NULL
        kind = _LITERAL_KINDS.get(field.type, "string")
        if literal.kind == "relative" and kind in ("date", "datetime"):
            return conditions.relative(literal.text, self.now, kind)
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


def _value_at(keyed: list[Any]) -> Callable[[int], Any]:
    return lambda place: keyed[place]


def _no_value(_: Row) -> str:
    return NULL


def _column(parts: tuple[str, ...], field: Field, links: list[Link], view: View) -> Column:
    place = view.kind.positions.get(field.name)
    get = _no_value if place is None else _getter(view, field.name, links)
    parents = tuple((link.field, link.get) for link in links)
    if links:
        first = links[0].view.kind.positions[links[0].field.name]
        return Column(parts, field, get, None, parents, frozenset({first}), tuple(links), view)
    return Column(parts, field, get, place, needs=_own_needs(field, view.kind), view=view)


def _own_needs(field: Field, kind: ObjectType) -> frozenset[int]:
    """The places that show a field: its own, or those of the parts of a compound one."""
    names = [item.name for item in kind.columns if field.name in (item.compound, item.name)]
    return frozenset(kind.positions[name] for name in names)


def _getter(view: View, name: str, links: Sequence[Link]) -> Getter:
    """How to read a field of the records that the links lead to."""
    if not links:
        return operator.itemgetter(view.kind.positions[name])
    read, get_id = view.reader(name), links[-1].get
    return lambda row: read(get_id(row))


def _not_archived(place: int, keep: Predicate | None) -> Predicate:
    return lambda row: row[place] != "true" and (keep is None or keep(row))


def _through(column: Column, test: Test) -> Predicate:
    """The test as membership among the parents that pass it, found level by level from the far end."""
    assert column.view is not None
    view, name = column.view, column.field.name
    for link in reversed(column.links):
        place = view.kind.positions[name]
        found = view.select(Want(keep=_on(place, test), needs=frozenset({place}), bounds=Bounds()))
        test, view, name = frozenset(found.ids()).__contains__, link.view, link.field.name
    return _on(view.kind.positions[name], test)


def _on(place: int, test: Test) -> Predicate:
    return lambda row: test(row[place])

"""Rows as Salesforce writes them: REST JSON, Bulk CSV and the administrator's plain truth. Numbers keep every digit."""

import json
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from json.encoder import encode_basestring

from durable_sandbox.evaluate import Column, Selection
from durable_sandbox.generate import Row
from durable_sandbox.objects import COMPOUND_TYPES, NUMBER_TYPES, Field, ObjectType
from durable_sandbox.store import Table

_CHUNK_LINES = 1000

Encoder = Callable[[Row], str]


def json_value(field: Field, value: str) -> str:
    """One stored value as JSON text."""
    if not value:
        return "null"
    if field.type in NUMBER_TYPES or field.type == "boolean":
        return value
    return encode_basestring(f"{value[:-1]}+0000" if field.type == "datetime" else value)


def _attributes(name: str, base: str, record_id: str) -> str:
    return f'"attributes":{{"type":"{name}","url":"{base}/sobjects/{name}/{record_id}"}}'


def json_records(selection: Selection, base: str, rows: Sequence[Row]) -> Iterator[str]:
    """Each row as a JSON object with its attributes; parents are nested objects."""
    name = selection.kind.name
    members = _members(selection, base)
    for row in rows:
        yield "{" + ",".join([_attributes(name, base, row[0]), *(member(row) for member in members)]) + "}"


def _members(selection: Selection, base: str) -> list[Encoder]:
    own = [column for column in selection.columns if not column.parents]
    nested: dict[str, list[Column]] = {}
    for column in selection.columns:
        if column.parents:
            nested.setdefault(column.parts[0], []).append(column)
    plain = [_member(column, selection.kind, base) for column in own]
    return plain + [_parent(name, columns, 0, base) for name, columns in nested.items()]


def _member(column: Column, kind: ObjectType, base: str) -> Encoder:
    field, get = column.field, column.get
    prefix = f'"{column.parts[-1]}":'
    if field.type in COMPOUND_TYPES:
        return _compound(prefix, field, kind)
    if field.type == "base64":
        # A record shows where its content is, not the content.
        address = f"{base}/sobjects/{kind.name}"
        return lambda row: f'{prefix}"{address}/{row[0]}/{field.name}"'
    return lambda row: prefix + json_value(field, get(row))


def _compound(prefix: str, field: Field, kind: ObjectType) -> Encoder:
    stem = field.name.removesuffix("Address") if field.type == "address" else field.name.removesuffix("c")
    named = ((_part_name(item.name.removeprefix(stem)), item) for item in kind.columns if item.compound == field.name)
    parts = [(name, item, operator.itemgetter(kind.positions[item.name])) for name, item in sorted(named, key=_name_of)]

    def encode(row: Row) -> str:
        values = [(name, part_field, get(row)) for name, part_field, get in parts]
        if not any(value for *_, value in values):
            return prefix + "null"
        return prefix + "{" + ",".join(f'"{name}":{json_value(item, value)}' for name, item, value in values) + "}"

    return encode


def _part_name(text: str) -> str:
    text = text.removesuffix("__s")
    return text[:1].lower() + text[1:]


def _name_of(part: tuple[str, Field]) -> str:
    return part[0]


def _parent(name: str, columns: list[Column], depth: int, base: str) -> Encoder:
    link, get_id = columns[0].parents[depth]
    target = link.reference_to[0]
    direct = [column for column in columns if len(column.parents) == depth + 1]
    deeper: dict[str, list[Column]] = {}
    for column in columns:
        if len(column.parents) > depth + 1:
            deeper.setdefault(column.parts[depth + 1], []).append(column)
    inner = [_value_member(column) for column in direct]
    inner += [_parent(key, group, depth + 1, base) for key, group in deeper.items()]

    def encode(row: Row) -> str:
        record_id = get_id(row)
        if not record_id:
            return f'"{name}":null'
        return f'"{name}":{{' + ",".join([_attributes(target, base, record_id), *(item(row) for item in inner)]) + "}"

    return encode


def _value_member(column: Column) -> Encoder:
    field, get, prefix = column.field, column.get, f'"{column.parts[-1]}":'
    return lambda row: prefix + json_value(field, get(row))


def aggregate_json(selection: Selection) -> str:
    """The single AggregateResult record."""
    values = [
        f'"{alias}":{value if field is None else json_value(field, value)}'
        for alias, field, value in selection.aggregates
    ]
    return "{" + ",".join(['"attributes":{"type":"AggregateResult"}', *values]) + "}"


def csv_header(columns: Sequence[Column], delimiter: str, ending: str) -> str:
    """The header line, quoted."""
    return delimiter.join(f'"{".".join(column.parts)}"' for column in columns) + ending


def csv_lines(columns: Sequence[Column], rows: Iterable[Row], delimiter: str, ending: str) -> Iterator[str]:
    """Each row as a CSV line: every value quoted, quotes doubled, line breaks as they are."""
    cells = _cells(columns)
    glue, end = f'"{delimiter}"', f'"{ending}'
    expected = 2 * (len(columns) - 1)
    for row in rows:
        values = cells(row)
        line = glue.join(values)
        if line.count('"') != expected:
            line = glue.join([value.replace('"', '""') for value in values])
        yield f'"{line}{end}'


def csv_bytes(columns: Sequence[Column], rows: Iterable[Row], delimiter: str, ending: str) -> Iterator[bytes]:
    """The same lines encoded, some at a time, so that a large page is never whole as text."""
    lines = csv_lines(columns, rows, delimiter, ending)
    while chunk := "".join(islice(lines, _CHUNK_LINES)):
        yield chunk.encode()


def _cells(columns: Sequence[Column]) -> Callable[[Row], Sequence[str]]:
    places = [column.place for column in columns if column.place is not None]
    if len(places) == len(columns) > 1:
        return operator.itemgetter(*places)
    getters = [column.get for column in columns]
    return lambda row: [get(row) for get in getters]


def truth_lines(table: Table) -> Iterator[str]:
    """Every record, deleted ones too, as a JSON line: booleans as JSON, all else as the exact stored text or null."""
    fields = [(item.name, table.kind.positions[item.name], item.type == "boolean") for item in table.kind.columns]
    shown = [entry for entry in fields if entry[0] not in table.hidden]
    return (_truth(row, shown) for row in table.rows)


def _truth(row: Row, shown: Sequence[tuple[str, int, bool]]) -> str:
    record = {name: (row[place] == "true") if boolean else row[place] or None for name, place, boolean in shown}
    return json.dumps(record, ensure_ascii=False) + "\n"

"""The organisation's records in memory: rows are tuples of text, replaced and never changed in place."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from durable_sandbox import ids
from durable_sandbox.catalogue import OBJECTS
from durable_sandbox.generate import NULL, Row, make_rows
from durable_sandbox.objects import COMPOUND_TYPES, Field, ObjectType
from durable_sandbox.pools import make_pools

_FEWEST_ROWS = 5
_DIGEST_ROWS = 200
_MOST_ORGANISATIONS = 10**9


class Table:
    """The records of one object in Id order of arrival."""

    def __init__(self, kind: ObjectType, rows: list[Row]) -> None:
        self.kind = kind
        self.rows = rows
        self.places = {row[0]: place for place, row in enumerate(rows)}
        self.hidden: dict[str, Field] = {}
        self.purged: set[str] = set()

    def get(self, record_id: str) -> Row | None:
        """The record with this Id, deleted or not."""
        place = self.places.get(record_id)
        return None if place is None else self.rows[place]

    def put(self, row: Row) -> None:
        """Replace the record with this Id, or add it."""
        place = self.places.setdefault(row[0], len(self.rows))
        self.rows[place : place + 1] = [row]

    def free_number(self, count: int) -> int:
        """The first of so many running numbers whose Ids no record has or had."""
        start = len(self.rows) + 1
        taken = self.places.keys() | self.purged
        while any(ids.make(self.kind.prefix, number) in taken for number in range(start, start + count)):
            start += max(count, 1)
        return start

    def remove(self, record_ids: Iterable[str]) -> None:
        """Forget records as if they had never been, as emptying the recycle bin does."""
        gone = set(record_ids)
        self.purged |= gone
        self.rows = [row for row in self.rows if row[0] not in gone]
        self.places = {row[0]: place for place, row in enumerate(self.rows)}

    def scan(self, deleted_too: bool) -> Iterable[Row]:
        """The records, in order, with or without those in the recycle bin."""
        place = self.kind.positions.get("IsDeleted")
        if deleted_too or place is None:
            return self.rows
        return (row for row in self.rows if row[place] == "false")

    def field(self, name: str) -> Field | None:
        """The visible field of this name in any case."""
        found = self.kind.by_name.get(name.lower())
        return None if found is None or found.name in self.hidden else found

    def fields(self) -> Iterator[Field]:
        """The visible fields."""
        return (item for item in self.kind.fields if item.name not in self.hidden)

    def add_field(self, item: Field, value: str | None) -> None:
        """Show a new, hidden or redefined field; no stamp moves, as in Salesforce."""
        self.hidden.pop(item.name, None)
        known = self.kind.by_name.get(item.name.lower())
        kept = [item if old is known else old for old in self.kind.fields]
        self.kind = replace(self.kind, fields=tuple(kept if known else [*kept, item]))
        if item.type in COMPOUND_TYPES:
            return
        if known is None:
            self.rows = [(*row, value or NULL) for row in self.rows]
        elif value is not None:
            place = self.kind.positions[item.name]
            self.rows = [(*row[:place], value, *row[place + 1 :]) for row in self.rows]

    def hide_field(self, item: Field) -> None:
        """Hide a field from describe and SOQL, as field-level security does; its values stay."""
        self.hidden[item.name] = item


def _count(kind: ObjectType, rows: int) -> int:
    """Every object but the organisation has a share of the rows; users are needed even in an empty sandbox."""
    least = 1 if not kind.listed or kind.name == "User" else 0
    few = min(rows, _FEWEST_ROWS) if kind.listed else 0
    return max(round(rows * kind.share), few, least)


class Store:
    """Every table of the organisation."""

    def __init__(self, rows: int, seed: int) -> None:
        self.pools = make_pools(seed)
        self.tables: dict[str, Table] = {}
        known: dict[str, Sequence[str]] = {}
        for kind in OBJECTS:
            # Another seed is another organisation, with an Id of its own.
            first = 1 + (seed - 1) % _MOST_ORGANISATIONS if kind.name == "Organization" else 1
            made = make_rows(kind, _count(kind, rows), first, f"{seed}/{kind.name}", self.pools, known)
            self.tables[kind.name.lower()] = Table(kind, made)
            known[kind.name] = [row[0] for row in made]

    def table(self, name: str) -> Table | None:
        """The table of an object, by its API name in any case."""
        return self.tables.get(name.lower())

    def listed(self) -> Iterator[Table]:
        """The tables that describe global shows."""
        return (table for table in self.tables.values() if table.kind.listed)

    def ids(self) -> dict[str, list[str]]:
        """Every object's Ids, for makers that refer to them."""
        return {table.kind.name: list(table.places) for table in self.tables.values()}

    def find(self, record_id: str, names: Sequence[str]) -> tuple[Table, Row] | None:
        """The record with this Id among some objects."""
        for name in names:
            table = self.table(name)
            row = table.get(record_id) if table else None
            if table and row:
                return table, row
        return None

    def digest(self) -> str:
        """A fingerprint of the generated data: another version of the sandbox or its libraries may make other rows."""
        sample = [table.rows[:_DIGEST_ROWS] for table in self.tables.values()]
        return hashlib.sha256(repr((self.pools, sample)).encode()).hexdigest()

    @property
    def organization_id(self) -> str:
        """The organisation's own Id."""
        return self.tables["organization"].rows[0][0]

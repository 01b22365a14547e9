"""The organisation's tables: generated records that are made when they are read, under the changes made since."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from typing import overload

from durable_sandbox import ids
from durable_sandbox.blocks import Base, Cache
from durable_sandbox.catalogue import OBJECTS
from durable_sandbox.extended import EXTENDED, extra_objects
from durable_sandbox.generate import NULL, Draft, Row, make_rows
from durable_sandbox.layout import Convert, Layout, Step
from durable_sandbox.objects import COMPOUND_TYPES, Field, ObjectType
from durable_sandbox.pools import Pools, make_pools
from durable_sandbox.view import Overlay, Rows, View, Want

_FEWEST_ROWS = 5
_DIGEST_ROWS = 20
_MOST_LISTED_IDS = 250_000
_MOST_ORGANISATIONS = 10**9


class Table:
    """The records of one object in Id order of arrival: generated ones (`base`), and `rows` given one by one."""

    def __init__(self, kind: ObjectType, rows: Iterable[Row] = (), base: Base | None = None) -> None:
        self.base = base or Base(kind, 0, 1, "", _NO_POOLS, {}, Cache())
        self.layout = Layout.first(kind)
        self.overlay = Overlay(added={row[0]: row for row in rows})
        self.hidden: dict[str, Field] = {}
        self.purged: set[str] = set()
        self.held: dict[str, Row] = {}  # written by a transaction that has not committed
        self._view: View | None = None

    @property
    def kind(self) -> ObjectType:
        """The object's definition as it is now."""
        return self.layout.kind

    @property
    def view(self) -> View:
        """The records as they are at this moment, whatever is written later."""
        if self._view is None:
            self._view = View(self.base, self.layout, self.overlay)
        return self._view

    @property
    def rows(self) -> Rows:
        """Every record, deleted ones too."""
        return self.view.select(Want())

    def __len__(self) -> int:
        return len(self.view)

    def get(self, record_id: str) -> Row | None:
        """The record with this Id, deleted or not."""
        return self.view.get(record_id)

    def scan(self, deleted_too: bool) -> Rows:
        """The records, in order, with or without those in the recycle bin."""
        return self.view.select(Want(deleted_too))

    def _open(self) -> Overlay:
        """The overlay to write to; one that a view still reads is copied first."""
        if self.overlay.shared:
            self.overlay = self.overlay.copy()
        self._view = None
        return self.overlay

    def put(self, row: Row) -> None:
        """Replace the record with this Id, or add it."""
        overlay, place = self._open(), self.base.place(row[0])
        if place is None or row[0] in overlay.added or self._gone(place):
            overlay.added[row[0]] = row
            return
        block = self.base.block_of(place)
        overlay.changed.setdefault(block, {})[place - self.base.span(block).start] = row

    def _gone(self, place: int) -> bool:
        block = self.base.block_of(place)
        changed = self.overlay.changed.get(block, {})
        return changed.get(place - self.base.span(block).start, ()) is None

    def remove(self, record_ids: Iterable[str]) -> None:
        """Forget records as if they had never been, as emptying the recycle bin does."""
        overlay = self._open()
        for record_id in record_ids:
            self.purged.add(record_id)
            self.held.pop(record_id, None)
            if overlay.added.pop(record_id, None) is not None:
                continue
            place = self.base.place(record_id)
            if place is not None and not self._gone(place):
                block = self.base.block_of(place)
                overlay.changed.setdefault(block, {})[place - self.base.span(block).start] = None
                overlay.removed += 1

    def free_number(self, count: int) -> int:
        """The first of so many running numbers whose Ids no record has or had."""
        start = len(self) + 1
        while any(self._taken(number) for number in range(start, start + count)):
            start += max(count, 1)
        return start

    def _taken(self, number: int) -> bool:
        record_id = ids.make(self.kind.prefix, number)
        generated = 0 <= number - self.base.first < self.base.count
        return generated or record_id in self.overlay.added or record_id in self.purged or record_id in self.held

    @property
    def ids(self) -> Sequence[str]:
        """The Ids of every record, deleted ones too, made when they are asked for."""
        return Ids(self.view)

    def field(self, name: str) -> Field | None:
        """The visible field of this name in any case."""
        found = self.kind.by_name.get(name.lower())
        return None if found is None or found.name in self.hidden else found

    def fields(self) -> Iterator[Field]:
        """The visible fields."""
        return (item for item in self.kind.fields if item.name not in self.hidden)

    def add_field(self, item: Field, value: str | None) -> None:
        """Show a new, hidden or redefined field; no stamp moves, as in Salesforce."""
        known = self.kind.by_name.get(item.name.lower())
        if known is not None:
            self.hidden.pop(known.name, None)
        kept = [item if old is known else old for old in self.kind.fields]
        old = known.name if known is not None and value is None else None
        self._relayout(kept if known else [*kept, item], {item.name: Step(old, value or NULL)})

    def derive_field(self, item: Field, source: str, convert: Convert) -> None:
        """Add a field whose values come from those of another one, made when they are read."""
        self._relayout([*self.kind.fields, item], {item.name: Step(source, NULL, convert)})

    def drop_field(self, item: Field) -> None:
        """Delete a field with its values, for good; no stamp moves. Raises ValueError for the Id."""
        if item.type == "id":
            raise ValueError(f"{self.kind.name} cannot lose its Id")
        self.hidden.pop(item.name, None)
        self._relayout([old for old in self.kind.fields if old.name != item.name], {})

    def rename_field(self, item: Field, new: str) -> None:
        """Give a field another API name; it keeps its values and no stamp moves. Raises ValueError for a taken name."""
        if new.lower() in self.kind.by_name and new.lower() != item.name.lower():
            raise ValueError(f"{self.kind.name} already has a field {new}")
        if item.type == "id":
            raise ValueError(f"{self.kind.name} needs its field Id")
        renamed = replace(item, name=new)
        if self.hidden.pop(item.name, None):
            self.hidden[new] = renamed
        self.replace_field(item, renamed, None)

    def replace_field(self, old: Field, new: Field, convert: Convert | None) -> None:
        """Retype, widen or rename a field: each value becomes what `convert` makes of it; no stamp moves."""
        step = Step(None if old.type in COMPOUND_TYPES else old.name, NULL, convert)
        self._relayout([new if item.name == old.name else item for item in self.kind.fields], {new.name: step})

    def relabel(self, label: str, plural: str) -> None:
        """Give the object other labels."""
        self.layout = replace(self.layout, kind=replace(self.kind, label=label, plural=plural))
        self._view = None

    def hide_field(self, item: Field) -> None:
        """Hide a field from describe and SOQL, as field-level security does; its values stay."""
        self.hidden[item.name] = item

    def show_field(self, name: str) -> None:
        """Show a hidden field again."""
        known = self.kind.by_name.get(name.lower())
        self.hidden.pop(known.name if known else name, None)

    def _relayout(self, fields: Sequence[Field], steps: dict[str, Step]) -> None:
        kind = replace(self.kind, fields=tuple(fields))
        move = self.layout.mover(kind, steps)
        self.overlay = self.overlay.moved(move)
        self.held = {record_id: move(row) for record_id, row in self.held.items()}
        self.layout, self._view = self.layout.changed(kind, steps), None

    def fresh(self, count: int, first: int, seed: str, parents: Mapping[str, Sequence[str]]) -> list[Row]:
        """New rows of today's shape with running numbers from `first`, not stored; the same for the same seed."""
        made = make_rows(self.base.kind, count, first, seed, self.base.pools, parents)
        draft = Draft(seed, self.base.pools, self.kind, count, first, parents, whole=False)
        later = [
            (place, draft.column(item.name))
            for place, item in enumerate(self.kind.columns)
            if self.layout.origins[place].generated is None and item.maker != "null"
        ]
        rows = self.layout.dressed(made, self.base.kind)
        for place, column in later:
            rows = [(*row[:place], value, *row[place + 1 :]) for row, value in zip(rows, column, strict=True)]
        return rows


class Ids(Sequence[str]):
    """The Ids of a view's records, made when they are asked for."""

    def __init__(self, view: View) -> None:
        self.view = view
        removed = view.overlay.removed > 0
        self.numbers: Sequence[int] = view.select(Want()).numbers if removed else range(len(view))

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self._id(number) for number in self.numbers[place]]
        return self._id(self.numbers[place])

    def _id(self, number: int) -> str:
        count = self.view.base.count
        return self.view.base.ids[number] if number < count else self.view.added[number - count][0]


def _count(kind: ObjectType, rows: int) -> int:
    """Every object but the organisation has a share of the rows; users are needed even in an empty sandbox."""
    least = 1 if not kind.listed or kind.name == "User" else 0
    few = min(rows, _FEWEST_ROWS) if kind.listed else 0
    return max(round(rows * kind.share), few, least)


class Store:
    """Every table of the organisation."""

    def __init__(self, rows: int, seed: int, extra: int = 0) -> None:
        self.pools = make_pools(seed)
        self.seed = seed
        self.tables: dict[str, Table] = {}
        self.hidden: set[str] = set()
        cache = Cache()
        known: dict[str, Sequence[str]] = {}
        for kind in (*OBJECTS, *EXTENDED):
            # Another seed is another organisation, with an Id of its own.
            first = 1 + (seed - 1) % _MOST_ORGANISATIONS if kind.name == "Organization" else 1
            base = Base(kind, _count(kind, rows), first, f"{seed}/{kind.name}", self.pools, dict(known), cache)
            self.tables[kind.name.lower()] = Table(kind, base=base)
            known[kind.name] = base.ids if base.count > _MOST_LISTED_IDS else base.ids[:]
        self.hidden |= {kind.name.lower() for kind in EXTENDED}
        for kind in extra_objects(extra):
            base = Base(kind, _count(kind, rows), 1, f"{seed}/{kind.name}", self.pools, known, cache)
            self.tables[kind.name.lower()] = Table(kind, base=base)

    def table(self, name: str) -> Table | None:
        """The visible table of an object, by its API name in any case."""
        return None if name.lower() in self.hidden else self.tables.get(name.lower())

    def listed(self) -> Iterator[Table]:
        """The tables that describe global shows."""
        return (table for name, table in self.tables.items() if table.kind.listed and name not in self.hidden)

    def hide_table(self, name: str) -> None:
        """Make an object disappear from describe and SOQL; its records stay. Raises KeyError for an unknown name."""
        self.hidden.add(self.tables[name.lower()].kind.name.lower())

    def show_table(self, name: str) -> None:
        """Show a hidden object again."""
        self.hidden.discard(name.lower())

    def ids(self) -> Mapping[str, Sequence[str]]:
        """Every object's Ids, for makers that refer to them."""
        return {table.kind.name: table.ids for table in self.tables.values()}

    def find(self, record_id: str, names: Sequence[str]) -> tuple[Table, Row] | None:
        """The record with this Id among some objects."""
        for name in names:
            table = self.table(name)
            row = table.get(record_id) if table else None
            if table and row:
                return table, row
        return None

    def digest(self) -> str:
        """A fingerprint of the generator: another version of the sandbox or its libraries may make other rows."""
        sample = [
            draft.column(item.name)
            for kind in (*OBJECTS, *EXTENDED)
            for table in (self.tables[kind.name.lower()],)
            for whole in (True, False)
            for draft in (table.base.sample(_DIGEST_ROWS, whole),)
            for item in table.base.kind.columns
        ]
        return hashlib.sha256(repr((self.pools, sample)).encode()).hexdigest()

    @property
    def organization_id(self) -> str:
        """The organisation's own Id."""
        return self.tables["organization"].ids[0]


_NO_POOLS = Pools(*([] for _ in dataclass_fields(Pools)))

"""A table at one moment: generated records, what differs from them, and answers that keep places instead of rows."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast, overload

from durable_sandbox.blocks import Base
from durable_sandbox.generate import NULL, Row
from durable_sandbox.layout import UNREAD, Layout
from durable_sandbox.objects import ObjectType

Predicate = Callable[[Row], bool]
_EARLIEST, _LATEST = -(1 << 62), 1 << 62


@dataclass
class Overlay:
    """The records that differ: replaced or removed (None) ones by block and offset, and added ones by Id."""

    changed: dict[int, dict[int, Row | None]] = field(default_factory=dict)
    added: dict[str, Row] = field(default_factory=dict)
    removed: int = 0
    shared: bool = False

    def copy(self) -> "Overlay":
        """One that may be written to."""
        return Overlay({block: dict(rows) for block, rows in self.changed.items()}, dict(self.added), self.removed)

    def moved(self, move: Callable[[Row], Row]) -> "Overlay":
        """The same records in another shape."""
        changed = {
            block: {offset: row and move(row) for offset, row in rows.items()} for block, rows in self.changed.items()
        }
        return Overlay(changed, {key: move(row) for key, row in self.added.items()}, self.removed)


@dataclass(frozen=True)
class Bounds:
    """What a query says of Ids and stamps on its own records; `covered` when it says nothing else.

    Stamps are whole seconds, from `low` up to but not including `high`. `ids` are the only possible ones.
    `id_tests` are comparisons of the Id with a text.
    """

    low: int | None = None
    high: int | None = None
    ids: frozenset[str] | None = None
    id_tests: tuple[tuple[str, str], ...] = ()
    covered: bool = False

    def places(self, base: Base) -> range:
        """The places whose Ids pass the comparisons."""
        start, stop = 0, base.count
        for sign, value in self.id_tests:
            side = (bisect_left if sign in ("<", ">=") else bisect_right)(base.ids, value)
            start, stop = (max(start, side), stop) if sign in (">", ">=") else (start, min(stop, side))
        return range(start, max(start, stop))


@dataclass(frozen=True)
class Want:
    """What to look for: live records or all, a test that reads only the `needs` places of a row, at most so many."""

    deleted_too: bool = True
    keep: Predicate | None = None
    needs: frozenset[int] = frozenset()
    bounds: Bounds = Bounds(covered=True)
    limit: int | None = None


class View:
    """A table's records at one moment. A record's number is its place, or comes after all places if it was added."""

    def __init__(self, base: Base, layout: Layout, overlay: Overlay) -> None:
        overlay.shared = True
        self.base, self.layout, self.overlay = base, layout, overlay
        self.added = list(overlay.added.values())

    @property
    def kind(self) -> ObjectType:
        """The object's definition at that moment."""
        return self.layout.kind

    def __len__(self) -> int:
        return self.base.count - self.overlay.removed + len(self.added)

    def get(self, record_id: str, needs: frozenset[int] | None = None) -> Row | None:
        """The record with this Id, deleted or not."""
        added = self.overlay.added.get(record_id)
        place = None if added else self.base.place(record_id)
        if place is None:
            return added
        block = self.base.block_of(place)
        offset = place - self.base.span(block).start
        changed = self.overlay.changed.get(block, _NOTHING)
        if offset in changed:
            return changed[offset]
        return self.layout.picked(self.base, block, [offset], needs)[0]

    def in_id_order(self) -> bool:
        """Whether the records' order is that of their Ids."""
        last = [self.base.ids[-1]] if self.base.count else []
        ascending = [*last, *(row[0] for row in self.added)]
        return all(map(str.__lt__, ascending, ascending[1:]))

    def reader(self, name: str) -> Callable[[str], str]:
        """A function that reads one column by Id; null for an Id that nobody has."""
        place = self.kind.positions[name]
        needs = frozenset({place})

        def read(record_id: str) -> str:
            row = self.get(record_id, needs) if record_id else None
            return row[place] if row else NULL

        return read

    def select(self, want: Want) -> "Rows":
        """The numbers of the records that match, in order."""
        chosen = array("I")
        matches = self._matcher(want)
        for block, offsets in self._candidates(want.bounds):
            start = self.base.span(block).start
            chosen.extend(start + offset for offset in self._in_block(block, offsets, want, matches))
            if want.limit is not None and len(chosen) >= want.limit:
                break
        else:
            found = (number for number, row in enumerate(self.added, self.base.count) if matches(row))
            chosen.extend(found)
        return Rows(self, chosen if want.limit is None else chosen[: want.limit])

    def _matcher(self, want: Want) -> Predicate:
        place = self.kind.positions.get("IsDeleted")
        keep = want.keep
        if want.deleted_too or place is None:
            return keep or _any
        return lambda row: row[place] == "false" and (keep is None or keep(row))

    def _candidates(self, bounds: Bounds) -> Iterator[tuple[int, Sequence[int]]]:
        """Blocks with the offsets that the Ids asked for leave over."""
        base, left = self.base, bounds.places(self.base)
        if bounds.ids is not None:
            places = sorted(place for one in bounds.ids if (place := base.place(one)) is not None and place in left)
            yield from _by_block(base, places)
            return
        for block in range(base.block_of(left.start), base.block_of(left.stop - 1) + 1) if left else ():
            span = base.span(block)
            yield block, range(max(left.start, span.start) - span.start, min(left.stop, span.stop) - span.start)

    def _in_block(self, block: int, offsets: Sequence[int], want: Want, matches: Predicate) -> Iterable[int]:
        changed = self.overlay.changed.get(block, _NOTHING)
        left = self._flagged(block, offsets, want)
        if changed:
            left = [offset for offset in left if offset not in changed]
        if left and want.keep is not None and not (want.bounds.covered and self._has_flags(want)):
            left = self._kept(block, left, want, matches)
        if not changed:
            return left
        inside = changed.keys() & set(offsets)
        return sorted([*left, *(offset for offset in inside if (row := changed[offset]) and matches(row))])

    def _kept(self, block: int, left: Sequence[int], want: Want, matches: Predicate) -> list[int]:
        places = sorted(want.needs | {place for name, place in self.kind.positions.items() if name == "IsDeleted"})
        columns = list(zip(places, self.layout.columns(self.base, block, places), strict=True))
        # One buffer for all: the test reads these places only, and a tuple a record would cost more than the test.
        values: list[str] = [UNREAD] * len(self.kind.columns)
        row = cast("Row", values)
        kept: list[int] = []
        for offset in left:
            for place, column in columns:
                values[place] = column[offset]
            if matches(row):
                kept.append(offset)
        return kept

    def _has_flags(self, want: Want) -> bool:
        """Whether the blocks' flags still say what the fields of today say."""
        names = [] if want.deleted_too or "IsDeleted" not in self.kind.positions else ["IsDeleted"]
        names += ["SystemModstamp"] if (want.bounds.low, want.bounds.high) != (None, None) else []
        origins = [(name, self.layout.origin(name)) for name in names]
        return all(origin is not None and origin.plain(name) for name, origin in origins)

    def _flagged(self, block: int, offsets: Sequence[int], want: Want) -> Sequence[int]:
        """The offsets that the block's flags leave over; all of them when the flags cannot tell."""
        low, high = want.bounds.low, want.bounds.high
        live = not want.deleted_too and "IsDeleted" in self.kind.positions
        if not (live or (low, high) != (None, None)):
            return offsets
        if not self._has_flags(want):
            return self._live(block, offsets, want)
        flags = self.base.flags(block)
        least, most = _EARLIEST if low is None else low, _LATEST if high is None else high
        if flags.newest < least or flags.oldest >= most:
            return ()
        if flags.stamps is not None and (flags.oldest < least or flags.newest >= most):
            stamps = flags.stamps
            offsets = [offset for offset in offsets if least <= stamps[offset] < most]
        if live and flags.live < len(flags.deleted):
            deleted = flags.deleted
            offsets = [offset for offset in offsets if not deleted[offset]]
        return offsets

    def _live(self, block: int, offsets: Sequence[int], want: Want) -> Sequence[int]:
        place = self.kind.positions.get("IsDeleted")
        if want.deleted_too or place is None:
            return offsets
        (deleted,) = self.layout.columns(self.base, block, [place])
        return [offset for offset in offsets if deleted[offset] == "false"]

    def rows(self, numbers: "array[int]", needs: frozenset[int] | None) -> Iterator[Row]:
        """The records with these numbers, block by block; only the needed places of a generated one are filled."""
        if not all(map(int.__lt__, numbers, numbers[1:])):
            order = sorted(range(len(numbers)), key=numbers.__getitem__)
            found = self.rows(array("I", (numbers[place] for place in order)), needs)
            yield from (row for _, row in sorted(zip(order, found, strict=True), key=_first))
            return
        split = bisect_left(numbers, self.base.count)
        for block, offsets in _by_block(self.base, numbers[:split]):
            yield from self._read(block, offsets, needs)
        for number in numbers[split:]:
            yield self.added[number - self.base.count]

    def _read(self, block: int, offsets: Sequence[int], needs: frozenset[int] | None) -> list[Row]:
        rows = self.layout.picked(self.base, block, offsets, needs)
        changed = self.overlay.changed.get(block, _NOTHING)
        if not changed:
            return rows
        return [changed.get(offset) or row for offset, row in zip(offsets, rows, strict=True)]


_NOTHING: dict[int, Row | None] = {}


def _any(_: Row) -> bool:
    return True


def _first(pair: tuple[int, Row]) -> int:
    return pair[0]


def _by_block(base: Base, places: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Ascending places as blocks with offsets."""
    at = 0
    while at < len(places):
        block = base.block_of(places[at])
        span = base.span(block)
        end = bisect_left(places, span.stop, at)
        yield block, [place - span.start for place in places[at:end]]
        at = end


class Rows(Sequence[Row]):
    """An answer as the numbers of its records; it stays as it was however the table changes later.

    With `needs`, only those places of the generated records are filled.
    """

    def __init__(self, view: View, numbers: "array[int]", needs: frozenset[int] | None = None) -> None:
        self.view, self.numbers, self.needs = view, numbers, needs

    def ids(self) -> Iterator[str]:
        """The Ids of the records, made without the rest of them."""
        count, made, added = self.view.base.count, self.view.base.ids, self.view.added
        return (made[number] if number < count else added[number - count][0] for number in self.numbers)

    def cut(self, start: int, stop: int | None) -> "Rows":
        """Some of the records."""
        return Rows(self.view, self.numbers[start:stop], self.needs)

    def between(self, start: int, stop: int) -> Iterator[Row]:
        """The records from one place up to another, made as they are read."""
        return self.view.rows(self.numbers[start:stop], self.needs)

    def at(self, places: Iterable[int]) -> list[Row]:
        """The records at some places of the answer, each block of generated ones read once."""
        return list(self.view.rows(array("I", (self.numbers[place] for place in places)), self.needs))

    def needing(self, needs: frozenset[int] | None) -> "Rows":
        """The same records with only some of their places filled."""
        return Rows(self.view, self.numbers, needs)

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return list(self.view.rows(self.numbers[place], self.needs))
        return next(self.view.rows(array("I", [self.numbers[place]]), self.needs))

    def __iter__(self) -> Iterator[Row]:
        return self.view.rows(self.numbers, self.needs)

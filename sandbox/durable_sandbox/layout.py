"""How an object's columns come from what was generated, so that a changed field rewrites no record."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NoReturn

from durable_sandbox.blocks import Base
from durable_sandbox.generate import NULL, Column, Row
from durable_sandbox.objects import ObjectType

Convert = Callable[[str], str]


class _Unread:
    """Stands in a row where nobody asked for the value; using it is a mistake that must not pass for null."""

    def _refuse(self, *_: object) -> NoReturn:
        raise LookupError("this place of the row was not among those asked for")

    __bool__ = __eq__ = __str__ = __len__ = _refuse
    __hash__ = object.__hash__


UNREAD: Any = _Unread()


@dataclass(frozen=True)
class Origin:
    """Where the values of a column come from: a generated column, or one value for all; then conversions."""

    generated: str | None
    value: str = NULL
    conversions: tuple[Convert, ...] = ()

    def column(self, made: Column) -> Column:
        """The column as it is today."""
        for convert in self.conversions:
            made = list(map(convert, made))
        return made

    def plain(self, name: str) -> bool:
        """Whether this is the generated column of that name, unchanged."""
        return self.generated == name and not self.conversions


@dataclass(frozen=True)
class Step:
    """Where a column gets its values from when a layout changes: an older column, or one value for all records."""

    old: str | None
    value: str = NULL
    convert: Convert | None = None

    def apply(self, origin: Origin) -> Origin:
        """The origin of the new column, given that of the old one."""
        if self.convert is None:
            return origin
        if origin.generated is None:
            return Origin(None, self.convert(origin.value))
        return Origin(origin.generated, NULL, (*origin.conversions, self.convert))

    def read(self, row: Row, place: int | None) -> str:
        """The value that a stored row has in the new column."""
        if place is None:
            return self.value
        return row[place] if self.convert is None else self.convert(row[place])


@dataclass(frozen=True)
class Layout:
    """An object's definition with the origin of each of its columns."""

    kind: ObjectType
    origins: tuple[Origin, ...]

    @classmethod
    def first(cls, kind: ObjectType) -> "Layout":
        """The layout of records as they were generated."""
        return cls(kind, tuple(Origin(item.name) for item in kind.columns))

    def origin(self, name: str) -> Origin | None:
        """The origin of a column, or None for a name without one."""
        place = self.kind.positions.get(name)
        return None if place is None else self.origins[place]

    def changed(self, kind: ObjectType, steps: Mapping[str, Step]) -> "Layout":
        """The layout after a change; a column without a step keeps the values it had under its name."""
        return Layout(kind, tuple(self._moved(name, steps.get(name, Step(name))) for name in kind.positions))

    def _moved(self, name: str, step: Step) -> Origin:
        known = None if step.old is None else self.origin(step.old)
        return Origin(None, step.value) if known is None else step.apply(known)

    def mover(self, kind: ObjectType, steps: Mapping[str, Step]) -> Callable[[Row], Row]:
        """A function that gives a row of this layout the shape of the changed one."""
        plan = [
            (step, None if step.old is None else self.kind.positions.get(step.old))
            for step in (steps.get(name, Step(name)) for name in kind.positions)
        ]
        return lambda row: tuple(step.read(row, place) for step, place in plan)

    def columns(self, base: Base, block: int, places: Sequence[int]) -> list[Column]:
        """Some columns of a block of generated records, as they are today."""
        origins = [self.origins[place] for place in places]
        names = [origin.generated for origin in origins if origin.generated is not None]
        made = dict(zip(names, base.columns(block, names), strict=True))
        count = len(base.span(block))
        return [
            [origin.value] * count if origin.generated is None else origin.column(made[origin.generated])
            for origin in origins
        ]

    def rows(self, base: Base, block: int, needs: frozenset[int] | None) -> Iterator[Row]:
        """The generated records of a block; the places that nobody needs are UNREAD."""
        places = range(len(self.origins)) if needs is None else sorted(needs)
        made = dict(zip(places, self.columns(base, block, places), strict=True))
        count = len(base.span(block))
        return zip(*(made.get(place) or repeat(UNREAD, count) for place in range(len(self.origins))), strict=True)

    def picked(self, base: Base, block: int, offsets: Sequence[int], needs: frozenset[int] | None) -> list[Row]:
        """Some of those records, by their places in the block."""
        if len(offsets) * 4 > len(base.span(block)):
            rows = list(self.rows(base, block, needs))
            return rows if len(offsets) == len(rows) else [rows[offset] for offset in offsets]
        places = range(len(self.origins)) if needs is None else sorted(needs)
        found = dict(zip(places, self.columns(base, block, places), strict=True))
        columns = [found.get(place) for place in range(len(self.origins))]
        return [tuple(UNREAD if column is None else column[offset] for column in columns) for offset in offsets]

    def dressed(self, rows: Sequence[Row], made: ObjectType) -> list[Row]:
        """Rows made as generated ones are, in today's shape; a field that came later is null in them."""
        plan = [
            (None if origin.generated is None else made.positions[origin.generated], origin.conversions)
            for origin in self.origins
        ]
        return [tuple(_value(row, place, conversions) for place, conversions in plan) for row in rows]


def _value(row: Row, place: int | None, conversions: Sequence[Convert]) -> str:
    value = NULL if place is None else row[place]
    for convert in conversions:
        value = convert(value)
    return value

"""An object's generated records as a pure function of their places: made by blocks and columns, kept only a while."""

from array import array
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from sys import getsizeof

from durable_sandbox import ids
from durable_sandbox.generate import Column, Draft
from durable_sandbox.objects import ObjectType
from durable_sandbox.pools import Pools

FIRST_BLOCK_ROWS = 10_000
"""The first block is drawn as a whole, so that a small organisation needs nothing else and keeps its records."""
BLOCK_ROWS = 2_000
KEPT_BYTES = 96 * 2**20
_SAMPLE = 64


class Cache:
    """The drafts used last, of all objects together, up to a size in bytes that is estimated."""

    def __init__(self, budget: int = KEPT_BYTES) -> None:
        self.budget, self.held = budget, 0
        self.drafts: OrderedDict[tuple[str, int], Draft] = OrderedDict()
        self.sizes: dict[tuple[str, int], int] = {}

    def get(self, key: tuple[str, int]) -> Draft | None:
        """The draft, if it is still here; it counts as used."""
        found = self.drafts.get(key)
        if found is not None:
            self.drafts.move_to_end(key)
        return found

    def keep(self, key: tuple[str, int], draft: Draft) -> None:
        """Take in a draft, or weigh one that has grown, and let go of those not used for longest."""
        size = sum(map(_size, draft.columns.values()))
        self.held += size - self.sizes.get(key, 0)
        self.drafts[key], self.sizes[key] = draft, size
        while self.held > self.budget and len(self.drafts) > 1:
            oldest, _ = self.drafts.popitem(last=False)
            self.held -= self.sizes.pop(oldest)


def _size(column: Column) -> int:
    """About how many bytes a column takes: values drawn from a pool are shared, others are not."""
    sample = {id(value): getsizeof(value) for value in column[:_SAMPLE]}
    return getsizeof(column) + sum(sample.values()) * len(column) // _SAMPLE


class Flags:
    """What queries ask of every record of a block: whether it is in the recycle bin, and its stamp in seconds."""

    def __init__(self, deleted: Column | None, stamps: Column | None, count: int) -> None:
        self.deleted = bytes(value == "true" for value in deleted) if deleted else bytes(count)
        self.stamps = array("q", map(seconds, stamps)) if stamps else None
        self.live = count - sum(self.deleted)
        self.oldest, self.newest = (min(self.stamps), max(self.stamps)) if self.stamps else (0, 0)


def seconds(text: str) -> int:
    """A generated stamp, which is of a whole second, as seconds since 1970."""
    return _day_seconds(text[:10]) + int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])


@lru_cache(maxsize=10_000)
def _day_seconds(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp())


class Base:
    """The generated records of one object, numbered from `first`; places count from 0."""

    def __init__(
        self,
        kind: ObjectType,
        count: int,
        first: int,
        seed: str,
        pools: Pools,
        parents: Mapping[str, Sequence[str]],
        cache: Cache,
    ) -> None:
        self.kind, self.count, self.first = kind, count, first
        self.seed, self.pools, self.parents, self.cache = seed, pools, parents, cache
        self.ids = ids.IdRange(kind.prefix, first, count)
        self.blocks = 1 + max(0, -(-(count - FIRST_BLOCK_ROWS) // BLOCK_ROWS)) if count else 0
        self.known: dict[int, Flags] = {}

    def place(self, record_id: str) -> int | None:
        """Where the record with this Id is, or None."""
        number = ids.number_of(self.kind.prefix, record_id)
        return number - self.first if number is not None and 0 <= number - self.first < self.count else None

    def block_of(self, place: int) -> int:
        """The block that holds a place."""
        return 0 if place < FIRST_BLOCK_ROWS else 1 + (place - FIRST_BLOCK_ROWS) // BLOCK_ROWS

    def span(self, block: int) -> range:
        """The places of a block."""
        start = 0 if block == 0 else FIRST_BLOCK_ROWS + (block - 1) * BLOCK_ROWS
        return range(start, min(start + (FIRST_BLOCK_ROWS if block == 0 else BLOCK_ROWS), self.count))

    def columns(self, block: int, names: Sequence[str]) -> list[Column]:
        """Some columns of a block."""
        key = (self.kind.name, block)
        draft = self.cache.get(key)
        before = len(draft.columns) if draft else -1
        if draft is None:
            draft = self._draft(block)
        found = [draft.column(name) for name in names]
        if len(draft.columns) != before:
            self.cache.keep(key, draft)
        return found

    def _draft(self, block: int) -> Draft:
        span, seed = self.span(block), self.seed if block == 0 else f"{self.seed}/{block}"
        first = self.first + span.start
        return Draft(seed, self.pools, self.kind, len(span), first, self.parents, whole=block == 0)

    def sample(self, count: int, whole: bool) -> Draft:
        """A few records as this generator makes them, whatever the organisation's size."""
        return Draft(self.seed, self.pools, self.kind, count, 1, self.parents, whole)

    def flags(self, block: int) -> Flags:
        """The block's flags, which are small and are kept once they are known."""
        found = self.known.get(block)
        if found is None:
            known = [name for name in ("IsDeleted", "SystemModstamp") if name in self.kind.positions]
            columns = dict(zip(known, self.columns(block, known), strict=True))
            found = Flags(columns.get("IsDeleted"), columns.get("SystemModstamp"), len(self.span(block)))
            self.known[block] = found
        return found

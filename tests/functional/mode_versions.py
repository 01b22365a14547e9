"""What a target must hold that keeps each change or each version, in plain Python like the other models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from functional.mode_models import FOREVER, REASONS, Batch, Held, Model, Read, Row, Upsert, held, ordered, widened


@dataclass
class Append(Model):
    """A row for each stamp that a record was read with, and one for each time that it left."""

    rows: dict[str, list[Held]] = field(default_factory=dict)

    def newest(self, id: str) -> Held | None:
        """The last row of a record; the one that says that it left comes after the one that it is about."""
        return max(self.rows.get(id, ()), key=lambda row: (row.stamp, not row.live), default=None)

    def holds(self, id: str) -> bool:
        """Whether there is a row of a record."""
        return id in self.rows

    def was(self, read: Read, *, differs: bool) -> str:
        """By the newest row, and by whether there is one with that stamp."""
        newest = self.newest(read.id)
        if newest is None:
            same = read.id in self.rejected
        elif read.live:
            there = any(row.live and row.stamp == read.stamp for row in self.rows[read.id])
            same = there and not (read.stamp == newest.stamp and not newest.live)
        elif read.stamp < newest.stamp:
            return "unchanged"
        else:
            same = not newest.live
        if same and not differs:
            return "unchanged"
        return "new" if newest is None else "live" if newest.live else "flagged"

    def take(self, read: Read, batch: Batch) -> None:
        """One more row, unless there is one; a record that is back with the stamp that it left with never left."""
        newest, rows = self.newest(read.id), self.rows.setdefault(read.id, [])
        if read.live:
            if newest and not newest.live and newest.stamp == read.stamp:
                rows.remove(newest)
            if not any(row.live and row.stamp == read.stamp for row in rows):
                rows.append(held(read, batch.run_id))
        elif self.deletes == "remove":
            rows.clear()
        elif newest.live if newest else self.deletes == "flag" and read.outcome == "deleted":
            rows.append(held(self._shown(read), batch.run_id))
        if not rows:
            del self.rows[read.id]

    def _shown(self, read: Read) -> Read:
        if read.outcome != "rejected":
            return read
        return replace(read, values=dict.fromkeys(read.values), extensions=None)

    def vanish(self, ids: Iterable[str], run_id: str, now: datetime) -> int:
        """Records that are gone without a trace; how many left."""
        left = 0
        for id in ids:
            self.rejected.pop(id, None)
            newest = self.newest(id)
            if newest and newest.live:
                left += 1
                if self.deletes == "remove":
                    self.buried[id] = newest.stamp
                    del self.rows[id]
                else:
                    self.rows[id].append(replace(newest, run_id=run_id, gone_at=now, reason="deleted"))
        return left

    def widen(self, column: str) -> None:
        """The table has one more column; no row is changed for it."""
        self.rows = {
            id: [replace(row, read=widened(row.read, column)) for row in rows] for id, rows in self.rows.items()
        }

    def target(self) -> list[Row]:
        """The rows of the target."""
        return ordered(row.row() for rows in self.rows.values() for row in rows)

    def live(self) -> dict[str, Row]:
        """The newest rows of records that did not leave."""
        newest = {id: self.newest(id) for id in self.rows}
        return {id: row.row() for id, row in newest.items() if row and row.live}


@dataclass(frozen=True)
class Version:
    """What was valid from a moment on."""

    read: Read
    start: datetime


@dataclass(frozen=True)
class Leaving:
    """When a record left and why, during the version that began at `start`.

    `stamped` tells that the source said when, so that an older version which is read later is late.
    """

    at: datetime
    start: datetime
    reason: str
    stamped: bool

    def ends(self, start: datetime, until: datetime = FOREVER) -> bool:
        """Whether it falls into a version; one that was over at once is its own."""
        return start < self.at <= until or self.at == start == self.start


@dataclass
class History(Model):
    """A version is valid until the next one begins or the record leaves, whichever comes first."""

    versions: dict[str, list[Version]] = field(default_factory=dict)
    leavings: dict[str, list[Leaving]] = field(default_factory=dict)

    def newest(self, id: str) -> Version | None:
        """The version that began last."""
        return max(self.versions.get(id, ()), key=lambda one: one.start, default=None)

    def left(self, id: str) -> Leaving | None:
        """How the record left during its last version, if it did."""
        newest = self.newest(id)
        found = [one for one in self.leavings.get(id, ()) if newest and one.ends(newest.start)]
        return min(found, key=lambda one: one.at, default=None)

    def holds(self, id: str) -> bool:
        """Whether there is a version of a record."""
        return id in self.versions

    def was(self, read: Read, *, differs: bool) -> str:
        """By the last version, and by whether one has that stamp."""
        newest, left = self.newest(read.id), self.left(read.id)
        if newest is None:
            return "unchanged" if read.id in self.rejected and not differs else "new"
        if read.live:
            late = read.stamp < newest.read.stamp or self._undone(read, left)
            same = self._there(read) if late else left is None and read.content == newest.read.content
        elif read.stamp < newest.read.stamp:
            return "unchanged"
        else:
            same = left is not None
        return "unchanged" if same and not differs else "flagged" if left else "live"

    def _undone(self, read: Read, left: Leaving | None) -> bool:
        """Whether the record left after it was as it is read."""
        return left is not None and left.stamped and read.stamp < left.at

    def _there(self, read: Read) -> bool:
        return any(one.read.stamp == read.stamp for one in self.versions.get(read.id, ()))

    def take(self, read: Read, batch: Batch) -> None:
        """A version begins, or the last one ends."""
        newest, left = self.newest(read.id), self.left(read.id)
        if read.live:
            self._begin(read, batch, newest, left)
        elif self.deletes == "remove":
            self.versions.pop(read.id, None)
            self.leavings.pop(read.id, None)
        elif newest and not left:
            stamped = read.stamp > newest.start
            at = read.stamp if stamped else max(batch.read_to, newest.start)
            self._leave(read.id, at, read.outcome, stamped=stamped)
        elif not newest and self.deletes == "flag" and read.outcome == "deleted":
            self.versions[read.id] = [Version(read, read.stamp)]
            self._leave(read.id, read.stamp, read.outcome, stamped=True)

    def _leave(self, id: str, at: datetime, outcome: str, *, stamped: bool) -> None:
        start = max(one.start for one in self.versions[id])
        self.leavings.setdefault(id, []).append(Leaving(at, start, REASONS[outcome], stamped))

    def _begin(self, read: Read, batch: Batch, newest: Version | None, left: Leaving | None) -> None:
        versions = self.versions.setdefault(read.id, [])
        if newest is None:
            start = read.stamp
        elif read.stamp < newest.read.stamp or self._undone(read, left):
            start = read.stamp
            if self._there(read):
                return
        elif read.stamp == newest.read.stamp and batch.rebuilds and not left:
            versions.remove(newest)
            start = newest.start
        else:
            moved = read.stamp if read.stamp > newest.read.stamp else batch.read_to
            start = max(moved, newest.start, left.at if left else newest.start)
            if newest.start == start:  # it was over the moment it began
                versions.remove(newest)
                self.leavings[read.id] = [one for one in self.leavings.get(read.id, ()) if one != left]
        versions.append(Version(read, start))

    def vanish(self, ids: Iterable[str], run_id: str, now: datetime) -> int:
        """Records that are gone without a trace; how many left."""
        gone = 0
        for id in ids:
            self.rejected.pop(id, None)
            newest = self.newest(id)
            if newest and not self.left(id):
                gone += 1
                if self.deletes == "remove":
                    self.buried[id] = newest.read.stamp
                    del self.versions[id]
                    self.leavings.pop(id, None)
                else:
                    self._leave(id, max(now, newest.start), "deleted", stamped=False)
        return gone

    def widen(self, column: str) -> None:
        """The table has one more column, which is NULL in the versions that are there."""
        self.versions = {
            id: [replace(one, read=widened(one.read, column)) for one in many] for id, many in self.versions.items()
        }

    def target(self) -> list[Row]:
        """The versions with the time that each was valid."""
        return ordered(row for id in self.versions for row in self._rows(id))

    def _rows(self, id: str) -> Iterable[Row]:
        versions = sorted(self.versions[id], key=lambda one: one.start)
        for at, one in enumerate(versions):
            until = versions[at + 1].start if at + 1 < len(versions) else FOREVER
            ends = [x for x in self.leavings.get(id, ()) if x.ends(one.start, until)]
            end = min(ends, key=lambda x: x.at, default=None)
            ended = end.at if end else None if until == FOREVER else until
            yield {
                "source_id": id, "source_modified_at": one.read.stamp, "is_deleted": end is not None,
                "deleted_at": end and end.at, "deleted_reason": end and end.reason, "valid_from": one.start,
                "valid_to": ended, "is_current": ended is None, **one.read.values, "dedupe_key": None,
                "extensions": one.read.extensions,
            }  # fmt: skip

    def live(self) -> dict[str, Row]:
        """The versions that are valid now, by Id."""
        return {row["source_id"]: row for row in self.target() if row["is_current"]}


MODELS: Mapping[str, Callable[[str, str], Model]] = {
    "upsert": Upsert,
    "replace": Upsert,
    "append": Append,
    "history": History,
}

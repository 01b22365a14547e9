"""What a target must hold, in plain Python: dicts and the rules of the data's semantics, and no SQL."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

NEVER, FOREVER = map(datetime.fromisoformat, ("0001-01-01", "9999-12-31"))
TOMBSTONES_STAY = timedelta(days=30)
REASONS = {"deleted": "deleted", "filtered": "left_filter", "rejected": "rejected"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Read:
    """One record as a run read it; `outcome` is what the spec says of it, `content` tells all that a row holds of it.

    `values` are its mapped columns, `rule` the one that it breaks, `record` what its reject shows of it, `created` when
    it was made.
    """

    id: str
    stamp: datetime
    outcome: str
    values: Mapping[str, Any]
    content: str
    key: str | None = None
    extensions: str | None = None
    rule: str | None = None
    record: str | None = None
    created: datetime = NEVER

    @property
    def live(self) -> bool:
        """Whether the record is to be a live row."""
        return self.outcome == "live"

    @property
    def reject(self) -> tuple[str, datetime, str | None, str | None]:
        """What tells two reads of a rejected record apart."""
        return self.outcome, self.stamp, self.rule, self.record


@dataclass(frozen=True)
class Batch:
    """What one transaction loads: `read_to` is how far the source was read, `rebuilds` that the spec is another.

    Where a table is filled for the first time, what shares its key with another record is loaded with the first batch:
    `early` is what the run's other batches have of it, or had, and None elsewhere.
    """

    reads: Sequence[Read]
    run_id: str
    now: datetime
    read_to: datetime
    last: bool = True
    rebuilds: bool = False
    early: Sequence[Read] | None = None


@dataclass(frozen=True)
class Held:
    """A row; `token` tells its content, `gone_at` and `reason` why it is not live."""

    read: Read
    token: str
    run_id: str
    stamp: datetime
    key: str | None = None
    gone_at: datetime | None = None
    reason: str | None = None

    @property
    def live(self) -> bool:
        """Whether the row is one of the live set."""
        return self.reason is None

    def row(self) -> Row:
        """The row as the table shows it."""
        return {
            "source_id": self.read.id, "source_modified_at": self.stamp, "is_deleted": not self.live,
            "deleted_at": self.gone_at, "deleted_reason": self.reason, **self.read.values, "dedupe_key": self.key,
            "extensions": self.read.extensions, "run_id": self.run_id,
        }  # fmt: skip


def held(read: Read, run_id: str) -> Held:
    """The row of a record that is read."""
    reason = REASONS.get(read.outcome)
    key = read.key if read.live else None
    return Held(read, f"{read.outcome} {read.content}", run_id, read.stamp, key, read.stamp if reason else None, reason)


def ordered(rows: Iterable[Row]) -> list[Row]:
    """Rows by Id, then by age."""
    return sorted(rows, key=lambda one: (one["source_id"], one["source_modified_at"], one.get("is_deleted"), str(one)))


@dataclass
class Model(ABC):
    """One object's table and its companions; what is known of a record apart from its rows is alike in each mode."""

    deletes: str
    keep: str = "latest"
    rejected: dict[str, tuple[Read, str]] = field(default_factory=dict)  # with the run that rejected it
    buried: dict[str, datetime] = field(default_factory=dict)

    def load(self, batch: Batch) -> Counter[str]:
        """What becomes of one batch: how many of its rows are in each category."""
        reads = (*batch.reads, *(batch.early or ()))
        known = {read.id: self.known(read) for read in reads}
        before = known if batch.early is None else dict.fromkeys(known, "new")
        for read in reads:
            if known[read.id] != "unchanged":
                self.rejected.pop(read.id, None)
                self.buried.pop(read.id, None)
                self.take(read, batch)
                if read.outcome == "rejected":
                    self.rejected[read.id] = (read, batch.run_id)
                elif self.deletes == "remove" and not read.live:
                    self.buried[read.id] = read.stamp
        losers = self.losers()
        if batch.last:
            self.buried = {id: when for id, when in self.buried.items() if when >= batch.now - TOMBSTONES_STAY}
        return Counter(self._category(before[read.id], read, losers) for read in batch.reads)

    def known(self, read: Read) -> str:
        """What a record was before it is read: unchanged (or the read is late), live, flagged or new."""
        reject, stone = self.rejected.get(read.id), self.buried.get(read.id)
        if (reject and read.stamp < reject[0].stamp) or (stone and read.stamp < stone):
            return "unchanged"
        unknown = read.outcome == "rejected" if reject is None else read.reject != reject[0].reject
        return self.was(read, differs=bool(stone) or unknown)

    @abstractmethod
    def was(self, read: Read, *, differs: bool) -> str:
        """The same as far as rows tell; `differs` that the record is not known as it is read."""

    @abstractmethod
    def take(self, read: Read, batch: Batch) -> None:
        """Let the rows say what was read."""

    @abstractmethod
    def vanish(self, ids: Iterable[str], run_id: str, now: datetime) -> int:
        """Records that are gone without a trace; how many live rows left."""

    @abstractmethod
    def widen(self, column: str) -> None:
        """The table has one more column, which is NULL in the rows that are there."""

    @abstractmethod
    def target(self) -> list[Row]:
        """The rows of the target."""

    @abstractmethod
    def live(self) -> dict[str, Row]:
        """The live rows by Id."""

    @abstractmethod
    def holds(self, id: str) -> bool:
        """Whether the target or its duplicates have rows of a record."""

    def knows(self, id: str) -> bool:
        """Whether anything is known of a record."""
        return self.holds(id) or id in self.rejected or id in self.buried

    def empty(self) -> bool:
        """Whether nothing is known."""
        return not (self.rejected or self.buried or self.target())

    def duplicates(self) -> list[Row]:
        """The rows of the duplicates: none where each change is kept."""
        return []

    def losers(self) -> Mapping[str, str]:
        """Ids of duplicates with their winners."""
        return {}

    def _category(self, before: str, read: Read, losers: Mapping[str, str]) -> str:
        if before == "unchanged":
            return before
        if read.outcome == "rejected":
            return "rejected"
        if not read.live:
            kept = "inserted" if self.deletes == "flag" and read.outcome == "deleted" else "skipped"
            return {"live": "deleted", "flagged": "updated", "new": kept}[before]
        if read.id in losers:
            return "duplicates"
        return "inserted" if before == "new" else "updated"

    def rejects(self) -> list[Row]:
        """The rows of the rejects."""
        return ordered(
            {"source_id": id, "source_modified_at": read.stamp, "rule": read.rule, "run_id": run_id}
            for id, (read, run_id) in self.rejected.items()
        )


@dataclass
class Upsert(Model):
    """One row a record; what is not live is flagged, or gone and remembered."""

    rows: dict[str, Held] = field(default_factory=dict)

    def holds(self, id: str) -> bool:
        """Whether there is a row of a record."""
        return id in self.rows

    def was(self, read: Read, *, differs: bool) -> str:
        """By the one row."""
        row = self.rows.get(read.id)
        same = row.token == held(read, "").token if row else read.id in self.rejected
        if (row and read.stamp < row.stamp) or (same and not differs):
            return "unchanged"
        return "new" if row is None else "live" if row.live else "flagged"

    def take(self, read: Read, batch: Batch) -> None:
        """The row is replaced, flagged or taken away."""
        new, old = held(read, batch.run_id), self.rows.get(read.id)
        if read.live:
            self.rows[read.id] = new
        elif self.deletes == "remove":
            self.rows.pop(read.id, None)
        elif old:
            shown = replace(new.read, values=old.read.values, extensions=old.read.extensions)
            self.rows[read.id] = old if old.token == new.token else replace(new, read=shown)
        elif self.deletes == "flag" and read.outcome == "deleted":
            self.rows[read.id] = new

    def vanish(self, ids: Iterable[str], run_id: str, now: datetime) -> int:
        """Records that are gone without a trace; how many live rows left."""
        losers, left = self.losers(), 0
        for id in ids:
            row = self.rows.get(id)
            self.rejected.pop(id, None)
            if row and row.live:
                left += id not in losers
                if self.deletes == "remove":
                    self.buried[id] = self.rows.pop(id).stamp
                else:
                    self.rows[id] = replace(
                        row, token=f"vanished {row.token}", run_id=run_id, key=None, gone_at=now, reason="deleted"
                    )
        return left

    def losers(self) -> Mapping[str, str]:
        """All but the best live row of each key."""
        groups: dict[str, list[Held]] = {}
        for row in self.rows.values():
            if row.live and row.key is not None:
                groups.setdefault(row.key, []).append(row)
        best = {key: self._best(rows) for key, rows in groups.items()}
        return {row.read.id: best[key] for key, rows in groups.items() for row in rows if row.read.id != best[key]}

    def _best(self, rows: Iterable[Held]) -> str:
        if self.keep == "latest":
            return max((row.stamp, row.read.id) for row in rows)[1]
        return min((row.read.created, row.read.id) for row in rows)[1]

    def widen(self, column: str) -> None:
        """The table has one more column, which is NULL in the rows that are there."""
        self.rows = {id: replace(row, read=widened(row.read, column)) for id, row in self.rows.items()}

    def target(self) -> list[Row]:
        """The rows of the target."""
        losers = self.losers()
        return ordered(row.row() for id, row in self.rows.items() if id not in losers)

    def duplicates(self) -> list[Row]:
        """The rows of the duplicates."""
        return ordered({**self.rows[id].row(), "winner_id": winner} for id, winner in self.losers().items())

    def live(self) -> dict[str, Row]:
        """The live rows by Id."""
        return {row["source_id"]: row for row in self.target() if not row["is_deleted"]}


def widened(read: Read, column: str) -> Read:
    """The record as a table shows it that has one more column since it was read."""
    return replace(read, values={**read.values, column: None})


def switched(old: Upsert, new: Upsert, reads: Iterable[Read]) -> Counter[str]:
    """What became of the rows that replace read, against the target whose place they take."""
    before, after = old.losers(), new.losers()
    return Counter(_against(old, new, read, before, after) for read in reads)


def _against(old: Upsert, new: Upsert, read: Read, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    was, now = old.rows.get(read.id), new.rows.get(read.id)
    same = bool(was and now and was.token == now.token)
    in_target = was is not None and read.id not in before
    if read.outcome == "rejected":
        reject = old.rejected.get(read.id)
        return "unchanged" if reject and reject[0].reject == read.reject else "rejected"
    if not read.live:
        if was and was.live and in_target:
            return "deleted"
        return "skipped" if now is None else "unchanged" if same else "updated" if in_target else "inserted"
    if read.id in after:
        return "unchanged" if same and before.get(read.id) == after[read.id] else "duplicates"
    return "unchanged" if same and in_target else "inserted" if was is None else "updated"

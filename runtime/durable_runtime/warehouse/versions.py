"""The statements of one batch's transaction where a record has many rows: its versions, or the changes that were read.

The work table `__versions` has the newest row that is held of each staged Id.
"""

from __future__ import annotations

from dataclasses import dataclass

from durable_runtime.warehouse.base import Batch
from durable_runtime.warehouse.steps import MOVED, STAGED_HASH, Steps

# A version that ended when it was read, not when the source said: its record may come back with any stamp.
UNSTAMPED = "left:"
LEFT = "CASE {0}.__outcome WHEN 'filtered' THEN 'left_filter' ELSE {0}.__outcome END"


@dataclass(frozen=True, slots=True)
class VersionSteps(Steps):
    """What history and append share: a staged row is compared with the newest row that is held of its record."""

    @property
    def work(self) -> tuple[str, ...]:
        """The work tables that a batch begins with, empty."""
        return ("before", "versions")

    def newest(self, rows: str) -> str:
        """A column `place` that is 1 for the newest of a record's `rows`, an alias."""
        return f"ROW_NUMBER() OVER (PARTITION BY {rows}.source_id ORDER BY {rows}.source_modified_at DESC)"

    def rows(self, start: str, is_open: str) -> str:
        """Remember the newest row of each staged Id; `start` is when it began, `is_open` whether the record is live."""
        n = self.names
        return (
            f"INSERT INTO {n.of('versions')} (source_id, newest_at, opened_at, closed_at, newest_hash, is_open) "
            f"SELECT v.source_id, v.source_modified_at, v.opened_at, v.deleted_at, v.row_hash, v.is_open "
            f"FROM (SELECT t.source_id, t.source_modified_at, {start} AS opened_at, t.deleted_at, t.row_hash, "
            f"CASE WHEN {is_open} THEN 1 ELSE 0 END AS is_open, {self.newest('t')} AS place "
            f"FROM {n.of()} t JOIN {n.of('staged')} l ON l.source_id = t.source_id WHERE {self.of('t')}) v "
            "WHERE v.place = 1"
        )

    def stamps(self, only: str = "") -> str:
        """Staged Ids with their stamp, where a row of the target has both."""
        n = self.names
        return (
            f"SELECT DISTINCT t.source_id, t.source_modified_at FROM {n.of()} t JOIN {n.of('staged')} y "
            "ON y.source_id = t.source_id AND y.source_modified_at = t.source_modified_at "
            f"WHERE {self.of('t')} {only}"
        )

    def remove(self) -> list[str]:
        """Take every row of the records that left away, and remember their Ids."""
        gone = f"SELECT s.source_id FROM {self.names.of('stage')} s WHERE s.__outcome <> 'live'"
        return [self.delete("", gone), *self._bury()]

    def count(self) -> str:
        """How many staged rows are in each of the categories of Counts."""
        n = self.names
        never = "WHEN l.__outcome = 'deleted' THEN 'inserted' " if self.deletes == "flag" else ""
        return (
            "SELECT c.category, COUNT(*) FROM (SELECT CASE WHEN b.stale = 1 OR b.same = 1 THEN 'unchanged' "
            "WHEN l.__outcome = 'rejected' THEN 'rejected' "
            "WHEN l.__outcome <> 'live' THEN CASE WHEN b.was_live = 1 THEN 'deleted' "
            f"WHEN b.was_flagged = 1 THEN 'updated' {never}ELSE 'skipped' END "
            "WHEN b.was_live = 1 OR b.was_flagged = 1 THEN 'updated' ELSE 'inserted' END "
            f"AS category FROM {n.of('staged')} l LEFT JOIN {n.of('before')} b ON b.source_id = l.source_id) c "
            "GROUP BY c.category"
        )

    def key_of(self, alias: str) -> str:
        """The columns that name a record."""
        return f"{alias}.source_object, {alias}.source_id" if self.unified else f"{alias}.source_id"


# A staged row is older than what is held: than the last version, or than the deletion that ended it.
LATE = (
    "(l.source_modified_at < v.newest_at OR (v.is_open = 0 AND l.source_modified_at < v.closed_at "
    f"AND v.newest_hash NOT LIKE '{UNSTAMPED}%'))"
)


@dataclass(frozen=True, slots=True)
class HistorySteps(VersionSteps):
    """SCD type 2: a version is valid from its stamp until the next one, or until the record leaves."""

    def current(self) -> str:
        """The live rows: the version of each record that is valid now."""
        return f"(SELECT t.* FROM {self.names.of()} t WHERE {self.of('t')} AND t.is_current)"

    def retell(self) -> list[str]:
        """Only what holds now is told anew by a full read after another spec."""
        return [self._restamp("", " AND t.is_current"), self._restamp("rejects", "")]

    def newest(self, rows: str) -> str:
        """The version that began last."""
        return (
            f"ROW_NUMBER() OVER (PARTITION BY {rows}.source_id "
            f"ORDER BY {rows}.valid_from DESC, {rows}.source_modified_at DESC)"
        )

    def batch(self) -> list[str]:
        """Everything between the ledger guard and the counts."""
        return [
            self.rows("t.valid_from", "t.is_current"),
            self.snapshot(),
            *self.forget_duplicates(),
            self.merge,
            *(self.remove() if self.deletes == "remove" else self.close()),
            *self.rejects(),
            self.intervals(),
        ]

    def seen(self) -> list[str]:
        """Of staged Ids in the target: source_id, live, flagged, duplicate, same and stale."""
        n = self.names
        return [
            "SELECT v.source_id, v.is_open AS live, 1 - v.is_open AS flagged, 0 AS duplicate, "
            "CASE WHEN l.__outcome <> 'live' THEN 1 - v.is_open "
            f"WHEN {LATE} THEN CASE WHEN o.source_id IS NULL THEN 0 ELSE 1 END "
            "WHEN v.is_open = 1 AND l.row_hash = v.newest_hash THEN 1 ELSE 0 END AS same, "
            "CASE WHEN l.__outcome <> 'live' AND l.source_modified_at < v.newest_at THEN 1 ELSE 0 END AS stale "
            f"FROM {n.of('versions')} v JOIN {n.of('staged')} l ON l.source_id = v.source_id "
            f"LEFT JOIN ({self.stamps()}) o "
            "ON o.source_id = l.source_id AND o.source_modified_at = l.source_modified_at"
        ]

    def stage_view(self, batch: Batch) -> str:
        """The staged rows that say something new, with the moment from which on it holds (`valid_from`, `left_at`).

        A content that differs although the stamp does not (a formula, a lookup) holds from when it was read; after
        another spec it is the same version, told otherwise.
        """
        n, seen = self.names, self._read_to(batch)
        closed = "COALESCE(v.closed_at, v.opened_at)"
        same_version = "WHEN v.is_open = 1 THEN v.opened_at " if batch.rebuilds else ""
        starts = (
            f"CASE WHEN v.source_id IS NULL THEN COALESCE(l.source_modified_at, {seen}) "
            "WHEN l.__outcome <> 'live' THEN v.opened_at "
            f"WHEN {LATE} THEN l.source_modified_at "
            f"WHEN l.source_modified_at > v.newest_at THEN GREATEST(l.source_modified_at, v.opened_at, {closed}) "
            f"{same_version}ELSE GREATEST({seen}, v.opened_at, {closed}) END"
        )
        ends = (
            "CASE WHEN l.source_modified_at > v.opened_at THEN l.source_modified_at "
            f"ELSE GREATEST({seen}, COALESCE(v.opened_at, {seen})) END"
        )
        return (
            f"CREATE OR REPLACE VIEW {n.of('stage')} AS SELECT l.*, {starts} AS valid_from, {ends} AS left_at "
            f"FROM {n.of('staged')} l LEFT JOIN {n.of('before')} b ON b.source_id = l.source_id "
            f"LEFT JOIN {n.of('versions')} v ON v.source_id = l.source_id "
            "WHERE b.source_id IS NULL OR (b.stale = 0 AND b.same = 0)"
        )

    def _read_to(self, batch: Batch) -> str:
        if batch.read_to is None:
            return "l.loaded_at"
        return f"CAST('{batch.read_to:%Y-%m-%d %H:%M:%S.%f}' AS {self.names.dialect.timestamp})"

    def close(self) -> list[str]:
        """End the version that is valid now of each record that was deleted, left the filter or became rejected."""
        n = self.names
        flags = ("is_deleted", "deleted_at", "deleted_reason", "row_hash", *MOVED)
        values = (
            f"SELECT {self.key_of('x')}, v.opened_at AS valid_from, TRUE AS is_deleted, x.left_at AS deleted_at, "
            f"{LEFT.format('x')} AS deleted_reason, CASE WHEN x.source_modified_at > v.opened_at THEN v.newest_hash "
            f"ELSE '{UNSTAMPED}' || v.newest_hash END AS row_hash, x.loaded_at, x.run_id, x.pipeline_version "
            f"FROM {n.of('stage')} x JOIN {n.of('versions')} v ON v.source_id = x.source_id "
            "WHERE x.__outcome <> 'live' AND v.is_open = 1"
        )
        closed = (
            f"MERGE INTO {n.of()} AS t USING ({values}) AS s ON {self.key} AND t.valid_from = s.valid_from "
            f"WHEN MATCHED THEN UPDATE SET {', '.join(f'{c} = s.{c}' for c in flags)}"
        )
        return [closed, *(self._insert_deleted() if self.deletes == "flag" else ())]

    def first_seen_deleted(self) -> dict[str, str]:
        """A version that was over before it was seen."""
        return {"valid_from": "s.valid_from", "valid_to": "s.valid_from", "deleted_at": "s.valid_from",
                "is_current": "FALSE"}  # fmt: skip

    def intervals(self) -> str:
        """Let each version of the staged records end where the next begins or where the record left."""
        n, key = self.names, self.key_of("e")
        staged = f"SELECT s.source_id FROM {n.of('stage')} s"
        ends = (
            f"SELECT {self.key_of('t')}, t.valid_from, LEAD(t.valid_from) OVER (PARTITION BY t.source_id "
            f"ORDER BY t.valid_from, t.source_modified_at) AS next_from FROM {n.of()} t "
            f"WHERE {self.of('t')} AND t.source_id IN ({staged})"
        )
        # A record left during the version that it left, though an older one may have come in between since.
        closings = (
            f"SELECT t.source_id, t.valid_from, t.deleted_at, t.deleted_reason FROM {n.of()} t "
            f"WHERE {self.of('t')} AND t.is_deleted AND t.source_id IN ({staged})"
        )
        during = (
            "(c.deleted_at > e.valid_from AND (e.next_from IS NULL OR c.deleted_at <= e.next_from)) "
            "OR (c.valid_from = e.valid_from AND c.deleted_at = e.valid_from)"
        )
        settled = (
            f"SELECT {key}, e.valid_from, e.next_from, MIN(c.deleted_at) AS left_at, MIN(c.deleted_reason) AS reason "
            f"FROM ({ends}) e LEFT JOIN ({closings}) c ON c.source_id = e.source_id AND ({during}) "
            f"GROUP BY {key}, e.valid_from, e.next_from"
        )
        values = (
            f"SELECT {self.key_of('z')}, z.valid_from, COALESCE(z.left_at, z.next_from) AS valid_to, "
            "(z.next_from IS NULL AND z.left_at IS NULL) AS is_current, (z.left_at IS NOT NULL) AS is_deleted, "
            f"z.left_at AS deleted_at, z.reason AS deleted_reason FROM ({settled}) z"
        )
        flags = ("valid_to", "is_current", "is_deleted", "deleted_at", "deleted_reason")
        return (
            f"MERGE INTO {n.of()} AS t USING ({values}) AS s ON {self.key} AND t.valid_from = s.valid_from "
            f"WHEN MATCHED AND ({' OR '.join(f's.{c} IS DISTINCT FROM t.{c}' for c in flags)}) "
            f"THEN UPDATE SET {', '.join(f'{c} = s.{c}' for c in flags)}"
        )

    def repeated(self) -> str:
        """How many staged Ids have two versions that begin at once, or two that are valid now."""
        n = self.names
        return (
            f"SELECT COUNT(*) FROM (SELECT t.source_id FROM {n.of()} t JOIN {n.of('staged')} l "
            f"ON l.source_id = t.source_id WHERE {self.of('t')} GROUP BY t.source_id "
            "HAVING COUNT(*) > COUNT(DISTINCT t.valid_from) OR SUM(CASE WHEN t.is_current THEN 1 ELSE 0 END) > 1) x"
        )

    def flag_missing(self, rows: str, stamps: dict[str, str]) -> str:
        """End the version that is valid now of records that are gone from the source."""
        until = f"GREATEST({stamps['deleted_at']}, t.valid_from)"
        flags = {**stamps, "is_deleted": "TRUE", "deleted_reason": "'deleted'", "deleted_at": until, "valid_to": until,
                 "is_current": "FALSE", "row_hash": f"'{UNSTAMPED}' || t.row_hash"}  # fmt: skip
        values = ", ".join(f"{value} AS {name}" for name, value in flags.items())
        return (
            f"MERGE INTO {self.names.of()} AS t USING (SELECT {self.key_of('t')}, t.valid_from, {values} FROM {rows}) "
            f"AS s ON {self.key} AND t.valid_from = s.valid_from "
            f"WHEN MATCHED THEN UPDATE SET {', '.join(f'{c} = s.{c}' for c in flags)}"
        )


STAMP = "COALESCE({0}.source_modified_at, {0}.loaded_at)"


@dataclass(frozen=True, slots=True)
class AppendSteps(VersionSteps):
    """Every change is a row of its own; a record that leaves gets one more row, which says so."""

    def current(self) -> str:
        """The live rows: the newest of each record, unless that says that it left."""
        return (
            f"(SELECT n.* FROM (SELECT t.*, {self.newest('t')} AS place FROM {self.names.of()} t "
            f"WHERE {self.of('t')}) n WHERE n.place = 1 AND NOT n.is_deleted)"
        )

    def retell(self) -> list[str]:
        """What was appended stays as it is."""
        return [self._restamp("rejects", "")]

    def newest(self, rows: str) -> str:
        """The row with the last stamp; the one that says that the record left comes after the one that it is about."""
        return (
            f"ROW_NUMBER() OVER (PARTITION BY {rows}.source_id ORDER BY {STAMP.format(rows)} DESC, "
            f"CASE WHEN {rows}.is_deleted THEN 1 ELSE 0 END DESC)"
        )

    def batch(self) -> list[str]:
        """Everything between the ledger guard and the counts."""
        return [
            self.rows(STAMP.format("t"), "NOT t.is_deleted"),
            self.snapshot(),
            *self.forget_duplicates(),
            self.retract(),
            self.merge,
            *(self.remove() if self.deletes == "remove" else [self.mark()]),
            *self.rejects(),
        ]

    def seen(self) -> list[str]:
        """Of staged Ids in the target: source_id, live, flagged, duplicate, same and stale."""
        n = self.names
        return [
            "SELECT v.source_id, v.is_open AS live, 1 - v.is_open AS flagged, 0 AS duplicate, "
            "CASE WHEN l.__outcome <> 'live' THEN 1 - v.is_open "
            "WHEN v.is_open = 0 AND l.source_modified_at = v.newest_at THEN 0 "
            "WHEN l.source_modified_at IS NULL THEN CASE WHEN v.is_open = 1 AND l.row_hash = v.newest_hash "
            "THEN 1 ELSE 0 END WHEN o.source_id IS NULL THEN 0 ELSE 1 END AS same, "
            "CASE WHEN l.__outcome <> 'live' AND l.source_modified_at < v.newest_at THEN 1 ELSE 0 END AS stale "
            f"FROM {n.of('versions')} v JOIN {n.of('staged')} l ON l.source_id = v.source_id "
            f"LEFT JOIN ({self.stamps('AND NOT t.is_deleted ')}) o "
            "ON o.source_id = l.source_id AND o.source_modified_at = l.source_modified_at"
        ]

    def retract(self) -> str:
        """Take back that a record left whose filter or rule keeps it again, with the stamp that it had."""
        n = self.names
        back = (
            f"SELECT {self.key_of('x')}, x.source_modified_at FROM {n.of('stage')} x JOIN {n.of('versions')} v "
            "ON v.source_id = x.source_id WHERE x.__outcome = 'live' AND v.is_open = 0 "
            "AND x.source_modified_at = v.newest_at"
        )
        return (
            f"MERGE INTO {n.of()} AS t USING ({back}) AS s ON {self.key} "
            "AND t.source_modified_at = s.source_modified_at AND t.is_deleted WHEN MATCHED THEN DELETE"
        )

    def mark(self) -> str:
        """Append a row for each record that was deleted, left the filter or became rejected."""
        n = self.names
        own = {one.name for one in self.plan.columns} | {self.write.extensions}
        rejected = "CASE WHEN x.__outcome = 'rejected' THEN NULL ELSE {0} END"  # its values may not fit
        computed = {
            **{name: rejected.format(value) if name in own else value for name, value in self.own("x").items()},
            "is_deleted": "TRUE",
            "deleted_at": STAMP.format("x"),
            "deleted_reason": LEFT.format("x"),
            "row_hash": STAGED_HASH.format("x"),
        }
        columns = [c for c in self.columns if c in computed]
        never = " OR (v.source_id IS NULL AND x.__outcome = 'deleted')" if self.deletes == "flag" else ""
        return (
            f"INSERT INTO {n.of()} ({', '.join(columns)}) SELECT {', '.join(computed[c] for c in columns)} "
            f"FROM {n.of('stage')} x LEFT JOIN {n.of('versions')} v ON v.source_id = x.source_id "
            f"WHERE x.__outcome <> 'live' AND (v.is_open = 1{never})"
        )

    def repeated(self) -> str:
        """How many staged Ids have one change twice."""
        n = self.names
        return (
            f"SELECT COUNT(*) FROM (SELECT t.source_id FROM {n.of()} t JOIN {n.of('staged')} l "
            f"ON l.source_id = t.source_id WHERE {self.of('t')} AND t.source_modified_at IS NOT NULL "
            "GROUP BY t.source_id, t.source_modified_at, t.is_deleted HAVING COUNT(*) > 1) x"
        )

    def flag_missing(self, rows: str, stamps: dict[str, str]) -> str:
        """Append a row for each record that is gone from the source."""
        changed = {**stamps, "is_deleted": "TRUE", "deleted_reason": "'deleted'",
                   "row_hash": "'deleted:' || t.row_hash"}  # fmt: skip
        values = ", ".join(changed.get(name, f"t.{name}") for name in self.columns)
        return f"INSERT INTO {self.names.of()} ({', '.join(self.columns)}) SELECT {values} FROM {rows}"

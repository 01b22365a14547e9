"""The statements of one batch's transaction in order, where a record has one row; both dialects run the same text.

A MERGE names bare columns only, all values being computed in its USING query. Work tables:
`__staged` the file's rows, `__stage` those that are neither older than what is known nor the same, `__before` what
was known of each staged Id, `__keys` the dedupe keys that the batch touches, `__losers` the rows that lose their key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from durable_runtime.warehouse.base import Batch, ObjectLoad, Write
from durable_runtime.warehouse.dialect import Names, checked

MOVED = ("loaded_at", "run_id", "pipeline_version")
ABOUT = ("source_object", "source_id", "source_modified_at")
REASONS = ("rule", "requirement", "message", "record")

OLDER = "CASE WHEN l.source_modified_at < {0}.source_modified_at THEN 1 ELSE 0 END"  # a staged row than a known one
# A flagged row's hash differs from any live row's, so that coming back is always a change.
STAGED_HASH = (
    "CASE WHEN {0}.__outcome = 'live' THEN {0}.row_hash ELSE {0}.__outcome || ':' || COALESCE({0}.row_hash, '') END"
)


@dataclass(frozen=True, slots=True)
class Steps:
    """Statements for one object; `columns` are the target's, `unified` tells that it holds several objects."""

    names: Names
    columns: tuple[str, ...]
    plan: ObjectLoad
    write: Write

    @property
    def work(self) -> tuple[str, ...]:
        """The work tables that a batch begins with, empty."""
        return ("before", "keys", "losers")

    @property
    def deletes(self) -> str:
        """What becomes of rows that leave: skip, flag or remove."""
        return self.write.deletes

    @property
    def merge(self) -> str:
        """The generated MERGE, into these tables."""
        return self.plan.merge(self.names.of() if self.names.is_beside else None)

    @property
    def unified(self) -> bool:
        """Whether the target holds several objects."""
        return "source_object" in self.columns

    def of(self, alias: str) -> str:
        """The condition that a row of the target or its duplicates is this object's."""
        return f"{alias}.source_object = '{checked(self.plan.object)}'" if self.unified else "1 = 1"

    def delete(self, suffix: str, ids: str) -> str:
        """Delete this object's rows with those Ids; without an alias, which not every dialect takes here."""
        mine = f"source_object = '{checked(self.plan.object)}' AND " if self.unified or suffix == "rejects" else ""
        return f"DELETE FROM {self.names.of(suffix)} WHERE {mine}source_id IN ({ids})"

    @property
    def key(self) -> str:
        """How a staged row finds its row in the target."""
        return ("t.source_object = s.source_object AND " if self.unified else "") + "t.source_id = s.source_id"

    def current(self) -> str:
        """The live rows, as a relation."""
        return f"(SELECT t.* FROM {self.names.of()} t WHERE {self.of('t')} AND NOT t.is_deleted)"

    def stage_view(self, batch: Batch) -> str:
        """The staged rows that are neither late nor known already: the relation that the generated MERGE reads."""
        n = self.names
        return (
            f"CREATE OR REPLACE VIEW {n.of('stage')} AS SELECT l.* FROM {n.of('staged')} l "
            f"LEFT JOIN {n.of('before')} b ON b.source_id = l.source_id "
            f"WHERE b.source_id IS NULL OR (b.stale = 0 AND b.same = 0)"
        )

    def batch(self) -> list[str]:
        """Everything between the ledger guard and the counts."""
        return [
            self.snapshot(),
            *(self.gather_keys() if self.plan.dedupes else ()),
            *(self.bring_back() if self.plan.dedupes else self.forget_duplicates()),
            self.merge,
            *self.leave(),
            *self.rejects(),
            *(self.settle() if self.plan.dedupes else ()),
        ]

    def retell(self) -> list[str]:
        """Let a full read after another spec count though its stamps may be older: another field may be the cursor."""
        return [self._restamp("", ""), self._restamp("duplicates", ""), self._restamp("rejects", "")]

    def _restamp(self, suffix: str, only: str) -> str:
        n = self.names
        key = self.key if suffix != "rejects" else "t.source_object = s.source_object AND t.source_id = s.source_id"
        return (
            f"MERGE INTO {n.of(suffix)} AS t USING {n.of('staged')} AS s ON {key} "
            f"WHEN MATCHED AND s.source_modified_at < t.source_modified_at{only} "
            "THEN UPDATE SET source_modified_at = s.source_modified_at"
        )

    def snapshot(self) -> str:
        """What is known of each staged Id: where it is, whether it is the same, whether it is newer."""
        return (
            f"INSERT INTO {self.names.of('before')} (source_id, was_live, was_flagged, was_duplicate, same, stale) "
            "SELECT k.source_id, MAX(k.live), MAX(k.flagged), MAX(k.duplicate), MIN(k.same), MAX(k.stale) "
            f"FROM ({' UNION ALL '.join([*self.seen(), *self.seen_elsewhere()])}) k GROUP BY k.source_id"
        )

    def seen(self) -> list[str]:
        """Of staged Ids in the target and its duplicates: source_id, live, flagged, duplicate, same and stale."""
        n, staged_hash = self.names, STAGED_HASH.format("l")
        same = f"CASE WHEN {{0}}.row_hash = {staged_hash} THEN 1 ELSE 0 END AS same, {OLDER} AS stale"
        known = [
            "SELECT t.source_id, CASE WHEN t.is_deleted THEN 0 ELSE 1 END AS live, "
            f"CASE WHEN t.is_deleted THEN 1 ELSE 0 END AS flagged, 0 AS duplicate, {same.format('t')} "
            f"FROM {n.of()} t JOIN {n.of('staged')} l ON t.source_id = l.source_id WHERE {self.of('t')}",
        ]
        if self.plan.dedupes:
            known.append(
                f"SELECT d.source_id, 0, 0, 1, {same.format('d')} "
                f"FROM {n.of('duplicates')} d JOIN {n.of('staged')} l ON d.source_id = l.source_id "
                f"WHERE {self.of('d')}"
            )
        return known

    def seen_elsewhere(self) -> list[str]:
        """The same columns of staged Ids among rejects and tombstones."""
        n = self.names
        known = [
            "SELECT r.source_id, 0 AS live, 0 AS flagged, 0 AS duplicate, CASE WHEN l.__outcome = 'rejected' "
            "AND r.source_modified_at IS NOT DISTINCT FROM l.source_modified_at AND r.rule = l.__rule "
            "AND r.requirement IS NOT DISTINCT FROM l.__requirement "
            "AND r.message IS NOT DISTINCT FROM l.__message AND r.record IS NOT DISTINCT FROM l.__record "
            f"THEN 1 ELSE 0 END AS same, {OLDER.format('r')} AS stale FROM {n.of('rejects')} r "
            f"JOIN {n.of('staged')} l ON r.source_id = l.source_id WHERE r.source_object = '{self.plan.object}'",
        ]
        known.append(  # one that is to be rejected and has no open row is not known, whatever its rows say
            "SELECT l.source_id, 0, 0, 0, 0, 0 "
            f"FROM {n.of('staged')} l WHERE l.__outcome = 'rejected' AND l.source_id NOT IN "
            f"(SELECT r.source_id FROM {n.of('rejects')} r WHERE r.source_object = '{self.plan.object}')"
        )
        if self.deletes == "remove":
            known.append(
                "SELECT x.source_id, 0, 0, 0, 0, CASE WHEN l.source_modified_at < x.deleted_at THEN 1 ELSE 0 END "
                f"FROM {n.control('durable_tombstone')} x JOIN {n.of('staged')} l ON x.source_id = l.source_id "
                f"WHERE {self._tombstones('x')}"
            )
        return known

    def gather_keys(self) -> list[str]:
        """The new and the old dedupe keys of the staged rows."""
        n = self.names
        old = [
            f"SELECT o.dedupe_key FROM {n.of(place)} o JOIN {n.of('stage')} s ON s.source_id = o.source_id "
            f"WHERE {self.of('o')} AND o.dedupe_key IS NOT NULL"
            for place in ("", "duplicates")
        ]
        new = f"SELECT s.dedupe_key FROM {n.of('stage')} s WHERE s.__outcome = 'live' AND s.dedupe_key IS NOT NULL"
        return [f"INSERT INTO {n.of('keys')} (dedupe_key) {' UNION '.join([new, *old])}"]

    def bring_back(self) -> list[str]:
        """Put the duplicates of those keys back among the live rows, to compete anew."""
        n, columns = self.names, ", ".join(self.columns)
        touched = (
            f"SELECT d.source_id FROM {n.of('duplicates')} d JOIN {n.of('keys')} k ON k.dedupe_key = d.dedupe_key "
            f"WHERE {self.of('d')}"
        )
        return [  # a table that somebody restored may hold a row of the same Id; a record never gets two
            f"INSERT INTO {n.of()} ({columns}) SELECT {', '.join(f'd.{c}' for c in self.columns)} "
            f"FROM {n.of('duplicates')} d LEFT JOIN {n.of()} t ON t.source_id = d.source_id AND {self.of('t')} "
            f"WHERE {self.of('d')} AND t.source_id IS NULL AND d.source_id IN ({touched})",
            self.delete("duplicates", touched),
        ]

    def forget_duplicates(self) -> list[str]:
        """Without a dedupe rule, what an earlier rule put aside is a row like any other once it is read again."""
        return [self.delete("duplicates", f"SELECT s.source_id FROM {self.names.of('stage')} s")]

    def leave(self) -> list[str]:
        """Flag or remove the rows that were deleted, left the filter or became rejected."""
        n = self.names
        gone = f"SELECT s.source_id FROM {n.of('stage')} s WHERE s.__outcome <> 'live'"
        if self.deletes == "remove":
            return [self.delete("", gone), *self._bury()]
        values = (
            f"SELECT {'x.source_object, ' if self.unified else ''}x.source_id, x.source_modified_at, "
            "TRUE AS is_deleted, x.source_modified_at AS deleted_at, "
            "CASE x.__outcome WHEN 'filtered' THEN 'left_filter' ELSE x.__outcome END AS deleted_reason, "
            f"CAST(NULL AS VARCHAR) AS dedupe_key, {STAGED_HASH.format('x')} AS row_hash, x.loaded_at, x.run_id, "
            f"x.pipeline_version FROM {n.of('stage')} x WHERE x.__outcome <> 'live'"
        )
        flags = ["source_modified_at", "is_deleted", "deleted_at", "deleted_reason", "row_hash", *MOVED]
        flags += ["dedupe_key"] if "dedupe_key" in self.columns else []
        flag = (
            f"MERGE INTO {n.of()} AS t USING ({values}) AS s ON {self.key} "
            "WHEN MATCHED AND s.row_hash IS DISTINCT FROM t.row_hash "
            f"THEN UPDATE SET {', '.join(f'{c} = s.{c}' for c in flags)}"
        )
        return [flag, *(self._insert_deleted() if self.deletes == "flag" else ())]

    def _insert_deleted(self) -> list[str]:
        """Under `flag`, keep a record that was deleted before it was first seen."""
        n = self.names
        computed = {
            **self.own("s"),
            "is_deleted": "TRUE",
            "deleted_at": "s.source_modified_at",
            "deleted_reason": "s.__outcome",
            "row_hash": STAGED_HASH.format("s"),
            **self.first_seen_deleted(),
        }
        columns = [c for c in self.columns if c in computed]
        values = ", ".join(computed[c] for c in columns)
        return [
            f"INSERT INTO {n.of()} ({', '.join(columns)}) SELECT {values} FROM {n.of('stage')} s "
            f"LEFT JOIN {n.of()} t ON {self.key} WHERE s.__outcome = 'deleted' AND t.source_id IS NULL"
        ]

    def own(self, alias: str) -> dict[str, str]:
        """Column -> its value of a staged row, for all but what tells whether the row is live."""
        json = self.names.dialect.json
        values = {
            one.name: json.format(f"{alias}.{one.name}") if one.snowflake == "VARIANT" else f"{alias}.{one.name}"
            for one in self.plan.columns
        }
        plain = {name: f"{alias}.{name}" for name in (*ABOUT, *MOVED)}
        return {**plain, **values, self.write.extensions: json.format(f"{alias}.extensions")}

    def first_seen_deleted(self) -> dict[str, str]:
        """Column -> value of what else a record gets that was deleted before it was first seen."""
        return {}

    def _tombstones(self, alias: str) -> str:
        return f"{alias}.table_name = '{self.names.table}' AND {alias}.object = '{checked(self.plan.object)}'"

    def _bury(self) -> list[str]:
        """Remember removed Ids, so that late data cannot bring them back."""
        n, table = self.names, self.names.control("durable_tombstone")
        staged = f"SELECT s.source_id FROM {n.of('stage')} s"
        return [
            f"DELETE FROM {table} WHERE table_name = '{n.table}' AND object = '{self.plan.object}' "
            f"AND source_id IN ({staged})",
            f"INSERT INTO {table} (table_name, object, source_id, deleted_at) "
            f"SELECT '{n.table}', '{self.plan.object}', s.source_id, s.source_modified_at "
            f"FROM {n.of('stage')} s WHERE s.__outcome IN ('deleted', 'filtered')",
        ]

    def rejects(self) -> list[str]:
        """Keep one open row for each rejected record, and none for any other."""
        n, columns = self.names, ", ".join((*ABOUT, *REASONS))
        staged = ", ".join([*(f"s.{c}" for c in ABOUT), *(f"s.__{c}" for c in REASONS)])
        return [
            self.delete("rejects", f"SELECT s.source_id FROM {n.of('stage')} s"),
            f"INSERT INTO {n.of('rejects')} ({columns}, run_id, rejected_at) "
            f"SELECT {staged}, s.run_id, s.loaded_at FROM {n.of('stage')} s "
            "WHERE s.__outcome = 'rejected'",
        ]

    def settle(self) -> list[str]:
        """Leave one live row for each touched key; the others move whole to the duplicates."""
        n, columns = self.names, ", ".join(self.columns)
        order = self.precedence("t")
        moved = ", ".join(f"t.{c}" for c in self.columns)
        return [
            f"INSERT INTO {n.of('losers')} (source_id, winner_id) SELECT r.source_id, r.winner_id FROM ("
            f"SELECT t.source_id, FIRST_VALUE(t.source_id) OVER (PARTITION BY t.dedupe_key ORDER BY {order}) "
            f"AS winner_id FROM {n.of()} t WHERE {self.of('t')} AND NOT t.is_deleted "
            f"AND t.dedupe_key IN (SELECT k.dedupe_key FROM {n.of('keys')} k)) r WHERE r.source_id <> r.winner_id",
            f"INSERT INTO {n.of('duplicates')} ({columns}, winner_id) SELECT {moved}, x.winner_id "
            f"FROM {n.of()} t JOIN {n.of('losers')} x ON x.source_id = t.source_id WHERE {self.of('t')}",
            self.delete("", f"SELECT x.source_id FROM {n.of('losers')} x"),
        ]

    def precedence(self, alias: str) -> str:
        """In which order rows compete for their dedupe key; the first one wins."""
        created = self.plan.created_column
        born = f"COALESCE({alias}.{created}, {alias}.source_modified_at)" if created else f"{alias}.source_modified_at"
        return {
            "latest": f"{alias}.source_modified_at DESC, {alias}.source_id DESC",
            "first": f"{born}, {alias}.source_id",
        }[self.plan.keep]

    def count(self) -> str:
        """How many staged rows are in each of the categories of Counts."""
        n = self.names
        loser = f"LEFT JOIN {n.of('duplicates')} d ON d.source_id = l.source_id AND {self.of('d')} "
        never = "WHEN l.__outcome = 'deleted' THEN 'inserted' " if self.deletes == "flag" else ""
        return (
            "SELECT c.category, COUNT(*) FROM (SELECT CASE WHEN b.stale = 1 OR b.same = 1 THEN 'unchanged' "
            "WHEN l.__outcome = 'rejected' THEN 'rejected' "
            "WHEN l.__outcome <> 'live' THEN CASE WHEN b.was_live = 1 OR b.was_duplicate = 1 THEN 'deleted' "
            f"WHEN b.was_flagged = 1 THEN 'updated' {never}ELSE 'skipped' END "
            f"{'WHEN d.source_id IS NOT NULL THEN ' + repr('duplicates') if self.plan.dedupes else ''} "
            "WHEN b.was_live = 1 OR b.was_flagged = 1 OR b.was_duplicate = 1 THEN 'updated' ELSE 'inserted' END "
            f"AS category FROM {n.of('staged')} l LEFT JOIN {n.of('before')} b ON b.source_id = l.source_id "
            f"{loser if self.plan.dedupes else ''}) c GROUP BY c.category"
        )

    def repeated(self) -> str:
        """How many staged Ids have more than one row in the target."""
        n = self.names
        return (
            f"SELECT COUNT(*) FROM (SELECT t.source_id FROM {n.of()} t JOIN {n.of('staged')} l "
            f"ON l.source_id = t.source_id WHERE {self.of('t')} GROUP BY t.source_id HAVING COUNT(*) > 1) x"
        )

    def note_left(self) -> str:
        """Remember which staged records left: the tables that are built do not hold them."""
        n = self.names
        return (
            f"INSERT INTO {n.of('left')} (object, source_id) SELECT '{checked(self.plan.object)}', l.source_id "
            f"FROM {n.of('staged')} l WHERE l.__outcome IN ('deleted', 'filtered')"
        )

    def live(self) -> str:
        """How many live rows the object has, and when the youngest of them was written."""
        return f"SELECT COUNT(*), MAX(t.loaded_at) FROM {self.current()} t"

    def present(self) -> str:
        """Ids and stamps of live, duplicate and rejected rows."""
        n = self.names
        return (
            f"SELECT t.source_id, t.source_modified_at FROM {self.current()} t "
            f"UNION ALL SELECT d.source_id, d.source_modified_at FROM {n.of('duplicates')} d WHERE {self.of('d')} "
            f"UNION ALL SELECT r.source_id, r.source_modified_at FROM {n.of('rejects')} r "
            f"WHERE r.source_object = '{self.plan.object}'"
        )

    def known(self) -> str:
        """Ids with the stamps that a staged row must reach to count, as `snapshot` has them."""
        n = self.names
        places = [
            f"SELECT t.source_id, t.source_modified_at AS known_at FROM {n.of()} t WHERE {self.of('t')}",
            f"SELECT r.source_id, r.source_modified_at FROM {n.of('rejects')} r "
            f"WHERE r.source_object = '{self.plan.object}'",
        ]
        if self.plan.dedupes:
            places.append(f"SELECT d.source_id, d.source_modified_at FROM {n.of('duplicates')} d WHERE {self.of('d')}")
        if self.deletes == "remove":
            places.append(
                f"SELECT x.source_id, x.deleted_at FROM {n.control('durable_tombstone')} x "
                f"WHERE {self._tombstones('x')}"
            )
        return " UNION ALL ".join(places)

    def differing(self, columns: Sequence[str], extensions: Sequence[str]) -> str:
        """Ids of live and duplicate rows of which the staged values say something else."""
        n = self.names
        held = [f"t.{name} IS DISTINCT FROM v.{name}" for name in columns]
        member, column = n.dialect.member, f"t.{self.write.extensions}"
        held += [
            f"{member.format(column, checked(name))} IS DISTINCT FROM v.__extension_{at}"
            for at, name in enumerate(extensions)
        ]
        return " UNION ".join(
            f"SELECT t.source_id FROM {place} t JOIN {n.of('values')} v ON v.source_id = t.source_id "
            f"WHERE {self.of('t')} AND ({' OR '.join(['v.__misfit IS NOT NULL', *held])})"
            for place in (self.current(), n.of("duplicates"))
        )

    def open_rejects(self) -> str:
        """Ids of the object's rejected records."""
        return f"SELECT r.source_id FROM {self.names.of('rejects')} r WHERE r.source_object = '{self.plan.object}'"

    def drop_missing(self, stamps: dict[str, str]) -> list[str]:
        """Take the missing rows out of the live set; `stamps` are the literals of what each flagged row carries."""
        n = self.names
        gone = f"SELECT m.source_id FROM {n.of('missing')} m"
        touched = " UNION ".join(  # a duplicate that is gone is a row that left like any other
            f"SELECT t.dedupe_key FROM {n.of(place)} t "
            f"WHERE {self.of('t')} AND t.dedupe_key IS NOT NULL AND t.source_id IN ({gone})"
            for place in ("", "duplicates")
        )
        keys = f"INSERT INTO {n.of('keys')} (dedupe_key) {touched}"
        return [
            self.delete("rejects", gone),
            *([keys, *self.bring_back()] if self.plan.dedupes else [self.delete("duplicates", gone)]),
            *self._drop(gone, stamps),
            *(self.settle() if self.plan.dedupes else ()),
        ]

    def _drop(self, gone: str, stamps: dict[str, str]) -> list[str]:
        n, table = self.names, self.names.control("durable_tombstone")
        if self.deletes != "remove":
            return [self.flag_missing(f"{self.current()} t WHERE t.source_id IN ({gone})", stamps)]
        bury = (
            f"SELECT '{n.table}', '{self.plan.object}', t.source_id, t.source_modified_at FROM {self.current()} t "
            f"WHERE t.source_id IN ({gone})"
        )
        return [f"INSERT INTO {table} (table_name, object, source_id, deleted_at) {bury}", self.delete("", gone)]

    def flag_missing(self, rows: str, stamps: dict[str, str]) -> str:
        """Flag live rows, given as what follows FROM, whose record is gone from the source."""
        key = "t.source_object, t.source_id" if self.unified else "t.source_id"
        flags = {"is_deleted": "TRUE", "deleted_reason": "'deleted'", "row_hash": "'deleted:' || t.row_hash", **stamps}
        if "dedupe_key" in self.columns:
            flags["dedupe_key"] = "CAST(NULL AS VARCHAR)"
        values = ", ".join(f"{value} AS {name}" for name, value in flags.items())
        return (
            f"MERGE INTO {self.names.of()} AS t USING (SELECT {key}, {values} FROM {rows}) AS s ON {self.key} "
            f"WHEN MATCHED THEN UPDATE SET {', '.join(f'{c} = s.{c}' for c in flags)}"
        )

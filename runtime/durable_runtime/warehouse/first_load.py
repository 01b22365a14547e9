"""The first load of an object into a DuckDB file that holds nothing of it: plain inserts, nothing to compare with.

Records that share a dedupe key are loaded with the first batch, whichever files they are in, so that each key is
settled once: whatever is committed has one live row a key, and no batch has to look through what others loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from durable_runtime.warehouse.base import Batch
from durable_runtime.warehouse.steps import Steps


@dataclass(frozen=True, slots=True)
class FirstSteps(Steps):
    """Statements of one batch; `files` are those of all batches of the run, in which no Id comes twice.

    Work tables: `__rivals` the records that share their dedupe key with another one, each with the winner.
    """

    files: tuple[Path, ...] = ()
    begins: bool = False

    @classmethod
    def for_batch(cls, steps: Steps, batch: Batch) -> FirstSteps:
        """The steps of an object for one batch of its first load."""
        return cls(steps.names, steps.columns, steps.plan, steps.write, batch.files, batch.number == 0)

    @property
    def work(self) -> tuple[str, ...]:
        """The rivals stay for the run's other batches."""
        return ("before", "rivals") if self.begins and self.plan.dedupes else ("before",)

    def stage_view(self, batch: Batch) -> str:
        """The staged rows as they are."""
        return f"CREATE OR REPLACE VIEW {self.names.of('stage')} AS SELECT l.* FROM {self.names.of('staged')} l"

    def batch(self) -> list[str]:
        """Everything between the ledger guard and the counts."""
        return [
            *(self.rivals() if self.begins and self.plan.dedupes else ()),
            self._insert("", f"{self.names.of('stage')} s WHERE s.__outcome = 'live'{self._alone()}"),
            *self.leave(),
            *self.rejects()[1:],  # there is none to delete
        ]

    def rivals(self) -> list[str]:
        """Settle the keys that several records of the run have, and load these records."""
        n, early = self.names, "temp.main.durable_early"
        files = f"read_parquet([{', '.join(_literal(one) for one in self.files)}])"
        keyed = f"FROM {files} s WHERE s.__outcome = 'live' AND s.dedupe_key IS NOT NULL"
        # By hash, as millions of keys take much memory; a key that only seems to be another's is its own winner.
        several = f"SELECT hash(s.dedupe_key) {keyed} GROUP BY 1 HAVING COUNT(*) > 1"
        winner = f"FIRST_VALUE(s.source_id) OVER (PARTITION BY s.dedupe_key ORDER BY {self.precedence('s')})"
        return [
            f"INSERT INTO {n.of('rivals')} (source_id, winner_id) SELECT s.source_id, {winner} {keyed} "
            f"AND hash(s.dedupe_key) IN ({several})",
            f"CREATE OR REPLACE TEMPORARY TABLE {early.rpartition('.')[2]} AS SELECT s.*, r.winner_id FROM {files} s "
            f"JOIN {n.of('rivals')} r ON r.source_id = s.source_id",
            self._insert("", f"{early} s WHERE s.winner_id = s.source_id"),
            self._insert("duplicates", f"{early} s WHERE s.winner_id <> s.source_id", {"winner_id": "s.winner_id"}),
            f"DROP TABLE {early}",
        ]

    def leave(self) -> list[str]:
        """Under `flag`, keep what was deleted before it was first seen; under `remove`, remember it."""
        if self.deletes == "remove":
            return self._bury()
        deleted = {
            "is_deleted": "TRUE",
            "deleted_at": "s.source_modified_at",
            "deleted_reason": "s.__outcome",
            "row_hash": "s.__outcome || ':' || COALESCE(s.row_hash, '')",
            "dedupe_key": "CAST(NULL AS VARCHAR)",
        }
        rows = f"{self.names.of('stage')} s WHERE s.__outcome = 'deleted'"
        return [self._insert("", rows, deleted)] if self.deletes == "flag" else []

    def _alone(self) -> str:
        found = f" AND s.source_id NOT IN (SELECT r.source_id FROM {self.names.of('rivals')} r)"
        return found if self.plan.dedupes else ""

    def _insert(self, suffix: str, rows: str, other: dict[str, str] | None = None) -> str:
        """Insert staged rows, given as what follows FROM."""
        values = {
            **self.own("s"),
            "is_deleted": "FALSE",
            "row_hash": "s.row_hash",
            "dedupe_key": "s.dedupe_key",
            **(other or {}),
        }
        columns = [name for name in (*self.columns, "winner_id") if name in values]
        chosen = ", ".join(values[name] for name in columns)
        return f"INSERT INTO {self.names.of(suffix)} ({', '.join(columns)}) SELECT {chosen} FROM {rows}"


def holdings(steps: Steps) -> Sequence[str]:
    """Statements that give a row where something is known of the object."""
    n, object = steps.names, steps.plan.object
    places = [
        f"{n.of()} t WHERE {steps.of('t')}",
        f"{n.of('duplicates')} d WHERE {steps.of('d')}",
        f"{n.of('rejects')} r WHERE r.source_object = '{object}'",
        f"{n.control('durable_tombstone')} x WHERE x.table_name = '{n.table}' AND x.object = '{object}'",
    ]
    return [f"SELECT 1 FROM {place} LIMIT 1" for place in places]


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"

"""Changed rows on DuckDB: deleted and inserted anew, since an update writes all columns of a row group again.

The MERGE that was reviewed runs as it is; it finds the rows that this module deleted before it absent, and inserts
them. A row that holds anything in a column which the MERGE does not write is left for the MERGE to update.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from durable_runtime.transformation import quoted
from durable_runtime.warehouse.steps import Steps

INSERTED = re.compile(r"WHEN NOT MATCHED THEN INSERT \(([^()]+)\)")
EMPTIED = frozenset({"deleted_at", "deleted_reason"})  # the MERGE makes them NULL, as an insert does


@dataclass(frozen=True, slots=True)
class ReplacingSteps(Steps):
    """Statements of one batch; `others` are the table's columns that the MERGE does not write."""

    others: tuple[str, ...] = ()

    @classmethod
    def over(cls, steps: Steps, held: Sequence[tuple[str, bool]]) -> Steps:
        """The same steps with a delete before the MERGE.

        `held` are the table's columns, and whether each has a default, which an insert would put where an update
        leaves NULL: then the steps stay as they are.
        """
        found = INSERTED.search(steps.merge)
        if found is None:
            return steps
        written = {name.strip().lower() for name in found[1].split(",")} | EMPTIED
        others = {name.lower(): has_default for name, has_default in held if name.lower() not in written}
        if any(others.values()):
            return steps
        return cls(steps.names, steps.columns, steps.plan, steps.write, tuple(map(quoted, others)))

    def batch(self) -> list[str]:
        """Everything between the ledger guard and the counts."""
        statements = super(ReplacingSteps, self).batch()
        at = statements.index(self.merge)
        return [*statements[:at], self.make_room(), *statements[at:]]

    def make_room(self) -> str:
        """Delete the rows that the MERGE would update, by the MERGE's own conditions.

        An Id that somebody gave two rows is left, so that the check after the MERGE finds it.
        """
        n = self.names
        twice = (
            f"SELECT d.source_id FROM {n.of()} d JOIN {n.of('staged')} l ON l.source_id = d.source_id "
            f"WHERE {self.of('d')} GROUP BY d.source_id HAVING COUNT(*) > 1"
        )
        empty = "".join(f" AND t.{name} IS NULL" for name in self.others)
        return (
            f"DELETE FROM {n.of()} AS t USING {n.of('stage')} s WHERE {self.key} AND s.__outcome = 'live' "
            f"AND s.source_modified_at >= t.source_modified_at AND s.row_hash IS DISTINCT FROM t.row_hash{empty} "
            f"AND t.source_id NOT IN ({twice})"
        )

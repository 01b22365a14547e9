"""Tables that are built beside the target take its place, and its companions' places, in one transaction.

Rows are exchanged by DML (INSERT OVERWRITE on Snowflake, DELETE and INSERT on DuckDB), which is transactional and
keeps what belongs to the table: grants, policies, tags, clustering.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from durable_runtime.warehouse.dialect import DUCKDB, Dialect, Names, checked
from durable_runtime.warehouse.steps import REASONS, Steps

COMPANIONS = ("", "duplicates", "rejects")
LOADED = ("durable_ledger", "durable_state")
COMPARED = ("source_modified_at", *REASONS)
SAME_REJECT = " AND ".join(f"o.{name} IS NOT DISTINCT FROM r.{name}" for name in COMPARED)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is built (keys of `pairs`) and whose place it takes (values), for some objects of a pipeline.

    `unified` tells that the tables hold several objects, of which those that are not in `objects` keep their rows.
    `pipeline` is how the control tables call it in the end.
    """

    pairs: Mapping[Names, Names]
    objects: tuple[str, ...]
    unified: bool
    pipeline: str

    @property
    def names(self) -> Names:
        """Any of the targets' names, for the control tables."""
        return next(iter(self.pairs.values()))

    @property
    def _listed(self) -> str:
        return ", ".join(f"'{checked(one)}'" for one in self.objects)

    def begin(self, built_as: str) -> list[str]:
        """Empty tables of the targets' form, unknown to the control tables, which call them `built_as`."""
        statements = []
        for new, old in self.pairs.items():
            statements += [
                f"CREATE OR REPLACE {new.dialect.work} {new.of(suffix)} AS SELECT * FROM {old.of(suffix)} WHERE 1 = 0"
                for suffix in COMPANIONS
            ]
            statements += new.create_work("left")
            statements.append(f"DELETE FROM {new.control('durable_tombstone')} WHERE table_name = '{new.table}'")
        return [
            *statements,
            *(f"DELETE FROM {self.names.control(one)} WHERE pipeline = '{built_as}'" for one in LOADED),
        ]

    def others(self, old: str) -> str:
        """How many rows of a target or companion belong to objects that were not built."""
        return f"SELECT COUNT(*) FROM {old} WHERE source_object NOT IN ({self._listed})"

    def switch(
        self, columns: Mapping[tuple[Names, str], tuple[str, ...]], built_as: str, shared: Collection[str] = ()
    ) -> list[str]:
        """Exchange the rows, and let the control tables say so.

        `columns` are those of each target and companion; `shared` are those of them that keep rows of other objects.
        """
        statements: list[str] = []
        for new, old in self.pairs.items():
            for suffix in COMPANIONS:
                table = old.of(suffix)
                mine = f" WHERE source_object IN ({self._listed})" if table in shared else ""
                statements += overwrite(old.dialect, new.of(suffix), table, columns[old, suffix], mine)
            statements += self._take_tombstones(new, old)
        ledger, state = map(self.names.control, LOADED)
        return [
            *statements,
            f"DELETE FROM {state} WHERE pipeline = '{self.pipeline}' AND object IN ({self._listed})",
            *(
                f"UPDATE {one} SET pipeline = '{self.pipeline}' WHERE pipeline = '{built_as}'"
                for one in (state, ledger)
            ),
        ]

    def _take_tombstones(self, new: Names, old: Names) -> Iterator[str]:
        table = old.control("durable_tombstone")
        yield f"DELETE FROM {table} WHERE table_name = '{old.table}' AND object IN ({self._listed})"
        yield f"UPDATE {table} SET table_name = '{old.table}' WHERE table_name = '{new.table}'"

    def count(self, built: Steps, old: Names) -> str:
        """How many of the rows that were read for an object are in each of the categories of Counts.

        They are compared with what the target still holds; a record that it holds and that was not read is in none.
        """
        n, object = built.names, checked(built.plan.object)
        mine = f"o.source_object = '{object}'" if built.unified else "1 = 1"
        held = f"LEFT JOIN {old.of()} o ON o.source_id = t.source_id AND {mine}"
        aside = f"SELECT d.source_id FROM {old.of('duplicates')} d WHERE {built.of('d')}"
        rows = (
            f"SELECT CASE WHEN o.row_hash = t.row_hash THEN 'unchanged' "
            f"WHEN o.source_id IS NOT NULL OR t.source_id IN ({aside}) THEN 'updated' ELSE 'inserted' END AS category "
            f"FROM {built.current()} t {held}"
        )
        duplicates = (
            "SELECT CASE WHEN o.source_id IS NULL THEN 'duplicates' ELSE 'unchanged' END "
            f"FROM {n.of('duplicates')} t LEFT JOIN {old.of('duplicates')} o ON o.source_id = t.source_id AND {mine} "
            f"AND o.row_hash = t.row_hash AND o.winner_id = t.winner_id WHERE {built.of('t')}"
        )
        rejects = (
            "SELECT CASE WHEN o.source_id IS NULL THEN 'rejected' ELSE 'unchanged' END "
            f"FROM {n.of('rejects')} r LEFT JOIN {old.of('rejects')} o ON o.source_id = r.source_id "
            f"AND o.source_object = r.source_object AND {SAME_REJECT} WHERE r.source_object = '{object}'"
        )
        left = (
            "SELECT CASE WHEN o.source_id IS NOT NULL AND NOT o.is_deleted THEN 'deleted' "
            "WHEN f.source_id IS NULL THEN 'skipped' WHEN f.row_hash = o.row_hash THEN 'unchanged' "
            "WHEN o.source_id IS NULL THEN 'inserted' ELSE 'updated' END "
            f"FROM {n.of('left')} l LEFT JOIN {old.of()} o ON o.source_id = l.source_id AND {mine} "
            f"LEFT JOIN {n.of()} f ON f.source_id = l.source_id AND {built.of('f')} WHERE l.object = '{object}'"
        )
        every = " UNION ALL ".join((rows, duplicates, rejects, left))
        return f"SELECT c.category, COUNT(*) FROM ({every}) c GROUP BY c.category"

    def drop(self) -> list[str]:
        """Drop what was built."""
        suffixes = (*COMPANIONS, "left")
        return [f"DROP TABLE IF EXISTS {new.of(suffix)}" for new in self.pairs for suffix in suffixes]


def overwrite(dialect: Dialect, source: str, table: str, columns: Iterable[str], only: str = "") -> list[str]:
    """Statements that give a table the rows of another one, as DML: what is attached to it stays.

    `only` is the condition of the rows that go; without one, all do.
    """
    listed = ", ".join(columns)
    taken = f"({listed}) SELECT {listed} FROM {source}"
    if dialect is DUCKDB or only:
        return [f"DELETE FROM {table}{only}", f"INSERT INTO {table} {taken}"]
    return [f"INSERT OVERWRITE INTO {table} {taken}"]

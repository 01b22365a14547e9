"""The comparison of blue and green in the warehouse: by key and by column, both dialects in one text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from durable_runtime.bluegreen.comparison import ColumnDifference, NewColumn, Sample, TableComparison
from durable_runtime.errors import StatementFailed
from durable_runtime.warehouse.base import Rows
from durable_runtime.warehouse.dialect import DUCKDB, Dialect, checked

# What a run writes about itself, and what only makes the work of a load easier: no difference to who reads the table.
# `deleted_at` is the record's stamp or, where a record left none, the moment at which a run missed it; `record` is
# sealed anew each time.
NEVER_COMPARED = frozenset(
    "row_hash loaded_at run_id pipeline_version dedupe_key deleted_at rejected_at record".split()
)
STAMP = "source_modified_at"
NTH = "nth"  # of the rows that all else does not tell apart, in the order in which they were loaded
KEYS = {"append": ("source_id", STAMP, "is_deleted", NTH), "history": ("source_id", "valid_from")}
# How the names of the fields in `extensions` are listed.
MEMBERS = {
    "duckdb": "SELECT DISTINCT UNNEST(json_keys({column})) AS name FROM {rows} r WHERE {column} IS NOT NULL",
    "snowflake": "SELECT DISTINCT f.key AS name FROM {rows} r, LATERAL FLATTEN(INPUT => r.{column}) f",
}


class Queries(Protocol):
    """What a comparison needs of a warehouse."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""

    def query(self, sql: str) -> Rows:
        """Run one statement and return its rows with their columns' names."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The rows of one object in a table of blue and in the same table of green.

    `blue` and `green` are the tables with their schema; `key` finds a row within the object. Values of `hidden`
    columns (masked ones, and `extensions.Name`) are never shown.
    """

    object: str
    table: str
    companion: str
    blue: str
    green: str
    dialect: Dialect = DUCKDB
    key: tuple[str, ...] = ("source_id",)
    extensions: str = "extensions"
    hidden: frozenset[str] = frozenset()
    is_new: bool = False


def key_of(mode: str, companion: str) -> tuple[str, ...]:
    """What finds a row within its object: where a mode keeps versions, the Id and what tells them apart."""
    return KEYS.get(mode, ("source_id",)) if not companion else ("source_id",)


def compare(warehouse: Queries, pair: Pair, *, samples: int = 5, values: bool = False) -> TableComparison:
    """Compare one pair of tables, with up to `samples` Ids of each difference and, where asked for, `values`.

    Raises StatementFailed where a key stands in a table twice: then rows cannot be told apart.
    """
    both = _Both.of(warehouse, pair)
    counted = both.counted(warehouse)
    if not samples or not counted.differing:
        return counted
    return replace(
        counted,
        columns=tuple(both.sampled(warehouse, counted.columns, samples, values)),
        blue_keys=both.one_sided(warehouse, "b", samples) if counted.only_blue else (),
        green_keys=both.one_sided(warehouse, "g", samples) if counted.only_green else (),
    )


@dataclass(frozen=True, slots=True)
class _Both:
    """A pair with what its tables hold: the columns of each side, and the names in its extensions."""

    pair: Pair
    blue: tuple[str, ...]
    green: tuple[str, ...]
    members: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, warehouse: Queries, pair: Pair) -> _Both:
        blue, green = _columns(warehouse, pair.blue), _columns(warehouse, pair.green)
        found = cls(pair, blue, green)
        both = pair.extensions in blue and pair.extensions in green
        return replace(found, members=tuple(sorted(found.names(warehouse)))) if both else found

    def names(self, warehouse: Queries) -> set[str]:
        """The fields that `extensions` holds on either side."""
        column = checked(self.pair.extensions)
        statement = MEMBERS[self.pair.dialect.name]
        found = (
            warehouse.execute(statement.format(rows=self.rows(side, of), column=column))
            for side, of in ((self.pair.blue, self.blue), (self.pair.green, self.green))
        )
        return {checked(str(name)) for rows in found for (name,) in rows}

    def rows(self, relation: str, columns: Collection[str]) -> str:
        """The object's rows of a table."""
        where = f" WHERE r.source_object = '{checked(self.pair.object)}'" if "source_object" in columns else ""
        if NTH not in self.pair.key:
            return f"(SELECT r.* FROM {relation} r{where})"
        alike = ", ".join(f"r.{checked(name)}" for name in self.pair.key if name != NTH)
        nth = f"ROW_NUMBER() OVER (PARTITION BY {alike} ORDER BY r.loaded_at, r.row_hash) AS {NTH}"
        return f"(SELECT r.*, {nth} FROM {relation} r{where})"

    @property
    def joined(self) -> str:
        """Both sides, each row beside the one with its key."""
        on = " AND ".join(f"b.{checked(name)} IS NOT DISTINCT FROM g.{name}" for name in self.pair.key[1:])
        return (
            f"{self.rows(self.pair.blue, self.blue)} b FULL OUTER JOIN {self.rows(self.pair.green, self.green)} g "
            f"ON b.source_id = g.source_id{' AND ' + on if on else ''}"
        )

    @property
    def compared(self) -> dict[str, tuple[str, str]]:
        """Column → its value in blue and in green, for all that is compared."""
        apart = NEVER_COMPARED | {*self.pair.key, "source_object", self.pair.extensions}
        plain = [checked(name) for name in self.blue if name in self.green and name not in apart]
        member, column = self.pair.dialect.member, self.pair.extensions
        return {
            **{name: (f"b.{name}", f"g.{name}") for name in plain},
            **{
                f"{column}.{name}": (member.format(f"b.{column}", name), member.format(f"g.{column}", name))
                for name in self.members
            },
        }

    def counted(self, warehouse: Queries) -> TableComparison:
        """All counts, in one pass over both tables."""
        compared, (only_blue, only_green) = self.compared, self.one_side_only
        unlike = {name: f"{left} IS DISTINCT FROM {right}" for name, (left, right) in compared.items()}
        both = "b.source_id IS NOT NULL AND g.source_id IS NOT NULL"
        conditions = [
            both,
            f"{both} AND ({' OR '.join(unlike.values()) or '1 = 0'})",
            "b.source_id IS NOT NULL AND g.source_id IS NULL",
            "b.source_id IS NULL AND g.source_id IS NOT NULL",
            *(f"{both} AND {one}" for one in unlike.values()),
            *(f"b.{checked(name)} IS NOT NULL" for name in only_blue),
            *(f"g.{checked(name)} IS NOT NULL" for name in only_green),
        ]
        counts = ", ".join(f"COALESCE(SUM(CASE WHEN {one} THEN 1 ELSE 0 END), 0)" for one in conditions)
        numbers = [int(one) for one in warehouse.execute(f"SELECT {counts} FROM {self.joined}")[0]]
        there, different, blue_alone, green_alone = numbers[:4]
        at = 4 + len(unlike)
        of_columns = dict(zip(unlike, numbers[4:at], strict=True))
        filled = iter(numbers[at:])
        self.check_keys(warehouse, there + blue_alone, there + green_alone)
        return TableComparison(
            object=self.pair.object,
            table=self.pair.table,
            companion=self.pair.companion,
            blue_rows=there + blue_alone,
            green_rows=there + green_alone,
            equal=there - different,
            different=different,
            only_blue=blue_alone,
            only_green=green_alone,
            restamped=of_columns.get(STAMP, 0),
            is_new=self.pair.is_new,
            columns=tuple(ColumnDifference(name, rows) for name, rows in of_columns.items() if rows),
            blue_columns=tuple(NewColumn(name, next(filled)) for name in only_blue),
            green_columns=tuple(NewColumn(name, next(filled)) for name in only_green),
        )

    @property
    def one_side_only(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Columns that blue alone has, and those that green alone has."""
        return (
            tuple(name for name in self.blue if name not in self.green),
            tuple(name for name in self.green if name not in self.blue),
        )

    def check_keys(self, warehouse: Queries, blue: int, green: int) -> None:
        """A key that stands twice makes more pairs than there are rows."""
        for relation, columns, expected in ((self.pair.blue, self.blue, blue), (self.pair.green, self.green, green)):
            held = int(warehouse.execute(f"SELECT COUNT(*) FROM {self.rows(relation, columns)} r")[0][0])
            if held != expected:
                raise StatementFailed(
                    f"Some rows of {self.pair.object} in {self.pair.blue} or {self.pair.green} have the same key "
                    f"({', '.join(self.pair.key)}), so that they cannot be compared.",
                    help="Remove the surplus rows, or run with --full.",
                )

    def key_texts(self, side: str) -> list[str]:
        return [f"CAST({side}.{name} AS VARCHAR)" for name in self.pair.key]

    def sampled(
        self, warehouse: Queries, columns: Sequence[ColumnDifference], samples: int, values: bool
    ) -> Iterator[ColumnDifference]:
        """Each difference with rows that show it."""
        queries = [self.sample(at, one.column, samples, values) for at, one in enumerate(columns)]
        found = warehouse.execute(" UNION ALL ".join(queries)) if queries else []
        width = len(self.pair.key)
        for at, one in enumerate(columns):
            mine = [row[1:] for row in found if int(row[0]) == at]
            rows = (Sample(tuple(map(str, row[:width])), row[width], row[width + 1]) for row in mine)
            yield replace(one, samples=tuple(sorted(rows, key=lambda row: row.key)))

    def sample(self, at: int, column: str, samples: int, values: bool) -> str:
        """The first rows in which a column differs."""
        left, right = self.compared[column]
        shown = values and column not in self.pair.hidden
        texts = [f"CAST({one} AS VARCHAR)" if shown else "CAST(NULL AS VARCHAR)" for one in (left, right)]
        named = [f"{one} AS key_{n}" for n, one in enumerate(self.key_texts("b"))]
        order = ", ".join(f"key_{n}" for n in range(len(named)))
        return (
            f"SELECT * FROM (SELECT {at} AS place, {', '.join(named)}, {texts[0]} AS blue, {texts[1]} AS green "
            f"FROM {self.joined} WHERE b.source_id IS NOT NULL AND g.source_id IS NOT NULL "
            f"AND {left} IS DISTINCT FROM {right} ORDER BY {order} LIMIT {int(samples)}) s{at}"
        )

    def one_sided(self, warehouse: Queries, side: str, samples: int) -> tuple[tuple[str, ...], ...]:
        """Keys of the first rows that one side alone has."""
        other = {"b": "g", "g": "b"}[side]
        texts = self.key_texts(side)
        order = ", ".join(str(n + 1) for n in range(len(texts)))
        found = warehouse.execute(
            f"SELECT {', '.join(texts)} FROM {self.joined} WHERE {side}.source_id IS NOT NULL "
            f"AND {other}.source_id IS NULL ORDER BY {order} LIMIT {int(samples)}"
        )
        return tuple(tuple(map(str, row)) for row in found)


def _columns(warehouse: Queries, relation: str) -> tuple[str, ...]:
    return tuple(name.lower() for name in warehouse.query(f"SELECT * FROM {relation} LIMIT 0").columns)

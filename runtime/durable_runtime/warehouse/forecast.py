"""What the target will hold of one object once its staged rows are loaded, asked before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from durable_runtime.scratch import scratch
from durable_runtime.warehouse.base import Arrivals, Changes, Difference, Lease
from durable_runtime.warehouse.steps import Steps

if TYPE_CHECKING:
    from durable_runtime.warehouse.engine import SqlWarehouse

KEPT = "('live', 'rejected')"  # outcomes whose record stays: live, a duplicate or a reject


@dataclass(frozen=True, slots=True)
class SqlForecast:
    """Questions about one object; `folder` is where lists are made ready. A warehouse has one at a time."""

    warehouse: SqlWarehouse
    lease: Lease
    steps: Steps
    folder: Path

    def begin(self, arriving: Path) -> None:
        """Make the staged rows known; those that are older than what is known will change nothing."""
        n = self.steps.names
        self._fill("arriving", arriving)
        stale = (
            f"SELECT a.source_id FROM {n.of('arriving')} a JOIN ({self.steps.known()}) k ON k.source_id = a.source_id "
            "WHERE a.source_modified_at < k.known_at"
        )
        self.warehouse.execute(f"DELETE FROM {n.of('arriving')} WHERE source_id IN ({stale})")

    def held(self) -> int:
        """How many records will be live, duplicates or rejected."""
        ids = f"SELECT e.source_id FROM ({self._expected()}) e GROUP BY e.source_id"
        return self._count(f"SELECT COUNT(*) FROM ({ids}) x")

    def among(self, pages: Sequence[Path]) -> tuple[str, ...]:
        """Those Ids of CSV files (one column, a header each) that will be held."""
        self._list(pages, stamped=False)
        listed = self.steps.names.of("listed")
        return self._ids(
            f"SELECT DISTINCT e.source_id FROM ({self._expected()}) e JOIN {listed} l ON l.source_id = e.source_id"
        )

    def compare(self, pages: Sequence[Path], *, stamped: bool, until: datetime) -> Difference:
        """What differs between the records that will be held and a listing of those that the source holds."""
        n = self.steps.names
        self._list(pages, stamped=stamped)
        for statement in n.create_work("expected"):
            self.warehouse.execute(statement)
        self.warehouse.execute(
            f"INSERT INTO {n.of('expected')} (source_id, source_modified_at) SELECT e.source_id, "
            f"MAX(e.source_modified_at) FROM ({self._expected()}) e GROUP BY e.source_id"
        )
        edge = f"CAST('{_naive(until):%Y-%m-%d %H:%M:%S.%f}' AS {n.dialect.timestamp})"
        read = f"(l.source_modified_at IS NULL OR l.source_modified_at < {edge})"
        of_listed = f"FROM {n.of('listed')} l LEFT JOIN {n.of('expected')} e ON e.source_id = l.source_id"
        return Difference(
            missing=self._ids(
                f"SELECT e.source_id FROM {n.of('expected')} e LEFT JOIN {n.of('listed')} l "
                "ON l.source_id = e.source_id WHERE l.source_id IS NULL"
            ),
            unknown=self._ids(f"SELECT DISTINCT l.source_id {of_listed} WHERE e.source_id IS NULL AND {read}"),
            stale=self._ids(
                f"SELECT DISTINCT l.source_id {of_listed} "
                f"WHERE l.source_modified_at > e.source_modified_at AND l.source_modified_at < {edge}"
            ),
        )

    def changes(self, gone: Sequence[str]) -> Changes:
        """Rows that are live now: how many will get other content, and how many will leave, `gone` among them.

        Where a whole table is built beside, what it lacks leaves too.
        """
        s, n = self.warehouse.held_steps(self.steps.plan), self.steps.names
        absent = "OR a.source_id IS NULL " if self.warehouse.builds else ""
        concerned = "1 = 1" if self.warehouse.builds else "a.source_id IS NOT NULL OR l.source_id IS NOT NULL"
        path = self.folder / "gone.csv"
        write_ids(path, gone)
        self._list([path], stamped=False)
        live = (
            f"SELECT CASE WHEN l.source_id IS NOT NULL {absent}OR a.outcome <> 'live' THEN 1 ELSE 0 END AS leaves, "
            f"CASE WHEN a.outcome = 'live' AND a.row_hash IS DISTINCT FROM t.row_hash THEN 1 ELSE 0 END AS differs "
            f"FROM {s.current()} t LEFT JOIN {n.of('arriving')} a ON a.source_id = t.source_id "
            f"LEFT JOIN {n.of('listed')} l ON l.source_id = t.source_id "
            f"WHERE {concerned}"
        )
        updated, leaving = self.warehouse.execute(
            f"SELECT COALESCE(SUM(c.differs * (1 - c.leaves)), 0), COALESCE(SUM(c.leaves), 0) FROM ({live}) c"
        )[0]
        return Changes(int(updated), int(leaving))

    def arrivals(self) -> Arrivals:
        """Staged rows that are not as they were, and the rejected ones among them."""
        s, n = self.warehouse.held_steps(self.steps.plan), self.steps.names
        arriving = n.of("arriving")
        same = [
            f"SELECT a.source_id FROM {arriving} a JOIN {s.names.of(place)} t ON t.source_id = a.source_id "
            f"WHERE {s.of('t')} AND t.row_hash = CASE WHEN a.outcome = 'live' THEN a.row_hash "
            "ELSE a.outcome || ':' || a.row_hash END"
            for place in ("", "duplicates")
        ]
        same.append(
            f"SELECT a.source_id FROM {arriving} a JOIN {s.names.of('rejects')} r ON r.source_id = a.source_id "
            f"WHERE r.source_object = '{s.plan.object}' AND a.outcome = 'rejected' "
            "AND r.source_modified_at IS NOT DISTINCT FROM a.source_modified_at"
        )
        found, rejected = self.warehouse.execute(
            "SELECT COUNT(*), COALESCE(SUM(CASE WHEN a.outcome = 'rejected' THEN 1 ELSE 0 END), 0) "
            f"FROM {arriving} a LEFT JOIN ({' UNION '.join(same)}) k ON k.source_id = a.source_id "
            "WHERE k.source_id IS NULL"
        )[0]
        return Arrivals(int(found), int(rejected))

    def _expected(self) -> str:
        """Ids and stamps of what will be held."""
        arriving = self.steps.names.of("arriving")
        return (
            f"SELECT p.source_id, p.source_modified_at FROM ({self.steps.present()}) p "
            f"LEFT JOIN {arriving} a ON a.source_id = p.source_id WHERE a.source_id IS NULL UNION ALL "
            f"SELECT a.source_id, a.source_modified_at FROM {arriving} a WHERE a.outcome IN {KEPT}"
        )

    def _list(self, pages: Sequence[Path], *, stamped: bool) -> None:
        self._fill("listed", as_parquet(pages, self.folder / "listed.parquet", stamped=stamped))

    def _fill(self, suffix: str, parquet: Path) -> None:
        self.warehouse.renew(self.lease)  # the work tables belong to whoever holds the lease
        for statement in self.steps.names.create_work(suffix):
            self.warehouse.execute(statement)
        self.warehouse.fill(self.steps.names, suffix, parquet)

    def _ids(self, sql: str) -> tuple[str, ...]:
        return tuple(sorted(row[0] for row in self.warehouse.execute(sql)))

    def _count(self, sql: str) -> int:
        return int(self.warehouse.execute(sql)[0][0])


def _connected(folder: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that spills into a folder what is too large for it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    spill = str(folder / "spill")
    return duckdb.connect(config={"memory_limit": "256MB", "preserve_insertion_order": False, "temp_directory": spill})


def write_ids(path: Path, ids: Sequence[str]) -> Path:
    """A CSV file with the one column Id."""
    with path.open("w", encoding="utf-8") as file:
        file.write('"Id"\n')
        file.writelines(f'"{one}"\n' for one in ids)
    return path


def as_parquet(pages: Sequence[Path], path: Path, *, stamped: bool | None) -> Path:
    """CSV pages that each repeat their header as one Parquet file of `source_id` and `source_modified_at`.

    `stamped` tells whether they have a second column with the stamp; None leaves it out of the file too.
    """
    columns = {"Id": "VARCHAR", **({"Stamp": "VARCHAR"} if stamped else {})}
    read = "TRY_CAST(Stamp AS TIMESTAMPTZ) AT TIME ZONE 'UTC'" if stamped else "CAST(NULL AS TIMESTAMP)"
    stamp = "" if stamped is None else f", {read} AS source_modified_at"
    with _connected(path.parent) as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute(
            f"COPY (SELECT DISTINCT Id AS source_id{stamp} FROM read_csv(?, columns = {columns}, auto_detect = false, "
            "header = true, delim = ',', quote = '\"', escape = '\"', new_line = '\\n')) "
            f"TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION zstd)",
            [[str(page) for page in pages]],
        )
    return path


def write_arriving(batches: Sequence[Path], path: Path) -> Path:
    """Of staged files, what a forecast looks at: Id, stamp, outcome and hash of each row, as Parquet."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with scratch() as database:
        database.execute(
            "COPY (SELECT source_id, source_modified_at, __outcome AS outcome, row_hash FROM read_parquet(?)) "
            f"TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION zstd)",
            [[str(one) for one in batches]],
        )
    return path


def staying(batches: Sequence[Path]) -> int:
    """How many records of staged files will be held by a target that holds nothing of their object."""
    with scratch() as database:
        row = database.execute(
            f"SELECT count(*) FROM read_parquet(?) WHERE __outcome IN {KEPT}", [[str(one) for one in batches]]
        ).fetchone()
    return int(row[0]) if row else 0


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)

"""What a Parquet file holds, to be compared with what a warehouse says that it loaded of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import duckdb

Span = tuple[datetime | None, datetime | None]
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "256MB",
    "threads": 1,
}  # footers, and columns of eight bytes a row


@dataclass(frozen=True, slots=True)
class StagedFile:
    """Rows, columns in order, and the first and last value of each timestamp column (naive UTC, microseconds)."""

    rows: int
    columns: tuple[str, ...]
    spans: Mapping[str, Span]

    @classmethod
    def of(cls, path: Path) -> StagedFile:
        """Read a file; duckdb.Error or OSError where that cannot be done."""
        with _engine().cursor() as database:
            source = database.read_parquet(str(path))
            columns, kinds = tuple(source.columns), tuple(map(str, source.types))
            stamps = [name for name, kind in zip(columns, kinds, strict=True) if kind == "TIMESTAMP"]
            asked = ", ".join(["COUNT(*)", *(f'MIN("{name}"), MAX("{name}")' for name in stamps)])
            rows, *ends = source.aggregate(asked).fetchall()[0]
        return cls(rows, columns, dict(zip(stamps, zip(ends[::2], ends[1::2], strict=True), strict=True)))


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """One for the process: it takes longer to start than to read a small file."""
    return duckdb.connect(config=SETTINGS)

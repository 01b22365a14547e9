"""One in-memory DuckDB for small questions about staged files: opening another takes longer than most answers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

NAME = ":memory:durable-scratch"
# Nothing is put on disk: what is asked here streams through a file, and keeps little of it.
SETTINGS = {"memory_limit": "256MB", "preserve_insertion_order": "false", "temp_directory": ""}


@cache
def _kept() -> duckdb.DuckDBPyConnection:
    """The connection that keeps it open as long as the process lives."""
    import duckdb

    return duckdb.connect(NAME, config=dict(SETTINGS))


def scratch() -> duckdb.DuckDBPyConnection:
    """A connection of one's own, to be closed after use."""
    return _kept().cursor()

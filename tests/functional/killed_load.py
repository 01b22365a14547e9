"""Loads two Contacts into a DuckDB file and dies before a statement: arguments path, folder, which statement."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Run
from durable_runtime.warehouse.conformance import contact
from durable_runtime.warehouse.dialect import DUCKDB
from durable_runtime.warehouse.duckdb import DuckDBWarehouse


class Dying(DuckDBWarehouse):
    """A warehouse whose process is gone before the statement with that number."""

    left: int | None = None

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if sql.startswith("BEGIN"):
            self.left = int(sys.argv[3])
        if self.left is not None:
            if self.left == 0:
                os._exit(9)
            self.left -= 1
        return super().execute(sql, values)


def main() -> None:
    """Load, or die."""
    path, folder = Path(sys.argv[1]), Path(sys.argv[2])
    with Dying(path, sample.target(DUCKDB)) as warehouse:
        warehouse.prepare(sample.loads(DUCKDB))
        run = Run("run-1", "1.0.0", "00D1", warehouse.acquire("customers", "killed", 60))
        warehouse.load(run, sample.stage(folder, run, "Contact", [contact("003A", "k"), contact("003B", "k", 1)]))
        os._exit(9)


if __name__ == "__main__":
    main()

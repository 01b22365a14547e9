"""Loads into a DuckDB file under a restriction, and prints as JSON how it ended and what the file holds then.

Arguments: path, folder, a file of staged Accounts, and the restriction: a limit in bytes for files, `nobody`, or `-`.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path

import duckdb

from durable_runtime.errors import PipelineError
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Batch, Lease, Run
from durable_runtime.warehouse.conformance import account
from durable_runtime.warehouse.dialect import DUCKDB
from durable_runtime.warehouse.duckdb import DuckDBWarehouse

NOBODY = 65534


def main() -> None:
    """Load one Account without a restriction, then the staged file with it."""
    path, folder, staged, restriction = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    rows = duckdb.execute("SELECT COUNT(*) FROM read_parquet(?)", [str(staged)]).fetchall()[0][0]
    if not path.exists():
        first = Run(run_of("first"), "1.0.0", "00D1", Lease("customers", "", 1, 60))
        load(path, "first", sample.stage(folder, first, "Account", [account("001FIRST")]))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if restriction == "nobody" and os.geteuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    elif restriction.isdigit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(restriction), limits[1]))
    error = load(path, "second", Batch("Account", 0, staged, rows, True, None, "rows-1"))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    told = error and {"type": type(error).__name__, "exit": error.exit_code, "message": str(error), "help": error.help}
    print(json.dumps({"error": told, "holds": holds(path)}))


def run_of(name: str) -> str:
    """A run's Id."""
    return f"run-{name}"


def load(path: Path, name: str, batch: Batch) -> PipelineError | None:
    """Load one batch; the error that it ended with."""
    try:
        with DuckDBWarehouse(path, sample.target(DUCKDB), memory_limit="64MB") as warehouse:
            warehouse.prepare(sample.loads(DUCKDB))
            lease = warehouse.acquire("customers", f"here/{name}", 60)
            warehouse.load(Run(run_of(name), "1.0.0", "00D1", lease), batch)
            warehouse.release(lease)
    except PipelineError as error:
        return error
    return None


def holds(path: Path) -> list[int]:
    """Rows of the target, batches of the ledger, objects with a state."""
    with duckdb.connect(str(path), read_only=True) as database:
        return [
            database.execute(f"SELECT COUNT(*) FROM analytics.{table}").fetchall()[0][0]
            for table in ("customers", "durable_ledger", "durable_state")
        ]


if __name__ == "__main__":
    main()

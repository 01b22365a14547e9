"""Runs the generated package of its folder for each line of arguments, and tells which statements that sent."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
from collections.abc import Sequence
from typing import Any

from durable_runtime.cli import main as run
from durable_runtime.salesforce.session import Session
from durable_runtime.warehouse.base import Rows
from durable_runtime.warehouse.duckdb import DuckDBWarehouse
from durable_runtime.warehouse.snowflake import SnowflakeWarehouse

SENT: list[str] = []
SESSIONS: list[Session] = []


class _Noted:
    """Writes down what passes; a query that an adapter answers by `execute` is noted once."""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Note a statement and run it."""
        SENT.append(sql)
        return super().execute(sql, values)  # type: ignore[misc,no-any-return]


class _NotedTwice(_Noted):
    def query(self, sql: str) -> Rows:
        """Note a statement and run it."""
        SENT.append(sql)
        return super().query(sql)  # type: ignore[misc,no-any-return]


def main() -> None:
    """Run what each line asks for, and tell in a line how it ended."""
    sys.path.insert(0, "")
    duckdb = importlib.import_module("durable_runtime.warehouse.duckdb")
    snowflake = importlib.import_module("durable_runtime.warehouse.snowflake")
    duckdb.DuckDBWarehouse = type("DuckDBWarehouse", (_Noted, DuckDBWarehouse), {})  # type: ignore[attr-defined]
    snowflake.SnowflakeWarehouse = type(  # type: ignore[attr-defined]
        "SnowflakeWarehouse", (_NotedTwice, SnowflakeWarehouse), {}
    )
    begin = Session.__init__

    def noted(session: Session, *arguments: Any) -> None:
        SESSIONS.append(session)
        begin(session, *arguments)

    Session.__init__ = noted  # type: ignore[method-assign,assignment]
    pipeline = importlib.import_module("generated.customer_data.pipeline").PIPELINE
    for line in sys.stdin:
        out, err = io.StringIO(), io.StringIO()
        SENT.clear()
        SESSIONS.clear()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(pipeline, json.loads(line))
        asked = sum(one.requests for one in SESSIONS)
        told = {"code": code, "out": out.getvalue(), "err": err.getvalue(), "statements": SENT, "requests": asked}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()

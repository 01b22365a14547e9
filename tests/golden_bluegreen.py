"""The golden file of tests/cases/bluegreen: what blue and green send to Snowflake, renewed with `--write`."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from durable_runtime.bluegreen import building, promoting, sides
from durable_runtime.bluegreen.control import GREEN, KEPT, LOADED, Deployed, Record, fingerprint, remember
from durable_runtime.bluegreen.promoting import Limit
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Run, Write
from durable_runtime.warehouse.dialect import SNOWFLAKE
from durable_runtime.warehouse.engine import Values
from functional.bluegreen_world import NAME, START, account, pipeline
from functional.snowflake_on_duckdb import SnowflakeOnDuckDB
from golden_statements import BREAKS

FILE = Path(__file__).parent / "cases" / "bluegreen" / "snowflake.sql"
COMMAND = "PYTHONPATH=compiler:runtime:tests python tests/golden_bluegreen.py --write"
# Words that DuckDB does not have, and what means the same to it
SPELLINGS = (
    (re.compile(r" COPY GRANTS$"), ""),
    (
        re.compile(r"f\.key AS name FROM (.+) r, LATERAL FLATTEN\(INPUT => (\S+)\) f"),
        r"UNNEST(json_keys(\2)) FROM \1 r",
    ),
)
Sent = dict[str, tuple[str, ...]]


class Recording(SnowflakeOnDuckDB):
    """One that knows the words of blue and green too."""

    def _answer(self, sql: str, values: Values) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        spelt = sql
        for words, same in SPELLINGS:
            spelt = words.sub(same, spelt)
        try:
            return super()._answer(spelt, values)
        finally:
            self.sent[-1] = sql


@cache
def sent() -> Sent:
    """What a new version's way into use sends, step by step."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as database:
        warehouse = Recording(database, sample.target(SNOWFLAKE), lambda: START)
        warehouse.open()
        loaded(warehouse, Path(folder))
        found = {}
        for name, step in steps(warehouse):
            warehouse.sent.clear()
            step()
            found[name] = tuple(warehouse.sent)
        return found


def loaded(warehouse: SnowflakeOnDuckDB, folder: Path) -> None:
    """Blue with one Account."""
    warehouse.prepare(sample.loads(SNOWFLAKE), Write())
    lease = warehouse.acquire(NAME, "place/run", 60)
    run = Run("run-1", "1.0.0", "00D1", lease)
    warehouse.load(run, sample.stage(folder, run, "Account", [account("001A", "Acme")], watermark=START))
    warehouse.release(lease)


def steps(warehouse: SnowflakeOnDuckDB) -> Iterator[tuple[str, Callable[[], object]]]:
    """From the build to the end of what a promotion kept."""
    deployed = Deployed.of(warehouse, NAME)
    yield "make ready", lambda: building.prepare(warehouse, deployed)
    leases = [warehouse.acquire(deployed.key(side), "place/deploy", 60) for side in ("", GREEN)]
    yield "build", lambda: building.build(warehouse, deployed, leases, "2.0.0")
    blue, green = (fingerprint(warehouse, deployed.key(side), deployed) for side in ("", GREEN))
    yield "note that green is loaded", lambda: remember(warehouse, deployed, Record(LOADED, "2.0.0", blue, green))
    warehouse.execute(f"UPDATE {deployed.names[0].beside(GREEN).of()} SET name = 'New'")
    yield "compare", lambda: sides.compare_sides(warehouse, deployed, pipeline("upsert"), values=True)
    yield "promote", lambda: promoting.promote(warehouse, deployed, leases, Limit())
    yield "take it back", lambda: promoting.rollback(warehouse, deployed, leases)
    yield "discard", lambda: building.discard(warehouse, deployed, KEPT)


def golden() -> str:
    """The page."""
    parts = ["-- What blue and green send to Snowflake, as the driver is given it."]
    for name, texts in sent().items():
        parts.append("\n".join([f"-- {name}", *(BREAKS.sub("\n  ", text) + ";" for text in texts)]))
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Write what has changed, or only say so; 1 if something has."""
    text = golden()
    if FILE.is_file() and FILE.read_text(encoding="utf-8") == text:
        return 0
    if "--write" not in sys.argv:
        print(FILE.name)
        return 1
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The golden files of tests/cases/snowflake: every statement of the Snowflake adapter, renewed with `--write`."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import cache
from itertools import product
from pathlib import Path

import duckdb

from durable_runtime.spec import Column, Target
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Batch, Lease, Run, Write
from durable_runtime.warehouse.conformance import DAY, ORGANIZATION, PIPELINE, START, account, contact, rejected
from durable_runtime.warehouse.conformance_values import write
from durable_runtime.warehouse.dialect import SNOWFLAKE
from durable_runtime.warehouse.forecast import write_ids
from functional.snowflake_on_duckdb import SnowflakeOnDuckDB

CASES = Path(__file__).parent / "cases" / "snowflake"
COMMAND = "PYTHONPATH=compiler:runtime python tests/golden_statements.py --write"
MODES, LAYOUTS, DELETES = (
    ("upsert", "append", "history", "replace"),
    ("unified", "per_object"),
    ("skip", "flag", "remove"),
)
BREAKS = re.compile(
    r"(?<!DISTINCT)(?<!DELETE) (?=FROM )|(?<!LEFT) (?=(?:LEFT )?JOIN )|(?<=\)) (?=SELECT |VALUES )"
    r"| (?=WHEN (?:NOT )?MATCHED |WHERE |UNION ALL |USING \(|GROUP BY |FILE_FORMAT=)"
)
RUN = Run("run-1", "1.0.0", ORGANIZATION, Lease(PIPELINE, "first", 1, 60))
# What becomes of deleted records makes no difference to these.
SAME = {"load nothing", "answer a batch from the ledger", "compare values", "list rejects", "totals", "state", "widen"}
Statements = tuple[tuple[str, tuple[str, ...]], ...]  # a step of a run, and what was sent for it


@dataclass(frozen=True)
class Files:
    """What every run loads, made once."""

    folder: Path
    accounts: Batch
    contacts: Batch
    nothing: Batch
    arriving: Path
    gone: Path
    values: Path

    @classmethod
    def of(cls, folder: Path) -> Files:
        """Deleted, filtered and rejected records among others, duplicates, and lists of Ids and values."""
        arriving = folder / "arriving.parquet"
        with duckdb.connect() as connection:
            connection.sql(
                "SELECT '003A' AS source_id, TIMESTAMP '2026-01-09' AS source_modified_at, 'live' AS outcome, "
                "'x' AS row_hash"
            ).write_parquet(str(arriving))
        accounts = [account(), account("001B", outcome="deleted")]
        contacts = [contact("003A", "k"), contact("003B", "k", 1), contact("003C", None, outcome="filtered")]
        contacts.append(rejected(contact("003D", None)))
        return cls(
            folder,
            sample.stage(folder, RUN, "Account", accounts, 0, False),
            sample.stage(folder, RUN, "Contact", contacts, 0, True, START + DAY),
            sample.stage(folder, RUN, "Account", [], 1, True, START),
            arriving,
            write_ids(folder / "gone-ids.csv", ("003B", "003X")),
            write(folder / "values.parquet", sample.ACCOUNT, 1, [("001A", None, "Acme", None, None, "1")]),
        )


@dataclass(frozen=True)
class Scenario:
    """One way of writing."""

    mode: str
    layout: str
    deletes: str
    files: Files

    @property
    def per_object(self) -> bool:
        """Whether each object has a table of its own."""
        return self.layout == "per_object"

    def target(self, *more: Column) -> Target:
        """The sample's table or tables; `more` columns are what a new version of the spec maps."""
        return sample.target(SNOWFLAKE, (*sample.COLUMNS, *more), self.mode, per_object=self.per_object)

    def steps(self, warehouse: SnowflakeOnDuckDB) -> Iterator[tuple[str, Callable[[], object]]]:
        """A run of two objects with everything that the adapter can be asked."""
        loads, files = sample.loads(SNOWFLAKE, mode=self.mode, per_object=self.per_object), self.files
        yield "open", warehouse.open
        yield "prepare", lambda: warehouse.prepare(loads, Write(self.mode, self.deletes))
        yield "take the lease", lambda: warehouse.acquire(PIPELINE, "first", 60)
        yield "load Accounts", lambda: warehouse.load(RUN, files.accounts)
        yield "load Contacts", lambda: warehouse.load(RUN, files.contacts)
        yield "load nothing", lambda: warehouse.load(RUN, files.nothing)
        yield "answer a batch from the ledger", lambda: warehouse.load(RUN, files.contacts)
        yield "forecast", lambda: self.forecast(warehouse)
        yield "mark Contacts as deleted", lambda: warehouse.mark_deleted(RUN, "Contact", files.gone)
        yield "compare values", lambda: warehouse.differing("Account", files.values, sample.ACCOUNT, ("Size__c",))
        yield "list rejects", lambda: warehouse.open_rejects("Contact")
        yield "totals", lambda: warehouse.totals("Contact")
        yield "switch", lambda: warehouse.switch(RUN)
        yield "state", lambda: warehouse.state(PIPELINE)
        yield "give the lease back", lambda: warehouse.release(RUN.lease)
        yield "close", warehouse.close
        yield "widen", lambda: self.widen(warehouse.engine)

    def forecast(self, warehouse: SnowflakeOnDuckDB) -> None:
        """Every question that is asked before a load."""
        found = warehouse.forecast(RUN.lease, "Contact", self.files.arriving, self.files.folder)
        found.held()
        found.among([self.files.gone])
        found.compare([self.files.gone], stamped=False, until=(START + timedelta(days=30)).replace(tzinfo=UTC))
        found.changes(["003B"])

    def widen(self, database: duckdb.DuckDBPyConnection) -> list[str]:
        """What a column more needs; the sample has such a target for the one table."""
        warehouse = SnowflakeOnDuckDB(database, self.target(Column("rating", "VARCHAR", "VARCHAR")), lambda: START)
        warehouse.open()
        warehouse.prepare(sample.loads(SNOWFLAKE, mode=self.mode), Write(self.mode, self.deletes))
        return [text for text in warehouse.sent if text.startswith("ALTER")]


@cache
def everything() -> dict[tuple[str, str, str], Statements]:
    """What a run of each way of writing sends, step by step."""
    with tempfile.TemporaryDirectory() as folder:
        files = Files.of(Path(folder).resolve())
        return {way: _sent(Scenario(*way, files)) for way in product(MODES, LAYOUTS, DELETES)}


def _sent(scenario: Scenario) -> Statements:
    left_out = set() if scenario.deletes == DELETES[0] else SAME
    left_out |= {"widen"} if scenario.per_object else set()
    steps = []
    with duckdb.connect() as database:
        warehouse = SnowflakeOnDuckDB(database, scenario.target(), lambda: START)
        for name, step in scenario.steps(warehouse):
            if name not in left_out:
                warehouse.sent.clear()
                found = step()
                texts = found if isinstance(found, list) else warehouse.sent
                steps.append((name, tuple(text.replace(str(scenario.files.folder), "/state/staged") for text in texts)))
    return tuple(steps)


def sent(mode: str, layout: str, deletes: str) -> Statements:
    """What a run sends, step by step."""
    return everything()[mode, layout, deletes]


def golden() -> dict[Path, str]:
    """A file for each mode and layout: a run that skips what is deleted, then where the other policies differ."""
    return {CASES / f"{mode}_{layout}.sql": _page(mode, layout) for mode, layout in product(MODES, LAYOUTS)}


def _page(mode: str, layout: str) -> str:
    usual = dict(sent(mode, layout, "skip"))
    parts = [
        f"-- Every statement of a run, mode {mode}, layout {layout}, as the driver is given it.",
        *_laid_out(usual),
    ]
    for deletes in DELETES[1:]:
        other = {name: tuple(t for t in texts if t not in usual[name]) for name, texts in sent(mode, layout, deletes)}
        parts += [f"-- ==== What deletes: {deletes} sends instead", *_laid_out(other)]
    return "\n\n".join(parts) + "\n"


def _laid_out(steps: dict[str, tuple[str, ...]]) -> Iterator[str]:
    for name, texts in steps.items():
        if texts:
            yield "\n".join([f"-- {name}", *(BREAKS.sub("\n  ", text) + ";" for text in texts)])


def main() -> int:
    """Write what has changed, or only name it; 1 if something has."""
    stale = []
    for file, text in golden().items():
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            stale.append(file.name)
            if "--write" in sys.argv:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
    print("\n".join(stale))
    return 1 if stale and "--write" not in sys.argv else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Nights of changes, late commits, kills and another spec, in a warehouse and in a model of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from durable_runtime.spec import Target
from durable_runtime.warehouse.base import Batch as Staged
from durable_runtime.warehouse.base import Counts, Run, Warehouse, Write
from durable_runtime.warehouse.dialect import DUCKDB, Dialect
from durable_runtime.warehouse.forecast import write_ids
from functional.mode_bench import ADDED, SCHEMA, START, TICK, Form, Stager, moment, read_of
from functional.mode_models import FOREVER, Batch, Model, Read, Row, Upsert, ordered, switched
from functional.mode_source import EDITS, IDS, OBJECTS, Edit, Record, Source
from functional.mode_versions import MODELS

PIPELINE, ORGANIZATION = "customers", "00D000000000001EAA"
SOME = st.sets(st.sampled_from(IDS), max_size=3)
EDIT = st.builds(
    Edit,
    st.sampled_from([*EDITS, "save", "save", "save", "late"]),
    st.sampled_from(("Contact", "Contact", "Account")),
    st.sampled_from(IDS),
    st.sampled_from(IDS),
    st.sampled_from(("ada", "bob", "cyd")),
    st.sampled_from((None, "k", "k", "l")),
)
DAY = st.lists(EDIT, min_size=1, max_size=8)
Connect = Callable[[Target, Callable[[], datetime]], Warehouse]
CATEGORIES = tuple(Counts.__dataclass_fields__)
REJECTS = ("source_id", "source_modified_at", "rule", "run_id")
UNSEEN = ("source_object", "loaded_at", "pipeline_version", "row_hash")
WRITES_NOTHING = {"unchanged", "skipped"}


@dataclass
class Ledger:
    """What the last run of an object committed, for as long as its last batch did not: content -> counts."""

    run_id: str = ""
    batches: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, batch: Batch, content: str, counts: Counter[str]) -> None:
        """A batch is committed."""
        if batch.run_id != self.run_id:
            self.run_id, self.batches = batch.run_id, {}
        self.batches[content] = counts
        if batch.last:
            self.batches = {}


@dataclass(frozen=True)
class Place:
    """Where a sequence runs: a warehouse that `connect` reaches again and again, and what stages files for it."""

    dialect: Dialect
    connect: Connect
    stager: Stager


class Nights(RuleBasedStateMachine):
    """Nights of one form of target; each rule ends with the warehouse held against the model."""

    def __init__(self, form: Form, place: Place, counted: Counter[str]) -> None:
        super().__init__()
        self.form, self.place, self.counted = form, place, counted
        self.source = Source()
        self.models = {name: MODELS[form.mode](form.deletes, form.keep) for name in OBJECTS}
        self.built: dict[str, Model] = {}
        self.ledgers = {name: Ledger() for name in OBJECTS}
        self.now, self.numbers = START, count(1)
        self.watermarks: dict[str, datetime] = {}
        self.begin()

    def begin(self) -> None:
        """Open the warehouse for the form as it is now."""
        self.warehouse = self.place.connect(self.form.target(self.place.dialect), lambda: self.now)
        self.warehouse.open()
        self.warehouse.prepare(self.form.loads(self.place.dialect), Write(self.form.mode, self.form.deletes))

    def teardown(self) -> None:
        """Leave nothing for the next sequence."""
        self.counted["sequences"] += 1
        self.warehouse.query(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        self.warehouse.close()

    @property
    def replaces(self) -> bool:
        """Whether each run reads everything and builds the target anew."""
        return self.form.mode == "replace"

    # --- what may happen ---------------------------------------------------------------------------------------------

    @rule(edits=DAY, again=SOME, old=SOME, cut=st.integers(0, 6), days=st.sampled_from((0, 0, 0, 1, 31)))
    def night(self, edits: list[Edit], again: set[int], old: set[int], cut: int, days: int) -> None:
        """Changes, then a run that reads them, what the overlap repeats, and some that come late."""
        self.now += timedelta(days=days)
        self.change(edits)
        self.complete({name: self.reads(name, again, old) for name in OBJECTS}, cut)
        if cut == 6:
            self.the_same_again()

    @rule(edits=DAY, again=SOME, cut=st.integers(1, 4), resumes=st.booleans())
    def killed_night(self, edits: list[Edit], again: set[int], cut: int, resumes: bool) -> None:
        """Changes, then a run that commits its first batch and no more; perhaps another that goes on."""
        self.change(edits)
        reads = {name: self.reads(name, again, set()) for name in OBJECTS}
        run = self.run()
        for name, records in reads.items():
            if len(records) > cut:
                self.load(run, name, list(records.values()), cut, killed=True)
        self.compare()
        if resumes:
            self.complete(reads, cut)

    @precondition(lambda self: not self.form.wide)
    @rule(edits=DAY)
    def another_spec(self, edits: list[Edit]) -> None:
        """A column is added: every record is read again."""
        self.warehouse.close()
        self.form = replace(self.form, wide=True)
        for model in self.models.values():
            model.widen(ADDED.name)
        self.begin()
        self.compare()
        self.change(edits)
        self.complete({name: self.source.current(name) for name in OBJECTS}, 3, rebuilds=True)

    def the_same_again(self) -> None:
        """A run that reads everything once more and finds nothing new writes nothing."""
        before = {name: self.tables(name) for name in OBJECTS}
        counts = self.complete({name: self.source.current(name) for name in OBJECTS}, 0)
        assert set(counts) <= WRITES_NOTHING, counts
        if not self.replaces:
            assert {name: self.tables(name) for name in OBJECTS} == before

    # --- how ---------------------------------------------------------------------------------------------------------

    def change(self, edits: list[Edit]) -> None:
        """Let a day pass."""
        self.source.apply(edits)
        self.counted["operations"] += len(edits)
        self.now = max(self.now + timedelta(hours=1), self.read_to)

    @property
    def read_to(self) -> datetime:
        """How far the source is read: beyond the last change."""
        return moment(self.source.clock) + TICK / 2

    def reads(self, name: str, again: set[int], old: set[int]) -> dict[str, Record]:
        """What a run reads of an object: what changed, some once more, and old versions of others."""
        current = self.source.current(name)
        if self.replaces:
            return current
        reads = {id: one for id, one in current.items() if (name, id) in self.source.unread or int(id[3:]) in again}
        for id in current:
            if int(id[3:]) in old and (name, id) not in self.source.unread and self.models[name].knows(id):
                reads[id] = self.source.versions[name, id][0]
        return reads

    def complete(self, reads: dict[str, dict[str, Record]], cut: int, *, rebuilds: bool = False) -> Counter[str]:
        """A run that ends well; what became of what it read."""
        run, total = self.run(), Counter[str]()
        for name, records in reads.items():
            if records or self.replaces:
                total += self.load(run, name, list(records.values()), cut, rebuilds=rebuilds)
                self.source.forget(name, records)
        if self.replaces:
            total = self.switch(run, reads)
        for name in OBJECTS:
            self.reconcile(run, name)
        self.warehouse.release(run.lease)
        self.source.seen_to = self.source.clock
        self.compare()
        self.compare_with_a_full_load()
        return total

    def run(self) -> Run:
        """A run with the lease, which whoever was killed here may still hold."""
        self.counted["runs"] += 1
        self.built = {name: Upsert(self.form.deletes, self.form.keep) for name in OBJECTS} if self.replaces else {}
        number = next(self.numbers)
        return Run(f"run-{number}", "1.0.0", ORGANIZATION, self.warehouse.acquire(PIPELINE, f"here/run-{number}", 60))

    def load(
        self, run: Run, name: str, records: Sequence[Record], cut: int, *, killed: bool = False, rebuilds: bool = False
    ) -> Counter[str]:
        """One object's rows, in one batch or two; what becomes of them is what the model says."""
        total = Counter[str]()
        parts = [records[:cut], records[cut:]] if 0 < cut < len(records) else [records]
        staged = list(self.staged(run, name, parts, rebuilds=rebuilds))
        early = self.early(name, records)
        for number, one in enumerate(staged[:1] if killed else staged):
            counts = self.warehouse.load(run, one)
            assert counts.rows == len(parts[number])
            read = [read_of(self.form, name, record) for record in parts[number]]
            batch = Batch(read, run.run_id, self.now, self.read_to, one.last, rebuilds, early)
            expected = self.expected(name, batch, str(one.content))
            assert told(counts) == expected, (name, number, told(counts), expected, parts[number])
            if cut == 1 and (early is None or one.last):
                assert self.warehouse.load(run, one) == counts, "what the ledger answers"
            total += expected
        if not killed:
            self.watermarks[name] = self.read_to
        return total

    def staged(self, run: Run, name: str, parts: Sequence[Sequence[Record]], *, rebuilds: bool) -> Iterator[Staged]:
        """The files of a run's batches."""
        final = {"last": True, "watermark": self.read_to, "row_function": "rows-1"}
        made = [
            self.place.stager.batch(
                self.form, run, name, part, number, read_to=self.read_to, rebuilds=rebuilds,
                **(final if number == len(parts) - 1 else {}),
            )
            for number, part in enumerate(parts)
        ]  # fmt: skip
        files = tuple(one.path for one in made)
        return (replace(one, files=files) for one in made)

    def early(self, name: str, records: Sequence[Record]) -> list[Read] | None:
        """What shares its key with another record, where DuckDB fills a table for the first time."""
        model = self.built[name] if self.replaces else self.models[name]
        if self.place.dialect is not DUCKDB or not self.form.dedupes or not model.empty():
            return None
        reads = [read_of(self.form, name, record) for record in records]
        keys = Counter(read.key for read in reads if read.live and read.key)
        return [read for read in reads if read.live and read.key and keys[read.key] > 1]

    def expected(self, name: str, batch: Batch, content: str) -> Counter[str]:
        """What becomes of a batch: nothing more, where the run before committed it and was killed."""
        if self.replaces:
            return self.built[name].load(batch)
        known = self.ledgers[name].batches
        if content in known and not batch.last:
            return known[content]
        counts = self.models[name].load(batch)
        self.ledgers[name].add(batch, content, counts)
        return counts

    def switch(self, run: Run, reads: dict[str, dict[str, Record]]) -> Counter[str]:
        """What was built takes the target's place."""
        counts, total = self.warehouse.switch(run), Counter[str]()
        for name, records in reads.items():
            old, new = self.models[name], self.built[name]
            assert isinstance(old, Upsert) and isinstance(new, Upsert)
            expected = switched(old, new, [read_of(self.form, name, record) for record in records.values()])
            assert told(counts[name]) == expected, (name, told(counts[name]), expected)
            self.models[name] = new
            total += expected
            self.source.noticed(name)
        return total

    def reconcile(self, run: Run, name: str) -> None:
        """Ids that the source no longer has leave."""
        gone = self.source.noticed(name)
        if gone:
            left = self.warehouse.mark_deleted(run, name, write_ids(self.place.stager.folder / "gone.csv", gone))
            assert left == self.models[name].vanish(gone, run.run_id, self.now), (name, gone)
            self.ledgers[name] = Ledger()

    # --- what must be ------------------------------------------------------------------------------------------------

    def tables(self, name: str) -> dict[str, list[Row]]:
        """What the warehouse holds of an object."""
        columns = [c.name for c in self.form.columns(name) if c.name not in UNSEEN]
        if self.form.mode == "history":
            columns.remove("run_id")  # of several that may have had a hand in a version
        return {
            "target": list(self.rows(name, "", columns)),
            "duplicates": list(self.rows(name, "__duplicates", [*columns, "winner_id"])),
            "rejects": list(self.rows(name, "__rejects", REJECTS)),
        }

    def rows(self, name: str, suffix: str, columns: Sequence[str]) -> Iterator[Row]:
        """An object's rows of the target or a companion."""
        where = f"WHERE source_object = '{name}'" if self.form.layout == "unified" or suffix == "__rejects" else ""
        table = f"{SCHEMA}.{self.form.table(name)}{suffix}"
        found = self.warehouse.query(f"SELECT {', '.join(columns)} FROM {table} {where}").rows
        yield from parsed(dict(zip(columns, row, strict=True)) for row in found)

    def compare(self) -> None:
        """The tables, totals and state are the model's."""
        states = self.warehouse.state(PIPELINE)
        for name, model in self.models.items():
            found, live = self.tables(name), len(model.live())
            same(found["target"], parsed(model.target()), f"{name} in the target")
            same(found["duplicates"], parsed(model.duplicates()), f"{name} among the duplicates")
            same(found["rejects"], model.rejects(), f"{name} among the rejects")
            if not self.replaces:  # whose totals are those of what it builds
                totals = self.warehouse.totals(name)
                sizes = (live, len(found["rejects"]), len(found["duplicates"]))
                assert (totals.live, totals.rejected, totals.duplicates) == sizes, name
            if state := states.get(name):
                assert (state.rows_live, state.rows_now, state.recorded) == (live, live, True), name
                assert state.watermark == self.watermarks.get(name), name
            self.counted["rows compared"] += len(found["target"]) + len(found["duplicates"]) + len(found["rejects"])

    def compare_with_a_full_load(self) -> None:
        """Live rows, duplicates and rejects do not depend on what came before; values of append are the exception."""
        for name, model in self.models.items():
            whole = Upsert(self.form.deletes, self.form.keep)
            reads = [read_of(self.form, name, record) for record in self.source.current(name).values()]
            whole.load(Batch(reads, "", FOREVER, FOREVER))
            own = [] if self.form.mode == "append" else [c.name for c in self.form.own(name)]
            told, fresh = ({id: [row[c] for c in own] for id, row in one.live().items()} for one in (model, whole))
            assert told == fresh, (name, "live rows")
            assert ids(model.duplicates(), "winner_id") == ids(whole.duplicates(), "winner_id"), name
            assert ids(model.rejects(), "rule") == ids(whole.rejects(), "rule"), name


def same(found: list[Row], expected: list[Row], where: str) -> None:
    """Assert that the rows are those, or show the ones that are not."""
    surplus, missing = (
        [row for row in one if row not in other] for one, other in ((found, expected), (expected, found))
    )
    assert found == expected, f"{where}: found\n{lines(surplus)}\ninstead of\n{lines(missing)}"


def lines(rows: list[Row]) -> str:
    """Rows, one a line."""
    return "\n".join(str({name: str(value) for name, value in row.items()}) for row in rows)


def told(counts: Counts) -> Counter[str]:
    """The categories that have any rows."""
    return Counter({one: rows for one in CATEGORIES if (rows := getattr(counts, one))})


def ids(rows: list[Row], beside: str) -> list[tuple[Any, Any]]:
    """Ids with one more column."""
    return [(row["source_id"], row[beside]) for row in rows]


def parsed(rows: Iterator[Row] | list[Row]) -> list[Row]:
    """`extensions` as what it says, since each warehouse writes JSON in its way."""
    return ordered(
        {**row, "extensions": json.loads(row["extensions"] or "null")} if "extensions" in row else row for row in rows
    )

"""What every warehouse must do, as checks to run against one: `for check in CHECKS: check(bench)`, each on a fresh one.

A check raises NotConforming, which says what was expected and what was found.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, Self

from durable_runtime.errors import Incomplete, LeaseLost, LockHeld, PipelineError, StatementFailed
from durable_runtime.spec import Column, Target
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Batch, Counts, Run, State, Totals, Warehouse, Write
from durable_runtime.warehouse.dialect import Dialect
from durable_runtime.warehouse.forecast import write_ids
from durable_runtime.warehouse.sample import Staged

PIPELINE, ORGANIZATION = "customers", "00D000000000001EAA"
DAY = timedelta(days=1)
START = datetime.fromisoformat("2026-01-01T02:00:00.123456")
TABLE = "analytics.customers"


class NotConforming(AssertionError):
    """The warehouse does not do what it must."""


@dataclass(frozen=True, slots=True)
class Bench:
    """How to reach the warehouse under test: `connect` names the same storage each time it is called."""

    dialect: Dialect
    folder: Path
    connect: Callable[[Target, Callable[[], datetime]], Warehouse]


def same(found: object, expected: object, what: str) -> None:
    """Raise NotConforming unless both are equal."""
    if found != expected:
        raise NotConforming(f"{what}: expected {expected!r}, found {found!r}.")


@contextmanager
def refused(*kinds: type[PipelineError]) -> Iterator[None]:
    """Raise NotConforming unless the block raises one of the errors."""
    try:
        yield
    except kinds:
        return
    raise NotConforming(f"expected {' or '.join(kind.__name__ for kind in kinds)}, but nothing was raised.")


class Trial:
    """One open warehouse with the sample target, its lease and a clock that the check moves."""

    def __init__(
        self, bench: Bench, deletes: str = "skip", keep: str = "latest", columns: Sequence[Column] = sample.COLUMNS,
        mode: str = "upsert", *, per_object: bool = False, extensions: str = "extensions",
    ) -> None:  # fmt: skip
        self.bench, self.write = bench, Write(mode, deletes, extensions)
        self.loads = sample.loads(bench.dialect, keep, columns, mode, per_object=per_object)
        self.now = START
        self.numbers = count(1)
        self.target = sample.target(bench.dialect, columns, mode, per_object=per_object)
        self.warehouse = bench.connect(self.target, lambda: self.now)

    def __enter__(self) -> Self:
        self.warehouse.open()
        self.warehouse.prepare(self.loads, self.write)
        self.lease = self.warehouse.acquire(PIPELINE, "first", 60)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(PipelineError):
            self.warehouse.release(self.lease)
        self.warehouse.close()

    def run(self) -> Run:
        """A new run."""
        return Run(f"run-{next(self.numbers)}", "1.0.0", ORGANIZATION, self.lease)

    def load(self, name: str, *rows: Staged) -> Counts:
        """Load rows as the only batch of a new run."""
        run = self.run()
        return self.warehouse.load(run, self.stage(run, name, rows))

    def stage(self, run: Run, name: str, rows: Sequence[Staged], number: int = 0, last: bool = True) -> Batch:
        """Write a staged file whose watermark is its newest row's stamp."""
        newest = max((row.modified for row in rows), default=None) if last else None
        return sample.stage(self.bench.folder, run, name, rows, number, last, newest)

    def select(
        self, columns: str, suffix: str = "", order: str = "source_id", table: str = TABLE
    ) -> list[tuple[Any, ...]]:
        """Columns of the target or a companion."""
        return list(self.warehouse.query(f"SELECT {columns} FROM {table}{suffix} ORDER BY {order}").rows)

    def live(self) -> list[str]:
        """Ids of live rows."""
        return [id for id, gone in self.select("source_id, is_deleted") if not gone]

    def duplicates(self) -> list[tuple[Any, ...]]:
        """Ids of duplicates with their winners."""
        return self.select("source_id, winner_id", "__duplicates")

    def rejects(self) -> list[tuple[Any, ...]]:
        """Ids of rejected records with their rule."""
        return self.select("source_id, rule", "__rejects")

    def state(self, name: str) -> State:
        """What is known of an object."""
        return self.warehouse.state(PIPELINE)[name]


def account(id: str = "001A", name: str = "Acme", days: int = 0, **more: Any) -> Staged:
    """An Account as it was some days after the start."""
    return Staged(id, START + days * DAY, {"name": name}, **more)


def contact(id: str, key: str | None, days: int = 0, email: str | None = None, **more: Any) -> Staged:
    """A Contact as it was some days after the start."""
    return Staged(id, START + days * DAY, {"email": email or f"{id}@example.com"}, key, **more)


def rejected(row: Staged, rule: str = "email_required") -> Staged:
    """The row as one that a rule rejects."""
    return replace(row, outcome="rejected", rule=rule, record="{}", key=None)


def a_repeated_load_writes_nothing(bench: Bench) -> None:
    """The same rows again are unchanged, and keep the run that wrote them."""
    rows = [account("001A"), account("001B", "Bolt"), account("001C", outcome="deleted")]
    with Trial(bench) as trial:
        same(trial.load("Account", *rows), Counts(inserted=2, skipped=1), "first load")
        same(trial.load("Account", *rows), Counts(unchanged=2, skipped=1), "second load")
        same(trial.select("source_id, run_id"), [("001A", "run-1"), ("001B", "run-1")], "rows")


def newer_rows_update_and_late_rows_do_not(bench: Bench) -> None:
    """A later stamp wins, and so does another value under the same stamp; an earlier stamp is ignored."""
    with Trial(bench) as trial:
        trial.load("Account", account(days=5))
        same(trial.load("Account", account(name="New", days=6)), Counts(updated=1), "newer")
        same(trial.load("Account", account(name="Late", days=1)), Counts(unchanged=1), "late")
        same(trial.load("Account", account(name="Formula", days=6)), Counts(updated=1), "same stamp")
        same(trial.load("Account", account(days=2, outcome="deleted")), Counts(unchanged=1), "late delete")
        same(trial.select("name, is_deleted"), [("Formula", False)], "row")


def deleted_rows_are_flagged_and_come_back(bench: Bench) -> None:
    """Deleted, filtered and deleted again under another stamp; the undeleted row is whole, even with equal content."""
    flags = "is_deleted, deleted_reason, deleted_at, name"
    with Trial(bench) as trial:
        trial.load("Account", account())
        same(trial.load("Account", account(days=1, outcome="deleted")), Counts(deleted=1), "delete")
        same(trial.select(flags), [(True, "deleted", START + DAY, "Acme")], "flagged row")
        same(trial.load("Account", account(days=1, outcome="deleted")), Counts(unchanged=1), "delete again")
        same(trial.load("Account", account(days=1)), Counts(updated=1), "undelete")
        same(trial.select(flags), [(False, None, None, "Acme")], "undeleted row")
        same(trial.load("Account", account(days=2, outcome="filtered")), Counts(deleted=1), "leave the filter")
        same(trial.select(flags), [(True, "left_filter", START + 2 * DAY, "Acme")], "filtered row")
        same(trial.warehouse.totals("Account"), Totals(0, 0, 0), "totals")


def removed_rows_do_not_return_with_late_data(bench: Bench) -> None:
    """Under `remove` the row goes, late data cannot bring it back, and an undelete can."""
    with Trial(bench, deletes="remove") as trial:
        trial.load("Account", account())
        same(trial.load("Account", account(days=5, outcome="deleted")), Counts(deleted=1), "remove")
        same(trial.select("source_id"), [], "rows")
        same(trial.load("Account", account(days=4)), Counts(unchanged=1), "late row")
        same(trial.load("Account", account(days=6)), Counts(inserted=1), "undelete")
        same(trial.live(), ["001A"], "live rows")
        trial.load("Account", account(days=7, outcome="deleted"))
        trial.now += 38 * DAY
        trial.lease = trial.warehouse.acquire(PIPELINE, "first", 60)
        trial.load("Account", account("001B"))
        same(
            list(trial.warehouse.query("SELECT source_id FROM analytics.durable_tombstone").rows), [], "old tombstones"
        )


def flag_keeps_what_was_deleted_when_first_seen(bench: Bench) -> None:
    """Under `flag` a record that was never live is loaded, flagged."""
    with Trial(bench, deletes="flag") as trial:
        row = account(outcome="deleted", extensions='{"Colour__c": "red"}')
        same(trial.load("Account", row), Counts(inserted=1), "first")
        same(trial.load("Account", row), Counts(unchanged=1), "again")
        same(trial.select("source_id, is_deleted, name"), [("001A", True, "Acme")], "row")


def a_rejected_record_is_in_one_place(bench: Bench) -> None:
    """Rejected: one open row and not live; accepted: live and no row."""
    good, bad = contact("003A", "k1"), rejected(contact("003A", None))
    with Trial(bench) as trial:
        same(trial.load("Contact", bad), Counts(rejected=1), "rejected")
        same(trial.load("Contact", bad), Counts(unchanged=1), "rejected again")
        same((trial.rejects(), trial.live()), ([("003A", "email_required")], []), "rejected record")
        same(trial.load("Contact", good), Counts(inserted=1), "accepted")
        same((trial.rejects(), trial.live()), ([], ["003A"]), "accepted record")
        same(trial.load("Contact", bad), Counts(rejected=1), "rejected after it was live")
        same(trial.select("is_deleted, deleted_reason"), [(True, "rejected")], "flagged row")
        same(trial.load("Contact", good), Counts(updated=1), "accepted again")
        same((trial.rejects(), trial.live()), ([], ["003A"]), "accepted record")


def the_latest_of_equal_keys_wins(bench: Bench) -> None:
    """Winners change with the batch, losers return when their winner goes or changes its key."""
    with Trial(bench) as trial:
        first = trial.load("Contact", contact("003A", "k"), contact("003B", "k", 1), contact("003C", None))
        same(first, Counts(inserted=2, duplicates=1), "first load")
        same((trial.live(), trial.duplicates()), (["003B", "003C"], [("003A", "003B")]), "winner")
        same(trial.load("Contact", contact("003A", "k", 2)), Counts(updated=1), "the loser is newer")
        same((trial.live(), trial.duplicates()), (["003A", "003C"], [("003B", "003A")]), "new winner")
        same(trial.load("Contact", contact("003A", "other", 3)), Counts(updated=1), "the winner's key changes")
        same((trial.live(), trial.duplicates()), (["003A", "003B", "003C"], []), "nobody loses")
        trial.load("Contact", contact("003B", "other", 4))
        same(trial.duplicates(), [("003A", "003B")], "loser of the other key")
        same(trial.load("Contact", contact("003B", None, 5, outcome="deleted")), Counts(deleted=1), "winner deleted")
        same((trial.live(), trial.duplicates()), (["003A", "003C"], []), "the loser returned")


def the_first_of_equal_keys_wins_where_asked(bench: Bench) -> None:
    """With keep = first the smallest CreatedDate wins, then the smallest Id."""
    created = {"003A": 2, "003B": 1, "003C": 1}
    rows = [Staged(id, START, {"email": id, "created_date": START + days * DAY}, "k") for id, days in created.items()]
    with Trial(bench, keep="first") as trial:
        same(trial.load("Contact", *rows), Counts(inserted=1, duplicates=2), "load")
        same(trial.duplicates(), [("003A", "003B"), ("003C", "003B")], "duplicates")
        same(trial.load("Contact", *rows), Counts(unchanged=3), "again")


def values_keep_every_digit_and_byte(bench: Bench) -> None:
    """Decimals, NULL apart from look-alikes, quotes, emoji and stamps of any year come back as they were."""
    texts: list[str | None] = [None, "NA", "null", " ", 'O\'Brien \\ "x"', "line\nbreak\ttab", "🙂 Ünï", "%s ? {}"]
    amounts = [None, Decimal("0.000000000000000001"), Decimal("-12345678901234567890.123456789012345678")]
    far = ("1900-01-01T00:00:00.000001", "9999-12-31T23:59:59.999999")
    stamps = [None, START, *map(datetime.fromisoformat, far)]
    rows = [
        Staged(f"001{n}", START, {"name": text, "amount": amounts[n % 3], "opened_at": stamps[n % 4]})
        for n, text in enumerate(texts)
    ]
    with Trial(bench) as trial:
        trial.load("Account", *rows)
        expected = [(r.id, r.values["name"], r.values["amount"], r.values["opened_at"]) for r in rows]
        same(trial.select("source_id, name, amount, opened_at"), expected, "values")


def extensions_stay_objects_of_text(bench: Bench) -> None:
    """Fields without a column are kept as a JSON object of text, or NULL, and are replaced whole."""
    fields = {"Colour__c": "red", "Size__c": "1.50", "Note__c": 'a "quote", a \\ and 🙂', "None__c": None}
    with Trial(bench) as trial:
        trial.load("Account", account(extensions=json.dumps(fields)), account("001B"))
        (kept,), (empty,) = trial.select("extensions")
        same((json.loads(kept), empty), (fields, None), "extensions")
        trial.load("Account", account(days=1, extensions='{"Size__c":"2"}'))
        same(json.loads(trial.select("extensions")[0][0]), {"Size__c": "2"}, "extensions after an update")


def one_object_may_have_a_table_of_its_own(bench: Bench) -> None:
    """Without `source_object` a row is found by its Id alone."""
    with Trial(bench, deletes="flag", columns=sample.CONTACT_COLUMNS) as trial:
        rows = (contact("003A", "k"), contact("003B", "k", 1), contact("003C", None, outcome="deleted"))
        same(trial.load("Contact", *rows), Counts(inserted=2, duplicates=1), "first load")
        same(trial.load("Contact", *rows), Counts(unchanged=3), "second load")
        same(trial.load("Contact", rejected(contact("003B", None, 2))), Counts(rejected=1), "the winner is rejected")
        same((trial.live(), trial.duplicates()), (["003A"], []), "rows")
        same(trial.warehouse.totals("Contact"), Totals(1, 1, 0), "totals")


def a_second_row_of_an_id_is_refused(bench: Bench) -> None:
    """Where somebody copied a row, the load says so and changes nothing."""
    with Trial(bench) as trial:
        trial.load("Account", account())
        trial.warehouse.query(f"INSERT INTO {TABLE} SELECT * FROM {TABLE}")
        with refused(StatementFailed):
            trial.load("Account", account(name="New", days=1))
        same(trial.select("name"), [("Acme",), ("Acme",)], "rows")


def a_failure_leaves_nothing(bench: Bench) -> None:
    """Where the watermark cannot be written, no row, reject or ledger line stays."""
    with Trial(bench) as trial:
        trial.warehouse.query("DROP TABLE analytics.durable_state")
        with refused(PipelineError):
            trial.load("Contact", contact("003A", "k"), rejected(contact("003B", None)))
        same((trial.select("source_id"), trial.rejects()), ([], []), "rows")
        same(list(trial.warehouse.query("SELECT * FROM analytics.durable_ledger").rows), [], "ledger")


def rows_that_are_unaccounted_for_are_rolled_back(bench: Bench) -> None:
    """A file with another number of rows than was said is refused."""
    with Trial(bench) as trial:
        run = trial.run()
        batch = replace(trial.stage(run, "Account", [account()]), rows=2)
        with refused(Incomplete):
            trial.warehouse.load(run, batch)
        same(trial.select("source_id"), [], "rows")


def a_batch_is_loaded_once(bench: Bench) -> None:
    """A batch that the ledger has is answered from it; the watermark moves with the last batch and never back."""
    with Trial(bench) as trial:
        run = trial.run()
        first = trial.stage(run, "Account", [account(), account("001B")], 0, last=False)
        same(trial.warehouse.load(run, first), Counts(inserted=2), "first batch")
        same(trial.state("Account").watermark, None, "watermark after a batch that is not the last")
        same(trial.warehouse.load(run, first), Counts(inserted=2), "first batch again")
        trial.warehouse.load(run, trial.stage(run, "Account", [account("001C", days=3)], 1))
        state = trial.state("Account")
        same((state.watermark, state.row_function), (START + 3 * DAY, "rows-1"), "state after the last batch")
        trial.load("Account", account("001D", days=1))
        same(trial.state("Account").watermark, START + 3 * DAY, "watermark after an older batch")
        same(trial.live(), ["001A", "001B", "001C", "001D"], "rows")


def only_the_holder_of_the_lease_writes(bench: Bench) -> None:
    """A lease is exclusive until it expires; who lost it commits nothing."""
    with Trial(bench) as trial:
        with refused(LockHeld):
            trial.warehouse.acquire(PIPELINE, "second", 60)
        trial.now += timedelta(seconds=61)
        second = trial.warehouse.acquire(PIPELINE, "second", 60)
        same(second.fence, trial.lease.fence + 1, "fence after a take-over")
        with refused(LeaseLost):
            trial.load("Account", account())
        same((trial.select("source_id"), trial.warehouse.state(PIPELINE)), ([], {}), "rows and state")
        trial.warehouse.release(trial.lease)
        with refused(LockHeld):
            trial.warehouse.acquire(PIPELINE, "third", 60)
        trial.warehouse.release(second)
        same(trial.warehouse.acquire(PIPELINE, "third", 60).fence, second.fence + 1, "fence after a release")


def a_changed_target_is_noticed(bench: Bench) -> None:
    """The state shows the organization, and rows or ledger lines that are gone."""
    with Trial(bench) as trial:
        trial.load("Account", account(), account("001B"))
        state = trial.state("Account")
        same(
            (state.organization_id, state.rows_live, state.rows_now, state.recorded),
            (ORGANIZATION, 2, 2, True),
            "state",
        )
        trial.warehouse.query(f"DELETE FROM {TABLE} WHERE source_id = '001A'")
        same(trial.state("Account").rows_now, 1, "rows after a deletion by hand")
        trial.warehouse.query("DELETE FROM analytics.durable_ledger")
        same(trial.state("Account").recorded, False, "recorded without a ledger")
        trial.warehouse.query(f"DROP TABLE {TABLE}")
        trial.warehouse.prepare(sample.loads(bench.dialect))
        same((trial.state("Account").rows_live, trial.state("Account").rows_now), (2, 0), "rows of a dropped table")


def a_restored_table_is_noticed(bench: Bench) -> None:
    """Rows of an earlier time are told from those of the last commit, also where they are as many."""
    with Trial(bench) as trial:
        trial.load("Account", account())
        trial.warehouse.query(f"CREATE TABLE {TABLE}_kept AS SELECT * FROM {TABLE}")
        trial.load("Account", account(name="New", days=1))
        state = trial.state("Account")
        same((state.loaded_at, state.loaded_now), (START + DAY, START + DAY), "when the youngest row was written")
        trial.warehouse.query(f"DELETE FROM {TABLE}")
        trial.warehouse.query(f"INSERT INTO {TABLE} SELECT * FROM {TABLE}_kept")
        state = trial.state("Account")
        same((state.rows_live, state.rows_now), (1, 1), "rows of a restored table")
        same((state.loaded_at, state.loaded_now), (START + DAY, START), "youngest row of a restored table")


def a_new_column_widens_the_tables(bench: Bench) -> None:
    """A column that the target lacks is added, to the duplicates too, and stored rows have NULL there."""
    with Trial(bench) as trial:
        trial.load("Account", account())
    column = Column("rating", "VARCHAR", "VARCHAR", "Rating")
    wider = bench.connect(sample.target(bench.dialect, (*sample.COLUMNS, column)), lambda: START)
    wider.open()
    try:
        same(wider.prepare(sample.loads(bench.dialect)), ("rating",), "added columns")
        same(wider.prepare(sample.loads(bench.dialect)), (), "added columns the second time")
        same(wider.query(f"SELECT source_id, rating FROM {TABLE}").rows, (("001A", None),), "rows")
        same(wider.query(f"SELECT rating FROM {TABLE}__duplicates").rows, (), "duplicates")
    finally:
        wider.close()


def ids_that_are_gone_leave_and_their_losers_return(bench: Bench) -> None:
    """Rows whose Ids are known to be gone are flagged as deleted; a newer read brings them back."""
    gone = write_ids(bench.folder / "gone.csv", ("003B", "003D", "003E", "003X", "003B"))
    with Trial(bench) as trial:
        trial.load(
            "Contact", contact("003A", "k"), contact("003B", "k", 1), contact("003C", None), contact("003D", None)
        )
        trial.load("Contact", rejected(contact("003E", None)))
        same(trial.warehouse.mark_deleted(trial.run(), "Contact", gone), 2, "rows that left")
        same((trial.live(), trial.duplicates(), trial.rejects()), (["003A", "003C"], [], []), "live rows")
        same(trial.select("deleted_reason", order="source_id")[-1], ("deleted",), "reason")
        same(trial.state("Contact").rows_live, 2, "live rows of the state")
        same(trial.load("Contact", contact("003D", None)), Counts(updated=1), "the same row seen again")
        same(trial.live(), ["003A", "003C", "003D"], "live rows")


def an_empty_batch_moves_the_watermark(bench: Bench) -> None:
    """A window without rows is a batch too."""
    with Trial(bench) as trial:
        run = trial.run()
        batch = replace(trial.stage(run, "Account", []), watermark=START + DAY)
        same(trial.warehouse.load(run, batch), Counts(), "counts")
        same(trial.state("Account").watermark, START + DAY, "watermark")


def nothing_is_left_but_the_tables(bench: Bench) -> None:
    """After `close` there are the target, its companions and the durable_ tables."""
    with Trial(bench) as trial:
        trial.load("Contact", contact("003A", "k"))
    with Trial(bench) as trial:
        listed = "SELECT table_name FROM information_schema.tables WHERE LOWER(table_schema) = 'analytics'"
        names = {name.lower() for (name,) in trial.warehouse.query(listed).rows}
        same({n for n in names if not n.startswith("durable_")},
             {"customers", "customers__duplicates", "customers__rejects"}, "tables")  # fmt: skip


def random_rounds_equal_the_source(
    bench: Bench, seed: int = 0, rounds: int = 8, deletes: str = "skip", keep: str = "latest"
) -> None:
    """After any rounds of changes the live rows, duplicates and rejects are those of the source's last state."""
    dice = random.Random(seed)
    source: dict[str, Staged] = {}
    with Trial(bench, deletes, keep) as trial:
        for day in range(rounds):
            changed = {f"003{dice.randrange(25):02}" for _ in range(dice.randrange(1, 15))}
            source |= {id: _change(dice, id, day) for id in sorted(changed)}
            repeated = dice.sample(sorted(source), min(3, len(source)))
            rows = [source[id] for id in sorted(changed | set(repeated))]
            dice.shuffle(rows)
            _load_in_two(trial, rows, dice.randrange(len(rows) + 1))
            _compare(trial, source, keep, f"round {day}, seed {seed}")


def _load_in_two(trial: Trial, rows: list[Staged], cut: int) -> None:
    run = trial.run()
    first = trial.stage(run, "Contact", rows[:cut], 0, last=False)
    second = trial.stage(run, "Contact", rows[cut:], 1)
    counts = trial.warehouse.load(run, first) + trial.warehouse.load(run, second)
    same(counts.rows, len(rows), f"rows of {run.run_id}")


def _change(dice: random.Random, id: str, day: int) -> Staged:
    row = contact(id, dice.choice(["a", "b", "c", None]), day, dice.choice(["x@example.com", "y@example.com"]))
    outcome = dice.choice(["live"] * 6 + ["deleted", "filtered", "rejected"])
    return rejected(row) if outcome == "rejected" else replace(row, outcome=outcome)


def _compare(trial: Trial, source: dict[str, Staged], keep: str, where: str) -> None:
    live = sorted((r for r in source.values() if r.outcome == "live"), key=lambda r: (r.modified, r.id))
    live = live[:: -1 if keep == "first" else 1]
    winners = {row.key: row.id for row in live if row.key}
    losers = sorted((r.id, winners[r.key]) for r in live if r.key and winners[r.key] != r.id)
    lost = {id for id, _ in losers}
    expected = sorted((r.id, r.values["email"]) for r in live if r.id not in lost)
    found = trial.select("source_id, email, is_deleted")
    same([row[:2] for row in found if not row[2]], expected, f"live rows, {where}")
    same(trial.duplicates(), losers, f"duplicates, {where}")
    same([id for id, _ in trial.rejects()], sorted(r.id for r in source.values() if r.outcome == "rejected"), where)


CHECKS: tuple[Callable[[Bench], None], ...] = (
    a_repeated_load_writes_nothing,
    newer_rows_update_and_late_rows_do_not,
    deleted_rows_are_flagged_and_come_back,
    removed_rows_do_not_return_with_late_data,
    flag_keeps_what_was_deleted_when_first_seen,
    a_rejected_record_is_in_one_place,
    the_latest_of_equal_keys_wins,
    the_first_of_equal_keys_wins_where_asked,
    values_keep_every_digit_and_byte,
    extensions_stay_objects_of_text,
    one_object_may_have_a_table_of_its_own,
    a_second_row_of_an_id_is_refused,
    a_failure_leaves_nothing,
    rows_that_are_unaccounted_for_are_rolled_back,
    a_batch_is_loaded_once,
    only_the_holder_of_the_lease_writes,
    a_changed_target_is_noticed,
    a_restored_table_is_noticed,
    a_new_column_widens_the_tables,
    ids_that_are_gone_leave_and_their_losers_return,
    an_empty_batch_moves_the_watermark,
    nothing_is_left_but_the_tables,
    random_rounds_equal_the_source,
)

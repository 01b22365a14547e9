"""What every warehouse must do where each change or each version is kept, as more checks of `conformance`'s kind."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Counts, Totals
from durable_runtime.warehouse.conformance import DAY, START, Bench, Trial, account, contact, rejected, same
from durable_runtime.warehouse.forecast import write_ids
from durable_runtime.warehouse.sample import Staged

TIMES = "valid_from, valid_to, is_current, deleted_reason"
Interval = tuple[datetime, datetime | None, bool, str | None]


def day(number: float) -> datetime:
    """Some days after the start."""
    return START + number * DAY


def read(trial: Trial, row: Staged, read_to: float, *, rebuilds: bool = False) -> Counts:
    """Load a row that was read at some time; `rebuilds` tells that another spec made it differ."""
    run = trial.run()
    batch = trial.stage(run, "Account", [row])
    return trial.warehouse.load(run, replace(batch, read_to=day(read_to), rebuilds=rebuilds))


def intervals(trial: Trial) -> list[tuple[Any, ...]]:
    """The versions by the time from which each is valid."""
    return trial.select(f"name, {TIMES}", order="source_id, valid_from")


def append_adds_a_row_a_change(bench: Bench) -> None:
    """Each stamp is a row of its own, late ones too; a row that is there is never changed."""
    with Trial(bench, mode="append") as trial:
        same(trial.load("Account", account(days=1)), Counts(inserted=1), "first load")
        same(trial.load("Account", account(days=1)), Counts(unchanged=1), "again")
        same(trial.load("Account", account(name="Formula", days=1)), Counts(unchanged=1), "another value, same stamp")
        same(trial.load("Account", account(name="New", days=3)), Counts(updated=1), "newer")
        same(trial.load("Account", account(name="Late", days=2)), Counts(updated=1), "late")
        rows = trial.select("name, is_deleted, run_id", order="source_modified_at")
        expected = [("Acme", False, "run-1"), ("Late", False, "run-5"), ("New", False, "run-4")]
        same(rows, expected, "rows")
        same(trial.warehouse.totals("Account"), Totals(1, 0, 0), "totals count records")


def append_says_that_a_record_left(bench: Bench) -> None:
    """One more row says so; it is taken back where filter or rule keep the record again with the stamp that it had."""
    with Trial(bench, mode="append") as trial:
        trial.load("Account", account(), account("001B", outcome="deleted"))
        same(trial.load("Account", account(days=1, outcome="deleted")), Counts(deleted=1), "delete")
        same(trial.load("Account", account(days=1, outcome="deleted")), Counts(unchanged=1), "delete again")
        same(trial.warehouse.totals("Account"), Totals(0, 0, 0), "nobody is live")
        same(trial.load("Account", account(name="Back", days=2)), Counts(updated=1), "undelete")
        same(trial.load("Account", account(name="Back", days=2, outcome="filtered")), Counts(deleted=1), "filtered")
        rows = trial.select("source_modified_at, is_deleted, deleted_reason", order="source_modified_at, is_deleted")
        expected = [
            (day(0), False, None), (day(1), True, "deleted"), (day(2), False, None), (day(2), True, "left_filter"),
        ]  # fmt: skip
        same(rows, expected, "rows")
        same(trial.load("Account", account(name="Back", days=2)), Counts(updated=1), "kept again")
        same(len(trial.select("source_id")), 3, "rows after the record is kept again")
        same(trial.warehouse.totals("Account"), Totals(1, 0, 0), "totals")


def removed_records_take_their_rows_away(bench: Bench) -> None:
    """Under `remove` no row of a record stays in any mode, and what comes late does not bring it back."""
    for mode in ("append", "history"):
        with Trial(bench, "remove", mode=mode, per_object=mode == "history") as trial:
            table = f"analytics.{trial.target.place('Account').table}"
            trial.load("Account", account(), account("001B"))
            trial.load("Account", account(name="New", days=1))
            same(trial.load("Account", account(days=3, outcome="deleted")), Counts(deleted=1), f"{mode}, delete")
            same(trial.load("Account", account(days=2)), Counts(unchanged=1), f"{mode}, late")
            same(trial.select("source_id", table=table), [("001B",)], f"{mode}, rows")
            same(trial.load("Account", account(days=4)), Counts(inserted=1), f"{mode}, undelete")
            _forget(trial)


def _forget(trial: Trial) -> None:
    """Drop the tables, since the next mode's have other columns, and what is known of them."""
    for place in trial.target.places():
        for suffix in ("", "__duplicates", "__rejects"):
            trial.warehouse.query(f"DROP TABLE analytics.{place.table}{suffix}")
    for control in ("state", "ledger", "tombstone"):
        trial.warehouse.query(f"DELETE FROM analytics.durable_{control}")


def history_keeps_every_version(bench: Bench) -> None:
    """A version is valid until the next one; a value that moved without a stamp is one from when it was read."""
    with Trial(bench, mode="history") as trial:
        same(read(trial, account(), 1), Counts(inserted=1), "first load")
        same(read(trial, account(), 2), Counts(unchanged=1), "again")
        same(read(trial, account(name="New", days=3), 4), Counts(updated=1), "newer")
        same(read(trial, account(name="Formula", days=3), 6), Counts(updated=1), "another value, same stamp")
        same(read(trial, account(name="Late", days=2), 7), Counts(updated=1), "late")
        same(read(trial, account(name="Late", days=2), 7), Counts(unchanged=1), "late once more")
        expected = [
            ("Acme", day(0), day(2), False, None), ("Late", day(2), day(3), False, None),
            ("New", day(3), day(6), False, None), ("Formula", day(6), None, True, None),
        ]  # fmt: skip
        same(intervals(trial), expected, "versions")
        same(trial.warehouse.totals("Account"), Totals(1, 0, 0), "totals")


def another_spec_is_no_version(bench: Bench) -> None:
    """What a full read after another spec tells otherwise is the same version, and older ones stay as they are."""
    with Trial(bench, mode="history") as trial:
        read(trial, account(), 1)
        read(trial, account(name="New", days=3), 4)
        same(read(trial, account(name="NEW", days=3), 6, rebuilds=True), Counts(updated=1), "after another spec")
        expected = [("Acme", day(0), day(3), False, None), ("NEW", day(3), None, True, None)]
        same(intervals(trial), expected, "versions")


def history_ends_where_a_record_leaves(bench: Bench) -> None:
    """Deleting, leaving the filter and a broken rule end a version; coming back begins one."""
    with Trial(bench, mode="history") as trial:
        read(trial, account(), 1)
        same(read(trial, account(days=2, outcome="deleted"), 3), Counts(deleted=1), "delete")
        same(read(trial, account(days=2, outcome="deleted"), 3), Counts(unchanged=1), "delete again")
        same(read(trial, account(name="Back", days=4), 5), Counts(updated=1), "undelete")
        same(read(trial, account(name="Back", days=4, outcome="filtered"), 6), Counts(deleted=1), "no stamp moved")
        same(read(trial, rejected(account(name="Back", days=4)), 7), Counts(rejected=1), "rejected while not live")
        same(trial.rejects(), [("001A", "email_required")], "rejects")
        same(read(trial, account(name="Back", days=4), 8), Counts(updated=1), "accepted")
        same(trial.rejects(), [], "rejects after the record is accepted")
        expected = [
            ("Acme", day(0), day(2), False, "deleted"), ("Back", day(4), day(6), False, "left_filter"),
            ("Back", day(8), None, True, None),
        ]  # fmt: skip
        same(intervals(trial), expected, "versions")


def late_versions_do_not_undo_a_deletion(bench: Bench) -> None:
    """A version that is older than the deletion goes between, and ends with it; one that is held already is no news."""
    with Trial(bench, mode="history") as trial:
        read(trial, account(), 1)
        read(trial, account(days=5, outcome="deleted"), 6)
        same(read(trial, account(), 7), Counts(unchanged=1), "the version that was deleted")
        same(read(trial, account(name="Late", days=3), 7), Counts(updated=1), "a late version")
        expected = [("Acme", day(0), day(3), False, None), ("Late", day(3), day(5), False, "deleted")]
        same(intervals(trial), expected, "versions")
        same(trial.warehouse.totals("Account"), Totals(0, 0, 0), "totals")


def versions_of_ids_that_are_gone_end(bench: Bench) -> None:
    """Ids that are known to be gone leave now; seen again as they were, they are live from when they were read."""
    gone = write_ids(bench.folder / "gone.csv", ("001A", "001X"))
    with Trial(bench, mode="history") as trial:
        read(trial, account(), 1)
        trial.now += 3 * DAY
        trial.lease = trial.warehouse.acquire("customers", "first", 60)
        same(trial.warehouse.mark_deleted(trial.run(), "Account", gone), 1, "rows that left")
        same(trial.state("Account").rows_live, 0, "live rows of the state")
        same(read(trial, account(), 5), Counts(updated=1), "seen again")
        expected = [("Acme", day(0), day(3), False, "deleted"), ("Acme", day(5), None, True, None)]
        same(intervals(trial), expected, "versions")


def every_mode_has_a_table_for_each_object(bench: Bench) -> None:
    """Rows, rejects and totals of an object are in its own tables, without `source_object` in the target."""
    for mode in ("upsert", "append", "history"):
        with Trial(bench, mode=mode, per_object=True) as trial:
            trial.load("Account", account("001A"), account("001B"))
            trial.load("Contact", contact("003A", "k"), contact("003B", None), rejected(contact("003C", None)))
            tables = {name: f"analytics.{trial.target.place(name).table}" for name in sample.OBJECTS}
            same(trial.select("source_id", table=tables["Account"]), [("001A",), ("001B",)], f"{mode}, Accounts")
            same(trial.select("source_id", table=tables["Contact"]), [("003A",), ("003B",)], f"{mode}, Contacts")
            same(trial.select("source_id", "__rejects", table=tables["Account"]), [], f"{mode}, rejected Accounts")
            same(trial.warehouse.totals("Account"), Totals(2, 0, 0), f"{mode}, totals of Account")
            same(trial.warehouse.totals("Contact"), Totals(2, 1, 0), f"{mode}, totals of Contact")
            _forget(trial)


def any_rounds_leave_whole_histories(bench: Bench, seed: int = 0, rounds: int = 5, deletes: str = "skip") -> None:
    """Whatever comes in whatever order: no two versions at once, no gap but where a record had left, one live."""
    dice = random.Random(seed)
    newest: dict[str, Staged] = {}
    with Trial(bench, deletes, mode="history") as trial:
        for number in range(1, rounds + 1):
            rows = [_change(dice, f"001{at}", number) for at in dice.sample(range(6), dice.randrange(1, 6))]
            late = [row for row in rows if row.id in newest and row.modified < newest[row.id].modified]
            newest |= {row.id: row for row in rows if row not in late}
            run = trial.run()
            batch = trial.stage(run, "Account", rows)
            same(trial.warehouse.load(run, replace(batch, read_to=day(number + 0.5))).rows, len(rows), "rows")
            found: dict[str, list[Interval]] = {}
            for id, *times in trial.select(f"source_id, {TIMES}", order="source_id, valid_from"):
                found.setdefault(str(id), []).append((times[0], times[1], times[2], times[3]))
            for id, versions in found.items():
                _whole(id, versions, f"round {number}, seed {seed}")
            alive = sorted(id for id, versions in found.items() if versions[-1][2])
            same(alive, sorted(id for id, row in newest.items() if row.outcome == "live"), f"live, seed {seed}")


def _whole(id: str, versions: list[Interval], where: str) -> None:
    for at, (start, end, current, reason) in enumerate(versions):
        following = versions[at + 1][0] if at + 1 < len(versions) else None
        same(current, end is None, f"{id} is current without an end, {where}")
        if end is None or end < start:
            same((following, current), (None, True), f"{id} has no end, {where}")
        elif reason is None:
            same(end, following, f"{id} ends where the next version begins, {where}")
        elif following is not None:
            same(end <= following, True, f"{id} left before the next version began, {where}")


def _change(dice: random.Random, id: str, number: int) -> Staged:
    row = account(id, dice.choice(["Acme", "Bolt"]), max(number - dice.choice([0, 0, 0, 2]), 0))
    return replace(row, outcome=dice.choice(["live"] * 5 + ["deleted", "filtered"]))


CHECKS: tuple[Callable[[Bench], None], ...] = (
    append_adds_a_row_a_change,
    append_says_that_a_record_left,
    removed_records_take_their_rows_away,
    history_keeps_every_version,
    another_spec_is_no_version,
    history_ends_where_a_record_leaves,
    late_versions_do_not_undo_a_deletion,
    versions_of_ids_that_are_gone_end,
    every_mode_has_a_table_for_each_object,
    any_rounds_leave_whole_histories,
)

"""What every warehouse must know before it writes, as more checks of `conformance`'s kind."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Arrivals, Changes, Difference, Forecast, Totals
from durable_runtime.warehouse.conformance import DAY, START, Bench, Trial, account, contact, rejected, same
from durable_runtime.warehouse.forecast import write_arriving, write_ids
from durable_runtime.warehouse.sample import Staged

END = (START + 9 * DAY).replace(microsecond=123_000, tzinfo=UTC)


def forecast(trial: Trial, name: str, *rows: Staged) -> Forecast:
    """What the trial's warehouse expects of rows that are not loaded."""
    run, folder = trial.run(), trial.bench.folder
    path = write_arriving([trial.stage(run, name, rows).path], folder / f"{run.run_id}-arriving.parquet")
    return trial.warehouse.forecast(trial.lease, name, path, folder)


def listing(folder: Path, *rows: tuple[str, datetime]) -> list[Path]:
    """Two CSV pages of Ids with stamps as Salesforce writes them."""
    pages = [folder / "page-0.csv", folder / "page-1.csv"]
    for at, page in enumerate(pages):
        lines = [f'"{id}","{stamp:%Y-%m-%dT%H:%M:%S}.{stamp.microsecond // 1000:03d}Z"\n' for id, stamp in rows[at::2]]
        page.write_text("".join(['"Id","SystemModstamp"\n', *lines]), encoding="utf-8")
    return pages


def what_will_be_held_is_known_before(bench: Bench) -> None:
    """Live, duplicate and rejected records count; those that leave do not, nor does a row that comes too late."""
    with Trial(bench) as trial:
        trial.load("Contact", contact("003A", "k"), contact("003B", "k", 1), rejected(contact("003C", None)))
        trial.load("Contact", contact("003D", None, 5), contact("003E", None, 2, outcome="deleted"))
        trial.load("Account", account("001A"))
        same(forecast(trial, "Contact").held(), 4, "held as it is")
        rows = [
            contact("003A", "k", 3, outcome="deleted"),
            contact("003B", "other", 4),
            contact("003C", None, 4, outcome="filtered"),
            contact("003D", None, 4, outcome="deleted"),
            contact("003E", None, 4),
            contact("003F", None, 4),
            rejected(contact("003G", None, 4)),
            contact("003H", None, 4, outcome="deleted"),
        ]
        found = forecast(trial, "Contact", *rows)
        same(found.held(), 5, "held after the load")
        ids = write_ids(bench.folder / "asked.csv", [row.id for row in rows] + ["003X", "003B"])
        same(found.among([ids]), ("003B", "003D", "003E", "003F", "003G"), "Ids that will be held")
        same(found.among([write_ids(bench.folder / "none.csv", ())]), (), "no Ids")
        same(found.changes(("003D", "003B", "003C")), Changes(updated=0, leaving=2), "changes")
        same(found.changes(()), Changes(updated=1, leaving=0), "changes without what is gone")
        trial.load("Contact", *rows)
        same(trial.warehouse.totals("Contact"), Totals(4, 1, 0), "totals")


def what_arrives_is_told_from_what_is_as_it_was(bench: Bench) -> None:
    """What is read again, late, or was rejected with its stamp before is no arrival; dead letters have a table."""
    with Trial(bench) as trial:
        known = [
            contact("003A", "k"),
            contact("003B", "k", 1),
            rejected(contact("003C", None)),
            contact("003D", None, 5),
            contact("003E", None),
        ]
        same(forecast(trial, "Contact", *known).arrivals(), Arrivals(5, 1), "before the first load")
        trial.load("Contact", *known)
        trial.load("Contact", contact("003E", None, 1, outcome="deleted"))
        same(forecast(trial, "Contact", *known).arrivals(), Arrivals(0, 0), "read again")
        rows = [
            contact("003A", "k", 2),
            rejected(contact("003B", "k", 1)),
            rejected(contact("003C", None, 3)),
            rejected(contact("003D", None, 4)),
            contact("003E", None, 1, outcome="deleted"),
            rejected(contact("003F", None)),
            contact("003G", None, outcome="filtered"),
        ]
        same(forecast(trial, "Contact", *rows).arrivals(), Arrivals(5, 3), "after the load")
        table = trial.warehouse.rejects_table("Contact")
        same(trial.warehouse.query(f"SELECT source_id FROM {table}").rows, (("003C",),), "dead letters")


def removed_rows_are_not_expected_back(bench: Bench) -> None:
    """Under `remove` a late row of a removed record will not be loaded."""
    with Trial(bench, deletes="remove") as trial:
        trial.load("Account", account("001A"), account("001B"))
        trial.load("Account", account("001A", days=5, outcome="deleted"))
        same(forecast(trial, "Account", account("001A", days=4)).held(), 1, "held after a late row")
        same(forecast(trial, "Account", account("001A", days=6)).held(), 2, "held after an undelete")


def a_listing_is_compared_with_what_will_be_held(bench: Bench) -> None:
    """Missing, unknown and stale Ids are named; what changed beyond the end of the read is left to the next one."""
    with Trial(bench) as trial:
        trial.load("Contact", contact("003A", "k"), contact("003B", "k", 1), rejected(contact("003C", None)))
        trial.load("Contact", contact("003D", None), contact("003E", None), contact("003I", None, outcome="deleted"))
        found = forecast(trial, "Contact", contact("003F", None, 2), contact("003E", None, 2, outcome="deleted"))
        listed = listing(
            bench.folder,
            ("003A", START + 3 * DAY),
            ("003B", START + 20 * DAY),
            ("003D", START - DAY),
            ("003E", START + 2 * DAY),
            ("003G", START + 8 * DAY),
            ("003H", START + 9 * DAY),
            ("003I", START + DAY),
            ("003J", START + 3000 * DAY),
        )
        for _ in range(2):
            expected = Difference(("003C", "003F"), ("003E", "003G", "003I"), ("003A",))
            same(found.compare(listed, stamped=True, until=END), expected, "difference")
        ids = [write_ids(bench.folder / "ids.csv", ("003A", "003B", "003C", "003D", "003K"))]
        expected = Difference(("003F",), ("003K",), ())
        same(found.compare(ids, stamped=False, until=END), expected, "difference of Ids alone")
        empty = [write_ids(bench.folder / "nothing.csv", ())]
        missing = ("003A", "003B", "003C", "003D", "003F")
        same(found.compare(empty, stamped=False, until=END), Difference(missing, (), ()), "nothing listed")


def a_table_of_its_own_is_forecast_by_id(bench: Bench) -> None:
    """Without `source_object` a row is found by its Id alone."""
    with Trial(bench, columns=sample.CONTACT_COLUMNS) as trial:
        trial.load("Contact", contact("003A", None), contact("003B", None))
        found = forecast(trial, "Contact", contact("003A", None, 1, outcome="deleted"), contact("003C", None))
        same((found.held(), found.changes(("003B",))), (2, Changes(updated=0, leaving=2)), "forecast")
        gone = write_ids(bench.folder / "gone.csv", ("003B",))
        same(trial.warehouse.mark_deleted(trial.run(), "Contact", gone), 1, "rows that left")
        same(trial.live(), ["003A"], "live rows")


def forecasts_come_true(bench: Bench, seed: int = 0, rounds: int = 3, deletes: str = "skip") -> None:
    """After any rounds of changes, late ones too, the target holds what was expected."""
    dice = random.Random(seed)
    with Trial(bench, deletes) as trial:
        for day in range(rounds):
            rows = [_change(dice, f"003{number:02}", day) for number in dice.sample(range(25), dice.randrange(1, 15))]
            found = forecast(trial, "Contact", *rows)
            expected, among = found.held(), found.among([_all_ids(bench.folder)])
            changes = found.changes(())
            before = set(trial.live())
            trial.load("Contact", *rows)
            held = [id for suffix in ("__duplicates", "__rejects") for (id,) in trial.select("source_id", suffix)]
            same(sorted({*held, *trial.live()}), list(among), f"Ids of round {day}, seed {seed}")
            same(len(among), expected, f"number of round {day}, seed {seed}")
            left = {row.id for row in rows if row.outcome != "live"} & before - set(trial.live())
            same(changes.leaving, len(left), f"leaving rows of round {day}, seed {seed}")


def _all_ids(folder: Path) -> Path:
    return write_ids(folder / "all.csv", [f"003{number:02}" for number in range(25)])


def _change(dice: random.Random, id: str, day: int) -> Staged:
    row = contact(id, dice.choice(["a", "b", None]), max(day - dice.choice([0, 0, 0, 2]), 0))
    outcome = dice.choice(["live"] * 6 + ["deleted", "filtered", "rejected"])
    return rejected(row) if outcome == "rejected" else sample.Staged(row.id, row.modified, row.values, row.key, outcome)


CHECKS: Sequence[Callable[[Bench], None]] = (
    what_will_be_held_is_known_before,
    what_arrives_is_told_from_what_is_as_it_was,
    removed_rows_are_not_expected_back,
    a_listing_is_compared_with_what_will_be_held,
    a_table_of_its_own_is_forecast_by_id,
    forecasts_come_true,
)

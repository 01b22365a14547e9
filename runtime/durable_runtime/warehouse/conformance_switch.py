"""What every warehouse must do where a target is replaced, or a run goes on where one was killed: more such checks."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from durable_runtime.errors import LeaseLost, PipelineError
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Counts, Run, Write
from durable_runtime.warehouse.conformance import (
    DAY,
    ORGANIZATION,
    PIPELINE,
    START,
    Bench,
    Trial,
    account,
    contact,
    refused,
    rejected,
    same,
)
from durable_runtime.warehouse.forecast import write_ids
from durable_runtime.warehouse.sample import Staged

Held = tuple[list[str], list[tuple[object, ...]], list[tuple[object, ...]]]


def replaced(trial: Trial, accounts: Sequence[Staged], contacts: Sequence[Staged]) -> dict[str, Counts]:
    """A run that reads everything, as runs of mode replace do, and switches."""
    run = build(trial, accounts, contacts)
    return dict(trial.warehouse.switch(run))


def build(trial: Trial, accounts: Sequence[Staged], contacts: Sequence[Staged]) -> Run:
    """The same without the switch."""
    trial.lease = trial.warehouse.acquire(PIPELINE, "here/run", 60)
    run = trial.run()
    for name, rows in (("Account", accounts), ("Contact", contacts)):
        trial.warehouse.load(run, trial.stage(run, name, rows))
    return run


def held(trial: Trial) -> Held:
    """Live rows, duplicates and rejects."""
    return trial.live(), trial.duplicates(), trial.rejects()


def begun(bench: Bench, deletes: str = "skip") -> Trial:
    """A trial in mode replace, whose lease a run of the same place may take over."""
    return Trial(bench, deletes, mode="replace")


FIRST = [contact("003A", "k"), contact("003B", "k", 1), rejected(contact("003C", None)), contact("003D", None)]
HOLDS: Held = (["001A", "003B", "003D"], [("003A", "003B")], [("003C", "email_required")])


def a_target_is_replaced_at_once(bench: Bench) -> None:
    """Nothing shows before the switch; then rows, duplicates, rejects and state are those that were built."""
    with begun(bench) as trial:
        trial.warehouse.release(trial.lease)
        run = build(trial, [account()], FIRST)
        same((held(trial), trial.warehouse.state(PIPELINE)), (([], [], []), {}), "before the switch")
        counts = trial.warehouse.switch(run)
        same(counts["Contact"], Counts(inserted=2, duplicates=1, rejected=1), "counts of the first switch")
        same(held(trial), HOLDS, "after the switch")
        same(trial.state("Contact").watermark, START + DAY, "watermark")
        found = replaced(trial, [account(name="New", days=2)], [FIRST[3], contact("003E", "k"), *FIRST[1:2]])
        same(found["Account"], Counts(updated=1), "counts of a changed Account")
        same(found["Contact"], Counts(unchanged=2, duplicates=1), "counts of Contacts")
        expected: Held = (["001A", "003B", "003D"], [("003E", "003B")], [])
        same(held(trial), expected, "after the second switch")
        state = trial.state("Contact")
        same((state.rows_live, state.rows_now, state.recorded), (2, 2, True), "state")


def a_switch_that_fails_changes_nothing(bench: Bench) -> None:
    """Where the state cannot be written, target and companions are as they were."""
    with begun(bench) as trial:
        trial.warehouse.release(trial.lease)
        replaced(trial, [account()], FIRST)
        run = build(trial, [account(name="New", days=2)], [contact("003X", "k", 5), rejected(contact("003D", None))])
        trial.warehouse.query("DROP TABLE analytics.durable_state")
        with refused(PipelineError):
            trial.warehouse.switch(run)
        same(held(trial), HOLDS, "rows")


def a_switch_needs_the_lease(bench: Bench) -> None:
    """Who lost the lease while building switches nothing."""
    with begun(bench) as trial:
        trial.warehouse.release(trial.lease)
        replaced(trial, [account()], FIRST)
        run = build(trial, [account(name="New", days=2)], [])
        trial.now += timedelta(seconds=61)
        second = trial.warehouse.acquire(PIPELINE, "second", 60)
        with refused(LeaseLost):
            trial.warehouse.switch(run)
        same(held(trial), HOLDS, "rows")
        trial.warehouse.release(second)


def a_killed_build_is_begun_anew(bench: Bench) -> None:
    """What an earlier run built and did not switch is in no later one."""
    with begun(bench) as trial:
        trial.warehouse.release(trial.lease)
        build(trial, [account("001X")], [contact("003X", "k", 9)])
        replaced(trial, [account()], FIRST)
        same(held(trial), HOLDS, "rows")


def objects_that_are_not_built_keep_their_rows(bench: Bench) -> None:
    """A run of one object replaces its rows, and nobody else's in the same tables."""
    with begun(bench) as trial:
        trial.warehouse.release(trial.lease)
        replaced(trial, [account(), account("001B")], FIRST)
        trial.warehouse.prepare(trial.loads[:1], trial.write)
        trial.lease = trial.warehouse.acquire(PIPELINE, "here/run", 60)
        run = trial.run()
        trial.warehouse.load(run, trial.stage(run, "Account", [account("001C")]))
        same(trial.warehouse.switch(run), {"Account": Counts(inserted=1)}, "counts")
        same(held(trial), (["001C", *HOLDS[0][1:]], *HOLDS[1:]), "rows")


def nothing_is_left_of_a_switch(bench: Bench) -> None:
    """After it there are the tables of any other mode, in which there is nothing to switch."""
    with begun(bench) as trial:
        trial.warehouse.release(trial.lease)
        replaced(trial, [account()], FIRST)
    with Trial(bench) as trial:
        same(dict(trial.warehouse.switch(trial.run())), {}, "a switch in mode upsert")
        listed = "SELECT table_name FROM information_schema.tables WHERE LOWER(table_schema) = 'analytics'"
        names = {name.lower() for (name,) in trial.warehouse.query(listed).rows}
        same({one for one in names if "next" in one}, set(), "tables")


def a_killed_run_is_gone_on_with(bench: Bench) -> None:
    """A batch that the run before committed is answered from the ledger, until a run ends or records leave."""
    rows = [account("001A"), account("001B")]
    with Trial(bench) as trial:
        runs = [trial.run() for _ in range(4)]
        first = [replace(trial.stage(run, "Account", rows, last=False), content="same rows") for run in runs]
        last = [trial.stage(run, "Account", [account("001C", days=1)], 1) for run in runs]
        same(trial.warehouse.load(runs[0], first[0]), Counts(inserted=2), "the killed run's batch")
        other = replace(first[1], content="other rows")
        same(trial.warehouse.load(runs[1], first[1]), Counts(inserted=2), "the next run's batch")
        same(trial.select("run_id"), [("run-1",), ("run-1",)], "who wrote the rows")
        same(trial.warehouse.load(runs[1], last[1]), Counts(inserted=1), "the last batch")
        same(trial.warehouse.load(runs[2], first[2]), Counts(unchanged=2), "after a run that ended")
        gone = write_ids(bench.folder / "gone.csv", ("001A",))
        same(trial.warehouse.mark_deleted(runs[2], "Account", gone), 1, "rows that left")
        same(trial.warehouse.load(runs[3], first[3]), Counts(updated=1, unchanged=1), "after records left")
        same(trial.warehouse.load(runs[3], replace(other, number=2)), Counts(unchanged=2), "other content")


def a_killed_run_of_another_content_is_not(bench: Bench) -> None:
    """The same Ids with other values are another batch."""
    with Trial(bench) as trial:
        for number, content in enumerate(("first", "second")):
            run = trial.run()
            batch = trial.stage(run, "Account", [account(name=content, days=number)], last=False)
            expected = Counts(inserted=1) if number == 0 else Counts(updated=1)
            same(trial.warehouse.load(run, replace(batch, content=content)), expected, content)
        same(trial.select("name"), [("second",)], "rows")


def unmapped_fields_may_have_another_column(bench: Bench) -> None:
    """The column for what the spec does not map has the name that the spec gives it."""
    renamed = tuple(replace(one, name="more") if one.name == "extensions" else one for one in sample.COLUMNS)
    fields = json.dumps({"Colour__c": "red"})
    with Trial(bench, "flag", columns=renamed, extensions="more") as trial:
        trial.load("Account", account(extensions=fields), account("001B", outcome="deleted", extensions=fields))
        found = [(id, json.loads(kept)) for id, kept in trial.select("source_id, more")]
        same(found, [("001A", {"Colour__c": "red"}), ("001B", {"Colour__c": "red"})], "rows")
        same(trial.load("Account", account(days=1)), Counts(updated=1), "without any")
        same(trial.select("more")[0], (None,), "the row without any")


def a_lease_of_a_killed_run_is_taken_over(bench: Bench) -> None:
    """Whoever holds the lock of a place has its lease at once; what the killed run does later is refused."""
    with Trial(bench) as trial:
        trial.warehouse.release(trial.lease)
        trial.lease = trial.warehouse.acquire(PIPELINE, "here/first", 60)
        late = trial.run()
        batch = trial.stage(late, "Account", [account()])
        second = trial.warehouse.acquire(PIPELINE, "here/second", 60)
        with refused(LeaseLost):
            trial.warehouse.load(late, batch)
        run = Run("run-9", "1.0.0", ORGANIZATION, second)
        same(trial.warehouse.load(run, trial.stage(run, "Account", [account()])), Counts(inserted=1), "load")
        trial.warehouse.release(second)


def a_mode_may_follow_upsert(bench: Bench) -> None:
    """Rows that upsert left are the first of what append keeps."""
    with Trial(bench) as trial:
        trial.load("Account", account(), account("001B"))
        trial.warehouse.prepare(sample.loads(bench.dialect, mode="append"), Write("append"))
        same(trial.load("Account", account(name="New", days=1)), Counts(updated=1), "a change")
        same(trial.select("source_id, name", order="source_id, source_modified_at"),
             [("001A", "Acme"), ("001A", "New"), ("001B", "Acme")], "rows")  # fmt: skip


CHECKS: tuple[Callable[[Bench], None], ...] = (
    a_target_is_replaced_at_once,
    a_switch_that_fails_changes_nothing,
    a_switch_needs_the_lease,
    a_killed_build_is_begun_anew,
    objects_that_are_not_built_keep_their_rows,
    nothing_is_left_of_a_switch,
    a_killed_run_is_gone_on_with,
    a_killed_run_of_another_content_is_not,
    unmapped_fields_may_have_another_column,
    a_lease_of_a_killed_run_is_taken_over,
    a_mode_may_follow_upsert,
)

"""A run that stops leaves a task: numbers, commands, who let it pass; and guards count what the requirements mean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from durable_runtime import errors, tasks
from functional.desk import Desk, desk
from functional.project import Done
from functional.test_compile_rules import install

HELD = {"Account": 45, "Contact": 160}
REQUIRED = {"object": "Contact", "field": "Email"}
WAITS = [
    one for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, errors.Recoverable) and one.exit_code == tasks.WAITING_EXIT
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("tasks") / "project", rows=160) as found:
        yield found


@pytest.fixture
def world(place: Desk) -> Desk:
    """No table, no task, and as many records as at the beginning."""
    place.anew()
    for name, wanted in HELD.items():
        there = [one for one in place.server.truth(name) if not one["IsDeleted"]]
        nobody = [one["Id"] for one in there if name == "Contact" and not one["Email"]]
        place.server.put(f"records/{name}", [{"Id": one, "Email": f"{one}@example.com"} for one in nobody])
        place.server.post("change", {"object": name, "insert": max(wanted - len(there), 0), "seed": len(there)})
    return place


def loaded(world: Desk, *objects: str, **said: Any) -> Desk:
    install(world.project, objects or ("Contact",), **said)
    world.succeed("run")
    return world


def delete(world: Desk, name: str, count: int) -> None:
    """Let records of an object go."""
    world.server.post("change", {"object": name, "delete": count, "seed": 5})


def stopped(world: Desk, *arguments: str, code: str = "RUN401") -> Done:
    done = world.call("run", *arguments, "--json")
    assert (done.code, done.summary["error"]["code"]) == (4, code), done.err
    return done


def waiting(world: Desk) -> list[dict[str, Any]]:
    return [one for one in world.succeed_whole("tasks")["tasks"] if one["status"] != "closed"]


def state_of(world: Desk, id: str) -> dict[str, Any]:
    return next(one for one in world.succeed_whole("tasks")["tasks"] if one["id"] == id)


def live(world: Desk) -> list[dict[str, Any]]:
    return world.rows("SELECT source_id, row_hash FROM customer_data WHERE NOT is_deleted ORDER BY ALL")


def test_a_stopped_run_leaves_a_task_whose_command_lets_one_run_pass(world: Desk) -> None:
    loaded(world)
    before = live(world)
    delete(world, "Contact", 40)
    done = stopped(world)
    assert live(world) == before
    (task,) = waiting(world)
    command = f"durable run customer_data --profile local --allow-guard {task['id']}"
    assert task["commands"] == [command]
    assert command in done.summary["error"]["message"]
    assert "--allow-guard max_deleted:Contact" in done.summary["error"]["message"]
    assert task["evidence"] == {"leaving": 40, "live": len(before), "limit": 0.1}
    assert task["what"] == f"40 of {len(before)} live Contact rows would be flagged or removed"
    assert (task["status"], task["run_id"], task["repeats"]) == ("open", done.summary["run_id"], 0)
    summary = world.succeed("run", "--allow-guard", task["id"])
    assert summary["objects"][0]["deleted"] == 40
    closed = state_of(world, task["id"])
    assert (closed["status"], closed["closed_by"], closed["reason"]) == ("closed", summary["run_id"], "let pass")
    assert closed["by"]
    noted = {one["code"]: one for one in world.events(summary["run_id"])}
    assert noted["guard_passed"]["numbers"] == task["evidence"]
    delete(world, "Contact", 40)
    again = world.call("run", "--allow-guard", task["id"], "--json")
    assert (again.code, again.summary["error"]["code"]) == (2, "RUN201")
    assert f"run {summary['run_id']} closed it" in again.summary["error"]["message"]
    stopped(world)


def test_the_same_guard_stopping_again_counts_up_its_task_and_ends_with_its_cause(world: Desk) -> None:
    loaded(world)
    gone = [row["source_id"] for row in live(world)][:30]
    _flag(world, gone, deleted=True)
    first = stopped(world)
    second = stopped(world)
    (task,) = waiting(world)
    assert (task["repeats"], task["run_id"]) == (1, second.summary["run_id"])
    assert first.summary["run_id"] != second.summary["run_id"]
    _flag(world, gone, deleted=False)
    summary = world.succeed("run")
    closed = state_of(world, task["id"])
    assert (closed["status"], closed["closed_by"], closed["reason"]) == (
        "closed", summary["run_id"], "no longer true",
    )  # fmt: skip
    assert world.call("tasks").out.splitlines()[-1] == "Nothing waits for a person."


def _flag(world: Desk, ids: list[str], *, deleted: bool) -> None:
    """Delete records in Salesforce, or take them out of its bin again."""
    world.server.put("records/Contact", [{"Id": one, "IsDeleted": deleted} for one in ids])


def test_every_limit_that_is_passed_is_told_at_once_and_has_a_task_of_its_own(world: Desk) -> None:
    loaded(world, "Account", "Contact")
    accounts = len(world.rows("FROM customer_data WHERE source_object = 'Account' AND NOT is_deleted"))
    delete(world, "Account", 25)
    delete(world, "Contact", 30)
    done = stopped(world)
    found = {one["subject"]: one["id"] for one in waiting(world)}
    assert set(found) == {"max_deleted:Account", "max_deleted:Contact"}
    assert f"25 of {accounts} live Account rows" in done.summary["error"]["message"]
    stopped(world, "--allow-guard", found["max_deleted:Account"])
    assert {one["status"] for one in waiting(world)} == {"open"}
    world.succeed("run", "--allow-guard", found["max_deleted:Account"], "--allow-guard", found["max_deleted:Contact"])
    assert waiting(world) == []


def test_a_task_stays_usable_until_a_run_that_it_let_pass_has_committed(world: Desk) -> None:
    loaded(world)
    delete(world, "Contact", 30)
    stopped(world)
    (task,) = waiting(world)
    with duckdb.connect(str(world.project.warehouse)) as database:
        database.execute("CREATE VIEW customer_data__before AS SELECT 1 AS x")  # where a batch makes a table
    broken = world.call("run", "--allow-guard", task["id"], "--json")
    assert broken.code == 7, broken.err
    assert (state_of(world, task["id"])["status"], state_of(world, task["id"])["closed_by"]) == ("allowed", None)
    with duckdb.connect(str(world.project.warehouse)) as database:
        database.execute("DROP VIEW customer_data__before")
    summary = world.succeed("run", "--allow-guard", task["id"])
    assert (state_of(world, task["id"])["status"], summary["objects"][0]["deleted"]) == ("closed", 30)


def test_a_run_of_one_object_or_window_says_nothing_about_the_tasks_of_others(world: Desk) -> None:
    loaded(world, "Account", "Contact")
    delete(world, "Contact", 30)
    stopped(world)
    world.succeed("run", "--object", "Account")
    world.succeed("run", "--object", "Account", "--since", "2026-01-01")
    assert [one["subject"] for one in waiting(world)] == ["max_deleted:Contact"]


def test_a_changed_target_leaves_a_task_that_offers_a_full_run(world: Desk) -> None:
    loaded(world)
    rows = len(live(world))
    with duckdb.connect(str(world.project.warehouse)) as database:
        database.execute("DELETE FROM customer_data")
    stopped(world, code="RUN402")
    (task,) = waiting(world)
    assert task["commands"] == ["durable run customer_data --profile local --full"]
    assert (task["evidence"]["rows_now"], task["evidence"]["rows_committed"]) == (0, rows)
    done = world.call("run", "--allow-guard", task["id"], "--json")
    assert (done.code, done.summary["error"]["code"]) == (2, "RUN201")
    world.succeed("run", "--full")
    assert waiting(world) == []


def test_drift_that_stops_a_run_leaves_a_task_until_the_field_is_back(world: Desk) -> None:
    loaded(world, required=[REQUIRED])
    world.server.post("drift", {"op": "hide", "object": "Contact", "field": "Email"})
    done = stopped(world, code="RUN403")
    (task,) = waiting(world)
    assert task["what"] == done.summary["error"]["message"].partition(" Give the")[0]
    assert task["commands"][0] == "durable doctor customer_data --profile local"
    assert f"`durable tasks show {task['id']}`" in done.summary["error"]["message"]
    world.server.post("drift", {"op": "unhide", "object": "Contact", "field": "Email"})
    summary = world.succeed("run")
    assert state_of(world, task["id"])["closed_by"] == summary["run_id"]


def test_a_task_is_shown_whole_by_its_id(world: Desk) -> None:
    loaded(world)
    delete(world, "Contact", 30)
    stopped(world)
    (task,) = waiting(world)
    shown = world.call("tasks", "show", task["id"]).out
    for told in (task["what"], task["commands"][0], "leaving", "the first time", "RUN401"):
        assert told in shown
    assert json.loads(world.call("tasks", "show", task["id"], "--json").out) == task
    assert world.call("tasks", "show", "nobody").code == 2
    done = world.project.durable("tasks", "show", task["id"])
    assert (done.code, done.out) == (0, shown)
    assert json.loads(world.project.durable("tasks", "customer_data", "--json").out)["tasks"][0] == task
    assert world.project.durable("tasks", "nobody").code == 2
    path = world.project.root / ".durable" / "tasks" / f"{task['id']}.json"
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_unknown_task_or_one_of_another_profile_lets_nothing_pass(world: Desk) -> None:
    loaded(world)
    delete(world, "Contact", 30)
    stopped(world)
    (task,) = waiting(world)
    path = world.project.root / ".durable" / "tasks" / f"{task['id']}.json"
    done = world.call("run", "--allow-guard", "ffffff", "--json")
    assert (done.code, f"Waiting are: {task['id']}." in done.err) == (2, True)
    path.write_text(json.dumps({**task, "profile": "prod"}), encoding="utf-8")
    assert world.call("run", "--allow-guard", task["id"], "--json").code == 2
    path.write_text('{"id": "cut', encoding="utf-8")
    assert world.call("tasks").out == "Nothing waits for a person.\n"


def test_an_alert_carries_the_command_of_the_task(world: Desk) -> None:
    outbox = world.project.root / ".durable" / "outbox"
    alert = {"on": "approval_needed", "channel": "slack", "to": "#data-ops"}
    loaded(world, alerts=[alert])
    delete(world, "Contact", 45)
    done = stopped(world)
    (task,) = waiting(world)
    (file,) = outbox.glob(f"{done.summary['run_id']}-*.json")
    assert task["commands"][0] in json.loads(file.read_text(encoding="utf-8"))["text"]


# --- what guards count -------------------------------------------------------------------------------------------


def test_a_ratio_counts_updates_and_leaving_rows_of_those_that_were_live(world: Desk) -> None:
    limit = {"kind": "max_changed_ratio", "object": "Contact", "value": 0.05}
    loaded(world, guards=[limit])
    rows = len(live(world))
    allowed = int(rows * 0.05)
    world.server.post("change", {"object": "Contact", "update": allowed - 2, "delete": 2, "seed": 8})
    counts = world.succeed("run")["objects"][0]
    assert (counts["updated"], counts["deleted"]) == (allowed - 2, 2)
    world.server.post("change", {"object": "Contact", "update": allowed, "delete": 1, "insert": 50, "seed": 9})
    stopped(world)
    (task,) = waiting(world)
    assert task["evidence"] == {"updated": allowed, "leaving": 1, "live": rows - 2, "limit": 0.05}
    assert task["requirement"] == "R7.7"


def test_a_ratio_of_all_objects_counts_those_that_the_run_leaves_alone(world: Desk) -> None:
    loaded(world, "Account", "Contact", guards=[{"kind": "max_changed_ratio", "object": None, "value": 0.1}])
    accounts, contacts = (
        len(world.rows(f"FROM customer_data WHERE source_object = '{name}' AND NOT is_deleted"))
        for name in ("Account", "Contact")
    )
    assert accounts * 0.1 + 2 < (accounts + contacts) * 0.1
    many = int(accounts * 0.1) + 2
    world.server.post("change", {"object": "Account", "update": many, "seed": 3})
    assert world.succeed("run", "--object", "Account")["objects"][0]["updated"] == many


def test_a_rebuild_after_a_change_of_the_requirements_is_no_change(world: Desk) -> None:
    limit = {"kind": "max_changed_ratio", "object": None, "value": 0.01}
    loaded(world, guards=[limit])
    install(
        world.project, ("Contact",), guards=[limit], masks=[{"object": "Contact", "field": "Phone", "method": "last4"}]
    )
    assert world.succeed("run")["objects"][0]["updated"] > 50


def test_a_replaced_table_that_would_lose_most_of_its_rows_waits_for_a_person(world: Desk) -> None:
    loaded(world, write={"mode": "replace"}, incremental={"enabled": False})
    rows = live(world)
    gone = len(rows) // 2
    delete(world, "Contact", gone)
    done = stopped(world)
    assert (
        f"{gone:,} of {len(rows):,} live Contact rows would be flagged or removed" in done.summary["error"]["message"]
    )
    assert live(world) == rows
    (task,) = waiting(world)
    world.succeed("run", "--allow-guard", task["id"])
    assert len(live(world)) == len(rows) - gone


def test_what_was_rejected_before_does_not_stop_a_run_that_finds_little(world: Desk) -> None:
    many = len(world.server.truth("Contact")) + 10
    world.server.put("records/Contact", [{"LastName": f"Nobody {at}", "Email": None} for at in range(many)])
    install(world.project, ("Contact",), required=[REQUIRED])
    stopped(world)
    world.succeed("run", "--allow-guard", "max_rejected:Contact")
    summary = world.succeed("run", "--full")
    counts = summary["objects"][0]
    assert (counts["rejected"], counts["updated"], waiting(world)) == (0, 0, [])
    assert counts["unchanged"] > many


def test_more_than_half_of_what_is_found_stops_a_run_however_much_it_reads(world: Desk) -> None:
    rows = {row["source_id"] for row in live(loaded(world, required=[REQUIRED], deletes="flag"))}
    world.server.put("records/Contact", [{"LastName": f"Late {at}", "Email": None} for at in range(101)])
    done = stopped(world, "--full")
    assert "101 of 101 Contact records would be rejected; nothing was written." in done.summary["error"]["message"]
    assert {row["source_id"] for row in live(world)} == rows
    assert "max_rejected:Contact" in [one["subject"] for one in waiting(world)]
    world.succeed("run", "--allow-guard", "max_rejected:Contact")


@pytest.mark.parametrize("error", WAITS, ids=lambda one: one.__name__)
def test_every_error_that_waits_for_a_person_has_commands_that_settle_it(error: type[errors.PipelineError]) -> None:
    assert all(re.match(r"durable [a-z]+ ", one) for one in tasks.COMMANDS[error.code])
    assert len(WAITS) >= 7

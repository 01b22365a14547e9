"""Random pairs of faults and drifts, one schedule after another: afterwards the table is exactly Salesforce's truth."""

from __future__ import annotations

import json
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest

from functional import proof
from functional.oracle import OBJECTS, Expected
from functional.project import REPOSITORY, Done, Project, Sandbox, sandbox
from functional.runs_in_a_row import Runner, runner
from functional.test_resume import configure
from functional.test_truth import change, columns, types

SCHEDULES = int(os.environ.get("DURABLE_SEEDS", "10"))
FIRST = int(os.environ.get("DURABLE_FIRST_SEED", "0"))  # to look at one of many again
MOST_RUNS = 6  # after the faults have stopped: a guard asks, a lost page is read again
WHERE = {"kind", "nth", "after", "object"}  # of a fault: where it strikes, not what it does
HOW = {"succeeded": "succeeded", "waiting": "waited for a person", "partial": "were cut short", "failed": "failed"}
MOVING = {"change", "late", "clock_skew"}  # what a run reads is then not what Salesforce holds when it has ended
ENDINGS = {0: "succeeded", 4: "waiting", 5: "partial", 6: "failed", 7: "failed"}
Order = dict[str, Any]


@dataclass(frozen=True)
class Drift:
    """A change of the schema: its orders, those that undo it, and what the table is then not held to."""

    do: Sequence[Order]
    undo: Sequence[Order]
    object: str
    gone: tuple[str, ...] = ()  # fields whose stored values stay
    extra: tuple[str, ...] = ()  # fields whose values stand in extensions
    retyped: tuple[str, ...] = ()  # fields whose values are in the column exactly, or in extensions as text
    stops: bool = False  # no run can succeed before it is undone


@dataclass
class World:
    """The project, its sandbox, and the drift that is in force."""

    project: Project
    runner: Runner
    server: Sandbox
    chance: random.Random
    drifts: list[Drift] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)
    drawn: Counter[str] = field(default_factory=Counter)
    schedules: int = 0
    compared: int = 0

    def run(self, *arguments: str) -> Done:
        """One run, which must end in one of the documented ways; a success is held to the truth at once."""
        done = self.runner.run(*arguments)
        assert done.code in ENDINGS, done.err
        assert done.summary["status"] == ENDINGS[done.code]
        self.outcomes[done.summary["status"]] = self.outcomes.get(done.summary["status"], 0) + 1
        if done.code != 0:
            assert done.summary["error"]["message"], done.out
        return done


def order(op: str, name: str, **more: Any) -> Order:
    return {"op": op, "object": name, **more}


HIDDEN = (("Account", "Fax"), ("Account", "Rating"), ("Contact", "Title"), ("Contact", "Birthdate"))


def hide(chance: random.Random) -> Drift:
    name, one = chance.choice(HIDDEN)
    return Drift([order("hide", name, field=one)], [order("unhide", name, field=one)], name, gone=(one,))


def hide_needed(_: random.Random) -> Drift:
    return Drift(
        [order("hide", "Contact", field="Email")], [order("unhide", "Contact", field="Email")], "Contact", stops=True
    )


def remove(chance: random.Random) -> Drift:
    name, one = chance.choice([("Account", "Sic"), ("Contact", "Department")])
    shape = {"name": one, "type": "string", "length": 80, "label": one}
    back = order("add", name, field=shape, maker="messy", nulls=40)
    return Drift([order("remove", name, field=one)], [back], name, gone=(one,))


def rename(chance: random.Random) -> Drift:
    name, one = chance.choice([("Account", "Site"), ("Contact", "LeadSource"), ("Account", "TickerSymbol")])
    other = f"Other_{one}__c"
    return Drift(
        [order("rename", name, field=one, to=other)], [order("rename", name, field=other, to=one)],
        name, gone=(one,), extra=(other,),
    )  # fmt: skip


NEW: tuple[tuple[Order, str], ...] = (
    ({"type": "string", "length": 80}, "NA"),
    ({"type": "double", "precision": 18, "scale": 4}, "1234567890123456.78"),
    ({"type": "picklist", "values": ["Gold", "null"]}, "null"),
    ({"type": "datetime"}, "2026-01-05T03:04:05.000Z"),
    ({"type": "boolean"}, "true"),
)


def add(chance: random.Random) -> Drift:
    name = chance.choice(OBJECTS)
    kind, value = chance.choice(NEW)
    one = f"New_{chance.randrange(10**6)}__c"
    return Drift(
        [order("add", name, field={"name": one, "label": one, **kind}, value=value)],
        [order("remove", name, field=one)], name, extra=(one,),
    )  # fmt: skip


RETYPED: tuple[tuple[str, Order, Order], ...] = (
    ("NumberOfEmployees", {"type": "string", "length": 40}, {"type": "int", "digits": 8}),
    ("AnnualRevenue", {"type": "string", "length": 40}, {"type": "currency", "precision": 18, "scale": 2}),
    ("NumberOfEmployees", {"type": "double", "precision": 18, "scale": 2}, {"type": "int", "digits": 8}),
)


def retype(chance: random.Random) -> Drift:
    one, to, back = chance.choice(RETYPED)
    return Drift(
        [order("retype", "Account", field=one, **to)], [order("retype", "Account", field=one, **back)],
        "Account", retyped=(one,),
    )  # fmt: skip


def widen(_: random.Random) -> Drift:
    return Drift([order("widen", "Account", field="Name", length=400)], [], "Account")


def picklist(chance: random.Random) -> Drift:
    entry = {"field": "Rating", "value": f"Value {chance.randrange(10**6)}"}
    return Drift(
        [order("picklist_add", "Account", **entry), order("picklist_retire", "Account", **entry)], [], "Account"
    )


def vanish(chance: random.Random) -> Drift:
    name = chance.choice(OBJECTS)
    return Drift([order("remove_object", name)], [order("restore_object", name)], name, stops=True)


DRIFTS: tuple[Callable[[random.Random], Drift], ...] = (
    hide, hide_needed, remove, rename, add, retype, widen, picklist, vanish,
)  # fmt: skip


ORDERS = {one["op"] for make in DRIFTS for number in range(9) for one in make(random.Random(number)).do}


def anywhere(chance: random.Random) -> Order:
    """Where a fault strikes: any of the first requests of some kind."""
    kind = chance.choice(["query", "results", "job", "poll", "describe", "count", "any"])
    return {"kind": kind, "nth": chance.randrange(1, 6)}


def page(chance: random.Random, **action: Any) -> Order:
    """A fault of one of the first pages of results."""
    return {"kind": "results", "nth": chance.randrange(1, 6), **action}


def meanwhile(chance: random.Random) -> Order:
    """A change that happens while a run reads."""
    amounts = {"update": 4, "insert": 2, "delete": 1, "seed": chance.randrange(999)}
    return {"kind": chance.choice(["page", "results"]), "change": {"object": chance.choice(OBJECTS), **amounts}}


def cut(chance: random.Random) -> Order:
    framing = chance.choice(["length", "chunked", "consistent"])
    return page(chance, cut={"at": chance.choice(["row", "value", 17]), "framing": framing})


BUSY = ("UNKNOWN_EXCEPTION", "REQUEST_LIMIT_EXCEEDED_CONCURRENT", "SERVER_UNAVAILABLE")
FAULTS: tuple[Callable[[random.Random], Order], ...] = (
    lambda c: {**anywhere(c), "answer": c.choice([500, 502, 503, 429])},
    lambda c: {**anywhere(c), "maintenance": True},
    lambda c: {**anywhere(c), "error": c.choice(BUSY)},
    lambda c: {**anywhere(c), "reset": True},
    lambda c: page(c, reset=2000),
    lambda c: page(c, stall={"after": 1000}),
    cut,
    lambda c: page(c, cut={"at": "row", "framing": "consistent", "counted": True}),
    lambda c: {"kind": c.choice(["results", "query"]), "repeat_page": True},
    lambda c: {**page(c), "kind": c.choice(["results", "query"]), "replace_row": True},
    lambda c: page(c, repeat_rows={"counted": True}),
    lambda c: page(c, nul_bytes=2),
    lambda c: page(c, wrong_count=c.choice([-1, 1])),
    lambda c: page(c, locator=c.choice([None, "null"])),
    lambda _: {"expire_locator": True},
    lambda _: {"fail_job": "Retried more than fifteen times"},
    lambda _: {"fail_job": True},
    lambda _: {"abort_job": True},
    lambda c: {"stick_job": c.choice([3, True])},
    lambda c: {"unsupported": True, "object": c.choice(OBJECTS)},
    lambda c: {"expire_session": True, "after": c.randrange(1, 25)},
    lambda c: {"daily_limit": True, "after": c.randrange(1, 30)},
    lambda c: {"kind": "query", "nth": c.randrange(1, 6), "error": "QUERY_TIMEOUT"},
    lambda c: {"clock_skew": c.choice([-120, 300])},
    meanwhile,
    lambda _: {"late": {"requests": 40, "backdate": 60}},
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    text = (REPOSITORY / "requirements" / "customer_data.md").read_text(encoding="utf-8")
    quick = text.replace("up to 5 times with exponential backoff", "up to 3 times with exponential backoff")
    assert quick != text
    project = Project.make(tmp_path_factory.mktemp("schedules") / "project", quick)
    with sandbox(project.state, rows=400) as server:
        configure(project, server, page_records=70, rest_below=250, downloads=2, timeout_seconds=1, job_seconds=1)
        project.compiled().succeed()
        with runner(project) as several:
            made = World(project, several, server, random.Random(20260105))
            yield made
        tell(made)


def tell(world: World) -> None:
    """Leave the table of what happened."""
    counted = {
        "schedules": world.schedules,
        "runs": sum(world.outcomes.values()),
        **{f"runs that {HOW[status]}": number for status, number in sorted(world.outcomes.items())},
        "successes held to the truth, field by field": world.compared,
        **{f"fault: {name}": number for name, number in sorted(world.drawn.items()) if name not in ORDERS},
        **{f"drift: {name}": number for name, number in sorted(world.drawn.items()) if name in ORDERS},
    }
    text = (
        f"Schedules with seeds {FIRST} to {FIRST + world.schedules - 1}, one after another in the same organization: "
        "random changes, one or two faults or drifts, runs that may fail, then quiet until a run succeeds. Each "
        "success is compared with the sandbox's own records: live rows, duplicates, rejects, every field."
    )
    proof.write("schedules", "Faults and drifts", text, counted)


def expected_text(value: Any) -> str | None:
    """A record's value as extensions hold it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value in (None, "") else str(value)


def exactly(kind: str, text: str | None) -> Any:
    """The value of a retyped field in its old column, or None where it does not fit."""
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if kind == "int":
        return int(number) if number == number.to_integral_value() else None
    return number


def given(values: Mapping[str, str | None]) -> dict[str, str]:
    """Those that are not null."""
    return {name: value for name, value in values.items() if value is not None}


def held_to_the_truth(world: World) -> None:
    """Every live row, duplicate and reject of every object, as far as the drift in force lets the table follow."""
    project, server = world.project, world.server
    world.compared += 1
    for name in OBJECTS:
        drifts = [one for one in world.drifts if one.object == name]
        gone = {each for one in drifts for each in one.gone}
        retyped = {each for one in drifts for each in one.retyped}
        extra = {each for one in drifts for each in one.extra}
        of, kinds = columns(project, name), types(project, name)
        truth = server.truth(name)
        compared = {one: kind for one, kind in kinds.items() if one in of and one not in gone | retyped}
        wanted = Expected(name, truth, compared)
        where = f"source_object = '{name}'"
        rows = {row["source_id"]: row for row in project.rows(f"FROM customer_data WHERE {where} AND NOT is_deleted")}
        assert set(rows) == set(wanted.live), name
        records = {one["Id"]: one for one in truth}
        for one, values in wanted.live.items():
            wrong = {
                each: (rows[one][of[each]], value) for each, value in values.items() if rows[one][of[each]] != value
            }
            assert not wrong, (name, one, wrong, rows[one])
            beside = {each: expected_text(records[one].get(each)) for each in extra}
            for each in retyped:
                text = expected_text(records[one].get(each))
                value = exactly(kinds[each], text)
                assert rows[one][of[each]] == value, (name, one, each, text)
                beside[each] = text if value is None else None
            stored = json.loads(rows[one]["extensions"] or "{}")
            assert {k: v for k, v in stored.items() if v is not None} == {
                k: v for k, v in beside.items() if v is not None
            }
        losers = project.rows(f"FROM customer_data__duplicates WHERE {where}")
        assert {row["source_id"] for row in losers} == wanted.duplicates, name
        rejects = project.rows(f"FROM customer_data__rejects WHERE {where}")
        assert {row["source_id"] for row in rejects} == wanted.rejected, name


def until_it_succeeds(world: World) -> None:
    """Runs after the faults have stopped; a guard that asks is let pass, as a person would after a look."""
    allowed: list[str] = []
    for _ in range(MOST_RUNS):
        done = world.run(*allowed)
        if done.code == 0:
            held_to_the_truth(world)
            return
        word = re.search(r"--allow-guard (\S+)", done.err)
        allowed += ["--allow-guard", word[1]] if done.code == 4 and word else []
    raise AssertionError((done.out, done.err))


def clear(world: World, faults: Sequence[Mapping[str, Any]]) -> None:
    """Faults end; a clock that ran ahead is caught up with, as time does."""
    world.server._send("DELETE", "faults", None)
    ahead = max([one["clock_skew"] for one in faults if "clock_skew" in one], default=0)
    world.server.post("clock", {"advance_seconds": max(ahead, 0)})


def disturb(world: World, faults: Sequence[Mapping[str, Any]], drifts: Sequence[Drift]) -> None:
    """One schedule: changes and drift under faults, runs that may fail but never lie, then quiet and the truth."""
    chance, server = world.chance, world.server
    for one in faults:
        server.post("faults", one)
    for drift in drifts:
        for each in drift.do:
            server.post("drift", each)
        world.drifts.append(drift)
    change(server, chance)
    for _ in range(chance.randrange(1, 3)):
        done = world.run()
        if done.code == 0 and not any(MOVING & set(one) for one in faults):
            held_to_the_truth(world)
    clear(world, faults)
    if any(drift.stops for drift in drifts):
        assert world.run().code in (4, 7)
    else:
        until_it_succeeds(world)
    restore(world)
    until_it_succeeds(world)


def restore(world: World) -> None:
    """Undo the drift in force."""
    while world.drifts:
        for each in world.drifts.pop().undo:
            world.server.post("drift", each)


def drawn(number: int) -> tuple[random.Random, list[Order], list[Drift]]:
    """The faults and drifts of one schedule."""
    chance = random.Random(number)
    kinds = chance.choice(["fault", "drift", "fault fault", "fault drift", "fault drift"]).split()
    faults = [chance.choice(FAULTS)(chance) for kind in kinds if kind == "fault"]
    return chance, faults, [chance.choice(DRIFTS)(chance) for kind in kinds if kind == "drift"]


@pytest.mark.parametrize("number", range(FIRST, FIRST + SCHEDULES))
def test_after_any_pair_of_faults_and_drifts_the_table_is_the_truth(world: World, number: int) -> None:
    world.chance, faults, drifts = drawn(number)
    world.schedules += 1
    world.drawn.update(one["op"] for drift in drifts for one in drift.do)
    world.drawn.update(key for one in faults for key in one if key not in WHERE)
    try:
        disturb(world, faults, drifts)
    except AssertionError as error:
        raise AssertionError(f"schedule {number}: {faults} {drifts}") from error
    finally:  # another schedule starts from a whole organization, whatever became of this one
        clear(world, faults)
        restore(world)


def test_three_hundred_schedules_draw_every_kind_of_fault_and_drift() -> None:
    seen: set[str] = set()
    for number in range(300):
        _, faults, drifts = drawn(number)
        seen |= {key for one in faults for key in one}
        seen |= {one["op"] for drift in drifts for one in drift.do}
    actions = {key for number in range(300) for make in FAULTS for key in make(random.Random(number))}
    orders = {one["op"] for number in range(30) for make in DRIFTS for one in make(random.Random(number)).do}
    assert actions | orders <= seen

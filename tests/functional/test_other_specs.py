"""Specs of many kinds under random changes, faults and other specs: the table is what a fresh full load gives."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from functional.project import Done, Project, Sandbox, environment, sandbox
from functional.specs import (
    AMOUNTS,
    BEYOND_ENGLISH,
    FORMULAS,
    HEAD,
    HIDDEN_OBJECTS,
    ONLY_BORN,
    PARENTS,
    REFERENCES,
    SPECS,
    VALUES,
    Spec,
)
from functional.test_compile_rules import install
from functional.test_truth import columns

SEEDS = max(int(os.environ.get("DURABLE_SEEDS", "20")) // 3, 1)
FIRST = int(os.environ.get("DURABLE_FIRST_SEED", "0"))  # to look at one of many again
MOST_RUNS = 6  # a guard asks for each object, and a lost page is read again
ROWS = 120
DAY = 86_400
STAMPS = ("SystemModstamp", "LastModifiedDate")
PROFILE = """
[profiles.{name}.salesforce]
login_url = "{url}"
auth = "client_credentials"
client_id = "{client_id}"
client_secret = "env:SANDBOX_SECRET"
{settings}

[profiles.{name}.warehouse]
kind = "duckdb"
path = "{path}"
"""
SETTINGS: tuple[dict[str, int], ...] = (
    {"horizon_seconds": 0},
    {"horizon_seconds": 300},
    {"horizon_seconds": 0, "rest_below": 1, "page_records": 5, "downloads": 2},
    {"horizon_seconds": 300, "rest_below": 10, "partition_rows": 20, "page_records": 10},
    {"horizon_seconds": 0, "rest_below": 10, "slice_rows": 7, "page_records": 6, "downloads": 3},
)


@dataclass
class World:
    """One spec's project; its table is filled by increments, and another one afresh."""

    name: str
    spec: Spec
    project: Project
    server: Sandbox
    chance: random.Random = field(default_factory=random.Random)
    told: list[str] = field(default_factory=list)
    unseen: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    settings: dict[str, int] = field(default_factory=dict)

    # --- the project -------------------------------------------------------------------------------------------------

    def configure(self, settings: dict[str, int]) -> None:
        """Two profiles: the one that is tested, and one that loads the same source into another file."""
        self.settings = settings
        plain = {"horizon_seconds": settings["horizon_seconds"]}
        text = 'default_profile = "here"\n'
        for name, values, path in (("here", settings, "here.duckdb"), ("fresh", plain, "fresh.duckdb")):
            lines = "\n".join(f"{key} = {value}" for key, value in values.items())
            text += PROFILE.format(
                name=name, url=self.server.url, client_id=self.server.announced["client_id"], settings=lines, path=path
            )
        (self.project.root / "durable.toml").write_text(text, encoding="utf-8")
        self.project.variables["SANDBOX_SECRET"] = self.server.announced["client_secret"]

    def use(self, version: int) -> None:
        """Put the package of a version of the spec in place, made once."""
        self.told.append(f"spec {version}")
        made, package = self.project.root / f"made-{version}", self.project.root / "generated"
        if not made.exists():
            self.compile(version)
            shutil.copytree(package, made)
        shutil.rmtree(package)
        shutil.copytree(made, package)

    def compile(self, version: int) -> None:
        if not self.spec.said:
            install(self.project, self.spec.objects, source=BEYOND_ENGLISH)
            return
        lines = [f"- R3.{at} {line}\n" for at, line in enumerate(self.spec.versions[version], 1)]
        text = HEAD.format(objects=self.spec.said) + "".join(lines)
        (self.project.root / "requirements" / "customer_data.md").write_text(text, encoding="utf-8")
        done = self.project.durable("compile", "customer_data", "--no-commit")
        assert done.code == 0, done.err

    # --- runs --------------------------------------------------------------------------------------------------------

    def run(self, *arguments: str) -> Done:
        """One run, which must end in one of the documented ways."""
        done = self.project.run(*arguments)
        self.told.append(f"run {arguments} {done.summary['status']}")
        never_loaded = done.code == 2 and "was never loaded" in done.err
        assert done.code in (0, 4, 5, 6, 7) or never_loaded, done.err
        return done

    def succeed(self, *arguments: str) -> dict[str, Any]:
        """Runs until one succeeds; a guard that asks is let pass, as a person would after a look."""
        allowed: list[str] = []
        for _ in range(MOST_RUNS):
            done = self.run(*arguments, *allowed)
            if done.code == 0:
                return done.summary
            word = re.search(r"--allow-guard (\S+)", done.err)
            allowed += ["--allow-guard", word[1]] if done.code == 4 and word else []
        raise AssertionError((done.out, done.err))

    def later(self, seconds: int) -> None:
        self.server.post("clock", {"advance_seconds": seconds})

    def settle(self) -> None:
        """Let every change grow older than the horizon, run, and compare."""
        horizon = self.settings["horizon_seconds"]
        self.later(max(self.chance.choice((2, 700, DAY)), horizon + 60 if horizon else 2))
        self.succeed()
        self.compare()

    def compare(self) -> int:
        """Assert that a fresh full load holds the same live rows, duplicates and rejects; how many there are."""
        (self.project.root / "fresh.duckdb").unlink(missing_ok=True)
        self.succeed("--profile", "fresh")
        return sum(self.compare_rows(name, *one) for name in self.spec.objects for one in self.statements(name))

    def statements(self, name: str) -> Iterator[tuple[str, str]]:
        own = ", ".join(columns(self.project, name).values())
        of = f"source_object = '{name}'"
        own = f"source_modified_at, extensions, row_hash, {own}"
        yield "live", f"{own} FROM customer_data WHERE {of} AND NOT is_deleted"
        yield "losers", f"winner_id, {own} FROM customer_data__duplicates WHERE {of}"
        yield "rejects", f"* EXCLUDE (source_id, run_id, rejected_at) FROM customer_data__rejects WHERE {of}"

    def compare_rows(self, name: str, what: str, statement: str) -> int:
        here, fresh = (self.held(statement, file) for file in ("here.duckdb", "fresh.duckdb"))
        differing = [one for one in here.keys() | fresh.keys() if here.get(one) != fresh.get(one)]
        wrong = {one: (here.get(one), fresh.get(one)) for one in differing}
        assert not wrong, (name, what, len(wrong), dict(list(wrong.items())[:2]))
        return len(here)

    def held(self, statement: str, file: str) -> dict[str, dict[str, Any]]:
        rows = self.project.rows(f"SELECT source_id, {statement}", self.project.root / file)
        return {row["source_id"]: row for row in rows}

    # --- the source --------------------------------------------------------------------------------------------------

    def live(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.server.truth(name) if not one.get("IsDeleted")]

    def some(self, name: str, most: int = 5) -> list[dict[str, Any]]:
        """A few live records."""
        records = self.live(name)
        return self.chance.sample(records, min(len(records), self.chance.randrange(1, most + 1)))

    def hide(self, name: str, records: list[dict[str, Any]]) -> None:
        """As if sharing hid the records: no list and no log names them."""
        self.server.put(f"records/{name}", [{"Id": one["Id"], "IsDeleted": True} for one in records])
        self.server.post("recycle_bin", {"object": name, "ids": [one["Id"] for one in records], "quiet": True})
        self.unseen.append((name, records))

    def show(self) -> None:
        """What was hidden is to be seen again, with the stamps that it had."""
        for name, records in self.unseen:
            self.server.put(f"records/{name}", records)
        self.unseen = []


# --- what may happen -------------------------------------------------------------------------------------------------


def changed(world: World, name: str) -> None:
    kinds = ("insert", "update", *(() if name == "User" else ("delete", "undelete", "purge", "hard_delete")))
    amounts = {kind: world.chance.randrange(4) for kind in kinds}
    extra = {"duplicate": world.chance.randrange(3)} if name == "Contact" else {}
    world.server.post("change", {"object": name, **amounts, **extra, "seed": world.chance.randrange(10**6)})


def set_at_once(world: World, name: str) -> None:
    """Many records, one value and one stamp."""
    one, values = world.chance.choice(list(VALUES[name].items()))
    value = world.chance.choice(values)
    world.server.put(f"records/{name}", [{"Id": record["Id"], one: value} for record in world.some(name, 12)])


def moved_without_a_stamp(world: World, name: str) -> None:
    if formula := FORMULAS.get(name):
        for one in world.some(name):
            stamps = {stamp: one[stamp] for stamp in STAMPS}
            world.server.put(f"records/{name}", [{"Id": one["Id"], formula: world.chance.choice(AMOUNTS), **stamps}])


def given_to_another(world: World, name: str) -> None:
    reference, parent = REFERENCES.get(name, ("OwnerId", "User"))
    parents = world.server.truth(parent)
    for one in world.some(name, 3):
        if reference in one:
            world.server.put(f"records/{name}", [{"Id": one["Id"], reference: world.chance.choice(parents)["Id"]}])


def hidden_and_shown(world: World, name: str) -> None:
    if name != "User":
        world.hide(name, world.some(name, 2))
    if world.chance.random() < 0.5:
        world.show()


CHANGES: tuple[Callable[[World, str], None], ...] = (
    changed, changed, set_at_once, moved_without_a_stamp, given_to_another, hidden_and_shown,
)  # fmt: skip


def change(world: World) -> None:
    """A few changes of each object and of what it refers to."""
    for name in world.spec.objects:
        if name in ONLY_BORN:
            counts = {"insert": world.chance.randrange(4), "purge": world.chance.randrange(2)}
            world.server.post("change", {"object": name, **counts, "seed": world.chance.randrange(10**6)})
            continue
        for one in world.chance.sample(CHANGES, 2):
            world.told.append(f"{one.__name__} {name}")
            one(world, name)
    for name in {parent for one in world.spec.objects for parent in PARENTS.get(one, ())}:
        one = world.chance.choice((changed, set_at_once, set_at_once, hidden_and_shown))
        world.told.append(f"{one.__name__} {name}")
        one(world, name)


def killed(world: World, at: dict[str, Any] | None = None) -> None:
    """A run ends without a word before one of its requests is answered."""
    world.server.post("faults", {**(at or {"after": world.chance.randrange(1, 25)}), "stall": True})
    command = [sys.executable, "-m", "generated.customer_data", "run", "--json"]
    with subprocess.Popen(
        command, cwd=world.project.root, env=environment(**world.project.variables),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    ) as child:  # fmt: skip
        while child.poll() is None and not any(one["fired"] for one in faults(world)):
            time.sleep(0.05)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)


def faults(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.server._send("GET", "faults", None)["faults"]
    return found


def under(world: World, fault: dict[str, Any]) -> None:
    world.server.post("faults", fault)
    world.run()


def out_of_quota(world: World) -> None:
    under(world, {"daily_limit": True, "after": world.chance.randrange(1, 25)})


def too_slow(world: World) -> None:
    kind = world.chance.choice(("query", "count"))
    under(world, {"kind": kind, "nth": world.chance.randrange(1, 9), "error": "QUERY_TIMEOUT"})


def changed_meanwhile(world: World) -> None:
    name = world.chance.choice([one for one in world.spec.objects if one not in ONLY_BORN])
    kinds = ("update", "insert") if name == "User" else ("update", "insert", "delete")
    change_of = {"object": name, **dict.fromkeys(kinds, 2), "seed": world.chance.randrange(10**6)}
    kind = world.chance.choice(("query", "count", "results"))
    under(world, {"kind": kind, "nth": world.chance.randrange(1, 9), "change": change_of})


def read_once_more(world: World) -> None:
    now = datetime.fromisoformat(world.server.post("clock", {})["now"])
    since = now - timedelta(seconds=world.chance.choice((600, 4000, DAY)))
    until = since + timedelta(seconds=world.chance.choice((30, 2000, DAY)))
    window = ["--since", f"{since:%Y-%m-%dT%H:%M:%SZ}", "--until", f"{until:%Y-%m-%dT%H:%M:%SZ}"]
    world.run(*window[: world.chance.choice((2, 4))])


def another_spec(world: World) -> None:
    world.use(world.chance.randrange(len(world.spec.versions)))


def state_lost(world: World) -> None:
    for one in (world.project.root / ".durable").glob("*"):
        if one.name not in ("keys", "sandbox", "locks"):  # a killed run's lease ends at once by its lock alone
            shutil.rmtree(one) if one.is_dir() else one.unlink()


DISTURBANCES: tuple[Callable[[World], object], ...] = (
    killed, out_of_quota, too_slow, changed_meanwhile, read_once_more, another_spec, another_spec, state_lost,
    lambda world: world.run(), lambda world: world.run("--object", world.chance.choice(world.spec.objects)),
)  # fmt: skip


# --- the tests -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox"), rows=ROWS) as running:
        running.post("objects", {"show": HIDDEN_OBJECTS})
        for name in ("Opportunity", "Task", "Event", "Account", "Customer_Health__c", *HIDDEN_OBJECTS):
            running.post("change", {"object": name, "insert": 25, "seed": 1})
        yield running


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory, server: Sandbox) -> Callable[[str], World]:
    """The project of each spec, made when it is first asked for."""
    root, known = tmp_path_factory.mktemp("specs"), dict[str, World]()

    def world(name: str) -> World:
        if name not in known:
            made = known[name] = World(name, SPECS[name], Project.make(root / name), server)
            made.configure(SETTINGS[0])
            schema = root / "schema.json"
            if not schema.exists():
                objects = {*VALUES, *(one for spec in SPECS.values() for one in spec.objects), "Lead"}
                done = made.project.durable(
                    "discover", *(word for one in sorted(objects) for word in ("--object", one))
                )
                assert done.code == 0, done.err
                shutil.copy(made.project.root / "requirements" / "salesforce.schema.json", schema)
            shutil.copy(schema, made.project.root / "requirements" / "salesforce.schema.json")
            made.use(0)
        return known[name]

    return world


@pytest.mark.parametrize("number", range(FIRST, FIRST + SEEDS))
def test_any_spec_ends_like_a_fresh_load_whatever_came_before(worlds: Callable[[str], World], number: int) -> None:
    world = worlds(list(SPECS)[number % len(SPECS)])
    world.chance, world.told = random.Random(number), [f"number {number}"]
    world.configure(world.chance.choice(SETTINGS))
    try:
        change(world)
        for disturbance in world.chance.sample(DISTURBANCES, world.chance.randrange(3)):
            world.told.append(disturbance.__name__)
            disturbance(world)
            world.server._send("DELETE", "faults", None)
            change(world)
        world.settle()
    except AssertionError as error:
        raise AssertionError((world.settings, world.told)) from error
    finally:
        world.server._send("DELETE", "faults", None)
        world.show()


def test_children_of_a_record_that_is_shown_again_get_its_values_back(worlds: Callable[[str], World]) -> None:
    world = worlds("health")
    world.configure(SETTINGS[0])
    world.use(0)
    world.later(DAY)
    world.succeed()
    here = world.project.root / "here.duckdb"
    live = {one["Id"]: one for one in world.live("Account")}
    rows = world.project.rows("SELECT source_id, account, account_name FROM customer_data WHERE NOT is_deleted", here)
    one = next(row for row in rows if row["account"] in live and row["account_name"])
    named = f"SELECT account_name FROM customer_data WHERE source_id = '{one['source_id']}'"
    world.hide("Account", [live[one["account"]]])
    world.later(DAY)
    world.succeed()
    assert world.project.rows(named, here) == [{"account_name": None}]
    world.show()
    world.later(DAY)
    few = world.succeed()["objects"][0]["read"]
    assert world.project.rows(named, here) == [{"account_name": one["account_name"]}]
    state_lost(world)
    world.later(DAY)
    every = len(world.live("Customer_Health__c"))
    assert few < every <= world.succeed()["objects"][0]["read"]
    assert world.compare() > 0


def test_what_a_killed_run_landed_is_not_for_another_profile_whose_user_may_see_more(
    worlds: Callable[[str], World],
) -> None:
    world = worlds("contacts")
    world.configure(SETTINGS[2])
    world.use(1)
    (world.project.root / "here.duckdb").unlink(missing_ok=True)
    for profile, resumed in (("fresh", False), ("here", True)):
        (world.project.root / "fresh.duckdb").unlink(missing_ok=True)
        killed(world, {"kind": "results", "nth": 3})
        world.server._send("DELETE", "faults", None)
        run_id = world.succeed("--profile", profile)["run_id"]
        told = (world.project.root / ".durable" / "runs" / run_id / "run.json").read_text(encoding="utf-8")
        assert ('"resumed"' in told) is resumed
    assert world.compare() > 0

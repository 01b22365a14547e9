"""A run killed, or failed by its warehouse, at any statement: whole commits stand, the next run does the rest."""

from __future__ import annotations

import os
import random
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from functional import proof
from functional.crashes import KEY, Ended, InDuckDB, InSnowflake, Place, Rows, World, loop
from functional.oracle import OBJECTS
from functional.project import REPOSITORY, Project, Sandbox, sandbox
from functional.test_snowflake_run import stand_in

SEEDS = int(os.environ.get("DURABLE_SEEDS", "20"))
FEW = max(SEEDS // 20, 1)
EVERY = proof.PLACE in os.environ  # every statement, instead of a few
TEXT = (REPOSITORY / "requirements" / "customer_data.md").read_text(encoding="utf-8")
MODES = {
    "upsert": "R2.2 Upserts existing records and inserts new ones",
    "append": "R2.2 Appends every change",
    "history": "R2.2 Keeps the full history of changes (SCD type 2)",
    "replace": "R2.2 Replaces the table on every run",
}
LAYOUTS = {
    "unified": "R2.1 Writes to Snowflake table customer_data",
    "per_object": "R2.1 Writes to one Snowflake table per object",
}
WRITTEN = ("inserted", "updated", "deleted", "rejected", "duplicates")
HOW = ("error before", "error after", "drop")
FAILED = {6, 7}  # as docs/reference/errors.md says: never a bug, and never a success with something missing
TOLD = (
    "Three objects in batches of 25 rows, with duplicates, rejects and deletions, are loaded once, then changed. The "
    "next run is killed before or after a statement that it gives to the warehouse, killed at a random instant, or "
    "failed by its warehouse: an error instead of a statement, an error after it was done (its answer is lost), a "
    "connection that drops. Each time the target and its companions must hold whole commits only, and after one more "
    "run everything that an undisturbed run makes of it, with every change written once."
)


@dataclass(frozen=True)
class Kind:
    """A warehouse and how the spec writes to it."""

    warehouse: str
    mode: str
    layout: str

    def __str__(self) -> str:
        return f"{self.warehouse} {self.mode} {self.layout}"

    @property
    def main(self) -> bool:
        """Whether every statement is struck, and not one of each sort."""
        return self.mode == "upsert" and self.layout == "unified"

    @property
    def in_a_file(self) -> bool:
        """Whether the target is a DuckDB file, whose runs cost a quarter of those that the stand-in answers."""
        return self.warehouse == "duckdb"

    @property
    def text(self) -> str:
        """The example's requirements, written this way in small batches."""
        text = TEXT.replace("in batches of 50,000 rows", "in batches of 25 rows")
        text = text.replace(MODES["upsert"], MODES[self.mode]).replace(LAYOUTS["unified"], LAYOUTS[self.layout])
        without = {"append": "- R4.1", "history": "- R4.1", "replace": "- R3.1"}.get(self.mode, "- R9")
        removing = text.replace("Skips soft-deleted records", "Removes records that were deleted in Salesforce")
        chosen = removing if self.layout == "per_object" else text
        return "\n".join(line for line in chosen.splitlines() if not line.startswith(without)) + "\n"


USUAL = [Kind("duckdb", "upsert", "unified"), Kind("duckdb", "replace", "per_object"),
         Kind("duckdb", "history", "unified"), Kind("snowflake", "upsert", "unified")]  # fmt: skip
ALL = [Kind("duckdb", mode, layout) for mode in MODES for layout in LAYOUTS] + [
    Kind("snowflake", "upsert", "unified"), *(Kind("snowflake", mode, "per_object") for mode in MODES)
]  # fmt: skip
LIVE = {
    **dict.fromkeys(("upsert", "replace"), "SELECT source_id, row_hash FROM {0} WHERE NOT is_deleted"),
    "history": "SELECT source_id, row_hash FROM {0} WHERE is_current",
    "append": "SELECT source_id, row_hash FROM (SELECT t.*, ROW_NUMBER() OVER (PARTITION BY source_id "
    "ORDER BY source_modified_at DESC) AS place FROM {0} t) x WHERE place = 1 AND NOT is_deleted",
}
LITERAL = re.compile(r"'[^']*'|\d+")
TALLY: Counter[str] = Counter()


@dataclass
class Start:
    """A world whose target lags behind its source, and what an undisturbed run makes of it, commit by commit."""

    kind: Kind
    world: World
    stages: list[dict[str, Rows]]
    given: Sequence[str]
    seconds: float
    written: Counter[str]
    whole: Rows

    def strike(self, **how: Any) -> Ended:
        """A run from the start that is struck; afterwards whole commits stand."""
        self.world.restore()
        ended = self.world.loop.run(**how)
        assert self.standing() in [self.stages[at] for at in ended.commits], how
        return ended

    def standing(self) -> dict[str, Rows]:
        """What the target and its companions hold now."""
        found = self.world.held().tables
        return {name: found.get(name, []) for name in self.stages[0]}

    def live(self) -> Rows:
        """Ids and contents of the live rows."""
        return sorted(row for path in self.paths for row in self.world.query(LIVE[self.kind.mode].format(path)))

    def aside(self) -> Rows:
        """Duplicates and open rejects."""
        told = ("__duplicates", "source_id, winner_id, row_hash"), ("__rejects", "source_id, rule, message")
        return sorted(
            row
            for path in self.paths
            for suffix, columns in told
            for row in self.world.query(f"SELECT {columns} FROM {path}{suffix}")
        )

    @property
    def paths(self) -> list[str]:
        """The target's tables."""
        tables = ("customer_data",) if self.kind.layout == "unified" else ("account", "contact", "customer_health")
        return [f"{self.world.place.schema}.{table}" for table in tables]

    @property
    def commits(self) -> int:
        """How many transactions there are."""
        return self.given.count("COMMIT")

    def made_good(self) -> None:
        """One more run, and everything is there, once, and nothing else."""
        done = self.world.loop.run()
        assert done.code == 0, done.err
        held = self.world.held()
        assert held.tables == self.stages[-1]
        assert max(Counter((one["run_id"], one["object"], one["batch"]) for one in held.ledger).values()) == 1
        assert {one["pipeline"] for one in held.ledger} == {"customer_data"}
        if self.kind.mode != "replace":  # which builds everything anew
            assert written(held.ledger) == self.written

    def sorts(self, chance: random.Random) -> list[int]:
        """One statement of each sort."""
        found: dict[str, list[int]] = {}
        for at, sql in enumerate(self.given):
            found.setdefault(LITERAL.sub("", sql), []).append(at)
        return sorted(chance.choice(many) for many in found.values())

    def some(self, seed: int) -> list[int]:
        """The statements to strike."""
        chance = random.Random(seed)
        if EVERY:
            return list(range(len(self.given))) if self.kind.main else self.sorts(chance)
        return sorted(chance.sample(range(len(self.given)), min(FEW, len(self.given))))


def written(lines: Sequence[dict[str, Any]]) -> Counter[str]:
    """Rows that were written, by object."""
    told: Counter[str] = Counter()
    for one in lines:
        told[one["object"]] += sum(one[kind] for kind in WRITTEN)
    return told


def begin(kind: Kind, world: World) -> Start:
    """Load, let the source move on, and see what an undisturbed run makes of that."""
    done = world.loop.run()
    assert done.code == 0, done.err
    disturb(world.server)
    world.keep()
    seen: list[dict[str, Rows]] = [world.held().tables]
    looked: list[float] = []

    def look() -> None:
        begun = time.monotonic()
        seen.append(world.held().tables)
        looked.append(time.monotonic() - begun)

    begun = time.monotonic()
    done = world.loop.run(stopped=look)
    seconds = time.monotonic() - begun - sum(looked)
    assert done.code == 0, done.err
    held = world.held()
    stages = [{name: stage.get(name, []) for name in held.tables} for stage in seen]
    assert stages[-1] == held.tables
    start = Start(kind, world, stages, done.given, seconds, written(held.ledger), [])
    start.whole = start.live()
    return start


def disturb(server: Sandbox) -> None:
    """New, changed, deleted, returning, doubled and rejected records of every object, several batches of each."""
    for at, name in enumerate(OBJECTS):
        amounts = {"insert": 20, "update": 25, "delete": 9, "undelete": 3}
        extra = {"duplicate": 9} if name == "Contact" else {}
        server.post("change", {"object": name, **amounts, **extra, "seed": at})
    contacts = [one for one in server.truth("Contact") if not one["IsDeleted"]]
    server.put("records/Contact", [{"Id": one["Id"], "Email": None} for one in contacts[::17]])


@contextmanager
def world_of(root: Path, kind: Kind) -> Iterator[World]:
    """A compiled project with a source and an empty target."""
    with ExitStack() as stack:
        project = Project.make(root / "project", kind.text)
        server = stack.enter_context(sandbox(root / "sandbox", rows=200))
        project.state.mkdir(parents=True)
        shutil.copy(root / "sandbox" / "url.json", project.state)
        project.compiled()
        place: Place = InDuckDB(project.root)
        if kind.warehouse == "snowflake":
            address = stack.enter_context(stand_in())
            place = InSnowflake(address, stack.enter_context(session(address)))
        configure(project, server, place)
        yield World(project, server, place, stack.enter_context(loop(project)))


def configure(project: Project, server: Sandbox, place: Place) -> None:
    """One profile, with nothing that lies in the state folder."""
    (project.root / "durable.toml").write_text(
        f"""default_profile = "here"
[profiles.here]
alerts = "file"
keys = {{journal = "env:KEY", mask = "env:KEY", rejects = "env:KEY"}}
{place.profile}
[profiles.here.salesforce]
login_url = "{server.url}"
auth = "client_credentials"
client_id = "{server.announced["client_id"]}"
client_secret = "env:SECRET"
horizon_seconds = 0
""",
        encoding="utf-8",
    )
    project.variables |= {"KEY": KEY, "SECRET": server.announced["client_secret"]}


def session(address: dict[str, Any]) -> Any:
    """A session of the stand-in for the test itself."""
    import snowflake.connector

    return snowflake.connector.connect(
        account="local", user="DURABLE", password="x", database="CRM", schema="PUBLIC", protocol="http",
        host=address["host"], port=address["port"], session_parameters={"TIMEZONE": "UTC"},
        network_timeout=60, login_timeout=20,
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def told() -> Iterator[None]:
    """What was struck, for docs/proof."""
    yield
    proof.write("crashes", "Killed and failed while writing", TOLD, TALLY)


@pytest.fixture
def start(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    kind: Kind = request.param
    with world_of(tmp_path_factory.mktemp("world"), kind) as world:
        yield begin(kind, world)


Strike = Callable[[Start], None]
STRIKES: list[tuple[Callable[[Kind], bool], Callable[[Kind], bool], Strike]] = []


def of(usually: Callable[[Kind], bool], ever: Callable[[Kind], bool] = lambda _: True) -> Callable[[Strike], Strike]:
    """Try the function with the kinds that it is `usually` tried with, for docs/proof all that it can `ever` be."""

    def noted(strike: Strike) -> Strike:
        STRIKES.append((usually, ever, strike))
        return strike

    return noted


@of(lambda kind: kind.in_a_file)
def what_an_undisturbed_run_leaves_is_what_one_full_load_gives(start: Start) -> None:
    """Live rows, duplicates and rejects: what all that follows is measured by."""
    live, aside = start.live(), start.aside()
    start.world.forget()
    start.world.place.clear()
    done = start.world.loop.run()
    assert done.code == 0, done.err
    assert (start.live(), start.aside()) == (live, aside)


@of(lambda _: True)
def a_run_killed_at_a_statement_leaves_whole_commits_and_the_next_one_everything(start: Start) -> None:
    for at in start.some(1):
        how = "kill before" if at % 2 else "kill after"
        assert start.strike(at=at, how=how).killed
        start.made_good()
        TALLY[f"{start.kind}: SIGKILL at a statement"] += 1


@of(lambda kind: kind.in_a_file and kind.main)
def a_run_killed_at_any_instant_leaves_whole_commits_and_the_next_one_everything(start: Start) -> None:
    chance = random.Random(2)
    instants = (200 if start.kind.main else 20) if EVERY else FEW
    for _ in range(instants):
        ended = start.strike(seconds=chance.uniform(0.1, 1.0) * start.seconds)
        start.made_good()
        TALLY[f"{start.kind}: SIGKILL at an instant" if ended.killed else f"{start.kind}: ended before"] += 1


@of(lambda kind: kind.in_a_file)
def a_warehouse_that_fails_at_a_statement_ends_the_run_and_the_next_one_has_everything(start: Start) -> None:
    chance = random.Random(3)
    struck = start.sorts(chance) if EVERY else start.some(3)
    for number, at in enumerate(struck):
        for how in HOW if EVERY and start.kind.main else [HOW[number % 3]]:
            ended = start.strike(at=at, how=how)
            whole = start.standing() == start.stages[-1]
            assert ended.code in FAILED or (ended.code == 0 and whole), (at, how, ended.err)
            assert ended.summary["status"] == ("succeeded" if ended.code == 0 else "failed")
            start.made_good()
            TALLY[f"{start.kind}: {how}"] += 1


@of(lambda kind: kind.main)
def the_answer_to_a_commit_that_is_lost_costs_no_batch_and_doubles_none(start: Start) -> None:
    for at in range(start.commits) if EVERY else [start.commits - 1]:
        ended = start.strike(sql="COMMIT", at=at, how="error after")
        assert (ended.code in FAILED, ended.commits) == (True, (at + 1,)), ended.err
        start.made_good()
        TALLY[f"{start.kind}: answer to COMMIT lost"] += 1


@of(lambda kind: kind.in_a_file and kind.main)
def the_state_folder_may_vanish_after_a_kill(start: Start) -> None:
    """Nobody knows then that the killed run was of this machine, so its lease has to expire."""
    start.strike(sql="COMMIT", at=1, how="kill before")
    start.world.forget()
    waiting = start.world.loop.run()
    assert (waiting.code, waiting.summary["error"]["code"]) == (6, "RUN603"), waiting.err
    start.world.expire()
    start.made_good()


@of(lambda kind: kind.in_a_file and kind.main)
def a_target_that_is_emptied_or_restored_after_a_kill_is_not_topped_up(start: Start) -> None:
    place, path = start.world.place, start.paths[0]
    spoilt: list[Callable[[], None]] = [lambda: place.bring_back(path.rpartition(".")[2])]
    if EVERY:
        spoilt.append(lambda: place.change(f"DELETE FROM {path}"))
    for spoil in spoilt:
        start.strike(sql="COMMIT", at=start.commits - 1, how="kill before")
        spoil()
        found = start.standing()
        refused = start.world.loop.run()
        if start.kind.mode == "replace":  # which never tops anything up
            assert (refused.code, start.standing()) == (0, start.stages[-1]), refused.err
            continue
        assert (refused.code, refused.summary["error"]["code"]) == (4, "RUN402"), refused.err
        assert start.standing() == found
        full = start.world.loop.run("--full")
        assert full.code == 0, full.err
        assert start.live() == start.whole


@of(lambda _: False, ever=lambda kind: not kind.in_a_file)
def a_machine_whose_lease_was_taken_over_commits_nothing_more(start: Start) -> None:
    """Only where two machines reach one warehouse; a DuckDB file is locked by whoever has it open."""
    with loop(start.world.project) as other:
        start.world.restore()
        other.begin(sql="BEGIN", at=1, how="stop")
        start.world.forget()
        start.world.expire()
        start.made_good()
        late = other.goes_on()
        assert (late.code, late.summary["error"]["code"]) == (6, "RUN606"), late.err
        assert start.standing() == start.stages[-1]


@pytest.mark.parametrize("start", ALL if EVERY else USUAL, ids=str, indirect=True)
def test_whatever_strikes_a_run_whole_commits_stand_and_the_next_run_does_the_rest(start: Start) -> None:
    for usually, ever, strike in STRIKES:
        if ever(start.kind) and (EVERY or usually(start.kind)):
            strike(start)

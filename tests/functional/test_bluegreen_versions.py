"""Two versions of a spec against the sandbox: one reading feeds both, and only what the versions do differs."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import seeds
from functional.project import Done, Project, Sandbox, environment, sandbox
from functional.test_snowflake_run import PROFILE, rows, stand_in

# The commands as `durable NAME …` runs them, wherever the distribution is installed from.
DURABLE = (
    "import sys; from durable_runtime import durable_cli as cli; "
    "cli.places = lambda: {name: f'durable_compiler.cli.{name}:command' for name in cli.COMMANDS}; "
    "sys.exit(cli.main(sys.argv[1:]))"
)
FIRST = """# Customer data

- R1.1 Syncs Accounts and Contacts from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R2.1 Writes to DuckDB table customer_data
- R2.2 Syncs only Name, Industry and Site of Accounts
- R2.3 Leaves out Contact Phone
"""
SECOND = """# Customer data

- R1.1 Syncs Accounts and Contacts from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R2.1 Writes to DuckDB table customer_data
- R2.2 Syncs only Name, Industry and Rating of Accounts
- R2.4 Leaves out Contact Mobile Phone
- R3.1 Contact Department is required; records without it are rejected
- R5.1 Deploys blue/green
- R5.2 Stops the promotion if more than 5% of rows differ
"""


# A third of the Contacts has no department, and leaves.
ALLOWED = ("--allow-guard", "max_deleted:Contact")
ANY_KEYS = 'keys = {journal = "env:KEY", mask = "env:KEY", rejects = "env:KEY"}'
INTERNAL = ("loaded_at", "run_id", "row_hash", "pipeline_version", "dedupe_key", "deleted_at")


@dataclass
class Versions:
    """A project whose first version is loaded and lies in `first`, and whose second one is compiled."""

    project: Project
    server: Sandbox
    child: subprocess.Popen[str]

    def durable(self, *arguments: str, folder: Path | None = None) -> Done:
        """`durable …` in the project, or in another one's folder."""
        assert self.child.stdin is not None and self.child.stdout is not None
        self.child.stdin.write(json.dumps([str(folder or self.project.root), arguments]) + "\n")
        self.child.stdin.flush()
        return Done(**json.loads(self.child.stdout.readline()))

    def run(self, *arguments: str, folder: Path | None = None) -> dict[str, Any]:
        """A run that must succeed; its summary."""
        done = self.durable("run", "customer_data", "--json", *arguments, folder=folder)
        assert done.code == 0, done.err
        return done.summary

    def told(self, *arguments: str) -> Any:
        """The JSON of a command that must end well."""
        done = self.durable(*arguments, "--json")
        assert done.code == 0, done.err + done.out
        return json.loads(done.out)

    def paired(self, blue: str = "first") -> Any:
        """Both versions loaded."""
        return self.told("green", "customer_data", "run", "--blue", blue, *ALLOWED)

    def compared(self) -> dict[str, dict[str, Any]]:
        """What differs in each object's rows of the target."""
        found = self.told("green", "customer_data", "compare")
        return {one["object"]: one for one in found["tables"] if not one["companion"]}

    def live(self, table: str = "customer_data", file: Path | None = None) -> list[dict[str, Any]]:
        """The live rows, without what a run writes about itself."""
        rows = self.project.rows(f"FROM {table} WHERE NOT is_deleted ORDER BY source_id", file)
        return [{name: value for name, value in row.items() if name not in INTERNAL} for row in rows]

    def fresh(self) -> list[dict[str, Any]]:
        """What one full load of the second version gives."""
        self.run("--profile", "fresh", "--full")
        return self.live(file=self.project.root / ".durable" / "fresh.duckdb")

    def write(self, requirements: str) -> None:
        """Compile these requirements."""
        path = self.project.root / "requirements" / "customer_data.md"
        path.write_text(requirements, encoding="utf-8")
        done = self.durable("compile", "customer_data", "--no-commit")
        assert done.code == 0, done.err

    def change(self, name: str, **amounts: int) -> None:
        """Change records as users would."""
        self.server.post("change", {"object": name, "seed": 5, **amounts})


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    project = Project.make(tmp_path_factory.mktemp("versions") / "project", FIRST)
    first = project.root / "first"
    (project.root / "durable.toml").write_text(
        'default_profile = "local"\n[profiles.local]\n[profiles.fresh]\n'
        'warehouse = {kind = "duckdb", path = ".durable/fresh.duckdb"}\n',
        encoding="utf-8",
    )
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("durable_in_a_row.py"))],
        env=environment(SNOWFLAKE_PASSWORD="x", KEY="00" * 32),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with sandbox(project.state, rows=60) as server, child:
        made = Versions(project, server, child)
        assert made.durable("discover").code == 0
        made.write(FIRST)
        made.run()
        shutil.copytree(project.root / "generated", first / "generated")
        (first / "durable.toml").write_text(
            'default_profile = "local"\n[profiles.local]\n[profiles.fresh]\n'
            'warehouse = {kind = "duckdb", path = "../.durable/fresh.duckdb"}\n[paths]\nstate = "../.durable"\n',
            encoding="utf-8",
        )
        made.write(SECOND)
        shutil.copy(project.warehouse, project.root / "loaded.duckdb")
        yield made
        assert child.stdin is not None
        child.stdin.close()


@pytest.fixture
def versions(begun: Versions) -> Versions:
    """The first version loaded, and no green."""
    shutil.copy(begun.project.root / "loaded.duckdb", begun.project.warehouse)
    for name in ("fresh.duckdb", "landing", "refresh", "clocks"):
        path = begun.project.root / ".durable" / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return begun


def test_a_new_version_is_loaded_beside_compared_promoted_and_taken_back(versions: Versions) -> None:
    versions.change("Contact", update=7, insert=3, delete=2)
    before = versions.live()
    loaded = versions.paired()
    assert [loaded[side]["status"] for side in ("blue", "green")] == ["succeeded", "succeeded"]
    assert [one["read"] for one in loaded["blue"]["objects"]] == [one["read"] for one in loaded["green"]["objects"]]
    found = versions.compared()
    account = found["Account"]
    assert [one["column"] for one in account["green_columns"]] == ["rating", "phone"]
    assert (account["equal"], account["differing"]) == (account["blue_rows"], 0)
    contact = found["Contact"]
    assert {one["column"] for one in contact["columns"]} == {"is_deleted", "deleted_reason"}
    assert 0 < contact["different"] < contact["equal"]
    told = versions.durable("promote", "customer_data", "--json")
    assert told.code == 4
    error = json.loads(told.out)["error"]
    assert error["code"] == "RUN401"
    assert "R5.2" in error["message"]
    id = versions.told("green", "customer_data", "status")["green"]["comparison"]["id"]
    done = versions.told("promote", "customer_data", "--allow-diff", id)
    assert (done["was"], done["version"], done["columns_added"]) == ("1.0.0", "2.0.0", ["rating", "phone"])
    fresh = versions.fresh()
    names = list(fresh[0])
    assert [{name: row[name] for name in names} for row in versions.live()] == fresh
    quiet = versions.run()
    assert sum(one["found"] for one in quiet["objects"]) == 0
    assert "not promoted" not in json.dumps(quiet)
    back = versions.told("rollback", "customer_data")
    assert (back["was"], back["version"]) == ("2.0.0", "1.0.0")
    assert len(versions.live()) == len(before) + 1
    assert {row["site"] for row in versions.live()} >= {row["site"] for row in before}


def test_records_that_change_while_they_are_read_make_no_difference(versions: Versions) -> None:
    versions.run(*ALLOWED)
    fault = {"kind": "count", "object": "Contact", "nth": 2, "change": {"object": "Contact", "update": 9, "seed": 3}}
    versions.server.post("faults", fault)
    versions.paired(".")
    assert [one["fired"] for one in versions.server.get("faults")["faults"]] == [1]
    versions.server.delete("faults")
    found = versions.compared()
    assert {name: one["different"] + one["only_blue"] + one["only_green"] for name, one in found.items()} == {
        "Account": 0, "Contact": 0,
    }  # fmt: skip
    assert found["Contact"]["equal"] > 50


def test_what_a_version_leaves_out_never_reaches_its_tables(versions: Versions) -> None:
    versions.paired()
    records = versions.project.rows("SELECT record FROM customer_data__green__rejects")
    assert records
    assert all("MobilePhone" not in row["record"] for row in records)
    assert all('"Phone"' in row["record"] for row in records)
    blue = versions.project.rows("FROM customer_data WHERE source_object = 'Contact' AND mobile_phone IS NOT NULL")
    assert len(blue) > 0


def test_a_run_of_blue_in_between_asks_for_both_to_be_loaded_again(versions: Versions) -> None:
    versions.paired()
    versions.compared()
    shutil.copytree(versions.project.root / "generated", versions.project.root / "kept")
    shutil.copytree(
        versions.project.root / "first" / "generated", versions.project.root / "generated", dirs_exist_ok=True
    )
    versions.change("Contact", update=3)
    versions.run()
    shutil.copytree(versions.project.root / "kept", versions.project.root / "generated", dirs_exist_ok=True)
    for command in (("promote", "customer_data"), ("green", "customer_data", "compare")):
        done = versions.durable(*command)
        assert done.code == 4, done.out
        assert "loaded again" in done.err
    assert versions.told("green", "customer_data", "status")["green"]["blue_moved"]


def test_a_new_version_that_is_run_in_place_says_that_it_was_not_promoted(versions: Versions) -> None:
    done = versions.durable("run", "customer_data", *ALLOWED)
    assert done.code == 0
    assert "Account: version 2.0.0 is loaded in place and was not promoted, but R5.1" in done.out


@pytest.mark.parametrize("seed", seeds(1))
def test_a_killed_load_is_taken_up_and_ends_as_an_undisturbed_one(versions: Versions, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(2):
        killed(versions, chance.uniform(0.5, 3.0), "green", "customer_data", "run", "--blue", "first")
    versions.paired()
    found = versions.compared()
    assert found["Account"]["differing"] == 0
    id = versions.told("green", "customer_data", "status")["green"]["comparison"]["id"]
    before = versions.live()
    killed(versions, chance.uniform(0.3, 1.5), "promote", "customer_data", "--allow-diff", id)
    if versions.told("green", "customer_data", "status")["green"] is not None:
        assert [{name: row[name] for name in before[0]} for row in versions.live()] == before
        versions.told("promote", "customer_data", "--allow-diff", id)
    fresh = versions.fresh()
    assert [{name: row[name] for name in fresh[0]} for row in versions.live()] == fresh


def killed(versions: Versions, after: float, *arguments: str) -> None:
    """A command that dies so many seconds after its start, unless it has ended by then."""
    with subprocess.Popen(
        [sys.executable, "-c", DURABLE, *arguments],
        cwd=versions.project.root, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        time.sleep(after)
        child.kill()


def test_what_is_discarded_leaves_no_table_and_no_file(versions: Versions) -> None:
    versions.told("green", "customer_data", "build")
    landing = versions.project.state.parent / "landing" / "customer_data__green"
    landing.mkdir(parents=True)
    versions.told("green", "customer_data", "discard")
    tables = versions.project.rows("SELECT table_name FROM information_schema.tables")
    assert not [one for one in tables if "__green" in one["table_name"]]
    assert not landing.exists()
    done = versions.durable("promote", "customer_data", "--json")
    assert done.code == 4
    assert json.loads(done.out)["error"]["code"] == "RUN410"


@pytest.mark.long
def test_snowflake_and_duckdb_come_to_the_same_comparison_and_the_same_rows(versions: Versions) -> None:
    first = versions.project.root / "first"
    held = {folder: (folder / "durable.toml").read_text(encoding="utf-8") for folder in (versions.project.root, first)}
    with stand_in() as address:
        for folder, text in held.items():
            more = "".join(PROFILE.format(keys=ANY_KEYS, **address).splitlines(keepends=True)[1:-2])
            (folder / "durable.toml").write_text(text + more, encoding="utf-8")
        try:
            found = {}
            for profile in ("fresh", "snow"):
                versions.run("--profile", profile, folder=first)
                versions.told("green", "customer_data", "run", "--blue", "first", "--profile", profile, *ALLOWED)
                compared = versions.told("green", "customer_data", "compare", "--profile", profile)
                found[profile] = {(one["object"], one["companion"]): counts(one) for one in compared["tables"]}
                versions.told("promote", "customer_data", "--profile", profile, "--allow-diff", compared["comparison"])
            assert found["snow"] == found["fresh"]
            assert found["fresh"]["Contact", ""][1] > 0
            chosen = "SELECT source_id, is_deleted, name, rating, phone FROM customer_data ORDER BY source_id"
            assert rows(address, chosen) == versions.project.rows(
                chosen, versions.project.state.parent / "fresh.duckdb"
            )
            back = versions.told("rollback", "customer_data", "--profile", "snow")
            assert back["version"] == "1.0.0"
            kinds = back["attached"][0]["listed"]
            assert kinds["grants"] == ["OWNERSHIP TO ROLE SYSADMIN WITH GRANT OPTION"]
            assert set(back["attached"][0]["unlisted"]) == {"policies", "tags", "tags of columns"}
        finally:
            for folder, text in held.items():
                (folder / "durable.toml").write_text(text, encoding="utf-8")


def counts(table: dict[str, Any]) -> tuple[int, ...]:
    return tuple(table[name] for name in ("equal", "different", "only_blue", "only_green"))

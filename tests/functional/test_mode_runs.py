"""Runs of each mode, layout and deletes policy against a sandbox that changes: the table is what a plain model says."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from durable_compiler.compilation import compile_pipeline
from functional import proof
from functional.mode_bench import Form
from functional.mode_models import Batch, Model, Read, Row, Upsert
from functional.mode_versions import MODELS
from functional.oracle import parse
from functional.project import Project, Sandbox, sandbox
from functional.runs_in_a_row import Runner, runner
from functional.test_modes import FEW, FORMS, SEEDS
from functional.test_unstamped import PROFILES

NIGHTS = max(SEEDS // 10, 2)
FIRST = int(os.environ.get("DURABLE_FIRST_SEED", "0"))
HOUR = 3600
START = datetime.fromisoformat("2026-01-01")
KEPT = ("Banking", "Energy")
SPEC = """# Modes

- R1.1 Syncs Accounts and Contacts from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R1.3 Syncs only Name and Industry of Accounts
- R1.4 Syncs only External ID, Email, Last Name and Created Date of Contacts
- R1.5 Only syncs Accounts whose Industry is Banking or Energy
- R1.6 Contact Email is required; records without it are rejected
- R2.1 {layout}
- R2.2 {mode}
- R2.3 {deletes}
- R2.4 Commits in batches of 20 rows
"""
MODES = {
    "upsert": "Upserts existing records and inserts new ones",
    "append": "Appends every change",
    "replace": "Replaces the table on every run",
    "history": "Keeps the full history of changes (SCD type 2)",
}
DEDUPES = "- R2.5 Deduplicates Contacts by External ID, keeping the {keep}\n"
LAYOUTS = {"unified": "Writes to DuckDB table customer_data", "per_object": "Writes to one DuckDB table per object"}
DELETES = {
    "skip": "Skips soft-deleted records",
    "flag": "Marks deleted records instead of removing them",
    "remove": "Removes records that were deleted in Salesforce",
}
FIELDS = {
    "Account": {"Name": "name", "Industry": "industry"},
    "Contact": {"External_ID__c": "external_id", "Email": "email", "LastName": "last_name"},
}
VALUES: Mapping[str, Mapping[str, tuple[str | None, ...]]] = {
    "Account": {"Industry": ("Banking", "Energy", "Retail", None)},
    "Contact": {"Email": ("a@example.com", None), "External_ID__c": ("X-1", "X-2", None)},
}


def outcome(name: str, record: Mapping[str, Any]) -> str:
    """What the spec says of a record."""
    if record["IsDeleted"]:
        return "deleted"
    if name == "Account":
        return "live" if record["Industry"] in KEPT else "filtered"
    return "live" if record["Email"] else "rejected"


def read_of(form: Form, name: str, record: Mapping[str, Any]) -> Read:
    """A record of the sandbox as the model takes it."""
    values = {column: parse("string", record[one]) for one, column in FIELDS[name].items()}
    stamp, what = parse("datetime", record["SystemModstamp"]), outcome(name, record)
    rule = "required" if what == "rejected" else None
    key = values.get("external_id") if form.dedupes else None
    created = parse("datetime", record["CreatedDate"])
    return Read(record["Id"], stamp, what, values, repr((stamp, what, values)), key, None, rule, None, created)


@dataclass
class World:
    """One form's project, whose table is filled by increments, and the model of it."""

    form: Form
    project: Project
    several: Runner
    server: Sandbox
    models: dict[str, Model]
    counted: dict[str, int] = field(default_factory=lambda: {"runs": 0, "operations": 0, "rows compared": 0})

    def run(self) -> None:
        """One run, which the model follows: what it read is the source as it is now."""
        self.server.post("clock", {"advance_seconds": HOUR})
        now = datetime.fromisoformat(self.server.post("clock", {})["now"]).replace(tzinfo=None)
        done = self.several.run()
        assert done.code == 0, done.err
        self.counted["runs"] += 1
        for one in done.summary["objects"]:
            parts = ("inserted", "updated", "deleted", "unchanged", "rejected", "duplicates", "skipped")
            assert one["read"] == sum(one[part] for part in parts)
        for name in FIELDS:
            if self.form.mode == "replace":
                self.models[name] = Upsert(self.form.deletes, self.form.keep)
            reads = [read_of(self.form, name, record) for record in self.server.truth(name)]
            self.models[name].load(Batch(reads, "", now, now))
            self.compare(name)

    def compare(self, name: str) -> None:
        """Every row of an object: the target's, its duplicates' and its rejects'."""
        model, wide = self.models[name], ("valid_from", "valid_to", "is_current") * (self.form.mode == "history")
        columns = ("source_id", "source_modified_at", "is_deleted", "deleted_at", "deleted_reason", *wide)
        shown = (*columns, *FIELDS[name].values())
        found, expected = self.rows(name, "", shown), chosen(model.target(), shown)
        same(list(filter(known, found)), list(filter(known, expected)), name)
        if self.form.mode != "append":
            whole = Upsert(self.form.deletes, self.form.keep)
            whole.load(Batch([read_of(self.form, name, one) for one in self.server.truth(name)], "", START, START))
            assert set(model.live()) == set(whole.live()), name
        ids = ("source_id", "winner_id")
        same(self.rows(name, "__duplicates", ids), chosen(model.duplicates(), ids), name)
        ids = ("source_id", "source_modified_at")
        same(self.rows(name, "__rejects", ids), chosen(model.rejects(), ids), name)
        self.counted["rows compared"] += len(model.target()) + len(model.duplicates()) + len(model.rejects())

    def rows(self, name: str, suffix: str, columns: tuple[str, ...]) -> list[Row]:
        """An object's rows of a table."""
        table = "customer_data" if self.form.layout == "unified" else name.lower()
        where = f"WHERE source_object = '{name}'" if self.form.layout == "unified" or suffix == "__rejects" else ""
        return chosen(self.project.rows(f"FROM {table}{suffix} {where}"), columns)


def known(row: Row) -> bool:
    """Whether every path leads to the row: a first load need not see what was deleted and is not wanted either."""
    return row["deleted_reason"] != "deleted" or row.get("industry", KEPT[0]) in KEPT


def chosen(rows: list[Row], columns: tuple[str, ...]) -> list[Row]:
    """Some columns of rows, in an order of their own."""
    return sorted(({name: row[name] for name in columns} for row in rows), key=repr)


def same(found: list[Row], expected: list[Row], name: str) -> None:
    """Assert that the rows are those, or show the ones that are not."""
    surplus, missing = ([row for row in one if row not in two] for one, two in ((found, expected), (expected, found)))
    assert found == expected, (name, surplus[:3], missing[:3])


def change(server: Sandbox, chance: random.Random) -> int:
    """Inserts, updates, deletes, undeletes, records that leave the filter, lose their email, or take another's key."""
    done = 0
    for name, fields in VALUES.items():
        amounts = {kind: chance.randrange(4) for kind in ("insert", "update", "delete", "undelete")}
        server.post("change", {"object": name, **amounts, "seed": chance.randrange(10**6)})
        alive = [one for one in server.truth(name) if not one["IsDeleted"]]
        several = chance.sample(alive, min(len(alive), 4))
        for record in several:
            one = chance.choice(list(fields))
            server.put(f"records/{name}", [{"Id": record["Id"], one: chance.choice(fields[one])}])
        done += sum(amounts.values()) + len(several)
    return done


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox"), rows=60) as running:
        yield running


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory, server: Sandbox) -> Path:
    """What every project knows of the sandbox."""
    project = made(tmp_path_factory.mktemp("schema") / "project", "# Nothing\n", server)
    done = project.durable("discover", "--object", "Account", "--object", "Contact")
    assert done.code == 0, done.err
    return project.root / "requirements" / "salesforce.schema.json"


@pytest.fixture(scope="module")
def counted() -> Iterator[dict[str, dict[str, int]]]:
    found: dict[str, dict[str, int]] = {}
    yield found
    columns = ("runs", "operations", "rows compared")
    text = (
        "Compiled packages run night after night against one sandbox whose records are inserted, updated, deleted, "
        "undeleted, leave and enter the filter, are rejected and accepted, and take each other's keys. After each run "
        "every row of the target, its duplicates and its rejects is what a model in plain Python makes of the "
        "sandbox's own records. All were equal."
    )
    rows = {name: [one[column] for column in columns] for name, one in found.items()}
    proof.write_table("mode-runs", "Runs of each mode, layout and deletes policy", text, columns, rows)


def made(root: Path, text: str, server: Sandbox) -> Project:
    """A project that reads this sandbox."""
    project = Project.make(root, text)
    project.variables["SANDBOX_SECRET"] = server.announced["client_secret"]
    profiles = PROFILES.format(url=server.url, client_id=server.announced["client_id"])
    warehouse = profiles.replace("profiles.fresh", "profiles.here").replace("fresh.duckdb", ".durable/warehouse.duckdb")
    (root / "durable.toml").write_text(warehouse.replace('"local"', '"here"'), encoding="utf-8")
    return project


@pytest.mark.parametrize("form", FORMS if SEEDS > 20 else FEW[1::2], ids=lambda form: form.name)
def test_any_nights_of_runs_end_as_the_model_says(
    form: Form, tmp_path: Path, server: Sandbox, schema: Path, counted: dict[str, dict[str, int]]
) -> None:
    text = SPEC.format(layout=LAYOUTS[form.layout], mode=MODES[form.mode], deletes=DELETES[form.deletes])
    project = made(tmp_path / "project", text + DEDUPES.format(keep=form.keep) * form.dedupes, server)
    shutil.copy(schema, project.root / "requirements")
    compiled = compile_pipeline(project.root, "customer_data", commit=False)
    assert compiled.status not in ("rejected", "refused"), compiled.diagnostics
    chance = random.Random(FIRST + FORMS.index(form))
    with runner(project) as several:
        models = {name: MODELS[form.mode](form.deletes, form.keep) for name in FIELDS}
        world = World(form, project, several, server, models)
        counted[form.name] = world.counted
        world.run()
        for _ in range(NIGHTS):
            world.counted["operations"] += change(server, chance)
            world.run()

"""Against a model that holds every row: whatever happens to a table, lazy records and plain lists agree."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from durable_sandbox import blocks, ids
from durable_sandbox.evaluate import Selection, evaluate
from durable_sandbox.generate import Row
from durable_sandbox.objects import Field
from durable_sandbox.soql import parse
from durable_sandbox.store import Store, Table

SEEDS = int(os.environ.get("DURABLE_SEEDS", "20"))
STEPS = 15
NOW = datetime(2026, 2, 1, tzinfo=UTC)
CONDITIONS = (
    "SystemModstamp >= 2025-06-01T00:00:00Z AND SystemModstamp < 2026-01-01T00:00:00Z",
    "SystemModstamp {sign} {stamp}",
    "SystemModstamp {sign} {half}",
    "DoNotCall = true AND Id {sign} '{id}' AND SystemModstamp {sign} {stamp}",
    "Id IN ('{id}','{other}') AND Id {sign} '{id}'",
    "Id > '{id}' AND CreatedDate < 2025-01-01T00:00:00Z",
    "Id <= '{id}' AND (Email = null OR LastName LIKE 'b%')",
    "Id IN ('{id}','{other}') AND SystemModstamp >= 2020-01-01T00:00:00Z",
    "Account.SystemModstamp >= 2025-10-01T00:00:00Z",
    "Account.Owner.SystemModstamp < 2025-10-01T00:00:00Z AND DoNotCall = true",
)
ENDINGS = (
    "",
    " ORDER BY Id",
    " ORDER BY Id LIMIT 7",
    " LIMIT 9 OFFSET 4",
    " ORDER BY SystemModstamp DESC, Id LIMIT 30",
)


class Model:
    """A table as a list of whole rows by name, as the simplest thing that could be right."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.rows: dict[str, dict[str, str]] = {row[0]: self.named(row) for row in table.rows}

    def named(self, row: Row) -> dict[str, str]:
        return dict(zip(self.table.kind.positions, row, strict=True))

    def holds(self) -> None:
        assert [self.named(row) for row in self.table.rows] == list(self.rows.values())
        assert list(self.table.ids) == list(self.rows)
        assert len(self.table) == len(self.rows)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "FIRST_BLOCK_ROWS", 40)
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 15)
    monkeypatch.setattr("durable_sandbox.evaluate._FEW_ROWS", 60)


def put(model: Model, rng: random.Random) -> None:
    table, known = model.table, rng.choice(list(model.rows))
    number = rng.choice((table.free_number(1), rng.randint(1, 150)))
    record_id = rng.choice((known, ids.make(table.kind.prefix, number)))
    stamp = rng.choice(("2026-01-31T00:00:00.000Z", "2026-01-31T00:00:01.250Z", "2025-07-01T00:00:00.000Z"))
    values = model.rows[known] | {"Id": record_id, "IsDeleted": rng.choice(("true", "false"))}
    values |= {name: stamp for name in ("SystemModstamp",) if name in values}
    table.put(tuple(values[name] for name in table.kind.positions))
    model.rows[record_id] = values


def remove(model: Model, rng: random.Random) -> None:
    gone = rng.sample(list(model.rows), 3)
    model.table.remove(gone)
    for one in gone:
        del model.rows[one]


def free_field(model: Model, rng: random.Random) -> Field:
    kept = {"Id", "IsDeleted", "SystemModstamp", "CreatedDate", "Email", "LastName", "AccountId", "DoNotCall"}
    return rng.choice([item for item in model.table.kind.columns if item.name not in kept])


def drop(model: Model, rng: random.Random) -> None:
    item = free_field(model, rng)
    model.table.drop_field(item)
    for row in model.rows.values():
        del row[item.name]


def rename(model: Model, rng: random.Random) -> None:
    item = free_field(model, rng)
    new = f"Renamed_{rng.randint(0, 10**9)}__c"
    model.table.rename_field(item, new)
    for key, row in model.rows.items():
        model.rows[key] = {(new if name == item.name else name): value for name, value in row.items()}


def retype(model: Model, rng: random.Random) -> None:
    item = free_field(model, rng)
    model.table.replace_field(item, replace(item, type="string", length=99), str.upper)
    for row in model.rows.values():
        row[item.name] = row[item.name].upper()


def add(model: Model, rng: random.Random) -> None:
    item = Field(f"Added_{rng.randint(0, 10**9)}__c", "Added", "string", length=20)
    value = rng.choice((None, "gold"))
    model.table.add_field(item, value)
    for row in model.rows.values():
        row[item.name] = value or ""


def set_all(model: Model, rng: random.Random) -> None:
    item = free_field(model, rng)
    model.table.add_field(item, "same")
    for row in model.rows.values():
        row[item.name] = "same"


ACTIONS: tuple[Callable[[Model, random.Random], None], ...] = (
    put,
    put,
    put,
    put,
    remove,
    drop,
    rename,
    retype,
    add,
    set_all,
)


def plain(store: Store) -> Store:
    """The same organisation with every row given instead of generated."""
    other = Store(rows=0, seed=1)
    for name, table in store.tables.items():
        other.tables[name] = Table(table.kind, list(table.rows))
    return other


def answer(text: str, store: Store, deleted_too: bool) -> tuple[list[list[str]], Selection]:
    selection = evaluate(parse(text), store, NOW, deleted_too)
    return [[column.get(row) for column in selection.columns] for row in selection.rows], selection


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_table_is_what_a_list_of_its_rows_would_be_after_any_changes(seed: int, small_blocks: None) -> None:
    rng = random.Random(seed)
    store = Store(rows=rng.choice((30, 41, 100)), seed=seed + 1)
    model = Model(store.tables["contact"])
    taken: list[tuple[list[list[str]], Selection]] = []
    for _ in range(STEPS):
        rng.choice(ACTIONS)(model, rng)
        model.holds()
        stamp = rng.choice(list(model.rows.values()))["SystemModstamp"]
        places = {"id": rng.choice(list(model.rows)), "other": rng.choice(list(model.rows)), "stamp": stamp}
        places |= {"half": stamp.replace(".000Z", ".500Z"), "sign": rng.choice(("<", "<=", ">", ">=", "="))}
        where, ending = rng.choice(CONDITIONS).format(**places), rng.choice(ENDINGS)
        text, deleted_too = f"SELECT Id, Email, Account.Name FROM Contact WHERE {where}{ending}", rng.random() < 0.5
        found, selection = answer(text, store, deleted_too)
        assert found == answer(text, plain(store), deleted_too)[0], text
        taken.append((found, selection))
    for found, selection in taken:
        assert [[column.get(row) for column in selection.columns] for row in selection.rows] == found

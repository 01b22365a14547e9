"""Drift of an organisation that is too big to hold: what a maker gives its records is made when they are read."""

from __future__ import annotations

from collections import Counter

from durable_sandbox import drift
from durable_sandbox.store import Store

AT = "2026-02-03T04:05:06.000Z"
NEW = {"name": "Tier__c", "type": "picklist", "values": ["Gold", "Silver"]}


def test_a_maker_fills_very_many_records_without_keeping_them() -> None:
    store = Store(rows=25_000, seed=2)
    table = store.tables["contact"]
    drift.apply(store, {"op": "add", "object": "Contact", "field": NEW, "maker": "pick", "nulls": 50}, AT)
    place = table.kind.positions["Tier__c"]
    rows = table.rows.needing(frozenset({0, place}))
    found = Counter(row[place] for row in rows)
    assert set(found) == {"", "Gold", "Silver"}
    assert 12_000 < found[""] < 13_000
    assert found["Gold"] + found["Silver"] + found[""] == 25_000
    assert not table.overlay.changed
    assert not table.overlay.added
    assert all((table.get(row[0]) or ())[place] == row[place] for row in rows[22_000:22_020])


def test_a_retyped_field_of_very_many_records_is_converted_when_it_is_read() -> None:
    store = Store(rows=25_000, seed=2)
    table = store.tables["contact"]
    before = [row[table.kind.positions["Birthdate"]] for row in table.rows[24_000:24_010]]
    drift.apply(store, {"op": "retype", "object": "Contact", "field": "Birthdate", "type": "datetime"}, AT)
    drift.apply(store, {"op": "rename", "object": "Contact", "field": "Birthdate", "to": "Born_At__c"}, AT)
    after = [row[table.kind.positions["Born_At__c"]] for row in table.rows[24_000:24_010]]
    assert after == [day and f"{day}T00:00:00.000Z" for day in before]
    assert any(after)
    assert not table.overlay.changed


def test_a_replaced_picklist_value_moves_the_stamp_to_the_moment_of_the_order() -> None:
    store = Store(rows=200, seed=2)
    table = store.tables["lead"]
    value, stamp = (table.kind.positions[name] for name in ("Rating", "SystemModstamp"))
    hot = {row[0] for row in table.rows if row[value] == "Hot"}
    order = {"op": "picklist_replace", "object": "Lead", "field": "Rating", "value": "Hot", "with": "Cold"}
    drift.apply(store, order, AT)
    assert hot
    assert {row[0] for row in table.rows if row[stamp] == AT} == hot
    assert {row[value] for row in table.rows if row[0] in hot} == {"Cold"}

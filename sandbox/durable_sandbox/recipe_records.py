"""A recipe's records in the sandbox's tables: checked against the objects' fields, with Ids and system fields."""

from __future__ import annotations

import difflib
import random
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from durable_sandbox import ids
from durable_sandbox.clock import ANCHOR, stamp
from durable_sandbox.generate import NULL, Draft, Row, derive
from durable_sandbox.objects import COMPOUND_TYPES, ID_TYPES, TEXT_TYPES, Field
from durable_sandbox.recipe import Recipe, Template
from durable_sandbox.recipe_terms import Made, RecipeError, Scope, Spot
from durable_sandbox.store import Store, Table
from durable_sandbox.values import stored

_NUMBERED = frozenset({"case_number", "health_number", "number_text"})
"""Makers of the numbers that Salesforce gives a record by itself."""
_QUOTED = TEXT_TYPES | ID_TYPES
_DECIMAL = frozenset({"double", "currency", "percent"})
_STAMPS = ("CreatedDate", "LastModifiedDate", "SystemModstamp")


def fill(store: Store, recipe: Recipe, seed: int) -> dict[str, int]:
    """Put the recipe's records into an empty organisation; how many of each object. Raises RecipeError."""
    kitchen = _Kitchen(store)
    scope = Scope(random.Random(f"{seed}/recipe"), store.pools, create=kitchen.create)
    try:
        recipe.run(scope)
    except RecursionError as error:
        raise RecipeError(f"{recipe.name}: its objects make each other without an end") from error
    return dict(kitchen.counts)


class _Kitchen:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.counts: Counter[str] = Counter()
        self.user = store.tables["user"].ids[0]
        self.stamp = stamp(ANCHOR - timedelta(days=2))

    def create(self, template: Any, scope: Scope) -> Made:
        assert isinstance(template, Template)
        table = self.table(template)
        self.counts[table.kind.name] += 1
        number = self.counts[table.kind.name]
        record_id = ids.make(table.kind.prefix, table.free_number(1))
        made = Made(table.kind.name, number, record_id, template.spot)
        outer, scope.current = scope.current, made
        given: dict[str, str] = {}
        for name, spot, value in template.fields:
            made.values[name] = found = value(scope)
            scope.current = made
            if not name.startswith("__"):
                item = self.field(table, name, spot)
                given[item.name] = self.stored(item, found, spot)
        table.put(self.row(table, record_id, given, template.spot))
        self.remember(made, template, scope)
        scope.current = made if template.friends else outer
        return made

    def remember(self, made: Made, template: Template, scope: Scope) -> None:
        scope.every.setdefault(made.kind, []).append(made)
        for name in (made.kind, template.object, template.nickname):
            if name:
                scope.latest[name] = made
        if template.nickname:
            scope.every.setdefault(template.nickname, []).append(made)

    def table(self, template: Template) -> Table:
        table = self.store.table(template.object)
        if table is None or not table.kind.listed:
            known = sorted(item.kind.name for item in self.store.listed())
            raise template.spot.error(f"the sandbox has no object {template.object}{_near(template.object, known)}")
        return table

    def field(self, table: Table, name: str, spot: Spot) -> Field:
        item = table.field(name)
        known = [one.name for one in table.kind.columns]
        if item is None:
            raise spot.error(f"{table.kind.name} has no field {name}{_near(name, known)}")
        if item.type in COMPOUND_TYPES or "calculated" in item.flags or item.name == "Id":
            instead = "its parts" if item.type in COMPOUND_TYPES else "the fields that it comes from"
            why = "Salesforce gives it: leave it out" if item.name == "Id" else f"it cannot be set: write {instead}"
            raise spot.error(f"{table.kind.name}.{item.name}: {why}")
        return item

    def stored(self, item: Field, value: object, spot: Spot) -> str:
        """The value as the table holds it, checked against the field's type, length, values and targets."""
        if isinstance(value, Made):
            if value.kind not in item.reference_to:
                raise spot.error(f"{item.name} cannot refer to {value.kind}{_targets(item)}")
            return value.record_id
        text = _plain(item, value, spot)
        try:
            text = stored(item, text)
        except ValueError as error:
            raise spot.error(str(error)) from error
        if text:
            _check(item, text, spot)
        return text

    def row(self, table: Table, record_id: str, given: dict[str, str], spot: Spot) -> Row:
        values = {item.name: self.default(table, item, record_id) for item in table.kind.columns}
        values |= given
        if "LastModifiedDate" in given and "SystemModstamp" not in given:
            values["SystemModstamp"] = given["LastModifiedDate"]
        row = derive(table.kind, tuple(values[item.name] for item in table.kind.columns))
        missing = [
            item.name
            for item, value in zip(table.kind.columns, row, strict=True)
            if not value and "required" in item.flags and not item.system
        ]
        if missing:
            raise spot.error(f"{table.kind.name} needs {', '.join(missing)}: write it under fields")
        return row

    def default(self, table: Table, item: Field, record_id: str) -> str:
        if item.name == "Id":
            return record_id
        if item.type == "boolean":
            return "true" if item.maker == "true" else "false"
        if item.name in _STAMPS:
            return self.stamp
        if item.maker == "user" and (item.system or "required" in item.flags):
            return self.user
        if item.system and item.maker in _NUMBERED:
            number = ids.number_of(table.kind.prefix, record_id) or 0
            return Draft("", self.store.pools, table.kind, 1, number, {}, whole=False).column(item.name)[0]
        return item.default or NULL


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.6)
    return f": did you mean {near[0]}?" if near else f"; it has {', '.join(known)}"


def _targets(item: Field) -> str:
    return f": it refers to {' or '.join(item.reference_to)}" if item.reference_to else f": it is {item.type}"


def _plain(item: Field, value: object, spot: Spot) -> object:
    if isinstance(value, datetime):
        return value.date().isoformat() if item.type == "date" else stamp(value.astimezone(ANCHOR.tzinfo))
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z" if item.type == "datetime" else value.isoformat()
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if item.type in _QUOTED and isinstance(value, bool | float):
        raise spot.error(f"{item.name} is text, and YAML reads {value!r} here: put the text in quotes")
    if number and item.type in _DECIMAL:
        return repr(float(value)) if isinstance(value, float) else f"{value}.0"
    if value is None or isinstance(value, bool | int | str):
        return value
    raise spot.error(
        f"{item.name} cannot hold {value!r}: write a text, a number, a date, true or false, or a reference"
    )


def _check(item: Field, text: str, spot: Spot) -> None:
    if item.type == "boolean" and text not in ("true", "false"):
        raise spot.error(f"{item.name} must be true or false, not {text!r}")
    if item.type in ("int", "long") and not text.lstrip("-").isdecimal():
        raise spot.error(f"{item.name} must be a whole number, not {text}")
    if item.type == "date":
        try:
            date.fromisoformat(text)
        except ValueError as error:
            raise spot.error(f"{item.name} must be a date such as 2026-01-31, not {text!r}") from error
    if item.type in ("reference", "id") and not ids.is_valid(text):
        raise spot.error(f"{item.name} must be a reference, not {text!r}: write `reference: NICKNAME`")
    if item.length and item.type not in ("reference", "id") and len(text) > item.length:
        raise spot.error(f"{item.name} holds {item.length} characters, and this has {len(text)}")
    chosen = text.split(";") if item.type == "multipicklist" else [text]
    unknown = [one for one in chosen if one not in item.values]
    if item.picklist and "restricted" in item.flags and unknown:
        raise spot.error(f"{item.name} has no value {', '.join(unknown)}: it has {', '.join(item.values)}")

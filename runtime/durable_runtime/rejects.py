"""Dead letters as the warehouse holds them: which records are rejected, by which rule, and what they say."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from durable_runtime.errors import ConfigurationError
from durable_runtime.runs import stamp
from durable_runtime.sealing import Sealer
from durable_runtime.tasks import user
from durable_runtime.warehouse.base import Warehouse

COLUMNS = (
    "source_object",
    "source_id",
    "source_modified_at",
    "rule",
    "requirement",
    "message",
    "run_id",
    "rejected_at",
    "record",
)
AT_ONCE = 5_000  # rows in memory together
ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
WORD = re.compile(r"[\w.:-]+")


@dataclass(frozen=True, slots=True)
class Reject:
    """One row of the dead-letter table, in the order of COLUMNS; moments are naive UTC, `record` may be sealed."""

    object: str
    id: str
    modified_at: datetime | None
    rule: str
    requirement: str | None
    message: str | None
    run_id: str | None
    rejected_at: datetime
    record: str | None

    def values(self, sealer: Sealer) -> dict[str, str | None]:
        """The landed fields, API name or path to text. Raises Unopened."""
        found: dict[str, str | None] = json.loads(sealer.open(self.object, self.id, self.record or "{}"))
        return found


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which dead letters are meant: all, or those of a rule or requirement, or those with these Ids."""

    rule: str | None = None
    ids: tuple[str, ...] = ()

    def conditions(self, object: str | None = None) -> str:
        """SQL for a WHERE. Raises ConfigurationError for what can be no rule or Id."""
        parts = [] if object is None else [f"r.source_object = '{_word(object, '--object')}'"]
        if self.rule is not None:
            rule = _word(self.rule, "--rule")
            parts.append(f"(r.rule = '{rule}' OR r.requirement = '{rule}')")
        if self.ids:
            listed = ", ".join(f"'{_id(one)[:15]}'" for one in self.ids)
            parts.append(f"SUBSTR(r.source_id, 1, 15) IN ({listed})")
        return " AND ".join(parts) or "1 = 1"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many records of an object one rule rejects."""

    object: str
    rule: str
    requirement: str | None
    count: int


def tables(warehouse: Warehouse, objects: Sequence[str]) -> tuple[str, ...]:
    """The dead-letter tables of these objects; those that were never made are left out."""
    found = [warehouse.rejects_table(name) for name in objects]
    return tuple(dict.fromkeys(one for one in found if one is not None))


def newest(
    warehouse: Warehouse, objects: Sequence[str], object: str | None, chosen: Chosen, limit: int
) -> list[Reject]:
    """At most so many, what was rejected last first."""
    found: list[Reject] = []
    for table in tables(warehouse, objects):
        rows = warehouse.query(
            f"SELECT {_selected()} FROM {table} r WHERE {chosen.conditions(object)} "
            f"ORDER BY r.rejected_at DESC, r.source_object, r.source_id LIMIT {limit}"
        ).rows
        found += [Reject(*row) for row in rows]
    found.sort(key=lambda one: (one.object, one.id))
    return sorted(found, key=lambda one: one.rejected_at, reverse=True)[:limit]


def tallies(warehouse: Warehouse, objects: Sequence[str], object: str | None, chosen: Chosen) -> list[Tally]:
    """Counts by object and rule, the greatest first."""
    found: list[Tally] = []
    for table in tables(warehouse, objects):
        rows = warehouse.query(
            f"SELECT r.source_object, r.rule, r.requirement, COUNT(*) FROM {table} r "
            f"WHERE {chosen.conditions(object)} GROUP BY r.source_object, r.rule, r.requirement"
        ).rows
        found += [Tally(name, rule, requirement, int(count)) for name, rule, requirement, count in rows]
    return sorted(found, key=lambda one: (-one.count, one.object, one.rule, one.requirement or ""))


def every(warehouse: Warehouse, object: str, chosen: Chosen) -> Iterator[Reject]:
    """All dead letters of an object that are meant, in the order of their Ids."""
    table, last = warehouse.rejects_table(object), ""
    while table is not None:
        rows = warehouse.query(
            f"SELECT {_selected()} FROM {table} r WHERE {chosen.conditions(object)} AND r.source_id > '{last}' "
            f"ORDER BY r.source_id LIMIT {AT_ONCE}"
        ).rows
        yield from (Reject(*row) for row in rows)
        if len(rows) < AT_ONCE:
            return
        last = str(rows[-1][1])


def rejected_since(warehouse: Warehouse, object: str, chosen: Chosen) -> dict[str, datetime]:
    """Id to the moment of its rejection, of all that are meant: equal ones tell that nobody changed them."""
    table = warehouse.rejects_table(object)
    if table is None:
        return {}
    rows = warehouse.query(f"SELECT r.source_id, r.rejected_at FROM {table} r WHERE {chosen.conditions(object)}").rows
    return {str(id): moment for id, moment in rows}


def note_reading(state: Path, pipeline: str, profile: str, shown: Sequence[Reject]) -> None:
    """Leave a line in `<state>/audit/rejects.jsonl` about whoever is about to see values: who, when, which records."""
    folder = state / "audit"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    records: dict[str, list[str]] = {}
    for one in shown:
        records.setdefault(one.object, []).append(one.id)
    line = {
        "who": user(),
        "when": stamp(datetime.now(UTC)),
        "what": "rejects list --show-values",
        "pipeline": pipeline,
        "profile": profile,
        "records": records,
    }
    descriptor = os.open(folder / "rejects.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def as_json(one: Reject) -> dict[str, Any]:
    """What is told of a dead letter; none of its record's values."""
    return {
        "object": one.object,
        "id": one.id,
        "rule": one.rule,
        "requirement": one.requirement,
        "message": one.message,
        "run_id": one.run_id,
        "rejected_at": stamp(one.rejected_at.replace(tzinfo=UTC)),
        "source_modified_at": stamp(one.modified_at.replace(tzinfo=UTC)) if one.modified_at else None,
    }


def _selected() -> str:
    return ", ".join(f"r.{name}" for name in COLUMNS)


def _word(text: str, flag: str) -> str:
    if not WORD.fullmatch(text):
        raise ConfigurationError(f"{flag} is {text!r}.", help="Give it as `durable rejects list` shows it.")
    return text


def _id(text: str) -> str:
    if not ID.fullmatch(text):
        raise ConfigurationError(f"--id is {text!r}, which is no Salesforce Id.", help="An Id has 15 or 18 characters.")
    return text

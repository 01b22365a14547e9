"""Clauses merged into one draft of the IR: who set each path, and which clauses set one thing differently."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from durable_compiler.catalogue import Snapshot
from durable_compiler.diagnostics import Diagnostic, error
from durable_compiler.entries import ENTRY_KEYS
from durable_compiler.frames import frame_of
from durable_compiler.frames.frame import Clause
from durable_compiler.grammar.regions import lies_in
from durable_compiler.layout import column_name
from durable_compiler.requirements import Requirement

EVERY_OBJECT = "*"
_CODES = {"schedule": "DUR061", "target": "DUR062"}
_ATOMS = frozenset(_CODES)


@dataclass(frozen=True)
class Statement:
    """A clause, the requirement that makes it and where its sentence stands."""

    clause: Clause
    requirement: Requirement


@dataclass
class Draft:
    """The IR under construction: plain values, who set each path, what contradicts."""

    values: dict[str, Any] = field(default_factory=dict)
    setters: dict[str, Statement] = field(default_factory=dict)
    trace: dict[str, set[str]] = field(default_factory=dict)
    assumptions: list[dict[str, Any]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    synced: list[str] = field(default_factory=list)


def fragment(clause: Clause, catalogue: Snapshot) -> dict[str, Any]:
    """The keys of the IR that a clause sets."""
    return frame_of(clause).ir(clause, catalogue)


def merged(statements: Sequence[Statement], catalogue: Snapshot) -> Draft:
    """Every clause in one draft; those that sync come first, because the others speak of their objects."""
    draft = Draft()
    for statement in sorted(statements, key=lambda one: one.clause.kind != "sync"):
        _merge_statement(draft, statement, catalogue)
    return draft


def natural(identifier: str) -> tuple[int, ...]:
    """Requirement IDs in the order of their numbers."""
    return tuple(int(part) for part in identifier[1:].split("."))


def _merge_statement(draft: Draft, statement: Statement, catalogue: Snapshot) -> None:
    clause, requirement = statement.clause, statement.requirement
    parts = fragment(clause, catalogue)
    if clause.kind == "sync":
        draft.synced += [one["name"] for one in parts["source"]["objects"] if one["name"] not in draft.synced]
    _merge(draft, draft.values, parts, "", statement)
    for path in frame_of(clause).trace:
        if _sets(parts, path.split(".")):
            draft.trace.setdefault(path, set()).add(requirement.id)
    for one in clause.assumed:
        value = list(one.value) if isinstance(one.value, tuple) else one.value
        draft.assumptions.append({"requirement": requirement.id, "key": one.key, "value": value, "why": one.why})


def _sets(parts: Any, path: Sequence[str]) -> bool:
    """Whether a fragment sets an IR path; `[]` stands for the entries of a list."""
    if not path:
        return True
    key, rest = path[0].removesuffix("[]"), path[1:]
    if not isinstance(parts, dict) or key not in parts:
        return False
    if path[0].endswith("[]"):
        return any(_sets(entry, rest) for entry in parts[key])
    return _sets(parts[key], rest) if rest else parts[key] not in ([], {})


def _merge(draft: Draft, into: dict[str, Any], parts: dict[str, Any], prefix: str, statement: Statement) -> None:
    for key, value in parts.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and path not in _ATOMS:
            _merge(draft, into.setdefault(key, {}), value, f"{path}.", statement)
        elif path == "source.objects":
            _merge_objects(draft, into.setdefault(key, []), value, statement)
        elif path == "residency.regions":
            _merge_regions(draft, into, value, statement)
        elif path in ENTRY_KEYS:
            for entry in value:
                _append(draft, into.setdefault(key, []), entry, path, statement)
        elif key in into and into[key] != value:
            contradiction(draft, path, statement)
        else:
            into[key] = value
            draft.setters.setdefault(path, statement)


# --- objects ----------------------------------------------------------------------------------------------------


def _merge_objects(
    draft: Draft, objects: list[dict[str, Any]], entries: list[dict[str, Any]], statement: Statement
) -> None:
    for entry in entries:
        for name in draft.synced if entry["name"] == EVERY_OBJECT else [entry["name"]]:
            known = next((one for one in objects if one["name"] == name), None)
            if known is None:
                known = {"name": name}
                objects.append(known)
            for key, value in entry.items():
                if key != "name":
                    _OBJECT_PARTS[key](draft, known, value, statement)


def _both_conditions(draft: Draft, known: dict[str, Any], where: dict[str, Any], statement: Statement) -> None:
    """A record must meet the condition of every requirement."""
    draft.setters.setdefault(f"source.objects.{known['name']}.where", statement)
    before = known.get("where")
    if before is None:
        known["where"] = where
    elif before != where:
        known["where"] = {"op": "and", "args": [*_arguments(before), *_arguments(where)]}


def _arguments(condition: dict[str, Any]) -> list[dict[str, Any]]:
    return list(condition["args"]) if condition["op"] == "and" else [condition]


def _since(draft: Draft, known: dict[str, Any], since: str | None, statement: Statement) -> None:
    _once(draft, known, "since", since, statement)


def _only_fields(draft: Draft, known: dict[str, Any], names: list[str], statement: Statement) -> None:
    _once(draft, known, "fields", names, statement)


def _once(draft: Draft, known: dict[str, Any], key: str, value: Any, statement: Statement) -> None:
    path = f"source.objects.{known['name']}.{key}"
    if key in known and known[key] != value:
        contradiction(draft, path, statement, f"{key} of {known['name']}")
    known.setdefault(key, value)
    draft.setters.setdefault(path, statement)


def _excluded(draft: Draft, known: dict[str, Any], names: list[str], statement: Statement) -> None:
    known["excluded"] = list(dict.fromkeys([*known.get("excluded", ()), *names]))
    for name in names:
        draft.setters.setdefault(f"source.objects.{known['name']}.excluded.{name}", statement)


def _lookups(draft: Draft, known: dict[str, Any], lookups: list[dict[str, str]], statement: Statement) -> None:
    entries = known.setdefault("lookups", [])
    for one in lookups:
        path = f"source.objects.{known['name']}.lookups.{one['column']}"
        other = next((entry for entry in entries if entry["column"] == one["column"]), None)
        if other is None:
            entries.append(one)
            draft.setters[path] = statement
        elif other != one:
            contradiction(draft, path, statement, f"column {one['column']}")


_OBJECT_PARTS: dict[str, Callable[[Draft, dict[str, Any], Any, Statement], None]] = {
    "where": _both_conditions,
    "since": _since,
    "fields": _only_fields,
    "excluded": _excluded,
    "lookups": _lookups,
}


# --- lists ------------------------------------------------------------------------------------------------------


def _append(draft: Draft, entries: list[Any], entry: dict[str, Any], path: str, statement: Statement) -> None:
    identity = json.dumps([path, *(entry[key] for key in ENTRY_KEYS[path])])
    other = next((one for one in entries if all(one[key] == entry[key] for key in ENTRY_KEYS[path])), None)
    if other is None:
        entries.append(dict(entry))
        draft.setters[identity] = statement
    elif path == "mappings" and (joined := _joined_mapping(other, entry)) is not None:
        other.update(joined)
    elif other != entry:
        contradiction(draft, identity, statement, path)


def _joined_mapping(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any] | None:
    """One mapping of two about a field: a clause that only cleans leaves column and type to the one that names them."""
    plain = column_name(one["field"])
    columns = {entry["column"] for entry in (one, other)} - {plain} or {plain}
    types = {entry["type"] for entry in (one, other)} - {None} or {None}
    transforms = list(dict.fromkeys([*one["transforms"], *other["transforms"]]))
    if len(columns) > 1 or len(types) > 1 or {"lower", "upper"} <= set(transforms):
        return None
    return {"column": columns.pop(), "type": types.pop(), "transforms": transforms}


def _merge_regions(draft: Draft, into: dict[str, Any], regions: list[str], statement: Statement) -> None:
    """Regions of one sentence are alternatives; another sentence may only narrow them."""
    before = into.get("regions")
    if before is None:
        into["regions"] = list(regions)
        draft.setters["residency.regions"] = statement
    elif _within(regions, before):
        into["regions"] = list(regions)
    elif not _within(before, regions):
        contradiction(draft, "residency.regions", statement)


def _within(inner: Sequence[str], outer: Sequence[str]) -> bool:
    """Whether each region lies in one of the others: aws:eu-central-1 in de and in eu."""
    return all(any(lies_in(one, other) for other in outer) for one in inner)


# --- contradictions ---------------------------------------------------------------------------------------------


def contradiction(draft: Draft, identity: str, statement: Statement, path: str | None = None) -> None:
    """Two statements set one thing differently."""
    earlier, later = draft.setters[identity].requirement, statement.requirement
    what = path or identity
    message = f"{later.id} and {earlier.id} set {what} differently"
    if earlier.id == later.id:
        message = f"{later.id} sets {what} twice, differently"
    span = later.span(0, len(later.text))
    help = f"Keep one of them ({earlier.id} is on line {earlier.line})."
    code = _CODES.get(what, "DUR060")
    draft.diagnostics.append(error(code, message, later.file, span, requirement=later.id, help=help))


def objects_in(parts: dict[str, Any]) -> Iterator[str]:
    """Every object that a fragment names."""
    yield from (one["name"] for one in parts.get("source", {}).get("objects", []) if one["name"] != EVERY_OBJECT)
    for value in parts.values():
        if isinstance(value, list):
            yield from (entry["object"] for entry in value if entry.get("object"))

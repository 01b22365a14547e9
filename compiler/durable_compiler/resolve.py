"""Clauses to one Pipeline: merged parts, listed defaults, contradictions as diagnostics."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from durable_compiler.catalogue import Snapshot
from durable_compiler.diagnostics import Diagnostic, error
from durable_compiler.frames import frame_of
from durable_compiler.frames.frame import Clause
from durable_compiler.ir import Assumption, Pipeline
from durable_compiler.layout import lay_out
from durable_compiler.requirements import Requirement

# What makes two entries of a list about the same thing, so that they must not differ.
_KEYS: dict[str, tuple[str, ...]] = {
    "dedupe": ("object",),
    "mappings": ("object", "field"),
    "enums": ("object", "field"),
    "required": ("object", "field"),
    "alerts": ("on", "channel", "to"),
}
_CODES = {"schedule": "DUR061", "target": "DUR062"}
_ATOMS = frozenset(_CODES)

# path, value, why: what a spec that is silent means.
_DEFAULTS: tuple[tuple[str, Any, str], ...] = (
    ("write.mode", "upsert", "the spec names no write mode"),
    ("write.batch_rows", 50000, "the spec names no batch size"),
    ("incremental.enabled", True, "the spec does not say whether runs read only changes"),
    ("incremental.cursor", "SystemModstamp", "Salesforce changes it on every change, also by its own processes"),
    ("incremental.overlap_seconds", 600, "the spec names no overlap"),
    ("incremental.formula_refresh", "every_run", "formula fields change without a timestamp"),
    ("incremental.reconcile_cron", "0 3 * * 0", "records deleted for good leave no other trace"),
    ("deletes", "skip", "the spec does not say what happens to deleted records"),
    ("drift.unknown_fields", "extensions", "the spec does not say what happens to unknown fields"),
    ("drift.column", "extensions", "the spec names no column for unknown fields"),
    ("retry.max_attempts", 5, "the spec names no number of retries"),
    ("retry.backoff", "exponential", "the spec names no backoff"),
    ("retry.max_elapsed_seconds", 900, "the spec names no time limit for retries"),
    ("retry.classes", ("rate_limit", "network"), "the spec does not say what is retried"),
    ("approvals.spec_change", 0, "the spec asks for no approval of changes to itself"),
    ("approvals.schema_change", 0, "the spec asks for no approval of schema changes"),
    ("approvals.deploy", 0, "the spec asks for no approval of deployments"),
    ("deploy.strategy", "in_place", "the spec names no deployment strategy"),
    ("deploy.isolation", "process", "the spec does not ask for a container"),
)

# What the runtime holds where a spec sets no guard (durable_runtime.guards); no IR key carries them.
_SILENT_GUARDS = (
    (
        "leaving",
        "10 % of an object's live rows and more than 20 rows",
        "a run that flags or removes more waits for a person",
    ),
    ("rejected", "half of over 100 records", "a run that rejects more waits for a person"),
)


@dataclass(frozen=True)
class Statement:
    """A clause, the requirement that makes it and where its sentence stands."""

    clause: Clause
    requirement: Requirement


@dataclass
class _Draft:
    """The IR under construction: plain values, who set each path, what contradicts."""

    values: dict[str, Any] = field(default_factory=dict)
    setters: dict[str, Statement] = field(default_factory=dict)
    trace: dict[str, set[str]] = field(default_factory=dict)
    assumptions: list[dict[str, Any]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def resolve(
    name: str, statements: Sequence[Statement], requirements: Sequence[dict[str, Any]], catalogue: Snapshot, file: str
) -> tuple[Pipeline | None, list[Diagnostic]]:
    """One Pipeline, or the reasons why there is none."""
    draft = _Draft()
    for statement in statements:
        _merge_statement(draft, statement, catalogue)
    _check(draft, statements, catalogue, file)
    if draft.diagnostics:
        return None, draft.diagnostics
    _fill(draft, catalogue)
    trace = {path: tuple(sorted(ids, key=_natural)) for path, ids in sorted(draft.trace.items())}
    whole = {"name": name, "requirements": tuple(requirements), **draft.values}
    pipeline = Pipeline.model_validate({**whole, "assumptions": draft.assumptions, "trace": trace})
    named = _column_assumptions(pipeline, catalogue)
    return pipeline.model_copy(update={"assumptions": (*pipeline.assumptions, *named)}), []


def _column_assumptions(pipeline: Pipeline, catalogue: Snapshot) -> tuple[Assumption, ...]:
    """Columns that could not have their own name, because an earlier object's column of another type has it."""
    owner = min(pipeline.trace["source.objects"], key=_natural)
    return tuple(
        Assumption(
            requirement=owner,
            key=f"columns.{clash.object}.{clash.column}",
            value=clash.renamed,
            why=f"an earlier object has a column {clash.column} of another type",
        )
        for clash in lay_out(pipeline, catalogue).clashes
    )


def contradictions(statements: Sequence[Statement], catalogue: Snapshot) -> list[Diagnostic]:
    """Where clauses set one thing to different values."""
    draft = _Draft()
    for statement in statements:
        _merge_statement(draft, statement, catalogue)
    return draft.diagnostics


def fragment(clause: Clause, catalogue: Snapshot) -> dict[str, Any]:
    """The keys of the IR that a clause sets."""
    return frame_of(clause).ir(clause, catalogue)


def owners(statements: Sequence[Statement], catalogue: Snapshot) -> dict[tuple[str, str, str], str]:
    """(IR list, object, field) of every entry about an object → the requirement that made it."""
    return {
        (path, entry["object"], entry.get("field", "")): statement.requirement.id
        for statement in statements
        for path, entries in fragment(statement.clause, catalogue).items()
        if isinstance(entries, list)
        for entry in entries
        if "object" in entry
    }


def _natural(identifier: str) -> tuple[int, ...]:
    return tuple(int(part) for part in identifier[1:].split("."))


def _merge_statement(draft: _Draft, statement: Statement, catalogue: Snapshot) -> None:
    clause, requirement = statement.clause, statement.requirement
    parts = fragment(clause, catalogue)
    _merge(draft, draft.values, parts, "", statement)
    for path in frame_of(clause).trace:
        if path.split(".")[0] in parts:
            draft.trace.setdefault(path, set()).add(requirement.id)
    for one in clause.assumed:
        value = list(one.value) if isinstance(one.value, tuple) else one.value
        draft.assumptions.append({"requirement": requirement.id, "key": one.key, "value": value, "why": one.why})


def _merge(draft: _Draft, into: dict[str, Any], parts: dict[str, Any], prefix: str, statement: Statement) -> None:
    for key, value in parts.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and path not in _ATOMS:
            _merge(draft, into.setdefault(key, {}), value, f"{path}.", statement)
        elif path == "source.objects":
            objects = into.setdefault(key, [])
            objects += [one for one in value if one not in objects]
        elif isinstance(value, list) and path in _KEYS:
            for entry in value:
                _append(draft, into.setdefault(key, []), entry, path, statement)
        elif key in into and into[key] != value:
            _contradiction(draft, path, statement)
        else:
            into[key] = value
            draft.setters.setdefault(path, statement)


def _append(draft: _Draft, entries: list[Any], entry: dict[str, Any], path: str, statement: Statement) -> None:
    identity = json.dumps([path, *(entry[key] for key in _KEYS[path])])
    other = next((one for one in entries if all(one[key] == entry[key] for key in _KEYS[path])), None)
    if other is None:
        entries.append(entry)
        draft.setters[identity] = statement
    elif other != entry:
        _contradiction(draft, identity, statement, path)


def _contradiction(draft: _Draft, identity: str, statement: Statement, path: str | None = None) -> None:
    earlier, later = draft.setters[identity].requirement, statement.requirement
    what = path or identity
    message = f"{later.id} and {earlier.id} set {what} differently"
    if earlier.id == later.id:
        message = f"{later.id} sets {what} twice, differently"
    span = later.span(0, len(later.text))
    help = f"Keep one of them ({earlier.id} is on line {earlier.line})."
    code = _CODES.get(what, "DUR060")
    draft.diagnostics.append(error(code, message, later.file, span, requirement=later.id, help=help))


def _check(draft: _Draft, statements: Sequence[Statement], catalogue: Snapshot, file: str) -> None:
    synced = [one["name"] for one in draft.values.get("source", {}).get("objects", [])]
    if not synced:
        from durable_compiler.diagnostics import Span

        help = "Write which objects are synced, e.g. Syncs Accounts and Contacts from Salesforce."
        draft.diagnostics.append(error("DUR063", "the spec syncs no object", file, Span(1, 1, 1, 2), help=help))
        return
    for statement in statements:
        _check_objects(draft, statement, synced, catalogue)
        _check_zone(draft, statement)


def _check_objects(draft: _Draft, statement: Statement, synced: list[str], catalogue: Snapshot) -> None:
    requirement = statement.requirement
    named = dict.fromkeys(_objects_in(fragment(statement.clause, catalogue)))
    for name in named:
        span = requirement.span(0, len(requirement.text))
        schema = catalogue.by_name[name]
        if name not in synced:
            message, help = (
                f"{schema.label} is not synced",
                f"Add it: Syncs {catalogue.object_label(name)} from Salesforce.",
            )
            draft.diagnostics.append(
                error("DUR034", message, requirement.file, span, requirement=requirement.id, help=help)
            )
        elif statement.clause.kind == "sync" and not schema.queryable:
            message, help = f"Salesforce cannot query {schema.label}", "Leave the object out."
            draft.diagnostics.append(
                error("DUR036", message, requirement.file, span, requirement=requirement.id, help=help)
            )


def _objects_in(parts: dict[str, Any]) -> Iterable[str]:
    yield from (one["name"] for one in parts.get("source", {}).get("objects", []))
    for value in parts.values():
        if isinstance(value, list):
            yield from (entry["object"] for entry in value if entry.get("object"))


def _check_zone(draft: _Draft, statement: Statement) -> None:
    zone = getattr(statement.clause, "zone", None) if statement.clause.kind != "schedule" else None
    schedule = draft.values.get("schedule")
    expected = schedule["timezone"] if schedule else "UTC"
    if zone is not None and zone != expected:
        one = statement.requirement
        message = f"the sentence says {zone}, the schedule {expected}"
        help = f"Write the time in {expected}."
        draft.diagnostics.append(
            error("DUR064", message, one.file, one.span(0, len(one.text)), requirement=one.id, help=help)
        )


def _fill(draft: _Draft, catalogue: Snapshot) -> None:
    asked = {one["key"] for one in draft.assumptions}
    for path, value, why in _DEFAULTS:
        if _set_default(draft.values, path, value) and path not in asked:
            value = list(value) if isinstance(value, tuple) else value
            owner = _owner(draft, path)
            draft.assumptions.append({"requirement": owner, "key": path, "value": value, "why": why})
    write, target = draft.values["write"], draft.values.get("target")
    per_object = target is not None and target["layout"] == "per_object"
    extra = {"append": ["source_modified_at"], "history": ["valid_from"]}.get(write["mode"], [])
    write["key"] = [*([] if per_object else ["source_object"]), "source_id", *extra]
    why = "what identifies a row follows from the layout and the write mode"
    owner = _owner(draft, "write.key")
    draft.assumptions.append({"requirement": owner, "key": "write.key", "value": list(write["key"]), "why": why})
    draft.assumptions += [
        {"requirement": _owner(draft, "guards"), "key": f"guards.{guard}", "value": value, "why": why}
        for guard, value, why in _SILENT_GUARDS
        if not draft.values.get("guards")
    ]
    draft.values["source"] = {
        "objects": [
            {**one, "fields": catalogue.by_name[one["name"]].readable_fields()}
            for one in draft.values["source"]["objects"]
        ]
    }


def _owner(draft: _Draft, path: str) -> str | None:
    """The requirement whose sentence a default completes: one about the same part, or the first that syncs."""
    part = path.split(".", maxsplit=1)[0]
    for known, statement in draft.setters.items():
        if known.split(".")[0] == part:
            return statement.requirement.id
    ids = draft.trace.get("source.objects")
    return min(ids, key=_natural) if ids else None


def _set_default(values: dict[str, Any], path: str, value: Any) -> bool:
    *parents, key = path.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
    if key in values:
        return False
    values[key] = list(value) if isinstance(value, tuple) else value
    return True

"""Clauses to one Pipeline: merged parts, listed defaults, contradictions as diagnostics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from durable_compiler.catalogue import SYSTEM_FIELDS, Snapshot
from durable_compiler.contradictions import check, unread
from durable_compiler.cursors import fallbacks
from durable_compiler.diagnostics import Diagnostic
from durable_compiler.entries import entry_key
from durable_compiler.ir import Assumption, Pipeline
from durable_compiler.layout import lay_out
from durable_compiler.merging import Draft, Statement, fragment, merged, natural
from durable_runtime.spec import LEAVING_KINDS

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


def resolve(
    name: str, statements: Sequence[Statement], requirements: Sequence[dict[str, Any]], catalogue: Snapshot, file: str
) -> tuple[Pipeline | None, list[Diagnostic]]:
    """One Pipeline, or the reasons why there is none."""
    draft = merged(statements, catalogue)
    check(draft, list(statements), catalogue, file)
    if draft.diagnostics:
        return None, draft.diagnostics
    _fill(draft, catalogue)
    trace = {path: tuple(sorted(ids, key=natural)) for path, ids in sorted(draft.trace.items())}
    whole = {"name": name, "requirements": tuple(requirements), **draft.values}
    pipeline = Pipeline.model_validate({**whole, "assumptions": draft.assumptions, "trace": trace})
    named = (*_column_assumptions(pipeline, catalogue), *_cursor_assumptions(pipeline, catalogue))
    return pipeline.model_copy(update={"assumptions": (*pipeline.assumptions, *named)}), []


def _column_assumptions(pipeline: Pipeline, catalogue: Snapshot) -> tuple[Assumption, ...]:
    """Columns that could not have their own name, because an earlier object's column of another type has it."""
    owner = min(pipeline.trace["source.objects"], key=natural)
    return tuple(
        Assumption(
            requirement=owner,
            key=f"columns.{clash.object}.{clash.column}",
            value=clash.renamed,
            why=f"an earlier object has a column {clash.column} of another type",
        )
        for clash in lay_out(pipeline, catalogue).clashes
    )


def _cursor_assumptions(pipeline: Pipeline, catalogue: Snapshot) -> Iterator[Assumption]:
    """Objects that cannot be read by the usual cursor, the stamp that they are read by, and what it misses."""
    owner = min(pipeline.trace["source.objects"], key=natural)
    for name, cursor, why in fallbacks(pipeline, catalogue):
        yield Assumption(requirement=owner, key=f"incremental.cursor.{name}", value=cursor or "none", why=why)


def contradictions(statements: Sequence[Statement], catalogue: Snapshot) -> list[Diagnostic]:
    """Where clauses set one thing to different values."""
    draft = merged(statements, catalogue)
    return draft.diagnostics


def owners(statements: Sequence[Statement], catalogue: Snapshot) -> dict[tuple[str, str, str], str]:
    """(IR list, object, field, column or condition) of every entry about an object → the requirement that made it."""
    return {
        (path, entry["object"], entry_key(entry)): statement.requirement.id
        for statement in statements
        for path, entries in fragment(statement.clause, catalogue).items()
        if isinstance(entries, list)
        for entry in entries
        if "object" in entry
    }


def _fill(draft: Draft, catalogue: Snapshot) -> None:
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
        if not _guarded(draft, guard)
    ]
    draft.values["source"] = {"objects": [_object(draft, one, catalogue) for one in draft.values["source"]["objects"]]}


def _guarded(draft: Draft, silent: str) -> bool:
    """Whether the spec's own guards take the place of a silent one for every object."""
    own = [one for one in draft.values.get("guards", ()) if one["object"] is None]
    return silent == "leaving" and any(one["kind"] in LEAVING_KINDS for one in own)


def _object(draft: Draft, entry: dict[str, Any], catalogue: Snapshot) -> dict[str, Any]:
    """An object with the fields that are read: its list or all readable ones, less what is left out."""
    name = entry["name"]
    wanted = [*SYSTEM_FIELDS, *entry["fields"]] if "fields" in entry else catalogue.by_name[name].readable_fields()
    if _keeps_first(draft, name) and "CreatedDate" not in wanted and catalogue.by_name[name].field("CreatedDate"):
        wanted = [*wanted, "CreatedDate"]
        why = "which duplicate came first is told by it"
        owner, key = min(draft.trace["dedupe"], key=natural), f"fields.{name}.CreatedDate"
        draft.assumptions.append({"requirement": owner, "key": key, "value": "stored", "why": why})
    gone = unread(draft, name, catalogue)
    return {**entry, "fields": [one for one in dict.fromkeys(wanted) if one in SYSTEM_FIELDS or one not in gone]}


def _keeps_first(draft: Draft, name: str) -> bool:
    return any(one["object"] == name and one["keep"] == "first" for one in draft.values.get("dedupe", ()))


def _owner(draft: Draft, path: str) -> str | None:
    """The requirement whose sentence a default completes: one about the same part, or the first that syncs."""
    part = path.split(".", maxsplit=1)[0]
    for known, statement in draft.setters.items():
        if known.split(".")[0] == part:
            return statement.requirement.id
    ids = draft.trace.get("source.objects")
    return min(ids, key=natural) if ids else None


def _set_default(values: dict[str, Any], path: str, value: Any) -> bool:
    *parents, key = path.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
    if key in values:
        return False
    values[key] = list(value) if isinstance(value, tuple) else value
    return True

"""What each requirement may say alone, but not beside another: rules over the merged draft, one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from durable_compiler.catalogue import Snapshot
from durable_compiler.diagnostics import Diagnostic, Span, error
from durable_compiler.grammar.names import undescribed
from durable_compiler.merging import Draft, Statement, fragment, objects_in


@dataclass(frozen=True)
class Clash:
    """A finding about the statement that `about` accepts: code, message, help."""

    about: Callable[[Statement, Snapshot], bool]
    code: str
    message: str
    help: str


def check(draft: Draft, statements: list[Statement], catalogue: Snapshot, file: str) -> None:
    """Every contradiction between requirements of different kinds, as diagnostics of the draft."""
    if not draft.synced:
        help = "Write which objects are synced, e.g. Syncs Accounts and Contacts from Salesforce."
        draft.diagnostics.append(error("DUR063", "the spec syncs no object", file, Span(1, 1, 1, 2), help=help))
        return
    named = [one for statement in statements for one in _by_name_only(statement, catalogue)]
    if named:
        draft.diagnostics += named
        return
    for statement in statements:
        draft.diagnostics += _objects(draft, statement, catalogue)
        draft.diagnostics += _zone(draft, statement)
        draft.diagnostics += _stamp(draft, statement, catalogue)
        draft.diagnostics += _fields(draft, statement, catalogue)
    draft.diagnostics += [
        _told(statement, clash)
        for rule in _RULES
        for clash in rule(draft, statements)
        for statement in _last(statements, clash, catalogue)
    ]


def _last(statements: list[Statement], clash: Clash, catalogue: Snapshot) -> list[Statement]:
    """The last statement that the clash is about."""
    return [one for one in statements if clash.about(one, catalogue)][-1:]


def _told(statement: Statement, clash: Clash) -> Diagnostic:
    one = statement.requirement
    span = one.span(0, len(one.text))
    return error(clash.code, clash.message, one.file, span, requirement=one.id, help=clash.help)


# --- each statement against what is synced ----------------------------------------------------------------------


def _by_name_only(statement: Statement, catalogue: Snapshot) -> Iterator[Diagnostic]:
    """Objects of which a large organization's snapshot has nothing but the name."""
    one = statement.requirement
    for name in dict.fromkeys(objects_in(fragment(statement.clause, catalogue))):
        if not catalogue.by_name[name].described and statement.clause.kind == "sync":
            message, help = undescribed(catalogue.by_name[name])
            span = one.span(0, len(one.text))
            yield error("DUR015", message, one.file, span, requirement=one.id, help=help)


def _objects(draft: Draft, statement: Statement, catalogue: Snapshot) -> Iterator[Diagnostic]:
    requirement = statement.requirement
    span = requirement.span(0, len(requirement.text))
    for name in dict.fromkeys(objects_in(fragment(statement.clause, catalogue))):
        schema = catalogue.by_name[name]
        if name not in draft.synced:
            message = f"{schema.label} is not synced"
            help = f"Add it: Syncs {catalogue.object_label(name)} from Salesforce."
            yield error("DUR034", message, requirement.file, span, requirement=requirement.id, help=help)
        elif statement.clause.kind == "sync" and not schema.queryable:
            message, help = f"Salesforce cannot query {schema.label}", "Leave the object out."
            yield error("DUR036", message, requirement.file, span, requirement=requirement.id, help=help)


def _zone(draft: Draft, statement: Statement) -> Iterator[Diagnostic]:
    zone = getattr(statement.clause, "zone", None) if statement.clause.kind != "schedule" else None
    schedule = draft.values.get("schedule")
    expected = schedule["timezone"] if schedule else "UTC"
    if zone is not None and zone != expected:
        one = statement.requirement
        message = f"the sentence says {zone}, the schedule {expected}"
        help = f"Write the time in {expected}."
        yield error("DUR064", message, one.file, one.span(0, len(one.text)), requirement=one.id, help=help)


def _stamp(draft: Draft, statement: Statement, catalogue: Snapshot) -> Iterator[Diagnostic]:
    """A sentence that names SystemModstamp as the cursor, beside an object that has none."""
    one = statement.requirement
    if statement.clause.kind == "incremental" and "modstamp" in one.text.casefold():
        without = [name for name in sorted(draft.synced) if catalogue.by_name[name].field("SystemModstamp") is None]
        if without:
            message = f"the sentence reads changes by SystemModstamp, which {', '.join(without)} does not have"
            help = "Leave the stamp out of the sentence: each object is then read by the best one that it has."
            yield error("DUR065", message, one.file, one.span(0, len(one.text)), requirement=one.id, help=help)


# --- rules about fields that are not read -----------------------------------------------------------------------


def unread(draft: Draft, name: str, catalogue: Snapshot) -> set[str]:
    """Fields of an object that the spec never reads: left out, outside of `only`, or dropped before they leave."""
    entry: dict[str, Any] = next((one for one in draft.values["source"]["objects"] if one["name"] == name), {})
    gone = set(entry.get("excluded", ()))
    gone |= {one["field"] for one in draft.values.get("masks", ()) if one["object"] == name and one["method"] == "drop"}
    if "fields" in entry:
        every = {one.name for one in catalogue.by_name[name].fields}
        gone |= every - set(entry["fields"]) - {"Id", "SystemModstamp", "IsDeleted", "CreatedDate"}
    return gone


def _fields(draft: Draft, statement: Statement, catalogue: Snapshot) -> Iterator[Diagnostic]:
    if statement.clause.kind in ("fields", "sync", "since"):
        return
    requirement = statement.requirement
    dropping = statement.clause.kind == "mask"
    for owner, name in dict.fromkeys(used_fields(fragment(statement.clause, catalogue))):
        if owner not in draft.synced:
            continue
        gone = unread(draft, owner, catalogue)
        if dropping:
            gone -= {one["field"] for one in draft.values["masks"] if (one["object"], one["method"]) == (owner, "drop")}
        if name in gone:
            label = catalogue.field_label(owner, name)
            message = f"{label} is never read, because another requirement leaves it out"
            help = "Let the field be read, or take this rule out."
            span = requirement.span(0, len(requirement.text))
            yield error("DUR057", message, requirement.file, span, requirement=requirement.id, help=help)


def used_fields(part: Any) -> Iterator[tuple[str, str]]:
    """Every (object, field) that a fragment uses, in lists, keys, conditions and expressions, but not by a path."""
    if isinstance(part, list):
        for one in part:
            yield from used_fields(one)
    elif isinstance(part, dict):
        if part.get("op") == "field":
            if "path" not in part:
                yield part["object"], part["name"]
            return
        if isinstance(part.get("object"), str):
            first = ("CreatedDate",) if part.get("keep") == "first" else ()
            yield from ((part["object"], name) for name in (*_one(part.get("field")), *part.get("by", ()), *first))
        for value in part.values():
            yield from used_fields(value)


def _one(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


# --- rules over the whole ---------------------------------------------------------------------------------------


def _of_kind(*kinds: str) -> Callable[[Statement, Snapshot], bool]:
    return lambda statement, _: statement.clause.kind in kinds


def _replace_reads_all(draft: Draft, _: Sequence[Statement]) -> Iterator[Clash]:
    incremental = draft.values.get("incremental", {})
    asked = set(incremental) - {"formula_refresh", "enabled"}
    if draft.values.get("write", {}).get("mode") == "replace" and asked:
        message = "the table is replaced on every run, so each run reads everything; nothing can be read incrementally"
        help = "Take the sentence about reading changes out, or write: Upserts existing records and inserts new ones"
        yield Clash(_of_kind("incremental", "reconcile"), "DUR065", message, help)


def _dedupe_needs_one_row(draft: Draft, _: Sequence[Statement]) -> Iterator[Clash]:
    mode = draft.values.get("write", {}).get("mode")
    if mode in ("append", "history") and draft.values.get("dedupe"):
        message = f"records cannot be deduplicated in a table that keeps {_KEEPS[mode]}"
        help = "Take the deduplication out, or write: Upserts existing records and inserts new ones"
        yield Clash(_of_kind("dedupe"), "DUR065", message, help)


def _first_by_a_date(draft: Draft, _: Sequence[Statement]) -> Iterator[Clash]:
    masked = {one["object"] for one in draft.values.get("masks", ()) if one["field"] == "CreatedDate"}
    if any(one["keep"] == "first" and one["object"] in masked for one in draft.values.get("dedupe", ())):
        message = "which record is the first is told by its Created Date, and another requirement hides that"
        yield Clash(_of_kind("dedupe"), "DUR065", message, "Keep the latest, or let Created Date be stored as it is.")


_KEEPS = {"append": "every change", "history": "every version"}


def _one_column_one_meaning(draft: Draft, _: Sequence[Statement]) -> Iterator[Clash]:
    """Columns that sentences name must differ within an object."""
    named: dict[tuple[str, str], str] = {}
    for owner, column, path in _named_columns(draft):
        if named.setdefault((owner, column), path) != path:
            message = f"two requirements fill the column {column} of {owner}"
            about = _names_column(column)
            yield Clash(about, "DUR065", message, "Give one of them another column name.")


def _named_columns(draft: Draft) -> Iterator[tuple[str, str, str]]:
    for kind in ("mappings", "derived", "computed"):
        for one in draft.values.get(kind, ()):
            yield one["object"], one["column"], f"{kind} {one.get('field', '')}"
    for entry in draft.values["source"]["objects"]:
        yield from ((entry["name"], one["column"], f"lookups {one['path']}") for one in entry.get("lookups", ()))


def _names_column(column: str) -> Callable[[Statement, Snapshot], bool]:
    def about(statement: Statement, catalogue: Snapshot) -> bool:
        parts = fragment(statement.clause, catalogue)
        rows = [one for kind in ("mappings", "derived", "computed") for one in parts.get(kind, ())]
        looked = [one for entry in parts.get("source", {}).get("objects", ()) for one in entry.get("lookups", ())]
        return any(one["column"] == column for one in (*rows, *looked))

    return about


def _left_out_and_read(draft: Draft, _: Sequence[Statement]) -> Iterator[Clash]:
    for entry in draft.values["source"]["objects"]:
        both = [name for name in entry.get("fields", ()) if name in entry.get("excluded", ())]
        if both:
            message = f"{', '.join(both)} of {entry['name']} is both read and left out"
            yield Clash(_of_kind("fields"), "DUR065", message, "Keep one of the two requirements.")


def _dropped_and_kept(draft: Draft, _: Sequence[Statement]) -> Iterator[Clash]:
    """A field that never leaves Salesforce cannot be read."""
    for one in draft.values.get("masks", ()):
        entry: dict[str, Any] = next(
            (each for each in draft.values["source"]["objects"] if each["name"] == one["object"]), {}
        )
        if one["method"] == "drop" and one["field"] in entry.get("fields", ()):
            message = f"{one['field']} of {one['object']} is read and dropped before it leaves Salesforce"
            yield Clash(_of_kind("mask", "fields"), "DUR065", message, "Keep one of the two requirements.")


def _regions_of_one_warehouse(draft: Draft, statements: Sequence[Statement]) -> Iterator[Clash]:
    """A sentence that writes only to one warehouse in a region names the warehouse that the target names."""
    system = (draft.values.get("target") or {}).get("system")
    for statement in statements:
        named = getattr(statement.clause, "system", None) if statement.clause.kind == "residency" else None
        if system and named and named != system:
            message = f"the sentence writes only to {named}, the target is {system}"
            yield Clash(_of_kind("residency"), "DUR065", message, "Name the warehouse that the table is in.")


_RULES: tuple[Callable[[Draft, Sequence[Statement]], Iterator[Clash]], ...] = (
    _replace_reads_all,
    _dedupe_needs_one_row,
    _first_by_a_date,
    _one_column_one_meaning,
    _left_out_and_read,
    _dropped_and_kept,
    _regions_of_one_warehouse,
)

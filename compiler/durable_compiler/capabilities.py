"""What a spec asks for and its package cannot keep: refused where no package could be made, warned of where one can.

The table of what the runtime does not do is the runtime's own (`durable_runtime.unsupported`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from durable_compiler.catalogue import SYSTEM_FIELDS, Snapshot
from durable_compiler.cursors import STANDING, cursor_of
from durable_compiler.diagnostics import Diagnostic, Span, error
from durable_compiler.expression_types import Mismatch, condition, fields_of
from durable_compiler.ir import Expression, Pipeline, SourceObject
from durable_compiler.layout import RESERVED, Layout, Shared, lay_out, mask_of, requested
from durable_compiler.mapped_values import unclear
from durable_compiler.policies import PATHS, policies
from durable_compiler.rules import Rules
from durable_runtime.unsupported import Limit, unhonoured

MISSING = {"schedule": "Runs nightly at 2:00 AM UTC", "target": "Writes to Snowflake table customer_data"}
LONGEST = 200  # Snowflake allows 255 characters, and `__duplicates` follows
MOST_DIGITS = 38
PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
LISTS = ("mappings", "enums", "defaults", "blanks", "required", "masks")


def refuse(pipeline: Pipeline, snapshot: Snapshot) -> list[Diagnostic]:
    """An error for every part of the spec without which, or with which, no package can be made."""
    file, layout = f"requirements/{pipeline.name}.md", lay_out(pipeline, snapshot)
    found = [_missing(file, key, example) for key, example in MISSING.items() if getattr(pipeline, key) is None]
    found += [_unusable(pipeline, file, *one) for one in _unusable_names(pipeline)]
    found += [_unusable(pipeline, file, *one) for one in _unusable_columns(pipeline, layout)]
    found += [_shared(pipeline, file, one) for one in layout.shared]
    for source in pipeline.source.objects:
        found += _about_object(pipeline, snapshot, file, source, layout)
    return list(dict.fromkeys(found))


def warn(pipeline: Pipeline, snapshot: Snapshot) -> list[Diagnostic]:
    """A warning for each part that the package carries and this version's runtime refuses or leaves to others."""
    file, target = f"requirements/{pipeline.name}.md", pipeline.target
    stated = policies(pipeline, lay_out(pipeline, snapshot))
    return [_not_yet(pipeline, file, one) for one in unhonoured(stated, target.system if target else "")]


def _missing(file: str, key: str, example: str) -> Diagnostic:
    message = f"no requirement says the {key}; a package cannot be made without it"
    return error("DUR080", message, file, Span(1, 1, 1, 2), help=f"Add a requirement such as: {example}")


def _not_yet(pipeline: Pipeline, file: str, one: Limit) -> Diagnostic:
    owner, span = _owner(pipeline, *PATHS[one.policy])
    does = "refuses to run it" if one.refused else "leaves it to other tools and says so at every run"
    message = f"the package carries {one.what}, but this version's runtime {does}"
    found = error("DUR081", message, file, span, requirement=owner, help=f"Until then: {one.instead}")
    return replace(found, severity="warning")


def _about_object(
    pipeline: Pipeline, snapshot: Snapshot, file: str, source: SourceObject, layout: Layout
) -> Iterator[Diagnostic]:
    """Rules about fields that are not read, and expressions without a meaning."""
    read = set(requested(pipeline, source))
    dropped = {(one.object, one.field) for one in pipeline.masks if one.method == "drop"}
    for path, field in _entries(pipeline, source):
        if path == "masks" and (source.name, field) in dropped and field not in SYSTEM_FIELDS:
            continue
        if field not in read:
            yield _left_out(pipeline, file, path, f"{source.name}.{field}")
        elif field in SYSTEM_FIELDS:
            yield _about_system(pipeline, file, path, f"{source.name}.{field}")
    yield from _hidden_order(pipeline, file, source)
    yield from _ageless(pipeline, snapshot, file, source)
    rules = Rules(pipeline, snapshot, source, layout.columns[source.name])
    for path, expression in _expressions(pipeline, source):
        yield from _meaningless(pipeline, file, path, rules, expression)
        yield from _unclear(pipeline, file, path, expression)
    if pipeline.schedule is not None and pipeline.target is not None:
        yield from _unwritable(pipeline, file, rules)


def _entries(pipeline: Pipeline, source: SourceObject) -> Iterator[tuple[str, str]]:
    """(IR list, field) of every entry that shapes, asks for or hides a field of the object."""
    for path in LISTS:
        yield from ((path, one.field) for one in getattr(pipeline, path) if one.object == source.name)
    yield from (("dedupe", field) for one in pipeline.dedupe if one.object == source.name for field in one.by)


def _about_system(pipeline: Pipeline, file: str, path: str, field: str) -> Diagnostic:
    owner, span = _owner(pipeline, path)
    message = f"{field} identifies or dates a record, and no rule can shape, ask for or hide it"
    return error("DUR038", message, file, span, requirement=owner, help="Leave the rule out: it always has a value.")


def _hidden_order(pipeline: Pipeline, file: str, source: SourceObject) -> Iterator[Diagnostic]:
    """The first of several is found by when it was created, which a mask would hide."""
    first = any((one.object, one.keep) == (source.name, "first") for one in pipeline.dedupe)
    if first and mask_of(pipeline, source.name, "CreatedDate"):
        owner, span = _owner(pipeline, "masks")
        message = f"{source.name}.CreatedDate is hidden, but the first of several {source.name} records is kept by it"
        help = "Keep the latest, or leave the field as it is."
        yield error("DUR065", message, file, span, requirement=owner, help=help)


def _ageless(pipeline: Pipeline, snapshot: Snapshot, file: str, source: SourceObject) -> Iterator[Diagnostic]:
    """History from a day on, of an object whose records do not tell when they were created."""
    created = snapshot.by_name[source.name].field("CreatedDate")
    told = (created is not None and created.filterable) or cursor_of(pipeline, source, snapshot) in STANDING
    if source.since is not None and not told:
        owner, span = _owner(pipeline, "source.objects[].since", "source.objects")
        message = f"{source.name} has no CreatedDate, by which history begins on a certain day"
        help = "Name the objects that have one: Loads history of Contacts from 2023-01-01"
        yield error("DUR031", message, file, span, requirement=owner, help=help)


def _expressions(pipeline: Pipeline, source: SourceObject) -> Iterator[tuple[str, Expression]]:
    """(IR path, condition) of every condition about an object's records."""
    if source.where is not None:
        yield "source.objects[].where", source.where
    yield from (("checks", one.condition) for one in pipeline.checks if one.object == source.name)
    for derived in pipeline.derived:
        yield from (("derived", case.when) for case in derived.cases if derived.object == source.name)


def _meaningless(
    pipeline: Pipeline, file: str, path: str, rules: Rules, expression: Expression
) -> Iterator[Diagnostic]:
    try:
        gone = [one for one in fields_of(expression) if rules.kind_of(one) is None]
        if gone:
            yield _left_out(pipeline, file, path, f"{gone[0].object}.{gone[0].path or gone[0].name}")
            return
        condition(expression, rules.kind_of)
    except Mismatch as wrong:
        yield _mismatch(pipeline, file, path, wrong)


def _unwritable(pipeline: Pipeline, file: str, rules: Rules) -> Iterator[Diagnostic]:
    """Computed columns and constants that do not fit their type; conditions have been looked at before."""
    from durable_compiler import expressions

    try:
        for one in pipeline.computed:
            if one.object == rules.source.name:
                for field in fields_of(one.expression):
                    if rules.kind_of(field) is None:
                        yield _left_out(pipeline, file, "computed", f"{field.object}.{field.path or field.name}")
                        return
        list(rules.made())
    except Mismatch as wrong:
        yield _mismatch(pipeline, file, "computed", wrong)
    for column in rules.columns:
        try:
            if column.field:
                expressions.value(column, pipeline)
        except Mismatch as wrong:
            yield _mismatch(pipeline, file, "defaults", wrong)


def _unclear(pipeline: Pipeline, file: str, path: str, expression: Expression) -> Iterator[Diagnostic]:
    """A rule of which nobody can say whether it means values before or after a value map."""
    for field, value in unclear(pipeline, expression):
        owner, span = _owner(pipeline, path)
        maps = ", ".join(pipeline.trace.get("enums", ()))
        message = f"{field.object}.{field.name} is compared with {value!r}, but {maps} maps its values to others"
        help = "Compare with the values of Salesforce alone, or with mapped ones alone that are no value of Salesforce."
        yield error("DUR065", message, file, span, requirement=owner, help=help)


def _left_out(pipeline: Pipeline, file: str, path: str, field: str) -> Diagnostic:
    owner, span = _owner(pipeline, path)
    help = "Read the field, or leave out the rule."
    return error("DUR057", f"{field} is left out by the spec, but this rule needs it", file, span, requirement=owner,
                 help=help)  # fmt: skip


def _mismatch(pipeline: Pipeline, file: str, path: str, wrong: Mismatch) -> Diagnostic:
    owner, span = _owner(pipeline, path)
    return error("DUR038", str(wrong), file, span, requirement=owner, help="Compare values of one type.")


def _unusable_columns(pipeline: Pipeline, layout: Layout) -> Iterator[tuple[str, str]]:
    """(column, why it cannot be one) for names that the spec chose."""
    names = {one.name for many in layout.columns.values() for one in many} | {pipeline.drift.column}
    for name in sorted(names):
        if not PLAIN_NAME.fullmatch(name):
            yield name, "cannot be a column: small letters, digits and underscores only"
        elif len(name) > LONGEST:
            yield name, f"is longer than {LONGEST} characters"
    for kind in (*(one.type or "" for one in pipeline.mappings), *(one.type for one in pipeline.computed)):
        digits = re.fullmatch(r"number\((\d+),(\d+)\)", kind)
        if digits and not max(int(digits[2]), 1) <= int(digits[1]) <= MOST_DIGITS:
            yield kind, f"has no digits, more than {MOST_DIGITS}, or more after the point than in all"


def _unusable_names(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    """(part of the target's name, why it cannot be used)."""
    target = pipeline.target
    for part in filter(None, (target.database, target.schema_, target.table) if target else ()):
        if part.lower() in RESERVED and part != (
            target and target.table
        ):  # a table of ours gets a trailing `_` instead
            yield part, "is a word of SQL"
        elif part.lower().startswith("durable_"):
            yield part, "begins like the tables of Durable itself"
        elif len(part) > LONGEST:
            yield part, f"is longer than {LONGEST} characters"


def _unusable(pipeline: Pipeline, file: str, part: str, why: str) -> Diagnostic:
    owner, span = _owner(pipeline, "target")
    help = f"Choose another name, such as customer_{part.lower()[:20]}."
    return error("DUR083", f"the name {part} {why}", file, span, requirement=owner, help=help)


def _shared(pipeline: Pipeline, file: str, one: Shared) -> Diagnostic:
    owner, span = _owner(pipeline, "source.objects")
    first, second = (f"{column.object}.{column.field or column.label}" for column in (one.first, one.second))
    both = f"{first} and {second}"
    message = f"{both} would share the column {one.column}"
    help = "Give one another API name in Salesforce, or hide it from the user that reads; then run `durable discover`."
    return error("DUR082", message, file, span, requirement=owner, help=help)


def _owner(pipeline: Pipeline, *paths: str) -> tuple[str | None, Span]:
    """The first requirement behind the first of these IR paths that anybody set, and where it stands."""
    parts = (*paths, *(re.split(r"[.\[]", path)[0] for path in paths))
    below = (f"{path}{mark}" for path in parts for mark in (".", "["))
    starts = tuple(below)
    exact = (pipeline.trace.get(path, ()) for path in parts)
    loose = (many for key, many in pipeline.trace.items() if key.startswith(starts))
    owner = next((many[0] for many in (*exact, *loose) if many), None)
    line = next((one.line for one in pipeline.requirements if one.id == owner), 1)
    return owner, Span(line, 1, line, 2)

"""What this version reads but cannot run yet: compiling it would promise what the runtime does not keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from durable_compiler.catalogue import Snapshot
from durable_compiler.diagnostics import Diagnostic, Span, error
from durable_compiler.ir import Pipeline
from durable_compiler.layout import RESERVED, Shared, lay_out

Test = Callable[[Pipeline], bool]
# IR path -> (is it asked for?, what the sentence asks for, what to write instead)
NOT_YET: dict[str, tuple[Test, str, str]] = {
    "write.mode": (
        lambda one: one.write.mode != "upsert",
        "a write mode other than upsert",
        "Upserts existing records and inserts new ones",
    ),
    "target": (
        lambda one: one.target is not None and one.target.layout != "unified",
        "a table for each object",
        "Writes to Snowflake table customer_data",
    ),
    "incremental": (
        # `replace` reads everything by itself and has a line of its own above
        lambda one: (
            (not one.incremental.enabled and one.write.mode != "replace")
            or one.incremental.full_refresh_cron is not None
        ),
        "full refreshes on a schedule",
        "Reads only records modified since the last run",
    ),
    "mappings[].transforms": (
        lambda one: any(set(row.transforms) & {"e164", "digits"} or row.type for row in one.mappings),
        "phone formats or explicit column types",
        "Trims and lower-cases Contact Email",
    ),
    "conventions": (lambda one: one.conventions.phones is not None, "phone formats", "Stores dates as ISO 8601 in UTC"),
    "required": (
        lambda one: any(row.on_failure != "reject" for row in one.required),
        "a rule that warns or stops the run",
        "Contact Email is required; records without it are rejected",
    ),
    "drift": (
        lambda one: one.drift.unknown_fields == "propose" or one.drift.column != "extensions",
        "proposals, or another column than `extensions` for unknown fields",
        "Keeps unmapped fields in the extensions column",
    ),
    "retention": (
        lambda one: (one.retention.monitoring_days or one.retention.rejects_days) is not None,
        "retention",
        "leave the sentence out",
    ),
    "alerts": (
        lambda one: any(row.on in ("stale", "drift") for row in one.alerts),
        "alerts on drift or stale data",
        "Alerts #data-ops on Slack when a run fails",
    ),
}
MISSING = {"schedule": "Runs nightly at 2:00 AM UTC", "target": "Writes to Snowflake table customer_data"}

LONGEST = 200  # Snowflake allows 255 characters, and `__duplicates` follows


def refuse(pipeline: Pipeline, snapshot: Snapshot) -> list[Diagnostic]:
    """A diagnostic for every part of the spec that cannot be compiled into a package that keeps it."""
    file = f"requirements/{pipeline.name}.md"
    found = [_missing(file, key, example) for key, example in MISSING.items() if getattr(pipeline, key) is None]
    for path, (asked, what, instead) in NOT_YET.items():
        if asked(pipeline):
            found.append(_not_yet(pipeline, file, path, what, instead))
    found += [_unusable(pipeline, file, *one) for one in _unusable_names(pipeline)]
    return [*found, *(_shared(pipeline, file, one) for one in lay_out(pipeline, snapshot).shared)]


def _missing(file: str, key: str, example: str) -> Diagnostic:
    message = f"no requirement says the {key}; a package cannot be made without it"
    return error("DUR080", message, file, Span(1, 1, 1, 2), help=f"Add a requirement such as: {example}")


def _not_yet(pipeline: Pipeline, file: str, path: str, what: str, instead: str) -> Diagnostic:
    owner, span = _owner(pipeline, path)
    message = f"this version reads {what}, but its runtime cannot do it yet"
    return error("DUR081", message, file, span, requirement=owner, help=f"Until then: {instead}")


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
    both = f"{one.first.object}.{one.first.field} and {one.second.object}.{one.second.field}"
    message = f"{both} would share the column {one.column}"
    help = "Give one another API name in Salesforce, or hide it from the user that reads; then run `durable discover`."
    return error("DUR082", message, file, span, requirement=owner, help=help)


def _owner(pipeline: Pipeline, path: str) -> tuple[str | None, Span]:
    """The first requirement behind an IR path, and where it stands."""
    owners = pipeline.trace.get(path) or pipeline.trace.get(path.partition("[")[0]) or (None,)
    line = next((one.line for one in pipeline.requirements if one.id == owners[0]), 1)
    return owners[0], Span(line, 1, line, 2)

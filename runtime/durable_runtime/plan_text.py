"""A plan as a person reads it, and as a program does."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from durable_runtime.plan_costs import CREDITS, MINUTES, credits_of
from durable_runtime.planning import Planned, Read
from durable_runtime.runs import stamp
from durable_runtime.warehouse.evolution import Change

WIDTH = 110


def as_json(plan: Planned, *, statements: bool) -> dict[str, Any]:
    """The plan as one JSON object; the statements only where they are asked for."""
    found = {
        "pipeline": plan.job.pipeline.name,
        "version": plan.job.pipeline.version,
        "profile": plan.job.profile.name,
        "warehouse": plan.warehouse,
        "organization": plan.organization,
        "planned_at": stamp(plan.now),
        "outcome": "refused" if plan.stops else "ready",
        "stops": [asdict(one) for one in plan.stops],
        "objects": [_object(one) for one in plan.reads],
        "table_changes": [asdict(one) for one in plan.changes],
        "guards": [asdict(one) for one in plan.guards],
        "rewrites": list(plan.rewrites),
        "requests": _requests(plan),
        "statement_count": plan.statements,
        "snowflake": _snowflake(plan),
    }
    return {**found, "statements": [asdict(one) for one in _said(plan)]} if statements else found


def _object(one: Read) -> dict[str, Any]:
    return {
        "name": one.object,
        "table": one.table,
        "read": one.read,
        "why": list(one.why),
        "window": {"from": stamp(one.begin) if one.begin else None, "to": stamp(one.end)},
        "records": one.records,
        "beside": [asdict(each) for each in one.beside],
        "api": one.api,
        "requests": dict(one.requests),
        "batches": one.batches,
        "rows": asdict(one.held),
    }


def _requests(plan: Planned) -> dict[str, Any]:
    usage, share = plan.requests.usage, plan.requests.share
    return {
        "run": plan.requests.total,
        "parts": dict(plan.requests.parts),
        "used": usage.used if usage else None,
        "allowed": usage.allowed if usage else None,
        "share": share,
        "plan": plan.asked,
    }


def _snowflake(plan: Planned) -> dict[str, Any] | None:
    if plan.job.profile.warehouse.kind != "snowflake":
        return None
    return {
        "bytes_before_compression": plan.staged_bytes,
        "credits": {str(minutes): credits_of(minutes) for minutes in MINUTES},
    }


def _said(plan: Planned) -> Iterator[Any]:
    from durable_runtime.warehouse.preview import Said

    made = tuple(one.statement for one in plan.changes if one.statement)
    yield from (Said("tables", made), *plan.said) if made else plan.said


# --- for a person ----------------------------------------------------------------------------------------------------


def lines(plan: Planned, *, statements: bool) -> Iterator[str]:
    """The plan in lines."""
    job = plan.job
    yield f"Plan of {job.pipeline.name} v{job.pipeline.version}, profile {job.profile.name}: {plan.warehouse}"
    yield f"Salesforce organization {plan.organization}, {stamp(plan.now)} by its clock. Nothing was written."
    for title, part in (
        ("Reads", list(_reads(plan.reads))),
        ("Tables", list(_changes(plan.changes))),
        ("Rewrites rows that are there", [f"  {one}" for one in plan.rewrites]),
        ("Guards", list(_guards(plan))),
        ("Costs", list(_costs(plan)) if plan.reads else []),
        ("Statements", list(_statements(plan)) if statements else []),
        (
            "The run would stop",
            [line for one in plan.stops for line in _wrapped(f"{one.code}: {one.message} {one.help}")],
        ),
    ):
        if part:
            yield from ("", title, *part)
    yield ""
    yield f"{len(plan.stops)} refused: a run would stop." if plan.stops else "Nothing is refused: a run can start."


def _reads(reads: Sequence[Read]) -> Iterator[str]:
    header = ("object", "read", "from", "to", "records", "API", "requests", "batches", "table", "live now")
    rows = [
        (
            one.object, one.read, stamp(one.begin) if one.begin else "the beginning", stamp(one.end),
            _number(one.records), one.api, _number(sum(one.requests.values())), _number(one.batches), one.table,
            _number(one.held.live),
        )
        for one in reads
    ]  # fmt: skip
    yield from table(header, rows) if rows else ()
    for one in reads:
        told = [f"{one.object}: {why}." for why in one.why]
        told += [f"{one.object}: {_number(each.records)} {each.what}." for each in one.beside]
        aside = one.held.rejected + one.held.duplicates
        told += (
            [f"{one.object}: {one.held.rejected:,} rejected, {one.held.duplicates:,} duplicates now."] if aside else []
        )
        yield from (line for each in told for line in _wrapped(each))


def _changes(changes: Sequence[Change]) -> Iterator[str]:
    for kind in ("refused", "create", "add", "widen", "kept"):
        for one in (each for each in changes if each.kind == kind):
            where = one.table if one.column is None else f"{one.table}.{one.column}"
            types = " → ".join(filter(None, (one.from_type, one.to_type)))
            yield from _wrapped(f"{kind:<8}{where}{f' ({types})' if types else ''}: {one.why}")


def _guards(plan: Planned) -> Iterator[str]:
    for one in plan.guards:
        if one.requirement or one.verdict != "passes":
            behind = f" ({one.requirement})" if one.requirement else ""
            yield from _wrapped(f"{one.verdict:<9}{one.guard}{behind}: {one.limit}; {one.today}")


def _costs(plan: Planned) -> Iterator[str]:
    requests, usage = plan.requests, plan.requests.usage
    parts = ", ".join(f"{number:,} {what}" for what, number in requests.parts.items())
    yield from _wrapped(f"About {requests.total:,} API requests of the run ({parts}); this plan took {plan.asked:,}.")
    if usage:
        share = f"{requests.share:.3%}" if requests.share is not None else "unknown"
        yield f"  That is {share} of the {usage.allowed:,} of 24 hours, of which {usage.used:,} are used."
    yield f"  {plan.statements:,} statements on the warehouse, beside those that only ask."
    if plan.job.profile.warehouse.kind == "snowflake":
        yield from _credits(plan)


def _credits(plan: Planned) -> Iterator[str]:
    size = plan.staged_bytes
    told = "an unknown number of bytes" if size is None else f"about {size:,} bytes of values before compression"
    yield from _wrapped(
        f"{told[0].upper()}{told[1:]} go to the stage as Parquet. What Snowflake bills depends on the size of the "
        "warehouse and on how long it runs, a minute at least each time it resumes; credits by size and minutes:"
    )
    rows = [(name, *(f"{credits_of(minutes)[name]:.3f}" for minutes in MINUTES)) for name in list(CREDITS)[:5]]
    yield from table(("size", *(f"{minutes} min" for minutes in MINUTES)), rows)


def _statements(plan: Planned) -> Iterator[str]:
    for one in _said(plan):
        yield f"  -- {one.step}{f', {one.times:,} times' if one.times > 1 else ''}"
        for statement in one.statements:
            yield textwrap.indent(statement.strip(), "  ") + ";"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Rows under a header, each column as wide as its widest cell; numbers stand to the right."""
    every = [tuple(header), *map(tuple, rows)]
    widths = [max(len(row[at]) for row in every) for at in range(len(header))]
    numeric = [
        all(row[at].replace(",", "").replace(".", "").isdigit() for row in every[1:]) for at in range(len(header))
    ]
    for row in every:
        cells = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numeric, strict=True)
        )
        yield f"  {'  '.join(cells)}".rstrip()


def _number(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")

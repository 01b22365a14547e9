"""Rejected records tried again with today's transform: accepted ones are loaded, the others stay dead letters.

What is replayed is the record as it was landed, so that Salesforce is not needed. Only a record that lacks a field
which today's requirements read, or that was sealed with another key, is read from Salesforce again by its Id.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import Any

from durable_runtime import guards
from durable_runtime import since as history
from durable_runtime.budget import Budget
from durable_runtime.drift import COLUMNS, Retyped, Shape, family
from durable_runtime.errors import (
    ConfigurationError,
    CredentialsRejected,
    LockHeld,
    PermissionMissing,
    PipelineError,
    Transient,
)
from durable_runtime.extraction import Landed, Reader, by_ids
from durable_runtime.job import Job
from durable_runtime.loading import check_organization, check_target, leased, load_object, write_of
from durable_runtime.pipeline import compare_schema, look_at_policies, look_at_rules, stage
from durable_runtime.rejects import Chosen, every, rejected_since
from durable_runtime.salesforce import bulk
from durable_runtime.salesforce.landing import Page, private_folder, write_records
from durable_runtime.salesforce.session import Session
from durable_runtime.sandbox_process import salesforce
from durable_runtime.sealing import Unopened
from durable_runtime.spec import Extract, Transform
from durable_runtime.transformation import Staged
from durable_runtime.warehouse.base import Batch, Run, State, Warehouse, Write
from durable_runtime.warehouse.opening import opened
from durable_runtime.windows import Plan, Window

PAGE_RECORDS = 20_000  # one page is transformed in memory
AWAY = (Transient, CredentialsRejected, PermissionMissing, ConfigurationError)  # complete records do without Salesforce


@dataclass
class _Letters:
    """The dead letters of one object: `spool` holds their records as JSON lines, None for one that does not open."""

    object: str
    spool: Path
    rejected_at: Mapping[str, datetime]
    keys: dict[str, int] = field(default_factory=dict)  # what keeps records sealed -> how many

    def records(self) -> Iterator[tuple[str, dict[str, str | None] | None]]:
        """Ids and records."""
        with self.spool.open(encoding="utf-8") as file:
            for line in file:
                id, record = json.loads(line)
                yield id, record


def replay(job: Job, chosen: Chosen) -> None:
    """Try the chosen dead letters again; what became of them is in `job.summary`. Raises PipelineError."""
    look_at_policies(job)
    job.shapes = {one.object: remembered(job, one, None) for one in job.extracts}
    letters = _taken(job, chosen)
    pages = {name: Pages.of(job, one) for name, one in letters.items()}
    away: PipelineError | None = None
    if any(one.lacking for one in pages.values()):
        pages, away = _read_again(job, letters, pages)
    if not letters:
        job.summary.notes.append("No record that is meant is rejected.")
    _load(job, chosen, letters, {name: one.landed for name, one in pages.items() if one.landed.rows})
    left = sum(len(one.lacking) for one in pages.values()) if away else 0
    if away is not None:
        raise type(away)(
            f"{left:,} rejected records could not be taken from the dead-letter table ({_why(letters)}), and were to "
            f"be read from Salesforce: {away.message} The others were replayed.",
            help=away.help,
            requirement=away.requirement,
        )


def _taken(job: Job, chosen: Chosen) -> dict[str, _Letters]:
    """The dead letters on this machine's disk, and what the warehouse knows of each object."""
    letters = {}
    with opened(job.profile, job.pipeline, job.clock) as warehouse, leased(job, warehouse, _write(job)):
        job.states = warehouse.state(job.pipeline.name)
        for one in job.extracts:
            moments = rejected_since(warehouse, one.object, chosen)
            if moments:
                letters[one.object] = _spooled(job, warehouse, one.object, chosen, moments)
                job.shapes[one.object] = remembered(job, one, job.states.get(one.object))
    target = job.pipeline.targets[warehouse.dialect]
    check_target(job.states, {name: target.place(name).table for name in letters})
    _refuse_unknown(chosen, letters)
    job.shapes = {name: job.shapes[name] for name in letters}
    return letters


def _refuse_unknown(chosen: Chosen, letters: Mapping[str, _Letters]) -> None:
    rejected = {id[:15] for one in letters.values() for id in one.rejected_at}
    unknown = [id for id in chosen.ids if id[:15] not in rejected]
    if unknown:
        raise ConfigurationError(
            f"No rejected record has the Id {', '.join(unknown)}.", help="`durable rejects list` shows those that are."
        )


def _spooled(job: Job, warehouse: Warehouse, name: str, chosen: Chosen, moments: Mapping[str, datetime]) -> _Letters:
    folder = private_folder(job.folder.files / "replay" / name)
    letters = _Letters(name, folder / "records.jsonl", moments)
    with letters.spool.open("w", encoding="utf-8") as file:
        for one in every(warehouse, name, chosen):
            record = None
            try:
                record = one.values(job.sealer) if one.record else None
            except Unopened as closed:
                letters.keys[str(closed)] = letters.keys.get(str(closed), 0) + 1
            file.write(json.dumps([one.id, record]) + "\n")
    return letters


def remembered(job: Job, extract: Extract, state: State | None) -> Shape:
    """The object as Salesforce showed it to the last run, for today's requirements; without a run, as compiled."""
    loaded = history.unmarked(state.row_function or "") if state is not None else ""
    extra, gone, types = (tuple(filter(None, part.split(","))) for part in (*loaded.split("/")[1:], "", "", "")[:3])
    fields = tuple(name for name in extract.fields if name not in gone)
    known = {*extract.fields, *extract.refused, *extract.lookups}
    takes = job.pipeline.policies.unknown_fields == "extensions"
    extra = tuple(name for name in extra if takes and name not in known)
    typed = dict(one.split(":", 1) for one in types)
    transform = next(one for one in job.pipeline.transforms if one.object == extract.object)
    return Shape(
        fields=(*fields, *extract.lookups, *extra),
        extra=extra,
        gone=tuple(name for name in gone if name in extract.fields),
        held=(),
        retyped=tuple(_retyped(extract, transform, typed)),
        types=tuple(one for one in types if one.split(":", 1)[0] in {*fields, *extra}),
    )


def _retyped(extract: Extract, transform: Transform, typed: Mapping[str, str]) -> Iterator[Retyped]:
    """Fields that had another type than their column's; a column that was compiled for that type since reads it."""
    columns = {one.field: one for one in transform.columns if one.field}
    for name, now in typed.items():
        column, compiled = columns.get(name), extract.types.get(name)
        fits = compiled is not None and family(compiled) == family(now)
        if column is not None and not fits and COLUMNS.get(column.duckdb) != family(now):
            yield Retyped(name, column.name, column.duckdb, now.partition("(")[0])


@dataclass(frozen=True)
class Pages:
    """What is landed of an object's dead letters, and the Ids of those whose record lacks what is read today."""

    landed: Landed
    lacking: tuple[str, ...]

    @classmethod
    def of(cls, job: Job, letters: _Letters) -> Pages:
        """The complete records as pages in the form in which Bulk would have sent them."""
        name, lacking = letters.object, []
        fields = job.shapes[name].fields

        def complete() -> Iterator[dict[str, Any]]:
            for id, record in letters.records():
                if record is None or not record.keys() >= set(fields):
                    lacking.append(id)
                else:
                    yield nested(record)

        pages = list(_pages(letters.spool.parent, fields, complete()))
        rows, window = sum(page.rows for page in pages), Window(None, datetime.now(UTC))
        files = tuple(page.path for page in pages)
        return cls(Landed(name, files, fields, rows, window, "replay", (), 0, parts=(len(files),)), tuple(lacking))


def _pages(folder: Path, fields: tuple[str, ...], records: Iterator[dict[str, Any]]) -> Iterator[Page]:
    """CSV pages of at most PAGE_RECORDS; an empty one where there is no record."""
    for at in count():
        page = write_records(folder / f"page-{at:05d}.csv", fields, islice(records, PAGE_RECORDS), frozenset())
        if page.rows or not at:
            yield page
        if page.rows < PAGE_RECORDS:
            return


def nested(record: Mapping[str, str | None]) -> dict[str, Any]:
    """A record as REST answers it: what is reached through a relationship stands in the related record."""
    found: dict[str, Any] = {}
    for path, value in record.items():
        *parents, name = path.split(".")
        place = found
        for one in parents:
            place = place.setdefault(one, {})
        place[name] = value
    return found


def _why(letters: Mapping[str, _Letters]) -> str:
    """What keeps records from being replayed as they are."""
    keys = [reason for one in letters.values() for reason in one.keys]
    return "; ".join(dict.fromkeys(keys)) or "fields that the requirements read today are not in them"


def _read_again(
    job: Job, letters: Mapping[str, _Letters], pages: dict[str, Pages]
) -> tuple[dict[str, Pages], PipelineError | None]:
    """Pages with the records that Salesforce had to be asked for; without Salesforce as they were, and why."""
    try:
        return _asked(job, letters), None
    except AWAY as away:
        return pages, away


def _asked(job: Job, letters: Mapping[str, _Letters]) -> dict[str, Pages]:
    remembered_shapes = dict(job.shapes)
    with ExitStack() as stack:
        settings = stack.enter_context(salesforce(job.profile))
        session = stack.enter_context(Session(settings, job.pipeline.policies.retry, job.clock))
        check_organization(job.states, session.organization_id)
        budget = Budget(job.pipeline.policies, session, job.clock)
        session.allow = budget.check
        try:
            compare_schema(job, session)
            reader = Reader(session, job.landing, job.pipeline.policies.retry, job.clock, settings.sizes, budget)
            found = {name: _completed(job, reader, one) for name, one in letters.items()}
        except AWAY:
            job.shapes = remembered_shapes
            raise
        bulk.delete(session, [one for many in found.values() for one in many.landed.jobs])
    return found


def _completed(job: Job, reader: Reader, letters: _Letters) -> Pages:
    """The object's pages by its fields of today, with the records that lack one read by Id."""
    pages = Pages.of(job, letters)
    if not pages.lacking:
        return pages
    name, fields = letters.object, job.shapes[letters.object].fields
    plan = Plan(job.extract_of(name), fields, pages.landed.window)
    again = by_ids(reader, plan, pages.lacking, job.folder.files / "replay" / name / "again")
    job.summary.event("rejects_read_again", object=name, count=len(pages.lacking), why=_why({name: letters}))
    if again.rows < len(pages.lacking):
        job.summary.event("rejects_not_there", object=name, count=len(pages.lacking) - again.rows)
    return replace(pages, landed=pages.landed + again)


def _write(job: Job) -> Write:
    """How rows enter: as the spec wants it, and into the table itself where each run builds it anew."""
    write = write_of(job.pipeline.policies)
    return replace(write, mode="upsert") if write.mode == "replace" else write


def _batches(job: Job, staged: Staged) -> Iterator[Batch]:
    """The files in order; none of them is the last, so that watermark and row function stay.

    `rebuilds` stays False after another spec too: what is replayed was read long ago, and newer rows keep their right.
    """
    for number, (path, rows) in enumerate(staged.batches):
        yield Batch(staged.object, number, path, rows, read_to=job.states[staged.object].watermark)


def _load(job: Job, chosen: Chosen, letters: Mapping[str, _Letters], landed: Mapping[str, Landed]) -> None:
    """Under the lease and by the rules and guards of a run, load what was landed; no watermark moves."""
    job.shapes = {name: job.shapes[name] for name in landed}
    staged = {name: stage(job, one) for name, one in landed.items()}
    if not staged:
        return
    look_at_rules(job, staged)
    with opened(job.profile, job.pipeline, job.clock) as warehouse, leased(job, warehouse, _write(job)) as lease:
        for name in staged:
            if rejected_since(warehouse, name, chosen) != letters[name].rejected_at:
                raise LockHeld(
                    f"Another run changed the rejected records of {name} meanwhile; nothing was written.",
                    help="Run the replay again.",
                )
        guards.check(job, warehouse, lease, staged, {})
        for name, one in staged.items():
            run = Run(job.folder.run_id, job.pipeline.version, job.states[name].organization_id, lease)
            counts = load_object(warehouse, run, _batches(job, one))
            entry = {"name": name, "read": one.rows, "found": counts.found}
            job.summary.objects.append({**entry, **asdict(counts)})
            left = set(warehouse.open_rejects(name)) & letters[name].rejected_at.keys()
            accepted = len(letters[name].rejected_at) - len(left)
            job.summary.event("rejects_replayed", object=name, count=len(letters[name].rejected_at), accepted=accepted)
            if not job.same_rows(job.states[name].row_function or "", name):
                job.summary.event("rows_of_another_spec", object=name)

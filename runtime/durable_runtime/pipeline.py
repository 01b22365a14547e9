"""A run from log-in to proof: read what changed, make it fit, load it once, show that nothing is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from durable_runtime import (
    clocks,
    drift,
    extraction,
    guards,
    parts,
    phones,
    reconcile,
    refresh,
    residency,
    since,
    table_changes,
    transformation,
    unstamped,
    unsupported,
)
from durable_runtime.budget import Budget
from durable_runtime.errors import ConfigurationError, RepeatedRecords, RuleBroken, Unsettled
from durable_runtime.extraction import Landed, Reader, Reads
from durable_runtime.job import Job
from durable_runtime.loading import check_organization, check_target, contents_of, leased, load_object, write_of
from durable_runtime.reconcile import Found
from durable_runtime.runs import Summary, stamp
from durable_runtime.salesforce import bulk
from durable_runtime.salesforce.describe import classified, describe
from durable_runtime.salesforce.session import Session, nothing_forbidden
from durable_runtime.sandbox_process import salesforce
from durable_runtime.spec import Pipeline
from durable_runtime.transformation import Staged, Stamp
from durable_runtime.warehouse.base import Batch, Counts, Run, Warehouse
from durable_runtime.warehouse.opening import opened
from durable_runtime.windows import RESULTS_STAY, Plan

A_LONG_READ = timedelta(hours=1)  # values without a stamp may be so old at the end of a run, killed in between or not
WORTH_A_NOTE_SECONDS = 60  # only the server's clock counts, but a clock that is off hurts elsewhere


def run(job: Job) -> None:
    """The story of a run; what it found is in `job.summary`, and every error comes out as a PipelineError."""
    look_at_policies(job)
    job.refreshes = refresh.due(job.pipeline, job.profile, job.summary.started_at)
    with ExitStack() as stack:
        settings = stack.enter_context(salesforce(job.profile))
        session = stack.enter_context(Session(settings, job.pipeline.policies.retry, job.clock))
        for warning in session.warnings:
            job.summary.event("salesforce_warning", text=warning)
        organization = session.organization_id
        budget = Budget(job.pipeline.policies, session, job.clock)
        session.allow = budget.check
        compare_schema(job, session)
        with opened(job.profile, job.pipeline, job.clock, run_id=job.folder.run_id) as warehouse:
            look_at_target(job, warehouse, organization)
        tell_in_place(job)
        guards.check_source(job, session)
        reader = Reader(session, job.landing, job.pipeline.policies.retry, job.clock, settings.sizes, budget)
        stack.callback(tell_repairs, job, reader)
        reads = read(job, reader, organization)
        landed = dict(reads.landed)
        staged = shape(job, reader, landed)
        proves = reads.stopped is None and job.options.again is None
        with opened(job.profile, job.pipeline, job.clock, run_id=job.folder.run_id) as warehouse:
            found = write(job, warehouse, reader, organization, landed, staged, proves=proves)
        session.allow = nothing_forbidden  # cleaning up is always allowed
        bulk.delete(session, [one for many in landed.values() for one in many.jobs])
    complain_if_stopped(job, reads)
    reconcile.complain_if_stopped(found)
    complain_if_unsettled(job.summary)
    if job.options.object is None and job.options.again is None:
        refresh.remember(job.pipeline, job.profile, job.summary.started_at, *reconcile.done(job))
        clocks.remember(job)
    unstamped.remember(job)


def look_at_policies(job: Job) -> None:
    """Refuse what this runtime cannot keep and a warehouse in another region; tell what only other tools do."""
    policies, warehouse = job.pipeline.policies, job.profile.warehouse.kind
    unsupported.refuse(policies, warehouse)
    if policies.mode == "replace" and job.options.again is not None:
        raise ConfigurationError(
            "A table that is replaced on every run is read whole; --since would leave most of it out.",
            help="Run without --since.",
        )
    phones.check(job.pipeline)
    residency.check(policies, job.profile)
    for one in unsupported.unhonoured(policies, warehouse):
        job.summary.event("not_enforced", what=one.what, requirement=policies.behind(one.policy))


def look_at_rules(job: Job, staged: dict[str, Staged]) -> None:
    """Count the records that break a warning rule; raise RuleBroken, before anything is written, for a failing one."""
    for name, one in staged.items():
        for field, count in one.unfit:
            job.summary.event("values_in_extensions", object=name, field=field, count=count)
        phones.tell(job.summary, job.transforms[name], one.kept)
    found = [(name, rule, count) for name, one in staged.items() for rule, count in one.broken]
    for name, rule, count in found:
        job.summary.event("rule_broken", object=name, rule=rule.name, requirement=rule.requirement, count=count)
        if rule.on_failure == "warn":
            job.summary.notes.append(f"Warning {rule.requirement}: {rule.message} ({count:,} {name}).")
    failing = [(name, rule, count) for name, rule, count in found if rule.on_failure == "fail"]
    if failing:
        counts = "; ".join(f"{rule.requirement}: {rule.message} ({count:,} {name})" for name, rule, count in failing)
        raise RuleBroken(
            f"Records break a rule that fails the run: {counts}. Nothing was written.",
            help="Correct the records in Salesforce, or let the rule reject or warn.",
            requirement=", ".join(dict.fromkeys(rule.requirement for _, rule, _ in failing)),
        )


def compare_schema(job: Job, session: Session) -> None:
    """Describe each object and settle which fields are read; stop before reading if a rule lost its field."""
    organization = drift.Organization(
        partial(describe, session), partial(extraction.count, session), partial(classified, session)
    )
    for one in job.extracts:
        described, policy = describe(session, one.object), job.pipeline.policies.unknown_fields
        shape = drift.compare(one, described, policy, job.transforms[one.object], organization)
        job.shapes[one.object] = shape
        job.parents[one.object] = unstamped.parents(one, unstamped.described(session))
        for event in shape.events:
            job.summary.event(event.code, **event.details)
            if event.fixed:
                job.summary.fixed(event.code)


def look_at_target(job: Job, warehouse: Warehouse, organization: str) -> None:
    """Create what is missing, and refuse a target that another organization filled or that somebody changed."""
    table_changes.check(job, warehouse, organization)
    warehouse.prepare(job.loads(), write_of(job.pipeline.policies))
    job.states = warehouse.state(job.pipeline.name)
    check_organization(job.states, organization)
    if not job.options.full and job.pipeline.policies.mode != "replace":
        target = job.pipeline.targets[warehouse.dialect]
        check_target(job.states, {name: target.place(name).table for name in job.shapes})


def tell_in_place(job: Job) -> None:
    """Say so where another version than the one that was promoted changes rows in place."""
    policies = job.pipeline.policies
    if policies.strategy != "blue_green":
        return
    for name in job.shapes:
        known = (job.states[name].row_function or "").partition("/")[0] if name in job.states else ""
        if known and known != job.row_function(name):
            asked = policies.behind("strategy") or "a requirement"
            job.summary.event("loaded_in_place", object=name, version=job.pipeline.version, requirement=asked)


def read(job: Job, reader: Reader, organization: str) -> Reads:
    """Land the window of every object."""
    now = look_at_clocks(job, reader.session)
    plans = [since.narrowed(job, reader.session, plan_of(job, one.object, now, organization)) for one in job.extracts]
    job.plans = {plan.extract.object: plan for plan in plans}
    for name, plan in job.plans.items():
        if (begun := unstamped.taken_over(reader, plan)) is not None:
            job.summary.event("resumed", object=name, window_end=stamp(begun))
    reads = unstamped.read(job, reader, [plan for plan in plans if not plan.window.empty])
    for name, landed in reads.landed.items():
        job.plans[name] = replace(job.plans[name], window=landed.window)
        if landed.nul_bytes:
            job.summary.event("nul_bytes_removed", object=name, count=landed.nul_bytes)
        if landed.halves:
            job.summary.event("halves_replaced", object=name, count=landed.halves)
    return reads


def look_at_clocks(job: Job, session: Session) -> datetime:
    """Salesforce's time; note when this machine's differs, and what must be read again where Salesforce's went back."""
    now, here = session.server_time(), job.clock.now()
    skew = round((here - now).total_seconds())
    if abs(skew) > WORTH_A_NOTE_SECONDS:
        job.summary.event("clock_skew", seconds=skew)
    job.told, job.set_back = (now, here), clocks.set_back(job, now, here)
    if job.set_back:
        job.summary.event("clock_set_back", seconds=round(job.set_back.total_seconds()))
    return now


def plan_of(job: Job, name: str, now: datetime, organization: str) -> Plan:
    """What is read of an object, from the committed watermark to Salesforce's clock."""
    extract = job.extract_of(name)
    return Plan(
        extract,
        job.shapes[name].fields,
        job.window(name, now),
        first=name not in job.states,
        # Another profile's user may see other records.
        key=f"{organization} {job.profile.name} {job.profile.salesforce.api_version} {job.loaded_as(name)}",
        overlap_seconds=job.pipeline.policies.overlap_seconds,
        stays=A_LONG_READ if unstamped.any_of(job, name) else RESULTS_STAY,
    )


def shape(job: Job, reader: Reader, landed: dict[str, Landed]) -> dict[str, Staged]:
    """Type, clean, judge and stage every landed page; an object of which a query sent a record twice is read again."""
    staged = {}
    for name, one in landed.items():
        try:
            staged[name] = stage(job, one)
        except RepeatedRecords:
            job.summary.event("page_repeated", object=name)
            job.summary.fixed("read_again")
            landed[name] = unstamped.again(job, reader, name)
            staged[name] = stage(job, landed[name])
    return staged


def tell_repairs(job: Job, reader: Reader) -> None:
    """Note what was done about slow queries, stuck jobs and dead sessions, however the run ends."""
    renewed = [("session_renewed", {"count": reader.session.renewed})] if reader.session.renewed else []
    for code, facts in (*reader.repairs, *renewed):
        job.summary.event(code, **facts)
        job.summary.fixed(code)


def stage(job: Job, landed: Landed) -> Staged:
    """One object's landed pages as batches."""
    name, started = landed.object, job.summary.started_at
    stamp = Stamp(
        job.folder.run_id, naive(job.clock.now()), job.pipeline.version, started, job.pipeline.schedule.timezone
    )
    return transformation.stage(
        job.transforms[name],
        landed.files,
        header=landed.columns,
        extra=job.shapes[name].extra,
        requirement=", ".join(job.extract_of(name).requirements),
        stamp=stamp,
        batch_rows=job.pipeline.policies.batch_rows,
        folder=job.folder.files / "staged",
        records=landed.rows,
        parts=landed.parts,
        key=job.key,
        retyped=job.shapes[name].retyped,
        whole=job.shapes[name].whole,
        sealer=job.sealer if job.transforms[name].masks else None,
    )


def write(
    job: Job,
    warehouse: Warehouse,
    reader: Reader,
    organization: str,
    landed: dict[str, Landed],
    staged: dict[str, Staged],
    *,
    proves: bool,
) -> dict[str, Found]:
    """Under the pipeline's lease, find out what is missing or gone, judge it all, load it, and show that all is there.

    Rules and guards come before anything is written.
    """
    with leased(job, warehouse) as lease:
        run_of = Run(job.folder.run_id, job.pipeline.version, organization, lease)
        found = reconcile.complete(job, reader, warehouse, lease, landed, staged, stage) if proves else {}
        look_at_rules(job, staged)
        guards.check(job, warehouse, lease, staged, found)
        for name, one in staged.items():
            ends = advances(job, landed[name])
            counts = load_object(warehouse, run_of, _batches(job, one, landed[name], ends=ends))
            job.summary.objects.append(_entry(name, one.rows, counts))
            if ends or job.options.again is not None:
                parts.forget(reader.folder / name)
        for entry in job.summary.objects if proves else ():
            name = str(entry["name"])
            removed = reconcile.flag(job, warehouse, run_of, found[name])
            entry.update({"deleted_for_good": removed} if removed else {})
            found[name] = reconcile.prove(job, reader, warehouse, landed[name], found[name])
        switch(job, warehouse, run_of, found, complete=proves)
        reconcile.remember(job, found.values())
        return found


def switch(job: Job, warehouse: Warehouse, run: Run, found: Mapping[str, Found], *, complete: bool) -> None:
    """Mode replace: let what was built take the target's place, if nothing is missing from it."""
    if job.pipeline.policies.mode != "replace":
        return
    complain_if_unsettled(job.summary)
    if not complete or any(one.stopped is not None for one in found.values()):
        job.summary.event("not_switched")
        return
    counts = warehouse.switch(run)
    for entry in job.summary.objects:
        entry.update(_counted(counts[str(entry["name"])]))


def advances(job: Job, landed: Landed) -> bool:
    """Whether the object's watermark and row function move.

    They do not by a window that is read once more, nor by a part of what is read from the beginning again: what was
    landed of such a read stays for the next run, which goes on behind it.
    """
    state = job.states.get(landed.object)
    if job.options.again is not None:
        return False
    loaded_before = state is not None and state.watermark is not None
    return landed.complete or not (loaded_before and job.whole(landed.object))


def complain_if_stopped(job: Job, reads: Reads) -> None:
    """A run that could not read everything is never called a success, and says how far it came."""
    if reads.stopped is None:
        return
    told = []
    for one in job.extracts:
        landed = reads.landed.get(one.object)
        if landed is None:
            told.append(f"{one.object} was not read")
        elif not landed.complete:
            told.append(f"{one.object} was read up to {landed.window.hi:%Y-%m-%dT%H:%M:%SZ}")
    stopped = reads.stopped
    raise type(stopped)(f"{stopped.message} {'; '.join(told)}.", help=stopped.help, requirement=stopped.requirement)


def complain_if_unsettled(summary: Summary) -> None:
    """A target that holds less than the source is never called a success."""
    short = [event for event in summary.events if event["code"] == "unsettled"]
    if short:
        counts = "; ".join(f"{one['object']}: {one['held']:,} held, {one['source']:,} in Salesforce" for one in short)
        raise Unsettled(
            f"The target holds fewer records than Salesforce ({counts}).", help="Run with --full to read all."
        )


def _batches(job: Job, staged: Staged, landed: Landed, *, ends: bool) -> Iterator[Batch]:
    """The files in order; the last one (an empty one if nothing was read) moves watermark and row function."""
    final: dict[str, Any] = {
        "last": True,
        "watermark": naive(landed.window.hi),
        "row_function": job.loaded_as(staged.object),
    }
    rebuilds = staged.object in job.states and job.rebuilt(staged.object)
    files = tuple(path for path, _ in staged.batches)
    meaning = f"{job.pipeline.version} {job.loaded_as(staged.object)}"
    answerable = len(files) > 1 and not job.options.full  # --full is asked for where the table is in doubt
    contents = contents_of(files, meaning) if answerable else {}
    for number, (path, rows) in enumerate(staged.batches):
        batch = Batch(
            staged.object,
            number,
            path,
            rows,
            content=contents.get(path),
            read_to=naive(landed.window.hi),
            rebuilds=rebuilds,
            files=files,
        )
        yield replace(batch, **final) if ends and number == len(staged.batches) - 1 else batch


def _entry(name: str, rows: int, counts: Counts) -> dict[str, int | str]:
    return {"name": name, "read": rows, **_counted(counts)}


def _counted(counts: Counts) -> dict[str, int]:
    return {"found": counts.found, **asdict(counts)}


def naive(moment: datetime) -> datetime:
    """UTC without its zone, as the warehouse stores it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def package_folder(pipeline: Pipeline) -> Path:
    """Where the generated package lies."""
    import sys

    module = sys.modules[pipeline.extracts[0].soql.__module__]
    return Path(str(module.__file__)).parent

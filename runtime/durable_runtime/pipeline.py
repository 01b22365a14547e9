"""A run from log-in to proof: read what changed, make it fit, load it once, show that nothing is missing."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from durable_runtime import drift, guards, refresh, residency, transformation, unsupported
from durable_runtime.clock import SYSTEM, Clock
from durable_runtime.configuration import Profile
from durable_runtime.credentials import key
from durable_runtime.drift import Shape
from durable_runtime.errors import ConfigurationError, PipelineError, RuleBroken, Unsettled
from durable_runtime.extraction import Landed, Plan, Window, extract, window
from durable_runtime.loading import check_organization, check_target, load_object, object_load
from durable_runtime.locking import place
from durable_runtime.proof import settle
from durable_runtime.runs import RunFolder, Summary
from durable_runtime.salesforce import bulk
from durable_runtime.salesforce.describe import describe
from durable_runtime.salesforce.session import Session
from durable_runtime.sandbox_process import salesforce
from durable_runtime.spec import Extract, Pipeline, Transform
from durable_runtime.transformation import Staged, Stamp
from durable_runtime.warehouse.base import Batch, Counts, ObjectLoad, Run, State, Warehouse
from durable_runtime.warehouse.opening import opened

LEASE_SECONDS = 300  # each batch renews it
WORTH_A_NOTE_SECONDS = 60  # only the server's clock counts, but a clock that is off hurts elsewhere


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks of one run."""

    full: bool = False
    object: str | None = None
    allowed_guards: frozenset[str] = frozenset()


@dataclass
class Job:
    """One run of one pipeline in one profile, and what it has learnt so far."""

    pipeline: Pipeline
    profile: Profile
    options: Options
    summary: Summary
    folder: RunFolder
    clock: Clock = SYSTEM
    shapes: dict[str, Shape] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=dict)
    refreshes: bool = False  # a full refresh is due: everything is read again

    @property
    def extracts(self) -> tuple[Extract, ...]:
        """The objects of this run. Raises ConfigurationError for a name that is none of them."""
        chosen = tuple(one for one in self.pipeline.extracts if self.options.object in (None, one.object))
        if not chosen:
            known = ", ".join(one.object for one in self.pipeline.extracts)
            raise ConfigurationError(
                f"{self.pipeline.name} has no object {self.options.object}.", help=f"Known: {known}."
            )
        return chosen

    @property
    def transforms(self) -> dict[str, Transform]:
        """The transform of each object."""
        return {one.object: one for one in self.pipeline.transforms}

    def loads(self) -> list[ObjectLoad]:
        """How each object of this run enters the target, for the fields that Salesforce shows."""
        target = self.pipeline.targets[self.profile.warehouse.kind]
        return [object_load(target, self.transforms[name], self.shown(name)) for name in self.shapes]

    def shown(self, name: str) -> tuple[str, ...]:
        """The object's columns whose field is visible today; the others keep their stored values."""
        gone = self.shapes[name].gone
        return tuple(one.name for one in self.transforms[name].columns if one.field not in gone)

    @cached_property
    def key(self) -> bytes:
        """The key of dedupe keys and hashed fields: the profile's mask key."""
        return key(self.profile.keys.mask, self.profile.state, "mask")

    def row_function(self, name: str) -> str:
        """What decides the object's rows; with another key, every dedupe key and mask is another too."""
        function, transform = self.pipeline.row_functions[name], self.transforms[name]
        if not transform.keys and all(one.method != "sha256" for one in transform.masks):
            return function
        return f"{function}:{hmac.digest(self.key, function.encode(), 'sha256').hex()[:16]}"

    def whole(self, name: str) -> bool:
        """Whether the object is read from the beginning: first load, `--full`, another spec, values without a stamp."""
        state = self.states.get(name)
        extract_of = next(one for one in self.pipeline.extracts if one.object == name)
        anew = self.options.full or self.refreshes or not self.pipeline.policies.incremental
        if state is None or state.watermark is None or anew:
            return True
        return self.moves(extract_of) or not self.same_rows(state.row_function or "", name)

    def moves(self, extract_of: Extract) -> bool:
        """Whether values change without the record's stamp, and the requirements want them fresh or a rule uses one."""
        formulas = extract_of.formulas
        if self.pipeline.policies.formula_refresh == "never":
            formulas = tuple(one for one in formulas if one in extract_of.needed)
        return bool(formulas or extract_of.lookups) or extract_of.moves

    def rebuilt(self, name: str) -> bool:
        """Whether every row may differ for a good reason: the first load, or another spec."""
        state = self.states.get(name)
        return state is None or state.watermark is None or not self.same_rows(state.row_function or "", name)

    def same_rows(self, loaded: str, name: str) -> bool:
        """Whether rows loaded under that row function are what a full load gives today; a hidden field may be gone."""
        function, _, shown = loaded.partition("/")
        extra, _, gone = shown.partition("/")
        shape = self.shapes[name]
        seen_again = set(filter(None, gone.split(","))) - set(shape.gone)
        return function == self.row_function(name) and extra == ",".join(sorted(shape.extra)) and not seen_again

    def loaded_as(self, name: str) -> str:
        """The row function with the fields that go to extensions and those that are hidden: what `same_rows` reads."""
        shape = self.shapes[name]
        return "/".join((self.row_function(name), ",".join(sorted(shape.extra)), ",".join(sorted(shape.gone))))


def run(job: Job) -> None:
    """The story of a run; what it found is in `job.summary`, and every error comes out as a PipelineError."""
    look_at_policies(job)
    job.refreshes = refresh.due(job.pipeline, job.profile.state, job.summary.started_at)
    with ExitStack() as stack:
        settings = stack.enter_context(salesforce(job.profile))
        session = stack.enter_context(Session(settings, job.pipeline.policies.retry, job.clock))
        organization = session.organization_id
        compare_schema(job, session)
        with opened(job.profile, job.pipeline, job.clock) as warehouse:
            look_at_target(job, warehouse, organization)
        guards.check_source(job, session)
        landed = read(job, session)
        staged = shape(job, landed)
        look_at_rules(job, staged)
        with opened(job.profile, job.pipeline, job.clock) as warehouse:
            write(job, warehouse, session, organization, staged)
        bulk.delete(session, [one for many in landed.values() for one in many.jobs])
    complain_if_unsettled(job.summary)
    if (job.refreshes or job.options.full) and job.options.object is None:
        refresh.remember(job.pipeline, job.profile.state, job.summary.started_at)


def look_at_policies(job: Job) -> None:
    """Refuse what this runtime cannot keep and a warehouse in another region; tell what only other tools do."""
    policies, warehouse = job.pipeline.policies, job.profile.warehouse.kind
    unsupported.refuse(policies, warehouse)
    residency.check(policies, job.profile)
    for one in unsupported.unhonoured(policies, warehouse):
        job.summary.event("not_enforced", what=one.what, requirement=policies.behind(one.policy))


def look_at_rules(job: Job, staged: dict[str, Staged]) -> None:
    """Count the records that break a warning rule; raise RuleBroken, before anything is written, for a failing one."""
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
    for one in job.extracts:
        shape = drift.compare(one, describe(session, one.object), job.pipeline.policies.unknown_fields)
        job.shapes[one.object] = shape
        for name in shape.gone:
            job.summary.event("field_not_visible", object=one.object, field=name)
        for name in shape.held:
            job.summary.event("sensitive_field_held", object=one.object, field=name)
        for name in shape.extra:
            job.summary.event("field_to_extensions", object=one.object, field=name)
            job.summary.fixed("field_to_extensions")


def look_at_target(job: Job, warehouse: Warehouse, organization: str) -> None:
    """Create what is missing, and refuse a target that another organization filled or that somebody changed."""
    warehouse.prepare(job.loads(), job.pipeline.policies.deletes)
    job.states = warehouse.state(job.pipeline.name)
    check_organization(job.states, organization)
    if not job.options.full:
        table = job.pipeline.targets[warehouse.dialect].table
        check_target(job.states, table, list(job.shapes))


def read(job: Job, session: Session) -> dict[str, Landed]:
    """Land the window of every object."""
    now = session.server_time()
    skew = round((job.clock.now() - now).total_seconds())
    if abs(skew) > WORTH_A_NOTE_SECONDS:
        job.summary.event("clock_skew", seconds=skew)
    policies = job.pipeline.policies
    for one in job.extracts:
        state = None if job.whole(one.object) else job.states[one.object]
        watermark = state.watermark.replace(tzinfo=UTC) if state and state.watermark else None
        job.windows[one.object] = window(
            watermark, policies.overlap_seconds, now, job.profile.salesforce.horizon_seconds
        )
    plans = [
        Plan(one, job.shapes[one.object].fields, job.windows[one.object], first=one.object not in job.states)
        for one in job.extracts
    ]
    open_windows = [plan for plan in plans if not plan.window.empty]
    landed = extract(session, open_windows, job.folder.files / "landing", policies.retry, job.clock)
    for name, pages in landed.items():
        if pages.nul_bytes:
            job.summary.event("nul_bytes_removed", object=name, count=pages.nul_bytes)
    return landed


def shape(job: Job, landed: dict[str, Landed]) -> dict[str, Staged]:
    """Type, clean, judge and stage every landed page."""
    started, zone = job.summary.started_at, job.pipeline.schedule.timezone
    stamp = Stamp(job.folder.run_id, naive(job.clock.now()), job.pipeline.version, started, zone)
    requirements = {one.object: ", ".join(one.requirements) for one in job.pipeline.extracts}
    return {
        name: transformation.stage(
            job.transforms[name],
            one.files,
            header=one.columns,
            extra=job.shapes[name].extra,
            requirement=requirements[name],
            stamp=stamp,
            batch_rows=job.pipeline.policies.batch_rows,
            folder=job.folder.files / "staged",
            records=one.rows,
            key=job.key,
        )
        for name, one in landed.items()
    }


def write(job: Job, warehouse: Warehouse, session: Session, organization: str, staged: dict[str, Staged]) -> None:
    """Load every object's batches under the pipeline's lease, then compare the target with the source."""
    warehouse.prepare(job.loads(), job.pipeline.policies.deletes)
    owner = f"{place(job.profile.state)}/{job.folder.run_id}"
    lease = warehouse.acquire(job.pipeline.name, owner, LEASE_SECONDS)
    try:
        run_of = Run(job.folder.run_id, job.pipeline.version, organization, lease)
        guards.check(job, warehouse, staged)
        for name, one in staged.items():
            counts = load_object(warehouse, run_of, _batches(job, one))
            job.summary.objects.append(_entry(name, one.rows, counts))
        for entry in job.summary.objects:
            removed = settle(job, warehouse, session, run_of, str(entry["name"]))
            entry.update({"deleted_for_good": removed} if removed else {})
    finally:
        with suppress(PipelineError):  # what ended the run is not hidden; the lease expires by itself
            warehouse.release(lease)


def complain_if_unsettled(summary: Summary) -> None:
    """A target that holds less than the source is never called a success."""
    short = [event for event in summary.events if event["code"] == "unsettled"]
    if short:
        counts = "; ".join(f"{one['object']}: {one['held']:,} held, {one['source']:,} in Salesforce" for one in short)
        raise Unsettled(
            f"The target holds fewer records than Salesforce ({counts}).", help="Run with --full to read all."
        )


def _batches(job: Job, staged: Staged) -> Iterator[Batch]:
    """The files in order; the last one (an empty one if nothing was read) moves watermark and row function."""
    ends: dict[str, Any] = {
        "last": True,
        "watermark": naive(job.windows[staged.object].hi),
        "row_function": job.loaded_as(staged.object),
    }
    for number, (path, rows) in enumerate(staged.batches):
        batch = Batch(staged.object, number, path, rows)
        yield replace(batch, **ends) if number == len(staged.batches) - 1 else batch


def _entry(name: str, rows: int, counts: Counts) -> dict[str, int | str]:
    return {"name": name, "read": rows, "found": counts.found, **asdict(counts)}


def naive(moment: datetime) -> datetime:
    """UTC without its zone, as the warehouse stores it."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def package_folder(pipeline: Pipeline) -> Path:
    """Where the generated package lies."""
    import sys

    module = sys.modules[pipeline.extracts[0].soql.__module__]
    return Path(str(module.__file__)).parent

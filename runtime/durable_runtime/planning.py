"""What the next run would do, found out by asking Salesforce and reading the warehouse; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from math import ceil

from durable_runtime import guard_outlook, pipeline, plan_costs, reconcile, refresh, since, table_changes, unstamped
from durable_runtime.errors import PipelineError, QueryTooSlow, Recoverable
from durable_runtime.extraction import count
from durable_runtime.guard_outlook import Outlook
from durable_runtime.guards import check_source
from durable_runtime.job import Job
from durable_runtime.loading import check_organization, check_target, write_of
from durable_runtime.plan_costs import Requests
from durable_runtime.salesforce import rest
from durable_runtime.salesforce.session import Session
from durable_runtime.salesforce.sizes import Sizes
from durable_runtime.sandbox_process import salesforce
from durable_runtime.spec import LEAVING_KINDS
from durable_runtime.warehouse.base import Totals
from durable_runtime.warehouse.engine import SqlWarehouse
from durable_runtime.warehouse.evolution import Change, refuse
from durable_runtime.warehouse.opening import warehouse_of
from durable_runtime.warehouse.preview import Load, Preview, Said, previewed, rehearse
from durable_runtime.windows import Plan, soql_literal, statement, with_conditions

FIRST, INCREMENT, WHOLE, NOTHING = "first load", "increment", "full read", "nothing"
SAMPLE = 200  # records that tell how many bytes one takes


@dataclass(frozen=True, slots=True)
class Stop:
    """What would end the run before anything is written, or is told to a person instead."""

    code: str
    message: str
    help: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Records that are asked for beside the window: None where only the run can count them."""

    what: str
    records: int | None


@dataclass(frozen=True, slots=True)
class Read:
    """One object: what is read of it and why, what that brings, and what the target holds of it now.

    `records` are those that Salesforce would send for the window (deleted ones too), None where counting them takes it
    too long; `requests` are all that are about this object but its description.
    """

    object: str
    table: str
    read: str
    why: tuple[str, ...]
    begin: datetime | None
    end: datetime
    records: int | None
    beside: tuple[Beside, ...]
    api: str
    requests: Mapping[str, int]
    batches: int
    held: Totals


@dataclass(frozen=True, slots=True)
class Planned:
    """The whole plan; `stops` are what the run would refuse, `rewrites` what it changes of rows that are there."""

    job: Job
    organization: str
    now: datetime
    warehouse: str
    reads: tuple[Read, ...] = ()
    changes: tuple[Change, ...] = ()
    stops: tuple[Stop, ...] = ()
    guards: tuple[Outlook, ...] = ()
    rewrites: tuple[str, ...] = ()
    requests: Requests = field(default_factory=lambda: Requests({}, None))
    asked: int = 0  # requests of the plan itself
    staged_bytes: int | None = None  # values before compression, from a sample; only for Snowflake
    said: tuple[Said, ...] = ()

    @property
    def exit_code(self) -> int:
        """0, or 4 where the run would stop."""
        return Recoverable.exit_code if self.stops else 0

    @property
    def statements(self) -> int:
        """How many statements would run that write, lease or count within a load."""
        ddl = sum(1 for one in self.changes if one.statement)
        return ddl + sum(len(one.statements) * one.times for one in self.said)


class PlannedJob(Job):
    """A job that leaves no key behind."""

    @cached_property
    def key(self) -> bytes:
        """The mask key; nothing was loaded under one that is not made yet."""
        made = self.profile.keys.mask is not None or (self.profile.state / "keys" / "mask").exists()
        return super().key if made else bytes(32)


def plan(job: Job) -> Planned:
    """What the run of this job would do. Raises what would keep it from asking: SalesforceUnavailable and the like."""
    pipeline.look_at_policies(job)
    job.refreshes = refresh.due(job.pipeline, job.profile, job.summary.started_at)
    with salesforce(job.profile) as settings, Session(settings, job.pipeline.policies.retry, job.clock) as session:
        organization, now = session.organization_id, session.server_time()
        before = session.requests
        try:
            pipeline.compare_schema(job, session)
        except Recoverable as stop:
            return Planned(job, organization, now, _where(job), stops=(_stop(stop),), asked=session.requests)
        described = session.requests - before
        with previewed(job.profile, job.pipeline, job.clock) as preview:
            return _Planner(job, session, settings.sizes, preview, organization, now, described).plan()


def _where(job: Job) -> str:
    settings = job.profile.warehouse
    return f"DuckDB {settings.path}" if settings.kind == "duckdb" else f"Snowflake account {settings.account}"


def _stop(error: PipelineError) -> Stop:
    return Stop(error.code, error.message, error.help)


@dataclass(frozen=True)
class _Planner:
    job: Job
    session: Session
    sizes: Sizes
    preview: Preview
    organization: str
    now: datetime
    described: int

    def plan(self) -> Planned:
        """The tables first, since what they hold decides what is read."""
        job, preview = self.job, self.preview
        changes = preview.examine(job.loads(), write_of(job.pipeline.policies))
        job.states = preview.state(job.pipeline.name)
        stops = tuple(self._stops(changes))
        pipeline.look_at_clocks(job, self.session)
        reads = tuple(self._read(one.object) for one in job.extracts)
        adapter = warehouse_of(job.profile, job.pipeline, job.clock)
        assert isinstance(adapter, SqlWarehouse)
        said = rehearse(preview, adapter, job.pipeline.name, job.pipeline.version, list(self._loads(reads)))
        return Planned(
            job=job,
            organization=self.organization,
            now=self.now,
            warehouse=_where(job),
            reads=reads,
            changes=changes,
            stops=stops,
            guards=tuple(guard_outlook.outlooks(job, self.session, {one.object: one.records for one in reads})),
            rewrites=tuple(self._rewrites(reads)),
            staged_bytes=self._bytes(reads) if job.profile.warehouse.kind == "snowflake" else None,
            requests=self._requests(reads),
            asked=self.session.requests,
            said=said,
        )

    def _loads(self, reads: tuple[Read, ...]) -> Iterator[Load]:
        of = {one.object: one for one in self.job.loads()}
        for one in reads:
            rebuilds = one.object in self.job.states and self.job.rebuilt(one.object)
            yield Load(of[one.object], one.batches, one.records == 0, pipeline.naive(one.end), rebuilds)

    def _stops(self, changes: tuple[Change, ...]) -> Iterator[Stop]:
        """What a run checks before it reads, each by itself."""
        job, target = self.job, self.preview.target
        lost = table_changes.lost_columns(job, changes, self.preview.loaded_as(job.pipeline.name))
        checks: list[Callable[[], None]] = [
            lambda: refuse(changes),
            lambda: table_changes.refuse_lost(job, lost),
            lambda: check_organization(job.states, self.organization),
            lambda: check_source(job, self.session),
        ]
        if not table_changes.reads_all(job):
            checks.append(lambda: check_target(job.states, {name: target.place(name).table for name in job.shapes}))
        for check in checks:
            try:
                check()
            except PipelineError as error:
                yield _stop(error)

    def _read(self, name: str) -> Read:
        job = self.job
        plan = since.narrowed(job, self.session, pipeline.plan_of(job, name, self.now, self.organization))
        records = 0 if plan.window.empty else self._count(statement(plan))
        beside = () if plan.window.empty else tuple(self._beside(plan))
        kind = FIRST if plan.first else WHOLE if plan.window.lo is None else NOTHING if plan.window.empty else INCREMENT
        return Read(
            object=name,
            table=job.pipeline.targets[job.profile.warehouse.kind].place(name).table,
            read=kind,
            why=tuple(reasons(job, name)),
            begin=plan.window.lo,
            end=plan.window.hi,
            records=records,
            beside=beside,
            api="bulk" if records is None else plan_costs.api(records, self.sizes),
            requests=self._requests_of(plan, records, beside),
            batches=0 if plan.window.empty else max(1, ceil((records or 0) / job.pipeline.policies.batch_rows)),
            held=self.preview.totals(name),
        )

    def _count(self, soql: str) -> int | None:
        with suppress(QueryTooSlow):
            return rest.count(self.session, soql)
        return None

    def _beside(self, plan: Plan) -> Iterator[Beside]:
        """Children of parents that changed, and formulas that are compared; only behind a watermark."""
        job, name, lo = self.job, plan.extract.object, plan.window.lo
        steps = job.parents[name] or ()
        if lo is None:
            return
        if steps and not job.moves(plan.extract):
            single = [one for one in steps if not one.several]
            known = len(single) == len(steps)
            children = self._count(unstamped.children(plan, single)) if known else None
            yield Beside("records whose related record changed", children)
        if unstamped.compares(job, name) and unstamped.formulas(job, self.session, plan.extract).fields:
            older = [*unstamped.live(plan), f"{plan.extract.cursor} < {soql_literal(lo)}"]
            soql = with_conditions(plan.extract.soql(("Id",)), older)
            yield Beside("records whose formulas are compared", self._count(soql))

    def _requests_of(self, plan: Plan, records: int | None, beside: tuple[Beside, ...]) -> dict[str, int]:
        """By what they are for; where Salesforce cannot count, as many as a Bulk job of one partition takes."""
        if plan.window.empty:
            return {}
        job, name = self.job, plan.extract.object
        filtered, first = job.transforms[name].where is not None, plan.first
        logged = not first and "IsDeleted" in plan.extract.fields and job.states[name].watermark is not None
        found = {
            "counts": plan_costs.COUNTS,
            "records": plan_costs.transfer(self.sizes.partition_rows if records is None else records, self.sizes),
            "log of deletes": int(logged),
        }
        for one in beside:
            found[one.what] = 1 + plan_costs.transfer(one.records or 0, self.sizes)
        if not (filtered and first):
            found["proof"] = self._proof(name, compares=not first and (filtered or reconcile.scheduled(job)))
        return {what: requests for what, requests in found.items() if requests}

    def _proof(self, name: str, *, compares: bool) -> int:
        """One COUNT(), or the Ids of every record."""
        if not compares:
            return 1
        with suppress(QueryTooSlow):
            return 1 + plan_costs.transfer(count(self.session, name), self.sizes)
        return 1 + plan_costs.transfer(self.sizes.partition_rows, self.sizes)

    def _requests(self, reads: tuple[Read, ...]) -> Requests:
        guards = [one for one in self.job.pipeline.policies.guards if one.kind not in LEAVING_KINDS]
        counted = sum(1 for guard in guards for one in reads if guard.object in (None, one.object))
        parts = {"descriptions": self.described, "clock": plan_costs.CLOCK, "guards": counted}
        for one in reads:
            for what, requests in one.requests.items():
                parts[what] = parts.get(what, 0) + requests
        return Requests({what: requests for what, requests in parts.items() if requests}, self.session.usage)

    def _rewrites(self, reads: tuple[Read, ...]) -> Iterator[str]:
        """What changes rows that are there, by name; a run drops nothing."""
        policies = self.job.pipeline.policies
        tables = ", ".join(dict.fromkeys(one.table for one in reads))
        if policies.mode == "replace":
            yield f"Mode replace: every row of {tables} and its companions is exchanged in one transaction."
        if policies.deletes == "remove":
            yield f"Deleted records: their rows are removed from {tables}."
        if self.job.options.full:
            yield f"--full: every row of {tables} is compared with Salesforce; what is gone there leaves."
        for one in reads:
            if one.read == WHOLE and policies.mode != "replace":
                yield f"{one.object}: read whole, so that each of {one.held.live:,} live rows may change."

    def _bytes(self, reads: tuple[Read, ...]) -> int | None:
        """Bytes of the values that are staged, from the first records of each window; None without a count."""
        total = 0
        for one in reads:
            if one.records is None:
                return None
            if one.records:
                plan = since.narrowed(
                    self.job, self.session, pipeline.plan_of(self.job, one.object, self.now, self.organization)
                )
                records = rest.first_page(self.session, f"{statement(plan)} LIMIT {SAMPLE}").records
                bytes_of = [
                    sum(len(str(value).encode()) for value in record.values() if value is not None)
                    for record in records
                ]
                total += one.records * sum(bytes_of) // max(len(records), 1)
        return total


def reasons(job: Job, name: str) -> Iterator[str]:
    """Why an object is read from the beginning; nothing for an increment."""
    for holds, why in REASONS:
        if holds(job, name):
            yield why
            return


REASONS: tuple[tuple[Callable[[Job, str], bool], str], ...] = (
    (lambda job, name: name not in job.states, "nothing of it was ever loaded"),
    (lambda job, name: job.states[name].watermark is None, "its first load was cut short"),
    (lambda job, _: job.options.full, "--full reads everything"),
    (lambda job, _: job.pipeline.policies.mode == "replace", "the requirements replace the table on every run"),
    (lambda job, _: not job.pipeline.policies.incremental, "the requirements read everything on every run"),
    (
        lambda job, name: not job.same_rows(job.states[name].row_function or "", name),
        "what decides its rows changed since it was loaded: the requirements, a key, or the fields that are visible",
    ),
    (lambda job, _: job.refreshes, "a full refresh is due"),
    (
        lambda job, name: job.moves(job.extract_of(name)),
        "a rule or a lookup uses values that change without leaving a stamp",
    ),
    (lambda job, name: job.whole(name), "a comparison with Salesforce is due, and only a whole read shows its filter"),
)

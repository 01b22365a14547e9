"""Two versions of a pipeline loaded from one reading of Salesforce: blue in its place, green into the tables beside.

Salesforce has the present alone: a record that changes between two readings cannot be read again as it was. So both
versions get the same landed files, up to the same bound, and what then differs is the versions' own doing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from durable_runtime import clocks, guards, pipeline, reconcile, refresh, since, unstamped
from durable_runtime.bluegreen import building
from durable_runtime.bluegreen.control import (
    GREEN,
    LOADED,
    LOADING,
    Deployed,
    Record,
    bounds,
    fingerprint,
    remember,
)
from durable_runtime.bluegreen.site import Site, working
from durable_runtime.budget import Budget
from durable_runtime.configuration import Profile
from durable_runtime.errors import ConfigurationError, GreenNotReady, Incomplete, RepeatedRecords
from durable_runtime.extraction import Landed, Reader, extract
from durable_runtime.job import Job
from durable_runtime.loading import check_target
from durable_runtime.parts import forget as forget_landed
from durable_runtime.salesforce import bulk
from durable_runtime.salesforce.landing import private_folder
from durable_runtime.salesforce.session import Session, nothing_forbidden
from durable_runtime.sandbox_process import salesforce
from durable_runtime.spec import Extract
from durable_runtime.transformation import Staged, classified, literal, quoted
from durable_runtime.warehouse.base import Warehouse
from durable_runtime.warehouse.opening import opened
from durable_runtime.windows import RESULTS_STAY, Plan, Window, window


@dataclass
class Pair:
    """Both jobs, which read everything anew (`full`) and began at one moment; `loaded` are the sides that are whole."""

    blue: Job
    green: Job
    loaded: set[str] = field(default_factory=set)

    @property
    def jobs(self) -> tuple[Job, Job]:
        """Blue, then green."""
        return self.blue, self.green

    @property
    def site(self) -> Site:
        """Where both are loaded."""
        return Site(self.green.profile, self.green.pipeline, self.green.clock)

    @property
    def landing(self) -> Path:
        """Where records are landed for both."""
        return landing(self.blue.profile, self.blue.pipeline.name)


def landing(profile: Profile, name: str) -> Path:
    """Where records lie until both versions are loaded: a command after a killed one goes on with them."""
    return profile.state / "landing" / f"{name}__{GREEN}"


def run(pair: Pair) -> None:
    """Read once; load blue, copy it to green, load green from the same files. Raises PipelineError as a run does."""
    check_versions(pair)
    for job in pair.jobs:
        pipeline.look_at_policies(job)
    with ExitStack() as stack:
        settings = stack.enter_context(salesforce(pair.blue.profile))
        session = stack.enter_context(Session(settings, pair.blue.pipeline.policies.retry, pair.blue.clock))
        budget = Budget(pair.blue.pipeline.policies, session, pair.blue.clock)
        session.allow = budget.check
        look(pair, session)
        reader = Reader(
            session, pair.landing, pair.blue.pipeline.policies.retry, pair.blue.clock, settings.sizes, budget
        )
        stack.callback(pipeline.tell_repairs, pair.blue, reader)
        landed, files, staged = read_and_stage(pair, reader)
        load(pair, reader, files, staged)
        session.allow = nothing_forbidden
        bulk.delete(session, [one for many in landed.values() for one in many.jobs])
    shutil.rmtree(pair.landing, ignore_errors=True)


def check_versions(pair: Pair) -> None:
    """Both versions write the same tables in the same way. Raises ConfigurationError where they do not."""
    kind = pair.blue.profile.warehouse.kind
    old, new = (job.pipeline.targets[kind] for job in pair.jobs)
    places = [(one.database, one.schema, one.table) for one in (old, new)]
    modes = [(job.pipeline.policies.mode, job.pipeline.policies.layout) for job in pair.jobs]
    for what, (was, now) in (("another table", places), ("another mode or layout", modes)):
        if was != now:
            raise ConfigurationError(
                f"Version {pair.green.pipeline.version} writes {what} than version {pair.blue.pipeline.version}, so "
                "that there is nothing in place to compare it with.",
                help="Load it in place, and drop the old table when nobody reads it any more.",
            )


def look(pair: Pair, session: Session) -> None:
    """What both versions find before anything is read: fields, blue's tables, and how much Salesforce holds."""
    for job in pair.jobs:
        pipeline.compare_schema(job, session)
    job = pair.blue
    with opened(job.profile, job.pipeline, job.clock) as warehouse:
        pipeline.look_at_target(job, warehouse, session.organization_id)
    if not job.states:
        raise GreenNotReady(
            f"{job.pipeline.name} was never loaded, so there is nothing that a new version could be compared with.",
            help=f"Load it in place: `durable run {job.pipeline.name}`.",
        )
    target = job.pipeline.targets[job.profile.warehouse.kind]
    check_target(job.states, {name: target.place(name).table for name in job.shapes})
    for job in pair.jobs:
        guards.check_source(job, session)


# --- one reading for both --------------------------------------------------------------------------------------------


def read_and_stage(
    pair: Pair, reader: Reader
) -> tuple[dict[str, Landed], dict[str, dict[str, Landed]], dict[str, dict[str, Staged]]]:
    """What was landed, and by side each object's files as its version sees them, and its batches."""
    now = pipeline.look_at_clocks(pair.blue, reader.session)
    plans = plans_of(pair, now, reader.session.organization_id)
    plans = [since.shared(pair.jobs, reader.session, plan) for plan in plans]
    try:
        return _read_and_stage(pair, reader, plans)
    except RepeatedRecords:
        pair.blue.summary.event("page_repeated", object="")
        pair.blue.summary.fixed("read_again")
        forget_landed(reader.folder)
        return _read_and_stage(pair, reader, plans)


def _read_and_stage(
    pair: Pair, reader: Reader, plans: Sequence[Plan]
) -> tuple[dict[str, Landed], dict[str, dict[str, Landed]], dict[str, dict[str, Staged]]]:
    private_folder(reader.folder)
    _remember_hidden(pair, reader, plans)
    reads = extract(reader, plans)
    if reads.stopped is not None:
        raise reads.stopped
    files: dict[str, dict[str, Landed]] = {}
    staged: dict[str, dict[str, Staged]] = {}
    for side, job in zip(("blue", GREEN), pair.jobs, strict=True):
        files[side] = dict(_own_files(job, plans, reads.landed))
        staged[side] = {name: pipeline.stage(job, one) for name, one in files[side].items()}
    return reads.landed, files, staged


def _remember_hidden(pair: Pair, reader: Reader, plans: Sequence[Plan]) -> None:
    """What blue's next run has to know of children whose parent is hidden while they are read."""
    job, own = pair.blue, replace(reader, folder=private_folder(pair.blue.folder.files / "read"))
    for plan in plans:
        if plan.extract.object in job.shapes:
            unstamped.follow(job, own, replace(plan, fields=job.shapes[plan.extract.object].fields))


def plans_of(pair: Pair, now: datetime, organization: str) -> list[Plan]:
    """How each object is read: whole, up to one bound, with the fields that either version reads."""
    extracts = {one.object: one for job in reversed(pair.jobs) for one in job.extracts}
    horizon = pair.blue.profile.salesforce.horizon_seconds
    inside = Window(None, window(None, 0, now, horizon).hi)
    return [_plan(pair, name, inside, organization) for name in extracts]


def _plan(pair: Pair, name: str, inside: Window, organization: str) -> Plan:
    jobs = [job for job in pair.jobs if name in job.shapes]
    profile = pair.blue.profile
    meaning = " ".join(job.loaded_as(name) for job in jobs)
    return Plan(
        _extract([job.extract_of(name) for job in jobs]),
        tuple(dict.fromkeys(field for job in jobs for field in job.shapes[name].fields)),
        inside,
        key=f"{organization} {profile.name} {profile.salesforce.api_version} {meaning}",
        overlap_seconds=max(job.pipeline.policies.overlap_seconds for job in jobs),
        # Values that move without a stamp are read in one go; else a kept page would tell of another moment.
        stays=timedelta() if any(unstamped.any_of(job, name) for job in jobs) else RESULTS_STAY,
    )


def _extract(several: Sequence[Extract]) -> Extract:
    """What reads an object for both: where their stamps are different fields, no window leaves anything out."""
    return several[0] if len({one.cursor for one in several}) == 1 else replace(several[0], cursor="")


def _own_files(job: Job, plans: Sequence[Plan], landed: Mapping[str, Landed]) -> Iterator[tuple[str, Landed]]:
    """Each object's files with the fields that the job's version reads: what it leaves out it never sees."""
    for plan in plans:
        name = plan.extract.object
        if name not in job.shapes:
            continue
        one = landed[name]
        job.plans[name] = replace(plan, extract=job.extract_of(name), fields=job.shapes[name].fields)
        yield name, seen(one, job.shapes[name].fields, private_folder(job.folder.files / "landed" / name))


def seen(landed: Landed, fields: tuple[str, ...], folder: Path) -> Landed:
    """The landed records with some of their fields, as files of their own where that makes a difference."""
    if landed.columns == fields:
        return landed
    goals = tuple(folder / f"{at:05d}.csv" for at, _ in enumerate(landed.files))
    import duckdb

    with duckdb.connect() as database:
        try:
            for source, goal in zip(landed.files, goals, strict=True):
                database.execute(_narrowed(source, goal, landed.columns, fields))
        except duckdb.Error as error:
            raise classified(error) from error
    return replace(landed, files=goals, columns=fields)


def _narrowed(source: Path, goal: Path, columns: Sequence[str], fields: Sequence[str]) -> str:
    spelt = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
    reader = (
        f"read_csv({literal(str(source))}, columns = {{{spelt}}}, auto_detect = false, header = true, delim = ',', "
        "quote = '\"', escape = '\"', nullstr = '', new_line = '\\n', strict_mode = true, "
        "max_line_size = 33554432, buffer_size = 67108864)"
    )
    return (
        f"COPY (SELECT {', '.join(map(quoted, fields))} FROM {reader}) TO {literal(str(goal))} "
        "(FORMAT csv, HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"', FORCE_QUOTE *)"
    )


# --- both sides -------------------------------------------------------------------------------------------------------


def load(
    pair: Pair,
    reader: Reader,
    files: Mapping[str, dict[str, Landed]],
    staged: Mapping[str, dict[str, Staged]],
) -> None:
    """Blue as its run would load it, then green from a copy of it."""
    blue, green = pair.jobs
    with opened(blue.profile, blue.pipeline, blue.clock) as warehouse:
        _load(blue, warehouse, reader, files["blue"], staged["blue"])
    pair.loaded.add("blue")
    refresh.remember(blue.pipeline, blue.profile, blue.summary.started_at, *reconcile.done(blue))
    clocks.remember(blue)
    unstamped.remember(blue)
    was = _copied(pair)
    with opened(green.profile, green.pipeline, green.clock, beside=GREEN) as warehouse:
        pipeline.look_at_target(green, warehouse, reader.session.organization_id)
        _load(green, warehouse, reader, files[GREEN], staged[GREEN])
    _note_loaded(pair, was)
    pair.loaded.add(GREEN)


def _load(job: Job, warehouse: Warehouse, reader: Reader, landed: dict[str, Landed], staged: dict[str, Staged]) -> None:
    # The landed files serve the other version too: nothing of them goes with what this one commits.
    own = replace(reader, folder=private_folder(job.folder.files / "read"))
    organization = reader.session.organization_id
    found = pipeline.write(job, warehouse, own, organization, landed, staged, proves=True)
    reconcile.complain_if_stopped(found)
    pipeline.complain_if_unsettled(job.summary)


def _copied(pair: Pair) -> str:
    """Make green a copy of what blue is now, and say that a version is being loaded into it; blue's fingerprint."""
    blue, version = pair.blue, pair.green.pipeline.version
    with working(pair.site, pair.green.folder.run_id) as work:
        warehouse, deployed = work.warehouse, work.deployed
        own = {row[0] for row in warehouse.execute(_last_runs(deployed), (deployed.key(),))}
        if not own <= {blue.folder.run_id, *_of_others(pair)}:
            raise GreenNotReady(
                f"Another run of {blue.pipeline.name} came between the loading of blue and of green.",
                help=f"Run `durable green {blue.pipeline.name} run` again.",
            )
        building.build(warehouse, deployed, work.leases, version)
        now = fingerprint(warehouse, deployed.key(), deployed)
        with warehouse.transaction():
            remember(warehouse, deployed, Record(LOADING, version, now, ""))
        return now


def _last_runs(deployed: Deployed) -> str:
    return f"SELECT DISTINCT last_run_id FROM {deployed.control('durable_state')} WHERE pipeline = ?"


def _of_others(pair: Pair) -> set[str]:
    """The last runs of objects that blue's version no longer has."""
    return {state.last_run_id for name, state in pair.blue.states.items() if name not in pair.blue.shapes}


def _note_loaded(pair: Pair, was: str) -> None:
    """Both sides are whole and hold Salesforce up to the same bound."""
    with working(pair.site, pair.green.folder.run_id) as work:
        warehouse, deployed = work.warehouse, work.deployed
        blue, green = (bounds(warehouse, deployed.key(side), deployed) for side in ("", GREEN))
        apart = sorted(name for name in blue.keys() & green.keys() if blue[name] != green[name])
        if apart or fingerprint(warehouse, deployed.key(), deployed) != was:
            raise Incomplete(
                f"Blue was loaded again while green was ({', '.join(apart) or 'same bound'}).",
                help=f"Run `durable green {pair.blue.pipeline.name} run` again.",
            )
        with warehouse.transaction():
            now = fingerprint(warehouse, deployed.key(GREEN), deployed)
            remember(warehouse, deployed, Record(LOADED, pair.green.pipeline.version, was, now))

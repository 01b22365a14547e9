"""What `durable green`, `promote` and `rollback` do: each a story of its own, from the locks to the outcome."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from durable_runtime import cli
from durable_runtime.bluegreen import building, paired, promoting, sides
from durable_runtime.bluegreen.comparison import Comparison
from durable_runtime.bluegreen.control import GREEN, KEPT, Record, bounds, fingerprint, recall, version
from durable_runtime.bluegreen.promoting import Limit, Switched
from durable_runtime.bluegreen.site import Site, locked, looking, working
from durable_runtime.errors import PipelineError
from durable_runtime.job import Job, Options
from durable_runtime.runs import RunFolder, Summary, stamp
from durable_runtime.spec import Pipeline

# What the state folder remembers of a pipeline's last runs, which may not hold for rows of another version.
MEMORIES = ("hidden.json", "formulas.json")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the loading of both sides ended; a side that was not reached has no run."""

    blue: Summary
    green: Summary
    error: PipelineError | None

    def as_json(self) -> dict[str, Any]:
        """Both runs, as `run --json` tells one."""
        return {"blue": self.blue.as_json(), "green": self.green.as_json()}


def build(site: Site, *, wait: bool = False) -> int:
    """Make green a copy of blue; how many rows it has."""
    with locked(site, wait=wait), working(site, _who("build")) as work:
        return building.build(work.warehouse, work.deployed, work.leases, site.pipeline.version)


def run(site: Site, blue: Pipeline, *, wait: bool = False, allowed_guards: Iterable[str] = ()) -> Outcome:
    """Load both versions from one reading; `blue` is the version in use. What went wrong is in the outcome."""
    started = datetime.now(UTC)
    options = Options(full=True, allowed_guards=frozenset(allowed_guards))
    pair = paired.Pair(_job(site, blue, options, started), _job(site, site.pipeline, options, started, GREEN))
    with locked(site, wait=wait):
        for job in pair.jobs:
            job.folder.open()
            job.summary.run_id = job.folder.run_id
        error = cli.outcome(lambda _: paired.run(pair), pair.green)
        for side, job in zip(("blue", GREEN), pair.jobs, strict=True):
            job.summary.finish(None if side in pair.loaded else error, datetime.now(UTC))
            with suppress(OSError):
                job.folder.close(job.summary)
    return Outcome(pair.blue.summary, pair.green.summary, error)


def _job(site: Site, pipeline: Pipeline, options: Options, started: datetime, side: str = "") -> Job:
    name = f"{pipeline.name}__{side}" if side else pipeline.name
    summary = Summary(None, name, pipeline.version, started)
    later = timedelta(milliseconds=1 if side else 0)  # two runs of one moment might come to have one id
    folder = RunFolder(site.profile.state, started + later, name)
    return Job(pipeline, site.profile, options, summary, folder, site.clock)


def compare(site: Site, *, samples: int = 5, values: bool = False, blue: Pipeline | None = None) -> Comparison:
    """Compare green with blue; what `blue` masks is not shown either."""
    hidden = sides.masked(blue, blue.policies.extensions_column) if blue is not None else {}
    with looking(site) as work:
        return sides.compare_sides(
            work.warehouse, work.deployed, site.pipeline, hidden=hidden, samples=samples, values=values
        )


def promote(site: Site, *, allowed: Sequence[str] = (), policies: bool = False, wait: bool = False) -> Switched:
    """Put green in blue's place, if the spec's limit lets it or the comparison is among the `allowed` ones."""
    asked = site.pipeline.policies
    limit = Limit(asked.max_diff_ratio, asked.behind("max_diff_ratio"), frozenset(allowed), policies)
    with locked(site, wait=wait):
        with working(site, _who("promote")) as work:
            done = promoting.promote(work.warehouse, work.deployed, work.leases, limit)
        _forget(site, MEMORIES)
    return done


def rollback(site: Site, *, policies: bool = False, wait: bool = False) -> Switched:
    """Put back what the last promotion kept."""
    with locked(site, wait=wait):
        with working(site, _who("rollback")) as work:
            done = promoting.rollback(work.warehouse, work.deployed, work.leases, allowed_policies=policies)
        _forget(site, (*MEMORIES, "json"))  # refreshes and comparisons since then are undone too
    return done


def discard(site: Site, *, kept: bool = False, wait: bool = False) -> None:
    """Throw green away, or what the last promotion kept."""
    with locked(site, wait=wait), working(site, _who("discard")) as work:
        building.discard(work.warehouse, work.deployed, KEPT if kept else GREEN)
        if not kept:
            shutil.rmtree(paired.landing(site.profile, site.name), ignore_errors=True)


def status(site: Site) -> dict[str, Any]:
    """How far green is, and whether a rollback is possible."""
    with looking(site) as work:
        warehouse, deployed = work.warehouse, work.deployed
        green, kept = (recall(warehouse, deployed, side) for side in (GREEN, KEPT))
        now = fingerprint(warehouse, deployed.key(), deployed)
        return {
            "pipeline": site.name,
            "blue_version": version(warehouse, deployed.key(), deployed) or None,
            "watermarks": {
                name: moment and stamp(moment.replace(tzinfo=UTC))
                for name, moment in sorted(bounds(warehouse, deployed.key(), deployed).items())
            },
            "green": green and _told(green, moved=green.blue != now),
            "kept": kept and {"version": kept.version, "since": _moment(kept)},
        }


def _told(green: Record, *, moved: bool) -> dict[str, Any]:
    compared = green.compared
    return {
        "version": green.version,
        "phase": green.phase,
        "since": _moment(green),
        "blue_moved": moved,
        "comparison": {name: compared[name] for name in ("id", "worst", "worst_object", "differing", "rows")}
        if compared
        else None,
    }


def _moment(record: Record) -> str | None:
    return stamp(record.updated_at.replace(tzinfo=UTC)) if record.updated_at else None


def _forget(site: Site, memories: Iterable[str]) -> None:
    """Let the next run ask again; a lost memory means once more, which harms nothing."""
    for ending in memories:
        (site.profile.state / "refresh" / f"{site.name}.{ending}").unlink(missing_ok=True)


def _who(action: str) -> str:
    return f"{action}-{secrets.token_hex(4)}"

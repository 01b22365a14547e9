"""Work on a schedule of its own: the first run that starts at or after an instant of it does that work too."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from durable_runtime import memory
from durable_runtime.configuration import Profile
from durable_runtime.schedule import last_instant
from durable_runtime.spec import Pipeline, Policies, Schedule

FULL_REFRESH, RECONCILE = "full_refresh", "reconcile"


def due(pipeline: Pipeline, profile: Profile, started: datetime, kind: str = FULL_REFRESH) -> bool:
    """Whether no such work began since the last instant; a lost memory means once more, which harms nothing."""
    cron = _cron(pipeline.policies, kind)
    if cron is None:
        return False
    instant = last_instant(Schedule(cron, pipeline.schedule.timezone, ""), started)
    last = memory.recall(_path(pipeline, profile), profile.name).get(kind)
    return last is None or last < instant


def remember(pipeline: Pipeline, profile: Profile, started: datetime, *kinds: str) -> None:
    """A run that did such work for every object, and ended well, began then."""
    done = {kind: started for kind in kinds if _cron(pipeline.policies, kind) is not None}
    if done:
        memory.remember(_path(pipeline, profile), profile.name, done)


def _cron(policies: Policies, kind: str) -> str | None:
    return {FULL_REFRESH: policies.full_refresh_cron, RECONCILE: policies.reconcile_cron}[kind]


def _path(pipeline: Pipeline, profile: Profile) -> Path:
    return profile.state / "refresh" / f"{pipeline.name}.json"

"""Salesforce's clock beside this machine's, run after run: one that was set back must not hide what changed meanwhile.

Windows follow Salesforce's clock alone. If it (or what stands between) told a time too late, the watermark stands in a
future in which nothing was read, and records that change until then lie below it. The two clocks run alike, so the
difference between them tells how far one of them was moved since the watermark was set: that much more is read again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from durable_runtime import memory

if TYPE_CHECKING:
    from durable_runtime.job import Job

SALESFORCE, HERE = "salesforce", "here"
ORDINARY = timedelta(seconds=60)  # clocks that are kept right differ by less


def set_back(job: Job, server: datetime, here: datetime) -> timedelta:
    """By how much Salesforce's clock went back against this machine's since the watermarks were set, or zero."""
    known = memory.recall(_path(job), job.profile.name)
    if SALESFORCE not in known or HERE not in known:
        return timedelta()
    moved = (known[SALESFORCE] - known[HERE]) - (server - here)
    return moved if moved > ORDINARY else timedelta()


def remember(job: Job) -> None:
    """What both clocks told when a run began that read everything; not while a watermark lies ahead of them."""
    marks = [one.watermark.replace(tzinfo=UTC) for one in job.states.values() if one.watermark is not None]
    if job.told is not None and all(job.told[0] >= mark for mark in marks):
        memory.remember(_path(job), job.profile.name, dict(zip((SALESFORCE, HERE), job.told, strict=True)))


def _path(job: Job) -> Path:
    return job.profile.state / "clocks" / f"{job.pipeline.name}.json"

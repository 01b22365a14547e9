"""Full refreshes: the first run that starts at or after an instant of their schedule reads everything."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from durable_runtime.schedule import last_instant
from durable_runtime.spec import Pipeline, Schedule


def due(pipeline: Pipeline, state: Path, started: datetime) -> bool:
    """Whether no full refresh began since the last instant; a lost memory means one more, which harms nothing."""
    cron = pipeline.policies.full_refresh_cron
    if cron is None:
        return False
    instant = last_instant(Schedule(cron, pipeline.schedule.timezone, ""), started)
    last = _remembered(_memory(pipeline, state))
    return last is None or last < instant


def remember(pipeline: Pipeline, state: Path, started: datetime) -> None:
    """A run that read everything and ended well began then."""
    if pipeline.policies.full_refresh_cron is None:
        return
    memory = _memory(pipeline, state)
    memory.parent.mkdir(parents=True, exist_ok=True)
    draft = memory.with_name(memory.name + ".new")
    draft.write_text(json.dumps({"started": started.astimezone(UTC).isoformat()}), encoding="utf-8")
    os.replace(draft, memory)


def _memory(pipeline: Pipeline, state: Path) -> Path:
    return state / "refresh" / f"{pipeline.name}.json"


def _remembered(memory: Path) -> datetime | None:
    try:
        started = datetime.fromisoformat(json.loads(memory.read_text(encoding="utf-8"))["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return started if started.tzinfo else None

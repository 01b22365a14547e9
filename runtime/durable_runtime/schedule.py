"""Whether a run is due: the last instant of the schedule, in its own zone, and whether it was handled already."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from durable_runtime.spec import Schedule

# The crontab line ticks every fifteen minutes; without a memory, only an instant this fresh is due, so that installing
# a schedule never starts a run by itself.
TICK = timedelta(minutes=15)
# No zone repeats or skips more than two hours.
REPEATED = timedelta(hours=3)


def last_instant(schedule: Schedule, now: datetime) -> datetime:
    """The newest instant of the schedule that is not after `now`, in UTC."""
    from cronsim import CronSim

    zone = ZoneInfo(schedule.timezone)
    # Backwards, cronsim loses instants of the hour that a change to winter time repeats: it is asked for an instant
    # before that hour only, and forwards from there.
    instant: datetime = next(CronSim(schedule.cron, (now - REPEATED).astimezone(zone), reverse=True))
    for later in CronSim(schedule.cron, instant):
        if later > now:
            break
        instant = later
    return instant.astimezone(UTC)


def next_instant(schedule: Schedule, now: datetime) -> datetime:
    """The first instant of the schedule after `now`, in UTC."""
    from cronsim import CronSim

    instant: datetime = next(CronSim(schedule.cron, now.astimezone(ZoneInfo(schedule.timezone))))
    return instant.astimezone(UTC)


def take_due(schedule: Schedule, memory: Path, now: datetime) -> datetime | None:
    """The instant to run for, remembered as handled from here on; None when nothing is due.

    A missed instant (the machine was off) is caught up once, however many were missed.
    """
    instant = last_instant(schedule, now)
    handled = _remembered(memory)
    due = now - instant < TICK if handled is None else instant > handled
    if due or handled is None:
        memory.parent.mkdir(parents=True, exist_ok=True)
        draft = memory.with_name(memory.name + ".new")
        draft.write_text(json.dumps({"handled": instant.isoformat()}), encoding="utf-8")
        os.replace(draft, memory)
    return instant if due else None


def _remembered(memory: Path) -> datetime | None:
    try:
        handled = datetime.fromisoformat(json.loads(memory.read_text(encoding="utf-8"))["handled"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # nothing remembered, or a file cut short: the freshness rule decides
    return handled if handled.tzinfo else None

"""When a crontab line must tick so that a schedule in any time zone is met."""

from __future__ import annotations

QUARTERS = (0, 15, 30, 45)


def tick_minutes(cron: str) -> str:
    """The minute field of the crontab line: the schedule's minutes, closed under +15.

    Every zone's offset from the host's is a multiple of fifteen minutes (IANA, zones in use), and Debian's cron knows
    no CRON_TZ, so the line ticks at all of them and `run --scheduled` decides.
    """
    minutes = sorted({(minute + shift) % 60 for minute in _expand(cron.partition(" ")[0]) for shift in QUARTERS})
    return "*" if len(minutes) == 60 else ",".join(map(str, minutes))


def _expand(field: str) -> set[int]:
    minutes: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        first = 0 if low == "*" else int(low)
        last = 59 if low == "*" or (step and not high) else int(high or low)
        minutes.update(range(first, last + 1, int(step or 1)))
    return minutes

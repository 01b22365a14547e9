"""When something happens again and again, the one cron line that says exactly this, and its canonical English."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from durable_compiler.grammar.clocks import WEEKDAYS, listed

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip


@dataclass(frozen=True)
class Recurrence:
    """Every so many minutes, or at times of day; on all or some days.

    `past` is the minute of each hour at which an hourly one happens; `hours` the first and last hour of the day that a
    recurrence of less than an hour keeps to; `months` go with days of the month.
    """

    every: int | None
    times: tuple[tuple[int, int], ...]
    week: tuple[int, ...] = ()
    month: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    past: int = 0
    hours: tuple[int, int] | None = None

    @property
    def cron(self) -> str | None:
        """Five numeric fields, or None when no single line says exactly this."""
        months = cron_field(self.months, range(1, 13))
        days = f"{cron_field(self.month, range(1, 32))} {months} {cron_field(self.week, range(7))}"
        if self.every is not None:
            return f"{_step(self.every, self.past, self.hours)} {days}"
        hours = sorted({hour for hour, _ in self.times})
        minutes = sorted({minute for _, minute in self.times})
        if len(hours) * len(minutes) != len(self.times):
            return None
        return f"{cron_field(minutes, range(60))} {cron_field(hours, range(24))} {days}"

    def echo(self) -> str:
        """Canonical English without the zone."""
        days = _days_in_words(self)
        if self.every is not None:
            return _every_in_words(self) + ("" if days == "every day" else f" {days}")
        return f"{days} at {listed([f'{hour:02}:{minute:02}' for hour, minute in self.times])}"


def _every_in_words(when: Recurrence) -> str:
    assert when.every is not None
    unit, count = ("hour", when.every // 60) if when.every % 60 == 0 else ("minute", when.every)
    text = f"every {unit}" if count == 1 else f"every {count} {unit}s"
    if when.past:
        text += f" at :{when.past:02}"
    if when.hours:
        text += f" from {when.hours[0]:02}:{when.past:02} to {when.hours[1]:02}:{last_minute(when.every, when.past):02}"
    return text


def last_minute(every: int, past: int) -> int:
    """The last minute of an hour at which something happens that happens every so many minutes."""
    return past if every >= 60 else 60 - every


def _days_in_words(when: Recurrence) -> str:
    if when.month:
        months = listed(MONTHS[month - 1].title() for month in when.months) if when.months else "every month"
        return f"on the {listed(f'{day}{_suffix(day)}' for day in when.month)} of {months}"
    special = {(): "every day", (1, 2, 3, 4, 5): "on weekdays", (0, 6): "on weekends"}
    return special.get(when.week) or f"every {listed(WEEKDAYS[day].title() for day in when.week)}"


def _suffix(day: int) -> str:
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _step(minutes: int, past: int, hours: tuple[int, int] | None) -> str:
    count, rest = divmod(minutes, 60)
    if count:
        assert rest == 0
        hour = "*" if count == 1 else f"*/{count}"
        return f"{past} {cron_field(range(hours[0], hours[1] + 1), range(24)) if hours else hour}"
    minute = "*" if minutes == 1 else f"*/{minutes}"
    return f"{minute} {cron_field(range(hours[0], hours[1] + 1), range(24)) if hours else '*'}"


def cron_field(values: Iterable[int], domain: range) -> str:
    """A list in cron: `*` for none or all, neighbours of three or more as a range."""
    numbers = sorted(set(values))
    if not numbers or numbers == list(domain):
        return "*"
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs]
    return ",".join(parts)

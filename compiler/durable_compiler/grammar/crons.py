"""A cron line between backticks as the recurrence that says exactly the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from durable_compiler.grammar.days import in_each
from durable_compiler.grammar.recurrence import Recurrence
from durable_compiler.grammar.sentence import Sentence


def cron(sentence: Sentence, at: int) -> Iterator[tuple[int, Recurrence]]:
    """`15 5 * * *`: five numeric fields that a sentence could say in words too."""
    if sentence.kind(at) in ("code", "quoted"):
        found = recurrence_of(sentence.norm(at))
        if found is not None:
            yield at + 1, found


def recurrence_of(line: str) -> Recurrence | None:
    """The recurrence of a cron line in its normal form, None when a sentence has no words for it."""
    fields = line.split()
    if len(fields) != 5:
        return None
    month, months, week = (_numbers(field) for field in fields[2:])
    if month is None or months is None or week is None or (month and week) or (months and not month):
        return None
    if not in_each(months, month) or max(months, default=1) > 12 or max(week, default=0) > 6:
        return None
    found = _at_times(fields[:2], week, month, months) or _evenly(fields[:2], week)
    return found if found is not None and found.cron == " ".join(fields) else None


def _at_times(
    fields: list[str], week: tuple[int, ...], month: tuple[int, ...], months: tuple[int, ...]
) -> Recurrence | None:
    minutes, hours = (_numbers(field) for field in fields)
    if not minutes or not hours or max(minutes) > 59 or max(hours) > 23:
        return None
    return Recurrence(None, tuple((hour, minute) for hour in hours for minute in minutes), week, month, months)


def _evenly(fields: list[str], week: tuple[int, ...]) -> Recurrence | None:
    minutes = _step(fields[0])
    if minutes is not None and fields[1] == "*":
        return Recurrence(minutes, (), week) if 60 % minutes == 0 else None
    hours, past = _step(fields[1]), _numbers(fields[0])
    if hours is None or 24 % hours or not past or len(past) > 1:
        return None
    return Recurrence(hours * 60, (), week, past=past[0])


def _step(field: str) -> int | None:
    """`*` and `*/15`."""
    found = re.fullmatch(r"\*(?:/([1-9]\d?))?", field)
    return int(found[1] or 1) if found else None


def _numbers(field: str) -> tuple[int, ...] | None:
    """`*` as no number, `1,15` and `1-5` as theirs; None for anything else."""
    if field == "*":
        return ()
    numbers: list[int] = []
    for part in field.split(","):
        found = re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", part)
        if found is None:
            return None
        numbers += range(int(found[1]), int(found[2] or found[1]) + 1)
    return tuple(numbers)

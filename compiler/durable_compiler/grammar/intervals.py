"""Regular intervals in English: every so many minutes, the minute of the hour, and the hours of the day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from durable_compiler.grammar.clocks import Times, minutes_past, times
from durable_compiler.grammar.numbers import duration, integer, ordinal
from durable_compiler.grammar.sentence import Fault, Sentence

_FIXED = {
    "hourly": 60, "every hour": 60, "each hour": 60, "every full hour": 60, "once an hour": 60, "once per hour": 60,
    "once every hour": 60, "once each hour": 60, "1 x per hour": 60, "on an hourly basis": 60, "every single hour": 60,
    "every minute": 1, "each minute": 1, "once a minute": 1, "every quarter of an hour": 15, "every quarter hour": 15,
    "half hourly": 30, "every half hour": 30, "every half an hour": 30, "each half hour": 30, "quarter hourly": 15,
    "every other hour": 120, "every second hour": 120,
}  # fmt: skip
_LONGEST = max(len(text.split()) for text in _FIXED)


@dataclass(frozen=True)
class Window:
    """From a first to a last moment of the day, and the zone if it was said."""

    first: tuple[int, int]
    last: tuple[int, int]
    zone: str | None
    start: int
    end: int


def every(sentence: Sentence, at: int) -> Iterator[tuple[int, int | Fault]]:
    """Minutes between runs: `every 15 minutes`, `hourly`, `every half hour`, `at 15-minute intervals`."""
    words = sentence.norms(at, _LONGEST)
    for size in range(_LONGEST, 0, -1):
        minutes = _FIXED.get(" ".join(words[:size]))
        if minutes is not None:
            yield at + size, minutes
            return
    once = at + (words[0] == "once")
    if words[0] in ("at", "in"):
        yield from _intervals(sentence, at)
    elif sentence.norm(once) == "every":
        yield from _every_other(sentence, once + 1)
        yield from _even(sentence, at, duration(sentence, once + 1))


def _every_other(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    """`every third hour`."""
    nth = ordinal(sentence.norm(at), sentence.norm(at + 1))
    end = at + 1 + sentence.norm(at).isdigit()
    if nth is not None and 1 < nth < 24 and 24 % nth == 0 and sentence.norm(end) == "hour":
        yield end + 1, nth * 60


def _intervals(sentence: Sentence, at: int) -> Iterator[tuple[int, int | Fault]]:
    """`at 15-minute intervals`, `at intervals of 15 minutes`."""
    start = at + 1 + (sentence.norm(at + 1) in ("a", "an"))
    if sentence.norms(start, 2) in (["intervals", "of"], ["interval", "of"]):
        yield from _even(sentence, at, duration(sentence, start + 2))
    elif sentence.norm(start) == "hourly" and sentence.norm(start + 1) in ("intervals", "interval"):
        yield start + 2, 60
    else:
        found = (
            (end + 1, n) for end, n in duration(sentence, start) if sentence.norm(end) in ("intervals", "interval")
        )
        yield from _even(sentence, at, found)


def span(sentence: Sentence, at: int) -> Iterator[tuple[int, int | Fault]]:
    """Minutes between runs after a word such as `interval:` or `frequency:`."""
    yield from _even(sentence, at, duration(sentence, at))


def _even(sentence: Sentence, at: int, found: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int | Fault]]:
    for end, seconds in found:
        minutes, rest = divmod(seconds, 60)
        even = minutes and (60 % minutes == 0 or (minutes % 60 == 0 and 1440 % minutes == 0 and minutes < 1440))
        if even and not rest:
            yield end, minutes
        elif not sentence.strict:
            spelt = sentence.spelling(at, end)
            help = "Write a number of minutes that divides 60 or of hours that divides 24, or times of day."
            yield end, sentence.fault("DUR044", f"cron cannot run {spelt} evenly", at, end, help)


def past(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    """The minute of an hour: `:15`, `quarter past`, `10 minutes past the hour`, `minute 5`."""
    start = at + (sentence.norm(at) in ("at", "on"))
    if sentence.norm(start) == ":":
        yield from _two_digits(sentence, start + 1)
    elif sentence.norm(start) == "minute":
        yield from ((end, n) for end, n in integer(sentence, start + 1) if n < 60)
    elif sentence.norms(start, 4) == ["the", "top", "of", "the"] and sentence.norm(start + 4) == "hour":
        yield start + 5, 0
    elif sentence.norms(start, 2) == ["the", "hour"]:
        yield start + 2, 0
    elif sentence.norms(start, 3) == ["the", "half", "hour"]:
        yield start + 3, 30
    for end, minutes in minutes_past(sentence, start):
        yield end, minutes % 60
        if sentence.norms(end, 2) in (["the", "hour"], ["each", "hour"]):
            yield end + 2, minutes % 60


def always(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """`24/7`, `around the clock`: no hour is left out."""
    if sentence.norms(at, 3) in (["24", "/", "7"], ["around", "the", "clock"], ["day", "and", "night"]):
        yield at + 3, "always"


def _two_digits(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    if re.fullmatch(r"[0-5]\d", sentence.norm(at)):
        yield at + 1, int(sentence.norm(at))


def window(sentence: Sentence, at: int) -> Iterator[tuple[int, Window | Fault]]:
    """`between 8:00 AM and 6 PM`, `from 08:00 to 18:00 UTC`, `08:00-18:00`."""
    opening = sentence.norm(at)
    start = at + (opening in ("between", "from"))
    closing = {"between": ("and",), "from": ("to", "until", "till", "through")}
    for middle, first in _one_time(sentence, start):
        if sentence.norm(middle) in closing.get(opening, ("to", "until", "-", "\u2013")):
            yield from _window(sentence, at, first, middle + 1)
        elif opening not in closing and _hyphened(sentence, middle):
            yield from _window(sentence, at, first, middle)


def _hyphened(sentence: Sentence, at: int) -> bool:
    """Whether only a hyphen stands before this token: 08:00-18:00."""
    if not 0 < at < len(sentence.tokens):
        return False
    return sentence.text[sentence.tokens[at - 1].end : sentence.tokens[at].start] in ("-", "\u2010", "\u2011")


def _window(sentence: Sentence, at: int, first: Times, middle: int) -> Iterator[tuple[int, Window]]:
    for end, last in _one_time(sentence, middle, zoned=True):
        if not (first.bare or last.bare) and first.times[0] <= last.times[0]:
            yield (
                end,
                Window(
                    first.times[0],
                    last.times[0],
                    last.zone,
                    sentence.tokens[at].start,
                    sentence.tokens[end - 1].end,
                ),
            )


def _one_time(sentence: Sentence, at: int, *, zoned: bool = False) -> Iterator[tuple[int, Times]]:
    for end, found in times(sentence, at):
        if isinstance(found, Times) and len(found.times) == 1 and not found.halfless and (zoned or found.zone is None):
            yield end, found

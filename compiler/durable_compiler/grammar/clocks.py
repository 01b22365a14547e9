"""Times of day in English, and the zone behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from durable_compiler.grammar.numbers import integer
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.zones import zone

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
PARTS_OF_DAY = {"morning": (0, 12), "afternoon": (12, 18), "evening": (17, 24), "night": (18, 31)}
_TIME_HELP = "Write a time such as 2:00 AM UTC, 02:00 UTC or 18:30 Europe/Berlin."
# Words after a time on the 24-hour clock: 0200 hours, 02:00 h.
_HOURS = ("hours", "hrs", "h", "uhr")


@dataclass(frozen=True)
class Times:
    """Times of day as (hour, minute), sorted; `bare` when neither AM, PM nor a leading digit says which half.

    `halfless` when even a zone does not make them times of the 24-hour clock: half past six, at 8 (in the evening).
    """

    times: tuple[tuple[int, int], ...]
    zone: str | None
    bare: bool
    assumed: bool
    start: int
    end: int
    halfless: bool = False


@dataclass(frozen=True)
class _Time:
    hour: int
    minute: int
    # "half" (2 AM), "sure" (02:00), "short" (2:00), "military" (0200), "hour" (14, of a list before a zone), "twelve"
    # (half past six: which half is said elsewhere)
    style: str


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *head, last = words
    return f"{', '.join(head)} and {last}" if head else last


def in_part_of_day(part: str, hour: int) -> bool:
    """Whether an hour can be called morning, afternoon, evening or night."""
    low, high = PARTS_OF_DAY.get(part, (0, 24))
    return low <= hour < high or low <= hour + 24 < high


def of_the_part(part: str, times: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...] | None:
    """Times of a twelve-hour clock in the half that a part of the day lies in; None when it is in both or neither."""
    halves = [
        [(half, minute) for half in (hour % 12, hour % 12 + 12) if in_part_of_day(part, half)] for hour, minute in times
    ]
    known = all(len(half) == 1 for half in halves) and part in PARTS_OF_DAY
    return tuple(sorted(half[0] for half in halves)) if known else None


def separated(sentence: Sentence, at: int) -> Iterator[int]:
    """Where the next item of a list begins."""
    if sentence.norm(at) in ("and", "&", "+"):
        yield at + 1 + (sentence.norm(at + 1) == "also")
    elif sentence.norm(at) == ",":
        yield at + 1
        if sentence.norm(at + 1) in ("and", "&"):
            yield at + 2
    elif sentence.norm(at) == "/":
        yield at + 1


def times(sentence: Sentence, at: int) -> Iterator[tuple[int, Times | Fault]]:
    """One or several times of day, and the zone if it follows."""
    for end, found in _time_list(sentence, at):
        if isinstance(found, Fault):
            yield end, found
            continue
        styles = {one.style for one in found}
        pairs = tuple(sorted({(one.hour, one.minute) for one in found}))
        span = (sentence.tokens[at].start, sentence.tokens[end - 1].end)
        if "half" in styles and styles & {"hour", "short", "twelve"}:
            yield from _either_half(sentence, at, end)
            continue
        if styles == {"twelve"} or (styles == {"hour"} and sentence.norm(at - 1) == "at" and _on_a_dial(found)):
            yield end, Times(pairs, None, True, False, *span, halfless=True)
            yield from (
                (after, Times(pairs, name, True, False, *span, halfless=True))
                for after, name in zone(sentence, end)
                if isinstance(name, str)
            )
        if "twelve" in styles:
            continue
        if "hour" not in styles:
            yield end, Times(pairs, None, "short" in styles, "short" in styles, *span)
        for after, name in zone(sentence, end):
            assumed = not styles.isdisjoint(("short", "military", "hour"))
            yield after, (name if isinstance(name, Fault) else Times(pairs, name, False, assumed, *span))


def _on_a_dial(found: tuple[_Time, ...]) -> bool:
    return all(1 <= one.hour <= 12 for one in found)


def _either_half(sentence: Sentence, at: int, end: int) -> Iterator[tuple[int, Fault]]:
    if not sentence.strict:
        message = "one of these times may be in the morning or the afternoon"
        yield end, sentence.fault("DUR041", message, at, end, "Write AM or PM after each time, or 02:00 and 14:00.")


def _time_list(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[_Time, ...] | Fault]]:
    for end, first in _time(sentence, at):
        if isinstance(first, Fault):
            yield end, first
            continue
        yield end, (first,)
        for start in separated(sentence, end):
            start += sentence.norm(start) in ("again", "one", "another", "once", "then")
            start += sentence.norm(start) == "at"
            for after, rest in _time_list(sentence, start):
                yield after, (rest if isinstance(rest, Fault) else (first, *rest))


def _time(sentence: Sentence, at: int) -> Iterator[tuple[int, _Time | Fault]]:
    word, kind = sentence.norm(at), sentence.kind(at)
    if word in ("noon", "midday", "midnight"):
        yield at + 1, _Time(0 if word == "midnight" else 12, 0, "sure")
    elif word == "12" and sentence.norm(at + 1) in ("noon", "midnight"):
        yield from _time(sentence, at + 1)
    elif kind == "clock":
        yield from _clock(sentence, at, sentence.norm(at))
    elif kind == "number" and re.fullmatch(r"\d{4}", word):
        end = at + 1 + (sentence.norm(at + 1) in _HOURS)
        yield from _checked(sentence, at, end, int(word[:2]), int(word[2:]), "military" if end == at + 1 else "sure")
    elif kind == "number" and re.fullmatch(r"\d{1,2}\.\d\d", word):
        yield from _clock(sentence, at, word.replace(".", ":"))
    elif word in ("half", "quarter", "a") or sentence.norm(at + 1) in ("past", "to", "minutes"):
        yield from _past_or_to(sentence, at)
    else:
        yield from _hour(sentence, at)


def _clock(sentence: Sentence, at: int, text: str) -> Iterator[tuple[int, _Time | Fault]]:
    hour, minute, *seconds = (int(part) for part in text.split(":"))
    if any(seconds):
        return
    for end, value in _half_of_day(sentence, at, at + 1, hour, minute):
        yield end, value
        return
    style = "sure" if text.index(":") == 2 else "short"
    end = at + 1 + (sentence.norm(at + 1) in _HOURS)
    yield from _checked(sentence, at, end, hour, minute, style if end == at + 1 else "sure")


def _past_or_to(sentence: Sentence, at: int) -> Iterator[tuple[int, _Time | Fault]]:
    """`half past six in the evening`, `quarter to 3 AM`, `ten past noon`."""
    for end, minute in minutes_past(sentence, at):
        for after, hour in (*integer(sentence, end), *_named_hour(sentence, end)):
            moment = hour * 60 + minute
            if after == end + 1 and sentence.norm(end) in ("noon", "midday", "midnight"):
                yield after, _Time(moment // 60 % 24, moment % 60, "sure")
            elif 1 <= hour <= 12:
                yield from _shifted(sentence, at, after, hour, minute)


def _named_hour(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    hour = {"noon": 12, "midday": 12, "midnight": 24}.get(sentence.norm(at))
    if hour is not None:
        yield at + 1, hour


def _shifted(sentence: Sentence, at: int, end: int, hour: int, minute: int) -> Iterator[tuple[int, _Time | Fault]]:
    """A half of the day belongs to the hour that is named, whether the time is before or after it."""
    known = False
    for after, found in _half_of_day(sentence, at, end + (sentence.norm(end) == "o'clock"), hour, 0):
        known = True
        if isinstance(found, Fault):
            yield after, found
        else:
            moment = (found.hour * 60 + minute) % 1440
            yield after, _Time(moment // 60, moment % 60, "half")
    if not known:
        moment = (hour * 60 + minute) % 720
        yield end + (sentence.norm(end) == "o'clock"), _Time(moment // 60, moment % 60, "twelve")


def minutes_past(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    """`half past`, `quarter to`, `a quarter past`, `ten minutes past`, as minutes that may be negative."""
    start = at + (sentence.norm(at) == "a")
    named = {"half": 30, "quarter": 15}.get(sentence.norm(start))
    found = [(start + 1, named)] if named is not None else list(integer(sentence, start))
    for end, minutes in found:
        end += named is None and sentence.norm(end) in ("minutes", "min", "mins", "minute")
        if minutes >= 60:
            continue
        if sentence.norm(end) in ("past", "after"):
            yield end + 1, minutes
        elif sentence.norm(end) in ("to", "before") and minutes != 30:
            yield end + 1, -minutes


def _hour(sentence: Sentence, at: int) -> Iterator[tuple[int, _Time | Fault]]:
    for end, hour in integer(sentence, at):
        after = end + (sentence.norm(end) == "o'clock")
        known = False
        for last, value in _half_of_day(sentence, at, after, hour, 0):
            known = True
            yield last, value
        if not known and sentence.kind(at) == "number" and end == at + 1 and re.fullmatch(r"\d\d?", sentence.norm(at)):
            yield from ((after, _Time(hour, 0, "hour")) for _ in range(1) if hour < 24)


def _half_of_day(sentence: Sentence, at: int, end: int, hour: int, minute: int) -> Iterator[tuple[int, _Time | Fault]]:
    """AM, PM, or a part of the day after an hour."""
    word = sentence.norm(end)
    if word in ("am", "pm"):
        if 1 <= hour <= 12 and minute < 60:
            yield end + 1, _Time(hour % 12 + 12 * (word == "pm"), minute, "half")
        elif not sentence.strict:
            yield end + 1, _impossible(sentence, at, end + 1)
        return
    words = sentence.norms(end, 3)
    part = words[2] if words[:2] == ["in", "the"] else words[1] if words[:2] == ["at", "night"] else ""
    if part in PARTS_OF_DAY and 1 <= hour <= 12 and minute < 60:
        low, high = PARTS_OF_DAY[part]
        fits = {h % 24 for h in (hour % 12, hour % 12 + 12, hour % 12 + 24) if low <= h < high}
        if len(fits) == 1:
            yield end + (3 if words[0] == "in" else 2), _Time(fits.pop(), minute, "half")


def _checked(
    sentence: Sentence, at: int, end: int, hour: int, minute: int, style: str
) -> Iterator[tuple[int, _Time | Fault]]:
    if hour < 24 and minute < 60:
        yield end, _Time(hour, minute, style)
    elif not sentence.strict:
        yield end, _impossible(sentence, at, end)


def _impossible(sentence: Sentence, at: int, end: int) -> Fault:
    return sentence.fault("DUR040", f"{sentence.spelling(at, end)} is not a time of day", at, end, _TIME_HELP)

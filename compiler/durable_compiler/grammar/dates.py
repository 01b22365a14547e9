"""Dates and spans of time in English: `January 1, 2023`, `2023-01-01`, `90 days`, `two years`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

from durable_compiler.grammar.numbers import integer
from durable_compiler.grammar.sentence import Fault, Sentence

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = {name[:size]: number for number, name in enumerate(MONTHS, 1) for size in (3, len(name))} | {"sept": 9}
_DATE_HELP = "Write a date such as 2023-01-31 or January 31, 2023."
# unit -> (letter of the ISO 8601 duration, how many of it, whether it counts within a day)
_SPANS = {
    "minute": ("M", 1, True),
    "hour": ("H", 1, True),
    "day": ("D", 1, False),
    "week": ("D", 7, False),
    "month": ("M", 1, False),
    "quarter": ("M", 3, False),
    "year": ("Y", 1, False),
}
_SPAN = {**_SPANS, **{unit + "s": value for unit, value in _SPANS.items()}}
_UNIT_OF = {"M": "month", "D": "day", "Y": "year"}
_TIME_UNIT_OF = {"M": "minute", "H": "hour"}


@dataclass(frozen=True)
class Span:
    """A length of time as an ISO 8601 duration; `within_day` when it is of hours or minutes."""

    iso: str
    within_day: bool


def date(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """A day as ISO 8601; one that does not exist, or that reads differently in two countries, is refused."""
    for end, year, month, day in (*_iso(sentence, at), *_month_first(sentence, at), *_day_first(sentence, at)):
        try:
            yield end, dt.date(year, month, day).isoformat()
        except ValueError:
            if not sentence.strict:
                spelt = sentence.spelling(at, end)
                yield end, sentence.fault("DUR046", f"{spelt} is not a day of the calendar", at, end, _DATE_HELP)
    if not sentence.strict:
        yield from _two_ways(sentence, at)


def _number(sentence: Sentence, at: int, pattern: str) -> int | None:
    text = sentence.norm(at)
    return int(text) if sentence.kind(at) == "number" and re.fullmatch(pattern, text) else None


def _iso(sentence: Sentence, at: int) -> Iterator[tuple[int, int, int, int]]:
    year = _number(sentence, at, r"\d{4}")
    slashed = sentence.norm(at + 1) == "/" and sentence.norm(at + 3) == "/"
    places = (at + 2, at + 4) if slashed else (at + 1, at + 2)
    month, day = (_number(sentence, place, r"\d{1,2}") for place in places)
    if year is None or month is None or day is None:
        return
    spelt = sentence.spelling(at, places[1] + 1)
    if re.fullmatch(r"\d{4}([-\u2010\u2011/])\d{1,2}\1\d{1,2}", spelt):
        yield places[1] + 1, year, month, day


def _month_first(sentence: Sentence, at: int) -> Iterator[tuple[int, int, int, int]]:
    month = _MONTH.get(sentence.norm(at))
    place = at + 1 + (sentence.norm(at + 1) == "." and len(sentence.norm(at)) <= 4)
    day = _number(sentence, place, r"\d{1,2}")
    if month is None or day is None:
        return
    after = place + 1 + (sentence.norm(place + 1) in ("st", "nd", "rd", "th"))
    after += sentence.norm(after) == ","
    year = _number(sentence, after, r"\d{4}")
    if year is not None:
        yield after + 1, year, month, day


def _day_first(sentence: Sentence, at: int) -> Iterator[tuple[int, int, int, int]]:
    start = at + (sentence.norm(at) == "the")
    day = _number(sentence, start, r"\d{1,2}")
    if day is None:
        return
    after = start + 1 + (sentence.norm(start + 1) in ("st", "nd", "rd", "th"))
    after += sentence.norm(after) == "of"
    month = _MONTH.get(sentence.norm(after))
    after += 1 + (sentence.norm(after + 1) in (".", ","))
    year = _number(sentence, after, r"\d{4}")
    if month is not None and year is not None:
        yield after + 1, year, month, day


def _two_ways(sentence: Sentence, at: int) -> Iterator[tuple[int, Fault]]:
    for size in (3, 5):
        if at + size > len(sentence.tokens):
            return
        spelt = sentence.spelling(at, at + size)
        found = re.fullmatch(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})", spelt)
        if found is not None:
            first, _, second, year = found.groups()
            year = year if len(year) == 4 else "20" + year
            choices = sorted({f"{year}-{int(a):02}-{int(b):02}" for a, b in ((first, second), (second, first))})
            choices = [one for one in choices if one[5:7] <= "12"]
            message = f"{spelt} is another day in another country"
            yield at + size, sentence.fault("DUR021", message, at, at + size, _DATE_HELP, choices)


def month_or_year(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, str]]]:
    """First and last day of `January 2023` or `2023`."""
    month = _MONTH.get(sentence.norm(at))
    start = at + (month is not None)
    start += month is not None and sentence.norm(start) == "of"
    year = _number(sentence, start, r"(19|20)\d\d")
    if year is None or (start == at and _number(sentence, at + 1, r"\d{1,2}") is not None):
        return
    first = dt.date(year, month or 1, 1)
    following = dt.date(year + ((month or 12) == 12), (month or 12) % 12 + 1, 1)
    yield start + 1, (first.isoformat(), (following - dt.timedelta(days=1)).isoformat())


def span(sentence: Sentence, at: int, *, bare_unit: bool = False) -> Iterator[tuple[int, Span]]:
    """`90 days`, `two years`, `a week`; with `bare_unit` also the `year` of `the last year`."""
    known = _SPAN.get(sentence.norm(at))
    if bare_unit and known is not None:
        yield at + 1, _span(1, known)
    known = _SPAN.get(sentence.norm(at + 1))
    if sentence.norm(at) in ("a", "an") and known is not None:
        yield at + 2, _span(1, known)
    for end, count in integer(sentence, at):
        known = _SPAN.get(sentence.norm(end))
        if known is not None and 0 < count < 100_000:
            yield end + 1, _span(count, known)


def _span(count: int, unit: tuple[str, int, bool]) -> Span:
    letter, size, within_day = unit
    return Span(f"P{'T' if within_day else ''}{count * size}{letter}", within_day)


def span_words(iso: str) -> str:
    """Canonical English of a duration that `span` yields."""
    found = re.fullmatch(r"P(T?)(\d+)([A-Z])", iso)
    assert found is not None, iso
    within_day, count, letter = found.groups()
    unit = (_TIME_UNIT_OF if within_day else _UNIT_OF)[letter]
    return f"{int(count):,} {unit}{'' if count == '1' else 's'}"


def start(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """Where history begins: a day, the first day of a month or year, `2 years ago`."""
    yield from date(sentence, at)
    words = [sentence.norm(at + offset) for offset in range(3)]
    first = at + 3 if words[0] == "the" and words[1] in ("beginning", "start") and words[2] == "of" else at
    yield from ((end, opening) for end, (opening, _) in month_or_year(sentence, first))
    for end, length in length_of_time(sentence, at):
        if sentence.norm(end) == "ago":
            yield end + 1, length


def length_of_time(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """How far back history goes, in days or longer units."""
    yield from ((end, one.iso) for end, one in span(sentence, at) if not one.within_day)

"""Days in English: of the week, of the month and of the year."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from durable_compiler.grammar.clocks import PARTS_OF_DAY, WEEKDAYS, separated
from durable_compiler.grammar.numbers import integer, ordinal
from durable_compiler.grammar.recurrence import MONTHS
from durable_compiler.grammar.sentence import Fault, Sentence

_DAY = {name[:size]: (number,) for number, name in enumerate(WEEKDAYS) for size in (3, len(name))}
_DAY |= {name + "s": (number,) for number, name in enumerate(WEEKDAYS)} | {"tues": (2,), "thurs": (4,), "thur": (4,)}
_WORKING = (1, 2, 3, 4, 5)
_GROUPS = {
    "weekday": _WORKING, "weekdays": _WORKING, "week days": _WORKING, "working day": _WORKING, "working days": _WORKING,
    "workday": _WORKING, "workdays": _WORKING, "business day": _WORKING, "business days": _WORKING,
    "weekends": (0, 6), "weekend days": (0, 6),
}  # fmt: skip
_MONTH = {name: number for number, name in enumerate(MONTHS, 1)}
_MONTH |= {name[:3]: number for name, number in _MONTH.items()} | {"sept": 9}
_EVERY_DAY = (
    "daily", "every day", "each day", "every single day", "once daily", "once a day", "once per day", "once each day",
    "once every day", "on a daily basis", "1 x per day", "seven days a week", "7 days a week", "all days",
    "every calendar day", "per day",
)  # fmt: skip
_EVERY_NIGHT = (
    "nightly", "every night", "each night", "once a night", "once per night", "once nightly", "on a nightly basis",
    "every single night", "once every night", "at night", "per night",
)  # fmt: skip
_EVERY_WEEK = (
    "weekly", "every week", "each week", "once a week", "once per week", "once weekly", "once each week",
    "once every week", "on a weekly basis", "1 x per week", "per week",
)  # fmt: skip
_EVERY_MONTH = ("monthly", "every month", "each month", "once a month", "once per month", "once monthly")
_EVERY_QUARTER = ("quarterly", "every quarter", "each quarter", "once a quarter", "once per quarter")
_EVERY_YEAR = ("yearly", "annually", "every year", "each year", "once a year", "once per year")
_QUARTERS = (1, 4, 7, 10)
_ALL_MONTHS = ("of every month", "of each month", "of the month", "in every month", "in each month", "every month",
               "each month", "of a month", "in the month", "of any month")  # fmt: skip
_EACH_QUARTER = ("of every quarter", "of each quarter", "of the quarter", "of a quarter", "every quarter")
_UNEVEN = (
    "every two weeks", "every 2 weeks", "every other week", "every second week", "biweekly", "bi weekly", "fortnightly",
    "every fortnight", "every other day", "every second day", "every two days", "every 2 days", "every three days",
    "every 3 days", "every other month", "every two months", "every 2 months", "bimonthly",
)  # fmt: skip
_UNEVEN_HELP = "Write days of the week, days of the month from the 1st to the 28th, or several pipelines."


@dataclass(frozen=True)
class Days:
    """Days of the week, of the month, months (empty: all), and how often a day if the words say so."""

    week: tuple[int, ...] = ()
    month: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    count: int | None = None
    weekly: bool = False
    part: str = ""


def days(sentence: Sentence, at: int) -> Iterator[tuple[int, Days | Fault]]:
    """The days on which something happens."""
    yield from _period(sentence, at)
    yield from _times_a_day(sentence, at)
    yield from _week_days(sentence, at)
    yield from _days_of_months(sentence, at)
    yield from _dates(sentence, at)
    if not sentence.strict:
        yield from _uneven(sentence, at)


def _said(sentence: Sentence, at: int, texts: tuple[str, ...]) -> Iterator[int]:
    """Where the longest of some fixed phrases ends."""
    ends = [at + len(words) for words in map(str.split, texts) if sentence.norms(at, len(words)) == words]
    if ends:
        yield max(ends)


def _period(sentence: Sentence, at: int) -> Iterator[tuple[int, Days | Fault]]:
    for end in _said(sentence, at, _EVERY_DAY):
        yield end, Days()
    for end in _said(sentence, at, _EVERY_NIGHT):
        yield end, Days(part="night")
    if (
        sentence.norm(at) in ("every", "each", "in")
        and sentence.norm(at + 1 + (sentence.norm(at) == "in")) in PARTS_OF_DAY
    ):
        end = at + 2 + (sentence.norm(at) == "in" and sentence.norm(at + 1) == "the")
        if sentence.norm(end - 1) in PARTS_OF_DAY and (sentence.norm(at) != "in" or end == at + 3):
            yield end, Days(part=sentence.norm(end - 1))
    for end in _said(sentence, at, _EVERY_WEEK):
        yield end, Days(weekly=True)
        yield from _week_days(sentence, _after_mark(sentence, end))
    for end in _said(sentence, at, _EVERY_MONTH):
        yield from _of_the_month(sentence, _after_mark(sentence, end), ())
    for end in _said(sentence, at, _EVERY_QUARTER):
        yield from _of_the_month(sentence, _after_mark(sentence, end), _QUARTERS, first_only=True)
    for end in _said(sentence, at, _EVERY_YEAR):
        yield from _dates(sentence, _after_mark(sentence, end))


def _after_mark(sentence: Sentence, at: int) -> int:
    return at + (sentence.norm(at) in (",", ":", "-", "\u2013", "("))


def _times_a_day(sentence: Sentence, at: int) -> Iterator[tuple[int, Days]]:
    found = [(at + 1, 2)] if sentence.norm(at) == "twice" else [(at + 1, 3)] if sentence.norm(at) == "thrice" else []
    for end, count in integer(sentence, at):
        if sentence.norm(end) in ("times", "x"):
            found.append((end + 1, count))
    for end, count in (*found, *_runs(sentence, at)):
        for after in _said(sentence, end, ("daily", "a day", "per day", "each day", "every day", "in a day")):
            yield after, Days(count=count)


def _runs(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    """`two loads` per day."""
    yield from (
        (end + 1, count)
        for end, count in integer(sentence, at)
        if sentence.norm(end) in ("runs", "loads", "syncs", "updates")
    )


# --- days of the week -------------------------------------------------------------------------------------------


def _week_days(sentence: Sentence, at: int) -> Iterator[tuple[int, Days]]:
    start = at + (sentence.norm(at) in ("on", "every", "each", "from"))
    start += sentence.norm(start) in ("every", "each", "a") and start > at and sentence.norm(at) == "on"
    start += sentence.norms(start, 2) in (["the", "weekend"], ["the", "weekends"])
    for end, found in _day_list(sentence, start):
        if len(set(found)) < len(found) and not _same_span_twice(found):
            continue  # a day named twice: one of them is a slip, or one of two lists was meant
        one = Days(week=tuple(sorted(set(found))))
        yield end, one
        part = sentence.norm(end).removesuffix("s")
        if part in PARTS_OF_DAY:
            # The night of a Sunday ends on Monday: only its hours before midnight are on the day that is named.
            yield end + 1, replace(one, part="evening" if part == "night" else part)


def _same_span_twice(found: tuple[int, ...]) -> bool:
    """Whether several days are named and then explained: each working day, Monday to Friday."""
    half = len(found) // 2
    return half > 1 and sorted(found[:half]) == sorted(found[half:])


def _day_list(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    for end, first in _day_item(sentence, at):
        yield end, first
        for start in separated(sentence, end):
            start += sentence.norm(start) in ("on", "every", "each")
            yield from ((after, first + rest) for after, rest in _day_list(sentence, start))


def _day_item(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    for end in _said(sentence, at, tuple(_GROUPS)):
        yield end, _GROUPS[" ".join(sentence.norms(at, end - at))]
    word = sentence.norm(at)
    if "/" in word and all(part in _DAY for part in word.split("/")):
        yield at + 1, tuple(_DAY[part][0] for part in word.split("/"))
    if word not in _DAY:
        return
    last = _last_of_span(sentence, at)
    if last is None:
        yield at + 1, _DAY[word]
    elif (low := _DAY[word][0]) != (high := _DAY[sentence.norm(last)][0]):
        yield last + 1, tuple(range(low, high + 1) if low < high else (*range(low, 7), *range(high + 1)))


def _last_of_span(sentence: Sentence, at: int) -> int | None:
    """The last day of Monday to Friday, Mon-Fri, Mon \u2013 Fri."""
    if sentence.norm(at + 1) in _DAY and _joined(sentence, at):
        return at + 1
    joins = ("to", "through", "thru", "until", "till", "-", "\u2013")
    return at + 2 if sentence.norm(at + 1) in joins and sentence.norm(at + 2) in _DAY else None


def _joined(sentence: Sentence, at: int) -> bool:
    """Whether a hyphen joins two tokens: Mon-Fri."""
    return sentence.text[sentence.tokens[at].end : sentence.tokens[at + 1].start] in ("-", "\u2010", "\u2011")


# --- days of the month ------------------------------------------------------------------------------------------


def _days_of_months(sentence: Sentence, at: int) -> Iterator[tuple[int, Days | Fault]]:
    for end, found in _numbered(sentence, at):
        for after in _said(sentence, end, _ALL_MONTHS):
            yield from _checked(sentence, at, after, found, ())
        if set(found) == {1}:
            yield from ((after, Days(month=found, months=_QUARTERS)) for after in _said(sentence, end, _EACH_QUARTER))
        for after, months in _month_list(sentence, end + (sentence.norm(end) in ("of", "in"))):
            yield from _checked(sentence, at, after, found, months)


def _of_the_month(
    sentence: Sentence, at: int, months: tuple[int, ...], *, first_only: bool = False
) -> Iterator[tuple[int, Days | Fault]]:
    """Days after the word that says how often: `monthly on the 1st`."""
    for end, found in _numbered(sentence, at):
        if not first_only or set(found) == {1}:
            yield from _checked(sentence, at, end, found, months)


def _numbered(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """`on the 1st and 15th`, `on the first day`, `on day 1`."""
    start = at + (sentence.norm(at) == "on")
    start += sentence.norm(start) in ("every", "each") and sentence.norm(start + 1) not in ("day", "days")
    if sentence.norm(start) in ("day", "days"):
        yield from ((end, (number,)) for end, number in integer(sentence, start + 1))
        return
    start += sentence.norm(start) == "the"
    for end, found in _ordinals(sentence, start):
        end += sentence.norm(end) in ("day", "days")
        yield end, found


def _ordinals(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    day = ordinal(sentence.norm(at), sentence.norm(at + 1))
    if day is None:
        return
    end = at + 1 + sentence.norm(at).isdigit()
    yield end, (day,)
    for start in separated(sentence, end):
        start += sentence.norm(start) == "on"
        start += sentence.norm(start) == "the"
        yield from ((after, (day, *rest)) for after, rest in _ordinals(sentence, start))


def in_each(months: tuple[int, ...], found: tuple[int, ...]) -> bool:
    """Whether all of these months, or without any every month, have these days."""
    shortest = min(
        (31 if month in (1, 3, 5, 7, 8, 10, 12) else 28 if month == 2 else 30 for month in months), default=28
    )
    return all(1 <= day <= shortest for day in found)


def _checked(
    sentence: Sentence, at: int, end: int, found: tuple[int, ...], months: tuple[int, ...]
) -> Iterator[tuple[int, Days | Fault]]:
    if in_each(months, found):
        yield end, Days(month=tuple(sorted(set(found))), months=tuple(sorted(set(months))))
    elif not sentence.strict:
        help = "Write a day from the 1st to the 28th."
        yield end, sentence.fault("DUR044", "not every month has that day", at, end, help)


# --- dates ------------------------------------------------------------------------------------------------------


def _month_list(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    number = _MONTH.get(sentence.norm(at))
    if number is None or sentence.kind(at) != "word":
        return
    yield at + 1, (number,)
    for start in separated(sentence, at + 1):
        yield from ((end, (number, *rest)) for end, rest in _month_list(sentence, start))


def _dates(sentence: Sentence, at: int) -> Iterator[tuple[int, Days | Fault]]:
    """`on 1 January and 1 July`, `January 1st and July 1st`: days and months that form a grid."""
    start = at + (sentence.norm(at) in ("on", "every", "each"))
    for end, found in _date_list(sentence, start):
        numbers, months = ({date[part] for date in found} for part in (0, 1))
        if set(itertools.product(numbers, months)) == set(found):
            yield from _checked(sentence, at, end, tuple(numbers), tuple(months))
        elif not sentence.strict:
            yield end, sentence.fault("DUR044", "one cron line cannot express these dates", at, end, _UNEVEN_HELP)


def _date_list(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[tuple[int, int], ...]]]:
    for end, first in _date(sentence, at):
        yield end, (first,)
        for start in separated(sentence, end):
            start += sentence.norm(start) == "on"
            yield from ((after, (first, *rest)) for after, rest in _date_list(sentence, start))


def _date(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """`1 January`, `the 1st of January`, `January 1`, `January 1st`."""
    month = _MONTH.get(sentence.norm(at))
    if month is not None:
        yield from ((end, (day, month)) for end, day in _day_number(sentence, at + 1))
        return
    for end, day in _day_number(sentence, at + (sentence.norm(at) == "the")):
        end += sentence.norm(end) == "of"
        if sentence.norm(end) in _MONTH:
            yield end + 1, (day, _MONTH[sentence.norm(end)])


def _day_number(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    start = at + (sentence.norm(at) == "the")
    day = ordinal(sentence.norm(start), sentence.norm(start + 1))
    if day is not None:
        yield start + 1 + sentence.norm(start).isdigit(), day
    elif sentence.norm(start).isdecimal() and len(sentence.norm(start)) < 3 and sentence.norm(start + 1) != ":":
        yield start + 1, int(sentence.norm(start))


# --- what no cron line says -------------------------------------------------------------------------------------


def _uneven(sentence: Sentence, at: int) -> Iterator[tuple[int, Fault]]:
    for end in _said(sentence, at, _UNEVEN):
        spelt = sentence.spelling(at, end)
        yield end, sentence.fault("DUR044", f"one cron line cannot express '{spelt}'", at, end, _UNEVEN_HELP)
        for after, _ in _week_days(sentence, end):
            yield after, sentence.fault("DUR044", f"one cron line cannot express '{spelt}'", at, end, _UNEVEN_HELP)
    start = at + (sentence.norm(at) in ("on", "every", "each"))
    start += sentence.norm(start) in ("the", "every", "each")
    word = sentence.norm(start)
    if word != "last" and ordinal(word, sentence.norm(start + 1)) is None:
        return
    middle = start + 1 + word.isdigit()
    for end, _ in _day_item(sentence, middle) if word != "last" else _last_of(sentence, middle):
        after = next(_said(sentence, end, (*_ALL_MONTHS, *_EACH_QUARTER)), end)
        spelt = sentence.spelling(at, after)
        yield after, sentence.fault("DUR044", f"one cron line cannot express '{spelt}'", at, after, _UNEVEN_HELP)


def _last_of(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """What may follow `the last`: a day or a weekday."""
    yield from _day_item(sentence, at)
    if sentence.norm(at) == "day":
        yield at + 1, ()

"""Times of day, zones and recurrences, and the one cron line that says the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from durable_compiler.grammar.numbers import integer, ordinal
from durable_compiler.grammar.sentence import Fault, Sentence

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_DAY = {name[:size]: number for number, name in enumerate(WEEKDAYS) for size in (3, len(name))}
_DAY |= {name + "s": number for number, name in enumerate(WEEKDAYS)} | {"tues": 2, "thurs": 4}
_ABBREVIATIONS = {
    "est": "America/New_York", "edt": "America/New_York", "et": "America/New_York", "cst": "America/Chicago",
    "cdt": "America/Chicago", "ct": "America/Chicago", "mst": "America/Denver", "mdt": "America/Denver",
    "mt": "America/Denver", "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles", "pt": "America/Los_Angeles",
    "cet": "Europe/Paris", "cest": "Europe/Paris", "bst": "Europe/London", "ist": "Asia/Kolkata",
    "jst": "Asia/Tokyo", "eet": "Europe/Helsinki", "wet": "Europe/Lisbon", "aest": "Australia/Sydney",
    "aedt": "Australia/Sydney", "msk": "Europe/Moscow", "hst": "Pacific/Honolulu", "akst": "America/Anchorage",
}  # fmt: skip
_PART_OF_DAY = {"morning": (0, 12), "afternoon": (12, 18), "evening": (17, 24), "night": (18, 31)}
_TIME_HELP = "Write a time such as 2:00 AM UTC, 02:00 UTC or 18:30 Europe/Berlin."


@dataclass(frozen=True)
class Times:
    """Times of day as (hour, minute), sorted; `bare` when neither AM, PM nor a leading digit says which half."""

    times: tuple[tuple[int, int], ...]
    zone: str | None
    bare: bool
    assumed: bool
    start: int
    end: int


@dataclass(frozen=True)
class Days:
    """Days of the week and of the month (empty: every day), and how often a day if the words say so."""

    week: tuple[int, ...] = ()
    month: tuple[int, ...] = ()
    count: int | None = None
    weekly: bool = False
    part: str = ""


@dataclass(frozen=True)
class Recurrence:
    """When something happens: every so many minutes, or at times of day; on all or some days."""

    every: int | None
    times: tuple[tuple[int, int], ...]
    week: tuple[int, ...] = ()
    month: tuple[int, ...] = ()

    @property
    def cron(self) -> str | None:
        """Five numeric fields, or None when no single line says exactly this."""
        days = f"{cron_field(self.month, range(1, 32))} * {cron_field(self.week, range(7))}"
        if self.every is not None:
            return f"{_step(self.every)} {days}"
        hours = sorted({hour for hour, _ in self.times})
        minutes = sorted({minute for _, minute in self.times})
        if len(hours) * len(minutes) != len(self.times):
            return None
        return f"{cron_field(minutes, range(60))} {cron_field(hours, range(24))} {days}"

    def echo(self) -> str:
        """Canonical English without the zone."""
        days = _days_in_words(self)
        if self.every is not None:
            unit, count = ("hour", self.every // 60) if self.every % 60 == 0 else ("minute", self.every)
            every = f"every {unit}" if count == 1 else f"every {count} {unit}s"
            return every if days == "every day" else f"{every} {days}"
        return f"{days} at {listed([f'{hour:02}:{minute:02}' for hour, minute in self.times])}"


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *head, last = words
    return f"{', '.join(head)} and {last}" if head else last


def _days_in_words(recurrence: Recurrence) -> str:
    if recurrence.month:
        return f"on the {listed(f'{day}{_suffix(day)}' for day in recurrence.month)} of every month"
    special = {(): "every day", (1, 2, 3, 4, 5): "on weekdays", (0, 6): "on weekends"}
    return special.get(recurrence.week) or f"every {listed(WEEKDAYS[day].title() for day in recurrence.week)}"


def _suffix(day: int) -> str:
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _step(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if hours:
        assert rest == 0
        return "0 *" if hours == 1 else f"0 */{hours}"
    return "* *" if minutes == 1 else f"*/{minutes} *"


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


def in_part_of_day(part: str, hour: int) -> bool:
    """Whether an hour can be called morning, afternoon, evening or night."""
    low, high = _PART_OF_DAY.get(part, (0, 24))
    return low <= hour < high or low <= hour + 24 < high


# --- zones ------------------------------------------------------------------------------------------------------


def zone(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """A time zone: UTC, an IANA name, or an IANA city followed by `time`."""
    if sentence.norm(at) == "(":
        yield from ((end + 1, value) for end, value in zone(sentence, at + 1) if sentence.norm(end) == ")")
        return
    if sentence.norm(at) == "in":
        yield from zone(sentence, at + 1)
        return
    for end, value in _zone_name(sentence, at):
        yield end, value
        if sentence.norm(end) == "time":
            yield end + 1, value


def _zone_name(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    word = sentence.norm(at)
    if word == "utc" or (word == "z" and sentence.spelling(at, at + 1) == "Z"):
        yield at + 1, "UTC"
    elif word == "gmt":
        yield at + 1, "GMT"
    elif [word, sentence.norm(at + 1), sentence.norm(at + 2)] == ["coordinated", "universal", "time"]:
        yield at + 3, "UTC"
    elif word in _ABBREVIATIONS:
        yield from _abbreviation(sentence, at)
    elif "/" in word and sentence.kind(at) in ("word", "code"):
        yield from _iana(sentence, at)
    else:
        yield from _city(sentence, at)


def _abbreviation(sentence: Sentence, at: int) -> Iterator[tuple[int, Fault]]:
    spelt = sentence.spelling(at, at + 1)
    if not sentence.strict and spelt.isupper():
        name = _ABBREVIATIONS[sentence.norm(at)]
        message = f"{spelt} can mean several offsets and ignores daylight saving"
        yield at + 1, sentence.fault("DUR043", message, at, at + 1, f"Write an IANA time zone, here {name}.", [name])


def _zones() -> dict[str, str]:
    import pytz

    return {name.casefold(): name for name in pytz.all_timezones}


def _iana(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    zones = _zones()
    word = sentence.norm(at).casefold()
    if word in zones:
        yield at + 1, zones[word]
    elif not sentence.strict and re.fullmatch(r"[A-Za-z_]+(/[A-Za-z_]+)+", sentence.norm(at)):
        from durable_compiler.catalogue import nearest

        close = nearest(word, list(zones.values()))
        message = f"{sentence.spelling(at, at + 1)} is not an IANA time zone"
        yield (
            at + 1,
            sentence.fault("DUR045", message, at, at + 1, "Write an IANA time zone, e.g. Europe/Berlin.", close),
        )


def _city(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    end = next((at + size for size in (1, 2, 3) if sentence.norm(at + size) == "time"), None)
    if end is None or any(sentence.kind(position) != "word" for position in range(at, end)):
        return
    city = "_".join(sentence.norm(position) for position in range(at, end))
    names = sorted({name for key, name in _zones().items() if "/" in key and key.rsplit("/", 1)[1] == city})
    continents = [name for name in names if name.split("/")[0] not in ("US", "Canada", "Etc", "Brazil", "Mexico")]
    if len(continents) == 1:
        yield end, continents[0]
    elif not sentence.strict:
        message = f"'{sentence.spelling(at, end)} time' names no time zone"
        yield end, sentence.fault("DUR045", message, at, end, "Write an IANA time zone, e.g. Europe/Berlin.", names)


# --- times of day -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Time:
    hour: int
    minute: int
    style: str  # "sure", "short" (2:00), "military" (0200)


def times(sentence: Sentence, at: int) -> Iterator[tuple[int, Times | Fault]]:
    """One or several times of day, and the zone if it follows."""
    for end, found in _time_list(sentence, at):
        if isinstance(found, Fault):
            yield end, found
            continue
        span = (sentence.tokens[at].start, sentence.tokens[end - 1].end)
        pairs = tuple(sorted({(one.hour, one.minute) for one in found}))
        military = any(one.style == "military" for one in found)
        short = any(one.style == "short" for one in found)
        if not military:
            yield end, Times(pairs, None, short, short, *span)
        for after, name in zone(sentence, end):
            yield after, (name if isinstance(name, Fault) else Times(pairs, name, False, short or military, *span))


def _time_list(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[_Time, ...] | Fault]]:
    for end, first in _time(sentence, at):
        if isinstance(first, Fault):
            yield end, first
            continue
        yield end, (first,)
        for start in _after_separator(sentence, end):
            start += sentence.norm(start) == "at"
            for after, rest in _time_list(sentence, start):
                yield after, (rest if isinstance(rest, Fault) else (first, *rest))


def _after_separator(sentence: Sentence, at: int) -> Iterator[int]:
    if sentence.norm(at) in ("and", "&"):
        yield at + 1
    elif sentence.norm(at) == ",":
        yield at + 1
        if sentence.norm(at + 1) in ("and", "&"):
            yield at + 2


def _time(sentence: Sentence, at: int) -> Iterator[tuple[int, _Time | Fault]]:
    word, kind = sentence.norm(at), sentence.kind(at)
    if word in ("noon", "midnight"):
        yield at + 1, _Time(12 if word == "noon" else 0, 0, "sure")
    elif word == "12" and sentence.norm(at + 1) in ("noon", "midnight"):
        yield from _time(sentence, at + 1)
    elif kind == "clock":
        yield from _clock(sentence, at)
    elif kind == "number" and re.fullmatch(r"\d{4}", word):
        yield from _checked(sentence, at, at + 1, int(word[:2]), int(word[2:]), "military")
    else:
        yield from _hour(sentence, at)


def _clock(sentence: Sentence, at: int) -> Iterator[tuple[int, _Time | Fault]]:
    hour, minute, *seconds = (int(part) for part in sentence.norm(at).split(":"))
    if any(seconds):
        return
    for end, value in _meridiem(sentence, at, at + 1, hour, minute):
        yield end, value
        return
    style = "sure" if sentence.norm(at).index(":") == 2 else "short"
    yield from _checked(sentence, at, at + 1, hour, minute, style)


def _hour(sentence: Sentence, at: int) -> Iterator[tuple[int, _Time | Fault]]:
    for end, hour in integer(sentence, at):
        after = end + (sentence.norm(end) == "o'clock")
        yield from _meridiem(sentence, at, after, hour, 0)


def _meridiem(sentence: Sentence, at: int, end: int, hour: int, minute: int) -> Iterator[tuple[int, _Time | Fault]]:
    word = sentence.norm(end)
    if word in ("am", "pm"):
        if 1 <= hour <= 12 and minute < 60:
            yield end + 1, _Time(hour % 12 + 12 * (word == "pm"), minute, "sure")
        elif not sentence.strict:
            yield end + 1, _impossible(sentence, at, end + 1)
        return
    words = [sentence.norm(end + offset) for offset in range(3)]
    part = words[2] if words[:2] == ["in", "the"] else words[1] if words[:2] == ["at", "night"] else ""
    if part in _PART_OF_DAY and 1 <= hour <= 12 and minute < 60:
        low, high = _PART_OF_DAY[part]
        fits = {h % 24 for h in (hour % 12, hour % 12 + 12, hour % 12 + 24) if low <= h < high}
        if len(fits) == 1:
            yield end + (3 if words[0] == "in" else 2), _Time(fits.pop(), minute, "sure")


def _checked(
    sentence: Sentence, at: int, end: int, hour: int, minute: int, style: str
) -> Iterator[tuple[int, _Time | Fault]]:
    if hour < 24 and minute < 60:
        yield end, _Time(hour, minute, style)
    elif not sentence.strict:
        yield end, _impossible(sentence, at, end)


def _impossible(sentence: Sentence, at: int, end: int) -> Fault:
    return sentence.fault("DUR040", f"{sentence.spelling(at, end)} is not a time of day", at, end, _TIME_HELP)


# --- recurrences ------------------------------------------------------------------------------------------------


def every(sentence: Sentence, at: int) -> Iterator[tuple[int, int | Fault]]:
    """Minutes between runs: `every 15 minutes`, `hourly`, `every half hour`."""
    words = [sentence.norm(at + offset) for offset in range(5)]
    if words[0] == "hourly" or (words[0] in ("once", "every", "each") and words[1] == "hour"):
        yield at + (1 if words[0] == "hourly" else 2), 60
    elif words[:3] == ["once", "an", "hour"]:
        yield at + 3, 60
    elif words[0] in ("every", "each") and words[1] == "minute":
        yield at + 2, 1
    elif words == ["every", "quarter", "of", "an", "hour"]:
        yield at + 5, 15
    elif words[:3] == ["every", "quarter", "hour"]:
        yield at + 3, 15
    elif words[:3] == ["every", "half", "hour"]:
        yield at + 3, 30
    elif words[:4] == ["every", "half", "an", "hour"]:
        yield at + 4, 30
    elif words[:3] == ["every", "other", "hour"]:
        yield at + 3, 120
    elif words[0] == "every":
        yield from _every_number(sentence, at)


def _every_number(sentence: Sentence, at: int) -> Iterator[tuple[int, int | Fault]]:
    sizes = {"minute": 1, "minutes": 1, "min": 1, "mins": 1, "hour": 60, "hours": 60, "hr": 60, "hrs": 60, "h": 60}
    for end, count in integer(sentence, at + 1):
        size = sizes.get(sentence.norm(end))
        if size is None:
            continue
        minutes = count * size
        if minutes and (60 % minutes == 0 or (minutes % 60 == 0 and 1440 % minutes == 0 and minutes < 1440)):
            yield end + 1, minutes
        elif not sentence.strict:
            spelt = sentence.spelling(at, end + 1)
            help = "Write a number of minutes that divides 60 or of hours that divides 24, or times of day."
            yield end + 1, sentence.fault("DUR044", f"cron cannot run {spelt} evenly", at, end + 1, help)


def days(sentence: Sentence, at: int) -> Iterator[tuple[int, Days | Fault]]:
    """The days on which something happens."""
    first, second, third = (sentence.norm(at + offset) for offset in range(3))
    every_word = first in ("every", "each")
    if first in ("nightly", "daily"):
        yield at + 1, Days(part="night" if first == "nightly" else "")
    elif every_word and second in ("day", *_PART_OF_DAY):
        yield at + 2, Days(part=second)
    elif first in ("once", "twice") and (
        second == "daily" or (second in ("a", "per", "each", "every") and third in ("day", "night"))
    ):
        yield at + (2 if second == "daily" else 3), Days(count=2 if first == "twice" else None)
    elif (
        first == "weekly"
        or (every_word and second == "week")
        or ([first, third] == ["once", "week"] and second in ("a", "per", "each", "every"))
    ):
        end = at + (1 if first == "weekly" else 2 if every_word else 3)
        yield end, Days(weekly=True)
        yield from _week_days(sentence, end)
    elif first == "monthly" or (every_word and second == "month"):
        yield from _on_the(sentence, at + (1 if first == "monthly" else 2), monthly=True)
    else:
        yield from _times_a_day(sentence, at)
        yield from _week_days(sentence, at)
        yield from _on_the(sentence, at, monthly=False)


def _times_a_day(sentence: Sentence, at: int) -> Iterator[tuple[int, Days]]:
    for end, count in integer(sentence, at):
        if [sentence.norm(end + offset) for offset in range(3)] in (
            ["times", "a", "day"],
            ["times", "per", "day"],
            ["times", "each", "day"],
        ):
            yield end + 3, Days(count=count)


def _week_days(sentence: Sentence, at: int) -> Iterator[tuple[int, Days]]:
    start = at + (sentence.norm(at) in ("on", "every", "each"))
    word = sentence.norm(start)
    if word in ("weekday", "weekdays"):
        yield start + 1, Days(week=(1, 2, 3, 4, 5))
    elif word == "weekends":
        yield start + 1, Days(week=(0, 6))
    elif [sentence.norm(start + offset) in _DAY for offset in (0, 2)] == [True, True] and (
        sentence.norm(start + 1) in ("to", "through", "thru", "until")
    ):
        yield from _span_of_days(_DAY[word], _DAY[sentence.norm(start + 2)], start + 3)
    elif [sentence.norm(start + offset) in _DAY for offset in (0, 1)] == [True, True] and _joined(sentence, start):
        yield from _span_of_days(_DAY[word], _DAY[sentence.norm(start + 1)], start + 2)
    else:
        yield from ((end, Days(week=tuple(sorted(set(found))))) for end, found in _day_list(sentence, start))


def _span_of_days(low: int, high: int, end: int) -> Iterator[tuple[int, Days]]:
    if low != high:
        span = range(low, high + 1) if low < high else (*range(low, 7), *range(high + 1))
        yield end, Days(week=tuple(sorted(span)))


def _joined(sentence: Sentence, at: int) -> bool:
    """Whether a hyphen or dash joins two tokens: Mon-Fri."""
    return sentence.text[sentence.tokens[at].end : sentence.tokens[at + 1].start] in ("-", "\u2010", "\u2011")


def _day_list(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    if sentence.norm(at) not in _DAY:
        return
    yield at + 1, (_DAY[sentence.norm(at)],)
    for start in _after_separator(sentence, at + 1):
        start += sentence.norm(start) in ("on", "every", "each")
        yield from ((end, (_DAY[sentence.norm(at)], *rest)) for end, rest in _day_list(sentence, start))


def _on_the(sentence: Sentence, at: int, *, monthly: bool) -> Iterator[tuple[int, Days | Fault]]:
    start = at + (sentence.norm(at) == "on")
    start += sentence.norm(start) == "the"
    if start == at or sentence.norm(start - 1) != "the":
        return
    for end, found in _ordinals(sentence, start):
        end += sentence.norm(end) == "day"
        after = end if monthly else _of_every_month(sentence, end)
        if after is None:
            continue
        if all(1 <= day <= 28 for day in found):
            yield after, Days(month=tuple(sorted(set(found))))
        elif not sentence.strict:
            help = "Write a day from the 1st to the 28th."
            yield after, sentence.fault("DUR044", "not every month has that day", start, end, help)


def _ordinals(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    day = ordinal(sentence.norm(at), sentence.norm(at + 1))
    if day is None:
        return
    end = at + 1 + sentence.norm(at).isdigit()
    yield end, (day,)
    for start in _after_separator(sentence, end):
        start += sentence.norm(start) == "the"
        yield from ((after, (day, *rest)) for after, rest in _ordinals(sentence, start))


def _of_every_month(sentence: Sentence, at: int) -> int | None:
    words = [sentence.norm(at + offset) for offset in range(3)]
    if words[0] in ("of", "in") and words[1] in ("every", "each", "the") and words[2] == "month":
        return at + 3
    return at + 2 if words[0] in ("every", "each") and words[1] == "month" else None

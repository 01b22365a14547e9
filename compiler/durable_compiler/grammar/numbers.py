"""Numbers and durations in digits and words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from durable_compiler.grammar.sentence import Sentence

_UNITS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: 10 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
_MAGNITUDES = {"million": 1_000_000, "thousand": 1_000, "hundred": 100, "dozen": 12}
_SCALES = {"k": 1_000, "m": 1_000_000, "mn": 1_000_000, **_MAGNITUDES}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_SHORT = {"sec": 1, "secs": 1, "s": 1, "min": 60, "mins": 60, "hr": 3600, "hrs": 3600, "h": 3600, "d": 86400}
UNIT_SECONDS = {**_SECONDS, **{word + "s": value for word, value in _SECONDS.items()}, **_SHORT}
_ORDINALS = {
    word: value
    for value, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
        "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split(),
        1,
    )
}


def integer(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    """`5`, `50,000`, `20k`, `2.5 million`, `twenty five`, `two hundred and fifty`, `a dozen`."""
    for end, value in _plain(sentence, at):
        scale = _SCALES.get(sentence.norm(end)) if sentence.kind(at) == "number" else None
        if scale is not None and (scaled := round(value * scale, 6)).is_integer():
            yield end + 1, int(scaled)
        elif value == int(value):
            yield end, int(value)


def _plain(sentence: Sentence, at: int) -> Iterator[tuple[int, float]]:
    if sentence.kind(at) != "number":
        yield from _in_words(sentence, at)
        return
    text = sentence.norm(at)
    # Three digits after a point may be thousands: 50.000 is no number that everybody reads alike.
    if re.fullmatch(r"(0|[1-9]\d*|[1-9]\d{0,2}(,\d{3})+)(\.(\d\d?|\d{4,}))?", text):
        yield at + 1, float(text.replace(",", ""))


def _in_words(sentence: Sentence, at: int) -> Iterator[tuple[int, float]]:
    """The longest number in words from here: two hundred and fifty thousand."""
    if sentence.norm(at) == "half" and sentence.norm(at + 1) == "a" and sentence.norm(at + 2) in _MAGNITUDES:
        yield at + 3, _MAGNITUDES[sentence.norm(at + 2)] / 2
        return
    end, value = _upto(sentence, at, list(_MAGNITUDES.items()))
    if end > at:
        yield end, value


def _upto(sentence: Sentence, at: int, magnitudes: list[tuple[str, int]]) -> tuple[int, int]:
    """A number in words below a magnitude, and where it ends."""
    if not magnitudes:
        return _below_hundred(sentence, at)
    (word, size), *smaller = magnitudes
    end, count = _upto(sentence, at, smaller)
    if end == at and sentence.norm(at) == "a" and sentence.norm(at + 1) == word:
        end, count = at + 1, 1
    if end == at or sentence.norm(end) not in (word, f"{word}s"):
        return end, count
    after, rest = _upto(sentence, end + 1 + (sentence.norm(end + 1) == "and"), smaller)
    known = after > end + 1 + (sentence.norm(end + 1) == "and") and word != "dozen"
    return (after, count * size + rest) if known else (end + 1, count * size)


def _below_hundred(sentence: Sentence, at: int) -> tuple[int, int]:
    word, following = sentence.norm(at), _UNITS.get(sentence.norm(at + 1), 0)
    if word in _TENS and 0 < following < 10:
        return at + 2, _TENS[word] + following
    value = _TENS.get(word, _UNITS.get(word))
    return (at, 0) if value is None else (at + 1, value)


def ordinal(word: str, following: str) -> int | None:
    """`1st` (as two tokens), `first`."""
    if word.isdecimal() and following in ("st", "nd", "rd", "th"):
        return int(word)
    return _ORDINALS.get(word)


def duration(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    """Seconds: `15 minutes`, `an hour`, `half an hour`, `1 hour 30 minutes`, `an hour and a half`, `90 mins`, `1h`."""
    seen: set[int] = set()
    for end, seconds in _one_duration(sentence, at):
        for after, value in _continued(sentence, end, seconds):
            if after not in seen:
                seen.add(after)
                yield after, value


def _one_duration(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    words = [sentence.norm(at + offset) for offset in range(4)]
    start = at + (words[0] in ("a", "an"))
    if words[0] in ("half", "quarter") or (start > at and words[1] in ("half", "quarter")):
        yield from _part_of_unit(sentence, start)
    elif start > at and words[1] in _SECONDS:
        yield at + 2, _SECONDS[words[1]]
    elif words[0] in _SECONDS and sentence.norm(at - 1) in ("last", "past", "previous"):
        yield at + 1, _SECONDS[words[0]]
    yield from _counted(sentence, at)


def _part_of_unit(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    """`half an hour`, `half hour`, `quarter of an hour`, `quarter hour`."""
    parts = 2 if sentence.norm(at) == "half" else 4
    end = at + 1 + (parts == 4 and sentence.norm(at + 1) == "of")
    end += sentence.norm(end) in ("a", "an")
    size = _SECONDS.get(sentence.norm(end), 0)
    if size and size % parts == 0:
        yield end + 1, size // parts


def _counted(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    for end, value in integer(sentence, at):
        if sentence.norm(end) in UNIT_SECONDS:
            yield end + 1, value * UNIT_SECONDS[sentence.norm(end)]
        halves = [sentence.norm(end + offset) for offset in range(3)] == ["and", "a", "half"]
        if halves and sentence.norm(end + 3) in ("hours", "minutes", "days"):
            yield end + 4, (2 * value + 1) * UNIT_SECONDS[sentence.norm(end + 3)] // 2
    yield from _engineers(sentence, at)


def _engineers(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    """`15m`, written as one word, and `1.5 hours`."""
    text, unit = sentence.norm(at), sentence.norm(at + 1)
    if sentence.kind(at) != "number":
        return
    if unit == "m" and text.isdigit() and sentence.tokens[at + 1].start == sentence.tokens[at].end:
        yield at + 2, int(text) * 60
    size = UNIT_SECONDS.get(unit, 0)
    if size and re.fullmatch(r"\d{1,3}\.(5|25|75|50)", text) and (seconds := float(text) * size).is_integer():
        yield at + 2, int(seconds)


def _continued(sentence: Sentence, at: int, seconds: int) -> Iterator[tuple[int, int]]:
    """A duration with `and a half` or a number of a smaller unit after it."""
    unit = UNIT_SECONDS.get(sentence.norm(at - 1), 0)
    start = at + (sentence.norm(at) == "and")
    if seconds == unit and [sentence.norm(at + offset) for offset in range(3)] == ["and", "a", "half"]:
        yield at + 3, seconds + unit // 2
    for end, more in _counted(sentence, start):
        if more < unit and UNIT_SECONDS.get(sentence.norm(end - 1), 0) < unit:
            yield end, seconds + more
    yield at, seconds


def in_words(seconds: int) -> str:
    """A duration in the largest unit that divides it."""
    for unit, size in sorted(_SECONDS.items(), key=lambda item: -item[1]):
        if seconds % size == 0 and (unit != "week"):
            count = seconds // size
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    raise AssertionError(seconds)

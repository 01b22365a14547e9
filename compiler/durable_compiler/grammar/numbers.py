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
_SCALES = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000, "hundred": 100}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_SHORT = {"sec": 1, "secs": 1, "s": 1, "min": 60, "mins": 60, "hr": 3600, "hrs": 3600, "h": 3600, "d": 86400}
UNIT_SECONDS = {**_SECONDS, **{word + "s": value for word, value in _SECONDS.items()}, **_SHORT}


def integer(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    """`5`, `50,000`, `20k`, `five`, `twenty five`, `fifty thousand`."""
    for end, value in _plain(sentence, at):
        scale = _SCALES.get(sentence.norm(end))
        if scale is not None and value == int(value * scale) / scale:
            yield end + 1, int(value * scale)
        elif value == int(value):
            yield end, int(value)


def _plain(sentence: Sentence, at: int) -> Iterator[tuple[int, float]]:
    if sentence.kind(at) == "number":
        text = sentence.norm(at)
        if re.fullmatch(r"(0|[1-9]\d*|[1-9]\d{0,2}(,\d{3})+)(\.\d+)?", text):
            yield at + 1, float(text.replace(",", ""))
        return
    word, following = sentence.norm(at), _UNITS.get(sentence.norm(at + 1), 0)
    if word in _TENS and 0 < following < 10:
        yield at + 2, _TENS[word] + following
    elif word in _TENS or word in _UNITS:
        yield at + 1, _TENS.get(word, _UNITS.get(word, 0))
    elif word in ("a", "one") and sentence.norm(at + 1) in ("hundred", "thousand", "million"):
        yield at + 1, 1


def ordinal(word: str, following: str) -> int | None:
    """`1st` (as two tokens), `first`."""
    if word.isdigit() and following in ("st", "nd", "rd", "th"):
        return int(word)
    return {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "tenth": 10, "fifteenth": 15}.get(word)


def duration(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    """Seconds: `15 minutes`, `an hour`, `half an hour`, `1 hour`, `two days`."""
    words = [sentence.norm(at + offset) for offset in range(3)]
    if words in (["half", "an", "hour"], ["half", "a", "minute"]):
        yield at + 3, 1800 if words[2] == "hour" else 30
    elif words[0] in ("a", "an") and words[1] in _SECONDS:
        yield at + 2, _SECONDS[words[1]]
    elif words[0] == "quarter" and words[1:] == ["of", "an"] and sentence.norm(at + 3) == "hour":
        yield at + 4, 900
    elif words[0] in _SECONDS and sentence.norm(at - 1) == "last":
        yield at + 1, _SECONDS[words[0]]
    for end, value in integer(sentence, at):
        if sentence.norm(end) in UNIT_SECONDS:
            yield end + 1, value * UNIT_SECONDS[sentence.norm(end)]


def in_words(seconds: int) -> str:
    """A duration in the largest unit that divides it."""
    for unit, size in sorted(_SECONDS.items(), key=lambda item: -item[1]):
        if seconds % size == 0 and (unit != "week"):
            count = seconds // size
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    raise AssertionError(seconds)

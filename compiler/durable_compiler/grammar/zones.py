"""Time zones in English: UTC, IANA names and IANA cities."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from durable_compiler.grammar.sentence import Fault, Sentence

_ABBREVIATIONS = {
    "est": "America/New_York", "edt": "America/New_York", "et": "America/New_York", "cst": "America/Chicago",
    "cdt": "America/Chicago", "ct": "America/Chicago", "mst": "America/Denver", "mdt": "America/Denver",
    "mt": "America/Denver", "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles", "pt": "America/Los_Angeles",
    "cet": "Europe/Paris", "cest": "Europe/Paris", "bst": "Europe/London", "ist": "Asia/Kolkata",
    "jst": "Asia/Tokyo", "eet": "Europe/Helsinki", "wet": "Europe/Lisbon", "aest": "Australia/Sydney",
    "aedt": "Australia/Sydney", "msk": "Europe/Moscow", "hst": "Pacific/Honolulu", "akst": "America/Anchorage",
}  # fmt: skip
_REGIONAL = {
    "eastern": "America/New_York", "central": "America/Chicago", "mountain": "America/Denver",
    "pacific": "America/Los_Angeles", "german": "Europe/Berlin", "uk": "Europe/London", "european": "Europe/Paris",
}  # fmt: skip
# Time-zone names that stand for countries or offsets rather than for cities.
_NO_CITIES = ("US", "Canada", "Etc", "Brazil", "Mexico", "Chile")
_MENTIONS = ("time zone is", "timezone is", "time zone", "timezone", "zone", "tz")


def zone(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """A time zone: `UTC`, `(UTC)`, `in the Europe/Berlin time zone`, `time zone: UTC`, `Berlin time`."""
    if sentence.norm(at) == "(":
        yield from ((end + 1, value) for end, value in zone(sentence, at + 1) if sentence.norm(end) == ")")
        return
    if sentence.norm(at) == "in":
        yield from zone(sentence, at + 1 + (sentence.norm(at + 1) == "the"))
        return
    for end, value in _zone_name(sentence, _mentioned(sentence, at)):
        yield end, value
        if sentence.norm(end) in ("time", "timezone"):
            yield end + 1 + (sentence.norm(end + 1) == "zone"), value


def _mentioned(sentence: Sentence, at: int) -> int:
    """The token after `time zone:`."""
    for mention in _MENTIONS:
        words = mention.split()
        if sentence.norms(at, len(words)) == words:
            end = at + len(words)
            return end + (sentence.norm(end) == ":")
    return at


def _zone_name(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    word = sentence.norm(at)
    if word == "utc" or (word == "z" and sentence.spelling(at, at + 1) == "Z"):
        yield at + 1, "UTC"
    elif word == "gmt":
        yield at + 1, "GMT"
    elif sentence.norms(at, 3) == ["coordinated", "universal", "time"]:
        yield at + 3, "UTC"
    elif word in _ABBREVIATIONS:
        yield from _abbreviation(sentence, at)
    elif "/" in word and sentence.kind(at) in ("word", "code", "quoted"):
        yield from _iana(sentence, at)
    else:
        yield from _city(sentence, at)


def _abbreviation(sentence: Sentence, at: int) -> Iterator[tuple[int, Fault]]:
    spelt = sentence.spelling(at, at + 1)
    if not sentence.strict and spelt.isupper():
        name = _ABBREVIATIONS[sentence.norm(at)]
        message = f"{spelt} can mean several offsets and ignores daylight saving"
        yield at + 1, sentence.fault("DUR043", message, at, at + 1, f"Write an IANA time zone, here {name}.", [name])


@cache
def _zones() -> dict[str, str]:
    import pytz

    return {name.casefold(): name for name in pytz.all_timezones}


@cache
def _cities() -> dict[str, tuple[str, ...]]:
    cities: dict[str, tuple[str, ...]] = {}
    for key, name in sorted(_zones().items()):
        if "/" in key:
            city = key.rsplit("/", 1)[1]
            cities[city] = (*cities.get(city, ()), name)
    return cities


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
    found = next((at + size for size in (1, 2, 3) if sentence.norm(at + size) in ("time", "local", "standard")), None)
    if found is None or any(sentence.kind(position) != "word" for position in range(at, found)):
        return
    end = found + (sentence.norm(found) == "local")
    if sentence.norm(end) != "time":
        return
    city = "_".join(sentence.norm(position) for position in range(at, found))
    names = _cities().get(city, ())
    continents = [name for name in names if name.split("/")[0] not in _NO_CITIES]
    if len(continents) == 1:
        yield end, continents[0]
    elif not sentence.strict:
        close = [_REGIONAL[city]] if city in _REGIONAL else names
        code = "DUR043" if city in _REGIONAL else "DUR045"
        message = f"'{sentence.spelling(at, end)} time' names no time zone"
        yield end, sentence.fault(code, message, at, end, "Write an IANA time zone, e.g. Europe/Berlin.", close)

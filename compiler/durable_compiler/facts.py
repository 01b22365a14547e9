"""The hard facts of a sentence, whatever it does with them: its numbers, times, names, addresses and literal words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from durable_compiler.grammar import clocks, names, numbers
from durable_compiler.grammar.sentence import Sentence

_LITERALS = frozenset(("code", "quoted", "channel", "email"))


def facts(sentence: Sentence) -> Counter[str]:
    """Each fact as text with how often it occurs; the longest reading of a place counts."""
    found: Counter[str] = Counter()
    at = 0
    while at < len(sentence.tokens):
        end, fact = max(_at(sentence, at), key=lambda one: one[0], default=(at + 1, ""))
        found[fact] += bool(fact)
        at = end
    return +found


def _at(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    if sentence.kind(at) in _LITERALS:
        yield at + 1, f"'{sentence.norm(at)}'"
    for end, times in clocks.times(sentence, at):
        if isinstance(times, clocks.Times):
            spelt = clocks.listed(f"{hour:02}:{minute:02}" for hour, minute in times.times)
            yield end, f"{spelt} {times.zone or ''}".rstrip()
    for end, seconds in numbers.duration(sentence, at):
        yield end, f"{seconds} seconds"
    for end, value in numbers.integer(sentence, at):
        yield end, f"{value}"
    if sentence.kind(at) in ("number", "clock"):
        yield at + 1, sentence.norm(at)
    yield from _names(sentence, at)


def _names(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    if sentence.norm(at) in names.STRUCTURE:
        return
    for end, name in names.object_name(sentence, at):
        if isinstance(name, str):
            yield end, name
    for end, one in names.field(sentence, at):
        if isinstance(one, tuple):
            yield end, ".".join(one)
    word = sentence.norm(at)
    if sentence.kind(at) == "word" and ("_" in word or "." in word or "/" in word):
        yield at + 1, word

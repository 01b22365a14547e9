"""Shares of a whole in English: percentages and the fractions that a decimal number holds exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from durable_compiler.grammar.numbers import integer
from durable_compiler.grammar.sentence import Fault, Sentence

_PARTS = {
    "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "twentieth": 20, "hundredth": 100, "thousandth": 1000,
}  # fmt: skip
_PARTS |= {"halves": 2, **{f"{word}s": parts for word, parts in _PARTS.items() if word != "half"}}
_PERCENT = ((("%",), 1), (("percent",), 1), (("pct",), 1), (("per", "cent"), 2))
_HELP = "Write a percentage from 0 to 100, such as 20%."


def share(sentence: Sentence, at: int) -> Iterator[tuple[int, float | Fault]]:
    """`20%`, `twenty percent`, `0.5 per cent`, `half`, `a fifth`, `three quarters`, `one in five`, `1/5`."""
    for end, part in _fractions(sentence, at):
        if part > 1:
            if not sentence.strict:
                message = f"{sentence.spelling(at, end)} is more than everything"
                yield end, sentence.fault("DUR055", message, at, end, _HELP)
        elif _is_decimal(part):
            yield end, float(part)
        elif not sentence.strict:
            message = f"no decimal number is exactly {sentence.spelling(at, end)}"
            help = f"Write a percentage, such as {float(part) * 100:.1f}%."
            yield end, sentence.fault("DUR055", message, at, end, help, [f"{float(part) * 100:.1f}%"])


def in_percent(value: float) -> str:
    """A share as a percentage in its shortest form: 0.125 is 12.5%."""
    return f"{(Decimal(repr(value)) * 100).normalize():f}%"


def _is_decimal(part: Fraction) -> bool:
    rest = part.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def _fractions(sentence: Sentence, at: int) -> Iterator[tuple[int, Fraction]]:
    yield from _percentages(sentence, at)
    yield from _named(sentence, at)
    yield from _one_in_so_many(sentence, at)


def _percentages(sentence: Sentence, at: int) -> Iterator[tuple[int, Fraction]]:
    if [sentence.norm(at), sentence.norm(at + 1), sentence.norm(at + 2)] == ["half", "a", "percent"]:
        yield at + 3, Fraction(1, 200)
    for end, number in _numbers(sentence, at):
        for words, size in _PERCENT:
            if tuple(sentence.norm(end + offset) for offset in range(size)) == words:
                yield end + size, number / 100


def _numbers(sentence: Sentence, at: int) -> Iterator[tuple[int, Fraction]]:
    if sentence.kind(at) == "number":
        if re.fullmatch(r"(0|[1-9]\d*)(\.\d+)?", sentence.norm(at)):
            yield at + 1, Fraction(sentence.norm(at))
    else:
        yield from ((end, Fraction(number)) for end, number in integer(sentence, at))


def _named(sentence: Sentence, at: int) -> Iterator[tuple[int, Fraction]]:
    """`half`, `a quarter`, `one fifth`, `three quarters`; never the half of something smaller, as in `half an hour`."""
    if sentence.norm(at) == "half":
        yield at + 1, Fraction(1, 2)
        return
    counted = [(at + 1, 1)] if sentence.norm(at) in ("a", "an") else list(integer(sentence, at))
    for end, count in counted:
        parts = _PARTS.get(sentence.norm(end))
        if parts is not None and sentence.norm(end).endswith("s") == (count != 1):
            yield end + 1, Fraction(count, parts)


def _one_in_so_many(sentence: Sentence, at: int) -> Iterator[tuple[int, Fraction]]:
    for end, count in integer(sentence, at):
        words = [sentence.norm(end), sentence.norm(end + 1)]
        start = end + 2 if words == ["out", "of"] else end + 1 if words[0] in ("in", "/") else None
        if start is not None:
            for after, whole in integer(sentence, start):
                if whole > 0 and sentence.norm(after) not in ("%", "percent", "per"):
                    yield after, Fraction(count, whole)

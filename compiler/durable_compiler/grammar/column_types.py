"""The type of a column in English: `text`, `a whole number`, `number(18,2)`, `decimal with 2 places`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from durable_compiler.grammar.sentence import Fault, Sentence

_TYPES: tuple[tuple[str, str], ...] = (
    ("date and time", "timestamp"), ("whole number", "integer"), ("whole numbers", "integer"),
    ("decimal number", "number"), ("yes no", "boolean"), ("true false", "boolean"), ("true/false", "boolean"),
    ("yes/no", "boolean"), ("plain text", "text"), ("date time", "timestamp"), ("true or false", "boolean"),
    ("yes or no", "boolean"),
    *((word, "text") for word in ("text", "string", "strings", "varchar")),
    *((word, "integer") for word in ("integer", "int", "bigint", "integers")),
    *((word, "number") for word in ("number", "numeric", "decimal", "numbers")),
    *((word, "boolean") for word in ("boolean", "bool")),
    *((word, "timestamp") for word in ("timestamp", "datetime", "timestamps")),
    ("date", "date"), ("dates", "date"), ("time", "time"), ("json", "json"),
)  # fmt: skip
_MOST_DIGITS = 38


def column_type(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """`text`, `a whole number`, `number(18,2)`, `decimal with 2 places`."""
    start = at + (sentence.norm(at) in ("a", "an", "type"))
    if sentence.kind(start) == "code":
        yield from _type_in_code(sentence, start)
        return
    for words, kind in _TYPES:
        parts = words.split()
        if [sentence.norm(start + offset) for offset in range(len(parts))] == parts:
            end = start + len(parts)
            yield end, kind
            if kind == "number":
                yield from _precise(sentence, start, end)


def _type_in_code(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """A type between backticks."""
    text = sentence.norm(at).strip().lower()
    found = re.fullmatch(r"(?:number|numeric|decimal)\((\d+), ?(\d+)\)", text)
    if found is not None:
        yield from _sized(sentence, at, at + 1, int(found[1]), int(found[2]))
    yield from ((at + 1, kind) for words, kind in _TYPES if words == text)


def _precise(sentence: Sentence, start: int, at: int) -> Iterator[tuple[int, str | Fault]]:
    marks = [sentence.norm(at), sentence.norm(at + 2), sentence.norm(at + 4)]
    if marks == ["(", ",", ")"] and sentence.norm(at + 1).isdecimal() and sentence.norm(at + 3).isdecimal():
        yield from _sized(sentence, start, at + 5, int(sentence.norm(at + 1)), int(sentence.norm(at + 3)))
        return
    to = sentence.norm(at) in ("with", "to", "of")
    scale = _COUNTS.get(sentence.norm(at + to), -1)
    end = at + to + 1 + (sentence.norm(at + to + 1) in ("decimal", "fraction", "fractional"))
    if to and scale >= 0 and sentence.norm(end) in ("places", "place", "decimals", "digits", "digit"):
        named = end > at + to + 1 or sentence.norm(end) in ("places", "place", "decimals")
        if named:
            yield from _sized(sentence, start, end + 1, _MOST_DIGITS, scale)


_COUNTS = {
    word: count
    for count, words in enumerate(("0 zero", "1 one", "2 two", "3 three", "4 four", "5 five", "6 six", "7 seven",
                                   "8 eight", "9 nine", "10 ten"))
    for word in words.split()
}  # fmt: skip


def _sized(sentence: Sentence, start: int, end: int, digits: int, scale: int) -> Iterator[tuple[int, str | Fault]]:
    if 1 <= digits <= _MOST_DIGITS and scale <= digits:
        yield end, f"number({digits},{scale})"
    elif not sentence.strict:
        message = f"a number cannot have {digits} digits with {scale} after the point"
        help = f"Write at most {_MOST_DIGITS} digits, and no more after the point than in all."
        yield end, sentence.fault("DUR053", message, start, end, help, ("number(38,18)",))

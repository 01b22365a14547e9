"""The words that any rule knows, and which words of a sentence no rule knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from durable_compiler.frames import REGISTRY
from durable_compiler.grammar.inflect import inflections
from durable_compiler.grammar.lexicon import PHRASES, SLOTS
from durable_compiler.grammar.names import STRUCTURE
from durable_compiler.grammar.neutral import NEUTRAL_PHRASES, NEUTRAL_WORDS
from durable_compiler.grammar.sentence import Sentence

# What a slot's value is called when a person is told what was understood. Slots that take any word are not here.
PIECES: dict[str, str] = {
    "objects": "objects",
    "object": "an object",
    "field": "a field",
    "fields": "fields",
    "times": "a time of day",
    "every": "how often",
    "days": "days",
    "zone": "a time zone",
    "duration": "a length of time",
    "recipients": "a recipient",
    "system": "a warehouse",
    "source": "a source",
    "region": "a country",
    "int": "a number",
}
_WORD = re.compile(r"[^\W\d_][\w']*")


@cache
def words() -> frozenset[str]:
    """Every word in a rule, with the inflections of verbs."""
    texts = [*(frame.phrases for frame in REGISTRY.values()), *PHRASES.values()]
    fillers = {word for phrases in NEUTRAL_PHRASES.values() for phrase in phrases for word in phrase}
    return frozenset(word for text in texts for word in _words_of(text)) | NEUTRAL_WORDS | STRUCTURE | fillers


def _words_of(text: str) -> Iterator[str]:
    """The words of a frame's phrases; names of concepts are upper case, slots and constants in brackets."""
    bare = re.sub(r"<[^>]*>|\{[^}]*\}|%\w+|(?m:^\s*READ .*$)", " ", text)
    for piece in re.findall(r"~?[^\s()\[\]|=]+", bare):
        for part in piece.lstrip("~\\").split("/"):
            names = part.split("_") if piece.startswith("~") else [part]
            for name in names:
                if _WORD.fullmatch(name) and not name.isupper():
                    yield from inflections(name) if piece.startswith("~") else (name,)


def pieces(sentence: Sentence) -> list[tuple[int, int, str]]:
    """The names, times and amounts in a sentence as (first token, end, what it is), the longest from the left."""
    found: list[tuple[int, int, str]] = []
    at = 0
    while at < len(sentence.tokens):
        ends = [(end, what) for name, what in PIECES.items() if name in SLOTS for end in _ends(sentence, name, at)]
        end, what = max(ends, key=lambda one: one[0], default=(at, ""))
        if end > at + (sentence.norm(at) in STRUCTURE):
            found.append((at, end, what))
        at = max(end, at + 1)
    return found


def _ends(sentence: Sentence, slot: str, at: int) -> list[int]:
    return [end for end, _ in SLOTS[slot](sentence, at)]


def unknown(sentence: Sentence) -> list[int]:
    """The tokens that are in no rule and no name."""
    named = {at for start, end, _ in pieces(sentence) for at in range(start, end)}
    known = words()
    return [
        at
        for at, token in enumerate(sentence.tokens)
        if token.kind == "word" and at not in named and token.norm.removesuffix("'s") not in known
    ]

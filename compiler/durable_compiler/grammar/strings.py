"""Texts in the order in which they follow one another, with the marks that stand between them."""

from __future__ import annotations

from collections.abc import Iterator

from durable_compiler.grammar import names
from durable_compiler.grammar.expressions import Found, Named, Raw, Reading, Tree, atom, separator
from durable_compiler.grammar.sentence import Sentence
from durable_compiler.terms import Constant

_FOLLOWS = (("+",), ("plus",), ("followed", "by"), (",", "followed", "by"), ("then",), (",", "then"), ("and", "then"))


def spelled(sentence: Sentence, at: int) -> Iterator[tuple[int, Reading]]:
    """`First Name, a space and Last Name`, `First Name followed by Last Name`."""
    for end, parts in _parts(sentence, at):
        marks = [one for one in parts[1::2] if isinstance(one, Constant)]
        texts = parts[::2]
        plain = all(not isinstance(one, Constant) for one in texts) and len(texts) > 1
        if plain and len(marks) == len(parts) // 2 and len(set(marks)) == 1 and len(parts) % 2:
            yield end, Reading(Tree("joined", (marks[0], *texts)), at, end)
        elif (
            not any(isinstance(one, Constant) for one in parts)
            and len(parts) > 1
            and "+" not in sentence.norms(at, end - at)
        ):
            yield end, Reading(Tree("together", parts), at, end)


def _parts(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[Raw, ...]]]:
    for end, first in _part_or_mark(sentence, at):
        yield end, (first,)
        following = [*names.separators(sentence, end)]
        following += [end + len(words) for words in _FOLLOWS if sentence.norms(end, len(words)) == list(words)]
        for start in following:
            yield from ((after, (first, *rest)) for after, rest in _parts(sentence, start))


def _part_or_mark(sentence: Sentence, at: int) -> Found:
    yield from ((end, Constant(text, "text")) for end, text in separator(sentence, at) if sentence.kind(at) == "word")
    yield from ((end, raw) for end, raw in atom(sentence, at) if isinstance(raw, Named))

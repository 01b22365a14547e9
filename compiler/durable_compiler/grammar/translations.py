"""Values of a picklist and what each becomes: sources of several words, targets, and pairs of both."""

from __future__ import annotations

from collections.abc import Iterator

from durable_compiler.grammar import names
from durable_compiler.grammar.fillers import several_words
from durable_compiler.grammar.names import listed
from durable_compiler.grammar.sentence import Sentence

# Targets of two words that need no quotes; any other pair of words may end in an adverb or another rule.
_TWO_WORDS = frozenset(
    "at risk|on track|off track|on hold|in progress|past due|high risk|low risk|medium risk|needs attention|in danger|"
    "in doubt|in trouble|well served|up sell|closed won|closed lost".split("|")
)
_TO = ("to", "as", "into", "becomes", "become", "→", "means", "mean", "=", ":")
_DONE = ("mapped", "stored", "translated", "converted", "changed", "turned", "written")


def sources(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Values as the picklist has them, unquoted also when they have several words."""
    return listed(sentence, at, _source)


def targets(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """What values become."""
    return listed(sentence, at, target)


def _source(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    yield from names.value(sentence, at)
    yield from several_words(sentence, at)


def target(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """One value exactly as written."""
    yield from names.value(sentence, at)
    if f"{sentence.norm(at)} {sentence.norm(at + 1)}" in _TWO_WORDS:
        yield at + 2, sentence.spelling(at, at + 2)


def translations(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[tuple[str, str], ...]]]:
    """`Green to healthy, Yellow to at_risk`, `Green → healthy`, `Green becomes healthy`, `Green means healthy`."""
    return listed(sentence, at, _pair)


def _pair(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, str]]]:
    for end, one in _source(sentence, at):
        middle = end
        if sentence.norm(middle) in ("is", "are") and sentence.norm(middle + 1) in _DONE:
            middle += 2
        if sentence.norm(middle) in _TO:
            yield from ((after, (one, other)) for after, other in target(sentence, middle + 1))


def whole(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[tuple[str, str], ...]]]:
    """The pairs that open a sentence without naming their field: all of them, so that they are one clause."""
    if at == 0:
        yield from sorted(translations(sentence, at), key=lambda found: found[0])[-1:]

"""The part of a sentence that is a whole clause, when the sentence is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from durable_compiler.frames import REGISTRY, tiling
from durable_compiler.frames.frame import Clause
from durable_compiler.grammar.sentence import Sentence
from durable_compiler.grammar.tiling import tiles


@dataclass(frozen=True)
class Part:
    """Tokens start..end and the clause that they are."""

    start: int
    end: int
    clause: Clause


def prefix(sentence: Sentence) -> Part | None:
    """The longest beginning that is a whole clause, if something follows it."""
    found = [one for one in _clauses(sentence, 0) if sentence.norm(one.end) not in ("", ".")]
    return max(found, key=lambda one: one.end, default=None)


def suffix(sentence: Sentence, after: int) -> Part | None:
    """The clause that everything behind a character is."""
    start = next((at for at, token in enumerate(sentence.tokens) if token.start >= after), 0)
    return next((one for one in _clauses(sentence, start) if start and sentence.norm(one.end) in ("", ".")), None)


def kinds_with_fault(sentence: Sentence, start: int, end: int) -> list[str]:
    """The kinds of rule that read the sentence's beginning but for a refused value at these characters."""
    lenient = Sentence(sentence.text, sentence.catalogue, sentence.synced, strict=False)
    return [
        kind
        for kind, frame in REGISTRY.items()
        if any(
            (one.start, one.end) == (start, end)
            for tile in tiles(lenient, 0, tiling(kind), frame.build)
            for one in tile.faults
        )
    ]


def _clauses(sentence: Sentence, start: int) -> Iterator[Part]:
    for kind, frame in REGISTRY.items():
        for tile in tiles(sentence, start, tiling(kind), frame.build):
            if isinstance(tile.clause, Clause):
                yield Part(start, tile.end, tile.clause)

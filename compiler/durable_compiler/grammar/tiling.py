"""Cover a clause completely with the concepts of one frame, each at most once, in any order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from durable_compiler.grammar.lexicon import LEXICON
from durable_compiler.grammar.neutral import GLUE, GLUE_PHRASES, NEUTRAL_PHRASES, NEUTRAL_WORDS
from durable_compiler.grammar.pattern import Bindings, Match, Phrase, as_dict, compile_phrase
from durable_compiler.grammar.sentence import Fault, Sentence

Builder = Callable[[dict[str, Any], Sentence], Any]
_CONNECTORS = frozenset(("and", "&"))
# After a mark `but` contrasts two parts; without one it may mean except: everything but Leads.
_AFTER_MARKS = _CONNECTORS | {"but", "whereby"}
# Marks between the parts of a clause that carry no meaning of their own: "Batch size: 50,000 rows"; so does a full
# stop between two notes: "Warehouse: DuckDB. Table: health."
_MARKS = frozenset((",", ";", ":", "-", "\u2013", "\u2014", "(", ")", "=", "→"))
# Neutral words that a clause cannot end with: something is to follow.
_WAITING = GLUE | {"it", "we", "our"}


@dataclass(frozen=True)
class Read:
    """A set of concepts that means something, and the constants that it adds; `after` limits what stands before it."""

    required: frozenset[str]
    optional: frozenset[str]
    constants: Bindings
    after: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Tiling:
    """A frame's compiled concepts and READ lines."""

    concepts: tuple[tuple[str, Phrase], ...]
    reads: tuple[Read, ...]

    @cached_property
    def by_word(self) -> Mapping[str, tuple[tuple[str, Phrase], ...]]:
        """A word → the concepts that may begin with it; the empty word → those that may begin with any."""
        words = {word for _, phrase in self.concepts for word in phrase.first or ()}
        found = {
            word: tuple(one for one in self.concepts if one[1].first is None or word in one[1].first) for word in words
        }
        return {**found, "": tuple(one for one in self.concepts if one[1].first is None)}


@dataclass(frozen=True)
class Tile:
    """A clause that ends before token `end`; `clause` is a Fault when a value in it is refused.

    `after` holds the kinds of which one must stand before it, as its verb or subject is theirs; empty for a full one.
    """

    end: int
    clause: Any
    faults: tuple[Fault, ...] = ()
    after: frozenset[str] = frozenset()


def compile_tiling(text: str) -> Tiling:
    """Concepts (`NAME = pattern`) and READ lines (`READ A B|C [D] {x=y}`), elliptic ones as `FOLLOWING kind READ A`."""
    concepts: list[tuple[str, Phrase]] = []
    reads: list[Read] = []
    for line in _logical_lines(text):
        if line.startswith(("READ ", "FOLLOWING ")):
            kinds, _, read = line.partition("READ ")
            reads += _reads(read, frozenset(kinds.removeprefix("FOLLOWING ").split("|")) if kinds else frozenset())
        else:
            name, _, pattern = line.partition("=")
            concepts.append((name.strip(), compile_phrase(pattern.strip(), LEXICON)))
    # A heading before the rule, as notes have it, adds nothing to any reading: Retries: up to 5 times.
    if any(name == "TOPIC" for name, _ in concepts):
        reads = [replace(read, optional=read.optional | {"TOPIC"}) for read in reads]
    return Tiling(tuple(concepts), tuple(reads))


def _logical_lines(text: str) -> list[str]:
    """Lines of a frame's text; a deeper one continues the line before."""
    return [line.strip() for line in re.sub(r"\n {8,}", " ", text).splitlines() if line.strip()]


def _reads(line: str, kinds: frozenset[str]) -> Iterator[Read]:
    after = frozenset(kind.strip() for kind in kinds)
    constants = tuple(tuple(item.split("=", 1)) for item in re.findall(r"\{([^}]*)\}", line))
    optional = frozenset(re.findall(r"\[(\w+)\]", line))
    words = re.sub(r"\{[^}]*\}|\[\w+\]", "", line).split()
    alternatives = [word.split("|") for word in words]

    def spread(index: int, chosen: frozenset[str]) -> Iterator[Read]:
        if index == len(alternatives):
            yield Read(chosen, optional, constants, after)
            return
        for name in alternatives[index]:
            yield from spread(index + 1, chosen | {name})

    return spread(0, frozenset())


def tiles(sentence: Sentence, start: int, tiling: Tiling, build: Builder) -> list[Tile]:
    """Every way in which a clause of this frame can begin at a token."""
    found: dict[tuple[int, Any, tuple[Fault, ...], frozenset[str]], Tile] = {}
    names, reads = _possible(sentence, tiling)
    for end, used, bindings in _covers(sentence, start, tiling, names) if reads else ():
        for read in reads:
            if read.required <= used <= read.required | read.optional:
                tile = _build(sentence, end, bindings + read.constants, build)
                if tile is not None and (start or not read.after):
                    found[tile.end, tile.clause, tile.faults, read.after] = replace(tile, after=read.after)
    return list(found.values())


def _possible(sentence: Sentence, tiling: Tiling) -> tuple[frozenset[str], tuple[Read, ...]]:
    """The concepts whose own words the sentence holds, and the READ lines that they can fill."""
    if sentence.thorough or sentence.expected is not None or not sentence.strict:
        return frozenset(name for name, _ in tiling.concepts), tiling.reads
    known: Any = sentence.memo.get(id(tiling))
    if known is None:
        words = sentence.words
        names = frozenset(name for name, phrase in tiling.concepts if not any(map(words.isdisjoint, phrase.needs)))
        known = names, tuple(read for read in tiling.reads if read.required <= names)
        sentence.memo[id(tiling)] = known
    names, reads = known
    return names, reads


def _build(sentence: Sentence, end: int, bindings: Bindings, build: Builder) -> Tile | None:
    values = as_dict(bindings)
    if values is None:
        return None
    faults = tuple(fault for value in values.values() for fault in _faults(value))
    clause = None if faults else build(values, sentence)
    if isinstance(clause, Fault):
        faults, clause = (clause,), None
    if clause is None and (sentence.strict or not faults):
        return None
    return Tile(end, clause, faults)


def _faults(value: Any) -> Iterator[Fault]:
    if isinstance(value, Fault):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _faults(item)


def _covers(
    sentence: Sentence, start: int, tiling: Tiling, names: frozenset[str]
) -> Iterator[tuple[int, frozenset[str], Bindings]]:
    matches: dict[int, Mapping[str, list[Match]]] = {}

    def at(position: int) -> Mapping[str, list[Match]]:
        if position not in matches:
            index = tiling.by_word
            matches[position] = {
                name: list(phrase.match(sentence, position))
                for name, phrase in index.get(sentence.norm(position), index[""])
                if name in names
            }
        return matches[position]

    def walk(position: int, used: frozenset[str], bindings: Bindings, loose: bool) -> Iterator[Any]:
        if used and not loose:
            yield position, used, bindings
        if position == len(sentence.tokens):
            _expect(sentence, position, used, tiling)
            return
        for name, end, bound in _next(at(position), position, used):
            yield from walk(end, used | {name}, bindings + bound, False)
        for end in _neutral(sentence, position):
            # An auxiliary waits for its verb; after a comma, a purpose, `too` or `please` may still end the clause.
            single = end == position + 1 and (loose or sentence.norm(position) in _WAITING)
            open_end = _is_be(sentence, position, end) or (single and sentence.norm(position) not in ("too", "please"))
            yield from walk(end, used, bindings, open_end)
        if used and not loose:
            yield from (step for end in _connector(sentence, position) for step in walk(end, used, bindings, True))

    return walk(start, frozenset(), (), False)


def _next(
    matches: Mapping[str, list[Match]], position: int, used: frozenset[str]
) -> Iterator[tuple[str, int, Bindings]]:
    """The concepts not used yet that take something here."""
    for name, found in matches.items():
        if name not in used:
            yield from ((name, end, bound) for end, bound in found if end > position)


def _expect(sentence: Sentence, end: int, used: frozenset[str], tiling: Tiling) -> None:
    """Where the text ends, what the concepts begin with that could still make it a clause."""
    if sentence.expected is None:
        return
    wanted = {name for read in tiling.reads if used <= read.required | read.optional for name in read.required - used}
    wanted |= {name for read in tiling.reads if read.required <= used for name in read.optional - used}
    for name, phrase in tiling.concepts:
        if name in wanted:
            list(phrase.match(sentence, end))


def _neutral(sentence: Sentence, at: int) -> Iterator[int]:
    word = sentence.norm(at)
    if word in NEUTRAL_WORDS:
        yield at + 1
    for phrase in NEUTRAL_PHRASES.get(word, ()):
        if all(sentence.norm(at + offset) == part for offset, part in enumerate(phrase)):
            end = at + len(phrase)
            yield end
            if sentence.norm(end) == ",":
                yield end + 1


def _is_be(sentence: Sentence, at: int, end: int) -> bool:
    """Whether these words are an auxiliary: `to be`, `need to`."""
    return tuple(sentence.norms(at, end - at)) in GLUE_PHRASES.get(sentence.norm(at), ())


def _connector(sentence: Sentence, at: int) -> Iterator[int]:
    word = sentence.norm(at)
    if word in _MARKS and not _is_sign(sentence, at):
        yield at + 1
        if sentence.norm(at + 1) in _AFTER_MARKS:
            yield at + 2
    elif word in _CONNECTORS or (word == "." and at + 1 < len(sentence.tokens)):
        yield at + 1


def _is_sign(sentence: Sentence, at: int) -> bool:
    """Whether a dash belongs to the number right behind it: -3."""
    return (
        sentence.norm(at) in ("-", "\u2013")
        and sentence.kind(at + 1) == "number"
        and sentence.tokens[at].end == sentence.tokens[at + 1].start
    )

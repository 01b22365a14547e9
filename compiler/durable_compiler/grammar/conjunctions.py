"""Conditions joined by `and` or `or`, and what the second inherits from the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from durable_compiler.grammar.possible import flaw
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.topics import Topic
from durable_compiler.terms import Apply, Term


@dataclass(frozen=True)
class State:
    """What a later part inherits: the object, the last field, and the word that introduced the last part."""

    owner: str | None = None
    topic: Topic | None = None
    mode: str = ""
    first: bool = True


@dataclass(frozen=True)
class Part:
    """One condition of a list; `loose` holds an `or` whose reach a neighbour could change, `last` ends the list."""

    term: Term | Fault
    state: State
    loose: bool = False
    last: bool = False


Unit = Callable[[Sentence, int, State], Iterator[tuple[int, Part]]]


@dataclass(frozen=True)
class Joined:
    """The conditions of one list and the words that join them."""

    terms: tuple[Term | Fault, ...]
    joins: frozenset[str]
    state: State

    @property
    def whole(self) -> bool:
        """Whether the list is one condition or has a word that joins it."""
        return len(self.terms) == 1 or bool(self.joins - {","})

    def term(self, sentence: Sentence, start: int, end: int) -> Term | Fault:
        """One condition; `and` beside `or` is refused."""
        fault = next((one for one in self.terms if isinstance(one, Fault)), None)
        if fault is not None:
            return fault
        terms = tuple(one for one in self.terms if not isinstance(one, Fault))
        if len(terms) == 1:
            return terms[0]
        joins = self.joins - {","}
        if len(joins) > 1:
            help = "Put brackets around what belongs together, or write two requirements."
            return sentence.fault("DUR021", "'and' beside 'or' can be read in two ways", start, end, help)
        return sound(sentence, combined(next(iter(joins)), terms), start, end)


def sound(sentence: Sentence, term: Term, start: int, end: int) -> Term | Fault:
    """A condition that some values meet and others do not; any other is refused."""
    wrong = flaw(term)
    if wrong is None:
        return term
    help = "Write the part that you mean, or join what excludes each other by the other of 'and' and 'or'."
    meets = "can meet" if wrong == "no value" else "meets"
    return sentence.fault("DUR056", f"{wrong} {meets} '{sentence.spelling(start, end)}'", start, end, help)


def combined(op: str, terms: tuple[Term, ...]) -> Term:
    """`and` or `or` of conditions; one inside another of its kind is the same as one long one."""
    parts = [part for one in terms for part in (one.args if isinstance(one, Apply) and one.op == op else (one,))]
    return Apply(op, tuple(dict.fromkeys(parts))) if len(set(parts)) > 1 else parts[0]


def flat(sentence: Sentence, at: int, state: State, unit: Unit) -> Iterator[tuple[int, Joined]]:
    """Parts joined by `and`, `or` and commas, at every length at which the list may end."""
    yield from ((end, one) for end, one in _lists(sentence, at, state, unit) if one.whole)


def _lists(sentence: Sentence, at: int, state: State, unit: Unit) -> tuple[tuple[int, Joined], ...]:
    known = sentence.memo.get(("lists", at, state, unit))
    if known is None:
        known = tuple(dict.fromkeys(_read_lists(sentence, at, state, unit)))
        sentence.memo["lists", at, state, unit] = known
    assert isinstance(known, tuple)
    return known


def _read_lists(sentence: Sentence, at: int, state: State, unit: Unit) -> Iterator[tuple[int, Joined]]:
    for end, part in unit(sentence, at, state):
        inside = frozenset({"or"}) if part.loose else frozenset()
        yield end, Joined((part.term,), inside, part.state)
        for start, join in connectors(sentence, end) if not part.last else ():
            for after, rest in _lists(sentence, start, replace(part.state, first=False), unit):
                yield after, Joined((part.term, *rest.terms), inside | {join} | rest.joins, rest.state)


def connectors(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """Where the next part begins, and the word that joins it."""
    start = at + (sentence.norm(at) == ",")
    word = sentence.norm(start)
    if word in ("and", "or", "&", "but"):
        yield start + 1 + (sentence.norm(start + 1) == "also"), "or" if word == "or" else "and"
    elif start > at:
        yield start, ","

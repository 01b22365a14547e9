"""Sentences that do compile, made of one that does not: small edits that each have to read before they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from durable_compiler.catalogue import Snapshot
from durable_compiler.edits import UNDIRECTED, Wrong, edits
from durable_compiler.frames import REGISTRY
from durable_compiler.frames.frame import Clause
from durable_compiler.grammar.nearness import ranked
from durable_compiler.grammar.reading import read, understood
from durable_compiler.grammar.sentence import Fault

# How many sentences one search may read: a diagnostic is for a person who waits.
_BUDGET = 36
_DEPTH = 4


@dataclass
class Search:
    """Readings against one catalogue, each sentence once, as many as the budget allows."""

    catalogue: Snapshot
    synced: tuple[str, ...]
    budget: int = _BUDGET
    known: dict[str, tuple[Clause, ...]] = field(default_factory=dict)

    def reads(self, text: str) -> bool:
        """Whether a sentence is understood, and about objects that can be queried."""
        named = [name for clause in self.clauses(text) for name in getattr(clause, "objects", ())]
        objects = self.catalogue.by_name
        return bool(self.clauses(text)) and all(objects[name].queryable for name in named if name in objects)

    def clauses(self, text: str) -> tuple[Clause, ...]:
        """The clauses of a sentence; none when it is not understood or the budget is spent."""
        if text not in self.known and self._spend():
            self.known[text] = understood(text, self.catalogue, self.synced)
        return self.known.get(text, ())

    def fault(self, text: str) -> Fault | None:
        """Why a sentence is not understood."""
        return read(text, self.catalogue, self.synced).fault if self._spend() else None

    def _spend(self) -> bool:
        self.budget -= 1
        return self.budget >= 0


def repaired(text: str, fault: Fault, search: Search, limit: int = 2) -> tuple[str, ...]:
    """The sentence with as little changed as makes it read, up to `limit` ways that mean different things."""
    seen = {text}
    queue: list[tuple[str, Fault | None, int]] = [(text, fault, 0)]
    while queue:
        sentence, wrong, depth = queue.pop(0)
        wrong = wrong or search.fault(sentence)
        if wrong is None:
            continue
        for group in edits(Wrong(sentence, wrong, search.catalogue, search.synced)):
            candidates = [one for one in dict.fromkeys(edit.apply(sentence) for edit in group) if one not in seen]
            seen.update(candidates)
            fitting = [one for one in candidates if one and _own(one, text, sentence, wrong, depth)]
            found = _reading(fitting, search, limit)
            if found:
                return found
            queue += [(one, None, depth + 1) for one in fitting if depth < _DEPTH]
    return ()


def _own(candidate: str, text: str, sentence: str, wrong: Fault, depth: int) -> bool:
    """Whether a candidate may stand for the person's sentence: one edit of a value may, many edits must be alike."""
    shorter = wrong.code in UNDIRECTED and len(candidate) < len(sentence)
    return not (depth or shorter) or _alike(text, candidate)


def _reading(candidates: Sequence[str], search: Search, limit: int) -> tuple[str, ...]:
    """The first candidates that read and mean different things."""
    found: dict[tuple[Clause, ...], str] = {}
    for one in candidates:
        if search.reads(one):
            found.setdefault(search.clauses(one), one)
        if len(found) == limit:
            break
    return tuple(found.values())


def _alike(text: str, candidate: str) -> bool:
    """Whether a sentence is still the person's own after several edits."""
    from rapidfuzz import fuzz

    return fuzz.ratio(text.casefold(), candidate.casefold()) >= 55


def example(text: str, search: Search, kinds: Sequence[str] = ()) -> tuple[str, ...]:
    """The nearest example of the language, with names of this catalogue; of these kinds first."""
    preferred = [one for kind in kinds if kind in REGISTRY for one in REGISTRY[kind].examples]
    rest = [one for frame in REGISTRY.values() for one in frame.examples]
    choices = [*ranked(text, preferred)[:4], *ranked(text, rest)[:6], *_SURE]
    for one in choices:
        own = Search(search.catalogue, search.synced, budget=16)
        if own.reads(one):
            return (one,)
        fault = own.fault(one)
        found = repaired(one, fault, own, limit=1) if fault is not None else ()
        if found:
            return found
    return ()


# What reads in every organisation, for when nothing nearer does.
_SURE = ("Syncs Accounts from Salesforce", "Runs nightly at 2:00 AM UTC")

"""Conditions in English: about the fields of one object, and what must hold of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from durable_compiler.grammar.comparison_phrases import phrase_at, table, vocabulary
from durable_compiler.grammar.comparisons import core, predicates
from durable_compiler.grammar.conjunctions import Joined, Part, State, flat
from durable_compiler.grammar.describing import described, possessed
from durable_compiler.grammar.names import STRUCTURE, object_name
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.topics import Topic, anywhere, topics, unknown
from durable_compiler.terms import Apply, Term, complement

# "If every Account has no Name" is not "if any": conditions have determiners of their own.
UNIVERSAL = frozenset(("every", "each", "all", "both", "most"))
_AFTER_A_FIELD = vocabulary() | frozenset("is are was has have does must should shall".split())
Condition = tuple[str, Term | Fault]
_ORDERS = ("lt", "le", "gt", "ge")
_MODALS = table(
    """
    yes: must | shall | should | has to | have to | needs to | need to | must always | should always | shall always
    no: must not | shall not | should not | may not | can not | cannot | must never | should never | shall never
    no: may never | can never
    """
)


def condition(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """(object, condition): `Annual Revenue is at least 10 million`, `Stage is Closed Won or Closed Lost`."""
    for end, joined in flat(sentence, at, State(), plain):
        if joined.state.owner is not None:
            yield end, (joined.state.owner, joined.term(sentence, at, end))


def condition_of(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term | Fault]]:
    """A condition on an object that is known already."""
    for end, joined in flat(sentence, at, State(owner), plain):
        yield end, joined.term(sentence, at, end)


def plain(sentence: Sentence, at: int, state: State) -> Iterator[tuple[int, Part]]:
    """A field and what is said of it, a group of such, or what is said of the field before."""
    yield from groups(sentence, at, state)
    if not state.first and state.topic is not None:
        for end, said in predicates(sentence, at, state.topic):
            yield end, Part(said.term, state, said.loose)
    for end, owner, term in _about_records(sentence, at, state.owner):
        yield end, Part(term, replace(state, owner=owner, topic=None))
    for start, topic in _subjects(sentence, at, state.owner):
        if isinstance(topic, Fault):
            rest = range(start + 1, len(sentence.tokens) + 1)
            yield from ((end, Part(topic, replace(state, owner=state.owner or "?"))) for end in rest)
            continue
        for end, said in predicates(sentence, start, topic):
            yield end, Part(said.term, replace(state, owner=topic.owner, topic=topic), said.loose)


def _about_records(sentence: Sentence, at: int, owner: str | None) -> Iterator[tuple[int, str, Term | Fault]]:
    """`an Opportunity has a negative Amount`, `they have an Email`; never `every` or `no Opportunity`."""
    if owner is not None and sentence.norm(at) in ("it", "they"):
        yield from ((end, owner, term) for end, term in described(sentence, at + 1, owner))
    start = at + (sentence.norm(at) in ("a", "an", "any", "the", "one"))
    if sentence.norm(start) in UNIVERSAL or sentence.norm(start) in STRUCTURE:
        return
    for end, found in object_name(sentence, start):
        if isinstance(found, str) and owner in (None, found):
            yield from ((after, found, term) for after, term in described(sentence, end, found))


def _subjects(sentence: Sentence, at: int, owner: str | None) -> Iterator[tuple[int, Topic | Fault]]:
    if owner is None and sentence.norm(at) not in UNIVERSAL:
        yield from anywhere(sentence, at)
        for end, named in object_name(sentence, at) if not sentence.strict else ():
            if isinstance(named, str) and not any(topics(sentence, end, named)):
                yield from unknown(sentence, end, named, _AFTER_A_FIELD)
    elif owner not in (None, "?"):
        found = list(topics(sentence, at, owner))
        yield from found
        if not found and not sentence.strict:
            yield from unknown(sentence, at, owner, _AFTER_A_FIELD)


def groups(sentence: Sentence, at: int, state: State) -> Iterator[tuple[int, Part]]:
    """`( … )`, `not ( … )`, `either … or …`, `both … and …`."""
    negated = sentence.norm(at) == "not"
    start = at + negated
    inner = replace(state, first=True, mode="")

    def outer(joined: Joined) -> State:
        return replace(joined.state, mode=state.mode)

    if sentence.norm(start) == "(":
        for end, joined in flat(sentence, start + 1, inner, plain):
            if sentence.norm(end) == ")":
                term = joined.term(sentence, start, end)
                yield end + 1, Part(term if isinstance(term, Fault) or not negated else complement(term), outer(joined))
    word = sentence.norm(at)
    if word in ("either", "both"):
        for end, joined in flat(sentence, at + 1, inner, plain):
            if joined.joins - {","} == {"or" if word == "either" else "and"}:
                yield end, Part(joined.term(sentence, at, end), outer(joined), last=True)


def obligation(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """(object, what must hold): `Health Score must be between 0 and 100`, `Amount must not be negative`."""
    for start, topic in anywhere(sentence, at):
        if isinstance(topic, Fault):
            if any(_modal(sentence, start)):
                yield len(sentence.tokens), ("?", topic)
            continue
        for middle, negated in _modal(sentence, start):
            state = State(topic.owner, topic, first=False)
            for end, joined in flat(sentence, middle, state, _said):
                held = _held(sentence, joined, negated, (at, end))
                if held is not None:
                    yield end, (topic.owner, held)

    yield from _must_have(sentence, at)


def _must_have(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """`Every Opportunity must have a positive Amount`; that there is an Amount at all is another kind of rule."""
    for start, owner in object_name(sentence, at):
        for middle, negated in _modal(sentence, start) if isinstance(owner, str) else ():
            if sentence.norm(middle) != "have" or not isinstance(owner, str):
                continue
            for end, term in possessed(sentence, middle + 1, owner):
                if isinstance(term, Apply) and term.op not in ("is_null", "not_null"):
                    yield end, (owner, complement(term) if negated else term)


def deviation(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """(object, what is wrong): `a Health Score over 100`, `negative Amounts`."""
    start = at + (sentence.norm(at) in ("a", "an", "any"))
    signed = sentence.norm(start) in ("negative", "positive")
    if sentence.norm(start) in UNIVERSAL:
        return
    for middle, topic in anywhere(sentence, start + signed):
        if isinstance(topic, Fault):
            continue
        for end, said in core(sentence, start if signed else middle, topic, copula=True):
            fits = end == start + 1 if signed else isinstance(said.term, Apply) and said.term.op in _ORDERS
            if fits:
                yield (middle if signed else end), (topic.owner, said.term)


def _modal(sentence: Sentence, at: int) -> Iterator[tuple[int, bool]]:
    yield from ((end, kind == "no") for end, kind in phrase_at(sentence, at, _MODALS))


def _said(sentence: Sentence, at: int, state: State) -> Iterator[tuple[int, Part]]:
    assert state.topic is not None
    for end, said in predicates(sentence, at, state.topic):
        yield end, Part(said.term, state, said.loose)


def _held(sentence: Sentence, joined: Joined, negated: bool, at: tuple[int, int]) -> Term | Fault | None:
    term = joined.term(sentence, *at)
    if isinstance(term, Fault):
        return term
    # Whether a field has a value at all is another kind of rule, which says what to do with the record.
    if isinstance(term, Apply) and term.op in ("is_null", "not_null"):
        return None
    if not negated:
        return term
    if isinstance(term, Apply) and term.op == "and":
        return sentence.fault("DUR021", "what must not hold is joined by 'and'", *at, "Write two requirements.")
    return complement(term)

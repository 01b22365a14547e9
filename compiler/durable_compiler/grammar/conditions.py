"""Conditions in English: about the fields of one object, and what must hold of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from durable_compiler.grammar.comparison_phrases import vocabulary
from durable_compiler.grammar.comparisons import core, predicates
from durable_compiler.grammar.conjunctions import Joined, Part, State, combined, flat
from durable_compiler.grammar.describing import are, described
from durable_compiler.grammar.names import STRUCTURE, object_name
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.topics import Topic, anywhere, references, rooted, topics, unknown
from durable_compiler.terms import Apply, Term, complement, field_terms

# "If every Account has no Name" is not "if any": conditions have determiners of their own.
UNIVERSAL = frozenset(("every", "each", "all", "both", "most"))
_AFTER_A_FIELD = vocabulary() | frozenset("is are was has have does must should shall".split())
Condition = tuple[str, Term | Fault]


def condition(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """(object, condition): `Annual Revenue is at least 10 million`, `Stage is Closed Won or Closed Lost`."""
    for end, found in statement(sentence, at):
        # "If the Amount of every Opportunity is negative" is not "if any".
        if not any(_of_all(sentence, one) for one in range(at, end)):
            yield end, found


def _of_all(sentence: Sentence, at: int) -> bool:
    return sentence.norm(at) in ("of", "for", "on", "in") and sentence.norm(at + 1) in UNIVERSAL


def statement(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """(object, what is so of each of its records): also `the Amount of every Opportunity is positive`."""
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
    for end, owner, term in _about_related(sentence, at, state.owner):
        yield end, Part(term, replace(state, owner=owner, topic=None))
    yield from _of_several(sentence, at, state)
    for start, topic in _subjects(sentence, at, state.owner):
        if isinstance(topic, Fault):
            rest = range(start + 1, len(sentence.tokens) + 1)
            yield from ((end, Part(topic, replace(state, owner=state.owner or "?"))) for end in rest)
            continue
        for end, said in predicates(sentence, start, topic):
            yield end, Part(said.term, replace(state, owner=topic.owner, topic=topic), said.loose)


def _of_several(sentence: Sentence, at: int, state: State) -> Iterator[tuple[int, Part]]:
    """`Email and Phone are blank`, `neither Email nor Phone is filled`: the same is said of two fields."""
    neither = sentence.norm(at) == "neither"
    joins = {"nor": "or"} if neither else {"and": "and", "or": "or", "&": "and"}
    owner = state.owner
    for middle, one in topics(sentence, at + neither, owner) if owner in sentence.catalogue.by_name and owner else ():
        join = joins.get(sentence.norm(middle))
        for start, other in topics(sentence, middle + 1, str(owner)) if join else ():
            first = dict(_plainly(sentence, start, one))
            for end, said in _plainly(sentence, start, other):
                if end in first and join and one.term != other.term:
                    term = combined(join, (first[end], said))
                    yield end, Part(complement(term) if neither else term, replace(state, topic=None), last=True)


def _plainly(sentence: Sentence, at: int, topic: Topic) -> Iterator[tuple[int, Term]]:
    """What several fields may share: `is blank`, `are both blank`."""
    both = sentence.norm(at) == "are" and sentence.norm(at + 1) == "both"
    for end, said in core(sentence, at + 2, topic, copula=True) if both else predicates(sentence, at, topic):
        if isinstance(said.term, Apply) and not said.loose:
            yield end, said.term


def _about_records(sentence: Sentence, at: int, owner: str | None) -> Iterator[tuple[int, str, Term | Fault]]:
    """`an Opportunity has a negative Amount`, `they have an Email`; never `every` or `no Opportunity`."""
    if owner in sentence.catalogue.by_name and owner and sentence.norm(at) in ("it", "they"):
        yield from ((end, owner, term) for end, term in described(sentence, at + 1, owner))
    start = at + (sentence.norm(at) in ("a", "an", "any", "the", "one"))
    if sentence.norm(start) in UNIVERSAL or sentence.norm(start) in STRUCTURE:
        return
    for end, found in object_name(sentence, start):
        if isinstance(found, str) and owner in (None, found):
            yield from ((after, found, term) for after, term in described(sentence, end, found))


def _about_related(sentence: Sentence, at: int, owner: str | None) -> Iterator[tuple[int, str, Term | Fault]]:
    """`the Owner is active`, said of an Opportunity: what describes the related record itself."""
    if owner is None or owner not in sentence.catalogue.by_name:
        return
    for end, topic in references(sentence, at, owner):
        for after, term in are(sentence, end, topic.field.referenceTo[0]):
            way = topic.field.relationshipName
            if not isinstance(term, Fault) and way and all(one.path is None for one in field_terms(term)):
                yield after, owner, rooted(term, owner, way)


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

"""The records of an object in English: `Accounts whose Type is Customer`, `Contacts without an Email`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from durable_compiler.grammar import names
from durable_compiler.grammar.comparison_phrases import phrase_at, table
from durable_compiler.grammar.condition_words import condition_words
from durable_compiler.grammar.conditions import Condition, plain
from durable_compiler.grammar.conjunctions import Part, State, combined, connectors, flat, sound
from durable_compiler.grammar.describing import (
    adjectives,
    alternatives,
    are,
    dated,
    either,
    lacked,
    marked,
    names_a_group,
    possessed,
    qualities,
    verbs,
)
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.topics import relations, rooted
from durable_compiler.terms import Apply, Term, field_terms

_MARKERS = table(
    """
    plain: whose | where | when | if | for which | in which | where the | where their | where its
    with: that have got | which have got | who have got | that has got | which has got | who has got
    without: that have not got | which have not got | who have not got | that has not got | who has not got
    without: which has not got
    with: with | having | that have | which have | who have | that has | which has | who has | that had | who had
    without: without | lacking | missing | with no | having no | that lack | which lack | who lack | that lacks
    without: that have no | which have no | who have no | that has no | which has no | who has no | who lacks
    without: that do not have | which do not have | who do not have | that does not have | which does not have
    without: who does not have | that are missing | which are missing | who are missing | that are without
    without: who are without
    that: that | which | who
    in: in | of | at
    """
)
_RELATED = table(
    "of: of | at | belonging to | that belong to | which belong to | who belong to | related to | linked to | under"
    " | associated with | that are related to | attached to"
)


def selection(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """(object, condition as said): `closed Opportunities`, `Accounts whose Type is Customer`."""
    for start, owner, described in _heads(sentence, at):
        if isinstance(owner, Fault):
            yield from ((end, ("?", owner)) for end in range(start, len(sentence.tokens) + 1))
            continue
        if described is not None:
            yield start, (owner, described)
        for end, term in restrictions(sentence, start, owner):
            if isinstance(term, Fault) or described is None:
                yield end, (owner, term)
            else:
                yield end, (owner, sound(sentence, combined("and", (described, term)), at, end))


def several(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[Condition, ...]]]:
    """One selection, or one for each of several objects: `Accounts and Leads whose Rating is Hot`."""
    yield from ((end, (one,)) for end, one in selection(sentence, at))
    for start, owners in names.listed(sentence, at + (sentence.norm(at) == "both"), names.object_name):
        named = [one for one in owners if isinstance(one, str)]
        between = sentence.norms(at, start - at)
        # "Contacts, and also Cases that are closed": all Contacts, or the closed ones?
        apart = "also" in between or (len(owners) == 2 and "," in between)
        if 1 < len(owners) == len(named) and not apart:
            yield from _alike(sentence, start, named)


def _alike(sentence: Sentence, at: int, owners: list[str]) -> Iterator[tuple[int, tuple[Condition, ...]]]:
    """The same restriction read for each object; lenient: why it is none of one of them."""
    each = [list(restrictions(sentence, at, one)) for one in owners]
    for end in sorted({end for found in each for end, _ in found}):
        terms = [[term for other, term in found if other == end] for found in each]
        if all(len(one) == 1 for one in terms):
            yield end, tuple((owner, one[0]) for owner, one in zip(owners, terms, strict=True))


def restrictions(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term | Fault]]:
    """What follows an object's name to say which of its records are meant."""
    for end, joined in flat(sentence, at, State(owner), _marked):
        yield end, joined.term(sentence, at, end)
    yield from _related(sentence, at, owner)


def _heads(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault, Term | None]]:
    for end, owner in names.object_name(sentence, at):
        yield end, owner, None
    if sentence.norm(at) in ("those", "these", "such"):
        yield from _heads(sentence, at + 1)
        return
    start = at + (sentence.norm(at) in ("the", "all", "every", "each", "any", "a", "an", "our"))
    if sentence.norm(start) in ("records", "rows") and sentence.norm(start + 1) in ("of", "for"):
        yield from _heads(sentence, start + 2)
    yield from _before_name(sentence, start)


def _before_name(sentence: Sentence, start: int) -> Iterator[tuple[int, str, Term]]:
    """`closed Opportunities`, `high priority Cases`: what stands before the object's name."""
    for middle in range(start + 1, min(start + 6, len(sentence.tokens))):
        for end, owner in names.object_name(sentence, middle):
            if isinstance(owner, str) and sentence.norm(middle) not in names.STRUCTURE:
                for stop, terms in qualities(sentence, start, owner):
                    if stop == middle:
                        yield end, owner, either(terms)
                for stop, said in possessed(sentence, start, owner):
                    if stop == middle and not isinstance(said, Fault) and _describes(said):
                        yield end, owner, said


def _describes(term: Term) -> bool:
    """Deleted records are a policy's business, not a description's."""
    return names_a_group(term) and all(one.name != "IsDeleted" for one in field_terms(term))


def _marked(sentence: Sentence, at: int, state: State) -> Iterator[tuple[int, Part]]:
    assert state.owner is not None
    for start, mode in phrase_at(sentence, at, _MARKERS):
        yield from _mode(sentence, start, replace(state, mode=mode, first=True))
    if state.first or state.mode == "dated":
        yield from _parts(dated(sentence, at, state.owner), replace(state, mode="dated"))
        yield from _parts(marked(sentence, at, state.owner), replace(state, mode="that"))
    if not state.first:
        yield from _mode(sentence, at, state)


def _mode(sentence: Sentence, at: int, state: State) -> Iterator[tuple[int, Part]]:
    owner = state.owner
    assert owner is not None
    if state.mode == "plain":
        yield from plain(sentence, at, state)
    elif state.mode in ("with", "with no"):
        yield from _having(sentence, at, state)
        yield from ((end, Part(term, state, loose=True)) for end, term in alternatives(sentence, at, owner))
        yield from _paired(sentence, at, state)
    elif state.mode == "without" and state.first:
        yield from _without(sentence, at, state)
    elif state.mode == "that":
        yield from _parts(verbs(sentence, at, owner), state)
        yield from _parts(are(sentence, at, owner), state)
        if not state.first:
            yield from _parts(adjectives(sentence, at, owner), state)
    elif state.mode == "in":
        if not sentence.strict:
            yield from _no_field(sentence, at, state)
        found = ((end, term) for end, term in possessed(sentence, at, owner) if names_a_group(term))
        yield from _parts(found, state)
        yield from ((end, Part(term, state, loose=True)) for end, term in alternatives(sentence, at, owner))


def _having(sentence: Sentence, at: int, state: State) -> Iterator[tuple[int, Part]]:
    """`an Email and no Phone`; after what is missing, a bare `or Phone` may be one more thing that is missing."""
    assert state.owner is not None
    for end, term in possessed(sentence, at, state.owner):
        op = term.op if isinstance(term, Apply) else ""
        if state.mode == "with no" and op == "not_null" and not _set_apart(sentence, at):
            if not sentence.strict:
                message = f"'{sentence.spelling(at - 1, end)}' may be one more thing that is missing, or not"
                help = "Say of each field whether it is missing: with no … and with a …"
                yield end, Part(sentence.fault("DUR021", message, at - 1, end, help), state)
            continue
        lacking = op == "is_null" or sentence.norm(at) == "no"
        yield end, Part(term, replace(state, mode="with no" if lacking else "with"))


def _set_apart(sentence: Sentence, at: int) -> bool:
    """Whether what follows has a beginning of its own: `but a Phone`, `and a Phone`."""
    article = sentence.norm(at) in ("a", "an", "any")
    return sentence.norm(at - 1) == "but" or (article and sentence.norm(at - 1) in ("and", "&"))


def _paired(sentence: Sentence, at: int, state: State) -> Iterator[tuple[int, Part]]:
    """`both an Email and a Phone`, `either a Phone or an Email`, `neither an Email nor a Phone`."""
    joins = {"both": ("and", "and"), "either": ("or", "or"), "neither": ("nor", "and")}
    word, op = joins.get(sentence.norm(at), ("", ""))
    assert state.owner is not None
    if not word:
        return
    reader = lacked if word == "nor" else possessed
    for middle, first in reader(sentence, at + 1, state.owner):
        for end, second in reader(sentence, middle + 1, state.owner) if sentence.norm(middle) == word else ():
            if isinstance(first, Apply) and isinstance(second, Apply):
                yield end, Part(combined(op, (first, second)), state, last=True)


def _no_field(sentence: Sentence, at: int, state: State) -> Iterator[tuple[int, Part]]:
    for end in range(at + 1, min(at + 4, len(sentence.tokens) + 1)):
        if sentence.kind(end - 1) not in ("word", "quoted") or sentence.norm(end - 1) in names.STRUCTURE:
            return
        spelt = sentence.spelling(at, end)
        help = f"Name the field: whose … is {spelt}."
        yield end, Part(sentence.fault("DUR020", f"'{spelt}' does not say in which field", at, end, help), state)


def _parts(found: Iterator[tuple[int, Term | Fault]], state: State) -> Iterator[tuple[int, Part]]:
    yield from ((end, Part(term, state)) for end, term in found)


# --- what records lack ---------------------------------------------------------------------------------------


def _without(sentence: Sentence, at: int, state: State) -> Iterator[tuple[int, Part]]:
    assert state.owner is not None
    for end, term in lacked(sentence, at, state.owner):
        yield end, Part(term, state)
        for after, _ in connectors(sentence, end) if not sentence.strict else ():
            for last, other in possessed(sentence, after, state.owner):
                yield last, Part(_both_or_either(sentence, term, other, (at, last)), state)


def _both_or_either(sentence: Sentence, one: Term, other: Term | Fault, at: tuple[int, int]) -> Fault:
    message = f"'{sentence.spelling(*at)}' may mean that one is missing or that both are"
    choices: list[str] = []
    if isinstance(other, Apply) and other.op == "not_null":
        both = (one, Apply("is_null", other.args))
        words = (condition_words(combined(op, both), sentence.catalogue, owner=False) for op in ("or", "and"))
        choices = [f"whose {text}" for text in words]
    return sentence.fault("DUR021", message, *at, "Write which one you mean.", choices)


# --- records of other records -----------------------------------------------------------------------------------


def _related(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term | Fault]]:
    """`of Accounts whose Type is Customer`, said of Contacts."""
    for start, _ in phrase_at(sentence, at, _RELATED):
        for end, (parent, term) in selection(sentence, start):
            if isinstance(term, Fault):
                yield end, term
            elif parent != owner:
                yield end, _through(sentence, owner, parent, term, (at, end))


def _through(sentence: Sentence, owner: str, parent: str, term: Term, at: tuple[int, int]) -> Term | Fault:
    schema, other = sentence.catalogue.by_name[owner], sentence.catalogue.by_name[parent]
    ways = {
        one.relationshipName for known in relations(sentence.catalogue, schema).values() for one in known
        if one.referenceTo == (parent,)
    }  # fmt: skip
    ways = {one for one in ways if one and one.removesuffix("__r") in (parent, parent.removesuffix("__c"))} or ways
    if len(ways) != 1 or any(one.path for one in field_terms(term)):
        how = "in several ways" if len(ways) > 1 else "not directly"
        message = f"{schema.label} reaches {other.label} {how}"
        help = f"Write a condition on a field of {schema.label}, or name the lookup: whose Owner's Name is …"
        return sentence.fault("DUR039", message, *at, help)
    return rooted(term, owner, next(iter(ways)) or "")

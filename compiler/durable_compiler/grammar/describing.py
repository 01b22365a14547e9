"""Records described by a word or a verb: `closed`, `inactive`, `who opted out of email`, `created in the last week`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from durable_compiler.catalogue import FieldSchema, ObjectSchema, squeeze
from durable_compiler.grammar import literals
from durable_compiler.grammar.comparison_phrases import negated_verb
from durable_compiler.grammar.comparisons import Said, core, predicates
from durable_compiler.grammar.inflect import inflections
from durable_compiler.grammar.literals import family
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.topics import Topic, references, spans, topics
from durable_compiler.terms import Apply, Constant, FieldTerm, Term, complement

# Values that are words of the language before they are anybody's adjective.
_NO_ADJECTIVES = frozenset("new other all each yes no none recent existing old current email phone web open".split())
_SMALL = frozenset("of for from to the a an is has in on by".split())
_AUXILIARIES = frozenset("have has had".split())
_BE = frozenset("are is was were".split())
_DO = frozenset("do does did have has had".split())


def adjectives(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term]]:
    """`closed`, `inactive`, `gold SLA`: what a yes-or-no field or a picklist of the object calls so."""
    schema = sentence.catalogue.by_name[owner]
    for end, key in spans(sentence, at):
        for field in _flags(schema):
            names = _names(field)
            if key in names:
                yield end, _flag(owner, field, value=True)
            elif any(key == prefix + name for prefix in ("in", "un", "non", "not") for name in names):
                yield end, _flag(owner, field, value=False)
    yield from _picklist_words(sentence, at, schema)


def _flags(schema: ObjectSchema) -> list[FieldSchema]:
    return [one for one in schema.fields if one.type == "boolean" and one.name != "IsDeleted"]


def _names(field: FieldSchema) -> set[str]:
    bare = re.sub(r"__c$", "", field.name)
    return {squeeze(field.label), squeeze(re.sub(r"^Is_?(?=[A-Z])", "", bare))}


def _flag(owner: str, field: FieldSchema, *, value: bool) -> Term:
    return Apply("eq", (FieldTerm(owner, field.name), Constant(value, "boolean")))


def _picklist_words(sentence: Sentence, at: int, schema: ObjectSchema) -> Iterator[tuple[int, Term]]:
    if sentence.norm(at) in _NO_ADJECTIVES:
        return
    found: dict[tuple[int, str], list[FieldSchema]] = {}
    for field in schema.fields:
        if field.type == "picklist":
            for end, value in literals.picklist_value(sentence, at, field):
                if isinstance(value, Constant):
                    found.setdefault((end, str(value.value)), []).append(field)
    for (end, text), fields in found.items():
        if len(fields) == 1:
            yield end, Apply("eq", (FieldTerm(schema.name, fields[0].name), Constant(text, "text")))


def marked(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term]]:
    """`marked as Do Not Call`, `flagged Strategic`."""
    if sentence.norm(at) in ("marked", "flagged", "ticked"):
        start = at + 1 + (sentence.norm(at + 1) == "as")
        for end, key in spans(sentence, start):
            for field in _flags(sentence.catalogue.by_name[owner]):
                if key in _names(field):
                    yield end, _flag(owner, field, value=True)


def verbs(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term]]:
    """`opted out of email`, `have opted out of email`, `did not opt out of email`."""
    negated = negated_verb(sentence, at, _DO)
    start = negated if negated is not None else at + (sentence.norm(at) in _AUXILIARIES)
    start += sentence.norm(start) == "been"
    for field in _flags(sentence.catalogue.by_name[owner]):
        wanted = [set(re.findall(r"[a-z]+", text.casefold())) for text in _readable(field)]
        for size in range(2, 8):
            said = [sentence.norm(one) for one in range(start, start + size)]
            if said[-1] in _SMALL or sentence.kind(start + size - 1) != "word":
                continue
            if any(_same_words([one for one in said if one not in _SMALL], words - _SMALL) for words in wanted):
                term = _flag(owner, field, value=True)
                yield start + size, term if negated is None else complement(term)


def _readable(field: FieldSchema) -> tuple[str, str]:
    return field.label, re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", re.sub(r"__c$", "", field.name))


def _same_words(said: list[str], label: set[str]) -> bool:
    return (
        len(said) == len(label) > 1
        and all(any(_inflected(one, word) for word in label) for one in said)
        and all(any(_inflected(one, word) for one in said) for word in label)
    )


def _inflected(said: str, word: str) -> bool:
    stem = word[:-2] if re.fullmatch(r".*[a-z]{3}ed", word) else word
    return said in (word, word + "s", stem, word.removesuffix("ed")) or said in inflections(word) | inflections(stem)


def dated(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term | Fault]]:
    """`created in the last 90 days`, `closing before July 1, 2026`, `last modified since 2023-01-01`."""
    last = sentence.norm(at) == "last"
    start = at + last
    fields = sentence.catalogue.by_name[owner].fields
    found = [
        one for one in fields if _happens(one, sentence.norm(start)) and (not last or one.label.startswith("Last "))
    ]
    if len(found) != 1:
        return
    topic = Topic(owner, FieldTerm(owner, found[0].name), found[0])
    for end, said in core(sentence, start + 1, topic, copula=True):
        if not (isinstance(said.term, Apply) and said.term.op in ("is_null", "not_null")):
            yield end, said.term


def _happens(field: FieldSchema, verb: str) -> bool:
    if family(field) != "date" or not field.label.endswith(" Date") or not verb:
        return False
    event = field.label.removesuffix(" Date").removeprefix("Last ").casefold()
    if event == "modified":
        return verb in ("modified", "changed", "updated", "edited")
    # "Closed last week" is more than a Close Date in the past, so a past form must be the label's own.
    return verb in (event, event + "s") or (verb.endswith("ing") and verb in inflections(event))


def qualities(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, tuple[Term, ...]]]:
    """`hot`, or several values of one field, which no record has at once: `hot and warm`."""
    for end, term in adjectives(sentence, at, owner):
        yield end, (term,)
        comma = sentence.norm(end) == ","
        joined = sentence.norm(end + comma) in ("and", "or", "&")
        if comma or joined:
            for last, rest in qualities(sentence, end + comma + joined, owner):
                if {_valued(one) for one in (term, *rest)} == {_valued(term)} - {None} and term not in rest:
                    yield last, (term, *rest)


def _valued(term: Term) -> Term | None:
    """The field of which a term says the value."""
    return term.args[0] if isinstance(term, Apply) and term.op == "eq" and term.args[1] not in _TRUTHS else None


_TRUTHS = (Constant(True, "boolean"), Constant(False, "boolean"))


def either(terms: tuple[Term, ...]) -> Term:
    """Any of several values of one field."""
    values = tuple(one.args[1] for one in terms if isinstance(one, Apply))
    first = terms[0]
    return Apply("in", (first.args[0], *values)) if len(terms) > 1 and isinstance(first, Apply) else first


# --- what records have ------------------------------------------------------------------------------------------


def possessed(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term | Fault]]:
    """`a Phone`, `Annual Revenue over 10 million`, `Type Customer`, `a negative Amount`, `50 or more Employees`."""
    start = at + (sentence.norm(at) in ("a", "an", "the", "any", "their", "its"))
    if sentence.norm(at) == "no":
        yield from lacked(sentence, at + 1, owner)
        return
    yield from ((end, present(topic, value=True)) for end, topic in references(sentence, start, owner))
    whole = set()
    for middle, topic in topics(sentence, start, owner):
        whole.add(middle)
        yield middle, present(topic, value=True)
        for end, said in _qualified(sentence, middle, topic):
            if not said.loose:
                yield end, said.term
    for middle in range(start + 1, min(start + 9, len(sentence.tokens))):
        for end, topic in topics(sentence, middle, owner):
            # "A Last Name" is that field, not a name that is Last.
            if end not in whole:
                yield from ((end, term) for term in _before(sentence, start, middle, topic))


def alternatives(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term | Fault]]:
    """`Type Webinar or Conference`, `a Rating of either Hot or Warm`: a field and several values of it."""
    start = at + (sentence.norm(at) in ("a", "an", "the", "their", "its"))
    for middle, topic in topics(sentence, start, owner):
        yield from ((end, said.term) for end, said in _qualified(sentence, middle, topic) if said.loose)


def lacked(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term]]:
    """`an Email`, after a word that says it is missing."""
    start = at + (sentence.norm(at) in ("a", "an", "the", "any", "their", "its"))
    for reader in (topics, references):
        yield from ((end, present(topic, value=False)) for end, topic in reader(sentence, start, owner))


def present(topic: Topic, *, value: bool) -> Term:
    """Whether a field has a value; whether it is ticked, for one that always has a value."""
    if family(topic.field) == "boolean":
        return Apply("eq", (topic.term, Constant(value, "boolean")))
    return Apply("not_null" if value else "is_null", (topic.term,))


def _qualified(sentence: Sentence, at: int, topic: Topic) -> Iterator[tuple[int, Said]]:
    if sentence.norm(at) in ("that", "which"):
        yield from predicates(sentence, at + 1, topic)
        return
    yield from core(sentence, at + (sentence.norm(at) in ("of", ":")), topic, copula=True)


def _before(sentence: Sentence, start: int, middle: int, topic: Topic) -> Iterator[Term | Fault]:
    """`negative` of `negative Amount`, `at least 10 million in` of `at least 10 million in Annual Revenue`."""
    for stop, said in core(sentence, start, topic, copula=True):
        joined = stop == middle or (stop == middle - 1 and sentence.norm(stop) in ("in", "of"))
        if joined and not said.loose and not isinstance(said.term, Fault):
            yield said.term


# --- whole sentences about a record -----------------------------------------------------------------------------


def described(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term | Fault]]:
    """What follows `it` or `an Opportunity`: `has a negative Amount`, `is closed`, `was created in 2023`."""
    word = sentence.norm(at)
    lacking = negated_verb(sentence, at, frozenset({"does", "do"}))
    if word in ("has", "have"):
        yield from possessed(sentence, at + 1, owner)
    elif word in ("lack", "lacks"):
        yield from lacked(sentence, at + 1, owner)
    elif lacking is not None and sentence.norm(lacking) == "have":
        yield from lacked(sentence, lacking + 1, owner)
    yield from are(sentence, at, owner)
    yield from verbs(sentence, at, owner)


def are(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term | Fault]]:
    """`are closed`, `is not active`, `were created in 2023`."""
    negated = negated_verb(sentence, at, _BE)
    been = sentence.norm(at) in ("have", "has") and sentence.norm(at + 1) == "been"
    if negated is None and sentence.norm(at) not in _BE and not been:
        return
    start = at + 1 + been if negated is None else negated
    for end, term in (*adjectives(sentence, start, owner), *marked(sentence, start, owner)):
        yield end, term if negated is None else complement(term)
    if sentence.norm(start) in ("in", "on", "of", "at"):
        for end, found in possessed(sentence, start + 1, owner):
            if names_a_group(found) and not isinstance(found, Fault):
                yield end, found if negated is None else complement(found)
    if negated is None:
        yield from dated(sentence, start, owner)


def names_a_group(term: Term | Fault) -> bool:
    """Whether a condition says which value a field has: in the Banking industry, of Type Other."""
    return isinstance(term, Fault) or (
        isinstance(term, Apply) and term.op in ("eq", "in") and isinstance(term.args[1], Constant)
    )

"""What a condition is about: a field of an object, its own or one reached through a relationship."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from durable_compiler.catalogue import FieldSchema, ObjectSchema, Snapshot, squeeze
from durable_compiler.grammar import names
from durable_compiler.grammar.literals import family
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.terms import Apply, FieldTerm, Term

_ARTICLES = ("the", "its", "their", "his", "her", "a", "an")
_LONGEST = 6
_HOLDERS = ("field", "value", "values", "column")
_FIGURES = (*_HOLDERS, "figure", "figures", "amount", "number")
_NOUNS = {"email": ("address", "addresses"), "phone": ("number", "numbers"), "url": ("address",)}


@dataclass(frozen=True)
class Topic:
    """A field and how Salesforce describes it; `owner` is the object whose records are judged."""

    owner: str
    term: FieldTerm
    field: FieldSchema


def holder(catalogue: Snapshot, topic: Topic) -> ObjectSchema:
    """The object that has the field: the owner, or the one that its path leads to."""
    schema = catalogue.by_name[topic.owner]
    way = (topic.term.path or "").partition(".")[0]
    reference = next((one for one in schema.fields if one.relationshipName == way), None) if way else None
    return schema if reference is None else catalogue.by_name[reference.referenceTo[0]]


def topics(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Topic]]:
    """A field of one object: `Type`, `the Type`, `Account Type`, or `the Account's Type` of a Contact."""
    start = at + (sentence.norm(at) in _ARTICLES)
    own = {
        (end, name)
        for begin in (start, *_after_owner(sentence, start, owner))
        for end, name in names.field_of(sentence, begin, owner)
        if not any(_possessive(sentence, one) for one in range(begin, end - 1))
    }
    schema = sentence.catalogue.by_name[owner]
    for end, name in sorted(own):
        field = schema.field(name)
        if field is not None and family(field) is not None:
            yield from _called(sentence, end, Topic(owner, FieldTerm(owner, name), field))
    for end, topic in (*_related(sentence, start, schema), *_of_related(sentence, start, schema)):
        if all(end != other for other, _ in own):
            yield end, topic


def _called(sentence: Sentence, end: int, topic: Topic) -> Iterator[tuple[int, Topic]]:
    """A field, also with the noun for what it holds and its object: an Email address, the Name of an Account."""
    nouns = (*_NOUNS.get(topic.field.type, ()), *(_FIGURES if family(topic.field) == "number" else _HOLDERS))
    for after in (end, end + 1) if sentence.norm(end) in nouns else (end,):
        yield after, topic
        if topic.term.path is None and sentence.norm(after) in ("of", "on", "for", "in"):
            owners = names.object_name(sentence, after + 1)
            yield from ((last, topic) for last, owner in owners if owner == topic.owner)


def references(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Topic]]:
    """The related object itself, of which only its presence can be said: `an Account`, said of an Opportunity."""
    start = at + (sentence.norm(at) in _ARTICLES)
    schema = sentence.catalogue.by_name[owner]
    known = relations(sentence.catalogue, schema)
    for end, key in spans(sentence, start):
        found = known.get(key, ())
        if len(found) == 1 and key not in schema.by_key and not _possessive(sentence, end - 1):
            yield end, Topic(owner, FieldTerm(owner, found[0].name), found[0])


def rooted(term: Term, owner: str, way: str) -> Term:
    """A condition on a related object's record as one on the record that a relationship leads from."""
    if isinstance(term, FieldTerm):
        return FieldTerm(owner, term.name, f"{way}.{term.name}")
    if isinstance(term, Apply):
        return Apply(term.op, tuple(rooted(one, owner, way) for one in term.args))
    return term


def _possessive(sentence: Sentence, at: int) -> bool:
    """Whether a word owns the next: the Campaign's ID is no field called Campaign ID."""
    return sentence.kind(at) == "word" and sentence.norm(at).endswith("'s")


def _after_owner(sentence: Sentence, at: int, owner: str) -> Iterator[int]:
    for end, key in spans(sentence, at):
        if sentence.catalogue.by_key.get(key) == (owner,):
            yield end + (sentence.norm(end) in ("'", "’"))


def spans(sentence: Sentence, start: int) -> Iterator[tuple[int, str]]:
    """Every run of words from here that could be a name, normalised, without a possessive."""
    words = ""
    for end in range(start, min(start + _LONGEST, len(sentence.tokens))):
        if sentence.kind(end) not in ("word", "number", "code"):
            return
        words += sentence.norm(end).removesuffix("'s")
        yield end + 1, squeeze(words)
        if names.unit(sentence, end + 1):
            yield end + 4, squeeze(words)


def _related(sentence: Sentence, at: int, schema: ObjectSchema) -> Iterator[tuple[int, Topic]]:
    known = relations(sentence.catalogue, schema)
    for middle, key in spans(sentence, at):
        for reference in known.get(key, ()):
            target = sentence.catalogue.by_name[reference.referenceTo[0]]
            start = middle + (sentence.norm(middle) in ("'", "’"))
            for end, name in names.field_of(sentence, start, target.name):
                field = target.field(name)
                if field is not None and family(field) is not None:
                    path = f"{reference.relationshipName}.{name}"
                    yield end, Topic(schema.name, FieldTerm(schema.name, name, path), field)


def _of_related(sentence: Sentence, at: int, schema: ObjectSchema) -> Iterator[tuple[int, Topic]]:
    """`the Type of their Account`, said of a Contact."""
    for middle, key in spans(sentence, at):
        if sentence.norm(middle) not in ("of", "on") or sentence.norm(middle + 1) not in ("their", "its", "the"):
            continue
        known = relations(sentence.catalogue, schema)
        for end, way in spans(sentence, middle + 2 + (sentence.norm(middle + 2) in ("parent", "related"))):
            for reference in known.get(way, ()) or known.get(way.removesuffix("s"), ()):
                target = sentence.catalogue.by_name[reference.referenceTo[0]]
                for name in target.by_key.get(key, ()):
                    field = target.field(name)
                    if field is not None and family(field) is not None:
                        path = f"{reference.relationshipName}.{name}"
                        yield end, Topic(schema.name, FieldTerm(schema.name, name, path), field)


def relations(catalogue: Snapshot, schema: ObjectSchema) -> dict[str, tuple[FieldSchema, ...]]:
    """Normalised name → the reference fields of an object to one other object that answer to it."""
    found: dict[str, list[FieldSchema]] = {}
    usable = [
        one
        for one in schema.fields
        if len(one.referenceTo) == 1 and one.relationshipName and one.referenceTo[0] in catalogue.by_name
    ]
    for one in usable:
        assert one.relationshipName is not None
        keys = {squeeze(one.relationshipName.removesuffix("__r")), squeeze(relation_words(one))}
        for key in keys - {""}:
            found.setdefault(key, []).append(one)
    return {key: tuple(fields) for key, fields in found.items()}


def relation_words(reference: FieldSchema) -> str:
    """What a reference field's relationship is called: its label without ID."""
    return re.sub(r"\s+ID$", "", reference.label)


def anywhere(sentence: Sentence, at: int) -> Iterator[tuple[int, Topic | Fault]]:
    """A field with its object before or after it, or one that only one synced object has."""
    start = at + (sentence.norm(at) in ("the", "every", "each", "a", "an", "any", "all"))
    seen = set()
    for middle, key in spans(sentence, start):
        for owner in sentence.catalogue.by_key.get(key, ()):
            begin = middle + (sentence.norm(middle) in ("'", "’"))
            for end, topic in topics(sentence, begin, owner):
                seen.add((end, topic))
    seen |= set() if seen else set(_plural(sentence, start))
    for end, found in names.field(sentence, start) if not seen else ():
        if isinstance(found, Fault):
            yield end, found
            continue
        field = sentence.catalogue.by_name[found[0]].field(found[1])
        if field is not None and family(field) is not None:
            seen.add((end, Topic(found[0], FieldTerm(*found), field)))
    yield from seen


def _plural(sentence: Sentence, at: int) -> Iterator[tuple[int, Topic]]:
    """A field in the plural, which only one synced object has: Health Scores."""
    for end, key in spans(sentence, at):
        known = [(name, sentence.catalogue.by_name[name].by_key) for name in sentence.synced]
        if not key.endswith("s") or any(key in fields for _, fields in known):
            continue
        owners = [(name, one) for name, fields in known for one in fields.get(key[:-1], ())]
        field = sentence.catalogue.by_name[owners[0][0]].field(owners[0][1]) if len(owners) == 1 else None
        if field is not None and family(field) is not None:
            yield end, Topic(owners[0][0], FieldTerm(*owners[0]), field)


def unknown(sentence: Sentence, at: int, owner: str, following: frozenset[str]) -> Iterator[tuple[int, Fault]]:
    """Words where a field of the object should stand, before a word that compares."""
    start = at + (sentence.norm(at) in _ARTICLES)
    for end in range(start + 1, min(start + 5, len(sentence.tokens))):
        if sentence.kind(end - 1) not in ("word", "code") or sentence.norm(end - 1) in names.STRUCTURE:
            return
        if sentence.norm(end) in following:
            spelt, schema = sentence.spelling(start, end), sentence.catalogue.by_name[owner]
            close = sentence.catalogue.nearest_fields(spelt, [owner])
            help = "Write a field's label or API name as the schema snapshot has it; `durable discover` renews it."
            yield end, sentence.fault("DUR031", f"{schema.label} has no field '{spelt}'", start, end, help, close)

"""Relationships in English: `the Account's Name`, `the email of its owner`, and the columns that they fill."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from durable_compiler.catalogue import squeeze
from durable_compiler.grammar.columns import Spelt, column_at, one_spelt
from durable_compiler.grammar.names import listed
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.topics import spans


@dataclass(frozen=True)
class Wanted:
    """A field of a related object, and the column that the sentence gives it."""

    field: Spelt
    column: str | None


@dataclass(frozen=True)
class Related:
    """A relationship in words, and what is read through it."""

    words: Spelt
    wanted: tuple[Wanted, ...]


def related(sentence: Sentence, at: int) -> Iterator[tuple[int, Related | Fault]]:
    """`the Account's Name and Industry as account_industry`, `the Name of their Account`, `the owner's email`."""
    start = at + (sentence.norm(at) in ("the", "its", "their", "each", "every", "a"))
    for middle, words in _relationship(sentence, start):
        possessive = middle + (sentence.norm(middle) in ("'", "’"))
        for end, wanted in _wanted(sentence, possessive):
            yield end, Related(words, wanted)
    for middle, wanted in _wanted(sentence, at):
        if sentence.norm(middle) in ("of", "from"):
            begin = middle + 1 + (sentence.norm(middle + 1) in ("the", "its", "their", "each", "a"))
            for end, words in _relationship(sentence, begin):
                yield end, Related(words, wanted)


def _wanted(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[Wanted, ...]]]:
    return listed(sentence, at, _one_wanted)


def _one_wanted(sentence: Sentence, at: int) -> Iterator[tuple[int, Wanted]]:
    for end, spelt in one_spelt(sentence, at):
        yield end, Wanted(spelt, None)
        if sentence.norm(end) in ("as", "in", "into"):
            for after, column in column_at(sentence, end + 1):
                if isinstance(column, str):
                    yield after, Wanted(spelt, column)


def _relationship(sentence: Sentence, at: int) -> Iterator[tuple[int, Spelt]]:
    known = sentence.memo.get("relationships")
    if known is None:
        fields = [field for one in sentence.catalogue.objects for field in one.fields if field.type == "reference"]
        paths = {key for field in fields for key in relationship_keys(field.relationshipName, field.label, field.name)}
        known = frozenset(paths | set(sentence.catalogue.by_key))
        sentence.memo["relationships"] = known
    assert isinstance(known, frozenset)
    for end, key in spans(sentence, at):
        if key in known or key.removesuffix("s") in known:
            yield end, Spelt(key, at, end)


def relationship_keys(relationship: str | None, label: str, name: str) -> frozenset[str]:
    """What a relationship may be called: Owner, Owner ID, OwnerId; Account__r, Account, Account__c."""
    bare = re.sub(r"__r$", "", relationship or "")
    words = (bare, label, re.sub(r" ID$", "", label), name, re.sub(r"(Id|__c)$", "", name))
    return frozenset(key for key in map(squeeze, words) if key)

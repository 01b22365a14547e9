"""What `it` and `them` stand for, and what a second rule of a sentence leaves out: the fields of the rule before."""

from __future__ import annotations

from collections.abc import Iterator

from durable_compiler.grammar.columns import owned
from durable_compiler.grammar.names import FieldName
from durable_compiler.grammar.scopes import objects_named
from durable_compiler.grammar.sentence import Sentence

_PRONOUNS = ("it", "them", "they")
_JOINTS = frozenset((",", ";", "and", "&", "then"))
# What a field stands behind and before where a rule is about the field itself, not about what is made of it.
_VERBS = frozenset(
    "store stores save saves keep keeps write writes map maps rename renames call calls trim trims lowercase"
    " lowercases "
    "uppercase uppercases hash hashes mask masks hold holds record records put puts have want need case cases in for "
    "expose exposes land lands missing empty blank null".split()
)
_AFTER = frozenset(
    ": , ; and & as to in into under is are be must shall should will needs need has becomes become → = with by gets"
    " get "
    "defaults counts - \u2013 \u2014 for on".split()
)


def pronoun(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[FieldName, ...]]]:
    """`it` or `them` for the only fields that the sentence has named so far."""
    if at and sentence.kind(at) == "word" and sentence.norm(at) in _PRONOUNS:
        found = named_before(sentence, at)
        if found and (len(found) > 1) <= (sentence.norm(at) != "it"):
            yield at + 1, found


def contracted(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[FieldName, ...]]]:
    """`it's` for the only field that the sentence has named so far, and `is`."""
    if at and sentence.kind(at) == "word" and sentence.norm(at) == "it's":
        found = named_before(sentence, at)
        if len(found) == 1:
            yield at + 1, found


def omitted(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[FieldName, ...]]]:
    """The field that the rule before has given a column, where a rule begins with `it` or without any field."""
    if sentence.norm(at) in _PRONOUNS:
        yield from (one for one in pronoun(sentence, at) if _has_column(sentence, at))
    elif at and sentence.norm(at - 1) in _JOINTS and _is_column(sentence, _before_joints(sentence, at)):
        yield from ((at, found) for found in [named_before(sentence, at)] if found)


def _has_column(sentence: Sentence, at: int) -> bool:
    return any(_is_column(sentence, one) for one in range(at))


def _before_joints(sentence: Sentence, at: int) -> int:
    return at - 2 - (sentence.norm(at - 2) in _JOINTS)


def _is_column(sentence: Sentence, at: int) -> bool:
    return sentence.kind(at) == "code" or (sentence.kind(at) == "word" and "_" in sentence.norm(at))


def named_before(sentence: Sentence, at: int) -> tuple[FieldName, ...]:
    """The fields of the rule before, when the sentence has named no others and no other object; else none."""
    known = sentence.memo.get(("named before", at))
    if known is None:
        known = sentence.memo["named before", at] = _named_before(sentence, at)
    assert isinstance(known, tuple)
    return known


def _named_before(sentence: Sentence, at: int) -> tuple[FieldName, ...]:
    found: list[tuple[int, int, tuple[FieldName, ...]]] = []
    start = 0
    while start < at:
        end, some = _longest(sentence, start, at)
        if some:
            found.append((start, end, some))
        start = max(end, start + 1)
    if len(found) != 1:
        return ()
    begin, end, some = found[0]
    own = {owner for owner, _ in some}
    stands = _stands_behind_verb(sentence, begin) and sentence.norm(end) in _AFTER
    return some if stands and objects_named(sentence, at) <= own and len(own) == 1 else ()


def _stands_behind_verb(sentence: Sentence, at: int) -> bool:
    before = at - (sentence.norm(at - 1) in ("the", "a", "an", "any", "all", "every", "each"))
    return before <= 0 or sentence.norm(before - 1) in _VERBS | {",", ":", "we"}


def _longest(sentence: Sentence, start: int, limit: int) -> tuple[int, tuple[FieldName, ...]]:
    ends = [
        (end, tuple(one for one in some if isinstance(one, tuple)))
        for end, some in owned(sentence, start)
        if end <= limit and all(isinstance(one, tuple) for one in some)
    ]
    return max(ends, key=lambda one: one[0], default=(start, ()))

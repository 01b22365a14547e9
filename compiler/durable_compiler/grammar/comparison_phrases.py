"""The phrases that compare, in tables: words → operator."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from durable_compiler.grammar.sentence import Sentence


def table(text: str) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Lines `op: phrase | phrase` as (words, op), longest first."""
    rows = []
    for line in filter(str.strip, text.splitlines()):
        op, _, phrases = line.strip().partition(": ")
        rows += [(tuple(phrase.split()), op) for phrase in phrases.split(" | ")]
    return tuple(sorted(rows, key=lambda row: -len(row[0])))


_SIGNS = """
    ge: >=
    le: <=
    gt: >
    lt: <
"""
NUMBER_WORDS = table(
    _SIGNS
    + """
    ge: at least | no less than | no fewer than | no lower than | a minimum of | at a minimum | greater than or equal to
    ge: more than or equal to | equal to or greater than | equal to or more than | equal to or above
    gt: more than | greater than | over | above | higher than | larger than | bigger than | exceeds | exceed | exceeding
    gt: in excess of | upwards of | goes over | goes above | rises above | rise above | climbs above
    le: at most | no more than | no greater than | no higher than | up to | a maximum of | less than or equal to
    le: equal to or less than | equal to or below | no larger than
    lt: less than | fewer than | under | below | lower than | smaller than | beneath
    lt: drops below | falls below | drop below | fall below | goes below | dips below | drops under | falls under
    """
)
DATE_WORDS = table(
    _SIGNS
    + """
    ge: on or after | on or later than | since | no earlier than | not earlier than | from | at or after | as of
    ge: no sooner than | at least
    gt: after | later than | past | more recent than | following
    le: on or before | on or earlier than | until | till | no later than | not later than | by | up to | at or before
    le: at most
    lt: precedes | precede
    gt: follows | follow | come after | comes after
    lt: come before | comes before
    lt: before | earlier than | prior to | older than | ahead of
    """
)
EQUALS = table("eq: exactly | equal to | equals | = | = = | precisely | set to | equal")
SAME = table("eq: the same as | identical to")
NOT_EQUALS = table("ne: != | different from | other than | different to | anything but | differs from")
ONE_OF = table("in: one of | any of | either of | in | among | either | any one of | one of the values | one of these")
BLANK = table(
    "is_null: blank | empty | missing | null | unset | absent | not set | not filled in | left blank | left empty"
)
FILLED = table(
    "not_null: filled | filled in | present | set | populated | given | provided | known | available | filled out"
)
HAS_VALUE = table(
    """
    not_null: has a value | have a value | exists | exist | has any value
    is_null: has no value | have no value | lacks a value | does not exist | does not have a value
    """
)
TEXT_VERBS = table(
    """
    contains: contains | contain | includes | include | containing | including
    contains: contains the word | contain the word | containing the word | contains the words | contain the words
    contains: contains the text | contain the text | containing the text | contains the phrase | contain the phrase
    starts_with: starts with the text | begins with the text | starts with the letters | begins with the letters
    starts_with: starts with | start with | begins with | begin with | starting with | beginning with | started with
    """
)
# What no operator can say, so that the reason for refusing it can be told.
ENDINGS = table("ends_with: ends with | end with | ending with | ends in | end in | ending in | ended with")
SIGN_WORDS = {
    ("negative",): "lt", ("below", "zero"): "lt", ("positive",): "gt", ("zero",): "eq", ("non", "negative"): "ge",
    ("nonnegative",): "ge", ("non", "positive"): "le", ("nonzero",): "ne", ("non", "zero"): "ne",
}  # fmt: skip
OR_MORE = {
    "more": "ge", "above": "ge", "higher": "ge", "greater": "ge", "over": "ge", "larger": "ge", "less": "le",
    "fewer": "le", "below": "le", "lower": "le", "under": "le", "smaller": "le",
}  # fmt: skip
AGO = table(
    """
    lt: more than | over | older than
    le: at least
    """
)
OR_DATE = {"later": "ge", "after": "ge", "earlier": "le", "before": "le"}
COPULAS = frozenset("is are was were be being been stay stays remain remains".split())
# Where a value is on its scale; only an order can follow.
POSITIONS = frozenset("lie lies sit sits fall falls fell range ranges come comes occur occurs".split())
# They say when it is so, which is whenever the record is read.
STILL = frozenset("still currently now already".split())
DO = frozenset("does do did".split())


def phrase_at(sentence: Sentence, at: int, table: tuple[tuple[tuple[str, ...], str], ...]) -> Iterator[tuple[int, str]]:
    """Every entry of a table that stands at a token."""
    for words, op in table:
        if all(sentence.norm(at + offset) == word for offset, word in enumerate(words)):
            yield at + len(words), op


def negated_verb(sentence: Sentence, at: int, verbs: frozenset[str]) -> int | None:
    """Where `is not`, `isn't` ends."""
    word = sentence.norm(at)
    if word in verbs and sentence.norm(at + 1) == "not":
        return at + 2
    if word.endswith("n't") and word[:-3] in verbs:
        return at + 1
    apart = [sentence.norm(at + 1) in ("'", "’"), sentence.norm(at + 2) == "t"]
    return at + 3 if all(apart) and word.endswith("n") and word[:-1] in verbs else None


@cache
def vocabulary() -> frozenset[str]:
    """Every word with which a comparison can begin."""
    tables = (
        NUMBER_WORDS,
        DATE_WORDS,
        EQUALS,
        SAME,
        NOT_EQUALS,
        ONE_OF,
        BLANK,
        FILLED,
        HAS_VALUE,
        TEXT_VERBS,
        ENDINGS,
    )
    words = {word for rows in tables for phrase, _ in rows for word in phrase}
    return frozenset(words) | {word for phrase in SIGN_WORDS for word in phrase} | {"between", "neither", "within"}

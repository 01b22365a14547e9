"""Mutants of a sentence: a word more, a word less, another word, number, name or ending, each with what was done.

A mutant that is still read with the meaning of its sentence shows a word that the grammar does not look at. Words that
truly say nothing are reviewed one by one in neutral_words.txt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from durable_compiler.catalogue import Snapshot

# Put between any two words: negations, exceptions, alternatives and the qualifiers that are easiest to overlook.
INSERTED = "not no never except only or but some new first all".split()
# Of each of these groups one word between any two words, the next one at the next place; all of them when thorough.
IN_TURN = tuple(
    group.split()
    for group in (
        "maybe usually almost rarely sometimes possibly hardly might could about approximately partly neither either",
        "last next old active open other another existing same certain few many most inactive recent main",
        "one two half double twice once again still soon later instead second daily already",
        "up_to at_least at_most more_than less_than half_of some_of none_of one_of most_of",
        "unless without apart_from excluding other_than rather_than if_possible on_Mondays instead_of as_needed",
    )
)
# What is said after a sentence or before it, which limits all of it.
ENDINGS = (
    "if possible|where possible|as needed|or not|once|for now|until further notice|except on Fridays|in most cases"
    "|for new records|for the first 10 records|for Accounts only|in the sandbox|unless told otherwise|on request"
    "|and nothing else|or so|at least|at most|per user|twice|excluding test data|apart from archived ones"
    "|starting next year|when approved|, but only for active customers|, maybe|, or the other way round|by hand|later"
).split("|")
BEGINNINGS = (
    "sometimes|in most cases,|if possible,|except for Leads,|unless told otherwise,|on Fridays,|once,|for new records,"
    "|ideally,|don't|do not|never|stop:|instead of what was said,|nobody|it is not true that|half of the time,"
    "|it would be nice if it"
).split("|")
SWAPPED = {
    "minutes": "hours", "hours": "minutes", "days": "weeks", "weeks": "days", "seconds": "minutes", "months": "days",
    "years": "months", "minute": "hour", "hour": "minute", "day": "week", "week": "month", "month": "day",
    "rows": "minutes", "records": "minutes", "%": "rows", "percent": "rows", "times": "minutes", "calls": "rows",
    "least": "most", "most": "least", "more": "less", "less": "more", "fewer": "more", "before": "after",
    "after": "before", "above": "below", "below": "above", "under": "over", "over": "under", "latest": "oldest",
    "newest": "oldest", "oldest": "newest", "first": "last", "last": "first", "next": "last", "and": "or", "or": "and",
    "all": "some", "every": "no", "each": "no", "any": "some", "both": "either", "either": "both", "not": "also",
    "no": "every", "never": "always", "without": "with", "with": "without", "except": "including", "only": "also",
    "salesforce": "HubSpot", "snowflake": "BigQuery", "duckdb": "Oracle", "slack": "Teams", "email": "fax",
    "utc": "CET", "am": "pm", "pm": "am", "monday": "Tuesday", "tuesday": "Friday", "friday": "Monday",
    "sunday": "Saturday", "saturday": "Sunday", "weekdays": "weekends", "nightly": "weekly", "daily": "monthly",
    "weekly": "daily", "hourly": "daily", "morning": "evening", "evening": "morning", "noon": "midnight",
    "midnight": "noon", "is": "isn't", "are": "aren't", "was": "wasn't", "has": "hasn't", "must": "may",
    "should": "could", "can": "cannot", "cannot": "can", "fails": "succeeds", "fail": "succeed", "failed": "finished",
    "when": "unless", "if": "unless", "where": "except where", "whose": "without", "while": "until", "since": "until",
    "from": "except from", "to": "from", "into": "out of", "within": "after", "between": "outside",
    "empty": "filled", "blank": "filled", "missing": "present", "required": "optional", "added": "removed",
    "created": "deleted", "deleted": "created", "new": "old", "changed": "unchanged", "existing": "missing",
    "inserts": "deletes", "lower": "upper", "uppercase": "lowercase", "lowercase": "uppercase", "one": "two",
    "two": "three", "three": "four", "four": "five", "five": "six", "six": "seven", "ten": "twenty", "half": "third",
    "quarter": "half", "otherwise": "also", "equals": "exceeds", "exceeds": "equals", "starts": "ends",
    "contains": "lacks", "true": "false", "false": "true", "won": "lost", "lost": "won", "include": "exclude",
    "includes": "excludes", "excluding": "including", "keep": "drop", "keeps": "drops", "skip": "keep",
    "skips": "keeps", "reject": "accept", "rejects": "accepts", "ignore": "keep", "ignores": "keeps", "warn": "fail",
    "stop": "continue", "stops": "continues", "hash": "keep", "sync": "delete", "syncs": "deletes",
}  # fmt: skip
_MARKS = ".,;:!()"
_LONGEST_NAME = 4


def mutants(text: str, schema: Snapshot, *, thorough: bool = False) -> Iterator[tuple[str, str, str]]:
    """(what was done, the word, the mutant) for every insertion, deletion, substitution and ending."""
    yield from _longer(text, thorough=thorough)
    words = text.split()
    for position, word in enumerate(words):
        bare = word.strip(_MARKS).casefold()
        yield "delete", bare, " ".join([*words[:position], *words[position + 1 :]])
        plain = word.strip(_MARKS)
        others = [("swap", SWAPPED.get(bare)), ("number", _other_number(plain)), ("minus", _below_zero(plain))]
        for what, other in others:
            if other is not None:
                yield what, bare, " ".join([*words[:position], _like(word, other), *words[position + 1 :]])
    yield from _renamed(text, other_names(schema))
    yield from _shorter(text)


def _longer(text: str, *, thorough: bool) -> Iterator[tuple[str, str, str]]:
    words = text.split()
    for position in range(len(words) + 1):
        turn = len(text) + position
        others = [word for group in IN_TURN for word in (group if thorough else [group[turn % len(group)]])]
        for word in [*INSERTED, *others]:
            yield "insert", word, " ".join([*words[:position], word.replace("_", " "), *words[position:]])
    end = text.rstrip(".! ")
    lower = text[:1].lower() + text[1:]
    for ending in ENDINGS:
        yield "end", ending.replace(" ", "_"), end + ("" if ending.startswith(",") else " ") + ending
    for beginning in BEGINNINGS:
        yield "begin", beginning.replace(" ", "_"), f"{beginning} {lower}"


def _shorter(text: str) -> Iterator[tuple[str, str, str]]:
    """Without one of the parts between commas, semicolons and `and`: what it said must be missing then."""
    parts = re.split(r"(,\s+|;\s+|:\s+|\.\s+|\s+and\s+|\s+but\s+)", text.rstrip(". "))
    for index in range(0, len(parts), 2):
        left = "".join(parts[:index]).rstrip(" ,;:")
        right = "".join(parts[index + 2 :])
        rest = f"{left}{parts[index - 1]}{right}" if left and right else left or right
        if rest and len(parts) > 1:
            yield "cut", parts[index].strip().casefold().replace(" ", "_"), rest


def _like(word: str, other: str) -> str:
    """The other word with the punctuation of the first."""
    return word.replace(word.strip(_MARKS), other)


def _other_number(word: str) -> str | None:
    digit = next((index for index, letter in enumerate(word) if letter.isdigit()), None)
    if digit is None:
        return None
    return f"{word[:digit]}{int(word[digit]) % 9 + 1}{word[digit + 1 :]}"


def _below_zero(word: str) -> str | None:
    return f"-{word}" if word[:1].isdigit() else None


@cache
def other_names(schema: Snapshot) -> Mapping[str, str]:
    """Every object's label, field's label and picklist value in lower case → another one of its own list."""
    found: dict[str, str] = {}
    lists = [[one.label for one in schema.objects], [one.label_plural for one in schema.objects]]
    lists += [[field.label for field in one.fields] for one in schema.objects]
    lists += [
        [value.value for value in field.picklist] for one in schema.objects for field in one.fields if field.picklist
    ]
    for names in lists:
        for name, other in zip(names, names[1:] + names[:1], strict=True):
            if name.casefold() != other.casefold():
                found.setdefault(name.casefold(), other)
    return found


def _renamed(text: str, others: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    spans = [(match.start(), match.end()) for match in re.finditer(r"[\w./-]*\w", text)]
    for first in range(len(spans)):
        for last in range(first, min(first + _LONGEST_NAME, len(spans))):
            start, end = spans[first][0], spans[last][1]
            other = others.get(text[start:end].casefold())
            if other is not None:
                yield "name", text[start:end].casefold().replace(" ", "_"), text[:start] + other + text[end:]


# --- reviewed words ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reviewed:
    """A change that means nothing; `kinds` limits it to sentences with a clause of one of them, empty for all."""

    what: str
    word: str
    kinds: frozenset[str]
    why: str


def reviewed(path: Path) -> dict[tuple[str, str], Reviewed]:
    """The list of neutral words: `delete all guard,sla  # why it changes nothing`, a line each."""
    found: dict[tuple[str, str], Reviewed] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        rule, _, why = line.partition("  # ")
        if rule.strip() and not line.startswith("# "):
            what, word, *kinds = rule.split()
            assert why.strip(), f"no reason given: {line}"
            assert (what, word) not in found, f"twice in the list: {line}"
            found[what, word] = Reviewed(what, word, frozenset(",".join(kinds).split(",")) - {""}, why.strip())
    return found

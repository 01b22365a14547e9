"""The inflections of English verbs."""

from __future__ import annotations

import re
from functools import cache

_IRREGULAR = {
    "write": "write writes wrote written writing",
    "read": "read reads reading",
    "keep": "keep keeps kept keeping",
    "send": "send sends sent sending",
    "run": "run runs ran running",
    "make": "make makes made making",
    "take": "take takes took taken taking",
    "become": "become becomes became becoming",
    "go": "go goes went gone going",
    "do": "do does did done doing",
    "put": "put puts putting",
    "set": "set sets setting",
    "tell": "tell tells told telling",
    "get": "get gets got getting",
    "have": "have has had having",
    "leave": "leave leaves left leaving",
    "find": "find finds found finding",
    "turn": "turn turns turned turning",
    "give": "give gives gave given giving",
    "see": "see sees saw seen seeing",
    "begin": "begin begins began begun beginning",
    "break": "break breaks broke broken breaking",
    "throw": "throw throws threw thrown throwing",
    "bring": "bring brings brought bringing",
    "let": "let lets letting",
}
_DOUBLING = re.compile(r"^(skip|drop|trim|map|stop|dedup|flag|ship|strip|commit|tag|format|transfer|submit)$")


@cache
def inflections(verb: str) -> frozenset[str]:
    """All forms of a verb: skip, skips, skipped, skipping."""
    if verb in _IRREGULAR:
        return frozenset(_IRREGULAR[verb].split())
    return frozenset({verb, _third_person(verb), *_past_and_participle(verb)})


def _third_person(verb: str) -> str:
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + ("es" if re.search(r"(s|x|z|ch|sh|o)$", verb) else "s")


def _past_and_participle(verb: str) -> tuple[str, str]:
    if verb.endswith("e"):
        return verb + "d", (verb if verb.endswith("ee") else verb[:-1]) + "ing"
    if re.search(r"[^aeiou]y$", verb) and verb != "sync":
        return verb[:-1] + "ied", verb + "ing"
    stem = verb + verb[-1] if _DOUBLING.match(verb) else verb
    return stem + "ed", stem + "ing"

"""The inflections of English verbs."""

from __future__ import annotations

import re
from functools import cache

_IRREGULAR = {
    forms.split()[0]: frozenset(forms.split())
    for forms in (
        "write writes wrote written writing",
        "overwrite overwrites overwrote overwritten overwriting",
        "rewrite rewrites rewrote rewritten rewriting",
        "read reads reading",
        "reread rereads rereading",
        "keep keeps kept keeping",
        "send sends sent sending",
        "run runs ran running",
        "rerun reruns reran rerunning",
        "make makes made making",
        "take takes took taken taking",
        "become becomes became becoming",
        "come comes came coming",
        "go goes went gone going",
        "do does did done doing",
        "undo undoes undid undone undoing",
        "put puts putting",
        "set sets setting",
        "cut cuts cutting",
        "hit hits hitting",
        "split splits splitting",
        "reset resets resetting",
        "tell tells told telling",
        "get gets got getting",
        "have has had having",
        "leave leaves left leaving",
        "find finds found finding",
        "hold holds held holding",
        "turn turns turned turning",
        "give gives gave given giving",
        "see sees saw seen seeing",
        "begin begins began begun beginning",
        "break breaks broke broken breaking",
        "throw throws threw thrown throwing",
        "bring brings brought bringing",
        "build builds built building",
        "rebuild rebuilds rebuilt rebuilding",
        "catch catches caught catching",
        "choose chooses chose chosen choosing",
        "let lets letting",
        "lead leads led leading",
        "feed feeds fed feeding",
        "lose loses lost losing",
        "mean means meant meaning",
        "meet meets met meeting",
        "pay pays paid paying",
        "rise rises rose risen rising",
        "fall falls fell fallen falling",
        "say says said saying",
        "show shows showed shown showing",
        "win wins won winning",
        "withhold withholds withheld withholding",
    )
}
_DOUBLING = re.compile(
    r"^(skip|drop|trim|map|stop|dedup|flag|ship|strip|commit|tag|format|transfer|submit|omit|scan|plan|log|cap|pin|wrap"
    r"|clip|swap|pad|defer|occur|prefer|refer|admit|permit|zip|sum|chop|crop|snap|step)$"
)
# British and American English double differently: labelled and labeled.
_EITHER_WAY = re.compile(r"^(label|cancel|model|total|signal)$")


@cache
def inflections(verb: str) -> frozenset[str]:
    """All forms of a verb: skip, skips, skipped, skipping."""
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    return frozenset({verb, _third_person(verb), *_past_and_participle(verb)})


def _third_person(verb: str) -> str:
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + ("es" if re.search(r"(s|x|z|ch|sh|o)$", verb) else "s")


def _past_and_participle(verb: str) -> tuple[str, ...]:
    if verb.endswith("ie"):
        return verb + "d", verb[:-2] + "ying"
    if verb.endswith("e"):
        return verb + "d", (verb if verb.endswith("ee") else verb[:-1]) + "ing"
    if re.search(r"[^aeiou]y$", verb) and verb != "sync":
        return verb[:-1] + "ied", verb + "ing"
    doubled = verb + verb[-1]
    if _EITHER_WAY.match(verb):
        return verb + "ed", verb + "ing", doubled + "ed", doubled + "ing"
    stem = doubled if _DOUBLING.match(verb) else verb
    return stem + "ed", stem + "ing"

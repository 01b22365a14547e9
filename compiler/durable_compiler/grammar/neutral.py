"""The short list of words that never change what a sentence says."""

from __future__ import annotations

# Articles and auxiliaries. No negation, hedge, quantifier that limits, or comparison belongs here.
GLUE = frozenset("the a an must shall should will be been is are get gets".split())
NEUTRAL_WORDS = GLUE | frozenset("it we please also our too".split())
# Who does it, and that it is wanted: a requirement says both anyway.
_ACTORS = "pipeline sync job system tool integration connector solution process".split()
_NEUTRAL = (
    "has to | has been | have to | have been | needs to | need to | needs to be | need to be | want to | want it to "
    "| wants to | would like to | 'd like to | we'd like to | we want to | we need to | make sure | make sure that "
    "| ensure | ensure that | ensures that | makes sure that | see to it that | as well | i want | i want to "
    "| is to | are to | is to be | are to be | you should | you must | in addition | additionally"
).split("|")
# Why it is wanted, in the set phrases that hold no condition.
_PURPOSES = tuple(
    f"for {why} {what}"
    for why in "audit auditing regulatory compliance legal security privacy reporting performance cost gdpr".split()
    for what in ("purposes", "reasons")
)
_SUBJECTS = tuple(f"{word} {actor}" for word in ("the", "this", "our") for actor in _ACTORS)


def _by_first_word() -> dict[str, tuple[tuple[str, ...], ...]]:
    phrases: dict[str, tuple[tuple[str, ...], ...]] = {}
    for text in (*_NEUTRAL, *_PURPOSES, *_SUBJECTS):
        words = tuple(text.split())
        phrases[words[0]] = (*phrases.get(words[0], ()), words)
    return phrases


NEUTRAL_PHRASES = _by_first_word()

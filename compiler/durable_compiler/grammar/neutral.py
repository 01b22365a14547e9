"""The short list of words that never change what a sentence says."""

from __future__ import annotations

from collections.abc import Iterable

# Articles and auxiliaries. No negation, hedge, quantifier that limits, or comparison belongs here.
GLUE = frozenset("the a an must shall should will be been is are get gets".split())
# What says "be" in several words, inside a phrase as the words above are: rows are to be kept, need to be kept.
_BE = (
    "to be | to get | need to | needs to | has to | have to | ought to | is to | are to | has been | have been "
    "| is being | are being | has got to be | have got to be | all be | both be | also be | then be | always be"
).split("|")
NEUTRAL_WORDS = GLUE | frozenset("it we please also our too likewise let's automatically".split())
# Who does it, and that it is wanted: a requirement says both anyway.
_ACTORS = (
    "pipeline | sync | job | system | tool | integration | connector | solution | process | data pipeline | data"
    " sync | service | etl | interface | application | loader | workflow | import | replication | synchronisation"
    " | synchronization | platform | data feed | etl process | etl job | extractor"
).split("|")
_NEUTRAL = (
    "it is a requirement that | it is mandatory that | it is essential that | needs to be | need to be | want to"
    " | want it to | wants to | would like to | 'd like to | we'd like to | we want to | we need to | make sure |"
    " make sure that | ensure | ensure that | ensures that | makes sure that | see to it that | as well | i want |"
    " i want to | is to be | are to be | you should | you must | in addition | additionally | ought to be | i"
    " would like | i would like to | we would like | we should like | we should like to | let us | got to | has"
    " got to | have got to | it is intended that | it is planned that | it is required that | it is important that"
    " | it is necessary that | furthermore | going forward | could you please | can you please | would you please"
    " | will you please"
).split("|")
# Why it is wanted, in the set phrases that hold no condition.
_PURPOSES = tuple(
    f"for {why} {what}"
    for why in "audit auditing regulatory compliance legal security privacy reporting performance cost gdpr".split()
    for what in ("purposes", "reasons")
)
_SUBJECTS = tuple(f"{word} {actor.strip()}" for word in ("the", "this", "our") for actor in _ACTORS)


def _by_first_word(texts: Iterable[str]) -> dict[str, tuple[tuple[str, ...], ...]]:
    phrases: dict[str, tuple[tuple[str, ...], ...]] = {}
    for text in texts:
        words = tuple(text.split())
        phrases[words[0]] = (*phrases.get(words[0], ()), words)
    return phrases


NEUTRAL_PHRASES = _by_first_word((*_BE, *_NEUTRAL, *_PURPOSES, *_SUBJECTS))
GLUE_PHRASES = _by_first_word(_BE)

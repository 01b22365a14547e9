"""The short list of words that never change what a sentence says."""

from __future__ import annotations

# Articles and auxiliaries. No negation, hedge, quantifier that limits, or comparison belongs here.
GLUE = frozenset("the a an must shall should will be been is are get gets".split())
NEUTRAL_WORDS = GLUE | frozenset("it we please also".split())
NEUTRAL_PHRASES: dict[str, tuple[tuple[str, ...], ...]] = {
    "has": (("has", "to"), ("has", "been")),
    "have": (("have", "to"), ("have", "been")),
    "needs": (("needs", "to"),),
    "need": (("need", "to"),),
    "want": (("want", "to"), ("want", "it", "to")),
    "the": (("the", "pipeline"), ("the", "sync"), ("the", "job"), ("the", "system")),
    "this": (("this", "pipeline"), ("this", "sync"), ("this", "job")),
}

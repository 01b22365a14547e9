"""Which known sentence is most like another: shared trigrams of letters, weighted by how rare they are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache


def ranked(text: str, choices: Sequence[str]) -> list[str]:
    """The choices, the most alike first."""
    every = tuple(dict.fromkeys(choices))
    weights = _weights(every)
    wanted = _vector(text, weights)
    return sorted(every, key=lambda one: -_cosine(wanted, _vector(one, weights)))


@cache
def _weights(choices: tuple[str, ...]) -> Mapping[str, float]:
    seen = Counter(gram for one in choices for gram in set(_grams(one)))
    return {gram: math.log(1 + len(choices) / count) for gram, count in seen.items()}


def _grams(text: str) -> list[str]:
    padded = f"  {text.casefold()} "
    return [padded[at : at + 3] for at in range(len(padded) - 2)]


def _vector(text: str, weights: Mapping[str, float]) -> dict[str, float]:
    """A trigram that no choice has counts as much as the rarest one."""
    unseen = max(weights.values(), default=1.0)
    return {gram: count * weights.get(gram, unseen) for gram, count in Counter(_grams(text)).items()}


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    dot = sum(weight * other.get(gram, 0.0) for gram, weight in one.items())
    size = math.sqrt(sum(value * value for value in one.values()) * sum(value * value for value in other.values()))
    return dot / size if size else 0.0

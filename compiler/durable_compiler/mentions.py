"""Which objects of an organization a requirements text names, by label, plural or API name, as the grammar would."""

from __future__ import annotations

import re
from collections.abc import Iterable

from durable_compiler.catalogue import Snapshot, squeeze

# A hyphen or an apostrophe splits a word here and not in the grammar, so that more of them are looked at together.
_LONGEST = 10
_WORD = re.compile(r"\w+")


def mentioned(texts: Iterable[str], names: Snapshot) -> frozenset[str]:
    """API names of all objects that the texts could mean; one too many costs a describe, one too few a sentence."""
    return frozenset(name for text in texts for key in _keys(text) for name in names.by_key.get(key, ()))


def _keys(text: str) -> Iterable[str]:
    """Every run of words that could be a name, as the catalogue indexes it."""
    words = [squeeze(word) for word in _WORD.findall(re.sub(r"['’]s\b", "", text))]
    for start in range(len(words)):
        key = ""
        for word in words[start : start + _LONGEST]:
            key += word
            yield key

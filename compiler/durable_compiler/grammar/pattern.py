"""The little language in which frames write their phrases, and its matcher.

`word` a word · `a/b` either · `[x]` optional · `(x | y)` choice · `~verb` any inflection · `%name` a shared phrase
· `<slot:name>` a typed value bound to a name · `{name=value}` a constant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from durable_compiler.grammar.inflect import inflections
from durable_compiler.grammar.neutral import GLUE, GLUE_PHRASES
from durable_compiler.grammar.sentence import Sentence

Bindings = tuple[tuple[str, Hashable], ...]
Match = tuple[int, Bindings]
Slot = Callable[[Sentence, int], Iterator[tuple[int, Hashable]]]
Matcher = Callable[[Sentence, int], Iterator[Match]]

_PIECE = re.compile(r"\\[()]|<[\w:]+>|\{[^}]*\}|[\[\]()|]|[^\s\[\]()|<{]+")


@dataclass(frozen=True)
class Phrase:
    """A compiled pattern; `first` holds the words it can begin with, or None when anything may come first.

    Of each set in `needs` at least one word stands in whatever the pattern matches.
    """

    match: Matcher
    first: frozenset[str] | None
    optional: bool = False
    needs: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True)
class Lexicon:
    """What patterns refer to: slots by name and shared phrases by name."""

    slots: Mapping[str, Slot]
    phrases: Mapping[str, str]
    compiled: dict[str, Phrase] = field(default_factory=dict)

    def phrase(self, name: str) -> Phrase:
        """A shared phrase, compiled once."""
        if name not in self.compiled:
            self.compiled[name] = compile_phrase(self.phrases[name], self)
        return self.compiled[name]


def compile_phrase(text: str, lexicon: Lexicon) -> Phrase:
    """The matcher of a pattern."""
    pieces = _PIECE.findall(text)
    phrase, used = _choice(pieces, 0, lexicon)
    assert used == len(pieces), f"unbalanced pattern: {text}"
    return phrase


def _choice(pieces: list[str], at: int, lexicon: Lexicon) -> tuple[Phrase, int]:
    branch, at = _sequence(pieces, at, lexicon)
    branches = [branch]
    while at < len(pieces) and pieces[at] == "|":
        branch, at = _sequence(pieces, at + 1, lexicon)
        branches.append(branch)
    return (branches[0] if len(branches) == 1 else _either(branches)), at


def _sequence(pieces: list[str], at: int, lexicon: Lexicon) -> tuple[Phrase, int]:
    items: list[Phrase] = []
    while at < len(pieces) and pieces[at] not in ("|", ")", "]"):
        item, at = _item(pieces, at, lexicon)
        items.append(item)
    return (items[0] if len(items) == 1 else _chain(items)), at


def _item(pieces: list[str], at: int, lexicon: Lexicon) -> tuple[Phrase, int]:
    piece = pieces[at]
    if piece in ("(", "["):
        inner, at = _choice(pieces, at + 1, lexicon)
        assert pieces[at] == {"(": ")", "[": "]"}[piece], pieces
        return (_optional(inner) if piece == "[" else inner), at + 1
    return _leaf(piece, lexicon), at + 1


def _leaf(piece: str, lexicon: Lexicon) -> Phrase:
    if piece.startswith("<"):
        slot, _, name = piece[1:-1].partition(":")
        return _slot(lexicon.slots[slot], name or slot, f"<{slot}>")
    if piece.startswith("{"):
        name, _, value = piece[1:-1].partition("=")
        return _constant(name.strip(), value.strip())
    if piece.startswith("%"):
        return lexicon.phrase(piece[1:])
    if piece.startswith("~"):
        return _verbs(piece[1:])
    return _word(frozenset(piece.lstrip("\\").split("/")))


@cache
def _verbs(piece: str) -> Phrase:
    forms: list[Phrase] = [_verb(verb) for verb in piece.split("/")]
    return forms[0] if len(forms) == 1 else _either(forms)


def _verb(verb: str) -> Phrase:
    head, *rest = verb.split("_")
    items = [_word(inflections(head)), *(_word(frozenset([word])) for word in rest)]
    if head == "re":
        items = [_word(frozenset(["re"])), _word(inflections(rest[0]))]
    return _chain(items) if len(items) > 1 else items[0]


@cache
def _word(words: frozenset[str]) -> Phrase:
    def match(sentence: Sentence, at: int) -> Iterator[Match]:
        if at < len(sentence.tokens):
            if sentence.tokens[at].norm in words:
                sentence.reached(at + 1)
                yield at + 1, ()
        else:
            sentence.expects_words(at, words)

    return Phrase(match, words, needs=(words,))


def _slot(slot: Slot, name: str, label: str) -> Phrase:
    def match(sentence: Sentence, at: int) -> Iterator[Match]:
        sentence.expects_slot(at, label)
        for end, value in _values_at(slot, sentence, at):
            yield end, ((name, value),)

    return Phrase(match, None)


def _values_at(slot: Slot, sentence: Sentence, at: int) -> tuple[tuple[int, Hashable], ...]:
    """A slot's values at a token, looked up once for all frames."""
    found = sentence.values.get((slot, at))
    if found is None:
        found = tuple(slot(sentence, at))
        sentence.values[slot, at] = found
        sentence.reached(max((end for end, _ in found), default=0))
    return found


def _constant(name: str, value: str) -> Phrase:
    binding = ((name, value),)

    def match(_: Sentence, at: int) -> Iterator[Match]:
        yield at, binding

    return Phrase(match, frozenset(), optional=True)


def _optional(inner: Phrase) -> Phrase:
    def match(sentence: Sentence, at: int) -> Iterator[Match]:
        if _may_begin(inner, sentence, at):
            yield from inner.match(sentence, at)
        yield at, ()

    return Phrase(match, inner.first, optional=True)


def _either(branches: list[Phrase]) -> Phrase:
    def match(sentence: Sentence, at: int) -> Iterator[Match]:
        seen = set()
        for branch in branches:
            if not _may_begin(branch, sentence, at):
                continue
            for found in branch.match(sentence, at):
                if found not in seen:
                    seen.add(found)
                    yield found

    smallest = [min(branch.needs, key=len, default=frozenset[str]()) for branch in branches]
    needs = (frozenset[str]().union(*smallest),) if all(smallest) else ()
    return Phrase(match, _union(branches), any(branch.optional for branch in branches), needs)


def _chain(items: list[Phrase]) -> Phrase:
    def step(sentence: Sentence, at: int, index: int) -> Iterator[Match]:
        if index == len(items):
            yield at, ()
            return
        for middle, head in items[index].match(sentence, at):
            for end, tail in step(sentence, middle, index + 1):
                yield end, head + tail
        # Glue inside a phrase, never at its edges, where the tiling already allows it.
        if index and not items[index].optional:
            for end in _glue(sentence, at):
                yield from step(sentence, end, index)

    def match(sentence: Sentence, at: int) -> Iterator[Match]:
        return step(sentence, at, 0)

    leading = items[: next((index + 1 for index, item in enumerate(items) if not item.optional), len(items))]
    needs = tuple(need for item in items if not item.optional for need in item.needs)
    return Phrase(match, _union(leading), all(item.optional for item in items), needs)


def _glue(sentence: Sentence, at: int) -> Iterator[int]:
    """Where an auxiliary ends, of one word or several: `is`, `needs to be`."""
    word = sentence.norm(at)
    if word in GLUE:
        yield at + 1
    for phrase in GLUE_PHRASES.get(word, ()):
        if all(sentence.norm(at + offset) == part for offset, part in enumerate(phrase)):
            yield at + len(phrase)


def _may_begin(phrase: Phrase, sentence: Sentence, at: int) -> bool:
    """Whether the word here is one that a phrase begins with; where the text ends, whatever is expected counts."""
    if phrase.first is None or phrase.optional or at >= len(sentence.tokens):
        return True
    return sentence.tokens[at].norm in phrase.first


def _union(phrases: list[Phrase]) -> frozenset[str] | None:
    words: frozenset[str] = frozenset()
    for phrase in phrases:
        if phrase.first is None:
            return None
        words |= phrase.first
    return words


def as_dict(bindings: Bindings) -> dict[str, Any] | None:
    """Names to values; None when one name got two values."""
    values: dict[str, Any] = {}
    for name, value in bindings:
        if values.setdefault(name, value) != value:
            return None
    return values

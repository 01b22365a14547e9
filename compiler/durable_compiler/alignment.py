"""Which words of a sentence each word of a proposed English stands for: the quotes, completed by equal words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from durable_compiler.grammar.neutral import NEUTRAL_PHRASES, NEUTRAL_WORDS
from durable_compiler.grammar.sentence import Sentence
from durable_compiler.grammar.words import Token, tokens

_MARKS = frozenset(",.;:!()–—-\"'’“”")
# Words around a request that never say what is asked for; a person reads every sentence for which they are passed over.
_COURTESY = frozenset("our their your my these those this that them kindly you want wants thanks ensure".split())
_JOINS = frozenset(("and", "&"))


@dataclass(frozen=True)
class Link:
    """Tokens start..end of the proposed English stand for tokens quote_start..quote_end of the sentence."""

    start: int
    end: int
    quote_start: int
    quote_end: int
    quoted: bool


@dataclass(frozen=True)
class Alignment:
    """The links, in the English's order, what could not be found, and the English in the sentence's own words."""

    links: tuple[Link, ...]
    missing: tuple[str, ...]
    substituted: str
    english: Sentence

    @property
    def grounded(self) -> frozenset[int]:
        """Tokens of the English that stand for something."""
        return frozenset(at for link in self.links for at in range(link.start, link.end))

    @property
    def used(self) -> frozenset[int]:
        """Tokens of the sentence that something stands for."""
        return frozenset(at for link in self.links for at in range(link.quote_start, link.quote_end))

    @property
    def in_order(self) -> bool:
        """Whether the sentence has its words in the English's order."""
        starts = [link.quote_start for link in self.links if not self._is_join(link)]
        return starts == sorted(starts)

    def quoted_with_neighbour(self, at: int) -> bool:
        """Whether a token of the sentence stands in a quote, or an unbroken run of equal words, with its neighbour."""
        for link in self.links:
            if link.quote_start <= at < link.quote_end and link.quote_end - link.quote_start > 1:
                return True
        pairs = {(link.start, link.quote_start) for link in self.links if link.end - link.start == 1}
        return any((start + 1, at + 1) in pairs for start, quote in pairs if quote == at)

    def is_quoted(self, word: str) -> bool:
        """Whether every occurrence of a word in the English is part of something quoted."""
        places = [at for at, token in enumerate(self.english.tokens) if token.norm == word]
        quoted = {at for link in self.links if link.quoted for at in range(link.start, link.end)}
        return all(at in quoted for at in places)

    def _is_join(self, link: Link) -> bool:
        return all(is_neutral(token) or token.norm in _JOINS for token in self.english.tokens[link.start : link.end])


def align(sentence: Sentence, english: Sentence, quotes: Sequence[tuple[str, str]]) -> Alignment:
    """Place every quote, then pair the remaining words that are equal on both sides."""
    links: list[Link] = []
    missing: list[str] = []
    for said, words in quotes:
        link = _place(sentence, english, said, words, links)
        if isinstance(link, str):
            missing.append(link)
        else:
            links.append(link)
    links += _equal(sentence, english, links)
    ordered = tuple(sorted(links, key=lambda link: link.start))
    return Alignment(ordered, tuple(missing), _substituted(sentence, english, ordered), english)


def tidied(text: str, english: str, quotes: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """A model's quotes for words that the English has, a verb's ending put as the sentence has it."""
    kept = []
    for said, words in quotes:
        if _run(tokens(english), tokens(said)) is not None:
            found = _run(tokens(text), tokens(words))
            kept.append((said, words if found is None else text[found[0] : found[1]]))
    return tuple(kept)


def _run(all_words: Sequence[Token], wanted: Sequence[Token]) -> tuple[int, int] | None:
    """Where words stand one after the other, equal or in the other person."""
    for start in range(len(all_words) - len(wanted) + 1 if wanted else 0):
        here = all_words[start : start + len(wanted)]
        if all(map(_same, here, wanted)):
            return here[0].start, here[-1].end
    return None


def is_neutral(token: Token) -> bool:
    """Whether a token never changes what a sentence says."""
    return token.norm in NEUTRAL_WORDS or token.text in _MARKS


def neutral_tokens(sentence: Sentence) -> frozenset[int]:
    """The tokens of a sentence that nothing has to stand for."""
    found = {at for at, token in enumerate(sentence.tokens) if is_neutral(token) or token.norm in _COURTESY | _JOINS}
    for at in range(len(sentence.tokens)):
        for phrase in NEUTRAL_PHRASES.get(sentence.norm(at), ()):
            if all(sentence.norm(at + offset) == word for offset, word in enumerate(phrase)):
                found |= set(range(at, at + len(phrase)))
    return frozenset(found)


def _place(sentence: Sentence, english: Sentence, said: str, words: str, links: Sequence[Link]) -> Link | str:
    taken = {at for link in links for at in range(link.start, link.end)}
    used = {at for link in links for at in range(link.quote_start, link.quote_end)}
    here, there = _find(english, said, taken), _find(sentence, words, used)
    if there is None or all(token.norm in NEUTRAL_WORDS for token in tokens(words)):
        return words
    return said if here is None else Link(*here, *there, quoted=True)


def _find(sentence: Sentence, words: str, taken: set[int]) -> tuple[int, int] | None:
    """The first place where the words stand, token by token, that is still free."""
    wanted = [token.norm for token in tokens(words)]
    for start in range(len(sentence.tokens) - len(wanted) + 1 if wanted else 0):
        end = start + len(wanted)
        if not taken & set(range(start, end)) and [sentence.norm(at) for at in range(start, end)] == wanted:
            return start, end
    return None


def _equal(sentence: Sentence, english: Sentence, links: Sequence[Link]) -> Iterator[Link]:
    taken = {at for link in links for at in range(link.start, link.end)}
    used = {at for link in links for at in range(link.quote_start, link.quote_end)}
    last = -1
    for at, token in enumerate(english.tokens):
        if at in taken or is_neutral(token):
            continue
        places = [place for place, other in enumerate(sentence.tokens) if place not in used and _same(token, other)]
        if places:
            last = next((place for place in places if place > last), places[0])
            used.add(last)
            yield Link(at, at + 1, last, last + 1, quoted=False)


def _same(one: Token, other: Token) -> bool:
    """Equal words, or a verb in the third person on one side."""
    if one.norm == other.norm:
        return True
    return one.kind == other.kind == "word" and (one.norm == other.norm + "s" or other.norm == one.norm + "s")


def _substituted(sentence: Sentence, english: Sentence, links: Sequence[Link]) -> str:
    text, at = "", 0
    for link in links:
        start, end = english.tokens[link.start].start, english.tokens[link.end - 1].end
        text += english.text[at:start] + sentence.spelling(link.quote_start, link.quote_end)
        at = end
    return text + english.text[at:]

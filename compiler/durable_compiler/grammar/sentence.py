"""One sentence being read: its tokens, the catalogue that names are looked up in, and how far any reading got."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from durable_compiler.catalogue import Snapshot
from durable_compiler.grammar.words import Token, tokens


@dataclass(frozen=True)
class Fault:
    """A value that is recognised and refused: it takes the place of a slot's value while looking for the reason."""

    code: str
    message: str
    start: int
    end: int
    help: str
    suggestions: tuple[str, ...] = ()


@dataclass
class Sentence:
    """Tokens with their context; `strict` refuses faulty values, otherwise slots yield Faults for them."""

    text: str
    catalogue: Snapshot
    synced: tuple[str, ...] = ()
    strict: bool = True
    # Also try phrases whose own words are not all there: how far they get says where reading stopped.
    thorough: bool = False
    tokens: tuple[Token, ...] = ()
    words: frozenset[str] = frozenset()
    furthest: int = 0
    # Words that could follow the last token, and slots as <name> with the token they began at; None unless wanted.
    expected: set[tuple[str, int]] | None = None
    memo: dict[Hashable, object] = field(default_factory=dict)
    values: dict[tuple[object, int], tuple[tuple[int, Hashable], ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tokens = self.tokens or tokens(self.text)
        self.words = frozenset(token.norm for token in self.tokens)

    def reached(self, position: int) -> None:
        """Remember how many tokens the best attempt consumed."""
        self.furthest = max(self.furthest, position)

    def expects_words(self, at: int, words: frozenset[str]) -> None:
        """Remember the words that a phrase would take where the text ends."""
        if self.expected is not None and at == len(self.tokens):
            self.expected.update((word, at) for word in words)

    def expects_slot(self, at: int, label: str) -> None:
        """Remember that a value was looked for; it may be one whose last words are not written yet."""
        if self.expected is not None:
            self.expected.add((label, at))

    def norm(self, at: int) -> str:
        """The normalised token at a position, empty beyond the end."""
        return self.tokens[at].norm if 0 <= at < len(self.tokens) else ""

    def norms(self, at: int, count: int) -> list[str]:
        """So many normalised tokens from a position, empty beyond the end."""
        return [self.norm(position) for position in range(at, at + count)]

    def kind(self, at: int) -> str:
        """The kind of the token at a position, empty beyond the end."""
        return self.tokens[at].kind if 0 <= at < len(self.tokens) else ""

    def spelling(self, start: int, end: int) -> str:
        """The text that tokens start..end stand for."""
        return self.text[self.tokens[start].start : self.tokens[end - 1].end]

    def fault(self, code: str, message: str, start: int, end: int, help: str, suggestions: Sequence[str] = ()) -> Fault:
        """A Fault over tokens start..end."""
        return Fault(code, message, self.tokens[start].start, self.tokens[end - 1].end, help, tuple(suggestions))

"""What a frame is: the whole of one kind of clause in one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.grammar.sentence import Fault, Sentence

Values = dict[str, Any]


@dataclass(frozen=True)
class Assumed:
    """A value that a sentence left open and the language filled."""

    key: str
    value: Any
    why: str


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One typed statement; equality ignores what was assumed: an explicit and a default value read alike."""

    kind: ClassVar[str]
    assumed: tuple[Assumed, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Frame:
    """Phrases, builder, canonical English, effect on the IR, examples and near misses of one kind."""

    kind: str
    doc: str
    phrases: str
    # Several clauses where the same words are about several objects.
    build: Callable[[Values, Sentence], Clause | tuple[Clause, ...] | Fault | None]
    echo: Callable[[Any, Snapshot], str]
    ir: Callable[[Any, Snapshot], dict[str, Any]]
    trace: tuple[str, ...]
    examples: tuple[str, ...]
    near_misses: tuple[str, ...]
    # Raised when sentences of this kind come to mean something else, so that locks ask a person again.
    version: int = 1

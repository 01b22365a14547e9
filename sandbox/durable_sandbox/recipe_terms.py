"""What a recipe means while it runs: its records, names in scope, and errors that name the file and the line."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from durable_sandbox.clock import ANCHOR
from durable_sandbox.pools import Pools


class RecipeError(Exception):
    """A recipe that cannot be used: the file, the line, what is wrong and what to write instead."""


@dataclass(frozen=True)
class Spot:
    """A line of a recipe file."""

    file: str
    line: int

    def error(self, text: str) -> RecipeError:
        """The error at this line."""
        return RecipeError(f"{self.file}:{self.line}: {text}")


@dataclass
class Made:
    """One record of the recipe: its number among those of its object, its Salesforce Id and its values so far."""

    kind: str
    number: int
    record_id: str
    spot: Spot
    values: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.record_id


@dataclass
class Scope:
    """The names that a value may use: options and variables, records by object and by nickname, the record itself."""

    rng: random.Random
    pools: Pools
    variables: dict[str, object] = field(default_factory=dict)
    latest: dict[str, Made] = field(default_factory=dict)
    every: dict[str, list[Made]] = field(default_factory=dict)
    current: Made | None = None
    child_index: int = 0
    uniques: int = 0
    create: Callable[[object, Scope], Made | None] = lambda _, __: None

    @property
    def today(self) -> date:
        """The sandbox's own day, so that the same recipe gives the same records whenever it is read."""
        return ANCHOR.date()

    @property
    def now(self) -> datetime:
        """The sandbox's own moment."""
        return ANCHOR

    def unique_id(self) -> int:
        """A number that no other place of the recipe gets."""
        self.uniques += 1
        return self.uniques


Value = Callable[[Scope], object]
"""A value of the recipe, computed for the record that is being made."""

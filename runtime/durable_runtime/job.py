"""One run of one pipeline in one profile: what was asked of it, and what it has learnt so far."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from durable_runtime.clock import SYSTEM, Clock
from durable_runtime.configuration import Profile
from durable_runtime.credentials import key
from durable_runtime.drift import Shape
from durable_runtime.errors import ConfigurationError
from durable_runtime.loading import object_load
from durable_runtime.runs import RunFolder, Summary
from durable_runtime.spec import Extract, Pipeline, Transform
from durable_runtime.warehouse.base import ObjectLoad, State
from durable_runtime.windows import Plan


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks of one run."""

    full: bool = False
    object: str | None = None
    allowed_guards: frozenset[str] = frozenset()


@dataclass
class Job:
    """One run of one pipeline in one profile, and what it has learnt so far."""

    pipeline: Pipeline
    profile: Profile
    options: Options
    summary: Summary
    folder: RunFolder
    clock: Clock = SYSTEM
    shapes: dict[str, Shape] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)  # what this run reads of each object
    refreshes: bool = False  # a full refresh is due: everything is read again

    @property
    def landing(self) -> Path:
        """Where records are landed: not in the run's own folder, so that a run after a killed one finds them."""
        return self.profile.state / "landing" / self.pipeline.name

    def extract_of(self, name: str) -> Extract:
        """How an object is read."""
        return next(one for one in self.pipeline.extracts if one.object == name)

    @property
    def extracts(self) -> tuple[Extract, ...]:
        """The objects of this run. Raises ConfigurationError for a name that is none of them."""
        chosen = tuple(one for one in self.pipeline.extracts if self.options.object in (None, one.object))
        if not chosen:
            known = ", ".join(one.object for one in self.pipeline.extracts)
            raise ConfigurationError(
                f"{self.pipeline.name} has no object {self.options.object}.", help=f"Known: {known}."
            )
        return chosen

    @property
    def transforms(self) -> dict[str, Transform]:
        """The transform of each object."""
        return {one.object: one for one in self.pipeline.transforms}

    def loads(self) -> list[ObjectLoad]:
        """How each object of this run enters the target, for the fields that Salesforce shows."""
        target = self.pipeline.targets[self.profile.warehouse.kind]
        return [object_load(target, self.transforms[name], self.shown(name)) for name in self.shapes]

    def shown(self, name: str) -> tuple[str, ...]:
        """The object's columns whose field is visible today; the others keep their stored values."""
        gone = self.shapes[name].gone
        return tuple(one.name for one in self.transforms[name].columns if one.field not in gone)

    @cached_property
    def key(self) -> bytes:
        """The key of dedupe keys and hashed fields: the profile's mask key."""
        return key(self.profile.keys.mask, self.profile.state, "mask")

    def row_function(self, name: str) -> str:
        """What decides the object's rows; with another key, every dedupe key and mask is another too."""
        function, transform = self.pipeline.row_functions[name], self.transforms[name]
        if not transform.keys and all(one.method != "sha256" for one in transform.masks):
            return function
        return f"{function}:{hmac.digest(self.key, function.encode(), 'sha256').hex()[:16]}"

    def whole(self, name: str) -> bool:
        """Whether the object is read from the beginning: first load, `--full`, another spec, values without a stamp."""
        state = self.states.get(name)
        anew = self.options.full or self.refreshes or not self.pipeline.policies.incremental
        if state is None or state.watermark is None or anew:
            return True
        return self.moves(self.extract_of(name)) or not self.same_rows(state.row_function or "", name)

    def moves(self, extract_of: Extract) -> bool:
        """Whether values change without the record's stamp, and the requirements want them fresh or a rule uses one."""
        formulas = extract_of.formulas
        if self.pipeline.policies.formula_refresh == "never":
            formulas = tuple(one for one in formulas if one in extract_of.needed)
        return bool(formulas or extract_of.lookups) or extract_of.moves

    def rebuilt(self, name: str) -> bool:
        """Whether every row may differ for a good reason: the first load, or another spec."""
        state = self.states.get(name)
        return state is None or state.watermark is None or not self.same_rows(state.row_function or "", name)

    def same_rows(self, loaded: str, name: str) -> bool:
        """Whether rows loaded under that row function are what a full load gives today; a hidden field may be gone."""
        function, _, shown = loaded.partition("/")
        extra, _, gone = shown.partition("/")
        shape = self.shapes[name]
        seen_again = set(filter(None, gone.split(","))) - set(shape.gone)
        return function == self.row_function(name) and extra == ",".join(sorted(shape.extra)) and not seen_again

    def loaded_as(self, name: str) -> str:
        """The row function with the fields that go to extensions and those that are hidden: what `same_rows` reads."""
        shape = self.shapes[name]
        return "/".join((self.row_function(name), ",".join(sorted(shape.extra)), ",".join(sorted(shape.gone))))

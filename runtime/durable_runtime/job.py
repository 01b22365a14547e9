"""One run of one pipeline in one profile: what was asked of it, and what it has learnt so far."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from durable_runtime import phones, reconcile, since
from durable_runtime.clock import SYSTEM, Clock
from durable_runtime.configuration import Profile
from durable_runtime.credentials import key
from durable_runtime.drift import Shape
from durable_runtime.errors import ConfigurationError
from durable_runtime.loading import object_load
from durable_runtime.runs import RunFolder, Summary
from durable_runtime.sealing import Sealer
from durable_runtime.spec import Extract, Pipeline, Transform
from durable_runtime.unstamped import Compared, Parent, moves
from durable_runtime.warehouse.base import ObjectLoad, State
from durable_runtime.windows import Plan, Window, before, overlap, window


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks of one run."""

    full: bool = False
    object: str | None = None
    allowed_guards: frozenset[str] = frozenset()
    again: tuple[datetime, datetime | None] | None = None  # aware; a window to read once more, up to now without an end


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
    parents: dict[str, tuple[Parent, ...] | None] = field(default_factory=dict)  # what each object looks up
    compared: dict[str, Compared] = field(default_factory=dict)  # the formulas of each object
    hidden: dict[str, frozenset[str] | None] = field(default_factory=dict)  # children whose parent is not shown
    fresh: set[str] = field(default_factory=set)  # objects whose formulas this run found or made as they are
    told: tuple[datetime, datetime] | None = None  # what Salesforce's clock and this machine's said, aware
    set_back: timedelta = timedelta()  # how far Salesforce's clock went back since the last run
    refreshes: bool = False  # a full refresh is due: everything is read again

    @property
    def landing(self) -> Path:
        """Where records are landed: not in the run's own folder, so that a run after a killed one finds them."""
        return self.profile.state / "landing" / self.pipeline.name

    def window(self, name: str, server_now: datetime) -> Window:
        """What is read of an object: what came since its watermark, or the window that was asked for.

        Raises ConfigurationError for such a window of an object that was never loaded: what lies before it is missing.
        """
        state = self.states.get(name)
        watermark = state.watermark.replace(tzinfo=UTC) if state and state.watermark else None
        horizon = self.profile.salesforce.horizon_seconds
        if self.options.again is None:
            since = None if self.whole(name) else watermark
            again = self.pipeline.policies.overlap_seconds
            if since is None or not self.set_back:
                return window(since, again, server_now, horizon)
            newest = window(None, 0, server_now, horizon).hi
            return Window(min(before(since, overlap(again) + self.set_back), newest), newest)
        if watermark is None:
            raise ConfigurationError(
                f"{name} was never loaded, so there is no window to read again.", help="Run without --since first."
            )
        begin, end = self.options.again
        newest = window(None, 0, server_now, horizon).hi
        if begin >= newest:
            raise ConfigurationError(
                f"--since is {begin:%Y-%m-%dT%H:%M:%SZ}, and by Salesforce's clock nothing later than "
                f"{newest:%Y-%m-%dT%H:%M:%SZ} can be read yet.",
                help="Give an earlier --since.",
            )
        return Window(begin, min(end, newest) if end else newest)

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

    @cached_property
    def sealer(self) -> Sealer:
        """What seals rejected records that have masked fields, with the profile's key for them."""
        return Sealer(key(self.profile.keys.rejects, self.profile.state, "rejects"))

    def row_function(self, name: str) -> str:
        """What decides the object's rows; with another key, every dedupe key and mask is another too."""
        function, transform = self.pipeline.row_functions[name], self.transforms[name]
        function += f":phones {phones.metadata()}" if transform.phones else ""
        if not transform.keys and all(one.method != "sha256" for one in transform.masks):
            return function
        return f"{function}:{hmac.digest(self.key, function.encode(), 'sha256').hex()[:16]}"

    def whole(self, name: str) -> bool:
        """Whether the object is read from the beginning: first load, `--full`, another spec, values without a stamp."""
        state = self.states.get(name)
        anew = self.options.full or self.refreshes or not self.pipeline.policies.incremental
        if state is None or state.watermark is None or anew or reconcile.whole(self, name):
            return True
        return self.moves(self.extract_of(name)) or not self.same_rows(state.row_function or "", name)

    def moves(self, extract_of: Extract) -> bool:
        """Whether values change without a stamp that could be asked for, and a rule uses one or it is looked up."""
        formulas_now = self.shapes[extract_of.object].calculated
        used = any(name in extract_of.needed for name in formulas_now)
        return used or moves(extract_of, self.parents[extract_of.object])

    def rebuilt(self, name: str) -> bool:
        """Whether every row may differ for a good reason: the first load, or another spec."""
        state = self.states.get(name)
        return state is None or state.watermark is None or not self.same_rows(state.row_function or "", name)

    def same_rows(self, loaded: str, name: str) -> bool:
        """Whether rows loaded under that row function are what a full load gives today; a hidden field may be gone."""
        function, _, shown = since.unmarked(loaded).partition("/")
        extra, _, others = shown.partition("/")
        gone, _, types = others.partition("/")
        shape = self.shapes[name]
        seen_again = set(filter(None, gone.split(","))) - set(shape.gone)
        today = (self.row_function(name), ",".join(sorted(shape.extra)), ",".join(shape.types))
        return (function, extra, types) == today and not seen_again

    def loaded_as(self, name: str) -> str:
        """The row function with the fields that go to extensions, are hidden or retyped: what `same_rows` reads.

        Where not all history is loaded, its beginning stands behind it.
        """
        shape = self.shapes[name]
        parts = (sorted(shape.extra), sorted(shape.gone), shape.types)
        whole = "/".join((self.row_function(name), *map(",".join, parts)))
        return since.marked(whole, since.beginning(self, name))

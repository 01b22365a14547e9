"""The pieces in which one object is read, and the file that remembers them until what they brought is committed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from durable_runtime.progress import Progress
from durable_runtime.salesforce.landing import private_folder
from durable_runtime.windows import ALL_IDS, Plan, Range, Window, before, overlap, statement

FILE = "parts.json"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a plan, cut out of it `depth` times: a window and a range of Ids, with what was landed of it.

    A `later` one is for what came since a killed run; it is begun when the rest is there.
    """

    plan: Plan
    window: Window
    ids: Range
    progress: Progress
    depth: int = 0
    later: bool = False

    @property
    def soql(self) -> str:
        """The statement that selects it."""
        return statement(self.plan, self.window, self.ids)

    @property
    def done(self) -> bool:
        """Whether nothing is left to read."""
        return self.progress.proven or self.window.empty

    @property
    def touched(self) -> bool:
        """Whether anything of it was paid for that another window could not use."""
        return bool(self.progress.landed) or self.progress.job is not None or self.progress.proven

    @property
    def begun(self) -> bool:
        """Whether it is settled which API reads it."""
        return self.progress.job is not None or "api" in self.progress.facts

    @property
    def waits(self) -> bool:
        """Whether a Bulk job works on it."""
        return self.progress.job is not None and not self.done


@dataclass(slots=True)
class Parts:
    """One plan's parts, oldest first."""

    plan: Plan
    folder: Path
    parts: list[Part] = field(default_factory=list)
    begun: datetime | None = None  # by Salesforce's clock, where an earlier run read some of it

    def save(self) -> None:
        """Remember the parts, so that a run after a killed one finds them."""
        told = [
            {
                "lo": one.window.lo and one.window.lo.isoformat(),
                "hi": one.window.hi.isoformat(),
                **asdict(one.ids),
                "folder": one.progress.folder.name,
            }
            for one in self.parts
        ]
        draft = self.folder / (FILE + ".new")
        begun = (self.begun or self.plan.window.hi).isoformat()
        draft.write_text(json.dumps({"key": _key(self.plan), "begun": begun, "parts": told}), encoding="utf-8")
        draft.replace(self.folder / FILE)

    def put(self, at: int, window: Window, ids: Range = ALL_IDS, depth: int = 0, *, later: bool = False) -> None:
        """A new part at a place of the order."""
        number = 1 + max((int(one.progress.folder.name) for one in self.parts), default=-1)
        self.parts.insert(at, Part(self.plan, window, ids, Progress(self.folder / f"{number:04d}"), depth, later))

    def divide(self, part: Part, pieces: Sequence[tuple[Window, Range]]) -> None:
        """Put pieces where the part was."""
        at = self.parts.index(part)
        for further, (window, ids) in enumerate(pieces, 1):
            self.put(at + further, window, ids, part.depth + 1, later=part.later)
        self.parts.remove(part)
        self.save()
        shutil.rmtree(part.progress.folder, ignore_errors=True)

    def proven(self) -> list[Part]:
        """The oldest parts that are landed and proven, up to a moment before which nothing is missing."""
        at = next((at for at, one in enumerate(self.parts) if not one.done), len(self.parts))
        if at == len(self.parts):
            return self.parts
        cut = self.parts[at].window
        return [one for one in self.parts[:at] if one.window != cut]


def begin(plan: Plan, folder: Path) -> Parts:
    """The parts that an earlier run left in the folder, if they fit, and those that lie before and behind them."""
    found = Parts(plan, private_folder(folder))
    kept = _kept(plan, folder)
    if kept is not None:
        found.begun, found.parts = kept
        _around(found)
    else:
        forget(folder)
        private_folder(folder)
        found.put(0, plan.window)
    found.save()
    return found


def begun(plan: Plan, folder: Path) -> datetime | None:
    """When an earlier run began whose files will be taken over; None where all is read now."""
    kept = _kept(plan, folder)
    return kept[0] if kept is not None else None


def forget(folder: Path) -> None:
    """Remove landed files: they were committed, or they are not to be used again."""
    shutil.rmtree(folder, ignore_errors=True)


def _kept(plan: Plan, folder: Path) -> tuple[datetime, list[Part]] | None:
    try:
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if told["key"] != _key(plan):
            return None
        parts = [
            Part(
                plan,
                Window(one["lo"] and datetime.fromisoformat(one["lo"]), datetime.fromisoformat(one["hi"])),
                Range(one["after"], one["through"]),
                Progress(folder / one["folder"]),
            )
            for one in told["parts"]
        ]
        since, first, last = datetime.fromisoformat(told["begun"]), parts[0].window.lo, parts[-1].window.hi
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None  # a file that cannot be read tells of nothing: all is read again
    narrower = first is not None and plan.window.lo is None
    fits = last <= plan.window.hi and plan.window.hi - since <= plan.stays
    return (since, parts) if fits and not narrower else None


def _around(found: Parts) -> None:
    """Windows for what the kept parts do not cover: an overlap with what is committed, and what came since."""
    lo, hi = found.plan.window.lo, found.plan.window.hi
    while len(found.parts) > 1 and not found.parts[-1].touched and found.parts[-1].ids == ALL_IDS:
        shutil.rmtree(found.parts.pop().progress.folder, ignore_errors=True)
    first, last = found.parts[0].window.lo, found.parts[-1].window.hi
    if lo is not None and first is not None and lo < first:
        found.put(0, Window(lo, first))
    # Even where both ended in the same second: a record may have changed in it after the killed run had read it.
    found.put(len(found.parts), Window(before(last, overlap(found.plan.overlap_seconds)), hi), later=True)


def _key(plan: Plan) -> str:
    return f"{plan.key} {plan.extract.soql(plan.fields)} {plan.first and plan.extract.first}"

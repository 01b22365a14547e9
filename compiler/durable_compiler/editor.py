"""What an editor shows while somebody writes requirements: findings, completions, the meaning of a line, fixes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from durable_compiler.catalogue import Snapshot
from durable_compiler.diagnostics import Diagnostic
from durable_compiler.frames import REGISTRY
from durable_compiler.grammar.names import STRUCTURE
from durable_compiler.grammar.reading import accepted, echo
from durable_compiler.interpret import Reading, read_file
from durable_compiler.merging import Statement, fragment
from durable_compiler.requirements import Requirement

_ZONES = ("UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "Asia/Tokyo")
_OBJECT_SLOTS = frozenset({"<object>", "<objects>", "<selection>"})
_FIELD_SLOTS = frozenset({"<field>", "<fields>", "<keys>", "<condition>", "<obligation>"})
# What else a slot takes, as a person would write it.
_SAMPLES: dict[str, tuple[str, ...]] = {
    "<zone>": _ZONES,
    "<times>": ("2:00 AM UTC", "noon UTC", "18:30 Europe/Berlin"),
    "<every>": ("every 15 minutes", "every hour"),
    "<days>": ("every day", "on weekdays", "every Sunday"),
    "<system>": ("Snowflake", "DuckDB"),
    "<source>": ("Salesforce",),
    "<recipients>": ("#data-ops on Slack", "ops@example.com by email"),
    "<duration>": ("15 minutes", "1 hour", "30 days"),
}


_RANK = {kind: rank for rank, kind in enumerate(("sentence", "object", "value", "field", "word"))}


@dataclass(frozen=True)
class Completion:
    """A text for the prefix from `start` on, and what it is: word, object, field, value or sentence."""

    text: str
    kind: str
    start: int
    detail: str = ""


@dataclass(frozen=True)
class Page:
    """A requirements file as it stands in the editor, read once."""

    path: Path
    text: str
    snapshot: Path
    catalogue: Snapshot | None

    @cached_property
    def reading(self) -> Reading:
        """What the text says."""
        return read_file(self.path, self.snapshot, text=self.text)

    def findings(self) -> tuple[Diagnostic, ...]:
        """Everything that is wrong with the text."""
        return self.reading.diagnostics

    def requirement_at(self, line: int) -> Requirement | None:
        """The requirement that a 1-based line belongs to."""
        return next((one for one in self.reading.requirements if _covers(one, line)), None)

    # --- hover --------------------------------------------------------------------------------------------------

    def meaning(self, line: int) -> str | None:
        """Markdown: canonical English, the IR that the sentence sets, what is assumed, and the generated lines."""
        found = self.requirement_at(line)
        statements = [] if found is None else [one for one in self.reading.clauses if one.requirement.id == found.id]
        if found is None or not statements or self.catalogue is None:
            return None
        parts = [f"**{found.id}** {echo([one.clause for one in statements], self.catalogue)}"]
        parts += [_fenced(fragment(one.clause, self.catalogue)) for one in statements]
        parts += self._assumed(statements)
        return "\n\n".join([*parts, *self._generated(found.id)])

    def _assumed(self, statements: list[Statement]) -> list[str]:
        assumed = [one for each in statements for one in each.clause.assumed]
        lines = [f"- {one.key} = {json.dumps(one.value)}: {one.why}" for one in assumed]
        return ["Assumed:\n" + "\n".join(lines)] if lines else []

    def _generated(self, requirement: str) -> Iterator[str]:
        """Where the committed package carries the requirement."""
        package = self.path.parent.parent / "generated" / self.path.stem
        try:
            entries = json.loads((package / "trace.json").read_text(encoding="utf-8"))["entries"]
        except (OSError, ValueError, KeyError):
            return
        rows = [one for one in entries if one["requirement"] == requirement]
        if rows:
            places = (f"- {package.name}/{one['file']}:{one['lines'][0]} {one['qualname']}" for one in rows[:8])
            yield "Generated:\n" + "\n".join(places)

    # --- completion ---------------------------------------------------------------------------------------------

    def completions(self, prefix: str) -> tuple[Completion, ...]:
        """What may follow the sentence so far, whose last word may be unfinished."""
        if self.catalogue is None:
            return ()
        whole = prefix[: len(prefix) - len(prefix.rpartition(" ")[2])]
        synced = self._synced()
        expected = accepted(whole, self.catalogue, synced)
        places = {(slot, start) for slot, begin in expected for start in (begin, _last_item(prefix, begin))}
        many = [*self._from_slots(places, synced), *_words(expected, len(whole))]
        many += [] if whole.strip() else list(_sentences())
        chosen = dict.fromkeys(one for one in many if _begins(one.text, prefix[one.start :]))
        return tuple(sorted(chosen, key=lambda one: _RANK[one.kind]))

    def _synced(self) -> tuple[str, ...]:
        names = [name for one in self.reading.clauses for name in getattr(one.clause, "objects", ())]
        return tuple(dict.fromkeys(names))

    def _from_slots(self, places: set[tuple[str, int]], synced: tuple[str, ...]) -> Iterator[Completion]:
        assert self.catalogue is not None
        for slot, start in sorted(places):
            yield from (Completion(text, "value", start) for text in _SAMPLES.get(slot, ()))
            if slot in _OBJECT_SLOTS:
                for one in self.catalogue.objects:
                    yield Completion(self.catalogue.object_label(one.name), "object", start, one.name)
            if slot in _FIELD_SLOTS:
                for name in synced:
                    for field in self.catalogue.by_name[name].fields:
                        label = self.catalogue.field_label(name, field.name)
                        yield Completion(label, "field", start, f"{name}.{field.name}")


def _last_item(prefix: str, begin: int) -> int:
    """Where the last item of a list begins that began at `begin`."""
    separators = list(re.finditer(r",\s+(and\s+)?|\s+and\s+|\s+&\s+", prefix[begin:]))
    return begin + separators[-1].end() if separators else begin


def _begins(text: str, typed: str) -> bool:
    return text.casefold().startswith(typed.casefold()) and text.casefold() != typed.casefold()


def _covers(one: Requirement, line: int) -> bool:
    last = one.origins[-1][0] if one.origins else one.line
    return one.line <= line <= last


def _fenced(value: dict[str, Any]) -> str:
    return f"```json\n{json.dumps(value, indent=2, ensure_ascii=False)}\n```"


def _words(expected: frozenset[tuple[str, int]], end: int) -> Iterator[Completion]:
    words = sorted(one for one, _ in expected if one.isalpha() and one not in STRUCTURE)
    yield from (Completion(word, "word", end) for word in words)


def _sentences() -> Iterator[Completion]:
    for kind, frame in REGISTRY.items():
        yield from (Completion(example, "sentence", 0, kind) for example in frame.examples[:2])

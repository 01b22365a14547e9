"""A release: its version from the changes, its notes and its commit message, all free of clock and author."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from durable_compiler.changes import Change, Level, compare, highest

FIRST_VERSION = "1.0.0"
TITLE = "# Release notes"
REBUILT = "built again (line numbers, schema snapshot or compiler differ); the requirements mean the same"

DATA_ACTIONS: Mapping[str, str] = {
    "none": "nothing happens to the rows already loaded",
    "backfill": "new objects, rows or columns are filled from Salesforce by the next run",
    "migrate": "columns are changed or renamed in the table",
    "rebuild": "the table is built again from a full read",
    "destructive": "values or rows leave the table: a person must approve it",
}


@dataclass(frozen=True)
class Release:
    """A version of a pipeline and everything that is said about it."""

    name: str
    version: str
    previous: str | None
    level: Level | None
    changes: tuple[Change, ...]
    notes_markdown: str

    @property
    def tag(self) -> str:
        """The git tag of this version."""
        return f"{self.name}/v{self.version}"

    @property
    def data_action(self) -> str:
        """The gravest thing that happens to the data."""
        return max((one.data_action for one in self.changes), key=list(DATA_ACTIONS).index, default="none")

    @property
    def commit_message(self) -> str:
        """Subject and body of the commit that records the release."""
        body = "\n".join(f"- {one.line}" for one in self.changes) or f"- {REBUILT}"
        return f"{self.name} v{self.version}: {_subject(self)}\n\n{body}\n\nData: {DATA_ACTIONS[self.data_action]}.\n"


def plan(
    name: str,
    previous: str | None,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any],
    *,
    rebuilt: bool = False,
) -> Release:
    """The release that follows `previous`; the same version when nothing changed, a patch when only bytes did."""
    first = previous is None
    changes = compare(None if first else old, new)
    level: Level | None = highest(changes) or ("patch" if rebuilt else None)
    version = next_version(previous, level)
    return Release(name, version, previous, level, changes, _notes(name, version, previous, changes, level, new))


def next_version(previous: str | None, level: Level | None) -> str:
    """The version after `previous` for a release of this level; 1.0.0 is the first."""
    if previous is None:
        return FIRST_VERSION
    major, minor, patch = (int(part) for part in previous.split("."))
    following = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}
    return ".".join(map(str, following[level])) if level else previous


def prepend(committed: str | None, release: Release) -> str:
    """RELEASE_NOTES.md with this release first; unchanged when it already stands there."""
    older = (committed or "").replace("\r\n", "\n").strip().removeprefix(TITLE).strip()
    if committed and (release.level is None or f"## {release.version}\n" in older + "\n"):
        return committed
    return "\n\n".join(part for part in (TITLE, release.notes_markdown.strip(), older) if part) + "\n"


def _subject(release: Release) -> str:
    if release.previous is None:
        return "first release"
    told = release.changes
    if not told:
        return "rebuilt"
    gravest = next(one for one in told if one.level == release.level)
    return gravest.line + (f", and {len(told) - 1} more" if len(told) > 1 else "")


def _notes(
    name: str,
    version: str,
    previous: str | None,
    changes: Sequence[Change],
    level: Level | None,
    new: Mapping[str, Any],
) -> str:
    head = (
        f"First release of {name}." if previous is None else f"{(level or 'no').capitalize()} release after {previous}."
    )
    rules = [one for one in changes if not one.path.startswith("assumptions[")]
    guesses = [one.line for one in changes if one.path.startswith("assumptions[")]
    if previous is None:
        guesses = [_assumption(one) for one in new["assumptions"]]
    sections = [f"## {version}", head, _bullets([_line(one, previous) for one in rules] or [REBUILT])]
    sections += ["### Assumptions\n\n" + _bullets(guesses)] if guesses else []
    return "\n\n".join([*sections, "### Data\n\n" + _bullets(_data(changes))]) + "\n"


def _line(change: Change, previous: str | None) -> str:
    return change.line if previous is None else f"{change.line} ({change.level})"


def _assumption(row: Mapping[str, Any]) -> str:
    value = row["value"]
    shown = ", ".join(value) if isinstance(value, list | tuple) else _words(value)
    head = f"{row['requirement']}: " if row["requirement"] else ""
    return f"{head}{row['key']} = {shown} ({row['why']})"


def _words(value: object) -> object:
    """A scalar as the IR writes it, an empty one as `none`."""
    return {None: "none", True: "true", False: "false"}[value] if isinstance(value, bool | None) else value


def _data(changes: Sequence[Change]) -> list[str]:
    needed = [action for action in DATA_ACTIONS if any(one.data_action == action for one in changes)]
    grave = [action for action in needed if action != "none"]
    lines = [f"{DATA_ACTIONS[action]}: {_paths(changes, action)}" for action in grave]
    return lines or [DATA_ACTIONS["none"]]


def _paths(changes: Sequence[Change], action: str) -> str:
    places = (one for one in changes if one.data_action == action)
    return ", ".join(one.requirements[0] if one.path.startswith("requirements[") else f"`{one.path}`" for one in places)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)

"""A small source of records in plain Python: what people do to them, and what a run reads of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

OBJECTS = ("Contact", "Account")
IDS = range(4)
OVERLAP = 2  # ticks
Key = tuple[str, str]  # object and Id


@dataclass(frozen=True)
class Record:
    """One record as it is now; `stamp` and `created` are ticks of the source's clock, `outcome` is what the spec says.

    `extra` is the value of a field without a column, `added` that of one which a later spec maps.
    """

    id: str
    stamp: int
    created: int
    name: str
    key: str | None = None
    outcome: str = "live"
    rule: str | None = None
    extra: str | None = None

    @property
    def added(self) -> str:
        """The value of the field that a later spec maps."""
        return f"{self.name} of {self.id}"


@dataclass(frozen=True)
class Edit:
    """One thing that happens to a record: `word` and `key` are its new values, `number` and `other` name records."""

    kind: str
    object: str
    number: int
    other: int
    word: str
    key: str | None

    @property
    def at(self) -> Key:
        """Object and Id."""
        return self.object, f"{'003' if self.object == 'Contact' else '001'}{self.number}"


@dataclass
class Source:
    """The records, each version of them that ever had a stamp of its own, and what no run has read since it changed."""

    clock: int = 10
    seen_to: int = 0  # the tick that the last complete run had read to
    records: dict[Key, Record] = field(default_factory=dict)
    versions: dict[Key, list[Record]] = field(default_factory=dict)
    unread: set[Key] = field(default_factory=set)
    gone: set[Key] = field(default_factory=set)  # purged or hidden, and no run has noticed
    hidden: dict[Key, Record] = field(default_factory=dict)

    def apply(self, edits: Iterable[Edit]) -> None:
        """Let things happen, a tick apart."""
        for edit in edits:
            self.clock += 1
            EDITS[edit.kind](self, edit)

    def put(self, at: Key, record: Record) -> None:
        """A record as it is from now on; one without a new stamp takes the place of the version before."""
        older = [one for one in self.versions.get(at, ()) if one.stamp < record.stamp]
        self.versions[at] = [*older, record]
        self.records[at] = record
        self.unread.add(at)
        self.gone.discard(at)

    def last(self, at: Key) -> Record | None:
        """The newest version of a record that ever was: one that is gone may be restored, under a newer stamp."""
        versions = self.versions.get(at)
        return versions[-1] if versions else None

    def current(self, name: str) -> dict[str, Record]:
        """The records of an object that can be seen, deleted ones too."""
        return {id: record for (object, id), record in self.records.items() if object == name}

    def forget(self, name: str, read: Mapping[str, Record]) -> None:
        """These were read as they are."""
        self.unread -= {(name, id) for id, record in read.items() if self.records.get((name, id)) == record}

    def noticed(self, name: str) -> tuple[str, ...]:
        """Ids that a reconcile finds gone."""
        ids = sorted(id for object, id in self.gone if object == name)
        self.gone -= {(name, id) for id in ids}
        return tuple(ids)


def save(source: Source, edit: Edit, stamp: int | None = None) -> None:
    """Insert the record or give it other values; whatever it was, it is accepted now."""
    old = source.last(edit.at)
    source.hidden.pop(edit.at, None)
    key = edit.key if edit.object == "Contact" else None
    saved = source.clock if stamp is None else stamp
    source.put(edit.at, Record(edit.at[1], saved, old.created if old else saved, edit.word, key, extra=edit.key))


def late(source: Source, edit: Edit) -> None:
    """Save under an older stamp: the transaction began before the last run read, and ended after it."""
    old = source.last(edit.at)
    begun = max(old.stamp + 1 if old else 0, source.seen_to - OVERLAP)
    save(source, edit, min(begun, source.clock))


def turned(outcome: str) -> Callable[[Source, Edit], None]:
    """The record is deleted, leaves the filter, breaks a rule, or is fine again; its stamp moves."""

    def turn(source: Source, edit: Edit) -> None:
        if old := source.records.get(edit.at):
            rule = edit.word if outcome == "rejected" else None
            source.put(edit.at, replace(old, stamp=source.clock, outcome=outcome, rule=rule))

    return turn


# What a formula or a parent's field may move, beside values: never a deletion.
SILENT = {"live": ("live", "filtered", "rejected"), "filtered": ("filtered", "live"), "rejected": ("rejected", "live")}


def silently(source: Source, edit: Edit) -> None:
    """A formula or a parent moves: other values, in or out of the filter, a rule that holds or not; no new stamp."""
    old = source.records.get(edit.at)
    if old and (outcomes := SILENT.get(old.outcome)):
        outcome = outcomes[edit.other % len(outcomes)]
        new = replace(old, name=edit.word, outcome=outcome, rule=edit.word if outcome == "rejected" else None)
        if new != old:
            source.put(edit.at, new)


def merged(source: Source, edit: Edit) -> None:
    """Two records become one: the other is deleted, and this one has its key."""
    other = replace(edit, number=edit.other).at
    if edit.at != other and edit.at in source.records and other in source.records:
        lost = source.records[other]
        source.put(edit.at, replace(source.records[edit.at], stamp=source.clock, key=lost.key))
        source.put(other, replace(lost, stamp=source.clock, outcome="deleted", rule=None))


def purged(source: Source, edit: Edit) -> None:
    """The record is gone without a trace; a reconcile finds out."""
    if source.records.pop(edit.at, None):
        source.gone.add(edit.at)
        source.unread.discard(edit.at)


def hidden(source: Source, edit: Edit) -> None:
    """Nobody may see the record any longer, or it is shown again as it was."""
    if edit.at in source.hidden:
        source.put(edit.at, source.hidden.pop(edit.at))
    elif edit.at in source.records:
        source.hidden[edit.at] = source.records[edit.at]
        purged(source, edit)


EDITS: Mapping[str, Callable[[Source, Edit], None]] = {
    "save": save,
    "late": late,
    "delete": turned("deleted"),
    "undelete": turned("live"),
    "leave the filter": turned("filtered"),
    "enter the filter": turned("live"),
    "reject": turned("rejected"),
    "accept": turned("live"),
    "silently": silently,
    "merge": merged,
    "purge": purged,
    "hide or show": hidden,
}

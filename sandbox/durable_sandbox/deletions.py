"""The delete log: Ids that left without a trace in their table, and from when on the log is complete."""

from collections.abc import Iterable, Iterator
from typing import Any

from durable_sandbox.journal import Journal

MOST_IDS = 600_000


class DeleteLog:
    """What getDeleted knows beyond the recycle bin, for each object by its lower-case name; moments are stamps.

    `hard` are records deleted past the recycle bin. Entries before `cut` were purged from the log. `physical` is when
    a record last left the recycle bin, which Salesforce reports as the earliest date available.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.hard: dict[str, dict[str, str]] = {}
        self.cut: dict[str, str] = {}
        self.physical: dict[str, str] = {}
        self.most_ids = MOST_IDS
        journal.handlers["delete_log"] = self._apply

    def hard_deleted(self, name: str, record_ids: Iterable[str], at: str) -> None:
        """Records deleted past the recycle bin: gone from every query, still in the log."""
        self._do({"object": name.lower(), "hard": list(record_ids), "at": at})

    def emptied(self, name: str, record_ids: Iterable[str], at: str, *, quiet: bool = False) -> None:
        """Records that left the recycle bin, and the log with it; `quiet` leaves the earliest date available alone."""
        self._do({"object": name.lower(), "emptied": list(record_ids), "at": at, "quiet": quiet})

    def purged(self, name: str, before: str) -> None:
        """The log's oldest entries were purged; the records stay where they are."""
        self._do({"object": name.lower(), "purged": before})

    def limit(self, most_ids: int) -> None:
        """How many Ids an answer may have at most."""
        self._do({"most_ids": most_ids})

    def entries(self, name: str) -> Iterator[tuple[str, str]]:
        """Ids and moments of records deleted past the recycle bin."""
        return iter(self.hard.get(name.lower(), {}).items())

    def earliest(self, name: str) -> str:
        """From when on the log is complete; empty if nothing was ever lost from it."""
        key = name.lower()
        return max(self.cut.get(key, ""), self.physical.get(key, ""))

    def _do(self, entry: dict[str, Any]) -> None:
        self._apply(entry)
        self.journal.entry("delete_log", entry)

    def _apply(self, entry: dict[str, Any]) -> None:
        if "most_ids" in entry:
            self.most_ids = entry["most_ids"]
            return
        name = entry["object"]
        if "hard" in entry:
            self.hard.setdefault(name, {}).update(dict.fromkeys(entry["hard"], entry["at"]))
        elif "purged" in entry:
            self.cut[name] = max(self.cut.get(name, ""), entry["purged"])
        else:
            for record_id in entry["emptied"]:
                self.hard.get(name, {}).pop(record_id, None)
            if entry["emptied"] and not entry["quiet"]:
                self.physical[name] = max(self.physical.get(name, ""), entry["at"])

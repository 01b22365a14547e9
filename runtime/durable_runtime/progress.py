"""What one read has landed so far, kept beside its files: a run that was killed goes on where it was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durable_runtime.salesforce.landing import Page, disk_full, private_folder

FILE = "progress.ndjson"


@dataclass(frozen=True, slots=True)
class Landed:
    """A page that is on disk: its place in the job, and what leads to the one after it (a locator or an address)."""

    page: Page
    number: int
    following: str


class Progress:
    """Facts about one read, one JSON line each, written only after what they tell of is on disk.

    A line that a kill cut short is the last, and is dropped. `facts` holds the newest value of each name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = private_folder(folder)
        self.facts: dict[str, Any] = {}
        self.abandoned: list[str] = []  # jobs that came to nothing: deleted with the others
        self.confirmed = False  # whether this run knows that the job exists
        self._pages: dict[int, Landed] = {}
        for line in _whole_lines(self._file):
            self._learn(json.loads(line))

    @property
    def _file(self) -> Path:
        return self.folder / FILE

    @property
    def job(self) -> str | None:
        """The Id of the Bulk job that works on it."""
        found: str | None = self.facts.get("job")
        return found

    @property
    def proven(self) -> bool:
        """Whether everything is landed and the counts match."""
        return bool(self.facts.get("proven"))

    @property
    def landed(self) -> tuple[Landed, ...]:
        """The pages on disk, in the order of their numbers."""
        return tuple(self._pages[number] for number in sorted(self._pages))

    def note(self, **facts: Any) -> None:
        """Remember facts."""
        self._write(facts)

    def keep(self, number: int, page: Page, following: str) -> None:
        """Remember a page that has its final name."""
        told = {"file": page.path.name, "bytes": page.path.stat().st_size, "columns": page.columns, "rows": page.rows}
        told |= {"nul_bytes": page.nul_bytes, "halves": page.halves}
        self._write({"page": {**told, "number": number, "following": following}})

    def restart(self) -> None:
        """Forget the job and the pages, which did not match."""
        for one in self.landed:
            one.page.path.unlink(missing_ok=True)
        self._write({"restart": True})

    def forget_pages(self) -> None:
        """Forget the pages only: the query starts again."""
        for one in self.landed:
            one.page.path.unlink(missing_ok=True)
        self._write({"pages": []})

    def _write(self, entry: dict[str, Any]) -> None:
        with disk_full(self._file), self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        self._learn(entry)

    def _learn(self, entry: dict[str, Any]) -> None:
        if "restart" in entry:
            self.abandoned += [self.job] if self.job else []
            self.facts = {}
            self._pages = {}
        elif "pages" in entry:
            self._pages = {}
            self.facts = {name: fact for name, fact in self.facts.items() if name not in ("addresses", "listing")}
        elif "page" in entry:
            self._remember(entry["page"])
        else:
            self.facts |= entry

    def _remember(self, told: dict[str, Any]) -> None:
        path = self.folder / told["file"]
        if path.is_file() and path.stat().st_size == told["bytes"]:
            halves = told.get("halves", 0)
            page = Page(path, tuple(told["columns"]), told["rows"], told["nul_bytes"], halves=halves)
            self._pages[told["number"]] = Landed(page, told["number"], told["following"])


def _whole_lines(path: Path) -> list[str]:
    """The lines up to the first one that was not written to its end; the file is cut there."""
    if not path.is_file():
        return []
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        path.write_bytes(whole)
    return whole.decode("utf-8").splitlines()

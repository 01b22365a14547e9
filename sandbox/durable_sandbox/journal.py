"""The changes made since the generated data, appended to a file so that a restart comes back to the same records."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from durable_sandbox.clock import Clock
from durable_sandbox.generate import NULL, Row
from durable_sandbox.objects import ObjectType
from durable_sandbox.store import Store


class Journal:
    """One JSON line a change; without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.file: TextIO | None = None
        self.handlers: dict[str, Callable[[Any], None]] = {}

    def replay(self, store: Store, clock: Clock) -> None:
        """Apply what the file holds, then open it for more. A line cut by a crash is the last and is dropped."""
        if self.path is None:
            return
        kept = 0
        if self.path.exists():
            with self.path.open("rb") as lines:
                for line in lines:
                    if not line.endswith(b"\n"):
                        break
                    self._replay_line(json.loads(line), store, clock)
                    kept += len(line)
        self.file = self.path.open("a", encoding="utf-8")
        self.file.truncate(kept)

    def _replay_line(self, entry: dict[str, Any], store: Store, clock: Clock) -> None:
        for name, handler in self.handlers.items():
            if name in entry:
                handler(entry[name])
                return
        _apply(entry, store, clock)

    def entry(self, name: str, body: Any) -> None:
        """Remember something of the part that registered a handler of this name."""
        self._append({name: body})

    def records(self, kind: ObjectType, rows: list[Row]) -> None:
        """Remember whole rows."""
        names = [item.name for item in kind.columns]
        self._append(*({"object": kind.name, "record": dict(zip(names, row, strict=True))} for row in rows))

    def purged(self, kind: ObjectType, record_ids: list[str]) -> None:
        """Remember records that are gone for good."""
        self._append({"object": kind.name, "purge": record_ids})

    def clock(self, clock: Clock) -> None:
        """Remember how far the clock was moved."""
        self._append({"clock": clock.offset.total_seconds()})

    def close(self) -> None:
        """Close the file."""
        if self.file:
            self.file.close()

    def _append(self, *entries: dict[str, Any]) -> None:
        if self.file:
            self.file.write("".join(json.dumps(entry, ensure_ascii=True) + "\n" for entry in entries))
            self.file.flush()


def _apply(entry: dict[str, Any], store: Store, clock: Clock) -> None:
    if "clock" in entry:
        clock.advance(entry["clock"] - clock.offset.total_seconds())
        return
    table = store.tables[entry["object"].lower()]
    if "record" in entry:
        record = entry["record"]
        table.put(tuple(record.get(item.name, NULL) for item in table.kind.columns))
    else:
        table.remove(entry["purge"])

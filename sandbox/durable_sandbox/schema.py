"""The schema's history: every drift in order, kept over a restart, and when an object last changed its shape."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from durable_sandbox import drift
from durable_sandbox.clock import ANCHOR, Clock, parse, stamp
from durable_sandbox.describe import Reference, references
from durable_sandbox.errors import ApiError
from durable_sandbox.extended import ARCHIVED, EXTENDED
from durable_sandbox.journal import Journal
from durable_sandbox.store import Store

FIRST_SHAPE = ANCHOR - timedelta(days=30)
"""When the objects got the shape that they are generated with."""


_ANY = ""


class Schema:
    """What has drifted since the organisation was made."""

    def __init__(self, store: Store, clock: Clock, journal: Journal) -> None:
        self.store, self.clock, self.journal = store, clock, journal
        self.history: list[dict[str, Any]] = []
        self.moments: dict[str, datetime] = {}
        self._references: dict[str, list[Reference]] | None = None
        journal.handlers["drift"] = self._replay

    def apply(self, orders: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Carry orders out one after the other; returns them with their moments.

        Raises ApiError for the first that cannot be carried out; it says how many before it were.
        """
        done: list[dict[str, Any]] = []
        for order in orders:
            entry = {"at": self.clock.now_stamp(), **order}
            try:
                drift.apply(self.store, order, entry["at"])
            except ApiError as error:
                before = f" (the {len(done)} before it were carried out)" if done else ""
                raise ApiError(error.status, error.code, error.message + before) from error
            self._note(entry)
            self.journal.entry("drift", entry)
            done.append(entry)
        return done

    def extend(self) -> None:
        """Show the objects that are hidden at first, and let tasks and events be archived."""
        archived = {"name": "IsArchived", "label": "Archived", "type": "boolean", "flags": ["system"]}
        orders: list[dict[str, Any]] = [{"op": "restore_object", "object": kind.name} for kind in EXTENDED]
        orders += [{"op": "add", "object": name, "field": archived, "maker": "archived"} for name in ARCHIVED]
        done = [{key: value for key, value in entry.items() if key != "at"} for entry in self.history]
        self.apply([order for order in orders if order not in done])

    def _replay(self, entry: dict[str, Any]) -> None:
        order = {key: value for key, value in entry.items() if key != "at"}
        drift.apply(self.store, order, entry["at"])
        self._note(entry)

    def _note(self, entry: dict[str, Any]) -> None:
        self.history.append(entry)
        self._references = None
        if entry["op"] != "set":
            # HTTP dates are whole seconds: a change must not look as old as a describe of the same second.
            for name in (str(entry["object"]).lower(), _ANY):
                moment = max(parse(entry["at"]).astimezone(UTC), self.changed(name))
                self.moments[name] = moment + timedelta(seconds=1)

    def references(self) -> dict[str, list[Reference]]:
        """Object → the fields of visible objects that refer to it, found anew after each drift."""
        if self._references is None:
            self._references = references(self.store.listed())
        return self._references

    def changed(self, name: str) -> datetime:
        """When the object's describe last changed, in whole seconds."""
        return self.moments.get(name.lower(), FIRST_SHAPE)

    def changed_anywhere(self) -> datetime:
        """When any object's describe last changed."""
        return self.changed(_ANY)

    def summary(self) -> dict[str, Any]:
        """What has drifted, and what can."""
        kinds = {
            name: {"does": kind.says, "needs": ["object", *kind.needs], "may": list(kind.may)}
            for name, kind in drift.KINDS.items()
        }
        return {"drift": self.history, "now": stamp(self.clock.now()), "kinds": kinds}

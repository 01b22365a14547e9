"""Writes of a transaction that commits late: stamped when they were made, visible only afterwards."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from durable_sandbox.clock import Clock, parse, stamp
from durable_sandbox.faults import Asked, Fault, Faults
from durable_sandbox.generate import Row
from durable_sandbox.store import Table

_STAMPS = ("CreatedDate", "LastModifiedDate", "SystemModstamp")


Written = tuple[Table, Row]


@dataclass
class Held:
    """A record whose row in its table's `held` waits for so many requests, for a moment, or to be named."""

    table: Table
    id: str
    requests: int | None
    due: datetime | None


@dataclass
class Late:
    """The records that are held back, in the order in which they were written."""

    held: list[Held] = field(default_factory=list)

    def visible(self, faults: Faults, clock: Clock, table: Table, rows: Iterable[Row]) -> list[Row]:
        """The rows that are written at once; those that a fault wants late are held back.

        A row that is written at once takes the place of a held one of the same record: it was written later.
        """
        at_once: list[Row] = []
        for row in rows:
            fault = next(iter(faults.due(Asked("write", object=table.kind.name, text=row[0]), ("late",))), None)
            self._forget(table, row[0])
            if fault is None:
                at_once.append(row)
            else:
                fault.fired += 1
                self._hold(fault, clock, table, row)
        return at_once

    def _hold(self, fault: Fault, clock: Clock, table: Table, row: Row) -> None:
        setting = fault.setting
        seconds = setting["seconds"]
        due = None if seconds is None else clock.now() + timedelta(seconds=seconds)
        self.held.append(Held(table, row[0], setting["requests"], due))
        table.held[row[0]] = _older(table, row, setting["backdate"])

    def _forget(self, table: Table, record_id: str) -> Row | None:
        """Give up what is held of a record; the row, if there was one."""
        self.held = [one for one in self.held if one.table is not table or one.id != record_id]
        return table.held.pop(record_id, None)

    def due(self, clock: Clock) -> list[Written]:
        """Count a request; the rows that become visible before it is answered."""
        now = clock.now()
        ready = [one for one in self.held if one.requests == 0 or (one.due is not None and one.due <= now)]
        for one in self.held:
            if one.requests:
                one.requests -= 1
        return self._released(ready)

    def named(self, name: str, record_ids: Iterable[str]) -> list[Written]:
        """The held rows of an object, or of every object, with these Ids or with any."""
        wanted = set(record_ids)
        chosen = [
            one
            for one in self.held
            if name.lower() in ("", one.table.kind.name.lower()) and (not wanted or one.id in wanted)
        ]
        return self._released(chosen)

    def _released(self, chosen: list[Held]) -> list[Written]:
        rows = [(one.table, self._forget(one.table, one.id)) for one in chosen]
        return [(table, row) for table, row in rows if row is not None]


def _older(table: Table, row: Row, seconds: float) -> Row:
    """The row with stamps of so many seconds ago; a creation that is as new as the change moves with it.

    No stamp goes back behind the one that the record has: while a transaction is open, nobody else writes its records.
    """
    places = table.kind.positions
    if not seconds or "SystemModstamp" not in places:
        return row
    values, newest, known = list(row), row[places["SystemModstamp"]], table.get(row[0])
    floor = known[places["SystemModstamp"]] if known else ""
    for name in _STAMPS:
        if name in places and values[places[name]] == newest:
            values[places[name]] = max(stamp(parse(newest) - timedelta(seconds=seconds)), floor)
    return tuple(values)

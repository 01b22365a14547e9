"""Random but reproducible changes to the organisation, as a day of work would leave them."""

import random
from array import array
from dataclasses import dataclass

from durable_sandbox.errors import ApiError
from durable_sandbox.generate import NULL, Row, derive
from durable_sandbox.sandbox import Sandbox
from durable_sandbox.store import Table
from durable_sandbox.view import Bounds, Rows, Want

_STAMPED = ("LastModifiedDate", "SystemModstamp")
_BORN = ("CreatedDate", "LoginTime")
_FIXED_MAKERS = frozenset(
    {"null", "external_id", "person_name", "weighted", "case_number", "health_number", "username", "body"}
)


@dataclass(frozen=True)
class Change:
    """How many records of an object to insert, update, delete, undelete, duplicate and delete for good."""

    object: str
    insert: int = 0
    update: int = 0
    delete: int = 0
    undelete: int = 0
    duplicate: int = 0
    purge: int = 0
    hard_delete: int = 0
    seed: int = 0


def apply(sandbox: Sandbox, change: Change) -> dict[str, list[str]]:
    """Make the changes, each to different records, all stamped now; the Ids per kind of change."""
    table = sandbox.store.tables.get(change.object.lower())
    if table is None:
        raise ApiError(404, "NOT_FOUND", f"the sandbox has no object {change.object!r}")
    worker = _Worker(sandbox, table, change)
    made: dict[str, list[str]] = {}
    for kind, make, count in (
        ("inserted", worker.inserted, change.insert),
        ("duplicated", worker.duplicated, change.duplicate),
        ("undeleted", worker.undeleted, change.undelete),
        ("deleted", worker.deleted, change.delete),
        ("updated", worker.updated, change.update),
    ):
        rows = make(count) if count else []
        sandbox.write(table.kind.name, rows)
        made[kind] = [row[0] for row in rows]
        worker.taken.update(made[kind])
    if change.purge:
        made["purged"] = [row[0] for row in worker.drawn(change.purge, "false")]
        sandbox.purge(table.kind.name, made["purged"])
        worker.taken.update(made["purged"])
    if change.hard_delete:
        made["hard_deleted"] = [row[0] for row in worker.drawn(change.hard_delete, "false")]
        sandbox.hard_delete(table.kind.name, made["hard_deleted"])
    return made


class _Worker:
    def __init__(self, sandbox: Sandbox, table: Table, change: Change) -> None:
        self.store, self.table, self.kind = sandbox.store, table, table.kind
        self.now = sandbox.clock.now_stamp()
        self.seed = f"{change.seed}/{self.kind.name}/{len(table)}"
        self.rng = random.Random(self.seed)
        self.taken: set[str] = set()

    def fresh(self, count: int) -> list[Row]:
        """New rows, not yet stored, with free Ids."""
        first = self.table.free_number(count)
        return self.table.fresh(count, first, f"{self.seed}/{first}", self.store.ids())

    def inserted(self, count: int) -> list[Row]:
        born = {"IsDeleted": "false", **dict.fromkeys(_BORN, self.now)}
        return [self.stamped(row, born) for row in self.fresh(count)]

    def duplicated(self, count: int) -> list[Row]:
        place = self.kind.positions.get("External_ID__c")
        if place is None:
            return []
        want = Want(False, lambda row: row[place] != NULL, frozenset({place}), Bounds())
        known = self.table.view.select(want).needing(want.needs)
        if not known:
            return []
        return [self.stamped(row, {"External_ID__c": self.rng.choice(known)[place]}) for row in self.inserted(count)]

    def deleted(self, count: int) -> list[Row]:
        if "IsDeleted" not in self.kind.positions:
            return []
        return [self.stamped(row, {"IsDeleted": "true"}) for row in self.drawn(count, "false")]

    def undeleted(self, count: int) -> list[Row]:
        return [self.stamped(row, {"IsDeleted": "false"}) for row in self.drawn(count, "true")]

    def updated(self, count: int) -> list[Row]:
        rows = self.drawn(count, "false")
        return [
            self.stamped(row, self.differences(row, other))
            for row, other in zip(rows, self.fresh(len(rows)), strict=True)
        ]

    def drawn(self, count: int, deleted: str) -> list[Row]:
        """Random records that this change has not touched; an object without a recycle bin has none deleted."""
        place = self.kind.positions.get("IsDeleted")
        view = self.table.view
        if place is None:
            free = view.select(Want()) if deleted == "false" else Rows(view, array("I"))
        elif deleted == "false":
            free = view.select(Want(deleted_too=False))
        else:
            free = view.select(Want(True, lambda row: row[place] == deleted, frozenset({place}), Bounds()))
        if self.taken:
            taken = self.taken
            numbers = zip(free.numbers, free.ids(), strict=True)
            free = Rows(view, array("I", (number for number, record_id in numbers if record_id not in taken)))
        return free.at(self.rng.sample(range(len(free)), min(count, len(free))))

    def differences(self, row: Row, other: Row) -> dict[str, str]:
        """One to three visible fields that take the other row's value and really differ."""
        places = self.kind.positions
        differing = [
            item.name
            for item in self.table.fields()
            if item.name in places
            and not item.system
            and item.maker not in _FIXED_MAKERS
            and row[places[item.name]] != other[places[item.name]]
        ]
        names = self.rng.sample(differing, min(self.rng.randint(1, 3), len(differing)))
        return {name: other[places[name]] for name in names}

    def stamped(self, row: Row, changes: dict[str, str]) -> Row:
        """The row with its changes and the present moment as its stamp."""
        values = list(row)
        for name, value in {**changes, **dict.fromkeys(_STAMPED, self.now)}.items():
            if name in self.kind.positions:
                values[self.kind.positions[name]] = value
        return derive(self.kind, tuple(values))

"""Which records Salesforce holds of an object as of the end of a window: counted, listed, or asked for by Id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from durable_runtime.salesforce import rest
from durable_runtime.salesforce.describe import describe
from durable_runtime.salesforce.session import Session
from durable_runtime.spec import Extract
from durable_runtime.windows import soql_literal

MOVE = frozenset({"SystemModstamp", "LastModifiedDate"})  # cursors that every change moves; the others never move
ASKED_AT_ONCE = 200  # Ids in one IN list, so that the address stays far below Salesforce's 16 KB


@dataclass(frozen=True, slots=True)
class Asked:
    """What a second question about single Ids found: those that are gone, and those that are live after all."""

    gone: tuple[str, ...]
    live: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holdings:
    """The records of an object that were live at `until` (aware UTC), the end of what a run has read.

    A record that was created or deleted since is none of this run's business, so that an organization that never
    rests can be compared at all: one created since is not counted, and one deleted since still is. `created` and
    `moved` name the fields that tell, where the object shows them; `recycles` tells that it has IsDeleted, and
    `logged` that Salesforce keeps a log of its deletes. Records outside `history` are never counted or listed; a
    question about an Id finds them. Everything is asked of queryAll, which has the archived activities too.
    """

    session: Session
    name: str
    until: datetime
    created: str | None
    moved: str | None
    recycles: bool
    logged: bool
    history: str = ""  # SOQL for the records that are read at all

    @property
    def columns(self) -> tuple[str, ...]:
        """What `listing` selects: the Id, and the stamp where there is one."""
        return ("Id", self.moved) if self.moved else ("Id",)

    def count(self, condition: str | None = None) -> int:
        """How many records were live then; `condition` is SOQL that narrows it."""
        chosen = (*self._begun(), *self._born(), *self._alive(), *_narrower(condition))
        return rest.count(self.session, self._select("Id", *chosen))

    def count_before(self, moment: datetime) -> int:
        """How many live records were last changed before a moment: those that no later window will read again."""
        edge = [f"{self.moved or self.created} < {soql_literal(moment)}"] if self.moved or self.created else []
        return rest.count(self.session, self._select("Id", *self._begun(), *edge, *self._live()))

    def listing(self, condition: str | None = None) -> str:
        """SOQL for every record that lives, or did then; `condition` is SOQL that narrows it."""
        return self._select(", ".join(self.columns), *self._begun(), *self._alive(), *_narrower(condition))

    def since(self) -> str | None:
        """SOQL for the records that were created, changed or deleted since; None where no stamp can tell."""
        changed = f"{self.moved} >= {soql_literal(self.until)}"
        return self._select("Id", *self._begun(), changed) if self.moved else None

    def ask(self, ids: Sequence[str]) -> Asked:
        """Which of these Ids are gone, looked for one by one: a list that lacks them proves nothing."""
        fields = ["Id", *(["IsDeleted"] if self.recycles else []), *([self.moved] if self.moved else [])]
        found: dict[str, dict[str, Any]] = {}
        for at in range(0, len(ids), ASKED_AT_ONCE):
            asked = ", ".join(f"'{one}'" for one in ids[at : at + ASKED_AT_ONCE])
            soql = self._select(", ".join(fields), f"Id IN ({asked})")
            found |= {str(record["Id"]): record for record in rest.query(self.session, soql)}
        return Asked(
            gone=tuple(one for one in ids if one not in found or self._was_deleted(found[one])),
            live=tuple(one for one in ids if one in found and not found[one].get("IsDeleted")),
        )

    def _was_deleted(self, record: dict[str, Any]) -> bool:
        """Whether it lies in the recycle bin, and did then: the next window reads what was deleted since."""
        stamp = record.get(self.moved) if self.moved else None
        return bool(record.get("IsDeleted")) and (stamp is None or _moment(stamp) < self.until)

    def _begun(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.history,)))

    def _born(self) -> tuple[str, ...]:
        return (f"{self.created} < {soql_literal(self.until)}",) if self.created else ()

    def _alive(self) -> tuple[str, ...]:
        if self.recycles and self.moved:
            return (f"(IsDeleted = false OR {self.moved} >= {soql_literal(self.until)})",)
        return self._live()

    def _live(self) -> tuple[str, ...]:
        return ("IsDeleted = false",) if self.recycles else ()

    def _select(self, fields: str, *conditions: str) -> str:
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {fields} FROM {self.name}{where}"  # noqa: S608  (names of the reviewed package)


def holdings(session: Session, extract: Extract, until: datetime, history: str = "") -> Holdings:
    """What can be asked about an object, as describe shows it today; `history` is SOQL for what is read of it."""
    described = describe(session, extract.object)
    shown = _shown(described)
    moved = extract.cursor if extract.cursor in shown & MOVE else None
    created = created_field(described, extract)
    recycles = "IsDeleted" in shown
    logged = recycles and bool(described.get("replicateable", False))
    return Holdings(session, extract.object, until, created, moved, recycles, logged, history)


def created_field(described: Mapping[str, Any], extract: Extract) -> str | None:
    """The field that tells when a record was made: CreatedDate, or a cursor that never moves; None without either."""
    shown = _shown(described)
    return next((one for one in ("CreatedDate", extract.cursor) if one in shown - MOVE), None)


def _shown(described: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(one["name"]) for one in described["fields"] if one.get("filterable", True))


def _narrower(condition: str | None) -> tuple[str, ...]:
    return (f"({condition})",) if condition else ()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)

"""Described fields against the spec: which are read, which go to extensions, and which stop the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from durable_runtime.errors import DriftStopped, FieldGone
from durable_runtime.spec import Extract

NO_COLUMN = frozenset({"address", "location", "base64", "complexvalue"})
SENSITIVE = frozenset({"Confidential", "Restricted", "MissionCritical"})


@dataclass(frozen=True, slots=True)
class Shape:
    """One object as Salesforce shows it today: what is read, what of it is new, and what is not visible any more."""

    fields: tuple[str, ...]
    extra: tuple[str, ...]
    gone: tuple[str, ...]
    held: tuple[str, ...]


def compare(extract: Extract, description: dict[str, Any], unknown_fields: str) -> Shape:
    """Settle the fields of a run. Raises FieldGone or DriftStopped before any record is read."""
    visible = {field["name"]: field for field in description["fields"]}
    gone = tuple(name for name in extract.fields if name not in visible)
    _refuse_gone(extract, gone)
    known = {*extract.fields, *extract.refused}
    new = [name for name, field in visible.items() if name not in known and field["type"] not in NO_COLUMN]
    renamed = any(name not in visible for name in extract.refused)  # a new one may be the left-out one, renamed
    held = tuple(name for name in new if renamed or _sensitive(visible[name]))
    extra = tuple(name for name in new if name not in held)
    if unknown_fields == "fail" and new:
        raise DriftStopped(
            f"{extract.object} has new fields: {', '.join(new)}.",
            help="Say in the requirements what becomes of them, compile, then run again.",
            requirement=", ".join(extract.requirements),
        )
    taken = extra if unknown_fields == "extensions" else ()
    fields = tuple(name for name in extract.fields if name in visible)
    return Shape((*fields, *extract.lookups, *taken), taken, gone, held)


def _refuse_gone(extract: Extract, gone: tuple[str, ...]) -> None:
    needed = [name for name in gone if name in (*extract.needed, "Id", extract.cursor)]
    if needed:
        raise FieldGone(
            f"{extract.object}.{', '.join(needed)} is not visible any more, and a requirement depends on it.",
            help="Give the integration user access to the field, or change the requirement.",
            requirement=", ".join(extract.requirements),
        )


def _sensitive(field: dict[str, Any]) -> bool:
    secret = field.get("securityClassification") in SENSITIVE or bool(field.get("complianceGroup"))
    return secret or field["type"] == "encryptedstring"

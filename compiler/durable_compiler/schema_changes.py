"""What differs between two schema snapshots: objects and fields that are new, changed, hidden or gone, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from durable_compiler.catalogue import FieldSchema, ObjectSchema, PicklistValue, Snapshot

NEW, CHANGED, HIDDEN, GONE, UNSEEN = "new", "changed", "hidden", "gone", "unseen"
SIGNS = {NEW: "+", CHANGED: "~", HIDDEN: "-", GONE: "-", UNSEEN: "-"}
_SHOWN_VALUES = 5


@dataclass(frozen=True)
class SchemaChange:
    """One difference; without `field` it is about the object, and `what` says which of its properties changed."""

    change: str
    object: str
    field: str | None
    what: str | None
    before: str | None
    after: str | None

    def as_json(self) -> dict[str, Any]:
        """The entry of `discover --json`."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """The difference on one line, with a sign that needs no colour."""
        name = self.object if self.field is None else f"{self.object}.{self.field}"
        return f"{SIGNS[self.change]} {name}{self._told}"

    @property
    def _told(self) -> str:
        if self.change == CHANGED:
            return f": {_CHANGED.get(self.what or '', self.what)} {_arrow(self.before, self.after)}"
        detail = f" ({self.after or self.before})" if self.after or self.before else ""
        return f"{detail}{_TOLD[self.change]}"


_TOLD = {NEW: " is new", HIDDEN: " is hidden from this user", GONE: " is gone", UNSEEN: " is not visible any more"}
_CHANGED = {"picklist": "values", "label_plural": "plural"}


def _arrow(before: str | None, after: str | None) -> str:
    if before is None:
        return str(after)
    return f"{before} → {after}"


def compare(before: Snapshot, after: Snapshot, hidden: Mapping[str, frozenset[str]]) -> tuple[SchemaChange, ...]:
    """Every difference, by object and field.

    `hidden` are fields, by object, that exist and are not shown to the user. Of an object without an entry, and of
    objects themselves, nobody can tell whether what is not shown is gone or hidden.
    """
    return tuple(_compare(before, after, hidden))


def _compare(before: Snapshot, after: Snapshot, hidden: Mapping[str, frozenset[str]]) -> Iterator[SchemaChange]:
    if before.organization_id != after.organization_id:
        ids = (before.organization_id, after.organization_id)
        yield SchemaChange(CHANGED, "Organization", None, "Id", *ids)
    if before.api_version != after.api_version:
        yield SchemaChange(CHANGED, "Organization", None, "API version", before.api_version, after.api_version)
    for name in sorted(before.by_name.keys() | after.by_name.keys()):
        old, new = before.object(name), after.object(name)
        if old is None or new is None:
            change, one = (NEW, new) if old is None else (UNSEEN, old)
            yield SchemaChange(change, name, None, None, *_labels(change, one.label if one else name))
        else:
            yield from _of_object(old, new, hidden.get(name))


def _of_object(old: ObjectSchema, new: ObjectSchema, hidden: frozenset[str] | None) -> Iterator[SchemaChange]:
    for what in ("label", "label_plural", "queryable"):
        texts = (_text(getattr(old, what)), _text(getattr(new, what)))
        if texts[0] != texts[1]:
            yield SchemaChange(CHANGED, new.name, None, what, *texts)
    if old.described != new.described:
        known = (_known(old), _known(new))
        yield SchemaChange(CHANGED, new.name, None, "known", *known)
        return
    olds, news = ({one.name: one for one in schema.fields} for schema in (old, new))
    for name in sorted(olds.keys() | news.keys()):
        if name in olds and name in news:
            yield from _of_field(new.name, olds[name], news[name])
        else:
            one = news.get(name) or olds[name]
            change = NEW if name in news else _fate(name, hidden)
            yield SchemaChange(change, new.name, name, None, *_labels(change, f"{one.label}, {type_of(one)}"))


def _fate(name: str, hidden: frozenset[str] | None) -> str:
    if hidden is None:
        return UNSEEN
    return HIDDEN if name in hidden else GONE


def _of_field(name: str, old: FieldSchema, new: FieldSchema) -> Iterator[SchemaChange]:
    for what, told in _PROPERTIES:
        texts = (told(old), told(new))
        if texts[0] != texts[1]:
            yield SchemaChange(CHANGED, name, new.name, what, *texts)
    added, removed = (_values(old, new), _values(new, old))
    if added or removed:
        parts = [f"{sign} {_listed(values)}" for sign, values in (("with", added), ("without", removed)) if values]
        yield SchemaChange(CHANGED, name, new.name, "picklist", None, ", ".join(parts))


def _values(old: FieldSchema, new: FieldSchema) -> list[str]:
    """Values that may be chosen in the new list and not in the old one, and those whose label is another."""
    known = {(one.value, one.label) for one in _active(old)}
    return [_value(one) for one in _active(new) if (one.value, one.label) not in known]


def _active(one: FieldSchema) -> Iterator[PicklistValue]:
    return (value for value in one.picklist if value.active)


def _value(one: PicklistValue) -> str:
    return one.value if one.label == one.value else f"{one.value} ({one.label})"


def _listed(values: list[str]) -> str:
    shown = ", ".join(values[:_SHOWN_VALUES])
    return f"{shown} and {len(values) - _SHOWN_VALUES:,} more" if len(values) > _SHOWN_VALUES else shown


def type_of(one: FieldSchema) -> str:
    """The type with its size, as an administrator writes it: string(80), currency(18,2), reference(Account)."""
    if one.referenceTo:
        return f"{one.type}({', '.join(one.referenceTo)})"
    size = f"{one.precision},{one.scale}" if one.precision else str(one.length or one.digits or "")
    return f"{one.type}({size})" if size else one.type


def _text(value: object) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _known(one: ObjectSchema) -> str:
    return f"{len(one.fields)} fields" if one.described else "by name only"


def _labels(change: str, text: str) -> tuple[str | None, str | None]:
    return (None, text) if change == NEW else (text, None)


def _named(name: str) -> Callable[[FieldSchema], str | None]:
    return lambda one: _text(getattr(one, name))


_PROPERTIES: tuple[tuple[str, Callable[[FieldSchema], str | None]], ...] = (
    ("type", type_of),
    *(
        (told, _named(name))
        for told, name in (
            ("label", "label"),
            ("may be empty", "nillable"),
            ("formula", "calculated"),
            ("external ID", "externalId"),
            ("may be filtered", "filterable"),
            ("compound of", "compoundFieldName"),
            ("relationship", "relationshipName"),
            ("sensitivity", "securityClassification"),
            ("compliance", "complianceGroup"),
            ("encrypted", "encrypted"),
        )
    ),
)
"""What is told of a field, in this order; the picklist comes last."""

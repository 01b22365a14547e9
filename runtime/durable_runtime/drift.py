"""Described fields against the package: which are read, which go to extensions, and which stop the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from durable_runtime import proposals
from durable_runtime.errors import DriftStopped, FieldGone, FieldRetyped, ObjectGone
from durable_runtime.events import told
from durable_runtime.spec import Extract, Transform

Description = Mapping[str, Any]  # what Salesforce's describe answers

NO_COLUMN = frozenset({"address", "location", "base64", "complexvalue"})
SENSITIVE = frozenset({"Confidential", "Restricted", "MissionCritical"})
# Salesforce type -> what reads it; every other type is text.
FAMILIES = {
    "boolean": "boolean",
    "int": "integer",
    "long": "integer",
    "currency": "number",
    "percent": "number",
    "double": "number",
    "date": "date",
    "datetime": "timestamp",
    "time": "time",
}
# DuckDB type of a column -> what fills it, for a field that no rule touches.
COLUMNS = {
    "VARCHAR": "text",
    "BIGINT": "integer",
    "DECIMAL(38,18)": "number",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIME": "time",
    "BOOLEAN": "boolean",
}


@dataclass(frozen=True, slots=True)
class Retyped:
    """A field whose values are of another type than its column's: those that fit it exactly go there."""

    field: str
    column: str
    duckdb: str  # the column's type
    type: str  # what Salesforce says today


@dataclass(frozen=True, slots=True)
class Event:
    """What a run has to tell about one field; `fixed` where the runtime changed a generated statement for it."""

    code: str
    details: Mapping[str, Any]
    fixed: bool = False

    @property
    def note(self) -> str:
        """The event in words; empty for one that asks nothing of anybody."""
        return told(self.code, self.details)


@dataclass(frozen=True, slots=True)
class Shape:
    """One object as Salesforce shows it today: what is read, what of it is new, and what is not visible any more."""

    fields: tuple[str, ...]
    extra: tuple[str, ...]
    gone: tuple[str, ...]
    held: tuple[str, ...]
    retyped: tuple[Retyped, ...] = ()
    calculated: tuple[str, ...] = ()  # formulas that the package does not know as such: they move without a stamp
    # Retyped fields and those in extensions with their types of today: values become others when a type does, and no
    # stamp moves, so that rows loaded under other types may differ.
    types: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def whole(self) -> tuple[str, ...]:
        """The fields of `extra` that hold whole numbers."""
        typed = dict(one.split(":", 1) for one in self.types)
        return tuple(name for name in self.extra if family(typed.get(name, "")) == "integer")


def _unknown(name: str) -> Description:
    raise ObjectGone(f"{name} is not described here.", help="Describe it.")


@dataclass(frozen=True, slots=True)
class Organization:
    """What else drift asks Salesforce.

    `describe` gives another object's description (raises ObjectGone), `count` the records that an object holds, and
    `classified` each of its fields with `SecurityClassification` and `ComplianceGroup`, which describe does not tell;
    None where the user may not know them.
    """

    describe: Callable[[str], Description] = _unknown
    count: Callable[[str], int] = field(default=lambda _: 0)
    classified: Callable[[str], Mapping[str, Description] | None] = field(default=lambda _: {})


def compare(
    extract: Extract,
    description: Description,
    unknown_fields: str,
    transform: Transform | None = None,
    organization: Organization | None = None,
) -> Shape:
    """Settle the fields of a run. Raises FieldGone, FieldRetyped or DriftStopped before any record is read.

    Without `organization` nothing is known of related objects, and fields reached through them are not looked at.
    """
    return _Comparison(extract, description, transform, organization).shape(unknown_fields)


class _Comparison:
    """One object's package beside its description."""

    def __init__(
        self,
        extract: Extract,
        description: Description,
        transform: Transform | None,
        organization: Organization | None,
    ) -> None:
        self.extract, self.description, self.organization = extract, description, organization
        self.columns = {one.field: one for one in transform.columns if one.field} if transform else {}
        first = transform is not None and transform.keys and transform.keep == "first"
        # These carry every row (a package without types asked every object for IsDeleted, also those that have none);
        # who keeps the first record must know when each was made.
        carrying = (
            {"Id", extract.cursor} | ({"IsDeleted"} & extract.types.keys()) | ({"CreatedDate"} if first else set())
        )
        self.needed = {*extract.needed, *extract.lookups, *carrying}
        self.described: dict[str, Description] = {one["name"]: one for one in description["fields"]}
        self.visible = {name: one for name, one in self.described.items() if one["type"] not in NO_COLUMN}

    def shape(self, unknown_fields: str) -> Shape:
        """What is read, and what there is to tell."""
        gone = tuple(name for name in self.extract.fields if name not in self.visible)
        paths = self.paths()
        self.refuse_gone((*gone, *(path for path, found in paths.items() if found is None)))
        changed = tuple(self.changed({**self.visible, **{path: one for path, one in paths.items() if one}}))
        self.refuse_retyped([one for one in changed if not one[2]])
        new = self.new()
        if unknown_fields == "fail" and new:
            self.refuse_new(new)
        classes = self.classes(new)
        held = self.held(new, classes or {})
        taken = tuple(name for name in new if name not in held) if unknown_fields == "extensions" else ()
        fields = tuple(name for name in self.extract.fields if name in self.visible)
        misread = {name: now for name, now, legal in changed if not legal}
        events = (
            *self.missing(gone, new),
            *(self.told_type(name, now, legal) for name, now, legal in changed),
            *self.told_new(new, held, taken, gone),
            *self.told_values(),
            *(self.event("classification_unknown", name, {}) for name in new if classes is None),
            *(self.event("field_calculated", name, {}) for name in self.calculated(fields)),
        )
        return Shape(
            fields=(*fields, *self.extract.lookups, *taken),
            extra=taken,
            gone=gone,
            held=held,
            retyped=tuple(self.retyped(name, now) for name, now in misread.items()),
            calculated=tuple(self.calculated((*fields, *taken))),
            types=tuple(sorted(f"{name}:{self.visible[name]['type']}" for name in (*misread, *taken))),
            events=events,
        )

    # --- what is gone -------------------------------------------------------------------------------------------

    def paths(self) -> dict[str, Description | None]:
        """Each related object's field that is read, or None where a step to it is not visible."""
        if self.organization is None:
            return {}
        return {path: self.reached(self.description, path) for path in self.extract.lookups}

    def reached(self, description: Description, path: str) -> Description | None:
        """The field at the end of a path; of several objects that a reference may lead to, any that shows it."""
        head, _, rest = path.partition(".")
        for one in description["fields"]:
            if not rest and one["name"].lower() == head.lower():
                return one if one["type"] not in NO_COLUMN else None
            if rest and (one.get("relationshipName") or "").lower() == head.lower():
                found = (self.reached(parent, rest) for parent in self.parents(one))
                return next((field for field in found if field is not None), None)
        return None

    def parents(self, reference: Description) -> Iterator[Description]:
        """The visible objects that a reference leads to."""
        assert self.organization is not None
        for name in reference.get("referenceTo") or ():
            try:
                yield self.organization.describe(name)
            except ObjectGone:
                continue

    def refuse_gone(self, gone: tuple[str, ...]) -> None:
        lost = [name for name in gone if name in self.needed]
        if lost:
            raise FieldGone(
                f"{self.extract.object}.{', '.join(lost)} is not visible any more, and a requirement depends on it; "
                "nothing was read.",
                help="Give the integration user access to the field, or change the requirement.",
                requirement=", ".join(self.extract.requirements),
            )

    def missing(self, gone: tuple[str, ...], new: tuple[str, ...]) -> Iterator[Event]:
        pairs = self.renamed(gone, new)
        for name in gone:
            likely = {"likely_renamed_to": pairs[name]} if name in pairs else {}
            yield self.event("field_not_visible", name, likely, fixed=True)

    def renamed(self, gone: tuple[str, ...], new: tuple[str, ...]) -> dict[str, str]:
        """Which new field each missing one probably is: of its type, and of all those the one most like it."""
        left, pairs = list(new), {}
        for name in gone:
            alike = [one for one in left if self.alike(name, self.visible[one]["type"])]
            if alike:
                pairs[name] = max(alike, key=lambda one: proposals.likeness(name, one))
                left.remove(pairs[name])
        return pairs

    def alike(self, name: str, type_: str) -> bool:
        known = self.extract.types.get(name)
        if known is not None:
            return known.partition("(")[0] == type_
        return name in self.columns and COLUMNS.get(self.columns[name].duckdb) == family(type_)

    # --- what has another type ----------------------------------------------------------------------------------

    def changed(self, visible: Mapping[str, Description]) -> Iterator[tuple[str, str, bool]]:
        """(field, its type of today, whether its column takes that as it is) for what is not as it was compiled."""
        for name in (*self.extract.fields, *self.extract.lookups):
            if name in visible and (name in self.needed or name in self.columns):
                now, known = spelt(visible[name]), self.extract.types.get(name)
                expected = family(known) if known else self.expected(name)
                if expected is not None and (now != known if known else family(now) != expected):
                    yield name, now, self.legal(name, expected, family(now))

    def expected(self, name: str) -> str | None:
        """What fills the field's column, in a package that does not tell the type; None where rules may change it."""
        known = self.columns.get(name) if name not in self.needed else None
        return COLUMNS.get(known.duckdb) if known else None

    def legal(self, name: str, expected: str, now: str) -> bool:
        """Whether values of that family are read exactly as before; what rules compare as text must not move at all."""
        as_text = name in self.needed and name in self.columns and self.columns[name].duckdb == "VARCHAR"
        return now == expected or ((expected, now) == ("number", "integer") and not as_text)

    def refuse_retyped(self, changed: list[tuple[str, str, bool]]) -> None:
        lost = [f"{name} (now {now})" for name, now, _ in changed if name in self.needed]
        if lost:
            raise FieldRetyped(
                f"{self.extract.object}.{', '.join(lost)} has another type than the requirements were compiled for, "
                "and a requirement depends on it; nothing was read.",
                help="Run `durable discover`, look at the requirement, compile, then run again.",
                requirement=", ".join(self.extract.requirements),
            )

    def retyped(self, name: str, now: str) -> Retyped:
        column = self.columns.get(name)
        return Retyped(name, column.name if column else "", column.duckdb if column else "", now.partition("(")[0])

    def calculated(self, read: tuple[str, ...]) -> Iterator[str]:
        known = self.extract.formulas
        yield from (name for name in read if self.visible[name].get("calculated") and name not in known)

    def told_type(self, name: str, now: str, legal: bool) -> Event:
        details = {"was": self.extract.types.get(name) or self.expected(name), "type": now}
        if legal:
            return self.event("field_widened", name, details)
        column = self.columns.get(name)
        details |= {"column": column.name if column else None, "class": "orange", "sentence": None}
        if column is not None:
            details["sentence"] = proposals.sentence(self.description, self.visible[name], column.name, family(now))
        return self.event("field_retyped", name, details, fixed=True)

    # --- what is new --------------------------------------------------------------------------------------------

    def new(self) -> tuple[str, ...]:
        known = {*self.extract.fields, *self.extract.refused}
        return tuple(name for name in self.visible if name not in known)

    def refuse_new(self, new: tuple[str, ...]) -> None:
        raise DriftStopped(
            f"{self.extract.object} has new fields: {', '.join(new)}.",
            help="Say in the requirements what becomes of them, compile, then run again.",
            requirement=", ".join(self.extract.requirements),
        )

    def classes(self, new: tuple[str, ...]) -> Mapping[str, Description] | None:
        """How Salesforce classifies the object's fields; asked for only where there is a new one."""
        if self.organization is None or not new:
            return {}
        return self.organization.classified(self.extract.object)

    def held(self, new: tuple[str, ...], classes: Mapping[str, Description]) -> tuple[str, ...]:
        """New fields that are never asked for: sensitive ones, and all while a left-out one is missing."""
        renamed = bool(self.left_out())  # it may be the one that is missing
        return tuple(name for name in new if renamed or sensitive(self.visible[name], classes.get(name, {})))

    def left_out(self) -> tuple[str, ...]:
        """Fields that the spec leaves out and that are not visible any more."""
        return tuple(name for name in self.extract.refused if name not in self.described)

    def why(self) -> str:
        missing = ", ".join(self.left_out())
        return f"it may be {missing}, which the spec leaves out" if missing else "Salesforce classifies it as sensitive"

    def told_new(
        self, new: tuple[str, ...], held: tuple[str, ...], taken: tuple[str, ...], gone: tuple[str, ...]
    ) -> Iterator[Event]:
        cost = self.cost() if new else {}
        pairs = {one: name for name, one in self.renamed(gone, new).items()}
        for name in new:
            one = self.visible[name]
            level = "red" if name in held else "orange" if name in pairs else "green"
            likely = {"likely_renamed_from": pairs[name]} if name in pairs else {}
            details = {**proposals.proposal(self.description, one), "class": level, **cost, **likely}
            if name in taken:
                yield self.event("field_to_extensions", name, {}, fixed=True)
            if name in held:
                yield self.event("sensitive_field_held", name, {**details, "why": self.why()})
            else:
                stored = {"stored_in": "extensions"} if name in taken else {}
                yield self.event("field_proposed", name, {**details, **stored})

    def cost(self) -> dict[str, int]:
        """What reading the object again for a new column takes: records and API calls."""
        if self.organization is None:
            return {}
        rows = self.organization.count(self.extract.object)
        return {"backfill_rows": rows, "backfill_api_calls": proposals.calls(rows)}

    # --- what a picklist holds ----------------------------------------------------------------------------------

    def told_values(self) -> Iterator[Event]:
        """Active values that the spec's value map does not list, and listed ones that nobody can choose any more."""
        for name, listed in self.extract.listed.items():
            entries = self.visible[name].get("picklistValues") if name in self.visible else None
            if not entries:
                continue
            active = {str(one["value"]) for one in entries if one.get("active", True)}
            for value in sorted(active - set(listed)):
                yield self.event("picklist_value_unlisted", name, {"value": value, "class": "orange"})
            for value in sorted(set(listed) - active):
                yield self.event("picklist_value_retired", name, {"value": value, "class": "green"})

    def event(self, code: str, name: str, details: Mapping[str, Any], *, fixed: bool = False) -> Event:
        return Event(code, {"object": self.extract.object, "field": name, **details}, fixed)


def family(type_: str) -> str:
    """What reads values of a described type, which may carry its length: string(80) is text."""
    return FAMILIES.get(type_.partition("(")[0], "text")


def spelt(field: Description) -> str:
    """A field's type with what may be widened: string(80), currency(18,2)."""
    kind = str(field["type"])
    if kind in ("currency", "percent", "double") and int(field.get("precision") or 0):
        return f"{kind}({int(field['precision'])},{int(field.get('scale') or 0)})"
    length = int(field.get("length") or 0)
    return f"{kind}({length})" if length and family(kind) == "text" else kind


def sensitive(field: Description, classes: Description) -> bool:
    """Whether Salesforce says that the values are nobody's business, in a description or a FieldDefinition."""
    levels = {field.get("securityClassification"), classes.get("SecurityClassification")}
    groups = field.get("complianceGroup") or classes.get("ComplianceGroup")
    return bool(levels & SENSITIVE) or bool(groups) or field["type"] == "encryptedstring"

"""The schema snapshot of a Salesforce organisation, and the names in it that English may use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

SNAPSHOT_VERSION = 1
COMPOUND_TYPES = frozenset({"address", "location", "complexvalue"})
UNREADABLE_TYPES = COMPOUND_TYPES | {"base64"}
SYSTEM_FIELDS = ("Id", "SystemModstamp", "IsDeleted")


@dataclass(frozen=True)
class PicklistValue:
    """One entry of a picklist."""

    value: str
    label: str
    active: bool


@dataclass(frozen=True)
class FieldSchema:
    """A field as Salesforce describes it; attribute names are the snapshot's keys."""

    name: str
    label: str
    type: str
    length: int
    precision: int
    scale: int
    digits: int
    nillable: bool
    custom: bool
    calculated: bool
    externalId: bool
    filterable: bool
    compound: bool
    compoundFieldName: str | None
    referenceTo: tuple[str, ...]
    relationshipName: str | None
    picklist: tuple[PicklistValue, ...]
    securityClassification: str | None
    complianceGroup: str | None
    encrypted: bool

    @property
    def readable(self) -> bool:
        """Whether the field has a column by default."""
        return not self.compound and self.type not in UNREADABLE_TYPES


@dataclass(frozen=True)
class ObjectSchema:
    """An object and its fields in describe order."""

    name: str
    label: str
    label_plural: str
    custom: bool
    queryable: bool
    fields: tuple[FieldSchema, ...]

    @property
    def described(self) -> bool:
        """Whether its fields are known; of the others in a large organization only the names are."""
        return bool(self.fields)

    def field(self, name: str) -> FieldSchema | None:
        """The field with this API name."""
        return next((one for one in self.fields if one.name == name), None)

    @cached_property
    def by_key(self) -> Mapping[str, tuple[str, ...]]:
        """Normalised name → API names of the fields that answer to it."""
        return _index((key, one.name) for one in self.fields for key in _field_keys(one))

    def readable_fields(self) -> tuple[str, ...]:
        """Every field that a sync reads when the spec does not say which."""
        names = (one.name for one in self.fields if one.readable and one.name not in SYSTEM_FIELDS)
        return (*SYSTEM_FIELDS, *names)


@dataclass(frozen=True)
class Snapshot:
    """The described objects of one organisation, sorted by name."""

    api_version: str
    organization_id: str
    objects: tuple[ObjectSchema, ...]
    snapshot_version: int = field(default=SNAPSHOT_VERSION)

    def object(self, name: str) -> ObjectSchema | None:
        """The object with this API name."""
        return self.by_name.get(name)

    @cached_property
    def by_name(self) -> Mapping[str, ObjectSchema]:
        """API name → object."""
        return {one.name: one for one in self.objects}

    @cached_property
    def by_key(self) -> Mapping[str, tuple[str, ...]]:
        """Normalised name → API names of the objects that answer to it."""
        return _index((key, one.name) for one in self.objects for key in _object_keys(one))

    def object_label(self, name: str) -> str:
        """The plural label if it alone leads back to this object, otherwise the API name."""
        one = self.by_name[name]
        return one.label_plural if self.by_key.get(squeeze(one.label_plural)) == (name,) else name

    def field_words(self, object_name: str, name: str) -> str:
        """The label if it alone leads back to this field, otherwise the API name."""
        schema = self.by_name[object_name]
        one = schema.field(name)
        return one.label if one is not None and schema.by_key.get(squeeze(one.label)) == (name,) else name

    def field_label(self, object_name: str, name: str) -> str:
        """`Object Field` in words that lead back to this field."""
        schema = self.by_name[object_name]
        field_words = self.field_words(object_name, name)
        rest = field_words.removeprefix(f"{schema.label} ")
        if schema.by_key.get(squeeze(rest)) == (name,):
            field_words = rest
        object_words = schema.label if self.by_key.get(squeeze(schema.label)) == (object_name,) else object_name
        return f"{object_words} {field_words}"

    def nearest_objects(self, words: str) -> tuple[str, ...]:
        """Labels that look like these words, best first."""
        return nearest(words, [one.label_plural for one in self.objects] + [one.name for one in self.objects])

    def nearest_fields(self, words: str, objects: Sequence[str]) -> tuple[str, ...]:
        """Labels of the objects' fields that look like these words, best first."""
        return nearest(words, [one.label for name in objects for one in self.by_name[name].fields])


@lru_cache(maxsize=1 << 16)
def squeeze(words: str) -> str:
    """A name without case, spacing and punctuation: Customer_Health__c and customer health c are one."""
    return re.sub(r"[\W_]+", "", words).casefold()


def nearest(words: str, choices: Sequence[str], limit: int = 3) -> tuple[str, ...]:
    """The choices most like the words, best first, none that is far off."""
    from rapidfuzz import fuzz, process

    unique = list(dict.fromkeys(choices))
    found = process.extract(words.casefold(), unique, scorer=fuzz.ratio, processor=str.casefold, limit=limit)
    return tuple(choice for choice, score, _ in found if score >= 65)


def _index(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    index: dict[str, list[str]] = {}
    for key, name in pairs:
        names = index.setdefault(key, [])
        if key and name not in names:
            names.append(name)
    return {key: tuple(names) for key, names in index.items() if names}


def _without_suffix(name: str) -> str:
    return re.sub(r"__(c|pc|s)$", "", name)


def plural(word: str) -> str:
    """The regular English plural."""
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search(r"(s|x|ch|sh)$", word) else "s")


def _object_keys(one: ObjectSchema) -> list[str]:
    singular = (one.label, _without_suffix(one.name))
    words = [*singular, *map(plural, singular), one.label_plural, one.name]
    return list(dict.fromkeys(map(squeeze, words)))


def _field_keys(one: FieldSchema) -> list[str]:
    return list(dict.fromkeys(map(squeeze, (one.label, one.name, _without_suffix(one.name)))))


def load(path: Path) -> Snapshot:
    """Read a snapshot file. Raises OSError, or ValueError when the text is not a snapshot of this version."""
    try:
        return _from_json(json.loads(path.read_text(encoding="utf-8")))
    except (KeyError, TypeError, AttributeError) as wrong:
        raise ValueError(f"not a schema snapshot: {wrong!r}") from wrong


def _from_json(data: Mapping[str, Any]) -> Snapshot:
    if data["snapshot_version"] != SNAPSHOT_VERSION:
        raise ValueError(f"snapshot version {data['snapshot_version']!r}, this compiler reads {SNAPSHOT_VERSION}")
    objects = tuple(_object(one) for one in data["objects"])
    return Snapshot(data["api_version"], data["organization_id"], objects)


def _object(data: Mapping[str, Any]) -> ObjectSchema:
    return ObjectSchema(**{**data, "fields": tuple(_field(one) for one in data["fields"])})


def _field(data: Mapping[str, Any]) -> FieldSchema:
    picklist = tuple(PicklistValue(**one) for one in data["picklist"])
    return FieldSchema(**{**data, "referenceTo": tuple(data["referenceTo"]), "picklist": picklist})


def snapshot(describes: Iterable[Mapping[str, Any]], org_id: str, api_version: str) -> Snapshot:
    """A snapshot of sObject describe answers as the REST API returns them; one without fields is known by name."""
    objects = sorted((_described(one) for one in describes), key=lambda one: one.name)
    return Snapshot(api_version, org_id, tuple(objects))


def _described(data: Mapping[str, Any]) -> ObjectSchema:
    return ObjectSchema(
        name=data["name"],
        label=data["label"],
        label_plural=data["labelPlural"],
        custom=bool(data.get("custom")),
        queryable=bool(data.get("queryable", True)),
        fields=tuple(_described_field(one) for one in data.get("fields", ())),
    )


def _described_field(data: Mapping[str, Any]) -> FieldSchema:
    picklist = data.get("picklistValues") or ()
    return FieldSchema(
        name=data["name"],
        label=data["label"],
        type=data["type"],
        length=int(data.get("length") or 0),
        precision=int(data.get("precision") or 0),
        scale=int(data.get("scale") or 0),
        digits=int(data.get("digits") or 0),
        nillable=bool(data.get("nillable", True)),
        custom=bool(data.get("custom")),
        calculated=bool(data.get("calculated")),
        externalId=bool(data.get("externalId")),
        filterable=bool(data.get("filterable", True)),
        compound=data["type"] in COMPOUND_TYPES,
        compoundFieldName=data.get("compoundFieldName"),
        referenceTo=tuple(data.get("referenceTo") or ()),
        relationshipName=data.get("relationshipName"),
        picklist=tuple(
            PicklistValue(one["value"], one.get("label") or one["value"], bool(one.get("active", True)))
            for one in picklist
        ),
        securityClassification=data.get("securityClassification"),
        complianceGroup=data.get("complianceGroup"),
        encrypted=bool(data.get("encrypted")) or data["type"] == "encryptedstring",
    )


def dump(snapshot: Snapshot) -> str:
    """The snapshot file's text: the same bytes for the same organisation."""
    from dataclasses import asdict

    data = {"snapshot_version": snapshot.snapshot_version, **asdict(snapshot)}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"

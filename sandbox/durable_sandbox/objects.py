"""Fields and objects as frozen values, read from compact text tables."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypedDict

from durable_sandbox.picklists import PICKLISTS

TEXT_TYPES = frozenset(
    {
        "string",
        "picklist",
        "multipicklist",
        "combobox",
        "textarea",
        "phone",
        "email",
        "url",
        "anyType",
        "encryptedstring",
    }
)
ID_TYPES = frozenset({"id", "reference"})
NUMBER_TYPES = frozenset({"int", "long", "double", "currency", "percent"})
COMPOUND_TYPES = frozenset({"address", "location"})
FIELD_TYPES = TEXT_TYPES | ID_TYPES | NUMBER_TYPES | COMPOUND_TYPES | {"boolean", "date", "datetime", "time", "base64"}
LONG_TEXT = 255
_OPAQUE = frozenset({"base64", "anyType", "encryptedstring"})
_STANDARD_PICKLIST, _MULTIPICKLIST = 40, 4099


@dataclass(frozen=True)
class Field:
    """One field as describe shows it, plus the name of the maker that fills it."""

    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    picklist: tuple[str, ...] = ()
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    compound: str | None = None
    maker: str = "null"
    nulls: float = 0.0
    flags: frozenset[str] = frozenset()
    formula: str | None = None
    inactive: tuple[str, ...] = ()
    default: str | None = None
    help_text: str | None = None
    security: str | None = None
    compliance: tuple[str, ...] = ()

    @property
    def custom(self) -> bool:
        """Whether an administrator made this field."""
        return self.name.endswith(("__c", "__s"))

    @property
    def values(self) -> tuple[str, ...]:
        """The picklist values that may still be chosen."""
        return tuple(value for value in self.picklist if value not in self.inactive)

    @property
    def system(self) -> bool:
        """Whether only Salesforce itself writes this field."""
        return "system" in self.flags

    @property
    def filterable(self) -> bool:
        """Whether SOQL may filter and sort by this field."""
        return not (self.type == "textarea" and self.length > LONG_TEXT) and self.type not in _OPAQUE


@dataclass(frozen=True)
class ObjectType:
    """One object: its names, its key prefix, its share of the rows and its fields.

    `traits` names what sets it apart: `no_query`, `no_replication`, `no_bulk`, `read_only`, `plain` (no pages of its
    own), `event`, `deprecated`, `setting`; `associate` is what it accompanies, such as `("History", "Account")`.
    """

    name: str
    label: str
    plural: str
    prefix: str
    fields: tuple[Field, ...]
    share: float = 0.0
    listed: bool = True
    traits: frozenset[str] = frozenset()
    associate: tuple[str, str] | None = None

    @cached_property
    def columns(self) -> tuple[Field, ...]:
        """The stored fields, in row order: all but the compound ones."""
        return tuple(item for item in self.fields if item.type not in COMPOUND_TYPES)

    @cached_property
    def positions(self) -> dict[str, int]:
        """API name → place in a row."""
        return {item.name: place for place, item in enumerate(self.columns)}

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Lower-case API name → field: SOQL ignores case."""
        return {item.name.lower(): item for item in self.fields}

    @cached_property
    def by_relationship(self) -> dict[str, Field]:
        """Lower-case relationship name → the reference that it follows."""
        return {item.relationship.lower(): item for item in self.fields if item.relationship}

    @property
    def custom(self) -> bool:
        """Whether an administrator made this object."""
        return self.name.endswith("__c")


class _Shape(TypedDict, total=False):
    length: int
    precision: int
    scale: int
    digits: int
    picklist: tuple[str, ...]
    reference_to: tuple[str, ...]
    relationship: str | None


def parse_fields(table: str) -> tuple[Field, ...]:
    """Read lines of `name | label | type detail | maker | flags`.

    Flags may hold `null=PERCENT`, `of=COMPOUND`, `default=N` (the N-th picklist value) and `length=N`.
    """
    return tuple(_parse_line(line) for line in table.strip().splitlines() if line.strip())


def _parse_line(line: str) -> Field:
    name, label, kind, maker, words = [part.strip() for part in line.split("|")]
    type_name, _, detail = kind.partition(" ")
    options = dict(word.split("=", 1) for word in words.split() if "=" in word)
    shape = _shape(name, type_name, detail)
    if "length" in options:
        shape["length"] = int(options["length"])
    return Field(
        name=name,
        label=label,
        type=type_name,
        maker=maker,
        nulls=float(options.get("null", 0)) / 100,
        compound=options.get("of"),
        flags=frozenset(word for word in words.split() if "=" not in word),
        default=shape["picklist"][int(options["default"])] if "default" in options else None,
        **shape,
    )


def _shape(name: str, type_name: str, detail: str) -> "_Shape":
    if type_name == "reference":
        target, _, relationship = detail.partition(" ")
        return {
            "length": 18,
            "reference_to": tuple(target.split(",")),
            "relationship": relationship or _relationship(name),
        }
    if type_name in ("picklist", "multipicklist"):
        return {"length": _picklist_length(name, type_name), "picklist": _picklist(detail)}
    if type_name == "int":
        return {"digits": int(detail or 8)}
    if type_name in NUMBER_TYPES:
        precision, scale = detail.split(",")
        return {"precision": int(precision), "scale": int(scale)}
    if type_name == "id":
        return {"length": 18}
    return {"length": int(detail or 0)}


def _relationship(name: str) -> str:
    return f"{name[:-1]}r" if name.endswith("__c") else name.removesuffix("Id")


def _picklist(detail: str) -> tuple[str, ...]:
    return PICKLISTS[detail[1:]] if detail.startswith("@") else tuple(detail.split(";"))


def _picklist_length(name: str, type_name: str) -> int:
    if type_name == "multipicklist":
        return _MULTIPICKLIST
    return LONG_TEXT if name.endswith("__c") else _STANDARD_PICKLIST

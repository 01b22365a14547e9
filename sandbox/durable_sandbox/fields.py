"""A field as an administrator describes it, with Salesforce's own sizes where nothing is said."""

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from typing import Any

from durable_sandbox.generate import MAKERS
from durable_sandbox.objects import FIELD_TYPES, Field

_NAMES = frozenset(item.name for item in dataclass_fields(Field))
_NUMBERS = ("length", "precision", "scale", "digits")
_TUPLES = ("picklist", "reference_to", "inactive", "compliance")
_FLAGS = ("restricted", "required", "unique", "external", "rich")
_SIZES: Mapping[str, Mapping[str, int]] = {
    **{one: {"length": 255} for one in ("string", "textarea", "url", "combobox", "picklist", "anyType")},
    **{one: {"length": 18} for one in ("id", "reference")},
    **{one: {"precision": 18, "scale": 2} for one in ("double", "currency", "percent")},
    "multipicklist": {"length": 4099},
    "phone": {"length": 40},
    "email": {"length": 80},
    "encryptedstring": {"length": 175},
    "int": {"digits": 9},
    "long": {"digits": 18},
}
_SHAPE = ("type", *_NUMBERS, "picklist", "reference_to", "relationship")


class FieldError(ValueError):
    """What is wrong with a field, as a sentence."""


def new_field(shape: Mapping[str, Any]) -> Field:
    """A Field from `{"name", "type", …}`; raises FieldError that says what a field has.

    `values` are picklist values; restricted, required, unique and external are true or false.
    """
    given = dict(shape)
    flags = {name for name in _FLAGS if given.pop(name, False) is True} | set(given.pop("flags", ()))
    if "values" in given:
        given["picklist"] = given.pop("values")
    name, kind = str(given.get("name") or ""), given.get("type")
    if (
        not name.isidentifier()
        or kind not in FIELD_TYPES
        or set(given) - _NAMES
        or given.get("maker", "null") not in MAKERS
    ):
        raise FieldError(
            f"a field has a name, a type of {', '.join(sorted(FIELD_TYPES))}, "
            f"and may have label, values, {', '.join((*_FLAGS, *_NUMBERS))}, reference_to and relationship"
        )
    sizes = {key: int(given[key]) for key in _NUMBERS if key in given}
    lists = {key: tuple(map(str, given.get(key) or ())) for key in _TUPLES}
    given = {"label": _label(name), **_SIZES.get(str(kind), {}), **given, **sizes, **lists}
    if kind == "reference":
        if not given["reference_to"]:
            raise FieldError(f"{name} refers to nothing: say reference_to")
        given.setdefault("relationship", f"{name[:-1]}r" if name.endswith("__c") else name.removesuffix("Id"))
    return Field(**{**given, "flags": frozenset(flags)})


def described_shape(field: Field) -> dict[str, Any]:
    """What a change of type takes from the new definition."""
    return {name: getattr(field, name) for name in _SHAPE}


def _label(name: str) -> str:
    return name.removesuffix("__c").replace("_", " ")

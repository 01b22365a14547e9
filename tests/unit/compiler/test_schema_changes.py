"""What differs between two snapshots: no property of a field changes without a word."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from durable_compiler import catalogue, schema_changes
from durable_compiler.catalogue import FieldSchema, Snapshot
from durable_compiler.schema_changes import SchemaChange, compare

FIELD = {"name": "Tier__c", "label": "Tier", "type": "picklist", "length": 40, "picklistValues": []}


def org(*, organization: str = "00D", version: str = "62.0", **field: Any) -> Snapshot:
    row = {"name": "Account", "label": "Account", "labelPlural": "Accounts", "fields": [FIELD | field]}
    return catalogue.snapshot([row], organization, version)


# Property of a field in a snapshot -> another value in the describe, and what is told.
OTHER: dict[str, tuple[dict[str, Any], str, str | None, str | None]] = {
    "name": ({"name": "Level__c"}, "", None, None),
    "label": ({"label": "Level"}, "label", "Tier", "Level"),
    "type": ({"type": "string"}, "type", "picklist(40)", "string(40)"),
    "length": ({"length": 80}, "type", "picklist(40)", "picklist(80)"),
    "precision": ({"type": "double", "precision": 18, "length": 0}, "type", "picklist(40)", "double(18,0)"),
    "scale": ({"type": "double", "precision": 18, "scale": 2}, "type", "picklist(40)", "double(18,2)"),
    "digits": ({"type": "int", "digits": 9, "length": 0}, "type", "picklist(40)", "int(9)"),
    "nillable": ({"nillable": False}, "may be empty", "true", "false"),
    "custom": ({}, "", None, None),  # follows from the name
    "calculated": ({"calculated": True}, "formula", "false", "true"),
    "externalId": ({"externalId": True}, "external ID", "false", "true"),
    "filterable": ({"filterable": False}, "may be filtered", "true", "false"),
    "compound": ({"type": "address", "length": 0}, "type", "picklist(40)", "address"),
    "compoundFieldName": ({"compoundFieldName": "Name"}, "compound of", None, "Name"),
    "referenceTo": ({"type": "reference", "referenceTo": ["User"]}, "type", "picklist(40)", "reference(User)"),
    "relationshipName": ({"relationshipName": "Tier__r"}, "relationship", None, "Tier__r"),
    "picklist": ({"picklistValues": [{"value": "A", "label": "B"}]}, "picklist", None, "with A (B)"),
    "securityClassification": ({"securityClassification": "Internal"}, "sensitivity", None, "Internal"),
    "complianceGroup": ({"complianceGroup": "PII"}, "compliance", None, "PII"),
    "encrypted": ({"encrypted": True}, "encrypted", "false", "true"),
}


def test_every_property_of_a_field_is_among_those_whose_change_is_told() -> None:
    assert set(OTHER) == {one.name for one in fields(FieldSchema)}


@pytest.mark.parametrize("name", [name for name, other in OTHER.items() if other[1]])
def test_a_change_of_a_fields_property_is_told(name: str) -> None:
    field, what, before, after = OTHER[name]
    assert compare(org(), org(**field), {}) == (SchemaChange("changed", "Account", "Tier__c", what, before, after),)
    assert compare(org(**field), org(**field), {}) == ()


@pytest.mark.parametrize(
    ("hidden", "change", "told"),
    [
        ({"Account": frozenset({"Tier__c"})}, "hidden", "is hidden from this user"),
        ({"Account": frozenset({"Other__c"})}, "gone", "is gone"),
        ({}, "unseen", "is not visible any more"),  # nobody could be asked which of the two it is
    ],
)
def test_a_field_that_has_another_name_is_new_and_the_old_one_told(
    hidden: dict[str, frozenset[str]], change: str, told: str
) -> None:
    new, old = compare(org(), org(name="Level__c"), hidden)
    assert new.sentence == "+ Account.Level__c (Tier, picklist(40)) is new"
    assert (old.change, old.sentence) == (change, f"- Account.Tier__c (Tier, picklist(40)) {told}")


def test_another_organization_and_another_version_come_first() -> None:
    found = compare(org(), org(organization="00E", version="63.0"), {})
    assert [one.sentence for one in found] == [
        "~ Organization: Id 00D → 00E",
        "~ Organization: API version 62.0 → 63.0",
    ]


def test_long_lists_of_values_are_cut_and_retired_values_are_without() -> None:
    values = [{"value": str(number), "label": str(number), "active": True} for number in range(8)]
    (found,) = compare(org(), org(picklistValues=values), {})
    assert found.sentence == "~ Account.Tier__c: values with 0, 1, 2, 3, 4 and 3 more"
    retired = [values[0] | {"active": False}, *values[1:]]
    (found,) = compare(org(picklistValues=values), org(picklistValues=retired), {})
    assert found.after == "without 0"


def test_every_kind_of_change_has_a_sign() -> None:
    kinds = {"new", "changed", "hidden", "gone", "unseen"}
    assert set(schema_changes.SIGNS) == kinds

"""Describe documents against real ones: the same keys, the same JSON types, and the rules that each type follows.

describe_shapes.json holds what seven describes of objects and one of an organisation have in common: for each key its
JSON types, those that the API reference adds included, and for each type of field the values that never differ.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from durable_sandbox.describe import brief, describe_field, describe_object, references
from durable_sandbox.extended import EXTENDED
from durable_sandbox.fields import new_field
from durable_sandbox.objects import FIELD_TYPES, Field
from durable_sandbox.store import Store, Table

SHAPES: dict[str, Any] = json.loads(Path(__file__).with_name("describe_shapes.json").read_text(encoding="utf-8"))
JSON_TYPES = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
BASE, ADDRESS = "/services/data/v62.0", "https://sandbox.example.com"
TEXT_TYPES = ("string", "textarea", "picklist", "multipicklist", "phone", "email", "url", "combobox", "encryptedstring")
MORE_FIELDS = [
    {"name": f"A_{kind}__c", "type": kind, "reference_to": ["Account"], "values": ["A"] if "pick" in kind else []}
    for kind in sorted(FIELD_TYPES - {"id"})
]


def _store() -> Store:
    store = Store(rows=20, seed=1, extra=2)
    for kind in EXTENDED:
        store.show_table(kind.name)
    return store


STORE = _store()
TABLES = list(STORE.listed())
REFERENCES = references(TABLES)
FIELDS = [(table.kind.name, field) for table in TABLES for field in table.fields()]
FIELDS += [("Anything", new_field(shape)) for shape in MORE_FIELDS]


def json_type(value: Any) -> str:
    return JSON_TYPES.get(type(value), "object")


def differences(found: dict[str, Any], shape: dict[str, str]) -> dict[str, Any]:
    """Keys that only one side has, and values of another type."""
    missing = dict.fromkeys(shape.keys() - found.keys(), "missing")
    unknown = dict.fromkeys(found.keys() - shape.keys(), "unknown")
    wrong = {key: value for key, value in found.items() if json_type(value) not in shape.get(key, "").split("|")}
    return missing | wrong | unknown


def document(table: Table) -> dict[str, Any]:
    return describe_object(table, BASE, ADDRESS, REFERENCES.get(table.kind.name, ()))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind.name)
def test_an_objects_documents_have_the_keys_and_types_of_real_ones(table: Table) -> None:
    assert differences(brief(table.kind, BASE), SHAPES["entry"]) == {}
    whole = document(table)
    assert differences(whole, SHAPES["object"]) == {}
    for part, shape in (
        ("recordTypeInfos", "recordType"),
        ("supportedScopes", "scope"),
        ("childRelationships", "child"),
    ):
        assert [differences(one, SHAPES[shape]) for one in whole[part] if differences(one, SHAPES[shape])] == []
    assert set(whole["urls"]) <= set(SHAPES["urls"])
    assert all(json_type(address) == "string" for address in whole["urls"].values())


def test_every_field_has_the_keys_and_types_of_real_ones() -> None:
    found = {f"{name}.{field.name}": differences(describe_field(field), SHAPES["field"]) for name, field in FIELDS}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    entries = [entry for _, field in FIELDS for entry in describe_field(field)["picklistValues"]]
    assert len(entries) > 100
    assert [entry for entry in entries if differences(entry, SHAPES["picklistValue"])] == []


def rules(field: Field) -> dict[str, Any]:
    kind = "textarea long" if field.type == "textarea" and field.length > 255 else field.type
    known: dict[str, Any] = SHAPES["always"].get(kind, {})
    return known


def test_every_field_follows_the_rules_of_its_type() -> None:
    wrong = {}
    for name, field in FIELDS:
        entry, expected = describe_field(field), rules(field)
        # Rich text is the one long text that real documents here do not show.
        skipped = {"extraTypeInfo", "htmlFormatted"} if "rich" in field.flags else set()
        differing = {key: entry[key] for key, value in expected.items() if key not in skipped and entry[key] != value}
        if differing:
            wrong[f"{name}.{field.name} {field.type}"] = differing
    assert wrong == {}
    assert len({field.type for _, field in FIELDS if rules(field)}) == 17, "every type that the real documents show"


def test_lengths_are_in_characters_and_three_bytes_each() -> None:
    for name, field in FIELDS:
        entry = describe_field(field)
        if field.type in TEXT_TYPES:
            assert entry["byteLength"] == 3 * entry["length"], f"{name}.{field.name}"
            assert (entry["precision"], entry["scale"]) == (4 if field.type == "multipicklist" else 0, 0)
        elif field.type in ("double", "currency", "percent"):
            assert entry["precision"] >= entry["scale"] >= 0
            assert (entry["precision"] > 0, entry["length"], entry["digits"]) == (True, 0, 0), f"{name}.{field.name}"
        elif field.type == "int":
            assert (entry["digits"] > 0, entry["precision"], entry["scale"]) == (True, 0, 0), f"{name}.{field.name}"


def test_a_compound_field_and_its_parts_name_each_other() -> None:
    for table in TABLES:
        entries = {entry["name"]: entry for entry in document(table)["fields"]}
        for entry in entries.values():
            whole = entries.get(entry["compoundFieldName"] or entry["name"])
            assert whole is not None, f"{table.kind.name}.{entry['name']}"
            if entry["compoundFieldName"]:
                assert whole["type"] in ("address", "location", "string")
        compound = {name for name, entry in entries.items() if entry["type"] in ("address", "location")}
        assert compound <= {entry["compoundFieldName"] for entry in entries.values()}


def test_references_name_their_objects_and_the_way_to_them() -> None:
    known = {table.kind.name for table in TABLES} | {"Group"}
    for name, field in FIELDS[: -len(MORE_FIELDS)]:
        entry = describe_field(field)
        if field.type != "reference":
            assert (entry["referenceTo"], entry["relationshipName"]) == ([], None)
            continue
        assert set(entry["referenceTo"]) <= known, f"{name}.{field.name}"
        assert entry["relationshipName"], f"{name}.{field.name}"
        assert entry["relationshipName"].endswith("__r") is field.custom
        assert entry["namePointing"] is entry["polymorphicForeignKey"] is (len(entry["referenceTo"]) > 1)


def test_children_name_the_fields_that_refer_to_an_object() -> None:
    children = document(STORE.tables["invoice__c"])["childRelationships"]
    assert [(one["childSObject"], one["field"], one["relationshipName"], one["cascadeDelete"]) for one in children] == [
        ("Invoice_Line__c", "Invoice__c", "InvoiceLines__r", True)
    ]
    accounts = {(one["childSObject"], one["field"]) for one in document(STORE.tables["account"])["childRelationships"]}
    assert {("Account", "ParentId"), ("Contact", "AccountId"), ("Task", "WhatId")} <= accounts


def test_picklists_show_their_default_and_what_is_retired() -> None:
    status = describe_field(STORE.tables["case"].kind.by_name["status"])
    assert (status["defaultValue"], status["defaultedOnCreate"]) == ("New", True)
    assert [entry["value"] for entry in status["picklistValues"] if entry["defaultValue"]] == ["New"]
    retired = Field("P", "P", "picklist", 255, picklist=("a", "b"), inactive=("b",))
    assert [entry["active"] for entry in describe_field(retired)["picklistValues"]] == [True, False]
    assert retired.values == ("a",)


@pytest.mark.parametrize(
    ("shape", "keys"),
    [
        ({"type": "string", "required": True}, {"nillable": False, "permissionable": False}),
        ({"type": "string", "external": True, "unique": True}, {"externalId": True, "idLookup": True, "unique": True}),
        ({"type": "picklist", "restricted": True}, {"restrictedPicklist": True}),
        ({"type": "textarea", "length": 256}, {"filterable": False, "sortable": False, "groupable": False}),
        ({"type": "encryptedstring"}, {"encrypted": True, "filterable": False, "mask": "X", "maskType": "all"}),
        ({"type": "base64"}, {"soapType": "xsd:base64Binary", "filterable": False, "length": 0, "byteLength": 0}),
        ({"type": "time"}, {"soapType": "xsd:time", "length": 0, "sortable": True}),
        ({"type": "location"}, {"soapType": "urn:location", "sortable": False, "queryByDistance": True}),
        ({"type": "multipicklist"}, {"length": 4099, "sortable": False, "groupable": False}),
        ({"type": "currency"}, {"precision": 18, "scale": 2, "soapType": "xsd:double"}),
        ({"type": "string", "help_text": "Ask"}, {"inlineHelpText": "Ask"}),
    ],
)
def test_settings_of_a_field_show_in_its_describe(shape: dict[str, Any], keys: dict[str, Any]) -> None:
    entry = describe_field(new_field({"name": "X__c", **shape}))
    assert {key: entry[key] for key in keys} == keys
    assert (entry["label"], entry["custom"], len(entry)) == ("X", True, 57)

"""Drift to order over HTTP: every kind of it, what describe, SOQL and Bulk show after it, and that it survives."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functional.project import Project, environment
from functional.project import sandbox as project_sandbox
from functional.test_sandbox_api import DATA, Running, error

ROWS = 120
STEPS = 3 * int(os.environ.get("DURABLE_SEEDS", "20"))
ADVICE = "Please reference your WSDL or the describe call for the appropriate names."
STAMPS = "SELECT Id, CreatedDate, LastModifiedDate, SystemModstamp FROM Account"


@pytest.fixture(scope="module")
def org() -> Iterator[Running]:
    """One organisation for all tests; each of them uses fields of its own."""
    running = Running("--rows", str(ROWS * 5), "--seed", "9", "--objects", "extended")
    yield running
    running.close()


def drift(org: Running, *orders: dict[str, Any]) -> list[dict[str, Any]]:
    """Carry out orders on Account, unless they name another object; none may be refused."""
    answer = org.client.post("/__sandbox__/drift", json=[{"object": "Account"} | order for order in orders])
    assert answer.status_code == 200, answer.text
    applied: list[dict[str, Any]] = answer.json()["applied"]
    return applied


def refused(org: Running, order: dict[str, Any]) -> str:
    answer = org.client.post("/__sandbox__/drift", json={"object": "Account"} | order)
    assert error(answer) == (400, "INVALID_REQUEST")
    return str(answer.json()[0]["message"])


def described(org: Running, name: str = "Account") -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in org.client.get(f"{DATA}/sobjects/{name}/describe").json()["fields"]}


def values(org: Running, field: str, name: str = "Account") -> dict[str, Any]:
    return {one["Id"]: one[field] for one in org.records(f"SELECT Id, {field} FROM {name}", "queryAll")}


def add(org: Running, name: str, kind: str, value: Any = None, **shape: Any) -> None:
    order = {"op": "add", "field": {"name": name, "type": kind, **shape}}
    drift(org, order if value is None else order | {"value": value})


def test_a_new_field_has_its_value_in_every_record_and_moves_no_stamp(org: Running) -> None:
    before = org.records(STAMPS, "queryAll")
    add(org, "Score__c", "double", 12.5, precision=18, scale=2, label="Score")
    field = described(org)["Score__c"]
    assert (field["label"], field["precision"], field["scale"], field["custom"]) == ("Score", 18, 2, True)
    assert set(values(org, "Score__c").values()) == {12.5}
    assert {one["Score__c"] for one in org.truth("Account").values()} == {"12.5"}
    assert org.records(STAMPS, "queryAll") == before


def test_a_maker_fills_a_new_field_for_records_of_today_and_of_tomorrow(org: Running) -> None:
    new = {"name": "Tier__c", "type": "picklist", "values": ["Gold", "Silver"]}
    drift(org, {"op": "add", "field": new, "maker": "pick", "nulls": 30})
    found = list(values(org, "Tier__c").values())
    assert {"Gold", "Silver", None} == set(found)
    assert 0.1 < found.count(None) / len(found) < 0.5
    made = org.admin("change", {"object": "Account", "insert": 20, "seed": 5}).json()["ids"]["inserted"]
    assert {values(org, "Tier__c")[one] for one in made} & {"Gold", "Silver"}


def test_a_removed_field_is_gone_with_its_values(org: Running) -> None:
    add(org, "Doomed__c", "string", "once")
    drift(org, {"op": "remove", "field": "Doomed__c"})
    assert "Doomed__c" not in described(org)
    assert error(org.query("SELECT Id, Doomed__c FROM Account")) == (400, "INVALID_FIELD")
    assert "Doomed__c" not in next(iter(org.truth("Account").values()))
    add(org, "Doomed__c", "string")
    assert set(values(org, "Doomed__c").values()) == {None}


def test_a_renamed_field_keeps_its_values(org: Running) -> None:
    before = values(org, "TickerSymbol")
    drift(org, {"op": "rename", "field": "TickerSymbol", "to": "Ticker__c"})
    assert values(org, "Ticker__c") == before
    assert "TickerSymbol" not in described(org)
    assert "is hidden" not in refused(org, {"op": "hide", "field": "TickerSymbol"})
    assert "already has a field" in refused(org, {"op": "rename", "field": "Site", "to": "NAME"})
    drift(org, {"op": "rename", "field": "Ticker__c", "to": "TickerSymbol"})
    assert values(org, "TickerSymbol") == before


def test_a_renamed_reference_is_followed_by_its_new_name(org: Running) -> None:
    drift(org, {"op": "rename", "object": "Invoice_Line__c", "field": "Product__c", "to": "Item__c"})
    found = org.records("SELECT Id, Item__r.Name FROM Invoice_Line__c WHERE Item__c != null")
    assert all(one["Item__r"]["Name"].startswith("Item ") for one in found)
    answer = org.query("SELECT Id, Product__r.Name FROM Invoice_Line__c")
    assert "Didn't understand relationship 'Product__r'" in answer.json()[0]["message"]


CONVERSIONS: list[tuple[str, str, dict[str, Any], list[tuple[Any, Any]]]] = [
    ("string", "int", {}, [("12", 12), ("12.5", 13), ("-2.5", -3), ("1.2E3", 1200), ("NA", None), (None, None)]),
    ("string", "double", {}, [("12", 12.0), ("0.125", 0.13), (" 7 ", 7.0), ("Infinity", None), ("1,5", None)]),
    ("double", "int", {}, [(2.5, 3), (-0.4, 0), (None, None)]),
    ("int", "double", {}, [(7, 7.0), (None, None)]),
    ("double", "string", {}, [(12.50, "12.5"), (100.0, "100"), (1.25e7, "12500000")]),
    ("currency", "string", {"length": 3}, [(123456.0, "123")]),
    ("date", "datetime", {}, [("2024-02-29", "2024-02-29T00:00:00.000+0000"), (None, None)]),
    ("datetime", "date", {}, [("2024-02-29T23:59:59Z", "2024-02-29")]),
    ("string", "date", {}, [("2024-02-29", "2024-02-29"), ("29.02.2024", None), ("2023-02-29", None)]),
    ("string", "datetime", {}, [("2024-02-29T01:00:00+02:00", "2024-02-28T23:00:00.000+0000"), ("soon", None)]),
    ("datetime", "time", {}, [("2024-02-29T08:30:15Z", "08:30:15.000Z")]),
    ("string", "boolean", {}, [("true", True), ("Yes", True), ("0", False), (None, False)]),
    ("double", "boolean", {}, [(0.5, True), (0, False)]),
    ("boolean", "string", {}, [(True, "true"), (False, "false")]),
    ("boolean", "int", {}, [(True, 1), (False, 0)]),
    ("string", "picklist", {}, [("Gold", "Gold"), (" odd ", " odd ")]),
    ("multipicklist", "picklist", {}, [("A", "A"), ("A;B", None)]),
    ("picklist", "multipicklist", {"values": ["A", "B"]}, [("A", "A")]),
    ("textarea", "string", {"length": 5}, [("longer", "longe"), ("Zoë🎉x", "Zoë🎉x")]),
    ("string", "reference", {"reference_to": ["Account"]}, [("001Hs0000000001", "001Hs0000000001IAA"), ("no", None)]),
    ("date", "double", {}, [("2024-02-29", None)]),
]


@pytest.mark.parametrize(("old", "new", "shape", "pairs"), CONVERSIONS, ids=lambda one: one if type(one) is str else "")
def test_a_retyped_field_converts_its_values(
    org: Running, old: str, new: str, shape: dict[str, Any], pairs: list[tuple[Any, Any]]
) -> None:
    name = f"Was_{old}_{new}__c"
    add(org, name, old, **({"values": ["A", "B"]} if "picklist" in old else {}))
    ids = sorted(org.truth("Account"))[: len(pairs)]
    given = {key: value for key, (value, _) in zip(ids, pairs, strict=True)}
    drift(org, {"op": "set", "field": name, "records": given}, {"op": "retype", "field": name, "type": new, **shape})
    assert described(org)[name]["type"] == new
    found = values(org, name)
    assert [found[key] for key in ids] == [value for _, value in pairs]


def test_a_retyped_field_takes_the_values_that_are_given(org: Running) -> None:
    add(org, "Grade__c", "string", "first")
    drift(org, {"op": "retype", "field": "Grade__c", "type": "int", "convert": {"first": 1}})
    assert set(values(org, "Grade__c").values()) == {1}


def test_text_that_becomes_a_picklist_takes_its_values_along(org: Running) -> None:
    add(org, "Zone__c", "string", "West")
    first = min(org.truth("Account"))
    drift(org, {"op": "set", "field": "Zone__c", "value": "East", "ids": [first]})
    drift(org, {"op": "retype", "field": "Zone__c", "type": "picklist"})
    assert [one["value"] for one in described(org)["Zone__c"]["picklistValues"]] == ["East", "West"]


def test_a_field_can_be_widened_and_not_narrowed(org: Running) -> None:
    drift(org, {"op": "widen", "field": "Site", "length": 300})
    field = described(org)["Site"]
    assert (field["length"], field["byteLength"], field["filterable"]) == (300, 900, True)
    assert "can only be widened" in refused(org, {"op": "widen", "field": "Site", "length": 10})
    assert "can only be widened" in refused(org, {"op": "widen", "field": "AnnualRevenue", "length": 30})
    drift(org, {"op": "widen", "field": "Number_of_Locations__c", "precision": 9, "scale": 2})
    field = described(org)["Number_of_Locations__c"]
    assert (field["precision"], field["scale"]) == (9, 2)


def test_a_hidden_field_is_absent_from_describe_and_unknown_to_every_query(org: Running) -> None:
    before = values(org, "Department", "Contact")
    drift(org, {"op": "hide", "object": "Contact", "field": "Department"})
    assert "Department" not in described(org, "Contact")
    text = "SELECT Id,Department FROM Contact"
    answer = org.query(text)
    message = (
        f"\n{text}\n          ^\nERROR at Row:1:Column:11\n"
        "No such column 'Department' on entity 'Contact'. If you are attempting to use a custom field, "
        f"be sure to append the '__c' after the custom field name. {ADVICE}"
    )
    assert answer.status_code == 400
    assert answer.json() == [{"message": message, "errorCode": "INVALID_FIELD"}]
    for wrong in ("SELECT Id FROM Contact WHERE Department = 'x'", "SELECT Id FROM Contact ORDER BY Department"):
        assert error(org.query(wrong)) == (400, "INVALID_FIELD")
    job = org.client.post(f"{DATA}/jobs/query", json={"operation": "query", "query": text})
    assert error(job) == (400, "INVALID_FIELD")
    child = org.query("SELECT Id, Contact.Department FROM Case")
    assert "No such column 'Department' on entity 'Contact'" in child.json()[0]["message"]
    record = org.client.get(f"{DATA}/sobjects/Contact/{min(before)}")
    assert record.status_code in (200, 404)
    assert "Department" not in record.text
    drift(org, {"op": "unhide", "object": "Contact", "field": "Department"})
    assert values(org, "Department", "Contact") == before


def test_a_hidden_reference_cannot_be_followed(org: Running) -> None:
    drift(org, {"op": "hide", "object": "Case", "field": "ContactId"})
    assert "Didn't understand relationship 'Contact'" in org.query("SELECT Contact.Name FROM Case").json()[0]["message"]
    drift(org, {"op": "unhide", "object": "Case", "field": "ContactId"})
    assert org.records("SELECT Contact.Name FROM Case LIMIT 1")


def test_an_address_is_hidden_with_its_parts(org: Running) -> None:
    drift(org, {"op": "hide", "object": "Contact", "field": "MailingAddress"})
    assert not [name for name in described(org, "Contact") if name.startswith("Mailing")]
    drift(org, {"op": "unhide", "object": "Contact", "field": "MailingCity"})
    assert {"MailingCity", "MailingAddress"} <= set(described(org, "Contact"))
    drift(org, {"op": "hide", "object": "Contact", "field": "FirstName"})
    assert "Name" in described(org, "Contact"), "the parts of a name have a security of their own"
    drift(org, {"op": "unhide", "object": "Contact", "field": "FirstName"})


def test_picklist_values_come_retire_and_come_back(org: Running) -> None:
    def entries() -> list[tuple[str, bool]]:
        return [(one["value"], one["active"]) for one in described(org)["Rating"]["picklistValues"]]

    before = values(org, "Rating")
    drift(org, {"op": "picklist_add", "field": "Rating", "value": "Icy"})
    drift(org, {"op": "picklist_retire", "field": "Rating", "value": "Hot"})
    assert entries() == [("Hot", False), ("Warm", True), ("Cold", True), ("Icy", True)]
    assert values(org, "Rating") == before
    assert "Hot" in set(before.values())
    drift(org, {"op": "picklist_add", "field": "Rating", "value": "Hot"})
    assert entries()[0] == ("Hot", True)
    assert "already has the active value" in refused(org, {"op": "picklist_add", "field": "Rating", "value": "Hot"})
    assert "not a picklist" in refused(org, {"op": "picklist_add", "field": "Name", "value": "Hot"})
    drift(org, {"op": "picklist_restrict", "field": "Rating", "restricted": True})
    assert described(org)["Rating"]["restrictedPicklist"] is True


def test_a_replaced_picklist_value_moves_the_system_stamp_and_only_that(org: Running) -> None:
    query = "SELECT Id, Ownership, LastModifiedDate, SystemModstamp FROM Account"
    before = {one["Id"]: one for one in org.records(query, "queryAll")}
    org.admin("clock", {"advance_seconds": 60})
    drift(org, {"op": "picklist_replace", "field": "Ownership", "value": "Private", "with": "Closed"})
    after = {one["Id"]: one for one in org.records(query, "queryAll")}
    moved = [key for key, one in before.items() if one["Ownership"] == "Private"]
    assert moved
    for key, one in after.items():
        assert one["LastModifiedDate"] == before[key]["LastModifiedDate"]
        if key in moved:
            assert (one["Ownership"], one["SystemModstamp"] > before[key]["SystemModstamp"]) == ("Closed", True)
        else:
            assert one == before[key]
    known = [one["value"] for one in described(org)["Ownership"]["picklistValues"]]
    assert known == ["Public", "Closed", "Subsidiary", "Other"]


def test_a_part_of_a_multipicklist_is_replaced_where_it_stands(org: Running) -> None:
    before = values(org, "Languages__c", "Contact")
    order = {
        "op": "picklist_replace",
        "object": "Contact",
        "field": "Languages__c",
        "value": "French",
        "with": "German",
    }
    drift(org, order)
    expected = {
        key: value and ";".join(dict.fromkeys(value.replace("French", "German").split(";")))
        for key, value in before.items()
    }
    assert values(org, "Languages__c", "Contact") == expected
    assert expected != before


def test_values_can_move_without_a_stamp(org: Running) -> None:
    before = {one["Id"]: one for one in org.records(STAMPS)}
    some = sorted(before)[:2]
    drift(org, {"op": "set", "field": "AccountNumber", "records": {some[0]: "NEW", some[1]: None}})
    found = values(org, "AccountNumber")
    assert (found[some[0]], found[some[1]]) == ("NEW", None)
    assert {one["Id"]: one for one in org.records(STAMPS)} == before
    assert "has no record 001" in refused(org, {"op": "set", "field": "Sic", "records": {"001000000000000AAA": "1"}})


def test_an_object_disappears_and_comes_back_with_its_records(org: Running) -> None:
    before = org.truth("Campaign")
    drift(org, {"op": "remove_object", "object": "Campaign"})
    text = "SELECT Id FROM Campaign"
    assert "Campaign" not in [one["name"] for one in org.client.get(f"{DATA}/sobjects").json()["sobjects"]]
    assert error(org.client.get(f"{DATA}/sobjects/Campaign/describe")) == (404, "NOT_FOUND")
    message = (
        f"\n{text}\n               ^\nERROR at Row:1:Column:16\nsObject type 'Campaign' is not supported. "
        f"If you are attempting to use a custom object, be sure to append the '__c' after the entity name. {ADVICE}"
    )
    assert org.query(text).json() == [{"message": message, "errorCode": "INVALID_TYPE"}]
    assert "Didn't understand relationship" in org.query("SELECT Campaign.Name FROM Opportunity").text
    assert org.truth("Campaign") == before, "the administrator still sees what is there"
    drift(org, {"op": "restore_object", "object": "Campaign"})
    assert org.count(text) == len(before)


def test_a_sensitive_field_is_marked_where_salesforce_keeps_the_mark(org: Running) -> None:
    drift(org, {"op": "classify", "field": "Sic", "security": "Restricted", "compliance": ["PII", "GDPR"]})
    query = (
        "SELECT QualifiedApiName, SecurityClassification, ComplianceGroup FROM FieldDefinition "
        "WHERE EntityDefinition.QualifiedApiName IN ('Account', 'Contact') AND SecurityClassification != null"
    )
    marked = {
        one["QualifiedApiName"]: (one["SecurityClassification"], one["ComplianceGroup"]) for one in org.records(query)
    }
    assert marked == {"Sic": ("Restricted", "PII;GDPR")}
    assert len(described(org)["Sic"]) == 57, "describe has no key for it"
    assert "security is one of Public" in refused(org, {"op": "classify", "field": "Sic", "security": "Secret"})
    drift(org, {"op": "classify", "field": "Sic", "security": None, "compliance": []})
    assert org.records(query) == []


def test_definitions_want_a_filter_and_fit_one_page(org: Running) -> None:
    answer = org.query("SELECT DurableId FROM FieldDefinition")
    message = "FieldDefinition: a filter on a reified column is required [EntityDefinitionId,DurableId]"
    assert answer.json() == [{"message": message, "errorCode": "MALFORMED_QUERY"}]
    one = org.records("SELECT Label, DataType FROM FieldDefinition WHERE DurableId = 'Account.AnnualRevenue'")
    tooling = org.client.get(f"{DATA}/tooling/query", params={"q": "SELECT Label FROM EntityDefinition LIMIT 1"})
    assert tooling.json()["totalSize"] == 1
    assert [(entry["Label"], entry["DataType"]) for entry in one] == [("Annual Revenue", "Currency(18, 0)")]
    entity = org.records(
        "SELECT KeyPrefix, IsQueryable FROM EntityDefinition WHERE QualifiedApiName = 'AccountHistory'"
    )
    assert [(entry["KeyPrefix"], entry["IsQueryable"]) for entry in entity] == [(None, True)]
    job = org.client.post(
        f"{DATA}/jobs/query", json={"operation": "query", "query": "SELECT Label FROM EntityDefinition"}
    )
    assert error(job)[0] == 400


def test_a_hidden_field_still_has_its_definition(org: Running) -> None:
    drift(org, {"op": "hide", "object": "Lead", "field": "Rating"})
    where = "WHERE EntityDefinition.QualifiedApiName = 'Lead'"
    defined = {one["QualifiedApiName"] for one in org.records(f"SELECT QualifiedApiName FROM FieldDefinition {where}")}
    assert defined - set(described(org, "Lead")) == {"Rating"}


def test_a_field_becomes_calculated(org: Running) -> None:
    drift(org, {"op": "formula", "field": "YearStarted", "formula": "TEXT(1999)", "value": "1999"})
    field = described(org)["YearStarted"]
    assert (field["calculated"], field["calculatedFormula"], field["createable"]) == (True, "TEXT(1999)", False)
    assert set(values(org, "YearStarted").values()) == {"1999"}


def test_labels_change(org: Running) -> None:
    drift(org, {"op": "label", "field": "Fax", "label": "Telefax"})
    drift(org, {"op": "label", "object": "Product2", "label": "Article", "plural": "Articles"})
    assert described(org)["Fax"]["label"] == "Telefax"
    document = org.client.get(f"{DATA}/sobjects/Product2/describe").json()
    assert (document["label"], document["labelPlural"]) == ("Article", "Articles")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"op": "paint"}, "op must be one of add, "),
        ({"op": "hide"}, "hide needs field"),
        ({"op": "hide", "field": "Id"}, "always visible"),
        ({"op": "remove", "field": "SystemModstamp"}, "does not let go of SystemModstamp"),
        ({"op": "hide", "field": "Nothing__c"}, "Account.Nothing__c does not exist"),
        ({"op": "rename", "field": "Site", "to": "no good"}, "letters, digits and underscores"),
        ({"op": "retype", "field": "BillingAddress", "type": "string"}, "does not make a field"),
        ({"op": "retype", "field": "Site", "type": "sting"}, "a type of address, anyType"),
        ({"op": "add", "field": {"name": "Name", "type": "string"}}, "already has a field Name"),
        ({"op": "add", "field": {"name": "A__c", "type": "int"}, "value": "x"}, "A__c must be a JSON number"),
        ({"op": "add", "field": {"name": "A__c", "type": "reference"}}, "say reference_to"),
        ({"op": "add", "field": {"name": "A__c", "type": "string"}, "maker": "magic"}, "maker must be one of"),
        ({"op": "add", "field": {"name": "A__c", "type": "string"}, "worth": 1}, "does not take worth"),
        ({"op": "widen", "field": "Site"}, "say a new length"),
        ({"op": "picklist_retire", "field": "Rating", "value": "Lukewarm"}, "has no value 'Lukewarm'"),
    ],
)
def test_an_order_that_cannot_be_carried_out_says_why_and_changes_nothing(
    org: Running, order: dict[str, Any], said: str
) -> None:
    before = described(org)
    assert said in refused(org, order)
    assert described(org) == before


def test_a_list_stops_at_the_first_order_that_fails_and_says_how_far_it_came(org: Running) -> None:
    orders = [{"op": "label", "object": "Order", "label": "Purchase"}, {"op": "hide", "object": "Order", "field": "No"}]
    answer = org.client.post("/__sandbox__/drift", json=orders)
    assert "(the 1 before it were carried out)" in answer.json()[0]["message"]
    assert org.client.get(f"{DATA}/sobjects/Order/describe").json()["label"] == "Purchase"
    unknown = org.client.post("/__sandbox__/drift", json={"op": "hide", "object": "Nix", "field": "A"})
    assert error(unknown) == (404, "NOT_FOUND")


def test_describe_answers_304_until_something_changes(org: Running) -> None:
    def asked(path: str, since: str) -> Any:
        return org.client.get(f"{DATA}/{path}", headers={"If-Modified-Since": since})

    paths = ("sobjects", "sobjects/Event/describe", "sobjects/Event")
    moments = [org.client.get(f"{DATA}/{path}").headers["Last-Modified"] for path in paths]
    for path, moment in zip(paths, moments, strict=True):
        same = asked(path, moment)
        assert (same.status_code, same.content) == (304, b"")
        assert asked(path, "yesterday").status_code == 200
    drift(org, {"op": "label", "object": "Event", "label": "Meeting"})
    drift(org, {"op": "label", "object": "Event", "label": "Appointment"})
    for path, moment in zip(paths, moments, strict=True):
        assert asked(path, moment).status_code == 200
    other = org.client.get(f"{DATA}/sobjects/User/describe").headers["Last-Modified"]
    assert asked("sobjects/User/describe", other).status_code == 304


def test_the_old_way_to_add_and_hide_fields_still_works(org: Running) -> None:
    org.admin("fields", {"object": "Order", "add": {"name": "Extra__c", "type": "string", "length": 9, "value": "x"}})
    assert set(values(org, "Extra__c", "Order").values()) == {"x"}
    org.admin("fields", {"object": "Order", "remove": "Extra__c"})
    assert "Extra__c" not in described(org, "Order")
    org.admin("fields", {"object": "Order", "add": {"name": "Extra__c"}})
    assert set(values(org, "Extra__c", "Order").values()) == {"x"}
    assert error(org.admin("fields", {"object": "Order"})) == (400, "INVALID_REQUEST")


def test_drift_is_listed_in_order_with_its_moments(org: Running) -> None:
    applied = drift(org, {"op": "hide", "object": "User", "field": "Title"})
    answer = org.client.get("/__sandbox__/drift").json()
    assert answer["drift"][-1] == applied[0]
    assert answer["kinds"]["rename"]["needs"] == ["object", "field", "to"]


def _random_orders(rng: random.Random, steps: int) -> list[dict[str, Any]]:
    """Orders that can always be carried out, on fields that they made themselves."""
    alive: dict[str, bool] = {}
    orders: list[dict[str, Any]] = []
    for number in range(steps):
        field = rng.choice([None, *alive])
        if field is None:
            name = f"F{number}__c"
            alive[name] = True
            orders.append({"op": "add", "field": {"name": name, "type": "string"}, "value": str(rng.randint(0, 99))})
        elif not alive[field]:
            alive[field] = True
            orders.append({"op": "unhide", "field": field})
        else:
            op = rng.choice(["hide", "remove", "rename", "retype", "label", "set"])
            more: dict[str, Any] = {
                "rename": {"to": f"R{number}__c"},
                "retype": {"type": rng.choice(["int", "double", "string", "textarea"])},
                "label": {"label": f"L{number}"},
                "set": {"value": str(rng.randint(0, 99))},
            }.get(op, {})
            orders.append({"op": op, "field": field, **more})
            if op in ("remove", "rename"):
                del alive[field]
            if op == "rename":
                alive[f"R{number}__c"] = True
            if op == "hide":
                alive[field] = False
    return [{"object": "Account", **order} for order in orders]


def test_a_restart_comes_back_to_the_same_schema_and_the_same_values(tmp_path: Path) -> None:
    options = ("--state", str(tmp_path / "state"), "--rows", "60", "--objects", "extended", "--extra-objects", "3")
    first = Running(*options)
    orders = _random_orders(random.Random(5), STEPS)
    assert first.client.post("/__sandbox__/drift", json=orders).status_code == 200
    first.admin("change", {"object": "Account", "update": 5, "insert": 5, "delete": 2, "hard_delete": 1})
    drift(first, {"op": "picklist_replace", "field": "Rating", "value": "Hot", "with": "Warm"})
    drift(first, {"op": "add", "field": {"name": "Made__c", "type": "currency"}, "maker": "money"})
    drift(first, {"op": "remove_object", "object": "Lead"})
    first.admin("delete_log", {"most_ids": 7})

    def seen(org: Running) -> tuple[Any, ...]:
        # The describe of the whole holds the address of the server.
        fields = described(org)
        listed = [one["name"] for one in org.client.get(f"{DATA}/sobjects").json()["sobjects"]]
        history = org.client.get("/__sandbox__/drift").json()["drift"]
        moment = org.client.get(f"{DATA}/sobjects/Account/describe").headers["Last-Modified"]
        gone = [one["id"] for one in log(org, "Account", 5).json()["deletedRecords"]]
        return fields, org.truth("Account"), org.truth("Task"), listed, history, moment, gone

    before = seen(first)
    assert first.close() == 0
    again = Running("--state", str(tmp_path / "state"))
    assert seen(again) == before
    assert ("Lead" in before[3], "Batch_Entry_0002__c" in before[3], len(before[6])) == (False, True, 3)
    assert again.admin("delete_log", {"most_ids": 8}).json()["most_ids"] == 8
    assert again.close() == 0


def window(org: Running, minutes: int) -> tuple[dict[str, str], datetime]:
    """The last minutes up to one from now, as a client asks for them; and now."""
    now = datetime.fromisoformat(org.client.get("/__sandbox__/health").json()["now"])
    start, end = now - timedelta(minutes=minutes), now + timedelta(minutes=1)
    return {"start": start.isoformat(), "end": end.isoformat()}, now


def log(org: Running, name: str, minutes: int, kind: str = "deleted") -> Any:
    return org.client.get(f"{DATA}/sobjects/{name}/{kind}/", params=window(org, minutes)[0])


def test_deleted_records_are_listed_until_they_are_undeleted(org: Running) -> None:
    made = org.admin("change", {"object": "Case", "delete": 4, "seed": 1}).json()["ids"]["deleted"]
    assert {one["id"] for one in log(org, "Case", 5).json()["deletedRecords"]} == set(made)
    live = {"Id": made[0], "IsDeleted": False}
    org.client.put("/__sandbox__/records/Case", json=[live]).raise_for_status()
    listed = {one["id"] for one in log(org, "Case", 5).json()["deletedRecords"]}
    assert listed == set(made[1:])
    assert made[0] in log(org, "Case", 5, "updated").json()["ids"]
    assert not listed & set(log(org, "Case", 5, "updated").json()["ids"])


def test_a_hard_delete_leaves_every_query_and_stays_in_the_log(org: Running) -> None:
    gone = org.admin("change", {"object": "Order", "hard_delete": 2}).json()["ids"]["hard_deleted"]
    assert len(gone) == 2
    assert org.count(f"SELECT Id FROM Order WHERE Id IN ('{gone[0]}', '{gone[1]}')") == 0
    answer = log(org, "Order", 5).json()
    assert {one["id"] for one in answer["deletedRecords"]} == set(gone)
    assert answer["earliestDateAvailable"] < answer["deletedRecords"][0]["deletedDate"]


def test_a_purge_takes_the_log_entries_along_and_moves_the_earliest_date(org: Running) -> None:
    made = org.admin("change", {"object": "Opportunity", "delete": 5}).json()["ids"]["deleted"]
    purged = org.admin("recycle_bin", {"object": "Opportunity", "ids": made[:2]}).json()["purged"]
    assert sorted(purged) == sorted(made[:2])
    answer = log(org, "Opportunity", 5).json()
    assert {one["id"] for one in answer["deletedRecords"]} == set(made[2:])
    now = datetime.fromisoformat(org.client.get("/__sandbox__/health").json()["now"])
    moved = now - datetime.fromisoformat(answer["earliestDateAvailable"])
    assert timedelta(0) <= moved < timedelta(minutes=2)
    assert error(org.admin("recycle_bin", {"object": "User"})) == (400, "INVALID_REQUEST")


def test_a_quiet_purge_is_found_by_no_log(org: Running) -> None:
    made = org.admin("change", {"object": "Event", "delete": 2}).json()["ids"]["deleted"]
    before = log(org, "Event", 5).json()["earliestDateAvailable"]
    org.admin("recycle_bin", {"object": "Event", "ids": made, "quiet": True})
    answer = log(org, "Event", 5).json()
    assert answer["deletedRecords"] == []
    later = datetime.fromisoformat(answer["earliestDateAvailable"]) - datetime.fromisoformat(before)
    assert later <= timedelta(minutes=1)


def test_entries_before_a_purge_of_the_log_are_gone_though_the_records_are_in_the_bin(org: Running) -> None:
    made = org.admin("change", {"object": "Product2", "delete": 2}).json()["ids"]["deleted"]
    soon = window(org, 0)[1] + timedelta(seconds=5)
    org.admin("delete_log", {"object": "Product2", "purge_before": soon.isoformat()})
    answer = log(org, "Product2", 5).json()
    assert answer["deletedRecords"] == []
    assert datetime.fromisoformat(answer["earliestDateAvailable"]) == soon.replace(
        microsecond=soon.microsecond // 1000 * 1000
    )
    assert set(made) <= {one["Id"] for one in org.records("SELECT Id FROM Product2 WHERE IsDeleted = true", "queryAll")}
    assert error(org.admin("delete_log", {"object": "Product2", "purge_before": "soon"})) == (400, "INVALID_REQUEST")


def test_more_ids_than_the_limit_are_refused(org: Running) -> None:
    org.admin("change", {"object": "Lead", "delete": 3, "update": 3})
    org.admin("delete_log", {"most_ids": 2})
    for kind in ("deleted", "updated"):
        assert error(log(org, "Lead", 5, kind)) == (400, "EXCEEDED_ID_LIMIT")
    org.admin("delete_log", {"most_ids": 600_000})
    assert len(log(org, "Lead", 5).json()["deletedRecords"]) == 3


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-01-02T10:00:00Z", "2026-01-02T10:00:59Z", "at least one minute before"),
        ("2026-01-02T10:05:00Z", "2026-01-02T10:00:00Z", "at least one minute before"),
        ("2020-01-02T10:05:00Z", "2020-01-02T11:00:00Z", "cannot be more than 30 days ago"),
        ("", "2026-01-02T10:00:59Z", "start must be a dateTime"),
        ("2026-01-02", "soon", "end must be a dateTime"),
    ],
)
def test_a_window_that_cannot_be_served_is_refused(org: Running, start: str, end: str, said: str) -> None:
    answer = org.client.get(f"{DATA}/sobjects/Account/deleted/", params={"start": start, "end": end})
    assert error(answer) == (400, "INVALID_REPLICATION_DATE")
    assert said in answer.json()[0]["message"]


def test_windows_are_minutes_with_offsets_and_reach_back_fifteen_days(tmp_path: Path) -> None:
    org = Running("--rows", "60")
    org.admin("clock", {"now": "2027-05-05T10:30:30Z"})
    old = org.admin("change", {"object": "Contact", "delete": 1, "seed": 1}).json()["ids"]["deleted"]
    org.admin("clock", {"now": "2027-05-25T10:30:30Z"})
    new = org.admin("change", {"object": "Contact", "delete": 1, "seed": 2}).json()["ids"]["deleted"]
    org.admin("clock", {"now": "2027-05-25T10:40:30Z"})

    def ids(start: str, end: str) -> Any:
        return org.client.get(f"{DATA}/sobjects/Contact/deleted/?start={start}&end={end}").json()

    # Seconds do not count, a plus sign may arrive unencoded, and an offset is honoured.
    assert [one["id"] for one in ids("2027-05-25T12:30:59%2B02:00", "2027-05-25T10:31:00Z")["deletedRecords"]] == new
    assert [one["id"] for one in ids("2027-05-25T12:30:59+02:00", "2027-05-25T12:31:59+02:00")["deletedRecords"]] == new
    assert ids("2027-05-25T10:29:00Z", "2027-05-25T10:30:59Z")["deletedRecords"] == []
    whole = ids("2027-05-01T00:00:00Z", "2027-05-25T11:00:00Z")
    assert [one["id"] for one in whole["deletedRecords"]] == new
    assert whole["earliestDateAvailable"] == "2027-05-10T10:40:00.000+0000"
    assert whole["latestDateCovered"] == "2027-05-25T10:40:00.000+0000", "no later than now"
    assert ids("2027-05-25T10:00:00Z", "2027-05-25T10:35:59Z")["latestDateCovered"] == "2027-05-25T10:35:00.000+0000"
    assert old[0] in {one["Id"] for one in org.records("SELECT Id FROM Contact WHERE IsDeleted = true", "queryAll")}
    assert org.close() == 0


def test_the_logs_cover_nothing_after_the_start_of_a_transaction_that_is_still_under_way(org: Running) -> None:
    org.client.post("/__sandbox__/faults", json={"object": "Invoice__c", "late": True}).raise_for_status()
    (late,) = org.client.put("/__sandbox__/records/Invoice__c", json=[{"Amount__c": 5}]).json()["ids"]
    org.admin("clock", {"advance_seconds": 600})
    before = log(org, "Invoice__c", 30, "updated").json()
    now = datetime.fromisoformat(org.client.get("/__sandbox__/health").json()["now"])
    assert now - datetime.fromisoformat(before["latestDateCovered"]) >= timedelta(seconds=600)
    assert late not in before["ids"]
    org.client.delete("/__sandbox__/faults").raise_for_status()
    after = log(org, "Invoice__c", 30, "updated").json()
    assert late in after["ids"]
    assert now - datetime.fromisoformat(after["latestDateCovered"]) < timedelta(seconds=60)


def test_rare_objects_are_there_on_request_only(tmp_path: Path) -> None:
    org = Running("--rows", "60")
    shown = org.client.get("/__sandbox__/objects").json()
    assert len(shown["shown"]) == 12
    assert {"LoginHistory", "Attachment", "AccountChangeEvent"} <= set(shown["hidden"])
    assert error(org.query("SELECT Id FROM LoginHistory")) == (400, "INVALID_TYPE")
    assert "LoginHistory" in org.admin("objects", {"show": ["LoginHistory"], "hide": ["Lead"]}).json()["shown"]
    assert org.count("SELECT Id FROM LoginHistory") == 5
    assert error(org.query("SELECT Id FROM Lead")) == (400, "INVALID_TYPE")
    assert error(org.admin("objects", {"show": "Lead"})) == (400, "INVALID_REQUEST")
    assert org.close() == 0


def test_objects_without_stamps_have_only_the_dates_that_real_ones_have(org: Running) -> None:
    dates = {
        name: {field for field, one in described(org, name).items() if one["type"] == "datetime"}
        for name in ("LoginHistory", "AccountHistory", "AccountShare")
    }
    assert dates == {
        "LoginHistory": {"LoginTime"},
        "AccountHistory": {"CreatedDate"},
        "AccountShare": {"LastModifiedDate"},
    }
    for name in ("LoginHistory", "AccountShare"):
        assert error(log(org, name, 5)) == (400, "INVALID_TYPE_FOR_OPERATION")
    assert log(org, "AccountHistory", 5).json()["deletedRecords"] == []
    newest = max(one["LoginTime"] for one in org.records("SELECT LoginTime FROM LoginHistory"))
    (made,) = org.admin("change", {"object": "LoginHistory", "insert": 1}).json()["ids"]["inserted"]
    assert org.truth("LoginHistory")[made]["LoginTime"] > newest


def test_objects_that_are_not_queryable_say_so(org: Running) -> None:
    listed = {one["name"]: one for one in org.client.get(f"{DATA}/sobjects").json()["sobjects"]}
    for name in ("AccountChangeEvent", "ActivityHistory"):
        assert listed[name]["queryable"] is False
        answer = org.query(f"SELECT Id FROM {name}")
        message = f"entity type {name} does not support query"
        assert answer.json() == [{"message": message, "errorCode": "INVALID_TYPE_FOR_OPERATION"}]
    assert listed["Legacy_Contract__c"]["deprecatedAndHidden"] is True
    companions = {name: (listed[name]["associateEntityType"], listed[name]["keyPrefix"]) for name in listed}
    assert companions["AccountHistory"] == ("History", None)
    assert companions["Invoice__c"] == (None, "a1X")


@pytest.mark.parametrize("name", ["CaseStatus", "Attachment"])
def test_objects_that_bulk_refuses_are_read_by_rest(org: Running, name: str) -> None:
    job = org.client.post(f"{DATA}/jobs/query", json={"operation": "query", "query": f"SELECT Id FROM {name}"})
    message = f"Entity '{name}' is not supported by the Bulk API."
    assert (job.status_code, job.json()) == (400, [{"message": message, "errorCode": "INVALIDENTITY"}])
    assert len(org.records(f"SELECT Id FROM {name}", "queryAll")) >= 5


def test_content_is_behind_an_address(org: Running) -> None:
    found = org.records("SELECT Id, Body, BodyLength FROM Attachment WHERE BodyLength > 0")
    for one in found:
        assert one["Body"] == f"{DATA}/sobjects/Attachment/{one['Id']}/Body"
        content = org.client.get(one["Body"]).content
        assert content.startswith(b"Attachment ")
        assert len(content) == one["BodyLength"]
    assert error(org.client.get(f"{DATA}/sobjects/Attachment/{found[0]['Id']}/Name")) == (404, "NOT_FOUND")
    assert error(org.query("SELECT Id FROM Attachment WHERE Body = 'x'")) == (400, "INVALID_FIELD")


def test_archived_activities_are_for_query_all_only(org: Running) -> None:
    archived = [one["Id"] for one in org.truth("Task").values() if one["IsArchived"]]
    live = [one["Id"] for one in org.truth("Task").values() if not one["IsArchived"] and not one["IsDeleted"]]
    assert archived
    assert {one["Id"] for one in org.records("SELECT Id FROM Task")} == set(live)
    assert org.count("SELECT COUNT() FROM Task", "query") == len(live)
    everything = {one["Id"] for one in org.records("SELECT Id FROM Task", "queryAll")}
    assert everything == set(org.truth("Task"))
    assert org.count("SELECT COUNT() FROM Task WHERE IsArchived = true", "queryAll") == len(archived)
    assert org.count("SELECT COUNT() FROM Task WHERE IsArchived = true", "query") == 0


def test_a_parent_of_a_parent_is_read_over_two_references(org: Running) -> None:
    found = org.records("SELECT Id, Invoice__c, Invoice__r.Account__r.Name FROM Invoice_Line__c")
    accounts, invoices = org.truth("Account"), org.truth("Invoice__c")
    for one in found:
        owner = invoices[one["Invoice__c"]]["Account__c"]
        name = one["Invoice__r"]["Account__r"]
        assert (name["Name"] if owner else name) == (accounts[owner]["Name"] if owner else None)
    assert any(one["Invoice__r"]["Account__r"] for one in found)


def test_a_location_shows_its_parts(org: Running) -> None:
    found = org.records("SELECT Shop__c, Shop__Latitude__s, Shop__Longitude__s FROM Invoice__c")
    both = [one for one in found if one["Shop__Latitude__s"] and one["Shop__Longitude__s"]]
    assert both
    for one in both:
        assert one["Shop__c"] == {"latitude": one["Shop__Latitude__s"], "longitude": one["Shop__Longitude__s"]}


def test_a_big_organisation_has_its_objects_at_once(tmp_path: Path) -> None:
    org = Running("--rows", "20", "--extra-objects", "1500")
    listed = org.client.get(f"{DATA}/sobjects").json()["sobjects"]
    assert len(listed) == 1512
    assert len({one["keyPrefix"] for one in listed}) == 1512
    assert len({one["name"] for one in listed}) == 1512
    last = listed[-1]["name"]
    assert len(described(org, last)) == 20
    assert len(org.records(f"SELECT Id, Name, SystemModstamp FROM {last}", "queryAll")) == 5
    some = ", ".join(f"'{one['name']}'" for one in listed[-101:])
    text = f"SELECT Label FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName IN ({some})"
    assert error(org.query(text)) == (400, "EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION")
    assert len(org.records(text + " LIMIT 2000")) == 2000
    assert org.close() == 0


def test_the_commands_order_the_same(tmp_path: Path) -> None:
    project = Project.make(tmp_path)
    with project_sandbox(project.state, rows=40) as server:

        def said(*arguments: str) -> list[str]:
            done = project.durable("sandbox", "drift", *arguments)
            assert done.code == 0, done.err
            return [line.partition("  ")[2] for line in done.out.splitlines()]

        new = '{"field": {"name": "Tier__c", "type": "picklist", "values": ["Gold", "Silver"]}, "value": "Gold"}'
        options = ("--type", "picklist", "--values", "Gold;Silver", "--value", "Gold")
        assert said("add", "Account", "Tier__c", *options) == [f"add  Account.Tier__c {new}"]
        said("hide", "Contact", "Title")
        said("picklist-restrict", "Account", "Tier__c", "true")
        said("classify", "Account", "Sic", "--security", "Restricted", "--compliance", "PII;GDPR")
        said("relabel-object", "Account", "Client", "--plural", "Clients")
        said("apply", '[{"op": "remove_object", "object": "Lead"}]')
        assert said("list")[1:] == [
            "hide  Contact.Title",
            'picklist_restrict  Account.Tier__c {"restricted": true}',
            'classify  Account.Sic {"security": "Restricted", "compliance": ["PII", "GDPR"]}',
            'label  Account {"label": "Client", "plural": "Clients"}',
            "remove_object  Lead",
        ]
        assert {one["Tier__c"] for one in server.truth("Account")} == {"Gold"}
        wrong = project.durable("sandbox", "drift", "hide", "Contact", "Title")
        assert (wrong.code, "Contact.Title is hidden: unhide it first" in wrong.err) == (2, True)
    alone = project.durable("sandbox", "drift", "list")
    assert alone.code == 2
    assert "No sandbox is running" in alone.err


def test_other_options_than_the_states_are_refused(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    assert Running("--rows", "20", "--extra-objects", "2", "--state", state).close() == 0
    command = [sys.executable, "-m", "durable_sandbox", "--extra-objects", "3", "--state", state]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "data made with --extra-objects 2, not 3" in done.stderr

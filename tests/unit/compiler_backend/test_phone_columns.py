"""Which columns hold telephone numbers as E.164, and where among the other steps a number gets its form."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from durable_compiler.layout import lay_out
from durable_compiler.objects import object_values
from durable_compiler.policies import policies
from durable_compiler.rules import Rules
from durable_runtime.spec import Phones
from unit.compiler_backend.spec import describe, load_module, owners, package, read, snapshot, spec
from unit.compiler_backend.test_record_rules import KEY, found, staged
from unit.compiler_backend.whole import call, field, literal, pipeline, schema, silent

E164 = {"phones": "e164", "phone_region": "US"}
NUMBER, WRITTEN = "+12025550143", "(202) 555-0143"


def mapped(field: str, *transforms: str) -> dict[str, Any]:
    return {"object": "Contact", "field": field, "column": field.removesuffix("__c").lower(), "transforms": transforms}


def columns(folder: Path, *mappings: dict[str, Any], **conventions: str) -> dict[str, Phones]:
    """What a package says of its numbers, by object; its policies name the same columns."""
    one = pipeline(silent() | {"mappings": mappings, "conventions": conventions})
    transforms = load_module(package(folder / "package", schema(), one), "transform")["TRANSFORMS"]
    said = {each.object: each.phones for each in transforms if each.phones}
    named = [f"{name}.{column}" for name, found in said.items() for column, _ in found.texts]
    assert list(policies(one, lay_out(one, schema())).phones) == named
    return said


def test_the_convention_is_for_every_phone_field_and_for_no_other(tmp_path: Path) -> None:
    assert columns(tmp_path, mapped("Phone", "trim"), **E164) == {
        "Account": Phones("US", (("phone", '"Phone"'),)),
        "Contact": Phones("US", (("phone", "nullif(trim(\"Phone\"), '')"),)),
    }


def test_a_sentence_about_one_field_is_for_that_field_whatever_its_type(tmp_path: Path) -> None:
    said = columns(tmp_path, mapped("Phone", "e164"), mapped("Notes__c", "trim", "e164"))
    texts = (("phone", '"Phone"'), ("notes", "nullif(trim(\"Notes__c\"), '')"))
    assert said == {"Contact": Phones(None, texts)}


def test_a_field_of_which_only_the_digits_are_wanted_keeps_them_under_the_convention(tmp_path: Path) -> None:
    assert list(columns(tmp_path, mapped("Phone", "digits"), **E164)) == ["Account"]


def test_a_spec_without_numbers_says_nothing_of_them(tmp_path: Path) -> None:
    assert columns(tmp_path) == {}
    assert "Phones" not in (tmp_path / "package" / "transform.py").read_text(encoding="utf-8")


def test_blanks_and_clean_ups_come_before_a_number_and_a_default_after_it(tmp_path: Path) -> None:
    said: dict[str, Any] = {
        "conventions": E164,
        "mappings": [mapped("Phone", "trim")],
        "blanks": [{"object": "Contact", "field": "Phone", "values": ["N/A"]}],
        "defaults": [{"object": "Contact", "field": "Phone", "value": "none"}],
    }
    texts = (f"  {WRITTEN} ", "N/A", "", "12", NUMBER)
    one = staged(tmp_path, "Contact", [{"Phone": text} for text in texts], **said)
    assert found(one, "phone") == [NUMBER, "none", "none", "12", NUMBER]
    assert one.kept == {("phone", "invalid"): 1}


def test_keys_rules_derived_columns_filters_and_masks_see_the_number(tmp_path: Path) -> None:
    american = call("starts_with", field("Contact", "Phone"), literal("+1"))
    said: dict[str, Any] = {
        "conventions": E164,
        "where": call("ne", field("Contact", "Phone"), literal("+12025550199")),
        "derived": [
            {"object": "Contact", "column": "country", "cases": [{"when": american, "value": "US"}], "otherwise": "?"}
        ],
        "checks": [{"object": "Contact", "condition": american}],
        "dedupe": [{"object": "Contact", "by": ["Phone"]}],
        "masks": [{"object": "Contact", "field": "Phone", "method": "last4"}],
    }
    texts = (WRITTEN, "202.555.0143", "+1 202 555 0199", "+44 20 7946 0018", "555 0143")
    one = staged(tmp_path, "Contact", [{"Phone": text} for text in texts], **said)
    assert found(one, "__outcome") == ["live", "live", "filtered", "rejected", "rejected"]
    assert found(one, "country") == ["US", "US", "US", "?", "?"]
    assert found(one, "phone") == ["********0143", "********0143", "********0199", "*********0018", "****0143"]
    pair = hmac.new(KEY, json.dumps([NUMBER]).encode(), hashlib.sha256).hexdigest()
    assert found(one, "dedupe_key") == [pair, pair, None, None, None]


def test_a_value_map_compares_numbers(tmp_path: Path) -> None:
    maps = [{"object": "Contact", "field": "Phone", "values": {NUMBER: "front desk"}, "otherwise": "elsewhere"}]
    one = staged(
        tmp_path, "Contact", [{"Phone": text} for text in (WRITTEN, "030", "")], conventions=E164, enums=maps
    )  # fmt: skip
    assert found(one, "phone") == ["front desk", "elsewhere", None]


def test_a_related_objects_number_is_one_too(tmp_path: Path) -> None:
    rows = [{"Account.Phone": WRITTEN}, {"Account.Phone": "x"}, {}]
    lookups = [{"path": "Account.Phone", "column": "account_phone"}]
    one = staged(tmp_path, "Contact", rows, conventions=E164, lookups=lookups)
    assert found(one, "account_phone") == [NUMBER, "x", None]


def test_the_mapping_page_shows_where_a_number_is_formatted(tmp_path: Path) -> None:
    folder = package(tmp_path / "package", schema(), pipeline(silent() | {"conventions": E164}))
    lines = (folder / "MAPPING.md").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if 'e164("Phone")' in line]) == 2


def test_another_region_or_none_decides_rows_anew() -> None:
    hashes = set()
    for said in ({}, {"phones": "e164"}, E164, {**E164, "phone_region": "DE"}):
        one = pipeline(silent() | {"conventions": said})
        (source, *_) = one.source.objects
        rules = Rules(one, schema(), source, lay_out(one, schema()).columns[source.name])
        hashes.add(object_values(rules, owners(one), "account")["row_function"])
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("sentence", "columns"),
    [
        ("Formats phone numbers as E.164 for the US", ["phone", "mobile_phone"]),
        ("All phone numbers are stored as E.164", ["phone", "mobile_phone"]),
        ("Formats Phone as E.164", ["phone"]),
        ("Formats the phone numbers of Contacts as E.164", ["phone"]),
        ("Formats the mobile phone numbers as E.164", ["mobile_phone"]),
    ],
)
def test_phone_numbers_of_the_only_object_are_those_of_every_field(
    sentence: str, columns: list[str], tmp_path: Path
) -> None:
    phone = {"type": "phone", "label": "Business Phone"}
    known = snapshot(describe("Contact", {"Phone": phone, "MobilePhone": {"type": "phone", "label": "Mobile Phone"}}))
    one = read(tmp_path, known, spec("Contacts", sentence))
    assert policies(one, lay_out(one, known)).phones == tuple(f"Contact.{name}" for name in columns)

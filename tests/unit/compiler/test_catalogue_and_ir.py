"""The snapshot's names and bytes, and the canonical text of the IR."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from durable_compiler import catalogue
from durable_compiler.catalogue import Snapshot
from durable_compiler.ir import Case, FieldRef, Guard, Literal_, Operation, Pipeline, Source, SourceObject, Target

DESCRIBE = {
    "name": "Invoice__c",
    "label": "Invoice",
    "labelPlural": "Invoices",
    "custom": True,
    "queryable": True,
    "fields": [
        {"name": "Id", "label": "Record ID", "type": "id", "length": 18},
        {"name": "Site__c", "label": "Site", "type": "location", "custom": True},
        {
            "name": "State__c",
            "label": "State",
            "type": "picklist",
            "picklistValues": [{"value": "open", "label": "Open", "active": True}, {"value": "x", "active": False}],
        },
        {"name": "Secret__c", "label": "Secret", "type": "encryptedstring"},
    ],
}


def test_a_snapshot_of_describes_survives_the_file_and_gives_the_same_bytes(tmp_path: Path) -> None:
    other = {**DESCRIBE, "name": "Account", "label": "Account", "labelPlural": "Accounts"}
    first = catalogue.snapshot([DESCRIBE, other], "00D1", "62.0")
    path = tmp_path / "salesforce.schema.json"
    path.write_text(catalogue.dump(first))
    assert catalogue.load(path) == first
    assert catalogue.dump(catalogue.snapshot([other, DESCRIBE], "00D1", "62.0")) == path.read_text()
    data = json.loads(path.read_text())
    assert list(data) == ["snapshot_version", "api_version", "organization_id", "objects"]
    assert [one["name"] for one in data["objects"]] == ["Account", "Invoice__c"]
    fields = data["objects"][1]["fields"]
    assert [one["name"] for one in fields] == ["Id", "Site__c", "State__c", "Secret__c"]
    assert [one["compound"] for one in fields] == [False, True, False, False]
    assert [one["encrypted"] for one in fields] == [False, False, False, True]
    assert fields[2]["picklist"][1] == {"value": "x", "label": "x", "active": False}


@pytest.mark.parametrize(
    "words", ["Customer Health", "customer health", "Customer_Health__c", "CUSTOMER HEALTH", "Customer_Health"]
)
def test_an_object_answers_to_label_api_name_case_and_spacing(words: str, schema: Snapshot) -> None:
    assert schema.by_key[catalogue.squeeze(words)] == ("Customer_Health__c",)


@pytest.mark.parametrize(
    ("words", "name"), [("Opportunities", "Opportunity"), ("contacts", "Contact"), ("Account", "Account")]
)
def test_an_object_answers_to_its_plural(words: str, name: str, schema: Snapshot) -> None:
    assert schema.by_key[catalogue.squeeze(words)] == (name,)


def test_the_nearest_names_come_best_first_and_far_ones_not_at_all(schema: Snapshot) -> None:
    assert schema.nearest_objects("Acounts")[0] == "Accounts"
    assert schema.nearest_objects("Zebra") == ()
    assert schema.nearest_fields("Anual Revenu", ["Account"]) == ("Annual Revenue",)


def _pipeline(**parts: object) -> Pipeline:
    where = Operation(
        op="eq",
        args=(FieldRef(object="Contact", name="Type", path="Account.Type"), Literal_(value="Customer", type="text")),
    )
    source = Source(objects=(SourceObject(name="Contact", fields=("Id",), where=where),))
    return Pipeline.model_validate({"name": "crm", "requirements": (), "source": source, **parts})


def test_the_canonical_text_reads_back_to_the_same_pipeline_and_hash() -> None:
    pipeline = _pipeline(target=Target(system="snowflake", schema="PUBLIC", table="crm", layout="unified"))
    text = pipeline.to_json()
    again = Pipeline.from_json(text)
    assert again == pipeline
    assert again.to_json() == text
    assert again.ir_hash == pipeline.ir_hash
    assert text.endswith("}\n")
    assert json.loads(text)["target"]["schema"] == "PUBLIC"


def test_a_path_appears_only_where_a_field_has_one() -> None:
    (where,) = [one["where"] for one in json.loads(_pipeline().to_json())["source"]["objects"]]
    assert where["args"][0] == {"op": "field", "object": "Contact", "name": "Type", "path": "Account.Type"}
    assert "path" not in json.loads(FieldRef(object="Account", name="Type").model_dump_json())


def test_numbers_are_written_in_their_shortest_form() -> None:
    assert Literal_(value=5.0, type="number").model_dump_json() == '{"op":"literal","value":5,"type":"number"}'
    assert Guard(kind="max_changed_ratio", value=0.2).model_dump_json().endswith('"value":0.2}')
    condition = Operation(op="is_null", args=(FieldRef(object="Account", name="Type"),))
    assert Case(when=condition, value=2.0).value == 2


def test_the_ir_is_frozen_and_closed() -> None:
    pipeline = _pipeline()
    with pytest.raises(ValidationError):
        pipeline.deletes = "flag"
    with pytest.raises(ValidationError):
        _pipeline(surprise=1)
    with pytest.raises(ValidationError):
        Operation.model_validate({"op": "exec", "args": []})

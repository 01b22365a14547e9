"""Reading whole files: broken files, the lock, normal form, contradictions, and JSON for machines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from durable_compiler import catalogue, lock
from durable_compiler.catalogue import Snapshot
from durable_compiler.explain import all_ir_text, explain_sentence, ir_text
from durable_compiler.interpret import Reading, read_file

SYNC = "- R1.1 Syncs Accounts and Contacts from Salesforce\n"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "requirements").mkdir()
    return tmp_path / "requirements" / "crm.md"


def _read(spec: Path, schema_path: Path, text: str) -> Reading:
    spec.write_text(text)
    return read_file(spec, schema_path)


def _codes(reading: Reading) -> list[str]:
    return [one.code for one in reading.diagnostics]


def test_a_missing_file_is_a_diagnostic(spec: Path, schema_path: Path) -> None:
    reading = read_file(spec, schema_path)
    assert _codes(reading) == ["DUR001"]
    assert reading.diagnostics[0].file == "requirements/crm.md"


def test_a_folder_in_place_of_a_file_is_a_diagnostic(spec: Path, schema_path: Path) -> None:
    spec.mkdir()
    assert _codes(read_file(spec, schema_path)) == ["DUR001"]


def test_bytes_that_are_not_utf8_are_a_diagnostic_at_their_column(spec: Path, schema_path: Path) -> None:
    spec.write_bytes(b"# Title\n- R1.1 Syncs \xc3\xa9 \xff\n")
    (found,) = read_file(spec, schema_path).diagnostics
    assert (found.code, found.line, found.column) == ("DUR002", 2, 16)


def test_without_a_snapshot_the_help_says_discover(spec: Path, tmp_path: Path) -> None:
    spec.write_text(SYNC)
    (found,) = read_file(spec, tmp_path / "requirements" / "salesforce.schema.json").diagnostics
    assert found.code == "DUR011"
    assert "durable discover" in found.help
    assert found.file == "requirements/salesforce.schema.json"


@pytest.mark.parametrize("text", ["{", "[]", '{"snapshot_version": 2}', '{"snapshot_version": 1}', "\xff"])
def test_a_broken_snapshot_is_a_diagnostic(spec: Path, tmp_path: Path, text: str) -> None:
    spec.write_text(SYNC)
    snapshot = tmp_path / "salesforce.schema.json"
    snapshot.write_bytes(text.encode("latin-1"))
    assert _codes(read_file(spec, snapshot)) == ["DUR012"]


def test_a_file_name_that_is_no_pipeline_name_is_a_diagnostic(spec: Path, schema_path: Path) -> None:
    other = spec.with_name("Customer Data.md")
    assert _codes(_read(other, schema_path, SYNC)) == ["DUR013"]


@pytest.mark.parametrize("text", ["{", '{"lock_version": 1}', '{"lock_version": 9, "requirements": []}'])
def test_a_broken_lock_is_a_diagnostic(spec: Path, schema_path: Path, text: str) -> None:
    lock.lock_path(spec).write_text(text)
    assert _codes(_read(spec, schema_path, SYNC)) == ["DUR014"]


def test_the_lock_of_a_reading_is_stable_and_reads_back(spec: Path, schema_path: Path) -> None:
    first = _read(spec, schema_path, SYNC + "- R1.10 Contact Email is required\n- R1.2 Runs hourly UTC\n")
    lock.lock_path(spec).write_text(first.lock_text)
    again = read_file(spec, schema_path)
    assert again.diagnostics == ()
    assert again.lock_text == first.lock_text
    blocks = json.loads(first.lock_text)["requirements"]
    assert [block["id"] for block in blocks] == ["R1.1", "R1.2", "R1.10"]
    assert blocks[2]["bound"] == ["Contact", "Contact.Email"]
    assert blocks[2]["echo"] == "Contact Email is required"


def test_a_label_that_moves_to_another_field_is_rejected_with_both(
    spec: Path, schema_path: Path, schema: Snapshot
) -> None:
    text = "- R1.1 Syncs Contacts from Salesforce\n- R1.2 Contact Birthdate is required\n"
    lock.lock_path(spec).write_text(_read(spec, schema_path, text).lock_text)
    contact = schema.by_name["Contact"]
    relabelled = {"Birthdate": "Born", "Email": "Birthdate"}
    fields = tuple(replace(one, label=relabelled.get(one.name, one.label)) for one in contact.fields)
    fields = tuple(replace(one, name="Mail__c") if one.name == "Email" else one for one in fields)
    fields = tuple(replace(one, name="BirthdateOld__c") if one.name == "Birthdate" else one for one in fields)
    objects = tuple(replace(one, fields=fields) if one.name == "Contact" else one for one in schema.objects)
    moved = spec.with_name("moved.schema.json")
    moved.write_text(catalogue.dump(replace(schema, objects=objects)))
    (found,) = read_file(spec, moved).diagnostics
    assert found.code == "DUR070"
    assert found.suggestions == ("Contact.Birthdate", "Contact.Mail__c")


def test_a_spec_of_one_sentence_has_every_default_and_lists_it(spec: Path, schema_path: Path) -> None:
    pipeline = _read(spec, schema_path, SYNC).pipeline
    assert pipeline is not None
    ir = json.loads(pipeline.to_json())
    assert ir["schedule"] is None
    assert ir["target"] is None
    assert ir["write"] == {"mode": "upsert", "key": ["source_object", "source_id"], "batch_rows": 50000}
    assert ir["incremental"] == {
        "enabled": True,
        "cursor": "SystemModstamp",
        "overlap_seconds": 600,
        "full_refresh_cron": None,
        "formula_refresh": "every_run",
        "reconcile_cron": "0 3 * * 0",
    }
    assert ir["trace"] == {"source.objects": ["R1.1"]}
    assert {one["key"] for one in ir["assumptions"]} >= {"write.mode", "deletes", "retry.classes", "drift.column"}
    assert {one["requirement"] for one in ir["assumptions"]} == {"R1.1"}


def test_fields_start_with_the_system_three_and_leave_compound_ones_out(spec: Path, schema_path: Path) -> None:
    pipeline = _read(spec, schema_path, SYNC).pipeline
    assert pipeline is not None
    fields = pipeline.source.objects[0].fields
    assert fields[:4] == ("Id", "SystemModstamp", "IsDeleted", "Name")
    assert "BillingCity" in fields
    assert "BillingAddress" not in fields
    assert len(set(fields)) == len(fields)


@pytest.mark.parametrize(
    ("sentence", "key"),
    [
        ("Writes each object to its own Snowflake table", ["source_id"]),
        ("Appends every change", ["source_object", "source_id", "source_modified_at"]),
        ("Keeps the full history of changes", ["source_object", "source_id", "valid_from"]),
    ],
)
def test_the_write_key_follows_layout_and_mode(spec: Path, schema_path: Path, sentence: str, key: list[str]) -> None:
    pipeline = _read(spec, schema_path, f"{SYNC}- R1.2 {sentence}\n").pipeline
    assert pipeline is not None
    assert list(pipeline.write.key) == key


def test_a_replacing_pipeline_is_not_incremental(spec: Path, schema_path: Path) -> None:
    pipeline = _read(spec, schema_path, SYNC + "- R1.2 Replaces the table on every run\n").pipeline
    assert pipeline is not None
    assert pipeline.write.mode == "replace"
    assert pipeline.incremental.enabled is False


def test_two_sentences_about_one_thing_are_traced_to_both(spec: Path, schema_path: Path) -> None:
    text = SYNC + "- R1.3 Also syncs Opportunities\n- R1.2 Syncs Customer Health from Salesforce\n"
    pipeline = _read(spec, schema_path, text).pipeline
    assert pipeline is not None
    assert [one.name for one in pipeline.source.objects] == ["Account", "Contact", "Opportunity", "Customer_Health__c"]
    assert pipeline.trace["source.objects"] == ("R1.1", "R1.2", "R1.3")


def test_a_bare_field_is_looked_up_in_the_synced_objects_only(spec: Path, schema_path: Path) -> None:
    text = "- R1.1 Syncs Opportunities from Salesforce\n- R1.2 Created Date is required\n"
    pipeline = _read(spec, schema_path, text).pipeline
    assert pipeline is not None
    assert [(one.object, one.field) for one in pipeline.required] == [("Opportunity", "CreatedDate")]


def test_explain_prints_only_the_keys_that_a_clause_sets(schema: Snapshot) -> None:
    assert explain_sentence("Runs nightly at 2:00 AM UTC", schema) == {
        "text": "Runs nightly at 2:00 AM UTC",
        "status": "understood",
        "clauses": [
            {
                "kind": "schedule",
                "echo": "Runs every day at 02:00 UTC",
                "ir": {"schedule": {"cron": "0 2 * * *", "timezone": "UTC"}},
            }
        ],
        "diagnostics": [],
    }


def test_explain_of_a_rejected_sentence_has_the_diagnostic(schema: Snapshot) -> None:
    found = explain_sentence("Runs nightly at 25:00", schema)
    assert found["status"] == "rejected"
    assert found["clauses"] == []
    assert [(one["code"], one["column"], one["end_column"]) for one in found["diagnostics"]] == [("DUR040", 17, 22)]


def test_ir_of_all_lists_pipelines_and_rejected_files(spec: Path, schema_path: Path) -> None:
    spec.write_text(SYNC)
    bad = spec.with_name("bad.md")
    bad.write_text("- R1.1 Syncs Acounts from Salesforce\n")
    text, code = all_ir_text({"crm": spec, "bad": bad}, schema_path)
    data = json.loads(text)
    assert code == 1
    assert [one["name"] for one in data["pipelines"]] == ["crm"]
    assert [(one["name"], one["diagnostics"][0]["code"]) for one in data["rejected"]] == [("bad", "DUR030")]
    assert ir_text(spec, schema_path)[1] == 0
    assert json.loads(ir_text(bad, schema_path)[0])["name"] == "bad"


def test_explain_of_a_sentence_that_contradicts_itself_is_rejected(schema: Snapshot) -> None:
    found = explain_sentence("Runs nightly at 2:00 AM UTC and runs nightly at 3:00 AM UTC", schema)
    assert found["status"] == "rejected"
    assert [one["code"] for one in found["diagnostics"]] == ["DUR061"]

"""What the compiler understands and still refuses to promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_compiler.capabilities import NOT_YET, refuse
from durable_compiler.compilation import compile_pipeline
from unit.compiler_backend.spec import describe, read, snapshot, spec

ACCOUNT = describe("Account", {"Name": "string", "Phone": "phone"})


@pytest.mark.parametrize(
    ("head", "missing"),
    [
        (("Syncs {objects} from Salesforce",), ["schedule", "target"]),
        (("Syncs {objects} from Salesforce", "Runs nightly at 2:00 AM UTC"), ["target"]),
        (("Syncs {objects} from Salesforce", "Writes to Snowflake table customer_data"), ["schedule"]),
    ],
)
def test_without_a_schedule_or_a_target_there_is_no_package(
    head: tuple[str, ...], missing: list[str], tmp_path: Path
) -> None:
    schema = snapshot(ACCOUNT)
    read(tmp_path, schema, spec("Accounts", head=head))
    outcome = compile_pipeline(tmp_path, "customer_data", commit=False)
    assert outcome.status == "rejected"
    assert [(one.code, one.message) for one in outcome.diagnostics] == [
        ("DUR080", f"no requirement says the {one}; a package cannot be made without it") for one in missing
    ]
    assert all(one.help.startswith("Add a requirement such as: ") for one in outcome.diagnostics)
    assert not (tmp_path / "generated").exists()


NOT_RUNNABLE = {
    "Replaces the table on every run": "write.mode",
    "Does a full refresh every Sunday at 3:00 AM UTC": "incremental",
    "Formats phone numbers as E.164": "conventions",
    "Fails the run if any Account has no Name": "required",
    "Unknown fields propose a change to this spec": "drift",
    "Keeps monitoring data for 30 days": "retention",
    "Alerts #data-ops on Slack when new fields appear": "alerts",
}


@pytest.mark.parametrize("sentence", NOT_RUNNABLE)
def test_a_sentence_that_cannot_run_yet_is_named_with_its_line_and_an_alternative(
    sentence: str, tmp_path: Path
) -> None:
    schema = snapshot(ACCOUNT)
    pipeline = read(tmp_path, schema, spec("Accounts", sentence))
    found = refuse(pipeline, schema)
    assert [(one.code, one.requirement, one.line) for one in found] == [("DUR081", "R1.4", 6)]
    assert found[0].help == f"Until then: {NOT_YET[NOT_RUNNABLE[sentence]][2]}"


def test_a_table_for_each_object_cannot_run_yet(tmp_path: Path) -> None:
    head = ("Syncs {objects} from Salesforce", "Runs nightly at 2:00 AM UTC")
    text = spec("Accounts", "Writes each object to its own Snowflake table", head=head)
    schema = snapshot(ACCOUNT)
    assert [(one.code, one.requirement) for one in refuse(read(tmp_path, schema, text), schema)] == [("DUR081", "R1.3")]


def test_each_alternative_is_a_sentence_that_runs(tmp_path: Path) -> None:
    schema = snapshot(ACCOUNT, describe("Contact", {"Email": "email"}))
    for at, (_, _, instead) in enumerate(NOT_YET.values()):
        if instead.startswith(("Writes to", "leave the")):
            continue
        pipeline = read(tmp_path / str(at), schema, spec("Accounts and Contacts", instead))
        assert refuse(pipeline, schema) == []


def test_two_fields_in_one_column_are_refused_at_the_sentence_that_syncs_them(tmp_path: Path) -> None:
    schema = snapshot(describe("Account", {"HealthScore__c": "string", "Health_Score__c": "string"}))
    read(tmp_path, schema, spec("Accounts"))
    outcome = compile_pipeline(tmp_path, "customer_data", commit=False)
    (found,) = outcome.diagnostics
    assert (found.code, found.requirement, found.file, found.line) == (
        "DUR082",
        "R1.1",
        "requirements/customer_data.md",
        3,
    )
    assert found.message == "Account.HealthScore__c and Account.Health_Score__c would share the column health_score"
    assert not (tmp_path / "generated").exists()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("CRM.Select.customers", "the name Select is a word of SQL"),
        ("durable_state", "the name durable_state begins like the tables of Durable itself"),
        ("t" * 201, f"the name {'t' * 201} is longer than 200 characters"),
    ],
)
def test_a_table_name_that_the_warehouse_refuses_is_refused_at_compile(
    table: str, message: str, tmp_path: Path
) -> None:
    schema = snapshot(ACCOUNT)
    head = ("Syncs {objects} from Salesforce", "Runs nightly at 2:00 AM UTC", f"Writes to Snowflake table {table}")
    found = refuse(read(tmp_path, schema, spec("Accounts", head=head)), schema)
    assert [(one.code, one.requirement, one.message) for one in found] == [("DUR083", "R1.3", message)]


@pytest.mark.parametrize("table", ["account", "issue", "order", "orders", "CRM.ANALYTICS.ACCOUNTS", "t" * 200])
def test_a_name_that_both_warehouses_take_is_taken(table: str, tmp_path: Path) -> None:
    schema = snapshot(ACCOUNT)
    head = ("Syncs {objects} from Salesforce", "Runs nightly at 2:00 AM UTC", f"Writes to Snowflake table {table}")
    assert refuse(read(tmp_path, schema, spec("Accounts", head=head)), schema) == []

"""From fields to columns: names, types, sharing between objects, and clashes."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from durable_compiler.catalogue import Snapshot
from durable_compiler.ir import Pipeline
from durable_compiler.layout import RESERVED, Layout, column_name, lay_out, table_name
from durable_compiler.plan import object_names, plan
from unit.compiler_backend.spec import IDENTITY, describe, owners, package, read, snapshot, spec


def laid_out(tmp_path: Path, schema: Snapshot, objects: str, *sentences: str) -> tuple[Pipeline, Layout]:
    pipeline = read(tmp_path, schema, spec(objects, *sentences))
    return pipeline, lay_out(pipeline, schema)


def names(layout: Layout, name: str) -> dict[str, str]:
    return {one.field: one.name for one in layout.columns[name]}


@pytest.mark.parametrize(
    ("api_name", "column"),
    [
        ("AnnualRevenue", "annual_revenue"),
        ("ns__Tier__c", "ns_tier"),
        ("SLAExpirationDate__c", "sla_expiration_date"),
        ("HQ_Location__Latitude__s", "hq_location_latitude"),
        ("PersonBirthdate__pc", "person_birthdate"),
        ("Name", "name"),
        ("External_ID__c", "external_id"),
        ("X2ndPhone__c", "x2nd_phone"),
        ("Level2Support__c", "level2_support"),
        ("A__B___C__c", "a_b_c"),
        ("Case", "case_"),
        ("Order__c", "order_"),
        ("Organization", "organization"),
        ("Rlike__c", "rlike_"),
        ("Lambda__c", "lambda_"),
        ("2nd__c", "2nd_"),
        ("Source_Id__c", "source_id_"),
        ("RunId__c", "run_id_"),
        ("Row_Hash__c", "row_hash_"),
        ("IsDeleted__c", "is_deleted_"),
        ("Extensions__c", "extensions_"),
        ("Class__c", "class"),
        ("Return__c", "return"),
    ],
)
def test_a_field_has_the_column_that_the_rules_of_naming_give(api_name: str, column: str) -> None:
    assert column_name(api_name) == column


@pytest.mark.parametrize(
    ("api_name", "table"), [("Account", "account"), ("Order", "order_"), ("Customer_Health__c", "customer_health")]
)
def test_a_table_is_named_like_a_column(api_name: str, table: str) -> None:
    assert table_name(api_name) == table


def test_every_word_that_duckdb_reserves_is_escaped() -> None:
    found = duckdb.execute("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'").fetchall()
    assert {word for (word,) in found} <= RESERVED


def test_a_custom_field_yields_to_the_standard_one_of_the_same_name(tmp_path: Path) -> None:
    schema = snapshot(describe("Account", {"Rating__c": "string", "Rating": "picklist"}))
    _, layout = laid_out(tmp_path, schema, "Accounts")
    assert names(layout, "Account") == {"Rating__c": "rating_c", "Rating": "rating"}
    assert layout.shared == ()


def test_cleaning_a_custom_field_leaves_it_its_own_column(tmp_path: Path) -> None:
    schema = snapshot(describe("Account", {"Rating__c": "string", "Rating": "picklist"}))
    _, layout = laid_out(tmp_path, schema, "Accounts", "Trims Account Rating__c")
    assert names(layout, "Account") == {"Rating__c": "rating_c", "Rating": "rating"}


def test_two_custom_fields_of_one_name_are_told_apart_by_nobody(tmp_path: Path) -> None:
    schema = snapshot(describe("Account", {"HealthScore__c": "string", "Health_Score__c": "string"}))
    _, layout = laid_out(tmp_path, schema, "Accounts")
    (found,) = layout.shared
    assert (found.column, found.first.field, found.second.field) == (
        "health_score",
        "HealthScore__c",
        "Health_Score__c",
    )


def test_objects_share_a_column_of_one_name_and_type_whatever_the_lengths(tmp_path: Path) -> None:
    long, short = {"type": "string", "length": 255}, {"type": "email", "length": 80}
    schema = snapshot(describe("Account", {"Name": long}), describe("Contact", {"Name": short}))
    _, layout = laid_out(tmp_path, schema, "Contacts and Accounts")
    assert [one.name for one in layout.unified()] == ["name"]
    assert layout.clashes == ()


def test_on_a_clash_the_first_object_keeps_the_name_and_an_assumption_tells_of_the_other(tmp_path: Path) -> None:
    schema = snapshot(describe("Account", {"Score__c": "double"}), describe("Contact", {"Score__c": "string"}))
    pipeline, layout = laid_out(tmp_path, schema, "Contacts and Accounts")
    assert names(layout, "Contact") == {"Score__c": "score"}
    assert names(layout, "Account") == {"Score__c": "account_score"}
    told = [one for one in pipeline.assumptions if one.key == "columns.Account.score"]
    assert [(one.requirement, one.value) for one in told] == [("R1.1", "account_score")]


def test_an_object_that_is_added_later_renames_nothing(tmp_path: Path) -> None:
    schema = snapshot(
        describe("Account", {"Score__c": "double"}),
        describe("Contact", {"Score__c": "string"}),
        describe("Lead", {"Score__c": "date", "Name": "string"}),
    )
    _, before = laid_out(tmp_path, schema, "Contacts and Accounts")
    _, after = laid_out(tmp_path, schema, "Contacts, Accounts and Leads")
    assert {**before.columns, "Lead": after.columns["Lead"]} == after.columns
    assert names(after, "Lead") == {"Score__c": "lead_score", "Name": "name"}


def test_a_renamed_column_that_meets_another_field_is_refused(tmp_path: Path) -> None:
    schema = snapshot(
        describe("Contact", {"Score__c": "string"}),
        describe("Account", {"Account_Score__c": "string", "Score__c": "double"}),
    )
    _, layout = laid_out(tmp_path, schema, "Contacts and Accounts")
    assert [one.column for one in layout.shared] == ["account_score"]


TYPES = {
    "string": ("VARCHAR", "VARCHAR"),
    "picklist": ("VARCHAR", "VARCHAR"),
    "multipicklist": ("VARCHAR", "VARCHAR"),
    "combobox": ("VARCHAR", "VARCHAR"),
    "textarea": ("VARCHAR", "VARCHAR"),
    "phone": ("VARCHAR", "VARCHAR"),
    "email": ("VARCHAR", "VARCHAR"),
    "url": ("VARCHAR", "VARCHAR"),
    "reference": ("VARCHAR", "VARCHAR"),
    "anyType": ("VARCHAR", "VARCHAR"),
    "boolean": ("BOOLEAN", "BOOLEAN"),
    "int": ("BIGINT", "NUMBER(38,0)"),
    "long": ("BIGINT", "NUMBER(38,0)"),
    "currency": ("DECIMAL(38,18)", "NUMBER(38,18)"),
    "percent": ("DECIMAL(38,18)", "NUMBER(38,18)"),
    "double": ("DECIMAL(38,18)", "NUMBER(38,18)"),
    "date": ("DATE", "DATE"),
    "datetime": ("TIMESTAMP", "TIMESTAMP_NTZ"),
    "time": ("TIME", "TIME"),
}


def test_each_type_has_its_column_type_and_compound_and_binary_fields_have_none(tmp_path: Path) -> None:
    kinds = [*TYPES, "address", "location", "base64"]
    schema = snapshot(describe("Account", {f"{kind.title()}Field": kind for kind in kinds}))
    _, layout = laid_out(tmp_path, schema, "Accounts")
    assert {one.source_type: (one.duckdb, one.snowflake) for one in layout.columns["Account"]} == TYPES


def test_the_unified_table_has_system_columns_around_the_mapped_ones_in_order(tmp_path: Path) -> None:
    schema = snapshot(
        describe("Account", {"Name": "string", "Score__c": "double"}),
        describe("Contact", {"Email": "email", "Name": "string", "Score__c": "date"}),
    )
    pipeline, _ = laid_out(tmp_path, schema, "Contacts and Accounts", "Deduplicates Contacts by Email")
    columns = plan(pipeline, schema, IDENTITY, owners(pipeline))[0].values["tables"][0]["columns"]
    assert [one["name"] for one in columns] == [
        *("source_object", "source_id", "source_modified_at", "is_deleted", "deleted_at", "deleted_reason"),
        *("email", "name", "score", "account_score"),
        *("dedupe_key", "extensions", "row_hash", "loaded_at", "run_id", "pipeline_version"),
    ]


def test_objects_that_python_would_confuse_have_names_of_their_own(tmp_path: Path) -> None:
    api_names = ("Account", "Account__c", "Class__c", "Extracts__c", "Account_Fields__c", "ns__Foo__c")
    assert object_names(api_names) == {
        "Account": "account",
        "Account__c": "account_object",
        "Class__c": "class",
        "Extracts__c": "extracts_object",
        "Account_Fields__c": "account_fields_object",
        "ns__Foo__c": "ns__foo",
    }


def test_two_objects_of_one_name_and_python_keywords_compile_to_two_of_everything(tmp_path: Path) -> None:
    schema = snapshot(
        describe("Team", {"Class__c": "string"}),
        describe("Team__c", {"Return__c": "string"}, label="Squad", labelPlural="Squads"),
    )
    pipeline, _ = laid_out(tmp_path, schema, "Team and Squads")
    text = (package(tmp_path / "package", schema, pipeline) / "extract.py").read_text()
    assert "EXTRACTS = (\n    TEAM,\n    TEAM_OBJECT,\n)" in text

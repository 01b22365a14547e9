"""Tables for each way of writing: one for all objects or one each, and what appending and history need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot

from unit.compiler_backend.spec import load_module, package
from unit.compiler_backend.whole import pipeline, schema, silent, whole

SEVERAL = {"target": {"system": "snowflake", "database": "CRM", "schema": "PUBLIC", "table": None,
                      "layout": "per_object"}}  # fmt: skip
KEYS = {
    ("upsert", "unified"): ["source_object", "source_id"],
    ("replace", "unified"): ["source_object", "source_id"],
    ("append", "unified"): ["source_object", "source_id", "source_modified_at"],
    ("history", "unified"): ["source_object", "source_id", "valid_from"],
    ("upsert", "per_object"): ["source_id"],
    ("append", "per_object"): ["source_id", "source_modified_at"],
    ("history", "per_object"): ["source_id", "valid_from"],
}


def target(tmp_path: Path, mode: str, layout: str, system: str, **said: Any) -> Any:
    values = silent() | (SEVERAL if layout == "per_object" else {}) | said
    values["write"] = {"mode": mode, "key": KEYS[mode, layout]}
    folder = package(tmp_path / "package", schema(), pipeline(values))
    return load_module(folder, "load")["TARGETS"][system]


def statements(found: Any) -> list[str]:
    made = list(found.create)
    for one in found.objects.values():
        made += one.create
    return made


@pytest.mark.parametrize("system", ["duckdb", "snowflake"])
@pytest.mark.parametrize(("mode", "layout"), KEYS)
def test_every_statement_parses_in_its_dialect(mode: str, layout: str, system: str, tmp_path: Path) -> None:
    found = target(tmp_path, mode, layout, system)
    assert len(statements(found)) == (3 if layout == "unified" else 6)
    for statement in (*statements(found), *(one.merge() for one in found.objects.values())):
        (parsed,) = sqlglot.parse(statement, dialect=system)
        assert isinstance(parsed, sqlglot.exp.Create | sqlglot.exp.Merge)


@pytest.mark.parametrize(("mode", "layout"), KEYS)
def test_duckdb_creates_the_tables_and_plans_the_merges(mode: str, layout: str, tmp_path: Path) -> None:
    found = target(tmp_path, mode, layout, "duckdb")
    with duckdb.connect() as database:
        database.execute("CREATE SCHEMA public")
        for statement in statements(found):
            database.execute(statement)
        for name, one in found.objects.items():
            table = one.table or found.table
            columns = [column.name for column in (one.columns or found.columns)]
            described = database.execute(f"DESCRIBE public.{table}").fetchall()
            assert [row[0] for row in described] == columns
            object_column = "" if "source_object" in columns else f"'{name}' AS source_object, "
            database.execute(
                f"CREATE OR REPLACE VIEW public.{table}__stage AS "
                f"SELECT *, {object_column}'live' AS __outcome FROM public.{table}"
            )
            database.execute(f"EXPLAIN {one.merge()}")
            assert " AND ".join(f"t.{key} = s.{key}" for key in KEYS[mode, layout]) in one.merge()
            assert ("WHEN MATCHED" in one.merge()) == (mode != "append")


def test_each_object_has_a_table_of_its_own_without_the_objects_name(tmp_path: Path) -> None:
    found = target(tmp_path, "upsert", "per_object", "snowflake")
    assert (found.table, found.columns, found.create) == ("", (), ())
    assert {name: one.table for name, one in found.objects.items()} == {"Account": "account", "Contact": "contact"}
    first = found.objects["Contact"]
    assert [column.name for column in first.columns][:5] == [
        "source_id", "source_modified_at", "is_deleted", "deleted_at", "deleted_reason",
    ]  # fmt: skip
    assert "annual_revenue" not in [column.name for column in first.columns]
    assert [one.split("(")[0].split()[-1] for one in first.create] == [
        "crm.public.contact", "crm.public.contact__duplicates", "crm.public.contact__rejects",
    ]  # fmt: skip


def test_a_version_of_a_row_has_its_time_and_a_field_of_that_name_steps_aside(tmp_path: Path) -> None:
    maps = [{"object": "Contact", "field": "Started__c", "column": "valid_from"}]
    found = target(tmp_path, "history", "unified", "duckdb", mappings=maps)
    names = [column.name for column in found.columns]
    assert names[4:8] == ["deleted_at", "deleted_reason", "valid_from", "valid_to"]
    assert "valid_from_" in names


def test_unknown_fields_go_to_the_column_that_the_spec_names(tmp_path: Path) -> None:
    said = whole() | {"drift": {"column": "others"}}
    found = load_module(package(tmp_path / "package", schema(), pipeline(said)), "load")["TARGETS"]["duckdb"]
    assert "others" in [column.name for column in found.columns]
    assert "others = s.others" in found.objects["Account"].merge()

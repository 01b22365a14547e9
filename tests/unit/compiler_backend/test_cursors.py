"""Objects without SystemModstamp: the best stamp takes its place, the spec's assumptions say so, and nothing breaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from durable_compiler.interpret import read_file
from durable_compiler.ir import Pipeline
from durable_runtime.macros import MACROS
from durable_runtime.spec import Extract, Transform
from unit.compiler_backend.spec import describe, load_module, package, read, snapshot, spec

STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime")


def login(*without: str, **more: Any) -> dict[str, Any]:
    """A described LoginHistory with all four stamps and IsDeleted, less some."""
    fields = {"UserId": "reference", "Status": "string", **dict.fromkeys(STAMPS, "datetime"), **more}
    found = describe("LoginHistory", fields)
    return {**found, "fields": [one for one in found["fields"] if one["name"] not in without]}


def compiled(folder: Path, described: dict[str, Any], *sentences: str) -> tuple[Pipeline, Extract, Transform]:
    """The pipeline of a spec about logins, and what its package reads and makes of them."""
    schema = snapshot(described)
    pipeline = read(folder, schema, spec("LoginHistory", *sentences))
    package(folder / "made", schema, pipeline)
    (extract,), (transform,) = (
        load_module(folder / "made", name)[name.upper() + "S"] for name in ("extract", "transform")
    )
    return pipeline, extract, transform


def assumed(pipeline: Pipeline) -> dict[str, Any]:
    return {one.key: (one.value, one.why) for one in pipeline.assumptions if one.key.startswith("incremental.cursor")}


@pytest.mark.parametrize("missing", range(1, 4))
def test_the_best_stamp_that_an_object_has_is_its_cursor_and_an_assumption(tmp_path: Path, missing: int) -> None:
    pipeline, extract, transform = compiled(tmp_path, login(*STAMPS[:missing]))
    cursor = STAMPS[missing]
    value, why = assumed(pipeline)["incremental.cursor.LoginHistory"]
    assert value == cursor
    assert why.startswith("LoginHistory has no SystemModstamp: ")
    assert ("full refresh only" in why) is (missing > 1)
    assert (extract.cursor, extract.moves) == (cursor, False)
    assert "SystemModstamp" not in extract.fields
    assert f'read_timestamp("{cursor}") AS source_modified_at' in transform.select
    assert f"Changes are read by {cursor}: " in (tmp_path / "made" / "MAPPING.md").read_text(encoding="utf-8")


def test_an_object_with_system_modstamp_has_no_assumption_of_its_own(tmp_path: Path) -> None:
    pipeline, extract, _ = compiled(tmp_path, login())
    assert set(assumed(pipeline)) == {"incremental.cursor"}
    assert extract.cursor == "SystemModstamp"


@pytest.mark.parametrize("stamp", [None, {"type": "date"}, {"type": "datetime", "filterable": False}])
def test_an_object_without_a_stamp_to_filter_by_is_read_whole_by_every_run(
    tmp_path: Path, stamp: dict[str, Any] | None
) -> None:
    described = login(*STAMPS)
    described["fields"] += [] if stamp is None else [{"name": "LoginTime", "label": "Login Time", **stamp}]
    pipeline, extract, transform = compiled(tmp_path, described)
    assert assumed(pipeline)["incremental.cursor.LoginHistory"][0] == "none"
    assert (extract.cursor, extract.moves) == ("", True)
    assert extract.fields == ("Id", "IsDeleted", "UserId", "Status", *(() if stamp is None else ("LoginTime",)))
    if stamp is None:
        found = rows(transform, "Id,UserId,Status\n1,005,Success\n")
        assert found == [("1", "1970-01-01 00:00:00", False, None)]  # one stamp, so that what was read last counts


def rows(transform: Transform, page: str) -> list[tuple[Any, ...]]:
    """(Id, stamp, deleted, misfit) of landed records by the generated SELECT."""
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        for macro in MACROS:
            database.execute(macro)
        header, *lines = [line.split(",") for line in page.splitlines()]
        landed = " UNION ALL ".join(
            "SELECT "
            + ", ".join(
                f"nullif('{value}', '')::VARCHAR AS \"{name}\"" for name, value in zip(header, one, strict=True)
            )
            + (', NULL::VARCHAR AS "IsDeleted"' if "IsDeleted" not in header else "")
            + ", NULL::VARCHAR AS __extensions, NULL AS __record"
            for one in lines
        )
        return database.execute(
            f"WITH landed AS ({landed}) SELECT source_id, source_modified_at::VARCHAR, is_deleted, __misfit "
            f"FROM ({transform.select}) ORDER BY source_id"
        ).fetchall()


def test_a_record_is_stamped_by_the_cursor_and_not_deleted_where_the_object_cannot_say(tmp_path: Path) -> None:
    pipeline, extract, transform = compiled(tmp_path, login(*STAMPS[:3], "IsDeleted"))
    assert pipeline.source.objects[0].fields[:3] == ("Id", "SystemModstamp", "IsDeleted")  # the spec's words stay
    assert extract.fields == ("Id", "UserId", "Status", "LoginTime")
    page = "Id,UserId,Status,LoginTime\n1,005,Success,2026-01-05T02:00:00.000Z\n2,005,Failed,yesterday\n"
    assert rows(transform, page) == [
        ("1", "2026-01-05 02:00:00", False, None),
        ("2", None, False, "value_does_not_fit LoginTime"),
    ]


def test_a_stamp_that_the_spec_does_not_list_is_read_without_a_column(tmp_path: Path) -> None:
    _, extract, transform = compiled(tmp_path, login(*STAMPS[:3]), "Syncs only Status of LoginHistory")
    assert extract.fields == ("Id", "IsDeleted", "Status", "LoginTime")
    assert [one.name for one in transform.columns] == ["status"]
    assert extract.refused == ("UserId",)


def test_a_stamp_that_the_spec_leaves_out_or_hides_is_no_cursor(tmp_path: Path) -> None:
    for at, sentence in enumerate(("Leaves out LoginHistory CreatedDate", "Hashes LoginHistory CreatedDate")):
        pipeline, _, _ = compiled(tmp_path / str(at), login(*STAMPS[:2]), sentence)
        assert assumed(pipeline)["incremental.cursor.LoginHistory"][0] == "LoginTime"


def test_a_sentence_that_names_system_modstamp_is_refused_for_an_object_without_it(tmp_path: Path) -> None:
    sentence = "Reads only records modified since the last run, based on SystemModstamp"
    folder = tmp_path / "requirements"
    read(tmp_path, snapshot(login()), spec("LoginHistory", sentence))
    read(tmp_path, snapshot(login(*STAMPS[:3])), spec("LoginHistory"))
    path = folder / "customer_data.md"
    path.write_text(spec("LoginHistory", sentence), encoding="utf-8")
    reading = read_file(path, folder / "salesforce.schema.json")
    (found,) = [one for one in reading.diagnostics if one.severity == "error"]
    assert (found.code, found.requirement) == ("DUR065", "R1.4")
    assert "SystemModstamp, which LoginHistory does not have" in found.message


def test_another_cursor_is_another_row_function(tmp_path: Path) -> None:
    functions = set()
    for missing in range(1, 5):
        folder = tmp_path / str(missing)
        compiled(folder, {**login(*STAMPS[:missing])}, "Syncs only Status of LoginHistory")
        text = (folder / "made" / "load.py").read_text(encoding="utf-8")
        functions.add(text.partition("ROW_FUNCTIONS = ")[2])
    assert len(functions) == 4


def test_the_package_tells_the_types_that_it_was_compiled_for(tmp_path: Path) -> None:
    described = login(Reason__c={"type": "picklist", "length": 40, "picklistValues": [
        {"value": one, "label": one, "active": one != "Old"} for one in ("Ok", "Bad", "Old")
    ]})  # fmt: skip
    _, extract, _ = compiled(
        tmp_path, described, "Maps LoginHistory Reason__c Ok to fine; anything else becomes unknown"
    )
    assert (extract.types["Reason__c"], extract.types["LoginTime"]) == ("picklist(40)", "datetime")
    assert set(extract.types) == set(extract.fields)
    assert extract.listed == {"Reason__c": ("Ok", "Bad")}  # the spec says what becomes of the others there are
    _, strict, _ = compiled(tmp_path / "strict", described, "Maps LoginHistory Reason__c Ok to fine")
    assert strict.listed == {"Reason__c": ("Ok",)}

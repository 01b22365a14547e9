"""Every SQL statement of a generated package: parsed for its dialect, and the DuckDB ones run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot

from durable_compiler import catalogue
from durable_compiler.ir import Pipeline
from durable_runtime.macros import MACROS
from durable_runtime.transformation import Stamp, stage
from unit.compiler_backend.spec import describe, load_module, package, read, snapshot, spec

SYSTEMS = ("duckdb", "snowflake")
ROOT = Path(__file__).parents[3]
ODD = describe(
    "Order__c",
    dict.fromkeys(("Case__c", "Class__c", "Message__c", "Record__c", "Rule__c", "Outcome__c"), "string")
    | {"Requirement__c": "string", "Created_At__c": "datetime", "Misfit__c": "double", "Page__c": "boolean"}
    | {"Winner_Id__c": "int", "Landed__c": "time", "Day__c": "date", "Select__c": "url", "T__c": "string"},
    label="Order",
    labelPlural="Orders",
)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the repository's own requirements."""
    known = catalogue.load(ROOT / "requirements" / "salesforce.schema.json")
    kept = (ROOT / "generated" / "customer_data" / "ir.json").read_text(encoding="utf-8")
    return package(tmp_path_factory.mktemp("example") / "package", known, Pipeline.from_json(kept))


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of fields whose names are words of SQL, of Python and of the load."""
    root = tmp_path_factory.mktemp("odd")
    schema = snapshot(ODD, describe("Order", {"Message__c": "double", "Name": "string"}, labelPlural="Real orders"))
    pipeline = read(root, schema, spec("Order__c and Real orders", "Deduplicates Order__c by Message__c"))
    return package(root / "package", schema, pipeline)


@pytest.fixture(params=["example", "odd"])
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


def merges(folder: Path, system: str) -> Iterator[str]:
    """Every MERGE with all columns, with the first only, with all but the first, and with none."""
    target = load_module(folder, "load")["TARGETS"][system]
    for transform in load_module(folder, "transform")["TRANSFORMS"]:
        names = [one.name for one in transform.columns]
        for shown in (names, names[:1], names[1:], []):
            yield target.objects[transform.object].merge(tuple(shown))


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_statement_parses_in_its_dialect(system: str, folder: Path) -> None:
    target = load_module(folder, "load")["TARGETS"][system]
    for statement in (*target.create, *merges(folder, system)):
        (parsed,) = sqlglot.parse(statement, dialect=system)
        assert isinstance(parsed, sqlglot.exp.Create | sqlglot.exp.Merge)
    for transform in load_module(folder, "transform")["TRANSFORMS"]:
        (parsed,) = sqlglot.parse(transform.select, dialect="duckdb")
        assert isinstance(parsed, sqlglot.exp.Select)


def test_duckdb_creates_the_tables_and_plans_every_merge(folder: Path) -> None:
    with duckdb.connect() as database:
        target = load_module(folder, "load")["TARGETS"]["duckdb"]
        for statement in (*target.create, *target.create):
            database.execute(statement)
        columns = [(one.name, one.duckdb) for one in target.columns]
        described = database.execute(f"DESCRIBE {target.table}").fetchall()
        assert [(name, kind) for name, kind, *_ in described] == columns
        database.execute(f"CREATE VIEW {target.table}__stage AS SELECT *, 'live' AS __outcome FROM {target.table}")
        for statement in merges(folder, "duckdb"):
            database.execute(f"EXPLAIN {statement}")


def test_duckdb_gives_each_select_the_columns_and_types_of_its_transform(folder: Path) -> None:
    with duckdb.connect() as database:
        for macro in MACROS:
            database.execute(macro)
        for extract, transform in zip(
            load_module(folder, "extract")["EXTRACTS"], load_module(folder, "transform")["TRANSFORMS"], strict=True
        ):
            fields = ", ".join(f'NULL::VARCHAR AS "{one}"' for one in extract.fields)
            landed = f"CREATE OR REPLACE VIEW landed AS SELECT {fields}, '' AS __extensions, 1 AS __record"
            database.execute(landed)
            described = database.execute(f"DESCRIBE {transform.select}").fetchall()
            types = {name: kind for name, kind, *_ in described}
            assert len(types) == len(described)
            wanted = {one.name: one.duckdb for one in transform.columns}
            assert {name: types[name] for name in wanted} == wanted


def test_soql_asks_for_the_shown_fields_only(folder: Path) -> None:
    for extract in load_module(folder, "extract")["EXTRACTS"]:
        assert extract.soql(("Id", "Name")) == f"SELECT Id, Name FROM {extract.object}"
        assert extract.soql() == f"SELECT {', '.join(extract.fields)} FROM {extract.object}"


def test_an_odd_spec_reads_as_it_was_meant(tmp_path: Path, odd: Path) -> None:
    """The names that collide with a word of the load keep the column that naming gives them."""
    first: Any = load_module(odd, "transform")["TRANSFORMS"][0]
    names = {one.field: one.name for one in first.columns}
    assert isinstance(names, dict)
    assert (names["Case__c"], names["Class__c"], names["Select__c"]) == ("case_", "class", "select_")


def test_fields_named_like_the_words_of_the_load_arrive_in_columns_of_their_own(odd: Path, tmp_path: Path) -> None:
    extract, transform = load_module(odd, "extract")["EXTRACTS"][0], load_module(odd, "transform")["TRANSFORMS"][0]
    target = load_module(odd, "load")["TARGETS"]["duckdb"]
    texts = {one.field: f"the {one.field}" for one in transform.columns if one.duckdb == "VARCHAR"}
    own = {"Id": "801000000000000001", "IsDeleted": "false", "SystemModstamp": "2026-11-22T01:02:03.000Z"}
    row = {**dict.fromkeys(extract.fields, ""), **texts, **own}
    page = tmp_path / "page.csv"
    page.write_text(f"{','.join(row)}\n{','.join(row.values())}\n", encoding="utf-8")
    stamp = Stamp("run-1", datetime.fromisoformat("2026-11-22T02:00:00"), "1.0.0")
    arguments: dict[str, Any] = {
        "header": tuple(row),
        "extra": (),
        "requirement": "R1.1",
        "stamp": stamp,
        "batch_rows": 10,
        "key": b"key",
    }
    staged = stage(transform, [page], folder=tmp_path, **arguments)
    with duckdb.connect() as database:
        for statement in target.create:
            database.execute(statement)
        database.execute(f"CREATE VIEW {target.table}__stage AS FROM read_parquet('{staged.batches[0][0]}')")
        database.execute(target.objects["Order__c"].merge(tuple(one.name for one in transform.columns)))
        result = database.execute(f"SELECT * FROM {target.table}")
        names = [one[0] for one in result.description or ()]
        (loaded,) = result.fetchall()
    found = dict(zip(names, loaded, strict=True))
    columns = {one.field: one.name for one in transform.columns}
    assert {field: found[columns[field]] for field in texts} == texts
    words = ("Message__c", "Record__c", "Rule__c", "Outcome__c", "Requirement__c", "Created_At__c", "Misfit__c")
    assert [columns[one] for one in words] == [one.removesuffix("__c").lower() for one in words]
    assert columns["Winner_Id__c"] == "winner_id_"

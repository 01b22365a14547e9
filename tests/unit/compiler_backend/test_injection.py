"""Hostile words in requirements and schemas end up as inert text: in literals, comments, cells, and nowhere else."""

from __future__ import annotations

import ast
import csv
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from durable_compiler.catalogue import Snapshot
from durable_compiler.emit import cell, comment, python_literal, sql_fragment, yaml_value
from durable_compiler.ir import EnumMap, Pipeline
from durable_compiler.layout import lay_out
from durable_compiler.rules import Rules
from durable_compiler.validate import ALLOWED_STATEMENTS, InvalidModule, validate
from durable_runtime.macros import MACROS
from durable_runtime.transformation import Stamp, stage
from unit.compiler_backend.spec import describe, load_module, package, read, snapshot, spec
from unit.compiler_backend.whole import call, field, literal, schema, whole

HOSTILE = (
    "'); DROP TABLE customer_data; --",
    'a "quoted" \\" word',
    '"""',
    '"""\nimport os\nos.system("id")\n"""',
    "{{ p.name }}{% for x in p %}",
    "{__import__('os')}",
    "back\\slash\\",
    "car\rriage\r\nreturn",
    "line\u2028separator\u2029and\x85next",
    "*/ /* -- comment",
    "tab\tbell\x07escape\x1b[31m",
    "right-to-left \u202e override",
    "| a | `b` | <script>alert(1)</script> | [c](d)",
    "emoji 🦆 and ümlaut",
    "# heading: [1, 2] & *anchor !tag %directive",
    "",
)
STAMP = Stamp("run-1", datetime.fromisoformat("2026-11-22T02:00:00"), "1.0.0")
HEADER = ("Id", "IsDeleted", "SystemModstamp", "Status__c")


def hostile(tmp_path: Path, number: int) -> tuple[Pipeline, Snapshot]:
    """A spec whose texts, labels and values are all hostile."""
    words = [*HOSTILE[number:], *HOSTILE[:number]]
    status = {"type": "picklist", "label": words[0], "inlineHelpText": words[1]}
    schema = snapshot(describe("Case__c", {"Status__c": status}, label=words[2], labelPlural="Cases"))
    pipeline = read(tmp_path, schema, spec("Case__c"))
    refs = tuple(
        one.model_copy(update={"text": f"{one.text} {words[at]}"}) for at, one in enumerate(pipeline.requirements)
    )
    values = {key: value for key, value in zip(words, reversed(words), strict=True) if key}
    enum = EnumMap(object="Case__c", field="Status__c", values=values, otherwise=words[3])
    return pipeline.model_copy(update={"requirements": refs, "enums": (enum,)}), schema


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_words_compile_to_statements_of_the_allowed_kinds(number: int, tmp_path: Path) -> None:
    pipeline, schema = hostile(tmp_path, number)
    folder = package(tmp_path / "package", schema, pipeline)
    validate(folder)
    for path in folder.glob("*.py"):
        body = ast.parse(path.read_bytes()).body
        assert all(isinstance(one, ALLOWED_STATEMENTS) for one in body)
        bare = [one.value for one in body if isinstance(one, ast.Expr)]
        assert [type(one) for one in bare] == [ast.Constant]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_requirement_texts_come_back_from_the_package_as_they_were_written(number: int, tmp_path: Path) -> None:
    pipeline, schema = hostile(tmp_path, number)
    folder = package(tmp_path / "package", schema, pipeline)
    found = next(
        one.value
        for one in ast.parse((folder / "pipeline.py").read_bytes()).body
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name) and one.targets[0].id == "REQUIREMENTS"
    )
    assert isinstance(found, ast.Tuple)
    texts = [ast.literal_eval(one.args[1]) for one in found.elts if isinstance(one, ast.Call)]
    assert texts == [one.text for one in pipeline.requirements]
    said = yaml.safe_load((folder / "pipeline.yaml").read_text(encoding="utf-8"))
    assert [one["text"] for one in said["requirements"]] == texts


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_value_map_of_hostile_values_maps_exactly_those(number: int, tmp_path: Path) -> None:
    pipeline, schema = hostile(tmp_path, number)
    folder = package(tmp_path / "package", schema, pipeline)
    (transform,) = load_module(folder, "transform")["TRANSFORMS"]
    (enum,) = pipeline.enums
    values = [*enum.values, "none of them", ""]
    page = tmp_path / "page.csv"
    write(page, [(f"500{at:015d}", "false", "2026-11-22T01:02:03.000Z", one) for at, one in enumerate(values)])
    staged = stage(
        transform,
        [page],
        header=HEADER,
        extra=(),
        requirement="R1",
        stamp=STAMP,
        batch_rows=1000,
        folder=tmp_path,
        key=bytes(32),
    )
    expected = [*enum.values.values(), enum.otherwise, None]
    assert column(staged.batches[0][0], "status") == expected


def test_the_mapping_page_keeps_one_row_a_field_whatever_the_labels_hold(tmp_path: Path) -> None:
    pipeline, schema = hostile(tmp_path, 12)
    page = (package(tmp_path / "package", schema, pipeline) / "MAPPING.md").read_text(encoding="utf-8")
    rows = [line for line in page.partition("## Policies")[0].splitlines() if line.startswith("|")]
    assert len(rows) == 3
    assert "<script>" not in page.replace("\\<script\\>", "")


TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
NASTY = st.lists(st.sampled_from(["'", '"', '"""', "\\", "{", "}", "\r", "\n", "\u2028", "--", "*/", "a", "|"]))
WORDS = TEXTS | NASTY.map("".join)


@given(WORDS)
@settings(max_examples=300, deadline=None)
def test_any_text_survives_the_filters_exactly_or_harmlessly(text: str) -> None:
    assert ast.literal_eval(python_literal(text)) == text
    module: dict[str, Any] = {}
    exec(compile(f'S = """\nSELECT {sql_fragment(text)} AS x\n"""\n'.encode(), "module", "exec"), module)
    assert duckdb.execute(module["S"]).fetchall() == [(text,)]
    assert yaml.safe_load(f"a: {yaml_value(text)}\nb: {yaml_value([text])}\n") == {"a": text, "b": [text]}
    assert ast.parse(f'"""{comment(text)}"""\nx = 1  # {comment(text)}\n').body[1:] != []
    assert len(f"{comment(text)}{cell(text)}x".splitlines()) == 1


def test_validation_refuses_what_no_template_makes(tmp_path: Path) -> None:
    wrong = {
        "import os\n": "imports os",
        "from durable_runtime.spec import Nothing\n": "imports durable_runtime.spec.Nothing",
        "x = eval('1')\n": "calls eval",
        "while True:\n    pass\n": "has a statement of kind While",
        "class A:\n    x = 1\n": "has a statement of kind ClassDef",
        "def f(:\n": "module.py: ",
    }
    for source, message in wrong.items():
        (tmp_path / "module.py").write_text(source)
        with pytest.raises(InvalidModule, match=message):
            validate(tmp_path)


def write(page: Path, rows: list[tuple[str, ...]]) -> None:
    with page.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows([HEADER, *rows])


def column(file: Path, name: str) -> list[Any]:
    return [value for (value,) in duckdb.execute(f"SELECT {name} FROM '{file}' ORDER BY source_id").fetchall()]


def everywhere(number: int) -> Pipeline:
    """A spec of every kind whose free texts are all hostile."""
    words = [one for one in (*HOSTILE[number:], *HOSTILE[:number]) if one]
    values = whole()
    account, contact = values["source"]["objects"]
    account["where"] = call("or", *(call("eq", field("Account", "Type"), literal(one)) for one in words))
    contact["where"] = call("contains", field("Contact", "LastName"), literal(words[0]))
    cases = [{"when": call("starts_with", field("Account", "Name"), literal(one)), "value": one} for one in words]
    checks = [
        {"object": "Account", "condition": call("ne", field("Account", "Name"), literal(one)), "on_failure": "fail"}
        for one in words[:3]
    ]
    joined = call("concat", *(part for one in words for part in (field("Contact", "LastName"), literal(one))))
    said = {
        "requirements": [{**one, "text": words[at % len(words)]} for at, one in enumerate(values["requirements"])],
        "derived": [{"object": "Account", "column": "tier", "cases": cases, "otherwise": words[1]}],
        "computed": [{"object": "Contact", "column": "full_name", "type": "text", "expression": joined}],
        "defaults": [{"object": "Account", "field": "Industry", "value": words[2]}],
        "blanks": [{"object": "Contact", "field": "Phone", "values": words}],
        "checks": checks,
        "approvals": {"deploy": 1, "role": words[3]},
        "residency": {"regions": words[:2]},
        "alerts": [{"on": "failure", "channel": "slack", "to": words[4]}],
    }
    return Pipeline.model_validate(values | said)


@pytest.mark.parametrize("number", range(0, len(HOSTILE), 3))
def test_hostile_words_in_every_free_slot_stay_constants(number: int, tmp_path: Path) -> None:
    one = everywhere(number)
    folder = package(tmp_path / "package", schema(), one)
    validate(folder)
    texts = [each.text for each in one.requirements]
    said = yaml.safe_load((folder / "pipeline.yaml").read_text(encoding="utf-8"))
    assert [each["text"] for each in said["requirements"]] == texts
    account, contact = load_module(folder, "transform")["TRANSFORMS"]
    rules = Rules(one, schema(), one.source.objects[0], lay_out(one, schema()).columns["Account"])
    assert account.where.condition == rules.where
    assert account.columns[-1].name == "tier"
    with duckdb.connect() as database:
        for macro in MACROS:
            database.execute(macro)
        fields = ("Id", *HEADER[1:3], *(column.field for column in account.columns if column.field))
        columns = ", ".join(f'NULL::VARCHAR AS "{each}"' for each in fields)
        database.execute(f"CREATE VIEW landed AS SELECT {columns}, '' AS __extensions, 1 AS __record")
        values = database.execute(f"SELECT tier, industry FROM ({account.select})").fetchall()
        assert values == [(one.derived[0].otherwise, one.defaults[0].value)]
        checks = [rule.condition for rule in account.rules if rule.name == "check"]
        database.execute(f"SELECT {account.where.condition}, {', '.join(checks)} FROM ({account.select})")
    assert len(contact.masks) == 1

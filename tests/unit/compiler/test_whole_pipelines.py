"""Random pipelines go through canonical English and back; hostile texts in sentences are inert or refused."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
import sqlglot
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from durable_compiler import catalogue
from durable_compiler.catalogue import Snapshot
from durable_compiler.compilation import compile_pipeline
from durable_compiler.diagnostics import Diagnostic
from durable_compiler.frames.frame import Clause
from durable_compiler.grammar.reading import echo, understood
from durable_compiler.interpret import read_file
from durable_compiler.ir import Pipeline
from unit.compiler.conftest import SCHEMA
from unit.compiler.test_properties import CLAUSES, OBJECTS

# Every IR of these is drawn afresh under DURABLE_SEEDS: 50 for each seed, so 10,000 for the 200 of `make proof`.
EXAMPLES = 50 * int(os.environ.get("DURABLE_SEEDS", "1"))
REST = sorted(set(CLAUSES) - {"sync"})
SPECS = st.lists(st.one_of(*(CLAUSES[kind] for kind in REST)), min_size=1, max_size=8)


def _text(clauses: list[Clause], schema: Snapshot) -> str:
    lines = ["Syncs " + " and ".join(schema.object_label(name) for name in OBJECTS) + " from Salesforce"]
    lines += [echo((clause,), schema) for clause in clauses]
    return "".join(f"- R1.{number} {line}\n" for number, line in enumerate(lines, 1))


def _read(text: str, folder: Path) -> tuple[Pipeline | None, tuple[Diagnostic, ...]]:
    reading = read_file(folder / "requirements" / "random.md", SCHEMA, text=text)
    return reading.pipeline, reading.diagnostics


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(clauses=SPECS)
def test_a_random_pipeline_is_read_back_from_its_own_canonical_english(
    schema: Snapshot, tmp_path_factory: pytest.TempPathFactory, clauses: list[Clause]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    first, wrong = _read(_text(clauses, schema), folder)
    # Clauses drawn by themselves may contradict each other; nothing else may be wrong with them.
    assert {one.code for one in wrong} <= {"DUR057", "DUR060", "DUR061", "DUR062", "DUR064", "DUR065"}, wrong
    assume(first is not None)
    assert first is not None
    again, wrong = _read("".join(f"- {one.id} {one.echo}\n" for one in first.requirements), folder)
    assert again is not None, wrong
    assert again.model_copy(update={"requirements": ()}) == first.model_copy(update={"requirements": ()})
    assert [one.echo for one in again.requirements] == [one.echo for one in first.requirements]


# --- injection --------------------------------------------------------------------------------------------------

HOSTILE = (
    "'); DROP TABLE customer_data; --",
    'say \\"hi\\"',
    "{{ p.name }}",
    "{% for x in p %}",
    "{__import__('os')}",
    "back\\slash\\",
    "a\rb",
    "a\u2028b",
    '"""',
    "'''",
    "*/ /* */",
    "-- comment",
    "$$ $$",
    "${HOME} $(id)",
    "<script>alert(1)</script>",
    "| a | b |",
    "%s %(x)s",
    "\\x27 OR 1=1",
)
# Every place in a sentence where a person writes a text of their own.
SLOTS = (
    "Maps Health Status Green to {0}; anything else becomes unknown",
    "Maps Account Type Customer to healthy; anything else becomes {0}",
    "A missing Account Number becomes {0}",
    "Treats {0} as a missing Contact Phone",
    "Sets tier to {0} when Annual Revenue is at least 10 million, otherwise standard",
    "Sets rank to strategic when Annual Revenue is at least 10 million, otherwise {0}",
    "Only syncs Accounts whose Account Number is {0}",
    "Account Number must start with {0}",
    "Stores Contact Phone as {0}",
    "Keeps unmapped fields in the {0} column",
    "Alerts {0} when a run fails",
    "Changes to this spec need approval from a {0}",
    "Stores First Name and Last Name together as full_name, separated by {0}",
)
BASE = (
    "# {0}\n\n{0}\n\n- R1.1 Syncs Accounts, Contacts and Customer Health from Salesforce\n"
    "- R1.2 Runs nightly at 2:00 AM UTC\n- R2.1 Writes to Snowflake table customer_data\n"
)
NEVER = frozenset({"__import__", "os", "eval", "exec", "open", "system", "subprocess"})


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("quotes", ["`{}`", '"{}"', "{}"], ids=["code", "quoted", "bare"])
def test_hostile_texts_in_sentences_are_inert_literals_or_refused(
    tmp_path: Path, schema: Snapshot, hostile: str, quotes: str
) -> None:
    sentences = [slot.format(quotes.format(hostile)) for slot in SLOTS]
    accepted = [one for one in sentences if understood(one, schema, OBJECTS)]
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "salesforce.schema.json").write_bytes(SCHEMA.read_bytes())
    lines = "".join(f"- R3.{number} {one}\n" for number, one in enumerate(accepted, 1))
    (folder / "customer_data.md").write_text(BASE.format(hostile) + lines, encoding="utf-8", newline="")
    outcome = compile_pipeline(tmp_path, "customer_data", commit=False)
    if outcome.status == "rejected":
        assert all(one.help for one in outcome.diagnostics)
        return
    assert outcome.status == "written"
    for path in (tmp_path / "generated" / "customer_data").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & NEVER
    _runs_no_statement_of_its_own(tmp_path / "generated" / "customer_data" / "transform.py")


def _runs_no_statement_of_its_own(module: Path) -> None:
    """Every SELECT of the package is one statement, whatever texts are in it."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            text = node.value.value
            if isinstance(text, str) and text.lstrip().startswith("SELECT"):
                assert len(sqlglot.parse(text, dialect="duckdb")) == 1


def test_the_schema_of_these_tests_has_every_object() -> None:
    assert set(OBJECTS) <= set(catalogue.load(SCHEMA).by_name)

"""The cases of tests/cases/language: sentences and files in, canonical English and diagnostics out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from durable_compiler.catalogue import Snapshot
from durable_compiler.diagnostics import CODES
from durable_compiler.grammar.reading import echo, read, understood
from durable_compiler.interpret import read_file

CASES = Path(__file__).parents[2] / "cases" / "language"
REJECTED = sorted((CASES / "rejected").glob("*.md"))
# Codes about files, which need a broken file or folder rather than a case: test_interpret and test_lock test each.
ABOUT_FILES = {"DUR001", "DUR002", "DUR011", "DUR012", "DUR013", "DUR014", "DUR070", "DUR071", "DUR072", "DUR090"}
# A code about what the schema snapshot has of a large organization: tests/functional/test_discovery.py.
ABOUT_FILES |= {"DUR015"}
# Codes about packages: tests/unit/compiler_backend/test_capabilities.py has a test for each.
ABOUT_PACKAGES = {"DUR080", "DUR081", "DUR082", "DUR083"}


def _lines(name: str) -> list[str]:
    return [line for line in (CASES / name).read_text().splitlines() if line and not line.startswith("# ")]


@pytest.mark.parametrize("line", _lines("accepted/paraphrases.txt"))
def test_a_paraphrase_has_the_expected_canonical_english(line: str, schema: Snapshot) -> None:
    sentence, expected = line.rsplit(" => ", 1)
    found = read(sentence, schema)
    assert found.fault is None
    assert echo(found.clauses, schema) == expected
    assert read(expected, schema).clauses == found.clauses


KINDS = sorted(path.stem.removeprefix("paraphrases_") for path in (CASES / "accepted").glob("paraphrases_*.txt"))


# One test a file, with every line that fails: a test for each of thousands of lines costs as much as reading them.
@pytest.mark.parametrize("kind", KINDS)
def test_the_paraphrases_of_a_kind_have_the_expected_canonical_english(kind: str, whole_schema: Snapshot) -> None:
    every = tuple(one.name for one in whole_schema.objects)
    pairs = [line.rsplit(" => ", 1) for line in _lines(f"accepted/paraphrases_{kind}.txt")]
    found = {sentence: understood(sentence, whole_schema, every) for sentence, _ in pairs}
    meant = {expected: understood(expected, whole_schema, every) for expected in {expected for _, expected in pairs}}
    assert [one for one, _ in pairs if not found[one]] == [], "not understood"
    wrong = [(one, said, wanted) for one, wanted in pairs if (said := echo(found[one], whole_schema)) != wanted]
    assert wrong == []
    assert [wanted for one, wanted in pairs if meant[wanted] != found[one]] == [], (
        "canonical English that means another"
    )


@pytest.mark.parametrize("line", _lines("rejected/traps.txt"))
def test_a_trap_is_refused_with_the_expected_code(line: str, schema: Snapshot) -> None:
    code, sentence = line.split(" ", 1)
    found = read(sentence, schema)
    assert found.clauses == ()
    assert found.fault is not None
    assert found.fault.code == code


@pytest.mark.parametrize("path", REJECTED, ids=lambda path: path.stem)
def test_a_rejected_file_has_exactly_these_diagnostics(path: Path) -> None:
    reading = read_file(path, CASES / "salesforce.schema.json", shown_as=path.name)
    assert reading.pipeline is None
    assert [one.to_json() for one in reading.diagnostics] == json.loads(path.with_suffix(".json").read_text())


def test_every_code_has_a_case() -> None:
    seen = {one["code"] for path in REJECTED for one in json.loads(path.with_suffix(".json").read_text())}
    assert seen | ABOUT_FILES | ABOUT_PACKAGES == set(CODES)


def test_every_code_has_a_section_in_the_reference() -> None:
    page = (CASES.parents[2] / "docs" / "reference" / "diagnostics.md").read_text()
    sections = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert sections == [f"{code} {title}" for code, title in CODES.items()]


def test_the_example_gives_the_golden_ir() -> None:
    root = CASES.parents[2]
    reading = read_file(root / "requirements" / "customer_data.md", CASES / "salesforce.schema.json")
    assert reading.diagnostics == ()
    assert reading.pipeline is not None
    assert reading.pipeline.to_json() == (CASES / "accepted" / "customer_data.ir.json").read_text()

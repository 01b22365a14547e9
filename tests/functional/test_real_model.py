"""A real model: how many sentences it gets right, and that nothing wrong passes the gates."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from durable_compiler import catalogue, interpretation
from durable_compiler.catalogue import Snapshot
from durable_compiler.grammar.reading import read
from durable_compiler.interpretation import Proposal
from durable_compiler.llm import Model, Settings

CASES = Path(__file__).parents[1] / "cases" / "language"
SCHEMA = CASES / "salesforce.schema.json"
SYNCED = ("Account", "Contact", "Customer_Health__c")
# Read before every test starts from an environment without them.
BASE_URL, MODEL = os.environ.get("DURABLE_LLM_BASE_URL", ""), os.environ.get("DURABLE_LLM_MODEL", "")
KEY = os.environ.get("DURABLE_LLM_API_KEY", "none")


def _cases() -> Iterator[tuple[str, str]]:
    for line in (CASES / "real_model.txt").read_text(encoding="utf-8").splitlines():
        text, arrow, english = line.partition(" => ")
        if arrow and not line.startswith("#"):
            yield text, english


def _outcome(found: Proposal, english: str, schema: Snapshot) -> str:
    """right or wrong where a person could pin the reading without another look, asked in any other case."""
    if not found.acceptable:
        return "asked"
    expected = read(english, schema, SYNCED).clauses
    return "right" if expected and read(found.english, schema, SYNCED).clauses == expected else "wrong"


def _proposed(found: Proposal, english: str, schema: Snapshot) -> bool:
    expected = read(english, schema, SYNCED).clauses
    return bool(expected) and read(found.english, schema, SYNCED).clauses == expected


@pytest.mark.needs_model
def test_a_real_model_gets_nothing_wrong_through_the_gates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema = catalogue.load(SCHEMA)
    model = Model(Settings(BASE_URL, MODEL, KEY, 180))
    spec = tmp_path / "crm.md"
    counts: Counter[str] = Counter()
    for text, english in _cases():
        spec.write_text(f"- R1.1 Syncs Accounts, Contacts and Customer Health from Salesforce\n- R1.2 {text}\n")
        found = interpretation.propose(spec, SCHEMA, "crm.md", lambda: model, ("R1.2",)).proposals
        outcome = _outcome(found[0], english, schema) if found else "not asked about"
        counts[outcome] += 1
        counts["English as expected"] += bool(found) and _proposed(found[0], english, schema)
        failed = [one.gate for one in found[0].verdicts if not one.passed] if found else []
        said = (found[0].english or found[0].question or found[0].failure) if found else ""
        with capsys.disabled():
            print(f"\n{outcome:<15} {text}\n    -> {said}  {' '.join(failed)}", flush=True)
    with capsys.disabled():
        print(f"\n{MODEL}: " + ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))
    assert counts["wrong"] == 0

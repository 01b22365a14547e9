"""The schema snapshot that the language's tests read against."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_compiler import catalogue
from durable_compiler.catalogue import Snapshot

CASES = Path(__file__).parents[2] / "cases" / "language"
SCHEMA = CASES / "salesforce.schema.json"


@pytest.fixture(scope="session")
def schema() -> Snapshot:
    """Account, Contact, Opportunity, Customer Health, two objects called Client and one that cannot be queried."""
    return catalogue.load(SCHEMA)


@pytest.fixture(scope="session")
def whole_schema() -> Snapshot:
    """Thirteen objects with every type of field: what the corpus of sentences is about."""
    return catalogue.load(CASES / "corpus" / "salesforce.schema.json")


@pytest.fixture(scope="session")
def schema_path() -> Path:
    """Where the snapshot file is."""
    return SCHEMA


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of language cases."""
    return CASES

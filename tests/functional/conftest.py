"""A sandbox that is given faults, for the tests of what each of them does on the wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from functional.fault_client import Client, faulty


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A running sandbox, the same for a module."""
    with faulty(tmp_path_factory.mktemp("faults") / "state") as client:
        yield client


@pytest.fixture
def client(shared: Client) -> Iterator[Client]:
    """The sandbox without any fault, and with none left behind."""
    yield shared
    shared.clear()
    shared.log_in()


@pytest.fixture(scope="module")
def job(shared: Client) -> str:
    """A finished Bulk job of three pages."""
    made = str(shared.create().json()["id"])
    assert shared.ended(made)["numberRecordsProcessed"] == shared.count()
    return made

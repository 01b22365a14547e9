"""Discovery through simple-salesforce, an outside client of the sandbox: it sees what the runtime sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from durable_compiler.discovery import TRIES, Directory
from durable_runtime.clock import SYSTEM, Clock
from durable_runtime.configuration import SalesforceSettings
from durable_runtime.credentials import given
from durable_runtime.errors import RequestRefused, SalesforceUnavailable
from durable_runtime.salesforce.describe import describe
from durable_runtime.salesforce.session import Login, Session
from functional.project import Sandbox, sandbox

VERSION = "62.0"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("state"), rows=50) as running:
        yield running


@pytest.fixture
def session(server: Sandbox) -> Iterator[Session]:
    told = server.announced
    settings = SalesforceSettings(
        sandbox=True,
        login_url=server.url,
        client_id=given(told["client_id"], "client_id"),
        client_secret=given(told["client_secret"], "client_secret"),
    )
    with Session(settings, TRIES, SYSTEM) as opened:
        yield opened


def test_an_outside_client_describes_the_same_objects_and_fields(session: Session) -> None:
    with Directory(session.login(), VERSION) as directory:
        names = [one["name"] for one in directory.objects()]
        assert len(names) == 12
        assert "Customer_Health__c" in names
        for name in ("Account", "Customer_Health__c"):
            seen = [(one["name"], one["type"]) for one in directory.describe(name)["fields"]]
            assert seen == [(one["name"], one["type"]) for one in describe(session, name)["fields"]]


def test_an_object_that_is_not_there_is_refused_with_its_name(session: Session) -> None:
    with Directory(session.login(), VERSION) as directory, pytest.raises(RequestRefused, match=r"Nothing__c.* 404"):
        directory.describe("Nothing__c")


def test_a_server_that_is_gone_is_unavailable_after_the_retries(tmp_path: Path) -> None:
    pauses: list[float] = []
    login = Login("token", "http://127.0.0.1:9", "00D000000000000")
    clock = Clock(sleep=pauses.append)
    with Directory(login, VERSION, clock) as directory, pytest.raises(SalesforceUnavailable):
        directory.describe("Account")
    assert len(pauses) == TRIES.max_attempts - 1

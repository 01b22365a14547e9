"""Who may call which address."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from durable_sandbox.routes import ROUTES, build
from durable_sandbox.sandbox import Sandbox, open_sandbox


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = open_sandbox({"rows": 5}, Path(tmp_path_factory.mktemp("sandbox")), keep=False)
    yield sandbox
    sandbox.close()


ADMINISTRATION = [(method, path) for method, path, *_ in ROUTES if path.startswith("/__sandbox__")]
DATA = [(method, path) for method, path, *_ in ROUTES if path.startswith("/services/data/")]


@pytest.mark.parametrize(("method", "path"), ADMINISTRATION)
def test_administration_is_refused_from_elsewhere(opened: Sandbox, method: str, path: str) -> None:
    with TestClient(build(opened), client=("203.0.113.9", 5000)) as stranger:
        answer = stranger.request(method, path.replace("{object}", "Account"))
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize(("method", "path"), DATA)
def test_every_data_address_needs_a_token(opened: Sandbox, method: str, path: str) -> None:
    address = path.replace("{version}", "v62.0").replace("{object}", "Account").replace("{id}", "001").replace("{", "")
    with TestClient(build(opened), client=("127.0.0.1", 5000)) as client:
        answer = client.request(method, address.replace("}", ""), headers={"Authorization": "Bearer guessed"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")

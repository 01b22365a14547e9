"""What the Snowflake driver reports becomes one of the product's errors, with what to do."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import snowflake.connector.errors as driver
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from durable_runtime.configuration import WarehouseSettings
from durable_runtime.credentials import given
from durable_runtime.errors import (
    ConfigurationError,
    CredentialsRejected,
    LockHeld,
    PermissionMissing,
    PipelineError,
    StatementFailed,
    WarehouseUnavailable,
)
from durable_runtime.spec import Target
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.dialect import SNOWFLAKE
from durable_runtime.warehouse.snowflake import (
    ERRORS,
    SnowflakeWarehouse,
    classified,
    private_key,
    put_path,
    same_region,
)


def settings(**changes: Any) -> WarehouseSettings:
    """A profile's warehouse."""
    plain: dict[str, Any] = {"kind": "snowflake", "account": "org-account", "user": "DURABLE"}
    return WarehouseSettings(**{**plain, **changes})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (driver.ProgrammingError(msg="syntax error", errno=1003, sqlstate="42000"), StatementFailed),
        (driver.ProgrammingError(msg="does not exist or not authorized", errno=2003), PermissionMissing),
        (driver.ProgrammingError(msg="Insufficient privileges", errno=3001, sqlstate="42501"), PermissionMissing),
        (driver.ProgrammingError(msg="No active warehouse selected", errno=606), ConfigurationError),
        (driver.ProgrammingError(msg="has locked table", errno=625), LockHeld),
        (driver.ProgrammingError(msg="Statement reached its timeout", errno=630), WarehouseUnavailable),
        (driver.ProgrammingError(msg="Duplicate row detected", errno=100090), StatementFailed),
        (driver.ProgrammingError(msg="NULL result in a non-nullable column", errno=100072), StatementFailed),
        (driver.DatabaseError(msg="Incorrect username or password", errno=390100), CredentialsRejected),
        (driver.DatabaseError(msg="JWT token is invalid", errno=394304), CredentialsRejected),
        (driver.DatabaseError(msg="Session no longer exists", errno=390111), WarehouseUnavailable),
        (driver.OperationalError(msg="Could not connect", errno=250001), WarehouseUnavailable),
        (driver.OperationalError(msg="new and unknown", errno=299999), WarehouseUnavailable),
        (driver.InternalServerError(), WarehouseUnavailable),
        (driver.TooManyRequests(), WarehouseUnavailable),
        (driver.ForbiddenError(), PermissionMissing),
        (ValueError("a bug of the driver"), StatementFailed),
    ],
    ids=lambda value: f"{value.__class__.__name__}-{value.errno}" if isinstance(value, driver.Error) else None,
)
def test_a_drivers_error_becomes_one_of_ours(error: Exception, kind: type[PipelineError]) -> None:
    ours = classified(error, "Snowflake refused a statement")
    assert type(ours) is kind
    assert ours.help.endswith(".")
    assert ours.message.startswith("Snowflake refused a statement: ")


@pytest.mark.parametrize("number", sorted(ERRORS))
def test_every_number_of_the_table_is_honoured(number: int) -> None:
    kind, help = ERRORS[number]
    ours = classified(driver.ProgrammingError(msg="first line\nsecond line", errno=number), "Snowflake")
    assert (type(ours), ours.help, ours.message) == (kind, help, "Snowflake: first line")


@contextmanager
def answering(body: dict[str, Any]) -> Iterator[int]:
    """A server that gives one answer to everything, and its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def opened(port: int, target: Target | None = None) -> PipelineError:
    """The error of logging in."""
    local = settings(password=given("wrong", "password"), host="127.0.0.1", port=port, protocol="http")
    warehouse = SnowflakeWarehouse(local, target or sample.target(SNOWFLAKE), options={"login_timeout": 1})
    with pytest.raises(PipelineError) as caught:
        warehouse.open()
    assert not warehouse.is_open()
    return caught.value


def test_refused_credentials_are_fatal() -> None:
    refusal = {"data": {}, "code": "390100", "message": "Incorrect username or password.", "success": False}
    with answering(refusal) as port:
        error = opened(port)
    assert type(error) is CredentialsRejected
    assert error.exit_code == 7
    assert "org-account" in error.message
    assert "wrong" not in str(error)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_port
    error = opened(port)
    assert type(error) is WarehouseUnavailable
    assert error.exit_code == 6


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snowflake", None)
    error = opened(1)
    assert type(error) is ConfigurationError
    assert error.help == "Install durable-pipelines[snowflake]."


def test_the_specs_database_and_schema_win_over_the_profiles() -> None:
    profile = settings(database="OTHER", schema="ELSEWHERE", role="LOADER", warehouse="LOAD_XS")
    arguments = SnowflakeWarehouse(profile, sample.target(SNOWFLAKE)).arguments()
    assert (arguments["database"], arguments["schema"]) == ("CRM", "ANALYTICS")
    assert (arguments["role"], arguments["warehouse"]) == ("LOADER", "LOAD_XS")
    assert arguments["session_parameters"]["TIMEZONE"] == "UTC"
    assert arguments["session_parameters"]["QUERY_TAG"] == "durable:customers"
    assert arguments["network_timeout"] == 3600
    assert "password" not in arguments


def test_a_spec_without_a_schema_uses_the_profiles() -> None:
    target = sample.target(SNOWFLAKE)
    bare = Target(target.system, None, None, target.table, target.columns, target.create, target.objects)
    profile = settings(database="CRM", schema="LANDING")
    warehouse = SnowflakeWarehouse(profile, bare)
    assert (warehouse.arguments()["schema"], warehouse.names.of()) == ("LANDING", "LANDING.customers")


def test_a_pem_key_is_handed_over_as_der() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    loaded = load_der_private_key(private_key(pem), password=None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    assert loaded.private_numbers() == key.private_numbers()


def test_a_key_that_is_no_pem_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="not an unencrypted PEM key"):
        private_key("no key")


def test_a_quote_in_a_path_cannot_end_the_put() -> None:
    assert put_path(Path("/data/it's\\here.parquet")) == "/data/it\\'s\\\\here.parquet"


@pytest.mark.parametrize(
    ("found", "same"), [("AWS_EU_CENTRAL_1", True), ("PUBLIC.AWS_EU_CENTRAL_1", True), ("AWS_EU_WEST_1", False)]
)
def test_a_region_is_compared_in_either_spelling(found: str, same: bool) -> None:
    assert same_region("aws:eu-central-1", found) is same

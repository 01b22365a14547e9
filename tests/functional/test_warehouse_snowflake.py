"""Logging in to Snowflake: what the driver is given, and what a refusal becomes."""

from __future__ import annotations

import gzip
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from durable_runtime.clock import SYSTEM
from durable_runtime.configuration import AlertSettings, KeySettings, Profile, SalesforceSettings, WarehouseSettings
from durable_runtime.credentials import given
from durable_runtime.errors import (
    ConfigurationError,
    CredentialsRejected,
    PipelineError,
    WarehouseUnavailable,
)
from durable_runtime.spec import Target
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.dialect import SNOWFLAKE
from durable_runtime.warehouse.opening import warehouse_of
from durable_runtime.warehouse.snowflake import SnowflakeWarehouse, put_path
from durable_runtime.warehouse.snowflake_session import Tag, parameters, same_region
from generated.customer_data.pipeline import PIPELINE


def settings(**changes: Any) -> WarehouseSettings:
    """A profile's warehouse."""
    plain: dict[str, Any] = {"kind": "snowflake", "account": "org-account", "user": "DURABLE"}
    return WarehouseSettings(**{**plain, **changes})


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
    assert json.loads(arguments["session_parameters"]["QUERY_TAG"])["pipeline"] == "customers"
    assert arguments["network_timeout"] == 3660
    assert "password" not in arguments


def test_a_spec_without_a_schema_uses_the_profiles() -> None:
    target = sample.target(SNOWFLAKE)
    bare = Target(target.system, None, None, target.table, target.columns, target.create, target.objects)
    profile = settings(database="CRM", schema="LANDING")
    warehouse = SnowflakeWarehouse(profile, bare)
    assert (warehouse.arguments()["schema"], warehouse.names.of()) == ("LANDING", "LANDING.customers")


@pytest.mark.parametrize("folder", ["what?", "all*"])
def test_a_path_that_put_would_take_for_a_pattern_is_refused(folder: str) -> None:
    with pytest.raises(ConfigurationError, match=r"takes \* and \? for patterns"):
        put_path(Path("/data") / folder / "a.parquet")


def test_a_quote_in_a_path_cannot_end_the_put() -> None:
    assert put_path(Path("/data/it's\\here.parquet")) == "/data/it\\'s\\\\here.parquet"


@pytest.mark.parametrize(
    ("found", "same"), [("AWS_EU_CENTRAL_1", True), ("PUBLIC.AWS_EU_CENTRAL_1", True), ("AWS_EU_WEST_1", False)]
)
def test_a_region_is_compared_in_either_spelling(found: str, same: bool) -> None:
    assert same_region("aws:eu-central-1", found) is same


@contextmanager
def listening() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A server that lets everybody in and answers a statement with one row, and what it was sent."""
    heard: list[dict[str, Any]] = []
    row_type = [
        {
            "name": "N",
            "type": "fixed",
            "scale": 0,
            "precision": 38,
            "length": None,
            "byteLength": None,
            "nullable": False,
        }
    ]
    log_in = {"token": "t", "masterToken": "m", "parameters": [], "sessionInfo": {}, "sessionId": 1}
    answer = {"parameters": [], "rowtype": row_type, "rowset": [["1"]], "total": 1, "returned": 1, "queryId": "q",
              "queryResultFormat": "json", "statementTypeId": 4096}  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                sent = gzip.decompress(sent)
            heard.append({"path": self.path.partition("?")[0], **json.loads(sent or b"{}")})
            data = log_in if "login" in self.path else answer
            body = json.dumps({"data": data, "success": True, "code": None, "message": None}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, heard
        server.shutdown()


def test_a_session_is_opened_with_every_parameter_and_every_statement_says_whose_it_is() -> None:
    tag = Tag("customers", "run-1", {"Account": ("R1.1", "R1.2"), "Contact": ("R1.3",)})
    with listening() as (port, heard):
        local = settings(password=given("x", "password"), host="127.0.0.1", port=port, protocol="http")
        warehouse = SnowflakeWarehouse(local, sample.target(SNOWFLAKE), tag=tag, seconds=900)
        warehouse.open()
        warehouse.query("SELECT 1")
        with warehouse.about("Contact"):
            warehouse.query("SELECT 2")
        warehouse.query("SELECT 3")
        warehouse.disconnect()
    (opened,) = (one["data"] for one in heard if "login" in one["path"])
    asked = parameters(tag.text(), 900)
    assert {name: opened["SESSION_PARAMETERS"][name] for name in asked} == asked
    assert opened["SESSION_PARAMETERS"]["CLIENT_VALIDATE_DEFAULT_PARAMETERS"] is True
    assert opened["SESSION_PARAMETERS"]["CLIENT_SESSION_KEEP_ALIVE"] is True
    told = {one["sqlText"]: json.loads(one["parameters"]["QUERY_TAG"]) for one in heard if "sqlText" in one}
    whole = {"tool": "durable", "pipeline": "customers", "run_id": "run-1", "requirements": ["R1.1", "R1.2", "R1.3"]}
    assert told["SELECT 1"] == whole
    assert told["SELECT 2"] == {**whole, "object": "Contact", "requirements": ["R1.3"]}
    assert told["SELECT 3"] == whole


def test_a_pipelines_own_time_limit_and_requirements_reach_the_adapter(tmp_path: Path) -> None:
    package = PIPELINE
    limited = replace(package, policies=replace(package.policies, max_runtime_seconds=7200))
    nobody, alerts = SalesforceSettings(sandbox=True), AlertSettings(file=True)
    profile = Profile("prod", tmp_path, tmp_path, nobody, settings(), alerts, KeySettings())
    found = warehouse_of(profile, limited, SYSTEM, run_id="run-7")
    assert isinstance(found, SnowflakeWarehouse)
    told = found.arguments()["session_parameters"]
    assert (told["STATEMENT_TIMEOUT_IN_SECONDS"], told["LOCK_TIMEOUT"]) == (7200, 7200)
    tag = json.loads(found.tag.text("Account"))
    assert (tag["pipeline"], tag["run_id"], tag["object"]) == ("customer_data", "run-7", "Account")
    assert tag["requirements"] == list(next(one for one in package.extracts if one.object == "Account").requirements)
    usual = warehouse_of(profile, package, SYSTEM)
    assert isinstance(usual, SnowflakeWarehouse)
    assert usual.arguments()["session_parameters"]["LOCK_TIMEOUT"] == 3600

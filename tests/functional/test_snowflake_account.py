"""The live suite's own code: what it asks of the environment, where it writes, and that it runs by name only."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from durable_runtime.errors import ConfigurationError
from durable_runtime.warehouse import conformance, conformance_forecast, conformance_values, sample
from durable_runtime.warehouse.dialect import SNOWFLAKE
from functional.snowflake_account import NEEDED, Account

ROOT = Path(__file__).parents[2]
LIVE = "tests/functional/test_snowflake_live.py"
AT = datetime(2026, 11, 25, 20, 30, 5, tzinfo=UTC)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the README tells to set, with an encrypted key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path / "snowflake.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open")))
    values = {"ACCOUNT": "org-trial", "USER": "DURABLE", "PRIVATE_KEY_FILE": str(path), "ROLE": "LOADER",
              "WAREHOUSE": "XS", "DATABASE": "TRIAL", "PRIVATE_KEY_PASSPHRASE": "open"}  # fmt: skip
    return {f"SNOWFLAKE_{name}": value for name, value in values.items()}


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_variable_is_named(environment: dict[str, str], name: str) -> None:
    del environment[f"SNOWFLAKE_{name}"]
    with pytest.raises(LookupError, match=f"needs SNOWFLAKE_{name};"):
        Account.of(environment)


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(LookupError) as caught:
        Account.of({"SNOWFLAKE_ACCOUNT": "  "})
    assert all(f"SNOWFLAKE_{name}" in str(caught.value) for name in NEEDED)


def test_each_run_has_a_schema_of_its_own(environment: dict[str, str]) -> None:
    first, second = Account.of(environment, AT), Account.of(environment, AT)
    assert first.schema.startswith("DURABLE_LIVE_20261125_203005_")
    assert first.schema == first.schema.upper()
    assert first.schema != second.schema
    assert first.place == f"TRIAL.{first.schema}"


def test_the_log_in_is_the_adapters_with_the_schema_of_the_suite(environment: dict[str, str]) -> None:
    account = Account.of(environment)
    arguments = account.warehouse(sample.target(SNOWFLAKE), datetime.now).arguments()
    plain = {"account": "org-trial", "user": "DURABLE", "role": "LOADER", "warehouse": "XS", "database": "TRIAL"}
    assert arguments.items() >= {**plain, "schema": account.schema}.items()
    assert arguments["private_key"].startswith(b"0\x82")  # DER, the passphrase has opened it
    assert "host" not in arguments


def test_a_setting_may_be_changed_for_a_test(environment: dict[str, str]) -> None:
    environment["SNOWFLAKE_PRIVATE_KEY_PASSPHRASE"] = "wrong"
    warehouse = Account.of(environment).warehouse(sample.target(SNOWFLAKE), datetime.now, role="OTHER")
    assert warehouse.settings.role == "OTHER"
    with pytest.raises(ConfigurationError, match="private_key_passphrase"):
        warehouse.arguments()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("SELECT * FROM analytics.customers", "SELECT * FROM {place}.customers"),
        ("MERGE INTO CRM.ANALYTICS.customers AS t", "MERGE INTO {place}.customers AS t"),
        ("PUT 'file:///a' @CRM.ANALYTICS.durable_stage/p/r/o", "PUT 'file:///a' @{place}.durable_stage/p/r/o"),
        ("WHERE LOWER(table_schema) = 'analytics'", "WHERE LOWER(table_schema) = '{lower}'"),
        (
            "SELECT table_name FROM CRM.INFORMATION_SCHEMA.TABLES WHERE table_schema = 'ANALYTICS'",
            "SELECT table_name FROM TRIAL.INFORMATION_SCHEMA.TABLES WHERE table_schema = '{schema}'",
        ),
        ("SELECT 'analytics are fun'", "SELECT 'analytics are fun'"),
        ("SELECT * FROM myanalytics.t", "SELECT * FROM myanalytics.t"),
    ],
)
def test_statements_about_the_sample_go_to_the_schema_of_the_suite(
    environment: dict[str, str], said: str, meant: str
) -> None:
    account = Account.of(environment)
    names = {"place": account.place, "schema": account.schema, "lower": account.schema.lower()}
    assert account.moved(said) == meant.format(**names)
    assert account.moved(account.moved(said)) == account.moved(said)


def test_a_database_that_is_called_like_the_samples_schema_is_no_problem(environment: dict[str, str]) -> None:
    account = Account.of({**environment, "SNOWFLAKE_DATABASE": "ANALYTICS"})
    moved = account.moved("SELECT 1 FROM analytics.customers")
    assert moved == f"SELECT 1 FROM ANALYTICS.{account.schema}.customers"
    assert account.moved(moved) == moved


def collected(*options: str) -> tuple[str, int]:
    """What pytest says that it would run of the live suite."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", LIVE, *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.stdout, done.returncode


def test_the_suite_is_run_by_name_only() -> None:
    said, status = collected()
    assert (status, "no tests collected" in said) == (5, True)
    said, status = collected("-m", "snowflake_live")
    assert status == 0
    checks = (*conformance.CHECKS, *conformance_values.CHECKS, *conformance_forecast.CHECKS)
    for check in checks:
        assert f"test_the_account_conforms[{check.__name__}]" in said
    assert said.count(f"{LIVE}::") >= len(checks) + 20

"""What a session with Snowflake is opened with: key, parameters, time-outs and tag."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from hypothesis import given as every
from hypothesis import strategies as st

from durable_runtime.configuration import WarehouseSettings, load
from durable_runtime.credentials import Secret, given
from durable_runtime.errors import ConfigurationError
from durable_runtime.warehouse.snowflake_session import (
    GRACE_SECONDS,
    PARAMETERS,
    STATEMENT_SECONDS,
    TAG_LONGEST,
    Tag,
    arguments,
    parameters,
    private_key,
)

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PLAIN = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
OLD = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
LOCKED = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")).decode()
OLD_LOCKED = KEY.private_bytes(
    Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"open sesame")
).decode()
PROFILE = """
default_profile = "prod"
[profiles.prod]
salesforce = "sandbox"
keys = {journal = "env:K", mask = "env:K", rejects = "env:K"}
[profiles.prod.warehouse]
kind = "snowflake"
account = "org-account"
user = "DURABLE"
private_key = "file:snowflake.pem"
private_key_passphrase = "env:SNOWFLAKE_KEY_PASSPHRASE"
"""
CURVE = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def words(text: str) -> Secret:
    """A passphrase."""
    return given(text, "private_key_passphrase")


@pytest.mark.parametrize(
    ("pem", "passphrase"),
    [(PLAIN, None), (OLD, None), (LOCKED, words("open sesame")), (OLD_LOCKED, words("open sesame"))],
    ids=["PKCS8", "PKCS1", "encrypted PKCS8", "encrypted PKCS1"],
)
def test_a_pem_key_is_handed_over_as_der(pem: str, passphrase: Secret | None) -> None:
    loaded = load_der_private_key(private_key(pem, passphrase), password=None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    assert loaded.private_numbers() == KEY.private_numbers()


@pytest.mark.parametrize(
    ("pem", "passphrase", "what", "help"),
    [
        (LOCKED, None, "The Snowflake private_key is encrypted.", "Add private_key_passphrase"),
        (OLD_LOCKED, None, "The Snowflake private_key is encrypted.", "Add private_key_passphrase"),
        (LOCKED, words("shut"), "private_key_passphrase does not open", "Correct it"),
        (PLAIN, words("open sesame"), "The Snowflake private_key is not encrypted.", "Take private_key_passphrase out"),
        (CURVE.decode(), None, "The Snowflake private_key is no RSA key.", "openssl genrsa"),
        ("no key", None, "The Snowflake private_key is no PEM key.", "openssl genrsa"),
        ("no key", words("x"), "The Snowflake private_key is no PEM key.", "openssl genrsa"),
    ],
)
def test_a_key_that_cannot_be_used_says_why(pem: str, passphrase: Secret | None, what: str, help: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        private_key(pem, passphrase)
    assert what in caught.value.message
    assert help in caught.value.help
    assert "sesame" not in str(caught.value)


def settings() -> WarehouseSettings:
    """A profile's warehouse with a key."""
    return WarehouseSettings("snowflake", account="o-a", user="D", private_key=given(PLAIN, "private_key"), role="R")


def test_a_profile_may_name_the_passphrase_of_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNOWFLAKE_KEY_PASSPHRASE", "open sesame")
    (tmp_path / "snowflake.pem").write_text(LOCKED, encoding="utf-8")
    (tmp_path / "snowflake.pem").chmod(0o600)
    (tmp_path / "durable.toml").write_text(PROFILE, encoding="utf-8")
    found = load(tmp_path / "durable.toml").warehouse
    assert "sesame" not in repr(found)
    key = arguments(found, "CRM", "ANALYTICS", "tag")["private_key"]
    loaded = load_der_private_key(key, password=None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    assert loaded.private_numbers() == KEY.private_numbers()


def test_the_connector_is_given_what_the_profile_says_and_nothing_empty() -> None:
    found = arguments(settings(), "CRM", "ANALYTICS", "tag")
    assert {name: found[name] for name in ("account", "user", "role", "database", "schema")} == {
        "account": "o-a", "user": "D", "role": "R", "database": "CRM", "schema": "ANALYTICS",
    }  # fmt: skip
    assert None not in found.values()
    assert not found.keys() & {"password", "warehouse", "host"}
    assert found["validate_default_parameters"] is True
    assert found["client_session_keep_alive"] is True


def test_the_driver_gives_up_after_snowflake_does() -> None:
    """The driver cancels a statement when network_timeout is over, which hides why."""
    found = arguments(settings(), "CRM", "ANALYTICS", "tag", 900)
    assert found["session_parameters"]["STATEMENT_TIMEOUT_IN_SECONDS"] == 900
    assert found["session_parameters"]["LOCK_TIMEOUT"] == 900
    assert found["network_timeout"] == 900 + GRACE_SECONDS
    usual = arguments(settings(), "CRM", "ANALYTICS", "tag")
    assert usual["session_parameters"]["STATEMENT_TIMEOUT_IN_SECONDS"] == STATEMENT_SECONDS == 3600


def test_every_parameter_that_an_account_may_turn_is_set() -> None:
    found = parameters("tag", 60)
    assert found == {
        "ABORT_DETACHED_QUERY": True,
        "AUTOCOMMIT": True,
        "CLIENT_TELEMETRY_ENABLED": False,
        "DATE_INPUT_FORMAT": "AUTO",
        "ERROR_ON_NONDETERMINISTIC_MERGE": True,
        "ERROR_ON_NONDETERMINISTIC_UPDATE": True,
        "LOCK_TIMEOUT": 60,
        "QUERY_TAG": "tag",
        "STATEMENT_TIMEOUT_IN_SECONDS": 60,
        "TIMESTAMP_INPUT_FORMAT": "AUTO",
        "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
        "TIMEZONE": "UTC",
        "TIME_INPUT_FORMAT": "AUTO",
        "TRANSACTION_ABORT_ON_ERROR": True,
    }
    assert found.keys() > PARAMETERS.keys()


def test_a_tag_names_pipeline_run_object_and_requirements() -> None:
    tag = Tag("customers", "run-1", {"Account": ("R1.1", "R1.2"), "Contact": ("R1.1", "R3.4")})
    assert json.loads(tag.text("Contact")) == {
        "tool": "durable", "pipeline": "customers", "run_id": "run-1", "object": "Contact",
        "requirements": ["R1.1", "R3.4"],
    }  # fmt: skip
    assert json.loads(tag.text()) == {
        "tool": "durable", "pipeline": "customers", "run_id": "run-1", "requirements": ["R1.1", "R1.2", "R3.4"],
    }  # fmt: skip


def test_a_tag_without_a_run_or_requirements_leaves_them_out() -> None:
    assert json.loads(Tag("customers").text()) == {"tool": "durable", "pipeline": "customers"}
    assert json.loads(Tag("customers").text("Lead")) == {"tool": "durable", "pipeline": "customers", "object": "Lead"}


@every(
    st.text("abcdefghijklmnopqrstuvwxyzäü_", min_size=1, max_size=200),
    st.lists(st.text("R.0123456789", min_size=3, max_size=12), max_size=800),
)
def test_a_tag_is_whole_json_that_snowflake_takes(pipeline: str, ids: list[str]) -> None:
    text = Tag(pipeline, "20261125T020000Z-abcdef", {"Account": ids}).text("Account")
    assert len(text) <= TAG_LONGEST == 2000
    told = json.loads(text)
    distinct = list(dict.fromkeys(ids))
    assert told.get("requirements", []) == distinct[: len(told.get("requirements", []))]
    assert len(told.get("requirements", [])) + told.get("more", 0) == len(distinct)

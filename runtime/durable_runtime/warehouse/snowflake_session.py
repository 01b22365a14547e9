"""What a session with Snowflake is opened with: the log-in, the parameters that its answers depend on, and its tag."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from durable_runtime.configuration import WarehouseSettings
from durable_runtime.credentials import Secret
from durable_runtime.errors import ConfigurationError

LOGIN_SECONDS = 60
STATEMENT_SECONDS = 3600  # a statement or a wait for a lock that takes longer fails instead of hanging
GRACE_SECONDS = 60  # the driver gives a statement up after Snowflake has, so that Snowflake's reason is heard
TAG_LONGEST = 2000  # Snowflake refuses a longer QUERY_TAG

# Each may be set for the user or the account to something under which a statement means something else.
PARAMETERS: dict[str, str | bool] = {
    "ABORT_DETACHED_QUERY": True,  # what a killed run was doing stops, and its locks go, after five minutes
    "AUTOCOMMIT": True,  # a statement outside BEGIN … COMMIT is done when it returns
    "CLIENT_TELEMETRY_ENABLED": False,
    "DATE_INPUT_FORMAT": "AUTO",
    "ERROR_ON_NONDETERMINISTIC_MERGE": True,
    "ERROR_ON_NONDETERMINISTIC_UPDATE": True,
    "TIMESTAMP_INPUT_FORMAT": "AUTO",
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
    "TIMEZONE": "UTC",
    "TIME_INPUT_FORMAT": "AUTO",
    "TRANSACTION_ABORT_ON_ERROR": True,  # a transaction with a failed statement can only be rolled back
}


@dataclass(frozen=True, slots=True)
class Tag:
    """Whose statements these are: `requirements` are those behind each object, by its API name."""

    pipeline: str
    run_id: str = ""
    requirements: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def text(self, name: str | None = None) -> str:
        """The QUERY_TAG of the run, or of its work on one object: JSON of at most 2,000 characters.

        Requirements that do not fit are counted in `more`.
        """
        own = [name] if name is not None else list(self.requirements)
        ids = list(dict.fromkeys(one for each in own for one in self.requirements.get(each, ())))
        about = {"tool": "durable", "pipeline": self.pipeline, "run_id": self.run_id, "object": name}
        rests = ({"requirements": ids[:kept], "more": len(ids) - kept} for kept in range(len(ids), -1, -1))
        texts = (json.dumps({k: v for k, v in {**about, **rest}.items() if v}, ensure_ascii=False) for rest in rests)
        return next(text for text in texts if len(text) <= TAG_LONGEST)


def parameters(tag: str, seconds: int) -> dict[str, Any]:
    """The session's parameters; `seconds` is how long a statement, or a wait for a lock, may take."""
    return {**PARAMETERS, "QUERY_TAG": tag, "STATEMENT_TIMEOUT_IN_SECONDS": seconds, "LOCK_TIMEOUT": seconds}


def arguments(
    settings: WarehouseSettings, database: str | None, schema: str, tag: str, seconds: int = STATEMENT_SECONDS
) -> dict[str, Any]:
    """What the connector is called with."""
    key = settings.private_key
    plain = {
        "account": settings.account,
        "user": settings.user,
        "role": settings.role,
        "warehouse": settings.warehouse,
        "database": database,
        "schema": schema,
        "host": settings.host,
        "port": settings.port,
        "protocol": settings.protocol,
        "password": settings.password.reveal() if settings.password else None,
        "private_key": private_key(key.reveal(), settings.private_key_passphrase) if key else None,
    }
    return {
        **{name: value for name, value in plain.items() if value is not None},
        "client_session_keep_alive": True,  # a long PUT sends nothing that counts as activity
        "validate_default_parameters": True,  # else a database, schema or warehouse that is not there is ignored
        "login_timeout": LOGIN_SECONDS,
        "network_timeout": seconds + GRACE_SECONDS,  # else the driver repeats a server error for ever
        "session_parameters": parameters(tag, seconds),
    }


def load_connector() -> Any:
    """The driver, imported when it is first needed; ConfigurationError where the extra is not installed."""
    os.environ.setdefault("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")  # else it asks cloud metadata servers
    try:
        from snowflake import connector
    except ImportError as error:
        raise ConfigurationError(
            "The profile's warehouse is Snowflake, but its driver is not installed.",
            help="Install durable-pipelines[snowflake].",
        ) from error
    return connector


def private_key(pem: str, passphrase: Secret | None = None) -> bytes:
    """The DER form of an RSA key in PEM, as the connector wants it; ConfigurationError for anything else."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

    words = passphrase.reveal().encode() if passphrase else None
    try:
        key = load_pem_private_key(pem.encode(), password=words)
    except (ValueError, TypeError) as error:
        what, help = _unusable(pem, encrypted="ENCRYPTED" in pem, words=words is not None)
        raise ConfigurationError(what, help=help) from error
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError("The Snowflake private_key is no RSA key.", help=MAKE_KEY)
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


MAKE_KEY = "Make one: openssl genrsa 2048 | openssl pkcs8 -topk8 -v2 aes256 -inform PEM -out snowflake.pem."


def _unusable(pem: str, *, encrypted: bool, words: bool) -> tuple[str, str]:
    """Why a key could not be read, and what to do."""
    if encrypted and not words:
        return "The Snowflake private_key is encrypted.", "Add private_key_passphrase to the profile."
    if encrypted:
        return "private_key_passphrase does not open the Snowflake private_key.", "Correct it; the key is untouched."
    if words and "PRIVATE KEY" in pem:
        return "The Snowflake private_key is not encrypted.", "Take private_key_passphrase out of the profile."
    return "The Snowflake private_key is no PEM key.", MAKE_KEY


def same_region(written: str, found: str) -> bool:
    """Whether `aws:eu-central-1` is what CURRENT_REGION() calls AWS_EU_CENTRAL_1, with or without a region group."""
    return written.upper().replace(":", "_").replace("-", "_") == found.upper().rpartition(".")[2]

"""durable.toml: profiles read into frozen dataclasses, unknown keys refused, secrets kept as references."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from durable_runtime.credentials import Secret, given, reference
from durable_runtime.errors import ConfigurationError
from durable_runtime.salesforce.sizes import SIZES, Sizes

FILE_NAME = "durable.toml"
DEFAULT_PROFILE = "local"
API_VERSION = "62.0"
HORIZON_SECONDS = 300
TIMEOUT_SECONDS = 120

Table = Mapping[str, Any]
SECRET = "a reference such as env:NAME"  # noqa: S105  (the name of a kind of value, not a secret)
TEXT, WHOLE, TABLE, MIXED = "text", "a whole number", "a table", "text or a table"

KINDS: dict[str, tuple[type, ...]] = {TEXT: (str,), SECRET: (str,), WHOLE: (int,), TABLE: (dict,), MIXED: (str, dict)}

TOP = {"default_profile": TEXT, "profiles": TABLE, "paths": TABLE, "llm": TABLE}
PATHS = {"state": TEXT}
LLM = {"base_url": TEXT, "model": TEXT, "api_key": SECRET}
PROFILE = {"salesforce": MIXED, "warehouse": TABLE, "alerts": MIXED, "keys": TABLE}
SALESFORCE = {
    "login_url": TEXT,
    "auth": TEXT,
    "audience": TEXT,
    "client_id": TEXT,
    "client_secret": SECRET,
    "username": TEXT,
    "password": SECRET,
    "security_token": SECRET,
    "refresh_token": SECRET,
    "private_key": SECRET,
    "ca_file": TEXT,
    "api_version": TEXT,
    "horizon_seconds": WHOLE,
    "timeout_seconds": WHOLE,
    **{size.name: WHOLE for size in fields(Sizes)},
    "region": TEXT,
}
DUCKDB = {"kind": TEXT, "path": TEXT, "region": TEXT}
SNOWFLAKE = {
    "kind": TEXT,
    "account": TEXT,
    "user": TEXT,
    "private_key": SECRET,
    "private_key_passphrase": SECRET,
    "password": SECRET,
    "role": TEXT,
    "warehouse": TEXT,
    "database": TEXT,
    "schema": TEXT,
    "region": TEXT,
    "host": TEXT,
    "port": WHOLE,
    "protocol": TEXT,
}
WAREHOUSES = {"duckdb": DUCKDB, "snowflake": SNOWFLAKE}
ALERTS = {"slack": SECRET, "smtp": SECRET}
KEYS = {"journal": SECRET, "mask": SECRET, "rejects": SECRET}

AUTHS = ("jwt", "client_credentials", "refresh_token", "password", "soap")
NEEDED_BY_AUTH: dict[str, tuple[str, ...]] = {
    "jwt": ("client_id", "username", "private_key"),
    "client_credentials": ("client_id", "client_secret"),
    "refresh_token": ("client_id", "refresh_token"),
    "password": ("client_id", "client_secret", "username", "password"),
    "soap": ("username", "password"),
}


@dataclass(frozen=True, slots=True)
class SalesforceSettings:
    """How Salesforce is reached; `sandbox` means a child process, whose URL and client are known once it runs."""

    sandbox: bool
    login_url: str = ""
    auth: str = "client_credentials"
    audience: str = ""
    client_id: Secret | None = None
    client_secret: Secret | None = None
    username: Secret | None = None
    password: Secret | None = None
    security_token: Secret | None = None
    refresh_token: Secret | None = None
    private_key: Secret | None = None
    ca_file: Path | None = None
    api_version: str = API_VERSION
    horizon_seconds: int = 0
    timeout_seconds: int = TIMEOUT_SECONDS
    region: str | None = None
    sizes: Sizes = SIZES


@dataclass(frozen=True, slots=True)
class WarehouseSettings:
    """Where rows go: a DuckDB file, or Snowflake."""

    kind: str
    path: Path | None = None
    account: str | None = None
    user: str | None = None
    private_key: Secret | None = None
    private_key_passphrase: Secret | None = None
    password: Secret | None = None
    role: str | None = None
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    region: str | None = None
    host: str | None = None
    port: int | None = None
    protocol: str | None = None


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """`file` writes alerts to the state folder instead of sending them."""

    file: bool
    slack: Secret | None = None
    smtp: Secret | None = None


@dataclass(frozen=True, slots=True)
class KeySettings:
    """32-byte keys in hexadecimal; one that is None is made under the state folder (`credentials.key`)."""

    journal: Secret | None = None
    mask: Secret | None = None
    rejects: Secret | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """All that a run needs to know about its surroundings; `root` is the folder of durable.toml."""

    name: str
    root: Path
    state: Path
    salesforce: SalesforceSettings
    warehouse: WarehouseSettings
    alerts: AlertSettings
    keys: KeySettings


def find(start: Path | None = None) -> Path | None:
    """durable.toml in this folder or the nearest one above it."""
    folder = (start or Path.cwd()).resolve()
    candidates = (parent / FILE_NAME for parent in (folder, *folder.parents))
    return next((path for path in candidates if path.is_file()), None)


def load(path: Path | None = None, profile: str | None = None) -> Profile:
    """The profile named by the argument, DURABLE_PROFILE or default_profile; without a file, the local default."""
    document = _read(path)
    root = path.resolve().parent if path else Path.cwd()
    _check(document, TOP, FILE_NAME)
    _check(document.get("llm", {}), LLM, "llm")
    _check(document.get("paths", {}), PATHS, "paths")
    name = profile or os.environ.get("DURABLE_PROFILE") or document.get("default_profile", DEFAULT_PROFILE)
    state = root / document.get("paths", {}).get("state", ".durable")
    return _profile(name, _named(document, name), root, state)


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read.", help="Check the path, or run without --config.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.", help="Correct that line.") from error


def _named(document: Table, name: str) -> Table:
    profiles = document.get("profiles", {})
    if name in profiles:
        found: Table = profiles[name]
        _kind(found, TABLE, f"profiles.{name}")
        return found
    if name == DEFAULT_PROFILE:
        return {}
    known = ", ".join(sorted({*profiles, DEFAULT_PROFILE}))
    raise ConfigurationError(
        f"There is no profile {name!r}. The profiles are: {known}.",
        help=_suggestion(name, [*profiles, DEFAULT_PROFILE]),
    )


def _profile(name: str, table: Table, root: Path, state: Path) -> Profile:
    where = f"profiles.{name}"
    _check(table, PROFILE, where)
    warehouse = _warehouse(table.get("warehouse", {"kind": "duckdb"}), root, state, f"{where}.warehouse")
    if warehouse.kind == "snowflake":
        _need(table, ("salesforce",), where)  # a forgotten line must not fill a real warehouse with made-up records
    salesforce = _salesforce(table.get("salesforce", "sandbox"), root, f"{where}.salesforce")
    alerts = table.get("alerts", "file" if salesforce.sandbox else {})  # a real profile never swallows an alert unasked
    return Profile(
        name=name,
        root=root,
        state=state,
        salesforce=salesforce,
        warehouse=warehouse,
        alerts=_alerts(alerts, root, f"{where}.alerts"),
        keys=_keys(table.get("keys", {}), root, f"{where}.keys", warehouse.kind),
    )


def _salesforce(value: str | Table, root: Path, where: str) -> SalesforceSettings:
    if isinstance(value, str):
        _one_word(value, "sandbox", where)
        return SalesforceSettings(sandbox=True)
    _check(value, SALESFORCE, where)
    auth = value.get("auth", "jwt")
    if auth not in AUTHS:
        raise ConfigurationError(f"{where}.auth is {auth!r}.", help=f"Use one of: {', '.join(AUTHS)}.")
    _need(value, ("login_url", *NEEDED_BY_AUTH[auth]), where)
    login_url = _origin(value["login_url"], f"{where}.login_url")
    return SalesforceSettings(
        sandbox=False,
        login_url=login_url,
        auth=auth,
        audience=value.get("audience", login_url),
        client_id=_identity(value, "client_id", root, where),
        username=_identity(value, "username", root, where),
        client_secret=_secret(value, "client_secret", root, where),
        password=_secret(value, "password", root, where),
        security_token=_secret(value, "security_token", root, where),
        refresh_token=_secret(value, "refresh_token", root, where),
        private_key=_secret(value, "private_key", root, where),
        ca_file=root / Path(value["ca_file"]).expanduser() if "ca_file" in value else None,
        api_version=_version(value.get("api_version", API_VERSION), f"{where}.api_version"),
        horizon_seconds=_at_least(0, value.get("horizon_seconds", HORIZON_SECONDS), f"{where}.horizon_seconds"),
        timeout_seconds=_at_least(1, value.get("timeout_seconds", TIMEOUT_SECONDS), f"{where}.timeout_seconds"),
        region=value.get("region"),
        sizes=_sizes(value, where),
    )


def _sizes(value: Table, where: str) -> Sizes:
    sizes = {name: value.get(name, usual) for name, usual in asdict(SIZES).items()}
    return Sizes(
        **{name: _at_least(0 if name == "rest_below" else 1, size, f"{where}.{name}") for name, size in sizes.items()}
    )


def _warehouse(value: Table, root: Path, state: Path, where: str) -> WarehouseSettings:
    kind = value.get("kind", "duckdb")
    if kind not in WAREHOUSES:
        raise ConfigurationError(f"{where}.kind is {kind!r}.", help=f"Use one of: {', '.join(WAREHOUSES)}.")
    _check(value, WAREHOUSES[kind], where)
    if kind == "duckdb":
        path = root / Path(value["path"]).expanduser() if "path" in value else state / "warehouse.duckdb"
        return WarehouseSettings(kind=kind, path=path, region=value.get("region"))
    _need(value, ("account", "user"), where)
    _snowflake_login(value, where)
    plain = {key: value[key] for key, what in SNOWFLAKE.items() if key in value and what != SECRET}
    names = ("private_key", "private_key_passphrase", "password")
    key, words, password = (_secret(value, name, root, where) for name in names)
    return WarehouseSettings(**plain, private_key=key, private_key_passphrase=words, password=password)


def _snowflake_login(value: Table, where: str) -> None:
    if "private_key" not in value and "password" not in value:
        raise ConfigurationError(f"{where} needs private_key.", help='Add private_key = "file:PATH" to durable.toml.')
    local = is_loopback(value.get("host", ""))
    if "password" in value and not local:
        raise ConfigurationError(
            f"{where}.password is accepted for a server on this machine only.",
            help="Use private_key (key-pair log-in).",
        )
    if value.get("protocol", "https") != "https" and not local:
        raise ConfigurationError(f"{where}.protocol must be https.", help="Plain http is for this machine only.")


def _alerts(value: str | Table, root: Path, where: str) -> AlertSettings:
    if isinstance(value, str):
        _one_word(value, "file", where)
        return AlertSettings(file=True)
    _check(value, ALERTS, where)
    return AlertSettings(False, _secret(value, "slack", root, where), _secret(value, "smtp", root, where))


def _keys(value: Table, root: Path, where: str, warehouse: str) -> KeySettings:
    _check(value, KEYS, where)
    if warehouse == "snowflake":
        _need(value, tuple(KEYS), where)
    return KeySettings(**{name: _secret(value, name, root, where) for name in KEYS})


def _check(table: Table, known: Mapping[str, str], where: str) -> None:
    _kind(table, TABLE, where)
    for key, value in table.items():
        if key not in known:
            raise ConfigurationError(f"{where} has no setting {key!r}.", help=_suggestion(key, list(known)))
        _kind(value, known[key], f"{where}.{key}")


def _kind(value: object, kind: str, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, KINDS[kind]):
        raise ConfigurationError(f"{where} must be {kind}.", help="Correct it in durable.toml.")


def _suggestion(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(sorted(set(known)))}."


def _need(table: Table, keys: tuple[str, ...], where: str) -> None:
    missing = [key for key in keys if not table.get(key)]
    if missing:
        raise ConfigurationError(f"{where} needs {', '.join(missing)}.", help="Add it to durable.toml.")


def _one_word(value: str, expected: str, where: str) -> None:
    if value != expected:
        raise ConfigurationError(f"{where} is {value!r}.", help=f'Use "{expected}" or a table.')


def _at_least(least: int, value: int, where: str) -> int:
    if value < least:
        raise ConfigurationError(f"{where} is {value}.", help=f"Use {least} or more.")
    return value


def _secret(table: Table, key: str, root: Path, where: str) -> Secret | None:
    return reference(table[key], root, f"{where}.{key}") if key in table else None


def _identity(table: Table, key: str, root: Path, where: str) -> Secret | None:
    """A client ID and a user name are no secrets: they may be written out."""
    text = table.get(key)
    if text is None or text.startswith(("env:", "file:")):
        return reference(text, root, f"{where}.{key}", hidden=False) if text else None
    return given(text, f"{where}.{key}", hidden=False)


def _version(text: str, where: str) -> str:
    """`62.0`, also written `62` or `v62.0`."""
    found = re.fullmatch(r"v?([1-9]\d{0,2})(\.0)?", text)
    if found is None:
        raise ConfigurationError(f"{where} is {text!r}.", help=f'Write it like this: api_version = "{API_VERSION}".')
    return f"{found[1]}.0"


def _origin(url: str, where: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return f"https://{parts.netloc}"
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return f"http://{parts.netloc}"
    raise ConfigurationError(
        f"{where} must start with https:// and name a host.", help="Plain http is accepted for this machine only."
    )


def is_loopback(host: str) -> bool:
    """Whether this host is the machine itself."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"

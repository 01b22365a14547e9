"""Snowflake as a warehouse; a staged file is PUT and COPYed into a transient table before the transaction."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from durable_runtime.configuration import WarehouseSettings
from durable_runtime.errors import (
    ConfigurationError,
    CredentialsRejected,
    DiskFull,
    Incomplete,
    LockHeld,
    PermissionMissing,
    PipelineError,
    StatementFailed,
    WarehouseUnavailable,
)
from durable_runtime.spec import Column, Target
from durable_runtime.warehouse.base import Batch, Counts, ObjectLoad, Rows, Run
from durable_runtime.warehouse.dialect import SNOWFLAKE, checked, stage_columns
from durable_runtime.warehouse.engine import SqlWarehouse, Values, checked_token, utc_now

LOGIN_SECONDS = 60
SESSION_SECONDS = 3600  # a statement or a wait for a lock that takes longer fails instead of hanging

# Error number -> what it means and what to do; a number that is absent is judged by ERROR_KINDS.
ERRORS: dict[int, tuple[type[PipelineError], str]] = {
    **dict.fromkeys(
        (390100, 390144, *range(394300, 394307)),
        (CredentialsRejected, "Check the user and its key: the public key must be set for the user in Snowflake."),
    ),
    **dict.fromkeys((250001, 250003, 250005, 251011), (WarehouseUnavailable, "Check account, host and network.")),
    **dict.fromkeys((390111, 390112, 390114), (WarehouseUnavailable, "The session ended; run again.")),
    **dict.fromkeys((251001, 251005, 251006, 251008), (ConfigurationError, "Correct the profile in durable.toml.")),
    **dict.fromkeys((253003, 253004), (WarehouseUnavailable, "Check that the stage's storage can be reached.")),
    390201: (ConfigurationError, "The account, database or role of the profile does not exist or is not granted."),
    606: (ConfigurationError, "Name a `warehouse` in the profile that the role may use."),
    604: (WarehouseUnavailable, "The statement was cancelled; run again."),
    630: (WarehouseUnavailable, "The statement ran into its time limit; run again or use a larger warehouse."),
    625: (LockHeld, "Too many statements wait for the table; run again when it is free."),
    3001: (PermissionMissing, "Grant the privilege that the message names to the profile's role."),
    2043: (PermissionMissing, "The object does not exist, or the role may not see it: create it or grant it."),
    2003: (PermissionMissing, "The object does not exist, or the role may not see it: create it or grant it."),
    1003: (StatementFailed, "Compile the requirements again with this version."),
    100090: (StatementFailed, "An Id was staged twice; report it with the run's folder."),
}
SERVER_ERRORS = (
    "InternalServerError",
    "ServiceUnavailableError",
    "BadGatewayError",
    "GatewayTimeoutError",
    "RequestTimeoutError",
    "TooManyRequests",
    "OtherHTTPRetryableError",
    "RequestExceedMaxRetryError",
    "TokenExpiredError",
)
ERROR_KINDS: tuple[tuple[str, type[PipelineError], str], ...] = (
    ("ForbiddenError", PermissionMissing, "Check that the account's network policy lets this machine in."),
    ("OperationalError", WarehouseUnavailable, "Check the network, then run again."),
    ("InterfaceError", WarehouseUnavailable, "Check the network, then run again."),
    ("HttpError", WarehouseUnavailable, "Check the network, then run again."),
    *((name, WarehouseUnavailable, "Snowflake answers with an error; run again later.") for name in SERVER_ERRORS),
    ("OSError", DiskFull, "Check the room and the rights of the state folder."),
    ("Exception", StatementFailed, "Check that nobody changed the table, then run again."),
)


class SnowflakeWarehouse(SqlWarehouse):
    """A Snowflake schema; the spec's database and schema win over the profile's."""

    def __init__(
        self,
        settings: WarehouseSettings,
        target: Target,
        clock: Callable[[], datetime] = utc_now,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.settings = settings
        self.options = dict(options or {})
        self.database, self.schema = target.database or settings.database, target.schema or settings.schema or "PUBLIC"
        super().__init__(target, SNOWFLAKE, self.schema, clock)
        self._connection: Any = None

    def open(self) -> None:
        """Log in."""
        connector = load_connector()
        try:
            self._connection = connector.connect(**self.arguments())
        except Exception as error:
            raise classified(error, f"Snowflake account {self.settings.account} cannot be used") from error
        if self.settings.region:
            self._check_region(self.settings.region)

    def _check_region(self, region: str) -> None:
        found = str(self.execute("SELECT CURRENT_REGION()")[0][0])
        if not same_region(region, found):
            self.disconnect()
            raise ConfigurationError(
                f"The profile says region {region!r}, but the Snowflake account is in {found}; nothing was written.",
                help="Correct `region` or `account` in durable.toml.",
            )

    def arguments(self) -> dict[str, Any]:
        """What the connector is called with."""
        s = self.settings
        session = {
            "TIMEZONE": "UTC",
            "QUERY_TAG": f"durable:{self.target.table}",
            "STATEMENT_TIMEOUT_IN_SECONDS": SESSION_SECONDS,
            "LOCK_TIMEOUT": SESSION_SECONDS,
            "ERROR_ON_NONDETERMINISTIC_MERGE": True,
            "CLIENT_TELEMETRY_ENABLED": False,
            **self.options.get("session_parameters", {}),
        }
        plain = {
            "account": s.account,
            "user": s.user,
            "role": s.role,
            "warehouse": s.warehouse,
            "database": self.database,
            "schema": self.schema,
            "host": s.host,
            "port": s.port,
            "protocol": s.protocol,
            "password": s.password.reveal() if s.password else None,
            "private_key": private_key(s.private_key.reveal()) if s.private_key else None,
        }
        given = {name: value for name, value in plain.items() if value is not None}
        return {
            **given,
            "client_session_keep_alive": True,
            "login_timeout": LOGIN_SECONDS,
            "network_timeout": SESSION_SECONDS,  # else the driver repeats a server error for ever
            **self.options,
            "session_parameters": session,
        }

    def is_open(self) -> bool:
        """Whether there is a session."""
        return self._connection is not None

    def disconnect(self) -> None:
        """End the session."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def execute(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Run one statement."""
        return self._answer(sql, values)[1]

    def query(self, sql: str) -> Rows:
        """Run one statement and return its rows."""
        columns, rows = self._answer(sql, ())
        return Rows(columns, tuple(rows))

    def _answer(self, sql: str, values: Values) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        if self._connection is None:
            raise WarehouseUnavailable("Snowflake is not connected.", help="Open the warehouse first.")
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql.replace("?", "%s") if values else sql, tuple(values) if values else None)
                columns = tuple(column[0].lower() for column in cursor.description or ())
                return columns, [tuple(row) for row in cursor.fetchall()]
        except Exception as error:
            raise classified(error, f"Snowflake refused a statement for {self.names.of()}") from error

    def prepare(self, loads: Sequence[ObjectLoad], deletes: str = "skip") -> tuple[str, ...]:
        """Create what is missing, the stage included."""
        added = super().prepare(loads, deletes)
        self.execute(f"CREATE STAGE IF NOT EXISTS {self.names.control('durable_stage')}")
        return added

    def location(self, run: Run, name: str) -> str:
        """The folder of the stage that holds one run's files."""
        parts = (checked_token(run.lease.pipeline), checked_token(run.run_id))
        return f"@{self.names.control('durable_stage')}/{'/'.join(parts)}/{checked(name)}"

    def stage(self, run: Run, batch: Batch, plan: ObjectLoad) -> None:
        """PUT the file and COPY it, and check that every row arrived."""
        staged = self.names.of("staged")
        columns = ", ".join(f"{c.name} {c.snowflake}" for c in stage_columns(plan.columns))
        self.execute(f"CREATE OR REPLACE TRANSIENT TABLE {staged} ({columns})")
        if not batch.rows:
            return
        self._copy(batch.path, self.location(run, batch.object), staged)
        rows = self._count(f"SELECT COUNT(*) FROM {staged}")
        if rows != batch.rows:
            raise Incomplete(
                f"{batch.path.name} has {batch.rows} rows, but COPY loaded {rows}; nothing was written.",
                help="Run again.",
            )

    def _copy(self, path: Path, location: str, table: str) -> None:
        self.execute(f"PUT 'file://{put_path(path)}' {location} AUTO_COMPRESS=FALSE OVERWRITE=TRUE")
        self.execute(
            f"COPY INTO {table} FROM {location}/{path.name} FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE) "
            "MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT"
        )

    def load(self, run: Run, batch: Batch) -> Counts:
        """Load one staged file, then take it off the stage."""
        counts = super().load(run, batch)
        with suppress(PipelineError):
            self.execute(f"REMOVE {self.location(run, batch.object)}/{batch.path.name}")
        return counts

    def fill(self, suffix: str, parquet: Path) -> None:
        """PUT the file and COPY it."""
        location = f"@{self.names.control('durable_stage')}/work/{self.names.table}"
        try:
            self._copy(parquet, location, self.names.of(suffix))
        finally:
            with suppress(PipelineError):
                self.execute(f"REMOVE {location}/{parquet.name}")

    def stage_values(self, values: Path, columns: Sequence[Column]) -> None:
        """PUT the file and COPY it."""
        table = self.names.of("values")
        holds = ", ".join(f"{c.name} {c.snowflake}" for c in columns)
        self.execute(f"CREATE OR REPLACE TRANSIENT TABLE {table} ({holds})")
        location = f"@{self.names.control('durable_stage')}/values/{self.names.table}"
        try:
            self._copy(values, location, table)
        finally:
            with suppress(PipelineError):
                self.execute(f"REMOVE {location}/{values.name}")

    def _drop_work(self) -> None:
        super()._drop_work()
        for suffix in ("staged", "values"):
            self.execute(f"DROP TABLE IF EXISTS {self.names.of(suffix)}")


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


def private_key(pem: str) -> bytes:
    """The DER form of a PEM key, as the connector wants it."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            "The Snowflake private_key is not an unencrypted PEM key.",
            help="Use a PKCS#8 key: openssl genrsa 2048 | openssl pkcs8 -topk8 -nocrypt.",
        ) from error
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def same_region(written: str, found: str) -> bool:
    """Whether `aws:eu-central-1` is what CURRENT_REGION() calls AWS_EU_CENTRAL_1, with or without a region group."""
    return written.upper().replace(":", "_").replace("-", "_") == found.upper().rpartition(".")[2]


def put_path(path: Path) -> str:
    """The path in PUT's quotes, where a quote and a backslash need an escape."""
    return str(path.resolve()).replace("\\", "\\\\").replace("'", "\\'")


def classified(error: Exception, what: str) -> PipelineError:
    """The error that a driver's exception stands for, by its number, else by its class."""
    number = getattr(error, "errno", None)
    kinds = [kind.__name__ for kind in type(error).__mro__]
    by_kind = next((kind, help) for name, kind, help in ERROR_KINDS if name in kinds)
    kind, help = ERRORS.get(number or 0, by_kind)
    text = str(getattr(error, "raw_msg", None) or error).splitlines()[0]
    return kind(f"{what}: {text}", help=help)

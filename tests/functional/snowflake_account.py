"""A real Snowflake account for the live suite: read from the environment, used in a schema of its own."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from durable_runtime.configuration import WarehouseSettings
from durable_runtime.credentials import given
from durable_runtime.spec import Target
from durable_runtime.warehouse.engine import Values
from durable_runtime.warehouse.snowflake import SnowflakeWarehouse

NEEDED = ("ACCOUNT", "USER", "PRIVATE_KEY_FILE", "ROLE", "WAREHOUSE", "DATABASE")
OPTIONAL = ("PRIVATE_KEY_PASSPHRASE", "HOST")
# The conformance checks and their sample say CRM.ANALYTICS, or analytics, of a warehouse that is theirs alone.
SAMPLE = re.compile(r"\b(?:CRM\.)?ANALYTICS\.(?=\w)(?!DURABLE_LIVE_)", re.IGNORECASE)
CATALOG = re.compile(r"\bCRM\.(?=INFORMATION_SCHEMA\.)", re.IGNORECASE)


@dataclass(frozen=True)
class Account:
    """How the account is reached, and the schema that this run of the suite makes and drops."""

    values: Mapping[str, str]
    schema: str

    @classmethod
    def of(cls, environment: Mapping[str, str], at: datetime | None = None) -> Account:
        """From SNOWFLAKE_… variables; LookupError names those that are missing."""
        names = (*NEEDED, *OPTIONAL)
        values = {name: environment.get(f"SNOWFLAKE_{name}", "").strip() for name in names}
        missing = [f"SNOWFLAKE_{name}" for name in NEEDED if not values[name]]
        if missing:
            raise LookupError(f"The live suite needs {', '.join(missing)}; see the README, Snowflake for real.")
        now = at or datetime.now(UTC)
        return cls(values, f"DURABLE_LIVE_{now:%Y%m%d_%H%M%S}_{secrets.token_hex(3)}".upper())

    @property
    def place(self) -> str:
        """The schema with its database."""
        return f"{self.values['DATABASE']}.{self.schema}"

    def settings(self, **changes: Any) -> WarehouseSettings:
        """A profile's warehouse."""
        key, words = self.values["PRIVATE_KEY_FILE"], self.values["PRIVATE_KEY_PASSPHRASE"]
        plain: dict[str, Any] = {
            "account": self.values["ACCOUNT"],
            "user": self.values["USER"],
            "role": self.values["ROLE"],
            "warehouse": self.values["WAREHOUSE"],
            "host": self.values["HOST"] or None,
            "private_key": given(Path(key).expanduser().read_text(encoding="utf-8"), "private_key"),
            "private_key_passphrase": given(words, "private_key_passphrase") if words else None,
        }
        return WarehouseSettings(**{"kind": "snowflake", **plain, **changes})

    def moved(self, sql: str) -> str:
        """A statement about the sample's schema as one about this schema."""
        sql = CATALOG.sub(f"{self.values['DATABASE']}.", SAMPLE.sub(f"{self.place}.", sql))
        return sql.replace("'ANALYTICS'", f"'{self.schema}'").replace("'analytics'", f"'{self.schema.lower()}'")

    def warehouse(
        self, target: Target, clock: Callable[[], datetime], options: Mapping[str, Any] | None = None, **changes: Any
    ) -> LiveWarehouse:
        """The adapter, with the sample's schema moved into this one."""
        return LiveWarehouse(self, target, clock, options, **changes)


class LiveWarehouse(SnowflakeWarehouse):
    """The adapter against an account; only the schema's name differs from what the sample says."""

    def __init__(
        self,
        account: Account,
        target: Target,
        clock: Callable[[], datetime],
        options: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        super().__init__(account.settings(**changes), target, clock, options)
        self.place = account

    def arguments(self) -> dict[str, Any]:
        """As the adapter has them, for the schema of the suite."""
        return {**super().arguments(), "database": self.place.values["DATABASE"], "schema": self.place.schema}

    def _answer(self, sql: str, values: Values) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        return super()._answer(self.place.moved(sql), values)

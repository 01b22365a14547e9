"""Which API versions Salesforce has retired or will retire, as data, and what a configured one means today.

Source: the pages "SOAP API End-of-Life Policy" and "Tooling API End-of-Life Policy" of developer.salesforce.com, which
name releases. A Summer release reaches the first organizations in June, so the first of that month stands for it here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from durable_runtime.errors import ConfigurationError

NOTICE = timedelta(days=180)
LAST_SOAP_LOGIN = 64  # SOAP login() does not exist in later versions; its sessions serve every version
SOAP_LOGIN_RELEASE, SOAP_LOGIN_ENDS = "Summer '27", date(2027, 6, 1)


@dataclass(frozen=True, slots=True)
class Retirement:
    """Versions `first` to `last` stop answering with a release, which comes on that day."""

    first: int
    last: int
    release: str
    on: date


RETIREMENTS: tuple[Retirement, ...] = (
    Retirement(1, 20, "Summer '22", date(2022, 6, 1)),
    Retirement(21, 30, "Summer '25", date(2025, 6, 1)),
    Retirement(31, 40, "Summer '28", date(2028, 6, 1)),
)


def notice(version: str, now: datetime) -> str | None:
    """A warning for a version such as `35.0` that retires within 180 days; ConfigurationError for a retired one."""
    number = int(version.partition(".")[0])
    found = next((one for one in RETIREMENTS if one.first <= number <= one.last), None)
    if found is None or now.date() + NOTICE < found.on:
        return None
    if now.date() >= found.on:
        raise ConfigurationError(
            f"Salesforce retired API version {version} with {found.release}. Nothing was read.",
            help=f"Set api_version to {_oldest(now)}.0 or later in durable.toml, best to the newest one.",
        )
    return (
        f"Salesforce retires API version {version} with {found.release} (from {found.on}): "
        f"raise api_version in durable.toml before."
    )


def _oldest(now: datetime) -> int:
    """The oldest version that answers."""
    return 1 + max(one.last for one in RETIREMENTS if now.date() >= one.on)

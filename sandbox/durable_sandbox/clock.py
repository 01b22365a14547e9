"""The sandbox's clock: real time, or real time moved by an administrator."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

ANCHOR = datetime(2026, 1, 5, tzinfo=UTC)
"""No generated record is newer than this, so that the same seed gives the same bytes on every day."""


def stamp(moment: datetime) -> str:
    """The stored form of a datetime: `2026-01-05T00:00:00.000Z`, which sorts as text."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def parse(text: str) -> datetime:
    """Read an ISO datetime; one without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Clock:
    """Real time plus an offset."""

    def __init__(self, offset_seconds: float = 0.0) -> None:
        self.offset = timedelta(seconds=offset_seconds)
        self.skew = timedelta()  # of a fault: no journal keeps it

    def now(self) -> datetime:
        """The sandbox's present moment in UTC."""
        return datetime.now(UTC) + self.offset + self.skew

    def now_stamp(self) -> str:
        """The moment a write gets: Salesforce keeps whole seconds."""
        return stamp(self.now().replace(microsecond=0))

    def http_date(self) -> str:
        """The moment as an HTTP Date header."""
        return format_datetime(self.now().replace(microsecond=0), usegmt=True)

    def set(self, moment: datetime | None) -> None:
        """Move the clock to a moment, from which it runs on; None returns to real time."""
        self.offset = timedelta() if moment is None else moment - datetime.now(UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock by some seconds, either way."""
        self.offset += timedelta(seconds=seconds)

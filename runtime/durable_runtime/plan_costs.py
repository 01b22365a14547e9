"""What a run costs: API requests, counted as the runtime makes them, and what Snowflake bills for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, repeat, takewhile
from math import ceil

from durable_runtime.salesforce.bulk import FIRST_POLL, POLL_GROWTH, SLOWEST_POLL
from durable_runtime.salesforce.session import Usage
from durable_runtime.salesforce.sizes import Sizes

JOB_SECONDS = 30  # assumed: how long Salesforce works on a Bulk job
REST_PAGE = 2_000  # records; Salesforce makes pages of wide records shorter
COUNTS = 2  # of each window: before and after it is read
CLOCK = 2  # what time it is, before reading and before comparing

# Credits that a standard warehouse takes for each full hour; billed by the second, a minute at least each time it
# resumes (Snowflake's user guide, "Understanding compute cost").
CREDITS = {
    "X-Small": 1, "Small": 2, "Medium": 4, "Large": 8, "X-Large": 16, "2X-Large": 32, "3X-Large": 64, "4X-Large": 128,
    "5X-Large": 256, "6X-Large": 512,
}  # fmt: skip
MINUTES = (1, 5, 15, 60)
LEAST_MINUTES = 1


@dataclass(frozen=True, slots=True)
class Requests:
    """API requests of a run by what they are for; the log-in does not count against the limit."""

    parts: Mapping[str, int]
    usage: Usage | None

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.parts.values())

    @property
    def share(self) -> float | None:
        """Of the organization's requests of 24 hours; None where Salesforce did not say how many it has."""
        return self.total / self.usage.allowed if self.usage and self.usage.allowed else None


def transfer(records: int, sizes: Sizes) -> int:
    """Requests that bring so many records: pages, or Bulk jobs from creation to deletion with their polls."""
    if records < sizes.rest_below:
        return max(1, ceil(records / REST_PAGE))
    jobs = ceil(records / sizes.partition_rows)
    edges = 2 if jobs > 1 else 0  # the least and the greatest Id, where ranges of Ids are cut
    return edges + jobs * (2 + polls(JOB_SECONDS)) + ceil(records / sizes.page_records)


def api(records: int, sizes: Sizes) -> str:
    """Which API brings so many records."""
    return "rest" if records < sizes.rest_below else "bulk"


def polls(seconds: float) -> int:
    """How often a job that takes so long is asked for: at once, then after ever longer pauses."""
    pauses = accumulate(
        repeat(POLL_GROWTH), lambda pause, growth: min(pause * growth, SLOWEST_POLL), initial=FIRST_POLL
    )
    asked = accumulate(pauses, initial=0.0)
    return 1 + sum(1 for _ in takewhile(lambda at: at < seconds, asked))


def credits_of(minutes: int) -> dict[str, float]:
    """Credits by warehouse size for one that runs so long."""
    return {size: round(hourly * max(minutes, LEAST_MINUTES) / 60, 3) for size, hourly in CREDITS.items()}

"""What a run may spend: a share of the organization's daily API calls, and time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from durable_runtime.clock import Clock
from durable_runtime.errors import QuotaReached, TimeSpent
from durable_runtime.spec import Policies

if TYPE_CHECKING:
    from durable_runtime.salesforce.session import Session, Usage

FEW_CALLS = 2_000  # with fewer left, work is done one piece after the other, so that what was begun can be finished


@dataclass(slots=True)
class Budget:
    """Asked before every request; raises QuotaReached or TimeSpent where a requirement's limit is reached.

    Salesforce counts the calls of everybody, rolling over 24 hours, and says so in every answer: a share of the daily
    calls is reached when the organization as a whole has used so many, so the rest is always left for others.
    """

    policies: Policies
    session: Session
    clock: Clock
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock.monotonic()

    def check(self) -> None:
        """Whether another request may be made."""
        self._check_time()
        usage, asked_by = self.session.usage, self.policies.behind("max_api_share") or "a requirement"
        if usage is not None and self.policies.max_api_share is not None and self.left(usage) <= 0:
            raise QuotaReached(
                f"The organization has used {usage.used:,} of {usage.allowed:,} daily API calls, and {asked_by} lets "
                f"this pipeline go up to {self.policies.max_api_share * 100:.4g}% of them.",
                help="The calls of a day count for 24 hours: run again later, or allow more.",
                requirement=asked_by,
            )

    def left(self, usage: Usage) -> int:
        """How many calls may still be made."""
        return int(usage.allowed * (self.policies.max_api_share or 1)) - usage.used

    @property
    def tight(self) -> bool:
        """Whether limits are near enough, or asked for, that work must be cut into pieces which can be kept."""
        usage = self.session.usage
        limited = self.policies.max_api_share is not None or self.policies.max_runtime_seconds is not None
        return limited or (usage is not None and self.left(usage) < FEW_CALLS)

    def _check_time(self) -> None:
        most = self.policies.max_runtime_seconds
        if most is not None and self.clock.monotonic() - self.started >= most:
            raise TimeSpent(
                f"The run has taken the {most:,} seconds that {self.policies.behind('max_runtime_seconds')} allows.",
                help="Run again: it goes on where this one stopped.",
                requirement=self.policies.behind("max_runtime_seconds") or None,
            )

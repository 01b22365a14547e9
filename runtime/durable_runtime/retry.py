"""The one retry loop: transient errors only, exponential pauses with jitter, Retry-After honoured, time capped."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import stamina
import stamina.instrumentation

from durable_runtime.clock import Clock
from durable_runtime.errors import PipelineError, RateLimited, SalesforceUnavailable, Transient, WarehouseUnavailable
from durable_runtime.spec import Retry

T = TypeVar("T")

# By default stamina prints each retry, the error's text included, to stdout, which belongs to the run's summary.
stamina.instrumentation.set_on_retry_hooks(())

FIRST_PAUSE, LONGEST_PAUSE, JITTER = 0.5, 60.0, 0.5  # seconds, seconds, share of the pause
GROWTH: dict[str, Callable[[int], float]] = {
    "exponential": lambda failures: FIRST_PAUSE * 2 ** (failures - 1),
    "linear": lambda failures: FIRST_PAUSE * failures,
    "constant": lambda _failures: FIRST_PAUSE,
}

# The first row that an error is an instance of decides its class; an error without a row is never retried.
CLASSES: tuple[tuple[type[Transient], str], ...] = (
    (RateLimited, "rate_limit"),
    (SalesforceUnavailable, "network"),
    (WarehouseUnavailable, "network"),
)


def class_of(error: BaseException) -> str | None:
    """The retry class of an error, None where it is not for retrying."""
    return next((name for kind, name in CLASSES if isinstance(error, kind)), None)


def retry_after(error: BaseException) -> float | None:
    """The seconds that the server asked to wait, where it did."""
    seconds = error.retry_after if isinstance(error, PipelineError) else None
    return float(seconds) if seconds is not None else None


@dataclass(slots=True)
class _Backoff:
    """Decides and sleeps: stamina asks it after each failure and itself waits 0, so that the clock is ours."""

    retry: Retry
    clock: Clock
    started: float
    failures: int = field(default=0)

    def __call__(self, error: Exception) -> bool | float:
        self.failures += 1
        if class_of(error) not in self.retry.classes or self.failures >= self.retry.max_attempts:
            return False
        pause = self._pause(error)
        if self.clock.monotonic() - self.started + pause > self.retry.max_elapsed_seconds:
            return False
        self.clock.sleep(pause)
        return 0.0

    def _pause(self, error: Exception) -> float:
        asked = retry_after(error)
        grown = min(GROWTH.get(self.retry.backoff, GROWTH["exponential"])(self.failures), LONGEST_PAUSE)
        jittered = grown * (1 + random.uniform(0, JITTER))  # noqa: S311  (spreads load; guards nothing)
        return jittered if asked is None else max(asked, 0.0)


def retrying(retry: Retry, clock: Clock, work: Callable[[], T]) -> T:
    """`work()`, tried again while it raises an error of a class in `retry.classes`; else that error."""
    backoff = _Backoff(retry, clock, clock.monotonic())
    attempts = stamina.retry_context(on=backoff, attempts=max(retry.max_attempts, 1), timeout=None)
    for attempt in attempts:
        with attempt:
            return work()
    raise AssertionError("stamina ends by returning or raising")

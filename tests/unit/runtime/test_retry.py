"""The retry loop: what is retried, how long, and that no test waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from durable_runtime.errors import CredentialsRejected, DiskFull, Incomplete, RateLimited, SalesforceUnavailable
from durable_runtime.retry import retrying
from unit.runtime.scripted_salesforce import RETRY, Pauses


def failing(times: int, error: Exception) -> Callable[[], int]:
    calls: list[int] = []

    def work() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return len(calls)

    return work


def test_pauses_grow_exponentially_with_jitter() -> None:
    pauses = Pauses()
    assert retrying(RETRY, pauses.clock(), failing(4, SalesforceUnavailable("x"))) == 5
    assert [floor <= slept <= floor * 1.5 for floor, slept in zip([0.5, 1, 2, 4], pauses.slept, strict=True)] == [
        True
    ] * 4


def test_the_number_of_attempts_is_a_cap() -> None:
    pauses = Pauses()
    with pytest.raises(SalesforceUnavailable):
        retrying(replace(RETRY, max_attempts=3), pauses.clock(), failing(3, SalesforceUnavailable("x")))
    assert len(pauses.slept) == 2


def test_elapsed_seconds_are_a_cap_that_no_pause_may_cross() -> None:
    pauses = Pauses()
    error = RateLimited("slow down")
    error.retry_after = 40.0
    with pytest.raises(RateLimited):
        retrying(replace(RETRY, max_elapsed_seconds=100), pauses.clock(), failing(9, error))
    assert pauses.slept == [40.0, 40.0]


def test_a_retry_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    retrying(RETRY, Pauses().clock(), failing(2, SalesforceUnavailable("x")))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("error", [CredentialsRejected("x"), Incomplete("x"), DiskFull("x"), ValueError("x")])
def test_other_errors_are_not_retried(error: Exception) -> None:
    pauses = Pauses()
    with pytest.raises(type(error)):
        retrying(RETRY, pauses.clock(), failing(1, error))
    assert pauses.slept == []


def test_only_the_classes_that_the_requirements_name_are_retried() -> None:
    only_limits = replace(RETRY, classes=("rate_limit",))
    assert retrying(only_limits, Pauses().clock(), failing(1, RateLimited("x"))) == 2
    with pytest.raises(SalesforceUnavailable):
        retrying(only_limits, Pauses().clock(), failing(1, SalesforceUnavailable("x")))

"""Allowances that count down over 24 hours of the sandbox's clock."""

from __future__ import annotations

import pytest

from durable_sandbox.clock import Clock
from durable_sandbox.errors import ApiError
from durable_sandbox.limits import JOBS, REQUESTS, STORAGE, Limits

HOUR = 3600.0


@pytest.fixture
def limits() -> Limits:
    return Limits(Clock())


def test_calls_are_forgotten_after_a_day_hour_by_hour(limits: Limits) -> None:
    limits.set(REQUESTS, 10, 10)
    limits.take_requests(4)
    limits.clock.advance(12 * HOUR)
    limits.take_requests(5)
    assert limits.left(REQUESTS) == 1
    limits.clock.advance(13 * HOUR)
    assert limits.left(REQUESTS) == 5
    limits.clock.advance(12 * HOUR)
    assert limits.left(REQUESTS) == 10
    assert limits.requests == 9


def test_the_last_call_is_served_and_the_one_after_it_is_not_counted(limits: Limits) -> None:
    limits.set(REQUESTS, 2, 1)
    limits.take_requests()
    for _ in range(2):
        with pytest.raises(ApiError, match="TotalRequests Limit exceeded") as caught:
            limits.take_requests()
        assert (caught.value.status, caught.value.code) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert limits.header() == "api-usage=2/2"


def test_a_page_of_results_counts_once_in_whole_megabytes(limits: Limits) -> None:
    limits.set(STORAGE, 10, 10)
    for start, size in ((0, 1 << 20), (0, 1 << 20), (100, 3 << 19)):
        limits.store("750", start, size)
    assert limits.as_json()[STORAGE] == {"Max": 10, "Remaining": 7}


def test_bulk_jobs_and_stored_results_end_with_a_refusal_of_their_own(limits: Limits) -> None:
    limits.set(JOBS, 2, 1)
    limits.take_job()
    with pytest.raises(ApiError, match=r"query jobs \(2\) per 24 hrs has been reached \(3\)"):
        limits.take_job()
    limits.reset(JOBS)
    assert limits.as_json()[JOBS] == {"Max": 10_000, "Remaining": 10_000}
    limits.take_job()
    limits.set(STORAGE, 976_562, 0)
    with pytest.raises(ApiError, match="result size stored"):
        limits.take_job()
    limits.reset(STORAGE)
    assert limits.maxima[STORAGE] == 1_000_000_000 * 1024
    assert limits.as_json()[STORAGE] == {"Max": 976_562, "Remaining": 976_562}

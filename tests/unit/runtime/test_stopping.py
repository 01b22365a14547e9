"""Ctrl-C and SIGTERM end a run as one outcome, whatever a library makes of them; what ignores them goes on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any, cast

import pytest

from durable_runtime import cli
from durable_runtime.errors import Bug, Interrupted
from durable_runtime.stopping import SIGNALS, stoppable

JOB = cast(Any, None)  # what ends these runs does not look at it


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The handlers of the test runner, brought back."""
    before = {one: signal.getsignal(one) for one in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores it
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_what_runs_and_is_known_afterwards(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stoppable() as stopped:
        assert not stopped()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert stopped()
    assert signal.getsignal(number) is before


def test_what_ignores_a_signal_goes_on_ignoring_it() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with stoppable() as stopped:
        signal.raise_signal(signal.SIGINT)
        assert not stopped()


def test_an_error_that_a_library_made_of_a_signal_is_an_interruption() -> None:
    def run(_job: object) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            raise RuntimeError("Query interrupted") from None

    error = cli.outcome(run, JOB)
    assert isinstance(error, Interrupted)
    assert (error.code, error.exit_code, error.status) == ("RUN610", 6, "failed")


def test_the_same_error_without_a_signal_is_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    def run(_job: object) -> None:
        raise RuntimeError("Query interrupted")

    assert isinstance(cli.outcome(run, JOB), Bug)
    assert "RuntimeError: Query interrupted" in capsys.readouterr().err


def test_a_run_that_ended_well_is_a_success() -> None:
    assert cli.outcome(lambda _job: None, JOB) is None

"""What ends a run from outside: Ctrl-C, or the SIGTERM of a service manager."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Inside, both signals raise KeyboardInterrupt; the function says whether one came.

    A library in whose call a signal arrives may turn it into an error of its own, so the exception alone does not tell.
    What ignores a signal (a job in the background) goes on ignoring it.
    """
    came: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    here = threading.current_thread() is threading.main_thread()
    heard = [one for one in SIGNALS if here and signal.getsignal(one) is not signal.SIG_IGN]
    before = {one: signal.signal(one, stop) for one in heard}
    try:
        yield lambda: bool(came)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)

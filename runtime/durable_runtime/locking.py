"""One run of a pipeline at a time on this machine; the warehouse's lease holds between machines."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from durable_runtime.errors import LockHeld


@contextmanager
def held(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock file; the system lets go of it when the process ends, however it ends. Raises LockHeld."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise LockHeld(
                f"Another run of {path.name} is going on on this machine.", help="Use --wait to start when it ends."
            ) from error
        yield


def place(state: Path) -> str:
    """The name of this state folder, made once: who holds its lock file knows that its earlier runs have ended."""
    path = state / "locks" / "place"
    if not path.is_file():
        draft = path.with_name(f"place-{os.getpid()}")
        draft.write_text(secrets.token_hex(8), encoding="utf-8")
        with suppress(FileExistsError):
            os.link(draft, path)  # whole or not at all, and the first one stays
        draft.unlink()
    return path.read_text(encoding="utf-8")

"""A refresh token that Salesforce may replace with each use: the new one is on disk before anything relies on it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from durable_runtime.credentials import Secret
from durable_runtime.errors import CredentialsRejected
from durable_runtime.redaction import remember

AUTHORIZE = "Authorize the app again and keep the new refresh token in a file of its own, writable by this user"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """The token to use now; `draft` is an empty file next to the token's own, None where nothing can be stored."""

    value: str
    secret: Secret
    path: Path | None = None
    draft: Path | None = None

    def replace(self, new: str) -> None:
        """Store what Salesforce sent in this one's place; raises CredentialsRejected where that is impossible."""
        remember(new)
        if self.draft is None or self.path is None:
            raise self._lost()
        try:
            _write(self.draft, new + "\n")
            _install(self.draft, self.path, new + "\n")
        except OSError as error:
            raise self._lost() from error

    def _lost(self) -> CredentialsRejected:
        return CredentialsRejected(
            f"Salesforce replaced the refresh token, and the new one cannot be stored: {self.secret.setting} is "
            f"{self.secret.reference}. The old one is worthless now.",
            help=f'{AUTHORIZE}: refresh_token = "file:PATH". Or switch refresh token rotation off for the app.',
        )


@contextmanager
def opened(secret: Secret) -> Iterator[RefreshToken]:
    """The newest token, kept from other processes of this machine until its exchange is over.

    A place that cannot be written to is found out before the exchange makes the old token worthless; the exchange
    goes on all the same, because most apps do not rotate. Raises ConfigurationError where the token cannot be read.
    """
    place = secret.path()
    if place is None:
        yield RefreshToken(secret.reveal(), secret)
        return
    path = place.resolve()  # a link stays one
    draft = path.with_name(f".{path.name}.new")
    with ExitStack() as stack:
        stack.enter_context(_lock(path.parent))
        _adopt(draft, path)
        writable = _prepared(draft)
        if writable:
            stack.callback(draft.unlink, missing_ok=True)
        yield RefreshToken(secret.reveal(), secret, path, draft if writable else None)


def _adopt(draft: Path, path: Path) -> None:
    """Finish what a killed process began: a whole draft is the newer token, unless somebody wrote a token since."""
    with suppress(OSError):
        whole = draft.read_text(encoding="utf-8").endswith("\n")
        if whole and (not path.exists() or draft.stat().st_mtime_ns >= path.stat().st_mtime_ns):
            os.replace(draft, path)


def _prepared(draft: Path) -> bool:
    try:
        _write(draft, "")
    except OSError:
        return False
    return True


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _install(draft: Path, path: Path, text: str) -> None:
    try:
        os.replace(draft, path)
    except OSError:
        _write(path, text)  # a file that is mounted by itself, as containers do, cannot be replaced but written
        return
    with suppress(OSError):  # not every file system syncs folders
        _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """The folder is what is locked: the file is replaced, and a lock file could not be made in a read-only place."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        yield  # reading the token says what is wrong
        return
    try:
        with suppress(OSError):  # a network file system may know no such lock
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

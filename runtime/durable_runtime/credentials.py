"""Secrets by reference: `env:NAME` or `file:PATH`, read when they are needed and never before."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from durable_runtime.errors import ConfigurationError
from durable_runtime.redaction import remember

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret's place. `setting` names the line of durable.toml for messages; the value is never in the repr."""

    reference: str
    root: Path
    setting: str
    given: str | None = field(default=None, repr=False)
    hidden: bool = True  # a client ID may be printed

    def reveal(self) -> str:
        """The value; raises ConfigurationError where it is missing, empty or readable by others."""
        value = self.given if self.given is not None else self._read()
        if self.hidden:
            remember(value)
        return value

    def path(self) -> Path | None:
        """The file that a `file:` reference names, else None."""
        scheme, _, rest = self.reference.partition(":")
        return self.root / Path(rest).expanduser() if scheme == "file" else None

    def _read(self) -> str:
        scheme, _, rest = self.reference.partition(":")
        return READERS[scheme](self, rest)


def given(value: str, setting: str, *, hidden: bool = True) -> Secret:
    """A secret that this process received from a child of its own rather than from durable.toml."""
    return Secret("given", Path(), setting, value, hidden)


def reference(text: str, root: Path, setting: str, *, hidden: bool = True) -> Secret:
    """Check the form `env:NAME` or `file:PATH`; the value itself is read later."""
    scheme, _, rest = text.partition(":")
    if scheme not in READERS or not rest:
        raise ConfigurationError(
            f"{setting} must be a reference to a secret, not the secret itself.",
            help=f'Write {setting.rpartition(".")[2]} = "env:NAME" or "file:PATH" in durable.toml.',
        )
    return Secret(text, root, setting, hidden=hidden)


def _from_environment(secret: Secret, name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise ConfigurationError(
            f"{secret.setting} needs the environment variable {name}, which is not set.",
            help=f"Set {name} and run again.",
        )
    return value


def _from_file(secret: Secret, name: str) -> str:
    path = secret.root / Path(name).expanduser()
    refuse_shared(path, secret.setting)
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{secret.setting} needs the file {name}, which cannot be read.", help="Check the path and its owner."
        ) from error
    if not value:
        raise ConfigurationError(
            f"{secret.setting} needs the file {name}, which is empty.", help="Write the secret to it."
        )
    return value


READERS: dict[str, Callable[[Secret, str], str]] = {"env": _from_environment, "file": _from_file}


def refuse_shared(path: Path, setting: str) -> None:
    """Refuse a secret's file that its group or everybody may read or write."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigurationError(
            f"{setting} needs the file {path}, which does not exist or cannot be opened.",
            help="Create it with mode 0600, or correct the path in durable.toml.",
        ) from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise ConfigurationError(
            f"{setting}: other users may read {path} (mode {stat.S_IMODE(mode):04o}).", help=f"Run: chmod 600 {path}"
        )


def key(secret: Secret | None, state: Path, name: str) -> bytes:
    """32 bytes of key `name`: the configured one, else one made once under the state folder with mode 0600."""
    if secret is None:
        path = state / "keys" / name
        _make_key(path)
        secret = Secret(f"file:{path}", path.parent, f"keys.{name}")
    try:
        value = bytes.fromhex(secret.reveal())
    except ValueError:
        value = b""
    if len(value) != KEY_BYTES:
        raise ConfigurationError(
            f"{secret.setting} is not {KEY_BYTES} bytes in hexadecimal.",
            help='Make one with: python -c "import secrets; print(secrets.token_hex(32))"',
        )
    return value


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
    try:
        os.link(draft, path)  # never replaces a key that another process has just made
    except FileExistsError:
        return
    finally:
        draft.unlink()

"""Everything one running sandbox holds, and the folder it comes back from."""

import fcntl
import gc
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from durable_sandbox import ids
from durable_sandbox.clock import Clock
from durable_sandbox.evaluate import Selection
from durable_sandbox.generate import Row
from durable_sandbox.jobs import Jobs
from durable_sandbox.journal import Journal
from durable_sandbox.oauth import Application, Sessions, make_application
from durable_sandbox.store import Store

DAILY_REQUESTS = 1_000_000
_MOST_CURSORS = 200


class StateError(Exception):
    """The state folder cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Settings:
    """What decides the generated data."""

    rows: int = 10_000
    seed: int = 1


@dataclass
class Sandbox:
    """The store, the clock, the sessions and what clients have open."""

    store: Store
    clock: Clock
    sessions: Sessions
    journal: Journal
    key_path: str = ""
    url: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    api_calls: int = 0
    cursors: dict[str, Selection] = field(default_factory=dict)
    cursors_opened: int = 0
    jobs: Jobs = field(default_factory=Jobs)
    lock: TextIO | None = None
    address_file: Path | None = None
    stop: Callable[[], None] = lambda: None

    def ready(self) -> dict[str, str]:
        """What a client needs to log in; also left in the state folder, where other programs look for it."""
        application = self.sessions.application
        entries = {
            "url": self.url,
            "client_id": application.client_id,
            "client_secret": application.client_secret,
            "username": application.username,
            "private_key": self.key_path,
        }
        if self.address_file:
            _write_private(self.address_file, json.dumps(entries))
        return entries

    def close(self) -> None:
        """Give the state folder back."""
        if self.address_file:
            self.address_file.unlink(missing_ok=True)
        self.journal.close()
        if self.lock:
            self.lock.close()

    def open_cursor(self, selection: Selection) -> str:
        """Remember an answer whose later pages will be asked for; the oldest such answers expire."""
        self.cursors_opened += 1
        locator = ids.make("0r8", self.cursors_opened)
        self.cursors[locator] = selection
        if len(self.cursors) > _MOST_CURSORS:
            del self.cursors[next(iter(self.cursors))]
        return locator

    def write(self, name: str, rows: list[Row]) -> None:
        """Put rows into a table and into the journal."""
        table = self.store.tables[name.lower()]
        for row in rows:
            table.put(row)
        self.journal.records(table.kind, rows)

    def purge(self, name: str, record_ids: list[str]) -> None:
        """Remove records for good, from the recycle bin too, and note it in the journal."""
        table = self.store.tables[name.lower()]
        table.remove(record_ids)
        self.journal.purged(table.kind, record_ids)


def open_sandbox(asked: dict[str, int], folder: Path, keep: bool) -> Sandbox:
    """A sandbox whose key lives in the folder; with `keep` its data and changes outlive the process too.

    `asked` may hold `rows` and `seed`; what it leaves out comes from the state, or is the default.
    Raises StateError for a folder that cannot be used or that holds other data than asked for.
    """
    settings = Settings(**asked)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = _lock(folder)
    meta = folder / "sandbox.json"
    saved = _load_meta(meta) if keep and meta.exists() else None
    if saved:
        settings = saved.settings
        _check_asked(asked, settings, folder)
    store, clock = Store(settings.rows, settings.seed), Clock()
    if saved and saved.digest != store.digest():
        raise StateError(f"{folder} holds data of another version of the sandbox: delete it to start anew")
    application = saved.application if saved else make_application()
    if not saved:
        _write_private(meta, json.dumps({"digest": store.digest(), **asdict(settings), **asdict(application)}))
    key_path = folder / "private_key.pem"
    _write_private(key_path, application.private_key)
    journal = Journal(folder / "changes.ndjson" if keep else None)
    journal.replay(store, clock)
    # The rows live as long as the process: a collector that walks them again and again only costs time.
    gc.freeze()
    user = store.tables["user"].rows[0][0]
    sessions = Sessions(application, store.organization_id, user)
    address_file = folder / "url.json" if keep else None
    return Sandbox(store, clock, sessions, journal, str(key_path), lock=lock, address_file=address_file)


def _lock(folder: Path) -> TextIO:
    """Hold the folder for this process: two writers would mix their changes."""
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise StateError(f"another sandbox uses {folder}: stop it, or name another folder") from error
    return lock


@dataclass(frozen=True)
class _Saved:
    digest: str
    settings: Settings
    application: Application


def _load_meta(meta: Path) -> _Saved:
    try:
        saved: dict[str, Any] = json.loads(meta.read_text())
        return _Saved(saved.pop("digest"), Settings(saved.pop("rows"), saved.pop("seed")), Application(**saved))
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"{meta} cannot be read ({error}): delete {meta.parent} to start anew") from error


def _check_asked(asked: dict[str, int], settings: Settings, folder: Path) -> None:
    for name, value in asked.items():
        held = getattr(settings, name)
        if held != value:
            advice = f"leave --{name} out, name another folder, or delete this one"
            raise StateError(f"{folder} holds data made with --{name} {held}, not {value}: {advice}")


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)

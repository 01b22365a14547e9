"""Everything one running sandbox holds, and the folder it comes back from."""

import fcntl
import gc
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from durable_sandbox import ids
from durable_sandbox.clock import Clock
from durable_sandbox.deletions import DeleteLog
from durable_sandbox.evaluate import Selection
from durable_sandbox.faults import Faults
from durable_sandbox.generate import Row
from durable_sandbox.jobs import Jobs
from durable_sandbox.journal import Journal
from durable_sandbox.late import Late, Written
from durable_sandbox.limits import Limits
from durable_sandbox.oauth import Application, Sessions, make_application
from durable_sandbox.permissions import Permissions
from durable_sandbox.schema import Schema
from durable_sandbox.store import Store, Table
from durable_sandbox.tls import Certificates

if TYPE_CHECKING:  # reading YAML is for those who have a recipe
    from durable_sandbox.recipe import Recipe

_MOST_CURSORS = 200


class StateError(Exception):
    """The state folder cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Settings:
    """What decides the generated data."""

    rows: int = 10_000
    seed: int = 1
    extra_objects: int = 0
    objects: str = "standard"
    recipe: str = ""  # its fingerprint


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
    cursors: dict[str, Selection] = field(default_factory=dict)
    cursors_opened: int = 0
    jobs: Jobs = field(default_factory=Jobs)
    faults: Faults = field(default_factory=Faults)
    late: Late = field(default_factory=Late)
    lock: TextIO | None = None
    address_file: Path | None = None
    stop: Callable[[], None] = lambda: None
    certificates: Certificates | None = None
    proxy_url: str = ""
    schema: Schema = field(kw_only=True)
    deletions: DeleteLog = field(kw_only=True)
    permissions: Permissions = field(kw_only=True)
    limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        self.limits = Limits(self.clock)

    @property
    def api_calls(self) -> int:
        """The API calls since the start."""
        return self.limits.requests

    def ready(self) -> dict[str, str]:
        """What a client needs to log in; also left in the state folder, where other programs look for it."""
        application = self.sessions.application
        entries = {
            "url": self.url,
            "client_id": application.client_id,
            "client_secret": application.client_secret,
            "username": application.username,
            "private_key": self.key_path,
            "password": application.password,
            "security_token": application.security_token,
            "refresh_token": self.sessions.refresh_token,
        }
        if self.certificates:
            entries["ca_file"] = str(self.certificates.ca_file)
        if self.proxy_url:
            entries["proxy"] = self.proxy_url
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
        self._commit(table, self.late.visible(self.faults, self.clock, table, rows))

    def commit(self, written: list[Written]) -> None:
        """Make rows visible that a fault held back."""
        for table, row in written:
            self._commit(table, [row])

    def _commit(self, table: Table, rows: list[Row]) -> None:
        for row in rows:
            table.put(row)
        self.journal.records(table.kind, rows)

    def purge(self, name: str, record_ids: list[str], *, quiet: bool = False) -> None:
        """Remove records for good, from the recycle bin and the delete log too, and note it in the journal."""
        table = self.store.tables[name.lower()]
        table.remove(record_ids)
        self.journal.purged(table.kind, record_ids)
        self.deletions.emptied(name, record_ids, self.clock.now_stamp(), quiet=quiet)

    def hard_delete(self, name: str, record_ids: list[str]) -> None:
        """Remove records past the recycle bin, as a hard delete by API does: getDeleted still names them."""
        table = self.store.tables[name.lower()]
        table.remove(record_ids)
        self.journal.purged(table.kind, record_ids)
        self.deletions.hard_deleted(name, record_ids, self.clock.now_stamp())


def open_sandbox(asked: dict[str, Any], folder: Path, keep: bool, recipe: "Recipe | None" = None) -> Sandbox:
    """A sandbox whose key lives in the folder; with `keep` its data and changes outlive the process too.

    `asked` may hold what Settings has; what it leaves out comes from the state, or is the default.
    With a `recipe` the organisation has its records and no others.
    Raises StateError for a folder that cannot be used or that holds other data than asked for, RecipeError for
    records that the organisation cannot hold.
    """
    asked = asked | ({"rows": 0, "recipe": recipe.digest} if recipe else {})
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = _lock(folder)
    try:
        return _opened(asked, folder, keep, recipe, lock)
    except BaseException:
        lock.close()
        raise


def _opened(asked: dict[str, Any], folder: Path, keep: bool, recipe: "Recipe | None", lock: TextIO) -> Sandbox:
    settings = Settings(**asked)
    meta = folder / "sandbox.json"
    saved = _load_meta(meta) if keep and meta.exists() else None
    if saved:
        settings = saved.settings
        _check_asked(asked, settings, folder)
    store, clock = Store(settings.rows, settings.seed, settings.extra_objects), Clock()
    if saved and saved.digest != store.digest():
        raise StateError(f"{folder} holds data of another version of the sandbox: delete it to start anew")
    if settings.recipe:
        _fill(store, recipe, settings, folder)
    application = saved.application if saved else make_application()
    if not saved:
        if recipe:
            recipe.keep(folder)
        _write_private(meta, json.dumps({"digest": store.digest(), **asdict(settings), **asdict(application)}))
    key_path = folder / "private_key.pem"
    _write_private(key_path, application.private_key)
    journal = Journal(folder / "changes.ndjson" if keep else None)
    schema, deletions = Schema(store, clock, journal), DeleteLog(journal)
    permissions = Permissions(store, journal, store.tables["user"].ids[0])
    journal.replay(store, clock)
    if settings.objects == "extended":
        schema.extend()
    # The rows live as long as the process: a collector that walks them again and again only costs time.
    gc.freeze()
    user = store.tables["user"].ids[0]
    sessions = Sessions(application, store.organization_id, user, store=folder / "refresh_tokens.json")
    address_file = folder / "url.json" if keep else None
    return Sandbox(
        store,
        clock,
        sessions,
        journal,
        str(key_path),
        lock=lock,
        address_file=address_file,
        schema=schema,
        deletions=deletions,
        permissions=permissions,
    )


def _fill(store: Store, recipe: "Recipe | None", settings: Settings, folder: Path) -> None:
    """Put a recipe's records into the empty organisation; without one, those of the recipe that the folder keeps."""
    from durable_sandbox.recipe import kept_recipe
    from durable_sandbox.recipe_records import fill

    fill(store, recipe or kept_recipe(folder), settings.seed)


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
        settings = Settings(**{item.name: saved.pop(item.name) for item in dataclass_fields(Settings)})
        return _Saved(saved.pop("digest"), settings, Application(**saved))
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"{meta} cannot be read ({error}): delete {meta.parent} to start anew") from error


def _check_asked(asked: dict[str, Any], settings: Settings, folder: Path) -> None:
    for name, value in asked.items():
        held = getattr(settings, name)
        if held != value and (settings.recipe or "recipe" in asked):
            plain = f"--rows {settings.rows}, not of a recipe"
            of = "another recipe, or this one has changed" if settings.recipe else plain
            advice = "start without --recipe and --rows, name another folder, or delete this one"
            raise StateError(f"{folder} holds data of {of}: {advice}")
        if held != value:
            option = "--" + name.replace("_", "-")
            advice = f"leave {option} out, name another folder, or delete this one"
            raise StateError(f"{folder} holds data made with {option} {held}, not {value}: {advice}")


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)

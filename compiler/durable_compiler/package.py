"""A generated package on disk and in git: its records, what differs from what it should be, and the atomic swap."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"


def _compiler() -> str:
    try:
        return version("durable-pipelines")
    except PackageNotFoundError:
        return "0.1.0"


COMPILER = _compiler()


@dataclass(frozen=True)
class Difference:
    """A file of a package that is not as it should be: missing, stale, orphaned or hand-edited."""

    kind: str
    path: str


@dataclass(frozen=True)
class Project:
    """Where one pipeline's files lie."""

    root: Path
    name: str

    @property
    def spec(self) -> Path:
        """The requirements."""
        return self.root / "requirements" / f"{self.name}.md"

    @property
    def lock(self) -> Path:
        """The lock beside them."""
        return self.spec.with_suffix(".lock.json")

    @property
    def snapshot(self) -> Path:
        """The schema snapshot."""
        return self.root / "requirements" / "salesforce.schema.json"

    @property
    def package(self) -> Path:
        """The generated package."""
        return self.root / "generated" / self.name

    def generated(self) -> Path:
        """The folder of all packages, made if need be."""
        self.package.parent.mkdir(parents=True, exist_ok=True)
        return self.package.parent

    def tracked(self) -> list[Path]:
        """What one compile commits."""
        return [self.spec, self.lock, self.snapshot, self.package]

    def version(self) -> str | None:
        """The version that the package on disk states."""
        records = manifest(self.package)
        return records.get("version") if records else None

    def title(self) -> str:
        """The spec's first heading, or its name."""
        lines = self.spec.read_text(encoding="utf-8").splitlines()
        heading = next((line[2:].strip() for line in lines if line.startswith("# ")), "")
        return heading or self.name


@dataclass(frozen=True)
class Committed:
    """The release that the next one follows: as committed, or as on disk where there is no repository."""

    version: str | None
    ir: dict[str, Any] | None
    notes: str | None
    records: dict[str, Any] | None

    def holds(self, folder: Path) -> bool:
        """Whether a rendered package is the committed one, byte for byte."""
        return manifest(folder) == self.records


def sha256(data: bytes) -> str:
    """In hex."""
    return hashlib.sha256(data).hexdigest()


def manifest(folder: Path) -> dict[str, Any] | None:
    """manifest.json of a package; None if there is none that can be read."""
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _inputs(project: Project, lock_text: str) -> dict[str, str]:
    from durable_compiler.package_inputs import templates_digest

    return {
        "requirements": sha256(project.spec.read_bytes()),
        "lock": sha256(lock_text.encode()),
        "snapshot": _snapshot_digest(project.snapshot, project.snapshot.stat().st_mtime_ns),
        "templates": templates_digest(),
        "compiler": COMPILER,
    }


@cache
def _snapshot_digest(path: Path, changed: int) -> str:
    """All pipelines of a project share the snapshot: it is read once, and again when it changed."""
    del changed
    return sha256(path.read_bytes())


def write_records(project: Project, folder: Path, records: dict[str, str], lock_text: str) -> None:
    """Write the package's records, and last the manifest with a hash of every other file."""
    for name, text in records.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    body = {
        "pipeline": project.name,
        "version": records["RELEASE_NOTES.md"].split("\n## ", 1)[1].split("\n", 1)[0],
        "inputs": _inputs(project, lock_text),
        "files": {name: sha256((folder / name).read_bytes()) for name in _files(folder)},
    }
    (folder / MANIFEST).write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8", newline="\n")


def _files(folder: Path) -> list[str]:
    return sorted(name for name in _below(str(folder), "") if name != MANIFEST)


def _below(folder: str, prefix: str) -> Iterator[str]:
    """Names of the files below a folder, without what Python leaves there."""
    with os.scandir(folder) as found:
        for one in found:
            if one.is_dir():
                if one.name != "__pycache__":
                    yield from _below(one.path, f"{prefix}{one.name}/")
            elif one.is_file():
                yield prefix + one.name


def is_current(project: Project, untracked: Changed | None = None) -> bool:
    """Whether nothing has changed since the package was written: the quick answer, by hashes alone.

    `untracked` is given where the commit counts too: nothing of the pipeline may differ from the last one.
    """
    records = manifest(project.package)
    if records is None or not project.lock.is_file():
        return False
    try:
        lock_text = project.lock.read_text(encoding="utf-8")
        same = records["inputs"] == _inputs(project, lock_text) and _intact(project, records)
    except (OSError, KeyError, UnicodeDecodeError):
        return False
    return same and (untracked is None or untracked.clean(project))


def _intact(project: Project, records: dict[str, Any]) -> bool:
    """Whether the folder holds exactly the manifest's files, with the bytes that it vouches for."""
    files: dict[str, str] = records["files"]
    return _files(project.package) == sorted(files) and all(
        _digest(project.package / name) == digest for name, digest in files.items()
    )


@dataclass(frozen=True)
class Changed:
    """What a project's work tree holds that its last commit does not, asked of git once for all pipelines."""

    root: Path

    def clean(self, project: Project) -> bool:
        """Whether the last commit holds all that one compile would commit."""
        if self._paths is None:
            return False
        names = [path.relative_to(self.root).as_posix() for path in project.tracked()]
        return not any(path == name or path.startswith(f"{name}/") for path in self._paths for name in names)

    @cached_property
    def _paths(self) -> tuple[str, ...] | None:
        """Paths relative to the project; None where git cannot say."""
        command = ["git", "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", "."]
        try:
            prefix = _git(self.root, ["git", "rev-parse", "--show-prefix"]).strip()
            found = _git(self.root, command)
        except (FileNotFoundError, subprocess.CalledProcessError):
            return None
        return tuple(line[3:].removeprefix(prefix) for line in found.split("\0") if line)


def _git(folder: Path, command: list[str]) -> str:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def hand_edited(project: Project) -> tuple[Difference, ...]:
    """Files of the package on disk whose bytes its own manifest does not vouch for."""
    records = manifest(project.package)
    files: dict[str, str] = records["files"] if records else {}
    changed = (name for name, digest in files.items() if _digest(project.package / name) not in (digest, None))
    return tuple(Difference("hand-edited", f"generated/{project.name}/{name}") for name in changed)


def _digest(path: Path) -> str | None:
    try:
        return sha256(path.read_bytes())
    except OSError:
        return None


def differences(project: Project, fresh: Path, lock_text: str) -> tuple[Difference, ...]:
    """How the package on disk differs from a fresh one, and the lock from its text."""
    edited = {one.path for one in hand_edited(project)}
    found = list(_package_differences(project, fresh, edited))
    before = project.lock.read_text(encoding="utf-8") if project.lock.is_file() else None
    if before != lock_text:
        found.append(Difference("missing" if before is None else "stale", f"requirements/{project.lock.name}"))
    return tuple(found)


def _package_differences(project: Project, fresh: Path, edited: set[str]) -> Iterator[Difference]:
    wanted = [*_files(fresh), MANIFEST]
    present = [*_files(project.package), MANIFEST] if project.package.is_dir() else []
    for name in sorted({*wanted, *present}):
        path = f"generated/{project.name}/{name}"
        old = _digest(project.package / name)
        if name not in wanted:
            yield Difference("orphaned", path)
        elif old is None:
            yield Difference("missing", path)
        elif path in edited:
            yield Difference("hand-edited", path)
        elif old != _digest(fresh / name):
            yield Difference("stale", path)


def committed(project: Project) -> Committed:
    """The previous release. Outside a repository, or before the first commit, what lies on disk counts."""
    show = _Head(project) if _in_repository(project.root) else _Disk(project)
    records = show.json(MANIFEST)
    return Committed(
        records.get("version") if records else None, show.json("ir.json"), show.text("RELEASE_NOTES.md"), records
    )


def _in_repository(root: Path) -> bool:
    try:
        done = subprocess.run(["git", "rev-parse", "--is-inside-work-tree"], cwd=root, capture_output=True, text=True)
    except FileNotFoundError:
        return False
    return done.returncode == 0


@dataclass(frozen=True)
class _Disk:
    project: Project

    def text(self, name: str) -> str | None:
        try:
            return (self.project.package / name).read_text(encoding="utf-8")
        except OSError:
            return None

    def json(self, name: str) -> dict[str, Any] | None:
        text = self.text(name)
        try:
            return json.loads(text) if text is not None else None
        except ValueError:
            return None  # a conflict's markers, say: the package is built anew


@dataclass(frozen=True)
class _Head(_Disk):
    @cached_property
    def _prefix(self) -> str:
        return f"./generated/{self.project.name}"

    def text(self, name: str) -> str | None:
        command = ["git", "show", f"HEAD:{self._prefix}/{name}"]
        done = subprocess.run(command, cwd=self.project.root, capture_output=True)
        return done.stdout.decode("utf-8") if done.returncode == 0 else None


def exchange(fresh: Path, place: Path) -> None:
    """Put a fresh package in its place in one step; what stood there ends up in `fresh`."""
    if not place.exists():
        os.rename(fresh, place)
    elif not _renamed_together(fresh, place):
        aside = fresh.with_name(f"{fresh.name}.before")
        os.rename(place, aside)
        os.rename(fresh, place)


def _renamed_together(one: Path, other: Path) -> bool:
    """renameat2(RENAME_EXCHANGE), where the system and its file system have it."""
    import ctypes

    current, swap = -100, 2  # AT_FDCWD, RENAME_EXCHANGE (linux/fcntl.h, linux/fs.h)
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    return rename is not None and rename(current, os.fsencode(one), current, os.fsencode(other), swap) == 0

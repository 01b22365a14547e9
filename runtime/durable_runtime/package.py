"""The proof that the package on disk is the one that was released: hashes of every file, and the runtime's API."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from durable_runtime import RUNTIME_API
from durable_runtime.errors import PackageMismatch
from durable_runtime.spec import Pipeline

MANIFEST = "manifest.json"


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verify(pipeline: Pipeline, folder: Path) -> None:
    """Compare every file with the manifest. Raises PackageMismatch naming what differs."""
    if pipeline.runtime_api != RUNTIME_API:
        raise PackageMismatch(
            f"{pipeline.name} was generated for runtime API {pipeline.runtime_api}; this is {RUNTIME_API}.",
            help=f"Run `durable compile {pipeline.name}` with this version, review and release it.",
        )
    try:
        files: dict[str, str] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError) as error:
        raise _mismatch(pipeline, f"{MANIFEST} cannot be read") from error
    wrong = [name for name, expected in files.items() if _differs(folder / name, expected)]
    if wrong:
        raise _mismatch(pipeline, f"{', '.join(wrong)} differ from {MANIFEST}")


def _differs(path: Path, expected: str) -> bool:
    return not path.is_file() or digest(path) != expected


def _mismatch(pipeline: Pipeline, what: str) -> PackageMismatch:
    return PackageMismatch(
        f"The package of {pipeline.name} is not the one that was released: {what}.",
        help=f"Restore it with `git checkout generated/{pipeline.name}`, or compile the requirements again.",
    )

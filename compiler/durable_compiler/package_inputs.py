"""One hash over a package's templates, so that another compiler's package is never taken for this one's."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path


def templates_folder() -> Path:
    """Beside this module in a wheel, at the top of the repository in a checkout."""
    packaged = Path(__file__).with_name("templates")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "templates"


def package_templates() -> list[Path]:
    """Every template that shapes a package; the pages for readers shape none."""
    folder = templates_folder()
    return sorted(path for path in folder.rglob("*.j2") if path.relative_to(folder).parts[0] != "explain")


@cache
def templates_digest() -> str:
    """SHA-256 over names and bytes of every template of a package, in hex."""
    folder = templates_folder()
    whole = hashlib.sha256()
    for path in package_templates():
        whole.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()

"""What each sentence was bound to when a person last accepted it, one block a requirement."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

LOCK_VERSION = 1


@dataclass(frozen=True)
class Block:
    """One requirement's reading: the hash of its text, how it was read, its echo and the names it was bound to."""

    id: str
    text_sha256: str
    via: str
    echo: str
    bound: tuple[str, ...]


def lock_path(requirements: Path) -> Path:
    """The lock next to a requirements file."""
    return requirements.with_suffix(".lock.json")


def load(path: Path) -> dict[str, Block]:
    """Blocks by ID; none when there is no file. Raises OSError or ValueError."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    try:
        if data["lock_version"] != LOCK_VERSION:
            raise ValueError(f"lock version {data['lock_version']!r}, this compiler reads {LOCK_VERSION}")
        blocks = [Block(**{**one, "bound": tuple(one["bound"])}) for one in data["requirements"]]
    except (KeyError, TypeError) as wrong:
        raise ValueError(f"not a lock file: {wrong!r}") from wrong
    return {block.id: block for block in blocks}


def dump(blocks: Iterable[Block]) -> str:
    """The lock's text: sorted, no clock, so that branches merge."""
    ordered = sorted(blocks, key=lambda block: [int(part) for part in block.id[1:].split(".")])
    data = {"lock_version": LOCK_VERSION, "requirements": [asdict(block) for block in ordered]}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

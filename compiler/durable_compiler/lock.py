"""What each sentence was read as when a person last accepted it, one block a requirement, so that git merges it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durable_compiler.requirements import ID

LOCK_VERSION = 2
GRAMMAR, PINNED = "grammar", "pinned"

_MARKER = re.compile(r"^(<{7}|\|{7}|={7}|>{7})( |$)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RESTORE = "Restore the file from git, or delete it and review every reading again."


class LockUnreadable(ValueError):
    """A lock that cannot be trusted: what is wrong, on which line and column, and what to do."""

    def __init__(self, message: str, line: int = 1, column: int = 1, help: str = _RESTORE) -> None:
        super().__init__(message)
        self.message, self.line, self.column, self.help = message, line, column, help


@dataclass(frozen=True)
class Block:
    """One requirement's reading.

    `frames` holds the version of each kind of clause in it, `bound` the API names and picklist values that it names.
    A pinned block also has the English that the grammar reads in place of the sentence, the sentence's words for each
    part of it as (English, words) pairs, and what was accepted: model, prompt version and agreement of the samples.
    """

    id: str
    text_sha256: str
    via: str
    echo: str
    bound: tuple[str, ...]
    frames: tuple[tuple[str, int], ...] = ()
    english: str = ""
    quotes: tuple[tuple[str, str], ...] = ()
    accepted: tuple[tuple[str, str], ...] = ()
    migrated: bool = False

    @property
    def order(self) -> tuple[int, ...]:
        """Where the block stands: R1.2 before R1.10."""
        return tuple(int(part) for part in self.id[1:].split("."))


def lock_path(requirements: Path) -> Path:
    """The lock next to a requirements file."""
    return requirements.with_suffix(".lock.json")


def load(path: Path) -> dict[str, Block]:
    """Blocks by ID; none when there is no file. Raises OSError or LockUnreadable."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        return parse(raw.decode("utf-8"))
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        raise LockUnreadable("the lock is not UTF-8 text", line) from wrong


def parse(text: str) -> dict[str, Block]:
    """Blocks by ID of a lock's text. Raises LockUnreadable."""
    _refuse_markers(text)
    try:
        data = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as wrong:
        raise LockUnreadable(f"{wrong.msg} in the lock", wrong.lineno, wrong.colno) from wrong
    except RecursionError as wrong:
        raise LockUnreadable("the lock is nested too deeply") from wrong
    version = data.get("lock_version") if isinstance(data, dict) else None
    if type(version) is not int or version not in _READERS:
        raise LockUnreadable(f"the lock has version {version!r}, this compiler reads 1 and {LOCK_VERSION}")
    return _READERS[version](text, data)


def dump(blocks: Iterable[Block]) -> str:
    """The lock's text: sorted, no clock; a block's lines are its own, its comma included, so that branches merge."""
    ordered = sorted(blocks, key=lambda block: block.order)
    lines = ["{", f'  "lock_version": {LOCK_VERSION},', '  "requirements": [']
    for index, block in enumerate(ordered):
        lines += _lines(block, "," if index else " ")
    return "\n".join([*lines, "  ]", "}"]) + "\n"


def _lines(block: Block, separator: str) -> list[str]:
    """Each line holds what no other block has, the ID or the text's hash: git never takes two blocks' lines as one."""
    head = {"id": block.id, "via": block.via, "frames": dict(block.frames), "bound": list(block.bound)}
    body: dict[str, Any] = {"text_sha256": block.text_sha256, "echo": block.echo}
    if block.via != PINNED:
        return [f"    {separator}{_open(head)},", f"      {_inner(body)}}}"]
    tail = {"english": block.english, "quotes": [list(one) for one in block.quotes], "accepted": dict(block.accepted)}
    return [f"    {separator}{_open(head)},", f"      {_inner(body)},", f"      {_inner(tail)}}}"]


def _open(part: Mapping[str, Any]) -> str:
    return "{" + _inner(part)


def _inner(part: Mapping[str, Any]) -> str:
    return json.dumps(part, ensure_ascii=False).removeprefix("{").removesuffix("}")


# --- reading ----------------------------------------------------------------------------------------------------


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for index, (key, _) in enumerate(pairs) if key in dict(pairs[:index]))
        raise LockUnreadable(f"the lock has the key {twice!r} twice in one object")
    return found


def _refuse_markers(text: str) -> None:
    for number, line in enumerate(text.split("\n"), 1):
        if _MARKER.match(line):
            help = "Keep the blocks of both sides: delete the marker lines, then run `durable compile`."
            raise LockUnreadable("the lock holds an unresolved merge conflict", number, help=help)


def _read(text: str, data: Mapping[str, Any], keys: Mapping[str, Any], *, migrated: bool) -> dict[str, Block]:
    listed = data.get("requirements")
    if not isinstance(listed, list):
        raise LockUnreadable("the lock has no list of requirements")
    blocks: dict[str, Block] = {}
    for index, one in enumerate(listed):
        block = _block(text, one, index, keys, migrated=migrated)
        if block.id in blocks:
            line = _line_of(text, block.id, last=True)
            raise LockUnreadable(f"{block.id} has two blocks", line, help="Keep the one that belongs to the sentence.")
        blocks[block.id] = block
    return blocks


def _block(text: str, one: Any, index: int, keys: Mapping[str, Any], *, migrated: bool) -> Block:
    identifier = one.get("id") if isinstance(one, dict) else None
    if not isinstance(identifier, str) or not ID.fullmatch(identifier):
        raise LockUnreadable(f"block {index + 1} of the lock has no requirement ID")
    line = _line_of(text, identifier)
    wrong = [key for key, fits in keys.items() if not fits(one.get(key))]
    pinned = one.get("via") == PINNED and not migrated
    wrong += [key for key, fits in _PINNED_KEYS.items() if pinned and not fits(one.get(key))]
    extra = sorted(one.keys() - keys.keys() - (_PINNED_KEYS.keys() if pinned else set()))
    if wrong or extra:
        what = f"a wrong or missing {wrong[0]!r}" if wrong else f"an unknown key {extra[0]!r}"
        raise LockUnreadable(f"the block of {identifier} has {what}", line)
    quotes = tuple((english, words) for english, words in one.get("quotes", ()))
    return Block(
        identifier, one["text_sha256"], one["via"], one["echo"], tuple(one["bound"]),
        tuple(sorted(one.get("frames", {}).items())), one.get("english", ""), quotes,
        tuple(one.get("accepted", {}).items()), migrated,
    )  # fmt: skip


def _line_of(text: str, identifier: str, *, last: bool = False) -> int:
    pattern = re.compile(rf'"id"\s*:\s*"{re.escape(identifier)}"')
    found = [number for number, line in enumerate(text.split("\n"), 1) if pattern.search(line)]
    return found[-1 if last else 0] if found else 1


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_versions(value: Any) -> bool:
    return isinstance(value, dict) and all(type(one) is int for one in value.values())


def _is_pairs(value: Any) -> bool:
    return isinstance(value, list) and all(_is_texts(one) and len(one) == 2 for one in value)


def _is_accepted(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["model", "prompt", "samples"] and _is_texts(list(value.values()))


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


_OLD_KEYS = {"id": _is_text, "text_sha256": _is_hash, "via": lambda value: value == GRAMMAR, "echo": _is_text}
_OLD_KEYS["bound"] = _is_texts
_KEYS = {**_OLD_KEYS, "via": lambda value: value in (GRAMMAR, PINNED), "frames": _is_versions}
_PINNED_KEYS = {"english": _is_text, "quotes": _is_pairs, "accepted": _is_accepted}

# Version 1 knew no frame versions and bound fewer names; the next compile writes the current version.
_READERS = {
    1: lambda text, data: _read(text, data, _OLD_KEYS, migrated=True),
    LOCK_VERSION: lambda text, data: _read(text, data, _KEYS, migrated=False),
}

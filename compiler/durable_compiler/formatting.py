"""A requirements file in its one normal form, proved to say what it said before."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from durable_compiler.fixes import applied, numbered, rows_of
from durable_compiler.requirements import Block, Requirement, blocks_in, looks_like_id, parse

WIDTH = 120
# A sentence tells of its first fault only, so that fixing it may bring the next to light.
_ROUNDS = 8
# A continuation line must not begin like something else: an item, a heading, a quote, a table, a fence, a rule.
_STARTS = re.compile(r"[-*+#>|=_]|\d+[.)]$|```|~~~|<!--")


class NotTheSame(Exception):
    """The normal form would say something else, so it is not written; a bug, or a text that Markdown reads oddly."""


@dataclass(frozen=True)
class Formatted:
    """A text in normal form, and the IDs that `--number` gave."""

    text: str
    given: tuple[str, ...] = ()


def formatted(text: str, *, number: bool = False, used: Collection[str] = ()) -> Formatted:
    """The normal form: `- R1.1 text` in NFC with single spaces, long ones wrapped, LF, one newline at the end.

    Headings, prose, tables, code and comments keep every character. `used` holds IDs that --number must not give.
    Raises NotTheSame.
    """
    rows = rows_of(text.removeprefix("\ufeff"))
    given = numbered(text, used) if number else {}
    texts = {one.line: one for one in _requirements(rows)}
    blocks = {block.lines[0][0]: block for block in blocks_in(rows)}
    done: list[str] = []
    at = 1
    while at <= len(rows):
        block = blocks.get(at)
        if block is None:
            done.append(rows[at - 1])
            at += 1
            continue
        last = block.lines[-1][0]
        done += _block(block, rows, texts.get(at), given.get(at)) or rows[at - 1 : last]
        at = last + 1
    while done and not done[-1].strip():
        done.pop()
    result = "\n".join(done) + "\n" * bool(done)
    _prove(rows, result, given)
    return Formatted(result, tuple(given.values()))


def _block(block: Block, rows: Sequence[str], found: Requirement | None, given: str | None) -> list[str]:
    """A requirement's lines; none where something is wrong with it, which then stays as it is."""
    line = block.lines[0][0]
    if not block.item and _indented_after(block, rows):
        return []
    indent = " " * len(_indent(rows[line - 1]))
    if given is not None:
        return _wrapped(indent, f"{given} {_joined(block)}")
    if block.id is None:
        return []
    if block.retired:
        return _wrapped(indent, _joined(block))
    return _wrapped(indent, f"{found.id} {found.text}") if found is not None and found.text else []


def _joined(block: Block) -> str:
    return " ".join(" ".join(body for _, _, body in block.lines).split())


def _indent(row: str) -> str:
    """The indent of a nested item; one space or none is no nesting."""
    spaces = row[: len(row) - len(row.lstrip())].expandtabs(4)
    return spaces if len(spaces) >= 2 else ""


def _indented_after(block: Block, rows: Sequence[str]) -> bool:
    """Whether an indented line follows after a gap: it would become part of the block, were that a list item."""
    rest = rows[block.lines[-1][0] :]
    following = next((row for row in rest if row.strip()), "")
    return bool(rest) and not rest[0].strip() and following.startswith(("  ", "\t"))


def _wrapped(indent: str, text: str) -> list[str]:
    """`- ` and the text, continued under itself where it is long."""
    if len(indent) + 2 + len(text) <= WIDTH:
        return [f"{indent}- {text}"]
    # What must not begin a line is tied to the word before it.
    words = text.split(" ")
    tied = words[0]
    for word in words[1:]:
        tied += ("\x00" if _STARTS.match(word) or looks_like_id(word) else " ") + word
    lines = textwrap.wrap(tied, WIDTH - len(indent) - 2, break_long_words=False, break_on_hyphens=False)
    return [f"{indent}{'  ' if at else '- '}{line.replace(chr(0), ' ')}" for at, line in enumerate(lines)]


def _requirements(rows: Sequence[str]) -> list[Requirement]:
    return parse("\n".join(rows), "")[0]


def _prove(rows: Sequence[str], result: str, given: Mapping[int, str]) -> None:
    """The same requirements, retired IDs, complaints and commentary as before, but for what was numbered."""
    before, after = "\n".join(rows), result
    if _said(before, set(given)) != _said(after, set(), set(given.values())):
        raise NotTheSame("the requirements would not say the same")
    if _commentary(before) != _commentary(after):
        raise NotTheSame("commentary would change")


def _said(text: str, numbered_lines: Collection[int], new: Collection[str] = ()) -> tuple[object, ...]:
    live, diagnostics = parse(text, "")
    blocks = blocks_in(rows_of(text))
    retired = sorted(one.id or "" for one in blocks if one.retired)
    wrong = Counter((one.code, one.requirement) for one in diagnostics if one.line not in numbered_lines)
    return [(one.id, one.text) for one in live if one.id not in new], retired, wrong


def _commentary(text: str) -> list[str]:
    """The lines outside requirements that are not empty."""
    rows = rows_of(text)
    inside = {number for block in blocks_in(rows) for number in range(block.lines[0][0], block.lines[-1][0] + 1)}
    return [row for number, row in enumerate(rows, 1) if row.strip() and number not in inside]


def meaning(path: Path, text: str, snapshot: Path) -> object:
    """What a text compiles to, apart from where its lines stand; for a rejected one, what is wrong with it."""
    from durable_compiler.interpret import read_file

    reading = read_file(path, snapshot, text=text)
    if reading.pipeline is None:
        return sorted((one.code, one.requirement or "") for one in reading.diagnostics)
    data = reading.pipeline.model_dump(mode="json")
    data["requirements"] = [{**one, "line": 0} for one in data["requirements"]]
    return data


def fixed(path: Path, text: str, snapshot: Path) -> str:
    """The text with every fix that its diagnostics carry; a round that leaves as many errors as before is undone."""
    from durable_compiler.interpret import read_file

    found = read_file(path, snapshot, text=text).diagnostics
    for _ in range(_ROUNDS):
        fixes = [one.fix for one in found if one.fix is not None]
        if not fixes:
            break
        candidate = applied(text, fixes)
        left = read_file(path, snapshot, text=candidate).diagnostics
        if len(left) >= len(found):
            break
        text, found = candidate, left
    return text


def reserved(path: Path, package: Path) -> Iterator[str]:
    """IDs that are no longer in a file and still mean something: in its lock, and in the package's IR."""
    import json

    for file in (path.with_suffix(".lock.json"), package / "ir.json"):
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        entries = data.get("requirements", []) if isinstance(data, dict) else []
        yield from (one["id"] for one in entries if isinstance(one, dict) and isinstance(one.get("id"), str))

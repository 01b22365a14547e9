"""Fixes to the text of a requirements file: free IDs, what is surely meant at a place, and how fixes are applied."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from durable_compiler.diagnostics import Diagnostic, Fix
from durable_compiler.requirements import Block, blocks_in

_HEADING = re.compile(r"\s{0,3}#{1,6}\s+R(\d+)\b(?![.\d])")


def rows_of(text: str) -> list[str]:
    """The lines of a file, as diagnostics count them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def taken(blocks: Iterable[Block]) -> set[str]:
    """Every ID that a file uses or has retired, or seems to mean where one is malformed."""
    words = (one.lines[0][2].split(maxsplit=1)[:1] for one in blocks)
    found = (re.match(r"~*[Rr](\d+(?:\.\d+)+)", word) for some in words for word in some)
    return {f"R{one[1]}" for one in found if one is not None}


def section(rows: Sequence[str], line: int) -> int | None:
    """The number of the heading `## R3 …` that a line stands under; None under another heading or none."""
    for row in reversed(rows[: line - 1]):
        if re.match(r"\s{0,3}#{1,6}\s", row):
            found = _HEADING.match(row)
            return int(found[1]) if found else None
    return None


def next_free(number: int, ids: Collection[str]) -> str:
    """The ID after the highest one of a section, so that no used or retired one comes back."""
    parts = (one[1:].split(".") for one in ids)
    return f"R{number}.{1 + max((int(part[1]) for part in parts if int(part[0]) == number), default=0)}"


def numbered(text: str, used: Collection[str] = ()) -> dict[int, str]:
    """Line → ID for every list item without one that stands under a numbered heading."""
    rows = rows_of(text)
    blocks = blocks_in(rows)
    ids = taken(blocks) | set(used)
    given: dict[int, str] = {}
    for one in blocks:
        line, _, body = one.lines[0]
        number = section(rows, line)
        if one.item and number is not None and without_id(body):
            given[line] = next_free(number, ids)
            ids.add(given[line])
    return given


def without_id(body: str) -> bool:
    """Whether an item begins with neither an ID nor something meant as one."""
    from durable_compiler.requirements import looks_like_id

    return bool(body) and not looks_like_id(body)


def file_fix(one: Diagnostic, text: str) -> Fix | None:
    """What is surely meant where an ID is missing or malformed, or a hidden character stands."""
    if one.code == "DUR007":
        return Fix(one.line, one.column, one.end_line, one.end_column, "")
    if one.code == "DUR003":
        identifier = numbered(text).get(one.line)
        return Fix(one.line, one.column, one.line, one.column, f"{identifier} ") if identifier else None
    if one.code == "DUR004":
        return _well_formed(one, text)
    return None


def _well_formed(one: Diagnostic, text: str) -> Fix | None:
    """The ID without the stray letter case or mark, if it is free."""
    rows = rows_of(text)
    written = rows[one.line - 1][one.column - 1 : one.end_column - 1] if one.line <= len(rows) else ""
    found = re.fullmatch(r"[Rr](\d+(?:\.\d+)+)[:.,;)\]-]?", written)
    others = [block for block in blocks_in(rows) if block.lines[0][0] != one.line]
    if found is None or f"R{found[1]}" in taken(others):
        return None
    return Fix(one.line, one.column, one.end_line, one.end_column, f"R{found[1]}")


def applied(text: str, fixes: Iterable[Fix]) -> str:
    """The text with every fix applied; of overlapping ones the first."""
    rows = rows_of(text)
    before = (len(rows) + 1, 1)
    for one in sorted(set(fixes), key=lambda fix: (fix.line, fix.column, fix.end_line, fix.end_column), reverse=True):
        if (one.end_line, one.end_column) > before:
            continue
        head, tail = rows[one.line - 1][: one.column - 1], rows[one.end_line - 1][one.end_column - 1 :]
        rows[one.line - 1 : one.end_line] = (head + one.text + tail).split("\n")
        before = (one.line, one.column)
    return "\n".join(rows)

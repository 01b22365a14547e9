"""A requirements file to its requirements, with the exact place of every character."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from durable_compiler.diagnostics import Diagnostic, Span, error

ID = re.compile(r"R\d+(?:\.\d+)+")
_ITEM = re.compile(r"(?P<indent>\s*)(?P<bullet>[-*+]|\d+[.)])\s+")
_FENCE = re.compile(r"\s{0,3}(```|~~~)(?!.*~~\s*$)")
_COMMENTARY = re.compile(r"\s{0,3}(#{1,6}(\s|$)|>|\||<!--|(-{3,}|\*{3,}|={3,}|_{3,})\s*$)")
HIDDEN = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
_QUESTION = re.compile(r"\[NEEDS CLARIFICATION:?\s*([^\]]*)\]")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Requirement:
    """One requirement; `origins` maps each character of `text` to its (line, column) in the file."""

    id: str
    text: str
    file: str
    line: int
    origins: tuple[tuple[int, int], ...]

    @property
    def text_sha256(self) -> str:
        """The hash that a lock pins."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def span(self, start: int, end: int) -> Span:
        """Where characters start..end of the text stand in the file."""
        if not self.origins:
            return Span(self.line, 1, self.line, 2)
        first = self.origins[min(start, len(self.origins) - 1)]
        last = self.origins[min(max(end - 1, start), len(self.origins) - 1)]
        return Span(*first, last[0], last[1] + 1)


@dataclass(frozen=True)
class Block:
    """A requirement's lines before its ID is looked at: (line number, column of the first character, text)."""

    lines: tuple[tuple[int, int, str], ...]
    item: bool

    @property
    def id(self) -> str | None:
        """The requirement ID that the block begins with, struck out or not."""
        words = self.lines[0][2].split(maxsplit=1)
        return next((word for word in (one.strip("~") for one in words[:1]) if ID.fullmatch(word)), None)

    @property
    def retired(self) -> bool:
        """Whether the block retires its ID."""
        return self.lines[0][2].startswith("~~") or bool(re.search(r"\(retired\)\s*$", self.lines[-1][2]))


def read_requirements(path: Path, shown_as: str | None = None) -> tuple[list[Requirement], list[Diagnostic]]:
    """All requirements of a file, and what is wrong with it; an unreadable file is a diagnostic, never an exception."""
    name = shown_as or path.as_posix()
    try:
        raw = path.read_bytes()
    except OSError as wrong:
        message = f"cannot read {name}: {wrong.strerror or wrong}"
        return [], [error("DUR001", message, name, Span(1, 1, 1, 2), help="Check the file's name and permissions.")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        column = len(raw[raw.rfind(b"\n", 0, wrong.start) + 1 : wrong.start].decode("utf-8", "replace")) + 1
        message = f"byte {wrong.start} of {name} is not UTF-8"
        return [], [
            error("DUR002", message, name, Span(line, column, line, column + 1), help="Save the file as UTF-8.")
        ]
    return parse(text, name)


def parse(text: str, file: str) -> tuple[list[Requirement], list[Diagnostic]]:
    """The requirements of a text."""
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    diagnostics = [*_hidden(rows, file)]
    found: list[Requirement] = []
    retired: dict[str, int] = {}
    for block in blocks_in(rows):
        _claim(block, file, found, retired, diagnostics)
    diagnostics[:] = [_claimed(one, found) for one in diagnostics]
    diagnostics += _repeated(found, retired, file)
    live = [one for one in found if one.id not in retired]
    if not found and not retired and not diagnostics:
        help = "Write a line such as: - R1.1 Syncs Accounts from Salesforce"
        diagnostics.append(error("DUR010", f"{file} holds no requirement", file, Span(1, 1, 1, 2), help=help))
    return live, diagnostics


def _hidden(rows: list[str], file: str) -> list[Diagnostic]:
    return [
        error(
            "DUR007",
            f"U+{ord(match.group()):04X} is invisible or changes the direction of text",
            file,
            Span(number, match.start() + 1, number, match.end() + 1),
            help="Delete the character.",
        )
        for number, row in enumerate(rows, 1)
        for match in HIDDEN.finditer(row)
    ]


def _claimed(diagnostic: Diagnostic, found: list[Requirement]) -> Diagnostic:
    """A hidden character's diagnostic with the requirement it stands in, whose sentence is then not read."""
    owner = next((one.id for one in found if any(line == diagnostic.line for line, _ in one.origins)), None)
    return replace(diagnostic, requirement=diagnostic.requirement or owner)


def _visible(rows: list[str]) -> Iterator[tuple[int, str]]:
    """Numbered rows outside code fences and HTML comments, which come as headings: they end what was open."""
    fenced = comment = False
    for number, row in enumerate(rows, 1):
        fence = bool(_FENCE.match(row))
        if fence or fenced:
            fenced = fenced != fence
            yield number, "#"
        elif comment or row.lstrip().startswith("<!--"):
            comment = "-->" not in row
            yield number, "#"
        else:
            yield number, row


def blocks_in(rows: list[str]) -> list[Block]:
    """Every list item and every line that begins like an ID, each with the lines that continue it."""
    blocks: list[Block] = []
    lines: list[tuple[int, int, str]] = []
    item = gap = False
    for number, row in (*_visible(rows), (len(rows) + 1, "#")):
        if not row.strip():
            gap = True
            continue
        bullet = _ITEM.match(row)
        column = bullet.end() if bullet else len(row) - len(row.lstrip())
        body = row[column:].rstrip()
        commentary = bool(_COMMENTARY.match(row))
        starts = not commentary and (bullet is not None or looks_like_id(body))
        # After an empty line only an indented line still belongs to a list item.
        apart = gap and not (item and row.startswith(("  ", "\t")))
        if lines and (commentary or starts or apart):
            blocks.append(Block(tuple(lines), item))
            lines = []
        if starts or (lines and not commentary):
            item = bullet is not None if starts else item
            lines.append((number, column + 1, body))
        gap = False
    return blocks


def looks_like_id(body: str) -> bool:
    """Whether a line begins with a requirement ID or with what was meant as one."""
    word = body.split(maxsplit=1)[0].lstrip("~*_`")
    return re.fullmatch(r"[Rr]\d+(\.\d*)*[:.,;)\]-]*[~*_`]*", word) is not None


def _claim(
    block: Block, file: str, found: list[Requirement], retired: dict[str, int], diagnostics: list[Diagnostic]
) -> None:
    number, column, body = block.lines[0]
    words = body.split()
    word = words[0] if words else ""
    struck = word.startswith("~~")
    identifier = word.strip("~") if struck else word
    span = Span(number, column, number, column + max(1, len(word)))
    if not looks_like_id(body):
        help = "Begin the item with an ID such as R1.1, or write it as a paragraph."
        whole = Span(number, column, number, column + max(1, len(body)))
        diagnostics.append(error("DUR003", "this list item has no requirement ID", file, whole, help=help))
    elif not ID.fullmatch(identifier):
        help = "Write an ID as R<n>.<n>, e.g. R1.2, followed by a space."
        diagnostics.append(error("DUR004", f"'{word}' is not a requirement ID", file, span, help=help))
    elif struck or re.search(r"\(retired\)\s*$", block.lines[-1][2]):
        retired.setdefault(identifier, number)
        found.append(Requirement(identifier, "", file, number, ()))
    else:
        one = _requirement(block, identifier, file)
        found.append(one)
        diagnostics += _complaints(one, span)


def _requirement(block: Block, identifier: str, file: str) -> Requirement:
    number, column, body = block.lines[0]
    skip = len(identifier) + len(body[len(identifier) :]) - len(body[len(identifier) :].lstrip())
    pieces = [(number, column + skip, body[skip:]), *block.lines[1:]]
    text: list[str] = []
    origins: list[tuple[int, int]] = []
    for line, first, piece in pieces:
        if text and piece:
            text.append(" ")
            origins.append((line, first))
        for character, offset in _composed(piece):
            text.append(character)
            origins.append((line, first + offset))
    return Requirement(identifier, "".join(text), file, number, tuple(origins))


def _composed(piece: str) -> list[tuple[str, int]]:
    """NFC characters with the offset at which each began; runs of spaces become one."""
    result: list[tuple[str, int]] = []
    for match in re.finditer(r"\s+|[^\W_][^\x00-\x7f]*|.", piece):
        cluster = " " if match.group().isspace() else unicodedata.normalize("NFC", match.group())
        result += [
            (character, match.start() + min(index, len(match.group()) - 1)) for index, character in enumerate(cluster)
        ]
    return result


def _complaints(one: Requirement, span: Span) -> list[Diagnostic]:
    if not one.text:
        help = "Write the sentence after the ID."
        return [error("DUR009", f"{one.id} has no text", one.file, span, requirement=one.id, help=help)]
    question = _QUESTION.search(one.text)
    if question is None:
        return []
    message = f"needs clarification: {question.group(1).strip() or 'no question given'}"
    where = one.span(question.start(), question.end())
    return [error("DUR008", message, one.file, where, requirement=one.id, help="Answer the question and remove it.")]


def _repeated(found: list[Requirement], retired: dict[str, int], file: str) -> list[Diagnostic]:
    seen: dict[str, int] = {}
    diagnostics = []
    for one in found:
        if one.id in seen:
            code, what = ("DUR006", "retired") if one.id in retired else ("DUR005", "used")
            other = retired[one.id] if one.id in retired and retired[one.id] != one.line else seen[one.id]
            message = f"{one.id} is already {what} on line {other}"
            diagnostics.append(
                error(code, message, file, _id_span(one), requirement=one.id, help="Give the requirement a new ID.")
            )
        seen.setdefault(one.id, one.line)
    return diagnostics


def _id_span(one: Requirement) -> Span:
    column = one.origins[0][1] - len(one.id) - 1 if one.origins and one.origins[0][0] == one.line else 1
    return Span(one.line, column, one.line, column + len(one.id))


def pipeline_name(path: Path) -> str | None:
    """The pipeline's name, or None when the file's stem cannot be one."""
    return path.stem if _NAME.fullmatch(path.stem) else None

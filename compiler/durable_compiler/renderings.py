"""Diagnostics as text with carets, as SARIF 2.1.0 and as GitHub annotations."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from durable_compiler.diagnostics import CODES, Diagnostic, Near

_TAB = 4
_WIDEST = 120
# A requirement is rarely longer; of a longer span the first lines and the last one show where it lies.
_MOST_ROWS = 4
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning"}


# --- a terminal -------------------------------------------------------------------------------------------------


def as_text(one: Diagnostic, source: str | None = None) -> str:
    """`error[DUR031]: …`, the place, the lines with carets, what was understood, and what to write instead."""
    whose = f" ({one.requirement})" if one.requirement else ""
    rows = _rows(source)
    shown = list(_excerpt(one, rows))
    pad = " " * len(str(_last_shown(one, rows)))
    lines = [f"{one.severity}[{one.code}]: {visible(one.message)}{whose}"]
    lines.append(f"{pad}--> {one.file}:{one.line}:{one.column}")
    lines += [f"{pad} |", *(f"{number:>{len(pad)}} | {text}".rstrip() for number, text in shown)] if shown else []
    lines += [f"{pad} = {word}: {visible(text)}" for word, text in _advice(one)]
    return "\n".join(lines)


def _advice(one: Diagnostic) -> Iterator[tuple[str, str]]:
    if one.note:
        yield "understood", one.note
    if one.help:
        yield "help", one.help
    meant = did_you_mean(one)
    if meant:
        yield "did you mean", meant
    yield from (("try", text) for text in one.sentences)
    if one.fix is not None:
        yield (
            "fix",
            f"`durable fmt --fix` writes '{one.fix.text}'" if one.fix.text else "`durable fmt --fix` deletes it",
        )
    yield "explain", f"durable explain {one.code}"


def did_you_mean(one: Diagnostic) -> str:
    """The names that look like what was written, with how much they do, or what else was suggested."""
    if not one.near:
        return ", ".join(text for text in one.suggestions if text not in one.sentences)
    best, *others = one.near
    equal = [other.text for other in others if best.score - other.score < CLOSE]
    if equal:
        return f"{', '.join([best.text, *equal])} (equally near: {', '.join(_percent(each) for each in one.near)})"
    runner_up = f"; the next is {others[0].text}, {_percent(others[0])}" if others else ""
    return f"{best.text} ({_percent(best)} alike{runner_up})"


# Two names whose scores differ by less cannot be told apart.
CLOSE = 5


def _percent(one: Near) -> str:
    return f"{one.score} %"


def _rows(source: str | None) -> list[str]:
    return [] if source is None else source.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _last_shown(one: Diagnostic, rows: Sequence[str]) -> int:
    return one.end_line if one.line <= one.end_line <= len(rows) else one.line


def _excerpt(one: Diagnostic, rows: Sequence[str]) -> Iterator[tuple[int | str, str]]:
    """Source rows and the carets under them."""
    numbers = [number for number in range(one.line, one.end_line + 1) if number <= len(rows)]
    kept = numbers if len(numbers) <= _MOST_ROWS else [*numbers[: _MOST_ROWS - 1], numbers[-1]]
    for before, number in zip([0, *kept], kept, strict=False):
        if before and number != before + 1:
            yield "", "..."
        row = rows[number - 1]
        first = one.column if number == one.line else len(row) - len(row.lstrip()) + 1
        last = one.end_column if number == one.end_line else len(row.rstrip()) + 1
        if number != one.line and not row.strip():
            continue
        text, carets = _underlined(row, first - 1, max(last - 1, first))
        yield number, text
        yield "", carets


def _underlined(row: str, start: int, end: int) -> tuple[str, str]:
    """A row and its carets in screen columns; a long row is cut around the span."""
    low = 0
    while low < start - 12 and _width(row[low:end]) > _WIDEST:
        low += 1
    high = len(row)
    while high > end and _width(row[low:high]) > _WIDEST:
        high -= 1
    head, tail = "…" * (low > 0), "…" * (high < len(row))
    before = head + _columns(row[low:start])
    under = _columns(row[start:end], _width(before))
    text = before + under + _columns(row[end:high], _width(before) + _width(under)) + tail
    return text, " " * _width(before) + "^" * max(1, _width(under))


def _columns(text: str, at: int = 0) -> str:
    """Text as a terminal shows it: tabs as spaces up to the next stop, what is invisible as a mark."""
    shown = ""
    for character in text:
        if character == "\t":
            shown += " " * (_TAB - (at + _width(shown)) % _TAB)
        else:
            shown += visible(character)
    return shown


def visible(text: str) -> str:
    """Text in which no character can move the cursor, colour the screen or turn the direction."""
    return "".join("\ufffd" if unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp") else one for one in text)


def _width(text: str) -> int:
    """Screen columns: two for wide characters, none for combining ones."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in ("W", "F") else 1 for one in text
    )


# --- machines ---------------------------------------------------------------------------------------------------


def as_github(diagnostics: Sequence[Diagnostic]) -> str:
    """One workflow command a diagnostic, which GitHub shows at the line of a pull request."""
    return "".join(f"{_annotation(one)}\n" for one in diagnostics)


def _annotation(one: Diagnostic) -> str:
    place = {
        "file": one.file,
        "line": one.line,
        "col": one.column,
        "endLine": one.end_line,
        "endColumn": one.end_column,
        "title": one.code,
    }
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in place.items())
    text = "\n".join(_message(one))
    return f"::{one.severity} {properties}::{_data(text)}"


def _message(one: Diagnostic) -> Iterator[str]:
    yield f"{one.requirement}: {one.message}" if one.requirement else one.message
    yield from (f"{word}: {text}" for word, text in _advice(one))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(diagnostics: Sequence[Diagnostic], pages: Mapping[str, str], version: str) -> dict[str, Any]:
    """A SARIF 2.1.0 log with one run; `pages` holds the explanation of each code."""
    codes = sorted({one.code for one in diagnostics})
    driver = {"name": "durable", "version": version, "rules": [_rule(code, pages.get(code, "")) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, codes.index(one.code)) for one in diagnostics],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, page: str) -> dict[str, Any]:
    text = page or CODES[code]
    return {
        "id": code,
        "name": "".join(word[0].upper() + word[1:] for word in CODES[code].replace("-", " ").split() if word.isalnum()),
        "shortDescription": {"text": CODES[code]},
        "fullDescription": {"text": text},
        "help": {"text": text, "markdown": text},
    }


def _result(one: Diagnostic, index: int) -> dict[str, Any]:
    artifact = {"uri": quote(one.file, safe="/")}
    region = _region(one.line, one.column, one.end_line, one.end_column)
    result: dict[str, Any] = {
        "ruleId": one.code,
        "ruleIndex": index,
        "level": _LEVELS[one.severity],
        "message": {"text": "\n".join(_message(one))},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
    }
    if one.fix is not None:
        deleted = _region(one.fix.line, one.fix.column, one.fix.end_line, one.fix.end_column)
        replacement = {"deletedRegion": deleted, "insertedContent": {"text": one.fix.text}}
        change = {"artifactLocation": artifact, "replacements": [replacement]}
        result["fixes"] = [{"description": {"text": one.help or one.message}, "artifactChanges": [change]}]
    return result


def _region(line: int, column: int, end_line: int, end_column: int) -> dict[str, int]:
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}

"""A requirement's text as tokens with exact columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<code>`[^`]+`)
    | (?P<email>[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)
    | (?P<channel>\#[\w-]+)
    | (?P<quoted>"[^"]*"|“[^”]*”)
    | (?P<clock>\d{1,2}:\d{2}(?::\d{2})?)
    | (?P<number>\d+(?:,\d{3})*(?:\.\d+)?)
    | (?P<meridiem>[aApP]\.\s?[mM]\.)
    | (?P<word>[^\W\d]\w*(?:[./][^\W\d]\w*)*(?:['’](?:s|clock)\b)?)
    | (?P<mark>[^\w\s])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """A word, number, clock, address or mark; `start` and `end` count code points of the requirement's text."""

    text: str
    norm: str
    kind: str
    start: int
    end: int


def tokens(text: str) -> tuple[Token, ...]:
    """All tokens; a hyphen between words joins them into neighbours, so soft-deleted is soft deleted."""
    found = [_token(match) for match in _TOKEN.finditer(text)]
    return tuple(token for index, token in enumerate(found) if not _hyphen(found, index))


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or "mark"
    text = match.group()
    norm = text.strip('`"“”') if kind in ("code", "quoted") else text.casefold().replace("’", "'")
    if kind == "meridiem":
        kind, norm = "word", norm.replace(".", "").replace(" ", "")
    return Token(text, norm, kind, match.start(), match.end())


def _hyphen(found: list[Token], index: int) -> bool:
    if found[index].text not in ("-", "\u2010", "\u2011") or not 0 < index < len(found) - 1:
        return False
    before, after = found[index - 1], found[index + 1]
    return before.end == found[index].start and after.start == found[index].end

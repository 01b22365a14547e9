"""A requirement's text as tokens with exact columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<code>`[^`]+`)
    | (?P<email>[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)
    | (?P<channel>\#[\w-]+)
    | (?P<quoted>"[^"]*"|“[^”]*”|(?<!\w)['‘][^'‘’]+['’](?!\w))
    | (?P<clock>\d{1,2}:\d{2}(?::\d{2})?)
    | (?P<number>\d+(?:,\d{3})*(?:\.\d+)?)
    | (?P<meridiem>[aApP]\.\s?[mM]\.)
    | (?P<negated>(?:do|does|did|is|are|was|were|has|have|must|should|ca|wo)n['’]t\b)
    | (?P<word>[^\W\d]\w*(?:[./][^\W\d]\w*)*(?:['’](?:s|clock|d|re|ll|ve)\b)?)
    | (?P<sign>->|=>|→|>=|≥|<=|≤|!=|<>|≠)
    | (?P<mark>[^\w\s])
    """,
    re.VERBOSE | re.IGNORECASE,
)
# One spelling of each sign.
_SIGNS = {"->": "→", "=>": "→", "≥": ">=", "≤": "<=", "<>": "!=", "≠": "!="}
_SHORT_STEMS = {"ca": "can", "wo": "will"}
# Whose 's is no possessive: it's empty, a run's finished.
_IS = re.compile(
    r"(it|that|there|(?-i:what|who)|everything|something|anything|nothing|nobody)['’]s(?=\s)"
    r"|(run|sync|job|load|pipeline|record|row|approval|value|data|change|deployment|one)['’]s(?=\s+(about|been|got"
    r"|finished|done|needed|required|completed?|failed|missing|empty|blank|not|never|allowed|permitted|waiting|pending"
    r"|deleted|gone|stale|over|enough|more|too|older)\b)",
    re.IGNORECASE,
)
_HAS = re.compile(r"\s+(got|been)\b", re.IGNORECASE)
_LONG_ENDINGS = {"'d": " would", "'re": " are", "'ll": " will", "'ve": " have"}


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
    found = [token for match in _TOKEN.finditer(text) for token in _expanded(match)]
    return tuple(token for index, token in enumerate(found) if not _hyphen(found, index))


def _expanded(match: re.Match[str]) -> list[Token]:
    """A match as tokens: don't is do and not, we'd is we and would, each over its own letters."""
    text = match.group()
    plain = text.casefold().replace("’", "'")
    if match.lastgroup == "negated":
        return _halves(match, len(text) - 3, _SHORT_STEMS.get(plain[:-3], plain[:-3]), "not")
    if (match.lastgroup == "word" and _IS.match(match.string, match.start())) and plain.endswith("'s"):
        verb = "has" if _HAS.match(match.string, match.end()) else "is"
        return _halves(match, len(text) - 2, plain[:-2], verb)
    ending = next((one for one in _LONG_ENDINGS if match.lastgroup == "word" and plain.endswith(one)), None)
    if ending is not None:
        return _halves(match, len(text) - len(ending), plain.removesuffix(ending), _LONG_ENDINGS[ending].strip())
    return [_token(match)]


def _halves(match: re.Match[str], cut: int, first: str, second: str) -> list[Token]:
    text, start = match.group(), match.start()
    return [
        Token(text[:cut], first, "word", start, start + cut),
        Token(text[cut:], second, "word", start + cut, match.end()),
    ]


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or "mark"
    text = match.group()
    norm = text.strip("`\"“”'‘’") if kind in ("code", "quoted") else text.casefold().replace("’", "'")
    if kind == "sign":
        kind, norm = "mark", _SIGNS.get(norm, norm)
    if kind == "meridiem":
        kind, norm = "word", norm.replace(".", "").replace(" ", "")
    return Token(text, norm, kind, match.start(), match.end())


def _hyphen(found: list[Token], index: int) -> bool:
    if found[index].text not in ("-", "\u2010", "\u2011") or not 0 < index < len(found) - 1:
        return False
    before, after = found[index - 1], found[index + 1]
    if before.kind == "mark":
        return False  # a sign: (-5
    return before.end == found[index].start and after.start == found[index].end

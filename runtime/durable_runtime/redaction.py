"""What must never be printed: secrets that this process has read, tokens, and e-mail addresses."""

from __future__ import annotations

import re

HIDDEN = "[hidden]"
SHORTEST_SECRET = 6  # a shorter one would blank ordinary words

PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=!-]+"), rf"\1 {HIDDEN}"),
    (re.compile(r"\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]+"), HIDDEN),
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), HIDDEN),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    (
        re.compile(r"(?i)\b(client_secret|password|refresh_token|access_token|assertion)(\"?\s*[=:]\s*\"?)[^\s\"&,}]+"),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(://[^/\s:@]*:)[^@/\s]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"https://hooks\.slack\.com/\S+"), HIDDEN),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), HIDDEN),
)

_secrets: set[str] = set()


def remember(secret: str) -> None:
    """Hide this value wherever it appears from now on."""
    if len(secret) >= SHORTEST_SECRET:
        _secrets.add(secret)


def redact(text: str) -> str:
    """The text without any secret read so far, token, private key or e-mail address."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    return text

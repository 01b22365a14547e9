"""Ways to cut one read into smaller ones: by Id where an object is very large, by time where little may be spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from durable_runtime.windows import Range, Window

# Salesforce orders Ids by these characters; fifteen of them make an Id, three more are its checksum.
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 15
LEAST = timedelta(seconds=1)  # stamps are whole seconds
MOST_COUNTS = 24  # a window of five years is cut down to a few seconds by so many halvings


def ranges(first: str, last: str, parts: int, inside: Range) -> Iterator[Range]:
    """`inside` as so many ranges of equal width between two Ids that occur; a boundary that repeats is left out."""
    low, high = _number(first), _number(last)
    inner = [_id(low + (high - low) * at // parts) for at in range(1, parts)]
    edges = [inside.after, *dict.fromkeys(one for one in inner if first[:ID_LENGTH] < one < last[:ID_LENGTH])]
    for after, through in zip(edges, [*edges[1:], inside.through], strict=True):
        yield Range(after, through)


def oldest(window: Window, start: datetime, total: int, most: int, count: Callable[[Window], int]) -> Window | None:
    """The oldest part of a window that holds some records but at most `most` of its `total`; None if none does.

    `start` is the stamp of its first record. A second in which more records than that were stamped is one part.
    """
    low, high, found = start.astimezone(UTC).replace(microsecond=0), window.hi, total
    for _ in range(MOST_COUNTS):
        if found <= most or high - low <= LEAST:
            break
        middle = (low + (high - low) / 2).replace(microsecond=0)
        middle = max(middle, low + LEAST)
        held = count(replace(window, hi=middle))
        if held:
            high, found = middle, held
        else:
            low = middle
    return replace(window, hi=high) if high < window.hi else None


def _number(record_id: str) -> int:
    value = 0
    for digit in record_id[:ID_LENGTH]:
        value = value * len(DIGITS) + DIGITS.index(digit)
    return value


def _id(value: int) -> str:
    digits = []
    for _ in range(ID_LENGTH):
        value, digit = divmod(value, len(DIGITS))
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))

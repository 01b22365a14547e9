"""Salesforce record Ids: key prefix, pod, a base-62 counter, and the checksum that makes 18 characters of 15."""

from collections.abc import Sequence
from functools import lru_cache
from typing import overload

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_POD = "Hs0"
_COUNTER_LENGTH = 9


@lru_cache(maxsize=100_000)
def _check_character(chunk: str) -> str:
    return _CHECK[sum(1 << place for place, character in enumerate(chunk) if "A" <= character <= "Z")]


def with_checksum(short: str) -> str:
    """The 18-character form of a 15-character Id; an 18-character one comes back as it is."""
    if len(short) != 15:
        return short
    return short + _check_character(short[:5]) + _check_character(short[5:10]) + _check_character(short[10:])


def is_valid(value: str) -> bool:
    """Whether the text is a complete Id with the right checksum."""
    return len(value) == 18 and value.isalnum() and value.isascii() and with_checksum(value[:15]) == value


@lru_cache(maxsize=100_000)
def _base62(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text


_UPPER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LAST_TWO = tuple((a + b, (a in _UPPER) + 2 * (b in _UPPER)) for a in DIGITS for b in DIGITS)
"""The last two digits of a counter, and which of them the checksum counts."""


@lru_cache(maxsize=100_000)
def _head(prefix: str, high: int) -> tuple[str, tuple[str, ...]]:
    """What Ids with the same leading digits share: those digits, and the checksum for each kind of last two."""
    head = prefix + _POD + _base62(high).rjust(_COUNTER_LENGTH - 2, "0")
    return head, tuple(with_checksum(head + ending)[-3:] for ending in ("00", "A0", "0A", "AA"))


def make(prefix: str, number: int) -> str:
    """The Id of the number-th record under a key prefix; Ids ascend with the number."""
    high, low = divmod(number, 62 * 62)
    head, checksums = _head(prefix, high)
    digits, kind = _LAST_TWO[low]
    return head + digits + checksums[kind]


@lru_cache(maxsize=100_000)
def _value(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 62 + DIGITS.index(digit)
    return value


def number_of(prefix: str, record_id: str) -> int | None:
    """The running number that `make` turns into this Id, or None for an Id of another make."""
    head = len(prefix) + len(_POD)
    digits = record_id[head : head + _COUNTER_LENGTH]
    if not (digits.isascii() and digits.isalnum()):
        return None
    number = _value(digits[:-2]) * 62 * 62 + _value(digits[-2:])
    return number if make(prefix, number) == record_id else None


class IdRange(Sequence[str]):
    """The ascending Ids of consecutive running numbers, each made when it is asked for."""

    def __init__(self, prefix: str, first: int, count: int) -> None:
        self.prefix, self.numbers = prefix, range(first, first + count)

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [make(self.prefix, number) for number in self.numbers[place]]
        return make(self.prefix, self.numbers[place])

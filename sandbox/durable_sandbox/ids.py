"""Salesforce record Ids: key prefix, pod, a base-62 counter, and the checksum that makes 18 characters of 15."""

from functools import lru_cache

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


def make(prefix: str, number: int) -> str:
    """The Id of the number-th record under a key prefix; Ids ascend with the number."""
    high, low = divmod(number, 62 * 62)
    digits = (_base62(high) + _base62(low).rjust(2, "0")).rjust(_COUNTER_LENGTH, "0")
    return with_checksum(prefix + _POD + digits)

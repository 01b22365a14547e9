"""The object that a sentence announces before its rule, `For Accounts, …`, or names behind it, `… on Accounts`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from durable_compiler.grammar.names import FieldName, field_of, listed, object_name
from durable_compiler.grammar.sentence import Sentence
from durable_compiler.grammar.topics import spans

PHRASES: dict[str, str] = {
    "whose": "(<owned> | <it:owned>)",
    "in_clear": "(in [the] clear [text] | in (plain/readable/cleartext/clear) [text/form] | as (plain/clear) text"
    " | in plaintext"
    " | as plaintext | as cleartext | unhashed/unmasked)",
}
_BEFORE = ("for", "on", "in", "within", "with", "regarding", "concerning")
_BEHIND = ("for", "on", "in", "of")
_MARKS = (":", ",", "-", "\u2013", "\u2014")
_HEADS = (":", "-", "\u2013", "\u2014")
_STARTS = ("", ",", ";", ".", "and", "while", "whereas", "&")
_ENDS = ("", ".", ";", "!")
_TABLES = ("table", "tables", "side", "data")
_OWN = ("their", "its", "his", "her")
_ARTICLES = ("our", "your", "his", "her", "the", "its", "their", "every", "each", "all", "a", "an", "any")


def scope(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """`For Accounts,` and `Accounts:` where a rule begins, `on Accounts` where it ends."""
    for end, name in _announced(sentence, at):
        yield end + (sentence.norm(end) in _MARKS), name
    yield from _behind(sentence, at)


def there(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """`there`, for the object that was named last."""
    if sentence.norm(at) == "there":
        found = [(start, name) for start in range(at) for _, name in object_name(sentence, start)]
        last = {name for start, name in found if start == max(one for one, _ in found)}
        if len(last) == 1:
            yield from ((at + 1, name) for name in last if isinstance(name, str))


def _announced(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    if sentence.norm(at - 1) not in _STARTS:
        return
    said = sentence.norm(at) in _BEFORE
    for end, name in object_name(sentence, at + said):
        for after in (end, end + 1) if sentence.norm(end) in _TABLES else (end,):
            if isinstance(name, str) and (said or sentence.norm(after) in _HEADS):
                yield after, name


def _behind(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    if at and sentence.norm(at) in _BEHIND:
        for end, name in object_name(sentence, at + 1):
            if isinstance(name, str) and sentence.norm(end) in _ENDS:
                yield end, name


def scopes_at(sentence: Sentence, at: int) -> frozenset[str]:
    """The objects whose fields need no object before them here."""
    known = sentence.memo.get(("scopes", at))
    if known is None:
        found = _last_announced(sentence, at) or _next_behind(sentence, at)
        known = sentence.memo["scopes", at] = frozenset(found or _only_named(sentence, at))
    assert isinstance(known, frozenset)
    return known


def _only_named(sentence: Sentence, at: int) -> set[str]:
    """The object whose fields `their Phone` and `its Name` mean: the only one that was named before."""
    if sentence.norm(at) not in _OWN:
        return set()
    found = objects_named(sentence, at)
    return found if len(found) == 1 else set()


def objects_named(sentence: Sentence, limit: int) -> set[str]:
    """The objects that are named before a token; `upper case` and `in other cases` name none."""
    places = (at for at in range(limit) if sentence.norm(at - 1) not in ("upper", "lower", "other"))
    found = ((at, one) for at in places for one in object_name(sentence, at))
    return {name for _, (end, name) in found if end <= limit and isinstance(name, str)}


def _last_announced(sentence: Sentence, at: int) -> set[str]:
    """What was announced last before here, in the same sentence."""
    for start in range(at - 1, -1, -1):
        if sentence.norm(start) == ".":
            return set()
        found = {name for end, name in _announced(sentence, start) if end <= at}
        if found:
            return found
    return set()


def _next_behind(sentence: Sentence, at: int) -> set[str]:
    """What stands behind a rule of one piece."""
    for start in range(at + 1, len(sentence.tokens)):
        if sentence.norm(start) in (",", ";", ".", "and"):
            return set()
        found = {name for _, name in _behind(sentence, start)}
        if found:
            return found
    return set()


def fields_in_scope(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[FieldName, ...]]]:
    """Fields without their object, of the one that the sentence announces."""
    for owner in scopes_at(sentence, at):
        for end, found in listed(sentence, at, _fields(owner)):
            yield end, tuple((owner, name) for name in found)


def field_in_scope(sentence: Sentence, at: int) -> Iterator[tuple[int, FieldName]]:
    """One field without its object, of the one that the sentence announces."""
    yield from ((end, found[0]) for end, found in fields_in_scope(sentence, at) if len(found) == 1)


def _fields(owner: str) -> Callable[[Sentence, int], Iterator[tuple[int, str]]]:
    return lambda sentence, at: _field(sentence, at, owner)


def _field(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, str]]:
    start = at + (sentence.norm(at) in _ARTICLES)
    found = dict.fromkeys(field_of(sentence, start, owner))
    yield from found
    known = sentence.catalogue.by_name[owner].by_key
    for end, key in spans(sentence, start):
        if key.endswith("ies"):
            yield from ((end, name) for name in known.get(key.removesuffix("ies") + "y", ()))


def outside(said: str | None, owners: Iterable[str]) -> bool:
    """Whether a rule is about another object than the one that its sentence announces."""
    return said is not None and any(owner != said for owner in owners)

"""An object first, then which of its records are kept, dropped or rejected: `Cases: only the escalated ones`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from durable_compiler.grammar import names
from durable_compiler.grammar.comparison_phrases import phrase_at, table
from durable_compiler.grammar.conditions import Condition, condition_of
from durable_compiler.grammar.conjunctions import combined, sound
from durable_compiler.grammar.describing import adjectives, either, possessed, qualities
from durable_compiler.grammar.inflect import inflections
from durable_compiler.grammar.selections import restrictions
from durable_compiler.grammar.sentence import Fault, Sentence

Deed = Callable[[Sentence, int], Iterator[int]]


def _forms(verbs: str) -> frozenset[str]:
    return frozenset().union(*(inflections(verb) for verb in verbs.split()))


_SYNCS = _forms(
    "sync synchronise synchronize copy load pull extract replicate import fetch include keep bring read take transfer "
    "ingest need want retain retrieve process give grab"
)
_DROPS = _forms("skip ignore omit exclude disregard bypass")
_YIELDS = _forms("return yield emit contain hold include deliver")
_ONLY = frozenset("only just solely exclusively".split())
_MODALS = frozenset("are is be must should shall get to need needs".split())
_SUBJECTS = frozenset("we please the pipeline sync tool".split())
_MARKS = frozenset((":", ",", "-", "–", "—"))
_WHEN = table(
    """
    when: if | when | where | whenever | provided that | provided | as long as | so long as | in case
    when: on condition that
    """
)
_NEVER = table("no: never | do not | does not | must not | should not | must never | should never | not")
_NARROWS = _forms("limit restrict narrow confine filter")
_TO = table("to: to only | down to only | down to | to | by | on")
_BY = table("by: by | on | where | to where | for which")
_EXCEPT = table(
    "but: except | except for | but not | apart from | other than | excluding | with the exception of | bar"
)
_ONES = table("ones: ones | records | record | rows | of them | only")


def kept_if(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """`Accounts are only synced if their Type is Customer`, `Syncs Accounts only when …`, `Cases: only …`."""
    leading = sentence.norm(at) in _SYNCS
    for end, owner in names.object_name(sentence, at + leading):
        for after in _only(sentence, end, synced=leading) if isinstance(owner, str) else ():
            yield from _condition_after(sentence, after, str(owner))
            yield from _group(sentence, after, str(owner))
    yield from _of_topic(sentence, at, _kept)
    yield from _spared(sentence, at)
    yield from _narrowed(sentence, at)
    yield from _to_be_synced(sentence, at)


def all_but(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """`Syncs all Cases except closed ones`: the object is synced, and these of its records are not."""
    leading = sentence.norm(at) in _SYNCS
    for end, owner in names.object_name(sentence, at + leading):
        for start, _ in phrase_at(sentence, end + (sentence.norm(end) == ","), _EXCEPT):
            if isinstance(owner, str):
                yield from _group(sentence, start, owner)


def _narrowed(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """`Limit Campaigns to active ones`, `The scope of Opportunities is restricted to those with an Amount`."""
    start = _after(sentence, at, frozenset(("the", "scope", "load", "sync", "import", "extract", "selection", "of")))
    leading = sentence.norm(start) in _NARROWS
    for end, owner in names.object_name(sentence, start + leading):
        if not isinstance(owner, str):
            continue
        after = end if leading else _after(sentence, end, _MODALS)
        if not leading and sentence.norm(after) not in _NARROWS:
            continue
        after += not leading
        for begin, _ in phrase_at(sentence, after, _TO):
            yield from _group(sentence, begin, owner)
        for begin, _ in phrase_at(sentence, after, _BY):
            yield from ((last, (owner, term)) for last, term in condition_of(sentence, begin, owner))


def _to_be_synced(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """`Accounts must have a Phone to be synced`, `Users must be active in order to be synced`."""
    for end, owner in names.object_name(sentence, at):
        verb = sentence.norm(end + 1)
        if not isinstance(owner, str) or sentence.norm(end) not in ("must", "should", "shall", "need"):
            continue
        said = possessed if verb == "have" else adjectives
        for last, term in said(sentence, end + 2, owner) if verb in ("have", "be") else ():
            after = last + 2 * (sentence.norms(last, 2) == ["in", "order"])
            if sentence.norms(after, 2) == ["to", "be"] and sentence.norm(after + 2) in _SYNCS:
                yield after + 3, (owner, term)


def _spared(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """`Skip Accounts unless their Industry is Banking`, `Never sync Leads unless they have an Email`."""
    for start in _dropped(sentence, at):
        for end, owner in names.object_name(sentence, start):
            if isinstance(owner, str) and sentence.norm(end) == "unless":
                yield from ((last, (owner, term)) for last, term in condition_of(sentence, end + 1, owner))


def synced_but(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """`Syncs Users, but only where Active is true`: the object is synced, and that it is is said too."""
    leading = sentence.norm(at) in _SYNCS
    for end, owner in names.object_name(sentence, at + leading):
        if not isinstance(owner, str):
            continue
        start = end if leading else _after(sentence, end, _MODALS)
        if not leading and (start == end or sentence.norm(start) not in _SYNCS):
            continue
        start += not leading
        comma = start + (sentence.norm(start) == ",")
        if sentence.norm(comma) not in ("but", "though"):
            continue
        for after in _only(sentence, comma + 1, synced=True):
            yield from _condition_after(sentence, after, owner)
            yield from _group(sentence, after, owner)


def dropped(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """`Leads: skip those without an Email`, `For Cases, never sync the closed ones`."""
    yield from _of_topic(sentence, at, _dropped)


def rejected_if(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """`Opportunities are rejected when their Amount is negative`."""
    for end, owner in names.object_name(sentence, at):
        start = _after(sentence, end, _MODALS)
        if start > end and sentence.norm(start) == "rejected" and isinstance(owner, str):
            yield from _condition_after(sentence, start + 1, owner)


def _only(sentence: Sentence, at: int, *, synced: bool) -> Iterator[int]:
    """Behind `only` and, where the sentence did not say it yet, the verb that syncs, in either order."""
    needed = {"only"} if synced else {"only", "sync"}
    while needed:
        at = at if synced else _after(sentence, at, _MODALS)
        word = "sync" if sentence.norm(at) in _SYNCS else "only" if sentence.norm(at) in _ONLY else ""
        if word not in needed:
            return
        needed, at = needed - {word}, at + 1
    yield at


def _of_topic(sentence: Sentence, at: int, deed: Deed) -> Iterator[tuple[int, Condition]]:
    """An object, a mark or nothing, then what is done with some of its records."""
    introduced = sentence.norm(at) in ("for", "of", "from", "on", "in")
    for end, owner in names.object_name(sentence, at + introduced):
        marked = sentence.norm(end) in _MARKS
        yields = sentence.norm(end) in _YIELDS
        if isinstance(owner, str) and (marked or introduced or yields):
            start = _after(sentence, end + marked, _SUBJECTS)
            for after in deed(sentence, start):
                yield from _group(sentence, after, owner)


def _kept(sentence: Sentence, at: int) -> Iterator[int]:
    """Behind `only`, `sync only`, `only keep`."""
    verb = sentence.norm(at) in _SYNCS or sentence.norm(at) in _YIELDS
    if sentence.norm(at + verb) in _ONLY:
        yield at + verb + 1 + (not verb and sentence.norm(at + 1) in _SYNCS)


def _dropped(sentence: Sentence, at: int) -> Iterator[int]:
    """Behind `skip`, `leave out`, `never sync`."""
    if sentence.norm(at) in _DROPS:
        yield at + 1
    elif sentence.norm(at) in ("leave", "filter") and sentence.norm(at + 1) == "out":
        yield at + 2
    for end, _ in phrase_at(sentence, at, _NEVER):
        if sentence.norm(end) in _SYNCS:
            yield end + 1


def _group(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Condition]]:
    """`those whose Type is Customer`, `the ones without an Email`, `the escalated and working ones`."""
    start = at + (sentence.norm(at) in ("the", "those", "any", "all"))
    start += sentence.norm(start) in ("ones", "records", "rows")
    for end, term in restrictions(sentence, start, owner):
        yield end, (owner, term)
    for end, terms in qualities(sentence, at + (sentence.norm(at) == "the"), owner):
        for after, _ in phrase_at(sentence, end, _ONES):
            whole = either(terms)
            yield after, (owner, sound(sentence, whole, at, after))
            for last, more in restrictions(sentence, after, owner):
                both = more if isinstance(more, Fault) else sound(sentence, combined("and", (whole, more)), at, last)
                yield last, (owner, both)


def _after(sentence: Sentence, at: int, words: frozenset[str]) -> int:
    while sentence.norm(at) in words:
        at += 1
    return at


def _condition_after(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Condition]]:
    for start, _ in phrase_at(sentence, at, _WHEN):
        yield from ((end, (owner, term)) for end, term in condition_of(sentence, start, owner))

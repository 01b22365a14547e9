"""The canonical English of an expression: it reads back to the same tree."""

from __future__ import annotations

from functools import cache

from durable_compiler.catalogue import Snapshot, squeeze
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.columns import label
from durable_compiler.grammar.dates import span_words
from durable_compiler.grammar.expression_phrases import INFIX
from durable_compiler.grammar.expressions import separator_words
from durable_compiler.grammar.literals import number_words
from durable_compiler.grammar.words import tokens
from durable_compiler.terms import Apply, Constant, FieldTerm, Term

_BETWEEN = {"add": "plus", "sub": "minus", "mul": "times", "div": "divided by"}
# A label with one of these words could be taken apart: such a field goes by its API name.
_TELLING = frozenset(word for words, _ in INFIX for word in words.split()) | frozenset(
    "between since until before after from to in as text today now".split()
)
_PLAIN_CHAINS = (frozenset({"add", "sub"}), frozenset({"mul"}))


def expression_words(term: Term, catalogue: Snapshot) -> str:
    """An expression in words, without brackets around the whole."""
    if isinstance(term, FieldTerm):
        return _field(term, catalogue)
    if isinstance(term, Constant):
        return _constant(term, catalogue)
    if term.op in _BETWEEN:
        return _infix(term, catalogue)
    if term.op == "days_between":
        return _days(term, catalogue)
    if term.op == "concat":
        return _texts(term, catalogue)
    parts = [_part(one, catalogue) for one in term.args]
    if term.op == "coalesce":
        return f"the first of {listed(parts)} that is filled"
    if term.op == "round":
        return f"{parts[0]} rounded to {parts[1]} {'decimal' if parts[1] == '1' else 'decimals'}"
    assert term.op in ("today", "now"), term.op
    return term.op


def _part(term: Term, catalogue: Snapshot) -> str:
    words = expression_words(term, catalogue)
    return f"({words})" if isinstance(term, Apply) and term.args else words


def _infix(term: Apply, catalogue: Snapshot) -> str:
    left, right = term.args
    chained = isinstance(left, Apply) and any({left.op, term.op} <= chain for chain in _PLAIN_CHAINS)
    before = expression_words(left, catalogue) if chained else _part(left, catalogue)
    return f"{before} {_BETWEEN[term.op]} {_part(right, catalogue)}"


def _days(term: Apply, catalogue: Snapshot) -> str:
    start, end = term.args
    if start == Apply("today") and end != Apply("today"):
        return f"the days until {_part(end, catalogue)}"
    if end == Apply("today") and start != Apply("today"):
        return f"the days since {_part(start, catalogue)}"
    return f"the days between {_part(start, catalogue)} and {_part(end, catalogue)}"


def _texts(term: Apply, catalogue: Snapshot) -> str:
    parts, between = term.args[::2], set(term.args[1::2])
    separator = next(iter(between)) if len(between) == 1 and len(term.args) % 2 else None
    plain = len(set(parts)) == len(parts) and not any(isinstance(one, Constant) for one in parts)
    if isinstance(separator, Constant) and plain:
        words = separator_words(str(separator.value)) or quoted(str(separator.value))
        return f"{listed(_part(one, catalogue) for one in parts)} separated by {words}"
    return " directly followed by ".join(_part(one, catalogue) for one in term.args)


def _field(term: FieldTerm, catalogue: Snapshot) -> str:
    words = label(catalogue, (term.object, term.name))
    telling = _TELLING & {token.norm for token in tokens(words)}
    return f"{term.object}.{term.name}" if telling else words


def _constant(term: Constant, catalogue: Snapshot) -> str:
    if term.type == "duration":
        return span_words(str(term.value))
    if term.type == "date":
        return str(term.value)
    if term.type == "text":
        taken = squeeze(str(term.value)) in _fields(catalogue)
        return f"the text {quoted(str(term.value))}" if taken else quoted(str(term.value))
    assert isinstance(term.value, (int, float)), term
    return f"minus {number_words(-term.value)}" if term.value < 0 else number_words(term.value)


def quoted(text: str) -> str:
    """A text in the marks in which it is one token again."""
    for before, after in ("``", '""', "\u201c\u201d"):
        spelt = f"{before}{text}{after}"
        found = tokens(spelt)
        if len(found) == 1 and found[0].norm == text:
            return spelt
    raise AssertionError(text)


def _fields(catalogue: Snapshot) -> frozenset[str]:
    return _keys(tuple(key for one in catalogue.objects for key in one.by_key))


@cache
def _keys(keys: tuple[str, ...]) -> frozenset[str]:
    return frozenset(keys)

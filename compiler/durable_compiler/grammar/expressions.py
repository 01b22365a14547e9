"""Arithmetic, dates and text in English as expression trees, and their canonical English."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from durable_compiler.catalogue import squeeze
from durable_compiler.grammar import dates, literals, names
from durable_compiler.grammar.expression_phrases import (
    DEEDS,
    INFIX,
    INFIXED,
    MISSING,
    PHRASES,
    PREFIXED,
    SCALED,
    SEPARATORS,
)
from durable_compiler.grammar.names import STRUCTURE, listed
from durable_compiler.grammar.numbers import integer
from durable_compiler.grammar.pattern import Lexicon, Phrase, Slot, as_dict, compile_phrase
from durable_compiler.grammar.sentence import Sentence
from durable_compiler.grammar.topics import spans
from durable_compiler.terms import Constant


@dataclass(frozen=True)
class Named:
    """A field by its normalised name, and its object where the words name one."""

    key: str
    owner: str | None
    start: int = field(compare=False)
    end: int = field(compare=False)


@dataclass(frozen=True)
class Tree:
    """An operator over parts, as read: types and objects are not looked at yet."""

    op: str
    args: tuple[Raw, ...] = ()


Raw = Named | Constant | Tree


@dataclass(frozen=True)
class Reading:
    """An expression, and the tokens that it was read from."""

    raw: Raw
    start: int = field(compare=False)
    end: int = field(compare=False)


Found = Iterator[tuple[int, Raw]]
Reader = Callable[[Sentence, int], Found]

_MOST_OPERANDS = 5
# Chains of these read from the left, whoever reads them; any other mixture needs brackets.
_PLAIN_CHAINS = (frozenset({"add", "sub", "+"}), frozenset({"mul"}), frozenset({"directly"}), frozenset({"follow"}))
_HYPHENS = "-\u2010\u2011"


def remembered(reader: Reader) -> Reader:
    """A reader that looks at each place of a sentence once."""

    def once(sentence: Sentence, at: int) -> Found:
        key = (reader, at)
        known = sentence.memo.get(key)
        if known is None:
            known = sentence.memo[key] = tuple(dict.fromkeys(reader(sentence, at)))
            sentence.reached(max((end for end, _ in known), default=0))
        assert isinstance(known, tuple)
        return iter(known)

    return once


# --- what stands alone ------------------------------------------------------------------------------------------


@remembered
def atom(sentence: Sentence, at: int) -> Found:
    """A number, a length of time, a date, a field, a quoted text, or anything in brackets."""
    if at >= len(sentence.tokens) or _after_hidden_hyphen(sentence, at):
        return
    if sentence.norm(at) == "(":
        yield from ((end + 1, _group(raw)) for end, raw in whole(sentence, at + 1) if sentence.norm(end) == ")")
        return
    fields = [*_field(sentence, at)]
    yield from fields
    yield from _constant(sentence, at, plain=not fields)


def _group(raw: Raw) -> Raw:
    """Brackets keep texts that follow one another apart from what stands around them."""
    return Tree("group", (raw,)) if isinstance(raw, Tree) and raw.args else raw


def _after_hidden_hyphen(sentence: Sentence, at: int) -> bool:
    """Whether a hyphen that is no token, as in (-5, stands before this token: it could be a sign."""
    start = sentence.tokens[at].start
    return start > 0 and sentence.text[start - 1] in _HYPHENS and (at == 0 or sentence.tokens[at - 1].end < start)


def _constant(sentence: Sentence, at: int, *, plain: bool) -> Found:
    yield from literals.amount(sentence, at)
    for end, length in dates.span(sentence, at):
        yield end, Constant(length.iso, "duration")
    for end, day in dates.date(sentence, at):
        if isinstance(day, str):
            yield end, Constant(day, "date")
    if sentence.norm(at) in ("today", "now") and sentence.kind(at) == "word":
        yield at + 1, Tree(sentence.norm(at))
    yield from _text(sentence, at, plain=plain)


def _text(sentence: Sentence, at: int, *, plain: bool) -> Found:
    """A quoted text that names no field; after `the text` any."""
    named = at + 2 if [sentence.norm(at), sentence.norm(at + 1)] == ["the", "text"] else at
    if sentence.kind(named) in ("code", "quoted") and (plain or named > at) and sentence.norm(named):
        yield named + 1, Constant(sentence.norm(named), "text")


def _field(sentence: Sentence, at: int) -> Found:
    start = at + (sentence.norm(at) in ("the", "its", "their", "each"))
    found = [*_dotted(sentence, start), *_qualified(sentence, start), *_of_object(sentence, start)]
    yield from found
    for end, key in spans(sentence, start):
        if not found and (key in _known(sentence) or key + "s" in _known(sentence)):
            yield end, Named(key, None, start, end)
            if sentence.norms(end, 3) == ["(", "%", ")"]:
                yield end + 3, Named(key, None, start, end)
    if not found and not sentence.strict:
        yield from _unknown(sentence, start)


def _dotted(sentence: Sentence, at: int) -> Found:
    owner, _, name = sentence.norm(at).partition(".")
    if sentence.kind(at) in ("word", "code"):
        for api in sentence.catalogue.by_key.get(squeeze(owner), ()):
            if squeeze(name) in sentence.catalogue.by_name[api].by_key:
                yield at + 1, Named(squeeze(name), api, at, at + 1)


def _qualified(sentence: Sentence, at: int) -> Found:
    for middle, key in spans(sentence, at):
        for owner in sentence.catalogue.by_key.get(key, ()):
            start = middle + (sentence.norm(middle) in ("'", "\u2019"))
            for end, name in names.field_of(sentence, start, owner):
                yield end, Named(squeeze(name), owner, at, end)
                if sentence.norms(end, 3) == ["(", "%", ")"]:
                    yield end + 3, Named(squeeze(name), owner, at, end)


def _of_object(sentence: Sentence, at: int) -> Found:
    for middle, key in spans(sentence, at):
        if sentence.norm(middle) in ("of", "on", "for") and key in _known(sentence):
            for end, owner in names.object_name(sentence, middle + 1):
                if isinstance(owner, str) and sentence.catalogue.by_name[owner].by_key.get(key):
                    yield end, Named(key, owner, at, end)


def _unknown(sentence: Sentence, at: int) -> Found:
    """Words that could be a field that does not exist: only while looking for the reason."""
    names_here = _known(sentence) | set(sentence.catalogue.by_key)
    for end in range(at + 1, min(at + 4, len(sentence.tokens) + 1)):
        if sentence.kind(end - 1) not in ("word", "code") or sentence.norm(end - 1) in STRUCTURE | _operator_words():
            return
        if names_here & {key for _, key in spans(sentence, end - 1)}:
            return
        yield end, Named(squeeze(sentence.spelling(at, end)), None, at, end)


def _known(sentence: Sentence) -> frozenset[str]:
    known = sentence.memo.get("fields of all objects")
    if known is None:
        known = frozenset(key for one in sentence.catalogue.objects for key in one.by_key)
        sentence.memo["fields of all objects"] = known
    assert isinstance(known, frozenset)
    return known


@cache
def _operator_words() -> frozenset[str]:
    return frozenset(word for words, _ in INFIX for word in words.split()) | frozenset(
        "days sum total difference ratio product average half twice rounded together combined today now".split()
    )


# --- operators between operands ---------------------------------------------------------------------------------


@remembered
def chain(sentence: Sentence, at: int) -> Found:
    """Operands with operators between them: every way to bracket a mixture, so that none is chosen in silence."""
    for end, operands, operators in _operands(sentence, at, 1):
        for raw in _bracketed(operands, operators):
            yield end, raw


Run = tuple[int, tuple[Raw, ...], tuple[str, ...]]


def _operands(sentence: Sentence, at: int, count: int) -> Iterator[Run]:
    for end, first in _operand(sentence, at):
        yield from _continued(sentence, end, first, count)


def _continued(sentence: Sentence, at: int, first: Raw, count: int) -> Iterator[Run]:
    yield at, (first,), ()
    if count == _MOST_OPERANDS:
        return
    scale = SCALED.get(sentence.norm(at + 1)) if sentence.norm(at) == "in" else None
    if scale is not None:
        for end, others, operators in _continued(sentence, at + 2, Constant(scale, "number"), count + 1):
            yield end, (first, *others), ("div", *operators)
    for start, operator in _operator(sentence, at):
        if operator == "mul":
            for end, share in literals.percentage(sentence, start):
                for after, others, operators in _continued(sentence, end, _hundredth(share), count + 1):
                    yield after, (first, *others), (operator, *operators)
        for end, others, operators in _operands(sentence, start, count + 1):
            yield end, (first, *others), (operator, *operators)


def _operator(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    for words, operator in INFIX:
        parts = words.split()
        if [sentence.norm(at + offset) for offset in range(len(parts))] == parts:
            yield at + len(parts), operator
            return


def _bracketed(operands: tuple[Raw, ...], operators: tuple[str, ...]) -> Iterator[Raw]:
    if len(operands) == 1:
        yield operands[0]
        return
    plain = any(set(operators) <= chain for chain in _PLAIN_CHAINS)
    # Multiplied and then divided once: the same number wherever the brackets stand.
    plain = plain or (operators[-1] == "div" and set(operators[:-1]) == {"mul"})
    cuts = range(len(operators) - 1, len(operators)) if plain else range(len(operators))
    for cut in cuts:
        for left in _bracketed(operands[: cut + 1], operators[:cut]):
            for right in _bracketed(operands[cut + 1 :], operators[cut + 1 :]):
                yield _joined(operators[cut], left, right)


def _joined(operator: str, left: Raw, right: Raw) -> Raw:
    """Texts that follow one another are one row of parts."""
    flat = isinstance(left, Tree) and left.op == operator and operator in ("directly", "follow", "+")
    return Tree(operator, (*left.args, right) if flat and isinstance(left, Tree) else (left, right))


def _hundredth(share: Constant) -> Constant:
    value = Decimal(str(share.value)) / 100
    return Constant(int(value) if value == value.to_integral_value() else float(value), "number")


@remembered
def _operand(sentence: Sentence, at: int) -> Found:
    yield from atom(sentence, at)
    yield from _forms(sentence, at, _prefixed())


# --- forms with words of their own ------------------------------------------------------------------------------


def separator(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """What stands between two texts: by name, or quoted."""
    for words, text in SEPARATORS:
        parts = words.split()
        if [sentence.norm(at + offset) for offset in range(len(parts))] == parts:
            yield at + len(parts), text
    if sentence.kind(at) in ("code", "quoted") and sentence.norm(at):
        yield at + 1, sentence.norm(at)


def _several(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[Raw, ...]]]:
    yield from ((end, items) for end, items in listed(sentence, at, chain) if len(items) > 1)


def _span(sentence: Sentence, at: int) -> Found:
    yield from ((end, Constant(length.iso, "duration")) for end, length in dates.span(sentence, at))


@cache
def _lexicon() -> Lexicon:
    slots: dict[str, Slot] = {
        "arg": chain, "atom": atom, "several": _several, "percent": literals.percentage, "span": _span,
        "separator": separator, "count": integer,
    }  # fmt: skip
    return Lexicon(slots, PHRASES)


Forms = tuple[tuple[str, Phrase], ...]


@cache
def _prefixed() -> Forms:
    return tuple((name, compile_phrase(text, _lexicon())) for name, text in PREFIXED)


@cache
def _infixed() -> Forms:
    return tuple((name, compile_phrase(text, _lexicon())) for name, text in INFIXED)


@cache
def _deeds() -> Forms:
    return tuple((name, compile_phrase(text, _lexicon())) for name, text in DEEDS)


@cache
def _rounding() -> Phrase:
    return compile_phrase("[and] rounded %rounded_to", _lexicon())


def _forms(sentence: Sentence, at: int, forms: Forms) -> Found:
    word = sentence.norm(at)
    for name, phrase in forms:
        if phrase.first is None or word in phrase.first:
            for end, bindings in phrase.match(sentence, at):
                values = as_dict(bindings)
                raw = None if values is None else _BUILDERS[name](values)
                if raw is not None:
                    yield end, raw


def _fold(op: str) -> Callable[[dict[str, Any]], Raw]:
    def build(values: dict[str, Any]) -> Raw:
        first, *rest = values["several"]
        for one in rest:
            first = Tree(op, (first, one))
        assert isinstance(first, Tree)
        return first

    return build


def _times(factor: int) -> Callable[[dict[str, Any]], Raw]:
    return lambda values: Tree("mul", (values["a"], Constant(factor, "number")))


def _part(size: int) -> Callable[[dict[str, Any]], Raw]:
    return lambda values: Tree("div", (values["a"], Constant(size, "number")))


def _both(op: str) -> Callable[[dict[str, Any]], Raw]:
    return lambda values: Tree(op, (values["a"], values["b"]))


def _average(values: dict[str, Any]) -> Raw:
    return Tree("div", (_fold("add")(values), Constant(len(values["several"]), "number")))


def _text_of(values: dict[str, Any]) -> Raw:
    return Tree("joined", (Constant(values["separator"], "text"), *values["several"]))


def _rounded(values: dict[str, Any]) -> Raw:
    return Tree("round", (values["a"], Constant(_places(values), "number")))


def _places(values: dict[str, Any]) -> int:
    places = 0 if "whole" in values else 2 if "cents" in values else values["count"]
    assert isinstance(places, int)
    return places


_BUILDERS: dict[str, Callable[[dict[str, Any]], Raw]] = {
    "sum": _fold("add"),
    "product": _fold("mul"),
    "add": _both("add"),
    "mul": _both("mul"),
    "rounded": _rounded,
    "sub": _both("sub"),
    "div": _both("div"),
    "average": _average,
    "share": lambda values: Tree("mul", (values["a"], _hundredth(values["percent"]))),
    "twice": _times(2),
    "triple": _times(3),
    "half": _part(2),
    "third": _part(3),
    "quarter": _part(4),
    "tenth": _part(10),
    "between": _both("days_between"),
    "since": lambda values: Tree("days_between", (values["a"], Tree("today"))),
    "until": lambda values: Tree("days_between", (Tree("today"), values["a"])),
    "after": lambda values: Tree("add", (values["a"], values["span"])),
    "before": lambda values: Tree("sub", (values["a"], values["span"])),
    "together": lambda values: Tree("together", values["several"]),
    "joined": _text_of,
    "first": lambda values: Tree("coalesce", values.get("several") or (values["a"], values["b"])),
    "percentage": lambda values: Tree("mul", (_both("div")(values), Constant(100, "number"))),
}


@remembered
def whole(sentence: Sentence, at: int) -> Found:
    """An expression as far as it goes: a chain or a form, and rounding, which holds for all of it."""
    for end, raw in (*chain(sentence, at), *_forms(sentence, at, _infixed())):
        yield end, raw
        for after, places in rounding(sentence, end + (sentence.norm(end) == ",")):
            yield after, Tree("round", (raw, Constant(places, "number")))


def rounding(sentence: Sentence, at: int) -> Iterator[tuple[int, int]]:
    """`rounded to 2 decimals` as a number of decimals."""
    for end, bindings in _rounding().match(sentence, at):
        places = _places(as_dict(bindings) or {})
        if 0 <= places <= 18:
            yield end, places


def expression(sentence: Sentence, at: int) -> Iterator[tuple[int, Reading]]:
    """Whatever a column may be computed from: at least one operator over fields."""
    for end, raw in whole(sentence, at):
        if isinstance(raw, Tree) and raw.args:
            yield end, Reading(raw, at, end)


def operands(sentence: Sentence, at: int) -> Iterator[tuple[int, Reading]]:
    """Two texts or more that are put together: `First Name and Last Name`, `First Name with Last Name`."""
    for end, items in _several(sentence, at):
        yield end, Reading(Tree("together", items), at, end)


def deed(sentence: Sentence, at: int) -> Iterator[tuple[int, Reading]]:
    """An expression as something to do: `multiply Amount by 12`."""
    for end, raw in _forms(sentence, at, _deeds()):
        yield end, Reading(raw, at, end)


def single(sentence: Sentence, at: int) -> Iterator[tuple[int, Reading]]:
    """One field."""
    yield from ((end, Reading(raw, at, end)) for end, raw in atom(sentence, at) if isinstance(raw, Named))


def fallback(sentence: Sentence, at: int) -> Iterator[tuple[int, Reading]]:
    """What takes the place of a field that is missing: `or Business Phone where that is missing`."""
    for end, bindings in _fallback().match(sentence, at):
        raw = dict(bindings)["b"]
        assert isinstance(raw, (Named, Constant, Tree))
        yield end, Reading(raw, at, end)


@cache
def _fallback() -> Phrase:
    text = (
        "(or/otherwise/else | or else) <atom:b> (where/when/if) (that/it/this | the former | the first [one])"
        " %missing | (or/and/otherwise/else) (where/when/if) (that/it/this) %missing [,] <atom:b>"
        f" | (or/and/otherwise/else) <atom:b> (where/when/if) {MISSING}"
        " | (falling/fall/falls back to | otherwise | or else) <atom:b> | with <atom:b> as [the/a] (fallback/backup)"
    )
    return compile_phrase(text, _lexicon())


def leaves(raw: Raw) -> Iterable[Named]:
    """Every field of an expression."""
    if isinstance(raw, Named):
        yield raw
    elif isinstance(raw, Tree):
        for one in raw.args:
            yield from leaves(one)


def separator_words(text: str) -> str | None:
    """The name of a separator that has one."""
    return next((words for words, known in SEPARATORS if known == text and text), None)

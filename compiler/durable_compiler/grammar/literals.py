"""Constants as a field's type reads them: amounts, dates, picklist values, text, yes and no."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from durable_compiler.catalogue import FieldSchema, ObjectSchema, nearest
from durable_compiler.grammar.dates import date, span
from durable_compiler.grammar.names import STRUCTURE
from durable_compiler.grammar.numbers import integer
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.words import tokens
from durable_compiler.terms import Apply, Constant, Term

NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
TEMPORAL = frozenset({"date", "datetime"})
TEXTS = frozenset({"string", "textarea", "phone", "email", "url", "id", "reference", "combobox", "encryptedstring"})
PICKLISTS = frozenset({"picklist", "multipicklist"})
_FAMILIES = ((NUMBERS, "number"), (TEMPORAL, "date"), (TEXTS, "text"), (PICKLISTS, "picklist"))

SCALES = {
    "k": 10**3, "thousand": 10**3, "m": 10**6, "mn": 10**6, "mio": 10**6, "million": 10**6, "bn": 10**9, "b": 10**9,
    "billion": 10**9,
}  # fmt: skip
_SCHEMES = frozenset("http https www mailto".split())
_TRUE = frozenset("true yes checked ticked selected on".split())
_FALSE = frozenset("false no unchecked unticked off".split())
_SYMBOLS = {
    "€": ("EUR",), "£": ("GBP",), "¥": ("JPY", "CNY"), "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"),
    "euro": ("EUR",), "euros": ("EUR",), "pounds": ("GBP",), "yen": ("JPY",), "francs": ("CHF",),
    "dollars": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD"),
}  # fmt: skip
_ISO_CODES = frozenset(
    "USD EUR GBP JPY CHF CAD AUD NZD SEK NOK DKK PLN CZK HUF INR CNY HKD SGD MXN BRL ZAR KRW TRY "
    "ILS AED SAR THB".split()
)
# Words that say whether there is a value at all; as a text they need quotes.
_STATES = frozenset(
    "blank empty missing null unset absent filled present populated given provided known available".split()
)
# Fields that Salesforce sets itself: never in the future, so that `in the last 90 days` has one end only.
_STAMPS = frozenset({"CreatedDate", "LastModifiedDate", "SystemModstamp", "LastLoginDate", "LastViewedDate"})
CURRENCY_FIELD = "CurrencyIsoCode"


def family(field: FieldSchema) -> str | None:
    """What a field's values are to a comparison: number, date, text, picklist, boolean; None for what has no value."""
    if field.type == "boolean":
        return "boolean"
    return next((name for types, name in _FAMILIES if field.type in types), None)


def stamped(field: FieldSchema) -> bool:
    """Whether a date says when something happened last, so that it is never in the future."""
    return field.name in _STAMPS or field.label.startswith("Last ")


# --- numbers ----------------------------------------------------------------------------------------------------


def amount(sentence: Sentence, at: int) -> Iterator[tuple[int, Constant]]:
    """`10 million`, `20k`, `1.5m`, `10,000`, `-5`, `ten`: exact, whole where it is whole."""
    start = at + (sentence.norm(at) in ("-", "\u2212", "minus"))
    for end, value in _unsigned(sentence, start):
        yield end, Constant(_shortest(-value if start > at else value), "number")


def _unsigned(sentence: Sentence, at: int) -> Iterator[tuple[int, Decimal]]:
    if sentence.kind(at) != "number":
        yield from ((end, Decimal(value)) for end, value in integer(sentence, at) if sentence.kind(at) == "word")
        return
    text = sentence.norm(at)
    # 10.000 is ten thousand to half of Europe; such a number is not read at all.
    if not re.fullmatch(r"(0|[1-9]\d*|[1-9]\d{0,2}(,\d{3})+)(\.\d+)?", text) or re.fullmatch(r"[1-9]\d*\.000", text):
        return
    value, scale = Decimal(text.replace(",", "")), SCALES.get(sentence.norm(at + 1))
    if scale is None:
        yield at + 1, value
    else:
        yield at + 2, value * scale


def _shortest(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def number_words(value: float) -> str:
    """Canonical digits of a number that `amount` yields."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{Decimal(repr(value)):,f}"


def percentage(sentence: Sentence, at: int) -> Iterator[tuple[int, Constant]]:
    """`20%`, `20 percent`."""
    for end, value in amount(sentence, at):
        if sentence.norm(end) in ("%", "percent"):
            yield end + 1, value
        elif [sentence.norm(end), sentence.norm(end + 1)] == ["per", "cent"]:
            yield end + 2, value


def money(sentence: Sentence, at: int) -> Iterator[tuple[int, Constant, tuple[str, ...]]]:
    """An amount and the currencies that its sign or code may stand for; none where none is said."""
    before = _SYMBOLS.get(sentence.norm(at), ())
    code = sentence.norm(at).upper()
    if not before and sentence.kind(at) == "word" and code in _ISO_CODES:
        before = (code,)
    for end, value in amount(sentence, at + bool(before)):
        if before:
            yield end, value, before
            continue
        yield end, value, ()
        word = sentence.norm(end)
        after = _SYMBOLS.get(word) or ((word.upper(),) if word.upper() in _ISO_CODES else ())
        if after:
            yield end + 1, value, after


# --- dates ------------------------------------------------------------------------------------------------------


def moment(sentence: Sentence, at: int) -> Iterator[tuple[int, Term | Fault]]:
    """A day, an instant in UTC, `today`, `now`, `30 days ago`, `2 years from now`."""
    for end, day in date(sentence, at):
        yield end, day if isinstance(day, Fault) else Constant(day, "date")
        if isinstance(day, str) and sentence.kind(end) == "clock" and sentence.norm(end + 1) in ("utc", "z", "gmt"):
            clock = sentence.norm(end)
            if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", clock):
                yield end + 2, Constant(f"{day}T{clock}:00Z", "timestamp")
    word = sentence.norm(at)
    if word in ("today", "now"):
        yield at + 1, Apply(word)
    elif word in ("yesterday", "tomorrow"):
        yield at + 1, Apply("sub" if word == "yesterday" else "add", (Apply("today"), Constant("P1D", "duration")))
    for end, length in span(sentence, at):
        base = Apply("now" if length.within_day else "today")
        if sentence.norm(end) == "ago":
            yield end + 1, Apply("sub", (base, Constant(length.iso, "duration")))
        elif [sentence.norm(end), sentence.norm(end + 1)] in (["from", "now"], ["from", "today"]):
            yield end + 2, Apply("add", (base, Constant(length.iso, "duration")))


# --- picklists and text -----------------------------------------------------------------------------------------


def picklist_value(sentence: Sentence, at: int, field: FieldSchema) -> Iterator[tuple[int, Constant | Fault]]:
    """A value of a picklist by its label or API value, in any case, of any number of words, quoted or not."""
    found = set(_entries(sentence, at, field))
    best = {end: min(rank for other, _, rank in found if other == end) for end, _, _ in found}
    kept = sorted({(end, value) for end, value, rank in found if rank == best[end]})
    yield from ((end, Constant(value, "text")) for end, value in kept)
    if not found and not sentence.strict:
        yield from _unknown_value(sentence, at, field)


def _entries(sentence: Sentence, at: int, field: FieldSchema) -> Iterator[tuple[int, str, int]]:
    """(end, API value, rank): the exact value comes before the exact label, and that before another case."""
    quoted = sentence.kind(at) in ("code", "quoted")
    for entry in field.picklist:
        for rank, text in enumerate((entry.value, entry.label)):
            words = [token.norm for token in tokens(text)]
            end = at + (1 if quoted else len(words))
            if quoted and sentence.norm(at).casefold() == text.casefold():
                yield end, entry.value, rank if sentence.norm(at) == text else 2
            elif not quoted and words and [sentence.norm(one) for one in range(at, end)] == words:
                yield end, entry.value, rank if sentence.spelling(at, end) == text else 2


def _unknown_value(sentence: Sentence, at: int, field: FieldSchema) -> Iterator[tuple[int, Fault]]:
    for end in range(at + 1, min(at + 4, len(sentence.tokens) + 1)):
        if sentence.kind(end - 1) not in ("word", "code", "quoted", "number") or sentence.norm(end - 1) in STRUCTURE:
            return
        spelt = sentence.spelling(at, end)
        labels = [entry.label for entry in field.picklist]
        close = nearest(spelt, labels) or [one for one in labels if one.casefold().startswith(spelt.casefold())]
        help = "Write one of the picklist's values; `durable discover` renews the snapshot."
        message = f"'{spelt}' is not a value of {field.label}"
        yield end, sentence.fault("DUR033", message, at, end, help, list(close)[:3] or labels[:5])


def text_value(sentence: Sentence, at: int) -> Iterator[tuple[int, Constant]]:
    """A quoted text or code span, or one word that begins with a capital or digit: an adjective is no value."""
    kind, spelt = sentence.kind(at), sentence.norm(at)
    if kind in ("code", "quoted"):
        if spelt.strip():
            yield at + 1, Constant(spelt, "text")
        return
    spelt = sentence.spelling(at, at + 1) if kind in ("word", "number") else ""
    # T-Shirt and O'Brien are more than one token: they need quotes.
    after = sentence.tokens[at].end if spelt else 0
    joined = sentence.text[after : after + 1] in ("-", "'", "’")
    # N/A is one text; Germany/France may be two, so that it needs quotes.
    joined = joined or re.fullmatch(r"\w{3,}(/\w{3,})+", spelt) is not None
    if (
        spelt
        and not joined
        and (spelt[0].isupper() or kind == "number")
        and sentence.norm(at) not in STRUCTURE | _STATES
    ):
        yield at + 1, Constant(spelt, "text")


def text_part(sentence: Sentence, at: int) -> Iterator[tuple[int, Constant]]:
    """What a text may contain or begin with: any text, or a run of signs without a space: `https://`, `+49`."""
    yield from text_value(sentence, at)
    if sentence.kind(at) in ("code", "quoted"):
        return
    end = at
    while end < len(sentence.tokens) and (end == at or sentence.tokens[end].start == sentence.tokens[end - 1].end):
        end += 1
    while end > at and sentence.norm(end - 1) in (".", ",", ";", ":", ")"):
        end -= 1
    spelt = sentence.spelling(at, end) if end > at else ""
    if sentence.norm(at) in _SCHEMES or (
        spelt == "@" or (end > at + 1 and re.fullmatch(r"[\w.:/@+%&=#?~*-]*[:/@+][\w.:/@+%&=#?~*-]*", spelt))
    ):
        yield end, Constant(spelt, "text")


def truth(sentence: Sentence, at: int) -> Iterator[tuple[int, Constant]]:
    """`true`, `yes`, `checked`, `false` and their like."""
    if sentence.norm(at) in _TRUE | _FALSE and sentence.kind(at) == "word":
        yield at + 1, Constant(sentence.norm(at) in _TRUE, "boolean")


def currencies(owner: ObjectSchema) -> tuple[str, ...] | None:
    """The currency codes that records of an object may have, None where all have the organisation's."""
    field = owner.field(CURRENCY_FIELD)
    return None if field is None else tuple(entry.value for entry in field.picklist)


def money_ends(sentence: Sentence, at: int) -> Iterator[tuple[int, Constant]]:
    """Amounts of any kind, without what currency they are in."""
    yield from ((end, value) for end, value, _ in money(sentence, at))
    yield from percentage(sentence, at)

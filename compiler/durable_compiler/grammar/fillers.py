"""What stands for a missing value in English: the value that replaces it, and the texts that mean it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from durable_compiler.catalogue import squeeze
from durable_compiler.grammar import names
from durable_compiler.grammar.literals import amount, moment
from durable_compiler.grammar.names import STRUCTURE
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.terms import Constant

_USE = "~use/store/write/take/assume/put/insert/load/save/substitute/enter/record/show/apply/supply/give/return"
PHRASES: dict[str, str] = {
    "use": f"({_USE} | ~fall back to | ~fill in | ~put in)",
    "isabsent": (
        "(is/are %absent | [is/are/was/were/has/have/been] [been] left [as] %absent | has/have/carries/holds no value"
        " | does/do not have a value | has/have not been [set/given/provided/known] [filled [in]] | came/comes in"
        " %absent"
        " | is/are not (set | filled [in] | present | given | known | provided | there | available | specified)"
        " | is/are [~leave] blank | turns out %absent)"
    ),
    "turns": (
        "(~become | (is/are | [must/should/shall/will] be) ([to be] ~treat/store/save/write/load/count/read/record/hold"
        "/show/report/take/regard/assume/put_down as | ~take/assume/presume [to be] | understood as)"
        " | (is/are | [must/should/shall/will] be) ~set/map/default/convert/turn/change to/into"
        " | (is/are | [must/should/shall/will] be) ~replace/fill/substitute [in] with/by | (must/shall/should/will) be"
        " | ~default to | ~fall back to | ~count as | gets/get | must/shall/should get | must/shall/should"
        " (read/say/show)"
        " | → | = | ~mean | ~turn into | is/are to be | is/are [to be] given)"
    ),
    "fills": (
        f"([we/just/simply] [just/simply] ({_USE} [it/them/there/in] [as/with/in/the] | ~set/default (it/them |"
        f" %thevalue) to | ~fill [it/them] [in] with"
        " | ~replace it/them with/by | ~fall back to | ~fill in | ~put in | (make/call/set) it))"
    ),
    "filled_in": (
        "(%be [~use/store/write/take/assume/put/insert/load/save/substitute/enter/fill/record/show/apply/give/supply"
        "/assign/provide]"
        " [in/instead]"
        " | ~apply)"
    ),
    "thevalue": "(the value | the field)",
    "nothing": (
        "([a/an] (missing/empty/blank/null/absent [value/values/field/fields]) | no value/values"
        " | nulls | not set | not present | nothing)"
    ),
    "counts": (
        "(~count as | is/are/must/should/shall [be] (~treat/read/regard/interpret/handle/take as | ~consider [as])"
        " | ~mean/equal | is/are | is/are the same as | → | = | means)"
    ),
}
_LONGEST_VALUE = 7


@dataclass(frozen=True)
class Filler:
    """A value as a sentence gives it, before its field's type says how to read it; `quoted`: marked as text."""

    value: bool | int | float | str
    type: str
    quoted: bool
    start: int
    end: int


_BOOLEANS = {"true": True, "yes": True, "checked": True, "false": False, "no": False, "unchecked": False}


def filler(sentence: Sentence, at: int) -> Iterator[tuple[int, Filler | Fault]]:
    """A number, a date, yes or no, or a text: every way in which the words can be a value."""
    start = at + (sentence.norm(at) in ("the", "a") and sentence.norm(at + 1) in ("value", "text"))
    start += start > at or sentence.norm(at) in ("value", "text")
    for end, number in amount(sentence, start):
        if isinstance(number.value, (int, float)):
            yield end, Filler(number.value, "number", False, start, end)
    for end, day in moment(sentence, start):
        if isinstance(day, Fault):
            yield end, day
        elif isinstance(day, Constant) and isinstance(day.value, str):
            yield end, Filler(day.value, day.type, False, start, end)
    if sentence.kind(start) == "word" and sentence.norm(start) in _BOOLEANS:
        yield start + 1, Filler(_BOOLEANS[sentence.norm(start)], "boolean", False, start, start + 1)
    if sentence.kind(start) in ("code", "quoted"):
        yield start + 1, Filler(_between_marks(sentence, start), "text", True, start, start + 1)
        return
    for end, text in names.value(sentence, start):
        yield end, Filler(text, "text", False, start, end)
    for end, text in dict.fromkeys((*several_words(sentence, start), *capitalised(sentence, start))):
        yield end, Filler(text, "text", False, start, end)


def _between_marks(sentence: Sentence, at: int) -> str:
    """What stands between the backticks or quotation marks, every character of it."""
    return sentence.tokens[at].text[1:-1]


def capitalised(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """A name of several words that all begin with a capital, to its end: `United Kingdom`, `Needs Review`."""
    end = at
    while end < len(sentence.tokens) and sentence.kind(end) == "word" and sentence.spelling(end, end + 1)[0].isupper():
        if sentence.norm(end) in STRUCTURE or (end > at and not _spaced(sentence, end)):
            break
        end += 1
    if end > at + 1:
        yield end, sentence.spelling(at, end)


def _spaced(sentence: Sentence, at: int) -> bool:
    return sentence.text[sentence.tokens[at - 1].end : sentence.tokens[at].start] == " "


def several_words(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """A picklist value of several words, unquoted."""
    known = picklist_keys(sentence)
    for end in range(at + 2, min(at + _LONGEST_VALUE, len(sentence.tokens)) + 1):
        if sentence.kind(at) == "word" and squeeze(sentence.spelling(at, end)) in known:
            yield end, sentence.spelling(at, end)


def picklist_keys(sentence: Sentence) -> frozenset[str]:
    """Every value of every picklist, normalised."""
    known = sentence.memo.get("picklist values")
    if known is None:
        values = (one for each in sentence.catalogue.objects for field in each.fields for one in field.picklist)
        known = frozenset(squeeze(words) for one in values for words in (one.value, one.label))
        sentence.memo["picklist values"] = known
    assert isinstance(known, frozenset)
    return known


_TEXT_NOUNS = frozenset("the value values text texts placeholder placeholders string strings entry entries".split())


def blanks(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str | Fault, ...]]]:
    """`N/A, none and -`: texts exactly as written, each a code span, a quoted text or a run without a space."""
    start = at
    while sentence.norm(start) in _TEXT_NOUNS or (start > at and sentence.norm(start) == "of"):
        start += 1
    for end, found in _texts(sentence, start):
        if len(found) > 1 or sentence.kind(start) in ("code", "quoted") or found[0] not in ("none", "null", "nil"):
            yield end, found


def _texts(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str | Fault, ...]]]:
    for end, first in _text(sentence, at):
        yield end, (first,)
        for start in names.separators(sentence, end):
            yield from ((after, (first, *rest)) for after, rest in _texts(sentence, start) if first not in rest)
        for start in _after_or(sentence, end):
            yield from ((after, (first, last)) for after, last in _text(sentence, start) if first != last)


def _after_or(sentence: Sentence, at: int) -> Iterator[int]:
    """`N/A or -`: each of them means the same, so "or" joins the last as "and" does."""
    comma = sentence.norm(at) == ","
    if sentence.norm(at + comma) == "or":
        yield at + comma + 1


# Words that stand for no value; any other plain word may describe a text ("dashes") rather than be one.
_PLACEHOLDERS = frozenset("unknown none null nil na tbd tba tbc nan undefined unspecified unassigned xxx xx".split())
_NEVER_IN_TEXT = frozenset((",", ";", ":", "(", ")", "'", "→"))


def _text(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    if sentence.kind(at) in ("code", "quoted"):
        if _between_marks(sentence, at).strip():
            yield at + 1, _between_marks(sentence, at)
        return
    end = _run(sentence, at)
    if end == at:
        return
    text = sentence.spelling(at, end)
    first = text if at else text[:1].lower() + text[1:]
    if first.islower() and first.isalpha():
        if first in _PLACEHOLDERS:
            yield end, text
        elif not sentence.strict and first not in STRUCTURE:
            message = f"'{text}' may be a text or a description of one"
            yield end, sentence.fault("DUR020", message, at, end, f"Write a text between backticks: `{text}`.")
    elif sentence.norm(at) not in STRUCTURE:
        yield end, text


def _run(sentence: Sentence, at: int) -> int:
    """The end of the tokens that follow each other without a space."""
    end = at
    while end < len(sentence.tokens) and sentence.norm(end) not in _NEVER_IN_TEXT:
        if end > at and not _joined(sentence, end):
            break
        end += 1
    if end > at + 1 and sentence.norm(end - 1) == "." and end == len(sentence.tokens):
        end -= 1
    return end


def _joined(sentence: Sentence, at: int) -> bool:
    between = sentence.text[sentence.tokens[at - 1].end : sentence.tokens[at].start]
    return re.fullmatch(r"[-‐‑]?", between) is not None

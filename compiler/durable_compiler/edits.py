"""Small changes to a sentence that may make it read: for each code, what people most often mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from durable_compiler.catalogue import FieldSchema, Snapshot, squeeze
from durable_compiler.grammar.partial import prefix
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.vocabulary import unknown, words

_KEYBOARD = 80
# A suggestion of more words is a sentence, not a name.
_WIDE = 5
# Faults that name no value: what reads after an edit may be anything.
UNDIRECTED = frozenset({"DUR020", "DUR022", "DUR023"})
_TURNING = frozenset("except unless if but or only either".split())
_PROPER = {"snowflake": "Snowflake", "duckdb": "DuckDB"}


@dataclass(frozen=True)
class Edit:
    """Characters start..end of a sentence and what takes their place."""

    start: int
    end: int
    text: str

    def apply(self, sentence: str) -> str:
        """The edited sentence, tidied: one space between words, no stray comma, a capital first."""
        text = sentence[: self.start] + self.text + sentence[self.end :]
        text = re.sub(r"\s+([,;.])", r"\1", re.sub(r"\s+", " ", text)).strip(" ,;")
        return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class Wrong:
    """A sentence, its fault, and the names that it may use instead."""

    text: str
    fault: Fault
    catalogue: Snapshot
    synced: tuple[str, ...]

    @property
    def start(self) -> int:
        """Where the fault begins."""
        return self.fault.start

    @property
    def end(self) -> int:
        """Where the fault ends."""
        return self.fault.end

    @property
    def span(self) -> str:
        """The words at fault."""
        return self.text[self.start : self.end]


Maker = Callable[[Wrong], Iterable[Edit]]


def edits(wrong: Wrong) -> Iterator[Iterable[Edit]]:
    """Small changes that may repair a sentence, in groups, the likeliest first."""
    yield [edit for suggestion in wrong.fault.suggestions for edit in _suggested(wrong, suggestion)]
    for of_code in _OF_CODE.get(wrong.fault.code, ()):
        yield of_code(wrong)
    yield _without(wrong)


def _suggested(wrong: Wrong, suggestion: str) -> Iterator[Edit]:
    if wrong.fault.code == "DUR021":
        yield Edit(0, len(wrong.text), suggestion)
    elif wrong.fault.code not in UNDIRECTED and len(suggestion.split()) <= _WIDE:
        yield from _put(wrong, _PROPER.get(suggestion, suggestion))
    elif wrong.fault.code not in UNDIRECTED:
        yield Edit(0, len(wrong.text), suggestion)


def _put(wrong: Wrong, name: str) -> Iterator[Edit]:
    """A name in place of the span; of a wide span only the words that look most like it."""
    if wrong.end - wrong.start < len(wrong.text) or len(wrong.text.split()) <= 2:
        yield Edit(wrong.start, wrong.end, name)
    else:
        yield from _windows(wrong.text, name)


def _windows(text: str, name: str, least: int = 60) -> Iterator[Edit]:
    from rapidfuzz import fuzz

    found = list(re.finditer(r"[\w'.-]+", text))
    spans = [(one.start(), other.end()) for at, one in enumerate(found) for other in found[at : at + 3]]
    scored = sorted(((fuzz.ratio(squeeze(text[a:b]), squeeze(name)), a, b) for a, b in spans), reverse=True)
    yield from (Edit(start, end, name) for score, start, end in scored[:2] if score >= least)


def _objects(wrong: Wrong) -> Iterator[Edit]:
    names = [*wrong.synced, *(one.name for one in wrong.catalogue.objects if one.queryable)]
    for name in list(dict.fromkeys(names))[:4]:
        yield Edit(wrong.start, wrong.end, wrong.catalogue.object_label(name))


def _fields(wrong: Wrong) -> Iterator[Edit]:
    """A field of each type of the objects that the sentence names, or of those that are synced."""
    catalogue = wrong.catalogue
    for owner in _owners(wrong)[:2]:
        for one in _one_of_each_type(catalogue.by_name[owner].fields):
            for words_ in (catalogue.field_words(owner, one.name), catalogue.field_label(owner, one.name)):
                yield Edit(wrong.start, wrong.end, words_)


def _owners(wrong: Wrong) -> list[str]:
    sentence = Sentence(wrong.text, wrong.catalogue, wrong.synced)
    named = [
        names[0]
        for start in range(len(sentence.tokens))
        for size in (3, 2, 1)
        if start + size <= len(sentence.tokens)
        for names in [wrong.catalogue.by_key.get(squeeze(sentence.spelling(start, start + size)), ())]
        if len(names) == 1
    ]
    every = [one.name for one in wrong.catalogue.objects if one.queryable]
    return list(dict.fromkeys(named)) or list(wrong.synced) or every[:2]


def _one_of_each_type(fields: Iterable[FieldSchema]) -> list[FieldSchema]:
    usual = ("string", "picklist", "email", "phone", "currency", "date", "double", "int", "datetime", "boolean")
    first: dict[str, FieldSchema] = {}
    for one in fields:
        if one.readable and one.name not in ("Id", "SystemModstamp", "IsDeleted"):
            first.setdefault(one.type, one)
    return [first[kind] for kind in usual if kind in first]


def _external_id(wrong: Wrong) -> Iterator[Edit]:
    for match in re.finditer(r"(?i)\bexternal[\s_-]*ids?\b", wrong.text):
        for owner in _owners(wrong)[:1]:
            fields = [one for one in wrong.catalogue.by_name[owner].fields if one.readable]
            likely = sorted(fields, key=lambda one: not re.search(r"Number|Email|Name", one.name))
            for one in likely[:4]:
                yield Edit(match.start(), match.end(), wrong.catalogue.field_words(owner, one.name))


def _instead(*texts: str) -> Maker:
    """Other texts for the span, or after the first word where the span is the sentence."""
    return lambda wrong: (Edit(wrong.start + _verb(wrong), wrong.end, one) for one in texts)


def _verb(wrong: Wrong) -> int:
    """How much of the span is the sentence's verb, which stays."""
    whole = (wrong.start, wrong.end) == (0, len(wrong.text))
    return len(wrong.text.split(" ", 1)[0]) + 1 if whole and " " in wrong.text else 0


def _added(*texts: str) -> Maker:
    """The span, or else the sentence, with a text after it."""
    return lambda wrong: (
        Edit(end, end, one) for one in texts for end in dict.fromkeys((wrong.end, len(wrong.text.rstrip(" .!"))))
    )


def _begun(*texts: str) -> Maker:
    """Other words in place of everything before `when`."""

    def begin(wrong: Wrong) -> Iterator[Edit]:
        when = re.search(r"(?i)\b(when|if|whenever|on)\b", wrong.text)
        yield from (Edit(0, when.start(), f"{one} ") for one in texts if when is not None)

    return begin


def _numbers(*texts: str) -> Maker:
    """Other numbers in place of each number of the span, or of the sentence."""

    def other(wrong: Wrong) -> Iterator[Edit]:
        spans = [one.span() for one in re.finditer(r"-?\d[\d,]*(?:\.\d+)?", wrong.text)]
        inside = [one for one in spans if wrong.start <= one[0] and one[1] <= wrong.end] or spans
        yield from (Edit(start, end, one) for start, end in inside for one in texts)

    return other


def _amounts(wrong: Wrong) -> Iterator[Edit]:
    """The amount with a currency that its records have, or without one."""
    span = wrong.span
    number = r"(?:[€$£]\s*)?\d[\d,.]*(?:\s*(?:million|thousand|billion|[kKmM]\b))?"
    for code in wrong.fault.suggestions:
        yield Edit(wrong.start, wrong.end, re.sub(rf"({number})(?:\s*[A-Z]{{3}}\b)?", rf"\1 {code}", span))
    yield Edit(wrong.start, wrong.end, re.sub(r"[€$£]|(?<=\d)\s*(?:[A-Z]{3}|euros?|dollars?)\b", "", span))


def _last_day(wrong: Wrong) -> Iterator[Edit]:
    """The last day that the month has."""
    span = wrong.span
    day = "28" if re.search(r"(?i)feb|-02-|\b0?2/", span) else "30"
    yield Edit(wrong.start, wrong.end, re.sub(r"(?<!\d)(?:29|3\d)(?:st|nd|rd|th)?(?!\d)", day, span))


def _half(wrong: Wrong) -> Iterator[Edit]:
    """The same hour on the clock of 24 hours, or in the other half of the day."""
    span = wrong.span
    one = re.fullmatch(r"(?i)(\d{1,2}(?::\d\d)?)\s*([ap])\.?m\.?", span.strip())
    if one is not None:
        yield Edit(wrong.start, wrong.end, f"{one[1]} {'AM' if one[2] in 'pP' else 'PM'}")
        yield Edit(wrong.start, wrong.end, one[1])


def _swapped(wrong: Wrong) -> Iterator[Edit]:
    """The two ends of a range the other way round."""
    both = re.compile(
        r"\b(between|from)\s+(.+?)\s+(and|to)\s+(.+?)(?=$|[.,;]|\s(?:must|is|are|if|when|then)\b)", re.IGNORECASE
    )
    for one in both.finditer(wrong.text):
        yield Edit(one.start(), one.end(), f"{one[1]} {one[4]} {one[3]} {one[2]}")
    numbers = [one.span() for one in re.finditer(r"\d[\d,.]*", wrong.span)]
    if len(numbers) == 2:
        (a, b), (c, d) = ((start + wrong.start, end + wrong.start) for start, end in numbers)
        yield Edit(a, d, wrong.text[c:d] + wrong.text[b:c] + wrong.text[a:b])


def _days_but(wrong: Wrong) -> Iterator[Edit]:
    """`except on Sundays` as the days that are left."""
    from durable_compiler.grammar.clocks import WEEKDAYS, listed

    one = re.search(r"(?i),?\s*\b(except|but not)\s+(on\s+)?(.*)$", wrong.text)
    if one is None:
        return
    said = one[3].casefold()
    weekend = ("saturday", "sunday") if "weekend" in said else ()
    days = [day for day in (*WEEKDAYS[1:], WEEKDAYS[0]) if day not in said and day not in weekend]
    if 0 < len(days) < len(WEEKDAYS):
        phrase = f"every {listed(day.title() for day in days)}"
        head = wrong.text[: one.start()]
        yield Edit(
            0, len(wrong.text), re.sub(r"(?i)\b(nightly|daily|every (?:day|night|morning|evening))\b", phrase, head)
        )


def _every(wrong: Wrong) -> Iterator[Edit]:
    """The nearest even steps for `every 7 minutes`."""
    one = re.search(r"(?i)every\s+(\d+)\s+(minutes?|hours?|mins?|hrs?)", wrong.text)
    if one is not None:
        minute = one[2].casefold().startswith("m")
        steps = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30) if minute else (1, 2, 3, 4, 6, 8, 12)
        for step in sorted(steps, key=lambda step: abs(step - int(one[1])))[:2]:
            unit = ("minute" if minute else "hour") + "s" * (step > 1)
            yield Edit(*one.span(), f"every {step} {unit}" if step > 1 else f"every {unit}")


def _misspelt(wrong: Wrong) -> Iterator[Edit]:
    """Words that no rule knows, as the word of a rule that they look like."""
    from rapidfuzz import fuzz, process

    sentence = Sentence(wrong.text, wrong.catalogue, wrong.synced)
    for at in unknown(sentence):
        token = sentence.tokens[at]
        close = process.extract(token.norm, _spelling(), scorer=fuzz.ratio, limit=2, score_cutoff=_KEYBOARD)
        yield from (Edit(token.start, token.end, _cased(word, token.text)) for word, _, _ in close)


@cache
def _spelling() -> tuple[str, ...]:
    return tuple(sorted(word for word in words() if len(word) > 2))


def _cased(word: str, like: str) -> str:
    return word[:1].upper() + word[1:] if like[:1].isupper() else word


def _without(wrong: Wrong) -> Iterator[Edit]:
    """The sentence without the span, or up to it, or without the words that no rule knows; the least first."""
    cuts = [Edit(start, len(wrong.text), "") for start in _breaks(wrong)]
    # Taking a negation or an exception's first word away would turn the sentence around.
    if wrong.fault.code != "DUR022" and wrong.span.casefold() not in _TURNING:
        cuts.append(Edit(wrong.start, wrong.end, ""))
        cuts += [Edit(at, wrong.end, "") for at in _joined(wrong)]
        cuts += [Edit(0, wrong.end, "")] if wrong.end < len(wrong.text) else []
    sentence = Sentence(wrong.text, wrong.catalogue, wrong.synced)
    whole = prefix(sentence)
    cuts += [Edit(sentence.tokens[whole.end - 1].end, len(wrong.text), "")] if whole else []
    strange = [sentence.tokens[at] for at in unknown(sentence)]
    cuts += [Edit(one.start, one.end, "") for one in strange] if len(strange) <= 2 else []
    yield from sorted(cuts, key=lambda one: one.end - one.start)


def _joined(wrong: Wrong) -> Iterator[int]:
    """Where the link between a list's last item and the one before begins."""
    link = re.search(r"(?:,?\s+(?:and|&)|,)\s+$", wrong.text[: wrong.start])
    if link is not None:
        yield link.start()


def _breaks(wrong: Wrong) -> list[int]:
    """Where the sentence could have ended: at the span, or at the comma or link word before it."""
    links = [one.start() for one in re.finditer(r"(?i)[,;(]|\s+(?:and|but|except|unless|only|if|or)\b", wrong.text)]
    before = [at for at in links if at <= wrong.start]
    return list(dict.fromkeys([wrong.start, *reversed(before)]))[:3] if wrong.start else []


_TIMES = ("2:00 AM UTC", "02:00", "9:00 AM", "8:00 PM")
_OF_CODE: dict[str, tuple[Maker, ...]] = {
    "DUR020": (_misspelt, _days_but),
    "DUR022": (_days_but,),
    "DUR023": (_days_but,),
    "DUR030": (_objects,),
    "DUR031": (_fields,),
    "DUR032": (_fields,),
    "DUR035": (_external_id,),
    "DUR036": (_objects,),
    "DUR037": (_amounts,),
    "DUR038": (_instead("10", "January 1, 2024", "true"), _fields),
    "DUR040": (_half, _instead(*_TIMES)),
    "DUR041": (_added(" AM", " PM", " UTC"),),
    "DUR042": (_added(" at 2:00 AM UTC"),),
    "DUR044": (_every, _instead("every day at 02:00 and 14:00 UTC", "every day at 02:00 UTC", "every 6 hours")),
    "DUR045": (_instead("Europe/Berlin", "UTC"),),
    "DUR046": (_last_day, _instead("January 1, 2024", "2024-01-01")),
    "DUR050": (_instead("Snowflake", "DuckDB", "Salesforce"),),
    "DUR051": (_added(" to #data-ops"), _begun("Alerts #data-ops on Slack")),
    "DUR052": (_added(" when a run fails"),),
    "DUR053": (_numbers("5", "50,000", "30", "1,000"),),
    "DUR054": (_instead("the US", "Germany", "the EU", "aws eu-central-1"),),
    "DUR055": (_numbers("50", "20"),),
    "DUR056": (_swapped,),
    "DUR057": (_fields,),
}

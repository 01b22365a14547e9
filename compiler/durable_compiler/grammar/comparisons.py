"""What a condition says about a field: `is at least 10 million`, `was closed in the last 90 days`, `is blank`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from durable_compiler.grammar import literals
from durable_compiler.grammar.comparison_phrases import (
    AGO,
    BLANK,
    COPULAS,
    DATE_WORDS,
    DO,
    ENDINGS,
    EQUALS,
    FILLED,
    HAS_VALUE,
    NOT_EQUALS,
    NUMBER_WORDS,
    ONE_OF,
    OR_DATE,
    OR_MORE,
    POSITIONS,
    SAME,
    SIGN_WORDS,
    STILL,
    TEXT_VERBS,
    negated_verb,
    phrase_at,
    vocabulary,
)
from durable_compiler.grammar.dates import Span, month_or_year, span
from durable_compiler.grammar.literals import SCALES, family, stamped
from durable_compiler.grammar.names import STRUCTURE
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.topics import Topic, holder, topics
from durable_compiler.terms import Apply, Constant, FieldTerm, Term, complement

Reading = Term | Fault


@dataclass(frozen=True)
class Said:
    """What is said of a field; `loose` when it holds an `or` whose reach a neighbour could change."""

    term: Reading
    loose: bool = False


@dataclass(frozen=True)
class _Operand:
    term: Reading
    currencies: tuple[str, ...] = ()


_WINDOWS = {
    **dict.fromkeys(("last", "past", "previous", "preceding"), "sub"),
    **dict.fromkeys(("next", "coming", "following", "upcoming"), "add"),
}
_NOUNS = (["a", "number"], ["a", "value"], ["a", "date"], ["a", "percentage"])
_ORDERING = ("lt", "le", "gt", "ge", "between", "and")
_AND_MORE = ("above", "higher", "below", "over", "under")


def predicates(sentence: Sentence, at: int, topic: Topic) -> Iterator[tuple[int, Said]]:
    """Everything that the words from here can say of a field."""
    if sentence.kind(at - 1) == "word" and sentence.norm(at - 1).endswith("'s"):
        # "The Amount's over 10": the field's name ends in its verb.
        denied = sentence.norm(at) == "not"
        found = _core(sentence, at + denied, topic, copula=True)
        yield from _complements(found) if denied else found
        return
    negated = negated_verb(sentence, at, COPULAS)
    undone = negated_verb(sentence, at, DO)
    if negated is not None:
        yield from _complements(_core(sentence, negated, topic, copula=True))
    elif undone is not None:
        yield from _complements(_core(sentence, undone, topic, copula=False))
    elif sentence.norm(at) in COPULAS and sentence.norms(at + 1, 2) in _NOUNS:
        yield from _positions(_core(sentence, at + 3, topic, copula=True))
    elif sentence.norm(at) in COPULAS:
        start = at + 1 + (sentence.norm(at + 1) in STILL and family(topic.field) in ("picklist", "boolean", "text"))
        yield from _core(sentence, start, topic, copula=True)
        if sentence.norm(at + 1) == "neither":
            yield from _neither(sentence, at + 2, topic)
    elif sentence.norm(at) in POSITIONS:
        yield from _positions(_core(sentence, at + 1, topic, copula=True))
        yield from _core(sentence, at, topic, copula=False)
    elif sentence.norm(at) == "not":
        yield from _complements(_positions(_core(sentence, at + 1, topic, copula=True)))
    else:
        yield from _core(sentence, at, topic, copula=False)


def _positions(found: Iterator[tuple[int, Said]]) -> Iterator[tuple[int, Said]]:
    """Comparisons that order, the only ones that can do without `is`: `lies between`, `not before`."""
    for end, said in found:
        if isinstance(said.term, Fault) or (isinstance(said.term, Apply) and said.term.op in _ORDERING):
            yield end, said


def _complements(found: Iterator[tuple[int, Said]]) -> Iterator[tuple[int, Said]]:
    for end, said in found:
        if isinstance(said.term, Fault):
            yield end, said
        # "Not 10 million EUR" may deny the amount or the currency.
        elif not (isinstance(said.term, Apply) and said.term.op == "and"):
            yield end, Said(complement(said.term), said.loose)


def core(sentence: Sentence, at: int, topic: Topic, *, copula: bool) -> Iterator[tuple[int, Said]]:
    """What follows `is` (or stands without it): a comparison, a value, a state."""
    return _core(sentence, at, topic, copula=copula)


def _core(sentence: Sentence, at: int, topic: Topic, *, copula: bool) -> Iterator[tuple[int, Said]]:
    found = [
        *_states(sentence, at, topic, copula),
        *_equalities(sentence, at, topic, copula),
        *_lists(sentence, at, topic, copula),
        *_orders(sentence, at, topic, copula),
        *_texts(sentence, at, topic, copula),
    ]
    yield from dict.fromkeys(found)


def _states(sentence: Sentence, at: int, topic: Topic, copula: bool) -> Iterator[tuple[int, Said]]:
    tables = (BLANK, FILLED) if copula else (HAS_VALUE,)
    for table in tables:
        for end, op in phrase_at(sentence, at, table):
            yield end, Said(Apply(op, (topic.term,)))
    if family(topic.field) == "number" and copula:
        start = at + (sentence.norm(at) == "a")
        for words, op in SIGN_WORDS.items():
            if all(sentence.norm(start + offset) == word for offset, word in enumerate(words)):
                end = start + len(words)
                said = Said(Apply(op, (topic.term, Constant(0, "number"))))
                yield end, said
                if sentence.norm(end) in ("number", "value", "amount"):
                    yield end + 1, said


# --- equality and lists -----------------------------------------------------------------------------------------


def _equalities(sentence: Sentence, at: int, topic: Topic, copula: bool) -> Iterator[tuple[int, Said]]:
    starts = [(end, op) for table in (EQUALS, NOT_EQUALS) for end, op in phrase_at(sentence, at, table)]
    if copula:
        starts += [(at, "eq")] + [(at + 1, "eq") for _ in range(sentence.norm(at) == "on" and _temporal(topic))]
    for start, op in starts:
        for end, operand in _operands(sentence, start, topic):
            yield end, Said(_compared(sentence, op, topic, (operand,), (at, end)))
    for start, op in phrase_at(sentence, at, SAME) if copula else ():
        for end, operand in _operands(sentence, start, topic):
            if not isinstance(operand.term, Constant):
                yield end, Said(_compared(sentence, op, topic, (operand,), (at, end)))


def _lists(sentence: Sentence, at: int, topic: Topic, copula: bool) -> Iterator[tuple[int, Said]]:
    if family(topic.field) not in ("text", "picklist", "number"):
        return
    marked = [end for end, _ in phrase_at(sentence, at, ONE_OF)] if copula or sentence.norm(at) == "in" else []
    marked = [end + (sentence.norm(end) == ":") for end in marked]
    joins = ("or",) if sentence.norm(at) == "either" else ("or", "and")
    for start in marked:
        for end, values in _values(sentence, start, topic, joins):
            yield end, Said(_member(topic, values))
    if copula:
        for end, values in _values(sentence, at, topic, ("or",)):
            yield end, Said(_member(topic, values), loose=True)


def _neither(sentence: Sentence, at: int, topic: Topic) -> Iterator[tuple[int, Said]]:
    for end, values in _values(sentence, at, topic, ("nor",)):
        member = _member(topic, values)
        yield end, Said(member if isinstance(member, Fault) else complement(member))


def _member(topic: Topic, values: tuple[Reading, ...]) -> Reading:
    fault = next((one for one in values if isinstance(one, Fault)), None)
    return fault or Apply("in", (topic.term, *(one for one in values if not isinstance(one, Fault))))


def _values(
    sentence: Sentence, at: int, topic: Topic, joins: tuple[str, ...]
) -> Iterator[tuple[int, tuple[Reading, ...]]]:
    """Two or more different constants, the last after one of the joining words."""
    for end, first in _constants(sentence, at, topic):
        comma = end + (sentence.norm(end) == ",")
        if sentence.norm(comma) in joins:
            for last, second in _constants(sentence, comma + 1, topic):
                if second != first:
                    yield last, (first, second)
        if comma > end:
            for last, rest in _values(sentence, comma, topic, joins):
                if first not in rest:
                    yield last, (first, *rest)


def _constants(sentence: Sentence, at: int, topic: Topic) -> Iterator[tuple[int, Reading]]:
    start = at + (sentence.norm(at) in ("a", "an", "the"))
    for end, operand in _operands(sentence, start, topic):
        if isinstance(operand.term, Constant | Fault) and not operand.currencies:
            yield end, operand.term


# --- order ------------------------------------------------------------------------------------------------------


def _orders(sentence: Sentence, at: int, topic: Topic, copula: bool) -> Iterator[tuple[int, Said]]:
    kind = family(topic.field)
    if kind not in ("number", "date"):
        yield from _no_order(sentence, at, topic)
        return
    table = NUMBER_WORDS if kind == "number" else DATE_WORDS
    for start, op in phrase_at(sentence, at, table):
        for end, operand in _operands(sentence, start, topic):
            yield end, Said(_compared(sentence, op, topic, (operand,), (at, end)))
    yield from _or_more(sentence, at, topic, copula)
    yield from _between(sentence, at, topic)
    if kind == "date":
        yield from _spans(sentence, at, topic)
        yield from _periods(sentence, at, topic)


def _no_order(sentence: Sentence, at: int, topic: Topic) -> Iterator[tuple[int, Said]]:
    if sentence.strict:
        return
    for table in (NUMBER_WORDS, DATE_WORDS):
        for start, _ in phrase_at(sentence, at, table):
            for end, _ in (*literals.money_ends(sentence, start), *literals.moment(sentence, start)):
                message = f"{topic.field.label} is {_a(topic)} and has no order"
                help = "Compare it with one of its values, or compare a number or a date."
                yield end, Said(sentence.fault("DUR038", message, at, end, help))


def _or_more(sentence: Sentence, at: int, topic: Topic, copula: bool) -> Iterator[tuple[int, Said]]:
    words = OR_MORE if family(topic.field) == "number" else OR_DATE
    if not copula:
        return
    for end, operand in _operands(sentence, at, topic):
        word = sentence.norm(end + 1)
        joined = sentence.norm(end) == "or" or (sentence.norm(end) == "and" and word in _AND_MORE)
        if joined and word in words and isinstance(operand.term, Constant | Fault):
            yield end + 2, Said(_compared(sentence, words[word], topic, (operand,), (at, end)))


def _between(sentence: Sentence, at: int, topic: Topic) -> Iterator[tuple[int, Said]]:
    if sentence.norm(at) == "between":
        joins: tuple[str, ...] = ("and", "to", "-", "–")
        start = at + 1
    elif sentence.norm(at) == "from":
        joins, start = ("to", "through", "until", "-", "–"), at + 1
    elif [sentence.norm(at), sentence.norm(at + 1)] in (["within", "the"], ["in", "the"]) and (
        sentence.norm(at + 2) == "range"
    ):
        joins, start = ("to", "and", "-", "–"), at + 3 + (sentence.norm(at + 3) in ("of", "from", "between"))
    else:
        joins, start = ("-", "–", *(("to",) if family(topic.field) == "number" else ())), at
    for middle, low in _operands(sentence, start, topic):
        hyphen = sentence.tokens[middle - 1].end if middle else 0
        if sentence.norm(middle) in joins:
            after = middle + 1
        elif "-" in joins and sentence.text[hyphen : hyphen + 1] == "-" and family(topic.field) == "number":
            after = middle
        else:
            continue
        for end, high in _operands(sentence, after, topic):
            shared = _one_scale(sentence, (start, middle), (after, end), (low.term, high.term))
            yield end, Said(shared or _range(sentence, topic, low, high, (at, end)))


def _one_scale(
    sentence: Sentence, low: tuple[int, int], high: tuple[int, int], ends: tuple[Reading, Reading]
) -> Fault | None:
    """`Between 1 and 2 million` may mean one million or one."""
    scaled = [any(sentence.norm(one) in SCALES for one in range(*part)) for part in (low, high)]
    zero = isinstance(ends[0], Constant) and ends[0].value == 0
    if scaled != [False, True] or zero:
        return None
    at = (low[0], high[1])
    message = f"the first number of '{sentence.spelling(*at)}' may be meant in the unit of the second"
    return sentence.fault("DUR021", message, *at, "Write both numbers in full, e.g. between 1 million and 2 million.")


def _range(sentence: Sentence, topic: Topic, low: _Operand, high: _Operand, at: tuple[int, int]) -> Reading:
    ends = (low.term, high.term)
    if all(isinstance(one, Constant) and one.value == 0 for one in ends[:1]) and not low.currencies:
        low = _Operand(low.term, high.currencies)
    if low.currencies and high.currencies and low.currencies != high.currencies:
        return sentence.fault("DUR037", "the range has two currencies", *at, "Write both amounts in one currency.")
    both = _Operand(low.term, low.currencies or high.currencies), high
    values = [one.value for one in ends if isinstance(one, Constant)]
    types = {one.type for one in ends if isinstance(one, Constant)}
    if len(values) == 2 and len(types) == 1 and values[0] > values[1]:  # type: ignore[operator]
        spelt = sentence.spelling(*at)
        return sentence.fault("DUR056", f"'{spelt}' ends before it begins", *at, "Write the lower value first.")
    return _compared(sentence, "between", topic, both, at)


def _spans(sentence: Sentence, at: int, topic: Topic) -> Iterator[tuple[int, Said]]:
    words = [sentence.norm(at + offset) for offset in range(3)]
    if words[0] in ("in", "within", "during", "over") and words[1] == "the" and words[2] in _WINDOWS:
        for end, length in span(sentence, at + 3, bare_unit=True):
            yield end, Said(_within(sentence, topic, _WINDOWS[words[2]], length, (at, end)))
    if words in (["in", "the", "past"], ["in", "the", "future"]):
        present = Apply("now" if topic.field.type == "datetime" else "today")
        yield at + 3, Said(Apply("lt" if words[2] == "past" else "gt", (topic.term, present)))
    for start, op in phrase_at(sentence, at, AGO):
        for end, length in span(sentence, start):
            # "Older than 2 years" needs no "ago"; "more than 2 years" is a length without it.
            after = end + (sentence.norm(end) in ("ago", "old"))
            if (after > end or words[0] == "older") and _fits(topic, length.within_day):
                yield after, Said(Apply(op, (topic.term, _edge("sub", length))))


def _edge(op: str, length: Span) -> Term:
    return Apply(op, (Apply("now" if length.within_day else "today"), Constant(length.iso, "duration")))


def _fits(topic: Topic, within_day: bool) -> bool:
    return topic.field.type == "datetime" or not within_day


def _within(sentence: Sentence, topic: Topic, op: str, length: Span, at: tuple[int, int]) -> Reading:
    if not _fits(topic, length.within_day):
        help = "Write a number of days, weeks, months or years."
        return sentence.fault("DUR038", f"{topic.field.label} is a date and has no hours", *at, help)
    base = Apply("now" if length.within_day else "today")
    if op == "add":
        return Apply("between", (topic.term, base, _edge(op, length)))
    if stamped(topic.field):
        return Apply("ge", (topic.term, _edge(op, length)))
    return Apply("between", (topic.term, _edge(op, length), base))


def _periods(sentence: Sentence, at: int, topic: Topic) -> Iterator[tuple[int, Said]]:
    """`in 2023`, `before January 2023`, `since 2023`."""
    ends = {"in": "between", "during": "between", "before": "lt", "since": "ge", "from": "ge", "after": "gt"}
    op = ends.get(sentence.norm(at))
    for end, (first, last) in month_or_year(sentence, at + 1) if op else ():
        low, high = Constant(first, "date"), Constant(last, "date")
        args = {"between": (low, high), "gt": (high,)}.get(op or "", (low,))
        yield end, Said(Apply(op or "", (topic.term, *args)))


# --- text -------------------------------------------------------------------------------------------------------


def _texts(sentence: Sentence, at: int, topic: Topic, copula: bool) -> Iterator[tuple[int, Said]]:
    kind = family(topic.field)
    if kind in ("text", "picklist") and not sentence.strict:
        yield from _no_ending(sentence, at, topic)
    for start, op in phrase_at(sentence, at, TEXT_VERBS) if not copula else ():
        if topic.field.type == "multipicklist" and op == "contains":
            for end, value in literals.picklist_value(sentence, start, topic.field):
                yield end, Said(_holds(sentence, topic, value, (at, end)))
        elif kind in ("text", "picklist"):
            for end, value in literals.text_part(sentence, start):
                yield end, Said(Apply(op, (topic.term, value)))


def _no_ending(sentence: Sentence, at: int, topic: Topic) -> Iterator[tuple[int, Said]]:
    for start, _ in phrase_at(sentence, at, ENDINGS):
        for end, _ in literals.text_value(sentence, start):
            message = f"no condition looks at how {topic.field.label} ends"
            help = f"Write: {topic.field.label} contains …, or {topic.field.label} starts with …"
            yield end, Said(sentence.fault("DUR038", message, at, end, help))


def _holds(sentence: Sentence, topic: Topic, value: Reading, at: tuple[int, int]) -> Reading:
    if isinstance(value, Fault):
        return value
    assert isinstance(value, Constant)
    inside = [one.value for one in topic.field.picklist if str(value.value) in one.value and one.value != value.value]
    if inside:
        message = f"'{value.value}' is part of another value, '{inside[0]}'"
        return sentence.fault("DUR021", message, *at, "Rename one of the values in Salesforce.")
    return Apply("contains", (topic.term, value))


# --- operands ---------------------------------------------------------------------------------------------------


def _temporal(topic: Topic) -> bool:
    return family(topic.field) == "date"


def _operands(sentence: Sentence, at: int, topic: Topic) -> Iterator[tuple[int, _Operand]]:
    """A constant of the field's type or another field that can be compared with it; lenient: what is neither."""
    found = list(_typed(sentence, at, topic))
    others = [(end, one) for end, one in topics(sentence, at, topic.owner) if one.term != topic.term]
    fitting = [(end, _Operand(one.term)) for end, one in others if _comparable(topic, one)]
    yield from dict.fromkeys(found + fitting)
    if found or fitting or sentence.strict:
        return
    for end, other in others:
        yield end, _Operand(_mismatch(sentence, topic, at, end, f"{other.field.label} is {_a(other)}"))
    if not others:
        yield from _foreign(sentence, at, topic)


def _typed(sentence: Sentence, at: int, topic: Topic) -> Iterator[tuple[int, _Operand]]:
    kind, field = family(topic.field), topic.field
    if field.type == "currency":
        yield from ((end, _Operand(one, codes)) for end, one, codes in literals.money(sentence, at))
    elif kind == "number":
        yield from ((end, _Operand(one)) for end, one in literals.amount(sentence, at))
        if field.type == "percent":
            yield from ((end, _Operand(one)) for end, one in literals.percentage(sentence, at))
    elif kind == "date":
        for end, one in literals.moment(sentence, at):
            instant = isinstance(one, Constant) and one.type == "timestamp"
            if field.type == "datetime" or not instant:
                yield end, _Operand(one)
    elif kind == "picklist":
        yield from ((end, _Operand(one)) for end, one in literals.picklist_value(sentence, at, field))
    elif kind == "boolean":
        yield from ((end, _Operand(one)) for end, one in literals.truth(sentence, at))
    else:
        yield from ((end, _Operand(one)) for end, one in literals.text_value(sentence, at))


def _comparable(topic: Topic, other: Topic) -> bool:
    texts = ("text", "picklist")
    kinds = family(topic.field), family(other.field)
    return kinds[0] == kinds[1] or (kinds[0] in texts and kinds[1] in texts)


_KINDS = {"number": "a number", "date": "a date", "text": "text", "picklist": "a picklist", "boolean": "yes or no"}


def _a(topic: Topic) -> str:
    return _KINDS[family(topic.field) or "text"]


def _mismatch(sentence: Sentence, topic: Topic, at: int, end: int, what: str) -> Fault:
    message = f"{topic.field.label} is {_a(topic)}, {what}"
    return sentence.fault("DUR038", message, at, end, f"Compare {topic.field.label} with {_a(topic)}.")


def _foreign(sentence: Sentence, at: int, topic: Topic) -> Iterator[tuple[int, _Operand]]:
    """Words that would be a value of another type."""
    kind = family(topic.field)
    if kind == "picklist":
        return
    for end in range(at + 1, min(at + 4, len(sentence.tokens) + 1)):
        if sentence.kind(end - 1) not in ("word", "code", "quoted", "number") or sentence.norm(end - 1) in STRUCTURE:
            return
        if sentence.norm(end - 1) in vocabulary():
            return
        spelt = sentence.spelling(at, end)
        if kind == "text":
            message, help = f"'{spelt}' is neither in quotes nor a name", f'Write a text in quotes: "{spelt}".'
            yield end, _Operand(sentence.fault("DUR020", message, at, end, help))
        else:
            yield end, _Operand(_mismatch(sentence, topic, at, end, f"'{spelt}' is not"))


def _compared(
    sentence: Sentence, op: str, topic: Topic, operands: tuple[_Operand, ...], at: tuple[int, int]
) -> Reading:
    """The comparison, with its currency where the organisation has several; or why there is none."""
    fault = next((one.term for one in operands if isinstance(one.term, Fault)), None)
    if fault is not None:
        return fault
    terms = tuple(one.term for one in operands if not isinstance(one.term, Fault))
    if topic.field.type == "multipicklist" and op in ("eq", "ne"):
        help = f"Write: {topic.field.label} includes …"
        return sentence.fault("DUR021", f"{topic.field.label} can hold several values", *at, help)
    comparison = Apply(op, (topic.term, *terms))
    money = topic.field.type == "currency" and any(isinstance(one, Constant) and one.value != 0 for one in terms)
    said = next((one.currencies for one in operands if one.currencies), ())
    if not money and not said:
        return comparison
    return _with_currency(sentence, topic, comparison, said, at)


def _with_currency(
    sentence: Sentence, topic: Topic, comparison: Apply, said: tuple[str, ...], at: tuple[int, int]
) -> Reading:
    judged = holder(sentence.catalogue, topic)
    known = literals.currencies(judged)
    if known is None:
        if not said:
            return comparison
        help = "Leave the currency out: every amount is in the organisation's currency."
        return sentence.fault("DUR037", f"{judged.label} has no currency field", *at, help)
    fitting = [one for one in said if one in known]
    if len(fitting) != 1 or topic.term.path is not None:
        help = f"Write the currency's code after the amount: {', '.join(known[:5])}."
        return sentence.fault("DUR037", "the amount has no currency, and records have several", *at, help, known[:5])
    code = Apply("eq", (FieldTerm(judged.name, literals.CURRENCY_FIELD), Constant(fitting[0], "text")))
    return Apply("and", (comparison, code))

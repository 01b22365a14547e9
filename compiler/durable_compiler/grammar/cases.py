"""Values that depend on conditions: `strategic when Annual Revenue is at least 10 million, otherwise standard`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from durable_compiler.catalogue import squeeze
from durable_compiler.grammar import literals, names
from durable_compiler.grammar.comparison_phrases import table
from durable_compiler.grammar.comparisons import predicates
from durable_compiler.grammar.conditions import plain
from durable_compiler.grammar.conjunctions import State, flat
from durable_compiler.grammar.describing import possessed
from durable_compiler.grammar.fillers import several_words
from durable_compiler.grammar.names import STRUCTURE, object_name
from durable_compiler.grammar.scopes import there
from durable_compiler.grammar.selections import selection
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.topics import Topic, anywhere, topics
from durable_compiler.terms import Apply, Constant, Scalar, Term, field_terms

# Verdicts and absences: a text of that name stands in quotes.
NO_VALUES = frozenset(
    "rejected ignored skipped dropped kept removed deleted unchanged excluded refused required mandatory optional "
    "unique valid invalid hashed masked stored synced loaded null empty blank missing itself if when where otherwise "
    "else true false none nothing not set filled there rest others left it that this these those them also then "
    "again still one".split()
)
_EMPTY = table("empty: empty | left empty | blank | left blank | null | nothing | not set | missing | no value")
_INTRODUCED = table("if: if | when | where | whenever | for those where | provided that | in case | as soon as")
_ELSE = table("else: otherwise | else | or else | if not | in all other cases | in any other case | in other cases")
_LAST = table(
    """
    else: otherwise | else | if not | in all other cases | in every other case | in any other case | in other cases
    else: for everything else | for all others | for the rest | for all other records | for the others
    else: for anything else | everywhere else | by default | for every other record | if it is anything else
    else: when it is anything else | if it's anything else | for all the others | for all the rest
    else: for any other record | in the other cases | for everybody else | for everyone else | for any other
    """
)
_OPPOSITE = table(
    """
    not: when it is not | if it is not | when they are not | if they are not | if not | when not | when it does not
    not: if it does not | when they do not | if they do not | where it is not | where it does not
    """
)
_OTHERS = table(
    """
    else: all others | all the others | all the rest | the others | the rest | everything else | anything else
    else: everyone else | everybody else
    else: all other records | all other values | every other record | any other record | any other value
    else: the remaining ones | all remaining records | the remaining records | other records | others | the default
    """
)
_MODALS = ("must", "shall", "should", "will")
_BECOMES = table(
    """
    is: is | are | be | becomes | become | get | gets | it is | they are | is set to | are set to | set to
    is: it to | them to | set it to | sets it to | set them to | it becomes | it should be | it gets
    is: they get | it stays | it remains
    is: should be | must be | are tagged | are marked | are labelled | are classified as | are tagged as | to | as
    is: are marked as | are labelled as | count as | is it is | stay | stays | remain | remains | = | : | → | - | use
    is: say | says | read | reads | show | shows | be left | becoming | being | must be | should be | turn | turns into
    is: be called | is called | are called | called | be marked as | count as | counts as | receive | receives
    is: leave it | leaves it | it is left | are left | is left | we use | should get | have | has | it has
    """
)


@dataclass(frozen=True)
class Value:
    """A constant that a column may hold; None is no value. `column` is the column that the words repeat."""

    value: Scalar
    start: int = field(compare=False)
    end: int = field(compare=False)
    column: str | None = None


@dataclass(frozen=True)
class When:
    """A condition of one object; `free` when its fields alone say which object it is about."""

    owner: str
    term: Term
    free: bool
    topic: Topic | None = field(compare=False)


@dataclass(frozen=True)
class Cases:
    """Conditions with their values in order, and the value of everything else; None when there is none said.

    `basis` is the earlier condition whose field the later ones leave out.
    """

    cases: tuple[tuple[When, Value], ...]
    otherwise: Value | None
    basis: When | None = None


Found = Iterator[tuple[int, Value]]


# --- values -----------------------------------------------------------------------------------------------------


def case_value(sentence: Sentence, at: int) -> Found:
    """A word, a quoted text, a number, or true and false."""
    start = at + (sentence.norm(at) in ("a", "an", "the") and sentence.kind(at + 1) in ("code", "quoted"))
    for end, value in _constants(sentence, start):
        yield end, Value(value, start, end)


def _constants(sentence: Sentence, at: int) -> Iterator[tuple[int, Scalar]]:
    kind, word = sentence.kind(at), sentence.norm(at)
    if kind in ("code", "quoted"):
        if word.strip():
            yield at + 1, word
    elif word in ("true", "false"):
        yield at + 1, word == "true"
    elif kind == "word" and word not in (STRUCTURE - {"no"}) | NO_VALUES:
        yield from _words(sentence, at)
    if kind in ("number", "mark"):
        for end, number in literals.amount(sentence, at):
            assert not isinstance(number.value, str)
            yield end, number.value


def _words(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """One word, words joined by hyphens, or words and numbers that all begin with a capital: `mid-market`, `Tier 1`."""
    yield from ((end, sentence.spelling(at, end)) for end in _run(sentence, at) if _plain(sentence.spelling(at, end)))


def _run(sentence: Sentence, at: int) -> Iterator[int]:
    end = at + 1
    while end < len(sentence.tokens) and sentence.tokens[end].start == sentence.tokens[end - 1].end + 1:
        hyphen = sentence.text[sentence.tokens[end - 1].end] == "-"
        capital = sentence.spelling(end, end + 1)[0].isupper() or sentence.kind(end) == "number"
        if not hyphen and not (capital and sentence.spelling(at, at + 1)[0].isupper()):
            break
        if sentence.kind(end) not in ("word", "number") or sentence.norm(end) in STRUCTURE:
            break
        end += 1
        if not hyphen:
            yield end
    yield end if end == at + 1 or sentence.text[sentence.tokens[end - 1].start - 1] == "-" else at + 1


def _plain(words: str) -> bool:
    return re.fullmatch(r"[^\W\d][\w-]*(?: [\w-]+)*", words) is not None


def is_plain_value(text: str) -> bool:
    """Whether a text can stand without quotes."""
    word = text.casefold()
    return re.fullmatch(r"[A-Za-z][A-Za-z_]*", text) is not None and word not in STRUCTURE | NO_VALUES


def field_in_words(sentence: Sentence, owner: str, value: Value) -> bool:
    """Whether a value without quotes is spelt like a field of the object: its name or its value could be meant."""
    if not isinstance(value.value, str) or sentence.kind(value.start) != "word":
        return False
    names = sentence.catalogue.by_name[owner].by_key.get(squeeze(value.value), ())
    labels = {sentence.catalogue.field_words(owner, one) for one in names} | set(names)
    return value.value in labels


def _nothing(sentence: Sentence, at: int) -> Found:
    for end, _ in _phrases(sentence, at, _EMPTY):
        yield end, Value(None, at, end)


# --- conditions -------------------------------------------------------------------------------------------------


def case_when(sentence: Sentence, at: int) -> Iterator[tuple[int, When | Fault]]:
    """A condition after `if` or `when`, on an object that it names or that the sentence mentions."""
    states = [State(), *map(State, _mentioned(sentence))]
    for state in states:
        for end, when in _conditions(sentence, at, state, free=state.owner is None):
            if isinstance(when, When):
                _seen(sentence)[when] = None
            yield end, when
        if state.owner is not None:
            for end, term in _counted(sentence, at, state.owner):
                yield end, term if isinstance(term, Fault) else When(state.owner, term, False, None)


def _counted(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term | Fault]]:
    """`there are more than 1,000 Employees`, `they have got 500 or more Employees`."""
    if sentence.norms(at, 2) in (["there", "are"], ["there", "is"]):
        yield from possessed(sentence, at + 2, owner)
    elif sentence.norms(at, 3) in (["they", "have", "got"], ["it", "has", "got"]):
        yield from possessed(sentence, at + 3, owner)


def _seen(sentence: Sentence) -> dict[When, None]:
    """Every condition that was read in the sentence so far."""
    known = sentence.memo.setdefault("conditions of cases", {})
    assert isinstance(known, dict)
    return known


def _conditions(sentence: Sentence, at: int, state: State, *, free: bool) -> Iterator[tuple[int, When | Fault]]:
    for end, joined in flat(sentence, at, state, plain):
        term, owner = joined.term(sentence, at, end), joined.state.owner
        if isinstance(term, Fault):
            yield end, term
        elif owner is not None:
            alone = len(set(field_terms(term))) == 1
            yield end, When(owner, term, free, joined.state.topic if alone else None)


def _mentioned(sentence: Sentence) -> tuple[str, ...]:
    """Every object that the sentence names."""
    known = sentence.memo.get("objects mentioned")
    if known is None:
        found = [owner for at in range(len(sentence.tokens)) for _, owner in object_name(sentence, at)]
        known = sentence.memo["objects mentioned"] = tuple(dict.fromkeys(one for one in found if isinstance(one, str)))
    assert isinstance(known, tuple)
    return known


def _later(sentence: Sentence, at: int, first: When) -> Iterator[tuple[int, When | Fault]]:
    """A later condition: of the same object, in which `it` or no field at all means the field of the first."""
    seen: dict[tuple[int, When | Fault], None] = {}
    for state in (State(first.owner), State()):
        for end, when in _conditions(sentence, at, state, free=first.free):
            if isinstance(when, Fault) or when.owner == first.owner:
                seen[end, when] = None
    yield from seen
    ends = {end for end, _ in seen}
    if first.topic is not None:
        yield from _only_value(sentence, at, first)
        start = at + (sentence.norm(at) in ("it", "that", "this"))
        for end, when in _conditions(sentence, start, State(first.owner, first.topic, first=False), free=first.free):
            if end not in ends or start > at:
                yield end, when


def _only_value(sentence: Sentence, at: int, first: When) -> Iterator[tuple[int, When]]:
    """`normal when Medium`, said after `fast when Priority is High`."""
    assert first.topic is not None
    values = {squeeze(one.value): one.value for one in first.topic.field.picklist}
    for end, text in (*names.value(sentence, at), *several_words(sentence, at)):
        if squeeze(text) in values and sentence.norm(end) in ("", ",", ";", ".", "and", "otherwise", "else"):
            term = Apply("eq", (first.topic.term, Constant(values[squeeze(text)], "text")))
            yield end, replace(first, term=term)


def _phrases(sentence: Sentence, at: int, known: tuple[tuple[tuple[str, ...], str], ...]) -> Iterator[tuple[int, str]]:
    for words, name in known:
        if all(sentence.norm(at + offset) == word for offset, word in enumerate(words)) and not _is_sign(sentence, at):
            yield at + len(words), name


def _is_sign(sentence: Sentence, at: int) -> bool:
    """Whether a dash touches the number behind it: -9 is a number, - 9 a dash before one."""
    signed = sentence.norm(at) == "-" and sentence.kind(at + 1) == "number"
    return signed and sentence.tokens[at + 1].start == sentence.tokens[at].end


def _names_a_field(sentence: Sentence, owner: str, start: int, end: int) -> bool:
    """Whether words could be the field that a condition goes on about: `is blank and ID contains …`."""
    key = squeeze(sentence.spelling(start, end))
    return sentence.kind(start) == "word" and key in sentence.catalogue.by_name[owner].by_key


def _introduced(
    sentence: Sentence, at: int, first: When | None, brief: When | None
) -> Iterator[tuple[int, When | Fault]]:
    """`when …`, `if …`, `for Accounts with …`, and after the first case also just what is said of its field."""
    for start, _ in _phrases(sentence, at, _INTRODUCED):
        yield from case_when(sentence, start) if first is None else _later(sentence, start, first)
    if sentence.norm(at) == "for":
        yield from _selected(sentence, at + 1)
        yield from _held(sentence, at + 1)
    elif brief is not None and brief.topic is not None and sentence.norm(at) not in ("it", "is"):
        yield from _later(sentence, at, brief)


def _held(sentence: Sentence, at: int) -> Iterator[tuple[int, When | Fault]]:
    """`an Annual Revenue of at least 10 million`."""
    owners = _mentioned(sentence)
    found = [*anywhere(sentence, at), *(one for owner in owners for one in topics(sentence, at, owner))]
    for middle, topic in dict.fromkeys(found):
        if isinstance(topic, Topic) and sentence.norm(middle) in ("of", "above", "below", "over", "under"):
            for end, said in predicates(sentence, middle + (sentence.norm(middle) == "of"), topic):
                free = any(one == topic for _, one in anywhere(sentence, at))
                yield end, said.term if isinstance(said.term, Fault) else When(topic.owner, said.term, free, topic)


def _selected(sentence: Sentence, at: int) -> Iterator[tuple[int, When | Fault]]:
    for end, (owner, term) in selection(sentence, at):
        yield end, term if isinstance(term, Fault) else When(owner, term, True, None)


# --- cases ------------------------------------------------------------------------------------------------------


def cases(sentence: Sentence, at: int) -> Iterator[tuple[int, Cases | Fault]]:
    """One case or more, and what everything else gets."""
    yield from _from_case(sentence, at, None)


def topical(sentence: Sentence, at: int) -> Iterator[tuple[int, Cases | Fault]]:
    """A field, and cases in which it need not be named again: `Annual Revenue: large when over 1 million`."""
    found = [*anywhere(sentence, at), *(one for owner in _mentioned(sentence) for one in topics(sentence, at, owner))]
    for end, topic in found:
        if isinstance(topic, Fault):
            continue
        start = end + (sentence.norm(end) in (":", ",", "-", "\u2013", "\u2014", ";"))
        free = topic in [one for _, one in anywhere(sentence, at)]
        yield from _from_case(sentence, start, When(topic.owner, topic.term, free, topic))


def tail(sentence: Sentence, at: int) -> Iterator[tuple[int, Cases | Fault]]:
    """What comes after the first case: `, silver if …, otherwise bronze`."""
    yield from _after_case(sentence, at, None, ())
    for first in [one for one in _seen(sentence) if one.topic is not None]:
        for end, found in _after_case(sentence, at, first, ()):
            yield end, found if isinstance(found, Fault) else replace(found, basis=first)


Pairs = tuple[tuple[When, Value], ...]


def _from_case(
    sentence: Sentence, at: int, first: When | None, before: Pairs = ()
) -> Iterator[tuple[int, Cases | Fault]]:
    for end, pair in _one_case(sentence, at, first):
        if isinstance(pair, Fault):
            yield end, pair
            continue
        pairs = (*before, pair)
        yield end, Cases(pairs, None)
        yield from _after_case(sentence, end, first or pair[0], pairs)


def _one_case(sentence: Sentence, at: int, first: When | None) -> Iterator[tuple[int, tuple[When, Value] | Fault]]:
    start = at + (sentence.kind(at) == "word" and sentence.norm(at) in ("to", "as", "it's"))
    start += 2 * (sentence.kind(start) == "word" and sentence.norms(start, 2) == ["it", "is"])
    for middle, value in case_value(sentence, start):
        brief = first if first is not None and not _names_a_field(sentence, first.owner, start, middle) else None
        said = dict(there(sentence, middle))
        middle = next(iter(said), middle)
        for end, when in _introduced(sentence, middle + (sentence.norm(middle) == ","), first, brief):
            if isinstance(when, Fault) or said.get(middle, when.owner) == when.owner:
                yield end, when if isinstance(when, Fault) else (when, value)
    for words, _ in _phrases(sentence, at, _INTRODUCED):
        for middle, when in case_when(sentence, words) if first is None else _later(sentence, words, first):
            for end, value in _becoming(sentence, middle + (sentence.norm(middle) in (",", "then"))):
                yield end, when if isinstance(when, Fault) else (when, value)


def _becoming(sentence: Sentence, at: int) -> Found:
    start = at + (sentence.norm(at) == "then")
    yield from case_value(sentence, start)
    for after, _ in _phrases(sentence, start + (sentence.norm(start) in _MODALS), _BECOMES):
        yield from case_value(sentence, after)
    yield from _repeated(sentence, start)


def _repeated(sentence: Sentence, at: int) -> Found:
    """`risk_level is low`, `set risk_level to low`: the column once more."""
    start = at + (sentence.norm(at) in ("set", "sets"))
    start += sentence.norm(start) == "the"
    start += sentence.norm(start) == "column"
    if sentence.kind(start) in ("word", "code") and sentence.norm(start + 1) in ("is", "=", "to", "becomes"):
        for end, value in case_value(sentence, start + 2):
            yield end, replace(value, column=sentence.norm(start))


def _after_case(sentence: Sentence, at: int, first: When | None, before: Pairs) -> Iterator[tuple[int, Cases | Fault]]:
    for start in _separated(sentence, at):
        for end, value in _otherwise(sentence, start):
            yield end, Cases(before, value)
        if len(before) == 1:
            yield from ((end, Cases(before, value)) for end, value in _opposite(sentence, start))
        if first is not None or not before:
            for words in (start, *(end for end, _ in _phrases(sentence, start, _ELSE))):
                yield from _from_case(sentence, words, first, before)


def _separated(sentence: Sentence, at: int) -> Iterator[int]:
    yield at
    start = at + (sentence.norm(at) in (",", ";", "."))
    start += sentence.norm(start) in ("and", "but", "&")
    if start > at:
        yield start


def _otherwise(sentence: Sentence, at: int) -> Found:
    """`otherwise standard`, `standard in all other cases`, `all others are standard`."""
    begins = at + (sentence.norm(at) in _MODALS)
    for start, _ in (
        *_phrases(sentence, begins, _LAST),
        *_phrases(sentence, at, _OTHERS),
        *_other_records(sentence, at),
    ):
        yield from _rest(sentence, start + (sentence.norm(start) in (",", ":")))
    begins = at + (sentence.norm(at) in ("to", "as"))
    for middle, value in (*case_value(sentence, begins), *_nothing(sentence, begins)):
        yield from ((end, value) for end, _ in _phrases(sentence, middle, _LAST))


def _opposite(sentence: Sentence, at: int) -> Found:
    """`no when it isn't`, after the only case."""
    for middle, value in case_value(sentence, at):
        yield from ((end, value) for end, _ in _phrases(sentence, middle, _OPPOSITE))


def _other_records(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """`all other Accounts`."""
    start = at + (sentence.norm(at) in ("all", "any", "every", "the"))
    if sentence.norm(start) in ("other", "remaining"):
        yield from ((end, name) for end, name in object_name(sentence, start + 1) if isinstance(name, str))


def _rest(sentence: Sentence, at: int) -> Found:
    begins = at + (sentence.norm(at) in _MODALS)
    for start in (at, *(end for end, _ in _phrases(sentence, begins, _BECOMES))):
        yield from case_value(sentence, start)
        yield from _nothing(sentence, start)
    yield from _repeated(sentence, at)


def with_first(when: When, value: Value, rest: Cases | None) -> Cases | None:
    """A first case before those that follow it; None when they are about another."""
    if rest is None:
        return Cases(((when, value),), None)
    if rest.basis not in (None, when):
        return None
    return Cases(((when, value), *rest.cases), rest.otherwise)

"""Values of a picklist and what each becomes: sources of several words, targets, and pairs of both."""

from __future__ import annotations

from collections.abc import Iterator

from durable_compiler.catalogue import squeeze
from durable_compiler.grammar import names
from durable_compiler.grammar.fillers import capitalised, picklist_keys, several_words
from durable_compiler.grammar.names import listed
from durable_compiler.grammar.sentence import Sentence

Pairs = tuple[tuple[str, str], ...]

PHRASES: dict[str, str] = {
    "recoding": (
        "(~map/translate/convert/turn/change/recode/rename/treat/replace/switch/relabel/record/store/write/show/code"
        "/normalise/normalize)"
    ),
    "of_field": (
        "[the/a/an] [value/values/picklist] [of/in/from] <one_owned:field> [value/values/field/picklist/of]"
        " [of/values/from]"
    ),
    "rest": (
        "(anything/everything/whatever else | any/all/every [the] other/remaining [value/values/ones/one]"
        " | [the] other/remaining [value/values/ones] | [the] rest | [all/any] [the] others | the remainder"
        " | any/all unlisted value/values | unknown values | values not listed | whatever is left | those not listed)"
    ),
}
# Targets of two words that need no quotes; any other pair of words may end in an adverb or another rule.
_TWO_WORDS = frozenset(
    (
        "at risk|on track|off track|on hold|in progress|past due|high risk|low risk|medium risk|needs attention|"
        "in danger|in doubt|in trouble|well served|up sell|closed won|closed lost|needs review|under review|"
        "in review|in transit|not started|not contacted|not set|not specified|on time|in flight|high value|"
        "low value|mid market|low priority|high priority|medium priority|normal priority|top priority|needs work|"
        "to do|in stock|out of stock|new customer|existing customer|in house|third party|follow up|cold lead|"
        "warm lead|hot lead|small business|not known|not given"
    ).split("|")
)
_TO = frozenset("to as into becomes become → means mean = : with - \u2013 reads equals".split())
_BE = frozenset("is are be gets get goes go shows show turns turn counts count translates maps map".split())
_MODALS = frozenset("must shall should will".split())
_DONE = frozenset(
    "mapped stored translated converted changed turned written recorded shown treated labelled labeled called named "
    "kept held saved rendered classed classified reported coded recoded renamed replaced displayed read set "
    "counted tagged marked loaded presented expressed represented given".split()
)
_JOINTS = frozenset((",", ";", "and", "&", "|", "while", "whereas"))


def sources(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Values as the picklist has them, unquoted also when they have several words."""
    return listed(sentence, at, _source)


def targets(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """What values become."""
    return listed(sentence, at, target)


def _source(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    yield from names.value(sentence, at)
    yield from several_words(sentence, at)


def target(sentence: Sentence, at: int) -> Iterator[tuple[int, str]]:
    """One value exactly as written."""
    start = at + (sentence.norm(at) in ("the", "a", "an") and sentence.norm(at + 1) in ("value", "text", "word"))
    start += start > at or sentence.norm(at) == "value"
    yield from names.value(sentence, start)
    # The letter, where nothing follows that it could be the article of.
    if sentence.norm(start) == "a" and sentence.norm(start + 1) in ("", ",", ";", ".", ")"):
        yield start + 1, sentence.spelling(start, start + 1)
    for size in (2, 3):
        if " ".join(sentence.norms(start, size)) in _TWO_WORDS:
            yield start + size, sentence.spelling(start, start + size)
    yield from capitalised(sentence, start)


def translations(sentence: Sentence, at: int) -> Iterator[tuple[int, Pairs]]:
    """`Green to healthy, Yellow to at_risk`, `Green → healthy`, `Gold or Platinum becomes premium, Silver basic`."""
    yield from _pairs(sentence, at, first=True)


def _pairs(sentence: Sentence, at: int, *, first: bool) -> Iterator[tuple[int, Pairs]]:
    for end, some in _pair(sentence, at, first=first):
        yield end, some
        for start in _joints(sentence, end):
            yield from ((after, (*some, *rest)) for after, rest in _pairs(sentence, start, first=False))


def _joints(sentence: Sentence, at: int) -> Iterator[int]:
    """Where the next pair begins."""
    if sentence.norm(at) in _JOINTS:
        yield at + 1 + (sentence.norm(at) in (",", ";") and sentence.norm(at + 1) in _JOINTS - {",", ";"})


def _pair(sentence: Sentence, at: int, *, first: bool) -> Iterator[tuple[int, Pairs]]:
    for end, group in _group(sentence, at):
        for middle in _arrows(sentence, end):
            yield from ((after, tuple((one, other) for one in group)) for after, other in target(sentence, middle))
        if not first and len(group) == 1 and squeeze(group[0]) in picklist_keys(sentence):
            yield from ((after, ((group[0], other),)) for after, other in target(sentence, end))


def _group(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Values that become the same: `Gold`, `Gold or Platinum`, `both Gold and Platinum`, `Gold, Silver and Bronze`."""
    start = at + (sentence.norm(at) == "both")
    for end, some in _alternatives(sentence, start):
        if start == at or len(some) == 2:
            yield end, some


def _alternatives(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    for end, one in _source(sentence, at):
        yield end, (one,)
        for start in _or(sentence, end):
            yield from ((after, (one, *rest)) for after, rest in _alternatives(sentence, start) if one not in rest)


def _or(sentence: Sentence, at: int) -> Iterator[int]:
    comma = sentence.norm(at) in (",", "/")
    if sentence.norm(at + comma) in ("or", "and", "&"):
        yield at + comma + 1
    elif comma:
        yield at + 1


def _arrows(sentence: Sentence, at: int) -> Iterator[int]:
    """Where the target begins after `to`, `→`, `is mapped to`, `should be recorded as`, `becomes`."""
    if sentence.norm(at) in _TO:
        yield at + 1
        return
    middle = at + (sentence.norm(at) in _MODALS)
    middle += sentence.norm(middle) in ("all", "both")
    be = sentence.norm(middle) in _BE
    if middle > at and sentence.norm(middle) in ("become", "read", "mean"):
        yield middle + 1
    middle += be
    middle += 2 * (be and sentence.norms(middle, 2) == ["to", "be"])
    if be and sentence.norm(middle) in _DONE:
        yield middle + 1 + (sentence.norm(middle + 1) in ("to", "as", "into", "by", "with"))
    elif be and sentence.norm(middle) in ("to", "as", "into"):
        yield middle + 1


def backward(sentence: Sentence, at: int) -> Iterator[tuple[int, Pairs]]:
    """Pairs with the target first: `top for Hot, middle for Warm and bottom for Cold`."""
    for end, other in target(sentence, at):
        if sentence.norm(end) != "for":
            continue
        for after, group in _group(sentence, end + 1):
            some = tuple((one, other) for one in group)
            yield after, some
            for start in _joints(sentence, after):
                yield from ((last, (*some, *rest)) for last, rest in backward(sentence, start))


def called(sentence: Sentence, at: int) -> Iterator[tuple[int, Pairs]]:
    """Pairs after `call`: `Hot sales_ready, Warm nurture and Cold parked`."""
    yield from _pairs(sentence, at, first=False)


def conditional(sentence: Sentence, at: int) -> Iterator[tuple[int, Pairs]]:
    """Pairs of which the first says `make it`: `Web, make it inbound; Purchased List turns into bought`."""
    for end, group in _group(sentence, at):
        start = end + (sentence.norm(end) == ",")
        start += sentence.norm(start) in ("then", "just", "simply", "we")
        if sentence.norms(start, 2) in [
            [verb, "it"] for verb in ("make", "call", "set", "store", "write", "record", "use")
        ]:
            begin = start + 2 + (sentence.norm(start + 2) in ("to", "as", "into"))
            for after, other in target(sentence, begin):
                first = tuple((one, other) for one in group)
                yield after, first
                for joint in _joints(sentence, after):
                    yield from ((last, (*first, *rest)) for last, rest in _pairs(sentence, joint, first=False))


def reversed_pairs(sentence: Sentence, at: int) -> Iterator[tuple[int, Pairs]]:
    """`P1 for High, P2 for Medium and P3 for Low`."""
    for middle, other in target(sentence, at):
        if sentence.norm(middle) == "for":
            for end, group in _group(sentence, middle + 1):
                some = tuple((one, other) for one in group)
                yield end, some
                for start in _joints(sentence, end):
                    yield from ((after, (*some, *rest)) for after, rest in reversed_pairs(sentence, start))


def whole(sentence: Sentence, at: int) -> Iterator[tuple[int, Pairs]]:
    """The pairs that open a sentence without naming their field: all of them, so that they are one clause."""
    if at == 0:
        yield from sorted(translations(sentence, at), key=lambda found: found[0])[-1:]

"""What must hold of a record, always or in a case: `Amount must be filled when Stage is Closed Won`."""

from __future__ import annotations

from collections.abc import Iterator

from durable_compiler.grammar.comparison_phrases import phrase_at, table
from durable_compiler.grammar.comparisons import core, predicates
from durable_compiler.grammar.conditions import UNIVERSAL, Condition, condition, condition_of
from durable_compiler.grammar.conjunctions import Joined, Part, State, combined, flat, sound
from durable_compiler.grammar.describing import possessed
from durable_compiler.grammar.names import object_name
from durable_compiler.grammar.selections import selection
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.topics import Topic, anywhere, topics
from durable_compiler.terms import Apply, Term, complement

_ORDERS = ("lt", "le", "gt", "ge")
_MODALS = table(
    """
    yes: must | shall | should | has to | have to | needs to | need to | must always | should always | shall always
    no: must not | shall not | should not | may not | can not | cannot | must never | should never | shall never
    no: may never | can never | ought not to | is not to | are not to | must at no time
    yes: got to | has got to | have got to | ought to | is to | are to
    yes: is required to | are required to | has always to | have always to
    """
)
_REQUIRED = table(
    "yes: is required | is mandatory | is compulsory | are required | are mandatory | must be provided | required"
)
_CASES = table("when: when | if | whenever | where | once | as soon as | for as long as | in case\nunless: unless")


def obligation(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """(object, what must hold): `Health Score must be between 0 and 100`, `Amount must be filled when Stage is …`."""
    for end, (owner, held) in _obliged(sentence, at):
        # Whether a field has a value at all is another kind of rule, which says what to do with the record.
        if isinstance(held, Fault) or not _about_presence(held):
            yield end, (owner, held)
        if not isinstance(held, Fault):
            yield from _in_a_case(sentence, (at, end), owner, held)
    for start, owner, case in (*_leading_cases(sentence, at), *_leading_selections(sentence, at)):
        for end, (_, held) in _obliged(sentence, start, owner):
            yield end, (owner, held if isinstance(held, Fault) else only_if(sentence, case, held, (at, end)))


def _in_a_case(sentence: Sentence, at: tuple[int, int], owner: str, held: Term) -> Iterator[tuple[int, Condition]]:
    """What must hold `when Stage is Closed Won`, or `unless` it is."""
    after = at[1] + (sentence.norm(at[1]) == ",")
    cases = [
        (end, case if isinstance(case, Fault) or kind == "when" else complement(case))
        for start, kind in phrase_at(sentence, after, _CASES)
        for end, case in condition_of(sentence, start, owner)
    ]
    if sentence.norm(after) in ("for", "on", "of"):
        cases += [(end, case) for end, (of, case) in selection(sentence, after + 1) if of == owner]
    for end, case in cases:
        yield end, (owner, case if isinstance(case, Fault) else only_if(sentence, case, held, (at[0], end)))


def _leading_cases(sentence: Sentence, at: int) -> Iterator[tuple[int, str, Term]]:
    """`When Stage is Closed Won, …` and `Once an Opportunity is closed, …`, said before what must hold."""
    for start, kind in phrase_at(sentence, at, _CASES):
        for end, (owner, case) in condition(sentence, start):
            after = end + (sentence.norm(end) == ",")
            after += sentence.norm(after) == "then"
            if not isinstance(case, Fault) and kind == "when":
                yield after, owner, case


def _leading_selections(sentence: Sentence, at: int) -> Iterator[tuple[int, str, Term]]:
    """`For closed Opportunities, …` and `Opportunities whose Stage is Closed Won …`, of which something must hold."""
    introduced = sentence.norm(at) in ("for", "on", "in")
    for end, (owner, case) in selection(sentence, at + introduced):
        if not isinstance(case, Fault):
            yield end + (introduced and sentence.norm(end) == ","), owner, case


def only_if(sentence: Sentence, case: Term, held: Term, at: tuple[int, int]) -> Term | Fault:
    """No record may be such a case without what must hold."""
    broken = sound(sentence, combined("and", (case, complement(held))), *at)
    return broken if isinstance(broken, Fault) else complement(broken)


def _about_presence(term: Term) -> bool:
    return isinstance(term, Apply) and term.op in ("is_null", "not_null")


def _obliged(sentence: Sentence, at: int, owner: str | None = None) -> Iterator[tuple[int, Condition]]:
    """What must hold of a field, of one of a known object where that is given."""
    denied = sentence.norm(at) == "no"
    valid = sentence.norm(at) in ("valid", "acceptable", "allowed", "permitted")
    for start, topic in anywhere(sentence, at + (denied or valid)) if owner is None else topics(sentence, at, owner):
        if isinstance(topic, Fault):
            if any(_modal(sentence, start)):
                yield len(sentence.tokens), ("?", topic)
            continue
        if not denied:
            for end, term in _noted(sentence, start, topic, valid=valid):
                yield end, (topic.owner, term)
        for middle, negated in _forbidden(sentence, start) if denied else _modal(sentence, start):
            state = State(topic.owner, topic, first=False)
            for end, joined in flat(sentence, middle, state, _said):
                yield end, (topic.owner, _held(sentence, joined, negated, (at, end)))
        for end, _ in phrase_at(sentence, start, _REQUIRED) if not denied else ():
            yield end, (topic.owner, Apply("not_null", (topic.term,)))
    yield from _must_have(sentence, at + denied, owner, denied)


def _must_have(sentence: Sentence, at: int, known: str | None, denied: bool) -> Iterator[tuple[int, Condition]]:
    """`Every Opportunity must have a positive Amount`, `No Opportunity may have a negative Amount`."""
    subjects = object_name(sentence, at)
    if known is not None:
        subjects = iter([(at + (sentence.norm(at) in ("it", "they")), known)])
    for start, owner in subjects:
        if not isinstance(owner, str):
            continue
        for middle, negated in _forbidden(sentence, start) if denied else _modal(sentence, start):
            for end, term in _owned(sentence, middle + 1, owner) if sentence.norm(middle) == "have" else ():
                if isinstance(term, Apply):
                    yield end, (owner, complement(term) if negated else term)


def _owned(sentence: Sentence, at: int, owner: str) -> Iterator[tuple[int, Term | Fault]]:
    """What a record has: one thing, or `an Email or a Phone`, of which one is enough."""
    either = sentence.norm(at) == "either"
    least = sentence.norms(at, 4) == ["at", "least", "one", "of"]
    start = at + either + 4 * least
    for end, one in possessed(sentence, start, owner):
        if not either and not least:
            yield end, one
        if sentence.norm(end) == "or" or (least and sentence.norm(end) == "and"):
            for last, other in possessed(sentence, end + 1, owner):
                if isinstance(one, Apply) and isinstance(other, Apply):
                    yield last, sound(sentence, combined("or", (one, other)), at, last)


def _noted(sentence: Sentence, at: int, topic: Topic, *, valid: bool) -> Iterator[tuple[int, Term | Fault]]:
    """`Health Score: between 0 and 100`, `End Date >= Start Date`, `Valid Health Scores are between 0 and 100`."""
    mark = sentence.norm(at) in (":", "-", "–")
    if valid:
        found = predicates(sentence, at, topic) if sentence.norm(at) in ("is", "are") else iter(())
    elif mark and any(_modal(sentence, at + 1)):
        found = iter(
            [one for start, no in _modal(sentence, at + 1) if not no for one in predicates(sentence, start, topic)]
        )
    elif mark or sentence.norm(at) in (">=", "<=", ">", "<"):
        found = core(sentence, at + mark, topic, copula=True)
    else:
        return
    for end, said in found:
        if isinstance(said.term, Fault):
            yield end, said.term
        elif isinstance(said.term, Apply) and said.term.op in (*_ORDERS, "between") and not said.loose:
            yield end, said.term
            if sentence.norm(end) in ("and", ",") and sentence.norm(end + 1) in (">=", "<=", ">", "<"):
                for last, more in core(sentence, end + 1, topic, copula=True):
                    if isinstance(more.term, Apply):
                        yield last, sound(sentence, combined("and", (said.term, more.term)), at, last)


def deviation(sentence: Sentence, at: int) -> Iterator[tuple[int, Condition]]:
    """(object, what is wrong): `a Health Score over 100`, `negative Amounts`."""
    start = at + (sentence.norm(at) in ("a", "an", "any"))
    signed = sentence.norm(start) in ("negative", "positive")
    if sentence.norm(start) in UNIVERSAL:
        return
    for middle, topic in anywhere(sentence, start + signed):
        if isinstance(topic, Fault):
            continue
        for end, said in core(sentence, start if signed else middle, topic, copula=True):
            fits = end == start + 1 if signed else isinstance(said.term, Apply) and said.term.op in _ORDERS
            if fits:
                yield (middle if signed else end), (topic.owner, said.term)


def _forbidden(sentence: Sentence, at: int) -> Iterator[tuple[int, bool]]:
    """The verb behind `No Amount`: what no record may do."""
    if sentence.norm(at) in ("may", "must", "should", "shall", "can"):
        yield at + 1, True


def _modal(sentence: Sentence, at: int) -> Iterator[tuple[int, bool]]:
    yield from ((end, kind == "no") for end, kind in phrase_at(sentence, at, _MODALS))


def _said(sentence: Sentence, at: int, state: State) -> Iterator[tuple[int, Part]]:
    assert state.topic is not None
    for end, said in predicates(sentence, at, state.topic):
        yield end, Part(said.term, state, said.loose)


def _held(sentence: Sentence, joined: Joined, negated: bool, at: tuple[int, int]) -> Term | Fault:
    term = joined.term(sentence, *at)
    if isinstance(term, Fault) or not negated:
        return term
    if isinstance(term, Apply) and term.op == "and":
        return sentence.fault("DUR021", "what must not hold is joined by 'and'", *at, "Write two requirements.")
    return complement(term)

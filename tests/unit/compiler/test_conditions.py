"""Conditions: what the slots read, what they refuse, and that the canonical English of any tree reads back to it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from durable_compiler.catalogue import FieldSchema, PicklistValue, Snapshot
from durable_compiler.grammar.condition_words import condition_words, obligation_words, quoted, selection_words
from durable_compiler.grammar.conditions import condition
from durable_compiler.grammar.conjunctions import combined
from durable_compiler.grammar.literals import CURRENCY_FIELD, family
from durable_compiler.grammar.obligations import obligation
from durable_compiler.grammar.pattern import Slot
from durable_compiler.grammar.possible import flaw
from durable_compiler.grammar.selections import selection
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.words import tokens
from durable_compiler.terms import Apply, Constant, FieldTerm, Term, complement

AWKWARD = (
    "Closed Won", "Closed", "Won", "closed-won 2", "A or B", "A", "B", "Food & Beverage", "Oil, Gas and Energy", "Not",
    "blank", 'He said "no"', "It's", "“curly”", "back`tick", "1", "10%", "null", "between 1 and 2", "Émile", "(none)",
    "ready/steady", "a; b", "either", "over 10",
)  # fmt: skip


def _picklist(field: FieldSchema, name: str, label: str, values: tuple[tuple[str, str], ...]) -> FieldSchema:
    entries = tuple(PicklistValue(value, shown, True) for value, shown in values)
    return dataclasses.replace(field, name=name, label=label, picklist=entries)


@pytest.fixture(scope="module")
def awkward_schema(whole_schema: Snapshot) -> Snapshot:
    """Opportunity with several currencies, a picklist of hostile values and one whose labels are others' values."""
    opportunity = whole_schema.by_name["Opportunity"]
    stage = opportunity.field("StageName")
    assert stage is not None
    more = (
        _picklist(
            stage, CURRENCY_FIELD, "Opportunity Currency", (("EUR", "Euro"), ("USD", "US Dollar"), ("CAD", "C$"))
        ),
        _picklist(stage, "Mood__c", "Mood", tuple((one, one) for one in AWKWARD)),
        _picklist(
            stage, "Swap__c", "Swap", (("One", "Two"), ("Two", "One"), ("3", "One"), ("four", "Four"), ("a b", "a-b"))
        ),
        dataclasses.replace(stage, name="Note__c", label="Sales & Notes (old)", type="string", picklist=()),
    )
    changed = dataclasses.replace(opportunity, fields=(*opportunity.fields, *more))
    objects = tuple(changed if one.name == "Opportunity" else one for one in whole_schema.objects)
    return dataclasses.replace(whole_schema, objects=objects)


def _read(slot: Slot, text: str, schema: Snapshot, *, strict: bool = True) -> list[object]:
    sentence = Sentence(text, schema, tuple(one.name for one in schema.objects), strict=strict)
    found = dict.fromkeys(value for end, value in slot(sentence, 0) if end == len(sentence.tokens))
    return [value for value in found if not strict or not _faulty(value)]


def _faulty(value: object) -> bool:
    return isinstance(value, tuple) and isinstance(value[1], Fault)


# --- every tree -------------------------------------------------------------------------------------------------

_DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)).map(lambda day: Constant(day.isoformat(), "date"))
_SPANS = st.builds(lambda count, unit: f"P{count}{unit}", st.integers(1, 5000), st.sampled_from("DMY"))
_MOMENTS = st.one_of(
    _DAYS,
    st.just(Apply("today")),
    st.just(Apply("now")),
    st.builds(
        lambda op, span: Apply(op, (Apply("today"), Constant(span, "duration"))),
        st.sampled_from(["sub", "add"]),
        _SPANS,
    ),
    st.builds(
        lambda op, count, unit: Apply(op, (Apply("now"), Constant(f"PT{count}{unit}", "duration"))),
        st.sampled_from(["sub", "add"]),
        st.integers(1, 5000),
        st.sampled_from("HM"),
    ),
)
_INSTANTS = st.builds(
    lambda day, hour, minute: Constant(f"{day.value}T{hour:02}:{minute:02}:00Z", "timestamp"),
    _DAYS,
    st.integers(0, 23),
    st.integers(0, 59),
)
_NUMBERS = st.one_of(
    st.integers(-(10**12), 10**12),
    st.builds(lambda digits, places: digits / 10**places, st.integers(-(10**9), 10**9), st.integers(1, 6)),
).map(lambda value: Constant(int(value) if value == int(value) else value, "number"))
_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"]), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip()) and [one.norm for one in tokens(quoted(text))] == [text]
)
_ORDERS = ("eq", "ne", "lt", "le", "gt", "ge")


def _constants(field: FieldSchema) -> st.SearchStrategy[Term]:
    kind = family(field)
    if kind == "number":
        return _NUMBERS
    if kind == "date":
        return st.one_of(_MOMENTS, _INSTANTS) if field.type == "datetime" else _MOMENTS
    if kind == "picklist":
        return st.sampled_from([Constant(entry.value, "text") for entry in field.picklist])
    if kind == "boolean":
        return st.booleans().map(lambda value: Constant(value, "boolean"))
    return _TEXT.map(lambda value: Constant(value, "text"))


def _value(term: Term) -> Any:
    assert isinstance(term, Constant)
    return term.value


def _atoms(schema: Snapshot, owner: str) -> st.SearchStrategy[Term]:
    """Every statement about a field of an object or of one that it refers to, and its complement."""
    own, reached = _topics(schema, owner)
    each = {topic: _said_of(schema, owner, topic, field) for topic, field in (*own, *reached)}
    topics = st.one_of(st.sampled_from([topic for topic, _ in own]), st.sampled_from(list(each)))
    return st.tuples(topics.flatmap(each.__getitem__), st.booleans()).map(
        lambda drawn: complement(drawn[0]) if drawn[1] and drawn[0].op != "and" else drawn[0]
    )


def _topics(schema: Snapshot, owner: str) -> tuple[list[tuple[FieldTerm, FieldSchema]], ...]:
    known = schema.by_name[owner]
    own = [(FieldTerm(owner, one.name), one) for one in known.fields if family(one)]
    reached = [
        (FieldTerm(owner, one.name, f"{way.relationshipName}.{one.name}"), one)
        for way in known.fields
        if len(way.referenceTo) == 1
        for one in schema.by_name[way.referenceTo[0]].fields
        if family(one) and one.type != "currency"
    ]
    return own, reached


def _said_of(schema: Snapshot, owner: str, topic: FieldTerm, field: FieldSchema) -> st.SearchStrategy[Apply]:
    each = [_applied(schema, topic, field, op, _arguments(schema, owner, topic, field, op)) for op in _operators(field)]
    return st.one_of(each)


def _operators(field: FieldSchema) -> list[str]:
    kind = family(field)
    if field.type == "multipicklist":
        return ["is_null", "contains", "in"]
    if kind == "boolean":
        return ["is_null", "eq"]
    operators = ["is_null", "eq"] + ([] if kind == "date" else ["in"])
    operators += ["contains", "starts_with"] if kind == "text" else []
    return operators + (["lt", "le", "gt", "ge", "between"] if kind in ("number", "date") else [])


def _applied(
    schema: Snapshot, topic: FieldTerm, field: FieldSchema, op: str, arguments: st.SearchStrategy[tuple[Term, ...]]
) -> st.SearchStrategy[Apply]:
    return st.tuples(arguments, st.sampled_from(["EUR", "USD"])).map(
        lambda drawn: _priced(Apply(op, (topic, *drawn[0])), field, schema, drawn[1])
    )


def _arguments(
    schema: Snapshot, owner: str, topic: FieldTerm, field: FieldSchema, op: str
) -> st.SearchStrategy[tuple[Term, ...]]:
    constants = _constants(field)
    if op == "is_null":
        return st.just(())
    if op == "between":
        plain = _NUMBERS if family(field) == "number" else _DAYS
        return st.tuples(plain, plain).map(lambda ends: tuple(sorted(ends, key=_value)))
    if op == "in":
        return st.lists(constants, min_size=2, max_size=4, unique=True).map(tuple)
    kinds = {"text", "picklist"} if family(field) in ("text", "picklist") else {family(field)}
    others = [
        FieldTerm(owner, one.name)
        for one in schema.by_name[owner].fields
        if family(one) in kinds and FieldTerm(owner, one.name) != topic
    ]
    if not others or op in ("contains", "starts_with") or family(field) == "boolean":
        return st.tuples(constants)
    return st.one_of(st.tuples(constants), st.tuples(st.sampled_from(others)))


def _priced(term: Apply, field: FieldSchema, schema: Snapshot, currency: str) -> Apply:
    """With a currency where the object has several, as every amount must be."""
    topic = term.args[0]
    assert isinstance(topic, FieldTerm)
    codes = schema.by_name[topic.object].field(CURRENCY_FIELD)
    amounts = [one for one in term.args[1:] if isinstance(one, Constant) and one.value != 0]
    if field.type != "currency" or topic.path or codes is None or not amounts:
        return term
    if term.op == "in":
        return Apply("is_null", (topic,))
    code = Constant(currency, "text")
    return Apply("and", (term, Apply("eq", (FieldTerm(topic.object, CURRENCY_FIELD), code))))


def trees(schema: Snapshot, owner: str) -> st.SearchStrategy[Term]:
    """Conditions of one object, three levels deep."""
    atoms = _atoms(schema, owner)
    level = atoms
    for _ in range(3):
        level = st.one_of(atoms, _joined(level))
    return level


def _joined(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.tuples(st.sampled_from(["and", "or"]), several, st.integers(0, 4)).map(
        lambda drawn: _turned(combined(drawn[0], tuple(drawn[1])), drawn[2])
    )


def _turned(term: Term, chance: int) -> Term:
    return complement(term) if chance == 0 else term


OWNERS = ("Opportunity", "Contact", "Account", "Customer_Health__c", "Case", "User")


class Organisation:
    """The awkward schema and the conditions of its objects; a failure's report leaves out its half megabyte."""

    def __init__(self, schema: Snapshot) -> None:
        self.schema = schema
        self.conditions = {owner: trees(schema, owner) for owner in OWNERS}

    def __repr__(self) -> str:
        return "Organisation(…)"


@pytest.fixture(scope="module")
def organisation(awkward_schema: Snapshot) -> Organisation:
    """Built once, so that every example is drawn from the same strategies."""
    return Organisation(awkward_schema)


@pytest.mark.parametrize("owner", OWNERS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_canonical_english_of_any_condition_reads_back_to_it(
    owner: str, organisation: Organisation, data: st.DataObject
) -> None:
    schema = organisation.schema
    term = data.draw(organisation.conditions[owner])
    assume(flaw(term) is None)
    for slot, text in (
        (condition, condition_words(term, schema)),
        (selection, selection_words(owner, term, schema)),
        (obligation, obligation_words(term, schema)),
    ):
        if text is not None:
            assert _read(slot, text, schema) == [(owner, term)], text


# --- what is read, and what is refused --------------------------------------------------------------------------


def _field(object: str, name: str, path: str | None = None) -> FieldTerm:
    return FieldTerm(object, name, path)


_STAGE = _field("Opportunity", "StageName")
_AMOUNT = _field("Opportunity", "Amount")
_CLOSE = _field("Opportunity", "CloseDate")


@pytest.mark.parametrize(
    ("text", "term"),
    [
        (
            "Stage is Closed Won or Closed Lost",
            Apply("in", (_STAGE, Constant("Closed Won", "text"), Constant("Closed Lost", "text"))),
        ),
        ("Opportunity Amount is at least 10 million", Apply("ge", (_AMOUNT, Constant(10_000_000, "number")))),
        ("Opportunity Amount exceeds 1.5m", Apply("gt", (_AMOUNT, Constant(1_500_000, "number")))),
        ("Opportunity Amount is no more than 10,000.50", Apply("le", (_AMOUNT, Constant(10000.5, "number")))),
        ("Opportunity Amount isn't negative", Apply("not", (Apply("lt", (_AMOUNT, Constant(0, "number"))),))),
        ("Probability is over 20%", Apply("gt", (_field("Opportunity", "Probability"), Constant(20, "number")))),
        ("Close Date is before Created Date", Apply("lt", (_CLOSE, _field("Opportunity", "CreatedDate")))),
        ("Close Date is on or after 1 Jan 2023", Apply("ge", (_CLOSE, Constant("2023-01-01", "date")))),
        (
            "Close Date is more than 2 years ago",
            Apply("lt", (_CLOSE, Apply("sub", (Apply("today"), Constant("P2Y", "duration"))))),
        ),
        (
            "Opportunity Created Date is in the last 90 days",
            Apply(
                "ge",
                (_field("Opportunity", "CreatedDate"), Apply("sub", (Apply("today"), Constant("P90D", "duration")))),
            ),
        ),
        (
            "Contact Account's Rating is hot",
            Apply("eq", (_field("Contact", "Rating", "Account.Rating"), Constant("Hot", "text"))),
        ),
        ("Email Opt Out is ticked", Apply("eq", (_field("Contact", "HasOptedOutOfEmail"), Constant(True, "boolean")))),
    ],
)
def test_a_condition_is_this_tree(text: str, term: Apply, whole_schema: Snapshot) -> None:
    owner = next(one.object for one in term.args if isinstance(one, FieldTerm)) if term.op != "not" else "Opportunity"
    assert _read(condition, text, whole_schema) == [(owner, term)]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("DUR021", "Close Date is after 01/02/2023"),
        ("DUR021", "Stage is Closed Won or Opportunity Amount is over 10 and Probability is over 50"),
        ("DUR021", "Stage is Closed Won or Closed Lost and Probability is over 50"),
        ("DUR021", "Languages is German"),
        ("DUR033", "Account Rating is Scalding"),
        ("DUR037", "Opportunity Amount is over 10 EUR"),
        ("DUR038", "Opportunity Amount is Blue"),
        ("DUR038", "Opportunity Amount is over Close Date"),
        ("DUR038", "Account Rating is over 5"),
        ("DUR038", "Close Date is in the last 5 hours"),
        ("DUR046", "Close Date is after February 30, 2023"),
        ("DUR056", "Opportunity Amount is between 10 and 5"),
        ("DUR056", "Close Date is between 2024-01-01 and 2023-01-01"),
        ("DUR056", "Health Score is above 80 and below 20"),
        ("DUR056", "Health Score is over 20 or under 80"),
        ("DUR056", "Stage is Closed Won and Stage is Closed Lost"),
        ("DUR056", "Stage is not Closed Won or is not Closed Lost"),
        ("DUR056", "Opportunity Amount is blank and is over 10"),
        ("DUR056", "Close Date is in the last 90 days and is after today"),
        ("DUR038", "Account Name ends with GmbH"),
        ("DUR031", "Account Colour is Blue"),
        ("DUR032", "Annual Revenue is at least 10 million"),
    ],
)
def test_a_condition_is_refused_with_this_code(code: str, text: str, whole_schema: Snapshot) -> None:
    assert _read(condition, text, whole_schema) == []
    found = _read(condition, text, whole_schema, strict=False)
    assert code in {value[1].code for value in found if _faulty(value)}  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("over 10 EUR", "EUR"),
        ("over €10", "EUR"),
        ("over 10 euros", "EUR"),
        ("over USD 10", "USD"),
    ],
)
def test_an_amount_carries_its_currency_where_there_are_several(
    text: str, expected: str, awkward_schema: Snapshot
) -> None:
    code = Apply("eq", (_field("Opportunity", CURRENCY_FIELD), Constant(expected, "text")))
    amount = Apply("gt", (_AMOUNT, Constant(10, "number")))
    found = _read(condition, f"Opportunity Amount is {text}", awkward_schema)
    assert found == [("Opportunity", Apply("and", (amount, code)))]


@pytest.mark.parametrize("text", ["over 10", "over $10", "over 10 GBP", "between 5 EUR and 10 USD"])
def test_an_amount_whose_currency_is_open_is_refused(text: str, awkward_schema: Snapshot) -> None:
    found = _read(condition, f"Opportunity Amount is {text}", awkward_schema, strict=False)
    assert {value[1].code for value in found if _faulty(value)} == {"DUR037"}  # type: ignore[index]
    assert _read(condition, f"Opportunity Amount is {text}", awkward_schema) == []


@pytest.mark.parametrize(
    "text",
    [
        "Accounts in Germany",
        "open Opportunities",
        "new Orders",
        "deleted Contacts",
        "Contacts without an Email or Phone",
        "Contacts with a valid Email",
        "Accounts whose Account Number is not",
        "Accounts whose Rating is Hot or",
        "Opportunities whose Owner is Anna",
        "Opportunities whose Amount is 10.000",
        "Accounts whose Website is reachable",
        "paid Invoices",
        "Contacts who opted out",
        "Contacts of Opportunities whose Amount is over 10",
    ],
)
def test_records_that_no_field_describes_are_refused(text: str, whole_schema: Snapshot) -> None:
    assert len(_read(selection, text, whole_schema)) != 1


def test_a_condition_on_related_records_goes_through_the_relationship(whole_schema: Snapshot) -> None:
    found = _read(selection, "Contacts of Accounts whose Rating is Hot", whole_schema)
    rating = FieldTerm("Contact", "Rating", "Account.Rating")
    assert found == [("Contact", Apply("eq", (rating, Constant("Hot", "text"))))]


def test_what_must_not_hold_is_the_complement(whole_schema: Snapshot) -> None:
    found = _read(obligation, "Opportunity Amount must not be negative or above 100", whole_schema)
    low, high = Apply("lt", (_AMOUNT, Constant(0, "number"))), Apply("gt", (_AMOUNT, Constant(100, "number")))
    assert found == [("Opportunity", Apply("not", (Apply("or", (low, high)),)))]


@pytest.mark.parametrize("text", ["Contact Email must be present", "Contact Email must not be blank"])
def test_that_a_field_has_a_value_is_no_obligation_of_a_check(text: str, whole_schema: Snapshot) -> None:
    assert _read(obligation, text, whole_schema) == []

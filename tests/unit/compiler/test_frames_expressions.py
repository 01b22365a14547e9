"""Derived and computed columns: trees, types, what stands open, what is refused, and canonical English of any tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.compute import Compute
from durable_compiler.frames.derive import Derive
from durable_compiler.frames.frame import Clause
from durable_compiler.grammar.reading import echo, read
from durable_compiler.merging import fragment
from durable_compiler.terms import Apply, Constant, FieldTerm, Scalar, Term, field_terms


def _field(owner: str, name: str) -> FieldTerm:
    return FieldTerm(owner, name)


def _clause(sentence: str, schema: Snapshot) -> Clause:
    found = read(sentence, schema, tuple(one.name for one in schema.objects))
    assert found.fault is None, found.fault
    (clause,) = found.clauses
    return clause


def _fault(sentence: str, schema: Snapshot) -> str:
    found = read(sentence, schema, tuple(one.name for one in schema.objects))
    assert found.clauses == ()
    assert found.fault is not None
    return found.fault.code


def _of(owner: str, names: tuple[str, ...]) -> st.SearchStrategy[Term]:
    return st.sampled_from([_field(owner, name) for name in names])


NUMBERS = st.one_of(
    _of("Campaign", ("BudgetedCost", "ActualCost")),
    st.one_of(st.integers(-(10**9), 10**9), st.integers(-(10**6), 10**6).map(lambda one: one / 1000)).map(
        lambda one: Constant(int(one) if one == int(one) else one, "number")
    ),
)
TEXTS = st.one_of(
    _of("Campaign", ("Name", "Status", "Type", "Description")),
    st.sampled_from([", ", " ", "-", "Name", "plus", "it's", "or", "not", "12", "x", 'say "x" twice', "a`b"]).map(
        lambda text: Constant(text, "text")
    ),
)
_TODAY: Term = Apply("today")
DAYS = st.one_of(
    _of("Campaign", ("StartDate", "EndDate", "CreatedDate")),
    st.sampled_from([_TODAY, Constant("2026-02-28", "date")]),
)
SHIFTS = st.sampled_from([Constant(one, "duration") for one in ("P1D", "P30D", "P3M", "P1Y")])
SEPARATORS = st.sampled_from([Constant(text, "text") for text in (" ", ", ", "_", "\n", " / ")])
PLACES = st.integers(0, 6).map(lambda one: Constant(one, "number"))
LEAVES: dict[str, st.SearchStrategy[Term]] = {"number": NUMBERS, "text": TEXTS, "date": DAYS}
OPERATORS = {
    "number": ("add", "sub", "mul", "div", "days_between", "coalesce", "round"),
    "text": ("concat", "spaced", "coalesce"),
    "date": ("add", "sub"),
}


@st.composite
def _trees(draw: st.DrawFn, kind: str, depth: int) -> Term:
    op = draw(st.sampled_from(("", *OPERATORS[kind]))) if depth else ""
    if not op:
        return draw(LEAVES[kind])
    part = _trees("date" if op == "days_between" else kind, depth - 1)
    if op == "spaced":
        separator = draw(SEPARATORS)
        parts = draw(st.lists(part, min_size=2, max_size=3))
        return Apply("concat", tuple(piece for one in parts for piece in (separator, one))[1:])
    if op in ("concat", "coalesce"):
        return Apply(op, tuple(draw(st.lists(part, min_size=2, max_size=3, unique=True))))
    other = SHIFTS if kind == "date" else PLACES if op == "round" else part
    return Apply(op, (draw(part), draw(other)))


def _computes(tree: Term) -> bool:
    return isinstance(tree, Apply) and any(True for _ in field_terms(tree))


@settings(max_examples=400, deadline=None)
@given(tree=st.sampled_from(sorted(LEAVES)).flatmap(lambda kind: _trees(kind, 3)).filter(_computes))
def test_the_canonical_english_of_any_expression_reads_back_to_it(tree: Term, whole_schema: Snapshot) -> None:
    text = echo((Compute("Campaign", "some_column", "text", tree),), whole_schema)
    found = read(text, whole_schema, ("Campaign", "Account", "Contact"))
    assert found.fault is None, (text, found.fault)
    (clause,) = found.clauses
    assert isinstance(clause, Compute)
    assert clause.expression == tree
    assert echo((clause,), whole_schema) == text


def _said_of(name: str, ops: tuple[str, ...], *args: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    return st.builds(
        lambda op, rest: Apply(op, (_field("Opportunity", name), *rest)), st.sampled_from(ops), st.tuples(*args)
    )


CONDITIONS = st.one_of(
    _said_of(
        "Amount",
        ("eq", "ne", "lt", "le", "gt", "ge"),
        st.integers(-5, 10**7).map(lambda one: Constant(one, "number")),
    ),
    _said_of("NextStep", ("eq", "ne"), st.sampled_from(["Call", "otherwise"]).map(lambda one: Constant(one, "text"))),
    _said_of("StageName", ("eq", "ne"), st.just(Constant("Closed Won", "text"))),
    _said_of("CloseDate", ("is_null", "not_null")),
)
WORDS = st.sampled_from(
    ["strategic", "at risk", "Amount", "no", "or", "12", "High", "when", "it's", "otherwise", "true"]
)
NUMERIC = st.one_of(st.integers(-9, 10**6), st.integers(1, 99).map(lambda one: one + 0.25))


def _derived(values: st.SearchStrategy[Scalar]) -> st.SearchStrategy[Derive]:
    cases = st.lists(st.tuples(CONDITIONS, values), min_size=1, max_size=3, unique_by=lambda one: one[0])
    return st.builds(Derive, st.just("Opportunity"), st.just("size_band"), cases.map(tuple), st.none() | values)


@settings(max_examples=150, deadline=None)
@given(clause=st.one_of(_derived(WORDS), _derived(NUMERIC), _derived(st.booleans())))
def test_the_canonical_english_of_any_cases_reads_back_to_them(clause: Derive, whole_schema: Snapshot) -> None:
    text = echo((clause,), whole_schema)
    assert read(text, whole_schema, ("Opportunity", "Account", "Contact")).clauses == (clause,), text


@pytest.mark.parametrize(
    ("sentence", "kind", "op", "args"),
    [
        ("Stores the days until Close Date as n_days", "integer", "days_between", ["today", "CloseDate"]),
        ("Stores the days since Case Created Date as n_days", "integer", "days_between", ["CreatedDate", "today"]),
        ("n_days = days between Campaign Start Date and End Date", "integer", "days_between", ["StartDate", "EndDate"]),
        ("Budgeted Cost minus Actual Cost is stored as cost_left", "number", "sub", ["BudgetedCost", "ActualCost"]),
        (
            "Subtract Actual Cost from Budgeted Cost and store it as left_over",
            "number",
            "sub",
            ["BudgetedCost", "ActualCost"],
        ),
        ("Stores 20% of Opportunity Amount as commission", "number", "mul", ["Amount", 0.2]),
        ("Stores Opportunity Amount in thousands as amount_k", "number", "div", ["Amount", 1000]),
        ("Stores Close Date plus 30 days as payment_due", "date", "add", ["CloseDate", "P30D"]),
        ("Combines Contact First Name and Last Name into full_name", "text", "concat", ["FirstName", " ", "LastName"]),
        (
            "Stores Mobile Phone, or Business Phone if it is empty, as best_phone",
            "text",
            "coalesce",
            ["MobilePhone", "Phone"],
        ),
        ("Stores twice the Employees of Accounts as double_staff", "integer", "mul", ["NumberOfEmployees", 2]),
    ],
)
def test_a_computed_column_has_this_type_and_tree(
    sentence: str, kind: str, op: str, args: list[Scalar], whole_schema: Snapshot
) -> None:
    (row,) = fragment(_clause(sentence, whole_schema), whole_schema)["computed"]
    assert row["type"] == kind
    assert row["expression"]["op"] == op
    assert [one.get("name", one.get("value", one["op"])) for one in row["expression"]["args"]] == args


def test_a_derived_column_keeps_its_cases_in_order(whole_schema: Snapshot) -> None:
    sentence = "Set `deal_size` on Opportunities to large when Amount is above 100,000, medium above 20,000, else small"
    amount = {"op": "field", "object": "Opportunity", "name": "Amount"}
    over = [{"op": "gt", "args": [amount, {"op": "literal", "value": n, "type": "number"}]} for n in (100_000, 20_000)]
    assert fragment(_clause(sentence, whole_schema), whole_schema) == {
        "derived": [
            {
                "object": "Opportunity",
                "column": "deal_size",
                "cases": [{"when": over[0], "value": "large"}, {"when": over[1], "value": "medium"}],
                "otherwise": "small",
            }
        ]
    }


@pytest.mark.parametrize(
    ("sentence", "value"),
    [
        ("Stores Contact First Name and Last Name together as full_name", ["a space"]),
        ("Stores Contact First Name and Last Name together as full_name, separated by a space", []),
        ("Stores Opportunity Amount times Probability as expected_amount", [80]),
        ("Sets size_band to big when Opportunity Amount is over 5", [None]),
        ("Sets size_band to big when Opportunity Amount is over 5, otherwise small", []),
        ("Sets size_band to big when Opportunity Amount is over 5, otherwise leave it empty", []),
    ],
)
def test_what_a_sentence_leaves_open_is_an_assumption(
    sentence: str, value: list[Scalar], whole_schema: Snapshot
) -> None:
    assert [one.value for one in _clause(sentence, whole_schema).assumed] == value


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("DUR021", "Stores Budgeted Cost plus Actual Cost times 12 as cost_sum"),
        ("DUR021", "Stores Budgeted Cost divided by Actual Cost times 12 as cost_sum"),
        ("DUR021", "Stores 20% of Budgeted Cost plus Actual Cost as cost_sum"),
        ("DUR038", "Stores Account Industry minus Annual Revenue as margin"),
        ("DUR038", "Stores Close Date minus Opportunity Created Date as age_days"),
        ("DUR038", "full_name = Contact First Name + Last Name"),
        ("DUR038", "Stores Account Industry and Annual Revenue together as both_texts"),
        ("DUR039", "Stores Opportunity Amount minus Campaign Actual Cost as net_amount"),
        ("DUR032", "Stores First Name and Last Name together as full_name"),
        ("DUR031", "Stores Budgeted Cost minus Shoe Size as cost_left"),
        ("DUR083", "Stores the days until Close Date as run_id"),
        ("DUR023", "Stores Mobile Phone or Business Phone as best_phone"),
        ("DUR038", "Sets size_band to big when Opportunity Amount is over 5, otherwise 3"),
        ("DUR021", "Sets size_band to Amount when Opportunity Amount is over 5, otherwise small"),
        ("DUR021", "Sets size_band to big when Opportunity Amount is over 5, small when it is over 5"),
        ("DUR039", "Sets size_band on Campaigns to big when Opportunity Amount is over 5, otherwise small"),
        ("DUR083", "Sets run_id to big when Opportunity Amount is over 5, otherwise small"),
        ("DUR023", "phone is required if Account Type is Prospect"),
    ],
)
def test_what_has_no_single_meaning_is_refused(code: str, sentence: str, whole_schema: Snapshot) -> None:
    assert _fault(sentence, whole_schema) == code


@pytest.mark.parametrize(
    "sentence",
    [
        "Sets size_band to big when Opportunity Amount is over 5, otherwise rank_band is small",
        "If Opportunity Amount is over 5, set size_band to big; otherwise set rank_band to small",
    ],
)
def test_another_column_in_the_second_half_is_refused(sentence: str, whole_schema: Snapshot) -> None:
    assert read(sentence, whole_schema).clauses == ()


def test_both_bracketings_of_a_mixture_are_offered(whole_schema: Snapshot) -> None:
    found = read("Stores Budgeted Cost plus Actual Cost times 12 as cost_sum", whole_schema)
    assert found.fault is not None
    assert found.fault.suggestions == (
        "Stores (Campaign Budgeted Cost plus Campaign Actual Cost) times 12 as cost_sum",
        "Stores Campaign Budgeted Cost plus (Campaign Actual Cost times 12) as cost_sum",
    )

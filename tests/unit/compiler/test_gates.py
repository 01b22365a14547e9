"""The gates: what a model may propose, and every way in which a plausible reading is refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durable_compiler import gates
from durable_compiler.alignment import tidied
from durable_compiler.catalogue import Snapshot
from durable_compiler.facts import facts
from durable_compiler.frames import REGISTRY
from durable_compiler.grammar.names import HEDGES, NEGATIONS
from durable_compiler.grammar.reading import read, understood
from durable_compiler.grammar.sentence import Sentence

SYNCED = ("Account", "Contact", "Customer_Health__c")
Quotes = tuple[tuple[str, str], ...]


def _judge(schema: Snapshot, text: str, english: str, quotes: Quotes = ()) -> gates.Judgement:
    return gates.judge(gates.Claim(text, english, quotes), schema, SYNCED)


def _failed(schema: Snapshot, text: str, english: str, quotes: Quotes = ()) -> set[str]:
    return {one.gate for one in _judge(schema, text, english, quotes).failed}


# Sentence, English, quotes: the grammar cannot read the sentence, and nothing in the reading is the model's own.
GROUNDED: tuple[tuple[str, str, Quotes], ...] = (
    (
        "Deleted records: kindly skip those",
        "Skips deleted records",
        (("Skips", "skip"), ("deleted records", "Deleted records")),
    ),
    ("Kindly ensure those Accounts sync from Salesforce", "Accounts sync from Salesforce", ()),
    (
        "Kindly: this run, every night, two in the morning UTC",
        "Run every night at 02:00 UTC",
        (("02:00 UTC", "two in the morning UTC"),),
    ),
    (
        "Kindly write that to Snowflake table customer_data",
        "Writes to Snowflake table customer_data",
        (("Writes", "write"),),
    ),
)


@pytest.mark.parametrize(("text", "english", "quotes"), GROUNDED, ids=[one[0] for one in GROUNDED])
def test_a_reading_made_of_the_sentence_s_own_words_passes(
    schema: Snapshot, text: str, english: str, quotes: Quotes
) -> None:
    if read(english, schema, SYNCED).fault is not None:
        pytest.fail(f"the grammar does not read {english!r}")
    judged = _judge(schema, text, english, quotes)
    assert judged.failed == ()
    assert judged.passed
    assert judged.rewritable
    assert judged.clauses == read(english, schema, SYNCED).clauses


def test_what_the_sentence_s_own_words_leave_open_stays_an_assumption(schema: Snapshot) -> None:
    text, english = "Kindly: this run, nightly, 2 AM", "Run nightly at 02:00 UTC"
    judged = _judge(schema, text, english, (("02:00 UTC", "2 AM"),))
    assert [one.gate for one in judged.failed] == ["facts"]
    (clause,) = judged.clauses
    assert [one.key for one in clause.assumed] == ["schedule.timezone"]


# Plausible and wrong: sentence, English, quotes, the gate that refuses it.
UNGROUNDED: tuple[tuple[str, str, Quotes, str], ...] = (
    ("Kindly skip those deleted records", "Make it pretty", (), "reads"),
    ("Kindly skip those deleted records", "Skips deleted records", (("Skips", "ignore"),), "quotes"),
    ("Kindly skip those deleted records", "Skips deleted records", (("Ignores", "skip"),), "quotes"),
    ("Kindly skip those deleted records", "Skips deleted records", (("Skips", ""),), "quotes"),
    ("Kindly skip those deleted records", "Skips deleted records", (("Skips", "the"),), "quotes"),
    # Another verb: the quote is a word of the sentence, but it does not mean that.
    ("Kindly skip those deleted records", "Flags deleted records", (("Flags", "skip"),), "values"),
    ("Kindly skip those deleted records", "Flags deleted records", (), "grounded"),
    ("Kindly ship it to Snowflake table crm", "Writes to Snowflake table crm", (("Writes", "ship"),), "values"),
    # Another number, time, name, address, or one that is not there.
    ("Kindly run nightly, 2 AM UTC", "Runs nightly at 3 AM UTC", (("3 AM", "2 AM"),), "facts"),
    ("Kindly run nightly, 2 AM UTC", "Runs nightly at 2 PM UTC", (("2 PM", "2 AM"),), "facts"),
    ("Kindly run nightly", "Runs nightly at 2 AM UTC", (), "facts"),
    ("Kindly commit in batches of 50,000 rows", "Commits in batches of 5,000 rows", (), "facts"),
    ("Kindly sync Accounts from Salesforce", "Syncs Contacts from Salesforce", (("Contacts", "Accounts"),), "facts"),
    ("Kindly sync Accounts and Contacts from Salesforce", "Syncs Accounts from Salesforce", (), "facts"),
    ("Kindly sync Accounts from Salesforce", "Syncs Accounts and Contacts from Salesforce", (), "facts"),
    ("Kindly tell #ops when a run fails", "Tells #dev when a run fails", (("#dev", "#ops"),), "facts"),
    ("Kindly write to Snowflake table crm_x", "Writes to Snowflake table crm_y", (("crm_y", "crm_x"),), "facts"),
    # Something lost: a negation, a hedge, an exception, an alternative, a condition, a word.
    ("Kindly do not skip deleted records", "Skips deleted records", (), "risk"),
    ("Kindly skip maybe those deleted records", "Skips deleted records", (), "risk"),
    ("Kindly sync Accounts from Salesforce unless idle", "Syncs Accounts from Salesforce", (), "risk"),
    ("Kindly sync only Accounts from Salesforce", "Syncs Accounts from Salesforce", (), "risk"),
    ("Kindly skip deleted records on Sundays", "Skips deleted records", (), "covered"),
    ("Kindly skip deleted demo records", "Skips deleted records", (), "covered"),
    ("Kindly sync Accounts to Salesforce", "Syncs Accounts from Salesforce", (), "grounded"),
    ("Kindly sync Accounts to Salesforce", "Syncs Accounts from Salesforce", (("from", "to"),), "values"),
    # Something added.
    ("Kindly skip those deleted records", "Skips deleted records and runs hourly UTC", (), "grounded"),
    ("Kindly sync Accounts from Salesforce", "Reads only Accounts from Salesforce", (), "reads"),
    # A quote that is used twice, or swallows the sentence.
    ("Kindly skip those deleted records", "Skips deleted records", (("Skips", "skip"), ("deleted", "skip")), "quotes"),
    (
        "Kindly skip those deleted records",
        "Skips deleted records",
        (("Skips deleted records", "Kindly skip those deleted records"),),
        "values",
    ),
    # Who is who.
    (
        "Green to healthy, kindly: maps Health Status Red to bad",
        "Maps Health Status Red to healthy and Green to bad",
        (),
        "order",
    ),
)


@pytest.mark.parametrize(
    ("text", "english", "quotes", "gate"), UNGROUNDED, ids=[f"{a} => {b}" for a, b, *_ in UNGROUNDED]
)
def test_a_plausible_reading_that_the_sentence_does_not_carry_is_refused(
    schema: Snapshot, text: str, english: str, quotes: Quotes, gate: str
) -> None:
    assert gate in _failed(schema, text, english, quotes)


@pytest.mark.parametrize("word", sorted(NEGATIONS | HEDGES))
@pytest.mark.parametrize("place", range(5))
def test_a_negation_or_hedge_anywhere_is_refused_whatever_is_quoted(schema: Snapshot, word: str, place: int) -> None:
    words = "Kindly skip those deleted records".split()
    text = " ".join([*words[:place], word, *words[place:]])
    quotes = (("Skips", "skip"), ("deleted records", "deleted records"))
    assert _failed(schema, text, "Skips deleted records", quotes)
    swallowed = " ".join(text.split()[text.split().index("skip") :])
    assert _failed(schema, text, "Skips deleted records", (("Skips deleted records", swallowed),))


@pytest.mark.parametrize("word", "hourly Contacts 7 #ops a@b.example `x` demo weekly Sundays US EU UK today".split())
@pytest.mark.parametrize("place", range(6))
def test_a_word_that_means_something_is_never_passed_over(schema: Snapshot, word: str, place: int) -> None:
    words = "Kindly skip those deleted records".split()
    text = " ".join([*words[:place], word, *words[place:]])
    assert _failed(schema, text, "Skips deleted records", (("Skips", "skip"),))


@settings(max_examples=40, deadline=None)
@given(order=st.permutations("kindly skip those deleted records".split()))
def test_no_order_of_the_words_lets_another_meaning_through(schema: Snapshot, order: list[str]) -> None:
    text = " ".join(order)
    for english in ("Flags deleted records", "Removes deleted records", "Keeps deleted records"):
        assert _failed(schema, text, english, (("Flags", "skip"),)) or not read(english, schema, SYNCED).clauses


@settings(deadline=None)
@given(
    text=st.text(max_size=60), english=st.text(max_size=60), quote=st.tuples(st.text(max_size=9), st.text(max_size=9))
)
def test_nothing_makes_a_gate_raise(schema: Snapshot, text: str, english: str, quote: tuple[str, str]) -> None:
    judged = _judge(schema, text, english, (quote,))
    assert [one.gate for one in judged.verdicts] == [one.name for one in gates.GATES]
    assert not judged.passed or judged.clauses


@pytest.mark.parametrize("kind", REGISTRY)
def test_no_near_miss_of_the_language_passes_for_an_example_or_for_itself_without_its_risk(
    whole_schema: Snapshot, kind: str
) -> None:
    synced = tuple(one.name for one in whole_schema.objects)
    examples = REGISTRY[kind].examples[:2]
    for text in REGISTRY[kind].near_misses:
        kept = " ".join(word for word in text.split() if word.casefold().strip(",;.") not in NEGATIONS | HEDGES)
        # English that no rule reads passes no gate.
        for english in {*examples, *([kept] if understood(kept, whole_schema, synced) else [])} - {text}:
            judged = gates.judge(gates.Claim(text, english, ()), whole_schema, synced)
            assert not judged.passed, f"{text!r} passes for {english!r}"


def _mutants(words: list[str]) -> Iterator[str]:
    """The sentence without one word, or with two words in each other's place."""
    for at in range(len(words)):
        yield " ".join([*words[:at], *words[at + 1 :]])
    for one, other in itertools.combinations(range(len(words)), 2):
        swapped = list(words)
        swapped[one], swapped[other] = words[other], words[one]
        yield " ".join(swapped)


@pytest.mark.parametrize("kind", REGISTRY)
def test_no_shortened_or_shuffled_reading_of_another_meaning_passes(whole_schema: Snapshot, kind: str) -> None:
    synced = tuple(one.name for one in whole_schema.objects)
    readings = [(one, read(one, whole_schema, synced).clauses) for one in REGISTRY[kind].examples]
    example, meant = next(one for one in readings if one[1])
    for english in set(_mutants(example.split())) - {example}:
        said = understood(english, whole_schema, synced)
        if said and said != meant:
            judged = gates.judge(gates.Claim(f"Kindly: {example}", english, ()), whole_schema, synced)
            assert not judged.passed, f"{english!r} passes for {example!r}"


def test_quotes_are_tidied_to_the_sentence_s_own_words_and_to_what_the_english_says() -> None:
    text, english = "Kindly write it to Snowflake", "Writes to Snowflake"
    given_quotes = [("Writes", "writes"), ("Account", "Accounts"), ("Snowflake", "snow"), ("", "it"), ("to", "")]
    assert tidied(text, english, given_quotes) == (("Writes", "write"), ("Snowflake", "snow"), ("to", ""))


def test_two_samples_agree_only_if_they_mean_the_same(schema: Snapshot) -> None:
    skip, again, flag = (
        read(text, schema, SYNCED).clauses
        for text in ("Skips deleted records", "Ignores soft-deleted records", "Flags deleted records")
    )
    assert gates.agreement((skip, again)).passed
    assert not gates.agreement((skip, flag)).passed
    assert not gates.agreement((skip, ())).passed
    assert not gates.agreement(((), ())).passed
    assert not gates.agreement((skip,)).passed


def test_every_gate_has_a_name_of_its_own_and_says_what_it_holds() -> None:
    names = [one.name for one in gates.GATES]
    assert len(set(names)) == len(names) == 8
    assert all(one.doc.endswith(".") for one in gates.GATES)
    assert {*names, "samples"} >= gates.REWRITE_GATES


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("runs at 2 AM UTC", "run: 02:00 UTC"),
        ("batches of fifty thousand rows", "50,000 rows at a time"),
        ("for half an hour", "for 30 minutes"),
        ("Contact's Email", "the Email of Contacts"),
    ],
)
def test_facts_are_the_same_however_they_are_written(schema: Snapshot, one: str, other: str) -> None:
    first, second = (facts(Sentence(text, schema, SYNCED)) for text in (one, other))
    assert first == second
    assert first


def test_facts_count_how_often_each_occurs(schema: Snapshot) -> None:
    assert facts(Sentence("5 and five and #ops and 'x y'", schema, SYNCED))["5"] == 2

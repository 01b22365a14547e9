"""What a diagnostic tells a person: the golden texts, what was understood, and sentences that compile."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_compiler.catalogue import Snapshot
from durable_compiler.diagnostics import Diagnostic, Near
from durable_compiler.explain import explain_sentence, sentence_read
from durable_compiler.formatting import fixed
from durable_compiler.frames import REGISTRY
from durable_compiler.grammar.reading import read, understood
from durable_compiler.interpret import read_file
from durable_compiler.pages import pages
from durable_compiler.renderings import did_you_mean
from golden_diagnostics import COMMAND, golden

CASES = Path(__file__).parents[2] / "cases" / "language"
REJECTED = sorted((CASES / "rejected").glob("*.md"))
SCHEMA = CASES / "salesforce.schema.json"
SYNC = "- R0.1 Syncs Accounts, Contacts and Customer Health from Salesforce\n"


def synced(schema: Snapshot) -> tuple[str, ...]:
    return tuple(one.name for one in schema.objects if one.queryable)


@pytest.mark.parametrize("path", REJECTED, ids=lambda path: path.stem)
def test_a_rejected_file_is_told_to_people_and_machines_like_this(path: Path) -> None:
    for file, text in golden(path).items():
        assert text == file.read_text(encoding="utf-8"), f"if this is meant: {COMMAND}"


@pytest.mark.parametrize("path", REJECTED, ids=lambda path: path.stem)
def test_every_diagnostic_of_a_rejected_file_ends_with_a_sentence_that_compiles(path: Path, schema: Snapshot) -> None:
    reading = read_file(path, SCHEMA, shown_as=path.name)
    for one in reading.diagnostics:
        assert one.sentences, one
        assert one.to_json()["suggestions"][-1] == one.sentences[-1]
        for sentence in one.sentences:
            assert read(sentence, schema, synced(schema)).fault is None, (one.code, sentence)


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_every_near_miss_is_answered_with_a_sentence_that_compiles(kind: str, whole_schema: Snapshot) -> None:
    for text in REGISTRY[kind].near_misses:
        for one in sentence_read(text, whole_schema)[1]:
            assert one.sentences, text
            assert [each for each in one.sentences if not understood(each, whole_schema)] == [], text


def test_a_note_says_which_part_was_understood(schema: Snapshot) -> None:
    (one,) = explain_sentence("Runs nightly at 2:00 AM UTC except on Sundays", schema)["diagnostics"]
    assert "'Runs nightly at 2:00 AM UTC'" in one["note"]
    assert "Runs every day at 02:00 UTC" in one["note"]
    assert "'except on Sundays'" in one["note"]


def test_an_exception_of_days_is_answered_with_the_days_that_are_left(schema: Snapshot) -> None:
    (one,) = explain_sentence("Runs nightly at 2:00 AM UTC except on Sundays", schema)["diagnostics"]
    (first, *_) = one["sentences"]
    assert read(first, schema).clauses == read("Runs Monday to Saturday at 2:00 AM UTC", schema).clauses


def test_a_note_names_the_words_that_no_rule_has(schema: Snapshot) -> None:
    (one,) = explain_sentence("Makes the giraffes pretty", schema)["diagnostics"]
    assert "'giraffes', 'pretty'" in one["note"]


def test_taking_an_exception_away_never_turns_a_sentence_around(schema: Snapshot) -> None:
    (one,) = explain_sentence("Syncs Accounts except Contacts from Salesforce", schema)["diagnostics"]
    assert all("Accounts Contacts" not in sentence for sentence in one["sentences"])
    (other,) = explain_sentence("Phone numbers are formatted as E.164 except in the US", schema)["diagnostics"]
    assert all("in the US" not in sentence for sentence in other["sentences"])


def diagnostic(*near: Near) -> Diagnostic:
    return Diagnostic("DUR031", "error", "m", None, "f", 1, 1, 1, 2, "", (), "", near)


def test_did_you_mean_says_how_much_and_what_comes_next() -> None:
    text = did_you_mean(diagnostic(Near("Contact", 92), Near("Contract", 80)))
    assert text == "Contact (92 % alike; the next is Contract, 80 %)"


def test_did_you_mean_says_when_two_are_equally_near() -> None:
    text = did_you_mean(diagnostic(Near("Contract", 93), Near("Contact", 92)))
    assert text == "Contract, Contact (equally near: 93 %, 92 %)"


def test_a_name_that_is_nearly_right_carries_a_fix_and_one_of_two_near_names_does_not(schema: Snapshot) -> None:
    (sure,) = explain_sentence("Syncs Acounts from Salesforce", schema)["diagnostics"]
    assert sure["fix"] == {"line": 1, "column": 7, "end_line": 1, "end_column": 14, "text": "Accounts"}
    (unsure,) = explain_sentence("Contact Emial is required", schema)["diagnostics"]
    assert unsure["fix"] is None
    assert unsure["suggestions"][0] == "Email"


@pytest.mark.parametrize("wrong", ["Syncs Acounts from Salesforce", "Syncs Accounts from Salesfroce"])
def test_a_misspelt_word_is_corrected_only_where_the_sentence_then_reads(wrong: str, schema: Snapshot) -> None:
    (one,) = explain_sentence(wrong, schema)["diagnostics"]
    fix = one["fix"]
    after = wrong[: fix["column"] - 1] + fix["text"] + wrong[fix["end_column"] - 1 :]
    assert explain_sentence(after, schema)["status"] == "understood"


def test_a_misspelt_word_of_a_rule_is_named_with_how_much_it_is_alike(schema: Snapshot) -> None:
    (one,) = explain_sentence("Contact Email is requierd", schema)["diagnostics"]
    assert one["near"][0] == {"text": "required", "score": 88}
    assert one["sentences"][0] == "Contact Email is required"


@pytest.mark.parametrize("wrong", ["Contact Email is nto required", "Nevre skips soft-deleted records"])
def test_a_word_that_may_be_a_misspelt_negation_is_never_fixed(wrong: str, schema: Snapshot) -> None:
    assert [one["fix"] for one in explain_sentence(wrong, schema)["diagnostics"]] == [None]


@pytest.mark.parametrize("path", REJECTED, ids=lambda path: path.stem)
def test_every_fix_leaves_fewer_errors_and_none_at_its_place(path: Path) -> None:
    before = read_file(path, SCHEMA, shown_as=path.name).diagnostics
    after = read_file(path, SCHEMA, shown_as=path.name, text=fixed(path, path.read_text(), SCHEMA)).diagnostics
    wanted = [(one.code, one.message) for one in before if one.fix is not None]
    assert [one for one in wanted if one in [(each.code, each.message) for each in after]] == []
    assert all(one.fix is None for one in after)


def test_all_faults_of_a_sentence_are_told_at_once_and_fixed_together(schema: Snapshot) -> None:
    text = "- R1.1 Syncs Acounts and Contcts from Salesforce\n"
    found = read_file(CASES / "x.md", SCHEMA, text=text).diagnostics
    assert [(one.column, one.fix and one.fix.text) for one in found] == [(14, "Accounts"), (26, "Contacts")]
    assert fixed(CASES / "x.md", text, SCHEMA) == "- R1.1 Syncs Accounts and Contacts from Salesforce\n"


def test_no_fix_is_offered_where_the_sentence_has_another_fault_without_one(schema: Snapshot) -> None:
    text = "- R1.1 Syncs Acounts and Wibbles from Salesforce\n"
    found = read_file(CASES / "x.md", SCHEMA, text=text).diagnostics
    assert [(one.code, one.fix) for one in found] == [("DUR030", None)]


def test_contradictions_are_told_beside_sentences_that_are_not_understood() -> None:
    text = (
        "- R1.1 Syncs Accounts from Salesforce\n- R1.2 Runs hourly\n- R1.3 Runs nightly at 2 AM UTC\n- R1.4 Wibbles\n"
    )
    found = read_file(CASES / "x.md", SCHEMA, text=text).diagnostics
    assert [one.code for one in found] == ["DUR061", "DUR020"]


# --- pages ------------------------------------------------------------------------------------------------------

# Codes about files, locks, snapshots and packages: an example in words, and a test elsewhere for each.
IN_WORDS = {"DUR001", "DUR002", "DUR007", "DUR011", "DUR012", "DUR013", "DUR014", "DUR070", "DUR071", "DUR072"}
IN_WORDS |= {"DUR015", "DUR080", "DUR081", "DUR082", "DUR083", "DUR090"}


def codes_of(example: str, schema: Path) -> set[str]:
    text = example if "R1.1" in example or "\n" in example else f"{SYNC}- R1.1 {example}\n"
    return {one.code for one in read_file(CASES / "example.md", schema, text=text).diagnostics}


@pytest.mark.parametrize("code", sorted(set(pages()) - IN_WORDS))
def test_the_wrong_example_of_a_page_gives_its_code_and_the_right_one_compiles(code: str) -> None:
    page = pages()[code]
    schemas = (SCHEMA, CASES / "corpus" / "salesforce.schema.json")
    assert page.wrong and page.right
    for example in page.wrong:
        assert {code} in [codes_of(example, schema) for schema in schemas], example
    for example in page.right:
        assert set() in [codes_of(example, schema) for schema in schemas], example


@pytest.mark.parametrize("code", sorted(IN_WORDS & set(pages())))
def test_a_page_in_words_also_has_a_wrong_and_a_right_example(code: str) -> None:
    text = pages()[code].text
    assert "\nWrong: " in text and "\nWrite: " in text and "\nTo fix: " in text

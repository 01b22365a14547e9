"""Markdown to requirements: IDs, wrapping, retirement, and exact places."""

from __future__ import annotations

import pytest

from durable_compiler.requirements import parse


def test_items_and_bare_lines_with_ids_are_requirements_and_the_rest_is_commentary() -> None:
    text = "# R1 Title\n\nProse.\n\n> R9.9 quoted\n\n- R1.1 One\n* R1.2 Two\n"
    text += "1. R1.3 Three\n\nR1.4 Four\n\n| R1.5 | table |\n"
    text += "\n```\n- R1.6 code\n```\n<!-- - R1.7 hidden -->\n"
    found, diagnostics = parse(text, "a.md")
    assert diagnostics == []
    assert [(one.id, one.text, one.line) for one in found] == [
        ("R1.1", "One", 7),
        ("R1.2", "Two", 8),
        ("R1.3", "Three", 9),
        ("R1.4", "Four", 11),
    ]


def test_a_wrapped_requirement_is_one_text_and_keeps_the_place_of_each_character() -> None:
    (found,), diagnostics = parse("- R1.1 Syncs Accounts\n  and Contacts\n  from Salesforce\n", "a.md")
    assert diagnostics == []
    assert found.text == "Syncs Accounts and Contacts from Salesforce"
    span = found.span(found.text.index("Contacts"), found.text.index("Contacts") + 8)
    assert (span.line, span.column, span.end_line, span.end_column) == (2, 7, 2, 15)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    (found,), diagnostics = parse("- R1.1 One\r\n  two\r\n", "a.md")
    assert diagnostics == []
    assert found.text == "One two"


def test_text_is_composed_and_columns_count_code_points_of_the_file() -> None:
    (found,), _ = parse("- R1.1 Cafe\u0301 X\n", "a.md")
    assert found.text == "Caf\u00e9 X"
    span = found.span(5, 6)
    assert (span.column, span.end_column) == (14, 15)


@pytest.mark.parametrize("word", ["R1", "R1.", "r1.2", "R1.2:", "R1.2.", "R1..2", "r1"])
def test_a_malformed_id_is_refused_in_items_and_bare_lines(word: str) -> None:
    for prefix, column in (("- ", 3), ("", 1)):
        found, (diagnostic,) = parse(f"{prefix}{word} Runs hourly\n", "a.md")
        assert found == []
        assert (diagnostic.code, diagnostic.line, diagnostic.column) == ("DUR004", 1, column)
        assert diagnostic.end_column == column + len(word)


@pytest.mark.parametrize("text", ["- ~~R1.1 Runs hourly~~\n", "- R1.1 Runs hourly (retired)\n"])
def test_a_retired_requirement_is_gone_and_its_id_stays_taken(text: str) -> None:
    found, diagnostics = parse(text + "- R1.2 Runs hourly\n", "a.md")
    assert [one.id for one in found] == ["R1.2"]
    assert diagnostics == []
    _, (again,) = parse(text + "- R1.1 Runs daily\n", "a.md")
    assert again.code == "DUR006"


@pytest.mark.parametrize("character", ["\u200b", "\u202e", "\u2066", "\ufeff", "\u00ad", "\x07"])
def test_a_hidden_character_is_refused_at_its_column(character: str) -> None:
    _, diagnostics = parse(f"- R1.1 Runs{character} hourly\n", "a.md")
    assert [(one.code, one.requirement, one.column) for one in diagnostics] == [("DUR007", "R1.1", 12)]


def test_a_question_is_an_error_with_its_text() -> None:
    _, (found,) = parse("- R1.1 Runs hourly [NEEDS CLARIFICATION: which zone?]\n", "a.md")
    assert found.code == "DUR008"
    assert "which zone?" in found.message
    assert (found.column, found.end_column) == (20, 54)


def test_an_indented_paragraph_after_an_empty_line_still_belongs_to_its_item() -> None:
    (found,), diagnostics = parse("- R1.1 Runs hourly\n\n  except on Sundays\n\nProse.\n", "a.md")
    assert diagnostics == []
    assert found.text == "Runs hourly except on Sundays"


def test_an_item_below_a_requirement_needs_its_own_id() -> None:
    found, (diagnostic,) = parse("- R1.1 Syncs\n  - Accounts\n", "a.md")
    assert [one.text for one in found] == ["Syncs"]
    assert (diagnostic.code, diagnostic.line, diagnostic.column) == ("DUR003", 2, 5)

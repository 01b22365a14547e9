"""Every event that a run notes has a sentence or a reason for none, and a row on the page of events."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from durable_runtime import events, runs
from durable_runtime.errors import FieldGone

RUNTIME = Path(events.__file__).parent
PAGE = RUNTIME.parents[1] / "docs" / "reference" / "events.md"
ROW = re.compile(r"^\| `(\w+)`(?:, counted as `\w+`)?(\*?) \| .* \| (.*) \| .* \|$", re.MULTILINE)


def noted() -> Iterator[tuple[str, frozenset[str]]]:
    """(code, names of its facts) for each place that notes an event; no names where a comparison brings more facts."""
    for path in sorted(one for one in RUNTIME.rglob("*.py") if one.parent.name != "warehouse"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Attribute(attr="event"), [ast.Constant(str(code)), *others], keywords):
                    yield code, frozenset() if others else frozenset(one.arg for one in keywords if one.arg)
                case ast.Tuple([ast.Constant(str(code)), ast.Dict(keys)]) if path.name != "events.py":
                    yield code, frozenset(str(one.value) for one in keys if isinstance(one, ast.Constant))


NOTED_EVENTS = sorted(set(noted()))
ROWS = {code: (star, facts) for code, star, facts in ROW.findall(PAGE.read_text(encoding="utf-8"))}


def test_what_the_runtime_notes_is_what_the_table_and_the_page_hold() -> None:
    codes = {code for code, _ in NOTED_EVENTS}
    assert codes == set(events.SENTENCES) == set(ROWS)


@pytest.mark.parametrize(("code", "facts"), NOTED_EVENTS)
def test_the_page_names_the_facts_of_an_event(code: str, facts: frozenset[str]) -> None:
    told = ROWS[code][1]
    assert "as above" in told or facts <= set(re.findall(r"`(\w+)`", told))


@pytest.mark.parametrize(("code", "facts"), [one for one in NOTED_EVENTS if one[1]])
def test_a_sentence_names_only_facts_that_its_event_has(code: str, facts: frozenset[str]) -> None:
    assert {name for piece in events.SENTENCES[code] for name in events.named(piece)} <= facts


def test_a_piece_is_said_only_where_its_facts_are_there_and_not_zero() -> None:
    gone = {"object": "Contact", "field": "Title"}
    kept = "Contact.Title is not visible any more; its column keeps what it holds."
    assert events.told("field_not_visible", gone) == kept
    renamed = gone | {"likely_renamed_to": "Role__c"}
    assert events.told("field_not_visible", renamed) == f"{kept} It may have been renamed to Role__c."
    assert events.told("formula_refreshed", {"object": "Deal", "checked": 9, "changed": 0}) == ""
    changed = events.told("formula_refreshed", {"object": "Deal", "checked": 9000, "changed": 1200})
    assert changed == "Deal: 1,200 read because a formula has another value."


def test_equal_notes_are_one_line_and_of_very_many_the_rest_is_counted() -> None:
    assert events.condensed(["a", "b", "a"], "x") == ["a (2 times)", "b"]
    many = [f"note {number}" for number in range(25)]
    assert events.condensed(many, "the record") == [*many[:20], "… and 5 more, all in the record"]


def test_an_event_is_noted_with_its_facts_and_said_in_the_summary() -> None:
    summary = runs.Summary("1-a", "sales", "1.0.0", datetime(2026, 11, 22, 2, tzinfo=UTC))
    summary.event("window_halved", object="Case")
    summary.event("window_halved", object="Case")
    summary.event("ids_compared", object="Case", listed=5, gone=0, read=0)
    assert [one["code"] for one in summary.events] == ["window_halved", "window_halved", "ids_compared"]
    assert list(runs.lines(summary)) == [
        "  Case: a query took Salesforce too long, so its window was read in halves. (2 times)",
        "Found 0 updated records",
        "Run 1-a succeeded",
    ]


def test_an_error_that_concerns_requirements_names_them_once() -> None:
    summary = runs.Summary("1-a", "sales", "1.0.0", datetime(2026, 11, 22, 2, tzinfo=UTC))
    summary.finish(FieldGone("It is gone.", help="Show it.", requirement="R1.1, R2.3"), summary.started_at)
    told = ["Run 1-a waiting", "RUN403: It is gone.", "  What to do: Show it."]
    assert list(runs.lines(summary)) == [*told, "  Requirements: R1.1, R2.3"]
    summary.finish(FieldGone("R1.1 needs it.", help="Show it.", requirement="R1.1"), summary.started_at)
    assert list(runs.lines(summary)) == ["Run 1-a waiting", "RUN403: R1.1 needs it.", "  What to do: Show it."]

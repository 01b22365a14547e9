"""Every event that a run may note, by its code, with what the run's output says of it in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Any

# Code -> pieces of what is said. A piece is said where each fact that it names is there and is not zero; an event
# without pieces stands in run.json only, because it asks nothing of anybody or because an error says the same.
# docs/reference/events.md has a row for each.
SENTENCES: Mapping[str, tuple[str, ...]] = {
    # the schema
    "field_not_visible": (
        "{object}.{field} is not visible any more; its column keeps what it holds.",
        "It may have been renamed to {likely_renamed_to}.",
    ),
    "field_to_extensions": (),
    "field_proposed": (
        "{object}.{field} is new and has no column.",
        "Its values go to {stored_in}.",
        "To give it one: {sentence}",
    ),
    "sensitive_field_held": ("{object}.{field} is new and not read: {why}. To store it all the same: {sentence}",),
    "classification_unknown": ("{object}.{field} is stored, but this user may not see whether it is sensitive.",),
    "field_widened": (),
    "field_retyped": (
        "{object}.{field} is now {type}; what does not fit its column exactly goes to extensions.",
        "To change the column: {sentence}",
    ),
    "field_calculated": ("{object}.{field} is a formula now: its values move without a stamp, and are compared.",),
    "values_in_extensions": ("{object}.{field}: what does not fit its column went to extensions ({count:,}).",),
    "picklist_value_unlisted": ("{object}.{field} has a new value that the requirements do not map: {value}",),
    "picklist_value_retired": (),
    # Salesforce and its clock
    "salesforce_warning": ("Warning: {text}",),
    "clock_skew": ("This machine's clock and Salesforce's differ by {seconds:,} seconds; Salesforce's counts.",),
    "clock_set_back": ("Salesforce's clock went back by {seconds:,} seconds: as much more was read again.",),
    # reading
    "resumed": ("{object}: went on behind a run that ended early, whose window ended at {window_end}.",),
    "rest_instead_of_bulk": ("{object}: the Bulk API does not serve this object, so it was read over REST.",),
    "window_halved": ("{object}: a query took Salesforce too long, so its window was read in halves.",),
    "job_submitted_again": ("{object}: what a Bulk job brought could not be used, so the job was submitted again.",),
    "part_read_again": ("{object}: Salesforce sent another number of records than it counts; they were read again.",),
    "session_renewed": ("Salesforce ended the session, and the run logged in again ({count:,}×).",),
    "page_repeated": ("{object}: a query sent a record twice, so it was read again.",),
    "nul_bytes_removed": ("{object}: NUL bytes, which no warehouse stores, were taken out of texts ({count:,}).",),
    "halves_replaced": ("{object}: {count:,} halves of characters, which no warehouse stores, are ? in texts.",),
    "lookup_refreshed": ("{object}: {read:,} read because a related record changed.",),
    "formula_refreshed": ("{object}: {changed:,} read because a formula has another value.",),
    # what the windows cannot show
    "ids_compared": (),
    "read_by_id": ("{object}: {count:,} read by Id, which the table lacked or held too old.",),
    "unseen": ("{object}: {count:,} left out of a list of Ids are there after all, and stay.",),
    "delete_log_refused": ("{object}: Salesforce does not show its log of deletes; counts and Ids take its place.",),
    "unsettled": (),
    # the requirements
    "history_kept": (
        "{object}: history from {begins} on is loaded already; it stays and is kept up to date, whatever {since} says.",
    ),
    "phones_not_normalised": (
        "{object}.{field}: {count:,} texts stay as they are written, not as E.164.",
        "{no_region:,} have no + and the requirements name no region.",
        "{extension:,} have an extension.",
        "{invalid:,} are no valid number, or more than a number.",
    ),
    "rule_broken": (),
    "not_enforced": (),
    "loaded_in_place": (
        "{object}: version {version} is loaded in place and was not promoted, but {requirement} asks for blue/green.",
    ),
    # what a person decides
    "guard_passed": ("{found}; somebody let it pass ({guard}).",),
    "task_opened": (),
    "task_closed": ("Task {task} is closed: {reason}.",),
    # dead letters that are tried again
    "rejects_replayed": (
        "{object}: {count:,} rejected records were tried again.",
        "{accepted:,} are not rejected any more.",
    ),
    "rejects_read_again": ("{object}: {count:,} of them were read from Salesforce again: {why}.",),
    "rejects_not_there": ("{object}: {count:,} are not in Salesforce any more; the next run takes them out.",),
    "rows_of_another_spec": ("{object}: its requirements changed; the next run reads it whole and settles the rest.",),
    "not_switched": ("The target was not replaced: what this run built is not complete.",),
}
MOST_LINES = 20


def told(code: str, facts: Mapping[str, Any]) -> str:
    """What the run's output says of an event; empty for one that stands in run.json only."""
    said = (piece.format_map(facts) for piece in SENTENCES.get(code, ()) if all(map(facts.get, named(piece))))
    return " ".join(said)


def named(piece: str) -> list[str]:
    """The facts that a piece of a sentence names."""
    return [name for _, name, _, _ in Formatter().parse(piece) if name]


def condensed(notes: Iterable[str], where: str) -> list[str]:
    """Notes as lines: equal ones once with their number, and of very many the first, with where the others are."""
    counted: dict[str, int] = {}
    for note in notes:
        counted[note] = counted.get(note, 0) + 1
    lines = [f"{note} ({times} times)" if times > 1 else note for note, times in counted.items()]
    left = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], f"… and {left:,} more, all in {where}"] if left > 0 else lines

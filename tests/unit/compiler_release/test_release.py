"""The next version, its notes and its commit message follow from the changes alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from durable_compiler import release
from durable_compiler.changes import Level

OLD: dict[str, Any] = {
    "requirements": [
        {"id": "R1.1", "text": "Syncs Contacts", "echo": "Syncs Contacts from Salesforce", "line": 3},
        {"id": "R1.2", "text": "Runs nightly at 2", "echo": "Runs daily at 02:00 UTC", "line": 4},
    ],
    "schedule": {"cron": "0 2 * * *", "timezone": "UTC"},
    "source": {"objects": [{"name": "Contact", "fields": ["Id", "Email"]}]},
    "assumptions": [{"requirement": "R1.1", "key": "write.mode", "value": "upsert", "why": "R1.1 does not say"}],
    "trace": {"source.objects": ["R1.1"], "schedule": ["R1.2"]},
}
FIRST_NOTES = """## 1.0.0

First release of customer_data.

- R1.1: Syncs Contacts from Salesforce
- R1.2: Runs daily at 02:00 UTC

### Assumptions

- R1.1: write.mode = upsert (R1.1 does not say)

### Data

- new objects, rows or columns are filled from Salesforce by the next run: R1.1
"""
LATER_NOTES = """## 2.0.0

Major release after 1.4.2.

- R1.1: no longer reads Contact.Email (major)
- R1.2: runs at 03:00 UTC, was 02:00 UTC (minor)

### Assumptions

- R1.1: assumes write.mode = append, was upsert

### Data

- values or rows leave the table: a person must approve it: `source.objects[Contact].fields[Email]`
"""


def changed() -> dict[str, Any]:
    new = copy.deepcopy(OLD)
    new["schedule"]["cron"] = "0 3 * * *"
    new["source"]["objects"][0]["fields"] = ["Id"]
    new["assumptions"][0]["value"] = "append"
    return new


@pytest.mark.parametrize(
    ("previous", "level", "version"),
    [
        (None, "major", "1.0.0"),
        ("1.4.2", "patch", "1.4.3"),
        ("1.4.2", "minor", "1.5.0"),
        ("1.9.9", "minor", "1.10.0"),
        ("1.4.2", "major", "2.0.0"),
        ("1.4.2", None, "1.4.2"),
    ],
)
def test_the_version_follows_from_the_level(previous: str | None, level: Level | None, version: str) -> None:
    assert release.next_version(previous, level) == version


def test_the_first_release_tells_every_requirement_and_assumption() -> None:
    first = release.plan("customer_data", None, None, OLD)
    assert first.notes_markdown == FIRST_NOTES
    assert (first.version, first.tag, first.data_action) == ("1.0.0", "customer_data/v1.0.0", "backfill")
    assert first.commit_message.splitlines()[0] == "customer_data v1.0.0: first release"


def test_a_later_release_tells_what_was_and_what_happens_to_the_data() -> None:
    later = release.plan("customer_data", "1.4.2", OLD, changed())
    assert later.notes_markdown == LATER_NOTES
    assert later.commit_message.splitlines()[0] == (
        "customer_data v2.0.0: R1.1: no longer reads Contact.Email, and 2 more"
    )
    assert later.commit_message.endswith("Data: values or rows leave the table: a person must approve it.\n")


def test_without_changes_the_version_and_the_notes_stay() -> None:
    same = release.plan("customer_data", "1.4.2", OLD, copy.deepcopy(OLD))
    committed = "# Release notes\n\n## 1.4.2\n\nx\n"
    assert (same.version, same.level, same.changes) == ("1.4.2", None, ())
    assert release.prepend(committed, same) == committed


def test_a_rebuild_with_the_same_meaning_is_a_patch() -> None:
    rebuilt = release.plan("customer_data", "1.4.2", OLD, copy.deepcopy(OLD), rebuilt=True)
    assert rebuilt.version == "1.4.3"
    assert release.REBUILT in rebuilt.notes_markdown
    assert rebuilt.commit_message.splitlines()[0] == "customer_data v1.4.3: rebuilt"


def test_notes_stand_newest_first_and_are_not_repeated() -> None:
    first = release.plan("customer_data", None, None, OLD)
    notes = release.prepend(None, first)
    assert notes == "# Release notes\n\n" + FIRST_NOTES
    later = release.plan("customer_data", "1.4.2", OLD, changed())
    both = release.prepend(notes, later)
    assert both == "# Release notes\n\n" + LATER_NOTES + "\n" + FIRST_NOTES
    assert release.prepend(both, later) == both
    assert release.prepend(notes.replace("\n", "\r\n"), later) == both

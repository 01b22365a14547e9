"""Which duplicate came first is told by Created Date: it is stored, or the requirements are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_compiler.interpret import Reading, read_file

SCHEMA = Path(__file__).parents[2] / "cases" / "language" / "corpus" / "salesforce.schema.json"
FIRST = "Deduplicates Contacts by Email, keeping the first"


def reading(folder: Path, *sentences: str) -> Reading:
    lines = ("Syncs Contacts from Salesforce", *sentences)
    text = "".join(f"- R1.{number} {line}\n" for number, line in enumerate(lines, 1))
    return read_file(folder / "requirements" / "firsts.md", SCHEMA, text=text)


@pytest.mark.parametrize(("keep", "stored"), [("first", True), ("latest", False)])
def test_a_list_of_fields_gains_created_date_where_the_first_is_kept(keep: str, stored: bool, tmp_path: Path) -> None:
    rule = f"Deduplicates Contacts by Email, keeping the {keep}"
    found = reading(tmp_path, "Syncs only Email and Last Name of Contacts", rule)
    assert found.pipeline is not None, found.diagnostics
    assert ("CreatedDate" in found.pipeline.source.objects[0].fields) == stored
    told = [(one.requirement, one.why) for one in found.pipeline.assumptions if one.key == "fields.Contact.CreatedDate"]
    assert told == ([("R1.3", "which duplicate came first is told by it")] if stored else [])


def test_a_created_date_that_is_left_out_or_hidden_cannot_tell_the_first(tmp_path: Path) -> None:
    for sentence, code in (("Leaves out Contact Created Date", "DUR057"), ("Hashes Contact Created Date", "DUR065")):
        found = reading(tmp_path, sentence, FIRST)
        assert found.pipeline is None
        assert [(one.code, one.requirement) for one in found.diagnostics] == [(code, "R1.3")]

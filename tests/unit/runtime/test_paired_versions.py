"""What two versions share of one reading, what each of them sees of it, and which versions cannot be compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from durable_runtime.bluegreen import paired, sides
from durable_runtime.errors import ConfigurationError
from durable_runtime.extraction import Landed
from durable_runtime.salesforce.landing import write_records
from durable_runtime.spec import Extract, Mask, Pipeline, Policies, Retry, Schedule, Target, Transform
from durable_runtime.windows import Window

FIELDS = ("Id", "Name", "Account.Name", "Note__c")
NASTY = (
    ("001", 'say "hi"', "a,b", "two\nlines"),
    ("002", "", " ", "\\n \t"),
    ("003", "NULL", "NA", "\r\n"),
    ("004", "é漢😀", "'", '""'),
)
DIALECT = (
    "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', new_line = '\\n', "
    "strict_mode = true"
)


def landed(folder: Path, *pages: tuple[tuple[str, ...], ...]) -> Landed:
    files = []
    for at, rows in enumerate(pages):
        records = [nested(dict(zip(FIELDS, row, strict=True))) for row in rows]
        files.append(write_records(folder / f"{at}.csv", FIELDS, records, frozenset()).path)
    many = sum(map(len, pages))
    return Landed("Contact", tuple(files), FIELDS, many, Window(None, datetime.now(UTC)), "rest", (), 0, (len(pages),))


def nested(row: dict[str, Any]) -> dict[str, Any]:
    return {**{name: value for name, value in row.items() if "." not in name}, "Account": {"Name": row["Account.Name"]}}


def read(files: tuple[Path, ...], fields: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """As a transformation reads pages."""
    spelt = ", ".join(f"'{name}': 'VARCHAR'" for name in fields)
    with duckdb.connect() as database:
        return [
            row
            for file in files
            for row in database.execute(f"FROM read_csv('{file}', columns = {{{spelt}}}, {DIALECT})").fetchall()
        ]


def test_a_version_sees_its_own_fields_of_the_files_byte_by_byte(tmp_path: Path) -> None:
    both = landed(tmp_path, NASTY[:2], (), NASTY[2:])
    fields = ("Note__c", "Id", "Account.Name")
    (tmp_path / "own").mkdir()
    own = paired.seen(both, fields, tmp_path / "own")
    assert own.columns == fields
    assert (own.rows, own.parts, own.window, len(own.files)) == (both.rows, both.parts, both.window, 3)
    whole = {row[0]: row for row in read(both.files, FIELDS)}
    assert len(whole) == 4
    assert read(own.files, fields) == [(row[3], row[0], row[2]) for row in whole.values()]
    assert not any("say" in file.read_text(encoding="utf-8") for file in own.files)


def test_a_version_that_reads_the_same_fields_takes_the_files_as_they_are(tmp_path: Path) -> None:
    both = landed(tmp_path, NASTY)
    assert paired.seen(both, FIELDS, tmp_path / "own") is both


def extract(cursor: str, fields: tuple[str, ...] = ("Id",)) -> Extract:
    return Extract("Contact", fields, lambda fields: f"SELECT {', '.join(fields)} FROM Contact", cursor, ())


def test_versions_with_the_same_stamp_share_its_window_and_others_leave_nothing_out() -> None:
    assert paired._extract([extract("SystemModstamp"), extract("SystemModstamp")]).cursor == "SystemModstamp"
    assert paired._extract([extract("SystemModstamp"), extract("LastModifiedDate")]).cursor == ""


def version(number: str, **policies: Any) -> Pipeline:
    target = Target("duckdb", None, "analytics", "customers", (), (), {})
    stated = replace(Policies(0, 1, "skip", "extensions", Retry(1, "none", 0, ())), **policies)
    when = Schedule("0 2 * * *", "UTC", "")
    return Pipeline("x", number, 1, "", "duckdb", when, (), (), (), {"duckdb": target}, stated, {})


class Job:
    """As much of a job as the check of two versions looks at."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.profile = type("Profile", (), {"warehouse": type("Settings", (), {"kind": "duckdb"})})


def check(old: Pipeline, new: Pipeline) -> None:
    paired.check_versions(paired.Pair(Job(old), Job(new)))  # type: ignore[arg-type]


def test_versions_that_write_the_same_tables_in_the_same_way_are_compared() -> None:
    check(version("1.0.0"), version("2.0.0", deletes="flag", batch_rows=9))


def test_a_version_that_writes_elsewhere_or_otherwise_has_nothing_to_be_compared_with() -> None:
    moved = version("2.0.0")
    moved.targets["duckdb"] = replace(moved.targets["duckdb"], table="others")
    with pytest.raises(ConfigurationError, match=r"2\.0\.0 writes another table than version 1\.0\.0"):
        check(version("1.0.0"), moved)
    for other in (version("2.0.0", mode="history"), version("2.0.0", layout="per_object")):
        with pytest.raises(ConfigurationError, match="another mode or layout"):
            check(version("1.0.0"), other)


def test_a_masked_field_is_hidden_in_its_column_and_in_the_extensions() -> None:
    masks = (Mask("Email", "email_address", "sha256", "R1"), Mask("SSN__c", "ssn", "last4", "R2"))
    one = replace(
        version("1.0.0"), transforms=(Transform("Contact", "", (), masks=masks), Transform("Account", "", ()))
    )
    assert sides.masked(one, "others") == {
        "Contact": {"email_address", "others.Email", "ssn", "others.SSN__c"},
        "Account": frozenset(),
    }

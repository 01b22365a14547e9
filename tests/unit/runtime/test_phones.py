"""Telephone numbers as E.164: never another number than the one that is written, and never a text that is lost."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import seeds
from durable_runtime import phones
from durable_runtime.errors import RequirementUnsupported
from durable_runtime.phones import check, e164, tell
from durable_runtime.runs import Summary
from durable_runtime.spec import Column, Phones, Pipeline, Policies, Retry, Schedule, Transform
from durable_runtime.transformation import Staged, Stamp, stage

READ_AS: dict[str, tuple[str | None, str, str]] = {
    # text: (region, what is stored, why it stays as it is)
    "(202) 555-0143": ("US", "+12025550143", ""),
    "202.555.0143;": ("US", "+12025550143", ""),
    "+44 (0)20 7946 0018": ("US", "+442079460018", ""),
    "+49 30 123456": (None, "+4930123456", ""),
    "030/123456": ("DE", "+4930123456", ""),
    "0049 30 123456": ("DE", "+4930123456", ""),
    "011 49 30 123456": ("US", "+4930123456", ""),
    "0 15 11 3333 4444": ("BR", "+551133334444", ""),
    "06 698 82": ("IT", "+390669882", ""),
    "٢٠٢٥٥٥٠١٤٣": ("US", "+12025550143", ""),
    "\uff0b\uff11 202 555 0143": (None, "+12025550143", ""),
    "+1\u00a0202\u00a0555\u20110143": (None, "+12025550143", ""),
    "1-800-FLOWERS": ("US", "+18003569377", ""),
    "+1 800 FLOWERS": (None, "+18003569377", ""),
    "202-555-0143\n": ("US", "+12025550143", ""),
    # without a region nobody knows where these are dialled from
    "(030) 123456": (None, "(030) 123456", "no_region"),
    "00 49 30 123456": (None, "00 49 30 123456", "no_region"),
    # no place for it in E.164
    "+1 202 555 0143 ext. 5": ("US", "+1 202 555 0143 ext. 5", "extension"),
    "+12025550143,,5": ("US", "+12025550143,,5", "extension"),
    "202-555-0143 #12": ("US", "202-555-0143 #12", "extension"),
    "202 555 0143 x5": ("US", "202 555 0143 x5", "extension"),
    # a remark, a second number, a name: what is left of them would be another number, or only a part of what is written
    "+49 30 123456 (office)": ("DE", "+49 30 123456 (office)", "invalid"),
    "202 555 0143 home": ("US", "202 555 0143 home", "invalid"),
    "Mobile: +1 202 555 0143": ("US", "Mobile: +1 202 555 0143", "invalid"),
    "tel:+1-202-555-0143": ("US", "tel:+1-202-555-0143", "invalid"),
    "2025550143x": ("US", "2025550143x", "invalid"),
    "030 123456 / 030 123457": ("DE", "030 123456 / 030 123457", "invalid"),
    "202 555 0143 or 202 555 0144": ("US", "202 555 0143 or 202 555 0144", "invalid"),
    # no number of any plan
    "+1 555 555 5555": ("US", "+1 555 555 5555", "invalid"),
    "911": ("US", "911", "invalid"),
    "unknown": ("US", "unknown", "invalid"),
    " ": ("US", " ", "invalid"),
    "+": (None, "+", "invalid"),
    "+999 123456": (None, "+999 123456", "invalid"),
    "9" * 300: ("US", "9" * 300, "invalid"),
    "\u0660" * 5000: ("US", "\u0660" * 5000, "invalid"),
    "202\x00555\x000143": ("US", "202\x00555\x000143", "invalid"),
}


@pytest.mark.parametrize("text", READ_AS, ids=lambda one: ascii(one)[:40])
def test_a_text_becomes_the_number_that_it_writes_or_stays_as_it_is(text: str) -> None:
    region, stored, why = READ_AS[text]
    assert e164(text, region) == (stored, why or None)


def test_without_a_region_no_country_is_guessed() -> None:
    for region in (None, "US", "DE", "FR"):
        assert e164("+33 1 42 68 53 00", region) == ("+33142685300", None)
    assert {e164("01 42 68 53 00", region)[0] for region in (None, "FR")} == {"01 42 68 53 00", "+33142685300"}


CALLED = st.sampled_from([None, "US", "DE", "FR", "GB", "BR", "IT", "AR", "JP", "XX"])
PIECES = st.sampled_from(
    [*"0123456789", *"0123456789", "+", "00", "(0)", " ", "-", "/", ".", "(", ")", "ext", "x", "#", ",", ";", "call me",
     "é", "٣", "\uff14", "'", '"', "\n", "+49 30 123456", "202 555 0143", "+44 20 7946 0018", "\u202a"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=14).map("".join)


@given(TEXTS, CALLED)
@settings(max_examples=len(seeds(300)), deadline=None)
def test_a_number_is_what_the_library_makes_of_a_text_that_holds_nothing_else(text: str, region: str | None) -> None:
    stored, why = e164(text, region)
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        assert (stored, why) in ((text, "invalid"), (text, "no_region"))
        return
    expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if why is None:
        assert stored == expected
        assert e164(stored, None) == (stored, None)  # whoever reads it again sees the same number
        assert number.extension is None
    else:
        assert stored == text
        plain = phonenumbers.is_valid_number(number) and number.extension is None
        assert not plain or any(one.isalpha() for one in text)


# --- a page at a time ------------------------------------------------------------------------------------------------

STAMP = Stamp("run-1", datetime.fromisoformat("2026-11-22T01:00:00"), "1.0.0")
SELECT = """
SELECT "Id" AS source_id, TIMESTAMP '2026-01-01' AS source_modified_at, FALSE AS is_deleted,
    NULL::TIMESTAMP AS __created_at, e164(nullif(trim("Text"), '')) AS text, upper(e164("Number")) AS number,
    NULL::VARCHAR AS __misfit, __extensions AS extensions, __record
FROM landed
"""
COLUMNS = tuple(Column(name.lower(), "VARCHAR", "VARCHAR", name) for name in ("Text", "Number"))


def staged(folder: Path, pages: Sequence[Sequence[tuple[str, str]]], region: str | None) -> Staged:
    """Pages of two columns of numbers, named like what a lookup might be called, staged."""
    texts = (("text", "nullif(trim(\"Text\"), '')"), ("number", '"Number"'))
    files, records = [], 0
    for at, page in enumerate(pages):
        file = folder / f"page-{at}.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
            writer.writerow(("Id", "Text", "Number"))
            writer.writerows((f"{at:06d}{place:012d}", *row) for place, row in enumerate(page))
        files.append(file)
        records += len(page)
    return stage(
        Transform("Contact", SELECT, COLUMNS, phones=Phones(region, texts)), files, header=("Id", "Text", "Number"),
        extra=(), requirement="R1", stamp=STAMP, batch_rows=100_000, folder=folder / "staged", key=b"k" * 32,
        records=records,
    )  # fmt: skip


def rows(one: Staged) -> list[tuple[str | None, str | None]]:
    with duckdb.connect() as database:
        paths = [str(path) for path, _ in one.batches]
        return database.execute("SELECT text, number FROM read_parquet(?) ORDER BY source_id", [paths]).fetchall()


@given(st.lists(st.lists(st.tuples(TEXTS, TEXTS), max_size=6), min_size=1, max_size=3), CALLED)
@settings(max_examples=len(seeds(15)), deadline=None)
def test_every_value_of_every_page_is_what_one_call_for_it_alone_gives(
    tmp_path_factory: pytest.TempPathFactory, pages: list[list[tuple[str, str]]], region: str | None
) -> None:
    one = staged(tmp_path_factory.mktemp("page"), pages, region)
    values = [row for page in pages for row in page]
    cleaned = [(text.strip(" ") or None, number or None) for text, number in values]
    made = [[None if text is None else e164(text, region) for text in row] for row in cleaned]
    assert rows(one) == [(text and text[0], number and number[0].upper()) for text, number in made]
    whys = Counter(
        (column, found[1]) for row in made for column, found in zip(("text", "number"), row, strict=True) if found
    )
    assert one.kept == {key: count for key, count in whys.items() if key[1] is not None}


def test_a_text_is_read_once_however_often_it_stands_on_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()

    def counted(text: str, region: str | None) -> tuple[str, str | None]:
        asked[text] += 1
        return e164(text, region)

    monkeypatch.setattr(phones, "e164", counted)
    page = [("(202) 555-0143", "030 1"), ("(202) 555-0144", "(202) 555-0143"), ("x", "")] * 700
    one = staged(tmp_path, [page], "US")
    assert asked == {"(202) 555-0143": 1, "(202) 555-0144": 1, "030 1": 1, "x": 1}
    assert rows(one)[:3] == [("+12025550143", "030 1"), ("+12025550144", "+12025550143"), ("x", None)]
    assert one.kept == {("text", "invalid"): 700, ("number", "invalid"): 700}


def test_more_texts_than_are_held_at_once_are_all_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phones, "AT_ONCE", 7)
    page = [(f"(202) 555-{at:04d}", f"no {at}") for at in range(100)]
    one = staged(tmp_path, [page, page[:50]], "US")
    expected = [(f"+1202555{at:04d}", f"NO {at}") for at in range(100)]
    assert rows(one) == [*expected, *expected[:50]]
    assert one.kept == {("number", "invalid"): 150}


# --- packages --------------------------------------------------------------------------------------------------------


def pipeline(named: tuple[str, ...], said: Phones | None) -> Pipeline:
    """A package whose policies name columns and whose transform says this of them."""
    policies = Policies(
        600, 50_000, "skip", "extensions", Retry(5, "exponential", 900, ()), phones=named,
        requirements=(("phones", "R3.2"),),
    )  # fmt: skip
    transform = Transform("Contact", SELECT, COLUMNS, phones=said)
    return Pipeline(
        "p", "1.0.0", 1, "", "duckdb", Schedule("0 2 * * *", "UTC", "R1"), (), (), (transform,), {}, policies, {}
    )


def test_a_package_of_before_numbers_were_formatted_is_refused() -> None:
    said = Phones("US", (("text", '"Text"'),))
    check(pipeline((), None))
    check(pipeline(("Contact.text",), said))
    for named, found in ((("Contact.text",), None), (("Contact.text", "Contact.number"), said)):
        with pytest.raises(RequirementUnsupported, match="compiled by a version that could not format them") as refused:
            check(pipeline(named, found))
        assert named[-1] in refused.value.message
        assert "Compile the pipeline again" in refused.value.help
        assert refused.value.requirement == "R3.2"


def test_what_stays_is_told_by_field_with_why() -> None:
    summary = Summary("run-1", "p", "1.0.0", datetime.now(UTC))
    kept = {("number", "invalid"): 2, ("text", "extension"): 1, ("number", "no_region"): 1_200}
    tell(summary, Transform("Contact", SELECT, COLUMNS), kept)
    assert [tuple(one.values())[1:] for one in summary.events] == [
        ("Contact", "Number", 1202, 1200, 0, 2),
        ("Contact", "Text", 1, 0, 1, 0),
    ]
    assert summary.notes[0] == (
        "Contact.Number: 1,202 texts stay as they are written, not as E.164. "
        "1,200 have no + and the requirements name no region. 2 are no valid number, or more than a number."
    )

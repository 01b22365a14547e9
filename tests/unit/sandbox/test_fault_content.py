"""Pages of results taken apart for faults: every byte is kept, and a record is what a reader takes for one."""

from __future__ import annotations

import json

import pytest

from durable_sandbox import fault_content

HEAD = '"Id","Name"\n'
ROWS = ('"1","plain"\n', '"2","two\nlines, ""quoted"" and more"\n', '"3",""\n', '"4","last"\n')
RECORDS = ('{"Id":"1","Amount":1.10}', '{"Id":"2","Name":"a \\"b\\" ],{"}', '{"Id":"3","Amount":1E7}')
BODY = '{"totalSize":3,"done":true,"records":[' + ",".join(RECORDS) + "]}"


def page(text: str) -> fault_content.Page:
    found = fault_content.read(text.encode())
    assert found is not None
    assert found.text == text
    return found


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_csv_record_may_hold_line_breaks_and_quotes(ending: str) -> None:
    rows = tuple(row[:-1] + ending for row in ROWS)
    assert page(HEAD[:-1] + ending + "".join(rows)).rows == rows


def test_json_records_keep_their_text() -> None:
    found = page(BODY)
    assert (found.rows, found.tail) == (RECORDS, "]}")
    assert page('{"totalSize":0,"done":true,"records":[]}').rows == ()


@pytest.mark.parametrize("text", ["", "<html>", '{"state":"InProgress"}', "[1]"])
def test_other_content_is_no_page(text: str) -> None:
    assert fault_content.read(text.encode()) is None


@pytest.mark.parametrize("rows", [ROWS, ROWS[1:], ROWS[1:2]])
def test_a_cut_inside_a_value_leaves_its_quotes_open(rows: tuple[str, ...]) -> None:
    text = HEAD + "".join(rows)
    found = fault_content.cut(page(text), "value")
    assert found is not None
    begun, kept = found
    assert kept == len(rows) // 2
    assert text.startswith(begun)
    assert begun.count('"') % 2 == 1
    assert begun.startswith(HEAD + "".join(rows[:kept]))


@pytest.mark.parametrize("name", ["a", "ab", '""', 'x""', '""x', '""""""', 'a""b""c'])
def test_no_doubled_quote_is_taken_for_the_end_of_a_value(name: str) -> None:
    found = fault_content.cut(page(f'"N"\n"{name}"\n'), "value")
    assert found is not None
    assert found[0].count('"') % 2 == 1
    assert len(found[0]) > len('"N"\n')


@pytest.mark.parametrize(("where", "kept"), [("row", 2), ("header", 0), (3, 3), (0, 0)])
def test_a_cut_between_records_keeps_whole_ones(where: str | int, kept: int) -> None:
    assert fault_content.cut(page(HEAD + "".join(ROWS)), where) == (HEAD + "".join(ROWS[:kept]), kept)


@pytest.mark.parametrize("where", ["row", "value", "header", 0])
def test_a_page_without_records_cannot_be_cut(where: str | int) -> None:
    assert fault_content.cut(page(HEAD), where) is None
    assert fault_content.cut(page(HEAD + ROWS[0]), 1) is None


def test_json_with_fewer_records_is_json_once_its_end_is_back() -> None:
    found = fault_content.cut(page(BODY), 2)
    assert found is not None
    assert json.loads(found[0] + "]}")["records"] == [json.loads(record) for record in RECORDS[:2]]


def test_nul_goes_inside_a_value_that_is_not_empty() -> None:
    found = fault_content.spoiled(page(HEAD + "".join(ROWS)), 3)
    assert found is not None
    assert [row.replace("\0", "") for row in found.rows] == list(ROWS)
    assert [row.index("\0") for row in found.rows[:3]] == [ROWS[0].index("lain"), ROWS[1].index("wo"), 2]
    assert "\0" not in found.rows[3]
    spoiled = fault_content.spoiled(page(BODY), 3)
    assert spoiled is not None
    assert json.loads(spoiled.rows[1])["Name"] == 'a\0 "b" ],{'
    assert fault_content.spoiled(page(HEAD + '"",""\n'), 1) is None


def test_rows_are_doubled_or_the_last_one_is_replaced() -> None:
    doubled, replaced = fault_content.doubled(page(BODY)), fault_content.replaced(page(BODY))
    assert doubled is not None and replaced is not None
    assert [record["Id"] for record in json.loads(doubled.text)["records"]] == ["1", "2", "3"] * 2
    assert [record["Id"] for record in json.loads(replaced.text)["records"]] == ["1", "2", "2"]
    assert fault_content.replaced(page(HEAD + ROWS[0])) is None
    assert fault_content.doubled(page(HEAD)) is None

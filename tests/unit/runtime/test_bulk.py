"""Bulk pages: counted by quote parity, verified against what Salesforce announced, read again once."""

from __future__ import annotations

import csv
import errno
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_runtime.errors import DiskFull, Incomplete, QueryTooSlow
from durable_runtime.progress import Progress
from durable_runtime.salesforce import bulk
from durable_runtime.salesforce.landing import RecordCounter, disk_full, write_records
from durable_runtime.salesforce.session import Session
from unit.runtime.scripted_salesforce import (
    API,
    EXPIRED,
    RETRY,
    Answer,
    Pauses,
    Script,
    csv_page,
    job,
    scripted,
    settings,
)

RESULTS = f"GET {API}/jobs/query/750A/results"
JOB = f"GET {API}/jobs/query/750A"


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as running:
        yield running


@pytest.fixture
def session(script: Script) -> Iterator[Session]:
    with Session(settings(script.url), RETRY, Pauses().clock()) as opened:
        yield opened


def ids(paths: list[Path]) -> list[str]:
    found: list[str] = []
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            found.extend(row["Id"] for row in csv.DictReader(file))
    return found


@given(
    st.lists(st.lists(st.text(alphabet='ab",\n\r é', max_size=8), min_size=2, max_size=2), max_size=12),
    st.integers(min_value=1, max_value=7),
)
def test_records_are_counted_whatever_the_text_and_the_chunks(rows: list[list[str]], size: int) -> None:
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([["Id", "Name"], *rows])
    content, counter = file.getvalue().encode(), RecordCounter()
    for start in range(0, len(content), size):
        counter.feed(content[start : start + size])
    assert counter.rows == len(rows)
    assert counter.columns == ("Id", "Name")
    assert counter.whole


def test_pages_are_followed_until_the_locator_is_null(script: Script, session: Session, tmp_path: Path) -> None:
    script.on(RESULTS, csv_page(3, locator="MQ"), csv_page(2, start=3, locator="null"))
    pages = bulk.download(session, bulk.Job("750A", 5), Progress(tmp_path))
    assert [page.rows for page in pages] == [3, 2]
    assert ids([page.path for page in pages]) == [f"{n:018d}" for n in range(5)]
    assert script.parameters[-2:] == [{"maxRecords": "50000"}, {"maxRecords": "50000", "locator": "MQ"}]


@pytest.mark.parametrize("locator", ["null", ""])
def test_every_end_of_the_pages_is_understood(script: Script, session: Session, tmp_path: Path, locator: str) -> None:
    script.on(RESULTS, csv_page(1, locator=locator))
    assert len(bulk.download(session, bulk.Job("750A", 1), Progress(tmp_path))) == 1


@pytest.mark.parametrize(
    "bad",
    [
        csv_page(2, promised=3),
        Answer(200, b'"Id","Name"\n"1","a"\n"2","b"\n"3","cut in', {"Sforce-NumberOfRecords": "3"}),
    ],
    ids=["fewer", "cut in a value"],
)
def test_a_page_that_does_not_match_is_read_again(
    script: Script, session: Session, tmp_path: Path, bad: Answer
) -> None:
    script.on(RESULTS, bad, csv_page(3))
    assert ids([page.path for page in bulk.download(session, bulk.Job("750A", 3), Progress(tmp_path))]) == [
        f"{n:018d}" for n in range(3)
    ]


def test_a_page_that_never_matches_is_incomplete(script: Script, session: Session, tmp_path: Path) -> None:
    script.on(RESULTS, csv_page(2, promised=3))
    with pytest.raises(Incomplete, match="holds 2 records where Salesforce announced 3") as caught:
        bulk.download(session, bulk.Job("750A", 3), Progress(tmp_path))
    assert caught.value.exit_code == 6
    assert script.times(RESULTS) == 2


def test_a_sum_that_never_matches_the_job_is_incomplete(script: Script, session: Session, tmp_path: Path) -> None:
    script.on(RESULTS, csv_page(2))
    with pytest.raises(Incomplete, match="processed 9 records and delivered 2"):
        bulk.download(session, bulk.Job("750A", 9), Progress(tmp_path))


def test_a_locator_that_repeats_ends_instead_of_looping(script: Script, session: Session, tmp_path: Path) -> None:
    script.on(RESULTS, csv_page(1, locator="MQ"))
    with pytest.raises(Incomplete, match="the same locator twice"):
        bulk.download(session, bulk.Job("750A", 5), Progress(tmp_path))


def test_a_page_cut_by_the_network_is_fetched_again(script: Script, session: Session, tmp_path: Path) -> None:
    whole = csv_page(4)
    script.on(RESULTS, Answer(200, whole.body[:60], whole.headers, cut=200), whole)
    assert bulk.download(session, bulk.Job("750A", 4), Progress(tmp_path))[0].rows == 4


def test_a_session_that_expires_between_pages_is_renewed(script: Script, session: Session, tmp_path: Path) -> None:
    script.on(RESULTS, csv_page(2, locator="MQ"), Answer(401, EXPIRED), csv_page(1, start=2))
    assert [page.rows for page in bulk.download(session, bulk.Job("750A", 3), Progress(tmp_path))] == [2, 1]
    assert script.times("POST /services/oauth2/token") == 2


def test_nul_bytes_are_taken_out_and_counted(script: Script, session: Session, tmp_path: Path) -> None:
    script.on(RESULTS, Answer(200, b'"Id","Name"\n"1","a\x00b\x00"\n', {"Sforce-NumberOfRecords": "1"}))
    (page,) = bulk.download(session, bulk.Job("750A", 1), Progress(tmp_path))
    assert page.nul_bytes == 2
    assert page.path.read_bytes() == b'"Id","Name"\n"1","ab"\n'


def test_jobs_are_polled_together_with_growing_pauses(script: Script) -> None:
    script.on(JOB, job("InProgress"), job("InProgress"), job("InProgress"), job("JobComplete", 7))
    script.on(f"GET {API}/jobs/query/750B", job("JobComplete", 2, "750B"))
    pauses = Pauses()
    with Session(settings(script.url), RETRY, pauses.clock()) as session:
        ended = list(bulk.finished(session, [bulk.Job("750A"), bulk.Job("750B")], pauses.clock()))
    assert ended == [bulk.Job("750B", 2), bulk.Job("750A", 7)]
    assert pauses.slept == pytest.approx([0.2, 0.2, 0.3])


def test_a_failed_job_says_why(script: Script, session: Session, tmp_path: Path) -> None:
    script.on(JOB, Answer(body={"id": "750A", "state": "Failed", "errorMessage": "Retried more than fifteen times"}))
    (ended,) = bulk.finished(session, [bulk.Job("750A")], Pauses().clock())
    with pytest.raises(QueryTooSlow, match="Retried more than fifteen times"):
        bulk.download(session, ended, Progress(tmp_path))


def test_jobs_that_cannot_be_deleted_are_named(script: Script, session: Session) -> None:
    script.on(f"DELETE {API}/jobs/query/750A", Answer(204))
    assert bulk.delete(session, ["750A", "750B"]) == ("750B",)


def test_rest_records_are_written_as_bulk_writes_them(tmp_path: Path) -> None:
    record = {
        "Id": "1",
        "Name": 'He said "2024-01-01T00:00:00.000+0000"',
        "Note": "2024-01-01T00:00:00.000+0000",
        "CreatedDate": "2024-01-01T00:00:00.000+0000",
        "Active": True,
        "Amount": "12.50",
        "Parent": None,
        "Owner": {"attributes": {}, "Name": "Jo"},
    }
    columns = ("Id", "Name", "Note", "CreatedDate", "Active", "Amount", "Parent.Name", "Owner.Name")
    page = write_records(tmp_path / "page.csv", columns, [record], frozenset({"CreatedDate"}))
    assert page.path.read_text(encoding="utf-8").splitlines()[1] == (
        '"1","He said ""2024-01-01T00:00:00.000+0000""","2024-01-01T00:00:00.000+0000",'
        '"2024-01-01T00:00:00.000Z","true","12.50","","Jo"'
    )


def test_half_a_character_that_json_can_say_and_no_text_can_hold_becomes_a_question_mark_and_is_counted(
    tmp_path: Path,
) -> None:
    record = json.loads(r'{"Id": "1", "Name": "cut \ud83d", "Note": "whole \ud83d\ude42", "Other": "\ude42\ud83d"}')
    page = write_records(tmp_path / "page.csv", ("Id", "Name", "Note", "Other"), [record], frozenset())
    assert page.path.read_text(encoding="utf-8").splitlines()[1] == '"1","cut ?","whole 🙂","??"'
    assert (page.rows, page.nul_bytes, page.halves) == (1, 0, 3)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_page_that_finds_no_room_is_a_full_disk() -> None:
    with pytest.raises(DiskFull, match="no room left to land records"):
        write_records(Path("/dev/full"), ("Id",), [{"Id": "1"}], frozenset())


def test_a_full_disk_is_told_apart_from_other_errors(tmp_path: Path) -> None:
    with pytest.raises(DiskFull) as caught, disk_full(tmp_path / "page.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.exit_code == 6
    with pytest.raises(PermissionError), disk_full(tmp_path / "page.csv"):
        raise PermissionError(errno.EACCES, "Permission denied")

"""Windows, the choice of API, and the proof that everything inside a window was landed."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_runtime.errors import Incomplete, SalesforceUnavailable
from durable_runtime.extraction import Landed, Reader, count, extract, ids_of, land
from durable_runtime.salesforce.session import Session
from durable_runtime.windows import Plan, Window, statement, window
from unit.runtime.scripted_salesforce import (
    API,
    RETRY,
    Answer,
    Pauses,
    Script,
    account,
    csv_page,
    job,
    scripted,
    settings,
    total,
)

QUERY_ALL, QUERY = f"GET {API}/queryAll", f"GET {API}/query"
JOBS, JOB, RESULTS = f"POST {API}/jobs/query", f"GET {API}/jobs/query/750A", f"GET {API}/jobs/query/750A/results"
HI = datetime(2026, 11, 22, 2, 0, 1, tzinfo=UTC)
FIRST = Plan(account(), ("Id", "Name"), Window(None, HI))


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as running:
        fields: list[dict[str, Any]] = [{"name": name, "type": "string", "referenceTo": []} for name in ("Id", "Name")]
        running.on(f"GET {API}/sobjects/Account/describe", Answer(body={"name": "Account", "fields": fields}))
        running.on(JOBS, job("UploadComplete"))
        running.on(JOB, job("JobComplete", 3000))
        running.on(RESULTS, csv_page(3000))
        yield running


def read(script: Script, folder: Path, *plans: Plan) -> dict[str, Landed]:
    clock = Pauses().clock()
    with Session(settings(script.url), RETRY, clock) as session:
        return extract(Reader(session, folder, RETRY, clock), plans).landed


def records(number: int) -> Answer:
    found = [{"attributes": {}, "Id": f"{n:018d}", "Name": f'Line one\nsays "hi" {n}'} for n in range(number)]
    return Answer(body={"totalSize": number, "done": True, "records": found})


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 22, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("watermark", "overlap", "now", "horizon", "expected"),
    [
        (None, 600, at(2), 0, Window(None, at(2, 0, 1))),
        (None, 600, at(2), 300, Window(None, at(1, 55, 1))),
        (at(1), 600, at(2), 0, Window(at(0, 50), at(2, 0, 1))),
        (at(1), 0, at(2), 0, Window(at(0, 59, 59), at(2, 0, 1))),
        (at(3), 600, at(2), 0, Window(at(3), at(3))),
        (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), 600, at(2), 0, Window(datetime(1970, 1, 1, tzinfo=UTC), at(2, 0, 1))),
    ],
    ids=["first", "horizon", "overlap", "least overlap", "clock behind", "epoch"],
)
def test_windows_follow_the_servers_clock(
    watermark: datetime | None, overlap: int, now: datetime, horizon: int, expected: Window
) -> None:
    assert window(watermark, overlap, now, horizon) == expected


@given(
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(min_value=0, max_value=10**6),
    st.integers(min_value=0, max_value=10**6),
)
def test_no_clock_moves_a_watermark_back_or_leaves_a_gap(
    watermark: datetime, now: datetime, overlap: int, horizon: int
) -> None:
    found = window(watermark, overlap, now, horizon)
    assert found.lo is not None
    assert found.hi >= watermark >= found.lo
    assert found.lo >= datetime(1970, 1, 1, tzinfo=UTC)


def test_the_window_is_appended_to_the_reviewed_statement() -> None:
    assert statement(replace(FIRST, window=Window(at(1), HI))) == (
        "SELECT Id, Name FROM Account WHERE SystemModstamp >= 2026-11-22T01:00:00.000Z"
        " AND SystemModstamp < 2026-11-22T02:00:01.000Z"
    )
    assert statement(FIRST) == "SELECT Id, Name FROM Account WHERE SystemModstamp < 2026-11-22T02:00:01.000Z"


def test_only_a_first_load_carries_the_superset_of_the_filter() -> None:
    chosen = replace(account(), first="Type = 'Customer' OR Type = null")
    window = "SystemModstamp < 2026-11-22T02:00:01.000Z"
    first = replace(FIRST, extract=chosen, first=True)
    assert statement(first) == (f"SELECT Id, Name FROM Account WHERE {window} AND (Type = 'Customer' OR Type = null)")
    assert statement(replace(first, first=False)) == f"SELECT Id, Name FROM Account WHERE {window}"


def test_a_condition_in_the_statement_keeps_its_meaning_next_to_the_window() -> None:
    chosen = replace(account(), soql=lambda _fields: "SELECT Id FROM Account WHERE A = 1 OR B = 2")
    assert statement(replace(FIRST, extract=chosen)) == (
        "SELECT Id FROM Account WHERE (A = 1 OR B = 2) AND SystemModstamp < 2026-11-22T02:00:01.000Z"
    )


def test_a_page_with_other_columns_is_not_taken_for_the_answer(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, total(3000))
    other = csv_page(3000)
    script.on(RESULTS, replace(other, body=other.body.replace(b'"Name"', b'"Phone"', 1)))
    with pytest.raises(Incomplete, match="header does not name the fields"):
        read(script, tmp_path, FIRST)


def test_an_empty_window_asks_for_nothing_and_lands_a_header(script: Script, tmp_path: Path) -> None:
    landed = read(script, tmp_path, replace(FIRST, window=Window(HI, HI)))["Account"]
    assert (landed.rows, landed.files[0].read_text()) == (0, '"Id","Name"\n')
    assert script.asked == []


def test_few_records_are_read_over_rest_deleted_ones_too(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, total(3), records(3), total(3))
    landed = read(script, tmp_path, FIRST)["Account"]
    assert (landed.api, landed.rows, landed.jobs, landed.columns) == ("rest", 3, (), ("Id", "Name"))
    assert script.parameters[1]["q"].startswith("SELECT COUNT() FROM Account WHERE SystemModstamp < ")
    assert script.times(JOBS) == 0
    assert stat.S_IMODE(landed.files[0].parent.stat().st_mode) == 0o700


def test_many_records_are_read_by_a_bulk_job(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, total(3000))
    landed = read(script, tmp_path, FIRST)["Account"]
    assert (landed.api, landed.rows, landed.jobs) == ("bulk", 3000, ("750A",))
    assert b'"operation":"queryAll"' in script.bodies[2].replace(b": ", b":")


def test_rest_and_bulk_give_byte_equal_rows(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, total(3000))
    bulk = read(script, tmp_path / "bulk", FIRST)["Account"]
    script.on(QUERY_ALL, total(1999), records(3000), total(3000))
    rest = read(script, tmp_path / "rest", FIRST)["Account"]
    assert (bulk.api, rest.api) == ("bulk", "rest")
    assert bulk.files[0].read_bytes() == rest.files[0].read_bytes()


def test_an_object_that_bulk_does_not_know_is_read_over_rest(script: Script, tmp_path: Path) -> None:
    refused = [{"message": "Account is not supported by the Bulk API", "errorCode": "INVALIDENTITY"}]
    script.on(JOBS, Answer(400, refused))
    script.on(QUERY_ALL, total(3000), records(3000), total(3000))
    landed = read(script, tmp_path, FIRST)["Account"]
    assert (landed.api, landed.rows) == ("rest", 3000)


def test_a_number_between_both_counts_is_complete(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, total(2990), total(3010))
    assert read(script, tmp_path, FIRST)["Account"].rows == 3000


def test_a_number_outside_both_counts_is_read_again(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, total(3005), total(3005), total(3005))
    script.on(JOB, job("JobComplete", 3000), job("JobComplete", 3005))
    script.on(RESULTS, csv_page(3000), csv_page(3005))
    landed = read(script, tmp_path, FIRST)["Account"]
    assert (landed.rows, script.times(JOBS)) == (3005, 2)
    assert landed.jobs == ("750A", "750A")


def test_a_number_outside_both_counts_twice_is_incomplete(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, total(3005))
    with pytest.raises(Incomplete, match="counted 3005 records before and 3005 after reading, but sent 3000") as caught:
        read(script, tmp_path, FIRST)
    assert caught.value.exit_code == 6
    assert script.times(JOBS) == 2


def test_every_job_is_submitted_before_the_first_poll(script: Script, tmp_path: Path) -> None:
    other = replace(account(), object="Contact")
    script.on(QUERY_ALL, total(3000))
    script.on(JOBS, job("UploadComplete"), job("UploadComplete", name="750B"))
    script.on(f"GET {API}/jobs/query/750B", job("JobComplete", 2500, "750B"))
    script.on(f"GET {API}/jobs/query/750B/results", csv_page(2500))
    script.on(QUERY_ALL, total(3000), total(2500), total(3000), total(2500))
    landed = read(script, tmp_path, FIRST, replace(FIRST, extract=other))
    assert {name: each.rows for name, each in landed.items()} == {"Account": 3000, "Contact": 2500}
    last_post = max(n for n, request in enumerate(script.asked) if request == JOBS)
    assert last_post < script.asked.index(JOB)


def test_a_job_without_a_byte_of_results_lands_a_header(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, total(2000), total(0))
    script.on(JOB, job("JobComplete", 0))
    script.on(RESULTS, Answer(200, b"", {"Sforce-NumberOfRecords": "0"}))
    landed = read(script, tmp_path, FIRST)["Account"]
    assert (landed.rows, landed.columns, landed.files[0].read_text()) == (0, ("Id", "Name"), '"Id","Name"\n')


def test_a_failed_job_is_submitted_again(script: Script, tmp_path: Path) -> None:
    failed = Answer(body={"id": "750A", "state": "Failed", "errorMessage": "InternalServerError"})
    script.on(QUERY_ALL, total(3000))
    script.on(JOB, failed, job("JobComplete", 3000))
    assert read(script, tmp_path, FIRST)["Account"].rows == 3000
    script.on(JOB, failed)
    with pytest.raises(SalesforceUnavailable, match="InternalServerError"):
        read(script, tmp_path / "anew", FIRST)


def test_a_lost_locator_starts_the_query_again(script: Script, tmp_path: Path) -> None:
    following = f"{API}/query/01g-2000"
    first = Answer(
        body={"totalSize": 3, "done": False, "nextRecordsUrl": following, "records": records(2).body["records"]}
    )
    script.on(
        f"GET {following}", Answer(400, [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}])
    )
    script.on(QUERY_ALL, total(3), first, records(3), total(3))
    assert read(script, tmp_path, FIRST)["Account"].rows == 3
    assert script.times(f"GET {following}") == 1


def test_a_rest_answer_with_missing_records_is_read_again_then_incomplete(script: Script, tmp_path: Path) -> None:
    short = Answer(body=records(2).body | {"totalSize": 3})
    script.on(QUERY_ALL, total(3), short, records(3), total(3))
    assert read(script, tmp_path, FIRST)["Account"].rows == 3
    script.on(QUERY_ALL, total(3), short)
    with pytest.raises(Incomplete, match="announced 3 records and sent 2"):
        read(script, tmp_path / "anew", FIRST)


def test_live_records_are_counted_and_listed_without_deleted_ones(script: Script, tmp_path: Path) -> None:
    script.on(QUERY, total(2), total(2), records(2))
    clock = Pauses().clock()
    with Session(settings(script.url), RETRY, clock) as session:
        assert count(session, "Account") == 2
        reader = Reader(session, tmp_path, RETRY, clock)
        (path,) = land(reader, "Account", ids_of("Account"), ("Id",), tmp_path / "ids", deleted=False).files
    assert path.read_text() == f'"Id"\n"{0:018d}"\n"{1:018d}"\n'
    assert script.times(QUERY_ALL) == 0

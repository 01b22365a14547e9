"""Reads in pieces: Ids and windows cut without a gap, progress that survives a cut line, slow queries halved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_runtime import partitions, parts
from durable_runtime.budget import Budget
from durable_runtime.errors import QueryTooSlow, QuotaReached, RequestRefused, SalesforceUnavailable, TimeSpent
from durable_runtime.extraction import Landed, Reader, Reads, by_ids, extract
from durable_runtime.progress import Progress
from durable_runtime.salesforce import bulk, rest
from durable_runtime.salesforce.landing import write_records
from durable_runtime.salesforce.session import Session, Usage
from durable_runtime.salesforce.sizes import Sizes
from durable_runtime.spec import Policies
from durable_runtime.windows import ALL_IDS, Plan, Range, Window
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

LO, HI = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 11, 22, 2, 0, 1, tzinfo=UTC)
FIRST = Plan(account(), ("Id", "Name"), Window(None, HI))
QUERY_ALL = f"GET {API}/queryAll"
JOBS, JOB, RESULTS = f"POST {API}/jobs/query", f"GET {API}/jobs/query/750A", f"GET {API}/jobs/query/750A/results"
TIMEOUT = Answer(400, [{"message": "Your query request was running for too long.", "errorCode": "QUERY_TIMEOUT"}])
IDS = st.text(partitions.DIGITS, min_size=15, max_size=15)


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as running:
        fields: list[dict[str, Any]] = [{"name": name, "type": "string", "referenceTo": []} for name in ("Id", "Name")]
        running.on(f"GET {API}/sobjects/Account/describe", Answer(body={"name": "Account", "fields": fields}))
        running.on(JOBS, job("UploadComplete"))
        running.on(JOB, job("JobComplete", 3000))
        running.on(RESULTS, csv_page(3000))
        yield running


def read(script: Script, folder: Path, *plans: Plan, sizes: Sizes | None = None, **more: Any) -> Reads:
    clock = Pauses().clock()
    with Session(settings(script.url), RETRY, clock) as session:
        return extract(Reader(session, folder, RETRY, clock, sizes or Sizes(), **more), plans or (FIRST,))


def records(number: int, start: int = 0) -> Answer:
    found = [{"attributes": {}, "Id": f"{n:018d}", "Name": f"name {n}"} for n in range(start, start + number)]
    return Answer(body={"totalSize": number, "done": True, "records": found})


def statements(script: Script) -> list[str]:
    return [one["q"] for one in script.parameters if "q" in one]


@given(IDS, IDS, st.integers(2, 9), st.lists(IDS, max_size=20))
def test_ranges_of_ids_leave_no_gap_and_do_not_overlap(one: str, other: str, several: int, ids: list[str]) -> None:
    first, last = sorted((one, other))
    cut = list(partitions.ranges(first, last, several, ALL_IDS))
    assert len(cut) <= several
    for record_id in [*ids, first, last]:
        inside = [
            each for each in cut
            if (each.after is None or record_id > each.after) and (each.through is None or record_id <= each.through)
        ]  # fmt: skip
        assert len(inside) == 1
    assert (cut[0].after, cut[-1].through) == (None, None)


def test_a_range_inside_a_range_keeps_its_ends() -> None:
    outer = Range("003000000000000", "003zzzzzzzzzzzz")
    cut = list(partitions.ranges("00300000000000A", "003zzzzzzzzzzz0", 3, outer))
    assert (len(cut), cut[0].after, cut[-1].through) == (3, outer.after, outer.through)


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=60),
    st.integers(1, 10),
)
def test_the_oldest_part_holds_no_more_than_asked_unless_one_second_does(stamps: list[int], most: int) -> None:
    moments = sorted(LO + timedelta(seconds=at) for at in stamps)
    window = Window(None, moments[-1] + timedelta(seconds=1))

    def held(inside: Window) -> int:
        return sum(one < inside.hi for one in moments)

    cut = partitions.oldest(window, moments[0], len(moments), most, held)
    if cut is None:
        assert len(moments) <= most or moments[0] == moments[-1]
        return
    assert 0 < held(cut) < len(moments) or cut.hi == window.hi
    assert held(cut) <= most or {one for one in moments if one < cut.hi} == {moments[0]}


def test_a_progress_file_cut_in_its_last_line_keeps_what_is_whole(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    page = write_records(tmp_path / "a.csv", ("Id",), [{"Id": "1"}], frozenset())
    progress.note(before=7, job="750A")
    progress.keep(0, page, "MQ")
    file = tmp_path / "progress.ndjson"
    file.write_bytes(file.read_bytes() + b'{"proven": tr')
    again = Progress(tmp_path)
    assert (again.facts, again.job, again.proven) == ({"before": 7, "job": "750A"}, "750A", False)
    assert [(one.page, one.number, one.following) for one in again.landed] == [(page, 0, "MQ")]
    again.note(proven=True)
    assert Progress(tmp_path).proven
    page.path.write_text('"Id"\n', encoding="utf-8")  # shorter than what was written: not to be trusted
    assert Progress(tmp_path).landed == ()


def test_what_was_proven_is_not_asked_for_again(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, total(3000))
    first = read(script, tmp_path).landed["Account"]
    asked = len(statements(script))
    script.on(QUERY_ALL, total(0), records(0), total(0))
    again = read(script, tmp_path).landed["Account"]
    assert (again.files[0], again.rows, again.jobs) == (first.files[0], 3000, ("750A",))
    since = "SystemModstamp >= 2026-11-22T02:00:00.000Z AND SystemModstamp < 2026-11-22T02:00:01.000Z"
    assert all(since in one for one in statements(script)[asked:])  # the last second may have gone on
    assert (script.times(JOBS), script.times(RESULTS)) == (1, 1)


def test_a_later_run_reads_what_came_since_with_an_overlap(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, total(3000))
    read(script, tmp_path)
    later = replace(FIRST, window=Window(None, HI + timedelta(hours=1)), overlap_seconds=600)
    script.on(QUERY_ALL, total(2), records(2, 5000), total(2))
    landed = read(script, tmp_path, later).landed["Account"]
    assert (landed.rows, landed.window.hi, landed.parts) == (3002, HI + timedelta(hours=1), (1, 1))
    assert statements(script)[-1].endswith(
        "SystemModstamp >= 2026-11-22T01:50:01.000Z AND SystemModstamp < 2026-11-22T03:00:01.000Z"
    )


OTHERS: dict[str, Plan] = {
    "another organization": replace(FIRST, window=Window(LO, HI), key="00D2"),
    "another field": replace(FIRST, window=Window(LO, HI), fields=("Id",)),
    "an older start": FIRST,
    "too long ago": replace(FIRST, window=Window(LO, HI + timedelta(days=7))),
    "too long ago for values without a stamp": replace(
        FIRST, window=Window(LO, HI + timedelta(hours=2)), stays=timedelta(hours=1)
    ),
}


@pytest.mark.parametrize("change", [*OTHERS])
def test_what_does_not_fit_any_more_is_read_anew(script: Script, tmp_path: Path, change: str) -> None:
    script.on(QUERY_ALL, total(1), records(1), total(1))
    read(script, tmp_path, replace(FIRST, window=Window(LO, HI)))
    asked = len(script.asked)
    plan = OTHERS[change]
    one = Answer(body={"totalSize": 1, "done": True, "records": [{"Id": "1", "Name": "a"}]})
    script.on(QUERY_ALL, total(1), one, total(1))
    assert read(script, tmp_path, plan).landed["Account"].parts == (1,)
    assert len(script.asked) - asked > 3


def test_a_job_that_salesforce_forgot_is_made_again(script: Script, tmp_path: Path) -> None:
    found = parts.begin(FIRST, tmp_path / "Account")
    found.parts[0].progress.note(before=3000, job="750Z")
    script.on(QUERY_ALL, total(3000), total(3000), total(0), records(0), total(0))
    assert read(script, tmp_path).landed["Account"].jobs == ("750Z", "750A")
    assert script.times(JOBS) == 1


def test_a_query_that_is_too_slow_is_cut_into_halves(script: Script, tmp_path: Path) -> None:
    plan = replace(FIRST, window=Window(LO, LO + timedelta(days=2)))
    script.on(QUERY_ALL, TIMEOUT, total(1), total(1), records(1), total(1), records(1, 1), total(1))
    repairs: list[tuple[str, dict[str, Any]]] = []
    landed = read(script, tmp_path, plan, repairs=repairs).landed["Account"]
    assert (landed.rows, landed.parts, landed.window) == (2, (1, 1), plan.window)
    assert repairs == [("window_halved", {"object": "Account"})]
    halves = ["< 2026-01-02T00:00:00.000Z", ">= 2026-01-02T00:00:00.000Z AND SystemModstamp < 2026-01-03T00:00:00.000Z"]
    assert all(any(half in one for one in statements(script)) for half in halves)


def test_a_second_that_is_too_slow_ends_the_run(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, TIMEOUT)
    with pytest.raises(QueryTooSlow) as caught:
        read(script, tmp_path, replace(FIRST, window=Window(LO, LO + timedelta(seconds=8))))
    assert (caught.value.exit_code, caught.value.code) == (6, "RUN608")
    assert script.times(QUERY_ALL) == 4  # 8, 4, 2 and 1 seconds


def test_a_job_that_never_ends_is_aborted_and_made_again(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, total(3000))
    script.on(JOBS, job("UploadComplete"), job("UploadComplete", name="750B"))
    script.on(JOB, job("InProgress"))
    script.on(f"PATCH {API}/jobs/query/750A", job("Aborted"))
    script.on(f"GET {API}/jobs/query/750B", job("JobComplete", 3000, "750B"))
    script.on(f"GET {API}/jobs/query/750B/results", csv_page(3000))
    repairs: list[tuple[str, dict[str, Any]]] = []
    landed = read(script, tmp_path, sizes=Sizes(job_seconds=30), repairs=repairs).landed["Account"]
    assert (landed.rows, landed.jobs) == (3000, ("750A", "750B"))
    assert repairs == [("job_submitted_again", {"object": "Account"})]
    assert script.times(f"PATCH {API}/jobs/query/750A") == 1


def test_a_job_that_is_lost_while_it_works_is_submitted_again(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, total(3000))
    gone = Answer(404, [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}])
    script.on(JOB, job("InProgress"), gone, job("JobComplete", 3000))
    assert read(script, tmp_path).landed["Account"].rows == 3000
    assert script.times(JOBS) == 2


def test_a_locator_that_expires_twice_costs_a_new_job_and_no_run(script: Script, tmp_path: Path) -> None:
    expired = Answer(400, [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}])
    script.on(QUERY_ALL, total(3000))
    script.on(RESULTS, csv_page(2000, locator="MQ"), expired, csv_page(2000, locator="MQ"), expired, csv_page(3000))
    assert read(script, tmp_path).landed["Account"].rows == 3000
    assert script.times(JOBS) == 2


@pytest.mark.parametrize(
    ("request_of", "body"),
    [
        (QUERY_ALL, {}),
        (QUERY_ALL, []),
        (QUERY_ALL, {"totalSize": "many", "done": True, "records": []}),
        (JOBS, {"id": None}),
        (JOBS, {"id": "../../etc"}),
        (JOB, {"id": "750A"}),
        (JOB, {"id": "750A", "state": "JobComplete"}),
    ],
    ids=["no query", "a list", "a word for a number", "no job", "a path for a job", "no state", "no number of records"],
)
def test_an_answer_in_another_form_is_no_bug_of_ours(
    script: Script, tmp_path: Path, request_of: str, body: Any
) -> None:
    script.on(QUERY_ALL, total(3000))
    script.on(request_of, Answer(body=body))
    with pytest.raises(SalesforceUnavailable, match="is not in the form that Salesforce documents") as caught:
        read(script, tmp_path)
    assert caught.value.exit_code == 6


def test_a_word_for_the_number_of_records_is_no_bug_of_ours(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, total(3000))
    script.on(RESULTS, replace(csv_page(3000), headers={"Sforce-NumberOfRecords": "abc"}))
    with pytest.raises(SalesforceUnavailable, match="a page of results"):
        read(script, tmp_path)


def test_a_list_of_pages_is_fetched_and_an_older_version_without_it_goes_page_by_page(
    script: Script, tmp_path: Path
) -> None:
    where = f"{API}/jobs/query/750A"
    listed = {"resultPages": [{"resultUrl": f"{where}/results?locator={n}"} for n in range(3)], "done": True}
    script.on(f"GET {where}/resultPages", Answer(body=listed | {"nextRecordsUrl": None}))
    script.on(RESULTS, csv_page(1000))
    with Session(settings(script.url), RETRY, Pauses().clock()) as session:
        pages = bulk.download(session, bulk.Job("750A", 3000), Progress(tmp_path / "a"), Sizes(page_records=1000))
        assert [page.rows for page in pages] == [1000] * 3
        assert sorted(one["locator"] for one in script.parameters if "locator" in one) == ["0", "1", "2"]
        script.on(f"GET {where}/resultPages", Answer(404, [{"message": "gone", "errorCode": "NOT_FOUND"}]))
        script.on(RESULTS, csv_page(1500, locator="MQ"), csv_page(1500))
        pages = bulk.download(session, bulk.Job("750A", 3000), Progress(tmp_path / "b"), Sizes(page_records=1500))
        assert [page.rows for page in pages] == [1500, 1500]


def test_a_statement_too_long_for_an_address_travels_in_a_body(script: Script, tmp_path: Path) -> None:
    soql = f"SELECT Id, Name FROM Account WHERE Name IN ({', '.join(repr('x' * 50 + str(n)) for n in range(400))})"
    inside = {"body": records(2).body, "httpStatusCode": 200, "httpHeaders": {}, "referenceId": "query"}
    script.on(f"POST {API}/composite", Answer(body={"compositeResponse": [inside]}))
    with Session(settings(script.url), RETRY, Pauses().clock()) as session:
        assert [one["Name"] for one in rest.query(session, soql)] == ["name 0", "name 1"]
        (sent,) = json.loads(script.bodies[-1])["compositeRequest"]
        assert (sent["method"], sent["url"].startswith(f"{API}/queryAll?q=SELECT%20Id")) == ("GET", True)
        wrong = [{"message": "No such column", "errorCode": "INVALID_FIELD"}]
        refused = inside | {"body": wrong, "httpStatusCode": 400}
        script.on(f"POST {API}/composite", Answer(body={"compositeResponse": [refused]}))
        with pytest.raises(RequestRefused, match="INVALID_FIELD: No such column"):
            list(rest.query(session, soql))


def test_named_records_are_read_two_hundred_at_a_time_or_by_jobs(script: Script, tmp_path: Path) -> None:
    script.on(QUERY_ALL, records(200), records(50, 200))
    ids = [f"{n:018d}" for n in range(250)]
    clock = Pauses().clock()
    with Session(settings(script.url), RETRY, clock) as session:
        reader = Reader(session, tmp_path, RETRY, clock)
        few = by_ids(reader, FIRST, ids, tmp_path / "few")
        assert (few.rows, few.api) == (250, "rest")
        assert [one.count("'0") for one in statements(script)] == [200, 50]
        many = by_ids(reader, FIRST, [f"{n:018d}" for n in range(3000)], tmp_path / "many")
        assert (many.rows, many.jobs) == (3000, ("750A",))
        none = by_ids(reader, FIRST, [], tmp_path / "none")
        assert (none.rows, none.files[0].read_text()) == (0, '"Id","Name"\n')


def budget(script: Script, usage: Usage | None, **limits: Any) -> Budget:
    policies = Policies(600, 50_000, "skip", "extensions", RETRY, requirements=(("max_api_share", "R5.9"),), **limits)
    session = Session(settings(script.url), RETRY, Pauses().clock())
    session.usage = usage
    session.close()
    return Budget(policies, session, Pauses(slept=[]).clock())


def test_a_share_is_reached_by_what_the_whole_organization_used(script: Script) -> None:
    budget(script, Usage(499, 1000), max_api_share=0.5).check()
    with pytest.raises(QuotaReached, match=r"used 500 of 1,000 daily API calls, and R5.9 lets .* up to 50% of them"):
        budget(script, Usage(500, 1000), max_api_share=0.5).check()
    budget(script, None, max_api_share=0.5).check()
    budget(script, Usage(1000, 1000)).check()  # Salesforce itself says when it is enough


def test_work_is_cut_into_pieces_where_limits_are_near(script: Script) -> None:
    assert budget(script, Usage(0, 100_000), max_api_share=0.5).tight
    assert budget(script, Usage(0, 100_000), max_runtime_seconds=9).tight
    assert budget(script, Usage(99_000, 100_000)).tight
    assert not budget(script, Usage(0, 100_000)).tight


def test_time_is_up_when_it_is_up(script: Script) -> None:
    pauses = Pauses()
    policies = Policies(600, 50_000, "skip", "extensions", RETRY, max_runtime_seconds=60)
    with Session(settings(script.url), RETRY, pauses.clock()) as session:
        limit = Budget(policies, session, pauses.clock())
        limit.check()
        pauses.slept.append(60.0)
        with pytest.raises(TimeSpent) as caught:
            limit.check()
    assert (caught.value.exit_code, caught.value.status) == (5, "partial")


def test_what_a_quota_cuts_off_ends_at_a_proven_moment(script: Script, tmp_path: Path) -> None:
    spent = Answer(403, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}])
    found = parts.begin(replace(FIRST, window=Window(LO, HI)), tmp_path / "Account")
    middle = LO + timedelta(days=9)
    found.divide(found.parts[0], [(Window(LO, middle), ALL_IDS), (Window(middle, HI), ALL_IDS)])
    script.on(QUERY_ALL, total(1), total(1), records(1), total(1), spent)
    reads = read(script, tmp_path, replace(FIRST, window=Window(LO, HI)))
    assert isinstance(reads.stopped, QuotaReached)
    landed: Landed = reads.landed["Account"]
    assert (landed.rows, landed.window, landed.complete) == (1, Window(LO, middle), False)

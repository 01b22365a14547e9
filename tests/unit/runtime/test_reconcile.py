"""What Salesforce is asked about deletes and holdings, what an answer means, and what runs remember."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from durable_runtime import memory, reconcile, refresh
from durable_runtime.configuration import Profile
from durable_runtime.errors import RequestRefused, SalesforceUnavailable
from durable_runtime.salesforce.deletes import Log, deleted_since
from durable_runtime.salesforce.holdings import Asked, Holdings, holdings
from durable_runtime.salesforce.session import Session
from durable_runtime.spec import Extract, Pipeline, Policies, Schedule
from unit.runtime.scripted_salesforce import API, RETRY, Answer, Pauses, Script, scripted, settings, total

DELETED = f"GET {API}/sobjects/Contact/deleted/"
QUERY_ALL = f"GET {API}/queryAll"
NOW = datetime(2026, 11, 22, 2, 0, 30, tzinfo=UTC)
SINCE = datetime(2026, 11, 21, 1, 59, 59, tzinfo=UTC)
TOO_MANY = Answer(400, [{"errorCode": "EXCEEDED_ID_LIMIT", "message": "too many"}])
TOO_OLD = Answer(400, [{"errorCode": "INVALID_REPLICATION_DATE", "message": "startDate is too old"}])


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as running:
        yield running


def log_of(*ids: str, earliest: str | None = "2026-11-01T00:00:00.000+0000", covered: str | None = None) -> Answer:
    records = [{"deletedDate": "2026-11-21T03:00:00.000+0000", "id": one} for one in ids]
    last = covered or "2026-11-22T02:00:00.000+0000"
    return Answer(body={"deletedRecords": records, "earliestDateAvailable": earliest, "latestDateCovered": last})


def ask_log(script: Script, folder: Path, since: datetime = SINCE, now: datetime = NOW) -> tuple[Log, list[str]]:
    with Session(settings(script.url), RETRY, Pauses().clock()) as session:
        found = deleted_since(session, "Contact", since, now, folder / "log.csv")
    lines = found.path.read_text(encoding="utf-8").splitlines()
    assert (lines[0], len(lines)) == ('"Id"', found.records + 1)
    return found, [line.strip('"') for line in lines[1:]]


def intervals(script: Script) -> list[tuple[str, str]]:
    return [(one["start"], one["end"]) for one in script.parameters if "start" in one]


def test_the_log_is_asked_for_whole_minutes(script: Script, tmp_path: Path) -> None:
    script.on(DELETED, log_of("003A", "003B"))
    found, ids = ask_log(script, tmp_path)
    assert (ids, found.reaches, found.covered) == (["003A", "003B"], True, datetime(2026, 11, 22, 2, tzinfo=UTC))
    assert intervals(script) == [("2026-11-21T01:59:00+00:00", "2026-11-22T02:00:00+00:00")]


@pytest.mark.parametrize("since", [NOW, NOW - timedelta(seconds=90), NOW + timedelta(hours=1)])
def test_the_start_lies_more_than_a_minute_before_the_end(script: Script, tmp_path: Path, since: datetime) -> None:
    script.on(DELETED, log_of())
    ask_log(script, tmp_path, since)
    assert intervals(script) == [("2026-11-22T01:58:00+00:00", "2026-11-22T02:00:00+00:00")]


def test_a_transaction_that_was_under_way_keeps_its_minutes_for_the_next_time(script: Script, tmp_path: Path) -> None:
    script.on(DELETED, log_of("003A", covered="2026-11-22T01:12:00.000+0000"))
    found, _ = ask_log(script, tmp_path)
    assert (found.reaches, found.covered) == (True, datetime(2026, 11, 22, 1, 12, tzinfo=UTC))


def test_a_log_that_was_purged_since_the_start_does_not_reach(script: Script, tmp_path: Path) -> None:
    script.on(DELETED, log_of("003A", earliest="2026-11-21T02:00:00.000+0000"))
    assert not ask_log(script, tmp_path)[0].reaches
    script.on(DELETED, log_of("003A", earliest="2026-11-21T01:59:00.000+0000"))
    assert ask_log(script, tmp_path)[0].reaches
    script.on(DELETED, log_of("003A", earliest=None))
    assert ask_log(script, tmp_path)[0].reaches
    script.on(DELETED, TOO_OLD)
    assert not ask_log(script, tmp_path)[0].reaches


def test_beyond_fifteen_days_nothing_is_asked(script: Script, tmp_path: Path) -> None:
    script.on(DELETED, log_of())
    assert not ask_log(script, tmp_path, NOW - timedelta(days=15))[0].reaches
    assert intervals(script) == []
    assert ask_log(script, tmp_path, NOW - timedelta(days=15) + timedelta(minutes=3))[0].reaches
    assert len(intervals(script)) == 1


def test_an_answer_with_too_many_ids_is_asked_for_in_halves(script: Script, tmp_path: Path) -> None:
    script.on(DELETED, TOO_MANY, log_of("003A"), TOO_MANY, log_of("003B"), log_of("003C"))
    found, ids = ask_log(script, tmp_path)
    assert (ids, found.records, found.reaches) == (["003A", "003B", "003C"], 3, True)
    edges = [(start[8:16], end[8:16]) for start, end in intervals(script)]
    assert edges == [
        ("21T01:59", "22T02:00"),
        ("21T01:59", "21T13:59"),
        ("21T13:59", "22T02:00"),
        ("21T13:59", "21T19:59"),
        ("21T19:59", "22T02:00"),
    ]


def test_minutes_with_too_many_ids_mean_that_the_log_does_not_help(script: Script, tmp_path: Path) -> None:
    script.on(DELETED, TOO_MANY)
    found, _ = ask_log(script, tmp_path, NOW - timedelta(minutes=6))
    assert not found.reaches
    assert intervals(script)[-1] == ("2026-11-22T01:54:00+00:00", "2026-11-22T01:57:00+00:00")


@pytest.mark.parametrize("body", [b"<html>maintenance</html>", b'{"deletedRecords": [{"id": "003A"', b"[]", b"{}"])
def test_what_is_no_list_of_deletes_is_asked_for_again_and_then_an_error(
    body: bytes, script: Script, tmp_path: Path
) -> None:
    script.on(DELETED, Answer(body=body), log_of("003A"))
    assert ask_log(script, tmp_path)[1] == ["003A"]
    script.on(DELETED, Answer(body=body))
    with pytest.raises(SalesforceUnavailable, match="not its list of deletes"):
        ask_log(script, tmp_path)


def test_an_object_without_a_log_says_so(script: Script, tmp_path: Path) -> None:
    script.on(DELETED, Answer(400, [{"errorCode": "INVALID_TYPE_FOR_OPERATION", "message": "no replication"}]))
    with pytest.raises(RequestRefused, match="INVALID_TYPE_FOR_OPERATION"):
        ask_log(script, tmp_path)


FIELDS = ("Id", "IsDeleted", "CreatedDate", "LastModifiedDate", "SystemModstamp")
UNTIL = datetime(2026, 11, 22, 1, 55, 1, tzinfo=UTC)
MOMENT = "2026-11-22T01:55:01.000Z"


def shown(*fields: str, cursor: str = "SystemModstamp", replicateable: bool = True) -> Holdings:
    described = {"fields": [{"name": one} for one in fields], "replicateable": replicateable}
    session: Any = SimpleNamespace(described={"Contact": described})
    return holdings(cast(Session, session), Extract("Contact", ("Id",), lambda _: "", cursor, ("R1",)), UNTIL)


def questions(script: Script, held: Holdings) -> tuple[list[str], list[Any]]:
    """The SOQL of a count, a count before a moment, and the listing and the late changes."""
    script.on(QUERY_ALL, total(7))
    with Session(settings(script.url), RETRY, Pauses().clock()) as session:
        asked = replace(held, session=session)
        assert (asked.count(), asked.count_before(UNTIL - timedelta(minutes=10))) == (7, 7)
    return [one["q"] for one in script.parameters if "q" in one], [held.listing(), held.since()]


def test_a_count_is_of_what_lived_at_the_end_of_the_window(script: Script) -> None:
    counts, lists = questions(script, shown(*FIELDS))
    assert counts == [
        f"SELECT COUNT() FROM Contact WHERE CreatedDate < {MOMENT} "
        f"AND (IsDeleted = false OR SystemModstamp >= {MOMENT})",
        "SELECT COUNT() FROM Contact WHERE SystemModstamp < 2026-11-22T01:45:01.000Z AND IsDeleted = false",
    ]
    assert lists == [
        f"SELECT Id, SystemModstamp FROM Contact WHERE (IsDeleted = false OR SystemModstamp >= {MOMENT})",
        f"SELECT Id FROM Contact WHERE SystemModstamp >= {MOMENT}",
    ]


@pytest.mark.parametrize(
    ("fields", "cursor", "count", "listing", "since"),
    [
        (
            ("Id", "CreatedDate", "SystemModstamp"), "SystemModstamp", f" WHERE CreatedDate < {MOMENT}",
            "SELECT Id, SystemModstamp FROM Contact",
            f" WHERE SystemModstamp >= {MOMENT}",
        ),
        (
            ("Id", "IsDeleted", "LastModifiedDate"), "LastModifiedDate",
            f" WHERE (IsDeleted = false OR LastModifiedDate >= {MOMENT})",
            f"SELECT Id, LastModifiedDate FROM Contact WHERE (IsDeleted = false OR LastModifiedDate >= {MOMENT})",
            f" WHERE LastModifiedDate >= {MOMENT}",
        ),
        (
            ("Id", "IsDeleted", "CreatedDate"), "CreatedDate",
            f" WHERE CreatedDate < {MOMENT} AND IsDeleted = false",
            "SELECT Id FROM Contact WHERE IsDeleted = false", None,
        ),
        (("Id", "LoginTime"), "LoginTime", f" WHERE LoginTime < {MOMENT}", "SELECT Id FROM Contact", None),
        (("Id",), "", "", "SELECT Id FROM Contact", None),
    ],
)  # fmt: skip
def test_only_fields_that_describe_shows_are_asked_for(
    fields: tuple[str, ...], cursor: str, count: str, listing: str, since: str | None, script: Script
) -> None:
    counts, lists = questions(script, shown(*fields, cursor=cursor))
    assert counts[0] == f"SELECT COUNT() FROM Contact{count}"
    assert lists == [listing, since and f"SELECT Id FROM Contact{since}"]


def test_a_condition_narrows_the_listing() -> None:
    assert shown("Id", "IsDeleted", "CreatedDate", cursor="CreatedDate").listing("A = 1 OR B = 2") == (
        "SELECT Id FROM Contact WHERE IsDeleted = false AND (A = 1 OR B = 2)"
    )


def test_a_log_is_kept_of_objects_that_recycle_and_replicate() -> None:
    assert shown(*FIELDS).logged
    assert not shown(*FIELDS, replicateable=False).logged
    assert not shown("Id", "SystemModstamp").logged


def test_an_id_is_gone_when_it_cannot_be_found_or_was_deleted_before_the_window_ended(script: Script) -> None:
    rows = [
        {"Id": "003A", "IsDeleted": False, "SystemModstamp": "2020-01-01T00:00:00.000+0000"},
        {"Id": "003B", "IsDeleted": True, "SystemModstamp": "2026-11-22T01:55:00.000+0000"},
        {"Id": "003C", "IsDeleted": True, "SystemModstamp": "2026-11-22T01:55:01.000+0000"},
    ]
    script.on(QUERY_ALL, Answer(body={"totalSize": 3, "done": True, "records": rows}))
    with Session(settings(script.url), RETRY, Pauses().clock()) as session:
        asked = replace(shown(*FIELDS), session=session).ask(("003A", "003B", "003C", "003D"))
        assert asked == Asked(gone=("003B", "003D"), live=("003A",))
        assert replace(shown(*FIELDS), session=session).ask(()) == Asked((), ())
    (soql,) = [one["q"] for one in script.parameters if "q" in one]
    assert soql == ("SELECT Id, IsDeleted, SystemModstamp FROM Contact WHERE Id IN ('003A', '003B', '003C', '003D')")


def test_ids_are_asked_for_two_hundred_at_a_time(script: Script) -> None:
    script.on(QUERY_ALL, Answer(body={"totalSize": 0, "done": True, "records": []}))
    ids = tuple(f"003{n:03}" for n in range(401))
    with Session(settings(script.url), RETRY, Pauses().clock()) as session:
        assert replace(shown(*FIELDS), session=session).ask(ids) == Asked(ids, ())
    assert [one["q"].count("'003") for one in script.parameters if "q" in one] == [200, 200, 1]


def test_moments_are_remembered_by_profile(tmp_path: Path) -> None:
    path = tmp_path / "deleted" / "p.json"
    assert memory.recall(path, "local") == {}
    memory.remember(path, "local", {"Account": NOW, "Contact": SINCE})
    memory.remember(path, "prod", {"Account": SINCE})
    memory.remember(path, "local", {"Contact": NOW})
    assert memory.recall(path, "local") == {"Account": NOW, "Contact": NOW}
    assert memory.recall(path, "prod") == {"Account": SINCE}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"local": []}', '{"local": {"Account": 1}}', '{"local": {"Account": "2026-11-22"}}'],
)
def test_a_broken_memory_is_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(text, encoding="utf-8")
    assert memory.recall(path, "local") == {}
    memory.remember(path, "local", {"Contact": NOW})
    assert memory.recall(path, "local")["Contact"] == NOW


def scheduled(reconcile: str | None, full: str | None) -> Pipeline:
    policies = SimpleNamespace(reconcile_cron=reconcile, full_refresh_cron=full)
    found: Any = SimpleNamespace(
        name="customers", policies=cast(Policies, policies), schedule=Schedule("0 2 * * *", "Europe/Berlin", "R1")
    )
    return cast(Pipeline, found)


def test_the_first_run_after_an_instant_does_the_scheduled_work_once(tmp_path: Path) -> None:
    profile = cast(Profile, SimpleNamespace(name="local", state=tmp_path))
    other = cast(Profile, SimpleNamespace(name="prod", state=tmp_path))
    pipeline = scheduled("0 3 * * 0", "0 1 1 * *")
    sunday = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)  # three o'clock in Berlin
    assert refresh.due(pipeline, profile, sunday, refresh.RECONCILE)
    refresh.remember(pipeline, profile, sunday - timedelta(days=2), refresh.RECONCILE)
    assert not refresh.due(pipeline, profile, sunday - timedelta(seconds=1), refresh.RECONCILE)
    assert refresh.due(pipeline, profile, sunday, refresh.RECONCILE)
    refresh.remember(pipeline, profile, sunday, refresh.RECONCILE)
    assert not refresh.due(pipeline, profile, sunday + timedelta(days=6), refresh.RECONCILE)
    assert refresh.due(pipeline, profile, sunday + timedelta(days=30), refresh.RECONCILE)
    assert refresh.due(pipeline, other, sunday + timedelta(days=6), refresh.RECONCILE)
    assert refresh.due(pipeline, profile, sunday)
    refresh.remember(pipeline, profile, sunday, refresh.FULL_REFRESH)
    assert not refresh.due(pipeline, profile, sunday)
    assert not refresh.due(pipeline, profile, sunday + timedelta(days=6), refresh.RECONCILE)


@pytest.mark.parametrize(
    ("where", "first", "full", "expected"),
    [
        (True, None, True, True),
        (True, "Type = 'a'", True, False),
        (False, None, True, False),
        (True, None, False, False),
    ],
)
def test_only_a_filter_that_soql_cannot_tell_is_read_whole_on_schedule(
    where: bool, first: str | None, full: bool, expected: bool, tmp_path: Path
) -> None:
    job: Any = SimpleNamespace(
        transforms={"Contact": SimpleNamespace(where="a filter" if where else None)},
        extract_of=lambda _name: SimpleNamespace(first=first),
        options=SimpleNamespace(full=full),
        refreshes=False,
        pipeline=scheduled(None, None),
        profile=SimpleNamespace(name="local", state=tmp_path),
        summary=SimpleNamespace(started_at=NOW),
    )
    assert reconcile.whole(job, "Contact") is expected
    job.pipeline = scheduled("0 3 * * 0", None)
    assert reconcile.whole(job, "Contact") is (where and first is None)


def test_work_without_a_schedule_is_never_due_and_leaves_no_memory(tmp_path: Path) -> None:
    profile = cast(Profile, SimpleNamespace(name="local", state=tmp_path))
    assert not refresh.due(scheduled(None, None), profile, NOW, refresh.RECONCILE)
    assert not refresh.due(scheduled(None, None), profile, NOW)
    refresh.remember(scheduled(None, None), profile, NOW, refresh.RECONCILE, refresh.FULL_REFRESH)
    assert list(tmp_path.iterdir()) == []


def test_yesterdays_memory_means_one_refresh_more(tmp_path: Path) -> None:
    path = tmp_path / "refresh" / "customers.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"started": NOW.isoformat()}), encoding="utf-8")
    profile = cast(Profile, SimpleNamespace(name="local", state=tmp_path))
    assert refresh.due(scheduled(None, "0 1 1 * *"), profile, NOW)
    refresh.remember(scheduled(None, "0 1 1 * *"), profile, NOW, refresh.FULL_REFRESH)
    assert not refresh.due(scheduled(None, "0 1 1 * *"), profile, NOW)

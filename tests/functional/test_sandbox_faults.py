"""Faults to order: which requests they wait for, and what becomes of jobs, sessions, limits, clocks and commits."""

from __future__ import annotations

import time

import httpx2
import pytest

from functional.fault_client import DATA, Client


def test_a_fault_waits_for_the_nth_matching_request_and_fires_as_often_as_it_may(client: Client) -> None:
    client.order({"kind": "query", "nth": 3, "times": 2, "error": "QUERY_TIMEOUT"})
    client.http.get(f"{DATA}/limits")
    assert [client.query().status_code for _ in range(6)] == [200, 200, 400, 400, 200, 200]
    (fault,) = client.faults()
    assert (fault["seen"], fault["fired"], fault["spent"]) == (6, 2, True)


def test_after_counts_the_requests_that_pass(client: Client) -> None:
    client.order({"kind": "limits", "after": 2, "every": True, "error": "FORBIDDEN"})
    assert [client.http.get(f"{DATA}/limits").status_code for _ in range(5)] == [200, 200, 403, 403, 403]


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [
        ("token", "POST", "/services/oauth2/token"),
        ("identity", "GET", "/services/oauth2/userinfo"),
        ("versions", "GET", "/services/data"),
        ("limits", "GET", f"{DATA}/limits"),
        ("describe", "GET", f"{DATA}/sobjects"),
        ("describe", "GET", f"{DATA}/sobjects/Account/describe"),
        ("deleted", "GET", f"{DATA}/sobjects/Account/deleted/?start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:00Z"),
        ("updated", "GET", f"{DATA}/sobjects/Account/updated/?start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:00Z"),
        ("record", "GET", f"{DATA}/sobjects/Account/001000000000000"),
        ("query", "GET", f"{DATA}/query?q=SELECT+Id+FROM+Account"),
        ("query", "GET", f"{DATA}/queryAll?q=SELECT+Id+FROM+Account"),
        ("count", "GET", f"{DATA}/query?q=SELECT+COUNT()+FROM+Account"),
        ("page", "GET", f"{DATA}/query/0r8000000000001-2000"),
        ("composite", "POST", f"{DATA}/composite/batch"),
        ("job", "POST", f"{DATA}/jobs/query"),
        ("jobs", "GET", f"{DATA}/jobs/query"),
        ("poll", "GET", f"{DATA}/jobs/query/750000000000001"),
        ("abort", "PATCH", f"{DATA}/jobs/query/750000000000001"),
        ("delete", "DELETE", f"{DATA}/jobs/query/750000000000001"),
        ("results", "GET", f"{DATA}/jobs/query/750000000000001/results"),
        ("result_pages", "GET", f"{DATA}/jobs/query/750000000000001/resultPages"),
        ("other", "GET", DATA),
    ],
)
def test_every_request_has_the_kind_of_its_address(client: Client, kind: str, method: str, path: str) -> None:
    every_other = [known for known in KINDS if known not in (kind, "any", "write")]
    client.order({"kind": every_other, "every": True, "error": "GONE"}, {"kind": kind, "error": "ENHANCE_YOUR_CALM"})
    assert client.http.request(method, path).status_code == 420


KINDS = (
    "token identity versions limits describe deleted updated record query count page composite job jobs poll abort"
    " delete results result_pages bulk_v1 other any write"
).split()


def test_a_fault_may_be_for_one_object_only(client: Client, job: str) -> None:
    client.order({"object": "Contact", "every": True, "error": "FORBIDDEN"})
    assert client.query("SELECT Id FROM Account LIMIT 1").status_code == 200
    assert client.create("SELECT Id FROM Account").status_code == 200
    assert client.http.get(f"{DATA}/sobjects/Account/describe").status_code == 200
    seen = [
        client.query("SELECT Id FROM contact LIMIT 1"),
        client.create(),
        client.http.get(f"{DATA}/sobjects/Contact/describe"),
        client.http.get(f"{DATA}/jobs/query/{job}"),
        client.results(job),
    ]
    assert [answer.status_code for answer in seen] == [403] * 5


def test_a_fault_may_be_for_a_method_a_path_or_a_piece_of_soql(client: Client) -> None:
    client.order(
        {"method": "POST", "error": "GONE"},
        {"path": "*/sobjects/*/describe", "error": "FORBIDDEN"},
        {"contains": "where lastname", "error": "QUERY_TIMEOUT"},
    )
    assert client.query().status_code == 200
    assert client.query("SELECT Id FROM Contact WHERE LastName = 'x'").status_code == 400
    assert client.http.get(f"{DATA}/sobjects/Account/describe").status_code == 403
    assert client.create().status_code == 410


def test_a_fault_may_be_for_one_page_of_results(client: Client, job: str) -> None:
    locator = client.results(job).headers["Sforce-Locator"]
    client.order({"kind": "results", "contains": f"locator={locator}", "every": True, "error": "QUERY_TIMEOUT"})
    assert [client.results(job, at).status_code for at in ("", locator, "")] == [200, 400, 200]


def test_a_part_of_a_composite_request_fails_where_its_kind_is_named(client: Client) -> None:
    client.order({"kind": "describe", "object": "Account", "error": "INSUFFICIENT_ACCESS"})
    batch = [{"method": "GET", "url": f"v62.0/sobjects/{name}/describe"} for name in ("Contact", "Account", "Case")]
    answer = client.http.post(f"{DATA}/composite/batch", json={"batchRequests": batch}).json()
    assert [part["statusCode"] for part in answer["results"]] == [200, 403, 200]
    message = "insufficient access rights on Account"
    assert answer["results"][1]["result"] == [{"message": message, "errorCode": "INSUFFICIENT_ACCESS"}]


def test_no_part_of_a_composite_request_is_a_page_of_html(client: Client) -> None:
    client.order({"kind": "limits", "error": "MAINTENANCE"})
    batch = {"batchRequests": [{"method": "GET", "url": "v62.0/limits"}]}
    assert client.http.post(f"{DATA}/composite/batch", json=batch).json()["results"][0]["statusCode"] == 200
    assert client.http.get(f"{DATA}/limits").status_code == 503


def test_the_first_fault_that_answers_itself_wins_and_the_next_one_waits(client: Client) -> None:
    client.order({"error": "GONE"}, {"error": "FORBIDDEN"}, {"kind": "query", "json": {"totalSize": 1}})
    assert [client.query().status_code for _ in range(2)] == [410, 403]
    assert client.query().json()["totalSize"] == 1


def test_faults_of_one_answer_add_up_until_one_of_them_breaks_it_off(client: Client, job: str) -> None:
    client.order({"kind": "results", "wrong_count": 5}, {"kind": "results", "cut": {"framing": "consistent"}})
    client.order({"kind": "results", "nul_bytes": 1})
    first, second = client.results(job), client.results(job)
    assert (first.headers["Sforce-NumberOfRecords"], first.text.count("\0")) == ("705", 0)
    assert len(first.content) < len(second.content)
    assert (second.headers["Sforce-NumberOfRecords"], second.text.count("\0")) == ("700", 1)


def test_a_fault_of_content_waits_for_a_good_answer_and_one_of_the_connection_does_not(client: Client) -> None:
    client.order({"kind": "query", "json": {"totalSize": 3}}, {"kind": "query", "headers": {"X-Late": "yes"}})
    refused = client.query("SELECT Nothing FROM Contact")
    assert (refused.status_code, refused.headers["X-Late"]) == (400, "yes")
    assert client.query().json()["totalSize"] == 3


def test_a_fault_that_finds_nothing_to_act_on_stays_due(client: Client) -> None:
    client.order({"kind": "query", "cut": "row"})
    assert client.query("SELECT Id FROM Contact WHERE LastName = 'nobody at all'").json()["totalSize"] == 0
    assert client.query("SELECT Nothing FROM Contact").status_code == 400
    assert client.faults()[0]["fired"] == 0
    with pytest.raises(httpx2.RemoteProtocolError):
        client.query()
    assert client.faults()[0]["spent"] is True


def test_one_fault_can_be_cleared_and_no_list_with_a_mistake_is_taken(client: Client) -> None:
    first, second = client.order({"error": "GONE"}, {"error": "FORBIDDEN"})
    assert client.http.delete(f"/__sandbox__/faults?id={first['id']}").json() == {"cleared": 1, "committed": 0}
    assert [fault["id"] for fault in client.faults()] == [second["id"]]
    assert "no_such" in client.refused([{"error": "GONE"}, {"no_such": True}])
    assert [fault["id"] for fault in client.faults()] == [second["id"]]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({}, "one action of abort_job, answer"),
        ({"cut": "row", "reset": True}, "not 'cut', 'reset'"),
        ({"kind": "queries", "error": "GONE"}, "kind must be of token, identity"),
        ({"error": "NO_SUCH"}, "error must be one of INVALID_SESSION_ID"),
        ({"error": "GONE", "nth": 0}, "nth must be a whole number of at least 1, not 0"),
        ({"error": "GONE", "times": True}, "times must be a whole number of at least 1, not True"),
        ({"cut": "middle"}, "at must be one of row, value, header or a number of records, not 'middle'"),
        ({"cut": {"framing": "odd"}}, "framing must be one of length, chunked, gzip, consistent, not 'odd'"),
        ({"cut": {"where": "row"}}, "cut takes at, framing, counted, not where"),
        ({"answer": 700}, "status must be a number from 200 to 599, not 700"),
        ({"stall": "long"}, "seconds of stall must be a number, not 'long'"),
        ({"stick_job": "5"}, "polls of stick_job must be a number, not '5'"),
        ({"slow": {"seconds": None}}, "seconds of slow must be a number, not None"),
        ({"maintenance": 3}, "maintenance takes true or an object, not 3"),
        ({"headers": True}, "give an object of names and values"),
        ({"change": {"update": 3}}, "change takes an object and whole numbers"),
        ({"kind": "query", "late": True}, "kind write and ids go with late"),
        ({"reset": False}, "reset is false: leave the fault out"),
        ("reset", "a fault is a JSON object"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_with_a_sentence(client: Client, fault: object, said: str) -> None:
    assert said in client.refused(fault)
    assert client.faults() == []


# --- jobs, locators, sessions, limits ---


def test_a_job_fails_with_a_message_or_is_aborted(client: Client) -> None:
    client.order({"fail_job": True}, {"fail_job": "out of luck", "nth": 2}, {"abort_job": True, "nth": 3})
    ends = [client.ended(str(client.create().json()["id"])) for _ in range(4)]
    assert [end["state"] for end in ends] == ["Failed", "Failed", "Aborted", "JobComplete"]
    assert [end.get("errorMessage", "") for end in ends] == [
        "InternalServerError : Retried more than fifteen times",
        "out of luck",
        "",
        "",
    ]
    assert client.results(str(ends[0]["id"])).status_code == 400


def test_a_job_that_was_refused_cannot_fail_so_the_next_one_does(client: Client) -> None:
    client.order({"fail_job": True})
    assert client.create("SELECT Nothing FROM Contact").status_code == 400
    assert client.ended(str(client.create().json()["id"]))["state"] == "Failed"


def test_a_job_sticks_for_some_polls_or_until_faults_are_cleared(client: Client) -> None:
    client.order({"stick_job": 5}, {"stick_job": True, "nth": 2})
    first, second = (str(client.create().json()["id"]) for _ in range(2))
    time.sleep(0.06)
    states = [client.http.get(f"{DATA}/jobs/query/{first}").json()["state"] for _ in range(7)]
    assert states == ["InProgress"] * 6 + ["JobComplete"]
    states = [client.http.get(f"{DATA}/jobs/query/{second}").json()["state"] for _ in range(12)]
    assert states == ["InProgress"] * 12
    client.clear()
    assert client.ended(second)["numberRecordsProcessed"] == client.count()


def test_a_running_job_can_be_made_to_fail_at_a_poll(client: Client) -> None:
    made = str(client.create().json()["id"])
    client.order({"kind": "poll", "fail_job": "too late"})
    assert client.http.get(f"{DATA}/jobs/query/{made}").json()["state"] == "InProgress"
    assert client.ended(made)["errorMessage"] == "too late"


def test_bulk_refuses_an_object_every_time(client: Client) -> None:
    client.order({"object": "Contact", "unsupported": True})
    refusal = [{"message": "Contact is not supported by the Bulk API", "errorCode": "INVALIDENTITY"}]
    assert [client.create().json() for _ in range(2)] == [refusal, refusal]
    assert client.create("SELECT Id FROM Account").status_code == 200


def test_an_expired_locator_of_a_query_stays_expired(client: Client) -> None:
    address = client.query("SELECT Id FROM Contact").json()["nextRecordsUrl"]
    client.order({"expire_locator": True})
    assert client.query().status_code == 200
    answers = [client.http.get(address) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[1].json() == [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]
    fresh = client.query("SELECT Id FROM Contact").json()["nextRecordsUrl"]
    assert client.http.get(fresh).status_code == 200


def test_an_expired_locator_of_a_job_expires_all_of_them_but_not_the_first_page(client: Client, job: str) -> None:
    first = client.results(job).headers["Sforce-Locator"]
    second = client.results(job, first).headers["Sforce-Locator"]
    client.order({"expire_locator": 404})
    answers = [client.results(job, first), client.results(job, second), client.results(job)]
    assert [answer.status_code for answer in answers] == [404, 404, 200]
    client.clear()
    assert client.results(job, second).status_code == 200


def test_every_session_dies_after_so_many_calls(client: Client) -> None:
    client.order({"expire_session": True, "after": 2})
    assert [client.query().status_code for _ in range(4)] == [200, 200, 401, 401]
    client.log_in()
    assert client.query().status_code == 200


def test_the_daily_limit_runs_out_after_so_many_calls_until_faults_are_cleared(client: Client) -> None:
    client.order({"daily_limit": True, "after": 2})
    answers = [client.query() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 403, 403]
    assert answers[3].json()[0]["message"] == "TotalRequests Limit exceeded."
    used, _, allowed = answers[3].headers["Sforce-Limit-Info"].removeprefix("api-usage=").partition("/")
    assert used == allowed
    client.log_in()
    assert client.http.get("/services/data").status_code == 200
    client.clear()
    assert client.query().status_code == 200


def test_maintenance_is_a_page_without_the_headers_of_the_api(client: Client) -> None:
    client.order({"maintenance": True})
    answer = client.query()
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html")
    assert "Sforce-Limit-Info" not in answer.headers


def test_a_redirect_leads_elsewhere(client: Client) -> None:
    client.order({"redirect": True}, {"redirect": {"location": "https://other.example.com/", "status": 301}})
    first, second = client.query(), client.query()
    assert (first.status_code, first.headers["Location"]) == (302, f"{client.served.url}/moved{DATA}/query")
    assert (second.status_code, second.headers["Location"]) == (301, "https://other.example.com/")

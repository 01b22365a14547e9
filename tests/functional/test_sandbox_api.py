"""The sandbox as a real process speaks Salesforce's HTTP: login, describe, queries, Bulk jobs, administration."""

from __future__ import annotations

import csv
import io
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

ROOT = Path(__file__).parents[2]
DATA = "/services/data/v62.0"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
READY_SECONDS = 30


class Running:
    """A sandbox process and a client that is logged in to it."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "durable_sandbox", "--exit-with-parent", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "sandbox")},
        )
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], READY_SECONDS)[0], "the sandbox did not become ready"
        self.ready: dict[str, str] = json.loads(self.process.stdout.readline())
        self.client = httpx2.Client(base_url=self.ready["url"], timeout=30)
        self.log_in()

    def log_in(self) -> None:
        form = {"grant_type": "client_credentials"} | {key: self.ready[key] for key in ("client_id", "client_secret")}
        answer = self.client.post("/services/oauth2/token", data=form).json()
        self.client.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def query(self, text: str, kind: str = "query") -> httpx2.Response:
        return self.client.get(f"{DATA}/{kind}", params={"q": text})

    def records(self, text: str, kind: str = "query") -> list[dict[str, Any]]:
        page = self.query(text, kind).json()
        found = list(page["records"])
        while not page["done"]:
            page = self.client.get(page["nextRecordsUrl"]).json()
            found += page["records"]
        assert len(found) == page["totalSize"]
        return found

    def count(self, text: str, kind: str = "queryAll") -> int:
        return int(self.query(text, kind).json()["totalSize"])

    def truth(self, name: str) -> dict[str, dict[str, Any]]:
        lines = self.client.get(f"/__sandbox__/truth/{name}").text.split("\n")
        return {record["Id"]: record for record in map(json.loads, filter(None, lines))}

    def admin(self, name: str, body: dict[str, Any]) -> httpx2.Response:
        return self.client.post(f"/__sandbox__/{name}", json=body)

    def job(self, text: str, **options: str) -> str:
        created = self.client.post(f"{DATA}/jobs/query", json={"operation": "query", "query": text, **options}).json()
        assert created["state"] == "UploadComplete"
        deadline = time.monotonic() + 10
        while self.client.get(f"{DATA}/jobs/query/{created['id']}").json()["state"] != "JobComplete":
            assert time.monotonic() < deadline, "the job did not complete"
            time.sleep(0.02)
        return str(created["id"])

    def pages(self, job: str, size: int) -> list[httpx2.Response]:
        found, locator = [], ""
        while locator != "null":
            parameters = {"maxRecords": str(size)} | ({"locator": locator} if locator else {})
            found.append(self.client.get(f"{DATA}/jobs/query/{job}/results", params=parameters))
            locator = found[-1].headers["Sforce-Locator"]
        return found

    def close(self) -> int:
        self.client.close()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        code = self.process.wait(10)
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    running = Running("--rows", "5000", "--seed", "4")
    yield running
    running.close()


@pytest.fixture
def fresh() -> Iterator[Running]:
    running = Running("--rows", "300")
    yield running
    running.close()


def error(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


def stored(name: str, value: Any, described: dict[str, str]) -> Any:
    """A REST value in the truth's form."""
    return f"{value[:-5]}Z" if value and described[name] == "datetime" else value


# Logging in


def test_a_login_tells_the_instance_and_the_identity(sandbox: Running) -> None:
    basic = (sandbox.ready["client_id"], sandbox.ready["client_secret"])
    answer = sandbox.client.post("/services/oauth2/token", data={"grant_type": "client_credentials"}, auth=basic)
    body = answer.json()
    assert (answer.status_code, body["instance_url"], body["token_type"]) == (200, sandbox.ready["url"], "Bearer")
    organization, user = body["id"].split("/")[-2:]
    identity = sandbox.client.get(body["id"]).json()
    assert (identity["organization_id"], identity["user_id"]) == (organization, user)
    assert sandbox.client.get("/services/oauth2/userinfo").json()["organization_id"] == organization
    found = sandbox.records("SELECT Id, Name FROM Organization")
    assert [(row["Id"], row["Name"]) for row in found] == [(organization, "Durable Sandbox")]


def claims(sandbox: Running, **changes: Any) -> dict[str, Any]:
    whole = {"iss": sandbox.ready["client_id"], "sub": sandbox.ready["username"], "aud": sandbox.ready["url"]}
    return whole | {"exp": int(time.time()) + 120} | changes


def assertion(sandbox: Running, **changes: Any) -> httpx2.Response:
    key = Path(sandbox.ready["private_key"]).read_text()
    form = {"grant_type": JWT_BEARER, "assertion": jwt.encode(claims(sandbox, **changes), key, algorithm="RS256")}
    return sandbox.client.post("/services/oauth2/token", data=form)


def test_a_signed_assertion_logs_in(sandbox: Running) -> None:
    assert assertion(sandbox).json()["instance_url"] == sandbox.ready["url"]
    assert assertion(sandbox, aud="https://login.salesforce.com").status_code == 200


@pytest.mark.parametrize(
    ("changes", "code", "description"),
    [
        ({"iss": "nobody"}, "invalid_client_id", "client identifier invalid"),
        ({"sub": "nobody@example.com"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"aud": "https://example.com"}, "invalid_grant", "Audience validation failed"),
        ({"exp": 1}, "invalid_grant", "expired authorization code"),
    ],
)
def test_a_wrong_assertion_is_refused(sandbox: Running, changes: dict[str, Any], code: str, description: str) -> None:
    answer = assertion(sandbox, **changes)
    assert (answer.status_code, answer.json()) == (400, {"error": code, "error_description": description})


def test_wrong_client_credentials_are_refused(sandbox: Running) -> None:
    form = {"grant_type": "client_credentials", "client_id": sandbox.ready["client_id"], "client_secret": "wrong"}
    answer = sandbox.client.post("/services/oauth2/token", data=form)
    expected = {"error": "invalid_client", "error_description": "invalid client credentials"}
    assert (answer.status_code, answer.json()) == (400, expected)
    other = sandbox.client.post("/services/oauth2/token", data={"grant_type": "magic"}).json()
    assert other["error"] == "unsupported_grant_type"


def test_data_needs_a_token_and_versions_do_not(sandbox: Running) -> None:
    with httpx2.Client(base_url=sandbox.ready["url"]) as stranger:
        assert error(stranger.get(f"{DATA}/sobjects")) == (401, "INVALID_SESSION_ID")
        assert {"label": "Winter '25", "url": DATA, "version": "62.0"} in stranger.get("/services/data").json()


# Describe, limits, errors


def test_describe_global_lists_twelve_objects(sandbox: Running) -> None:
    listed = sandbox.client.get(f"{DATA}/sobjects").json()["sobjects"]
    assert len(listed) == 12
    custom = [(entry["name"], entry["label"]) for entry in listed if entry["custom"]]
    assert custom == [("Customer_Health__c", "Customer Health")]


def test_answers_carry_the_date_and_the_usage(sandbox: Running) -> None:
    answer = sandbox.client.get(f"{DATA}/limits")
    used = int(answer.headers["Sforce-Limit-Info"].removeprefix("api-usage=").split("/")[0])
    assert answer.json()["DailyApiRequests"]["Remaining"] == 1_000_000 - used
    assert answer.headers["Date"].endswith("GMT")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{DATA}/sobjects/Nope/describe", 404, "NOT_FOUND"),
        (f"{DATA}/nothing/here/at/all", 404, "NOT_FOUND"),
        ("/services/data/v99.0/sobjects", 404, "NOT_FOUND"),
        ("/services/data/v29.0/sobjects", 410, "GONE"),
        (f"{DATA}/query?q=SELECT+Id,Foo+FROM+Contact", 400, "INVALID_FIELD"),
        (f"{DATA}/query?q=SELECT+Id+FROM+Foo", 400, "INVALID_TYPE"),
        (f"{DATA}/query?q=SELECT+Id+FROM", 400, "MALFORMED_QUERY"),
        (f"{DATA}/query", 400, "MALFORMED_QUERY"),
        (f"{DATA}/query?q={'x' * 17_000}", 414, "URI_TOO_LONG"),
        (f"{DATA}/query/0r8000000000000AAA-2000", 400, "INVALID_QUERY_LOCATOR"),
        (f"{DATA}/jobs/query/750000000000000AAA", 404, "NOT_FOUND"),
    ],
)
def test_a_wrong_address_gets_salesforces_error(sandbox: Running, path: str, status: int, code: str) -> None:
    assert error(sandbox.client.get(path)) == (status, code)


# REST queries


def test_pages_of_a_query_hold_every_record_exactly_as_the_truth_does(sandbox: Running) -> None:
    described = sandbox.client.get(f"{DATA}/sobjects/Contact/describe").json()["fields"]
    types = {field["name"]: field["type"] for field in described if field["type"] != "address"}
    rows = sandbox.records(f"SELECT {','.join(types)} FROM Contact", "queryAll")
    found = {row["Id"]: {name: stored(name, row[name], types) for name in types} for row in rows}
    assert len(rows) == 5000
    for record in found.values():
        for name in ("MailingLatitude", "MailingLongitude"):
            record[name] = None if record[name] is None else str(record[name])
    assert found == sandbox.truth("Contact")


def test_rest_numbers_keep_the_digits_of_the_truth(sandbox: Running) -> None:
    text = sandbox.query("SELECT Id, AnnualRevenue FROM Account WHERE AnnualRevenue != null", "queryAll").text
    exact = json.loads(text, parse_float=str, parse_int=str)["records"]
    truth = sandbox.truth("Account")
    assert {row["Id"]: row["AnnualRevenue"] for row in exact} == {
        key: record["AnnualRevenue"] for key, record in truth.items() if record["AnnualRevenue"]
    }
    assert any(len(row["AnnualRevenue"]) > 18 for row in exact)


def test_a_parents_fields_are_nested_and_a_missing_parent_is_null(sandbox: Running) -> None:
    rows = sandbox.records("SELECT Id, AccountId, Account.Name, MailingAddress, MailingCity FROM Contact LIMIT 500")
    accounts = sandbox.truth("Account")
    for row in rows:
        if row["AccountId"]:
            assert row["Account"]["Name"] == accounts[row["AccountId"]]["Name"]
        else:
            assert row["Account"] is None
        assert (row["MailingAddress"] or {}).get("city") == row["MailingCity"]
    assert rows[0]["attributes"] == {"type": "Contact", "url": f"{DATA}/sobjects/Contact/{rows[0]['Id']}"}


def test_a_query_in_pages_is_not_moved_by_later_changes(fresh: Running) -> None:
    fresh.client.put("/__sandbox__/records/Lead", json=[{"LastName": f"L{n}"} for n in range(4500)]).raise_for_status()
    first = fresh.query("SELECT Id, LastName FROM Lead ORDER BY LastName").json()
    assert (len(first["records"]), first["done"]) == (2000, False)
    fresh.admin("change", {"object": "Lead", "insert": 50, "update": 50, "delete": 50})
    second = fresh.client.get(first["nextRecordsUrl"]).json()
    third = fresh.client.get(second["nextRecordsUrl"]).json()
    ids = {row["Id"] for page in (first, second, third) for row in page["records"]}
    assert len(ids) == first["totalSize"]
    assert third["done"] is True


# Bulk jobs


def test_bulk_pages_give_back_the_truth_byte_for_byte(sandbox: Running) -> None:
    truth = sandbox.truth("Contact")
    names = list(next(iter(truth.values())))
    job = sandbox.job(f"SELECT {','.join(names)} FROM Contact", operation="queryAll")
    pages = sandbox.pages(job, 1500)
    assert [page.headers["Sforce-NumberOfRecords"] for page in pages] == ["1500", "1500", "1500", "500"]
    found: dict[str, dict[str, Any]] = {}
    for page in pages:
        rows = list(csv.reader(io.StringIO(page.content.decode(), newline="")))
        assert rows[0] == names
        found |= {row[0]: dict(zip(names, row, strict=True)) for row in rows[1:]}
    words = {True: "true", False: "false", None: ""}
    assert found == {
        key: {name: words.get(value, value) for name, value in record.items()} for key, record in truth.items()
    }
    assert all(cell.startswith(b'"') for cell in pages[0].content.split(b"\n", 1)[0].split(b","))


def test_a_job_counts_its_records_and_its_pages_can_be_listed(sandbox: Running) -> None:
    job = sandbox.job("SELECT Id FROM Contact WHERE IsDeleted = false")
    processed = sandbox.client.get(f"{DATA}/jobs/query/{job}").json()["numberRecordsProcessed"]
    assert processed == sandbox.count("SELECT COUNT() FROM Contact", "query")
    address, urls, done = f"{DATA}/jobs/query/{job}/resultPages?maxRecords=700", list[str](), False
    while not done:
        listing = sandbox.client.get(address).json()
        urls += [page["resultUrl"] for page in listing["resultPages"]]
        address, done = listing["nextRecordsUrl"], listing["done"]
    assert len(urls) == -(-processed // 700)
    assert sum(int(sandbox.client.get(url).headers["Sforce-NumberOfRecords"]) for url in urls) == processed


def test_an_empty_result_is_a_header_alone(sandbox: Running) -> None:
    job = sandbox.job("SELECT Id, Account.Name FROM Contact WHERE LastName = 'nobody at all'")
    page = sandbox.pages(job, 10)[0]
    assert page.content == b'"Id","Account.Name"\n'
    assert page.headers["Sforce-NumberOfRecords"] == "0"


def test_results_are_compressed_only_when_asked_for(sandbox: Running) -> None:
    job = sandbox.job("SELECT Id, Name FROM Account")
    address = f"{DATA}/jobs/query/{job}/results"
    plain = sandbox.client.get(address, headers={"Accept-Encoding": "identity"})
    packed = sandbox.client.get(address, headers={"Accept-Encoding": "gzip"})
    assert ("Content-Encoding" in plain.headers, packed.headers["Content-Encoding"]) == (False, "gzip")
    assert plain.content == packed.content


def test_a_job_takes_other_delimiters_and_line_ends(sandbox: Running) -> None:
    job = sandbox.job("SELECT Id, Name FROM User LIMIT 1", columnDelimiter="PIPE", lineEnding="CRLF")
    assert sandbox.pages(job, 5)[0].content.startswith(b'"Id"|"Name"\r\n"005')


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT COUNT() FROM Contact", "API_ERROR"),
        ("SELECT MailingAddress FROM Contact", "API_ERROR"),
        ("SELECT Id FROM Contact OFFSET 5", "API_ERROR"),
        ("SELECT Foo FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM", "MALFORMED_QUERY"),
    ],
)
def test_bulk_refuses_what_it_cannot_do_at_creation(sandbox: Running, text: str, code: str) -> None:
    assert error(sandbox.client.post(f"{DATA}/jobs/query", json={"operation": "query", "query": text})) == (400, code)


def test_a_jobs_states_are_kept_to(sandbox: Running) -> None:
    body = {"operation": "query", "query": "SELECT Id FROM Contact"}
    address = f"{DATA}/jobs/query/{sandbox.client.post(f'{DATA}/jobs/query', json=body).json()['id']}"
    assert error(sandbox.client.get(f"{address}/results")) == (400, "INVALIDJOBSTATE")
    assert error(sandbox.client.delete(address)) == (400, "INVALIDJOBSTATE")
    assert sandbox.client.patch(address, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert sandbox.client.delete(address).status_code == 204
    assert error(sandbox.client.get(address)) == (404, "NOT_FOUND")


def test_results_need_the_version_that_the_job_was_made_with(sandbox: Running) -> None:
    job = sandbox.job("SELECT Id FROM User")
    assert sandbox.client.get(f"/services/data/v61.0/jobs/query/{job}/results").status_code == 409


# Administration


def test_a_change_is_counted_stamped_and_visible_to_an_increment(fresh: Running) -> None:
    before = fresh.truth("Contact")
    counts = {"insert": 7, "update": 40, "delete": 5, "undelete": 2, "duplicate": 3}
    made = fresh.admin("change", {"object": "Contact", "seed": 1, **counts}).json()
    after = fresh.truth("Contact")
    words = {"insert": "inserted", "update": "updated", "delete": "deleted", "undelete": "undeleted"}
    assert {key: made[word] for key, word in {**words, "duplicate": "duplicated"}.items()} == counts
    assert len(after) == len(before) + 10
    stamps = {key: record["SystemModstamp"] for key, record in after.items()}
    touched = {key for ids in made["ids"].values() for key in ids}
    assert {key for key in after if before.get(key) != after[key]} == touched
    assert len(touched) == 57
    low = min(stamps[key] for key in touched)
    assert fresh.count(f"SELECT COUNT() FROM Contact WHERE SystemModstamp >= {low}") == 57
    for key in made["ids"]["updated"]:
        changed = {name for name in after[key] if after[key][name] != before[key][name]}
        assert changed - {"SystemModstamp", "LastModifiedDate"}
    keys = [record["External_ID__c"] for record in before.values()]
    assert all(after[key]["External_ID__c"] in keys for key in made["ids"]["duplicated"])
    assert [after[key]["IsDeleted"] for key in made["ids"]["deleted"]] == [True] * 5
    assert [after[key]["IsDeleted"] for key in made["ids"]["undeleted"]] == [False] * 2


def test_the_same_change_of_the_same_data_is_the_same(fresh: Running) -> None:
    body = {"object": "Account", "insert": 2, "update": 9, "delete": 1, "seed": 5}
    other = Running("--rows", "300")
    try:
        assert fresh.admin("change", body).json() == other.admin("change", body).json()
    finally:
        other.close()


def test_exact_records_come_back_as_they_were_put(fresh: Running) -> None:
    record = {
        "Name": 'Two\nlines, "quoted" ',
        "Description": "\x1f tab\t é 🎉",
        "SystemModstamp": "2026-01-02T03:04:05.678+01:00",
        "AnnualRevenue": "1234567890123456.789012345678",
        "Site": "",
    }
    made = fresh.client.put("/__sandbox__/records/Account", json=[record, {"Name": "NA"}]).json()["ids"]
    job = fresh.job(f"SELECT {','.join(record)} FROM Account WHERE Id = '{made[0]}'")
    rows = list(csv.reader(io.StringIO(fresh.pages(job, 5)[0].content.decode(), newline="")))
    assert rows[1] == [*list(record.values())[:2], "2026-01-02T02:04:05.678Z", record["AnnualRevenue"], ""]
    truth = fresh.truth("Account")
    assert (truth[made[0]]["Site"], truth[made[0]]["IsDeleted"]) == (None, False)
    again = fresh.client.put("/__sandbox__/records/Account", json=[{"Id": made[1], "Site": "S"}]).json()["ids"]
    assert again == [made[1]]
    assert (fresh.truth("Account")[made[1]]["Name"], fresh.truth("Account")[made[1]]["Site"]) == ("NA", "S")


def test_an_exact_number_in_json_keeps_its_writing(fresh: Running) -> None:
    body = '[{"Name": "X", "AnnualRevenue": 1.2500E7}]'
    made = fresh.client.put("/__sandbox__/records/Account", content=body).json()["ids"][0]
    assert fresh.truth("Account")[made]["AnnualRevenue"] == "1.2500E7"
    assert "1.2500E7" in fresh.query(f"SELECT AnnualRevenue FROM Account WHERE Id = '{made}'").text


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"Nme": "x"}, "has no stored field Nme"),
        ({"Id": "001000000000000AAB"}, "not a Salesforce Id"),
        ({"AnnualRevenue": "lots"}, "must be a JSON number"),
        ({"SystemModstamp": "yesterday"}, "must be an ISO datetime"),
    ],
)
def test_a_wrong_record_is_refused_and_nothing_is_put(sandbox: Running, record: dict[str, Any], words: str) -> None:
    before = sandbox.count("SELECT COUNT() FROM Account")
    answer = sandbox.client.put("/__sandbox__/records/Account", json=[{"Name": "fine"}, record])
    assert answer.status_code == 400
    assert words in answer.json()[0]["message"]
    assert sandbox.count("SELECT COUNT() FROM Account") == before


def test_the_clock_moves_the_date_header_and_the_stamps(fresh: Running) -> None:
    assert fresh.admin("clock", {"now": "2027-03-01T00:00:00Z"}).json()["now"].startswith("2027-03-01T00:00:0")
    fresh.admin("clock", {"advance_seconds": 86_400})
    assert fresh.client.get("/services/data").headers["Date"].startswith("Tue, 02 Mar 2027 00:00:")
    made = fresh.admin("change", {"object": "Account", "insert": 1}).json()["ids"]["inserted"][0]
    assert fresh.truth("Account")[made]["SystemModstamp"].startswith("2027-03-02T00:00:")
    assert fresh.admin("clock", {"now": None}).json()["now"] < "2027"


def test_a_field_can_be_added_hidden_and_shown_again(fresh: Running) -> None:
    field = {"name": "Tier__c", "label": "Tier", "type": "string", "length": 20, "value": "gold"}
    fresh.admin("fields", {"object": "Account", "add": field}).raise_for_status()
    assert {row["Tier__c"] for row in fresh.records("SELECT Tier__c FROM Account")} == {"gold"}
    fresh.admin("fields", {"object": "Account", "remove": "Tier__c"}).raise_for_status()
    described = fresh.client.get(f"{DATA}/sobjects/Account/describe").json()["fields"]
    assert "Tier__c" not in [entry["name"] for entry in described]
    assert error(fresh.query("SELECT Tier__c FROM Account")) == (400, "INVALID_FIELD")
    fresh.admin("fields", {"object": "Account", "add": {"name": "Tier__c"}}).raise_for_status()
    assert {row["Tier__c"] for row in fresh.records("SELECT Tier__c FROM Account")} == {"gold"}


def test_requests_are_counted_by_kind(fresh: Running) -> None:
    fresh.query("SELECT COUNT() FROM Account")
    fresh.query("SELECT COUNT() FROM Contact")
    counted = fresh.client.get("/__sandbox__/requests").json()["requests"]
    assert counted["GET /services/data/{version}/query"] == 2
    assert counted["POST /services/oauth2/token"] == 1


def test_ended_sessions_have_to_log_in_again(fresh: Running) -> None:
    assert fresh.admin("logout", {}).json() == {"ended": 1}
    assert error(fresh.client.get(f"{DATA}/limits")) == (401, "INVALID_SESSION_ID")
    fresh.log_in()
    assert fresh.client.get(f"{DATA}/limits").status_code == 200


def test_deleted_and_updated_list_ids_of_an_interval(fresh: Running) -> None:
    fresh.admin("clock", {"now": "2027-05-05T10:30:30Z"})
    made = fresh.admin("change", {"object": "Contact", "insert": 2, "delete": 3}).json()["ids"]
    interval = {"start": "2027-05-05T10:30:00Z", "end": "2027-05-05T10:40:00Z"}
    gone = fresh.client.get(f"{DATA}/sobjects/Contact/deleted/", params=interval).json()
    assert sorted(entry["id"] for entry in gone["deletedRecords"]) == sorted(made["deleted"])
    moved = fresh.client.get(f"{DATA}/sobjects/Contact/updated/", params=interval).json()
    assert sorted(moved["ids"]) == sorted(made["inserted"])
    assert moved["latestDateCovered"] == "2027-05-05T10:30:00.000+0000", "no later than now"

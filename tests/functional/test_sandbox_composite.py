"""Several reads in one call, Bulk API 1.0, and the proxy that leads Salesforce's host names to the sandbox."""

from __future__ import annotations

import csv
import io
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from functional.clients import Served, serve
from functional.project import environment

DATA = "/services/data/v62.0"
JOBS = "/services/async/62.0/job"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("sandbox"), rows=60) as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[httpx2.Client]:
    trust = ssl.create_default_context(cafile=served.announced["ca_file"])
    headers = {"Authorization": f"Bearer {served.log_in()}"}
    with httpx2.Client(base_url=served.announced["url"], verify=trust, headers=headers, trust_env=False) as http:
        yield http


def calls(client: httpx2.Client) -> int:
    """The calls so far; asking is none."""
    found: int = client.get("/__sandbox__/requests").json()["api_calls"]
    return found


# --- /composite/batch ------------------------------------------------------------------------------------------------


def batch(client: httpx2.Client, *addresses: str, **options: object) -> Json:
    parts = [{"method": "GET", "url": address} for address in addresses]
    answer = client.post(f"{DATA}/composite/batch", json={"batchRequests": parts, **options})
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def test_a_batch_answers_each_part_as_the_part_alone_would_be_answered(client: httpx2.Client) -> None:
    paths = [
        "/sobjects",
        "/sobjects/Account",
        "/sobjects/Account/describe",
        f"/query?q={quote('SELECT Id, Name, AnnualRevenue FROM Account')}",
        f"/queryAll/?q={quote('SELECT COUNT() FROM Contact')}",
        "/sobjects/Nope/describe",
        f"/query?q={quote('SELECT Nope FROM Account')}",
        "/nothing",
    ]
    together = batch(client, *(f"v62.0{path}" for path in paths))
    alone = [client.get(DATA + path) for path in paths]
    assert together["results"] == [{"statusCode": one.status_code, "result": one.json()} for one in alone]
    assert together["hasErrors"] is True
    assert batch(client, "v62.0/limits")["hasErrors"] is False


def test_a_batch_keeps_every_digit_of_a_number(served: Served, client: httpx2.Client) -> None:
    served.ask("/__sandbox__/records/Account", [{"Name": "Digits", "AnnualRevenue": 123456789012345.67}], "PUT")
    soql = quote("SELECT AnnualRevenue FROM Account WHERE Name = 'Digits'")
    parts = [{"method": "GET", "url": f"v62.0/query?q={soql}"}]
    text = client.post(f"{DATA}/composite/batch", json={"batchRequests": parts}).text
    assert '"AnnualRevenue":123456789012345.67' in text


def test_a_batch_that_halts_runs_nothing_after_its_first_error(client: httpx2.Client) -> None:
    done = batch(client, "v62.0/limits", "v62.0/sobjects/Nope", "v62.0/limits", haltOnError=True)
    assert [part["statusCode"] for part in done["results"]] == [200, 404, 412]
    assert done["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    on = batch(client, "v62.0/limits", "v62.0/sobjects/Nope", "v62.0/limits")
    assert [part["statusCode"] for part in on["results"]] == [200, 404, 200]


def test_each_part_of_a_batch_is_a_call_and_a_composite_is_one(client: httpx2.Client) -> None:
    before = calls(client)
    batch(client, *["v62.0/limits"] * 25)
    assert calls(client) == before + 25
    composite(client, *[f"{DATA}/limits"] * 25)
    assert calls(client) == before + 26


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"batchRequests": [{"method": "GET", "url": "v62.0/limits"}] * 26}, "LIMIT_EXCEEDED"),
        ({"batchRequests": [{"method": "GET", "url": "v63.0/limits"}]}, "INVALID_API_VERSION"),
        ({"batchRequests": [{"method": "GET", "url": "v33.0/limits"}]}, "INVALID_API_VERSION"),
        ({"batchRequests": [{"method": "GET", "url": "limits"}]}, "JSON_PARSER_ERROR"),
        ({"batchRequests": [{"method": "FETCH", "url": "v62.0/limits"}]}, "JSON_PARSER_ERROR"),
        ({"batchRequests": [{"url": "v62.0/limits"}]}, "JSON_PARSER_ERROR"),
        ({"batchRequests": []}, "JSON_PARSER_ERROR"),
        ({}, "JSON_PARSER_ERROR"),
        ([], "JSON_PARSER_ERROR"),
    ],
)
def test_a_batch_that_cannot_be_read_is_refused_whole_and_no_part_of_it_is_counted(
    body: object, code: str, client: httpx2.Client
) -> None:
    before = calls(client)
    answer = client.post(f"{DATA}/composite/batch", json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)
    assert calls(client) == before + 1


def test_a_part_that_would_write_is_refused_by_itself(client: httpx2.Client) -> None:
    parts = [{"method": "DELETE", "url": "v62.0/sobjects/Account"}, {"method": "GET", "url": "v62.0/limits"}]
    answer = client.post(f"{DATA}/composite/batch", json={"batchRequests": parts}).json()
    assert [part["statusCode"] for part in answer["results"]] == [405, 200]


# --- /composite ------------------------------------------------------------------------------------------------------


def composite(client: httpx2.Client, *addresses: str, **options: object) -> list[Json]:
    parts = [{"method": "GET", "url": one, "referenceId": f"part{place}"} for place, one in enumerate(addresses)]
    answer = client.post(f"{DATA}/composite", json={"compositeRequest": parts, **options})
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["compositeResponse"]
    return found


def query(text: str) -> str:
    return f"{DATA}/query?q={quote(text)}"


def test_a_later_part_refers_to_what_an_earlier_one_found(client: httpx2.Client) -> None:
    first, second, third = composite(
        client,
        query("SELECT Id FROM Account ORDER BY Name LIMIT 1"),
        f"{DATA}/sobjects/Account/@{{part0.records[0].Id}}",
        f"{DATA}/sobjects/Account/@{{part0.records[1].Id}}",
    )
    assert second["body"]["Id"] == first["body"]["records"][0]["Id"]
    assert (second["httpStatusCode"], second["referenceId"], second["httpHeaders"]) == (200, "part1", {})
    assert third["httpStatusCode"] == 400
    wanted = "Invalid reference specified. No value for part0.records[1].Id found in part0"
    assert third["body"] == [{"errorCode": "PROCESSING_HALTED", "message": wanted}]


def test_all_or_none_takes_the_good_parts_back(client: httpx2.Client) -> None:
    bad = query("SELECT Nope FROM Account")
    good, failed = composite(client, f"{DATA}/limits", bad)
    assert (good["httpStatusCode"], failed["httpStatusCode"]) == (200, 400)
    good, failed = composite(client, f"{DATA}/limits", bad, allOrNone=True)
    assert (good["httpStatusCode"], good["body"][0]["errorCode"]) == (400, "PROCESSING_HALTED")
    assert failed["body"][0]["errorCode"] == "INVALID_FIELD"


def test_more_than_25_parts_or_5_queries_are_one_failed_part(client: httpx2.Client) -> None:
    for addresses, text in (
        ([f"{DATA}/limits"] * 26, "25 operations"),
        ([query("SELECT COUNT() FROM Account")] * 6, "5 query operations"),
    ):
        (only,) = composite(client, *addresses)
        assert (only["httpStatusCode"], only["referenceId"]) == (400, None)
        assert only["body"][0] == {
            "errorCode": "LIMIT_EXCEEDED",
            "message": f"The request can’t contain more than {text}.",
        }
    assert len(composite(client, *[query("SELECT COUNT() FROM Account")] * 5)) == 5


@pytest.mark.parametrize(("length", "status"), [(100_000, 200), (100_001, 400)])
def test_a_query_of_a_part_may_have_a_hundred_thousand_characters(
    length: int, status: int, client: httpx2.Client
) -> None:
    start, more = "SELECT Id FROM Account WHERE Name != 'x'", " AND Name != 'x'"
    count, spaces = divmod(length - len(start), len(more))
    text = start + more * count + " " * spaces
    assert len(text) == length
    (only,) = composite(client, query(text))
    assert only["httpStatusCode"] == status
    assert client.get(f"{DATA}/query", params={"q": text[:17_000]}).status_code == 414


@pytest.mark.parametrize("reference", [None, "", "with space", "a-b"])
def test_a_part_without_a_usable_reference_is_refused_whole(reference: str | None, client: httpx2.Client) -> None:
    part = {"method": "GET", "url": f"{DATA}/limits"} | ({} if reference is None else {"referenceId": reference})
    answer = client.post(f"{DATA}/composite", json={"compositeRequest": [part]})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_the_same_reference_twice_is_refused_whole(client: httpx2.Client) -> None:
    part = {"method": "GET", "url": f"{DATA}/limits", "referenceId": "one"}
    assert client.post(f"{DATA}/composite", json={"compositeRequest": [part, part]}).status_code == 400


# --- Bulk API 1.0 ----------------------------------------------------------------------------------------------------


def batch_job(client: httpx2.Client, session: dict[str, str], name: str, soql: str, operation: str = "query") -> str:
    made = client.post(JOBS, json={"operation": operation, "object": name, "contentType": "CSV"}, headers=session)
    assert (made.status_code, made.json()["state"]) == (201, "Open")
    address = f"{JOBS}/{made.json()['id']}"
    added = client.post(f"{address}/batch", content=soql, headers={**session, "Content-Type": "text/csv"})
    assert added.status_code == 201
    closed = client.post(address, json={"state": "Closed"}, headers=session).json()
    assert (closed["state"], closed["numberBatchesTotal"]) == ("Closed", 1)
    return f"{address}/batch/{value(added, 'id')}"


def value(answer: httpx2.Response, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", answer.text)
    assert found, answer.text
    return found[1]


@pytest.fixture
def session(client: httpx2.Client) -> dict[str, str]:
    return {"X-SFDC-Session": client.headers.pop("Authorization").partition(" ")[2]}


def test_a_bulk_1_batch_gives_its_records_as_csv(
    served: Served, client: httpx2.Client, session: dict[str, str]
) -> None:
    names = list(served.kinds("Contact"))
    address = batch_job(client, session, "Contact", f"SELECT {', '.join(names)} FROM Contact", "queryAll")
    state = client.get(address, headers=session)
    truth = served.truth("Contact")
    assert (value(state, "state"), value(state, "numberRecordsProcessed")) == ("Completed", str(len(truth)))
    number = value(client.get(f"{address}/result", headers=session), "result")
    text = client.get(f"{address}/result/{number}", headers=session).text
    got = {row["Id"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
    as_text = {True: "true", False: "false", None: ""}
    wanted = {key: {name: as_text.get(one[name], one[name]) for name in names} for key, one in truth.items()}
    assert got == wanted


def test_a_bulk_1_batch_without_records_gives_a_sentence(client: httpx2.Client, session: dict[str, str]) -> None:
    address = batch_job(client, session, "Account", "SELECT Id FROM Account WHERE Name = 'nobody'")
    number = value(client.get(f"{address}/result", headers=session), "result")
    assert client.get(f"{address}/result/{number}", headers=session).text == '"Records not found for this query"\n'


@pytest.mark.parametrize(
    ("soql", "reason"),
    [
        ("SELECT Nope FROM Account", "INVALID_FIELD"),
        ("SELECT BillingAddress FROM Account", "API_ERROR"),
        ("SELECT COUNT() FROM Account", "API_ERROR"),
        ("SELECT Id FROM Contact", "INVALID_TYPE"),
        ("nonsense", "MALFORMED_QUERY"),
    ],
)
def test_a_bulk_1_batch_that_cannot_run_fails_and_says_why(
    soql: str, reason: str, client: httpx2.Client, session: dict[str, str]
) -> None:
    state = client.get(batch_job(client, session, "Account", soql), headers=session)
    assert value(state, "state") == "Failed"
    assert value(state, "stateMessage").startswith(f"InvalidBatch : Failed to process query: {reason}")
    listed = client.get(str(state.url).rpartition("/")[0], headers=session).text
    assert listed.count("<batchInfo>") == 1
    assert "<state>Failed</state>" in listed


def test_bulk_1_refuses_in_the_format_that_the_client_writes(client: httpx2.Client, session: dict[str, str]) -> None:
    unknown = client.get(f"{JOBS}/750000000000000AAA", headers={**session, "Content-Type": "application/json"})
    assert (unknown.status_code, unknown.json()["exceptionCode"]) == (400, "InvalidJob")
    stranger = client.get(f"{JOBS}/750000000000000AAA", headers={"X-SFDC-Session": "nobody"})
    assert (stranger.status_code, value(stranger, "exceptionCode")) == (400, "InvalidSessionId")
    old = client.post("/services/async/20.0/job", json={}, headers=session)
    assert (old.status_code, old.json()["exceptionCode"]) == (400, "InvalidVersion")
    for body in ({"operation": "insert"}, {"operation": "query", "contentType": "XML"}, {"operation": "query"}):
        refused = client.post(JOBS, json={"object": "Nope", "contentType": "CSV", **body}, headers=session)
        assert (refused.status_code, refused.json()["exceptionCode"]) == (400, "InvalidJob")
    xml = "<jobInfo><operation>query</operation><object>Lead</object><contentType>CSV</contentType></jobInfo>"
    made = client.post(JOBS, content=xml, headers={**session, "Content-Type": "application/xml"})
    assert (made.status_code, value(made, "object")) == (201, "Lead")
    address = f"{JOBS}/{value(made, 'id')}"
    assert client.post(address, json={"state": "Aborted"}, headers=session).json()["state"] == "Aborted"
    late = client.post(f"{address}/batch", content="SELECT Id FROM Lead", headers=session)
    assert (late.status_code, value(late, "exceptionCode")) == (400, "InvalidJobState")


# --- Header names and the proxy --------------------------------------------------------------------------------------


def test_header_names_come_with_their_capitals(served: Served) -> None:
    """Some clients look for the exact name."""
    context = ssl.create_default_context(cafile=served.announced["ca_file"])
    host, _, port = served.announced["url"].removeprefix("https://").partition(":")
    with socket.create_connection((host, int(port)), 10) as bare, context.wrap_socket(bare, server_hostname=host) as on:
        token = served.log_in()
        on.sendall(
            f"GET {DATA}/limits HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        text = b"".join(iter(lambda: on.recv(65536), b"")).decode()
    names = {line.partition(":")[0] for line in text.partition("\r\n\r\n")[0].splitlines()[1:]}
    assert {"Content-Type", "Date", "Sforce-Limit-Info"} <= names


def through(served: Served, first_line: str) -> tuple[socket.socket, str]:
    """A connection to the proxy and the first line of its answer."""
    host, _, port = served.announced["proxy"].removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), 10)
    connection.sendall(f"{first_line}\r\nHost: ignored\r\n\r\n".encode())
    answer = connection.recv(4096).decode()
    return connection, answer.partition("\r\n")[0]


@pytest.mark.parametrize("host", ["login.salesforce.com", "test.salesforce.com", "acme--dev.sandbox.my.salesforce.com"])
def test_the_proxy_leads_salesforces_names_to_the_sandbox_under_a_valid_certificate(host: str, served: Served) -> None:
    context = ssl.create_default_context(cafile=served.announced["ca_file"])
    connection, status = through(served, f"CONNECT {host}:443 HTTP/1.1")
    assert status == "HTTP/1.1 200 Connection established"
    with context.wrap_socket(connection, server_hostname=host) as tunnel:
        tunnel.sendall(f"GET /__sandbox__/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert b'"status":"ok"' in b"".join(iter(lambda: tunnel.recv(65536), b""))


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("CONNECT example.com:443 HTTP/1.1", "HTTP/1.1 403 Forbidden"),
        ("CONNECT salesforce.com.example.com:443 HTTP/1.1", "HTTP/1.1 403 Forbidden"),
        ("CONNECT login.salesforce.com:80 HTTP/1.1", "HTTP/1.1 403 Forbidden"),
        ("CONNECT 127.0.0.1:22 HTTP/1.1", "HTTP/1.1 403 Forbidden"),
        ("GET http://login.salesforce.com/ HTTP/1.1", "HTTP/1.1 405 Method Not Allowed"),
        ("nonsense", "HTTP/1.1 405 Method Not Allowed"),
    ],
)
def test_the_proxy_leads_nowhere_else(line: str, status: str, served: Served) -> None:
    connection, answered = through(served, line)
    connection.close()
    assert answered == status


def test_the_proxy_leads_to_the_sandboxs_own_address_too(served: Served) -> None:
    own = served.announced["url"].removeprefix("https://")
    connection, status = through(served, f"CONNECT {own} HTTP/1.1")
    connection.close()
    assert status == "HTTP/1.1 200 Connection established"


def test_a_proxy_to_a_sandbox_without_tls_is_refused() -> None:
    command = [sys.executable, "-m", "durable_sandbox", "--proxy", "--rows", "1"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "--proxy leads to the sandbox's https address: add --tls" in done.stderr

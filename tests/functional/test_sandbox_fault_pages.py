"""Faults of connections and pages: what the administrator orders is what the bytes on the wire show."""

from __future__ import annotations

import gzip
import socket
import time
import zlib
from pathlib import Path

import pytest

from functional.fault_client import DATA, FEW, PAGE, Client, Json, parts, rows
from functional.project import sandbox

FEW_PATH = f"{DATA}/query?q={FEW.replace(' ', '+')}"


def test_a_reset_reaches_the_client_as_a_tcp_reset_before_any_byte(client: Client) -> None:
    client.order({"kind": "query", "reset": True})
    assert client.raw(FEW_PATH) == (b"", "reset")


def test_a_reset_after_some_bytes_lets_those_through(client: Client) -> None:
    whole = client.query().content
    client.order({"kind": "query", "reset": 300})
    raw, end = client.raw(FEW_PATH)
    headers, body = parts(raw)
    assert (end, body, headers["content-length"]) == ("reset", whole[:300], str(len(whole)))


def test_a_stalled_request_gets_no_answer_until_the_client_gives_up(client: Client) -> None:
    client.order({"kind": "query", "stall": True})
    assert client.raw(FEW_PATH) == (b"", "silent")
    assert client.query().status_code == 200


def test_a_stall_of_some_seconds_ends_without_an_answer(client: Client) -> None:
    client.order({"kind": "query", "stall": 0.1})
    assert client.raw(FEW_PATH) == (b"", "closed")


def test_a_stall_may_come_in_the_middle_of_a_body(client: Client) -> None:
    whole = client.query().content
    client.order({"kind": "query", "stall": {"after": 100}})
    raw, end = client.raw(FEW_PATH)
    assert (end, parts(raw)[1]) == ("silent", whole[:100])


def test_a_slow_answer_is_the_right_one_in_pieces(client: Client, job: str) -> None:
    right = client.results(job)
    client.order({"slow": 0.3})
    started = time.monotonic()
    answer = client.results(job)
    assert time.monotonic() - started >= 0.3
    assert answer.content == right.content
    assert answer.headers["Sforce-Locator"] == right.headers["Sforce-Locator"]
    client.order({"slow": 0.2})
    started = time.monotonic()
    assert client.query("SELECT COUNT() FROM Account").status_code == 200
    assert time.monotonic() - started >= 0.2


def test_a_cut_body_ends_before_its_content_length(client: Client) -> None:
    whole = client.query().content
    client.order({"kind": "query", "cut": "row"})
    raw, end = client.raw(FEW_PATH)
    headers, body = parts(raw)
    assert (end, headers["content-length"]) == ("closed", str(len(whole)))
    assert whole.startswith(body)
    assert body.count(b'"attributes"') == 5
    assert body.endswith(b"}")


def test_a_cut_body_without_a_length_lacks_the_last_chunk(client: Client) -> None:
    whole = client.query().content
    client.order({"kind": "query", "cut": {"at": "value", "framing": "chunked"}})
    raw, end = client.raw(FEW_PATH)
    headers, body = parts(raw)
    size, _, rest = body.partition(b"\r\n")
    assert (end, headers["transfer-encoding"], "content-length" in headers) == ("closed", "chunked", False)
    assert len(rest) == int(size, 16) + 2
    assert whole.startswith(rest[:-2])
    assert rest[:-2].count(b'"') % 2 == 1


def test_a_cut_gzip_stream_gives_up_every_byte_before_the_cut(client: Client, job: str) -> None:
    whole = client.results(job).content
    client.order({"kind": "results", "cut": 3})
    raw, end = client.raw(f"{DATA}/jobs/query/{job}/results?maxRecords={PAGE}", "Accept-Encoding: gzip")
    headers, body = parts(raw)
    assert (end, headers["content-encoding"]) == ("closed", "gzip")
    assert int(headers["content-length"]) > len(body)
    unpacked = zlib.decompressobj(31).decompress(body)
    assert whole.startswith(unpacked)
    assert len(rows(unpacked.decode())) == 3


def test_a_gzip_stream_without_an_end_is_right_for_http(client: Client, job: str) -> None:
    client.order({"kind": "results", "cut": {"at": "value", "framing": "gzip"}})
    path = f"{DATA}/jobs/query/{job}/results?maxRecords={PAGE}"
    raw, _ = client.raw(path, "Accept-Encoding: gzip", "Connection: close")
    headers, body = parts(raw)
    assert int(headers["content-length"]) == len(body)
    with pytest.raises(EOFError):
        gzip.decompress(body)
    assert zlib.decompressobj(31).decompress(body).count(b'"') % 2 == 1


def test_the_sandbox_stops_at_once_while_a_client_still_waits_for_a_stalled_answer(tmp_path: Path) -> None:
    with sandbox(tmp_path / "state", rows=5) as served:
        waiting = socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), timeout=10)
        served.post("faults", {"stall": True})
        waiting.sendall(b"GET /services/data HTTP/1.1\r\nHost: x\r\n\r\n")
        while not served._send("GET", "faults", None)["faults"][0]["fired"]:
            time.sleep(0.01)
        started = time.monotonic()
        served.post("stop", {})
        assert waiting.recv(100) == b""
        assert time.monotonic() - started < 1.5
        waiting.close()


# --- pages ---


@pytest.mark.parametrize(("counted", "announced"), [(False, PAGE), (True, PAGE // 2)])
def test_a_consistent_cut_shows_only_in_the_counts(client: Client, job: str, counted: bool, announced: int) -> None:
    whole = rows(client.results(job).text)
    client.order({"kind": "results", "cut": {"at": "row", "framing": "consistent", "counted": counted}})
    answer = client.results(job)
    assert rows(answer.text) == whole[: PAGE // 2]
    assert answer.headers["Sforce-NumberOfRecords"] == str(announced)
    assert rows(client.results(job).text) == whole


def test_a_consistent_cut_of_a_query_is_valid_json_with_too_few_records(client: Client) -> None:
    whole = client.query().json()
    client.order({"kind": "query", "cut": {"at": 4, "framing": "consistent"}})
    cut = client.query().json()
    assert cut == whole | {"records": whole["records"][:4]}
    assert cut["totalSize"] == 10


def test_a_page_cut_after_its_header_has_no_record(client: Client, job: str) -> None:
    client.order({"kind": "results", "cut": {"at": "header", "framing": "consistent"}})
    assert client.results(job).text == '"Id","LastName"\n'


def test_a_bulk_page_is_delivered_again_under_the_next_locator_once(client: Client, job: str) -> None:
    first = client.results(job)
    second = client.results(job, first.headers["Sforce-Locator"])
    client.order({"kind": "results", "repeat_page": True})
    assert client.results(job).content == first.content
    again = client.results(job, first.headers["Sforce-Locator"])
    assert rows(again.text) == rows(first.text)
    assert again.headers["Sforce-Locator"] == second.headers["Sforce-Locator"]
    assert client.results(job, first.headers["Sforce-Locator"]).content == second.content
    client.order({"kind": "results", "repeat_page": True})
    client.results(job)
    client.clear()
    assert client.results(job, first.headers["Sforce-Locator"]).content == second.content


def test_a_page_of_a_query_is_delivered_again_under_the_next_address(client: Client) -> None:
    client.order({"kind": "query", "repeat_page": True})
    first = client.query("SELECT Id FROM Contact").json()
    again = client.http.get(first["nextRecordsUrl"]).json()
    assert [row["Id"] for row in again["records"]] == [row["Id"] for row in first["records"]]
    assert (again["done"], again["totalSize"]) == (True, client.count())
    right = client.http.get(first["nextRecordsUrl"]).json()["records"]
    assert len({row["Id"] for row in first["records"] + right}) == client.count()


def test_the_rows_of_a_page_are_doubled_or_one_is_replaced(client: Client, job: str) -> None:
    right = rows(client.results(job).text)
    client.order({"kind": "results", "repeat_rows": {"counted": True}})
    answer = client.results(job)
    assert (rows(answer.text), answer.headers["Sforce-NumberOfRecords"]) == (right * 2, str(2 * PAGE))
    client.order({"kind": "results", "replace_row": True})
    answer = client.results(job)
    assert (rows(answer.text), answer.headers["Sforce-NumberOfRecords"]) == ([*right[:-1], right[-2]], str(PAGE))


def test_nul_bytes_stand_inside_values(client: Client, job: str) -> None:
    right = client.results(job).text
    client.order({"kind": "results", "nul_bytes": 2}, {"kind": "query", "nul_bytes": 1})
    spoiled = client.results(job).text
    assert (spoiled.count("\0"), spoiled.replace("\0", "")) == (2, right)
    assert [row[1].count("\0") for row in rows(spoiled)[:3]] == [1, 1, 0]
    assert client.query().text.count("\\u0000") == 1


def test_headers_of_a_result_page_can_be_wrong_missing_or_say_null(client: Client, job: str) -> None:
    orders: list[tuple[Json, str, str | None]] = [
        ({"wrong_count": -1}, "Sforce-NumberOfRecords", str(PAGE - 1)),
        ({"locator": None}, "Sforce-Locator", None),
        ({"locator": "null"}, "Sforce-Locator", "null"),
        ({"headers": {"Sforce-NumberOfRecords": None}}, "Sforce-NumberOfRecords", None),
        ({"headers": {"Date": "yesterday"}}, "Date", "yesterday"),
    ]
    for order, header, value in orders:
        client.order({"kind": "results", **order})
        assert client.results(job).headers.get(header) == value
    assert client.results(job).headers["Sforce-NumberOfRecords"] == str(PAGE)


def test_values_of_a_json_answer_change_and_its_records_keep_their_digits(client: Client) -> None:
    text = "SELECT Id, Amount FROM Opportunity WHERE Amount != null LIMIT 20"
    right = client.query(text).text
    client.order({"kind": "query", "json": {"totalSize": 21}})
    assert client.query(text).text == right.replace('"totalSize":20', '"totalSize":21')

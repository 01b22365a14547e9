"""A sandbox of a million Contacts answers at once, holds little, and every page of an answer can be read alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from functional.test_sandbox_api import DATA, Running

MOST_MEGABYTES = 400
MILLION = 1_000_000


@pytest.fixture(scope="module")
def million() -> Iterator[Running]:
    running = Running("--rows", str(MILLION), "--seed", "3")
    yield running
    running.close()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[Running, Path]]:
    state = tmp_path / "state"
    running = Running("--rows", "13000", "--seed", "3", "--state", str(state))
    yield running, state
    running.close()


def megabytes(running: Running) -> int:
    """The most memory that the server ever had."""
    status = Path(f"/proc/{running.process.pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def ids_of(page: httpx2.Response) -> list[str]:
    return [row[0] for row in csv.reader(io.StringIO(page.content.decode(), newline=""))][1:]


def result_pages(running: Running, job: str, size: int) -> list[str]:
    """The addresses of all pages of a job."""
    address: str | None = f"{DATA}/jobs/query/{job}/resultPages?maxRecords={size}"
    found: list[str] = []
    while address:
        answer = running.client.get(address).json()
        found += [page["resultUrl"] for page in answer["resultPages"]]
        address = answer["nextRecordsUrl"]
    return found


def test_a_million_contacts_are_served_without_being_held(million: Running) -> None:
    assert million.count("SELECT COUNT() FROM Contact") == MILLION
    live = million.count("SELECT COUNT() FROM Contact", "query")
    assert 985_000 < live < 995_000
    early = million.count("SELECT COUNT() FROM Contact WHERE SystemModstamp < 2025-06-01T00:00:00Z")
    late = million.count("SELECT COUNT() FROM Contact WHERE SystemModstamp >= 2025-06-01T00:00:00Z")
    assert (early + late, early > 100_000, late > 100_000) == (MILLION, True, True)
    assert million.count("SELECT COUNT() FROM Contact WHERE SystemModstamp > 2026-01-03T00:00:00Z") == 0
    assert megabytes(million) < MOST_MEGABYTES


def test_any_page_of_a_million_can_be_read_alone_and_again(million: Running) -> None:
    job = million.job("SELECT Id, Name, Account.Name FROM Contact", operation="queryAll")
    pages = result_pages(million, job, 20_000)
    assert len(pages) == 50
    last, first, again = (million.client.get(pages[place]) for place in (49, 0, 49))
    assert last.content == again.content
    assert (last.headers["Sforce-Locator"], last.headers["Sforce-NumberOfRecords"]) == ("null", "20000")
    assert [len(set(ids_of(page))) for page in (first, last)] == [20_000, 20_000]
    assert max(ids_of(first)) < min(ids_of(last))
    assert megabytes(million) < MOST_MEGABYTES


def test_records_are_found_by_id_anywhere_in_a_million(million: Running) -> None:
    page = million.records("SELECT Id FROM Contact WHERE Id > '003Hs0000002000' ORDER BY Id LIMIT 300", "queryAll")
    wanted = [record["Id"] for record in page]
    assert (len(wanted), wanted) == (300, sorted(wanted))
    listed = ",".join(f"'{one}'" for one in wanted)
    job = million.job(f"SELECT Id FROM Contact WHERE Id IN ({listed}) ORDER BY Id LIMIT 250", operation="queryAll")
    assert ids_of(million.pages(job, 1000)[0]) == wanted[:250]
    changed = million.admin("change", {"object": "Account", "update": 1}).json()["ids"]["updated"]
    (account,) = million.records(f"SELECT SystemModstamp FROM Account WHERE Id = '{changed[0]}'")
    stamp = account["SystemModstamp"].replace("+0000", "Z")
    moved = million.count(f"SELECT COUNT() FROM Contact WHERE Account.SystemModstamp >= {stamp}")
    assert moved == million.count(f"SELECT COUNT() FROM Contact WHERE AccountId = '{changed[0]}'") > 0


def test_an_answer_stays_as_it_was_and_the_state_comes_back_over_many_blocks(kept: tuple[Running, Path]) -> None:
    running, state = kept
    job = running.job("SELECT Id, LastName, SystemModstamp FROM Contact", operation="queryAll")
    cursor = running.query("SELECT Id, LastName FROM Contact", "queryAll").json()
    before = [running.client.get(page).content for page in result_pages(running, job, 4000)]
    rest = running.client.get(cursor["nextRecordsUrl"]).json()
    change = {"object": "Contact", "insert": 50, "update": 900, "delete": 300, "undelete": 20, "purge": 40}
    made = running.admin("change", change).json()
    drop = {"op": "remove", "object": "Contact", "field": "LastName"}
    running.client.post("/__sandbox__/drift", json=drop).raise_for_status()
    assert [running.client.get(page).content for page in reversed(result_pages(running, job, 4000))] == before[::-1]
    assert running.client.get(cursor["nextRecordsUrl"]).json() == rest
    assert running.count("SELECT COUNT() FROM Contact") == 13_000 + 50 - 40
    truth = running.truth("Contact")
    touched = {one for key, ids in made["ids"].items() if key != "purged" for one in ids}
    newest = max(record["SystemModstamp"] for record in truth.values())
    assert {key for key, record in truth.items() if record["SystemModstamp"] >= "2026-01-05"} == touched
    assert running.count("SELECT COUNT() FROM Contact WHERE SystemModstamp >= 2026-01-05T00:00:00Z") == len(touched)
    assert newest > "2026-01-05"
    again = restarted(running, state)
    try:
        assert again.truth("Contact") == truth
    finally:
        again.close()


def restarted(running: Running, state: Path) -> Any:
    running.process.kill()
    running.process.wait(10)
    return Running("--state", str(state))

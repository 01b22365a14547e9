"""Extraction from the sandbox over a real socket: complete, byte-equal over both APIs, and incremental."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from durable_runtime.clock import SYSTEM
from durable_runtime.configuration import load
from durable_runtime.credentials import given
from durable_runtime.errors import ConfigurationError, SalesforceUnavailable
from durable_runtime.extraction import Landed, Reader, count, extract, ids_of, land
from durable_runtime.salesforce import bulk, rest
from durable_runtime.salesforce.describe import describe, visible_fields
from durable_runtime.salesforce.session import Session
from durable_runtime.salesforce.sizes import SIZES, Sizes
from durable_runtime.sandbox_process import salesforce
from durable_runtime.spec import Extract, Retry
from durable_runtime.windows import Plan, Window, window

RETRY = Retry(max_attempts=3, backoff="exponential", max_elapsed_seconds=60, classes=("rate_limit", "network"))
OBJECTS = ("Account", "Contact", "Case", "Customer_Health__c")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    path = tmp_path_factory.mktemp("project") / "durable.toml"
    path.write_text("[profiles.local]\nsalesforce = 'sandbox'\n", encoding="utf-8")
    with salesforce(load(path, "local")) as settings, Session(settings, RETRY, SYSTEM) as opened:
        yield opened


def plan(session: Session, name: str, inside: Window | None = None) -> Plan:
    fields = visible_fields(describe(session, name))
    return Plan(
        Extract(
            object=name,
            fields=fields,
            soql=lambda shown: f"SELECT {', '.join(shown)} FROM {name}",
            cursor="SystemModstamp",
            requirements=("R1",),
        ),
        fields,
        inside or window(None, 0, session.server_time(), 0),
    )


def read(session: Session, folder: Path, *plans: Plan, sizes: Sizes = SIZES) -> dict[str, Landed]:
    return extract(Reader(session, folder, RETRY, SYSTEM, sizes), plans).landed


def lines(landed: Landed) -> list[bytes]:
    return sorted(line for path in landed.files for line in path.read_bytes().splitlines(keepends=True)[1:])


def rows(landed: Landed, what: str) -> list[tuple[object, ...]]:
    names = [str(path) for path in landed.files]
    with duckdb.connect() as database:
        return database.execute(
            f"SELECT {what} FROM read_csv($1, header = true, all_varchar = true, quote = '\"', escape = '\"')", [names]
        ).fetchall()


def test_the_organization_and_its_objects_are_known(session: Session) -> None:
    assert re.fullmatch(r"00D\w{15}", session.organization_id)
    assert {"Account", "Contact", "Customer_Health__c"} <= {
        each["name"] for each in session.get("sobjects")["sobjects"]
    }
    assert abs(session.server_time() - datetime.now(UTC)) < timedelta(seconds=60)


def test_a_first_load_lands_every_record_deleted_ones_too(session: Session, tmp_path: Path) -> None:
    landed = read(session, tmp_path, *(plan(session, name) for name in OBJECTS))
    for name in OBJECTS:
        live = rows(landed[name], 'count(*) FILTER ("IsDeleted" = \'false\'), count(*), count(DISTINCT "Id")')
        everything = rest.count(session, f"SELECT Id FROM {name}")
        assert live == [(count(session, name), everything, everything)]
        assert landed[name].rows == everything
    assert {name: landed[name].api for name in ("Contact", "Case")} == {"Contact": "bulk", "Case": "rest"}
    assert bulk.delete(session, landed["Contact"].jobs) == ()


@pytest.mark.parametrize("name", OBJECTS)
def test_rest_and_bulk_give_byte_equal_rows(session: Session, tmp_path: Path, name: str) -> None:
    by_rest = read(session, tmp_path / "rest", plan(session, name), sizes=Sizes(rest_below=10**9))[name]
    by_bulk = read(session, tmp_path / "bulk", plan(session, name), sizes=Sizes(rest_below=0))[name]
    assert (by_rest.api, by_bulk.api) == ("rest", "bulk")
    assert by_rest.columns == by_bulk.columns
    assert lines(by_rest) == lines(by_bulk)


@pytest.mark.parametrize("downloads", [1, 4], ids=["one by one", "several at once"])
def test_small_pages_give_the_same_records(session: Session, tmp_path: Path, downloads: int) -> None:
    whole = read(session, tmp_path / "whole", plan(session, "Contact"))["Contact"]
    small = Sizes(page_records=1500, downloads=downloads)
    paged = read(session, tmp_path / "paged", plan(session, "Contact"), sizes=small)["Contact"]
    assert len(paged.files) > len(whole.files)
    assert paged.rows == whole.rows
    assert set(lines(paged)) == set(lines(whole))


def test_windows_that_touch_read_each_record_once(session: Session, tmp_path: Path) -> None:
    whole = read(session, tmp_path / "whole", plan(session, "Contact"))["Contact"]
    stamps = [str(row[0]) for row in rows(whole, '"SystemModstamp"')]
    middle = datetime.fromisoformat(sorted(stamps)[len(stamps) // 2])
    hi = session.server_time() + timedelta(seconds=1)
    before = read(session, tmp_path / "before", plan(session, "Contact", Window(None, middle)))["Contact"]
    after = read(session, tmp_path / "after", plan(session, "Contact", Window(middle, hi)))["Contact"]
    assert before.rows > 0
    assert after.rows > 0
    assert before.rows + after.rows == whole.rows
    assert all(datetime.fromisoformat(str(row[0])) >= middle for row in rows(after, '"SystemModstamp"'))


def test_the_live_ids_are_those_not_deleted(session: Session, tmp_path: Path) -> None:
    landed = read(session, tmp_path, plan(session, "Contact"))["Contact"]
    live = {str(row[0]) for row in rows(landed, '"Id", "IsDeleted"') if row[1] == "false"}
    reader = Reader(session, tmp_path, RETRY, SYSTEM)
    paths = land(reader, "Contact", ids_of("Contact"), ("Id",), tmp_path / "ids", deleted=False).files
    listed = [line.strip('"') for path in paths for line in path.read_text().splitlines()[1:]]
    assert len(listed) == len(live)
    assert set(listed) == live


def test_the_sandbox_ends_with_its_context(tmp_path: Path) -> None:
    path = tmp_path / "durable.toml"
    path.write_text("[profiles.local]\n", encoding="utf-8")
    with salesforce(load(path, "local")) as settings, Session(settings, RETRY, SYSTEM) as opened:
        assert opened.organization_id
    with Session(settings, Retry(1, "exponential", 1, ()), SYSTEM) as late, pytest.raises(SalesforceUnavailable):
        late.login()


def test_a_sandbox_that_already_serves_this_state_is_used(tmp_path: Path) -> None:
    path = tmp_path / "durable.toml"
    path.write_text("[profiles.local]\n", encoding="utf-8")
    profile = load(path, "local")
    with salesforce(profile) as first:
        assert first.client_id is not None
        assert first.client_secret is not None
        announced = {
            "url": first.login_url,
            "client_id": first.client_id.reveal(),
            "client_secret": first.client_secret.reveal(),
            "username": "integration@sandbox.example.com",
        }
        (profile.state / "sandbox" / "url.json").write_text(json.dumps(announced), encoding="utf-8")
        with salesforce(profile) as second:
            assert second.login_url == first.login_url
    with salesforce(profile) as third, Session(third, RETRY, SYSTEM) as opened:
        assert third.login_url != first.login_url
        assert opened.organization_id


def test_a_jwt_log_in_reaches_the_same_organization(tmp_path: Path) -> None:
    path = tmp_path / "durable.toml"
    path.write_text("[profiles.local]\n", encoding="utf-8")
    profile = load(path, "local")
    with salesforce(profile) as settings, Session(settings, RETRY, SYSTEM) as by_secret:
        pem = (profile.state / "sandbox" / "private_key.pem").read_text(encoding="utf-8")
        signed = replace(settings, auth="jwt", private_key=given(pem, "private_key"))
        with Session(signed, RETRY, SYSTEM) as by_key:
            assert by_key.organization_id == by_secret.organization_id


def test_a_missing_sandbox_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "durable.toml"
    path.write_text("[profiles.local]\n", encoding="utf-8")
    monkeypatch.setattr("durable_runtime.sandbox_process.MODULE", "durable_sandbox_that_is_not_here")
    with pytest.raises(ConfigurationError) as caught, salesforce(load(path, "local")):
        pass
    assert "pip install 'durable-pipelines[sandbox]'" in caught.value.help

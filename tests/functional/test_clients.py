"""Other people's Salesforce clients, as their registries have them, read everything that the sandbox holds."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
)

from functional.clients import (
    AIRBYTE,
    JSFORCE,
    MY_DOMAIN,
    PINS,
    SINGER,
    VERSION,
    Served,
    by_id,
    call,
    differences,
    installed,
    needs_clients,
    node,
    run,
    serve,
)

pytestmark = pytest.mark.xdist_group("clients")

HARD_TEXTS = (
    "NA",
    "N/A",
    "null",
    "None",
    "nan",
    "-",
    'a "quoted" word',
    "two\nlines",
    "comma, and; semicolon",
    "ß日本",
)
"""What readers of CSV files take for something else."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One sandbox for all; 2,200 Contacts are two REST pages."""
    with serve(tmp_path_factory.mktemp("sandbox"), rows=2200) as running:
        rows = [{"LastName": f"Hard {n}", "Title": text} for n, text in enumerate(HARD_TEXTS)]
        running.ask("/__sandbox__/records/Contact", rows, "PUT")
        deals = [{"Name": f"Hard {n}", "Amount": 0.01, "Description": text} for n, text in enumerate(HARD_TEXTS)]
        running.ask("/__sandbox__/records/Opportunity", [*deals, {"Name": "Exact", "Amount": 99999999999999.99}], "PUT")
        running.ask("/__sandbox__/change", {"object": "Contact", "delete": 3, "update": 5})
        yield running


@pytest.fixture
def reach(served: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """The sandbox for a client in this process."""
    for name, value in served.variables.items():
        monkeypatch.setenv(name, value)
    return served


def simple(served: Served) -> Any:
    """simple-salesforce, logged in as an integration is; its types know less than it does."""
    known: dict[str, Any] = {
        "consumer_key": served.announced["client_id"],
        "consumer_secret": served.announced["client_secret"],
    }
    return Salesforce(**known, domain=MY_DOMAIN, version=VERSION, parse_float=Decimal)


def select(served: Served, name: str) -> str:
    return f"SELECT {', '.join(served.kinds(name))} FROM {name}"


# --- simple-salesforce -----------------------------------------------------------------------------------------------

LOGINS = {
    "password": ("username", "password", "security_token"),
    "jwt-bearer": ("username", "consumer_key", "privatekey_file"),
    "client-credentials": ("consumer_key", "consumer_secret", "domain"),
    "direct": ("session_id", "instance_url"),
}
"""simple-salesforce's name of a flow → what it is given for it; `password` is SOAP's login()."""


def credentials(served: Served) -> dict[str, Any]:
    known = served.announced
    return {
        "username": known["username"],
        "password": known["password"],
        "security_token": known["security_token"],
        "consumer_key": known["client_id"],
        "consumer_secret": known["client_secret"],
        "privatekey_file": known["private_key"],
        "domain": MY_DOMAIN,
        "session_id": served.log_in(),
        "instance_url": known["url"],
    }


@pytest.mark.parametrize("flow", LOGINS)
def test_simple_salesforce_logs_in_with_each_of_its_flows(flow: str, reach: Served) -> None:
    given = credentials(reach)
    client = Salesforce(**{name: given[name] for name in LOGINS[flow]})
    assert client.auth_type == flow
    assert client.query("SELECT Id FROM Organization")["records"][0]["Id"] == next(iter(reach.truth("Organization")))


def test_simple_salesforce_logs_in_with_the_password_of_a_connected_app(reach: Served) -> None:
    given = credentials(reach)
    password = given["password"] + given["security_token"]
    known = {name: given[name] for name in ("username", "consumer_key", "consumer_secret")}
    client = Salesforce(**known, password=password)
    assert client.query("SELECT COUNT() FROM User")["totalSize"] == len(reach.truth("User"))


@pytest.mark.parametrize(
    ("names", "wrong", "code"),
    [
        (LOGINS["password"], {"password": "wrong"}, "INVALID_LOGIN"),
        (LOGINS["jwt-bearer"], {"username": "somebody@else.example.com"}, "invalid_grant"),
        (LOGINS["client-credentials"], {"consumer_secret": "wrong"}, "invalid_client"),
        (LOGINS["client-credentials"], {"consumer_key": "wrong"}, "invalid_client_id"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_simple_salesforce_is_told_why_a_login_failed(
    names: tuple[str, ...], wrong: dict[str, str], code: str, reach: Served
) -> None:
    given = {name: credentials(reach)[name] for name in names} | wrong
    with pytest.raises(SalesforceAuthenticationFailed) as caught:
        Salesforce(**given)
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["Account", "Contact", "Opportunity", "Customer_Health__c"])
def test_simple_salesforce_reads_every_value_of_every_record_over_rest(name: str, reach: Served) -> None:
    client, kinds = simple(reach), reach.kinds(name)
    live = client.query_all(select(reach, name))
    assert differences(reach.truth(name, deleted_too=False), by_id(live["records"]), kinds, Decimal) == []
    every = client.query_all_iter(select(reach, name), include_deleted=True)
    assert differences(reach.truth(name), by_id(every), kinds, Decimal) == []


def test_simple_salesforce_reads_every_value_of_every_record_over_bulk(reach: Served, tmp_path: Path) -> None:
    bulk, kinds = simple(reach).bulk2.Contact, reach.kinds("Contact")
    soql = select(reach, "Contact")
    live, every = reach.truth("Contact", deleted_too=False), reach.truth("Contact")
    pages = list(bulk.query(soql, max_records=1000, wait=0.1))
    assert len(pages) == 3
    assert differences(live, by_id(cells(pages)), kinds, Decimal) == []
    assert differences(every, by_id(cells(bulk.query_all(soql, wait=0.1))), kinds, Decimal) == []
    files = bulk.download(soql, str(tmp_path), max_records=1500, wait=0.1)
    assert [entry["number_of_records"] for entry in files] == [1500, len(live) - 1500]
    texts = [Path(entry["file"]).read_bytes().decode() for entry in files]
    assert differences(live, by_id(cells(texts)), kinds, Decimal) == []


def test_simple_salesforce_reads_every_value_of_every_record_over_the_older_bulk_api(reach: Served) -> None:
    bulk, kinds = simple(reach).bulk.Contact, reach.kinds("Contact")
    numbered = {name: "long" if kind in MOMENTS else kind for name, kind in kinds.items()}
    for read, deleted_too in ((bulk.query, False), (bulk.query_all, True)):
        truth = reach.truth("Contact", deleted_too=deleted_too)
        counted = {key: {name: counted_in_json(one[name], kinds[name]) for name in kinds} for key, one in truth.items()}
        assert differences(counted, by_id(read(select(reach, "Contact"))), numbered, float) == []


MOMENTS = ("date", "datetime")


def counted_in_json(value: Any, kind: str) -> Any:
    """How Bulk API 1.0 writes a moment or a date into JSON."""
    if value is None or kind not in MOMENTS:
        return value
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def cells(pages: Any) -> Iterator[dict[str, str]]:
    for page in pages:
        yield from csv.DictReader(io.StringIO(page, newline=""))


def test_simple_salesforce_finds_objects_fields_records_and_changes(reach: Served) -> None:
    client, truth = simple(reach), reach.truth("Contact")
    listed = {one["name"]: one for one in client.describe()["sobjects"]}
    assert listed["Contact"] == client.Contact.metadata()["objectDescribe"]
    described = {one["name"]: one["type"] for one in client.Contact.describe()["fields"]}
    assert described.items() >= reach.kinds("Contact").items()
    one = next(iter(reach.truth("Contact", deleted_too=False).values()))
    assert client.Contact.get(one["Id"])["LastName"] == one["LastName"]
    end = datetime.now(UTC) + timedelta(minutes=2)
    start = (end - timedelta(days=1)).replace(second=0, microsecond=0)
    gone = {record["id"] for record in client.Contact.deleted(start, end)["deletedRecords"]}
    today = {key for key, record in truth.items() if datetime.fromisoformat(record["SystemModstamp"]) >= start}
    assert gone == {key for key in today if truth[key]["IsDeleted"]}
    assert len(gone) == 3
    changed = set(client.Contact.updated(start, end)["ids"])
    assert changed == today - gone
    assert len(changed) >= len(HARD_TEXTS)


def test_simple_salesforce_is_counted_and_sees_it_in_limits_and_headers(reach: Served) -> None:
    client = simple(reach)
    first = client.limits()["DailyApiRequests"]
    batch = [{"method": "GET", "url": f"v{VERSION}/sobjects/{name}/describe"} for name in ("Account", "Lead", "Nope")]
    answer = client.restful("composite/batch", method="POST", json={"batchRequests": batch})
    assert [part["statusCode"] for part in answer["results"]] == [200, 200, 404]
    assert answer["hasErrors"]
    parts = [{"method": "GET", "url": f"/services/data/v{VERSION}/limits", "referenceId": f"r{n}"} for n in range(9)]
    client.restful("composite", method="POST", json={"compositeRequest": parts})
    second = client.limits()["DailyApiRequests"]
    # Three parts of a batch are three calls, nine of a composite are one, and asking is one more.
    assert first["Remaining"] - second["Remaining"] == 3 + 1 + 1
    assert client.api_usage["api-usage"].used == second["Max"] - second["Remaining"]


def test_simple_salesforce_sends_a_query_of_a_hundred_thousand_characters_through_composite(reach: Served) -> None:
    client, truth = simple(reach), reach.truth("Contact", deleted_too=False)
    wanted = sorted(truth)[:2000]
    soql = f"SELECT Id, LastName FROM Contact WHERE Id IN ({', '.join(repr(key) for key in wanted)})"
    soql += " AND LastName != null" * 2600
    assert 90_000 < len(soql) <= 100_000
    for length in (20_000, len(soql)):
        with pytest.raises(SalesforceGeneralError) as caught:
            client.query(soql[:length])
        assert caught.value.status == 414
    address = f"/services/data/v{VERSION}/query?{urlencode({'q': soql})}"
    parts = [{"method": "GET", "url": address, "referenceId": "long"}]
    answer = client.restful("composite", method="POST", json={"compositeRequest": parts})["compositeResponse"][0]
    assert (answer["httpStatusCode"], answer["referenceId"]) == (200, "long")
    got = {record["Id"]: record["LastName"] for record in answer["body"]["records"]}
    assert got == {key: truth[key]["LastName"] for key in wanted}


def test_simple_salesforce_logs_in_again_when_its_session_dies(reach: Served) -> None:
    client = simple(reach)
    old = client.session_id
    reach.ask("/__sandbox__/logout", {})
    assert client.query("SELECT COUNT() FROM Account")["totalSize"] == len(reach.truth("Account", deleted_too=False))
    assert client.session_id != old


def test_simple_salesforce_is_told_of_a_field_that_does_not_exist(reach: Served) -> None:
    with pytest.raises(SalesforceMalformedRequest) as caught:
        simple(reach).query("SELECT Id, Nope FROM Contact")
    content: Any = caught.value.content
    assert content[0]["errorCode"] == "INVALID_FIELD"
    assert "No such column 'Nope' on entity 'Contact'" in content[0]["message"]


# --- jsforce ---------------------------------------------------------------------------------------------------------


@needs_clients
@installed("jsforce", JSFORCE)
def test_jsforce_logs_in_queries_describes_and_sees_changes(served: Served) -> None:
    kinds, truth = served.kinds("Contact"), served.truth("Contact")
    live = served.truth("Contact", deleted_too=False)
    now = datetime.now(UTC)
    objects = ["Account", "Contact", "Opportunity"]
    asked = {
        **served.announced,
        "refresh_token": served.authentication()["refresh_token"],
        "my_domain": f"https://{MY_DOMAIN}.salesforce.com",
        "soql": select(served, "Contact"),
        "objects": objects,
        "one": next(iter(live)),
        "since": (now - timedelta(days=1)).isoformat(),
        "until": (now + timedelta(minutes=2)).isoformat(),
    }
    got = json.loads(run(served, [node(), PINS / "drive_jsforce.cjs"], given=asked))

    organization = next(iter(served.truth("Organization")))
    assert got["login"]["soap"]["organizationId"] == got["login"]["oauth"] == organization
    assert got["login"]["direct"] == served.announced["username"]
    assert got["login"]["wrong"].startswith("INVALID_LOGIN: Invalid username, password, security token")
    assert got["refresh"] == {"refreshes": 1, "count": len(live)}

    assert differences(live, by_id(got["live"]), kinds, float) == []
    assert differences(truth, by_id(got["all"]), kinds, float) == []
    assert differences(live, by_id(got["bulk"]), kinds, float) == []
    assert differences(live, by_id(got["bulk1"]), kinds, float) == []
    parent = live[got["parent"]["Id"]]["AccountId"]
    assert got["parent"]["Account"]["Name"] == served.truth("Account")[parent]["Name"]

    assert dict(got["fields"]).items() >= kinds.items()
    assert set(objects) <= set(got["global"])
    assert got["limits"]["DailyApiRequests"]["Remaining"] < got["limits"]["DailyApiRequests"]["Max"]
    assert got["one"]["LastName"] == live[asked["one"]]["LastName"]
    gone = {record["id"] for record in got["deleted"]["deletedRecords"]}
    assert len(gone) == 3
    assert gone < truth.keys() - live.keys()
    assert set(got["updated"]["ids"]) >= {key for key, one in live.items() if one["LastName"].startswith("Hard ")}
    assert got["batch"] == [[200, name] for name in objects]
    assert got["invalid"][0] == "INVALID_FIELD"
    assert "No such column 'Nope' on entity 'Contact'" in got["invalid"][1]
    assert got["unknown"] == "NOT_FOUND"


# --- Airbyte ---------------------------------------------------------------------------------------------------------

MISSING_TO_PANDAS = frozenset({"NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "None", "#N/A", "<NA>"})


def kept_by_airbyte(text: str) -> str | None:
    """What Airbyte's Bulk reader leaves of a text: it takes some words and blanks for nothing, and CR LF for LF."""
    return None if text in MISSING_TO_PANDAS or not text.strip() else text.replace("\r\n", "\n")


AIRBYTE_STREAMS: dict[str, Callable[[str], str | None]] = {
    "Account": str,
    "Contact": str,
    "Opportunity": kept_by_airbyte,
}
"""Two that Airbyte reads over REST, for their addresses, and one that it reads over Bulk."""


def airbyte(served: Served, folder: Path, command: str, *more: str | Path, **settings: object) -> list[dict[str, Any]]:
    """The connector's messages."""
    config = {
        "auth_type": "Client",
        "client_id": served.announced["client_id"],
        "client_secret": served.announced["client_secret"],
        "refresh_token": served.authentication()["refresh_token"],
        "start_date": "2000-01-01T00:00:00Z",
        "stream_slice_step": "P50Y",
    }
    file = folder / "airbyte.json"
    file.write_text(json.dumps(config | settings), encoding="utf-8")
    output = call(served, [AIRBYTE, command, "--config", file, *more]).stdout
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


@needs_clients
@installed("source-salesforce", AIRBYTE)
def test_airbyte_checks_discovers_and_reads_every_record(served: Served, tmp_path: Path) -> None:
    discovered = only(airbyte(served, tmp_path, "discover"), "CATALOG")["catalog"]["streams"]
    streams = {one["name"]: one for one in discovered}
    listed = served.read("sobjects")["sobjects"]
    assert {one["name"] for one in listed if one["queryable"]} == streams.keys() - {"Describe"}
    for name in AIRBYTE_STREAMS:
        assert served.kinds(name).keys() <= streams[name]["json_schema"]["properties"].keys()
    chosen = [
        {"stream": streams[name], "sync_mode": "incremental", "destination_sync_mode": "append"}
        for name in AIRBYTE_STREAMS
    ]
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps({"streams": chosen}), encoding="utf-8")
    messages = airbyte(served, tmp_path, "read", "--catalog", catalog)
    assert [one["trace"]["error"]["message"] for one in messages if one.get("trace", {}).get("type") == "ERROR"] == []
    got: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for message in messages:
        if message["type"] == "RECORD":
            got[message["record"]["stream"]].append(message["record"]["data"])
    for name, kept in AIRBYTE_STREAMS.items():
        assert differences(served.truth(name), by_id(got[name]), served.kinds(name), float, kept) == [], name


@needs_clients
@installed("source-salesforce", AIRBYTE)
def test_airbyte_is_handed_a_rotated_refresh_token_and_the_old_one_is_dead(served: Served, tmp_path: Path) -> None:
    old = served.authentication(rotate=True)["refresh_token"]
    try:
        messages = airbyte(served, tmp_path, "check")
        assert only(messages, "CONNECTION_STATUS")["connectionStatus"]["status"] == "SUCCEEDED"
        config = only(messages, "CONTROL")["control"]["connectorConfig"]["config"]
        assert config["refresh_token"] == served.authentication()["refresh_token"] != old
        refused = airbyte(served, tmp_path, "check", refresh_token=old)
        assert [one for one in refused if one.get("connectionStatus", {}).get("status") == "SUCCEEDED"] == []
        assert "expired" in json.dumps(refused)
    finally:
        served.authentication(rotate=False)


def only(messages: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The one message of a kind."""
    found = [one for one in messages if one["type"] == kind]
    assert len(found) == 1, messages[-3:]
    return found[0]


# --- Singer ----------------------------------------------------------------------------------------------------------


def singer(served: Served, folder: Path, interface: str) -> Path:
    """A configuration for Singer's tap, which reads over REST or over Bulk API 1.0."""
    config = {
        "client_id": served.announced["client_id"],
        "client_secret": served.announced["client_secret"],
        "refresh_token": served.authentication()["refresh_token"],
        "start_date": "2000-01-01T00:00:00Z",
        "api_type": interface,
        "select_fields_by_default": "true",
    }
    file = folder / f"singer-{interface}.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    return file


@needs_clients
@installed("tap-salesforce", SINGER)
@pytest.mark.parametrize("interface", ["REST", "BULK"])
def test_singers_tap_discovers_syncs_every_record_and_goes_on_from_its_state(
    interface: str, served: Served, tmp_path: Path
) -> None:
    config = singer(served, tmp_path, interface)
    catalog, state = tmp_path / "catalog.json", tmp_path / "state.json"
    chosen = all_chosen(run(served, [SINGER, "--config", config, "--discover"]))
    catalog.write_text(json.dumps(chosen))
    whole, bookmark = synced(run(served, [SINGER, "--config", config, "--properties", catalog]))
    assert {"Account", "Contact", "Opportunity", "Customer_Health__c"} <= whole.keys()
    kept = kept_by_singers_bulk if interface == "BULK" else str
    for name in [stream["stream"] for stream in chosen["streams"]]:
        assert differences(served.truth(name), by_id(whole[name]), served.kinds(name), float, kept) == [], name

    state.write_text(json.dumps(bookmark))
    changed = served.ask("/__sandbox__/change", {"object": "Contact", "update": 4, "seed": 9})["ids"]["updated"]
    again, _ = synced(run(served, [SINGER, "--config", config, "--properties", catalog, "--state", state]))
    increment = by_id(again["Contact"])
    assert set(changed) <= increment.keys()
    assert len(increment) < 100
    truth = {key: record for key, record in served.truth("Contact").items() if key in increment}
    assert differences(truth, increment, served.kinds("Contact"), float, kept) == []


def all_chosen(discovered: str) -> Any:
    """The catalogue with every stream selected, incremental where it can be."""
    catalog = json.loads(discovered)
    for stream in catalog["streams"]:
        whole = next(entry["metadata"] for entry in stream["metadata"] if entry["breadcrumb"] == [])
        key = whole.get("valid-replication-keys", [None])[0]
        method = {"replication-method": "INCREMENTAL", "replication-key": key} if key else {}
        whole |= {"selected": True, **method}
    return catalog


def synced(output: str) -> tuple[dict[str, list[dict[str, Any]]], Any]:
    """Stream → records, and the state to go on from."""
    records: dict[str, list[dict[str, Any]]] = defaultdict(list)
    state: Any = {}
    for message in map(json.loads, output.splitlines()):
        if message["type"] == "RECORD":
            records[message["stream"]].append(message["record"])
        elif message["type"] == "STATE":
            state = message["value"]
    return records, state


def kept_by_singers_bulk(text: str) -> str:
    """What a CSV file in Python's text mode leaves of a text."""
    return text.replace("\r\n", "\n")


@needs_clients
@installed("tap-salesforce", SINGER)
def test_singers_tap_writes_a_rotated_refresh_token_into_its_configuration(served: Served, tmp_path: Path) -> None:
    served.authentication(rotate=True)
    try:
        config = singer(served, tmp_path, "REST")
        old = json.loads(config.read_text())["refresh_token"]
        for _ in range(2):
            run(served, [SINGER, "--config", config, "--discover"])
            new = json.loads(config.read_text())["refresh_token"]
            assert new == served.authentication()["refresh_token"] != old
            old = new
    finally:
        served.authentication(rotate=False)

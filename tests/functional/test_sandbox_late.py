"""Clocks that differ and writes that commit late, and the command that orders them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from durable_compiler.cli import faults
from durable_sandbox.fault_actions import ACTIONS
from durable_sandbox.faults import KIND_NAMES
from functional.fault_client import DATA, Client, Json, faulty
from functional.project import REPOSITORY, Project, sandbox


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with faulty(tmp_path_factory.mktemp("faults") / "state") as client:
        yield client


@pytest.fixture
def client(shared: Client) -> Iterator[Client]:
    """The sandbox without any fault, and with none left behind."""
    yield shared
    shared.clear()
    shared.log_in()


def test_the_clock_differs_in_the_date_header_and_in_stamps_until_cleared(client: Client) -> None:
    client.order({"kind": "limits", "clock_skew": -600})
    client.http.get(f"{DATA}/limits")
    behind = datetime.now(UTC) - parsedate_to_datetime(client.http.get(f"{DATA}/limits").headers["Date"])
    assert timedelta(seconds=595) < behind < timedelta(seconds=605)
    (made,) = client.served.put("records/Contact", [{"LastName": "Skewed"}])["ids"]
    stamp = client.query(f"SELECT SystemModstamp FROM Contact WHERE Id = '{made}'").json()["records"][0][
        "SystemModstamp"
    ]
    assert datetime.now(UTC) - datetime.fromisoformat(stamp) > timedelta(seconds=595)
    client.clear()
    date = parsedate_to_datetime(client.http.get(f"{DATA}/limits").headers["Date"])
    assert abs(datetime.now(UTC) - date) < timedelta(seconds=5)


def stamps(client: Client, record_id: str) -> list[str]:
    found = client.query(f"SELECT SystemModstamp FROM Contact WHERE Id = '{record_id}'").json()["records"]
    return [str(row["SystemModstamp"]) for row in found]


def test_a_late_insert_becomes_visible_after_so_many_requests_with_its_older_stamp(client: Client) -> None:
    client.order({"object": "Contact", "late": 2})
    (made,) = client.served.put("records/Contact", [{"LastName": "Late"}])["ids"]
    assert all(record["Id"] != made for record in client.served.truth("Contact"))
    assert client.http.get("/__sandbox__/faults").json()["held"] == {"Contact": 1}
    seen = [stamps(client, made) for _ in range(3)]
    assert [len(found) for found in seen] == [0, 0, 1]
    truth = next(record for record in client.served.truth("Contact") if record["Id"] == made)
    assert truth["SystemModstamp"] == seen[2][0].replace("+0000", "Z")


def test_a_late_update_shows_the_old_version_until_it_is_released(client: Client) -> None:
    long_ago = {"SystemModstamp": "2026-01-04T00:00:00Z", "LastModifiedDate": "2026-01-04T00:00:00Z"}
    (made,) = client.served.put("records/Contact", [{"LastName": "Before", **long_ago}])["ids"]
    client.order({"object": "Contact", "late": {"backdate": 90}})
    now = datetime.now(UTC)
    client.served.put("records/Contact", [{"Id": made, "LastName": "After"}])
    text = f"SELECT LastName, SystemModstamp FROM Contact WHERE Id = '{made}'"
    assert client.query(text).json()["records"][0]["LastName"] == "Before"
    assert client.served.post("release", {"object": "Contact", "ids": [made]}) == {"committed": [made]}
    (after,) = client.query(text).json()["records"]
    assert after["LastName"] == "After"
    assert timedelta(seconds=85) < now - datetime.fromisoformat(after["SystemModstamp"]) < timedelta(seconds=95)


def test_no_late_stamp_is_older_than_that_of_the_version_before_it(client: Client) -> None:
    (made,) = client.served.put("records/Contact", [{"LastName": "Before"}])["ids"]
    (before,) = stamps(client, made)
    client.order({"object": "Contact", "late": {"backdate": 3600}})
    client.served.put("records/Contact", [{"Id": made, "LastName": "After"}])
    client.clear()
    assert stamps(client, made) == [before]


def test_a_late_write_may_wait_for_the_clock_and_for_some_ids_only(client: Client) -> None:
    first, second = client.served.put("records/Contact", [{"LastName": "One"}, {"LastName": "Two"}])["ids"]
    client.order({"object": "Contact", "ids": [second], "late": {"seconds": 60}})
    client.served.put("records/Contact", [{"Id": first, "LastName": "1"}, {"Id": second, "LastName": "2"}])
    text = f"SELECT LastName FROM Contact WHERE Id IN ('{first}', '{second}') ORDER BY Id"
    assert [row["LastName"] for row in client.query(text).json()["records"]] == ["1", "Two"]
    client.served.post("clock", {"advance_seconds": 61})
    assert [row["LastName"] for row in client.query(text).json()["records"]] == ["1", "2"]
    client.served.post("clock", {"now": None})


def test_clearing_commits_what_was_held_and_inserts_never_share_an_id(client: Client) -> None:
    before = client.count()
    client.order({"object": "Contact", "times": 3, "late": True})
    made = [client.served.post("change", {"object": "Contact", "insert": count})["ids"]["inserted"] for count in (3, 4)]
    assert len({*made[0], *made[1]}) == 7
    assert client.count() == before + 4
    assert client.clear() == {"cleared": 1, "committed": 3}
    assert client.count() == before + 7


def test_a_later_write_of_the_same_record_takes_the_place_of_a_held_one(client: Client) -> None:
    (made,) = client.served.put("records/Contact", [{"LastName": "First"}])["ids"]
    client.order({"object": "Contact", "times": 1, "late": True})
    for name in ("Held", "Last"):
        client.served.put("records/Contact", [{"Id": made, "LastName": name}])
    client.clear()
    assert client.query(f"SELECT LastName FROM Contact WHERE Id = '{made}'").json()["records"][0]["LastName"] == "Last"


def test_a_purge_takes_a_held_version_with_it(client: Client) -> None:
    client.order({"object": "Contact", "late": True})
    client.served.post("change", {"object": "Contact", "update": 2000})
    held = client.http.get("/__sandbox__/faults").json()["held"]["Contact"]
    purged = client.served.post("change", {"object": "Contact", "purge": 30, "seed": 8})["ids"]["purged"]
    left = client.http.get("/__sandbox__/faults").json()["held"]["Contact"]
    assert held - 30 <= left < held
    assert client.clear()["committed"] == left
    assert {record["Id"] for record in client.served.truth("Contact")}.isdisjoint(purged)


def test_records_change_between_two_pages_and_the_cursor_does_not_notice(client: Client) -> None:
    text = "SELECT Id, LastName, Account.Name, SystemModstamp FROM Contact"
    first = client.query(text).json()
    right = client.http.get(first["nextRecordsUrl"]).json()["records"]
    client.order(
        {"kind": "page", "change": {"object": "Contact", "update": 900, "delete": 900, "insert": 50, "seed": 5}}
    )
    client.order({"kind": "page", "change": {"object": "Account", "update": 200}})
    before = client.count()
    again = client.http.get(first["nextRecordsUrl"]).json()
    assert again["records"] == right
    assert client.count() == before - 850


def test_a_mass_update_leaves_one_stamp_on_many_records(client: Client) -> None:
    made = client.served.post("change", {"object": "Account", "update": 200})["ids"]["updated"]
    truth = {record["Id"]: record["SystemModstamp"] for record in client.served.truth("Account")}
    assert (len(made), len({truth[one] for one in made})) == (200, 1)


def test_faults_and_held_writes_end_with_the_process_as_a_transaction_does(tmp_path: Path) -> None:
    with sandbox(tmp_path / "state", rows=5) as served:
        served.post("faults", {"late": True})
        served.put("records/Contact", [{"LastName": "Rolled back"}])
        served.post("faults", {"error": "GONE"})
    with sandbox(tmp_path / "state", rows=5) as served:
        assert served._send("GET", "faults", None) == {"faults": [], "held": {}}
        assert all(record["LastName"] != "Rolled back" for record in served.truth("Contact"))


# --- the command ---


def command(where: Path | str, *arguments: str) -> tuple[int, str]:
    """`durable sandbox faults …` in this process: its exit code and all that it printed."""
    option = "--url" if isinstance(where, str) else "--state"
    done = CliRunner().invoke(faults.faults, [option, str(where), *arguments])
    return done.exit_code, done.output


def test_the_command_orders_lists_and_clears_faults_of_the_projects_sandbox(tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project")
    with sandbox(project.state, rows=5):
        added = project.durable("sandbox", "faults", "add", "--kind", "results", "--nth", "3", "--cut")
        assert (added.code, added.err) == (0, "")
        what = 'cut {"at": "row", "framing": "length"}  at results from request 3, 1 time'
        line = f"  1  {what}: seen 0, fired 0, in force\n"
        assert added.out == line
        assert command(project.state, "list") == (0, line)
        assert command(project.state, "clear", "9")[0] == 2
        assert command(project.state, "clear", "1") == (0, "1 cleared, 0 held writes committed\n")
        assert command(project.state, "list") == (0, "No fault is in force.\n")
    code, said = command(project.state, "list")
    assert code == 2
    assert "No sandbox is running" in said
    assert "help: Start one with" in said


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        (
            ("--object", "Case", "--kind", "query", "--kind", "page", "--error", "QUERY_TIMEOUT", "--every"),
            {
                "kind": ["query", "page"],
                "object": "Case",
                "error": {"name": "QUERY_TIMEOUT", "message": None},
                "times": None,
            },
        ),
        (
            ("--cut", "value", "--framing", "consistent", "--counted", "--times", "2"),
            {"cut": {"at": "value", "framing": "consistent", "counted": True}, "times": 2},
        ),
        (("--cut", "17"), {"cut": {"at": 17, "framing": "length", "counted": False}}),
        (("--stick-job", "4"), {"stick_job": {"polls": 4}}),
        (("--stick-job",), {"stick_job": {"polls": None}}),
        (("--fail-job", "no luck"), {"fail_job": {"message": "no luck"}}),
        (("--maintenance", "--after", "1"), {"maintenance": {}, "nth": 2}),
        (("--locator",), {"locator": {"value": None}}),
        (("--locator", '"null"'), {"locator": {"value": "null"}}),
        (("--headers", '{"Date": null}'), {"headers": {"values": {"Date": None}}}),
        (("--fields", '{"totalSize": 3}'), {"json": {"values": {"totalSize": 3}}}),
        (("--late", "3", "--object", "Contact"), {"kind": "write", "object": "Contact", "times": None}),
        (
            ("--json", '{"kind": "poll", "answer": {"status": 500, "body": "x"}}'),
            {"kind": "poll", "answer": {"status": 500, "headers": {}, "body": "x"}},
        ),
    ],
)
def test_an_order_on_the_command_line_is_the_fault_it_says(client: Client, order: tuple[str, ...], fault: Json) -> None:
    code, said = command(client.served.url, "add", *order)
    assert (code, said.count("\n")) == (0, 1)
    (found,) = client.faults()
    assert {name: found[name] for name in fault} == fault


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ((), "A fault has exactly one action."),
        (("--reset", "--maintenance"), "A fault has exactly one action."),
        (("--json", "{"), "--json is not JSON"),
        (("--error", "NO_SUCH"), "error must be one of INVALID_SESSION_ID"),
    ],
)
def test_the_command_says_what_is_wrong_with_an_order(client: Client, order: tuple[str, ...], said: str) -> None:
    code, output = command(client.served.url, "add", *order)
    assert code == 2
    assert said in output
    assert client.faults() == []


def test_the_command_lists_the_named_errors_and_the_writes_that_are_held(client: Client) -> None:
    assert "QUERY_TIMEOUT" in command(client.served.url, "errors")[1]
    client.order({"object": "Contact", "late": True})
    made = client.served.put("records/Contact", [{"LastName": "Held"}, {"LastName": "Held"}])["ids"]
    assert "held back of Contact: 2;" in command(client.served.url, "list")[1]
    assert command(client.served.url, "release", "--object", "Account") == (0, "0 held writes committed\n")
    assert command(client.served.url, "release", made[1]) == (0, "1 held writes committed\n")
    assert "held back of Contact: 1;" in command(client.served.url, "list")[1]
    assert command(client.served.url, "clear") == (0, "1 cleared, 1 held writes committed\n")


def test_every_action_and_kind_is_in_the_reference_and_every_action_is_an_option() -> None:
    page = (REPOSITORY / "docs" / "reference" / "sandbox.md").read_text(encoding="utf-8")
    assert {name for name in (*ACTIONS, *KIND_NAMES) if f"`{name}`" not in page} == set()
    assert {action for _, action, _, _ in faults.OPTIONS} == ACTIONS.keys()

"""`durable doctor` against the real sandbox: each check is made to fail once, and its line and exit code are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from durable_compiler.doctor import connection, machine, permissions
from durable_compiler.doctor import target as warehouse_check
from durable_compiler.doctor.exam import Exam
from durable_compiler.doctor.examination import CHECKS
from durable_compiler.doctor.findings import Finding, exit_code, problem, warning
from durable_runtime.clock import Clock
from durable_runtime.configuration import load
from durable_runtime.warehouse.base import Rows
from functional.project import REPOSITORY, Done, Project, Sandbox, sandbox
from functional.test_snowflake_run import KEYS, PROFILE, rows, stand_in

MORE = "- R6.1 Data stays in the EU\n- R6.2 Uses at most half of the daily Salesforce API calls\n"
REMOTE = """
[profiles.{name}]
alerts = "file"
[profiles.{name}.salesforce]
login_url = "{url}"
client_id = "{client_id}"
{more}
[profiles.{name}.warehouse]
kind = "duckdb"
path = "{path}"
region = "{region}"
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Sandbox]]:
    """A pipeline that has run once, with a profile for each way to be wrong."""
    text = (REPOSITORY / "requirements" / "customer_data.md").read_text(encoding="utf-8") + MORE
    project = Project.make(tmp_path_factory.mktemp("doctor") / "project", text)
    with sandbox(project.state, rows=100) as server:
        (project.root / "durable.toml").write_text(TOML.format(**server.announced), encoding="utf-8")
        project.compiled()
        project.succeed()
        yield project, server


TOML = """default_profile = "local"
[profiles.local.warehouse]
kind = "duckdb"
region = "eu"
"""


@contextmanager
def broken(server: Sandbox) -> Iterator[None]:
    """What is ordered inside is set right again afterwards."""
    try:
        yield
    finally:
        given = set(server.get("permissions")["given"])
        usual = {"ApiEnabled", "ApiUserOnly", "ViewSetup", "ViewAllData"}
        server.post("permissions", {"give": sorted(usual - given), "take": sorted(given - usual)})
        server.delete("faults")
        server.post("limits", {"DailyApiRequests": None, "DailyBulkV2QueryJobs": None})
        server.post("authentication", {"reset": True})


def examined(project: Project, *arguments: str) -> tuple[Done, dict[str, dict[str, Any]]]:
    """What was told of each check; every one of the table is there, once."""
    done = project.durable("doctor", *arguments, "--json")
    found = json.loads(done.out)["checks"]
    assert [one["check"] for one in found] == [one.name for one in CHECKS], done.err
    return done, {one["check"]: one for one in found}


def statuses(found: dict[str, dict[str, Any]], status: str) -> set[str]:
    return {name for name, one in found.items() if one["status"] == status}


def test_a_sound_pipeline_has_nothing_to_tell(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    before = project.rows("SELECT * FROM durable_state")
    done, found = examined(project)
    assert done.code == 0
    assert statuses(found, "ok") == set(found), found
    assert found["organization"]["evidence"].endswith("as in the target")
    assert found["log_in"]["details"]["organization_id"] == server.truth("Organization")[0]["Id"]
    assert project.rows("SELECT * FROM durable_state") == before
    text = project.durable("doctor", "customer_data").out
    assert "ok       view all data   the user has View All Data\n" in text
    assert text.endswith("20 checks: all well\n")


def test_what_hinders_no_run_is_a_warning_with_a_remedy(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    with broken(server):
        server.post("permissions", {"give": ["ModifyMetadata", "Contact.Edit"], "take": ["ViewAllData"]})
        server.post("drift", {"op": "hide", "object": "Contact", "field": "Title"})
        server.post("drift", {"op": "retype", "object": "Account", "field": "YearStarted", "type": "int"})
        server.post("faults", {"kind": "deleted", "object": "Contact", "error": "INSUFFICIENT_ACCESS", "every": True})
        server.post("faults", {"object": "Account", "unsupported": True})
        server.post("faults", {"kind": "any", "clock_skew": 300})
        server.post("limits", {"DailyApiRequests": {"Max": 100, "Remaining": 65}})
        done, found = examined(project)
        server.post("drift", {"op": "unhide", "object": "Contact", "field": "Title"})
        server.post(
            "drift", {"op": "retype", "object": "Account", "field": "YearStarted", "type": "string", "length": 4}
        )
    assert done.code == 0, done.out
    assert statuses(found, "warning") == {"clock", "fields", "deletes", "view_all_data", "privileges", "limits"}
    assert statuses(found, "problem") == set()
    told = {name: one["evidence"] for name, one in found.items()}
    remedies = {name: one["remedy"] for name, one in found.items()}
    assert "300 s behind Salesforce" in told["clock"] or "299 s behind" in told["clock"]
    assert "NTP" in remedies["clock"]
    assert told["fields"].startswith("Contact.Title (hidden)")
    assert "Account.YearStarted is now int" in told["fields"]
    assert "read access" in remedies["fields"]
    assert told["deletes"].startswith("the delete log of Contact is refused")
    assert (
        "neither View All Data nor View All Records on Account, Contact and Customer_Health__c"
        in (told["view_all_data"])
    )
    assert "Give View All Records on Account" in remedies["view_all_data"]
    assert "Modify Metadata" in told["privileges"] and "writing Contact (edit)" in told["privileges"]
    assert "Read and View All Records on Account, Contact and Customer_Health__c" in remedies["privileges"]
    assert found["privileges"]["details"]["needed"]["objects"]["Contact"] == ["Read", "ViewAllRecords"]
    assert "R6.2" in told["limits"] and "ends partial" in remedies["limits"]
    assert found["limits"]["details"]["first_run"] > found["limits"]["details"]["remaining"] > 0
    assert found["bulk_api"]["details"]["over_rest"] == ["Account"]
    assert found["bulk_api"]["status"] == "ok"


def test_view_all_records_of_each_object_is_as_good_as_view_all_data(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    each = [f"{name}.ViewAllRecords" for name in ("Account", "Contact", "Customer_Health__c")]
    with broken(server):
        server.post("permissions", {"give": each, "take": ["ViewAllData"]})
        _, found = examined(project)
        assert found["view_all_data"]["status"] == "ok"
        server.post("permissions", {"take": ["ViewSetup"]})
        _, found = examined(project)
    assert found["view_all_data"]["status"] == "warning"
    assert "cannot be told" in found["view_all_data"]["evidence"]
    assert "View Setup and Configuration" in found["view_all_data"]["remedy"]
    with broken(server):
        # An organization that lacks one permission is asked for each alone; one that tells none is not called safe.
        one = {"kind": "query", "contains": "PermissionsBulkApiHardDelete", "error": "INVALID_FIELD", "every": True}
        server.post("faults", one)
        server.post("permissions", {"give": ["AuthorApex"]})
        _, found = examined(project)
        assert found["privileges"]["details"]["beyond"] == ["Author Apex"]
        server.post("faults", {**one, "contains": "UserPermissionAccess"})
        _, found = examined(project)
    assert found["privileges"]["evidence"] == "the user's own permissions cannot be told"


def test_a_hidden_field_that_a_rule_needs_and_a_vanished_object_wait_for_a_person(
    world: tuple[Project, Sandbox],
) -> None:
    project, server = world
    server.post("drift", {"op": "hide", "object": "Contact", "field": "Email"})
    done, found = examined(project)
    server.post("drift", {"op": "unhide", "object": "Contact", "field": "Email"})
    assert (done.code, found["fields"]["exit_code"]) == (4, 4)
    assert found["fields"]["evidence"].startswith(
        "Contact.Email is not visible any more, and a requirement depends on it"
    )
    assert "Not shown to this user: Contact.Email (hidden)." in found["fields"]["evidence"]
    assert "read access" in found["fields"]["remedy"]
    server.post("objects", {"hide": ["Customer_Health__c"]})
    done, found = examined(project)
    server.post("objects", {"show": ["Customer_Health__c"]})
    assert done.code == 4
    assert found["objects"]["evidence"] == "Customer_Health__c not visible to this user"
    assert "read access to Customer_Health__c" in found["objects"]["remedy"]
    assert statuses(found, "skipped") == {"fields", "bulk_api", "deletes", "limits"}
    assert found["fields"]["evidence"] == "cannot be told while there is a problem with objects"


def test_calls_that_are_used_up_wait_for_a_person(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    with broken(server):
        server.post("limits", {"DailyApiRequests": {"Max": 1000, "Remaining": 400}})
        done, found = examined(project)
        assert (done.code, found["limits"]["status"]) == (4, "problem")
        assert "0 are left for it" in found["limits"]["evidence"]
        server.post("limits", {"DailyApiRequests": None, "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 0}})
        done, found = examined(project)
        assert done.code == 4
        assert found["limits"]["evidence"] == "0 Bulk query jobs left for 24 hours"
        server.post("faults", {"kind": "limits", "daily_limit": True})
        done, found = examined(project)
        assert (done.code, found["limits"]["code"]) == (4, "RUN501")
        server.delete("faults")
        server.post("limits", {"DailyBulkV2QueryJobs": None})
        server.post("faults", {"kind": "limits", "error": "INSUFFICIENT_ACCESS", "every": True})
        done, found = examined(project)
        # The header of any other answer tells the calls that are left.
        assert (done.code, found["limits"]["status"]) == (0, "ok")
        assert "of 1,000,000 daily API calls left" in found["limits"]["evidence"]


def test_an_object_that_no_permission_set_governs_is_named_and_no_warning(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    looked = exam(project.root)
    synced = SimpleNamespace(extracts=tuple(SimpleNamespace(object=name, fields=()) for name in ("Contact", "User")))
    unnamed: Any = {"any": synced}
    looked.name, looked.loaded, looked.found_profile = "any", unnamed, load(project.root / "durable.toml", "local")
    with broken(server), looked.stack:
        server.post("permissions", {"give": ["Contact.ViewAllRecords"], "take": ["ViewAllData"]})
        connection.log_in(looked)
        found = permissions.view_all(looked)
        assert (found.status, found.evidence) == (
            "ok",
            "no View All Data, but View All Records on Contact; User not governed by it",
        )
        server.post("permissions", {"give": ["User.Edit"], "take": ["Contact.ViewAllRecords"]})
        assert permissions.view_all(looked).details["objects"] == ["Contact"]
        assert permissions.privileges(looked).status == "ok"


def profile(project: Project, server: Sandbox, **settings: str) -> str:
    """A profile of that name, whose warehouse is `path` in `region`."""
    told = {"name": "remote", "url": server.url, "path": ".durable/other.duckdb", "region": "eu"}
    told |= {"client_id": server.announced["client_id"], "more": "", **settings}
    (project.root / "durable.toml").write_text(TOML + REMOTE.format(**told), encoding="utf-8")
    return told["name"]


CREDENTIALS = 'auth = "client_credentials"\nclient_secret = "env:DOCTOR_SECRET"\n'


@pytest.mark.parametrize(
    ("more", "url", "secret", "check", "exit_code", "evidence"),
    [
        (CREDENTIALS, None, None, "secrets", 2, "DOCTOR_SECRET"),
        (CREDENTIALS, None, "wrong", "log_in", 7, "invalid_client"),
        (CREDENTIALS, "http://127.0.0.1:9", "right", "log_in", 6, "could not be reached"),
        (CREDENTIALS + 'api_version = "25.0"\n', None, "right", "api_version", 2, "Summer '25"),
        (CREDENTIALS + 'api_version = "99.0"\n', None, "right", "served_version", 2, "not 99.0"),
        ('auth = "magic"\n', None, "right", "configuration", 2, "'magic'"),
        ('auth = "jwt"\nusername = "x"\nprivate_key = "file:shared.pem"\n', None, "", "secrets", 2, "mode 0644"),
        (
            'auth = "refresh_token"\nrefresh_token = "file:none"\n',
            None,
            "",
            "secrets",
            2,
            "does not exist",
        ),
    ],
)
def test_what_keeps_a_run_from_logging_in_has_its_own_exit_code(
    world: tuple[Project, Sandbox],
    monkeypatch: pytest.MonkeyPatch,
    more: str,
    url: str | None,
    secret: str | None,
    check: str,
    exit_code: int,
    evidence: str,
) -> None:
    project, server = world
    (project.root / "shared.pem").write_text("key", encoding="utf-8")
    (project.root / "shared.pem").chmod(0o644)
    if secret is not None:
        monkeypatch.setenv("DOCTOR_SECRET", server.announced["client_secret"] if secret == "right" else secret)
    name = profile(project, server, more=more, url=url or server.url)
    done, found = examined(project, "--profile", name)
    assert done.code == exit_code, done.out
    assert statuses(found, "problem") == {check}
    assert evidence in found[check]["evidence"]
    assert found[check]["remedy"]
    later = {one.name for one in CHECKS if check in one.needs}
    assert later <= statuses(found, "skipped")


def test_a_legacy_log_in_is_a_warning(world: tuple[Project, Sandbox], monkeypatch: pytest.MonkeyPatch) -> None:
    project, server = world
    monkeypatch.setenv("DOCTOR_SECRET", server.announced["client_secret"])
    monkeypatch.setenv("DOCTOR_PASSWORD", server.announced["password"] + server.announced["security_token"])
    more = f'auth = "password"\nusername = "{server.announced["username"]}"\npassword = "env:DOCTOR_PASSWORD"\n'
    name = profile(project, server, more=more + 'client_secret = "env:DOCTOR_SECRET"\n')
    done, found = examined(project, "--profile", name)
    assert (done.code, statuses(found, "warning")) == (0, {"log_in"})
    assert "legacy log-in" in found["log_in"]["evidence"]
    assert found["log_in"]["remedy"] == 'Use auth = "jwt" or auth = "client_credentials".'
    assert found["secrets"]["evidence"].startswith("4 can be read: client_id, ")
    assert found["organization"]["evidence"].endswith("the first run pins it")
    with broken(server):
        server.post("authentication", {"api_enabled": False})
        done, found = examined(project, "--profile", name)
    assert (done.code, found["api_access"]["code"]) == (7, "RUN702")


def test_a_warehouse_that_cannot_be_used_is_told_before_a_run_meets_it(
    world: tuple[Project, Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, server = world
    monkeypatch.setenv("DOCTOR_SECRET", server.announced["client_secret"])
    (project.root / "not_a_folder").write_text("", encoding="utf-8")
    (project.root / "broken.duckdb").write_bytes(b"this is no database" * 1000)
    cases = (
        ("not_a_folder/warehouse.duckdb", "eu", "warehouse", 2, "cannot be made in"),
        ("broken.duckdb", "eu", "warehouse", 7, "cannot be opened"),
        (".durable/other.duckdb", "us-east-1", "region", 2, "R6.1 lets the data be in eu only"),
    )
    for path, region, check, code, evidence in cases:
        done, found = examined(
            project, "--profile", profile(project, server, path=path, region=region, more=CREDENTIALS)
        )
        assert (done.code, statuses(found, "problem")) == (code, {check}), (path, done.out)
        assert evidence in found[check]["evidence"]
        assert found[check]["remedy"]
    assert not (project.root / ".durable" / "other.duckdb").exists()


def test_a_target_of_another_organization_is_told(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    own = project.rows("SELECT DISTINCT organization_id AS id FROM durable_state")[0]["id"]
    try:
        pin(project, "00D000000000000AAA")
        done, found = examined(project)
    finally:
        pin(project, own)
    assert (done.code, found["organization"]["code"]) == (7, "RUN703")
    assert "filled from organization 00D000000000000AAA" in found["organization"]["evidence"]


def pin(project: Project, organization: str) -> None:
    with duckdb.connect(str(project.warehouse)) as database:
        database.execute("UPDATE durable_state SET organization_id = ?", [organization])


def test_a_package_that_was_edited_is_told_with_the_schedule_that_it_spoilt(world: tuple[Project, Sandbox]) -> None:
    project, _ = world
    file = project.root / "generated" / "customer_data" / "pipeline.py"
    text = file.read_text(encoding="utf-8")
    try:
        file.write_text(text.replace('timezone="UTC"', 'timezone="Mars/Olympus"'), encoding="utf-8")
        done, found = examined(project)
        file.write_text("no python", encoding="utf-8")
        unloadable, unloaded = examined(project)
    finally:
        file.write_text(text, encoding="utf-8")
    assert (done.code, found["package"]["code"]) == (3, "RUN301")
    assert "pipeline.py" in found["package"]["evidence"]
    assert (unloadable.code, unloaded["package"]["status"]) == (3, "problem")
    assert "does not load" in unloaded["package"]["evidence"]
    assert "clock" in statuses(unloaded, "ok")


def test_without_a_compiled_package_only_the_connection_is_looked_at(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    generated, aside = project.root / "generated", project.root / "aside"
    generated.rename(aside)
    try:
        with broken(server):
            server.post("permissions", {"give": ["AuthorApex"], "take": []})
            done = project.durable("doctor")
            refused = project.durable("doctor", "customer_data")
            found = json.loads(project.durable("doctor", "--json").out)
    finally:
        aside.rename(generated)
    assert [one["check"] for one in found["checks"]] == [one.name for one in CHECKS if one.scope != "pipeline"]
    assert (done.code, found["pipelines"], found["status"]) == (0, [], "warning")
    assert "warning  privileges" in done.out and "Author Apex" in done.out
    assert "looked at after `durable compile`" in done.out
    assert (refused.code, "no compiled pipeline" in refused.err) == (2, True)


def test_snowflake_is_looked_at_through_its_own_connector_and_left_as_it_is(tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project")
    project.variables = {"SNOWFLAKE_PASSWORD": "x", "KEY": "00" * 32}
    with sandbox(project.state, rows=50):
        project.compiled()
        with stand_in() as address:
            (project.root / "durable.toml").write_text(PROFILE.format(keys=KEYS, **address), encoding="utf-8")
            done, found = examined(project)
            tables = rows(address, "SELECT table_name FROM CRM.INFORMATION_SCHEMA.TABLES WHERE table_schema = 'PUBLIC'")
        gone, down = examined(project)
    # The stand-in knows no grants, which is what a role sees that may not list them.
    assert (done.code, statuses(found, "warning")) == (0, {"warehouse"})
    assert found["warehouse"]["evidence"].startswith("CRM.PUBLIC as ")
    assert "GRANT CREATE TABLE, CREATE VIEW, CREATE STAGE ON SCHEMA CRM.PUBLIC" in found["warehouse"]["remedy"]
    assert found["organization"]["evidence"].endswith("the first run pins it")
    assert tables == []
    assert found["limits"]["status"] == "ok" and "lets the organization" not in found["limits"]["evidence"]
    assert (gone.code, down["warehouse"]["code"], down["organization"]["status"]) == (6, "RUN602", "skipped")


GRANTED: tuple[tuple[tuple[str, str], set[str]], ...] = (
    (("CREATE TABLE", "LOADER"), {"CREATE TABLE"}),
    (("OWNERSHIP", "loader"), {"OWNERSHIP"}),
    (("CREATE TABLE", "OTHER"), set()),
)


@pytest.mark.parametrize(("row", "privileges"), GRANTED)
def test_only_grants_to_the_role_itself_count(row: tuple[str, str], privileges: set[str]) -> None:
    class Answering:
        def query(self, sql: str) -> Rows:
            assert sql == "SHOW GRANTS ON SCHEMA CRM.PUBLIC"
            return Rows(("created_on", "privilege", "grantee_name"), (("2026-01-05", *row),))

    target: Any = Answering()
    assert warehouse_check.granted(target, "CRM.PUBLIC", "LOADER") == privileges


def exam(root: Path, **more: Any) -> Exam:
    def unloadable(name: str) -> Any:
        raise AssertionError(name)

    found = Exam(root, None, None, unloadable, **more)
    machine.configuration_of(found)
    return found


def test_a_disk_that_fills_and_a_state_folder_that_is_none_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cases = ((50 << 20, "problem", 6), (500 << 20, "warning", 0), (5 << 30, "ok", 0))
    for room, status, code in cases:
        found = machine.state_folder(exam(tmp_path, free=lambda _, room=room: room))
        assert (found.status, found.exit_code) == (status, code)
    (tmp_path / ".durable").write_text("", encoding="utf-8")
    found = machine.state_folder(exam(tmp_path))
    assert (found.status, found.exit_code) == ("problem", 2)
    assert "is a file" in found.evidence


def test_a_file_of_settings_that_everybody_may_change_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "durable.toml"
    path.write_text('default_profile = "local"\n', encoding="utf-8")
    path.chmod(0o646)
    found = machine.configuration_of(Exam(tmp_path, path, None, pytest.fail))
    assert (found.status, found.remedy) == ("warning", f"Run: chmod o-w {path}")
    keys = tmp_path / ".durable" / "keys"
    keys.mkdir(parents=True)
    (keys / "mask").write_text("00" * 32, encoding="utf-8")
    (keys / "mask").chmod(0o640)
    found = machine.secrets(exam(tmp_path))
    assert (found.status, found.exit_code) == ("problem", 2)
    assert "mode 0640" in found.evidence and "chmod 600" in found.remedy


def test_a_version_that_retires_within_half_a_year_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "durable.toml").write_text(
        '[profiles.local.salesforce]\nlogin_url = "https://example.my.salesforce.com"\nauth = "client_credentials"\n'
        'client_id = "x"\nclient_secret = "env:X"\napi_version = "35.0"\n',
        encoding="utf-8",
    )
    soon = Clock(now=lambda: datetime(2028, 2, 1, tzinfo=UTC))
    found = Exam(tmp_path, tmp_path / "durable.toml", None, pytest.fail, clock=soon)
    machine.configuration_of(found)
    told = connection.api_version(found)
    assert told.status == "warning"
    assert "35.0" in told.evidence and "Summer '28" in told.evidence
    assert told.remedy.startswith("Set api_version to the newest version")


def test_the_exit_code_is_that_of_the_worst_problem() -> None:
    order = (2, 3, 7, 6, 4)
    found: list[Finding] = [warning("a", "b")]
    assert exit_code(found) == 0
    for code in reversed(order):
        found.append(problem(code, "a", "b"))
        assert exit_code(found) == code
    assert exit_code([problem(5, "quota", "wait")]) == 4


def test_each_check_needs_only_what_is_looked_at_before_it() -> None:
    seen: set[str] = set()
    for one in CHECKS:
        assert set(one.needs) <= seen, one.name
        seen.add(one.name)

"""Every way to log in, and every refusal, against the sandbox: what the runtime makes of it and what it leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from durable_compiler.discovery import Directory
from durable_runtime.clock import SYSTEM, Clock
from durable_runtime.configuration import SalesforceSettings, load
from durable_runtime.errors import (
    ConfigurationError,
    CredentialsRejected,
    PermissionMissing,
    PipelineError,
    QuotaReached,
    RateLimited,
    RequestRefused,
)
from durable_runtime.progress import Progress
from durable_runtime.salesforce import bulk
from durable_runtime.salesforce.session import Allowance, Session, Usage, trusted
from durable_runtime.salesforce.sizes import SIZES
from durable_runtime.sandbox_process import salesforce
from durable_runtime.spec import Retry
from functional.project import Project, Sandbox, environment, sandbox

RETRY = Retry(3, "exponential", 900, ("rate_limit", "network"))
TOKEN, SOAP = "POST /services/oauth2/token", "POST /services/Soap/{kind}/{version}"
FLOWS = ("jwt", "client_credentials", "refresh_token", "password", "soap")
KEYS = {
    "jwt": ("client_id", "username", "private_key"),
    "client_credentials": ("client_id", "client_secret"),
    "refresh_token": ("client_id", "client_secret", "refresh_token"),
    "password": ("client_id", "client_secret", "username", "password", "security_token"),
    "soap": ("username", "password", "security_token"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox"), rows=120) as running:
        yield running


@pytest.fixture(autouse=True)
def as_at_first(server: Sandbox) -> Iterator[None]:
    yield
    server.post("authentication", {"reset": True})
    for name in ("DailyApiRequests", "DailyBulkV2QueryJobs", "DailyBulkV2QueryFileStorageMB"):
        server.post("limits", {name: None})


def settings(server: Sandbox, folder: Path, auth: str, **more: str) -> SalesforceSettings:
    """The settings that a durable.toml with this log-in gives; secrets lie in files of their own."""
    table = {"login_url": server.url, "auth": auth, "api_version": "62.0"}
    for name in KEYS[auth]:
        value = server.announced[name]
        if name == "refresh_token":
            value = server._send("GET", "authentication", None)["refresh_token"]
        if name in ("client_id", "username"):
            table[name] = value
        else:
            table[name] = value if name == "private_key" else str(_secret(folder / name, value))
            table[name] = f"file:{table[name]}"
    lines = [f'{name} = "{value}"' for name, value in (table | more).items()]
    path = folder / "durable.toml"
    path.write_text("[profiles.p.salesforce]\n" + "\n".join(lines) + "\n")
    return load(path, "p").salesforce


def _secret(path: Path, value: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(value)
    return path


@contextmanager
def session(server: Sandbox, folder: Path, auth: str = "client_credentials", **more: str) -> Iterator[Session]:
    slept: list[float] = []
    clock = Clock(now=SYSTEM.now, sleep=slept.append, monotonic=lambda: sum(slept))
    with Session(settings(server, folder, auth, **more), RETRY, clock) as opened:
        yield opened


def refused(server: Sandbox, folder: Path, auth: str, **more: str) -> PipelineError:
    """The error that a log-in ends with."""
    with session(server, folder, auth, **more) as opened, pytest.raises(PipelineError) as caught:
        opened.login()
    return caught.value


def counted(server: Sandbox) -> Mapping[str, int]:
    found: dict[str, int] = server._send("GET", "requests", None)["requests"]
    return found


def asked(before: Mapping[str, int], after: Mapping[str, int], name: str) -> int:
    return after.get(name, 0) - before.get(name, 0)


@pytest.mark.parametrize("auth", FLOWS)
def test_every_way_to_log_in_reads_records_of_the_same_organization(server: Sandbox, tmp_path: Path, auth: str) -> None:
    before = counted(server)
    with session(server, tmp_path, auth) as opened:
        found = opened.get("query", {"q": "SELECT Id FROM Organization"})
        assert [one["Id"] for one in found["records"]] == [opened.organization_id]
        assert opened.login().instance_url == server.url
        legacy = [one for one in opened.warnings if "legacy" in one]
        assert len(legacy) == (auth in ("password", "soap"))
    used = SOAP if auth == "soap" else TOKEN
    assert asked(before, counted(server), used) == 1


def test_soap_log_in_uses_the_last_version_that_has_it(server: Sandbox, tmp_path: Path) -> None:
    with session(server, tmp_path, "soap", api_version="67.0") as opened:
        assert opened.get("query", {"q": "SELECT COUNT() FROM User"})["done"] is True
        assert "Summer '27 (from 2027-06-01)" in opened.warnings[0]


@pytest.mark.parametrize(
    ("order", "flows", "said"),
    [
        ({"user": "inactive"}, ("jwt", "client_credentials", "refresh_token", "password"), "inactive_user"),
        ({"user": "inactive"}, ("soap",), "INVALID_LOGIN"),
        ({"organization": "inactive"}, ("jwt", "client_credentials", "refresh_token", "password"), "inactive_org"),
        ({"organization": "inactive"}, ("soap",), "ORG_LOCKED"),
        ({"client_credentials_user": False}, ("client_credentials",), "no client credentials user enabled"),
        ({"approved": False}, ("jwt",), "user hasn't approved this consumer"),
        ({"audiences": ["https://login.salesforce.com"]}, ("jwt",), "Audience validation failed"),
        ({"password_flow": False}, ("password",), "authentication failure"),
        ({"password_expired": True}, ("password",), "authentication failure"),
        ({"password_expired": True}, ("soap",), "password has expired"),
        ({"soap": False}, ("soap",), "SOAP API login() is disabled by default in this org"),
    ],
)
def test_a_refusal_is_fatal_at_once(
    server: Sandbox, tmp_path: Path, order: dict[str, Any], flows: tuple[str, ...], said: str
) -> None:
    server.post("authentication", order)
    for auth in flows:
        before = counted(server)
        error = refused(server, tmp_path, auth)
        after = counted(server)
        assert (type(error), error.exit_code, error.code) == (CredentialsRejected, 7, "RUN701")
        assert said in error.message
        assert error.help.endswith(".")
        assert asked(before, after, TOKEN) + asked(before, after, SOAP) == 1


@pytest.mark.parametrize(
    ("auth", "name", "said"),
    [
        ("client_credentials", "client_secret", "invalid client credentials"),
        ("refresh_token", "refresh_token", "expired access/refresh token"),
        ("password", "password", "authentication failure"),
        ("soap", "security_token", "INVALID_LOGIN"),
    ],
)
def test_a_wrong_secret_is_refused_and_never_printed(
    server: Sandbox, tmp_path: Path, auth: str, name: str, said: str
) -> None:
    other = _secret(tmp_path / "other", "something-else-entirely")
    error = refused(server, tmp_path, auth, **{name: f"file:{other}"})
    assert (type(error), error.exit_code) == (CredentialsRejected, 7)
    assert said in error.message
    assert "something-else-entirely" not in str(error)


def test_a_wrong_client_is_named(server: Sandbox, tmp_path: Path) -> None:
    assert "client identifier invalid" in refused(server, tmp_path, "jwt", client_id="nobody").message


def test_an_external_client_app_takes_its_own_address_as_the_audience(server: Sandbox, tmp_path: Path) -> None:
    server.post("authentication", {"external_client_app": True})
    error = refused(server, tmp_path, "jwt", audience="https://login.salesforce.com")
    assert "My Domain" in error.help
    with session(server, tmp_path, "jwt") as opened:
        assert opened.login().instance_url == server.url


def test_client_credentials_want_the_my_domain_and_answers_name_the_host_that_was_used(server: Sandbox) -> None:
    known = {name: server.announced[name] for name in ("client_id", "client_secret")}
    form = {"grant_type": "client_credentials", **known}

    def asked_at(host: str) -> Any:
        return httpx2.post(f"{server.url}/services/oauth2/token", data=form, headers={"Host": host}).json()

    for host in ("login.salesforce.com", "test.salesforce.com", "login.salesforce.com:80"):
        refusal = {"error": "invalid_grant", "error_description": "request not supported on this domain"}
        assert asked_at(host) == refusal
    answer = asked_at("acme.my.salesforce.com")
    assert answer["instance_url"] == "http://acme.my.salesforce.com"
    assert answer["id"].startswith("http://acme.my.salesforce.com/id/00D")
    assert asked_at("ev il")["instance_url"] == server.url


def test_too_many_log_ins_are_waited_for_and_end_as_a_rate_limit(server: Sandbox, tmp_path: Path) -> None:
    for auth in ("jwt", "soap"):
        server.post("authentication", {"refused_logins": 2})
        with session(server, tmp_path, auth) as opened:
            assert opened.login().instance_url == server.url
        server.post("authentication", {"refused_logins": 3})
        assert type(refused(server, tmp_path, auth)) is RateLimited


def test_an_organization_without_api_access_is_a_matter_of_permission(server: Sandbox, tmp_path: Path) -> None:
    server.post("authentication", {"api_enabled": False})
    assert type(refused(server, tmp_path, "soap")) is PermissionMissing
    with session(server, tmp_path) as opened, pytest.raises(PermissionMissing, match="API_DISABLED_FOR_ORG"):
        opened.get("limits")


def test_access_that_is_revoked_during_a_run_ends_it_at_once(server: Sandbox, tmp_path: Path) -> None:
    with session(server, tmp_path, "refresh_token") as opened:
        opened.get("limits")
        server.post("authentication", {"revoke": True})
        before = counted(server)
        with pytest.raises(CredentialsRejected, match="expired access/refresh token"):
            opened.get("limits")
        with pytest.raises(CredentialsRejected, match="expired access/refresh token"):
            opened.get("limits")
        assert asked(before, counted(server), TOKEN) == 1
    server.post("authentication", {"authorize": True})


def test_a_user_who_is_deactivated_during_a_run_ends_it_at_once(server: Sandbox, tmp_path: Path) -> None:
    with session(server, tmp_path) as opened:
        opened.get("limits")
        server.post("authentication", {"user": "inactive"})
        with pytest.raises(CredentialsRejected, match="inactive_user"):
            opened.get("limits")


def test_a_revoked_session_ends_and_a_revoked_refresh_token_ends_what_it_gave(server: Sandbox, tmp_path: Path) -> None:
    with session(server, tmp_path, "refresh_token") as opened, httpx2.Client(base_url=server.url) as client:
        token = opened.login().token
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("/services/oauth2/userinfo", headers=headers).status_code == 200
        refresh_token = (tmp_path / "refresh_token").read_text()
        assert client.post("/services/oauth2/revoke", data={"token": refresh_token}).status_code == 200
        assert client.get("/services/oauth2/userinfo", headers=headers).status_code == 401
        again = client.post("/services/oauth2/revoke", data={"token": refresh_token})
        assert (again.status_code, again.json()["error"]) == (400, "unsupported_token_type")
    server.post("authentication", {"authorize": True})


# Refresh tokens that rotate


def test_a_rotated_token_is_on_disk_before_it_is_used_and_the_old_one_is_worthless(
    server: Sandbox, tmp_path: Path
) -> None:
    server.post("authentication", {"rotate": True})
    with session(server, tmp_path, "refresh_token") as opened:
        first = (tmp_path / "refresh_token").read_text().strip()
        opened.login()
        second = (tmp_path / "refresh_token").read_text().strip()
        server.post("logout", {})
        opened.get("limits")
        third = (tmp_path / "refresh_token").read_text().strip()
    assert len({first, second, third}) == 3
    assert (tmp_path / "refresh_token").stat().st_mode & 0o777 == 0o600
    old = _secret(tmp_path / "old", first)
    error = refused(server, tmp_path, "refresh_token", refresh_token=f"file:{old}")
    assert "authorize the app again" in error.help


def test_a_rotation_that_cannot_be_stored_is_fatal(
    server: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFRESH", server._send("GET", "authentication", None)["refresh_token"])
    with session(server, tmp_path, "refresh_token", refresh_token="env:REFRESH") as opened:
        opened.login()
    server.post("authentication", {"rotate": True})
    error = refused(server, tmp_path, "refresh_token", refresh_token="env:REFRESH")
    assert (type(error), error.exit_code) == (CredentialsRejected, 7)
    assert "env:REFRESH" in error.message
    assert 'refresh_token = "file:PATH"' in error.help


KILLED = """
import os, signal, sys
from pathlib import Path
from durable_runtime.clock import SYSTEM
from durable_runtime.configuration import load
from durable_runtime.salesforce.refresh_tokens import RefreshToken
from durable_runtime.salesforce.session import Session
from durable_runtime.spec import Retry

owner = {"answered": RefreshToken, "written": os}[sys.argv[2]]
owner.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with Session(load(Path(sys.argv[1]), "p").salesforce, Retry(1, "constant", 9, ()), SYSTEM) as session:
    session.login()
"""


def killed_log_in(path: Path, moment: str) -> None:
    """A process that logs in and is killed once the server has answered, or once the new token is in the draft."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), moment], env=environment(), timeout=60)
    assert done.returncode == -signal.SIGKILL


def test_a_process_that_dies_between_writing_and_renaming_loses_no_token(server: Sandbox, tmp_path: Path) -> None:
    server.post("authentication", {"rotate": True})
    given = settings(server, tmp_path, "refresh_token")
    before = (tmp_path / "refresh_token").read_text()
    killed_log_in(tmp_path / "durable.toml", "written")
    assert (tmp_path / "refresh_token").read_text() == before
    with Session(given, RETRY, SYSTEM) as opened:
        assert opened.get("limits")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["client_secret", "durable.toml", "refresh_token"]


def test_a_process_that_dies_before_it_could_write_leaves_a_clear_refusal(server: Sandbox, tmp_path: Path) -> None:
    server.post("authentication", {"rotate": True})
    given = settings(server, tmp_path, "refresh_token")
    killed_log_in(tmp_path / "durable.toml", "answered")
    with Session(given, RETRY, SYSTEM) as opened, pytest.raises(CredentialsRejected) as caught:
        opened.login()
    assert "authorize the app again and store the new one" in caught.value.help
    server.post("authentication", {"authorize": True})


def test_processes_that_share_a_rotating_token_take_turns(server: Sandbox, tmp_path: Path) -> None:
    server.post("authentication", {"rotate": True})
    given = settings(server, tmp_path, "refresh_token")

    def one(_: int) -> str:
        with Session(given, RETRY, SYSTEM) as opened:
            return opened.organization_id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(one, range(8)))) == 1
    newest = server._send("GET", "authentication", None)["refresh_token"]
    assert (tmp_path / "refresh_token").read_text().strip() == newest


# A session that dies


def test_a_session_that_dies_between_pages_is_renewed_once_and_no_row_is_lost(server: Sandbox, tmp_path: Path) -> None:
    with session(server, tmp_path) as opened:
        made = bulk.create(opened, "SELECT Id FROM Contact")
        while opened.get(f"jobs/query/{made.id}")["state"] != "JobComplete":
            continue
        before, rows, locator = counted(server), [], ""
        while locator != "null":
            server.post("logout", {})
            params = {"maxRecords": "50"} | ({"locator": locator} if locator else {})
            lines, locator = opened.stream("GET", f"jobs/query/{made.id}/results", _page, params=params)
            rows += lines
        pages = asked(before, counted(server), "GET /services/data/{version}/jobs/query/{id}/results")
        assert asked(before, counted(server), TOKEN) == 3
    assert pages == 6  # each of three was asked for with the dead session and with the new one
    assert sorted(rows) == sorted(f'"{one["Id"]}"' for one in server.truth("Contact"))


def test_sessions_that_die_among_parallel_downloads_cost_one_log_in_each_and_no_row(
    server: Sandbox, tmp_path: Path
) -> None:
    deaths = (2, 10, 18)  # so far apart that each finds a live session
    with session(server, tmp_path) as opened:
        made = bulk.create(opened, "SELECT Id FROM Contact")
        (ended,) = bulk.finished(opened, [made], SYSTEM)
        for number in deaths:
            server.post("faults", {"kind": "results", "nth": number, "expire_session": True})
        before = counted(server)
        pages = bulk.download(opened, ended, Progress(tmp_path / "landing"), replace(SIZES, page_records=4))
        assert asked(before, counted(server), TOKEN) == len(deaths)
    server._send("DELETE", "faults", None)
    lines = [line for page in pages for line in page.path.read_text().splitlines()[1:]]
    assert sorted(lines) == sorted(f'"{one["Id"]}"' for one in server.truth("Contact"))
    assert len(pages) == 30


def _page(answer: httpx2.Response) -> tuple[list[str], str]:
    answer.read()
    return answer.text.splitlines()[1:], answer.headers["Sforce-Locator"]


def test_threads_that_hammer_a_dead_session_log_in_once(server: Sandbox, tmp_path: Path) -> None:
    rounds = max(1, int(os.environ.get("DURABLE_SEEDS", "20")) // 4)
    gate = threading.Barrier(8)
    with session(server, tmp_path) as opened, ThreadPoolExecutor(8) as pool:
        opened.get("limits")

        def work(_: int) -> int:
            gate.wait()
            return int(opened.get("query", {"q": "SELECT COUNT() FROM Contact"})["totalSize"])

        live = set(pool.map(work, range(8)))
        before, requests = counted(server), opened.requests
        for _ in range(rounds):
            server.post("logout", {})
            assert set(pool.map(work, range(8))) == live
        assert asked(before, counted(server), TOKEN) == rounds
        assert opened.requests - requests == asked(before, counted(server), "GET /services/data/{version}/query")


# Limits and versions


def test_limits_count_down_and_their_end_stops_the_run(server: Sandbox, tmp_path: Path) -> None:
    server.post("limits", {"DailyApiRequests": {"Max": 5000, "Remaining": 3}})
    with session(server, tmp_path) as opened:
        assert opened.limits()["DailyApiRequests"] == Allowance(5000, 2)
        assert opened.usage == Usage(4998, 5000)
        assert opened.limits()["DailyApiRequests"] == Allowance(5000, 1)
        opened.limits()
        with pytest.raises(QuotaReached, match="TotalRequests Limit exceeded") as caught:
            opened.limits()
        assert (caught.value.exit_code, opened.usage) == (5, Usage(5000, 5000))


def test_the_allowance_comes_back_as_the_hours_pass(server: Sandbox, tmp_path: Path) -> None:
    server.post("limits", {"DailyApiRequests": {"Max": 5000, "Remaining": 0}})
    with session(server, tmp_path) as opened:
        with pytest.raises(QuotaReached):
            opened.limits()
        server.post("clock", {"advance_seconds": 25 * 3600})
        assert opened.limits()["DailyApiRequests"] == Allowance(5000, 4999)
    server.post("clock", {"now": None})


def test_shares_of_apps_lengthen_the_header_and_the_usage_is_read_all_the_same(server: Sandbox, tmp_path: Path) -> None:
    share = {"Max": 5000, "Remaining": 4983, "Apps": {"x": {"Max": 250, "Remaining": 233}}}
    server.post("limits", {"DailyApiRequests": share})
    with session(server, tmp_path) as opened:
        header = opened.stream("GET", "limits", lambda answer: answer.headers["Sforce-Limit-Info"])
        assert header == "api-usage=18/5000; per-app-api-usage=17/250(appName=x)"
        assert opened.usage == Usage(18, 5000)
        assert opened.get("limits")["DailyApiRequests"]["x"] == {"Max": "250", "Remaining": "233"}
    server.post("limits", {"DailyApiRequests": {"Max": 5000, "Remaining": 5000, "Apps": {}}})


@pytest.mark.parametrize(
    ("name", "maximum", "said"),
    [
        ("DailyBulkV2QueryJobs", 10000, "Max bulk v2 query jobs (10000) per 24 hrs has been reached (10001)"),
        (
            "DailyBulkV2QueryFileStorageMB",
            2000,
            "Max bulk v2 query result size stored (2048000) kb per 24 hrs has been exceeded",
        ),
    ],
)
def test_bulk_allowances_end_with_salesforces_words(
    server: Sandbox, tmp_path: Path, name: str, maximum: int, said: str
) -> None:
    with session(server, tmp_path) as opened:
        server.post("limits", {name: {"Max": maximum, "Remaining": 1}})
        bulk.create(opened, "SELECT Id FROM Contact")
        server.post("limits", {name: {"Max": maximum, "Remaining": 0}})
        with pytest.raises(QuotaReached) as caught:
            bulk.create(opened, "SELECT Id FROM Contact")
        assert caught.value.exit_code == 5
        assert (
            f"400 to POST /services/data/v62.0/jobs/query for Contact (LIMIT_EXCEEDED: {said})" in caught.value.message
        )


def test_jobs_and_stored_results_count(server: Sandbox, tmp_path: Path) -> None:
    with session(server, tmp_path) as opened:
        before = opened.limits()
        made = bulk.create(opened, "SELECT Id FROM Contact")
        after = opened.limits()
        assert made.records is None
    job = "DailyBulkV2QueryJobs"
    assert after[job].remaining == before[job].remaining - 1


def test_versions_are_served_retired_or_unknown(server: Sandbox, tmp_path: Path) -> None:
    shown = httpx2.get(f"{server.url}/services/data").json()
    assert (shown[0]["version"], shown[-1]) == (
        "31.0",
        {"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"},
    )
    with session(server, tmp_path) as opened:
        with pytest.raises(RequestRefused, match=r"410 .*GONE"):
            opened.get("/services/data/v30.0/limits")
        with pytest.raises(RequestRefused, match="404"):
            opened.get("/services/data/v99.0/limits")
    for version, code in (("30.0", "UNSUPPORTED_API_VERSION"), ("65.0", "INVALID_OPERATION")):
        answer = httpx2.post(f"{server.url}/services/Soap/u/{version}", content="<login/>")
        assert (answer.status_code, f"<sf:exceptionCode>{code}<" in answer.text) == (500, True)


def test_a_retired_version_in_the_profile_is_refused_before_anything_is_asked(server: Sandbox, tmp_path: Path) -> None:
    before = counted(server)
    with (
        pytest.raises(ConfigurationError, match=r"retired API version 29\.0") as caught,
        session(server, tmp_path, api_version="29.0"),
    ):
        pass
    assert caught.value.exit_code == 2
    assert counted(server).keys() == before.keys()
    assert asked(before, counted(server), TOKEN) == 0


# The administrator's orders


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("authentication", {"users": "inactive"}, "there is no setting 'users'"),
        ("authentication", {"user": "asleep"}, "user must be one of active, inactive"),
        ("authentication", {"soap": "off"}, "soap must be true or false"),
        ("authentication", {"refused_logins": True}, "refused_logins must be a whole number"),
        ("authentication", {"audiences": "x"}, "audiences must be a list"),
        ("authentication", [], "must be a JSON object"),
        ("limits", {"DailyWishes": {"Max": 1, "Remaining": 1}}, "there is no allowance 'DailyWishes'"),
        ("limits", {"DailyApiRequests": {"Max": 1, "Remaining": 2}}, "must be {"),
        ("limits", {"DailyApiRequests": 7}, "must be {"),
    ],
)
def test_an_order_that_means_nothing_is_refused(server: Sandbox, path: str, body: Any, said: str) -> None:
    answer = httpx2.post(f"{server.url}/__sandbox__/{path}", json=body)
    assert answer.status_code == 400
    assert said in answer.json()[0]["message"]


# TLS


@contextmanager
def over_tls(state: Path) -> Iterator[Sandbox]:
    command = [sys.executable, "-m", "durable_sandbox", "--tls", "--state", str(state), "--rows", "20"]
    with subprocess.Popen(
        [*command, "--exit-with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            announced = json.loads(child.stdout.readline())
            yield Sandbox(announced["url"], announced)
        finally:
            child.stdin.close()
            child.wait(15)


def test_tls_works_with_the_local_authority_and_with_nothing_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, folder = tmp_path / "state", tmp_path / "p"
    folder.mkdir()
    with over_tls(state) as server:
        authority = Path(server.announced["ca_file"])
        assert server.url.startswith("https://127.0.0.1:")
        with session(server, folder, ca_file=str(authority)) as opened:
            assert opened.get("query", {"q": "SELECT COUNT() FROM User"})["done"] is True
            assert opened.login().instance_url == server.url
            trust = trusted(settings(server, folder, "jwt", ca_file=str(authority)))
            with Directory(opened.login(), "62.0", trust=trust) as directory:
                assert directory.describe("Account")["name"] == "Account"
        with session(server, folder) as opened, pytest.raises(ConfigurationError) as caught:
            opened.login()
        assert "is not trusted" in caught.value.message
        assert "ca_file" in caught.value.help
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        with session(server, folder) as opened:
            assert opened.login().instance_url == server.url
        monkeypatch.delenv("SSL_CERT_FILE")
        first = authority.read_bytes()
        strict = ssl.create_default_context(cafile=str(authority))
        strict.verify_flags |= ssl.VERIFY_X509_STRICT
        port = int(server.url.rpartition(":")[2])
        hosts = ("localhost", "::1", "login.salesforce.com", "test.salesforce.com", "acme.my.salesforce.com")
        with httpx2.Client(verify=strict, trust_env=False) as client:
            for host in hosts:
                answer = client.get(
                    f"https://127.0.0.1:{port}/services/data",
                    extensions={"sni_hostname": host},
                    headers={"Host": host if ":" not in host else f"[{host}]"},
                )
                assert answer.status_code == 200
    for name in ("ca.key", "server.key"):
        assert (authority.parent / name).stat().st_mode & 0o777 == 0o600
    with over_tls(state) as server:
        assert Path(server.announced["ca_file"]).read_bytes() == first


def test_a_project_finds_its_sandbox_over_tls(tmp_path: Path) -> None:
    path = tmp_path / "durable.toml"
    path.write_text("")
    with over_tls(tmp_path / ".durable" / "sandbox") as server, salesforce(load(path, "local")) as found:
        assert (found.login_url, str(found.ca_file)) == (server.url, server.announced["ca_file"])
        with Session(found, RETRY, SYSTEM) as opened:
            assert opened.get("limits")


# The organization is pinned


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("compiled") / "project")
    with sandbox(project.state, rows=20, seed=3):
        return project.compiled()


def copied(compiled: Project, folder: Path) -> Project:
    kept = shutil.ignore_patterns(".durable")
    return Project(Path(shutil.copytree(compiled.root, folder / "project", ignore=kept)))


def test_another_organization_ends_a_run_before_any_record_is_read(compiled: Project, tmp_path: Path) -> None:
    project = copied(compiled, tmp_path)
    with sandbox(project.state, rows=20, seed=3):
        project.succeed()
    shutil.rmtree(project.state)
    with sandbox(project.state, rows=20, seed=4) as other:
        done = project.run()
        data = {name: count for name, count in counted(other).items() if "quer" in name}
    assert (done.code, done.summary["error"]["code"]) == (7, "RUN703")
    assert data == {}


def test_a_run_with_a_legacy_log_in_says_so_and_one_with_refused_credentials_says_what_to_do(
    compiled: Project, tmp_path: Path
) -> None:
    project = copied(compiled, tmp_path)
    with sandbox(project.state, rows=20, seed=3) as running:
        settings(running, project.root, "password")
        profile = project.root / "durable.toml"
        profile.write_text(profile.read_text() + '[profiles.p]\nalerts = "file"\n')
        legacy = project.succeed("--profile", "p")
        record = json.loads((project.root / ".durable" / "runs" / legacy["run_id"] / "run.json").read_text())
        assert [one for one in record["notes"] if 'auth = "password" is a legacy log-in' in one]
        assert [one["code"] for one in record["events"]].count("salesforce_warning") == 1
        running.post("authentication", {"client_credentials_user": False})
        done = project.run("--profile", "local")
    assert (done.code, done.summary["error"]["code"]) == (7, "RUN701")
    assert "Choose the user that the app runs as" in done.summary["error"]["message"]

"""Discovery through simple-salesforce, an outside client: small organizations whole, large ones by need."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from durable_compiler import catalogue
from durable_compiler.discovery import TRIES, Directory
from durable_compiler.interpret import read_file
from durable_compiler.organization import Asked, discover
from durable_runtime.clock import SYSTEM, Clock
from durable_runtime.configuration import SalesforceSettings
from durable_runtime.credentials import given
from durable_runtime.errors import RequestRefused, SalesforceUnavailable
from durable_runtime.salesforce.describe import describe
from durable_runtime.salesforce.session import Login, Session
from functional.project import Done, Project, Sandbox, sandbox

VERSION = "62.0"
EXTRA = 1_500
RARE = 5  # of the objects that `--objects extended` shows: CaseStatus, Attachment, LoginHistory and two custom ones
SPEC = (
    "- R1.1 Syncs Contacts from Salesforce\n- R1.2 Runs nightly at 2:00 AM UTC\n- R2.1 Writes to DuckDB table people\n"
)
# What the requirements name, and one step up from there.
NEEDED = {"Contact", "Account", "User"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("state"), rows=50) as running:
        yield running


@pytest.fixture
def session(server: Sandbox) -> Iterator[Session]:
    told = server.announced
    settings = SalesforceSettings(
        sandbox=True,
        login_url=server.url,
        client_id=given(told["client_id"], "client_id"),
        client_secret=given(told["client_secret"], "client_secret"),
    )
    with Session(settings, TRIES, SYSTEM) as opened:
        yield opened


def test_an_outside_client_describes_the_same_objects_and_fields(session: Session) -> None:
    with Directory(session.login(), VERSION) as directory:
        names = [one["name"] for one in directory.objects()]
        assert len(names) == 12
        assert "Customer_Health__c" in names
        for name in ("Account", "Customer_Health__c"):
            seen = [(one["name"], one["type"]) for one in directory.describe(name)["fields"]]
            assert seen == [(one["name"], one["type"]) for one in describe(session, name)["fields"]]


def test_an_object_that_is_not_there_is_refused_with_its_name(session: Session) -> None:
    with Directory(session.login(), VERSION) as directory, pytest.raises(RequestRefused, match=r"404.*Nothing__c"):
        directory.describe("Nothing__c")


def test_a_server_that_is_gone_is_unavailable_after_the_retries(tmp_path: Path) -> None:
    pauses: list[float] = []
    login = Login("token", "http://127.0.0.1:9", "00D000000000000")
    clock = Clock(sleep=pauses.append)
    with Directory(login, VERSION, clock) as directory, pytest.raises(SalesforceUnavailable):
        directory.describe("Account")
    assert len(pauses) == TRIES.max_attempts - 1


def test_an_object_that_salesforce_will_not_describe_in_a_batch_is_asked_for_alone(
    server: Sandbox, session: Session
) -> None:
    server.post("faults", {"kind": "describe", "object": "Contact", "error": "UNKNOWN_EXCEPTION"})
    with Directory(session.login(), VERSION, Clock(sleep=lambda _: None)) as directory:
        found = discover(directory, Asked(), "00D", VERSION)
        assert server.get("faults")["faults"][0]["fired"] == 1
        server.delete("faults")
        whole = discover(directory, Asked(), "00D", VERSION)
    assert (found.snapshot, found.failures) == (whole.snapshot, ())


def test_an_organization_without_batches_is_described_one_by_one(server: Sandbox, session: Session) -> None:
    with Directory(session.login(), VERSION) as directory:
        whole = discover(directory, Asked(), "00D", VERSION)
        server.post("faults", {"kind": "composite", "error": {"name": "NOT_FOUND"}, "every": True})
        before = server.get("requests")
        found = discover(directory, Asked(), "00D", VERSION)
        server.delete("faults")
    assert (found.snapshot, found.failures) == (whole.snapshot, ())
    assert spent(server, before)[1]["GET /services/data/{version}/sobjects/{object}/describe"] == 12


# --- a large organization ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Sandbox]]:
    project = Project.make(tmp_path_factory.mktemp("large") / "project", SPEC)
    options = ("--objects", "extended", "--extra-objects", str(EXTRA))
    with sandbox(project.state, rows=50, options=options) as running:
        yield project, running


@pytest.fixture
def org(large: tuple[Project, Sandbox]) -> Iterator[tuple[Project, Sandbox]]:
    """The large organization with a project that has not discovered it."""
    project, running = large
    snapshot(project).unlink(missing_ok=True)
    write(project, SPEC)
    yield project, running
    running.delete("faults")


def write(project: Project, text: str) -> None:
    (project.root / "requirements" / "customer_data.md").write_text(text, encoding="utf-8")


def snapshot(project: Project) -> Path:
    return project.root / "requirements" / "salesforce.schema.json"


def described(project: Project) -> set[str]:
    return {one.name for one in catalogue.load(snapshot(project)).objects if one.described}


def discovered(project: Project, *arguments: str) -> dict[str, Any]:
    done = project.durable("discover", "--json", *arguments)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def spent(server: Sandbox, before: dict[str, Any]) -> tuple[int, Counter[str]]:
    """API calls since then, and requests by address."""
    now = server.get("requests")
    return now["api_calls"] - before["api_calls"], Counter(now["requests"]) - Counter(before["requests"])


def test_a_large_organization_is_known_by_name_and_described_where_requirements_need_it(
    org: tuple[Project, Sandbox],
) -> None:
    project, server = org
    before = server.get("requests")
    done = project.durable("discover")
    assert done.code == 0, done.err
    calls, requests = spent(server, before)
    # The list of objects, three descriptions in two calls, and what FieldDefinition says of what is named.
    assert requests["GET /services/data/{version}/sobjects"] == 1
    assert requests["POST /services/data/{version}/composite/batch"] == 3
    assert requests["GET /services/data/{version}/sobjects/{object}/describe"] == 0
    assert calls <= 1 + 2 * len(NEEDED)
    known = catalogue.load(snapshot(project))
    assert described(project) == NEEDED
    assert len(known.objects) == 12 + EXTRA + RARE
    assert [one.name for one in known.objects] == sorted(one.name for one in known.objects)
    # Not the tables that accompany an object, nor those that cannot be queried or are hidden.
    assert not {"AccountHistory", "AccountShare", "AccountChangeEvent", "ActivityHistory", "Legacy_Contract__c"} & set(
        known.by_name
    )
    assert known.by_name["Asset_Entry_0000__c"].label_plural == "Asset Entrys 0000"
    assert done.out.splitlines()[1].startswith("described 3 of them")
    text = snapshot(project).read_bytes()
    again = discovered(project, "--profile", "local")
    assert (again["changed"], again["changes"], again["failed"]) == (False, [], [])
    assert snapshot(project).read_bytes() == text


def test_a_sentence_about_an_object_known_by_name_says_so_and_compiles_after_the_next_discovery(
    org: tuple[Project, Sandbox],
) -> None:
    project, _ = org
    discovered(project)
    more = "- R1.3 Syncs Invoices from Salesforce\n- R1.4 Invoice Amount must be positive\n"
    write(project, SPEC + more)
    refused = project.durable("compile", "customer_data", "--no-commit")
    assert refused.code == 1
    assert "error[DUR015]: Invoice is known by name only (R1.4)" in refused.err
    assert "Run `durable discover --object Invoice__c`." in refused.err
    text = SPEC + more.splitlines()[0]
    (alone,) = read_file(project.root / "requirements" / "customer_data.md", snapshot(project), text=text).diagnostics
    assert (alone.code, alone.requirement) == ("DUR015", "R1.3")
    write(project, SPEC + more)
    found = discovered(project)
    assert described(project) == NEEDED | {"Invoice__c"}
    assert [(one["object"], one["what"], one["before"]) for one in found["changes"]] == [
        ("Invoice__c", "known", "by name only")
    ]
    compiled = project.durable("compile", "customer_data", "--no-commit")
    assert compiled.code == 0, compiled.err


def test_what_a_person_accepted_a_sentence_to_mean_is_described_too(org: tuple[Project, Sandbox]) -> None:
    project, _ = org
    lock = project.root / "requirements" / "customer_data.lock.json"
    lock.write_text('{"R1.9": {"english": "Syncs Legacy Contracts, Invoices from Salesforce"}}', encoding="utf-8")
    assert set(discovered(project)["described"]) == NEEDED | {"Invoice__c"}
    lock.unlink()


def test_objects_that_are_named_are_described_too_and_stay(org: tuple[Project, Sandbox]) -> None:
    project, _ = org
    # One of them accompanies another object, one cannot be queried, one is on its way out: all were asked for.
    named = ("Invoice_Line__c", "AccountHistory", "ActivityHistory", "Legacy_Contract__c")
    found = discovered(project, *(word for name in named for word in ("--object", name)))
    # A line leads to its invoice and its product, and these to no further step.
    assert set(found["described"]) == described(project) == NEEDED | {*named, "Invoice__c", "Product2"}
    text = snapshot(project).read_bytes()
    assert discovered(project)["changed"] is False
    assert snapshot(project).read_bytes() == text
    refused = project.durable("discover", "--object", "Invoices__c")
    assert (refused.code, "Did you mean 'Invoice__c'?" in refused.err) == (2, True)
    assert snapshot(project).read_bytes() == text


def test_an_object_that_is_refused_is_told_and_what_was_known_of_it_is_kept(org: tuple[Project, Sandbox]) -> None:
    project, server = org
    discovered(project, "--object", "Invoice__c")
    text = snapshot(project).read_bytes()
    for name in ("Contact", "Invoice__c", "Account"):
        error = {"name": "INSUFFICIENT_ACCESS"} if name == "Contact" else {"name": "NOT_FOUND"}
        server.post("faults", {"kind": "describe", "object": name, "error": error, "every": True})
    done = project.durable("discover", "--json")
    found = json.loads(done.out)
    assert [(one["object"], one["code"], one["kept"]) for one in found["failed"]] == [
        ("Account", "RUN705", True),
        ("Contact", "RUN702", True),
        ("Invoice__c", "RUN705", True),
    ]
    assert (done.code, found["changed"], snapshot(project).read_bytes()) == (7, False, text)
    assert "durable: Contact was not described: Salesforce answered 403" in done.err
    snapshot(project).unlink()
    server.delete("faults")
    server.post("faults", {"kind": "describe", "object": "Account", "error": {"name": "NOT_FOUND"}, "every": True})
    done = project.durable("discover")
    # Account is only what a Contact leads to: the sentence that would need it will say so.
    assert done.code == 0
    assert "Account was not described" in done.err and "known by name only" in done.err
    assert described(project) == NEEDED - {"Account"}


def test_calls_that_run_out_leave_the_file_as_it_was(org: tuple[Project, Sandbox]) -> None:
    project, server = org
    discovered(project)
    text = snapshot(project).read_bytes()
    server.post("faults", {"kind": "any", "daily_limit": True, "after": 2})
    done = project.durable("discover", "--object", "Invoice__c")
    assert (done.code, snapshot(project).read_bytes()) == (5, text)
    assert "REQUEST_LIMIT_EXCEEDED" in done.err and "help: " in done.err


def test_every_object_is_described_on_demand_with_25_to_a_call(org: tuple[Project, Sandbox]) -> None:
    project, server = org
    extra = [name for name in server.get("objects")["shown"] if name[-7:-3].isdecimal()]
    server.post("objects", {"hide": extra[100:]})
    try:
        before = server.get("requests")
        found = discovered(project, "--all")
        calls, requests = spent(server, before)
    finally:
        server.post("objects", {"show": extra[100:]})
    count = 12 + RARE + 100
    assert len(found["described"]) == len(found["objects"]) == count
    # A call for each description, and one for what FieldDefinition says of what requirements name.
    assert calls == 1 + count + 1
    assert requests["POST /services/data/{version}/composite/batch"] == 5 + 1


# --- what changed -----------------------------------------------------------------------------------------------


def test_what_is_new_changed_hidden_and_gone_is_told(tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project")
    with sandbox(project.state, rows=50) as server:
        assert lines(project.durable("discover")) == [
            "discovered 12 objects, including a custom Customer Health object",
            "wrote requirements/salesforce.schema.json",
        ]
        server._send("POST", "drift", DRIFTS)
        server.post("objects", {"show": ["Invoice__c"], "hide": ["Lead"]})
        told = lines(project.durable("discover"))
        again = discovered(project)
    assert told[1:-1] == [
        "~ Account: label Account → Company",
        "~ Account: plural Accounts → Companies",
        "- Account.Fax (Account Fax, phone(40)) is gone",
        "~ Account.Name: type string(255) → string(300)",
        "~ Account.Rating: values with Frozen, without Hot",
        "~ Account.Sic: label SIC Code → SIC",
        "~ Account.Sic: sensitivity Confidential",
        "~ Account.Sic: compliance PII",
        "+ Account.Tier__c (Tier, currency(16,2)) is new",
        "~ Account.YearStarted: type string(4) → int(9)",
        "- Contact.Title (Title, string(128)) is hidden from this user",
        "+ Invoice__c (Invoice) is new",
        "- Lead (Lead) is not visible any more",
    ]
    assert again["changes"] == []
    field = catalogue.load(snapshot(project)).by_name["Account"].field("Sic")
    assert field is not None
    assert (field.securityClassification, field.complianceGroup) == ("Confidential", "PII")


TIER = {"name": "Tier__c", "label": "Tier", "type": "currency", "precision": 16, "scale": 2}
DRIFTS: list[dict[str, Any]] = [
    {"op": "label", "object": "Account", "label": "Company", "plural": "Companies"},
    {"op": "remove", "object": "Account", "field": "Fax"},
    {"op": "widen", "object": "Account", "field": "Name", "length": 300},
    {"op": "picklist_add", "object": "Account", "field": "Rating", "value": "Frozen"},
    {"op": "picklist_retire", "object": "Account", "field": "Rating", "value": "Hot"},
    {"op": "label", "object": "Account", "field": "Sic", "label": "SIC"},
    {"op": "classify", "object": "Account", "field": "Sic", "security": "Confidential", "compliance": ["PII"]},
    {"op": "add", "object": "Account", "field": TIER},
    {"op": "retype", "object": "Account", "field": "YearStarted", "type": "int"},
    {"op": "hide", "object": "Contact", "field": "Title"},
]


def lines(done: Done) -> list[str]:
    assert done.code == 0, done.err
    return done.out.splitlines()


def test_a_file_that_cannot_be_read_is_replaced_with_a_word(server: Sandbox, tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project")
    project.state.mkdir(parents=True)
    (project.state / "url.json").write_text(json.dumps(server.announced), encoding="utf-8")
    snapshot(project).write_text("{", encoding="utf-8")
    done = project.durable("discover")
    assert lines(done)[-1] == "wrote requirements/salesforce.schema.json"
    assert "cannot be read" in done.err and "no changes are shown" in done.err
    assert len(catalogue.load(snapshot(project)).objects) == 12

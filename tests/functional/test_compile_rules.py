"""Packages with rules of every kind, run against a real sandbox: what is kept, hidden, counted, stopped or refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from durable_compiler import catalogue
from durable_compiler.emit import emit
from durable_compiler.ir import Pipeline
from durable_compiler.package import Project as Compiled
from durable_compiler.package import write_records
from durable_compiler.plan import Identity, plan
from durable_compiler.trace import trace
from durable_compiler.validate import validate
from durable_runtime import RUNTIME_API
from durable_runtime.salesforce.sizes import SIZES
from functional.project import Done, Project, Sandbox, sandbox
from functional.test_snowflake_run import KEYS, PROFILE, rows, stand_in

IDENTITY = Identity("1.0.0", "0.1.0", RUNTIME_API, "A test")
RULE = {"id": "R7.7", "text": "A rule", "file": "requirements/customer_data.md", "line": 9, "status": "understood",
        "echo": "A rule"}  # fmt: skip
PATHS = ("source.objects[].where", "checks", "required", "masks", "guards", "sla", "residency", "incremental", "target")
CUSTOMER = "Customer - Direct"


@contextmanager
def discovered(root: Path, rows: int = 150) -> Iterator[tuple[Project, Sandbox]]:
    """A project that knows the schema of its own sandbox."""
    project = Project.make(root)
    with sandbox(project.state, rows=rows) as server:
        done = project.durable("discover")
        assert done.code == 0, done.err
        yield project, server


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Project, Sandbox]]:
    with discovered(tmp_path / "project") as found:
        yield found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """For tests that change no record; each has a warehouse of its own."""
    with discovered(tmp_path_factory.mktemp("place") / "project") as (project, _):
        yield project


@pytest.fixture
def still(place: Project) -> Project:
    place.warehouse.unlink(missing_ok=True)
    (place.root / "durable.toml").write_text('default_profile = "local"\n', encoding="utf-8")
    return place


def install(project: Project, objects: tuple[str, ...] = ("Account",), **said: Any) -> None:
    """Put a package of these rules in place, as a compile of the English for them would."""
    snapshot = catalogue.load(project.root / "requirements" / "salesforce.schema.json")
    sources = [
        {"name": one, "fields": list(snapshot.by_name[one].readable_fields()), **said.get("source", {}).get(one, {})}
        for one in objects
    ]
    values = {
        "name": "customer_data",
        "requirements": [{**RULE, "id": "R1.1", "text": "Syncs"}, RULE],
        "schedule": {"cron": "0 2 * * *", "timezone": "UTC"},
        "target": {"system": "duckdb", "table": "customer_data", "layout": "unified"},
        "trace": {"source.objects": ["R1.1"], **{path: ["R7.7"] for path in PATHS}},
        **said,
        "source": {"objects": sources},
    }
    pipeline = Pipeline.model_validate(values)
    compiled = Compiled(project.root, "customer_data")
    shutil.rmtree(compiled.package, ignore_errors=True)
    emit(plan(pipeline, snapshot, IDENTITY, {}), compiled.package)
    validate(compiled.package)
    records = {"RELEASE_NOTES.md": "# Notes\n\n## 1.0.0\n", "ir.json": pipeline.to_json(),
               "trace.json": trace(pipeline, compiled.package)}  # fmt: skip
    write_records(compiled, compiled.package, records, "")


def call(op: str, *args: dict[str, Any]) -> dict[str, Any]:
    return {"op": op, "args": list(args)}


def field(owner: str, name: str, path: str | None = None) -> dict[str, Any]:
    return {"op": "field", "object": owner, "name": name, "path": path}


def text(value: str) -> dict[str, Any]:
    return {"op": "literal", "value": value, "type": "text"}


KEPT = {"Account": {"where": call("eq", field("Account", "Type"), text(CUSTOMER))}}


def live(project: Project, columns: str = "source_id", name: str = "Account") -> list[dict[str, Any]]:
    where = f"source_object = '{name}' AND NOT is_deleted"
    return project.rows(f"SELECT {columns} FROM customer_data WHERE {where} ORDER BY source_id")


def customers(server: Sandbox) -> list[str]:
    return sorted(one["Id"] for one in server.truth("Account") if one["Type"] == CUSTOMER and not one["IsDeleted"])


def counts(summary: dict[str, Any], at: int = 0) -> dict[str, int]:
    return {key: one for key, one in summary["objects"][at].items() if one and key not in ("name", "read", "found")}


def stopped(done: Done, code: int, error: str) -> dict[str, Any]:
    assert done.code == code, done.err
    found: dict[str, Any] = done.summary["error"]
    assert found["code"] == error
    return found


def events(project: Project) -> list[dict[str, Any]]:
    records = sorted((project.root / ".durable" / "runs").glob("*/run.json"))
    found: list[dict[str, Any]] = json.loads(records[-1].read_text(encoding="utf-8"))["events"]
    return found


def test_a_filter_keeps_what_matches_and_lets_go_of_what_stops_matching(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    install(project, source=KEPT)
    extract = (project.root / "generated" / "customer_data" / "extract.py").read_text(encoding="utf-8")
    assert f"""first="Type = '{CUSTOMER}'",""" in extract
    first = project.succeed()
    kept = customers(server)
    assert [one["source_id"] for one in live(project)] == kept
    assert 0 < len(kept) < first["objects"][0]["read"] + 1
    assert first["objects"][0]["read"] < len(server.truth("Account"))
    others = sorted(one["Id"] for one in server.truth("Account") if one["Type"] == "Prospect" and not one["IsDeleted"])
    server.put("records/Account", [{"Id": kept[0], "Type": "Prospect"}, {"Id": others[0], "Type": CUSTOMER}])
    server.put("records/Account", [{"Id": others[1], "Name": "Still no customer"}])
    second = project.succeed()
    assert counts(second) == {"inserted": 1, "deleted": 1, "skipped": 1} | unchanged(second)
    assert [one["source_id"] for one in live(project)] == customers(server)
    gone = project.rows("SELECT source_id, deleted_reason, name FROM customer_data WHERE is_deleted")
    assert [(one["source_id"], one["deleted_reason"]) for one in gone] == [(kept[0], "left_filter")]
    server.put("records/Account", [{"Id": kept[0], "Type": CUSTOMER}])
    assert counts(project.succeed())["updated"] == 1
    assert [one["source_id"] for one in live(project)] == customers(server)


def unchanged(summary: dict[str, Any]) -> dict[str, int]:
    """Rows that the overlap read again."""
    count = summary["objects"][0]["unchanged"]
    return {"unchanged": count} if count else {}


def test_a_run_under_a_filter_gives_what_one_full_load_gives(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    install(project, source=KEPT)
    for seed in range(2):
        project.succeed()
        made = {"update": 9, "insert": 5, "delete": 3, "undelete": 2, "purge": 3, "hard_delete": 2}
        server.post("change", {"object": "Account", **made, "seed": seed})
    project.succeed()
    kept = live(project, "* EXCLUDE (loaded_at, run_id, pipeline_version)")
    assert [one["source_id"] for one in kept] == customers(server)
    project.warehouse.unlink()
    project.succeed("--full")
    assert live(project, "* EXCLUDE (loaded_at, run_id, pipeline_version)") == kept


def test_a_rule_that_fails_the_run_names_itself_and_counts_and_writes_nothing(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    install(project, required=[{"object": "Account", "field": "Industry", "on_failure": "fail"}])
    missing = sum(1 for one in server.truth("Account") if not one["Industry"] and not one["IsDeleted"])
    assert missing > 0
    found = stopped(project.run(), 7, "RUN707")
    assert f"R7.7: Industry is missing ({missing:,} Account)" in found["message"]
    assert live(project) == []
    assert project.rows("FROM durable_state") == []


def test_a_rule_that_warns_loads_counts_and_tells(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    install(project, required=[{"object": "Account", "field": "Industry", "on_failure": "warn"}])
    missing = sum(1 for one in server.truth("Account") if not one["Industry"] and not one["IsDeleted"])
    done = project.run()
    assert done.code == 0, done.err
    assert f"Warning R7.7: Industry is missing ({missing:,} Account)." in done.err
    told = [one for one in events(project) if one["code"] == "rule_broken"]
    assert told == [
        {"code": "rule_broken", "object": "Account", "rule": "required", "requirement": "R7.7", "count": missing}
    ]
    assert len(live(project)) == sum(1 for one in server.truth("Account") if not one["IsDeleted"])


def test_a_masked_value_stands_nowhere_in_the_warehouse(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    server.put("records/Contact", [{"LastName": "", "Email": "secret.person@example.com"}])
    install(
        project, ("Contact",),
        masks=[{"object": "Contact", "field": "Email", "method": "sha256"},
               {"object": "Contact", "field": "Birthdate", "method": "drop"}],
        dedupe=[{"object": "Contact", "by": ["Email"]}],
        required=[{"object": "Contact", "field": "LastName"}],
    )  # fmt: skip
    project.succeed()
    project.succeed()
    emails = {one["Email"] for one in server.truth("Contact") if one["Email"]}
    held = project.rows("SELECT email FROM customer_data WHERE email IS NOT NULL")
    assert {len(one["email"]) for one in held} == {64}
    assert len({one["email"] for one in held}) == len({one["email"] for one in held} - emails)
    tables = ("customer_data", "customer_data__duplicates", "customer_data__rejects")
    everything = "".join(str(project.rows(f"FROM {table}")) for table in tables)
    assert [one for one in emails if one in everything] == []
    assert "birthdate" not in everything
    assert "Birthdate" not in everything


GUARDS = {
    "min_rows": (10_000, "Salesforce holds", "min_rows:Account"),
    "max_deleted_rows": (3, "would be flagged or removed", "max_deleted_rows:all"),
    "max_changed_ratio": (0.01, "would change", "max_changed_ratio:all"),
}


@pytest.mark.parametrize("kind", GUARDS)
def test_a_guard_stops_a_run_before_it_writes_and_may_be_passed_once(kind: str, world: tuple[Project, Sandbox]) -> None:
    project, server = world
    value, message, word = GUARDS[kind]
    install(project, guards=[{"kind": kind, "object": None, "value": value}])
    done = project.run()
    if kind == "min_rows":
        found = stopped(done, 4, "RUN401")
    else:
        assert done.code == 0, done.err
        server.post("change", {"object": "Account", "update": 5, "delete": 4, "seed": 3})
        before = live(project, "source_id, row_hash")
        found = stopped(project.run(), 4, "RUN401")
        assert live(project, "source_id, row_hash") == before
    assert message in found["message"]
    assert "R7.7" in found["message"]
    assert word in found["message"]
    assert project.succeed("--allow-guard", word)["status"] == "succeeded"


def test_a_first_load_is_no_change_and_a_small_one_passes(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    install(project, guards=[{"kind": "max_changed_ratio", "object": "Account", "value": 0.5}])
    project.succeed()
    server.post("change", {"object": "Account", "update": 9, "seed": 3})
    assert counts(project.succeed())["updated"] == 9


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "sla": ({"sla": {"max_staleness_seconds": 3600}}, "R7.7 asks for a limit to how old the data may get"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_this_runtime_cannot_keep_is_refused_before_anything_is_read(what: str, still: Project) -> None:
    said, message = REFUSED[what]
    install(still, **said)
    found = stopped(still.run(), 3, "RUN302")
    assert message in found["message"]
    assert not still.warehouse.exists()


def test_what_other_tools_do_is_told_and_stops_nothing(still: Project) -> None:
    install(still, approvals={"deploy": 2}, retention={"rejects_days": 30})
    still.succeed()
    told = [one["what"] for one in events(still) if one["code"] == "not_enforced"]
    assert told == ["an end to rejected rows", "approval of deployments"]


@pytest.mark.parametrize(("region", "code"), [("aws:eu-central-1", 0), ("AWS_EU_WEST_1", 0), ("us", 2), ("", 2)])
def test_data_is_written_only_where_the_requirements_let_it_be(region: str, code: int, still: Project) -> None:
    install(still, residency={"regions": ["eu"]})
    line = f'region = "{region}"\n' if region else ""
    settings = f'default_profile = "local"\n[profiles.local.warehouse]\nkind = "duckdb"\n{line}'
    (still.root / "durable.toml").write_text(settings, encoding="utf-8")
    done = still.run()
    assert done.code == code, done.err
    if code:
        found = stopped(done, code, "RUN202")
        assert "R7.7 lets the data be in eu only" in found["message"]
        assert not still.warehouse.exists()


BULK = 2_500  # so many that the contacts among them come by Bulk
LOOKUPS = {
    "Contact": {
        "lookups": [{"path": "Account.Name", "column": "account_name"}],
        "where": call("ne", field("Account", "Type", "Account.Type"), text("Prospect")),
    }
}


@pytest.mark.parametrize("rows", [150, BULK])
def test_a_related_objects_field_is_read_over_rest_and_bulk_and_follows_the_parent(rows: int, tmp_path: Path) -> None:
    with discovered(tmp_path / "project", rows) as (project, server):
        install(project, ("Contact",), source=LOOKUPS)
        first_load = project.succeed()
        assert (len(server.truth("Contact")) > SIZES.rest_below) is (rows == BULK)
        assert first_load["objects"][0]["read"] == len(server.truth("Contact"))
        related(project, server)
        accounts = [one["Id"] for one in server.truth("Account") if not one["IsDeleted"]]
        used = {one["AccountId"] for one in server.truth("Contact")}
        first, second = [one for one in accounts if one in used][:2]
        changes = [{"Id": first, "Name": "Renamed, Ltd"}, {"Id": second, "Type": "Prospect"}]
        server.put("records/Account", changes)
        project.succeed()
        related(project, server)


def related(project: Project, server: Sandbox) -> None:
    """Assert that each live contact is one that the filter keeps, and carries its account's name."""
    accounts = {one["Id"]: one for one in server.truth("Account")}
    expected = {}
    for one in server.truth("Contact"):
        account = accounts.get(one["AccountId"] or "", {"Name": None, "Type": None})
        if not one["IsDeleted"] and account["Type"] != "Prospect":
            expected[one["Id"]] = account["Name"]
    held = {one["source_id"]: one["account_name"] for one in live(project, "source_id, account_name", "Contact")}
    assert held == expected


def test_a_spec_without_increments_reads_everything_every_time(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    install(project, incremental={"enabled": False})
    first = project.succeed()
    server.post("clock", {"advance_seconds": 3600})
    second = project.succeed()
    assert second["objects"][0]["read"] == first["objects"][0]["read"]
    assert counts(second)["unchanged"] == counts(first)["inserted"]


def test_a_full_refresh_reads_everything_once_an_instant(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    hourly = (datetime.now(UTC) + timedelta(minutes=30)).minute  # so that no instant falls into this test
    install(project, incremental={"full_refresh_cron": f"{hourly} * * * *"})
    memory = project.root / ".durable" / "refresh" / "customer_data.json"
    whole = project.succeed()["objects"][0]["read"]
    server.post("clock", {"advance_seconds": 3600})
    assert project.succeed()["objects"][0]["read"] < whole
    memory.write_text(json.dumps({"started": (datetime.now(UTC) - timedelta(hours=2)).isoformat()}), encoding="utf-8")
    assert project.succeed()["objects"][0]["read"] == whole
    server.post("clock", {"advance_seconds": 3600})
    assert project.succeed()["objects"][0]["read"] < whole


EVERYTHING: dict[str, Any] = {
    "source": {
        "Contact": {
            "lookups": [{"path": "Account.Name", "column": "account_name"}],
            "where": call("ne", field("Contact", "Department"), text("NA")),
        }
    },
    "target": {"system": "snowflake", "table": "customer_data", "layout": "unified"},
    "dedupe": [{"object": "Contact", "by": ["External_ID__c"]}],
    "mappings": [
        {"object": "Contact", "field": "Phone", "column": "phone_digits", "type": "text", "transforms": ["digits"]}
    ],
    "defaults": [{"object": "Contact", "field": "LeadSource", "value": "it's unknown"}],
    "blanks": [{"object": "Contact", "field": "Title", "values": ["N/A"]}],
    "derived": [
        {"object": "Contact", "column": "reachable", "otherwise": False,
         "cases": [{"when": call("not_null", field("Contact", "Email")), "value": True}]}
    ],
    "computed": [
        {"object": "Contact", "column": "full_name", "type": "text",
         "expression": call("concat", field("Contact", "FirstName"), text(" "), field("Contact", "LastName"))},
        {"object": "Contact", "column": "age", "type": "integer",
         "expression": call("days_between", field("Contact", "Birthdate"), {"op": "today", "args": []})},
    ],
    "masks": [
        {"object": "Contact", "field": "Email", "method": "sha256"},
        {"object": "Contact", "field": "MobilePhone", "method": "last4"},
    ],
    "required": [{"object": "Contact", "field": "Email"}],
    "checks": [
        {"object": "Contact", "condition": call("starts_with", field("Contact", "Email"), text("a")),
         "on_failure": "warn"}
    ],
    "guards": [{"kind": "max_changed_ratio", "object": None, "value": 0.9}],
}  # fmt: skip


def test_snowflake_and_duckdb_hold_the_same_rows_under_rules_of_every_kind(tmp_path: Path) -> None:
    with discovered(tmp_path / "project") as (project, server), stand_in() as address:
        project.variables = {"SNOWFLAKE_PASSWORD": "x", "KEY": "00" * 32}
        install(project, ("Contact",), **EVERYTHING)
        (project.root / "durable.toml").write_text(PROFILE.format(keys=KEYS, **address), encoding="utf-8")
        for seed in range(2):
            for profile in ("snow", "local"):
                project.succeed("--profile", profile)
            for table in ("", "__duplicates", "__rejects"):
                sql = f"SELECT * FROM customer_data{table} ORDER BY source_id"
                kept = [without_run(one) for one in project.rows(sql)]
                assert [without_run(one) for one in rows(address, sql)] == kept
                assert kept
            server.post("change", {"object": "Contact", "update": 9, "insert": 5, "delete": 3, "seed": seed})


def without_run(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what a run writes about itself."""
    return {name: one for name, one in row.items() if name not in ("loaded_at", "run_id", "rejected_at")}

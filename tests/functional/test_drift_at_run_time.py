"""The schema changes under a pipeline: every field keeps its values, or a word is said, or nothing is read at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functional.project import REPOSITORY, Project, Sandbox, sandbox
from functional.test_resume import configure

CONTENT = "* EXCLUDE (loaded_at, run_id, pipeline_version)"
LOOKUP = "- R1.3 Includes the Account's Rating with each Contact as account_rating\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox(tmp_path_factory.mktemp("sandbox"), rows=200) as running:
        yield running


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, compiled once against the committed snapshot."""
    project = Project.make(tmp_path_factory.mktemp("compiled") / "project")
    shutil.copy(REPOSITORY / "requirements" / "salesforce.schema.json", project.root / "requirements")
    compile_again(project)
    return project.root


@pytest.fixture
def project(compiled: Path, tmp_path: Path, server: Sandbox) -> Project:
    """A copy of the project with a warehouse of its own; all share the sandbox and leave it as they found it."""
    shutil.copytree(compiled, tmp_path / "project")
    return joined(Project(tmp_path / "project"), server)


def joined(project: Project, server: Sandbox) -> Project:
    project.state.mkdir(parents=True, exist_ok=True)
    (project.state / "url.json").write_text(json.dumps(server.announced), encoding="utf-8")
    return project


def compile_again(project: Project) -> None:
    done = project.durable("compile", "customer_data", "--no-commit")
    assert done.code == 0, done.err + done.out


def requirements(project: Project, old: str, new: str) -> None:
    """The requirements with another sentence, compiled."""
    path = project.root / "requirements" / "customer_data.md"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    compile_again(project)


def drifts(server: Sandbox, op: str, where: str, **more: Any) -> None:
    """`Account.Fax` is hidden, `Account` is removed, …"""
    name, _, field = where.partition(".")
    server.post("drift", {"op": op, "object": name, **({"field": field} if field else {}), **more})


def events(project: Project, *codes: str) -> list[dict[str, Any]]:
    """The events of the last run with these codes."""
    path = max((project.root / ".durable" / "runs").glob("*/run.json"))
    return [one for one in json.loads(path.read_text(encoding="utf-8"))["events"] if one["code"] in codes]


def written(summary: dict[str, Any]) -> int:
    return sum(one[key] for one in summary["objects"] for key in ("inserted", "updated", "deleted", "rejected"))


def content(project: Project) -> list[dict[str, Any]]:
    return project.rows(f"SELECT {CONTENT} FROM customer_data ORDER BY source_object, source_id")


def accounts(project: Project, *columns: str) -> dict[str, tuple[Any, ...]]:
    """Id → the columns of every live account."""
    rows = project.rows("FROM customer_data WHERE source_object = 'Account' AND NOT is_deleted")
    return {row["source_id"]: tuple(row[one] for one in columns) for row in rows}


def texts(server: Sandbox, field: str) -> dict[str, str | None]:
    """Id → what Salesforce holds of a field today, for every live account."""
    return {one["Id"]: one[field] or None for one in server.truth("Account") if not one["IsDeleted"]}


def assert_settled(project: Project) -> None:
    """Another run writes nothing, and a full load into an empty warehouse gives the same rows."""
    assert written(project.succeed()) == 0
    before = content(project)
    project.warehouse.rename(project.warehouse.with_suffix(".kept"))
    project.succeed()
    live = [row for row in before if not row["is_deleted"]]
    assert [row for row in content(project) if not row["is_deleted"]] == live
    project.warehouse.with_suffix(".kept").replace(project.warehouse)


def test_a_retyped_field_keeps_what_is_exact_and_its_other_texts_in_extensions(
    project: Project, server: Sandbox
) -> None:
    project.succeed()
    before = texts(server, "AnnualRevenue")
    some = sorted(one for one, value in before.items() if value is not None)[:4]
    drifts(server, "retype", "Account.AnnualRevenue", type="string", length=80)
    drifts(server, "set", "Account.AnnualRevenue", records=dict(zip(some, ["about 5", "007", "12.50", "1E5"])))  # noqa: B905
    try:
        summary = project.succeed()
        today, held = texts(server, "AnnualRevenue"), accounts(project, "annual_revenue", "extensions")
        assert set(held) == set(today)
        apart = {one: json.loads(extensions)["AnnualRevenue"] for one, (_, extensions) in held.items() if extensions}
        assert apart == {some[0]: "about 5", some[1]: "007", some[3]: "1E5"}
        assert held[some[2]] == (Decimal("12.5"), None)
        for one in set(today) - set(apart):
            assert held[one][0] == (None if today[one] is None else Decimal(str(today[one])))
        (told,) = events(project, "field_retyped")
        assert (told["was"], told["type"], told["column"]) == ("currency(18,0)", "string(80)", "annual_revenue")
        assert told["sentence"] == "Stores Account Annual Revenue in column annual_revenue as text"
        assert {"code": "field_retyped", "count": 1} in summary["auto_fixes"]
        assert project.rows("FROM customer_data__rejects WHERE source_object = 'Account'") == []
        assert_settled(project)
        server.put("records/Account", [{"Id": some[0], "AnnualRevenue": "5"}])
        assert written(project.succeed()) == 1
        assert accounts(project, "annual_revenue", "extensions")[some[0]] == (Decimal(5), None)
    finally:
        drifts(server, "retype", "Account.AnnualRevenue", type="currency", precision=18, scale=0)
    project.succeed()
    assert {extensions for _, extensions in accounts(project, "annual_revenue", "extensions").values()} == {None}


def test_rest_and_bulk_give_the_same_rows_of_retyped_fields(project: Project, server: Sandbox) -> None:
    drifts(server, "retype", "Account.SLA_Expiration_Date__c", type="datetime")
    drifts(server, "retype", "Account.YearStarted", type="double", precision=18, scale=2)
    drifts(server, "retype", "Account.NumberOfEmployees", type="string", length=40)
    try:
        project.succeed()
        over_rest = content(project)
        project.warehouse.unlink()
        configure(project, server, rest_below=1)
        project.succeed()
        assert content(project) == over_rest
        assert len({row["source_id"] for row in over_rest if row["year_started"]}) > 10
        assert len({row["source_id"] for row in over_rest if row["sla_expiration_date"]}) > 10
        assert len({row["source_id"] for row in over_rest if row["number_of_employees"]}) > 10
    finally:
        drifts(server, "retype", "Account.SLA_Expiration_Date__c", type="date")
        drifts(server, "retype", "Account.YearStarted", type="string", length=4)
        drifts(server, "retype", "Account.NumberOfEmployees", type="int")


def test_a_renamed_field_keeps_its_column_and_goes_on_in_extensions(project: Project, server: Sandbox) -> None:
    project.succeed()
    before = accounts(project, "fax")
    drifts(server, "rename", "Account.Fax", to="Telefax__c")
    try:
        project.succeed()
        held = accounts(project, "fax", "extensions")
        assert {one: values[:1] for one, values in held.items()} == before
        today = texts(server, "Telefax__c")
        found = {one: json.loads(values[1])["Telefax__c"] if values[1] else None for one, values in held.items()}
        assert found == today
        assert any(today.values())
        gone, new = events(project, "field_not_visible", "field_proposed")
        assert (gone["field"], gone["likely_renamed_to"]) == ("Fax", "Telefax__c")
        assert (new["field"], new["likely_renamed_from"], new["class"]) == ("Telefax__c", "Fax", "orange")
        assert (new["backfill_rows"], new["backfill_api_calls"]) == (len(before), 3)
    finally:
        drifts(server, "rename", "Account.Telefax__c", to="Fax")
    project.succeed()
    assert accounts(project, "fax", "extensions") == {one: (*values, None) for one, values in before.items()}


def test_a_field_that_salesforce_classifies_as_sensitive_is_never_asked_for(project: Project, server: Sandbox) -> None:
    added = {"name": "Tax_Number__c", "label": "Tax Number", "type": "string", "length": 20}
    server.post("drift", {"op": "add", "object": "Account", "field": added, "value": "secret"})
    drifts(server, "classify", "Account.Tax_Number__c", security="Restricted")
    try:
        project.succeed()
        (told,) = events(project, "sensitive_field_held", "field_proposed", "classification_unknown")
        assert (told["code"], told["field"], told["class"]) == ("sensitive_field_held", "Tax_Number__c", "red")
        assert b"secret" not in project.warehouse.read_bytes()
        drifts(server, "classify", "Account.Tax_Number__c", security=None)
        project.succeed()
        assert {one for (one,) in accounts(project, "extensions").values()} == {'{"Tax_Number__c":"secret"}'}
    finally:
        drifts(server, "remove", "Account.Tax_Number__c")


def test_an_object_that_vanishes_stops_the_run_before_anything_is_read(project: Project, server: Sandbox) -> None:
    project.succeed()
    before = content(project)
    server.post("change", {"object": "Contact", "update": 5, "seed": 3})
    drifts(server, "remove_object", "Account")
    try:
        done = project.run()
        assert (done.code, done.summary["status"], done.summary["error"]["code"]) == (4, "waiting", "RUN405")
        assert "Account is not visible any more" in done.err
        assert content(project) == before
        alone = project.run("--object", "Contact")
        assert (alone.code, [one["name"] for one in alone.summary["objects"]]) == (0, ["Contact"])
    finally:
        drifts(server, "restore_object", "Account")
    assert written(project.succeed()) == 0


def test_a_looked_up_field_of_a_parent_that_is_hidden_or_retyped_stops_the_run(
    project: Project, server: Sandbox
) -> None:
    requirements(project, "\n## R2", f"{LOOKUP}\n## R2")
    project.succeed()
    before = content(project)
    drifts(server, "hide", "Account.Rating")
    try:
        done = project.run()
        assert (done.code, done.summary["error"]["code"]) == (4, "RUN403")
        assert "Contact.Account.Rating is not visible any more" in done.err
        assert content(project) == before
    finally:
        drifts(server, "unhide", "Account.Rating")
    drifts(server, "retype", "Account.Rating", type="double", precision=3, scale=0, convert={"Hot": 3, "Cold": 1})
    try:
        done = project.run()
        assert (done.code, done.summary["error"]["code"]) == (4, "RUN406")
        assert "Contact.Account.Rating (now double(3,0)) has another type" in done.err
        assert content(project) == before
    finally:
        drifts(server, "retype", "Account.Rating", type="picklist", convert={"3": "Hot", "1": "Cold"})


def test_unknown_fields_that_are_to_be_proposed_are_not_stored(project: Project, server: Sandbox) -> None:
    requirements(
        project, "Keeps unmapped fields in the extensions column", "Unknown fields propose a change to this spec"
    )
    added = {"name": "Region__c", "label": "Region", "type": "string", "length": 20}
    server.post("drift", {"op": "add", "object": "Account", "field": added, "value": "EMEA"})
    try:
        summary = project.succeed()
        (told,) = events(project, "field_proposed")
        assert (told["field"], told["sentence"]) == ("Region__c", "Stores Account Region in column region")
        assert b"EMEA" not in project.warehouse.read_bytes()
        assert summary["auto_fixes"] == []
        assert project.durable("discover").code == 0
        requirements(project, "\n## R2", f"- R1.3 {told['sentence']}\n\n## R2")
        project.succeed()
        assert {one for (one,) in accounts(project, "region").values()} == {"EMEA"}
    finally:
        drifts(server, "remove", "Account.Region__c")


def test_a_picklist_value_that_the_value_map_does_not_know_is_told_before_any_record_has_it(
    project: Project, server: Sandbox
) -> None:
    drifts(server, "picklist_add", "Customer_Health__c.Health_Status__c", value="Purple")
    drifts(server, "picklist_retire", "Customer_Health__c.Health_Status__c", value="Red")
    try:
        project.succeed()
        found = [
            (one["code"], one["value"]) for one in events(project, "picklist_value_unlisted", "picklist_value_retired")
        ]
        assert found == [("picklist_value_unlisted", "Purple"), ("picklist_value_retired", "Red")]
    finally:
        drifts(server, "picklist_add", "Customer_Health__c.Health_Status__c", value="Red")
        drifts(server, "picklist_retire", "Customer_Health__c.Health_Status__c", value="Purple")


def test_a_field_that_became_a_formula_is_fresh_in_every_run(project: Project, server: Sandbox) -> None:
    project.succeed()
    before = accounts(project, "sic")
    drifts(server, "formula", "Account.Sic", formula="Name")
    try:
        project.succeed()
        some = sorted(before)[:3]
        drifts(server, "set", "Account.Sic", records=dict.fromkeys(some, "4711"))  # and no stamp moves
        summary = project.succeed()
        assert sum(one["updated"] for one in summary["objects"]) == 3
        assert accounts(project, "sic") == {**before, **dict.fromkeys(some, ("4711",))}
        assert [one["field"] for one in events(project, "field_calculated")] == ["Sic"]
    finally:
        drifts(server, "retype", "Account.Sic", type="string", length=20)


def test_a_field_in_extensions_that_is_retyped_is_spelt_as_today_in_every_record(
    project: Project, server: Sandbox
) -> None:
    added = {"name": "Seats__c", "label": "Seats", "type": "int"}
    server.post("drift", {"op": "add", "object": "Account", "field": added, "value": 12})
    try:
        project.succeed()
        assert {one for (one,) in accounts(project, "extensions").values()} == {'{"Seats__c":"12"}'}
        drifts(server, "retype", "Account.Seats__c", type="double", precision=18, scale=2)
        project.succeed()
        assert {one for (one,) in accounts(project, "extensions").values()} == {'{"Seats__c":"12.0"}'}
        assert written(project.succeed()) == 0
    finally:
        drifts(server, "remove", "Account.Seats__c")

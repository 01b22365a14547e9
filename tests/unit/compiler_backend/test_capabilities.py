"""What the compiler understands and still does not promise: refused where no package can be made, else warned of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from durable_compiler.capabilities import refuse, warn
from durable_compiler.compilation import compile_pipeline
from durable_compiler.layout import lay_out
from durable_compiler.policies import PATHS, policies
from durable_runtime.unsupported import LIMITS, unsupported
from unit.compiler_backend.spec import describe, read, snapshot, spec
from unit.compiler_backend.whole import call, field, literal, pipeline, schema, silent, whole

ACCOUNT = describe("Account", {"Name": "string", "Phone": "phone"})


@pytest.mark.parametrize(
    ("head", "missing"),
    [
        (("Syncs {objects} from Salesforce",), ["schedule", "target"]),
        (("Syncs {objects} from Salesforce", "Runs nightly at 2:00 AM UTC"), ["target"]),
        (("Syncs {objects} from Salesforce", "Writes to Snowflake table customer_data"), ["schedule"]),
    ],
)
def test_without_a_schedule_or_a_target_there_is_no_package(
    head: tuple[str, ...], missing: list[str], tmp_path: Path
) -> None:
    known = snapshot(ACCOUNT)
    read(tmp_path, known, spec("Accounts", head=head))
    outcome = compile_pipeline(tmp_path, "customer_data", commit=False)
    assert outcome.status == "rejected"
    assert [(one.code, one.message) for one in outcome.diagnostics] == [
        ("DUR080", f"no requirement says the {one}; a package cannot be made without it") for one in missing
    ]
    assert all(one.help.startswith("Add a requirement such as: ") for one in outcome.diagnostics)
    assert not (tmp_path / "generated").exists()


# What a spec may say, and the policies that the table of the runtime has a line for
CARRIED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "alerts": ({"alerts": [{"on": "drift", "channel": "slack", "to": "#x"}]}, ["alerts"]),
    "staleness": ({"sla": {"max_staleness_seconds": 60}}, ["max_staleness_seconds"]),
    "retention": ({"retention": {"monitoring_days": 3, "rejects_days": 3}}, ["monitoring_days", "rejects_days"]),
    "approvals": (
        {"approvals": {"spec_change": 1, "schema_change": 1, "deploy": 1}},
        ["spec_change_approvals", "schema_change_approvals", "deploy_approvals"],
    ),
    "blue/green": ({"deploy": {"strategy": "blue_green"}}, ["strategy"]),
    "container": ({"deploy": {"isolation": "container"}}, ["isolation"]),
}


@pytest.mark.parametrize("what", CARRIED)
def test_what_the_runtime_does_not_do_is_a_warning_with_its_requirement_and_an_alternative(what: str) -> None:
    said, names = CARRIED[what]
    one = pipeline(silent() | said)
    assert refuse(one, schema()) == []
    lines = {line.policy: line for line in LIMITS}
    found = warn(one, schema())
    assert [(each.code, each.severity) for each in found] == [("DUR081", "warning")] * len(names)
    assert sorted(each.help for each in found) == sorted(f"Until then: {lines[name].instead}" for name in names)
    assert all(lines[name].what in "".join(each.message for each in found) for name in names)
    owners = {one.trace.get(path, (None,))[0] for name in names for path in PATHS[name]} - {None}
    assert {each.requirement for each in found} <= owners


def test_the_runtime_names_the_same_requirements_as_the_warnings() -> None:
    one = pipeline(whole() | {"alerts": [{"on": "drift", "channel": "slack", "to": "#x"}]})
    stated = policies(one, lay_out(one, schema()))
    refused = {what: ids for ids, what in unsupported(stated, "snowflake")}
    told = {each.message: each.requirement for each in warn(one, schema()) if "refuses" in each.message}
    assert len(told) == len(refused) == 2
    for what, ids in refused.items():
        (requirement,) = [owner for message, owner in told.items() if what in message]
        assert ids == requirement


def test_every_line_of_the_runtimes_table_has_a_case_here() -> None:
    covered = {name for _, names in CARRIED.values() for name in names}
    assert covered == {one.policy for one in LIMITS}
    assert {one.policy for one in LIMITS} <= set(PATHS)


@pytest.mark.parametrize(
    "said",
    [
        {"conventions": {"phones": "e164", "phone_region": "US"}},
        {"drift": {"column": "others"}},
        {"mappings": [{"object": "Contact", "field": "Notes__c", "column": "payload", "type": "json"}]},
        {"since": "P24M"},
    ],
    ids=lambda said: next(iter(said)),
)
def test_what_the_runtime_does_needs_no_warning(said: dict[str, Any]) -> None:
    values = silent() | {key: one for key, one in said.items() if key != "since"}
    values["source"]["objects"][0]["since"] = said.get("since")
    assert warn(pipeline(values), schema()) == []


def test_a_silent_spec_has_no_warnings() -> None:
    assert warn(pipeline(silent()), schema()) == []


def test_a_compile_with_a_warning_writes_the_package_and_says_so(tmp_path: Path) -> None:
    read(tmp_path, snapshot(ACCOUNT), spec("Accounts", "Deletes rejected rows after 30 days"))
    outcome = compile_pipeline(tmp_path, "customer_data", commit=False)
    assert outcome.status == "written"
    assert [(one.code, one.severity, one.requirement) for one in outcome.diagnostics] == [("DUR081", "warning", "R1.4")]
    assert "rejects_days=30" in (tmp_path / "generated" / "customer_data" / "pipeline.py").read_text(encoding="utf-8")


def rules(**said: Any) -> dict[str, Any]:
    values = silent() | {key: one for key, one in said.items() if key != "where"}
    values["source"]["objects"][0]["where"] = said.get("where")
    values["source"]["objects"][0]["fields"].remove("Phone")
    return values


def since(name: str) -> dict[str, Any]:
    values = silent()
    next(one for one in values["source"]["objects"] if one["name"] == name)["since"] = "2024-01-01"
    return values


NAME = field("Account", "Name")
WRONG: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "Account.Phone is left out by the spec, but this rule needs it": (
        rules(where=call("not_null", field("Account", "Phone"))), "DUR057", "R3.1",
    ),
    "Account.Phone is left out by the spec": (
        rules(required=[{"object": "Account", "field": "Phone"}]), "DUR057", "R4.7",
    ),
    "Account.Phone is left out": (rules(dedupe=[{"object": "Account", "by": ["Phone"]}]), "DUR057", "R4.10"),
    "Contact has no CreatedDate, by which history begins on a certain day": (since("Contact"), "DUR031", "R1.1"),
    "compares values of different types": (
        rules(checks=[{"object": "Account", "condition": call("eq", NAME, literal(1, "number"))}]), "DUR038", "R4.8",
    ),
    "'many' is no integer": (
        rules(defaults=[{"object": "Account", "field": "NumberOfEmployees", "value": "many"}]), "DUR038", "R4.5",
    ),
    "a text is no number": (
        rules(computed=[{"object": "Account", "column": "x", "type": "number", "expression": NAME}]), "DUR038", "R4.4",
    ),
    "Account.Phone is": (
        rules(computed=[{"object": "Account", "column": "x", "type": "text", "expression": field("Account", "Phone")}]),
        "DUR057", "R4.4",
    ),
    "Account.Rating is compared with 'Hot', but R4.2 maps its values to others": (
        rules(
            where=call("in", field("Account", "Rating"), literal("Hot"), literal("high")),
            enums=[{"object": "Account", "field": "Rating", "values": {"Hot": "high"}, "otherwise": "low"}],
        ),
        "DUR065", "R3.1",
    ),
    "Account.Rating is compared with 'low', but R4.2": (
        rules(
            where=call("eq", field("Account", "Rating"), literal("low")),
            enums=[{"object": "Account", "field": "Rating", "values": {"low": "high"}, "otherwise": "low"}],
        ),
        "DUR065", "R3.1",
    ),
    "Account.Id identifies or dates a record": (
        rules(required=[{"object": "Account", "field": "Id"}]), "DUR038", "R4.7",
    ),
    "Account.CreatedDate is hidden, but the first of several": (
        rules(
            dedupe=[{"object": "Account", "by": ["Name"], "keep": "first"}],
            masks=[{"object": "Account", "field": "CreatedDate", "method": "sha256"}],
        ),
        "DUR065", "R4.9",
    ),
    "Account.tier and Account.tier would share the column tier": (
        rules(
            derived=[{"object": "Account", "column": "tier", "cases": [], "otherwise": "x"}],
            computed=[{"object": "Account", "column": "tier", "type": "text", "expression": NAME}],
        ),
        "DUR082", "R1.1",
    ),
    "the name drop table x; cannot be a column": (
        rules(computed=[{"object": "Account", "column": "drop table x;", "type": "text", "expression": NAME}]),
        "DUR083", "R2.1",
    ),
    "the name number(39,2) has no digits, more than 38": (
        rules(mappings=[{"object": "Account", "field": "Name", "column": "name", "type": "number(39,2)"}]),
        "DUR083", "R2.1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_a_rule_that_no_package_can_hold_is_refused_at_its_requirement(message: str) -> None:
    values, code, requirement = WRONG[message]
    found = refuse(pipeline(values), schema())
    assert [(one.code, one.severity, one.requirement) for one in found] == [(code, "error", requirement)]
    assert message in found[0].message


def test_two_fields_in_one_column_are_refused_at_the_sentence_that_syncs_them(tmp_path: Path) -> None:
    known = snapshot(describe("Account", {"HealthScore__c": "string", "Health_Score__c": "string"}))
    read(tmp_path, known, spec("Accounts"))
    outcome = compile_pipeline(tmp_path, "customer_data", commit=False)
    (found,) = outcome.diagnostics
    assert (found.code, found.requirement, found.file, found.line) == (
        "DUR082",
        "R1.1",
        "requirements/customer_data.md",
        3,
    )
    assert found.message == "Account.HealthScore__c and Account.Health_Score__c would share the column health_score"
    assert not (tmp_path / "generated").exists()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("CRM.Select.customers", "the name Select is a word of SQL"),
        ("durable_state", "the name durable_state begins like the tables of Durable itself"),
        ("t" * 201, f"the name {'t' * 201} is longer than 200 characters"),
    ],
)
def test_a_table_name_that_the_warehouse_refuses_is_refused_at_compile(
    table: str, message: str, tmp_path: Path
) -> None:
    known = snapshot(ACCOUNT)
    head = ("Syncs {objects} from Salesforce", "Runs nightly at 2:00 AM UTC", f"Writes to Snowflake table {table}")
    found = refuse(read(tmp_path, known, spec("Accounts", head=head)), known)
    assert [(one.code, one.requirement, one.message) for one in found] == [("DUR083", "R1.3", message)]


@pytest.mark.parametrize("table", ["account", "issue", "order", "orders", "CRM.ANALYTICS.ACCOUNTS", "t" * 200])
def test_a_name_that_both_warehouses_take_is_taken(table: str, tmp_path: Path) -> None:
    known = snapshot(ACCOUNT)
    head = ("Syncs {objects} from Salesforce", "Runs nightly at 2:00 AM UTC", f"Writes to Snowflake table {table}")
    assert refuse(read(tmp_path, known, spec("Accounts", head=head)), known) == []

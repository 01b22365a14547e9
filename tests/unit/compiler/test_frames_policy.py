"""Policies in English: what stops a run, how long and how much it may take, where data may be, who approves."""

from __future__ import annotations

from typing import Any

import pytest

from durable_compiler.catalogue import Snapshot
from durable_compiler.grammar.reading import read
from durable_compiler.grammar.regions import AREAS, CLOUD_REGIONS, lies_in
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.shares import in_percent, share
from durable_compiler.merging import fragment

Parts = dict[str, Any]


def _guard(kind: str, about: str | None, value: float) -> Parts:
    return {"guards": [{"kind": kind, "object": about, "value": value}]}


def _parts(text: str, schema: Snapshot) -> list[Parts]:
    found = read(text, schema)
    assert found.fault is None, found.fault
    return [fragment(clause, schema) for clause in found.clauses]


def _fault(text: str, schema: Snapshot) -> Fault:
    found = read(text, schema)
    assert found.clauses == ()
    assert found.fault is not None
    return found.fault


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Stops if more than 20% of rows would change", _guard("max_changed_ratio", None, 0.2)),
        ("Stops if more than a fifth of the Contacts would be updated", _guard("max_changed_ratio", "Contact", 0.2)),
        ("Stops if a run would delete over 1,000 rows", _guard("max_deleted_rows", None, 1000)),
        ("Stops if 1,000 or more rows would be deleted", _guard("max_deleted_rows", None, 999)),
        ("Stops if at least 1,000 rows would be deleted", _guard("max_deleted_rows", None, 999)),
        ("Stops if any row would be deleted", _guard("max_deleted_rows", None, 0)),
        ("A run may delete at most 1,000 Contacts", _guard("max_deleted_rows", "Contact", 1000)),
        ("Fails when Salesforce returns no Accounts", _guard("min_rows", "Account", 1)),
        ("Fails when Salesforce returns nothing", _guard("min_rows", None, 1)),
        ("Fails when Salesforce returns fewer than 500 Accounts", _guard("min_rows", "Account", 500)),
        ("Fails when Salesforce returns 500 or fewer Accounts", _guard("min_rows", "Account", 501)),
        ("At least 100 Accounts must come back", _guard("min_rows", "Account", 100)),
        ("Stops unless Salesforce returns at least 100 Accounts", _guard("min_rows", "Account", 100)),
    ],
)
def test_a_guard_holds_the_largest_number_allowed_or_the_smallest(text: str, parts: Parts, schema: Snapshot) -> None:
    assert _parts(text, schema) == [parts]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("A run takes at most 1 hour", {"sla": {"max_runtime_seconds": 3600}}),
        ("Runs must finish within 90 minutes", {"sla": {"max_runtime_seconds": 5400}}),
        ("Data must never be older than 26 hours", {"sla": {"max_staleness_seconds": 93600}}),
        ("Data can be at most 4 hours old", {"sla": {"max_staleness_seconds": 14400}}),
        (
            "Alerts #data-ops on Slack when no run has succeeded for 26 hours",
            {
                "sla": {"max_staleness_seconds": 93600},
                "alerts": [{"on": "stale", "channel": "slack", "to": "#data-ops"}],
            },
        ),
        ("Uses at most half of the daily Salesforce API calls", {"quota": {"max_api_share": 0.5}}),
        ("Leaves 90% of the API calls for others", {"quota": {"max_api_share": 0.1}}),
        ("May use at most 100% of the daily API calls", {"quota": {"max_api_share": 1}}),
        ("Data stays in the EU", {"residency": {"regions": ["eu"]}}),
        ("Data residency: US and EU only", {"residency": {"regions": ["us", "eu"]}}),
        ("Writes only to Snowflake in aws eu-central-1", {"residency": {"regions": ["aws:eu-central-1"]}}),
        ("Data stays in Azure West Europe", {"residency": {"regions": ["azure:westeurope"]}}),
        ("Data stays in us-east-1", {"residency": {"regions": ["aws:us-east-1"]}}),
        ("Data stays in us-east1", {"residency": {"regions": ["gcp:us-east1"]}}),
        ("Data stays in AWS_EU_CENTRAL_1", {"residency": {"regions": ["aws:eu-central-1"]}}),
        (
            "Changes to this spec need approval from a data owner",
            {"approvals": {"spec_change": 1, "role": "data owner"}},
        ),
        ("Deployments need two approvals", {"approvals": {"deploy": 2}}),
        ("Schema changes need approval", {"approvals": {"schema_change": 1}}),
        (
            "Schema changes and deployments must be approved by two people",
            {"approvals": {"schema_change": 2, "deploy": 2}},
        ),
        ("Deploys blue/green", {"deploy": {"strategy": "blue_green"}}),
        (
            "Compares green with blue before promotion, and stops if more than 1% of rows differ",
            {"deploy": {"strategy": "blue_green", "max_diff_ratio": 0.01}},
        ),
        ("Stops the promotion if more than 1% of rows differ", {"deploy": {"max_diff_ratio": 0.01}}),
        ("Runs in an isolated container", {"deploy": {"isolation": "container"}}),
        ("Deploys in place", {"deploy": {"strategy": "in_place"}}),
        ("Keeps run history for two weeks", {"retention": {"monitoring_days": 14}}),
        ("Keeps run history for at least 90 days", {"retention": {"monitoring_days": 90}}),
        ("Stores data only in the EU", {"residency": {"regions": ["eu"]}}),
        ("Retries only network errors", {"retry": {"classes": ["network"]}}),
        (
            "Keeps monitoring data for 90 days and rejected rows for 30 days",
            {"retention": {"monitoring_days": 90, "rejects_days": 30}},
        ),
        ("Batch size: 50,000", {"write": {"batch_rows": 50000}}),
        ("3 attempts, fixed delay", {"retry": {"max_attempts": 3, "backoff": "fixed"}}),
        (
            "Retries rate limits for at most 15 minutes",
            {"retry": {"max_elapsed_seconds": 900, "classes": ["rate_limit"]}},
        ),
    ],
)
def test_a_policy_sets_exactly_the_keys_that_it_speaks_of(text: str, parts: Parts, schema: Snapshot) -> None:
    assert _parts(text, schema) == [parts]


def test_an_alert_on_either_of_two_events_is_sent_on_both(schema: Snapshot) -> None:
    assert _parts("Alerts #data-ops when a run fails or completes", schema) == [
        {
            "alerts": [
                {"on": "failure", "channel": "slack", "to": "#data-ops"},
                {"on": "completion", "channel": "slack", "to": "#data-ops"},
            ]
        }
    ]


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("Stops if more than 120% of rows would change", "DUR055", "120%"),
        ("Uses at most a third of the daily API calls", "DUR055", "a third"),
        ("Data stays in Atlantis", "DUR054", "Atlantis"),
        ("Data stays in aws eu-central-9", "DUR054", "aws eu-central-9"),
        ("Data stays in azure eu-central-1", "DUR054", "azure eu-central-1"),
    ],
)
def test_a_share_or_region_that_is_none_is_pointed_at(text: str, code: str, where: str, schema: Snapshot) -> None:
    fault = _fault(text, schema)
    assert (fault.code, text[fault.start : fault.end]) == (code, where)


@pytest.mark.parametrize(
    "text",
    [
        "Stops if 20% or more of rows would change",
        "Stops if at least 20% of rows would change",
        "Uses at most 0% of the daily API calls",
        "Keeps monitoring data for 3 months",
        "Keeps monitoring data for 36 hours",
        "Deployments need 0 approvals",
        "A run takes at most 0 minutes",
        "Fails when Salesforce returns fewer than 0 Accounts",
    ],
)
def test_a_number_that_cannot_be_kept_exactly_is_refused_with_a_reason(text: str, schema: Snapshot) -> None:
    fault = _fault(text, schema)
    assert fault.code in ("DUR053", "DUR055")
    assert fault.help.startswith("Write")


@pytest.mark.parametrize(
    "text",
    [
        "Stops if more than 20% of rows would be deleted",
        "Stops if more than 1,000 rows would change",
        "Fails when fewer than 500 Accounts are read",
        "Fails when fewer than 500 Accounts have changed",
        "Stops if more than 1% of rows differ",
        "Alerts #data-ops on Slack when a run takes longer than 1 hour",
        "Alerts #data-ops when a run fails and approval is needed",
        "Personal data stays in the EU",
        "Data stays in the EU except backups",
        "Data stays in us",
        "Deployments need approval from a wizard",
        "Deployments need no approval",
        "Retries network errors at least 5 times",
        "Retries rate limits",
    ],
)
def test_what_no_key_can_hold_is_refused(text: str, schema: Snapshot) -> None:
    _fault(text, schema)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20%", 0.2), ("20 percent", 0.2), ("twenty per cent", 0.2), ("0.5 pct", 0.005), ("half", 0.5),
        ("a fifth", 0.2),
        ("three quarters", 0.75), ("one in five", 0.2), ("1 out of 10", 0.1), ("1/5", 0.2), ("100%", 1.0),
        ("33.3%", 0.333),
        ("half a percent", 0.005), ("one in a hundred", 0.01),
    ],
)  # fmt: skip
def test_a_share_is_the_decimal_number_that_it_names(text: str, value: float, schema: Snapshot) -> None:
    sentence = Sentence(text, schema)
    assert dict(share(sentence, 0))[len(sentence.tokens)] == value


@pytest.mark.parametrize("text", ["a third", "one in three", "101%", "two sevenths", "three halves", "-5%", "1 in 0"])
def test_what_is_no_exact_share_is_none(text: str, schema: Snapshot) -> None:
    assert len(Sentence(text, schema).tokens) not in dict(share(Sentence(text, schema), 0))


def test_a_share_is_written_in_its_shortest_form() -> None:
    assert [in_percent(value) for value in (0.2, 1, 0, 0.125, 0.001, 0.333)] == [
        "20%", "100%", "0%", "12.5%", "0.1%", "33.3%",
    ]  # fmt: skip


def test_a_region_lies_in_its_country_and_in_the_union_of_that_country() -> None:
    assert lies_in("aws:eu-central-1", "eu")
    assert lies_in("aws:eu-central-1", "de")
    assert lies_in("azure:westeurope", "eu")
    assert lies_in("de", "eu")
    assert not lies_in("aws:eu-west-2", "eu")
    assert not lies_in("aws:eu-central-2", "eu")
    assert not lies_in("eu", "de")


def test_every_region_of_a_cloud_is_in_a_known_country_and_its_name_belongs_to_one_cloud() -> None:
    assert set(CLOUD_REGIONS.values()) <= set(AREAS)
    plain = [name.partition(":")[2] for name in CLOUD_REGIONS]
    assert len(plain) == len(set(plain))


def test_a_change_read_as_an_update_is_an_assumption(schema: Snapshot) -> None:
    (clause,) = read("Stops if more than 20% of rows would be updated", schema).clauses
    assert [(one.key, one.value) for one in clause.assumed] == [("guards.max_changed_ratio", 0.2)]

"""A Pipeline in which every key of the IR says something, made without the English that would say it."""

from __future__ import annotations

from typing import Any

from durable_compiler.catalogue import Snapshot
from durable_compiler.ir import Pipeline
from unit.compiler_backend.spec import describe, snapshot

TEXTS = {
    "R1.1": "Syncs Accounts and Contacts from Salesforce",
    "R1.2": "Runs nightly at 2:00 AM Europe/Berlin",
    "R2.1": "Writes to Snowflake table CRM.PUBLIC.customer_data",
    "R3.1": "Only syncs Accounts whose Type is Customer",
    "R3.2": "Includes the Account's Name with each Contact as account_name",
    "R3.3": "Leaves out Contact Birthdate",
    "R4.1": "Stores Contact Phone as phone_number and trims it",
    "R4.2": "Maps Account Rating Hot and Cold to high and low",
    "R4.3": "Sets tier to strategic when Annual Revenue is at least 10 million, otherwise standard",
    "R4.4": "Stores First Name and Last Name together as full_name",
    "R4.5": "A missing Industry becomes Unknown",
    "R4.6": "Treats N/A and - as a missing Contact Phone",
    "R4.7": "Contact Email is required",
    "R4.8": "Number of Employees must be between 0 and 100",
    "R4.9": "Hashes Contact Email",
    "R4.10": "Deduplicates Contacts by External ID",
    "R5.1": "Everything else",
}
OTHERS = ("incremental", "deletes", "retry", "alerts", "guards", "sla", "quota", "residency", "retention", "approvals")
TRACE = {
    "source.objects": ["R1.1"],
    "schedule": ["R1.2"],
    "target": ["R2.1"],
    "source.objects[].where": ["R3.1"],
    "source.objects[].lookups": ["R3.2"],
    "source.objects[].excluded": ["R3.3"],
    "mappings": ["R4.1"],
    "enums": ["R4.2"],
    "derived": ["R4.3"],
    "computed": ["R4.4"],
    "defaults": ["R4.5"],
    "blanks": ["R4.6"],
    "required": ["R4.7"],
    "checks": ["R4.8"],
    "masks": ["R4.9"],
    "dedupe": ["R4.10"],
    **{path: ["R5.1"] for path in (*OTHERS, "deploy", "drift", "conventions", "write.mode", "write.batch_rows")},
}


def schema() -> Snapshot:
    """Two objects, one reached from the other."""
    account = {
        "Name": "string",
        "Type": "picklist",
        "Industry": "picklist",
        "Rating": "picklist",
        "AnnualRevenue": "currency",
        "NumberOfEmployees": "int",
        "Phone": "phone",
        "CreatedDate": "datetime",
    }
    link = {"type": "reference", "referenceTo": ["Account"], "relationshipName": "Account"}
    contact: dict[str, Any] = {
        "FirstName": "string",
        "LastName": "string",
        "Email": "email",
        "Phone": "phone",
        "AccountId": link,
        "External_ID__c": "string",
        "Birthdate": "date",
        "Notes__c": "textarea",
        "Started__c": "date",
    }
    return snapshot(describe("Account", account), describe("Contact", contact))


def field(owner: str, name: str, path: str | None = None) -> dict[str, Any]:
    """A field in an expression."""
    return {"op": "field", "object": owner, "name": name, **({} if path is None else {"path": path})}


def literal(value: Any, kind: str = "text") -> dict[str, Any]:
    """A constant in an expression."""
    return {"op": "literal", "value": value, "type": kind}


def call(op: str, *args: dict[str, Any]) -> dict[str, Any]:
    """An operator in an expression."""
    return {"op": op, "args": list(args)}


def silent() -> dict[str, Any]:
    """Two objects read whole, and nothing else said."""
    found = schema()
    return {
        "name": "customer_data",
        "requirements": [
            {"id": one, "text": text, "file": "requirements/customer_data.md", "line": at, "status": "understood",
             "echo": text}
            for at, (one, text) in enumerate(TEXTS.items(), 3)
        ],
        "schedule": {"cron": "0 2 * * *", "timezone": "Europe/Berlin"},
        "source": {
            "objects": [
                {"name": one, "fields": list(found.by_name[one].readable_fields())} for one in ("Account", "Contact")
            ]
        },
        "target": {"system": "snowflake", "database": "CRM", "schema": "PUBLIC", "table": "customer_data",
                   "layout": "unified"},
        "trace": TRACE,
    }  # fmt: skip


def whole() -> dict[str, Any]:
    """Every list has an entry, and what the runtime carries only is set too."""
    found = silent()
    account, contact = found["source"]["objects"]
    account |= {"where": call("eq", field("Account", "Type"), literal("Customer")), "since": "2023-01-01"}
    contact |= {
        "fields": [one for one in contact["fields"] if one != "Birthdate"],
        "excluded": ["Birthdate"],
        "lookups": [{"path": "Account.Name", "column": "account_name"}],
    }
    name = call("concat", field("Contact", "FirstName"), literal(" "), field("Contact", "LastName"))
    rich = call("ge", field("Account", "AnnualRevenue"), literal(10_000_000, "number"))
    many = call("between", field("Account", "NumberOfEmployees"), literal(0, "number"), literal(100, "number"))
    desks = call("add", field("Account", "NumberOfEmployees"), literal(1, "number"))
    return found | {
        "incremental": {"full_refresh_cron": "0 4 * * 0"},
        "dedupe": [{"object": "Contact", "by": ["External_ID__c"]}],
        "mappings": [
            {"object": "Contact", "field": "Phone", "column": "phone_number", "type": "text", "transforms": ["trim"]}
        ],
        "conventions": {"dates": "iso8601_utc", "phones": "e164", "phone_region": "US"},
        "enums": [
            {"object": "Account", "field": "Rating", "values": {"Hot": "high", "Cold": "low"}, "otherwise": "none"}
        ],
        "derived": [
            {"object": "Account", "column": "tier", "cases": [{"when": rich, "value": "strategic"}],
             "otherwise": "standard"}
        ],
        "computed": [
            {"object": "Account", "column": "desks", "type": "integer", "expression": desks},
            {"object": "Contact", "column": "full_name", "type": "text", "expression": name},
        ],
        "defaults": [{"object": "Account", "field": "Industry", "value": "Unknown"}],
        "blanks": [{"object": "Contact", "field": "Phone", "values": ["N/A", "-"]}],
        "required": [{"object": "Contact", "field": "Email", "on_failure": "reject"}],
        "checks": [{"object": "Account", "condition": many, "on_failure": "warn"}],
        "alerts": [{"on": "failure", "channel": "slack", "to": "#data-ops"}],
        "guards": [{"kind": "max_changed_ratio", "object": "Account", "value": 0.2}],
        "sla": {"max_runtime_seconds": 3600, "max_staleness_seconds": 93600},
        "quota": {"max_api_share": 0.5},
        "masks": [{"object": "Contact", "field": "Email", "method": "sha256"}],
        "residency": {"regions": ["eu"]},
        "retention": {"monitoring_days": 90, "rejects_days": 30},
        "approvals": {"spec_change": 1, "schema_change": 1, "deploy": 2, "role": "data owner"},
        "deploy": {"strategy": "blue_green", "max_diff_ratio": 0.01, "isolation": "container"},
        "assumptions": [{"requirement": "R1.1", "key": "write.mode", "value": "upsert", "why": "nobody says"}],
    }  # fmt: skip


def pipeline(values: dict[str, Any]) -> Pipeline:
    """The Pipeline of such values."""
    return Pipeline.model_validate(values)

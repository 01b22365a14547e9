"""Names of objects in a requirements text are found wherever the grammar would find them."""

from __future__ import annotations

from typing import Any

import pytest

from durable_compiler import catalogue
from durable_compiler.mentions import mentioned
from durable_compiler.organization import wanted

ROWS: list[dict[str, Any]] = [
    {"name": "Account", "label": "Account", "labelPlural": "Accounts"},
    {"name": "Opportunity", "label": "Opportunity", "labelPlural": "Opportunities"},
    {"name": "ns__Invoice_Line__c", "label": "Invoice Line (EU)", "labelPlural": "Invoice Lines (EU)", "custom": True},
    {"name": "Customer_Health__c", "label": "Customer Health", "labelPlural": "Customer Health", "custom": True},
]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Syncs Accounts from Salesforce", {"Account"}),
        ("the account's owner", {"Account"}),
        ("the account’s owner", {"Account"}),
        ("Accounts/Opportunities nightly", {"Account", "Opportunity"}),
        ("Copies every opportunity", {"Opportunity"}),
        ("`ns__Invoice_Line__c.Amount__c` is required", {"ns__Invoice_Line__c"}),
        ("Invoice Lines (EU) are kept", {"ns__Invoice_Line__c"}),
        ("CUSTOMER-HEALTH becomes a table", {"Customer_Health__c"}),
        ("Customer_Health__c, Account", {"Customer_Health__c", "Account"}),
        ("Writes to Snowflake table accounting", set()),
        ("", set()),
    ],
)
def test_an_object_is_found_by_label_plural_and_api_name(text: str, names: set[str]) -> None:
    assert mentioned([text], catalogue.snapshot(ROWS, "00D", "62.0")) == names


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        ({"name": "Account"}, True),
        ({"name": "Invoice__Feed"}, False),
        ({"name": "OrderChangeEvent"}, False),
        ({"name": "LoginHistory", "associateEntityType": None}, True),
        ({"name": "AccountHistory", "associateEntityType": "History"}, False),
        ({"name": "Old__c", "deprecatedAndHidden": True}, False),
        ({"name": "ActivityHistory", "queryable": False}, False),
    ],
)
def test_tables_that_accompany_objects_and_closed_ones_are_left_out(row: dict[str, object], kept: bool) -> None:
    assert wanted(row) is kept

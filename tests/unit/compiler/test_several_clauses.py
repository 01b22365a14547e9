"""Several clauses in one sentence: what joins them, what a later one may leave out, and what must not be joined."""

from __future__ import annotations

import pytest

from durable_compiler.catalogue import Snapshot
from durable_compiler.grammar.reading import echo, read

JOINED = [
    (
        "Alert #data-ops when a run fails and ops@example.com when it completes",
        "Alerts #data-ops on Slack when a run fails; Alerts ops@example.com by email when a run completes",
    ),
    (
        "Failures go to #data-ops, completions to #crm.",
        "Alerts #data-ops on Slack when a run fails; Alerts #crm on Slack when a run completes",
    ),
    (
        "Deployments are blue/green and must be approved by two people",
        "Deploys blue/green; Deployments need 2 approvals",
    ),
    (
        "We need one approval for spec changes, two for deployments",
        "Changes to this spec need approval; Deployments need 2 approvals",
    ),
    ("Schema changes need approval; so do deployments", "Schema changes need approval; Deployments need approval"),
    (
        "Sync Accounts to Snowflake table crm every day at 6 AM UTC",
        "Syncs Accounts from Salesforce; Writes to Snowflake table crm; Runs every day at 06:00 UTC",
    ),
    (
        "Writes to Snowflake table crm in batches of 5,000 rows",
        "Writes to Snowflake table crm; Commits in batches of 5,000 rows",
    ),
    (
        "Data stays in the EU, while rejected rows are kept for 90 days",
        "Data stays in the EU; Deletes rejected rows after 90 days",
    ),
    (
        "Retry rate limits up to 5 times and, when a run fails, notify #data-ops",
        "Retries rate limits up to 5 times; Alerts #data-ops on Slack when a run fails",
    ),
    (
        "Sync Accounts, with an alert to #data-ops when a run fails, please",
        "Syncs Accounts from Salesforce; Alerts #data-ops on Slack when a run fails",
    ),
    ("BR-04: Data stays in the EU", "Data stays in the EU"),
    ("For regulatory reasons, data stays in the EU, too", "Data stays in the EU"),
]
# What has no clause before it to lean on, or hangs in the air after it.
LEANING = [
    "#data-ops when a run fails",
    "Must be approved by two people",
    "Data stays in the EU and ops@example.com when it completes",
    "To Snowflake table crm",
    "Data stays in the EU while rejected rows are kept for 90 days",
    "BR-04 Data stays in the EU",
    "Data stays in the EU, and",
    "Stops if more than 20% of rows would change or if Salesforce returns no Accounts",
]


@pytest.mark.parametrize(("text", "canonical"), JOINED)
def test_clauses_are_joined_and_a_later_one_may_leave_out_what_the_first_said(
    text: str, canonical: str, schema: Snapshot
) -> None:
    found = read(text, schema)
    assert found.fault is None
    assert echo(found.clauses, schema) == canonical
    assert read(canonical, schema).clauses == found.clauses


@pytest.mark.parametrize("text", LEANING)
def test_a_clause_that_leans_on_none_is_refused(text: str, schema: Snapshot) -> None:
    found = read(text, schema)
    assert found.clauses == ()
    assert found.fault is not None


def test_two_splits_with_the_same_meaning_are_one_reading_of_the_fewest_clauses(schema: Snapshot) -> None:
    found = read("Keeps monitoring data for 90 days, and rejected rows for 30 days", schema)
    assert echo(found.clauses, schema) == "Keeps monitoring data for 90 days and rejected rows for 30 days"

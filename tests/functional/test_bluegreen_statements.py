"""What blue and green send to Snowflake is the reviewed text, parses, and keeps DDL out of transactions."""

from __future__ import annotations

import re

import sqlglot
from sqlglot import exp

from durable_runtime.bluegreen.attached import LISTINGS
from durable_runtime.warehouse.dialect import SNOWFLAKE, Names
from golden_bluegreen import COMMAND, FILE, golden, sent

# sqlglot knows no form of these: they are held to their words.
SHOWN = re.compile(
    r"SHOW GRANTS ON TABLE [\w.]+|SHOW TABLES LIKE '\w+' IN SCHEMA [\w.]+|"
    r"CREATE OR REPLACE TABLE [\w.]+ CLONE [\w.]+ COPY GRANTS"
)
OVERWRITE = re.compile(r"INSERT OVERWRITE INTO (\S+) \((.+)\) SELECT \2 FROM \1__(?:green|blue)(?:__\w+)?")
NAMES = Names(SNOWFLAKE, "CRM.ANALYTICS", "customers")


def test_the_statements_are_those_of_the_golden_file() -> None:
    assert golden() == FILE.read_text(encoding="utf-8"), f"look at the difference, then: {COMMAND}"


def test_every_statement_is_one_that_snowflake_parses() -> None:
    for texts in sent().values():
        for text in texts:
            if not SHOWN.fullmatch(text):
                (parsed,) = sqlglot.parse(text, dialect="snowflake")
                assert parsed is not None
                assert not isinstance(parsed, exp.Command), text


def test_what_would_commit_by_itself_stands_before_the_transaction() -> None:
    begun = 0
    for texts in sent().values():
        inside = False
        for text in texts:
            assert not (inside and text.startswith(("CREATE", "ALTER", "DROP"))), text
            inside = text.startswith("BEGIN") or (inside and text not in ("COMMIT", "ROLLBACK"))
            begun += text.startswith("BEGIN")
        assert not inside
    assert begun == 7


def test_a_promotion_and_a_rollback_exchange_each_table_in_one_transaction() -> None:
    for name, side in (("promote", "green"), ("take it back", "blue")):
        texts = sent()[name]
        last = len(texts) - 1 - texts[::-1].index("BEGIN TRANSACTION")
        inside = texts[last : texts.index("COMMIT", last)]
        goals = [text.split(" ")[3] for text in inside if text.startswith("INSERT OVERWRITE")]
        table = "CRM.ANALYTICS.customers"
        assert goals == [table, f"{table}__duplicates", f"{table}__rejects"]
        sources = [text.rpartition(" ")[2] for text in inside if text.startswith("INSERT OVERWRITE")]
        assert sources == [f"{table}__{side}", f"{table}__{side}__duplicates", f"{table}__{side}__rejects"]
        for control in ("durable_lock", "durable_state", "durable_ledger", "durable_tombstone", "durable_green"):
            assert any(control in text for text in inside), control


def test_what_is_attached_is_asked_for_by_the_names_that_snowflake_has() -> None:
    assert {one.kind: one.statement(NAMES) for one in LISTINGS} == {
        "grants": "SHOW GRANTS ON TABLE CRM.ANALYTICS.customers",
        "policies": "SELECT policy_name, policy_kind, ref_column_name FROM TABLE("
        "CRM.INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => 'CRM.ANALYTICS.customers', "
        "REF_ENTITY_DOMAIN => 'TABLE'))",
        "tags": "SELECT tag_name, tag_value, CAST(NULL AS VARCHAR) AS column_name FROM TABLE("
        "CRM.INFORMATION_SCHEMA.TAG_REFERENCES('CRM.ANALYTICS.customers', 'TABLE'))",
        "tags of columns": "SELECT tag_name, tag_value, column_name FROM TABLE("
        "CRM.INFORMATION_SCHEMA.TAG_REFERENCES_ALL_COLUMNS('CRM.ANALYTICS.customers', 'TABLE'))",
        "clustering": "SHOW TABLES LIKE 'customers' IN SCHEMA CRM.ANALYTICS",
    }


def test_a_row_of_a_listing_becomes_a_line_and_other_tables_are_nobodys_business() -> None:
    rows: dict[str, dict[str, str | None]] = {
        "grants": {
            "privilege": "SELECT", "granted_to": "ROLE", "grantee_name": "ANALYST", "grant_option": "true",
        },
        "policies": {"policy_name": "EMAIL", "policy_kind": "MASKING_POLICY", "ref_column_name": "EMAIL"},
        "tags": {"tag_name": "COST", "tag_value": "crm", "column_name": None},
        "tags of columns": {"tag_name": "PII", "tag_value": "yes", "column_name": "EMAIL"},
        "clustering": {"name": "CUSTOMERS", "cluster_by": "LINEAR(source_id)"},
    }  # fmt: skip
    assert {one.kind: one.line(NAMES, rows[one.kind]) for one in LISTINGS} == {
        "grants": "SELECT TO ROLE ANALYST WITH GRANT OPTION",
        "policies": "MASKING_POLICY EMAIL ON EMAIL",
        "tags": "COST = crm",
        "tags of columns": "PII = yes ON EMAIL",
        "clustering": "LINEAR(source_id)",
    }
    clustering = LISTINGS[-1]
    assert clustering.line(NAMES, {"name": "CUSTOMERSX", "cluster_by": "x"}) is None
    assert clustering.line(NAMES, {"name": "CUSTOMERS", "cluster_by": ""}) is None

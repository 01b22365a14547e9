"""Every statement of the Snowflake adapter: written down, understood, and made of what Snowflake documents alone."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from durable_runtime.configuration import WarehouseSettings
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.dialect import SNOWFLAKE
from durable_runtime.warehouse.snowflake import SnowflakeWarehouse
from golden_statements import CASES, COMMAND, DELETES, LAYOUTS, MODES, golden, sent

pytestmark = pytest.mark.xdist_group("snowflake_statements")  # they share what was sent

WAYS = list(product(MODES, LAYOUTS, DELETES))
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "snowflake.md"
NAME = r"CRM\.ANALYTICS\.[a-z_]+"
STAGE = r"@CRM\.ANALYTICS\.durable_stage(?:/[\w.-]+)+"
# sqlglot takes any word for an option, so these are held to what Snowflake's reference has for them, letter by letter.
EXACT = {
    "PUT": rf"PUT 'file:///[^']+\.parquet' {STAGE} AUTO_COMPRESS=FALSE OVERWRITE=TRUE",
    "COPY": rf"COPY INTO {NAME} FROM {STAGE}\.parquet FILE_FORMAT=\(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE\) "
    r"MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT",
    "REMOVE": rf"REMOVE {STAGE}/?",
    "CREATE STAGE": rf"CREATE STAGE IF NOT EXISTS {NAME}",
    "DESCRIBE": rf"DESCRIBE TABLE {NAME}",
    "BEGIN": r"BEGIN TRANSACTION",
    "COMMIT": r"COMMIT",
    "ROLLBACK": r"ROLLBACK",
}
# Values as SQL reference, Parameters and the pages of PUT, COPY INTO <table> and CREATE STAGE give them.
OPTIONS = {
    "AUTO_COMPRESS": {"TRUE", "FALSE"},
    "OVERWRITE": {"TRUE", "FALSE"},
    "TYPE": {"CSV", "JSON", "AVRO", "ORC", "PARQUET", "XML"},
    "USE_LOGICAL_TYPE": {"TRUE", "FALSE"},
    "MATCH_BY_COLUMN_NAME": {"CASE_SENSITIVE", "CASE_INSENSITIVE", "NONE"},
    "ON_ERROR": {"CONTINUE", "SKIP_FILE", "ABORT_STATEMENT"},
}
TYPES = {"VARCHAR", "BOOLEAN", "DATE", "TIME", "TIMESTAMP_NTZ", "VARIANT"}
NUMBER = re.compile(r"(?:NUMBER|DECIMAL)\((\d+), ?(\d+)\)")
# Functions that Snowflake has under these names. GREATEST is NULL there if any argument is; SnowflakeOnDuckDB too.
FUNCTIONS = {
    "CASE", "CAST", "COALESCE", "COUNT", "EXISTS", "FIRST_VALUE", "GREATEST", "IF", "LAG", "LEAD", "MAX", "MIN",
    "PARSE_JSON", "ROW_NUMBER", "SUM",
}  # fmt: skip
KINDS = (
    exp.Create, exp.Alter, exp.Drop, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Select, exp.Union, exp.Describe,
    exp.Put, exp.Copy, exp.Transaction, exp.Commit, exp.Rollback,
)  # fmt: skip
SESSION: dict[str, set[str | bool | int]] = {
    "ABORT_DETACHED_QUERY": {True},
    "AUTOCOMMIT": {True},
    "CLIENT_TELEMETRY_ENABLED": {False},
    "DATE_INPUT_FORMAT": {"AUTO"},
    "ERROR_ON_NONDETERMINISTIC_MERGE": {True},
    "ERROR_ON_NONDETERMINISTIC_UPDATE": {True},
    "LOCK_TIMEOUT": {3600},
    "STATEMENT_TIMEOUT_IN_SECONDS": {3600},
    "TIMESTAMP_INPUT_FORMAT": {"AUTO"},
    "TIMESTAMP_TYPE_MAPPING": {"TIMESTAMP_LTZ", "TIMESTAMP_NTZ", "TIMESTAMP_TZ"},
    "TIMEZONE": {"UTC"},
    "TIME_INPUT_FORMAT": {"AUTO"},
    "TRANSACTION_ABORT_ON_ERROR": {True},
}


def texts(mode: str, layout: str, deletes: str) -> list[str]:
    """What a run sends, in order."""
    return [text for _, step in sent(mode, layout, deletes) for text in step]


def distinct() -> list[str]:
    """Every statement of every way of writing, once."""
    return list(dict.fromkeys(text for way in WAYS for text in texts(*way)))


@cache
def parsed() -> tuple[tuple[str, exp.Expr], ...]:
    """Every statement with what sqlglot makes of it; what it does not read is in EXACT."""
    found = []
    for text in distinct():
        if not text.startswith("REMOVE "):
            (one,) = sqlglot.parse(text, dialect="snowflake")
            assert one is not None
            found.append((text, one))
    return tuple(found)


@pytest.mark.parametrize("way", [f"{mode}_{layout}.sql" for mode, layout in product(MODES, LAYOUTS)])
def test_the_statements_are_those_that_were_written_down(way: str) -> None:
    wanted = golden()[CASES / way]
    assert (CASES / way).read_text(encoding="utf-8") == wanted, (
        f"{way} is not current. Look at the difference: {COMMAND}"
    )


def test_nothing_else_is_written_down() -> None:
    assert {path.name for path in CASES.iterdir()} == {path.name for path in golden()}


def test_every_statement_is_of_a_kind_that_is_known() -> None:
    for text, one in parsed():
        assert isinstance(one, KINDS), text
        assert not isinstance(one, exp.Command), text


def test_what_sqlglot_is_too_lax_for_is_spelt_letter_by_letter() -> None:
    seen = set()
    for text in distinct():
        kind = next((kind for kind in EXACT if text.startswith(kind)), None)
        if kind:
            seen.add(kind)
            assert re.fullmatch(EXACT[kind], text), text
    assert seen >= {"PUT", "COPY", "REMOVE", "CREATE STAGE", "BEGIN", "COMMIT"}


def test_every_option_and_its_value_are_documented() -> None:
    found = {pair for text in distinct() for pair in re.findall(r"\b([A-Z_]+)=([A-Z_]+)", text)}
    assert {name for name, _ in found} == OPTIONS.keys()
    for name, value in found:
        assert value in OPTIONS[name], (name, value)


@pytest.mark.parametrize(
    "wrong",
    [
        "COPY INTO CRM.ANALYTICS.t FROM @CRM.ANALYTICS.durable_stage/a/b.parquet MATCH_BY_COLUM_NAME=CASE_SENSITIVE",
        "COPY INTO CRM.ANALYTICS.t FROM @CRM.ANALYTICS.durable_stage/a/b.parquet FILE_FORMAT=(TYPE=PARQET)",
        "PUT 'file:///a.parquet' @CRM.ANALYTICS.durable_stage/a AUTO_COMPRES=FALSE OVERWRITE=TRUE",
    ],
)
def test_a_misspelt_option_would_be_found(wrong: str) -> None:
    assert len(sqlglot.parse(wrong, dialect="snowflake")) == 1  # which is why this list exists
    assert not any(re.fullmatch(pattern, wrong) for pattern in EXACT.values())


def test_every_column_has_a_type_that_snowflake_has() -> None:
    for text, one in parsed():
        for kind in one.find_all(exp.DataType):
            spelt = kind.sql(dialect="snowflake").replace("TIMESTAMPNTZ", "TIMESTAMP_NTZ")
            sized = NUMBER.fullmatch(spelt)
            assert spelt in TYPES or (sized and int(sized[2]) <= int(sized[1]) <= 38), f"{spelt}: {text}"


def test_every_function_is_one_that_snowflake_has() -> None:
    for text, one in parsed():
        for call in one.find_all(exp.Func):
            if isinstance(call, exp.Connector | exp.Predicate | exp.JSONExtract):
                continue  # AND, IN and the colon of a path are no calls
            name = call.name.upper() if isinstance(call, exp.Anonymous) else call.sql_names()[0]
            assert name in FUNCTIONS, f"{name}: {text}"


@pytest.mark.parametrize(("mode", "layout", "deletes"), WAYS)
def test_no_definition_is_sent_inside_a_transaction(mode: str, layout: str, deletes: str) -> None:
    """Snowflake commits the open transaction at each."""
    inside = False
    for text in texts(mode, layout, deletes):
        if text == "BEGIN TRANSACTION":
            assert not inside
            inside = True
        elif text in ("COMMIT", "ROLLBACK"):
            assert inside
            inside = False
        elif inside:
            assert not text.startswith(("CREATE", "ALTER", "DROP", "TRUNCATE", "PUT", "REMOVE", "USE", "GRANT")), text
    assert not inside


@pytest.mark.parametrize(("mode", "layout", "deletes"), WAYS)
def test_every_change_of_rows_is_in_a_transaction_or_about_what_is_not_the_targets(
    mode: str, layout: str, deletes: str
) -> None:
    inside = False
    for text in texts(mode, layout, deletes):
        inside = text == "BEGIN TRANSACTION" or (inside and text not in ("COMMIT", "ROLLBACK"))
        changes = re.match(
            rf"(?:MERGE INTO|UPDATE|DELETE FROM|INSERT INTO|INSERT OVERWRITE INTO|COPY INTO) ({NAME})", text
        )
        if changes and not inside:
            table = changes[1].removeprefix("CRM.ANALYTICS.")
            work = ("__staged", "__missing", "__values", "__arriving", "__listed", "__expected", "__next", "__left")
            assert table == "durable_lock" or table.endswith(work) or "__next" in table or _forgets(text), text


def _forgets(text: str) -> bool:
    """Whether a statement forgets what was known of a table that is built anew."""
    return text.startswith("DELETE FROM") and "__next'" in text


def test_staging_tables_are_transient_and_the_targets_are_not() -> None:
    for text, one in parsed():
        if isinstance(one, exp.Create) and one.kind == "TABLE":
            table = text.split("CRM.ANALYTICS.")[1].split(" ")[0]
            lasts = table.startswith("durable_") or "__" not in table or table.endswith(("__duplicates", "__rejects"))
            assert ("TRANSIENT" in text) is (not lasts or "__next" in table), text
            assert "TEMPORARY" not in text


def test_no_target_is_dropped_replaced_or_swapped() -> None:
    for text in distinct():
        assert "SWAP" not in text
        assert "TRUNCATE" not in text
        gone = re.match(rf"(?:DROP TABLE IF EXISTS|DROP TABLE|CREATE OR REPLACE [A-Z ]*TABLE) ({NAME})", text)
        if gone:
            name = gone[1].removeprefix("CRM.ANALYTICS.")
            assert "__" in name, text
            assert "__next" in name or not name.endswith(("__duplicates", "__rejects")), text


def test_replace_exchanges_rows_by_insert_overwrite_in_one_transaction() -> None:
    (switch,) = (step for name, step in sent("replace", "unified", "skip") if name == "switch")
    inside = switch[switch.index("BEGIN TRANSACTION") : switch.index("COMMIT")]
    replaced = re.findall(rf"INSERT OVERWRITE INTO ({NAME})", "\n".join(inside))
    assert sorted(name.rpartition(".")[2] for name in replaced) == [
        "customers", "customers__duplicates", "customers__rejects",
    ]  # fmt: skip
    assert any("durable_ledger" in text for text in inside)
    assert any("durable_state" in text for text in inside)
    assert any(text.startswith("UPDATE CRM.ANALYTICS.durable_lock") for text in inside)


def test_every_name_is_unquoted_and_qualified() -> None:
    for text, one in parsed():
        for name in one.find_all(exp.Identifier):
            assert not name.args.get("quoted"), text
        for table in one.find_all(exp.Table):
            if not table.find_ancestor(exp.Put) and table.name and not table.db:
                assert table.name.startswith("@") or isinstance(table.this, exp.Parameter), f"{table}: {text}"


def test_the_rights_of_the_page_are_those_that_the_statements_need() -> None:
    made = set()
    for text, one in parsed():
        if isinstance(one, exp.Create):
            made.add(f"CREATE {one.kind}")
            assert one.kind in ("TABLE", "VIEW", "STAGE"), text
    granted = re.search(r"GRANT (.*) ON SCHEMA CRM\.ANALYTICS", PAGE.read_text(encoding="utf-8"))
    assert granted
    assert set(granted[1].split(", ")) == {"USAGE", *made}


def test_every_parameter_of_the_session_and_its_value_are_documented() -> None:
    settings = WarehouseSettings("snowflake", account="org-account", user="DURABLE")
    found = SnowflakeWarehouse(settings, sample.target(SNOWFLAKE)).arguments()["session_parameters"]
    assert len(found.pop("QUERY_TAG")) <= 2000
    assert found.keys() == SESSION.keys()
    for name, value in found.items():
        assert value in SESSION[name], name
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in found if f"`{name}`" not in page] == []

"""What only Snowflake itself can show, against an account of your own: `pytest -m snowflake_live`, see the README."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from snowflake import connector
from snowflake.connector.errors import ProgrammingError

from durable_runtime.credentials import given
from durable_runtime.errors import (
    ConfigurationError,
    CredentialsRejected,
    LockHeld,
    PermissionMissing,
    PipelineError,
    StatementFailed,
)
from durable_runtime.warehouse import conformance, conformance_forecast, conformance_values, sample
from durable_runtime.warehouse.conformance import START, Bench, Trial
from durable_runtime.warehouse.conformance import account as an_account
from durable_runtime.warehouse.dialect import SNOWFLAKE
from functional.snowflake_account import Account, LiveWarehouse

pytestmark = pytest.mark.snowflake_live

ENVIRONMENT = dict(os.environ)  # read before every test starts from an environment without them
CHECKS = (*conformance.CHECKS, *conformance_values.CHECKS, *conformance_forecast.CHECKS)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """The account, with a schema that this run makes and drops."""
    try:
        found = Account.of(ENVIRONMENT)
    except LookupError as error:
        pytest.fail(str(error), pytrace=False)
    with session(found, schema=None) as sql:
        sql(f"CREATE SCHEMA {found.place}")
        try:
            yield found
        finally:
            sql(f"DROP SCHEMA IF EXISTS {found.place} CASCADE")


@pytest.fixture
def empty(account: Account) -> Account:
    """The account with nothing in its schema."""
    with session(account, schema=None) as sql:
        sql(f"CREATE OR REPLACE SCHEMA {account.place}")
    return account


Ask = Callable[..., list[tuple[Any, ...]]]


@contextmanager
def session(account: Account, schema: str | None = "", **parameters: Any) -> Iterator[Ask]:
    """A plain session without any of the adapter's parameters, and a function that runs one statement in it."""
    arguments = account.warehouse(sample.target(SNOWFLAKE), datetime.now).arguments()
    arguments |= {"session_parameters": parameters, "schema": account.schema if schema == "" else schema}
    arguments["validate_default_parameters"] = False

    def ask(statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with open_connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return [tuple(row) for row in cursor.fetchall()]

    open_connection = connector.connect(**arguments)
    try:
        yield ask
    finally:
        open_connection.close()


def bench(account: Account, folder: Path) -> Bench:
    """The account as the conformance checks want it."""
    return Bench(SNOWFLAKE, folder, account.warehouse)


@contextmanager
def opened(account: Account, **changes: Any) -> Iterator[LiveWarehouse]:
    """The adapter, logged in."""
    warehouse = account.warehouse(sample.target(SNOWFLAKE), lambda: START, **changes)
    warehouse.open()
    try:
        yield warehouse
    finally:
        warehouse.disconnect()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_account_conforms(check: Callable[[Bench], None], empty: Account, tmp_path: Path) -> None:
    check(bench(empty, tmp_path))


# --- logging in -------------------------------------------------------------------------------------------------


def test_the_region_is_told_and_compared(account: Account) -> None:
    with opened(account) as warehouse:
        found = str(warehouse.query("SELECT CURRENT_REGION()").rows[0][0])
    cloud, _, place = found.rpartition(".")[2].partition("_")
    assert cloud in ("AWS", "AZURE", "GCP")
    with opened(account, region=f"{cloud.lower()}:{place.lower().replace('_', '-')}"):
        pass
    with pytest.raises(ConfigurationError, match=re.escape(found)), opened(account, region="aws:nowhere-1"):
        pass


def test_every_parameter_of_the_session_is_in_force(account: Account) -> None:
    with opened(account) as warehouse:
        rows = warehouse.query("SHOW PARAMETERS IN SESSION")
        at = {name: place for place, name in enumerate(rows.columns)}
        found = {row[at["key"]]: row[at["value"]] for row in rows.rows}
        asked = warehouse.arguments()["session_parameters"]
    for name, value in asked.items():
        assert found[name].lower() == str(value).lower(), name


def test_the_tag_finds_the_statements_of_the_session(account: Account) -> None:
    with opened(account) as warehouse:
        warehouse.query("SELECT 4711 AS looked_for")
        tag = warehouse.arguments()["session_parameters"]["QUERY_TAG"]
        found = warehouse.query(
            "SELECT query_tag FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY_BY_SESSION()) "
            "WHERE query_text = 'SELECT 4711 AS looked_for'"
        )
    assert found.rows == ((tag,),)


def test_a_key_that_is_not_the_users_is_refused(account: Account) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    wrong = {"private_key": given(pem, "private_key"), "private_key_passphrase": None}
    with pytest.raises(CredentialsRejected, match=r"Snowflake 39(0144|430\d)"), opened(account, **wrong):
        pass


@pytest.mark.parametrize(
    ("changes", "error", "number"),
    [
        ({"role": "NO_SUCH_ROLE"}, ConfigurationError, "390189"),
        ({"warehouse": "NO_SUCH_WAREHOUSE"}, ConfigurationError, "390201"),
    ],
)
def test_what_is_not_there_is_refused_at_the_log_in(
    account: Account, changes: dict[str, str], error: type[PipelineError], number: str
) -> None:
    with pytest.raises(error, match=number), opened(account, **changes):
        pass


def test_a_schema_that_is_not_there_is_refused_at_the_log_in(account: Account) -> None:
    with pytest.raises(ConfigurationError, match="390201"), opened(replace(account, schema="NO_SUCH_SCHEMA")):
        pass


def test_unquoted_names_are_held_in_upper_case(empty: Account, tmp_path: Path) -> None:
    with Trial(bench(empty, tmp_path)) as trial:
        names = trial.warehouse.query(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{empty.schema}'"
        )
    assert {"CUSTOMERS", "CUSTOMERS__REJECTS", "DURABLE_LEDGER"} <= {name for (name,) in names.rows}


# --- staged files -----------------------------------------------------------------------------------------------


def test_timestamps_keep_their_years_and_microseconds(empty: Account, tmp_path: Path) -> None:
    stamp = datetime.fromisoformat("1999-12-31T23:59:59.999999")
    with Trial(bench(empty, tmp_path)) as trial:
        trial.load("Account", replace(an_account(), values={"name": "Acme", "opened_at": stamp}))
        assert trial.select("source_modified_at, opened_at") == [(START, stamp)]


def test_without_logical_types_the_years_are_others_and_nothing_is_written(empty: Account, tmp_path: Path) -> None:
    class Forgetful(LiveWarehouse):
        def _answer(self, sql: str, values: Any) -> Any:
            return super()._answer(sql.replace(" USE_LOGICAL_TYPE=TRUE", ""), values)

    made = Bench(SNOWFLAKE, tmp_path, lambda target, clock: Forgetful(empty, target, clock))
    with Trial(made) as trial:
        with pytest.raises(PipelineError):
            trial.load("Account", an_account())
        assert trial.select("source_id") == []


def test_a_file_that_was_loaded_before_is_loaded_again_into_a_new_table(empty: Account, tmp_path: Path) -> None:
    with Trial(bench(empty, tmp_path)) as trial:
        run = trial.run()
        batch = trial.stage(run, "Account", [an_account()])
        first = trial.warehouse.load(run, batch)
        assert trial.warehouse.load(run, batch) == first
        assert trial.live() == ["001A"]


def test_json_null_is_not_sql_null(empty: Account) -> None:
    with session(empty) as sql:
        assert sql("SELECT PARSE_JSON('null') IS NULL, PARSE_JSON(NULL) IS NULL") == [(False, True)]
        assert sql("SELECT PARSE_JSON('{\"a\": null}'):a IS NULL, PARSE_JSON('{\"a\": null}'):a::VARCHAR IS NULL") == [
            (False, True)
        ]


def test_a_json_text_is_a_string_until_it_is_parsed(empty: Account, tmp_path: Path) -> None:
    with Trial(bench(empty, tmp_path)) as trial:
        trial.load("Account", an_account(extensions='{"Colour__c":"red"}'))
        assert trial.select('TYPEOF(extensions), extensions:"Colour__c"::VARCHAR') == [("OBJECT", "red")]


def test_a_json_columns_text_arrives_as_it_was_staged(empty: Account, tmp_path: Path) -> None:
    """Parquet marks such a column as JSON, which must not be read and written anew: 1.10 would become 1.1."""
    text, path = '{"b": 1.10, "a": null}', tmp_path / "json.parquet"
    with duckdb.connect() as database:
        database.sql(f"SELECT '{text}'::JSON AS doc").write_parquet(str(path))
    with opened(empty) as warehouse:
        warehouse.execute("CREATE STAGE analytics.durable_stage")
        warehouse.execute("CREATE TABLE analytics.t (doc VARCHAR)")
        warehouse._copy(path, f"@{empty.place}.durable_stage/json", "analytics.t")
        assert warehouse.execute("SELECT doc FROM analytics.t") == [(text,)]


# --- transactions -----------------------------------------------------------------------------------------------


def test_a_definition_commits_the_open_transaction(empty: Account) -> None:
    with session(empty) as sql:
        sql("CREATE TABLE t (n NUMBER)")
        sql("BEGIN TRANSACTION")
        sql("INSERT INTO t VALUES (1)")
        sql("CREATE TABLE u (n NUMBER)")
        sql("ROLLBACK")
        assert sql("SELECT COUNT(*) FROM t") == [(1,)]


@pytest.mark.parametrize(("aborts", "left"), [(False, 1), (True, 0)])
def test_a_failed_statement_ends_the_transaction_only_where_it_is_told_to(
    empty: Account, aborts: bool, left: int
) -> None:
    with session(empty, TRANSACTION_ABORT_ON_ERROR=aborts) as sql:
        sql("CREATE TABLE t (n NUMBER)")
        sql("BEGIN TRANSACTION")
        sql("INSERT INTO t VALUES (1)")
        with pytest.raises(ProgrammingError):
            sql("INSERT INTO t SELECT 'x'::NUMBER")
        with suppress(ProgrammingError):
            sql("COMMIT")
        sql("ROLLBACK")
        assert sql("SELECT COUNT(*) FROM t") == [(left,)]


def test_two_rows_for_one_record_are_error_100090(empty: Account) -> None:
    with opened(empty) as warehouse:
        warehouse.execute("CREATE TABLE analytics.t (id VARCHAR, n NUMBER)")
        warehouse.execute("INSERT INTO analytics.t VALUES ('a', 1)")
        with pytest.raises(StatementFailed, match="100090") as caught:
            warehouse.execute(
                "MERGE INTO analytics.t AS t USING (SELECT 'a' AS id, 2 AS n UNION ALL SELECT 'a', 3) AS s "
                "ON t.id = s.id WHEN MATCHED THEN UPDATE SET n = s.n"
            )
        assert "Row Values" not in caught.value.message
        assert warehouse.execute("SELECT n FROM analytics.t") == [(1,)]


def test_a_lock_is_waited_for_until_the_time_is_up(empty: Account) -> None:
    with session(empty) as holder, opened(empty) as waiter:
        holder("CREATE TABLE t (n NUMBER)")
        holder("INSERT INTO t VALUES (1)")
        holder("BEGIN TRANSACTION")
        holder("UPDATE t SET n = 2")
        waiter.execute("ALTER SESSION SET LOCK_TIMEOUT = 5")
        began = time.monotonic()
        with pytest.raises(LockHeld, match="000625"):
            waiter.execute("UPDATE analytics.t SET n = 3")
        assert time.monotonic() - began >= 4
        holder("COMMIT")
        waiter.execute("UPDATE analytics.t SET n = 4")
        assert holder("SELECT n FROM t") == [(4,)]


def test_a_lock_that_is_let_go_is_taken(empty: Account) -> None:
    with session(empty) as holder, opened(empty) as waiter:
        holder("CREATE TABLE t (n NUMBER)")
        holder("INSERT INTO t VALUES (1)")
        holder("BEGIN TRANSACTION")
        holder("UPDATE t SET n = 2")
        waiting = threading.Thread(target=waiter.execute, args=("UPDATE analytics.t SET n = n + 10",))
        waiting.start()
        time.sleep(3)
        assert waiting.is_alive()
        holder("COMMIT")
        waiting.join(60)
        assert holder("SELECT n FROM t") == [(12,)]


def test_of_runs_that_take_the_first_lease_at_once_at_most_one_has_it(empty: Account) -> None:
    with ExitStack() as stack:
        runs = [stack.enter_context(opened(empty)) for _ in range(4)]
        runs[0].prepare(sample.loads(SNOWFLAKE))
        for race in range(5):
            taken: list[str] = []

            def take(at: int, race: int = race, taken: list[str] = taken) -> None:
                with suppress(LockHeld):
                    taken.append(runs[at].acquire(f"pipeline_{race}", f"run-{at}", 600).owner)

            threads = [threading.Thread(target=take, args=(at,)) for at in range(len(runs))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)
            rows = runs[0].execute(
                "SELECT owner FROM CRM.ANALYTICS.durable_lock WHERE pipeline = ?", (f"pipeline_{race}",)
            )
            assert len(taken) <= 1
            assert [owner for (owner,) in rows] == taken


def test_a_session_that_ends_leaves_nothing_of_its_transaction(empty: Account) -> None:
    with session(empty) as first:
        first("CREATE TABLE t (n NUMBER)")
    with session(empty) as second:
        second("BEGIN TRANSACTION")
        second("INSERT INTO t VALUES (1)")
    with session(empty) as third:
        assert third("SELECT COUNT(*) FROM t") == [(0,)]


# --- tables that are replaced -----------------------------------------------------------------------------------


def test_insert_overwrite_is_rolled_back_and_keeps_grants(empty: Account) -> None:
    with session(empty) as sql:
        sql("CREATE TABLE t (n NUMBER)")
        sql("INSERT INTO t VALUES (1)")
        sql("GRANT SELECT ON TABLE t TO ROLE PUBLIC")
        before = sql("SHOW GRANTS ON TABLE t")
        sql("BEGIN TRANSACTION")
        sql("INSERT OVERWRITE INTO t SELECT 2")
        sql("ROLLBACK")
        assert sql("SELECT n FROM t") == [(1,)]
        sql("BEGIN TRANSACTION")
        sql("INSERT OVERWRITE INTO t SELECT 2")
        sql("COMMIT")
        assert sql("SELECT n FROM t") == [(2,)]
        assert sql("SHOW GRANTS ON TABLE t") == before


def test_insert_overwrite_keeps_policies_and_tags(empty: Account) -> None:
    """Needs the Enterprise edition, which a trial account has."""
    tags = "SELECT tag_name, tag_value FROM TABLE(INFORMATION_SCHEMA.TAG_REFERENCES('{}.T', 'TABLE'))"
    policies = (
        "SELECT policy_name, ref_column_name FROM TABLE(INFORMATION_SCHEMA.POLICY_REFERENCES("
        "REF_ENTITY_NAME => '{}.T', REF_ENTITY_DOMAIN => 'TABLE'))"
    )
    with session(empty) as sql:
        sql("CREATE TABLE t (name VARCHAR)")
        sql("CREATE TAG cost_centre")
        sql("ALTER TABLE t SET TAG cost_centre = 'crm'")
        sql("CREATE MASKING POLICY hide AS (val VARCHAR) RETURNS VARCHAR -> '***'")
        sql("ALTER TABLE t MODIFY COLUMN name SET MASKING POLICY hide")
        sql("INSERT OVERWRITE INTO t SELECT 'Acme'")
        assert sql(tags.format(empty.place)) == [("COST_CENTRE", "crm")]
        assert sql(policies.format(empty.place)) == [("HIDE", "NAME")]
        assert sql("SELECT name FROM t") == [("***",)]


def test_a_clone_is_a_table_of_its_own(empty: Account) -> None:
    with session(empty) as sql:
        sql("CREATE TABLE t (n NUMBER)")
        sql("INSERT INTO t VALUES (1)")
        sql("GRANT SELECT ON TABLE t TO ROLE PUBLIC")
        sql("CREATE TABLE t__blue CLONE t")
        sql("CREATE TABLE t__green CLONE t COPY GRANTS")
        sql("INSERT OVERWRITE INTO t SELECT 2")
        assert [sql(f"SELECT n FROM {table}") for table in ("t", "t__blue", "t__green")] == [[(2,)], [(1,)], [(1,)]]
        readers = [{row[5] for row in sql(f"SHOW GRANTS ON TABLE {table}")} for table in ("t__blue", "t__green")]
        assert ["PUBLIC" in found for found in readers] == [False, True]


def test_a_missing_table_is_a_missing_permission(account: Account) -> None:
    with opened(account) as warehouse, pytest.raises(PermissionMissing, match="002003"):
        warehouse.query("SELECT * FROM analytics.no_such_table")

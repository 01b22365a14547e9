"""Repairs of fakesnow 0.12 where it differs from Snowflake in what a load relies on; imported by the server only.

1. A NULL timestamp is read as 1970 over HTTP: its validity mask is lost.
2. MERGE is exploded into several statements, is not atomic, fails after BEGIN and accepts repeated source keys:
   DuckDB's own MERGE has none of these faults.
3. A constraint that does not hold ends in HTTP 500, which the connector repeats for half a minute.
4. DDL in an open transaction does not commit it.
5. CREATE OR REPLACE TABLE … CLONE does not replace; COPY GRANTS, ALTER SESSION, REMOVE, SHOW GRANTS are unknown.
6. Every statement is parsed twice and walked through seventy times, also one that was translated a moment ago.
"""

from __future__ import annotations

import functools
import re
import uuid
from typing import Any

import duckdb
import fakesnow.arrow
import fakesnow.cursor
import fakesnow.transforms
import pyarrow as pa
import pyarrow.compute as pc
from fakesnow_sessions import SERVER, turn
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp

SECOND = 1_000_000
# DuckDB's exception -> what Snowflake answers
ANSWERS: tuple[tuple[type[duckdb.Error], int, str], ...] = (
    (duckdb.ConstraintException, 100072, "22000"),
    (duckdb.TransactionException, 625, "57014"),
    (duckdb.CatalogException, 2003, "42S02"),
    (duckdb.BinderException, 904, "42000"),
    (duckdb.ConversionException, 100038, "22018"),
    (duckdb.Error, 1003, "42000"),
)
ACTIONS = {"inserted": "INSERT", "updated": "UPDATE", "deleted": "DELETE"}
DDL = (exp.Alter, exp.Comment, exp.Create, exp.Drop)
# What the stand-in has no notion of -> what it answers
GRANTS = (
    "SELECT NULL::TIMESTAMPTZ AS created_on, 'OWNERSHIP' AS privilege, 'TABLE' AS granted_on, '' AS name, "
    "'ROLE' AS granted_to, 'SYSADMIN' AS grantee_name, true AS grant_option, '' AS granted_by"
)
PLACEBOS = {"ALTER SESSION": "SELECT 1", "REMOVE": "SELECT 1", "RM": "SELECT 1", "SHOW GRANTS": GRANTS}
COPY_GRANTS = re.compile(r"(?<= CLONE )(\S+)\s+COPY\s+GRANTS\s*$", re.IGNORECASE)
PLAIN = re.compile(
    r"\s*(MERGE|INSERT|DELETE|UPDATE|SELECT|BEGIN|COMMIT|ROLLBACK|DROP (TABLE|VIEW)|CREATE (?!STAGE|SCHEMA|[^(]* AS ))"
    r"(?!.*([@$]|INFORMATION_SCHEMA))",
    re.IGNORECASE | re.DOTALL,
)
MOST_TRANSLATED = 2000
TRANSLATED: dict[tuple[str, str, str], list[Any]] = {}
run_statement = fakesnow.cursor.FakeSnowflakeCursor._execute
run_command = fakesnow.cursor.FakeSnowflakeCursor.execute
clone = fakesnow.transforms.create_clone


def timestamps(column: Any) -> Any:
    """The struct that the connector expects, with its nulls."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    micros = pc.fill_null(column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()), 0)
    towards_zero = pc.divide(micros, SECOND)
    before_1970 = pc.less(pc.subtract(micros, pc.multiply(towards_zero, SECOND)), 0).cast(pa.int64())
    seconds = pc.subtract(towards_zero, before_1970)
    nanos = pc.multiply(pc.subtract(micros, pc.multiply(seconds, SECOND)), 1000)
    parts = {"epoch": seconds, "fraction": nanos.cast(pa.int32())}
    if column.type.tz:
        parts["timezone"] = pa.array([1440] * len(column), pa.int32())
    fields = [pa.field(name, part.type) for name, part in parts.items()]
    return pa.StructArray.from_arrays(list(parts.values()), fields=fields, mask=column.is_null())


def answer(error: duckdb.Error) -> ProgrammingError:
    """What Snowflake would have said."""
    text = str(error).splitlines()[0]
    if "more than once" in text:
        return ProgrammingError(msg="Duplicate row detected during DML action", errno=100090, sqlstate="42P18")
    number, state = next((number, state) for kind, number, state in ANSWERS if isinstance(error, kind))
    return ProgrammingError(msg=text, errno=number, sqlstate=state)


def execute(cursor: Any, statement: Any, params: Any = None) -> None:
    """Run a MERGE as one statement, and any other as before, with DuckDB's errors translated."""
    with turn(cursor._conn):
        if cursor._conn._is_closed:
            raise ProgrammingError(msg="The session is gone", errno=390111, sqlstate="08003")
        commit_before(cursor, statement)
        try:
            (merge if isinstance(statement, exp.Merge) else run_statement)(cursor, statement, params)
        except duckdb.Error as error:
            raise answer(error) from error


def commit_before(cursor: Any, statement: Any) -> None:
    """DDL commits what is open."""
    session = cursor._conn
    if isinstance(statement, exp.Transaction | exp.Commit | exp.Rollback):
        session.begun = isinstance(statement, exp.Transaction)
    elif getattr(session, "begun", False) and (isinstance(statement, DDL) or statement.args.get("create_stage_name")):
        cursor._duck_conn.commit()
        session.begun = False


def command(cursor: Any, text: str, *args: Any, **kwargs: Any) -> Any:
    """Answer what the stand-in does not know, and pass on the rest."""
    words = " ".join(text.split(maxsplit=2)[:2]).upper()
    known = next((answer for start, answer in PLACEBOS.items() if words.startswith(start)), None)
    heard = COPY_GRANTS.sub(r"\1", text) if known is None else known
    if kwargs.get("server") and not kwargs.get("binding_params") and PLAIN.match(heard):
        return remembered(cursor, heard)
    return run_command(cursor, heard, *args, **kwargs)


def remembered(cursor: Any, text: str) -> Any:
    """Run a statement whose translation depends on its text only, and translate it once."""
    key = (text, cursor._conn.database, cursor._conn.schema)
    if key not in TRANSLATED:
        if len(TRANSLATED) > MOST_TRANSLATED:
            TRANSLATED.clear()
        parsed = fakesnow.cursor.parse_one(text)
        cursor.check_db_and_schema(parsed)
        TRANSLATED[key] = [cursor._transform(one, None) for one in cursor._transform_explode(parsed)]
    for statement in TRANSLATED[key]:
        cursor._execute(statement.copy(), None)
    return cursor


def replaced(statement: Any) -> Any:
    """A clone, which keeps OR REPLACE."""
    made = clone(statement)
    if made is not statement:
        made.set("replace", statement.args.get("replace"))
        made.set("exists", statement.args.get("exists"))
    return made


def merge(cursor: Any, statement: exp.Merge, params: Any) -> None:
    """DuckDB's MERGE, answered with Snowflake's counts."""
    kinds = [kind for kind, whens in fakesnow.cursor.merge_operations(statement).items() if whens]
    for when in statement.args["whens"].expressions:
        if isinstance(when.args.get("then"), exp.Update):
            for assignment in when.args["then"].expressions:
                assignment.this.set("table", None)
    connection, duck = cursor._conn, cursor._duck_conn
    if not connection._autocommit and not connection._in_transaction:
        duck.begin()
        connection._in_transaction = True
    done = duck.execute(statement.sql(dialect="duckdb") + " RETURNING merge_action", params).fetchall()
    actions = [action for (action,) in done]
    remember(cursor, statement, {kind: actions.count(ACTIONS[kind]) for kind in kinds})


def remember(cursor: Any, statement: exp.Merge, counts: dict[str, int]) -> None:
    """Leave the counts as the cursor's result."""
    columns = ", ".join(f'{rows}::BIGINT AS "number of rows {kind}"' for kind, rows in counts.items())
    sql = f"SELECT {columns}"
    cursor._arrow_table = cursor._duck_conn.execute(sql).to_arrow_table()
    cursor._arrow_table_fetch_index = None
    cursor._rowcount = sum(counts.values())
    cursor._sfqid = str(uuid.uuid4())
    cursor._last_sql, cursor._last_params, cursor._last_transformed = sql, None, statement
    results = cursor._conn.results_cache
    results[cursor._sfqid] = (cursor._arrow_table, cursor._rowcount, sql, None, statement)


def repair() -> None:
    """Put the repairs in place; call it before the server starts."""
    fakesnow.arrow.timestamp_to_sf_struct = timestamps
    fakesnow.transforms.merge = lambda statement: [statement]
    fakesnow.transforms.create_clone = replaced
    fakesnow.cursor.FakeSnowflakeCursor._execute = execute
    fakesnow.cursor.FakeSnowflakeCursor.execute = command
    SERVER.parse_one = functools.lru_cache(500)(SERVER.parse_one)

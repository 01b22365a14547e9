"""The Snowflake adapter with its statements written down, and answered by DuckDB in the same process.

Where the same words mean something else to Snowflake, DuckDB is made to mean that: NULLs sort as the greatest value,
GREATEST of a NULL is NULL, a MERGE with two rows for one is an error, COPY makes a VARIANT string of a text, and leaves
out a file that it has loaded into the same table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from durable_runtime.configuration import WarehouseSettings
from durable_runtime.errors import StatementFailed
from durable_runtime.spec import Target
from durable_runtime.warehouse.engine import Values
from durable_runtime.warehouse.snowflake import SnowflakeWarehouse

PUT = re.compile(r"PUT 'file://(?P<path>.*)' (?P<place>@\S+) AUTO_COMPRESS=FALSE OVERWRITE=TRUE")
COPY = re.compile(r"COPY INTO (?P<table>\S+) FROM (?P<place>@\S+) .*")
LISTED = re.compile(
    r"SELECT table_name, .+ FROM (?:CRM\.)?INFORMATION_SCHEMA\.(?P<view>\w+) WHERE table_schema = '(?P<schema>\w+)' "
    r"AND table_name IN \((?P<names>.*)\)"
)
DESCRIBED = re.compile(r"DESCRIBE TABLE (?:CRM\.)?(?P<schema>\w+)\.(?P<name>\w+)")
TYPES = {
    "VARCHAR": "VARCHAR(16777216)",
    "TIMESTAMP": "TIMESTAMP_NTZ(9)",
    "TIME": "TIME(9)",
    "BIGINT": "NUMBER(38,0)",
    "JSON": "VARIANT",
}
MERGE = re.compile(
    r"MERGE INTO (?P<table>\S+) AS t USING \((?P<source>.*)\) AS s ON (?P<on>.*?) "
    r"WHEN MATCHED(?: AND (?P<only>.*?))? THEN .*"
)
REMOVE, STAGE = re.compile(r"REMOVE (?P<place>\S+)"), re.compile(r"CREATE STAGE .*")
CREATED = re.compile(r"CREATE OR REPLACE (?:TRANSIENT )?TABLE (\S+) .*")
Answer = tuple[tuple[str, ...], list[tuple[Any, ...]]]
COPIED = ("file", "status", "rows_parsed", "rows_loaded", "errors_seen")
# What Snowflake spells otherwise; everything else that is sent means the same to DuckDB.
SPELLINGS = (
    (re.compile(r"\bCRM\.ANALYTICS\b"), "analytics"),
    (re.compile(r"\bCRM\.INFORMATION_SCHEMA\b", re.IGNORECASE), "information_schema"),
    (re.compile(r"\bTIMESTAMP_NTZ\b"), "TIMESTAMP"),
    (re.compile(r"\bNUMBER\(38,\s*0\)"), "BIGINT"),
    (re.compile(r"\bNUMBER\((\d+),\s*(\d+)\)"), r"DECIMAL(\1,\2)"),
    (re.compile(r"\bVARIANT\b"), "JSON"),
    (re.compile(r"\bTRANSIENT TABLE\b"), "TABLE"),
    (re.compile(r"\bPARSE_JSON\(([\w.]+)\)"), r"CAST(\1 AS JSON)"),
    (re.compile(r'([\w.]+):"(\w+)"::VARCHAR'), r"""json_extract_string(\1, '$."\2"')"""),
    (re.compile(r"\bGREATEST\("), "strict_greatest("),
    (re.compile(r"INSERT OVERWRITE INTO ([\w.]+)"), r"DELETE FROM \1; INSERT INTO \1"),
    (re.compile(r"CREATE (OR REPLACE )?TABLE ([\w.]+) CLONE ([\w.]+)"), r"CREATE \1TABLE \2 AS SELECT * FROM \3"),
)


AS_SNOWFLAKE = (
    "CREATE SCHEMA IF NOT EXISTS analytics",
    "SET default_null_order = 'nulls_last_on_asc_first_on_desc'",
    "CREATE OR REPLACE MACRO strict_greatest(a, b) AS CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN greatest(a, b) "
    "END, (a, b, c) AS CASE WHEN a IS NOT NULL AND b IS NOT NULL AND c IS NOT NULL THEN greatest(a, b, c) END",
)


class SnowflakeOnDuckDB(SnowflakeWarehouse):
    """`sent` has every statement as the driver would be given it."""

    def __init__(
        self, database: duckdb.DuckDBPyConnection, target: Target, clock: Callable[[], datetime], beside: str = ""
    ) -> None:
        super().__init__(WarehouseSettings("snowflake", account="local", user="durable"), target, clock, beside=beside)
        self.engine = database
        self.sent: list[str] = []
        self.staged: dict[str, Path] = {}
        self.copied: set[tuple[str, str]] = set()  # a table, and the place of a file that it was given
        self.after_copy = ""  # SQL over {table}, to do what a COPY does that goes wrong
        self.says: Callable[[int], Any] = lambda rows: rows  # what COPY says of the rows that it loaded

    def open(self) -> None:
        """Nothing to log in to."""
        self._connection = self.engine.cursor()
        for statement in AS_SNOWFLAKE:
            self._connection.execute(statement)

    def _answer(self, sql: str, values: Values) -> Answer:
        self.sent.append(sql)
        for pattern, answer in (
            (PUT, self._put), (COPY, self._copy_into), (REMOVE, self._removed), (STAGE, self._made),
            (LISTED, self._listed), (DESCRIBED, self._described),
        ):  # fmt: skip
            if found := pattern.fullmatch(sql):
                return answer(**found.groupdict())
        if created := CREATED.fullmatch(sql):
            self.copied = {one for one in self.copied if one[0] != created[1]}
        if merge := MERGE.fullmatch(sql):
            self._refuse_two_for_one(merge, values)
        return self._asked(as_duckdb(sql), values)

    def _asked(self, sql: str, values: Values = ()) -> Answer:
        try:
            found = self._connection.execute(sql, list(values))
        except duckdb.Error as error:
            raise StatementFailed(f"{error}: {sql}") from error
        return tuple(column[0].lower() for column in found.description or ()), found.fetchall()

    def _put(self, path: str, place: str) -> Answer:
        file = Path(path)
        self.staged[f"{place}/{file.name}"] = file
        return ("source", "status"), [(file.name, "UPLOADED")]

    def _copy_into(self, table: str, place: str) -> Answer:
        if (table, place) in self.copied:
            return ("status",), [("Copy executed with 0 files processed.",)]
        self.copied.add((table, place))
        return COPIED, [self._copied(table, self.staged[place])]

    def _removed(self, place: str) -> Answer:
        return ("name", "result"), [(self.staged.pop(one).name, "removed") for one in self._under(place)]

    def _made(self) -> Answer:
        return ("status",), [("done",)]

    def _copied(self, table: str, path: Path) -> tuple[Any, ...]:
        opened = self._connection.execute(f"DESCRIBE {as_duckdb(table)}").fetchall()
        texts = [f"to_json({name}::VARCHAR) AS {name}" for name, kind, *_ in opened if kind == "JSON"]
        kept = f"* REPLACE ({', '.join(texts)})" if texts else "*"
        into = f"INSERT INTO {as_duckdb(table)} BY NAME SELECT {kept} FROM read_parquet(?)"
        rows = int(self._connection.execute(into, [str(path)]).fetchall()[0][0])
        if self.after_copy:
            self._connection.execute(self.after_copy.format(table=as_duckdb(table)))
        return path.name, "LOADED", rows, self.says(rows), 0

    def _refuse_two_for_one(self, merge: re.Match[str], values: Values) -> None:
        only = f" AND ({merge['only']})" if merge["only"] else ""
        twice = (
            f"SELECT COUNT(*) FROM (SELECT t.rowid FROM {merge['table']} AS t JOIN ({merge['source']}) AS s "
            f"ON {merge['on']}{only} GROUP BY t.rowid HAVING COUNT(*) > 1) x"
        )
        if self._connection.execute(as_duckdb(twice), list(values)).fetchall()[0][0]:
            raise StatementFailed(f"Duplicate row detected during DML action [Snowflake 100090]: {merge[0]}")

    def _listed(self, view: str, schema: str, names: str) -> Answer:
        only = "AND table_type = 'VIEW'" if view == "VIEWS" else ""
        where = f"upper(table_schema) = '{schema}' AND upper(table_name) IN ({names}) {only}"
        return self._asked(f"SELECT upper(table_name), table_type FROM information_schema.tables WHERE {where}")

    def _described(self, schema: str, name: str) -> Answer:
        where = f"lower(table_schema) = '{schema.lower()}' AND lower(table_name) = '{name.lower()}'"
        asked = (
            f"upper(column_name), data_type, is_nullable, column_default FROM information_schema.columns WHERE {where}"
        )
        columns = self._asked(f"SELECT {asked} ORDER BY ordinal_position")[1]
        return (), [
            (column, TYPES.get(kind, kind.replace("DECIMAL", "NUMBER")), "COLUMN", nullable[0], default)
            for column, kind, nullable, default in columns
        ]

    def _under(self, place: str) -> list[str]:
        return [one for one in self.staged if one == place or one.startswith(place.rstrip("/") + "/")]


def as_duckdb(sql: str) -> str:
    """A statement for Snowflake as DuckDB spells it."""
    for pattern, spelt in SPELLINGS:
        sql = pattern.sub(spelt, sql)
    return sql

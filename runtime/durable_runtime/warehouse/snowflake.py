"""Snowflake as a warehouse; a staged file is PUT and COPYed into a transient table before the transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from durable_runtime.configuration import WarehouseSettings
from durable_runtime.errors import (
    ConfigurationError,
    Incomplete,
    LockHeld,
    PipelineError,
    StatementFailed,
    WarehouseUnavailable,
)
from durable_runtime.spec import Column, Target
from durable_runtime.warehouse.base import UPSERT, Batch, Counts, Lease, ObjectLoad, Rows, Run, Write
from durable_runtime.warehouse.dialect import SNOWFLAKE, Names, checked, stage_columns
from durable_runtime.warehouse.engine import SqlWarehouse, Values, checked_token, utc_now
from durable_runtime.warehouse.snowflake_errors import classified
from durable_runtime.warehouse.snowflake_session import (
    STATEMENT_SECONDS,
    Tag,
    arguments,
    load_connector,
    same_region,
)
from durable_runtime.warehouse.staged_file import Span, StagedFile


class SnowflakeWarehouse(SqlWarehouse):
    """A Snowflake schema; the spec's database and schema win over the profile's.

    `tag` says whose statements these are; `seconds` is how long one, or a wait for a lock, may take.
    """

    def __init__(
        self,
        settings: WarehouseSettings,
        target: Target,
        clock: Callable[[], datetime] = utc_now,
        options: Mapping[str, Any] | None = None,
        beside: str = "",
        tag: Tag | None = None,
        seconds: int = STATEMENT_SECONDS,
    ) -> None:
        self.settings = settings
        self.options = dict(options or {})
        self.tag, self.seconds = tag or Tag(target.table), seconds
        self._about: str | None = None  # the object that is worked on
        self._swept: set[str] = set()  # folders of the stage without what a killed run left there
        self.database, self.schema = target.database or settings.database, target.schema or settings.schema or "PUBLIC"
        super().__init__(target, SNOWFLAKE, self.schema, clock, beside)
        self._connection: Any = None

    def open(self) -> None:
        """Log in."""
        connector = load_connector()
        try:
            self._connection = connector.connect(**self.arguments())
        except Exception as error:
            raise classified(error, f"Snowflake account {self.settings.account} cannot be used") from error
        if self.settings.region:
            self._check_region(self.settings.region)

    def _check_region(self, region: str) -> None:
        found = str(self.execute("SELECT CURRENT_REGION()")[0][0])
        if not same_region(region, found):
            self.disconnect()
            raise ConfigurationError(
                f"The profile says region {region!r}, but the Snowflake account is in {found}; nothing was written.",
                help="Correct `region` or `account` in durable.toml.",
            )

    def arguments(self) -> dict[str, Any]:
        """What the connector is called with."""
        given = arguments(self.settings, self.database, self.schema, self.tag.text(), self.seconds)
        session = {**given["session_parameters"], **self.options.get("session_parameters", {})}
        return {**given, **self.options, "session_parameters": session}

    def is_open(self) -> bool:
        """Whether there is a session."""
        return self._connection is not None

    def disconnect(self) -> None:
        """End the session."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def execute(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Run one statement."""
        return self._answer(sql, values)[1]

    def query(self, sql: str) -> Rows:
        """Run one statement and return its rows."""
        columns, rows = self._answer(sql, ())
        return Rows(columns, tuple(rows))

    def _answer(self, sql: str, values: Values) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        if self._connection is None:
            raise WarehouseUnavailable("Snowflake is not connected.", help="Open the warehouse first.")
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(
                    sql.replace("?", "%s") if values else sql,
                    tuple(values) if values else None,
                    _statement_params={"QUERY_TAG": self.tag.text(self._about)},
                )
                columns = tuple(column[0].lower() for column in cursor.description or ())
                return columns, [tuple(row) for row in cursor.fetchall()]
        except Exception as error:
            raise classified(error, f"Snowflake refused a statement in {self.names.schema}") from error

    def prepare(self, loads: Sequence[ObjectLoad], write: Write = UPSERT) -> tuple[str, ...]:
        """Create what is missing, the stage included."""
        added = super().prepare(loads, write)
        self.execute(f"CREATE STAGE IF NOT EXISTS {self.names.control('durable_stage')}")
        return added

    def acquire(self, pipeline: str, owner: str, seconds: int) -> Lease:
        """Take the lease; statements from here on carry the run's id."""
        self.tag = replace(self.tag, run_id=owner.rpartition("/")[2])
        return super().acquire(pipeline, owner, seconds)

    def _take(self, pipeline: str, owner: str, seconds: int) -> Lease:
        """As everywhere, but two first runs at once may both insert: inserts of Snowflake's MERGE do not conflict."""
        lease, lock = super()._take(pipeline, owner, seconds), self.names.control("durable_lock")
        if self.execute(f"SELECT COUNT(*) FROM {lock} WHERE pipeline = ?", (pipeline,))[0][0] > 1:
            own = f"DELETE FROM {lock} WHERE pipeline = ? AND owner = ? AND fence = ?"
            self.execute(own, (pipeline, owner, lease.fence))
            raise LockHeld(f"Another run of {pipeline} took its lease at the same moment.", help="Run again.")
        return lease

    @contextmanager
    def about(self, name: str) -> Iterator[None]:
        """Tag the statements inside with an object and the requirements behind it."""
        before, self._about = self._about, name
        try:
            yield
        finally:
            self._about = before

    def location(self, run: Run, name: str) -> str:
        """The folder of the stage that holds one run's files."""
        return f"{self._folder(checked_token(run.lease.pipeline))}/{checked_token(run.run_id)}/{checked(name)}"

    def _folder(self, name: str) -> str:
        """A folder of the stage that only this pipeline uses, and it only while it has the lease; emptied at first."""
        folder = f"@{self.names.control('durable_stage')}/{name}"
        if folder not in self._swept:
            self._swept.add(folder)
            self._remove(f"{folder}/")
        return folder

    def _remove(self, place: str) -> None:
        """Take files off the stage; one that stays costs space, and the next run tries again."""
        with suppress(PipelineError):
            self.execute(f"REMOVE {place}")

    def stage(self, names: Names, run: Run, batch: Batch, plan: ObjectLoad) -> None:
        """PUT the file and COPY it, and check that every row arrived; JSON is staged as its text."""
        staged = names.of("staged")
        columns = ", ".join(f"{c.name} {staged_type(c)}" for c in stage_columns(plan.columns))
        self.execute(f"CREATE OR REPLACE TRANSIENT TABLE {staged} ({columns})")
        if not batch.rows:
            return
        rows = self._copy(batch.path, self.location(run, batch.object), staged, stage_columns(plan.columns))
        if rows != batch.rows:
            raise Incomplete(
                f"{batch.path.name} has {rows} rows where {batch.rows} were staged; nothing was written.",
                help="Run again.",
            )

    def _copy(self, path: Path, location: str, table: str, columns: Sequence[Column] = ()) -> int:
        """PUT a file, COPY it into an empty table, and see that it arrived as it is; returns its rows.

        Incomplete where it did not, StatementFailed where it has other columns than these.
        """
        file = StagedFile.of(path)
        if columns and {c.name for c in columns} != set(file.columns):
            raise StatementFailed(
                f"{path.name} has the columns {', '.join(file.columns)}, not those of {table}; nothing was written.",
                help="Compile the requirements again with this version.",
            )
        self.execute(f"PUT 'file://{put_path(path)}' {location} AUTO_COMPRESS=FALSE OVERWRITE=TRUE")
        copied = self.query(
            f"COPY INTO {table} FROM {location}/{path.name} FILE_FORMAT=(TYPE=PARQUET USE_LOGICAL_TYPE=TRUE) "
            "MATCH_BY_COLUMN_NAME=CASE_INSENSITIVE ON_ERROR=ABORT_STATEMENT"
        )
        self._verify(file, path.name, table, rows_loaded(copied))
        return file.rows

    def _verify(self, file: StagedFile, name: str, table: str, loaded: int) -> None:
        """Compare rows and the ends of every timestamp column, which a wrong unit or zone moves."""
        ends = "".join(f", MIN({checked(column)}), MAX({checked(column)})" for column in file.spans)
        try:
            held, *found = self.execute(f"SELECT COUNT(*){ends} FROM {table}")[0]
        except StatementFailed as error:  # a year that no date has cannot even be answered
            raise _moved(name) from error
        if {loaded, int(held)} != {file.rows}:
            raise Incomplete(
                f"{name} has {file.rows} rows, but COPY says {loaded} and the table holds {held}; nothing was written.",
                help="Run again.",
            )
        spans: list[Span] = list(zip(found[::2], found[1::2], strict=True))
        if spans != list(file.spans.values()):
            raise _moved(name)

    def load(self, run: Run, batch: Batch) -> Counts:
        """Load one staged file, then take it off the stage."""
        with self.about(batch.object):
            counts = super().load(run, batch)
            self._remove(f"{self.location(run, batch.object)}/{batch.path.name}")
        return counts

    def mark_deleted(self, run: Run, object: str, ids: Path) -> int:
        """Treat the rows with these Ids as deleted."""
        with self.about(object):
            return super().mark_deleted(run, object, ids)

    def differing(
        self, object: str, values: Path, columns: Sequence[Column], extensions: Sequence[str]
    ) -> tuple[str, ...]:
        """Ids of live rows and duplicates that hold other values."""
        with self.about(object):
            return super().differing(object, values, columns, extensions)

    def fill(self, names: Names, suffix: str, parquet: Path) -> None:
        """PUT the file and COPY it."""
        self._brought(parquet, f"__lists/{names.table}", names.of(suffix))

    def stage_values(self, names: Names, values: Path, columns: Sequence[Column]) -> None:
        """PUT the file and COPY it; JSON is opened, so that it is compared as what it says."""
        table, json = names.of("values"), {c.name for c in columns if c.snowflake == "VARIANT"}
        staged = names.of("values_text") if json else table
        holds = ", ".join(f"{c.name} {staged_type(c)}" for c in columns)
        self.execute(f"CREATE OR REPLACE TRANSIENT TABLE {staged} ({holds})")
        self._brought(values, f"__values/{names.table}", staged, columns)
        if json:
            opened = ", ".join(f"PARSE_JSON({c.name}) AS {c.name}" if c.name in json else c.name for c in columns)
            self.execute(f"CREATE OR REPLACE TRANSIENT TABLE {table} AS SELECT {opened} FROM {staged}")

    def _brought(self, path: Path, folder: str, table: str, columns: Sequence[Column] = ()) -> None:
        location = self._folder(folder)
        try:
            self._copy(path, location, table, columns)
        finally:
            self._remove(f"{location}/{path.name}")

    def _drop_work_of(self, names: Names) -> None:
        super()._drop_work_of(names)
        for suffix in ("staged", "values", "values_text"):
            self.execute(f"DROP TABLE IF EXISTS {names.of(suffix)}")


def staged_type(column: Column) -> str:
    """The type of a staged column: COPY would make a VARIANT string of JSON, which only PARSE_JSON opens."""
    return "VARCHAR" if column.snowflake == "VARIANT" else column.snowflake


def rows_loaded(copied: Rows) -> int:
    """How many rows COPY says that it loaded; 0 where it found no file, or one that the table had already."""
    if "rows_loaded" not in copied.columns:
        return 0
    at = copied.columns.index("rows_loaded")
    return sum(int(row[at]) for row in copied.rows)


def _moved(name: str) -> Incomplete:
    return Incomplete(
        f"Timestamps of {name} are other ones in Snowflake; nothing was written.",
        help="Report it with the run's folder: Parquet's logical types or the session's time zone are not honoured.",
    )


def put_path(path: Path) -> str:
    """The path in PUT's quotes, where a quote and a backslash need an escape.

    ConfigurationError for a path that PUT would take for a pattern, and so send other files too.
    """
    if set("*?") & set(str(path.resolve())):
        raise ConfigurationError(
            f"{path.resolve()} cannot be sent to Snowflake: PUT takes * and ? for patterns.",
            help="Name another folder as `paths.state` in durable.toml.",
        )
    return str(path.resolve()).replace("\\", "\\\\").replace("'", "\\'")

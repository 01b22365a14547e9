"""A target of two objects in each mode and layout, and files staged as a run stages them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from durable_runtime.spec import Column, Statements, Target
from durable_runtime.warehouse import sample
from durable_runtime.warehouse.base import Batch, ObjectLoad, Run
from durable_runtime.warehouse.dialect import SNOWFLAKE, Dialect, Names, column_type, stage_columns
from functional.mode_models import Read
from functional.mode_source import Record

START = datetime.fromisoformat("2026-01-01T02:00:00.123456")
TICK = timedelta(minutes=10)
ADDED = Column("rating", "VARCHAR", "VARCHAR", "Rating__c")
WINNER = Column("winner_id", "VARCHAR", "VARCHAR")
OWN = {"Account": sample.ACCOUNT[:1], "Contact": sample.CONTACT}
TABLES = {"Account": "account", "Contact": "contact"}
SCHEMA, TABLE = "analytics", "customers"


def moment(tick: int) -> datetime:
    """When a tick of the source's clock is."""
    return START + tick * TICK


@dataclass(frozen=True)
class Form:
    """What a spec makes of the target; `wide` is the later version, which has one more column an object."""

    mode: str
    layout: str
    deletes: str
    keep: str = "latest"
    wide: bool = False

    @property
    def name(self) -> str:
        """Mode, layout and deletes."""
        return f"{self.mode}-{self.layout}-{self.deletes}"

    @property
    def dedupes(self) -> bool:
        """Whether Contacts are deduplicated: not where each version is kept."""
        return self.mode in ("upsert", "replace")

    def own(self, name: str) -> tuple[Column, ...]:
        """An object's mapped columns."""
        return (*OWN[name], *((ADDED,) if self.wide else ()))

    def table(self, name: str) -> str:
        """The table that holds an object's rows."""
        return TABLE if self.layout == "unified" else TABLES[name]

    def columns(self, *names: str) -> tuple[Column, ...]:
        """The columns of the table of these objects."""
        head = sample.HEAD if self.layout == "unified" else sample.HEAD[1:]
        own = dict.fromkeys(column for name in names for column in self.own(name))
        return sample.with_versions((*head, *sample.REASON, *own, *sample.TAIL), self.mode)

    def target(self, dialect: Dialect) -> Target:
        """The target with its statements."""
        database, schema = ("CRM", SCHEMA.upper()) if dialect is SNOWFLAKE else (None, SCHEMA)
        spelt = f"{database}.{schema}" if database else schema
        if self.layout == "unified":
            names, columns = Names(dialect, spelt, TABLE), self.columns(*OWN)
            made = {name: Statements(partial(_merge, names, self.own(name), columns, self.mode)) for name in OWN}
            return Target(dialect.name, database, schema, TABLE, columns, _create(names, columns), made)
        made = {}
        for name, table in TABLES.items():
            names, columns = Names(dialect, spelt, table), self.columns(name)
            merge = partial(_merge, names, self.own(name), columns, self.mode)
            made[name] = Statements(merge, table, columns, _create(names, columns))
        return Target(dialect.name, database, schema, "", (), (), made)

    def loads(self, dialect: Dialect) -> tuple[ObjectLoad, ...]:
        """How each object enters."""
        created = {"Contact": "created_date"}
        statements = self.target(dialect).objects
        return tuple(
            ObjectLoad(
                name, partial(statements[name].merge, ()), self.own(name), self.dedupes and name == "Contact",
                self.keep, created.get(name),
            )
            for name in OWN
        )  # fmt: skip


def _create(names: Names, columns: Sequence[Column]) -> tuple[str, ...]:
    tables = {"": columns, "duplicates": (*columns, WINNER), "rejects": sample.REJECTS}
    return tuple(
        f"CREATE TABLE IF NOT EXISTS {names.of(suffix)} "
        f"({', '.join(f'{c.name} {column_type(c, names.dialect)}' for c in holds)})"
        for suffix, holds in tables.items()
    )


def _merge(
    names: Names, own: Sequence[Column], columns: Sequence[Column], mode: str, _fields: Sequence[str],
    table: str | None = None,
) -> str:  # fmt: skip
    return sample.merge(table or names.of(), names.dialect, own, columns, mode)


class Stager:
    """Writes staged files; one connection serves them all, since opening one costs more than a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = duckdb.connect()

    def close(self) -> None:
        """Let go of the connection."""
        self.database.close()

    def batch(self, form: Form, run: Run, name: str, records: Sequence[Record], number: int, **state: Any) -> Batch:
        """One staged file of an object."""
        columns = stage_columns(form.own(name))
        path = self.folder / f"{run.run_id}-{name}-{number}.parquet"
        self.database.execute(
            f"CREATE OR REPLACE TEMP TABLE staged ({', '.join(f'{c.name} {c.duckdb}' for c in columns)})"
        )
        rows = [row_of(form, name, record, run) for record in records]
        if rows:
            marks = ", ".join("?" for _ in columns)
            values = [row[c.name] for row in rows for c in columns]
            self.database.execute(f"INSERT INTO staged VALUES {', '.join(f'({marks})' for _ in rows)}", values)
        self.database.execute(f"COPY staged TO '{path}' (FORMAT parquet)")
        return Batch(name, number, path, len(rows), content=digest(form, name, records), **state)


def values_of(form: Form, name: str, record: Record) -> dict[str, Any]:
    """The record's mapped columns."""
    added = {"rating": record.added} if form.wide else {}
    if name == "Account":
        return {"name": record.name, **added}
    return {"email": record.name, "created_date": moment(record.created), **added}


def extensions_of(record: Record) -> str | None:
    """What has no column, as the JSON text that a run stages."""
    return None if record.extra is None else json.dumps({"Colour__c": record.extra})


def key_of(form: Form, name: str, record: Record) -> str | None:
    """The dedupe key, which only a live row has."""
    return record.key if form.dedupes and name == "Contact" and record.outcome == "live" else None


def read_of(form: Form, name: str, record: Record) -> Read:
    """The record as the model takes it."""
    return Read(
        record.id, moment(record.stamp), record.outcome, values_of(form, name, record), hash_of(form, name, record),
        key_of(form, name, record), extensions_of(record), record.rule, record.name, moment(record.created),
    )  # fmt: skip


def hash_of(form: Form, name: str, record: Record) -> str:
    """What tells the content of a row."""
    content = (record.outcome, record.rule, record.stamp, extensions_of(record), key_of(form, name, record))
    text = repr((record.id, content, sorted(values_of(form, name, record).items())))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def digest(form: Form, name: str, records: Iterable[Record]) -> str:
    """What tells a batch's content, whatever the order of its rows."""
    hashes = sorted((record.id, hash_of(form, name, record)) for record in records)
    return hashlib.md5(repr(hashes).encode(), usedforsecurity=False).hexdigest()


def row_of(form: Form, name: str, record: Record, run: Run) -> dict[str, Any]:
    """A staged row."""
    rejected = record.outcome == "rejected"
    return {
        "source_object": name,
        "source_id": record.id,
        "source_modified_at": moment(record.stamp),
        "is_deleted": record.outcome == "deleted",
        "__created_at": moment(record.created),
        **values_of(form, name, record),
        "dedupe_key": key_of(form, name, record),
        "extensions": extensions_of(record),
        "row_hash": hash_of(form, name, record),
        "__outcome": record.outcome,
        "__rule": record.rule if rejected else None,
        "__requirement": "R1.2" if rejected else None,
        "__message": f"{record.rule} does not hold" if rejected else None,
        "__record": json.dumps({"Name": record.name}) if rejected else None,
        "loaded_at": moment(record.stamp),
        "run_id": run.run_id,
        "pipeline_version": run.pipeline_version,
    }

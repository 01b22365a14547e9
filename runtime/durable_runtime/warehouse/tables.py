"""The tables that a load needs: what they lack is created, added or widened before anything is loaded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from durable_runtime.spec import Target
from durable_runtime.warehouse.base import UPSERT, Loaded, ObjectLoad, Write
from durable_runtime.warehouse.catalog import look
from durable_runtime.warehouse.dialect import DUCKDB, Names, checked, names_of
from durable_runtime.warehouse.evolution import ADD, CREATE, Change, Wanted, compare, refuse, wanted
from durable_runtime.warehouse.modes import steps_of
from durable_runtime.warehouse.steps import Steps
from durable_runtime.warehouse.switching import COMPANIONS


class TargetTables(ABC):
    """The part of a SQL warehouse that knows its tables; the rest of it runs the statements."""

    target: Target
    names: Names
    schema_name: str
    beside: str
    write: Write
    steps: dict[str, Steps]

    @abstractmethod
    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement with `?` for each value and return its rows; raises classified errors."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; whatever goes wrong rolls back and goes on as it is."""

    @abstractmethod
    def own_names(self, name: str) -> Names:
        """The names of the table that takes an object's rows: the target's, or those beside it."""

    @abstractmethod
    def load_names(self, name: str) -> Names:
        """The names of the table that an object is loaded into."""

    @abstractmethod
    def pipeline_key(self, pipeline: str) -> str:
        """How the control tables call the pipeline."""

    def prepare(self, loads: Sequence[ObjectLoad], write: Write = UPSERT) -> tuple[str, ...]:
        """Create what is missing, widen what is there, and return the added columns.

        Raises TargetUnfit, before anything is written, for what cannot be done without a loss.
        """
        self.begin_write(loads, write)
        changes = self.changes(loads)
        refuse(changes)
        for statement in (*self.create_schema(), *(one.statement for one in changes if one.statement)):
            self.execute(statement)
        added = (str(one.column) for one in changes if one.kind == ADD and not self._is_control(one.table))
        return tuple(dict.fromkeys(added))

    def begin_write(self, loads: Sequence[ObjectLoad], write: Write) -> None:
        """Settle which statements load each object."""
        self.write = write
        self.steps = {load.object: self._steps(load, self.load_names(load.object)) for load in loads}

    def changes(self, loads: Sequence[ObjectLoad]) -> tuple[Change, ...]:
        """What the tables need before such a load; nothing is written."""
        tables = self.wanted_tables([load.object for load in loads])
        found = compare(tables, look(self.execute, self.names, tables), self.names.dialect)
        if not self.beside:
            return found
        # What is in use is left alone as long as another version is only tried beside it.
        in_use = {wanted(statement).path for place in self.target.places() for statement in place.create}
        return tuple(one for one in found if one.kind == CREATE or one.table not in in_use)

    def wanted_tables(self, objects: Sequence[str]) -> list[Wanted]:
        """The tables of the package and those of every run; tables beside the target have its form."""
        tables = {one.name: one for place in self.target.places() for one in map(wanted, place.create)}
        for name in objects if self.beside else ():
            names, plain = self.own_names(name), self._plain_names(name)
            for suffix in COMPANIONS:
                form = tables[plain.of(suffix).rpartition(".")[2]]
                rows = f"SELECT * FROM {plain.of(suffix)} WHERE 1 = 0"
                create = f"CREATE TABLE IF NOT EXISTS {names.of(suffix)} AS {rows}"
                beside = Wanted(names.of(suffix), form.columns, create)
                tables[beside.name] = beside
        return [*tables.values(), *map(wanted, self.names.create_control())]

    def loaded_as(self, pipeline: str) -> dict[str, Loaded]:
        """How each object was loaded that ever was, before `prepare` too; nothing is written."""
        control = wanted(self.names.create_control("durable_state")[0])
        if control.name not in look(self.execute, self.names, [control]):
            return {}
        rows = self.execute(
            f"SELECT object, organization_id, row_function FROM {control.path} WHERE pipeline = ?",
            (self.pipeline_key(pipeline),),
        )
        return {name: Loaded(*how) for name, *how in rows}

    def read_anew(self, pipeline: str, objects: Sequence[str]) -> None:
        """Let the next read of these objects be a whole one that writes every live row, whatever becomes of this run.

        Without its hash no row is taken for the same as what is read.
        """
        state, key = self.names.control("durable_state"), self.pipeline_key(pipeline)
        with self.transaction():
            for name in objects:
                forget = f"UPDATE {state} SET row_function = NULL WHERE pipeline = ? AND object = ?"
                self.execute(forget, (key, name))
                for statement in self._without_hashes(name):
                    self.execute(statement)

    def _without_hashes(self, name: str) -> list[str]:
        columns = [column.name for column in self.target.place(name).columns]
        mine = f" AND source_object = '{checked(name)}'" if "source_object" in columns else ""
        current = " AND is_current" if "is_current" in columns else ""
        return [
            f"UPDATE {self.own_names(name).of(suffix)} SET row_hash = NULL WHERE NOT is_deleted{current}{mine}"
            for suffix in ("", "duplicates")
        ]

    def create_schema(self) -> list[str]:
        """The statement that creates the schema, where that is a run's business."""
        return [f"CREATE SCHEMA IF NOT EXISTS {self.names.schema}"] if self.names.dialect is DUCKDB else []

    def _steps(self, load: ObjectLoad, names: Names) -> Steps:
        columns = tuple(c.name for c in self.target.place(load.object).columns)
        return steps_of(names, columns, load, self.write)

    def _plain_names(self, name: str) -> Names:
        return names_of(self.target, self.names.dialect, self.schema_name, self.target.place(name).table)

    def _is_control(self, table: str) -> bool:
        return table.startswith(self.names.control("durable_"))

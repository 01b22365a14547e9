"""What the spec says about an object's records, as DuckDB SQL over its columns: filter, derived, computed, checks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from durable_compiler import conditions_sql, expressions
from durable_compiler.catalogue import FieldSchema, Snapshot
from durable_compiler.expression_types import CONDITIONS, Mismatch, Typed, condition, fields_of, moves, typed, violation
from durable_compiler.expressions import Sql, identifier, source
from durable_compiler.ir import Check, Computed, Derived, Expression, FieldRef, Pipeline, SourceObject
from durable_compiler.layout import TEXT_TYPE, TYPES, MappedColumn, mask_of, reached, scalar_kind
from durable_compiler.mapped_values import SENT, as_sent
from durable_compiler.soql import superset

SYSTEM = {"Id": ("source_id", "text"), "SystemModstamp": ("source_modified_at", "timestamp"),
          "IsDeleted": ("is_deleted", "boolean")}  # fmt: skip
CASTS = {"text": "VARCHAR", "integer": "BIGINT", "number": "DECIMAL(38,18)", "boolean": "BOOLEAN", "date": "DATE",
         "timestamp": "TIMESTAMP", "time": "TIME", "json": "JSON"}  # fmt: skip
TRUE = Typed("literal", "boolean", value=True)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # a superset that the day does not move is the same at any time


@dataclass(frozen=True)
class Hidden:
    """A related object's field that rules need and no column holds; it lives inside the SELECT only."""

    path: str
    name: str
    kind: str
    value: Sql


@dataclass(frozen=True)
class Made:
    """A column that no field fills: its SQL, and the condition under which the result does not fit its type."""

    column: MappedColumn
    value: Sql
    misfit: Sql | None


@dataclass(frozen=True)
class Rules:
    """The rules of one object; every method raises Mismatch for an expression without a meaning."""

    pipeline: Pipeline
    snapshot: Snapshot
    source: SourceObject
    columns: tuple[MappedColumn, ...]

    @cached_property
    def by_field(self) -> dict[str, MappedColumn]:
        """Field or path → its column."""
        return {one.field: one for one in self.columns if one.field}

    @cached_property
    def zone(self) -> str:
        """The zone of `today` and of days."""
        return self.pipeline.schedule.timezone if self.pipeline.schedule else "UTC"

    @cached_property
    def filter(self) -> Expression | None:
        """The condition of the records that are wanted."""
        return None if self.source.where is None else as_sent(self.pipeline, self.source.where)

    @cached_property
    def expressions(self) -> tuple[Expression, ...]:
        """Every expression about the object's records."""
        name = self.source.name
        found = (
            *((self.source.where,) if self.source.where is not None else ()),
            *(case.when for one in self.pipeline.derived if one.object == name for case in one.cases),
            *(one.expression for one in self.pipeline.computed if one.object == name),
            *(one.condition for one in self.pipeline.checks if one.object == name),
        )
        return tuple(as_sent(self.pipeline, one) for one in found)

    @cached_property
    def used(self) -> tuple[str, ...]:
        """Every field and path that an expression uses, once."""
        return tuple(dict.fromkeys(one.path or one.name for whole in self.expressions for one in fields_of(whole)))

    @cached_property
    def hidden(self) -> tuple[Hidden, ...]:
        """The paths among them that have no column, and fields as they were before their value map."""
        paths = (one for one in self.used if "." in one and one not in self.by_field)
        sent = (one for one in self.used if one.endswith(SENT))
        return (*map(self._hidden, paths), *map(self._sent, sent))

    @cached_property
    def lookups(self) -> tuple[str, ...]:
        """The paths that are read."""
        return tuple(dict.fromkeys((*(one.field for one in self.columns if "." in one.field),
                                    *(one.path for one in self.hidden if "." in one.path))))  # fmt: skip

    @property
    def moves(self) -> bool:
        """Whether values change with the day, which leaves no stamp anywhere."""
        return any(map(moves, self.expressions))

    @property
    def depends_on_zone(self) -> bool:
        """Whether another schedule zone could give other rows."""
        kinds = {self.kind_of(one) for whole in self.expressions for one in fields_of(whole)}
        return any(map(moves, self.expressions)) or "timestamp" in kinds

    def _hidden(self, path: str) -> Hidden:
        found = reached(self.snapshot, self.source.name, path)
        if found is None or mask_of(self.pipeline, found[0], found[1].name) == "drop":
            raise Mismatch(f"{path} is not among the fields that are read")
        kind = TYPES.get(found[1].type, TEXT_TYPE)[0]
        reader = expressions.READERS.get(kind)
        value = Sql(f"{reader[0]}({source(path)})") if reader else source(path)
        return Hidden(path, f"__of_{re.sub(r'[^a-z0-9]+', '_', path.lower())}", kind, value)

    def _sent(self, path: str) -> Hidden:
        column = self.by_field[path.removesuffix(SENT)]
        return Hidden(path, f"__sent_{column.name}", "text", expressions.cleaned_text(column, self.pipeline))

    def kind_of(self, one: FieldRef) -> str | None:
        """The kind of a field's value as rules see it; None for one that is not read."""
        if one.path is not None and one.path.endswith(SENT):
            return "text" if one.name in self.by_field else None
        if one.path is not None:
            column = self.by_field.get(one.path)
            return column.kind if column else self._hidden(one.path).kind
        if one.name in SYSTEM:
            return SYSTEM[one.name][1]
        column = self.by_field.get(one.name) if one.object == self.source.name else None
        return column.kind if column else None

    def name_of(self, one: FieldRef) -> str:
        """What a field is called in the SELECT."""
        key = one.path or one.name
        if key in self.by_field:
            return identifier(self.by_field[key].name)
        return SYSTEM[key][0] if key in SYSTEM else next(other.name for other in self.hidden if other.path == key)

    def sql(self, one: Typed) -> Sql:
        """DuckDB's form of a settled expression."""
        return conditions_sql.duckdb(one, self.name_of, self.zone)

    def truth(self, one: Expression) -> Sql:
        """A condition, which is never null."""
        found = condition(one, self.kind_of)
        return self.sql(found if found.op in CONDITIONS else Typed("eq", "boolean", (found, TRUE)))

    @cached_property
    def where(self) -> Sql | None:
        """The filter."""
        return None if self.filter is None else self.truth(self.filter)

    @cached_property
    def where_fields(self) -> tuple[str, ...]:
        """The fields that the filter looks at: one that cannot be read rejects the record instead."""
        found = fields_of(self.filter) if self.filter is not None else ()
        return tuple(dict.fromkeys(one.path or one.name for one in found))

    @cached_property
    def first(self) -> str | None:
        """SOQL for what a first load reads: at least what the filter keeps, if the day is nothing to it."""
        if self.filter is None or moves(self.filter):
            return None
        now = LONG_AGO.astimezone(ZoneInfo(self.zone))
        return superset(condition(self.filter, self.kind_of), self._untouched, now)

    def _untouched(self, one: FieldRef) -> FieldSchema | None:
        """The field if rules see what Salesforce sent."""
        if one.path is not None:
            return None
        column, schema = self.by_field.get(one.name), self.snapshot.by_name[self.source.name].field(one.name)
        if column is None or schema is None or column.kind != TYPES.get(schema.type, TEXT_TYPE)[0]:
            return None
        plain = expressions.value(column, self.pipeline) == _unshaped(column)
        return schema if plain else None

    def broken(self, check: Check) -> Sql:
        """The condition under which a check is broken; a missing value breaks none."""
        return self.truth(violation(as_sent(self.pipeline, check.condition)))

    def made(self) -> Iterator[Made]:
        """The derived and computed columns, in the order of the layout."""
        columns = {one.name: one for one in self.columns if not one.field}
        for column in columns.values():
            derived = self._derived(column)
            if derived is not None:
                yield Made(column, self._cases(derived), None)
            else:
                yield self._computed(column)

    def _derived(self, column: MappedColumn) -> Derived | None:
        return next((one for one in self.pipeline.derived if self._is(one, column)), None)

    def _is(self, one: Derived | Computed, column: MappedColumn) -> bool:
        return one.object == self.source.name and one.column == column.label

    def _cases(self, one: Derived) -> Sql:
        values = (*(case.value for case in one.cases), one.otherwise)
        kind = scalar_kind(values)
        whens = " ".join(
            f"WHEN {self.truth(as_sent(self.pipeline, case.when))} THEN {_value(kind, case.value)}"
            for case in one.cases
        )
        otherwise = _value(kind, one.otherwise)
        chosen = f"CASE {whens}{'' if one.otherwise is None else f' ELSE {otherwise}'} END" if whens else otherwise
        return Sql(f"CAST({chosen} AS {CASTS[kind]})")

    def _computed(self, column: MappedColumn) -> Made:
        one = next(one for one in self.pipeline.computed if self._is(one, column))
        found = typed(as_sent(self.pipeline, one.expression), self.kind_of)
        value = self.sql(_converted(found, column.kind))
        if found.kind == column.kind == "number" and column.duckdb == CASTS["number"]:
            return Made(column, Sql(f"CAST({value} AS {column.duckdb})"), None)
        if column.kind in ("integer", "number"):
            fitted = f"TRY_CAST({value} AS {column.duckdb})"
            exact = Sql(f"CASE WHEN {fitted} = {value} THEN {fitted} END")
            if column.kind == "integer":
                exact = Sql(f"whole({value})")
            return Made(column, exact, Sql(f"{value} IS NOT NULL AND {identifier(column.name)} IS NULL"))
        return Made(column, Sql(f"CAST({value} AS {CASTS[column.kind]})"), None)


# kind of the expression, kind of the column -> what stands between them
_CONVERSIONS = {("timestamp", "date"): "local_date"}


def _converted(one: Typed, kind: str) -> Typed:
    """The expression as the column's kind. Raises Mismatch where no conversion is exact."""
    wanted = "number" if kind == "integer" else kind
    if one.kind in (wanted, "null"):
        return one
    if wanted == "text" and one.kind in ("number", "boolean", "date", "timestamp"):
        return Typed("as_text", "text", (one,))
    if (one.kind, wanted) in _CONVERSIONS:
        return Typed(_CONVERSIONS[one.kind, wanted], wanted, (one,))
    raise Mismatch(f"a {one.kind} is no {kind}")


def _value(kind: str, scalar: bool | float | str | None) -> Sql:
    if scalar is None:
        return Sql("NULL")
    return expressions.constant(kind, str(scalar) if kind == "text" and not isinstance(scalar, str) else scalar)


def _unshaped(column: MappedColumn) -> Sql:
    reader = expressions.READERS.get(column.kind)
    return Sql(f"{reader[0]}({source(column.field)})") if reader else source(column.field)

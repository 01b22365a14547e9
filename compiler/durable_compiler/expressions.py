"""The DuckDB expressions that a field passes through, built from closed pieces; nothing here takes SQL from a spec."""

from __future__ import annotations

import re

from durable_compiler.ir import EnumMap, Mapping, Pipeline
from durable_compiler.layout import MappedColumn


class Sql(str):
    """Text that is SQL already: made here and in the templates' filters only, never from a requirement."""

    __slots__ = ()


# kind -> the macro that reads landed text exactly, and the one that says whether it can
READERS = {
    "number": ("read_number", "number_fits"),
    "integer": ("read_integer", "integer_fits"),
    "boolean": ("read_boolean", "boolean_fits"),
    "date": ("read_date", "date_fits"),
    "timestamp": ("read_timestamp", "timestamp_fits"),
    "time": ("read_time", "time_fits"),
}
RULES = {"number": "number_does_not_fit", "integer": "number_does_not_fit"}
TRANSFORMS = {"trim": "nullif(trim({0}), '')", "lower": "lower({0})", "upper": "upper({0})"}


def identifier(name: str) -> Sql:
    """A column or table name that needs no quotes in any dialect. Raises ValueError for anything else."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){0,2}", name):
        raise ValueError(f"not a plain SQL name: {name!r}")
    return Sql(name)


def source(name: str) -> Sql:
    """A landed field, quoted, because API names keep their case."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]*", name):
        raise ValueError(f"not a Salesforce field name: {name!r}")
    return Sql(f'"{name}"')


def text(value: str) -> Sql:
    """A string literal."""
    return Sql("'" + value.replace("'", "''") + "'")


def value(column: MappedColumn, pipeline: Pipeline) -> Sql:
    """The column's value from the landed text: cleaned, then mapped."""
    enum = enum_of(column, pipeline)
    cleaned = _cleaned(column, pipeline)
    if enum is not None:
        return _enum(cleaned, enum)
    if column.kind in READERS:
        return Sql(f"{READERS[column.kind][0]}({cleaned})")
    return cleaned


def misfit(column: MappedColumn, pipeline: Pipeline) -> tuple[Sql, str] | None:
    """(condition under which the landed text does not fit the column, name of the rule), or None for text."""
    enum = enum_of(column, pipeline)
    if enum is not None and enum.otherwise is None:
        values = ", ".join(text(one) for one in enum.values)
        cleaned = _cleaned(column, pipeline)
        return Sql(f"{cleaned} IS NOT NULL AND {cleaned} NOT IN ({values})"), "enum"
    if enum is not None or column.kind not in READERS:
        return None
    return Sql(f"NOT {READERS[column.kind][1]}({source(column.field)})"), RULES.get(column.kind, "value_does_not_fit")


def enum_of(column: MappedColumn, pipeline: Pipeline) -> EnumMap | None:
    """The value map of this column, if the spec has one."""
    return next((one for one in pipeline.enums if (one.object, one.field) == (column.object, column.field)), None)


def mapping_of(column: MappedColumn, pipeline: Pipeline) -> Mapping | None:
    """The clean-up of this column, if the spec has one."""
    return next((one for one in pipeline.mappings if (one.object, one.field) == (column.object, column.field)), None)


def _cleaned(column: MappedColumn, pipeline: Pipeline) -> Sql:
    """The landed text after the clean-ups of the spec; a number, date or boolean has no case and no spaces to clean."""
    mapping = mapping_of(column, pipeline) if column.kind not in READERS else None
    cleaned = str(source(column.field))
    for transform in mapping.transforms if mapping else ():
        cleaned = TRANSFORMS[transform].format(cleaned)
    return Sql(cleaned)


def _enum(cleaned: Sql, enum: EnumMap) -> Sql:
    whens = " ".join(f"WHEN {text(key)} THEN {text(one)}" for key, one in enum.values.items())
    otherwise = f" WHEN {cleaned} IS NOT NULL THEN {text(enum.otherwise)}" if enum.otherwise is not None else ""
    cases = " ".join(f"WHEN {cleaned} = {text(key)} THEN {text(one)}" for key, one in enum.values.items())
    return Sql(f"CASE {cases}{otherwise} END" if otherwise else f"CASE {cleaned} {whens} END")

"""The DuckDB expressions that a field passes through, built from closed pieces; nothing here takes SQL from a spec."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

from durable_compiler.ir import Blank, Default, EnumMap, Mapping, Pipeline, Scalar
from durable_compiler.layout import TYPES, MappedColumn

_Entry = TypeVar("_Entry", Blank, Default)


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
    "json": ("read_json", "json_fits"),
}
RULES = {"number": "number_does_not_fit", "integer": "number_does_not_fit"}
TRANSFORMS = {
    "trim": "nullif(trim({0}), '')",
    "lower": "lower({0})",
    "upper": "upper({0})",
    "digits": "digits_of({0})",
    "e164": "e164({0})",  # looks up what durable_runtime.phones made of the text: no matter of SQL
}
PLAIN_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,18})?")


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
    """The column's value from the landed text: blanks taken out, cleaned, read, mapped, defaults put in."""
    enum, default = enum_of(column, pipeline), _entry(pipeline.defaults, column)
    cleaned = cleaned_text(column, pipeline)
    found = _enum(cleaned, enum) if enum is not None else _read(column, cleaned)
    if default is None:
        return found
    whole = f"coalesce({found}, {_default(column, default)})"
    return Sql(f"TRY_CAST({whole} AS {_decimal(column)})" if _decimal(column) else whole)


def misfit(column: MappedColumn, pipeline: Pipeline) -> tuple[Sql, str] | None:
    """(condition under which the landed text does not fit the column, name of the rule), or None for text."""
    enum, cleaned = enum_of(column, pipeline), cleaned_text(column, pipeline)
    if enum is not None and enum.otherwise is None:
        values = ", ".join(text(one) for one in enum.values)
        return Sql(f"{cleaned} IS NOT NULL AND {cleaned} NOT IN ({values})"), "enum"
    if enum is not None or column.kind not in READERS:
        return None
    rule = RULES.get(column.kind, "value_does_not_fit")
    if _decimal(column):
        exact = f"{_read(column, cleaned)} = read_number({cleaned})"
        return Sql(f"NOT coalesce({exact}, {cleaned} IS NULL)"), rule
    return Sql(f"NOT {READERS[column.kind][1]}({cleaned})"), rule


def _read(column: MappedColumn, cleaned: Sql) -> Sql:
    if column.kind not in READERS:
        return cleaned
    reading = f"{READERS[column.kind][0]}({cleaned})"
    return Sql(f"TRY_CAST({reading} AS {_decimal(column)})" if _decimal(column) else reading)


def _decimal(column: MappedColumn) -> str | None:
    """The DECIMAL(p,s) that the spec asked for; None for the usual ones."""
    return column.duckdb if column.kind == "number" and column.duckdb not in ("DECIMAL(38,18)", "VARCHAR") else None


def constant(kind: str, scalar: Scalar) -> Sql:
    """A value of the spec as a constant of that kind. Raises Mismatch for one that is none."""
    from durable_compiler import conditions_sql
    from durable_compiler.expression_types import typed
    from durable_compiler.ir import Literal_

    if kind in ("time", "json"):
        return Sql(f"CAST({text(str(scalar))} AS {kind.upper()})")
    literal = typed(Literal_(value=scalar, type=kind), lambda _: None)
    return conditions_sql.duckdb(literal, lambda one: one.name, "UTC")


def _default(column: MappedColumn, default: Default) -> Sql:
    return constant(column.kind, default.value)


def enum_of(column: MappedColumn, pipeline: Pipeline) -> EnumMap | None:
    """The value map of this column, if the spec has one."""
    return next((one for one in pipeline.enums if (one.object, one.field) == (column.object, column.field)), None)


def mapping_of(column: MappedColumn, pipeline: Pipeline) -> Mapping | None:
    """The clean-up of this column, if the spec has one."""
    return next((one for one in pipeline.mappings if (one.object, one.field) == (column.object, column.field)), None)


def _entry(entries: tuple[_Entry, ...], column: MappedColumn) -> _Entry | None:
    return next((one for one in entries if (one.object, one.field) == (column.object, column.field)), None)


def cleaned_text(column: MappedColumn, pipeline: Pipeline) -> Sql:
    """The landed text after blanks and clean-ups; what Salesforce sends as a number or date has nothing to clean."""
    return _cleaned(_without_blanks(column, pipeline), _clean_ups(column, pipeline))


def phone_text(column: MappedColumn, pipeline: Pipeline) -> Sql | None:
    """What is read as a telephone number: the landed text after all clean-ups before that; None for other columns."""
    steps = _clean_ups(column, pipeline) if column.field else ()
    return _cleaned(_without_blanks(column, pipeline), steps[: steps.index("e164")]) if "e164" in steps else None


def _cleaned(text_of: Sql, steps: Iterable[str]) -> Sql:
    for step in steps:
        text_of = Sql(TRANSFORMS[step].format(text_of))
    return text_of


def _clean_ups(column: MappedColumn, pipeline: Pipeline) -> tuple[str, ...]:
    """The field's own, and the convention for telephone numbers unless the spec wants this one's digits alone."""
    mapping = mapping_of(column, pipeline) if column.source_type not in TYPES else None
    own: tuple[str, ...] = mapping.transforms if mapping else ()
    plain = column.source_type == "phone" and column.kind == "text" and not {"e164", "digits"} & set(own)
    return (*own, "e164") if pipeline.conventions.phones is not None and plain else own


def _without_blanks(column: MappedColumn, pipeline: Pipeline) -> Sql:
    field, blank = source(column.field), _entry(pipeline.blanks, column)
    if blank is None or not blank.values:
        return field
    kept = f"{field} NOT IN ({', '.join(map(text, blank.values))})"
    numbers = [one for one in blank.values if PLAIN_NUMBER.fullmatch(one)]
    if numbers and column.source_type in TYPES and TYPES[column.source_type][0] in ("number", "integer"):
        kept += f" AND coalesce(read_number({field}) NOT IN ({', '.join(numbers)}), TRUE)"  # 0.0 is 0
    return Sql(f"CASE WHEN {kept} THEN {field} END")


def _enum(cleaned: Sql, enum: EnumMap) -> Sql:
    whens = " ".join(f"WHEN {text(key)} THEN {text(one)}" for key, one in enum.values.items())
    otherwise = f" WHEN {cleaned} IS NOT NULL THEN {text(enum.otherwise)}" if enum.otherwise is not None else ""
    cases = " ".join(f"WHEN {cleaned} = {text(key)} THEN {text(one)}" for key, one in enum.values.items())
    return Sql(f"CASE {cases}{otherwise} END" if otherwise else f"CASE {cleaned} {whens} END")

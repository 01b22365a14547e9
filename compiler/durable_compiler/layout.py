"""From Salesforce fields to the target's columns: names, types, and which objects share a column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from durable_compiler.catalogue import SYSTEM_FIELDS, FieldSchema, Snapshot
from durable_compiler.ir import Pipeline

# Reserved in DuckDB 2 (duckdb_keywords()) or in Snowflake (docs: reserved keywords, but for those that SHOW alone
# refuses, such as ACCOUNT); such a name gets a trailing `_`.
RESERVED = frozenset(
    """
    all alter analyse analyze and anti any array as asc asof asymmetric at authorization between binary both by
    case cast check collate collation column concurrently connect constraint create cross current current_date
    current_time current_timestamp current_user default deferrable delete desc describe distinct do drop else
    end except exists false fetch following for foreign freeze from full generated glob grant group having ilike
    in increment initially inner insert intersect into is isnull join lambda lateral leading left like limit
    localtime localtimestamp map minus natural not notnull null of offset on only or order outer overlaps pivot
    pivot_longer pivot_wider placing positional primary qualify references regexp returning revoke right rlike
    row rows sample select semi set show similar some start struct summarize symmetric table tablesample then to
    trailing trigger true try_cast tuple union unique unpack unpivot update using values variadic verbose when
    whenever where window with
    """.split()
)
LEADING = ("source_object", "source_id", "source_modified_at", "is_deleted", "deleted_at", "deleted_reason")
TRAILING = ("row_hash", "loaded_at", "run_id", "pipeline_version")
SYSTEM_COLUMNS = frozenset((*LEADING, *TRAILING, "dedupe_key", "winner_id"))

TEXT, DECIMAL, INTEGER = "VARCHAR", "DECIMAL(38,18)", "BIGINT"
# Salesforce type -> (kind, DuckDB type, Snowflake type); what is not listed is text.
TYPES = {
    "boolean": ("boolean", "BOOLEAN", "BOOLEAN"),
    "int": ("integer", INTEGER, "NUMBER(38,0)"),
    "long": ("integer", INTEGER, "NUMBER(38,0)"),
    "currency": ("number", DECIMAL, "NUMBER(38,18)"),
    "percent": ("number", DECIMAL, "NUMBER(38,18)"),
    "double": ("number", DECIMAL, "NUMBER(38,18)"),
    "date": ("date", "DATE", "DATE"),
    "datetime": ("timestamp", "TIMESTAMP", "TIMESTAMP_NTZ"),
    "time": ("time", "TIME", "TIME"),
}
TEXT_TYPE = ("text", TEXT, TEXT)


@dataclass(frozen=True)
class MappedColumn:
    """A column that holds one field of one object (shared where name and type agree)."""

    object: str
    field: str
    name: str
    kind: str
    duckdb: str
    snowflake: str
    label: str
    source_type: str
    calculated: bool


@dataclass(frozen=True)
class Clash:
    """Two objects want one name for columns of different types; the later one was renamed."""

    column: str
    object: str
    renamed: str


@dataclass(frozen=True)
class Shared:
    """Two fields that would share a column, and no rule of naming can tell them apart."""

    column: str
    first: MappedColumn
    second: MappedColumn


@dataclass(frozen=True)
class Layout:
    """The columns of each object, in the order of the IR, and the renamings that were needed."""

    columns: dict[str, tuple[MappedColumn, ...]]
    clashes: tuple[Clash, ...]
    shared: tuple[Shared, ...] = ()

    def unified(self) -> tuple[MappedColumn, ...]:
        """Every distinct column, in the order of first mention."""
        seen = {column.name: column for column in reversed([one for many in self.columns.values() for one in many])}
        return tuple(dict.fromkeys(seen[one.name] for many in self.columns.values() for one in many))


def column_name(api_name: str) -> str:
    """The column of a field: `AnnualRevenue` → annual_revenue, `ns__Tier__c` → ns_tier, `Case` → case_."""
    name = re.sub(r"__(c|pc|s)$", "", api_name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"_+", "_", name.lower())
    return escaped(name)


def table_name(api_name: str) -> str:
    """The table of an object in the per_object layout."""
    return column_name(api_name)


def escaped(name: str) -> str:
    """A trailing `_` for what SQL or the layout reserves, or what starts with a digit."""
    taken = name in RESERVED or name in SYSTEM_COLUMNS or name == "extensions" or name[:1].isdigit()
    return f"{name}_" if taken else name


def lay_out(pipeline: Pipeline, snapshot: Snapshot) -> Layout:
    """Give every field of the pipeline its column."""
    unified = pipeline.target is None or pipeline.target.layout == "unified"
    owners: dict[str, MappedColumn] = {}
    columns: dict[str, tuple[MappedColumn, ...]] = {}
    clashes: list[Clash] = []
    shared: list[Shared] = []
    for source in pipeline.source.objects:
        settled: dict[str, MappedColumn] = {}
        for column in _object_columns(pipeline, snapshot, source.name, source.fields):
            owner = owners.setdefault(column.name, column) if unified else column
            if owner.duckdb != column.duckdb:
                renamed = f"{table_name(source.name).rstrip('_')}_{column.name}"
                clashes.append(Clash(column.name, source.name, renamed))
                column = replace(column, name=renamed)
                owner = owners.setdefault(renamed, column)
            other = settled.setdefault(column.name, column if owner.duckdb == column.duckdb else owner)
            shared += [Shared(column.name, other, column)] if other is not column else []
        columns[source.name] = tuple(settled.values())
    return Layout(columns, tuple(clashes), tuple(shared))


def _object_columns(pipeline: Pipeline, snapshot: Snapshot, name: str, fields: tuple[str, ...]) -> list[MappedColumn]:
    schema = snapshot.by_name[name]
    mapped = [field for field in map(schema.field, fields) if field is not None and field.name not in SYSTEM_FIELDS]
    names = dict(_unique_names(mapped))
    own = (one for one in pipeline.mappings if one.object == name and one.column != column_name(one.field))
    renamed = {one.field: one.column for one in own}
    return [_column(name, field, renamed.get(field.name, names[field.name])) for field in mapped]


def _unique_names(fields: list[FieldSchema]) -> Iterator[tuple[str, str]]:
    """A custom field yields to the standard field of the same name by ending in `_c`."""
    standard = {column_name(field.name) for field in fields if not field.custom}
    for field in fields:
        name = column_name(field.name)
        yield field.name, f"{name}_c" if field.custom and name in standard else name


def _column(object_name: str, field: FieldSchema, name: str) -> MappedColumn:
    kind, duckdb, snowflake = TYPES.get(field.type, TEXT_TYPE)
    return MappedColumn(
        object_name, field.name, name, kind, duckdb, snowflake, field.label, field.type, field.calculated
    )

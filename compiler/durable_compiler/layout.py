"""From Salesforce fields to the target's columns: names, types, and which objects share a column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from durable_compiler.catalogue import SYSTEM_FIELDS, FieldSchema, Snapshot
from durable_compiler.ir import Pipeline, Scalar, SourceObject

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
VERSIONS = ("valid_from", "valid_to", "is_current")  # of a row, where the full history is kept
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
# What a map clause or a computed column may ask for: the same three.
EXPLICIT = {
    "text": TEXT_TYPE,
    "integer": TYPES["int"],
    "number": TYPES["double"],
    "boolean": TYPES["boolean"],
    "date": TYPES["date"],
    "timestamp": TYPES["datetime"],
    "time": TYPES["time"],
    "json": ("json", "JSON", "VARIANT"),
}


@dataclass(frozen=True)
class MappedColumn:
    """A column that holds one field of one object (shared where name and type agree).

    `field` is a path (Account.Name) for a lookup, and empty for what is derived or computed; `kind` is what the value
    is until a mask hides it.
    """

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


def explicit(kind: str) -> tuple[str, str, str]:
    """(kind, DuckDB type, Snowflake type) of a type that the spec names."""
    if kind.startswith("number("):
        return "number", f"DECIMAL{kind.removeprefix('number')}", f"NUMBER{kind.removeprefix('number')}"
    return EXPLICIT[kind]


def lay_out(pipeline: Pipeline, snapshot: Snapshot) -> Layout:
    """Give every field of the pipeline its column."""
    unified = pipeline.target is None or pipeline.target.layout == "unified"
    owners: dict[str, MappedColumn] = {}
    columns: dict[str, tuple[MappedColumn, ...]] = {}
    clashes: list[Clash] = []
    shared: list[Shared] = []
    for source in pipeline.source.objects:
        settled: dict[str, MappedColumn] = {}
        for column in _object_columns(pipeline, snapshot, source):
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


def requested(pipeline: Pipeline, source: SourceObject) -> tuple[str, ...]:
    """The fields that are read: those of the spec but for what is dropped before it leaves Salesforce."""
    dropped = {one.field for one in pipeline.masks if one.object == source.name and one.method == "drop"}
    return tuple(one for one in source.fields if one not in dropped)


def reached(snapshot: Snapshot, object_name: str, path: str) -> tuple[str, FieldSchema] | None:
    """(object, field) at the end of a path such as Account.Name; None where a step does not exist."""
    *steps, last = path.split(".")
    for step in steps:
        fields = snapshot.by_name[object_name].fields
        link = next((one for one in fields if (one.relationshipName or "").lower() == step.lower()), None)
        if link is None or not link.referenceTo or link.referenceTo[0] not in snapshot.by_name:
            return None
        object_name = link.referenceTo[0]
    found = snapshot.by_name[object_name].field(last)
    return None if found is None else (object_name, found)


def _object_columns(pipeline: Pipeline, snapshot: Snapshot, source: SourceObject) -> list[MappedColumn]:
    schema = snapshot.by_name[source.name]
    fields = map(schema.field, requested(pipeline, source))
    mapped = [field for field in fields if field is not None and field.name not in SYSTEM_FIELDS]
    names = dict(_unique_names(mapped))
    own = (one for one in pipeline.mappings if one.object == source.name and one.column != column_name(one.field))
    renamed = {one.field: escaped(one.column) for one in own}
    made = [
        *(_column(pipeline, source.name, field, renamed.get(field.name, names[field.name])) for field in mapped),
        *_lookups(pipeline, snapshot, source),
        *_made(pipeline, source.name),
    ]
    taken = {pipeline.drift.column, *(VERSIONS if pipeline.write.mode == "history" else ())}
    return [replace(one, name=f"{one.name}_") if one.name in taken else one for one in made]


def _lookups(pipeline: Pipeline, snapshot: Snapshot, source: SourceObject) -> Iterator[MappedColumn]:
    for one in source.lookups:
        found = reached(snapshot, source.name, one.path)
        if found is None or mask_of(pipeline, found[0], found[1].name) == "drop":
            continue
        kind, duckdb, snowflake = TYPES.get(found[1].type, TEXT_TYPE)
        if mask_of(pipeline, found[0], found[1].name):
            duckdb = snowflake = TEXT
        name, label, calculated = escaped(one.column), found[1].label, found[1].calculated
        yield MappedColumn(source.name, one.path, name, kind, duckdb, snowflake, label, found[1].type, calculated)


def _made(pipeline: Pipeline, name: str) -> Iterator[MappedColumn]:
    """The columns that no field fills."""
    for derived in pipeline.derived:
        if derived.object == name:
            kind = scalar_kind((*(case.value for case in derived.cases), derived.otherwise))
            yield _made_column(name, derived.column, kind, "derived")
    for computed in pipeline.computed:
        if computed.object == name:
            yield _made_column(name, computed.column, computed.type, "computed")


def _made_column(name: str, column: str, kind: str, how: str) -> MappedColumn:
    return MappedColumn(name, "", escaped(column), *explicit(kind), column, how, False)


def scalar_kind(values: tuple[Scalar, ...]) -> str:
    """The kind that constants share; text where they do not."""
    kinds = {"boolean" if isinstance(one, bool) else "text" if isinstance(one, str) else "number"
             for one in values if one is not None}  # fmt: skip
    return kinds.pop() if len(kinds) == 1 else "text"


def mask_of(pipeline: Pipeline, name: str, field: str) -> str | None:
    """How a field is hidden, if it is."""
    return next((one.method for one in pipeline.masks if (one.object, one.field) == (name, field)), None)


def _unique_names(fields: list[FieldSchema]) -> Iterator[tuple[str, str]]:
    """A custom field yields to the standard field of the same name by ending in `_c`."""
    standard = {column_name(field.name) for field in fields if not field.custom}
    for field in fields:
        name = column_name(field.name)
        yield field.name, f"{name}_c" if field.custom and name in standard else name


def _column(pipeline: Pipeline, object_name: str, field: FieldSchema, name: str) -> MappedColumn:
    kind, duckdb, snowflake = TYPES.get(field.type, TEXT_TYPE)
    asked = (one.type for one in pipeline.mappings if (one.object, one.field) == (object_name, field.name))
    wanted = next((one for one in asked if one is not None), None)
    if wanted is not None:
        kind, duckdb, snowflake = explicit(wanted)
    if any((one.object, one.field) == (object_name, field.name) for one in pipeline.enums):
        kind, duckdb, snowflake = TEXT_TYPE
    if mask_of(pipeline, object_name, field.name):
        duckdb = snowflake = TEXT
    return MappedColumn(
        object_name, field.name, name, kind, duckdb, snowflake, field.label, field.type, field.calculated
    )

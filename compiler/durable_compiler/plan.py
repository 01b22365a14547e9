"""From the IR to the list of modules to write: every value that a template sees is settled here."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from durable_compiler import expressions
from durable_compiler.catalogue import Snapshot
from durable_compiler.emit import ModulePlan
from durable_compiler.expressions import Sql
from durable_compiler.ir import Dedupe, Pipeline
from durable_compiler.layout import LEADING, RESERVED, TRAILING, Layout, MappedColumn, lay_out
from durable_compiler.ticks import tick_minutes

MODULES = {
    "__init__.py": "pipeline/__init__.py.j2",
    "__main__.py": "pipeline/__main__.py.j2",
    "pipeline.py": "pipeline/pipeline.py.j2",
    "extract.py": "pipeline/extract.py.j2",
    "transform.py": "pipeline/transform.py.j2",
    "load.py": "pipeline/load.py.j2",
    "MAPPING.md": "pipeline/MAPPING.md.j2",
    "pipeline.yaml": "pipeline/pipeline.yaml.j2",
    "deploy/crontab": "deploy/crontab.j2",
}
# IR keys that decide an object's rows: a package that differs in one reads the object in full first
ROW_KEYS = ("mappings", "enums", "defaults", "blanks", "derived", "computed", "required", "checks", "masks", "dedupe")
TYPES = {"duckdb": {"text": "VARCHAR", "time": "TIMESTAMP", "json": "JSON"}}
TYPES["snowflake"] = {"text": "VARCHAR", "time": "TIMESTAMP_NTZ", "json": "VARIANT"}
EXTENSIONS = {"duckdb": Sql("extensions"), "snowflake": Sql("PARSE_JSON(extensions)")}
# Names in the generated modules that an object's must not take, in lower case
OWN_NAMES = frozenset({"extracts", "transforms", "columns", "targets", "row_functions", "duckdb", "snowflake"})
OWN_ENDINGS = ("_fields", "_select", "_columns", "_create", "_create_duplicates", "_create_rejects")
REJECTS = ("source_object", "source_id", "source_modified_at", "rule", "requirement", "message", "record", "run_id")


@dataclass(frozen=True)
class Identity:
    """What a package says about itself besides the IR."""

    version: str
    compiler: str
    runtime_api: int
    title: str


@dataclass(frozen=True)
class TableColumn:
    """A column in a CREATE statement."""

    name: str
    type: Sql


# (IR list, object, field) -> the requirement that made the entry; the field is empty for rules about whole objects
Owners = Mapping[tuple[str, str, str], str]


def plan(pipeline: Pipeline, snapshot: Snapshot, identity: Identity, owners: Owners) -> tuple[ModulePlan, ...]:
    """The modules of the package, in the order in which they are written."""
    layout = lay_out(pipeline, snapshot)
    values = _values(pipeline, snapshot, identity, layout, owners)
    ids = tuple(one.id for one in pipeline.requirements)
    return tuple(ModulePlan(path, template, values, ids) for path, template in MODULES.items())


def _values(
    pipeline: Pipeline, snapshot: Snapshot, identity: Identity, layout: Layout, owners: Owners
) -> dict[str, Any]:
    assert pipeline.schedule is not None and pipeline.target is not None
    names = object_names(layout.columns)
    objects = [_object(pipeline, snapshot, layout, owners, name, names[name]) for name in layout.columns]
    return {
        "name": pipeline.name,
        "title": identity.title,
        "version": identity.version,
        "compiler": identity.compiler,
        "runtime_api": identity.runtime_api,
        "ir_hash": pipeline.ir_hash,
        "spec_path": f"requirements/{pipeline.name}.md",
        "header": _header(pipeline),
        "requirements": pipeline.requirements,
        "cron": pipeline.schedule.cron,
        "timezone": pipeline.schedule.timezone,
        "ticks": tick_minutes(pipeline.schedule.cron),
        "schedule_requirement": ids(pipeline, "schedule"),
        "cursor": pipeline.incremental.cursor,
        "cursor_source": expressions.source(pipeline.incremental.cursor),
        "overlap_seconds": pipeline.incremental.overlap_seconds,
        "batch_rows": pipeline.write.batch_rows,
        "deletes": pipeline.deletes,
        "unknown_fields": pipeline.drift.unknown_fields,
        "retry": pipeline.retry,
        "alerts": [{**one.model_dump(), "requirement": ids(pipeline, "alerts")} for one in pipeline.alerts],
        "target_system": pipeline.target.system,
        "reasons": _reasons(pipeline),
        "objects": objects,
        "columns": _table_columns(pipeline, layout),
        "dialects": [_dialect(pipeline, layout, system) for system in ("duckdb", "snowflake")],
        "tasks": _tasks(pipeline, objects),
        "assumptions": [
            {
                "key": one.key,
                "value": _shown(one.value),
                "why": one.why,
                "requirement": one.requirement or "no requirement",
            }
            for one in pipeline.assumptions
        ],
        "table_text": ".".join(
            filter(None, (pipeline.target.database, pipeline.target.schema_, pipeline.target.table))
        ),
    }


def ids(pipeline: Pipeline, path: str) -> str:
    """The requirements behind an IR path, or those that the path's default was assumed for."""
    return ", ".join(pipeline.trace.get(path, ())) or "assumed"


def _header(pipeline: Pipeline) -> str:
    spec = hashlib.sha256("\n".join(f"{one.id} {one.text}" for one in pipeline.requirements).encode()).hexdigest()
    return (
        f"Generated by Durable from requirements/{pipeline.name}.md. Do not edit: change the requirements. "
        f"spec {spec[:12]}, ir {pipeline.ir_hash[:12]}"
    )


def _reasons(pipeline: Pipeline) -> dict[str, str]:
    """For each policy, the requirement that asked for it in its own words, or that it is a default."""
    paths = {
        "schedule": "schedule",
        "overlap_seconds": "incremental",
        "batch_rows": "write.batch_rows",
        "deletes": "deletes",
        "unknown_fields": "drift",
        "retry": "retry",
    }
    return {key: _words(pipeline, path) for key, path in paths.items()}


def _words(pipeline: Pipeline, path: str) -> str:
    texts = {one.id: one.text for one in pipeline.requirements}
    return "; ".join(f"{one} {texts[one]}" for one in pipeline.trace.get(path, ())) or "a default: see the assumptions"


def object_names(api_names: Iterable[str]) -> dict[str, str]:
    """What each object is called in the package's Python; no two alike, none that a module needs itself."""
    taken = set(OWN_NAMES)
    names: dict[str, str] = {}
    for api_name in api_names:
        name = str(expressions.identifier(re.sub(r"__(c|pc|s)$", "", api_name).lower()))
        while name in taken or name.endswith(OWN_ENDINGS):
            name += "_object"
        taken.add(name)
        names[api_name] = name
    return names


def _object(
    pipeline: Pipeline, snapshot: Snapshot, layout: Layout, owners: Owners, name: str, own_name: str
) -> dict[str, Any]:
    columns = layout.columns[name]
    source = next(one for one in pipeline.source.objects if one.name == name)
    dedupe = next((one for one in pipeline.dedupe if one.object == name), None)
    by_field = {one.field: one for one in columns}
    return {
        "name": name,
        "label": snapshot.by_name[name].label,
        "constant": own_name.upper(),
        "function": own_name,
        "fields": source.fields,
        "excluded": source.excluded,
        "requirements": tuple(pipeline.trace.get("source.objects", ())),
        "requirement_text": _words(pipeline, "source.objects"),
        "formulas": tuple(one.field for one in columns if one.calculated),
        "needed": tuple(_needed(pipeline, name)),
        "created": _created(dedupe),
        "columns": [_column(pipeline, one, owners) for one in columns],
        "misfits": list(_misfits(pipeline, columns)),
        "rules": _rules(pipeline, name, by_field, owners),
        "key_columns": tuple(by_field[field].name for field in dedupe.by) if dedupe else (),
        "keep": dedupe.keep if dedupe else "latest",
        "dedupe_reason": _words(pipeline, "dedupe"),
        "mapping": [_mapping_row(pipeline, one, owners) for one in columns],
        "notes": _notes(pipeline, name, by_field, owners),
        "row_function": _row_function(pipeline, name),
        "trailing": _trailing(pipeline),
    }


def _created(dedupe: Dedupe | None) -> Sql:
    """Only a rule that keeps the first record needs to know which one that is."""
    return Sql('read_timestamp("CreatedDate")' if dedupe and dedupe.keep == "first" else "NULL::TIMESTAMP")


def _trailing(pipeline: Pipeline) -> tuple[str, ...]:
    dedupe = ("dedupe_key",) if pipeline.dedupe else ()
    return (*dedupe, *TRAILING)


def _column(pipeline: Pipeline, column: MappedColumn, owners: Owners) -> dict[str, Any]:
    return {
        "name": column.name,
        "duckdb": column.duckdb,
        "snowflake": column.snowflake,
        "field": column.field,
        "value": expressions.value(column, pipeline),
        "reason": _column_requirement(pipeline, column, owners),
    }


def _column_requirement(pipeline: Pipeline, column: MappedColumn, owners: Owners) -> str:
    """The requirements that shape a column: those that clean or map it, else the one that syncs the object."""
    shaping = [owners.get((path, column.object, column.field)) for path in ("mappings", "enums")]
    return ", ".join(filter(None, shaping)) or ids(pipeline, "source.objects")


def _misfits(pipeline: Pipeline, columns: tuple[MappedColumn, ...]) -> Any:
    for column in columns:
        found = expressions.misfit(column, pipeline)
        if found is not None:
            condition, rule = found
            yield {"condition": condition, "verdict": f"{rule} {column.field}"}


def _rules(pipeline: Pipeline, name: str, by_field: dict[str, MappedColumn], owners: Owners) -> list[dict[str, str]]:
    return [
        {
            "name": "required",
            "condition": f"{expressions.identifier(by_field[one.field].name)} IS NULL",
            "message": f"{by_field[one.field].label} is missing",
            "requirement": owners["required", name, one.field],
        }
        for one in pipeline.required
        if one.object == name
    ]


def _needed(pipeline: Pipeline, name: str) -> Any:
    """Fields that a rule, key or value map uses; losing one stops the run."""
    for many in (pipeline.required, pipeline.enums, pipeline.mappings):
        yield from (one.field for one in many if one.object == name)
    for one in pipeline.dedupe:
        yield from one.by if one.object == name else ()


def _mapping_row(pipeline: Pipeline, column: MappedColumn, owners: Owners) -> dict[str, str]:
    ruled = expressions.enum_of(column, pipeline) or expressions.mapping_of(column, pipeline)
    return {
        "label": column.label,
        "field": column.field,
        "source_type": column.source_type,
        "name": column.name,
        "duckdb": column.duckdb,
        "snowflake": column.snowflake,
        "rule": str(expressions.value(column, pipeline)) if ruled else "",
        "requirement": _column_requirement(pipeline, column, owners),
    }


def _notes(pipeline: Pipeline, name: str, by_field: dict[str, MappedColumn], owners: Owners) -> list[str]:
    notes = [
        f"{by_field[one.field].label} is required; a record without it goes to the rejects table "
        f"({owners['required', name, one.field]})."
        for one in pipeline.required
        if one.object == name
    ]
    for one in pipeline.dedupe:
        if one.object == name:
            keys = ", ".join(by_field[field].label for field in one.by)
            owner = owners["dedupe", name, ""]
            notes.append(f"Records with the same {keys} are one; the {one.keep} is kept ({owner}).")
    return notes


def _row_function(pipeline: Pipeline, name: str) -> str:
    dump = pipeline.model_dump(mode="json")
    own = {key: [one for one in dump[key] if one["object"] == name] for key in ROW_KEYS}
    own["source"] = [one for one in dump["source"]["objects"] if one["name"] == name]
    own["conventions"] = dump["conventions"]
    return hashlib.sha256(json.dumps(own, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def _table_columns(pipeline: Pipeline, layout: Layout) -> list[dict[str, str]]:
    both = {system: _typed(pipeline, layout, system) for system in TYPES}
    pairs = zip(both["duckdb"], both["snowflake"], strict=True)
    return [{"name": duck.name, "duckdb": str(duck.type), "snowflake": str(flake.type)} for duck, flake in pairs]


def _typed(pipeline: Pipeline, layout: Layout, system: str) -> list[TableColumn]:
    kinds = TYPES[system]
    fixed = {"source_modified_at": "time", "deleted_at": "time", "loaded_at": "time", "extensions": "json"}

    def system_column(name: str) -> TableColumn:
        boolean = name == "is_deleted"
        return TableColumn(name, Sql("BOOLEAN" if boolean else kinds[fixed.get(name, "text")]))

    mapped = [TableColumn(one.name, Sql(getattr(one, system))) for one in layout.unified()]
    dedupe = ("dedupe_key",) if pipeline.dedupe else ()
    tail = (*dedupe, "extensions", *TRAILING)
    return [*map(system_column, LEADING), *mapped, *map(system_column, tail)]


def _dialect(pipeline: Pipeline, layout: Layout, system: str) -> dict[str, Any]:
    target = pipeline.target
    assert target is not None and target.table is not None
    database = target.database if system == "snowflake" else None
    own = f"{target.table}_" if target.table.lower() in RESERVED else target.table
    parts = [part.lower() for part in (database, target.schema_, own) if part]
    table = expressions.identifier(".".join(parts))
    columns = _typed(pipeline, layout, system)
    kinds = TYPES[system]
    times = {"source_modified_at", "rejected_at"}
    rejects = [TableColumn(name, Sql(kinds["time" if name in times else "text"])) for name in (*REJECTS, "rejected_at")]
    winner = TableColumn("winner_id", Sql(kinds["text"]))
    opening = Sql("CREATE TABLE IF NOT EXISTS")
    tables = (("CREATE", "", columns), ("CREATE_DUPLICATES", "__duplicates", [*columns, winner]))
    return {
        "system": system,
        "constant": system.upper(),
        "function": system,
        "database": database,
        "schema": target.schema_.lower() if target.schema_ else None,
        "table": table,
        "table_name": parts[-1],
        "extensions": EXTENSIONS[system],
        "leading": ("source_object", "source_id", "source_modified_at"),
        "create": [
            {"constant": constant, "opening": opening, "table": Sql(table + suffix), "columns": many}
            for constant, suffix, many in (*tables, ("CREATE_REJECTS", "__rejects", rejects))
        ],
    }


def _tasks(pipeline: Pipeline, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One extract, transform and load a object; loads wait for their own transform only."""
    paths = {
        "extract": ("source.objects", "incremental", "deletes", "retry"),
        "transform": ("mappings", "mappings[].transforms", "enums", "required", "dedupe", "conventions", "drift"),
        "load": ("target", "write.mode", "write.batch_rows", "deletes", "dedupe"),
    }
    tasks = []
    for one in objects:
        before: list[str] = []
        for step, wanted in paths.items():
            found = {found for path in wanted for found in pipeline.trace.get(path, ())}
            task = f"{step}_{one['function']}"
            tasks.append({"id": task, "object": one["name"], "depends_on": before, "requirements": sorted(found)})
            before = [task]
    return tasks


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else json.dumps(value)

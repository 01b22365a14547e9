"""Small specs and schemas for the compiler's back end: made in a test, read and compiled by the real front end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from durable_compiler import catalogue
from durable_compiler.catalogue import Snapshot
from durable_compiler.emit import emit
from durable_compiler.ir import Pipeline
from durable_compiler.plan import Identity, plan

HEAD = ("Syncs {objects} from Salesforce", "Runs nightly at 2:00 AM UTC", "Writes to Snowflake table customer_data")
OWN_FIELDS = {"Id": "id", "IsDeleted": "boolean", "SystemModstamp": "datetime"}
IDENTITY = Identity("1.0.0", "0.1.0", 1, "A test")


def describe(name: str, fields: Mapping[str, str | Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """An sObject describe answer: field name → type, or → attributes."""
    described: list[dict[str, Any]] = []
    for field, kind in {**OWN_FIELDS, **fields}.items():
        attributes = {"type": kind} if isinstance(kind, str) else kind
        described.append({"name": field, "label": field, "custom": field.endswith("__c"), **attributes})
    return {"name": name, "label": name, "labelPlural": f"{name}s", "fields": described, **more}


def snapshot(*describes: Mapping[str, Any]) -> Snapshot:
    """A snapshot of these answers."""
    return catalogue.snapshot(describes, "00D000000000001AAA", "66.0")


def spec(objects: str, *sentences: str, head: Sequence[str] = HEAD) -> str:
    """Requirements of these sentences."""
    lines = [line.format(objects=objects) for line in head] + list(sentences)
    return "# A test\n\n" + "".join(f"- R1.{at} {line}\n" for at, line in enumerate(lines, 1))


def read(folder: Path, schema: Snapshot, text: str, name: str = "customer_data") -> Pipeline:
    """The Pipeline of a spec, which must be understood."""
    from durable_compiler.interpret import read_file

    (folder / "requirements").mkdir(parents=True, exist_ok=True)
    path = folder / "requirements" / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    kept = folder / "requirements" / "salesforce.schema.json"
    kept.write_text(catalogue.dump(schema), encoding="utf-8")
    reading = read_file(path, kept)
    assert reading.pipeline is not None, [one.render(text) for one in reading.diagnostics]
    return reading.pipeline


def package(folder: Path, schema: Snapshot, pipeline: Pipeline, identity: Identity = IDENTITY) -> Path:
    """The generated modules, without records."""
    emit(plan(pipeline, schema, identity, owners(pipeline)), folder)
    return folder


def owners(pipeline: Pipeline) -> dict[tuple[str, str, str], str]:
    """Who made which entry, for specs in which one requirement makes all entries of a kind."""
    lists = {name: getattr(pipeline, name) for name in ("required", "enums", "mappings", "dedupe")}
    said = {name: ", ".join(pipeline.trace.get(name, pipeline.trace.get(f"{name}[].transforms", ()))) for name in lists}
    return {(name, one.object, getattr(one, "field", "")): said[name] for name, many in lists.items() for one in many}


def load_module(folder: Path, name: str) -> dict[str, Any]:
    """The names that one generated module defines, as Python reads its file."""
    path = folder / f"{name}.py"
    found: dict[str, Any] = {"__name__": name}
    exec(compile(path.read_bytes(), str(path), "exec"), found)
    return found

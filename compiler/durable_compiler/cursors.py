"""The field by which changes of an object are read: SystemModstamp, or the best stamp that the object has instead."""

from __future__ import annotations

from collections.abc import Iterator

from durable_compiler.catalogue import ObjectSchema, Snapshot
from durable_compiler.ir import Pipeline, SourceObject

# Best first, each with what runs do not see when they read by it.
FALLBACKS = {
    "LastModifiedDate": "changes that Salesforce makes by itself, such as recalculations, leave no trace in it",
    "CreatedDate": "records are read once; a later change is seen by a full refresh only",
    "LoginTime": "records are read once; a later change is seen by a full refresh only",
}
STANDING = ("CreatedDate", "LoginTime")  # those that no change moves
WHOLE = "the object has no stamp of any kind, so every run reads it whole"


def cursor_of(pipeline: Pipeline, source: SourceObject, snapshot: Snapshot) -> str:
    """The object's cursor; empty where it has no stamp, or none that may be read."""
    schema, usual = snapshot.by_name[source.name], pipeline.incremental.cursor
    if schema.field(usual) is not None:
        return usual
    hidden = {one.field for one in pipeline.masks if one.object == source.name}
    return next((one for one in _stamps(schema) if one not in hidden and one not in source.excluded), "")


def _stamps(schema: ObjectSchema) -> Iterator[str]:
    for name in FALLBACKS:
        field = schema.field(name)
        if field is not None and field.type == "datetime" and field.filterable:
            yield name


def fallbacks(pipeline: Pipeline, snapshot: Snapshot) -> Iterator[tuple[str, str, str]]:
    """(object, cursor, why) of every object that is not read by the usual cursor."""
    for source in pipeline.source.objects:
        cursor = cursor_of(pipeline, source, snapshot)
        if cursor != pipeline.incremental.cursor:
            missed = FALLBACKS.get(cursor, WHOLE)
            yield source.name, cursor, f"{source.name} has no {pipeline.incremental.cursor}: {missed}"

"""The API names and picklist values that a clause names, found in the part of the IR that it sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause
from durable_compiler.merging import fragment

# Keys of the IR whose texts are fields of the object beside them.
_FIELDS = ("field", "fields", "by", "excluded")


def bindings(clauses: Sequence[Clause], catalogue: Snapshot) -> tuple[str, ...]:
    """Sorted `Account`, `Account.Type`, `Account.Type=Customer` and, through a relationship, `Contact.Account.Type`."""
    return tuple(sorted({name for clause in clauses for name in _bound(fragment(clause, catalogue), catalogue)}))


def _bound(node: Any, catalogue: Snapshot) -> Iterator[str]:
    if isinstance(node, Mapping):
        owner = _owner(node, catalogue)
        if node.get("op") == "field":
            yield _field(node)
        elif owner is not None:
            yield owner
            yield from _of(owner, node)
        yield from _values(owner, node, catalogue)
        for one in node.values():
            yield from _bound(one, catalogue)
    elif isinstance(node, (list, tuple)):
        for one in node:
            yield from _bound(one, catalogue)


def _owner(node: Mapping[str, Any], catalogue: Snapshot) -> str | None:
    """The object that an entry is about: its own key, or the name of an entry of source.objects."""
    name = node.get("object", None if "op" in node else node.get("name"))
    return name if isinstance(name, str) and name in catalogue.by_name else None


def _field(node: Mapping[str, Any]) -> str:
    return f"{node['object']}.{node.get('path') or node['name']}"


def _of(owner: str, node: Mapping[str, Any]) -> Iterator[str]:
    for key in _FIELDS:
        names = node.get(key) or ()
        yield from (f"{owner}.{name}" for name in ([names] if isinstance(names, str) else names))
    yield from (f"{owner}.{one['path']}" for one in node.get("lookups") or ())


def _values(owner: str | None, node: Mapping[str, Any], catalogue: Snapshot) -> Iterator[str]:
    """Texts that are values of the picklist of the field that they are said of."""
    if isinstance(node.get("args"), (list, tuple)):
        texts = [one.get("value") for one in node["args"] if isinstance(one, Mapping) and one.get("op") == "literal"]
        for one in node["args"]:
            if isinstance(one, Mapping) and one.get("op") == "field":
                yield from _known(one["object"], one.get("path") or one["name"], texts, catalogue)
    elif owner is not None and isinstance(node.get("field"), str):
        texts = [node.get("value"), *(node.get("values") or ())]
        yield from _known(owner, node["field"], texts, catalogue)


def _known(owner: str, path: str, texts: Sequence[Any], catalogue: Snapshot) -> Iterator[str]:
    held = _picklist(owner, path.split("."), catalogue)
    yield from (f"{owner}.{path}={text}" for text in texts if isinstance(text, str) and text in held)


def _picklist(owner: str, steps: Sequence[str], catalogue: Snapshot) -> frozenset[str]:
    schema = catalogue.by_name.get(owner)
    if schema is None:
        return frozenset()
    if len(steps) == 1:
        field = schema.field(steps[0])
        return frozenset(one.value for one in field.picklist) if field is not None else frozenset()
    targets = [one for field in schema.fields if field.relationshipName == steps[0] for one in field.referenceTo]
    return frozenset().union(*(_picklist(one, steps[1:], catalogue) for one in targets))

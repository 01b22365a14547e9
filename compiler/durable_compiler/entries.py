"""What tells two entries of one list of the IR apart, so that each has the requirement that made it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# The keys that say which entry of a list one is: two with the same are about the same thing.
ENTRY_KEYS: Mapping[str, tuple[str, ...]] = {
    "dedupe": ("object",),
    "mappings": ("object", "field"),
    "enums": ("object", "field"),
    "derived": ("object", "column"),
    "computed": ("object", "column"),
    "defaults": ("object", "field"),
    "blanks": ("object", "field"),
    "required": ("object", "field"),
    "checks": ("object", "condition"),
    "alerts": ("on", "channel", "to"),
    "guards": ("kind", "object"),
    "masks": ("object", "field"),
}


def entry_key(entry: Mapping[str, Any]) -> str:
    """The field or the column that an entry is about; for a check, its condition; empty for a whole object."""
    if "condition" in entry:
        return condition_key(entry["condition"])
    return str(entry.get("field") or entry.get("column") or "")


def condition_key(condition: Mapping[str, Any]) -> str:
    """A condition as canonical text; 5 and 5.0 are one number, as in the IR."""
    return json.dumps(_shortest(condition), sort_keys=True, ensure_ascii=False)


def _shortest(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _shortest(one) for key, one in value.items() if one is not None or key != "path"}
    if isinstance(value, list | tuple):
        return [_shortest(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value

"""What changed between two IRs, as typed changes that each carry a semver level, a data action and a sentence."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from durable_compiler.entries import ENTRY_KEYS

Kind = Literal["added", "removed", "changed", "widened", "narrowed"]
Level = Literal["patch", "minor", "major"]
DataAction = Literal["none", "backfill", "migrate", "rebuild", "destructive"]
Json = Any

LEVELS: tuple[Level, ...] = ("patch", "minor", "major")
UNKNOWN: tuple[Level, DataAction] = ("major", "rebuild")

# Derived from the rest of the IR or from the file's layout: a difference here alone changes nothing.
EXCLUDED = frozenset({"requirements[].line", "assumptions[].requirement", "trace"})

# Keyed lists: the keys that say which item of the old list an item of the new one is.
IDENTITY: Mapping[str, tuple[str, ...]] = {
    "requirements": ("id",),
    "source.objects": ("name",),
    "source.objects[].lookups": ("column",),
    **ENTRY_KEYS,
    "assumptions": ("key",),
}
# Lists of plain names, compared as sets.
SETS = frozenset({"source.objects[].fields", "source.objects[].excluded", "residency.regions"})

_MAJOR_REBUILD: dict[str, tuple[Level, DataAction]] = {"*": ("major", "rebuild")}
_MIGRATE: dict[str, tuple[Level, DataAction]] = {"*": ("major", "migrate")}
_PATCH: dict[str, tuple[Level, DataAction]] = {"*": ("patch", "none")}
_MINOR: dict[str, tuple[Level, DataAction]] = {"*": ("minor", "none")}
_MAJOR: dict[str, tuple[Level, DataAction]] = {"*": ("major", "none")}
_COLUMN: dict[str, tuple[Level, DataAction]] = {"added": ("minor", "backfill"), "removed": ("major", "destructive")}
_TYPE: dict[str, tuple[Level, DataAction]] = {"widened": ("minor", "migrate"), "*": ("major", "migrate")}
_KEPT_DAYS: dict[str, tuple[Level, DataAction]] = {"widened": ("patch", "none"), "*": ("minor", "destructive")}

# IR path pattern → kind of change (or * for every other) → (level, what happens to the data).
POLICY: Mapping[str, Mapping[str, tuple[Level, DataAction]]] = {
    "ir_version": _MAJOR_REBUILD,
    "name": _MAJOR_REBUILD,
    "requirements[]": _PATCH,
    "requirements[].text": _PATCH,
    "requirements[].file": _PATCH,
    "requirements[].status": _PATCH,
    "requirements[].echo": _PATCH,
    "schedule": {"added": ("minor", "none"), "removed": ("major", "none")},
    "schedule.cron": _MINOR,
    "schedule.timezone": _MAJOR,
    "source.system": _MAJOR_REBUILD,
    "source.objects[]": _COLUMN,
    "source.objects[].where": {"added": ("major", "destructive"), "removed": ("minor", "backfill"), **_MAJOR_REBUILD},
    "source.objects[].since": {"widened": ("minor", "backfill"), "*": ("major", "destructive")},
    "source.objects[].fields[]": _COLUMN,
    "source.objects[].excluded[]": _MINOR,
    "source.objects[].lookups[]": _COLUMN,
    "source.objects[].lookups[].path": _MAJOR_REBUILD,
    "target": {"added": ("minor", "none"), "removed": ("major", "destructive")},
    "target.system": _MAJOR_REBUILD,
    "target.database": _MAJOR_REBUILD,
    "target.schema": _MAJOR_REBUILD,
    "target.table": _MAJOR_REBUILD,
    "target.layout": _MAJOR_REBUILD,
    "write.mode": _MAJOR_REBUILD,
    "write.key": _MAJOR_REBUILD,
    "write.batch_rows": _PATCH,
    "incremental.enabled": _MINOR,
    "incremental.cursor": _MAJOR_REBUILD,
    "incremental.overlap_seconds": {"narrowed": ("minor", "none"), **_PATCH},
    "incremental.full_refresh_cron": _MINOR,
    "incremental.formula_refresh": _MINOR,
    "incremental.reconcile_cron": _MINOR,
    "deletes": {"narrowed": ("major", "destructive"), **_MAJOR_REBUILD},
    "dedupe[]": {"added": ("major", "destructive"), **_MAJOR_REBUILD},
    "dedupe[].by": _MAJOR_REBUILD,
    "dedupe[].keep": _MAJOR_REBUILD,
    "mappings[]": _MIGRATE,
    "mappings[].column": _MIGRATE,
    "mappings[].type": _TYPE,
    "mappings[].transforms": _MAJOR_REBUILD,
    "conventions.dates": _MAJOR_REBUILD,
    "conventions.phones": _MAJOR_REBUILD,
    "conventions.phone_region": _MAJOR_REBUILD,
    "enums[]": _MAJOR_REBUILD,
    "enums[].values": {"widened": ("minor", "backfill"), **_MAJOR_REBUILD},
    "enums[].otherwise": _MAJOR_REBUILD,
    "derived[]": _COLUMN,
    "derived[].cases": _MAJOR_REBUILD,
    "derived[].otherwise": _MAJOR_REBUILD,
    "computed[]": _COLUMN,
    "computed[].type": _TYPE,
    "computed[].expression": _MAJOR_REBUILD,
    "defaults[]": _MAJOR_REBUILD,
    "defaults[].value": _MAJOR_REBUILD,
    "blanks[]": _MAJOR_REBUILD,
    "blanks[].values": _MAJOR_REBUILD,
    "required[]": _MAJOR_REBUILD,
    "required[].on_failure": _MAJOR_REBUILD,
    "checks[]": _MAJOR_REBUILD,
    "checks[].on_failure": _MAJOR_REBUILD,
    "drift.unknown_fields": {"widened": ("minor", "none"), **_MAJOR},
    "drift.column": _MIGRATE,
    "retry.max_attempts": _PATCH,
    "retry.backoff": _PATCH,
    "retry.max_elapsed_seconds": _PATCH,
    "retry.classes": _PATCH,
    "alerts[]": _PATCH,
    "guards[]": _MINOR,
    "guards[].value": _MINOR,
    "sla.max_runtime_seconds": _PATCH,
    "sla.max_staleness_seconds": _PATCH,
    "quota.max_api_share": _PATCH,
    "masks[]": _MAJOR_REBUILD,
    "masks[].method": _MAJOR_REBUILD,
    "residency.regions[]": _MAJOR,
    "retention.monitoring_days": _KEPT_DAYS,
    "retention.rejects_days": _KEPT_DAYS,
    "approvals.spec_change": _PATCH,
    "approvals.schema_change": _PATCH,
    "approvals.deploy": _PATCH,
    "approvals.role": _PATCH,
    "deploy.strategy": _MINOR,
    "deploy.max_diff_ratio": _PATCH,
    "deploy.isolation": _MINOR,
    "assumptions[]": _PATCH,
    "assumptions[].value": _PATCH,
    "assumptions[].why": _PATCH,
}

# IR path pattern → (sentence when added, when removed, when changed); None falls back on the path's own words.
SENTENCES: Mapping[str, tuple[str | None, str | None, str | None]] = {
    "name": (None, None, "the pipeline is called {new}, was {old}"),
    "requirements[]": ("new requirement: {text}", "requirement withdrawn: {text}", None),
    "requirements[].text": (None, None, "reworded; it means the same"),
    "requirements[].echo": (None, None, "reads as: {new}"),
    "requirements[].file": (None, None, "moved to {new}"),
    "requirements[].status": (None, None, "reading is now {new}, was {old}"),
    "schedule": ("{new_schedule}", "no longer runs by itself, {old_schedule} before", None),
    "schedule.cron": (None, None, "{new_schedule}, was {old_clock}"),
    "schedule.timezone": (None, None, "{new_schedule}, was {old_clock}"),
    "source.objects[]": ("syncs {item}", "no longer syncs {item}", None),
    "source.objects[].fields[]": ("reads {owner}.{item}", "no longer reads {owner}.{item}", None),
    "source.objects[].excluded[]": ("leaves out {owner}.{item}", "no longer leaves out {owner}.{item}", None),
    "source.objects[].lookups[]": ("adds column {item} to {owner}", "drops column {item} of {owner}", None),
    "source.objects[].where": (
        "syncs only the {owner} records that meet a condition",
        "syncs every {owner} record, not only those that meet a condition",
        "selects {owner} records by another condition",
    ),
    "source.objects[].since": (
        "loads {owner} history from {new}, was all of it",
        "loads all {owner} history, was from {old}",
        "loads {owner} history from {new}, was from {old}",
    ),
    "target": ("writes to {new_table}", "no longer writes to {old_table}", None),
    "target.table": ("writes to table {new}", "no longer writes to table {old}", "writes to table {new}, was {old}"),
    "target.system": (None, None, "writes to {new}, was {old}"),
    "write.mode": (None, None, "write mode is {new}, was {old}"),
    "write.batch_rows": (None, None, "commits in batches of {new} rows, was {old}"),
    "incremental.overlap_seconds": (None, None, "re-reads the last {new} seconds, was {old}"),
    "deletes": (None, None, "deleted records: {new}, was {old}"),
    "dedupe[]": ("deduplicates {item} by {new_by}", "no longer deduplicates {item} by {old_by}", None),
    "mappings[]": ("maps {item} to {new_column}", "no longer maps {item} to {old_column}", None),
    "mappings[].column": (None, None, "stores {owner} as {new}, was {old}"),
    "conventions.dates": ("stores dates as ISO 8601 in UTC", "no longer stores dates as ISO 8601 in UTC", None),
    "conventions.phones": ("formats phone numbers as E.164", "no longer formats phone numbers as E.164", None),
    "enums[]": ("maps the values of {item}", "no longer maps the values of {item}", None),
    "derived[]": ("adds column {item}", "drops column {item}", None),
    "computed[]": ("adds column {item}", "drops column {item}", None),
    "defaults[]": ("fills a missing {item}", "no longer fills a missing {item}", None),
    "required[]": ("{item} must have a value", "{item} may be missing", None),
    "required[].on_failure": (None, None, "a missing {owner}: {new}, was {old}"),
    "checks[]": ("checks another condition on {item}", "no longer checks a condition on {item}", None),
    "drift.unknown_fields": (None, None, "unknown fields: {new}, was {old}"),
    "retry.max_attempts": (None, None, "retries up to {new} times, was {old}"),
    "alerts[]": ("alerts on {item}", "no longer alerts on {item}", None),
    "guards[]": ("adds guard {item}", "drops guard {item}", None),
    "masks[]": ("masks {item}", "no longer masks {item}", None),
    "residency.regions[]": ("data may be in {item}", "data may no longer be in {item}", None),
    "assumptions[]": ("assumes {item} = {new_value}", "{item} is no longer assumed, was {old_value}", None),
    "assumptions[].value": (None, None, "assumes {owner} = {new}, was {old}"),
    "assumptions[].why": (None, None, "assumption {owner} is explained anew"),
}

# Scalars with an order: from the narrowest to the widest.
ORDERS: Mapping[str, tuple[str, ...]] = {
    "deletes": ("remove", "skip", "flag"),
    "drift.unknown_fields": ("fail", "propose", "extensions"),
    "required[].on_failure": ("fail", "reject", "warn"),
    "checks[].on_failure": ("fail", "reject", "warn"),
}
TYPE_WIDER = frozenset({("integer", "number"), ("date", "timestamp")})


@dataclass(frozen=True)
class Change:
    """One difference: where, of which kind, how much it matters, what happens to the data, in words."""

    path: str
    kind: Kind
    level: Level
    data_action: DataAction
    sentence: str
    requirements: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The sentence behind the requirements that asked for it."""
        return f"{', '.join(self.requirements)}: {self.sentence}" if self.requirements else self.sentence

    def to_json(self) -> dict[str, Any]:
        """The object that commands print for machines."""
        return {
            "path": self.path,
            "kind": self.kind,
            "level": self.level,
            "data_action": self.data_action,
            "sentence": self.sentence,
            "requirements": list(self.requirements),
        }


@dataclass(frozen=True)
class _Difference:
    pattern: str
    path: str
    owner: str
    kind: Kind
    old: Json
    new: Json


def compare(old: Mapping[str, Json] | None, new: Mapping[str, Json]) -> tuple[Change, ...]:
    """Every change from one canonical IR to another, by requirement; of a first release, what each requirement says."""
    if old is None:
        return tuple(_first(requirement, new) for requirement in new["requirements"])
    found = [_change(one, old, new) for one in _walk("", "", "", old, new)]
    told = {id for one in found if not one.path.startswith("requirements[") for id in one.requirements}
    kept = [one for one in found if not (one.path.startswith("requirements[") and told.issuperset(one.requirements))]
    return tuple(sorted(_once(kept), key=_by_requirement))


def policy(pattern: str, kind: Kind) -> tuple[Level, DataAction]:
    """Level and data action of a kind of change at an IR path pattern; what the table does not know is major."""
    row = POLICY.get(pattern, {})
    return row.get(kind, row.get("*", UNKNOWN))


def highest(changes: Sequence[Change]) -> Level | None:
    """The level that a release of these changes needs."""
    return max((one.level for one in changes), key=LEVELS.index, default=None)


def requirement_order(id: str) -> tuple[tuple[int, int | str], ...]:
    """A sort key that puts R1.2 before R1.10."""
    return tuple((0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", id) if part)


def _first(requirement: Mapping[str, Json], new: Mapping[str, Json]) -> Change:
    loads = requirement["id"] in new["trace"].get("source.objects", ())
    sentence = requirement["echo"] or requirement["text"]
    path = f"requirements[{requirement['id']}]"
    return Change(path, "added", "major", "backfill" if loads else "none", sentence, (requirement["id"],))


def _walk(pattern: str, path: str, owner: str, old: Json, new: Json) -> Iterator[_Difference]:
    if old == new or pattern in EXCLUDED:
        return
    if pattern in IDENTITY:
        yield from _items(pattern, path, owner, _keyed(pattern, old), _keyed(pattern, new))
    elif pattern in SETS:
        yield from _items(pattern, path, owner, {one: one for one in old}, {one: one for one in new})
    elif isinstance(old, Mapping) and isinstance(new, Mapping) and not _is_leaf(pattern):
        for key in dict.fromkeys((*old, *new)):
            deeper = f"{pattern}.{key}".lstrip(".")
            yield from _walk(deeper, f"{path}.{key}".lstrip("."), owner, old.get(key), new.get(key))
    else:
        yield _Difference(pattern, path, owner, _kind(pattern, old, new), old, new)


def _is_leaf(pattern: str) -> bool:
    return pattern in POLICY and not any(known.startswith(pattern + ".") for known in POLICY)


def _items(
    pattern: str, path: str, owner: str, old: Mapping[str, Json], new: Mapping[str, Json]
) -> Iterator[_Difference]:
    for key in dict.fromkeys((*old, *new)):
        place, inner = f"{path}[{key}]", f"{pattern}[]"
        if key not in old:
            yield _Difference(inner, place, owner, "added", None, new[key])
        elif key not in new:
            yield _Difference(inner, place, owner, "removed", old[key], None)
        elif isinstance(new[key], Mapping):
            for name in new[key]:
                yield from _walk(f"{inner}.{name}", f"{place}.{name}", key, old[key].get(name), new[key][name])


def _keyed(pattern: str, items: Sequence[Mapping[str, Json]] | None) -> dict[str, Mapping[str, Json]]:
    keyed: dict[str, Mapping[str, Json]] = {}
    for item in items or ():
        parts = (item.get(name) for name in IDENTITY[pattern])
        key = base = ".".join(_short(part) for part in parts if part is not None)
        repeat = 2
        while key in keyed:
            key, repeat = f"{base}#{repeat}", repeat + 1
        keyed[key] = item
    return keyed


def _short(part: Json) -> str:
    """A name as it is, a condition by eight digits of its hash."""
    return part if isinstance(part, str) else hashlib.sha256(_plain(part).encode()).hexdigest()[:8]


def _kind(pattern: str, old: Json, new: Json) -> Kind:
    if pattern.startswith(("retention.", "source.objects[].since")):
        return _span_kind(old, new, more_is_wider=pattern.startswith("retention."))
    if old is None:
        return "added"
    if new is None:
        return "removed"
    return _ordered(ORDERS[pattern], old, new) if pattern in ORDERS else _value_kind(pattern, old, new)


def _span_kind(old: Json, new: Json, *, more_is_wider: bool) -> Kind:
    """Days kept, or the first day loaded: no limit at all is the widest."""
    if new is None or old is None:
        return "widened" if new is None else "narrowed"
    comparable = (isinstance(old, int) and isinstance(new, int)) or all(
        re.fullmatch(r"\d{4}-\d\d-\d\d.*", str(one)) for one in (old, new)
    )
    return ("widened" if (new > old) == more_is_wider else "narrowed") if comparable else "changed"


def _value_kind(pattern: str, old: Json, new: Json) -> Kind:
    if pattern.endswith("].type"):
        return _type_kind(old, new)
    if pattern == "enums[].values" and old.items() <= new.items():
        return "widened"
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in (old, new)):
        return "widened" if new > old else "narrowed"
    return "changed"


def _ordered(order: Sequence[str], old: str, new: str) -> Kind:
    if old not in order or new not in order:
        return "changed"
    return "widened" if order.index(new) > order.index(old) else "narrowed"


def _type_kind(old: str, new: str) -> Kind:
    if new in ("text", "json") or (old, new) in TYPE_WIDER:
        return "widened"
    digits = [re.fullmatch(r"number\((\d+),(\d+)\)", one) for one in (old, new)]
    if all(digits):
        (p0, s0), (p1, s1) = ((int(m[1]), int(m[2])) for m in digits if m)
        return "widened" if s1 >= s0 and p1 - s1 >= p0 - s0 else "narrowed"
    return "narrowed" if (new, old) in TYPE_WIDER or old == "text" else "changed"


def _change(one: _Difference, old: Mapping[str, Json], new: Mapping[str, Json]) -> Change:
    level, action = policy(one.pattern, one.kind)
    return Change(one.path, one.kind, level, action, _sentence(one, old, new), _requirements(one, old, new))


def _sentence(one: _Difference, old: Mapping[str, Json], new: Mapping[str, Json]) -> str:
    shape = 0 if one.old is None else 1 if one.new is None else 2
    template = SENTENCES.get(one.pattern, (None, None, None))[shape]
    fallback = ("{path} is {new}", "{path} is no longer {old}", "{path} is {new}, was {old}")[shape]
    value = one.new if one.new is not None else one.old
    item = one.path[one.path.rindex("[") + 1 : -1] if one.path.endswith("]") else one.path
    return (template or fallback).format(
        path=one.path,
        owner=one.owner,
        item=_item_words(one.pattern, item, value),
        old=_plain(one.old),
        new=_plain(one.new),
        text=_part(value, "text"),
        **{f"{side}_{key}": _part(part, key) for side, part in (("old", one.old), ("new", one.new)) for key in _PARTS},
        **_clocks("old", old.get("schedule")),
        **_clocks("new", new.get("schedule")),
    )


_PARTS = ("column", "table", "value", "by")


def _part(value: Json, key: str) -> str:
    return _plain(value.get(key)) if isinstance(value, Mapping) else ""


def _item_words(pattern: str, item: str, value: Json) -> str:
    if pattern == "alerts[]":
        return f"{value['on']}: {value['to']} ({value['channel']})"
    return str(value["object"]) if pattern == "checks[]" else item


def _clocks(side: str, schedule: Mapping[str, str] | None) -> dict[str, str]:
    clock = _clock(schedule) if schedule else "never"
    verb = "runs at" if re.match(r"\d\d:\d\d ", clock) else "runs by"
    return {f"{side}_clock": clock, f"{side}_schedule": f"{verb} {clock}"}


def _clock(schedule: Mapping[str, str]) -> str:
    daily = re.fullmatch(r"(\d+) (\d+) \* \* \*", schedule["cron"])
    when = f"{int(daily[2]):02}:{int(daily[1]):02}" if daily else f"cron {schedule['cron']}"
    return f"{when} {schedule['timezone']}"


def _plain(value: Json) -> str:
    if value is None or isinstance(value, str):
        return "none" if value is None else value
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _requirements(one: _Difference, old: Mapping[str, Json], new: Mapping[str, Json]) -> tuple[str, ...]:
    if one.pattern.startswith("requirements[]"):
        return (re.split(r"[\[\]]", one.path)[1],)
    if one.pattern.startswith("assumptions[]"):
        return _of_assumption(one, old, new)
    before, after = _traced(one.pattern, old), _traced(one.pattern, new)
    edited = _edited(old, new)
    candidates = before if one.new is None else after or before
    likely = [id for id in candidates if id in edited]
    return tuple(sorted(likely or candidates, key=requirement_order))


def _of_assumption(one: _Difference, old: Mapping[str, Json], new: Mapping[str, Json]) -> tuple[str, ...]:
    key = re.split(r"[\[\]]", one.path)[1]
    rows = (old if one.pattern == "assumptions[]" and one.new is None else new)["assumptions"]
    return tuple(row["requirement"] for row in rows if row["key"] == key and row["requirement"])[:1]


def _traced(pattern: str, ir: Mapping[str, Json]) -> list[str]:
    """The requirements of the nearest traced path above this one."""
    trace = {re.sub(r"\[[^\]]*\]", "[]", key): ids for key, ids in ir.get("trace", {}).items()}
    fitting = [key for key in trace if re.match(re.escape(key) + r"(\W|$)", pattern)]
    return list(trace[max(fitting, key=len)]) if fitting else []


def _edited(old: Mapping[str, Json], new: Mapping[str, Json]) -> frozenset[str]:
    before, after = ({row["id"]: row["text"] for row in ir["requirements"]} for ir in (old, new))
    return frozenset(id for id in {*before, *after} if before.get(id) != after.get(id))


def _once(changes: Sequence[Change]) -> list[Change]:
    """A clock and its zone that change together are told once, at the zone's higher level."""
    zoned = any(one.path == "schedule.timezone" for one in changes)
    return [one for one in changes if not (zoned and one.path == "schedule.cron")]


def _by_requirement(change: Change) -> tuple[bool, bool, list[tuple[tuple[int, int | str], ...]], str]:
    assumed = change.path.startswith("assumptions[")
    return (assumed, not change.requirements, [requirement_order(id) for id in change.requirements], change.path)

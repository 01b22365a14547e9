"""The corpus of sentences: what each means by its author, what the grammar makes of it, and mutants of it.

A round is a JSONL file of {"kind", "text", "ir"}; `ir` holds the keys that the sentence sets, null for a sentence that
must be refused. The author of a round knew what each kind is for and the IR, but none of the rules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from durable_compiler import catalogue
from durable_compiler.catalogue import SYSTEM_FIELDS, Snapshot
from durable_compiler.frames.frame import Clause
from durable_compiler.grammar.reading import SentenceReading, read, understood
from durable_compiler.merging import Statement, fragment
from durable_compiler.requirements import Requirement
from durable_compiler.resolve import contradictions
from mutants import Reviewed, mutants

FOLDER = Path(__file__).parent / "cases" / "language" / "corpus"
Outcome = Literal["right", "asked", "wrong"]
Mutant = tuple[str, str, str]


@dataclass(frozen=True)
class Entry:
    """A sentence with what it means; `ir` None when it must be refused."""

    round: str
    kind: str
    text: str
    ir: dict[str, Any] | None


def schema() -> Snapshot:
    """The organisation that the sentences are about."""
    return catalogue.load(FOLDER / "salesforce.schema.json")


def rounds(folder: Path = FOLDER) -> dict[str, list[Entry]]:
    """Every round by name, in the order in which they were written."""
    return {path.stem: entries(path) for path in sorted(folder.glob("*.jsonl"))}


def entries(path: Path) -> list[Entry]:
    """The sentences of one file."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return [Entry(path.stem, row["kind"], row["text"], row["ir"]) for row in rows]


def reading(text: str, schema: Snapshot) -> SentenceReading:
    """A sentence read in a file that syncs every object."""
    return read(text, schema, tuple(one.name for one in schema.objects))


def outcome(entry: Entry, schema: Snapshot) -> Outcome:
    """Right: read as meant, or refused when it must be. Asked: refused. Wrong: read as something else."""
    found = SentenceReading(understood(entry.text, schema, tuple(one.name for one in schema.objects)))
    if not found.clauses or contradictory(found.clauses, schema):
        return "right" if entry.ir is None else "asked"
    if entry.ir is None:
        return "wrong"
    return "right" if meaning(found, schema) == canonical(entry.ir) else "wrong"


def contradictory(clauses: Sequence[Clause], schema: Snapshot) -> bool:
    """Whether the clauses of one sentence set one thing differently, which every command refuses."""
    one = Requirement("R1.1", "", "corpus.md", 1, ((1, 1),))
    return len(clauses) > 1 and bool(contradictions([Statement(clause, one) for clause in clauses], schema))


def meaning(found: SentenceReading, schema: Snapshot) -> str:
    """The IR of all clauses of a sentence in comparable form."""
    whole: dict[str, Any] = {}
    for clause in found.clauses:
        _join(whole, fragment(clause, schema))
    return canonical(whole)


def _join(whole: dict[str, Any], part: dict[str, Any]) -> None:
    for key, value in part.items():
        if isinstance(value, dict) and isinstance(whole.get(key), dict):
            _join(whole[key], value)
        elif key == "mappings" and key in whole:
            whole[key] = _one_mapping_each([*whole[key], *value])
        elif isinstance(value, list) and isinstance(whole.get(key), list):
            whole[key] = [*whole[key], *value]
        else:
            whole[key] = value


def _one_mapping_each(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One mapping a field, as a file has it: a clause that only cleans leaves the column to the one that names it."""
    known: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        name = (row["object"], row["field"])
        first, second = sorted((known.get(name, row), row), key=lambda one: bool(one["transforms"]))
        more = second["transforms"] if second != first else []
        known[name] = {**first, "transforms": [*first["transforms"], *more]}
    return list(known.values())


# --- what means the same ----------------------------------------------------------------------------------------


def canonical(ir: dict[str, Any]) -> str:
    """A text that is equal exactly for parts of an IR that mean the same."""
    whole = _with_defaults(json.loads(json.dumps(ir)))
    return json.dumps(_ordered(_expressions(_pruned(whole))), sort_keys=True, ensure_ascii=False)


# A check passes where a value is missing, so `not before` and `on or after` are one rule there, and only there.
_OPPOSITE = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}


def _with_defaults(ir: dict[str, Any]) -> dict[str, Any]:
    for one in ir.get("dedupe", ()):
        one.setdefault("keep", "latest")
    for kind in ("required", "checks"):
        for one in ir.get(kind, ()):
            one.setdefault("on_failure", "reject")
    for one in ir.get("checks", ()):
        inner = (one["condition"].get("args") or [{}])[0]
        if one["condition"].get("op") == "not" and inner.get("op") in _OPPOSITE:
            one["condition"] = {**inner, "op": _OPPOSITE[inner["op"]]}
    if ir.get("write", {}).get("mode") == "replace":
        ir.get("incremental", {}).pop("enabled", None)
    if "max_diff_ratio" in ir.get("deploy", {}):
        ir["deploy"]["strategy"] = "blue_green"
    if "source" in ir:
        ir["source"] = {"objects": _merged(ir["source"].get("objects", ()))}
    return ir


def _merged(objects: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry an object; the fields that every sync reads are said by none."""
    found: dict[str, Any] = {}
    for one in objects:
        known = found.setdefault(one["name"], {})
        known.update(one)
        if "fields" in one:
            known["fields"] = [name for name in one["fields"] or () if name not in SYSTEM_FIELDS]
        if "since" in one and one["since"] is None:
            known["since"] = "all"
    return list(found.values())


def _pruned(value: Any) -> Any:
    """Without what is null or empty, except among the arguments of an operator."""
    if isinstance(value, dict):
        return {key: _pruned(one) for key, one in value.items() if one not in (None, [], {}) or key == "args"}
    return [_pruned(one) for one in value] if isinstance(value, list) else value


_SAME_AS_NOT = {"ne": "eq", "not_null": "is_null"}


def _expressions(value: Any) -> Any:
    """One spelling of each expression: no `ne`, `not_null`, `between` or `in`, nested and/or flattened and sorted."""
    if isinstance(value, list):
        return [_expressions(one) for one in value]
    if not isinstance(value, dict):
        return value
    value = {key: _expressions(one) for key, one in value.items()}
    return _RESPELT.get(value.get("op", ""), lambda same: same)(value)


def _op(op: str, *args: Any) -> dict[str, Any]:
    return {"op": op, "args": list(args)}


def _without_double(value: dict[str, Any]) -> dict[str, Any]:
    inner = value["args"][0]
    result: dict[str, Any] = inner["args"][0] if inner.get("op") == "not" else value
    return result


def _not_equal(value: dict[str, Any]) -> dict[str, Any]:
    field, literal = value["args"]
    if literal.get("value") is False:
        return _op("eq", field, {**literal, "value": True})
    return _op("not", _op("eq", *value["args"]))


def _equal(value: dict[str, Any]) -> dict[str, Any]:
    field, literal = value["args"]
    if literal.get("value") is False:
        return _op("not", _op("eq", field, {**literal, "value": True}))
    return value


def _between(value: dict[str, Any]) -> dict[str, Any]:
    field, low, high = value["args"]
    return _sorted_arguments(_op("and", _op("ge", field, low), _op("le", field, high)))


def _one_of(value: dict[str, Any]) -> dict[str, Any]:
    field, *literals = value["args"]
    equals = [_op("eq", field, one) for one in literals]
    return _sorted_arguments(_op("or", *equals)) if len(equals) > 1 else equals[0]


def _sorted_arguments(value: dict[str, Any]) -> dict[str, Any]:
    flat: list[Any] = []
    for one in value["args"]:
        flat += one["args"] if one.get("op") == value["op"] else [one]
    return _op(value["op"], *sorted(flat, key=lambda one: json.dumps(one, sort_keys=True)))


_RESPELT = {
    "not": _without_double,
    "ne": _not_equal,
    "eq": _equal,
    "not_null": lambda value: _op("not", _op("is_null", *value["args"])),
    "between": _between,
    "in": _one_of,
    "and": _sorted_arguments,
    "or": _sorted_arguments,
}
# Lists whose order means nothing; transforms, cases and keys keep theirs.
_UNORDERED = frozenset("alerts guards required checks masks mappings defaults excluded classes regions".split())


def _ordered(ir: dict[str, Any]) -> dict[str, Any]:
    def ordered(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: ordered(name, one) for name, one in value.items()}
        if isinstance(value, list):
            items = [ordered("", one) for one in value]
            return sorted(items, key=lambda one: json.dumps(one, sort_keys=True)) if key in _UNORDERED else items
        return value

    result: dict[str, Any] = ordered("", ir)
    return result


# --- mutants ----------------------------------------------------------------------------------------------------


def survivors(text: str, schema: Snapshot, chosen: Sequence[Mutant] | None = None) -> list[Mutant]:
    """(what, word, mutant) of the mutants that are read with the meaning of the sentence and with no more assumed."""
    expected = reading(text, schema).clauses
    if not expected:
        return []
    synced = tuple(one.name for one in schema.objects)
    wanted = _said(expected, schema)
    many = mutants(text, schema) if chosen is None else chosen
    different = {one[2]: one for one in many if one[2].casefold() != text.casefold()}
    return [one for one in different.values() if _said(understood(one[2], schema, synced), schema) == wanted]


def unreviewed(
    text: str, schema: Snapshot, known: Mapping[tuple[str, str], Reviewed], chosen: Sequence[Mutant] | None = None
) -> list[Mutant]:
    """The survivors whose word is in no list of neutral words, or only for other kinds of clause."""
    kinds = {clause.kind for clause in reading(text, schema).clauses}
    found = survivors(text, schema, chosen)
    return [one for one in found if not _is_neutral(known.get(one[:2]), kinds)]


def _is_neutral(entry: Reviewed | None, kinds: set[str]) -> bool:
    return entry is not None and (not entry.kinds or bool(entry.kinds & kinds))


def _said(clauses: Sequence[Clause], schema: Snapshot) -> tuple[str, frozenset[str]]:
    """What clauses mean, and what their sentence left open: a mutant that leaves more open says so itself."""
    assumed = frozenset(one.key for clause in clauses for one in clause.assumed)
    return (meaning(SentenceReading(tuple(clauses)), schema) if clauses else ""), assumed

"""The corpus of sentences: what each means by its author, what the grammar makes of it, and mutants of it.

A round is a JSONL file of {"kind", "text", "ir"}; `ir` holds the keys that the sentence sets, null for a sentence that
must be refused. The author of a round knew what each kind is for and the IR, but none of the rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from durable_compiler import catalogue
from durable_compiler.catalogue import Snapshot
from durable_compiler.grammar.reading import SentenceReading, read, understood
from durable_compiler.merging import fragment

FOLDER = Path(__file__).parent / "cases" / "language" / "corpus"
Outcome = Literal["right", "asked", "wrong"]


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
    found = reading(entry.text, schema)
    if not found.clauses:
        return "right" if entry.ir is None else "asked"
    if entry.ir is None:
        return "wrong"
    return "right" if meaning(found, schema) == canonical(entry.ir) else "wrong"


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
        known[name] = {**first, "transforms": [*first["transforms"], *(second["transforms"] if second != first else [])]}
    return list(known.values())


# --- what means the same ----------------------------------------------------------------------------------------


def canonical(ir: dict[str, Any]) -> str:
    """A text that is equal exactly for parts of an IR that mean the same."""
    whole = _with_defaults(json.loads(json.dumps(ir)))
    return json.dumps(_ordered(_expressions(_pruned(whole))), sort_keys=True, ensure_ascii=False)


def _with_defaults(ir: dict[str, Any]) -> dict[str, Any]:
    for one in ir.get("dedupe", ()):
        one.setdefault("keep", "latest")
    for kind in ("required", "checks"):
        for one in ir.get(kind, ()):
            one.setdefault("on_failure", "reject")
    if ir.get("write", {}).get("mode") == "replace":
        ir.get("incremental", {}).pop("enabled", None)
    if "max_diff_ratio" in ir.get("deploy", {}):
        ir["deploy"]["strategy"] = "blue_green"
    objects: dict[str, Any] = {}
    for one in ir.get("source", {}).get("objects", ()):
        known = objects.setdefault(one["name"], {})
        known.update(one)
        if "since" in one and one["since"] is None:
            known["since"] = "all"
    if objects:
        ir["source"] = {"objects": list(objects.values())}
    return ir


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

INSERTED = (
    "not never no except unless without only maybe might could usually about almost or either but rarely "
    "sometimes possibly approximately hardly neither"
).split()
SWAPPED = {
    "minutes": "hours", "hours": "minutes", "days": "weeks", "weeks": "days", "seconds": "minutes", "months": "days",
    "rows": "minutes", "%": "rows", "percent": "rows", "accounts": "Contacts", "account": "Contact",
    "contacts": "Accounts", "contact": "Account", "opportunities": "Leads", "leads": "Opportunities",
    "least": "most", "most": "least", "more": "less", "less": "more", "before": "after", "after": "before",
    "above": "below", "below": "above", "under": "over", "over": "under", "latest": "oldest", "and": "or",
    "all": "some", "every": "no", "each": "no", "salesforce": "HubSpot", "snowflake": "BigQuery", "utc": "CET",
    "am": "pm", "pm": "am", "monday": "Tuesday", "sunday": "Saturday", "nightly": "weekly", "daily": "monthly",
    "is": "isn't", "are": "aren't", "must": "may", "should": "could", "fails": "succeeds", "when": "unless",
    "if": "unless", "empty": "filled", "missing": "present", "with": "without", "without": "with",
}  # fmt: skip


def mutants(text: str) -> Iterator[tuple[str, str, str]]:
    """(what was done, the word, the mutant) for every insertion, deletion and substitution."""
    words = text.split()
    for position in range(len(words) + 1):
        for word in INSERTED:
            yield "insert", word, " ".join([*words[:position], word, *words[position:]])
    for position, word in enumerate(words):
        bare = word.strip(".,;:!()").casefold()
        yield "delete", bare, " ".join([*words[:position], *words[position + 1 :]])
        if bare in SWAPPED:
            yield "swap", bare, " ".join([*words[:position], _like(word, SWAPPED[bare]), *words[position + 1 :]])
        number = _other_number(word)
        if number is not None:
            yield "number", bare, " ".join([*words[:position], number, *words[position + 1 :]])


def _like(word: str, other: str) -> str:
    """The other word with the punctuation of the first."""
    bare = word.strip(".,;:!()")
    return word.replace(bare, other)


def _other_number(word: str) -> str | None:
    digit = next((index for index, letter in enumerate(word) if letter.isdigit()), None)
    if digit is None:
        return None
    return f"{word[:digit]}{(int(word[digit]) + 1) % 10}{word[digit + 1 :]}"


def survivors(text: str, schema: Snapshot, chosen: Sequence[tuple[str, str, str]] | None = None) -> list[Any]:
    """(what, word, mutant) of the mutants that are read just like the sentence."""
    expected = reading(text, schema).clauses
    if not expected:
        return []
    many = mutants(text) if chosen is None else chosen
    synced = tuple(one.name for one in schema.objects)
    return [one for one in many if understood(one[2], schema, synced) == expected]

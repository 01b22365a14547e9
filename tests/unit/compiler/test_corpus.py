"""The corpus of sentences: its own soundness, that nothing in it is read wrongly, and that no word of it is ignored."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

import corpus
import mutants
from durable_compiler.catalogue import Snapshot
from durable_compiler.frames import REGISTRY
from durable_compiler.grammar.reading import read, understood
from durable_compiler.merging import EVERY_OBJECT

ROUNDS = corpus.rounds()
# The keys of the IR that a sentence can set.
KEYS: dict[str, str] = {
    "schedule": "cron timezone",
    "source": "objects",
    "source.objects": "name where since fields excluded lookups",
    "source.objects.lookups": "path column",
    "target": "system database schema table layout",
    "write": "mode batch_rows",
    "incremental": "enabled overlap_seconds full_refresh_cron formula_refresh reconcile_cron",
    "deletes": "",
    "dedupe": "object by keep",
    "mappings": "object field column type transforms",
    "conventions": "dates phones phone_region",
    "enums": "object field values otherwise",
    "derived": "object column cases otherwise",
    "derived.cases": "when value",
    "computed": "object column type expression",
    "defaults": "object field value",
    "blanks": "object field values",
    "required": "object field on_failure",
    "checks": "object condition on_failure",
    "drift": "unknown_fields column",
    "retry": "max_attempts backoff max_elapsed_seconds classes",
    "alerts": "on channel to",
    "guards": "kind object value",
    "sla": "max_runtime_seconds max_staleness_seconds",
    "quota": "max_api_share",
    "masks": "object field method",
    "residency": "regions",
    "retention": "monitoring_days rejects_days",
    "approvals": "spec_change schema_change deploy role",
    "deploy": "strategy max_diff_ratio isolation",
}
OPERATORS = frozenset(
    "and or not eq ne lt le gt ge in between is_null not_null contains starts_with matches add sub mul div "
    "days_between concat coalesce round field literal now today".split()
)
# What a person chooses, not what a record holds: these keys hold values, expressions and free names.
EXPRESSIONS = frozenset(("where", "condition", "when", "expression"))
SEEDS = int(os.environ.get("DURABLE_SEEDS", "0"))
# Rounds after these were kept aside: nobody looks at a sentence of theirs, not even where a test fails.
OPEN_ROUNDS = [f"round_{number}" for number in range(1, 7)]
NEUTRAL = mutants.reviewed(corpus.FOLDER / "neutral_words.txt")


# --- the corpus itself -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROUNDS)
def test_a_round_has_no_sentence_twice_and_only_known_kinds(name: str) -> None:
    texts = [one.text for one in ROUNDS[name]]
    assert len(texts) > 100
    assert len({text.casefold() for text in texts}) == len(texts)
    kinds = {kind for one in ROUNDS[name] for kind in one.kind.removeprefix("trap:").split("+")}
    assert kinds <= set(REGISTRY)


@pytest.mark.parametrize("name", ROUNDS)
def test_the_meanings_of_a_round_use_only_keys_objects_and_fields_that_exist(name: str, whole_schema: Snapshot) -> None:
    flaws = [
        (line, flaw) for line, one in enumerate(ROUNDS[name], 1) for flaw in _flaws(one.ir or {}, whole_schema, "")
    ]
    assert flaws == []


def _flaws(value: dict[str, Any], schema: Snapshot, path: str) -> Iterator[str]:
    for key, one in value.items():
        here = f"{path}.{key}".lstrip(".")
        if key not in (KEYS.get(path, "").split() if path else KEYS):
            yield f"no key {here}"
        elif key in EXPRESSIONS:
            yield from _flaws_of_expression(one, schema)
        else:
            rows = one if isinstance(one, list) else [one]
            yield from (
                flaw for row in rows if isinstance(row, dict) and here in KEYS for flaw in _flaws(row, schema, here)
            )
    yield from _unknown_names(value, schema, path)


def _unknown_names(row: dict[str, Any], schema: Snapshot, path: str) -> Iterator[str]:
    owner = row.get("name") if path == "source.objects" else row.get("object")
    if owner in (None, EVERY_OBJECT):
        return
    known = schema.object(str(owner))
    if known is None:
        yield f"no object {owner}"
        return
    fields = [row["field"]] if "field" in row else []
    fields += [name for key in ("fields", "excluded", "by") for name in row.get(key) or ()]
    yield from (f"no field {owner}.{name}" for name in fields if known.field(name) is None)
    paths = [one["path"].partition(".")[0] for one in row.get("lookups") or ()]
    ways = {one.relationshipName for one in known.fields}
    yield from (f"no way {owner}.{way}" for way in paths if way not in ways)


def _flaws_of_expression(value: Any, schema: Snapshot) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    if value["op"] not in OPERATORS:
        yield f"no operator {value['op']}"
    elif value["op"] == "field" and not value.get("path"):
        owner = schema.object(value["object"])
        if owner is None or owner.field(value["name"]) is None:
            yield f"no field {value['object']}.{value['name']}"
    for one in value.get("args", ()):
        yield from _flaws_of_expression(one, schema)


def test_each_change_on_the_neutral_list_is_one_that_the_mutants_make() -> None:
    assert {one.what for one in NEUTRAL.values()} <= set("insert begin end delete swap cut minus number name".split())
    kinds = {kind for one in NEUTRAL.values() for kind in one.kinds}
    assert kinds <= set(REGISTRY)
    inserted = {word for what, word in NEUTRAL if what == "insert"}
    assert inserted <= {*mutants.INSERTED, *(word for group in mutants.IN_TURN for word in group)}


# --- what the grammar makes of it ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outcomes(whole_schema: Snapshot) -> dict[str, dict[str, corpus.Outcome]]:
    """Every round's sentences with what became of each."""
    return {name: {one.text: corpus.outcome(one, whole_schema) for one in entries} for name, entries in ROUNDS.items()}


def test_no_sentence_of_any_round_is_read_wrongly(outcomes: dict[str, dict[str, corpus.Outcome]]) -> None:
    wrong = {name: [text for text, result in found.items() if result == "wrong"] for name, found in outcomes.items()}
    assert {name: texts if name in OPEN_ROUNDS else len(texts) for name, texts in wrong.items() if texts} == {}


def test_each_round_is_read_rightly_at_least_as_often_as_before(
    outcomes: dict[str, dict[str, corpus.Outcome]],
) -> None:
    floors: dict[str, int] = json.loads((corpus.FOLDER / "reached.json").read_text())
    right = {name: list(found.values()).count("right") for name, found in outcomes.items()}
    assert {name: count for name, count in right.items() if count < floors.get(name, 0)} == {}


def _readable(whole_schema: Snapshot, size: int) -> list[str]:
    """A sample of sentences that the grammar reads, the same one every time."""
    texts = [one.text for name in OPEN_ROUNDS for one in ROUNDS.get(name, ()) if one.ir is not None]
    random.Random(3).shuffle(texts)
    every = tuple(one.name for one in whole_schema.objects)
    return [text for text in texts[: size * 2] if understood(text, whole_schema, every)][:size]


def test_a_word_more_or_less_or_another_one_is_never_overlooked(whole_schema: Snapshot) -> None:
    alive = []
    for number, text in enumerate(_readable(whole_schema, max(SEEDS, 40))):
        every = list(mutants.mutants(text, whole_schema, thorough=bool(SEEDS)))
        # Without seeds some mutants of each sentence, the same ones every time, so that the suite stays quick.
        chosen = every if SEEDS else random.Random(number).sample(every, min(40, len(every)))
        alive += corpus.unreviewed(text, whole_schema, NEUTRAL, chosen)
    assert alive == []


def _traps() -> list[str]:
    lines = (corpus.FOLDER.parent / "rejected" / "traps_corpus.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("# ")]


@pytest.mark.parametrize("line", _traps())
def test_a_trap_is_refused_with_the_expected_code_when_every_object_is_synced(
    line: str, whole_schema: Snapshot
) -> None:
    code, sentence = line.split(" ", 1)
    found = read(sentence, whole_schema, tuple(one.name for one in whole_schema.objects))
    assert found.clauses == ()
    assert found.fault is not None
    assert found.fault.code == code


@pytest.mark.parametrize("kind", REGISTRY)
def test_a_frame_has_six_near_misses_at_least(kind: str) -> None:
    assert len(set(REGISTRY[kind].near_misses)) >= 6

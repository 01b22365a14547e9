"""Every frame reads its examples, echoes them, refuses its near misses, and is never talked round by one more word."""

from __future__ import annotations

import os

import pytest

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames import REGISTRY
from durable_compiler.grammar.reading import echo, read, understood

# At each place three of them, other ones at the next place; under DURABLE_SEEDS every one everywhere.
HARMFUL = "not never except about only unless maybe usually without no almost or".split()
# Where the word says what the sentence says without it: history from a day on, data in a region, a hash alone.
SAID_ANYWAY = {("since", "only"), ("residency", "only"), ("mask", "only")}
EXAMPLES = [(kind, text) for kind, frame in REGISTRY.items() for text in frame.examples]
NEAR_MISSES = [(kind, text) for kind, frame in REGISTRY.items() for text in frame.near_misses]


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_an_example_is_one_clause_of_its_frame_and_its_echo_reads_back_to_it(
    kind: str, text: str, schema: Snapshot
) -> None:
    found = read(text, schema)
    assert found.fault is None
    assert [clause.kind for clause in found.clauses] == [kind]
    canonical = echo(found.clauses, schema)
    assert read(canonical, schema).clauses == found.clauses
    assert echo(read(canonical, schema).clauses, schema) == canonical


@pytest.mark.parametrize(("kind", "text"), NEAR_MISSES)
def test_a_near_miss_is_refused_with_a_reason_inside_the_sentence(kind: str, text: str, schema: Snapshot) -> None:
    found = read(text, schema)
    assert found.clauses == ()
    assert found.fault is not None
    assert 0 <= found.fault.start < found.fault.end <= len(text)
    assert found.fault.help


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_a_harmful_word_anywhere_never_leaves_the_reading_unchanged(kind: str, text: str, schema: Snapshot) -> None:
    reading = read(text, schema).clauses
    words = text.split()
    for position in range(len(words) + 1):
        for word in HARMFUL if "DURABLE_SEEDS" in os.environ else HARMFUL[position % 4 :: 4]:
            mutant = " ".join([*words[:position], word, *words[position:]])
            if (kind, word) in SAID_ANYWAY:
                continue
            assert understood(mutant, schema) != reading, mutant


@pytest.mark.parametrize("kind", REGISTRY)
def test_a_frame_has_examples_near_misses_and_one_sentence_of_documentation(kind: str) -> None:
    frame = REGISTRY[kind]
    assert frame.kind == kind
    assert len(frame.examples) >= 3
    assert len(frame.near_misses) >= 4
    assert frame.doc.endswith(".")
    assert frame.doc.count(". ") == 0

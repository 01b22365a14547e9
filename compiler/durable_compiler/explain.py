"""The JSON of `durable explain` and `durable ir`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from durable_compiler.advice import advised
from durable_compiler.catalogue import Snapshot
from durable_compiler.diagnostics import Diagnostic
from durable_compiler.frames import frame_of
from durable_compiler.grammar.reading import SentenceReading, echo, read, understood
from durable_compiler.interpret import Reading, diagnostics_of, read_file
from durable_compiler.lock import PINNED
from durable_compiler.merging import Statement, fragment
from durable_compiler.requirements import Requirement
from durable_compiler.resolve import contradictions


def explain_sentence(text: str, catalogue: Snapshot, synced: Sequence[str] = ()) -> dict[str, Any]:
    """What one sentence means: its clauses with their canonical English and IR, or why it is rejected."""
    clauses, diagnostics = sentence_read(text, catalogue, synced)
    wrong = [one.to_json() for one in diagnostics]
    return {"text": text, "status": "rejected" if wrong else "understood", "clauses": clauses, "diagnostics": wrong}


def sentence_read(
    text: str, catalogue: Snapshot, synced: Sequence[str] = ()
) -> tuple[list[dict[str, Any]], list[Diagnostic]]:
    """The clauses of one sentence, and what is wrong with it.

    A bare field name is looked up in the `synced` objects of the project first, then in every object.
    """
    requirement = Requirement(
        "the sentence", text, "<sentence>", 1, tuple((1, column) for column in range(1, len(text) + 1))
    )
    found = SentenceReading(understood(text, catalogue, synced))
    if not found.clauses:
        found = read(text, catalogue)
    faults = [*diagnostics_of(found, requirement)] if found.fault else []
    faults += contradictions([Statement(clause, requirement) for clause in found.clauses], catalogue)
    wrong = [replace(one, requirement=None) for one in advised(faults, text, [requirement], (), catalogue)]
    clauses = [
        {"kind": one.kind, "echo": frame_of(one).echo(one, catalogue), "ir": fragment(one, catalogue)}
        for one in found.clauses
    ]
    return clauses, wrong


def requirements_read(reading: Reading, catalogue: Snapshot) -> list[dict[str, Any]]:
    """Every requirement of a file: understood, pinned or rejected, its canonical English and its clauses."""
    blocks = {one.id: one for one in reading.lock}
    told = []
    for one in reading.requirements:
        clauses = [each.clause for each in reading.clauses if each.requirement.id == one.id]
        block = blocks.get(one.id)
        pinned = block is not None and block.via == PINNED
        told.append(
            {
                "id": one.id,
                "text": one.text,
                "file": one.file,
                "line": one.line,
                "status": "rejected" if block is None else "pinned" if pinned else "understood",
                "echo": None if block is None else echo(clauses, catalogue),
                "clauses": [
                    {"kind": each.kind, "echo": frame_of(each).echo(each, catalogue), "ir": fragment(each, catalogue)}
                    for each in clauses
                ],
            }
        )
    return told


def rejected(name: str, reading: Reading) -> dict[str, Any]:
    """What is printed in place of an IR."""
    return {"name": name, "diagnostics": [one.to_json() for one in reading.diagnostics]}


def ir_text(path: Path, snapshot: Path) -> tuple[str, int]:
    """`durable ir NAME --json`: text and exit code."""
    reading = read_file(path, snapshot)
    if reading.pipeline is not None:
        return reading.pipeline.to_json(), 0
    return _text(rejected(path.stem, reading)), 1


def all_ir_text(paths: Mapping[str, Path], snapshot: Path) -> tuple[str, int]:
    """`durable ir --all --json`: text and exit code."""
    readings = {name: read_file(path, snapshot) for name, path in sorted(paths.items())}
    good = [json.loads(one.pipeline.to_json()) for one in readings.values() if one.pipeline is not None]
    bad = [rejected(name, one) for name, one in readings.items() if one.pipeline is None]
    return _text({"pipelines": good, "rejected": bad}), 1 if bad else 0


def _text(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

"""How many rows are committed together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Batch(Clause):
    """A number of rows."""

    kind: ClassVar[str] = "batch"
    rows: int


def build(values: Values, sentence: Sentence) -> Batch | Fault:
    """The clause of a reading."""
    return Batch(values["rows"]) if 0 < values["rows"] <= 10_000_000 else out_of_range(values["rows"], sentence)


def echo(clause: Batch, catalogue: Snapshot) -> str:
    """Canonical English."""
    return f"Commits in batches of {clause.rows:,} rows"


def ir(clause: Batch, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"write": {"batch_rows": clause.rows}}


def out_of_range(rows: int, sentence: Sentence) -> Fault:
    """A batch of no rows, or of more than one transaction should hold."""
    help = "Write a number of rows from 1 to 10,000,000."
    return Fault("DUR053", f"{rows:,} rows is no batch", sentence.tokens[0].start, sentence.tokens[-1].end, help)


_CHUNK = "(batch/chunk/group/block)"
_CHUNKS = "([write] batches/chunks/groups/blocks)"
_WRITES = (
    "((each/every/a/the [write/commit/load] batch/chunk) | [write] batches/chunks | commits | (each/every commit))"
)

FRAME = Frame(
    kind="batch",
    doc="Says how many rows are committed together.",
    phrases=f"""
    VERB = ~commit/write/load/process/insert/send/save/upsert/push [the/all] [data/rows/records/changes] [to/into (the
            warehouse/table/target | snowflake)] | ~use/work/group/split/chunk [the] [data/rows/records/changes/writes]
    WHAT = [the/all] data/rows/records/changes/writes
    BATCHES = (in/into/with) {_CHUNKS} (of | of up to | of at most | of no more than | of maximum)
            <int:rows> [%rows] [each]
        | {_CHUNKS} (of | of up to | of at most | of no more than) <int:rows> [%rows] | (in/with) <int:rows>
            row {_CHUNKS}
        | (in/with) {_CHUNKS} (that/which) [each] ~hold/contain [up to | at most] <int:rows> %rows | <int:rows>
            row {_CHUNKS}
    PER = [up to | at most | no more than] <int:rows> %rows (per | in each | in every | to a | in a) {_CHUNK}
        | [up to | at most | no more than] <int:rows> %rows per commit/transaction
    EACH = (each/every/a [write] {_CHUNK} | write {_CHUNKS} | {_CHUNKS}) [may/can]
            (~have/hold/contain/include | be | ~consist_of) [exactly]
            [up to | at most | no more than | a maximum of] <int:rows> %rows
    SIZE = [~use/set] [the/a] [write/commit/load/maximum/max] (batch/chunk size | size of a/the/each
            batch/chunk | rows per batch)
            [is/of/to/at] [: | =] [up to | at most] <int:rows> [%rows]
    CAP = ~cap/limit/restrict ({_WRITES} | the {_CHUNK} size | {_CHUNK} size) (at/to) [at most] <int:rows> [%rows]
        | ({_WRITES} | [the] {_CHUNK} size) ~cap/limit/restrict (at/to) [at most] <int:rows> [%rows]
        | {_CHUNKS} (must/may/should/can/shall not | cannot | [must/should/may] never) (~exceed |
            ~hold/contain/have more than)
            <int:rows> %rows
        | no {_CHUNK} (may/can/should/must/shall/will) (~have/hold/contain more than | ~exceed | be
            (larger/bigger) than)
            <int:rows> %rows
    EVERY = [after/once] (every/each) <int:rows> %rows | after every <int:rows> %rows
    AT = [up to | at most | no more than] <int:rows> %rows at a time | [up to | at most | no more than]
            <int:rows> %rows at once
    COMMIT = ~commit | commits ~happen | one commit
    READ EACH
    READ VERB BATCHES|AT|PER
    READ WHAT COMMIT BATCHES|AT|PER|EVERY
    READ COMMIT EVERY|PER
    READ SIZE
    READ CAP
    READ BATCHES
    READ PER
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("write.batch_rows",),
    examples=(
        "Commits in batches of 50,000 rows",
        "Writes in batches of 20k records",
        "Batch size is ten thousand rows",
        "Commits every 5000 rows",
        "Batch size: 50,000",
    ),
    near_misses=(
        "Commits in batches",
        "Commits in batches of about 50,000 rows",
        "Never commits in batches of 50,000 rows",
        "Commits in batches of 50,000 bytes",
        "Commits in batches of 0 rows",
        "Commits in batches of at least 50,000 rows",
        "Commits in batches of 1,000 or 2,000 rows",
    ),
)

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


FRAME = Frame(
    kind="batch",
    doc="Says how many rows are committed together.",
    phrases="""
    VERB = ~commit/write/load/process/insert/send/save [the] [data/rows/records/changes] | ~use
    WHAT = data/rows/records/changes
    BATCHES = in batches of [up to] <int:rows> [%rows] [each] | batches of <int:rows> [%rows]
    PER = <int:rows> %rows per batch | <int:rows> %rows in each batch
    EACH = each/every batch has/have/holds/contains/is [up to] <int:rows> %rows
    SIZE = [~use] batch size [is/of] [:] <int:rows> [%rows] | batches have/contain/hold <int:rows> rows
    EVERY = [after] every <int:rows> %rows
    AT = <int:rows> %rows at a time
    COMMIT = ~commit
    READ EACH
    READ VERB BATCHES|AT|PER
    READ WHAT COMMIT BATCHES
    READ COMMIT EVERY
    READ SIZE
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
    ),
    near_misses=(
        "Commits in batches",
        "Commits in batches of about 50,000 rows",
        "Never commits in batches of 50,000 rows",
        "Commits in batches of 50,000 bytes",
        "Commits in batches of 0 rows",
    ),
)

"""When formula fields are read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.sentence import Sentence


@dataclass(frozen=True)
class FormulaRefresh(Clause):
    """How often."""

    kind: ClassVar[str] = "refresh"
    when: str


def build(values: Values, sentence: Sentence) -> FormulaRefresh:
    """The clause of a reading."""
    return FormulaRefresh(values["when"])


def echo(clause: FormulaRefresh, catalogue: Snapshot) -> str:
    """Canonical English."""
    return {
        "nightly": "Re-reads formula fields every night",
        "every_run": "Re-reads formula fields on every run",
        "never": "Never re-reads formula fields",
    }[clause.when]


def ir(clause: FormulaRefresh, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"incremental": {"formula_refresh": clause.when}}


FRAME = Frame(
    kind="refresh",
    doc="Says how often formula fields, whose changes leave no timestamp, are read again.",
    phrases="""
    READ_AGAIN = ~re_read/refresh/recompute/recalculate/update [the/all] formula fields/columns/values
        | formula fields/columns ~re_read/refresh/recalculate/update
    NIGHT = every/each night | nightly
    RUN = on/in/with/at every/each run | every/each run | every time
    NEVER = never ~re_read/refresh formula fields | do/does not ~re_read/refresh formula fields
        | formula fields are never ~re_read/refresh
    READ READ_AGAIN NIGHT {when=nightly}
    READ READ_AGAIN RUN {when=every_run}
    READ NEVER {when=never}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("incremental.formula_refresh",),
    examples=(
        "Re-reads formula fields every night",
        "Re-reads formula fields on every run",
        "Never re-reads formula fields",
    ),
    near_misses=(
        "Re-reads formula fields",
        "Re-reads formula fields usually every night",
        "Re-reads all fields every night",
        "Re-reads formula fields every second run",
    ),
)

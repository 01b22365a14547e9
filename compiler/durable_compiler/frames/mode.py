"""How rows reach the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.sentence import Sentence


@dataclass(frozen=True)
class Mode(Clause):
    """A write mode."""

    kind: ClassVar[str] = "mode"
    mode: str


def build(values: Values, sentence: Sentence) -> Mode:
    """The clause of a reading."""
    return Mode(values["mode"])


def echo(clause: Mode, catalogue: Snapshot) -> str:
    """Canonical English."""
    return _ECHO[clause.mode]


def ir(clause: Mode, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    incremental = {"incremental": {"enabled": False}} if clause.mode == "replace" else {}
    return {"write": {"mode": clause.mode}, **incremental}


_ECHO = {
    "upsert": "Upserts existing records and inserts new ones",
    "append": "Appends every change",
    "replace": "Replaces the table on every run",
    "history": "Keeps the full history of changes",
}


FRAME = Frame(
    kind="mode",
    doc="Says how a run changes the table: upsert, append, replace or history.",
    phrases="""
    UPSERT = ~upsert/merge [%rows_or_changes] [into [the] table]
        | ~upsert/merge [existing/changed/all] %rows_or_changes
    UPDATE = existing ones [are] ~update | ~update [existing/changed] (%rows | ones)
        | existing [%rows] [are/get/must be] ~update
        | changed [%rows] [are] ~update
    USE = ~use upsert/upserts [mode] | write mode is upsert
    ORUPDATE = ~insert or ~update %rows | ~update or ~insert %rows
    NEVERUP = never ~update %rows , only ~append | only ~append , never ~update
    UPEXIST = ~upsert existing %rows
    INSERT = ~insert/add [new] (%rows | ones) | new [%rows | ones] [are/get/must be] ~insert/add
    APPEND = ~append [every/each/all] [change/changes/version/versions] | ~append [new/changed] %rows
        | every/each change ~append | only ~append | append only
    REPLACE = ~replace/overwrite/truncate/rebuild [the/whole/entire] [whole/entire] table [contents] [from scratch]
        | the [whole/entire] table is ~replace/overwrite/rebuild
    EACHRUN = on/in/with every/each run | every/each time | every/each run
    HISTORY = ~keep/track/store/preserve [the/a] [full/complete/whole] history
        [of [all/every/the] change/changes/records/record]
        | ~keep [the] history of [all/every/the] change/changes
    SCD = [\\(] [as/using/with] scd [type] 2 [\\)] | slowly changing dimension type 2 | ~use scd type 2
    READ ORUPDATE {mode=upsert}
    READ NEVERUP {mode=append}
    READ USE {mode=upsert}
    READ UPSERT [INSERT] {mode=upsert}
    READ UPEXIST INSERT {mode=upsert}
    READ UPDATE INSERT {mode=upsert}
    READ APPEND [EACHRUN] {mode=append}
    READ REPLACE EACHRUN {mode=replace}
    READ HISTORY [SCD] {mode=history}
    READ SCD {mode=history}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("write.mode",),
    examples=(
        "Upserts existing records and inserts new ones",
        "Updates existing records and inserts new ones",
        "Appends every change",
        "Replaces the table on every run",
        "Keeps the full history of changes (SCD type 2)",
        "Existing records are updated and new records are inserted",
    ),
    near_misses=(
        "Updates existing records",
        "Upserts existing records but never inserts new ones",
        "Replaces the table",
        "Never replaces the table on every run",
        "Upserts or appends records",
        "Keeps no history of changes",
    ),
)

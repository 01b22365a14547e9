"""What happens to records that were deleted in Salesforce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.sentence import Sentence


@dataclass(frozen=True)
class Deletes(Clause):
    """A policy."""

    kind: ClassVar[str] = "deletes"
    policy: str


def build(values: Values, sentence: Sentence) -> Deletes:
    """The clause of a reading."""
    return Deletes(values["policy"])


def echo(clause: Deletes, catalogue: Snapshot) -> str:
    """Canonical English."""
    return {
        "skip": "Skips soft-deleted records",
        "flag": "Marks deleted records instead of removing them",
        "remove": "Removes records that were deleted in Salesforce",
    }[clause.policy]


def ir(clause: Deletes, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"deletes": clause.policy}


FRAME = Frame(
    kind="deletes",
    doc="Says whether records deleted in Salesforce are skipped, flagged or removed.",
    phrases="""
    DEL = soft deletes | [the/all/any] %rows [soft] deleted in/from salesforce
        | rows whose %rows were deleted in salesforce
        | [the/all/any] [soft/salesforce] deleted %rows [in/from salesforce]
        | [the/all/any] %rows (that/which) [were/are/have] [been] [soft] deleted [in/from salesforce]
    BIN = %rows in [the] [salesforce] recycle bin
    SKIP = ~skip/ignore/exclude/omit | ~leave out
    SKIPDEL = ~leave [the/all/any] [soft] deleted %rows out
    NOTLOAD = do/does/must/should/shall/will/are not [be] ~load/sync/read/copy | never ~load/sync/read/copy
        | are never ~load/sync/read/copy
    MARK = ~mark/flag | ~keep and ~flag/mark
    AS = as deleted
    STEAD = instead of [being] ~remove/delete [them] | rather than [being] ~remove/delete [them]
    REMOVE = ~remove/delete/drop
    WHERE = from the table/warehouse/target | from snowflake/duckdb | in/from the warehouse/target/table too
    READ BIN SKIP|NOTLOAD {policy=skip}
    READ DEL SKIP|NOTLOAD {policy=skip}
    READ SKIPDEL {policy=skip}
    READ DEL MARK [AS] [STEAD] {policy=flag}
    READ DEL REMOVE [WHERE] {policy=remove}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("deletes",),
    examples=(
        "Skips soft-deleted records",
        "Marks deleted records instead of removing them",
        "Removes records that were deleted in Salesforce",
        "Soft-deleted records are ignored",
        "Does not load deleted records",
    ),
    near_misses=(
        "Never skips soft-deleted records",
        "Skips records",
        "Skips soft-deleted Contacts except VIPs",
        "Does not mark deleted records",
        "Deletes records",
        "Usually skips soft-deleted records",
    ),
)

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
    LABEL = [write/load/sync/update/loading/writing/target] mode/type/strategy/method/semantics/disposition [is]
        [:] | [~use/apply] [the]
    UPSERTED = upsert/upserts/upserting/merge [mode/semantics/strategy] | an/the upsert/merge
    APPENDED = append/appends [only] [mode/semantics/strategy] | insert only | inserts only
    REPLACED = full refresh [and/with] overwrite | overwrite/replace/truncate
    OVERWRITE = full refresh [and/with] overwrite
    BOTH = ~upsert existing and ~insert new %rows
    UPSERT = ~upsert/merge [[the] %rows_or_changes] [(into/to) [the] table/target] | ~upsert/merge [new and/or]
        [existing/changed/all/the] %rows_or_changes [(into/to) [the] table/target] | [new and changed | changed and
        new | all | the | incoming | our] %rows_or_changes %be_to ~upsert/merge [(into/to) [the] table]
        | %rows_or_changes ~merge , not ~append
    WANT = want/need
    KEYED = (by/on/using | based on) [the/their] (record/salesforce/source id/ids | id/ids | primary key)
    UPDATE = (%existing | %rows) ~update in place | existing ones [are] ~update | ~update %existing | %existing
        %be_to ~update | ~update existing
    TO = to
    LOAD = the load/sync
    ORUPDATE = ~insert or ~update %rows | ~update or ~insert %rows
    IFEXISTS = (if/when/where) [a/the/any] %rows [already] ~exist [in [the] table/target/warehouse] [,] [then]
        [it] ~update [,] (otherwise/else | if not [,] | or else) [it] ~insert/add
    NOUPDATES = only inserts , no updates | inserts only , no updates | ~append , never (overwrite/update) | only
        inserts [and] no updates
    IFELSE = ~update if [it] exists , insert otherwise | ~update if [it] exists , otherwise insert
    NEVERUP = never ~overwrite/change [existing] %rows [:/,/;] (append only | only ~append) | never ~update
        [existing] %rows [:/,/;] only ~append/insert | only ~append , never ~update | (never/not | do/does not)
        ~update [or delete] [existing] %rows [:/,/;] [just] ~append [new ones]
    INSERT = ~insert/add/create [new] (%rows | ones) | new (%rows | ones) %be_to ~insert/add/create | ~insert/add
        (those/ones | the ones) that do not [exist] | ~insert new | the rest ~insert/add
    APPEND = ~append [every/each/all/the] [change/changes/version/versions] [to the table | of (a/each/every)
        record] | ~append [new/changed] %rows | (every/each/all) change/changes %be_to ~append [as [a] new
        row/rows/record/records] | only ~append | %rows are only [ever] ~append | append only
        | ~append/add/insert/write [a] new (row/record/version) (for/per/on/with) each/every/any change | each/every/any
        change ~add/create/insert/become/produce [a] [new] row/record | each/every/any change
        ~write/store/save/add/insert as [a] new row/record
    REPLACE = ~replace/overwrite/truncate/rebuild/recreate [the/whole/entire/full/complete/target]
        [whole/entire/target] table [contents/completely] [from scratch] | the [whole/entire/target] table %be_to
        [fully/completely] ~replace/overwrite/rebuild/truncate/recreate | ~truncate and
        ~load/reload/insert/refill/rewrite [[the] [target] table] | ~drop and ~recreate/rebuild/reload the table
        | ~replace/overwrite all [the/existing] %rows [in the table]
    WIPE = ~truncate/empty/clear the table and ~reload/load/refill it | (fully/completely/entirely)
        ~replace/overwrite/rebuild the table | ~wipe/clear/empty and ~reload/load/refill the table | ~delete all rows
        and ~reload/load [them/everything] | full overwrite | the table [is] ~rebuild/recreate/reload from scratch
        | [fully/completely] ~replace the contents of the table
    EACHRUN = on/in/with/at/during/by/for every/each run/sync/load | every/each time | every/each run/sync/load
    HISTORISE = (full/complete/whole) history of [all/every/the] changes ~keep/track/store/preserve
        | ~historise/historize (all/every/the) change/changes/records | (all/every/the) changes ~keep/store as history
    HISTORY = ~keep/track/store/preserve/retain/maintain/record [the/a] (full/complete/whole/entire)
        [change/audit] history [of (all/every/the/each) change/changes/records/record/rows | of records/changes/rows]
        | ~keep/track/store/preserve/maintain [the] history of (all/every/the/each) change/changes/record/records
        | ~keep/preserve/store/retain [all/every/each/old/previous] version/versions of (every/each/all/a)
        record/records | [the] (old/previous/all/earlier) versions of (every/each/all/a) record/records
        ~keep/preserve/retain | [~need/want] [a/the] (full/complete/whole) [change] history
    TYPE2 = [~use/keep/apply/maintain | ~track/keep/store/maintain [the] history] [\\(] [as/using/with] %scd2
        [history/table/dimension] [of [all] records/changes/rows] [\\)]
    HISTORYLABEL = history [mode/tracking] [is] [:]
    READ ORUPDATE|BOTH|IFEXISTS|IFELSE {mode=upsert}
    READ NEVERUP|NOUPDATES [LOAD] {mode=append}
    READ UPSERT [INSERT] [KEYED] [EACHRUN] {mode=upsert}
    READ LABEL UPSERTED [KEYED] {mode=upsert}
    READ LABEL UPSERTED TO UPDATE INSERT {mode=upsert}
    READ LABEL APPENDED {mode=append}
    READ LABEL REPLACED [EACHRUN] {mode=replace}
    READ APPENDED {mode=append}
    READ REPLACED EACHRUN {mode=replace}
    READ OVERWRITE {mode=replace}
    READ UPDATE INSERT [KEYED] {mode=upsert}
    READ APPEND [EACHRUN] [WANT] {mode=append}
    READ REPLACE|WIPE EACHRUN {mode=replace}
    READ HISTORISE|HISTORY [TYPE2] {mode=history}
    READ TYPE2 [HISTORYLABEL] {mode=history}
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
        "Changes must not be merged",
        "Overwrites the table on Sundays",
        "Updates existing records",
        "Upserts existing records but never inserts new ones",
        "Replaces the table",
        "Never replaces the table on every run",
        "Upserts or appends records",
        "Keeps no history of changes",
    ),
)

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
        [:/=] | [~use/apply] [the]
    UPSERTED = upsert/upserts/upserting/merge [mode/semantics/strategy] | an/the upsert/merge
    APPENDED = append/appends [only] [mode/semantics/strategy] | insert only | inserts only
    REPLACED = full refresh [and/with] overwrite | [full] overwrite/replace/truncate [mode] | truncate and load/reload
    KEPTHISTORY = [full] history [mode] | %scd2
    OVERWRITE = full refresh [and/with] overwrite
    BOTH = ~upsert existing and ~insert new %rows
    UPSERT = ~upsert/merge them | ~upsert/merge [[the] %rows_or_changes] [(into/to) [the] table/target] | ~upsert/merge [new and/or]
        [existing/changed/all/the] %rows_or_changes [(into/to) [the] table/target] | [new and changed | changed and
        new | all | the | incoming | our] %rows_or_changes %be_to ~upsert/merge [(into/to) [the] table]
        | %rows_or_changes ~merge , not ~append
    WANT = want/need
    KEYED = (by/on/using | based on) [the/their] (record/salesforce/source id/ids | id/ids | primary key)
    UPDATE = ~update (%rows | what/those/ones | the ones) (we already have | [that/which] already ~exist | [that/which]
        [are] (already there | already present | already in the table | there already) | we have | [that] ~exist | there)
        | ~update what's there/changed | (%rows | those/ones) [that/which] [are] (already there/present | already in the
        table | we already have) %be_to ~update | (%existing | %rows) ~update in place | existing ones [are] ~update | ~update %existing | %existing
        %be_to ~update | ~update existing
    TO = to
    LOAD = the load/sync
    ORUPDATE = ~insert or ~update %rows | ~update or ~insert %rows
    IFEXISTS = (if/when/where) [a/the/any] %rows [already] ~exist [in [the] table/target/warehouse] [,] [then]
        [it] ~update [,] (otherwise/else | if not [,] | or else) [it] ~insert/add
    NOUPDATES = only inserts , no updates | inserts only , no updates | ~append , never (overwrite/update) | only
        inserts [and] no updates
    WHEREELSE = (if/when/where/whenever) [a/the/any] (%rows | it) [already] (~exist | is [already] there/present)
        [in [the] table/target/warehouse/snowflake] [,] [then] [it] ~update [it] [,/;] [and/but] (if/when/where/whenever)
        (it | the %rows | one) (does not | is not | do not) [yet] [exist/there/present] [,] [then] [it] ~insert/add [it]
        | (if/when/where/whenever) [a/the/any] %rows [already] (~exist | is already there/present | is [already]
        there/present) [in [the] table/target/warehouse/snowflake] [,] [then] ~update it [,/;] [and] (otherwise/else | if
        not | or else) [,] ~insert/add it
    IFELSE = ~update if [it] exists , insert otherwise | ~update if [it] exists , otherwise insert
    NEVERUPDATE = (never/not | do/does not) ~update/overwrite/change [or delete] (existing %rows | anything | [any/the]
        [old/existing] %rows | old/existing ones | them) | without ever updating/overwriting [existing/old]
        (%rows | anything | ones) | never overwriting [existing/old] (%rows | anything | ones)
    JUSTAPPEND = [just/only] ~append [only] [new ones | new %rows | every/each change] [as [a] new row/rows/record]
        | ~write each/every change as a new row/record
    NEVERUP = never ~overwrite/change [existing] %rows [:/,/;] (append only | only ~append) | never ~update
        [existing] %rows [:/,/;] only ~append/insert | only ~append , never ~update | (never/not | do/does not)
        ~update [or delete] [existing] %rows [:/,/;] [just] ~append [new ones]
    INSERT = ~insert/add/create (the rest | what/everything/those [that] is/are new/missing | what's new/missing | what
        does not [exist] | anything new | the others | the missing ones) | [the/any] new (%rows | ones) ~insert/add/create
        | ~insert/add/create [new] (%rows | ones) | new (%rows | ones) %be_to ~insert/add/create | ~insert/add
        (those/ones | the ones) that do not [exist] | ~insert new | the rest ~insert/add
    APPEND = ~append (every/each/any/all) change/changes as [a/its] [own/new/separate] row/rows/record/records | (every/each/any)
        change ~get/have/receive [its own | a new | a separate] row/record | (every/each/all/any) change/changes %be_to
        ~append [to [the] table] | a new row/record/version (~add/insert/append/write/create) (for/per/on/with)
        every/each/any change | ~append [every/each/all/the] [change/changes/version/versions] [to the table | of (a/each/every)
        record] | ~append [new/changed] %rows | (every/each/all) change/changes %be_to ~append [as [a] new
        row/rows/record/records] | only ~append | %rows are only [ever] ~append | append only
        | ~append/add/insert/write [a] new (row/record/version) (for/per/on/with) each/every/any change | each/every/any
        change ~add/create/insert/become/produce [a] [new] row/record | each/every/any change
        ~write/store/save/add/insert as [a] new row/record
    REPLACE = the [whole/entire/full/complete] [target] table %be_to [fully/completely] ~rewrite/reload/refill | ~rebuild/reload/rewrite
        the [whole/entire/full/complete] [target] table from scratch | ~replace/overwrite/rewrite/rebuild/refill/swap_out [the/whole/entire/full/complete/target]
        [whole/entire/full/complete] (contents/content/data/rows) of the [whole/entire/target] table
        | ~replace/overwrite/rewrite everything in the table | ~rewrite/reload the [whole/entire/full/complete] table
        [from scratch] | ~replace/overwrite/truncate/rebuild/recreate [the/whole/entire/full/complete/target]
        [whole/entire/target/full/complete] table [contents/completely] [from scratch] | the [whole/entire/target] table %be_to
        [fully/completely] ~replace/overwrite/rebuild/truncate/recreate | ~truncate and
        ~load/reload/insert/refill/rewrite [[the] [target] table] | ~drop and ~recreate/rebuild/reload the table
        | ~replace/overwrite all [the/existing] %rows [in the table]
    WIPE = ~truncate/empty/clear/wipe [the] [whole/target] [table] [first] [,] [and/then] [then] ~reload/load/refill [it/everything]
        | (fully/completely/entirely)
        ~replace/overwrite/rebuild the table | ~wipe/clear/empty and ~reload/load/refill the table | ~delete all rows
        and ~reload/load [them/everything] | full overwrite | the table [is] ~rebuild/recreate/reload from scratch
        | [fully/completely] ~replace the contents of the table
    EACHRUN = (every/each time | whenever) (it | the %run_word) runs | on/in/with/at/during/by/for every/each [single] run/sync/load | every/each time | every/each run/sync/load
    HISTORISE = (full/complete/whole) history of [all/every/the] changes ~keep/track/store/preserve
        | ~historise/historize (all/every/the) change/changes/records | (all/every/the) changes ~keep/store as history
    HISTORY = (full/complete/entire) history %be_to [be] ~keep/retain/preserve/track/store/maintain | ~keep/track/store/preserve/retain/maintain/record/need/have/want [the/a] (full/complete/whole/entire)
        [change/audit] history [of/for [(all/every/the/each) [single]] change/changes/records/record/rows/row] | [the/a]
        (full/complete/whole/entire) [change/audit] history [of/for (all/every/the/each) [single]
        change/changes/records/record/rows/row] %be_to ~keep/track/store/preserve/retain/maintain/record | [the]
        (history of | historical versions of) (all/every/the/each) change/changes/record/records/row/rows %be_to
        ~keep/track/store/preserve/retain/maintain/record | [the] (old/previous/earlier/prior) version/versions %be_to
        ~keep/preserve/retain (when/whenever) [a/the] %rows ~change | (when/whenever) [a/the] %rows ~change [,] ~keep
        [the/its] (old/previous/earlier/prior) version/versions [too | as well | also] | ~keep [the]
        (old/previous/earlier/prior) version/versions (when/whenever) [a/the] %rows ~change | every/each version of
        (a/each/every) record %be_to ~keep/preserve/store/retain | ~store/keep/write a new version (of the record | of it)
        (each/every time | whenever) it/one ~change
        | ~keep/track/store/preserve/maintain [the] history of (all/every/the/each) change/changes/record/records
        | ~keep/preserve/store/retain [all/every/each/the] [old/previous/past/earlier/historical/single] version/versions of
        (every/each/all/a/the) record/records | [the] (old/previous/all/earlier) versions of (every/each/all/a) record/records
        ~keep/preserve/retain | [~need/want] [a/the] (full/complete/whole) [change] history
    MANNER = (in the manner of | in the style of | as | by means of) [a/an] %scd2
    FOREACH = for each/every/any [single] change [,] [an/a] [additional/new/separate/extra/further/own] row/record %be_to [be]
        ~append/add/insert/write | [an/a] [additional/new/separate/extra/further] row/record ~append/add/insert/write (each/every
        time | whenever) (something/anything | a record) changes
    ONEADDED = (we would like | we want) (a new one | a new row) ~add (every/each time | whenever) (something/anything | a record)
        changes | ~add a new one (every/each time | whenever) (something/anything | a record) changes
    TYPE2 = [~use/keep/apply/maintain | ~track/keep/store/maintain [the] history] [\\(] [as/using/with] %scd2
        [history/table/dimension] [of [all] records/changes/rows] [\\)]
    HISTORYLABEL = history [mode/tracking] [is] [:]
    READ ORUPDATE|BOTH|IFEXISTS|IFELSE|WHEREELSE {mode=upsert}
    READ NEVERUP|NOUPDATES [LOAD] {mode=append}
    READ NEVERUPDATE JUSTAPPEND|APPENDED {mode=append}
    READ NEVERUPDATE LABEL APPENDED {mode=append}
    READ LABEL KEPTHISTORY [TYPE2] {mode=history}
    READ UPSERTED UPDATE INSERT [KEYED] {mode=upsert}
    READ HISTORISE|HISTORY MANNER {mode=history}
    READ FOREACH {mode=append}
    READ NEVERUPDATE FOREACH|ONEADDED {mode=append}
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

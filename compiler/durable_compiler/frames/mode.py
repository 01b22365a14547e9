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
    LABEL = [write/load/sync/update/loading/writing/target] mode/type/strategy/method/semantics/disposition [is] [:/=]
        | [~use/apply] [the]
    UPSERTED = upsert/upserts/upserting/merge [mode/semantics/strategy] | an/the upsert/merge
    APPENDED = append/appends [only] [mode/semantics/strategy] | insert only | inserts only
    REPLACED = full refresh [and/with] overwrite | [full] overwrite/replace/truncate [mode] | truncate and load/reload
    KEPTHISTORY = [full] history [mode] | %scd2
    OVERWRITE = full refresh [and/with] overwrite
    BOTH = ~upsert existing and ~insert new %rows
    UPSERT = ~upsert/merge them | ~upsert/merge [[the] %rows_or_changes] [(into/to) [the] table/target] |
        ~upsert/merge [new and/or] [existing/changed/all/the] %rows_or_changes [(into/to) [the] table/target] | [new
        and changed | changed and new | all | the | incoming | our] %rows_or_changes %be_to ~upsert/merge [(into/to)
        [the] table] | %rows_or_changes ~merge , not ~append
    WANT = want/need
    KEYED = (by/on/using | based on) [the/their] (record/salesforce/source id/ids | id/ids | primary key)
    UPDATE = %rows (that/which) [already] (~exist | are already present/there) [in [the] %target_noun] [are/be]
        ~update | ~update (%rows | what/those/ones | the ones) (we already have | [that/which] already ~exist |
        [that/which] [are] (already there | already present | already in the table | there already) | we have | [that]
        ~exist | there) | ~update what's there/changed | (%rows | those/ones) [that/which] [are] (already
        there/present | already in the table | we already have) %be_to ~update | (%existing | %rows) ~update in place
        | existing ones [are] ~update | ~update %existing | %existing %be_to ~update | ~update existing
    TO = to
    LOAD = the load/sync
    ORUPDATE = ~insert or ~update %rows | ~update or ~insert %rows
    IFEXISTS = (if/when/where) [a/the/any] %rows [already] ~exist [in [the] table/target/warehouse] [,] [then] [it]
        ~update [,] (otherwise/else | if not [,] | or else) [it] ~insert/add
    NOUPDATES = only inserts , no updates | inserts only , no updates | ~append , never (overwrite/update) | only
        inserts [and] no updates
    WHEREELSE = (if/when/where/whenever) [a/the/any] (%rows | it) [already] (~exist | is [already] there/present) [in
        [the] table/target/warehouse/snowflake] [,] [then] [it] ~update [it] [,/;] [and/but] (if/when/where/whenever)
        (it | the %rows | one) (does not | is not | do not) [yet] [exist/there/present] [,] [then] [it] ~insert/add
        [it] | (if/when/where/whenever) [a/the/any] %rows [already] (~exist | is already there/present | is [already]
        there/present) [in [the] table/target/warehouse/snowflake] [,] [then] ~update it [,/;] [and] (otherwise/else |
        if not | or else) [,] ~insert/add it
    IFELSE = ~update if [it] exists , insert otherwise | ~update if [it] exists , otherwise insert
    NEVERUPDATE = [append mode] never ~touch/alter/modify/change/update/overwrite [earlier/existing/old/previous]
        %rows | (never/not | do/does not) ~touch/alter/modify (anything | [any/the]
        [old/older/existing/earlier/previous] (%rows | ones)) | (never/not | do/does not) ~update/overwrite/change
        (older/earlier/previous) (%rows | ones) | (never/not | do/does not) ~update/overwrite/change [or delete]
        (existing %rows | anything | [any/the] [old/existing] %rows | old/existing ones | them) | without ever
        updating/overwriting [existing/old] (%rows | anything | ones) | never overwriting [existing/old] (%rows |
        anything | ones)
    JUSTAPPEND = [just/only] ~append [only] [new ones | new %rows | every/each change] [as [a] new row/rows/record] |
        ~write each/every change as a new row/record
    NEVERUP = never ~overwrite/change [existing] %rows [:/,/;] (append only | only ~append) | never ~update [existing]
        %rows [:/,/;] only ~append/insert | only ~append , never ~update | (never/not | do/does not) ~update [or
        delete] [existing] %rows [:/,/;] [just] ~append [new ones]
    OVERWRITEN = ~overwrite/replace existing %rows | existing %rows [are/get/be] ~overwrite/replace
    INMODE = ~load/write/run/sync in
    INSERT = %rows (not yet present/there/existing | [that/which] do not [yet] exist | [that/which] are not [yet]
        (there/present)) [in [the] %target_noun] [are/be] ~insert/add/create | (unseen/unknown/missing %rows)
        ~insert/add/create | %rows (that/which) are new [are/be] ~insert/add/create | (the others | the rest | all
        others) [are/be] ~insert/add/create | ~insert/add/create (the rest | what/everything/those [that] is/are
        new/missing | what's new/missing | what does not [exist] | anything new | the others | the missing ones) |
        [the/any] new (%rows | ones) ~insert/add/create | ~insert/add/create [new] (%rows | ones) | new (%rows | ones)
        %be_to ~insert/add/create | ~insert/add/create (the/all/any/those) new (%rows | ones) | new ones [are/be]
        ~insert/add/create | ~insert/add (those/ones | the ones) that do not [exist] | ~insert new | the rest
        ~insert/add
    APPEND = (every/each/any) change [to/of/in (a/each/every/the) record/row]
        ~result_in/lead_to/produce/create/yield/generate (a/an) (additional/new/extra/separate/further) row/record [in
        [the] %target_noun] | ~append (every/each/any/all) change/changes as [a/its] [own/new/separate]
        row/rows/record/records | (every/each/any) change ~get/have/receive [its own | a new | a separate] row/record
        | (every/each/all/any) change/changes %be_to ~append [to [the] table] | ~append/add/insert/write (one more |
        another | an additional | an extra | one new) row/record (for/per/on/with/at) each/every/any change |
        each/every/any change ~add/create/insert/become/produce (one more | another | an additional | an extra)
        row/record | a new row/record/version (~add/insert/append/write/create) (for/per/on/with) every/each/any
        change | ~append [every/each/all/the] [change/changes/version/versions] [to the table | of (a/each/every)
        record] | ~append [new/changed] %rows | (every/each/all) change/changes %be_to ~append [as [a] new
        row/rows/record/records] | only ~append | %rows are only [ever] ~append | append only |
        ~append/add/insert/write [a] new (row/record/version) (for/per/on/with) each/every/any change | each/every/any
        change ~add/create/insert/become/produce [a] [new] row/record | each/every/any change
        ~write/store/save/add/insert as [a] new row/record
    REPLACE = whose contents/content [is/are] ~replace/overwrite/rewrite [in full | completely | entirely] | the
        [destination/target] table %be_to [fully/completely/entirely] ~rewrite/replace/overwrite/reload | the
        [whole/target] table %be_to [be] (~truncate/empty/clear/wipe and ~reload/refill/load/rebuild) | the
        [whole/entire/full/complete] [target] table %be_to [fully/completely] ~rewrite/reload/refill |
        ~rebuild/reload/rewrite the [whole/entire/full/complete] [target] table from scratch |
        ~replace/overwrite/rewrite/rebuild/refill/swap_out [the/whole/entire/full/complete/target]
        [whole/entire/full/complete] (contents/content/data/rows) of the [whole/entire/target] table |
        ~replace/overwrite/rewrite everything in the table | ~rewrite/reload the [whole/entire/full/complete] table
        [from scratch] | ~replace/overwrite/truncate/rebuild/recreate [the/whole/entire/full/complete/target]
        [whole/entire/target/full/complete] table [contents/completely] [from scratch] | the [whole/entire/target]
        table %be_to [fully/completely] ~replace/overwrite/rebuild/truncate/recreate | ~truncate and
        ~load/reload/insert/refill/rewrite [[the] [target] table] | ~drop and ~recreate/rebuild/reload the table |
        ~replace/overwrite all [the/existing] %rows [in the table]
    WIPE = ~truncate/empty/clear/wipe [the] [whole/target] [table] [first] [,] [and/then] [then] ~reload/load/refill
        [it/everything] | (fully/completely/entirely) ~replace/overwrite/rebuild the table | ~wipe/clear/empty and
        ~reload/load/refill the table | ~delete all rows and ~reload/load [them/everything] | full overwrite | the
        table [is] ~rebuild/recreate/reload from scratch | [fully/completely] ~replace the contents of the table
    EACHRUN = (at/on/in/with/for every/each execution/refresh) | (every/each time | whenever) (it | the %run_word)
        runs | on/in/with/at/during/by/for every/each [single] run/sync/load | every/each time | every/each
        run/sync/load
    HISTORISE = (full/complete/whole) history of [all/every/the] changes ~keep/track/store/preserve |
        ~historise/historize (all/every/the) change/changes/records | (all/every/the) changes ~keep/store as history
    HISTORY = (full/complete/entire) history %be_to [be] ~keep/retain/preserve/track/store/maintain |
        ~keep/track/store/preserve/retain/maintain/record [its/their] (full/complete/whole/entire) [change] history |
        ~keep/track/store/preserve/retain/maintain/record/need/have/want [the/a] (full/complete/whole/entire)
        [change/audit] history [of/for [(all/every/the/each) [single]] change/changes/records/record/rows/row] |
        [the/a] (full/complete/whole/entire) [change/audit] history [of/for (all/every/the/each) [single]
        change/changes/records/record/rows/row] %be_to ~keep/track/store/preserve/retain/maintain/record | [the]
        (history of | historical versions of) (all/every/the/each) change/changes/record/records/row/rows %be_to
        ~keep/track/store/preserve/retain/maintain/record | [the] (old/previous/earlier/prior) version/versions %be_to
        ~keep/preserve/retain (when/whenever) [a/the] %rows ~change | (when/whenever) [a/the] %rows ~change [,] ~keep
        [the/its] (old/previous/earlier/prior) version/versions [too | as well | also] | ~keep [the]
        (old/previous/earlier/prior) version/versions (when/whenever) [a/the] %rows ~change | every/each version of
        (a/each/every) record %be_to ~keep/preserve/store/retain | ~store/keep/write a new version (of the record | of
        it) (each/every time | whenever) it/one ~change | ~keep/track/store/preserve/maintain [the] history of
        (all/every/the/each) change/changes/record/records | ~keep/preserve/store/retain [all/every/each/the]
        [old/previous/past/earlier/historical/single] version/versions of (every/each/all/a/the) record/records |
        [the] (old/previous/all/earlier) versions of (every/each/all/a) record/records ~keep/preserve/retain |
        [~need/want] [a/the] (full/complete/whole) [change] history
    HISTWHY = [,] [so [that]] [we/i] (can | able to | must be able to | need/want/have/got to | need/want/have/got to
        be able to | have got to be able to) (see/know/tell/reconstruct/check | look up) (what/how) (it | they | a
        record | records | each/every record | a row) [has] looked [like] (on/at any [past/given/earlier]
        (date/day/time | point [in time]) [in the past] | back then | in the past) [, so]
    ITSELF = in (append {mode=append} | upsert/merge {mode=upsert} | history {mode=history}) mode | as (an upsert
        {mode=upsert} | upserts {mode=upsert})
    REPLACEIT = ~replace/overwrite it/its [contents] [completely]
    MANNER = (in the manner of | in the style of | as | by means of) [a/an] %scd2
    USEDSCD = the %scd2 (strategy/method/mode/approach) %be_to [be] ~use/apply | ~use/apply the %scd2
        (strategy/method/mode/approach)
    ORNOUPDATES = [,] no updates | [,] never updates | [,] never update
    TRACKED = ~keep track of (every/each/all) change/changes [to/of/in (every/each/all) record/records/row] | ~track
        (every/each/all) change/changes (to/of/in) (every/each/all) record/records/row/rows | (all) changes %be_to
        [be] ~historise/historize | ~track (every/each/all) change/changes
    FOREACH = for each/every/any [single] change [,] [an/a] [additional/new/separate/extra/further/own] row/record
        %be_to [be] ~append/add/insert/write | [an/a] [additional/new/separate/extra/further] row/record
        ~append/add/insert/write (each/every time | whenever) (something/anything | a record) changes
    ONEADDED = (we would like | we want) (a new one | a new row) ~add (every/each time | whenever) (something/anything
        | a record) changes | ~add a new one (every/each time | whenever) (something/anything | a record) changes
    TYPE2 = [~use/keep/apply/maintain | ~track/keep/store/maintain [the] history] [\\(] [as/using/with] %scd2
        [history/table/dimension] [of [all] records/changes/rows] [\\)]
    HISTORYLABEL = history [mode/tracking] [is] [:]
    ISTHERE = (if/when/where/whenever) [a/the/any/every] (%rows | it | one | something) (is/are | has been) [already]
        (there/present/known | in [the/our] table/warehouse/target/snowflake/duckdb) [,] [then] [please] (~update
        [it/them] | (it/they) ~update) | (if/when/where/whenever) [a/the/any/every] %rows [already] ~exist [in
        [the/our] table/warehouse/target/snowflake/duckdb] [,] [then] [please] (~update [it/them] | (it/they) ~update)
    ISNEW = (if/when/where/whenever) [a/the/any/every] (%rows | it | one | something) (is/are) (new/unknown/missing |
        not [there/present] [yet]) [,] [then] [please] (~insert/add/create [it/them] | (it/they) ~insert/add/create) |
        (if it's (new | not [there] [yet])) [,] [then] [please] ~insert/add/create [it]
    READ ISTHERE ISNEW {mode=upsert}
    READ APPENDED|NEVERUPDATE APPEND {mode=append}
    READ ORUPDATE|BOTH|IFEXISTS|IFELSE|WHEREELSE {mode=upsert}
    READ NEVERUP|NOUPDATES [LOAD] {mode=append}
    READ NEVERUPDATE JUSTAPPEND|APPENDED {mode=append}
    READ NEVERUPDATE LABEL APPENDED {mode=append}
    READ LABEL KEPTHISTORY [TYPE2] {mode=history}
    READ UPSERTED UPDATE INSERT [KEYED] {mode=upsert}
    READ HISTORISE|HISTORY MANNER {mode=history}
    READ HISTORISE|HISTORY HISTWHY [TYPE2] {mode=history}
    READ FOREACH {mode=append}
    FOLLOWING write READ ITSELF
    FOLLOWING write READ REPLACEIT EACHRUN {mode=replace}
    READ USEDSCD [HISTORY] {mode=history}
    READ OVERWRITE REPLACE EACHRUN {mode=replace}
    READ NEVERUPDATE APPEND {mode=append}
    READ OVERWRITEN INSERT [KEYED] {mode=upsert}
    READ INMODE UPSERTED [KEYED] {mode=upsert}
    READ INMODE APPENDED {mode=append}
    READ INMODE REPLACED [EACHRUN] {mode=replace}
    READ INMODE KEPTHISTORY {mode=history}
    READ WANT UPSERTED [KEYED] {mode=upsert}
    READ APPENDED ORNOUPDATES {mode=append}
    READ TRACKED [TYPE2] {mode=history}
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

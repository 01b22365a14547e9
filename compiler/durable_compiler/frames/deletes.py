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
    DEL = rows of %deleted | %deleted
    BIN = [the/any/all] (%rows | anything | everything) [that/which] [is/are/sit/sits] (in/from) [the] [salesforce]
        (recycle bin | trash)
    SKIP = ~skip/ignore/exclude/omit/skip_over/disregard/bypass | ~leave out | ~filter out | ~leave aside
    SKIPDEL = ~leave [the/all/any] [soft] deleted %rows out | ~filter [the/all/any] [soft] deleted %rows out
    NOTLOAD = (do/does/must/should/shall/will/are/is/may not [to] [be] %load | do/does not get %load | never [be]
        %load | are never [to be] %load | do not want | must/should/shall/will/may never [be] %load | no need to %load
        | do/does not bother loading/syncing/reading/copying/importing | do/does not want to %load | stay/stays out)
        [at all | in the first place | any more | anymore | over | across]
    OMITTED = the (loading/reading/syncing/import/copying) of %deleted %be_to [be] ~omit/skip/avoid | do not want
        %deleted ~load/sync/copy/read [at all]
    NOTHING = nothing [that/which] [is/are/was/were/has/have] [been] (deleted [%insource] | %erased %insource)
        (may/must/should/shall/will be | is [to be] | gets) %load | nothing (in/from) the [salesforce] recycle bin
        (may/must/should/shall/will be | is [to be] | gets) %load | (never | do/does not) %load anything (in/from) the
        [salesforce] recycle bin | (never | do/does not) %load anything [that/which] [is/are/was/were/has/have] [been]
        (deleted [%insource] | %erased %insource)
    DONTCARE = do/does not care about %deleted [,/;/:/-/–] ~skip/ignore them
    POLICY_SKIP = (delete/deletion/deletes/deletions [handling/mode/policy] | [soft] deletes) [:/=/-/–]
        (skip/ignore/exclude [deleted %rows | them])
    POLICY_FLAG = (delete/deletion/deletes/deletions) [handling/mode/policy] [:/=/-/–] (flag/mark [%rows | deleted
        %rows | them] [as deleted])
    POLICY_REMOVE = (delete/deletion/deletes/deletions) [handling/mode/policy] [:/=/-/–] (remove/propagate/mirror
        [%rows | deleted %rows | them])
    ROWFLAG = [the] rows for/of (%deleted) (get/gets/receive/carry/have) (a deleted/deletion flag) | ~add/set/put/keep
        a deleted/deletion flag (to/on) [the] rows [for/of %deleted]
    LEADTO = (deletes/deletions [made] in salesforce | salesforce deletes/deletions) (must/shall/should [also] |
        [also]) ~lead_to/result_in/cause/trigger [the] (deletion/removal) of the [corresponding/matching]
        rows/row/records | (deletes/deletions [made] [in salesforce] | salesforce deletes/deletions)
        (must/shall/should [also] | [also]) (~flow/carry/propagate/feed through/over | ~flow/propagate) [to/into the
        warehouse/table/target] | gone from salesforce , gone from the (warehouse/table/target)
    DISAPPEAR = ~mark/flag [the/a/our] %rows [as deleted] (when/once/if/whenever | as soon as) [the/their/its]
        [salesforce/source] %rows (~disappear/vanish | is/are gone | is/are removed/deleted) [from/in salesforce]
    FROMSYNC = by the %thesync | from the sync/pipeline/load/results
    STAY = ~stay/remain in [the] table/warehouse/target
    HANDLED = (deletes/deletions | deleted %rows) are handled/treated as soft deletes | ~handle/treat
        (deletes/deletions | deleted %rows) as soft deletes | (delete/deletion handling | deletes/deletions) [:]
        (flag/mark | soft delete/deletes)
    HANDLED_HARD = (deletes/deletions | deleted %rows) are handled/treated as hard deletes | ~handle/treat
        (deletes/deletions | deleted %rows) as hard deletes | (delete/deletion handling | deletes/deletions) [:]
        (propagate/remove | hard delete/deletes)
    MARK = (are/is to be | must/should be) %purely ~mark/flag/tombstone | %purely ~mark/flag/tombstone |
        (~keep/retain/stay/remain | ~leave in place) [in [the] table/warehouse/target/snowflake] [and/but/,]
        [are/is/be] ~flag/mark | ~soft_delete
    KEEP = ~keep/retain/preserve [around] | ~leave in place | (~keep/retain | we keep) [the/our] rows (for/of)
    LEAVEIN = ~keep %deleted around | ~leave/keep %deleted in [the] (table/warehouse/target/snowflake/duckdb)
    BUTMARK = but %purely ~flag/mark/tombstone (them/it) [as deleted | deleted]
    IE = (i.e . | that is) [,] the [corresponding] (row/rows/record/records) [in [the] %target_noun]
        [is/are/must/should] [be] ~delete/remove [as well | too]
    SOFTLABEL = soft delete/deletes [mode/policy]
    ROWSTAY = rows ~stay/remain/keep [in [the] %target_noun] and are ~flag/mark [as deleted]
    CAPTURED = deletes/deletions are (captured and applied | propagated | applied | captured and propagated)
    ONES = [the] deleted/removed ones
    FLAGSET = ~set [a/the] deleted/deletion/delete flag [on them/it] [to true]
    AS = as such | as deleted | with a deleted flag | with a delete flag
    STEAD = (instead of | rather than) [being] [physically/actually/hard] ~remove/delete/drop/purge/erase/hard_delete
        [them/it | the row/rows/record/records] | ((,/;/-/– not) | (,/;/-/– never) | and not | and never | do/does not
        | are/is not | must/should not be) [physically/actually/ever/hard] ~remove/delete/drop/purge/erase/hard_delete
        [them/it]
    NODEL = (instead of | rather than) [physically/actually/hard] ~remove/delete/drop/purge/hard_delete ([the] %rows |
        %deleted | [the] deleted ones) | %deleted (must/should/shall/are/is/may/will not | must/should/shall/are/is
        never) [be] [physically/actually/hard] ~remove/delete/drop/purge
    SETFLAG = ~set [a/the] deleted/deletion/delete flag | ~set is_deleted
    NEVERDEL = (never | do/does not) [physically/hard/ever/actually] ~delete/remove/drop/purge/hard_delete [any/the]
        (%rows | %deleted)
    MARKTHEM = %purely ~flag/mark/tombstone (them/it/these/those) [as deleted | deleted] [instead] | %be [just]
        ~flag/mark [as deleted | deleted] instead
    REMOVE = ~remove/delete/drop/purge/erase [as well] | ~hard_delete | ~disappear | ~clean up | are/is [to be] gone
    SOFT = ~use soft deletes/delete/deletion | soft deletes only | deletes/deletions/deletion [handling/mode/policy]
        [:/-/=] (soft [delete/deletes] | ~mark/flag [as deleted] [, [do] not ~remove/delete [them]]) | soft
        delete/deletes [:] ~mark %rows as deleted
    HARD = deletes/deletions/deletion [handling/mode/policy] [:/-/=] (hard [delete/deletes] | ~remove/propagate) |
        ~use hard deletes/delete
    PROPAGATE = ~propagate/mirror/replicate/apply/follow/honour/honor/respect [all/the] [hard/record]
        deletes/deletions [(in/from) salesforce] | [salesforce] deletes/deletions [(in/from | made in) salesforce]
        ~propagate/mirror/replicate/apply/reflect | ~carry over deletes/deletions | deletes/deletions (made in |
        [in/from/of]) salesforce ~propagate/mirror/replicate/apply/reflect/follow/carry_over | ~reflect
        [all/the/salesforce/any] deletes/deletions [(in/from | made in) salesforce] |
        ~propagate/mirror/replicate/apply salesforce deletes/deletions
    CAUSE = %cause | [a/any/every/each] delete/deletion [in salesforce] | deleting a record in salesforce |
        when/if/once/whenever [a/the/any] record/records [have/has] ~delete (in/from) salesforce [,] [then]
    LATER = (when/if/once | as soon as) (they/it | [the/their/its] [salesforce/source] %rows)
        (are/is/was/were/have/has) [been] deleted (in/from) salesforce | (when/if/once | as soon as) [the/their/its]
        (salesforce/source) %rows (are/is/was/were/have/has) [been] deleted
    MARKROWS = ~mark/flag [the/a] %rows [as deleted]
    ROWS_GO = ~delete/remove/drop/purge/hard_delete [the/a/its/our] %rows | %rows ~delete/remove/drop/purge
    THEN_REMOVE = ~delete/remove/drop/purge/erase [%our_row] | (%our_row | a record)
        [must/shall/should/is/are/has/have] [also/likewise] [to] [be] [also/likewise]
        (~delete/remove/drop/purge/erase/disappear/go | gone) | deleted | we (want | would like) (it/them | its row |
        the row | our row) [to be] gone
    THEN_MARK = ~mark/flag/tombstone [%our_row] [as deleted | deleted] | %our_row [must/shall/should/is/are/has/have]
        [to] [be] [~keep/retain/stay [in [the] table/warehouse/target] [and/but/,]] ~mark/flag [as deleted | deleted]
        | we want %our_row [~keep [and/but]] ~mark/flag [as deleted | deleted] | ~keep [%our_row] [and/but] ~mark/flag
        [it/them] [as deleted | deleted]
    WHERE = here [too | as well | also] | %inwarehouse [too | as well | also] | too | as well
    READ BIN SKIP|NOTLOAD [FROMSYNC] {policy=skip}
    READ NOTHING|OMITTED|POLICY_SKIP|DONTCARE {policy=skip}
    READ POLICY_FLAG [STEAD] {policy=flag}
    READ POLICY_REMOVE [WHERE] {policy=remove}
    READ ROWFLAG STEAD {policy=flag}
    READ ROWFLAG|DISAPPEAR {policy=flag}
    READ LEADTO {policy=remove}
    FOLLOWING mode|write READ ONES REMOVE [WHERE] {policy=remove}
    FOLLOWING mode|write READ ONES MARK [AS] [STEAD] {policy=flag}
    FOLLOWING mode|write READ ONES SKIP {policy=skip}
    READ PROPAGATE IE {policy=remove}
    READ CAPTURED CAUSE THEN_REMOVE [WHERE] {policy=remove}
    READ ROWSTAY LATER [SOFTLABEL] {policy=flag}
    READ NODEL MARKTHEM {policy=flag}
    USERDEL = (when/if/once/whenever) (someone/somebody | a user) ~delete (a/any) (record) [%insource] [,] [then]
    READ USERDEL THEN_REMOVE [WHERE] {policy=remove}
    READ USERDEL THEN_MARK [WHERE] [STEAD] {policy=flag}
    KEEPTHEM = ~keep/retain/preserve [the/our] (row/rows/record/records) | ~keep (it/them) | [the]
        (row/rows/record/records) ~keep/stay/remain
    MARKIT = ~mark/flag/tombstone [it/them] [as] deleted
    SOFTHEAD = soft delete/deletes/deletion/deletions [only]
    READ SOFTHEAD KEEPTHEM MARKIT {policy=flag}
    READ DEL KEEP BUTMARK {policy=flag}
    READ LEAVEIN MARKTHEM|AS|BUTMARK {policy=flag}
    READ DEL KEEP FLAGSET {policy=flag}
    READ NODEL FLAGSET {policy=flag}
    READ DEL SKIP|NOTLOAD [FROMSYNC] {policy=skip}
    READ SKIPDEL {policy=skip}
    READ MARKROWS LATER {policy=flag}
    READ DEL MARK [KEEP] [STAY] [AS] [STEAD] [WHERE] {policy=flag}
    READ SETFLAG STEAD {policy=flag}
    READ DEL KEEP AS {policy=flag}
    READ DEL KEEP MARKTHEM {policy=flag}
    READ NEVERDEL MARKTHEM {policy=flag}
    READ SOFT|HANDLED {policy=flag}
    READ HANDLED_HARD {policy=remove}
    READ HARD|PROPAGATE [WHERE] {policy=remove}
    READ CAUSE THEN_REMOVE [WHERE] {policy=remove}
    READ CAUSE THEN_MARK [WHERE] [STEAD] {policy=flag}
    READ ROWS_GO LATER [WHERE] {policy=remove}
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
        "Flags deleted rows, does not remove them",
    ),
    near_misses=(
        "Do not propagate deletes",
        "Never marks deleted records",
        "Deleted records are not removed",
        "Never skips soft-deleted records",
        "Skips records",
        "Skips soft-deleted Contacts except VIPs",
        "Does not mark deleted records",
        "Deletes records",
        "Usually skips soft-deleted records",
    ),
)

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
    BIN = %rows in [the] [salesforce] recycle bin
    SKIP = ~skip/ignore/exclude/omit/skip_over | ~leave out | ~filter out
    SKIPDEL = ~leave [the/all/any] [soft] deleted %rows out | ~filter [the/all/any] [soft] deleted %rows out
    NOTLOAD = do/does/must/should/shall/will/are/is not [to] [be] %load | never [be] %load | are never [to be]
        %load | do not want | must/should/shall/will never [be] %load | no need to %load
    FROMSYNC = from the sync/pipeline/load/results
    STAY = ~stay/remain in [the] table/warehouse/target
    HANDLED = (deletes/deletions | deleted %rows) are handled/treated as soft deletes | ~handle/treat
        (deletes/deletions | deleted %rows) as soft deletes | (delete/deletion handling | deletes/deletions) [:]
        (flag/mark | soft delete/deletes)
    HANDLED_HARD = (deletes/deletions | deleted %rows) are handled/treated as hard deletes | ~handle/treat
        (deletes/deletions | deleted %rows) as hard deletes | (delete/deletion handling | deletes/deletions) [:]
        (propagate/remove | hard delete/deletes)
    MARK = ~mark/flag | ~keep and ~flag/mark | ~soft_delete | ~tombstone
    KEEP = ~keep/retain | ~leave in place
    AS = as deleted | with a deleted flag | with a delete flag
    STEAD = instead of [being] ~remove/delete [them/it | the row/rows/record/records] | rather than [being]
        ~remove/delete [them] | (not | do/does not | never | and not | are not) ~remove/delete [them/it]
    SETFLAG = ~set [a/the] deleted/deletion/delete flag | ~set is_deleted
    NEVERDEL = (never | do/does not) [physically/hard/ever] ~delete/remove [any] %rows
    MARKTHEM = ~flag/mark (them/it) [as deleted] [instead]
    REMOVE = ~remove/delete/drop/purge | ~hard_delete | ~disappear
    SOFT = ~use soft deletes/delete/deletion | soft deletes only | deletes/deletions/deletion
        [handling/mode/policy] : soft [delete/deletes] | soft delete/deletes [:] ~mark %rows as deleted
    HARD = deletes/deletions/deletion [handling/mode/policy] : hard [delete/deletes] | ~use hard deletes/delete
    PROPAGATE = ~propagate/mirror/replicate/apply/follow/honour/honor/respect [all/the] [hard/record]
        deletes/deletions [(in/from) salesforce] | [salesforce] deletes/deletions [(in/from | made in) salesforce]
        ~propagate/mirror/replicate/apply | ~carry over deletes/deletions
    CAUSE = [a/any/every/each] delete/deletion [in salesforce] | deleting a record in salesforce
        | when/if/once/whenever [a/the/any] record/records [have/has] ~delete (in/from) salesforce [,] [then]
    LATER = (when/if/once | as soon as) (they/it | [the/their/its] [salesforce/source] %rows)
        (are/is/was/were/have/has) [been] deleted (in/from) salesforce
    MARKROWS = ~mark/flag [the/a] %rows [as deleted]
    ROWS_GO = ~delete/remove [the/a/its] %rows | %rows ~delete/remove
    THEN_REMOVE = [they/it] ~delete/remove [it/them | [the/its] [corresponding/matching] row/record/rows/records]
    THEN_MARK = ~mark/flag [it/them | [the/its] [corresponding/matching] row/record/rows/records] as deleted
        | ~mark/flag [it/them | [the/its] [corresponding/matching] row/record/rows/records]
    WHERE = to the warehouse/table/target | (from/in/to) [the] table/warehouse/target [too | as well] | from
        snowflake/duckdb | (in/from/to) [the] warehouse/target/table/snowflake/duckdb [too | as well] | too
    READ BIN SKIP|NOTLOAD [FROMSYNC] {policy=skip}
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

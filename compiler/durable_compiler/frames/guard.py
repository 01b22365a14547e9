"""Which run stops before it writes, because it would change, delete or miss too much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.shares import in_percent


@dataclass(frozen=True)
class Guard(Clause):
    """A limit of one object or of all: the largest value allowed, for min_rows the smallest."""

    kind: ClassVar[str] = "guard"
    limit: str
    object: str | None
    value: int | float


def build(values: Values, sentence: Sentence) -> Guard | Fault | None:
    """The clause of a reading."""
    limit, about = values["limit"], values.get("object")
    if "inclusive" in values:
        return _share_reached(sentence)
    if limit == "max_changed_ratio":
        return Guard(limit, about, _whole(values["ratio"]), assumed=_assumed(values))
    value = int(values["rows"]) + int(values.get("shift", 0))
    if value < (limit == "min_rows"):
        return _nothing_to_guard(sentence)
    return Guard(limit, about, value)


def echo(clause: Guard, catalogue: Snapshot) -> str:
    """Canonical English."""
    of = catalogue.object_label(clause.object) if clause.object else "rows"
    if clause.limit == "max_changed_ratio":
        return f"Stops if more than {in_percent(clause.value)} of {of} would change"
    if clause.limit == "max_deleted_rows":
        amount = f"more than {clause.value:,}" if clause.value else "any"
        return f"Stops if a run would delete {amount} {of}"
    amount = f"fewer than {clause.value:,}" if clause.value > 1 else "no"
    return f"Stops if Salesforce returns {amount} {of}"


def ir(clause: Guard, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"guards": [{"kind": clause.limit, "object": clause.object, "value": clause.value}]}


def _whole(ratio: float) -> int | float:
    return int(ratio) if float(ratio).is_integer() else ratio


def _assumed(values: Values) -> tuple[Assumed, ...]:
    if "narrow" not in values:
        return ()
    why = "rows that would be flagged or removed count as changed, too"
    return (Assumed("guards.max_changed_ratio", _whole(values["ratio"]), why),)


def _share_reached(sentence: Sentence) -> Fault:
    """A share has no largest value below a limit, so a limit that is itself too much cannot be written down."""
    message = "the limit itself would already be too much, and of a share only the largest allowed value can be kept"
    help = "Write more than with the largest share that is still allowed."
    suggestions = ("Stops if more than 20% of rows would change",)
    return Fault("DUR053", message, sentence.tokens[0].start, sentence.tokens[-1].end, help, suggestions)


def _nothing_to_guard(sentence: Sentence) -> Fault:
    message = "no run could ever break or ever keep this limit"
    help = "Write a number of rows that a run can stay within."
    return Fault("DUR053", message, sentence.tokens[0].start, sentence.tokens[-1].end, help)


# What is too much, as the largest number allowed, and what is too little, as the smallest allowed.
_OVER = "(more than | over | above | in excess of | greater than | >)"
_REACHED = "(at least | >= | no less than | no fewer than)"
_AT_MOST = "(at most | no more than | not more than | a maximum of | maximum | max | up to)"
_BEYOND = (
    "(~exceed/surpass | is/are/goes/go/rises/rise/climbs/climb (over/above/beyond) | is/are (more/greater/higher) than)"
)
_SHARE = f"({_OVER} <share:ratio> | ({_REACHED} <share:ratio> | <share:ratio> or more) {{inclusive=yes}})"
_COUNT = (
    f"({_OVER} <int:rows> | ({_REACHED} <int:rows> | <int:rows> or more) {{shift=-1}} | (any | a single) {{rows=0}})"
)
_TOO_FEW = (
    "((fewer/less than | under | below) <int:rows> | (no | zero | not a single | not any) {rows=1}"
    " | (<int:rows> or fewer/less | at most <int:rows>) {shift=1})"
)
_ROWS = "<counted:object>"
_TABLE = f"({_ROWS} | the table/data/target/warehouse | the target/warehouse table)"
_RUN = "([a/one/any/each/every/the] [single/given/nightly] run/sync/load/job/pipeline | it)"
_PER = "[(in/per/during/by/within) [a/one/any/each/every/the] [single] run/sync/load | each run | in one go | at once]"
_IF = "(if/when/whenever/once | in case | as soon as | in the event that)"
_IFRUN = f"({_IF} {_RUN} | (any/a/every/each run/sync/load | runs/syncs) that/which)"
_NEVER = (
    f"([do/does] never/not want/let/allow {_RUN} [to] | no run/sync/load (may/can/should/must/shall/will) | "
    f"[{_RUN}] (must/may/shall/should/can/will/do/does not"
    " | cannot | [must/should/shall/may/can] never))"
)
_MAY = f"[{_RUN}] [may/can/must/should]"
_ALTER = "(~change/modify/alter/affect/touch | (changed/updated/modified or deleted/removed) | ~update {narrow=yes})"
_REMOVE = "(~delete/remove/purge/erase/wipe [out])"
_WIPED = "(deletions/deletes/removals | rows deleted | records deleted | deleted rows/records | removed rows/records)"
_ARRIVE = (
    "(~come back | ~return | ~exist | ~find | ~arrive | there | left | available | remain | remains)"
    " [from salesforce | in salesforce | by salesforce]"
)
_DELIVER = "(~return/deliver/have/hold/contain/yield/provide | ~send [back] | ~come back with | ~give [back/us])"

FRAME = Frame(
    kind="guard",
    doc="Stops a run before it writes when it would change or delete too much, or when Salesforce returns too little.",
    phrases=f"""
    STOP = [then] ~stop/abort/fail/halt/cancel/refuse/pause/block/interrupt/hold/suspend
            [(the/this/any/every/each/a) run/sync/load/job/pipeline | runs]
        | ((the/this/any/a/every/each) [nightly] run/sync/load/job/pipeline | runs | it) ~stop/abort/fail/halt/pause
        | (do/does not | must/should not) (write/load/commit) [anything] | ~write nothing | nothing is written
        | (do/does/must/should/may not) ~proceed/continue/run
        | ~wait for [a] (person/human/approval/someone) | ~ask for approval/confirmation
    RUN = {_RUN}
    CHANGED = {_IF} {_SHARE} [of] {_TABLE} [would/will/have/has | going to] {_ALTER} {_PER} {{limit=max_changed_ratio}}
        | {_IFRUN} [would/will | going to | tries to] {_ALTER} {_SHARE} [of] {_TABLE} {_PER} {{limit=max_changed_ratio}}
        | {_IF} [the] (share/percentage/proportion/fraction of) (changed/changing/modified rows/records)
            {_BEYOND} <share:ratio> {{limit=max_changed_ratio}}
    DELETED = {_IF} {_COUNT} {_ROWS} [would/will/have/has | going to] {_REMOVE} {_PER} {{limit=max_deleted_rows}}
        | {_IFRUN} [would/will | going to | tries to] {_REMOVE} {_COUNT} {_ROWS} {_PER} {{limit=max_deleted_rows}}
        | deleting/removing {_COUNT} {_ROWS} {_PER} {{limit=max_deleted_rows}}
        | {_IF} [there [would/will | going to | tries to] are/is/be] {_COUNT} {_WIPED} {_PER} {{limit=max_deleted_rows}}
        | {_IF} ([the] number of {_WIPED} | {_WIPED}) [in/of a/the run] [would/will | going to | tries to]
            {_BEYOND} <int:rows> [rows/records]
            {_PER} {{limit=max_deleted_rows}}
    FEW = {_IF} salesforce {_DELIVER} {_TOO_FEW} {_ROWS} {{limit=min_rows}}
        | {_IF} salesforce ({_DELIVER} nothing | ~come back empty) {{rows=1}} {{limit=min_rows}}
        | {_IF} there are/is {_TOO_FEW} {_ROWS} [from/in salesforce] {{limit=min_rows}}
        | {_IF} {_TOO_FEW} {_ROWS} {_ARRIVE} {{limit=min_rows}}
        | {_IF} [the] (number/count of <object> | <object> count) [in salesforce]
            (~drop/fall/go/sink/is (below/under) <int:rows> | is (less/lower/smaller than) <int:rows> | is zero
            {{rows=1}})
            {{limit=min_rows}}
        | {_IF} <object> [table/list] (is/are | ~come [back]) empty [in salesforce] {{rows=1}} {{limit=min_rows}}
    UNLESS = unless salesforce {_DELIVER} at least <int:rows> {_ROWS} {{limit=min_rows}}
        | unless [there are] at least <int:rows> {_ROWS} {_ARRIVE} {{limit=min_rows}}
    CHANGES = {_NEVER} {_ALTER} {_SHARE} [of] {_TABLE} {_PER} {{limit=max_changed_ratio}}
        | {_MAY} {_ALTER} {_AT_MOST} <share:ratio> [of] {_TABLE} {_PER} {{limit=max_changed_ratio}}
        | {_AT_MOST} <share:ratio> [of] {_TABLE} [may/can/must/should] {_ALTER} {_PER} {{limit=max_changed_ratio}}
        | ~allow {_AT_MOST} <share:ratio> [of] {_TABLE} to [be] {_ALTER} {_PER} {{limit=max_changed_ratio}}
        | ~limit/cap/restrict changes (to/at) [{_AT_MOST}] <share:ratio> [of] {_TABLE} {_PER}
            {{limit=max_changed_ratio}}
        | changes ~limit/cap/restrict (to/at) [{_AT_MOST}] <share:ratio> [of] {_TABLE} {_PER}
            {{limit=max_changed_ratio}}
        | (maximum/max/highest/largest) [allowed] ([share/percentage of] changed rows/records | change) {_PER}
            [is] [: | =]
            <share:ratio> [of {_TABLE}] {_PER} {{limit=max_changed_ratio}}
        | change limit/threshold {_PER} [is] [: | =] <share:ratio> [of {_TABLE}] {_PER} {{limit=max_changed_ratio}}
    DELETES = {_NEVER} {_REMOVE} {_COUNT} {_ROWS} {_PER} {{limit=max_deleted_rows}}
        | {_MAY} {_REMOVE} {_AT_MOST} <int:rows> {_ROWS} {_PER} {{limit=max_deleted_rows}}
        | {_AT_MOST} <int:rows> {_ROWS} [may/can/must/should] {_REMOVE} {_PER} {{limit=max_deleted_rows}}
        | ~allow {_AT_MOST} <int:rows> ({_WIPED} | {_ROWS} to be {_REMOVE}) {_PER} {{limit=max_deleted_rows}}
        | ~limit/cap/restrict deletions/deletes (to/at) [{_AT_MOST}] <int:rows> [{_ROWS}] {_PER}
            {{limit=max_deleted_rows}}
        | deletions/deletes ~limit/cap/restrict (to/at) [{_AT_MOST}] <int:rows> [{_ROWS}] {_PER}
            {{limit=max_deleted_rows}}
        | ~guard/protect against {_COUNT} {_WIPED} {_PER} {{limit=max_deleted_rows}}
        | [safety limit [: | =]] {_AT_MOST} <int:rows> {_WIPED} [are allowed] {_PER} {{limit=max_deleted_rows}}
        | (maximum/max/highest/largest) [allowed] [number of] {_WIPED} {_PER} [is] [: | =] <int:rows> [{_ROWS}] {_PER}
            {{limit=max_deleted_rows}}
        | (deletion/delete limit/threshold) {_PER} [is] [: | =] <int:rows> [{_ROWS}] {_PER} {{limit=max_deleted_rows}}
    FLOOR = (at least | a minimum of | no fewer than) <int:rows> {_ROWS} [must | should | have to]
            {_ARRIVE} {{limit=min_rows}}
        | salesforce [must | should | has to | needs to] {_DELIVER} (at least | a minimum of) <int:rows> {_ROWS}
            {{limit=min_rows}}
        | ~expect/require (at least | a minimum of) <int:rows> {_ROWS} [from/in salesforce] {{limit=min_rows}}
        | there must/should be at least <int:rows> {_ROWS} [from/in salesforce] {{limit=min_rows}}
        | (minimum/min) ([number of] <object> [count] | number of rows/records | row/record count) [is] [: | =]
            <int:rows> {{limit=min_rows}}
    READ STOP CHANGED|DELETED|FEW|UNLESS
    READ CHANGES|DELETES|FLOOR
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("guards",),
    examples=(
        "Stops if more than 20% of rows would change",
        "Stops if a run would delete over 1,000 rows",
        "Fails when Salesforce returns no Accounts",
        "Aborts when more than a fifth of the Contacts would be updated",
        "At least 100 Accounts must come back",
        "A run may delete at most 500 Contacts",
    ),
    near_misses=(
        "Stops if more than 20% of rows would be deleted",
        "Stops if more than 1,000 rows would change",
        "Stops if about 20% of rows would change",
        "Stops if no more than 20% of rows would change",
        "Never stops if more than 20% of rows would change",
        "Stops if 20% or more of the rows would change",
        "Stops if more than 120% of rows would change",
        "Stops if more than a third of the rows would change",
        "Fails when Salesforce returns Accounts",
        "Fails when fewer than 500 Accounts are read",
        "Stops if more than 20% of rows or 1,000 rows would change",
    ),
)

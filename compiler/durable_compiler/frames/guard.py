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
    if limit in _UNSUPPORTED:
        return _no_such_limit(limit, sentence)
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


# What is meant by a limit that no guard can hold, and the sentences that come nearest to it.
_UNSUPPORTED = {
    "deleted_share": (
        "of deletions only a number of rows can be limited, no share",
        ("Stops if a run would delete more than 1,000 rows", "Stops if more than 20% of rows would change"),
    ),
    "changed_count": (
        "of changes only a share of the rows can be limited, no number",
        ("Stops if more than 20% of rows would change",),
    ),
}


def _no_such_limit(limit: str, sentence: Sentence) -> Fault:
    message, suggestions = _UNSUPPORTED[limit]
    span = (sentence.tokens[0].start, sentence.tokens[-1].end)
    return Fault("DUR053", message, *span, "Write one of the limits that a guard can hold.", suggestions)


def _nothing_to_guard(sentence: Sentence) -> Fault:
    message = "no run could ever break or ever keep this limit"
    help = "Write a number of rows that a run can stay within."
    return Fault("DUR053", message, sentence.tokens[0].start, sentence.tokens[-1].end, help)


# What is too much, as the largest number allowed, and what is too little, as the smallest allowed.
_REACHED = "(at least | >= | no less than | no fewer than | a minimum of)"
_BEYOND = (
    "(~exceed/surpass/pass/top | ~go/rise/climb/be (over/above/beyond/past) | is/are (more/greater/higher) than"
    " | ~be more than)"
)
_SHARE = f"(%over <share:ratio> | ({_REACHED} <share:ratio> | <share:ratio> or more) {{inclusive=yes}})"
_MANY = f"(%over <int:rows> | ({_REACHED} <int:rows> | <int:rows> or more) {{shift=-1}})"
_COUNT = (
    f"(%over <int:rows> | ({_REACHED} <int:rows> | <int:rows> or more) {{shift=-1}}"
    " | (any | even one | a single | even a single | at least one) {rows=0})"
)
_NONE = "(no | zero | 0 | not a single | not any | not even one | none of the)"
_TOO_FEW = (
    f"((fewer/less than | under | below | not even) <int:rows> | {_NONE} {{rows=1}}"
    " | (<int:rows> or fewer/less | at most <int:rows>) {shift=1})"
)
_ENOUGH = "((at least | no fewer than | no less than | a minimum of | >=) <int:rows> | more than <int:rows> {shift=1})"
_MOST_ROWS = "(%most <int:rows> | (fewer/less than | under | below) <int:rows> {shift=-1})"
_ROWS = "<counted:object>"
_TABLE = (
    f"([all/of] {_ROWS} [in the (table/target/warehouse) | in total] | the table/data/target/warehouse"
    " | the target/warehouse table)"
)
_PER = (
    "[(in/per/during/by/within/at) [a/one/any/each/every/the] [one/single] [run/sync/load/go/time/execution] | each run"
    " | in one go | at once]"
)
# Which rows are deleted at all is said elsewhere, so that a guard against every deletion must speak of a run.
_IN_RUN = "((in/per/during/by/within) [a/one/any/each/every/the] [single] run/sync/load)"
_IFRUN = "(%provided %a_run | (any/a/every/each run/sync/load/job | runs/syncs) that/which)"
_NEVER = "(%must_not [let/allow %a_run] [to] | %a_run %must_not | no run/sync/load (may/can/should/must/shall/will))"
_MAY = "[%a_run] [may/can/must/should | is/are allowed/permitted to | ~allow %a_run to]"
_ALTER = (
    "(~change/modify/alter/affect/touch | (changed/updated/modified or deleted/removed)"
    " | ~update {narrow=yes} | ~overwrite {narrow=yes})"
)
_REMOVE = "(~delete/remove/purge/erase/wipe [out] | marked/flagged/scheduled/slated for deletion/removal | lost)"
_WIPED = (
    "(deletions/deletion/deletes/removals/removal | deletions of <object> | (rows/row/records) deleted/removed"
    " | (deleted/removed rows/records))"
)
_ARRIVE = (
    "(~come back | ~return/exist/find/arrive/deliver/fetch/provide | there | left | available | remain/remains"
    " | come/comes in | came [back/in])"
    " [from salesforce | in salesforce | by salesforce]"
)
_API = "(the [salesforce] (api/source/org/crm/query) | salesforce's api)"
_SOURCE = (
    "(salesforce | the [salesforce] (api/source/org/crm) | [the/an] <object>"
    " (query/extract/extraction/export/response))"
)
_DELIVER = (
    "(~return/deliver/have/hold/contain/yield/provide/supply/report | ~send [back] | ~come [back] with"
    " | ~give [back/us] | ~send us | ~hand (back/over))"
)
_EMPTY = "(~come [back] | is/are | was/were | ~arrive | turn/turns out [to be]) (empty/blank)"
_PRECEDE = "(before (writing | loading | committing | it writes) [anything] | before anything is (written/loaded))"

FRAME = Frame(
    kind="guard",
    doc="Stops a run before it writes when it would change or delete too much, or when Salesforce returns too little.",
    phrases=f"""
    STOP = [then] ~stop/abort/fail/halt/cancel/refuse/pause/block/interrupt/hold/suspend/terminate/end/quit/reject
            [%a_run | runs] [{_PRECEDE}]
        | [%a_run] (~call/break/bail off/out | ~call %a_run off | ~come to a halt/stop | ~give up) [%a_run]
        | %a_run ~stop/abort/fail/halt/pause/end/quit
        | (~make | ~let | ~cause) %a_run [to] fail/stop
        | %must_not (write/load/commit/change/save [anything] | ~proceed/continue/run/succeed
            | be (written/loaded/committed/applied/executed/run/performed | carried out) | go through/ahead/on | carry
            on)
        | ~write nothing | nothing ([is/gets/may/must/should/can] [be] written/loaded/committed)
        | refuse/refuses to (write/load/commit/run/proceed/continue/start)
        | (is/are not [be] (allowed/permitted/accepted))
        | ~wait for [a] (person/human/approval/someone) | ~ask for approval/confirmation | (~need/require approval)
    RUN = %a_run
    WITHOUT = and (~wait for (approval | a person/human) | ~ask for (approval/confirmation))
        | without (writing/loading/committing/changing) anything | {_PRECEDE}
        | [and] (~write/load/commit nothing | do/does not write [anything])
    CHANGED = (%provided {_SHARE} [of] {_TABLE} %would {_ALTER} {_PER}
        | {_SHARE} [of] {_TABLE} %would {_ALTER} {_PER} %hence
        | [on/at/for] {_SHARE} ((changed/modified rows/records/row) | rows/records changed/modified | changes) {_PER}
            [%hence]
        | %provided %a_run %would {_ALTER} {_SHARE} [of] {_TABLE} {_PER}
        | {_IFRUN} %would {_ALTER} {_SHARE} [of] {_TABLE} {_PER}
        | changing/modifying/altering {_SHARE} [of] {_TABLE} {_PER}
        | (change/changes/update/updates) (affecting/touching/to/of/in) {_SHARE} [of] {_TABLE} {_PER}
        | %provided [the] (share/percentage/proportion/fraction of) (changed/changing/modified rows/records
            | {_ROWS} [that/which] %would {_ALTER}) {_BEYOND} <share:ratio> {_PER}
        | %provided [the] [row] changes {_BEYOND} <share:ratio> [of {_TABLE}] {_PER}) {{limit=max_changed_ratio}}
    DELETED = (%provided {_COUNT} {_ROWS} %would {_REMOVE} {_PER}
        | {_COUNT} {_ROWS} %would {_REMOVE} {_PER} %hence
        | {_IFRUN} %would {_REMOVE} {_COUNT} {_ROWS} {_PER}
        | deleting/removing {_COUNT} {_ROWS} {_PER}
        | [if/on] (deletes/deletions/removals) [of] {_COUNT} [{_ROWS}] {_PER}
        | [%provided [there] %would [be] | on/at/for | in case of] {_COUNT} {_WIPED} {_PER} [%hence]
        | %provided %a_run %would (~make/cause/contain/do/perform/carry_out/involve/include/have) {_COUNT} {_WIPED}
            {_PER}
        | [%provided %a_run (~contain/involve/include) | on | in case of] [a/the] deletion/removal of {_COUNT} {_ROWS}
            {_PER}
        | %provided ([the] number of {_WIPED} | [the] number of {_ROWS} [that/which] %would {_REMOVE} | {_WIPED}
            | [the] deletion count) [in/of/by/for %a_run] %would {_BEYOND} <int:rows> [rows/records] {_PER})
            {{limit=max_deleted_rows}}
    DELETED_SHARE = (%provided {_SHARE} [of] {_ROWS} %would {_REMOVE} {_PER}
        | {_IFRUN} %would {_REMOVE} {_SHARE} [of] {_ROWS} {_PER}) {{limit=deleted_share}}
    NO_SHARE = {_NEVER} {_REMOVE} {_SHARE} [of] {_ROWS} {_PER} {{limit=deleted_share}}
    CHANGED_COUNT = (%provided {_COUNT} {_ROWS} %would {_ALTER} {_PER}
        | {_IFRUN} %would {_ALTER} {_COUNT} {_ROWS} {_PER}) {{limit=changed_count}}
    FEW = (%provided nothing {_ARRIVE} {{rows=1}} [%hence]
        | %provided {_API} %would {_DELIVER} {_TOO_FEW} {_ROWS} [at all] [%hence]
        | %provided (we/it get/gets/receive/receives/pull/pulls) {_TOO_FEW} {_ROWS} [from/in salesforce] [at all]
            [%hence]
        | %provided salesforce %would {_DELIVER} {_TOO_FEW} {_ROWS} [at all] [%hence]
        | %provided {_SOURCE} %would ({_DELIVER} nothing [at all] | {_DELIVER} {_NONE} (rows/records/row/record) |
            {_EMPTY}) {{rows=1}} [%hence]
        | %provided there are/is {_TOO_FEW} {_ROWS} [from/in salesforce] [at all] [%hence]
        | %provided {_TOO_FEW} {_ROWS} (%would {_ARRIVE} | from/in salesforce) [at all] [%hence]
        | {_TOO_FEW} {_ROWS} ({_ARRIVE} | from/in salesforce) [at all] %hence
        | [on] (an empty <object> [result/response/set] | an empty result for <object>) {{rows=1}} [%hence]
        | %provided [the] (number/count of <object> | <object> count) [in/from salesforce]
            (~drop/fall/go/sink/dip/be [to] (below/under) <int:rows> | is (less/lower/smaller/fewer than) <int:rows>
            | (is | ~drop to | ~fall to) zero {{rows=1}})
        | %provided <object> [table/list] {_EMPTY} [in salesforce] {{rows=1}}) {{limit=min_rows}}
    UNLESS = (unless salesforce {_DELIVER} {_ENOUGH} {_ROWS}
        | unless [there are] {_ENOUGH} {_ROWS} [{_ARRIVE}]
        | unless [there are] {_ENOUGH} {_ROWS} in salesforce) {{limit=min_rows}}
    ONLY = only (~run/proceed/continue/write/load/start/commit | ~go_ahead) [anything]
        | (~run/proceed/continue/write/load/start/commit | ~go_ahead) only
    ENOUGH = %provided (salesforce {_DELIVER} {_ENOUGH} {_ROWS} | [there are] {_ENOUGH} {_ROWS} [{_ARRIVE}])
            {{limit=min_rows}}
        | %provided %most <share:ratio> [of] {_TABLE} %would {_ALTER} {_PER} {{limit=max_changed_ratio}}
        | %provided {_MOST_ROWS} {_ROWS} %would {_REMOVE} {_PER} {{limit=max_deleted_rows}}
    TOPIC = (guard/guards/safeguard/safeguards/safety/guardrail/guardrails | safety net/limit/check/stop | circuit
            breaker
            | sanity check | change/deletion guard) :
    ELSE = [or] (otherwise/else) [%a_run] (~fail/stop/abort)
    IFMORE = [%a_run] (~stop/fail/abort) (if/when) (more | any more) [rows/records] %would {_REMOVE}
    CHANGES = ([the] (share/percentage/proportion/fraction of) (changed/changing/modified rows/records) {_PER} %must_not
            {_BEYOND} <share:ratio>
        | {_NEVER} {_ALTER} {_SHARE} [of] {_TABLE} {_PER}
        | {_MAY} {_ALTER} %most <share:ratio> [of] {_TABLE} {_PER}
        | %most <share:ratio> [of] {_TABLE} [may/can/must/should | is/are allowed to] {_ALTER} {_PER}
        | ~allow %most <share:ratio> [of] {_TABLE} to [be] {_ALTER} {_PER}
        | no more than <share:ratio> [of] {_TABLE} [may/can/must/should | is/are allowed to] {_ALTER} {_PER}
        | ~limit/cap/restrict/keep changes (to/at/under/below) [%most] <share:ratio> [of] {_TABLE} {_PER}
        | changes ~limit/cap/restrict (to/at) [%most] <share:ratio> [of] {_TABLE} {_PER}
        | (maximum/max/highest/largest) [allowed] ([share/percentage of] changed rows/records | change/changes) {_PER}
            [is] [: | =] <share:ratio> [of {_TABLE}] {_PER}
        | %most <share:ratio> ((changed rows/records) | change/changes) {_PER}
        | change limit/threshold {_PER} [is] [: | =] <share:ratio> [of {_TABLE}] {_PER}) {{limit=max_changed_ratio}}
    DELETES = ([the] number of {_WIPED} {_PER} %must_not {_BEYOND} <int:rows> [rows/records] {_PER}
        | (no | not a single | not one | none of the) {_ROWS} (may/can/must/should/shall) [ever] [be] {_REMOVE}
            {_IN_RUN} {{rows=0}}
        | {_NEVER} {_REMOVE} ({_MANY} {_ROWS} {_PER} | any/single {_ROWS} {_IN_RUN} {{rows=0}})
        | {_MAY} {_REMOVE} %most <int:rows> {_ROWS} {_PER}
        | %most <int:rows> {_ROWS} [may/can/must/should | is/are allowed to] {_REMOVE} {_PER}
        | ~allow %most <int:rows> ({_WIPED} | {_ROWS} to be {_REMOVE}) {_PER}
        | ~limit/cap/restrict/keep (deletions/deletes/removals) (to/at) [%most] <int:rows> [{_ROWS}] {_PER}
        | (deletions/deletes/removals) ~limit/cap/restrict (to/at) [%most] <int:rows> [{_ROWS}] {_PER}
        | ~guard/protect against {_COUNT} {_WIPED} {_PER}
        | [safety limit [: | =]] %most <int:rows> {_WIPED} [are allowed] {_PER}
        | (maximum/max/highest/largest) [allowed] [number of] {_WIPED} {_PER} [is] [: | =] <int:rows> [{_ROWS}] {_PER}
        | (deletion/delete limit/threshold) {_PER} [is] [: | =] <int:rows> [{_ROWS}] {_PER}) {{limit=max_deleted_rows}}
    FLOOR = ({_ENOUGH} {_ROWS} [must/should/shall | have/has/need/needs to] {_ARRIVE}
        | salesforce [must/should/shall | has to | needs to] {_DELIVER} {_ENOUGH} {_ROWS} {_PER}
        | ~expect/require {_ENOUGH} {_ROWS} [from/in salesforce] {_PER}
        | there must/should/shall be {_ENOUGH} {_ROWS} [from/in salesforce] {_PER}
        | (minimum/min) ([number of] <object> [count] | number of rows/records | row/record count | rows/records) {_PER}
            [is] [: | =] <int:rows> [rows/records]
        | (minimum/min) [: | of] <int:rows> {_ROWS} {_PER}) {{limit=min_rows}}
    OFF = something (is | must be) (off/wrong/amiss/broken)
    READ STOP CHANGED|DELETED|FEW OFF [RUN]
    READ STOP CHANGED|DELETED|FEW|UNLESS|DELETED_SHARE|CHANGED_COUNT [RUN] [WITHOUT]
    READ ONLY ENOUGH [RUN]
    READ CHANGES|DELETES [ELSE]
    READ DELETES IFMORE
    READ NO_SHARE
    READ FLOOR [ELSE]
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

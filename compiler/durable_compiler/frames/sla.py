"""How long a run may take, how old the data may get, and who hears of it when it gets older."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.numbers import in_words
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Sla(Clause):
    """Seconds that a run may take, or that may pass since the last success, with recipients as (channel, address)."""

    kind: ClassVar[str] = "sla"
    runtime: int | None = None
    staleness: int | None = None
    recipients: tuple[tuple[str, str], ...] = ()


def build(values: Values, sentence: Sentence) -> Sla | Fault:
    """The clause of a reading."""
    limit = values.get("runtime", values.get("staleness"))
    if not isinstance(limit, int) or limit <= 0:
        help = "Write a time such as 1 hour."
        return Fault("DUR053", "the time is no limit", sentence.tokens[0].start, sentence.tokens[-1].end, help)
    people = (*values.get("recipients", ()), *values.get("more", ()))
    people = tuple(sorted(dict.fromkeys(people), key=lambda one: sentence.text.find(one[1])))
    return Sla(values.get("runtime"), values.get("staleness"), people)


def echo(clause: Sla, catalogue: Snapshot) -> str:
    """Canonical English."""
    if clause.runtime is not None:
        return f"A run takes at most {in_words(clause.runtime)}"
    assert clause.staleness is not None
    if not clause.recipients:
        return f"Data is at most {in_words(clause.staleness)} old"
    people = listed(f"{to} {'on Slack' if channel == 'slack' else 'by email'}" for channel, to in clause.recipients)
    return f"Alerts {people} when no run has succeeded for {in_words(clause.staleness)}"


def ir(clause: Sla, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    if clause.runtime is not None:
        return {"sla": {"max_runtime_seconds": clause.runtime}}
    alerts = [{"on": "stale", "channel": channel, "to": to} for channel, to in clause.recipients]
    return {"sla": {"max_staleness_seconds": clause.staleness}, **({"alerts": alerts} if alerts else {})}


_WITHIN = "(within | in | %most | in %most | in (under | less than | no more than) | (under | less than) | inside)"
_OVER = "([for] ((longer/more) than | over | beyond | in excess of | past))"
_LIMIT = "<duration:runtime>"
_MOST = "(at most | at the most | max | maximum | or less | tops)"
_TOOK = "(~take/last/need/require | ~go [on] | ~run [on] | ~be running)"
_DATA = (
    "([all] [the/our/all] [warehouse/synced/snowflake/salesforce/target/copied/replicated]"
    " (data/records/rows/copy/figures/numbers/table)"
    " [in/of [the/our] (warehouse/table/target/snowflake/duckdb/database)]"
    " | [the/our] (data/figures/numbers) [that/which] (we/i/people/users/analysts)"
    " (see/use/read/need/get | look at | work with | report on | rely on) | [the/our]"
    " (target/warehouse/snowflake) | it)"
)
_IF = "(when/if/whenever/once/should | as soon as | in case | the moment)"
_GOOD = (
    "((successful/completed/good [completed] | successfully completed) (run/sync/load/one/refresh) | success"
    " | (run/sync/load) [that/which] (succeeded | was successful))"
)
_DONE = "(~succeed | ~take place [successfully] | ~complete/finish/run [successfully] | ~work | [been] successful)"
_FOR = (
    "(for/in/within [more than/over] | in/within/for [the] last/past | for/in (over | more than | longer than)"
    " | during [the] last/past)"
)
_BEHIND = "[behind] [salesforce] [by]"
_TOO_OLD = (
    "(older than <duration:staleness> | (more than | over) <duration:staleness> (old | behind [salesforce] | out"
    " of date"
    " | stale))"
)

FRAME = Frame(
    kind="sla",
    doc="Says how long a run may take, how old the data may get, and who is told when it gets older.",
    phrases=f"""
    RUN = %a_run [from start to finish]
    FINISH = [may/can | is/are allowed to] ((~give | has/have/gets/get) %most {_LIMIT} [to (finish/complete)]
            | ~take/last/need/require %most {_LIMIT} | ~run for %most {_LIMIT}
            | (~take/last/need/require | ~run for) {_LIMIT} {_MOST}
            | ~finish/complete/end/succeed/conclude [%a_run] [successfully] {_WITHIN} {_LIMIT}
            | (is/be done/finished/complete/completed/over/ready | done/through) {_WITHIN} {_LIMIT} | ~time_out after
            {_LIMIT}
            | time/runtime limit [is/of] [:] {_LIMIT} | (takes/take) (less than | under) {_LIMIT})
        | ~stop/abort/cancel/end/kill/terminate after {_LIMIT}
        | {_LIMIT} [is/are] [the] (maximum/limit/most) [duration/runtime] (for/of)
    DURING = %most {_LIMIT} (per run | for a/each/every/one run) | {_LIMIT} per run {_MOST}
    CANCEL = ~stop/cancel/abort/kill/end/terminate %a_run (after | at) {_LIMIT}
        | ~stop/cancel/abort/kill/end/terminate %a_run (once/when/if) (it/they) [has/have/is/are] ({_TOOK} [{_OVER}] |
            ~exceed)
            {_LIMIT}
    SLOW = %a_run (that/which) ([is/are] [still] (going/running/active) after |{_TOOK} {_OVER} | ~exceed) {_LIMIT}
        | {_IF} %a_run [is/has] ([still] (going/running/active) after | {_TOOK} {_OVER} | ~exceed | [been] running
            {_OVER}) {_LIMIT}
        | %a_run ({_TOOK} {_OVER} | ~exceed) {_LIMIT} [must/should/shall/is/are/will] [be]
    KILL = ~stop/cancel/abort/kill/end/terminate/fail [%a_run]
    TOOLONG = (%a_run %must_not | [the/a] (run time/duration | runtime | time a run takes | duration of a run)
            %must_not |
            no run/sync/load/job (is/are) allowed to | no run/sync/load/job (may/can/should/must/will/shall) [ever] |
            %must_not)
            ({_TOOK} {_OVER} | ~exceed | ~be %over | ~be longer than) {_LIMIT}
    ALSO = [total] (run time/duration | runtime) at [%most] {_LIMIT}
    MAXRUN = (maximum/max) [permitted/allowed] ((run/sync/load time/duration) | runtime | run length | duration of a run
            | (length/duration) of/for a/each/every run/sync) [per run] [is/of] [: | =] {_LIMIT}
        | time limit (per/for/of) [a/each/every] run/sync [is/of] [: | =] {_LIMIT}
        | [there (is | must be | should be)] [a/the] [hard/strict/upper] [time] limit of {_LIMIT} (per/for/on)
            [a/each/every/any]
        run/sync/load/job
        | (runs/syncs | [a/each/every/the] run/sync/load/job) (has/have) a [hard/strict/upper] [time] limit of {_LIMIT}
        | ((run/sync/load/job/runtime) [time/timeout] (limit/timeout/budget/sla/cap) | timeout | (sla/timeout) for
            [a/each/every]
            run/sync | time budget [per/for run]) [per run] [is/of] [: | =] [%most] {_LIMIT}
        | ~limit/cap/restrict (run/sync time/duration | runtime | runs/syncs | each/every/a run/sync | the
            run/sync/runtime)
            (to/at) [%most] {_LIMIT}
        | (runs/syncs | runtime | [the] duration of a run | each/every/a run) ~limit/cap/restrict (to/at) [%most]
            {_LIMIT}
    FRESH = {_DATA} no older than <duration:staleness>
        | [need/want] {_DATA} [to] [always] be (less/younger/fresher than) <duration:staleness> [old]
        | [need/want] {_DATA} [to] [can/may] [always] be/is/are %most <duration:staleness> (old | behind [salesforce]
            | out of date)
        | {_DATA} [can/may] be/is/are <duration:staleness> (old | behind [salesforce] | out of date) {_MOST}
        | [need/want] {_DATA} ([to] [can/may/must/should/will/shall] be/is/are no/never/not | %must_not
            (be/get/become/grow/fall/run/go/drift)
            | never is/gets/becomes/grows/falls) ({_TOO_OLD} | more than <duration:staleness> behind)
        | {_DATA} %must_not ~lag [behind] [salesforce] [by] %over <duration:staleness> {_BEHIND}
        | {_DATA} [can/may] (~lag/trail {_BEHIND} | is/be) %most <duration:staleness> [behind] [salesforce]
        | (maximum/max) [allowed] [data] (staleness/age/lag/delay | data age | age of the data) [is/of] [: | =]
            <duration:staleness>
        | [data] (freshness/staleness) [sla/target/limit/threshold/requirement | of the data] [must be | is/of] [: |
            =] [%most | within] <duration:staleness>
        | ~keep {_DATA} (fresh to within | fresh within | no older than | fresher than | %most)
            <duration:staleness> [old | behind salesforce]
        | ((a/one/some | at least one) (run/sync) | {_GOOD}) must/should/shall ~succeed/happen [at least] [once]
            (every/each
            | in every) <duration:staleness>
    TELL = [then] ~alert/notify/tell/inform/warn/page/email/message/ping/slack <recipients>
        | [then] ~send/post [a/an/the] [slack/email] (message/alert/notification/email/warning/note) (to/in)
            <recipients>
        | [then] ~let <recipients> know | (message/alert/notification/warning) (to/in) <recipients>
    AND = ~alert/notify/tell/inform/email/message/cc <recipients:more>
    PASSIVE = <recipients> ~alert/notify/tell/inform/warn/email/message/page/ping | <recipients> ~get/receive [a/an]
            (message/alert/warning)
        | <recipients> (want/wants/needs/need | would like) to know
        | (: | →) <recipients>
    STALE = {_IF} ([there (is/was | has been)] no {_GOOD} [has/have] [~take place | ~happen] | no run/sync/load
            [has/have] {_DONE}
            | there (has/have/is/was not) [been] ([a/any] {_GOOD})
            | {_DATA} (has/have/is/was not) [been] (synced/loaded/copied/refreshed/updated)
            | we have [had/seen] no {_GOOD}
            | nothing (is/has/was) [been] (synced/loaded/copied/run/refreshed/succeeded/updated) [successfully]
            | (the/a pipeline/sync/run/job/load | it) (has/have/did not {_DONE})
            | we (have/do not) [had/have/seen/get/got] [a] {_GOOD}) {_FOR} <duration:staleness> [%hence]
        | {_IF} the (last/latest | most recent) {_GOOD} (is/was) %over <duration:staleness> (ago | old) [%hence]
        | {_IF} the (last/latest | most recent) {_GOOD} is older than <duration:staleness> [%hence]
        | {_IF} {_DATA} (is/are/gets/becomes/get/become/goes/grows) {_TOO_OLD} [%hence]
        | {_IF} <duration:staleness> (pass/passes/elapse/elapses | go/goes by | have/has passed/elapsed) without
            ([a/any] {_GOOD})
            [%hence]
        | {_IF} (we/it [go/goes] | %a_run goes | there [is]) [more than] <duration:staleness> without [a] {_GOOD}
            [%hence]
        | after <duration:staleness> without ([a/any] {_GOOD}) [%hence]
        | (no {_GOOD} | no run/sync/load [has] ~succeed | nothing synced/loaded | no success) {_FOR}
            <duration:staleness> %hence
        | [data] stale after <duration:staleness> %hence | {_DATA} older than <duration:staleness> %hence
    TOPIC = (timeout/timeouts/sla/runtime/freshness/staleness | time limit | freshness target/sla | run time | service
            level) :
    READ FINISH [RUN]
    READ DURING
    READ TOOLONG
    READ CANCEL
    READ SLOW KILL [RUN]
    READ MAXRUN
    FOLLOWING quota|sla READ ALSO
    READ FRESH
    READ TELL [AND] STALE
    READ PASSIVE STALE
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("sla", "alerts"),
    examples=(
        "A run takes at most 1 hour",
        "Each run must finish within 90 minutes",
        "Alerts #data-ops on Slack when no run has succeeded for 26 hours",
        "Data must never be older than 26 hours",
        "Data can be at most 4 hours old",
    ),
    near_misses=(
        "A run takes at least 1 hour",
        "A run takes about 1 hour",
        "A run takes 1 hour",
        "A run never takes at most 1 hour",
        "Data must be older than 26 hours",
        "Data is at most 26 rows old",
        "Alerts someone when no run has succeeded for 26 hours",
        "Alerts #data-ops when a run has succeeded for 26 hours",
        "Alerts #data-ops unless no run has succeeded for 26 hours",
        "A run takes at most 0 hours",
    ),
)

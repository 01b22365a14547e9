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


_AT_MOST = (
    "(at most | no more than | not more than | no longer than | a maximum of | max | maximum | up to | at the most)"
)
_WITHIN = f"(within | in | {_AT_MOST} | in {_AT_MOST} | in (under | less than) | (under | less than))"
_RUN = (
    "([a/the/any/every/each/one] [single/nightly/daily/hourly] run/sync/load/job/pipeline/execution | it | "
    "runs/syncs/loads/jobs | nightly run/sync)"
)
_OVER = "(longer than | more than | over | for (longer/more) than | beyond)"
_NEVER = (
    "(no run/sync/load/job (may/can/should/must/will/shall) |"
    " [%who] (must/may/should/shall/can/will/do/does not | cannot | [must/should/shall/may/can] never))"
).replace("%who", _RUN)
_DATA = (
    "([the/our/all/warehouse/synced] data | [the] data in (the warehouse/table/target | snowflake | duckdb) | "
    "[the] (table/target/warehouse) [data] | it)"
)
_IF = "(when/if/whenever/once | as soon as | in case)"
_GOOD = "(successful run/sync/load | successfully completed run | success)"

FRAME = Frame(
    kind="sla",
    doc="Says how long a run may take, how old the data may get, and who is told when it gets older.",
    phrases=f"""
    RUN = {_RUN} | {_RUN} ~need
    FINISH = ([may/can] ~take/last {_AT_MOST} | [may/can] ~run for {_AT_MOST}
        | [can/may] ~finish/complete/end/succeed {_WITHIN} | (is/be done/finished/complete/completed/over) {_WITHIN}
        | ~time_out after | time/runtime limit [is/of] [:] | ~stop/abort/cancel/end after
        | [takes/take] less than) <duration:runtime>
    CANCEL = ~stop/cancel/abort/kill/end {_RUN} after <duration:runtime>
    SLOW = {_RUN} (that/which) (~take/last/run {_OVER} | ~exceed) <duration:runtime>
    KILL = ~stop/cancel/abort/kill
    TOOLONG = {_NEVER} (~take/last/run {_OVER} | ~exceed) <duration:runtime>
    MAXRUN = (maximum/max) (run/sync time/duration | runtime | duration of a run | run length)
            [per run] [is/of] [: | =] <duration:runtime>
        | time limit (per/for) [a/each/every] run/sync [is/of] [: | =] <duration:runtime>
        | (run/sync/load/job time limit | run timeout | timeout | sla for a run) [per run] [is/of] [: | =]
            <duration:runtime>
        | ~limit/cap (run/sync time/duration | runtime | runs/syncs | each/every/a run/sync | the run/sync/runtime)
            (to/at) [{_AT_MOST}] <duration:runtime>
        | (runs/syncs | runtime) ~limit/cap (to/at) [{_AT_MOST}] <duration:runtime>
    FRESH = {_DATA} [can/may] be/is/are {_AT_MOST} <duration:staleness> old
        | {_DATA} [can/may/must/should/will] be/is/are (no | never | not) (older than <duration:staleness>
            | more than <duration:staleness> (old | behind [salesforce]))
        | {_DATA} (must/may/should/shall/can/will/do/does not | cannot | [must/should/shall/may/can] never)
            (be/get/become/grow) (older than <duration:staleness>
            | more than <duration:staleness> (old | behind [salesforce]))
        | {_DATA} never (is/gets/becomes/grows) (older than <duration:staleness> | more than <duration:staleness> old)
        | {_DATA} (must/should/may/can/shall not | cannot | never) ~lag [behind] [salesforce] [by] more than
            <duration:staleness>
            [behind] [salesforce]
        | {_DATA} [can/may] (~lag [behind] | is/be) {_AT_MOST} <duration:staleness> behind [salesforce]
        | (maximum/max) [allowed] (staleness | data age | age of the data | data staleness/lag/delay) [is/of] [: | =]
            <duration:staleness>
        | [data] freshness (sla/target/limit) [is/of] [: | =] <duration:staleness>
        | ~keep {_DATA} (fresh to within | no older than | fresher than) <duration:staleness>
        | (a run/sync | at least one run/sync | one run/sync) must/should ~succeed at least [once] every/each
            <duration:staleness>
    TELL = ~alert/notify/tell/inform/warn/page/email/message/ping <recipients>
        | ~send [a/an/the] [slack/email] (message/alert/notification/email/warning) to <recipients> | ~let
            <recipients> know
    AND = ~alert/notify/tell/inform/email/message/cc <recipients:more>
    PASSIVE = <recipients> ~alert/notify/tell/inform/warn
    STALE = {_IF} ([there (is/was/has been) | there's been | there's] no {_GOOD} | no run/sync/load
            [has/have] ~succeed/complete/finish [successfully]
            | (the/a pipeline/sync/run/job has not (~succeed | ~complete/run successfully)))
            (for | in | within | in/within/for the last/past | for more than | for over | in over | in more than)
            <duration:staleness>
        | {_IF} the last {_GOOD} (is/was) (more than | over) <duration:staleness> (ago | old)
        | {_IF} the last {_GOOD} is older than <duration:staleness>
        | {_IF} {_DATA} (is/are/gets/becomes/get) (older than <duration:staleness> | (more than | over)
            <duration:staleness> old)
        | after <duration:staleness> without a {_GOOD}
    READ FINISH [RUN]
    READ TOOLONG
    READ CANCEL
    READ SLOW KILL
    READ MAXRUN
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

"""Which share of the day's Salesforce API calls the pipeline may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.grammar.shares import in_percent


@dataclass(frozen=True)
class Quota(Clause):
    """A share of the calls that Salesforce allows in a day, above 0 and at most 1."""

    kind: ClassVar[str] = "quota"
    share: int | float


def build(values: Values, sentence: Sentence) -> Quota | Fault:
    """The clause of a reading."""
    share = values["share"] if "share" in values else _rest(values["left"])
    if share == 0:
        help = "Write a share above 0%, such as 50%."
        message = "without a single API call nothing can be read"
        return Fault("DUR055", message, sentence.tokens[0].start, sentence.tokens[-1].end, help)
    share = int(share) if float(share).is_integer() else share
    why = "using exactly this share is still allowed"
    return Quota(share, assumed=(Assumed("quota.max_api_share", share, why),) if "below" in values else ())


def echo(clause: Quota, catalogue: Snapshot) -> str:
    """Canonical English."""
    return f"Uses at most {in_percent(clause.share)} of the daily Salesforce API calls"


def ir(clause: Quota, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"quota": {"max_api_share": clause.share}}


def _rest(left: float) -> float:
    """What remains when others keep a share, without the dust of binary fractions: 1 - 0.9 is 0.1."""
    from decimal import Decimal

    return float(1 - Decimal(repr(left)))


_OF_DAY = "(daily/salesforce/org's/organization's/organisation's/company's/day's/today's | each/every/a/the/one day's)"
_AMOUNT = "(limit/limits/quota/budget/allowance/allocation/capacity/contingent/maximum)"
_IN_A_DAY = "[allowed/available/permitted] [(in a day | per/a/each/every day | for the day | daily)]"
_CALLS = (
    f"([all] [the/our/my/its/their/your] [{_OF_DAY}] [{_AMOUNT} [of/on/for]] [the/our/your] [{_OF_DAY}] [{_OF_DAY}]"
    " (api | rest api | api request | api call) (calls/call/requests/request | [calls/call/requests/request]"
    f" {_AMOUNT})"
    f" [in salesforce | of/from/to salesforce | of our org | of the org] {_IN_A_DAY} [that]"
    f" [we/salesforce (get/gets/have/has/allow/allows/gives/give/grants) [us]] {_IN_A_DAY}"
    f" | [the/our/its] ({_OF_DAY}) ([{_OF_DAY}] calls/requests | {_AMOUNT} [of (calls/requests)])"
    " | (calls/requests) (per/a) day | [the] (calls/requests) [that] salesforce (allows/gives/grants) [us]"
    f" {_IN_A_DAY})"
)
_USAGE = (
    "([the/our/its/salesforce] [salesforce] [daily] api (usage/use/consumption/traffic/load | call/calls"
    " [usage/use/consumption])"
    " | (use/usage/consumption) of [the/our] [daily] [salesforce] api (calls/allowance/quota/limit/requests)"
    " | [the] number of [daily] [salesforce] api calls | [the/our] (share/proportion/part) of [the/our] [daily]"
    " [salesforce] api calls [that/which] [is/are/may]"
    " [be] [used/consumed/taken/claimed by [the/this/our] (sync/tool/pipeline/integration/job)])"
)
_SPEND = (
    "(~use/consume/take/need/spend/burn/draw/exhaust/eat/make/claim/require [up/through] | ~stick to | ~stay with |"
    " ~get by on)"
)
_OTHERS = (
    "(others | other (systems/applications/apps/tools/integrations/users/jobs/processes/teams) |"
    " everyone/everything else"
    " | anyone/anybody/everybody else | other users and systems | the rest [of the company/organisation/organization])"
)

FRAME = Frame(
    kind="quota",
    doc="Says which share of the daily Salesforce API calls the pipeline may use.",
    phrases=f"""
    USE = [may/can | is/are allowed/permitted to | allow/allows/let/lets [the/this/our]
            (tool/sync/pipeline/integration/job/run) [to]] {_SPEND} | (is/are) (allowed/permitted | entitled to) |
            may/can have
    ATMOST = %most <share> [of] {_CALLS} | <share> [of] {_CALLS} (at most | at the most | max/maximum)
        | only <share> [of] {_CALLS}
    TOTHIS = [may/can/should] (~go to | ~be available (to/for) | ~be for | ~belong to) (this/the/our)
            (sync/tool/pipeline/integration/job)
    USED = [may/can | is/are allowed/permitted to | is/are] [be] (used/consumed/spent/taken/burned/burnt) [up]
    SHALLBE = <share> [of] {_CALLS} [must/should/shall/will | is/are] [be] [the/our/a/an] [upper/maximum/hard]
            (limit/cap/ceiling/maximum/most) [for/of [this/the/our] (tool/sync/pipeline/integration/job/run)
            | [that/which] [we] may/can [be] (used/consumed/taken/claimed/spent) [by [this/the/our]
                (tool/sync/pipeline/integration/job/run)]
            | [that/which] (we | [this/the/our] (tool/sync/pipeline/integration/job/run)) [may/can] {_SPEND}]
    NEVER = %must_not ({_SPEND} %over <share> [of] {_CALLS} | ~exceed <share> [of] {_CALLS}
            | ~go (over/above/beyond/past) <share> [of] {_CALLS})
        | {_USAGE} %must_not (~exceed/surpass/pass | ~go/rise/climb/be (over/above/beyond/past) | ~be more than)
            <share> [[of] {_CALLS}]
    NEVERUSE = ({_SPEND} never | never) %over <share> [of] {_CALLS}
    STAY = [{_USAGE}] ~stay/keep/remain [{_USAGE}]
            (within | at or below | %most | to %most | below/under {{below=yes}}) <share> [of] {_CALLS}
    STOP = ~stop [reading/calling/using] [salesforce] (at/after/on [reaching/using]) <share> [of] {_CALLS}
        | ~stop [reading/calling] [salesforce] (when/once) <share> [of] {_CALLS} (is/are/has/have/used/consumed/spent)
            [been] (used/consumed/spent/reached)
    CAP = ~limit/cap/restrict/keep [{_CALLS} | {_USAGE} | itself/us/ourselves/usage | the/this/our
            pipeline/sync/integration/job/tool] (to/at) [%most] <share> [of] {_CALLS}
        | ~limit/cap/restrict/keep {_USAGE} (to/at) [%most] <share>
        | {_USAGE} ~limit/cap/restrict (to/at) [%most] <share> [[of] {_CALLS}]
    LEAVE = (~leave/reserve/keep/spare/save) [at least | a minimum of] <share:left> [of] {_CALLS}
            (for/to {_OTHERS} | [~leave] free/unused/alone/untouched/available [for {_OTHERS}])
        | [at least | a minimum of] <share:left> [of] {_CALLS} ([must/should] (~leave/reserve/keep/spare/save) (for/to
            {_OTHERS}
            | free/unused/untouched/available [for {_OTHERS}]) | [must/should] (stay/remain | be)
            (free/unused/untouched/available) [for {_OTHERS}] | [must/should] ~belong to {_OTHERS})
    LABEL = [daily] [salesforce] (api | [daily] api call/calls/request | daily api | [max/maximum] api
            (usage/use/consumption))
            [budget/quota/limit/share/allowance/cap] [of/is] [: | =] [%most] <share> [[of] {_CALLS}]
    LIMITUSE = [the/our] [daily] [salesforce] api {_AMOUNT} may/can be used [up] %most <share>
    MAYUSE = ((may/can | is/are allowed/permitted to) {_SPEND} | are allowed/permitted | is allowed/permitted |
            can/may have) <share> [of] {_CALLS}
        | <share> [of] {_CALLS} (may/can | is/are allowed/permitted to) be (used/consumed/spent/taken)
    TOPIC = quota/quotas :
    READ USE ATMOST
    READ MAYUSE
    READ LIMITUSE
    READ ATMOST TOTHIS
    READ ATMOST [USED]
    READ SHALLBE
    READ NEVER
    READ NEVERUSE
    READ STAY
    READ STOP
    READ CAP
    READ LEAVE
    READ LABEL
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("quota",),
    examples=(
        "Uses at most half of the daily Salesforce API calls",
        "API budget: 30 percent of the day's calls",
        "Never uses more than a quarter of our API limit",
        "Leaves 60% of the API calls for others",
    ),
    near_misses=(
        "Uses half of the daily Salesforce API calls",
        "Uses at least half of the daily Salesforce API calls",
        "Never uses at most half of the daily Salesforce API calls",
        "Uses about half of the daily Salesforce API calls",
        "Uses at most 150% of the daily Salesforce API calls",
        "Uses at most 1,000 of the daily Salesforce API calls",
        "Uses at most half of the hourly Salesforce API calls",
        "Uses at most a third of the daily Salesforce API calls",
    ),
)

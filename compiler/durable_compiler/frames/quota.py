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


_AT_MOST = "(at most | only | at the most | no more than | not more than | a maximum of | max | maximum | up to)"
_OVER = "(more than | over | above | in excess of)"
_CALLS = (
    "([the/our] [daily/org's/organization's/organisation's/day's/salesforce/today's] [of]"
    " [the] [daily/org's/day's/salesforce] [salesforce] (api | rest api | api request | api call)"
    " (calls/call/requests/request/limit/limits/quota/budget/allowance/allocation/capacity)"
    " [in salesforce | of salesforce] [per day | a day | each day | every day | in a day | for the day]"
    " | [the/our] (day's/daily) (calls/requests/quota/allowance/limit) | (calls/requests) (per/a) day)"
)

FRAME = Frame(
    kind="quota",
    doc="Says which share of the daily Salesforce API calls the pipeline may use.",
    phrases=f"""
    USE = [may/can] ~use/consume/take/need/spend [up]
    ATMOST = {_AT_MOST} <share> of {_CALLS}
    NEVER = (never | (must/should/may/shall/will/do/does/can not) | cannot | [must/should/may] never)
        (~use/consume/take/need/spend {_OVER} <share> of {_CALLS} | ~exceed <share> of {_CALLS}
        | ~go (over/above/beyond) <share> of {_CALLS})
    NEVERUSE = ~use/consume/take never {_OVER} <share> of {_CALLS} | never {_OVER} <share> of {_CALLS}
    STAY = [api usage/use/consumption] ~stay/keep/remain [the] [salesforce] [api usage/use/consumption]
            (within | at or below | below/under {{below=yes}}) <share> of {_CALLS}
    STOP = ~stop at <share> of {_CALLS}
    CAP = ~limit/cap/restrict [{_CALLS} | api usage/use/consumption | itself | usage | the/this/our
            pipeline/sync/integration/job] (to/at) [{_AT_MOST}] <share> of {_CALLS}
        | api usage/use/consumption ~limit/cap/restrict (to/at) [{_AT_MOST}] <share> of {_CALLS}
    LEAVE = (~leave/reserve/keep/spare) [at least] <share:left> of {_CALLS}
        (for/to) (others | other (systems/applications/apps/tools/integrations/users) | everyone else | everything else
        | other users and systems) | ~leave [at least] <share:left> of {_CALLS} (free/unused/alone/untouched)
    LABEL = [salesforce] (api | api call | daily api) (budget/quota/limit/share/allowance) [of/is] [at most | : | =]
        <share> [of {_CALLS}]
    READ USE ATMOST
    READ ATMOST
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

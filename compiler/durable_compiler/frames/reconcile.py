"""When the records that exist are compared with Salesforce."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.frames.schedule import recurrence
from durable_compiler.grammar.days import Days
from durable_compiler.grammar.recurrence import Recurrence
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Reconcile(Clause):
    """A recurrence in the zone of the schedule."""

    kind: ClassVar[str] = "reconcile"
    recurrence: Recurrence
    zone: str | None = None


def build(values: Values, sentence: Sentence) -> Reconcile | Fault | None:
    """The clause of a reading."""
    days: Days = values["days"]
    if days.count is not None:
        return None
    if "times" in values or "zone" in values:
        found = recurrence(
            {**values, "days": replace(days, week=days.week or ((0,) if days.weekly else ()), weekly=False)}, sentence
        )
        return Reconcile(found[0], found[1]) if isinstance(found, tuple) else found
    week = days.week or ((0,) if days.weekly else ())
    when = Recurrence(None, ((3, 0),), week, days.month, days.months)
    return Reconcile(when, assumed=(Assumed("incremental.reconcile_cron", when.cron, "the sentence names no time"),))


def echo(clause: Reconcile, catalogue: Snapshot) -> str:
    """Canonical English."""
    zone = f" {clause.zone}" if clause.zone else ""
    return f"Checks {clause.recurrence.echo()}{zone} for records that were deleted for good"


def ir(clause: Reconcile, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"incremental": {"reconcile_cron": clause.recurrence.cron}}


FRAME = Frame(
    kind="reconcile",
    doc="Says when record IDs are compared with Salesforce, to find those deleted for good.",
    phrases="""
    CHECK = ~check/look/scan/sweep/search/verify [salesforce] [whether/if/for/that/which/out]
    LOOKED = ~look/check for | ~search for | ~look_out for
    WHETHER = ~verify that no %rows ([have/has/were/are] [been] (permanently/hard (deleted/removed/erased) |
        deleted/erased/removed (for good | permanently))) | (~check/verify [in] [salesforce] (whether/if/which | to
        see (whether/if)) [any] %rows | ~see/find_out (whether/if/which) [any] %rows) ([have/has/were/are] [been]
        (permanently/hard (deleted/removed/erased) | (deleted/erased/removed) (for good | permanently | forever) |
        purged | (vanished/disappeared/gone/missing) from salesforce) [from/in salesforce] | no longer exist in
        salesforce)
    EXISTS = ~check/verify (that/whether/if) [all/the/our] [record] ids [in the warehouse/table] still exist in
        salesforce | ~find out which %rows (are gone from salesforce [for good] | no longer exist in salesforce)
    ROWIDS = ~compare/reconcile/match [the/our/all] (row/record/warehouse/table) ids (to/with/against) [the]
        salesforce ids
    AGAINST = (against/with) salesforce
    COMPARISON = (a/the) [weekly {often=weekly} | monthly {often=monthly} | nightly/daily {often=daily}] comparison of
        %idlist (with/against/to) (salesforce | %theirs)
    FINDOUT = ~find out | ~see
    BYCHECK = (by [means of] | with | in | through) a check [carried out | done | made | run]
    JOB = a (weekly {often=weekly} | monthly {often=monthly} | nightly/daily {often=daily}) (job/check/task/process)
    ERASED = (whether/if/which/that) %rows ([have/has/were/are] [been] (erased/removed/deleted for good | permanently
        erased/removed/deleted | purged) | are gone) [from/in salesforce] [for good]
    WHYNOT = (because/as/since) [the] [salesforce] api (does not report/return/show/include | hides) %gone
    CHECKNOUN = a weekly (check/search/scan/sweep) for %gone {often=weekly} | [a/the] (check/search/scan/sweep) for
        %gone | would like a (check/search/scan/sweep) for %gone
    COMPARING = by comparing [the/all/our/record] [record] ids [with/against/to [those in] salesforce] [ids]
    FIND = ~find/detect/catch/identify/discover/reconcile/check/verify/spot
    FOR = for %rows deleted for good | for %gone | whether/if %rows [have/has/were] [been] [permanently/hard] deleted
        [for good/permanently] [in/from salesforce]
    GONE = [for/which] %gone
    LETSLIP = so [that] (hard deletes | [hard/permanently] deleted %rows) do not (slip by us | slip through | go
        unnoticed | get missed | get past us) | so [that] we do not miss [any] (hard deletes | hard deleted %rows)
    TO = [in order] to ~find/detect/catch/identify/discover/spot %gone
    RECON = [the/all] [record] ids %be_to [be] ~compare/reconcile | [the/all] [record] ids %be_to [be]
        ~compare/reconcile (to | in order to) ~find/detect/catch/identify/discover/spot %gone | ~compare/reconcile
        [the/all] [record] ids | ~reconcile/compare/check/match %idlist (with/against/to/and) %theirs | %idlist %be_to
        ~reconcile/compare/check/match (with/against/to) %theirs | ~reconcile %idlist | (~verify/check | cross ~check)
        [all/the] [record] ids (with/against) salesforce | ~reconcile/compare [all/the] (<object> ids/keys | ids/keys
        | record/records ids) (with/against/to) [the/those in] salesforce [ids] | [all/the] (<object> ids/keys |
        [record] ids/keys) [in the warehouse/table/target] %be_to ~reconcile/compare with/against/to [the/those in]
        salesforce [ids] | ~reconcile/compare salesforce ids (with/and/to) warehouse/table ids | ~reconcile
        with/against salesforce | ~reconcile [with/against] [the/all] [record] ids
    NOUN = [~run/do/perform/schedule/need/want] [a/the/an] [full] %sweep [(for/of) %gone] |
        [~run/do/perform/need/want] (a/an/the) [weekly {often=weekly} | monthly {often=monthly} | nightly/daily
        {often=daily}] (sweep/check/scan for %gone | %sweep)
    RUN = ~run/happen/execute/do/perform/make/carry_out/plan/schedule | ~take place
    WITH = by comparing [the/all/record] ids [with salesforce] | with a [weekly {often=weekly} | monthly
        {often=monthly}] id comparison/reconciliation
    OFTEN = weekly {often=weekly} | monthly {often=monthly} | nightly/daily {often=daily}
    DAYS = <days>
    TIMES = [at] <times>
    ZONE = <zone>
    READ CHECK|FINDOUT ERASED DAYS [TIMES] [ZONE] [OFTEN]
    READ COMPARISON DAYS [TIMES] [ZONE] [TO] [RUN]
    READ FIND GONE BYCHECK DAYS [TIMES] [ZONE] [OFTEN]
    READ JOB DAYS [TIMES] [ZONE] RECON [TO]
    READ GONE LOOKED WHYNOT DAYS [TIMES] [ZONE]
    READ EXISTS|ROWIDS DAYS [TIMES] [ZONE] [OFTEN] [TO]
    READ NOUN AGAINST DAYS [TIMES] [ZONE] [TO] [OFTEN] [RUN]
    READ CHECKNOUN DAYS [TIMES] [ZONE] [OFTEN] [RUN]
    READ RECON DAYS [TIMES] [ZONE] LETSLIP
    READ CHECK FOR|GONE DAYS [TIMES] [ZONE] LETSLIP
    READ WHETHER DAYS [TIMES] [ZONE] [OFTEN] [COMPARING]
    READ GONE LOOKED DAYS [TIMES] [ZONE] [OFTEN] COMPARING
    READ FIND GONE DAYS [TIMES] [ZONE] [OFTEN] COMPARING
    READ CHECK FOR|GONE DAYS [TIMES] [ZONE] [OFTEN] COMPARING
    READ CHECK FOR|GONE DAYS [TIMES] [ZONE] [OFTEN]
    READ FIND GONE DAYS [TIMES] [ZONE] [OFTEN] [WITH]
    READ FIND GONE WITH DAYS [TIMES] [ZONE]
    READ RECON DAYS [TIMES] [ZONE] [TO] [OFTEN]
    READ NOUN DAYS [TIMES] [ZONE] [TO] [OFTEN] [RUN]
    READ FIND GONE WITH DAYS [TIMES] [ZONE] [OFTEN]
    READ GONE LOOKED DAYS [TIMES] [ZONE] [OFTEN]
    READ GONE CHECK DAYS [TIMES] [ZONE] [OFTEN]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("incremental.reconcile_cron",),
    examples=(
        "Checks every Sunday for records that were deleted for good",
        "Reconciles record Ids with Salesforce once a week",
        "Checks every Sunday at 04:00 for hard-deleted records",
    ),
    near_misses=(
        "Does not check for hard deletes every Sunday",
        "Checks for hard-deleted records on some Sundays",
        "Checks for records that were deleted for good",
        "Checks every Sunday",
        "Never checks for hard-deleted records on Sundays",
        "Checks every Sunday for records",
    ),
)

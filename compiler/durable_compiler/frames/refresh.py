"""When formula fields are read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.sentence import Sentence


@dataclass(frozen=True)
class FormulaRefresh(Clause):
    """How often."""

    kind: ClassVar[str] = "refresh"
    when: str


def build(values: Values, sentence: Sentence) -> FormulaRefresh:
    """The clause of a reading."""
    return FormulaRefresh(values["when"])


def echo(clause: FormulaRefresh, catalogue: Snapshot) -> str:
    """Canonical English."""
    return {
        "nightly": "Re-reads formula fields every night",
        "every_run": "Re-reads formula fields on every run",
        "never": "Never re-reads formula fields",
    }[clause.when]


def ir(clause: FormulaRefresh, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"incremental": {"formula_refresh": clause.when}}


FRAME = Frame(
    kind="refresh",
    doc="Says how often formula fields, whose changes leave no timestamp, are read again.",
    phrases="""
    FIELDS = %formulas ? | %formulas | [the] values of/in %formulas | [the] formula results
    SINCE = (since/because/as) (their changes leave no timestamp | they do not [update/change/touch/bump] [the]
        [salesforce] (timestamp/modstamp/systemmodstamp/SystemModstamp) | changes to them leave no timestamp)
    NEEDNIGHT = (need/require/get/want) (a/the nightly) (refresh/reread/reload/recalculation | re read) | a nightly
        (refresh/reread | re read) of %formulas [is required/needed/done | takes place]
    AGAIN = (~re_read/re_fetch/re_sync/re_pull/re_load | ~refresh/recompute/recalculate/reload/reread)
        (those/them/these) | ~re_read/re_fetch/re_sync/re_pull/re_load/re_evaluate/re_calculate/re_compute |
        ~refresh/recompute/recalculate/update/reload/reread/resync/refetch/reevaluate | ~bring up to date | ~keep up
        to date
    READ1 = ~read/pull/fetch/load/sync
    KEEPFRESH = %formulas %be_to ~keep (fresh/current | up to date) by (re reading/refreshing/rereading them) | ~keep
        %formulas (fresh/current | up to date) by (re reading/refreshing/rereading them)
    ONCE = again/anew/afresh | once more | from scratch
    NEED = (need/require refreshing | need/require a refresh | need/require re reading)
    RUNS = ~run/happen | ~take place | ~do/perform/schedule
    NIGHT = (every/each night | nightly | once a/every/per night) [,] [once] | overnight [,] (every/each night)
    RUN = on/in/with/at/during/by every/each [single] run/sync/load | every/each [single] run/sync/load | (every/each
        time | whenever) [(the/this/our/a) (pipeline/sync/job/tool/load/system)] [~run/sync] | (every/each time |
        whenever) it runs
    ALWAYS = always
    NOT = never [be] %formula_again | do/does/should/shall/must/will not [be] %formula_again | are/is not [to be]
        %formula_again | are/is never [to be] %formula_again | must/should/shall/will never [be] %formula_again
    NEVERSO = , and [the tool/pipeline/sync | it] [must/should/shall/will] never do/does so | , ever
    NEEDOF = (need/require/want/schedule/do/run) (a/the nightly) (refresh/reread/reload/recalculation | re read) of
        %formulas
    BUMP = %formulas do/does not ~bump/update/change/touch/move [the] [salesforce]
        (systemmodstamp/SystemModstamp/modstamp/timestamp) [,/;] so
    THEYAGAIN = they [are/must/should/need/get] [to] [be] %formula_again | %formula_again them
    ONCELOADED = once/after [they/it] [are/is] loaded | after the (first/initial) load
    NONE = re reading [of] %formulas is not (required/needed/necessary) [at any time | at all | ever] | do/does not
        ever bother ([re] reading/refreshing/recalculating | with) %formulas | %formulas (are/is/must/should never
        [be]) read again | %formula_refresh [:/=] never | do/does not (need/want) %formulas (refreshed | read again |
        [to be] %formula_again) | do/does not bother ([re] reading/refreshing/recalculating | with) %formulas |
        %formulas do/does not have to [be] (%formula_again | read again) | [there] [is] no need to %formula_again
        %formulas | no %formula_refresh | no refresh of %formulas | do not need %formulas to [be] %formula_again |
        ~skip/disable/omit [the] %formula_refresh | ~turn off [the] %formula_refresh | %formulas do not need to be
        %formula_again | [there] [is] no need to [be] %formula_again %formulas | %formula_refresh [is] [:]
        never/off/disabled/no | %formulas [:] never [%formula_again]
    NOUN = %formula_refresh
    NIGHTJOB = nightly job/run/task
    GOBACK = (never | do/does/should/shall/must/will not) (~go back | ~bother) [to] %formula_again
    ATNIGHT = at night | during the night | in the night
    ENOUGHIF = it is/'s (enough/sufficient/fine/okay) (if/when/that/to)
    READ GOBACK FIELDS {when=never}
    READ [ENOUGHIF] AGAIN FIELDS ATNIGHT {when=nightly}
    READ [ENOUGHIF] READ1 ONCE FIELDS ATNIGHT {when=nightly}
    READ ENOUGHIF AGAIN FIELDS NIGHT {when=nightly}
    READ ENOUGHIF READ1 ONCE FIELDS NIGHT {when=nightly}
    READ FIELDS NEED NIGHT {when=nightly}
    READ FIELDS NEEDNIGHT {when=nightly}
    READ NEEDNIGHT|NEEDOF {when=nightly}
    READ BUMP THEYAGAIN NIGHT {when=nightly}
    READ BUMP THEYAGAIN RUN {when=every_run}
    READ NOT FIELDS ONCELOADED {when=never}
    READ NONE NEVERSO {when=never}
    READ AGAIN FIELDS NIGHT SINCE {when=nightly}
    READ AGAIN FIELDS RUN SINCE {when=every_run}
    READ KEEPFRESH NIGHT {when=nightly}
    READ KEEPFRESH RUN {when=every_run}
    READ FIELDS NEED RUN {when=every_run}
    READ AGAIN FIELDS NIGHT {when=nightly}
    READ READ1 ONCE FIELDS NIGHT {when=nightly}
    READ AGAIN FIELDS RUN {when=every_run}
    READ READ1 ONCE FIELDS RUN {when=every_run}
    READ NIGHTJOB AGAIN FIELDS {when=nightly}
    READ NOUN NIGHT [RUNS] {when=nightly}
    READ NOUN RUN [RUNS] {when=every_run}
    READ FIELDS NIGHT {when=nightly}
    READ FIELDS RUN {when=every_run}
    READ ALWAYS AGAIN FIELDS [RUN] {when=every_run}
    READ NOT FIELDS {when=never}
    READ NONE {when=never}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("incremental.formula_refresh",),
    examples=(
        "Re-reads formula fields every night",
        "Re-reads formula fields on every run",
        "Never re-reads formula fields",
    ),
    near_misses=(
        "Does not refresh formula fields on every run",
        "Refreshes formula fields every week",
        "Re-reads formula fields",
        "Re-reads formula fields usually every night",
        "Re-reads all fields every night",
        "Re-reads formula fields every second run",
    ),
)

"""Phrases shared by the rules about running: who runs, what must not happen, and where a note ends its condition."""

from __future__ import annotations

_WHO = (
    "run/sync/load/job/pipeline/execution/import/tool/integration/process/system/replication/workflow/refresh"
    "/synchronisation/synchronization/connector/extraction/etl/interface"
)
_EACH = "a/an/one/any/each/every/the/this/our/single"

PHRASES: dict[str, str] = {
    "a_run": (
        f"([{_EACH}] [single/given/individual/whole/entire/nightly/daily/hourly/weekly/scheduled/regular/data]"
        f" ({_WHO} | sync run | sync job | pipeline run | data load)"
        " | [all] runs/syncs/loads/jobs/executions/imports | it/they)"
    ),
    "must_not": (
        "(must/may/shall/should/can/will/do/does/did not [ever] [be allowed to] | cannot [ever]"
        " | must/should/shall/may/can/will/do/does at no time/point | must/should/shall/may/can under no circumstances"
        " | [must/should/shall/may/can/will] never [be allowed to] | is/are not to | is/are never to"
        " | is/are not (allowed/permitted/supposed) to | ought not to | is/are (forbidden/prohibited) (to/from))"
    ),
    "would": (
        "([would/will/have/has/had] [going to] | is/are/be going to | is/are/be about to | is/are/be set to"
        " | is/are trying/attempting to | is/are to | were to | tries/try/attempts/attempt/wants/want/threatens to"
        " | [would/will] end up)"
    ),
    "provided": (
        "(if/when/whenever/once/should/where/were | in case | as soon as | in the event that | the moment [that]"
        " | the minute [that] | in the case that | in cases where | in any case where)"
    ),
    # What stands between a condition and its consequence in notes: More than 5 deletions -> stop.
    "hence": "(: | → | = | ? [→ | then] | means/mean)",
    "most": (
        "(at most | at the most | no more than | not more than | not exceeding | a maximum of | maximum | max [.]"
        " | up to | at maximum | no greater than | no longer than | not longer than)"
    ),
    "over": "(more than | over | above | in excess of | greater than | exceeding | beyond | upwards of | >)",
}

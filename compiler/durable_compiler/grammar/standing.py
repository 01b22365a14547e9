"""Phrases shared by the frames that say what is read, when and how: the rules of an ordinary sync."""

from __future__ import annotations

PHRASES: dict[str, str] = {
    "run_word": "sync/run/job/pipeline/load/refresh/update/execution/etl/extraction/synchronisation/synchronization",
    "who": (
        "[we/i want/need] [the/this/our] [whole/entire] [nightly/scheduled/regular] [data/salesforce/etl/sync]"
        " (%run_word | runs/syncs/jobs/loads/workflow/import/replication/flow/process/batch/integration) [to]"
    ),
    "thesync": "(sync/scope/synchronisation/synchronization/pipeline/replication/load)",
    "formulas": (
        "[all/the/our] (formula/calculated fields/columns/values | formulas | formula field values) [\\( formulas \\)]"
    ),
    "formula_again": (
        "(~re_read/re_fetch/re_sync/re_pull/re_load/re_evaluate/re_calculate/re_compute |"
        " ~refresh/recompute/recalculate/update/reload/reread/resync/refetch/reevaluate)"
    ),
    "formula_refresh": (
        "formula [field/fields] (refresh | re read) | re reading of %formulas | [a/the] refresh of %formulas"
    ),
    "someone": "(somebody/someone/people/users/anyone/anybody | a user)",
    "gone": (
        "(permanently removed/erased %rows) | %rows whose %rows no longer ~exist in salesforce | ([any/the/all] %rows"
        " [that/which] (somebody's/someone's | %someone has/have) hard deleted [in salesforce]) | ([any]"
        " (hard/permanent deletes/deletions) | [any/the/all] %rows [that/which] [were/are/have/was/has] [been] [since]"
        " ((permanently/hard/irrevocably) (deleted/removed/erased) | (deleted/erased/removed) (for good | permanently |"
        " forever) | purged | (vanished/disappeared/gone/missing/purged) from salesforce |"
        " (purged/emptied/deleted/removed) from the [salesforce] recycle bin | erased for good) [from/in salesforce] |"
        " [any/the/all] %rows [that/which] no longer ~exist in salesforce | [any/the/all] %rows [that/which] (do/does"
        " not) exist in salesforce (any more | anymore) | [any] %rows (that/which) [were/are/have] [been]"
        " [permanently/hard] deleted [for good/permanently] | [permanently/hard] deleted %rows | purged %rows | %rows"
        " purged from salesforce | %rows that no longer exist in salesforce | %rows (missing in/from salesforce) |"
        " deletions that bypass the recycle bin)"
    ),
    "idlist": (
        "([the/all/our] [list/lists/set of] [the/all/our/every] (<object> ids/keys | [record/salesforce] ids/keys |"
        " record/records ids) [in/of/from [the/our] warehouse/table/target/snowflake/duckdb])"
    ),
    "target_noun": "(table/target/warehouse/destination/snowflake/duckdb)",
    "theirs": "([the/those] [ids/ones] [(in/from/of/held_in)] salesforce [ids] | salesforce's)",
    "sweep": (
        "(hard delete/deletes check/sweep/detection/reconciliation/scan/job | reconciliation job/run | detection of"
        " [the/all] (hard/permanent deletes | hard deleted %rows) | id/ids comparison/reconciliation/check |"
        " reconciliation [of [the/all] [record] ids] [(with/against) salesforce])"
    ),
    "insource": (
        "((from/in/at/on/inside) ([the] salesforce [side] | [the/our] source [system/side] | the crm | the org))"
    ),
    "erased": "(deleted/removed/erased/purged/destroyed)",
    "thatwere": (
        "[(that/which) [is/are/was/were/get/gets/got/have/has] [been] | is/are/was/were/get/gets/has/have [been]]"
    ),
    "deleted": (
        "(soft deletes | rows whose [salesforce/source] %rows [was/were/is/are/has/have] [been] deleted [%insource] |"
        " rows whose [salesforce/source] %rows [was/were/is/are/has/have] [been] gone/removed/erased %insource |"
        " [the/all/any] [soft/salesforce] deleted [salesforce] %rows [%insource] | ([the/all/any/every/each] %rows |"
        " anything | everything) (%thatwere [since] [soft] deleted [%insource] | %thatwere [since] %erased %insource |"
        " [that/which] (is/are in | sit/sits in | in) [the] [salesforce] (recycle bin | trash) | [that/which] [is/are]"
        " (marked/flagged) [as] (deleted/isdeleted/IsDeleted) [%insource] | (that/which) salesforce has/have"
        " (marked/flagged) as deleted | (where/with) isdeleted/IsDeleted [is/=/set] [to] true))"
    ),
    "our_row": (
        "(it/them/they | [the/our/its/their] [corresponding/matching/respective/warehouse/snowflake/duckdb/same]"
        " row/rows/record/records/copy/copies | [our/the] copy/row [of it/them])"
    ),
    "inwarehouse": (
        "([from/in/to/out/of/on/into] [of] [the/our] (warehouse/target/table/destination/database/snowflake/duckdb |"
        " [target/warehouse/snowflake/duckdb/destination] table/tables | data warehouse | side | warehouse side) |"
        " downstream | on our side)"
    ),
    "cause": (
        "((if/when/once/whenever/where | as soon as | each/every time) [somebody/someone/anybody/anyone | a user |"
        " users] ([a/an/the/any] (%rows | something | anything) [is/are/was/were/get/gets/has/have] [been] deleted"
        " [%insource] | [a/an/the/any] (%rows | something | anything) [is/are/was/were/get/gets/has/have] [been]"
        " %erased %insource | ~delete/remove/erase (a/the/any %rows | something | anything | %rows) %insource | it"
        " [is/was/has/gets] [been] deleted %insource | deleted %insource) | [a] %rows deleted [%insource] ? | deleted"
        " %insource ? | %rows %erased %insource ? | %erased %insource ? | deleted %insource)"
    ),
    "load": "(~include/load/sync/read/copy/import/replicate/extract/pull/fetch/transfer/write)",
    "existing": (
        "(existing/matching/changed/updated/all/the %rows | existing/changed/updated ones | %rows that [already] exist)"
    ),
    "last_run": (
        "([the/a] last/previous/prior/preceding [successful] run/sync/load/read/execution/one/time | it last ran | the"
        " one before)"
    ),
    "altered": (
        "(changed/modified/updated | (new/added/created) (and/or) (changed/modified/updated) |"
        " (changed/modified/updated) (and/or) (new/added/created))"
    ),
    "delta": (
        "(%altered %rows [since/after %last_run] | %rows [that/which] [have/has/were] [been] %altered since/after"
        " %last_run | what/everything/anything [that/which] [has/have/was/is] [been] %altered [since/after %last_run] |"
        " what's %altered [since/after %last_run] | those/ones [that/which] [have/were/are] [been] %altered since/after"
        " %last_run | %rows [that/which] (have/has/were/was) [been] %altered | [the] changes [since/after %last_run] |"
        " [the] delta/deltas [since %last_run])"
    ),
    "overlap": "([safety] overlap/lookback | [safety] look back | safety margin)",
    "everything": (
        "(everything | all [the/salesforce] data/records/rows | [the] (whole/entire/full/complete) table/dataset |"
        " data set)"
    ),
    "scd2": (
        "(scd [type] 2 | scd2 | scd type two | type 2 scd | type 2 history | slowly changing dimension/dimensions"
        " [\\(] type 2 [\\)] | type 2 slowly changing dimension/dimensions)"
    ),
    "be_to": "[is/are/was/were/needs/need/has/have/ought [to] [be] | must/should/shall/will [be] | get/gets]",
    "which": (
        "(latest/newest/last {keep=latest} | most recent {keep=latest} | most recently modified/updated/changed"
        " {keep=latest} | first/oldest/earliest {keep=first})"
    ),
    "drifting": (
        "(unmapped/unknown/new/unexpected/additional/extra/other/unrecognised/unrecognized/remaining/undeclared/unlisted/leftover"
        " | newly (added/discovered/detected/created))"
    ),
    "strangers": (
        "(everything else | anything else | unmapped data | (anything/everything/whatever) (unmapped/unknown | [that]"
        " (is/are not mapped | we/you do not map | we/you have not mapped)) | [a/any/the/all]"
        " (field/fields/column/columns) ([that/which] is/are not [yet] (mapped/known/listed | in/part [of] %spec |"
        " covered by %spec | part of %spec) | (not covered by | not part of) %spec | without [a/any] mapping |"
        " [that/which] we/you (have not [yet] mapped | do not map) | nobody is/has mapped | (for which) no mapping"
        " exists | that/which nobody (has/have) mapped) | [the] rest of the fields | [the/all/any/a/an] %drifting"
        " [custom/salesforce/source] fields/field/columns/column [in/from salesforce] | [all/the/any]"
        " fields/columns/everything/anything (without a mapping | that have/has no mapping | [that/which] is/are not"
        " [yet] (mapped/known/listed | in/part [of] this/the spec) | not in this/the spec | not mapped | [that]"
        " [we/you] (do not map | have not mapped)))"
    ),
    "purely": "[just/merely/simply]",
    "spec": "[this/the/our] (spec/specification/requirements | requirements file)",
    "appear": (
        "(~appear/occur/arrive/emerge/exist [in salesforce] | ~show/turn/come up [in salesforce] | are/is"
        " ~find/add/detect/meet/encounter/discover [in salesforce])"
    ),
    "overlapping": (
        "[a/an] (%overlap [window/period/interval] [of/is/by] [:] <duration:overlap> | <duration:overlap> %overlap"
        " [window/period/interval])"
    ),
}

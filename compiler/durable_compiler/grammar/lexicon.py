"""What all frames share: slots and phrases."""

from __future__ import annotations

from durable_compiler.grammar import (
    cases,
    cleaning,
    clocks,
    column_types,
    columns,
    conditions,
    consequences,
    crons,
    dates,
    days,
    events,
    expression_phrases,
    expressions,
    fillers,
    intervals,
    kept,
    names,
    new_columns,
    numbers,
    obligations,
    operating,
    policies,
    references,
    regions,
    relations,
    scopes,
    selections,
    shares,
    standing,
    strings,
    translations,
    zones,
)
from durable_compiler.grammar.pattern import Lexicon, Slot

SLOTS: dict[str, Slot] = {
    "condition": conditions.condition,
    "statement": conditions.statement,
    "selection": selections.selection,
    "several": selections.several,
    "obligation": obligations.obligation,
    "deviation": obligations.deviation,
    "kept_if": kept.kept_if,
    "dropped": kept.dropped,
    "synced_but": kept.synced_but,
    "all_but": kept.all_but,
    "rejected_if": kept.rejected_if,
    "start": dates.start,
    "length": dates.length_of_time,
    "objects": names.objects,
    "object": names.object_name,
    "field": names.field,
    "fields": names.fields,
    "keys": names.field_keys,
    "system": names.system,
    "source": names.source_system,
    "table": names.table,
    "pairs": names.pairs,
    "column": names.column,
    "recipients": names.recipients,
    "values": names.values,
    "value": names.value,
    "int": numbers.integer,
    "duration": numbers.duration,
    "times": clocks.times,
    "zone": zones.zone,
    "region": names.region,
    "country": cleaning.country,
    "every": intervals.every,
    "interval": intervals.span,
    "past": intervals.past,
    "window": intervals.window,
    "always": intervals.always,
    "days": days.days,
    "cron": crons.cron,
    "share": shares.share,
    "event_clauses": events.event_clauses,
    "event_nouns": events.event_nouns,
    "event_states": events.event_states,
    "regions": regions.regions,
    "role": policies.role,
    "counted": policies.counted,
    "approved": policies.approved,
    "blue_green": policies.blue_green,
    "known": columns.known_object,
    "owned": columns.owned,
    "one_owned": columns.one_owned,
    "scope": scopes.scope,
    "it": references.pronoun,
    "omitted": references.omitted,
    "there": scopes.there,
    "named": columns.named,
    "renames": columns.renames,
    "declared": columns.declared,
    "column_names": columns.column_names,
    "new_column": columns.new_column,
    "plain_column": columns.plain_column,
    "column_type": column_types.column_type,
    "related": relations.related,
    "marked_column": new_columns.marked_column,
    "expression": expressions.expression,
    "texts": expressions.operands,
    "deed": expressions.deed,
    "spelled": strings.spelled,
    "named_column": new_columns.named_column,
    "cases": cases.cases,
    "topical": cases.topical,
    "tail": cases.tail,
    "case_when": cases.case_when,
    "case_value": cases.case_value,
    "single": expressions.single,
    "fallback": expressions.fallback,
    "separator": expressions.separator,
    "rounding": expressions.rounding,
    "filler": fillers.filler,
    "blanks": fillers.blanks,
    "sources": translations.sources,
    "targets": translations.targets,
    "target": translations.target,
    "translations": translations.translations,
    "whole": translations.whole,
    "called": translations.called,
    "reversed": translations.reversed_pairs,
    "backward": translations.backward,
    "conditional": translations.conditional,
    "its": references.contracted,
    "some": columns.some_object,
}

PHRASES: dict[str, str] = {
    **standing.PHRASES,
    **consequences.PHRASES,
    **operating.PHRASES,
    **new_columns.PHRASES,
    **cleaning.PHRASES,
    **fillers.PHRASES,
    **scopes.PHRASES,
    **translations.PHRASES,
    "separated": expression_phrases.SEPARATED,
    "run_noun": "(run/sync/pipeline/job/load | nightly run/sync/job)",
    "up_to": "(up to | at most | a maximum of | no more than | maximum | max)",
    "rows": "rows/records/row/record",
    "a": "[the/a/an/every/each/any/all]",
    "rows_or_changes": "rows/records/row/record/changes/data",
    "changes_since": (
        "(changes since | %rows (that/which) [have/has/were] [been] %changed since | %rows %changed since"
        " | (changed/modified/updated/new) %rows since) [the] last/previous [successful] run | changed/modified %rows"
    ),
    "changed": "(changed/modified/updated | added or changed | created or modified | new or changed)",
    "never": (
        "(do/does/did/must/shall/should/will/may/can/is/are not | do/does not want to | cannot"
        " | [must/shall/should/will/may/is/are] never)"
    ),
    "solely": "only/just/solely/exclusively",
    "bring": (
        "(~sync/synchronise/synchronize/copy/read/load/pull/import/fetch/take/bring/include/transfer/extract"
        "/replicate/retrieve/ingest/select/query [in/over/across])"
    ),
    "absent": "missing/empty/blank/null/unset/absent",
    "except": (
        "([with] the exception of | bar | save for | except [for] | but | apart from | other than | excluding"
        " | besides | aside from)"
    ),
    "everyfield": "(everything | all/every/each [of] [the] [field/fields/column/columns]) [of/on/from/about/in]",
    "actor": (
        "(we/i | the/our business/team/users | the/this/our (tool/pipeline/sync/job/system/integration/process/load))"
    ),
    "feed": "[pull/sync/load/extract/copy/import/table/data/feed/replication/export/object/records]",
    "outof": (
        "[(from/of/in/into/to) [the/every/our] (sync/load/warehouse/pipeline/table/target/copy/import/data/replication"
        "/run/export/snowflake/duckdb/salesforce/destination)]"
    ),
    "attach": (
        "(~include/add/bring/copy/join/attach/append/put/store/carry/show/load/look_up/fetch/pull/tack"
        " [in/along/over/up])"
    ),
    "sha": "[sha 256 | sha256 | one way | secure | cryptographic]",
    "sha256": "(sha 256 | sha256)",
    "count": "<int:count>",
    "hide": ("~mask/redact/obfuscate/obscure/hide/pseudonymise/pseudonymize/anonymise/anonymize/conceal/scramble"),
    "before": (
        "(before (we | the (pipeline/sync/tool)) ~load/store/write/save [it/them/anything] [to/into/in] [%warehouse]"
        " | before (it | they | anything | [the] data | [the] value/values | that) (~leave salesforce/crm"
        " | is/are ~load/store/write/save/land | ~reach/enter/hit %warehouse)"
        " | before ~load/store/write/save [it/them/anything] [to/into/in] [%warehouse] | before leaving salesforce)"
    ),
    "warehouse": "(snowflake/duckdb | the warehouse/target/table/database)",
    "be": (
        "(is/are/get/gets | must/shall/should/will [always] be/get | is/are always"
        " | needs/need/has/have to be/get | is/are to be | to be"
        " | is/are ~require to be)"
    ),
    "when": "(when/if/whenever/where/wherever | in case)",
    "then": "([,] and [then/also] | , [then] | then | & | first [,] and [then] | first [,] then)",
    "lacks": (
        "(has/have no | lack/lacks [a/an/any] | is/are missing [a/an/the/its/their] | is/are without [a/an/any]"
        " | does/do not have [a/an/any] | has/have not got [a/an/any])"
    ),
    "lacking": (
        "(without [a/an/any] | with no | with [a/an] missing/empty/blank | missing [a/an/the/its/their]"
        " | lacking [a/an/any] | that/which/who lack/lacks [a/an/any] | that/which/who has/have no"
        " | that/which/who does/do not have [a/an/any])"
    ),
    "failrun": "(~fail/stop/abort/halt/break [the/a/every] %run_noun | ~make/let/cause the %run_noun [to] fail)",
    "warning": (
        "(%be ~flag/report/log with/as [a] warning"
        " | ~raise/cause/trigger/give/produce/log/generate/issue/create/lead_to/result_in [a] warning/warnings)"
    ),
}

LEXICON = Lexicon(SLOTS, PHRASES)

"""What all frames share: slots and phrases."""

from __future__ import annotations

from durable_compiler.grammar import (
    cases,
    clocks,
    columns,
    conditions,
    dates,
    days,
    events,
    expression_phrases,
    expressions,
    fillers,
    intervals,
    names,
    new_columns,
    numbers,
    policies,
    regions,
    relations,
    selections,
    shares,
    standing,
    translations,
    zones,
)
from durable_compiler.grammar.pattern import Lexicon, Slot

SLOTS: dict[str, Slot] = {
    "condition": conditions.condition,
    "selection": selections.selection,
    "obligation": conditions.obligation,
    "deviation": conditions.deviation,
    "kept_if": selections.kept_if,
    "rejected_if": selections.rejected_if,
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
    "every": intervals.every,
    "interval": intervals.span,
    "past": intervals.past,
    "window": intervals.window,
    "always": intervals.always,
    "days": days.days,
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
    "named": columns.named,
    "renames": columns.renames,
    "declared": columns.declared,
    "column_names": columns.column_names,
    "new_column": columns.new_column,
    "plain_column": columns.plain_column,
    "column_type": columns.column_type,
    "related": relations.related,
    "marked_column": new_columns.marked_column,
    "expression": expressions.expression,
    "texts": expressions.operands,
    "deed": expressions.deed,
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
    "some": columns.some_object,
}

_SPACES = "([the] [leading and trailing | trailing and leading | surrounding] (whitespace/spaces/blanks | white space))"
_OUTER = "([the] (leading and trailing | trailing and leading | surrounding) (whitespace/spaces/blanks | white space))"


def _step(name: str) -> str:
    """A verb that cleans a value, bound to a name of its own so that a sentence keeps the order of its steps."""
    return (
        f"(~trim [{_SPACES} from/of/off/around/in] | ~strip {_SPACES} from/of/off/around"
        f" | ~remove/cut/delete/drop {_OUTER} from/of/off/around/in | ~strip of {_SPACES}"
        f" | ~remove/cut/delete [the] (whitespace/spaces | white space) around) {{{name}=trim}}"
        f" | (lower ~case | ~lowercase | ~lower_case) {{{name}=lower}}"
        f" | (upper ~case | ~uppercase | ~upper_case) {{{name}=upper}}"
        " | (~keep only/just [the] digits of/in/from | ~strip/remove/delete/drop "
        "(everything/all [characters] but/except | everything other than | everything apart from) [the] digits"
        " from/of/in"
        " | ~strip/remove/delete/drop [all] non (digits | digit/numeric characters) from/of/in"
        f" | ~reduce to [its/their/the] digits) {{{name}=digits}}"
    )


def _form(name: str) -> str:
    """What a value is stored as."""
    return (
        f"(lower case [letters] | lowercase [letters] | small letters) {{{name}=lower}}"
        f" | (upper case [letters] | uppercase [letters] | [block] capitals | capital letters) {{{name}=upper}}"
        f" | %e164 {{{name}=e164}} | (digits only | only/just [the/its/their] digits) {{{name}=digits}}"
    )


PHRASES: dict[str, str] = {
    **standing.PHRASES,
    **new_columns.PHRASES,
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
    "iso": (
        "(([the] iso 8601 [format/dates/standard/timestamps/strings] | [the] iso8601 [format] | iso format)"
        " ([,] [in/with/using/and] %utc | \\( [in] %utc \\)) | %utc | %utc iso 8601 [format]"
        " | %utc [,] (in/as/using) [the] iso 8601 [format] | %utc \\( [in] iso 8601 [format] \\))"
    ),
    "utc": "([the] utc [time] [zone] | coordinated universal time)",
    **{f"step_{name}": _step(name) for name in ("one", "two", "three")},
    **{f"form_{name}": _form(name) for name in ("three", "four", "five")},
    "spaces": _SPACES,
    "outer": _OUTER,
    "e164": "([the] e . 164 [format/numbers/form/standard] | [the] e164 [format/numbers/form/standard])",
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
    "except": "(except [for] | but | apart from | other than | excluding | besides | aside from)",
    "everyfield": "(everything | all/every/each [of] [the] [field/fields/column/columns]) [of/on/from/about/in]",
    "outof": (
        "[(from/of/in/into/to) [the/every/our] (sync/load/warehouse/pipeline/table/target/copy/import/data/replication"
        "/run/export/snowflake/duckdb/salesforce/destination)]"
    ),
    "attach": (
        "(~include/add/bring/copy/join/attach/append/put/store/carry/show/load/look_up/fetch/pull [in/along/over/up])"
    ),
    "sha": "[sha 256 | sha256 | one way | secure | cryptographic]",
    "sha256": "(sha 256 | sha256)",
    "count": "<int:count>",
    "hide": (
        "~mask/redact/obfuscate/obscure/hide/pseudonymise/pseudonymize/anonymise/anonymize/conceal/scramble"
    ),
    "before": (
        "(before (it | they | anything | [the] data | [the] value/values | that) (~leave salesforce/crm"
        " | is/are ~load/store/write/save/land | ~reach/enter/hit %warehouse)"
        " | before ~load/store/write/save [it/them/anything] [to/into/in] [%warehouse] | before leaving salesforce)"
    ),
    "warehouse": "(snowflake/duckdb | the warehouse/target/table/database)",
    "be": (
        "(is/are/get/gets | must/shall/should/will be/get | needs/need/has/have to be/get | is/are to be | to be"
        " | is/are ~require to be)"
    ),
    "when": "(when/if/whenever/where/wherever | in case)",
    "isabsent": (
        "(is/are %absent | is/are/was/were left blank/empty | has/have no value | does/do not have a value"
        " | is/are not (set | filled [in] | present | given | known | provided | there | available)"
        " | is/are [~leave] blank)"
    ),
    "turns": (
        "(~become | is/are/must/should/shall [be] (~treat/store/save/write/load/count/read as"
        " | ~set/map/default/convert/turn/change to/into | ~replace/fill/substitute with/by)"
        " | ~default to | ~count as | gets/get | must/shall/should read)"
    ),
    "use": "~use/store/write/take/assume/put/insert/load/save/substitute",
    "fills": (
        "(~use/store/write/take/assume/put/insert/load/save/substitute [it/them] [as/with/in]"
        " | ~set/default (it/them | %thevalue) to | ~fill [it/them] [in] with | ~replace it/them with/by)"
    ),
    "thevalue": "(the value | the field)",
    "nothing": (
        "([a/an] (missing/empty/blank/null/absent [value/values/field/fields]) | no value/values"
        " | nulls | not set | not present)"
    ),
    "counts": (
        "(~count as | is/are/must/should/shall [be] (~treat/read/regard/interpret/handle as | ~consider [as])"
        " | ~mean | is/are)"
    ),
    "then": "([,] and [then/also] | , [then] | then | &)",
    "dates": (
        "([all/every/each] (dates | date | timestamps | timestamp | date and time fields "
        " | dates and times | times and dates | dates and timestamps | timestamps and dates | date fields | datetimes"
        " | datetime fields | date values"
        " | date times | date/time fields | date/times))"
    ),
    "phones": "([all/every/each] (phone/telephone numbers/number/fields/field | phones | telephones))",
    "rest": (
        "(anything/everything else | any/all other value/values | [the] other values | the rest | [all/any] others"
        " | [the] remaining values | all/any unlisted value/values | unknown values | values not listed)"
    ),
    "lacks": (
        "(has/have no | lack/lacks [a/an/any] | is/are missing [a/an/the/its/their] | is/are without [a/an/any]"
        " | does/do not have [a/an/any])"
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

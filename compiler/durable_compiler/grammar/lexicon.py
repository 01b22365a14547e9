"""What all frames share: slots and phrases."""

from __future__ import annotations

from durable_compiler.grammar import clocks, names, numbers
from durable_compiler.grammar.pattern import Lexicon, Slot

SLOTS: dict[str, Slot] = {
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
    "zone": clocks.zone,
    "region": names.region,
    "every": clocks.every,
    "days": clocks.days,
}

PHRASES: dict[str, str] = {
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
    "iso": "(iso 8601 | iso 8601 format | iso 8601 dates | iso8601) (in utc | utc | , in utc) | utc | utc iso 8601",
    "step_one": (
        "~trim [whitespace from/of] {one=trim} | (lower ~case | ~lowercase | ~lower_case) {one=lower}"
        " | (upper ~case | ~uppercase) {one=upper}"
    ),
    "step_two": (
        "~trim [whitespace from/of] {two=trim} | (lower ~case | ~lowercase | ~lower_case) {two=lower}"
        " | (upper ~case | ~uppercase) {two=upper}"
    ),
    "step_three": (
        "~trim [whitespace from/of] {three=trim} | (lower ~case | ~lowercase | ~lower_case) {three=lower}"
        " | (upper ~case | ~uppercase) {three=upper}"
    ),
}

LEXICON = Lexicon(SLOTS, PHRASES)

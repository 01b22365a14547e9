"""How a sentence says that a column is made, what it is called and what it holds."""

from __future__ import annotations

from collections.abc import Iterator

from durable_compiler.catalogue import Snapshot, squeeze
from durable_compiler.grammar import columns
from durable_compiler.grammar.sentence import Fault, Sentence

PHRASES: dict[str, str] = {
    "holding": (
        "(~store/save/load/write/land/put/map/rename/copy/keep/hold/record/place/capture/expose/publish/persist/deliver"
        "/show)"
    ),
    "storing_as": ("(~store/save/load/write/land/put/keep/hold/record/place/capture/expose/publish/persist/have/show)"),
    "wanting": "[want/wants/need/needs/like/have/has]",
    "in_order": "[, respectively | respectively | in that order | in this order]",
    "as_columns": (
        "((as/to/into/→/under [the] [target/warehouse/output] [column/columns] <column_names:columns> | in [the]"
        " [column/columns]"
        " <column_names:columns>"
        " | (as/to/into/in/under) [a/an/the/its/their] [new/separate/own] column/columns/field/fields"
        " [named/called | with the name/names] <column_names:columns>"
        " | (under/by) [the/a] [new/column] name/names [of] <column_names:columns>"
        " | (as/in) [a/an] <column_type:type> (under the name | called/named | in [the/a] column [called/named]"
        " | in/into) <column_names:columns>) [column/columns/field])"
    ),
    "typed_column": "(column/field/attribute [named/called | with the name] <new_column:column> | called/named"
    " <new_column:column>)",
    "storing": (
        "(~store/save/keep/write/record/put/hold/load/calculate/compute/derive/get/show/provide/include/add/create"
        "/build/capture/track/express/report/give/return/have/present/expose/need/want/use/place | ~work out | ~turn)"
    ),
    "column_kind": (
        "(calculated/computed/derived/custom | (text/string) {declared=text}"
        " | (number/numeric/decimal/integer/currency) {declared=number} | date {declared=date}"
        " | (boolean/flag | yes/no | true/false) {declared=boolean})"
    ),
    "worked_out": (
        "([is/are/be] (worked out | calculated/computed/derived/obtained/formed/built/made/filled/composed/defined"
        "/assembled/constructed/concatenated/joined/combined | made up | put together) | consists/consist/consisting"
        " | combines/combine/combining/joins/join/joining)"
    ),
    "fresh": "[new/extra/additional/separate/another/own]",
    "of_object": "[(on/of/for/to/in) <object> [records/table] | <there:object>]",
    "a_column": (
        "(%fresh [<object>] %fresh [%column_kind] column/field/attribute [named/called | with the name | by the"
        " name of]"
        " <new_column:column> | [<object>] <plain_column:column> [column/field/attribute]) %of_object"
    ),
    "into_column": (
        "((as/under/named/called/→ | in a column/field/attribute named/called | into a column/field/attribute"
        " named/called) %a_column"
        " | (in/into/to/under) (%fresh [<object>] [new/extra/additional/separate/single/one] [%column_kind]"
        " column/field/attribute [named/called | with the name] <new_column:column> | [the name] <marked_column:column>"
        " [column/field/attribute]) %of_object"
        " | (in/into) (a/the [new/separate] column/field/attribute) (that/which) (i/we) (call | would call | 'd"
        " call | 'd"
        " like to call |"
        " would like to call | want to call) <new_column:column> %of_object"
        " | (in/into) (a [new/separate] column/field/attribute) <marked_column:column> %of_object)"
    ),
    "subject": (
        "(%fresh [<object>] %fresh [%column_kind] column/field/attribute [named/called | with the name]"
        " <new_column:column>"
        " | %fresh [<object>] <marked_column:column> [column/field/attribute]"
        " | <plain_column:column> column/field/attribute) %of_object"
    ),
    "creating": (
        "[there] [~add/create/want/need/make/introduce/build"
        "/derive/compute/calculate/populate/define/have/include/provide/require/like/maintain/carry/set_up/get]"
        " [a/an/the/another/one] [new/extra/additional] [calculated/computed/derived]"
    ),
    "having": "(have/has/get/gets/need/needs/receive/receives/carry/carries/want | %be given/assigned)",
    "holding_value": (
        "(with the value/values [of] | with/as/=/:/→/holding/containing/showing/saying | set to | equal to"
        " | , (set to | equal to | being)"
        " | [,] (that/which) (is/are just/simply | it's | it is) | : it's | : it is | [,] (that/which)"
        " (is/are/be/holds/contains/shows/says/reads/say/read/show/hold/contain/has/have/gets/get/equals/equal"
        " | is set to | be set to | has the value | have the value)"
        " | to hold/store/show/say/contain | that should be/read/say/hold/show)"
    ),
}


def marked_column(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """A column that no word of a sentence could be: in a code span, or with an underscore in it."""
    if sentence.kind(at) == "code" or (sentence.kind(at) == "word" and "_" in sentence.norm(at)):
        yield from columns.new_column(sentence, at)


def named_column(sentence: Sentence, at: int) -> Iterator[tuple[int, str | Fault]]:
    """A column as the subject of a sentence: no field and no object may have that name."""
    key = squeeze(sentence.norm(at))
    scope = sentence.synced or tuple(sentence.catalogue.by_name)
    taken = key in sentence.catalogue.by_key or any(key in sentence.catalogue.by_name[one].by_key for one in scope)
    if sentence.kind(at) == "word" and not taken:
        yield from ((end, one) for end, one in columns.plain_column(sentence, at) if isinstance(one, str))


def column_words(name: str, catalogue: Snapshot) -> str:
    """A column as a sentence can hold it: in a code span where the bare word would not be taken for a column."""
    plain = [one for _, one in columns.plain_column(Sentence(name, catalogue), 0)]
    return name if plain == [name] else f"`{name}`"

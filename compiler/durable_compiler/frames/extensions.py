"""What happens to fields that the spec does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.sentence import Sentence

# Words that describe the column rather than name it.
_NO_NAMES = frozenset("json variant jsonb separate single column columns own new extra_column same".split())


@dataclass(frozen=True)
class Drift(Clause):
    """A policy and the column that keeps them."""

    kind: ClassVar[str] = "extensions"
    policy: str
    column: str | None = None


def build(values: Values, sentence: Sentence) -> Drift | None:
    """The clause of a reading."""
    if values.get("column", "").casefold() in _NO_NAMES:
        return None
    return Drift(values["policy"], values.get("column", "extensions") if values["policy"] == "extensions" else None)


def echo(clause: Drift, catalogue: Snapshot) -> str:
    """Canonical English."""
    return {
        "extensions": f"Keeps unmapped fields in the {clause.column} column",
        "propose": "Unknown fields propose a change to this spec",
        "fail": "New fields stop the run",
    }[clause.policy]


def ir(clause: Drift, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    column = {"column": clause.column} if clause.column else {}
    return {"drift": {"unknown_fields": clause.policy, **column}}


FRAME = Frame(
    kind="extensions",
    doc="Says what happens to fields that appear in Salesforce and are not in the spec.",
    phrases="""
    FIELDS = %strangers
    LABELLED = %strangers →/:
    BYFIELDS = by %strangers
    SLABEL = [strict] schema (contract/evolution/policy) | schema (change/changes/drift) (handling/policy)
    AS_CHANGE = %be_to [be] ~propose/suggest/raise as (a change | changes | an amendment | amendments | an addition |
        additions | spec changes | a spec change) [to %spec]
    EACH = each/every (new/unknown/unmapped/newly_added/unexpected) [salesforce] field | for each/every %drifting
        field
    BARE = ~stop/fail/halt/abort
    ERROR = are an error | are not allowed | are not accepted
    THERE = (if/when) there are %strangers
    DRIFT = schema drift/change/changes [:] | on schema drift/change/changes
    COND = (on/upon) [the] (discovery/detection/appearance/arrival) of %strangers | the appearance of %strangers |
        (if/when/whenever) salesforce gains [a/new] [new] field/fields | (if/when/whenever) [a/any/the] field/fields
        (is/are not | that/which is/are not) [yet] (mapped/known | in %spec) | (if/when/whenever) [a/any] field/fields
        [that] we/you do not know %appear | should [a/any] (%drifting | new) [salesforce] field %appear [,] |
        (if/when/whenever) (there's | there is/are) [a/any] field/fields (nobody is/has mapped | [that/which] is/are
        not (mapped | in %spec) | we have not mapped) | (if/when/whenever) there (is/are) %strangers [in/from
        salesforce] | (if/when/whenever) (%someone | an admin | admins) ~add [a/new] [new] field/fields [in/to]
        [salesforce] | (if/when/whenever) [a/any] field/fields %appear that is/are not in %spec | (if/when/whenever)
        [a/any] [new] field/fields [is/are] [being] ~add [in/to] salesforce [,] [then] | [a/any] %drifting
        [salesforce] field/fields ~show/turn/come up | %strangers ? | (when/if/whenever/once | as soon as) %strangers
        %appear [,] [then] | (on/for/upon) %strangers | (when/if/whenever) salesforce ~add/get/have [a/new] [new]
        field/fields | if it ~meet/find/encounter/see %strangers
    KEEPTHEM = ~keep/store/put/save/collect/preserve/land (them/it)
    NODROP = (never | do/does not) ~drop/lose/discard/ignore/throw_away %strangers
    COLUMNLAST = extensions column {column=extensions} | [a/the] <column> column
    SCHEMASTOP = schema changes [in salesforce]
    TOEXT = extensions {column=extensions} | column <column>
    TREAT = ~treat %strangers as (an error | errors)
    SCHEMA = (if/when/whenever) the schema ~change
    KEEP = ~end up | can %purely (go/stay/live) |
        ~dump/park/stash/keep/store/put/save/land/preserve/collect/go/write/capture/retain/place/end
    AS = as json
    INCODE = (in/into/to) <marked_column:column>
    IN = (in/into/to/under) [the/a/an] [single/separate] [json/variant] column [named/called] <column> | (in/into/to)
        [the/a/an] [json/variant] <column> [json/variant] column
    ASEXT = (in/to/into/as) extensions [json/variant] [column] {column=extensions} | (in/to/into) [the/a/an]
        [single/separate/one] (json/variant column) {column=extensions}
    LEAD = (~lead to | ~result in | ~trigger/cause) ([a/the] change proposal | [a/the] proposed [spec] change [of/to]
        [this/the spec | the requirements] | [a/the] proposal [to ~change/update/extend [this/the] spec])
    PROPOSE = (a change | an amendment | an update) (to/of) %spec (%be_to | must/should) [be] ~propose/suggest/raise |
        ~propose (it/them) as (a change | changes) to %spec | ~propose/suggest/raise [a/an/the]
        (amendment/addition/update/change) [to/of/for/in] %spec | ~open/raise/create [a/the] proposal [to/for]
        [~change/update/extend/amend] %spec | %be_to [be] ~propose as (a change | changes | an amendment | amendments
        | additions) to %spec | ~propose/suggest [a/an/the] [spec/schema] [change/changes/update/updates]
        [to/of/for/in/as] [a change to] [this/the] [spec/requirements] | [to] [be] ~propose as [a] change to this/the
        spec | ~open/raise/create [a/the] (change proposal | proposal [to ~change/update this/the spec])
    CAUSEFAIL = ~cause/trigger [a/the] failure | ~cause/make [the/a/this] run/sync/pipeline/job/load fail
    STOP = ~bring [the/this/a] run/sync/pipeline/job/load to a halt/stop | ~stop/fail/halt/abort/break/block
        [the/this/a] run/sync/pipeline/job/load | ~error out | [the/this/a] run/sync/pipeline/job/load
        ~stop/fail/halt/abort | ~cause [the] run to fail/stop/halt
    STRANGE = [the/any/all] fields/field/columns/anything/everything [that/which] (it/we/you | the
        sync/pipeline/tool/spec/integration) (do/does not | cannot) [yet]
        (know/recognise/recognize/understand/expect/map)
    HAS = (if/when/whenever/where) salesforce (has/contains/gets/gains/sends/returns) ([a/an/any]
        (field/fields/column/columns) [that/which] (we have not [yet] mapped | we do not (map/know) | (is/are not)
        [yet] (mapped/known | in %spec) | nobody has mapped) | [a/an/any] (unknown/unmapped/unexpected/new)
        (field/fields/column/columns)) [,] [then]
    APPEARS = (if/when/whenever) [a/any] (field/fields) ~appear [in salesforce] (that/which) (nobody has mapped | we
        have not mapped | we do not know | is/are not [yet] (mapped/known)) [,] [then]
    NOBREAK = %strangers (must/should/shall/may/do/does not | must/should never) (break/stop/fail/halt/abort) [the/a]
        run/sync/pipeline/job/load
    READ NOBREAK KEEPTHEM IN|ASEXT|INCODE {policy=extensions}
    READ APPEARS STOP {policy=fail}
    READ APPEARS PROPOSE {policy=propose}
    SOME = (if/when/whenever) there are (fields/columns) that/which (nobody has mapped | we have not [yet] mapped | we
        do not know | are not [yet] (mapped/known)) [,] [then] [they]
    READ STRANGE|SOME KEEP IN|ASEXT|INCODE [AS] {policy=extensions}
    READ SOME KEEPTHEM IN|ASEXT|INCODE [AS] {policy=extensions}
    READ STRANGE|SOME LEAD|PROPOSE {policy=propose}
    READ HAS|STRANGE|SOME STOP {policy=fail}
    READ FIELDS KEEP IN|ASEXT [AS] {policy=extensions}
    READ FIELDS|LABELLED KEEP INCODE [AS] {policy=extensions}
    READ FIELDS|COND CAUSEFAIL [SLABEL] {policy=fail}
    READ SLABEL FIELDS|COND STOP {policy=fail}
    READ SLABEL FIELDS AS_CHANGE {policy=propose}
    READ SLABEL FIELDS|COND PROPOSE|LEAD {policy=propose}
    READ EACH AS_CHANGE {policy=propose}
    READ FIELDS AS_CHANGE {policy=propose}
    READ NODROP KEEPTHEM IN|ASEXT [AS] {policy=extensions}
    READ LABELLED COLUMNLAST {policy=extensions}
    READ SCHEMASTOP STOP|BARE {policy=fail}
    READ SCHEMASTOP PROPOSE {policy=propose}
    READ LABELLED [KEEP] IN|ASEXT|TOEXT [AS] {policy=extensions}
    READ COND KEEPTHEM IN|ASEXT [AS] {policy=extensions}
    READ FIELDS|COND|LABELLED LEAD|PROPOSE {policy=propose}
    READ FIELDS|COND|LABELLED|THERE STOP {policy=fail}
    READ STOP BYFIELDS {policy=fail}
    READ COND|LABELLED BARE {policy=fail}
    READ FIELDS ERROR {policy=fail}
    READ TREAT {policy=fail}
    READ EACH PROPOSE {policy=propose}
    READ DRIFT PROPOSE {policy=propose}
    READ DRIFT STOP|BARE {policy=fail}
    READ SCHEMA STOP|BARE {policy=fail}
    READ SCHEMA PROPOSE {policy=propose}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("drift",),
    examples=(
        "Keeps unmapped fields in the extensions column",
        "Unknown fields propose a change to this spec",
        "New fields stop the run",
        "Unmapped fields are kept in the extensions column",
    ),
    near_misses=(
        "Do not stop the run on new fields",
        "Unknown fields fail",
        "Keeps unmapped fields",
        "Never keeps unmapped fields in the extensions column",
        "Drops unmapped fields",
        "Keeps fields in the extensions column",
        "New fields do not stop the run",
    ),
)

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
    EACH = for each/every %drifting field
    BARE = ~stop/fail/halt/abort
    ERROR = are an error | are not allowed | are not accepted
    THERE = (if/when) there are %strangers
    DRIFT = schema drift/change/changes [:] | on schema drift/change/changes
    COND = should [a/any] (%drifting | new) [salesforce] field %appear [,] | (if/when/whenever) (there's | there is) a field
        (nobody's mapped | nobody has mapped | [that/which] is not (mapped | in %spec) | we have not mapped) | (if/when/whenever) there (is/are) %strangers [in/from salesforce] | (if/when/whenever) (someone/somebody/an_admin/admins)
        ~add [a/new] [new] field/fields [in/to] [salesforce] | (if/when/whenever) [a/any] field/fields %appear that is/are not
        in %spec | (if/when/whenever) [a/any] [new] field/fields [is/are] [being] ~add [in/to] salesforce [,] [then]
        | [a/any] %drifting [salesforce] field/fields ~show/turn/come up | %strangers ? | (when/if/whenever/once | as soon as) %strangers %appear [,] [then] | (on/for/upon) %strangers
        | (when/if/whenever) salesforce ~add/get/have [a/new] [new] field/fields | if it ~meet/find/encounter/see
        %strangers
    KEEPTHEM = ~keep/store/put/save/collect/preserve/land (them/it)
    NODROP = (never | do/does not) ~drop/lose/discard/ignore/throw_away %strangers
    COLUMNLAST = extensions column {column=extensions} | [a/the] <column> column
    SCHEMASTOP = schema changes [in salesforce]
    TOEXT = extensions {column=extensions} | column <column>
    TREAT = ~treat %strangers as (an error | errors)
    SCHEMA = (if/when/whenever) the schema ~change
    KEEP = can %purely (go/stay/live) | ~dump/park/stash/keep/store/put/save/land/preserve/collect/go/write/capture/retain/place/end
    AS = as json
    INCODE = (in/into/to) <marked_column:column>
    IN = (in/into/to/under) [the/a/an] [single/separate] [json/variant] column [named/called] <column>
        | (in/into/to) [the/a/an] [json/variant] <column> [json/variant] column
    ASEXT = (in/to/into/as) extensions [json/variant] [column] {column=extensions} | (in/to/into) [the/a/an] [single/separate/one]
        (json/variant column) {column=extensions}
    LEAD = (~lead to | ~result in | ~trigger/cause) ([a/the] change proposal | [a/the] proposed [spec] change
        [of/to] [this/the spec | the requirements] | [a/the] proposal [to ~change/update/extend [this/the] spec])
    PROPOSE = (a change | an amendment | an update) (to/of) %spec (%be_to | must/should) [be] ~propose/suggest/raise | ~propose (it/them)
        as (a change | changes) to %spec | ~propose/suggest/raise [a/an/the] (amendment/addition/update/change) [to/of/for/in] %spec | ~open/raise/create [a/the]
        proposal [to/for] [~change/update/extend/amend] %spec | %be_to [be] ~propose as (a change | changes | an amendment
        | amendments | additions) to %spec | ~propose/suggest [a/an/the] [spec/schema] [change/changes/update/updates] [to/of/for/in/as] [a
        change to] [this/the] [spec/requirements] | [to] [be] ~propose as [a] change to this/the spec
        | ~open/raise/create [a/the] (change proposal | proposal [to ~change/update this/the spec])
    STOP = ~stop/fail/halt/abort/break/block [the/this/a] run/sync/pipeline/job/load | ~error out | [the/this/a]
        run/sync/pipeline/job/load ~stop/fail/halt/abort | ~cause [the] run to fail/stop/halt
    READ FIELDS KEEP IN|ASEXT [AS] {policy=extensions}
    READ FIELDS|LABELLED KEEP INCODE [AS] {policy=extensions}
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

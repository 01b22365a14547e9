"""Columns whose value is calculated from fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.expression_types import Resolver, Typed, owner_of
from durable_compiler.grammar.expression_words import expression_words
from durable_compiler.grammar.expressions import Reading, Tree
from durable_compiler.grammar.new_columns import column_words
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.terms import Constant, Term, field_terms, to_ir


@dataclass(frozen=True)
class Compute(Clause):
    """An object, a new column, the type of its values, and the expression over the object's fields."""

    kind: ClassVar[str] = "compute"
    object: str
    column: str
    type: str
    expression: Term


def build(values: Values, sentence: Sentence) -> Compute | Fault | None:
    """The clause of a reading."""
    reading: Reading = values["expression"]
    separator, places = values.get("separator"), values.get("round")
    raw = Tree("coalesce", (reading.raw, values["fallback"].raw)) if "fallback" in values else reading.raw
    if isinstance(separator, str) and not (isinstance(raw, Tree) and raw.op in ("together", "follow")):
        return None
    if places is not None:
        if isinstance(raw, Tree) and raw.op == "round":
            return None
        raw = Tree("round", (raw, Constant(places, "number")))
    owner = owner_of(sentence, [reading], values.get("object"))
    if isinstance(owner, Fault):
        return owner
    resolver = Resolver(sentence, sentence.catalogue.by_name[owner], separator, (reading.start, reading.end))
    found = resolver.resolve(raw)
    if isinstance(found, Fault):
        return found
    if values.get("declared") not in (None, _DECLARED.get(found.type, found.type)):
        return None
    return Compute(owner, values["column"], found.type, found.term, assumed=tuple(_assumed(found, sentence)))


# What a sentence may call the type of a column.
_DECLARED = {"integer": "number", "timestamp": "date"}


def _assumed(found: Typed, sentence: Sentence) -> Iterator[Assumed]:
    if found.spaced:
        yield Assumed("computed", "a space", "the sentence does not say what stands between the texts")
    for one in dict.fromkeys(field_terms(found.term)):
        field = sentence.catalogue.by_name[one.object].field(one.name)
        if field is not None and field.type == "percent":
            yield Assumed("computed", 80, f"{field.label} is a percentage: Salesforce holds 80% as 80")


def echo(clause: Compute, catalogue: Snapshot) -> str:
    """Canonical English."""
    return f"Stores {expression_words(clause.expression, catalogue)} as {column_words(clause.column, catalogue)}"


def ir(clause: Compute, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    expression = to_ir(clause.expression)
    row = {"object": clause.object, "column": clause.column, "type": clause.type, "expression": expression}
    return {"computed": [row]}


FRAME = Frame(
    kind="compute",
    doc="Adds a column that is calculated from fields: arithmetic, days between dates, texts put together.",
    phrases="""
    STORE = %storing <expression> [,] %into_column
    FIRST = %storing <single:expression> %into_column [,] <fallback>
    FIRSTED = <single:expression> (stored/saved/kept/written/loaded/put) %into_column [,] <fallback>
    STORED = <expression> %be calculated/computed/worked_out [(for/on) <object>] and
        stored/saved/written/recorded/kept/put
        %into_column | <expression> [,] (stored/saved/kept/written/loaded/calculated/computed/held/put/recorded)
        %into_column
    NOTE = <expression> (as/→) %a_column
    JOIN = (~combine/join/concatenate/concat/merge/glue/stick/string/tie | ~put/stick/glue/string/tie together)
        <texts:expression> [together] [[,] %separated] %into_column
    JOINED = <texts:expression> (combined/joined/concatenated/merged/glued | put together) [together]
        %into_column
    DEFINE = %subject (be | = | : = | : | → | is/equals | is equal to | %worked_out [as/from/by/to/of] [being]
        | is the result of | is just/simply | holds/contains/shows/hold/contain/show/give/gives) <expression>
    MADE = %subject (%worked_out [by/from/of/as] [joining/combining/concatenating] | = | : | is | be
        | holds/contains/shows/hold/contain/show | with) <spelled:expression>
    SPELT = [<object>] <plain_column:column> (= | : = | is | :) <spelled:expression>
    EQUATION = <plain_column:column> (= | : =) <expression>
    WANTED = ~want %subject to be <expression>
    FILL = ~set/fill/populate/calculate/compute/derive/build/define/create/form/make/obtain/get/assemble/compose
        %a_column (to/as/with/from/by/=/→/: | out of | equal to | as follows :) <expression>
    BUILD = ~set/fill/populate/build/create/form/make/assemble/compose/derive/define %a_column
        (from/as/with/by/to/=/: | out of | by joining/combining/concatenating | to be)
        [joining/combining/concatenating/merging] <spelled:expression> [together/combined/joined/concatenated]
    CREATE = %creating %a_column (%holding_value | , [%worked_out] [as/from] | [,] %worked_out [as/from/by/of] | from
        | [,] (that/which) %worked_out [as/from/by/of]) <expression>
    BRACED = %creating %a_column \\( <expression> \\) | %creating %a_column [,] namely <expression>
    READ BRACED [FOR] [OBJECT]
    MAKE = %creating %a_column (%holding_value | [,] %worked_out [of/from/by] | [,] (that/which) %worked_out
        [of/from/by]
        | from | out of | [,] combining/joining/concatenating | by joining/combining/concatenating)
        <spelled:expression> [together/combined/joined/concatenated]
    HAVING = <object> [table/record/records] %having [a/an/the] %a_column (%holding_value | [,] %worked_out
        [as/from/by/of] | [,] (that/which)
        %worked_out [as/from/by/of] | for | from) (<expression> | <spelled:expression>)
    ADDED = [a/the/one] %fresh [%column_kind] column/field/attribute [named/called] <new_column:column> [is/are/be]
        (added/created/introduced/needed/wanted/required) (to/on/for/in) <object> [,] (with [the] value/values [of] |
        : | with
        | holding/containing) <expression>
    VERB = <deed:expression> [(on/of/for) <object>] [,] [and/then] ~call/name (it/that/this
        | the result/outcome/sum/total/product/quotient/difference) [column] <plain_column:column>
        | <deed:expression> [(on/of/for) <object>] [,] and ~store/save/keep/write/record/put (it/that/this
        | the result/outcome/sum/total/product/quotient/difference) %into_column
    DOING = <deed:expression> %into_column | <deed:expression> to ~get/obtain/give/form/make/compute/calculate/produce
        %a_column | %subject %worked_out [%of_object] by <deed:expression>
        | (%creating | ~compute/calculate/obtain/get/derive/work_out/build/form) %a_column [,] [%worked_out]
        [(on/for) <object>] by <deed:expression>
        | <object> %having [a/an/the] %a_column [,] [%worked_out] by <deed:expression>
        | %creating %a_column (that/which) <deed:expression>
    FOR = (for/of/on/in) <object> [records] | <there:object>
    OBJECT = <object> :
    SEPARATED = [,] %separated
    ROUND = [,] <rounding:round>
    READ STORE|STORED|NOTE|DEFINE|MADE|SPELT|EQUATION|WANTED|FILL|BUILD|CREATE|MAKE|HAVING|ADDED|JOIN|JOINED [FOR]
        [OBJECT]
        [SEPARATED] [ROUND]
    READ FIRST|FIRSTED [FOR] [OBJECT]
    READ VERB|DOING [FOR] [OBJECT] [ROUND]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("computed",),
    examples=(
        "Stores Contact First Name and Contact Last Name together as full_name",
        "Stores the days until Close Date as days_to_close",
        "Stores Opportunity Amount divided by 12 as monthly_amount, rounded to 2 decimals",
    ),
    near_misses=(
        "A text column gap on Opportunities = Amount minus 5",
        "Stores Contact First Name or Contact Last Name together as full_name",
        "Stores Opportunity Amount plus Probability times 12 as weighted",
        "Stores Account Industry minus Annual Revenue as margin",
        "Stores the days until Close Date",
        "Stores roughly the days until Close Date as days_to_close",
        "Never stores the days until Close Date as days_to_close",
        "Stores the hours until Close Date as hours_to_close",
        "Stores the days until Close Date as run_id",
    ),
)

"""Columns whose value depends on conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.cases import Cases, Value, When, field_in_words, is_plain_value, with_first
from durable_compiler.grammar.condition_words import condition_words
from durable_compiler.grammar.expression_words import quoted
from durable_compiler.grammar.literals import number_words
from durable_compiler.grammar.new_columns import column_words
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.terms import Scalar, Term, to_ir


@dataclass(frozen=True)
class Derive(Clause):
    """An object, a new column, its values by condition in order, and the value of every other record."""

    kind: ClassVar[str] = "derive"
    object: str
    column: str
    cases: tuple[tuple[Term, Scalar], ...]
    otherwise: Scalar = None


def build(values: Values, sentence: Sentence) -> Derive | Fault | None:
    """The clause of a reading."""
    found = _cases(values)
    if found is None or not found.cases:
        return None
    owner = _owner(values, found, sentence)
    if owner is None or isinstance(owner, Fault):
        return owner
    every = [value for _, value in found.cases] + ([found.otherwise] if found.otherwise else [])
    fault = next((one for value in every if (one := _unclear(sentence, owner, value))), None) or _mixed(sentence, every)
    if fault is not None:
        return fault
    if not _as_declared(values.get("declared"), every):
        return None
    if any(value.column not in (None, values["column"]) for value in every):
        return None
    pairs = tuple((when.term, value.value) for when, value in found.cases)
    if len({when for when, _ in pairs}) != len(pairs):
        return _fault(sentence, "DUR021", every, "two values have the same condition", "Keep one of them.")
    why = "the sentence does not say what every other record gets"
    assumed = () if found.otherwise else (Assumed("derived", None, why),)
    otherwise = found.otherwise.value if found.otherwise else None
    return Derive(owner, values["column"], pairs, otherwise, assumed=assumed)


def _cases(values: Values) -> Cases | None:
    found: Cases | None = values.get("cases")
    if "when" not in values:
        return found
    when = values["when"]
    if isinstance(when, tuple):
        owner, term = when
        when = When(owner, term, True, None)
    if "whether" in values:
        return Cases(((when, Value(True, 0, 0)),), Value(False, 0, 0))
    value = values.get("value") or Value(True, 0, 0)
    return with_first(when, value, found)


def _owner(values: Values, found: Cases, sentence: Sentence) -> str | Fault | None:
    """The object of all conditions, which the sentence may name; None when nothing in it says so."""
    owners = list(dict.fromkeys(when.owner for when, _ in found.cases))
    said = values.get("object")
    if len(owners) > 1 or (said is not None and said != owners[0]):
        labels = " and ".join(
            sentence.catalogue.by_name[one].label for one in dict.fromkeys([said or owners[0], *owners])
        )
        message = f"a column cannot depend on conditions of {labels}"
        help = "Write conditions on one object; include a related object's field in it first."
        return _fault(sentence, "DUR039", [value for _, value in found.cases], message, help)
    return owners[0] if said is not None or all(when.free for when, _ in found.cases) else None


def _unclear(sentence: Sentence, owner: str, value: Value) -> Fault | None:
    if not field_in_words(sentence, owner, value):
        return None
    message = f"'{value.value}' is a field too: its name or its value could be meant"
    return _fault(sentence, "DUR021", [value], message, f"Put a text in quotes: `{value.value}`.")


def _as_declared(kind: str | None, values: list[Value]) -> bool:
    """Whether values are of the type that the sentence gives the column: no `numeric column` holds words."""
    found = {value.value for value in values}
    if kind in ("number", "boolean"):
        return all(isinstance(one, bool) == (kind == "boolean") and not isinstance(one, str) for one in found)
    return kind is None or all(isinstance(one, str | None) for one in found)


def _mixed(sentence: Sentence, values: list[Value]) -> Fault | None:
    """A column holds text, numbers, or true and false."""
    kinds = {type(one.value) if not isinstance(one.value, int | float) or isinstance(one.value, bool) else float
             for one in values if one.value is not None}  # fmt: skip
    if len(kinds) < 2:
        return None
    return _fault(sentence, "DUR038", values, "the values are of different types", "Write values of one type.")


def _fault(sentence: Sentence, code: str, values: list[Value], message: str, help: str) -> Fault:
    return sentence.fault(code, message, values[0].start, max(values[-1].end, values[0].start + 1), help)


def echo(clause: Derive, catalogue: Snapshot) -> str:
    """Canonical English."""
    cases = [
        f"{value_words(value, clause, catalogue)} when {condition_words(when, catalogue)}"
        for when, value in clause.cases
    ]
    rest = f", otherwise {value_words(clause.otherwise, clause, catalogue)}" if clause.otherwise is not None else ""
    return f"Sets {column_words(clause.column, catalogue)} to {', '.join(cases)}{rest}"


def value_words(value: Scalar, clause: Derive, catalogue: Snapshot) -> str:
    """A value as a sentence can hold it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        taken = any(value.casefold() == one.label.casefold() for one in catalogue.by_name[clause.object].fields)
        return value if is_plain_value(value) and not taken else quoted(value)
    assert value is not None
    return number_words(value)


def ir(clause: Derive, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    cases = [{"when": to_ir(when), "value": value} for when, value in clause.cases]
    row = {"object": clause.object, "column": clause.column, "cases": cases, "otherwise": clause.otherwise}
    return {"derived": [row]}


FRAME = Frame(
    kind="derive",
    doc="Adds a column whose value depends on conditions.",
    phrases="""
    SET = ~set/fill/populate/derive/compute/calculate/assign/define/make/determine/mark/tag/label/rate/flag/write/use
        %a_column (to/as/with/=/from/by/→ | to be | as follows | : | as follows :) <cases>
    TOPIC = ~set/derive/compute/calculate/assign/define/determine/fill/populate %a_column (from/by/using | based on
        | depending on | according to | on the basis of) <topical:cases>
    DEFINE = %subject (is/be/becomes/become/=/:/→/equals/holds/contains/hold/contain/say/says/read/reads/show/shows/get
        | gets/take/takes/have/has/receive/receives | is set to | be set to | has the value | have the value
        | takes the value | take the value | shows | equal | ~evaluate to | %be
        derived/computed/calculated/set/filled [(for/on) <object>] [as follows] :
        | is worked out as | is calculated as | is filled with) <cases>
    PLAIN = [the] [<object>] <named_column:column> (is/be/becomes/=/: | is set to | be set to) <cases>
    CREATE = %creating %a_column %holding_value <cases>
    HAVING = <object> [table/record/records] %having [a/an/the] %a_column %holding_value <cases>
    ADDED = [a/the/one] %fresh [%column_kind] column/field/attribute [named/called] <new_column:column> [is/are/be]
        (added/created/introduced/needed/wanted/required) (to/on/for/in) <object> [,] (with [the] value/values | : |
        with |
        holding/containing) <cases>
    ASSIGN = ~assign/put/tag/mark/label/give/set/rate/flag <object> (to/in/into | with/as | in the) %a_column
        [=/:/as/to]
        <cases> | ~tag/mark/label/give/rate/flag/assign <object> %a_column (=/:/as/to/→) <cases>
    PLACED = (~put/write/store/record/enter/show/use) <cases> [,] (in/into/under) %a_column
    WHEN = (if/when/where/whenever | in case) <case_when:when> [,] [then] ((~set/make %a_column (to/as/=)
        | %a_column (is/be/becomes/become/= | is set to | be set to | set to) | %subject
        (is/be/becomes/=/say/says/read/reads/show/shows/hold/get/gets)
        | ~set/assign (in/on) %a_column)) <case_value:value>
    TAGGED = <selection:when> (are/is/get/gets/be | be called)
        (tagged/labelled/labeled/marked/classified/categorised/rated/flagged/called/named)
        [as/with] <case_value:value> (in/under) %a_column
    GIVEN = <selection:when> (get/gets/have/receive/receives/take/takes/show/shows | are given | are assigned
        | must have | should get) %a_column [of/=/:/as | set to | with the value] <case_value:value>
        | <selection:when> (get/gets/have/has/receive/receives/take/takes/show/shows/carry/carries/hold/holds | are
        given | are assigned)
        [the] [value] <case_value:value> (in/under/for/as) %a_column
    GROUP = (for/of/on) <selection:when> [,/:] (~set/make/write/fill %a_column (to/as/=/with) | %a_column
        (is/be/becomes/=/says/say/reads/read/shows/show | is set to | be set to)) <case_value:value>
    CALLED = ~mark/tag/label/flag/rate/classify/call <object> [as/with] <case_value:value> (in/under) %a_column [,]
        (if/when/where/whenever | in case) <case_when:when> | <object> (be/is/are/get/gets/count/counts)
        [called/labelled/labeled/tagged/marked/classed/classified/rated/named
        | flagged] [as] <case_value:value> (in/under) %a_column [,] (if/when/where/whenever | in case | as soon as)
        <case_when:when> | <object> (have/has/get/gets/take/takes/show/shows) [the value] <case_value:value>
        (in/under/for/as) %a_column [,] (if/when/where/whenever | in case) <case_when:when>
    TAG = ~tag/label/mark/classify/categorise/categorize/rate/flag/call <selection:when> [as/with] <case_value:value>
        (in/under) %a_column | ~set/assign/give <selection:when> %a_column (to/=/of) <case_value:value>
    WHETHER = (~store/record/show/capture/hold/keep/write/put/say/save/note) (in/under) %a_column whether
        [or not] <case_when:when>
        | %subject (holds/hold/contains/say/says/show/shows/tell/tells/record/records/is/indicate
        | indicates/state/states)
        whether [or not] <case_when:when>
        | (~store/record/show/capture/hold/keep/write/put/save/note) whether [or not] <case_when:when> [,] %into_column
        | %creating %a_column [to/that/which]
        [show/shows/showing/say/says/saying/for/hold/holds/holding/tell/tells/telling
        | indicate/indicates/indicating/record/records/recording] whether [or not] <case_when:when>
    FLAG = ~flag/mark/tag <selection:when> (as/with/in/under) <marked_column:column>
    CLASSIFY = ~classify/tag/label/mark/categorise/categorize/rate/segment/group/bucket <object> (as/into/with) <cases>
        [,] (in/under) %a_column
    HAVE = <object> (get/have/receive/are | must/should/shall get/have/receive) %a_column [of/=/:] <cases>
    SORT = ~classify/tag/label/categorise/categorize/segment/group/bucket/rate <object> (by/into/in/as/using) %a_column
        [:] <cases>
    REST = <tail:cases>
    FOR = (for/of/on/in) <object> [records] | <there:object>
    OBJECT = <object> :
    READ SET|TOPIC|HAVE|HAVING|ADDED|ASSIGN|PLACED|DEFINE|PLAIN|CREATE|CLASSIFY|SORT [FOR] [OBJECT]
    READ WHETHER [FOR] [OBJECT] {whether=yes}
    READ WHEN|TAGGED|GIVEN|GROUP|CALLED|TAG|FLAG [REST] [FOR] [OBJECT]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("derived",),
    examples=(
        "Sets tier to strategic when Annual Revenue is at least 10 million, otherwise standard",
        "Set `deal_size` to large when Opportunity Amount is above 100,000, medium when it is above 20,000, else small",
        "segment is gold if Annual Revenue is over 10 million, silver if it is over 1 million, bronze in other cases",
    ),
    near_misses=(
        "A numeric column tier on Accounts is strategic when Annual Revenue is over 1,000",
        "Sets tier to strategic when Annual Revenue is big, otherwise standard",
        "Sets tier to strategic or key when Annual Revenue is at least 10 million",
        "Sets tier when Annual Revenue is at least 10 million",
        "Sets tier to strategic, otherwise standard",
        "Sets run_id to strategic when Annual Revenue is at least 10 million, otherwise standard",
        "Sets tier to strategic when Annual Revenue is at least 10 million, otherwise 3",
        "Sets tier to strategic when Annual Revenue is at least 10 million unless Type is Partner",
        "Never sets tier to strategic when Annual Revenue is at least 10 million",
        "Sets tier on Contacts to strategic when Opportunity Amount is at least 10 million",
    ),
)

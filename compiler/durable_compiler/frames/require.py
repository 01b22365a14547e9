"""Which fields must have a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.columns import fields_named, labels
from durable_compiler.grammar.names import FieldName
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Require(Clause):
    """Fields, and what happens to a record without one."""

    kind: ClassVar[str] = "require"
    fields: tuple[tuple[str, str], ...]
    on_failure: str


_CONDITIONAL = frozenset("whose where when whenever if that which who with without having lacking unless".split())


def build(values: Values, sentence: Sentence) -> Require | Fault | None:
    """The clause of a reading."""
    fields: tuple[FieldName, ...] = values.get("owned", ())
    if "named" in values:
        found = fields_named(sentence, values["object"], values["named"])
        if isinstance(found, Fault):
            return found
        fields = tuple((values["object"], name) for name in found)
    fields = tuple(dict.fromkeys(fields))
    # "Without an Email and Phone" may mean either or both: one field at a time.
    if not fields or ("lack" in values and len(fields) > 1):
        return None
    # "… whose Type is Customer and Website is not blank" goes on with the condition: it requires nothing.
    if "stated" in values and any(one.norm in _CONDITIONAL for one in sentence.tokens):
        return None
    if values.get("culprit", fields[0][0]) != fields[0][0]:
        return None
    # "Required; also warn when it's missing" warns beside what else happens to the record.
    if any(
        sentence.norm(at) == "also" and sentence.norm(at + 1).startswith("warn") for at in range(len(sentence.tokens))
    ):
        return None
    if "on_failure" in values:
        return Require(fields, values["on_failure"])
    why = "the sentence does not say what happens to a record without a value"
    return Require(fields, "reject", assumed=(Assumed("required.on_failure", "reject", why),))


def echo(clause: Require, catalogue: Snapshot) -> str:
    """Canonical English."""
    words = labels(catalogue, clause.fields)
    verb = "is" if len(clause.fields) == 1 else "are"
    tail = {"reject": "", "fail": "; fails the run otherwise", "warn": "; warns otherwise"}[clause.on_failure]
    return f"{words} {verb} required{tail}"


def ir(clause: Require, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {
        "required": [{"object": owner, "field": name, "on_failure": clause.on_failure} for owner, name in clause.fields]
    }


FRAME = Frame(
    kind="require",
    doc="Says which fields must have a value, and what happens to a record without one.",
    phrases="""
    REQUIRED = <owned> : required/mandatory | <owned> [%be] (required/mandatory/compulsory/obligatory)
        | <owned> [%be] [a] required/mandatory
        field/fields
    IS = <owned> (is/are to be) (present/set/filled/provided/supplied/given/populated/entered/known | filled in/out)
        | <owned> must/shall/should be (present/set/filled/provided/supplied/given/populated/entered/there/known |
        filled in
        | filled out) | <owned> must/shall/should have a value
        | <owned> (must/shall/should/may/can not | cannot | must/shall/should/may never | is/are never) [be]
        [~allow to]
        [be] empty/blank/null/missing
        | <owned> is/are not [~allow to] [be] empty/blank/null/missing {stated=yes}
        | <owned> (must/shall/should/may/can not | cannot | must never) be left empty/blank
        | <owned> (needs/need | has/have) to be (present/set/filled/provided/supplied/given/populated/there/known |
        filled in)
        | <owned> (needs/need | has/have) to have a value
    FILLED = <named> (must/shall/should be | needs/need to be
        | has/have to be) (present/set/filled/provided/supplied/given
        | populated/entered/known | filled in/out) (on/for/in) [all/every] <object>
        | <named> is/are a/an mandatory/required attribute/attributes/property/properties (of/for/on) <object>
        | ~make <named> mandatory/required/compulsory (for/on/in) [all/every] <object>
        | ~require [a/an/the] <named> (on/for/in/of/from) [all/every] <object>
        | <known:object> : <named> [%be] required/mandatory
        | no <object> (may/must/can/should/shall be without | may/must/can/should/shall lack) [a/an] <named>
    FOR = <named> [%be] [a] required/mandatory/compulsory [field/fields] for/on/in [all/every] <object>
        | (on/for/in) [all/every] <object> [,] <named> [%be] [a] required/mandatory/compulsory [field/fields]
        | (on/for/in) [all/every] <object> [,] [we] ~require [a/an/the] <named>
    HAVE = <object> (has/have got to | got to) (have/include/contain) (a/an/the/both/some) <named>
        | <object> (must/shall/should | ought to) (have/include/contain/carry | come with) (a/an/the/both/some) <named>
        | <object> (need/needs/require/requires [to have] | has/have to have) (a/an) <named>
        | <object> must/shall/should (always have/include/contain | always come with) (a/an/the) <named>
        | <object> (is/are required to) (have/include/contain) (a/an/the) <named>
        | <object> ~require <named>
    REJECT = ~reject [any/all] <object> %lacking <named> | [any/all] <object> %lacking <named> %be ~reject
        | ~reject [any/all] <object> if/when/whose (it/they | the) [~have] no <named>
        | ~reject [any/all] <object> (if/when) (it/they) %lacks <named>
        | ~reject <object> whose <named> is/are %absent
    RECORDS = [any/all] records %lacking <owned> %be ~reject | ~reject [any/all] records %lacking <owned>
    TURNAWAY = (~turn away/down | ~refuse) [any/all] <object> %lacking <named>
        | [any/all] <object> %lacking <named> [be/is/are/get/gets] (turned away | refused)
        | [any/all] <object> %lacking <named> (is/are (no good | of no use | no use | useless/worthless) [to me/us]) [,]
        [so] [please] ~reject (it/them)
    READ TURNAWAY {on_failure=reject} {lack=yes}
    OTHERWISE = %onfail
    SHOULD = [the/a] [whole/entire] run ~fail/stop/abort should [any/a/an] <some:object> lack [a/an] <named>
        {on_failure=fail} | should [any/a/an] <some:object> lack [a/an] <named> [,] [the/a] [whole/entire] run
        ~fail/stop/abort {on_failure=fail}
        | [any/all] <object> %lacking <named> (only/just/merely %warning | %warning only) {on_failure=warn}
    FAIL = %failrun if/when/as_soon_as [any/a/an | a/any/one single
        | even one] <some:object> %lacks <named> {on_failure=fail}
        | ~fail if/when [any/a/an | a/any/one single | even one] <some:object> %lacks <named> {on_failure=fail}
        | [the/a] run ~fail/stop/abort if/when [any/a/an | a/any/one single
        | even one] <some:object> %lacks <named> {on_failure=fail}
        | if/when [any/a/an | a/any/one single | even one] <some:object> %lacks <named> [,] [then] (%failrun
        | [the/a] [whole/entire] run ~fail/stop/abort)
        {on_failure=fail}
        | [any/all] <object> %lacking <named> %failrun {on_failure=fail}
    WARN = [just/only/merely] ~warn [me/us] [,] (and no more [than that] | and nothing more | nothing more
        | no more than that) [,]
        if/when/whenever [any/a/an] <some:object> %lacks <named> {on_failure=warn}
        | [any/all] <object> where the <named> is/are %absent [only/just/merely] %warning {on_failure=warn}
        | [any/all] <object> %lacking <named> (only/just/merely) %warning {on_failure=warn}
        | [just/only/merely] ~warn [me/us] if/when/whenever [any/a/an] <some:object> %lacks <named> {on_failure=warn}
        | ~warn [me/us] (about/on/for/of) [any/all] <object> %lacking <named> {on_failure=warn}
        | [any/all] <object> %lacking <named> %warning {on_failure=warn}
        | if/when [any/a/an | a/any/one single | even one] <some:object> %lacks <named> [,] [then] ~warn [me/us]
        {on_failure=warn}
        | ~give/raise/issue a warning (if/when [any/a/an | a/any/one single | even one] <some:object> %lacks <named>
        | for/about [any/all]
        <object> %lacking <named>)
        {on_failure=warn}
    MISSING = (a/any) %absent <owned> %failrun {on_failure=fail} | (a/any) %absent <owned> %warning
        {on_failure=warn}
        | if/when <owned> %isabsent [,] [then] %failrun {on_failure=fail}
        | if/when <owned> %isabsent [,] [then] the run ~fail/stop/abort {on_failure=fail}
        | %failrun if/when <owned> %isabsent {on_failure=fail} | the run ~fail/stop/abort if/when <owned> %isabsent
        {on_failure=fail}
        | if/when <owned> %isabsent [,] [then] ~warn {on_failure=warn}
        | [just/only/merely] ~warn [me/us] if/when/whenever <owned> %isabsent
        {on_failure=warn}
        | if/when <owned> %isabsent [,] [then] ~reject [the/that] (record/row | <object:culprit>)
        {on_failure=reject}
        | ~reject [the/a] (record/row | <some:culprit>) if/when <owned> %isabsent {on_failure=reject}
        | ~reject records/rows whose <owned> is/are %absent {on_failure=reject}
    READ REQUIRED|IS [OTHERWISE]
    READ FOR|HAVE|FILLED [OTHERWISE]
    READ REJECT|RECORDS {on_failure=reject} {lack=yes}
    READ FAIL|SHOULD|WARN|MISSING {lack=yes}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("required",),
    examples=(
        "Contact Email is required",
        "Rejects Accounts without a Name",
        "Fails the run if any Account has no Name",
        "Contacts without an Email are rejected",
        "Every Contact must have an Email",
        "Email is mandatory on Contacts",
        "Opportunities lacking a Close Date fail the run",
        "Warns about Accounts with no Phone",
    ),
    near_misses=(
        "Contact Email is not required",
        "Contact Email is optional",
        "Never rejects Accounts without a Name",
        "Contact Email is usually required",
        "Contact Email or Phone is required",
        "Fails the run if every Account has no Name",
        "Rejects Accounts with a Name",
        "Rejects Contacts without an Email and Phone",
    ),
)

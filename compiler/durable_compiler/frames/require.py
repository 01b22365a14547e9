"""Which fields must have a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Require(Clause):
    """Fields, and what happens to a record without one."""

    kind: ClassVar[str] = "require"
    fields: tuple[tuple[str, str], ...]
    on_failure: str


def build(values: Values, sentence: Sentence) -> Require | Fault | None:
    """The clause of a reading."""
    fields = (
        values["fields"] if "fields" in values else tuple((values["object"], name) for name in _names(values, sentence))
    )
    # "Without an Email and Phone" may mean either or both: one field at a time.
    if not fields or ("lack" in values and len(fields) > 1):
        return None
    if "on_failure" in values:
        return Require(fields, values["on_failure"])
    why = "the sentence does not say what happens to a record without a value"
    return Require(fields, "reject", assumed=(Assumed("required.on_failure", "reject", why),))


def echo(clause: Require, catalogue: Snapshot) -> str:
    """Canonical English."""
    labels = listed(catalogue.field_label(*one) for one in clause.fields)
    verb = "is" if len(clause.fields) == 1 else "are"
    tail = {"reject": "", "fail": "; fails the run otherwise", "warn": "; warns otherwise"}[clause.on_failure]
    return f"{labels} {verb} required{tail}"


def ir(clause: Require, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {
        "required": [{"object": owner, "field": name, "on_failure": clause.on_failure} for owner, name in clause.fields]
    }


def _names(values: Values, sentence: Sentence) -> list[str]:
    owner = sentence.catalogue.by_name[values["object"]]
    found = [owner.by_key.get(key, ()) for key in values["keys"]]
    return [names[0] for names in found] if all(len(names) == 1 for names in found) else []


FRAME = Frame(
    kind="require",
    doc="Says which fields must have a value, and what happens to a record without one.",
    phrases="""
    REQUIRED = <fields> required/mandatory | <fields> is/are required/mandatory
    IS = <fields> must/shall/should be present/set/filled | <fields> must/shall have a value
        | <fields> (must/shall not | may not | can not | cannot | must never) be empty/blank/null/missing
    RFIELD = <fields> [a] required/mandatory field/fields
    RECORDS = records without [a/an] <fields> are ~reject | ~reject records without [a/an] <fields>
    THAT = ~reject [any] <object> (that/which/who) (has/have no | do/does not have | lack/lacks) [a/an/any] <keys>
    FOR = <keys> [a] required/mandatory [field/fields] for/on/in <object>
    HAVE = <object> must/shall/should have (a/an/the) <keys>
        | <object> need/needs/require/requires [to have] (a/an) <keys>
    REJECT = ~reject <object> (without | with no | missing | lacking) [a/an/any/the] <keys> | <object> (without
        | with no | missing) [a/an/any] <keys> are/is ~reject
    OTHERWISE = ~fail the run otherwise {on_failure=fail} | otherwise the run fails {on_failure=fail}
        | ~warn otherwise {on_failure=warn}
        | otherwise [it/they/record/records/row/rows] ~reject {on_failure=reject}
        | otherwise ~reject [it/them/record/row] {on_failure=reject}
    REJECTED = %rows without it/one are ~reject {on_failure=reject}
    FAIL = ~fail [the run] if/when any/a/an <object> has/have no <keys> {on_failure=fail} {lack=yes}
    WARN = ~warn if/when any/a/an <object> has/have no <keys> {on_failure=warn} {lack=yes}
    READ RFIELD
    READ RECORDS|THAT {on_failure=reject} {lack=yes}
    READ REQUIRED|IS [OTHERWISE] [REJECTED]
    READ FOR|HAVE [OTHERWISE] [REJECTED]
    READ REJECT {on_failure=reject} {lack=yes}
    READ FAIL|WARN
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

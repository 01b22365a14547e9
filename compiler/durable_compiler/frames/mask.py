"""Which fields are hashed, cut to their end, or dropped before anything is stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from durable_compiler.catalogue import SYSTEM_FIELDS, Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.columns import fault_at, label, labels
from durable_compiler.grammar.names import FieldName
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.layout import TYPES


@dataclass(frozen=True)
class Mask(Clause):
    """Fields, and what is stored instead of their values."""

    kind: ClassVar[str] = "mask"
    fields: tuple[FieldName, ...]
    method: str


def build(values: Values, sentence: Sentence) -> Mask | Fault | None:
    """The clause of a reading."""
    fields: tuple[FieldName, ...] = tuple(dict.fromkeys(values["owned"]))
    method: str = values["method"]
    words = labels(sentence.catalogue, fields)
    offers: tuple[str, ...]
    if method == "open":
        offers = (f"Hashes {words}", f"Masks {words} except for the last 4 digits", _DROP.format(words))
        message = f"the sentence does not say how {words} is hidden"
        if "encrypts" in values:
            message = "values are not encrypted one by one; the connection and the warehouse encrypt all of them"
        return _fault(sentence, fields, "DUR020", message, offers)
    if "count" in values and values["count"] != 4:
        offers = (f"Masks {words} except for the last 4 digits",)
        return _fault(sentence, fields, "DUR053", "only the last 4 characters can be kept", offers)
    return _refused(fields, method, sentence) or Mask(fields, method)


def _fault(sentence: Sentence, fields: tuple[FieldName, ...], code: str, message: str, offers: Iterable[str]) -> Fault:
    found = fault_at(sentence, fields, code, message, "Write what happens to the values instead.")
    return replace(found, suggestions=tuple(offers))


def _refused(fields: tuple[FieldName, ...], method: str, sentence: Sentence) -> Fault | None:
    for owner, name in fields:
        schema = sentence.catalogue.by_name[owner].field(name)
        assert schema is not None
        words = label(sentence.catalogue, (owner, name))
        if name in SYSTEM_FIELDS:
            message = f"{words} identifies the record or its state and cannot be hidden"
            return _fault(sentence, fields, "DUR065", message, ())
        if method != "drop" and (not schema.readable or (method == "last4" and schema.type in TYPES)):
            message = f"{words} is a field of type {schema.type}, which has no last four digits"
            if method == "sha256":
                message = f"{words} is a field of type {schema.type}, which has no single value"
            return _fault(sentence, fields, "DUR038", message, (_DROP.format(words),))
    return None


_DROP = "Drops {} before it leaves Salesforce"
_ECHO = {"sha256": "Hashes {}", "last4": "Masks {} except for the last 4 digits", "drop": _DROP}


def echo(clause: Mask, catalogue: Snapshot) -> str:
    """Canonical English."""
    return _ECHO[clause.method].format(labels(catalogue, clause.fields))


def ir(clause: Mask, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"masks": [{"object": owner, "field": name, "method": clause.method} for owner, name in clause.fields]}


FRAME = Frame(
    kind="mask",
    doc="Hides the values of fields: hashed, cut to the last four digits, or dropped before they are stored.",
    phrases="""
    HASH = ~hash [the] <owned> | <owned> %be ~hash
        | ~hash out <owned> | one-way ~hash <owned>
    HASHED = ~store/keep/write/load/save <owned> (as [a/an] %sha hash/hashes | %sha ~hash | in [a] hashed
        form
        | as hashed value/values)
        | ~store/keep/write/load/save only [a/the] %sha hash/hashes of <owned>
        | ~store/keep/write/load/save [a/the] %sha hash of <owned> (instead of its value | instead)
        | only [a/the] %sha hash/hashes of <owned> is/are ~store/keep/write/load/save
        | <owned> %be ~store/keep/write/load/save (as [a/an] %sha hash/hashes | hashed
        | in [a] hashed form)
        | ~replace <owned> with/by (its/their/a/the) %sha hash/hashes
        | ~replace <owned> with/by %sha hash/hashes
        | <owned> %be ~replace with/by [its/their/a/the] %sha hash/hashes
        | ~turn/convert/transform <owned> into [a/its/their] %sha hash/hashes
        | ~apply [a] %sha hash/hashing to <owned> | ~use %sha256 [hash/hashing] for/on <owned>
    PSEUDO = %hide <owned> (by hashing [it/them/the values] | with/using/through/via [a/an] %sha hash/hashing/hashes
        | with/using/through/via %sha256 | by %sha hashing | as [a] %sha hash/hashes)
        | <owned> %be %hide (by hashing [it/them] | with/using/through/via [a/an] %sha
        hash/hashing/hashes | with/using/through/via %sha256)
    WITHSHA = (with/using/by/through/via/as/in) %sha256 [hash/hashing]
    LAST = (%hide) <owned> (except [for] | but [for] | apart from | other than | excluding | down to | leaving
        | , leaving | , keeping | to | so that | so) [the/its/their] last %count digit/digits/character/characters
        [is/are ~remain/keep/show/visible | visible | readable | in clear]
        | <owned> %be %hide (except [for] | but [for] | apart from | other than | down to
        | to) [the/its/their] last %count digit/digits/character/characters
        | %hide (all/everything but/except | all but) [for] the last %count digit/digits/character/characters
        (of/in) <owned>
        | (all/everything but | all except) the last %count digits/characters (of/in) <owned> %be %hide
    KEEP = ~keep/show/store/retain/reveal/load/expose/leave/write only/just [the] last %count
        [digit/digits/character/characters] (of/in/from) <owned>
        | only/just ~keep/show/store/retain/reveal/load/expose/write [the] last %count
        [digit/digits/character/characters] (of/in/from) <owned>
        | only/just [the] last %count [digit/digits/character/characters] (of/in/from) <owned>
        (is/are/must/should/may/shall/can [be] ~keep/show/store/retain/reveal/load/expose/write/visible
        | ~remain [visible/readable] | is/are/must/should/shall [be/stay/remain] visible/readable)
        | ~truncate/cut/shorten/reduce/limit/trim <owned> (to/down_to | down to) [the/its/their] last %count
        [digit/digits/character/characters]
        | <owned> (is/are ~show/store/keep with/as | ~show/keep) [its/their/the] last %count
        [digit/digits/character/characters]
        | <owned> [:] [,] only/just [the/its/their] last %count [digit/digits/character/characters]
        %be (~keep/show/store/retain/reveal/load/expose/write | visible/readable)
    DROP = ~drop/discard <owned> | <owned> %be ~drop/discard
    STRIP = ~drop/discard/remove/delete/strip/erase [out] <owned> %before
        | <owned> %be ~drop/discard/remove/delete/strip/erase [out] %before
        | %before [,] [we] ~drop/discard/remove/delete/strip/erase <owned>
        | %before [,] <owned> %be ~drop/discard/remove/delete/strip/erase
    LEAVES = <owned> (must/may/shall/should/can/will not [ever] | cannot | must/may/shall/should/can/will never |
        never)
        ~reach/enter %warehouse
        | <owned> (must/may/shall/should/can/will not [ever] | cannot [ever] | must/may/shall/should/can/will
        never
        | never | does/do not [ever] | is/are not [allowed] to | is/are never to) ~leave salesforce [org]
        | never ~let/allow <owned> [to] ~leave salesforce
        | (do/does/must/should/shall not) ~let/allow <owned> [to] ~leave salesforce
        | <owned> (must/shall/should/has to/have to | needs/need to) ~stay/remain (in/inside/within) salesforce
        | <owned> ~stay/remain (in/inside/within) salesforce
        | ~keep <owned> (in/inside/within) salesforce
    PLAIN = %hide <owned> | <owned> %be %hide
    BEFORE = [,] %before
    CRYPT = ~encrypt/tokenise/tokenize <owned> {encrypts=yes} | <owned> %be ~encrypt/tokenise/tokenize
        {encrypts=yes}
    READ HASH [WITHSHA] [BEFORE] {method=sha256}
    READ HASHED|PSEUDO [BEFORE] {method=sha256}
    READ LAST|KEEP [BEFORE] {method=last4}
    READ DROP|STRIP|LEAVES {method=drop}
    READ PLAIN|CRYPT {method=open}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("masks",),
    examples=(
        "Hashes Contact Email",
        "Masks Contact Phone except for the last 4 digits",
        "Drops Contact Birthdate before it leaves Salesforce",
        "Only the last four digits of Contact Phone are kept",
        "Contact Birthdate must never leave Salesforce",
        "Stores Contact Email as a SHA-256 hash",
        "Pseudonymises Contact Email by hashing",
    ),
    near_misses=(
        "Masks Contact Email",
        "Contact Birthdate must leave Salesforce",
        "Never hashes Contact Email",
        "Hashes Contact Email or Phone",
        "Masks Contact Phone except for the last 6 digits",
        "Masks Contact Phone except for the first 4 digits",
        "Masks Annual Revenue except for the last 4 digits",
        "Encrypts Contact Email",
        "Hashes Contact Email with MD5",
        "Hashes Contact Id",
        "Drops Contacts before they leave Salesforce",
        "Does not drop Contact Birthdate before it leaves Salesforce",
        "Hashes Contact Email unless it is internal",
    ),
)

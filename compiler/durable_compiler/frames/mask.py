"""Which fields are hashed, cut to their end, or dropped before anything is stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from durable_compiler.catalogue import SYSTEM_FIELDS, Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.columns import fault_at, label, labels
from durable_compiler.grammar.names import FieldName
from durable_compiler.grammar.scopes import outside
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
    if outside(values.get("scope"), (owner for owner, _ in fields)):
        return None
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
    HASH = ~hash [all] [the] %whose | (have/want/need) %whose hashed
        | %whose (:/→/=) [~store/keep as] [a/an] (hash/hashed/hashes | %sha hash/hashed | %sha256) [only]
        | [a/an] %sha hash/hashes/hashing (for/of/on/:) %whose | %sha256 (for/on/:) %whose
        | ~hash [with] [\\(] %sha256 [\\)] : %whose | ~apply %sha256 (to/on/over) %whose
        | %whose %be ~hash
        | ~hash out %whose | one-way ~hash %whose
    HASHED = ~store/keep/write/load/save %whose (as [a/an] %sha hash/hashes | %sha ~hash | in [a] hashed
        form
        | as hashed value/values)
        | ~store/keep/write/load/save only [a/the] %sha hash/hashes of %whose
        | ~store/keep/write/load/save [a/the] %sha hash of %whose (instead of its value | instead)
        | only [a/the] %sha hash/hashes of %whose is/are ~store/keep/write/load/save
        | %whose %be ~store/keep/write/load/save (as [a/an] %sha hash/hashes | hashed
        | in [a] hashed form)
        | ~replace %whose with/by (its/their/a/the) %sha hash/hashes
        | ~replace %whose with/by %sha hash/hashes
        | %whose %be ~replace with/by [its/their/a/the] %sha hash/hashes
        | ~turn/convert/transform %whose into [a/its/their] %sha hash/hashes
        | ~apply [a] %sha hash/hashing to %whose | ~use %sha256 [hash/hashing] for/on %whose
    RESTED = [,/;] [and] (the rest | everything else | all other digits/characters) %be ~mask/hide/redact/obscure
    ONLYHASH = %whose %be ~store/keep/save/write/load only/just (as [a/an] %sha hash/hashes | hashed) | %whose
        (must/should/shall/may/can/will/is/are) [be] only/just [be] ~store/keep/save/write/load
        (as [a/an] %sha hash/hashes | hashed | in hashed form)
        | only/just ~store/keep/save/write/load [a/the] %sha hash/hashes (of/for) %whose
        | ~store/keep/save/write/load %whose only/just (as [a/an] %sha hash/hashes | hashed | in hashed form)
        | ~store/keep/save/write/load only/just [a/the/its/their] %sha hash/hashes (of/for) %whose
    PSEUDO = %hide %whose (by hashing [it/them/the values] | with/using/through/via [a/an] %sha hash/hashing/hashes
        | with/using/through/via %sha256 | by %sha hashing | as [a] %sha hash/hashes)
        | %whose %be %hide (by hashing [it/them] | with/using/through/via [a/an] %sha
        hash/hashing/hashes | with/using/through/via %sha256)
    WITHSHA = (with/using/by/through/via/as/in) %sha256 [hash/hashing]
    CLEAR = [,] (not | never | and never | rather than | instead of) [be] [~store/keep/save] [it/them] %in_clear
    NOTCLEAR = (never | (do/must/should/shall/may not)) ~store/keep/save/write/load/show %whose %in_clear [,/;/:/.]
        ([but] ~hash it/them [instead] | ~store/keep/save only [a/the/its/their] %sha hash/hashes
        | only/just as [a/an] %sha hash/hashes | only/just hashed | but only/just [as] [a/an] hash/hashed
        | ~store/keep/save a %sha hash [instead])
        | %whose (must/should/shall/may/will/can not | must/should/shall/may/will/can never | is/are never)
        [be] [~store/keep/save/write/load/show] %in_clear [,/;/:/.] ([but] ~hash it/them [instead] | only/just hashed
        | only/just as [a/an] %sha hash/hashes | ~store/keep/save only [a/the/its/their] %sha hash/hashes)
    LEFT = ~leave/keep/show/have/display/retain [only/just] [the] last %count [digit/digits/character/characters]
        (of/in/from) %whose (%in_clear | visible/readable/legible/unmasked/shown) [[,] [and] ~mask/hide/redact
        (the rest | everything else | all other digits/characters)]
        | ~replace/mask/hide/blank/star/redact/obscure/black_out/x_out/blank_out/star_out
        (all/everything/all_digits/every_digit but/except [for] | all but | everything apart from)
        [the] last %count [digit/digits/character/characters] (of/in) %whose
        [with/by (asterisks/stars/dots/hashes/x)]
        | %whose (:/→/-/,) [only/just/show/keep] [only/just] [the] last %count [digit/digits/character/characters]
        [only/visible/readable/shown/kept]
        | ~mask/hide/redact/obscure %whose [,] ~keep/leave/show/leaving/keeping [only/just] [the/its/their] last %count
        [digit/digits/character/characters] [visible/readable | %in_clear | in it]
        | ~mask/hide/redact/obscure %whose \\( [except] [~keep/show/leave] [only/just] [the] last %count
        [digit/digits/character/characters] [visible/kept/shown/stay/only] \\)
        | %whose %be ~mask/hide/redact/obscure [,] (leaving/keeping/showing/with | and only) [only/just]
        [the/its/their] last %count [digit/digits/character/characters] [visible/readable/shown/left/kept/remaining
        | %in_clear]
        | (all/everything but/except | all but | all except) [for] the last %count [digits/characters] (of/in) %whose
        %be
        (~mask/hide/redact/obscure/star | replaced with/by asterisks/stars | blanked/starred out)
        | only/just [the] last %count [digit/digits/character/characters] (of/in/from) %whose
        (must/shall/should/may/can/will | is/are [to]) [be/stay/remain] (visible/readable/legible/shown/kept/left/stored
        | %in_clear)
    OFIT = (of/from/in/for/on) %whose [,] only/just [the/its/their] last %count [digit/digits/character/characters]
        (must/shall/should/may/can/will | %be | is/are [to])
        [be/stay/remain] (visible/readable/legible/shown/kept/left/stored/retained/displayed | %in_clear)
        | (of/from/in/for/on) %whose [,] ~show/keep/store/leave/retain only/just [the/its/their] last %count
        [digit/digits/character/characters] [visible/readable | %in_clear]
    LAST = (%hide) %whose (except [for] | but [for] | apart from | other than | excluding | down to | leaving
        | , leaving | , keeping | to | so that | so) [the/its/their] last %count digit/digits/character/characters
        [is/are ~remain/keep/show/visible | visible | readable | in clear]
        | %whose %be %hide (except [for] | but [for] | apart from | other than | down to
        | to) [the/its/their] last %count digit/digits/character/characters
        | %hide (all/everything but/except | all but) [for] the last %count digit/digits/character/characters
        (of/in) %whose
        | (all/everything but | all except) the last %count digits/characters (of/in) %whose %be %hide
    KEEP = ~keep/show/store/retain/reveal/load/expose/leave/write only/just [the] last %count
        [digit/digits/character/characters] (of/in/from) %whose
        | only/just ~keep/show/store/retain/reveal/load/expose/write [the] last %count
        [digit/digits/character/characters] (of/in/from) %whose
        | only/just [the] last %count [digit/digits/character/characters] (of/in/from) %whose
        (is/are/must/should/may/shall/can [be] ~keep/show/store/retain/reveal/load/expose/write/visible
        | ~remain [visible/readable] | is/are/must/should/shall [be/stay/remain] visible/readable)
        | ~truncate/cut/shorten/reduce/limit/trim %whose (to/down_to | down to) [the/its/their] last %count
        [digit/digits/character/characters]
        | %whose (is/are ~show/store/keep with/as | ~show/keep) [its/their/the] last %count
        [digit/digits/character/characters]
        | %whose [:] [,] only/just [the/its/their] last %count [digit/digits/character/characters]
        %be (~keep/show/store/retain/reveal/load/expose/write | visible/readable)
    DROP = ~drop/discard %whose | %whose %be ~drop/discard
    STRIP = ~drop/discard/remove/delete/strip/erase [out] %whose %before
        | %whose %be ~drop/discard/remove/delete/strip/erase [out] %before
        | %before [,] [we] ~drop/discard/remove/delete/strip/erase %whose
        | %before [,] %whose %be ~drop/discard/remove/delete/strip/erase
    LEAVES = %whose (must/may/shall/should/can/will not [ever] | cannot | must/may/shall/should/can/will never |
        never)
        ~reach/enter %warehouse
        | %whose (must/may/shall/should/can/will not [ever] | cannot [ever] | (must/may/shall/should/can/will) under
        no circumstances | must/may/shall/should/can/will
        never
        | never | does/do not [ever] | is/are not [allowed] to | is/are never to) ~leave salesforce [org]
        | never ~let/allow %whose [to] ~leave salesforce
        | (do/does/must/should/shall not) ~let/allow %whose [to] ~leave salesforce
        | %whose (must/shall/should/has to/have to | needs/need to) ~stay/remain (in/inside/within) salesforce
        | %whose ~stay/remain (in/inside/within) salesforce
        | ~keep %whose (in/inside/within) salesforce
    WANT = (do/does/did not | never) [ever] want %whose (to leave | leaving | to ever leave) salesforce
        | (do not | never) [ever] want %whose to be ~send/transfer/move/take (out of | outside [of]) salesforce
    ATSOURCE = ~drop/discard/remove/strip/delete %whose (at [the] source | in salesforce | on the way out
        | on the way in | prior to loading/storing/load | before load/loading/storage | before loading/storing it/them)
        | %whose %be ~drop/discard/remove/strip/delete/erase (at [the] source | on the way out | on the way in
        | prior to loading/storing | before load/loading/storage) | %whose (:/→) ~drop
        | %whose (must/may/shall/should/can/will not | cannot | must/may/shall/should/can/will never | never)
        (be ~send/transfer/move/take/carry/let (out of | outside [of] | from) | ~get out of | ~go outside) salesforce
        | ~stop/keep/prevent %whose from (leaving salesforce | reaching/entering %warehouse)
        | (do/must/should/shall/may not | never) ~send/transfer/move/take/carry %whose (out of | outside [of])
        salesforce
    PLAIN = %hide %whose | %whose %be %hide
    BEFORE = [,] %before
    CRYPT = ~encrypt/tokenise/tokenize %whose {encrypts=yes} | %whose %be ~encrypt/tokenise/tokenize
        {encrypts=yes}
    SCOPE = <scope>
    READ HASH [WITHSHA] [BEFORE] [CLEAR] [SCOPE] {method=sha256}
    READ HASHED|ONLYHASH|PSEUDO|NOTCLEAR [BEFORE] [CLEAR] [SCOPE] {method=sha256}
    READ LAST|LEFT|OFIT|KEEP [BEFORE] [RESTED] [SCOPE] {method=last4}
    READ DROP|STRIP|WANT|ATSOURCE|LEAVES [SCOPE] {method=drop}
    READ PLAIN|CRYPT [SCOPE] {method=open}
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
        "Contact Email must never be stored in clear text",
        "For Accounts, hashes Contact Email",
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

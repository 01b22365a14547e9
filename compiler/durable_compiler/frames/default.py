"""What a missing value becomes, and which texts count as a missing value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import SYSTEM_FIELDS, FieldSchema, Snapshot, squeeze
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.columns import fault_at, fields_named, is_plain_word, label, labels
from durable_compiler.grammar.fillers import Filler
from durable_compiler.grammar.literals import NUMBERS, PICKLISTS, TEXTS, number_words
from durable_compiler.grammar.names import STRUCTURE, FieldName
from durable_compiler.grammar.scopes import outside
from durable_compiler.grammar.sentence import Fault, Sentence

Scalar = bool | int | float | str


@dataclass(frozen=True)
class Default(Clause):
    """Fields and the value that each gets where it has none, or the texts that count as none."""

    kind: ClassVar[str] = "default"
    fields: tuple[FieldName, ...]
    value: Scalar | None = None
    blanks: tuple[str, ...] = ()


def build(values: Values, sentence: Sentence) -> Default | Fault | None:
    """The clause of a reading."""
    named = _named(values, sentence)
    if isinstance(named, Fault):
        return named
    fields = tuple(dict.fromkeys(named))
    if outside(values.get("scope"), (owner for owner, _ in fields)):
        return None
    system = next((one for one in fields if one[1] in SYSTEM_FIELDS), None)
    if system is not None:
        message = f"{label(sentence.catalogue, system)} always has a value"
        return fault_at(sentence, fields, "DUR065", message, "Name another field.")
    if "blanks" in values:
        return _blanks(fields, tuple(dict.fromkeys(values["blanks"])), sentence)
    filler: Filler = values["filler"]
    read = [_value(one, filler, sentence) for one in fields]
    fault = next((one for one in read if isinstance(one, Fault)), None)
    if fault is not None:
        return fault
    # One clause holds one value: what is 0 for a number and "0" for a text takes two sentences.
    if len({(type(one), one) for one in read}) != 1 or read[0] is None or isinstance(read[0], Fault):
        return None
    return Default(fields, read[0], assumed=_outside_picklist(fields, read[0], sentence))


def _named(values: Values, sentence: Sentence) -> tuple[FieldName, ...] | Fault:
    if "owned" in values:
        owned: tuple[FieldName, ...] = values["owned"]
        return owned
    found = fields_named(sentence, values["object"], values["named"])
    return found if isinstance(found, Fault) else tuple((values["object"], name) for name in found)


def _outside_picklist(fields: tuple[FieldName, ...], value: Scalar, sentence: Sentence) -> tuple[Assumed, ...]:
    schemas = [(one, _schema(sentence.catalogue, one)) for one in fields]
    return tuple(
        Assumed("defaults.value", value, f"{label(sentence.catalogue, one)} has no such value: written as it stands")
        for one, schema in schemas
        if schema.picklist and all(each.value != value for each in schema.picklist)
    )


def _schema(catalogue: Snapshot, field: FieldName) -> FieldSchema:
    schema = catalogue.by_name[field[0]].field(field[1])
    assert schema is not None
    return schema


def _value(field: FieldName, filler: Filler, sentence: Sentence) -> Scalar | Fault | None:
    """The value in the field's type, a Fault when it cannot be one, None when the words may say something else."""
    schema = _schema(sentence.catalogue, field)
    if schema.type in NUMBERS:
        whole = schema.type not in ("int", "long") or isinstance(filler.value, int)
        return filler.value if filler.type == "number" and whole else _mismatch(field, filler, sentence)
    if schema.type in ("date", "datetime"):
        return _moment(field, filler, schema, sentence)
    if schema.type == "boolean":
        return filler.value if filler.type == "boolean" else _mismatch(field, filler, sentence)
    if filler.type != "text" or schema.type not in TEXTS | PICKLISTS or not isinstance(filler.value, str):
        return _mismatch(field, filler, sentence)
    if schema.type in ("id", "reference") and not re.fullmatch(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", filler.value):
        return _mismatch(field, filler, sentence)
    return _text(field, filler.value, filler, schema, sentence)


def _moment(field: FieldName, filler: Filler, schema: FieldSchema, sentence: Sentence) -> Scalar | Fault:
    if filler.type == "date" and schema.type == "datetime":
        return f"{filler.value}T00:00:00Z"
    matches = filler.type == {"date": "date", "datetime": "timestamp"}[schema.type]
    return filler.value if matches else _mismatch(field, filler, sentence)


def _text(field: FieldName, text: str, filler: Filler, schema: FieldSchema, sentence: Sentence) -> str | Fault | None:
    same = {one.value for one in schema.picklist if squeeze(text) in (squeeze(one.value), squeeze(one.label))}
    if len(same) == 1 and squeeze(text):
        return min(same)
    if not text.strip() or re.search(r'[`"“”\n\r]', text):
        return None
    if filler.quoted:
        return text
    # An unquoted word may be a verdict ("becomes mandatory") or a field whose value is meant ("use the Name").
    if _is_name(text):
        return text if squeeze(text) not in _names(sentence.catalogue, field[0]) else None
    if filler.end - filler.start > 1 and "-" not in text:
        return None
    if _is_bare(sentence.catalogue, field[0], text):
        return text
    message = f"'{text}' may be a value or say something else"
    help = f"Write a text between backticks: `{text}`."
    offers = (f"A missing {label(sentence.catalogue, field)} becomes `{text}`",)
    return sentence.fault("DUR020", message, filler.start, filler.end, help, offers)


_VERDICTS = frozenset(
    "rejected ignored skipped dropped kept removed deleted unchanged excluded refused none null empty blank missing "
    "itself error errors failure failures fail invalid valid reject skip ignore warning warnings nothing".split()
)


# Words with the ending of a participle that stand for no value, and states that records are in.
_PLAIN = frozenset(
    "unknown other default new unspecified unassigned undefined unlisted unclassified uncategorised uncategorized "
    "untitled undisclosed unrated unqualified unnamed undetermined unstated unregistered unsegmented pending "
    "inactive active undecided unsorted unallocated unconfirmed unranked untiered ungraded general".split()
)


def _is_name(text: str) -> bool:
    """Whether a text is several words that all begin with a capital."""
    words = text.split(" ")
    return len(words) > 1 and all(word[:1].isupper() for word in words)


def _names(catalogue: Snapshot, owner: str) -> frozenset[str]:
    """What the object's fields and the objects are called."""
    return frozenset(catalogue.by_name[owner].by_key) | frozenset(catalogue.by_key)


def _is_bare(catalogue: Snapshot, owner: str, text: str) -> bool:
    """Whether a word can stand for itself without a mark."""
    word = text.casefold()
    if not is_plain_word(word) and word not in _PLAIN:
        return False
    return word not in _VERDICTS | STRUCTURE and squeeze(word) not in catalogue.by_name[owner].by_key


def _mismatch(field: FieldName, filler: Filler, sentence: Sentence) -> Fault:
    schema = _schema(sentence.catalogue, field)
    words = sentence.spelling(filler.start, filler.end)
    message = f"{label(sentence.catalogue, field)} is a field of type {schema.type}, and {words} is no such value"
    return sentence.fault("DUR038", message, filler.start, filler.end, "Write a value of the field's type.")


def _blanks(fields: tuple[FieldName, ...], texts: tuple[str, ...], sentence: Sentence) -> Default | Fault | None:
    if any(re.search(r'[`"“”\n\r]', one) or not one.strip() for one in texts):
        return None
    for field in fields:
        schema = _schema(sentence.catalogue, field)
        wrong = next((one for one in texts if not _possible(schema, one)), None)
        if wrong is not None:
            message = f"{label(sentence.catalogue, field)} is a field of type {schema.type} and never holds '{wrong}'"
            return fault_at(sentence, fields, "DUR038", message, "Write texts that the field can hold.")
    return Default(fields, blanks=texts)


def _possible(schema: FieldSchema, text: str) -> bool:
    """Whether Salesforce can return this text for a field of this type."""
    if schema.type in NUMBERS:
        return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
    if schema.type in ("date", "datetime"):
        return re.match(r"\d{4}-\d{2}-\d{2}", text) is not None
    return schema.type != "boolean" and schema.readable


def echo(clause: Default, catalogue: Snapshot) -> str:
    """Canonical English."""
    words = labels(catalogue, clause.fields)
    if clause.blanks:
        return f"Treats {listed(f'`{one}`' for one in clause.blanks)} as a missing {words}"
    assert clause.value is not None
    value = _spoken_value(clause.value, clause.fields, catalogue)
    return f"A missing {words} {'becomes' if len(clause.fields) == 1 else 'become'} {value}"


def _spoken_value(value: Scalar, fields: tuple[FieldName, ...], catalogue: Snapshot) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_words(value)
    schema = _schema(catalogue, fields[0])
    if schema.type == "date":
        return value
    if schema.type == "datetime":
        return f"{value[:10]} {value[11:16]} UTC"
    bare = value.isidentifier() and all(_is_bare(catalogue, owner, value) for owner, _ in fields)
    return value if bare else f"`{value}`"


def ir(clause: Default, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    if clause.blanks:
        values = list(clause.blanks)
        return {"blanks": [{"object": owner, "field": name, "values": values} for owner, name in clause.fields]}
    return {"defaults": [{"object": owner, "field": name, "value": clause.value} for owner, name in clause.fields]}


FRAME = Frame(
    kind="default",
    doc="Says what a missing value becomes, and which texts count as a missing value.",
    phrases="""
    MISSING = [a/an/any/every/each/all/the] %absent <owned> [is/are] %turns <filler>
        | [a/an/any] %absent values of/in/for <owned> %turns <filler>
        | <owned> without [a] value %turns <filler> | <owned> (with no value | left %absent) %turns <filler>
        | no <owned> (~mean | → | = | :) <filler> | [any] %absent <owned> (:/-/? | – | —) [%use] <filler>
        | (where/when/if) [a/an/any] %absent <owned> [is] (found | comes in | comes up | ~occur) [,] [then] %fills
        <filler>
        | <filler> (replaces | stands in for | is used for | stands for) [a/an/any/all] %absent <owned>
    DEFAULTS = <owned> ~default to <filler> | ~default [a/an/any] [%absent] <owned> to <filler>
        | [the] default [value] of/for <owned> is/are/being/= <filler> | <owned> has/have [a/the] default [value]
        [of] <filler>
        | <filler> (is | must/shall/should be) the default [value] for/of <owned>
        | ~set the default [value] of/for <owned> to <filler>
        | ~use/take/assume/set <filler> as [the/a] default [value] for/of/in <owned>
        | the default <owned> is <filler> | default [value] for/of <owned> : <filler>
        | <owned> [:/,/-] [the] default [value] [:/is/=/of/to] <filler> | <owned> \\( default [value] [:/is/=]
        <filler> \\)
        | <owned> : [%use] <filler> (by default | (when/if/where) (%absent | it's %absent) | as [the] default)
        | by default [,] <owned> is <filler> | default <owned> [:/=] <filler> | <owned> ~fall back to <filler>
        | ~give <owned> [a/the] default [value] of <filler> | ~give <owned> <filler> (by default | as [the/a] default)
    ABSENCE = in the absence of <owned> [,] (%fills <filler> | [the] [value/text] <filler> %filled_in)
        | [the/a] (fill/default/replacement/fallback) value for [a/an/any] %absent <owned> [:/is/=] <filler>
    NOTHING = %when nothing is (entered/given/recorded/set/known/stored | filled in) (for/in/as) <owned> [,] [then]
        (%fills
        <filler> | [the] [value/text] <filler> %filled_in)
    AGAIN = (%when <it:owned> %isabsent | %when <its:owned> %absent) [,] [then] %fills <filler>
        | (%when <it:owned> %isabsent | %when <its:owned> %absent) [,] [then] [the] [value/text] <filler> %filled_in
        | %use <filler> (%when <it:owned> %isabsent | %when <its:owned> %absent)
        | <filler> (%when <it:owned> %isabsent | %when <its:owned> %absent)
        | (%when <it:owned> %isabsent | %when <its:owned> %absent) [,] (it/they) %turns <filler>
    WHEN = %when no <owned> (is/are | has been | have been | was/were)
        (given/set/present/known/there/available/recorded/entered
        | specified/provided/stored | filled in) [,] [then] (%fills <filler> | [the] [value/text] <filler> %filled_in)
        | %when there is/are no <owned> [,] [then] %fills <filler> | %when <owned> %isabsent [,] [then] %fills
        <filler> [instead]
        | %when <owned> %isabsent [,] [then] (it/they | the value | that) %turns <filler>
        | %when there is/are no <owned> [,] [then] (it/they | the value) %turns <filler>
        | (%when there is/are no <owned> | %when <owned> %isabsent) [,] [then] [the] [value/text] <filler> %filled_in
        | <owned> %absent [?/:/,] %fills <filler>
        | (no | %absent) <owned> ? [then] %fills <filler>
    TRAIL = %use <filler> [instead] [as the value] [for <owned>] %when <owned> %isabsent
        | %use <filler> %when (%absent <owned> | there is/are no <owned>)
        | %use <filler> (for/in/as) <owned> %when ((it/they/that | the value | the field) %isabsent | it's %absent)
        | %use <filler> (for/in/as) <owned> (%when %absent | %when there is/are no value)
        | ~set/default <owned> to <filler> %when ((it/they/that | the value | the field) %isabsent | it's %absent)
        | <owned> %turns <filler> %when ((it/they/that | the value | the field) %isabsent | it's %absent)
        | <owned> (is | %turns) <filler> %when %absent | ~set/default <owned> to <filler> %when %absent
        | <owned> [,] %when %absent [,] (is | %turns) <filler> | <owned> [,] %when %isabsent [,] %turns <filler>
        | <filler> %filled_in %when <owned> %isabsent | <filler> %when <owned> %isabsent
    FILL = ~fill/replace/substitute/populate/set/store/write/convert/turn/load/save/map/overwrite/treat/count/show
        [in/out/up]
        [a/an/any/all/every/each/the]
        %absent <owned> [with/by/as/to/into | to be] <filler>
        | ~fill/replace/populate/set [in/up] [any/all] %absent values of/in/for <owned> with/by/to <filler>
        | ~fill [in/up] [any/all/the] (gaps/blanks/holes | empty/missing values) (of/in/for) <owned> with/by <filler>
        | %use <filler> (for | in place of | instead of | in) [a/an/any/all] %absent <owned>
        | %use <filler> (wherever/where/when/if) <owned> %isabsent
        | ~fill/populate <owned> [in] with <filler> %when (it/they | the value) %isabsent
        | ~fill/populate <owned> [in] with <filler> %when %absent
        | ~let [a/an] %absent <owned> (be/become/read) <filler> | ~put <filler> (in/into) [a/an/any] %absent <owned>
    OBJECT = (for/on/in) <object> [,] [a/an/any/all] %absent <named> %turns <filler>
        | ~fill [in] [a/an/any/all] %absent <named> (with/by) <filler> (for/on/in/of) <object>
        | <object> %lacking <named> (get/gets/receive/receives | must/shall/should get/receive/have | %be given | %be
        assigned | %turns)
        <filler> [as [the/a] [default] [value] | as (its/their/the) <named>]
        | ~give <object> %lacking <named> [a/the] [value] [of] <filler>
        | (for/on/in) <object> [,] <named> ~default to <filler>
        | (for/on/in) <object> [,] %when <named> %isabsent [,] %fills <filler>
        | (for/on/in/of) <object> %lacking <named> [,/:] %fills <filler> | <object> %lacking <named> [,/:/→] %fills
        <filler>
        | %when [a/an/any] <some:object> %lacks <named> [,] [then] %fills <filler> [instead]
        | %when [a/an/any] <some:object> %lacks <named> [,] [then] [the] [value/text] <filler> %filled_in
        | %when [a/an/any] <some:object> %lacks <named> [,] [then] (it/they | the value | that) %turns <filler>
        | %use <filler> (when/if/where) [a/an/any] <some:object> %lacks <named>
        | %use <filler> (for/on/in) <object> %lacking <named>
    TREAT = ~treat/read/count/regard/interpret/consider/handle/take/see <blanks> (as | to be | like) [a/an]
        (%absent | no) <owned>
        | ~treat/read/count/regard/interpret/consider/handle/take/see <blanks> (in/for/of) <owned> [as/like] [to be]
        %nothing
        | ~treat/read/count/regard/interpret/consider/handle/take/see <blanks> (as/like) %nothing (in/for/of) <owned>
        | ~treat/read/count/regard/interpret/consider <owned> as %nothing %when (it/they | its value | the value)
        is/are/says/say/equals/reads <blanks>
    IN = (in/for/on) <owned> [,/:] <blanks> %counts %nothing
        | (in/for/on) <owned> [,/:] ~treat/read/count/regard/interpret/consider/handle/take <blanks> (as/like) %nothing
        | <owned> : ~treat/read/count/regard/interpret/consider <blanks> as %nothing
        | <owned> : <blanks> %counts %nothing
    COUNT = <blanks> (in/for/of) <owned> %counts %nothing | <blanks> %counts [a/an] %absent <owned>
        | <blanks> %counts %nothing (in/for) <owned>
    OF = [a/an/any] <owned> of <blanks> %counts %nothing | <owned> <blanks> %counts %nothing
        | [a/an/any] <owned> (that is/are | that says/say | that reads/read | equal to | which is/are | that equals
        | containing | which reads | saying | reading) <blanks> %counts %nothing
        | <owned> %counts %nothing (when/if/where) (it/they) is/are/says/say/equals/reads/read/contains <blanks>
        | (when/if/where) <owned> (is/are/says/say/equals/reads/read/contains) <blanks> [,] [then]
        ~treat/read/count/regard/interpret/consider (it/that/them) as %nothing
        | (when/if/where) <owned> (is/are/says/say/equals/reads/read/contains) <blanks> [,] [then] (it/that/they)
        %counts
        %nothing
    NULLS = ~null [out] <blanks> (in/for) <owned> | null/nulls/blank/blanks out <owned> %when (it/they | the value)
        is/are/says/say/equals/reads <blanks> | ~convert/turn/change/set/replace <blanks> (in/for) <owned>
        (to/into/with/by) (null | nulls | nothing |
        an empty value
        | blank | empty)
    SCOPE = <scope>
    READ OBJECT
    READ MISSING|DEFAULTS|ABSENCE|NOTHING|AGAIN|WHEN|TRAIL|FILL [SCOPE]
    READ TREAT|IN|COUNT|OF|NULLS [SCOPE]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("defaults", "blanks"),
    examples=(
        "A missing Industry becomes Unknown",
        "Treats N/A and - as a missing Contact Phone",
        "Industry defaults to Unknown",
        "When Annual Revenue is missing, use 0",
        "Empty Account Types are stored as Prospect",
        "`n/a`, `none` and `-` in Contact Phone count as blank",
        "Fills missing Contact Birthdates with 1900-01-01",
        "Sets Industry to Unknown when it is missing",
    ),
    near_misses=(
        "Contact Email: Unknown",
        "For Accounts, a missing Contact Email becomes Unknown",
        "A missing Industry never becomes Unknown",
        "A missing Industry becomes Unknown or Other",
        "A missing Annual Revenue becomes Unknown",
        "A missing Contact Birthdate becomes 2023-02-30",
        "A missing Industry becomes mandatory",
        "A missing Industry becomes null",
        "A missing Industry becomes Type",
        "A missing Contact Email is rejected",
        "When Annual Revenue is present, use 0",
        "Treats dashes as a missing Contact Phone",
        "Treats N/A as a missing Annual Revenue",
        "Does not treat N/A as a missing Contact Phone",
        "Treats N/A as a valid Contact Phone",
        "A missing Industry usually becomes Unknown",
        "Treats everything as a missing Contact Phone",
    ),
)

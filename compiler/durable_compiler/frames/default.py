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


def _is_bare(catalogue: Snapshot, owner: str, text: str) -> bool:
    """Whether a word can stand for itself without a mark."""
    word = text.casefold()
    if not is_plain_word(word) and word not in ("unknown", "other", "default", "new"):
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
    MISSING = %absent <owned> [is/are] %turns <filler> | %absent values of/in/for <owned> %turns <filler>
        | (a/an/any/every/each/all) %absent <owned> %turns <filler>
        | <owned> without [a] value %turns <filler>
        | no <owned> ~mean <filler>
    DEFAULTS = <owned> ~default to <filler> | ~default <owned> to <filler>
        | [the] default [value] of/for <owned> is/are/being <filler> | <owned> has/have [a/the] default [value]
        [of] <filler>
        | <filler> is the default [value] for/of <owned> | ~set the default [value] of/for <owned> to <filler>
        | ~use/take/assume/set <filler> as [the/a] default [value] for/of <owned>
        | the default <owned> is <filler> | default [value] for/of <owned> : <filler> | <owned> default : <filler>
        | by default [,] <owned> is <filler>
    WHEN = %when there is/are no <owned> [,] [then] %fills <filler> | %when <owned> %isabsent [,] [then] %fills
        <filler> [instead]
        | %when <owned> %isabsent [,] [then] (it/they | the value) %turns <filler>
    TRAIL = %use <filler> %when <owned> %isabsent | %use <filler> instead %when <owned> %isabsent
        | ~set/default <owned> to <filler> %when (it/they/that | the value | the field) %isabsent
        | <owned> %turns <filler> %when (it/they/that | the value | the field) %isabsent
        | <owned> (is | %turns) <filler> %when %absent | ~set/default <owned> to <filler> %when %absent
    FILL = ~fill/replace/substitute/populate/set/store/write/convert/turn/load/save/map/overwrite [in/out/up]
        [a/an/any/all]
        %absent <owned> [with/by/as/to/into] <filler>
        | ~fill/replace/populate/set [in/up] %absent values of/in/for <owned> with/by/to <filler>
        | %use <filler> (for | in place of | instead of | in) [a/an/any/all] %absent <owned>
        | ~fill/populate <owned> with <filler> %when (it/they | the value) %isabsent
        | ~fill/populate <owned> with <filler> %when %absent
    OBJECT = (for/on/in) <object> [,] [a/an/any/all] %absent <named> %turns <filler>
        | ~fill [in] [a/an/any/all] %absent <named> (with/by) <filler> (for/on/in/of) <object>
        | <object> %lacking <named> (get/gets/receive/receives) <filler>
        | (for/on/in) <object> [,] <named> ~default to <filler>
        | (for/on/in) <object> [,] %when <named> %isabsent [,] %fills <filler>
    TREAT = ~treat/read/count/regard/interpret/consider/handle/take <blanks> (as | to be | like) [a/an]
        (%absent | no) <owned>
        | ~treat/read/count/regard/interpret/consider/handle/take <blanks> (in/for/of) <owned> [as] [to be] %nothing
        | ~treat/read/count/regard/interpret/consider/handle/take <blanks> as %nothing (in/for/of) <owned>
        | ~treat/read/count/regard/interpret/consider <owned> as %nothing %when (it/they | its value | the value)
        is/are/says/say/equals/reads <blanks>
    IN = (in/for) <owned> [,] <blanks> %counts %nothing
        | (in/for) <owned> [,] ~treat/read/count/regard/interpret/consider/handle/take <blanks> as %nothing
        | <owned> : ~treat/read/count/regard/interpret/consider <blanks> as %nothing
    COUNT = <blanks> (in/for/of) <owned> %counts %nothing | <blanks> %counts [a/an] %absent <owned>
        | <blanks> %counts %nothing (in/for) <owned>
    OF = [a/an/any] <owned> of <blanks> %counts %nothing | <owned> <blanks> %counts %nothing
        | [a/an/any] <owned> (that is | that says | that reads | equal to | which is | that equals) <blanks>
        %counts %nothing
        | <owned> %counts %nothing (when/if) (it/they) is/are/says/say/equals/reads <blanks>
    NULLS = ~null [out] <blanks> (in/for) <owned> | null/nulls/blank/blanks out <owned> %when (it/they | the value)
        is/are/says/say/equals/reads <blanks> | ~convert/turn/change/set/replace <blanks> (in/for) <owned>
        (to/into/with/by) (null | nulls | nothing |
        an empty value
        | blank | empty)
    READ OBJECT|MISSING|DEFAULTS|WHEN|TRAIL|FILL
    READ TREAT|IN|COUNT|OF|NULLS
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

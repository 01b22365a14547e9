"""Which column a field is stored in, and of which type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import SYSTEM_FIELDS, FieldSchema, Snapshot, squeeze
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.columns import Renamed, label
from durable_compiler.grammar.names import FieldName
from durable_compiler.grammar.sentence import Fault, Sentence
from durable_compiler.layout import TEXT_TYPE, TYPES, column_name


@dataclass(frozen=True)
class Map(Clause):
    """Fields with the columns and types that they get; either may be left open."""

    kind: ClassVar[str] = "map"
    columns: tuple[Renamed, ...]


def build(values: Values, sentence: Sentence) -> Map | Fault | None:
    """The clause of a reading."""
    columns = values["renames"] if "renames" in values else _renamed(values)
    if not columns or len({one.name for one in columns}) != len(columns):
        return None
    for one in columns:
        fault = _refused(one, sentence)
        if fault is not None:
            return fault
    if any(_is_a_value(one, sentence) for one in columns):
        return None
    names = [(one.name[0], one.column) for one in columns if one.column is not None]
    if len(set(names)) != len(names):
        return Fault(
            "DUR082", "two fields would share a column", 0, len(sentence.text), "Give each field its own column."
        )
    whole = tuple(
        Assumed("mappings.type", one.type, "38 digits are the most that a number can have")
        for one in columns
        if one.type is not None and one.type.startswith("number(38,")
    )
    return Map(columns, assumed=whole)


def _renamed(values: Values) -> tuple[Renamed, ...]:
    """`Account Phone and Fax as phone_number and fax_number`: as many columns as fields."""
    fields: tuple[FieldName, ...] = values["owned"]
    columns = values.get("columns", (values.get("column"),))
    if "type" in values and "column" not in values and "columns" not in values:
        return tuple(Renamed(one, None, values["type"]) for one in fields)
    if len(columns) != len(fields):
        return ()
    return tuple(Renamed(one, column, values.get("type")) for one, column in zip(fields, columns, strict=True))


def _is_a_value(one: Renamed, sentence: Sentence) -> bool:
    """Whether the word after `as` is a value of the field: "Stores Rating as cold" speaks of values."""
    schema = sentence.catalogue.by_name[one.name[0]].field(one.name[1])
    assert schema is not None
    return one.column is not None and any(squeeze(each.value) == squeeze(one.column) for each in schema.picklist)


# What each kind of field can become without inventing anything; a value that does not fit is rejected by the run.
_POSSIBLE = {
    "boolean": ("boolean", "text"),
    "integer": ("integer", "number", "text"),
    "number": ("number", "integer", "text"),
    "date": ("date", "timestamp", "text"),
    "timestamp": ("timestamp", "date", "text"),
    "time": ("time", "text"),
}
_TEXTS = {
    "string": ("text", "integer", "number", "boolean", "date", "timestamp", "time", "json"),
    "textarea": ("text", "integer", "number", "boolean", "date", "timestamp", "time", "json"),
    "picklist": ("text", "integer", "number", "boolean"),
    "combobox": ("text", "integer", "number", "boolean"),
    "multipicklist": ("text", "json"),
}


def _refused(one: Renamed, sentence: Sentence) -> Fault | None:
    schema = sentence.catalogue.by_name[one.name[0]].field(one.name[1])
    assert schema is not None
    words = label(sentence.catalogue, one.name)
    if one.name[1] in SYSTEM_FIELDS:
        message = f"{words} is stored in a system column, whose name is fixed"
        return _fault(one, sentence, "DUR083", message, "Map another field.")
    if not schema.readable:
        message = f"{words} has no column: it is a file or a compound value"
        return _fault(one, sentence, "DUR038", message, "Map its parts.")
    possible = possible_types(schema)
    if one.type is None or one.type.partition("(")[0] in possible:
        return None
    message = f"{words} is a field of type {schema.type} and cannot be stored as {one.type}"
    target = f" in column {one.column}" if one.column else ""
    offers = tuple(f"Stores {words}{target} as {each}" for each in possible[:3])
    return _fault(one, sentence, "DUR038", message, f"Store it as {listed(possible)}.", offers)


def _fault(one: Renamed, sentence: Sentence, code: str, message: str, help: str, offers: tuple[str, ...] = ()) -> Fault:
    start, end = one.at if one.at[1] else (0, len(sentence.tokens))
    return sentence.fault(code, message, start, end, help, offers)


def possible_types(schema: FieldSchema) -> tuple[str, ...]:
    """The column types that a field's values can have."""
    kind = TYPES.get(schema.type, TEXT_TYPE)[0]
    return _POSSIBLE.get(kind) or _TEXTS.get(schema.type, ("text",))


def echo(clause: Map, catalogue: Snapshot) -> str:
    """Canonical English."""
    parts = (f"{label(catalogue, one.name)}{_target(one)}" for one in clause.columns)
    return f"Stores {listed(parts)}"


def _target(one: Renamed) -> str:
    kind = f" as {one.type}" if one.type else ""
    return f" in column {one.column}{kind}" if one.column else kind


def ir(clause: Map, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"mappings": [_mapping(one) for one in clause.columns]}


def _mapping(one: Renamed) -> dict[str, Any]:
    owner, name = one.name
    column = one.column or column_name(name)
    return {"object": owner, "field": name, "column": column, "type": one.type, "transforms": []}


FRAME = Frame(
    kind="map",
    doc="Says which column a field is stored in, and of which type.",
    phrases="""
    STORE = ~store/save/load/write/land/put/map/rename/copy/keep/bring/expose/publish <renames>
    ARE = <declared:renames>
    RENAME = ~rename/name/call <owned> [column/columns] [to/into/as] [the] [column/columns] <column_names:columns>
    MANY = ~store/save/load/write/land/put/map/rename/copy/keep <owned> as/to/into/in/→
        [the] [column/columns] <column_names:columns> [, respectively | respectively | in that order]
    MANYBE = <owned> (needs/need/has/have to be | is/are to be)
        ~store/save/load/write/land/put/map/rename/copy/keep as/to/into/in [the]
        [column/columns] <column_names:columns> [, respectively | respectively | in that order]
    GOES = <owned> ~go/land/end_up (in/into/to [the/a] column [called/named] | in/into/to) <column_names:columns>
        [column]
    COLON = <owned> : ~store/save/map/rename/load/write as/to/into/in [the] [column] <plain_column:column>
    HOLDS = [the] column <new_column:column> ~hold/contain/store/carry/keep/take <owned>
        | <owned> ~populate/fill/feed [the] column <new_column:column>
    USE = ~use <new_column:column> (as the column name | as column name | as the column | as the name) for/of
        <owned>
        | ~use [the] column [name/called/named] <new_column:column> for/of <owned>
        | [the] column [name] (for/of) <owned> %be [called/named] <new_column:column>
        | <owned> ~become/use [the] column <new_column:column>
        | <owned> : column <new_column:column>
    CALLED = [the] <owned> [column] %be (called/named | known as | renamed to)
        <column_names:columns> [in the warehouse | in the target | in the table | in snowflake]
    TYPED = ~store/save/load/write/keep/convert/cast/type/treat/land <owned> (as/to/into) <column_type:type>
        | <owned> %be (~store/save/load/write/keep/convert/cast/type/treat (as/to/into)
        | [of type]) <column_type:type>
        | <owned> (has/have | must/shall/should have) [the] type <column_type:type>
        | the type of <owned> %be <column_type:type>
    OFTYPE = (as | of type | with type | and type) <column_type:type>
    READ STORE|ARE
    READ RENAME|MANY|MANYBE|GOES|COLON|HOLDS|USE|CALLED [OFTYPE]
    READ TYPED
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("mappings",),
    examples=(
        "Stores Account Phone as phone_number",
        "Maps Contact Email to email_address as text",
        "Stores Account Phone as phone_number and Industry as sector",
        "Renames Account Phone to phone_number",
        "Stores Annual Revenue as number(18,2)",
        "Column phone_number holds Account Phone",
        "Stores Account Phone and Industry as phone_number and sector",
        "Account Phone → phone_number",
    ),
    near_misses=(
        "Never stores Account Phone as phone_number",
        "Stores Account Phone as phone_number or telephone",
        "Stores Account Phone as row_hash",
        "Stores Account Phone as select",
        "Stores Account Phone as PhoneNumber",
        "Stores Account Phone and Industry as phone_number",
        "Stores Account Phone as encrypted",
        "Stores Contact Email as a boolean",
        "Stores Annual Revenue as number(50,2)",
        "Stores Account Phone as x_phone and Industry as x_phone",
        "Stores Account Industry as banking",
        "Usually stores Account Phone as phone_number",
        "Stores Account Id as account_id",
    ),
)

"""Which column a field is stored in, and of which type."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from durable_compiler.catalogue import SYSTEM_FIELDS, FieldSchema, Snapshot, squeeze
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.columns import Renamed, label
from durable_compiler.grammar.names import FieldName
from durable_compiler.grammar.scopes import outside
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
    if "renames" in values and "type" in values:
        columns = _typed(columns, values["type"])
    if outside(values.get("scope"), (one.name[0] for one in columns)):
        return None
    if "object" in values and outside(values["object"], (one.name[0] for one in columns)):
        return None
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


def _typed(columns: tuple[Renamed, ...], kind: str) -> tuple[Renamed, ...]:
    """A type behind one field and its column; behind several it could be of the last or of all."""
    if len(columns) != 1 or columns[0].column is None or columns[0].type is not None:
        return ()
    return (replace(columns[0], type=kind),)


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
    STORE = ~store/save/load/write/land/put/map/rename/copy/keep/bring/expose/publish/record/hold/persist/deliver
        <renames>
    ARE = <declared:renames>
    RENAME = ~rename/name/call/title <owned> [column/columns] [to/into/as] [the] [column/columns]
        <column_names:columns> %in_order
    MANY = %holding <owned> %as_columns %in_order
        | %storing_as <owned> (under/as/at/in) [the/its] [new] [column/field] name/names [of] <column_names:columns>
        %in_order
    MANYBE = %wanting <owned> (%be | need/needs to be | has/have to be | is/are to be | ~go)
        [~store/save/load/write/land/put/map/rename/copy/keep/hold/record/place/capture/expose/publish/persist/deliver
        | available/visible/known/found] %as_columns %in_order
        | (have/want/need/like) <owned>
        ~store/save/load/write/land/put/map/rename/copy/keep/hold/record/place/capture/expose/publish/persist
        %as_columns %in_order
    AGAIN = %holding <it:owned> %as_columns | <it:owned> %be %holding %as_columns | ~rename/call <it:owned> [to/as]
        <column_names:columns>
    GOES = <owned> ~go/land/belong/live (in/into/to/under [the/a] column [called/named] | in/into/to)
        <column_names:columns> [column] | <owned> (~appear/arrive/surface | ~show up | ~end up | ~map) (as/under/to)
        [the]
        [column/name]
        <column_names:columns>
    TYPECOLUMN = %wanting <owned> (~become | must/shall/should become | %be ~store/hold/keep/save/record/load/land as
        | (%be | is/are/be) | ~turn into | is/are/be ~turn/convert/make into | : [a/an])
        [a/an/the] <column_type:type> %typed_column
        | ~store/hold/keep/save/record/load/land/turn/make/convert/map/have/want/need/expose <owned>
        [~store/hold/keep/save/record/load] [as/into/to/in] [a/an/the] <column_type:type> %typed_column
    BECOMES = %wanting <owned> ~become [the/a/an] (column/columns/field [called/named] <column_names:columns>
        | <marked_column:column> [column])
    COLON = <owned> : ~store/save/map/rename/load/write/keep/hold/put/call as/to/into/in/it [the] [column]
        <plain_column:column> | <owned> : %as_columns
    HOLDS = [the/a] [new/target/warehouse] [<known:object>] column <new_column:column>
        ~hold/contain/store/carry/keep/take/show/receive <owned>
        | <owned> ~populate/fill/feed [the] column <new_column:column>
        | [the] [<known:object>] <marked_column:column> [column] ~hold/contain/store/carry/show/receive <owned>
        | [the] [target/warehouse] [<known:object>] column <new_column:column> [%be] (for |
        populated/filled/fed/taken from/with/by
        | comes from) <owned>
        | [the] <marked_column:column> [column] ([%be] (populated/filled/fed/taken from/with/by) | comes from | ← | < -)
        <owned>
    EQUALS = [column] <marked_column:column> (= | : | is) <owned> | <owned> (= | :) <marked_column:column>
    USE = ~use <new_column:column> (as the column name | as column name | as the column | as the name) for/of
        <owned>
        | ~use [the] column [name/called/named] <new_column:column> for/of <owned>
        | [the] [warehouse/target/snowflake/new] column [name] (for/of) <owned> %be [called/named] <new_column:column>
        | [the] column [name] (for/of) <owned> : <new_column:column>
        | ~name/call [the] column (for/of/with) <owned> <column_names:columns>
        | <owned> ~become/use/get/take/have/receive [the/a] column [name/called/named] <new_column:column>
        | <owned> ~get/take/have/receive/bear/carry [the] name <new_column:column>
        | <owned> : column <new_column:column>
    CALLED = [the] <owned> [column] (%be | must/shall/should be) (called/named | known as | renamed to | referred to as)
        <column_names:columns> [in the warehouse | in the target | in the table | in snowflake]
    TYPED = ~store/save/load/write/keep/convert/cast/type/treat/land/hold/record/turn/make <owned> (as/to/into)
        [a/an] <column_type:type>
        | %wanting <owned> %be (~store/save/load/write/keep/convert/cast/type/treat/hold/record/turn/land (as/to/into)
        | [of type | of the type]) [a/an] <column_type:type>
        | <owned> (has/have | must/shall/should have | ~get) [the] [column] type <column_type:type>
        | (have/want/need) <owned> ~store/save/load/write/keep/convert/cast/type/treat/hold/record (as/to/into)
        [a/an] <column_type:type>
        | the [column/data] type of <owned> %be <column_type:type>
        | [the] [column/data] type (of/for) <owned> : <column_type:type>
        | ~use [the] [column/data] type <column_type:type> for <owned>
        | ~use <column_type:type> as [the] [column/data] type (for/of) <owned>
    OFTYPE = [and] ~cast/convert it/them (to/as/into) <column_type:type> | (as | of type | with type | with the type
        | and type | and typed as | typed as | typed)
        <column_type:type> | [,] [the/data] type [is/:/=] <column_type:type> | [,] [a/an] <column_type:type> [column]
        | \\( [type] [:] <column_type:type> \\)
    FOR = (for/of) <owned> [,/:] (~use [the] column [name] <new_column:column> [and [the] type <column_type:type>]
        | the column [name] <new_column:column> [and [the] type <column_type:type>] %be ~use
        | ~use [the] type <column_type:type> [and [the] column [name] <new_column:column>]
        | [the] column [name] %be [called/named] <new_column:column> | [the] column [name] : <new_column:column>)
        | (have/want/need/like/let) <owned> ~land/appear/go/arrive/be %as_columns
    WHERE = (in the output | on our side | at/on our end | downstream | in the (warehouse/target/table/database) | in
        snowflake/duckdb)
    SCOPE = <scope>
    READ STORE|ARE|BECOMES|RENAME|MANY|MANYBE|AGAIN|GOES|COLON|HOLDS|EQUALS|USE|CALLED|FOR [OFTYPE] [WHERE] [SCOPE]
    READ TYPED|TYPECOLUMN [WHERE] [SCOPE]
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
        "For Accounts, renames Contact Email to work_email",
        "Stores Account Phone in snowflake",
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

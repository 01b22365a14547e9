"""Where the rows are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.sentence import Fault, Sentence

_SYSTEM_NAMES = {"snowflake": "Snowflake", "duckdb": "DuckDB"}
# Words that describe a table, a schema or a database rather than name one.
_NO_NAMES = frozenset(
    "table tables schema schemas database databases warehouse target destination sink output separate own dedicated "
    "individual different single one same another new existing final main common shared unified staging per named "
    "called name names object objects record records row rows data using via with under whole entire full big large "
    "wide temporary temp any other correct right following respective corresponding appropriate".split()
)


@dataclass(frozen=True)
class Target(Clause):
    """A warehouse and a table, or a table an object, in a database and a schema, when `table` is None."""

    kind: ClassVar[str] = "write"
    system: str
    table: str | None
    database: str | None = None
    schema: str | None = None


def build(values: Values, sentence: Sentence) -> Target | Fault | None:
    """The clause of a reading."""
    names = {key: values[key] for key in ("table", "before", "path", "database", "schema") if key in values}
    if "system" not in values or any(name.casefold() in _NO_NAMES | set(_SYSTEM_NAMES) for name in names.values()):
        return None
    table = names.get("table") or names.get("before") or names.get("path")
    *above, last = (names.get("schema") or "").split(".")
    database, schema = names.get("database", above[-1] if above else None), last or None
    if len(above) > 1 or (above and "database" in names):
        return None
    if table is None:
        return Target(values["system"], None, database, schema)
    if database and not schema and "." not in table:
        help = f"Write the whole name, e.g. table {database}.PUBLIC.{table}."
        span = (sentence.tokens[0].start, sentence.tokens[-1].end)
        return Fault("DUR020", f"the sentence names database {database} and no schema in it", *span, help)
    return _qualified(values["system"], [part for part in (database, schema) if part], table)


def _qualified(system: str, above: list[str], table: str) -> Target | None:
    """A table with the database and the schema that the sentence names next to it."""
    if len(above) + table.count(".") > 2:
        return None
    return Target(system, ".".join([*above, table]))


def echo(clause: Target, catalogue: Snapshot) -> str:
    """Canonical English."""
    system = _SYSTEM_NAMES[clause.system]
    if clause.table:
        return f"Writes to {system} table {clause.table}"
    places = [f"{what} {name}" for what, name in (("database", clause.database), ("schema", clause.schema)) if name]
    return f"Writes each object to its own {system} table{' in ' if places else ''}{', '.join(places)}"


def ir(clause: Target, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    *qualifiers, table = clause.table.split(".") if clause.table else [clause.database, clause.schema, None]
    database, schema = [None] * (2 - len(qualifiers)) + qualifiers
    layout = "unified" if clause.table else "per_object"
    return {
        "target": {"system": clause.system, "database": database, "schema": schema, "table": table, "layout": layout}
    }


FRAME = Frame(
    kind="write",
    doc="Names the warehouse and the table that receive the rows.",
    phrases="""
    VERB =
        ~materialise/materialize/write/load/save/store/put/land/deliver/send/copy/insert/sync/export/persist/output/upload/push/replicate
        | %purely ~dump/write/put/load | can [all] go | ~live/sit | give us | ~give |
        ~use/target/fill/populate/create/make/have/receive/hold/want/need/go/arrive/flow/keep/publish | ~end up
    WHAT = our stuff/data | it all | everything | (everything/it) can [all] | loads | [all] its output | all of it |
        output |the/all data | data/rows/records/everything/results | the/all rows/records/results/output | them | all
        [the] objects | all salesforce data/records | the data/rows/records
    SYSTEM = [to/into/in/on/of/for/using/at] [the/our/a] <system> [warehouse/account/database] [\\)]
    USEDWITH = we ~use <system> [as our warehouse] | our warehouse is <system>
    LABEL = our warehouse is | as the warehouse | [the] final destination [is] | [the/our]
        target/destination/sink/output/warehouse/storage [system/warehouse/platform/location] [of the %run_word] [is]
        | as [the] target/destination
    TABLE = [to/into/in/under/as/with] [the/a/one/single] [single/target/output/destination/common/shared] table
        [name/named/called] [is] [:/,] <table> [\\)]
    BEFORE = [to/into/in/on] [the/a/one/single] <table:before> table
    SYSTABLE = [to/into/in/on] [the/a/one/single/our] [single/local] <system> table [named/called] [,] <table> |
        [to/into/in/on] [the/our] <system> <table:before> table | target/destination is [the] <system> table <table>
    WRITTENTO = the <system> table <table> %be_to [be] written [to/into] | the <system> table <table> ~receive the
        (data/rows/records/results/output)
    CODE = to/into/in <table:path> , a <system> table | to/into/in/under <table:path> [in/on/of] <system> | in/on
        <system> under <table:path>
    DATABASE = [in/of/on/to/into/under] [the] database/db [named/called] [:] <column:database> [\\)] |
        [in/of/on/to/into] [the] <column:database> database
    SCHEMA = [in/of/on/to/into/under] [the] schema [named/called] [:] <table:schema> [\\)] | [in/of/on/to/into] [the]
        <table:schema> schema
    PER = (per | by | for each/every) [salesforce/synced/source] object
    EACH = each/every/all [salesforce/synced/source] object/objects
    GIVEN = [be] given (its own | a table of its own | a separate table | its own <system> table) [table]
    MERGED = [all] [the/its] (output/data/records/results/objects/everything) %be_to [be]
        ~consolidate/combine/merge/gather/collect (in/into/to) one/a/the [single] <system> table [named/called] [:/,]
        <table>
    SEPARATE = [the/all] objects %be_to [be] ~keep/store/write/load/put (in/into/to) separate/individual/different
        <system> tables
    ALLSHARE = [all] [the] objects ~share/go_into/go_to/use one/a/the [single] <system> table [named/called] [:/,]
        <table> | ~combine/merge/put/write/gather (everything | all [the] objects | all [the] data) [together]
        (in/into) one/a/the [single] <system> table [named/called] [:/,] <table>
    TOGETHER = (all [the] objects | everything | all [of] [the/our] data) (~end up | ~go/land/arrive | %be
        ~store/write/load/put) [together] (in/into) one/a/the [single] table [named/called] [:/,] <table> [,] (in/on)
        <system>
    READ TOGETHER
    ALLROWS = [to/into/in] [a/one/the] [single] <system> table [named/called] [:/,] <table>
    TABLECALLED = [and] [the] (table is | table is called | table is named | table name is) <table>
    ISTABLE = [write/load/writes/loads] [to/into/in] <table> \\( a <system> table \\)
    UNDER = ~write/load [into/to] <system> under <table:path> | ~load/write into <system> : <table:path>
    TABLELABEL = <system> → [table] <table> | <system> table [name] [is] : <table> | <system> , table [named/called]
        <table> | <system> : <table:path>
    OBJECTS = [the] objects each [of]
    HOLDS = [our/the/all] [our] (stuff/data/everything) ~live/sit/go/end_up
    PUTEACH = ~put/write/load/store/give each/every/all [salesforce/synced] object/objects (in/into/to) (its/their own
        | a separate) table/tables
    OWN = [to/into/in/as/with/has/have/gets/get/on] [a/its/an/their/the] (own/separate/dedicated/individual/different)
        [<system>] table/tables | [to/into/in] a [<system>] table of its own
    ONE = [to/into/in/with/as] [a/one] [one/separate/own/dedicated/individual/single/the] [<system>] table/tables
    READ VERB|LABEL SYSTEM TABLE|BEFORE [WHAT] [DATABASE] [SCHEMA] [LABEL]
    READ VERB|LABEL SYSTABLE [WHAT] [DATABASE] [SCHEMA]
    READ VERB CODE [WHAT]
    FOLLOWING sync|mode|schedule READ SYSTABLE|CODE [DATABASE] [SCHEMA]
    FOLLOWING sync|mode|schedule READ SYSTEM TABLE|BEFORE [DATABASE] [SCHEMA]
    READ VERB ALLROWS [WHAT]
    READ MERGED|ALLSHARE|UNDER|ISTABLE
    READ USEDWITH TABLECALLED
    READ LABEL SYSTEM TABLECALLED
    READ SEPARATE
    READ WRITTENTO
    READ TABLELABEL [VERB] [WHAT] [LABEL]
    READ EACH GIVEN [SYSTEM] [LABEL] [DATABASE] [SCHEMA]
    READ OBJECTS OWN [SYSTEM] [VERB] [LABEL] [DATABASE] [SCHEMA]
    READ SYSTEM HOLDS PUTEACH
    READ PER OWN|ONE [SYSTEM] [VERB] [WHAT] [LABEL] [DATABASE] [SCHEMA]
    READ EACH OWN [SYSTEM] [VERB] [LABEL] [DATABASE] [SCHEMA]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("target",),
    examples=(
        "Writes to Snowflake table customer_data",
        "Loads into table CRM.ANALYTICS.ACCOUNTS in Snowflake",
        "Writes to DuckDB table customer_data",
        "Writes each object to its own Snowflake table",
        "All data is stored in the table customer_data in Snowflake",
        "Writes each object to its own Snowflake table in database RAW, schema SALESFORCE",
    ),
    near_misses=(
        "Writes to Snowflake table customers in database CRM",
        "Writes to a separate table in Snowflake",
        "Writes each object to Snowflake",
        "Writes to BigQuery table customer_data",
        "Never writes to Snowflake table customer_data",
        "Writes to Snowflake table customer_data or customers",
        "May write to Snowflake table customer_data",
        "Writes from Snowflake table customer_data",
    ),
)

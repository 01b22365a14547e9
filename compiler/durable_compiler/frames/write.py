"""Where the rows are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.sentence import Sentence

_SYSTEM_NAMES = {"snowflake": "Snowflake", "duckdb": "DuckDB"}


@dataclass(frozen=True)
class Target(Clause):
    """A warehouse and a table, or a table an object when `table` is None."""

    kind: ClassVar[str] = "write"
    system: str
    table: str | None


def build(values: Values, sentence: Sentence) -> Target | None:
    """The clause of a reading."""
    table = values.get("table")
    if table is not None and table.casefold() in ("table", "tables", *_SYSTEM_NAMES):
        return None
    return Target(values["system"], table)


def echo(clause: Target, catalogue: Snapshot) -> str:
    """Canonical English."""
    system = _SYSTEM_NAMES[clause.system]
    return (
        f"Writes to {system} table {clause.table}" if clause.table else f"Writes each object to its own {system} table"
    )


def ir(clause: Target, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    *qualifiers, table = clause.table.split(".") if clause.table else [None]
    database, schema = [None] * (2 - len(qualifiers)) + qualifiers
    layout = "unified" if clause.table else "per_object"
    return {
        "target": {"system": clause.system, "database": database, "schema": schema, "table": table, "layout": layout}
    }


FRAME = Frame(
    kind="write",
    doc="Names the warehouse and the table that receive the rows.",
    phrases="""
    VERB = ~write/load/save/store/put/land/deliver/send/copy/insert/sync/export/persist/output/upload/push
    WHAT = output |the/all data | data/rows/records/everything/results | the/all rows/records/results | them
    GO = [the/all] [data/rows/records/output/everything] ~go
    TO = to/into/in <system> [,] [in/into] table [named/called] <table>
    OF = to/into/in [the] table [named/called] <table> in/on/of <system>
    NAMED = to/into/in [the] <table> table in/on/of <system>
    POSSESSIVE = to/into/in [the] <system> <table> table
    CODE = to/into/in <table> in <system>
    USE = ~use/target/fill/populate [the] <system> table <table>
    TARGET = target/destination is [the] <system> table <table>
    EACH = each/every object to/into its own <system> table | each/every object to/into its own table in <system>
    ONEPER = ~write/create one <system> table per/for [each/every] object
    EACHHAS = each/every object has/gets its own (<system> table | table in <system>)
    EACHGO = each/every object ~go/write/load to/into its own (<system> table | table in <system>)
        | each/every object has its own (<system> table | table in <system>)
    OWN = to/into [a] separate <system> tables per object | to/into one <system> table per/for object
        | to/into one <system> table for each object
    READ VERB|GO TO|OF|NAMED|POSSESSIVE|CODE [WHAT]
    READ USE
    READ TARGET
    READ VERB EACH
    READ EACHGO
    READ ONEPER
    READ EACHHAS
    READ VERB OWN [WHAT]
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
    ),
    near_misses=(
        "Writes to BigQuery table customer_data",
        "Never writes to Snowflake table customer_data",
        "Writes to Snowflake table customer_data or customers",
        "May write to Snowflake table customer_data",
        "Writes from Snowflake table customer_data",
    ),
)

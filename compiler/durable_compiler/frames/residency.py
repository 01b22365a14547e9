"""Where the data may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.regions import in_words
from durable_compiler.grammar.sentence import Sentence


@dataclass(frozen=True)
class Residency(Clause):
    """Regions, each of which is allowed, and the warehouse if the sentence names one."""

    kind: ClassVar[str] = "residency"
    regions: tuple[str, ...]
    system: str | None = None


def build(values: Values, sentence: Sentence) -> Residency:
    """The clause of a reading."""
    return Residency(values["regions"], values.get("system"))


def echo(clause: Residency, catalogue: Snapshot) -> str:
    """Canonical English."""
    *head, last = map(in_words, clause.regions)
    where = f"{', '.join(head)} or {last}" if head else last
    if clause.system is None:
        return f"Data stays in {where}"
    return f"Writes only to {_SYSTEMS[clause.system]} in {where}"


def ir(clause: Residency, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"residency": {"regions": list(clause.regions)}}


_SYSTEMS = {"snowflake": "Snowflake", "duckdb": "DuckDB"}
_DATA = (
    "([all/the/our/customer/synced/warehouse/this] [of] [our/the] [customer] data/records | everything | [the] "
    "data and backups)"
)
_IN = "(in | inside | within | in/inside/within the (borders/territory) of)"
_ONLY = "(only/exclusively/solely)"
_HOLD = "(~store/keep/hold/host/process/retain/save/put/persist)"

FRAME = Frame(
    kind="residency",
    doc="Says in which regions the data may be.",
    phrases=f"""
    STAY = {_DATA} ~stay/remain/reside/live/sit {_IN} <regions> | {_DATA} ~stay/remain ~store {_IN} <regions>
        | {_DATA} {_HOLD} [{_ONLY}] {_IN} <regions> [{_ONLY}] | {_DATA} (has/have/needs/need) to be {_HOLD}
            {_IN} <regions>
        | {_DATA} (has/have/needs/need) to ~stay/remain/reside/live {_IN} <regions> | {_DATA} {_ONLY} {_HOLD}
            {_IN} <regions>
        | {_DATA} [may/can] {_ONLY} {_HOLD} {_IN} <regions> | {_DATA} may/can be {_HOLD} {_IN} <regions> {_ONLY}
        | {_DATA} may/can be {_HOLD} {_ONLY} {_IN} <regions>
    KEEP = {_HOLD} {_DATA} [{_ONLY}] {_IN} <regions> | {_ONLY} {_HOLD} {_DATA} {_IN} <regions>
        | all (processing | storage | storage and processing | processing and storage) (~happen | ~take_place | ~stay)
            {_IN} <regions>
    NOTLEAVE = {_DATA} (must/may/should/shall/can/will/do/does not | cannot | [must/should/may/can] never | never)
            (~leave | ~be moved (out of | outside) | ~go outside | ~be stored (outside | outside of)) <regions>
        | no data/record/records (may/can/must/should/shall/will/ever) (~leave | be stored outside [of]) <regions>
        | no data ~leave <regions> | no data outside [of] <regions> | nothing
            (may/can/must/should/shall/will/ever) leave <regions>
        | nothing leaves <regions>
    WRITEONLY = (~write/load/copy {_ONLY} (to/into) | {_ONLY} ~write/load/copy (to/into)) [a/the/our] <system>
            [account/warehouse/instance/database] [(that is | which is | running/hosted/located)] {_IN} <regions>
    ACCOUNT = [the/our] (<system> [account/warehouse/instance/database] | warehouse/database/target) [must
            | should | has to | needs to]
            (be | run | ~live | ~reside | ~stay | be hosted/located) {_IN} <regions>
    LABEL = data (residency/location) [requirement] [is] [: | =] <regions> [only]
    ONLY = <regions> only | ~use only <regions>
    READ STAY
    READ KEEP
    READ NOTLEAVE
    READ WRITEONLY
    READ ACCOUNT
    READ LABEL
    READ ONLY
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("residency",),
    examples=(
        "Data stays in the EU",
        "Data must not leave the EU",
        "Writes only to Snowflake in aws eu-central-1",
        "US and EU only",
        "All data must stay in Germany or France",
    ),
    near_misses=(
        "Data stays in Atlantis",
        "Data stays in aws eu-central-9",
        "Data leaves the EU",
        "Data never stays in the EU",
        "Data stays outside the EU",
        "Data usually stays in the EU",
        "Data stays in the EU except backups",
        "Personal data stays in the EU",
        "Data stays in azure eu-central-1",
    ),
)

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
    only: bool = False


def build(values: Values, sentence: Sentence) -> Residency:
    """The clause of a reading."""
    return Residency(values["regions"], values.get("system"), "only" in values)


def echo(clause: Residency, catalogue: Snapshot) -> str:
    """Canonical English."""
    *head, last = map(in_words, clause.regions)
    where = f"{', '.join(head)} or {last}" if head else last
    if clause.system is None:
        return f"Data stays {'only ' if clause.only else ''}in {where}"
    return f"Writes only to {_SYSTEMS[clause.system]} in {where}"


def ir(clause: Residency, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"residency": {"regions": list(clause.regions)}}


_SYSTEMS = {"snowflake": "Snowflake", "duckdb": "DuckDB"}
_DATA = (
    "([all/any/the/our/customer/synced/warehouse/this/every] [copies of] [of] [our/the/this] [synced/customer]"
    " (data/records) | everything | [the] data and backups | [the/all/our] (storage/processing | storage and processing"
    " | processing and storage | data storage))"
)
_WHERE = "[([the/a] (cloud/aws/azure/gcp) region | [the] (region/country/territory) of)]"
_REGIONS = "(<regions> [borders/soil/territory])"
_IN = f"((in | inside | within | in/inside/within the (borders/territory) of) {_WHERE})"
_OUT = "(outside [of] | out of | beyond | (anywhere/elsewhere) (but/except/than | other than | outside [of]) [in])"
_ONLY = "(only/exclusively/solely)"
_SOLELY = f"({_ONLY} {{only=yes}})"
_HOLD = (
    "(stored and processed | processed and stored |"
    " ~store/keep/hold/host/process/retain/save/put/persist/maintain/locate/house)"
)
_LIVE = "(~stay/remain/reside/live/sit | be)"
_STORAGE = "((storage/processing/hosting | storage and processing) [of [the/our/all] [customer] data])"
_WAREHOUSE = "([the/our/a] (<system> [account/warehouse/instance/database] | warehouse/database/target))"

FRAME = Frame(
    kind="residency",
    doc="Says in which regions the data may be.",
    phrases=f"""
    STAY = {_DATA} {_LIVE} [{_SOLELY}] {_IN} {_REGIONS} | {_DATA} ~stay/remain ~store {_IN} {_REGIONS}
        | {_DATA} {_HOLD} [{_SOLELY}] {_IN} {_REGIONS} [{_SOLELY}]
        | {_DATA} (has/have [got] | needs/need) to ([be] {_HOLD} | {_LIVE}) {_IN} {_REGIONS}
        | {_DATA} {_SOLELY} ({_HOLD} | {_LIVE}) {_IN} {_REGIONS}
        | {_DATA} [may/can] {_SOLELY} ({_HOLD} | {_LIVE}) {_IN} {_REGIONS}
        | {_DATA} may/can [be] ({_HOLD} | {_LIVE}) {_IN} {_REGIONS} {_SOLELY}
        | {_DATA} may/can [be] ({_HOLD} | {_LIVE}) {_SOLELY} {_IN} {_REGIONS}
        | {_DATA} ~confine/restrict/limit to {_WHERE} {_REGIONS}
    KEEP = ({_STORAGE} [is/are] (allowed/permitted) {_IN} {_REGIONS} {_SOLELY} | {_STORAGE} [is/are]
            (allowed/permitted) {_SOLELY} {_IN} {_REGIONS} | {_STORAGE} [is/are] {_SOLELY}
            (allowed/permitted) {_IN} {_REGIONS})
        | {_HOLD} {_DATA} [{_SOLELY}] {_IN} {_REGIONS} | {_SOLELY} {_HOLD} {_DATA} {_IN} {_REGIONS}
        | all (processing | storage | storage and processing | processing and storage) (~happen | ~take place | ~stay)
            {_IN} {_REGIONS}
        | (all/processing/storage | storage and processing) only (~happen | ~take place) {_IN} {_REGIONS}
        | (only (allowed/permitted) to | may/can only) {_HOLD} {_DATA} {_IN} {_REGIONS}
        | ~confine/restrict/limit {_DATA} to {_WHERE} {_REGIONS}
    NOTLEAVE = (under no circumstances | at no time) (may/must/should/can/shall) {_DATA} (~leave {_REGIONS}
            | [~be] ({_HOLD} | ~move/transfer/copy/send) {_OUT} {_REGIONS})
        | ({_DATA} %must_not | %must_not | {_DATA} never) (~leave {_REGIONS}
            | ~be (moved/transferred/copied/sent/exported/taken) {_OUT} {_REGIONS}
            | ~go {_OUT} {_REGIONS} | [~be] {_HOLD} {_OUT} {_REGIONS})
        | %must_not (~move/transfer/copy/send/export/take | {_HOLD}) {_DATA} {_OUT} {_REGIONS}
        | (no data/record/records | nothing | none of the data) (may/can/must/should/shall/will/is/ever) [ever] [to]
            (~leave {_REGIONS} | [be] ({_HOLD} | ~move/transfer/copy/send/export) {_OUT} {_REGIONS} | ~go {_OUT}
            {_REGIONS})
        | no data ~leave {_REGIONS} | no data {_OUT} {_REGIONS} | nothing ~leave {_REGIONS}
        | (no data | nothing) ({_HOLD} | ~live/stay/reside) {_OUT} {_REGIONS}
    MAYSTAY = {_DATA} may/can ({_LIVE} | be {_HOLD}) {_IN} {_REGIONS}
    FINE = (fine/ok/okay/allowed/acceptable/permitted) [to | for] | may/can
    NEVERLEAVES = [and] (%must_not | never) ~leave it | [and] nowhere else | [and] in no other (region/country)
        | [and] (no others | not elsewhere | not anywhere else)
    WRITEONLY = (~write/load/copy {_ONLY} (to/into) | {_ONLY} ~write/load/copy (to/into)) [a/the/our] <system>
            [account/warehouse/instance/database] [(that is | which is | running/hosted/located)] {_IN} {_REGIONS}
    ACCOUNT = {_WAREHOUSE} [must/should/shall | has to | needs to] (be | run | ~live | ~reside | ~stay
            | [be] hosted/located) {_IN} {_REGIONS}
        | ~use [a/an/the/our] <system> (account/warehouse/instance/database) [hosted/located/running | that/which is
            [hosted/located]] {_IN} {_REGIONS}
        | [the/our] <system> account/warehouse/instance/database {_IN} {_REGIONS} only
    LABEL = {_REGIONS} data residency [is/are] [required/mandatory/needed]
        | (data (residency/location/storage) [requirement] | residency | [allowed/permitted] (region/regions))
            [is/are] [: | =]
            {_REGIONS} [{_SOLELY}]
    ONLY = {_REGIONS} only data/storage/residency | ~use only [(region/regions) in] {_REGIONS}
        | only {_REGIONS} ((is/are) (allowed/permitted) | may/can be used)
    BARE = {_REGIONS} only | only {_REGIONS}
    TOPIC = (residency | data residency/location) :
    ALWAYS = at all times | always
    READ STAY [NEVERLEAVES] [ALWAYS]
    READ KEEP [NEVERLEAVES] [ALWAYS]
    READ NOTLEAVE [ALWAYS]
    READ MAYSTAY NEVERLEAVES
    READ FINE STAY|KEEP NEVERLEAVES
    READ WRITEONLY
    READ ACCOUNT
    READ LABEL [NEVERLEAVES]
    READ ONLY [NEVERLEAVES]
    READ TOPIC BARE [NEVERLEAVES]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("residency",),
    examples=(
        "Data stays in the EU",
        "Data must not leave the EU",
        "Writes only to Snowflake in aws eu-central-1",
        "Data residency: US and EU only",
        "All data must stay in Germany or France",
    ),
    near_misses=(
        "US and EU only",
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

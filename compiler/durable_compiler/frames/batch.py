"""How many rows are committed together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Batch(Clause):
    """A number of rows."""

    kind: ClassVar[str] = "batch"
    rows: int


def build(values: Values, sentence: Sentence) -> Batch | Fault | None:
    """The clause of a reading."""
    if "counted" in values and values["rows"] < _SURELY_ROWS:
        return None
    return Batch(values["rows"]) if 0 < values["rows"] <= 10_000_000 else out_of_range(values["rows"], sentence)


def echo(clause: Batch, catalogue: Snapshot) -> str:
    """Canonical English."""
    return f"Commits in batches of {clause.rows:,} rows"


def ir(clause: Batch, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"write": {"batch_rows": clause.rows}}


# In 10k batches counts rows; in 5 batches counts the batches, which nothing here can hold.
_SURELY_ROWS = 1000


def out_of_range(rows: int, sentence: Sentence) -> Fault:
    """A batch of no rows, or of more than one transaction should hold."""
    help = "Write a number of rows from 1 to 10,000,000."
    return Fault("DUR053", f"{rows:,} rows is no batch", sentence.tokens[0].start, sentence.tokens[-1].end, help)


_CHUNK = "([write/commit/load] batch/chunk/group/block/transaction/commit)"
_CHUNKS = "([write/commit/load] batches/chunks/groups/blocks/lots/transactions/commits)"
_WRITES = (
    "((each/every/a/the [write/commit/load] batch/chunk) | [write] batches/chunks | commits | (each/every commit))"
)
_DATA = (
    "([the/all/our] (data/rows/records/changes/writes/everything) [to/into/in (the"
    " warehouse/table/target/destination/database |"
    " snowflake)])"
)
_MOST = "(%most | exactly)"
_SIZE = f"[of] [{_MOST}] <int:rows> [%rows] [each]"

FRAME = Frame(
    kind="batch",
    doc="Says how many rows are committed together.",
    phrases=f"""
    VERB = (loading/writing/processing/commits/writes/inserts) [is/are] [to be] (carried out | done/performed/made)
            | (~commit/write/load/process/insert/send/save/push/store/flush/batch/deliver/transfer/stage [up] [{_DATA}]
            | ~go with | ~stick to | ~use/work/group/split/chunk/divide/break/bundle/do [up] [{_DATA}]) [to/into/in
            (the warehouse/table/target/destination/database
            | snowflake)]
    WHAT = {_DATA}
    BATCHES = (in/into/with/as) {_CHUNKS} {_SIZE}
        | {_CHUNKS} of [{_MOST}] <int:rows> [%rows]
        | (in/with/into) <int:rows> row {_CHUNKS}
        | in <int:rows> {_CHUNKS} {{counted=yes}}
        | (in/with/into) {_CHUNKS} (that/which) [each] ~hold/contain [{_MOST}] <int:rows> %rows
        | <int:rows> row {_CHUNKS}
    INTO = <int:rows> %rows [should/must/may/can] ~go (into/in/to) (each/every/a/one) {_CHUNK}
    NOMORE = %must_not ~commit/write/load/insert/send/save/push %over <int:rows> %rows (at a time | at once | in one go
            | (per | in one | in a | in each | in a single) {_CHUNK})
    PER = [{_MOST}] <int:rows> %rows (per | in each | in every | to a | in a | to each | a) {_CHUNK}
    EACH = (each/every/a {_CHUNK} | {_CHUNKS}) [may/can] (~have/hold/contain/include/comprise | be
            | ~consist_of | ~be made up of) ([{_MOST}] <int:rows> %rows | <int:rows> %rows (at most | at the most |
            max))
    SIZE = (batch_size_rows/batch_size/batch_rows) [: | = | is] <int:rows> [%rows]
        | [~use/set] [the/a] ([maximum/max] [write/commit/load] ([write] batch/chunk size [for
            writing/writes/commits/loading/loads] | size of a/the/each batch/chunk
            | [number of] %rows (per | in each | in every | in a) {_CHUNK}))
            [is/of/to/at/should/must] [be/is/are] [to be] [set to | set at | limited to] [: | =] [{_MOST}] <int:rows>
            [%rows]
        | {_CHUNKS} [: | =] {_SIZE}
        | (~commit/batch) (interval/size) [is/of] [: | =] <int:rows> [%rows]
    CAP = ~cap/limit/restrict/keep ({_WRITES} | the {_CHUNK} size | {_CHUNK} size) (at/to) [%most] <int:rows> [%rows]
        | ({_WRITES} | [the] {_CHUNK} size) ~cap/limit/restrict (at/to) [%most] <int:rows> [%rows]
        | ({_CHUNKS} | a/each/every/the {_CHUNK}) %must_not (~exceed | ~be (larger/bigger/more) than
            | ~hold/contain/have/include (more than | over)) <int:rows> %rows
        | no {_CHUNK} (may/can/should/must/shall/will) [ever] (~have/hold/contain/include (more than | over) | ~exceed
            | be (larger/bigger) than) <int:rows> %rows
    EVERY = [after/once] (every/each) <int:rows> %rows [are/have/been (written/loaded/processed)]
    AT = [{_MOST}] <int:rows> [%rows] (at a time | at once | in one go | together)
    WRITTEN = [is/are] [to] [be] (written/loaded/committed/used)
    COMMIT = ~commit | commits ~happen | one commit | [a] commit
    TOPIC = (batching | write batching) :
    READ EACH
    READ VERB BATCHES|AT|PER|EVERY [WHAT]
    READ WHAT COMMIT BATCHES|AT|PER|EVERY
    READ COMMIT EVERY|PER
    READ SIZE
    READ CAP
    READ INTO
    READ NOMORE
    READ BATCHES [WRITTEN]
    READ PER
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("write.batch_rows",),
    examples=(
        "Commits in batches of 50,000 rows",
        "Writes in batches of 20k records",
        "Batch size is ten thousand rows",
        "Commits every 5000 rows",
        "Batch size: 50,000",
    ),
    near_misses=(
        "Commits in batches",
        "Commits in batches of about 50,000 rows",
        "Never commits in batches of 50,000 rows",
        "Commits in batches of 50,000 bytes",
        "Commits in batches of 0 rows",
        "Commits in batches of at least 50,000 rows",
        "Commits in batches of 1,000 or 2,000 rows",
    ),
)

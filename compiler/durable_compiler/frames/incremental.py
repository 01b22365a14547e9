"""Which records a run reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.frames.schedule import recurrence
from durable_compiler.grammar.clocks import Recurrence
from durable_compiler.grammar.numbers import in_words
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Incremental(Clause):
    """What one sentence says about reading changes: the cursor, an overlap, or a full refresh."""

    kind: ClassVar[str] = "incremental"
    enabled: bool | None = None
    overlap_seconds: int | None = None
    full_refresh: Recurrence | None = None
    zone: str | None = None


def build(values: Values, sentence: Sentence) -> Incremental | Fault | None:
    """The clause of a reading."""
    if "overlap" in values:
        return Incremental(overlap_seconds=values["overlap"])
    if "full" not in values:
        return Incremental(enabled=True)
    found = recurrence(values, sentence)
    if not isinstance(found, tuple):
        return found
    when, zone, _ = found
    return Incremental(full_refresh=when, zone=zone)


def echo(clause: Incremental, catalogue: Snapshot) -> str:
    """Canonical English."""
    if clause.full_refresh is not None:
        return f"Does a full refresh {clause.full_refresh.echo()}{f' {clause.zone}' if clause.zone else ''}"
    if clause.overlap_seconds is not None:
        return f"Re-reads the last {in_words(clause.overlap_seconds)}"
    return "Reads only records modified since the last run"


def ir(clause: Incremental, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    if clause.full_refresh is not None:
        return {"incremental": {"full_refresh_cron": clause.full_refresh.cron}}
    if clause.overlap_seconds is not None:
        return {"incremental": {"overlap_seconds": clause.overlap_seconds}}
    return {"incremental": {"enabled": True}}


FRAME = Frame(
    kind="incremental",
    doc="Says that runs read only changes, how far they look back, and when everything is read again.",
    phrases="""
    READS = ~pick up | ~read/sync/load/fetch/pull/extract/process/query/transfer/copy
    CHANGED = only [the] %changes_since | only new and changed/modified %rows
        | only what [has/have] changed since [the] (last/previous [successful] run) | [the] %changes_since only
    ONLY = only ~pick up %changes_since
        | only ~read/sync/load/fetch/pull/extract/process/query/transfer/copy (%changes_since
        | what [has/have] changed since [the] last/previous [successful] run | new and changed/modified %rows)
    ONLYCH = only (new and changed | changed/modified/updated | new and modified) %rows are ~read/sync/load/copy/fetch
    RUNS = [on/in] each/every run
    INCR = sync/load/extraction is incremental | incremental loads/syncs/runs/reads [only]
        | runs/loads/syncs are incremental
        | ~run/sync/load/read/work/update [the data] incrementally
        | incremental loads/sync/run/reads/extraction | ~use/do incremental loads/extraction/loading/syncs/reads
    REREAD = ~look back [by] <duration:overlap>
        | ~re_read [the] (last/previous/latest) <duration:overlap> [of changes]
        | ~use/have/keep an overlap of <duration:overlap> | overlap is [:] <duration:overlap>
        | overlap [:] <duration:overlap> | [windows] ~overlap by <duration:overlap>
        | runs ~overlap by <duration:overlap> | ~re_read <duration:overlap> before the (last/previous) run
    LATE = to catch [any] late [arriving] changes/records/updates
    FULL = ~do/run/perform/make [a] full refresh/reload/load | ~reload/refresh everything
        | ~reload/re_read all data/records | full refresh/reload ~run/happen
    DAYS = <days>
    TIMES = [at] <times>
    ZONE = <zone>
    READ READS CHANGED [RUNS]
    READ ONLY|ONLYCH [RUNS]
    READ INCR
    READ REREAD [LATE] [RUNS]
    READ FULL DAYS [TIMES] [ZONE] {full=yes}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("incremental",),
    examples=(
        "Reads only records modified since the last run",
        "Re-reads the last 30 minutes to catch late changes",
        "Does a full refresh every Sunday at 02:00 UTC",
        "Only records that changed since the last run are read",
    ),
    near_misses=(
        "Reads records not modified since the last run",
        "Reads only records modified since Monday",
        "Re-reads about the last 30 minutes",
        "Does a full refresh every Sunday",
        "Never does a full refresh on Sundays at 02:00 UTC",
    ),
)

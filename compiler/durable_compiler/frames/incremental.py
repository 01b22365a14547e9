"""Which records a run reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.frames.schedule import recurrence
from durable_compiler.grammar.numbers import in_words
from durable_compiler.grammar.recurrence import Recurrence
from durable_compiler.grammar.sentence import Fault, Sentence

_CHANGES_ONLY = "Reads only records modified since the last run"


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
    if "full" not in values:
        enabled = True if "changes" in values else None
        return Incremental(enabled=enabled, overlap_seconds=values.get("overlap"))
    found = recurrence(values, sentence)
    if not isinstance(found, tuple):
        return found
    when, zone, _ = found
    return Incremental(full_refresh=when, zone=zone)


def echo(clause: Incremental, catalogue: Snapshot) -> str:
    """Canonical English."""
    if clause.full_refresh is not None:
        return f"Does a full refresh {clause.full_refresh.echo()}{f' {clause.zone}' if clause.zone else ''}"
    if clause.overlap_seconds is None:
        return _CHANGES_ONLY
    length = in_words(clause.overlap_seconds)
    return f"{_CHANGES_ONLY} with an overlap of {length}" if clause.enabled else f"Re-reads the last {length}"


def ir(clause: Incremental, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    if clause.full_refresh is not None:
        return {"incremental": {"full_refresh_cron": clause.full_refresh.cron}}
    said = {"enabled": clause.enabled, "overlap_seconds": clause.overlap_seconds}
    return {"incremental": {key: value for key, value in said.items() if value is not None}}


FRAME = Frame(
    kind="incremental",
    doc="Says that runs read only changes, how far they look back, and when everything is read again.",
    phrases="""
    READS = want/need | ~touch/query | ~pick up |
        ~read/sync/load/fetch/pull/extract/process/query/transfer/copy/ingest/get/take
    ONLY = only/just/solely
    WHAT = [the] %delta
    QUERYFOR = ~query/ask only/just for %rows %altered since/after %last_run
    FIRSTLOAD = (after/following) the (first/initial) (load/run/sync)
    NOTALL = there's no need to read (the lot | everything | it all | the whole lot) [each/every time] | there is no
        need to ~read/reload (the lot | everything | it all) [each/every time] | (do/does not | never | rather than |
        instead of) ~reload/read/load/re_read/refresh %everything [each/every time | on/with each/every run | again]
    CHANGESONLY = changes/deltas only , no full loads/loads/reloads/refreshes | only/just changes/deltas , no full
        loads/reloads/refreshes
    INCROVER = incremental/delta [mode/loads/load/sync/reads] [:] [yes] [,] [with] [a/an] (<duration:overlap> (of
        overlap | %overlap) | %overlap [of/:] <duration:overlap>)
    OVERRUN = ~look back an extra/additional <duration:overlap>
        | each/every run [should/must] (~overlap (the one before | the previous one | the last one | its
        predecessor) by <duration:overlap> | ~start [reading] <duration:overlap> before the [end/start] of the
        (previous/last) (one/run)) | %overlap between runs/reads/syncs [of/:/is] <duration:overlap> | ~go back an
        extra/additional <duration:overlap> | ~include [a/an] <duration:overlap> %overlap
    TOBESAFE = to be safe | to be on the safe side | to catch stragglers | for safety
    WHY = to minimise/minimize/reduce/limit/save [the] (load/traffic/calls/cost/costs | api calls/usage | number of
        api calls) [on/to/against/of (salesforce | the source [system])]
    LIMITED = the extraction/load/sync/replication/read %be_to [be] ~limit/restrict/confine to %delta |
        ~limit/restrict the extraction/load/sync/replication to %delta
    JUSTDELTA = only/just [the] delta/deltas/changes
    SINCE = [the] (%altered %rows since/after %last_run | %rows [that/which] [have/has/were] [been] %altered
        since/after %last_run | changes since/after %last_run | what/everything/anything [that] [has/have/was] [been]
        %altered since/after %last_run)
    RUNS = from then on | thereafter | after that | afterwards | at each/every run | each/every time |
        [on/in/with/during] each/every run/sync/read | [on/in] [each/every] run
    LABEL = [load/sync/extract/read/loading/extraction/replication] type/mode/method/strategy [is] [:]
        incremental/delta | incremental/delta sync/load/loads/extraction [:]
    INCR = ~load/read/sync/update/extract/pull/fetch data incrementally | sync/load/extraction is [to be] incremental
        | incremental/delta loads/syncs/runs/reads [only] | runs/loads/syncs/reads are [to be] incremental |
        ~run/sync/load/read/work/update/extract/pull [the data] incrementally | incremental/delta
        loads/sync/run/reads/extraction/loading/load | ~use/do incremental/delta
        loads/extraction/loading/syncs/reads/sync/load | ~be incremental
    BASIS = (replication key | [high] watermark | watermark [field/column]) [is] [:] systemmodstamp/SystemModstamp |
        (based on | driven by | keyed on | using | via | by) [the] systemmodstamp/SystemModstamp [timestamp/field] |
        cursor [field/column] is [:] systemmodstamp/SystemModstamp | cursor [field/column] [:]
        systemmodstamp/SystemModstamp | with systemmodstamp/SystemModstamp as [the] cursor/watermark | ~use
        systemmodstamp/SystemModstamp [to] | ~use systemmodstamp/SystemModstamp as [the] cursor/watermark
    UNCHANGED = (do/does not | never) ~re_read/read/load/sync/reread/fetch %rows [that/which] have/has not changed
        [again] [since %last_run] | unchanged %rows (must/should/shall/need/will/do/are/is not | are/must/should
        never) [to] [be] ~re_read/read/load/sync/reread/fetch [again/twice] | ~skip %rows [that/which] have/has not
        changed [since %last_run] | (do/does not | never) ~re_read/read/load/sync/reread/fetch unchanged %rows [again]
        | unchanged %rows are (not | never) ~re_read/read/load/sync/reread/fetch [again] | %rows that have/has not
        changed since %last_run are not ~re_read/read/load/sync/fetch [again] | ~skip unchanged %rows | unchanged
        %rows are ~skip
    REREAD = the (last/previous/latest/past/preceding) <duration:overlap> %be_to [be] (read again | ~re_read/reread) |
        ~re_read/reread/read/cover [the] (last/previous/latest/past/preceding/prior) <duration:overlap> [again/anew]
        [of changes] | ~start [each/every/the] (read/run/extract/query) [from] <duration:overlap> before the
        (last/previous) (run/one) [ended/finished/started/began] | ~read <duration:overlap> (further back | before)
        [than] [the] (last/previous) run | ~start [reading] <duration:overlap> (before | earlier than) the
        (last/previous) run [ended/finished] | ~look back [by] <duration:overlap> | ~go back <duration:overlap> |
        ~re_read/reread [the] (last/previous/latest/past) <duration:overlap> [of changes] | ~re_read/reread [a window
        of] <duration:overlap> before the (last/previous) run | ~read the (last/previous/past) <duration:overlap>
        (again | once more)
    OVERLAP = [~use/have/keep/apply/need/set/allow/leave/add/include] [with/and] %overlapping | [runs/windows/reads]
        ~overlap [the] [with] [the] [consecutive/successive] [reads/runs/windows/previous/last] [one/run] by
        <duration:overlap>
    WHAT_WITH = [the] %delta with %overlapping
    INCR_WITH = (~run/sync/load/read/work/update/extract/pull [the data] incrementally | incremental/delta
        loads/sync/run/reads/extraction/loading/load) with %overlapping
    USED = ~use/apply/need
    BEFORE = before [the] last/previous run | between runs/syncs/reads
    LATELABEL = late [arriving] changes/records/updates [:]
    LATE = so [that] late [arriving] changes/records/updates are (picked up | included | seen | captured) | so [that]
        we do not miss [any] late [arriving] changes/records/updates/edits | in order to (catch/cover/include/capture)
        [any/the] late/delayed [arriving] changes/records/updates/edits | (to (catch/cover/include/capture) | in case
        of | to (allow/account) for | allowing/accounting for) [any/the] late/delayed [arriving/committed/coming]
        changes/records/updates/commits/edits | so [that] no late [arriving] changes/updates/records are missed/lost |
        so [that] nothing is missed/lost | so [that] late [arriving] changes/updates/records are (not missed/lost |
        caught) | to catch [any] late [arriving] changes/records/updates | (for | because of) late [arriving]
        changes/records/updates
    FULL = (fully | in full) ~reload/refresh/resync %everything | ~reload/refresh/resync %everything in full | ~start
        from scratch | ~read/load/sync/pull/fetch [the] %everything again | %everything %be_to [be]
        ~reload/load/read/sync from salesforce | %everything %be_to [be] ~read/load/sync afresh/anew |
        [~do/run/perform/make/schedule/trigger/execute/want/need/carry_out/require] [a/the] full/complete/entire
        (refresh/reload/load/resync/sync/backfill | re sync/load/read) of %everything |
        ~re_read/re_load/re_sync/reload/resync %everything from (scratch | the beginning | the start) | %everything
        %be_to [be] ~re_read/re_load/re_sync/reload/resync (from scratch | in full | completely | fully) | %everything
        %be_to [be] ~read/load/sync again (from scratch | in full) |
        [~do/run/perform/make/schedule/trigger/execute/want/need/carry_out/require] [a/the] full/complete/entire
        (refresh/reload/load/resync/sync/backfill | re sync/load/read) | ~reload/refresh/resync %everything |
        %everything ~reload/refresh/resync | ~re_read/re_load/re_sync %everything | %everything %be_to [be]
        ~re_read/re_load/re_sync | %everything [to] ~read/load/sync again | ~read/load/sync %everything again
    HAPPEN = ~run/happen/schedule/do/perform/plan/trigger/start/execute/require/need [out] | ~take place | ~carry out
        | ~make
    OFTEN = weekly {often=weekly} | monthly {often=monthly} | nightly/daily {often=daily}
    DAYS = <days>
    TIMES = [at/for] <times>
    FORDAYS = for <days>
    ZONE = <zone>
    READ FULL FORDAYS [TIMES] [ZONE] [OFTEN] [HAPPEN] {full=yes}
    READ JUSTDELTA|CHANGESONLY|INCROVER {changes=yes}
    READ OVERRUN [LATE] [RUNS] [TOBESAFE]
    READ REREAD RUNS TOBESAFE
    READ REREAD|OVERLAP TOBESAFE
    READ QUERYFOR {changes=yes}
    READ LIMITED [WHY] {changes=yes}
    READ READS ONLY WHAT WHY [RUNS] {changes=yes}
    READ NOTALL READS|ONLY WHAT {changes=yes}
    READ NOTALL READS ONLY WHAT [RUNS] {changes=yes}
    READ READS ONLY WHAT FIRSTLOAD [RUNS] [BASIS] {changes=yes}
    READ READS SINCE FIRSTLOAD [RUNS] [BASIS] {changes=yes}
    READ INCR FIRSTLOAD [BASIS] [RUNS] {changes=yes}
    READ READS ONLY WHAT [RUNS] [BASIS] [LABEL] {changes=yes}
    READ READS SINCE [RUNS] [BASIS] [LABEL] {changes=yes}
    READ READS ONLY WHAT_WITH [RUNS] [BASIS] [LATE] {changes=yes}
    READ LABEL ONLY WHAT {changes=yes}
    READ ONLY WHAT {changes=yes}
    READ INCR|LABEL [BASIS] [RUNS] {changes=yes}
    READ INCR_WITH [BASIS] [RUNS] [LATE] {changes=yes}
    READ BASIS|UNCHANGED {changes=yes}
    READ REREAD [BEFORE] [LATE] [RUNS] [LATELABEL]
    READ OVERLAP [USED] [LATE] [RUNS] [BEFORE]
    READ FULL DAYS [TIMES] [ZONE] [OFTEN] [HAPPEN] {full=yes}
    READ FULL TIMES [ZONE] OFTEN [HAPPEN] {full=yes}
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
        "Syncs incrementally with a 30 minute overlap",
    ),
    near_misses=(
        "Does not read incrementally",
        "Monthly full refresh on Sunday at 02:00 UTC",
        "Reads records not modified since the last run",
        "Reads only records modified since Monday",
        "Re-reads about the last 30 minutes",
        "Does a full refresh every Sunday",
        "Never does a full refresh on Sundays at 02:00 UTC",
    ),
)

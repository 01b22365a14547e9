"""From which creation date on records are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.dates import span_words
from durable_compiler.grammar.sentence import Sentence

EVERY_OBJECT = "*"


@dataclass(frozen=True)
class Since(Clause):
    """An object or every one, and a day, a duration before today, or None for everything there is."""

    kind: ClassVar[str] = "since"
    object: str
    since: str | None


def build(values: Values, sentence: Sentence) -> Since:
    """The clause of a reading."""
    return Since(values.get("object", EVERY_OBJECT), values.get("start"))


def echo(clause: Since, catalogue: Snapshot) -> str:
    """Canonical English."""
    whose = "" if clause.object == EVERY_OBJECT else f" of {catalogue.object_label(clause.object)}"
    if clause.since is None:
        return f"Loads all history{whose}"
    if clause.since.startswith("P"):
        return f"Loads the last {span_words(clause.since)} of history{whose}"
    return f"Loads history{whose} from {clause.since}"


def ir(clause: Since, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"source": {"objects": [{"name": clause.object, "since": clause.since}]}}


FRAME = Frame(
    kind="since",
    doc="Says how far back records are loaded, by the date on which they were created.",
    phrases="""
    LOAD = ~load/sync/copy/import/read/backfill/pull/extract/fetch/bring/replicate/include/transfer/ingest/need
    BACKFILL = ~backfill [%rows | data | history] | backfill | initial/first load | historical/initial load
    ONLYLOAD = only/just ~load/sync/copy/import/read/pull/fetch/bring/need/want
        | ~load/sync/copy/import/read/pull/fetch/need/want only/just
    BACKFILLED = ~backfill
    HISTORY = everything | [historical/past/old] (history/data) | historical/past %rows | historical data
        | [all] [the/our] %rows
    ONLYROWS = only ~load/sync/copy/import/read/pull/extract/fetch/include/keep %rows
        | ~load/sync/copy/import/read/pull/extract/fetch/include/keep only %rows
    OF = of/for/on [all/the] <object> | for/of (all/every/each) [of] [the/our] [synced] (object/objects)
        | across all objects
    FOR = for/of/on <object> [,/:] | <object> :
    OBJECT = <object>
    OWN = <object> history
    OWNHISTORY = <object> history [:/-/,] | history of <object> [:/-/,]
    WHOLE = ~load/sync/copy/import/read/backfill/pull/extract/fetch/bring/include/need (all of it | everything | it all
        | all of them) [,/;] [no cutoff | no cut off | with no cutoff | without [a] cutoff | no limit | no start date
        | from the [very] beginning | from/to day one | however old | no matter how old]
    EVERYONE = every <object> ever created | all <object> ever created
    DAYONE = [all/entire/whole/complete/full] [our/the] history [,] [right/all] [the way] back to
        (day one | the beginning | the start | the very beginning/start/first)
    ALL = (all/entire/complete/full/whole) (history | historical data/records) | all [of] [the/our] (history/past data)
        | everything from the beginning | history from the [very] beginning | all [the] history there is
        | [all] %rows from the [very] beginning | all %rows regardless of age | all %rows [no matter] however old
    FROM = from <start> [on/onward/onwards/forward] | since <start> | starting/beginning (from/on/in/at/with) <start>
        | starting <start> | as of <start> | from <start> to/until today/now
        | back to <start> | ~date/go/reach back to <start>
        | dating from <start> [on/onward/onwards]
    CREATED = created (since | on or after | from) <start> [on/onward/onwards]
        | (that/which) (were/are/have been | was) created (since | on or after | from) <start> [on/onward/onwards]
    LAST = created (in/within/during) the last/past/previous <length:start>
        | (that/which) (were/are/have been) created (in/within/during) the last/past/previous <length:start>
        | from the last/past/previous <length:start> | for the last/past/previous <length:start>
    AMOUNT = (the | a) last/past/previous <length:start> [of] | last/past/previous <length:start> [of]
        | <length:start> of
    BACK = ~go/reach/date back <length:start> | <length:start> back | back <length:start> | ~look back <length:start>
    STARTS = ~start/begin with
    INITIAL = initial/first/historical load/import/sync/run/backfill | backfill/history window/period/range [:]
        | history | backfill | historical load/data
    NOCUT = (no (cutoff | cut off) [date] applies | there is no (start/cutoff date | cut off date | cutoff | cut off)
        | no start/cutoff date) [:/;/,]
    LENGTHY = [is/are] (required/needed/wanted) [for/from/over] [the] last/past/previous <length:start>
        | [is/are] (required/needed/wanted) (from/since) <start> | [:] [the] [last/past/previous] <length:start>
    STARTDATE = (start/cutoff date | cut off date | history start) [:] <start> [. nothing older [than that] %be %bring]
    BEGINS = ~start/begin loading/syncing (from/at/with) <start>
    NOTHING = (nothing/none | no %rows) (created before | from before | older than) <start> %be %bring
    FROMSTART = from the [very] beginning/start
    REACH = as far back as <start> | as far back as <length:start> |~reach/go/date/extend/stretch back to <start>
        | ~reach/go/date/extend/stretch back <length:start>
        | ~cover [the] last/past/previous/preceding <length:start> | ~go/reach as far back as <start>
        | ~take in [the] last/past/previous <length:start>
    GOES = ~start/begin/commence (from/at/in/on/with) <start> | ~cover [the] last/past <length:start>
        | ~limit to [the] last/past <length:start> | : [the] last/past <length:start>
    LIMITS = ~limit/restrict [the/our] history to [the] last/past <length:start>
    GOBACK = ~go back <length:start> | ~look back <length:start>
    RUNS = ~start/begin (from/at/in/on) <start> | ~start/begin (history/load/sync/backfill) (from/at/in/on/with) <start>
    OLDER = no %rows older than (<start> | <length:start>)
        | (ignore/ignores/skip/skips/omit/omits/exclude/excludes) [any/all] %rows
        older than (<start> | <length:start>)
        | nothing older than (<start> | <length:start>)
        | ~ignore/skip/omit/exclude everything (older than | before | created before) <start>
        | no %rows (created before | from before | before) <start>
        | ~ignore/skip/omit/exclude [any/all] %rows (created before | from before) <start>
    OLDERONE = no <object> (older than | created before | from before) <start> | no <object> older than <length:start>
    NOTBEFORE = (do/does not need/want/load/sync/import/read/keep/care | %never %bring)
        [any/about] [history/data/records/rows/anything/%rows] (from before | older than | created before | before)
        <start>
        | nothing from before <start>
    BEFORE = (%rows | data) ([that/which] [were] created before | from before | [that/which] older than) <start>
        | (%rows | data) [that/which] older than <length:start>
    SKIPPED = ~skip/ignore/omit/exclude | are/is/must/should/do/does not ~load/sync/copy/import/read/include
        | (are/is/must/should) never ~load/sync/copy/import/read/include
        | do/does/must/should not ~load/sync/copy/import/read/include | never ~load/sync/copy/import/read/include
    FORALL = for (all/every/each) [of] [the/our] [synced] (object/objects) [,/:] [please]
    FIRSTRUN = (on/in/with/at/during/for) the (first/initial/very_first | very first) run/sync/load/import
    ENOUGH = (is/are) (enough/sufficient | all we need) [,/;/:/-] [and] [please] ~load/sync/copy/read/take
        (those/these/them) [and] [,] (nothing older | no older ones | none older | none that are older)
        | (is/are) (enough/sufficient | all we need) [[,/;/:] (nothing older | no older ones)]
    OURHISTORY = [the] history [that/which] (we/i | the sync/pipeline/tool) ~load/sync/copy/read/import/take/keep/bring
    WITHDATA = ~start/begin with (data/records/history) (from/of) <start> [on/onward/onwards]
    READ WITHDATA [OF]
    READ FORALL REACH|GOBACK
    READ FORALL LOAD|BACKFILL AMOUNT
    READ FORALL LOAD|BACKFILL HISTORY FROM|BACK|CREATED|LAST
    READ REACH OF
    READ FOR LOAD|ONLYLOAD AMOUNT
    READ LOAD|ONLYLOAD AMOUNT FIRSTRUN
    READ LOAD|ONLYLOAD AMOUNT HISTORY FIRSTRUN
    READ LOAD|ONLYLOAD AMOUNT OBJECT FIRSTRUN
    READ FIRSTRUN LOAD HISTORY FROM|BACK|CREATED|LAST [OF]
    READ AMOUNT OBJECT ENOUGH
    READ OURHISTORY GOES|REACH [OF]
    READ LOAD ALL [OF]
    READ NOCUT LOAD ALL [OF]
    READ OWNHISTORY LENGTHY
    READ STARTDATE|BEGINS|NOTHING [OF]
    READ LOAD OBJECT FROMSTART
    READ INITIAL LOAD AMOUNT [OF]
    READ INITIAL LOAD AMOUNT HISTORY [OF]
    READ LOAD|BACKFILL DAYONE [OF]
    READ NOTBEFORE [OF]
    READ OBJECT BACKFILLED REACH|FROM
    READ FOR GOBACK
    READ FOR REACH
    READ LOAD|ONLYLOAD AMOUNT
    READ ONLYLOAD AMOUNT HISTORY [OF]
    READ ONLYLOAD AMOUNT OBJECT
    READ ONLYLOAD HISTORY FROM [OF]
    READ LOAD HISTORY FROM|BACK|CREATED|LAST [OF]
    READ LOAD AMOUNT HISTORY [OF]
    READ LOAD AMOUNT OBJECT
    READ LOAD OWN FROM|BACK|LAST
    READ BACKFILL FROM|BACK|CREATED|LAST [OF]
    READ BACKFILL OBJECT FROM|BACK|CREATED|LAST
    READ BACKFILL AMOUNT HISTORY [OF]
    READ HISTORY FROM|BACK [OF]
    READ STARTS OBJECT CREATED|LAST
    READ STARTS HISTORY CREATED|LAST [OF]
    READ OBJECT FROM|BACK LOAD
    READ OLDER|OLDERONE [LOAD]
    READ BEFORE SKIPPED
    READ ONLYROWS CREATED|LAST|FROM [OF]
    READ BACKFILL AMOUNT [OF]
    READ BACKFILL AMOUNT OWN
    READ LOAD AMOUNT OWN
    READ INITIAL GOES|REACH [OF]
    READ FOR INITIAL GOES|REACH
    READ FOR LOAD|BACKFILL ALL
    READ FOR LOAD|BACKFILL HISTORY FROM|BACK|CREATED|LAST
    READ FOR LOAD|BACKFILL AMOUNT HISTORY
    READ OWNHISTORY WHOLE|REACH|GOES
    READ FOR WHOLE
    READ LOAD EVERYONE
    READ LIMITS [OF]
    READ GOBACK [OF]
    READ RUNS [OF]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("source.objects[].since",),
    examples=(
        "Loads history from January 1, 2023",
        "Starts with Opportunities created in the last 24 months",
        "Syncs all history",
        "No records older than 2020-01-01",
        "Loads the last 2 years of history of Opportunities",
    ),
    near_misses=(
        "Loads history from February 30, 2023",
        "Loads history from 01/02/2023",
        "Loads history until January 1, 2023",
        "Loads some history",
        "Loads history from last year",
        "Starts with Opportunities created about 24 months ago",
        "Loads history from around January 1, 2023",
        "Does not load history from January 1, 2023",
        "Starts with Opportunities created after January 1, 2023",
        "Syncs no history",
    ),
)

"""Which objects are synced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.sentence import Sentence


@dataclass(frozen=True)
class Sync(Clause):
    """Objects by API name, in the order of the sentence."""

    kind: ClassVar[str] = "sync"
    objects: tuple[str, ...]


def build(values: Values, sentence: Sentence) -> Sync | None:
    """The clause of a reading."""
    assert values["objects"]
    if values.get("count", len(values["objects"])) != len(values["objects"]):
        return None
    return Sync(values["objects"])


def echo(clause: Sync, catalogue: Snapshot) -> str:
    """Canonical English."""
    return f"Syncs {listed(map(catalogue.object_label, clause.objects))} from Salesforce"


def ir(clause: Sync, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"source": {"objects": [{"name": name} for name in clause.objects]}}


FRAME = Frame(
    kind="sync",
    doc="Names the Salesforce objects whose records are copied.",
    phrases="""
    VERB =
        ~grab/bring_across/sync/synchronise/synchronize/copy/pull/load/extract/replicate/import/fetch/ingest/mirror/transfer/get/take
        | ~grab | ~retrieve/collect/download/include/cover/comprise | ~move
    BRING = ~bring/pull in | ~bring/copy/carry/pull/move over | ~bring/carry/copy across
    COME = ~come
    OVER = ~bring/copy/carry/move/pull <objects> over/in/across
    WITHIN = in [the/our] (warehouse | data warehouse)
    HAVE = ~have the [data] pipeline/sync/tool/job (copy/sync/load/extract/pull/replicate)
    USING = ~use <source> as [the/our] [data] source and ~sync/copy/load/pull/replicate
    CARRIED = %be_to [be] brought across/over/in
    ACROSS = ~come across/over
    REQUIRES = (finance/marketing/sales/support/legal/operations/analytics/management | the business/team | we)
        ~require/need/want
    ALLOFWHICH = , all of which (%be | must/shall/should be) ~replicate/sync/copy/synchronise/synchronize/load/extract
    STREAMS = (streams/objects/entities/tables) ~replicate/sync/copy/load/extract/pull
    INSCOPE = in scope (for/in) (phase one/1 | the first phase/release | the pilot) is/are
    THESE = [the] salesforce objects (to be | [that/which] are to be) ~replicate/sync/copy/synchronise/synchronize
        (are/is) | [the] objects [that/which] we ~sync/copy/need/want/replicate | [the] objects [that/which] are
        ~sync/copy/replicate
    KEEP = ~keep <objects> (in sync | synced | up to date | synchronised | synchronized) (with | from) [our] <source>
    SOURCE = <source> is [the/our] source of/for <objects> | source of/for <objects> is [our] <source>
    LIST = [following] objects from [our] <source> : <objects>
    COUNTED = <int:count> objects [from [our] <source>] [for [the/our]
        (dashboard/dashboards/reports/reporting/analytics/analysis/warehouse)] [:] <objects>
    READS = ~read
    OBJECTS = [the] [following/these] [both] [salesforce/standard/custom] [objects/object] [from [our] <source>] [:]
        <objects>
    OF = [all] data/records for/of/from <objects> | salesforce records of type <objects>
    LABEL = (data in scope | entities/streams/tables [to sync | synced/replicated/copied/loaded] |
        [salesforce/source/synced/sync/custom/standard/supported/selected/these] objects [in scope | to sync | to copy
        | to be ~sync/copy | to replicate] | [data/sync/object] scope [of the sync] | in scope | data to sync | [data]
        source | source objects) [from/in [our] <source>] [:/-/–/—/are] [the] [following] [both] <objects>
    SCOPE = ~belong to the scope [of the %thesync] | in scope | objects to ~sync/copy/replicate | objects in scope |
        part of [the/this] sync/scope | ~include in [the/this] sync/scope
    WANT = we/i want/need | want/need | we would/should like | i would like to have | ~want | ~need
    ADD = ~include <objects> in [the/this/our] %thesync | ~add <objects> to [the/this/our] %thesync | <objects> %be_to
        [be] ~include in [the/this/our] %thesync | <objects> %be_to [be] ~add to [the/this/our] %thesync | we/i
        want/need <objects> ~include in [the/this/our] %thesync
    GETDONE = ~get/have <objects>
        (copied/synced/moved/brought/loaded/pulled/replicated/imported/transferred/synchronised) [over/across]
    INSYNC = (we/i want/need | want/need | ~want | we would like) <objects> [to be] in [the/our/this] %thesync |
        <objects> (need to | must/should/shall | have to | are to) be in [the/our/this] %thesync
    FORUSE = for [the/our] (dashboard/dashboards/reports/reporting/analytics/analysis/warehouse)
    READ GETDONE [FROM] [INTO]
    READ INSYNC [FROM]
    READ VERB COUNTED FORUSE
    WHO = %who
    BROUGHT = ~bring
    DATAOF = [the] following [salesforce] objects %be_to [be] ~sync/copy/synchronise/synchronize/replicate [from
        <source>] [:] | data from the following [salesforce] objects %be_to [be] ~sync/copy/load [:]
    SYSTEM = [data] source [system] is <source> , with | [data] source [system] [is] [:] <source>
    FROM = (out of | from) [the/our/your] <source> [org/crm/instance/account]
    ALL = all
    INTO = (into/to) [the/our] [own] (warehouse/database | data warehouse)
    INCLUDED = ~include/cover/contain in [the/this/our] [data]
        (sync/scope/synchronisation/synchronization/load/extract/pipeline/replication/import/job/feed) | ~belong
        (to/in) [the/our/this] (scope [of [the/our/this] (sync/synchronisation/synchronization/pipeline/load)] |
        sync/synchronisation/synchronization/pipeline) | in [the/our] scope [of [the/our/this]
        (sync/synchronisation/synchronization/pipeline/load)] | part of [the/this/our] [data]
        (sync/synchronisation/synchronization/load/extract/pipeline/replication/job/feed)
    READ THESE OBJECTS [FROM]
    READ REQUIRES OBJECTS VERB|ACROSS|BRING|CARRIED [FROM] [INTO]
    READ STREAMS OBJECTS FROM
    READ INSCOPE OBJECTS [ALLOFWHICH] [FROM]
    READ LABEL ALLOFWHICH [FROM]
    READ HAVE|USING|ACROSS OBJECTS [FROM]
    READ WANT OBJECTS INTO|WITHIN [FROM]
    READ VERB OBJECTS|OF WITHIN [FROM]
    READ VERB OBJECTS|OF [FROM] [WHO] [WANT] [INTO]
    READ OBJECTS ALL VERB [FROM] [INTO]
    READ OBJECTS INCLUDED [WANT] [FROM]
    READ VERB COUNTED [FROM]
    READ OVER [FROM] [INTO]
    READ KEEP
    READ SOURCE
    READ ADD [FROM]
    READ VERB LIST
    READ READS OBJECTS|OF FROM
    READ BRING OBJECTS [FROM] [INTO]
    READ BROUGHT OBJECTS INTO [FROM]
    READ COME OBJECTS|OF FROM
    READ LABEL [FROM]
    READ DATAOF OBJECTS
    READ SYSTEM OBJECTS
    READ OBJECTS SCOPE [FROM]
    READ WANT OBJECTS FROM
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("source.objects",),
    examples=(
        "Syncs Accounts, Contacts, and Customer Health from Salesforce",
        "Copies every Account from Salesforce",
        "Also syncs the custom object Customer_Health__c",
        "Contacts and Accounts must be pulled from Salesforce",
    ),
    near_misses=(
        "Accounts are out of scope",
        "Syncs three objects: Accounts and Contacts",
        "Syncs Accounts or Contacts from Salesforce",
        "Never syncs Accounts from Salesforce",
        "Syncs all objects except Contacts from Salesforce",
        "Syncs some Accounts from Salesforce",
        "Syncs Accounts to Salesforce",
        "Syncs Accounts from HubSpot",
    ),
)

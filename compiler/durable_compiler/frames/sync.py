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


def build(values: Values, sentence: Sentence) -> Sync:
    """The clause of a reading."""
    assert values["objects"]
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
    VERB = ~sync/synchronise/synchronize/copy/pull/load/extract/replicate/import/fetch/ingest/mirror/transfer
    BRING = ~bring in
    COME = ~come
    OVER = ~bring <objects> over/in
    KEEP = ~keep <objects> (in sync | synced | up to date | synchronised | synchronized) (with | from) [our] <source>
    SOURCE = <source> is the source of/for <objects> | source of/for <objects> is [our] <source>
    LIST = [following] objects from [our] <source> : <objects>
    READS = ~read
    OBJECTS = [following] [salesforce] [objects] [:] <objects>
    FROM = (out of | from) [our] <source> [org/crm]
    READ VERB OBJECTS [FROM]
    READ OVER [FROM]
    READ KEEP
    READ SOURCE
    READ VERB LIST
    READ READS OBJECTS FROM
    READ BRING OBJECTS [FROM]
    READ COME OBJECTS FROM
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
        "Syncs Accounts or Contacts from Salesforce",
        "Never syncs Accounts from Salesforce",
        "Syncs all objects except Contacts from Salesforce",
        "Syncs some Accounts from Salesforce",
        "Syncs Accounts to Salesforce",
        "Syncs Accounts from HubSpot",
    ),
)

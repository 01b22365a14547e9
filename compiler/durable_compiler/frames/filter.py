"""Which records of an object are synced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.frames.sync import Sync
from durable_compiler.grammar.condition_words import selection_words
from durable_compiler.grammar.sentence import Sentence
from durable_compiler.terms import Term, complement, field_terms, to_ir


@dataclass(frozen=True)
class Filter(Clause):
    """An object and the condition that its records meet to be kept."""

    kind: ClassVar[str] = "filter"
    object: str
    where: Term


def build(values: Values, sentence: Sentence) -> Filter | tuple[Clause, ...] | None:
    """A clause, or one for each object that the same words restrict: Accounts and Leads whose Rating is Hot."""
    found = values["selected"] if "selected" in values else (values["selection"],)
    # Whether deleted records are kept is a policy of its own, with tombstones and flags.
    if any(one.name == "IsDeleted" for _, said in found for one in field_terms(said)):
        return None
    keep = values["polarity"] == "keep"
    clauses = tuple(Filter(owner, said if keep else complement(said)) for owner, said in found)
    if "synced" in values:
        return (Sync((clauses[0].object,)), *clauses)
    return clauses if len(clauses) > 1 else clauses[0]


def echo(clause: Filter, catalogue: Snapshot) -> str:
    """Canonical English."""
    return f"Only syncs {selection_words(clause.object, clause.where, catalogue)}"


def ir(clause: Filter, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"source": {"objects": [{"name": clause.object, "where": to_ir(clause.where)}]}}


FRAME = Frame(
    kind="filter",
    doc="Selects the records of an object that are synced, by a condition on their fields.",
    phrases="""
    KEEP = %solely ~give/grab/send/show/emit/return/yield/deliver [us/me] <several:selected>
        | ~give/grab/show/emit/return/yield/deliver [us/me] %solely <several:selected>
        | %solely %bring <several:selected> | %bring %solely <several:selected> | %solely %bring in <several:selected>
        | %solely ~keep/process/want/need/receive/get/see/track/store/retain <several:selected>
        | ~receive/get/see/track/store/retain %solely <several:selected>
        | ~keep/process/want/need %solely <several:selected>
    ALONE = %solely <several:selected> %bring | %solely <several:selected> ~keep/process
    SYNC = %bring <selection> | ~keep/include/process/receive <selection>
    BUT = <synced_but:selection> {synced=yes}
    IF = <kept_if:selection> | <kept_if:selection> %be %bring
    LIMIT = ~limit/restrict/narrow/confine [the/this/our] [sync/load/scope/pipeline/import/extract/copy/job] [down] to
        [only] <several:selected>
        | [the/this/our] sync/load/scope/pipeline/import/extract/copy/job ~limit/restrict/narrow/confine [down] to
        [only] <several:selected>
    SKIP = ~skip/ignore/omit/exclude/disregard/bypass <several:selected> | ~filter/leave/keep out <several:selected>
        | ~filter/leave <several:selected> out
    SKIPPED = <several:selected> ~skip/ignore/omit/exclude/disregard/bypass | <several:selected> ~filter/leave out
    NEVER = %never %bring <several:selected> | (don/doesn ' t | don't | doesn't) %bring <several:selected>
    NOTSYNCED = <several:selected> %never %bring
    OUTSIDE = <several:selected> %be (out of scope | outside [of] [the] scope | not in scope) [of [this/the/our]
        (sync/interface/pipeline/integration/load/project)]
        | <several:selected> fall/falls/lie/lies (outside [of] [the] scope | out of scope) [of [this/the/our]
        (sync/interface/pipeline/integration/load/project)] [and %never %bring]
    SCOPED = %solely <several:selected> %be (in scope | considered/eligible [for
        (loading/sync/synchronisation/synchronization/extraction/replication/import)])
        | %solely <several:selected>
    BACK = %bring <selection> only
    ALLBUT = <all_but:selection> {synced=yes} | <all_but:selection> %be %bring {synced=yes}
    DURING = (during/at/on) [the] (extraction/sync/load/import/source/read/synchronisation/synchronization)
    DROPPED = <dropped:selection>
    MAYGO = <several:selected> can be (left out | skipped/ignored/omitted/excluded | filtered out)
        [(of/from) [the/our] sync/load/scope/pipeline/import]
    WEONLY = (we/i) (should/must/shall/want/need) [to] %solely %bring <several:selected>
    READ MAYGO [FROM] {polarity=drop}
    READ WEONLY [FROM] [INTO] {polarity=keep}
    NONE = no <several:selected> %bring
    FROM = (out of | from) [our] <source> [org/crm]
    INTO = (into | to) [the/our] (warehouse/target/table)
    READ SCOPED|BACK {polarity=keep}
    READ OUTSIDE|ALLBUT {polarity=drop}
    READ KEEP|ALONE|SYNC|BUT|IF|LIMIT [FROM] [INTO] {polarity=keep}
    READ SKIP|SKIPPED|DROPPED|NEVER|NOTSYNCED|NONE [FROM] [INTO] [DURING] {polarity=drop}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("source.objects[].where",),
    examples=(
        "Only syncs Accounts whose Type is Customer",
        "Ignores Contacts without an Email",
        "Only syncs Contacts of Accounts whose Type is Customer",
        "Skips Opportunities with a negative Amount",
        "Only Opportunities with an Amount over 10,000 are synced",
        "Accounts are only synced if their Industry is Banking or Energy",
    ),
    near_misses=(
        "Only syncs Accounts whose Type is Partner",
        "Only syncs Accounts whose Colour is Blue",
        "Only syncs Accounts in Germany",
        "Does not skip Contacts without an Email",
        "Skips Contacts without an Email or Phone",
        "Only syncs Accounts whose Type is Customer or Industry is Banking and Account Number is 5",
        "Only syncs Accounts whose Type is probably Customer",
        "Only syncs Accounts whose Annual Revenue is Blue",
        "Only syncs Accounts whose Annual Revenue is between 10 and 5",
        "Only syncs open Opportunities",
        "Only syncs Contacts whose Email is valid",
    ),
)

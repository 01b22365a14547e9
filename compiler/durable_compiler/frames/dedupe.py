"""Which records are one and the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import ObjectSchema, Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Dedupe(Clause):
    """An object, the fields that identify it, and which record stays."""

    kind: ClassVar[str] = "dedupe"
    object: str
    by: tuple[str, ...]
    keep: str


def build(values: Values, sentence: Sentence) -> Dedupe | Fault:
    """The clause of a reading."""
    owner = sentence.catalogue.by_name[values["object"]]
    names: list[str] = []
    assumed: tuple[Assumed, ...] = ()
    for key in values["keys"]:
        found = resolve_key(key, owner, sentence)
        if isinstance(found, Fault):
            return found
        name, more = found
        names.append(name)
        assumed += more
    if "keep" not in values:
        assumed += (Assumed("dedupe.keep", "latest", "the sentence does not say which record stays"),)
    return Dedupe(owner.name, tuple(names), values.get("keep", "latest"), assumed=assumed)


def echo(clause: Dedupe, catalogue: Snapshot) -> str:
    """Canonical English."""
    owner = catalogue.by_name[clause.object]
    labels = [catalogue.field_words(owner.name, name) for name in clause.by]
    return f"Deduplicates {catalogue.object_label(owner.name)} by {listed(labels)}, keeping the {clause.keep}"


def ir(clause: Dedupe, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"dedupe": [{"object": clause.object, "by": list(clause.by), "keep": clause.keep}]}


def resolve_key(key: str, owner: ObjectSchema, sentence: Sentence) -> tuple[str, tuple[Assumed, ...]] | Fault:
    """The field that a name means; `External ID` may also be the only field marked so."""
    start, end = sentence.tokens[0].start, sentence.tokens[-1].end
    names = owner.by_key.get(key, ())
    if len(names) == 1:
        return names[0], ()
    if names:
        return Fault(
            "DUR032", f"several fields of {owner.label} have this name", start, end, "Write an API name.", names
        )
    if key != "externalid":
        close = sentence.catalogue.nearest_fields(key, [owner.name])
        return Fault("DUR031", f"{owner.label} has no field '{key}'", start, end, "Write a field of the object.", close)
    marked = [one.name for one in owner.fields if one.externalId]
    if len(marked) == 1:
        return marked[0], (Assumed("dedupe", marked[0], f"it is the only external ID field of {owner.label}"),)
    help = "Name the field that identifies a record."
    return Fault("DUR035", f"{owner.label} has {len(marked)} external ID fields", start, end, help, tuple(marked))


FRAME = Frame(
    kind="dedupe",
    doc="Says which fields identify a record, and which of several is kept.",
    phrases="""
    DEDUP = ~deduplicate/dedupe/dedup | de ~duplicate/dupe
    OBJ = <object>
    DUP = duplicate <object> are ~remove/drop/merge/eliminate
    UNIQUE = <object> (are/is/must be) unique
    SHARE = [the] <object> (sharing | that share | with) [the] same <keys> are duplicates
    REMOVE = ~remove/drop/merge/eliminate duplicate <object>
    TREAT = ~treat/consider/count <object> with/sharing/having the same <keys> as (one/duplicates | the same
        | one record | the same record)
    BY = (by/on/using | based on | by the | with) <keys>
    SAME = <object> with the same <keys> are [treated/considered] (as one | one | duplicates | as duplicates
        | the same [record])
    KEEP = ~keep the (latest/newest {keep=latest} | most recent {keep=latest}
        | most recently modified {keep=latest} | first/oldest/earliest {keep=first}) [%rows | one/version]
    KEPT = [the] (latest/newest {keep=latest} | most recent {keep=latest}
        | first/oldest/earliest {keep=first}) [%rows | one/version] ~keep/win
    WINS = \\( latest wins \\) {keep=latest} | [the] (latest/newest {keep=latest}
        | first/oldest {keep=first}) [%rows | one/version] wins
    READ SHARE [KEEP] [KEPT] [WINS]
    READ DUP|UNIQUE BY [KEEP] [KEPT] [WINS]
    READ REMOVE BY [KEEP] [KEPT] [WINS]
    READ DEDUP OBJ BY [KEEP] [KEPT] [WINS]
    READ TREAT|SAME [KEEP] [KEPT] [WINS]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("dedupe",),
    examples=(
        "Deduplicates Contacts by External ID, keeping the latest",
        "Treats Accounts with the same Account Number as one",
        "De-duplicate Contacts on Email and keep the first record",
    ),
    near_misses=(
        "Deduplicates Contacts",
        "Never deduplicates Contacts by External ID",
        "Deduplicates Contacts by External ID or Email",
        "Deduplicates Contacts by Shoe Size",
        "Deduplicates Contacts by External ID, keeping the best",
    ),
)

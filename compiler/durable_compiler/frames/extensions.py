"""What happens to fields that the spec does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.sentence import Sentence


@dataclass(frozen=True)
class Drift(Clause):
    """A policy and the column that keeps them."""

    kind: ClassVar[str] = "extensions"
    policy: str
    column: str | None = None


def build(values: Values, sentence: Sentence) -> Drift:
    """The clause of a reading."""
    return Drift(values["policy"], values.get("column", "extensions") if values["policy"] == "extensions" else None)


def echo(clause: Drift, catalogue: Snapshot) -> str:
    """Canonical English."""
    return {
        "extensions": f"Keeps unmapped fields in the {clause.column} column",
        "propose": "Unknown fields propose a change to this spec",
        "fail": "New fields stop the run",
    }[clause.policy]


def ir(clause: Drift, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    column = {"column": clause.column} if clause.column else {}
    return {"drift": {"unknown_fields": clause.policy, **column}}


FRAME = Frame(
    kind="extensions",
    doc="Says what happens to fields that appear in Salesforce and are not in the spec.",
    phrases="""
    FIELDS = [the/all/any] (unmapped/unknown/new/unexpected/additional/extra/other/unrecognised)
        fields/field [in salesforce]
    NOTMAPPED = fields that are not mapped/known/listed | fields [that] [we] do not map
        | fields [that] [are] not in this/the spec
    WHEN = ~fail/stop/halt [the run] when/if [any] new/unknown/unmapped/unexpected fields ~appear
    KEEP = ~keep/store/put/save/land/preserve/collect/go
    GO = ~go to [the] <column> column
    ASEXT = in extensions {column=extensions} | as extensions {column=extensions}
    LEAD = lead/leads to a proposed change of/to (this/the spec | the requirements)
    WHENSTOP = when/if [any] new/unknown/unmapped/unexpected fields ~appear , [the] run ~stop/fail
        | when/if [any] new/unknown/unmapped fields ~appear , ~stop/fail the run
    IN = in/into [the/a/an] <column> column | in/into [the] column <column>
    PROPOSE = ~propose [a] change/changes [to this/the spec/requirements] | ~propose [a] change to the requirements
    STOP = ~stop/fail/halt the run | ~stop the sync
    READ WHEN {policy=fail}
    READ FIELDS|NOTMAPPED KEEP IN {policy=extensions}
    READ FIELDS GO {policy=extensions}
    READ FIELDS|NOTMAPPED KEEP ASEXT {policy=extensions}
    READ FIELDS LEAD {policy=propose}
    READ WHENSTOP {policy=fail}
    READ FIELDS PROPOSE {policy=propose}
    READ FIELDS STOP {policy=fail}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("drift",),
    examples=(
        "Keeps unmapped fields in the extensions column",
        "Unknown fields propose a change to this spec",
        "New fields stop the run",
        "Unmapped fields are kept in the extensions column",
    ),
    near_misses=(
        "Keeps unmapped fields",
        "Never keeps unmapped fields in the extensions column",
        "Drops unmapped fields",
        "Keeps fields in the extensions column",
        "New fields do not stop the run",
    ),
)

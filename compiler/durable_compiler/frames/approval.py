"""What people must approve, how many of them, and in which role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.policies import role_in_words
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Approval(Clause):
    """The things that need approval, in a fixed order, by how many people, and their role."""

    kind: ClassVar[str] = "approval"
    things: tuple[str, ...]
    count: int
    role: str | None = None


def build(values: Values, sentence: Sentence) -> Approval | Fault:
    """The clause of a reading."""
    named = set(values["approved"])
    count = int(values.get("count", 1))
    if not 1 <= count <= 10:
        help = "Write a number of approvals from 1 to 10."
        return Fault("DUR053", f"{count:,} approvals", sentence.tokens[0].start, sentence.tokens[-1].end, help)
    return Approval(tuple(thing for thing in _THINGS if thing in named), count, values.get("role"))


def echo(clause: Approval, catalogue: Snapshot) -> str:
    """Canonical English."""
    what = listed(_THINGS[thing] for thing in clause.things)
    approvals = "approval" if clause.count == 1 else f"{clause.count} approvals"
    by = f" from {role_in_words(clause.role)}" if clause.role else ""
    return f"{what[0].upper()}{what[1:]} need {approvals}{by}"


def ir(clause: Approval, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    role = {"role": clause.role} if clause.role else {}
    return {"approvals": {**dict.fromkeys(clause.things, clause.count), **role}}


_THINGS = {"spec_change": "changes to this spec", "schema_change": "schema changes", "deploy": "deployments"}
_WHAT = "<approved>"
_PEOPLE = "people/persons/reviewers/approvers/humans/colleagues"
_BY = (
    f"(from/by/of ([at least] <int:count> ({_PEOPLE}) | [at least] <int:count> <role> | <role> | "
    "(a/one/someone/somebody) [person/human/else]))"
)
_APPROVAL = "approval/sign-off/signoff/consent/authorisation/authorization"
_APPROVALS = (
    "([an/the] (approval/signoff/consent/authorization/authorisation | sign off) | [at least] <int:count> "
    "(approvals/approval/signoffs | sign offs | approvers))"
)
_ROLE_APPROVAL = "[the] <role> (approval | sign off)"
_NEED = "~need/require | ~wait for | ~be subject to"

FRAME = Frame(
    kind="approval",
    doc="Says what needs approval, by how many people and in which role.",
    phrases=f"""
    NEED = {_WHAT} (~need/require | ~wait_for | subject to | [must/should] have) {_APPROVALS} [{_BY}]
        | {_WHAT} (~need/require | ~need_to_be | to be) ~approve/authorize/authorise {_BY}
        | {_WHAT} (~need/require) {_ROLE_APPROVAL}
        | {_WHAT} (must/should/shall/need/needs/has/have) [to] [be] (~approve/authorize/authorise | signed off) [{_BY}]
    ACTIVE = ([at least] <int:count> ({_PEOPLE}) | [at least] <int:count> <role> | <role> | someone/somebody | a person)
            [must/should/shall/needs/need/has/have] [to] (~approve/authorize/authorise | sign/signs off [on]) {_WHAT}
        | ~require/need/get {_APPROVALS} [{_BY}] (for/before/on) {_WHAT} [{_BY}]
        | {_APPROVALS} [{_BY}] (~need/require | is/are needed/required) (for/before/on) {_WHAT}
    WITHOUT = no {_WHAT} without {_APPROVALS} [{_BY}]
        | {_WHAT} (must/may/should/can not | cannot | [must/may] never) (go live | ~happen | ~proceed | be deployed
            | be applied | go ahead | take place | be made) without {_APPROVALS} [{_BY}]
    LABEL = (approvals/approvers for {_WHAT} | <approved> approvals/approvers
        | approvals (needed/required) for {_WHAT}) [is/are] [: | =] <int:count>
    READ NEED
    READ ACTIVE
    READ WITHOUT
    READ LABEL
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("approvals",),
    examples=(
        "Changes to this spec need approval from a data owner",
        "Deployments need two approvals",
        "Schema changes need approval",
        "Two people must approve every deployment",
        "Spec changes and deployments must be approved by a data steward",
    ),
    near_misses=(
        "Deployments need no approval",
        "Deployments do not need approval",
        "Deployments need about two approvals",
        "Deployments usually need approval",
        "Deployments need approval from a wizard",
        "Deployments need approval unless they are small",
        "Deployments need 0 approvals",
        "Changes need approval",
        "Approval is needed",
    ),
)

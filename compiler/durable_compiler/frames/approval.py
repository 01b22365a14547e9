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


def build(values: Values, sentence: Sentence) -> Approval | Fault | tuple[Approval, ...]:
    """The clause of a reading, or one for each number of approvals that the sentence names."""
    first = _clause(values["approved"], values.get("count", 1), values.get("role"), sentence)
    if "others" not in values:
        return first
    number = values["number"] if "number" in values else values.get("count", 1)
    second = _clause(values["others"], number, values.get("role"), sentence)
    if isinstance(first, Fault) or isinstance(second, Fault):
        return first if isinstance(first, Fault) else second
    return first, second


def _clause(approved: tuple[str, ...] | str, number: int, role: str | None, sentence: Sentence) -> Approval | Fault:
    named = (approved,) if isinstance(approved, str) else approved
    count = int(number)
    if not 1 <= count <= 10:
        help = "Write a number of approvals from 1 to 10."
        return Fault("DUR053", f"{count:,} approvals", sentence.tokens[0].start, sentence.tokens[-1].end, help)
    return Approval(tuple(thing for thing in _THINGS if thing in named), count, role)


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
_PEOPLE = "people/persons/reviewers/approvers/humans/colleagues/person/reviewer/approver/individuals/colleague"
_AT_LEAST = "[at least | a minimum of | no fewer than]"
_WHO = (
    f"({_AT_LEAST} <int:count> [different/separate] ({_PEOPLE}) (with/in/having the role [of] [a/an]) <role>"
    f" | {_AT_LEAST} <int:count> [different/separate] ({_PEOPLE}) [of us] | {_AT_LEAST} <int:count> of us |"
    f" {_AT_LEAST} <int:count> [different] <role> | <role>"
    " | (a/one/someone/somebody/another) [other/second] [person/human/else/reviewer/approver])"
)
_BY = f"(from/by/of {_WHO})"
_NOUN = (
    "(approval/approvals/signoff/signoffs/consent/authorisation/authorization/approver/approvers/agreement/ok/okay"
    "/confirmation/permission | sign off/offs | thumbs up | go ahead | green light)"
)
_APPROVALS = f"([an/the/a/any] {_NOUN} | {_AT_LEAST} <int:count> {_NOUN})"
_ROLE_APPROVAL = f"[the] <role> {_NOUN}"
_GIVE = (
    "(~approve/authorize/authorise/confirm/ok/okay | ~sign off [on] | ~agree to | ~give approval to | ~review and"
    " ~approve)"
)
_GIVEN = (
    "(approved/authorized/authorised/confirmed | reviewed and approved | signed off | approved and signed off | agreed)"
)
_MUST = "([must/should/shall] [first] | needs/need/has/have [first] to)"
_ANY = "(anything | any change/release/version | a change/release/version | it | changes)"
_EDITED = (
    "([the/this] (spec/specification | requirements [file]) {approved=spec_change}"
    " | [the] [salesforce/table/target/warehouse] schema {approved=schema_change})"
)
_LIVE = (
    "(go/goes live | ~happen/proceed | [be] deployed/applied/made/released/allowed | go/goes ahead | take/takes place"
    " | go/goes (out | to production | through))"
)

FRAME = Frame(
    kind="approval",
    doc="Says what needs approval, by how many people and in which role.",
    phrases=f"""
    NEED = {_WHAT} (~need/require | ~wait for | subject to | [must/should] ~have | ~depend on) ({_APPROVALS} [{_BY}]
            | {_ROLE_APPROVAL})
        | {_WHAT} (~need/require | [be] ~need to be | to be) {_GIVEN} {_BY}
        | {_WHAT} (must/should/shall/need/needs/has/have) [first] [to] [be] [first] {_GIVEN} [{_BY}]
        | {_WHAT} [is/are] {_GIVEN} {_BY} | {_WHAT} need/needs approving {_BY}
        | {_WHAT} (must/may/should/can/is/are) [be] only ({_LIVE} | be) (after/with/once/when/if) ({_APPROVALS} [{_BY}]
            | {_ROLE_APPROVAL} | [they/it] [have/has] [been] {_GIVEN} [{_BY}] | {_WHO} [has/have] {_GIVEN} [it/them])
        | {_WHAT} [is/are] only {_LIVE} (after/with/once/when/if) ({_APPROVALS} [{_BY}]
            | {_ROLE_APPROVAL} | [they/it] [have/has] [been] {_GIVEN} [{_BY}] | {_WHO} [has/have] {_GIVEN} [it/them])
        | only {_GIVEN} {_WHAT} (may/can/must/should) {_LIVE}
    ACTIVE = ({_AT_LEAST} <int:count> ({_PEOPLE}) | {_AT_LEAST} <int:count> <role> | <role> | someone/somebody | a
            person)
            {_MUST} {_GIVE} {_WHAT}
        | (before/for) {_WHAT} [,] {_APPROVALS} [{_BY}] ([is/are] (needed/required/necessary/mandatory) | must/should be
            (given/obtained))
        | {_APPROVALS} [{_BY}] (is/are) (enough/sufficient) (for/before) {_WHAT}
        | (want/need) {_WHO} to {_GIVE} {_WHAT}
        | {_WHO} {_MUST} {_GIVE} before (anything | any change/release/version | it) (is/gets/goes)
            (deployed/live/released)
            {{approved=deploy}}
        | (before/for) {_WHAT} , {_WHO} {_MUST} (approve | sign off | give [their] {_NOUN}) [it/them]
        | before {_EDITED} is/are/gets (changed/edited/modified/altered) [,] {_WHO} {_MUST} {_GIVE} [it/them | the
            change]
        | {_WHO} {_MUST} say yes to {_WHAT} | {_WHAT} (~need/require) a yes from {_WHO}
        | before (anything | any change/release/version | a change/release/version) (is/are/gets) (deployed/released)
            [,]
            {_WHO} {_MUST} {_GIVE} [it/them] {{approved=deploy}}
        | before {_WHAT} [,] {_WHO} {_MUST} (say yes) [to it/them]
        | before {_EDITED} is/are/gets (changed/edited/modified/altered) [,] {_WHO} {_MUST} say yes [to it/them]
        | [~require/need/get/obtain | ~ask for] {_APPROVALS} [{_BY}] (for/before/on/per) {_WHAT} [{_BY}]
        | {_WHO} (per/for) {_WHAT}
        | {_APPROVALS} [{_BY}] (~need/require | is/are needed/required) (for/before/on) {_WHAT}
        | [~require/get/need] {_ROLE_APPROVAL} (for/before/on) {_WHAT} | {_ROLE_APPROVAL} is needed/required for {_WHAT}
    DEPLOYED = ({_APPROVALS} [{_BY}] [(is/are) (needed/required) | ~need/require] before ({_ANY})
            (is/gets/goes/are/get/go)
            (deployed/live/released)
        | (nothing | no change/changes/version/release) [may/can/is/gets/goes] [be] (deployed/released/live)
            (without ({_APPROVALS} [{_BY}] | {_ROLE_APPROVAL}) | (until/unless) ({_WHO} [has/have] {_GIVEN} [it/them]
            | [it] [has/is] [been] {_GIVEN} [{_BY}]))) {{approved=deploy}}
    EDITED = {_EDITED} ((may/can/must/should) only be (changed/edited/modified/altered) (with/after) ({_APPROVALS}
            [{_BY}]
            | {_ROLE_APPROVAL}) | %must_not be (changed/edited/modified/altered) without ({_APPROVALS} [{_BY}]
            | {_ROLE_APPROVAL}))
        | (nobody | no one) (may/can) (change/edit/modify) {_EDITED} without ({_APPROVALS} [{_BY}] | {_ROLE_APPROVAL})
    SPLIT = ({_WHAT} (~need/require) {_APPROVALS} [{_BY}] [,/;] [and] (as/so do) <approved:others>
        | [~require/need/get/obtain] {_APPROVALS} (for/on/before) {_WHAT} [,] [and] <int:number> [{_NOUN}]
            (for/on/before) <approved:others>
        | {_WHAT} ~need/require {_APPROVALS} [,] [and/while] <approved:others> [~need/require] <int:number> [{_NOUN}]
        | ({_WHAT} : {_APPROVALS} [,/;] [and] <approved:others> : <int:number> [{_NOUN}]))
    WITHOUT = no {_WHAT} [may/can/should/must] [{_LIVE}] without ({_APPROVALS} [{_BY}] | {_ROLE_APPROVAL})
        | {_WHAT} (%must_not | cannot) {_LIVE} (without ({_APPROVALS} [{_BY}] | {_ROLE_APPROVAL})
            | (until/unless) ([it/they] [has/have/is/are] [been] {_GIVEN} [{_BY}] | {_WHO} [has/have] {_GIVEN}
            [it/them]))
        | (nobody | no one | nothing) [may/can/is] (~deploy/release | deployed/released) without ({_APPROVALS} [{_BY}]
            | {_ROLE_APPROVAL}) {{approved=deploy}}
        | (do/does not | never) (deploy/release) without ({_APPROVALS} [{_BY}] | {_ROLE_APPROVAL}) {{approved=deploy}}
    LABEL = (approvals/approvers for {_WHAT} | {_WHAT} approvals/approvers
        | approvals (needed/required) for {_WHAT}) [is/are] [: | =] <int:count>
        | {_WHAT} (: | → | = | ?) ({_APPROVALS} [{_BY}] | {_ROLE_APPROVAL} | {_WHO}) [~need/require]
    SUBJECTLESS = [each/every [one] | they/it/all] ([must/should/shall | need/needs/has/have to] [be] {_GIVEN} {_BY}
            | (~need/require | [is/are] gated (on/by)) {_APPROVALS} [{_BY}]) {{approved=deploy}}
    TOPIC = (approval/approvals/governance | change control) :
    READ NEED
    READ ACTIVE
    READ SPLIT
    READ WITHOUT
    READ LABEL
    READ DEPLOYED
    READ EDITED
    FOLLOWING deploy READ SUBJECTLESS
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

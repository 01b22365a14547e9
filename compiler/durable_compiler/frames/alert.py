"""Who is told about what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Alert(Clause):
    """An event and its recipients as (channel, address)."""

    kind: ClassVar[str] = "alert"
    event: str
    recipients: tuple[tuple[str, str], ...]


def build(values: Values, sentence: Sentence) -> Alert | Fault:
    """The clause of a reading."""
    start, end = sentence.tokens[0].start, sentence.tokens[-1].end
    if "recipients" not in values:
        help = "Name a Slack channel such as #data-ops, or an e-mail address."
        return Fault("DUR051", "the alert has no recipient", start, end, help)
    if "event" not in values:
        help = "Say when: a run fails, a run completes, approval is needed, the schema changes."
        return Fault("DUR052", "the alert has no event", start, end, help)
    people = sorted((*values["recipients"], *values.get("more", ())), key=lambda one: sentence.text.find(one[1]))
    return Alert(values["event"], tuple(people))


def echo(clause: Alert, catalogue: Snapshot) -> str:
    """Canonical English."""
    people = [f"{to} {'on Slack' if channel == 'slack' else 'by email'}" for channel, to in clause.recipients]
    return f"Alerts {listed(people)} {_EVENTS[clause.event]}"


def ir(clause: Alert, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {"alerts": [{"on": clause.event, "channel": channel, "to": to} for channel, to in clause.recipients]}


_EVENTS = {
    "failure": "when a run fails",
    "completion": "when a run completes",
    "approval_needed": "when approval is needed",
    "drift": "when the schema changes",
}


FRAME = Frame(
    kind="alert",
    doc="Says who is told when a run fails or completes, or when something needs approval.",
    phrases="""
    TELL = ~alert/notify/tell/inform/warn/page/email/message/ping <recipients>
    AND = ~alert/notify/tell/inform/email/message <recipients:more>
    PASSIVE = <recipients> ~alert/notify/tell/inform/warn
    GOTO = alerts/notifications ~go to <recipients> | alerts/notifications sent to <recipients>
    LET = ~let <recipients> know
    REPORT = failed runs are ~report/send to <recipients> {event=failure}
        | failures are ~report/send to <recipients> {event=failure} | ~send/report [all/run] (failures
        | failed runs) to <recipients> {event=failure}
        | every failure is ~report to <recipients> {event=failure}
    SEND = ~send [a/an/the] [slack/email] (message/alert/notification/email/note
        | messages/alerts/notifications/emails | e mail) to <recipients>
    SENDTO = ~send <recipients> [a/an/the] [slack/email] (message/alert/notification/email | e mail)
    POST = ~post [a/an/the] [slack] [message/alert/notification] (to/in) <recipients>
    FAILURE = (when/if/whenever [a/the/any] (%run_noun) ~fail | on [every/each/any] failure/failures | (when/if) (it
        | something) fails | about failures | about failed runs | on failed runs
        | for [every/each/any] failed run | of [any] failure/failures) {event=failure}
    DONE = (when/if/whenever/after/once [a/the/any/every/each] (%run_noun) (~complete/finish/succeed [successfully]
        | is done | is complete) | (on/after) [every/each] completion/success
        | about completed runs) {event=completion}
    APPROVE = ((when/if) [an/any] approval is needed/required
        | (when/if) [something/a change/changes] (needs/need approval) | (when/if) a change needs approval
        | about [needed] approvals) {event=approval_needed}
    CHANGE = ((when/if) [the] [salesforce] schema changes/changed | (when/if) new fields appear
        | on [schema] drift | about [schema] drift) {event=drift}
    NOBODY = ~alert/notify/tell/inform/warn [someone/people/us/me/everyone | the team]
        | ~send [a/an] [slack/email] (alert/message/notification/email/alerts) | on slack | by email
    READ NOBODY FAILURE|DONE|APPROVE|CHANGE
    READ TELL|SEND|SENDTO|POST
    READ REPORT
    READ GOTO FAILURE|DONE|APPROVE|CHANGE
    READ LET FAILURE|DONE|APPROVE|CHANGE
    READ PASSIVE FAILURE|DONE|APPROVE|CHANGE
    READ TELL|SEND|SENDTO|POST [AND] FAILURE|DONE|APPROVE|CHANGE
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("alerts",),
    examples=(
        "Alerts #data-ops on Slack and ops@example.com by email when a run fails",
        "Sends a Slack message to #crm when a run completes",
        "Notifies #data-ops when approval is needed",
        "On failure, tells #data-ops",
    ),
    near_misses=(
        "Alerts #data-ops on Slack",
        "Alerts someone when a run fails",
        "Never alerts #data-ops when a run fails",
        "Alerts #data-ops or #crm when a run fails",
        "Alerts #data-ops unless a run fails",
        "Alerts #data-ops when a run does not fail",
    ),
)

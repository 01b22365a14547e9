"""Who is told about what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.events import DONE, EVERY, FAILS, RUN, WHEN
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Alert(Clause):
    """Events, in the order of the IR's values, and their recipients as (channel, address)."""

    kind: ClassVar[str] = "alert"
    events: tuple[str, ...]
    recipients: tuple[tuple[str, str], ...]


def build(values: Values, sentence: Sentence) -> Alert | Fault:
    """The clause of a reading."""
    start, end = sentence.tokens[0].start, sentence.tokens[-1].end
    if "recipients" not in values:
        help = "Name a Slack channel such as #data-ops, or an e-mail address."
        return Fault("DUR051", "the alert has no recipient", start, end, help)
    named = set(_events(values.get("one"))) | set(_events(values.get("also")))
    if not named:
        help = "Say when: a run fails, a run completes, approval is needed, the schema changes, the data is stale."
        return Fault("DUR052", "the alert has no event", start, end, help)
    people = dict.fromkeys((*values["recipients"], *values.get("more", ())))
    ordered = sorted(people, key=lambda one: sentence.text.find(one[1]))
    return Alert(tuple(event for event in _EVENTS if event in named), tuple(ordered))


def echo(clause: Alert, catalogue: Snapshot) -> str:
    """Canonical English."""
    people = [f"{to} {'on Slack' if channel == 'slack' else 'by email'}" for channel, to in clause.recipients]
    return f"Alerts {listed(people)} {' or '.join(_EVENTS[event] for event in clause.events)}"


def ir(clause: Alert, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    pairs = [(event, one) for event in clause.events for one in clause.recipients]
    return {"alerts": [{"on": event, "channel": channel, "to": to} for event, (channel, to) in pairs]}


def _events(value: tuple[str, ...] | str | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()


_EVENTS = {
    "failure": "when a run fails",
    "completion": "when a run completes",
    "approval_needed": "when approval is needed",
    "drift": "when the schema changes",
    "stale": "when the data is stale",
}
_ON = "(on/upon/after | in case of | in the event of)"
# Of one subject both, said at once.
_BOTH = (
    f"{WHEN} {EVERY} {RUN} ({FAILS} or {DONE} | {DONE} or {FAILS}) {{also=failure}} {{one=completion}}"
    " | whether (it | [a/the] %run_noun) (succeeds or fails | fails or succeeds | completes or fails | fails or "
    "completes)"
    " {also=failure} {one=completion}"
)
_NOUNS = "[all/any/every/each/the] <event_nouns:one>"
_MESSAGE = "[a/an/the] [short] [slack/email] (message/alert/notification/email/note/warning/notice/mail | e mail)"
_MESSAGES = "(messages/alerts/notifications/emails/warnings/mails | e mails)"

FRAME = Frame(
    kind="alert",
    doc="Says who is told when a run fails or completes, or when something needs approval.",
    phrases=f"""
    TELL = ~alert/notify/tell/inform/warn/page/email/message/ping/slack <recipients>
        | (raise/raises/fire/fires/trigger/triggers) {_MESSAGE} (in/to) <recipients>
    AND = ~alert/notify/tell/inform/email/message/page/cc/copy <recipients:more> | with a copy to <recipients:more>
    PASSIVE = <recipients> ~alert/notify/tell/inform/warn | <recipients> ~get/receive {_MESSAGE}
    GOTO = ({_MESSAGES} ~go | an alert goes) to <recipients> | {_MESSAGES} ~send to <recipients>
    LET = ~let <recipients> know | ~make sure <recipients> (~know | ~hear)
    SEND = (~send/post/drop/write | need/want) ({_MESSAGE} | [slack/email] {_MESSAGES}) (to/in) <recipients>
    SENDTO = ~send <recipients> {_MESSAGE}
    POST = ~post (to/in) <recipients>
    NOUNTO = {_NOUNS} [{_MESSAGES}] (~go | ~get/send/post/report/deliver/route/forward/email/announce)
            (to/in) <recipients>
        | <event_states:one> ~go to <recipients>
        | ~send/post/report/deliver/route/forward/email {_NOUNS} [{_MESSAGES} | alert] (to/in) <recipients>
        | ~send/post {_MESSAGES} (about/for/on/of) {_NOUNS} to <recipients>
        | ([on] {_NOUNS} [{_MESSAGES}] | <event_states:one> | <event_clauses:one> | approvals {{one=approval_needed}}
            [{_MESSAGES}]) (: | → | = | go to)
            [to/notify/alert/email/page/tell/message/inform/ping | send to | post to/in] <recipients>
        | {_MESSAGES} (about/for/on/of) {_NOUNS} (~go | ~send) to <recipients>
        | approval {_MESSAGES} (~go | ~send) to <recipients> {{one=approval_needed}}
    EVENT = <event_clauses:one> | {_ON} {EVERY} <event_nouns:one> | {_BOTH}
    ABOUT = (about/for/of) {EVERY} <event_nouns:one> | about approvals {{one=approval_needed}}
    NOBODY = ~alert/notify/tell/inform/warn [someone/people/us/me/everyone | the team]
        | ~send [a/an] [slack/email] (alert/message/notification/email/alerts) | on slack | by email
    READ NOBODY EVENT|ABOUT
    READ TELL|SEND|SENDTO|POST
    READ TELL|SEND|SENDTO|POST [AND] EVENT|ABOUT
    READ GOTO|LET|PASSIVE EVENT
    READ NOUNTO [AND]
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
        "Failure alerts go to #data-ops",
        "Posts schema drift to #schema-watch",
        "Alerts #data-ops when a run fails or completes",
    ),
    near_misses=(
        "Alerts #data-ops on Slack",
        "Alerts someone when a run fails",
        "Never alerts #data-ops when a run fails",
        "Alerts #data-ops or #crm when a run fails",
        "Alerts #data-ops unless a run fails",
        "Alerts #data-ops when a run does not fail",
        "Alerts #data-ops when no run fails",
        "Alerts #data-ops only when a run fails",
        "Alerts #data-ops when a run takes long",
    ),
)

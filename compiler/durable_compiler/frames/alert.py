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


def build(values: Values, sentence: Sentence) -> Alert | Fault | None:
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
    if values.get("via") not in (None, *(channel for channel, _ in people)):
        return None
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
_ON = "(on/upon/after/at/for/following | in case of | in the event of | with/at each/every)"
# Of one subject both, said at once.
_BOTH = (
    f"{WHEN} {EVERY} {RUN} ({FAILS} or {DONE} | {DONE} or {FAILS}) {{also=failure}} {{one=completion}}"
    " | (whether/when) (it | [a/the/every/each] %run_noun) (succeeds or fails | fails or succeeds | completes or fails"
    " | fails or completes | has succeeded or failed) {also=failure} {one=completion}"
    " | (on/for/after) (success and failure | failure and success | both success and failure) {also=failure}"
    " {one=completion}"
)
_NOUNS = "[all/any/every/each/the] [detected] <event_nouns:one>"
_KIND = "[slack/email/failure/short/brief/quick/notification/automatic]"
_MESSAGE = (
    f"([a/an/the] {_KIND} {_KIND} (message/alert/notification/email/note/warning/notice/mail/ping/line/summary"
    " | e mail | heads up) [(on/over slack | by email | on/via slack)])"
)
_MESSAGES = "(messages/alerts/notifications/emails/warnings/mails/notices | e mails)"
_TELL = (
    "(~alert/notify/tell/inform/warn/page/email/message/ping/slack/mail/advise/contact/update | e mail/mails | ~give a"
    " heads up to"
    " | ~drop a line to | ~reach out to)"
)
_PEOPLE = "(<recipients> | both <recipients>)"
_SEND = "(~send/post/drop/write/publish/issue/fire/raise/trigger/push/deliver/put/shoot | need/want | ~send out)"
_TO = "(to/in/into/at/on)"

FRAME = Frame(
    kind="alert",
    doc="Says who is told when a run fails or completes, or when something needs approval.",
    phrases=f"""
    TELL = [then] {_TELL} {_PEOPLE}
        | (raise/raises/fire/fires/trigger/triggers) {_MESSAGE} (in/to) {_PEOPLE}
        | (alert/message/notification/email/mail/note/ping/notice) [to/in/→] {_PEOPLE}
    AND = (~alert/notify/tell/inform/email/message/page/cc/copy | ~copy in) <recipients:more> | with a copy to
            <recipients:more>
        | <recipients:more> (too/also | as well)
        | [with] <recipients:more> (in copy | [in] cc | on cc) | cc <recipients:more>
    PASSIVE = [the] (operations/ops | [the/our] [data/operations/ops/support/crm/platform] team) [must/should/shall |
            is/are]
            [to] [be] (alerted/notified/told/informed/warned) (in/via/on/through/at/over) {_PEOPLE}
        | [need/want] {_PEOPLE} [to] [must/should/shall | needs/need/has/have | is/are] [to] [be]
            (alerted/notified/told/informed/warned/emailed/messaged/paged/pinged)
        | {_PEOPLE} [must/should/shall] (~get/receive [{_MESSAGE}] | ~hear | ~know | ~hear about it | ~be told)
        | {_PEOPLE} (want/wants/needs/need/has/have | would like) to (know/hear | be told)
    GOTO = ({_MESSAGES} ~go | {_MESSAGE} ~go) to {_PEOPLE} | ({_MESSAGES} | {_MESSAGE}) [be]
            ~send/post/drop/issue/write {_TO} {_PEOPLE}
    LET = ~let {_PEOPLE} know | ~make sure {_PEOPLE} (~know | ~hear)
    SEND = {_SEND} ({_MESSAGE} | {_KIND} {_MESSAGES}) {_TO} {_PEOPLE}
        | ({_MESSAGE} | {_MESSAGES}) {_TO} {_PEOPLE} [[is/are] (~send/post)]
    SENDTO = ~send {_PEOPLE} {_MESSAGE}
    POST = ~post [that/this/it] (to/in) {_PEOPLE} | ~post about it (to/in) {_PEOPLE}
    NOUNTO = {_NOUNS} [{_MESSAGES} | alert/notification/message] [both] (~go |
            ~get/send/post/communicate/report/deliver/route/forward/email/announce
            | [is/are] [to] [be] announced/reported/posted/sent/flagged/communicated) (to/in/at) {_PEOPLE}
        | <event_states:one> ~go to {_PEOPLE}
        | (~send/post/report/deliver/route/forward/email/announce/flag | ~raise) {_NOUNS} [{_MESSAGES} | alert]
            (to/in/with) {_PEOPLE}
        | {_SEND} ({_MESSAGES} | {_MESSAGE}) (about/for/on/of) {_NOUNS} to {_PEOPLE}
        | ([on] {_NOUNS} [{_MESSAGES}] | <event_states:one> | <event_clauses:one> | approvals {{one=approval_needed}}
            [{_MESSAGES}]) (: | → | = | ? | go to)
            [to/notify/alert/email/page/tell/message/inform/ping/slack/post | send to | post to/in | {_SEND}
            {_MESSAGE} to
            | let] {_PEOPLE} [know]
        | ({_MESSAGES} | {_MESSAGE}) (about/for/on/of) {_NOUNS} (~go | ~send | ~post) (to/in) {_PEOPLE}
        | [{_NOUNS}] ({_MESSAGES} | approval {_MESSAGES} {{one=approval_needed}}) (: | → | =) {_PEOPLE}
        | approval {_MESSAGES} (~go | ~send) to {_PEOPLE} {{one=approval_needed}}
        | {_PEOPLE} (: | → | =) ({_NOUNS} | <event_states:one>) [{_MESSAGES}]
        | {_NOUNS} ([must/should/shall] [be] ~tell/report/announce/notify to) {_PEOPLE}
        | {_NOUNS} {_TELL} {_PEOPLE} | {_NOUNS} ~trigger/raise/cause ({_MESSAGES} | {_MESSAGE}) (to/in) {_PEOPLE}
    EVENT = <event_clauses:one> | {_ON} {EVERY} <event_nouns:one> | {_BOTH}
        | <event_states:one> (: | → | ?)
    ABOUT = (signals/announces/indicates/says/saying/announcing/signalling) [that] <event_states:one>
        | (about/for/of/on/regarding) {EVERY} <event_nouns:one> | (about/for) approvals {{one=approval_needed}}
        | that <event_states:one>
    NOBODY = ~alert/notify/tell/inform/warn [someone/people/us/me/everyone | the team]
        | ~send [a/an] [slack/email] (alert/message/notification/email/alerts) | on slack | by email
    TO = [to/in] {_PEOPLE}
    HEAR = [want to | would like to | need to] (hear/know)
    IN = (in/on) {_PEOPLE}
    SLACK = (via/on/over/by/through/in) slack {{via=slack}}
    MAIL = (via/by/over/through) (email/mail | e mail) {{via=email}}
    NOUN = {_NOUNS} [{_MESSAGES}] (to/in/→/:) {_PEOPLE}
    TOPIC = (alerting/alerts/notifications/notification/monitoring/alert) :
    READ NOBODY EVENT|ABOUT
    READ TELL|SEND|SENDTO|POST
    READ TELL|SEND|SENDTO|POST [AND] EVENT|ABOUT [SLACK] [MAIL]
    READ GOTO EVENT [AND] [SLACK] [MAIL]
    READ LET|PASSIVE EVENT|ABOUT [AND] [SLACK] [MAIL]
    READ NOUNTO [AND]
    READ HEAR EVENT|ABOUT IN
    FOLLOWING alert|sla READ TO EVENT
    FOLLOWING alert READ NOUN
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

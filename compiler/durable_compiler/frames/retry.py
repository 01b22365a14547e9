"""Which errors are tried again, how often and how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.numbers import in_words
from durable_compiler.grammar.sentence import Fault, Sentence


@dataclass(frozen=True)
class Retry(Clause):
    """Limits; what the sentence leaves open is None."""

    kind: ClassVar[str] = "retry"
    classes: tuple[str, ...]
    max_attempts: int | None
    backoff: str | None
    max_elapsed_seconds: int | None
    only: bool = False


def build(values: Values, sentence: Sentence) -> Retry | Fault | None:
    """The clause of a reading."""
    classes = tuple(dict.fromkeys(values[name] for name in ("rate", "net", "server") if name in values))
    attempts = int(values["attempts"]) if "attempts" in values else None
    clause = Retry(classes, attempts, values.get("backoff"), values.get("elapsed"), "only" in values)
    if clause.only and not classes:
        return None
    if attempts is None and clause.backoff is None and clause.max_elapsed_seconds is None and not clause.only:
        return None
    if (attempts is not None and attempts > 100) or clause.max_elapsed_seconds == 0:
        help = "Write at most 100 times, and a time above 0."
        return Fault("DUR053", "the limit is none", sentence.tokens[0].start, sentence.tokens[-1].end, help)
    return clause


def echo(clause: Retry, catalogue: Snapshot) -> str:
    """Canonical English."""
    what = listed(_CLASSES[name] for name in clause.classes) if clause.classes else "failed requests"
    times = f" up to {clause.max_attempts} times" if clause.max_attempts is not None else ""
    backoff = f" with {clause.backoff} backoff" if clause.backoff else ""
    limit = f" for at most {in_words(clause.max_elapsed_seconds)}" if clause.max_elapsed_seconds is not None else ""
    only = "only " if clause.only else ""
    return f"Retries {only}{what}{times}{backoff}{',' if limit and (times or backoff) else ''}{limit}"


def ir(clause: Retry, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    said = {
        "max_attempts": clause.max_attempts,
        "backoff": clause.backoff,
        "max_elapsed_seconds": clause.max_elapsed_seconds,
        "classes": list(clause.classes) or None,
    }
    return {"retry": {key: value for key, value in said.items() if value is not None}}


_CLASSES = {"rate_limit": "rate limits", "network": "network errors", "server": "server errors"}


_ON = "[on/after/for/with/upon | in case of | in the event of | when there is/are | if there is/are | when/if]"
_ALL = "[all/any/every/each/a/an/the] [of] [the] [salesforce]"
_WRONG = "errors/error/failures/failure/problems/problem/issues/issue/timeouts/timeout/outages/outage/faults"
_STYLE = "(exponential {backoff=exponential} | linear {backoff=linear} | fixed/constant {backoff=fixed})"
_PAUSE = (
    "(backoff/delay/delays/backoffs/pause/pauses/wait/waits/waiting/intervals/interval | back off/offs | wait/waiting"
    " time/times)"
)
_GROWS = (
    "(exponentially [longer/growing/increasing/larger/bigger] {backoff=exponential}"
    " | linearly [longer/growing/increasing] {backoff=linear})"
)
_BETWEEN = (
    "[between/before ([the] attempts/retries/tries | each/every [time] [attempt/retry/try] | them) | in between"
    " [attempts/retries/tries]]"
)
_BACKOFF = f"({_STYLE} {_PAUSE} | {_GROWS} {_PAUSE})"
_TRIES = "times/attempts/retries/tries/time/retry/attempt/try"
_TOTAL = "[in total | overall | altogether | total | in all]"

FRAME = Frame(
    kind="retry",
    doc="Says which errors are tried again, how often, how fast and for how long.",
    phrases=f"""
    RETRY = [just] (~retry/reattempt/repeat) | [just] ~try [it/them] again | ~re_try | ~attempt [it/them] again
    TRY = ~try/attempt
    LABEL = [max/maximum] [number of] [retry] retries/attempts/tries [: | =] [%most | is/are] <int:attempts>
        | [max/maximum] retry (limit/count) [: | = | is/of] <int:attempts>
        | [~make/allow/do] [%most] <int:attempts> (retries/attempts/tries | retry attempts) [max/maximum | at most]
    KEEP = ~keep retrying/trying | ~continue retrying/trying | ~go on retrying/trying
    RATE = {_ON} {_ALL} (rate limits/limit/limiting [errors/error/responses/hits/responses] | throttling [errors]
            | throttled requests/calls | requests/calls (that/which) (hit/exceed/reach) [a/the] rate limits/limit |
            salesforce (rate limits/limit [us] | throttles [us]) | [http] 429
            [errors/error/responses/s] | too many requests [errors/responses]
            | rate limited requests/calls | api/request limit errors | request limits) {{rate=rate_limit}}
    NET = {_ON} {_ALL} (network/networking ({_WRONG} | glitches/hiccups/drops/interruptions/blips)
            | [network] connection ({_WRONG} | resets/drops/losses) | connectivity ({_WRONG})
            | network and connection errors | dropped connections | lost connections) {{net=network}}
    SERVER = {_ON} {_ALL} (server {_WRONG} | server side errors
            | [http] 5 xx [server] [errors/error/responses] | internal server errors) {{server=server}}
    NETSERVER = {_ON} {_ALL} (network and server {_WRONG} | server and network {_WRONG})
            {{net=network}} {{server=server}}
    RATENET = {_ON} {_ALL} (rate limit and network {_WRONG} | network and rate limit {_WRONG})
            {{rate=rate_limit}} {{net=network}}
    RATESERVER = {_ON} {_ALL} (rate limit and server {_WRONG} | server and rate limit {_WRONG})
            {{rate=rate_limit}} {{server=server}}
    DONE = [is/are] [to be] (permitted/allowed/made/acceptable/performed/fine/enough)
    APPLIED = [is/are] [to be] (applied/used) (to/for/between) retries/retrying/attempts
    ALL = {_ON} {_ALL} (failed/failing requests/calls/request/call/attempts | requests/calls |
            transient/temporary/intermittent
            {_WRONG} | requests/calls that fail/failed)
        | (when/if/whenever) a (request/call) fails
    GIVEUP = [then/before/and] (~give up | giving up) after <int:attempts> [failed] {_TRIES}
        | after <int:attempts> [failed/unsuccessful] {_TRIES} [,] ~give up
        | [then/before] ~stop/stopping [retrying/trying] after <int:attempts> [failed] {_TRIES}
    NONE = ((do/does not | never) ~retry | no retries) {{attempts=0}}
    ATMOST = <duration:elapsed> (max/maximum | at most | in total/all | altogether | overall)
        | %most <duration:elapsed> | max/maximum <duration:elapsed>
    COUNT = [%most | exactly] <int:attempts> [more/additional] {_TRIES}
        | <int:attempts> {_TRIES} (at most | at the most | max/maximum)
        | [%most] (once | one time) {{attempts=1}} | [%most] twice {{attempts=2}} | [%most] thrice {{attempts=3}}
    BACKOFF = [(with/using/and/by/on)] [an/a/the] {_BACKOFF} {_BETWEEN}
        | [with] [the] (wait/pause/delay/interval/waits/pauses/delays/intervals | waiting time/times | back off)
            {_BETWEEN} ~grow/increase/rise/lengthen {_GROWS}
        | [by] (backing/back/backs off | waiting) {_GROWS} {_BETWEEN} | backoff [is] [:] {_STYLE}
        | {_GROWS} {_BETWEEN} | ~back off {_GROWS} {_BETWEEN} | {_STYLE}
        | [with] (doubling {_PAUSE} | {_PAUSE} that/which doubles/double) {{backoff=exponential}} {_BETWEEN}
    LIMIT = for [%most | no longer than | not longer than] <duration:elapsed> {_TOTAL}
        | within [%most] <duration:elapsed> {_TOTAL} | over [at most] <duration:elapsed>
        | [then/before] (~give up | giving up) [retrying/trying] after [%most] <duration:elapsed> {_TOTAL}
        | [then/before] (~stop [retrying/trying] | ~abandon/cease/end) after <duration:elapsed> {_TOTAL}
        | [then] (~stop [retrying/trying] | ~give up | ~cease/end) (once/when | as soon as) <duration:elapsed>
            (have/has/are/is)
            (passed/elapsed | gone by | up/over)
        | (until | up to) <duration:elapsed> (have/has passed/elapsed | in total)
    NOLONGER = (%must_not | not) (~retry | ~keep [on] (retrying/trying) | ~go on (retrying/trying) | ~continue retrying)
            (for (longer/more) than | longer than | beyond | after | past) <duration:elapsed> {_TOTAL}
        | retries %must_not (~go on | ~continue | ~last) (for (longer/more) than | longer than | beyond | past)
            <duration:elapsed>
        | %must_not (~retry | ~try again) more than <int:attempts> {_TRIES}
    ONLY = (only/solely/exclusively | ~restrict/limit/confine to) {{only=yes}}
    USE = ~wait/pause | [retries/attempts] ~use/apply/follow
    WHILE = (when/while retrying | for retries/retrying | on retry/retries) | before giving up [for good]
    TOPIC = (retry/retries | retry policy/strategy/rule | error handling) :
    READ RETRY COUNT [ALL] [RATE] [NET] [SERVER] [BACKOFF] [LIMIT] [ATMOST] [ONLY] [WHILE]
    READ RETRY NETSERVER|RATENET|RATESERVER COUNT|BACKOFF|LIMIT|ONLY [COUNT] [BACKOFF] [LIMIT] [ATMOST] [ONLY] [WHILE]
    READ TRY COUNT ALL [RATE] [NET] [SERVER] [BACKOFF] [LIMIT] [ATMOST] [ONLY] [WHILE]
    READ KEEP LIMIT|ATMOST|COUNT [ALL] [RATE] [NET] [SERVER] [BACKOFF]
    READ RETRY RATE BACKOFF|LIMIT [NET] [SERVER] [ONLY] [WHILE]
    READ RETRY NET BACKOFF|LIMIT [RATE] [SERVER] [ONLY] [WHILE]
    READ RETRY SERVER BACKOFF|LIMIT [RATE] [NET] [ONLY] [WHILE]
    READ RETRY ALL BACKOFF|LIMIT [WHILE]
    READ RETRY RATE BACKOFF LIMIT [NET] [SERVER] [ONLY] [WHILE]
    READ RETRY NET BACKOFF LIMIT [RATE] [SERVER] [ONLY] [WHILE]
    READ RETRY SERVER BACKOFF LIMIT [RATE] [NET] [ONLY] [WHILE]
    READ RETRY ALL BACKOFF LIMIT [WHILE]
    READ BACKOFF GIVEUP|LIMIT [WHILE]
    READ RETRY BACKOFF|LIMIT|ATMOST [WHILE]
    READ RETRY BACKOFF LIMIT|ATMOST [WHILE]
    READ TRY COUNT [WHILE]
    READ USE BACKOFF [WHILE] [RATE] [NET] [SERVER] [ALL]
    READ ONLY RETRY RATE|NET|SERVER [RATE] [NET] [SERVER] [LIMIT] [BACKOFF]
    READ NONE [ALL]
    READ GIVEUP [BACKOFF]
    READ NOLONGER
    READ LIMIT
    READ RETRY [RATE] [NET] [SERVER] [ALL] GIVEUP [BACKOFF] [LIMIT] [ONLY] [WHILE]
    READ LABEL [DONE] [RATE] [NET] [SERVER] [ALL] [BACKOFF] [LIMIT] [ATMOST]
    READ COUNT BACKOFF [DONE] [RATE] [NET] [SERVER] [ALL] [LIMIT] [ATMOST]
    READ COUNT DONE [RATE] [NET] [SERVER] [ALL] [BACKOFF] [LIMIT] [ATMOST]
    READ BACKOFF APPLIED
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("retry",),
    examples=(
        "Retries rate limits and network errors up to 5 times with exponential backoff, for at most 15 minutes",
        "Retries network errors 3 times",
        "Rate limits are retried up to ten times",
        "Retries: 5, exponential backoff",
    ),
    near_misses=(
        "Retries rate limits",
        "Never retries network errors 5 times",
        "Retries network errors about 5 times",
        "Retries rate limits or network errors up to 5 times",
        "Retries everything except network errors 5 times",
        "Does not retry network errors 5 times",
        "Retries network errors at least 5 times",
        "Retries network errors up to 500 times",
    ),
)

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


def build(values: Values, sentence: Sentence) -> Retry | Fault | None:
    """The clause of a reading."""
    classes = tuple(dict.fromkeys(values[name] for name in ("rate", "net", "server") if name in values))
    attempts = int(values["attempts"]) if "attempts" in values else None
    clause = Retry(classes, attempts, values.get("backoff"), values.get("elapsed"))
    if attempts is None and clause.backoff is None and clause.max_elapsed_seconds is None:
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
    return f"Retries {what}{times}{backoff}{',' if limit and (times or backoff) else ''}{limit}"


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


_ON = "[on/after/for | in case of]"
_STYLE = "(exponential {backoff=exponential} | linear {backoff=linear} | fixed/constant {backoff=fixed})"
_BACKOFF = f"({_STYLE} (backoff/delay/delays/backoffs/pause/pauses/wait/waits/intervals | back off))"

FRAME = Frame(
    kind="retry",
    doc="Says which errors are tried again, how often, how fast and for how long.",
    phrases=f"""
    RETRY = ~retry/reattempt | ~try again | ~re_try
    LABEL = [max/maximum] [number of] retries/attempts/tries [: | =] [at most | up to | is/are] <int:attempts>
        | retry (limit/count) [: | = | is/of] <int:attempts>
    RATE = {_ON} [all/any] (rate limits/limit/limiting [errors/error/responses] | throttling [errors] |
            throttled requests/calls
            | [http] 429 [errors/error/responses/s] | too many requests [errors] | rate limited requests/calls)
            {{rate=rate_limit}}
    NET = {_ON} [all/any] (network errors/error/failures/problems/issues/outages/glitches/hiccups/failure/timeouts
            | [network] connection errors/failures/problems/issues/timeouts/resets/drops | connectivity
            errors/problems/issues
            | network and connection errors | dropped connections) {{net=network}}
    SERVER = {_ON} [all/any] (server errors/error/failures/failure/problems | server side errors
            | [http] 5 xx [server] [errors/error/responses] | internal server errors) {{server=server}}
    ALL = {_ON} [all/any/a] (failed requests/calls/request/call | transient/temporary/intermittent
            errors/failures/problems)
    GIVEUP = [then] ~give up after <int:attempts> [failed] retries/attempts/tries/times
        | [then] ~stop [retrying/trying] after <int:attempts> [failed] retries/attempts/tries
    NONE = ((do/does not | never) ~retry | no retries) {{attempts=0}}
    ATMOST = <duration:elapsed> (max/maximum | at most) | at most <duration:elapsed> | max/maximum <duration:elapsed>
    COUNT = [%up_to | exactly] <int:attempts> times/attempts/retries/tries/time/retry/attempt | [%up_to]
            (once | one time) {{attempts=1}}
        | [%up_to] twice {{attempts=2}} | thrice {{attempts=3}} | (<int:attempts>) (more/additional) times/attempts
    BACKOFF = [(with/using | and)] [an/a] {_BACKOFF} [between (attempts/retries/tries | each attempt | them)]
        | backing off (exponentially {{backoff=exponential}} | linearly {{backoff=linear}}) | backoff [is] [:] {_STYLE}
        | exponentially {{backoff=exponential}} | ~back off exponentially {{backoff=exponential}} | {_STYLE}
    LIMIT = for [%up_to | no longer than] <duration:elapsed> [in total | overall | altogether | total]
        | within <duration:elapsed> [in total] | over [at most] <duration:elapsed>
        | [then] ~give up after <duration:elapsed> [in total | overall] | ~stop [retrying/trying] after
            <duration:elapsed> [in total]
        | (until | up to) <duration:elapsed> (have passed | has passed | in total)
    READ RETRY COUNT [ALL] [RATE] [NET] [SERVER] [BACKOFF] [LIMIT] [ATMOST]
    READ RETRY RATE BACKOFF|LIMIT [NET] [SERVER]
    READ RETRY NET BACKOFF|LIMIT [RATE] [SERVER]
    READ RETRY SERVER BACKOFF|LIMIT [RATE] [NET]
    READ RETRY ALL BACKOFF|LIMIT
    READ RETRY RATE BACKOFF LIMIT [NET] [SERVER]
    READ RETRY NET BACKOFF LIMIT [RATE] [SERVER]
    READ RETRY SERVER BACKOFF LIMIT [RATE] [NET]
    READ RETRY ALL BACKOFF LIMIT
    READ RETRY BACKOFF|LIMIT|ATMOST
    READ RETRY BACKOFF LIMIT|ATMOST
    READ NONE
    READ GIVEUP [BACKOFF]
    READ RETRY [RATE] [NET] [SERVER] [ALL] GIVEUP [BACKOFF] [LIMIT]
    READ LABEL [RATE] [NET] [SERVER] [BACKOFF] [LIMIT] [ATMOST]
    READ COUNT BACKOFF [RATE] [NET] [SERVER] [LIMIT] [ATMOST]
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

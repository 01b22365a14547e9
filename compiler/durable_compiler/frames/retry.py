"""Which errors are tried again, how often and how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Clause, Frame, Values
from durable_compiler.grammar.clocks import listed
from durable_compiler.grammar.numbers import in_words
from durable_compiler.grammar.sentence import Sentence


@dataclass(frozen=True)
class Retry(Clause):
    """Limits; what the sentence leaves open is None."""

    kind: ClassVar[str] = "retry"
    classes: tuple[str, ...]
    max_attempts: int
    backoff: str | None
    max_elapsed_seconds: int | None


def build(values: Values, sentence: Sentence) -> Retry | None:
    """The clause of a reading."""
    classes = tuple(dict.fromkeys(values[name] for name in ("rate", "net", "server") if name in values))
    if not 0 <= values["attempts"] <= 100:
        return None
    return Retry(classes, values["attempts"], values.get("backoff"), values.get("elapsed"))


def echo(clause: Retry, catalogue: Snapshot) -> str:
    """Canonical English."""
    what = listed(_CLASSES[name] for name in clause.classes) if clause.classes else "failed requests"
    backoff = f" with {clause.backoff} backoff" if clause.backoff else ""
    limit = f", for at most {in_words(clause.max_elapsed_seconds)}" if clause.max_elapsed_seconds is not None else ""
    return f"Retries {what} up to {clause.max_attempts} times{backoff}{limit}"


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


FRAME = Frame(
    kind="retry",
    doc="Says which errors are tried again, how often, how fast and for how long.",
    phrases="""
    RETRY = ~retry | ~try again
    RATE = [on/after] [all/any] rate limits/limit/limiting [errors/error] {rate=rate_limit}
        | [on/after] throttling [errors] {rate=rate_limit}
    NET = [on/after] [all/any] network errors/error/failures/problems/issues {net=network}
        | [on/after] connection errors/failures {net=network}
    SERVER = [on/after] [all/any] server errors/failures {server=server}
    ALL = failed requests/calls
    GIVEUP = ~give up after <int:attempts> retries/attempts/tries
    BARE = exponential backoff {backoff=exponential}
    ATMOST = at most <duration:elapsed>
    COUNT = [%up_to] <int:attempts> times/attempts/retries/tries | at most <int:attempts> times
    BACKOFF = (with/using | and) [an] (exponential {backoff=exponential} | linear {backoff=linear}
        | fixed/constant {backoff=fixed}) (backoff/delay/delays | back off)
        | backing off exponentially {backoff=exponential}
    LIMIT = for [%up_to] <duration:elapsed> [in total] | within <duration:elapsed> | ~give up after <duration:elapsed>
    READ RETRY COUNT [RATE] [NET] [SERVER] [BACKOFF] [BARE] [LIMIT] [ATMOST]
    READ GIVEUP
    READ RETRY [RATE] [NET] [SERVER] GIVEUP [BACKOFF] [LIMIT]
    READ RETRY ALL COUNT [BACKOFF] [LIMIT]
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("retry",),
    examples=(
        "Retries rate limits and network errors up to 5 times with exponential backoff, for at most 15 minutes",
        "Retries network errors 3 times",
        "Rate limits are retried up to ten times",
    ),
    near_misses=(
        "Retries rate limits",
        "Never retries network errors 5 times",
        "Retries network errors about 5 times",
        "Retries rate limits or network errors up to 5 times",
        "Retries everything except network errors 5 times",
    ),
)

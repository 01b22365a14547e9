"""What can happen to a pipeline that someone wants to hear of, as a clause, a noun or a state."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from durable_compiler.grammar.names import separators
from durable_compiler.grammar.pattern import Phrase, compile_phrase
from durable_compiler.grammar.sentence import Sentence

WHEN = "(when/if/whenever/once/after | as soon as | each/every time | in case)"
EVERY = "[a/an/any/each/every/all/the]"
RUN = "(%run_noun | it)"
FAILS = "(~fail/break/crash | does not succeed | did not succeed | (errors/error out) | goes wrong)"
DONE = "(~complete/finish/succeed [successfully] | is done | is complete | is successful | was successful | went well)"
# `when a run fails`
_CLAUSES = {
    "failure": f"{WHEN} {EVERY} ({RUN} {FAILS} | something/anything ~fail/break | something/anything goes wrong)"
    f" | {WHEN} there is a failure | {WHEN} a failure ~occur/happen",
    "completion": f"{WHEN} {EVERY} [successful] {RUN} {DONE}",
    "approval_needed": f"{WHEN} (an/any/someone's [approval] | approval) is"
    " (needed/required/pending/requested/outstanding)"
    f" | {WHEN} (something/anything | {EVERY} change/changes/deployment/release/spec/plan/task)"
    " (needs/need/requires/require/awaits | is waiting for | waits for) [an] approval"
    f" | {WHEN} (someone/somebody | a person) (must/has/needs) [to] approve [something]",
    "drift": f"{WHEN} [the] [salesforce] schema changes/changed/drifts | {WHEN} [schema] drift is detected/found"
    f" | {WHEN} (new/unknown/unmapped fields appear/show | (a new | an unknown) field appears"
    " | fields are added | a field is (added/removed/renamed/deleted))"
    f" [in salesforce] | {WHEN} [schema] drift ~occur/happen",
    "stale": f"{WHEN} [the] data (is/goes/becomes/gets/was) (stale | out of date | outdated)",
}
# `failures`, as in `failure alerts` and `on failure`
_NOUNS = {
    "failure": "[run/sync/job/pipeline/load] failure/failures | failed run/runs/sync/syncs/job/jobs/load/loads",
    "completion": "[run/sync/job] completion/completions/success/successes"
    " | successful/completed run/runs/sync/syncs/job/jobs/load/loads",
    "approval_needed": "needed/pending/required/outstanding/open approval/approvals | approval request/requests",
    "drift": "[salesforce] schema drift/change/changes | drift | new fields [in salesforce]",
    "stale": "stale data | [data] staleness",
}
# `Run failed`, before an arrow or a colon
_STATES = {
    "failure": "[a/the] %run_noun ~fail",
    "completion": "[a/the] %run_noun ~complete/finish/succeed",
    "approval_needed": "approval pending/needed/required | pending approval",
    "drift": "[salesforce] schema changed/changes/drifted",
    "stale": "data stale | data [is] out of date",
}
_FORMS = {"clauses": _CLAUSES, "nouns": _NOUNS, "states": _STATES}
_LINKS = frozenset(("of", "about", "for", "on"))
_ARTICLES = frozenset(("a", "an", "any", "each", "every", "all", "the"))


def event_clauses(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """`when a run fails, or when approval is needed`: each of these events."""
    return _several(sentence, at, "clauses")


def event_nouns(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """`failures and pending approvals`: each of these events."""
    return _several(sentence, at, "nouns")


def event_states(sentence: Sentence, at: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """`run failed`."""
    return ((end, (event,)) for end, event in _one(sentence, at, "states"))


@cache
def _phrase(form: str) -> Phrase:
    from durable_compiler.grammar.lexicon import LEXICON

    text = " | ".join(f"({words}) {{event={event}}}" for event, words in _FORMS[form].items())
    return compile_phrase(text, LEXICON)


def _one(sentence: Sentence, at: int, form: str) -> Iterator[tuple[int, str]]:
    phrase = _phrase(form)
    if phrase.first is None or sentence.norm(at) in phrase.first:
        yield from ((end, str(dict(bindings)["event"])) for end, bindings in phrase.match(sentence, at))


def _several(sentence: Sentence, at: int, form: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    for end, first in _one(sentence, at, form):
        yield end, (first,)
        for start in _joints(sentence, end, form):
            for after, rest in _several(sentence, start, form):
                if first not in rest:
                    yield after, (first, *rest)


def _joints(sentence: Sentence, at: int, form: str) -> Iterator[int]:
    """Where the next event begins; `or` between events means both, since each of them is worth a message."""
    starts = list(separators(sentence, at))
    comma = at + (sentence.norm(at) == ",")
    if sentence.norm(comma) == "or":
        starts.append(comma + 1)
    for start in starts:
        yield start
        if form == "nouns":
            link = start + (sentence.norm(start) in _LINKS)
            yield from {link, link + (sentence.norm(link) in _ARTICLES)} - {start}

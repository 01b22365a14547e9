"""What can happen to a pipeline that someone wants to hear of, as a clause, a noun or a state."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from durable_compiler.grammar.names import separators
from durable_compiler.grammar.pattern import Phrase, compile_phrase
from durable_compiler.grammar.sentence import Sentence

WHEN = "(when/if/whenever/once/after/should/where | as soon as | each/every/any time | in case | the moment | on)"
EVERY = "[a/an/any/each/every/all/the/this/our]"
RUN = (
    "([single/scheduled/nightly/daily/hourly/sync/data] (%run_noun | pipeline run | sync run | execution | import) |"
    " runs/syncs/jobs/loads | it/one)"
)
_HAS = "[has/have/had/does/did]"
FAILS = (
    f"({_HAS} (~fail/break/crash/abort/die | fall/falls over | blow/blows up) | does not succeed | did not succeed"
    " | does not (complete/finish) [successfully] | did not (complete/finish) [successfully] | cannot complete/finish"
    " | (errors/error out) | (goes/went wrong) | ~end (in/with) [an/a] (error/errors/failure)"
    " | is unsuccessful | was unsuccessful | is not successful | was not successful | ~hit an error | ~run into"
    " an error"
    " | throws an error)"
)
DONE = (
    f"({_HAS} ~complete/finish/succeed [successfully/cleanly] | [has] (successfully) (completes/finished/completed)"
    " | is/are done/complete/finished/through/over | is/was successful | went well | ~end successfully | goes through"
    " | ~run successfully)"
)
_SOMETHING = (
    "(something/anything | a/any/every/each/the [pending]"
    " (change/changes/deployment/release/spec/plan/task/migration/item))"
)
_SCHEMA = "([the/our] [salesforce] (schema | data model | object model | schemas) [in/of salesforce])"
_NEW_FIELD = (
    "((new/unknown/unmapped/unexpected/additional) fields/columns | (a/an/any"
    " [new/unknown/unmapped/unexpected/additional])"
    " field/column)"
)
# `when a run fails`
_CLAUSES = {
    "failure": f"{WHEN} {EVERY} ({RUN} {FAILS} | something/anything ~fail/break | something/anything (goes/went wrong))"
    f" | {WHEN} (there is | there has been | we have) [a/an/any] (failure/error | problem with a run | failed run)"
    f" | {WHEN} [a/any/the] [run/sync] (failure/error) ~occur/happen | {WHEN} a failed run",
    "completion": f"{WHEN} {EVERY} [successful] {RUN} {DONE} | {WHEN} everything (is | has) [been]"
    " (done/finished/complete/completed/loaded)",
    "approval_needed": f"{WHEN} (an/any/someone's [approval] | approval/approvals | sign off | a sign off) (is/are)"
    " (needed/required/pending/requested/outstanding/due/necessary | called for | waiting)"
    f" | {WHEN} {_SOMETHING}"
    " (~need/require/await | is/are waiting for | waits/wait for | is/are (pending/awaiting)) [an/a] (approval |"
    " sign off"
    " | to be approved)"
    f" | {WHEN} (someone/somebody | a person) (must/has/needs) [to] (approve [something] | sign [something] off)"
    f" | {WHEN} (there is | there are) (something/anything | a change/deployment) to approve"
    f" | {WHEN} [a/an] (pending/open/outstanding) approval",
    "drift": f"{WHEN} {_SCHEMA} {_HAS} (~change/drift | is altered | changed | been (changed/altered))"
    f" | {WHEN} [schema] drift (is/was/has [been]) (detected/found/noticed/seen/spotted)"
    f" | {WHEN} [a] [salesforce] schema change/changes ([is/are] (detected/found) | ~happen/occur)"
    f" | {WHEN} {_NEW_FIELD} (appear/appears | (show/shows/turn/turns up) | is/are/has [been]"
    " (added/found/detected/discovered))"
    f" [in salesforce] | {WHEN} fields are added [in salesforce]"
    f" | {WHEN} a field is (added/removed/renamed/deleted) [in salesforce]"
    f" | {WHEN} salesforce (adds/gets/introduces/gains/has) {_NEW_FIELD}"
    f" | {WHEN} [schema] drift ~occur/happen | {WHEN} [there is] [schema/any] drift",
    "stale": f"{WHEN} [the/our/warehouse] data (is/goes/becomes/gets/was/has/turns [become/gone]) (stale | out of date"
    " | outdated | too old)",
}
# `failures`, as in `failure alerts` and `on failure`
_NOUNS = {
    "failure": "[run/sync/job/pipeline/load] failure/failures"
    " | (failed/failing) ones/run/runs/sync/syncs/job/jobs/load/loads/pipelines/pipeline"
    " | failure/failures of a/any/every/each/the run/sync/job/pipeline/load"
    " | run/sync/job errors",
    "completion": "[run/sync/job] completion/completions/success/successes"
    " | (successful/completed/finished) ones/run/runs/sync/syncs/job/jobs/load/loads"
    " | [successful] completion of a/any/every/each/the run/sync/job/load",
    "approval_needed": "needed/pending/required/outstanding/open/awaited approval/approvals | approval request/requests"
    " | approvals needed/required/pending",
    "drift": "[any] ([salesforce] schema drift/change/changes | drift | new fields [in salesforce]"
    " | changes/change (to/in/of) the [salesforce] schema)",
    "stale": "stale/outdated data | [data] staleness",
}
# `Run failed`, before an arrow or a colon
_STATES = {
    "failure": f"{EVERY} %run_noun (~fail | has failed) | failure",
    "completion": f"{EVERY} %run_noun (~complete/finish/succeed | done/complete/ok | has completed/finished/succeeded)"
    " | success",
    "approval_needed": "[an] approval [is] pending/needed/required | pending approval | approvals pending/needed"
    " | needs"
    " approval",
    "drift": "[salesforce] schema changed/changes/drifted | [salesforce] schema change | [schema] drift | new"
    " field/fields",
    "stale": "data stale | data [is] out of date | stale data | stale",
}
# After `or` the second event needs no `when` of its own.
_BARE = {event: words.replace(WHEN, "") for event, words in _CLAUSES.items()}
_FORMS = {"clauses": _CLAUSES, "bare": _BARE, "nouns": _NOUNS, "states": _STATES}
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
        if form in ("clauses", "bare") and sentence.norm(end) == "or":
            yield from (
                (after, (first, *rest)) for after, rest in _several(sentence, end + 1, "bare") if first not in rest
            )


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

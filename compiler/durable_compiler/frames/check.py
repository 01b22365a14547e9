"""Which conditions the values of a record must meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames.frame import Assumed, Clause, Frame, Values
from durable_compiler.grammar.condition_words import condition_words, obligation_words
from durable_compiler.grammar.sentence import Sentence
from durable_compiler.terms import Apply, Term, complement, to_ir


@dataclass(frozen=True)
class Check(Clause):
    """What must hold of an object's records, and what happens to a record of which it does not."""

    kind: ClassVar[str] = "check"
    object: str
    condition: Term
    on_failure: str


def build(values: Values, sentence: Sentence) -> Check | None:
    """The clause of a reading."""
    owner, said = values["said"]
    held = complement(said) if "wrong" in values else said
    # Whether a field has a value at all is `require`, which a missing value fails; here it passes.
    if isinstance(held, Apply) and held.op in ("is_null", "not_null"):
        return None
    if "on_failure" in values:
        return Check(owner, held, values["on_failure"])
    why = "the sentence does not say what happens to a record that fails the check"
    return Check(owner, held, "reject", assumed=(Assumed("checks.on_failure", "reject", why),))


def echo(clause: Check, catalogue: Snapshot) -> str:
    """Canonical English."""
    must = obligation_words(clause.condition, catalogue)
    words = condition_words(clause.condition, catalogue)
    several = isinstance(clause.condition, Apply) and clause.condition.op in ("and", "or")
    # Without brackets the second part could be read as a rule of its own.
    text = must or (f"Checks that ({words})" if several else f"Checks that {words}")
    return text + {"reject": "", "fail": "; fails the run otherwise", "warn": "; warns otherwise"}[clause.on_failure]


def ir(clause: Check, catalogue: Snapshot) -> dict[str, Any]:
    """The part of the IR that the clause sets."""
    return {
        "checks": [
            {"object": clause.object, "condition": to_ir(clause.condition), "on_failure": clause.on_failure},
        ]
    }


FRAME = Frame(
    kind="check",
    doc="Says what must hold of the values of a record; a missing value passes, `required` is the rule about those.",
    phrases="""
    MUST = <obligation:said>
    CHECKS = ~check/verify/ensure/validate/assert/confirm/guarantee/require [that/:] <statement:said>
        | ~make sure [that] <statement:said>
    WARN = ~warn [us] (if/when/whenever/where) <condition:said>
        | (issue/issues/raise/raises/log/logs/give/gives) [a] warning (if/when/whenever) <condition:said>
        | [a] warning ~raise/give/issue/log/send/show (for/about/on) <selection:said>
        | [a] warning ~raise/give/issue/log/send/show (if/when/whenever/where) <condition:said>
        | <selection:said> (raise/raises/give/gives/cause/causes/trigger/triggers | lead/leads to) a warning
        | ~flag <selection:said> (with/as) a warning
        | (<deviation:said> | <selection:said>) ([only/just/merely] ~raise/cause/trigger/give/produce/generate/issue
        [only/just/merely] a warning [only] | [only/just/merely] (lead/leads to | result/results in) a warning [only])
        | ~warn [us] (about/of/on/for) <selection:said> | ~warn [us] (about/of/on/for) <deviation:said>
    REJECT = (~turn away/down | ~refuse) [any] <selection:said>
        | <selection:said> [are/is/get/gets] (turned away | refused)
        | ~reject [any] <selection:said> | <selection:said> ~reject
        | ~reject [the/any] record/records/row/rows (if/when/whenever/where) <condition:said>
        | [the/any] record/records/row/rows ~reject (if/when/whenever/where) <condition:said>
        | ~reject (if/when/whenever/where) <condition:said>
        | <selection:said> (~go/land/end_up (to/in/among) | ~send/move/divert to) [the] (rejects/reject | rejected rows)
        [table]
        | <deviation:said> %be (invalid/unacceptable/forbidden | not (valid/allowed/permitted/acceptable))
        | <selection:said> %be (invalid/unacceptable/forbidden | not (valid/allowed/permitted/acceptable))
        | <rejected_if:said> | ~reject <deviation:said> | <deviation:said> ~reject
    FAIL = ~fail [the/a] [run/sync/pipeline/job/load] (if/when/whenever) <condition:said>
        | run/sync/pipeline/job/load ~fail (if/when/whenever) <condition:said>
        | ~fail [the/a] [run/sync/pipeline/job/load] on <selection:said>
        | <deviation:said> %failrun | <selection:said> %failrun
        | <deviation:said> ~fail run/sync/pipeline/job/load | <selection:said> ~fail run/sync/pipeline/job/load
    UNLESS = (~fail [the/a] [whole/entire] [run/sync/pipeline/job/load] | run/sync/pipeline/job/load ~fail)
        (unless | if not) <statement:said> {on_failure=fail}
        | ~reject [any/the/a] (record/row/records/rows) unless <statement:said> {on_failure=reject}
        | ~warn [us] unless <statement:said> {on_failure=warn}
    LEAD = (if/when/whenever) <condition:said> [,] [then]
    WARNS = ~warn [us]
    FAILS = ~fail [the/a] [run/sync/pipeline/job/load] | run/sync/pipeline/job/load ~fail
    REJECTS = ~reject (it | [the/that] record/row) | (it | record/row) ~reject
    OTHERWISE = %onfail
    READ MUST|CHECKS [OTHERWISE]
    READ UNLESS
    READ WARN {wrong=yes} {on_failure=warn}
    READ REJECT {wrong=yes} {on_failure=reject}
    READ FAIL {wrong=yes} {on_failure=fail}
    READ LEAD WARNS {wrong=yes} {on_failure=warn}
    READ LEAD REJECTS {wrong=yes} {on_failure=reject}
    READ LEAD FAILS {wrong=yes} {on_failure=fail}
    """,
    build=build,
    echo=echo,
    ir=ir,
    trace=("checks",),
    examples=(
        "Health Score must be between 0 and 100",
        "Warns when Close Date is before Created Date",
        "Rejects Opportunities with a negative Amount",
        "Fails the run if any Opportunity has a negative Amount",
        "Opportunity Amount must not be negative",
        "Checks that Health Score is at most 100; fails the run otherwise",
        "Opportunity Close Date must be filled when Amount is over 10,000",
    ),
    near_misses=(
        "Health Score must be about 100",
        "Health Score must be between 100 and 0",
        "Health Score should usually be between 0 and 100",
        "Health Score must be Green",
        "Health Score may be between 0 and 100",
        "Contact Email must be valid",
        "Contact Email must be unique",
        "Does not reject Opportunities with a negative Amount",
        "Rejects Opportunities with a negative Amount and a Name or a Close Date",
        "Health Score must not be at least 0 and at most 100",
        "Health Score must be above 80 and below 20",
        "Warns unless Close Date is usually before Created Date",
        "Fails the run if the Amount of every Opportunity is negative",
        "Opportunity Amount must be over 10 when Amount is over 20",
    ),
)

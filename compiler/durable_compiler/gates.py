"""The gates that a model's reading has to pass: pure functions over the sentence, the proposed English and its quotes.

The proposed English counts only as an order of words. Each part of it is replaced by the words of the sentence that
were quoted for it, and the same grammar has to read that text to the same clauses: our own code derives every value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from durable_compiler.alignment import Alignment, align, is_neutral, neutral_tokens
from durable_compiler.catalogue import Snapshot
from durable_compiler.facts import facts
from durable_compiler.frames.frame import Clause
from durable_compiler.grammar.names import HEDGES, NEGATIONS
from durable_compiler.grammar.reading import read, understood
from durable_compiler.grammar.sentence import Sentence

# A small word that the proposed English may add without an equal in the sentence; none turns one meaning into another.
_SUPPLIED = frozenset(("and", "&", "at"))
# Words whose place says who is who: with one of them the order of the sentence has to be kept.
_DIRECTIONS = frozenset(
    "to from into onto as with by before after than above below over under between until till since within instead "
    "when while if whose against versus then of for except becomes become".split()
)


@dataclass(frozen=True)
class Claim:
    """A reading to judge: the sentence, English that the grammar reads, and (English, words of the sentence) pairs."""

    text: str
    english: str
    quotes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Verdict:
    """What one gate says, and why it refuses."""

    gate: str
    passed: bool
    why: str = ""


@dataclass(frozen=True)
class Judgement:
    """Every gate's verdict, and the clauses, which count only if all passed."""

    clauses: tuple[Clause, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """The gates that refuse."""
        return tuple(one for one in self.verdicts if not one.passed)

    @property
    def passed(self) -> bool:
        """Whether a person may accept the reading."""
        return not self.failed

    @property
    def rewritable(self) -> bool:
        """Whether nothing of the sentence is lost or added, so that a person may put the English in its place."""
        return not any(one.gate in REWRITE_GATES for one in self.failed)


@dataclass(frozen=True)
class Case:
    """A claim with everything that gates look at."""

    sentence: Sentence
    english: Sentence
    alignment: Alignment
    clauses: tuple[Clause, ...]
    reason: str
    catalogue: Snapshot
    synced: tuple[str, ...]


@dataclass(frozen=True)
class Gate:
    """A named check; it gives the reason for a refusal, or None."""

    name: str
    doc: str
    check: Callable[[Case], str | None]


def judge(claim: Claim, catalogue: Snapshot, synced: Sequence[str] = ()) -> Judgement:
    """Run every gate that needs no model. The clauses keep what the sentence's own words leave open as assumed."""
    found = read(claim.english, catalogue, synced)
    sentence, english = (Sentence(text, catalogue, tuple(synced)) for text in (claim.text, claim.english))
    reason = found.fault.message if found.fault else ""
    alignment = align(sentence, english, claim.quotes)
    case = Case(sentence, english, alignment, found.clauses, reason, catalogue, tuple(synced))
    verdicts = tuple(_verdict(gate, case) for gate in GATES)
    own = understood(alignment.substituted, catalogue, synced)
    return Judgement(own if own == found.clauses else found.clauses, verdicts)


def agreement(samples: Sequence[tuple[Clause, ...]]) -> Verdict:
    """Whether the model, asked twice in different ways, means the same."""
    same = len(samples) > 1 and bool(samples[0]) and all(one == samples[0] for one in samples[1:])
    return Verdict("samples", same, "" if same else "the model, asked twice, gave two different answers")


def _verdict(gate: Gate, case: Case) -> Verdict:
    why = gate.check(case)
    return Verdict(gate.name, why is None, why or "")


# --- the gates --------------------------------------------------------------------------------------------------


def _reads(case: Case) -> str | None:
    return None if case.clauses else f"the grammar does not read the proposed English: {case.reason}"


def _quotes(case: Case) -> str | None:
    missing = case.alignment.missing
    return f"'{missing[0]}' does not occur there, or grounds two things" if missing else None


def _risk(case: Case) -> str | None:
    """A negation, hedge or alternative stands with its neighbour in a quote that the grammar reads, or is refused."""
    risky = NEGATIONS | HEDGES
    ours = Counter(token.norm for token in case.sentence.tokens if token.norm in risky)
    theirs = Counter(token.norm for token in case.english.tokens if token.norm in risky)
    for index, token in enumerate(case.sentence.tokens):
        if token.norm in risky and not case.alignment.quoted_with_neighbour(index):
            return f"'{token.text}' limits or negates something and is not part of any value"
    added = theirs - ours
    if added and not all(case.alignment.is_quoted(word) for word in added):
        return f"the proposed English adds '{next(iter(added))}'"
    return None


def _facts(case: Case) -> str | None:
    """Numbers, times, names and addresses on both sides, read by our own code, are the same, as often as they occur."""
    ours, theirs = facts(case.sentence), facts(case.english)
    lost, added = ours - theirs, theirs - ours
    if lost:
        return f"the proposed English does not have {next(iter(lost))}"
    return f"the sentence does not have {next(iter(added))}" if added else None


def _values(case: Case) -> str | None:
    """With the sentence's own words in place of the proposed ones, the grammar reads the same."""
    if case.clauses and understood(case.alignment.substituted, case.catalogue, case.synced) == case.clauses:
        return None
    return f"with the sentence's own words, '{case.alignment.substituted}' does not mean the same"


def _grounded(case: Case) -> str | None:
    """Every word of the proposed English stands for words of the sentence: cue words included."""
    for index, token in enumerate(case.english.tokens):
        if index not in case.alignment.grounded and not is_neutral(token) and token.norm not in _SUPPLIED:
            return f"no words of the sentence stand for '{token.text}'"
    return None


def _covered(case: Case) -> str | None:
    """Every word of the sentence is used."""
    neutral = neutral_tokens(case.sentence)
    for index, token in enumerate(case.sentence.tokens):
        if index not in case.alignment.used and index not in neutral:
            return f"'{token.text}' of the sentence is not used"
    return None


def _order(case: Case) -> str | None:
    """Where the place of a word says who is who, the proposed English keeps the sentence's order."""
    norms = {token.norm for token in case.sentence.tokens} | {token.norm for token in case.english.tokens}
    several = sum(facts(case.sentence).values()) > 1
    if (several or norms & (NEGATIONS | HEDGES | _DIRECTIONS)) and not case.alignment.in_order:
        return "the proposed English takes the sentence's words in another order, which can change who is who"
    return None


GATES = (
    Gate("reads", "The grammar reads the proposed English, in exactly one way.", _reads),
    Gate("quotes", "Every quote occurs in the sentence word for word, and no word grounds two things.", _quotes),
    Gate("risk", "Negations, hedges, exceptions and alternatives sit inside a value that the grammar reads.", _risk),
    Gate("facts", "Numbers, times, names and addresses are the same on both sides, none lost and none added.", _facts),
    Gate("values", "The sentence's own words, put in the English's places, are read to the same clauses.", _values),
    Gate("grounded", "Every word of the English, cue words included, stands for words of the sentence.", _grounded),
    Gate("covered", "Every word of the sentence is used or on the neutral list.", _covered),
    Gate("order", "Where order can say who is who, the English keeps the sentence's order.", _order),
)
# Without these, not even a rewritten requirement would be about the same thing.
REWRITE_GATES = frozenset(("reads", "risk", "facts", "samples"))


def explained(verdicts: Iterable[Verdict]) -> list[str]:
    """One line a gate."""
    return [f"{'pass' if one.passed else 'FAIL'}  {one.gate}" + (f": {one.why}" if one.why else "") for one in verdicts]

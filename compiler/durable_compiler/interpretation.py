"""The story of `durable interpret`: ask for each open sentence, judge the answers, keep what a person accepts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from durable_compiler import gates, interpret, lock
from durable_compiler.alignment import tidied
from durable_compiler.catalogue import Snapshot
from durable_compiler.diagnostics import Diagnostic
from durable_compiler.frames.frame import Clause
from durable_compiler.grammar.reading import SentenceReading, echo, read
from durable_compiler.interpret import Source
from durable_compiler.llm import Answer, NoAnswer
from durable_compiler.merging import fragment
from durable_compiler.prompt import PROMPT_VERSION, Prompt, prompts
from durable_compiler.requirements import Requirement

# What a model may help with: sentences that no rule reads. A wrong name or time is for the person who wrote it.
ASKED_ABOUT = frozenset(("DUR020", "DUR021", "DUR022", "DUR023"))
# What a person confirms without a model: the grammar reads the sentence, but not as the lock has it.
CONFIRMED = frozenset(("DUR070", "DUR071"))


class Asks(Protocol):
    """A model."""

    @property
    def name(self) -> str:
        """What the lock says was asked."""

    def ask(self, prompt: Prompt) -> Answer:
        """Its answer. Raises NoAnswer or ModelFailed."""


@dataclass(frozen=True)
class Proposal:
    """What became of one open sentence: a block that may be pinned, and everything that a person needs to judge it."""

    requirement: Requirement
    diagnostic: Diagnostic
    english: str = ""
    echo: str = ""
    meaning: tuple[str, ...] = ()
    quotes: tuple[tuple[str, str], ...] = ()
    verdicts: tuple[gates.Verdict, ...] = ()
    question: str = ""
    failure: str = ""
    block: lock.Block | None = None
    rewritable: bool = False

    @property
    def acceptable(self) -> bool:
        """Whether `--accept` may pin it."""
        return self.block is not None

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "requirement": self.requirement.id,
            "line": self.requirement.line,
            "text": self.requirement.text,
            "code": self.diagnostic.code,
            "english": self.english,
            "echo": self.echo,
            "meaning": list(self.meaning),
            "quotes": [{"value": value, "quote": quote} for value, quote in self.quotes],
            "gates": [{"gate": one.gate, "passed": one.passed, "why": one.why} for one in self.verdicts],
            "question": self.question,
            "failure": self.failure,
            "acceptable": self.acceptable,
            "rewritable": self.rewritable,
        }


@dataclass(frozen=True)
class Interpreted:
    """All open sentences of a file, and the diagnostics that no model can help with."""

    source: Source
    proposals: tuple[Proposal, ...]
    other: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class _Context:
    catalogue: Snapshot
    synced: tuple[str, ...]
    model: Callable[[], Asks]


def propose(path: Path, snapshot: Path, shown: str, model: Callable[[], Asks], only: Sequence[str] = ()) -> Interpreted:
    """Ask about each open sentence; `model` is called only if there is one. Raises ModelFailed, and writes nothing."""
    source = interpret.open_file(path, snapshot, shown)
    if source.catalogue is None or source.name is None:
        return Interpreted(source, (), source.diagnostics)
    readings = interpret.read_all(source.readable, source.catalogue, source.locked)
    context = _Context(source.catalogue, interpret.synced_objects(readings), model)
    diagnostics = interpret.read_file(path, snapshot, shown).diagnostics
    wanted = [one for one in readings if not only or one[0].id in only]
    proposals: list[Proposal] = []
    for requirement, reading in wanted:
        found = next((one for one in diagnostics if _is_open(one, requirement, reading)), None)
        if found is not None:
            proposals.append(_proposal(requirement, reading, found, context))
    open_ids = {(one.requirement.id, one.diagnostic.code) for one in proposals}
    other = tuple(one for one in diagnostics if (one.requirement, one.code) not in open_ids)
    return Interpreted(source, tuple(proposals), other)


def _is_open(one: Diagnostic, requirement: Requirement, reading: SentenceReading) -> bool:
    if one.requirement != requirement.id:
        return False
    unread = reading.fault is not None and reading.fault.code in ASKED_ABOUT
    return one.code in CONFIRMED or (unread and one.code in ASKED_ABOUT | {"DUR072"})


def _proposal(
    requirement: Requirement, reading: SentenceReading, diagnostic: Diagnostic, context: _Context
) -> Proposal:
    if reading.fault is None:
        block = interpret.grammar_block(requirement, reading.clauses, context.catalogue)
        meaning = tuple(described(reading.clauses, context.catalogue))
        return Proposal(requirement, diagnostic, block.echo, block.echo, meaning, block=block, rewritable=True)
    base = Proposal(requirement, diagnostic)
    first, second = prompts(requirement.text, context.catalogue, context.synced)
    try:
        model = context.model()
        answer = model.ask(first)
        if answer.outcome == "unknown" or not answer.canonical.strip():
            return replace(base, question=_line(answer.question) or "the model does not know what is meant")
        return _judged(base, answer, lambda: model.ask(second), context)
    except NoAnswer as wrong:
        return replace(base, failure=str(wrong))


def _judged(base: Proposal, answer: Answer, again: Callable[[], Answer], context: _Context) -> Proposal:
    requirement, english = base.requirement, _line(answer.canonical)
    quoted = [(_line(one.value), _line(one.quote)) for one in answer.evidence]
    quotes = tidied(requirement.text, english, quoted)
    judged = gates.judge(gates.Claim(requirement.text, english, quotes), context.catalogue, context.synced)
    agree = _agreement(judged, again, context)
    whole = gates.Judgement(judged.clauses, (*judged.verdicts, agree))
    said = echo(judged.clauses, context.catalogue) if judged.clauses else ""
    accepted = (("model", context.model().name), ("prompt", PROMPT_VERSION), ("samples", interpret.AGREED))
    empty = lock.Block(
        requirement.id, "", lock.PINNED, "", (), english=english, quotes=quotes, accepted=accepted
    )  # fmt: skip
    block = interpret.pinned_block(requirement, whole, empty, context.catalogue) if whole.passed else None
    same = bool(said) and read(said, context.catalogue, context.synced).clauses == judged.clauses
    return replace(
        base, english=english, echo=said, meaning=tuple(described(judged.clauses, context.catalogue)), quotes=quotes,
        verdicts=whole.verdicts, block=block, rewritable=same and whole.rewritable,
    )  # fmt: skip


def _agreement(judged: gates.Judgement, again: Callable[[], Answer], context: _Context) -> gates.Verdict:
    """The second sample is asked for only where it can change what a person may do."""
    if not judged.rewritable:
        return gates.Verdict("samples", False, "not asked a second time, because another gate refuses already")
    answer = again()
    if answer.outcome == "unknown":
        return gates.agreement((judged.clauses, ()))
    return gates.agreement((judged.clauses, read(_line(answer.canonical), context.catalogue, context.synced).clauses))


def _line(text: str) -> str:
    """A model's text on one line, without characters that a terminal would obey or a file cannot hold."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def described(clauses: Iterable[Clause], catalogue: Snapshot) -> Iterator[str]:
    """The meaning as lines `path = value`."""
    for clause in clauses:
        yield from _leaves("", fragment(clause, catalogue))


def _leaves(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, one in value.items():
            yield from _leaves(f"{path}.{key}" if path else str(key), one)
    elif isinstance(value, list) and value and any(isinstance(one, (dict, list)) for one in value):
        for index, one in enumerate(value):
            yield from _leaves(f"{path}[{index}]", one)
    else:
        shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
        yield f"{path} = {shown if shown is not None else 'none'}"


# --- writing ----------------------------------------------------------------------------------------------------


def accept(path: Path, source: Source, proposals: Iterable[Proposal]) -> None:
    """Write the blocks of these proposals into the lock; blocks of requirements that are gone are dropped."""
    known = {one.id for one in source.requirements}
    blocks = {identifier: block for identifier, block in source.locked.items() if identifier in known}
    blocks |= {one.requirement.id: one.block for one in proposals if one.block is not None}
    _replace(lock.lock_path(path), lock.dump(blocks.values()).encode())


def rewrite(path: Path, proposals: Iterable[Proposal]) -> None:
    """Put canonical English in the place of these requirements' sentences; every other byte stays as it is."""
    raw = path.read_bytes()
    text = raw.decode("utf-8-sig")
    rows = _rows(text)
    for one in sorted(proposals, key=lambda one: -one.requirement.line):
        text = _rewritten(text, rows, one)
    mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
    _replace(path, mark + text.encode())


def _rewritten(text: str, rows: Sequence[int], one: Proposal) -> str:
    (first_line, first_column), (last_line, last_column) = one.requirement.origins[0], one.requirement.origins[-1]
    start = rows[first_line - 1] + first_column - 1
    end = rows[last_line - 1] + last_column
    # A character and the accents that follow it are one place of the text.
    while end < len(text) and not text[end].isspace() and not text[end].isascii() and not text[end].isalnum():
        end += 1
    return text[:start] + one.echo + text[end:]


def _rows(text: str) -> list[int]:
    """Where each row begins, split as requirements are read: at a line feed, a carriage return or both."""
    starts, at = [0], 0
    while at < len(text):
        if text[at] == "\r":
            at += text[at + 1 : at + 2] == "\n"
            starts.append(at + 1)
        elif text[at] == "\n":
            starts.append(at + 1)
        at += 1
    return starts


def _replace(path: Path, data: bytes) -> None:
    """Written whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(data)
    if path.exists():
        draft.chmod(path.stat().st_mode & 0o777)
    os.replace(draft, path)

"""A requirements file to its Pipeline: read each sentence, hold it to its lock, resolve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from durable_compiler import catalogue as catalogues
from durable_compiler import gates, lock
from durable_compiler.bindings import bindings
from durable_compiler.catalogue import Snapshot
from durable_compiler.diagnostics import Diagnostic, Span, error, in_source_order
from durable_compiler.frames import frame_of
from durable_compiler.frames.frame import Clause
from durable_compiler.frames.sync import Sync
from durable_compiler.grammar.names import undescribed
from durable_compiler.grammar.reading import SentenceReading, echo, may_be, read, understood
from durable_compiler.ir import Pipeline
from durable_compiler.mentions import mentioned
from durable_compiler.merging import Statement
from durable_compiler.requirements import Requirement, parse, pipeline_name, read_requirements
from durable_compiler.resolve import contradictions, resolve

# What a pin says of the two samples that it was made from.
AGREED = "2 of 2 agree"


@dataclass(frozen=True)
class Reading:
    """What a file says: a Pipeline when nothing is rejected, and in any case everything found on the way."""

    pipeline: Pipeline | None
    requirements: tuple[Requirement, ...]
    clauses: tuple[Statement, ...]
    diagnostics: tuple[Diagnostic, ...]
    lock: tuple[lock.Block, ...] = ()

    @property
    def lock_text(self) -> str:
        """The lock file that belongs to this reading."""
        return lock.dump(self.lock)


def read_file(path: Path, snapshot: Path, shown_as: str | None = None, text: str | None = None) -> Reading:
    """Read a requirements file against a schema snapshot; `text` is what an editor holds in its place, unsaved."""
    source = open_file(path, snapshot, shown_as, text)
    if source.catalogue is None or source.name is None:
        return Reading(None, source.requirements, (), tuple(in_source_order(source.diagnostics)))
    reading = _interpret(source.name, source, source.catalogue)
    return (
        replace(reading, diagnostics=_advised(path, text, reading, source.catalogue))
        if reading.diagnostics
        else reading
    )


def _advised(path: Path, text: str | None, reading: Reading, catalogue: Snapshot) -> tuple[Diagnostic, ...]:
    """The diagnostics with what was understood and sentences that compile."""
    from durable_compiler.advice import advised

    if text is None:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            text = ""
    clauses = [one.clause for one in reading.clauses]
    return advised(reading.diagnostics, text, reading.requirements, clauses, catalogue)


@dataclass(frozen=True)
class Source:
    """A file before its sentences are read: its requirements, the schema, the lock, and what is wrong so far."""

    name: str | None
    file: str
    requirements: tuple[Requirement, ...]
    catalogue: Snapshot | None
    locked: Mapping[str, lock.Block]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def readable(self) -> list[Requirement]:
        """The requirements whose text nothing is wrong with."""
        refused = {one.requirement for one in self.diagnostics}
        return [one for one in self.requirements if one.id not in refused]


def open_file(path: Path, snapshot: Path, shown_as: str | None = None, text: str | None = None) -> Source:
    """A requirements file with the schema and the lock that belong to it."""
    shown = shown_as or f"{path.parent.name}/{path.name}".lstrip("/")
    requirements, diagnostics = read_requirements(path, shown) if text is None else parse(text, shown)
    name = pipeline_name(path)
    if name is None:
        help = "Rename the file to lower-case letters, digits and underscores, beginning with a letter."
        message = f"'{path.stem}' is not a pipeline name"
        diagnostics.append(error("DUR013", message, shown, Span(1, 1, 1, 2), help=help))
    known, more = load_snapshot(snapshot)
    locked, wrong = _load_lock(lock.lock_path(path))
    return Source(name, shown, tuple(requirements), known, locked, (*diagnostics, *more, *wrong))


def _interpret(name: str, source: Source, catalogue: Snapshot) -> Reading:
    statements: list[Statement] = []
    blocks: list[lock.Block] = []
    diagnostics = list(source.diagnostics)
    readings = read_all(source.readable, catalogue, source.locked)
    pins = [_pinned_sync(one, found, source.locked.get(one.id), catalogue) for one, found in readings]
    scope = synced_objects([*readings, *pins])
    for requirement, reading in readings:
        held = _held(requirement, reading, source.locked.get(requirement.id), catalogue, scope)
        diagnostics += held.diagnostics
        blocks += [held.block] if held.block else []
        statements += [Statement(clause, requirement) for clause in held.clauses]
    pipeline: Pipeline | None = None
    if not diagnostics:
        pipeline, diagnostics = resolve(name, statements, _refs(source.requirements, blocks), catalogue, source.file)
    else:
        diagnostics += contradictions(statements, catalogue)
    found = tuple(in_source_order(diagnostics))
    return Reading(pipeline, source.requirements, tuple(statements), found, tuple(blocks))


def read_all(
    requirements: Sequence[Requirement], catalogue: Snapshot, locked: Mapping[str, lock.Block] | None = None
) -> list[tuple[Requirement, SentenceReading]]:
    """Every sentence read by the grammar, knowing which objects the file syncs: a bare field name is one of theirs."""
    scope = _likely_scope(requirements, catalogue)
    readings = [(one, read(one.text, catalogue, scope)) for one in requirements]
    pins = [_pinned_sync(one, found, (locked or {}).get(one.id), catalogue) for one, found in readings]
    synced = synced_objects([*readings, *pins])
    if synced == scope:
        return readings
    return [(one, read(one.text, catalogue, synced)) for one in requirements]


def synced_by(paths: Iterable[Path], catalogue: Snapshot) -> tuple[str, ...]:
    """The objects that any of several requirements files syncs, whatever else is wrong with the files."""
    read_from = (read_requirements(path)[0] for path in paths)
    return tuple(dict.fromkeys(name for many in read_from for name in _likely_scope(many, catalogue)))


def _likely_scope(requirements: Sequence[Requirement], catalogue: Snapshot) -> tuple[str, ...]:
    """The objects of the sentences that can be read as syncing some; what they are read as in the end decides."""
    likely = [(one, may_be("sync", one.text, catalogue)) for one in requirements]
    found = [(one, SentenceReading(understood(one.text, catalogue) or begun)) for one, begun in likely if begun]
    return synced_objects(found)


def synced_objects(readings: Iterable[tuple[Requirement, SentenceReading]]) -> tuple[str, ...]:
    """The objects that sentences sync, in their order."""
    objects = (clause.objects for _, found in readings for clause in found.clauses if isinstance(clause, Sync))
    return tuple(dict.fromkeys(name for names in objects for name in names))


def _pinned_sync(
    requirement: Requirement, reading: SentenceReading, block: lock.Block | None, catalogue: Snapshot
) -> tuple[Requirement, SentenceReading]:
    """What a pin says in place of a sentence that the grammar cannot read: it may name synced objects too."""
    if reading.fault is None or block is None or not _fits(requirement, block) or block.via != lock.PINNED:
        return requirement, SentenceReading()
    return requirement, read(block.english, catalogue)


def load_snapshot(path: Path) -> tuple[Snapshot | None, list[Diagnostic]]:
    """The schema snapshot, or the diagnostic that says how to get one."""
    shown = f"{path.parent.name}/{path.name}".lstrip("/")
    span = Span(1, 1, 1, 2)
    try:
        return catalogues.load(path), []
    except FileNotFoundError:
        message = f"there is no schema snapshot {shown}"
        help = "Run `durable discover` to write it from Salesforce."
        return None, [error("DUR011", message, shown, span, help=help)]
    except (OSError, ValueError) as wrong:
        message = f"cannot read the schema snapshot: {wrong}"
        return None, [error("DUR012", message, shown, span, help="Run `durable discover` to write it again.")]


def _load_lock(path: Path) -> tuple[Mapping[str, lock.Block], list[Diagnostic]]:
    shown = f"{path.parent.name}/{path.name}".lstrip("/")
    try:
        return lock.load(path), []
    except lock.LockUnreadable as wrong:
        span = Span(wrong.line, wrong.column, wrong.line, wrong.column + 1)
        return {}, [error("DUR014", wrong.message, shown, span, help=wrong.help)]
    except OSError as wrong:
        message = f"cannot read the lock: {wrong.strerror or wrong}"
        return {}, [error("DUR014", message, shown, Span(1, 1, 1, 2), help="Check the file's permissions.")]


def diagnostics_of(reading: SentenceReading, requirement: Requirement) -> tuple[Diagnostic, ...]:
    """A sentence's faults at their places in the file."""
    assert reading.fault is not None
    return tuple(
        error(
            one.code, one.message, requirement.file, requirement.span(one.start, one.end),
            requirement=requirement.id, help=one.help, suggestions=one.suggestions,
        )
        for one in (reading.fault, *reading.others)
    )  # fmt: skip


@dataclass(frozen=True)
class Held:
    """A sentence held to its lock: what it means, the block that belongs to it, or why it is refused."""

    clauses: tuple[Clause, ...] = ()
    block: lock.Block | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


def _held(
    requirement: Requirement,
    reading: SentenceReading,
    locked: lock.Block | None,
    catalogue: Snapshot,
    synced: Sequence[str],
) -> Held:
    """The grammar first, then the lock."""
    if reading.fault is None:
        block = grammar_block(requirement, reading.clauses, catalogue)
        wrong = _changed(requirement, block, reading.clauses, locked, catalogue, synced)
        return Held(reading.clauses, block, (wrong,) if wrong else ())
    if locked is None or locked.via != lock.PINNED:
        named = _by_name_only(requirement, catalogue, synced)
        return Held(diagnostics=(named,) if named else diagnostics_of(reading, requirement))
    return _pinned(requirement, locked, catalogue, synced)


def _by_name_only(requirement: Requirement, catalogue: Snapshot, synced: Sequence[str]) -> Diagnostic | None:
    """Why a sentence about a synced object cannot be read yet: none of the object's fields are known."""
    unknown = (one for one in map(catalogue.by_name.__getitem__, synced) if not one.described)
    named = next((one for one in unknown if one.name in mentioned((requirement.text,), catalogue)), None)
    if named is None:
        return None
    message, help = undescribed(named)
    span = requirement.span(0, len(requirement.text))
    return error("DUR015", message, requirement.file, span, requirement=requirement.id, help=help)


def _pinned(requirement: Requirement, locked: lock.Block, catalogue: Snapshot, synced: Sequence[str]) -> Held:
    if not _fits(requirement, locked):
        what = "its text changed after a person accepted the reading"
        return Held(diagnostics=(_stale(requirement, locked, what),))
    judged = gates.judge(gates.Claim(requirement.text, locked.english, locked.quotes), catalogue, synced)
    block = pinned_block(requirement, judged, locked, catalogue) if judged.clauses else None
    aged = _aged(locked, block) if block is not None else None
    if aged is not None:
        return Held(diagnostics=(_stale(requirement, locked, aged),))
    if block is not None and (moved := _moved(requirement, block, locked)):
        return Held(diagnostics=(moved,))
    failed = [*judged.failed, *_edited(locked, block)]
    if failed:
        return Held(diagnostics=(_ungrounded(requirement, failed[0]),))
    return Held(judged.clauses, block)


def grammar_block(requirement: Requirement, clauses: Sequence[Clause], catalogue: Snapshot) -> lock.Block:
    """The block of a sentence that the grammar reads."""
    bound, said = bindings(clauses, catalogue), echo(clauses, catalogue)
    return lock.Block(requirement.id, requirement.text_sha256, lock.GRAMMAR, said, bound, _frames(clauses))


def pinned_block(
    requirement: Requirement, judged: gates.Judgement, locked: lock.Block, catalogue: Snapshot
) -> lock.Block:
    """The block of a pinned reading, its echo, names and versions as they are now."""
    now = grammar_block(requirement, judged.clauses, catalogue)
    return replace(locked, id=now.id, text_sha256=now.text_sha256, echo=now.echo, bound=now.bound, frames=now.frames)


def _frames(clauses: Sequence[Clause]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted({clause.kind: frame_of(clause).version for clause in clauses}.items()))


def _fits(requirement: Requirement, locked: lock.Block) -> bool:
    return locked.text_sha256 == requirement.text_sha256


def _changed(
    requirement: Requirement,
    block: lock.Block,
    clauses: tuple[Clause, ...],
    locked: lock.Block | None,
    catalogue: Snapshot,
    synced: Sequence[str],
) -> Diagnostic | None:
    """Why an unchanged sentence may not mean what it now would, without a person."""
    if locked is None or not _fits(requirement, locked):
        return None
    aged = None if locked.migrated or locked.via == lock.PINNED else _aged(locked, block)
    if aged is not None:
        return _stale(requirement, locked, aged)
    moved = _moved(requirement, block, locked)
    if moved is not None or locked.echo == block.echo:
        return moved
    before = read(locked.echo, catalogue, synced)
    if before.fault is not None or before.clauses == clauses:
        return None
    return _stale(requirement, locked, f"it was accepted as '{locked.echo}' and now reads '{block.echo}'")


def _aged(locked: lock.Block, block: lock.Block) -> str | None:
    """Which kind of clause means something else than when the reading was accepted."""
    before, now = dict(locked.frames), dict(block.frames)
    kind = next((one for one in sorted(before.keys() | now.keys()) if before.get(one) != now.get(one)), None)
    if kind is None:
        return None
    return f"the kind '{kind}' had version {before.get(kind, 'none')} and now has {now.get(kind, 'none')}"


def _stale(requirement: Requirement, locked: lock.Block, what: str) -> Diagnostic:
    message = f"the reading of {requirement.id} in the lock is stale: {what}"
    help = f"Run `durable interpret {Path(requirement.file).stem}` and accept the reading, or rewrite the sentence."
    span = requirement.span(0, len(requirement.text))
    suggestions = (locked.echo,) if locked.echo else ()
    return error(
        "DUR071", message, requirement.file, span, requirement=requirement.id, help=help, suggestions=suggestions
    )


def _edited(locked: lock.Block, block: lock.Block | None) -> list[gates.Verdict]:
    """What a reviewer saw must be what the accepted English means, and what was accepted that samples agreed."""
    found = []
    if block is not None and locked.echo != block.echo:
        why = f"the block says '{locked.echo}' and its English means '{block.echo}'"
        found.append(gates.Verdict("echo", False, why))
    if dict(locked.accepted).get("samples") != AGREED:
        found.append(gates.Verdict("samples", False, "no two samples agreed"))
    return found


def _ungrounded(requirement: Requirement, verdict: gates.Verdict) -> Diagnostic:
    message = f"the pinned reading of {requirement.id} fails the gate '{verdict.gate}': {verdict.why}"
    help = f"Restore the block from git, or run `durable interpret {Path(requirement.file).stem}` again."
    span = requirement.span(0, len(requirement.text))
    return error("DUR072", message, requirement.file, span, requirement=requirement.id, help=help)


def _moved(requirement: Requirement, block: lock.Block, locked: lock.Block) -> Diagnostic | None:
    lost, new = sorted(set(locked.bound) - set(block.bound)), sorted(set(block.bound) - set(locked.bound))
    if not lost and (locked.migrated or not new):
        return None
    before, now = ", ".join(lost) or "fewer names", ", ".join(new) or "fewer names"
    message = f"the sentence was bound to {before} and would now be bound to {now}"
    stem = Path(requirement.file).stem
    help = f"Write the API name that you mean, or accept the new binding: durable interpret {stem} --accept."
    span = requirement.span(0, len(requirement.text))
    return error(
        "DUR070", message, requirement.file, span, requirement=requirement.id, help=help, suggestions=(before, now)
    )


def _refs(requirements: Sequence[Requirement], blocks: Sequence[lock.Block]) -> list[dict[str, Any]]:
    status = {lock.GRAMMAR: "understood", lock.PINNED: "pinned"}
    return [
        {"id": one.id, "text": one.text, "file": one.file, "line": one.line, "status": status[block.via],
         "echo": block.echo}
        for one, block in zip(requirements, blocks, strict=True)
    ]  # fmt: skip

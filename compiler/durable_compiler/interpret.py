"""A requirements file to its Pipeline: read each sentence, hold it to its lock, resolve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from durable_compiler import catalogue as catalogues
from durable_compiler import lock
from durable_compiler.catalogue import Snapshot
from durable_compiler.diagnostics import Diagnostic, Span, error, in_source_order
from durable_compiler.frames.frame import Clause
from durable_compiler.frames.sync import Sync
from durable_compiler.grammar.reading import SentenceReading, echo, read
from durable_compiler.ir import Pipeline
from durable_compiler.merging import Statement
from durable_compiler.requirements import Requirement, pipeline_name, read_requirements
from durable_compiler.resolve import resolve


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


def read_file(path: Path, snapshot: Path, shown_as: str | None = None) -> Reading:
    """Read a requirements file against a schema snapshot."""
    shown = shown_as or f"{path.parent.name}/{path.name}".lstrip("/")
    requirements, diagnostics = read_requirements(path, shown)
    name = pipeline_name(path)
    if name is None:
        help = "Rename the file to lower-case letters, digits and underscores, beginning with a letter."
        message = f"'{path.stem}' is not a pipeline name"
        diagnostics.append(error("DUR013", message, shown, Span(1, 1, 1, 2), help=help))
    known, more = load_snapshot(snapshot)
    locked, wrong = _load_lock(lock.lock_path(path))
    diagnostics += more + wrong
    if known is None or name is None:
        return Reading(None, tuple(requirements), (), tuple(in_source_order(diagnostics)))
    return _interpret(name, shown, requirements, diagnostics, known, locked)


def _interpret(
    name: str,
    file: str,
    requirements: list[Requirement],
    diagnostics: list[Diagnostic],
    catalogue: Snapshot,
    locked: Mapping[str, lock.Block],
) -> Reading:
    statements: list[Statement] = []
    blocks: list[lock.Block] = []
    refused = {one.requirement for one in diagnostics}
    for requirement, reading in read_all([one for one in requirements if one.id not in refused], catalogue):
        if reading.fault is not None:
            diagnostics.append(diagnostic(reading, requirement))
            continue
        block = _block(requirement, reading.clauses, catalogue)
        moved = _moved(requirement, block, locked.get(requirement.id))
        diagnostics += [moved] if moved else []
        blocks.append(block)
        statements += [Statement(clause, requirement) for clause in reading.clauses]
    pipeline: Pipeline | None = None
    if not diagnostics:
        pipeline, diagnostics = resolve(name, statements, _refs(requirements, blocks), catalogue, file)
    return Reading(pipeline, tuple(requirements), tuple(statements), tuple(in_source_order(diagnostics)), tuple(blocks))


def read_all(requirements: Sequence[Requirement], catalogue: Snapshot) -> list[tuple[Requirement, SentenceReading]]:
    """Every sentence read; those that name a bare field are read knowing which objects the file syncs."""
    first = [(one, read(one.text, catalogue)) for one in requirements]
    objects = (clause.objects for _, found in first for clause in found.clauses if isinstance(clause, Sync))
    synced = tuple(dict.fromkeys(name for names in objects for name in names))
    if not synced:
        return first
    return [(one, found if _is_sync(found) else read(one.text, catalogue, synced)) for one, found in first]


def _is_sync(found: SentenceReading) -> bool:
    return bool(found.clauses) and all(isinstance(clause, Sync) for clause in found.clauses)


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
    try:
        return lock.load(path), []
    except (OSError, ValueError) as wrong:
        shown = f"{path.parent.name}/{path.name}".lstrip("/")
        help = "Restore the file from git, or delete it and review every reading again."
        return {}, [error("DUR014", f"cannot read the lock: {wrong}", shown, Span(1, 1, 1, 2), help=help)]


def diagnostic(reading: SentenceReading, requirement: Requirement) -> Diagnostic:
    """A sentence's fault at its place in the file."""
    fault = reading.fault
    assert fault is not None
    span = requirement.span(fault.start, fault.end)
    return error(
        fault.code, fault.message, requirement.file, span,
        requirement=requirement.id, help=fault.help, suggestions=fault.suggestions,
    )  # fmt: skip


def _block(requirement: Requirement, clauses: Sequence[Clause], catalogue: Snapshot) -> lock.Block:
    bound = sorted({name for clause in clauses for name in _bound(clause)})
    return lock.Block(requirement.id, requirement.text_sha256, "grammar", echo(clauses, catalogue), tuple(bound))


def _bound(clause: Clause) -> Iterator[str]:
    """API names of objects (Account), fields (Account.Name) and picklist values (Account.Type=Customer)."""
    values: dict[str, Any] = {one.name: getattr(clause, one.name) for one in fields(clause)}
    owner = values.get("object")
    yield from values.get("objects", ())
    yield from (f"{one[0]}.{one[1]}" for one in values.get("fields", ()))
    if owner is not None:
        yield owner
        yield from (f"{owner}.{name}" for name in (*values.get("by", ()), *_one(values.get("field"))))
        yield from (f"{owner}.{values['field']}={source}" for source, _ in values.get("pairs", ()))


def _one(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


def _moved(requirement: Requirement, block: lock.Block, locked: lock.Block | None) -> Diagnostic | None:
    if locked is None or locked.text_sha256 != block.text_sha256 or locked.bound == block.bound:
        return None
    before = ", ".join(sorted(set(locked.bound) - set(block.bound))) or "fewer names"
    now = ", ".join(sorted(set(block.bound) - set(locked.bound))) or "fewer names"
    message = f"the sentence was bound to {before} and would now be bound to {now}"
    help = "Write the API name that you mean, or delete the requirement's block from the lock to accept the new one."
    span = requirement.span(0, len(requirement.text))
    return error(
        "DUR070", message, requirement.file, span, requirement=requirement.id, help=help, suggestions=(before, now)
    )


def _refs(requirements: Sequence[Requirement], blocks: Sequence[lock.Block]) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "text": one.text, "file": one.file, "line": one.line, "status": "understood", "echo": block.echo}
        for one, block in zip(requirements, blocks, strict=True)
    ]

"""The whole story of `durable compile`: requirements → IR → release → package → commit."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from durable_compiler.package import (
    COMPILER,
    Changed,
    Committed,
    Difference,
    Project,
    committed,
    differences,
    exchange,
    hand_edited,
    is_current,
)

if TYPE_CHECKING:
    from durable_compiler.changes import Change
    from durable_compiler.diagnostics import Diagnostic
    from durable_compiler.history import Repository
    from durable_compiler.interpret import Reading
    from durable_compiler.release import Release


@dataclass(frozen=True)
class Outcome:
    """What a compile came to; `status` is unchanged, written, rejected, differs or refused."""

    status: str
    version: str | None = None
    committed: str | None = None
    tag: str | None = None
    changes: tuple[Change, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    differences: tuple[Difference, ...] = ()
    text: str = ""


def compile_pipeline(
    root: Path,
    name: str,
    *,
    check: bool = False,
    commit: bool = True,
    branch: str | None = None,
    changed: Changed | None = None,
) -> Outcome:
    """Compile one pipeline of a project; `changed` saves asking git again for each of many.

    Raises history.HistoryRefused where git must not record now, and validate.InvalidModule for a bug in a template;
    either way nothing was written.
    """
    project = Project(root, name)
    if is_current(project, (changed or Changed(root)) if commit and not check else None):
        return Outcome("unchanged", version=project.version())
    repository = _repository(root, branch) if commit and not check else None
    reading = read_whole(project)
    if reading.pipeline is None:
        return Outcome("rejected", diagnostics=reading.diagnostics)
    edited = () if check or not commit else hand_edited(project)
    if edited:
        return Outcome("refused", differences=edited, text=_hand_edits(project))
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=project.generated()) as folder:
        release = _build(project, reading, Path(folder) / name)
        found = differences(project, Path(folder) / name, reading.lock_text)
        if check:
            status = "differs" if found else "unchanged"
            return Outcome(status, version=release.version, differences=found, diagnostics=reading.diagnostics)
        if repository and release.level is not None:
            repository.require_untagged(release.tag)
        if found:
            exchange(Path(folder) / name, project.package)
            project.lock.write_text(reading.lock_text, encoding="utf-8", newline="\n")
    return replace(_record(project, repository, release, bool(found)), diagnostics=reading.diagnostics)


def read_whole(project: Project) -> Reading:
    """The reading, rejected also where the runtime could not keep what the sentences say."""
    from durable_compiler import capabilities, catalogue
    from durable_compiler.advice import advised
    from durable_compiler.interpret import read_file

    reading = read_file(project.spec, project.snapshot)
    if reading.pipeline is None:
        return reading
    known = catalogue.load(project.snapshot)
    refused = capabilities.refuse(reading.pipeline, known)
    if not refused:
        warnings = capabilities.warn(reading.pipeline, known)
        return replace(reading, diagnostics=(*reading.diagnostics, *warnings))
    clauses = [one.clause for one in reading.clauses]
    text = project.spec.read_text(encoding="utf-8-sig")
    return replace(reading, pipeline=None, diagnostics=advised(refused, text, reading.requirements, clauses, known))


def _repository(root: Path, branch: str | None) -> Repository:
    """The repository, on the wanted branch and fit for a commit. Raises HistoryRefused."""
    from durable_compiler.history import Repository

    repository = Repository.open(root)
    repository.require_ready(branch=branch)
    if branch is not None:
        repository.branch(branch)
    return repository


def _build(project: Project, reading: Reading, folder: Path) -> Release:
    """Render the package that follows the committed one; the same version if not a byte differs."""
    from durable_compiler import release

    before = committed(project)
    assert reading.pipeline is not None
    new = reading.pipeline.model_dump(mode="json")
    first = release.plan(project.name, before.version, before.ir, new)
    _render(project, reading, folder, first, before)
    if before.version is None or first.level is not None or before.holds(folder):
        return first
    rebuilt = release.plan(project.name, before.version, before.ir, new, rebuilt=True)
    _render(project, reading, folder, rebuilt, before)
    return rebuilt


def _render(project: Project, reading: Reading, folder: Path, release: Release, before: Committed) -> None:
    from durable_compiler import catalogue
    from durable_compiler.emit import emit
    from durable_compiler.package import write_records
    from durable_compiler.plan import Identity, plan
    from durable_compiler.release import prepend
    from durable_compiler.resolve import owners
    from durable_compiler.trace import trace
    from durable_compiler.validate import validate
    from durable_runtime import RUNTIME_API

    identity = Identity(release.version, COMPILER, RUNTIME_API, project.title())
    pipeline, snapshot = reading.pipeline, catalogue.load(project.snapshot)
    assert pipeline is not None
    plans = plan(pipeline, snapshot, identity, owners(reading.clauses, snapshot))
    emit(plans, folder)
    validate(folder)
    write_records(
        project,
        folder,
        {
            "RELEASE_NOTES.md": prepend(before.notes, release),
            "ir.json": pipeline.to_json(),
            "trace.json": trace(pipeline, folder),
        },
        reading.lock_text,
    )


def _record(project: Project, repository: Repository | None, release: Release, written: bool) -> Outcome:
    status = "written" if written else "unchanged"
    if repository is None:
        return Outcome(status, version=release.version, changes=release.changes)
    sha = repository.commit(project.tracked(), release.commit_message)
    tag = repository.tag(release.tag, release.notes_markdown) if sha else None
    return Outcome("written" if sha else status, release.version, sha, tag, release.changes)


def _hand_edits(project: Project) -> str:
    return (
        f"generated/{project.name} was edited by hand; its changes would be lost. Change {project.spec.name} instead, "
        f"then restore the package: git checkout generated/{project.name} (or compile with --no-commit to overwrite)."
    )

"""What a stopped run leaves for a person: what happened with its numbers, the commands that settle it, who did.

A task is a JSON file in `<state>/tasks`. It is opened by a run that ends waiting, counted again by each run that the
same thing stops, and closed by the run that it lets pass or that meets nothing of the kind any more.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_runtime.errors import ConfigurationError, Evidence, GuardStopped, PipelineError
from durable_runtime.runs import stamp

if TYPE_CHECKING:
    from durable_runtime.job import Job

OPEN, ALLOWED, CLOSED = "open", "allowed", "closed"
WAITING_EXIT = 4
ID_BYTES = 3

# Code of an error that waits -> the commands that settle it, in order.
RUN = "durable run {pipeline} --profile {profile}"
LOOK = "durable doctor {pipeline} --profile {profile}"
RENEW = ("durable discover --profile {profile}", "durable compile {pipeline}", RUN)
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "RUN400": (RUN,),
    "RUN401": (RUN + "{asked} --allow-guard {id}",),
    "RUN402": (RUN + " --full",),
    "RUN403": (LOOK, *RENEW),
    "RUN404": RENEW,
    "RUN405": (LOOK, *RENEW),
    "RUN406": RENEW,
    "RUN407": ("durable plan {pipeline} --profile {profile}", RUN),
    "RUN410": ("durable green {pipeline} compare",),
}


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that waits for a person.

    `subject` is a guard's word such as max_deleted:Contact; without a guard it is the object, or empty. `run_id` is
    the last run that it stopped, of `repeats` more than one. Moments are `2026-11-22T02:00:00Z`. `by` is the user and
    `closed_by` the run that it was let pass in, or that met nothing of the kind any more.
    """

    id: str
    pipeline: str
    profile: str
    code: str
    subject: str
    run_id: str
    what: str
    requirement: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    opened_at: str = ""
    stopped_at: str = ""
    repeats: int = 0
    status: str = OPEN
    by: str | None = None
    closed_by: str | None = None
    closed_at: str | None = None
    reason: str | None = None

    @property
    def waits(self) -> bool:
        """Whether a run may still be let pass by it."""
        return self.status != CLOSED


def read(state: Path) -> list[Task]:
    """Every task of a state folder, those that wait first, each group in the order of opening."""
    found = [one for one in map(_load, (state / "tasks").glob("*.json")) if one is not None]
    return sorted(found, key=lambda one: (not one.waits, one.opened_at, one.id))


def allowed(state: Path, pipeline: str, profile: str, names: Iterable[str]) -> frozenset[str]:
    """The guards that these tasks' ids, or words such as max_deleted:Contact, let pass.

    Raises ConfigurationError for a task that is not there, is another pipeline's or profile's, or was used before.
    """
    return frozenset(name if ":" in name else _usable(read(state), pipeline, profile, name).subject for name in names)


def _usable(tasks: Sequence[Task], pipeline: str, profile: str, name: str) -> Task:
    mine = [one for one in tasks if (one.pipeline, one.profile) == (pipeline, profile)]
    task = next((one for one in mine if one.id == name), None)
    waiting = ", ".join(one.id for one in mine if one.waits and one.code == GuardStopped.code)
    if task is None:
        raise ConfigurationError(
            f"{pipeline} has no task {name} in profile {profile}.",
            help=f"Waiting are: {waiting}." if waiting else "No guard waits: run without --allow-guard.",
        )
    if task.code != GuardStopped.code:
        raise ConfigurationError(
            f"Task {name} is no guard's: {task.what}", help=f"What settles it: {'; '.join(task.commands)}"
        )
    if not task.waits:
        raise ConfigurationError(
            f"Task {name} lets nothing pass any more: run {task.closed_by} closed it at {task.closed_at} "
            f"({task.reason}).",
            help="Run without it; if a guard stops that run, its message names a new task.",
        )
    return task


def settle(job: Job, error: PipelineError | None, *, whole: bool = True) -> PipelineError | None:
    """Open, count and close tasks by how the run ended; the error comes back with help that names its tasks.

    `whole` tells that the run looked at all that a nightly one does: only then does it close what it did not meet.
    """
    try:
        if error is not None and error.exit_code == WAITING_EXIT:
            return _named(error, [_opened(job, error, one) for one in _evidence(error)])
        for task in _mine(job):
            _end(job, task, error, whole=whole)
    except OSError as failed:
        job.summary.notes.append(f"The tasks could not be written: {failed}.")
    return error


def _mine(job: Job) -> list[Task]:
    mine = (job.pipeline.name, job.profile.name)
    return [one for one in read(job.profile.state) if one.waits and (one.pipeline, one.profile) == mine]


def _evidence(error: PipelineError) -> tuple[Evidence, ...]:
    return error.evidence or (Evidence("", error.message, requirement=error.requirement or ""),)


def _opened(job: Job, error: PipelineError, evidence: Evidence) -> Task:
    """A new task, or the one that waits for the same thing."""
    key, now = (error.code, evidence.subject), stamp(datetime.now(UTC))
    known = next((one for one in _mine(job) if (one.code, one.subject) == key), None)
    task = known or Task(
        _new_id(job.profile.state), job.pipeline.name, job.profile.name, *key, job.folder.run_id, evidence.message,
        opened_at=now,
    )  # fmt: skip
    task = replace(
        task,
        run_id=job.folder.run_id,
        what=evidence.message,
        requirement=evidence.requirement,
        evidence=dict(evidence.numbers),
        commands=tuple(_commands(job, error.code, task.id)),
        stopped_at=now,
        repeats=task.repeats + (known is not None),
        status=OPEN,
    )
    _write(job.profile.state, task)
    job.summary.event("task_opened", task=task.id, subject=task.subject, repeats=task.repeats)
    return task


def _commands(job: Job, code: str, id: str) -> Iterator[str]:
    options = job.options
    asked = " --full" if options.full else ""
    asked += f" --object {options.object}" if options.object else ""
    for moment, flag in zip(options.again or (), ("--since", "--until"), strict=False):
        asked += f" {flag} {stamp(moment)}" if moment else ""
    for command in COMMANDS.get(code, (RUN,)):
        yield command.format(pipeline=job.pipeline.name, profile=job.profile.name, id=id, asked=asked)


def _named(error: PipelineError, tasks: Sequence[Task]) -> PipelineError:
    """The error with help that says what to run."""
    ids = [one.id for one in tasks]
    told = f"`durable tasks show {ids[0]}` says more."
    if isinstance(error, GuardStopped):
        words = " ".join(f"--allow-guard {one}" for one in ids)
        command = tasks[0].commands[0].partition(" --allow-guard")[0]
        before, _, after = error.help.partition("--allow-guard")
        help = f"{before}{command} {words} (or --allow-guard{after}). {told}"
    else:
        help = f"{error.help} {told}"
    named = type(error)(error.message, help=help, requirement=error.requirement)
    named.evidence = error.evidence
    return named


def _end(job: Job, task: Task, error: PipelineError | None, *, whole: bool) -> None:
    """A task after a run that did not wait: closed by it, kept for the next try, or not its concern."""
    passed = {one["guard"] for one in job.summary.events if one["code"] == "guard_passed"}
    if task.subject in passed and task.code == GuardStopped.code:
        # A run that failed or stopped part-way has not done all that somebody allowed: the next one may end it.
        reason = "let pass" if error is None else None
        _close(job, replace(task, status=CLOSED if reason else ALLOWED, by=user()), reason)
    elif whole and error is None and _covers(job, task):
        _close(job, replace(task, status=CLOSED), "no longer true")


def _close(job: Job, task: Task, reason: str | None) -> None:
    now = stamp(datetime.now(UTC))
    ended = replace(task, closed_by=job.folder.run_id, closed_at=now, reason=reason) if reason else task
    _write(job.profile.state, ended)
    if reason:
        job.summary.event("task_closed", task=task.id, subject=task.subject, reason=reason)


def _covers(job: Job, task: Task) -> bool:
    """Whether the run looked at what the task is about: of one object, or of a window, it tells nothing of the rest."""
    if job.options.again is not None:
        return False
    return job.options.object in (None, task.subject.rpartition(":")[2])


def user() -> str:
    """Who runs this, as the system knows them: no environment variable says otherwise."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without a name
        return f"uid {os.getuid()}"


def _new_id(state: Path) -> str:
    known = {one.id for one in read(state)}
    return next(one for one in iter(lambda: secrets.token_hex(ID_BYTES), "") if one not in known)


def _write(state: Path, task: Task) -> None:
    folder = state / "tasks"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f"{task.id}.new"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(asdict(task), indent=2) + "\n")
    os.replace(draft, folder / f"{task.id}.json")


def _load(path: Path) -> Task | None:
    """The task of a file; None for one that is cut short or none of ours. Keys of a later version are passed over."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = {one.name for one in fields(Task)}
        task = Task(**{name: value for name, value in found.items() if name in known})
        return replace(task, commands=tuple(task.commands))
    except (OSError, ValueError, TypeError, AttributeError):
        return None

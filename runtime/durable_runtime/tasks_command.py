"""The command about tasks: what waits for a person, and `show ID` with everything that is known of one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_runtime.errors import ConfigurationError, PipelineError
from durable_runtime.spec import Pipeline

if TYPE_CHECKING:
    from durable_runtime.tasks import Task

Commands = Any  # argparse keeps the class of its subparsers to itself


def add(commands: Commands) -> None:
    """Teach a parser `tasks` and `tasks show ID`."""
    tasks = commands.add_parser("tasks", help="show what waits for a person")
    tasks.add_argument("action", nargs="?", choices=("show",), help="show one task with its evidence")
    tasks.add_argument("task", nargs="?", help="the task's id")
    tasks.add_argument("--profile", help="a profile of durable.toml")
    tasks.add_argument("--json", action="store_true", help="print JSON")


def show(pipeline: Pipeline, arguments: argparse.Namespace) -> int:
    """`tasks` of one pipeline; returns the exit code."""
    from durable_runtime import configuration

    try:
        state = configuration.load(configuration.find(), arguments.profile).state
        if arguments.action is None:
            return listed(state, pipeline.name, machine=arguments.json)
        return shown(state, str(arguments.task or ""), machine=arguments.json)
    except PipelineError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return error.exit_code


def listed(state: Path, pipeline: str | None, *, machine: bool) -> int:
    """Print every task of a pipeline or of all, those that wait first."""
    from durable_runtime.tasks import read

    found = [one for one in read(state) if pipeline in (None, one.pipeline)]
    if machine:
        print(json.dumps({"tasks": [asdict(one) for one in found]}, indent=2))
        return 0
    for one in found:
        print(f"{one.id}  {one.status:<7}  {one.pipeline}  {one.code}  {one.stopped_at}  {one.what}")
    if not any(one.waits for one in found):
        print("Nothing waits for a person.")
    return 0


def shown(state: Path, id: str, *, machine: bool) -> int:
    """Print one task. Raises ConfigurationError where there is none."""
    from durable_runtime.tasks import read

    task = next((one for one in read(state) if one.id == id), None)
    if task is None:
        raise ConfigurationError(f"There is no task {id!r}.", help="`durable tasks` lists them.")
    if machine:
        print(json.dumps(asdict(task), indent=2))
        return 0
    for line in _lines(task):
        print(line)
    return 0


def _lines(task: Task) -> Iterator[str]:
    yield f"Task {task.id} ({task.status}): {task.pipeline}, profile {task.profile}, {task.code}"
    yield f"  {task.what}"
    if task.requirement:
        yield f"  requirements  {task.requirement}"
    yield f"  opened        {task.opened_at}"
    yield f"  stopped       run {task.run_id} at {task.stopped_at}, {_times(task.repeats)}"
    yield from (f"  {name:<12}  {number}" for name, number in task.evidence.items())
    if task.by is not None:
        yield f"  let pass by   {task.by}"
    if task.closed_by is not None:
        yield f"  closed by     run {task.closed_by} at {task.closed_at}: {task.reason}"
        return
    yield "  To settle it:"
    yield from (f"    {one}" for one in task.commands)


def _times(repeats: int) -> str:
    return "the first time" if not repeats else f"{repeats + 1} runs so far"

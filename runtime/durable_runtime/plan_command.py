"""The command `plan`: what the next run would do, for a person or as JSON; nothing is written."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from durable_runtime.errors import DiskFull, Interrupted, PipelineError
from durable_runtime.spec import Pipeline

if TYPE_CHECKING:
    from durable_runtime.planning import Planned
    from durable_runtime.runs import Summary


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """The command and its flags."""
    plan = commands.add_parser("plan", help="show what the next run would do; nothing is written")
    plan.add_argument("--profile", help="a profile of durable.toml")
    plan.add_argument("--full", action="store_true", help="as if everything were read again")
    plan.add_argument("--object", help="only this object (API name)")
    plan.add_argument("--json", action="store_true", help="print one JSON object last")
    plan.add_argument("--statements", action="store_true", help="show every statement that would run")


def show(pipeline: Pipeline, arguments: argparse.Namespace) -> int:
    """Print the plan; 0, or 4 where the run would stop, or the exit code of what kept it from asking."""
    from durable_runtime.runs import Summary

    summary = Summary(None, pipeline.name, pipeline.version, datetime.now(UTC))
    try:
        found = _planned(pipeline, arguments, summary)
    except PipelineError as error:
        return _failed(summary, error, arguments.json)
    except OSError as error:
        help = "Correct the rights of the state folder and of the file."
        return _failed(summary, DiskFull(f"The plan cannot be made: {error}.", help=help), arguments.json)
    except KeyboardInterrupt:
        return _failed(summary, Interrupted("The plan was stopped.", help="Ask again."), arguments.json)
    _print(found, arguments)
    return found.exit_code


def _planned(pipeline: Pipeline, arguments: argparse.Namespace, summary: Summary) -> Planned:
    from durable_runtime import configuration, package
    from durable_runtime.job import Options
    from durable_runtime.pipeline import package_folder
    from durable_runtime.planning import PlannedJob, plan
    from durable_runtime.runs import RunFolder

    profile = configuration.load(configuration.find(), arguments.profile)
    package.verify(pipeline, package_folder(pipeline))
    folder = RunFolder(profile.state, summary.started_at, pipeline.name)
    return plan(PlannedJob(pipeline, profile, Options(arguments.full, arguments.object), summary, folder))


def _print(found: Planned, arguments: argparse.Namespace) -> None:
    from durable_runtime import plan_text

    if arguments.json:
        print(json.dumps(plan_text.as_json(found, statements=arguments.statements)))
    else:
        print("\n".join(plan_text.lines(found, statements=arguments.statements)))


def _failed(summary: Summary, error: PipelineError, machine: bool) -> int:
    """Say what kept the plan from being made; a machine gets the object that a failed run gives."""
    summary.finish(error, datetime.now(UTC))
    print(f"{error.code}: {error.message}\n  What to do: {error.help}", file=sys.stderr)
    if machine:
        print(json.dumps(summary.as_json()))
    return summary.exit_code

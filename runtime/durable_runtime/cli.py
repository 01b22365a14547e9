"""The command line of a generated package: run, check, status, rejects and tasks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from durable_runtime import plan_command, rejects_command, tasks_command
from durable_runtime.errors import Bug, ConfigurationError, Interrupted, LockHeld, PipelineError
from durable_runtime.spec import Pipeline
from durable_runtime.stopping import stoppable

if TYPE_CHECKING:
    from durable_runtime.configuration import Profile
    from durable_runtime.job import Job
    from durable_runtime.runs import Summary


def main(pipeline: Pipeline, argv: Sequence[str]) -> int:
    """Do what the arguments say and return the exit code (the table in docs/reference/errors.md)."""
    try:
        arguments = _parser(pipeline).parse_args(argv)
    except SystemExit:  # after --help
        return 0
    except ConfigurationError as wrong:
        return _refused(pipeline, argv, wrong)
    command = {"run": _run, "check": _check, "status": _status, "rejects": _rejects, "tasks": tasks_command.show}
    command["plan"] = plan_command.show
    return command[arguments.command](pipeline, arguments)


class _Parser(argparse.ArgumentParser):
    """One that raises ConfigurationError, so that a machine is told too what is wrong."""

    def error(self, message: str) -> NoReturn:
        """Say it as argparse does, and raise it."""
        self.print_usage(sys.stderr)
        print(f"{self.prog}: error: {message}", file=sys.stderr)
        raise ConfigurationError(f"The command line is wrong: {message}.", help=f"See {self.prog} --help.")


def _parser(pipeline: Pipeline) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=f"python -m generated.{pipeline.name}",
        description=f"{pipeline.name} v{pipeline.version}: {len(pipeline.extracts)} Salesforce objects.",
        epilog=f"example: python -m generated.{pipeline.name} run --json",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="read what changed and load it")
    run.add_argument("--profile", help="a profile of durable.toml")
    run.add_argument("--full", action="store_true", help="read everything again")
    run.add_argument("--object", help="only this object (API name)")
    run.add_argument("--since", type=_moment, metavar="TIME", help="read again what changed from then on (ISO 8601)")
    run.add_argument("--until", type=_moment, metavar="TIME", help="with --since: what changed before then")
    run.add_argument("--json", action="store_true", help="print one JSON object last")
    run.add_argument("--scheduled", action="store_true", help="leave silently when the schedule is not due")
    run.add_argument("--wait", action="store_true", help="wait for a run that is going on")
    run.add_argument("--allow-guard", action="append", default=[], metavar="TASK", help="let this guard pass once")
    check = commands.add_parser("check", help="compare the package with its manifest")
    status = commands.add_parser("status", help="show the last run and the next one")
    for one in (check, status):
        one.add_argument("--profile", help="a profile of durable.toml")
        one.add_argument("--json", action="store_true", help="print JSON")
    rejects_command.add(commands)
    tasks_command.add(commands)
    plan_command.add(commands)
    return parser


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time such as 2026-11-20T02:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _again(arguments: argparse.Namespace) -> tuple[datetime, datetime | None] | None:
    """The window that is to be read once more. Raises ConfigurationError for one that makes no sense."""
    since, until = arguments.since, arguments.until
    if since is None and until is None:
        return None
    if since is None:
        raise ConfigurationError("--until needs --since.", help="Say with --since where the window begins.")
    if arguments.full:
        raise ConfigurationError("--full reads everything, --since a window.", help="Leave one of them out.")
    if until is not None and until <= since:
        raise ConfigurationError("--until is not later than --since.", help="Exchange them, or leave --until out.")
    return since, until


def _refused(pipeline: Pipeline, argv: Sequence[str], error: ConfigurationError) -> int:
    """A command line that was explained already; a machine gets its JSON object for this outcome too."""
    from durable_runtime.runs import Summary

    if "--json" in argv:
        summary = Summary(None, pipeline.name, pipeline.version, datetime.now(UTC))
        summary.finish(error, summary.started_at)
        print(json.dumps(summary.as_json()))
    return error.exit_code


def _run(pipeline: Pipeline, arguments: argparse.Namespace) -> int:
    started, unwritable = datetime.now(UTC), None
    try:
        if arguments.scheduled and not _due(pipeline):
            return 0
    except OSError as error:
        unwritable = error
    from durable_runtime.runs import Summary

    summary = Summary(None, pipeline.name, pipeline.version, started)
    try:
        if unwritable is not None:
            raise unwritable
        _execute(pipeline, arguments, summary)
    except LockHeld as held:
        if not arguments.scheduled:
            return _finish(summary, held, arguments.json)
        print(f"{pipeline.name}: another run is going on; this one leaves.", file=sys.stderr)
        return 0
    except PipelineError as error:
        return _finish(summary, error, arguments.json)
    except OSError as error:
        return _finish(summary, _no_room(error), arguments.json)
    except KeyboardInterrupt:
        return _finish(summary, _stopped(), arguments.json)
    return _finish(summary, summary.error, arguments.json)


def _rejects(pipeline: Pipeline, arguments: argparse.Namespace) -> int:
    """`list` shows dead letters; `replay` is a run of its own kind."""
    return _run(pipeline, arguments) if arguments.action == "replay" else rejects_command.show(pipeline, arguments)


def _due(pipeline: Pipeline) -> bool:
    from durable_runtime.schedule import take_due

    memory = _state_folder() / "schedule" / f"{pipeline.name}.json"
    return take_due(pipeline.schedule, memory, datetime.now(UTC)) is not None


def _state_folder() -> Path:
    """`[paths] state` of durable.toml, read without loading the rest of the configuration."""
    import tomllib

    folder = next((one for one in (Path.cwd(), *Path.cwd().parents) if (one / "durable.toml").is_file()), Path.cwd())
    try:
        found = tomllib.loads((folder / "durable.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}  # a broken file is reported by the run itself
    return folder / str(found.get("paths", {}).get("state", ".durable"))


def _execute(pipeline: Pipeline, arguments: argparse.Namespace, summary: Summary) -> None:
    from durable_runtime import alerts, configuration, package, tasks
    from durable_runtime.job import Job, Options
    from durable_runtime.locking import held
    from durable_runtime.pipeline import package_folder
    from durable_runtime.runs import RunFolder

    profile = configuration.load(configuration.find(), arguments.profile)
    package.verify(pipeline, package_folder(pipeline))
    alerts.check_channels(pipeline.policies.alerts, profile.alerts)
    _say_what_stands_in(pipeline, profile, summary)
    folder = RunFolder(profile.state, summary.started_at, pipeline.name)
    job = Job(pipeline, profile, Options(arguments.full, arguments.object, again=_again(arguments)), summary, folder)
    assert job.extracts
    with held(profile.state / "locks" / pipeline.name, wait=arguments.wait):
        # A task is looked at once nobody else can use it up.
        guards = tasks.allowed(profile.state, pipeline.name, profile.name, arguments.allow_guard)
        job.options = replace(job.options, allowed_guards=guards)
        summary.run_id = folder.run_id
        error = outcome(partial(_open_and_run, _work(arguments)), job)
        if isinstance(error, LockHeld):  # by a run on another machine, which the warehouse's lease tells of
            folder.discard()
            summary.run_id = None
            raise error
        error = tasks.settle(job, error, whole=arguments.command == "run")
        summary.finish(error, datetime.now(UTC))
        _keep(summary, "The run's record", lambda: folder.close(summary))
        outbox = profile.state / "outbox"
        _keep(summary, "An alert", lambda: alerts.write(pipeline.policies.alerts, summary, outbox))


def _work(arguments: argparse.Namespace) -> Callable[[Job], None]:
    """What the command does once the pipeline's lock is held."""
    if arguments.command == "rejects":
        from durable_runtime.rejects import Chosen
        from durable_runtime.replay import replay

        return partial(replay, chosen=Chosen(arguments.rule, tuple(arguments.id)))
    from durable_runtime.pipeline import run

    return run


def _open_and_run(work: Callable[[Job], None], job: Job) -> None:
    job.folder.open()
    work(job)


def _keep(summary: Summary, what: str, write: Callable[[], None]) -> None:
    """Write what tells of the run; a disk that refuses it changes nothing about how the run ended."""
    try:
        write()
    except OSError as error:
        summary.notes.append(f"{what} could not be written: {error}.")


def _no_room(error: OSError) -> PipelineError:
    from durable_runtime.errors import DiskFull

    return DiskFull(f"The state folder cannot be written: {error}.", help="Free disk space or correct the rights.")


def _stopped() -> PipelineError:
    return Interrupted(
        "The run was stopped from outside (Ctrl-C or SIGTERM).",
        help="Run it again: what was committed stays, and what was read is not read twice.",
    )


def outcome(run: Callable[[Job], None], job: Job) -> PipelineError | None:
    """The error that ended the run, or None; whatever comes of a signal is the signal's doing."""
    with stoppable() as stopped:
        error = _error(run, job)
        return _stopped() if error is not None and stopped() else error


def _error(run: Callable[[Job], None], job: Job) -> PipelineError | None:
    """What is not a PipelineError is a bug and says so."""
    try:
        run(job)
    except PipelineError as error:
        return error
    except KeyboardInterrupt:
        return _stopped()
    except OSError as error:
        return _no_room(error)
    except Exception as error:  # noqa: BLE001 - a bug must still leave run.json, the JSON line and the alert behind
        import traceback

        traceback.print_exc(file=sys.stderr)
        return Bug(f"{type(error).__name__}: {error}", help="Please report this with the lines above.")
    return None


def _say_what_stands_in(pipeline: Pipeline, profile: Profile, summary: Summary) -> None:
    if profile.warehouse.kind != pipeline.target_system:
        summary.notes.append(f"DuckDB stands in for {pipeline.target_system.capitalize()} (profile {profile.name}).")


def _finish(summary: Summary, error: PipelineError | None, as_json: bool) -> int:
    from durable_runtime.runs import lines

    if summary.finished_at is None:
        summary.finish(error, datetime.now(UTC))
    for line in lines(summary):
        print(line, file=sys.stderr if as_json else sys.stdout)
    if as_json:
        print(json.dumps(summary.as_json()))
    return summary.exit_code


def _check(pipeline: Pipeline, arguments: argparse.Namespace) -> int:
    from durable_runtime import configuration, package
    from durable_runtime.pipeline import package_folder

    try:
        package.verify(pipeline, package_folder(pipeline))
        configuration.load(configuration.find(), arguments.profile)
    except PipelineError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{pipeline.name} v{pipeline.version} is the package that was released")
    return 0


def _status(pipeline: Pipeline, arguments: argparse.Namespace) -> int:
    from durable_runtime.runs import stamp
    from durable_runtime.schedule import next_instant

    records = sorted((_state_folder() / "runs").glob("*/run.json"), reverse=True)
    last = next((one for one in map(_record, records) if one.get("pipeline") == pipeline.name), None)
    due = stamp(next_instant(pipeline.schedule, datetime.now(UTC)))
    if arguments.json:
        print(json.dumps({"pipeline": pipeline.name, "version": pipeline.version, "last_run": last, "next_run": due}))
        return 0
    print(f"{pipeline.name} v{pipeline.version}")
    print(f"last run: {last['run_id']} {last['status']} at {last['finished_at']}" if last else "last run: none")
    print(f"next run: {due}")
    return 0


def _record(path: Path) -> dict[str, Any]:
    """A run.json; empty for one that cannot be read, so that the run before it is shown."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found

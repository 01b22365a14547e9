"""`durable run`: a compiled pipeline, exactly as `python -m generated.NAME run` runs it."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from durable_compiler.cli import project

if TYPE_CHECKING:
    from durable_runtime.spec import Pipeline


class MachineCommand(click.Command):
    """A command whose wrong command line gives a machine its JSON object too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments. Raises UsageError, as every command does."""
        machine = "--json" in args
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as wrong:
            if machine:
                click.echo(json.dumps(_failed(None, "RUN201", wrong.format_message())))
            raise


@click.command("run", cls=MachineCommand, epilog="Example: durable run customer_data --profile prod --json")
@click.argument("name")
@click.option("--profile", metavar="P", help="The profile of durable.toml to use.")
@click.option("--full", is_flag=True, help="Read everything again instead of what changed.")
@click.option("--object", "object_name", metavar="O", help="Only this object (API name).")
@click.option("--since", metavar="TIME", help="Read again what changed from then on (ISO 8601).")
@click.option("--until", metavar="TIME", help="With --since: what changed before then.")
@click.option("--scheduled", is_flag=True, help="Run only if the schedule says so; leave silently otherwise.")
@click.option("--wait", is_flag=True, help="Wait for a run that is under way instead of leaving.")
@click.option("--allow-guard", "guards", metavar="T", multiple=True, help="Let this waiting task pass once.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object last on stdout.")
def command(
    name: str,
    profile: str | None,
    full: bool,
    object_name: str | None,
    since: str | None,
    until: str | None,
    scheduled: bool,
    wait: bool,
    guards: tuple[str, ...],
    machine: bool,
) -> None:
    """Run a compiled pipeline once."""
    flags = {"--full": full, "--scheduled": scheduled, "--wait": wait, "--json": machine}
    values = [("--profile", profile), ("--object", object_name), ("--since", since), ("--until", until)]
    values += [("--allow-guard", one) for one in guards]
    argv = ["run", *(flag for flag, given in flags.items() if given)]
    argv += [part for flag, value in values if value is not None for part in (flag, value)]
    raise SystemExit(called(name, argv, machine))


def called(name: str, argv: list[str], machine: bool) -> int:
    """The exit code of a package's command line; a machine gets a JSON object where it is refused."""
    from durable_runtime.errors import PackageMismatch

    try:
        where = project.root()
        pipeline = load(where, name)
    except (project.Refused, PackageMismatch) as refused:
        if machine:
            click.echo(json.dumps(_failed(name, getattr(refused, "code", "RUN201"), refused.message)))
        raise
    from durable_runtime.cli import main

    # The package's own paths, durable.toml and the state folder, are the project's wherever the command is given.
    os.chdir(where)
    return main(pipeline, argv)


def load(where: Path, name: str) -> Pipeline:
    """The PIPELINE of generated/NAME. Raises Refused where there is none, PackageMismatch if it does not load."""
    from durable_runtime.errors import PackageMismatch

    known = project.packages(where)
    if name not in known:
        compiled = "It has requirements: run `durable compile`." if name in project.specs(where) else ""
        raise project.Refused(f"There is no compiled pipeline {name!r}.", compiled or project.nearest(name, known))
    if str(where) not in sys.path:
        sys.path.insert(0, str(where))
    try:
        pipeline: Pipeline = importlib.import_module(f"generated.{name}.pipeline").PIPELINE
    except (ImportError, SyntaxError, TypeError, AttributeError, NameError) as error:
        raise PackageMismatch(
            f"The package generated/{name} does not load: {type(error).__name__}: {error}.",
            help=f"Restore it with `git checkout generated/{name}`, or run `durable compile {name}`.",
        ) from error
    return pipeline


def _failed(name: str | None, code: str, message: str) -> dict[str, object]:
    return {
        "run_id": None,
        "pipeline": name,
        "version": None,
        "status": "failed",
        "objects": [],
        "auto_fixes": [],
        "error": {"code": code, "family": "fatal", "message": message},
        "started_at": None,
        "finished_at": None,
    }

"""`durable green NAME …`: a new version is loaded beside the tables in use and compared with them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from durable_compiler.cli import output, project

if TYPE_CHECKING:
    from durable_runtime.bluegreen.site import Site
    from durable_runtime.errors import PipelineError

Answer = TypeVar("Answer")
Command = TypeVar("Command", bound=Callable[..., Any])
BLUE = "The version in use: a folder with its package, or a git revision. Without it, git is asked for the release."


def with_profile(command: Command) -> Command:
    """The options that every one of these commands has."""
    machine = click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
    return click.option("--profile", metavar="P", help="The profile of durable.toml to use.")(machine(command))


waiting = click.option("--wait", is_flag=True, help="Wait for a run that is under way instead of leaving.")


with_policies = click.option(
    "--allow-policies", "policies", is_flag=True, help="The role sees all rows and values in spite of policies."
)


@click.group("green", epilog="Example: durable green customer_data run")
@click.argument("name")
@click.pass_context
def command(context: click.Context, name: str) -> None:
    """Load a new version beside the tables in use (build, run), and compare both (compare, status, discard)."""
    context.obj = name


@command.command("build", epilog="Example: durable green customer_data build")
@with_profile
@waiting
@click.pass_obj
def build(name: str, profile: str | None, machine: bool, wait: bool) -> None:
    """Copy the tables in use to green; what green held is gone."""
    from durable_runtime.bluegreen import commands

    with site(name, profile, machine) as where:
        rows = commands.build(where, wait=wait)
    tell({"pipeline": name, "rows": rows}, machine, f"{name}: green is a copy of blue with {rows:,} rows")


@command.command("run", epilog="Example: durable green customer_data run --blue customer_data/v1.2.0")
@with_profile
@waiting
@click.option("--blue", metavar="B", help=BLUE)
@click.option("--allow-guard", "guards", metavar="T", multiple=True, help="Let this waiting task pass once.")
@click.pass_obj
def run(name: str, profile: str | None, machine: bool, wait: bool, blue: str | None, guards: tuple[str, ...]) -> None:
    """Read once, load the version in use, copy it to green, and load the new version there."""
    from durable_runtime.bluegreen import commands
    from durable_runtime.runs import lines

    with site(name, profile, machine) as where, _in_use(where, blue) as old:
        outcome = commands.run(where, old, wait=wait, allowed_guards=guards)
    for summary in (outcome.blue, outcome.green):
        click.echo(f"{summary.pipeline} v{summary.version}", err=machine)
        for line in lines(summary):
            click.echo(line, err=machine)
    if machine:
        click.echo(json.dumps({"pipeline": name, **outcome.as_json()}))
    raise SystemExit(outcome.error.exit_code if outcome.error else 0)


@command.command("compare", epilog="Example: durable green customer_data compare --format markdown")
@with_profile
@click.option("--samples", type=click.IntRange(min=0), default=5, show_default=True, help="Ids of each difference.")
@click.option("--values", is_flag=True, help="Show values beside the Ids, masked columns excepted.")
@click.option("--blue", metavar="B", help="With --values: the version in use, whose masks count too (see `run`).")
@click.option("--format", "form", type=click.Choice(("text", "markdown")), default="text", help="How to print it.")
@click.pass_obj
def compare(
    name: str, profile: str | None, machine: bool, samples: int, values: bool, blue: str | None, form: str
) -> None:
    """Compare green with blue by key and by column, and note the outcome for `durable promote`."""
    from durable_runtime.bluegreen import commands

    with site(name, profile, machine) as where:
        if values:
            with _in_use(where, blue) as old:
                found = commands.compare(where, samples=samples, values=True, blue=old)
        else:
            found = commands.compare(where, samples=samples)
    text = found.as_markdown() if form == "markdown" else found.as_text()
    tell(found.as_json(), machine, text.rstrip("\n"))


@command.command("status", epilog="Example: durable green customer_data status --json")
@with_profile
@click.pass_obj
def status(name: str, profile: str | None, machine: bool) -> None:
    """Show how far green is, and whether a promotion can be taken back."""
    from durable_runtime.bluegreen import commands

    with site(name, profile, machine) as where:
        found = commands.status(where)
    tell(found, machine, "\n".join(_status(found)))


@command.command("discard", epilog="Example: durable green customer_data discard")
@with_profile
@waiting
@click.option("--kept", is_flag=True, help="What the last promotion kept of blue, instead of green.")
@click.pass_obj
def discard(name: str, profile: str | None, machine: bool, wait: bool, kept: bool) -> None:
    """Drop green's tables, or those that a promotion kept for a rollback."""
    from durable_runtime.bluegreen import commands

    with site(name, profile, machine) as where:
        commands.discard(where, kept=kept, wait=wait)
    what = "what the last promotion kept" if kept else "green"
    tell({"pipeline": name, "discarded": "blue" if kept else "green"}, machine, f"{name}: {what} is gone")


@contextmanager
def site(name: str, profile: str | None, machine: bool) -> Iterator[Site]:
    """The pipeline in its profile; an error gives a machine its JSON object too, and goes on as it is."""
    from durable_runtime import configuration, package
    from durable_runtime.bluegreen.site import Site
    from durable_runtime.errors import PipelineError
    from durable_runtime.pipeline import package_folder

    try:
        where = project.root()
        pipeline = _load(name)
        os.chdir(where)  # the state folder and relative paths are the project's wherever the command is given
        package.verify(pipeline, package_folder(pipeline))
        yield Site(configuration.load(configuration.find(), profile), pipeline)
    except (PipelineError, project.Refused) as error:
        if machine:
            click.echo(json.dumps({"pipeline": name, "error": _told(error)}))
        raise


def tell(found: dict[str, Any], machine: bool, text: str) -> None:
    """The outcome for a machine or for a person."""
    if machine:
        output.as_json(found)
    else:
        click.echo(text)


def _load(name: str) -> Any:
    from durable_compiler.cli.run import load

    return load(project.root(), name)


@contextmanager
def _in_use(where: Site, chosen: str | None) -> Iterator[Any]:
    """The package of the version in use, checked as a run checks its own."""
    from durable_compiler.cli.blue import version_in_use
    from durable_runtime import package
    from durable_runtime.bluegreen import commands
    from durable_runtime.pipeline import package_folder

    loaded = None if chosen is not None else commands.status(where)["blue_version"]
    with version_in_use(project.root(), where.name, chosen, loaded) as found:
        package.verify(found, package_folder(found))
        yield found


def _told(error: PipelineError | project.Refused) -> dict[str, str]:
    code, family = getattr(error, "code", "RUN201"), getattr(error, "family", "fatal")
    help = getattr(error, "help", "")
    return {"code": code, "family": family, "message": f"{error.message} {help}".strip()}


def _status(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['pipeline']}: blue v{found['blue_version'] or '-'}"
    green, kept = found["green"], found["kept"]
    if green is None:
        yield "  no green"
    else:
        moved = ", and blue was loaded again since" if green["blue_moved"] else ""
        yield f"  green v{green['version']} {green['phase']} since {green['since']}{moved}"
        if green["comparison"]:
            one = green["comparison"]
            yield f"  compared ({one['id']}): {one['differing']:,} of {one['rows']:,} rows differ"
    yield f"  kept for a rollback: v{kept['version']} of {kept['since']}" if kept else "  nothing kept for a rollback"

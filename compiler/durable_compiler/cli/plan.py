"""`durable plan`: what the next run of a compiled pipeline would do, exactly as the package's own `plan` tells it."""

from __future__ import annotations

import os

import click

from durable_compiler.cli import project
from durable_compiler.cli.run import load


@click.command("plan", epilog="Example: durable plan customer_data --statements")
@click.argument("name")
@click.option("--profile", metavar="P", help="The profile of durable.toml to use.")
@click.option("--full", is_flag=True, help="As if everything were read again.")
@click.option("--object", "object_name", metavar="O", help="Only this object (API name).")
@click.option("--statements", is_flag=True, help="Show every statement that would run.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object last on stdout.")
def command(
    name: str, profile: str | None, full: bool, object_name: str | None, statements: bool, machine: bool
) -> None:
    """Show what the next run would do; nothing is written."""
    where = project.root()
    pipeline = load(where, name)
    flags = {"--full": full, "--statements": statements, "--json": machine}
    argv = ["plan", *(flag for flag, given in flags.items() if given)]
    argv += [
        part for flag, value in (("--profile", profile), ("--object", object_name)) if value for part in (flag, value)
    ]
    from durable_runtime.cli import main

    os.chdir(where)  # durable.toml and the state folder are the project's wherever the command is given
    raise SystemExit(main(pipeline, argv))

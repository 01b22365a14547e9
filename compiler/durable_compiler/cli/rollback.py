"""`durable rollback NAME`: what the last promotion kept takes its place again."""

from __future__ import annotations

import click

from durable_compiler.cli.green import site, tell, waiting, with_policies, with_profile
from durable_compiler.cli.promote import lines


@click.command("rollback", epilog="Example: durable rollback customer_data --profile prod")
@click.argument("name")
@with_profile
@waiting
@with_policies
def command(name: str, profile: str | None, machine: bool, wait: bool, policies: bool) -> None:
    """Put back what the last promotion kept; the next run reads on from there."""
    from durable_runtime.bluegreen import commands

    with site(name, profile, machine) as where:
        done = commands.rollback(where, policies=policies, wait=wait)
    tell(done.as_json(), machine, "\n".join(lines(done, "is in use again")))

"""`durable promote NAME`: green takes the place of the tables in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from durable_compiler.cli.green import site, tell, waiting, with_policies, with_profile

if TYPE_CHECKING:
    from durable_runtime.bluegreen.promoting import Switched


@click.command("promote", epilog="Example: durable promote customer_data --profile prod")
@click.argument("name")
@with_profile
@waiting
@click.option("--allow-diff", "allowed", metavar="ID", multiple=True, help="Let this comparison pass the limit.")
@with_policies
def command(
    name: str, profile: str | None, machine: bool, wait: bool, allowed: tuple[str, ...], policies: bool
) -> None:
    """Put green in the place of the tables in use, in one transaction, and keep these for a rollback."""
    from durable_runtime.bluegreen import commands

    with site(name, profile, machine) as where:
        done = commands.promote(where, allowed=allowed, policies=policies, wait=wait)
    tell(done.as_json(), machine, "\n".join(lines(done, "is in use now")))


def lines(done: Switched, outcome: str) -> Iterator[str]:
    """What was done, for a person; also for a rollback."""
    yield f"{done.pipeline}: v{done.version} {outcome} (was v{done.was})"
    for table, rows in done.rows.items():
        yield f"  {table}: {rows:,} rows"
    for column in done.added:
        yield f"  column added: {column}"
    for one in done.after:
        for kind, found in one.listed.items():
            yield f"  {one.table}: {kind}: {', '.join(found) or 'none'}"
        for kind, why in one.unlisted.items():
            yield f"  {one.table}: {kind} not listed: {why}"
    yield from (f"  LOST: {line}" for line in done.lost)

"""`durable runs`: past runs, newest first."""

from __future__ import annotations

import click

from durable_compiler.cli import output, project, records


@click.command("runs", epilog="Example: durable runs customer_data --limit 5")
@click.argument("name", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def command(name: str | None, limit: int, machine: bool) -> None:
    """List past runs, newest first, of one pipeline or of all."""
    found = [one for one in records.past_runs(records.state(project.root())) if name in (None, one["pipeline"])][:limit]
    if machine:
        output.as_json({"runs": found})
        return
    for one in found:
        click.echo(f"{one['started_at']}  {one['run_id']}  {one['pipeline']}  {one['status']}  {records.outcome(one)}")
    if not found:
        click.echo("No run yet. Start one with `durable run NAME`.")

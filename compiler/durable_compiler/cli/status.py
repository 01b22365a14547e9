"""`durable status`: each pipeline's version and last run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from durable_compiler.cli import output, project, records


@click.command("status", epilog="Example: durable status --json")
@click.argument("name", required=False)
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def command(name: str | None, machine: bool) -> None:
    """Show each pipeline's compiled version, its last run and its last success."""
    where = project.root()
    found = _statuses(where, name)
    if machine:
        output.as_json({"pipelines": found})
        return
    for one in found:
        _tell(one)


def _statuses(where: Path, name: str | None) -> list[dict[str, Any]]:
    known = sorted({*project.specs(where), *project.packages(where)})
    if name is not None and name not in known:
        raise project.Refused(f"There is no pipeline {name!r}.", project.nearest(name, known))
    past = records.past_runs(records.state(where))
    return [
        _status(where, one, [run for run in past if run["pipeline"] == one]) for one in known if name in (None, one)
    ]


def _status(where: Path, name: str, past: list[dict[str, Any]]) -> dict[str, Any]:
    succeeded = next((one["finished_at"] for one in past if one["status"] == "succeeded"), None)
    last = past[0] if past else None
    return {"name": name, "version": project.version(where, name), "last_run": last, "last_success": succeeded}


def _tell(one: dict[str, Any]) -> None:
    click.echo(f"{one['name']}  {'v' + one['version'] if one['version'] else 'not compiled'}")
    last = one["last_run"]
    if last is None:
        click.echo("  no run yet")
        return
    click.echo(f"  last run      {last['started_at']}  {last['status']}  {records.outcome(last)}")
    click.echo(f"  last success  {one['last_success'] or 'never'}")

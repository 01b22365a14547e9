"""`durable tasks`: what waits for a person, and what is known of one task."""

from __future__ import annotations

import click

from durable_compiler.cli import project, records


@click.command("tasks", epilog="Example: durable tasks show 4f09ac")
@click.argument("name", required=False, metavar="[NAME|show]")
@click.argument("task", required=False, metavar="[ID]")
@click.option("--json", "machine", is_flag=True, help="Print JSON.")
def command(name: str | None, task: str | None, machine: bool) -> None:
    """List what stopped runs left for a person, of one pipeline or of all; `show ID` has the evidence of one."""
    from durable_runtime.tasks_command import listed, shown

    where = project.root()
    state = records.state(where)
    if task is not None and name != "show":
        raise project.Refused(f"{name!r} is no way to look at task {task}.", f"Run `durable tasks show {task}`.")
    if task is not None:
        raise SystemExit(shown(state, task, machine=machine))
    known = project.packages(where)
    if name is not None and name not in known:
        raise project.Refused(f"There is no compiled pipeline {name!r}.", project.nearest(name, known))
    raise SystemExit(listed(state, name, machine=machine))

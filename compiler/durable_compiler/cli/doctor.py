"""`durable doctor`: what would keep a pipeline from running, or from seeing everything, before a run meets it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from durable_compiler.cli import output, project

if TYPE_CHECKING:
    from durable_compiler.doctor.findings import Finding

KINDS = {"problem": "error", "warning": "warning"}


@click.command("doctor", epilog="Example: durable doctor customer_data --profile prod")
@click.argument("name", required=False)
@click.option("--profile", metavar="P", help="The profile of durable.toml to use.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def command(name: str | None, profile: str | None, machine: bool) -> None:
    """Check credentials, permissions, hidden fields, limits and the warehouse, and say what to do about each."""
    from durable_compiler.doctor.findings import exit_code, worst

    where = project.root()
    names = _names(where, name)
    found = _examined(where, names, profile, show=not machine)
    if machine:
        checks = [one.as_json() for one in found]
        output.as_json({"status": worst(found), "pipelines": names, "checks": checks})
    else:
        click.echo(_summary(found))
        if not names:
            click.echo("No pipeline is compiled yet: what each needs is looked at after `durable compile`.")
    raise SystemExit(exit_code(found))


def _names(where: Path, name: str | None) -> list[str]:
    """The compiled pipelines to look at; without one, only the connection is."""
    known = project.packages(where)
    if name is None:
        return known
    if name not in known:
        compiled = "It has requirements: run `durable compile`." if name in project.specs(where) else ""
        raise project.Refused(f"There is no compiled pipeline {name!r}.", compiled or project.nearest(name, known))
    return [name]


def _examined(where: Path, names: Sequence[str], profile: str | None, *, show: bool) -> list[Finding]:
    """Every finding, told as it is made: a check may wait for a server."""
    from durable_compiler.cli.run import load
    from durable_compiler.doctor.exam import Exam
    from durable_compiler.doctor.examination import CHECKS, examine
    from durable_runtime import configuration

    width = max(len(one.name) for one in CHECKS)
    exam = Exam(where, configuration.find(where), profile, lambda name: load(where, name))
    found: list[Finding] = []
    for one in examine(exam, names):
        if show:
            _show(one, width, found[-1].pipeline if found else None)
        found.append(one)
    return found


def _show(one: Finding, width: int, before: str | None) -> None:
    if one.pipeline != before:
        click.echo(one.pipeline)
    status = output.styled(f"{one.status:<7}", KINDS[one.status]) if one.status in KINDS else f"{one.status:<7}"
    click.echo(f"{status}  {one.check.replace('_', ' '):<{width}}  {one.evidence}")
    if one.remedy and one.status in KINDS:
        click.echo(f"{'':<7}  {'':<{width}}  help: {one.remedy}")


def _summary(found: Sequence[Finding]) -> str:
    counts = {status: sum(one.status == status for one in found) for status in ("problem", "warning", "skipped")}
    told = [f"{count} {status}{'s' if count > 1 and status != 'skipped' else ''}" for status, count in counts.items()]
    named = [text for text, count in zip(told, counts.values(), strict=True) if count]
    return f"{len(found)} checks: {', '.join(named) if named else 'all well'}"

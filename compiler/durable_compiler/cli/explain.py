"""`durable explain`: how a sentence or a whole requirements file is read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click

from durable_compiler.cli import output, project


@click.command("explain", epilog='Example: durable explain "Runs nightly at 2:00 AM UTC"')
@click.argument("what", metavar='NAME|"SENTENCE"')
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def command(what: str, machine: bool) -> None:
    """Show how a sentence, or every sentence of a pipeline's requirements, is read."""
    where = project.root()
    is_file = what in project.specs(where) or what.endswith(".md") or project.PIPELINE_NAME.fullmatch(what)
    read = _file(where, project.chosen(where, what)[0], machine) if is_file else _sentence(where, what, machine)
    raise SystemExit(0 if read else 1)


def _sentence(where: Path, text: str, machine: bool) -> bool:
    from durable_compiler.explain import explain_sentence
    from durable_compiler.interpret import load_snapshot

    catalogue, wrong = load_snapshot(project.snapshot_path(where))
    if catalogue is None:
        told: dict[str, Any] = {"text": text, "status": "rejected", "clauses": [], "diagnostics": []}
        told["diagnostics"] = [one.to_json() for one in wrong]
    else:
        told = explain_sentence(re.sub(r"^\s*[-*]?\s*R\d+(\.\d+)+\s+", "", text), catalogue)
    if machine:
        output.as_json(told)
    else:
        _tell(told)
    return bool(told["status"] != "rejected")


def _tell(told: dict[str, Any]) -> None:
    for clause in told["clauses"]:
        click.echo(f"{clause['kind']}: {clause['echo']}")
        click.echo(
            "\n".join("  " + line for line in json.dumps(clause["ir"], ensure_ascii=False, indent=2).split("\n"))
        )
    for one in told["diagnostics"]:
        click.echo(
            output.styled(f"{one['severity']} {one['code']}: {one['message']}", one["severity"], err=True), err=True
        )
        _underline(told["text"], one)
        click.echo(f"  help: {one['help']}" if one["help"] else "", err=True)
        if one["suggestions"]:
            click.echo(f"  did you mean: {', '.join(one['suggestions'])}", err=True)


def _underline(text: str, one: dict[str, Any]) -> None:
    if one["file"] == "<sentence>":
        carets = "^" * max(1, one["end_column"] - one["column"])
        click.echo(f"  {text}\n  {' ' * (one['column'] - 1)}{carets}", err=True)


def _file(where: Path, name: str, machine: bool) -> bool:
    from durable_compiler.interpret import read_file

    reading = read_file(project.spec_path(where, name), project.snapshot_path(where))
    pipeline = reading.pipeline
    understood = [] if pipeline is None else [one.model_dump(mode="json") for one in pipeline.requirements]
    assumed = [] if pipeline is None else [one.model_dump(mode="json") for one in pipeline.assumptions]
    if machine:
        wrong = [one.to_json() for one in reading.diagnostics]
        output.as_json({"name": name, "requirements": understood, "assumptions": assumed, "diagnostics": wrong})
    else:
        _tell_file(understood, assumed)
        output.show(reading.diagnostics, where)
    return pipeline is not None


def _tell_file(understood: list[dict[str, Any]], assumed: list[dict[str, Any]]) -> None:
    for one in understood:
        click.echo(f"{one['id']}  {one['text']}\n      = {one['echo']}")
    if assumed:
        click.echo("\nAssumed, because no sentence says otherwise:")
    for one in assumed:
        value = json.dumps(one["value"], ensure_ascii=False)
        click.echo(f"  {one['requirement'] or '-':<6} {one['key']} = {value}  ({one['why']})")

"""`durable explain`: how a sentence or a whole requirements file is read, and what a diagnostic's code means."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from durable_compiler.cli import output, project

if TYPE_CHECKING:
    from durable_compiler.diagnostics import Diagnostic

_CODE = re.compile(r"DUR\d{3}", re.IGNORECASE)


@click.command("explain", epilog='Example: durable explain "Runs nightly at 2:00 AM UTC"')
@click.argument("what", metavar='NAME|"SENTENCE"|CODE', required=False)
@click.option("--list", "listing", is_flag=True, help="List every code that a diagnostic can have.")
@output.format_option
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
@click.option(
    "--html", "page", is_flag=False, flag_value="-", metavar="[FILE]", help="Write the page for a reader who signs off."
)
def command(what: str | None, listing: bool, form: str, machine: bool, page: str | None) -> None:
    """Show how a sentence, or every sentence of a pipeline's requirements, is read; or what a code means."""
    if (what is None) == (not listing):
        raise click.UsageError("Name a pipeline, a sentence or a code, or say --list.")
    form = "json" if machine else form
    if page is not None and form != "text":
        raise click.UsageError("--html writes a page; it has no other format.")
    if what is None or _CODE.fullmatch(what):
        _refuse_page(page)
        _codes(what, form)
        return
    where = project.root()
    is_file = what in project.specs(where) or what.endswith(".md") or project.PIPELINE_NAME.fullmatch(what)
    if is_file and page is not None:
        raise SystemExit(0 if _page(where, project.chosen(where, what)[0], page) else 1)
    _refuse_page(page)
    read = _file(where, project.chosen(where, what)[0], form) if is_file else _sentence(where, what, form)
    raise SystemExit(0 if read else 1)


# --- codes ------------------------------------------------------------------------------------------------------


def _codes(code: str | None, form: str) -> None:
    """The page of one code, or one line for each. Raises Refused for a code that does not exist."""
    from durable_compiler.pages import pages

    known = pages()
    if code is not None and code.upper() not in known:
        raise project.Refused(f"There is no diagnostic {code.upper()}.", "`durable explain --list` shows every code.")
    chosen = list(known.values()) if code is None else [known[code.upper()]]
    if form == "json":
        told = [{"code": one.code, "title": one.title, "text": one.text} for one in chosen]
        output.as_json(told if code is None else told[0])
    elif code is None:
        click.echo("\n".join(f"{one.code}  {one.title}" for one in chosen))
    else:
        click.echo(f"{chosen[0].code}: {chosen[0].title}\n\n{chosen[0].text}")


# --- a sentence -------------------------------------------------------------------------------------------------


def _sentence(where: Path, text: str, form: str) -> bool:
    from durable_compiler.explain import sentence_read
    from durable_compiler.interpret import load_snapshot, synced_by

    text = re.sub(r"^\s*[-*]?\s*R\d+(\.\d+)+\s+", "", text)
    catalogue, wrong = load_snapshot(project.snapshot_path(where))
    clauses: list[dict[str, Any]] = []
    diagnostics: list[Diagnostic] = list(wrong)
    if catalogue is not None:
        synced = synced_by((project.spec_path(where, name) for name in project.specs(where)), catalogue)
        clauses, diagnostics = sentence_read(text, catalogue, synced)
    if form == "json":
        told = [one.to_json() for one in diagnostics]
        status = "rejected" if told else "understood"
        output.as_json({"text": text, "status": status, "clauses": clauses, "diagnostics": told})
    elif form == "text":
        _tell(text, clauses, diagnostics)
    else:
        output.annotate(diagnostics, form)
    return not diagnostics


def _tell(text: str, clauses: list[dict[str, Any]], diagnostics: list[Diagnostic]) -> None:
    for clause in clauses:
        click.echo(f"{clause['kind']}: {clause['echo']}")
        click.echo(
            "\n".join("  " + line for line in json.dumps(clause["ir"], ensure_ascii=False, indent=2).split("\n"))
        )
    for one in diagnostics:
        output.show_one(one, text if one.file == "<sentence>" else None)


# --- a file -----------------------------------------------------------------------------------------------------


def _file(where: Path, name: str, form: str) -> bool:
    from durable_compiler.explain import requirements_read
    from durable_compiler.interpret import load_snapshot, read_file

    reading = read_file(project.spec_path(where, name), project.snapshot_path(where))
    catalogue, _ = load_snapshot(project.snapshot_path(where))
    pipeline = reading.pipeline
    found = [] if catalogue is None else requirements_read(reading, catalogue)
    assumed = [] if pipeline is None else [one.model_dump(mode="json") for one in pipeline.assumptions]
    if form == "json":
        wrong = [one.to_json() for one in reading.diagnostics]
        output.as_json({"name": name, "requirements": found, "assumptions": assumed, "diagnostics": wrong})
    elif form == "text":
        _tell_file(found, assumed)
        output.show(reading.diagnostics, where)
    else:
        output.annotate(reading.diagnostics, form)
    return pipeline is not None


def _tell_file(found: list[dict[str, Any]], assumed: list[dict[str, Any]]) -> None:
    for one in found:
        kinds = ", ".join(clause["kind"] for clause in one["clauses"])
        read = f"      = {one['echo']}\n      {one['status']}: {kinds}" if one["echo"] else "      rejected, see below"
        click.echo(f"{one['id']}  {one['text']}\n{read}")
    if assumed:
        click.echo("\nAssumed, because no sentence says otherwise:")
    for one in assumed:
        value = json.dumps(one["value"], ensure_ascii=False)
        click.echo(f"  {one['requirement'] or '-':<6} {one['key']} = {value}  ({one['why']})")


# --- a page -----------------------------------------------------------------------------------------------------


def _refuse_page(page: str | None) -> None:
    if page is not None:
        raise click.UsageError("--html needs a pipeline's name.")


def _page(where: Path, name: str, target: str) -> bool:
    """Write the page to a file, or to stdout for `-`; what is wrong with the file is told on stderr as well."""
    from durable_compiler.signoff import as_html, sign_off

    told, reading = sign_off(where, name)
    output.show(reading.diagnostics, where)
    text = as_html(told).encode()
    if target == "-":
        sys.stdout.buffer.write(text)
        return told.accepted
    try:
        Path(target).write_bytes(text)
    except OSError as wrong:
        help = "Name a file in a folder that exists and that you may write to."
        raise project.Refused(f"Cannot write {target}: {wrong.strerror or wrong}.", help) from wrong
    click.echo(f"{target} written")
    return told.accepted

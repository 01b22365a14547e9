"""`durable interpret`: ask a model about the sentences that the grammar cannot read, and let a person decide."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from durable_compiler.cli import output, project

if TYPE_CHECKING:
    from durable_compiler.interpretation import Interpreted, Proposal


@click.command("interpret", epilog="Example: durable interpret customer_data --only R1.2 --rewrite")
@click.argument("name")
@click.option("--accept", is_flag=True, help="Pin every reading that passes all gates in the lock.")
@click.option("--rewrite", is_flag=True, help="Replace such a sentence by its canonical English.")
@click.option("--only", metavar="ID", multiple=True, help="Only this requirement; may be given several times.")
@click.option("--model", metavar="M", help="Instead of the model that durable.toml names.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def command(name: str, accept: bool, rewrite: bool, only: tuple[str, ...], model: str | None, machine: bool) -> None:
    """Ask a model what unreadable sentences mean; without a flag, nothing is written.

    On a terminal, you are asked about each sentence. Exit 0 when nothing is open, 1 while something is.
    """
    if accept and rewrite:
        raise click.UsageError("--accept keeps the sentence and --rewrite replaces it: choose one.")
    where = project.root()
    chosen = project.chosen(where, name)[0]
    path = project.spec_path(where, chosen)
    found = _asked(where, path, only, model)
    choices = _choices(found, accept, rewrite) if machine else _shown(found, accept, rewrite, where)
    _write(path, found, choices)
    left = [one for one in found.proposals if one.requirement.id not in choices]
    if machine:
        output.as_json(_as_json(chosen, found, choices))
    else:
        _tell(found, choices, left)
    raise SystemExit(1 if left or output.has_errors(found.other) else 0)


def _asked(where: Path, path: Path, only: Sequence[str], model: str | None) -> Interpreted:
    from durable_compiler import interpretation, llm

    models: list[llm.Model] = []

    def model_when_needed() -> llm.Model:
        if not models:
            models.append(llm.Model(llm.settings(where, model)))
        return models[0]

    shown = f"requirements/{path.name}"
    found = interpretation.propose(path, project.snapshot_path(where), shown, model_when_needed, only)
    unknown = set(only) - {one.id for one in found.source.requirements}
    if unknown:
        raise project.Refused(f"There is no requirement {min(unknown)} in {shown}.", "Check --only.")
    return found


def _choices(found: Interpreted, accept: bool, rewrite: bool) -> dict[str, str]:
    """Requirement → what is done, decided by the flags alone: every gate has to pass for either."""
    what = "accept" if accept else "rewrite" if rewrite else None
    return {one.requirement.id: what for one in found.proposals if what and one.acceptable}


def _shown(found: Interpreted, accept: bool, rewrite: bool, where: Path) -> dict[str, str]:
    """Show each proposal; on a terminal, and without a flag, ask what to do with it."""
    choices = _choices(found, accept, rewrite)
    for one in found.proposals:
        _show(one)
        if not (accept or rewrite) and _is_terminal() and (one.acceptable or one.rewritable):
            chosen = _asked_person(one)
            choices |= {one.requirement.id: chosen} if chosen else {}
    output.show(found.other, where)
    return choices


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _asked_person(one: Proposal) -> str | None:
    offers = {"r": "rewrite"} if one.rewritable else {}
    offers |= {"a": "accept"} if one.acceptable else {}
    words = {"r": "[r]ewrite the sentence as this English", "a": "[a]ccept and pin it", "s": "[s]kip"}
    question = ", ".join(words[key] for key in (*offers, "s"))
    answer = click.prompt(f"  {question}", type=click.Choice([*offers, "s"]), default="s", show_choices=False)
    return offers.get(answer)


def _show(one: Proposal) -> None:
    from durable_compiler import gates

    click.echo(f"{one.requirement.file}:{one.requirement.line}: {one.requirement.id}  {one.requirement.text}")
    click.echo(f"  {one.diagnostic.code}: {one.diagnostic.message}")
    if one.failure:
        click.echo(f"  no reading: {one.failure}")
    if one.question:
        click.echo(f"  the model asks: {_plain(one.question)}")
    if one.english:
        click.echo(f"  = {one.echo or _plain(one.english)}")
    for line in one.meaning:
        click.echo(f"    + {line}")
    for value, quote in one.quotes:
        click.echo(f"    '{_plain(value)}' from '{_plain(quote)}'")
    for line in gates.explained(one.verdicts):
        click.echo(f"    {_plain(line)}")


def _plain(text: str) -> str:
    """A model's text without characters that a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)


def _write(path: Path, found: Interpreted, choices: dict[str, str]) -> None:
    from durable_compiler import interpretation

    pinned = [one for one in found.proposals if choices.get(one.requirement.id) == "accept"]
    rewritten = [one for one in found.proposals if choices.get(one.requirement.id) == "rewrite"]
    if pinned:
        interpretation.accept(path, found.source, pinned)
    if rewritten:
        interpretation.rewrite(path, rewritten)


def _as_json(name: str, found: Interpreted, choices: dict[str, str]) -> dict[str, object]:
    done = {"accept": "pinned", "rewrite": "rewritten"}
    proposals = [
        one.to_json() | {"status": done.get(choices.get(one.requirement.id, ""), "open")} for one in found.proposals
    ]
    return {"name": name, "requirements": proposals, "diagnostics": [one.to_json() for one in found.other]}


def _tell(found: Interpreted, choices: dict[str, str], left: Sequence[Proposal]) -> None:
    pinned = sum(one == "accept" for one in choices.values())
    rewritten = len(choices) - pinned
    if not found.proposals:
        click.echo("Nothing to ask about.")
    elif choices:
        click.echo(f"{pinned} pinned, {rewritten} rewritten, {len(left)} open. Next: durable compile")
    else:
        click.echo(f"{len(left)} open; nothing was written.", err=True)

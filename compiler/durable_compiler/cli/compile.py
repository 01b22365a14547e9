"""`durable compile`: requirements to a validated, versioned, committed package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from durable_compiler.cli import output, project

if TYPE_CHECKING:
    from durable_compiler.compilation import Outcome
    from durable_compiler.diagnostics import Diagnostic
    from durable_compiler.package import Changed

EXIT_CODES = {"unchanged": 0, "written": 0, "rejected": 1, "refused": 2, "differs": 3}


@click.command("compile", epilog="Example: durable compile customer_data --branch spec/new-schedule")
@click.argument("name", required=False)
@click.option("--check", is_flag=True, help="Write nothing; exit 3 if generated/ is not what the requirements say.")
@click.option("--no-commit", is_flag=True, help="Write the package and leave the commit to you.")
@click.option("--branch", metavar="B", help="Commit on this branch, made if there is none.")
@output.format_option
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def command(name: str | None, check: bool, no_commit: bool, branch: str | None, form: str, machine: bool) -> None:
    """Compile the requirements of one pipeline, or of all, and commit the packages."""
    if branch and (no_commit or check):
        raise click.UsageError(
            f"--branch says where to commit; {'--check' if check else '--no-commit'} commits nothing."
        )
    raise SystemExit(compile_all(name, "json" if machine else form, check=check, commit=not no_commit, branch=branch))


def compile_all(name: str | None, form: str, *, check: bool, commit: bool, branch: str | None) -> int:
    """Compile each chosen pipeline, tell the outcomes, and give the exit code of the first that is not well."""
    from durable_compiler.package import Changed

    where = project.root()
    changed = Changed(where)
    told: list[dict[str, Any]] = []
    exit_codes: list[int] = []
    diagnostics: list[Diagnostic] = []
    for one in project.chosen(where, name):
        outcome, exit_code = _compiled(where, one, changed, check=check, commit=commit, branch=branch)
        exit_codes.append(exit_code)
        told.append(as_json(one, outcome))
        diagnostics += outcome.diagnostics
        if form == "text":
            tell(one, outcome, where, check=check)
    if form == "json":
        output.as_json({"pipelines": told})
    elif form != "text":
        output.annotate(diagnostics, form)
    return next((code for code in exit_codes if code), 0)


def _compiled(
    where: Path, name: str, changed: Changed, *, check: bool, commit: bool, branch: str | None
) -> tuple[Outcome, int]:
    from durable_compiler.compilation import Outcome, compile_pipeline
    from durable_compiler.history import HistoryRefused

    try:
        outcome = compile_pipeline(where, name, check=check, commit=commit, branch=branch, changed=changed)
    except HistoryRefused as refused:
        return Outcome("refused", text=f"{refused.message}\n  help: {refused.help}"), refused.exit_code
    return outcome, EXIT_CODES[outcome.status]


def as_json(name: str, outcome: Outcome) -> dict[str, Any]:
    """An outcome for machines."""
    return {
        "name": name,
        "status": outcome.status,
        "version": outcome.version,
        "commit": outcome.committed,
        "tag": outcome.tag,
        "changes": [one.to_json() for one in outcome.changes],
        "differences": [{"kind": one.kind, "path": str(one.path)} for one in outcome.differences],
        "diagnostics": [one.to_json() for one in outcome.diagnostics],
        "text": outcome.text,
    }


def tell(name: str, outcome: Outcome, where: Path, *, check: bool) -> None:
    """An outcome for people: what was found, each difference, each change, and what was recorded."""
    output.show(outcome.diagnostics, where)
    well = EXIT_CODES[outcome.status] == 0
    click.echo(_headline(name, outcome, check), err=not well)
    for one in outcome.differences:
        click.echo(f"  {one.kind}: {one.path}", err=not well)
    if outcome.text:
        click.echo(outcome.text, err=not well)
    for change in outcome.changes if well and not check else ():
        click.echo(f"  {change.line}")
    if outcome.committed:
        tag = f", tagged {outcome.tag}" if outcome.tag else ""
        click.echo(f"  committed {outcome.committed[:10]}{tag}")


def _headline(name: str, outcome: Outcome, check: bool) -> str:
    errors = sum(one.severity == "error" for one in outcome.diagnostics)
    unchanged = "is what the requirements say" if check else "nothing changed"
    return {
        "unchanged": f"{name} v{outcome.version}: {unchanged}",
        "written": f"{name} v{outcome.version}: compiled to generated/{name}",
        "rejected": f"{name}: rejected, {errors} error{'' if errors == 1 else 's'}; nothing was written",
        "refused": f"{name}: refused",
        "differs": f"{name}: generated/{name} is not what the requirements say; run `durable compile {name}`",
    }[outcome.status]

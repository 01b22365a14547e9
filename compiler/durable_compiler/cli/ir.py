"""`durable ir`: what requirements mean, in the contract's JSON."""

from __future__ import annotations

import click

from durable_compiler.cli import output, project


@click.command("ir", epilog="Example: durable ir customer_data --json")
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="All pipelines: {pipelines: […], rejected: […]}.")
@click.option("--json", "machine", is_flag=True, help="Print JSON, diagnostics included, and nothing else.")
def command(name: str | None, everything: bool, machine: bool) -> None:
    """Print the intermediate form of a pipeline's requirements, as JSON."""
    from durable_compiler.explain import all_ir_text, ir_text
    from durable_compiler.interpret import read_file

    if (name is None) == (not everything):
        raise click.UsageError("Name a pipeline, or say --all.")
    where = project.root()
    snapshot = project.snapshot_path(where)
    names = project.chosen(where, name)
    paths = {one: project.spec_path(where, one) for one in names}
    text, exit_code = all_ir_text(paths, snapshot) if everything else ir_text(paths[names[0]], snapshot)
    if machine or exit_code == 0:
        click.echo(text, nl=False)
    else:
        for path in paths.values():
            output.show(read_file(path, snapshot).diagnostics, where)
    raise SystemExit(exit_code)

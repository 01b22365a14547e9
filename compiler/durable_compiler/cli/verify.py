"""`durable verify`: whether the committed packages are what the requirements say and nobody edited them."""

from __future__ import annotations

import click

from durable_compiler.cli.compile import compile_all


@click.command("verify", epilog="Example: durable verify customer_data")
@click.argument("name", required=False)
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def command(name: str | None, machine: bool) -> None:
    """Name every missing, stale, orphaned or hand-edited file of a package, or of all; exit 3 if there is one."""
    raise SystemExit(compile_all(name, "json" if machine else "text", check=True, commit=False, branch=None))

"""`durable lsp`: the language server that editors start."""

from __future__ import annotations

import click


@click.command("lsp", epilog="Example: durable lsp (an editor starts it and talks to it over stdio)")
def command() -> None:
    """Serve requirements files to an editor: findings, completion, hover, quick fixes, formatting."""
    try:
        from durable_compiler.language_server import server
    except ModuleNotFoundError as missing:
        raise click.ClickException(
            f"{missing.name} is not installed. Install the editor's extra: pip install 'durable-pipelines[lsp]'"
        ) from missing
    server().start_io()

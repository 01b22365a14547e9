"""`durable lsp`: the language server that editors start."""

from __future__ import annotations

import click


@click.command("lsp", epilog="Example: durable lsp (an editor starts it and talks to it over stdio)")
def command() -> None:
    """Serve requirements files to an editor: findings, completion, hover, quick fixes, formatting."""
    from durable_compiler.language_server import server

    server().start_io()

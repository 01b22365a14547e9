"""How commands speak: diagnostics for people on stderr, one JSON object for machines on stdout."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from durable_compiler.diagnostics import Diagnostic

COLOURS = {"error": "red", "warning": "yellow", "help": "cyan"}


def as_json(value: Any) -> None:
    """One JSON document on stdout, names in any language as they are."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def styled(text: str, kind: str, *, err: bool = False) -> str:
    """Coloured for a terminal, plain for a pipe or under NO_COLOR."""
    stream = sys.stderr if err else sys.stdout
    plain = os.environ.get("NO_COLOR") or not stream.isatty()
    return text if plain else click.style(text, fg=COLOURS[kind])


def show(diagnostics: Iterable[Diagnostic], where: Path) -> None:
    """Every diagnostic with its source line, on stderr."""
    texts: dict[str, str | None] = {}
    for one in diagnostics:
        if one.file not in texts:
            texts[one.file] = _text(where / one.file)
        head, *rest = one.render(texts[one.file]).split("\n")
        click.echo("\n".join([styled(head, one.severity, err=True), *rest]), err=True)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of them is an error."""
    return any(one.severity == "error" for one in diagnostics)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None

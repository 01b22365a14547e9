"""How commands speak: diagnostics for people on stderr, documents for machines on stdout."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from durable_compiler.diagnostics import Diagnostic

COLOURS = {"error": "red", "warning": "yellow", "help": "cyan"}
FORMATS = ("text", "json", "sarif", "github")
Command = TypeVar("Command", bound=Callable[..., Any])


def format_option(command: Command) -> Command:
    """The option `--format`; `--json` is its short form."""
    choice = click.Choice(FORMATS)
    help = "For people (text), or json, SARIF 2.1.0, or GitHub annotations on stdout."
    return click.option("--format", "form", type=choice, default="text", help=help)(command)


def as_json(value: Any) -> None:
    """One JSON document on stdout, names in any language as they are."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def styled(text: str, kind: str, *, err: bool = False) -> str:
    """Coloured for a terminal, plain for a pipe or under NO_COLOR."""
    stream = sys.stderr if err else sys.stdout
    plain = os.environ.get("NO_COLOR") or not stream.isatty()
    return text if plain else click.style(text, fg=COLOURS[kind])


def show(diagnostics: Iterable[Diagnostic], where: Path) -> None:
    """Every diagnostic with its source lines, on stderr."""
    texts: dict[str, str | None] = {}
    for one in diagnostics:
        if one.file not in texts:
            texts[one.file] = _text(where / one.file)
        show_one(one, texts[one.file])


def show_one(one: Diagnostic, text: str | None) -> None:
    """A diagnostic in its source, on stderr."""
    head, *rest = one.render(text).split("\n")
    click.echo("\n".join([styled(head, one.severity, err=True), *rest, ""]), err=True)


def annotate(diagnostics: Sequence[Diagnostic], form: str) -> None:
    """Diagnostics as one SARIF document or as GitHub annotations, on stdout."""
    from durable_compiler import renderings
    from durable_compiler.package import COMPILER
    from durable_compiler.pages import pages

    if form == "github":
        click.echo(renderings.as_github(diagnostics), nl=False)
    elif form == "sarif":
        texts = {code: page.text for code, page in pages().items()}
        as_json(renderings.as_sarif(diagnostics, texts, COMPILER))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of them is an error."""
    return any(one.severity == "error" for one in diagnostics)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None

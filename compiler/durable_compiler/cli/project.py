"""Where things lie in a project: the root, its pipelines and their files."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import click

PIPELINE_NAME = re.compile(r"[a-z][a-z0-9_]*")
SNAPSHOT = "salesforce.schema.json"


class Refused(click.ClickException):
    """A command that cannot start: what is the matter, and what to do."""

    exit_code = 2

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help

    def show(self, file: object = None) -> None:
        """Print to stderr in the form that every command uses."""
        click.echo(f"durable: {self.message}\n  help: {self.help}", err=True)


def root() -> Path:
    """The nearest folder, upwards, with durable.toml or requirements/."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "durable.toml").is_file() or (folder / "requirements").is_dir():
            return folder
    raise Refused(f"{here} is not in a Durable project.", "Run `durable init NAME`, or change to the project's folder.")


def specs(where: Path) -> list[str]:
    """The names of all pipelines that have requirements."""
    return sorted(path.stem for path in (where / "requirements").glob("*.md"))


def spec_path(where: Path, name: str) -> Path:
    """The requirements file of a pipeline."""
    return where / "requirements" / f"{name}.md"


def snapshot_path(where: Path) -> Path:
    """The schema snapshot."""
    return where / "requirements" / SNAPSHOT


def chosen(where: Path, name: str | None) -> list[str]:
    """The named pipeline or all of them. Raises Refused where there is none, with the nearest name."""
    known = specs(where)
    if name is None:
        if known:
            return known
        raise Refused(f"{where / 'requirements'} holds no pipeline.", "Run `durable init NAME`.")
    name = Path(name).stem if name.endswith(".md") else name
    if name in known:
        return [name]
    raise Refused(f"There is no requirements/{name}.md.", nearest(name, known))


def packages(where: Path) -> list[str]:
    """The names of all compiled pipelines."""
    return sorted(path.parent.name for path in (where / "generated").glob("*/pipeline.py"))


def nearest(name: str, known: list[str]) -> str:
    """A did-you-mean, or the list of what there is."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"There is: {', '.join(known)}." if known else "Run `durable init NAME`, then `durable compile`."


def version(where: Path, name: str) -> str | None:
    """The compiled version, None where there is no package."""
    try:
        text = (where / "generated" / name / "__init__.py").read_text(encoding="utf-8")
    except OSError:
        return None
    return version_in(text)


def version_in(text: str) -> str | None:
    """The VERSION that a package's first module states."""
    found = re.search(r"""^VERSION = ["']([^"']+)["']""", text, re.MULTILINE)
    return found[1] if found else None

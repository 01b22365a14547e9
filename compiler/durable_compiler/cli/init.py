"""`durable init`: a new project with the example's requirements, a local profile and git."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import click

from durable_compiler.cli.project import PIPELINE_NAME, Refused

REQUIREMENTS = """\
# {title}

What this pipeline has to do, one sentence a line. Text without an ID, like this, is commentary.

## R1 Scope and schedule
- R1.1 Syncs Accounts, Contacts, and Customer Health from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC

## R2 Warehouse
- R2.1 Writes to Snowflake table {name}
"""
CONFIGURATION = """\
# The local profile needs no account: a Salesforce-compatible sandbox, a DuckDB file that stands in for the warehouse,
# and alerts written to .durable/outbox. Every setting: docs/reference/configuration.md.
default_profile = "local"

[profiles.local]
salesforce = "sandbox"
warehouse = {kind = "duckdb", path = ".durable/warehouse.duckdb"}
alerts = "file"
"""
# Lock blocks that two branches add in one place are both kept; docs/reference/lock.md says why that is safe.
MERGED = "*.lock.json merge=union\n"
IGNORED = """\
.durable/
secrets/
__pycache__/
"""


@click.command("init", epilog="Example: durable init customer_data")
@click.argument("name")
@click.option("--here", is_flag=True, help="Write into the current folder instead of a new one called NAME.")
def command(name: str, here: bool) -> None:
    """Make a project folder for the pipeline NAME; nothing that exists is overwritten."""
    if not PIPELINE_NAME.fullmatch(name):
        raise Refused(f"{name!r} is not a pipeline name.", "Use a-z, 0-9 and _, beginning with a letter.")
    folder = Path.cwd() if here else Path.cwd() / name
    texts = files(name)
    existing = [str(path) for path in texts if (folder / path).exists()]
    if existing or (folder.exists() and not here and any(folder.iterdir())):
        what = ", ".join(existing) or "files"
        raise Refused(
            f"{folder} already holds {what}; nothing was written.", "Choose another name, or use that project."
        )
    write(folder, texts)
    click.echo(f"Made {'.' if here else name} with {', '.join(map(str, texts))}")
    click.echo(_git(folder))
    click.echo("Next:\n" + "\n".join(f"  {line}" for line in _next(name, here)))


def files(name: str) -> dict[Path, str]:
    """Path → text of everything that a new project holds."""
    title = name.replace("_", " ").capitalize() + " sync"
    return {
        Path("requirements") / f"{name}.md": REQUIREMENTS.format(title=title, name=name),
        Path("requirements") / ".gitattributes": MERGED,
        Path("durable.toml"): CONFIGURATION,
        Path(".gitignore"): IGNORED,
    }


def write(folder: Path, texts: Mapping[Path, str]) -> None:
    """Write the files, with the folders that they need."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def _next(name: str, here: bool) -> list[str]:
    enter = [] if here else [f"cd {name}"]
    return [*enter, "durable discover", "durable compile", f"durable run {name}"]


def _git(folder: Path) -> str:
    if _succeeds(folder, "rev-parse", "--is-inside-work-tree"):
        return "It is inside a git repository already; `durable compile` commits there."
    if not _succeeds(folder, "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"):
        return "git does not know who commits: set user.name and user.email, then run `git init` there."
    return "Made a git repository." if _succeeds(folder, "init", "--quiet") else "`git init` failed; run it there."


def _succeeds(folder: Path, *arguments: str) -> bool:
    try:
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False

"""`durable discover`: the schema snapshot of the Salesforce organization that a profile names."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from durable_compiler.cli import output, project

if TYPE_CHECKING:
    from durable_compiler.catalogue import Snapshot
    from durable_compiler.discovery import Directory

NAMED = 3
# Salesforce keeps these beside nearly every object; no requirement syncs them.
COMPANIONS = ("ChangeEvent", "Feed", "History", "Share", "Tag", "OwnerSharingRule")


@click.command("discover", epilog="Example: durable discover --profile prod")
@click.option("--profile", metavar="P", help="The profile of durable.toml to use.")
@click.option("--object", "objects", metavar="O", multiple=True, help="Only this API name; may be repeated.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def command(profile: str | None, objects: tuple[str, ...], machine: bool) -> None:
    """Describe Salesforce's objects and write requirements/salesforce.schema.json."""
    from durable_compiler.catalogue import dump

    where = project.root()
    found = _described(where, profile, objects)
    path = project.snapshot_path(where)
    changed = write_atomically(path, dump(found))
    if machine:
        names = [one.name for one in found.objects]
        told = {"objects": names, "custom": [one.name for one in found.objects if one.custom]}
        output.as_json(
            {**told, "organization_id": found.organization_id, "file": _shown(path, where), "changed": changed}
        )
        return
    click.echo(sentence([(one.label, one.custom) for one in found.objects]))
    click.echo(f"{'wrote' if changed else 'unchanged:'} {_shown(path, where)}")


def sentence(objects: list[tuple[str, bool]]) -> str:
    """What was discovered, naming up to three custom objects."""
    count = f"discovered {len(objects):,} object{'' if len(objects) == 1 else 's'}"
    custom = [label for label, is_custom in objects if is_custom]
    if not custom:
        return count
    if len(custom) == 1:
        return f"{count}, including a custom {custom[0]} object"
    named = custom[:NAMED] + ([f"{len(custom) - NAMED:,} more"] if len(custom) > NAMED else [])
    return f"{count}, including the custom objects {', '.join(named[:-1])} and {named[-1]}"


def write_atomically(path: Path, text: str) -> bool:
    """Replace a file in one step; False when it already says so."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return True


def _described(where: Path, profile: str | None, objects: tuple[str, ...]) -> Snapshot:
    from durable_compiler import catalogue
    from durable_compiler.discovery import TRIES, Directory
    from durable_runtime import configuration, sandbox_process
    from durable_runtime.clock import SYSTEM
    from durable_runtime.salesforce.session import Session, trusted

    settings = configuration.load(configuration.find(where), profile)
    with sandbox_process.salesforce(settings) as salesforce, Session(salesforce, TRIES, SYSTEM) as session:
        login = session.login()
        with Directory(login, salesforce.api_version, trust=trusted(salesforce)) as directory:
            names = list(_names(directory, objects))
            with click.progressbar(names, label="describing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
                described = [directory.describe(name) for name in bar]
        return catalogue.snapshot(described, session.organization_id, salesforce.api_version)


def _names(directory: Directory, objects: tuple[str, ...]) -> Iterator[str]:
    """The named objects, or every one but the tables that accompany an object."""
    every = directory.objects()
    shown = [one["name"] for one in every if _readable(one)]
    for name in objects:
        if name not in shown:
            raise project.Refused(f"Salesforce shows no object {name!r} to this user.", project.nearest(name, shown))
    yield from objects or (one["name"] for one in every if _wanted(one))


def _wanted(one: dict[str, Any]) -> bool:
    """Readable, and not one of the tables that accompany an object."""
    return _readable(one) and not one["name"].endswith(COMPANIONS)


def _readable(one: dict[str, Any]) -> bool:
    return bool(one.get("queryable", True) and not one.get("deprecatedAndHidden", False))


def _shown(path: Path, where: Path) -> str:
    return path.relative_to(where).as_posix()

"""`durable discover`: the schema snapshot of the Salesforce organization that a profile names."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from durable_compiler.cli import output, project

if TYPE_CHECKING:
    from durable_compiler.catalogue import Snapshot
    from durable_compiler.organization import Asked, Discovery, Failure, Names
    from durable_compiler.schema_changes import SchemaChange

NAMED = 3
SHOWN_CHANGES = 40


@click.command("discover", epilog="Example: durable discover --profile prod")
@click.option("--profile", metavar="P", help="The profile of durable.toml to use.")
@click.option("--object", "objects", metavar="O", multiple=True, help="Describe this API name too; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="Describe every object, however many there are.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def command(profile: str | None, objects: tuple[str, ...], everything: bool, machine: bool) -> None:
    """Describe Salesforce's objects and write requirements/salesforce.schema.json."""
    from durable_compiler.catalogue import dump
    from durable_compiler.organization import Asked
    from durable_compiler.schema_changes import compare

    where = project.root()
    path = project.snapshot_path(where)
    before = _before(path)
    found = _described(where, profile, Asked(objects, everything, _texts(where), before))
    changed = write_atomically(path, dump(found.snapshot))
    changes = compare(before, found.snapshot, found.hidden) if before else ()
    if machine:
        output.as_json(_as_json(found, changes) | {"file": _shown(path, where), "changed": changed})
    else:
        click.echo("\n".join(_lines(found, changes)))
        click.echo(f"{'wrote' if changed else 'unchanged:'} {_shown(path, where)}")
    raise SystemExit(_complain(found.failures))


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


def _before(path: Path) -> Snapshot | None:
    """The file of the last discovery; one that cannot be read is replaced, and that is said."""
    from durable_compiler import catalogue

    try:
        return catalogue.load(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as wrong:
        click.echo(f"durable: {path.name} cannot be read ({wrong}), so no changes are shown.", err=True)
        return None


def _texts(where: Path) -> tuple[str, ...]:
    """Every requirements file, also one that does not compile yet, and what a person accepted sentences to mean."""
    files = sorted(path for kind in ("*.md", "*.lock.json") for path in (where / "requirements").glob(kind))
    return tuple(file.read_text(encoding="utf-8", errors="replace") for file in files)


def _described(where: Path, profile: str | None, asked: Asked) -> Discovery:
    from durable_compiler.discovery import TRIES, Directory
    from durable_compiler.organization import Unlisted, discover
    from durable_runtime import configuration, sandbox_process
    from durable_runtime.clock import SYSTEM
    from durable_runtime.salesforce.session import Session, trusted

    settings = configuration.load(configuration.find(where), profile)
    with sandbox_process.salesforce(settings) as salesforce, Session(salesforce, TRIES, SYSTEM) as session:
        login = session.login()
        with Directory(login, salesforce.api_version, trust=trusted(salesforce)) as directory:
            try:
                return discover(directory, asked, session.organization_id, salesforce.api_version, _watched)
            except Unlisted as wrong:
                raise project.Refused(wrong.message, project.nearest(wrong.name, list(wrong.known))) from wrong


def _watched(groups: Sequence[Names]) -> Iterator[Names]:
    """A progress bar on a terminal."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(groups, label="describing", file=sys.stderr, hidden=hidden) as bar:
        yield from bar


def _as_json(found: Discovery, changes: Sequence[SchemaChange]) -> dict[str, Any]:
    snapshot = found.snapshot
    return {
        "objects": [one.name for one in snapshot.objects],
        "custom": [one.name for one in snapshot.objects if one.custom],
        "described": [one.name for one in snapshot.objects if one.described],
        "changes": [one.as_json() for one in changes],
        "failed": [
            {"object": one.object, "code": one.error.code, "message": one.error.message, "kept": one.kept}
            for one in found.failures
        ],
        "organization_id": snapshot.organization_id,
    }


def _lines(found: Discovery, changes: Sequence[SchemaChange]) -> Iterator[str]:
    objects = found.snapshot.objects
    yield sentence([(one.label, one.custom) for one in objects])
    described = sum(one.described for one in objects)
    if described < len(objects):
        yield (
            f"described {described:,} of them, which requirements name or lead to; "
            "`--object NAME` adds one, `--all` every one"
        )
    yield from (one.sentence for one in changes[:SHOWN_CHANGES])
    if len(changes) > SHOWN_CHANGES:
        yield f"… and {len(changes) - SHOWN_CHANGES:,} more changes; `--json` lists all"


def _complain(failures: Sequence[Failure]) -> int:
    """Tell what Salesforce would not describe; the exit code of the first object that somebody needs."""
    for one in failures:
        fate = "what the file had of it is kept" if one.kept else "it is known by name only"
        click.echo(f"durable: {one.object} was not described: {one.error.message} So {fate}.", err=True)
        if one.error.help:
            click.echo(f"  help: {one.error.help}", err=True)
    return next((one.error.exit_code for one in failures if one.needed), 0)


def _shown(path: Path, where: Path) -> str:
    return path.relative_to(where).as_posix()

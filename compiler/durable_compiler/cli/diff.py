"""`durable diff`: what the requirements would change, compared with a committed package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from durable_compiler.cli import output, project

if TYPE_CHECKING:
    from durable_compiler.release import Release


@click.command("diff", epilog="Example: durable diff customer_data --against main")
@click.argument("name", required=False)
@click.option(
    "--against", metavar="REF", default="HEAD", show_default=True, help="The commit, branch or tag to compare with."
)
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def command(name: str | None, against: str, machine: bool) -> None:
    """Show what would change in meaning, what happens to the data, and the next version."""
    where = project.root()
    results = {one: _planned(where, one, against, machine) for one in project.chosen(where, name)}
    if machine:
        output.as_json({"pipelines": [_as_json(name, found) for name, found in results.items()]})
    else:
        for release in results.values():
            _tell(release)
    raise SystemExit(0 if all(results.values()) else 1)


def _planned(where: Path, name: str, against: str, machine: bool) -> Release | None:
    from durable_compiler import release
    from durable_compiler.interpret import read_file

    reading = read_file(project.spec_path(where, name), project.snapshot_path(where))
    if reading.pipeline is None:
        if not machine:
            output.show(reading.diagnostics, where)
        return None
    previous, old = committed(where, name, against)
    return release.plan(name, previous, old, reading.pipeline.model_dump(mode="json"))


def committed(where: Path, name: str, against: str) -> tuple[str | None, dict[str, Any] | None]:
    """Version and IR of the package at a commit, or on disk where there is no repository; nothing if not compiled."""
    from durable_compiler.history import NoRepository, Repository

    package = where / "generated" / name
    paths = package / "__init__.py", package / "ir.json"
    try:
        repository = Repository.open(where)
    except NoRepository:
        if against != "HEAD":
            raise
        module, ir = (path.read_text(encoding="utf-8") if path.is_file() else None for path in paths)
    else:
        if not repository.has_commits and against == "HEAD":
            return None, None
        module, ir = (repository.show(against, path) for path in paths)
    version = project.version_in(module) if module else None
    return (version, json.loads(ir)) if version and ir else (None, None)


def _as_json(name: str, found: Release | None) -> dict[str, Any]:
    if found is None:
        return {"name": name, "status": "rejected", "version": None, "previous": None, "level": None, "changes": []}
    return {
        "name": name,
        "status": "changed" if found.level else "unchanged",
        "version": found.version,
        "previous": found.previous,
        "level": found.level,
        "data_action": found.data_action,
        "changes": [one.to_json() for one in found.changes],
    }


def _tell(found: Release | None) -> None:
    if found is None:
        return
    if found.level is None:
        click.echo(f"{found.name} {found.version}: nothing changes")
        return
    click.echo(f"{found.name} {found.previous or '(none)'} → {found.version} ({found.level})")
    for one in found.changes:
        data = "" if one.data_action == "none" else f", {one.data_action}"
        click.echo(f"  {one.line} ({one.level}{data})")

"""`durable fmt`: requirements files in their normal form, with fixes and numbers on request."""

from __future__ import annotations

import difflib
import os
import stat
import tempfile
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import click

from durable_compiler.cli import output, project

if TYPE_CHECKING:
    from durable_compiler.diagnostics import Diagnostic


@dataclass(frozen=True)
class Wanted:
    """What a person asked for."""

    check: bool
    diff: bool
    fix: bool
    number: bool

    @property
    def writes(self) -> bool:
        """Whether files may change."""
        return not self.check and not self.diff


@dataclass(frozen=True)
class Outcome:
    """A file before and after, and what is wrong with it afterwards."""

    path: Path
    before: str
    after: str
    diagnostics: tuple[Diagnostic, ...]

    @property
    def changed(self) -> bool:
        """Whether the file is not in its normal form."""
        return self.before != self.after


@click.command("fmt", epilog="Example: durable fmt customer_data --check --diff")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; exit 3 if a file is not in its normal form.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@click.option("--fix", is_flag=True, help="Also apply every fix that a diagnostic carries.")
@click.option("--number", is_flag=True, help="Also give items without an ID under `## R3 …` the next free one.")
@output.format_option
def command(names: tuple[str, ...], check: bool, diff: bool, fix: bool, number: bool, form: str) -> None:
    """Bring requirements files into their one form without changing what they mean."""
    wanted = Wanted(check, diff, fix, number)
    where = project.root()
    chosen = [one for name in names or (None,) for one in project.chosen(where, name)]
    outcomes = [_one(where, name, wanted) for name in dict.fromkeys(chosen)]
    _tell(outcomes, wanted, where, form)
    errors = any(output.has_errors(one.diagnostics) for one in outcomes)
    changed = any(one.changed for one in outcomes)
    raise SystemExit(1 if errors and (check or fix) else 3 if changed and check else 0)


def _one(where: Path, name: str, wanted: Wanted) -> Outcome:
    """Format one file. Raises Refused where the result would not mean the same."""
    from durable_compiler.formatting import NotTheSame, fixed, formatted, reserved

    path, snapshot = project.spec_path(where, name), project.snapshot_path(where)
    before = _text(path)
    text = before.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    text = fixed(path, text, snapshot) if wanted.fix else text
    used = set(reserved(path, where / "generated" / name)) if wanted.number else set()
    try:
        after = formatted(text, number=wanted.number, used=used).text
        _prove(path, text, after, snapshot, wanted)
    except NotTheSame as wrong:
        raise project.Refused(f"{path.name} was left as it is: {wrong}.", "Please report this file.") from None
    diagnostics = _diagnostics(path, after, snapshot) if wanted.check or wanted.fix else ()
    outcome = Outcome(path, before, after, diagnostics)
    if outcome.changed and wanted.writes:
        write(path, after)
    return outcome


def _text(path: Path) -> str:
    """A file's text with its line ends as they are. Raises Refused if it cannot be read or is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise project.Refused(f"Cannot read {path.name}: {wrong}.", "Check the file, and save it as UTF-8.") from None


def _prove(path: Path, before: str, after: str, snapshot: Path, wanted: Wanted) -> None:
    """The same IR, or the same complaints. Numbering adds requirements: there the proof of the texts has to do."""
    from durable_compiler.formatting import NotTheSame, meaning

    if wanted.number or before == after or not snapshot.is_file():
        return
    if meaning(path, before, snapshot) != meaning(path, after, snapshot):
        raise NotTheSame("it would compile to something else")


def _diagnostics(path: Path, text: str, snapshot: Path) -> tuple[Diagnostic, ...]:
    from durable_compiler.interpret import read_file

    return read_file(path, snapshot, text=text).diagnostics


def write(path: Path, text: str) -> None:
    """Replace a file in one step, with the mode that it had; a link stays one."""
    target = path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


# --- telling ----------------------------------------------------------------------------------------------------


def _tell(outcomes: list[Outcome], wanted: Wanted, where: Path, form: str) -> None:
    if form == "text":
        for one in outcomes:
            _tell_one(one, wanted, where)
        return
    unlike = [_unlike(one, where) for one in outcomes if one.changed and wanted.check]
    diagnostics = [*unlike, *(each for one in outcomes for each in one.diagnostics)]
    if form == "json":
        files = [{"file": _shown(one, where), "changed": one.changed} for one in outcomes]
        output.as_json({"files": files, "diagnostics": [one.to_json() for one in diagnostics]})
    else:
        output.annotate(diagnostics, form)


def _tell_one(one: Outcome, wanted: Wanted, where: Path) -> None:
    from durable_compiler.renderings import visible

    shown = _shown(one, where)
    if one.changed and wanted.diff:
        rows = difflib.unified_diff(one.before.splitlines(), one.after.splitlines(), shown, shown, lineterm="", n=2)
        click.echo("\n".join(visible(row) for row in rows) or f"{shown}: only line ends or a byte order mark")
    if one.changed:
        click.echo(f"{shown}: {'formatted' if wanted.writes else 'is not in its normal form'}", err=not wanted.writes)
    for each in one.diagnostics:
        output.show_one(each, one.after)


def _unlike(one: Outcome, where: Path) -> Diagnostic:
    """A file that is not in its normal form, at the first line that would change."""
    from durable_compiler.diagnostics import Diagnostic

    rows = list(zip_longest(one.before.split("\n"), one.after.split("\n")))
    line = next((number for number, (before, after) in enumerate(rows, 1) if before != after), 1)
    shown = _shown(one, where)
    message, help = f"{shown} is not in its normal form", f"Run `durable fmt {one.path.stem}`."
    return Diagnostic("DUR090", "warning", message, None, shown, line, 1, line, 2, help)


def _shown(one: Outcome, where: Path) -> str:
    return one.path.relative_to(where).as_posix()

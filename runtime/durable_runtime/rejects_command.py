"""The commands about dead letters: `rejects list` shows them, `rejects replay` takes its options from here."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from durable_runtime.errors import ConfigurationError, PermissionMissing, PipelineError
from durable_runtime.spec import Pipeline

if TYPE_CHECKING:
    from durable_runtime.configuration import Profile
    from durable_runtime.rejects import Reject, Tally

Commands = Any  # argparse keeps the class of its subparsers to itself
LIMIT = 100


@dataclass(frozen=True, slots=True)
class _Found:
    shown: list[Reject]
    tallies: list[Tally]

    @property
    def total(self) -> int:
        return sum(one.count for one in self.tallies)


def add(commands: Commands) -> None:
    """Teach a parser `rejects list` and `rejects replay`."""
    rejects = commands.add_parser("rejects", help="show rejected records, or try them again")
    actions = rejects.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="show rejected records, without their values")
    listing.add_argument("--limit", type=_positive, default=LIMIT, help=f"how many at most (default {LIMIT})")
    listing.add_argument("--show-values", action="store_true", help="show the records too; the audit file notes it")
    replay = actions.add_parser("replay", help="try rejected records again with today's rules")
    replay.add_argument("--id", action="append", default=[], help="only this record; may be given again")
    replay.add_argument("--wait", action="store_true", help="wait for a run that is going on")
    replay.add_argument("--allow-guard", action="append", default=[], metavar="TASK", help="let this guard pass once")
    replay.set_defaults(full=False, since=None, until=None, scheduled=False)
    for one in (listing, replay):
        one.add_argument("--object", help="only this object (API name)")
        one.add_argument("--rule", help="only what this rule or requirement rejects")
        one.add_argument("--profile", help="a profile of durable.toml")
        one.add_argument("--json", action="store_true", help="print JSON")


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of records")
    return int(text)


def show(pipeline: Pipeline, arguments: argparse.Namespace) -> int:
    """`rejects list`; returns the exit code."""
    from durable_runtime import configuration

    try:
        profile = configuration.load(configuration.find(), arguments.profile)
        found = _found(pipeline, profile, arguments)
        values = _values(pipeline, profile, found.shown) if arguments.show_values else None
    except (PipelineError, OSError) as error:
        return _refused(error, arguments)
    if arguments.json:
        print(json.dumps(_document(pipeline, profile, found, values), ensure_ascii=False))
        return 0
    for line in _lines(found, values):
        print(line)
    return 0


def _refused(error: PipelineError | OSError, arguments: argparse.Namespace) -> int:
    wrong = error if isinstance(error, PipelineError) else PermissionMissing(f"The audit file: {error}.", help="")
    print(f"{wrong.code}: {wrong}", file=sys.stderr)
    if arguments.json:
        print(json.dumps({"error": {"code": wrong.code, "family": wrong.family, "message": str(wrong)}}))
    return wrong.exit_code


def _found(pipeline: Pipeline, profile: Profile, arguments: argparse.Namespace) -> _Found:
    from durable_runtime import rejects
    from durable_runtime.clock import SYSTEM
    from durable_runtime.warehouse.opening import warehouse_of

    objects = [one.object for one in pipeline.extracts]
    if arguments.object is not None and arguments.object not in objects:
        raise ConfigurationError(
            f"{pipeline.name} has no object {arguments.object}.", help=f"Known: {', '.join(objects)}."
        )
    path, chosen = profile.warehouse.path, rejects.Chosen(arguments.rule)
    if path is not None and not path.exists():  # opening it would make it
        return _Found([], [])
    with warehouse_of(profile, pipeline, SYSTEM) as warehouse:
        return _Found(
            rejects.newest(warehouse, objects, arguments.object, chosen, arguments.limit),
            rejects.tallies(warehouse, objects, arguments.object, chosen),
        )


def _values(pipeline: Pipeline, profile: Profile, shown: Sequence[Reject]) -> list[dict[str, Any] | str]:
    """Each record, or why it cannot be shown; the audit file is written first."""
    from durable_runtime.credentials import key
    from durable_runtime.rejects import note_reading
    from durable_runtime.sealing import Sealer, Unopened

    note_reading(profile.state, pipeline.name, profile.name, shown)
    sealer = Sealer(key(profile.keys.rejects, profile.state, "rejects"))
    found: list[dict[str, Any] | str] = []
    for one in shown:
        try:
            found.append(one.values(sealer))
        except Unopened as closed:
            found.append(str(closed))
    return found


def _document(
    pipeline: Pipeline, profile: Profile, found: _Found, values: list[dict[str, Any] | str] | None
) -> dict[str, Any]:
    from durable_runtime.rejects import as_json

    listed = [as_json(one) for one in found.shown]
    for one, record in zip(listed, values or (), strict=False):
        one |= {"record": record} if isinstance(record, dict) else {"record": None, "sealed": record}
    counts = [asdict(one) for one in found.tallies]
    named = {"pipeline": pipeline.name, "profile": profile.name}
    return {**named, "rejects": listed, "counts": counts, "total": found.total}


def _lines(found: _Found, values: list[dict[str, Any] | str] | None) -> Iterator[str]:
    from durable_runtime.rejects import as_json

    for at, reject in enumerate(found.shown):
        one = as_json(reject)
        yield (
            f"{one['object']}  {one['id']}  {one['rule']}  {one['requirement']}  since {one['rejected_at']}  "
            f"run {one['run_id']}  {one['message']}"
        )
        if values is not None:
            yield f"  {_told(values[at])}"
    if not found.total:
        yield "No record is rejected."
        return
    yield ""
    yield from (f"{one.count:>9,}  {one.object}  {one.rule}  {one.requirement}" for one in found.tallies)
    rest = f", the last {len(found.shown):,} of them shown" if len(found.shown) < found.total else ""
    yield f"{found.total:,} rejected in all{rest}"


def _told(values: dict[str, Any] | str) -> str:
    return f"({values})" if isinstance(values, str) else json.dumps(values, ensure_ascii=False)

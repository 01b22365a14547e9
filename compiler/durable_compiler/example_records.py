"""Example records for a reader: made-up values, and what the package's own transformation makes of them."""

from __future__ import annotations

import runpy
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, time
from itertools import combinations, islice, product
from math import prod
from pathlib import Path
from typing import Any

from durable_compiler.catalogue import SYSTEM_FIELDS
from durable_compiler.emit import ModulePlan, render
from durable_compiler.evaluation import as_text
from durable_compiler.invented import NOW, Invention, Value, label_of, record_id
from durable_compiler.rules import Rules
from durable_runtime.salesforce.landing import write_records
from durable_runtime.spec import Extract, Transform
from durable_runtime.transformation import Stamp, stage

MOST = 1_000  # records that are tried in each of the ways in which they may differ
STRIDE = 7_919  # a prime: a walk over all combinations that looks at distant ones early
ENUM = "enum"  # the rule that a value breaks which a value map does not list
KEY = b"invented for examples, hides nothing"


@dataclass(frozen=True)
class Cell:
    """One column of an example: what was read, what is written, and the requirements that want it so.

    `field` is empty for what is made from others, `column` for what only rules look at.
    """

    label: str
    field: str
    given: str | None
    column: str
    result: str | None
    shaped: bool
    requirements: str


@dataclass(frozen=True)
class Changed:
    """A field in which a record differs from the one that is loaded."""

    label: str
    field: str
    given: str | None


@dataclass(frozen=True)
class NotLoaded:
    """A record that a rule keeps out: how it differs from the one that is loaded, and why it is kept out."""

    outcome: str
    changes: tuple[Changed, ...]
    message: str
    requirements: str


@dataclass(frozen=True)
class Example:
    """One object's example; `unshown` names what the spec has rules for and no made-up record was caught by."""

    name: str
    label: str
    table: str
    cells: tuple[Cell, ...]
    loaded: bool
    kept_out: tuple[NotLoaded, ...]
    unshown: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of one record."""

    given: Mapping[str, Value]
    row: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """live, rejected, filtered or deleted."""
        return str(self.row["__outcome"])


@dataclass(frozen=True)
class Package:
    """The parts of a planned package that examples need, as Python reads them; nothing of it is kept on disk."""

    values: Mapping[str, Any]
    extracts: tuple[Extract, ...]
    transforms: tuple[Transform, ...]

    @classmethod
    def of(cls, modules: Sequence[ModulePlan]) -> Package:
        """The package of these modules."""
        plans = {one.path: one for one in modules}
        with tempfile.TemporaryDirectory(prefix="durable-modules-") as folder:
            extract, transform = (_module(plans[name], Path(folder)) for name in ("extract.py", "transform.py"))
        return cls(plans["transform.py"].values, extract["EXTRACTS"], transform["TRANSFORMS"])


def _module(plan: ModulePlan, folder: Path) -> dict[str, Any]:
    """The names that a generated module defines."""
    path = folder / plan.path
    path.write_text(render(plan), encoding="utf-8", newline="\n")
    return runpy.run_path(str(path))


def examples(package: Package, rules: Mapping[str, Rules]) -> Iterator[Example]:
    """An example for each object."""
    values = package.values
    described = {one["name"]: one for one in values["objects"]}
    stamp = Stamp("example", NOW.astimezone(UTC).replace(tzinfo=None), values["version"], NOW, values["timezone"])
    with tempfile.TemporaryDirectory(prefix="durable-examples-") as folder:
        for extract, transform in zip(package.extracts, package.transforms, strict=True):
            name = transform.object
            yield _example(described[name], rules[name], _Trial(extract, transform, stamp, Path(folder) / name))


@dataclass
class _Trial:
    """Records put through one object's generated SELECT, many at once."""

    extract: Extract
    transform: Transform
    stamp: Stamp
    folder: Path
    asked: int = 0

    @property
    def fields(self) -> tuple[str, ...]:
        return (*self.extract.fields, *self.extract.lookups)

    def outcomes(self, records: Sequence[Mapping[str, Value]]) -> list[Outcome]:
        """What becomes of each record, in their order."""
        self.asked += 1
        folder = self.folder / str(self.asked)
        folder.mkdir(parents=True)
        numbered = [{**one, "Id": record_id(at)} for at, one in enumerate(records, 1)]
        page = write_records(folder / "records.csv", self.fields, map(_nested, numbered), frozenset())
        staged = stage(
            self.transform,
            [page.path],
            header=self.fields,
            extra=(),
            requirement=", ".join(self.extract.requirements),
            stamp=self.stamp,
            batch_rows=max(len(records), 1),
            folder=folder,
            key=KEY,
            records=len(records),
        )
        rows = {row["source_id"]: row for path, _ in staged.batches for row in _rows(path)}
        return [Outcome(one, rows[one["Id"]]) for one in numbered]


def _nested(record: Mapping[str, Value]) -> dict[str, Any]:
    """Related objects' values as Salesforce nests them."""
    found: dict[str, Any] = {}
    for path, value in record.items():
        *steps, last = path.split(".")
        place = found
        for step in steps:
            place = place.setdefault(step, {})
        place[last] = value
    return found


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    import duckdb

    with duckdb.connect() as database:
        answer = database.execute("SELECT * FROM read_parquet(?)", [str(path)])
        names = [one[0] for one in answer.description or ()]
        yield from (dict(zip(names, row, strict=True)) for row in answer.fetchall())


# --- the search -------------------------------------------------------------------------------------------------


def _example(described: Mapping[str, Any], rules: Rules, trial: _Trial) -> Example:
    invention = Invention(rules)
    base = invention.base(trial.fields)
    tried = {path: invention.choices(path) for path in invention.decisive(trial.fields)}
    found = trial.outcomes(list(_variants(base, tried)))
    live = next((one for one in found if one.kind == "live"), None)
    if live is not None and live is not found[0]:
        found = trial.outcomes(list(_variants(live.given, tried)))
        live = found[0]
    chosen = live or found[0]
    kept_out = tuple(_kept_out(chosen, found, rules, trial.transform, described))
    shown = {one.outcome for one in kept_out}
    return Example(
        name=described["name"],
        label=described["label"],
        table=described["table_text"],
        cells=tuple(_cells(described, chosen, rules)),
        loaded=live is not None,
        kept_out=kept_out,
        unshown=tuple(kind for kind in _expected(trial.transform, rules) if kind not in shown),
    )


def _variants(base: Mapping[str, Value], tried: Mapping[str, Sequence[Value]]) -> Iterator[dict[str, Value]]:
    """The record, then records that differ from it in one field, in two, in any number."""
    yield dict(base)
    yield from islice(_differing(base, tried, 1), MOST)
    yield from islice(_differing(base, tried, 2), MOST)
    yield from _any(base, tried)


def _differing(
    base: Mapping[str, Value], tried: Mapping[str, Sequence[Value]], count: int
) -> Iterator[dict[str, Value]]:
    for paths in combinations(tried, count):
        others = ([one for one in tried[path] if one != base[path]] for path in paths)
        yield from ({**base, **dict(zip(paths, values, strict=True))} for values in product(*others))


def _any(base: Mapping[str, Value], tried: Mapping[str, Sequence[Value]]) -> Iterator[dict[str, Value]]:
    whole = prod(map(len, tried.values()))
    for at in range(min(whole, MOST)):
        yield {**base, **_combination(tried, at * STRIDE % whole)}


def _combination(tried: Mapping[str, Sequence[Value]], number: int) -> dict[str, Value]:
    """One of all combinations, by its number."""
    found: dict[str, Value] = {}
    for path, values in tried.items():
        number, at = divmod(number, len(values))
        found[path] = values[at]
    return found


def _expected(transform: Transform, rules: Rules) -> Iterator[str]:
    """The ways in which the spec itself keeps records of the object out."""
    enums = (one for one in rules.pipeline.enums if one.object == transform.object and one.otherwise is None)
    if any(one.on_failure == "reject" for one in transform.rules) or any(True for _ in enums):
        yield "rejected"
    if transform.where is not None:
        yield "filtered"


def _kept_out(
    chosen: Outcome, found: Iterable[Outcome], rules: Rules, transform: Transform, described: Mapping[str, Any]
) -> Iterator[NotLoaded]:
    """For each way of being kept out that a requirement asks for, the record nearest to the one that is loaded."""
    records = list(found)
    for kind in _expected(transform, rules):
        caught = [one for one in records if one.kind == kind and one is not chosen]
        if caught:
            nearest = min(caught, key=lambda one: (len(_differences(chosen, one)), _misfit(one)))
            yield _told(chosen, nearest, rules, transform, described)


def _misfit(one: Outcome) -> bool:
    """Whether a value that does not fit its column, rather than a rule of the spec, keeps the record out."""
    return str(one.row["__rule"]).endswith("does_not_fit")


def _differences(chosen: Outcome, other: Outcome) -> list[str]:
    return [path for path, value in other.given.items() if path != "Id" and value != chosen.given[path]]


def _told(
    chosen: Outcome, other: Outcome, rules: Rules, transform: Transform, described: Mapping[str, Any]
) -> NotLoaded:
    name, snapshot = transform.object, rules.snapshot
    changes = tuple(
        Changed(label_of(snapshot, name, path), path, other.given[path]) for path in _differences(chosen, other)
    )
    if other.kind == "filtered":
        assert transform.where is not None
        return NotLoaded("filtered", changes, "", transform.where.requirement)
    message, requirements = str(other.row["__message"]), str(other.row["__requirement"])
    if other.row["__rule"] == ENUM and len(changes) == 1:
        shaping = (row for row in described["mapping"] if ".".join(row["path"]) == changes[0].field)
        requirements = next((row["requirement"] for row in shaping), requirements)
        message = f"{changes[0].label} has a value that is not mapped to another"
    return NotLoaded("rejected", changes, message, requirements)


# --- what is shown ----------------------------------------------------------------------------------------------


def _cells(described: Mapping[str, Any], chosen: Outcome, rules: Rules) -> Iterator[Cell]:
    """The columns in their order, then what only rules look at."""
    yield _system("Record ID", "Id", "source_id", chosen)
    yield _system("System Modstamp", "SystemModstamp", "source_modified_at", chosen)
    yield _system("Deleted", "IsDeleted", "is_deleted", chosen)
    rest = dict.fromkeys(one for one in chosen.given if one not in SYSTEM_FIELDS)
    for row in described["mapping"]:
        path = ".".join(row["path"])
        rest.pop(path, None)
        yield Cell(
            label=row["label"],
            field=path if path in chosen.given else "",
            given=chosen.given.get(path),
            column=row["name"],
            result=shown(chosen.row[row["name"]]),
            shaped=bool(row["rule"]),
            requirements=row["requirement"],
        )
    for path in rest:
        yield Cell(label_of(rules.snapshot, rules.source.name, path), path, chosen.given[path], "", None, False, "")


def _system(label: str, field: str, column: str, chosen: Outcome) -> Cell:
    return Cell(label, field, chosen.given[field], column, shown(chosen.row[column]), False, "")


def shown(value: Any) -> str | None:
    """A value of a row for a person."""
    if isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, time) else as_text(value)

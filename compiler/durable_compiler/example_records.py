"""Example records for a reader: made-up values, and what the package's own transformation makes of them."""

from __future__ import annotations

import runpy
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
TOLD = {"warn": "warned", "fail": "stopped"}
MISFIT = "does_not_fit"  # how the rules end that only say that a value does not fit its column
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
class Variant:
    """A record that a rule treats otherwise: how it differs from the one that is loaded, what becomes of it, and why.

    `outcome` is rejected, filtered, warned (it is loaded, and the run says so) or stopped (the run ends).
    """

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
    others: tuple[Variant, ...]
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
    tried = {path: invention.choices(path) for path in invention.decisive(trial.fields)}
    found = trial.outcomes(list(_variants(invention.base(trial.fields), tried)))
    live = next((one for one in found if one.kind == "live"), None)
    if live is not None and live is not found[0]:
        found = trial.outcomes(list(_variants(live.given, tried)))
        live = found[0]
    chosen = live or found[0]
    reader = _Reader(described, rules, chosen)
    others = [*_kept_out(reader, found, trial.transform), *_told(reader, found, trial)]
    shown = {one.outcome for one in others}
    return Example(
        name=described["name"],
        label=described["label"],
        table=described["table_text"],
        cells=tuple(_cells(described, chosen, rules)),
        loaded=live is not None,
        others=tuple(others),
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
    """The ways in which the spec itself treats records of the object otherwise."""
    enums = (one for one in rules.pipeline.enums if one.object == transform.object and one.otherwise is None)
    asked = (one for one in transform.rules if one.on_failure == "reject" and not one.name.endswith(MISFIT))
    if any(True for _ in (*enums, *asked)):
        yield "rejected"
    if transform.where is not None:
        yield "filtered"
    failures = {one.on_failure for one in transform.rules}
    yield from (outcome for failure, outcome in TOLD.items() if failure in failures)


@dataclass(frozen=True)
class _Reader:
    """What is needed to tell how a record differs from the one that is loaded."""

    described: Mapping[str, Any]
    rules: Rules
    chosen: Outcome

    def nearest(self, caught: Sequence[Outcome]) -> Outcome:
        """The record that differs least; of equal ones, one that a rule of the spec catches."""
        return min(caught, key=lambda one: (len(self.differing(one)), str(one.row["__rule"]).endswith(MISFIT)))

    def differing(self, other: Outcome) -> list[str]:
        return [path for path, value in other.given.items() if path != "Id" and value != self.chosen.given[path]]

    def variant(self, outcome: str, other: Outcome, message: str, requirements: str) -> Variant:
        snapshot, name = self.rules.snapshot, self.rules.source.name
        paths = self.differing(other)
        changes = tuple(Changed(label_of(snapshot, name, path), path, other.given[path]) for path in paths)
        if outcome == "rejected" and other.row["__rule"] == ENUM and len(paths) == 1:
            shaping = (one for one in self.described["mapping"] if ".".join(one["path"]) == paths[0])
            requirements = next((one["requirement"] for one in shaping), requirements)
            message = f"{changes[0].label} has a value that is not mapped to another"
        return Variant(outcome, changes, message, requirements)


def _kept_out(reader: _Reader, found: Sequence[Outcome], transform: Transform) -> Iterator[Variant]:
    """For each way of being kept out that a requirement asks for, the record nearest to the one that is loaded."""
    expected = set(_expected(transform, reader.rules))
    rejected = [one for one in found if one.kind == "rejected" and one is not reader.chosen]
    if rejected and "rejected" in expected:
        nearest = reader.nearest(rejected)
        yield reader.variant("rejected", nearest, str(nearest.row["__message"]), str(nearest.row["__requirement"]))
    filtered = [one for one in found if one.kind == "filtered" and one is not reader.chosen]
    if filtered and transform.where is not None:
        yield reader.variant("filtered", reader.nearest(filtered), "", transform.where.requirement)


def _told(reader: _Reader, found: Sequence[Outcome], trial: _Trial) -> Iterator[Variant]:
    """The same for rules that warn or end the run: judged as if they rejected, so that each record is known."""
    loaded = [one.given for one in found if one.kind == "live"]
    for failure, outcome in TOLD.items():
        strict = tuple(replace(one, on_failure="reject") for one in trial.transform.rules if one.on_failure == failure)
        if strict and loaded:
            judged = replace(trial, transform=replace(trial.transform, rules=strict), folder=trial.folder / failure)
            caught = [one for one in judged.outcomes(loaded) if one.kind == "rejected"]
            if caught:
                nearest = reader.nearest(caught)
                message, whose = str(nearest.row["__message"]), str(nearest.row["__requirement"])
                yield reader.variant(outcome, nearest, message, whose)


# --- what is shown ----------------------------------------------------------------------------------------------


def _cells(described: Mapping[str, Any], chosen: Outcome, rules: Rules) -> Iterator[Cell]:
    """The columns in their order, then what only rules look at."""
    yield _system("Record ID", "Id", "source_id", chosen)
    cursor = str(described["cursor"])
    stamp = "System Modstamp" if cursor == "SystemModstamp" else label_of(rules.snapshot, rules.source.name, cursor)
    for label, field, column in (
        (stamp, cursor, "source_modified_at"),
        ("Deleted", "IsDeleted", "is_deleted"),
    ):
        if field in chosen.given:  # a login has no stamp, a user is never deleted
            yield _system(label, field, column, chosen)
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

"""What differs between blue and green, as values: counts, shares and samples of every object's tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """A row that differs in a column: its key (the Id, then what else tells its versions apart) and both values.

    The values are None where they were not asked for, where they are NULL, and where the column is masked.
    """

    key: tuple[str, ...]
    blue: str | None = None
    green: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnDifference:
    """In how many rows that both sides have a column differs; `extensions.Name` is one field of the extensions."""

    column: str
    rows: int
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A column that one side alone has, and in how many of its rows it is filled."""

    column: str
    filled: int


@dataclass(frozen=True, slots=True)
class TableComparison:
    """The rows of one object in the target (`companion` is empty) or in one of its companions.

    Each row of blue is in `only_blue`, `different` or `equal`, each row of green in `only_green`, `different` or
    `equal`. `restamped` of the different ones have another `source_modified_at`: the record was read at two times.
    `is_new` tells that blue never loaded the object, so that there is nothing to compare it with.
    """

    object: str
    table: str
    companion: str
    blue_rows: int
    green_rows: int
    equal: int
    different: int
    only_blue: int
    only_green: int
    restamped: int = 0
    is_new: bool = False
    columns: tuple[ColumnDifference, ...] = ()
    blue_columns: tuple[NewColumn, ...] = ()
    green_columns: tuple[NewColumn, ...] = ()
    blue_keys: tuple[tuple[str, ...], ...] = ()
    green_keys: tuple[tuple[str, ...], ...] = ()

    @property
    def differing(self) -> int:
        """Rows that differ or that one side alone has."""
        return self.different + self.only_blue + self.only_green

    @property
    def ratio(self) -> float:
        """Differing rows for each row of blue; 1 where blue has none and green has some."""
        if self.blue_rows:
            return self.differing / self.blue_rows
        return 1.0 if self.differing else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Blue and green of one pipeline, table by table; `bound` is up to when both had read Salesforce, by object."""

    pipeline: str
    blue_version: str
    green_version: str
    bound: tuple[tuple[str, str], ...]
    tables: tuple[TableComparison, ...]

    @property
    def judged(self) -> tuple[TableComparison, ...]:
        """The objects whose rows count: those of the target that blue has loaded. Companions repeat what left it."""
        return tuple(one for one in self.tables if not one.companion and not one.is_new)

    @property
    def ratio(self) -> float:
        """Differing rows for each row of blue, all objects together."""
        rows, differing = sum(one.blue_rows for one in self.judged), sum(one.differing for one in self.judged)
        return differing / rows if rows else (1.0 if differing else 0.0)

    @property
    def worst(self) -> TableComparison | None:
        """The object of which the largest share differs; the limit holds for each, so that a small one cannot hide."""
        return max(self.judged, key=lambda one: one.ratio, default=None)

    @property
    def digest(self) -> str:
        """A name for this outcome alone: what lets it pass lets no other one pass."""
        told = json.dumps([_counts(one) for one in self.tables], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:10]

    def as_json(self) -> dict[str, Any]:
        """The comparison with its shares, as JSON takes it."""
        return {
            "pipeline": self.pipeline,
            "comparison": self.digest,
            "blue_version": self.blue_version,
            "green_version": self.green_version,
            "bound": dict(self.bound),
            "ratio": self.ratio,
            "worst": {"object": self.worst.object, "ratio": self.worst.ratio} if self.worst else None,
            "tables": [{**asdict(one), "differing": one.differing, "ratio": one.ratio} for one in self.tables],
        }

    def as_text(self) -> str:
        """The comparison for a terminal."""
        return "\n".join(_text(self)) + "\n"

    def as_markdown(self) -> str:
        """The comparison for a pull request."""
        return "\n".join(_markdown(self)) + "\n"


def percent(ratio: float) -> str:
    """A share for a person; one that is not zero never reads as zero."""
    if 0 < ratio < 0.0001:
        return "less than 0.01 %"
    return f"{ratio * 100:.2f} %"


def _counts(one: TableComparison) -> dict[str, Any]:
    told = asdict(one)
    told["columns"] = {each.column: each.rows for each in one.columns}
    return {name: value for name, value in told.items() if name not in ("blue_keys", "green_keys")}


def _title(one: TableComparison) -> str:
    return f"{one.object} ({one.table}{'__' + one.companion if one.companion else ''})"


def _share(one: TableComparison) -> str:
    return "new" if one.is_new else percent(one.ratio)


def _text(found: Comparison) -> Iterator[str]:
    yield f"{found.pipeline}: blue v{found.blue_version}, green v{found.green_version}, comparison {found.digest}"
    for one in found.tables:
        if one.companion and not (one.blue_rows or one.green_rows):
            continue
        yield (
            f"  {_title(one)}: {one.blue_rows:,} rows in blue, {one.green_rows:,} in green: {one.equal:,} equal, "
            f"{one.different:,} different, {one.only_blue:,} only in blue, {one.only_green:,} only in green "
            f"({_share(one)})"
        )
        yield from (f"    {line}" for line in _details(one))
    yield f"Differing: {percent(found.ratio)} of blue's rows" + (
        f"; most of {found.worst.object}, {percent(found.worst.ratio)}" if found.worst and found.ratio else ""
    )


def _details(one: TableComparison) -> Iterator[str]:
    for side, keys in (("blue", one.blue_keys), ("green", one.green_keys)):
        if keys:
            yield f"only in {side}: {', '.join(map(_key, keys))}"
    for column in one.columns:
        yield f"{column.column} differs in {column.rows:,}: {'; '.join(map(_sample, column.samples))}"
    for side, columns in (("blue", one.blue_columns), ("green", one.green_columns)):
        for each in columns:
            yield f"column {each.column} is only in {side}, filled in {each.filled:,}"
    if one.restamped:
        yield f"{one.restamped:,} of the different rows were read at another time: their stamps differ"


def _key(parts: tuple[str, ...]) -> str:
    return "@".join(parts)


def _sample(one: Sample) -> str:
    if one.blue is None and one.green is None:
        return _key(one.key)
    return f"{_key(one.key)} {_value(one.blue)} -> {_value(one.green)}"


def _value(text: str | None) -> str:
    return "NULL" if text is None else repr(text)


def _markdown(found: Comparison) -> Iterator[str]:
    yield f"# {found.pipeline}: blue v{found.blue_version} beside green v{found.green_version}"
    yield ""
    yield f"{percent(found.ratio)} of blue's rows differ (comparison `{found.digest}`)."
    yield ""
    yield "| object | table | blue | green | equal | different | only blue | only green | share |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|"
    for one in found.tables:
        table = f"{one.table}{'__' + one.companion if one.companion else ''}"
        counts = (one.blue_rows, one.green_rows, one.equal, one.different, one.only_blue, one.only_green)
        yield f"| {one.object} | `{table}` | {' | '.join(f'{n:,}' for n in counts)} | {_share(one)} |"
    for one in found.tables:
        lines = list(_details(one))
        if lines:
            yield ""
            yield f"## {_title(one)}"
            yield ""
            yield from (f"- {_escaped(line)}" for line in lines)


def _escaped(line: str) -> str:
    """Text of the data stands as it is, whatever Markdown would make of it."""
    return "".join("\\" + char if char in "\\`*_{}[]<>#|" else char for char in line).replace("\n", " ")

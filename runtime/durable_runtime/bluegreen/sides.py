"""All of blue is compared with all of green, and the outcome is remembered for the promotion that it allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from durable_runtime.bluegreen.comparing import Pair, compare, key_of
from durable_runtime.bluegreen.comparison import Comparison
from durable_runtime.bluegreen.control import (
    GREEN,
    Deployed,
    Record,
    bounds,
    fingerprint,
    remember,
    version,
)
from durable_runtime.bluegreen.promoting import AGAIN, loaded
from durable_runtime.errors import GreenNotReady
from durable_runtime.spec import Pipeline
from durable_runtime.warehouse.engine import SqlWarehouse
from durable_runtime.warehouse.switching import COMPANIONS


def compare_sides(
    warehouse: SqlWarehouse,
    deployed: Deployed,
    pipeline: Pipeline,
    *,
    hidden: Mapping[str, frozenset[str]] | None = None,
    samples: int = 5,
    values: bool = False,
) -> Comparison:
    """Compare every table of every object, and remember what a promotion is judged by.

    `pipeline` is green's; `hidden` are columns, by object, of which no values are shown beside those that it masks.
    Raises GreenNotReady where green is not whole, where the sides were not read up to the same bound, and where one
    of them is loaded meanwhile.
    """
    record = loaded(warehouse, deployed)
    was = _same_bound(warehouse, deployed, record)
    pairs = _pairs(warehouse, deployed, pipeline, hidden or {})
    found = Comparison(
        pipeline=deployed.pipeline,
        blue_version=version(warehouse, deployed.key(), deployed),
        green_version=record.version,
        bound=tuple(_bound(warehouse, deployed)),
        tables=tuple(compare(warehouse, pair, samples=samples, values=values) for pair in pairs),
    )
    with warehouse.transaction():
        if _fingerprints(warehouse, deployed) != was:
            raise _moved(deployed, "while it was compared")
        remember(warehouse, deployed, replace(record, compared=_judged(found, *was)))
    return found


def masked(pipeline: Pipeline, extensions: str = "extensions") -> dict[str, frozenset[str]]:
    """The columns of each object of which no value is shown."""
    return {
        one.object: frozenset(name for mask in one.masks for name in (mask.column, f"{extensions}.{mask.field}"))
        for one in pipeline.transforms
    }


def _same_bound(warehouse: SqlWarehouse, deployed: Deployed, record: Record) -> tuple[str, str]:
    """Both sides are what the loading of green left: then they hold Salesforce up to the same moment."""
    now = _fingerprints(warehouse, deployed)
    if now != (record.blue, record.green):
        raise _moved(deployed, "since green was loaded")
    return now


def _fingerprints(warehouse: SqlWarehouse, deployed: Deployed) -> tuple[str, str]:
    blue, green = (fingerprint(warehouse, deployed.key(side), deployed) for side in ("", GREEN))
    return blue, green


def _moved(deployed: Deployed, when: str) -> GreenNotReady:
    return GreenNotReady(
        f"{deployed.pipeline}: blue or green was loaded again {when}, so that they hold Salesforce as of two moments.",
        help=AGAIN.format(name=deployed.pipeline),
    )


def _bound(warehouse: SqlWarehouse, deployed: Deployed) -> Iterator[tuple[str, str]]:
    for name, moment in sorted(bounds(warehouse, deployed.key(GREEN), deployed).items()):
        if moment is not None:
            yield name, f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _pairs(
    warehouse: SqlWarehouse, deployed: Deployed, pipeline: Pipeline, hidden: Mapping[str, frozenset[str]]
) -> Iterator[Pair]:
    """Each object's table and companions; those that the new version no longer has stay in a table of all."""
    target, own = warehouse.target, masked(pipeline, pipeline.policies.extensions_column)
    by_table = {names.table: names for names in deployed.names}
    known = bounds(warehouse, deployed.key(), deployed)
    objects = dict.fromkeys((*target.objects, *(sorted(known) if target.table else ())))
    for name in objects:
        names = by_table[target.table or target.place(name).table]
        for companion in COMPANIONS:
            yield Pair(
                object=name,
                table=names.table,
                companion=companion,
                blue=names.of(companion),
                green=names.beside(GREEN).of(companion),
                dialect=deployed.dialect,
                key=key_of(pipeline.policies.mode, companion),
                extensions=pipeline.policies.extensions_column,
                hidden=own.get(name, frozenset()) | hidden.get(name, frozenset()),
                is_new=name not in known,
            )


def _judged(found: Comparison, blue: str, green: str) -> dict[str, object]:
    """What is kept of a comparison: numbers, no Ids and no values."""
    worst = found.worst
    return {
        "id": found.digest,
        "blue": blue,
        "green": green,
        "worst": worst.ratio if worst else 0.0,
        "worst_object": worst.object if worst else "",
        "differing": sum(one.differing for one in found.judged),
        "rows": sum(one.blue_rows for one in found.judged),
    }

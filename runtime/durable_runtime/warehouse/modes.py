"""Which statements load an object: one class of steps for each mode of writing."""

from __future__ import annotations

from collections.abc import Mapping

from durable_runtime.warehouse.base import ObjectLoad, Write
from durable_runtime.warehouse.dialect import Names
from durable_runtime.warehouse.steps import Steps
from durable_runtime.warehouse.versions import AppendSteps, HistorySteps

# What replace builds beside the target is loaded like an upsert into an empty table.
MODES: Mapping[str, type[Steps]] = {
    "upsert": Steps,
    "replace": Steps,
    "append": AppendSteps,
    "history": HistorySteps,
}


def steps_of(names: Names, columns: tuple[str, ...], plan: ObjectLoad, write: Write) -> Steps:
    """The steps of one object; `columns` are its table's."""
    return MODES[write.mode](names, columns, plan, write)

"""Columns that a table lost since they were loaded: adding them again would leave them empty where nothing changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from durable_runtime import since
from durable_runtime.errors import TargetChanged
from durable_runtime.loading import FULL, check_organization
from durable_runtime.warehouse.base import Loaded, Warehouse
from durable_runtime.warehouse.evolution import ADD, Change, refuse

if TYPE_CHECKING:
    from durable_runtime.job import Job


def check(job: Job, warehouse: Warehouse, organization: str) -> None:
    """Raise OtherOrganization, TargetUnfit for what no run may change, TargetChanged for a lost column.

    Nothing is written then.
    With --full (and where every run reads everything) the column is filled again, by this run or the one after it.
    """
    loaded = warehouse.loaded_as(job.pipeline.name)
    check_organization(loaded, organization)
    changes = warehouse.changes(job.loads())
    refuse(changes)
    lost = lost_columns(job, changes, loaded)
    refuse_lost(job, lost)
    if lost:
        warehouse.read_anew(job.pipeline.name, list(lost))


def reads_all(job: Job) -> bool:
    """Whether this run was told to read everything, or does so every time."""
    return job.options.full or job.pipeline.policies.mode == "replace"


def refuse_lost(job: Job, lost: Mapping[str, tuple[str, ...]]) -> None:
    """Raise TargetChanged for lost columns, unless everything is read again."""
    if lost and not reads_all(job):
        named = "; ".join(f"{name}: {', '.join(columns)}" for name, columns in lost.items())
        raise TargetChanged(
            f"The table lacks columns that the last run wrote ({named}); somebody dropped them. Nothing was written.",
            help=FULL,
        )


def lost_columns(job: Job, changes: Iterable[Change], loaded_as: Mapping[str, Loaded]) -> dict[str, tuple[str, ...]]:
    """By object: mapped columns that have to be added although its rows were loaded with them."""
    target = job.pipeline.targets[job.profile.warehouse.kind]
    added = {(one.table.rpartition(".")[2], one.column) for one in changes if one.kind == ADD}
    found: dict[str, tuple[str, ...]] = {}
    for name, transform in job.transforms.items():
        table, loaded = target.place(name).table, loaded_as.get(name)
        tables = (table, f"{table}__duplicates")
        columns = [one.name for one in transform.columns if any((each, one.name) in added for each in tables)]
        if columns and loaded and loaded.row_function is not None and _same_rows(job, loaded.row_function, name):
            found[name] = tuple(columns)
    return found


def _same_rows(job: Job, loaded: str, name: str) -> bool:
    """Whether nothing but the table changed; of an object that this run does not read, only the package is known."""
    if name in job.shapes:
        return job.same_rows(loaded, name)
    return since.unmarked(loaded).partition("/")[0] == job.row_function(name)

"""Green takes blue's place, or what was kept of blue takes it back: one transaction for every table and its state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from durable_runtime.bluegreen.attached import Attached, attached, lost, policies
from durable_runtime.bluegreen.building import clones, drops, rows, run
from durable_runtime.bluegreen.comparison import percent
from durable_runtime.bluegreen.control import (
    GREEN,
    KEPT,
    LOADED,
    Deployed,
    Record,
    bounds,
    clear,
    copy,
    fingerprint,
    forget,
    recall,
    remember,
    version,
)
from durable_runtime.errors import GreenNotReady, GuardStopped, Incomplete, PipelineError
from durable_runtime.warehouse.base import Lease, ObjectLoad
from durable_runtime.warehouse.engine import SqlWarehouse
from durable_runtime.warehouse.switching import COMPANIONS, overwrite

AGAIN = "Run `durable green {name} run` and `durable green {name} compare` again."


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of blue may differ (None: any share), by which requirement, and the comparisons that may pass.

    `policies` tells that the warehouse's role sees every row and value of tables that have policies.
    """

    ratio: float | None = None
    requirement: str = ""
    allowed: frozenset[str] = frozenset()
    policies: bool = False


@dataclass(frozen=True, slots=True)
class Switched:
    """What a promotion or a rollback did: rows of each table now, both versions, and what is attached to the tables.

    `watermarks` tell for each object from when the next run reads on.
    """

    pipeline: str
    was: str
    version: str
    rows: Mapping[str, int]
    watermarks: Mapping[str, datetime | None]
    before: tuple[Attached, ...] = ()
    after: tuple[Attached, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def lost(self) -> list[str]:
        """Grants, policies, tags and clustering that were there before and are not now."""
        return lost(self.before, self.after)

    def as_json(self) -> dict[str, Any]:
        """What was done, as JSON takes it."""
        return {
            "pipeline": self.pipeline,
            "was": self.was,
            "version": self.version,
            "rows": dict(self.rows),
            "watermarks": {name: moment and f"{moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in self.watermarks.items()},
            "columns_added": list(self.added),
            "attached": [
                {"table": one.table, "listed": dict(one.listed), "unlisted": dict(one.unlisted)} for one in self.after
            ],
            "lost": self.lost,
        }


def check(warehouse: SqlWarehouse, deployed: Deployed, limit: Limit) -> Record:
    """The record of a green that may be promoted.

    Raises GreenNotReady where green is missing or incomplete, where it was not compared, and where either side moved
    since; GuardStopped for a comparison above the limit that was not let pass.
    """
    record = loaded(warehouse, deployed)
    compared = record.compared
    if not compared:
        raise GreenNotReady(
            f"{deployed.pipeline}: green v{record.version} was not compared with blue yet; nothing was changed.",
            help=f"Run `durable green {deployed.pipeline} compare` first.",
        )
    blue, green = (fingerprint(warehouse, deployed.key(side), deployed) for side in ("", GREEN))
    if (compared["blue"], compared["green"]) != (blue, green):
        moved = "blue" if compared["blue"] != blue else "green"
        raise GreenNotReady(
            f"{deployed.pipeline}: {moved} was loaded again since the comparison; nothing was changed.",
            help=AGAIN.format(name=deployed.pipeline),
        )
    _check_ratio(deployed, record, limit)
    return record


def _check_ratio(deployed: Deployed, record: Record, limit: Limit) -> None:
    found = record.compared
    if limit.ratio is None or found["worst"] <= limit.ratio or found["id"] in limit.allowed:
        return
    whose = f" ({limit.requirement})" if limit.requirement else ""
    raise GuardStopped(
        f"{deployed.pipeline}: {percent(found['worst'])} of the {found['worst_object']} rows differ between blue and "
        f"green v{record.version} ({found['differing']:,} of {found['rows']:,} over all objects), and at most "
        f"{percent(limit.ratio)} may{whose}; nothing was changed.",
        help=f"Look at `durable green {deployed.pipeline} compare`; if it is right: "
        f"`durable promote {deployed.pipeline} --allow-diff {found['id']}`.",
        requirement=limit.requirement or None,
    )


def loaded(warehouse: SqlWarehouse, deployed: Deployed) -> Record:
    """The record of a green into which the new version was loaded whole. Raises GreenNotReady for any other."""
    record, name = recall(warehouse, deployed), deployed.pipeline
    if record is None:
        raise GreenNotReady(f"{name} has no green; nothing was changed.", help=f"Run `durable green {name} run`.")
    if record.phase != LOADED:
        state = {"built": "is a copy of blue that no version was loaded into"}.get(record.phase, "is incomplete")
        raise GreenNotReady(
            f"{name}: green {state} ({record.phase}); nothing was changed.", help=f"Run `durable green {name} run`."
        )
    return record


def promote(warehouse: SqlWarehouse, deployed: Deployed, leases: Iterable[Lease], limit: Limit) -> Switched:
    """Put green in blue's place, and keep blue beside it. Needs the leases of both sides.

    Columns are added first, blue is copied, then one transaction exchanges the rows of every table and companion
    with watermarks, ledger and tombstones. Killed anywhere, either blue or green is whole. Raises as `check`.
    """
    record, held = check(warehouse, deployed, limit), tuple(leases)
    before, was = attached(warehouse, deployed), version(warehouse, deployed.key(), deployed)
    check_policies(deployed, before, allowed=limit.policies)
    with warehouse.transaction():  # from here on there is nothing to go back to until the new copy is whole
        forget(warehouse, deployed, KEPT)
        run(warehouse, clear(deployed, KEPT))
    for statement in clones(deployed, KEPT):
        warehouse.execute(statement)
    added = _widen(warehouse)
    with warehouse.transaction():
        for lease in held:
            warehouse.renew(lease)
        check(warehouse, deployed, limit)
        run(warehouse, copy(deployed, "", KEPT))
        counts = _exchange(warehouse, deployed, GREEN)
        forget(warehouse, deployed, GREEN)
        now = fingerprint(warehouse, deployed.key(), deployed)
        kept = fingerprint(warehouse, deployed.key(KEPT), deployed)
        remember(warehouse, deployed, Record("kept", was, kept, now, {"promoted": record.version}), KEPT)
    _drop(warehouse, deployed, GREEN)
    marks = bounds(warehouse, deployed.key(), deployed)
    after = attached(warehouse, deployed)
    return Switched(deployed.pipeline, was, record.version, counts, marks, before, after, added)


def check_policies(deployed: Deployed, found: Iterable[Attached], *, allowed: bool) -> None:
    """Raise GuardStopped for tables with policies: rows are exchanged by reading them, as the role may see them.

    A role that a masking policy masks would write stars, and one from which a row access policy hides rows would lose
    them, into the table in use; its copies have the same policies, so that no count would tell.
    """
    there = policies(tuple(found))
    if there and not allowed:
        raise GuardStopped(
            f"{deployed.pipeline}: policies decide what a role sees of these tables ({'; '.join(there)}), and an "
            "exchange writes what the role sees; nothing was changed.",
            help="Make sure that they let the profile's role see every row and value; then --allow-policies.",
        )


def rollback(
    warehouse: SqlWarehouse, deployed: Deployed, leases: Iterable[Lease], *, allowed_policies: bool = False
) -> Switched:
    """Put back what the last promotion kept, watermarks included, so that the next run reads on from there.

    Columns that the promotion added stay, empty. Raises GreenNotReady where nothing is kept.
    """
    record = recall(warehouse, deployed, KEPT)
    if record is None:
        raise GreenNotReady(
            f"{deployed.pipeline}: no promotion is there to take back; nothing was changed.",
            help="A rollback goes back to what the last `durable promote` kept, once.",
        )
    before, was = attached(warehouse, deployed), version(warehouse, deployed.key(), deployed)
    check_policies(deployed, before, allowed=allowed_policies)
    with warehouse.transaction():
        for lease in leases:
            warehouse.renew(lease)
        counts = _exchange(warehouse, deployed, KEPT)
        forget(warehouse, deployed, KEPT)
    _drop(warehouse, deployed, KEPT)
    marks = bounds(warehouse, deployed.key(), deployed)
    after = attached(warehouse, deployed)
    return Switched(deployed.pipeline, was, record.version, counts, marks, before, after)


def _widen(warehouse: SqlWarehouse) -> tuple[str, ...]:
    """Give the tables in use what the new version's run would give them; DDL, so it stands before the transaction."""
    return warehouse.prepare([ObjectLoad(name, lambda _: "", ()) for name in warehouse.target.objects])


def _exchange(warehouse: SqlWarehouse, deployed: Deployed, side: str) -> dict[str, int]:
    """The rows of a side in the tables in use, and what is known of them; within a transaction."""
    counts = {}
    for names in deployed.names:
        for companion in COMPANIONS:
            goal, source = names.of(companion), names.beside(side).of(companion)
            columns = warehouse.columns_of(source)
            for statement in overwrite(names.dialect, source, goal, columns):
                warehouse.execute(statement)
            counts[goal] = _same_rows(warehouse, source, goal)
    run(warehouse, [*copy(deployed, side, ""), *clear(deployed, side)])
    return counts


def _same_rows(warehouse: SqlWarehouse, source: str, goal: str) -> int:
    expected, found = rows(warehouse, source), rows(warehouse, goal)
    if expected != found:
        raise Incomplete(
            f"{goal} has {found:,} rows after the exchange instead of {expected:,}; it was rolled back.",
            help="Try again; if it happens twice, report it.",
        )
    return found


def _drop(warehouse: SqlWarehouse, deployed: Deployed, side: str) -> None:
    """The exchange is committed: tables that stay behind cost room and nothing else."""
    with suppress(PipelineError):
        for statement in drops(deployed, side):
            warehouse.execute(statement)

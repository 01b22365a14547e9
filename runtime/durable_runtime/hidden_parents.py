"""Children whose parent Salesforce does not show: no stamp tells when it is shown again, so that runs remember them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from durable_runtime.errors import QueryTooSlow
from durable_runtime.salesforce import rest
from durable_runtime.salesforce.session import Session

if TYPE_CHECKING:
    from durable_runtime.job import Job

MOST = 40_000  # Ids that are remembered; with more, the object is read whole

Known = Mapping[str, frozenset[str]]


def look(job: Job, session: Session, name: str, soql: str) -> frozenset[str] | None:
    """Children whose parent was hidden when they were last read, and is not now; None where nobody knows.

    `soql` selects the Ids of those whose parent is hidden now. They are remembered at once beside the others, because
    the run may end before all that it read is committed.
    """
    known, now = recall(job).get(name), _children(session, soql)
    job.hidden[name] = now
    if known is None or now is None:
        forget(job, name)
        return None
    _write(job, {name: known | now})
    return known - now


def forget(job: Job, name: str) -> None:
    """Nothing is known of an object's children until a run has ended well."""
    if name in recall(job):
        _write(job, {name: None})


def remember(job: Job) -> None:
    """The run ended well: the children that it read hold what their parents showed then."""
    if job.hidden:
        _write(job, job.hidden)


def _children(session: Session, soql: str) -> frozenset[str] | None:
    """None where they are too many to remember, or Salesforce takes too long to find them."""
    found: set[str] = set()
    try:
        for record in rest.query(session, soql):
            found.add(str(record["Id"]))
            if len(found) > MOST:
                return None
    except QueryTooSlow:
        return None
    return frozenset(found)


def recall(job: Job) -> Known:
    """What runs of the profile remember, by object; a lost or broken file is no memory."""
    found = _profiles(_memory(job)).get(job.profile.name, {})
    return {name: frozenset(map(str, ids)) for name, ids in found.items() if isinstance(ids, list)}


def _write(job: Job, hidden: Mapping[str, Iterable[str] | None]) -> None:
    path = _memory(job)
    path.parent.mkdir(parents=True, exist_ok=True)
    known: dict[str, Iterable[str] | None] = {**recall(job), **hidden}
    told = {name: sorted(ids) for name, ids in known.items() if ids is not None}
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps({**_profiles(path), job.profile.name: told}), encoding="utf-8")
    os.replace(draft, path)


def _profiles(path: Path) -> dict[str, dict[str, object]]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: one for name, one in told.items() if isinstance(one, dict)} if isinstance(told, dict) else {}


def _memory(job: Job) -> Path:
    return job.profile.state / "refresh" / f"{job.pipeline.name}.hidden.json"

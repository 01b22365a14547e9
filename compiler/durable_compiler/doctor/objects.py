"""The pipeline's objects and fields as this user sees them, and by which ways they can be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from durable_compiler.doctor.exam import Exam
from durable_compiler.doctor.findings import PERMISSION, PERSON, Finding, listed, ok, problem, warning
from durable_runtime.errors import ObjectGone, PermissionMissing, PipelineError, RequestRefused
from durable_runtime.salesforce import bulk
from durable_runtime.salesforce.answers import BulkUnsupported
from durable_runtime.salesforce.deletes import deleted_since
from durable_runtime.salesforce.describe import classified, describe, type_of
from durable_runtime.salesforce.session import Session
from durable_runtime.spec import Extract

READ_ACCESS = (
    "Give the integration user's permission set read access to {}, or take what it misses out of the requirements."
)
LOG_ASKED = timedelta(minutes=5)


def visible(exam: Exam) -> Finding:
    """Every object is shown to the user and may be queried."""
    gone, closed = [], []
    for one in exam.extracts:
        try:
            if not describe(exam.session, one.object).get("queryable", True):
                closed.append(one.object)
        except ObjectGone:
            gone.append(one.object)
    if gone:
        return problem(PERSON, f"{listed(gone)} not visible to this user", READ_ACCESS.format(listed(gone)))
    if closed:
        return problem(PERMISSION, f"{listed(closed)} cannot be queried", "Take it out of the requirements.")
    return ok(f"{listed(one.object for one in exam.extracts)} visible and queryable")


def fields(exam: Exam) -> Finding:
    """Every field of the package is visible; a field that exists and is not shown is hidden by field-level security."""
    unseen, needed, others = [], [], []
    for one in exam.extracts:
        shown = {field["name"] for field in describe(exam.session, one.object)["fields"]}
        defined = classified(exam.session, one.object)
        missing = [name for name in one.fields if name not in shown]
        unseen += [_told(one, name, defined) for name in missing]
        needed += [_told(one, name, defined) for name in missing if name in _needed(one)]
        needed += [f"{one.object}.{path} (not reachable)" for path in _unreachable(exam.session, one)]
        others += [f"{one.object}.{name}" for name in sorted((defined or {}).keys() - shown - set(one.fields))]
    details = {"not_visible": [*unseen, *needed], "hidden_besides": others}
    if needed:
        return problem(
            PERSON, f"a rule or the run itself needs {listed(needed)}", READ_ACCESS.format("the fields"), **details
        )
    if unseen:
        evidence = f"{listed(unseen)}: stored values stay, new ones are not read"
        return warning(evidence, READ_ACCESS.format("the fields"), **details)
    counted = sum(len(one.fields) for one in exam.extracts)
    besides = f"; hidden, and not asked for: {listed(others)}" if others else ""
    return ok(f"all {counted:,} fields of the package visible{besides}", **details)


def _needed(one: Extract) -> set[str]:
    return {*one.needed, "Id", one.cursor}


def _told(one: Extract, name: str, defined: dict[str, dict[str, object]] | None) -> str:
    fate = "not visible" if defined is None else "hidden" if name in defined else "gone"
    return f"{one.object}.{name} ({fate})"


def _unreachable(session: Session, one: Extract) -> Iterator[str]:
    """Paths to a parent's field that end nowhere: one step of them is hidden or gone."""
    for path in one.lookups:
        try:
            found = type_of(session, one.object, path)
        except ObjectGone:
            found = None
        if found is None:
            yield path


def bulk_api(exam: Exam) -> Finding:
    """Each object by Bulk, or by REST where Bulk refuses it; asked with a job of one Id, which is removed again."""
    over_rest = []
    for one in exam.extracts:
        try:
            job = bulk.create(exam.session, f"SELECT Id FROM {one.object} LIMIT 1")  # noqa: S608 (a package's name)
        except BulkUnsupported:
            over_rest.append(one.object)
            continue
        with suppress(PipelineError):  # one that has ended already cannot be aborted, and need not be
            exam.session.stream("PATCH", f"jobs/query/{job.id}", lambda _: None, json={"state": "Aborted"})
        bulk.delete(exam.session, [job.id])
    usable = [one.object for one in exam.extracts if one.object not in over_rest]
    rest = f"; {listed(over_rest)} over REST, page by page, because Bulk refuses it" if over_rest else ""
    return ok(f"usable for {listed(usable)}{rest}", over_rest=over_rest)


def deletes(exam: Exam) -> Finding:
    """How deletes are found: by Salesforce's log of them, or by comparing Ids; and what has no stamp."""
    refused, without_log, unstamped = [], [], []
    now = exam.session.server_time()
    window = (now - LOG_ASKED, now)
    with TemporaryDirectory(prefix="durable-doctor-") as folder:
        for one in exam.extracts:
            if "IsDeleted" not in one.fields:
                without_log.append(one.object)
            elif not _logged(exam.session, one.object, window, Path(folder) / "log.csv"):
                refused.append(one.object)
            if one.cursor != "SystemModstamp":
                unstamped.append(f"{one.object} ({one.cursor or 'read whole'})")
    told = [f"{listed(without_log)} without IsDeleted: Ids are compared"] if without_log else []
    told += [f"{listed(unstamped)} without SystemModstamp"] if unstamped else []
    details = {"refused": refused, "without_is_deleted": without_log, "without_system_modstamp": unstamped}
    if refused:
        return warning(
            "; ".join([f"the delete log of {listed(refused)} is refused, so Ids are compared instead", *told]),
            f"Give the integration user View All Records on {listed(refused)}, or View All Data.",
            **details,
        )
    return ok("; ".join(["deletes are told by Salesforce's log", *told]), **details)


def _logged(session: Session, name: str, window: tuple[datetime, datetime], path: Path) -> bool:
    """Whether Salesforce tells this user what was deleted of an object."""
    try:
        deleted_since(session, name, *window, path)
    except (RequestRefused, PermissionMissing):
        return False
    return True

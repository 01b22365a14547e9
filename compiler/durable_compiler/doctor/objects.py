"""The pipeline's objects and fields as this user sees them, and by which ways they can be read."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from durable_compiler.doctor.exam import Exam
from durable_compiler.doctor.findings import PERMISSION, PERSON, Finding, listed, ok, problem, warning
from durable_runtime import drift
from durable_runtime.errors import ObjectGone, PermissionMissing, PipelineError, RequestRefused
from durable_runtime.extraction import count
from durable_runtime.salesforce import bulk
from durable_runtime.salesforce.answers import BulkUnsupported
from durable_runtime.salesforce.deletes import deleted_since
from durable_runtime.salesforce.describe import classified, describe
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
    """Every field of the package is visible, and of the type that it was compiled for: by the rules of a run."""
    unseen, others, retyped = [], [], []
    stopped: list[PipelineError] = []
    for one in exam.extracts:
        shown = {field["name"] for field in describe(exam.session, one.object)["fields"]}
        defined = classified(exam.session, one.object)
        unseen += [_told(one, name, defined) for name in one.fields if name not in shown]
        others += [f"{one.object}.{name}" for name in sorted((defined or {}).keys() - shown - set(one.fields))]
        try:
            retyped += [f"{one.object}.{found.field} is now {found.type}" for found in _shape(exam, one).retyped]
        except PipelineError as error:
            stopped.append(error)
    details = {"not_visible": unseen, "hidden_besides": others, "retyped": retyped}
    if stopped:
        return _stopped(stopped, unseen, details)
    if unseen or retyped:
        told = [f"{listed(unseen)}: stored values stay, new ones are not read"] if unseen else []
        told += [f"{listed(retyped)}: what does not fit its column goes to extensions"] if retyped else []
        return warning("; ".join(told), READ_ACCESS.format("the fields") if unseen else _ANEW, **details)
    counted = sum(len(one.fields) for one in exam.extracts)
    besides = f"; hidden, and not asked for: {listed(others)}" if others else ""
    return ok(f"all {counted:,} fields of the package visible{besides}", **details)


_ANEW = "Run `durable discover` and `durable compile`."


def _stopped(errors: list[PipelineError], unseen: list[str], details: dict[str, list[str]]) -> Finding:
    """What would end a run before it reads, with what is known of the fields that it misses."""
    evidence = " ".join(one.message.replace("; nothing was read", "") for one in errors)
    besides = f" Not shown to this user: {listed(unseen)}." if unseen else ""
    remedy = READ_ACCESS.format("the fields") if unseen else errors[0].help
    return problem(errors[0].exit_code, f"{evidence}{besides}", remedy, **details)


def _shape(exam: Exam, one: Extract) -> drift.Shape:
    """The object as a run would settle it. Raises FieldGone, FieldRetyped, DriftStopped or ObjectGone."""
    organization = drift.Organization(
        partial(describe, exam.session), partial(count, exam.session), partial(classified, exam.session)
    )
    transform = next(each for each in exam.pipeline.transforms if each.object == one.object)
    policy = exam.pipeline.policies.unknown_fields
    return drift.compare(one, describe(exam.session, one.object), policy, transform, organization)


def _told(one: Extract, name: str, defined: dict[str, dict[str, object]] | None) -> str:
    fate = "not visible" if defined is None else "hidden" if name in defined else "gone"
    return f"{one.object}.{name} ({fate})"


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
    rest = f"; {listed(over_rest)} over REST, page by page, because Bulk refuses them" if over_rest else ""
    return ok(f"usable for {listed(usable)}{rest}", over_rest=over_rest)


def deletes(exam: Exam) -> Finding:
    """How deletes are found: by Salesforce's log of them, or by comparing Ids; and what has no stamp."""
    refused, without_log, unstamped = [], [], []
    now = exam.session.server_time()
    window = (now - LOG_ASKED, now)
    with TemporaryDirectory(prefix="durable-doctor-") as folder:
        for one in exam.extracts:
            if "IsDeleted" not in one.fields or not describe(exam.session, one.object).get("replicateable", True):
                without_log.append(one.object)
            elif not _logged(exam.session, one.object, window, Path(folder) / "log.csv"):
                refused.append(one.object)
            if one.cursor != "SystemModstamp":
                unstamped.append(f"{one.object} ({one.cursor or 'read whole'})")
    told = [f"{listed(without_log)} without a log of deletes: Ids are compared"] if without_log else []
    told += [f"{listed(unstamped)} without SystemModstamp"] if unstamped else []
    details = {"refused": refused, "without_log": without_log, "without_system_modstamp": unstamped}
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

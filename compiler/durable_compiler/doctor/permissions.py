"""What the integration user may do: whether it sees every record, and whether it may do more than it needs.

UserPermissionAccess tells anybody their own system permissions. Rights on objects stand in ObjectPermissions, which
takes View Setup and Configuration to read; without it, describe still tells whether an object may be written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from durable_compiler.doctor.exam import Exam
from durable_compiler.doctor.findings import Finding, listed, ok, warning
from durable_runtime.errors import PermissionMissing, RequestRefused
from durable_runtime.salesforce.describe import describe
from durable_runtime.salesforce.session import Session

VIEW_ALL = ("ViewAllData", "ModifyAllData")
# System permissions that no pipeline needs, as Setup calls them.
BEYOND: Mapping[str, str] = {
    "ModifyAllData": "Modify All Data",
    "CustomizeApplication": "Customize Application",
    "AuthorApex": "Author Apex",
    "ManageUsers": "Manage Users",
    "ModifyMetadata": "Modify Metadata Through Metadata API Functions",
    "ManageProfilesPermissionsets": "Manage Profiles and Permission Sets",
    "BulkApiHardDelete": "Bulk API Hard Delete",
}
ASKED = (*dict.fromkeys((*VIEW_ALL, *BEYOND)),)
WRITES = {"Create": "createable", "Edit": "updateable", "Delete": "deletable"}
RIGHTS = (*WRITES, "ViewAllRecords", "ModifyAllRecords")
SEE_MORE = "View Setup and Configuration lets this check see it."


def view_all(exam: Exam) -> Finding:
    """Records that are not shared with the user are invisible: they would be missing, and look like deleted ones."""
    given = user_permissions(exam.session)
    wide = next((one for one in VIEW_ALL if given.get(one)), None)
    if wide:
        return ok(f"the user has {'View All Data' if wide == 'ViewAllData' else BEYOND[wide]}")
    names = [one.object for one in exam.extracts]
    rights = object_rights(exam.session, names) if names else {}
    if rights is None or not names:
        return warning(
            "the user has no View All Data, and what it may see of each object cannot be told",
            f"Give it View All Records on each object of the pipelines. {SEE_MORE}",
        )
    # An object without a row, such as User, is not governed by these rights.
    lacking = [name for name in names if name in rights and "ViewAllRecords" not in rights[name]]
    others = [name for name in names if name not in rights]
    besides = f"; {listed(others)} not governed by it" if others else ""
    if not lacking:
        return ok(f"no View All Data, but View All Records on {listed(rights)}{besides}")
    return warning(
        f"neither View All Data nor View All Records on {listed(lacking)}: records that are not shared with the user "
        "are not read, and records that stop being shared look deleted",
        f"Give View All Records on {listed(lacking)} in the integration user's permission set.",
        objects=lacking,
    )


def privileges(exam: Exam) -> Finding:
    """Nothing that the pipeline does not need: a leaked credential can do all that its user may."""
    given = user_permissions(exam.session)
    if not given:
        return warning("the user's own permissions cannot be told", f"Look at them in Setup; leave it {_needed(exam)}.")
    beyond = [label for name, label in BEYOND.items() if given.get(name)]
    names = [one.object for one in exam.extracts]
    rights = object_rights(exam.session, names) if names else {}
    if rights is None:
        rights = {name: _described_rights(exam.session, name) for name in names}
    writable = [f"{name} ({listed(right.lower() for right in own)})" for name, own in _writes(rights)]
    details = {"beyond": beyond, "writable": [name for name, _ in _writes(rights)], "needed": least(exam)}
    if not beyond and not writable:
        return ok("nothing beyond reading", **details)
    told = [*([listed(beyond)] if beyond else []), *([f"writing {listed(writable)}"] if writable else [])]
    return warning(f"the user may do more than this needs: {'; '.join(told)}", f"Leave it {_needed(exam)}.", **details)


def least(exam: Exam) -> dict[str, Any]:
    """The least that the pipeline needs, as a permission set would give it."""
    return {
        "system": ["ApiEnabled"],
        "objects": {one.object: ["Read", "ViewAllRecords"] for one in exam.extracts},
        "fields": {one.object: list(one.fields) for one in exam.extracts},
    }


def _needed(exam: Exam) -> str:
    objects = [one.object for one in exam.extracts]
    fields = sum(len(one.fields) for one in exam.extracts)
    reading = (
        f"Read and View All Records on {listed(objects)}, and read access to their {fields:,} fields of MAPPING.md"
    )
    return f"API Enabled, {reading}" if objects else "API Enabled and what each pipeline reads"


def user_permissions(session: Session) -> Mapping[str, bool]:
    """System permissions by name; one that this organization does not know is left out."""
    try:
        return _permissions(session, ASKED)
    except RequestRefused:
        found: dict[str, bool] = {}
        for name in ASKED:
            try:
                found |= _permissions(session, (name,))
            except RequestRefused:
                continue
        return found


def _permissions(session: Session, names: Iterable[str]) -> dict[str, bool]:
    fields = {name: f"Permissions{name}" for name in names}
    asked = f"SELECT {', '.join(fields.values())} FROM UserPermissionAccess"  # noqa: S608 (names of this module)
    rows = session.get("query", {"q": asked})["records"]
    return {name: any(row[field] for row in rows) for name, field in fields.items()}


def object_rights(session: Session, names: Iterable[str]) -> dict[str, frozenset[str]] | None:
    """Object → rights that any of the user's permission sets gives; None where the user may not know."""
    quoted = ", ".join(f"'{name}'" for name in names)
    try:
        user = str(session.get(session.base)["identity"]).rpartition("/")[2]
        sets = _rows(session, f"SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = '{user}'")  # noqa: S608
        parents = ", ".join(f"'{row['PermissionSetId']}'" for row in sets)
        columns = ", ".join(f"Permissions{right}" for right in RIGHTS)
        rows = _rows(
            session,
            f"SELECT SobjectType, {columns} FROM ObjectPermissions "  # noqa: S608 (names of the package)
            f"WHERE ParentId IN ({parents}) AND SobjectType IN ({quoted})",
        )
    except (RequestRefused, PermissionMissing, KeyError):
        return None
    found: dict[str, frozenset[str]] = {}
    for row in rows:
        own = frozenset(right for right in RIGHTS if row[f"Permissions{right}"])
        found[row["SobjectType"]] = found.get(row["SobjectType"], frozenset()) | own
    return found


def _rows(session: Session, soql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = session.get("query", {"q": soql})["records"]
    return rows


def _described_rights(session: Session, name: str) -> frozenset[str]:
    described = describe(session, name)
    return frozenset(right for right, key in WRITES.items() if described.get(key))


def _writes(rights: Mapping[str, frozenset[str]]) -> list[tuple[str, list[str]]]:
    own = {name: [right for right in (*WRITES, "ModifyAllRecords") if right in held] for name, held in rights.items()}
    return [(name, held) for name, held in sorted(own.items()) if held]

"""What the integration user may do, as SOQL tells it: permission sets, their assignments and object permissions."""

from collections.abc import Iterable, Iterator

from durable_sandbox import ids
from durable_sandbox.errors import ApiError
from durable_sandbox.generate import NULL, Row
from durable_sandbox.journal import Journal
from durable_sandbox.objects import ObjectType, parse_fields
from durable_sandbox.store import Store, Table

USER = (
    "ApiEnabled", "ApiUserOnly", "ViewSetup", "ViewAllData", "ModifyAllData", "CustomizeApplication", "AuthorApex",
    "ManageUsers", "ModifyMetadata", "ManageProfilesPermissionsets", "BulkApiHardDelete",
)  # fmt: skip
"""System permissions, as the fields that are called after them: PermissionsApiEnabled and so on."""

OBJECT = ("Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")
GIVEN = frozenset({"ApiEnabled", "ApiUserOnly", "ViewSetup", "ViewAllData"})
"""What the user has at first: all that reading everything takes, and no more."""

UNGOVERNED = frozenset({"User"})
"""Objects that permission sets say nothing about."""

_SETUP = ("permissionset", "permissionsetassignment", "objectpermissions")
# What a wider permission brings with it on every object.
_BRINGS = {"ViewAllData": ("ViewAllRecords",), "ModifyAllData": OBJECT}
_KEY = "Id | {0} ID | id | null | system\n"
_STAMPED = "SystemModstamp | System Modstamp | datetime | null | system\n"


def _flags(names: Iterable[str]) -> str:
    return "".join(f"Permissions{name} | {name} | boolean | null | system\n" for name in names)


ACCESS = ObjectType(
    "UserPermissionAccess", "User Permission Access", "User Permission Access", "0PA",
    parse_fields(_KEY.format("User Permission Access") + _flags(USER)),
)  # fmt: skip
SET = ObjectType(
    "PermissionSet", "Permission Set", "Permission Sets", "0PS",
    parse_fields(
        _KEY.format("Permission Set")
        + "Name | Permission Set Name | string 80 | null | system name\n"
        + "Label | Permission Set Label | string 80 | null | system\n"
        + "IsOwnedByProfile | Is Owned By Profile | boolean | null | system\n"
        + "IsCustom | Is Custom | boolean | null | system\n"
        + _flags(USER)
        + _STAMPED
    ),
)  # fmt: skip
ASSIGNMENT = ObjectType(
    "PermissionSetAssignment", "Permission Set Assignment", "Permission Set Assignments", "0Pa",
    parse_fields(
        _KEY.format("Assignment")
        + "PermissionSetId | PermissionSet ID | reference PermissionSet PermissionSet | null | system\n"
        + "AssigneeId | Assignee ID | reference User Assignee | null | system\n"
        + "IsActive | Is Active | boolean | null | system\n"
        + _STAMPED
    ),
)  # fmt: skip
RIGHTS = ObjectType(
    "ObjectPermissions", "Object Permissions", "Object Permissions", "110",
    parse_fields(
        _KEY.format("ObjectPermissions")
        + "ParentId | Parent ID | reference PermissionSet Parent | null | system\n"
        + "SobjectType | SObject Type Name | string 40 | null | system\n"
        + _flags(OBJECT)
        + _STAMPED
    ),
)  # fmt: skip

_PROFILE, _GRANTED = ids.make("0PS", 1), ids.make("0PS", 2)
_MOMENT = "2026-01-05T08:00:00Z"


class Permissions:
    """The integration user's permissions: its profile allows to log in, one permission set gives all the rest."""

    def __init__(self, store: Store, journal: Journal, user: str) -> None:
        self.store, self.journal, self.user = store, journal, user
        self.given: set[str] = set(GIVEN)
        journal.handlers["permissions"] = self._replay

    def change(self, give: Iterable[str], take: Iterable[str]) -> None:
        """Give and take permissions, `ModifyAllData` or `Contact.Edit`, and note it in the journal."""
        order = {"give": [self._known(name) for name in give], "take": [self._known(name) for name in take]}
        self._replay(order)
        self.journal.entry("permissions", order)

    def table(self, name: str) -> Table | None:
        """One of the objects that tell permissions, made for one query; None for any other object.

        Those of Setup are hidden from a user without View Setup and Configuration.
        """
        kind = name.lower()
        if kind == ACCESS.name.lower():
            return Table(ACCESS, [("000000000000000AAA", *self._user_flags(self.given))])
        if kind not in _SETUP or "ViewSetup" not in self.given:
            return None
        return {"permissionset": self._sets, "permissionsetassignment": self._assignments}.get(kind, self._rights)()

    def _replay(self, order: dict[str, list[str]]) -> None:
        self.given |= set(order["give"])
        self.given -= set(order["take"])

    def _known(self, name: str) -> str:
        owner, _, right = name.rpartition(".")
        table = self.store.tables.get(owner.lower()) if owner else None
        if name in USER:
            return name
        if table is not None and right in OBJECT[1:]:
            return f"{table.kind.name}.{right}"
        known = f"{', '.join(USER)}, or OBJECT.RIGHT with one of {', '.join(OBJECT[1:])}"
        raise ApiError(400, "INVALID_REQUEST", f"there is no permission {name!r}; known: {known}")

    def _user_flags(self, given: Iterable[str]) -> Iterator[str]:
        held = set(given)
        return (_word(name in held) for name in USER)

    def _sets(self) -> Table:
        profile = (_PROFILE, "X00eHs000001", NULL, "true", "false", *self._user_flags(("ApiEnabled",)), _MOMENT)
        granted = (_GRANTED, "Integration", "Integration", "false", "true", *self._user_flags(self.given), _MOMENT)
        return Table(SET, [profile, granted])

    def _assignments(self) -> Table:
        rows = (
            (ids.make("0Pa", number), one, self.user, "true", _MOMENT)
            for number, one in enumerate((_PROFILE, _GRANTED), 1)
        )
        return Table(ASSIGNMENT, list(rows))

    def _rights(self) -> Table:
        wide = {right for name, brought in _BRINGS.items() if name in self.given for right in brought}
        return Table(RIGHTS, list(self._rights_of(wide)))

    def _rights_of(self, wide: set[str]) -> Iterator[Row]:
        for number, table in enumerate(self.store.listed(), 1):
            name = table.kind.name
            if name in UNGOVERNED:
                continue
            own = {"Read", *wide, *(right for right in OBJECT if f"{name}.{right}" in self.given)}
            yield (ids.make("110", number), _GRANTED, name, *(_word(right in own) for right in OBJECT), _MOMENT)


def _word(value: bool) -> str:
    return "true" if value else "false"

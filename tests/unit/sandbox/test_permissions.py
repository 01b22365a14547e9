"""What the integration user may do is told by SOQL as at Salesforce, and outlives a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_sandbox.clock import Clock
from durable_sandbox.errors import ApiError
from durable_sandbox.journal import Journal
from durable_sandbox.permissions import OBJECT, USER, Permissions
from durable_sandbox.store import Store, Table

STORE = Store(rows=5, seed=1)


def permissions(path: Path | None = None) -> Permissions:
    journal = Journal(path)
    made = Permissions(STORE, journal, "005Hs0000000001IAA")
    journal.replay(STORE, Clock())
    return made


def flags(table: Table | None, row: int = 0) -> set[str]:
    assert table is not None
    values = zip(table.kind.positions, table.rows[row], strict=True)
    return {name.removeprefix("Permissions") for name, value in values if value == "true"}


def rights(of: Permissions, name: str) -> set[str]:
    table = of.table("ObjectPermissions")
    assert table is not None
    place = table.kind.positions["SobjectType"]
    return flags(table, next(number for number, row in enumerate(table.rows) if row[place] == name))


def test_the_user_reads_everything_and_writes_nothing_at_first() -> None:
    found = permissions()
    assert flags(found.table("userpermissionaccess")) == {"ApiEnabled", "ApiUserOnly", "ViewSetup", "ViewAllData"}
    assert rights(found, "Contact") == {"Read", "ViewAllRecords"}
    assert found.table("Account") is None
    sets = found.table("PermissionSet")
    assert sets is not None
    assert [row[3] for row in sets.rows] == ["true", "false"]  # the profile's own set, and the one that gives the rest
    assignments = found.table("PermissionSetAssignment")
    assert assignments is not None
    assert [row[1] for row in assignments.rows] == [row[0] for row in sets.rows]


def test_what_is_given_and_taken_shows_and_comes_back_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "changes.ndjson"
    found = permissions(path)
    found.change(["AuthorApex", "contact.Edit"], ["ViewAllData"])
    found.journal.close()
    again = permissions(path)
    again.journal.close()
    for one in (found, again):
        assert flags(one.table("UserPermissionAccess")) == {"ApiEnabled", "ApiUserOnly", "ViewSetup", "AuthorApex"}
        assert rights(one, "Contact") == {"Read", "Edit"}
        assert rights(one, "Account") == {"Read"}


def test_modifying_all_data_brings_every_right_on_every_object() -> None:
    found = permissions()
    found.change(["ModifyAllData"], [])
    assert rights(found, "Lead") == set(OBJECT)


def test_without_view_setup_only_the_users_own_permissions_are_told() -> None:
    found = permissions()
    found.change([], ["ViewSetup"])
    assert found.table("PermissionSet") is found.table("ObjectPermissions") is None
    assert "ViewAllData" in flags(found.table("UserPermissionAccess"))


@pytest.mark.parametrize("name", ["Fly", "Contact.Fly", "Nothing__c.Edit", "Contact.Read", ""])
def test_an_unknown_permission_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(ApiError, match="no permission") as caught:
        permissions().change([name], [])
    assert all(one in caught.value.message for one in USER)

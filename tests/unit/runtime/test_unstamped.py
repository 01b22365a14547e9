"""What moves without a stamp: which parents can be followed, what is asked of Salesforce, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from durable_runtime.job import Job
from durable_runtime.spec import Extract
from durable_runtime.unstamped import Compared, Parent, children, children_by_id, due, moves, parents, remember
from durable_runtime.windows import Plan, Window

LO, HI = datetime(2026, 11, 21, 1, 50, tzinfo=UTC), datetime(2026, 11, 22, 2, 0, 1, tzinfo=UTC)
STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")


def field(name: str, relationship: str | None = None, *to: str, calculated: bool = False) -> dict[str, Any]:
    """A described field."""
    return {"name": name, "relationshipName": relationship, "referenceTo": list(to), "calculated": calculated}


DESCRIBED = {
    "Contact": [
        field("Id"), field("AccountId", "Account", "Account"), field("OwnerId", "Owner", "Group", "User"),
        field("HiddenId", "Hidden", "Hidden__c", "User"), field("LogId", "Log", "Log__c", "User"),
        field("WhatId", "What", "Account", "User", "Team__c", "Log__c", "Group"),
        field("Team__c", "Team__r", "Team__c"), field("Log__c", "Log__r", "Log__c"),
    ],
    "Account": [
        field("Name"), field("Score__c", calculated=True), field("OwnerId", "Owner", "User"), *map(field, STAMPS),
    ],
    "User": [field("Name"), *map(field, STAMPS)],
    "Team__c": [field("Name"), *map(field, STAMPS[1:])],
    "Group": [field("Email", calculated=True), field("Name"), *map(field, STAMPS)],
    "Log__c": [field("Name"), field("CreatedDate")],
    "Hidden__c": [],
}  # fmt: skip
ACCOUNT = Parent("Account", "AccountId", (("Account", "SystemModstamp"),))
OWNER = Parent("Account.Owner", "Account.OwnerId", (("User", "SystemModstamp"),))


def contact(*lookups: str, **more: Any) -> Extract:
    """An extract with lookups, as today's packages have it."""
    given: dict[str, Any] = {"follows": True, "lookups": lookups, **more}
    return Extract(
        object="Contact",
        fields=("Id", "SystemModstamp", "IsDeleted", "Name"),
        soql=lambda fields: f"SELECT {', '.join(fields)} FROM Contact",
        cursor="SystemModstamp",
        requirements=("R1",),
        **given,
    )


def followed(one: Extract) -> tuple[Parent, ...] | None:
    return parents(one, DESCRIBED.__getitem__)


def test_each_step_of_a_path_is_a_parent_once() -> None:
    assert followed(contact("Account.Name", "Account.Owner.Name")) == (ACCOUNT, OWNER)
    assert followed(contact()) == ()


def test_a_parent_without_the_usual_stamp_is_followed_by_the_next_best() -> None:
    assert followed(contact("Team__r.Name")) == (Parent("Team__r", "Team__c", (("Team__c", "LastModifiedDate"),)),)


def test_a_reference_to_several_objects_is_followed_by_the_ids_of_those_that_are_shown() -> None:
    both = Parent("Owner", "OwnerId", (("Group", "SystemModstamp"), ("User", "SystemModstamp")), several=True)
    assert followed(contact("Owner.Name")) == (both,)
    assert followed(contact("Hidden.Name")) == (
        Parent("Hidden", "HiddenId", (("User", "SystemModstamp"),), several=True),
    )
    plan = Plan(contact("Owner.Name"), ("Id", "Owner.Name"), Window(LO, HI))
    assert children(plan, (both,)) == (
        "SELECT Id, Owner.Name FROM Contact WHERE IsDeleted = false AND ((OwnerId != null AND Owner.Id = null))"
    )
    ids = [f"{at:018d}" for at in range(201)]
    first, second = children_by_id(plan, {"OwnerId": ids})
    start = "SELECT Id, Owner.Name FROM Contact WHERE IsDeleted = false AND OwnerId IN ("
    assert first == start + ", ".join(f"'{one}'" for one in ids[:200]) + ")"
    assert second == f"{start}'{ids[200]}')"
    assert list(children_by_id(plan, {"OwnerId": []})) == []


UNFOLLOWED = {
    "a parent without a stamp": ("Log__r.Name",),
    "a reference to very many objects": ("What.Name",),
    "a step behind a reference to several objects": ("Owner.Manager.Name",),
    "a formula of one of several objects": ("Owner.Email",),
    "one of several objects without a stamp": ("Log.Name",),
    "a parent's formula": ("Account.Score__c",),
    "a parent's field that is not shown": ("Account.Gone__c",),
    "a relationship that is not shown": ("Gone__r.Name",),
    "one of several": ("Account.Name", "Account.Score__c"),
}


@pytest.mark.parametrize("paths", UNFOLLOWED.values(), ids=UNFOLLOWED)
def test_an_object_is_read_whole_for(paths: tuple[str, ...]) -> None:
    assert followed(contact(*paths)) is None
    assert moves(contact(*paths), None)


def test_a_package_of_before_reads_an_object_with_lookups_whole() -> None:
    assert followed(contact("Account.Name", follows=False)) is None
    assert followed(contact(follows=False)) == ()


def test_an_object_is_read_whole_for_a_formula_in_a_rule_and_for_the_day() -> None:
    assert not moves(contact(), ())
    assert not moves(contact(formulas=("Score__c",), needed=("Name",)), ())
    assert moves(contact(formulas=("Score__c",), needed=("Name", "Score__c")), ())
    assert moves(contact(moves=True), ())


def test_children_of_changed_and_of_unseen_parents_are_asked_for() -> None:
    plan = Plan(contact("Account.Name", "Account.Owner.Name"), ("Id", "Account.Name"), Window(LO, HI))
    assert children(plan, (ACCOUNT, OWNER)) == (
        "SELECT Id, Account.Name FROM Contact WHERE IsDeleted = false AND ("
        "(Account.SystemModstamp >= 2026-11-21T01:50:00.000Z AND Account.SystemModstamp < 2026-11-22T02:00:01.000Z) OR "
        "(Account.Owner.SystemModstamp >= 2026-11-21T01:50:00.000Z AND "
        "Account.Owner.SystemModstamp < 2026-11-22T02:00:01.000Z) OR "
        "(AccountId != null AND Account.Id = null) OR (Account.OwnerId != null AND Account.Owner.Id = null))"
    )


def test_children_that_have_no_recycle_bin_are_asked_for_without_it() -> None:
    one = replace(contact("Account.Name"), fields=("Id", "SystemModstamp"))
    plan = Plan(one, ("Id",), Window(LO, HI))
    assert children(plan, (ACCOUNT,)).startswith("SELECT Id FROM Contact WHERE ((Account.SystemModstamp >= ")


@pytest.mark.parametrize(
    ("checked", "changed", "rejected", "many"),
    [(100, 20, 0, False), (100, 21, 0, True), (100, 15, 6, True), (10**7, 40_000, 0, False), (10**7, 40_001, 0, True)],
)
def test_an_object_is_read_whole_where_more_than_a_fifth_or_very_many_differ(
    checked: int, changed: int, rejected: int, many: bool
) -> None:
    ids = [f"{at:05d}" for at in range(changed)], [f"r{at:05d}" for at in range(rejected)]
    found = Compared(checked, *map(tuple, ids))
    assert (len(found.ids), found.many) == (changed + rejected, many)


def test_a_record_that_differs_and_is_rejected_is_read_once() -> None:
    assert Compared(9, ("3", "1"), ("1", "2")).ids == ("1", "2", "3")


def job(when: str, state: Path, started: datetime = HI, profile: str = "local") -> Job:
    """As much of a run as tells when formulas are due."""
    policies = SimpleNamespace(formula_refresh=when)
    options = SimpleNamespace(again=None)
    parts = {
        "pipeline": SimpleNamespace(name="customers", policies=policies),
        "profile": SimpleNamespace(name=profile, state=state),
        "summary": SimpleNamespace(started_at=started),
        "fresh": {"Account"},
        "hidden": {},
        "options": options,
    }
    return cast(Job, SimpleNamespace(**parts))


def test_every_run_and_never_need_no_memory(tmp_path: Path) -> None:
    for when, expected in (("every_run", True), ("never", False)):
        remember(job(when, tmp_path))
        assert due(job(when, tmp_path), "Account") is expected
    assert not list(tmp_path.iterdir())


def test_nightly_is_the_first_run_twenty_hours_after_the_last_of_the_profile(tmp_path: Path) -> None:
    assert due(job("nightly", tmp_path), "Account")
    remember(job("nightly", tmp_path))
    assert not due(job("nightly", tmp_path, HI + timedelta(hours=19, minutes=59)), "Account")
    assert due(job("nightly", tmp_path, HI + timedelta(hours=20)), "Account")
    assert due(job("nightly", tmp_path), "Contact")
    assert due(job("nightly", tmp_path, profile="other"), "Account")

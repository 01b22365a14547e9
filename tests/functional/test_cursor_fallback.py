"""An object without SystemModstamp is read by the best stamp that it has, and whole by every run if it has none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functional.project import Project, Sandbox, sandbox

SPEC = """# Logins

- R1.1 Syncs LoginHistory from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R2.1 Writes to Snowflake table customer_data
"""
NEW = {"UserId": "005000000000001AAA", "LoginType": "Application", "SourceIp": "10.0.0.1", "Status": "Success"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Sandbox]]:
    project = Project.make(tmp_path_factory.mktemp("logins") / "project", SPEC)
    with sandbox(project.state, rows=1000) as server:
        server.post("objects", {"show": ["LoginHistory"]})
        yield project, server


def held(project: Project, *columns: str) -> dict[str, Any]:
    """Id → columns of every live row."""
    rows = project.rows("FROM customer_data WHERE NOT is_deleted")
    return {row["source_id"]: tuple(row[one] for one in columns) for row in rows}


def truth(server: Sandbox) -> dict[str, tuple[Any, ...]]:
    return {one["Id"]: (one["Status"], one["SourceIp"] or None) for one in server.truth("LoginHistory")}


def compiled(project: Project) -> str:
    """Discover and compile; the generated extract.py."""
    for arguments in (("discover", "--object", "LoginHistory"), ("compile", "customer_data", "--no-commit")):
        done = project.durable(*arguments)
        assert done.code == 0, done.err + done.out
    return (project.root / "generated" / "customer_data" / "extract.py").read_text(encoding="utf-8")


def read_by(summary: dict[str, Any]) -> int:
    (one,) = summary["objects"]
    return int(one["read"])


def test_logins_are_read_by_their_time_and_those_that_vanish_are_found_by_their_ids(
    world: tuple[Project, Sandbox],
) -> None:
    project, server = world
    text = compiled(project)
    assert 'cursor="LoginTime"' in text
    assert "SystemModstamp" not in text
    assert "IsDeleted" not in text
    first = project.succeed()
    assert read_by(first) == len(truth(server)) > 20
    assert held(project, "status", "source_ip") == truth(server)
    assert all(stamp == when for stamp, when in held(project, "source_modified_at", "login_time").values())
    server.put("records/LoginHistory", [NEW])
    server.post("change", {"object": "LoginHistory", "purge": 2, "seed": 3})
    later = project.succeed()
    assert read_by(later) < read_by(first)
    assert held(project, "status", "source_ip") == truth(server)
    # what an insert-only stamp cannot tell, a full read does: the compile's assumption says so
    one = min(truth(server))
    server.post("drift", {"op": "set", "object": "LoginHistory", "field": "Status", "records": {one: "Failed: again"}})
    project.succeed("--full")
    assert held(project, "status")[one] == ("Failed: again",)
    assert held(project, "status", "source_ip") == truth(server)


def test_an_object_without_any_stamp_is_read_whole_and_every_change_is_seen(
    world: tuple[Project, Sandbox], tmp_path: Path
) -> None:
    logins, server = world
    project = Project.make(tmp_path / "project", SPEC)
    project.state.mkdir(parents=True)
    shutil.copy(logins.state / "url.json", project.state)
    server.post("drift", {"op": "hide", "object": "LoginHistory", "field": "LoginTime"})
    try:
        assert 'cursor=""' in compiled(project)
        project.succeed()
        one = min(truth(server))
        server.post("drift", {"op": "set", "object": "LoginHistory", "field": "Status", "records": {one: "Other"}})
        server.put("records/LoginHistory", [NEW])
        server.post("change", {"object": "LoginHistory", "purge": 1, "seed": 4})
        summary = project.succeed()
        assert read_by(summary) == len(truth(server))
        assert held(project, "status", "source_ip") == truth(server)
        assert [(one["updated"], one["inserted"]) for one in project.succeed()["objects"]] == [(0, 0)]
    finally:
        server.post("drift", {"op": "unhide", "object": "LoginHistory", "field": "LoginTime"})

"""The calls that the sign-off page counts are those that runs make."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from durable_compiler.costs import JOB_SECONDS, ONCE_A_RUN, polls
from durable_compiler.signoff import sign_off
from functional.project import Project, Sandbox, sandbox

SPEC = """# Costs

- R1.1 Syncs Accounts, Contacts and Opportunities from Salesforce
- R1.2 Only syncs Accounts whose Annual Revenue is at least 1 million
- R1.3 Runs nightly at 2:00 AM UTC
- R1.4 Includes the Owner's Email with each Opportunity as owner_email
- R2.1 Writes to DuckDB table customer_data
"""
POLL = "GET /services/data/{version}/jobs/query/{id}"
# The local profile looks whether its sandbox lives before it uses it; no other profile does.
LOOKS = 1


def requests(server: Sandbox) -> Counter[str]:
    """The requests that the server has had, by kind, without those of this test."""
    with urllib.request.urlopen(f"{server.url}/__sandbox__/requests", timeout=60) as answer:
        counted: Mapping[str, int] = json.load(answer)["requests"]
    return Counter({name: count for name, count in counted.items() if "__sandbox__" not in name})


def calls(project: Project, server: Sandbox) -> tuple[int, int]:
    """Requests of one run, its polls apart: how long a job takes is an assumption of the page."""
    before = requests(server)
    project.succeed()
    made = requests(server) - before
    polled = made.pop(POLL, 0)
    return made.total() - LOOKS, polled


def test_the_calls_of_a_run_are_those_that_the_page_counts(tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project", SPEC)
    with sandbox(project.state, rows=2_400) as server:
        project.compiled()
        page, _ = sign_off(project.root, "customer_data")
        assert page.understood is not None
        readings = page.understood.costs.readings
        assert [(one.object, one.whole, one.filtered, one.describes) for one in readings] == [
            ("Account", False, True, 1),
            ("Contact", False, False, 1),
            ("Opportunity", False, False, 2),
        ]
        assert [(one.formulas, one.follows) for one in readings] == [(False, False), (False, False), (True, True)]
        held = {one.object: len(server.truth(one.object)) for one in readings}
        assert held["Contact"] >= 2_000 > held["Account"]  # one comes as a job, the others as queries

        first = ONCE_A_RUN + sum(one.calls(0, held[one.object], first=True) for one in readings)
        made, polled = calls(project, server)
        assert polled >= 1
        assert made == first - polls(JOB_SECONDS)

        unchanged = ONCE_A_RUN + sum(one.calls(0, held[one.object]) for one in readings)
        assert calls(project, server) == (unchanged, 0)

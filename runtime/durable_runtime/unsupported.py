"""What a package may ask for and this runtime does not do yet: one table, read before a run and at every compile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from durable_runtime.errors import RequirementUnsupported
from durable_runtime.spec import Alert, Policies


@dataclass(frozen=True, slots=True)
class Limit:
    """A policy that cannot be honoured: when it is asked for, what that is, and what to write instead.

    `refused` is False for what a run need not do itself and other tools will: it is said, and the run goes on.
    """

    policy: str
    asked: Callable[[Policies], bool]
    what: str
    instead: str
    refused: bool = True
    warehouse: str | None = None  # only there


LEAVE_OUT = "leave the sentence out"
LIMITS = (
    Limit(
        "alerts", lambda one: any(map(_not_sent, one.alerts)), "alerts on drift or stale data",
        "Alerts #data-ops on Slack when a run fails",
    ),
    Limit(
        "max_staleness_seconds", lambda one: one.max_staleness_seconds is not None,
        "a limit to how old the data may get", LEAVE_OUT,
    ),
    Limit(
        "monitoring_days", lambda one: one.monitoring_days is not None, "an end to monitoring data", LEAVE_OUT,
        refused=False,
    ),
    Limit(
        "rejects_days", lambda one: one.rejects_days is not None, "an end to rejected rows", LEAVE_OUT, refused=False,
    ),
    Limit(
        "spec_change_approvals", lambda one: one.spec_change_approvals > 0, "approval of changes to the spec",
        LEAVE_OUT, refused=False,
    ),
    Limit(
        "schema_change_approvals", lambda one: one.schema_change_approvals > 0, "approval of schema changes",
        LEAVE_OUT, refused=False,
    ),
    Limit(
        "deploy_approvals", lambda one: one.deploy_approvals > 0, "approval of deployments", LEAVE_OUT, refused=False,
    ),
    Limit(
        "strategy", lambda one: one.strategy != "in_place" or one.max_diff_ratio is not None, "blue/green deployments",
        LEAVE_OUT, refused=False,
    ),
    Limit(
        "isolation", lambda one: one.isolation != "process", "a container of its own", LEAVE_OUT, refused=False,
    ),
)  # fmt: skip


def _not_sent(alert: Alert) -> bool:
    return alert.on in ("stale", "drift")


def unhonoured(policies: Policies, warehouse: str) -> list[Limit]:
    """The lines of the table that these policies ask for."""
    return [one for one in LIMITS if one.asked(policies) and one.warehouse in (None, warehouse)]


def unsupported(policies: Policies, warehouse: str) -> list[tuple[str, str]]:
    """(requirements, what they ask for) for everything that stops a run before anything is read."""
    return [(policies.behind(one.policy), one.what) for one in unhonoured(policies, warehouse) if one.refused]


def refuse(policies: Policies, warehouse: str) -> None:
    """Raise RequirementUnsupported, naming every requirement that this runtime cannot keep."""
    found = unsupported(policies, warehouse)
    if found:
        named = "; ".join(f"{ids or 'a default'} asks for {what}" for ids, what in found)
        raise RequirementUnsupported(
            f"This runtime cannot keep every requirement: {named}. Nothing was read or written.",
            help="Change these requirements and compile, or run the package with a runtime that keeps them.",
            requirement=", ".join(dict.fromkeys(ids for ids, _ in found if ids)) or None,
        )

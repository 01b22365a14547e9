"""The table of checks, and an examination that carries out those that can be: what each needs must not be broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from durable_compiler.doctor import connection, machine, objects, permissions, target
from durable_compiler.doctor.exam import Exam
from durable_compiler.doctor.findings import PROBLEM, SKIPPED, Finding, failed
from durable_runtime.errors import PipelineError


@dataclass(frozen=True)
class Check:
    """`needs` are checks without which it tells nothing; `scope` is once, or once for each pipeline.

    A check for `any` is carried out for each pipeline, or once where there is none.
    """

    name: str
    look: Callable[[Exam], Finding]
    needs: tuple[str, ...] = ()
    scope: str = "once"


SALESFORCE = ("api_access",)
BOTH = ("api_access", "package")
CHECKS: tuple[Check, ...] = (
    Check("configuration", machine.configuration_of),
    Check("secrets", machine.secrets, ("configuration",)),
    Check("state_folder", machine.state_folder, ("configuration",)),
    Check("api_version", connection.api_version, ("configuration",)),
    Check("log_in", connection.log_in, ("configuration", "secrets", "api_version")),
    Check("served_version", connection.served_version, ("log_in",)),
    Check("api_access", connection.api_access, ("served_version",)),
    Check("clock", connection.clock_of, SALESFORCE),
    Check("package", machine.package_of, (), "pipeline"),
    Check("schedule", machine.schedule, ("package",), "pipeline"),
    Check("objects", objects.visible, BOTH, "pipeline"),
    Check("limits", connection.limits, (*BOTH, "objects"), "any"),
    Check("fields", objects.fields, (*BOTH, "objects"), "pipeline"),
    Check("bulk_api", objects.bulk_api, (*BOTH, "objects"), "pipeline"),
    Check("deletes", objects.deletes, (*BOTH, "objects"), "pipeline"),
    Check("view_all_data", permissions.view_all, BOTH, "any"),
    Check("privileges", permissions.privileges, BOTH, "any"),
    Check("warehouse", target.warehouse, ("configuration", "package"), "pipeline"),
    Check("region", target.region, ("configuration", "package"), "pipeline"),
    Check("organization", target.organization, (*BOTH, "warehouse"), "pipeline"),
)
"""In the order in which they are carried out and told."""


def examine(exam: Exam, names: Sequence[str]) -> Iterator[Finding]:
    """The finding of every check, for these compiled pipelines; none is left out, at most skipped with its reason."""
    with ExitStack() as stack:
        exam.stack = stack
        broken: dict[str, str] = {}
        yield from _all(exam, "once", broken)
        for name in names:
            own = replace(exam, name=name)
            yield from _all(own, "pipeline", dict(broken))
        if not names:
            yield from _all(exam, "none", broken)


def _all(exam: Exam, turn: str, broken: dict[str, str]) -> Iterator[Finding]:
    """The checks of one turn; `broken` says which ones told that nothing further can be seen."""
    for check in CHECKS:
        if check.scope == turn or (check.scope == "any" and turn != "once"):
            found = _one(exam, check, broken)
            if found.status in (PROBLEM, SKIPPED):
                broken[check.name] = found.status
            yield replace(found, check=check.name, pipeline=exam.name)


def _one(exam: Exam, check: Check, broken: dict[str, str]) -> Finding:
    missing = next((one for one in check.needs if one in broken), None)
    if missing is not None:
        return Finding(SKIPPED, f"cannot be told while there is a problem with {missing.replace('_', ' ')}")
    try:
        return check.look(exam)
    except PipelineError as error:
        return failed(error)

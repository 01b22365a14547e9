"""What a check found: a line of evidence, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from durable_runtime.errors import PipelineError

OK, WARNING, PROBLEM, SKIPPED = "ok", "warning", "problem", "skipped"
GRAVITY = (OK, SKIPPED, WARNING, PROBLEM)
CONFIGURATION, PACKAGE, PERMISSION, UNREACHABLE, PERSON = 2, 3, 7, 6, 4
WORST_FIRST = (CONFIGURATION, PACKAGE, PERMISSION, UNREACHABLE, PERSON)


@dataclass(frozen=True)
class Finding:
    """One line: `exit_code` says what kind of problem it is; `details` are for machines, names and numbers only."""

    status: str
    evidence: str
    remedy: str = ""
    exit_code: int = 0
    check: str = ""
    pipeline: str | None = None
    code: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The entry of `doctor --json`."""
        return asdict(self)


def ok(evidence: str, **details: Any) -> Finding:
    """All is well."""
    return Finding(OK, evidence, details=details)


def warning(evidence: str, remedy: str, **details: Any) -> Finding:
    """A run works, but not as it should, or not for long."""
    return Finding(WARNING, evidence, remedy, details=details)


def problem(exit_code: int, evidence: str, remedy: str, **details: Any) -> Finding:
    """A run would fail, or wait for a person."""
    return Finding(PROBLEM, evidence, remedy, exit_code, details=details)


def failed(error: PipelineError) -> Finding:
    """A check that met what would end a run."""
    return Finding(PROBLEM, error.message, error.help, error.exit_code, code=error.code)


def exit_code(findings: Iterable[Finding]) -> int:
    """0 without a problem, else that of the worst: configuration, package, permission, unreachable, a person."""
    codes = {one.exit_code for one in findings if one.status == PROBLEM}
    return next((code for code in WORST_FIRST if code in codes), PERSON if codes else 0)


def worst(findings: Iterable[Finding]) -> str:
    """The gravest status of all."""
    return max((one.status for one in findings), key=GRAVITY.index, default=OK)


def listed(names: Iterable[str], most: int = 6) -> str:
    """`a, b and c`, cut where it gets long."""
    every = list(names)
    shown = every[:most] + ([f"{len(every) - most:,} more"] if len(every) > most else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else "none"

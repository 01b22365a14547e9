"""What the compiler tells a person about their requirements: one frozen value, one table of codes, two renderings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]

CODES: dict[str, str] = {
    "DUR001": "The requirements file cannot be read",
    "DUR002": "The requirements file is not UTF-8 text",
    "DUR003": "A list item has no requirement ID",
    "DUR004": "A requirement ID is malformed",
    "DUR005": "A requirement ID is used twice",
    "DUR006": "A retired requirement ID is used again",
    "DUR007": "Hidden or direction-changing character",
    "DUR008": "A requirement needs clarification",
    "DUR009": "A requirement has no text",
    "DUR010": "The file holds no requirement",
    "DUR011": "There is no schema snapshot",
    "DUR012": "The schema snapshot cannot be read",
    "DUR013": "The file name is not a pipeline name",
    "DUR014": "The lock file cannot be read",
    "DUR020": "The sentence is not understood",
    "DUR021": "The sentence can be read in two ways",
    "DUR022": "A negation that no rule expresses",
    "DUR023": "A hedge or exception that no rule expresses",
    "DUR030": "Unknown Salesforce object",
    "DUR031": "Unknown Salesforce field",
    "DUR032": "A field name that several synced objects have",
    "DUR033": "Unknown picklist value",
    "DUR034": "An object that the spec does not sync",
    "DUR035": "No field serves as the external ID",
    "DUR036": "An object that cannot be queried",
    "DUR040": "Impossible time of day",
    "DUR041": "Time of day without AM, PM or a time zone",
    "DUR042": "A schedule without a time of day",
    "DUR043": "Ambiguous time zone abbreviation",
    "DUR044": "A schedule that cron cannot express",
    "DUR045": "Unknown time zone",
    "DUR050": "An unsupported system",
    "DUR051": "An alert without a recipient",
    "DUR052": "An alert without an event",
    "DUR053": "A number out of range",
    "DUR060": "Two requirements contradict each other",
    "DUR061": "Two schedules",
    "DUR062": "Two targets",
    "DUR063": "The spec syncs nothing",
    "DUR064": "A weekly rule in another time zone than the schedule",
    "DUR070": "A sentence would now bind to something else",
    "DUR080": "No schedule or no target",
    "DUR081": "A sentence that this version cannot run yet",
    "DUR082": "Two fields would share a column",
    "DUR083": "A table name that cannot be used",
}


@dataclass(frozen=True)
class Span:
    """Where something stands: 1-based, columns in code points, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True)
class Diagnostic:
    """One finding: what happened, where, and what to do."""

    code: str
    severity: Severity
    message: str
    requirement: str | None
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    help: str
    suggestions: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The object that every command prints for machines."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "requirement": self.requirement,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "end_line": self.end_line,
            "end_column": self.end_column,
            "help": self.help,
            "suggestions": list(self.suggestions),
        }

    def render(self, source: str | None = None) -> str:
        """The text for a terminal: position, source line with carets, help, suggestions."""
        head = f"{self.file}:{self.line}:{self.column}: {self.severity} {self.code}: {self.message}"
        lines = [head + (f" ({self.requirement})" if self.requirement else ""), *self._excerpt(source)]
        lines += [f"  help: {self.help}"] if self.help else []
        lines += [f"  did you mean: {', '.join(self.suggestions)}"] if self.suggestions else []
        return "\n".join(lines)

    def _excerpt(self, source: str | None) -> list[str]:
        rows = source.splitlines() if source is not None else []
        if not 1 <= self.line <= len(rows):
            return []
        row = rows[self.line - 1]
        end = self.end_column if self.end_line == self.line else len(row) + 1
        carets = "^" * max(1, end - self.column)
        margin = f"{self.line:>5} | "
        return [margin + row, " " * (len(margin) - 2) + "| " + " " * (self.column - 1) + carets]


def error(
    code: str,
    message: str,
    file: str,
    span: Span,
    *,
    requirement: str | None = None,
    help: str = "",
    suggestions: Sequence[str] = (),
) -> Diagnostic:
    """An error at a span; the code must stand in the table."""
    assert code in CODES, code
    return Diagnostic(
        code, "error", message, requirement, file,
        span.line, span.column, span.end_line, span.end_column, help, tuple(suggestions),
    )  # fmt: skip


def in_source_order(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Diagnostics as a reader meets them."""
    return sorted(diagnostics, key=lambda d: (d.file, d.line, d.column, d.code, d.message))

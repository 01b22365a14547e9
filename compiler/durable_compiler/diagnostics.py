"""What the compiler tells a person about their requirements: one frozen value, one table of codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
    "DUR015": "An object that is known by name only",
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
    "DUR037": "An amount of money without a currency",
    "DUR038": "Values of different types",
    "DUR039": "A related object that cannot be reached",
    "DUR040": "Impossible time of day",
    "DUR041": "Time of day without AM, PM or a time zone",
    "DUR042": "A schedule without a time of day",
    "DUR043": "Ambiguous time zone abbreviation",
    "DUR044": "A schedule that cron cannot express",
    "DUR045": "Unknown time zone",
    "DUR046": "Impossible date",
    "DUR050": "An unsupported system",
    "DUR051": "An alert without a recipient",
    "DUR052": "An alert without an event",
    "DUR053": "A number out of range",
    "DUR054": "Unknown region",
    "DUR055": "A share outside 0 to 100 percent",
    "DUR056": "A condition that no value can meet, or every value meets",
    "DUR057": "A rule about a field that the spec leaves out",
    "DUR060": "Two requirements contradict each other",
    "DUR061": "Two schedules",
    "DUR062": "Two targets",
    "DUR063": "The spec syncs nothing",
    "DUR064": "A weekly rule in another time zone than the schedule",
    "DUR065": "Requirements of two kinds contradict each other",
    "DUR070": "A sentence would now bind to something else",
    "DUR071": "A lock entry is stale",
    "DUR072": "A lock entry fails its gates",
    "DUR080": "No schedule or no target",
    "DUR081": "A sentence that this version cannot run yet",
    "DUR082": "Two fields would share a column",
    "DUR083": "A table or column name that cannot be used",
    "DUR090": "The file is not in its normal form",
}


@dataclass(frozen=True)
class Span:
    """Where something stands: 1-based, columns in code points, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True)
class Fix:
    """The text that takes the place of a span and is surely meant; an empty span is an insertion."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True)
class Near:
    """A known name that looks like what was written, 0 to 100 alike."""

    text: str
    score: int


@dataclass(frozen=True)
class Diagnostic:
    """One finding: what happened, where, and what to do.

    `note` says what was understood and what was not, `sentences` compile as they stand, `fix` may be applied unseen.
    """

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
    note: str = ""
    near: tuple[Near, ...] = ()
    sentences: tuple[str, ...] = ()
    fix: Fix | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that every command prints for machines; `suggestions` ends with the sentences."""
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
            "suggestions": list(dict.fromkeys((*self.suggestions, *self.sentences))),
            "note": self.note,
            "near": [asdict(one) for one in self.near],
            "sentences": list(self.sentences),
            "fix": None if self.fix is None else asdict(self.fix),
        }

    def render(self, source: str | None = None) -> str:
        """The text for a terminal."""
        from durable_compiler.renderings import as_text

        return as_text(self, source)


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

"""Bulk API 2.0 query jobs and their states."""

from dataclasses import dataclass, field

from durable_sandbox.evaluate import Selection

WORKING_SECONDS = 0.05
"""How long a job shows InProgress: enough for a client to have to poll, little enough not to slow tests."""


@dataclass
class Job:
    """One query job; its rows are those of the moment of creation."""

    id: str
    operation: str
    selection: Selection
    version: str
    delimiter: str
    ending: str
    created: str
    created_by: str
    started: float
    state: str = "UploadComplete"

    def advance(self, now: float) -> str:
        """The state at this moment of a monotonic clock; the first look always sees a working job."""
        if self.state == "UploadComplete":
            self.state = "InProgress"
        elif self.state == "InProgress" and now - self.started >= WORKING_SECONDS:
            self.state = "JobComplete"
        return self.state


@dataclass
class Jobs:
    """The jobs of the organisation."""

    known: dict[str, Job] = field(default_factory=dict)
    created: int = 0

    def next_number(self) -> int:
        """The number of the next job."""
        self.created += 1
        return self.created

"""Bulk query jobs and their states, of API 2.0 and of the older 1.0."""

from dataclasses import dataclass, field

from durable_sandbox.evaluate import Selection

WORKING_SECONDS = 0.05
"""How long a job shows InProgress: enough for a client to have to poll, little enough not to slow tests."""


@dataclass
class Fate:
    """How a job ends that a fault got hold of: after so many more looks at it, or never where `polls` is None."""

    state: str = "JobComplete"
    message: str = ""
    polls: int | None = 0


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
    fate: Fate = field(default_factory=Fate)

    def advance(self, now: float) -> str:
        """The state at this moment of a monotonic clock; the first look always sees a working job."""
        if self.state == "UploadComplete":
            self.state = "InProgress"
        elif self.state == "InProgress" and now - self.started >= WORKING_SECONDS and not self._stuck():
            self.state = self.fate.state
        return self.state

    def _stuck(self) -> bool:
        """Whether a fault keeps the job working; it counts the looks that it has left."""
        if not self.fate.polls:
            return self.fate.polls is None
        self.fate.polls -= 1
        return True


@dataclass
class Batch:
    """One query of a Bulk API 1.0 job; its rows are those of the moment it was added."""

    id: str
    created: str
    state: str = "Queued"
    message: str = ""
    selection: Selection | None = None


@dataclass
class BatchJob:
    """A Bulk API 1.0 job: open for batches until it is closed."""

    id: str
    operation: str
    object: str
    content: str
    version: str
    created: str
    created_by: str
    state: str = "Open"
    batches: dict[str, Batch] = field(default_factory=dict)


_FIRST_BATCH_JOB = 1_000_000_000
"""Jobs of both APIs have the prefix 750: theirs are numbered from here, so that no two share an Id."""


@dataclass
class Jobs:
    """The jobs of the organisation."""

    known: dict[str, Job] = field(default_factory=dict)
    created: int = 0
    batched: dict[str, BatchJob] = field(default_factory=dict)
    batches: int = 0

    def next_number(self) -> int:
        """The number of the next job."""
        self.created += 1
        return self.created

    def next_batched_number(self) -> int:
        """The number of the next Bulk API 1.0 job."""
        return _FIRST_BATCH_JOB + len(self.batched)

"""What checks look at and share: the project, the profile once it is read, the session once it is open."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from durable_runtime.clock import SYSTEM, Clock
from durable_runtime.configuration import Profile, SalesforceSettings
from durable_runtime.salesforce.session import Session
from durable_runtime.spec import Extract, Pipeline, Retry

TRIES = Retry(max_attempts=2, backoff="exponential", max_elapsed_seconds=20, classes=("rate_limit", "network"))
"""Who asks what is the matter does not wait a quarter of an hour for the answer."""


def free_bytes(path: Path) -> int:
    """Room on the disk of an existing path."""
    return shutil.disk_usage(path).free


@dataclass
class Exam:
    """An examination of a project in one profile; `name` is the pipeline that it is about just now."""

    root: Path
    config: Path | None
    profile_name: str | None
    load: Callable[[str], Pipeline]
    clock: Clock = SYSTEM
    free: Callable[[Path], int] = free_bytes
    name: str | None = None
    stack: ExitStack = field(default_factory=ExitStack)
    found_profile: Profile | None = None
    found_settings: SalesforceSettings | None = None
    found_session: Session | None = None
    loaded: dict[str, Pipeline] = field(default_factory=dict)

    @property
    def profile(self) -> Profile:
        """The profile, for checks that need the configuration."""
        assert self.found_profile is not None
        return self.found_profile

    @property
    def session(self) -> Session:
        """The session, for checks that need the log-in."""
        assert self.found_session is not None
        return self.found_session

    @property
    def pipeline(self) -> Pipeline:
        """The compiled pipeline, for checks that need the package."""
        assert self.name is not None
        return self.loaded[self.name]

    @property
    def extracts(self) -> tuple[Extract, ...]:
        """The pipeline's objects; none where there is no pipeline."""
        return self.pipeline.extracts if self.name is not None else ()

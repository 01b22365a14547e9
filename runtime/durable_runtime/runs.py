"""A run's own record: its id, its folder, run.json, and the summary that is printed last."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from durable_runtime.errors import SUCCEEDED, PipelineError
from durable_runtime.events import condensed, told

COUNTED = ("inserted", "updated", "deleted", "unchanged", "skipped", "rejected", "duplicates", "deleted_for_good")


def stamp(moment: datetime) -> str:
    """`2026-11-22T02:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Summary:
    """What a run did, in the shape of the JSON object that `run --json` prints."""

    run_id: str | None
    pipeline: str
    version: str
    started_at: datetime
    status: str = SUCCEEDED
    objects: list[dict[str, Any]] = field(default_factory=list)
    auto_fixes: dict[str, int] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    error: PipelineError | None = None
    finished_at: datetime | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def found(self) -> int:
        """Records that are new or differ, over all objects."""
        return sum(one["found"] for one in self.objects)

    @property
    def exit_code(self) -> int:
        """The exit code that belongs to the outcome."""
        return self.error.exit_code if self.error else 0

    def fixed(self, code: str) -> None:
        """Count a repair that the run made by itself."""
        self.auto_fixes[code] = self.auto_fixes.get(code, 0) + 1

    def event(self, code: str, **facts: Any) -> None:
        """Note something that a person may want to know; facts are names and numbers, never record values."""
        self.events.append({"code": code, **facts})
        sentence = told(code, facts)
        if sentence:
            self.notes.append(sentence)

    def as_json(self) -> dict[str, Any]:
        """The object that is printed and kept."""
        error = self.error
        return {
            "run_id": self.run_id,
            "pipeline": self.pipeline,
            "version": self.version,
            "status": self.status,
            "objects": self.objects,
            "auto_fixes": [{"code": code, "count": count} for code, count in sorted(self.auto_fixes.items())],
            "error": error and {"code": error.code, "family": error.family, "message": str(error)},
            "started_at": stamp(self.started_at),
            "finished_at": stamp(self.finished_at) if self.finished_at else None,
        }

    def finish(self, error: PipelineError | None, now: datetime) -> None:
        """Settle the outcome."""
        self.error, self.finished_at = error, now
        self.status = error.status if error else SUCCEEDED


class RunFolder:
    """`.durable/runs/<run_id>`: run.json stays, landed and staged files go when the run ends."""

    def __init__(self, state: Path, now: datetime, pipeline: str) -> None:
        self.runs = state / "runs"
        # Milliseconds come before what tells equal ones apart, so that ids sort as the runs began.
        self.run_id = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{now.microsecond // 1000:03x}{secrets.randbelow(4096):03x}"
        self.path = self.runs / self.run_id
        self.files = self.path / "files" / pipeline

    def open(self) -> None:
        """Make the folder private, after removing files that a killed run of this pipeline left; needs its lock."""
        for left in self.runs.glob(f"*/files/{self.files.name}"):
            shutil.rmtree(left.parent, ignore_errors=True)
        self.runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.path, self.files.parent, self.files):
            folder.mkdir(mode=0o700)

    def discard(self) -> None:
        """Leave no trace of a run that never began."""
        shutil.rmtree(self.path, ignore_errors=True)

    def close(self, summary: Summary) -> None:
        """Write run.json in one step and remove the landed and staged files."""
        shutil.rmtree(self.files.parent, ignore_errors=True)
        self.write(summary)

    def write(self, summary: Summary) -> None:
        """Replace run.json atomically."""
        text = json.dumps({**summary.as_json(), "events": summary.events, "notes": summary.notes}, indent=2)
        draft = self.path / "run.json.new"
        draft.write_text(text + "\n", encoding="utf-8")
        os.replace(draft, self.path / "run.json")


def lines(summary: Summary) -> Iterator[str]:
    """The summary for a person: one line an object, then the one that counts."""
    for one in summary.objects:
        counts = ", ".join(f"{one[key]:,} {key.replace('_', ' ')}" for key in COUNTED if one.get(key))
        yield f"  {one['name']:<22} {one['read']:>9,} read   {counts or 'nothing new'}"
    yield from (f"  {note}" for note in condensed(summary.notes, f"the record of run {summary.run_id}"))
    if summary.error is None:
        yield f"Found {summary.found:,} updated records"
    yield f"Run {summary.run_id or '-'} {summary.status}"
    if summary.error is not None:
        yield f"{summary.error.code}: {summary.error.message}"
        if summary.error.help:
            yield f"  What to do: {summary.error.help}"
        if summary.error.requirement and summary.error.requirement not in str(summary.error):
            yield f"  Requirements: {summary.error.requirement}"

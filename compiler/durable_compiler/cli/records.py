"""The records of past runs: one run.json a run under the state folder, newest first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

COUNTS = ("read", "found", "inserted", "updated", "deleted", "rejected", "duplicates")


def state(where: Path) -> Path:
    """The state folder that durable.toml names."""
    from durable_runtime import configuration

    return configuration.load(configuration.find(where)).state


def past_runs(folder: Path) -> list[dict[str, Any]]:
    """Every readable run.json, newest first; one that is cut short or still being written is passed over."""
    found = [_record(path) for path in folder.glob("runs/*/run.json")]
    return sorted((one for one in found if one), key=lambda one: (one["started_at"], one["run_id"]), reverse=True)


def counted(record: dict[str, Any]) -> str:
    """The counts of all objects together that are not zero."""
    sums = {key: sum(int(one.get(key, 0)) for one in record["objects"]) for key in COUNTS}
    return ", ".join(f"{count:,} {key}" for key, count in sums.items() if count) or "nothing to do"


def outcome(record: dict[str, Any]) -> str:
    """The error's code and message, or the counts."""
    error = record.get("error")
    return f"{error['code']} {error['message']}" if error else counted(record)


def _record(path: Path) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if {"run_id", "pipeline", "status", "objects", "started_at"} <= record.keys() else None

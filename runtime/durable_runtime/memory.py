"""Moments that runs remember in the state folder, by profile; a lost or broken file is no memory."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def recall(path: Path, profile: str) -> dict[str, datetime]:
    """Name → moment (aware), as the profile's runs left them."""
    known: dict[str, datetime] = {}
    for name, text in _profiles(path).get(profile, {}).items():
        try:
            moment = datetime.fromisoformat(text)
        except (ValueError, TypeError):
            continue
        if moment.tzinfo:
            known[str(name)] = moment
    return known


def remember(path: Path, profile: str, moments: Mapping[str, datetime]) -> None:
    """Replace the moments of some names in one step; the others stay."""
    known = {**recall(path, profile), **moments}
    told = {name: moment.astimezone(UTC).isoformat() for name, moment in known.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps({**_profiles(path), profile: told}), encoding="utf-8")
    os.replace(draft, path)


def _profiles(path: Path) -> dict[str, dict[Any, Any]]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: one for name, one in told.items() if isinstance(one, dict)} if isinstance(told, dict) else {}

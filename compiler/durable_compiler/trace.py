"""Requirement ↔ IR ↔ generated lines: which lines of the package each requirement asked for."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from durable_compiler.ir import Pipeline
from durable_compiler.requirements import ID


def trace(pipeline: Pipeline, folder: Path) -> str:
    """The text of trace.json: one entry a definition and requirement, sorted by file and line."""
    lines = {one.id: one.line for one in pipeline.requirements}
    paths: dict[str, list[str]] = {}
    for path, owners in sorted(pipeline.trace.items()):
        for owner in owners:
            paths.setdefault(owner, []).append(path)
    entries = [
        {**entry, "ir": paths.get(entry["requirement"], []), "spec_line": lines[entry["requirement"]]}
        for file in sorted(folder.glob("*.py"))
        for entry in _entries(file, tuple(lines))
    ]
    return json.dumps({"spec": f"requirements/{pipeline.name}.md", "entries": entries}, indent=2) + "\n"


def _entries(file: Path, ids: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    source = file.read_text(encoding="utf-8")
    rows = source.splitlines()
    known = set(ids)
    for node in ast.parse(source).body:
        start, end = node.lineno, node.end_lineno or node.lineno
        found = {one for row in rows[start - 1 : end] for one in ID.findall(row)} & known
        for requirement in sorted(found):
            yield {"file": file.name, "lines": [start, end], "qualname": _name(node), "requirement": requirement}


def _name(node: ast.stmt) -> str:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return getattr(node, "name", "")

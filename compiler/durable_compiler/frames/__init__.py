"""The language: one module a kind of clause, each with its phrases, clause, canonical English and examples."""

from __future__ import annotations

from functools import cache

from durable_compiler.frames import (
    alert,
    batch,
    dedupe,
    deletes,
    enum,
    extensions,
    incremental,
    mode,
    normalise,
    reconcile,
    refresh,
    require,
    retention,
    retry,
    schedule,
    sync,
    write,
)
from durable_compiler.frames.frame import Clause, Frame
from durable_compiler.grammar.tiling import Tiling, compile_tiling

MODULES = (
    sync, schedule, write, mode, incremental, refresh, reconcile, deletes, dedupe, normalise, enum, require,
    extensions, batch, retry, alert, retention,
)  # fmt: skip
REGISTRY: dict[str, Frame] = {frame.kind: frame for frame in (module.FRAME for module in MODULES)}


@cache
def tiling(kind: str) -> Tiling:
    """A frame's compiled phrases."""
    return compile_tiling(REGISTRY[kind].phrases)


def frame_of(clause: Clause) -> Frame:
    """The frame that a clause belongs to."""
    return REGISTRY[clause.kind]

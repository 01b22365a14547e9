"""The language: one module a kind of clause, each with its phrases, clause, canonical English and examples."""

from __future__ import annotations

from functools import cache

from durable_compiler.frames import (
    alert,
    approval,
    batch,
    check,
    compute,
    dedupe,
    default,
    deletes,
    deploy,
    derive,
    enum,
    extensions,
    fields,
    filter,
    guard,
    incremental,
    map_,
    mask,
    mode,
    normalise,
    quota,
    reconcile,
    refresh,
    require,
    residency,
    retention,
    retry,
    schedule,
    since,
    sla,
    sync,
    write,
)
from durable_compiler.frames.frame import Clause, Frame
from durable_compiler.grammar.tiling import Tiling, compile_tiling

MODULES = (
    sync, fields, filter, since, schedule, write, mode, incremental, refresh, reconcile, deletes, dedupe, map_,
    normalise, enum, derive, compute, default, require, check, extensions, batch, retry, alert, guard, sla, quota, mask,
    residency, retention, approval, deploy,
)  # fmt: skip
REGISTRY: dict[str, Frame] = {frame.kind: frame for frame in (module.FRAME for module in MODULES)}


@cache
def tiling(kind: str) -> Tiling:
    """A frame's compiled phrases."""
    return compile_tiling(REGISTRY[kind].phrases)


def frame_of(clause: Clause) -> Frame:
    """The frame that a clause belongs to."""
    return REGISTRY[clause.kind]

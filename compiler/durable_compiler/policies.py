"""The parts of the IR that steer a run, as the runtime's own Policies, and the words behind each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from durable_compiler.expressions import phone_text
from durable_compiler.ir import Pipeline
from durable_compiler.layout import Layout, MappedColumn
from durable_runtime import spec
from durable_runtime.unsupported import LIMITS

# Policy -> where its requirements stand in the trace: the first path that anybody set.
PATHS: dict[str, tuple[str, ...]] = {
    "schedule": ("schedule",),
    "overlap_seconds": ("incremental",),
    "batch_rows": ("write.batch_rows",),
    "deletes": ("deletes",),
    "unknown_fields": ("drift",),
    "retry": ("retry",),
    "alerts": ("alerts",),
    "guards": ("guards",),
    "mode": ("write.mode",),
    "layout": ("target",),
    "key": ("write.mode", "target"),
    "incremental": ("incremental", "write.mode"),
    "full_refresh_cron": ("incremental",),
    "formula_refresh": ("incremental.formula_refresh",),
    "reconcile_cron": ("incremental.reconcile_cron",),
    "extensions_column": ("drift",),
    "since": ("source.objects[].since", "source.objects"),
    "dates": ("conventions",),
    "phones": ("mappings[].transforms", "conventions"),
    "phone_convention": ("conventions", "mappings[].transforms"),
    "phone_region": ("conventions", "mappings[].transforms"),
    "json_columns": ("mappings", "computed"),
    "max_runtime_seconds": ("sla",),
    "max_staleness_seconds": ("sla",),
    "max_api_share": ("quota",),
    "regions": ("residency",),
    "monitoring_days": ("retention",),
    "rejects_days": ("retention",),
    "spec_change_approvals": ("approvals",),
    "schema_change_approvals": ("approvals",),
    "deploy_approvals": ("approvals",),
    "approver": ("approvals",),
    "strategy": ("deploy",),
    "max_diff_ratio": ("deploy",),
    "isolation": ("deploy",),
}


@dataclass(frozen=True)
class Policy:
    """A policy that the spec sets: its name in the runtime, its value, and the requirements in their own words."""

    name: str
    value: Any
    reason: str


STOPPING = ("since", "phones", "max_runtime_seconds", "max_api_share", "regions", "strategy", "max_diff_ratio")


def policies(pipeline: Pipeline, layout: Layout) -> spec.Policies:
    """What the generated package will state."""
    retry = spec.Retry(**pipeline.retry.model_dump())
    stated = spec.Policies(
        overlap_seconds=pipeline.incremental.overlap_seconds,
        batch_rows=pipeline.write.batch_rows,
        deletes=pipeline.deletes,
        unknown_fields=pipeline.drift.unknown_fields,
        retry=retry,
        alerts=tuple(spec.Alert(**one.model_dump(), requirement=ids(pipeline, "alerts")) for one in pipeline.alerts),
        guards=guards(pipeline),
        **policy_values(pipeline, layout),
    )
    return dataclasses.replace(stated, requirements=tuple(_requirements(pipeline, stated)))


def guards(pipeline: Pipeline) -> tuple[spec.Guard, ...]:
    """The limits of a run."""
    return tuple(spec.Guard(**one.model_dump(), requirement=ids(pipeline, "guards")) for one in pipeline.guards)


def policy_values(pipeline: Pipeline, layout: Layout) -> dict[str, Any]:
    """Every policy that the templates do not spell out by themselves, set or silent."""
    target = pipeline.target
    return {
        "mode": pipeline.write.mode,
        "layout": target.layout if target else "unified",
        "key": pipeline.write.key,
        "incremental": pipeline.incremental.enabled,
        "full_refresh_cron": pipeline.incremental.full_refresh_cron,
        "formula_refresh": pipeline.incremental.formula_refresh,
        "reconcile_cron": pipeline.incremental.reconcile_cron,
        "extensions_column": pipeline.drift.column,
        "since": tuple((one.name, one.since) for one in pipeline.source.objects if one.since is not None),
        "dates": pipeline.conventions.dates,
        "phones": _phones(pipeline, layout),
        "phone_convention": pipeline.conventions.phones,
        "phone_region": pipeline.conventions.phone_region,
        "json_columns": tuple(f"{one.object}.{one.name}" for one in _columns(layout) if one.kind == "json"),
        "max_runtime_seconds": pipeline.sla.max_runtime_seconds,
        "max_staleness_seconds": pipeline.sla.max_staleness_seconds,
        "max_api_share": pipeline.quota.max_api_share,
        "regions": pipeline.residency.regions,
        "monitoring_days": pipeline.retention.monitoring_days,
        "rejects_days": pipeline.retention.rejects_days,
        "spec_change_approvals": pipeline.approvals.spec_change,
        "schema_change_approvals": pipeline.approvals.schema_change,
        "deploy_approvals": pipeline.approvals.deploy,
        "approver": pipeline.approvals.role,
        "strategy": pipeline.deploy.strategy,
        "max_diff_ratio": pipeline.deploy.max_diff_ratio,
        "isolation": pipeline.deploy.isolation,
    }


def _columns(layout: Layout) -> Iterator[MappedColumn]:
    for many in layout.columns.values():
        yield from many


def _phones(pipeline: Pipeline, layout: Layout) -> tuple[str, ...]:
    """The columns whose numbers become E.164, by a clause of their own or by the convention."""
    found = (one for one in _columns(layout) if phone_text(one, pipeline) is not None)
    return tuple(f"{one.object}.{one.name}" for one in found)


DEFAULTS = {one.name: one.default for one in dataclasses.fields(spec.Policies)}


def set_policies(pipeline: Pipeline, layout: Layout) -> list[Policy]:
    """The policies of `policy_values` that differ from what a silent spec means, each with its reason."""
    values = policy_values(pipeline, layout)
    return [Policy(name, value, reason(pipeline, name)) for name, value in values.items() if value != DEFAULTS[name]]


def _requirements(pipeline: Pipeline, stated: spec.Policies) -> Iterator[tuple[str, str]]:
    """The requirements behind what a runtime may refuse or what may stop a run, so that its message can name them."""
    asked = dict.fromkeys(one.policy for one in LIMITS if one.asked(stated))
    names = [*asked, *(one for one in STOPPING if getattr(stated, one) != DEFAULTS[one])]
    yield from ((name, ids(pipeline, *PATHS[name])) for name in names)


def reason(pipeline: Pipeline, policy: str) -> str:
    """The requirements behind a policy in their own words, or that it is a default."""
    return words(pipeline, *PATHS[policy])


def ids(pipeline: Pipeline, *paths: str) -> str:
    """The requirements behind the first of these IR paths that anybody set, or that its default was assumed."""
    return ", ".join(_found(pipeline, paths)) or "assumed"


def words(pipeline: Pipeline, *paths: str) -> str:
    """The same with the texts of the requirements."""
    texts = {one.id: one.text for one in pipeline.requirements}
    return "; ".join(f"{one} {texts[one]}" for one in _found(pipeline, paths)) or "a default: see the assumptions"


def _found(pipeline: Pipeline, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Ids at the paths as they stand in the trace, or below one of them (`sla` may be traced as sla.max_…)."""
    for path in paths:
        if pipeline.trace.get(path):
            return pipeline.trace[path]
    for path in paths:
        keys = [key for key in pipeline.trace if key.startswith((f"{path}.", f"{path}["))]
        if keys:
            return tuple(dict.fromkeys(one for key in keys for one in pipeline.trace[key]))
    return ()

"""What somebody who signs off wants to know besides the sentences: where data goes, who is told, what stops a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from durable_compiler.catalogue import Snapshot
from durable_compiler.entries import condition_key
from durable_compiler.ir import Guard, Pipeline
from durable_compiler.layout import table_name
from durable_compiler.objects import Owners
from durable_compiler.policies import ids
from durable_runtime.guards import LEAVING_RATIO, LEAVING_ROWS, REJECTED_RATIO, REJECTED_ROWS
from durable_runtime.spec import LEAVING_KINDS, Policies
from durable_runtime.unsupported import unsupported

SYSTEMS = {"snowflake": "Snowflake", "duckdb": "DuckDB"}
PLACES = {
    "snowflake": ", in the database and schema of the profile that runs it",
    "duckdb": ", in the file of the profile that runs it",
}
CHANNELS = {"slack": "Slack", "email": "e-mail"}
EVENTS = {
    "failure": "a run fails",
    "completion": "a run completes",
    "approval_needed": "approval is needed",
    "drift": "the fields in Salesforce change",
    "stale": "no run has succeeded for too long",
}
MODES = {
    "upsert": "Changed records are updated and new ones inserted.",
    "append": "Every change is added as a row of its own; no row is ever changed.",
    "replace": "Every run writes the whole table anew.",
    "history": "Every version of a record that a run sees is kept.",
}
DELETES = {
    "skip": "A record that is deleted in Salesforce stays in the table, flagged as deleted; one that was deleted "
    "before it was ever loaded is not loaded.",
    "flag": "A record that is deleted in Salesforce stays in the table, flagged as deleted.",
    "remove": "A record that is deleted in Salesforce is removed from the table.",
}
UNKNOWN_FIELDS = {
    "extensions": "Fields that appear in Salesforce later are kept in the column {column}.",
    "propose": "Fields that appear in Salesforce later are proposed as a change to the requirements.",
    "fail": "A field that appears in Salesforce later stops the run.",
}
MASKS = {
    "sha256": "{field} is replaced by a keyed hash before anything is written.",
    "last4": "{field} is written as stars and its last four characters.",
    "drop": "{field} never leaves Salesforce.",
}
APPROVALS = {
    "spec_change": "Changes to these requirements",
    "schema_change": "Schema changes",
    "deploy": "Deployments",
}
# What no requirement needs to ask for.
ALWAYS = (
    "a field that a rule needs is not visible in Salesforce any more; nothing is read",
    "Salesforce sends another number of records than it counts, twice in a row; nothing is loaded",
    "another Salesforce organization than that of the first run answers",
    "the table was emptied, restored or replaced since the last run",
)


@dataclass(frozen=True)
class Fact:
    """A statement, and the requirements that make it so; empty where nobody asked for it."""

    text: str
    requirements: str = ""


def destination(pipeline: Pipeline, snapshot: Snapshot, owners: Owners) -> Iterator[Fact]:
    """Where the data goes, and in which form."""
    yield _target(pipeline)
    yield Fact(MODES[pipeline.write.mode], ids(pipeline, "write.mode"))
    yield from _deleted(pipeline)
    yield Fact("Rejected records are kept beside it in the table that ends in __rejects.")
    yield from _hidden(pipeline, snapshot, owners)
    unknown = UNKNOWN_FIELDS[pipeline.drift.unknown_fields].format(column=pipeline.drift.column)
    yield Fact(unknown, ids(pipeline, "drift"))
    yield from _kept(pipeline)


def _target(pipeline: Pipeline) -> Fact:
    target = pipeline.target
    assert target is not None
    if target.layout == "per_object":
        tables = [table_name(one.name) for one in pipeline.source.objects]
    else:
        tables = [target.table or ""]
    place = tuple(filter(None, (target.database, target.schema_)))
    named = ", ".join(".".join((*place, one)) for one in tables)
    free = "" if target.database is not None else PLACES[target.system]
    return Fact(f"Rows are written to {SYSTEMS[target.system]}: {named}{free}.", ids(pipeline, "target"))


def _deleted(pipeline: Pipeline) -> Iterator[Fact]:
    """What a deletion does; where rows are only added, nothing."""
    if pipeline.write.mode == "history":
        yield Fact("When a record is deleted in Salesforce, its last version ends.", ids(pipeline, "write.mode"))
    elif pipeline.write.mode != "append":
        yield Fact(DELETES[pipeline.deletes], ids(pipeline, "deletes"))


def _hidden(pipeline: Pipeline, snapshot: Snapshot, owners: Owners) -> Iterator[Fact]:
    for mask in pipeline.masks:
        field = snapshot.field_label(mask.object, mask.field)
        owner = owners.get(("masks", mask.object, mask.field)) or ids(pipeline, "masks")
        yield Fact(MASKS[mask.method].format(field=field), owner)
    for one in pipeline.source.objects:
        if one.excluded:
            left_out = ", ".join(snapshot.field_label(one.name, field) for field in one.excluded)
            yield Fact(f"Never read: {left_out}.", ids(pipeline, "source.objects[].excluded", "source.objects"))


def _kept(pipeline: Pipeline) -> Iterator[Fact]:
    regions = ", ".join(one if ":" in one else one.upper() for one in pipeline.residency.regions)
    if regions:
        yield Fact(f"The data may be in these regions only: {regions}.", ids(pipeline, "residency"))
    else:
        yield Fact("No requirement says in which region the data has to stay.")
    keeping = {"Monitoring data": pipeline.retention.monitoring_days, "Rejected rows": pipeline.retention.rejects_days}
    for what, days in keeping.items():
        if days is not None:
            yield Fact(f"{what}: deleted after {days:,} days.", ids(pipeline, "retention"))


def told(pipeline: Pipeline) -> Iterator[Fact]:
    """Who is told what."""
    owner = ids(pipeline, "alerts")
    for one in pipeline.alerts:
        yield Fact(f"{one.to} is told by {CHANNELS[one.channel]} when {EVENTS[one.on]}.", owner)
    if all(one.on != "failure" for one in pipeline.alerts):
        yield Fact("Nobody is told when a run fails: no requirement says who.")


def approvers(pipeline: Pipeline) -> Iterator[Fact]:
    """Who has to agree to what, and how a release goes live."""
    asked = {key: getattr(pipeline.approvals, key) for key in APPROVALS}
    role = f" from a {pipeline.approvals.role}" if pipeline.approvals.role else ""
    for key, count in asked.items():
        if count:
            approvals = f"{count} approval{'' if count == 1 else 's'}{role}"
            yield Fact(f"{APPROVALS[key]} need {approvals}.", ids(pipeline, f"approvals.{key}", "approvals"))
    if not any(asked.values()):
        yield Fact("No requirement asks for an approval; the rules of your repository hold all the same.")
    if pipeline.deploy.strategy == "blue_green":
        yield Fact("A release is built beside the live table and takes its place when it is complete.",
                   ids(pipeline, "deploy"))  # fmt: skip
    if pipeline.deploy.max_diff_ratio is not None:
        text = f"It does not take its place if more than {percent(pipeline.deploy.max_diff_ratio)} of rows differ."
        yield Fact(text, ids(pipeline, "deploy"))


def stops(pipeline: Pipeline, snapshot: Snapshot, owners: Owners, stated: Policies) -> Iterator[Fact]:
    """What stops a run; each continues the words "a run stops when"."""
    assert pipeline.target is not None
    for asked_by, what in unsupported(stated, pipeline.target.system):
        yield Fact(f"this version of Durable is asked for {what}, which it cannot do yet; nothing is read", asked_by)
    yield from _guards(pipeline, snapshot, owners)
    yield from _rules(pipeline, snapshot, owners)
    if pipeline.drift.unknown_fields == "fail":
        yield Fact("a field appears in Salesforce that the requirements do not know", ids(pipeline, "drift"))
    if pipeline.sla.max_runtime_seconds is not None:
        yield Fact(f"it has taken {duration(pipeline.sla.max_runtime_seconds)}", ids(pipeline, "sla"))
    if pipeline.quota.max_api_share is not None:
        share = percent(pipeline.quota.max_api_share)
        yield Fact(f"it would use more than {share} of the daily Salesforce API calls", ids(pipeline, "quota"))
    yield from map(Fact, ALWAYS)
    retries = f"{pipeline.retry.max_attempts} attempts or {duration(pipeline.retry.max_elapsed_seconds)} of retrying"
    yield Fact(f"Salesforce or the warehouse still fails after {retries}", ids(pipeline, "retry"))


def _guards(pipeline: Pipeline, snapshot: Snapshot, owners: Owners) -> Iterator[Fact]:
    """The limits of the requirements, and those that hold where they are silent."""
    for one in pipeline.guards:
        alone = sum(one.object == other.object for other in pipeline.guards) == 1
        owner = next((who for (path, name, _), who in owners.items() if path == "guards" and name == one.object), "")
        yield Fact(_guard(one, snapshot), owner if alone and owner else ids(pipeline, "guards"))
    limited = {one.object for one in pipeline.guards if one.kind in LEAVING_KINDS}
    free = [one.name for one in pipeline.source.objects if not limited & {None, one.name}]
    if free:
        whose = "an object" if not limited else " or ".join(map(snapshot.object_label, free))
        yield Fact(
            f"more than {percent(LEAVING_RATIO)} of the live rows of {whose}, and more than {LEAVING_ROWS} rows, would "
            "be flagged as deleted or removed, until a person agrees"
        )
    yield Fact(
        f"more than {percent(REJECTED_RATIO)} of over {REJECTED_ROWS} records of an object would be rejected, until a "
        "person agrees; nothing is written"
    )


def _guard(one: Guard, snapshot: Snapshot) -> str:
    label = snapshot.object_label(one.object) if one.object else "all objects"
    if one.kind == "min_rows":
        fewer = f"fewer than {one.value:,} records of" if one.value > 1 else "no record of"
        return f"Salesforce holds {fewer} {label}; nothing is read"
    if one.kind == "max_deleted_rows":
        return f"more than {one.value:,} live rows of {label} would be flagged as deleted or removed"
    return f"more than {percent(one.value)} of the live rows of {label} would change"


def _rules(pipeline: Pipeline, snapshot: Snapshot, owners: Owners) -> Iterator[Fact]:
    """The rules that a single record can break for all."""
    texts = {one.id: one.text for one in pipeline.requirements}
    for required in pipeline.required:
        if required.on_failure == "fail":
            field = snapshot.field_label(required.object, required.field)
            owner = owners.get(("required", required.object, required.field)) or ids(pipeline, "required")
            yield Fact(f"a record has no {field}; nothing is written", owner)
    for check in pipeline.checks:
        if check.on_failure == "fail":
            key = condition_key(check.condition.model_dump(mode="json"))
            owner = owners.get(("checks", check.object, key)) or ids(pipeline, "checks")
            yield Fact(f"a record does not meet: {texts.get(owner, 'a check')}; nothing is written", owner)


def percent(share: float) -> str:
    """0.125 as 12.5%."""
    return f"{share * 100:.10g}%"


def duration(seconds: int) -> str:
    """In the largest unit that divides it."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds % size == 0 and seconds >= size:
            count = seconds // size
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    return "0 seconds"

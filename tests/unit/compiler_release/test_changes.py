"""Each difference between two IRs has a level, a data action and a sentence, and no IR field is forgotten."""

from __future__ import annotations

import copy
import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from durable_compiler import changes, ir

Json = dict[str, Any]


def pipeline() -> Json:
    contact = {"name": "Contact", "fields": ("Id", "SystemModstamp", "IsDeleted", "Email")}
    values = {
        "name": "customer_data",
        "requirements": [
            {"id": id, "text": text, "file": "requirements/customer_data.md", "line": line, "status": "understood",
             "echo": text}
            for line, (id, text) in enumerate(
                [("R1.1", "Syncs Contacts"), ("R1.2", "Runs nightly at 2:00 AM UTC"), ("R1.10", "Retries"),
                 ("R2.1", "Writes to Snowflake table customer_data")]
            )
        ],
        "schedule": {"cron": "0 2 * * *", "timezone": "UTC"},
        "source": {"objects": [contact]},
        "target": {"system": "snowflake", "table": "customer_data", "layout": "unified"},
        "required": [{"object": "Contact", "field": "Email"}],
        "assumptions": [{"requirement": "R1.1", "key": "write.mode", "value": "upsert", "why": "not said"}],
        "trace": {"schedule": ["R1.2"], "source.objects": ["R1.1"], "target": ["R2.1"], "retry": ["R1.10"]},
    }  # fmt: skip
    dumped: Json = ir.Pipeline.model_validate(values).model_dump(mode="json")
    return dumped


def edited(**edits: Any) -> Json:
    new = copy.deepcopy(pipeline())
    for path, value in edits.items():
        *parents, last = path.split("__")
        place: Any = new
        for key in parents:
            place = place[int(key)] if key.isdigit() else place[key]
        place[int(last) if last.isdigit() else last] = value
    return new


def only(new: Json, old: Json | None = None) -> changes.Change:
    found = changes.compare(old or pipeline(), new)
    assert len(found) == 1, found
    return found[0]


def test_equal_irs_have_no_changes() -> None:
    assert changes.compare(pipeline(), pipeline()) == ()


def test_a_new_clock_is_a_minor_change_told_with_the_old_one() -> None:
    change = only(edited(schedule__cron="0 3 * * *"))
    assert (change.level, change.data_action) == ("minor", "none")
    assert change.line == "R1.2: runs at 03:00 UTC, was 02:00 UTC"


def test_a_new_zone_is_major_because_it_can_skip_a_run_and_is_told_once() -> None:
    change = only(edited(schedule={"cron": "30 3 * * *", "timezone": "Europe/Berlin"}))
    assert (change.path, change.level) == ("schedule.timezone", "major")
    assert change.line == "R1.2: runs at 03:30 Europe/Berlin, was 02:00 UTC"


def test_a_schedule_that_is_no_daily_clock_is_told_as_cron() -> None:
    change = only(edited(schedule__cron="*/15 * * * *"))
    assert change.line == "R1.2: runs by cron */15 * * * * UTC, was 02:00 UTC"


def test_moved_lines_and_the_trace_alone_change_nothing() -> None:
    assert changes.compare(pipeline(), edited(requirements__0__line=40, trace={"schedule": ["R1.1"]})) == ()


def test_a_rewording_alone_is_a_patch_and_is_not_told_beside_what_it_changed() -> None:
    reworded = edited(requirements__1__text="Runs every night at 2 AM UTC")
    assert only(reworded).line == "R1.2: reworded; it means the same"
    assert only(reworded).level == "patch"
    reworded["schedule"]["cron"] = "0 3 * * *"
    assert only(reworded).path == "schedule.cron"


def test_a_new_object_is_one_minor_change_that_needs_a_backfill() -> None:
    new = edited()
    new["source"]["objects"].append({**new["source"]["objects"][0], "name": "Account"})
    change = only(new)
    assert (change.path, change.level, change.data_action) == ("source.objects[Account]", "minor", "backfill")
    assert change.line == "R1.1: syncs Account"
    back = only(pipeline(), new)
    assert (back.sentence, back.level, back.data_action) == ("no longer syncs Account", "major", "destructive")


def test_fields_are_compared_as_a_set() -> None:
    new = edited(source__objects__0__fields=["Id", "IsDeleted", "SystemModstamp", "Phone"])
    assert [(one.kind, one.sentence, one.level) for one in changes.compare(pipeline(), new)] == [
        ("removed", "no longer reads Contact.Email", "major"),
        ("added", "reads Contact.Phone", "minor"),
    ]


@pytest.mark.parametrize(
    ("pattern", "old", "new", "kind", "level"),
    [
        ("mappings[].type", "number(10,2)", "number(12,2)", "widened", "minor"),
        ("mappings[].type", "number(10,2)", "number(10,4)", "narrowed", "major"),
        ("mappings[].type", "date", "text", "widened", "minor"),
        ("mappings[].type", "text", "integer", "narrowed", "major"),
        ("mappings[].type", "boolean", "date", "changed", "major"),
        ("enums[].values", {"A": "a"}, {"A": "a", "B": "b"}, "widened", "minor"),
        ("enums[].values", {"A": "a", "B": "b"}, {"A": "a"}, "changed", "major"),
        ("source.objects[].since", "2023-01-01", "2020-01-01", "widened", "minor"),
        ("source.objects[].since", "2023-01-01", None, "widened", "minor"),
        ("source.objects[].since", None, "2023-01-01", "narrowed", "major"),
        ("source.objects[].since", "24 months", "2020-01-01", "changed", "major"),
        ("retention.rejects_days", 30, 10, "narrowed", "minor"),
        ("retention.rejects_days", 30, None, "widened", "patch"),
        ("deletes", "skip", "remove", "narrowed", "major"),
        ("drift.unknown_fields", "fail", "extensions", "widened", "minor"),
        ("incremental.overlap_seconds", 1800, 600, "narrowed", "minor"),
        ("write.batch_rows", 50000, 20000, "narrowed", "patch"),
    ],
)
def test_wider_and_narrower_values_have_their_own_levels(
    pattern: str, old: Any, new: Any, kind: changes.Kind, level: str
) -> None:
    assert changes._kind(pattern, old, new) == kind
    assert changes.policy(pattern, kind)[0] == level


def test_changes_stand_in_the_order_of_the_requirements() -> None:
    new = edited(retry__max_attempts=3, schedule__cron="0 3 * * *", target__table="crm", drift__column="more")
    assert [one.requirements for one in changes.compare(pipeline(), new)] == [("R1.2",), ("R1.10",), ("R2.1",), ()]


def test_two_checks_on_one_object_are_two_changes() -> None:
    field = {"op": "field", "object": "Contact", "name": "Email"}
    conditions = [{"op": op, "args": [field]} for op in ("is_null", "not_null")]
    new = edited(checks=[{"object": "Contact", "condition": one, "on_failure": "warn"} for one in conditions])
    found = changes.compare(pipeline(), new)
    assert [one.sentence for one in found] == ["checks another condition on Contact"] * 2
    assert len({one.path for one in found}) == 2


def test_a_changed_assumption_names_its_requirement() -> None:
    change = only(edited(assumptions__0__value="append"))
    assert change.line == "R1.1: assumes write.mode = append, was upsert"
    assert change.level == "patch"


def test_an_assumption_that_another_sentence_now_leaves_open_is_no_change_and_one_now_said_is_told_last() -> None:
    assert changes.compare(pipeline(), edited(assumptions__0__requirement="R1.2")) == ()
    new = edited(assumptions=[], drift__column="more")
    assert [one.line for one in changes.compare(pipeline(), new)] == [
        "drift.column is more, was extensions",
        "R1.1: write.mode is no longer assumed, was upsert",
    ]


def test_a_path_that_the_table_does_not_know_is_major() -> None:
    new = edited()
    new["surprise"] = {"deep": 1}
    change = only(new)
    assert (change.level, change.data_action) == ("major", "rebuild")


def _leaves(model: type[BaseModel], pattern: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        path = f"{pattern}.{info.alias or name}".lstrip(".")
        yield from _of_type(info.annotation, path)


def _of_type(annotation: Any, path: str) -> Iterator[str]:
    arguments = [one for one in typing.get_args(annotation) if one is not type(None)]
    if typing.get_origin(annotation) is tuple and path not in changes.POLICY:
        inner = arguments[0]
        nested = isinstance(inner, type) and issubclass(inner, BaseModel)
        if nested or path in changes.SETS:
            yield f"{path}[]"
            yield from _of_type(inner, f"{path}[]") if nested else ()
            return
    if isinstance(annotation, types.UnionType) and len(arguments) == 1:
        yield path if path in changes.POLICY else ""
        annotation = arguments[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _leaves(annotation, path)
    else:
        yield path


def test_every_field_of_the_ir_has_a_policy_and_every_policy_a_field() -> None:
    leaves = {leaf for leaf in _leaves(ir.Pipeline, "") if leaf}
    identities = {f"{items}[].{key}" for items, keys in changes.IDENTITY.items() for key in keys}
    assert leaves - identities - changes.EXCLUDED - set(changes.POLICY) == set()
    assert set(changes.POLICY) - leaves == set()
    assert identities - leaves == set()
    assert set(changes.SENTENCES) <= set(changes.POLICY)


FIELD = {"op": "field", "object": "Contact", "name": "Email"}
SAID = {"op": "not_null", "args": [FIELD]}
EVERYTHING: Json = {
    "source": {"objects": [{
        "name": "Contact", "fields": ["Id", "SystemModstamp", "IsDeleted", "Email"], "excluded": ["Birthdate"],
        "where": SAID, "since": "2023-01-01", "lookups": [{"path": "Account.Name", "column": "account_name"}],
    }]},
    "target": {"system": "snowflake", "database": "CRM", "schema": "PUBLIC", "table": "t", "layout": "unified"},
    "dedupe": [{"object": "Contact", "by": ["External_ID__c"]}],
    "mappings": [{"object": "Contact", "field": "Email", "column": "mail", "type": "text", "transforms": ["trim"]}],
    "conventions": {"dates": "iso8601_utc", "phones": "e164", "phone_region": "US"},
    "enums": [{"object": "Contact", "field": "Status", "values": {"A": "a"}, "otherwise": "x"}],
    "derived": [{"object": "Contact", "column": "tier", "cases": [{"when": SAID, "value": 1}], "otherwise": 2}],
    "computed": [{"object": "Contact", "column": "full", "type": "text", "expression": FIELD}],
    "defaults": [{"object": "Contact", "field": "Email", "value": "none"}],
    "blanks": [{"object": "Contact", "field": "Phone", "values": ["-"]}],
    "required": [{"object": "Contact", "field": "Email"}],
    "checks": [{"object": "Contact", "condition": SAID}],
    "alerts": [{"on": "failure", "channel": "slack", "to": "#data-ops"}],
    "guards": [{"kind": "max_changed_ratio", "object": None, "value": 0.2}],
    "sla": {"max_runtime_seconds": 3600, "max_staleness_seconds": 93600},
    "quota": {"max_api_share": 0.5},
    "masks": [{"object": "Contact", "field": "Email", "method": "sha256"}],
    "residency": {"regions": ["eu"]},
    "retention": {"monitoring_days": 90, "rejects_days": 30},
    "approvals": {"spec_change": 1, "schema_change": 1, "deploy": 2, "role": "data owner"},
    "deploy": {"strategy": "blue_green", "max_diff_ratio": 0.01, "isolation": "container"},
}  # fmt: skip


def everything() -> Json:
    dumped: Json = ir.Pipeline.model_validate({**pipeline(), **EVERYTHING}).model_dump(mode="json")
    return dumped


def _places(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _put(root: Json, path: tuple[str | int, ...], value: Any) -> None:
    place: Any = root
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else f"{value or ''}x"


@pytest.mark.parametrize(
    "path",
    [path for path in _places(everything()) if path[0] != "trace" and path[-1] not in ("line", "requirement")],
    ids=lambda path: ".".join(map(str, path)),
)
def test_a_changed_place_anywhere_in_the_ir_is_told_with_a_level_from_the_table(path: tuple[str | int, ...]) -> None:
    old, new, emptied = everything(), everything(), everything()
    value: Any = old
    for key in path:
        value = value[key]
    _put(emptied, path, [] if isinstance(value, list) else None)
    if not isinstance(value, list | dict):
        _put(new, path, _other(value))
        told = changes.compare(old, new)
        assert told
        assert all(one.sentence and "{" not in one.sentence.replace('{"', "") for one in told)
    if isinstance(value, list) or path[-1] in ("schedule", "target", "since", "where", "role"):
        for before, after in ((old, emptied), (emptied, old)):
            assert before == after or changes.compare(before, after)

"""Every key of the IR reaches the package: change one, and the code or its mapping page changes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruff import find_ruff_bin

from durable_compiler.capabilities import refuse
from durable_compiler.emit import render
from durable_compiler.ir import Pipeline
from durable_compiler.plan import plan
from durable_compiler.validate import validate
from unit.compiler_backend.spec import IDENTITY, load_module, owners, package
from unit.compiler_backend.whole import call, field, literal, pipeline, schema, silent, whole

FILES = ("pipeline.py", "extract.py", "transform.py", "load.py", "MAPPING.md")
CONDITIONS = ("where", "when", "condition", "expression", "values")
# What no clause sets: where a requirement stands and how it was read, and the version of the IR itself.
EXEMPT = {"ir_version", "source.system", "requirements[].file", "requirements[].line", "requirements[].status"}
EXEMPT |= {"requirements[].echo"}
UNUSED = 9  # the place of a field that no rule is about
PEOPLE = call("not_null", field("Account", "Name"))
# path -> another value that a clause could set
CHANGES: dict[str, Any] = {
    "name": "other_data",
    "requirements[].id": "R9.9",
    "requirements[].text": "Other words",
    "schedule.cron": "0 3 * * *",
    "schedule.timezone": "UTC",
    "source.objects[].name": None,  # below
    "source.objects[].where": call("ne", field("Account", "Type"), literal("Customer")),
    "source.objects[].since": "2024-01-01",
    "source.objects[].fields[]": None,
    "source.objects[].excluded[]": "Notes__c",
    "source.objects[].lookups[].path": "Account.Industry",
    "source.objects[].lookups[].column": "account",
    "target.system": "duckdb",
    "target.database": "OTHER",
    "target.schema": "OTHER",
    "target.table": "other",
    "target.layout": "per_object",
    "write.mode": "append",
    "write.key[]": "source_modified_at",
    "write.batch_rows": 1000,
    "incremental.enabled": False,
    "incremental.cursor": "LastModifiedDate",
    "incremental.overlap_seconds": 60,
    "incremental.full_refresh_cron": None,
    "incremental.formula_refresh": "never",
    "incremental.reconcile_cron": None,
    "deletes": "flag",
    "dedupe[].object": None,
    "dedupe[].by[]": "Email",
    "dedupe[].keep": "first",
    "mappings[].object": "Account",
    "mappings[].field": "Notes__c",
    "mappings[].column": "phone",
    "mappings[].type": "json",
    "mappings[].transforms[]": "digits",
    "conventions.dates": None,
    "conventions.phones": None,
    "conventions.phone_region": "GB",
    "enums[].object": None,
    "enums[].field": "Industry",
    "enums[].values": {"Hot": "warm"},
    "enums[].otherwise": None,
    "derived[].object": None,
    "derived[].column": "level",
    "derived[].cases[].when": PEOPLE,
    "derived[].cases[].value": "large",
    "derived[].otherwise": None,
    "computed[].object": None,
    "computed[].column": "seats",
    "computed[].type": "number",
    "computed[].expression": field("Account", "NumberOfEmployees"),
    "defaults[].object": None,
    "defaults[].field": "Type",
    "defaults[].value": "None",
    "blanks[].object": "Account",
    "blanks[].field": "Notes__c",
    "blanks[].values": ["?"],
    "required[].object": None,
    "required[].field": "Phone",
    "required[].on_failure": "fail",
    "checks[].object": None,
    "checks[].condition": PEOPLE,
    "checks[].on_failure": "fail",
    "drift.unknown_fields": "fail",
    "drift.column": "others",
    "retry.max_attempts": 2,
    "retry.backoff": "fixed",
    "retry.max_elapsed_seconds": 60,
    "retry.classes[]": "server",
    "alerts[].on": "stale",
    "alerts[].channel": "email",
    "alerts[].to": "#others",
    "guards[].kind": "max_deleted_rows",
    "guards[].object": None,
    "guards[].value": 0.3,
    "sla.max_runtime_seconds": 60,
    "sla.max_staleness_seconds": 60,
    "quota.max_api_share": 0.25,
    "masks[].object": None,
    "masks[].field": "Phone",
    "masks[].method": "last4",
    "residency.regions[]": "us",
    "retention.monitoring_days": 10,
    "retention.rejects_days": 10,
    "approvals.spec_change": 3,
    "approvals.schema_change": 3,
    "approvals.deploy": 3,
    "approvals.role": "boss",
    "deploy.strategy": "in_place",
    "deploy.max_diff_ratio": 0.5,
    "deploy.isolation": "process",
    "assumptions[].requirement": None,
    "assumptions[].key": "write.batch_rows",
    "assumptions[].value": "append",
    "assumptions[].why": "other words",
}
# Entries that move to another object, or lose what they are about, as whole entries
ENTRIES: dict[str, Any] = {
    "source.objects[].name": {"name": "Contact", "fields": ["Id", "SystemModstamp", "IsDeleted", "LastName"]},
    "dedupe[].object": {"object": "Account", "by": ["Name"], "keep": "latest"},
    "enums[].object": {"object": "Contact", "field": "Notes__c", "values": {"Hot": "high", "Cold": "low"}},
    "derived[].object": {"object": "Contact", "column": "tier", "cases": [], "otherwise": "standard"},
    "computed[].object": {"object": "Account", "column": "full_name", "type": "text", "expression": literal("x")},
    "defaults[].object": {"object": "Contact", "field": "Notes__c", "value": "Unknown"},
    "required[].object": {"object": "Account", "field": "Name", "on_failure": "reject"},
    "checks[].object": {"object": "Contact", "condition": call("not_null", field("Contact", "Email"))},
    "masks[].object": {"object": "Account", "field": "Phone", "method": "sha256"},
}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """(path as CHANGES writes it, keys that lead there) of every leaf; a condition and a value map are leaves."""
    if isinstance(value, dict) and path.rpartition(".")[2] not in CONDITIONS:
        for key, one in value.items():
            for name, keys in leaves(one, f"{path}.{key}" if path else key):
                yield name, (key, *keys)
    elif isinstance(value, list) and path.rpartition(".")[2] not in CONDITIONS:
        for at, one in enumerate(value):
            for name, keys in leaves(one, f"{path}[]"):
                yield name, (at, *keys)
    else:
        yield path, ()


def base() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(pipeline(whole()).to_json())
    return found


def places() -> dict[str, tuple[str | int, ...]]:
    """The first place of each kind of leaf that is set; of one that never is, the first place."""
    found: dict[str, tuple[str | int, ...]] = {}
    values = base()
    del values["trace"]
    for name, keys in leaves(values):
        if name not in found or value_at(values, found[name]) is None is not value_at(values, keys):
            found[name] = keys
    return found


def value_at(values: Any, keys: tuple[str | int, ...]) -> Any:
    for key in keys:
        values = values[key]
    return values


def changed(path: str, keys: tuple[str | int, ...]) -> Pipeline:
    values = base()
    if path in ENTRIES:
        value_at(values, keys[:-2])[keys[-2]] = ENTRIES[path]
        if path == "source.objects[].name":
            values |= {key: [] for key, one in values.items() if isinstance(one, list) and key != "requirements"}
            values["source"]["objects"] = [ENTRIES[path]]
    elif CHANGES[path] is None and isinstance(keys[-1], int):
        del value_at(values, keys[:-1])[keys[-1]]
    else:
        value_at(values, keys[:-1])[keys[-1]] = CHANGES[path]
    if path == "requirements[].id":
        values["trace"]["source.objects"] = [CHANGES[path]]
    if path == "target.layout":
        values["target"]["table"] = None
        values["write"]["key"] = ["source_id"]
    return Pipeline.model_validate(values)


def generated(one: Pipeline) -> dict[str, str]:
    """The files without what any change at all would change: hashes."""
    plans = [each for each in plan(one, schema(), IDENTITY, owners(one)) if each.path in FILES]
    return {each.path: re.sub(r"\b(spec|ir) [0-9a-f]{12}|\b[0-9a-f]{32,64}\b", "", render(each)) for each in plans}


def test_the_table_names_every_leaf_of_the_ir() -> None:
    assert set(places()) == set(CHANGES) | EXEMPT


@pytest.mark.parametrize("path", sorted(CHANGES))
def test_a_changed_key_changes_the_generated_code(path: str) -> None:
    keys = places()[path]
    if path == "source.objects[].fields[]":
        keys = (*keys[:-1], UNUSED)
    before, after = generated(pipeline(whole())), generated(changed(path, keys))
    assert [name for name in FILES if before[name] != after[name]] != []


def test_the_whole_package_is_valid_and_its_python_loads(tmp_path: Path) -> None:
    one = pipeline(whole())
    assert refuse(one, schema()) == []
    folder = package(tmp_path / "package", schema(), one)
    validate(folder)
    transforms = load_module(folder, "transform")["TRANSFORMS"]
    assert [column.name for column in transforms[1].columns][-2:] == ["account_name", "full_name"]


@pytest.mark.parametrize("values", [silent, whole], ids=["silent", "whole"])
def test_a_package_imports_only_what_it_uses_and_is_formatted(values: Any, tmp_path: Path) -> None:
    folder = package(tmp_path / "package", schema(), pipeline(values()))
    settings = ["--isolated", "--no-cache", "--quiet", "--line-length", "120", "--select", "F,E7,E9,I"]
    done = subprocess.run([find_ruff_bin(), "check", *settings, str(folder)], capture_output=True, text=True)
    assert done.stdout == ""


def test_every_requirement_of_a_new_kind_is_named_where_it_acts(tmp_path: Path) -> None:
    folder = package(tmp_path / "package", schema(), pipeline(whole()))
    transform = (folder / "transform.py").read_text(encoding="utf-8")
    mapping = (folder / "MAPPING.md").read_text(encoding="utf-8")
    tasks = (folder / "pipeline.yaml").read_text(encoding="utf-8").partition("tasks:")[2]
    kinds = [f"R4.{number}" for number in range(1, 11)] + ["R3.1"]
    assert [one for one in kinds if one not in transform] == []
    assert [one for one in (*kinds, "R3.2", "R3.3", "R5.1") if one not in mapping] == []
    assert [one for one in (*kinds, "R3.2", "R5.1") if f'"{one}"' not in tasks] == []

"""What becomes of each record: blanks, clean-up, types, maps, defaults, made columns, filters, rules and masks."""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from durable_runtime.transformation import Staged, Stamp, stage
from unit.compiler_backend.spec import load_module, package
from unit.compiler_backend.whole import call, field, literal, pipeline, schema, silent

STAMP = Stamp(
    "run-1", datetime.fromisoformat("2026-11-22T01:00:00"), "1.0.0",
    datetime(2026, 11, 21, 23, 30, tzinfo=UTC), "Europe/Berlin",
)  # fmt: skip
KEY = b"k" * 32


def staged(tmp_path: Path, name: str, rows: Sequence[Mapping[str, str]], /, **said: Any) -> Staged:
    """The staged rows of one object under a spec that says this and nothing else."""
    values = silent() | {key: one for key, one in said.items() if key not in ("where", "lookups", "left_out")}
    for one in values["source"]["objects"]:
        if one["name"] == name:
            one["where"] = said.get("where")
            one["lookups"] = said.get("lookups", [])
            one["fields"] = [field for field in one["fields"] if field not in said.get("left_out", ())]
    folder = package(tmp_path / "package", schema(), pipeline(values))
    transform = next(one for one in load_module(folder, "transform")["TRANSFORMS"] if one.object == name)
    extract = next(one for one in load_module(folder, "extract")["EXTRACTS"] if one.object == name)
    header = (*extract.fields, *extract.lookups)
    page = tmp_path / "page.csv"
    own = {"IsDeleted": "false", "SystemModstamp": "2026-11-20T01:02:03.000Z"}
    with page.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(header)
        for at, row in enumerate(rows):
            whole = {"Id": f"{at:018d}", **own, **row}
            writer.writerow([whole.get(one, "") for one in header])
    return stage(
        transform, [page], header=header, extra=(), requirement="R1.1", stamp=STAMP, batch_rows=1000,
        folder=tmp_path / "staged", key=KEY, records=len(rows),
    )  # fmt: skip


def found(one: Staged, columns: str) -> list[Any]:
    """The rows of a staged file in the order in which they were written down; single values for one column."""
    with duckdb.connect() as database:
        paths = [str(path) for path, _ in one.batches]
        rows = database.execute(f"SELECT {columns} FROM read_parquet(?) ORDER BY source_id", [paths]).fetchall()
    return [row[0] for row in rows] if rows and len(rows[0]) == 1 else rows


def test_a_blank_is_missing_before_anything_else_happens_to_it(tmp_path: Path) -> None:
    blanks = [{"object": "Contact", "field": "Phone", "values": ["N/A", "-", "it's"]}]
    maps = [{"object": "Contact", "field": "Phone", "column": "phone", "transforms": ["digits"]}]
    texts = ("N/A", "-", "it's", "(555) 1234", "n/a", "")
    one = staged(tmp_path, "Contact", [{"Phone": text} for text in texts], blanks=blanks, mappings=maps)
    assert found(one, "phone") == [None, None, None, "5551234", None, None]


def test_a_blank_number_is_one_however_it_is_written(tmp_path: Path) -> None:
    blanks = [{"object": "Account", "field": "AnnualRevenue", "values": ["0", "-1"]}]
    texts = ("0.0", "0", "-1.00", "10", "")
    one = staged(tmp_path, "Account", [{"AnnualRevenue": text} for text in texts], blanks=blanks)
    assert found(one, "annual_revenue") == [None, None, None, Decimal(10), None]


def test_transforms_run_in_the_order_of_the_spec(tmp_path: Path) -> None:
    maps = [{"object": "Contact", "field": "Email", "column": "email", "transforms": ["trim", "lower"]}]
    one = staged(tmp_path, "Contact", [{"Email": text} for text in (" A@B.example ", "   ", "İ@x")], mappings=maps)
    assert found(one, "email") == ["a@b.example", None, "i@x"]


TYPES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "integer": ({"7": 7, "7.0": 7, "": None}, ["7.5", "seven", "9223372036854775808"]),
    "number": ({"7.25": Decimal("7.25"), "1.5E2": Decimal(150)}, ["0x1", "1e30"]),
    "number(5,2)": ({"123.45": Decimal("123.45"), "1": Decimal(1), "": None}, ["1234.5", "0.125", "x"]),
    "boolean": ({"true": True, "false": False}, ["yes", "TRUE"]),
    "date": ({"2024-02-29": date(2024, 2, 29)}, ["2024-02-30", "29.2.2024"]),
    "timestamp": ({"2024-02-29T01:00:00.000Z": datetime.fromisoformat("2024-02-29T01:00:00")}, ["2024-02-29"]),
    "time": ({"01:02:03.000Z": datetime.fromisoformat("2024-01-01T01:02:03").time()}, ["25:00:00"]),
    "json": ({'{"a": 1}': '{"a": 1}'}, ["{a", "[1,"]),
    "text": ({"NA": "NA", "": None}, []),
}


@pytest.mark.parametrize("kind", TYPES)
def test_an_explicit_type_takes_what_fits_and_rejects_the_rest(kind: str, tmp_path: Path) -> None:
    fits, misfits = TYPES[kind]
    maps = [{"object": "Contact", "field": "Notes__c", "column": "payload", "type": kind, "transforms": ["trim"]}]
    rows = [{"Notes__c": text} for text in (*fits, *misfits)]
    one = staged(tmp_path, "Contact", rows, mappings=maps)
    assert found(one, "payload")[: len(fits)] == list(fits.values())
    assert found(one, "__outcome") == ["live"] * len(fits) + ["rejected"] * len(misfits)
    assert {text for text in found(one, "__message") if text} <= {"The value of Notes__c does not fit its column"}


def test_a_default_stands_in_for_what_is_missing_after_the_map(tmp_path: Path) -> None:
    said: dict[str, Any] = {
        "enums": [{"object": "Account", "field": "Rating", "values": {"Hot": "high"}, "otherwise": "other"}],
        "defaults": [
            {"object": "Account", "field": "Rating", "value": "none"},
            {"object": "Account", "field": "AnnualRevenue", "value": 0.5},
            {"object": "Account", "field": "NumberOfEmployees", "value": 3},
            {"object": "Account", "field": "CreatedDate", "value": "2020-01-01T00:00:00Z"},
        ],
    }
    rows = [{"Rating": "Hot", "AnnualRevenue": "2", "NumberOfEmployees": "1"}, {"Rating": "Cold"}, {}]
    one = staged(tmp_path, "Account", rows, **said)
    assert found(one, "rating, annual_revenue, number_of_employees, year(created_date)") == [
        ("high", Decimal(2), 1, 2020),
        ("other", Decimal("0.5"), 3, 2020),
        ("none", Decimal("0.5"), 3, 2020),
    ]


def test_a_derived_column_sees_cleaned_values_and_defaults(tmp_path: Path) -> None:
    rich = call("ge", field("Account", "AnnualRevenue"), literal(10_000_000, "number"))
    known = call("eq", field("Account", "Name"), literal("acme"))
    said: dict[str, Any] = {
        "mappings": [{"object": "Account", "field": "Name", "column": "name", "transforms": ["lower"]}],
        "defaults": [{"object": "Account", "field": "AnnualRevenue", "value": 20_000_000}],
        "derived": [
            {"object": "Account", "column": "tier", "otherwise": "standard",
             "cases": [{"when": known, "value": "it's ours"}, {"when": rich, "value": "strategic"}]},
            {"object": "Account", "column": "score", "cases": [{"when": rich, "value": 1.5}], "otherwise": 0},
            {"object": "Account", "column": "big", "cases": [{"when": rich, "value": True}], "otherwise": None},
        ],
    }  # fmt: skip
    one = staged(tmp_path, "Account", [{"Name": "ACME", "AnnualRevenue": "1"}, {}, {"AnnualRevenue": "5"}], **said)
    assert found(one, "tier, score, big") == [
        ("it's ours", Decimal(0), None),
        ("strategic", Decimal("1.5"), True),
        ("standard", Decimal(0), None),
    ]


def test_computed_columns_are_exact_and_what_does_not_fit_rejects_the_record(tmp_path: Path) -> None:
    owner = "Account"
    revenue, staff = field(owner, "AnnualRevenue"), field(owner, "NumberOfEmployees")
    expressions = {
        ("each", "number"): call("div", revenue, staff),
        ("rounded", "number(10,2)"): call("round", call("div", revenue, staff), literal(2, "number")),
        ("twice", "integer"): call("mul", revenue, literal(2, "number")),
        ("label", "text"): call("concat", field(owner, "Name"), literal(" / "), staff),
        ("age", "integer"): call("days_between", field(owner, "CreatedDate"), call("today")),
        ("since", "date"): field(owner, "CreatedDate"),
        ("known", "text"): call("coalesce", field(owner, "Industry"), field(owner, "Type"), literal("none")),
        ("busy", "boolean"): call("gt", staff, literal(2, "number")),
    }
    computed = [
        {"object": owner, "column": name, "type": kind, "expression": one} for (name, kind), one in expressions.items()
    ]
    rows = [
        {"Name": "A", "AnnualRevenue": "10", "NumberOfEmployees": "3", "CreatedDate": "2026-11-20T23:30:00.000Z"},
        {"AnnualRevenue": "1.25", "NumberOfEmployees": "0", "Type": "x"},
        {},
    ]
    one = staged(tmp_path, owner, rows, computed=computed)
    assert found(one, "each, rounded, twice, label, age, since, known, busy") == [
        (Decimal("3.333333333333333333"), Decimal("3.33"), 20, "A / 3", 1, date(2026, 11, 21), "none", True),
        (None, None, None, "0", None, None, "x", False),
        (None, None, None, None, None, None, "none", False),
    ]
    assert found(one, "__outcome, __rule") == [("live", None), ("rejected", "number_does_not_fit"), ("live", None)]


WHERE = call("and", call("eq", field("Account", "Type"), literal("Customer")),
             call("gt", field("Account", "AnnualRevenue"), literal(5, "number")))  # fmt: skip


def test_a_filter_decides_before_the_rules_judge(tmp_path: Path) -> None:
    said: dict[str, Any] = {"where": WHERE, "required": [{"object": "Account", "field": "Name"}]}
    rows = [
        {"Type": "Customer", "AnnualRevenue": "6", "Name": "A"},
        {"Type": "Customer", "AnnualRevenue": "6"},
        {"Type": "customer", "AnnualRevenue": "6"},
        {"Type": "Customer", "AnnualRevenue": ""},
        {"Type": "Customer", "AnnualRevenue": "six", "Name": "A"},
        {"Type": "Other", "NumberOfEmployees": "many"},
        {"Type": "Customer", "AnnualRevenue": "6", "NumberOfEmployees": "many"},
        {"IsDeleted": "true"},
    ]
    one = staged(tmp_path, "Account", rows, **said)
    assert found(one, "__outcome") == [
        "live", "rejected", "filtered", "filtered", "rejected", "filtered", "rejected", "deleted",
    ]  # fmt: skip
    assert found(one, "__requirement") == [None, "R4.7", None, None, "R1.1", None, "R1.1", None]


def test_a_filter_on_the_day_counts_from_the_start_of_the_run_in_the_schedules_zone(tmp_path: Path) -> None:
    where = call("eq", field("Contact", "Started__c"), call("today"))
    one = staged(tmp_path, "Contact", [{"Started__c": "2026-11-21"}, {"Started__c": "2026-11-22"}], where=where)
    assert found(one, "__outcome") == ["filtered", "live"]


def test_a_condition_on_a_related_objects_field_needs_no_column(tmp_path: Path) -> None:
    where = call("eq", field("Account", "Type", "Account.Type"), literal("Customer"))
    one = staged(tmp_path, "Contact", [{"Account.Type": "Customer"}, {"Account.Type": ""}], where=where)
    assert found(one, "__outcome") == ["live", "filtered"]
    assert "type" not in [name for name, *_ in describe(one)]


def describe(one: Staged) -> list[tuple[Any, ...]]:
    with duckdb.connect() as database:
        return database.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(one.batches[0][0])]).fetchall()


def test_a_related_objects_field_is_copied_next_to_each_record(tmp_path: Path) -> None:
    lookups = [
        {"path": "Account.Name", "column": "account_name"},
        {"path": "Account.AnnualRevenue", "column": "account_revenue"},
    ]
    rows = [{"Account.Name": "Acme", "Account.AnnualRevenue": "7"}, {}, {"Account.AnnualRevenue": "lots"}]
    one = staged(tmp_path, "Contact", rows, lookups=lookups)
    assert found(one, "account_name, account_revenue")[:2] == [("Acme", Decimal(7)), (None, None)]
    assert found(one, "__outcome") == ["live", "live", "rejected"]


def test_a_rule_about_a_mapped_field_means_salesforces_values_or_the_results(tmp_path: Path) -> None:
    rating = field("Account", "Rating")
    said: dict[str, Any] = {
        "enums": [{"object": "Account", "field": "Rating", "values": {"Hot": "high", "Warm": "high"}}],
        "where": call("ne", rating, literal("Cold")),
        "derived": [
            {"object": "Account", "column": "hot", "otherwise": False,
             "cases": [{"when": call("eq", rating, literal("Hot")), "value": True}]},
            {"object": "Account", "column": "high", "otherwise": False,
             "cases": [{"when": call("in", rating, literal("high")), "value": True}]},
        ],
    }  # fmt: skip
    one = staged(tmp_path, "Account", [{"Rating": text} for text in ("Hot", "Warm", "Cold", "Icy", "")], **said)
    assert found(one, "rating, hot, high")[:2] == [("high", True, True), ("high", False, True)]
    assert found(one, "__outcome") == ["live", "live", "filtered", "rejected", "live"]


CHECK = call("between", field("Account", "NumberOfEmployees"), literal(0, "number"), literal(100, "number"))


@pytest.mark.parametrize(("on_failure", "outcomes"), [("reject", ["live", "rejected", "live"]),
                                                      ("warn", ["live"] * 3), ("fail", ["live"] * 3)])  # fmt: skip
def test_a_broken_check_rejects_or_is_counted_and_a_missing_value_breaks_none(
    on_failure: str, outcomes: list[str], tmp_path: Path
) -> None:
    checks = [{"object": "Account", "condition": CHECK, "on_failure": on_failure}]
    rows = [{"NumberOfEmployees": "100"}, {"NumberOfEmployees": "101"}, {}]
    one = staged(tmp_path, "Account", rows, checks=checks)
    assert found(one, "__outcome") == outcomes
    counted = [(rule.name, rule.requirement, rule.on_failure, count) for rule, count in one.broken]
    assert counted == ([] if on_failure == "reject" else [("check", "R4.8", on_failure, 1)])
    assert [name for name, *_ in describe(one) if name == "__broken"] == []


def test_only_what_is_wanted_and_readable_counts_against_a_warning_rule(tmp_path: Path) -> None:
    required = [{"object": "Account", "field": "Name", "on_failure": "warn"}]
    rows = [
        {"Type": "Customer", "AnnualRevenue": "6"},
        {"Type": "Other"},
        {"Type": "Customer", "AnnualRevenue": "6", "IsDeleted": "true"},
        {"Type": "Customer", "AnnualRevenue": "6", "NumberOfEmployees": "many"},
    ]
    one = staged(tmp_path, "Account", rows, where=WHERE, required=required)
    assert [count for _, count in one.broken] == [1]


def test_a_hashed_field_is_hidden_wherever_its_value_would_stand(tmp_path: Path) -> None:
    said: dict[str, Any] = {
        "masks": [
            {"object": "Contact", "field": "Email", "method": "sha256"},
            {"object": "Contact", "field": "Phone", "method": "last4"},
        ],
        "dedupe": [{"object": "Contact", "by": ["Email"]}],
        "required": [{"object": "Contact", "field": "LastName"}],
        "mappings": [{"object": "Contact", "field": "Email", "column": "email", "transforms": ["lower"]}],
    }
    rows = [{"Email": "Ada@example.com", "Phone": "555-1234", "LastName": "L"}, {"Email": "Ada@example.com"}, {}]
    one = staged(tmp_path, "Contact", rows, **said)
    hashed = hmac.digest(KEY, b"ada@example.com", hashlib.sha256).hex()
    assert found(one, "email, phone") == [(hashed, "****1234"), (hashed, None), (None, None)]
    keyed = hmac.digest(KEY, b'["ada@example.com"]', hashlib.sha256).hex()
    assert found(one, "dedupe_key") == [keyed, None, None]
    record = json.loads(found(one, "__record")[1])
    assert record["Email"] == hmac.digest(KEY, b"Ada@example.com", hashlib.sha256).hex()
    assert "example.com" not in str(found(one, "COLUMNS(*)::VARCHAR"))


def test_a_rule_sees_the_value_that_a_mask_hides(tmp_path: Path) -> None:
    check = call("contains", field("Contact", "Email"), literal("@"))
    said: dict[str, Any] = {
        "masks": [{"object": "Contact", "field": "Email", "method": "sha256"}],
        "checks": [{"object": "Contact", "condition": check, "on_failure": "warn"}],
    }
    one = staged(tmp_path, "Contact", [{"Email": "a@b"}, {"Email": "nobody"}], **said)
    assert [count for _, count in one.broken] == [1]


def test_a_mask_follows_its_field_into_a_lookup_and_a_masked_number_is_text(tmp_path: Path) -> None:
    masks = [
        {"object": "Account", "field": "Name", "method": "last4"},
        {"object": "Account", "field": "AnnualRevenue", "method": "sha256"},
    ]
    lookups = [{"path": "Account.Name", "column": "account_name"}]
    one = staged(tmp_path, "Contact", [{"Account.Name": "Acme Ltd"}], lookups=lookups, masks=masks)
    assert found(one, "account_name") == ["**** Ltd"]
    other = staged(tmp_path / "other", "Account", [{"AnnualRevenue": "7"}], masks=masks)
    assert [(kind, len(found(other, name)[0])) for name, kind, *_ in describe(other) if name == "annual_revenue"] == [
        ("VARCHAR", 64)
    ]


def test_a_dropped_field_is_neither_asked_for_nor_stored(tmp_path: Path) -> None:
    masks = [{"object": "Contact", "field": "Birthdate", "method": "drop"}]
    one = staged(tmp_path, "Contact", [{}], masks=masks)
    assert "birthdate" not in [name for name, *_ in describe(one)]
    extract = load_module(tmp_path / "package", "extract")["EXTRACTS"][1]
    assert "Birthdate" not in extract.soql()
    assert "Birthdate" in extract.refused


def test_fields_that_the_spec_does_not_choose_are_never_read(tmp_path: Path) -> None:
    one = staged(tmp_path, "Contact", [{"LastName": "L"}], left_out=("Birthdate", "Phone"))
    extract = load_module(tmp_path / "package", "extract")["EXTRACTS"][1]
    assert extract.refused == ("Phone", "Birthdate")
    assert {"birthdate", "phone"}.isdisjoint(name for name, *_ in describe(one))

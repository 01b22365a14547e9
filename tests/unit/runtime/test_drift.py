"""What an object's description of today means for a run: read, left out, kept apart, or stopped; and exact values."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from durable_compiler.catalogue import snapshot
from durable_compiler.frames import frame_of
from durable_compiler.grammar.reading import read
from durable_runtime import drift, proposals
from durable_runtime.drift import COLUMNS, Organization, Retyped, Shape
from durable_runtime.errors import DriftStopped, FieldGone, FieldRetyped, ObjectGone
from durable_runtime.spec import Column, Extract, Transform
from durable_runtime.transformation import Staged, Stamp, stage

TYPES = {
    "Id": "id(18)",
    "SystemModstamp": "datetime",
    "IsDeleted": "boolean",
    "Name": "string(80)",
    "Size__c": "double(18,0)",
    "Seats__c": "int",
    "Tier__c": "picklist(255)",
    "AccountId": "reference(18)",
}
DUCKDB = {"Name": "VARCHAR", "Size__c": "DECIMAL(38,18)", "Seats__c": "BIGINT", "Tier__c": "VARCHAR"}


def described(name: str, **more: Any) -> dict[str, Any]:
    """A field as describe tells it."""
    kind, _, size = TYPES.get(name, "string(80)").rstrip(")").partition("(")
    sizes = [int(one) for one in size.split(",") if one]
    shape: dict[str, Any] = {"name": name, "label": name.removesuffix("__c"), "type": kind, "length": 0}
    if kind == "double":
        shape |= {"precision": sizes[0], "scale": sizes[1]}
    elif sizes:
        shape["length"] = sizes[0]
    if name == "AccountId":
        shape |= {"relationshipName": "Account", "referenceTo": ["Account"]}
    return {**shape, **more}


def description(
    *without: str, new: Sequence[dict[str, Any]] = (), changed: Mapping[str, dict[str, Any]] | None = None
) -> dict[str, Any]:
    """The object Deal as it was compiled, less some fields, with some that are new or different."""
    fields = [described(name, **(changed or {}).get(name, {})) for name in TYPES if name not in without]
    return {"name": "Deal", "label": "Deal", "fields": [*fields, *new]}


def extract(**more: Any) -> Extract:
    """What a package reads of the object."""
    settled = {"types": TYPES, "needed": ("Tier__c",), **more}
    return Extract("Deal", tuple(TYPES), ", ".join, "SystemModstamp", ("R1",), **settled)


def transform(**more: Any) -> Transform:
    columns = (Column(proposals.column_name(name), kind, kind, name) for name, kind in DUCKDB.items())
    return Transform("Deal", "", (*columns, Column("account_id", "VARCHAR", "VARCHAR", "AccountId")), **more)


def compared(today: Mapping[str, Any], policy: str = "extensions", **more: Any) -> Shape:
    return drift.compare(
        extract(**more), today, policy, transform(), Organization(lambda _: {"fields": []}, lambda _: 7)
    )


def told(shape: Shape) -> list[tuple[str, str]]:
    return [(one.code, one.details["field"]) for one in shape.events]


def test_nothing_is_told_of_an_object_that_is_as_it_was() -> None:
    assert compared(description()) == Shape(tuple(TYPES), (), (), ())


def test_a_new_field_is_read_for_extensions_and_its_event_holds_what_a_proposal_needs() -> None:
    shape = compared(description(new=[described("Region__c", label="Region")]))
    assert (shape.fields[-1], shape.extra) == ("Region__c", ("Region__c",))
    assert shape.types == ("Region__c:string",)
    stored, event = shape.events
    assert (stored.code, stored.details, stored.fixed) == (
        "field_to_extensions",
        {"object": "Deal", "field": "Region__c"},
        True,
    )
    assert (event.code, event.details) == (
        "field_proposed",
        {
            "object": "Deal",
            "field": "Region__c",
            "type": "string",
            "label": "Region",
            "sentence": "Stores Deal Region in column region",
            "class": "green",
            "backfill_rows": 7,
            "backfill_api_calls": 3,
            "stored_in": "extensions",
        },
    )


def test_a_new_field_that_is_only_proposed_is_not_read() -> None:
    shape = compared(description(new=[described("Region__c")]), "propose")
    assert (shape.fields, shape.extra, told(shape)) == (tuple(TYPES), (), [("field_proposed", "Region__c")])
    assert not shape.events[0].fixed


def test_a_new_field_stops_a_run_whose_requirements_say_so() -> None:
    with pytest.raises(DriftStopped, match="new fields: Region__c"):
        compared(description(new=[described("Region__c")]), "fail")
    assert compared(description(), "fail").fields == tuple(TYPES)


@pytest.mark.parametrize(
    "secret", [{"securityClassification": "Confidential"}, {"complianceGroup": "PII"}, {"type": "encryptedstring"}]
)
def test_a_new_sensitive_field_is_held_under_every_policy(secret: dict[str, Any]) -> None:
    today = description(new=[described("Tax__c", **secret)])
    for policy in ("extensions", "propose"):
        shape = compared(today, policy)
        assert (shape.held, shape.extra, shape.fields) == (("Tax__c",), (), tuple(TYPES))
        assert (told(shape), shape.events[0].details["class"]) == ([("sensitive_field_held", "Tax__c")], "red")
        assert shape.events[0].note == (
            "Deal.Tax__c is new and not read: Salesforce classifies it as sensitive. To store it all the same: "
            "Stores Deal Tax in column tax"
        )


def test_a_classification_is_asked_for_new_fields_only_and_holds_them() -> None:
    asked: list[str] = []
    classes: dict[str, dict[str, str | None]] = {
        "Tax__c": {"SecurityClassification": "MissionCritical", "ComplianceGroup": None},
        "Mood__c": {"SecurityClassification": None, "ComplianceGroup": "GDPR;PII"},
        "Region__c": {"SecurityClassification": "Internal", "ComplianceGroup": None},
    }

    def classified(name: str) -> dict[str, dict[str, str | None]]:
        asked.append(name)
        return classes

    organization = Organization(classified=classified)
    drift.compare(extract(), description(), "extensions", transform(), organization)
    assert asked == []
    today = description(new=[described(name) for name in classes])
    shape = drift.compare(extract(), today, "extensions", transform(), organization)
    assert (asked, shape.held, shape.extra) == (["Deal"], ("Tax__c", "Mood__c"), ("Region__c",))


def test_a_new_field_whose_classification_nobody_may_read_is_stored_and_told() -> None:
    today = description(new=[described("Region__c")])
    shape = drift.compare(extract(), today, "extensions", transform(), Organization(classified=lambda _: None))
    assert shape.extra == ("Region__c",)
    assert [one.code for one in shape.events] == ["field_to_extensions", "field_proposed", "classification_unknown"]


def test_a_compound_or_binary_field_is_never_asked_for() -> None:
    new = [described("Place__c", type="location"), described("Body", type="base64"), described("Any", type="address")]
    assert compared(description(new=new)) == compared(description())


def test_a_field_that_vanished_is_left_out_and_a_new_one_of_its_type_is_named_as_its_likely_new_name() -> None:
    new = [described("Title__c"), described("Sizes__c", type="double"), described("Width__c", type="double")]
    shape = compared(description("Size__c", new=new))
    assert shape.gone == ("Size__c",)
    assert "Size__c" not in shape.fields
    events = {one.details["field"]: one.details for one in shape.events if not one.code.endswith("extensions")}
    assert events["Size__c"]["likely_renamed_to"] == "Sizes__c"
    assert (events["Sizes__c"]["likely_renamed_from"], events["Sizes__c"]["class"]) == ("Size__c", "orange")
    assert "likely_renamed_from" not in events["Width__c"]


@pytest.mark.parametrize("lost", ["Tier__c", "Id", "IsDeleted", "SystemModstamp"])
def test_a_run_stops_when_a_field_that_it_stands_on_is_gone(lost: str) -> None:
    with pytest.raises(FieldGone, match=f"Deal.{lost} is not visible any more"):
        compared(description(lost))


def test_a_package_without_types_may_ask_an_object_for_a_field_that_it_never_had() -> None:
    assert compared(description("IsDeleted"), types={}).gone == ("IsDeleted",)


def test_who_keeps_the_first_record_needs_to_know_when_each_was_made() -> None:
    read_too = Extract("Deal", (*TYPES, "CreatedDate"), lambda _: "", "SystemModstamp", ("R1",), types=TYPES)
    latest, first = (transform(keys=("name",), keep=keep) for keep in ("latest", "first"))
    assert drift.compare(read_too, description(), "extensions", latest).gone == ("CreatedDate",)
    with pytest.raises(FieldGone, match="CreatedDate"):
        drift.compare(read_too, description(), "extensions", first)


def parents(**fields: str) -> Organization:
    """An organization with an Account that has these fields, and an owner who is a user or a queue."""
    known = {
        "Account": [{"name": name, "type": kind, "length": 80} for name, kind in fields.items()],
        "User": [{"name": "Email", "type": "email", "length": 80}],
    }

    def describe(name: str) -> dict[str, Any]:
        if name not in known:
            raise ObjectGone(f"{name} is gone")
        return {"name": name, "fields": known[name]}

    return Organization(describe)


def test_a_looked_up_field_that_the_related_object_does_not_show_stops_the_run() -> None:
    reading = extract(lookups=("Account.Tier__c",), types={**TYPES, "Account.Tier__c": "string(80)"})
    assert drift.compare(reading, description(), "extensions", transform(), parents(Tier__c="string")).events == ()
    for organization in (parents(Name="string"), parents(Tier__c="location")):
        with pytest.raises(FieldGone, match=r"Account\.Tier__c"):
            drift.compare(reading, description(), "extensions", transform(), organization)
    with pytest.raises(FieldGone, match=r"Account\.Tier__c"):
        drift.compare(reading, description("AccountId"), "extensions", transform(), parents(Tier__c="string"))
    with pytest.raises(FieldRetyped, match=r"Account.Tier__c \(now double\)"):
        drift.compare(reading, description(), "extensions", transform(), parents(Tier__c="double"))


def test_one_visible_target_of_a_reference_to_several_objects_is_enough() -> None:
    owner = described("OwnerId", type="reference", length=18, relationshipName="Owner", referenceTo=["Group", "User"])
    reading = extract(lookups=("Owner.Email",), refused=("OwnerId",), types=TYPES)
    assert drift.compare(reading, description(new=[owner]), "extensions", transform(), parents()).gone == ()
    hidden = {**owner, "referenceTo": ["Group"]}
    with pytest.raises(FieldGone, match=r"Owner\.Email"):
        drift.compare(reading, description(new=[hidden]), "extensions", transform(), parents())


@pytest.mark.parametrize(
    ("field", "today"),
    [
        ("Name", {"length": 255}),
        ("Name", {"type": "textarea", "length": 131072}),
        ("Tier__c", {"type": "string"}),
        ("Size__c", {"type": "int"}),
        ("Size__c", {"type": "currency", "scale": 2}),
        ("Seats__c", {"type": "long"}),
    ],
)
def test_a_widening_changes_nothing_and_is_recorded(field: str, today: dict[str, Any]) -> None:
    shape = compared(description(changed={field: today}))
    assert (shape.fields, shape.retyped) == (tuple(TYPES), ())
    assert told(shape) == [("field_widened", field)]
    assert shape.events[0].details["was"] == TYPES[field]


def test_a_retyped_field_is_read_with_a_proposal() -> None:
    shape = compared(description(changed={"Size__c": {"type": "string", "length": 40}}))
    assert shape.retyped == (Retyped("Size__c", "size", "DECIMAL(38,18)", "string"),)
    assert shape.types == ("Size__c:string",)
    (event,) = shape.events
    assert (event.code, event.details["was"], event.details["type"]) == ("field_retyped", "double(18,0)", "string(40)")
    assert event.details["sentence"] == "Stores Deal Size in column size as text"


def test_a_retyped_field_that_a_rule_uses_stops_the_run() -> None:
    with pytest.raises(FieldRetyped, match=r"Deal.Tier__c \(now double\) has another type"):
        compared(description(changed={"Tier__c": {"type": "double", "length": 0}}))
    with pytest.raises(FieldRetyped, match="Seats__c"):
        compared(description(changed={"Seats__c": {"type": "double"}}), needed=("Seats__c",))


def test_a_package_that_tells_no_types_is_read_by_its_columns_but_for_what_rules_may_have_shaped() -> None:
    shape = compared(description(changed={"Size__c": {"type": "boolean"}, "Tier__c": {"type": "double"}}), types={})
    assert [one.field for one in shape.retyped] == ["Size__c"]


def test_a_field_that_became_a_formula_moves_without_a_stamp() -> None:
    new = [described("Total__c", type="double", calculated=True)]
    shape = compared(description(new=new, changed={"Size__c": {"calculated": True}}))
    assert shape.calculated == ("Size__c", "Total__c")
    assert ("field_calculated", "Size__c") in told(shape)
    assert compared(description(changed={"Size__c": {"calculated": True}}), formulas=("Size__c",)).calculated == ()


def test_picklist_values_that_no_map_lists_and_listed_ones_that_were_retired_are_told() -> None:
    values = [{"value": "Gold", "active": True}, {"value": "Iron", "active": True}, {"value": "Old", "active": False}]
    shape = compared(description(changed={"Tier__c": {"picklistValues": values}}), listed={"Tier__c": ("Gold", "Tin")})
    found = [(one.code, one.details["value"]) for one in shape.events]
    assert found == [("picklist_value_unlisted", "Iron"), ("picklist_value_retired", "Tin")]


@pytest.mark.parametrize("label", ["Region", "Name", "Über uns", "is not synced", "Region Code"])
def test_the_proposed_sentence_is_understood_as_that_field(label: str) -> None:
    new = described("Region_Code__c", label=label)
    today = description(new=[new])
    whole = [{**one, "precision": 0, "scale": 0, "digits": 0} for one in today["fields"]]
    catalogue = snapshot([{**today, "labelPlural": "Deals", "fields": whole}], "00D", "62.0")
    sentence = proposals.sentence(today, new, "region_code")
    (clause,) = read(sentence, catalogue, ("Deal",)).clauses
    frame = frame_of(clause)
    (mapping,) = frame.ir(clause, catalogue)["mappings"]
    assert (mapping["object"], mapping["field"], mapping["column"]) == ("Deal", "Region_Code__c", "region_code")
    assert (frame.echo(clause, catalogue) == sentence) is (label != "Über uns")  # which the grammar takes as well


# --- values of a retyped field ----------------------------------------------------------------------------------

NOW = datetime(2026, 1, 5, 2, 0, 0)  # noqa: DTZ001
READERS = {
    "VARCHAR": '"Size__c"',
    "BIGINT": 'read_integer("Size__c")',
    "DECIMAL(38,18)": 'read_number("Size__c")',
    "DATE": 'read_date("Size__c")',
    "TIMESTAMP": 'read_timestamp("Size__c")',
    "TIME": 'read_time("Size__c")',
    "BOOLEAN": 'read_boolean("Size__c")',
}
FOLDERS = count()


def staged(folder: Path, kind: str, today: str, texts: Sequence[str], extra: Sequence[str] = ()) -> Staged:
    """Records whose Size__c has these texts, read into a column of one type while describe shows another."""
    place = folder / str(next(FOLDERS))
    place.mkdir()
    page = place / "page.csv"
    with page.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(("Id", "SystemModstamp", "Size__c", *extra))
        for at, text in enumerate(texts):
            writer.writerow((f"{at:018d}", "2026-01-01T00:00:00.000Z", text, *(f"{one} {at}" for one in extra)))
    fits = READERS[kind].replace("read_", "NOT ").replace("(", "_fits(") if "(" in READERS[kind] else "FALSE"
    select = f"""SELECT "Id" AS source_id, read_timestamp("SystemModstamp") AS source_modified_at, FALSE AS is_deleted,
        NULL::TIMESTAMP AS __created_at, {READERS[kind]} AS size,
        CASE WHEN {fits} THEN 'value_does_not_fit Size__c' END AS __misfit,
        __extensions AS extensions, __record FROM landed"""
    return stage(
        Transform("Deal", select, (Column("size", kind, kind, "Size__c"),)),
        [page],
        header=("Id", "SystemModstamp", "Size__c", *extra),
        extra=extra,
        requirement="R1",
        stamp=Stamp("run", NOW, "1.0.0"),
        batch_rows=1000,
        folder=place / "staged",
        key=b"k",
        records=len(texts),
        retyped=(Retyped("Size__c", "size", kind, today),),
    )


def rows(found: Staged) -> list[tuple[Any, dict[str, Any], str, str]]:
    """(value, extensions, outcome, hash) of each record in the order of its Id."""
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        every = database.execute(
            "SELECT size, extensions, __outcome, row_hash FROM read_parquet(?) ORDER BY source_id",
            [[str(path) for path, _ in found.batches]],
        ).fetchall()
    return [(value, json.loads(text) if text else {}, outcome, digest) for value, text, outcome, digest in every]


def exact(kind: str, today: str, text: str) -> Any:
    """The value that a text is exactly, computed without the runtime; None for a text that is no such value."""
    number = re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", text)
    sent = (kind, today) == ("BIGINT", "double") and re.fullmatch(
        r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", text
    )
    whole = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)
    try:
        if kind == "VARCHAR":
            return text
        if kind == "BOOLEAN":
            return {"true": True, "false": False}.get(text)
        if kind in ("BIGINT", "DECIMAL(38,18)"):
            return _number(kind, Decimal(text)) if number or sent else None
        if kind == "DATE" and today == "datetime":
            moment = datetime.fromisoformat(text)
            midnight = re.fullmatch(r".*T00:00:00(\.0+)?(Z|[-+]00:?00)", text)
            return moment.date() if midnight else None
        if kind == "DATE":
            return date.fromisoformat(text) if whole else None
        if kind == "TIMESTAMP" and today == "date":
            return datetime.combine(date.fromisoformat(text), time()) if whole else None
        if kind == "TIMESTAMP":
            shape = r"[0-9-]{10}T[0-9:]{8}(\.[0-9]{1,6})?(Z|[-+][0-9]{2}:?[0-9]{2})"
            return _moment(text) if re.fullmatch(shape, text) else None
        shape = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z?"
        return time.fromisoformat(text.rstrip("Z")) if re.fullmatch(shape, text) else None
    except (ValueError, OverflowError):
        return None


def _number(kind: str, value: Decimal) -> Decimal | int | None:
    if kind == "BIGINT":
        return int(value) if value == int(value) and -(2**63) <= value < 2**63 else None
    fits = abs(value) < Decimal(10) ** 20 and (Fraction(value) * 10**18).denominator == 1
    return value if fits else None


def _moment(text: str) -> datetime | None:
    moment = datetime.fromisoformat(text)
    near = abs(moment.utcoffset() or timedelta()) <= timedelta(hours=14)
    return moment.astimezone(UTC).replace(tzinfo=None) if near else None


DIGITS = st.text("0123456789", min_size=1, max_size=24)
NUMBERS = st.builds("".join, st.tuples(st.sampled_from(["", "-", "+"]), DIGITS, st.sampled_from(["", "."]), DIGITS))
SPELT = st.builds(lambda number, power: f"{number}E{power}", NUMBERS, st.integers(-30, 30))
DATES = st.dates(date(1, 1, 1)).map(str)
CLOCKS = st.builds(
    "{:02d}:{:02d}:{:02d}{}{}".format,
    st.integers(0, 24),
    st.integers(0, 60),
    st.integers(0, 60),
    st.sampled_from(["", ".0", ".000", ".123", ".123456", ".1234567"]),
    st.sampled_from(["", "Z", "+00:00", "+0000", "+05:30", "-14:00", "+14:01", "+25:00"]),
)
MIDNIGHTS = DATES.map(lambda one: f"{one}T00:00:00.000Z")
MOMENTS = st.builds(lambda day, clock: f"{day}T{clock}", DATES, CLOCKS)
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12)
TEXTS = st.one_of(
    NUMBERS, SPELT, DIGITS, DATES, CLOCKS, MIDNIGHTS, MOMENTS, WORDS, st.sampled_from(["true", "false", "TRUE", "NA"])
)
TODAY = ("string", "double", "boolean", "date", "datetime", "time")


@pytest.mark.parametrize("kind", sorted(COLUMNS))
@given(today=st.sampled_from(TODAY), texts=st.lists(TEXTS, min_size=1, max_size=40))
@example(today="string", texts=["007", "1E5", "+5", "5.", ".5", "-0", "0", "12.50", " 5", "1_0", "1e400", "12"])
@example(today="double", texts=["1.0E7", "1E-18", "1E-19", "0e999", "9223372036854775807.0", "9223372036854775808"])
@example(today="string", texts=["0000-01-01", "2024-02-30", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
@example(today="string", texts=["2024-01-01T24:00:00Z", "24:00:00", "23:59:60", "2024-01-01T00:00:00+0530"])
@example(today="datetime", texts=["2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.001Z", "2024-01-01"])
@settings(
    deadline=None,
    max_examples=int(os.environ.get("DURABLE_SEEDS", "20")) // 3,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_retyped_value_is_exact_in_its_column_or_whole_in_extensions(
    tmp_path: Path, kind: str, today: str, texts: list[str]
) -> None:
    found = staged(tmp_path, kind, today, texts)
    wanted = [exact(kind, today, text) for text in texts]
    assert [(value, apart.get("Size__c")) for value, apart, _, _ in rows(found)] == [
        (value, None if value is not None else text) for value, text in zip(wanted, texts, strict=True)
    ]
    assert {outcome for _, _, outcome, _ in rows(found)} == {"live"}
    misfits = sum(value is None for value in wanted)
    assert found.unfit == ((("Size__c", misfits),) if misfits else ())


def test_misfits_stand_beside_unknown_fields_and_a_record_with_neither_has_no_extensions(tmp_path: Path) -> None:
    both = rows(staged(tmp_path, "BIGINT", "string", ["5", "many"], extra=("Region__c",)))
    assert [(value, apart) for value, apart, _, _ in both] == [
        (5, {"Region__c": "Region__c 0", "Size__c": None}),
        (None, {"Region__c": "Region__c 1", "Size__c": "many"}),
    ]
    alone = rows(staged(tmp_path, "BIGINT", "string", ["5", "", "many"]))
    assert [(value, apart) for value, apart, _, _ in alone] == [(5, {}), (None, {}), (None, {"Size__c": "many"})]


def test_a_record_whose_retyped_value_changes_gets_another_hash(tmp_path: Path) -> None:
    values = ("5", "6", "five", "six", "")
    digests = {rows(staged(tmp_path, "BIGINT", "string", [one]))[0][3] for one in values}
    assert len(digests) == len(values)

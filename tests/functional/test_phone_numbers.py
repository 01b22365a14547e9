"""Telephone numbers of real runs: E.164 where they are numbers, untouched and counted where they are not."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import duckdb
import phonenumbers
import pytest

from functional.project import REPOSITORY, Project, Sandbox, sandbox
from functional.runs_in_a_row import runner

SPEC = """\
# People

- R1.1 Syncs Accounts and Contacts from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R1.3 Writes to DuckDB table customer_data
- R2.1 Formats phone numbers as E.164 for the US
- R2.2 Treats N/A as a missing Contact Business Phone
- R2.3 Deduplicates Contacts by Business Phone, keeping the first
"""
FORMULA = {"name": "Score__c", "type": "double", "precision": 18, "scale": 2, "flags": ["calculated"], "value": "1"}
ODD = ("+1 202 555 0143 ext. 5", "030 123456", "call her", "N/A")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Sandbox]]:
    project = Project.make(tmp_path_factory.mktemp("phones") / "project", SPEC)
    shutil.copy(REPOSITORY / "requirements" / "salesforce.schema.json", project.root / "requirements")
    done = project.durable("compile", "customer_data", "--no-commit")
    assert (done.code, "DUR081" in done.out + done.err) == (0, False), done.err
    with sandbox(project.state, rows=120) as server:
        yield project, server


def stored(text: str | None) -> str | None:
    """What a column must hold of a text that is a number and nothing else, or no number at all."""
    if text in (None, "", "N/A"):
        return None
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return text
    plain = phonenumbers.is_valid_number(number) and number.extension is None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if plain else text


def events(project: Project) -> list[dict[str, Any]]:
    records = sorted((project.root / ".durable" / "runs").glob("*/run.json"))
    noted: list[dict[str, Any]] = json.loads(records[-1].read_text(encoding="utf-8"))["events"]
    return [one for one in noted if one["code"] == "phones_not_normalised"]


def test_each_number_is_stored_in_one_form_whatever_its_record_writes(world: tuple[Project, Sandbox]) -> None:
    project, server = world
    server.post("fields", {"object": "Contact", "add": FORMULA})  # compared by each run, without any other field
    contacts = [one["Id"] for one in server.truth("Contact")][: len(ODD) + 2]
    texts = (*ODD, "202.555.0143", "+1 (202) 555-0143")
    server.put(
        "records/Contact", [{"Id": one, "Phone": text} for one, text in zip(contacts, texts, strict=True)]
    )  # fmt: skip
    with runner(project) as child:
        done = child.run()
        assert done.code == 0, done.err
        truth = {one["Id"]: one for one in server.truth("Contact")}
        both = "SELECT source_id, phone, mobile_phone FROM customer_data{}"
        held = {one["source_id"]: one for side in ("", "__duplicates") for one in project.rows(both.format(side))}
        accounts = {one["Id"]: one for one in server.truth("Account")}
        assert held.keys() == truth.keys() | accounts.keys()
        assert {one: held[one]["phone"] for one in accounts} == {
            one: stored(record["Phone"]) for one, record in accounts.items()
        }
        for one, record in truth.items():
            assert (held[one]["phone"], held[one]["mobile_phone"]) == (
                stored(record["Phone"]), stored(record["MobilePhone"]),
            )  # fmt: skip
        numbers = [row["phone"] for row in held.values() if row["phone"]]
        assert sum(re.fullmatch(r"\+1\d{10}", one) is not None for one in numbers) > len(numbers) / 3
        assert len(project.rows(f"FROM customer_data WHERE source_id IN {tuple(contacts[4:])}")) == 1  # one number
        told = {one["field"]: one for one in events(project) if one["object"] == "Contact"}
        kept = sum(
            1
            for one in truth.values()
            if one["Phone"] not in (None, "", "N/A") and stored(one["Phone"]) == one["Phone"]
        )
        assert told["Phone"] == {
            "code": "phones_not_normalised", "object": "Contact", "field": "Phone", "count": kept, "no_region": 0,
            "extension": 1, "invalid": kept - 1,
        }  # fmt: skip
        assert f"Contact.Phone: {kept:,} texts stay as they are written, not as E.164." in done.err
        assert child.run().summary["objects"][1]["updated"] == 0
        with duckdb.connect(str(project.warehouse)) as database:
            database.execute(
                "UPDATE durable_state SET row_function = regexp_replace(row_function, 'phones [0-9.]+', 'phones 8.0.0')"
            )
        again = child.run().summary["objects"][1]
        assert (again["read"], again["updated"], again["inserted"]) == (len(truth), 0, 0)  # other numbering plans

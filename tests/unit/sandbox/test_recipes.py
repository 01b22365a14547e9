"""Snowfakery recipes become records as they say, and what is not supported is refused where it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from durable_sandbox.recipe import parse_recipe, read_recipe
from durable_sandbox.recipe_functions import FAKES, FUNCTIONS
from durable_sandbox.recipe_records import fill
from durable_sandbox.recipe_terms import RecipeError
from durable_sandbox.sandbox import StateError, open_sandbox
from durable_sandbox.store import Store

REFERENCE = (Path(__file__).parents[3] / "docs" / "reference" / "sandbox.md").read_text(encoding="utf-8")
found = re.search(r"<!-- recipe -->\n```yaml\n(.*?)```\n<!-- /recipe -->", REFERENCE, re.DOTALL)
assert found is not None
EXAMPLE = found[1]


def cook(text: str, seed: int = 1, **given: str) -> Store:
    store = Store(rows=0, seed=seed)
    fill(store, parse_recipe(text, "org.yml", given), seed)
    return store


def records(store: Store, name: str) -> list[dict[str, str]]:
    table = store.tables[name]
    return [dict(zip(table.kind.positions, row, strict=True)) for row in table.rows]


def value(text: str, field: str = "Description") -> str:
    """The one value of a Contact's field."""
    lines = "\n".join(f"      {line}" for line in text.splitlines())
    fields = f"- object: Contact\n  fields:\n    LastName: X\n    {field}:\n{lines}\n"
    return records(cook(fields), "contact")[0][field]


# The example of the documentation


def test_the_example_makes_the_organisation_that_it_describes() -> None:
    store = cook(EXAMPLE)
    users, accounts = records(store, "user"), records(store, "account")
    contacts, cases = records(store, "contact"), records(store, "case")
    assert [len(one) for one in (users, accounts, contacts, cases)] == [2, 8, 12, 5]
    owner = next(user["Id"] for user in users if user["Username"] == "owner@sandbox.example.com")
    assert [account["OwnerId"] for account in accounts[:3]] == [owner] * 3
    assert [account["Site"] for account in accounts[:3]] == ["HQ", "Branch", "Branch"]
    assert [account["BillingCountry"] for account in accounts] == ["Germany"] * 3 + [""] * 5
    assert [account["Name"].rsplit(" ", 1)[1] for account in accounts[:3]] == ["1", "2", "3"]
    assert {account["Type"] for account in accounts[:3]} <= {"Customer - Direct", "Prospect"}
    assert all(re.fullmatch(r"[1-9]\d\d000\.0", account["AnnualRevenue"]) for account in accounts[:3])
    assert [contact["AccountId"] for contact in contacts] == [one["Id"] for one in accounts[:3] for _ in range(4)]
    assert [contact["Level__c"] for contact in contacts[:5]] == [
        "Primary",
        "Secondary",
        "Secondary",
        "Secondary",
        "Primary",
    ]
    assert [contact["Name"] for contact in contacts] == [f"{one['FirstName']} {one['LastName']}" for one in contacts]
    assert all(contact["Email"].startswith(contact["FirstName"]) for contact in contacts)
    assert len({contact["Email"] for contact in contacts}) == 12
    assert all("1960-01-01" <= contact["Birthdate"] <= "2006-01-10" for contact in contacts)
    assert {case["ContactId"] for case in cases} <= {contact["Id"] for contact in contacts}
    assert [case["AccountId"] for case in cases] == [account["Id"] for account in accounts[3:]]
    assert [case["CaseNumber"] for case in cases] == [f"{number:08d}" for number in range(1, 6)]
    assert {contact["SystemModstamp"] for contact in contacts} == {"2026-01-03T00:00:00.000Z"}


def test_the_same_recipe_and_seed_make_the_same_records_and_another_seed_others() -> None:
    first, again, other = cook(EXAMPLE), cook(EXAMPLE), cook(EXAMPLE, seed=2)
    for name in ("account", "contact", "case"):
        assert records(first, name) == records(again, name)
        assert records(first, name) != records(other, name)


def test_an_option_that_is_given_wins_over_its_default() -> None:
    assert len(records(cook(EXAMPLE, contacts_per_account="2"), "contact")) == 6


def test_the_documentation_names_every_function_and_every_kind_of_made_up_value() -> None:
    table = REFERENCE.split("<!-- /recipe -->")[1].split("## Faults")[0]
    words = {word.replace("_", "").lower() for word in re.findall(r"`(\w+)", table)}
    assert {name.replace("_", "") for name in FUNCTIONS} <= words
    assert set(FAKES) - {"username", "datetime", "postcode", "zipcode", "safeemail", "title"} <= words


# Values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("12", "12"),
        ('"true"', "true"),
        ("null", ""),
        ("2026-01-31", "2026-01-31"),
        ("${{1 + 2 * 3}} and ${{7 // 2}}, ${{7 % 4}}, ${{-1}}", "7 and 3, 3, -1"),
        ("${{'a' + 'b' + 1}}", "ab1"),
        ("${{'x' if 1 < 2 <= 2 and not 3 == 4 else 'y'}}", "x"),
        ("${{'x' in ('x', 'y') or missing}};${{null}}", "true;"),
        ("${{LastName}}/${{this.LastName}}/${{id}}/${{child_index}}", "X/X/1/0"),
        ("${{today}} ${{today + days(30)}} ${{date('-1y')}}", "2026-01-05 2026-02-04 2025-01-05"),
        ("${{unique_id}}${{unique_id}}", "12"),
        ("date:\n  year: 2025\n  month: 2\n  day: 3", "2025-02-03"),
        ("datetime: 2025-02-03 04:05:06", "2025-02-03T04:05:06.000Z"),
        ("random_choice: [only]", "only"),
        ("random_choice:\n  never: 0%\n  always: 100%", "always"),
        ("if:\n- choice:\n    when: ${{false}}\n    pick: a\n- choice:\n    pick: b", "b"),
        ("random_number: {min: 5, max: 5}", "5"),
    ],
)
def test_a_value_is_what_its_text_or_function_says(text: str, expected: str) -> None:
    assert value(text) == expected


def test_every_kind_of_made_up_value_can_be_stored() -> None:
    made = {
        name: value(f"fake: {name}" if name not in ("boolean", "latitude", "longitude") else f"${{{{fake.{name}}}}}x")
        for name in FAKES
    }
    assert all(made.values())
    assert made["email"].endswith("@example.com")
    assert value("fake: FirstName") in Store(rows=0, seed=1).pools.first


def test_numbers_and_moments_are_stored_as_salesforce_prints_them() -> None:
    text = """
- object: Opportunity
  fields:
    Name: Big
    StageName: Prospecting
    CloseDate: 2026-03-01
    Amount: 1200
    Probability: 12.5
    SystemModstamp: 2025-12-01 10:00:00
    IsDeleted: true
"""
    (made,) = records(cook(text), "opportunity")
    assert (made["Amount"], made["Probability"], made["Weighted_Amount__c"]) == ("1200.0", "12.5", "150.00")
    assert (made["CloseDate"], made["SystemModstamp"], made["IsDeleted"]) == (
        "2026-03-01",
        "2025-12-01T10:00:00.000Z",
        "true",
    )


def test_friends_see_the_record_that_they_come_with_and_nicknames_the_last_one() -> None:
    text = """
- object: Account
  nickname: first
  fields: {Name: One}
- object: Account
  count: 2
  fields: {Name: "A${{id}}"}
  friends:
    - object: Contact
      fields: {LastName: "of ${{Account.Name}}", AccountId: "${{Account}}"}
      friends:
        - object: Case
          fields: {Subject: "${{Contact.LastName}}, not ${{first.Name}}", ContactId: {reference: Contact}}
"""
    store = cook(text)
    assert [one["LastName"] for one in records(store, "contact")] == ["of A2", "of A3"]
    assert [one["Subject"] for one in records(store, "case")] == ["of A2, not One", "of A3, not One"]
    assert [one["ContactId"] for one in records(store, "case")] == [one["Id"] for one in records(store, "contact")]


# What is refused


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("- object: Acount\n", 1, "no object Acount: did you mean Account?"),
        ("- object: Account\n  fields:\n    Nmae: x\n", 3, "Account has no field Nmae: did you mean Name?"),
        ("- object: Contact\n  fields:\n    FirstName: x\n", 1, "Contact needs LastName"),
        ("- object: Contact\n  for_each: x\n", 2, "does not read for_each: write one object with a count"),
        ("- plugin: snowfakery.standard_plugins.Counters\n", 1, "does not read plugin: use the functions"),
        ("- include_file: other.yml\n", 1, "put its statements into this file"),
        ("- snowfakery_version: 2\n", 1, "snowfakery_version: 3"),
        ("- object: Account\n  fields: {Name: a, Name: b}\n", 2, "Name stands here twice"),
        ("- object: Account\n  count: many\n", 1, "count must be a whole number"),
        ("- object: Account\n  include: missing\n", 2, "the macro missing is not written above this"),
        ("- var: x\n", 1, "a var needs a value"),
        ("- option: x\n", 1, "start with --recipe-option x=VALUE"),
        ("just text\n", 1, "a recipe is a list of statements"),
        ("- object: [\n", 2, "this is not YAML"),
        (["LastName:\n      fake: unicorn"], 4, "cannot fake unicorn"),
        (["LastName:\n      random_coice: [a]"], 4, "does not have the function random_coice"),
        (["LastName:\n      random_number: {min: 9, max: 1}"], 4, "nothing between 9 and 1"),
        (["LastName:\n      random_number: {min: 1}"], 4, "random_number needs max"),
        (["LastName:\n      random_number: {min: 1, max: 2, stop: 3}"], 4, "stop is not a setting of it"),
        (["LastName:\n      reference: nobody"], 4, "nothing called nobody is made before this"),
        (["LastName: ${{nothing}}"], 3, "nothing is not known here"),
        (["LastName: ${{open('x')}}"], 3, "there is no function open"),
        (["LastName: ${{().__class__}}"], 3, "__class__ is not known"),
        (["LastName: ${{[x for x in 'a']}}"], 3, "is not part of the sandbox's formulas"),
        (["LastName: ${{'a' | upper}}"], 3, "uses an operator that formulas do not have"),
        (["LastName: ${{1 / 0}}"], 3, "cannot be computed: division by zero"),
        (["LastName: ${{unfinished"], 3, "does not end its formula"),
        (["LastName: Yes"], 3, "LastName is text, and YAML reads True here"),
        (["LastName: x", "MailingPostalCode: 01067"], 4, "YAML reads 01067 as the number 567"),
        (["LastName: x", "Birthdate: yesterday"], 4, "Birthdate must be a date"),
        (["LastName: x", "DoNotCall: maybe"], 4, "DoNotCall must be true or false"),
        (["LastName: x", "AccountId: 12"], 4, "AccountId must be a reference"),
        (["LastName: x", "OwnerId: ${{this}}"], 4, "OwnerId cannot refer to Contact: it refers to User"),
        (["LastName: x", "Id: x"], 4, "Salesforce gives it: leave it out"),
        (["LastName: x", "MailingAddress: x"], 4, "write its parts"),
        ([f"LastName: {'x' * 81}"], 3, "LastName holds 80 characters, and this has 81"),
        (["LastName: x", "MailingGeocodeAccuracy: Exact"], 4, "MailingGeocodeAccuracy has no value Exact"),
    ],
)
def test_what_cannot_be_made_is_refused_with_its_line(text: Any, line: int, words: str) -> None:
    if isinstance(text, list):
        text = "- object: Contact\n  fields:\n" + "".join(f"    {entry}\n" for entry in text)
    with pytest.raises(RecipeError) as caught:
        cook(text)
    assert str(caught.value).startswith(f"org.yml:{line}: ")
    assert words in str(caught.value)


def test_objects_that_make_each_other_and_names_that_stand_in_themselves_are_refused() -> None:
    with pytest.raises(RecipeError, match="stands inside what it names"):
        cook("- object: Account\n  fields: {Name: a}\n  friends: &all\n    - object: Contact\n      friends: *all\n")
    with pytest.raises(RecipeError, match="the macro a includes itself"):
        cook("- macro: a\n  include: a\n- object: Account\n  include: a\n")


def test_a_wrong_option_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="it has no option contcts; its options are: contacts_per_account"):
        cook(EXAMPLE, contcts="2")
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(tmp_path / "none.yml")


# The state folder


def test_a_state_folder_comes_back_to_its_recipe_and_refuses_another(tmp_path: Path) -> None:
    recipe = parse_recipe(EXAMPLE, "org.yml", {"contacts_per_account": "2"})
    opened = open_sandbox({}, tmp_path, True, recipe)
    before = records(opened.store, "contact")
    opened.close()
    for again in (None, recipe):
        opened = open_sandbox({}, tmp_path, True, again)
        assert records(opened.store, "contact") == before
        opened.close()
    with pytest.raises(StateError, match="holds data of another recipe, or this one has changed"):
        open_sandbox({}, tmp_path, True, parse_recipe(EXAMPLE, "org.yml", {}))
    with pytest.raises(StateError, match="start without --recipe and --rows"):
        open_sandbox({"rows": 9}, tmp_path, True)

"""What the rules about fields put into the IR, what they assume, and why they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from durable_compiler.catalogue import Snapshot
from durable_compiler.frames import frame_of
from durable_compiler.grammar.reading import read
from durable_compiler.grammar.sentence import Fault

Json = dict[str, Any]


def _every(schema: Snapshot) -> tuple[str, ...]:
    return tuple(one.name for one in schema.objects)


def _ir(sentence: str, schema: Snapshot) -> Json:
    found = read(sentence, schema, _every(schema))
    assert found.fault is None, found.fault
    [clause] = found.clauses
    return frame_of(clause).ir(clause, schema)


def _fault(sentence: str, schema: Snapshot) -> Fault:
    found = read(sentence, schema, _every(schema))
    assert found.clauses == ()
    assert found.fault is not None
    return found.fault


def _source(name: str, **keys: object) -> Json:
    return {"source": {"objects": [{"name": name, **keys}]}}


def _mapping(owner: str, field: str, column: str, kind: str | None = None, *steps: str) -> Json:
    return {"object": owner, "field": field, "column": column, "type": kind, "transforms": list(steps)}


REVIEW = ("Customer_Health__c", "Next_Review_At__c")
MAILING = [
    "MailingAddress", "MailingStreet", "MailingCity", "MailingState", "MailingPostalCode", "MailingCountry",
    "MailingLatitude", "MailingLongitude", "MailingGeocodeAccuracy",
]  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "ir"),
    [
        (
            "Syncs only Name, Industry and Annual Revenue of Accounts",
            _source("Account", fields=["Name", "Industry", "AnnualRevenue"]),
        ),
        ("For Contacts, read just the Email and Phone", _source("Contact", fields=["Email", "Phone"])),
        ("For Contacts, read just the Phone and Email", _source("Contact", fields=["Phone", "Email"])),
        ("Syncs only Id and Name of Accounts", _source("Account", fields=["Name"])),
        ("Leaves out Contact Birthdate", _source("Contact", excluded=["Birthdate"])),
        ("Leaves out Contact Mailing Address", _source("Contact", excluded=MAILING)),
        (
            "Leaves out Contact Birthdate, Account Fax and Contact SSN__c",
            {
                "source": {
                    "objects": [
                        {"name": "Contact", "excluded": ["Birthdate", "SSN__c"]},
                        {"name": "Account", "excluded": ["Fax"]},
                    ]
                }
            },
        ),
        (
            "Includes the Account's Name with each Contact as account_name",
            _source("Contact", lookups=[{"path": "Account.Name", "column": "account_name"}]),
        ),
        (
            "Adds the owner's email to each opportunity",
            _source("Opportunity", lookups=[{"path": "Owner.Email", "column": "owner_email"}]),
        ),
        (
            "Includes the Account's Name and Annual Revenue as revenue with each Customer Health",
            _source(
                "Customer_Health__c",
                lookups=[
                    {"path": "Account__r.Name", "column": "account_name"},
                    {"path": "Account__r.AnnualRevenue", "column": "revenue"},
                ],
            ),
        ),
    ],
)
def test_fields_name_what_an_object_is_read_with(sentence: str, ir: Json, whole_schema: Snapshot) -> None:
    assert _ir(sentence, whole_schema) == ir


@pytest.mark.parametrize(
    ("sentence", "mappings"),
    [
        ("Stores Account Phone as phone_number", [_mapping("Account", "Phone", "phone_number")]),
        ("Stores Account Phone as PHONE_NUMBER", [_mapping("Account", "Phone", "phone_number")]),
        ("Maps Contact Email to email_address as text", [_mapping("Contact", "Email", "email_address", "text")]),
        ("Stores Account Annual Revenue as number(18,2)", [
            _mapping("Account", "AnnualRevenue", "annual_revenue", "number(18,2)"),
        ]),
        ("Stores Account Employees as a decimal with 2 places", [
            _mapping("Account", "NumberOfEmployees", "number_of_employees", "number(38,2)"),
        ]),
        ("Stores Account Phone as phone_number and Fax as fax_number", [
            _mapping("Account", "Phone", "phone_number"),
            _mapping("Account", "Fax", "fax_number"),
        ]),
        ("Trims and lower-cases Contact Email", [_mapping("Contact", "Email", "email", None, "trim", "lower")]),
        ("Lower-cases and trims Contact Email", [_mapping("Contact", "Email", "email", None, "lower", "trim")]),
        ("Keeps only the digits of Contact Phone", [_mapping("Contact", "Phone", "phone", None, "digits")]),
    ],
)  # fmt: skip
def test_mappings_hold_the_column_the_type_and_the_steps(
    sentence: str, mappings: list[Json], whole_schema: Snapshot
) -> None:
    assert _ir(sentence, whole_schema) == {"mappings": mappings}


def test_the_region_of_one_field_is_the_region_of_all_telephone_numbers(whole_schema: Snapshot) -> None:
    assert _ir("Formats Contact Phone as E.164 for the US", whole_schema) == {
        "mappings": [_mapping("Contact", "Phone", "phone", None, "e164")],
        "conventions": {"phone_region": "US"},
    }


@pytest.mark.parametrize(
    ("sentence", "field", "value"),
    [
        ("A missing Account Industry becomes Unknown", ("Account", "Industry"), "Unknown"),
        ("Empty Account Ratings are stored as cold", ("Account", "Rating"), "Cold"),
        ("When Account Annual Revenue is missing, use 0", ("Account", "AnnualRevenue"), 0),
        ("A missing Opportunity Amount becomes -1.5", ("Opportunity", "Amount"), -1.5),
        ("A missing Account Fax becomes 0", ("Account", "Fax"), "0"),
        ("A missing Contact Birthdate becomes January 1, 1900", ("Contact", "Birthdate"), "1900-01-01"),
        ("A missing Contact Do Not Call becomes no", ("Contact", "DoNotCall"), False),
        ("A missing Next Review At becomes 2030-01-01", REVIEW, "2030-01-01T00:00:00Z"),
        ("A missing Contact Department becomes `not given`", ("Contact", "Department"), "not given"),
    ],
)  # fmt: skip
def test_a_default_has_the_type_of_its_field(
    sentence: str, field: tuple[str, str], value: object, whole_schema: Snapshot
) -> None:
    [entry] = _ir(sentence, whole_schema)["defaults"]
    assert (entry["object"], entry["field"]) == field
    assert entry["value"] == value
    assert type(entry["value"]) is type(value)


@pytest.mark.parametrize(
    ("sentence", "values"),
    [
        ("Treats N/A and - as a missing Contact Phone", ["N/A", "-"]),
        ("Treats N/A or -- as a missing Contact Phone", ["N/A", "--"]),
        ("Treats `N/A `, 'none' and \"?\" as a missing Contact Phone", ["N/A ", "none", "?"]),
        ("Treats 000-000-0000 and n.a. as a missing Contact Phone.", ["000-000-0000", "n.a."]),
        ("Contact Phone values N/A, none and TBD are treated as missing", ["N/A", "none", "TBD"]),
    ],
)
def test_blanks_are_the_texts_exactly_as_written(sentence: str, values: list[str], whole_schema: Snapshot) -> None:
    assert _ir(sentence, whole_schema) == {"blanks": [{"object": "Contact", "field": "Phone", "values": values}]}


@pytest.mark.parametrize(
    ("sentence", "method"),
    [
        ("Hashes Contact Phone", "sha256"),
        ("Only the last four digits of Contact Phone are kept", "last4"),
        ("Contact Phone must never leave Salesforce", "drop"),
        ("Drops Contact Phone", "drop"),
    ],
)
def test_a_mask_says_how_the_value_is_hidden(sentence: str, method: str, whole_schema: Snapshot) -> None:
    assert _ir(sentence, whole_schema) == {"masks": [{"object": "Contact", "field": "Phone", "method": method}]}


@pytest.mark.parametrize(
    ("sentence", "code", "offer"),
    [
        ("Adds the User's Email to each Opportunity", "DUR021", "Includes the Owner's Email with each Opportunity"),
        ("Adds the Campaign's Name to each Contact", "DUR039", "Account"),
        ("Adds the Account's Shoe Size to each Contact", "DUR031", None),
        ("Adds the What's Industry to each Event", "DUR039", None),
        ("Includes the Account's Name with each Contact as run_id", "DUR083", None),
        ("Leaves out Contact Id", "DUR065", None),
        ("Syncs only Id of Contacts", "DUR038", None),
        ("Stores Account Phone as PhoneNumber", "DUR083", "phone_number"),
        ("Stores Account Phone as row_hash", "DUR083", "row_hash_"),
        ("Stores Account Phone in column select", "DUR083", "select_"),
        ("Stores Account Phone as x_y and Fax as x_y", "DUR082", None),
        ("Stores Contact Email as a boolean", "DUR038", "Stores Contact Email as text"),
        ("Stores Account Annual Revenue as number(40,2)", "DUR053", "number(38,18)"),
        ("A missing Account Annual Revenue becomes `Unknown`", "DUR038", None),
        ("A missing Account Employees becomes 1.5", "DUR038", None),
        ("A missing Contact Birthdate becomes 2023-02-30", "DUR046", None),
        ("Treats N/A as a missing Account Annual Revenue", "DUR038", None),
        ("Masks Contact Email", "DUR020", "Hashes Contact Email"),
        ("Encrypts Contact Email", "DUR020", "Hashes Contact Email"),
        ("Masks Contact Phone except for the last 6 digits", "DUR053", None),
        ("Masks Account Annual Revenue except for the last 4 digits", "DUR038", None),
        ("Lower-cases and upper-cases Contact Email", "DUR065", None),
        ("Upper-cases Account Annual Revenue", "DUR038", None),
        ("Formats Contact Email as E.164", "DUR038", None),
        ("Hot means priority, Cold means later", "DUR032", "Account Rating"),
    ],
)
def test_a_refusal_has_its_code_and_what_to_write(
    sentence: str, code: str, offer: str | None, whole_schema: Snapshot
) -> None:
    fault = _fault(sentence, whole_schema)
    assert fault.code == code, fault
    assert fault.help
    assert offer is None or any(one.startswith(offer) for one in fault.suggestions), fault.suggestions


def test_an_offer_for_several_relationships_compiles(whole_schema: Snapshot) -> None:
    offers = _fault("Adds the User's Email to each Opportunity", whole_schema).suggestions
    assert len(offers) == 3
    paths = [_ir(one, whole_schema)["source"]["objects"][0]["lookups"][0]["path"] for one in offers]
    assert paths == ["Owner.Email", "CreatedBy.Email", "LastModifiedBy.Email"]


@pytest.mark.parametrize(
    ("sentence", "key", "value"),
    [
        ("Adds the Account's Name to each Contact", "source.objects[].lookups", "Contact.account_name"),
        ("A missing Account Industry becomes Unknown", "defaults.value", "Unknown"),
        ("Stores Account Employees as a decimal with 2 places", "mappings.type", "number(38,2)"),
        ("Contact Email is required", "required.on_failure", "reject"),
    ],
)
def test_what_a_sentence_leaves_open_is_an_assumption(
    sentence: str, key: str, value: str, whole_schema: Snapshot
) -> None:
    [clause] = read(sentence, whole_schema, _every(whole_schema)).clauses
    assert [(one.key, one.value) for one in clause.assumed] == [(key, value)]


def test_a_field_by_its_api_name_when_its_label_has_marks(whole_schema: Snapshot) -> None:
    [clause] = read("Leaves out Opportunity Probability", whole_schema, _every(whole_schema)).clauses
    assert frame_of(clause).echo(clause, whole_schema) == "Leaves out Opportunity Probability"


def test_every_field_of_an_organisation_can_be_left_out_by_its_canonical_english(whole_schema: Snapshot) -> None:
    from durable_compiler.catalogue import SYSTEM_FIELDS
    from durable_compiler.frames.fields import Fields, echo

    for schema in whole_schema.objects:
        for field in schema.fields:
            if field.name not in SYSTEM_FIELDS and not field.compound:
                clause = Fields(excluded=((schema.name, field.name),))
                text = echo(clause, whole_schema)
                assert read(text, whole_schema, _every(whole_schema)).clauses == (clause,), text


@pytest.mark.parametrize(
    ("sentence", "on_failure"),
    [
        ("Every Contact needs an Email", "reject"),
        ("Opportunities lacking a Close Date fail the run", "fail"),
        ("Warns about Accounts with no Phone", "warn"),
        ("If Contact Email is missing, reject the record", "reject"),
        ("Contact Email is required, otherwise the run fails", "fail"),
    ],
)
def test_a_requirement_says_what_happens_without_a_value(
    sentence: str, on_failure: str, whole_schema: Snapshot
) -> None:
    [entry] = _ir(sentence, whole_schema)["required"]
    assert entry["on_failure"] == on_failure


def test_values_without_their_field_belong_to_the_one_picklist_that_has_them(whole_schema: Snapshot) -> None:
    assert _ir("Green means healthy, Yellow means at risk", whole_schema) == {
        "enums": [
            {
                "object": "Customer_Health__c",
                "field": "Health_Status__c",
                "values": {"Green": "healthy", "Yellow": "at risk"},
                "otherwise": None,
            }
        ]
    }

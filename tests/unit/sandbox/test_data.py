"""Generated records are the same for the same seed, and as awkward as production's."""

from datetime import UTC, datetime

from durable_sandbox import ids
from durable_sandbox.clock import ANCHOR, stamp
from durable_sandbox.describe import describe_object
from durable_sandbox.store import Store

STORE = Store(rows=2000, seed=3)


def column(table: str, name: str) -> list[str]:
    kind = STORE.tables[table].kind
    return [row[kind.positions[name]] for row in STORE.tables[table].rows]


def test_the_checksum_is_salesforces() -> None:
    assert ids.with_checksum("001D000000IqhSL") == "001D000000IqhSLIAZ"
    assert ids.is_valid("001D000000IqhSLIAZ")
    assert not ids.is_valid("001D000000IqhSLIAA")


def test_ids_ascend_with_their_number() -> None:
    made = [ids.make("003", number) for number in (1, 9, 10, 35, 36, 61, 62, 3843, 3844, 500_000)]
    assert made == sorted(made)
    assert all(ids.is_valid(value) for value in made)


def test_the_id_of_a_record_that_is_gone_is_not_given_again() -> None:
    table = Store(rows=20, seed=1).tables["contact"]
    last = table.rows[-1]
    table.remove([last[0]])
    assert table.get(last[0]) is None
    assert ids.make("003", table.free_number(1)) > last[0]


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    again, other = Store(rows=50, seed=5), Store(rows=50, seed=6)
    rows = list(again.tables["contact"].rows)
    assert rows == list(Store(rows=50, seed=5).tables["contact"].rows)
    assert rows != list(other.tables["contact"].rows)


def test_objects_have_their_share_of_the_rows() -> None:
    counts = {table.kind.name: len(table.rows) for table in STORE.tables.values()}
    assert (counts["Contact"], counts["Account"], counts["Customer_Health__c"]) == (2000, 400, 400)
    assert len(list(STORE.listed())) == 12


def test_an_empty_sandbox_still_has_its_organisation_and_a_user() -> None:
    counts = {table.kind.name: len(table.rows) for table in Store(rows=0, seed=1).tables.values()}
    assert {name for name, count in counts.items() if count} == {"Organization", "User"}


def test_every_stamp_is_two_days_older_than_the_anchor_and_in_order() -> None:
    newest = stamp(ANCHOR.replace(day=3))
    created, stamps = column("contact", "CreatedDate"), column("contact", "SystemModstamp")
    assert max(stamps) <= newest
    assert max(created) <= newest
    assert datetime(2026, 1, 5, tzinfo=UTC) == ANCHOR


def test_many_records_share_one_stamp() -> None:
    stamps = column("contact", "SystemModstamp")
    assert max(stamps.count(value) for value in set(stamps)) >= 20


def test_contacts_have_duplicate_and_missing_external_ids_and_missing_emails() -> None:
    keys = column("contact", "External_ID__c")
    present = [key for key in keys if key]
    assert 60 <= keys.count("") <= 140
    assert len(present) - len(set(present)) >= 20
    assert column("contact", "Email").count("") == 40


def test_awkward_text_occurs() -> None:
    prose = set(column("contact", "Description"))
    assert {"NA", "null", "None", " ", "N/A", ""} <= prose
    assert any("\n" in text for text in prose)
    assert any('"' in text for text in prose)
    assert any("🚀" in text for text in prose)


def test_money_has_many_digits_and_exponents() -> None:
    revenue = [value for value in column("account", "AnnualRevenue") if value]
    assert any("E7" in value for value in revenue)
    assert any(len(value.replace(".", "")) == 18 for value in revenue)
    assert all(0 <= float(value) <= 100 for value in column("customer_health__c", "Health_Score__c") if value)


def test_a_small_share_is_in_the_recycle_bin() -> None:
    assert 8 <= column("contact", "IsDeleted").count("true") <= 40


def test_only_opportunities_have_a_calculated_field() -> None:
    calculated = {
        (table.kind.name, entry["name"])
        for table in STORE.listed()
        for entry in describe_object(table, "", "")["fields"]
        if entry["calculated"]
    }
    assert calculated == {("Opportunity", "Weighted_Amount__c")}


def test_describe_has_salesforces_key_sets() -> None:
    document = describe_object(STORE.tables["customer_health__c"], "/services/data/v62.0", "http://127.0.0.1")
    assert len(document) == 45
    assert {len(entry) for entry in document["fields"]} == {57}
    assert (document["label"], document["labelPlural"]) == ("Customer Health", "Customer Health")
    fields = {entry["name"]: entry for entry in document["fields"]}
    assert (fields["Health_Score__c"]["precision"], fields["Health_Score__c"]["scale"]) == (5, 2)
    assert [entry["value"] for entry in fields["Health_Status__c"]["picklistValues"]] == ["Green", "Yellow", "Red"]
    assert fields["Account__c"]["relationshipName"] == "Account__r"


def test_describe_marks_the_external_id_and_the_parts_of_an_address() -> None:
    document = describe_object(STORE.tables["contact"], "/services/data/v62.0", "http://127.0.0.1")
    fields = {entry["name"]: entry for entry in document["fields"]}
    assert (fields["External_ID__c"]["label"], fields["External_ID__c"]["externalId"]) == ("External ID", True)
    assert fields["MailingCity"]["compoundFieldName"] == "MailingAddress"
    assert fields["MailingAddress"]["type"] == "address"
    assert fields["Description"]["filterable"] is False

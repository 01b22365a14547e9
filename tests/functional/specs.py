"""Specs of many kinds in English, and what changes of the source do to the fields that their rules look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HEAD = """# Another spec

- R1.1 Syncs {objects} from Salesforce
- R1.2 Runs nightly at 2:00 AM UTC
- R2.1 Writes to DuckDB table customer_data
"""
HIDDEN_OBJECTS = ("LoginHistory", "AccountHistory", "Attachment", "Invoice__c", "Invoice_Line__c")
NEXT = dict.fromkeys(("Amount", "Name"), ("5000", "15000", "25000.5", "-3", None))
# What a change may give a field, by object: values on both sides of every rule below.
VALUES: Mapping[str, Mapping[str, Sequence[str | None]]] = {
    "Opportunity": {**NEXT, "NextStep": ("x", None, " "), "StageName": ("Prospecting", "Closed Won")},
    "Task": {"Subject": ("Call", None), "Priority": ("High", "Low")},
    "Customer_Health__c": {
        "Health_Status__c": ("Green", "Blue", None, "Red"), "Health_Score__c": ("5", "50", "95", None, "10"),
    },
    "Contact": {
        "Email": ("a@x.com", " A@x.com ", None, "b@x.com"), "Department": ("D", None), "LastName": ("L", "M"),
        "LastActivityDate": ("2026-01-01", "2025-10-01", None),
        "Phone": ("12345", None, "12", "(202) 555-0143", "202.555.0143", "2025550143 x5"),
    },
    "Event": {"StartDateTime": ("2026-01-01T00:00:00.000Z", "2024-10-01T00:00:00.000Z", None)},
    "User": {"Email": ("u@x.com", "v@x.com"), "Department": ("D", "E", None)},
    "Account": {
        "Name": ("N1", "N2"), "Type": ("Customer - Direct", "Customer - Channel", "Prospect"), "Site": ("s", "t", None),
        "Industry": ("Banking", "Energy", None),
    },
    "Invoice_Line__c": {"Quantity__c": ("1", "2.5", None)},
    "Invoice__c": {"Amount__c": ("1", "20000", None)},
    "Attachment": {"Name": ("f", "g")},
}  # fmt: skip
FORMULAS = {"Opportunity": "Weighted_Amount__c", "Invoice_Line__c": "Line_Total__c"}
AMOUNTS = ("0", "9000", "11000", "60000", "150000", None)
REFERENCES = {
    "Opportunity": ("AccountId", "Account"), "Contact": ("AccountId", "Account"), "Task": ("WhoId", "Contact"),
    "Customer_Health__c": ("Account__c", "Account"), "Account": ("ParentId", "Account"),
    "Invoice_Line__c": ("Invoice__c", "Invoice__c"),
}  # fmt: skip
PARENTS: Mapping[str, Sequence[str]] = {
    "Opportunity": ("Account", "User"), "Contact": ("Account",), "Customer_Health__c": ("Account",),
    "Task": ("Contact",), "Invoice_Line__c": ("Invoice__c", "Account", "User"), "AccountHistory": ("Account", "User"),
}  # fmt: skip
ONLY_BORN = ("LoginHistory", "AccountHistory")  # nobody changes their records
BEYOND_ENGLISH = {
    "Invoice_Line__c": {
        "lookups": [
            {"path": "Invoice__r.Account__r.Name", "column": "account_name"},
            {"path": "Invoice__r.Account__r.Owner.Email", "column": "owner_email"},
        ]
    },
    "AccountHistory": {"lookups": [{"path": "Account.Name", "column": "account_name"}]},
    "LoginHistory": {"lookups": [{"path": "User.Email", "column": "user_email"}]},
}


@dataclass(frozen=True)
class Spec:
    """Objects, and the versions of what is said about them; without any, a package beyond what English says."""

    objects: tuple[str, ...]
    said: str = ""
    versions: tuple[tuple[str, ...], ...] = ((),)


SPECS: Mapping[str, Spec] = {
    "deals": Spec(("Opportunity", "Task"), "Opportunities and Tasks", (
        ("Only Opportunities with an Amount over 10,000 are synced",
         "Stores Opportunity Amount divided by 12 as monthly_amount, rounded to 2 decimals",
         "Includes the Owner's Email with each Opportunity as owner_email",
         "Includes the Who's Email with each Task as who_email",
         "Deduplicates Opportunities by Name, keeping the first",
         "Opportunity Next Step is required; records without it are rejected",
         "Commits in batches of 7 rows"),
        ("Includes the Account's Name with each Opportunity as account_name",
         "Deduplicates Opportunities by Stage, keeping the latest",
         "Leaves out Task Description"),
    )),
    "formulas": Spec(("Opportunity",), "Opportunities", (
        ("Only Opportunities with a Weighted Amount over 10,000 are synced",
         "Sets deal_size to large when Weighted Amount is at least 50,000, otherwise small",
         "Removes records that were deleted in Salesforce",
         "Deduplicates Opportunities by Account ID, keeping the latest"),
        ("Removes records that were deleted in Salesforce",
         "Deduplicates Opportunities by Account ID, keeping the first"),
        ("Opportunity Weighted Amount must be at most 100,000",
         "Deduplicates Opportunities by Weighted Amount, keeping the first"),
    )),
    "health": Spec(("Customer_Health__c",), "Customer Health", (
        ("Maps Health Status Green to healthy, Yellow to at_risk and Red to critical",
         "Health Score must be between 10 and 90",
         "Warns when Churn Risk is over 50",
         "Deduplicates Customer Health by Account, keeping the latest",
         "Includes the Account's Name with each Customer Health as account_name",
         "Removes records that were deleted in Salesforce",
         "Re-reads the last 1 second to catch late changes"),
        ("Maps Health Status Green to healthy, Yellow to at_risk and Red to critical; anything else becomes unknown",
         "Deduplicates Customer Health by Account, keeping the first",
         "Only syncs Customer Health whose Account's Industry is Banking or Energy"),
    )),
    "contacts": Spec(("Contact",), "Contacts", (
        ("Syncs only External ID, Email, Phone, Last Name and Account ID of Contacts",
         "Only syncs Contacts of Accounts whose Type is Customer",
         "Hashes Contact Email",
         "Masks Contact Phone except for the last 4 digits",
         "Deduplicates Contacts by Email, keeping the first",
         "Trims and lower-cases Contact Email",
         "A missing Contact Phone becomes unknown"),
        ("Leaves out Contact Description",
         "Deduplicates Contacts by Last Name and Department, keeping the first",
         "Marks deleted records instead of removing them",
         "Ignores Contacts without an Email"),
    )),
    "recent": Spec(("Contact", "Event"), "Contacts and Events", (
        ("Only syncs Contacts whose Last Activity is in the last 400 days",
         "Only syncs Events whose Start Date Time is in the last 400 days",
         "Stores the days until Contact Birthdate as days_to_birthday",
         "Marks deleted records instead of removing them"),
    )),
    "people": Spec(("User", "Account"), "Users and Accounts", (
        ("Deduplicates Accounts by Site, keeping the latest",
         "Account Industry is required; records without it are rejected",
         "Includes the Parent's Name with each Account as parent_name",
         "Only syncs Accounts whose Type is Customer"),
    )),
    "lines": Spec(("Invoice_Line__c", "Attachment"), "Invoice Lines and Attachments", (
        ("Includes the Invoice's Amount with each Invoice Line as invoice_amount",
         "Only syncs Invoice Lines whose Invoice's Amount is over 10,000",
         "Leaves out Attachment Description"),
    )),
    "histories": Spec(("Invoice_Line__c", "LoginHistory", "AccountHistory")),
    "young": Spec(("Contact", "Opportunity", "Account"), "Contacts, Opportunities and Accounts", (
        ("Loads history from June 1, 2024",
         "Only syncs Contacts of Accounts whose Type is Customer",
         "Deduplicates Contacts by Last Name, keeping the first",
         "Includes the Account's Name with each Contact as account_name",
         "Opportunity Next Step is required; records without it are rejected"),
        ("Loads history from June 1, 2024",
         "Formats phone numbers as E.164 for the US",
         "Masks Contact Business Phone except for the last 4 digits",
         "Deduplicates Contacts by Business Phone, keeping the latest",
         "Only Opportunities with an Amount over 10,000 are synced",
         "Removes records that were deleted in Salesforce"),
    )),
}  # fmt: skip

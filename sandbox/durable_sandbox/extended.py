"""Odd objects that full organisations have: without stamps, without Bulk, not queryable, with base64; and very many."""

from collections.abc import Iterator

from durable_sandbox.ids import DIGITS
from durable_sandbox.objects import Field, ObjectType, parse_fields

_STAMPS = """
CreatedDate      | Created Date          | datetime            | created  | system
CreatedById      | Created By ID         | reference User CreatedBy      | user | system
LastModifiedDate | Last Modified Date    | datetime            | modified | system
LastModifiedById | Last Modified By ID   | reference User LastModifiedBy | user | system
SystemModstamp   | System Modstamp       | datetime            | stamp    | system
"""
_LOGIN_HISTORY = """
Id          | Login ID       | id            | id           | system
UserId      | User ID        | reference User | user        | system
LoginTime   | Login Time     | datetime      | past_moment  | system
LoginType   | Login Type     | picklist Application;Remote Access 2.0;Other Apex API | pick | system restricted
SourceIp    | Source IP      | string 39     | ip_address   | system null=5
LoginUrl    | Login URL      | string 128    | website      | system null=10
Browser     | Browser        | string 64     | messy        | system null=20
Platform    | Platform       | string 64     | messy        | system null=20
Status      | Status         | string 128    | login_status | system
Application | Application    | string 64     | messy        | system null=20
CountryIso  | Country Code   | string 3      | ticker       | system null=5
"""
_ACCOUNT_HISTORY = """
Id          | History ID     | id            | id       | system
IsDeleted   | Deleted        | boolean       | deleted  | system
AccountId   | Account ID     | reference Account | account | system
CreatedById | Created By ID  | reference User CreatedBy | user | system
CreatedDate | Created Date   | datetime      | created  | system
Field       | Changed Field  | picklist Name;Owner;Phone;Rating;SLA__c;created | pick | system restricted
DataType    | Datatype       | picklist Text;EntityId;DynamicEnum | pick | system restricted
OldValue    | Old Value      | anyType 255   | messy    | system null=30
NewValue    | New Value      | anyType 255   | messy    | system null=20
"""
_ACCOUNT_SHARE = """
Id          | Account Share ID | id          | id       | system
AccountId   | Account ID     | reference Account | account | required
UserOrGroupId | User/Group ID | reference User,Group UserOrGroup | user | required
AccountAccessLevel | Account Access | picklist Read;Edit;All | pick | required restricted
OpportunityAccessLevel | Opportunity Access | picklist None;Read;Edit | pick | required restricted
RowCause    | Row Cause      | picklist Owner;Manual;Rule;Team | pick | required restricted
LastModifiedDate | Last Modified Date | datetime | modified | system
LastModifiedById | Last Modified By ID | reference User LastModifiedBy | user | system
IsDeleted   | Deleted        | boolean       | deleted  | system
"""
_CHANGE_EVENT = """
Id          | Change Event ID | id           | id       | system
ReplayId    | Replay ID      | string 1000   | null     | system
Name        | Account Name   | string 255    | company  | null=10
Phone       | Account Phone  | phone 40      | phone    | null=50
AnnualRevenue | Annual Revenue | currency 18,0 | money  | null=50
LastModifiedDate | Last Modified Date | datetime | modified | null=5
"""
_CASE_STATUS = """
Id          | Case Status Value ID | id      | id       | system
MasterLabel | Master Label   | string 255    | subject  | required
ApiName     | API Name       | string 255    | product  | null=5
SortOrder   | Sort Order     | int 9         | minutes  | null=5
IsDefault   | Is Default     | boolean       | maybe    | -
IsClosed    | Is Closed      | boolean       | maybe    | -
"""
_ATTACHMENT = """
Id          | Attachment ID  | id            | id       | system
IsDeleted   | Deleted        | boolean       | deleted  | system
ParentId    | Parent ID      | reference Account,Case,Contact,Lead,Opportunity Parent | account | required
Name        | File Name      | string 255    | product  | required name
IsPrivate   | Private        | boolean       | maybe    | -
ContentType | Content Type   | string 120    | content_type | null=10
Body        | Body           | base64        | body     | required
BodyLength  | Body Length    | int 9         | body_length | system nillable
OwnerId     | Owner ID       | reference User Owner | user | required
Description | Description    | textarea 500  | prose    | null=60
"""
_INVOICE = """
Id          | Record ID      | id            | id       | system
IsDeleted   | Deleted        | boolean       | deleted  | system
OwnerId     | Owner ID       | reference User Owner | user | required
Name        | Invoice Number | string 80     | invoice_number | system required name
Account__c  | Account        | reference Account Account__r | account | null=5
Amount__c   | Amount         | currency 16,2 | money    | null=5
Tax_Rate__c | Tax Rate       | percent 5,3   | percent2 | null=10
Issued_On__c | Issued On     | date          | recent_date | null=5
Paid_At__c  | Paid At        | datetime      | past_moment | null=50
Pay_Time__c | Pay Time       | time          | clock_time | null=30
Regions__c  | Regions        | multipicklist North;South;East;West | multipick | null=40
Portal__c   | Portal         | url 255       | website  | null=40
Secret__c   | Secret         | encryptedstring 40 | number_text | null=40
Terms__c    | Terms          | textarea 32768 | prose   | null=40 rich
Archive__c  | Archive        | textarea 131072 | prose  | null=60
External_Key__c | External Key | string 40   | number_text | external unique
Shop__Latitude__s | Shop (Latitude)  | double 18,15 | latitude  | null=50 of=Shop__c
Shop__Longitude__s | Shop (Longitude) | double 18,15 | longitude | null=50 of=Shop__c
Shop__c     | Shop           | location      | null     | -
"""
_INVOICE_LINE = """
Id          | Record ID      | id            | id       | system
IsDeleted   | Deleted        | boolean       | deleted  | system
Name        | Line Number    | string 80     | line_number | system required name
Invoice__c  | Invoice        | reference Invoice__c Invoice__r | invoice | required master
Product__c  | Product        | reference Product2 Product__r | product_id | null=10
Quantity__c | Quantity       | double 18,4   | small_number | null=5
Unit_Price__c | Unit Price   | currency 18,2 | money    | null=5
Line_Total__c | Line Total   | currency 18,2 | money    | null=5 calculated
"""
_LEGACY = """
Id          | Record ID      | id            | id       | system
IsDeleted   | Deleted        | boolean       | deleted  | system
OwnerId     | Owner ID       | reference User Owner | user | required
Name        | Legacy Contract Name | string 80 | product | null=2 name
Signed_On__c | Signed On     | date          | recent_date | null=20
"""
_ACTIVITY_HISTORY = """
Id          | Activity ID    | id            | id       | system
IsDeleted   | Deleted        | boolean       | deleted  | system
AccountId   | Account ID     | reference Account | account | system
Subject     | Subject        | string 255    | subject  | system null=2
ActivityDate | Date          | date          | recent_date | system null=10
"""


_UNQUERIED = "plain read_only no_query no_replication"
_EVENT = f"{_UNQUERIED} event"
_KINDS_OF_OBJECT: tuple[tuple[str, str, str, float, str, str, str], ...] = (
    ("LoginHistory", "Login History", "0Ya", 0.05, _LOGIN_HISTORY, "plain read_only no_replication", ""),
    ("AccountHistory", "Account History", "017", 0.05, _ACCOUNT_HISTORY, "plain read_only", "Account"),
    ("AccountShare", "Account Share", "00r", 0.05, _ACCOUNT_SHARE, "plain no_replication", "Account"),
    ("AccountChangeEvent", "Account Change Event", "0AC", 0, _CHANGE_EVENT, _EVENT, "Account"),
    ("CaseStatus", "Case Status Value", "01Z", 0, _CASE_STATUS + _STAMPS, "plain read_only no_bulk", ""),
    ("Attachment", "Attachment", "00P", 0.01, _ATTACHMENT + _STAMPS, "plain no_bulk", ""),
    ("Invoice__c", "Invoice", "a1X", 0.05, _INVOICE + _STAMPS, "", ""),
    ("Invoice_Line__c", "Invoice Line", "a1Y", 0.1, _INVOICE_LINE + _STAMPS, "", ""),
    ("Legacy_Contract__c", "Legacy Contract", "a1Z", 0.01, _LEGACY + _STAMPS, "deprecated", ""),
    ("ActivityHistory", "Activity History", "0AH", 0, _ACTIVITY_HISTORY + _STAMPS, _UNQUERIED, ""),
)


def _odd(name: str, label: str, prefix: str, share: float, table: str, traits: str, of: str) -> ObjectType:
    associate = (name.removeprefix(of), of) if of else None
    plural = label if label.endswith(("History", "Share")) else f"{label}s"
    words = frozenset(traits.split())
    return ObjectType(name, label, plural, prefix, parse_fields(table), share, True, words, associate)


EXTENDED: tuple[ObjectType, ...] = tuple(_odd(*kind) for kind in _KINDS_OF_OBJECT)
"""Hidden until they are asked for."""

ARCHIVED = ("Task", "Event")
"""Objects whose old records are archived: queryAll shows them and query does not, once they have the field."""

_NOUNS = (
    "Asset",
    "Audit",
    "Batch",
    "Budget",
    "Claim",
    "Course",
    "Device",
    "Fleet",
    "Grant",
    "Lease",
    "Ledger",
    "Survey",
)
_KINDS = ("Entry", "Item", "Line", "Log", "Plan", "Request", "Result", "Step", "Summary", "Task")
_COLUMNS = """
Account__c  | Account        | reference Account Account__r | account | null=10
Amount__c   | Amount         | currency 16,2 | money        | null=10
Rate__c     | Rate           | percent 5,2   | percent2     | null=10
Count__c    | Count          | double 9,0    | small_number | null=10
Starts_On__c | Starts On     | date          | recent_date  | null=10
Checked_At__c | Checked At   | datetime      | past_moment  | null=10
Stage__c    | Stage          | picklist Open;Running;Done | pick | null=5
Tags__c     | Tags           | multipicklist Red;Green;Blue | multipick | null=40
Mail__c     | Mail           | email 80      | email        | null=20
Notes__c    | Notes          | textarea 32768 | prose       | null=40
Active__c   | Active         | boolean       | maybe        | -
Code__c     | Code           | string 40     | number_text  | external
"""
_OWN = """
Id          | Record ID      | id            | id       | system
IsDeleted   | Deleted        | boolean       | deleted  | system
OwnerId     | Owner ID       | reference User Owner | user | required
Name        | Name           | string 80     | product  | null=2 name
"""
MOST_EXTRA = 3_000
_FIRST_PREFIX = 3 * 62


def extra_objects(count: int) -> Iterator[ObjectType]:
    """So many made-up custom objects with a dozen fields each, always the same ones."""
    before, columns, after = parse_fields(_OWN), parse_fields(_COLUMNS), parse_fields(_STAMPS)
    for number in range(count):
        noun, kind = _NOUNS[number % len(_NOUNS)], _KINDS[number // len(_NOUNS) % len(_KINDS)]
        high, low = divmod(_FIRST_PREFIX + number, 62)
        # Each object leaves out one of the columns, so that they are not all alike.
        own: tuple[Field, ...] = tuple(item for place, item in enumerate(columns) if place != number % len(columns))
        yield ObjectType(
            f"{noun}_{kind}_{number:04d}__c",
            f"{noun} {kind} {number:04d}",
            f"{noun} {kind}s {number:04d}",
            f"a{DIGITS[high]}{DIGITS[low]}",
            (*before, *own, *after),
        )

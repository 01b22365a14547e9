"""The objects of the sandbox's organisation as field tables."""

from durable_sandbox.objects import ObjectType, parse_fields

_SYSTEM = """
CreatedDate      | Created Date          | datetime            | created  | system
CreatedById      | Created By ID         | reference User CreatedBy      | user | system
LastModifiedDate | Last Modified Date    | datetime            | modified | system
LastModifiedById | Last Modified By ID   | reference User LastModifiedBy | user | system
SystemModstamp   | System Modstamp       | datetime            | stamp    | system
"""

_KEY = """
Id        | {label} ID | id      | id      | system
IsDeleted | Deleted    | boolean | deleted | system
"""

_ADDRESS = """
{p}Street          | {q} Street           | textarea 255 | street   | null=8 of={p}Address
{p}City            | {q} City             | string 40    | city     | null=6 of={p}Address
{p}State           | {q} State/Province   | string 80    | state    | null=20 of={p}Address
{p}PostalCode      | {q} Zip/Postal Code  | string 20    | postcode | null=8 of={p}Address
{p}Country         | {q} Country          | string 80    | country  | null=5 of={p}Address
{p}Latitude        | {q} Latitude         | double 18,15 | latitude | null=70 of={p}Address
{p}Longitude       | {q} Longitude        | double 18,15 | longitude | null=70 of={p}Address
{p}GeocodeAccuracy | {q} Geocode Accuracy | picklist @geocode | pick | null=70 of={p}Address restricted
{p}Address         | {q} Address          | address      | null     | -
"""

_PERSON = """
LastName   | Last Name  | string 80 | last  | required of=Name person
FirstName  | First Name | string 40 | first | null=4 of=Name person
Salutation | Salutation | picklist Mr.;Ms.;Mrs.;Dr.;Prof.;Mx. | pick | null=40 of=Name person
Name       | Full Name  | string 121 | person_name | system required name person
"""

_ACCOUNT = """
MasterRecordId | Master Record ID | reference Account MasterRecord | null | system
Name           | Account Name     | string 255 | company | required name
Type           | Account Type     | picklist @account_type | pick | null=10
ParentId       | Parent Account ID | reference Account Parent | null | -
{billing}
{shipping}
Phone          | Account Phone    | phone 40   | phone    | null=5
Fax            | Account Fax      | phone 40   | phone    | null=80
AccountNumber  | Account Number   | string 40  | number_text | null=15
Website        | Website          | url 255    | website  | null=12
Sic            | SIC Code         | string 20  | digits4  | null=60
Industry       | Industry         | picklist @industry | pick | null=8
AnnualRevenue  | Annual Revenue   | currency 18,0 | money  | null=10
NumberOfEmployees | Employees     | int 8      | headcount | null=10
Ownership      | Ownership        | picklist Public;Private;Subsidiary;Other | pick | null=30
TickerSymbol   | Ticker Symbol    | string 20  | ticker   | null=85
Description    | Account Description | textarea 32000 | prose | null=35
Rating         | Account Rating   | picklist Hot;Warm;Cold | pick | null=25
Site           | Account Site     | string 80  | messy    | null=70
OwnerId        | Owner ID         | reference User Owner | user | required
AccountSource  | Account Source   | picklist @lead_source | pick | null=30
YearStarted    | Year Started     | string 4   | year     | null=50
LastActivityDate | Last Activity  | date       | recent_date | system null=40
Customer_Priority__c | Customer Priority | picklist High;Low;Medium | pick | null=20
SLA__c         | SLA              | picklist Gold;Silver;Platinum;Bronze | pick | null=30
SLA_Expiration_Date__c | SLA Expiration Date | date | future_date | null=35
Number_of_Locations__c | Number of Locations | double 3,0 | small_number | null=30
Active__c      | Active           | picklist No;Yes | pick | null=10
"""

_CONTACT = """
MasterRecordId | Master Record ID | reference Contact MasterRecord | null | system
AccountId      | Account ID       | reference Account Account | account | null=3
{person}
External_ID__c | External ID      | string 40  | external_id | external
Email          | Email            | email 80   | email    | null=2
Phone          | Business Phone   | phone 40   | phone    | null=8
MobilePhone    | Mobile Phone     | phone 40   | phone    | null=40
Fax            | Business Fax     | phone 40   | phone    | null=90
{mailing}
ReportsToId    | Reports To ID    | reference Contact ReportsTo | null | -
Title          | Title            | string 128 | title    | null=10
Department     | Department       | string 80  | messy    | null=25
LeadSource     | Lead Source      | picklist @lead_source | pick | null=25 length=255
Birthdate      | Birthdate        | date       | birthdate | null=30
Description    | Contact Description | textarea 32000 | prose | null=60
HasOptedOutOfEmail | Email Opt Out | boolean   | maybe    | -
DoNotCall      | Do Not Call      | boolean    | maybe    | -
OwnerId        | Owner ID         | reference User Owner | user | required
LastActivityDate | Last Activity  | date       | recent_date | system null=50
Languages__c   | Languages        | multipicklist English;German;French;Spanish;Japanese | multipick | null=60
Level__c       | Level            | picklist Primary;Secondary;Tertiary | pick | null=30
"""

_LEAD = """
{person}
Title      | Title        | string 128 | title   | null=15
Company    | Company      | string 255 | company | required
{address}
Phone      | Phone        | phone 40   | phone   | null=15
Email      | Email        | email 80   | email   | null=8
LeadSource | Lead Source  | picklist @lead_source | pick | null=20
Status     | Status       | picklist @lead_status | pick | required default=0 length=255
Rating     | Rating       | picklist Hot;Warm;Cold | pick | null=40 length=255
AnnualRevenue | Annual Revenue | currency 18,0 | money | null=50
NumberOfEmployees | Employees | int 8     | headcount | null=40
OwnerId    | Owner ID     | reference User Owner | user | required
Description | Description | textarea 32000 | prose | null=60
"""

_OPPORTUNITY = """
AccountId   | Account ID  | reference Account Account | account | null=4
Name        | Name        | string 120 | deal   | required name
Description | Description | textarea 32000 | prose | null=60
StageName   | Stage       | picklist @stage | pick | required length=255
Amount      | Amount      | currency 18,2 | money | null=10
Probability | Probability (%) | percent 3,0 | percent | null=2
CloseDate   | Close Date  | date       | recent_date | required
Type        | Opportunity Type | picklist @deal_type | pick | null=20 length=255
NextStep    | Next Step   | string 255 | messy  | null=70
LeadSource  | Lead Source | picklist @lead_source | pick | null=30 length=255
IsClosed    | Closed      | boolean    | maybe  | readonly
IsWon       | Won         | boolean    | maybe  | readonly
OwnerId     | Owner ID    | reference User Owner | user | required
CampaignId  | Campaign ID | reference Campaign Campaign | campaign | null=60
Weighted_Amount__c | Weighted Amount | currency 18,2 | weighted | calculated
"""

_CASE = """
CaseNumber  | Case Number | string 30  | case_number | system required name
ContactId   | Contact ID  | reference Contact Contact | contact | null=10
AccountId   | Account ID  | reference Account Account | account | null=10
Type        | Case Type   | picklist @case_type | pick | null=20
Status      | Status      | picklist New;Working;Escalated;Closed | pick | default=0
Reason      | Case Reason | picklist @case_reason | pick | null=25
Origin      | Case Origin | picklist Phone;Email;Web | pick | null=5
Priority    | Priority    | picklist High;Medium;Low | pick | default=1
Subject     | Subject     | string 255 | subject | null=3
Description | Description | textarea 32000 | prose | null=30
ClosedDate  | Closed Date | datetime   | past_moment | null=50 readonly
OwnerId     | Owner ID    | reference User Owner | user | required
"""

_TASK = """
WhoId        | Name ID        | reference Contact,Lead Who | contact | null=20
WhatId       | Related To ID  | reference Account,Opportunity What | account | null=20
Subject      | Subject        | combobox 255 | subject | null=2 name activity
ActivityDate | Due Date Only  | date         | recent_date | null=10
Status       | Status         | picklist @task_status | pick | required default=0
Priority     | Priority       | picklist High;Normal;Low | pick | required default=1
Description  | Description    | textarea 32000 | prose | null=60
OwnerId      | Assigned To ID | reference User Owner | user | required
AccountId    | Account ID     | reference Account Account | account | null=30 readonly
IsClosed     | Closed         | boolean      | maybe | readonly
"""

_EVENT = """
WhoId             | Name ID         | reference Contact,Lead Who | contact | null=20
WhatId            | Related To ID   | reference Account,Opportunity What | account | null=20
Subject           | Subject         | combobox 255 | subject | null=2 name activity
Location          | Location        | string 255   | city    | null=40
IsAllDayEvent     | All-Day Event   | boolean      | maybe   | -
StartDateTime     | Start Date Time | datetime     | past_moment | null=2
DurationInMinutes | Duration        | int 8        | minutes | -
Description       | Description     | textarea 32000 | prose | null=60
OwnerId           | Assigned To ID  | reference User Owner | user | required
"""

_USER = """
Username   | Username  | string 80 | username | required
{person}
Email      | Email     | email 128 | email    | required
Title      | Title     | string 80 | title    | null=10
Department | Department | string 80 | messy   | null=30
IsActive   | Active    | boolean   | true     | -
TimeZoneSidKey | Time Zone | picklist @time_zone | pick | required
LanguageLocaleKey | Language | picklist en_US;de;fr;es;ja | pick | required
LastLoginDate | Last Login | datetime | past_moment | null=5
"""

_PRODUCT = """
Name         | Product Name        | string 255 | product | required name
ProductCode  | Product Code        | string 255 | number_text | null=5
Description  | Product Description | textarea 4000 | prose | null=40
IsActive     | Active              | boolean    | maybe   | -
Family       | Product Family      | picklist Hardware;Software;Services;Support | pick | null=10
QuantityUnitOfMeasure | Quantity Unit Of Measure | picklist Each;Box;Hour | pick | null=30
"""

_CAMPAIGN = """
Name         | Name          | string 80 | product | required name
Type         | Type          | picklist @campaign_type | pick | null=5
Status       | Status        | picklist @campaign_status | pick | null=5
StartDate    | Start Date    | date      | recent_date | null=10
EndDate      | End Date      | date      | future_date | null=20
BudgetedCost | Budgeted Cost | currency 18,0 | money | null=20
ActualCost   | Actual Cost   | currency 18,0 | money | null=30
IsActive     | Active        | boolean   | maybe   | -
Description  | Description   | textarea 32000 | prose | null=50
OwnerId      | Owner ID      | reference User Owner | user | required
"""

_ORDER = """
OrderNumber   | Order Number     | string 30 | case_number | system required name
AccountId     | Account ID       | reference Account Account | account | required
EffectiveDate | Order Start Date | date      | recent_date | required
EndDate       | Order End Date   | date      | future_date | null=30
Status        | Status           | picklist Draft;Activated | pick | required
Type          | Order Type       | picklist New;Renewal;Replacement | pick | null=30
TotalAmount   | Order Amount     | currency 18,2 | money | null=5
Description   | Description      | textarea 32000 | prose | null=60
OwnerId       | Owner ID         | reference User Owner | user | required
"""

_HEALTH = """
OwnerId           | Owner ID         | reference User Owner | user | required
Name              | Health Record Number | string 80 | health_number | system required name
Account__c        | Account          | reference Account Account__r | account | required
Health_Score__c   | Health Score     | double 5,2 | score   | null=4
Health_Status__c  | Health Status    | picklist Green;Yellow;Red | pick | null=6
Last_Review__c    | Last Review      | date       | recent_date | null=15
Next_Review_At__c | Next Review At   | datetime   | past_moment | null=30
Notes__c          | Notes            | textarea 32768 | prose | null=30
Monthly_Revenue__c | Monthly Revenue | currency 18,2 | money | null=8
Churn_Risk__c     | Churn Risk       | percent 5,2 | percent2 | null=10
Open_Tickets__c   | Open Tickets     | double 4,0 | small_number | null=5
Is_Strategic__c   | Strategic        | boolean    | maybe   | -
"""

_ORGANIZATION = """
Name             | Name              | string 80 | organization_name | required name
PrimaryContact   | Primary Contact   | string 80 | first  | -
OrganizationType | Edition           | picklist Enterprise Edition | pick | -
InstanceName     | Instance Name     | string 5  | instance | -
IsSandbox        | Is Sandbox        | boolean   | true   | -
LanguageLocaleKey | Language         | picklist en_US | pick | -
TimeZoneSidKey   | Time Zone         | picklist Etc/UTC | pick | -
"""

_BLOCKS = {
    "person": _PERSON,
    "billing": _ADDRESS.format(p="Billing", q="Billing"),
    "shipping": _ADDRESS.format(p="Shipping", q="Shipping"),
    "mailing": _ADDRESS.format(p="Mailing", q="Mailing"),
    "address": _ADDRESS.format(p="", q=""),
}


def _object(
    name: str,
    label: str,
    plural: str,
    prefix: str,
    share: float,
    table: str,
    recycles: bool = True,
    listed: bool = True,
) -> ObjectType:
    key = _KEY if recycles else _KEY.split("\nIsDeleted", maxsplit=1)[0]
    text = key.format(label=label) + table.format(**_BLOCKS) + _SYSTEM
    return ObjectType(name, label, plural, prefix, parse_fields(text), share, listed)


OBJECTS: tuple[ObjectType, ...] = (
    _object("Organization", "Organization", "Organizations", "00D", 0, _ORGANIZATION, recycles=False, listed=False),
    _object("User", "User", "Users", "005", 0.005, _USER, recycles=False),
    _object("Account", "Account", "Accounts", "001", 0.2, _ACCOUNT),
    _object("Contact", "Contact", "Contacts", "003", 1.0, _CONTACT),
    _object("Lead", "Lead", "Leads", "00Q", 0.05, _LEAD),
    _object("Product2", "Product", "Products", "01t", 0.01, _PRODUCT),
    _object("Campaign", "Campaign", "Campaigns", "701", 0.005, _CAMPAIGN),
    _object("Opportunity", "Opportunity", "Opportunities", "006", 0.05, _OPPORTUNITY),
    _object("Case", "Case", "Cases", "500", 0.05, _CASE),
    _object("Order", "Order", "Orders", "801", 0.02, _ORDER),
    _object("Task", "Task", "Tasks", "00T", 0.05, _TASK),
    _object("Event", "Event", "Events", "00U", 0.02, _EVENT),
    _object("Customer_Health__c", "Customer Health", "Customer Health", "a0X", 0.2, _HEALTH),
)
"""Every object, parents before the children that refer to them."""

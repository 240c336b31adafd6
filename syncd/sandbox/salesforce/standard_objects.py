"""The standard objects of the fake org, as a table: prefix, flags, then one field a line.

A line is `Name type[:length][>Target,Target] [w] [!] [=a|b|c] [@Compound]`: w writeable, ! required, = picklist values.
The flags are `bin` (soft delete), `merge`, `create`, `update`. It is data; schema.py reads it.
"""

from __future__ import annotations

_INDUSTRIES = (
    "Agriculture|Apparel|Banking|Biotechnology|Chemicals|Communications|Construction|Consulting|Education|Electronics|"
    "Energy|Engineering|Entertainment|Environmental|Finance|Food & Beverage|Government|Healthcare|Hospitality|"
    "Insurance|Machinery|Manufacturing|Media|Not For Profit|Recreation|Retail|Shipping|Technology|Telecommunications|"
    "Transportation|Utilities|Other"
)

_ACCOUNT_TYPES = (
    "Prospect|Customer - Direct|Customer - Channel|Channel Partner / Reseller|"
    "Installation Partner|Technology Partner|Other"
)
_TEAM_ROLES = (
    "Account Manager|Channel Manager|Executive Sponsor|Lead Qualifier|Pre-Sales Consultant|Sales Manager|Sales Rep"
)
_USER_TYPES = "Standard|PowerPartner|CSPLitePortal|CustomerSuccess|PowerCustomerSuccess|CsnOnly|Guest|AutomatedProcess"


def _address(prefix: str, compound: str) -> str:
    """The parts of a compound address and the address itself (salesforce.md 2.1)."""
    parts = ("Street textarea:255", "City string:40", "State string:80", "PostalCode string:20", "Country string:80")
    lines = [f"{prefix}{part} w @{compound}" for part in parts]
    lines += [f"{prefix}StateCode picklist w @{compound}", f"{prefix}CountryCode picklist w @{compound}"]
    return "\n".join([*lines, f"{compound} address"])


_ACCOUNT = f"""
Name string:255 w !
OwnerId reference>User w !
ParentId reference>Account w
Type picklist w ={_ACCOUNT_TYPES}
Industry picklist w ={_INDUSTRIES}
NumberOfEmployees int w
AnnualRevenue currency w
CurrencyIsoCode picklist w
Website url:255 w
Phone phone:40 w
Fax phone:40 w
Rating picklist w =Hot|Warm|Cold
Ownership picklist w =Public|Private|Subsidiary|Other
AccountNumber string:40 w
AccountSource picklist w =Web|Phone Inquiry|Partner Referral|Purchased List|Other
Site string:80 w
Sic string:20 w
TickerSymbol string:20 w
Description textarea:32000 w
RecordTypeId reference>RecordType w
IsPersonAccount boolean
LastActivityDate date
{_address("Billing", "BillingAddress")}
{_address("Shipping", "ShippingAddress")}
"""

_STAGES = (
    "Prospecting|Qualification|Needs Analysis|Value Proposition|Id. Decision Makers|Perception Analysis|"
    "Proposal/Price Quote|Negotiation/Review|Closed Won|Closed Lost"
)

_OPPORTUNITY = f"""
Name string:120 w !
AccountId reference>Account w
OwnerId reference>User w !
StageName picklist w ! ={_STAGES}
Amount currency w
CurrencyIsoCode picklist w
CloseDate date w !
Type picklist w =Existing Customer - Upgrade|Existing Customer - Replacement|New Customer
Probability percent w
ForecastCategory picklist =Omitted|Pipeline|BestCase|MostLikely|Forecast|Closed
ForecastCategoryName picklist w =Omitted|Pipeline|Best Case|Most Likely|Commit|Closed
IsClosed boolean
IsWon boolean
ExpectedRevenue currency
LeadSource picklist w =Web|Phone Inquiry|Partner Referral|Purchased List|Other
NextStep string:255 w
Description textarea:32000 w
RecordTypeId reference>RecordType w
Territory2Id reference>Territory2 w
IsExcludedFromTerritory2Filter boolean w
FiscalYear int
FiscalQuarter int
LastActivityDate date
"""

_USER = f"""
Username string:80 w !
Name string:121
FirstName string:40 w
LastName string:80 w !
Alias string:8 w
Email email:128 w !
IsActive boolean w
UserType picklist ={_USER_TYPES}
UserRoleId reference>UserRole w
ProfileId reference>Profile w
ManagerId reference>User w
Title string:80 w
Department string:80 w
Division string:80 w
CompanyName string:80 w
EmployeeNumber string:20 w
City string:40 w
State string:80 w
Country string:80 w
PostalCode string:20 w
TimeZoneSidKey picklist w =UTC|Europe/Berlin|Europe/London|America/New_York|America/Los_Angeles|Asia/Tokyo
LocaleSidKey picklist w =en_US|en_GB|de_DE
LanguageLocaleKey picklist w =en_US|de
FederationIdentifier string:512 w
LastLoginDate datetime
"""

_LEAD = f"""
LastName string:80 w !
FirstName string:40 w
Name string:121
Company string:255 w !
Email email:80 w
Phone phone:40 w
Website url:255 w
Title string:128 w
OwnerId reference>User,Group w !
Status picklist w ! =Open - Not Contacted|Working - Contacted|Closed - Converted|Closed - Not Converted
LeadSource picklist w =Web|Phone Inquiry|Partner Referral|Purchased List|Other
Industry picklist w ={_INDUSTRIES}
Rating picklist w =Hot|Warm|Cold
NumberOfEmployees int w
AnnualRevenue currency w
CurrencyIsoCode picklist w
Street textarea:255 w @Address
City string:40 w @Address
State string:80 w @Address
PostalCode string:20 w @Address
Country string:80 w @Address
StateCode picklist w @Address
CountryCode picklist w @Address
Address address
IsConverted boolean
ConvertedDate date
ConvertedAccountId reference>Account
ConvertedContactId reference>Contact
ConvertedOpportunityId reference>Opportunity
Description textarea:32000 w
RecordTypeId reference>RecordType w
LastActivityDate date
"""

_CONTACT = f"""
LastName string:80 w !
FirstName string:40 w
Name string:121
AccountId reference>Account w
OwnerId reference>User w !
ReportsToId reference>Contact w
Email email:80 w
Phone phone:40 w
MobilePhone phone:40 w
Title string:128 w
Department string:80 w
LeadSource picklist w =Web|Phone Inquiry|Partner Referral|Purchased List|Other
Description textarea:32000 w
LastActivityDate date
{_address("Mailing", "MailingAddress")}
"""

_TASK = """
Subject combobox:255 w
OwnerId reference>User,Group w !
AccountId reference>Account
WhatId reference>Account,Opportunity w
WhoId reference>Contact,Lead w
Status picklist w ! =Not Started|In Progress|Completed|Waiting on someone else|Deferred
Priority picklist w ! =High|Normal|Low
ActivityDate date w
IsClosed boolean
IsHighPriority boolean
IsArchived boolean
TaskSubtype picklist w =Task|Email|Call
Description textarea:32000 w
"""

_ACCESS = "=None|Read|Edit|All"

_ACCOUNT_TEAM = f"""
AccountId reference>Account w !
UserId reference>User w !
TeamMemberRole picklist w ={_TEAM_ROLES}
AccountAccessLevel picklist w {_ACCESS}
OpportunityAccessLevel picklist w {_ACCESS}
CaseAccessLevel picklist w {_ACCESS}
ContactAccessLevel picklist w {_ACCESS}
"""

_OPPORTUNITY_TEAM = f"""
OpportunityId reference>Opportunity w !
UserId reference>User w !
Name string:361
TeamMemberRole picklist w ={_TEAM_ROLES}
OpportunityAccessLevel picklist w {_ACCESS}
"""

_ACCOUNT_SHARE = f"""
AccountId reference>Account w !
UserOrGroupId reference>User,Group w !
AccountAccessLevel picklist w {_ACCESS}
OpportunityAccessLevel picklist w {_ACCESS}
CaseAccessLevel picklist w {_ACCESS}
ContactAccessLevel picklist w {_ACCESS}
RowCause picklist w =Owner|Manual|Rule|Team|ImplicitParent|Territory2AssociationManual
"""

_ORGANIZATION = """
Name string:80
OrganizationType picklist =Developer Edition|Enterprise Edition|Unlimited Edition
InstanceName string:10
IsSandbox boolean
PrimaryContact string:80
Country string:80
TimeZoneSidKey picklist
DefaultLocaleSidKey picklist
LanguageLocaleKey picklist
FiscalYearStartMonth int
NamespacePrefix string:15
TrialExpirationDate datetime
"""

STANDARD_OBJECTS: dict[str, tuple[str, str, str]] = {
    "Organization": ("00D", "", _ORGANIZATION),
    "User": ("005", "create update", _USER),
    "Account": ("001", "bin merge create update", _ACCOUNT),
    "Opportunity": ("006", "bin create update", _OPPORTUNITY),
    "Lead": ("00Q", "bin merge create update", _LEAD),
    "Contact": ("003", "bin merge create update", _CONTACT),
    "Task": ("00T", "bin create update", _TASK),
    "AccountTeamMember": ("01M", "bin create update", _ACCOUNT_TEAM),
    "OpportunityTeamMember": ("00q", "bin create update", _OPPORTUNITY_TEAM),
    "AccountShare": ("00r", "bin create update", _ACCOUNT_SHARE),
    "Group": ("00G", "", "Name string:40\nDeveloperName string:80\nType picklist =Regular|Queue|Role\nEmail email"),
    "UserRole": ("00E", "", "Name string:80\nDeveloperName string:80\nParentRoleId reference>UserRole"),
    "Profile": ("00e", "", "Name string:255\nUserType picklist =Standard"),
    "RecordType": (
        "012",
        "",
        "Name string:80\nDeveloperName string:80\nSobjectType picklist =Account|Opportunity|Lead\nIsActive boolean",
    ),
}
